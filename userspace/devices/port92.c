// SPDX-License-Identifier: GPL-2.0
/*
 * System control port A, port 0x92: the fast way to the A20 gate (bit 1) and
 * to a reset (bit 0, when it goes from 0 to 1).
 *
 * The gate is only remembered: memory has no wrap at 1 MiB here.
 */
#include <stdlib.h>

#include "device.h"
#include "isa.h"

#define FAST_RESET	1
#define FAST_A20	2

struct port92 {
	struct machine *m;
	uint8_t value;
};

static const struct port_range port92_ports[] = { { 0x92, 0x92 }, { 0, 0 } };

static uint32_t port92_in(void *dev, uint16_t port, unsigned int size)
{
	struct port92 *p = dev;

	(void)port;
	return isa_byte(p->value, size);
}

static void port92_out(void *dev, uint16_t port, unsigned int size,
		       uint32_t value)
{
	struct port92 *p = dev;
	bool reset = value & ~p->value & FAST_RESET;

	(void)port;
	(void)size;
	p->value = value & (FAST_RESET | FAST_A20);
	if (reset)
		machine_stop(p->m, STOP_RESET, 0);
}

static void port92_reset(void *dev)
{
	struct port92 *p = dev;

	p->value = FAST_A20;
}

static void *port92_create(struct machine *m)
{
	struct port92 *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->m = m;
	port92_reset(p);
	return p;
}

const struct device_class port92_class = {
	.name = "port92",
	.ports = port92_ports,
	.create = port92_create,
	.destroy = free,
	.reset = port92_reset,
	.in = port92_in,
	.out = port92_out,
};
