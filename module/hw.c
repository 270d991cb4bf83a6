// SPDX-License-Identifier: GPL-2.0
/*
 * Whose the host's VMX is.
 *
 * own		Nobody had it: VMXON on every CPU with the first VM, VMXOFF with
 *		the last.
 * borrow	KVM has it: its VMXON serves both, for as long as we hold one of
 *		its VMs.
 * refuse	Somebody else has it, or nobody may have it but KVM.
 *
 * While kvm_intel is loaded, VMX is KVM's even if it has no VM: KVM users keep
 * what they had, and the kernel's one slot for turning VMX off in a crash is
 * KVM's. While minivmx owns VMX, that slot is minivmx's, and kvm_intel cannot
 * be loaded.
 *
 * CPU hotplug does most of the work: a dynamic hotplug state, which is torn
 * down before KVM's, calls cpu_comes() on each CPU that is or comes online
 * while a VM exists, and hw_cpu_leave() on each that goes.
 */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/device.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/reboot.h>
#include <linux/sched/signal.h>
#include <linux/smp.h>
#include <linux/suspend.h>
#include <linux/wait.h>
#include <asm/processor.h>
#include <asm/reboot.h>
#include <asm/tlbflush.h>

#include "../uapi/minivmx.h"
#include "ctls.h"
#include "hw.h"
#include "vcpu.h"

/* CR4.FRED, under a name that old kernels do not have. */
#define CR4_FRED	BIT_ULL(32)

static DEFINE_MUTEX(hw_mutex);		/* all below, but for reading */
static unsigned int hw_users;		/* VMs */
static enum hw_mode hw_mode;		/* valid with hw_users */
static int hw_hp_state;			/* valid with hw_users, unless parked */
static bool hw_taking;			/* a CPU that refuses is an error */
static bool hw_parked;			/* suspend, reboot: nobody runs */
static bool hw_lost;			/* it did not come back after a suspend */
static DECLARE_WAIT_QUEUE_HEAD(hw_unparked);

/* ---------------------------------------------------------------------- */
/* KVM                                                                     */
/* ---------------------------------------------------------------------- */

/* Loaded, or on its way in or out: from its COMING to behind its exit. */
static bool kvm_present;
static bool emergency_is_set;

/*
 * The kernel's slot: what a crash calls on each CPU. Without one the kernel
 * does VMXOFF itself. To leave it takes an RCU grace period, so it is left for
 * KVM, who wants it, and not with each last VM. Under hw_mutex.
 */
static void emergency_set(bool on)
{
	if (on == emergency_is_set)
		return;
	emergency_is_set = on;
#ifdef HAVE_EMERGENCY_VIRT
	if (on)
		cpu_emergency_register_virt_callback(hw_cpu_emergency);
	else
		cpu_emergency_unregister_virt_callback(hw_cpu_emergency);
#endif
}

static int hw_module_event(struct notifier_block *nb, unsigned long event, void *data)
{
	struct module *module = data;
	bool busy = false;

	if (strcmp(module->name, "kvm_intel"))
		return NOTIFY_DONE;
	mutex_lock(&hw_mutex);
	if (event == MODULE_STATE_COMING)
		busy = hw_users && hw_mode == HW_OWN;
	kvm_present = event != MODULE_STATE_GOING && !busy;
	if (kvm_present)
		emergency_set(false);
	mutex_unlock(&hw_mutex);
	if (!busy)
		return NOTIFY_DONE;
	pr_err("kvm_intel refused: minivmx has VMX; stop its VMs first\n");
	return notifier_from_errno(-EBUSY);
}

static struct notifier_block hw_module_nb = { .notifier_call = hw_module_event };

struct file *hw_kvm_vm_get(int fd)
{
	struct file *file = fget(fd);
	struct module *owner;

	if (!file)
		return ERR_PTR(-EBADF);
	/*
	 * Only the kernel names these files, so that no program can make one
	 * that looks like KVM's. Older kernels leave the owner empty.
	 */
	owner = file->f_op->owner;
	if (file_inode(file)->i_sb->s_magic == ANON_INODE_FS_MAGIC &&
	    !strcmp(file->f_path.dentry->d_name.name, "kvm-vm") &&
	    (!owner || !strcmp(owner->name, "kvm_intel")))
		return file;
	fput(file);
	return ERR_PTR(-EINVAL);
}

