// SPDX-License-Identifier: GPL-2.0
/* Local APICs of a VM: see apic.h. */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/wait.h>
#include <asm/msr.h>
#include <asm/processor.h>
#include <asm/tsc.h>
#include <asm/vmx.h>

#include "apic.h"
#include "apicv.h"
#include "ctls.h"
#include "debugfs.h"
#include "inject.h"
#include "irqfd.h"
#include "vcpu.h"
#include "vm.h"
#include "vmcs.h"

/* ---------------------------------------------------------------------- */
/* The timer: ticks of its clock are those of the host's TSC               */
/* ---------------------------------------------------------------------- */

/* Longer waits are looked at again after this; it fits into ktime_t by far. */
#define LONGEST_WAIT_MS	(24 * 3600 * 1000ULL)

static u64 ticks_to_ns(u64 ticks)
{
	return mul_u64_u64_div_u64(min(ticks, LONGEST_WAIT_MS * tsc_khz), NSEC_PER_MSEC, tsc_khz);
}

/* When it ends, in ticks of the host's TSC; false if it does not run. */
static bool timer_end(const struct apic *apic, u64 *when)
{
	switch (lapic_timer_next(&apic->lapic, when)) {
	case LAPIC_TIMER_TICKS:
		return true;
	case LAPIC_TIMER_TSC:
		*when = apic->deadline;
		return true;
	default:
		return false;
	}
}

static void timer_start(struct apic *apic, u64 when)
{
	u64 now = rdtsc();

	hrtimer_start(&apic->timer, ns_to_ktime(when > now ? ticks_to_ns(when - now) : 0),
		      HRTIMER_MODE_REL);
}

static void timer_stop(struct apic *apic)
{
	/* One that ends now all the same finds nothing. */
	hrtimer_try_to_cancel(&apic->timer);
}

/*
 * The CPU's own timer spares the host an interrupt, and the work of setting one up. It counts
 * in the guest only: what ends while the thread is in userspace is found at the next entry,
 * and for a vCPU that sleeps there has to be a timer of the host's.
 */
static void timer_arm(struct apic *apic)
{
	/* Its exits may be the program's. */
	bool by_cpu = vmx_ctls.apic_timer &&
		      !apic->vcpu->routes[EXIT_REASON_PREEMPTION_TIMER];
	u64 when;

	if (apic->vcpu->timer_at != TIMER_NONE) {
		apic->vcpu->timer_at = TIMER_NONE;
		apic->vcpu->dirty |= DIRTY_TIMER;
	}
	if (by_cpu) {
		if (timer_end(apic, &when))
			apic->vcpu->timer_at = when;
	} else if (timer_end(apic, &when)) {
		timer_start(apic, when);
	} else {
		timer_stop(apic);
	}
}

void apic_timer_routed(struct vcpu *vcpu)
{
	timer_stop(vcpu->apic);
	timer_arm(vcpu->apic);
}

static enum hrtimer_restart timer_fires(struct hrtimer *timer)
{
	struct apic *apic = container_of(timer, struct apic, timer);

	set_bit(APIC_TIMER, &apic->arrived);
	vcpu_request(apic->vcpu, REQ_APIC);
	return HRTIMER_NORESTART;
}

void apic_tsc_moved(struct vcpu *vcpu)
{
	struct apic *apic = vcpu->apic;

	apic->deadline = apic->lapic.deadline - vmread(VMCS_TSC_OFFSET);
	timer_arm(apic);
}

/* ---------------------------------------------------------------------- */
/* Messages                                                                */
/* ---------------------------------------------------------------------- */

static void post_vector(struct apic *apic, u8 vector, bool level)
{
	if (vector < LAPIC_FIRST_VECTOR) {
		set_bit(APIC_ILLEGAL, &apic->arrived);
		return;
	}
	assign_bit(vector, apic->posted_level, level);
	/* Pairs with test_and_clear_bit() in apic_take_posted(). */
	smp_mb__before_atomic();
	set_bit(vector, apic->posted);
}

static void post(struct vcpu *vcpu, const struct lapic_message *message)
{
	struct apic *apic = vcpu->apic;

	switch ((enum lapic_mode)message->mode) {
	case LAPIC_FIXED:
	case LAPIC_LOWEST:
		post_vector(apic, message->vector, message->level);
		break;
	case LAPIC_NMI:
		set_bit(APIC_NMI, &apic->arrived);
		break;
	case LAPIC_INIT:
		clear_bit(APIC_SIPI, &apic->arrived);
		set_bit(APIC_INIT, &apic->arrived);
		break;
	case LAPIC_SIPI:
		WRITE_ONCE(apic->sipi, message->vector);
		/* Pairs with test_and_clear_bit() in apic_take_init(). */
		smp_mb__before_atomic();
		set_bit(APIC_SIPI, &apic->arrived);
		break;
	default:	/* an SMI: there is no SMM; or no message */
		return;
	}
	vcpu_request(vcpu, REQ_APIC);
}

