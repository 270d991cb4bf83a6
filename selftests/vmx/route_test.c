// SPDX-License-Identifier: GPL-2.0
/*
 * Exit routing: a program that handles exits in place of the module. The first
 * tests are examples: each emulates one instruction.
 */
#include "vmcs.h"

enum {
	REASON_EXCEPTION = 0, REASON_EXTERNAL_INTERRUPT = 1, REASON_CPUID = 10,
	REASON_HLT = 12, REASON_RDTSC = 16, REASON_VMCALL = 18, REASON_CR = 28,
	REASON_RDMSR = 31, REASON_WRMSR = 32, REASON_MTF = 37, REASON_EPT_VIOLATION = 48,
	REASON_PREEMPTION_TIMER = 52,
};

/* Run until an exit that the program gets raw, and see that it is the right one. */
#define EXPECT_RAW(number, how)						\
do {									\
	ASSERT_EQ(MINIVMX_EXIT_VMX, how(self));				\
	ASSERT_EQ(number, self->run->exit.reason);			\
} while (0)

/* ---- CPUID ---- */

GUEST64(cpuid_code, "mov $0x4d4d4d00, %eax; cpuid; vmcall");

TEST_F(vm, cpuid)
{
	struct minivmx_regs *regs = &self->run->regs;

	vm_long(self, cpuid_code);
	ASSERT_EQ(0, minivmx_set_route(self->vcpu, REASON_CPUID, MINIVMX_ROUTE_USER));
	EXPECT_RAW(REASON_CPUID, vm_run);
	/* RIP is at the instruction, and the exit says how long it is. */
	EXPECT_EQ(VM_CODE + 5, regs->rip);
	EXPECT_EQ(2, self->run->exit.insn_len);
	EXPECT_EQ(0x4d4d4d00, regs->rax);

	regs->rax = 0x4d4d4d01;
	memcpy(&regs->rbx, "mini\0\0\0", 8);
	memcpy(&regs->rcx, "vmx\0\0\0\0", 8);
	regs->rdx = 7;
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(self));
	EXPECT_EQ(VM_CODE + 7, regs->rip);
	EXPECT_EQ(0x4d4d4d01, regs->rax);
	EXPECT_EQ(7, regs->rdx);

	/* Back to the module, which knows no such leaf. */
	ASSERT_EQ(0, minivmx_set_route(self->vcpu, REASON_CPUID, MINIVMX_ROUTE_KERNEL));
	regs->rip = VM_CODE;
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_NE(0x4d4d4d01, regs->rax);
}

/* ---- RDMSR and WRMSR ---- */

#define MY_MSR	0x4d000000

GUEST64(msr_code, "mov $0x4d000000, %ecx; mov $1, %edx; mov $2, %eax; wrmsr; xor %eax, %eax;"
	"xor %edx, %edx; rdmsr; vmcall; inc %ecx; rdmsr");

TEST_F(vm, msr_of_the_program)
{
	struct minivmx_msr_route route = {
		.first = MY_MSR, .last = MY_MSR, .route = MINIVMX_ROUTE_USER,
		.access = MINIVMX_MSR_READ | MINIVMX_MSR_WRITE,
	};
	struct minivmx_regs *regs = &self->run->regs;
	uint64_t value;

	vm_long(self, msr_code);
	ASSERT_EQ(0, minivmx_set_msr_route(self->vcpu, &route));
	EXPECT_RAW(REASON_WRMSR, vm_run);
	EXPECT_EQ(MY_MSR, regs->rcx);
	value = regs->rdx << 32 | (uint32_t)regs->rax;
	EXPECT_EQ(0x100000002, value);
	value *= 3;

	EXPECT_RAW(REASON_RDMSR, vm_skip);
	regs->rax = (uint32_t)value;
	regs->rdx = value >> 32;
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(self));
	EXPECT_EQ(6, regs->rax);
	EXPECT_EQ(3, regs->rdx);

	/* The MSR behind it is none. */
	ASSERT_EQ(VM_TRAP, vm_skip(self));
	EXPECT_EQ(GP, self->trap.vector);
}

/* ---- HLT ---- */

GUEST64(hlt_code, "sti; hlt; vmcall");

