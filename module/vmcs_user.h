/* SPDX-License-Identifier: GPL-2.0 */
/* The VMCS for a program: see struct minivmx_vmcs in uapi/minivmx.h. */
#ifndef MINIVMX_VMCS_USER_H
#define MINIVMX_VMCS_USER_H

struct minivmx_vmcs;
struct vcpu;

/* The ioctls; 0 or -errno. */
int vmcs_user_get(struct vcpu *vcpu, struct minivmx_vmcs *arg);
int vmcs_user_set(struct vcpu *vcpu, struct minivmx_vmcs *arg);

#endif /* MINIVMX_VMCS_USER_H */
