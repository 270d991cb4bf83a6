// SPDX-License-Identifier: GPL-2.0
/* Steps that no hypervisor need see: arithmetic, strings, the stack, flags. */
#include "array.h"
#include "steps.h"

#define VAGUE_IMMEDIATE	(FORM_VAGUE | FORM_IMMEDIATE)

static const struct code_form arithmetic[] = {
	FORM("\x01"), FORM("\x03"), FORM("\x11"), FORM("\x13"), FORM("\x19"), FORM("\x1b"),
	FORM("\x29"), FORM("\x2b"), FORM("\x39"), FORM("\x3b"), FORM("\x0f\xc1"),
	FORM("\x0f\xb1"), FORM("\x8b"), FORM("\x87"),
	FORM_8("\x00"), FORM_8("\x28"),
	FORM_8("\x38"), FORM_8("\x10"),
	GROUP("\x83", 0, FORM_IMMEDIATE), GROUP("\x83", 2, FORM_IMMEDIATE),
	GROUP("\x83", 3, FORM_IMMEDIATE), GROUP("\x83", 5, FORM_IMMEDIATE),
	GROUP("\x83", 7, FORM_IMMEDIATE), GROUP("\xff", 0, 0), GROUP("\xff", 1, 0),
	GROUP("\xf7", 2, 0), GROUP("\xf7", 3, 0), GROUP("\xd1", 0, 0), GROUP("\xd1", 1, 0),
	GROUP("\xd1", 2, 0), GROUP("\xd1", 3, 0),
	FORM("\x0f\x42"), FORM("\x0f\x44"), FORM("\x0f\x48"), FORM("\x0f\x4c"), FORM("\x0f\x4e"),
	FORM_8("\x0f\x92"), FORM_8("\x0f\x94"),
	FORM_8("\x0f\x98"), FORM_8("\x0f\x9c"),
};

static const struct code_form logic[] = {
	FORM_FLAGS("\x21", FORM_VAGUE), FORM_FLAGS("\x09", FORM_VAGUE), FORM_FLAGS("\x31", FORM_VAGUE),
	FORM_FLAGS("\x85", FORM_VAGUE), FORM_FLAGS("\x0f\xaf", FORM_VAGUE),
	GROUP("\xc1", 0, VAGUE_IMMEDIATE),
	GROUP("\xc1", 4, VAGUE_IMMEDIATE),
	GROUP("\xc1", 5, VAGUE_IMMEDIATE),
	GROUP("\xc1", 7, VAGUE_IMMEDIATE),
	GROUP("\xf7", 4, FORM_VAGUE), GROUP("\xf7", 5, FORM_VAGUE),
	GROUP("\x0f\xba", 4, VAGUE_IMMEDIATE),
	GROUP("\x0f\xba", 5, VAGUE_IMMEDIATE),
	GROUP("\x0f\xba", 6, VAGUE_IMMEDIATE),
	GROUP("\x0f\xba", 7, VAGUE_IMMEDIATE),
	FORM_FLAGS("\x0f\xa4", VAGUE_IMMEDIATE),
	FORM_FLAGS("\x0f\xac", VAGUE_IMMEDIATE),
};

static void put_form(struct equal_code *code, const struct code_form *form)
{
	const bool in_memory = code_below(code, 2);
	unsigned int reg = code_form_reg(code, form);
	unsigned int rm = form->operand == OPERAND_8 ? code_low_reg(code) : code_reg(code);

	put_prefix(code, form->operand, reg, in_memory ? 0 : rm);
	put_bytes(code, form->op, form->size);
	if (in_memory)
		put_modrm_at(code, reg, code_data(code));
	else
		put_modrm(code, reg, rm);
	if (form->flags & FORM_IMMEDIATE)
		put8(code, 1 + code_below(code, 15));
	if (form->flags & FORM_VAGUE)
		put_settle(code);
}

/* ---- The steps ---- */

static void put_arithmetic(struct equal_code *code)
{
	unsigned int n = 1 + code_below(code, 4);

	while (n--)
		put_form(code, &arithmetic[code_below(code, ARRAY_SIZE(arithmetic))]);
}

static void put_logic(struct equal_code *code)
{
	put_form(code, &logic[code_below(code, ARRAY_SIZE(logic))]);
}

static void put_values(struct equal_code *code)
{
	unsigned int n = 1 + code_below(code, 4);

	while (n--)
		put_load64(code, code_reg(code), code_value(code));
}

