// SPDX-License-Identifier: GPL-2.0
/* Segmentation and paging of the guest, done by hand ("Paging"). */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <asm/processor-flags.h>
#include <asm/processor.h>
#include <asm/trap_pf.h>

#include "cr.h"
#include "decode.h"
#include "guest.h"
#include "inject.h"
#include "gmem.h"
#include "vcpu.h"

#define SEG_TYPE_CODE	BIT(3)
#define SEG_TYPE_DOWN	BIT(2)	/* data: expand-down */
#define SEG_TYPE_WRITE	BIT(1)	/* data: writable; code: readable */
#define SEG_L		BIT(13)
#define SEG_DB		BIT(14)
#define SEG_UNUSABLE	BIT(16)

static u8 code_bits(u64 efer, u32 cs)
{
	if ((efer & EFER_LMA) && (cs & SEG_L))
		return 64;
	return cs & SEG_DB ? 32 : 16;
}

/* SS.DPL is the CPL at all times ("Guest Non-Register State"). */
static u8 ss_cpl(u32 ss)
{
	return (ss >> 5) & 3;
}

int guest_mode_read(struct vcpu *vcpu, struct guest_mode *mode)
{
	static const struct {
		enum vmcs_enc base, limit, access;
	} fields[] = {
		[INSN_ES] = { VMCS_GUEST_ES_BASE, VMCS_GUEST_ES_LIMIT, VMCS_GUEST_ES_ACCESS },
		[INSN_CS] = { VMCS_GUEST_CS_BASE, VMCS_GUEST_CS_LIMIT, VMCS_GUEST_CS_ACCESS },
		[INSN_SS] = { VMCS_GUEST_SS_BASE, VMCS_GUEST_SS_LIMIT, VMCS_GUEST_SS_ACCESS },
		[INSN_DS] = { VMCS_GUEST_DS_BASE, VMCS_GUEST_DS_LIMIT, VMCS_GUEST_DS_ACCESS },
		[INSN_FS] = { VMCS_GUEST_FS_BASE, VMCS_GUEST_FS_LIMIT, VMCS_GUEST_FS_ACCESS },
		[INSN_GS] = { VMCS_GUEST_GS_BASE, VMCS_GUEST_GS_LIMIT, VMCS_GUEST_GS_ACCESS },
	};
	int ret, i;

	/* The host will look at the guest's memory, and pass its own by. */
	vcpu->l1d_flush = true;
	ret = vcpu_load(vcpu);
	if (ret)
		return ret;
	mode->cr0 = vmread(VMCS_GUEST_CR0);
	mode->cr3 = vmread(VMCS_GUEST_CR3);
	mode->cr4 = vmread(VMCS_GUEST_CR4);
	mode->efer = vcpu->efer;
	mode->rflags = vcpu_rflags(vcpu);
	mode->atomic = false;
	for (i = 0; i < 4; i++)
		mode->pdpte[i] = vmread(VMCS_GUEST_PDPTE0 + 2 * i);
	for (i = 0; i < 6; i++) {
		mode->seg[i].base = vmread(fields[i].base);
		mode->seg[i].limit = vmread(fields[i].limit);
		mode->seg[i].access = vmread(fields[i].access);
	}
	vcpu_put(vcpu);

	mode->cpl = ss_cpl(mode->seg[INSN_SS].access);
	mode->bits = code_bits(mode->efer, mode->seg[INSN_CS].access);
	return 0;
}

enum guest_result guest_linear(const struct guest_mode *mode, unsigned int seg,
			       u64 offset, unsigned int size, u32 access,
			       u64 *linear, struct guest_fault *fault)
{
	const struct guest_segment *s = &mode->seg[seg];
	u64 last = offset + size - 1;

	*fault = (struct guest_fault) {
		.vector = seg == INSN_SS ? VECTOR_SS : VECTOR_GP,
	};
	if (mode->bits == 64) {
		*linear = offset + (seg >= INSN_FS ? s->base : 0);
		/* Both ends must be canonical, 48 bits. */
		if ((s64)(*linear << 16) >> 16 != *linear ||
		    (s64)((*linear + size - 1) << 16) >> 16 != *linear + size - 1)
			return GUEST_FAULT;
		return GUEST_OK;
	}

	if (s->access & SEG_UNUSABLE)
		return GUEST_FAULT;
	if ((mode->cr0 & X86_CR0_PE) && !(mode->rflags & X86_EFLAGS_VM)) {
		bool code = s->access & SEG_TYPE_CODE;
		bool rw = s->access & SEG_TYPE_WRITE;

		if ((access & GUEST_WRITE) ? code || !rw :
		    !(access & GUEST_FETCH) && code && !rw)
			return GUEST_FAULT;
	}
	if ((s->access & (SEG_TYPE_CODE | SEG_TYPE_DOWN)) == SEG_TYPE_DOWN) {
		u64 top = s->access & SEG_DB ? 0xffffffff : 0xffff;

		if (offset <= s->limit || last > top)
			return GUEST_FAULT;
	} else if (last > s->limit) {
		return GUEST_FAULT;
	}
	*linear = (u32)(s->base + offset);
	return GUEST_OK;
}

