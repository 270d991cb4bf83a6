// SPDX-License-Identifier: GPL-2.0
/* Steps that come out to the program: ports, and memory where there is none. */
#include "array.h"
#include "steps.h"

/* In no use by the programs themselves; DX may have any other. */
#define PORT_FIRST	0x10
#define PORTS		0x80

static void put_in_out(struct equal_code *code)
{
	static const uint8_t ops[] = { 0xe4, 0xe5, 0xe6, 0xe7, 0xec, 0xed, 0xee, 0xef };
	unsigned int op = ops[code_below(code, ARRAY_SIZE(ops))];
	unsigned int port = PORT_FIRST + code_below(code, PORTS);

	put_load64(code, RAX, code_value(code));
	put_load(code, RDX, op & 8 ? port << code_below(code, 9) : 0);
	put_prefix(code, OPERAND_ANY, 0, 0);
	put8(code, op);
	if (!(op & 8))
		put8(code, port);
}

/* INS and OUTS of 0 to 40 bytes, words or doublewords. */
static void put_in_out_string(struct equal_code *code)
{
	put_load(code, RDX, PORT_FIRST + code_below(code, PORTS));
	put_load(code, RCX, code_below(code, 41));
	put_load(code, RSI, EQUAL_DATA + 256 + code_below(code, 4096));
	put_load(code, RDI, EQUAL_DATA + 256 + code_below(code, 4096));
	put8(code, code_below(code, 4) ? 0xfc : 0xfd);
	if (code_below(code, 4))
		put8(code, 0xf3);
	if (code_below(code, 2))
		put8(code, 0x66);
	put8(code, 0x6c + code_below(code, 4));
	put8(code, 0xfc);
}

/* ---- Memory that the program around the guest emulates ---- */

/* Only what leaves all flags defined, or none changed. */
static const struct code_form accesses[] = {
	FORM_8("\x88"), FORM("\x89"),
	FORM_8("\x8a"), FORM("\x8b"),
	GROUP_8("\xc6", 0, FORM_IMMEDIATE), FORM("\x0f\xb6"),
	FORM("\x0f\xb7"), FORM("\x0f\xbe"),
	FORM("\x0f\xbf"), FORM("\x01"),
	FORM("\x03"), FORM("\x29"),
	FORM("\x39"), FORM("\x3b"),
	FORM("\x11"), FORM("\x87"),
	FORM_8("\x86"), GROUP("\x83", 0, FORM_IMMEDIATE),
	GROUP("\x83", 7, FORM_IMMEDIATE), GROUP_8("\x80", 5, FORM_IMMEDIATE),
	GROUP("\xff", 0, 0), GROUP("\xff", 1, 0),
	GROUP("\xf7", 2, 0), GROUP("\xf7", 3, 0),
};

/* In real mode by FS, whose base is the memory's. */
static void put_mmio(struct equal_code *code)
{
	const struct code_form *form = &accesses[code_below(code, ARRAY_SIZE(accesses))];
	unsigned int reg = code_form_reg(code, form);
	uint32_t at = code_below(code, 512) * 8;

	if (code->mode == EQUAL_REAL) {
		put_load(code, RBX, EQUAL_MMIO_LOW >> 4);
		PUT(code, "\x8e\xe3\x64");
	} else {
		at += EQUAL_MMIO;
	}
	/* A displacement has its sign, with 64 bits: such an address is in a register. */
	if (code->mode == EQUAL_LONG)
		put_load(code, RBX, at);
	put_prefix(code, form->operand, reg, 0);
	put_bytes(code, form->op, form->size);
	if (code->mode == EQUAL_LONG)
		put8(code, (reg & 7) << 3 | RBX);
	else
		put_modrm_at(code, reg, at);
	if (form->flags & FORM_IMMEDIATE)
		put8(code, code_below(code, 256));
}

/* MOVS, STOS and LODS between such memory and what there is. */
static void put_mmio_string(struct equal_code *code)
{
	static const uint8_t ops[] = { 0xa4, 0xa5, 0xaa, 0xab, 0xac, 0xad };
	unsigned int which = code_below(code, 3);

	put_load(code, RSI, which == 0 ? EQUAL_MMIO + 256 : EQUAL_DATA + 256);
	put_load(code, RDI, which == 1 ? EQUAL_MMIO + 256 : EQUAL_DATA + 512);
	put_load(code, RCX, code_below(code, 9));
	put8(code, code_below(code, 4) ? 0xfc : 0xfd);
	put8(code, 0xf3);
	put_prefix(code, OPERAND_ANY, 0, 0);
	put8(code, ops[code_below(code, ARRAY_SIZE(ops))]);
	put8(code, 0xfc);
}

const struct equal_step equal_steps_devices[] = {
	{ "IN or OUT", IN_ALL, put_in_out, NULL },
	{ "INS or OUTS", IN_ALL, put_in_out_string, NULL },
	{ "MMIO", IN_ALL, put_mmio, equal_put_flat },
	{ "MMIO string", IN_SEGMENTS, put_mmio_string, NULL },
	{ 0 }
};
