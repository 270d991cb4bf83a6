// SPDX-License-Identifier: GPL-2.0
/* Control registers and debug registers, and the faults of writing them. */
#include "vm.h"

GUEST64(to_cr0, "mov %rax, %cr0; mov %cr0, %rbx; vmcall");
GUEST64(to_cr3, "mov %rax, %cr3; mov %cr3, %rbx; vmcall");
GUEST64(to_cr4, "mov %rax, %cr4; mov %cr4, %rbx; vmcall");
GUEST64(to_cr8, "mov %rax, %cr8; mov %cr8, %rbx; vmcall");

/* Have @code write @value: what the guest reads then, or the #GP(0). */
#define GUEST_WRITES(code, value)					\
	vm_long(self, code);						\
	self->run->regs.rax = (value);					\
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self))

#define GUEST_FAULTS(code, value)					\
	vm_long(self, code);						\
	self->run->regs.rax = (value);					\
	ASSERT_EQ(VM_TRAP, vm_run(self));				\
	EXPECT_EQ(GP, self->trap.vector);				\
	EXPECT_EQ(0, self->trap.error);					\
	EXPECT_EQ(VM_CODE, self->trap.rip)

/* As vm_long() leaves them. */
#define CR0_LONG	(CR0_PE | CR0_ET | CR0_WP | CR0_PG)
#define CR4_LONG	(CR4_PAE | CR4_OSFXSR)

/* ---- CR0 ---- */

TEST_F(vm, cr0_reads_as_the_guest_wrote_it)
{
	/* NE is set in the CPU, and CD is clear: the guest sees its own. */
	GUEST_WRITES(to_cr0, CR0_LONG);
	EXPECT_EQ(CR0_LONG, self->run->regs.rbx);
	GUEST_WRITES(to_cr0, CR0_LONG | CR0_CD | CR0_NW | 1 << 5 | CR0_AM | 2);
	EXPECT_EQ(CR0_LONG | CR0_CD | CR0_NW | 1 << 5 | CR0_AM | 2, self->run->regs.rbx);
	ASSERT_EQ(0, minivmx_get_sregs(self->vcpu, &self->sregs));
	EXPECT_EQ(CR0_LONG | CR0_CD | CR0_NW | 1 << 5 | CR0_AM | 2, self->sregs.cr0);
	/* ET is hardwired, bits 31:0 that are reserved are ignored. */
	GUEST_WRITES(to_cr0, (CR0_LONG & ~CR0_ET) | 1 << 6 | 1 << 17);
	EXPECT_EQ(CR0_LONG, self->run->regs.rbx);
}

TEST_F(vm, cr0_faults)
{
	GUEST_FAULTS(to_cr0, CR0_LONG | 1UL << 32);
	GUEST_FAULTS(to_cr0, CR0_LONG & ~CR0_PE);	/* PG without PE */
	GUEST_FAULTS(to_cr0, CR0_LONG | CR0_NW);	/* NW without CD */
	/* Paging off in 64-bit code. */
	GUEST_FAULTS(to_cr0, CR0_LONG & ~CR0_PG);
	/* Nothing has changed. */
	ASSERT_EQ(0, minivmx_get_sregs(self->vcpu, &self->sregs));
	EXPECT_EQ(CR0_LONG, self->sregs.cr0);
	EXPECT_EQ(EFER_LME | EFER_LMA, self->sregs.efer);
}

GUEST64(clts_lmsw,
	"clts; mov %cr0, %rbx; mov $0xf, %eax; lmsw %ax; mov %cr0, %rcx; smsw %rdx; vmcall");

TEST_F(vm, clts_and_lmsw_change_cr0_without_an_exit)
{
	vm_long(self, clts_lmsw);
	self->sregs.cr0 |= 8;			/* TS */
	vm_set_sregs(self);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(CR0_LONG, self->run->regs.rbx);
	EXPECT_EQ(CR0_LONG | 0xe, self->run->regs.rcx);
	EXPECT_EQ(CR0_LONG | 0xe, self->run->regs.rdx);
	EXPECT_EQ(0, vm_count(self, 28));
	ASSERT_EQ(0, minivmx_get_sregs(self->vcpu, &self->sregs));
	EXPECT_EQ(CR0_LONG | 0xe, self->sregs.cr0);
}

GUEST64(fpu_with_ts, "fninit; vmcall");

TEST_F(vm, ts_makes_the_guests_fpu_fault)
{
	vm_long(self, fpu_with_ts);
	self->sregs.cr0 |= 8;
	vm_set_sregs(self);
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_EQ(NM, self->trap.vector);
}

GUEST32(paging_on,
	"mov %cr0, %eax; or $0x80000000, %eax; mov %eax, %cr0; mov PAGES32 + 0x1000, %ebx;"
	"and $0x7fffffff, %eax; mov %eax, %cr0; mov PAGES32 + 0x1000, %ecx; vmcall");

