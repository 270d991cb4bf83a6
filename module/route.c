// SPDX-License-Identifier: GPL-2.0
/* Exit routing: which exits a program handles in place of the module. */
#include <linux/kernel.h>
#include <asm/vmx.h>

#include "apic.h"
#include "exit.h"
#include "msr.h"
#include "route.h"
#include "vcpu.h"

int route_set(struct vcpu *vcpu, const struct minivmx_route *route)
{
	int ret;

	if (route->route > MINIVMX_ROUTE_USER &&
	    (route->route != MINIVMX_ROUTE_ENOSYS || route->reason != EXIT_REASON_VMCALL))
		return -EINVAL;
	if (!exit_row_known(route->reason))
		return -ENOENT;
	if (!(exit_row(route->reason)->flags & EXIT_ROUTE))
		return -EPERM;

	ret = vcpu_lock(vcpu);
	if (ret)
		return ret;
	/* NMIs and machine checks come with that reason, too, and are the host's. */
	if (route->reason == EXIT_REASON_EXCEPTION_NMI)
		vcpu->exceptions_to_user = route->route == MINIVMX_ROUTE_USER;
	else
		vcpu->routes[route->reason] = route->route;
	if (route->reason == EXIT_REASON_PREEMPTION_TIMER && vcpu->apic)
		apic_timer_routed(vcpu);
	vcpu_unlock(vcpu);
	return 0;
}

u32 route_msr(struct vcpu *vcpu, u32 index, u32 access)
{
	unsigned int i;

	for (i = vcpu->nr_msr_routes; i-- > 0; ) {
		const struct minivmx_msr_route *r = &vcpu->msr_routes[i];

		if (index >= r->first && index <= r->last && (r->access & access))
			return r->route;
	}
	return msr_may_pass(index) ? MINIVMX_ROUTE_PASS : MINIVMX_ROUTE_KERNEL;
}

static bool covers(const struct minivmx_msr_route *outer, const struct minivmx_msr_route *inner)
{
	return outer->first <= inner->first && outer->last >= inner->last &&
	       (outer->access & inner->access) == inner->access;
}

/* Add it behind the others, without those that it leaves nothing of. */
static int add_route(struct vcpu *vcpu, const struct minivmx_msr_route *route)
{
	struct minivmx_msr_route *routes = vcpu->msr_routes;
	unsigned int i, kept = 0;

	for (i = 0; i < vcpu->nr_msr_routes; i++)
		kept += !covers(route, &routes[i]);
	if (kept == MINIVMX_MAX_MSR_ROUTES)
		return -ENOSPC;
	for (i = 0, kept = 0; i < vcpu->nr_msr_routes; i++)
		if (!covers(route, &routes[i]))
			routes[kept++] = routes[i];
	routes[kept++] = *route;
	vcpu->nr_msr_routes = kept;
	return 0;
}

/* Only MSRs that VMX switches may pass through. */
static bool all_may_pass(u32 first, u32 last)
{
	u32 index = first;

	do {
		if (!msr_may_pass(index))
			return false;
	} while (index++ != last);
	return true;
}

int route_set_msr(struct vcpu *vcpu, const struct minivmx_msr_route *route)
{
	int ret;

	if (route->first > route->last || route->route > MINIVMX_ROUTE_GP ||
	    !route->access || (route->access & ~(MINIVMX_MSR_READ | MINIVMX_MSR_WRITE)))
		return -EINVAL;
	if (route->route == MINIVMX_ROUTE_PASS && !all_may_pass(route->first, route->last))
		return -EPERM;

	ret = vcpu_lock(vcpu);
	if (ret)
		return ret;
	ret = add_route(vcpu, route);
	if (!ret)
		msr_bitmap_update(vcpu);
	vcpu_unlock(vcpu);
	return ret;
}
