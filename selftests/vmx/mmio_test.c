// SPDX-License-Identifier: GPL-2.0
/*
 * Memory-mapped I/O: instructions that touch memory that is not mapped are
 * carried out piece by piece, in userspace what is not mapped, in the module
 * the rest.
 */
#include "vm.h"

#define EXPECT_READ(address, bytes)					\
do {									\
	ASSERT_EQ(MINIVMX_EXIT_MMIO, self->run->kind);			\
	EXPECT_EQ(0, self->run->mmio.is_write);				\
	EXPECT_EQ(address, self->run->mmio.gpa);			\
	EXPECT_EQ(bytes, self->run->mmio.size);				\
} while (0)

#define EXPECT_WRITE(address, bytes, value)				\
do {									\
	ASSERT_EQ(MINIVMX_EXIT_MMIO, self->run->kind);			\
	EXPECT_EQ(1, self->run->mmio.is_write);				\
	EXPECT_EQ(address, self->run->mmio.gpa);			\
	EXPECT_EQ(bytes, self->run->mmio.size);				\
	EXPECT_EQ(value, self->run->mmio.data);				\
} while (0)

/* Answer a read, and go on. */
static int answer(VM *self, uint64_t value)
{
	self->run->mmio.data = value;
	return vm_skip(self);
}

#define DEVICE_VALUE	0x8899aabbccddeeff
#define OLD_RAX		0x1122334455667788

/*
 * Loads: what of DEVICE_VALUE ends up in RAX, which was OLD_RAX, by the
 * manual's rules for parts of registers.
 */
