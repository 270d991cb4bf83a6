// SPDX-License-Identifier: GPL-2.0
/* Local APICs with the CPU's help: see apicv.h. */
#include <linux/io.h>
#include <linux/kernel.h>
#include <asm/vmx.h>

#include "apic.h"
#include "apicv.h"
#include "ctls.h"
#include "exit.h"
#include "inject.h"
#include "msr.h"
#include "vcpu.h"
#include "vmcs.h"

/* Those that depend on the mode; the others stay on, and do nothing where they cannot. */
#define MODE_CONTROLS	SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE

static u32 mode_controls(struct vcpu *vcpu)
{
	return lapic_x2apic(&vcpu->apic->lapic) ? vmx_ctls.apic_cpu2 & MODE_CONTROLS : 0;
}

void apicv_init(struct vcpu *vcpu)
{
	if (!vcpu->apic)
		return;
	vcpu->cpu_ctls |= vmx_ctls.apic_cpu;
	if (vmx_ctls.apic_cpu & CPU_BASED_TPR_SHADOW)
		vcpu->cpu_ctls &= ~(CPU_BASED_CR8_LOAD_EXITING | CPU_BASED_CR8_STORE_EXITING);
	vcpu->cpu2_ctls |= (vmx_ctls.apic_cpu2 & ~MODE_CONTROLS) | mode_controls(vcpu);
}

void apicv_vmcs_init(struct vcpu *vcpu)
{
	size_t i;

	if (!vcpu->apic)
		return;
	if (vcpu->cpu_ctls & CPU_BASED_TPR_SHADOW) {
		vmwrite(VMCS_VIRTUAL_APIC_ADDR, virt_to_phys(vcpu->apic->lapic.regs));
		vmwrite(VMCS_TPR_THRESHOLD, 0);
	}
	if (apicv_delivers(vcpu)) {
		vmwrite(VMCS_GUEST_INTR_STATUS, 0);
		for (i = 0; i < ARRAY_SIZE(vcpu->apic->eoi_exits); i++)
			vmwrite(VMCS_EOI_EXIT_BITMAP0 + 2 * i, 0);
	}
}

void apicv_set_mode(struct vcpu *vcpu)
{
	u32 ctls = (vcpu->cpu2_ctls & ~MODE_CONTROLS) | mode_controls(vcpu);

	if (ctls == vcpu->cpu2_ctls)
		return;
	vcpu->cpu2_ctls = ctls;
	vcpu->dirty |= DIRTY_CPU2;
	msr_bitmap_update(vcpu);
}

bool apicv_passes_msr(struct vcpu *vcpu, u32 index, bool write)
{
	u32 offset = apic_msr_offset(index);

	if (!(vcpu->cpu2_ctls & SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE))
		return false;
	switch (offset) {
	case LAPIC_TPR:
		return true;
	case LAPIC_EOI:
	case LAPIC_SELF_IPI:
		return write && apicv_delivers(vcpu);
	default:
		return !write && (vcpu->cpu2_ctls & SECONDARY_EXEC_APIC_REGISTER_VIRT) &&
		       lapic_msr_is_plain(offset);
	}
}

bool apicv_delivers(struct vcpu *vcpu)
{
	return vcpu->cpu2_ctls & SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY;
}

bool apicv_injects(struct vcpu *vcpu)
{
	return !apicv_delivers(vcpu) && apic_pending(vcpu);
}

/*
 * "TPR Virtualization": the guest exits when it lowers its priority below this. It is
 * the class of an interrupt that only TPR holds back.
 */
static u32 threshold(struct vcpu *vcpu)
{
	if (!(vcpu->cpu_ctls & CPU_BASED_TPR_SHADOW) || apicv_delivers(vcpu))
		return 0;
	return lapic_held_by_tpr(&vcpu->apic->lapic);
}

bool apicv_is_stale(struct vcpu *vcpu)
{
	struct apic *apic = vcpu->apic;

	return apicv_delivers(vcpu) ? apic->changed : threshold(vcpu) != apic->tpr_threshold;
}

/* "Virtual-Interrupt Delivery", "EOI Virtualization": the EOI of which vectors exits. */
static void write_eoi_exits(struct apic *apic)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(apic->eoi_exits); i++) {
		u64 bits = lapic_eoi_reports(&apic->lapic, i);

		if (bits == apic->eoi_exits[i])
			continue;
		apic->eoi_exits[i] = bits;
		vmwrite(VMCS_EOI_EXIT_BITMAP0 + 2 * i, bits);
	}
}

void apicv_sync(struct vcpu *vcpu)
{
	struct apic *apic = vcpu->apic;
	u32 value;

	if (!apicv_delivers(vcpu)) {
		value = threshold(vcpu);
		if (value != apic->tpr_threshold)
			vmwrite(VMCS_TPR_THRESHOLD, value);
		apic->tpr_threshold = value;
	} else if (apic->changed) {
		vmwrite(VMCS_GUEST_INTR_STATUS, lapic_intr_status(&apic->lapic));
		write_eoi_exits(apic);
		apic->changed = false;
	}
}

/* ---------------------------------------------------------------------- */
/* Exits                                                                   */
/* ---------------------------------------------------------------------- */

/* What TPR held back is injected on the way back in. */
enum run_action exit_tpr_below(struct vcpu *vcpu)
{
	inject_update(vcpu);
	return RUN_RESUME;
}

/* The CPU has done it; others may have to know. */
enum run_action exit_eoi_induced(struct vcpu *vcpu)
{
	apic_eoi(vcpu, vcpu->exit.qualification);
	return RUN_RESUME;
}
