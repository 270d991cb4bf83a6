// SPDX-License-Identifier: GPL-2.0
/*
 * Exit records: a ring in memory that programs map read-only. The vCPU's thread
 * alone writes it, and whoever reads too slowly is overtaken and can tell by the
 * numbers.
 */
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "debugfs.h"
#include "ring.h"
#include "vcpu.h"

/**
 * struct exit_ring - the records of a vCPU
 * @refs: one of the vCPU, and one while it is being mapped
 * @nr: records there is room for, a power of two
 * @memory: what programs see; its pages outlive this where they are mapped
 * @current_record: that of the last exit, until the entry that follows
 */
struct exit_ring {
	refcount_t refs;
	u32 nr;
	struct minivmx_ring *memory;
	struct minivmx_record *current_record;
};

static size_t ring_pages(u32 nr)
{
	return 1 + DIV_ROUND_UP((size_t)nr * sizeof(struct minivmx_record), PAGE_SIZE);
}

static void ring_put(struct exit_ring *ring)
{
	if (!ring || !refcount_dec_and_test(&ring->refs))
		return;
	vfree(ring->memory);
	stat_add(STAT_PAGES, -(long)ring_pages(ring->nr));
	kfree(ring);
}

static struct exit_ring *ring_alloc(u32 nr)
{
	struct exit_ring *ring = kzalloc(sizeof(*ring), GFP_KERNEL_ACCOUNT);

	if (!ring)
		return NULL;
	/* The program is told that there is no memory; the log need not be. */
	ring->memory = __vmalloc(ring_pages(nr) * PAGE_SIZE,
				 GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_NOWARN);
	if (!ring->memory) {
		kfree(ring);
		return NULL;
	}
	stat_add(STAT_PAGES, ring_pages(nr));
	refcount_set(&ring->refs, 1);
	ring->nr = nr;
	ring->memory->nr = nr;
	return ring;
}

int ring_set(struct vcpu *vcpu, const struct minivmx_set_ring *arg)
{
	struct exit_ring *ring = NULL, *old;
	int ret;

	if (arg->reserved)
		return -EINVAL;
	if (arg->nr && (!is_power_of_2(arg->nr) || arg->nr < MINIVMX_MIN_RECORDS ||
			arg->nr > MINIVMX_MAX_RECORDS))
		return -EINVAL;
	if (arg->nr) {
		ring = ring_alloc(arg->nr);
		if (!ring)
			return -ENOMEM;
	}
	ret = vcpu_lock(vcpu);
	if (ret) {
		ring_put(ring);
		return ret;
	}
	old = vcpu->ring;
	if (old && ring) {
		/* Who reads it goes on. */
		ret = old->nr == ring->nr ? 0 : -EBUSY;
		old = ring;
	} else {
		spin_lock(&vcpu->ring_lock);
		vcpu->ring = ring;
		spin_unlock(&vcpu->ring_lock);
		vcpu_update_timed(vcpu);
	}
	vcpu_unlock(vcpu);
	ring_put(old);
	return ret;
}

void ring_exit(struct vcpu *vcpu)
{
	ring_put(vcpu->ring);
}

/* The mutex of the vCPU comes before the mmap lock, which the caller holds. */
static struct exit_ring *ring_get(struct vcpu *vcpu)
{
	struct exit_ring *ring;

	spin_lock(&vcpu->ring_lock);
	ring = vcpu->ring;
	if (ring)
		refcount_inc(&ring->refs);
	spin_unlock(&vcpu->ring_lock);
	return ring;
}

int ring_mmap(struct vcpu *vcpu, struct vm_area_struct *vma)
{
	unsigned long addr = vma->vm_start;
	struct exit_ring *ring;
	void *page;
	int ret = 0;

	if (vma->vm_flags & VM_WRITE)
		return -EACCES;
	ring = ring_get(vcpu);
	if (!ring)
		return -ENXIO;
	if (vma_pages(vma) != ring_pages(ring->nr))
		ret = -EINVAL;
	/* Nor may mprotect() make it writable. */
	vm_flags_clear(vma, VM_MAYWRITE);
	for (page = ring->memory; !ret && addr < vma->vm_end; addr += PAGE_SIZE, page += PAGE_SIZE)
		ret = vm_insert_page(vma, addr, vmalloc_to_page(page));
	ring_put(ring);
	return ret;
}

/* ---------------------------------------------------------------------- */
/* On the way of an exit                                                   */
/* ---------------------------------------------------------------------- */

void ring_record_exit(struct vcpu *vcpu, u64 ticks)
{
	struct exit_ring *ring = vcpu->ring;
	u64 n = ring->memory->head;
	struct minivmx_record *r = &MINIVMX_RECORDS(ring->memory)[n & (ring->nr - 1)];

	WRITE_ONCE(r->number, 0);
	/* Nobody may take the old number for that of what follows. */
	smp_wmb();
	r->exit_ticks = ticks;
	r->entry_ticks = 0;
	r->rip = vcpu->regs.r.rip;
	r->qualification = vcpu->exit.qualification;
	r->gpa = vcpu->exit.gpa;
	r->reason = vcpu->exit.reason;
	r->handler = MINIVMX_HANDLED_AT_ONCE;
	/* Its number vouches for the rest; pairs with the acquire load of a reader. */
	smp_store_release(&r->number, n + 1);
	/* Likewise for whoever looks at the head first. */
	smp_store_release(&ring->memory->head, n + 1);
	ring->current_record = r;
}

void ring_record_handler(struct vcpu *vcpu, u32 handler)
{
	struct exit_ring *ring = vcpu->ring;

	if (ring->current_record)
		WRITE_ONCE(ring->current_record->handler, handler);
}

void ring_record_entry(struct vcpu *vcpu, u64 ticks)
{
	struct exit_ring *ring = vcpu->ring;

	if (!ring->current_record)
		return;
	WRITE_ONCE(ring->current_record->entry_ticks, ticks);
	ring->current_record = NULL;
}
