// SPDX-License-Identifier: GPL-2.0
/* Steps that a hypervisor sees, or could: control and debug registers, MSRs, CPUID. */
#include "array.h"
#include "steps.h"

/* Where a step leaves what its undo needs. */
#define SAVED		(EQUAL_DATA + EQUAL_DATA_SIZE - 16)

/* MOV between EAX and a control or debug register. */
static void put_from_cr(struct equal_code *code, unsigned int cr)
{
	PUT(code, "\x0f\x20");
	put_modrm(code, cr, RAX);
}

static void put_to_cr(struct equal_code *code, unsigned int cr)
{
	PUT(code, "\x0f\x22");
	put_modrm(code, cr, RAX);
}

static void put_xor_eax(struct equal_code *code, uint32_t bits)
{
	if (code->mode == EQUAL_REAL)
		put8(code, 0x66);
	put8(code, 0x35);
	put32(code, bits);
	put_settle(code);
}

/* A register as it was; one bit of it, or some, changed. */
static void put_change_cr(struct equal_code *code, unsigned int cr, uint32_t bits)
{
	put_from_cr(code, cr);
	put_store_at(code, RAX, SAVED);
	put_xor_eax(code, bits);
	put_to_cr(code, cr);
	put_from_cr(code, cr);
}

static void put_old_cr(struct equal_code *code, unsigned int cr)
{
	put_load_at(code, RAX, SAVED);
	put_to_cr(code, cr);
}

/* ---- CR0, CR4, and what writes to parts of them ---- */

#define CR0_PE	(1U << 0)
#define CR0_WP	(1U << 16)
#define CR0_NW	(1U << 29)
#define CR0_CD	(1U << 30)
#define CR0_PG	(1U << 31)

/* PE and PG alone would have the code be of another size: they are the ways' between modes. */
static void put_cr0(struct equal_code *code)
{
	const bool paging = (IN_PAGING >> code->mode) & 1;
	uint32_t bits = 1U << code_below(code, 32);

	if (!code_below(code, 4))
		bits = CR0_NW | CR0_CD;
	if ((bits & CR0_PE) && !paging)
		bits = CR0_WP;
	/* With PE off, or from 64-bit code, it is a #GP. */
	if ((bits & CR0_PG) && paging && code->mode != EQUAL_LONG)
		bits = CR0_NW;
	if ((bits & CR0_PG) && !paging && code->mode != EQUAL_REAL)
		bits = CR0_CD;
	put_change_cr(code, 0, bits);
}

static void put_old_cr0(struct equal_code *code)
{
	put_old_cr(code, 0);
}

#define CR4_PSE		(1U << 4)
#define CR4_PAE		(1U << 5)
#define CR4_LA57	(1U << 12)
#define CR4_VMXE	(1U << 13)
#define CR4_SMEP	(1U << 20)
#define CR4_SMAP	(1U << 21)

/* Not those by which the program would lose its pages: all are a user's. */
static void put_cr4(struct equal_code *code)
{
	const bool paging = (IN_PAGING >> code->mode) & 1;
	uint32_t bits = 1U << code_below(code, 32), lost = CR4_SMEP | CR4_SMAP | CR4_PSE;

	if (!((IN_IA32E >> code->mode) & 1))
		lost |= CR4_PAE;
	if (paging && (bits & lost))
		bits = CR4_VMXE;
	put_change_cr(code, 4, bits);
}

static void put_old_cr4(struct equal_code *code)
{
	put_old_cr(code, 4);
}

/* CLTS, LMSW, SMSW. */
static void put_msw(struct equal_code *code)
{
	put_from_cr(code, 0);
	put_store_at(code, RAX, SAVED);
	switch (code_below(code, 3)) {
	case 0:
		PUT(code, "\x0f\x06");
		break;
	case 1:		/* PE stays as it is */
		put_load(code, RCX, (random_next(&code->random) & 0xfffe) |
				    (code->mode == EQUAL_REAL ? 0 : CR0_PE));
		PUT(code, "\x0f\x01\xf1");
		break;
	default:
		PUT(code, "\x0f\x01\xe1");
	}
}

