/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guest's rights within one mapped range, where MINIVMX_PROTECT_MEMORY has
 * made them differ from what MAP granted.
 */
#ifndef MINIVMX_RIGHTS_H
#define MINIVMX_RIGHTS_H

#include <linux/types.h>

struct mem_region;

struct rights_step {
	u64 start;
	u32 prot;
};

/**
 * struct rights - a step function over the addresses of a range
 * @nr: steps, at most MINIVMX_MAX_RIGHTS; neighbours differ
 * @steps: ordered; each holds from its @start to the next one's or to the end of
 *	   the range; the first one starts where the range does
 *
 * Its size follows from how often rights change in the range, not from how
 * large what has them is. It is never changed: a PROTECT makes a new one.
 */
struct rights {
	unsigned int nr;
	struct rights_step steps[];
};

/* A part of a range with the same rights everywhere, as large as can be. */
struct stretch {
	u64 start;
	u64 end;
	u32 prot;
};

/* The stretch that @gpa, an address of the range, is in. */
struct stretch rights_at(const struct mem_region *r, u64 gpa);

/*
 * What @r->rights becomes when [@start, @end) of the range gets @prot: NULL if
 * nothing differs from what MAP granted any more. ERR_PTR(-ENOMEM), or -ENOSPC
 * for more than MINIVMX_MAX_RIGHTS steps. May sleep.
 */
struct rights *rights_changed(const struct mem_region *r, u64 start, u64 end, u32 prot);

#endif /* MINIVMX_RIGHTS_H */
