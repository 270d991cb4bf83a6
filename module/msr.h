/* SPDX-License-Identifier: GPL-2.0 */
/* The guest's MSRs. */
#ifndef MINIVMX_MSR_H
#define MINIVMX_MSR_H

#include <linux/types.h>

struct vcpu;

/*
 * As RDMSR and WRMSR of the guest and the ioctls do it: 0, -ENXIO if the vCPU
 * has no such MSR, -EINVAL for a value it refuses. VMCS loaded. What @by_program says
 * makes a difference to the banks of machine checks alone.
 */
int msr_read(struct vcpu *vcpu, u32 index, u64 *value);
int msr_write(struct vcpu *vcpu, u32 index, u64 value, bool by_program);

/* Is it one that the guest may use without an exit, because VMX switches it? */
bool msr_may_pass(u32 index);

/* Into the page that the VMCS points to: which accesses do not exit. */
void msr_bitmap_init(struct vcpu *vcpu);
/* The same when routes have changed. */
void msr_bitmap_update(struct vcpu *vcpu);

#endif /* MINIVMX_MSR_H */