void apic_send(struct vm *vm, struct vcpu *from, const struct lapic_message *message)
{
	const struct lapic *sender = from ? &from->apic->lapic : NULL;
	struct vcpu *best = NULL;
	int i;

	for (i = 0; i < MINIVMX_MAX_VCPUS; i++) {
		/* Pairs with the release in ioctl.c. */
		struct vcpu *vcpu = smp_load_acquire(&vm->vcpus[i]);

		if (!vcpu || !lapic_matches(&vcpu->apic->lapic, sender, message))
			continue;
		if (message->mode != LAPIC_LOWEST)
			post(vcpu, message);
		else if (!best || lapic_ppr(&vcpu->apic->lapic) < lapic_ppr(&best->apic->lapic))
			best = vcpu;
	}
	if (best)
		post(best, message);
}

/* The interrupt window of the platform: "Message Address Register Format". */
#define MSI_ADDRESS	0xfee00000ULL

bool apic_is_msi_address(u64 address)
{
	return (address & ~0xfffffULL) == MSI_ADDRESS;
}

int apic_signal_msi(struct vm *vm, const struct minivmx_msi *msi)
{
	struct lapic_message message;

	if (!vm->has_apics)
		return -ENODEV;
	if (msi->reserved || !apic_is_msi_address(msi->address))
		return -EINVAL;
	message = lapic_msi(msi->address, msi->data);
	apic_send(vm, NULL, &message);
	return 0;
}

/* ---------------------------------------------------------------------- */
/* What the registers ask for                                              */
/* ---------------------------------------------------------------------- */

void apic_eoi(struct vcpu *vcpu, u8 vector)
{
	vcpu->apic->lapic.eoi = vector;
	irqfd_eoi(vcpu->vm, vector);
	vcpu_request(vcpu, REQ_EOI);
}

static void do_todo(struct vcpu *vcpu, int todo)
{
	struct apic *apic = vcpu->apic;
	struct lapic_message message;

	if (todo & LAPIC_DO_IPI) {
		message = lapic_ipi(&apic->lapic);
		apic_send(vcpu->vm, vcpu, &message);
	}
	if (todo & LAPIC_DO_TIMER)
		timer_arm(apic);
	if (todo & LAPIC_DO_EOI)
		apic_eoi(vcpu, apic->lapic.eoi);
	if (todo & LAPIC_DO_NMI)
		vcpu->nmi_pending = true;
	if (todo & LAPIC_DO_INIT) {
		set_bit(APIC_INIT, &apic->arrived);
		vcpu_request(vcpu, REQ_INIT);
	}
	/* Priorities may have changed, and what waits with them. */
	apic->changed = true;
	inject_update(vcpu);
}

static int timer_todo(struct apic *apic)
{
	u64 now = rdtsc(), when;

	/* It was started anew, or stopped, after the hrtimer had ended. */
	if (!timer_end(apic, &when) || when > now)
		return LAPIC_DO_TIMER;
	return lapic_timer_ended(&apic->lapic, now);
}

void apic_timer_enter(struct vcpu *vcpu)
{
	struct apic *apic = vcpu->apic;
	u64 now = rdtsc();

	if (vcpu->timer_at <= now)
		do_todo(vcpu, timer_todo(apic));
	/* Never too soon, which would only be another exit. */
	if (vcpu->timer_at != TIMER_NONE)
		vmcs_set_timer(vcpu, vcpu->timer_at > now ? vcpu->timer_at - now : 0);
}

void apic_take_posted(struct vcpu *vcpu)
{
	struct apic *apic = vcpu->apic;
	unsigned int vector;
	int todo = 0;

	clear_bit(REQ_APIC, &vcpu->requests);
	/* What is posted from here on sets it again. */
	smp_mb__after_atomic();
	if (test_and_clear_bit(APIC_TIMER, &apic->arrived) || vcpu->timer_at <= rdtsc())
		todo |= timer_todo(apic);
	if (test_and_clear_bit(APIC_ILLEGAL, &apic->arrived))
		todo |= lapic_receive(&apic->lapic, 0, false);
	/* One that waits for a SIPI does not listen. */
	if (test_and_clear_bit(APIC_NMI, &apic->arrived) &&
	    apic->activity != MINIVMX_ACTIVITY_WAIT_FOR_SIPI)
		vcpu->nmi_pending = true;
	for_each_set_bit(vector, apic->posted, 256)
		if (test_and_clear_bit(vector, apic->posted))
			todo |= lapic_receive(&apic->lapic, vector,
					      test_bit(vector, apic->posted_level));
	if (READ_ONCE(apic->arrived) & (BIT(APIC_INIT) | BIT(APIC_SIPI)))
		vcpu_request(vcpu, REQ_INIT);
	do_todo(vcpu, todo);
}