TEST_F(vm, hlt)
{
	vm_long(self, hlt_code);
	ASSERT_EQ(0, minivmx_set_route(self->vcpu, REASON_HLT, MINIVMX_ROUTE_USER));
	EXPECT_RAW(REASON_HLT, vm_run);
	EXPECT_EQ(1, self->run->exit.insn_len);
	/* It wakes by an interrupt, behind the HLT. */
	vm_event(self, MINIVMX_EVENT_EXTINT, 0x40);
	ASSERT_EQ(VM_TRAP, vm_skip(self));
	EXPECT_EQ(0x40, self->trap.vector);
	EXPECT_EQ(VM_CODE + 2, self->trap.rip);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(self));
}

/* ---- MOV to CR4 ---- */

GUEST64(cr4_code, "mov %cr4, %rax; or $4, %rax; mov %rax, %cr4; mov %cr4, %rbx; vmcall");

#define CR4_TSD	4UL

TEST_F(vm, cr_access)
{
	struct minivmx_regs *regs = &self->run->regs;
	uint64_t qualification, value;

	vm_long(self, cr4_code);
	/* The guest has that bit by itself: take it, so that the change exits. */
	vmcs_set_bits(self, CR4_GUEST_HOST_MASK, CR4_TSD);
	ASSERT_EQ(0, minivmx_set_route(self->vcpu, REASON_CR, MINIVMX_ROUTE_USER));
	EXPECT_RAW(REASON_CR, vm_run);
	/* "Exit Qualification for Control-Register Accesses": MOV to CR4 from RAX. */
	qualification = self->run->exit.qualification;
	EXPECT_EQ(4, qualification & 0xf);
	EXPECT_EQ(0, qualification >> 4 & 3);
	EXPECT_EQ(0, qualification >> 8 & 0xf);

	/* The guest believes that it is set; the CPU does not have it. */
	value = regs->rax;
	vmcs_set(self, CR4_READ_SHADOW, value);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(self));
	EXPECT_EQ(value, regs->rbx);
	EXPECT_EQ(0, vmcs_get(self, GUEST_CR4) & CR4_TSD);
}

/* ---- VMCALL ---- */

GUEST64(vmcall_code, "vmcall; vmcall");
GUEST64(vmcall_then_hlt, "mov $1234, %ebx; vmcall; hlt");

TEST_F(vm, vmcall)
{
	vm_long(self, vmcall_code);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	ASSERT_EQ(0, minivmx_set_route(self->vcpu, REASON_VMCALL, MINIVMX_ROUTE_USER));
	EXPECT_RAW(REASON_VMCALL, vm_skip);
	EXPECT_EQ(3, self->run->exit.insn_len);
	/* A program without hypercalls: the instruction does not exist. */
	vm_event(self, MINIVMX_EVENT_EXCEPTION, UD);
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_EQ(UD, self->trap.vector);
	EXPECT_EQ(VM_CODE + 3, self->trap.rip);
}

/* ---- RDTSC ---- */

GUEST64(rdtsc_code, "rdtsc; mov %rax, %rbx; rdtsc; sub %rbx, %rax; vmcall");

/* A program without hypercalls: the guest hears so, and no exit comes out. */
TEST_F(vm, vmcall_without_hypercalls)
{
	struct minivmx_regs *regs = &self->run->regs;

	vm_long(self, vmcall_then_hlt);
	ASSERT_EQ(0, minivmx_set_route(self->vcpu, REASON_VMCALL, MINIVMX_ROUTE_ENOSYS));
	ASSERT_EQ(MINIVMX_EXIT_HLT, vm_run(self));
	EXPECT_EQ(-ENOSYS, (int64_t)regs->rax);
	EXPECT_EQ(1234, regs->rbx);
	EXPECT_EQ(VM_CODE + 8, regs->rip);

	/* Of no other reason. */
	EXPECT_EQ(-EINVAL, minivmx_set_route(self->vcpu, REASON_CPUID, MINIVMX_ROUTE_ENOSYS));
	ASSERT_EQ(0, minivmx_set_route(self->vcpu, REASON_VMCALL, MINIVMX_ROUTE_KERNEL));
	regs->rip = VM_CODE;
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
}

