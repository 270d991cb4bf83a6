/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The ISA bus's rule for accesses wider than a device.
 *
 * The devices here are eight bits wide and software reads and writes them with
 * byte instructions. A wider access means the low byte, at the port it names:
 * a write drops the rest, a read finds the lines that nobody drives high. Only
 * ACPI's registers (acpi_pm.c) are wider than a byte.
 */
#ifndef ISA_H
#define ISA_H

#include <stdint.h>

/* The answer to a read of @size bytes from a device that drives one. */
static inline uint32_t isa_byte(uint8_t byte, unsigned int size)
{
	uint32_t undriven = size == 1 ? 0 : size == 2 ? 0xff00 : 0xffffff00;

	return undriven | byte;
}

#endif /* ISA_H */