/* "Processor State After Reset", the column of INIT. VMCS loaded. */
static void reset(struct vcpu *vcpu)
{
	struct apic *apic = vcpu->apic;

	vcpu_reset(vcpu);
	lapic_init(&apic->lapic);
	apic->activity = apic->lapic.base & LAPIC_BASE_BSP ? MINIVMX_ACTIVITY_RUNNING :
							     MINIVMX_ACTIVITY_WAIT_FOR_SIPI;
	do_todo(vcpu, LAPIC_DO_TIMER);
}

int apic_take_init(struct vcpu *vcpu)
{
	struct apic *apic = vcpu->apic;
	int ret = vcpu_load(vcpu);
	u8 vector;

	if (ret)
		return ret;
	clear_bit(REQ_INIT, &vcpu->requests);
	/* What arrives from here on sets it again. */
	smp_mb__after_atomic();
	if (test_and_clear_bit(APIC_INIT, &apic->arrived))
		reset(vcpu);
	if (test_and_clear_bit(APIC_SIPI, &apic->arrived) &&
	    apic->activity == MINIVMX_ACTIVITY_WAIT_FOR_SIPI) {
		vector = READ_ONCE(apic->sipi);
		vmwrite(VMCS_GUEST_CS_SELECTOR, vector << 8);
		vmwrite(VMCS_GUEST_CS_BASE, vector << 12);
		vcpu_set_rip(vcpu, 0);
		apic->activity = MINIVMX_ACTIVITY_RUNNING;
	}
	vcpu_put(vcpu);
	return 0;
}

bool apic_runs(struct vcpu *vcpu)
{
	struct apic *apic = vcpu->apic;

	if (apic->activity == MINIVMX_ACTIVITY_HALTED && inject_wakes(vcpu))
		apic->activity = MINIVMX_ACTIVITY_RUNNING;
	return apic->activity == MINIVMX_ACTIVITY_RUNNING;
}

void apic_sleep(struct vcpu *vcpu)
{
	struct apic *apic = vcpu->apic;

	if (vcpu->timer_at != TIMER_NONE)
		timer_start(apic, vcpu->timer_at);
	/* A suspend freezes it here, with the mutex held; see vcpu_lock(). */
	wait_event_state(vcpu->wakeup, READ_ONCE(vcpu->requests),
			 (TASK_INTERRUPTIBLE | TASK_FREEZABLE_UNSAFE));
	if (vcpu->timer_at != TIMER_NONE)
		timer_stop(apic);
}

/* ---------------------------------------------------------------------- */
/* Accesses of the guest                                                   */
/* ---------------------------------------------------------------------- */

/*
 * "Software must access registers with aligned 32-bit accesses". Smaller ones read and
 * write the bytes there, as they do where the CPU virtualizes them; larger ones read
 * the register, and write nothing.
 */
void apic_mmio(struct vcpu *vcpu, u64 gpa, void *data, unsigned int size, bool write)
{
	struct lapic *lapic = &vcpu->apic->lapic;
	u32 offset = offset_in_page(gpa), byte = offset & 3, value;
	int todo;

	if (write) {
		if (byte + size > 4)
			return;
		value = lapic->regs[offset / 4];
		memcpy((u8 *)&value + byte, data, size);
		do_todo(vcpu, lapic_write(lapic, offset & ~3, value, rdtsc()));
		return;
	}
	memset(data, 0, size);
	value = lapic_read(lapic, offset & ~3, rdtsc(), &todo);
	do_todo(vcpu, todo);
	value >>= byte * 8;
	memcpy(data, &value, min(size, 4 - byte));
}

void apic_written(struct vcpu *vcpu, u32 offset)
{
	struct lapic *lapic = &vcpu->apic->lapic;

	do_todo(vcpu, lapic_write(lapic, offset, lapic->regs[offset / 4], rdtsc()));
}

int apic_read_msr(struct vcpu *vcpu, u32 index, u64 *value)
{
	return lapic_read_msr(&vcpu->apic->lapic, apic_msr_offset(index), rdtsc(), value);
}

static unsigned int physical_bits(void)
{
	return min_t(u32, boot_cpu_data.x86_phys_bits, 48);
}

static int done(struct vcpu *vcpu, int todo)
{
	if (todo < 0)
		return todo;
	do_todo(vcpu, todo);
	return 0;
}

