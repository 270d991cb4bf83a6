/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Against speculative execution that crosses from a guest into the host, or into another
 * guest. What is done is what the kernel has decided for this CPU, by its list of bugs and
 * its command line, as KVM does it; docs/mitigations.md has both side by side.
 *
 * In the order of an entry and its exit:
 *
 *   mitigate_run()		the thread comes from userspace
 *   mitigate_load()		IBPB if another guest has trained the predictors
 *   mitigate_window()		interrupts were on
 *   mitigate_entry()		L1 data cache
 *     vmx_enter()		CPU buffers (VERW); then RSB, IBRS, branch history
 *   mitigate_put()		IBPB before userspace, or a guest of KVM
 */
#ifndef MINIVMX_MITIGATE_H
#define MINIVMX_MITIGATE_H

#include <linux/hardirq.h>
#include <linux/jump_label.h>
#include <linux/types.h>

#include "../uapi/minivmx.h"
#include "vcpu.h"

DECLARE_STATIC_KEY_FALSE(mitigate_l1d);
DECLARE_STATIC_KEY_FALSE(mitigate_ibrs);
DECLARE_STATIC_KEY_FALSE(mitigate_predictors);

/* At load. -ENOMEM. */
int mitigate_init(void);
void mitigate_exit(void);

/* The steps behind the keys. */
void mitigate_l1d_scheduled(struct vcpu *vcpu);
void mitigate_l1d_flush(struct vcpu *vcpu);
void mitigate_predictors_load(struct vcpu *vcpu);
void mitigate_predictors_put(struct vcpu *vcpu);

/* A vCPU ends: another may get its memory, and must not pass for it. */
void mitigate_forget(struct vcpu *vcpu);

/* Data that are not the guest's come into the L1 data cache: flush it before the entry. */
static __always_inline void mitigate_run(struct vcpu *vcpu)
{
	vcpu->l1d_flush = true;
}

/* Preemption off, from here to mitigate_put(). */
static __always_inline void mitigate_load(struct vcpu *vcpu)
{
	if (static_branch_unlikely(&mitigate_l1d))
		mitigate_l1d_scheduled(vcpu);
	if (static_branch_unlikely(&mitigate_predictors))
		mitigate_predictors_load(vcpu);
}

/* Interrupts were on, and go off. */
static __always_inline void mitigate_window(struct vcpu *vcpu)
{
#ifndef HAVE_IRQ_STAT
	if (static_branch_unlikely(&mitigate_l1d))
		vcpu->l1d_flush = true;
#endif
}

static __always_inline void mitigate_put(struct vcpu *vcpu)
{
	if (static_branch_unlikely(&mitigate_predictors))
		mitigate_predictors_put(vcpu);
}

/*
 * The kernel sets this CPU's mark when it has handled an interrupt. Where the mark is not
 * to be had, mitigate_window() counts each time that interrupts were on as one.
 */
static __always_inline bool host_l1d_dirty(void)
{
#ifdef HAVE_IRQ_STAT
	return kvm_get_cpu_l1tf_flush_l1d();
#else
	return false;
#endif
}

/* Interrupts off, as late as can be. */
static __always_inline void mitigate_entry(struct vcpu *vcpu)
{
	if (static_branch_unlikely(&mitigate_l1d) &&
	    unlikely(vcpu->l1d_flush || host_l1d_dirty()))
		mitigate_l1d_flush(vcpu);
}

/*
 * iTLB multihit: a guest could hang the host by an executable large page. So are executable
 * EPT leaves 4K pages here?
 */
bool mitigate_exec_4k(void);

/* For MINIVMX_GET_MITIGATIONS. */
void mitigate_report(struct minivmx_mitigations *report);

#endif /* MINIVMX_MITIGATE_H */