/* ---------------------------------------------------------------------- */
/* Paging                                                                  */
/* ---------------------------------------------------------------------- */

#define PTE_PRESENT	BIT_ULL(0)
#define PTE_WRITE	BIT_ULL(1)
#define PTE_USER	BIT_ULL(2)
#define PTE_ACCESSED	BIT_ULL(5)
#define PTE_DIRTY	BIT_ULL(6)
#define PTE_LARGE	BIT_ULL(7)
#define PTE_NX		BIT_ULL(63)

/* A paging mode: levels and the size of an entry. */
struct paging {
	int levels;
	int entry_size;
	int index_bits;
};

static struct paging paging_mode(const struct guest_mode *mode)
{
	if (mode->efer & EFER_LMA)
		return (struct paging) { 4, 8, 9 };
	/* The PDPTEs are registers: two levels remain. */
	if (mode->cr4 & X86_CR4_PAE)
		return (struct paging) { 2, 8, 9 };
	return (struct paging) { 2, 4, 10 };
}

/* Do the rights of a walk allow @access? @rights: R/W and U/S of all levels. */
static bool access_allowed(const struct guest_mode *mode, u64 rights, bool nx,
			   u32 access)
{
	bool user = mode->cpl == 3;
	bool user_page = rights & PTE_USER;

	if (access & GUEST_FETCH) {
		if (nx)
			return false;
		return user ? user_page :
		       !(user_page && (mode->cr4 & X86_CR4_SMEP));
	}
	if (user) {
		if (!user_page)
			return false;
	} else if (user_page && (mode->cr4 & X86_CR4_SMAP) &&
		   !(mode->rflags & X86_EFLAGS_AC)) {
		return false;
	}
	if ((access & GUEST_WRITE) && !(rights & PTE_WRITE))
		return !user && !(mode->cr0 & X86_CR0_WP);
	return true;
}

static enum guest_result page_fault(const struct guest_mode *mode, u64 linear,
				    u32 access, u32 error, struct guest_fault *fault)
{
	bool nx_known = (mode->efer & EFER_NX) || (mode->cr4 & X86_CR4_SMEP);

	if (access & GUEST_WRITE)
		error |= X86_PF_WRITE;
	if (mode->cpl == 3)
		error |= X86_PF_USER;
	if ((access & GUEST_FETCH) && nx_known)
		error |= X86_PF_INSTR;
	*fault = (struct guest_fault) {
		.vector = VECTOR_PF, .error = error, .address = linear,
	};
	return GUEST_FAULT;
}

/* Where the walk starts; false if a PDPTE is not present. */
static bool walk_root(const struct guest_mode *mode, u64 linear, u64 *table)
{
	if (mode->efer & EFER_LMA) {
		*table = mode->cr3 & GENMASK_ULL(51, 12);
	} else if (mode->cr4 & X86_CR4_PAE) {
		u64 pdpte = mode->pdpte[(linear >> 30) & 3];

		*table = pdpte & GENMASK_ULL(51, 12);
		return pdpte & PTE_PRESENT;
	} else {
		*table = mode->cr3 & GENMASK_ULL(31, 12);
	}
	return true;
}

static bool entry_is_leaf(const struct guest_mode *mode, struct paging p,
			  int level, u64 entry)
{
	if (level == 1)
		return true;
	if (!(entry & PTE_LARGE))
		return false;
	/* 4-MByte pages need CR4.PSE; 1-GByte pages are a level of their own. */
	if (p.entry_size == 4)
		return mode->cr4 & X86_CR4_PSE;
	return level <= 3;
}

