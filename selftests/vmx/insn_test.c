// SPDX-License-Identifier: GPL-2.0
/*
 * What the guest sees of the instructions that VT-x takes an interest in: the
 * manual's "Instructions That Cause VM Exits Unconditionally" and those that
 * minivmx has exit besides. One test an instruction.
 */
#include "vm.h"

/* The instruction at the start of the code raised @vec, and nothing else. */
#define EXPECT_TRAP(vec, err)						\
do {									\
	ASSERT_EQ(VM_TRAP, vm_run(self));				\
	EXPECT_EQ(vec, self->trap.vector);				\
	EXPECT_EQ(err, self->trap.error);				\
	EXPECT_EQ(VM_CODE, self->trap.rip);				\
} while (0)

/* ---- VMX instructions: the guest's CPU has no VMX, so they are #UD ---- */

#define UNDEFINED_TEST(insn, text)					\
	GUEST64(insn##_code, text "; vmcall");				\
	TEST_F(vm, insn##_is_undefined)					\
	{								\
		vm_long(self, insn##_code);				\
		self->run->regs.rbx = VM_DATA;				\
		EXPECT_TRAP(UD, 0);					\
		/* Nothing was stored. */				\
		EXPECT_EQ(0, *vm_u64(self, VM_DATA));			\
	}

UNDEFINED_TEST(vmclear, "vmclear (%rbx)")
UNDEFINED_TEST(vmptrld, "vmptrld (%rbx)")
UNDEFINED_TEST(vmptrst, "vmptrst (%rbx)")
UNDEFINED_TEST(vmlaunch, "vmlaunch")
UNDEFINED_TEST(vmresume, "vmresume")
UNDEFINED_TEST(vmread, "vmread %rax, (%rbx)")
UNDEFINED_TEST(vmwrite, "vmwrite (%rbx), %rax")
UNDEFINED_TEST(vmxoff, "vmxoff")
UNDEFINED_TEST(vmxon, "vmxon (%rbx)")
UNDEFINED_TEST(invept, "invept (%rbx), %rax")
UNDEFINED_TEST(invvpid, "invvpid (%rbx), %rax")
UNDEFINED_TEST(vmfunc, "vmfunc")
/* Others that the guest's CPUID does not have. */
UNDEFINED_TEST(getsec, "getsec")
UNDEFINED_TEST(monitor, "monitor")
UNDEFINED_TEST(mwait, "mwait")
UNDEFINED_TEST(rsm, "rsm")

/* VMXON is also refused with CR4.VMXE set, which the guest cannot have. */
GUEST64(set_vmxe, "mov %rax, %cr4; vmcall");

TEST_F(vm, cr4_vmxe_cannot_be_set)
{
	vm_long(self, set_vmxe);
	self->run->regs.rax = self->sregs.cr4 | CR4_VMXE;
	EXPECT_TRAP(GP, 0);
}

/* ---- VMCALL ---- */

GUEST64(vmcall_code, "vmcall; vmcall");

TEST_F(vm, vmcall_is_a_hypercall)
{
	vm_long(self, vmcall_code);
	self->run->regs.rax = 0x1122334455667788;
	self->run->regs.r15 = 15;
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(0x1122334455667788, self->run->regs.rax);
	EXPECT_EQ(15, self->run->regs.r15);
	EXPECT_EQ(VM_CODE, self->run->regs.rip);
	EXPECT_EQ(18, self->run->exit.reason);
	EXPECT_EQ(3, self->run->exit.insn_len);

	/* The answer is whatever userspace puts into registers. */
	self->run->regs.rax = 7;
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(self));
	EXPECT_EQ(7, self->run->regs.rax);
	EXPECT_EQ(VM_CODE + 3, self->run->regs.rip);

	/* RETRY executes it again. */
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(VM_CODE + 3, self->run->regs.rip);
}

TEST_F(vm, vmcall_works_from_user_mode)
{
	vm_long(self, vmcall_code);
	vm_user(self);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
}

/* ---- CPUID ---- */

GUEST64(cpuid_code, "cpuid; vmcall");

static void guest_cpuid(VM *self, uint32_t leaf, uint32_t subleaf)
{
	vm_long(self, cpuid_code);
	/* The upper halves do not take part, and are cleared. */
	self->run->regs.rax = leaf | 0xdeadUL << 32;
	self->run->regs.rcx = subleaf | 0xdeadUL << 32;
	self->run->regs.rbx = self->run->regs.rdx = ~0UL;
	vm_must(vm_run(self) == MINIVMX_EXIT_HYPERCALL);
}

TEST_F(vm, cpuid_says_hypervisor_and_no_vmx)
{
	guest_cpuid(self, 1, 0);
	EXPECT_EQ(VM_CODE + 2, self->run->regs.rip);
	EXPECT_NE(0, self->run->regs.rcx & 1UL << 31);
	EXPECT_EQ(0, self->run->regs.rcx & 1UL << 5);
	EXPECT_EQ(0, (self->run->regs.rax | self->run->regs.rbx |
		      self->run->regs.rcx | self->run->regs.rdx) >> 32);
}

TEST_F(vm, cpuid_hypervisor_leaf_names_minivmx)
{
	char name[13] = "";

	guest_cpuid(self, 0x40000000, 0);
	memcpy(name, &self->run->regs.rbx, 4);
	memcpy(name + 4, &self->run->regs.rcx, 4);
	memcpy(name + 8, &self->run->regs.rdx, 4);
	EXPECT_STREQ("minivmx", name);
	EXPECT_EQ(0x40000000, self->run->regs.rax);
}

/* "CPUID Extended Topology Leaf": beyond the last level there is none, but whose it would be. */
TEST_F(vm, cpuid_beyond_the_last_level_of_the_topology)
{
	struct minivmx_cpuid_entry rows[MINIVMX_MAX_CPUID];
	int nr = minivmx_get_cpuid(self->vcpu, rows, MINIVMX_MAX_CPUID - 1);

	ASSERT_LT(0, nr);
	guest_cpuid(self, 0xb, 1);
	EXPECT_EQ(0, self->run->regs.rcx);
	rows[nr] = (struct minivmx_cpuid_entry) {
		.leaf = 0xb, .flags = MINIVMX_CPUID_SUBLEAF, .ebx = 1, .ecx = 0x100, .edx = 7,
	};
	ASSERT_EQ(0, minivmx_set_cpuid(self->vcpu, rows, nr + 1));
	guest_cpuid(self, 0xb, 0x105);
	EXPECT_EQ(0, self->run->regs.rax);
	EXPECT_EQ(0, self->run->regs.rbx);
	EXPECT_EQ(5, self->run->regs.rcx);
	EXPECT_EQ(7, self->run->regs.rdx);
}

TEST_F(vm, cpuid_shows_tsc_adjust)
{
	guest_cpuid(self, 7, 0);
	EXPECT_NE(0, self->run->regs.rbx & 1 << 1);
}

TEST_F(vm, cpuid_initial_apic_id_is_the_vcpus_number)
{
	vm_destroy(self);
	vm_create(self);
	vm_new_vcpu(self, 5);
	guest_cpuid(self, 1, 0);
	EXPECT_EQ(5, self->run->regs.rbx >> 24);
}

TEST_F(vm, cpuid_osxsave_mirrors_cr4)
{
	if (!(self->info.features & MINIVMX_FEAT_XSAVE))
		SKIP(return, "the host does not use XSAVE");
	guest_cpuid(self, 1, 0);
	EXPECT_NE(0, self->run->regs.rcx & 1UL << 26);
	EXPECT_EQ(0, self->run->regs.rcx & 1UL << 27);

	vm_long(self, cpuid_code);
	self->sregs.cr4 |= CR4_OSXSAVE;
	vm_set_sregs(self);
	self->run->regs.rax = 1;
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_NE(0, self->run->regs.rcx & 1UL << 27);
}

TEST_F(vm, cpuid_xsave_size_follows_xcr0)
{
	if (!(self->info.features & MINIVMX_FEAT_XSAVE))
		SKIP(return, "the host does not use XSAVE");
	guest_cpuid(self, 0xd, 0);
	EXPECT_EQ(512 + 64, self->run->regs.rbx);
	EXPECT_EQ(self->info.xsave_size, self->run->regs.rcx);

	vm_long(self, cpuid_code);
	self->sregs.xcr0 = 7;
	vm_set_sregs(self);
	self->run->regs.rax = 0xd;
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(512 + 64 + 256, self->run->regs.rbx);
}

TEST_F(vm, cpuid_beyond_the_last_leaf_answers_as_the_last_basic_one)
{
	struct minivmx_regs last;

	guest_cpuid(self, 0, 0);
	guest_cpuid(self, self->run->regs.rax, 0);
	last = self->run->regs;
	ASSERT_NE(0, last.rax);		/* TSC frequency: not all zero */
	guest_cpuid(self, 0x1000, 0);
	EXPECT_EQ(last.rax, self->run->regs.rax);
	EXPECT_EQ(last.rbx, self->run->regs.rbx);
	guest_cpuid(self, 0x8000ffff, 0);
	EXPECT_EQ(last.rax, self->run->regs.rax);
	guest_cpuid(self, 0x40000001, 0);
	EXPECT_EQ(last.rax, self->run->regs.rax);
}

TEST_F(vm, cpuid_subleaf_beyond_the_last_is_zero)
{
	guest_cpuid(self, 7, 5);
	EXPECT_EQ(0, self->run->regs.rax | self->run->regs.rbx |
		     self->run->regs.rcx | self->run->regs.rdx);
}

TEST_F(vm, cpuid_answers_what_set_cpuid_said)
{
	const struct minivmx_cpuid_entry rows[] = {
		{ .leaf = 0, .eax = 7, .ebx = 1, .ecx = 2, .edx = 3 },
		{ .leaf = 7, .subleaf = 1, .flags = MINIVMX_CPUID_SUBLEAF, .eax = 71 },
		{ .leaf = 7, .subleaf = 0, .flags = MINIVMX_CPUID_SUBLEAF, .eax = 70 },
		{ .leaf = 5, .eax = 55 },
	};

	ASSERT_EQ(0, minivmx_set_cpuid(self->vcpu, rows, 4));
	guest_cpuid(self, 0, 99);
	EXPECT_EQ(7, self->run->regs.rax);
	EXPECT_EQ(1, self->run->regs.rbx);
	EXPECT_EQ(2, self->run->regs.rcx);
	EXPECT_EQ(3, self->run->regs.rdx);
	guest_cpuid(self, 7, 1);
	EXPECT_EQ(71, self->run->regs.rax);
	guest_cpuid(self, 7, 0);
	EXPECT_EQ(70, self->run->regs.rax);
	guest_cpuid(self, 5, 1234);
	EXPECT_EQ(55, self->run->regs.rax);
	guest_cpuid(self, 1, 0);
	EXPECT_EQ(0, self->run->regs.rax);
}

/* ---- INVLPG, INVD, WBINVD ---- */

GUEST64(invlpg_code,
	/* Read PAGES through the TLB, point its page elsewhere, read again. */
	"mov PAGES, %eax;"
	"mov %rbx, (%rdi);"
	"invlpg PAGES;"
	"mov PAGES, %edx; vmcall");

TEST_F(vm, invlpg_makes_a_new_translation_visible)
{
	*vm_u32(self, VM_PAGES) = 1111;
	*vm_u32(self, VM_PAGES + 0x1000) = 2222;
	vm_long(self, invlpg_code);
	self->run->regs.rdi = VM_PT;
	self->run->regs.rbx = *vm_pte(self, VM_PAGES + 0x1000);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(1111, self->run->regs.rax);
	EXPECT_EQ(2222, self->run->regs.rdx);
	EXPECT_EQ(0, vm_count(self, 14));
}

TEST_F(vm, invlpg_from_user_mode_is_gp)
{
	vm_long(self, invlpg_code);
	vm_user(self);
	self->run->regs.rip = VM_CODE + 10;
	self->run->regs.rdi = VM_DATA;
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_EQ(GP, self->trap.vector);
	EXPECT_EQ(VM_USER_CODE, self->trap.cs);
}

GUEST64(invd_code, "movl $77, DATA; invd; mov DATA, %eax; vmcall");

TEST_F(vm, invd_loses_nothing)
{
	vm_long(self, invd_code);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(77, self->run->regs.rax);
	EXPECT_EQ(1, vm_count(self, 13));
}

GUEST64(wbinvd_code, "movl $77, DATA; wbinvd; mov DATA, %eax; vmcall");

TEST_F(vm, wbinvd_goes_on)
{
	vm_long(self, wbinvd_code);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(77, self->run->regs.rax);
	EXPECT_EQ(1, vm_count(self, 54));
}

/* ---- HLT ---- */

GUEST64(hlt_code, "hlt; vmcall");

TEST_F(vm, hlt_waits_in_userspace)
{
	vm_long(self, hlt_code);
	ASSERT_EQ(MINIVMX_EXIT_HLT, vm_run(self));
	EXPECT_EQ(VM_CODE, self->run->regs.rip);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(self));
	EXPECT_EQ(VM_CODE + 1, self->run->regs.rip);
}

TEST_F(vm, hlt_ends_with_an_interrupt_behind_it)
{
	vm_long(self, hlt_code);
	self->run->regs.rflags |= RFLAGS_IF;
	ASSERT_EQ(MINIVMX_EXIT_HLT, vm_run(self));
	EXPECT_EQ(MINIVMX_READY_IRQ | MINIVMX_READY_NMI, self->run->ready);
	vm_event(self, MINIVMX_EVENT_EXTINT, 0x30);
	ASSERT_EQ(VM_TRAP, vm_skip(self));
	EXPECT_EQ(0x30, self->trap.vector);
	EXPECT_EQ(VM_CODE + 1, self->trap.rip);
}

TEST_F(vm, hlt_from_user_mode_is_gp)
{
	vm_long(self, hlt_code);
	vm_user(self);
	EXPECT_TRAP(GP, 0);
}

/* ---- RDPMC, RDTSC, RDTSCP ---- */

GUEST64(rdpmc_code, "rdpmc; vmcall");

TEST_F(vm, rdpmc_is_gp_there_are_no_counters)
{
	vm_long(self, rdpmc_code);
	EXPECT_TRAP(GP, 0);
}

GUEST64(rdtsc_code,
	"rdtsc; shl $32, %rdx; or %rdx, %rax; mov %rax, %rbx;"
	"rdtsc; shl $32, %rdx; or %rdx, %rax; vmcall");

static uint64_t host_tsc(void)
{
	uint32_t lo, hi;

	asm volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return lo | (uint64_t)hi << 32;
}

TEST_F(vm, rdtsc_counts_from_the_start_of_the_vm)
{
	uint64_t before, after;

	vm_destroy(self);
	before = host_tsc();
	vm_create(self);
	vm_long(self, rdtsc_code);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	after = host_tsc();
	EXPECT_LT(0, self->run->regs.rbx);
	/* In an emulator of two CPUs it need not move between two reads. */
	EXPECT_LE(self->run->regs.rbx, self->run->regs.rax);
	EXPECT_LT(self->run->regs.rax, after - before);
	EXPECT_EQ(0, vm_count(self, 16));
}

TEST_F(vm, rdtsc_shows_the_offset_that_userspace_set)
{
	struct minivmx_msr tsc = { .index = 0x10, .data = 1UL << 50 };
	uint64_t before = host_tsc();

	vm_long(self, rdtsc_code);
	ASSERT_EQ(1, minivmx_set_msrs(self->vcpu, &tsc, 1));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_LT(1UL << 50, self->run->regs.rbx);
	EXPECT_GT((1UL << 50) + host_tsc() - before, self->run->regs.rbx);
}

GUEST64(rdtscp_code, "rdtscp; vmcall");

TEST_F(vm, rdtscp_reads_the_guests_tsc_aux)
{
	struct minivmx_msr aux = { .index = 0xc0000103, .data = 0x12345678 };

	vm_long(self, rdtscp_code);
	ASSERT_EQ(1, minivmx_set_msrs(self->vcpu, &aux, 1));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(0x12345678, self->run->regs.rcx);
}

/* ---- XSETBV, XGETBV ---- */

GUEST64(xsetbv_code, "xsetbv; xor %ecx, %ecx; xgetbv; vmcall");

TEST_F(vm, xsetbv_without_osxsave_is_ud)
{
	vm_long(self, xsetbv_code);
	self->run->regs.rax = 1;
	EXPECT_TRAP(UD, 0);
}

TEST_F(vm, xsetbv_changes_xcr0)
{
	if (!(self->info.features & MINIVMX_FEAT_XSAVE))
		SKIP(return, "the host does not use XSAVE");
	vm_long(self, xsetbv_code);
	self->sregs.cr4 |= CR4_OSXSAVE;
	vm_set_sregs(self);
	self->run->regs.rax = 7;
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(7, self->run->regs.rax);
	ASSERT_EQ(0, minivmx_get_sregs(self->vcpu, &self->sregs));
	EXPECT_EQ(7, self->sregs.xcr0);
}

TEST_F(vm, xsetbv_refuses_what_the_manual_refuses)
{
	static const struct {
		uint32_t ecx, eax, edx;
	} bad[] = {
		{ 1, 1, 0 },		/* no such register */
		{ 0, 0, 0 },		/* x87 is always enabled */
		{ 0, 5, 0 },		/* YMM without XMM */
		{ 0, 7, 1u << 30 },	/* reserved */
		{ 0, 0x207, 0 },	/* PKRU is not the guest's */
	};
	unsigned int i;

	if (!(self->info.features & MINIVMX_FEAT_XSAVE))
		SKIP(return, "the host does not use XSAVE");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		vm_long(self, xsetbv_code);
		self->sregs.cr4 |= CR4_OSXSAVE;
		vm_set_sregs(self);
		self->run->regs.rcx = bad[i].ecx;
		self->run->regs.rax = bad[i].eax;
		self->run->regs.rdx = bad[i].edx;
		EXPECT_TRAP(GP, 0);
	}
}

/* ---- Faults in general ---- */

GUEST64(rdpmc_rsp, "rdpmc");

TEST_F(vm, a_fault_saves_rf_and_the_old_stack_pointer)
{
	/* "Masking Exceptions for Some Instructions": RF is set in the image. */
	vm_long(self, rdpmc_rsp);
	EXPECT_TRAP(GP, 0);
	EXPECT_EQ(RFLAGS_RF | 2, self->trap.rflags);
	EXPECT_EQ(VM_STACK, self->trap.rsp);
	EXPECT_EQ(MINIVMX_FLAT_CODE, self->trap.cs);
}

TEST_HARNESS_MAIN
