// SPDX-License-Identifier: GPL-2.0
/* Steps that end in an exception, or may. */
#include "array.h"
#include "steps.h"

/* INT n, INT3, INT1, UD2, and INTO, which is not in 64-bit code. */
static void put_int(struct equal_code *code)
{
	put8(code, 0xcd);
	put8(code, code_below(code, 64));
}

static void put_trap(struct equal_code *code)
{
	static const char traps[][3] = { "\xcc\x90", "\xf1\x90", "\x0f\x0b", "\x0f\xff" };

	PUT(code, traps[code_below(code, ARRAY_SIZE(traps))]);
}

static void put_into(struct equal_code *code)
{
	put_load(code, RAX, 0x7fffffff);
	put_load(code, RBX, code_below(code, 2));
	put_prefix(code, OPERAND_32, 0, 0);
	PUT(code, "\x01\xd8\xce");
}

/* BOUND of a word within two others; AAM by 0 or another number. */
static void put_bound(struct equal_code *code)
{
	put8(code, 0x62);
	put_modrm_at(code, code_low_reg(code), code_data(code));
}

static void put_aam(struct equal_code *code)
{
	put8(code, 0xd4);
	put8(code, code_below(code, 4));
	put_settle(code);
}

static void put_divide(struct equal_code *code)
{
	unsigned int rm = code_reg(code);

	put_load64(code, RAX, code_value(code));
	put_load64(code, RDX, code_below(code, 2) ? 0 : code_value(code));
	put_prefix(code, OPERAND_ANY, 0, rm);
	put8(code, 0xf7);
	put_modrm(code, 6 + code_below(code, 2), rm);
	put_settle(code);
}

/* PUSH, POPF of 32 bits. */
static void put_rflags(struct equal_code *code, uint32_t rflags)
{
	if (code->mode == EQUAL_REAL)
		put8(code, 0x66);
	put8(code, 0x68);
	put32(code, rflags);
	if (code->mode == EQUAL_REAL)
		put8(code, 0x66);
	put8(code, 0x9d);
}

/* What put_emulated() and its like need: a port, and memory for OUTSB. */
static void put_operands(struct equal_code *code)
{
	put_load(code, RCX, 0);
	put_load(code, RDX, 0x80);
	put_load(code, RSI, code_data(code));
	put_load(code, RAX, 0);
}

/* What a hypervisor may execute itself: NOPs, CPUID, WBINVD, CLTS, OUT, OUTSB, MOV from CR0. */
static void put_emulated(struct equal_code *code)
{
	static const char ops[][4] = { "\x90\x90\x90", "\x0f\xa2\x90", "\x0f\x09\x90",
				       "\x0f\x06\x90", "\xe6\x80\x90", "\x6e\x90\x90",
				       "\xe4\x80\x90", "\x0f\x20\xc0" };

	PUT(code, ops[code_below(code, ARRAY_SIZE(ops))]);
}

/* TF: a trap behind the instruction after POPF, or behind the next, if that loads SS. */
static void put_single_step(struct equal_code *code)
{
	const bool shadow = !code_below(code, 4);

	put_operands(code);
	if (shadow)
		PUT(code, "\x8c\xd0");
	put_rflags(code, 0x102);
	if (shadow)
		PUT(code, "\x8e\xd0");
	put_emulated(code);
	put8(code, 0x90);
}

/* DR0 and DR7 for an instruction, which a hypervisor may execute, or for data. */
static void put_breakpoint(struct equal_code *code)
{
	const bool data = code_below(code, 2);
	uint32_t at = code_data(code);
	size_t place;

	put_operands(code);
	put_load(code, RAX, at);
	place = code->nr - 4;
	PUT(code, "\x0f\x23\xc0");
	/* G0, and 4 bytes of reads and writes. */
	put_load(code, RAX, data ? 0xf0402 : 0x402);
	PUT(code, "\x0f\x23\xf8");
	put_load(code, RAX, 0);
	if (data) {
		put_load_at(code, RDX, at);
		put8(code, 0x90);
		return;
	}
	code_patch(code, place, code_address(code));
	put_emulated(code);
}

static void put_no_breakpoint(struct equal_code *code)
{
	put_load64(code, RAX, 0);
	PUT(code, "\x0f\x23\xf8\x0f\x23\xc0");
}

/* STI, MOV to SS: what comes behind is not interrupted. */
static void put_shadow(struct equal_code *code)
{
	put_operands(code);
	if (code_below(code, 2))
		put8(code, 0xfb);
	else
		PUT(code, "\x8c\xd0\x8e\xd0");
	put_emulated(code);
}

static void put_no_interrupts(struct equal_code *code)
{
	put8(code, 0xfa);
}

/* ---- Memory ---- */

static void put_access(struct equal_code *code, uint32_t address)
{
	static const uint8_t ops[] = { 0x8b, 0x89, 0x01, 0x8a, 0x88, 0x87 };
	unsigned int reg = code_low_reg(code);

	put8(code, ops[code_below(code, ARRAY_SIZE(ops))]);
	put_modrm_at(code, reg, address);
}

/* The pages of EQUAL_WINDOW: read, written, in two of them, or executed. */
static void put_page_fault(struct equal_code *code)
{
	static const uint8_t not_code[] = { EQUAL_PAGE_ABSENT, EQUAL_PAGE_NX, EQUAL_PAGE_RESERVED };
	uint32_t address = EQUAL_WINDOW + (code_below(code, EQUAL_WINDOW_PAGES) << 12);

	switch (code_below(code, 4)) {
	case 0:
		address = not_code[code_below(code, ARRAY_SIZE(not_code))];
		put_jump(code, EQUAL_WINDOW + (address << 12) + code_below(code, 4096));
		break;
	case 1:
		put_access(code, address + 4094);
		break;
	default:
		put_access(code, address + code_below(code, 4092));
	}
}

