/* SPDX-License-Identifier: GPL-2.0 */
/* The guest's MSRs. */
#ifndef MINIVMX_MSR_H
#define MINIVMX_MSR_H

#include <linux/types.h>

struct vcpu;

/*
 * As RDMSR and WRMSR of the guest and the ioctls do it: 0, -ENXIO if the vCPU
 * has no such MSR, -EINVAL for a value it refuses. VMCS loaded.
 */
int msr_read(struct vcpu *vcpu, u32 index, u64 *value);
int msr_write(struct vcpu *vcpu, u32 index, u64 value);

/* Which accesses do not exit, into the 4096 bytes of @bitmap. */
void msr_bitmap_init(unsigned long *bitmap);

#endif /* MINIVMX_MSR_H */
