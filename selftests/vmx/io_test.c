// SPDX-License-Identifier: GPL-2.0
/* Port I/O: IN, OUT, and the string instructions INS and OUTS. */
#include "vm.h"

#define IO_EXIT(p, s, in, n)						\
do {									\
	EXPECT_EQ(p, self->run->io.port);				\
	EXPECT_EQ(s, self->run->io.size);				\
	EXPECT_EQ(in, self->run->io.is_in);				\
	EXPECT_EQ(n, self->run->io.count);				\
} while (0)

GUEST64(outs_1_2_4,
	"out %al, $0x80; out %ax, $0x81; out %eax, $0x82;"
	"mov $0x1234, %dx; out %al, %dx; vmcall");

TEST_F(vm, out_of_1_2_and_4_bytes)
{
	uint64_t rax = 0xaabbccdd11223344;

	vm_long(self, outs_1_2_4);
	self->run->regs.rax = rax;
	ASSERT_EQ(MINIVMX_EXIT_IO, vm_run(self));
	IO_EXIT(0x80, 1, 0, 1);
	EXPECT_EQ(0, self->run->io.is_string);
	EXPECT_EQ(0, memcmp(self->run->io.data, "\x44", 1));
	EXPECT_EQ(VM_CODE, self->run->regs.rip);
	ASSERT_EQ(MINIVMX_EXIT_IO, vm_skip(self));
	IO_EXIT(0x81, 2, 0, 1);
	EXPECT_EQ(0, memcmp(self->run->io.data, "\x44\x33", 2));
	ASSERT_EQ(MINIVMX_EXIT_IO, vm_skip(self));
	IO_EXIT(0x82, 4, 0, 1);
	EXPECT_EQ(0, memcmp(self->run->io.data, "\x44\x33\x22\x11", 4));
	ASSERT_EQ(MINIVMX_EXIT_IO, vm_skip(self));
	IO_EXIT(0x1234, 1, 0, 1);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(self));
	EXPECT_EQ(rax, self->run->regs.rax);
}

GUEST64(in_1, "in $0x80, %al; vmcall");
GUEST64(in_2, "in $0x80, %ax; vmcall");
GUEST64(in_4, "in $0x80, %eax; vmcall");

TEST_F(vm, in_of_1_2_and_4_bytes)
{
	const uint64_t rax = 0xaabbccdd11223344;

	vm_long(self, in_1);
	self->run->regs.rax = rax;
	ASSERT_EQ(MINIVMX_EXIT_IO, vm_run(self));
	IO_EXIT(0x80, 1, 1, 1);
	memset(self->run->io.data, 0xee, 8);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(self));
	EXPECT_EQ(0xaabbccdd112233ee, self->run->regs.rax);

	vm_long(self, in_2);
	self->run->regs.rax = rax;
	ASSERT_EQ(MINIVMX_EXIT_IO, vm_run(self));
	IO_EXIT(0x80, 2, 1, 1);
	memset(self->run->io.data, 0xee, 8);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(self));
	EXPECT_EQ(0xaabbccdd1122eeee, self->run->regs.rax);

	/* Four bytes clear the upper half. */
	vm_long(self, in_4);
	self->run->regs.rax = rax;
	ASSERT_EQ(MINIVMX_EXIT_IO, vm_run(self));
	IO_EXIT(0x80, 4, 1, 1);
	memset(self->run->io.data, 0xee, 8);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(self));
	EXPECT_EQ(0xeeeeeeee, self->run->regs.rax);
}

TEST_F(vm, io_from_user_mode_follows_iopl)
{
	vm_long(self, in_1);
	vm_user(self);
	/* IOPL 0 and no I/O bitmap: the guest's own #GP, no exit. */
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_EQ(GP, self->trap.vector);

	vm_long(self, in_1);
	vm_user(self);
	self->run->regs.rflags |= 3 << 12;
	ASSERT_EQ(MINIVMX_EXIT_IO, vm_run(self));
}

/* ---- Strings ---- */

static void fill(uint8_t *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		p[i] = i * 7 + (i >> 8) + 1;
}

GUEST64(outsb_one, "outsb; vmcall");