TEST_F(vm, paging_goes_on_and_off)
{
	vm_prot(self, paging_on);
	*vm_pte32(self, VM_PAGES32 + 0x1000) = *vm_pte32(self, VM_PAGES32);
	*vm_u32(self, VM_PAGES32) = 1;
	*vm_u32(self, VM_PAGES32 + 0x1000) = 2;
	self->sregs.cr3 = VM_PD32;
	self->sregs.cr4 |= CR4_PSE;
	vm_set_sregs(self);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(1, self->run->regs.rbx);
	EXPECT_EQ(2, self->run->regs.rcx);
}

GUEST32(pae_on,
	"mov %cr0, %eax; or $0x80000000, %eax; mov %eax, %cr0; mov PAGES + 0x1000, %ebx;"
	"vmcall; mov %esi, %cr3; mov PAGES + 0x1000, %ebx; vmcall");

TEST_F(vm, pae_paging_reads_the_pdptes_and_refuses_bad_ones)
{
	const uint64_t good = VM_PD | PTE_P;
	uint64_t *pdpt = vm_u64(self, VM_PAE_PDPT);

	vm_prot(self, pae_on);
	*vm_pte(self, VM_PAGES + 0x1000) = *vm_pte(self, VM_PAGES);
	*vm_u32(self, VM_PAGES) = 4711;
	self->sregs.cr3 = VM_PAE_PDPT;
	self->sregs.cr4 |= CR4_PAE;
	vm_set_sregs(self);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(4711, self->run->regs.rbx);
	ASSERT_EQ(0, minivmx_get_sregs(self->vcpu, &self->sregs));
	EXPECT_EQ(good, self->sregs.pdpte[0]);
	EXPECT_EQ(pdpt[3], self->sregs.pdpte[3]);

	/* A reserved bit: MOV to CR0 faults, and paging stays off. */
	vm_prot(self, pae_on);
	pdpt[3] |= PTE_W;
	self->sregs.cr3 = VM_PAE_PDPT;
	self->sregs.cr4 |= CR4_PAE;
	vm_set_sregs(self);
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_EQ(GP, self->trap.vector);
	ASSERT_EQ(0, minivmx_get_sregs(self->vcpu, &self->sregs));
	EXPECT_EQ(0, self->sregs.cr0 & CR0_PG);
}

TEST_F(vm, pae_paging_reloads_the_pdptes_with_cr3)
{
	vm_prot(self, pae_on);
	*vm_u32(self, VM_PAGES + 0x1000) = 1;
	/* Another PDPT whose first GiB is the second one: its PD at 0x7000. */
	vm_u64(self, VM_DATA)[0] = (VM_PD + 0x1000) | PTE_P;
	vm_u64(self, VM_PD + 0x1000)[0] = PTE_PS | PTE_W | PTE_P;
	vm_u64(self, VM_PD + 0x1000)[1] = VM_PAGES32 | PTE_PS | PTE_W | PTE_P;
	*vm_u32(self, VM_PAGES32 + 0x1000) = 2;
	self->sregs.cr3 = VM_PAE_PDPT;
	self->sregs.cr4 |= CR4_PAE;
	vm_set_sregs(self);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(1, self->run->regs.rbx);
	self->run->regs.rsi = VM_DATA;
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(self));
	EXPECT_EQ(2, self->run->regs.rbx);
}

/* ---- CR3 ---- */

TEST_F(vm, cr3_is_the_guests_own)
{
	GUEST_WRITES(to_cr3, VM_PML4 | 0x18);
	EXPECT_EQ(VM_PML4 | 0x18, self->run->regs.rbx);
	EXPECT_EQ(0, vm_count(self, 28));
	GUEST_FAULTS(to_cr3, VM_PML4 | 1UL << 52);
}

/* ---- CR4 ---- */

TEST_F(vm, cr4_reads_as_the_guest_wrote_it)
{
	/* VMXE and MCE are set in the CPU: the guest does not see it. */
	GUEST_WRITES(to_cr4, CR4_LONG | CR4_DE | CR4_PSE);
	EXPECT_EQ(CR4_LONG | CR4_DE | CR4_PSE, self->run->regs.rbx);
	GUEST_WRITES(to_cr4, CR4_LONG | CR4_MCE);
	EXPECT_EQ(CR4_LONG | CR4_MCE, self->run->regs.rbx);
}

TEST_F(vm, cr4_faults)
{
	GUEST_FAULTS(to_cr4, CR4_LONG | 1UL << 31);
	GUEST_FAULTS(to_cr4, CR4_LONG | 1UL << 32);
	GUEST_FAULTS(to_cr4, CR4_LONG | 1UL << 15);
	GUEST_FAULTS(to_cr4, CR4_LONG & ~CR4_PAE);	/* in long mode */
	/* PCIDE only with CR3[11:0] clear. */
	vm_long(self, to_cr4);
	self->sregs.cr3 |= 0x18;
	vm_set_sregs(self);
	self->run->regs.rax = CR4_LONG | 1 << 17;
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_EQ(GP, self->trap.vector);
	ASSERT_EQ(0, minivmx_get_sregs(self->vcpu, &self->sregs));
	EXPECT_EQ(CR4_LONG, self->sregs.cr4);
}

