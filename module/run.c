// SPDX-License-Identifier: GPL-2.0
/*
 * The run loop: the way of one exit, in one straight line.
 *
 *   vcpu_run()			MINIVMX_RUN: page in, loop, page out
 *     run_loop()		signals, rescheduling, exits that sleep
 *       run_loaded()		guest state in the CPU, preemption off
 *         run_window()		VMCS current, interrupts off
 *           run_once()		one entry, one exit
 */
#include <linux/interrupt.h>
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/thread_info.h>
#include <asm/msr.h>
#include <asm/vmx.h>

#include "apic.h"
#include "apicv.h"
#include "ctls.h"
#include "dirty.h"
#include "exit.h"
#include "host.h"
#include "host_check.h"
#include "hw.h"
#include "inject.h"
#include "mitigate.h"
#include "pvclock.h"
#include "ring.h"
#include "vcpu.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

/* In enter.S. */
enum vmx_result vmx_enter(struct guest_regs *regs, bool launched);

/* The thread has something to do that comes before the guest. */
#define HOST_WORK	(_TIF_NEED_RESCHED | _TIF_SIGPENDING | \
			 _TIF_NOTIFY_SIGNAL | _TIF_NOTIFY_RESUME)

static bool host_work_pending(void)
{
	return read_thread_flags() & HOST_WORK;
}

/* ---------------------------------------------------------------------- */
/* One entry and one exit: interrupts off, VMCS current                    */
/* ---------------------------------------------------------------------- */

static noinline void write_rarely_dirty(struct vcpu *vcpu)
{
	if (vcpu->dirty & DIRTY_CPU2)
		vmwrite(VMCS_SECONDARY_CONTROLS, vcpu->cpu2_ctls);
	if (vcpu->dirty & DIRTY_PML_INDEX)
		pml_vmcs_restart();
	if (vcpu->dirty & DIRTY_TIMER)
		vmcs_set_timer(vcpu, S64_MAX);
}

static __always_inline void write_dirty(struct vcpu *vcpu)
{
	if (vcpu->dirty & DIRTY_RIP)
		vmwrite(VMCS_GUEST_RIP, vcpu->regs.r.rip);
	if (likely(!(vcpu->dirty & ~(u64)DIRTY_RIP))) {
		vcpu->dirty = 0;
		return;
	}
	if (vcpu->dirty & DIRTY_RSP)
		vmwrite(VMCS_GUEST_RSP, vcpu->regs.r.rsp);
	if (vcpu->dirty & DIRTY_RFLAGS)
		vmwrite(VMCS_GUEST_RFLAGS, vcpu->regs.r.rflags);
	if (vcpu->dirty & DIRTY_INTERRUPTIBILITY)
		vmwrite(VMCS_GUEST_INTERRUPTIBILITY, vcpu->interruptibility);
	if (vcpu->dirty & DIRTY_DEBUG) {
		vmwrite(VMCS_GUEST_DR7, vcpu->dr7);
		vmwrite(VMCS_GUEST_IA32_DEBUGCTL, vcpu->debugctl);
	}
	if (unlikely(vcpu->dirty & (DIRTY_CPU2 | DIRTY_PML_INDEX | DIRTY_TIMER)))
		write_rarely_dirty(vcpu);
	vcpu->dirty = 0;
}

void vcpu_write_dirty(struct vcpu *vcpu)
{
	write_dirty(vcpu);
}

void vcpu_cache_all(struct vcpu *vcpu)
{
	vcpu_gpr(vcpu, GPR_RSP);
	vcpu_rflags(vcpu);
	vcpu_interruptibility(vcpu);
}

