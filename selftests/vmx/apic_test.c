// SPDX-License-Identifier: GPL-2.0
/*
 * Local APICs: registers by memory and by MSRs, interrupts, IPIs, timers, INIT and
 * SIPI, HLT. What each bit does is lapic_test.c's (selftests/unit).
 */
#include <sys/time.h>

#include "../lib/rounds.h"
#include "apic.h"
#include "vmcs.h"

/* ---- Registers ---- */

TEST_F(apic, registers_in_memory)
{
	VM *vm = &self->vm;

	EXPECT_EQ(0x01050014, read_reg(vm, LAPIC_VERSION));
	EXPECT_EQ(0, read_reg(vm, LAPIC_ID));
	EXPECT_EQ(SW_ENABLED, read_reg(vm, LAPIC_SVR));
	write_reg(vm, LAPIC_TPR, 0x25);
	EXPECT_EQ(0x25, read_reg(vm, LAPIC_TPR));
	EXPECT_EQ(0x25, read_reg(vm, LAPIC_PPR));
	vm->run->regs.rdi = APIC + LAPIC_VERSION + 2;
	EXPECT_EQ(MINIVMX_EXIT_HYPERCALL, run_op(vm, READ_BYTE));
	EXPECT_EQ(5, vm->run->regs.rax);
	vm->run->regs.rdi = APIC + LAPIC_TPR;
	vm->run->regs.rax = 0x1a;
	EXPECT_EQ(MINIVMX_EXIT_HYPERCALL, run_op(vm, OR));
	EXPECT_EQ(0x3f, read_reg(vm, LAPIC_TPR));
	/* What is no register. */
	EXPECT_EQ(0, read_reg(vm, 0x40));
	write_reg(vm, LAPIC_ESR, 0);
	EXPECT_EQ(LAPIC_ERROR_REGISTER, read_reg(vm, LAPIC_ESR));
}

#define READABLE	(1 << 0)
#define WRITABLE	(1 << 1)
#define X_READABLE	(1 << 2)	/* in x2APIC mode */
#define X_WRITABLE	(1 << 3)

/* "Local APIC Register Address Map" and the one of x2APIC mode; 8 in a row are a map. */
static const struct register_row {
	uint16_t offset;
	uint8_t nr;
	uint8_t access;
	uint32_t ones;		/* what it reads as when all ones were written */
	uint32_t x_bits;	/* that may be written in x2APIC mode */
} registers[] = {
	{ LAPIC_ID, 1, READABLE | WRITABLE | X_READABLE, 0xff000000, 0 },
	{ LAPIC_VERSION, 1, READABLE | X_READABLE, 0x01050014, 0 },
	{ LAPIC_TPR, 1, READABLE | WRITABLE | X_READABLE | X_WRITABLE, 0xff, 0xff },
	{ LAPIC_APR, 1, READABLE, 0, 0 },
	{ LAPIC_PPR, 1, READABLE | X_READABLE, 0xff, 0 },
	{ LAPIC_EOI, 1, WRITABLE | X_WRITABLE, 0, 0 },
	{ LAPIC_RRD, 1, READABLE, 0, 0 },
	{ LAPIC_LDR, 1, READABLE | WRITABLE | X_READABLE, 0xff000000, 0 },
	{ LAPIC_DFR, 1, READABLE | WRITABLE, 0xffffffff, 0 },
	{ LAPIC_SVR, 1, READABLE | WRITABLE | X_READABLE | X_WRITABLE, 0x13ff, 0x13ff },
	{ LAPIC_ISR, 8, READABLE | X_READABLE, 0, 0 },
	{ LAPIC_TMR, 8, READABLE | X_READABLE, 0, 0 },
	{ LAPIC_IRR, 8, READABLE | X_READABLE, 0, 0 },
	{ LAPIC_ESR, 1, READABLE | WRITABLE | X_READABLE | X_WRITABLE, 0, 0 },
	{ LAPIC_ICR, 1, READABLE | WRITABLE | X_READABLE | X_WRITABLE, 0xccfff, 0xccfff },
	{ LAPIC_ICR_HIGH, 1, READABLE | WRITABLE, 0xff000000, 0 },
	{ LAPIC_LVT_TIMER, 1, READABLE | WRITABLE | X_READABLE | X_WRITABLE, 0x700ff, 0x710ff },
	{ LAPIC_LVT_THERMAL, 1, READABLE | WRITABLE | X_READABLE | X_WRITABLE, 0x107ff, 0x117ff },
	{ LAPIC_LVT_PERF, 1, READABLE | WRITABLE | X_READABLE | X_WRITABLE, 0x107ff, 0x117ff },
	{ LAPIC_LVT_LINT0, 1, READABLE | WRITABLE | X_READABLE | X_WRITABLE, 0x1a7ff, 0x1f7ff },
	{ LAPIC_LVT_LINT1, 1, READABLE | WRITABLE | X_READABLE | X_WRITABLE, 0x1a7ff, 0x1f7ff },
	{ LAPIC_LVT_ERROR, 1, READABLE | WRITABLE | X_READABLE | X_WRITABLE, 0x100ff, 0x110ff },
	{ LAPIC_TIMER_INITIAL, 1, READABLE | WRITABLE | X_READABLE | X_WRITABLE,
	  0xffffffff, 0xffffffff },
	{ LAPIC_TIMER_CURRENT, 1, READABLE | X_READABLE, 0, 0 },
	{ LAPIC_TIMER_DIVIDE, 1, READABLE | WRITABLE | X_READABLE | X_WRITABLE, 0xb, 0xb },
	{ LAPIC_SELF_IPI, 1, X_WRITABLE, 0, 0xff },
};

static const struct register_row *register_at(unsigned int offset)
{
	unsigned int i;

	for (i = 0; i < sizeof(registers) / sizeof(registers[0]); i++)
		if (offset >= registers[i].offset &&
		    offset < registers[i].offset + registers[i].nr * 16U)
			return &registers[i];
	return NULL;
}

static uint32_t taken_errors(VM *vm)
{
	write_reg(vm, LAPIC_ESR, 0);
	return read_reg(vm, LAPIC_ESR);
}

