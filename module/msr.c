// SPDX-License-Identifier: GPL-2.0
/*
 * MSRs: one row each, but for those of the APIC, the MTRRs and those of machine checks.
 * Any other does not exist: the guest's access to it is a #GP.
 */
#include <linux/bitmap.h>
#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/processor.h>
#include <uapi/asm/kvm_para.h>

#include "apic.h"
#include "apicv.h"
#include "cr.h"
#include "host.h"
#include "mce.h"
#include "msr.h"
#include "mtrr.h"
#include "pvclock.h"
#include "route.h"
#include "vcpu.h"
#include "vmcs.h"

struct msr_row {
	u32 index;
	/* PASS: the guest reads and writes the CPU's, which VMX switches. */
	u32 flags;
	int (*get)(struct vcpu *vcpu, const struct msr_row *row, u64 *value);
	int (*set)(struct vcpu *vcpu, const struct msr_row *row, u64 value);
	/* field: in the VMCS; or slot: SWITCH_*; or value: a constant */
	u64 arg;
};

#define PASS		BIT(0)
#define CANONICAL	BIT(1)	/* the value is a linear address */
#define LOW32		BIT(2)	/* bits 63:32 are reserved */

static bool canonical(u64 address)
{
	return (u64)((s64)(address << 16) >> 16) == address;
}

static int check(const struct msr_row *row, u64 value)
{
	if ((row->flags & CANONICAL) && !canonical(value))
		return -EINVAL;
	if ((row->flags & LOW32) && value >> 32)
		return -EINVAL;
	return 0;
}

static int get_field(struct vcpu *vcpu, const struct msr_row *row, u64 *value)
{
	*value = vmread(row->arg);
	return 0;
}

static int set_field(struct vcpu *vcpu, const struct msr_row *row, u64 value)
{
	vmwrite(row->arg, value);
	return 0;
}

static bool has_switched(const struct msr_row *row)
{
	return row->arg != SWITCH_TSC_AUX || boot_cpu_has(X86_FEATURE_RDTSCP);
}

static int get_switched(struct vcpu *vcpu, const struct msr_row *row, u64 *value)
{
	if (!has_switched(row))
		return -ENXIO;
	*value = guest_get_msr(vcpu, row->arg);
	return 0;
}

static int set_switched(struct vcpu *vcpu, const struct msr_row *row, u64 value)
{
	if (!has_switched(row))
		return -ENXIO;
	guest_set_msr(vcpu, row->arg, value);
	return 0;
}

static int get_const(struct vcpu *vcpu, const struct msr_row *row, u64 *value)
{
	*value = row->arg;
	return 0;
}

static int set_const(struct vcpu *vcpu, const struct msr_row *row, u64 value)
{
	return value == row->arg ? 0 : -EINVAL;
}

static int set_ignored(struct vcpu *vcpu, const struct msr_row *row, u64 value)
{
	return 0;
}

static int get_efer(struct vcpu *vcpu, const struct msr_row *row, u64 *value)
{
	*value = vcpu->efer;
	return 0;
}

static int set_efer(struct vcpu *vcpu, const struct msr_row *row, u64 value)
{
	return efer_write(vcpu, value) == CR_DONE ? 0 : -EINVAL;
}

static int get_tsc(struct vcpu *vcpu, const struct msr_row *row, u64 *value)
{
	*value = rdtsc() + vmread(VMCS_TSC_OFFSET);
	return 0;
}

static void write_tsc_offset(struct vcpu *vcpu, u64 offset)
{
	vmwrite(VMCS_TSC_OFFSET, offset);
	vcpu_tsc_moved(vcpu);
}

/* Writing the TSC moves TSC_ADJUST by the same amount, and the reverse. */
static int set_tsc(struct vcpu *vcpu, const struct msr_row *row, u64 value)
{
	u64 old = vmread(VMCS_TSC_OFFSET);
	u64 offset = value - rdtsc();

	write_tsc_offset(vcpu, offset);
	vcpu->tsc_adjust += offset - old;
	return 0;
}

static int get_tsc_adjust(struct vcpu *vcpu, const struct msr_row *row, u64 *value)
{
	*value = vcpu->tsc_adjust;
	return 0;
}

static int set_tsc_adjust(struct vcpu *vcpu, const struct msr_row *row, u64 value)
{
	u64 offset = vmread(VMCS_TSC_OFFSET);

	write_tsc_offset(vcpu, offset + value - vcpu->tsc_adjust);
	vcpu->tsc_adjust = value;
	return 0;
}

