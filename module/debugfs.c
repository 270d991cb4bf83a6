// SPDX-License-Identifier: GPL-2.0
/* The counters of debugfs.h as files, one number each; and each vCPU's exits. */
#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/seq_file.h>

#include "debugfs.h"
#include "exit.h"
#include "vcpu.h"
#include "vm.h"

atomic_long_t stat_values[NR_STAT_IDS];

static const char * const stat_names[NR_STAT_IDS] = {
	[STAT_VMS] = "vms",
	[STAT_VCPUS] = "vcpus",
	[STAT_PAGES] = "pages",
	[STAT_EPT_PAGES] = "ept_pages",
};

static struct dentry *stats_dir;

static int stat_get(void *data, u64 *value)
{
	*value = atomic_long_read((atomic_long_t *)data);
	return 0;
}

DEFINE_DEBUGFS_ATTRIBUTE(stat_fops, stat_get, NULL, "%llu\n");

/*
 * Without the vCPU's mutex, which a RUN would have to lend: who looks costs the guest
 * no exit. Each number is whole; one may be newer than another.
 */
static int vcpu_exits_show(struct seq_file *file, void *unused)
{
	const struct vcpu *vcpu = file->private;
	u32 i;

	seq_puts(file, "reason count to_user ticks worst name\n");
	for (i = 0; i < MINIVMX_NR_EXITS; i++) {
		const struct minivmx_exit_stat *stat = &vcpu->stats[i];
		u64 count = READ_ONCE(stat->count);

		if (!count)
			continue;
		seq_printf(file, "%u %llu %llu %llu %llu %s\n", i, count,
			   READ_ONCE(stat->to_user), READ_ONCE(stat->ticks),
			   READ_ONCE(stat->worst), exit_reason_name(i));
	}
	return 0;
}

DEFINE_SHOW_ATTRIBUTE(vcpu_exits);

/* Nobody needs these files: what debugfs refuses it has said, and the VM goes on. */
void stats_add_vm(struct vm *vm)
{
	static atomic_t number;
	char name[32];

	/* A PID may come again while what it left in other hands still lives. */
	snprintf(name, sizeof(name), "%d-%u", task_tgid_nr(current),
		 (unsigned int)atomic_inc_return(&number));
	vm->stats_dir = debugfs_create_dir(name, stats_dir);
}

void stats_add_vcpu(struct vcpu *vcpu)
{
	char name[16];

	snprintf(name, sizeof(name), "vcpu%u", vcpu->id);
	debugfs_create_file(name, 0400, vcpu->vm->stats_dir, vcpu, &vcpu_exits_fops);
}

void stats_remove_vm(struct vm *vm)
{
	/* Waits for whoever is in vcpu_exits_show(); a file that is still open is dead then. */
	debugfs_remove(vm->stats_dir);
}

void stats_init(void)
{
	int i;

	/* Without debugfs these calls do nothing, which is all right. */
	stats_dir = debugfs_create_dir("minivmx", NULL);
	for (i = 0; i < NR_STAT_IDS; i++)
		debugfs_create_file(stat_names[i], 0444, stats_dir,
				    &stat_values[i], &stat_fops);
}

void stats_exit(void)
{
	debugfs_remove(stats_dir);
}
