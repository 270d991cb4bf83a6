// SPDX-License-Identifier: GPL-2.0
/* State: in and out through the ioctls, the modes, and entries that fail. */
#include "vm.h"

/* ---- The state after reset ---- */

GUEST16(reset_vector, "mov %cs, %ax; hlt");

TEST_F(vm, starts_in_the_state_after_reset)
{
	struct minivmx_sregs *s = &self->sregs;

	EXPECT_EQ(0xfff0, self->run->regs.rip);
	EXPECT_EQ(2, self->run->regs.rflags);
	EXPECT_EQ(0xf000, s->cs.selector);
	EXPECT_EQ(0xffff0000, s->cs.base);
	EXPECT_EQ(0xffff, s->cs.limit);
	EXPECT_EQ(0x60000010, s->cr0);
	EXPECT_EQ(0, s->cr4);
	EXPECT_EQ(0, s->efer);
	EXPECT_EQ(1, s->xcr0);
	EXPECT_EQ(0xffff0ff0, s->dr6);
	EXPECT_EQ(0x400, s->dr7);

	/* The first instruction is fetched from FFFFFFF0. */
	memcpy(vm_at(self, 0x100ff0), reset_vector, reset_vector_end - reset_vector);
	ASSERT_EQ(0, minivmx_map(self->fd, 0xfffff000, vm_at(self, 0x100000), 0x1000,
				 VM_RWX));
	ASSERT_EQ(MINIVMX_EXIT_HLT, vm_run(self));
	EXPECT_EQ(0xf000, self->run->regs.rax);
}

/* ---- The modes ---- */

GUEST16(real_code, "mov %cs, %ax; mov $0x12345678, %ebx; hlt");

TEST_F(vm, real_mode)
{
	vm_real(self, real_code);
	ASSERT_EQ(MINIVMX_EXIT_HLT, vm_run(self));
	EXPECT_EQ(VM_CODE >> 4, self->run->regs.rax);
	EXPECT_EQ(0x12345678, self->run->regs.rbx);
}

/* Write to a page through one address, read it through another. */
GUEST32(alias_32, "mov %cs, %eax; movl $77, PAGES32; mov PAGES32 + 0x1000, %ebx; vmcall");
GUEST32(alias_pae, "mov %cs, %eax; movl $77, PAGES; mov PAGES + 0x1000, %ebx; vmcall");
GUEST64(alias_64, "mov %cs, %eax; movl $77, PAGES; mov PAGES + 0x1000, %ebx; vmcall");

TEST_F(vm, protected_mode_without_paging)
{
	vm_prot(self, alias_32);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(MINIVMX_FLAT_CODE, self->run->regs.rax);
	EXPECT_EQ(0, self->run->regs.rbx);
}

TEST_F(vm, protected_mode_with_32_bit_paging)
{
	vm_paged(self, alias_32);
	*vm_pte32(self, VM_PAGES32 + 0x1000) = *vm_pte32(self, VM_PAGES32);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(77, self->run->regs.rbx);
}

TEST_F(vm, protected_mode_with_pae_paging)
{
	vm_pae(self, alias_pae);
	*vm_pte(self, VM_PAGES + 0x1000) = *vm_pte(self, VM_PAGES);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(77, self->run->regs.rbx);
}

TEST_F(vm, long_mode)
{
	vm_long(self, alias_64);
	*vm_pte(self, VM_PAGES + 0x1000) = *vm_pte(self, VM_PAGES);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(77, self->run->regs.rbx);
	EXPECT_EQ(MINIVMX_FLAT_CODE, self->run->regs.rax);
}

/* From real mode through all of them, as a boot loader does. */
GUEST16(climb,
	"lgdtl (climb_gdt - climb);"
	"mov %cr0, %eax; or $1, %eax; mov %eax, %cr0;"
	"ljmpl $8, $CODE + (climb_32 - climb);"
	".code32; climb_32:;"
	"mov $0x10, %eax; mov %eax, %ds; mov %eax, %ss;"
	/* PAE paging */
	"mov %cr4, %eax; or $0x20, %eax; mov %eax, %cr4;"
	"mov $0xb000, %eax; mov %eax, %cr3;"
	"mov %cr0, %eax; or $0x80000000, %eax; mov %eax, %cr0;"
	"mov PAGES + 0x1000, %ebx;"
	/* paging off, long mode on */
	"and $0x7fffffff, %eax; mov %eax, %cr0;"
	"mov $0x4000, %eax; mov %eax, %cr3;"
	"mov $0xc0000080, %ecx; rdmsr; or $0x100, %eax; wrmsr;"
	"mov %cr0, %eax; or $0x80000000, %eax; mov %eax, %cr0;"
	"rdmsr; mov %eax, %esi;"
	"ljmp $0x18, $CODE + (climb_64 - climb);"
	".code64; climb_64:;"
	"mov $0x1122334455667788, %rdi; vmcall;"
	".balign 8; climb_table: .quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff,"
	" 0x00af9b000000ffff;"
	"climb_gdt: .word 31; .long CODE + (climb_table - climb)");