/* Each of the eight entries is one of the manual's memory types. */
static int set_pat(struct vcpu *vcpu, const struct msr_row *row, u64 value)
{
	int i;

	for (i = 0; i < 64; i += 8) {
		u8 type = value >> i;

		if (type > 7 || type == 2 || type == 3)
			return -EINVAL;
	}
	return set_field(vcpu, row, value);
}

static int get_misc_enable(struct vcpu *vcpu, const struct msr_row *row, u64 *value)
{
	*value = vcpu->misc_enable;
	return 0;
}

#define MISC_ENABLE_WRITABLE	(MSR_IA32_MISC_ENABLE_FAST_STRING | \
				 MSR_IA32_MISC_ENABLE_LIMIT_CPUID)

static int set_misc_enable(struct vcpu *vcpu, const struct msr_row *row, u64 value)
{
	if ((value ^ vcpu->misc_enable) & ~MISC_ENABLE_WRITABLE)
		return -EINVAL;
	vcpu->misc_enable = value;
	return 0;
}

static int get_debugctl(struct vcpu *vcpu, const struct msr_row *row, u64 *value)
{
	*value = vcpu->debugctl;
	return 0;
}

/* BTF alone: what LBR and the others record is the host's. */
static int set_debugctl(struct vcpu *vcpu, const struct msr_row *row, u64 value)
{
	if (value & ~(u64)DEBUGCTLMSR_BTF)
		return -EINVAL;
	vcpu->debugctl = value;
	vcpu->dirty |= DIRTY_DEBUG;
	return 0;
}

/* Without a local APIC: disabled for good (bit 11 is 0), as CPUID says. */
#define APIC_BASE_VALUE		(0xfee00000 | BIT(8))
/* Locked, VMX off: the guest's CPU has none. */
#define FEATURE_CONTROL_VALUE	BIT(0)

static int get_apic_base(struct vcpu *vcpu, const struct msr_row *row, u64 *value)
{
	if (!vcpu->apic)
		return get_const(vcpu, row, value);
	*value = vcpu->apic->lapic.base;
	return 0;
}

static int set_apic_base(struct vcpu *vcpu, const struct msr_row *row, u64 value)
{
	return vcpu->apic ? apic_write_base(vcpu, value) : set_const(vcpu, row, value);
}

static int get_tsc_deadline(struct vcpu *vcpu, const struct msr_row *row, u64 *value)
{
	if (!vcpu->apic)
		return -ENXIO;
	*value = vcpu->apic->lapic.deadline;
	return 0;
}

static int set_tsc_deadline(struct vcpu *vcpu, const struct msr_row *row, u64 value)
{
	return vcpu->apic ? apic_write_deadline(vcpu, value) : -ENXIO;
}

static int get_pvclock(struct vcpu *vcpu, const struct msr_row *row, u64 *value)
{
	if (!pvclock_supported())
		return -ENXIO;
	*value = pvclock_read(vcpu, row->index);
	return 0;
}

static int set_pvclock(struct vcpu *vcpu, const struct msr_row *row, u64 value)
{
	return pvclock_supported() ? pvclock_write(vcpu, row->index, value) : -ENXIO;
}

static const struct msr_row msr_rows[] = {
	{ MSR_IA32_TSC, 0, get_tsc, set_tsc },
	{ MSR_IA32_APICBASE, 0, get_apic_base, set_apic_base, APIC_BASE_VALUE },
	{ MSR_IA32_FEAT_CTL, 0, get_const, set_const, FEATURE_CONTROL_VALUE },
	{ MSR_IA32_TSC_ADJUST, 0, get_tsc_adjust, set_tsc_adjust },
	{ MSR_IA32_UCODE_WRITE, 0, get_const, set_ignored },
	{ MSR_IA32_UCODE_REV, 0, get_const, set_ignored },
	{ MSR_IA32_SYSENTER_CS, PASS | LOW32, get_field, set_field, VMCS_GUEST_SYSENTER_CS },
	{ MSR_IA32_SYSENTER_ESP, PASS | CANONICAL, get_field, set_field, VMCS_GUEST_SYSENTER_ESP },
	{ MSR_IA32_SYSENTER_EIP, PASS | CANONICAL, get_field, set_field, VMCS_GUEST_SYSENTER_EIP },
	{ MSR_IA32_MISC_ENABLE, 0, get_misc_enable, set_misc_enable },
	{ MSR_IA32_DEBUGCTLMSR, 0, get_debugctl, set_debugctl },
	{ MSR_IA32_CR_PAT, 0, get_field, set_pat, VMCS_GUEST_IA32_PAT },
	{ MSR_IA32_TSC_DEADLINE, 0, get_tsc_deadline, set_tsc_deadline },
	{ MSR_KVM_WALL_CLOCK_NEW, 0, get_pvclock, set_pvclock },
	{ MSR_KVM_SYSTEM_TIME_NEW, 0, get_pvclock, set_pvclock },
	{ MSR_EFER, 0, get_efer, set_efer },
	{ MSR_STAR, 0, get_switched, set_switched, SWITCH_STAR },
	{ MSR_LSTAR, CANONICAL, get_switched, set_switched, SWITCH_LSTAR },
	{ MSR_CSTAR, CANONICAL, get_switched, set_switched, SWITCH_CSTAR },
	{ MSR_SYSCALL_MASK, LOW32, get_switched, set_switched, SWITCH_FMASK },
	{ MSR_FS_BASE, PASS | CANONICAL, get_field, set_field, VMCS_GUEST_FS_BASE },
	{ MSR_GS_BASE, PASS | CANONICAL, get_field, set_field, VMCS_GUEST_GS_BASE },
	{ MSR_KERNEL_GS_BASE, PASS | CANONICAL, get_switched, set_switched,
	  SWITCH_KERNEL_GS_BASE },
	{ MSR_TSC_AUX, LOW32, get_switched, set_switched, SWITCH_TSC_AUX },
};

