/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A look at the CPU before and after each entry, and before and after each series of them:
 * is all that is the host's as it was? The module parameter host_check turns it on. Without
 * it these are a branch that is not taken.
 */
#ifndef MINIVMX_HOST_CHECK_H
#define MINIVMX_HOST_CHECK_H

#include <linux/jump_label.h>

struct vcpu;

enum host_check_when { HOST_CHECK_EXIT, HOST_CHECK_SERIES };

DECLARE_STATIC_KEY_FALSE(host_check_key);

void host_check_init(void);

/* For the two below: preemption is off, and for HOST_CHECK_EXIT interrupts are. */
void host_check_note(enum host_check_when when);
/* A difference is told once for each VM, and ends that VM: nothing is put right. */
void host_check_compare(struct vcpu *vcpu, enum host_check_when when);

static __always_inline void host_check_before(enum host_check_when when)
{
	if (static_branch_unlikely(&host_check_key))
		host_check_note(when);
}

static __always_inline void host_check_after(struct vcpu *vcpu, enum host_check_when when)
{
	if (static_branch_unlikely(&host_check_key))
		host_check_compare(vcpu, when);
}

#endif /* MINIVMX_HOST_CHECK_H */
