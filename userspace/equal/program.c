// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "array.h"
#include "program.h"

/* In support.S. */
extern const uint8_t equal_support[], equal_support_end[];
extern const uint8_t equal_handlers16[], equal_handlers32[], equal_handlers64[];
extern const uint8_t equal_leave_real[], equal_enter_real[], equal_leave_protected[],
	equal_enter_protected[], equal_leave_paged[], equal_enter_paged[], equal_leave_pae[],
	equal_enter_pae[], equal_leave_long[], equal_enter_long[], equal_leave_compatibility[],
	equal_enter_compatibility[];

static const struct way {
	const uint8_t *leave, *enter;
} ways[EQUAL_MODES] = {
	[EQUAL_REAL] = { equal_leave_real, equal_enter_real },
	[EQUAL_PROTECTED] = { equal_leave_protected, equal_enter_protected },
	[EQUAL_PAGED] = { equal_leave_paged, equal_enter_paged },
	[EQUAL_PAE] = { equal_leave_pae, equal_enter_pae },
	[EQUAL_LONG] = { equal_leave_long, equal_enter_long },
	[EQUAL_COMPATIBILITY] = { equal_leave_compatibility, equal_enter_compatibility },
};

/* ---- Its memory: tables ---- */

static const struct descriptor_row {
	uint16_t selector;
	uint32_t base, limit;
	uint32_t access;	/* as the VMCS has it; the limit's unit is bit 15 */
} descriptors[] = {
	{ EQUAL_CODE32, 0, 0xfffff, 0xc09b },
	{ EQUAL_DATA32, 0, 0xfffff, 0xc093 },
	{ EQUAL_CODE64, 0, 0xfffff, 0xa09b },
	{ EQUAL_DATA64, 0, 0xfffff, 0xc093 },
	{ EQUAL_CODE16, 0, 0xffff, 0x009b },
	{ EQUAL_DATA16, 0, 0xffff, 0x0093 },
	{ EQUAL_USER32, 0, 0xfffff, 0xc0fb },
	{ EQUAL_USER_DATA, 0, 0xfffff, 0xc0f3 },
	{ EQUAL_USER64, 0, 0xfffff, 0xa0fb },
	{ EQUAL_BASED, EQUAL_DATA, 0xfff, 0x4093 },
	{ EQUAL_READ_ONLY, 0, 0xfffff, 0xc091 },
	{ EQUAL_ABSENT, 0, 0xfffff, 0xc013 },
	{ EQUAL_EXEC_ONLY, 0, 0xfffff, 0xc099 },
	{ EQUAL_CONFORMS, 0, 0xfffff, 0xc09f },
	{ EQUAL_DOWN, 0, 0xd, 0xc097 },
	{ EQUAL_LDT_SEL, EQUAL_LDT, 4 * 8 - 1, 0x0082 },
	{ EQUAL_TSS_SEL, EQUAL_TSS, 0x67, 0x008b },
	{ EQUAL_TSS2_SEL, EQUAL_TSS, 0x67, 0x0089 },
	{ EQUAL_FRESH, 0, 0xfffff, 0xc092 },
};

/* "Segment Descriptors". */
static uint64_t descriptor(const struct descriptor_row *row)
{
	return (row->limit & 0xffff) | (uint64_t)(row->base & 0xffffff) << 16 |
	       (uint64_t)(row->access & 0xf0ff) << 40 | (uint64_t)(row->limit & 0xf0000) << 32 |
	       (uint64_t)(row->base >> 24) << 56;
}

static void put_gdt(uint8_t *memory)
{
	uint64_t *gdt = (uint64_t *)(memory + EQUAL_GDT), *ldt = (uint64_t *)(memory + EQUAL_LDT);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(descriptors); i++)
		gdt[descriptors[i].selector / 8] = descriptor(&descriptors[i]);
	/* Some of each kind. */
	ldt[0] = gdt[EQUAL_DATA32 / 8];
	ldt[1] = gdt[EQUAL_BASED / 8];
	ldt[2] = gdt[EQUAL_ABSENT / 8];
	ldt[3] = gdt[EQUAL_USER_DATA / 8];
}

/* "IDT Descriptors", "64-Bit Mode IDT": interrupt gates, of DPL 0 or 3. */
static uint64_t gate(uint32_t handler, bool for_user)
{
	return (uint64_t)(handler >> 16) << 48 | (uint64_t)(for_user ? 0xee00 : 0x8e00) << 32 |
	       (handler & 0xffff);
}