TEST_F(vm, a_boot_loader_climbs_from_real_to_long_mode)
{
	vm_page_tables(self);
	*vm_pte(self, VM_PAGES + 0x1000) = *vm_pte(self, VM_PAGES);
	*vm_u32(self, VM_PAGES) = 4711;
	vm_real(self, climb);
	self->sregs.ds.base = VM_CODE;
	self->sregs.ds.selector = VM_CODE >> 4;
	vm_set_sregs(self);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(4711, self->run->regs.rbx);
	EXPECT_EQ(EFER_LME | EFER_LMA, self->run->regs.rsi);
	EXPECT_EQ(0x1122334455667788, self->run->regs.rdi);
	ASSERT_EQ(0, minivmx_get_sregs(self->vcpu, &self->sregs));
	EXPECT_EQ(EFER_LME | EFER_LMA, self->sregs.efer);
	EXPECT_EQ(0x18, self->sregs.cs.selector);
}

/* ---- Round trips ---- */

TEST_F(vm, sregs_come_back_as_they_were_set)
{
	struct minivmx_sregs in, out;
	struct minivmx_segment *seg;
	unsigned int i;

	vm_long(self, alias_64);
	in = self->sregs;
	for (i = 0, seg = &in.es; seg <= &in.gs; seg++, i++)
		if (seg != &in.cs)
			seg->base = 0x1000 * i;
	in.ldtr = (struct minivmx_segment) { 0x5000, 0x27, 0x82, 0x48, {} };
	in.gdtr.base = 0xffff800000001000;
	in.idtr.limit = 0x123;
	in.cr2 = 0xffff888012345678;
	in.cr8 = 9;
	in.efer |= EFER_SCE | EFER_NX;
	in.dr0 = 0x1001;
	in.dr1 = 0x1002;
	in.dr2 = 0x1003;
	in.dr3 = 0x1004;
	in.dr6 = 0xffff4ff2;
	in.dr7 = 0x455;
	ASSERT_EQ(0, minivmx_set_sregs(self->vcpu, &in));
	ASSERT_EQ(0, minivmx_get_sregs(self->vcpu, &out));
	EXPECT_EQ(0, memcmp(&in, &out, sizeof(in)));

	/* The mirror test: another vCPU takes the state over. */
	vm_new_vcpu(self, 1);
	ASSERT_EQ(0, minivmx_set_sregs(self->vcpu, &out));
	ASSERT_EQ(0, minivmx_get_sregs(self->vcpu, &in));
	EXPECT_EQ(0, memcmp(&in, &out, sizeof(in)));
}

TEST_F(vm, set_sregs_refuses_what_the_vcpu_cannot_have)
{
	struct minivmx_sregs good, bad;

#define REFUSED(assignment)						\
	bad = good;							\
	bad.assignment;							\
	EXPECT_EQ(-EINVAL, minivmx_set_sregs(self->vcpu, &bad))

	vm_long(self, alias_64);
	good = self->sregs;
	REFUSED(cr0 |= 1UL << 32);
	REFUSED(cr0 |= 1UL << 6);
	REFUSED(cr0 &= ~CR0_PE);
	REFUSED(cr4 |= CR4_VMXE);
	REFUSED(cr4 |= 1UL << 31);
	REFUSED(cr8 = 16);
	REFUSED(efer |= 1UL << 12);		/* SVME */
	REFUSED(efer &= ~EFER_LMA);		/* LMA is LME and PG */
	REFUSED(xcr0 = 0);
	REFUSED(dr7 |= 1UL << 32);
	REFUSED(dr6 |= 1UL << 32);
	REFUSED(es.reserved[0] = 1);
	REFUSED(gdtr.reserved[2] = 1);
	/* Nothing of it has stayed. */
	ASSERT_EQ(0, minivmx_get_sregs(self->vcpu, &bad));
	EXPECT_EQ(0, memcmp(&good, &bad, sizeof(good)));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
}

GUEST64(rotate,
	"xchg %rax, %rcx; xchg %rcx, %rdx; xchg %rdx, %rbx; xchg %rbx, %rsp;"
	"xchg %rsp, %rbp; xchg %rbp, %rsi; xchg %rsi, %rdi; xchg %rdi, %r8;"
	"xchg %r8, %r9; xchg %r9, %r10; xchg %r10, %r11; xchg %r11, %r12;"
	"xchg %r12, %r13; xchg %r13, %r14; xchg %r14, %r15; vmcall");