TEST_F(apic, every_register_in_memory)
{
	VM *vm = &self->vm;
	unsigned int offset;

	for (offset = 0; offset < LAPIC_SIZE; offset += 16) {
		const struct register_row *row = register_at(offset);
		unsigned int access = row ? row->access & (READABLE | WRITABLE) : 0;

		/* All ones is an interrupt to the next CPU that is not valid, or errors. */
		write_reg(vm, offset, ~0U);
		EXPECT_EQ(access ? 0 : LAPIC_ERROR_REGISTER, taken_errors(vm))
			TH_LOG("write to %#x", offset);
		/* The current count counts, and the error register was just written. */
		if (offset != LAPIC_TIMER_CURRENT)
			EXPECT_EQ(row ? row->ones : 0, read_reg(vm, offset))
				TH_LOG("%#x", offset);
		EXPECT_EQ(access ? 0 : LAPIC_ERROR_REGISTER, taken_errors(vm))
			TH_LOG("read of %#x", offset);
	}
}

/* Each of the 256 MSRs, which are registers or a #GP. */
TEST_F(apic, every_register_by_its_msr)
{
	VM *vm = &self->vm;
	uint64_t value;
	unsigned int i;

	set_x2apic(vm);
	for (i = 0; i < 256; i++) {
		const struct register_row *row = register_at(i * 16);
		bool readable = row && (row->access & X_READABLE);
		bool writable = row && (row->access & X_WRITABLE);

		EXPECT_EQ(readable ? MINIVMX_EXIT_HYPERCALL : VM_TRAP,
			  rdmsr(vm, 0x800 + i, &value)) TH_LOG("read of MSR %#x", 0x800 + i);
		EXPECT_EQ(writable ? MINIVMX_EXIT_HYPERCALL : VM_TRAP,
			  wrmsr(vm, 0x800 + i, 0)) TH_LOG("write to MSR %#x", 0x800 + i);
		/* The lowest bit that is reserved, if one is, and the highest. */
		if (!writable || i * 16 == LAPIC_ICR)
			continue;
		EXPECT_EQ(VM_TRAP, wrmsr(vm, 0x800 + i, (row->x_bits + 1UL) & ~(uint64_t)row->x_bits))
			TH_LOG("MSR %#x", 0x800 + i);
		EXPECT_EQ(VM_TRAP, wrmsr(vm, 0x800 + i, 1UL << 63)) TH_LOG("MSR %#x", 0x800 + i);
	}
	EXPECT_EQ(VM_TRAP, wrmsr(vm, MSR_X2APIC(LAPIC_ICR), 1 << 13));
	EXPECT_EQ(VM_TRAP, wrmsr(vm, MSR_X2APIC(LAPIC_ICR), 1 << 20));
}

TEST_F(apic, cr8_is_the_task_priority)
{
	VM *vm = &self->vm;

	vm->run->regs.rax = 7;
	EXPECT_EQ(MINIVMX_EXIT_HYPERCALL, run_op(vm, CR8));
	EXPECT_EQ(7, vm->run->regs.rbx);
	EXPECT_EQ(0x70, read_reg(vm, LAPIC_TPR));
	EXPECT_EQ(0, minivmx_get_sregs(vm->vcpu, &vm->sregs));
	EXPECT_EQ(7, vm->sregs.cr8);
}

TEST_F(apic, registers_by_msrs)
{
	VM *vm = &self->vm;
	uint64_t value;

	/* Not in xAPIC mode. */
	EXPECT_EQ(VM_TRAP, rdmsr(vm, MSR_X2APIC(LAPIC_ID), &value));
	EXPECT_EQ(GP, vm->trap.vector);
	set_x2apic(vm);
	EXPECT_EQ(MINIVMX_EXIT_HYPERCALL, rdmsr(vm, MSR_APIC_BASE, &value));
	EXPECT_EQ(APIC | 0xd00, value);
	EXPECT_EQ(MINIVMX_EXIT_HYPERCALL, rdmsr(vm, MSR_X2APIC(LAPIC_VERSION), &value));
	EXPECT_EQ(0x01050014, value);
	EXPECT_EQ(MINIVMX_EXIT_HYPERCALL, rdmsr(vm, MSR_X2APIC(LAPIC_LDR), &value));
	EXPECT_EQ(1, value);
	EXPECT_EQ(MINIVMX_EXIT_HYPERCALL, wrmsr(vm, MSR_X2APIC(LAPIC_TPR), 0x42));
	EXPECT_EQ(MINIVMX_EXIT_HYPERCALL, rdmsr(vm, MSR_X2APIC(LAPIC_TPR), &value));
	EXPECT_EQ(0x42, value);
	EXPECT_EQ(VM_TRAP, wrmsr(vm, MSR_X2APIC(LAPIC_TPR), 0x100));
	EXPECT_EQ(GP, vm->trap.vector);
	EXPECT_EQ(VM_TRAP, wrmsr(vm, MSR_X2APIC(LAPIC_EOI), 1));
	EXPECT_EQ(VM_TRAP, rdmsr(vm, MSR_X2APIC(LAPIC_EOI), &value));
	EXPECT_EQ(VM_TRAP, rdmsr(vm, MSR_X2APIC(LAPIC_DFR), &value));
	EXPECT_EQ(VM_TRAP, rdmsr(vm, 0x8ff, &value));
	/* There is no way back but by way of disabled. */
	EXPECT_EQ(VM_TRAP, wrmsr(vm, MSR_APIC_BASE, APIC | 0x900));
	EXPECT_EQ(MINIVMX_EXIT_HYPERCALL, wrmsr(vm, MSR_APIC_BASE, APIC | 0x100));
	EXPECT_EQ(MINIVMX_EXIT_HYPERCALL, wrmsr(vm, MSR_APIC_BASE, APIC | 0x900));
	EXPECT_EQ(0xff, read_reg(vm, LAPIC_SVR));
}

