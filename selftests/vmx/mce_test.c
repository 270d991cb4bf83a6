// SPDX-License-Identifier: GPL-2.0
/*
 * Machine checks: the MSRs, what the guest and what the program may write there, CR4.MCE,
 * and the exception ("Machine-Check Architecture").
 */
#include "msr.h"
#include "vmcs.h"

#define MCG_CAP		0x179
#define MCG_STATUS	0x17a
#define MCG_CTL		0x17b
#define NR_BANKS	10
#define MC(bank, reg)	(0x400 + 4 * (bank) + (reg))
enum { CTL, STATUS, ADDR, MISC, NR_REGS };

/* IA32_MCG_STATUS */
#define RIPV		(1 << 0)
#define EIPV		(1 << 1)
#define MCIP		(1 << 2)

#define MC_VECTOR	18

/* A memory error, uncorrected, with an address and more: VAL, UC, EN, MISCV, ADDRV, PCC. */
#define AN_ERROR	0xbe0000000000009fUL
#define AN_ADDRESS	0x12345000UL

#define EXCEPTION	MINIVMX_EVENT_EXCEPTION

GUEST64(nops, "nop; nop; vmcall");

/* In 64-bit mode, enabled by the guest or not. */
static void start(VM *self, const char *code, size_t size, uint64_t mce)
{
	vm_long_(self, code, size);
	self->sregs.cr4 |= mce;
	vm_set_sregs(self);
}

#define START(self, code, mce)	start(self, code, code##_end - code, mce)

/* A guest's read of ~0, which guest_read() cannot tell from a #GP. */
#define EXPECT_GUEST_READS_ONES(index)					\
do {									\
	EXPECT_EQ(~0UL, guest_read(self, index));			\
	EXPECT_EQ(MINIVMX_EXIT_HYPERCALL, self->run->kind);		\
} while (0)

/* ---- What there is ---- */

GUEST64(cpuid_1, "mov $1, %eax; cpuid; vmcall");

TEST_F(vm, cpuid_shows_mce_and_mca)
{
	vm_long(self, cpuid_1);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(1 << 7 | 1 << 14, self->run->regs.rdx & (1 << 7 | 1 << 14));
}

TEST_F(vm, mcg_cap_has_ten_banks_and_is_read_only)
{
	EXPECT_EQ(NR_BANKS | 1 << 8, guest_read(self, MCG_CAP));
	EXPECT_EQ(REFUSED, guest_write(self, MCG_CAP, NR_BANKS | 1 << 8));
	EXPECT_EQ(REFUSED, guest_write(self, MCG_CAP, 0));
	EXPECT_EQ(-EINVAL, user_write(self, MCG_CAP, 1));
	EXPECT_EQ(NR_BANKS | 1 << 8, user_read(self, MCG_CAP));
}

TEST_F(vm, all_is_zero_after_reset)
{
	unsigned int i;

	EXPECT_EQ(0, guest_read(self, MCG_STATUS));
	EXPECT_EQ(0, guest_read(self, MCG_CTL));
	for (i = MC(0, CTL); i < MC(NR_BANKS, CTL); i++)
		EXPECT_EQ(0, guest_read(self, i)) TH_LOG("MSR %#x", i);
}

TEST_F(vm, what_mcg_cap_does_not_show_does_not_exist)
{
	static const uint32_t indices[] = {
		MC(NR_BANKS, CTL), MC(NR_BANKS, STATUS), MC(NR_BANKS, ADDR), MC(NR_BANKS, MISC),
		MC(0, CTL) - 1,
		0x178, 0x17c,
		0x180,		/* MCG_RAX: bit 9 */
		0x280, 0x289,	/* MC0_CTL2, MC9_CTL2: bit 10 */
		0x4d0,		/* MCG_EXT_CTL: bit 27 */
	};
	unsigned int i;

	for (i = 0; i < ARRAY_LEN(indices); i++) {
		struct minivmx_msr msr = { .index = indices[i] };

		EXPECT_EQ(REFUSED, guest_read(self, msr.index)) TH_LOG("MSR %#x", msr.index);
		EXPECT_EQ(REFUSED, guest_write(self, msr.index, 0)) TH_LOG("MSR %#x", msr.index);
		EXPECT_EQ(-ENXIO, user_write(self, msr.index, 0)) TH_LOG("MSR %#x", msr.index);
		EXPECT_EQ(-ENXIO, minivmx_get_msrs(self->vcpu, &msr, 1))
			TH_LOG("MSR %#x", msr.index);
	}
}

/* ---- What may be written ---- */

