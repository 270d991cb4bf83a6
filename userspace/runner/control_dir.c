// SPDX-License-Identifier: GPL-2.0
/*
 * Sockets are reached through /proc/self/fd/DIR/: what is checked once is what is
 * used, whoever renames what, and no path is too long for a socket's address.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "control_dir.h"

#define DIRECTORY	"minivmx"
#define SUFFIX		".sock"

#define LOCK_TRIES	200
#define LOCK_PAUSE_NS	10000000L	/* 10 ms */

struct file_name {
	char text[CONTROL_NAME_MAX + sizeof(SUFFIX)];
};

/* ---- Names ---- */

static bool is_word(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (!isascii(text[i]) ||
		    (!isalnum((unsigned char)text[i]) && !strchr("-_", text[i])))
			return false;
	return len && len <= CONTROL_NAME_MAX;
}

bool control_name_is_valid(const char *name)
{
	size_t len = strlen(name);

	return is_word(name, len) && strspn(name, "0123456789") < len;
}

static struct file_name file_name(const char *name)
{
	struct file_name file;

	snprintf(file.text, sizeof(file.text), "%.*s" SUFFIX, CONTROL_NAME_MAX, name);
	return file;
}

/* Whether @file is a socket's by its name, which then is @name. */
static bool split_name(const char *file, struct control_name *name)
{
	size_t len = strlen(file), suffix = strlen(SUFFIX);

	if (len <= suffix || strcmp(file + len - suffix, SUFFIX) ||
	    !is_word(file, len - suffix))
		return false;
	memcpy(name->text, file, len - suffix);
	name->text[len - suffix] = '\0';
	return true;
}

/* ---- The directory ---- */

const char *control_base(struct message *message)
{
	const char *base = "/run";

	if (geteuid())
		base = getenv("XDG_RUNTIME_DIR");
	if (!base || base[0] != '/') {
		fail(message, "XDG_RUNTIME_DIR names no directory for control sockets");
		return NULL;
	}
	return base;
}

/* Open a directory that is ours, whose permissions are, of those in @mask, @mode. */
static int open_own(int at, const char *name, int flags, mode_t mask, mode_t mode)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags);
	struct stat stat;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &stat) || stat.st_uid != geteuid() || (stat.st_mode & mask) != mode) {
		close(fd);
		return -EPERM;
	}
	return fd;
}

int control_dir_open(const char *base, bool create, struct message *message)
{
	int dir, at = open_own(AT_FDCWD, base, 0, 0022, 0);

	if (at == -EPERM)
		fail(message, "%s is not this user's, or others may write to it", base);
	else if (at < 0)
		fail(message, "%s: %s", base, strerror(-at));
	if (at < 0)
		return at;
	/* A umask that takes rights of our own makes one that is not accepted. */
	if (create && mkdirat(at, DIRECTORY, 0700) < 0 && errno != EEXIST) {
		dir = -errno;
		fail(message, "%s/" DIRECTORY ": cannot make it: %m", base);
	} else {
		dir = open_own(at, DIRECTORY, O_NOFOLLOW, 0777, 0700);
		if (dir == -EPERM)
			fail(message, "%s/" DIRECTORY " is not this user's, or not of mode 0700",
			     base);
		else if (dir < 0)
			fail(message, "%s/" DIRECTORY ": %s", base, strerror(-dir));
	}
	close(at);
	return dir;
}

int control_dir_lock(int dir)
{
	const struct timespec pause = { .tv_nsec = LOCK_PAUSE_NS };
	int tries;

	/* Somebody stopped in the middle of it must not stop everybody else. */
	for (tries = 0; tries < LOCK_TRIES; tries++) {
		if (!flock(dir, LOCK_EX | LOCK_NB))
			return 0;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		nanosleep(&pause, NULL);
	}
	return -EWOULDBLOCK;
}

void control_dir_unlock(int dir)
{
	flock(dir, LOCK_UN);
}

/* ---- Sockets ---- */

static struct sockaddr_un address_of(int dir, const struct file_name *file)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", dir,
		 file->text);
	return address;
}

static int new_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd < 0 ? -errno : fd;
}

int control_dir_connect(int dir, const char *name)
{
	const struct file_name file = file_name(name);
	const struct sockaddr_un address = address_of(dir, &file);
	struct stat stat;
	int fd, error;

	/* connect() would follow a link. */
	if (fstatat(dir, file.text, &stat, AT_SYMLINK_NOFOLLOW))
		return -errno;
	if (!S_ISSOCK(stat.st_mode))
		return -ENOTSOCK;
	fd = new_socket();
	if (fd < 0)
		return fd;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		error = errno;
		close(fd);
		return -error;
	}
	return fd;
}

int control_dir_listen(int dir, const char *name, int backlog)
{
	const struct file_name file = file_name(name);
	const struct sockaddr_un address = address_of(dir, &file);
	int fd = new_socket(), error;

	if (fd < 0)
		return fd;
	/* A socket's file gets the mode that the socket has. */
	if (fchmod(fd, 0600) ||
	    bind(fd, (const struct sockaddr *)&address, sizeof(address))) {
		error = errno;
		close(fd);
		return -error;
	}
	if (listen(fd, backlog)) {
		error = errno;
		unlinkat(dir, file.text, 0);
		close(fd);
		return -error;
	}
	return fd;
}

int control_dir_open_log(const char *base, const char *name, struct message *message)
{
	int fd, dir = control_dir_open(base, true, message);
	struct file_name file;

	if (dir < 0)
		return dir;
	if (name)
		snprintf(file.text, sizeof(file.text), "%s.log", name);
	else
		snprintf(file.text, sizeof(file.text), "%d.log", getpid());
	fd = openat(dir, file.text, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW | O_CLOEXEC,
		    0600);
	if (fd < 0) {
		fd = -errno;
		fail(message, "%s/" DIRECTORY "/%s: cannot open: %m", base, file.text);
	}
	close(dir);
	return fd;
}

ino_t control_dir_inode(int dir, const char *name)
{
	const struct file_name file = file_name(name);
	struct stat stat;

	return fstatat(dir, file.text, &stat, AT_SYMLINK_NOFOLLOW) ? 0 : stat.st_ino;
}

void control_dir_remove(int dir, const char *name)
{
	const struct file_name file = file_name(name);

	unlinkat(dir, file.text, 0);
}

int control_dir_for_each(int dir, int (*each)(void *context, int dir, const char *name),
			 void *context)
{
	struct control_name name;
	struct dirent *entry;
	/* Not a duplicate, which would share the position and the lock. */
	int ret = 0, fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);

	if (!stream) {
		ret = -errno;
		if (fd >= 0)
			close(fd);
		return ret;
	}
	while (!ret && (entry = readdir(stream)))
		if (split_name(entry->d_name, &name))
			ret = each(context, dir, name.text);
	closedir(stream);
	return ret;
}

/*
 * Only a socket on which nobody listens refuses a connection, and nobody is
 * between bind() and listen() while we have the lock.
 */
static int remove_if_dead(void *context, int dir, const char *name)
{
	int fd = control_dir_connect(dir, name);

	(void)context;
	if (fd >= 0)
		close(fd);
	else if (fd == -ECONNREFUSED)
		control_dir_remove(dir, name);
	return 0;
}

void control_dir_sweep(int dir)
{
	control_dir_for_each(dir, remove_if_dead, NULL);
}
