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
#include <asm/debugreg.h>
#include <asm/msr.h>
#include <asm/special_insns.h>

#include "fpu.h"
#include "vcpu.h"

void guest_load(struct vcpu *vcpu);
void guest_window(struct vcpu *vcpu);
void guest_put(struct vcpu *vcpu);

/* Of SWITCH_*: the guest's, wherever it is. */
u64 guest_get_msr(struct vcpu *vcpu, int i);
void guest_set_msr(struct vcpu *vcpu, int i, u64 value);
/* EFER.SCE may have been set. */
void guest_efer_changed(struct vcpu *vcpu);

/* XCR0 as the host has it; without XSAVE what guests have instead, which never changes. */
u64 host_xcr0(void);

/* DR0 to DR3, for a guest that has breakpoints. */
void host_debug_regs_load(struct vcpu *vcpu);
void host_debug_regs_put(struct vcpu *vcpu);

static inline bool guest_debugs(struct vcpu *vcpu)
{
	return vcpu->dr7 & 0xff;
}

/* These two are the way of each exit, and inline for that. */
static __always_inline void guest_enter(struct vcpu *vcpu)
{
	if (unlikely(guest_debugs(vcpu)))
		host_debug_regs_load(vcpu);
	if (native_read_cr2() != vcpu->cr2)
		native_write_cr2(vcpu->cr2);
	if (vcpu->xcr0 != vcpu->host.xcr0)
		fpu_enter_guest(vcpu);
}

static __always_inline void guest_exit(struct vcpu *vcpu)
{
	struct host_state *host = &vcpu->host;

	if (vcpu->xcr0 != host->xcr0)
		fpu_exit_guest(vcpu);
	vcpu->cr2 = native_read_cr2();
	if (unlikely(guest_debugs(vcpu)))
		host_debug_regs_put(vcpu);
	/* An exit leaves 0x400, which like the kernel's 0 disables them all. */
	if (unlikely(host->dr7 & 0xff))
		set_debugreg(host->dr7, 7);
	if (unlikely(host->debugctl))
		wrmsrl(MSR_IA32_DEBUGCTLMSR, host->debugctl);
}

#endif /* MINIVMX_HOST_H */
