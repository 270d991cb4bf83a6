// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "disk_log.h"
#include "iov.h"

struct log_disk {
	struct disk disk;
	struct disk *inner;
	int fd;			/* of the record; -1 if no more can be written */
	uint64_t sequence;
};

/**
 * struct logged - a request that will be recorded
 * @request: as the inner disk gets it
 * @outer: as it came
 * @log: whose
 * @submitted: its number
 * @data: what is written
 */
struct logged {
	struct disk_request request;
	struct disk_request *outer;
	struct log_disk *log;
	uint64_t submitted;
	struct iovec data;
};

static struct log_disk *log_disk_of(const struct disk *disk)
{
	return (struct log_disk *)disk;
}

/* ---- The record ---- */

static int put(int fd, const void *bytes, size_t size)
{
	while (size) {
		ssize_t n = write(fd, bytes, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		bytes = (const char *)bytes + n;
		size -= (size_t)n;
	}
	return 0;
}

static uint32_t log_op(enum disk_op op)
{
	switch (op) {
	case DISK_WRITE:
		return DISK_LOG_WRITE;
	case DISK_FLUSH:
		return DISK_LOG_FLUSH;
	case DISK_DISCARD:
		return DISK_LOG_DISCARD;
	default:
		return DISK_LOG_ZERO;
	}
}

/* One that cannot be written is the last: what is before it is true all the same. */
static void record(const struct logged *logged, int error)
{
	const struct disk_request *request = logged->outer;
	struct log_disk *log = logged->log;
	const bool can_sync = request->op == DISK_WRITE || request->op == DISK_ZERO;
	const struct disk_log_record row = {
		.op = log_op(request->op),
		.flags = (can_sync && request->sync ? DISK_LOG_SYNC : 0) |
			 (request->op == DISK_ZERO && request->may_unmap ? DISK_LOG_MAY_UNMAP : 0),
		.error = error,
		.submitted = logged->submitted,
		.completed = log->sequence++,
		.offset = request->offset,
		.size = request->size,
	};

	if (log->fd < 0)
		return;
	if (!put(log->fd, &row, sizeof(row)) &&
	    !put(log->fd, logged->data.iov_base, logged->data.iov_len))
		return;
	fprintf(stderr, "minivmx: the log of a disk ends here: %s\n", strerror(errno));
	close(log->fd);
	log->fd = -1;
}

/* ---- Requests ---- */

static void on_done(struct disk_request *request, int error)
{
	struct logged *logged = (struct logged *)request;
	struct disk_request *outer = logged->outer;

	record(logged, error);
	free(logged->data.iov_base);
	free(logged);
	outer->done(outer, error);
}

static struct logged *new_logged(struct log_disk *log, struct disk_request *outer)
{
	struct logged *logged = calloc(1, sizeof(*logged));

	if (!logged)
		return NULL;
	*logged = (struct logged) { .request = *outer, .outer = outer, .log = log };
	logged->request.done = on_done;
	if (outer->op != DISK_WRITE)
		return logged;
	logged->data = (struct iovec) { malloc(outer->size), outer->size };
	if (!logged->data.iov_base) {
		free(logged);
		return NULL;
	}
	iov_read(outer->iov, outer->nr, 0, logged->data.iov_base, outer->size);
	return logged;
}

static void log_submit(struct disk *disk, struct disk_request *request)
{
	struct log_disk *log = log_disk_of(disk);
	struct logged *logged;

	if (request->op == DISK_READ) {
		log->inner->ops->submit(log->inner, request);
		return;
	}
	logged = new_logged(log, request);
	if (!logged) {
		request->done(request, -ENOMEM);
		return;
	}
	/* Elements are used up: the record has its own. */
	if (request->op == DISK_WRITE) {
		request->iov[0] = logged->data;
		logged->request.iov = request->iov;
		logged->request.nr = 1;
	}
	logged->submitted = log->sequence++;
	log->inner->ops->submit(log->inner, &logged->request);
}

static void log_start(struct disk *disk)
{
	struct disk *inner = log_disk_of(disk)->inner;

	inner->ops->start(inner);
}

static int log_fd(const struct disk *disk)
{
	const struct disk *inner = log_disk_of(disk)->inner;

	return inner->ops->fd(inner);
}

static void log_process(struct disk *disk)
{
	struct disk *inner = log_disk_of(disk)->inner;

	inner->ops->process(inner);
}

static void log_give_up(struct disk *disk)
{
	struct disk *inner = log_disk_of(disk)->inner;

	if (inner->ops->give_up)
		inner->ops->give_up(inner);
}

static void log_close(struct disk *disk)
{
	struct log_disk *log = log_disk_of(disk);

	log->inner->ops->close(log->inner);
	if (log->fd >= 0)
		close(log->fd);
	free(log);
}

static const struct disk_ops log_ops = {
	.submit = log_submit,
	.start = log_start,
	.fd = log_fd,
	.process = log_process,
	.give_up = log_give_up,
	.close = log_close,
};

/* ---- Opening ---- */

static int begin(struct log_disk *log, const char *path, struct message *message)
{
	struct disk_log_header header = {
		.version = DISK_LOG_VERSION,
		.disk_size = log->inner->size,
	};

	memcpy(header.magic, DISK_LOG_MAGIC, sizeof(header.magic));
	log->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (log->fd < 0 || put(log->fd, &header, sizeof(header)))
		return fail(message, "disk log %s: %s", path, strerror(errno));
	return 0;
}

struct disk *disk_log_open(struct disk *disk, const char *path, struct message *message)
{
	struct log_disk *log = calloc(1, sizeof(*log));

	if (!log) {
		disk->ops->close(disk);
		fail(message, "out of memory");
		return NULL;
	}
	log->disk = *disk;
	log->disk.ops = &log_ops;
	log->inner = disk;
	if (begin(log, path, message)) {
		log_close(&log->disk);
		return NULL;
	}
	return &log->disk;
}