#define LOAD_TEST(name, insn, bytes, expected)				\
	GUEST64(load_##name, insn "; vmcall");				\
	TEST_F(vm, load_##name)						\
	{								\
		vm_long(self, load_##name);				\
		self->run->regs.rax = OLD_RAX;				\
		self->run->regs.rsi = VM_MMIO + 0x10;			\
		self->run->regs.rcx = 6;				\
		ASSERT_EQ(MINIVMX_EXIT_MMIO, vm_run(self));		\
		EXPECT_READ(VM_MMIO + 0x10, bytes);			\
		EXPECT_EQ(VM_CODE, self->run->regs.rip);		\
		ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, answer(self, DEVICE_VALUE)); \
		EXPECT_EQ(expected, self->run->regs.rax);		\
	}

LOAD_TEST(8_bits, "mov (%rsi), %al", 1, 0x11223344556677ff)
LOAD_TEST(8_bits_high, "mov (%rsi), %ah", 1, 0x112233445566ff88)
LOAD_TEST(16_bits, "mov (%rsi), %ax", 2, 0x112233445566eeff)
LOAD_TEST(32_bits, "mov (%rsi), %eax", 4, 0x00000000ccddeeff)
LOAD_TEST(64_bits, "mov (%rsi), %rax", 8, DEVICE_VALUE)
LOAD_TEST(movzx_8_to_32, "movzbl (%rsi), %eax", 1, 0xff)
LOAD_TEST(movzx_16_to_64, "movzwq (%rsi), %rax", 2, 0xeeff)
LOAD_TEST(movsx_8_to_16, "movsbw (%rsi), %ax", 1, 0x112233445566ffff)
LOAD_TEST(movsx_16_to_32, "movswl (%rsi), %eax", 2, 0xffffeeff)
LOAD_TEST(movsxd, "movslq (%rsi), %rax", 4, 0xffffffffccddeeff)
LOAD_TEST(add_to_register, "add (%rsi), %eax", 4, 0x22446687)
LOAD_TEST(lods, "lodsl", 4, 0x00000000ccddeeff)

LOAD_TEST(sib, "mov -0x30(%rsi, %rcx, 8), %rax", 8, DEVICE_VALUE)

GUEST64(store_code,
	"mov %al, (%rdi); mov %ah, 1(%rdi); mov %ax, 2(%rdi); mov %eax, 4(%rdi);"
	"mov %rax, 8(%rdi); movb $0x5a, 16(%rdi); movl $-2, 20(%rdi); movq $-3, 24(%rdi);"
	"stosl; vmcall");

TEST_F(vm, stores)
{
	vm_long(self, store_code);
	self->run->regs.rax = OLD_RAX;
	self->run->regs.rdi = VM_MMIO;
	vm_run(self);
	EXPECT_WRITE(VM_MMIO, 1, 0x88);
	vm_skip(self);
	EXPECT_WRITE(VM_MMIO + 1, 1, 0x77);
	vm_skip(self);
	EXPECT_WRITE(VM_MMIO + 2, 2, 0x7788);
	vm_skip(self);
	EXPECT_WRITE(VM_MMIO + 4, 4, 0x55667788);
	vm_skip(self);
	EXPECT_WRITE(VM_MMIO + 8, 8, OLD_RAX);
	vm_skip(self);
	EXPECT_WRITE(VM_MMIO + 16, 1, 0x5a);
	vm_skip(self);
	EXPECT_WRITE(VM_MMIO + 20, 4, 0xfffffffe);
	vm_skip(self);
	EXPECT_WRITE(VM_MMIO + 24, 8, 0xfffffffffffffffd);
	vm_skip(self);
	EXPECT_WRITE(VM_MMIO, 4, 0x55667788);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(self));
	EXPECT_EQ(VM_MMIO + 4, self->run->regs.rdi);
	EXPECT_EQ(OLD_RAX, self->run->regs.rax);
}

GUEST64(rip_relative, "movl $7, 0x1000(%rip); mov 0x1000(%rip), %eax; vmcall");

TEST_F(vm, rip_relative_operands_count_from_the_next_instruction)
{
	vm_long(self, rip_relative);
	/* The same code in RAM, next to a hole. */
	ASSERT_EQ(0, minivmx_map(self->fd, VM_MMIO, vm_at(self, 0x800000), 0x1000, VM_RWX));
	memcpy(vm_at(self, 0x800000), rip_relative, rip_relative_end - rip_relative);
	self->run->regs.rip = VM_MMIO;
	vm_run(self);
	EXPECT_WRITE(VM_MMIO + 10 + 0x1000, 4, 7);	/* with its immediate */
	vm_skip(self);
	EXPECT_READ(VM_MMIO + 16 + 0x1000, 4);
}

/* ---- Read, modify, write: two exits ---- */

GUEST64(rmw_code,
	"orl $0x10, (%rdi); pushf; pop %rbx; lock incl (%rdi); pushf; pop %rcx;"
	"xchg %eax, (%rdi); btsl $3, (%rdi); vmcall");

TEST_F(vm, read_modify_write_is_two_exits)
{
	vm_long(self, rmw_code);
	self->run->regs.rdi = VM_MMIO;
	self->run->regs.rax = 0x1234;
	vm_run(self);
	EXPECT_READ(VM_MMIO, 4);
	answer(self, 0x80000001);
	EXPECT_WRITE(VM_MMIO, 4, 0x80000011);
	vm_skip(self);
	EXPECT_EQ(0x86, self->run->regs.rbx & 0xff);	/* SF, PF, and bit 1 */
	EXPECT_READ(VM_MMIO, 4);
	answer(self, 0xffffffff);
	EXPECT_WRITE(VM_MMIO, 4, 0);
	vm_skip(self);
	EXPECT_EQ(0x56, self->run->regs.rcx & 0xff);	/* ZF, AF, PF; CF as before */
	EXPECT_READ(VM_MMIO, 4);
	answer(self, 0x5678);
	EXPECT_WRITE(VM_MMIO, 4, 0x1234);
	vm_skip(self);
	EXPECT_EQ(0x5678, self->run->regs.rax);
	EXPECT_READ(VM_MMIO, 4);
	answer(self, 0);
	EXPECT_WRITE(VM_MMIO, 4, 8);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(self));
}

GUEST64(compare_code, "cmpl $5, (%rdi); setz %al; testb $0x80, (%rdi); setnz %bl; vmcall");

TEST_F(vm, compare_and_test_only_read)
{
	vm_long(self, compare_code);
	self->run->regs.rdi = VM_MMIO;
	vm_run(self);
	EXPECT_READ(VM_MMIO, 4);
	answer(self, 5);
	EXPECT_READ(VM_MMIO, 1);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, answer(self, 0x80));
	EXPECT_EQ(1, self->run->regs.rax);
	EXPECT_EQ(1, self->run->regs.rbx & 0xff);
}

