// SPDX-License-Identifier: GPL-2.0
/* Steps about segments and tables of them. */
#include "array.h"
#include "steps.h"

extern const uint8_t equal_flat16[], equal_flat32[], equal_flat64[];

void equal_put_flat(struct equal_code *code)
{
	const uint8_t *flat = code->mode == EQUAL_REAL ? equal_flat16 :
			      code->mode == EQUAL_LONG ? equal_flat64 : equal_flat32;

	put_call(code, code_support(flat));
}

/* All there are, with any RPL, some that are not there, and some of the LDT. */
static uint32_t any_selector(struct equal_code *code)
{
	uint32_t selector = code_below(code, EQUAL_GDT_ROWS + 2) << 3;

	if (!code_below(code, 4))
		selector |= code_below(code, 8);
	return selector;
}

/* Of MOV to a segment register: ES, DS, FS, GS, and CS, which is an #UD. */
static void put_segment(struct equal_code *code)
{
	static const uint8_t registers[] = { 0, 3, 4, 5, 0, 3, 4, 5, 1 };

	put_load(code, RAX, any_selector(code));
	put8(code, 0x8e);
	put_modrm(code, registers[code_below(code, ARRAY_SIZE(registers))], RAX);
}

/*
 * SS with what it may have, so that the stack stays where it is, and with what it may
 * not: fewer rights, no segment of data.
 */
static void put_stack_segment(struct equal_code *code)
{
	static const uint8_t selectors[] = {
		EQUAL_DATA64, EQUAL_FRESH, 0, EQUAL_READ_ONLY, EQUAL_ABSENT, EQUAL_CODE32,
		EQUAL_USER_DATA, EQUAL_USER_DATA | 3, EQUAL_DATA32 | 1, EQUAL_EXEC_ONLY, 0xf8, 3,
	};

	put_load(code, RAX, selectors[code_below(code, ARRAY_SIZE(selectors))]);
	put8(code, 0x8e);
	put_modrm(code, 2, RAX);
}

/* POP FS, GS; LFS, LGS from memory. */
static void put_pop_segment(struct equal_code *code)
{
	uint32_t at = code_data(code), selector = any_selector(code);

	if (code_below(code, 2)) {
		put8(code, 0x6a);
		put8(code, selector);
		PUT(code, "\x0f\xa1");
		return;
	}
	put_store_constant(code, at, (uint32_t)code_value(code));
	put_store_constant(code, at + 4, selector);
	put_prefix(code, OPERAND_32, 0, 0);
	put8(code, 0x0f);
	put8(code, 0xb4 + code_below(code, 2));
	put_modrm_at(code, code_low_reg(code), at);
}

/* A use of what was loaded: MOV to or from FS and DS at an offset. */
static void put_use_segment(struct equal_code *code)
{
	put_segment(code);
	if (code_below(code, 2))
		put8(code, code_below(code, 2) ? 0x64 : 0x65);
	put8(code, code_below(code, 2) ? 0x8b : 0x89);
	put_modrm_at(code, RCX, code_data(code));
}

/* LAR, LSL, VERR, VERW: ZF alone of the flags. */
static void put_look(struct equal_code *code)
{
	put_load(code, RAX, any_selector(code));
	put_load(code, RCX, 0);
	switch (code_below(code, 4)) {
	case 0:
		PUT(code, "\x0f\x02\xc8");
		break;
	case 1:
		PUT(code, "\x0f\x03\xc8");
		break;
	case 2:
		PUT(code, "\x0f\x00\xe0");
		break;
	default:
		PUT(code, "\x0f\x00\xe8");
	}
}

/* SGDT, SIDT; SLDT, STR, which are an #UD in real mode; MOV from segments. */
static void put_store(struct equal_code *code)
{
	put8(code, 0x0f);
	switch (code_below(code, 3)) {
	case 0:
		put8(code, 0x01);
		put_modrm_at(code, code_below(code, 2), code_data(code));
		break;
	case 1:
		put8(code, 0x00);
		put_modrm(code, code_below(code, 2), code_low_reg(code));
		break;
	default:
		/* PUSH GS, POP. */
		put8(code, 0xa8);
		put_prefix(code, OPERAND_8, 0, RDX);
		put8(code, 0x58 | RDX);
	}
}

