/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The local APIC: its registers and what they do ("Advanced Programmable
 * Interrupt Controller (APIC)").
 *
 * Pure logic, built for the kernel and for userspace: what time it is the caller says,
 * and messages to others and the timer are the caller's. apic.c ties it to vCPUs.
 *
 * Registers are named by their offset in the xAPIC page, in x2APIC mode, too, where
 * the MSR is 800H + offset / 16.
 */
#ifndef MINIVMX_LAPIC_H
#define MINIVMX_LAPIC_H

#include "pure.h"

#define LAPIC_SIZE		0x1000	/* of the registers, in bytes */
#define LAPIC_STATE_SIZE	0x400	/* to behind the last of them */
#define LAPIC_FIRST_VECTOR	16	/* those below are illegal */

/* Offsets of registers. */
enum lapic_reg {
	LAPIC_ID = 0x20, LAPIC_VERSION = 0x30,
	LAPIC_TPR = 0x80, LAPIC_APR = 0x90, LAPIC_PPR = 0xa0, LAPIC_EOI = 0xb0,
	LAPIC_RRD = 0xc0, LAPIC_LDR = 0xd0, LAPIC_DFR = 0xe0, LAPIC_SVR = 0xf0,
	LAPIC_ISR = 0x100, LAPIC_TMR = 0x180, LAPIC_IRR = 0x200, LAPIC_ESR = 0x280,
	LAPIC_ICR = 0x300, LAPIC_ICR_HIGH = 0x310,
	LAPIC_LVT_TIMER = 0x320, LAPIC_LVT_THERMAL = 0x330, LAPIC_LVT_PERF = 0x340,
	LAPIC_LVT_LINT0 = 0x350, LAPIC_LVT_LINT1 = 0x360, LAPIC_LVT_ERROR = 0x370,
	LAPIC_TIMER_INITIAL = 0x380, LAPIC_TIMER_CURRENT = 0x390, LAPIC_TIMER_DIVIDE = 0x3e0,
	LAPIC_SELF_IPI = 0x3f0,
};

/* IA32_APIC_BASE. */
#define LAPIC_BASE_BSP		(1ULL << 8)
#define LAPIC_BASE_X2APIC	(1ULL << 10)
#define LAPIC_BASE_ENABLED	(1ULL << 11)
#define LAPIC_BASE_DEFAULT	0xfee00000ULL

/* LAPIC_ESR, "Error Status Register". */
#define LAPIC_ERROR_SEND_ILLEGAL	(1U << 5)
#define LAPIC_ERROR_RECEIVE_ILLEGAL	(1U << 6)
#define LAPIC_ERROR_REGISTER		(1U << 7)

/* Delivery modes, of LVTs and of messages. */
enum lapic_mode {
	LAPIC_FIXED, LAPIC_LOWEST, LAPIC_SMI, LAPIC_MODE_3, LAPIC_NMI, LAPIC_INIT,
	LAPIC_SIPI, LAPIC_EXTINT,
};

enum lapic_shorthand { LAPIC_TO_DEST, LAPIC_TO_SELF, LAPIC_TO_ALL, LAPIC_TO_OTHERS };

/**
 * struct lapic_message - an interrupt on its way to one or more local APICs
 * @mode: enum lapic_mode
 * @vector: of a fixed or lowest-priority interrupt or a SIPI
 * @level: level-triggered
 * @deassert: an INIT that is a level de-assert, which no CPU listens to any more
 * @logical: @dest is a logical destination
 * @wide: @dest has 32 bits, and no more a broadcast address of 8
 * @shorthand: enum lapic_shorthand
 * @dest: destination
 */
struct lapic_message {
	u8 mode;
	u8 vector;
	bool level;
	bool deassert;
	bool logical;
	bool wide;
	u8 shorthand;
	u32 dest;
};

/**
 * struct lapic - a local APIC
 * @regs: the registers, 32 bits at each offset; a page that VMX may use as the
 *	  virtual-APIC page
 * @id: initial APIC id, which is the x2APIC id
 * @base: IA32_APIC_BASE
 * @deadline: IA32_TSC_DEADLINE, 0 if that is not armed
 * @timer_mode: mode of the timer, and
 * @timer_shift: the logarithm of its divisor, both as it goes by: what the CPU has
 *		 written into @regs for a guest (APIC-register virtualization) counts
 *		 when lapic_write() hears of it
 * @began: of the time at which the timer had its initial count last, in ticks
 * @counting: the timer was started and, in one-shot mode, has not ended
 * @errors: LAPIC_ERROR_* since ESR was written last
 * @eoi: the vector of the last LAPIC_DO_EOI
 */
struct lapic {
	u32 *regs;
	u32 id;
	u64 base;
	u64 deadline;
	u32 timer_mode;
	u8 timer_shift;
	u64 began;
	bool counting;
	u32 errors;
	u8 eoi;
};

/* What is left to do after lapic_write() and the like, for the caller. */
#define LAPIC_DO_IPI	(1 << 0)	/* send what lapic_ipi() tells */
#define LAPIC_DO_TIMER	(1 << 1)	/* lapic_timer_next() has changed */
#define LAPIC_DO_EOI	(1 << 2)	/* tell the I/O APIC about the EOI of @eoi */
#define LAPIC_DO_NMI	(1 << 3)	/* an LVT asks for an NMI */
#define LAPIC_DO_SMI	(1 << 4)	/* or an SMI, */
#define LAPIC_DO_INIT	(1 << 5)	/* or an INIT */

/* The state after power-up. @regs is a zeroed page. */
void lapic_reset(struct lapic *apic, u32 *regs, u32 id, bool bsp);
/* INIT: as after power-up, but for the ids and IA32_APIC_BASE. */
void lapic_init(struct lapic *apic);

static inline bool lapic_enabled(const struct lapic *apic)
{
	return apic->base & LAPIC_BASE_ENABLED;
}

static inline bool lapic_x2apic(const struct lapic *apic)
{
	return lapic_enabled(apic) && (apic->base & LAPIC_BASE_X2APIC);
}

static inline u64 lapic_address(const struct lapic *apic)
{
	return apic->base & ~0xfffULL;
}

/*
 * Write IA32_APIC_BASE, of a CPU with so wide physical addresses: LAPIC_DO_*, or
 * -EINVAL for #GP.
 */
int lapic_write_base(struct lapic *apic, u64 value, unsigned int physical_bits);

/*
 * The registers in memory, by offset; @now is the time in ticks of the timer's clock.
 * Reads of what is no register are 0, and an error that the guest can ask for. The
 * write returns LAPIC_DO_*; the read's are those in *@todo. It may be in @regs already.
 */
u32 lapic_read(struct lapic *apic, u32 offset, u64 now, int *todo);
int lapic_write(struct lapic *apic, u32 offset, u32 value, u64 now);

/* The same by MSRs, as in x2APIC mode, with -EINVAL for #GP. */
int lapic_read_msr(struct lapic *apic, u32 offset, u64 now, u64 *value);
int lapic_write_msr(struct lapic *apic, u32 offset, u64 value, u64 now);

/* IA32_TSC_DEADLINE: reads as @deadline. LAPIC_DO_*. */
int lapic_write_deadline(struct lapic *apic, u64 value);

/* CR8 is bits 7:4 of TPR. */
static inline u64 lapic_cr8(const struct lapic *apic)
{
	return apic->regs[LAPIC_TPR / 4] >> 4;
}

void lapic_write_cr8(struct lapic *apic, u64 value);

/* ---- Messages ---- */

/* What the last write of ICR or of SELF IPI sends. */
struct lapic_message lapic_ipi(const struct lapic *apic);
/* As an MSI or an I/O APIC sends it: "Message Signalled Interrupts". */
struct lapic_message lapic_msi(u64 address, u32 data);
/* Is it for this one? @from is who sent it, NULL for an MSI. */
bool lapic_matches(const struct lapic *apic, const struct lapic *from,
		   const struct lapic_message *message);
/* May such an IPI be sent at all? */
bool lapic_message_valid(const struct lapic_message *message);

/* A fixed interrupt has come. LAPIC_DO_*. */
int lapic_receive(struct lapic *apic, u8 vector, bool level);
/* The source of that entry of the local vector table interrupts. LAPIC_DO_*. */
int lapic_local(struct lapic *apic, u32 lvt);

/* ---- To the processor ---- */

/* The vector that the processor gets if its interrupts are enabled, or -1. */
int lapic_pending(const struct lapic *apic);
/* It takes that one. */
void lapic_accept(struct lapic *apic, u8 vector);
/* Processor priority, as LAPIC_PPR reads. */
u32 lapic_ppr(const struct lapic *apic);
/* The class (bits 7:4) of an interrupt that nothing but TPR holds back, or 0. */
u32 lapic_held_by_tpr(const struct lapic *apic);
/* "Guest Interrupt Status": the highest vector of ISR in bits 15:8, of IRR in 7:0. */
u16 lapic_intr_status(const struct lapic *apic);
/* Vectors 64 * @word and up whose EOI is LAPIC_DO_EOI. */
u64 lapic_eoi_reports(const struct lapic *apic, unsigned int word);
/* Does RDMSR of it, in x2APIC mode, read what is in @regs and nothing else? */
bool lapic_msr_is_plain(u32 offset);
/* Does LINT0 let an external interrupt of the PIC through? */
bool lapic_takes_extint(const struct lapic *apic);

/* ---- The timer ---- */

enum lapic_timer_kind { LAPIC_TIMER_OFF, LAPIC_TIMER_TICKS, LAPIC_TIMER_TSC };

/* When it ends next: in ticks of its clock, or as a value of the guest's TSC. */
enum lapic_timer_kind lapic_timer_next(const struct lapic *apic, u64 *when);
/* It has ended, if that is not before @when. LAPIC_DO_*. */
int lapic_timer_ended(struct lapic *apic, u64 now);

/* ---- The whole state ---- */

/* Into LAPIC_STATE_SIZE bytes, with PPR and the current count as they read @now. */
void lapic_get_state(const struct lapic *apic, u32 *regs, u64 now);
/*
 * The other way, with IA32_APIC_BASE: 0, or -EINVAL if that is not valid. Bits that
 * cannot be set are ignored.
 */
int lapic_set_state(struct lapic *apic, const u32 *regs, u64 base, unsigned int physical_bits,
		    u64 now);

#endif /* MINIVMX_LAPIC_H */