/* LEA, BSWAP, MOVZX, MOVSX, CMPXCHG8B, which have something of their own. */
static void put_moves(struct equal_code *code)
{
	static const char extend[][2] = { "\xb6", "\xb7", "\xbe", "\xbf" };
	unsigned int reg = code_reg(code);

	switch (code_below(code, 4)) {
	case 0:
		put_prefix(code, OPERAND_ANY, reg, 0);
		put8(code, 0x8d);
		put_modrm_at(code, reg, code_data(code));
		break;
	case 1:		/* of 16 bits it is undefined */
		put_prefix(code, OPERAND_32, 0, reg);
		put8(code, 0x0f);
		put8(code, 0xc8 | (reg & 7));
		break;
	case 2:
		put_prefix(code, OPERAND_ANY, reg, 0);
		put8(code, 0x0f);
		PUT(code, extend[code_below(code, ARRAY_SIZE(extend))]);
		put_modrm_at(code, reg, code_data(code));
		break;
	default:
		PUT(code, "\x0f\xc7");
		put_modrm_at(code, 1, code_data(code));
	}
}

/* REP of 1 to 16 bytes, words or more in EQUAL_DATA, upwards or downwards. */
static void put_strings(struct equal_code *code)
{
	static const uint8_t ops[] = { 0xa4, 0xa5, 0xa6, 0xa7, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf };

	put_load(code, RSI, EQUAL_DATA + 256 + code_below(code, 4096));
	put_load(code, RDI, EQUAL_DATA + 256 + code_below(code, 4096));
	put_load(code, RCX, code_below(code, 17));
	put8(code, code_below(code, 2) ? 0xfc : 0xfd);
	put8(code, code_below(code, 2) ? 0xf3 : 0xf2);
	put_prefix(code, OPERAND_ANY, 0, 0);
	put8(code, ops[code_below(code, ARRAY_SIZE(ops))]);
	put8(code, 0xfc);
}

static void put_stack(struct equal_code *code)
{
	unsigned int reg = code_reg(code);

	switch (code_below(code, 5)) {
	case 0:		/* PUSH, POP */
		put_prefix(code, OPERAND_8, 0, reg);
		put8(code, 0x50 | (reg & 7));
		reg = code_reg(code);
		put_prefix(code, OPERAND_8, 0, reg);
		put8(code, 0x58 | (reg & 7));
		break;
	case 1:		/* of a constant, from memory */
		put8(code, 0x6a);
		put8(code, code_below(code, 256));
		put8(code, 0x8f);
		put_modrm_at(code, 0, code_data(code));
		break;
	case 2:		/* ENTER, which reads by RBP for what is outside, LEAVE */
		put_load(code, RBP, EQUAL_STACK - 256);
		put8(code, 0xc8);
		put16(code, code_below(code, 64));
		put8(code, code_below(code, 3));
		put8(code, 0xc9);
		break;
	case 3:		/* PUSHF, POP */
		put8(code, 0x9c);
		put_prefix(code, OPERAND_8, 0, reg);
		put8(code, 0x58 | (reg & 7));
		break;
	default:	/* CALL, and its RET: over the JMP behind it */
		put_call(code, code_address(code) + (code->mode == EQUAL_REAL ? 5 : 7));
		PUT(code, "\xeb\x01\xc3");
	}
}

/* POPF with a constant: but for TF, which is a step of its own, IF and VM. */
static void put_flags(struct equal_code *code)
{
	static const uint8_t ops[] = { 0xf5, 0xf8, 0xf9, 0xfc, 0xfd, 0xfa, 0xfb, 0x9f, 0x9e };
	const uint32_t allowed = 0x00257cd7;

	if (code_below(code, 2)) {
		put8(code, ops[code_below(code, ARRAY_SIZE(ops))]);
		return;
	}
	if (code->mode == EQUAL_REAL)
		put8(code, 0x66);
	put8(code, 0x68);
	put32(code, (uint32_t)random_next(&code->random) & allowed);
	if (code->mode == EQUAL_REAL)
		put8(code, 0x66);
	put8(code, 0x9d);
}

/* RFLAGS as a handler leaves it. */
static void put_clean_flags(struct equal_code *code)
{
	if (code->mode == EQUAL_REAL)
		PUT(code, "\x66\x6a\x02\x66\x9d");
	else
		PUT(code, "\x6a\x02\x9d");
}

const struct equal_step equal_steps_plain[] = {
	{ "values", IN_ALL, put_values, NULL },
	{ "arithmetic", IN_ALL, put_arithmetic, NULL },
	{ "logic", IN_ALL, put_logic, NULL },
	{ "moves", IN_ALL, put_moves, NULL },
	{ "strings", IN_ALL, put_strings, NULL },
	{ "stack", IN_ALL, put_stack, NULL },
	{ "flags", IN_ALL, put_flags, put_clean_flags },
	{ 0 }
};