TEST_F(apic, where_it_is_not_memory_is_the_programs)
{
	VM *vm = &self->vm;

	vm->run->regs.rdi = APIC + LAPIC_VERSION;
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, wrmsr(vm, MSR_APIC_BASE, 0xfe000900));
	EXPECT_EQ(MINIVMX_EXIT_MMIO, run_op(vm, READ));
	EXPECT_EQ(APIC + LAPIC_VERSION, vm->run->mmio.gpa);
	vm->run->mmio.data = 0x1234;
	EXPECT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(vm));
	EXPECT_EQ(0x1234, vm->run->regs.rax);
	vm->run->regs.rdi = 0xfe000000 + LAPIC_VERSION;
	EXPECT_EQ(MINIVMX_EXIT_HYPERCALL, run_op(vm, READ));
	EXPECT_EQ(0x01050014, (uint32_t)vm->run->regs.rax);
	/* In x2APIC mode it is nowhere, nor if it is disabled. */
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, wrmsr(vm, MSR_APIC_BASE, 0xfe000d00));
	EXPECT_EQ(MINIVMX_EXIT_MMIO, run_op(vm, READ));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(vm));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, wrmsr(vm, MSR_APIC_BASE, 0xfe000100));
	EXPECT_EQ(MINIVMX_EXIT_MMIO, run_op(vm, READ));
}

/* The control that a module parameter turned off or on: apic_params_test.sh says it. */
static bool environment_has(const char *variable, const char *control)
{
	return !strcmp(getenv(variable) ?: "", control);
}

static bool cpu_has(VM *vm, enum minivmx_word word, uint32_t control)
{
	struct minivmx_caps caps;
	uint64_t must, may;

	vm_must(!minivmx_get_caps(vm->system, &caps));
	minivmx_word_limits(&caps, word, &must, &may);
	return may & control;
}

/* Is a guest with an APIC to have it? All need the TPR shadow. */
static bool has_control(VM *vm, enum minivmx_word word, uint32_t control, const char *name)
{
	return cpu_has(vm, word, control) && !environment_has("APIC_WITHOUT", name) &&
	       !environment_has("APIC_WITHOUT", "TPR_SHADOW");
}

#define HAS(word, control) has_control(vm, MINIVMX_WORD_##word, word##_##control, #control)

TEST_F(apic, what_the_cpu_does_is_no_exit)
{
	VM *vm = &self->vm;
	uint64_t value, reads, writes;
	uint32_t cpu, cpu2;

	set_x2apic(vm);
	cpu = vmcs_get(vm, CPU_BASED_CONTROLS);
	cpu2 = vmcs_get(vm, SECONDARY_CONTROLS);
	EXPECT_EQ(HAS(CPU, TPR_SHADOW), !!(cpu & CPU_TPR_SHADOW));
	EXPECT_EQ(HAS(CPU2, VIRTUALIZE_X2APIC), !!(cpu2 & CPU2_VIRTUALIZE_X2APIC));
	EXPECT_EQ(HAS(CPU2, APIC_REGISTERS), !!(cpu2 & CPU2_APIC_REGISTERS));
	EXPECT_EQ(HAS(CPU2, VIRTUAL_INTERRUPTS) &&
		  (cpu_has(vm, MINIVMX_WORD_PIN, PIN_POSTED_INTERRUPTS) ||
		   environment_has("APIC_WITH", "VIRTUAL_INTERRUPTS")),
		  !!(cpu2 & CPU2_VIRTUAL_INTERRUPTS));

	vm->run->regs.rax = 5;
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, run_op(vm, CR8));
	EXPECT_EQ(5, vm->run->regs.rbx);
	EXPECT_EQ(cpu & CPU_TPR_SHADOW ? 0 : 2, vm_count(vm, 28));
	reads = vm_count(vm, 31);
	writes = vm_count(vm, 32);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, wrmsr(vm, MSR_X2APIC(LAPIC_TPR), 0x30));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, rdmsr(vm, MSR_X2APIC(LAPIC_TPR), &value));
	EXPECT_EQ(0x30, value);
	EXPECT_EQ(cpu2 & CPU2_VIRTUALIZE_X2APIC ? 0 : 1, vm_count(vm, 31) - reads);
	EXPECT_EQ(cpu2 & CPU2_VIRTUALIZE_X2APIC ? 0 : 1, vm_count(vm, 32) - writes);
	reads = vm_count(vm, 31);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, rdmsr(vm, MSR_X2APIC(LAPIC_SVR), &value));
	EXPECT_EQ(SW_ENABLED, value);
	EXPECT_EQ((cpu2 & CPU2_VIRTUALIZE_X2APIC) && (cpu2 & CPU2_APIC_REGISTERS) ? 0 : 1,
		  vm_count(vm, 31) - reads);
	writes = vm_count(vm, 32);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, wrmsr(vm, MSR_X2APIC(LAPIC_EOI), 0));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, wrmsr(vm, MSR_X2APIC(LAPIC_SELF_IPI), 0x44));
	EXPECT_EQ((cpu2 & CPU2_VIRTUALIZE_X2APIC) && (cpu2 & CPU2_VIRTUAL_INTERRUPTS) ? 0 : 2,
		  vm_count(vm, 32) - writes);
	EXPECT_EQ(0x44, taken(vm));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(vm));
}

/* ---- The page, if the CPU virtualizes accesses to it ---- */

/* VM exits, by the manual's numbers. */
enum { EPT_VIOLATION = 48, APIC_ACCESS = 44, APIC_WRITE = 56 };

static uint64_t page_exits(VM *vm)
{
	return vm_count(vm, EPT_VIOLATION) + vm_count(vm, APIC_ACCESS) +
	       vm_count(vm, APIC_WRITE);
}

