/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The module's own counters, in /sys/kernel/debug/minivmx/: what it holds
 * now. All are zero when the last descriptor is closed.
 */
#ifndef MINIVMX_DEBUGFS_H
#define MINIVMX_DEBUGFS_H

#include <linux/atomic.h>

enum stat_id {
	STAT_VMS,	/* struct vm */
	STAT_VCPUS,	/* struct vcpu */
	STAT_PAGES,	/* pages of VMCSs, bitmaps, run pages, FPU areas, rings */
	STAT_EPT_PAGES,	/* EPT paging-structure pages */
	NR_STAT_IDS,
};

extern atomic_long_t stat_values[NR_STAT_IDS];

static inline void stat_inc(enum stat_id id)
{
	atomic_long_inc(&stat_values[id]);
}

static inline void stat_dec(enum stat_id id)
{
	atomic_long_dec(&stat_values[id]);
}

static inline void stat_add(enum stat_id id, long n)
{
	atomic_long_add(n, &stat_values[id]);
}

void stats_init(void);
void stats_exit(void);

#endif /* MINIVMX_DEBUGFS_H */