static const struct msr_row *msr_find(u32 index)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(msr_rows); i++)
		if (msr_rows[i].index == index)
			return &msr_rows[i];
	return NULL;
}

int msr_read(struct vcpu *vcpu, u32 index, u64 *value)
{
	const struct msr_row *row;
	int ret;

	if (vcpu->apic && apic_msr_is_register(index))
		return apic_read_msr(vcpu, index, value);
	row = msr_find(index);
	if (row)
		return row->get(vcpu, row, value);
	ret = mtrr_read(&vcpu->mtrrs, index, value);
	return ret == -ENXIO ? mce_read(&vcpu->mce, index, value) : ret;
}

int msr_write(struct vcpu *vcpu, u32 index, u64 value, bool by_program)
{
	const struct msr_row *row;
	int ret;

	if (vcpu->apic && apic_msr_is_register(index))
		return apic_write_msr(vcpu, index, value);
	row = msr_find(index);
	if (!row) {
		ret = mtrr_write(&vcpu->mtrrs, index, value);
		return ret == -ENXIO ? mce_write(&vcpu->mce, index, value, by_program) : ret;
	}
	ret = check(row, value);
	return ret ?: row->set(vcpu, row, value);
}

bool msr_may_pass(u32 index)
{
	const struct msr_row *row = msr_find(index);

	return row && (row->flags & PASS);
}

/*
 * "MSR-Bitmap Address": reads of 0 to 1fff, reads of c0000000 to c0001fff,
 * then writes likewise, 1024 bytes each; a set bit exits.
 */
void msr_bitmap_update(struct vcpu *vcpu)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(msr_rows); i++) {
		u32 index = msr_rows[i].index;
		u32 bit = (index & 0x1fff) + (index >= 0xc0000000 ? 0x2000 : 0);

		if (!(msr_rows[i].flags & PASS))
			continue;
		__assign_bit(bit, vcpu->msr_bitmap,
			     route_msr(vcpu, index, MINIVMX_MSR_READ) != MINIVMX_ROUTE_PASS);
		__assign_bit(bit + 0x4000, vcpu->msr_bitmap,
			     route_msr(vcpu, index, MINIVMX_MSR_WRITE) != MINIVMX_ROUTE_PASS);
	}
	if (!(vcpu->cpu2_ctls & SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE)) {
		bitmap_set(vcpu->msr_bitmap, APIC_MSR_FIRST, NR_APIC_MSRS);
		bitmap_set(vcpu->msr_bitmap, APIC_MSR_FIRST + 0x4000, NR_APIC_MSRS);
		return;
	}
	/* What the CPU does itself is no other route than to the module. */
	for (i = APIC_MSR_FIRST; i <= APIC_MSR_LAST; i++) {
		__assign_bit(i, vcpu->msr_bitmap,
			     !apicv_passes_msr(vcpu, i, false) ||
			     route_msr(vcpu, i, MINIVMX_MSR_READ) != MINIVMX_ROUTE_KERNEL);
		__assign_bit(i + 0x4000, vcpu->msr_bitmap,
			     !apicv_passes_msr(vcpu, i, true) ||
			     route_msr(vcpu, i, MINIVMX_MSR_WRITE) != MINIVMX_ROUTE_KERNEL);
	}
}

void msr_bitmap_init(struct vcpu *vcpu)
{
	memset(vcpu->msr_bitmap, 0xff, PAGE_SIZE);
	msr_bitmap_update(vcpu);
}