TEST_F(vm, outs_without_rep_is_one_round)
{
	vm_long(self, outsb_one);
	*vm_u32(self, VM_DATA) = 0x55;
	self->run->regs.rsi = VM_DATA;
	self->run->regs.rcx = 9;
	self->run->regs.rdx = 0x99;
	ASSERT_EQ(MINIVMX_EXIT_IO, vm_run(self));
	IO_EXIT(0x99, 1, 0, 1);
	EXPECT_EQ(1, self->run->io.is_string);
	EXPECT_EQ(0x55, self->run->io.data[0]);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(self));
	EXPECT_EQ(VM_DATA + 1, self->run->regs.rsi);
	EXPECT_EQ(9, self->run->regs.rcx);
}

GUEST64(rep_outsb, "rep outsb; vmcall");
GUEST64(rep_outsl, "rep outsl; vmcall");

TEST_F(vm, rep_outs_of_3000_bytes_comes_in_pieces)
{
	uint8_t sent[3000];
	size_t n = 0, exits = 0;
	int kind;

	vm_long(self, rep_outsb);
	fill(vm_at(self, VM_DATA), 3000);
	self->run->regs.rsi = VM_DATA;
	self->run->regs.rcx = 3000;
	for (kind = vm_run(self); kind == MINIVMX_EXIT_IO; kind = vm_skip(self)) {
		ASSERT_EQ(1, self->run->io.size);
		ASSERT_LE(n + self->run->io.count, 3000);
		memcpy(sent + n, self->run->io.data, self->run->io.count);
		n += self->run->io.count;
		exits++;
	}
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, kind);
	EXPECT_EQ(3000, n);
	EXPECT_EQ(3, exits);
	EXPECT_EQ(0, memcmp(sent, vm_at(self, VM_DATA), 3000));
	EXPECT_EQ(0, self->run->regs.rcx);
	EXPECT_EQ(VM_DATA + 3000, self->run->regs.rsi);
}

TEST_F(vm, rep_outs_over_a_page_end_keeps_every_byte)
{
	const uint64_t start = VM_DATA + 0x1000 - 6;
	uint8_t sent[40];
	size_t n = 0;
	int kind;

	/* 32-bit rounds that do not divide the rest of the page. */
	vm_long(self, rep_outsl);
	fill(vm_at(self, start), 40);
	self->run->regs.rsi = start;
	self->run->regs.rcx = 10;
	for (kind = vm_run(self); kind == MINIVMX_EXIT_IO; kind = vm_skip(self)) {
		ASSERT_LE(n + 4 * self->run->io.count, 40);
		memcpy(sent + n, self->run->io.data, 4 * self->run->io.count);
		n += 4 * self->run->io.count;
	}
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, kind);
	EXPECT_EQ(40, n);
	EXPECT_EQ(0, memcmp(sent, vm_at(self, start), 40));
}

GUEST64(rep_insb, "rep insb; vmcall");
GUEST64(rep_insw, "rep insw; vmcall");

TEST_F(vm, rep_ins_of_3000_bytes_comes_in_pieces)
{
	uint8_t device[3000];
	size_t n = 0;
	int kind;

	vm_long(self, rep_insb);
	fill(device, sizeof(device));
	self->run->regs.rdi = VM_DATA;
	self->run->regs.rcx = 3000;
	for (kind = vm_run(self); kind == MINIVMX_EXIT_IO; kind = vm_skip(self)) {
		ASSERT_LE(n + self->run->io.count, 3000);
		memcpy(self->run->io.data, device + n, self->run->io.count);
		n += self->run->io.count;
	}
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, kind);
	EXPECT_EQ(0, memcmp(device, vm_at(self, VM_DATA), 3000));
	EXPECT_EQ(0, *(uint8_t *)vm_at(self, VM_DATA + 3000));
	EXPECT_EQ(VM_DATA + 3000, self->run->regs.rdi);
	EXPECT_EQ(0, self->run->regs.rcx);
}

TEST_F(vm, rep_ins_with_df_goes_down)
{
	uint16_t next = 1;
	int kind;

	vm_long(self, rep_insw);
	self->run->regs.rflags |= 1 << 10;
	self->run->regs.rdi = VM_DATA + 0x100;
	self->run->regs.rcx = 4;
	for (kind = vm_run(self); kind == MINIVMX_EXIT_IO; kind = vm_skip(self)) {
		ASSERT_EQ(1, self->run->io.count);
		memcpy(self->run->io.data, &next, 2);
		next++;
	}
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, kind);
	EXPECT_EQ(5, next);
	EXPECT_EQ(0x0001000200030004, *vm_u64(self, VM_DATA + 0x100 - 6));
	EXPECT_EQ(VM_DATA + 0x100 - 8, self->run->regs.rdi);
}

