// SPDX-License-Identifier: GPL-2.0
/*
 * Control registers, debug registers and EFER.
 *
 * A CR0 or CR4 bit belongs either to the guest, which then changes it in the
 * CPU without an exit, or to the host (set in the guest/host mask), and then
 * the read shadow has the guest's view of it. A program may take more bits from
 * the guest than are taken here, and write CR0, CR4 and the shadows by itself
 * (vmcs_user.c).
 */
#include <linux/kernel.h>
#include <asm/cpufeature.h>
#include <asm/debugreg.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>
#include <asm/vmx.h>

#include "cr.h"
#include "ctls.h"
#include "exit.h"
#include "fpu.h"
#include "inject.h"
#include "gmem.h"
#include "host.h"
#include "vcpu.h"

#define CR0_GUEST_OWNED	(X86_CR0_PE | X86_CR0_MP | X86_CR0_EM | X86_CR0_TS | \
			 X86_CR0_WP | X86_CR0_AM)
#define CR0_KNOWN	(CR0_GUEST_OWNED | X86_CR0_ET | X86_CR0_NE | \
			 X86_CR0_NW | X86_CR0_CD | X86_CR0_PG)
/* What the CPU has in CR0 whatever the guest thinks of it. */
#define CR0_ALWAYS_ON	X86_CR0_NE
#define CR0_ALWAYS_OFF	((u64)(X86_CR0_NW | X86_CR0_CD))

#define CR4_GUEST_OWNED	(X86_CR4_PVI | X86_CR4_TSD | X86_CR4_DE | X86_CR4_PGE | \
			 X86_CR4_PCE | X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT | \
			 X86_CR4_FSGSBASE)
/* Bits that change how the CPU translates: its cached translations go. */
#define CR4_PAGING	(X86_CR4_PSE | X86_CR4_PAE | X86_CR4_PGE | X86_CR4_PCIDE | \
			 X86_CR4_SMEP | X86_CR4_SMAP)
/* A machine check reaches the host only with MCE set in the guest, too. */
#define CR4_ALWAYS_ON	((u64)(X86_CR4_VMXE | X86_CR4_MCE))

#define EFER_SUPPORTED	((u64)(EFER_SCE | EFER_LME | EFER_LMA | EFER_NX))

u64 cr4_supported(void)
{
	static const struct {
		u64 bit;
		u16 feature;
	} rows[] = {
		{ X86_CR4_OSXSAVE, X86_FEATURE_OSXSAVE },
		{ X86_CR4_FSGSBASE, X86_FEATURE_FSGSBASE },
		{ X86_CR4_PCIDE, X86_FEATURE_PCID },
		{ X86_CR4_SMEP, X86_FEATURE_SMEP },
		{ X86_CR4_SMAP, X86_FEATURE_SMAP },
	};
	u64 bits = X86_CR4_VME | X86_CR4_PVI | X86_CR4_TSD | X86_CR4_DE |
		   X86_CR4_PSE | X86_CR4_PAE | X86_CR4_MCE | X86_CR4_PGE |
		   X86_CR4_PCE | X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT |
		   X86_CR4_UMIP;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		if (boot_cpu_has(rows[i].feature))
			bits |= rows[i].bit;
	return bits & vmx_ctls.cr4_fixed1;
}

u64 cr0_host_owned(void)
{
	return ~(u64)CR0_GUEST_OWNED;
}

/* Guest-owned bits must be ones that the CPU has. */
u64 cr4_host_owned(void)
{
	return ~(CR4_GUEST_OWNED & cr4_supported());
}

/* What entry refuses anyway needs no protection. */
u64 cr4_fixed(void)
{
	return CR4_ALWAYS_ON | (vmx_ctls.cr4_fixed1 & ~cr4_supported());
}

u64 cr0_read(struct vcpu *vcpu)
{
	return (vcpu->cr0 & vcpu->cr0_mask) | (vmread(VMCS_GUEST_CR0) & ~vcpu->cr0_mask);
}

u64 cr4_read(struct vcpu *vcpu)
{
	return (vcpu->cr4 & vcpu->cr4_mask) | (vmread(VMCS_GUEST_CR4) & ~vcpu->cr4_mask);
}