TEST_F(vm, retry_starts_the_instruction_again)
{
	vm_long(self, rmw_code);
	self->run->regs.rdi = VM_MMIO;
	vm_run(self);
	EXPECT_READ(VM_MMIO, 4);
	answer(self, 1);
	EXPECT_WRITE(VM_MMIO, 4, 0x11);
	vm_run(self);
	EXPECT_READ(VM_MMIO, 4);
	answer(self, 2);
	EXPECT_WRITE(VM_MMIO, 4, 0x12);
}

/* ---- Strings ---- */

GUEST64(rep_movsl, "rep movsl; vmcall");

TEST_F(vm, movs_from_memory_to_a_device)
{
	unsigned int i;

	vm_long(self, rep_movsl);
	for (i = 0; i < 4; i++)
		vm_u32(self, VM_DATA)[i] = 100 + i;
	self->run->regs.rsi = VM_DATA;
	self->run->regs.rdi = VM_MMIO;
	self->run->regs.rcx = 4;
	vm_run(self);
	for (i = 0; i < 4; i++) {
		EXPECT_WRITE(VM_MMIO + 4 * i, 4, 100 + i);
		EXPECT_EQ(4 - i, self->run->regs.rcx);
		vm_skip(self);
	}
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, self->run->kind);
	EXPECT_EQ(0, self->run->regs.rcx);
	EXPECT_EQ(VM_DATA + 16, self->run->regs.rsi);
	EXPECT_EQ(VM_MMIO + 16, self->run->regs.rdi);
}

TEST_F(vm, movs_from_a_device_to_memory)
{
	unsigned int i;

	vm_long(self, rep_movsl);
	self->run->regs.rsi = VM_MMIO + 0xff8;
	self->run->regs.rdi = VM_DATA;
	self->run->regs.rcx = 4;
	vm_run(self);
	for (i = 0; i < 4; i++) {
		EXPECT_READ(VM_MMIO + 0xff8 + 4 * i, 4);
		answer(self, 200 + i);
	}
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, self->run->kind);
	for (i = 0; i < 4; i++)
		EXPECT_EQ(200 + i, vm_u32(self, VM_DATA)[i]);
}

TEST_F(vm, movs_from_device_to_device)
{
	vm_long(self, rep_movsl);
	self->run->regs.rsi = VM_MMIO;
	self->run->regs.rdi = VM_MMIO + 0x2000;
	self->run->regs.rcx = 1;
	vm_run(self);
	EXPECT_READ(VM_MMIO, 4);
	answer(self, 0x42);
	EXPECT_WRITE(VM_MMIO + 0x2000, 4, 0x42);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(self));
}

GUEST64(rep_stosw, "std; rep stosw; vmcall");

TEST_F(vm, rep_stos_to_a_device_goes_on_in_memory)
{
	/* Downwards, from the first bytes of the hole into RAM below it. */
	vm_long(self, rep_stosw);
	self->run->regs.rax = 0xabcd;
	self->run->regs.rdi = VM_MMIO_LOW + 2;
	self->run->regs.rcx = 4;
	vm_run(self);
	EXPECT_WRITE(VM_MMIO_LOW + 2, 2, 0xabcd);
	vm_skip(self);
	EXPECT_WRITE(VM_MMIO_LOW, 2, 0xabcd);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(self));
	EXPECT_EQ(0xabcdabcd, *vm_u32(self, VM_MMIO_LOW - 4));
	EXPECT_EQ(0, *vm_u32(self, VM_MMIO_LOW - 8));
	EXPECT_EQ(VM_MMIO_LOW - 6, self->run->regs.rdi);
}

/* ---- Over the end of a page ---- */

GUEST64(load_rax, "mov (%rsi), %rax; vmcall");
GUEST64(store_rax, "mov %rax, (%rdi); vmcall");

TEST_F(vm, an_access_over_a_page_end_comes_in_pieces)
{
	vm_long(self, load_rax);
	self->run->regs.rsi = VM_MMIO + 0xffd;
	vm_run(self);
	/* 3 bytes, then 5: as powers of two. */
	EXPECT_READ(VM_MMIO + 0xffd, 2);
	answer(self, 0x2211);
	EXPECT_READ(VM_MMIO + 0xfff, 1);
	answer(self, 0x33);
	EXPECT_READ(VM_MMIO + 0x1000, 4);
	answer(self, 0x77665544);
	EXPECT_READ(VM_MMIO + 0x1004, 1);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, answer(self, 0x88));
	EXPECT_EQ(0x8877665544332211, self->run->regs.rax);
}