TEST_F(apic, what_the_cpu_does_in_the_page_is_no_exit)
{
	VM *vm = &self->vm;
	uint32_t cpu2 = vmcs_get(vm, SECONDARY_CONTROLS);
	bool page = cpu2 & CPU2_VIRTUALIZE_APIC;
	bool registers = page && (cpu2 & CPU2_APIC_REGISTERS);
	uint64_t before;

	EXPECT_EQ(HAS(CPU2, VIRTUALIZE_APIC), page);
	read_reg(vm, LAPIC_SVR);	/* it is mapped at the latest now */
	before = page_exits(vm);
	write_reg(vm, LAPIC_TPR, 0x30);
	EXPECT_EQ(0x30, read_reg(vm, LAPIC_TPR));
	EXPECT_EQ(page ? 0 : 2, page_exits(vm) - before);
	before = page_exits(vm);
	EXPECT_EQ(SW_ENABLED, read_reg(vm, LAPIC_SVR));
	EXPECT_EQ(registers ? 0 : 1, page_exits(vm) - before);
	before = vm_count(vm, registers ? APIC_WRITE : page ? APIC_ACCESS : EPT_VIOLATION);
	write_reg(vm, LAPIC_LVT_LINT0, 0xffffffff);
	EXPECT_EQ(1, vm_count(vm, registers ? APIC_WRITE : page ? APIC_ACCESS :
							    EPT_VIOLATION) - before);
	EXPECT_EQ(0x1a7ff, read_reg(vm, LAPIC_LVT_LINT0));
	before = page_exits(vm);
	write_reg(vm, LAPIC_EOI, 0);
	EXPECT_EQ(page && (cpu2 & CPU2_VIRTUAL_INTERRUPTS) ? 0 : 1, page_exits(vm) - before);
}

/* As the CPU has them, and the module where it has not. */
TEST_F(apic, bytes_and_words_of_registers)
{
	VM *vm = &self->vm;

	write_reg(vm, LAPIC_LVT_LINT1, 0x10000);
	vm->run->regs.rdi = APIC + LAPIC_LVT_LINT1;
	vm->run->regs.rax = 0x41;
	EXPECT_EQ(MINIVMX_EXIT_HYPERCALL, run_op(vm, WRITE_BYTE));
	EXPECT_EQ(0x10041, read_reg(vm, LAPIC_LVT_LINT1));
	vm->run->regs.rdi = APIC + LAPIC_LVT_LINT1 + 2;
	vm->run->regs.rax = 0;
	EXPECT_EQ(MINIVMX_EXIT_HYPERCALL, run_op(vm, WRITE_BYTE));
	EXPECT_EQ(0x41, read_reg(vm, LAPIC_LVT_LINT1));
	vm->run->regs.rdi = APIC + LAPIC_LVT_LINT1;
	EXPECT_EQ(MINIVMX_EXIT_HYPERCALL, run_op(vm, READ_BYTE));
	EXPECT_EQ(0x41, vm->run->regs.rax);
	/* Eight bytes write nothing. */
	vm->run->regs.rax = 0x77;
	EXPECT_EQ(MINIVMX_EXIT_HYPERCALL, run_op(vm, WRITE_QUAD));
	EXPECT_EQ(0x41, read_reg(vm, LAPIC_LVT_LINT1));
}

/* "TSC-Deadline Mode": there is no count, and none can be written. */
TEST_F(apic, a_count_ends_with_its_mode)
{
	VM *vm = &self->vm;

	write_reg(vm, LAPIC_TIMER_DIVIDE, 0xffffffff);
	EXPECT_EQ(11, read_reg(vm, LAPIC_TIMER_DIVIDE));
	write_reg(vm, LAPIC_LVT_TIMER, 1 << 16 | 0x81);
	write_reg(vm, LAPIC_TIMER_INITIAL, 0xf0000000);
	EXPECT_NE(0, read_reg(vm, LAPIC_TIMER_CURRENT));
	write_reg(vm, LAPIC_LVT_TIMER, 2 << 17 | 1 << 16 | 0x81);
	EXPECT_EQ(0, read_reg(vm, LAPIC_TIMER_CURRENT));
	EXPECT_EQ(0, read_reg(vm, LAPIC_TIMER_INITIAL));
	write_reg(vm, LAPIC_TIMER_INITIAL, 5);
	EXPECT_EQ(0, read_reg(vm, LAPIC_TIMER_INITIAL));
	EXPECT_EQ(2 << 17 | 1 << 16 | 0x81, read_reg(vm, LAPIC_LVT_TIMER));
}

TEST_F(apic, memory_comes_before_its_page)
{
	VM *vm = &self->vm;
	uint32_t *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			      -1, 0);

	ASSERT_NE(MAP_FAILED, page);
	page[LAPIC_VERSION / 4] = 0x12345678;
	EXPECT_EQ(0x01050014, read_reg(vm, LAPIC_VERSION));
	ASSERT_EQ(0, minivmx_map(vm->fd, APIC, page, 4096,
				 MINIVMX_PROT_READ | MINIVMX_PROT_WRITE));
	EXPECT_EQ(0x12345678, read_reg(vm, LAPIC_VERSION));
	write_reg(vm, LAPIC_TPR, 0x77);
	EXPECT_EQ(0x77, page[LAPIC_TPR / 4]);
	/* Its going elsewhere and coming back leaves memory alone. */
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, wrmsr(vm, MSR_APIC_BASE, 0xfe000900));
	EXPECT_EQ(0x77, read_reg(vm, LAPIC_TPR));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, wrmsr(vm, MSR_APIC_BASE, APIC | 0x900));
	EXPECT_EQ(0x77, read_reg(vm, LAPIC_TPR));
	ASSERT_EQ(0, minivmx_unmap(vm->fd, APIC, 4096));
	EXPECT_EQ(0, read_reg(vm, LAPIC_TPR));
	EXPECT_EQ(0x01050014, read_reg(vm, LAPIC_VERSION));
	munmap(page, 4096);
}

/* A vCPU without an APIC there has the program's device there, whatever others have. */
TEST_F(apic, two_that_differ_in_where_it_is)
{
	VM *vm = &self->vm, other = *vm;
	struct minivmx_apic state;
	uint32_t regs[MINIVMX_APIC_SIZE / 4];
	const uint64_t bases[] = { 0xfe000800, APIC | 0xc00, APIC };
	unsigned int i;

	vm_new_vcpu(&other, 1);
	vm_long(&other, ops);
	ASSERT_EQ(0, minivmx_get_apic(other.vcpu, &state, regs));
	state.activity = MINIVMX_ACTIVITY_RUNNING;
	ASSERT_EQ(0, minivmx_set_apic(other.vcpu, &state));
	for (i = 0; i < 3; i++) {
		state.base = APIC | 0x800;
		ASSERT_EQ(0, minivmx_set_apic(other.vcpu, &state));
		EXPECT_EQ(1 << 24, read_reg(&other, LAPIC_ID));
		EXPECT_EQ(0, read_reg(vm, LAPIC_ID));
		state.base = bases[i];
		ASSERT_EQ(0, minivmx_set_apic(other.vcpu, &state));
		other.run->regs.rdi = APIC + LAPIC_ID;
		EXPECT_EQ(MINIVMX_EXIT_MMIO, run_op(&other, READ));
		EXPECT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(&other));
		write_reg(vm, LAPIC_TPR, 0x20 + i);
		EXPECT_EQ(0x20 + i, read_reg(vm, LAPIC_TPR));
	}
	minivmx_unmap_run(other.run, other.info.run_size);
	close(other.vcpu);
}

