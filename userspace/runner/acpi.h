/* SPDX-License-Identifier: GPL-2.0 */
/* The ACPI tables, by which an operating system finds the CPUs and some devices. */
#ifndef ACPI_H
#define ACPI_H

#include <stdint.h>

#include "memory.h"

/* Where the root pointer is: the start of the BIOS's memory, where it is looked for. */
#define ACPI_ROOT	0xe0000ULL

/*
 * Write them for so many CPUs: the root pointer, XSDT, FADT (reset, power-off, PM
 * timer), DSDT (how to power off, the PCI bus), MCFG (PCI configuration space), MADT
 * (CPUs, the I/O APIC, NMIs). The memory there
 * is reserved in what guest_memory_map() tells.
 */
void acpi_write(struct guest_memory *memory, unsigned int cpus);

#endif /* ACPI_H */