static void snapshot_rare(struct minivmx_vmexit *e, u32 flags)
{
	if (flags & EXIT_GPA)
		e->gpa = vmread(VMCS_GUEST_PHYSICAL_ADDRESS);
	if (flags & EXIT_GLA)
		e->gla = vmread(VMCS_GUEST_LINEAR_ADDRESS);
	if (flags & EXIT_INTR) {
		e->intr_info = vmread(VMCS_EXIT_INTR_INFO);
		if (e->intr_info & INTR_INFO_DELIVER_CODE_MASK)
			e->intr_error = vmread(VMCS_EXIT_INTR_ERROR);
	}
	if (flags & EXIT_INSN_INFO)
		e->insn_info = vmread(VMCS_EXIT_INSN_INFO);
	if ((flags & EXIT_STRING) && (e->qualification & IO_STRING)) {
		e->gla = vmread(VMCS_GUEST_LINEAR_ADDRESS);
		e->insn_info = vmread(VMCS_EXIT_INSN_INFO);
	}
	if (flags & EXIT_IDT) {
		e->idt_info = vmread(VMCS_IDT_VECTORING_INFO);
		if (e->idt_info & INTR_INFO_DELIVER_CODE_MASK)
			e->idt_error = vmread(VMCS_IDT_VECTORING_ERROR);
	}
}

/* All that this exit's reason defines, read once; the rest is zero. */
static __always_inline void exit_snapshot(struct vcpu *vcpu)
{
	u32 reason = vmread(VMCS_EXIT_REASON);
	u32 index = exit_index((u16)reason);
	const struct exit_row *row = exit_row(index);
	struct minivmx_vmexit *e = &vcpu->exit;
	u32 flags = row->flags;

	/* One by one: of a structure the compiler makes a REP STOS, which takes twice as many. */
	e->reason = reason;
	e->insn_len = flags & EXIT_INSN_LEN ? vmread(VMCS_EXIT_INSN_LEN) : 0;
	e->qualification = flags & EXIT_QUALIFICATION ? vmread(VMCS_EXIT_QUALIFICATION) : 0;
	e->gpa = 0;
	e->gla = 0;
	e->intr_info = 0;
	e->intr_error = 0;
	e->idt_info = 0;
	e->idt_error = 0;
	e->insn_info = 0;
	e->interruptibility = 0;
	vcpu->exit_row = row;
	vcpu->exit_reason = index;
	vcpu->regs.r.rip = vmread(VMCS_GUEST_RIP);
	if (flags & EXIT_RARE)
		snapshot_rare(e, flags);
}

static void count_exit(struct vcpu *vcpu)
{
	vcpu->stats[vcpu->exit_reason].count++;
	if (likely(!vcpu->timed))
		return;
	vcpu->exit_tsc = rdtsc();
	if (vcpu->ring)
		ring_record_exit(vcpu, vcpu->exit_tsc);
}

/* The host's part of the last exit ends here. */
static void count_entry(struct vcpu *vcpu)
{
	struct minivmx_exit_stat *stat = &vcpu->stats[vcpu->exit_reason];
	u64 now, ticks;

	if (likely(!vcpu->exit_tsc))
		return;
	now = rdtsc();
	if (vcpu->stat_ticks) {
		ticks = now - vcpu->exit_tsc;
		stat->ticks += ticks;
		stat->worst = max(stat->worst, ticks);
	}
	if (vcpu->ring)
		ring_record_entry(vcpu, now);
	vcpu->exit_tsc = 0;
}

static enum run_action entry_refused(struct vcpu *vcpu, enum vmx_result result)
{
	/* The guest did not run: an event that was written waits in @event. */
	vmwrite(VMCS_VM_ENTRY_INTR_INFO, 0);
	memset(&vcpu->exit, 0, sizeof(vcpu->exit));
	if (result != VMX_FAIL_VALID) {
		pr_err_ratelimited("VM entry: %s\n", vmx_result_name(result));
		vm_kill(vcpu->vm, "VMX was taken away");
		return RUN_IRQS;
	}
	vcpu->kind = MINIVMX_EXIT_ENTRY_FAIL;
	vcpu->data.entry = (struct minivmx_entry_fail) {
		.vm_instruction_error = vmread(VMCS_VM_INSTRUCTION_ERROR),
	};
	return RUN_TO_USER;
}

