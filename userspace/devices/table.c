// SPDX-License-Identifier: GPL-2.0
/*
 * The devices of the machine.
 *
 * A new device is one file with a struct device_class, declared in table.h and
 * listed here. They are created and reset from the top: the PIC comes first,
 * since the others lower their interrupt lines when they are reset.
 */
#include "pci.h"
#include "table.h"

const struct device_class *const device_table[] = {
	&pic_class,
	&pit_class,
	&rtc_class,
	&uart16550_class,
	&i8042_class,
	&port92_class,
	&acpi_pm_class,
	&ioapic_class,
	&pci_host_class,
	&debug_exit_class,
	&post_class,
	NULL
};