TEST_F(vm, rep_with_a_count_of_zero_does_nothing)
{
	vm_long(self, rep_insb);
	self->run->regs.rdi = VM_DATA;
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(VM_DATA, self->run->regs.rdi);
}

GUEST64(rep_outsb_a32, "addr32 rep outsb; vmcall");

TEST_F(vm, address_size_32_uses_and_clears_32_bits)
{
	vm_long(self, rep_outsb_a32);
	fill(vm_at(self, VM_DATA), 4);
	self->run->regs.rsi = VM_DATA | 0xdeadUL << 32;
	self->run->regs.rcx = 4 | 0xdeadUL << 32;
	ASSERT_EQ(MINIVMX_EXIT_IO, vm_run(self));
	EXPECT_EQ(4, self->run->io.count);
	EXPECT_EQ(0, memcmp(self->run->io.data, vm_at(self, VM_DATA), 4));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(self));
	EXPECT_EQ(VM_DATA + 4, self->run->regs.rsi);
	EXPECT_EQ(0, self->run->regs.rcx);
}

GUEST16(rep_outsb_16, "rep outsb; hlt");

TEST_F(vm, address_size_16_wraps_and_leaves_the_upper_bits)
{
	char sent[5] = "";
	size_t n = 0;
	int kind;

	vm_real(self, rep_outsb_16);
	self->sregs.ds.selector = VM_DATA >> 4;
	self->sregs.ds.base = VM_DATA;
	vm_set_sregs(self);
	memcpy(vm_at(self, VM_DATA + 0xfffe), "ab", 2);
	memcpy(vm_at(self, VM_DATA), "cd", 2);
	self->run->regs.rsi = 0x7777fffe;
	self->run->regs.rcx = 0x77770004;
	for (kind = vm_run(self); kind == MINIVMX_EXIT_IO && n < 4; kind = vm_skip(self)) {
		memcpy(sent + n, self->run->io.data, self->run->io.count);
		n += self->run->io.count;
	}
	ASSERT_EQ(MINIVMX_EXIT_HLT, kind);
	EXPECT_STREQ("abcd", sent);
	EXPECT_EQ(0x77770002, self->run->regs.rsi);
	EXPECT_EQ(0x77770000, self->run->regs.rcx);
}

GUEST32(es_outs_32, "es outsb; vmcall");

TEST_F(vm, outs_uses_the_segment_override)
{
	vm_prot(self, es_outs_32);
	self->sregs.es.base = VM_DATA;
	vm_set_sregs(self);
	*(uint8_t *)vm_at(self, VM_DATA + 5) = 0x5a;
	self->run->regs.rsi = 5;
	ASSERT_EQ(MINIVMX_EXIT_IO, vm_run(self));
	EXPECT_EQ(0x5a, self->run->io.data[0]);
}

GUEST32(insb_32, "insb; vmcall");

TEST_F(vm, ins_beyond_the_limit_of_es_is_gp_and_reads_no_device)
{
	vm_prot(self, insb_32);
	self->sregs.es.limit = 0xfff;
	self->sregs.es.access &= ~0x8000;
	vm_set_sregs(self);
	self->run->regs.rdi = 0xfff;
	ASSERT_EQ(MINIVMX_EXIT_IO, vm_run(self));

	vm_prot(self, insb_32);
	self->sregs.es.limit = 0xfff;
	self->sregs.es.access &= ~0x8000;
	vm_set_sregs(self);
	self->run->regs.rdi = 0x1000;
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_EQ(GP, self->trap.vector);
	EXPECT_EQ(0, self->trap.error);
	EXPECT_EQ(VM_CODE, self->trap.rip);
}

GUEST32(rep_insb_32, "rep insb; vmcall");

