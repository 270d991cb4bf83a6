// SPDX-License-Identifier: GPL-2.0
/*
 * CPUID: the host's answers, cut down to what minivmx gives a guest.
 *
 * A feature is shown only if its bit stands in a mask below, so that a new
 * CPU's features are hidden until someone has thought about them.
 */
#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <asm/cpufeature.h>
#include <asm/processor-flags.h>
#include <asm/processor.h>
#include <asm/tsc.h>
#include <asm/vmx.h>
#include <uapi/asm/kvm_para.h>

#include "apic.h"
#include "cpuid.h"
#include "cr.h"
#include "ctls.h"
#include "exit.h"
#include "fpu.h"
#include "pvclock.h"
#include "vcpu.h"

/* The bit of X86_FEATURE_x in its register. */
#define F(x)	BIT(X86_FEATURE_##x & 31)

/*
 * CPUID.1:ECX: all but monitor, VMX, SMX, EST, TM2, xTPR, PDCM, DCA. What is of the
 * local APIC is there if that is.
 */
#define MASK_1_ECX	(F(XMM3) | F(PCLMULQDQ) | F(SSSE3) | F(FMA) | F(CX16) |	\
			 F(PCID) | F(XMM4_1) | F(XMM4_2) | F(MOVBE) | F(POPCNT) | \
			 F(AES) | F(AVX) | F(F16C) | F(RDRAND))
#define MASK_1_ECX_XSAVE (F(XSAVE) | F(AVX) | F(F16C) | F(FMA))
/* CPUID.1:EDX: all but debug store, ACPI, TM, HT, PBE. */
#define MASK_1_EDX	(F(FPU) | F(VME) | F(DE) | F(PSE) | F(TSC) | F(MSR) | F(PAE) | \
			 F(MCE) | F(CX8) | F(SEP) | F(MTRR) | F(PGE) | F(MCA) | F(CMOV) | F(PAT) | \
			 F(PSE36) | F(CLFLUSH) | F(MMX) | F(FXSR) | F(XMM) | F(XMM2))
#define MASK_7_EBX	(F(FSGSBASE) | F(BMI1) | F(AVX2) | F(SMEP) | F(BMI2) | F(ERMS) | \
			 F(INVPCID) | F(RDSEED) | F(ADX) | F(SMAP) | F(CLFLUSHOPT) | \
			 F(CLWB) | F(SHA_NI) | F(AVX512F) | F(AVX512DQ) | F(AVX512CD) | \
			 F(AVX512BW) | F(AVX512VL))
#define MASK_7_EBX_XSAVE (F(AVX2) | F(BMI1) | F(BMI2) | F(AVX512F) | F(AVX512DQ) | \
			  F(AVX512CD) | F(AVX512BW) | F(AVX512VL))
#define MASK_7_ECX	(F(AVX512VBMI) | F(UMIP) | F(AVX512_VBMI2) | F(GFNI) | F(VAES) | \
			 F(VPCLMULQDQ) | F(AVX512_VNNI) | F(AVX512_BITALG) |	\
			 F(AVX512_VPOPCNTDQ) | F(RDPID))
#define MASK_7_ECX_XSAVE (F(AVX512VBMI) | F(AVX512_VBMI2) | F(VAES) | F(VPCLMULQDQ) | \
			  F(AVX512_VNNI) | F(AVX512_BITALG) | F(AVX512_VPOPCNTDQ))
#define MASK_7_EDX	(F(FSRM))
#define MASK_81_ECX	(F(LAHF_LM) | F(ABM) | F(3DNOWPREFETCH))
#define MASK_81_EDX	(F(SYSCALL) | F(NX) | F(GBPAGES) | F(RDTSCP) | F(LM))

#define CPUID_1_ECX_OSXSAVE	BIT(27)
#define CPUID_1_ECX_HYPERVISOR	BIT(31)

/* The leaves that hypervisors use for themselves: our own, and KVM's behind them. */
#define LEAF_HYPERVISOR		0x40000000
#define LEAF_KVM		(LEAF_HYPERVISOR + 0x100)
#define LEAF_XSAVE		0xd
#define LEAF_TOPOLOGY		0xb

struct builder {
	struct minivmx_cpuid_entry *rows;
	unsigned int max;
	unsigned int nr;
	u32 apic_id;
	bool apic;
};

