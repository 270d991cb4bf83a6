/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guest's x87, SSE and AVX state, in our own area: XSAVE and XRSTOR
 * between kernel_fpu_begin() and kernel_fpu_end(), which look after the
 * thread's own state.
 */
#ifndef MINIVMX_FPU_H
#define MINIVMX_FPU_H

#include <linux/types.h>

struct vcpu;

int fpu_init(void);

int fpu_alloc(struct vcpu *vcpu);
void fpu_free(struct vcpu *vcpu);

/* Around a series of entries: the registers. Preemption is off in between. */
void fpu_load_guest(struct vcpu *vcpu);
void fpu_put_guest(struct vcpu *vcpu);
/* Around each entry: XCR0, if they differ. */
void fpu_enter_guest(struct vcpu *vcpu);
void fpu_exit_guest(struct vcpu *vcpu);

/* State components that a guest may enable in XCR0; 0 without XSAVE. */
u64 fpu_xcr0_mask(void);
/* Bytes of the XSAVE (or FXSAVE) area that userspace sees. */
u32 fpu_size(void);

/* The ioctls; @area has fpu_size() bytes. Set: -EINVAL for reserved bits. */
void fpu_get(struct vcpu *vcpu, void *area);
int fpu_set(struct vcpu *vcpu, const void *area);

#endif /* MINIVMX_FPU_H */
