// SPDX-License-Identifier: GPL-2.0
/*
 * VMX ownership, and which VMCS is active on which CPU.
 *
 * CPU hotplug does most of the work: a dynamic hotplug state calls
 * cpu_enter_vmx() on each CPU that is or comes online while a VM exists, and
 * cpu_leave_vmx() on each that goes.
 */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/reboot.h>
#include <linux/smp.h>
#include <linux/suspend.h>
#include <asm/msr.h>
#include <asm/processor.h>
#include <asm/tlbflush.h>

#include "../uapi/minivmx.h"
#include "ctls.h"
#include "debugfs.h"
#include "hw.h"
#include "vcpu.h"
#include "vmcs.h"

/* CR4.FRED, under a name that old kernels do not have. */
#define CR4_FRED	BIT_ULL(32)

/**
 * struct hw_cpu - one CPU's VMX
 * @vmx_on: in VMX operation
 * @region: the VMXON region
 * @current_vmcs: the VMCS that VMPTRLD made current, or NULL
 * @vcpu: the vCPU between load and put
 * @active: VMCSs that are active here; changed on this CPU, interrupts off
 */
struct hw_cpu {
	bool vmx_on;
	void *region;
	struct vmcs *current_vmcs;
	struct vcpu *vcpu;
	struct list_head active;
};

static DEFINE_PER_CPU(struct hw_cpu, hw_cpu);

static DEFINE_MUTEX(hw_mutex);		/* serializes taking and giving back */
static unsigned int hw_users;		/* VMs; under hw_mutex */
static int hw_hp_state;

/* ---------------------------------------------------------------------- */
/* VMXON and VMXOFF on one CPU                                             */
/* ---------------------------------------------------------------------- */

#ifndef HAVE_CR4_UPDATE
#define cr4_set_bits_irqsoff(mask)
#define cr4_clear_bits_irqsoff(mask)
#endif

static int cpu_enter_vmx(unsigned int cpu)
{
	struct hw_cpu *hw = per_cpu_ptr(&hw_cpu, cpu);
	enum vmx_result result;
	unsigned long flags;

	/* Allocated here so that offline CPUs cost nothing. */
	hw->region = (void *)__get_free_page(GFP_KERNEL | __GFP_ZERO);
	if (!hw->region)
		return -ENOMEM;
	*(u32 *)hw->region = vmx_ctls.revision;
	stat_inc(STAT_PAGES);

	local_irq_save(flags);
	if (__read_cr4() & X86_CR4_VMXE) {
		local_irq_restore(flags);
		pr_err("CPU %u: CR4.VMXE is set, another hypervisor has VMX: stop its VMs (or unload kvm_intel) first\n",
		       cpu);
		goto busy;
	}
	cr4_set_bits_irqsoff(X86_CR4_VMXE);
	result = vmx_vmxon(virt_to_phys(hw->region));
	if (result != VMX_OK) {
		cr4_clear_bits_irqsoff(X86_CR4_VMXE);
		local_irq_restore(flags);
		pr_err("CPU %u: VMXON: %s\n", cpu, vmx_result_name(result));
		goto busy;
	}
	hw->current_vmcs = NULL;
	hw->vmx_on = true;
	local_irq_restore(flags);
	return 0;

busy:
	free_page((unsigned long)hw->region);
	hw->region = NULL;
	stat_dec(STAT_PAGES);
	return -EBUSY;
}

/* Runs on the CPU where @vmcs is active, interrupts off. */
static void vmcs_deactivate(struct hw_cpu *hw, struct vmcs *vmcs)
{
	enum vmx_result result = vmx_vmclear(vmcs->pa);

	if (result != VMX_OK)
		pr_warn_ratelimited("VMCLEAR: %s\n", vmx_result_name(result));
	if (hw->current_vmcs == vmcs)
		hw->current_vmcs = NULL;
	list_del_init(&vmcs->node);
	vmcs->launched = false;
	/* Pairs with the acquire in hw_vmcs_load(): all above came first. */
	smp_store_release(&vmcs->cpu, -1);
}