static enum run_action handle_exit(struct vcpu *vcpu)
{
	const struct exit_row *row = vcpu->exit_row;

	if (unlikely(vcpu->routes[vcpu->exit_reason]))
		return exit_routed(vcpu);
	return row->flags & EXIT_SLEEP ? RUN_SLEEP : row->handler(vcpu);
}

/* Forget translations that were removed since this CPU last did so. */
static void flush_ept(struct vcpu *vcpu)
{
	struct ept *ept = &vcpu->vm->ept;
	u64 *seen = &ept->seen[vcpu->run_cpu];
	u64 gen = atomic64_read(&ept->gen);

	if (likely(*seen == gen))
		return;
	*seen = gen;
	if (vmx_invept(ept->eptp) == VMX_OK)
		trace_minivmx_invept(ept->eptp);
	else
		vm_kill(vcpu->vm, "INVEPT failed");
}

/* Something comes before the entry; if it is an interrupt alone, it does not take long. */
static enum run_action entry_put_off(struct vcpu *vcpu)
{
	if (READ_ONCE(vcpu->requests) != BIT(REQ_APIC) || host_work_pending())
		return RUN_IRQS;
	apic_take_posted(vcpu);
	return RUN_RESUME;
}

#ifdef MEASURE_FLOOR
/*
 * For testbed/floor: what a CPUID costs that is entered again as it is, with nothing but the
 * general registers taken to the guest and back. RIP is still in front of it.
 */
static void measure_floor(struct vcpu *vcpu)
{
	const int entries = 1000;
	u64 start = rdtsc();
	int i;

	for (i = 0; i < entries; i++)
		vmx_enter(&vcpu->regs, true);
	pr_info_once("floor: %llu ticks for %d entries and exits\n", rdtsc() - start, entries);
}
#else
static void measure_floor(struct vcpu *vcpu)
{
}
#endif

static enum run_action run_once(struct vcpu *vcpu)
{
	enum vmx_result result;

	/*
	 * Publish, then look: whoever set a request or removed a mapping
	 * before this is seen below, and who does so later sees in_guest and
	 * sends an IPI, which ends the guest's run at once.
	 */
	smp_store_mb(vcpu->in_guest, true);
	flush_ept(vcpu);
	if (unlikely(READ_ONCE(vcpu->requests) || host_work_pending())) {
		WRITE_ONCE(vcpu->in_guest, false);
		return entry_put_off(vcpu);
	}
	if (vcpu->timer_at != TIMER_NONE)
		apic_timer_enter(vcpu);
	if (unlikely(vcpu->events_waiting))
		inject_events(vcpu);
	if (vcpu->dirty)
		write_dirty(vcpu);
	count_entry(vcpu);
	trace_minivmx_entry(vcpu->id, vcpu->regs.r.rip);

	host_check_before(HOST_CHECK_EXIT);
	guest_enter(vcpu);
	mitigate_entry(vcpu);
	result = vmx_enter(&vcpu->regs, vcpu->vmcs.launched);
	guest_exit(vcpu);
	host_check_after(vcpu, HOST_CHECK_EXIT);
	WRITE_ONCE(vcpu->in_guest, false);

	if (unlikely(result != VMX_OK))
		return entry_refused(vcpu, result);
	vcpu->cached = 0;
	exit_snapshot(vcpu);
	count_exit(vcpu);
	trace_minivmx_exit(vcpu->id, &vcpu->exit, vcpu->regs.r.rip);
	if (likely(!(vcpu->exit.reason & VMX_EXIT_REASONS_FAILED_VMENTRY))) {
		vcpu->vmcs.launched = true;
		if (unlikely(vcpu->events_waiting || vcpu->exit.idt_info))
			inject_exited(vcpu, vcpu->exit.idt_info, vcpu->exit.idt_error,
				      vcpu->exit.insn_len);
	} else {
		/* As in entry_refused(); and a VMLAUNCH launched nothing. */
		vmwrite(VMCS_VM_ENTRY_INTR_INFO, 0);
	}
	if (vcpu->exit_reason == EXIT_REASON_CPUID)
		measure_floor(vcpu);
	return handle_exit(vcpu);
}

