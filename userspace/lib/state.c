// SPDX-License-Identifier: GPL-2.0
/*
 * Register states to start a guest in. All values are the guest's view: what
 * VMX operation wants in CR0 and CR4 besides is the module's business.
 */
#include <stdbool.h>
#include <string.h>

#include "libminivmx.h"

#define CR0_PE		(1ULL << 0)
#define CR0_ET		(1ULL << 4)
#define CR0_PG		(1ULL << 31)
#define CR4_PAE		(1ULL << 5)
#define EFER_LME	(1ULL << 8)
#define EFER_LMA	(1ULL << 10)
#define RFLAGS_FIXED	(1ULL << 1)

/*
 * Access rights in the VMCS format. Bits 15:0 are those of a descriptor's
 * second doubleword from bit 8 on; each value here is present with DPL 0.
 */
#define AR_DATA16	0x0093	/* writable, accessed */
#define AR_CODE16	0x009b	/* readable, accessed */
#define AR_DATA32	0xc093	/* limit in pages, 32-bit */
#define AR_CODE32	0xc09b
#define AR_CODE64	0xa09b	/* limit in pages, 64-bit */
#define AR_LDT		0x0082
#define AR_TSS_BUSY	0x008b	/* the only type a VM entry takes in every mode */

#define FLAT_LIMIT	0xffffffffU
#define TSS_LIMIT	0x67

static struct minivmx_segment segment(uint16_t selector, uint64_t base,
				      uint32_t limit, uint32_t access)
{
	return (struct minivmx_segment) {
		.selector = selector,
		.base = base,
		.limit = limit,
		.access = access,
	};
}

static void set_data_segments(struct minivmx_sregs *sregs,
			      struct minivmx_segment data)
{
	sregs->ds = data;
	sregs->es = data;
	sregs->fs = data;
	sregs->gs = data;
	sregs->ss = data;
}

/* What all modes have in common: the state after reset, but caches on. */
static void set_common(struct minivmx_sregs *sregs, struct minivmx_regs *regs,
		       uint64_t rip)
{
	memset(regs, 0, sizeof(*regs));
	regs->rip = rip;
	regs->rflags = RFLAGS_FIXED;

	memset(sregs, 0, sizeof(*sregs));
	sregs->cr0 = CR0_ET;
	sregs->dr6 = 0xffff0ff0;
	sregs->dr7 = 0x400;
	sregs->xcr0 = 1;
	sregs->ldtr = segment(0, 0, 0xffff, AR_LDT);
}

void minivmx_set_real(struct minivmx_sregs *sregs, struct minivmx_regs *regs,
		      uint16_t cs, uint16_t ip)
{
	set_common(sregs, regs, ip);
	sregs->cs = segment(cs, (uint64_t)cs << 4, 0xffff, AR_CODE16);
	set_data_segments(sregs, segment(0, 0, 0xffff, AR_DATA16));
	sregs->tr = segment(0, 0, 0xffff, AR_TSS_BUSY);
	sregs->gdtr.limit = 0xffff;
	sregs->idtr.limit = 0xffff;
}

static void set_flat(struct minivmx_sregs *sregs, uint32_t code_access)
{
	sregs->cs = segment(MINIVMX_FLAT_CODE, 0, FLAT_LIMIT, code_access);
	set_data_segments(sregs, segment(MINIVMX_FLAT_DATA, 0, FLAT_LIMIT,
					 AR_DATA32));
	sregs->tr = segment(MINIVMX_FLAT_TSS, 0, TSS_LIMIT, AR_TSS_BUSY);
}

void minivmx_set_protected(struct minivmx_sregs *sregs,
			   struct minivmx_regs *regs, uint32_t entry)
{
	set_common(sregs, regs, entry);
	sregs->cr0 |= CR0_PE;
	set_flat(sregs, AR_CODE32);
}

void minivmx_set_long(struct minivmx_sregs *sregs, struct minivmx_regs *regs,
		      uint64_t entry, uint64_t cr3)
{
	set_common(sregs, regs, entry);
	sregs->cr0 |= CR0_PE | CR0_PG;
	sregs->cr3 = cr3;
	sregs->cr4 = CR4_PAE;
	sregs->efer = EFER_LME | EFER_LMA;
	set_flat(sregs, AR_CODE64);
}

/* A segment as the eight bytes of a descriptor; base 0, so that is left out. */
static uint64_t descriptor(const struct minivmx_segment *s)
{
	bool in_pages = s->access & 0x8000;
	uint64_t limit = in_pages ? s->limit >> 12 : s->limit;

	return (limit & 0xffff) | (limit & 0xf0000) << 32 |
	       (uint64_t)(s->access & 0xf0ff) << 40;
}

void minivmx_flat_gdt(const struct minivmx_sregs *sregs,
		      uint64_t gdt[MINIVMX_FLAT_GDT_SIZE])
{
	memset(gdt, 0, MINIVMX_FLAT_GDT_SIZE * sizeof(gdt[0]));
	gdt[MINIVMX_FLAT_CODE / 8] = descriptor(&sregs->cs);
	gdt[MINIVMX_FLAT_DATA / 8] = descriptor(&sregs->ds);
	/* In 64-bit mode this one takes two rows; its upper half is zero. */
	gdt[MINIVMX_FLAT_TSS / 8] = descriptor(&sregs->tr);
}

void minivmx_use_gdt(struct minivmx_sregs *sregs, uint64_t base)
{
	sregs->gdtr.base = base;
	sregs->gdtr.limit = MINIVMX_FLAT_GDT_SIZE * sizeof(uint64_t) - 1;
}
