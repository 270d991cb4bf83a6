/* SPDX-License-Identifier: GPL-2.0 */
/* The exit records of a vCPU, read one after another while it runs. */
#ifndef TRACE_RING_H
#define TRACE_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "libminivmx.h"
#include "message.h"

#define TRACE_RECORDS	4096	/* room in a ring by default */

/**
 * struct trace_ring - a ring that is read
 * @fd: the vCPU's descriptor
 * @id: its number
 * @nr: records there is room for
 * @is_ours: it was turned on here
 * @ring: the ring
 * @next: number of the next record to read
 * @limit: no record behind that is read
 * @gap: records that were lost before the next one
 * @has_record: the next one has been read
 * @record: the next one then
 */
struct trace_ring {
	int fd;
	uint32_t id;
	uint32_t nr;
	bool is_ours;
	const struct minivmx_ring *ring;
	uint64_t next;
	uint64_t limit;
	uint64_t gap;
	bool has_record;
	struct minivmx_record record;
};

/*
 * Turn a vCPU's ring on, with room for @nr records, and read from its first one. If
 * there is one already, read what comes from now on: -EBUSY if @nr is not its size;
 * 0 takes any, and makes one of TRACE_RECORDS. 0 or -errno with a message.
 */
int trace_ring_open(struct trace_ring *ring, int fd, uint32_t id, uint32_t nr,
		    struct message *message);
/* Turn it off, if it was turned on here. */
void trace_ring_close(struct trace_ring *ring);

/*
 * Look for a record: true if there is one in @record, or records in @gap are known to
 * be lost. One that waits for its entry is only taken if a newer one is there, or
 * after trace_ring_stop().
 */
bool trace_ring_look(struct trace_ring *ring);
/* Go on to the one after @record; @gap is the caller's to reset. */
void trace_ring_take(struct trace_ring *ring);

/* What is recorded from now on is of no interest. */
void trace_ring_stop(struct trace_ring *ring);
/* It is still the vCPU's: nobody else has turned it off. */
bool trace_ring_is_on(const struct trace_ring *ring);

#endif /* TRACE_RING_H */
