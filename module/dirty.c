// SPDX-License-Identifier: GPL-2.0
/*
 * The dirty log.
 *
 * A range that has one is mapped by 4K pages, and has a bitmap of marks. A page
 * gets its mark when it leaves the EPT with its dirty flag set (leaf_zap() in
 * ept.c) and when the module writes to it for the guest. What the guest writes is
 * found in one of two ways:
 *
 *   A/D	the dirty flags of the range are looked at when the log is fetched;
 *   PML	when the CPU sets such a flag it also writes the page's address into
 *		a buffer of the vCPU, so that nobody has to look at all flags.
 *
 * Either way a page that was fetched has its flag cleared, and all CPUs are
 * flushed before the fetch returns: until then they may write to it without
 * setting the flag, but what they wrote is there when the program reads the page.
 *
 * PML ("Page-Modification Logging"): the CPU writes entry 511 first and 0 last;
 * the index, a field of the VMCS, then has no valid value, and it exits. Nobody
 * else looks at the index. An entry that has been taken out is PML_FREE, and so
 * any thread can take entries out at any time, and never has to make the VMCS
 * current for it; the vCPU itself starts at 511 again after that exit.
 */
#include <linux/atomic.h>
#include <linux/bitmap.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/uaccess.h>
#include <asm/vmx.h>

#include "ctls.h"
#include "debugfs.h"
#include "dirty.h"
#include "ept.h"
#include "exit.h"
#include "gmem.h"
#include "vcpu.h"
#include "vm.h"

void dirty_mark(struct mem_region *r, u64 gpa, size_t len)
{
	u64 bit = (gpa - r->gpa) >> PAGE_SHIFT;
	u64 last = (gpa + len - 1 - r->gpa) >> PAGE_SHIFT;

	for (; r->log && bit <= last; bit++)
		set_bit(bit, r->log);
}

void dirty_mark_bitmap(struct vm *vm, const struct ept_bitmap *bitmap)
{
	unsigned long bit, nr = (bitmap->end - bitmap->start) >> PAGE_SHIFT;

	if (!vm->nr_logs)
		return;
	for_each_set_bit(bit, bitmap->bits, nr) {
		u64 gpa = bitmap->start + ((u64)bit << PAGE_SHIFT);

		dirty_mark(gmem_region(vm, gpa), gpa, 1);
	}
}

/* ---------------------------------------------------------------------- */
/* PML                                                                     */
/* ---------------------------------------------------------------------- */

#define PML_ENTRIES	512
/* No page has this address. */
#define PML_FREE	1ULL

int pml_alloc(struct vcpu *vcpu)
{
	int i;

	if (!vmx_ctls.pml)
		return 0;
	vcpu->pml = (u64 *)__get_free_page(GFP_KERNEL_ACCOUNT);
	if (!vcpu->pml)
		return -ENOMEM;
	stat_inc(STAT_PAGES);
	for (i = 0; i < PML_ENTRIES; i++)
		vcpu->pml[i] = PML_FREE;
	/* Before its first entry it asks whether there are logs. */
	set_bit(REQ_PML, &vcpu->requests);
	return 0;
}

void pml_free(struct vcpu *vcpu)
{
	if (!vcpu->pml)
		return;
	free_page((unsigned long)vcpu->pml);
	stat_dec(STAT_PAGES);
}

void pml_vmcs_init(struct vcpu *vcpu)
{
	if (!vcpu->pml)
		return;
	vmwrite(VMCS_PML_ADDRESS, virt_to_phys(vcpu->pml));
	vmwrite(VMCS_PML_INDEX, PML_ENTRIES - 1);
}

void pml_vmcs_restart(void)
{
	vmwrite(VMCS_PML_INDEX, PML_ENTRIES - 1);
}

void pml_switch(struct vcpu *vcpu)
{
	vcpu->cpu2_ctls &= ~SECONDARY_EXEC_ENABLE_PML;
	if (READ_ONCE(vcpu->vm->nr_logs))
		vcpu->cpu2_ctls |= SECONDARY_EXEC_ENABLE_PML;
	vcpu->dirty |= DIRTY_CPU2;
}

