// SPDX-License-Identifier: GPL-2.0
/*
 * One CPU's VMX: in and out of VMX operation, and the VMCSs there.
 *
 * Two facts of the manual rule this file. A VMCS that was loaded stays active
 * on its CPU until VMCLEAR, and must not be loaded on another one before. And
 * a CPU that leaves VMX operation forgets its active VMCSs, so that each is
 * cleared before, ours before KVM's VMXOFF, too ("Software Use of Virtual-
 * Machine Control Structures").
 */
#include <linux/cpu.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/percpu.h>
#include <linux/smp.h>
#include <asm/processor.h>
#include <asm/tlbflush.h>

#include "ctls.h"
#include "debugfs.h"
#include "hw.h"
#include "vcpu.h"
#include "vmcs.h"

/* What VMPTRST stores if no VMCS is current. */
#define NO_VMCS		(~0ULL)

/* Whether guests can run on a CPU now. */
enum cpu_state {
	CPU_OUT,	/* not in VMX operation */
	CPU_OWN,	/* in it, by our VMXON */
	CPU_BORROWED,	/* in it, by KVM's */
	CPU_UNFIT,	/* it should be, but cannot */
};

/**
 * struct hw_cpu - one CPU's VMX
 * @state: changed on this CPU, interrupts off
 * @region: the VMXON region, if ours
 * @current_vmcs: the VMCS of ours that is current, or NULL
 * @foreign: between load and put, what was current and is not ours
 * @vcpu: the vCPU between load and put
 * @active: VMCSs that are active here; changed on this CPU, interrupts off
 */
struct hw_cpu {
	enum cpu_state state;
	void *region;
	struct vmcs_region *current_vmcs;
	u64 foreign;
	struct vcpu *vcpu;
	struct list_head active;
};

static DEFINE_PER_CPU(struct hw_cpu, hw_cpu);

void __init hw_cpu_init(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct hw_cpu *hw = per_cpu_ptr(&hw_cpu, cpu);

		INIT_LIST_HEAD(&hw->active);
		hw->foreign = NO_VMCS;
	}
}

/* ---------------------------------------------------------------------- */
/* Into VMX operation                                                      */
/* ---------------------------------------------------------------------- */

#ifdef HAVE_CR4_UPDATE

static int cpu_vmxon(struct hw_cpu *hw)
{
	enum vmx_result result;

	if (__read_cr4() & X86_CR4_VMXE) {
		pr_err("CPU %u: CR4.VMXE is set: another hypervisor has VMX\n",
		       smp_processor_id());
		return -EBUSY;
	}
	cr4_set_bits_irqsoff(X86_CR4_VMXE);
	result = vmx_vmxon(virt_to_phys(hw->region));
	if (result == VMX_OK)
		return 0;
	cr4_clear_bits_irqsoff(X86_CR4_VMXE);
	pr_err("CPU %u: VMXON: %s\n", smp_processor_id(), vmx_result_name(result));
	return -EBUSY;
}

static void cpu_vmxoff(void)
{
	enum vmx_result result = vmx_vmxoff();

	if (result != VMX_OK)
		pr_warn("VMXOFF: %s\n", vmx_result_name(result));
	cr4_clear_bits_irqsoff(X86_CR4_VMXE);
}

#else /* the kernel lets only KVM change CR4.VMXE: hw_get() refuses HW_OWN */

static int cpu_vmxon(struct hw_cpu *hw)
{
	return -EBUSY;
}

static void cpu_vmxoff(void)
{
}

#endif

/* Allocated here so that offline CPUs cost nothing. */
static int region_alloc(struct hw_cpu *hw)
{
	hw->region = (void *)get_zeroed_page(GFP_KERNEL);
	if (!hw->region) {
		pr_err("CPU %u: no memory for a VMXON region\n", smp_processor_id());
		return -ENOMEM;
	}
	*(u32 *)hw->region = vmx_ctls.revision;
	stat_inc(STAT_PAGES);
	return 0;
}

static void region_free(struct hw_cpu *hw)
{
	if (!hw->region)
		return;
	free_page((unsigned long)hw->region);
	hw->region = NULL;
	stat_dec(STAT_PAGES);
}

/* Interrupts off. */
static int cpu_enter(struct hw_cpu *hw, enum hw_mode mode)
{
	int ret = ctls_check_cpu();

	if (ret)
		return ret;
	if (mode == HW_OWN)
		return cpu_vmxon(hw);
	if (__read_cr4() & X86_CR4_VMXE)
		return 0;
	pr_err("CPU %u: KVM has not turned VMX on\n", smp_processor_id());
	return -EBUSY;
}

int hw_cpu_enter(unsigned int cpu, enum hw_mode mode)
{
	struct hw_cpu *hw = per_cpu_ptr(&hw_cpu, cpu);
	unsigned long flags;
	int ret = 0;

	if (mode == HW_OWN)
		ret = region_alloc(hw);
	local_irq_save(flags);
	if (!ret)
		ret = cpu_enter(hw, mode);
	hw->current_vmcs = NULL;
	if (ret)
		hw->state = CPU_UNFIT;
	else
		hw->state = mode == HW_OWN ? CPU_OWN : CPU_BORROWED;
	local_irq_restore(flags);
	if (ret)
		region_free(hw);
	return ret;
}

/* ---------------------------------------------------------------------- */
/* Out of it                                                               */
/* ---------------------------------------------------------------------- */

