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
#include <linux/uaccess.h>

#include "ctls.h"
#include "dirty.h"
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
	bool zapped = false;
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
		/*
		 * Also where rights were only added: what was split because they
		 * differed may come back as one large page.
		 */
		zapped |= gmem_zap(vm, r, max(gpa, r->gpa), min(end, r->gpa + r->size));
	}
	if (zapped)
		vm_flush_ept(vm);
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

/* ---------------------------------------------------------------------- */
/* Accessed and dirty flags                                                */
/* ---------------------------------------------------------------------- */

int gmem_harvest(struct vm *vm, const struct minivmx_harvest *harvest)
{
	struct ept_bitmap bitmap = {
		.start = harvest->gpa, .end = harvest->gpa + harvest->size,
	};
	size_t bytes = BITS_TO_LONGS(harvest->size >> PAGE_SHIFT) * sizeof(long);
	bool cleared = false;
	u64 flag, at, next;
	int ret;

	if (harvest->flags & ~MINIVMX_HARVEST_CLEAR)
		return -EINVAL;
	if (harvest->which == MINIVMX_HARVEST_ACCESSED)
		flag = EPT_ACCESSED;
	else if (harvest->which == MINIVMX_HARVEST_DIRTY)
		flag = EPT_DIRTY;
	else
		return -EINVAL;
	ret = part_check(harvest->gpa, harvest->size);
	if (ret)
		return ret;
	if (harvest->size > MINIVMX_MAX_BITMAP)
		return -E2BIG;
	if (!vmx_ctls.ept_ad)
		return -EOPNOTSUPP;
	bitmap.bits = kvzalloc(bytes, GFP_KERNEL_ACCOUNT);
	if (!bitmap.bits)
		return -ENOMEM;

	down_read(&vm->mem_sem);
	if (!gmem_regions(vm, harvest->gpa, harvest->size)) {
		ret = -ENOENT;
		goto out;
	}
	for (at = bitmap.start; at < bitmap.end; at = next) {
		next = gmem_chunk_end(at, bitmap.end);
		spin_lock(&vm->ept_lock);
		ept_collect(&vm->ept, at, next, flag, &bitmap);
		spin_unlock(&vm->ept_lock);
		cond_resched();
	}
	/*
	 * Told first, and then cleared: only what the program has been told, and
	 * nothing if it cannot be. What is written until CPUs are flushed is
	 * written before this returns.
	 */
	if (copy_to_user((void __user *)harvest->bitmap, bitmap.bits, bytes)) {
		ret = -EFAULT;
		goto out;
	}
	if (!(harvest->flags & MINIVMX_HARVEST_CLEAR))
		goto out;
	/* A dirty log that has not looked at the flags has to know of them. */
	if (flag == EPT_DIRTY)
		dirty_mark_bitmap(vm, &bitmap);
	for (at = bitmap.start; at < bitmap.end; at = next) {
		next = gmem_chunk_end(at, bitmap.end);
		spin_lock(&vm->ept_lock);
		cleared |= ept_clear(&vm->ept, at, next, flag, &bitmap);
		spin_unlock(&vm->ept_lock);
		cond_resched();
	}
	if (cleared)
		vm_flush_ept(vm);
out:
	up_read(&vm->mem_sem);
	kvfree(bitmap.bits);
	return ret;
}