/* A route to the program is one, whoever would do it otherwise. */
TEST_F(apic, a_routed_msr_exits_all_the_same)
{
	VM *vm = &self->vm;
	uint64_t value;
	struct minivmx_msr_route route = {
		.first = MSR_X2APIC(LAPIC_TPR), .last = MSR_X2APIC(LAPIC_TPR),
		.access = MINIVMX_MSR_READ | MINIVMX_MSR_WRITE, .route = MINIVMX_ROUTE_USER,
	};

	ASSERT_EQ(0, minivmx_set_msr_route(vm->vcpu, &route));
	set_x2apic(vm);
	EXPECT_EQ(MINIVMX_EXIT_VMX, rdmsr(vm, MSR_X2APIC(LAPIC_TPR), &value));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(vm));
	route.route = MINIVMX_ROUTE_GP;
	ASSERT_EQ(0, minivmx_set_msr_route(vm->vcpu, &route));
	EXPECT_EQ(VM_TRAP, wrmsr(vm, MSR_X2APIC(LAPIC_TPR), 0));
	EXPECT_EQ(GP, vm->trap.vector);
	route.route = MINIVMX_ROUTE_KERNEL;
	ASSERT_EQ(0, minivmx_set_msr_route(vm->vcpu, &route));
	EXPECT_EQ(MINIVMX_EXIT_HYPERCALL, wrmsr(vm, MSR_X2APIC(LAPIC_TPR), 0x20));
	EXPECT_EQ(MINIVMX_EXIT_HYPERCALL, rdmsr(vm, MSR_X2APIC(LAPIC_TPR), &value));
	EXPECT_EQ(0x20, value);
}

/* ---- Interrupts ---- */

TEST_F(apic, an_ipi_to_itself)
{
	VM *vm = &self->vm;

	EXPECT_EQ(-1, taken(vm));
	write_reg(vm, LAPIC_ICR, 1 << 18 | 0x31);
	EXPECT_EQ(1 << 17, read_reg(vm, LAPIC_IRR + 0x10));
	EXPECT_EQ(0x31, taken(vm));
	end_interrupt(vm);
	EXPECT_EQ(-1, taken(vm));
	EXPECT_EQ(0, read_reg(vm, LAPIC_IRR + 0x10));
}

TEST_F(apic, the_highest_first_and_the_others_after_its_eoi)
{
	VM *vm = &self->vm;

	write_reg(vm, LAPIC_ICR, 1 << 18 | 0x31);
	write_reg(vm, LAPIC_ICR, 1 << 18 | 0x52);
	write_reg(vm, LAPIC_ICR, 1 << 18 | 0x41);
	EXPECT_EQ(0x52, taken(vm));
	vm_skip(vm);
	EXPECT_EQ(1 << 18, read_reg(vm, LAPIC_ISR + 0x20));
	EXPECT_EQ(-1, taken(vm));
	vm->run->regs.rdi = APIC + LAPIC_EOI;
	EXPECT_EQ(MINIVMX_EXIT_HYPERCALL, run_op(vm, EOI));
	EXPECT_EQ(0x41, taken(vm));
	end_interrupt(vm);
	/* CR8 holds it back. */
	vm->run->regs.rax = 3;
	EXPECT_EQ(MINIVMX_EXIT_HYPERCALL, run_op(vm, CR8));
	EXPECT_EQ(-1, taken(vm));
	vm->run->regs.rax = 2;
	EXPECT_EQ(MINIVMX_EXIT_HYPERCALL, run_op(vm, CR8));
	EXPECT_EQ(0x31, taken(vm));
	end_interrupt(vm);
	EXPECT_EQ(-1, taken(vm));
}

/* The guest enters nothing anew: it lowers its priority, and there it is. */
TEST_F(apic, what_tpr_held_back_comes_when_it_is_lowered)
{
	VM *vm = &self->vm;

	write_reg(vm, LAPIC_TPR, 0x50);
	write_reg(vm, LAPIC_ICR, 1 << 18 | 0x41);
	EXPECT_EQ(-1, taken(vm));
	vm->run->regs.rax = 3;
	EXPECT_EQ(VM_TRAP, run_op(vm, CR8_SPIN));
	EXPECT_EQ(0x41, vm->trap.vector);
	/* Out of the endless loop. */
	*(uint64_t *)vm->trap.frame = VM_CODE + 16 * OPEN;
	end_interrupt(vm);
	write_reg(vm, LAPIC_TPR, 0x80);
	write_reg(vm, LAPIC_ICR, 1 << 18 | 0x71);
	EXPECT_EQ(-1, taken(vm));
	vm->run->regs.rdi = APIC + LAPIC_TPR;
	vm->run->regs.rax = 0x60;
	EXPECT_EQ(VM_TRAP, run_op(vm, WRITE_SPIN));
	EXPECT_EQ(0x71, vm->trap.vector);
}

TEST_F(apic, an_nmi_by_ipi)
{
	VM *vm = &self->vm;

	vm->run->regs.rdi = APIC + LAPIC_ICR;
	vm->run->regs.rax = 4 << 8;
	EXPECT_EQ(VM_TRAP, run_op(vm, WRITE));
	EXPECT_EQ(NMI, vm->trap.vector);
	EXPECT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(vm));
}

/* ---- Messages from outside ---- */

