/* SPDX-License-Identifier: GPL-2.0 */
/* A guest with a local APIC, in 64-bit mode, that does one thing at a time. */
#ifndef SELFTESTS_APIC_H
#define SELFTESTS_APIC_H

#include "../../module/lapic.h"
#include "vm.h"

#define APIC		0xfee00000UL
#define MSR_APIC_BASE	0x1b
#define MSR_DEADLINE	0x6e0
#define MSR_X2APIC(reg)	(0x800 + ((reg) >> 4))
#define SW_ENABLED	0x1ff

/* What the guest can do, 16 bytes each: run_op() starts one of these. */
enum op {
	READ, WRITE, RDMSR, WRMSR, HALT, OPEN, SPIN, EOI, READ_BYTE, OR, HALT_CLI, CR8, OUT,
	WRITE_QUAD, WRITE_BYTE, CR8_SPIN, WRITE_SPIN,
};

GUEST64(ops,
	"mov (%rdi), %eax; vmcall; .skip ops + 16 * 1 - .;"
	"mov %eax, (%rdi); vmcall; .skip ops + 16 * 2 - .;"
	"rdmsr; vmcall; .skip ops + 16 * 3 - .;"
	"wrmsr; vmcall; .skip ops + 16 * 4 - .;"
	"sti; hlt; cli; vmcall; .skip ops + 16 * 5 - .;"
	"sti; nop; cli; vmcall; .skip ops + 16 * 6 - .;"
	"sti; 1: jmp 1b; .skip ops + 16 * 7 - .;"
	"movl $0, (%rdi); vmcall; .skip ops + 16 * 8 - .;"
	"movzbl (%rdi), %eax; vmcall; .skip ops + 16 * 9 - .;"
	"or %eax, (%rdi); vmcall; .skip ops + 16 * 10 - .;"
	"cli; hlt; vmcall; .skip ops + 16 * 11 - .;"
	"mov %rax, %cr8; mov %cr8, %rbx; vmcall; .skip ops + 16 * 12 - .;"
	"out %eax, %dx; vmcall; .skip ops + 16 * 13 - .;"
	"mov %rax, (%rdi); vmcall; .skip ops + 16 * 14 - .;"
	"mov %al, (%rdi); vmcall; .skip ops + 16 * 15 - .;"
	"sti; mov %rax, %cr8; 1: jmp 1b; .skip ops + 16 * 16 - .;"
	"sti; mov %eax, (%rdi); 1: jmp 1b");

static inline int run_op(VM *self, enum op op)
{
	self->run->regs.rip = VM_CODE + 16 * op;
	return vm_run(self);
}

static inline uint32_t read_reg(VM *self, uint32_t offset)
{
	self->run->regs.rdi = APIC + offset;
	vm_must(run_op(self, READ) == MINIVMX_EXIT_HYPERCALL);
	return self->run->regs.rax;
}

static inline void write_reg(VM *self, uint32_t offset, uint32_t value)
{
	self->run->regs.rdi = APIC + offset;
	self->run->regs.rax = value;
	vm_must(run_op(self, WRITE) == MINIVMX_EXIT_HYPERCALL);
}

static inline int rdmsr(VM *self, uint32_t msr, uint64_t *value)
{
	int kind;

	self->run->regs.rcx = msr;
	kind = run_op(self, RDMSR);
	*value = (uint32_t)self->run->regs.rax | self->run->regs.rdx << 32;
	return kind;
}

static inline int wrmsr(VM *self, uint32_t msr, uint64_t value)
{
	self->run->regs.rcx = msr;
	self->run->regs.rax = (uint32_t)value;
	self->run->regs.rdx = value >> 32;
	return run_op(self, WRMSR);
}

static inline void set_x2apic(VM *self)
{
	vm_must(wrmsr(self, MSR_APIC_BASE, APIC | 0xd00) == MINIVMX_EXIT_HYPERCALL);
}

/* The interrupt that comes when interrupts are enabled for a moment, or -1. */
static inline int taken(VM *self)
{
	return run_op(self, OPEN) == VM_TRAP ? self->trap.vector : -1;
}

/* Let its handler end, and say so to the APIC. */
static inline void end_interrupt(VM *self)
{
	vm_must(vm_skip(self) == MINIVMX_EXIT_HYPERCALL);
	self->run->regs.rdi = APIC + LAPIC_EOI;
	vm_must(run_op(self, EOI) == MINIVMX_EXIT_HYPERCALL);
}

/*
 * What a delivery touches is in the EPT from here on: where the CPU itself delivers an
 * APIC's interrupts, Bochs (2.7) reports the wrong one if an EPT violation cuts it off.
 */
static inline void map_delivery(VM *self)
{
	int vector;

	/* The first and the last handler that an APIC's interrupt can have. */
	for (vector = LAPIC_FIRST_VECTOR; vector < 256; vector += 255 - LAPIC_FIRST_VECTOR) {
		vm_event(self, MINIVMX_EVENT_EXTINT, vector);
		vm_must(run_op(self, OPEN) == VM_TRAP);
		vm_must(vm_skip(self) == MINIVMX_EXIT_HYPERCALL);
	}
}

FIXTURE(apic)
{
	VM vm;
};

FIXTURE_SETUP(apic)
{
	vm_flags = MINIVMX_VM_APIC;
	vm_create(&self->vm);
	vm_long(&self->vm, ops);
	map_delivery(&self->vm);
	write_reg(&self->vm, LAPIC_SVR, SW_ENABLED);
}

FIXTURE_TEARDOWN(apic)
{
	vm_destroy(&self->vm);
}

#endif /* SELFTESTS_APIC_H */