static void cr0_install(struct vcpu *vcpu, u64 cr0)
{
	vcpu->cr0 = cr0;
	vmwrite(VMCS_CR0_READ_SHADOW, cr0);
	vmwrite(VMCS_GUEST_CR0, (cr0 & ~CR0_ALWAYS_OFF) | CR0_ALWAYS_ON);
}

static void cr4_install(struct vcpu *vcpu, u64 cr4)
{
	vcpu->cr4 = cr4;
	vmwrite(VMCS_CR4_READ_SHADOW, cr4);
	vmwrite(VMCS_GUEST_CR4, cr4 | CR4_ALWAYS_ON);
}

static void efer_install(struct vcpu *vcpu, u64 efer)
{
	u32 entry = vcpu->entry_ctls & ~VM_ENTRY_IA32E_MODE;

	if (efer & EFER_LMA)
		entry |= VM_ENTRY_IA32E_MODE;
	if (entry != vcpu->entry_ctls) {
		vmwrite(VMCS_VM_ENTRY_CONTROLS, entry);
		vcpu->entry_ctls = entry;
	}
	vcpu->efer = efer;
	vmwrite(VMCS_GUEST_IA32_EFER, efer);
	guest_efer_changed(vcpu);
}

void cr_flush_tlb(struct vcpu *vcpu)
{
	if (vmx_invvpid(vcpu->vpid) != VMX_OK)
		vm_kill(vcpu->vm, "INVVPID failed");
}

void cr_reset(struct vcpu *vcpu)
{
	vcpu->cr0_mask = cr0_host_owned();
	vcpu->cr4_mask = cr4_host_owned();
	vmwrite(VMCS_CR0_GUEST_HOST_MASK, vcpu->cr0_mask);
	vmwrite(VMCS_CR4_GUEST_HOST_MASK, vcpu->cr4_mask);
	/* CD and NW are set after reset; the guest sees that. */
	cr0_install(vcpu, X86_CR0_CD | X86_CR0_NW | X86_CR0_ET);
	cr4_install(vcpu, 0);
	vmwrite(VMCS_GUEST_CR3, 0);
	efer_install(vcpu, 0);
	vcpu->dr6 = dr6_fixed(0);
	vcpu->dr7 = dr7_fixed(0);
}

/* ---------------------------------------------------------------------- */
/* PAE page-directory-pointer-table entries                                */
/* ---------------------------------------------------------------------- */

/* "PDPTE Registers": bits 2:1, 8:5 and those beyond the address width. */
static u64 pdpte_reserved(void)
{
	return GENMASK_ULL(2, 1) | GENMASK_ULL(8, 5) |
	       ~GENMASK_ULL(boot_cpu_data.x86_phys_bits - 1, 0);
}

static bool is_pae_paging(u64 cr0, u64 cr4, u64 efer)
{
	return (cr0 & X86_CR0_PG) && (cr4 & X86_CR4_PAE) && !(efer & EFER_LME);
}

/* Read them where it may sleep: VMCS not loaded. As gmem_read(), or -EINVAL. */
static int pdptes_read(struct vcpu *vcpu, u64 table, u64 pdpte[4])
{
	int i, err;

	err = gmem_read(vcpu->vm, table, pdpte, 4 * sizeof(u64));
	if (err)
		return err;
	for (i = 0; i < 4; i++)
		if ((pdpte[i] & 1) && (pdpte[i] & pdpte_reserved()))
			return -EINVAL;
	return 0;
}

static void pdptes_install(const u64 pdpte[4])
{
	vmwrite(VMCS_GUEST_PDPTE0, pdpte[0]);
	vmwrite(VMCS_GUEST_PDPTE1, pdpte[1]);
	vmwrite(VMCS_GUEST_PDPTE2, pdpte[2]);
	vmwrite(VMCS_GUEST_PDPTE3, pdpte[3]);
}

/* ---------------------------------------------------------------------- */
/* MOV to CR0 and CR4, WRMSR to EFER                                       */
/* ---------------------------------------------------------------------- */