static u64 leaf_address(struct paging p, int level, u64 entry, u64 linear)
{
	u64 size = 1ULL << (12 + p.index_bits * (level - 1));
	u64 base;

	if (p.entry_size == 4 && level == 2)	/* PSE-36 */
		base = (entry & GENMASK_ULL(31, 22)) | ((entry >> 13) & 0xff) << 32;
	else if (p.entry_size == 4)
		base = entry & GENMASK_ULL(31, 12);
	else
		base = entry & GENMASK_ULL(51, 12) & ~(size - 1);
	return base + (linear & (size - 1));
}

enum guest_result guest_unmapped(u64 gpa, u32 prot, int err, struct guest_fault *fault)
{
	fault->memory = (struct minivmx_memory) {
		.gpa = gpa, .access = prot, .error = -err,
	};
	return GUEST_UNMAPPED;
}

static int read_entry(struct vcpu *vcpu, const struct guest_mode *mode, u64 address,
		      u64 *entry, int size)
{
	u64 word;
	int err;

	if (!mode->atomic)
		return gmem_read(vcpu->vm, address, entry, size);
	err = gmem_peek(vcpu->vm, address & ~7ULL, &word, 1, MINIVMX_PROT_READ);
	if (err)
		return err;
	*entry = size == 8 ? word : address & 4 ? word >> 32 : (u32)word;
	return 0;
}

enum guest_result guest_translate(struct vcpu *vcpu, const struct guest_mode *mode,
				  u64 linear, u32 access, u64 *gpa,
				  struct guest_fault *fault)
{
	struct paging p = paging_mode(mode);
	u64 rights = PTE_WRITE | PTE_USER;
	u64 entries[4] = {}, addresses[4];
	bool nx = false;
	int level, i, err;
	u64 table;

	if (!(mode->cr0 & X86_CR0_PG)) {
		*gpa = linear;
		return GUEST_OK;
	}
	if (!walk_root(mode, linear, &table))
		return page_fault(mode, linear, access, 0, fault);

	for (level = p.levels; ; level--) {
		u64 index = (linear >> (12 + p.index_bits * (level - 1))) &
			    ((1 << p.index_bits) - 1);
		u64 entry = 0;

		addresses[level - 1] = table + index * p.entry_size;
		err = read_entry(vcpu, mode, addresses[level - 1], &entry, p.entry_size);
		if (err)
			return guest_unmapped(addresses[level - 1], MINIVMX_PROT_READ, err, fault);
		if (!(entry & PTE_PRESENT))
			return page_fault(mode, linear, access, 0, fault);
		if ((entry & PTE_NX) && p.entry_size == 8) {
			if (!(mode->efer & EFER_NX))
				return page_fault(mode, linear, access,
						  X86_PF_PROT | X86_PF_RSVD, fault);
			nx = true;
		}
		entries[level - 1] = entry;
		rights &= entry;
		if (entry_is_leaf(mode, p, level, entry))
			break;
		table = entry & (p.entry_size == 8 ? GENMASK_ULL(51, 12) :
						     GENMASK_ULL(31, 12));
	}
	if (!access_allowed(mode, rights, nx, access))
		return page_fault(mode, linear, access, X86_PF_PROT, fault);
	*gpa = leaf_address(p, level, entries[level - 1], linear);

	/*
	 * The walk is done: mark it. If an entry changed meanwhile, leave it;
	 * the guest has to flush before it can rely on the new one.
	 */
	for (i = level; i <= p.levels; i++) {
		u64 set = PTE_ACCESSED |
			  (i == level && (access & GUEST_WRITE) ? PTE_DIRTY : 0);

		if ((entries[i - 1] & set) == set)
			continue;
		if (mode->atomic)
			return guest_unmapped(addresses[i - 1], MINIVMX_PROT_WRITE, -EAGAIN, fault);
		err = gmem_cmpxchg(vcpu->vm, addresses[i - 1], entries[i - 1],
				   entries[i - 1] | set, p.entry_size);
		if (err && err != -EAGAIN)
			return guest_unmapped(addresses[i - 1], MINIVMX_PROT_WRITE, err, fault);
	}
	return GUEST_OK;
}

