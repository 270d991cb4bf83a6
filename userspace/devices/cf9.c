// SPDX-License-Identifier: GPL-2.0
/*
 * The reset control register of PCI chipsets, port 0xcf9.
 *
 * Setting bit 2 while it was clear resets; bit 1 chooses between the CPU alone
 * and the whole machine, which is the same here.
 *
 * The register hides among the bytes of another one: the dword at 0xcf8 selects
 * an address in PCI configuration space, of which there is none here. Claim all
 * four ports, lest the bus split that dword into bytes and its second one reset
 * the machine. Anything but a byte at 0xcf9 reads as all ones and does nothing.
 */
#include <stdlib.h>

#include "device.h"
#include "isa.h"

#define CF9_PORT	0xcf9
#define CF9_RESET	(1 << 2)
#define CF9_KEPT	0x0a	/* bits that can be read back */

struct cf9 {
	struct machine *m;
	uint8_t value;
};

static const struct port_range cf9_ports[] = { { 0xcf8, 0xcfb }, { 0, 0 } };

static uint32_t cf9_in(void *dev, uint16_t port, unsigned int size)
{
	struct cf9 *c = dev;

	return isa_byte(port == CF9_PORT && size == 1 ? c->value : 0xff, size);
}

static void cf9_out(void *dev, uint16_t port, unsigned int size, uint32_t value)
{
	struct cf9 *c = dev;

	if (port != CF9_PORT || size != 1)
		return;
	/* the bit does not outlive the reset, so each write of it is an edge */
	c->value = value & CF9_KEPT;
	if (value & CF9_RESET)
		machine_stop(c->m, STOP_RESET, 0);
}

static void cf9_reset(void *dev)
{
	struct cf9 *c = dev;

	c->value = 0;
}

static void *cf9_create(struct machine *m)
{
	struct cf9 *c = calloc(1, sizeof(*c));

	if (c)
		c->m = m;
	return c;
}

const struct device_class cf9_class = {
	.name = "cf9",
	.ports = cf9_ports,
	.create = cf9_create,
	.destroy = free,
	.reset = cf9_reset,
	.in = cf9_in,
	.out = cf9_out,
};