TEST_F(vm, mcg_status_has_three_bits)
{
	unsigned int i;

	for (i = 0; i < 64; i++) {
		uint64_t bit = 1UL << i, known = RIPV | EIPV | MCIP;

		EXPECT_EQ(i < 3 ? 0 : REFUSED, guest_write(self, MCG_STATUS, bit))
			TH_LOG("bit %u", i);
		EXPECT_EQ(i < 3 ? bit : known, guest_read(self, MCG_STATUS)) TH_LOG("bit %u", i);
		EXPECT_EQ(i < 3 ? 0 : -EINVAL, user_write(self, MCG_STATUS, bit))
			TH_LOG("bit %u", i);
		EXPECT_EQ(0, guest_write(self, MCG_STATUS, known));
	}
	EXPECT_EQ(0, guest_write(self, MCG_STATUS, 0));
	EXPECT_EQ(0, guest_read(self, MCG_STATUS));
}

TEST_F(vm, mcg_ctl_is_all_or_nothing)
{
	EXPECT_EQ(0, guest_write(self, MCG_CTL, ~0UL));
	EXPECT_GUEST_READS_ONES(MCG_CTL);
	EXPECT_EQ(REFUSED, guest_write(self, MCG_CTL, 1));
	EXPECT_EQ(REFUSED, guest_write(self, MCG_CTL, ~0UL >> 1));
	EXPECT_EQ(-EINVAL, user_write(self, MCG_CTL, ~1UL));
	EXPECT_GUEST_READS_ONES(MCG_CTL);
	EXPECT_EQ(0, guest_write(self, MCG_CTL, 0));
	EXPECT_EQ(0, guest_read(self, MCG_CTL));
}

TEST_F(vm, a_banks_ctl_keeps_every_bit)
{
	unsigned int i;

	for (i = 0; i < NR_BANKS; i++) {
		const uint32_t ctl = MC(i, CTL);

		EXPECT_EQ(0, guest_write(self, ctl, 0x8000000000000001 | 2UL << i));
		EXPECT_EQ(0x8000000000000001 | 2UL << i, guest_read(self, ctl));
		EXPECT_EQ(0, guest_write(self, ctl, ~0UL));
		EXPECT_GUEST_READS_ONES(ctl);
	}
	for (i = 0; i < NR_BANKS; i++)
		EXPECT_EQ(~0UL, user_read(self, MC(i, CTL)));
}

TEST_F(vm, errors_are_the_programs_to_write)
{
	unsigned int i;

	for (i = MC(0, CTL); i < MC(NR_BANKS, CTL); i++) {
		const uint64_t error = AN_ERROR + i;

		if (i % NR_REGS == CTL)
			continue;
		EXPECT_EQ(REFUSED, guest_write(self, i, 1)) TH_LOG("MSR %#x", i);
		EXPECT_EQ(REFUSED, guest_write(self, i, 1UL << 63)) TH_LOG("MSR %#x", i);
		EXPECT_EQ(0, user_read(self, i)) TH_LOG("MSR %#x", i);
		EXPECT_EQ(0, user_write(self, i, error)) TH_LOG("MSR %#x", i);
		EXPECT_EQ(error, guest_read(self, i)) TH_LOG("MSR %#x", i);
		/* What is there already may not be written, either. */
		EXPECT_EQ(REFUSED, guest_write(self, i, error)) TH_LOG("MSR %#x", i);
	}
	/* Each is in its place, and the guest clears one by one. */
	for (i = MC(0, CTL); i < MC(NR_BANKS, CTL); i++) {
		EXPECT_EQ(i % NR_REGS == CTL ? 0 : AN_ERROR + i, user_read(self, i))
			TH_LOG("MSR %#x", i);
		EXPECT_EQ(0, guest_write(self, i, 0)) TH_LOG("MSR %#x", i);
		EXPECT_EQ(0, user_read(self, i)) TH_LOG("MSR %#x", i);
	}
}

TEST_F(vm, the_pentiums_registers_are_those_of_a_bank)
{
	EXPECT_EQ(0, user_write(self, MC(0, STATUS), AN_ERROR));
	EXPECT_EQ(0, user_write(self, MC(0, ADDR), AN_ADDRESS));
	EXPECT_EQ(AN_ADDRESS, guest_read(self, 0));
	EXPECT_EQ(AN_ERROR, guest_read(self, 1));
	EXPECT_EQ(REFUSED, guest_write(self, 1, AN_ERROR));
	EXPECT_EQ(0, guest_write(self, 1, 0));
	EXPECT_EQ(0, guest_read(self, MC(0, STATUS)));
}