TEST_F(apic, msi)
{
	VM *vm = &self->vm;

	EXPECT_EQ(0, minivmx_signal_msi(vm->fd, APIC, 0x77));
	EXPECT_EQ(0, minivmx_signal_msi(vm->fd, APIC, 0x77));
	EXPECT_EQ(0x77, taken(vm));
	end_interrupt(vm);
	EXPECT_EQ(-1, taken(vm));
	/* For nobody, and with an illegal vector. */
	EXPECT_EQ(0, minivmx_signal_msi(vm->fd, APIC | 5 << 12, 0x77));
	EXPECT_EQ(-1, taken(vm));
	EXPECT_EQ(0, minivmx_signal_msi(vm->fd, APIC, 7));
	EXPECT_EQ(-1, taken(vm));
	write_reg(vm, LAPIC_ESR, 0);
	EXPECT_EQ(LAPIC_ERROR_RECEIVE_ILLEGAL, read_reg(vm, LAPIC_ESR));
	EXPECT_EQ(-EINVAL, minivmx_signal_msi(vm->fd, 0xfed00000, 0x77));
	EXPECT_EQ(-EINVAL, minivmx_signal_msi(vm->fd, APIC | 1UL << 32, 0x77));
}

TEST_F(apic, the_eoi_of_a_level_triggered_one_is_an_exit)
{
	VM *vm = &self->vm;

	EXPECT_EQ(0, minivmx_signal_msi(vm->fd, APIC, 1 << 15 | 1 << 14 | 0x66));
	EXPECT_EQ(0x66, taken(vm));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(vm));
	vm->run->regs.rdi = APIC + LAPIC_EOI;
	EXPECT_EQ(MINIVMX_EXIT_EOI, run_op(vm, EOI));
	EXPECT_EQ(0x66, vm->run->eoi.vector);
	EXPECT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(vm));
}

/* ---- HLT ---- */

struct sender {
	VM *vm;
	uint64_t address;
	uint32_t data;
	useconds_t delay;
	bool kick;
};

static void *send_later(void *arg)
{
	struct sender *sender = arg;

	usleep(sender->delay);
	if (sender->kick)
		vm_must(!minivmx_kick(sender->vm->vcpu));
	else
		vm_must(!minivmx_signal_msi(sender->vm->fd, sender->address, sender->data));
	return NULL;
}

static int run_while_sent(VM *vm, enum op op, struct sender *sender)
{
	pthread_t thread;
	int kind;

	sender->vm = vm;
	sender->delay = 20000;
	vm_must(!pthread_create(&thread, NULL, send_later, sender));
	kind = run_op(vm, op);
	vm_must(!pthread_join(thread, NULL));
	return kind;
}

TEST_F(apic, hlt_sleeps_until_an_interrupt_comes)
{
	struct sender sender = { .address = APIC, .data = 0x91 };
	VM *vm = &self->vm;

	EXPECT_EQ(VM_TRAP, run_while_sent(vm, HALT, &sender));
	EXPECT_EQ(0x91, vm->trap.vector);
	end_interrupt(vm);
	EXPECT_EQ(0, vm_count(vm, 12) - 1);
	/* One that is running gets it as well. */
	EXPECT_EQ(VM_TRAP, run_while_sent(vm, SPIN, &sender));
	EXPECT_EQ(0x91, vm->trap.vector);
}

TEST_F(apic, a_kick_ends_the_sleep_of_run)
{
	struct sender sender = { .kick = true };
	VM *vm = &self->vm;
	struct minivmx_apic state;
	uint32_t regs[MINIVMX_APIC_SIZE / 4];
	pthread_t thread;

	sender.vm = vm;
	sender.delay = 20000;
	ASSERT_EQ(0, pthread_create(&thread, NULL, send_later, &sender));
	vm->run->regs.rip = VM_CODE + 16 * HALT;
	vm->run->action = MINIVMX_RETRY;
	ASSERT_EQ(0, minivmx_run(vm->vcpu));
	EXPECT_EQ(MINIVMX_EXIT_INTR, vm->run->kind);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(0, minivmx_get_apic(vm->vcpu, &state, regs));
	EXPECT_EQ(MINIVMX_ACTIVITY_HALTED, state.activity);
	/* It is still halted, and woken by what comes now. */
	EXPECT_EQ(0, minivmx_signal_msi(vm->fd, APIC, 0x92));
	EXPECT_EQ(VM_TRAP, vm_run(vm));
	EXPECT_EQ(0x92, vm->trap.vector);
}

static void on_alarm(int number)
{
	(void)number;
}

TEST_F(apic, a_signal_ends_the_sleep_of_run)
{
	const struct sigaction action = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
	const struct itimerval later = { .it_value.tv_usec = 20000 };
	VM *vm = &self->vm;
	struct minivmx_apic state;
	uint32_t regs[MINIVMX_APIC_SIZE / 4];

	ASSERT_EQ(0, sigaction(SIGALRM, &action, NULL));
	vm->run->regs.rip = VM_CODE + 16 * HALT;
	vm->run->action = MINIVMX_RETRY;
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &later, NULL));
	EXPECT_EQ(-EINTR, minivmx_run(vm->vcpu));
	EXPECT_EQ(MINIVMX_EXIT_INTR, vm->run->kind);
	EXPECT_EQ(0, minivmx_get_apic(vm->vcpu, &state, regs));
	EXPECT_EQ(MINIVMX_ACTIVITY_HALTED, state.activity);
	EXPECT_EQ(0, minivmx_signal_msi(vm->fd, APIC, 0x93));
	EXPECT_EQ(VM_TRAP, vm_run(vm));
	EXPECT_EQ(0x93, vm->trap.vector);
}

TEST_F(apic, hlt_without_interrupts_is_an_exit)
{
	struct sender nmi = { .address = APIC, .data = 0x400 };
	VM *vm = &self->vm;
	pthread_t thread;

	EXPECT_EQ(MINIVMX_EXIT_HLT, run_op(vm, HALT_CLI));
	/* It halts all the same: an NMI can wake it. */
	nmi.vm = vm;
	nmi.delay = 20000;
	ASSERT_EQ(0, pthread_create(&thread, NULL, send_later, &nmi));
	EXPECT_EQ(VM_TRAP, vm_skip(vm));
	EXPECT_EQ(NMI, vm->trap.vector);
	ASSERT_EQ(0, pthread_join(thread, NULL));
}