/* LGDT and LIDT of what they have: SGDT, LGDT. */
static void put_tables(struct equal_code *code)
{
	unsigned int which = code_below(code, 2);
	uint32_t at = code_data(code);

	put_prefix(code, OPERAND_32, 0, 0);
	PUT(code, "\x0f\x01");
	put_modrm_at(code, which, at);
	put_prefix(code, OPERAND_32, 0, 0);
	PUT(code, "\x0f\x01");
	put_modrm_at(code, which + 2, at);
}

/* LLDT, and LTR, which marks the TSS busy: the second time it is a #GP. */
static void put_ldt(struct equal_code *code)
{
	put_load(code, RAX, code_below(code, 2) ? EQUAL_LDT_SEL : any_selector(code));
	PUT(code, "\x0f\x00\xd0");
	if (code_below(code, 2)) {
		put_load(code, RAX, 4 | code_below(code, 5) << 3);
		PUT(code, "\x8e\xe0");
	}
}

static void put_ltr(struct equal_code *code)
{
	put_load(code, RAX, code_below(code, 3) ? any_selector(code) : EQUAL_TSS2_SEL);
	PUT(code, "\x0f\x00\xd8");
}

/* The TSS of handlers again, which is not busy for LTR to take it. */
static void put_old_tr(struct equal_code *code)
{
	put_load_at(code, RAX, EQUAL_GDT + EQUAL_TSS_SEL + 4);
	/* AND $~0x200, %eax. */
	put8(code, 0x25);
	put32(code, ~0x200U);
	put_settle(code);
	put_store_at(code, RAX, EQUAL_GDT + EQUAL_TSS_SEL + 4);
	put_load(code, RAX, EQUAL_TSS_SEL);
	PUT(code, "\x0f\x00\xd8");
	equal_put_flat(code);
}

/* PUSH of a selector and an address, RETF: where it goes on if that is allowed. */
static void put_far(struct equal_code *code)
{
	static const uint8_t here32[] = { EQUAL_CODE32, EQUAL_CONFORMS, EQUAL_EXEC_ONLY };
	const bool in_long = code->mode == EQUAL_LONG;
	uint32_t selector = any_selector(code) & 0xff;

	/* Code of another size would be something else there. */
	if (selector >> 3 == EQUAL_CODE16 >> 3 || selector >> 3 == EQUAL_CODE32 >> 3 ||
	    selector >> 3 == EQUAL_CODE64 >> 3 || selector >> 3 == EQUAL_CONFORMS >> 3 ||
	    selector >> 3 == EQUAL_EXEC_ONLY >> 3)
		selector = in_long ? EQUAL_CODE64 : here32[code_below(code, ARRAY_SIZE(here32))];
	put8(code, 0x68);
	put32(code, selector);
	put_return(code, 0xcb);
}

/* CS as the rest of the program has it. */
static void put_old_cs(struct equal_code *code)
{
	const bool in_long = code->mode == EQUAL_LONG;

	put8(code, 0x6a);
	put8(code, in_long ? EQUAL_CODE64 : EQUAL_CODE32);
	put_return(code, 0xcb);
}

/* MOV to FS and GS of a paragraph of memory; real mode knows no other segments. */
static void put_paragraph(struct equal_code *code)
{
	put_load(code, RAX, code_below(code, 2) ? EQUAL_DATA >> 4 : code_below(code, 0x1000));
	put8(code, 0x8e);
	put_modrm(code, 4 + code_below(code, 2), RAX);
	put8(code, 0x64 + code_below(code, 2));
	put8(code, 0x8b);
	put_modrm_at(code, RCX, code_below(code, 4096));
}

const struct equal_step equal_steps_segments[] = {
	{ "segment", IN_SEGMENTS, put_segment, equal_put_flat },
	{ "SS", IN_SEGMENTS, put_stack_segment, equal_put_flat },
	{ "POP of a segment", IN_SEGMENTS, put_pop_segment, equal_put_flat },
	{ "use of a segment", IN_SEGMENTS, put_use_segment, equal_put_flat },
	{ "LAR and its like", IN_SEGMENTS, put_look, NULL },
	{ "store of a segment", IN_ALL, put_store, NULL },
	{ "LGDT or LIDT", IN_ALL, put_tables, NULL },
	{ "LLDT", IN_SEGMENTS, put_ldt, equal_put_flat },
	{ "LTR", IN_SEGMENTS, put_ltr, put_old_tr },
	{ "RETF", IN_SEGMENTS, put_far, put_old_cs },
	{ "paragraph", IN_REAL, put_paragraph, equal_put_flat },
	{ 0 }
};