/* Where no address is canonical, or beyond the end of real mode's segments. */
static void put_bad_address(struct equal_code *code)
{
	/* MOV (%rbx), %eax; MOV %eax, (%rbp), of the stack segment; PUSH, CALL, JMP there. */
	static const char accesses[][5] = { "\x8b\x03\x90\x90", "\x89\x45\x00\x90",
					    "\xff\x33\x90\x90", "\xff\xd3\x90\x90",
					    "\xff\xe3\x90\x90" };
	const uint64_t address = 0x8000000000000000ULL | random_next(&code->random) >> 2;

	put_load64(code, RBX, address);
	put_load64(code, RBP, address);
	PUT(code, accesses[code_below(code, ARRAY_SIZE(accesses))]);
}

static void put_beyond_limit(struct equal_code *code)
{
	static const char accesses[][6] = { "\xa1\xff\xff\x90\x90", "\xa3\xff\xff\x90\x90",
					    "\x67\x66\x8b\x00\x90", "\xff\x36\xff\xff\x90" };

	put_load(code, RAX, 0x10000 + code_below(code, 0x10000));
	PUT(code, accesses[code_below(code, ARRAY_SIZE(accesses))]);
}

/* ---- At CPL 3 ---- */

/* What is not allowed there, or is: of CLI to MOV from CR0. */
static void put_privileged(struct equal_code *code)
{
	static const char forms[][4] = {
		"\xfa\x90\x90", "\xfb\x90\x90", "\xf4\x90\x90", "\xec\x90\x90", "\xee\x90\x90",
		"\x0f\x06\x90", "\x0f\x20\xc0", "\x0f\x22\xc0", "\x0f\x21\xc0", "\x0f\x23\xf8",
		"\x0f\x32\x90", "\x0f\x30\x90", "\x0f\x09\x90", "\x0f\x08\x90", "\x0f\xa2\x90",
		"\x0f\x01\xe0", "\x0f\x01\xf0", "\x0f\x01\xd1", "\x0f\x01\xd0", "\x9c\x58\x90",
		"\x0f\x33\x90", "\x0f\x00\xd8", "\x0f\x00\xd0", "\x0f\x00\xc0", "\x0f\x00\xc8",
		"\xcd\x03\x90", "\xcd\x0d\x90", "\xcc\x90\x90", "\x0f\x0b\x90", "\x90\x90\x90",
		"\x0f\x01\xc9", "\x0f\x01\xc8", "\x0f\x34\x90", "\x0f\x05\x90", "\x0f\xaa\x90",
	};

	PUT(code, forms[code_below(code, ARRAY_SIZE(forms))]);
}

/* IRET to what is behind it; INT of the vector that is allowed there comes back. */
static void put_user(struct equal_code *code)
{
	const bool in_long = code->mode == EQUAL_LONG;

	put_load(code, RAX, 0);
	put_load(code, RCX, 0x10);
	put8(code, 0x6a);
	put8(code, EQUAL_USER_DATA | 3);
	put8(code, 0x68);
	put32(code, EQUAL_STACK3);
	put8(code, 0x68);
	put32(code, code_below(code, 4) ? 2 : 0x3002);
	put8(code, 0x6a);
	put8(code, (in_long ? EQUAL_USER64 : EQUAL_USER32) | 3);
	put_return(code, 0xcf);
	put_privileged(code);
	put8(code, 0xcd);
	put8(code, EQUAL_VECTOR_END);
}

/* Virtual-8086 mode, likewise; its segments are 0, so that the code is where it was. */
static void put_v8086(struct equal_code *code)
{
	const uint32_t flags = 0x20002 | (code_below(code, 2) ? 0x3000 : 0);
	unsigned int i;
	size_t target;

	put_load(code, RAX, 0);
	put_load(code, RCX, 0x10);
	/* GS, FS, DS, ES, SS. */
	for (i = 0; i < 5; i++)
		PUT(code, "\x6a\x00");
	put8(code, 0x68);
	put32(code, EQUAL_STACK3);
	put8(code, 0x68);
	put32(code, flags);
	PUT(code, "\x6a\x00\x68");
	target = code->nr;
	put32(code, 0);
	put8(code, 0xcf);
	code_patch(code, target, code_address(code));
	put_privileged(code);
	put8(code, 0xcd);
	put8(code, EQUAL_VECTOR_END);
}

const struct equal_step equal_steps_faults[] = {
	{ "INT n", IN_ALL, put_int, NULL },
	{ "trap or #UD", IN_ALL, put_trap, NULL },
	{ "INTO", IN_REAL | IN_32, put_into, NULL },
	{ "BOUND", IN_REAL | IN_32, put_bound, NULL },
	{ "AAM", IN_REAL | IN_32, put_aam, NULL },
	{ "DIV", IN_ALL, put_divide, NULL },
	{ "single step", IN_ALL, put_single_step, NULL },
	{ "breakpoint", IN_ALL, put_breakpoint, put_no_breakpoint },
	{ "shadow", IN_ALL, put_shadow, put_no_interrupts },
	{ "page", IN_PAGING, put_page_fault, NULL },
	{ "address", IN_LONG, put_bad_address, NULL },
	{ "limit", IN_REAL, put_beyond_limit, NULL },
	{ "CPL 3", IN_SEGMENTS, put_user, NULL },
	{ "virtual 8086", IN_32 & ~IN_IA32E, put_v8086, NULL },
	{ 0 }
};