/* Turn what a vCPU's buffer has into marks; any thread, under mem_sem. */
static void pml_drain(struct vcpu *vcpu)
{
	struct mem_region *r;
	u64 gpa;
	int i;

	for (i = 0; i < PML_ENTRIES; i++) {
		if (READ_ONCE(vcpu->pml[i]) == PML_FREE)
			continue;
		gpa = xchg(&vcpu->pml[i], PML_FREE);
		r = gpa == PML_FREE ? NULL : gmem_region(vcpu->vm, gpa);
		if (r)
			dirty_mark(r, gpa, 1);
	}
}

static void pml_drain_all(struct vm *vm)
{
	int i;

	for (i = 0; i < MINIVMX_MAX_VCPUS; i++) {
		/* Pairs with the release in ioctl.c. */
		struct vcpu *vcpu = smp_load_acquire(&vm->vcpus[i]);

		if (vcpu)
			pml_drain(vcpu);
	}
}

/* The number of logs has changed: no vCPU enters before it knows. */
static void pml_switch_all(struct vm *vm)
{
	int i;

	for (i = 0; i < MINIVMX_MAX_VCPUS; i++) {
		/* Pairs with the release in ioctl.c. */
		struct vcpu *vcpu = smp_load_acquire(&vm->vcpus[i]);

		if (vcpu)
			vcpu_request(vcpu, REQ_PML);
	}
	vm_kick_all(vm);
}

enum run_action exit_pml_full(struct vcpu *vcpu)
{
	exit_nmi_unblocking(vcpu);
	down_read(&vcpu->vm->mem_sem);
	pml_drain(vcpu);
	up_read(&vcpu->vm->mem_sem);
	vcpu->dirty |= DIRTY_PML_INDEX;
	return RUN_RESUME;
}

/* ---------------------------------------------------------------------- */
/* On and off                                                              */
/* ---------------------------------------------------------------------- */

/* The range that MAP was given; ERR_PTR(-ENOENT). Under mem_sem. */
static struct mem_region *log_region(struct vm *vm, u64 gpa, u64 size)
{
	struct mem_region *r = gmem_region(vm, gpa);

	return r && r->gpa == gpa && r->size == size ? r : ERR_PTR(-ENOENT);
}

static size_t log_bytes(const struct mem_region *r)
{
	return BITS_TO_LONGS(r->size >> PAGE_SHIFT) * sizeof(long);
}

static int log_start(struct vm *vm, struct mem_region *r)
{
	unsigned long *log;

	if (!vmx_ctls.ept_ad)
		return -EOPNOTSUPP;
	if (r->log)
		return -EALREADY;
	if (r->size > MINIVMX_MAX_BITMAP)
		return -E2BIG;
	log = kvzalloc(log_bytes(r), GFP_KERNEL_ACCOUNT);
	if (!log)
		return -ENOMEM;

	WRITE_ONCE(vm->nr_logs, vm->nr_logs + 1);
	if (vmx_ctls.pml && vm->nr_logs == 1)
		pml_switch_all(vm);
	/*
	 * Large pages go, and dirty flags of before. Nothing is filled in again
	 * while mem_sem is held, so no write of the guest comes too early; what
	 * buffers have of this range is older.
	 */
	if (gmem_zap(vm, r, r->gpa, r->gpa + r->size))
		vm_flush_ept(vm);
	if (vmx_ctls.pml)
		pml_drain_all(vm);
	spin_lock(&vm->ept_lock);
	r->log = log;
	spin_unlock(&vm->ept_lock);
	return 0;
}

void dirty_log_end(struct vm *vm, struct mem_region *r)
{
	unsigned long *log = r->log;

	if (!log)
		return;
	spin_lock(&vm->ept_lock);
	r->log = NULL;
	spin_unlock(&vm->ept_lock);
	kvfree(log);
	WRITE_ONCE(vm->nr_logs, vm->nr_logs - 1);
	if (vmx_ctls.pml && !vm->nr_logs)
		pml_switch_all(vm);
}

static int log_stop(struct vm *vm, struct mem_region *r)
{
	if (!r->log)
		return -EALREADY;
	/* Large pages may come back. */
	if (gmem_zap(vm, r, r->gpa, r->gpa + r->size))
		vm_flush_ept(vm);
	dirty_log_end(vm, r);
	return 0;
}

