/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Local APICs of a VM that was made with MINIVMX_VM_APIC: what lapic.c does not know,
 * which is vCPUs, time, and each other.
 *
 * An interrupt for a vCPU is posted by any thread, in any context, and its own thread
 * takes it into the registers. Unless it is said otherwise, functions are called with
 * the vCPU's mutex held, and only if vcpu->apic is not NULL.
 */
#ifndef MINIVMX_APIC_H
#define MINIVMX_APIC_H

#include <linux/bitmap.h>
#include <linux/hrtimer.h>
#include <linux/types.h>

#include "lapic.h"
#include "vcpu.h"

struct minivmx_apic;
struct minivmx_msi;

/* apic->arrived: bit numbers. */
enum apic_arrival {
	APIC_TIMER,	/* look whether the timer has ended */
	APIC_NMI,
	APIC_INIT,
	APIC_SIPI,
	APIC_ILLEGAL,	/* a message with an illegal vector */
};

/**
 * struct apic - the local APIC of a vCPU
 * @lapic: its registers; others read @base, the ids, LDR and DFR of it, and TPR, to
 *	   find whom a message is for
 * @activity: MINIVMX_ACTIVITY_*
 * @deadline: host TSC at which IA32_TSC_DEADLINE is reached
 * @away: counted in vm->apics_away
 * @changed: @lapic was, and apicv_sync() has not told the CPU yet
 * @tpr_threshold: as the VMCS has it
 * @eoi_exits: EOI-exit bitmaps, likewise
 * @timer: posts APIC_TIMER
 * @vcpu: whose it is
 * @posted: vectors on their way here, any context
 * @posted_level: those of them that are level-triggered, likewise
 * @arrived: BIT(APIC_*), likewise
 * @sipi: vector of the last SIPI, likewise
 */
struct apic {
	struct lapic lapic;
	u32 activity;
	u64 deadline;
	bool away;
	bool changed;
	u32 tpr_threshold;
	u64 eoi_exits[4];
	struct hrtimer timer;
	struct vcpu *vcpu;

	DECLARE_BITMAP(posted, 256);
	DECLARE_BITMAP(posted_level, 256);
	unsigned long arrived;
	u8 sipi;
};

/* A pair, for any VM. */
int apic_alloc(struct vcpu *vcpu);
void apic_free(struct vcpu *vcpu);

/* Send it to whomever it is for. @from is NULL for an MSI. Any context, no mutex. */
void apic_send(struct vm *vm, struct vcpu *from, const struct lapic_message *message);
/* Is that where messages are sent? */
bool apic_is_msi_address(u64 address);
/* MINIVMX_SIGNAL_MSI. No mutex. */
int apic_signal_msi(struct vm *vm, const struct minivmx_msi *msi);

/* Take what was posted into the registers, after REQ_APIC. */
void apic_take_posted(struct vcpu *vcpu);
/*
 * Do what INIT and SIPI ask for, after REQ_INIT: 0, or why the VMCS could not be
 * loaded, see vcpu_load(); then nothing was done. May sleep.
 */
int apic_take_init(struct vcpu *vcpu);
/*
 * Before an entry, if there is a vcpu->timer_at: have the CPU leave the guest then, or take the
 * timer's end, which has come. VMCS loaded, interrupts off.
 */
void apic_timer_enter(struct vcpu *vcpu);
/* The exits of the VMX-preemption timer have become the program's, or are no more. */
void apic_timer_routed(struct vcpu *vcpu);
/* Does it execute, or is there something that makes it? All copies cached. */
bool apic_runs(struct vcpu *vcpu);
/* Sleep until there may be such a thing, or another request, or a signal. */
void apic_sleep(struct vcpu *vcpu);

/* Is @gpa in the page in which the APIC's registers are now? */
static inline bool apic_is_at(const struct vcpu *vcpu, u64 gpa)
{
	const struct lapic *lapic = vcpu->apic ? &vcpu->apic->lapic : NULL;

	return lapic && (gpa & PAGE_MASK) == lapic_address(lapic) && lapic_enabled(lapic) &&
	       !lapic_x2apic(lapic);
}

/* An access there. */
void apic_mmio(struct vcpu *vcpu, u64 gpa, void *data, unsigned int size, bool write);
/* The guest has written to the register at @offset, and it is in the page. */
void apic_written(struct vcpu *vcpu, u32 offset);

/* The MSRs of x2APIC mode. */
#define APIC_MSR_FIRST		0x800
#define APIC_MSR_LAST		0x8ff
#define NR_APIC_MSRS		(APIC_MSR_LAST - APIC_MSR_FIRST + 1)

static inline bool apic_msr_is_register(u32 index)
{
	return index >= APIC_MSR_FIRST && index <= APIC_MSR_LAST;
}

/* 16 bytes of the page are one MSR. */
static inline u32 apic_msr_offset(u32 index)
{
	return (index - APIC_MSR_FIRST) << 4;
}

/* Those, IA32_APIC_BASE and IA32_TSC_DEADLINE: 0, or -EINVAL for #GP. */
int apic_read_msr(struct vcpu *vcpu, u32 index, u64 *value);
int apic_write_msr(struct vcpu *vcpu, u32 index, u64 value);
int apic_write_base(struct vcpu *vcpu, u64 value);
int apic_write_deadline(struct vcpu *vcpu, u64 value);
/* The guest's TSC goes by another offset. VMCS loaded. */
void apic_tsc_moved(struct vcpu *vcpu);

/* The CPU has ended that interrupt: tell the I/O APIC. Interrupts may be off. */
void apic_eoi(struct vcpu *vcpu, u8 vector);

/* Is there an interrupt that the priorities let through? Also without an APIC. */
static inline bool apic_pending(struct vcpu *vcpu)
{
	return vcpu->apic && lapic_pending(&vcpu->apic->lapic) >= 0;
}

/* The state for ioctls. */
int apic_get(struct vcpu *vcpu, struct minivmx_apic *arg);
int apic_set(struct vcpu *vcpu, const struct minivmx_apic *arg);

#endif /* MINIVMX_APIC_H */