TEST_F(apic, a_window_for_the_pic_opens_when_lint0_does)
{
	VM *vm = &self->vm;

	write_reg(vm, LAPIC_LVT_LINT0, 1 << 16 | 7 << 8);
	vm->run->request = MINIVMX_REQ_IRQ_WINDOW;
	EXPECT_EQ(MINIVMX_EXIT_HYPERCALL, run_op(vm, OPEN));
	EXPECT_EQ(0, vm->run->ready & MINIVMX_READY_IRQ);
	write_reg(vm, LAPIC_LVT_LINT0, 7 << 8);
	EXPECT_EQ(MINIVMX_EXIT_IRQ_WINDOW, run_op(vm, OPEN));
	EXPECT_NE(0, vm->run->ready & MINIVMX_READY_IRQ);
}

/* ---- Timers ---- */

TEST_F(apic, one_shot_timer)
{
	VM *vm = &self->vm;

	write_reg(vm, LAPIC_TIMER_DIVIDE, 11);
	write_reg(vm, LAPIC_LVT_TIMER, 0x81);
	write_reg(vm, LAPIC_TIMER_INITIAL, vm->info.tsc_khz * 10);
	EXPECT_LT(0, read_reg(vm, LAPIC_TIMER_CURRENT));
	EXPECT_EQ(VM_TRAP, run_op(vm, HALT));
	EXPECT_EQ(0x81, vm->trap.vector);
	end_interrupt(vm);
	EXPECT_EQ(0, read_reg(vm, LAPIC_TIMER_CURRENT));
	EXPECT_EQ(vm->info.tsc_khz * 10, read_reg(vm, LAPIC_TIMER_INITIAL));
}

TEST_F(apic, periodic_timer)
{
	VM *vm = &self->vm;
	int i;

	write_reg(vm, LAPIC_TIMER_DIVIDE, 11);
	write_reg(vm, LAPIC_LVT_TIMER, 1 << 17 | 0x82);
	write_reg(vm, LAPIC_TIMER_INITIAL, vm->info.tsc_khz * 5);
	for (i = 0; i < 5; i++) {
		EXPECT_EQ(VM_TRAP, run_op(vm, i % 2 ? HALT : SPIN));
		EXPECT_EQ(0x82, vm->trap.vector);
		if (i % 2 == 0) {
			/* Out of the endless loop that was interrupted. */
			*(uint64_t *)vm->trap.frame = VM_CODE + 16 * OPEN;
		}
		end_interrupt(vm);
	}
	/* One tick long it keeps nobody from working. */
	write_reg(vm, LAPIC_TIMER_INITIAL, 1);
	EXPECT_EQ(1, read_reg(vm, LAPIC_TIMER_INITIAL));
	write_reg(vm, LAPIC_TIMER_INITIAL, 0);
}

TEST_F(apic, tsc_deadline_timer)
{
	VM *vm = &self->vm;
	uint64_t now, value;

	/* In another mode it is not there to be written. */
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, wrmsr(vm, MSR_DEADLINE, 1));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, rdmsr(vm, MSR_DEADLINE, &value));
	EXPECT_EQ(0, value);
	write_reg(vm, LAPIC_LVT_TIMER, 2 << 17 | 0x83);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, rdmsr(vm, 0x10, &now));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, wrmsr(vm, MSR_DEADLINE, now + vm->info.tsc_khz * 10));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, rdmsr(vm, MSR_DEADLINE, &value));
	EXPECT_EQ(now + vm->info.tsc_khz * 10, value);
	EXPECT_EQ(VM_TRAP, run_op(vm, HALT));
	EXPECT_EQ(0x83, vm->trap.vector);
	end_interrupt(vm);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, rdmsr(vm, 0x10, &value));
	EXPECT_LE(now + vm->info.tsc_khz * 10, value);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, rdmsr(vm, MSR_DEADLINE, &value));
	EXPECT_EQ(0, value);
	/* One in the past comes at once. */
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, wrmsr(vm, MSR_DEADLINE, 1));
	EXPECT_EQ(VM_TRAP, run_op(vm, HALT));
	EXPECT_EQ(0x83, vm->trap.vector);
	end_interrupt(vm);
	/* The guest moves its TSC up to it. */
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, wrmsr(vm, MSR_DEADLINE, now + (1UL << 50)));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, wrmsr(vm, 0x10, now + (1UL << 50)));
	EXPECT_EQ(VM_TRAP, run_op(vm, HALT));
	EXPECT_EQ(0x83, vm->trap.vector);
	end_interrupt(vm);
	/* Or the program does. */
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, wrmsr(vm, MSR_DEADLINE, now + (1UL << 51)));
	vmcs_set(vm, TSC_OFFSET, vmcs_get(vm, TSC_OFFSET) + (1UL << 50));
	EXPECT_EQ(VM_TRAP, run_op(vm, HALT));
	EXPECT_EQ(0x83, vm->trap.vector);
}

/* ---- More than one CPU ---- */

/* What the second does, from page 40H on: count, say so by an IPI, halt. */
GUEST16(ap_code,
	"mov $0x4000, %ax; mov %ax, %ds; incw 0; mov %cs, 2; hlt; 1: incw 4; hlt; jmp 1b");

struct second {
	VM vm;			/* of the first, with a vCPU of its own */
	pthread_t thread;
	volatile int kind;
};

static void *run_second(void *arg)
{
	struct second *second = arg;

	second->kind = vm_run(&second->vm);
	return NULL;
}

static void start_second(VM *vm, struct second *second)
{
	second->vm = *vm;
	second->kind = -1;
	vm_new_vcpu(&second->vm, 1);
	memcpy(vm_at(vm, 0x30000), ap_code, ap_code_end - ap_code);
	memset(vm_at(vm, VM_DATA), 0, 8);
	vm_must(!pthread_create(&second->thread, NULL, run_second, second));
}

static uint16_t second_count(VM *vm, int which)
{
	return ((volatile uint16_t *)vm_at(vm, VM_DATA))[which];
}

static void stop_second(struct second *second)
{
	minivmx_unmap_run(second->vm.run, second->vm.info.run_size);
	close(second->vm.vcpu);
}

static void ipi(VM *vm, unsigned int id, uint32_t icr)
{
	write_reg(vm, LAPIC_ICR_HIGH, id << 24);
	write_reg(vm, LAPIC_ICR, icr);
}

