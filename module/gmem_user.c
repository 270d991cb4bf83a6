// SPDX-License-Identifier: GPL-2.0
/*
 * What a program may see and change of its VM's EPT. The protocol by which that
 * follows the process's memory is gmem.c's.
 */
#include <linux/capability.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "ctls.h"
#include "ept.h"
#include "gmem.h"
#include "rights.h"
#include "vm.h"

/* What every call that names a part of the memory refuses. */
static int part_check(u64 gpa, u64 size)
{
	if (!PAGE_ALIGNED(gpa | size) || !size)
		return -EINVAL;
	if (gpa >= gmem_gpa_limit() || size > gmem_gpa_limit() - gpa)
		return -ERANGE;
	return 0;
}

/* ---------------------------------------------------------------------- */
/* Rights                                                                  */
/* ---------------------------------------------------------------------- */

/* Each range @r that has a part of [..., @end), from the one at @first on. */
#define for_each_region(r, first, vm, end)				\
	for (r = first;							\
	     r < &(vm)->regions[(vm)->nr_regions] && r->gpa < (end); r++)

/* Make what each range gets, and nothing that anybody sees. */
static int rights_prepare(struct mem_region *first, struct vm *vm, u64 gpa, u64 end,
			  u32 prot)
{
	struct mem_region *r, *made;
	int ret;

	for_each_region(r, first, vm, end)
		if (prot & ~r->prot)
			return -EACCES;
	for_each_region(r, first, vm, end) {
		r->new_rights = rights_changed(r, max(gpa, r->gpa),
					       min(end, r->gpa + r->size), prot);
		if (IS_ERR(r->new_rights))
			goto undo;
	}
	return 0;

undo:
	ret = PTR_ERR(r->new_rights);
	for (made = first; made < r; made++)
		kvfree(made->new_rights);
	return ret;
}

int gmem_protect(struct vm *vm, const struct minivmx_protect *protect)
{
	u64 gpa = protect->gpa, end = protect->gpa + protect->size;
	struct mem_region *first, *r;
	u32 prot = protect->prot;
	int ret;

	if (protect->reserved ||
	    (prot & ~(MINIVMX_PROT_READ | MINIVMX_PROT_WRITE | MINIVMX_PROT_EXEC)))
		return -EINVAL;
	/* Either would be an EPT misconfiguration ("EPT Misconfigurations"). */
	if ((prot & MINIVMX_PROT_WRITE) && !(prot & MINIVMX_PROT_READ))
		return -EINVAL;
	if (prot == MINIVMX_PROT_EXEC && !vmx_ctls.ept_x_only)
		return -EOPNOTSUPP;
	ret = part_check(gpa, protect->size);
	if (ret)
		return ret;

	/*
	 * A fault looks rights up and installs what they allow with mem_sem held
	 * for reading. So it has either done both, and what it installed is zapped
	 * here, or it finds the new rights. The same goes for the module's own
	 * accesses. An MMU notifier, which takes only ept_lock, installs nothing.
	 */
	down_write(&vm->mem_sem);
	first = gmem_regions(vm, gpa, protect->size);
	ret = first ? rights_prepare(first, vm, gpa, end, prot) : -ENOENT;
	if (ret)
		goto out;
	for_each_region(r, first, vm, end) {
		kvfree(r->rights);
		r->rights = r->new_rights;
	}
	/*
	 * Also where rights were only added: what was split then, because rights
	 * differed, comes back in one piece.
	 */
	gmem_zap(vm, gpa, end);
out:
	up_write(&vm->mem_sem);
	return ret;
}

/* ---------------------------------------------------------------------- */
/* Walks                                                                   */
/* ---------------------------------------------------------------------- */

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
