// SPDX-License-Identifier: GPL-2.0
/* The life of a vCPU. */
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/wait.h>

#include "apic.h"
#include "apicv.h"
#include "cpuid.h"
#include "ctls.h"
#include "debugfs.h"
#include "dirty.h"
#include "exit_mmio.h"
#include "fpu.h"
#include "host.h"
#include "hw.h"
#include "mitigate.h"
#include "msr.h"
#include "pvclock.h"
#include "ring.h"
#include "vcpu.h"
#include "vm.h"

/*
 * VPIDs tag cached translations together with the EPT root, so two vCPUs of
 * different VMs may share one; 0 is the host's. Counted down from the top,
 * away from the ones another hypervisor counts up.
 */
static u16 vpid_of(u32 id)
{
	return 0xffff - id;
}

void *vcpu_page_alloc(void)
{
	void *page = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);

	if (page)
		stat_inc(STAT_PAGES);
	return page;
}

void vcpu_page_free(void *page)
{
	if (!page)
		return;
	free_page((unsigned long)page);
	stat_dec(STAT_PAGES);
}

static void reset_regs(struct vcpu *vcpu)
{
	memset(&vcpu->regs.r, 0, sizeof(vcpu->regs.r));
	vcpu->regs.r.rip = 0xfff0;
	vcpu->regs.r.rflags = 2;
	/* "Processor State After Reset": family, model, stepping. */
	vcpu->regs.r.rdx = cpuid_eax(1) & 0x00ffffff;
	vcpu->cached = CACHE_ALL;
}

static void reset_state(struct vcpu *vcpu)
{
	reset_regs(vcpu);
	vcpu->misc_enable = MSR_IA32_MISC_ENABLE_FAST_STRING |
			    MSR_IA32_MISC_ENABLE_BTS_UNAVAIL |
			    MSR_IA32_MISC_ENABLE_PEBS_UNAVAIL;
	vcpu->cpu_ctls = vmx_ctls.cpu;
	vcpu->cpu2_ctls = vmx_ctls.cpu2;
	vcpu->entry_ctls = vmx_ctls.entry;
	vcpu->timer_limit = vmcs_watchdog();
	vcpu->timer_at = TIMER_NONE;
	vcpu->host.xcr0 = host_xcr0();
}

void vcpu_reset(struct vcpu *vcpu)
{
	reset_regs(vcpu);
	vcpu->interruptibility = 0;
	vcpu->dirty &= DIRTY_CPU2 | DIRTY_PML_INDEX | DIRTY_TIMER;
	vcpu->cr2 = 0;
	memset(vcpu->dr, 0, sizeof(vcpu->dr));
	vcpu->debugctl = 0;
	vcpu->clock.time = 0;
	vcpu->event.flags = 0;
	vcpu->irq.flags = 0;
	vcpu->nmi_pending = false;
	vmcs_init_guest(vcpu);
}

void vcpu_tsc_moved(struct vcpu *vcpu)
{
	if (vcpu->apic)
		apic_tsc_moved(vcpu);
	pvclock_tsc_moved(vcpu);
}

/* The IPI itself makes the CPU leave the guest. */
static void kicked(void *unused)
{
}

struct vcpu *vcpu_create(struct vm *vm, u32 id)
{
	struct vcpu *vcpu;
	int ret = -ENOMEM;

	vcpu = kzalloc(sizeof(*vcpu), GFP_KERNEL_ACCOUNT);
	if (!vcpu)
		return ERR_PTR(-ENOMEM);
	stat_inc(STAT_VCPUS);
	vcpu->vm = vm;
	vcpu->id = id;
	vcpu->vpid = vpid_of(id);
	vcpu->vmcs.cpu = -1;
	mutex_init(&vcpu->mutex);
	init_waitqueue_head(&vcpu->unlocked);
	init_waitqueue_head(&vcpu->wakeup);
	spin_lock_init(&vcpu->ring_lock);
	INIT_CSD(&vcpu->kick, kicked, NULL);
	ept_cache_init(&vcpu->ept_cache);

	vcpu->run = vcpu_page_alloc();
	vcpu->msr_bitmap = vcpu_page_alloc();
	vcpu->stats = vcpu_page_alloc();
	vcpu->cpuid = kcalloc(MINIVMX_MAX_CPUID, sizeof(*vcpu->cpuid), GFP_KERNEL_ACCOUNT);
	if (!vcpu->run || !vcpu->msr_bitmap || !vcpu->stats || !vcpu->cpuid ||
	    vmcs_alloc(&vcpu->vmcs) || fpu_alloc(vcpu) || mmio_alloc(vcpu) ||
	    pml_alloc(vcpu) || apic_alloc(vcpu))
		goto free;

	static_assert(sizeof(*vcpu->run) <= PAGE_SIZE);
	static_assert(sizeof(*vcpu->stats) * MINIVMX_NR_EXITS <= PAGE_SIZE);
	msr_bitmap_init(vcpu);
	vcpu->nr_cpuid = cpuid_supported(vcpu->cpuid, MINIVMX_MAX_CPUID, id, vm->has_apics);
	if (WARN_ON_ONCE(vcpu->nr_cpuid > MINIVMX_MAX_CPUID)) {
		ret = -ENOSPC;
		goto free;
	}
	reset_state(vcpu);
	apicv_init(vcpu);
	ret = vcpu_load(vcpu);
	if (ret)
		goto free;
	vmcs_init(vcpu);
	vcpu_put(vcpu);
	vcpu->run->regs = vcpu->regs.r;
	return vcpu;

free:
	vcpu_free(vcpu);
	return ERR_PTR(ret);
}

