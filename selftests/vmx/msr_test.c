// SPDX-License-Identifier: GPL-2.0
/* RDMSR and WRMSR: every MSR that minivmx has, and those that it has not. */
#include "msr.h"

#define NONCANONICAL	0x0000800000000000

/* MSRs that keep what is written: a value, and values that are a #GP. */
static const struct {
	uint32_t index;
	uint64_t reset;
	uint64_t good[2];
	uint64_t bad[2];
} kept[] = {
	/* SYSENTER_CS, _ESP, _EIP */
	{ 0x174, 0, { 0x10, 0 }, {} },
	{ 0x175, 0, { 0xffff800000001000, 0x1000 }, { NONCANONICAL, 1UL << 63 } },
	{ 0x176, 0, { 0xffff800000001000, 0x1000 }, { NONCANONICAL, 1UL << 63 } },
	/* MTRRs: a base with its type and a mask, the last of them, */
	{ 0x200, 0, { 0x80000006, 0x1000 }, { 2, 0x106 } },
	{ 0x201, 0, { 0xff80000800, 0 }, { 0x400, 1UL << 52 } },
	{ 0x20f, 0, { 0xff80000000, 0x1800 }, { 1, 1UL << 63 } },
	/* fixed ranges, eight types each, */
	{ 0x250, 0, { 0x0606060606060606, 0x0001040506050400 }, { 0x02, 0x0700000000000000 } },
	{ 0x259, 0, { 0x0506, 0 }, { 0x0300, 0xff } },
	{ 0x26f, 0, { 0x0505050505050505, 0 }, { 0x0800000000000000, 0x03 } },
	/* and what counts elsewhere */
	{ 0x2ff, 0, { 0xc06, 0x806 }, { 0x807, 0x1006 } },
	/* PAT: types 2 and 3 are reserved, and those above 7 */
	{ 0x277, 0x0007040600070406, { 0x0001040506070001, 0 }, { 0x02, 0x0800000000000000 } },
	/* STAR, LSTAR, CSTAR, FMASK */
	{ 0xc0000081, 0, { 0x0023001012345678, 0 }, {} },
	{ 0xc0000082, 0, { 0xffff800000001000, 0x1000 }, { NONCANONICAL, 1UL << 63 } },
	{ 0xc0000083, 0, { 0xffff800000001000, 0x1000 }, { NONCANONICAL, 1UL << 63 } },
	{ 0xc0000084, 0, { 0x47700, 0 }, { 1UL << 32, REFUSED } },
	/* KERNEL_GS_BASE, TSC_AUX */
	{ 0xc0000102, 0, { 0xffff800000001000, 0x1000 }, { NONCANONICAL, 1UL << 63 } },
	{ 0xc0000103, 0, { 0x12345678, 0 }, { 1UL << 32, REFUSED } },
};

