// SPDX-License-Identifier: GPL-2.0
/*
 * ACPI's power management registers, ports 600H to 60BH: what the fixed ACPI
 * description table tells of them ("Fixed Hardware Programming Model" in the ACPI
 * specification). An operating system turns the machine off by them, hears of its power
 * button, and has a clock.
 *
 *	600H	PM1 status	write 1 to clear; bit 8, the power button, is the only one
 *				that is ever set
 *	602H	PM1 enable
 *	604H	PM1 control	bit 13 "go to sleep now", bits 12:10 how deeply, 0 is off
 *	608H	PM timer	32 bits, 3.579545 MHz
 *
 * The ports are those of Bochs and QEMU, so that a guest made for them, which writes
 * the word 2000H to 604H without asking anybody, turns off here, too. Anything but a
 * word there does nothing. The system control interrupt is a level: what is both in PM1
 * status and enabled holds it up.
 */
#include <stdlib.h>

#include "device.h"

#define PM1_CONTROL	(ACPI_PM_PORT + 4)
#define PM_TIMER	(ACPI_PM_PORT + 8)
#define TIMER_HZ	3579545ULL
#define NS_PER_S	1000000000ULL

/* The machine is in ACPI mode from the start: there is no other. */
#define SCI_ENABLED	(1 << 0)
#define POWER_BUTTON	(1 << 8)
#define SLEEP_NOW	(1 << 13)
#define SLEEP_TYPE	(7 << 10)
#define SLEEP_OFF	(0 << 10)

struct acpi_pm {
	struct machine *m;
	uint16_t status;
	uint16_t enable;
	bool sci;
};

static const struct port_range acpi_pm_ports[] = {
	{ ACPI_PM_PORT, ACPI_PM_PORT + 1 },
	{ ACPI_PM_PORT + 2, ACPI_PM_PORT + 3 },
	{ PM1_CONTROL, PM1_CONTROL + 1 },
	{ PM_TIMER, PM_TIMER + 3 },
	{ 0, 0 }
};

static void update_sci(struct acpi_pm *pm)
{
	const bool sci = pm->status & pm->enable;

	if (sci == pm->sci)
		return;
	pm->sci = sci;
	machine_set_irq(pm->m, ACPI_SCI, sci);
}

bool acpi_pm_press_button(void *dev)
{
	struct acpi_pm *pm = dev;

	pm->status |= POWER_BUTTON;
	update_sci(pm);
	return pm->enable & POWER_BUTTON;
}

static uint32_t timer_value(const struct acpi_pm *pm)
{
	const uint64_t ns = machine_now(pm->m);

	/* In two steps: the product of all would overflow after an hour. */
	return (uint32_t)(ns / NS_PER_S * TIMER_HZ + ns % NS_PER_S * TIMER_HZ / NS_PER_S);
}

static uint32_t acpi_pm_in(void *dev, uint16_t port, unsigned int size)
{
	const struct acpi_pm *pm = dev;
	uint32_t value = 0;
	unsigned int first = port & ~1U;

	if (port >= PM_TIMER) {
		first = PM_TIMER;
		value = timer_value(pm);
	} else if (first == ACPI_PM_PORT) {
		value = pm->status;
	} else if (first == ACPI_PM_PORT + 2) {
		value = pm->enable;
	} else if (first == PM1_CONTROL) {
		value = SCI_ENABLED;
	}
	value >>= (port - first) * 8;
	return size < 4 ? value & ((1U << size * 8) - 1) : value;
}

static void acpi_pm_out(void *dev, uint16_t port, unsigned int size, uint32_t value)
{
	struct acpi_pm *pm = dev;

	if (size != 2)
		return;
	if (port == ACPI_PM_PORT)
		pm->status &= (uint16_t)~value;
	if (port == ACPI_PM_PORT + 2)
		pm->enable = (uint16_t)value;
	update_sci(pm);
	if (port == PM1_CONTROL && (value & SLEEP_NOW) && (value & SLEEP_TYPE) == SLEEP_OFF)
		machine_stop(pm->m, STOP_POWEROFF, 0);
}

static void acpi_pm_reset(void *dev)
{
	struct acpi_pm *pm = dev;

	pm->status = 0;
	pm->enable = 0;
	update_sci(pm);
}

static void *acpi_pm_create(struct machine *m)
{
	struct acpi_pm *pm = calloc(1, sizeof(*pm));

	if (pm)
		pm->m = m;
	return pm;
}

const struct device_class acpi_pm_class = {
	.name = "acpi-pm",
	.ports = acpi_pm_ports,
	.create = acpi_pm_create,
	.destroy = free,
	.reset = acpi_pm_reset,
	.in = acpi_pm_in,
	.out = acpi_pm_out,
};