static void add(struct builder *b, const struct minivmx_cpuid_entry *row)
{
	if (b->nr < b->max)
		b->rows[b->nr] = *row;
	b->nr++;
}

static struct minivmx_cpuid_entry host_row(u32 leaf, u32 subleaf, u32 flags)
{
	struct minivmx_cpuid_entry row = {
		.leaf = leaf, .subleaf = subleaf, .flags = flags,
	};

	cpuid_count(leaf, subleaf, &row.eax, &row.ebx, &row.ecx, &row.edx);
	return row;
}

static void mask_leaf1(struct builder *b, struct minivmx_cpuid_entry *row)
{
	/* EBX: brand, CLFLUSH size, one logical processor, APIC id. */
	row->ebx = (row->ebx & 0xffff) | 1 << 16 | b->apic_id << 24;
	row->ecx &= MASK_1_ECX | F(XSAVE);
	row->edx &= MASK_1_EDX;
	if (!fpu_xcr0_mask())
		row->ecx &= ~MASK_1_ECX_XSAVE;
	row->ecx |= CPUID_1_ECX_HYPERVISOR;
	if (b->apic) {
		row->ecx |= F(X2APIC) | F(TSC_DEADLINE_TIMER);
		row->edx |= F(APIC);
	}
}

static void mask_leaf7(struct minivmx_cpuid_entry *row)
{
	row->eax = 0;
	row->ebx &= MASK_7_EBX;
	/* Emulated (msr.c). A Linux that sees it does without a watchdog for its TSC. */
	row->ebx |= F(TSC_ADJUST);
	row->ecx &= MASK_7_ECX;
	row->edx &= MASK_7_EDX;
	if (!fpu_xcr0_mask()) {
		row->ebx &= ~MASK_7_EBX_XSAVE;
		row->ecx &= ~MASK_7_ECX_XSAVE;
	}
	if (!(vmx_ctls.cpu2 & SECONDARY_EXEC_ENABLE_INVPCID))
		row->ebx &= ~F(INVPCID);
	if (!(vmx_ctls.cpu2 & SECONDARY_EXEC_ENABLE_RDTSCP))
		row->ecx &= ~F(RDPID);
	if (!(cr4_supported() & X86_CR4_UMIP))
		row->ecx &= ~F(UMIP);
}

static void mask_leaf81(struct minivmx_cpuid_entry *row)
{
	row->ebx = 0;
	row->ecx &= MASK_81_ECX;
	/* SYSCALL is only reported while the CPU is in 64-bit mode: it is. */
	row->edx &= MASK_81_EDX;
	if (!(vmx_ctls.cpu2 & SECONDARY_EXEC_ENABLE_RDTSCP))
		row->edx &= ~F(RDTSCP);
}

/* Deterministic leaves whose last subleaf has type 0 in EAX[4:0]. */
static void add_cache_leaves(struct builder *b)
{
	u32 i;

	for (i = 0; i < 8; i++) {
		struct minivmx_cpuid_entry row = host_row(4, i, MINIVMX_CPUID_SUBLEAF);

		/* One core, one thread share each cache. */
		row.eax &= ~GENMASK(31, 14);
		add(b, &row);
		if (!(row.eax & 0x1f))
			break;
	}
}

static void add_xsave_leaves(struct builder *b)
{
	u64 mask = fpu_xcr0_mask();
	struct minivmx_cpuid_entry row = {
		.leaf = LEAF_XSAVE, .flags = MINIVMX_CPUID_SUBLEAF,
		.eax = mask, .ebx = fpu_size(), .ecx = fpu_size(), .edx = mask >> 32,
	};
	u32 i;

	if (!mask)
		return;
	add(b, &row);
	row = host_row(LEAF_XSAVE, 1, MINIVMX_CPUID_SUBLEAF);
	/* XSAVEOPT and XGETBV(1); XSAVEC and XSAVES have a format of their own. */
	row.eax &= BIT(0) | BIT(2);
	row.ebx = row.ecx = row.edx = 0;
	add(b, &row);
	for (i = 2; i < 63; i++) {
		if (!(mask & BIT_ULL(i)))
			continue;
		row = host_row(LEAF_XSAVE, i, MINIVMX_CPUID_SUBLEAF);
		row.ecx = row.edx = 0;
		add(b, &row);
	}
}