TEST_F(vm, an_access_half_in_memory_and_half_in_a_device)
{
	vm_long(self, load_rax);
	*vm_u32(self, VM_MMIO_LOW - 4) = 0x44332211;
	self->run->regs.rsi = VM_MMIO_LOW - 4;
	vm_run(self);
	EXPECT_READ(VM_MMIO_LOW, 4);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, answer(self, 0x88776655));
	EXPECT_EQ(0x8877665544332211, self->run->regs.rax);

	vm_long(self, store_rax);
	self->run->regs.rax = 0x8877665544332211;
	self->run->regs.rdi = VM_MMIO_LOW - 4;
	*vm_u32(self, VM_MMIO_LOW - 4) = 0;
	vm_run(self);
	EXPECT_WRITE(VM_MMIO_LOW, 4, 0x88776655);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(self));
	EXPECT_EQ(0x44332211, *vm_u32(self, VM_MMIO_LOW - 4));
}

TEST_F(vm, the_two_pages_of_an_access_need_not_be_neighbours)
{
	vm_long(self, load_rax);
	*vm_pte(self, VM_PAGES) = VM_MMIO | 3;
	*vm_pte(self, VM_PAGES + 0x1000) = (VM_MMIO + 0x7000) | 3;
	self->run->regs.rsi = VM_PAGES + 0xffc;
	vm_run(self);
	EXPECT_READ(VM_MMIO + 0xffc, 4);
	answer(self, 0x11111111);
	EXPECT_READ(VM_MMIO + 0x7000, 4);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, answer(self, 0x22222222));
	EXPECT_EQ(0x2222222211111111, self->run->regs.rax);
}

/* ---- Modes ---- */

GUEST16(real_code,
	"mov %es:(%di), %ax; movb $0x41, %es:1(%bx,%di); mov (%bp), %cl; hlt");

TEST_F(vm, real_mode)
{
	vm_real(self, real_code);
	self->sregs.es.selector = VM_MMIO_LOW >> 4;
	self->sregs.es.base = VM_MMIO_LOW;
	vm_set_sregs(self);
	self->run->regs.rax = OLD_RAX;
	self->run->regs.rdi = 0x99990010;	/* only 16 bits of it */
	self->run->regs.rbx = 0xfff8;		/* and the sum wraps */
	vm_run(self);
	EXPECT_READ(VM_MMIO_LOW + 0x10, 2);
	answer(self, 0xbeef);
	EXPECT_WRITE(VM_MMIO_LOW + 0x09, 1, 0x41);
	ASSERT_EQ(MINIVMX_EXIT_HLT, vm_skip(self));
	EXPECT_EQ(0x112233445566beef, self->run->regs.rax);
}

GUEST32(load_32, "mov PAGES32, %eax; mov %eax, %fs:8; vmcall");

TEST_F(vm, protected_mode_with_segments)
{
	vm_prot(self, load_32);
	self->sregs.ds.base = VM_MMIO - VM_PAGES32;
	self->sregs.fs.base = VM_MMIO + 0x100;
	vm_set_sregs(self);
	vm_run(self);
	EXPECT_READ(VM_MMIO, 4);
	answer(self, 0x1234);
	EXPECT_WRITE(VM_MMIO + 0x108, 4, 0x1234);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(self));
}

TEST_F(vm, a_store_beyond_the_segment_limit_is_gp)
{
	vm_prot(self, load_32);
	self->sregs.ds.base = VM_MMIO - VM_PAGES32;
	self->sregs.fs.base = VM_MMIO;
	self->sregs.fs.limit = 7;
	self->sregs.fs.access &= ~0x8000;
	vm_set_sregs(self);
	vm_run(self);
	EXPECT_READ(VM_MMIO, 4);
	ASSERT_EQ(VM_TRAP, answer(self, 0));
	EXPECT_EQ(GP, self->trap.vector);
}

TEST_F(vm, paging_32_bit)
{
	vm_paged(self, load_32);
	*vm_pte32(self, VM_PAGES32) = VM_MMIO | 3;
	self->sregs.fs.base = VM_PAGES32 + 0x20;
	vm_set_sregs(self);
	vm_run(self);
	EXPECT_READ(VM_MMIO, 4);
	answer(self, 0x1234);
	EXPECT_WRITE(VM_MMIO + 0x28, 4, 0x1234);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(self));
	EXPECT_EQ(PTE_A | PTE_D, *vm_pte32(self, VM_PAGES32) & (PTE_A | PTE_D));
}