/* ---------------------------------------------------------------------- */
/* A series of them                                                        */
/* ---------------------------------------------------------------------- */

/*
 * A pending interrupt ends the guest's run, so that interrupts off for many
 * exits in a row is no loss; but see WATCHDOG_MS in vmcs_init.c.
 */
#define EXITS_PER_WINDOW	64

/* 0, or what kept the VMCS from being loaded; then nothing ran. */
static int run_window(struct vcpu *vcpu, enum run_action *action)
{
	int ret, n = EXITS_PER_WINDOW;

	local_irq_disable();
	ret = vcpu_load_here(vcpu);
	if (!ret) {
		guest_window(vcpu);
		mitigate_window(vcpu);
		do {
			*action = run_once(vcpu);
		} while (*action == RUN_RESUME && --n);
		/* What goes on without the VMCS needs all copies. */
		vcpu_cache_all(vcpu);
		hw_vmcs_put();
	}
	/* An interrupt that ended the guest's run is delivered here. */
	local_irq_enable();
	return ret;
}

static int run_loaded(struct vcpu *vcpu, enum run_action *action)
{
	int ret;

	preempt_disable();
	vcpu->run_cpu = smp_processor_id();
	hw_vmcs_claim(vcpu);
	host_check_before(HOST_CHECK_SERIES);
	guest_load(vcpu);
	mitigate_load(vcpu);
	do {
		ret = run_window(vcpu, action);
	} while (!ret && (*action == RUN_IRQS || *action == RUN_RESUME) &&
		 !(READ_ONCE(vcpu->requests) & ~BIT(REQ_APIC)) && !host_work_pending() &&
		 !local_softirq_pending());
	mitigate_put(vcpu);
	guest_put(vcpu);
	host_check_after(vcpu, HOST_CHECK_SERIES);
	preempt_enable();
	return ret;
}

/* Finish a RUN that has nothing to report but that it was interrupted. */
static void run_interrupted(struct vcpu *vcpu, u32 kind)
{
	vcpu->kind = kind;
	memset(&vcpu->exit, 0, sizeof(vcpu->exit));
}

/* May the guest be entered? If not, the top of run_loop() looks why; or *ret says. */
static bool run_apic(struct vcpu *vcpu, int *ret)
{
	*ret = 0;
	if (READ_ONCE(vcpu->requests) & BIT(REQ_APIC))
		apic_take_posted(vcpu);
	if (READ_ONCE(vcpu->requests) & BIT(REQ_INIT))
		*ret = apic_take_init(vcpu);
	if (*ret)
		return false;
	if (apic_runs(vcpu))
		return true;
	apic_sleep(vcpu);
	return false;
}

/* Requests for what only the vCPU's own thread does, between entries, and may sleep for. */
static const struct {
	enum vcpu_request request;
	void (*serve)(struct vcpu *vcpu);
} served[] = {
	{ REQ_PML, pml_switch },
	{ REQ_APIC_PAGE, apicv_page_follow },
	{ REQ_PVCLOCK, pvclock_publish },
};

#define SERVED	(BIT(REQ_PML) | BIT(REQ_APIC_PAGE) | BIT(REQ_PVCLOCK))

static void serve_requests(struct vcpu *vcpu)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(served); i++)
		if (test_and_clear_bit(served[i].request, &vcpu->requests))
			served[i].serve(vcpu);
}

