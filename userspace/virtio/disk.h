/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is behind a block device: a file, or a server of network block devices.
 *
 * Everything is asynchronous and done in one thread: a request is submitted, and its
 * done() is called by that, or by a later disk->ops->start() or ->process(); the last has
 * something to do when disk->ops->fd() is readable.
 */
#ifndef DISK_H
#define DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "message.h"

#define SECTOR_SIZE	512

enum disk_op {
	DISK_READ,
	DISK_WRITE,
	DISK_FLUSH,	/* all writes that are done are on the medium behind it */
	DISK_DISCARD,	/* what is in the range may be forgotten */
	DISK_ZERO,	/* what is in the range is zero */
};

/**
 * struct disk_request - one request
 * @op: what to do
 * @offset: of the first byte; a multiple of SECTOR_SIZE, as @size is
 * @size: bytes
 * @iov: memory to read or write, of @size bytes; it is used up
 * @nr: elements of it
 * @sync: DISK_WRITE and DISK_ZERO: on the medium when it is done
 * @may_unmap: DISK_ZERO: the range need not be kept allocated
 * @done: called when it is, with 0 or -errno
 * @next: for whoever has it
 *
 * The range is inside of the disk. All it points to stays until @done.
 */
struct disk_request {
	enum disk_op op;
	uint64_t offset;
	uint64_t size;
	struct iovec *iov;
	unsigned int nr;
	bool sync;
	bool may_unmap;
	void (*done)(struct disk_request *request, int error);
	struct disk_request *next;
};

struct disk;

/**
 * struct disk_ops - what a disk does
 * @submit: take a request; it never fails but by its done()
 * @start: get going with all that was submitted
 * @fd: it is readable when there is something for @process
 * @process: call done() of all that is
 * @give_up: the requests in flight take too long: let them end with an error. NULL: that
 *	     cannot be done
 * @close: forget the disk; nothing is in flight
 */
struct disk_ops {
	void (*submit)(struct disk *disk, struct disk_request *request);
	void (*start)(struct disk *disk);
	int (*fd)(const struct disk *disk);
	void (*process)(struct disk *disk);
	void (*give_up)(struct disk *disk);
	void (*close)(struct disk *disk);
};

/**
 * struct disk - an open disk
 * @ops: what it does
 * @size: bytes, a multiple of SECTOR_SIZE
 * @block_size: what it is best read and written in, a power of two, at least SECTOR_SIZE
 * @read_only: writes are not for it
 * @can_discard: DISK_DISCARD and DISK_ZERO are
 */
struct disk {
	const struct disk_ops *ops;
	uint64_t size;
	unsigned int block_size;
	bool read_only;
	bool can_discard;
};

/**
 * struct disk_options - how to open a disk
 * @path: of the file, or an NBD URI
 * @read_only: do not write it
 * @direct: past the host's page cache
 * @log: the file of a record of what is written, see disk_log.h; or NULL
 */
struct disk_options {
	const char *path;
	bool read_only;
	bool direct;
	const char *log;
};

/* NULL with a message on failure. */
struct disk *disk_open(const struct disk_options *options, struct message *message);
/* Wait until there is something for process(); something is in flight. */
void disk_wait(struct disk *disk);

/* The kinds of disks, for disk_open(). */
struct disk *disk_open_file(const struct disk_options *options, struct message *message);
struct disk *disk_open_nbd(const struct disk_options *options, struct message *message);

#endif /* DISK_H */