/* ---------------------------------------------------------------------- */
/* Taking VMX for the first VM, giving it back with the last               */
/* ---------------------------------------------------------------------- */

static int cpu_comes(unsigned int cpu)
{
	int ret = hw_cpu_enter(cpu, hw_mode);

	/* The hotplug core undoes it on the CPUs before this one only. */
	if (ret && hw_taking)
		hw_cpu_leave(cpu);
	/* Later the host gets its CPU in any case, if without guests. */
	return hw_taking ? ret : 0;
}

static int hw_take(enum hw_mode mode)
{
	int ret;

	hw_mode = mode;
	if (mode == HW_OWN)
		emergency_set(true);
	/* No CPU may come or go while hw_taking is set. */
	cpus_read_lock();
	hw_taking = true;
	/* On every CPU, undone if one fails. */
	ret = cpuhp_setup_state_cpuslocked(CPUHP_AP_ONLINE_DYN, "x86/minivmx:online",
					   cpu_comes, hw_cpu_leave);
	hw_taking = false;
	cpus_read_unlock();
	if (ret < 0)
		return ret;
	hw_hp_state = ret;
	return 0;
}

static void hw_give_back(void)
{
	cpuhp_remove_state(hw_hp_state);
}

/* MINIVMX_REASON_*: why VMX cannot be owned now. Under hw_mutex. */
static u32 why_not_own(void)
{
	if (hw_users && hw_mode == HW_OWN)
		return MINIVMX_REASON_NONE;
#ifndef HAVE_CR4_UPDATE
	return MINIVMX_REASON_KVM_ONLY;
#endif
	if (kvm_present)
		return MINIVMX_REASON_KVM_LOADED;
	if (__read_cr4() & X86_CR4_VMXE)
		return MINIVMX_REASON_VMXE;
	return MINIVMX_REASON_NONE;
}

static int hw_get_locked(enum hw_mode mode)
{
	int ret;

	if (hw_users && (hw_mode != mode || hw_lost))
		return -EBUSY;
	if (!hw_users) {
		if (mode == HW_OWN && why_not_own() != MINIVMX_REASON_NONE)
			return -EBUSY;
		ret = hw_take(mode);
		if (ret)
			return ret;
	}
	hw_users++;
	return 0;
}

static int wait_unparked(void)
{
	/*
	 * Freezable, for the suspend must not wait for a thread that waits for
	 * it; "unsafe", since that thread may hold the mutex of a vCPU, which
	 * others only try, or of a VM, which they wait for interruptibly.
	 */
	wait_event_state(hw_unparked, !READ_ONCE(hw_parked),
			 (TASK_KILLABLE | TASK_FREEZABLE_UNSAFE));
	return fatal_signal_pending(current) ? -EINTR : 0;
}

int hw_get(enum hw_mode mode)
{
	int ret;

	for (;;) {
		mutex_lock(&hw_mutex);
		if (!hw_parked)
			break;
		mutex_unlock(&hw_mutex);
		ret = wait_unparked();
		if (ret)
			return ret;
	}
	ret = hw_get_locked(mode);
	mutex_unlock(&hw_mutex);
	return ret;
}

void hw_put(void)
{
	mutex_lock(&hw_mutex);
	if (--hw_users == 0) {
		if (!hw_parked && !hw_lost)
			hw_give_back();
		hw_lost = false;
	}
	mutex_unlock(&hw_mutex);
}

void hw_info(u32 *owner, u32 *reason)
{
	mutex_lock(&hw_mutex);
	*reason = why_not_own();
	if (hw_users)
		*owner = hw_mode == HW_OWN ? MINIVMX_VMX_OWN : MINIVMX_VMX_BORROWED;
	else if (__read_cr4() & X86_CR4_VMXE)
		*owner = MINIVMX_VMX_FOREIGN;
	else
		*owner = MINIVMX_VMX_FREE;
	mutex_unlock(&hw_mutex);
}

/* ---------------------------------------------------------------------- */
/* The host's life: suspend and reboot                                     */
/* ---------------------------------------------------------------------- */