/* Runs on the CPU where @vmcs is active, interrupts off. */
static void vmcs_deactivate(struct hw_cpu *hw, struct vmcs_region *vmcs)
{
	enum vmx_result result = vmx_vmclear(vmcs->pa);

	if (result != VMX_OK)
		pr_warn_ratelimited("VMCLEAR: %s\n", vmx_result_name(result));
	if (hw->current_vmcs == vmcs)
		hw->current_vmcs = NULL;
	list_del_init(&vmcs->node);
	vmcs->launched = false;
	/* Pairs with the acquire in hw_vmcs_claim(): all above came first. */
	smp_store_release(&vmcs->cpu, -1);
}

/* Interrupts are off; a vCPU that is between two loads finds out at its next. */
void hw_cpu_stop(void *unused)
{
	struct hw_cpu *hw = this_cpu_ptr(&hw_cpu);
	struct vmcs_region *vmcs, *next;

	if (hw->state == CPU_OWN || hw->state == CPU_BORROWED)
		list_for_each_entry_safe(vmcs, next, &hw->active, node)
			vmcs_deactivate(hw, vmcs);
	if (hw->state == CPU_OWN)
		cpu_vmxoff();
	hw->state = CPU_OUT;
}

int hw_cpu_leave(unsigned int cpu)
{
	unsigned long flags;

	local_irq_save(flags);
	hw_cpu_stop(NULL);
	local_irq_restore(flags);
	region_free(per_cpu_ptr(&hw_cpu, cpu));
	return 0;
}

/*
 * The CPU may have been interrupted anywhere, in a guest, too; nothing but
 * VMXOFF makes it fit for the INIT, or the new CR4, of the kernel to come.
 */
void hw_cpu_emergency(void)
{
	struct hw_cpu *hw = this_cpu_ptr(&hw_cpu);

	/* The CPU knows best: @state may be about to change. */
	if (!(__read_cr4() & X86_CR4_VMXE))
		return;
	hw->state = CPU_OUT;
	cpu_vmxoff();
}

/* ---------------------------------------------------------------------- */
/* The current VMCS                                                        */
/* ---------------------------------------------------------------------- */

static void vmcs_deactivate_ipi(void *arg)
{
	struct hw_cpu *hw = this_cpu_ptr(&hw_cpu);
	struct vmcs_region *vmcs = arg;

	/* It may have been deactivated while the IPI was on its way. */
	if (vmcs->cpu == smp_processor_id())
		vmcs_deactivate(hw, vmcs);
}

void hw_vmcs_claim(struct vcpu *vcpu)
{
	struct vmcs_region *vmcs = &vcpu->vmcs;
	int cpu = smp_load_acquire(&vmcs->cpu);	/* see vmcs_deactivate() */

	if (unlikely(cpu >= 0 && cpu != smp_processor_id()))
		smp_call_function_single(cpu, vmcs_deactivate_ipi, vmcs, 1);
}

/* Find out which VMCS KVM left current, to put it back. */
static enum vmx_result foreign_note(struct hw_cpu *hw)
{
	enum vmx_result result = vmx_vmptrst(&hw->foreign);

	if (hw->current_vmcs && hw->foreign == hw->current_vmcs->pa)
		hw->foreign = NO_VMCS;
	else
		hw->current_vmcs = NULL;
	return result;
}

static enum vmx_result vmcs_make_current(struct hw_cpu *hw, struct vmcs_region *vmcs)
{
	enum vmx_result result;

	result = vmcs->cpu < 0 ? vmx_vmclear(vmcs->pa) : VMX_OK;
	if (result == VMX_OK)
		result = vmx_vmptrld(vmcs->pa);
	if (result != VMX_OK)
		return result;
	hw->current_vmcs = vmcs;
	if (vmcs->cpu < 0) {
		vmcs->cpu = smp_processor_id();
		list_add(&vmcs->node, &hw->active);
	}
	return VMX_OK;
}

int hw_vmcs_load(struct vcpu *vcpu, bool *moved)
{
	struct hw_cpu *hw = this_cpu_ptr(&hw_cpu);
	struct vmcs_region *vmcs = &vcpu->vmcs;
	enum vmx_result result = VMX_OK;

	if (hw->state == CPU_BORROWED)
		result = foreign_note(hw);
	else if (unlikely(hw->state != CPU_OWN))
		return hw->state == CPU_UNFIT ? -ENODEV : -EAGAIN;

	*moved = vmcs->cpu < 0;
	if (result == VMX_OK && unlikely(hw->current_vmcs != vmcs))
		result = vmcs_make_current(hw, vmcs);
	if (unlikely(result != VMX_OK)) {
		pr_err_ratelimited("VMPTRLD: %s\n", vmx_result_name(result));
		hw_vmcs_put();
		vm_kill(vcpu->vm, "its VMCS cannot be loaded");
		return -EIO;
	}
	hw->vcpu = vcpu;
	return 0;
}

void hw_vmcs_put(void)
{
	struct hw_cpu *hw = this_cpu_ptr(&hw_cpu);
	enum vmx_result result;

	hw->vcpu = NULL;
	if (hw->foreign == NO_VMCS)
		return;
	result = vmx_vmptrld(hw->foreign);
	if (result != VMX_OK)
		pr_err_ratelimited("VMPTRLD of KVM's VMCS: %s\n",
				   vmx_result_name(result));
	hw->foreign = NO_VMCS;
	hw->current_vmcs = NULL;
}

struct vcpu *hw_loaded_vcpu(void)
{
	return this_cpu_read(hw_cpu.vcpu);
}

void hw_vmcs_release(struct vmcs_region *vmcs)
{
	int cpu;

	/* An offline CPU has deactivated its own on the way out. */
	cpus_read_lock();
	cpu = smp_load_acquire(&vmcs->cpu);	/* see vmcs_deactivate() */
	if (cpu >= 0)
		smp_call_function_single(cpu, vmcs_deactivate_ipi, vmcs, 1);
	cpus_read_unlock();
}
