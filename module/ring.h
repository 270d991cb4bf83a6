/* SPDX-License-Identifier: GPL-2.0 */
/* Exit records: see struct minivmx_ring in uapi/minivmx.h. */
#ifndef MINIVMX_RING_H
#define MINIVMX_RING_H

#include <linux/types.h>

struct minivmx_set_ring;
struct vcpu;
struct vm_area_struct;

/* The ioctl, and mmap() behind the run page; 0 or -errno. */
int ring_set(struct vcpu *vcpu, const struct minivmx_set_ring *arg);
int ring_mmap(struct vcpu *vcpu, struct vm_area_struct *vma);
void ring_exit(struct vcpu *vcpu);

/* Only with vcpu->ring: an exit, and the entry that follows it. */
void ring_record_exit(struct vcpu *vcpu, u64 ticks);
void ring_record_entry(struct vcpu *vcpu, u64 ticks);
/* Likewise: it was not handled at once, but by MINIVMX_HANDLED_*. */
void ring_record_handler(struct vcpu *vcpu, u32 handler);

#endif /* MINIVMX_RING_H */