/* With TS or EM, #NM or not: FNOP, WAIT, MOVAPS of a register to itself. */
static void put_fpu(struct equal_code *code)
{
	static const char ops[][4] = { "\xd9\xd0\x90", "\x9b\x90\x90", "\x0f\x28\xc0",
				       "\x0f\x77\x90" };

	put_from_cr(code, 0);
	put_store_at(code, RAX, SAVED);
	put_xor_eax(code, (code_below(code, 2) ? 8 : 4) | (code_below(code, 2) ? 2 : 0));
	put_to_cr(code, 0);
	PUT(code, ops[code_below(code, ARRAY_SIZE(ops))]);
}

/* MOV to CR2; to CR3 of what it has, CR8, and control registers that there are not. */
static void put_other_cr(struct equal_code *code)
{
	switch (code_below(code, 4)) {
	case 0:
		put_load64(code, RAX, code_value(code));
		put_to_cr(code, 2);
		break;
	case 1:
		put_from_cr(code, 3);
		put_to_cr(code, 3);
		break;
	case 2:
		put_load(code, RAX, code_below(code, 17));
		if (code->mode == EQUAL_LONG)
			put8(code, 0x44);
		put_to_cr(code, code->mode == EQUAL_LONG ? 0 : 1);
		if (code->mode == EQUAL_LONG)
			PUT(code, "\x44\x0f\x20\xc1");
		break;
	default:
		put_from_cr(code, 5 + code_below(code, 3));
	}
}

static void put_old_cr8(struct equal_code *code)
{
	if (code->mode == EQUAL_LONG)
		PUT(code, "\xb8\x00\x00\x00\x00\x44\x0f\x22\xc0");
}

/* ---- Debug registers ---- */

/* Breakpoints off; DR4 and DR5 with and without DE. */
static void put_dr(struct equal_code *code)
{
	unsigned int dr = code_below(code, 8);
	uint64_t value = code_value(code);

	/* Nothing is enabled; of GD see known.c. */
	if (dr == 5 || dr == 7)
		value = (value & 0xffffffffffff0000) | 0x400;
	put_load64(code, RAX, value);
	PUT(code, "\x0f\x23");
	put_modrm(code, dr, RAX);
	PUT(code, "\x0f\x21");
	put_modrm(code, code_below(code, 2) ? dr : code_below(code, 8), RDX);
}

static void put_old_dr(struct equal_code *code)
{
	unsigned int dr;

	put_load64(code, RAX, 0);
	PUT(code, "\x0f\x23\xf8");
	for (dr = 0; dr < 4; dr++) {
		PUT(code, "\x0f\x23");
		put_modrm(code, dr, RAX);
	}
	put_load64(code, RAX, 0xffff0ff0);
	PUT(code, "\x0f\x23\xf0");
}

/* ---- MSRs ---- */

/* Without those whose values are of this moment or this hypervisor: see known.c. */
static const uint32_t msrs[] = {
	0x1b, 0x3b, 0x174, 0x175, 0x176, 0x1a0, 0x1d9, 0x277, 0x200, 0x201, 0x20e, 0x20f, 0x250, 0x26f,
	0x2ff, 0xfe, 0xc0000080, 0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084, 0xc0000100,
	0xc0000101, 0xc0000102, 0xc0000103,
};

/* No CPU has them. */
static const uint32_t no_msrs[] = { 0x3, 0x1234, 0x3fffffff, 0xc0001fff, 0xbfffffff, 0xdeadbeef };

static uint32_t any_msr(struct equal_code *code)
{
	if (!code_below(code, 6))
		return no_msrs[code_below(code, ARRAY_SIZE(no_msrs))];
	return msrs[code_below(code, ARRAY_SIZE(msrs))];
}

static void put_rdmsr(struct equal_code *code)
{
	put_load(code, RCX, any_msr(code));
	PUT(code, "\x0f\x32");
}

