// SPDX-License-Identifier: GPL-2.0
/* Lab 5: interrupts and time. */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "irq.h"

#define RFLAGS_IF	(1UL << 9)

void irq_init(struct irqs *irqs, struct vcpu *vcpu)
{
	memset(irqs, 0, sizeof(*irqs));
	irqs->vcpu = vcpu;
	pthread_mutex_init(&irqs->lock, NULL);
	pthread_cond_init(&irqs->posted, NULL);
}

void irq_destroy(struct irqs *irqs)
{
	pthread_cond_destroy(&irqs->posted);
	pthread_mutex_destroy(&irqs->lock);
}

void irq_post(struct irqs *irqs, uint8_t vector)
{
	pthread_mutex_lock(&irqs->lock);
	irqs->pending[vector / 64] |= 1ULL << vector % 64;
	pthread_cond_signal(&irqs->posted);
	pthread_mutex_unlock(&irqs->lock);
	/* It may be in the guest: a kick that comes too early is remembered. */
	ioctl(irqs->vcpu->fd, MINIVMX_KICK);
}

/* The highest that waits, or -1. */
static int highest(const struct irqs *irqs)
{
	int word;

	for (word = 3; word >= 0; word--)
		if (irqs->pending[word])
			return word * 64 + 63 - __builtin_clzll(irqs->pending[word]);
	return -1;
}

/*
 * One that is given to RUN cannot be taken back, and a higher one may come: it is given
 * when the guest can take it, and until then RUN is to say when that is.
 */
static void offer(struct irqs *irqs)
{
	struct minivmx_run *run = irqs->vcpu->run;
	int vector;

	pthread_mutex_lock(&irqs->lock);
	vector = highest(irqs);
	if (vector >= 0 && (run->ready & MINIVMX_READY_IRQ)) {
		run->event = (struct minivmx_event) {
			.flags = MINIVMX_EVENT_VALID,
			.type = MINIVMX_EVENT_EXTINT,
			.vector = vector,
		};
		irqs->pending[vector / 64] &= ~(1ULL << vector % 64);
		vector = highest(irqs);
	}
	run->request = vector >= 0 ? MINIVMX_REQ_IRQ_WINDOW : 0;
	pthread_mutex_unlock(&irqs->lock);
}

static void wait_for_one(struct irqs *irqs)
{
	pthread_mutex_lock(&irqs->lock);
	while (highest(irqs) < 0)
		pthread_cond_wait(&irqs->posted, &irqs->lock);
	pthread_mutex_unlock(&irqs->lock);
}

int irq_run(struct irqs *irqs)
{
	struct minivmx_run *run = irqs->vcpu->run;

	for (;;) {
		offer(irqs);
		if (ioctl(irqs->vcpu->fd, MINIVMX_RUN) < 0 && errno != EINTR)
			return -errno;
		switch (run->kind) {
		case MINIVMX_EXIT_INTR:
		case MINIVMX_EXIT_IRQ_WINDOW:
			run->action = MINIVMX_RETRY;
			break;
		case MINIVMX_EXIT_HLT:
			if (!(run->regs.rflags & RFLAGS_IF))
				return run->kind;
			wait_for_one(irqs);
			run->action = MINIVMX_SKIP;
			break;
		default:
			return run->kind;
		}
	}
}

/* "Local APIC Register Address Map" */
#define APIC_SVR	0xf0
#define APIC_LVT_TIMER	0x320
#define SVR_ENABLED	0x1ff	/* with spurious vector 255 */
#define LVT_DEADLINE	(2U << 17)
#define MSR_TSC		0x10

int irq_set_deadline(struct vcpu *vcpu, uint8_t vector, uint64_t ticks)
{
	uint32_t regs[MINIVMX_APIC_SIZE / 4];
	struct minivmx_apic apic = { .regs = (uintptr_t)regs };
	struct minivmx_msr tsc = { .index = MSR_TSC };
	struct minivmx_msrs msrs = { .nr = 1, .entries = (uintptr_t)&tsc };

	if (ioctl(vcpu->fd, MINIVMX_GET_MSRS, &msrs) < 0 ||
	    ioctl(vcpu->fd, MINIVMX_GET_APIC, &apic) < 0)
		return -errno;
	regs[APIC_SVR / 4] = SVR_ENABLED;
	regs[APIC_LVT_TIMER / 4] = LVT_DEADLINE | vector;
	apic.deadline = tsc.data + ticks;
	return ioctl(vcpu->fd, MINIVMX_SET_APIC, &apic) < 0 ? -errno : 0;
}
