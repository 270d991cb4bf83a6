/* SPDX-License-Identifier: GPL-2.0 */
/* The registers of a vCPU, between KVM's structures and minivmx's. */
#ifndef KVM_STATE_H
#define KVM_STATE_H

#include "libminivmx.h"

/* 0 or a negative errno. */
int kvm_state_set(int vcpu, const struct minivmx_sregs *sregs, const struct minivmx_regs *regs);
int kvm_state_get(int vcpu, struct minivmx_sregs *sregs, struct minivmx_regs *regs);

#endif /* KVM_STATE_H */
