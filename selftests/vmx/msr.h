/* SPDX-License-Identifier: GPL-2.0 */
/* MSRs in tests: as the guest and as the program reads and writes them. */
#ifndef SELFTESTS_MSR_H
#define SELFTESTS_MSR_H

#include "vm.h"

GUEST64(rdmsr_code, "rdmsr; vmcall");
GUEST64(wrmsr_code, "wrmsr; vmcall");

#define REFUSED	~0UL

/* What the guest reads; REFUSED if it got a #GP(0). */
static inline uint64_t guest_read(VM *self, uint32_t index)
{
	int kind;

	vm_long(self, rdmsr_code);
	self->run->regs.rcx = index | 0xdeadUL << 32;
	self->run->regs.rax = self->run->regs.rdx = ~0UL;
	kind = vm_run(self);
	if (kind == VM_TRAP && self->trap.vector == GP && self->trap.error == 0 &&
	    self->trap.rip == VM_CODE && self->run->regs.rax == ~0UL)
		return REFUSED;
	vm_must(kind == MINIVMX_EXIT_HYPERCALL);
	/* RDMSR clears the upper halves. */
	vm_must((self->run->regs.rax | self->run->regs.rdx) >> 32 == 0);
	return self->run->regs.rax | self->run->regs.rdx << 32;
}

/* 0, or REFUSED. */
static inline uint64_t guest_write(VM *self, uint32_t index, uint64_t value)
{
	int kind;

	vm_long(self, wrmsr_code);
	self->run->regs.rcx = index | 0xdeadUL << 32;
	self->run->regs.rax = (uint32_t)value | 0xdeadUL << 32;
	self->run->regs.rdx = value >> 32 | 0xdeadUL << 32;
	kind = vm_run(self);
	if (kind == VM_TRAP && self->trap.vector == GP && self->trap.error == 0 &&
	    self->trap.rip == VM_CODE)
		return REFUSED;
	vm_must(kind == MINIVMX_EXIT_HYPERCALL);
	return 0;
}

static inline uint64_t user_read(VM *self, uint32_t index)
{
	struct minivmx_msr msr = { .index = index };

	vm_must(minivmx_get_msrs(self->vcpu, &msr, 1) == 1);
	return msr.data;
}

/* 0, or -errno. */
static inline int user_write(VM *self, uint32_t index, uint64_t value)
{
	struct minivmx_msr msr = { .index = index, .data = value };
	int ret = minivmx_set_msrs(self->vcpu, &msr, 1);

	return ret < 0 ? ret : 0;
}

#endif /* SELFTESTS_MSR_H */