GUEST32(load_pae, "mov PAGES, %eax; vmcall");

TEST_F(vm, paging_pae)
{
	vm_pae(self, load_pae);
	*vm_pte(self, VM_PAGES) = VM_MMIO | 3;
	vm_run(self);
	EXPECT_READ(VM_MMIO, 4);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, answer(self, 0x1234));
	EXPECT_EQ(0x1234, self->run->regs.rax);
}

TEST_F(vm, user_mode)
{
	vm_long(self, load_rax);
	vm_user(self);
	*vm_pte(self, VM_PAGES) = VM_MMIO | 7;
	self->run->regs.rsi = VM_PAGES;
	vm_run(self);
	EXPECT_READ(VM_MMIO, 8);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, answer(self, 1));

	/* A supervisor page: the guest's own #PF, and no exit. */
	vm_long(self, load_rax);
	vm_user(self);
	*vm_pte(self, VM_PAGES) = VM_MMIO | 3;
	self->run->regs.rsi = VM_PAGES;
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_EQ(PF, self->trap.vector);
	EXPECT_EQ(5, self->trap.error);
}

/* ---- Faults of the other operand ---- */

TEST_F(vm, the_second_operand_of_movs_faults)
{
	/* The device is the source: it must not be read before the fault. */
	vm_long(self, rep_movsl);
	*vm_pte(self, VM_PAGES) &= ~PTE_P;
	self->run->regs.rsi = VM_MMIO;
	self->run->regs.rdi = VM_PAGES + 0x10;
	self->run->regs.rcx = 1;
	while (vm_run(self) == MINIVMX_EXIT_MMIO)
		ASSERT_EQ(VM_TRAP, answer(self, 0))
			TH_LOG("read %#lx", (long)self->run->mmio.gpa);
	EXPECT_EQ(PF, self->trap.vector);
	EXPECT_EQ(2, self->trap.error);
	EXPECT_EQ(VM_CODE, self->trap.rip);
	EXPECT_EQ(1, self->run->regs.rcx);
	EXPECT_EQ(VM_MMIO, self->run->regs.rsi);
	ASSERT_EQ(0, minivmx_get_sregs(self->vcpu, &self->sregs));
	EXPECT_EQ(VM_PAGES + 0x10, self->sregs.cr2);
}

TEST_F(vm, the_second_page_of_an_access_faults_before_any_exit)
{
	vm_long(self, load_rax);
	*vm_pte(self, VM_PAGES) = VM_MMIO | 3;
	*vm_pte(self, VM_PAGES + 0x1000) = 0;
	self->run->regs.rsi = VM_PAGES + 0xffc;
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_EQ(PF, self->trap.vector);
	EXPECT_EQ(0, self->trap.error);
	ASSERT_EQ(0, minivmx_get_sregs(self->vcpu, &self->sregs));
	EXPECT_EQ(VM_PAGES + 0x1000, self->sregs.cr2);
}

TEST_F(vm, a_write_to_a_read_only_device_page_is_a_page_fault)
{
	vm_long(self, rmw_code);
	*vm_pte(self, VM_PAGES) = VM_MMIO | 1;
	self->run->regs.rdi = VM_PAGES;
	/* Read, modify, write: a write from the start. */
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_EQ(PF, self->trap.vector);
	EXPECT_EQ(3, self->trap.error);
}

/* ---- What is not known ---- */

GUEST64(unknown, "movdqu (%rsi), %xmm0; vmcall");

TEST_F(vm, an_unknown_instruction_is_shown_to_userspace)
{
	vm_long(self, unknown);
	self->run->regs.rsi = VM_MMIO + 0x40;
	ASSERT_EQ(MINIVMX_EXIT_EMULATION, vm_run(self));
	EXPECT_EQ(VM_MMIO + 0x40, self->run->insn.gpa);
	EXPECT_LE(unknown_end - unknown, self->run->insn.len);
	EXPECT_EQ(0, memcmp(self->run->insn.bytes, unknown, unknown_end - unknown));
	EXPECT_EQ(VM_CODE, self->run->regs.rip);
	/* Userspace emulates it: it moves RIP by itself, four bytes. */
	self->run->regs.rip += 4;
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
}