/*
 * Before the tasks are frozen: give VMX back, and let no vCPU enter a guest.
 * Each finds out at its next hw_vmcs_load(), and sleeps in hw_wait().
 */
static void hw_park(void)
{
	mutex_lock(&hw_mutex);
	WRITE_ONCE(hw_parked, true);
	if (hw_users && !hw_lost)
		hw_give_back();
	mutex_unlock(&hw_mutex);
}

static void hw_unpark(void)
{
	int ret = 0;

	mutex_lock(&hw_mutex);
	/* Not parked: the module came after the suspend was announced. */
	if (hw_parked && hw_users && !hw_lost)
		ret = hw_take(hw_mode);
	if (ret) {
		pr_err("VMX cannot be had again after the suspend (%d): the VMs end\n", ret);
		WRITE_ONCE(hw_lost, true);
	}
	WRITE_ONCE(hw_parked, false);
	mutex_unlock(&hw_mutex);
	wake_up_all(&hw_unparked);
}

int hw_wait(struct vcpu *vcpu)
{
	/* Another reason than a suspend is gone in no time: CPU hotplug. */
	if (!READ_ONCE(hw_parked))
		schedule_timeout_killable(1);
	if (!READ_ONCE(hw_lost))
		return wait_unparked();
	vm_kill(vcpu->vm, "VMX was lost in a suspend");
	return -EIO;
}

static int hw_pm_event(struct notifier_block *nb, unsigned long event, void *data)
{
	switch (event) {
	case PM_SUSPEND_PREPARE:
	case PM_HIBERNATION_PREPARE:
	case PM_RESTORE_PREPARE:
		hw_park();
		break;
	case PM_POST_SUSPEND:
	case PM_POST_HIBERNATION:
	case PM_POST_RESTORE:
		hw_unpark();
		break;
	}
	return NOTIFY_OK;
}

static struct notifier_block hw_pm_nb = { .notifier_call = hw_pm_event };

/*
 * A CPU in VMX operation ignores INIT, which the next kernel needs. Nothing is
 * freed any more, and no vCPU runs again.
 */
static int hw_reboot_event(struct notifier_block *nb, unsigned long event, void *data)
{
	mutex_lock(&hw_mutex);
	WRITE_ONCE(hw_parked, true);
	mutex_unlock(&hw_mutex);
	on_each_cpu(hw_cpu_stop, NULL, 1);
	return NOTIFY_OK;
}

/* Before KVM's VMXOFF, which must not find a VMCS of ours active. */
static struct notifier_block hw_reboot_nb = {
	.notifier_call = hw_reboot_event,
	.priority = 1,
};

/* ---------------------------------------------------------------------- */
/* At load                                                                 */
/* ---------------------------------------------------------------------- */

static int __init hw_register(void)
{
	int ret;

	ret = register_reboot_notifier(&hw_reboot_nb);
	if (ret)
		return ret;
	ret = register_pm_notifier(&hw_pm_nb);
	if (ret)
		goto unregister_reboot;
	ret = register_module_notifier(&hw_module_nb);
	if (ret)
		goto unregister_pm;
	return 0;

unregister_pm:
	unregister_pm_notifier(&hw_pm_nb);
unregister_reboot:
	unregister_reboot_notifier(&hw_reboot_nb);
	return ret;
}

int __init hw_init(void)
{
	int ret;

	if (__read_cr4() & CR4_FRED) {
		pr_err("a host that uses FRED is not supported: boot with fred=off\n");
		return -EOPNOTSUPP;
	}
	ret = ctls_init();
	if (ret)
		return ret;
	hw_cpu_init();
	return hw_register();
}

void hw_init_kvm(const struct class *misc)
{
	struct device *kvm;

	/* KVM makes it the last thing at load, and unmakes it first. */
	mutex_lock(&hw_mutex);
	kvm = class_find_device_by_name((struct class *)misc, "kvm");
	if (kvm)
		kvm_present = true;
	mutex_unlock(&hw_mutex);
	put_device(kvm);
}

void hw_exit(void)
{
	unregister_module_notifier(&hw_module_nb);
	mutex_lock(&hw_mutex);
	emergency_set(false);
	mutex_unlock(&hw_mutex);
	unregister_pm_notifier(&hw_pm_nb);
	unregister_reboot_notifier(&hw_reboot_nb);
}