static void put_idts(uint8_t *memory)
{
	uint64_t *idt32 = (uint64_t *)(memory + EQUAL_IDT32);
	uint64_t *idt64 = (uint64_t *)(memory + EQUAL_IDT64);
	uint32_t *ivt = (uint32_t *)(memory + EQUAL_IVT);
	uint32_t vector, offset;

	for (vector = 0; vector < EQUAL_VECTORS; vector++) {
		const bool for_user = vector == 3 || vector == EQUAL_VECTOR_END;

		offset = vector * EQUAL_STUB;
		ivt[vector] = code_support(equal_handlers16) + offset;
		idt32[vector] = gate(code_support(equal_handlers32) + offset, for_user) |
				EQUAL_CODE32 << 16;
		idt64[2 * vector] = gate(code_support(equal_handlers64) + offset, for_user) |
				    EQUAL_CODE64 << 16;
	}
}

static void put_tss(uint8_t *memory)
{
	uint32_t *tss = (uint32_t *)(memory + EQUAL_TSS);

	tss[1] = EQUAL_STACK0;
	tss[2] = EQUAL_DATA32;
	/* The map of ports would be behind its limit: there is none. */
	tss[25] = 0x68 << 16;
}

/* ---- Its memory: pages ---- */

#define PTE_P	1ULL
#define PTE_W	2ULL
#define PTE_U	4ULL
#define PTE_PS	0x80ULL
#define PTE_NX	(1ULL << 63)
#define ALL	(PTE_P | PTE_W | PTE_U)
/* Above any physical address that a guest is told to have. */
#define RESERVED	(1ULL << 51)

/* Bits of a page of the window, in 32-bit paging and else. */
static const struct page {
	uint64_t pte32, pte;
	bool mmio;
} pages[EQUAL_WINDOW_PAGES] = {
	[EQUAL_PAGE_RW] = { ALL, ALL, false },
	[EQUAL_PAGE_RO] = { PTE_P | PTE_U, PTE_P | PTE_U, false },
	[EQUAL_PAGE_SUPERVISOR] = { PTE_P | PTE_W, PTE_P | PTE_W, false },
	[EQUAL_PAGE_NX] = { 0, ALL | PTE_NX, false },
	[EQUAL_PAGE_RESERVED] = { 0, ALL | RESERVED, false },
	[EQUAL_PAGE_MMIO] = { ALL, ALL, true },
};

static void put_pages(uint8_t *memory)
{
	uint64_t *pdpt = (uint64_t *)(memory + EQUAL_PDPT), *pd = (uint64_t *)(memory + EQUAL_PD);
	uint64_t *pae = (uint64_t *)(memory + EQUAL_PAE_PDPT), *pt = (uint64_t *)(memory + EQUAL_PT);
	uint32_t *pd32 = (uint32_t *)(memory + EQUAL_PD32), *pt32 = (uint32_t *)(memory + EQUAL_PT32);
	uint64_t i;

	*(uint64_t *)(memory + EQUAL_PML4) = EQUAL_PDPT | ALL;
	for (i = 0; i < 4; i++) {
		pdpt[i] = (EQUAL_PD + (i << 12)) | ALL;
		/* Rights are reserved bits there. */
		pae[i] = (EQUAL_PD + (i << 12)) | PTE_P;
	}
	for (i = 0; i < 2048; i++)
		pd[i] = i << 21 | PTE_PS | ALL;
	for (i = 0; i < 1024; i++)
		pd32[i] = (uint32_t)(i << 22 | PTE_PS | ALL);
	pd[EQUAL_WINDOW >> 21] = EQUAL_PT | ALL;
	pd32[EQUAL_WINDOW >> 22] = EQUAL_PT32 | ALL;
	for (i = 0; i < EQUAL_WINDOW_PAGES; i++) {
		const uint64_t to = pages[i].mmio ? EQUAL_MMIO : EQUAL_DATA + ((i & 1) << 12);

		pt[i] = pages[i].pte ? to | pages[i].pte : 0;
		pt32[i] = (uint32_t)(pages[i].pte32 ? to | pages[i].pte32 : 0);
	}
}

/* ---- Its code ---- */