/*
 * Checks of "MOV--Move to/from Control Registers". @pdpte is NULL where guest
 * memory cannot be read; the write is then put off if it needs to be.
 */
static enum cr_result cr0_write(struct vcpu *vcpu, u64 cr0, const u64 *pdpte)
{
	u64 old = cr0_read(vcpu), cr4 = cr4_read(vcpu), efer = vcpu->efer;
	u64 changed;

	if (cr0 >> 32)
		return CR_FAULT;
	cr0 = (cr0 & CR0_KNOWN) | X86_CR0_ET;
	changed = cr0 ^ old;
	if ((cr0 & X86_CR0_PG) && !(cr0 & X86_CR0_PE))
		return CR_FAULT;
	if ((cr0 & X86_CR0_NW) && !(cr0 & X86_CR0_CD))
		return CR_FAULT;

	if (changed & X86_CR0_PG) {
		bool long_code = vmread(VMCS_GUEST_CS_ACCESS) & BIT(13);

		if (cr0 & X86_CR0_PG) {
			if ((efer & EFER_LME) && (!(cr4 & X86_CR4_PAE) || long_code))
				return CR_FAULT;
			if (efer & EFER_LME)
				efer |= EFER_LMA;
		} else {
			if ((cr4 & X86_CR4_PCIDE) || ((efer & EFER_LMA) && long_code))
				return CR_FAULT;
			efer &= ~(u64)EFER_LMA;
		}
	}
	if (is_pae_paging(cr0, cr4, efer) &&
	    (changed & (X86_CR0_PG | X86_CR0_CD | X86_CR0_NW))) {
		if (!pdpte)
			return CR_NEEDS_MEMORY;
		pdptes_install(pdpte);
	}
	if (efer != vcpu->efer)
		efer_install(vcpu, efer);
	cr0_install(vcpu, cr0);
	if (changed & (X86_CR0_PG | X86_CR0_WP))
		cr_flush_tlb(vcpu);
	return CR_DONE;
}

static enum cr_result cr4_write(struct vcpu *vcpu, u64 cr4, const u64 *pdpte)
{
	u64 cr0 = cr0_read(vcpu);
	u64 changed = cr4 ^ cr4_read(vcpu);

	if (cr4 & ~cr4_supported())
		return CR_FAULT;
	if (vcpu->efer & EFER_LMA) {
		if (!(cr4 & X86_CR4_PAE))
			return CR_FAULT;
	}
	if ((changed & cr4 & X86_CR4_PCIDE) &&
	    (!(vcpu->efer & EFER_LMA) || (vmread(VMCS_GUEST_CR3) & 0xfff)))
		return CR_FAULT;
	if (is_pae_paging(cr0, cr4, vcpu->efer) &&
	    (changed & (X86_CR4_PAE | X86_CR4_PSE | X86_CR4_PGE | X86_CR4_SMEP))) {
		if (!pdpte)
			return CR_NEEDS_MEMORY;
		pdptes_install(pdpte);
	}
	cr4_install(vcpu, cr4);
	if (changed & CR4_PAGING)
		cr_flush_tlb(vcpu);
	return CR_DONE;
}

enum cr_result efer_write(struct vcpu *vcpu, u64 value)
{
	u64 supported = EFER_SUPPORTED;

	if (!boot_cpu_has(X86_FEATURE_NX))
		supported &= ~(u64)EFER_NX;
	if (value & ~supported)
		return CR_FAULT;
	if (((value ^ vcpu->efer) & EFER_LME) && (vcpu->cr0 & X86_CR0_PG))
		return CR_FAULT;
	/* LMA is read-only: writes to it are ignored. */
	efer_install(vcpu, (value & ~(u64)EFER_LMA) | (vcpu->efer & EFER_LMA));
	return CR_DONE;
}

enum cr_result cr_set_all(struct vcpu *vcpu, u64 cr0, u64 cr4, u64 efer)
{
	u64 lma = (efer & EFER_LME) && (cr0 & X86_CR0_PG) ? EFER_LMA : 0;

