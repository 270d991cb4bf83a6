/* SPDX-License-Identifier: GPL-2.0 */
/* Lab 8: exits counted, and what they cost, here and with KVM. */
#ifndef LABS_MEASURE_H
#define LABS_MEASURE_H

#include "vm.h"

/*
 * What is measured is a loop of guest code: in real mode, at 0:1000H in 64K of memory, with
 * the number of its rounds in ECX, at the end a HLT with interrupts disabled. It may be
 * anywhere within a segment, uses EAX, EBX, ECX, EDX and ESI, and no memory.
 */
#define MEASURE_CODE	0x1000
#define MEASURE_MEMORY	0x10000

/**
 * struct measured - what a loop did and cost
 * @exits: VM exits in one measured run of @rounds, by basic reason; the last HLT counts.
 *	   KVM: zeros
 * @user_exits: those in that run for which the program was asked, the last HLT not counted
 * @ticks_per_round: TSC ticks that one round takes, with all that belongs to it, and without
 *		     what a run takes however many rounds it has
 */
struct measured {
	uint64_t exits[MINIVMX_NR_EXITS];
	uint64_t user_exits;
	uint64_t ticks_per_round;
};

/**
 * measure_minivmx() - measure a loop on minivmx
 * @code: the loop
 * @size: its bytes
 * @rounds: of the loop, at least 1
 * @measured: filled
 *
 * Return: 0, or a negative errno.
 */
int measure_minivmx(const void *code, size_t size, uint32_t rounds, struct measured *measured);

/**
 * measure_kvm() - the same on /dev/kvm, whose module is loaded
 * @code: the loop
 * @size: its bytes
 * @rounds: of the loop, at least 1
 * @measured: filled
 *
 * Return: 0, or a negative errno.
 */
int measure_kvm(const void *code, size_t size, uint32_t rounds, struct measured *measured);

#endif /* LABS_MEASURE_H */