#define MSR_APIC_BASE	0x1b
#define MSR_TSC_ADJUST	0x3b
#define MSR_MISC_ENABLE	0x1a0
#define MSR_EFER	0xc0000080
#define MSR_FMASK	0xc0000084
#define EFER_LME	0x100

/*
 * RDMSR, WRMSR of some other value, RDMSR. What the undo needs is in memory, with ECX. That
 * the APIC is off, or the TSC elsewhere, cannot always be undone: they keep their values.
 */
static void put_wrmsr(struct equal_code *code)
{
	uint32_t msr = any_msr(code);
	uint64_t value = code_value(code);

	put_load(code, RCX, msr);
	put_store_constant(code, SAVED + 8, msr);
	PUT(code, "\x0f\x32");
	put_store_at(code, RAX, SAVED);
	put_store_at(code, RDX, SAVED + 4);
	if (msr == MSR_EFER) {
		/* LME is the mode's; in paging it is a #GP. */
		uint32_t bit = 1U << code_below(code, 16);

		if (!((IN_PAGING >> code->mode) & 1) && bit == EFER_LME)
			bit = 1;
		put_xor_eax(code, bit);
	} else if (msr == MSR_MISC_ENABLE) {
		put_xor_eax(code, 1);
	} else if (msr != MSR_APIC_BASE && msr != MSR_TSC_ADJUST) {
		put_load(code, RAX, (uint32_t)value);
		put_load(code, RDX, msr == MSR_FMASK ? 0 : (uint32_t)(value >> 32));
	}
	PUT(code, "\x0f\x30\x0f\x32");
}

static void put_old_msr(struct equal_code *code)
{
	put_load_at(code, RCX, SAVED + 8);
	put_load_at(code, RAX, SAVED);
	put_load_at(code, RDX, SAVED + 4);
	PUT(code, "\x0f\x30");
}

/* ---- CPUID ---- */

/* AND of ECX (1) or EDX (2) with a constant. */
static void put_and(struct equal_code *code, unsigned int reg, uint32_t mask)
{
	put_prefix(code, OPERAND_32, 0, reg);
	put8(code, 0x81);
	put_modrm(code, 4, reg);
	put32(code, mask);
	put_settle(code);
}

/* Of leaf 1 what follows the guest's own state, or is emulated; of other features see known.c. */
#define LEAF1_ECX	(1U << 31 | 1U << 27 | 1U << 24 | 1U << 21)
#define LEAF1_EDX	(1U << 9)

static void put_cpuid(struct equal_code *code)
{
	static const uint32_t leaves[] = {
		0, 1, 1, 2, 3, 4, 5, 6, 9, 0xa, 0xb, 0xd, 0x14, 0x15, 0x16, 0x17, 0x1f,
		0x80000000, 0x80000002, 0x80000003, 0x80000004, 0x80000005, 0x80000006,
		0x80000007, 0x80000008, 0x80000009, 0x40000000, 0x40000001, 0x40000100,
		0x40000101, 0xffffffff,
	};
	uint32_t leaf = leaves[code_below(code, ARRAY_SIZE(leaves))];

	put_load(code, RAX, leaf);
	put_load(code, RCX, code_below(code, 4));
	PUT(code, "\x0f\xa2");
	if (leaf == 1) {
		put_and(code, RCX, LEAF1_ECX);
		put_and(code, RDX, LEAF1_EDX);
	}
}

/* XGETBV, XSETBV, which are an #UD without CR4.OSXSAVE. */
static void put_xcr(struct equal_code *code)
{
	put_from_cr(code, 4);
	put_store_at(code, RAX, SAVED);
	if (code_below(code, 2)) {
		put_xor_eax(code, 1U << 18);
		put_to_cr(code, 4);
	}
	put_load(code, RCX, code_below(code, 4) ? 0 : code_below(code, 3));
	put_load(code, RDX, 0);
	put_load(code, RAX, code_below(code, 9));
	if (code_below(code, 2))
		PUT(code, "\x0f\x01\xd1");
	PUT(code, "\x0f\x01\xd0");
}

