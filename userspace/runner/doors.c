// SPDX-License-Identifier: GPL-2.0
#include <errno.h>

#include "doors.h"
#include "libminivmx.h"

int doors_ioeventfd(int vm, uint64_t address, int fd, bool on)
{
	const struct minivmx_ioeventfd arg = {
		.address = address,
		.size = 2,
		.fd = fd,
		.flags = on ? 0 : MINIVMX_EVENTFD_REMOVE,
	};

	return minivmx_ioeventfd(vm, &arg);
}

static struct minivmx_gsi_route *find_route(struct doors *doors, unsigned int gsi)
{
	unsigned int i;

	for (i = 0; i < doors->nr_routes; i++)
		if (doors->routes[i].gsi == gsi)
			return &doors->routes[i];
	return NULL;
}

static int set_route(struct doors *doors, int vm, const struct minivmx_gsi_route *route)
{
	struct minivmx_gsi_route *old = find_route(doors, route->gsi), before;
	int ret;

	if (!old) {
		if (doors->nr_routes == MINIVMX_MAX_GSIS)
			return -ENOSPC;
		old = &doors->routes[doors->nr_routes++];
		*old = (struct minivmx_gsi_route) { 0 };
	}
	/* To mask and unmask is no news to the VM, which waits for all its readers. */
	if (old->address == route->address && old->data == route->data)
		return 0;
	before = *old;
	*old = *route;
	ret = minivmx_set_gsi_routes(vm, doors->routes, doors->nr_routes);
	if (!ret)
		return 0;
	*old = before;
	if (!before.address)
		doors->nr_routes--;
	return ret;
}

int doors_irqfd(struct doors *doors, int vm, unsigned int gsi, int fd, uint64_t address,
		uint32_t data)
{
	const struct minivmx_gsi_route route = { .address = address, .data = data, .gsi = gsi };
	const struct minivmx_irqfd arg = {
		.fd = fd,
		.gsi = gsi,
		.flags = address ? 0 : MINIVMX_EVENTFD_REMOVE,
	};
	int ret = address ? set_route(doors, vm, &route) : 0;

	return ret ? ret : minivmx_irqfd(vm, &arg);
}
