/* SPDX-License-Identifier: GPL-2.0 */
/* The guest's control registers, EFER and XCR0 (exit_cr.c). */
#ifndef MINIVMX_CR_H
#define MINIVMX_CR_H

#include <linux/types.h>

struct vcpu;

/* What became of a write to a control register. */
enum cr_result {
	CR_DONE,
	CR_FAULT,	/* the guest gets #GP(0), ioctls -EINVAL */
	CR_NEEDS_MEMORY, /* PAE PDPTEs must be read where it may sleep */
};

/* The state after reset; VMCS current, so for all below. */
void cr_reset(struct vcpu *vcpu);

u64 cr0_read(struct vcpu *vcpu);
u64 cr4_read(struct vcpu *vcpu);

/* Set by userspace: no transitions are checked, only bits. */
enum cr_result cr_set_all(struct vcpu *vcpu, u64 cr0, u64 cr4, u64 efer);

/* EFER as WRMSR changes it. */
enum cr_result efer_write(struct vcpu *vcpu, u64 value);
/* Is @value one that XSETBV takes for XCR0? */
bool xcr0_valid(u64 value);

/* DR6 and DR7 hold some bits at 0 and some at 1, whatever is written. */
static inline u64 dr6_fixed(u64 value)
{
	return (value & 0xe00f) | 0xffff0ff0;
}

static inline u64 dr7_fixed(u64 value)
{
	return (value & 0xffff2bff) | 0x400;
}

/* The guest's translations in the TLB go. */
void cr_flush_tlb(struct vcpu *vcpu);

/* CR4 bits that a guest on this host can have. */
u64 cr4_supported(void);

/* The least that the guest/host masks have to have. */
u64 cr0_host_owned(void);
u64 cr4_host_owned(void);
/* Bits that the CPU's CR4 always has as they are while the guest runs. */
u64 cr4_fixed(void);

#endif /* MINIVMX_CR_H */