TEST_F(vm, rdtsc)
{
	struct minivmx_regs *regs = &self->run->regs;
	uint64_t tsc = 0x500000000;
	int i;

	vm_long(self, rdtsc_code);
	vmcs_set_bits(self, CPU_BASED_CONTROLS, CPU_RDTSC_EXITING);
	ASSERT_EQ(0, minivmx_set_route(self->vcpu, REASON_RDTSC, MINIVMX_ROUTE_USER));
	/* Time passes as the program says: 1000 ticks from one to the next. */
	EXPECT_RAW(REASON_RDTSC, vm_run);
	for (i = 0; i < 2; i++, tsc += 1000) {
		regs->rax = (uint32_t)tsc;
		regs->rdx = tsc >> 32;
		if (i == 0)
			EXPECT_RAW(REASON_RDTSC, vm_skip);
	}
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(self));
	EXPECT_EQ(1000, regs->rax);
	EXPECT_EQ(5, regs->rdx);
}

/* ---- Single steps ---- */

GUEST64(steps, "nop; nop; mov $3, %eax; vmcall");

TEST_F(vm, monitor_trap_flag)
{
	static const unsigned int lengths[] = { 1, 1, 5 };
	uint64_t ctls, refused, rip = VM_CODE;
	unsigned int i;
	int ret;

	vm_long(self, steps);
	ctls = vmcs_get(self, CPU_BASED_CONTROLS);
	ret = vmcs_try(self, CPU_BASED_CONTROLS, ctls | CPU_MONITOR_TRAP_FLAG, &refused);
	if (ret) {
		/* Bochs 2.7 has no such control: a refusal that says so. */
		EXPECT_EQ(-EINVAL, ret);
		EXPECT_EQ(CPU_MONITOR_TRAP_FLAG, refused);
		EXPECT_EQ(ctls, vmcs_get(self, CPU_BASED_CONTROLS));
		SKIP(return, "the CPU has no monitor trap flag");
	}
	for (i = 0; i < 3; i++) {
		EXPECT_RAW(REASON_MTF, vm_run);
		rip += lengths[i];
		EXPECT_EQ(rip, self->run->regs.rip);
	}
	vmcs_set(self, CPU_BASED_CONTROLS, ctls);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
}

/* ---- The preemption timer ---- */

GUEST64(spin_code, "1: inc %rbx; jmp 1b");

TEST_F(vm, a_short_preemption_timer_ends_each_entry)
{
	struct minivmx_vmcs_field field = { .encoding = PREEMPTION_TIMER_VALUE };
	uint64_t longest, before, value = vmcs_timer(self, 1000);
	unsigned int i;

	ASSERT_EQ(0, minivmx_get_vmcs(self->vcpu, &field, 1));
	if (field.result)
		SKIP(return, "the CPU has no VMX-preemption timer");
	longest = field.value;
	EXPECT_EQ(-EPERM, vmcs_try(self, PREEMPTION_TIMER_VALUE, longest + 1, NULL));
	vm_long(self, spin_code);
	self->run->regs.rbx = 0;
	/* With interrupts off: nothing else ends this on Bochs. */
	vmcs_set(self, PREEMPTION_TIMER_VALUE, value);
	ASSERT_EQ(0, minivmx_set_route(self->vcpu, REASON_PREEMPTION_TIMER, MINIVMX_ROUTE_USER));
	for (i = 0; i < 10; i++) {
		before = self->run->regs.rbx;
		EXPECT_RAW(REASON_PREEMPTION_TIMER, vm_run);
		EXPECT_LT(before, self->run->regs.rbx);
		EXPECT_GT(before + 10000, self->run->regs.rbx);
		/* It starts anew each time. */
		EXPECT_EQ(value, vmcs_get(self, PREEMPTION_TIMER_VALUE));
	}
	/* It may not even let the guest begin. */
	vmcs_set(self, PREEMPTION_TIMER_VALUE, 0);
	before = self->run->regs.rbx;
	EXPECT_RAW(REASON_PREEMPTION_TIMER, vm_run);
	EXPECT_EQ(before, self->run->regs.rbx);
	vmcs_set(self, PREEMPTION_TIMER_VALUE, longest);
	ASSERT_EQ(0, minivmx_set_route(self->vcpu, REASON_PREEMPTION_TIMER,
				       MINIVMX_ROUTE_KERNEL));
}

