// SPDX-License-Identifier: GPL-2.0
/*
 * The debug-exit port: a byte written there ends the machine, and the byte is
 * what a test has to say about itself. There is none unless the user named its
 * port. It reads as all ones.
 */
#include <stdlib.h>

#include "device.h"
#include "isa.h"

struct debug_exit {
	struct machine *m;
	struct port_range ports[2];
};

static const struct port_range debug_exit_ports[] = { { 0, 0 } };

/* A port of 0 leaves the list empty. */
static const struct port_range *debug_exit_dyn_ports(void *dev)
{
	struct debug_exit *d = dev;

	return d->ports;
}

static uint32_t debug_exit_in(void *dev, uint16_t port, unsigned int size)
{
	(void)dev;
	(void)port;
	return isa_byte(0xff, size);
}

static void debug_exit_out(void *dev, uint16_t port, unsigned int size,
			   uint32_t value)
{
	struct debug_exit *d = dev;

	(void)port;
	(void)size;
	machine_stop(d->m, STOP_DEBUG_EXIT, value & 0xff);
}

static void debug_exit_reset(void *dev)
{
	(void)dev;
}

static void *debug_exit_create(struct machine *m)
{
	struct debug_exit *d = calloc(1, sizeof(*d));
	uint16_t port = machine_debug_exit_port(m);

	if (!d)
		return NULL;
	d->m = m;
	d->ports[0] = (struct port_range){ port, port };
	return d;
}

const struct device_class debug_exit_class = {
	.name = "debug-exit",
	.ports = debug_exit_ports,
	.dyn_ports = debug_exit_dyn_ports,
	.create = debug_exit_create,
	.destroy = free,
	.reset = debug_exit_reset,
	.in = debug_exit_in,
	.out = debug_exit_out,
};