static int run_loop(struct vcpu *vcpu, enum run_action action)
{
	unsigned long requests;
	int ret;

	while (action != RUN_TO_USER) {
		requests = READ_ONCE(vcpu->requests);
		if (requests & BIT(REQ_DEAD)) {
			run_interrupted(vcpu, MINIVMX_EXIT_DEAD);
			return 0;
		}
		if (signal_pending(current)) {
			run_interrupted(vcpu, MINIVMX_EXIT_INTR);
			return -EINTR;
		}
		if (requests & BIT(REQ_KICK))
			clear_bit(REQ_KICK, &vcpu->requests);
		/* Task work is done on the way to userspace, and only there. */
		if ((requests & BIT(REQ_KICK)) || test_thread_flag(TIF_NOTIFY_RESUME)) {
			run_interrupted(vcpu, MINIVMX_EXIT_INTR);
			return 0;
		}
		if (unlikely(requests & BIT(REQ_LEND)))
			vcpu_lend(vcpu);
		if (unlikely(requests & SERVED))
			serve_requests(vcpu);
		if (unlikely(requests & BIT(REQ_EOI)) &&
		    test_and_clear_bit(REQ_EOI, &vcpu->requests)) {
			run_interrupted(vcpu, MINIVMX_EXIT_EOI);
			vcpu->data.eoi = (struct minivmx_eoi) { vcpu->apic->lapic.eoi };
			return 0;
		}
		cond_resched();
		if (vcpu->apic && !run_apic(vcpu, &ret)) {
			if (ret != -ENODEV)
				continue;
			run_interrupted(vcpu, MINIVMX_EXIT_INTR);
			return ret;
		}

		ret = run_loaded(vcpu, &action);
		if (ret == -ENODEV) {
			run_interrupted(vcpu, MINIVMX_EXIT_INTR);
			return ret;
		}
		if (ret == -EAGAIN)
			hw_wait(vcpu);
		if (ret)
			continue;	/* if killed or dead, the top says so */
		if (action == RUN_SLEEP) {
			if (unlikely(vcpu->ring))
				ring_record_handler(vcpu, MINIVMX_HANDLED_SLEEPING);
			vcpu->may_sleep = true;
			action = vcpu->exit_row->handler(vcpu);
			vcpu->may_sleep = false;
		}
		if (action == RUN_TO_USER) {
			if (unlikely(vcpu->ring))
				ring_record_handler(vcpu, MINIVMX_HANDLED_BY_USER);
			vcpu->stats[vcpu->exit_reason].to_user++;
		}
	}
	return 0;
}

/* ---------------------------------------------------------------------- */
/* The run page                                                            */
/* ---------------------------------------------------------------------- */

/* From the page itself, once, as all of it. */
static void take_regs(struct vcpu *vcpu)
{
	struct minivmx_regs *r = &vcpu->regs.r;
	const u64 rip = r->rip, rsp = r->rsp, rflags = r->rflags;

	memcpy(r, &vcpu->run->regs, sizeof(*r));
	barrier();
	if (r->rip != rip)
		vcpu->dirty |= DIRTY_RIP;
	if (r->rsp != rsp)
		vcpu->dirty |= DIRTY_RSP;
	if (r->rflags != rflags)
		vcpu->dirty |= DIRTY_RFLAGS;
}

/* What of the run page comes in besides. */
struct run_in {
	u32 action;
	u32 request;
	struct minivmx_event event;
};

static_assert(sizeof(struct run_in) == offsetof(struct minivmx_run, regs));

/* One access has its data in the first eight bytes, which is a move and no call. */
static void copy_io_data(struct minivmx_io *to, const u8 *from, const struct minivmx_io *io)
{
	if (likely(io->count == 1))
		memcpy(to->data, from, sizeof(u64));
	else
		memcpy(to->data, from, io->size * io->count);
}

/* The data that userspace provides for a read it is asked to do. */
static void take_data(struct vcpu *vcpu)
{
	struct minivmx_io *io = &vcpu->data.io;

	if (vcpu->pending == PENDING_IO && io->is_in)
		copy_io_data(io, vcpu->run->io.data, io);
	if (vcpu->pending == PENDING_MMIO && !vcpu->data.mmio.is_write)
		vcpu->data.mmio.data = READ_ONCE(vcpu->run->mmio.data);
}

static enum run_action finish_pending(struct vcpu *vcpu, u32 action)
{
	enum vcpu_pending pending = vcpu->pending;