TEST_F(vm, bytes_of_an_unknown_instruction_at_the_end_of_memory)
{
	/* The page behind it is not mapped: fewer than 15 bytes. */
	vm_long(self, unknown);
	memcpy(vm_at(self, VM_MMIO_LOW - 4), unknown, 4);
	self->run->regs.rip = VM_MMIO_LOW - 4;
	self->run->regs.rsi = VM_MMIO;
	ASSERT_EQ(MINIVMX_EXIT_EMULATION, vm_run(self));
	EXPECT_EQ(4, self->run->insn.len);
	EXPECT_EQ(0, memcmp(self->run->insn.bytes, unknown, 4));
}

/* ---- What was decoded before ---- */

GUEST64(changing_code,
	"mov $2, %ecx;"
	"1: movl $0x11, (%rdi);"	/* c7 07, then four bytes of immediate */
	"movb $0x22, 1b+2(%rip); loop 1b; vmcall");

TEST_F(vm, code_that_changes_is_decoded_again)
{
	vm_long(self, changing_code);
	self->run->regs.rdi = VM_MMIO;
	ASSERT_EQ(MINIVMX_EXIT_MMIO, vm_run(self));
	EXPECT_WRITE(VM_MMIO, 4U, 0x11U);
	ASSERT_EQ(MINIVMX_EXIT_MMIO, vm_skip(self));
	EXPECT_WRITE(VM_MMIO, 4U, 0x22U);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(self));
}

GUEST64(store_rsp, "mov $0x1234, %esp; mov %esp, (%rdi); mov %rsp, 4(%rdi); vmcall");

TEST_F(vm, a_store_of_the_stack_pointer)
{
	vm_long(self, store_rsp);
	self->run->regs.rdi = VM_MMIO;
	ASSERT_EQ(MINIVMX_EXIT_MMIO, vm_run(self));
	EXPECT_WRITE(VM_MMIO, 4U, 0x1234U);
	ASSERT_EQ(MINIVMX_EXIT_MMIO, vm_skip(self));
	EXPECT_WRITE(VM_MMIO + 4, 8U, 0x1234U);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(self));
}

/* The same bytes are other instructions: in 16-bit code ModRM 7 is (%bx), in 32-bit code (%edi). */
GUEST64(same_bytes, ".byte 0x8b, 0x07; vmcall");

TEST_F(vm, the_same_bytes_in_code_of_another_size)
{
	vm_long(self, same_bytes);
	self->run->regs.rdi = VM_MMIO;
	ASSERT_EQ(MINIVMX_EXIT_MMIO, vm_run(self));
	EXPECT_READ(VM_MMIO, 4);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, answer(self, 5));
	EXPECT_EQ(5UL, self->run->regs.rax);
	vm_real(self, same_bytes);
	self->sregs.ds.selector = VM_MMIO_LOW >> 4;
	self->sregs.ds.base = VM_MMIO_LOW;
	vm_set_sregs(self);
	self->run->regs.rbx = 0;
	ASSERT_EQ(MINIVMX_EXIT_MMIO, vm_run(self));
	EXPECT_READ(VM_MMIO_LOW, 2);
}

/* ---- What is no device access ---- */

TEST_F(vm, a_fetch_from_unmapped_memory_is_no_device_access)
{
	vm_long(self, load_rax);
	self->run->regs.rip = VM_MMIO;
	ASSERT_EQ(MINIVMX_EXIT_MEMORY, vm_run(self));
	EXPECT_EQ(VM_MMIO, self->run->memory.gpa);
	EXPECT_EQ(MINIVMX_PROT_EXEC, self->run->memory.access);
	EXPECT_EQ(EFAULT, self->run->memory.error);
}

TEST_F(vm, page_tables_in_unmapped_memory_are_no_device_access)
{
	vm_long(self, load_rax);
	vm_u64(self, VM_PD)[VM_PAGES >> 21] = VM_MMIO | 3;
	self->run->regs.rsi = VM_PAGES;
	ASSERT_EQ(MINIVMX_EXIT_MEMORY, vm_run(self));
	EXPECT_EQ(VM_MMIO, self->run->memory.gpa);
}

TEST_HARNESS_MAIN
