/* SPDX-License-Identifier: GPL-2.0 */
/* Exit routing: which exits a program handles in place of the module. */
#ifndef MINIVMX_ROUTE_H
#define MINIVMX_ROUTE_H

#include <linux/types.h>

struct minivmx_msr_route;
struct minivmx_route;
struct vcpu;

/* The ioctls; 0 or -errno. */
int route_set(struct vcpu *vcpu, const struct minivmx_route *route);
int route_set_msr(struct vcpu *vcpu, const struct minivmx_msr_route *route);

/* MINIVMX_ROUTE_* of an MSR that exits. @access: MINIVMX_MSR_*. */
u32 route_msr(struct vcpu *vcpu, u32 index, u32 access);

#endif /* MINIVMX_ROUTE_H */