TEST_F(vm, rep_ins_into_the_limit_of_es_stops_there)
{
	int kind;

	vm_prot(self, rep_insb_32);
	self->sregs.es.base = VM_DATA;
	self->sregs.es.limit = 0x1f;
	self->sregs.es.access &= ~0x8000;
	vm_set_sregs(self);
	self->run->regs.rdi = 0x1e;
	self->run->regs.rcx = 5;
	for (kind = vm_run(self); kind == MINIVMX_EXIT_IO; kind = vm_skip(self))
		memset(self->run->io.data, 0xee, 8);
	ASSERT_EQ(VM_TRAP, kind);
	EXPECT_EQ(GP, self->trap.vector);
	EXPECT_EQ(VM_CODE, self->trap.rip);
	/* Two bytes fit, and the registers say so. */
	EXPECT_EQ(0x20, self->run->regs.rdi);
	EXPECT_EQ(3, self->run->regs.rcx);
	EXPECT_EQ(0xeeee, *vm_u32(self, VM_DATA + 0x1e));
}

TEST_F(vm, ins_through_a_read_only_segment_is_gp)
{
	vm_prot(self, insb_32);
	self->sregs.es.access &= ~2u;		/* type: not writable */
	vm_set_sregs(self);
	self->run->regs.rdi = VM_DATA;
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_EQ(GP, self->trap.vector);
}

TEST_F(vm, ins_to_a_read_only_page_faults_before_the_device_is_read)
{
	vm_long(self, rep_insb);
	*vm_pte(self, VM_PAGES + 0x3000) &= ~PTE_W;
	self->run->regs.rdi = VM_PAGES + 0x3010;
	self->run->regs.rcx = 8;
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_EQ(PF, self->trap.vector);
	EXPECT_EQ(3, self->trap.error);		/* present, write */
	EXPECT_EQ(VM_CODE, self->trap.rip);
	EXPECT_EQ(8, self->run->regs.rcx);
	ASSERT_EQ(0, minivmx_get_sregs(self->vcpu, &self->sregs));
	EXPECT_EQ(VM_PAGES + 0x3010, self->sregs.cr2);

	/* The handler makes it writable and returns: the same INS again. */
	*vm_pte(self, VM_PAGES + 0x3000) |= PTE_W;
	ASSERT_EQ(MINIVMX_EXIT_IO, vm_skip(self));
	memcpy(self->run->io.data, "abcdefgh", 8);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(self));
	EXPECT_EQ(0, memcmp(vm_at(self, VM_PAGES + 0x3010), "abcdefgh", 8));
	EXPECT_EQ(PTE_A | PTE_D, *vm_pte(self, VM_PAGES + 0x3000) & (PTE_A | PTE_D));
}

TEST_F(vm, a_fault_in_the_second_page_of_ins_comes_after_the_first)
{
	vm_long(self, rep_insb);
	*vm_pte(self, VM_PAGES + 0x1000) = 0;
	self->run->regs.rdi = VM_PAGES + 0xffe;
	self->run->regs.rcx = 4;
	ASSERT_EQ(MINIVMX_EXIT_IO, vm_run(self));
	EXPECT_EQ(2, self->run->io.count);
	ASSERT_EQ(VM_TRAP, vm_skip(self));
	EXPECT_EQ(PF, self->trap.vector);
	EXPECT_EQ(2, self->trap.error);
	EXPECT_EQ(2, self->run->regs.rcx);
	ASSERT_EQ(0, minivmx_get_sregs(self->vcpu, &self->sregs));
	EXPECT_EQ(VM_PAGES + 0x1000, self->sregs.cr2);
}

GUEST64(rep_insl, "rep insl; vmcall");

TEST_F(vm, one_round_of_ins_over_two_pages_faults_as_a_whole)
{
	vm_long(self, rep_insl);
	*vm_pte(self, VM_PAGES + 0x1000) &= ~PTE_W;
	*vm_u32(self, VM_PAGES + 0xffc) = 0x12345678;
	self->run->regs.rdi = VM_PAGES + 0xffe;
	self->run->regs.rcx = 1;
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_EQ(PF, self->trap.vector);
	EXPECT_EQ(0x12345678, *vm_u32(self, VM_PAGES + 0xffc));
}

TEST_F(vm, string_io_to_a_device_page_is_not_lost)
{
	/* INS from a port to MMIO: no operating system does it; say so. */
	vm_long(self, rep_insb);
	self->run->regs.rdi = VM_MMIO;
	self->run->regs.rcx = 2;
	ASSERT_EQ(MINIVMX_EXIT_MEMORY, vm_run(self));
	EXPECT_EQ(2, self->run->regs.rcx);
	EXPECT_EQ(VM_MMIO, self->run->memory.gpa);
}

TEST_HARNESS_MAIN
