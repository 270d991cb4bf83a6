/* SPDX-License-Identifier: GPL-2.0 */
/* Lab 5: interrupts and time. */
#ifndef LABS_IRQ_H
#define LABS_IRQ_H

#include <pthread.h>

#include "vm.h"

/**
 * struct irqs - the interrupts that wait for a vCPU, as an interrupt controller has them
 * @vcpu: which
 * @lock: for @pending
 * @posted: signalled when one is posted
 * @pending: a bit for each vector, lowest first
 */
struct irqs {
	struct vcpu *vcpu;
	pthread_mutex_t lock;
	pthread_cond_t posted;
	uint64_t pending[4];
};

/**
 * irq_init() - none waits
 * @irqs: filled
 * @vcpu: a new vCPU
 */
void irq_init(struct irqs *irqs, struct vcpu *vcpu);

/**
 * irq_destroy() - undo irq_init()
 * @irqs: nobody uses it any more
 */
void irq_destroy(struct irqs *irqs);

/**
 * irq_post() - an interrupt for the guest, from any thread
 * @irqs: the vCPU's
 * @vector: 32 to 255; one that waits already is not posted twice
 *
 * It is delivered as soon as the guest can take it, wherever the guest is.
 */
void irq_post(struct irqs *irqs, uint8_t vector);

/**
 * irq_run() - as vcpu_run(), but interrupts are delivered, and HLT waits for one
 * @irqs: the vCPU's
 *
 * Of those that wait the one with the highest vector is delivered first, whenever it was
 * posted. A vCPU that halts with interrupts enabled sleeps until one is posted. A HLT with
 * interrupts disabled, which nothing would end, is an exit.
 *
 * Return: as vcpu_run(), and never MINIVMX_EXIT_IRQ_WINDOW.
 */
int irq_run(struct irqs *irqs);

/**
 * irq_set_deadline() - an interrupt at a time, by the module's local APIC
 * @vcpu: of a VM with MINIVMX_VM_APIC
 * @vector: 32 to 255
 * @ticks: of the guest's time-stamp counter, from now on
 *
 * The timer is set up as a guest would do it: software-enabled APIC, TSC-deadline mode.
 *
 * Return: 0, or a negative errno.
 */
int irq_set_deadline(struct vcpu *vcpu, uint8_t vector, uint64_t ticks);

#endif /* LABS_IRQ_H */