enum guest_result guest_copy(struct vcpu *vcpu, const struct guest_mode *mode,
			     u64 linear, void *data, size_t len, u32 access,
			     struct guest_fault *fault)
{
	size_t first = min_t(size_t, len, PAGE_SIZE - offset_in_page(linear));
	const struct { u64 linear; void *data; size_t len; } parts[2] = {
		{ linear, data, first },
		{ linear + first, data + first, len - first },
	};
	u32 prot = access & GUEST_WRITE ? MINIVMX_PROT_WRITE :
		   access & GUEST_FETCH ? MINIVMX_PROT_EXEC : MINIVMX_PROT_READ;
	enum guest_result result;
	u64 gpa[2];
	int i, err;

	/* At most two pages: callers stay below PAGE_SIZE. */
	for (i = 0; i < 2 && parts[i].len; i++) {
		result = guest_translate(vcpu, mode, parts[i].linear, access,
					 &gpa[i], fault);
		if (result != GUEST_OK)
			return result;
		err = gmem_check(vcpu->vm, gpa[i], prot);
		if (err)
			return guest_unmapped(gpa[i], prot, err, fault);
	}
	for (i = 0; i < 2 && parts[i].len; i++) {
		if (access & GUEST_WRITE)
			err = gmem_write(vcpu->vm, gpa[i], parts[i].data, parts[i].len);
		else if (access & GUEST_FETCH)
			err = gmem_fetch(vcpu->vm, gpa[i], parts[i].data, parts[i].len);
		else
			err = gmem_read(vcpu->vm, gpa[i], parts[i].data, parts[i].len);
		if (err)
			return guest_unmapped(gpa[i], prot, err, fault);
	}
	return GUEST_OK;
}

size_t guest_fetch(struct vcpu *vcpu, const struct guest_mode *mode, u8 *bytes,
		   size_t max, struct guest_fault *fault)
{
	u64 linear = vcpu->regs.r.rip;
	size_t first;

	if (mode->bits != 64)
		linear = (u32)(linear + mode->seg[INSN_CS].base);
	/* The next page may not be there, and need not be. */
	first = min_t(size_t, max, PAGE_SIZE - offset_in_page(linear));
	if (guest_copy(vcpu, mode, linear, bytes, first, GUEST_FETCH, fault) != GUEST_OK)
		return 0;
	if (first < max &&
	    guest_copy(vcpu, mode, linear + first, bytes + first, max - first,
		       GUEST_FETCH, fault) != GUEST_OK)
		return first;
	return max;
}

/* What the translation of code depends on; the rest stays as it was. */
static void code_mode_read(struct vcpu *vcpu, struct guest_mode *mode)
{
	int i;

	mode->atomic = true;
	mode->efer = vcpu->efer;
	mode->bits = code_bits(mode->efer, vmread(VMCS_GUEST_CS_ACCESS));
	if (mode->bits != 64)
		mode->seg[INSN_CS].base = vmread(VMCS_GUEST_CS_BASE);
	mode->cr0 = vmread(VMCS_GUEST_CR0);
	if (!(mode->cr0 & X86_CR0_PG))
		return;
	mode->cr3 = vmread(VMCS_GUEST_CR3);
	mode->cr4 = vmread(VMCS_GUEST_CR4);
	mode->cpl = ss_cpl(vmread(VMCS_GUEST_SS_ACCESS));
	if (!(mode->efer & EFER_LMA) && (mode->cr4 & X86_CR4_PAE))
		for (i = 0; i < 4; i++)
			mode->pdpte[i] = vmread(VMCS_GUEST_PDPTE0 + 2 * i);
}

bool guest_peek_code(struct vcpu *vcpu, struct guest_mode *mode, u64 words[GUEST_PEEK / 8])
{
	struct guest_fault fault;
	u64 linear, gpa;

	code_mode_read(vcpu, mode);
	linear = vcpu->regs.r.rip;
	if (mode->bits != 64)
		linear = (u32)(linear + mode->seg[INSN_CS].base);
	if (offset_in_page(linear) > PAGE_SIZE - GUEST_PEEK)
		return false;
	if (!(mode->cr0 & X86_CR0_PG))
		gpa = linear;
	else if (guest_translate(vcpu, mode, linear, GUEST_FETCH, &gpa, &fault) != GUEST_OK)
		return false;
	return !gmem_peek(vcpu->vm, gpa, words, GUEST_PEEK / 8, MINIVMX_PROT_EXEC);
}

u64 guest_segment_base(unsigned int seg)
{
	/* "Natural-Width Guest-State Fields" has them in the order of the segments. */
	return vmread(VMCS_GUEST_ES_BASE + 2 * seg);
}