/* VMX, SMX and others that a guest does not have; hints, caches and TLBs, for which it has. */
static void put_system(struct equal_code *code)
{
	static const char ops[][5] = {
		"\x0f\x01\xc2\x90", "\x0f\x01\xc3\x90", "\x0f\x01\xc4\x90", "\x0f\x78\xc0\x90",
		"\x0f\x79\xc0\x90", "\x0f\x37\x90\x90", "\x0f\xaa\x90\x90", "\x0f\x33\x90\x90",
		"\x0f\x08\x90\x90", "\x0f\x09\x90\x90", "\xf3\x90\x90\x90", "\x0f\x01\xd4\x90",
		"\x0f\x01\xcf\x90",
	};

	put_load(code, RCX, 1U << 30);
	PUT(code, ops[code_below(code, ARRAY_SIZE(ops))]);
}

static void put_invlpg(struct equal_code *code)
{
	PUT(code, "\x0f\x01");
	put_modrm_at(code, 7, code->mode == EQUAL_REAL ? EQUAL_DATA : EQUAL_WINDOW);
}

/* ---- SYSCALL, SYSENTER: to what comes behind, by their MSRs ---- */

static void put_set_msr(struct equal_code *code, uint32_t msr, uint32_t high, uint32_t low)
{
	put_load(code, RCX, msr);
	put_load(code, RDX, high);
	put_load(code, RAX, low);
	PUT(code, "\x0f\x30");
}

static void put_syscall(struct equal_code *code)
{
	size_t target;

	put_set_msr(code, 0xc0000081, EQUAL_CODE64, 0);
	put_set_msr(code, 0xc0000084, 0, (uint32_t)random_next(&code->random));
	put_set_msr(code, 0xc0000082, 0, 0);
	/* The address, in the WRMSR of the last line: its MOV to EAX. */
	target = code->nr - 6;
	put_load(code, RCX, MSR_EFER);
	PUT(code, "\x0f\x32");
	if (code_below(code, 4))
		PUT(code, "\x83\xc8\x01");
	put_settle(code);
	PUT(code, "\x0f\x30\x0f\x05");
	code_patch(code, target, code_address(code));
}

static void put_no_syscall(struct equal_code *code)
{
	put_load(code, RCX, MSR_EFER);
	PUT(code, "\x0f\x32\x83\xe0\xfe\x0f\x30");
	put_settle(code);
	equal_put_flat(code);
}

static void put_sysenter(struct equal_code *code)
{
	size_t target;

	put_set_msr(code, 0x174, 0, code_below(code, 4) ? EQUAL_CODE32 : 0);
	put_set_msr(code, 0x175, 0, EQUAL_STACK);
	put_set_msr(code, 0x176, 0, 0);
	target = code->nr - 6;
	PUT(code, "\x0f\x34");
	code_patch(code, target, code_address(code));
}

const struct equal_step equal_steps_system[] = {
	{ "CR0", IN_ALL, put_cr0, put_old_cr0 },
	{ "CR4", IN_ALL, put_cr4, put_old_cr4 },
	{ "CLTS or LMSW", IN_ALL, put_msw, put_old_cr0 },
	{ "FPU", IN_ALL, put_fpu, put_old_cr0 },
	{ "CR2, CR3, CR8", IN_ALL, put_other_cr, put_old_cr8 },
	{ "DR", IN_ALL, put_dr, put_old_dr },
	{ "RDMSR", IN_ALL, put_rdmsr, NULL },
	{ "WRMSR", IN_ALL, put_wrmsr, put_old_msr },
	{ "CPUID", IN_ALL, put_cpuid, NULL },
	{ "XCR0", IN_ALL, put_xcr, put_old_cr4 },
	{ "system", IN_ALL, put_system, NULL },
	{ "INVLPG", IN_ALL, put_invlpg, NULL },
	{ "SYSCALL", IN_LONG, put_syscall, put_no_syscall },
	{ "SYSENTER", IN_32 & ~IN_IA32E, put_sysenter, equal_put_flat },
	{ 0 }
};
