/* SPDX-License-Identifier: GPL-2.0 */
/* Lab 4: sensitive instructions, emulated by the program. */
#ifndef LABS_EMULATE_H
#define LABS_EMULATE_H

#include "vmcs.h"

/**
 * struct cpuid_answer - what CPUID answers for one leaf
 * @leaf: EAX before
 * @eax: afterwards
 * @ebx: afterwards
 * @ecx: afterwards
 * @edx: afterwards
 */
struct cpuid_answer {
	uint32_t leaf;
	uint32_t eax, ebx, ecx, edx;
};

/**
 * struct emulation - what the guest's CPU is to look like
 * @cpuid: the leaves there are; any other answers with zeros
 * @nr_cpuid: how many
 * @msr_first: the first of @nr_msrs MSRs that are the program's
 * @nr_msrs: how many, at most 64; MSRs around them stay the module's
 * @msrs: their values: RDMSR reads them, WRMSR writes them
 * @msr_read_only: bit n: a WRMSR of MSR @msr_first + n is #GP(0)
 * @cr4_hidden: bits of CR4 that the guest sees as it has set them, and the CPU has not.
 *		None of those that VMX or paging wants
 * @hypercall: VMCALL: @number is RAX, @a RBX, @b RCX, and the result goes to RAX
 * @arg: first argument of @hypercall
 * @invlpgs: counts INVLPG
 * @invlpg_address: the linear address of the last one
 */
struct emulation {
	const struct cpuid_answer *cpuid;
	unsigned int nr_cpuid;
	uint32_t msr_first;
	uint32_t nr_msrs;
	uint64_t *msrs;
	uint64_t msr_read_only;
	uint64_t cr4_hidden;
	uint64_t (*hypercall)(void *arg, uint64_t number, uint64_t a, uint64_t b);
	void *arg;
	uint64_t invlpgs;
	uint64_t invlpg_address;
};

/**
 * emulate_start() - take over the exits of a vCPU, and cause those that there would not be
 * @emulation: what is wanted
 * @vcpu: the vCPU
 *
 * Return: 0, or a negative errno.
 */
int emulate_start(struct emulation *emulation, struct vcpu *vcpu);

/**
 * emulate_run() - as vcpu_run(), but what is emulated is no exit
 * @emulation: given to emulate_start()
 * @vcpu: the vCPU
 *
 * An access to a control register that is not MOV to CR4 is an exit for the caller.
 *
 * Return: as vcpu_run().
 */
int emulate_run(struct emulation *emulation, struct vcpu *vcpu);

#endif /* LABS_EMULATE_H */
