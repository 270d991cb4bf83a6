// SPDX-License-Identifier: GPL-2.0
/* Local APICs with the CPU's help: see apicv.h. */
#include <linux/io.h>
#include <linux/kernel.h>
#include <asm/vmx.h>

#include "apic.h"
#include "apicv.h"
#include "ctls.h"
#include "exit.h"
#include "gmem.h"
#include "inject.h"
#include "msr.h"
#include "vcpu.h"
#include "vm.h"
#include "vmcs.h"

/* Those that depend on the mode; the others stay on, and do nothing where they cannot. */
#define MODE_CONTROLS	(SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE | \
			 SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES)

static u32 mode_controls(struct vcpu *vcpu)
{
	const struct lapic *lapic = &vcpu->apic->lapic;

	if (lapic_x2apic(lapic))
		return vmx_ctls.apic_cpu2 & SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE;
	if (lapic_enabled(lapic) && lapic_address(lapic) == LAPIC_BASE_DEFAULT)
		return vmx_ctls.apic_cpu2 & SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES;
	return 0;
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
	if (vcpu->vm->apic_page)
		vmwrite(VMCS_APIC_ACCESS_ADDR, virt_to_phys(vcpu->vm->apic_page));
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
	vcpu_request(vcpu, REQ_APIC_PAGE);
}

/* ---------------------------------------------------------------------- */
/* The APIC-access page                                                    */
/* ---------------------------------------------------------------------- */

int apicv_vm_init(struct vm *vm)
{
	if (!vm->has_apics ||
	    !(vmx_ctls.apic_cpu2 & SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES))
		return 0;
	vm->apic_page = vcpu_page_alloc();
	return vm->apic_page ? 0 : -ENOMEM;
}

void apicv_vm_exit(struct vm *vm)
{
	vcpu_page_free(vm->apic_page);
}

static bool uses_page(struct vcpu *vcpu)
{
	return vcpu->cpu2_ctls & SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES;
}

bool apicv_has_page(struct vcpu *vcpu)
{
	return (vcpu->exit.gpa & PAGE_MASK) == LAPIC_BASE_DEFAULT && uses_page(vcpu);
}

bool apicv_page_map(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	bool can, flush = false;

	if (!apicv_has_page(vcpu) || ept_cache_fill(&vcpu->ept_cache))
		return false;
	spin_lock(&vm->ept_lock);
	can = !vm->apics_away && !gmem_region(vm, LAPIC_BASE_DEFAULT);
	if (can)
		flush = ept_map(&vm->ept, &vcpu->ept_cache, LAPIC_BASE_DEFAULT,
				virt_to_phys(vm->apic_page) >> PAGE_SHIFT, 1,
				MINIVMX_PROT_READ | MINIVMX_PROT_WRITE);
	spin_unlock(&vm->ept_lock);
	if (flush)
		vm_flush_ept(vm);
	ept_cache_free_garbage(&vcpu->ept_cache);
	return can;
}

/* Is it that page, and not memory? Under ept_lock. */
static bool page_mapped(struct vm *vm)
{
	u64 entries[EPT_LEVELS];
	int leaf;

	ept_walk(&vm->ept, LAPIC_BASE_DEFAULT, entries, &leaf);
	return leaf == 1 && (entries[0] & EPT_ADDR) == virt_to_phys(vm->apic_page);
}

void apicv_page_unmap(struct vm *vm)
{
	bool mapped;

	if (!vm->apic_page)
		return;
	spin_lock(&vm->ept_lock);
	mapped = page_mapped(vm);
	if (mapped)
		ept_zap(&vm->ept, LAPIC_BASE_DEFAULT, LAPIC_BASE_DEFAULT + PAGE_SIZE, NULL);
	spin_unlock(&vm->ept_lock);
	if (mapped)
		vm_flush_ept(vm);
}

/* The vCPU itself does not enter before this is done. */
void apicv_page_follow(struct vcpu *vcpu)
{
	bool away = !uses_page(vcpu);
	struct vm *vm = vcpu->vm;

	if (away == vcpu->apic->away)
		return;
	vcpu->apic->away = away;
	spin_lock(&vm->ept_lock);
	vm->apics_away += away ? 1 : -1;
	spin_unlock(&vm->ept_lock);
	if (away)
		apicv_page_unmap(vm);
}

bool apicv_passes_msr(struct vcpu *vcpu, u32 index, bool write)
{
	u32 offset = apic_msr_offset(index);

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

/* "Exit Qualification for APIC-Access VM Exits": offset, and how it was accessed. */
#define ACCESS_OFFSET	GENMASK_ULL(11, 0)
#define ACCESS_TYPE	GENMASK_ULL(15, 12)

enum { ACCESS_READ, ACCESS_WRITE, ACCESS_FETCH };

/* What the CPU leaves to lapic.c. Only reads and writes of an instruction are for it. */
enum run_action exit_apic_access(struct vcpu *vcpu)
{
	u64 q = vcpu->exit.qualification;

	vcpu->exit.gpa = LAPIC_BASE_DEFAULT | (q & ACCESS_OFFSET);
	switch ((q & ACCESS_TYPE) >> 12) {
	case ACCESS_READ:
	case ACCESS_WRITE:
		return mmio_start(vcpu);
	case ACCESS_FETCH:
		return exit_memory(vcpu, MINIVMX_PROT_EXEC, EFAULT);
	default:
		return exit_memory(vcpu, MINIVMX_PROT_READ, EFAULT);
	}
}

/* The instruction has done its write to the page, and what follows from it is left. */
enum run_action exit_apic_write(struct vcpu *vcpu)
{
	apic_written(vcpu, vcpu->exit.qualification & ACCESS_OFFSET & ~3ULL);
	return RUN_RESUME;
}
