/* SPDX-License-Identifier: GPL-2.0 */
/* The classes of the devices, one from each file. */
#ifndef TABLE_H
#define TABLE_H

#include "device.h"

/* pic_class, ioapic_class and acpi_pm_class are in device.h, pci_host_class in pci.h */
extern const struct device_class pit_class;
extern const struct device_class rtc_class;
extern const struct device_class uart16550_class;
extern const struct device_class i8042_class;
extern const struct device_class port92_class;
extern const struct device_class debug_exit_class;
extern const struct device_class post_class;

#endif /* TABLE_H */