/* ---- Exceptions ---- */

GUEST64(exceptions, "1: mov PAGES, %eax; int3; 2: ud2; vmcall");

TEST_F(vm, exceptions_that_exit_are_reflected)
{
	vm_long(self, exceptions);
	*vm_pte(self, VM_PAGES) = 0;
	vmcs_set_bits(self, EXCEPTION_BITMAP, 1UL << PF | 1UL << BP | 1UL << UD);
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_EQ(PF, self->trap.vector);
	EXPECT_EQ(0, self->trap.error);
	EXPECT_EQ(VM_CODE, self->trap.rip);
	EXPECT_NE(0, self->trap.rflags & RFLAGS_RF);
	ASSERT_EQ(0, minivmx_get_sregs(self->vcpu, &self->sregs));
	EXPECT_EQ(VM_PAGES, self->sregs.cr2);
	ASSERT_EQ(VM_TRAP, vm_skip_fault(self, 7));
	EXPECT_EQ(BP, self->trap.vector);
	EXPECT_EQ(VM_CODE + 8, self->trap.rip);
	EXPECT_EQ(0, self->trap.rflags & RFLAGS_RF);
	ASSERT_EQ(VM_TRAP, vm_skip(self));
	EXPECT_EQ(UD, self->trap.vector);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip_fault(self, 2));
}

TEST_F(vm, exceptions_to_the_program)
{
	vm_long(self, exceptions);
	*vm_pte(self, VM_PAGES) = 0;
	vmcs_set_bits(self, EXCEPTION_BITMAP, 1UL << PF | 1UL << BP);
	ASSERT_EQ(0, minivmx_set_route(self->vcpu, REASON_EXCEPTION, MINIVMX_ROUTE_USER));
	EXPECT_RAW(REASON_EXCEPTION, vm_run);
	EXPECT_EQ(1U << 31 | 1 << 11 | 3 << 8 | PF, self->run->exit.intr_info);
	EXPECT_EQ(0, self->run->exit.intr_error);
	EXPECT_EQ(VM_PAGES, self->run->exit.qualification);
	/* There is no instruction to skip. */
	self->run->action = MINIVMX_SKIP;
	EXPECT_EQ(-EINVAL, minivmx_run(self->vcpu));

	*vm_pte(self, VM_PAGES) = VM_DATA | PTE_W | PTE_P;
	*vm_u32(self, VM_DATA) = 99;
	EXPECT_RAW(REASON_EXCEPTION, vm_run);
	EXPECT_EQ(1U << 31 | 6 << 8 | BP, self->run->exit.intr_info);
	EXPECT_EQ(99, self->run->regs.rax);
	EXPECT_EQ(VM_CODE + 7, self->run->regs.rip);
	/* The breakpoint was the program's: go on behind it. */
	ASSERT_EQ(VM_TRAP, vm_skip(self));
	EXPECT_EQ(UD, self->trap.vector);
	EXPECT_EQ(VM_CODE + 8, self->trap.rip);
}

/* ---- More intercepts, and the module handles them ---- */

GUEST64(cr3_code, "mov %cr3, %rax; mov %rax, %cr3; mov PAGES, %ebx; vmcall");

TEST_F(vm, cr3_exits)
{
	vm_long(self, cr3_code);
	*vm_u32(self, VM_PAGES) = 4711;
	vmcs_set_bits(self, CPU_BASED_CONTROLS, CPU_CR3_LOAD_EXITING | CPU_CR3_STORE_EXITING);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(VM_PML4, self->run->regs.rax);
	EXPECT_EQ(4711, self->run->regs.rbx);
	EXPECT_EQ(2, vm_count(self, REASON_CR));
}

GUEST64(bad_cr3_code, "mov %rax, %cr3; vmcall");

TEST_F(vm, cr3_exit_of_a_bad_value)
{
	vm_long(self, bad_cr3_code);
	vmcs_set_bits(self, CPU_BASED_CONTROLS, CPU_CR3_LOAD_EXITING);
	self->run->regs.rax = 1UL << 52;
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_EQ(GP, self->trap.vector);
	EXPECT_EQ(VM_PML4, vmcs_get(self, GUEST_CR3));
}

