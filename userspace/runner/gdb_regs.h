/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The registers that gdb sees, in which order and width: its target descriptions
 * ("Target Descriptions" in Debugging with GDB) and their values. Pure logic.
 */
#ifndef GDB_REGS_H
#define GDB_REGS_H

#include <stddef.h>
#include <stdint.h>

#include "libminivmx.h"

#define GDB_FX_SIZE		512
#define GDB_DESCRIPTION_MAX	16384
/* All registers of an architecture take no more, nor a single one. */
#define GDB_REGISTERS_MAX	1024
#define GDB_REGISTER_MAX	16

enum gdb_arch {
	GDB_I8086,	/* real mode, and other 16-bit code */
	GDB_I386,
	GDB_X86_64,
};

/**
 * struct gdb_cpu - what the registers are read from and written to
 * @regs: general registers
 * @sregs: system registers
 * @fx: the legacy region of the XSAVE area: x87 and SSE
 */
struct gdb_cpu {
	struct minivmx_regs regs;
	struct minivmx_sregs sregs;
	uint8_t fx[GDB_FX_SIZE];
};

/* What the vCPU is now. Compatibility mode counts as GDB_X86_64. */
enum gdb_arch gdb_arch_of(const struct minivmx_regs *regs, const struct minivmx_sregs *sregs);

/* How many registers there are, numbered from 0. */
unsigned int gdb_nr_registers(enum gdb_arch arch);

/*
 * Registers as gdb wants them, in the target's byte order. Both return the bytes
 * that it has there, at most GDB_REGISTER_MAX.
 */
size_t gdb_read_register(enum gdb_arch arch, unsigned int number, const struct gdb_cpu *cpu,
			 uint8_t *bytes);
size_t gdb_write_register(enum gdb_arch arch, unsigned int number, struct gdb_cpu *cpu,
			  const uint8_t *bytes);
size_t gdb_register_size(enum gdb_arch arch, unsigned int number);

/* target.xml, with a final zero; returns its length. */
size_t gdb_description(enum gdb_arch arch, char text[GDB_DESCRIPTION_MAX]);

#endif /* GDB_REGS_H */