	if ((cr0 & ~(u64)CR0_KNOWN) || (cr4 & ~cr4_supported()) ||
	    (efer & ~EFER_SUPPORTED) || (efer & EFER_LMA) != lma)
		return CR_FAULT;
	if ((cr0 & X86_CR0_PG) && !(cr0 & X86_CR0_PE))
		return CR_FAULT;
	cr0_install(vcpu, cr0 | X86_CR0_ET);
	cr4_install(vcpu, cr4);
	efer_install(vcpu, efer);
	cr_flush_tlb(vcpu);
	return CR_DONE;
}

bool xcr0_valid(u64 value)
{
	u64 avx512 = value & XFEATURE_MASK_AVX512;

	/* x87 is always there, XSAVE or not. */
	if (!(value & XFEATURE_MASK_FP) ||
	    (value & ~(fpu_xcr0_mask() | XFEATURE_MASK_FP)))
		return false;
	if ((value & XFEATURE_MASK_YMM) && !(value & XFEATURE_MASK_SSE))
		return false;
	return !avx512 || (avx512 == XFEATURE_MASK_AVX512 && (value & XFEATURE_MASK_YMM));
}

/* ---------------------------------------------------------------------- */
/* The exits                                                               */
/* ---------------------------------------------------------------------- */

/* "Exit Qualification for Control-Register Accesses". */
struct cr_access {
	u8 cr;
	enum { CR_ACCESS_TO, CR_ACCESS_FROM, CR_ACCESS_CLTS, CR_ACCESS_LMSW } type;
	u8 gpr;
	u16 source;	/* of LMSW */
};

static struct cr_access cr_access(u64 qualification)
{
	return (struct cr_access) {
		.cr = qualification & 0xf,
		.type = (qualification >> 4) & 3,
		.gpr = (qualification >> 8) & 0xf,
		.source = qualification >> 16,
	};
}

/* Outside 64-bit code only 32 bits of a register take part. */
static u64 gpr_operand(struct vcpu *vcpu, unsigned int n)
{
	u64 value = vcpu_gpr(vcpu, n);

	if (!(vcpu->efer & EFER_LMA) || !(vmread(VMCS_GUEST_CS_ACCESS) & BIT(13)))
		value = (u32)value;
	return value;
}

/* Exits only if a program asked for it, and but for its CR3-target values. */
static enum cr_result cr3_write(struct vcpu *vcpu, u64 cr3, const u64 *pdpte)
{
	u64 cr4 = cr4_read(vcpu);

	if (vcpu->efer & EFER_LMA) {
		/* Bit 63: no flush, which may be done all the same. */
		if (cr4 & X86_CR4_PCIDE)
			cr3 &= ~BIT_ULL(63);
		if (cr3 & ~GENMASK_ULL(boot_cpu_data.x86_phys_bits - 1, 0))
			return CR_FAULT;
	} else if (is_pae_paging(cr0_read(vcpu), cr4, vcpu->efer)) {
		if (!pdpte)
			return CR_NEEDS_MEMORY;
		pdptes_install(pdpte);
	}
	vmwrite(VMCS_GUEST_CR3, cr3);
	cr_flush_tlb(vcpu);
	return CR_DONE;
}

/* Only the low four bits count, and PE is not cleared. */
static u64 lmsw(u64 cr0, u64 source)
{
	return (cr0 & ~0xeULL) | (source & 0xf);
}

static enum cr_result cr_write(struct vcpu *vcpu, struct cr_access a, const u64 *pdpte)
{
	u64 value = gpr_operand(vcpu, a.gpr);

	if (a.type == CR_ACCESS_CLTS)
		return cr0_write(vcpu, cr0_read(vcpu) & ~X86_CR0_TS, pdpte);
	if (a.type == CR_ACCESS_LMSW)
		return cr0_write(vcpu, lmsw(cr0_read(vcpu), a.source), pdpte);
	switch (a.cr) {
	case 0:
		return cr0_write(vcpu, value, pdpte);
	case 3:
		return cr3_write(vcpu, value, pdpte);
	case 4:
		return cr4_write(vcpu, value, pdpte);
	case 8:
		if (value > 15)
			return CR_FAULT;
		inject_set_cr8(vcpu, value);
		return CR_DONE;
	default:
		return CR_FAULT;
	}
}