TEST_F(vm, registers_reach_the_guest_and_come_back)
{
	uint64_t *gpr = (void *)&self->run->regs;
	unsigned int i;

	/* Each register gets the next one's value, the last the first one's. */
	vm_long(self, rotate);
	for (i = 0; i < 16; i++)
		gpr[i] = 0x1111111111111111U * i;
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	for (i = 0; i < 16; i++)
		EXPECT_EQ(0x1111111111111111U * ((i + 1) % 16), gpr[i]);
}

TEST_F(vm, events_come_back_as_they_were_set)
{
	const struct minivmx_events in = {
		.event = { .flags = 3, .vector = 14, .type = 3, .error_code = 7, .cr2 = 9 },
		.irq = { .flags = 1, .vector = 0x31 },
		.nmi_pending = 1,
		.interruptibility = 8,
	};
	struct minivmx_events out, bad;

	vm_long(self, alias_64);
	ASSERT_EQ(0, minivmx_set_events(self->vcpu, &in));
	ASSERT_EQ(0, minivmx_get_events(self->vcpu, &out));
	EXPECT_EQ(0, memcmp(&in, &out, sizeof(in)));

	bad = in;
	bad.interruptibility = 4;		/* blocking by SMI */
	EXPECT_EQ(-EINVAL, minivmx_set_events(self->vcpu, &bad));
	bad = in;
	bad.nmi_pending = 2;
	EXPECT_EQ(-EINVAL, minivmx_set_events(self->vcpu, &bad));
	bad = in;
	bad.irq.type = MINIVMX_EVENT_EXCEPTION;
	EXPECT_EQ(-EINVAL, minivmx_set_events(self->vcpu, &bad));
	ASSERT_EQ(0, minivmx_get_events(self->vcpu, &out));
	EXPECT_EQ(0, memcmp(&in, &out, sizeof(in)));
}

TEST_F(vm, cpuid_rows_come_back_as_they_were_set)
{
	struct minivmx_cpuid_entry in[MINIVMX_MAX_CPUID], out[MINIVMX_MAX_CPUID];
	struct minivmx_cpuid_entry supported[MINIVMX_MAX_CPUID];
	int n, i;

	/* A new vCPU has what the host can back. */
	n = minivmx_get_supported_cpuid(self->system, supported, MINIVMX_MAX_CPUID);
	ASSERT_LT(10, n);
	ASSERT_EQ(n, minivmx_get_cpuid(self->vcpu, out, MINIVMX_MAX_CPUID));
	EXPECT_EQ(0, memcmp(supported, out, n * sizeof(out[0])));
	EXPECT_EQ(-ENOSPC, minivmx_get_cpuid(self->vcpu, out, n - 1));

	memset(in, 0, sizeof(in));
	for (i = 0; i < MINIVMX_MAX_CPUID; i++)
		in[i] = (struct minivmx_cpuid_entry) { .leaf = i, .eax = i * i };
	ASSERT_EQ(0, minivmx_set_cpuid(self->vcpu, in, MINIVMX_MAX_CPUID));
	ASSERT_EQ(MINIVMX_MAX_CPUID,
		  minivmx_get_cpuid(self->vcpu, out, MINIVMX_MAX_CPUID));
	EXPECT_EQ(0, memcmp(in, out, sizeof(in)));
}

/* ---- Entries that fail ---- */

GUEST64(alive, "mov $1234, %ebx; vmcall");

TEST_F(vm, bad_rflags_fail_the_first_entry_and_can_be_repaired)
{
	vm_long(self, alive);
	self->run->regs.rflags = 0;		/* bit 1 is always set */
	ASSERT_EQ(MINIVMX_EXIT_ENTRY_FAIL, vm_run(self));
	EXPECT_EQ(1UL << 31 | 33, self->run->exit.reason);
	EXPECT_EQ(0, self->run->entry.vm_instruction_error);
	EXPECT_EQ(0, self->run->regs.rflags);
	EXPECT_EQ(VM_CODE, self->run->regs.rip);
	/* Again, and the same. */
	ASSERT_EQ(MINIVMX_EXIT_ENTRY_FAIL, vm_run(self));
	EXPECT_EQ(1UL << 31 | 33, self->run->exit.reason);

	self->run->regs.rflags = 2;
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(1234, self->run->regs.rbx);
}

TEST_F(vm, bad_rflags_fail_a_later_entry_and_can_be_repaired)
{
	vm_long(self, alive);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	self->run->regs.rip = VM_CODE;
	self->run->regs.rflags = 0;
	ASSERT_EQ(MINIVMX_EXIT_ENTRY_FAIL, vm_run(self));
	self->run->regs.rflags = 2;
	self->run->regs.rbx = 0;
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(1234, self->run->regs.rbx);
}

