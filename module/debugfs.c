// SPDX-License-Identifier: GPL-2.0
/* The counters of debugfs.h as files, one number each. */
#include <linux/debugfs.h>
#include <linux/fs.h>

#include "debugfs.h"

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