TEST_F(vm, a_program_moves_all_of_it_to_another_vcpu)
{
	struct minivmx_msr msrs[2 + NR_BANKS * NR_REGS] = {
		{ .index = MCG_STATUS, .data = EIPV | MCIP },
		{ .index = MCG_CTL, .data = ~0UL },
	};
	unsigned int i;

	for (i = 2; i < ARRAY_LEN(msrs); i++)
		msrs[i] = (struct minivmx_msr) {
			.index = MC(0, CTL) + i - 2, .data = AN_ERROR * i,
		};
	ASSERT_EQ(ARRAY_LEN(msrs), minivmx_set_msrs(self->vcpu, msrs, ARRAY_LEN(msrs)));
	for (i = 0; i < ARRAY_LEN(msrs); i++)
		msrs[i].data = 0;
	ASSERT_EQ(ARRAY_LEN(msrs), minivmx_get_msrs(self->vcpu, msrs, ARRAY_LEN(msrs)));

	vm_new_vcpu(self, 1);
	ASSERT_EQ(ARRAY_LEN(msrs), minivmx_set_msrs(self->vcpu, msrs, ARRAY_LEN(msrs)));
	EXPECT_EQ(EIPV | MCIP, guest_read(self, MCG_STATUS));
	EXPECT_GUEST_READS_ONES(MCG_CTL);
	for (i = 2; i < ARRAY_LEN(msrs); i++)
		EXPECT_EQ(AN_ERROR * i, guest_read(self, msrs[i].index));
}

/* ---- INIT ---- */

TEST_F(vm, init_leaves_them_alone)
{
	const uint32_t init = 5 << 8;
	struct minivmx_apic state;
	uint32_t regs[MINIVMX_APIC_SIZE / 4];

	vm_destroy(self);
	vm_flags = MINIVMX_VM_APIC;
	vm_create(self);
	START(self, nops, CR4_MCE);
	ASSERT_EQ(0, user_write(self, MC(9, STATUS), AN_ERROR));
	ASSERT_EQ(0, user_write(self, MC(9, CTL), 0x55));
	ASSERT_EQ(0, user_write(self, MCG_STATUS, RIPV));
	ASSERT_EQ(0, user_write(self, MCG_CTL, ~0UL));
	ASSERT_EQ(0, minivmx_signal_msi(self->fd, 0xfee00000, init));
	ASSERT_EQ(0, minivmx_get_apic(self->vcpu, &state, regs));	/* it has come */
	ASSERT_EQ(0, minivmx_get_sregs(self->vcpu, &self->sregs));
	ASSERT_EQ(0, self->sregs.cr4);
	EXPECT_EQ(AN_ERROR, user_read(self, MC(9, STATUS)));
	EXPECT_EQ(0x55, user_read(self, MC(9, CTL)));
	EXPECT_EQ(RIPV, user_read(self, MCG_STATUS));
	EXPECT_EQ(~0UL, user_read(self, MCG_CTL));
}

/* ---- CR4.MCE ---- */

GUEST64(mce_on_and_off,
	"mov %cr4, %rax; or $0x40, %rax; mov %rax, %cr4; mov %cr4, %rbx; vmcall;"
	"and $~0x40, %rax; mov %rax, %cr4; mov %cr4, %rbx; vmcall");

TEST_F(vm, cr4_mce_is_the_guests_and_stays_set_in_the_cpu)
{
	const uint64_t cr4 = CR4_PAE | CR4_OSFXSR;

	vm_long(self, mce_on_and_off);
	EXPECT_EQ(CR4_MCE, vmcs_get(self, GUEST_CR4) & CR4_MCE);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(cr4 | CR4_MCE, self->run->regs.rbx);
	ASSERT_EQ(0, minivmx_get_sregs(self->vcpu, &self->sregs));
	EXPECT_EQ(cr4 | CR4_MCE, self->sregs.cr4);
	EXPECT_EQ(CR4_MCE, vmcs_get(self, GUEST_CR4) & CR4_MCE);
	EXPECT_EQ(CR4_MCE, vmcs_get(self, CR4_GUEST_HOST_MASK) & CR4_MCE);

	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(self));
	EXPECT_EQ(cr4, self->run->regs.rbx);
	ASSERT_EQ(0, minivmx_get_sregs(self->vcpu, &self->sregs));
	EXPECT_EQ(cr4, self->sregs.cr4);
	EXPECT_EQ(CR4_MCE, vmcs_get(self, GUEST_CR4) & CR4_MCE);
}

/* ---- The exception ---- */

GUEST64(handled,
	/* What a handler does, behind its end: the error is cleared, and then MCIP. */
	"nop; vmcall;"
	"mov $0x415, %ecx; xor %eax, %eax; xor %edx, %edx; wrmsr;"
	"mov $0x17a, %ecx; wrmsr; vmcall");