/* "Extended Topology Enumeration Leaf": each vCPU is a core of one package. */
static void add_topology_leaves(struct builder *b)
{
	static const struct { u32 shift, processors, type; } levels[] = {
		{ 0, 1, 1 }, { const_ilog2(MINIVMX_MAX_VCPUS), MINIVMX_MAX_VCPUS, 2 }, { 0, 0, 0 },
	};
	u32 i;

	for (i = 0; b->apic && i < ARRAY_SIZE(levels); i++) {
		struct minivmx_cpuid_entry row = {
			.leaf = LEAF_TOPOLOGY, .subleaf = i, .flags = MINIVMX_CPUID_SUBLEAF,
			.eax = levels[i].shift, .ebx = levels[i].processors,
			.ecx = i | levels[i].type << 8, .edx = b->apic_id,
		};

		add(b, &row);
	}
}

static void add_hypervisor_leaves(struct builder *b)
{
	struct minivmx_cpuid_entry row = {
		.leaf = LEAF_HYPERVISOR, .eax = LEAF_HYPERVISOR,
	};

	/* "minivmx", as leaf 0 has the vendor: EBX, ECX, EDX. */
	memcpy(&row.ebx, "mini", 4);
	memcpy(&row.ecx, "vmx\0", 4);
	add(b, &row);

	/* The clock, and no more of it, in the place that guests look through for it. */
	if (!pvclock_supported())
		return;
	row = (struct minivmx_cpuid_entry) {
		.leaf = LEAF_KVM, .eax = LEAF_KVM + (KVM_CPUID_FEATURES - KVM_CPUID_SIGNATURE),
	};
	memcpy(&row.ebx, KVM_SIGNATURE, 4);
	memcpy(&row.ecx, KVM_SIGNATURE + 4, 4);
	memcpy(&row.edx, KVM_SIGNATURE + 8, 4);
	add(b, &row);
	row = (struct minivmx_cpuid_entry) {
		.leaf = row.eax, .eax = BIT(KVM_FEATURE_CLOCKSOURCE2) |
					BIT(KVM_FEATURE_CLOCKSOURCE_STABLE_BIT),
	};
	add(b, &row);
}

unsigned int cpuid_supported(struct minivmx_cpuid_entry *rows, unsigned int max,
			     u32 apic_id, bool apic)
{
	struct builder b = { .rows = rows, .max = max, .apic_id = apic_id, .apic = apic };
	const u32 max_basic = 0x16;
	u32 max_extended = min(cpuid_eax(0x80000000), 0x80000008u);
	struct minivmx_cpuid_entry row;
	u32 leaf;

	for (leaf = 0; leaf <= max_basic; leaf++) {
		switch (leaf) {
		case 0:
			row = host_row(0, 0, 0);
			row.eax = max_basic;
			add(&b, &row);
			break;
		case 1:
			row = host_row(1, 0, 0);
			mask_leaf1(&b, &row);
			add(&b, &row);
			break;
		case 2:		/* cache descriptors */
			row = host_row(leaf, 0, 0);
			add(&b, &row);
			break;
		case 0x15:
			/*
			 * TSC frequency: ECX * EBX / EAX. As the host measured it,
			 * not as the CPU says: under an emulator that is not true.
			 */
			row = (struct minivmx_cpuid_entry) {
				.leaf = 0x15, .eax = 1, .ebx = 1,
				.ecx = min(tsc_khz, U32_MAX / 1000) * 1000,
			};
			add(&b, &row);
			break;
		case 0x16:	/* base and maximum frequency in MHz */
			row = (struct minivmx_cpuid_entry) {
				.leaf = 0x16, .eax = tsc_khz / 1000, .ebx = tsc_khz / 1000,
			};
			add(&b, &row);
			break;
		case 4:
			add_cache_leaves(&b);
			break;
		case 6:		/* the APIC timer does not stop: nothing else */
			row = (struct minivmx_cpuid_entry) { .leaf = 6, .eax = BIT(2) };
			add(&b, &row);
			break;
		case 7:
			row = host_row(7, 0, MINIVMX_CPUID_SUBLEAF);
			mask_leaf7(&row);
			add(&b, &row);
			break;
		case LEAF_TOPOLOGY:
			add_topology_leaves(&b);
			break;
		case LEAF_XSAVE:
			add_xsave_leaves(&b);
			break;
		default:	/* all zero, as for a leaf without a row */
			break;
		}
	}
	add_hypervisor_leaves(&b);
	for (leaf = 0x80000000; leaf <= max_extended; leaf++) {
		row = host_row(leaf, 0, 0);
		switch (leaf) {
		case 0x80000000:
			row.eax = max_extended;
			break;
		case 0x80000001:
			mask_leaf81(&row);
			break;
		case 0x80000005:
			continue;
		case 0x80000007:	/* invariant TSC */
			row.eax = row.ebx = row.ecx = 0;
			row.edx &= BIT(8);
			break;
		case 0x80000008:
			row.ebx = row.ecx = row.edx = 0;
			/* Linear addresses: 5-level paging is not given. */
			row.eax = min_t(u32, row.eax & 0xff, 48) | 48 << 8;
			break;
		}
		add(&b, &row);
	}
	return b.nr;
}