void vcpu_free(struct vcpu *vcpu)
{
	apic_free(vcpu);
	mitigate_forget(vcpu);
	hw_vmcs_release(&vcpu->vmcs);
	vmcs_free(&vcpu->vmcs);
	mmio_free(vcpu);
	fpu_free(vcpu);
	ept_cache_free(&vcpu->ept_cache);
	ring_exit(vcpu);
	pml_free(vcpu);
	kfree(vcpu->cpuid);
	vcpu_page_free(vcpu->stats);
	vcpu_page_free(vcpu->msr_bitmap);
	vcpu_page_free(vcpu->run);
	kfree(vcpu);
	stat_dec(STAT_VCPUS);
}

/* ---------------------------------------------------------------------- */
/* Whose turn it is                                                        */
/* ---------------------------------------------------------------------- */

/* From a RUN, which has it. 0 or -EINTR. */
static int lock_lent(struct vcpu *vcpu)
{
	int ret;

	atomic_inc(&vcpu->borrowers);
	vcpu_request(vcpu, REQ_LEND);
	/* Its holder may be in a suspend, which must not wait for this. */
	ret = wait_event_state(vcpu->unlocked, mutex_trylock(&vcpu->mutex),
			       (TASK_KILLABLE | TASK_FREEZABLE_UNSAFE));
	atomic_dec(&vcpu->borrowers);
	if (ret)
		wake_up_all(&vcpu->unlocked);	/* the lender waits for one less */
	return ret ? -EINTR : 0;
}

int vcpu_lock(struct vcpu *vcpu)
{
	if (unlikely(!mutex_trylock(&vcpu->mutex))) {
		int ret = lock_lent(vcpu);

		if (ret)
			return ret;
	}
	/* Whatever is changed now, the next entry looks what it has to deliver. */
	vcpu->events_waiting = true;
	return 0;
}

void vcpu_unlock(struct vcpu *vcpu)
{
	mutex_unlock(&vcpu->mutex);
	if (unlikely(wq_has_sleeper(&vcpu->unlocked)))
		wake_up_all(&vcpu->unlocked);
}

/* Behind all who wait. They hold it for a bounded time: see vcpu->mutex. */
static void lock_again(struct vcpu *vcpu)
{
	wait_event_state(vcpu->unlocked,
			 !atomic_read(&vcpu->borrowers) && mutex_trylock(&vcpu->mutex),
			 (TASK_UNINTERRUPTIBLE | TASK_FREEZABLE_UNSAFE));
}

bool vcpu_lock_for_run(struct vcpu *vcpu)
{
	if (test_and_set_bit_lock(0, &vcpu->running))
		return false;
	if (unlikely(!mutex_trylock(&vcpu->mutex)))
		lock_again(vcpu);
	return true;
}

void vcpu_unlock_after_run(struct vcpu *vcpu)
{
	clear_bit_unlock(0, &vcpu->running);
	vcpu_unlock(vcpu);
}

void vcpu_lend(struct vcpu *vcpu)
{
	/* Whoever sets it from here on has counted itself before. */
	clear_bit(REQ_LEND, &vcpu->requests);
	vcpu_unlock(vcpu);
	lock_again(vcpu);
}

/* ---------------------------------------------------------------------- */
/* Its VMCS on this CPU                                                    */
/* ---------------------------------------------------------------------- */

int vcpu_load_here(struct vcpu *vcpu)
{
	bool moved;
	int ret = hw_vmcs_load(vcpu, &moved);

	if (ret || !moved)
		return ret;
	/* The VMCS was cleared on the way: VMLAUNCH, and another CPU's host. */
	vmcs_init_host_cpu();
	/* What this CPU cached for the guest when it last ran here is stale. */
	if (vmx_invvpid(vcpu->vpid) != VMX_OK)
		vm_kill(vcpu->vm, "INVVPID failed");
	return 0;
}

int vcpu_load(struct vcpu *vcpu)
{
	int ret;

	do {
		preempt_disable();
		hw_vmcs_claim(vcpu);
		local_irq_disable();
		ret = vcpu_load_here(vcpu);
		if (!ret)
			return 0;
		local_irq_enable();
		preempt_enable();
		if (ret == -EAGAIN)
			ret = hw_wait(vcpu);
	} while (!ret);
	return ret;
}

void vcpu_put(struct vcpu *vcpu)
{
	hw_vmcs_put();
	local_irq_enable();
	preempt_enable();
}

int vcpu_borrow(struct vcpu *vcpu)
{
	int ret = vcpu_lock(vcpu);

	if (ret)
		return ret;
	ret = vcpu_load(vcpu);
	if (ret)
		vcpu_unlock(vcpu);
	return ret;
}

void vcpu_return(struct vcpu *vcpu)
{
	vcpu_put(vcpu);
	vcpu_unlock(vcpu);
}

void vcpu_request(struct vcpu *vcpu, enum vcpu_request request)
{
	set_bit(request, &vcpu->requests);
	/* Pairs with the barrier in run_once(): see the new state or be seen. */
	smp_mb__after_atomic();
	/* The same barrier does for this: apic_sleep() looks at @requests once more. */
	if (unlikely(waitqueue_active(&vcpu->wakeup)))
		wake_up(&vcpu->wakeup);
	if (!READ_ONCE(vcpu->in_guest))
		return;
	/*
	 * Asynchronous, because a failed VMREAD gets here with interrupts off.
	 * It refuses while the last one is on its way, which is as good.
	 */
	preempt_disable();
	if (READ_ONCE(vcpu->run_cpu) != smp_processor_id())
		smp_call_function_single_async(READ_ONCE(vcpu->run_cpu), &vcpu->kick);
	preempt_enable();
}
