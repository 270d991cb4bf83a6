/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A record of what a disk was asked to write, for tests of what is left after a power cut.
 *
 * The file is a struct disk_log_header and then, for each write, flush, discard and
 * zeroing, in the order in which they completed, a struct disk_log_record, which has the
 * data behind it if it is a write. All is little-endian. One counter numbers submissions
 * and completions alike, so that any two of them can be put in order.
 *
 * A flush makes last what had completed when it was submitted, and no more: of a record R
 * and a flush F, neither of which has an error, R is on the medium when F has completed,
 * if R.completed < F.submitted. A record with DISK_LOG_SYNC is when it has completed
 * itself. Anything else that was submitted before a power cut may be there or not, its
 * sectors one by one; with an error it may, too.
 *
 * Numbers are given where a request reaches the disk and where the disk is done with it.
 * The guest submits before that and sees the completion after it, so all that it may rely
 * on follows from the numbers.
 */
#ifndef DISK_LOG_H
#define DISK_LOG_H

#include <stdint.h>

#include "disk.h"

#define DISK_LOG_MAGIC		"minivmx disk log"	/* without the NUL */
#define DISK_LOG_VERSION	1

struct disk_log_header {
	char magic[16];
	uint32_t version;
	uint32_t reserved;
	uint64_t disk_size;
};

enum disk_log_op {
	DISK_LOG_WRITE = 1,
	DISK_LOG_FLUSH,
	DISK_LOG_DISCARD,
	DISK_LOG_ZERO,
};

#define DISK_LOG_SYNC		(1 << 0)
#define DISK_LOG_MAY_UNMAP	(1 << 1)

/**
 * struct disk_log_record - one request
 * @op: enum disk_log_op
 * @flags: DISK_LOG_*
 * @error: 0 or -errno
 * @reserved: 0
 * @submitted: the number of its submission
 * @completed: of its completion, which is higher than that of the record before
 * @offset: in the disk, in bytes
 * @size: bytes
 */
struct disk_log_record {
	uint32_t op;
	uint32_t flags;
	int32_t error;
	uint32_t reserved;
	uint64_t submitted;
	uint64_t completed;
	uint64_t offset;
	uint64_t size;
};

/*
 * A disk that passes everything on to @disk, which it owns from then on, and records it in
 * the file @path. What is written is a copy: the guest may change its own meanwhile. NULL
 * with a message on failure.
 */
struct disk *disk_log_open(struct disk *disk, const char *path, struct message *message);

#endif /* DISK_LOG_H */