/* Runs on its CPU, interrupts off; also from a reboot's IPI. */
static void cpu_vmxoff(void *unused)
{
	struct hw_cpu *hw = this_cpu_ptr(&hw_cpu);
	struct vmcs *vmcs, *next;
	enum vmx_result result;

	if (!hw->vmx_on)
		return;
	/* What is active must be written back before the CPU forgets it. */
	list_for_each_entry_safe(vmcs, next, &hw->active, node)
		vmcs_deactivate(hw, vmcs);
	hw->vmx_on = false;
	result = vmx_vmxoff();
	if (result != VMX_OK)
		pr_warn("VMXOFF: %s\n", vmx_result_name(result));
	cr4_clear_bits_irqsoff(X86_CR4_VMXE);
}

static int cpu_leave_vmx(unsigned int cpu)
{
	struct hw_cpu *hw = per_cpu_ptr(&hw_cpu, cpu);
	unsigned long flags;

	local_irq_save(flags);
	cpu_vmxoff(NULL);
	local_irq_restore(flags);

	free_page((unsigned long)hw->region);
	hw->region = NULL;
	stat_dec(STAT_PAGES);
	return 0;
}

/* ---------------------------------------------------------------------- */
/* Taking VMX for the first VM, giving it back with the last               */
/* ---------------------------------------------------------------------- */

int hw_get(void)
{
	int ret = 0;

	mutex_lock(&hw_mutex);
	if (hw_users == 0) {
		/* Calls cpu_enter_vmx() on every CPU, undone if one fails. */
		ret = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN,
					"x86/minivmx:online", cpu_enter_vmx,
					cpu_leave_vmx);
		if (ret >= 0) {
			hw_hp_state = ret;
			ret = 0;
		}
	}
	if (!ret)
		hw_users++;
	mutex_unlock(&hw_mutex);
	return ret;
}

void hw_put(void)
{
	mutex_lock(&hw_mutex);
	if (--hw_users == 0)
		cpuhp_remove_state(hw_hp_state);
	mutex_unlock(&hw_mutex);
}

u32 hw_owner(void)
{
	u32 owner = MINIVMX_VMX_FREE;

	mutex_lock(&hw_mutex);
	if (hw_users)
		owner = MINIVMX_VMX_OWN;
	else if (__read_cr4() & X86_CR4_VMXE)
		owner = MINIVMX_VMX_FOREIGN;
	mutex_unlock(&hw_mutex);
	return owner;
}

/* ---------------------------------------------------------------------- */
/* The current VMCS                                                        */
/* ---------------------------------------------------------------------- */

static void vmcs_deactivate_ipi(void *arg)
{
	struct hw_cpu *hw = this_cpu_ptr(&hw_cpu);
	struct vmcs *vmcs = arg;

	/* It may have been deactivated while the IPI was on its way. */
	if (vmcs->cpu == smp_processor_id())
		vmcs_deactivate(hw, vmcs);
}

int hw_vmcs_load(struct vcpu *vcpu, bool *moved)
{
	struct vmcs *vmcs = &vcpu->vmcs;
	struct hw_cpu *hw;
	unsigned long flags;
	int cpu, old;

	cpu = get_cpu();
	hw = this_cpu_ptr(&hw_cpu);
	*moved = false;

	old = smp_load_acquire(&vmcs->cpu);	/* see vmcs_deactivate() */
	if (unlikely(old != cpu)) {
		if (old >= 0)
			smp_call_function_single(old, vmcs_deactivate_ipi, vmcs, 1);
		local_irq_save(flags);
		if (!hw->vmx_on)
			goto gone;
		vmcs->cpu = cpu;
		list_add(&vmcs->node, &hw->active);
		local_irq_restore(flags);
		*moved = true;
	}
	if (hw->current_vmcs != vmcs) {
		enum vmx_result result;

		local_irq_save(flags);
		if (!hw->vmx_on)
			goto gone;
		result = *moved ? vmx_vmclear(vmcs->pa) : VMX_OK;
		if (result == VMX_OK)
			result = vmx_vmptrld(vmcs->pa);
		if (result == VMX_OK)
			hw->current_vmcs = vmcs;
		local_irq_restore(flags);
		if (result != VMX_OK) {
			pr_err_ratelimited("VMPTRLD: %s\n", vmx_result_name(result));
			vm_kill(vcpu->vm, "its VMCS cannot be loaded");
			put_cpu();
			return -EIO;
		}
	}
	hw->vcpu = vcpu;
	return 0;

gone:
	local_irq_restore(flags);
	put_cpu();
	return -EAGAIN;
}

