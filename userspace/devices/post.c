// SPDX-License-Identifier: GPL-2.0
/*
 * Port 0x80, where firmware shows how far its power-on self test came.
 * Operating systems write to it to let a microsecond pass. Answer it, so that
 * what the machine counts as unclaimed is really unclaimed.
 */
#include <stdlib.h>

#include "device.h"
#include "isa.h"

struct post {
	uint8_t code;
};

static const struct port_range post_ports[] = { { 0x80, 0x80 }, { 0, 0 } };

static uint32_t post_in(void *dev, uint16_t port, unsigned int size)
{
	struct post *p = dev;

	(void)port;
	return isa_byte(p->code, size);
}

static void post_out(void *dev, uint16_t port, unsigned int size,
		     uint32_t value)
{
	struct post *p = dev;

	(void)port;
	(void)size;
	p->code = value;
}

static void post_reset(void *dev)
{
	struct post *p = dev;

	p->code = 0;
}

static void *post_create(struct machine *m)
{
	(void)m;
	return calloc(1, sizeof(struct post));
}

const struct device_class post_class = {
	.name = "post",
	.ports = post_ports,
	.create = post_create,
	.destroy = free,
	.reset = post_reset,
	.in = post_in,
	.out = post_out,
};