#define INIT_IPI	(5 << 8 | 1 << 14)
#define SIPI_IPI	(6 << 8 | 1 << 14)

static bool await_count(VM *vm, int which, uint16_t count)
{
	int i;

	for (i = 0; i < 1000 && second_count(vm, which) != count; i++)
		usleep(1000);
	return second_count(vm, which) == count;
}

TEST_F(apic, init_and_sipi)
{
	VM *vm = &self->vm;
	struct minivmx_apic state;
	uint32_t regs[MINIVMX_APIC_SIZE / 4];
	struct second second;

	start_second(vm, &second);
	usleep(20000);
	EXPECT_EQ(0, second_count(vm, 0));
	/* Its thread sleeps, and lends it all the same. */
	EXPECT_EQ(0, minivmx_get_apic(second.vm.vcpu, &state, regs));
	EXPECT_EQ(MINIVMX_ACTIVITY_WAIT_FOR_SIPI, state.activity);
	EXPECT_EQ(APIC | 0x800, state.base);
	ipi(vm, 1, INIT_IPI);
	ipi(vm, 1, SIPI_IPI | 0x30);
	EXPECT_TRUE(await_count(vm, 0, 1));
	EXPECT_EQ(0x3000, second_count(vm, 1));
	/* It halts with interrupts disabled, which the program is told. */
	ASSERT_EQ(0, pthread_join(second.thread, NULL));
	EXPECT_EQ(MINIVMX_EXIT_HLT, second.kind);
	/* A second SIPI does nothing, and an INIT begins all over. */
	second.vm.run->action = MINIVMX_SKIP;
	ipi(vm, 1, SIPI_IPI | 0x30);
	ipi(vm, 1, INIT_IPI);
	ipi(vm, 1, SIPI_IPI | 0x30);
	EXPECT_EQ(MINIVMX_EXIT_HLT, vm_skip(&second.vm));
	EXPECT_EQ(2, second_count(vm, 0));
	stop_second(&second);
}

TEST_F(apic, an_nmi_does_not_wake_one_that_waits_for_a_sipi)
{
	VM *vm = &self->vm;
	struct second second;

	start_second(vm, &second);
	ipi(vm, 1, 4 << 8 | 1 << 14);
	usleep(20000);
	EXPECT_EQ(0, second_count(vm, 0));
	EXPECT_EQ(0, minivmx_kick(second.vm.vcpu));
	ipi(vm, 1, SIPI_IPI | 0x30);
	EXPECT_TRUE(await_count(vm, 0, 1));
	ASSERT_EQ(0, pthread_join(second.thread, NULL));
	stop_second(&second);
}

/* Numbered interrupts, counted by their handlers in a loop of 64-bit code. */
TEST_F(apic, none_is_lost_and_none_doubled)
{
	const unsigned int nr = rounds(300, 100000);
	VM *vm = &self->vm;
	unsigned int i, seen;

	for (i = seen = 0; i < nr; i++) {
		uint8_t vector = 32 + i % 224;

		vm_must(!minivmx_signal_msi(vm->fd, APIC, vector));
		if (taken(vm) == vector)
			seen++;
		end_interrupt(vm);
	}
	EXPECT_EQ(nr, seen);
	EXPECT_EQ(-1, taken(vm));
}

/* ---- The state ---- */

TEST_F(apic, get_and_set)
{
	VM *vm = &self->vm;
	struct minivmx_apic state;
	uint32_t regs[MINIVMX_APIC_SIZE / 4];

	ASSERT_EQ(0, minivmx_get_apic(vm->vcpu, &state, regs));
	EXPECT_EQ(APIC | 0x900, state.base);
	EXPECT_EQ(MINIVMX_ACTIVITY_RUNNING, state.activity);
	EXPECT_EQ(SW_ENABLED, regs[LAPIC_SVR / 4]);
	regs[LAPIC_IRR / 4 + 4 * 2] |= 1 << 5;
	regs[LAPIC_TPR / 4] = 0x10;
	ASSERT_EQ(0, minivmx_set_apic(vm->vcpu, &state));
	EXPECT_EQ(0x45, taken(vm));
	end_interrupt(vm);
	EXPECT_EQ(0x10, read_reg(vm, LAPIC_TPR));
	/* Whatever it is, it is a state. */
	memset(regs, 0xff, sizeof(regs));
	EXPECT_EQ(0, minivmx_set_apic(vm->vcpu, &state));
	EXPECT_EQ(0x01050014, read_reg(vm, LAPIC_VERSION));
	EXPECT_EQ(0xffff0000, read_reg(vm, LAPIC_IRR));
}

TEST_F(apic, refusals)
{
	VM *vm = &self->vm, plain;
	struct minivmx_apic state, bad;
	uint32_t regs[MINIVMX_APIC_SIZE / 4];

	ASSERT_EQ(0, minivmx_get_apic(vm->vcpu, &state, regs));
	bad = state;
	bad.activity = 3;
	EXPECT_EQ(-EINVAL, minivmx_set_apic(vm->vcpu, &bad));
	bad = state;
	bad.base = APIC | 0x400;
	EXPECT_EQ(-EINVAL, minivmx_set_apic(vm->vcpu, &bad));
	bad = state;
	bad.base |= 1UL << 50;
	EXPECT_EQ(-EINVAL, minivmx_set_apic(vm->vcpu, &bad));
	bad = state;
	bad.errors = 0x100;
	EXPECT_EQ(-EINVAL, minivmx_set_apic(vm->vcpu, &bad));
	bad = state;
	bad.reserved = 1;
	EXPECT_EQ(-EINVAL, minivmx_set_apic(vm->vcpu, &bad));
	bad = state;
	bad.regs = 8;
	EXPECT_EQ(-EFAULT, minivmx_set_apic(vm->vcpu, &bad));

	vm_flags = 0;
	vm_create_empty(&plain);
	EXPECT_EQ(-ENODEV, minivmx_get_apic(plain.vcpu, &state, regs));
	EXPECT_EQ(-ENODEV, minivmx_set_apic(plain.vcpu, &state));
	EXPECT_EQ(-ENODEV, minivmx_signal_msi(plain.fd, APIC, 0x77));
	vm_destroy(&plain);
}

TEST_HARNESS_MAIN