TEST_F(vm, a_machine_check_finds_its_bank)
{
	START(self, handled, CR4_MCE);
	ASSERT_EQ(0, user_write(self, MC(5, STATUS), AN_ERROR));
	ASSERT_EQ(0, user_write(self, MC(5, ADDR), AN_ADDRESS));
	ASSERT_EQ(0, user_write(self, MC(5, MISC), 0x86));
	ASSERT_EQ(0, user_write(self, MCG_STATUS, RIPV));
	vm_event(self, EXCEPTION, MC_VECTOR);
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_EQ(MC_VECTOR, self->trap.vector);
	EXPECT_EQ(VM_CODE, self->trap.rip);
	EXPECT_EQ(VM_STACK - 7 * 8, self->run->regs.rsp);	/* no error code */
	EXPECT_EQ(RIPV | MCIP, user_read(self, MCG_STATUS));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(self));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(self));
	EXPECT_EQ(0, user_read(self, MC(5, STATUS)));
	EXPECT_EQ(AN_ADDRESS, user_read(self, MC(5, ADDR)));
	EXPECT_EQ(0, user_read(self, MCG_STATUS));

	/* The next one may come. */
	START(self, nops, CR4_MCE);
	vm_event(self, EXCEPTION, MC_VECTOR);
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_EQ(MC_VECTOR, self->trap.vector);
	EXPECT_EQ(MCIP, user_read(self, MCG_STATUS));
}

TEST_F(vm, without_cr4_mce_it_is_a_shutdown)
{
	START(self, nops, 0);
	vm_event(self, EXCEPTION, MC_VECTOR);
	ASSERT_EQ(MINIVMX_EXIT_SHUTDOWN, vm_run(self));
	EXPECT_EQ(0, user_read(self, MCG_STATUS));
	/* Nothing is left of it, and the program may set it up anew. */
	START(self, nops, 0);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(VM_CODE + 2, self->run->regs.rip);
}

TEST_F(vm, a_second_one_in_the_first_is_a_shutdown)
{
	START(self, nops, CR4_MCE);
	vm_event(self, EXCEPTION, MC_VECTOR);
	ASSERT_EQ(VM_TRAP, vm_run(self));
	/* The OUT of its handler is not finished. */
	vm_event(self, EXCEPTION, MC_VECTOR);
	ASSERT_EQ(MINIVMX_EXIT_SHUTDOWN, vm_skip(self));
	EXPECT_EQ(0, self->run->exit.reason);
	EXPECT_EQ(-EINVAL, vm_skip(self));
}

TEST_F(vm, int_18_is_no_machine_check)
{
	START(self, nops, 0);
	vm_event(self, MINIVMX_EVENT_SOFTINT, MC_VECTOR);
	self->run->event.insn_len = 1;
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_EQ(MC_VECTOR, self->trap.vector);
	EXPECT_EQ(VM_CODE + 1, self->trap.rip);
	EXPECT_EQ(0, user_read(self, MCG_STATUS));
}

/* Stack at an address whose page nobody has touched: no EPT entry. */
#define UNTOUCHED	(VM_PAGES + 0x20000)

TEST_F(vm, one_that_was_cut_off_comes_once)
{
	START(self, nops, CR4_MCE);
	self->run->regs.rsp = UNTOUCHED;
	vm_event(self, EXCEPTION, MC_VECTOR);
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_EQ(MC_VECTOR, self->trap.vector);
	EXPECT_EQ(UNTOUCHED, self->trap.rsp);
	EXPECT_LT(0, vm_count(self, 48));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(self));
}

TEST_F(vm, one_that_was_cut_off_can_be_moved_to_another_vcpu)
{
	struct minivmx_events events;
	struct minivmx_regs regs;
	uint64_t status;

	START(self, nops, CR4_MCE);
	self->run->regs.rsp = UNTOUCHED;
	ASSERT_EQ(0, mprotect(vm_at(self, UNTOUCHED - 0x1000), 0x1000, PROT_NONE));
	vm_event(self, EXCEPTION, MC_VECTOR);
	ASSERT_EQ(MINIVMX_EXIT_MEMORY, vm_run(self));
	ASSERT_EQ(0, minivmx_get_events(self->vcpu, &events));
	EXPECT_EQ(MC_VECTOR, events.event.vector);
	status = user_read(self, MCG_STATUS);
	EXPECT_EQ(MCIP, status);
	regs = self->run->regs;
	regs.rsp = VM_STACK;

	vm_new_vcpu(self, 1);
	START(self, nops, CR4_MCE);
	self->run->regs = regs;
	ASSERT_EQ(0, user_write(self, MCG_STATUS, status));
	ASSERT_EQ(0, minivmx_set_events(self->vcpu, &events));
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_EQ(MC_VECTOR, self->trap.vector);
	EXPECT_EQ(VM_CODE, self->trap.rip);
}

TEST_HARNESS_MAIN
