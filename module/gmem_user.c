// SPDX-License-Identifier: GPL-2.0
/*
 * What a program may see of its VM's EPT. The protocol by which that follows
 * the process's memory is gmem.c's.
 */
#include <linux/capability.h>
#include <linux/kernel.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "ept.h"
#include "gmem.h"
#include "vm.h"

int gmem_walk(struct vm *vm, struct minivmx_walk *walk)
{
	u64 entries[EPT_LEVELS] = {};
	int levels, leaf, i;

	static_assert(sizeof(entries) == sizeof(walk->entries));
	if (walk->gpa >= gmem_gpa_limit())
		return -ERANGE;
	spin_lock(&vm->ept_lock);
	levels = ept_walk(&vm->ept, walk->gpa, entries, &leaf);
	spin_unlock(&vm->ept_lock);

	/* Where the host has its pages is not for everybody to know. */
	if (!capable(CAP_SYS_ADMIN))
		for (i = 0; i < EPT_LEVELS; i++)
			entries[i] &= ~EPT_ADDR;
	walk->levels = levels;
	walk->leaf_level = leaf;
	walk->page_size = leaf ? ept_level_size(leaf) : 0;
	memcpy(walk->entries, entries, sizeof(entries));
	return 0;
}
