// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <string.h>

#include "array.h"
#include "outcome.h"

const uint32_t equal_msrs[] = {
	0x1b, 0x3b, 0x174, 0x175, 0x176, 0x1a0, 0x1d9, 0x277, 0x2ff, 0xc0000080, 0xc0000081,
	0xc0000082, 0xc0000083, 0xc0000084, 0xc0000100, 0xc0000101, 0xc0000102,
};

const unsigned int equal_nr_msrs = ARRAY_SIZE(equal_msrs);

/* ---- What is looked at of a state ---- */

/* WIDE: 64 bits of it only where code has them. NEW: only there is it at all. */
enum width { PLAIN, WIDE, NEW };

static const struct field {
	const char *name;
	size_t offset;
	uint8_t size;
	enum width width;
} fields[] = {
#define FIELD(name, member, width) \
	{ name, offsetof(struct equal_state, member), \
	  sizeof(((struct equal_state *)0)->member), width }
#define REG(member, width)	FIELD(#member, regs.member, width)
#define SREG(member)		FIELD(#member, sregs.member, PLAIN)
#define FAULT(member)		FIELD("fault." #member, fault.member, PLAIN)
	REG(rax, WIDE), REG(rcx, WIDE), REG(rdx, WIDE), REG(rbx, WIDE), REG(rsp, WIDE),
	REG(rbp, WIDE), REG(rsi, WIDE), REG(rdi, WIDE), REG(r8, NEW), REG(r9, NEW),
	REG(r10, NEW), REG(r11, NEW), REG(r12, NEW), REG(r13, NEW), REG(r14, NEW),
	REG(r15, NEW), REG(rip, PLAIN), REG(rflags, PLAIN),
	SREG(cr0), SREG(cr2), SREG(cr3), SREG(cr4), SREG(cr8), SREG(efer), SREG(xcr0),
	SREG(dr0), SREG(dr1), SREG(dr2), SREG(dr3), SREG(dr6), SREG(dr7),
	SREG(gdtr.base), SREG(gdtr.limit), SREG(idtr.base), SREG(idtr.limit),
	FIELD("faults", faults, PLAIN), FAULT(vector), FAULT(error), FAULT(rip), FAULT(cs),
	FAULT(rflags), FAULT(dr6), FAULT(cr2),
	FIELD("ports and MMIO", accesses, PLAIN),
};

static const struct segment_field {
	const char *name;
	size_t offset;
} segments[] = {
#define SEGMENT(name)	{ #name, offsetof(struct equal_state, sregs.name) }
	SEGMENT(es), SEGMENT(cs), SEGMENT(ss), SEGMENT(ds), SEGMENT(fs), SEGMENT(gs),
	SEGMENT(ldtr), SEGMENT(tr),
};

/* Why something is not looked at that differs, or could. */
static const struct ignored {
	const char *what, *why;
} ignored[] = {
	{ "R8 to R15, and bits 63:32 of the others, outside 64-bit mode",
	  "the manual leaves them undefined (\"General-Purpose Registers in 64-Bit Mode\")" },
	{ "base, limit and rights of a segment that is unusable",
	  "the CPU does not use them; KVM reports it as not present, minivmx as the VMCS has it" },
	{ "accessed and dirty bits of paging structures",
	  "a CPU may set the former for what it only considers (\"Accessed and Dirty Flags\")" },
	{ "flags that an instruction leaves undefined",
	  "a program defines them again before anything looks" },
	{ "registers of the FPU, of SSE and AVX",
	  "no program computes with them; that they raise #NM and #UD is looked at" },
	{ "the PDPTE registers of PAE paging",
	  "the backend for KVM does not read them; programs use addresses that they translate" },
	{ "the TSC, and what is counted by it", "time goes by on both, not in step" },
};

void equal_list_ignored(FILE *file)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ignored); i++)
		fprintf(file, "  %s:\n    %s\n", ignored[i].what, ignored[i].why);
}

/* ---- Differences ---- */

static void __attribute__((format(printf, 4, 5)))
differ(struct equal_differences *differences, uint64_t a, uint64_t b, const char *format, ...)
{
	struct equal_difference *difference;
	va_list args;

	if (a == b || differences->nr++ >= EQUAL_MAX_DIFFERENCES)
		return;
	difference = &differences->list[differences->nr - 1];
	difference->values[0] = a;
	difference->values[1] = b;
	va_start(args, format);
	vsnprintf(difference->name, sizeof(difference->name), format, args);
	va_end(args);
}

static uint64_t field_value(const struct equal_state *state, const struct field *field,
			    enum equal_mode mode)
{
	uint64_t value = 0;

	if (field->width == NEW && mode != EQUAL_LONG)
		return 0;
	memcpy(&value, (const uint8_t *)state + field->offset, field->size);
	return field->width == WIDE && mode != EQUAL_LONG ? (uint32_t)value : value;
}

#define UNUSABLE	(1U << 16)

static void differ_segment(struct equal_differences *differences, const char *name,
			   const struct minivmx_segment *a, const struct minivmx_segment *b)
{
	differ(differences, a->selector, b->selector, "%s", name);
	differ(differences, a->access & UNUSABLE, b->access & UNUSABLE, "%s.unusable", name);
	if ((a->access | b->access) & UNUSABLE)
		return;
	differ(differences, a->base, b->base, "%s.base", name);
	differ(differences, a->limit, b->limit, "%s.limit", name);
	differ(differences, a->access, b->access, "%s.access", name);
}

static void differ_state(struct equal_differences *differences, const struct equal_state *a,
			 const struct equal_state *b, enum equal_mode mode)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fields); i++)
		differ(differences, field_value(a, &fields[i], mode),
		       field_value(b, &fields[i], mode), "%s", fields[i].name);
	for (i = 0; i < ARRAY_SIZE(segments); i++)
		differ_segment(differences, segments[i].name,
			       (const void *)((const uint8_t *)a + segments[i].offset),
			       (const void *)((const uint8_t *)b + segments[i].offset));
}

/* Accessed and dirty, of entries of 32 and of 64 bits. */
#define PTE_AD	0x0000006000000060ULL

static void differ_memory(struct equal_differences *differences, const uint8_t *a,
			  const uint8_t *b)
{
	uint64_t words[2];
	size_t at;

	for (at = 0; at < EQUAL_SIZE; at += 8) {
		memcpy(&words[0], a + at, 8);
		memcpy(&words[1], b + at, 8);
		if (at >= EQUAL_TABLES) {
			words[0] &= ~PTE_AD;
			words[1] &= ~PTE_AD;
		}
		differ(differences, words[0], words[1], "memory at %#zx", at);
	}
}

void equal_differ(const struct equal_program *program, const struct equal_outcome *a,
		  const struct equal_outcome *b, struct equal_differences *differences)
{
	unsigned int i;

	differences->nr = 0;
	for (i = 0; i < a->nr_states && i < b->nr_states && !differences->nr; i++) {
		differences->step = i;
		/* The end is in the mode of the last step. */
		differ_state(differences, &a->states[i], &b->states[i],
			     program->modes[i < program->nr_steps ? i : program->nr_steps - 1]);
	}
	if (differences->nr)
		return;
	differences->step = i;
	differ(differences, a->nr_states, b->nr_states, "steps that came to an end");
	/* The words are printed; here they only have to count. */
	differ(differences, 0, strcmp(a->end.text, b->end.text) ? 1 : 0, "how it ends");
	for (i = 0; i < equal_nr_msrs; i++)
		differ(differences, a->msrs[i], b->msrs[i], "MSR %#x", equal_msrs[i]);
	differ_memory(differences, a->memory, b->memory);
}
