/* SPDX-License-Identifier: GPL-2.0 */
/* A vCPU's state for userspace: see the structures in uapi/minivmx.h. */
#ifndef MINIVMX_STATE_H
#define MINIVMX_STATE_H

#include "../uapi/minivmx.h"

struct vcpu;

/* The ioctls; 0 or -errno. */
int state_get_sregs(struct vcpu *vcpu, struct minivmx_sregs *sregs);
int state_set_sregs(struct vcpu *vcpu, const struct minivmx_sregs *sregs);
int state_get_msrs(struct vcpu *vcpu, struct minivmx_msrs *msrs);
int state_set_msrs(struct vcpu *vcpu, struct minivmx_msrs *msrs);
int state_get_events(struct vcpu *vcpu, struct minivmx_events *events);
int state_set_events(struct vcpu *vcpu, const struct minivmx_events *events);

#endif /* MINIVMX_STATE_H */