int apic_write_msr(struct vcpu *vcpu, u32 index, u64 value)
{
	return done(vcpu, lapic_write_msr(&vcpu->apic->lapic, apic_msr_offset(index), value,
					  rdtsc()));
}

int apic_write_base(struct vcpu *vcpu, u64 value)
{
	int todo = lapic_write_base(&vcpu->apic->lapic, value, physical_bits());

	if (todo >= 0)
		apicv_set_mode(vcpu);
	return done(vcpu, todo);
}

int apic_write_deadline(struct vcpu *vcpu, u64 value)
{
	int todo = lapic_write_deadline(&vcpu->apic->lapic, value);

	if (todo)
		apic_tsc_moved(vcpu);
	return 0;
}

/* ---------------------------------------------------------------------- */
/* ioctls                                                                  */
/* ---------------------------------------------------------------------- */

int apic_get(struct vcpu *vcpu, struct minivmx_apic *arg)
{
	struct apic *apic = vcpu->apic;
	u32 *regs;
	int ret;

	if (!apic)
		return -ENODEV;
	if (arg->reserved)
		return -EINVAL;
	regs = kzalloc(LAPIC_STATE_SIZE, GFP_KERNEL);
	if (!regs)
		return -ENOMEM;
	ret = vcpu_lock(vcpu);
	if (ret)
		goto free;
	/* As it is when all that was sent has arrived. */
	apic_take_posted(vcpu);
	if (READ_ONCE(vcpu->requests) & BIT(REQ_INIT))
		ret = apic_take_init(vcpu);
	if (!ret) {
		lapic_get_state(&apic->lapic, regs, rdtsc());
		arg->base = apic->lapic.base;
		arg->deadline = apic->lapic.deadline;
		arg->activity = apic->activity;
		arg->errors = apic->lapic.errors;
	}
	vcpu_unlock(vcpu);
	if (!ret && copy_to_user((void __user *)arg->regs, regs, LAPIC_STATE_SIZE))
		ret = -EFAULT;
free:
	kfree(regs);
	return ret;
}

static int set_state(struct vcpu *vcpu, const struct minivmx_apic *arg, const u32 *regs)
{
	struct apic *apic = vcpu->apic;
	int ret;

	ret = lapic_set_state(&apic->lapic, regs, arg->base, physical_bits(), rdtsc());
	if (ret)
		return ret;
	apic->lapic.errors = arg->errors;
	apic->activity = arg->activity;
	lapic_write_deadline(&apic->lapic, arg->deadline);
	/* What is under way does not belong to the new state. */
	bitmap_zero(apic->posted, 256);
	WRITE_ONCE(apic->arrived, 0);
	apic_tsc_moved(vcpu);
	apicv_set_mode(vcpu);
	apic->changed = true;
	inject_update(vcpu);
	return 0;
}

int apic_set(struct vcpu *vcpu, const struct minivmx_apic *arg)
{
	u32 *regs;
	int ret;

	if (!vcpu->apic)
		return -ENODEV;
	if (arg->reserved || arg->activity > MINIVMX_ACTIVITY_WAIT_FOR_SIPI || arg->errors > 0xff)
		return -EINVAL;
	regs = memdup_user((void __user *)arg->regs, LAPIC_STATE_SIZE);
	if (IS_ERR(regs))
		return PTR_ERR(regs);
	ret = vcpu_borrow(vcpu);
	if (!ret) {
		ret = set_state(vcpu, arg, regs);
		vcpu_return(vcpu);
	}
	kfree(regs);
	return ret;
}

/* ---------------------------------------------------------------------- */
/* Life                                                                    */
/* ---------------------------------------------------------------------- */

int apic_alloc(struct vcpu *vcpu)
{
	struct apic *apic;
	u32 *regs;

	if (!vcpu->vm->has_apics)
		return 0;
	apic = kzalloc(sizeof(*apic), GFP_KERNEL_ACCOUNT);
	regs = vcpu_page_alloc();
	if (!apic || !regs) {
		kfree(apic);
		vcpu_page_free(regs);
		return -ENOMEM;
	}
	lapic_reset(&apic->lapic, regs, vcpu->id, vcpu->id == 0);
	apic->activity = vcpu->id ? MINIVMX_ACTIVITY_WAIT_FOR_SIPI : MINIVMX_ACTIVITY_RUNNING;
	apic->vcpu = vcpu;
	hrtimer_setup(&apic->timer, timer_fires, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
	vcpu->apic = apic;
	return 0;
}

void apic_free(struct vcpu *vcpu)
{
	struct apic *apic = vcpu->apic;

	if (!apic)
		return;
	hrtimer_cancel(&apic->timer);
	vcpu_page_free(apic->lapic.regs);
	kfree(apic);
}