TEST_F(vm, cr4_osxsave_exists_with_xsave_alone)
{
	if (self->info.features & MINIVMX_FEAT_XSAVE) {
		GUEST_WRITES(to_cr4, CR4_LONG | CR4_OSXSAVE);
		EXPECT_EQ(CR4_LONG | CR4_OSXSAVE, self->run->regs.rbx);
	} else {
		GUEST_FAULTS(to_cr4, CR4_LONG | CR4_OSXSAVE);
	}
}

/* ---- CR8 ---- */

TEST_F(vm, cr8_has_four_bits)
{
	GUEST_WRITES(to_cr8, 9);
	EXPECT_EQ(9, self->run->regs.rbx);
	ASSERT_EQ(0, minivmx_get_sregs(self->vcpu, &self->sregs));
	EXPECT_EQ(9, self->sregs.cr8);
	GUEST_FAULTS(to_cr8, 16);
	GUEST_FAULTS(to_cr8, 1UL << 63);
}

GUEST64(cr8_r15_rsp, "mov %r15, %cr8; mov %cr8, %rsp; vmcall");

TEST_F(vm, cr8_with_every_kind_of_register)
{
	vm_long(self, cr8_r15_rsp);
	self->run->regs.r15 = 5;
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(5, self->run->regs.rsp);
}

TEST_F(vm, control_registers_from_user_mode_are_gp)
{
	vm_long(self, to_cr0);
	vm_user(self);
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_EQ(GP, self->trap.vector);
	vm_long(self, to_cr8);
	vm_user(self);
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_EQ(GP, self->trap.vector);
	EXPECT_EQ(0, vm_count(self, 28));
}

/* ---- Debug registers ---- */

GUEST64(dr_code,
	"mov %rax, %dr0; mov %rbx, %dr3; mov %rcx, %dr6; mov %rdx, %dr7;"
	"mov %dr0, %r8; mov %dr3, %r9; mov %dr6, %r10; mov %dr7, %r11; vmcall");

TEST_F(vm, debug_registers_keep_their_bits)
{
	vm_long(self, dr_code);
	self->run->regs.rax = 0xffff800012345678;
	self->run->regs.rbx = 0x123;
	self->run->regs.rcx = 0x1003;
	self->run->regs.rdx = 0;
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(0xffff800012345678, self->run->regs.r8);
	EXPECT_EQ(0x123, self->run->regs.r9);
	/* Fixed bits: DR6 bit 12 is 0, bits 31:16 and 11:4 are 1; DR7 bit 10. */
	EXPECT_EQ(0xffff0ff3, self->run->regs.r10);
	EXPECT_EQ(0x400, self->run->regs.r11);
	ASSERT_EQ(0, minivmx_get_sregs(self->vcpu, &self->sregs));
	EXPECT_EQ(0xffff0ff3, self->sregs.dr6);
}

GUEST64(to_dr6, "mov %rax, %dr6; vmcall");
GUEST64(to_dr7, "mov %rax, %dr7; vmcall");

TEST_F(vm, upper_halves_of_dr6_and_dr7_are_gp)
{
	GUEST_FAULTS(to_dr6, 1UL << 32);
	GUEST_FAULTS(to_dr7, 1UL << 32);
}

GUEST64(dr4_dr5, "mov %db4, %rax; mov %db5, %rbx; vmcall");

TEST_F(vm, dr4_and_dr5_are_dr6_and_dr7_unless_de_is_set)
{
	vm_long(self, dr4_dr5);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(0xffff0ff0, self->run->regs.rax);
	EXPECT_EQ(0x400, self->run->regs.rbx);

	vm_long(self, dr4_dr5);
	self->sregs.cr4 |= CR4_DE;
	vm_set_sregs(self);
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_EQ(UD, self->trap.vector);
	EXPECT_EQ(VM_CODE, self->trap.rip);
}

GUEST64(from_dr0, "mov %dr0, %rax; vmcall");

TEST_F(vm, general_detect_reports_the_access_itself)
{
	vm_long(self, from_dr0);
	self->sregs.dr7 = 0x400 | 1 << 13;
	vm_set_sregs(self);
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_EQ(DB, self->trap.vector);
	EXPECT_EQ(VM_CODE, self->trap.rip);	/* a fault */
	EXPECT_NE(0, self->trap.rflags & RFLAGS_RF);
	ASSERT_EQ(0, minivmx_get_sregs(self->vcpu, &self->sregs));
	EXPECT_EQ(1 << 13, self->sregs.dr6 & 1 << 13);
	/* The handler may use them: GD is clear. */
	EXPECT_EQ(0x400, self->sregs.dr7);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(self));
}

TEST_F(vm, debug_registers_from_user_mode_are_gp)
{
	vm_long(self, from_dr0);
	vm_user(self);
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_EQ(GP, self->trap.vector);
	EXPECT_EQ(0, self->trap.error);
}

GUEST64(rsp_dr, "mov %rsp, %dr1; mov %dr1, %r15; mov %dr7, %rsp; vmcall");

TEST_F(vm, debug_registers_with_rsp_and_r15)
{
	vm_long(self, rsp_dr);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(VM_STACK, self->run->regs.r15);
	EXPECT_EQ(0x400, self->run->regs.rsp);
}

TEST_HARNESS_MAIN
