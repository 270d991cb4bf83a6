// SPDX-License-Identifier: GPL-2.0
#include <errno.h>

#include "backend.h"
#include "doors.h"

static struct minivmx_gsi_route *find_route(struct doors *doors, unsigned int gsi)
{
	unsigned int i;

	for (i = 0; i < doors->nr_routes; i++)
		if (doors->routes[i].gsi == gsi)
			return &doors->routes[i];
	return NULL;
}

static int set_route(struct doors *doors, struct vm *vm, const struct minivmx_gsi_route *route)
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
	ret = vm->backend->set_routes(vm, doors->routes, doors->nr_routes);
	if (!ret)
		return 0;
	*old = before;
	if (!before.address)
		doors->nr_routes--;
	return ret;
}

int doors_irqfd(struct doors *doors, struct vm *vm, unsigned int gsi, int fd, uint64_t address,
		uint32_t data)
{
	const struct minivmx_gsi_route route = { .address = address, .data = data, .gsi = gsi };
	int ret = address ? set_route(doors, vm, &route) : 0;

	return ret ? ret : vm->backend->irqfd(vm, gsi, fd, address != 0);
}