void hw_vmcs_put(void)
{
	this_cpu_write(hw_cpu.vcpu, NULL);
	put_cpu();
}

struct vcpu *hw_loaded_vcpu(void)
{
	return this_cpu_read(hw_cpu.vcpu);
}

void hw_vmcs_release(struct vmcs *vmcs)
{
	int cpu;

	/* An offline CPU has deactivated its own on the way out. */
	cpus_read_lock();
	cpu = smp_load_acquire(&vmcs->cpu);	/* see vmcs_deactivate() */
	if (cpu >= 0)
		smp_call_function_single(cpu, vmcs_deactivate_ipi, vmcs, 1);
	cpus_read_unlock();
}

/* ---------------------------------------------------------------------- */
/* The host's life: reboot and suspend                                     */
/* ---------------------------------------------------------------------- */

/* A CPU in VMX operation ignores INIT, which the next kernel needs. */
static int hw_reboot(struct notifier_block *nb, unsigned long event, void *data)
{
	on_each_cpu(cpu_vmxoff, NULL, 1);
	return NOTIFY_OK;
}

static struct notifier_block hw_reboot_nb = { .notifier_call = hw_reboot };

/* Suspend would lose VMX operation under running VMs. */
static int hw_suspend(struct notifier_block *nb, unsigned long event, void *data)
{
	bool busy;

	if (event != PM_SUSPEND_PREPARE && event != PM_HIBERNATION_PREPARE)
		return NOTIFY_DONE;
	mutex_lock(&hw_mutex);
	busy = hw_users;
	mutex_unlock(&hw_mutex);
	if (!busy)
		return NOTIFY_DONE;
	pr_err("suspend refused: stop the VMs first\n");
	return notifier_from_errno(-EBUSY);
}

static struct notifier_block hw_suspend_nb = { .notifier_call = hw_suspend };

/* ---------------------------------------------------------------------- */
/* At load                                                                 */
/* ---------------------------------------------------------------------- */

static int __init hw_check(void)
{
	u64 feature_control;

	if (!(cpuid_ecx(1) & BIT(5))) {
		pr_err("this CPU has no VT-x (CPUID.1:ECX.VMX is 0)\n");
		return -EOPNOTSUPP;
	}
	if (rdmsrl_safe(MSR_IA32_FEAT_CTL, &feature_control)) {
		pr_err("IA32_FEATURE_CONTROL cannot be read\n");
		return -EOPNOTSUPP;
	}
	if (!(feature_control & FEAT_CTL_LOCKED) ||
	    !(feature_control & FEAT_CTL_VMX_ENABLED_OUTSIDE_SMX)) {
		pr_err("VT-x is off (IA32_FEATURE_CONTROL is %#llx): enable it in the firmware's setup\n",
		       feature_control);
		return -EACCES;
	}
	if (__read_cr4() & CR4_FRED) {
		pr_err("a host that uses FRED is not supported: boot with fred=off\n");
		return -EOPNOTSUPP;
	}
	return ctls_init();
}

int __init hw_init(void)
{
	int cpu, ret;

	ret = hw_check();
	if (ret)
		return ret;
	for_each_possible_cpu(cpu)
		INIT_LIST_HEAD(&per_cpu_ptr(&hw_cpu, cpu)->active);

	ret = register_reboot_notifier(&hw_reboot_nb);
	if (ret)
		return ret;
	ret = register_pm_notifier(&hw_suspend_nb);
	if (ret)
		unregister_reboot_notifier(&hw_reboot_nb);
	return ret;
}

void hw_exit(void)
{
	unregister_pm_notifier(&hw_suspend_nb);
	unregister_reboot_notifier(&hw_reboot_nb);
}