static enum run_action cr_finish(struct vcpu *vcpu, enum cr_result result)
{
	switch (result) {
	case CR_DONE:
		vcpu_skip(vcpu);
		return RUN_RESUME;
	case CR_FAULT:
		return inject_gp(vcpu);
	case CR_NEEDS_MEMORY:
		return RUN_SLEEP;
	}
	return RUN_RESUME;
}

/* The second half of a write that needs the PDPTEs from guest memory. */
static enum run_action cr_write_sleep(struct vcpu *vcpu, struct cr_access a)
{
	enum run_action action;
	u64 pdpte[4];
	u64 table;
	int err;

	if (vcpu_load(vcpu))
		return RUN_RESUME;
	table = a.type == CR_ACCESS_TO && a.cr == 3 ? gpr_operand(vcpu, a.gpr) :
						       vmread(VMCS_GUEST_CR3);
	table &= GENMASK_ULL(31, 5);
	vcpu_put(vcpu);

	err = pdptes_read(vcpu, table, pdpte);
	if (err == -EACCES) {
		vcpu->kind = MINIVMX_EXIT_MEMORY;
		vcpu->data.memory = (struct minivmx_memory) {
			.gpa = table, .access = MINIVMX_PROT_READ, .error = EACCES,
		};
		return RUN_TO_USER;
	}
	if (vcpu_load(vcpu))
		return RUN_RESUME;
	action = cr_finish(vcpu, err ? CR_FAULT : cr_write(vcpu, a, pdpte));
	vcpu_put(vcpu);
	return action;
}

enum run_action exit_cr_access(struct vcpu *vcpu)
{
	struct cr_access a = cr_access(vcpu->exit.qualification);

	if (a.type == CR_ACCESS_FROM) {
		/* CR8, or CR3 if a program asked for it; the others never exit. */
		vcpu_set_gpr(vcpu, a.gpr, a.cr == 3 ? vmread(VMCS_GUEST_CR3) :
						    inject_cr8(vcpu));
		vcpu_skip(vcpu);
		return RUN_RESUME;
	}
	if (vcpu->may_sleep)
		return cr_write_sleep(vcpu, a);
	return cr_finish(vcpu, cr_write(vcpu, a, NULL));
}

/* "Exit Qualification for MOV DR". */
enum run_action exit_dr_access(struct vcpu *vcpu)
{
	u64 q = vcpu->exit.qualification;
	unsigned int dr = q & 7, gpr = (q >> 8) & 0xf;
	bool from = q & BIT(4);
	u64 value;

	if ((dr == 4 || dr == 5) && (cr4_read(vcpu) & X86_CR4_DE))
		return inject_ud(vcpu);
	if (((vmread(VMCS_GUEST_SS_ACCESS) >> 5) & 3) != 0)
		return inject_gp(vcpu);
	/* General detect: the access itself is reported. */
	if (vcpu->dr7 & BIT(13)) {
		/* Of the debug exceptions this is a fault: see raise(). */
		vcpu_set_rflags(vcpu, vcpu_rflags(vcpu) | X86_EFLAGS_RF);
		return inject_debug(vcpu, BIT(13));
	}

	if (from) {
		value = dr < 4 ? vcpu->dr[dr] : dr & 1 ? vcpu->dr7 : vcpu->dr6;
		vcpu_set_gpr(vcpu, gpr, value);
		vcpu_skip(vcpu);
		return RUN_RESUME;
	}
	value = gpr_operand(vcpu, gpr);
	if (dr < 4) {
		vcpu->dr[dr] = value;
	} else if (value >> 32) {
		return inject_gp(vcpu);
	} else if (dr & 1) {
		vcpu->dr7 = dr7_fixed(value);
		vcpu->dirty |= DIRTY_DEBUG;
	} else {
		vcpu->dr6 = dr6_fixed(value);
	}
	vcpu_skip(vcpu);
	return RUN_RESUME;
}