TEST_F(vm, msrs_have_their_reset_values)
{
	unsigned int i;

	for (i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		EXPECT_EQ(kept[i].reset, guest_read(self, kept[i].index))
			TH_LOG("MSR %#x", kept[i].index);
	EXPECT_EQ(0xfee00100, guest_read(self, 0x1b));		/* APIC_BASE: off, BSP */
	EXPECT_EQ(1, guest_read(self, 0x3a));			/* FEATURE_CONTROL: locked */
	EXPECT_EQ(0, guest_read(self, 0x3b));			/* TSC_ADJUST */
	EXPECT_EQ(0, guest_read(self, 0x8b));			/* microcode */
	EXPECT_EQ(0x1801, guest_read(self, 0x1a0));		/* MISC_ENABLE */
	EXPECT_EQ(0, guest_read(self, 0x1d9));			/* DEBUGCTL */
}

TEST_F(vm, msrs_keep_what_the_guest_writes)
{
	unsigned int i, j;

	for (i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		for (j = 0; j < 2; j++) {
			uint64_t value = kept[i].good[j];

			EXPECT_EQ(0, guest_write(self, kept[i].index, value))
				TH_LOG("MSR %#x", kept[i].index);
			EXPECT_EQ(value, guest_read(self, kept[i].index))
				TH_LOG("MSR %#x", kept[i].index);
			EXPECT_EQ(value, user_read(self, kept[i].index))
				TH_LOG("MSR %#x", kept[i].index);
		}
	}
}

TEST_F(vm, msrs_keep_what_userspace_sets)
{
	unsigned int i;

	for (i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		struct minivmx_msr msr = {
			.index = kept[i].index, .data = kept[i].good[0],
		};

		ASSERT_EQ(1, minivmx_set_msrs(self->vcpu, &msr, 1));
		EXPECT_EQ(msr.data, guest_read(self, msr.index))
			TH_LOG("MSR %#x", msr.index);
	}
}

TEST_F(vm, wrmsr_of_a_reserved_bit_or_a_bad_address_is_gp)
{
	unsigned int i, j;

	for (i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		for (j = 0; j < 2; j++) {
			struct minivmx_msr msr = {
				.index = kept[i].index, .data = kept[i].bad[j],
			};

			if (!msr.data)
				continue;
			EXPECT_EQ(REFUSED, guest_write(self, msr.index, msr.data))
				TH_LOG("MSR %#x", msr.index);
			EXPECT_EQ(-EINVAL, minivmx_set_msrs(self->vcpu, &msr, 1))
				TH_LOG("MSR %#x", msr.index);
			EXPECT_EQ(kept[i].reset, guest_read(self, msr.index))
				TH_LOG("MSR %#x", msr.index);
		}
	}
}

/* Known, not in use, or another CPU's: none of them exists. */
TEST_F(vm, an_msr_that_does_not_exist_is_gp)
{
	static const uint32_t indices[] = {
		0xc1,		/* PMC0 */
		0x210,		/* MTRR_PHYSBASE8 */
		0x25a,
		0x1f2,		/* SMRR */
		0x38f,		/* PERF_GLOBAL_CTRL */
		0x480,		/* VMX_BASIC */
		0x48b,		/* VMX_PROCBASED_CTLS2 */
		0x6e0,		/* TSC_DEADLINE */
		0x802,		/* x2APIC id */
		0x1fff, 0x2000, 0x40000000, 0x80000000, 0xc0000104, 0xc0002000, 0xffffffff,
	};
	unsigned int i;

	for (i = 0; i < sizeof(indices) / sizeof(indices[0]); i++) {
		struct minivmx_msr msr = { .index = indices[i] };

		EXPECT_EQ(REFUSED, guest_read(self, indices[i]))
			TH_LOG("MSR %#x", indices[i]);
		EXPECT_EQ(REFUSED, guest_write(self, indices[i], 0))
			TH_LOG("MSR %#x", indices[i]);
		EXPECT_EQ(-ENXIO, minivmx_get_msrs(self->vcpu, &msr, 1))
			TH_LOG("MSR %#x", indices[i]);
	}
}

TEST_F(vm, rdmsr_and_wrmsr_from_user_mode_are_gp)
{
	vm_long(self, rdmsr_code);
	vm_user(self);
	self->run->regs.rcx = 0x10;
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_EQ(GP, self->trap.vector);
	vm_long(self, wrmsr_code);
	vm_user(self);
	self->run->regs.rcx = 0xc0000082;
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_EQ(GP, self->trap.vector);
}

TEST_F(vm, constant_msrs_take_their_own_value_only)
{
	EXPECT_EQ(REFUSED, guest_write(self, 0x1b, 0xfee00900));	/* APIC on */
	EXPECT_EQ(0, guest_write(self, 0x1b, 0xfee00100));
	EXPECT_EQ(0x508, guest_read(self, 0xfe));			/* MTRRCAP */
	EXPECT_EQ(REFUSED, guest_write(self, 0xfe, 0x508));
	EXPECT_EQ(REFUSED, guest_write(self, 0x3a, 5));			/* VMX on */
	EXPECT_EQ(0, guest_write(self, 0x79, 0x1234));			/* no update */
	EXPECT_EQ(0, guest_write(self, 0x8b, 0x1234));
	EXPECT_EQ(0, guest_read(self, 0x8b));
}

TEST_F(vm, misc_enable_has_two_writable_bits)
{
	EXPECT_EQ(0, guest_write(self, 0x1a0, 0x1800));
	EXPECT_EQ(0x1800, guest_read(self, 0x1a0));
	EXPECT_EQ(REFUSED, guest_write(self, 0x1a0, 0x1801 ^ 1 << 11));
	EXPECT_EQ(REFUSED, guest_write(self, 0x1a0, 0x1801 | 1UL << 34));
	EXPECT_EQ(0x1800, guest_read(self, 0x1a0));
}

TEST_F(vm, debugctl_has_btf_alone)
{
	EXPECT_EQ(0, guest_write(self, 0x1d9, 2));
	EXPECT_EQ(2, guest_read(self, 0x1d9));
	EXPECT_EQ(REFUSED, guest_write(self, 0x1d9, 1));		/* LBR */
	EXPECT_EQ(REFUSED, guest_write(self, 0x1d9, 1 << 6));		/* TR */
	EXPECT_EQ(2, guest_read(self, 0x1d9));
}

/* ---- EFER ---- */

TEST_F(vm, efer_keeps_sce_and_nx_and_has_no_reserved_bits)
{
	const uint64_t on = EFER_LME | EFER_LMA;

	EXPECT_EQ(on, guest_read(self, 0xc0000080));
	EXPECT_EQ(REFUSED, guest_write(self, 0xc0000080, on | 1 << 1));
	EXPECT_EQ(REFUSED, guest_write(self, 0xc0000080, on | 1 << 12));	/* SVME */
	EXPECT_EQ(REFUSED, guest_write(self, 0xc0000080, on | 1UL << 32));
	/* LME cannot change while paging is on. */
	EXPECT_EQ(REFUSED, guest_write(self, 0xc0000080, 0));
	/* LMA is read-only: a write to it is ignored. */
	EXPECT_EQ(0, guest_write(self, 0xc0000080, EFER_LME | EFER_SCE | EFER_NX));
	EXPECT_EQ(on | EFER_SCE | EFER_NX, user_read(self, 0xc0000080));
}

/* ---- FS and GS base: the guest's own, without an exit ---- */

GUEST64(fs_base_code,
	"mov $0xc0000100, %ecx; mov $DATA, %eax; xor %edx, %edx; wrmsr;"
	"mov %fs:8, %rbx; rdmsr; vmcall");

TEST_F(vm, fs_base_moves_the_segment_without_an_exit)
{
	*vm_u64(self, VM_DATA + 8) = 0x8888;
	vm_long(self, fs_base_code);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(0x8888, self->run->regs.rbx);
	EXPECT_EQ(VM_DATA, self->run->regs.rax);
	EXPECT_EQ(VM_DATA, user_read(self, 0xc0000100));
	EXPECT_EQ(0, vm_count(self, 31) + vm_count(self, 32));
	EXPECT_EQ(REFUSED, guest_write(self, 0xc0000100, NONCANONICAL));
	EXPECT_EQ(REFUSED, guest_write(self, 0xc0000101, NONCANONICAL));
	EXPECT_EQ(0, guest_write(self, 0xc0000101, 0x7777));
	EXPECT_EQ(0x7777, user_read(self, 0xc0000101));
}

/* ---- The time-stamp counter ---- */

GUEST64(wrmsr_tsc,
	"wrmsr; mov $0x3b, %ecx; rdmsr; shl $32, %rdx; or %rdx, %rax; mov %rax, %rbx;"
	"rdtsc; shl $32, %rdx; or %rdx, %rax; vmcall");

TEST_F(vm, writing_the_tsc_moves_tsc_adjust_by_the_same)
{
	vm_long(self, wrmsr_tsc);
	self->run->regs.rcx = 0x10;
	self->run->regs.rdx = 0x100;		/* 1 << 40 */
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_LE(1UL << 40, self->run->regs.rax);
	EXPECT_GT((1UL << 40) + 100000000, self->run->regs.rax);
	/* It was nearly 0 before. */
	EXPECT_GT(1UL << 40, self->run->regs.rbx);
	EXPECT_LT((1UL << 40) - 1000000000, self->run->regs.rbx);
}

TEST_F(vm, writing_tsc_adjust_moves_the_tsc_by_the_same)
{
	vm_long(self, wrmsr_tsc);
	self->run->regs.rcx = 0x3b;
	self->run->regs.rdx = 0x100;
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(1UL << 40, self->run->regs.rbx);
	EXPECT_LE(1UL << 40, self->run->regs.rax);
	EXPECT_GT((1UL << 40) + 1000000000, self->run->regs.rax);
}

/* ---- Many at once ---- */

TEST_F(vm, get_and_set_msrs_stop_at_the_row_that_is_refused)
{
	struct minivmx_msr msrs[] = {
		{ .index = 0x174, .data = 8 },
		{ .index = 0xc0000082, .data = 0x1000 },
		{ .index = 0xc0000084, .data = 1UL << 32 },
		{ .index = 0x175, .data = 9 },
	};

	EXPECT_EQ(2, minivmx_set_msrs(self->vcpu, msrs, 4));
	EXPECT_EQ(8, user_read(self, 0x174));
	EXPECT_EQ(0x1000, user_read(self, 0xc0000082));
	EXPECT_EQ(0, user_read(self, 0x175));
	msrs[1].index = 0x480;
	EXPECT_EQ(1, minivmx_get_msrs(self->vcpu, msrs, 4));
}

TEST_HARNESS_MAIN