static void put_way(struct equal_code *code, enum equal_mode mode)
{
	const enum equal_mode from = code->mode;
	size_t target;

	put_load(code, RBX, 0);
	target = code->nr - 4;
	put_load(code, RDX, code_support(ways[mode].enter));
	put_jump(code, code_support(ways[from].leave));
	code->mode = mode;
	code_patch(code, target, code_address(code));
	put_settle(code);
}

static void add_step(struct equal_program *program, const struct equal_step *step,
		     const char *bytes, size_t size)
{
	struct equal_code *code = &program->code;
	size_t resume;

	program->steps[program->nr_steps] = step;
	program->modes[program->nr_steps] = code->mode;
	program->starts[program->nr_steps] = code->nr;
	resume = put_store_constant(code, EQUAL_RESUME, 0);
	if (step->put)
		step->put(code);
	put_bytes(code, bytes, size);
	code_patch(code, resume, code_address(code));
	program->ends[program->nr_steps++] = code->nr;
	put_out(code, EQUAL_PORT_STEP);
	if (!step->undo)
		return;
	resume = put_store_constant(code, EQUAL_RESUME, 0);
	step->undo(code);
	code_patch(code, resume, code_address(code));
}

static void begin(struct equal_program *program, uint64_t seed, uint64_t number, uint8_t *memory)
{
	struct equal_code *code = &program->code;
	__u64 *reg = &program->regs.rax;
	unsigned int i;

	program->nr_steps = 0;
	code->nr = 0;
	code->mode = EQUAL_PROTECTED;
	random_start(&code->random, seed, number);

	memset(memory, 0, EQUAL_SIZE);
	put_gdt(memory);
	put_idts(memory);
	put_tss(memory);
	put_pages(memory);
	memcpy(memory + EQUAL_SUPPORT, equal_support, (size_t)(equal_support_end - equal_support));
	*(uint32_t *)(memory + EQUAL_RESUME_CS) = EQUAL_CODE32;
	for (i = 0; i < EQUAL_DATA_SIZE; i += 8)
		*(uint64_t *)(memory + EQUAL_DATA + i) = random_next(&code->random);

	minivmx_set_protected(&program->sregs, &program->regs, EQUAL_CODE);
	for (i = 0; i < 8; i++)
		reg[i] = (uint32_t)code_value(code);
	program->regs.rsp = EQUAL_STACK;
	program->sregs.cs.selector = EQUAL_CODE32;
	program->sregs.ds.selector = program->sregs.es.selector = EQUAL_DATA32;
	program->sregs.fs.selector = program->sregs.gs.selector = EQUAL_DATA32;
	program->sregs.ss.selector = EQUAL_DATA32;
	program->sregs.tr.selector = EQUAL_TSS_SEL;
	program->sregs.tr.base = EQUAL_TSS;
	program->sregs.gdtr = (struct minivmx_table) {
		.base = EQUAL_GDT, .limit = EQUAL_GDT_ROWS * 8 - 1,
	};
	program->sregs.idtr = (struct minivmx_table) {
		.base = EQUAL_IDT32, .limit = EQUAL_VECTORS * 8 - 1,
	};
	/* WP, so that a page that may not be written may not. */
	program->sregs.cr0 |= 1 << 16 | 1 << 5;
}

static void end(struct equal_program *program, uint8_t *memory)
{
	put_out(&program->code, EQUAL_PORT_DONE);
	memcpy(memory + EQUAL_CODE, program->code.bytes, program->code.nr);
}

void equal_program_make(struct equal_program *program, uint64_t seed, uint64_t number,
			uint8_t *memory)
{
	struct equal_code *code = &program->code;
	unsigned int left, steps;

	begin(program, seed, number, memory);
	steps = 12 + code_below(code, EQUAL_MAX_STEPS - 11);
	while (program->nr_steps < steps) {
		put_way(code, code_below(code, EQUAL_MODES));
		left = 2 + code_below(code, 8);
		while (left-- && program->nr_steps < steps)
			add_step(program, equal_step_choose(code), NULL, 0);
	}
	end(program, memory);
}

void equal_program_make_one(struct equal_program *program, const struct equal_step *step,
			    const char *bytes, size_t size, uint8_t *memory)
{
	begin(program, 0, 0, memory);
	add_step(program, step, bytes, size);
	end(program, memory);
}