static const struct minivmx_cpuid_entry *find(struct vcpu *vcpu, u32 leaf, u32 subleaf)
{
	unsigned int i;

	for (i = 0; i < vcpu->nr_cpuid; i++) {
		const struct minivmx_cpuid_entry *row = &vcpu->cpuid[i];

		if (row->leaf == leaf &&
		    (!(row->flags & MINIVMX_CPUID_SUBLEAF) || row->subleaf == subleaf))
			return row;
	}
	return NULL;
}

/* The manual: beyond the last leaf, the answer is that of the highest basic one. */
static bool leaf_out_of_range(struct vcpu *vcpu, u32 leaf)
{
	const struct minivmx_cpuid_entry *basic = find(vcpu, 0, 0);
	const struct minivmx_cpuid_entry *first = find(vcpu, leaf & 0xffff0000, 0);

	return basic && (!first || leaf > first->eax);
}

/* "Standard format" size of what XCR0 enables: the end of its last component. */
static noinline u32 xsave_size(struct vcpu *vcpu)
{
	u32 size = 512 + 64;
	u32 i;

	for (i = 2; i < 63; i++) {
		const struct minivmx_cpuid_entry *row;

		if (!(vcpu->xcr0 & BIT_ULL(i)))
			continue;
		row = find(vcpu, LEAF_XSAVE, i);
		if (row)
			size = max(size, row->eax + row->ebx);
	}
	return size;
}

static void answer(struct vcpu *vcpu, const struct minivmx_cpuid_entry *row, u32 subleaf)
{
	struct minivmx_regs *r = &vcpu->regs.r;

	r->rax = row->eax;
	r->rbx = row->ebx;
	r->rcx = row->ecx;
	r->rdx = row->edx;
	/* What follows the guest's own state. */
	if (row->leaf == 1) {
		r->rcx &= ~(u64)CPUID_1_ECX_OSXSAVE;
		if (cr4_read(vcpu) & X86_CR4_OSXSAVE)
			r->rcx |= CPUID_1_ECX_OSXSAVE;
		if (vcpu->apic && !lapic_enabled(&vcpu->apic->lapic))
			r->rdx &= ~(u64)F(APIC);
	} else if (row->leaf == LEAF_XSAVE && subleaf == 0) {
		r->rbx = xsave_size(vcpu);
	}
}

/* Where there is no row for it. */
static noinline void answer_beyond(struct vcpu *vcpu, u32 leaf, u32 subleaf)
{
	struct minivmx_regs *r = &vcpu->regs.r;
	const struct minivmx_cpuid_entry *row = NULL;

	if (leaf_out_of_range(vcpu, leaf)) {
		leaf = find(vcpu, 0, 0)->eax;
		row = find(vcpu, leaf, subleaf);
	}
	if (row) {
		answer(vcpu, row, subleaf);
		return;
	}
	r->rax = 0;
	r->rbx = 0;
	r->rcx = 0;
	r->rdx = 0;
	/* Beyond its last level the leaf says which was asked for, and of whom. */
	row = leaf == LEAF_TOPOLOGY ? find(vcpu, leaf, 0) : NULL;
	if (row) {
		r->rcx = subleaf & 0xff;
		r->rdx = row->edx;
	}
}

/* EAX is the leaf, ECX the subleaf. */
enum run_action exit_cpuid(struct vcpu *vcpu)
{
	const u32 leaf = vcpu->regs.r.rax, subleaf = vcpu->regs.r.rcx;
	const struct minivmx_cpuid_entry *row = find(vcpu, leaf, subleaf);

	if (likely(row))
		answer(vcpu, row, subleaf);
	else
		answer_beyond(vcpu, leaf, subleaf);
	vcpu_skip(vcpu);
	return RUN_RESUME;
}