GUEST32(pae_cr3_code, "mov %eax, %cr3; mov PAGES, %ebx; vmcall");

/* The PDPTEs are loaded with CR3, and their reserved bits refused. */
TEST_F(vm, cr3_exit_with_pae)
{
	vm_pae(self, pae_cr3_code);
	vmcs_set_bits(self, CPU_BASED_CONTROLS, CPU_CR3_LOAD_EXITING);
	memcpy(vm_at(self, VM_DATA), vm_at(self, VM_PAE_PDPT), 32);
	*vm_u32(self, VM_PAGES) = 4712;
	self->run->regs.rax = VM_DATA;
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(4712, self->run->regs.rbx);
	EXPECT_EQ(VM_DATA, vmcs_get(self, GUEST_CR3));

	*vm_u64(self, VM_DATA + 0x20) = 6;	/* not present: may be anything */
	*vm_u64(self, VM_DATA + 0x28) = 7;	/* reserved bits */
	self->run->regs.rip = VM_CODE;
	self->run->regs.rax = VM_DATA + 0x20;
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_EQ(GP, self->trap.vector);
	EXPECT_EQ(VM_DATA, vmcs_get(self, GUEST_CR3));
}

#define CR0_MP	2UL
#define CR0_TS	8UL

GUEST64(lmsw_code, "mov $0xa, %eax; lmsw %ax; smsw %rbx; clts; smsw %rcx; vmcall");

TEST_F(vm, clts_and_lmsw_exits)
{
	vm_long(self, lmsw_code);
	vmcs_set_bits(self, CR0_GUEST_HOST_MASK, CR0_MP | CR0_TS);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(CR0_PE | CR0_MP | CR0_TS, self->run->regs.rbx & 0xf);
	EXPECT_EQ(CR0_PE | CR0_MP, self->run->regs.rcx & 0xf);
	EXPECT_EQ(CR0_MP, vmcs_get(self, GUEST_CR0) & (CR0_MP | CR0_TS));
	EXPECT_EQ(2, vm_count(self, REASON_CR));
}

/* ---- Routes of MSRs ---- */

#define MSR_TSC		0x10
#define MSR_FS_BASE	0xc0000100U
#define MSR_LSTAR	0xc0000082U

static int msr_route(VM *self, uint32_t first, uint32_t last, uint32_t access, uint32_t route)
{
	struct minivmx_msr_route arg = { first, last, access, route };

	return minivmx_set_msr_route(self->vcpu, &arg);
}

GUEST64(rdmsr_code, "rdmsr; vmcall");

TEST_F(vm, msr_that_faults)
{
	vm_long(self, rdmsr_code);
	self->run->regs.rcx = MSR_TSC;
	ASSERT_EQ(0, msr_route(self, 0, 0xff, MINIVMX_MSR_READ, MINIVMX_ROUTE_GP));
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_EQ(GP, self->trap.vector);
	/* A later route counts before an earlier one. */
	ASSERT_EQ(0, msr_route(self, MSR_TSC, MSR_TSC, MINIVMX_MSR_READ, MINIVMX_ROUTE_KERNEL));
	self->run->regs.rip = VM_CODE;
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
}

TEST_F(vm, msr_that_passes_or_not)
{
	vm_long(self, rdmsr_code);
	self->run->regs.rcx = MSR_FS_BASE;
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(0, vm_count(self, REASON_RDMSR));

	ASSERT_EQ(0, msr_route(self, MSR_FS_BASE, MSR_FS_BASE, MINIVMX_MSR_READ,
			       MINIVMX_ROUTE_USER));
	self->run->regs.rip = VM_CODE;
	EXPECT_RAW(REASON_RDMSR, vm_run);

	ASSERT_EQ(0, msr_route(self, MSR_FS_BASE, MSR_FS_BASE, MINIVMX_MSR_READ,
			       MINIVMX_ROUTE_KERNEL));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(2, vm_count(self, REASON_RDMSR));

	ASSERT_EQ(0, msr_route(self, MSR_FS_BASE, MSR_FS_BASE, MINIVMX_MSR_READ,
			       MINIVMX_ROUTE_PASS));
	self->run->regs.rip = VM_CODE;
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(2, vm_count(self, REASON_RDMSR));
}

