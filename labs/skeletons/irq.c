// SPDX-License-Identifier: GPL-2.0
/* Lab 5: interrupts and time. */
#include <errno.h>

#include "irq.h"

void irq_init(struct irqs *irqs, struct vcpu *vcpu)
{
}

void irq_destroy(struct irqs *irqs)
{
}

void irq_post(struct irqs *irqs, uint8_t vector)
{
	/* The vCPU may be in the guest, or sleep. */
}

int irq_run(struct irqs *irqs)
{
	/* vcpu_run() of lab 1 does not tell of a kick: MINIVMX_RUN, here. */
	return -ENOSYS;
}

int irq_set_deadline(struct vcpu *vcpu, uint8_t vector, uint64_t ticks)
{
	/* MINIVMX_GET_MSRS, MINIVMX_GET_APIC, MINIVMX_SET_APIC */
	return -ENOSYS;
}