TEST_F(vm, an_entry_that_failed_delivered_no_event)
{
	vm_long(self, alive);
	self->run->regs.rflags = RFLAGS_IF;
	vm_event(self, MINIVMX_EVENT_EXTINT, 0x31);
	ASSERT_EQ(MINIVMX_EXIT_ENTRY_FAIL, vm_run(self));
	self->run->regs.rflags = RFLAGS_IF | 2;
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_EQ(0x31, self->trap.vector);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(self));
}

TEST_F(vm, bad_segments_fail_the_entry_until_set_sregs_repairs_them)
{
	vm_long(self, alive);
	self->sregs.cs.access = 0;		/* not present */
	vm_set_sregs(self);
	ASSERT_EQ(MINIVMX_EXIT_ENTRY_FAIL, vm_run(self));
	EXPECT_EQ(33, self->run->exit.reason & 0xffff);
	vm_long(self, alive);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
}

TEST_F(vm, a_bad_event_fails_the_instruction_itself)
{
	/* #UD has no error code: VMfailValid, "invalid control fields". */
	vm_long(self, alive);
	vm_event(self, MINIVMX_EVENT_EXCEPTION, UD);
	self->run->event.flags |= MINIVMX_EVENT_ERROR;
	ASSERT_EQ(MINIVMX_EXIT_ENTRY_FAIL, vm_run(self));
	EXPECT_EQ(7, self->run->entry.vm_instruction_error);
	EXPECT_EQ(0, self->run->exit.reason);
	/* A good one takes its place. */
	vm_event(self, MINIVMX_EVENT_EXCEPTION, UD);
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_EQ(UD, self->trap.vector);
}

/* ---- RUN's own refusals ---- */

TEST_F(vm, run_refuses_what_it_does_not_know)
{
	vm_long(self, alive);
	self->run->action = 2;
	EXPECT_EQ(-EINVAL, minivmx_run(self->vcpu));
	self->run->action = MINIVMX_SKIP;	/* nothing to skip */
	EXPECT_EQ(-EINVAL, minivmx_run(self->vcpu));
	self->run->action = MINIVMX_RETRY;
	self->run->request = 8;
	EXPECT_EQ(-EINVAL, minivmx_run(self->vcpu));
	self->run->request = 0;
	EXPECT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
}

GUEST64(in_code, "in $0x80, %al; vmcall");

TEST_F(vm, exit_now_finishes_the_instruction_and_does_not_enter)
{
	vm_long(self, in_code);
	ASSERT_EQ(MINIVMX_EXIT_IO, vm_run(self));
	self->run->io.data[0] = 99;
	self->run->request = MINIVMX_REQ_EXIT_NOW;
	self->run->action = MINIVMX_SKIP;
	ASSERT_EQ(0, minivmx_run(self->vcpu));
	EXPECT_EQ(MINIVMX_EXIT_INTR, self->run->kind);
	EXPECT_EQ(99, self->run->regs.rax);
	EXPECT_EQ(VM_CODE + 2, self->run->regs.rip);
	EXPECT_EQ(0, vm_count(self, 18));
	self->run->request = 0;
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
}

/* ---- The FPU area ---- */

TEST_F(vm, xsave_area_comes_back_and_bad_ones_are_refused)
{
	uint8_t in[8192] __attribute__((aligned(64))), out[8192];
	uint32_t size = self->info.xsave_size;

	ASSERT_LE(size, sizeof(in));
	ASSERT_EQ(0, minivmx_get_xsave(self->vcpu, in, size));
	memset(in + 160, 0xa5, 256);		/* XMM0 to XMM15 */
	ASSERT_EQ(0, minivmx_set_xsave(self->vcpu, in, size));
	ASSERT_EQ(0, minivmx_get_xsave(self->vcpu, out, size));
	EXPECT_EQ(0, memcmp(in, out, size));
	EXPECT_EQ(-EINVAL, minivmx_set_xsave(self->vcpu, in, size - 1));

	in[24 + 3] = 0x80;			/* MXCSR bit 31 */
	EXPECT_EQ(-EINVAL, minivmx_set_xsave(self->vcpu, in, size));
	if (!(self->info.features & MINIVMX_FEAT_XSAVE))
		return;
	in[24 + 3] = 0;
	in[512 + 1] = 0x02;			/* XSTATE_BV: PKRU */
	EXPECT_EQ(-EINVAL, minivmx_set_xsave(self->vcpu, in, size));
	in[512 + 1] = 0;
	in[512 + 15] = 0x80;			/* XCOMP_BV: compacted */
	EXPECT_EQ(-EINVAL, minivmx_set_xsave(self->vcpu, in, size));
	in[512 + 15] = 0;
	in[512 + 40] = 1;			/* reserved header bytes */
	EXPECT_EQ(-EINVAL, minivmx_set_xsave(self->vcpu, in, size));
}

TEST_HARNESS_MAIN
