/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Between host and guest: what VMX itself does not switch.
 *
 *   guest_load()		preemption off from here to guest_put()
 *     guest_window()	interrupts off, the VMCS current, for some exits
 *       guest_enter()
 *         vmx_enter()
 *       guest_exit()
 *   guest_put()
 *
 * Nothing of the guest is live where the host can see it: what an interrupt
 * handler could see is put back by guest_exit(), what another thread or this
 * thread's userspace could see by guest_put().
 */
#ifndef MINIVMX_HOST_H
#define MINIVMX_HOST_H

#include <linux/types.h>

struct vcpu;

/* The MSR numbers of SWITCH_*. */
extern const u32 switch_msrs[];

void guest_load(struct vcpu *vcpu);
void guest_window(struct vcpu *vcpu);
void guest_put(struct vcpu *vcpu);
void guest_enter(struct vcpu *vcpu);
void guest_exit(struct vcpu *vcpu);

/* XCR0 as the host has it; 0 if the host does not use XSAVE. */
u64 host_xcr0(void);

#endif /* MINIVMX_HOST_H */