/* Without the bitmaps all accesses exit, and the module handles them. */
TEST_F(vm, no_msr_bitmaps)
{
	vm_long(self, rdmsr_code);
	self->run->regs.rcx = MSR_FS_BASE;
	vmcs_set(self, CPU_BASED_CONTROLS,
		 vmcs_get(self, CPU_BASED_CONTROLS) & ~(uint64_t)CPU_MSR_BITMAPS);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(1, vm_count(self, REASON_RDMSR));
}

/* ---- Refusals ---- */

TEST_F(vm, routes_that_are_refused)
{
	static const uint32_t own[] = {
		REASON_EXTERNAL_INTERRUPT, 7, 8, 33, 34, 41, REASON_EPT_VIOLATION, 49,
	};
	unsigned int i;

	for (i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		EXPECT_EQ(-EPERM, minivmx_set_route(self->vcpu, own[i], MINIVMX_ROUTE_USER))
			TH_LOG("%u", own[i]);
		EXPECT_EQ(-EPERM, minivmx_set_route(self->vcpu, own[i], MINIVMX_ROUTE_KERNEL));
	}
	EXPECT_EQ(-ENOENT, minivmx_set_route(self->vcpu, 35, MINIVMX_ROUTE_USER));
	EXPECT_EQ(-ENOENT, minivmx_set_route(self->vcpu, MINIVMX_NR_EXITS, MINIVMX_ROUTE_USER));
	EXPECT_EQ(-ENOENT, minivmx_set_route(self->vcpu, ~0U, MINIVMX_ROUTE_USER));
	EXPECT_EQ(-EINVAL, minivmx_set_route(self->vcpu, REASON_CPUID, MINIVMX_ROUTE_PASS));
	EXPECT_EQ(-EINVAL, minivmx_set_route(self->vcpu, REASON_CPUID, ~0U));
}

TEST_F(vm, msr_routes_that_are_refused)
{
	unsigned int i;

	/* VMX does not switch it: the guest would have the host's. */
	EXPECT_EQ(-EPERM, msr_route(self, MSR_LSTAR, MSR_LSTAR, MINIVMX_MSR_READ,
				    MINIVMX_ROUTE_PASS));
	EXPECT_EQ(-EPERM, msr_route(self, MSR_FS_BASE, MSR_FS_BASE + 3, MINIVMX_MSR_READ,
				    MINIVMX_ROUTE_PASS));
	EXPECT_EQ(-EPERM, msr_route(self, 0, ~0U, MINIVMX_MSR_READ, MINIVMX_ROUTE_PASS));
	EXPECT_EQ(-EINVAL, msr_route(self, 2, 1, MINIVMX_MSR_READ, MINIVMX_ROUTE_USER));
	EXPECT_EQ(-EINVAL, msr_route(self, 1, 2, 0, MINIVMX_ROUTE_USER));
	EXPECT_EQ(-EINVAL, msr_route(self, 1, 2, 4, MINIVMX_ROUTE_USER));
	EXPECT_EQ(-EINVAL, msr_route(self, 1, 2, MINIVMX_MSR_READ, 4));

	for (i = 0; i < MINIVMX_MAX_MSR_ROUTES; i++) {
		ASSERT_EQ(0, msr_route(self, 2 * i, 2 * i, MINIVMX_MSR_READ,
				       MINIVMX_ROUTE_USER));
	}
	EXPECT_EQ(-ENOSPC, msr_route(self, 1000, 1000, MINIVMX_MSR_READ, MINIVMX_ROUTE_USER));
	/* One that covers others takes their place. */
	EXPECT_EQ(0, msr_route(self, 0, 2, MINIVMX_MSR_READ, MINIVMX_ROUTE_GP));
	EXPECT_EQ(0, msr_route(self, 1000, 1000, MINIVMX_MSR_READ, MINIVMX_ROUTE_USER));
	EXPECT_EQ(-ENOSPC, msr_route(self, 1001, 1001, MINIVMX_MSR_READ, MINIVMX_ROUTE_USER));
}

TEST_HARNESS_MAIN
