/* SPDX-License-Identifier: GPL-2.0 */
/* Given for lab 7: what Linux wants of a PC beside its memory, its APIC and a serial port. */
#ifndef LABS_PC_H
#define LABS_PC_H

#include "bus.h"

/* The serial port's interrupt, IRQ 4, as Linux sets its vectors. */
#define PC_COM1_PORT	0x3f8
#define PC_COM1_VECTOR	0x34

/**
 * struct pc - a pair of interrupt controllers, as far as Linux looks for them
 * @masks: their interrupt mask registers
 */
struct pc {
	uint8_t masks[2];
};

/**
 * pc_init() - interrupt controllers at ports 21H and A1H
 * @pc: filled
 * @bus: gets them
 *
 * Return: 0, or a negative errno of bus_add().
 */
int pc_init(struct pc *pc, struct bus *bus);

/**
 * pc_tables() - ACPI tables that tell of one CPU with a local APIC, in the memory at E0000H
 * @vm: whose memory that is, of at least 1M
 *
 * Return: the address of the root pointer (RSDP).
 */
uint64_t pc_tables(struct vm *vm);

#endif /* LABS_PC_H */