int dirty_log(struct vm *vm, const struct minivmx_dirty_log *log)
{
	struct mem_region *r;
	int ret;

	if (log->reserved || (log->flags & ~MINIVMX_DIRTY_LOG_ON))
		return -EINVAL;
	down_write(&vm->mem_sem);
	r = log_region(vm, log->gpa, log->size);
	if (IS_ERR(r))
		ret = PTR_ERR(r);
	else
		ret = log->flags & MINIVMX_DIRTY_LOG_ON ? log_start(vm, r) : log_stop(vm, r);
	up_write(&vm->mem_sem);
	return ret;
}

/* ---------------------------------------------------------------------- */
/* Fetching                                                                */
/* ---------------------------------------------------------------------- */

/* What was written, into @bitmap; nothing is cleared but PML buffers. */
static void log_collect(struct vm *vm, struct mem_region *r, struct ept_bitmap *bitmap)
{
	size_t i, words = log_bytes(r) / sizeof(long);
	u64 at, next;

	if (vmx_ctls.pml) {
		/*
		 * What a vCPU has written before this is in its buffer when it is
		 * out of the guest. It may be in again before the buffer was
		 * looked at, and an address that it writes there come a little
		 * before the dirty flag does: wait for that, or the flag would be
		 * cleared too early and stay set.
		 */
		vm_kick_all(vm);
		pml_drain_all(vm);
		vm_kick_all(vm);
	} else {
		for (at = bitmap->start; at < bitmap->end; at = next) {
			next = gmem_chunk_end(at, bitmap->end);
			spin_lock(&vm->ept_lock);
			ept_collect(&vm->ept, at, next, EPT_DIRTY, bitmap);
			spin_unlock(&vm->ept_lock);
			cond_resched();
		}
	}
	/* After the flags: a page that was zapped meanwhile has its mark. */
	for (i = 0; i < words; i++)
		bitmap->bits[i] |= READ_ONCE(r->log[i]);
}

/* Clear marks and flags of the pages in @bitmap, and no others. */
static void log_clear(struct vm *vm, struct mem_region *r, struct ept_bitmap *bitmap)
{
	size_t i, words = log_bytes(r) / sizeof(long);
	unsigned long first, last;
	u64 at, next, end;

	for (i = 0; i < words; i++)
		if (bitmap->bits[i])
			atomic_long_andnot(bitmap->bits[i], (atomic_long_t *)&r->log[i]);
	for_each_set_bitrange(first, last, bitmap->bits, r->size >> PAGE_SHIFT) {
		end = bitmap->start + ((u64)last << PAGE_SHIFT);
		for (at = bitmap->start + ((u64)first << PAGE_SHIFT); at < end; at = next) {
			next = gmem_chunk_end(at, end);
			spin_lock(&vm->ept_lock);
			ept_clear(&vm->ept, at, next, EPT_DIRTY, bitmap);
			spin_unlock(&vm->ept_lock);
			cond_resched();
		}
	}
}

int dirty_log_get(struct vm *vm, const struct minivmx_dirty_bitmap *get)
{
	struct ept_bitmap bitmap;
	struct mem_region *r;
	int ret = 0;

	down_read(&vm->mem_sem);
	r = log_region(vm, get->gpa, get->size);
	if (IS_ERR(r) || !r->log) {
		ret = IS_ERR(r) ? PTR_ERR(r) : -ENODATA;
		goto out;
	}
	bitmap = (struct ept_bitmap) { .start = r->gpa, .end = r->gpa + r->size };
	bitmap.bits = kvzalloc(log_bytes(r), GFP_KERNEL_ACCOUNT);
	if (!bitmap.bits) {
		ret = -ENOMEM;
		goto out;
	}
	log_collect(vm, r, &bitmap);
	if (copy_to_user((void __user *)get->bitmap, bitmap.bits, log_bytes(r))) {
		ret = -EFAULT;
		goto free;
	}
	log_clear(vm, r, &bitmap);
	/*
	 * Also if no flag was cleared here: a page may have its mark since it was
	 * zapped, and who zapped it not yet have flushed the CPU that writes to it.
	 */
	vm_flush_ept(vm);
free:
	kvfree(bitmap.bits);
out:
	up_read(&vm->mem_sem);
	return ret;
}
