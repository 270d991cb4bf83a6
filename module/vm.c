// SPDX-License-Identifier: GPL-2.0
/* The life of a VM. */
#include <linux/cpumask.h>
#include <linux/file.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <asm/msr.h>

#include "apicv.h"
#include "debugfs.h"
#include "hw.h"
#include "gmem.h"
#include "vcpu.h"
#include "vm.h"

/* The KVM VM goes last: it keeps VMX on under what hw_put() still does. */
static void vm_put_hw(struct file *kvm_vm)
{
	hw_put();
	if (kvm_vm)
		fput(kvm_vm);
}

struct vm *vm_create(struct file *kvm_vm, u32 flags)
{
	struct vm *vm;
	int ret;

	ret = hw_get(kvm_vm ? HW_BORROW : HW_OWN);
	if (ret) {
		if (kvm_vm)
			fput(kvm_vm);
		return ERR_PTR(ret);
	}
	ret = -ENOMEM;
	vm = kvzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);
	if (!vm)
		goto put_hw;
	kref_init(&vm->refs);
	mutex_init(&vm->vcpu_mutex);
	doors_init(&vm->doors);
	vm->mm = current->mm;
	vm->kvm_vm = kvm_vm;
	vm->has_apics = flags & MINIVMX_VM_APIC;
	vm->tsc_offset = -rdtsc();
	ret = apicv_vm_init(vm);
	if (ret)
		goto free;
	ret = gmem_init(vm);
	if (ret)
		goto free_page;
	stat_inc(STAT_VMS);
	stats_add_vm(vm);
	return vm;

free_page:
	apicv_vm_exit(vm);
free:
	kvfree(vm);
put_hw:
	vm_put_hw(kvm_vm);
	return ERR_PTR(ret);
}

static void vm_release(struct kref *refs)
{
	struct vm *vm = container_of(refs, struct vm, refs);
	int i;

	/*
	 * No thread runs a vCPU any more: each held a reference. What looks at the
	 * vCPUs goes first: debugfs, the notifiers, the doors.
	 */
	stats_remove_vm(vm);
	gmem_exit(vm);
	doors_exit(&vm->doors);
	for (i = 0; i < MINIVMX_MAX_VCPUS; i++)
		if (vm->vcpus[i])
			vcpu_free(vm->vcpus[i]);
	apicv_vm_exit(vm);
	vm_put_hw(vm->kvm_vm);
	kvfree(vm);
	stat_dec(STAT_VMS);
}

void vm_get(struct vm *vm)
{
	kref_get(&vm->refs);
}

void vm_put(struct vm *vm)
{
	kref_put(&vm->refs, vm_release);
}

void vm_kill(struct vm *vm, const char *why)
{
	int i;

	if (READ_ONCE(vm->dead))
		return;
	WRITE_ONCE(vm->dead, true);
	pr_err_ratelimited("the VM of process %d ends: %s\n",
			   task_tgid_nr(current), why);
	for (i = 0; i < MINIVMX_MAX_VCPUS; i++) {
		/* Pairs with the release in ioctl.c. */
		struct vcpu *vcpu = smp_load_acquire(&vm->vcpus[i]);

		if (vcpu)
			vcpu_request(vcpu, REQ_DEAD);
	}
}

/* The IPI itself makes the CPU leave the guest. */
static void kicked(void *unused)
{
}

void vm_kick_all(struct vm *vm)
{
	cpumask_var_t cpus;
	bool have_mask;
	int i;

	/* Called where sleeping is not allowed, and must not fail. */
	have_mask = zalloc_cpumask_var(&cpus, GFP_NOWAIT | __GFP_NOWARN);

	/* Pairs with the barrier in run_once(): see the new state or be seen. */
	smp_mb();
	preempt_disable();
	for (i = 0; i < MINIVMX_MAX_VCPUS; i++) {
		/* Pairs with the release in ioctl.c. */
		struct vcpu *vcpu = smp_load_acquire(&vm->vcpus[i]);
		int cpu;

		if (!vcpu || !READ_ONCE(vcpu->in_guest))
			continue;
		cpu = READ_ONCE(vcpu->run_cpu);
		if (have_mask)
			cpumask_set_cpu(cpu, cpus);
		else
			smp_call_function_single(cpu, kicked, NULL, 1);
	}
	if (have_mask)
		smp_call_function_many(cpus, kicked, NULL, 1);
	preempt_enable();
	if (have_mask)
		free_cpumask_var(cpus);
}

void vm_flush_ept(struct vm *vm)
{
	atomic64_inc(&vm->ept.gen);
	vm_kick_all(vm);
}
