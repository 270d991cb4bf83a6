/* SPDX-License-Identifier: GPL-2.0 */
/* Events on their way into the guest. All with the vCPU's mutex held. */
#ifndef MINIVMX_INJECT_H
#define MINIVMX_INJECT_H

#include <linux/types.h>

#include "guest.h"
#include "vcpu.h"

/* Vectors of exceptions that are raised here. */
enum {
	VECTOR_DB = 1, VECTOR_NMI = 2, VECTOR_UD = 6, VECTOR_DF = 8,
	VECTOR_TS = 10, VECTOR_NP = 11, VECTOR_SS = 12, VECTOR_GP = 13,
	VECTOR_PF = 14, VECTOR_AC = 17, VECTOR_MC = 18, VECTOR_DE = 0,
};

/*
 * Raise an exception as the result of the instruction that exited. If an
 * event was being delivered, the two combine as the manual's "Conditions for
 * Generating a Double Fault" says. RUN_TO_USER for the triple fault, else
 * RUN_RESUME.
 */
enum run_action inject_exception(struct vcpu *vcpu, u8 vector);
enum run_action inject_exception_error(struct vcpu *vcpu, u8 vector, u32 error);
/* What an access of guest.h ended with. */
enum run_action inject_guest_fault(struct vcpu *vcpu, const struct guest_fault *fault);
enum run_action inject_gp(struct vcpu *vcpu);
/* #DB, with @dr6 added to DR6. Clears DR7.GD and DEBUGCTL.BTF, as delivery does. */
enum run_action inject_debug(struct vcpu *vcpu, u64 dr6);
enum run_action inject_ud(struct vcpu *vcpu);

/* Write what is due into the VMCS, before an entry. VMCS current. */
void inject_events(struct vcpu *vcpu);
/* After an exit: what was written has been delivered, or was cut off. */
void inject_exited(struct vcpu *vcpu, u32 idt_info, u32 idt_error, u32 insn_len);

/*
 * Take an event from userspace: 0, 1 if it is a machine check that shuts the CPU down,
 * -EINVAL, or -EBUSY if one is waiting.
 */
int inject_user_event(struct vcpu *vcpu, const struct minivmx_event *event);
int inject_check_event(const struct minivmx_event *event);
/* The task priority: of the APIC, or without one a number that does nothing. */
u64 inject_cr8(struct vcpu *vcpu);
void inject_set_cr8(struct vcpu *vcpu, u64 value);
/* Is there something that ends HLT, at it or in it? All copies cached. */
bool inject_wakes(struct vcpu *vcpu);
/* Recompute vcpu->events_waiting after a change. */
void inject_update(struct vcpu *vcpu);

/* MINIVMX_READY_*, as after a SKIP if @skip. All copies cached. */
u32 inject_ready(struct vcpu *vcpu, bool skip);

#endif /* MINIVMX_INJECT_H */
