/* SPDX-License-Identifier: GPL-2.0 */
/*
 * /sys/kernel/debug/minivmx/: the module's own counters, of what it holds now, which
 * are all zero when the last descriptor is closed; and a folder PID-NUMBER for each VM,
 * after the process that made it, with a file for each vCPU: its exits by reason.
 */
#ifndef MINIVMX_DEBUGFS_H
#define MINIVMX_DEBUGFS_H

#include <linux/atomic.h>

struct vcpu;
struct vm;

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

/*
 * A pair: a VM is shown from when it is whole until before anything of it goes, its
 * vCPUs included; only one that nothing can fail for any more is added.
 */
void stats_add_vm(struct vm *vm);
void stats_remove_vm(struct vm *vm);
void stats_add_vcpu(struct vcpu *vcpu);

void stats_init(void);
void stats_exit(void);

#endif /* MINIVMX_DEBUGFS_H */
