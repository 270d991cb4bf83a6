/* SPDX-License-Identifier: GPL-2.0 */
/* Writing the code of a program, for the mode that it is in at that place. */
#ifndef EQUAL_CODE_H
#define EQUAL_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "layout.h"
#include "random.h"

enum equal_mode { EQUAL_REAL, EQUAL_PROTECTED, EQUAL_PAGED, EQUAL_PAE, EQUAL_LONG,
		  EQUAL_COMPATIBILITY, EQUAL_MODES };

/* Sets of them. */
#define IN_REAL		(1U << EQUAL_REAL)
#define IN_PROTECTED	(1U << EQUAL_PROTECTED)
#define IN_LONG		(1U << EQUAL_LONG)
#define IN_IA32E	(IN_LONG | 1U << EQUAL_COMPATIBILITY)
#define IN_PAGING	(1U << EQUAL_PAGED | 1U << EQUAL_PAE | IN_IA32E)
#define IN_32		(IN_PROTECTED | 1U << EQUAL_PAGED | 1U << EQUAL_PAE | \
			 1U << EQUAL_COMPATIBILITY)
#define IN_SEGMENTS	(IN_32 | IN_LONG)
#define IN_ALL		(IN_REAL | IN_SEGMENTS)

const char *equal_mode_name(enum equal_mode mode);

/**
 * struct equal_code - a program that is being written
 * @bytes: it, for EQUAL_CODE
 * @nr: of them that there are; what comes behind the last is lost
 * @mode: that the next instruction is executed in
 * @random: what it is made of
 */
struct equal_code {
	uint8_t bytes[EQUAL_CODE_SIZE];
	size_t nr;
	enum equal_mode mode;
	struct equal_random random;
};

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI };

/* ---- Chance ---- */

uint32_t code_below(struct equal_code *code, uint32_t n);
/* A value that is at the edge of something, more often than not. */
uint64_t code_value(struct equal_code *code);
/* A register, but not RSP; R8 to R15 only where they are. */
unsigned int code_reg(struct equal_code *code);
/* Of RAX, RCX, RDX, RBX, whose low bytes have names in all modes. */
unsigned int code_low_reg(struct equal_code *code);
/* In EQUAL_DATA, with room for 64 bytes. */
uint32_t code_data(struct equal_code *code);

/* ---- Bytes ---- */

uint32_t code_address(const struct equal_code *code);
void put8(struct equal_code *code, unsigned int value);
void put16(struct equal_code *code, unsigned int value);
void put32(struct equal_code *code, uint32_t value);
void put64(struct equal_code *code, uint64_t value);
/* Machine code that is the same in all modes. */
#define PUT(code, bytes) put_bytes(code, bytes, sizeof(bytes) - 1)
void put_bytes(struct equal_code *code, const char *bytes, size_t size);

/* ---- Instructions ---- */

/*
 * An operand size other than the usual one, or REX: for 32 bits, or any by chance, or none
 * for bytes. @reg and @rm are the registers of ModRM.
 */
enum operand { OPERAND_32, OPERAND_ANY, OPERAND_8 };
void put_prefix(struct equal_code *code, enum operand operand, unsigned int reg, unsigned int rm);
/* ModRM, both operands registers; the second in memory. */
void put_modrm(struct equal_code *code, unsigned int reg, unsigned int rm);
void put_modrm_at(struct equal_code *code, unsigned int reg, uint32_t address);

/**
 * struct code_form - an instruction with ModRM
 * @op: opcode
 * @size: bytes of it
 * @digit: what is in the place of a register, or -1
 * @flags: FORM_*
 * @operand: OPERAND_8 or _ANY
 */
struct code_form {
	const char *op;
	uint8_t size;
	int8_t digit;
	uint8_t flags;
	enum operand operand;
};

#define FORM_IMMEDIATE	1	/* there is one of 8 bits, from 1 to 15 */
#define FORM_VAGUE	2	/* it leaves flags undefined ("EFLAGS Cross-Reference") */

#define FORM(bytes)			{ bytes, sizeof(bytes) - 1, -1, 0, OPERAND_ANY }
#define FORM_8(bytes)			{ bytes, sizeof(bytes) - 1, -1, 0, OPERAND_8 }
#define FORM_FLAGS(bytes, flags)	{ bytes, sizeof(bytes) - 1, -1, flags, OPERAND_ANY }
#define GROUP(bytes, digit, flags)	{ bytes, sizeof(bytes) - 1, digit, flags, OPERAND_ANY }
#define GROUP_8(bytes, digit, flags)	{ bytes, sizeof(bytes) - 1, digit, flags, OPERAND_8 }

/* For @form: the register of ModRM. */
unsigned int code_form_reg(struct equal_code *code, const struct code_form *form);

/* MOV of 32 bits; of 64 where they are. */
void put_load(struct equal_code *code, unsigned int reg, uint32_t value);
void put_load64(struct equal_code *code, unsigned int reg, uint64_t value);
/* MOV between memory and a register, of 32 bits. */
void put_store_at(struct equal_code *code, unsigned int reg, uint32_t address);
void put_load_at(struct equal_code *code, unsigned int reg, uint32_t address);
/* MOV of a constant of 32 bits to memory. The constant's place, for code_patch(). */
size_t put_store_constant(struct equal_code *code, uint32_t address, uint32_t value);
void code_patch(struct equal_code *code, size_t place, uint32_t value);
/*
 * RETF or IRET (@opcode) to what follows, of the size of a push: CS and what is below it lie on
 * the stack.
 */
void put_return(struct equal_code *code, uint8_t opcode);
/* JMP and CALL near, to an address. */
void put_jump(struct equal_code *code, uint32_t address);
void put_call(struct equal_code *code, uint32_t address);
/* CMP of two registers: all flags are defined again. */
void put_settle(struct equal_code *code);
/* OUT to a port below 256. */
void put_out(struct equal_code *code, uint8_t port);

/* Of a label of support.S. */
uint32_t code_support(const uint8_t *label);

#endif /* EQUAL_CODE_H */
