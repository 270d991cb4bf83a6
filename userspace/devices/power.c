// SPDX-License-Identifier: GPL-2.0
/*
 * The power button's other end, ports 0x604 and 0x605: the word 0x2000 written
 * to 0x604 turns the machine off.
 *
 * There is no ACPI here to tell an operating system about it. The port and the
 * bits are those of the ACPI power management control register as Bochs and
 * QEMU place it, so a guest made for them turns off here too: bit 13 means "go
 * to sleep now", bits 12:10 how deeply, and 0 is off. Anything but a word at
 * 0x604 does nothing; reads are zero.
 */
#include <stdlib.h>

#include "device.h"

#define POWER_PORT	0x604
#define SLEEP_NOW	(1 << 13)
#define SLEEP_TYPE	(7 << 10)
#define SLEEP_OFF	(0 << 10)

struct power {
	struct machine *m;
};

static const struct port_range power_ports[] = {
	{ POWER_PORT, POWER_PORT + 1 }, { 0, 0 }
};

static uint32_t power_in(void *dev, uint16_t port, unsigned int size)
{
	(void)dev;
	(void)port;
	(void)size;
	return 0;
}

static void power_out(void *dev, uint16_t port, unsigned int size,
		      uint32_t value)
{
	struct power *p = dev;

	if (port != POWER_PORT || size != 2)
		return;
	if ((value & SLEEP_NOW) && (value & SLEEP_TYPE) == SLEEP_OFF)
		machine_stop(p->m, STOP_POWEROFF, 0);
}

static void power_reset(void *dev)
{
	(void)dev;
}

static void *power_create(struct machine *m)
{
	struct power *p = calloc(1, sizeof(*p));

	if (p)
		p->m = m;
	return p;
}

const struct device_class power_class = {
	.name = "power",
	.ports = power_ports,
	.create = power_create,
	.destroy = free,
	.reset = power_reset,
	.in = power_in,
	.out = power_out,
};
