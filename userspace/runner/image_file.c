// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image_file.h"

#define FIRST_CAPACITY	(64UL << 10)

/* A device such as /dev/zero has no end, a socket no beginning. */
static int check_kind(const char *path, const struct stat *status,
		      struct message *message)
{
	if (S_ISREG(status->st_mode) || S_ISFIFO(status->st_mode))
		return 0;
	return fail(message, "%s: %s", path, S_ISDIR(status->st_mode) ?
		    "is a directory" : "is not a regular file");
}

/* Double what is allocated, so that a pipe's length need not be known. */
static int grow(uint8_t **data, size_t *capacity)
{
	uint8_t *larger = realloc(*data, *capacity * 2);

	if (!larger)
		return -1;
	*data = larger;
	*capacity *= 2;
	return 0;
}

static int read_all(int fd, const char *path, size_t capacity, uint64_t limit,
		    struct bytes *bytes, struct message *message)
{
	uint8_t *data = malloc(capacity);
	size_t size = 0;
	ssize_t n;

	if (!data)
		goto no_memory;
	for (;;) {
		if (size == capacity && grow(&data, &capacity))
			goto no_memory;
		n = read(fd, data + size, capacity - size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		size += (size_t)n;
		if (size > limit) {
			free(data);
			return fail(message, "%s: too large: it has more than %s",
				    path, format_size(limit).text);
		}
	}
	if (n < 0) {
		fail(message, "%s: cannot read: %s", path, strerror(errno));
		free(data);
		return -1;
	}
	bytes->data = data;
	bytes->size = size;
	return 0;

no_memory:
	free(data);
	return fail(message, "%s: no memory to read it", path);
}

int read_file(const char *path, uint64_t limit, struct bytes *bytes,
	      struct message *message)
{
	size_t capacity = FIRST_CAPACITY;
	struct stat status;
	int fd, ret;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return fail(message, "%s: cannot open: %s", path, strerror(errno));
	if (fstat(fd, &status) < 0)
		ret = fail(message, "%s: cannot stat: %s", path, strerror(errno));
	else
		ret = check_kind(path, &status, message);
	if (!ret && (uint64_t)status.st_size > limit)
		ret = fail(message, "%s: too large: it has %s, at most %s are possible",
			   path, format_size((uint64_t)status.st_size).text,
			   format_size(limit).text);
	/* One more than there is, to see the end without growing. */
	if (!ret && (size_t)status.st_size >= capacity)
		capacity = (size_t)status.st_size + 1;
	if (!ret)
		ret = read_all(fd, path, capacity, limit, bytes, message);
	close(fd);
	return ret;
}

const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}