	vcpu->pending = PENDING_NONE;
	if (action == MINIVMX_RETRY)
		return RUN_RESUME;
	switch (pending) {
	case PENDING_IO:
		return io_complete(vcpu);
	case PENDING_MMIO:
		return mmio_complete(vcpu);
	default:
		break;
	}
	vcpu_skip(vcpu);
	if (pending == PENDING_HLT && vcpu->apic)
		vcpu->apic->activity = MINIVMX_ACTIVITY_HALTED;
	return RUN_RESUME;
}

/* The instruction that exited is not finished: nothing follows a shutdown. */
static enum run_action shut_down(struct vcpu *vcpu)
{
	vcpu->pending = PENDING_NONE;
	run_interrupted(vcpu, MINIVMX_EXIT_SHUTDOWN);
	return RUN_TO_USER;
}

static void give_page(struct vcpu *vcpu)
{
	struct minivmx_run *run = vcpu->run;
	bool skip = vcpu->pending != PENDING_NONE;

	run->regs = vcpu->regs.r;
	run->event.flags = 0;
	run->kind = vcpu->kind;
	run->ready = inject_ready(vcpu, skip);
	run->exit = vcpu->exit;
	run->exit.interruptibility = vcpu->interruptibility;

	switch (vcpu->kind) {
	case MINIVMX_EXIT_IO:
		memcpy(&run->io, &vcpu->data.io, offsetof(struct minivmx_io, data));
		if (!vcpu->data.io.is_in)
			copy_io_data(&run->io, vcpu->data.io.data, &vcpu->data.io);
		break;
	case MINIVMX_EXIT_MMIO:
		run->mmio = vcpu->data.mmio;
		break;
	case MINIVMX_EXIT_ENTRY_FAIL:
		run->entry = vcpu->data.entry;
		break;
	case MINIVMX_EXIT_MEMORY:
		run->memory = vcpu->data.memory;
		break;
	case MINIVMX_EXIT_EMULATION:
		run->insn = vcpu->data.insn;
		break;
	case MINIVMX_EXIT_EOI:
		run->eoi = vcpu->data.eoi;
		break;
	}
}

static int run_locked(struct vcpu *vcpu)
{
	enum run_action action;
	struct run_in in;
	u32 windows;
	int ret = 0;

	if (!vcpu->run_mapped)
		return -ENXIO;
	/* Once: the program may change the page at any time. */
	memcpy(&in, vcpu->run, sizeof(in));
	barrier();

	if (in.action > MINIVMX_SKIP ||
	    (in.request & ~(MINIVMX_REQ_IRQ_WINDOW | MINIVMX_REQ_NMI_WINDOW |
			    MINIVMX_REQ_EXIT_NOW)))
		return -EINVAL;
	if (in.action == MINIVMX_SKIP && vcpu->pending == PENDING_NONE)
		return -EINVAL;
	if (unlikely(in.event.flags)) {
		ret = inject_user_event(vcpu, &in.event);
		if (ret < 0)
			return ret;
	}

	mitigate_run(vcpu);
	take_regs(vcpu);
	take_data(vcpu);
	windows = in.request & (MINIVMX_REQ_IRQ_WINDOW | MINIVMX_REQ_NMI_WINDOW);
	if (unlikely(windows | vcpu->windows))
		vcpu->events_waiting = true;
	vcpu->windows = windows;

	action = ret ? shut_down(vcpu) : finish_pending(vcpu, in.action);
	if (action != RUN_TO_USER && (in.request & MINIVMX_REQ_EXIT_NOW)) {
		run_interrupted(vcpu, MINIVMX_EXIT_INTR);
		action = RUN_TO_USER;
	}
	ret = run_loop(vcpu, action);
	give_page(vcpu);
	return ret;
}

int vcpu_run(struct vcpu *vcpu)
{
	int ret;

	if (!vcpu_lock_for_run(vcpu))
		return -EBUSY;
	ret = run_locked(vcpu);
	vcpu_unlock_after_run(vcpu);
	return ret;
}
