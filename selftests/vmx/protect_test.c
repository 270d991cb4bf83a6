// SPDX-License-Identifier: GPL-2.0
/*
 * Rights of single pages and of more: they bind the guest and what the module does
 * for it, whatever the size of the EPT's pages.
 */
#include "ept.h"

/* The RUN ended because the guest may not do that. */
#define EXPECT_DENIED(where, how)					\
do {									\
	ASSERT_EQ(MINIVMX_EXIT_MEMORY, self->run->kind);		\
	EXPECT_EQ(where, self->run->memory.gpa);			\
	EXPECT_EQ(how, self->run->memory.access);			\
	EXPECT_EQ(EACCES, self->run->memory.error);			\
} while (0)

TEST_F(vm, a_page_without_write_is_read_and_not_written)
{
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(self, PAGE + 4, 1));
	ASSERT_EQ(0, protect(self, PAGE, 0x1000, R | X));
	EXPECT_EQ(0, walk(self, PAGE).entries[0]);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_load(self, PAGE + 4));
	EXPECT_EQ(1, self->run->regs.rax);
	ASSERT_EQ(MINIVMX_EXIT_MEMORY, guest_store(self, PAGE + 4, 2));
	EXPECT_DENIED(PAGE + 4, W);
	EXPECT_EQ(PAGE + 4, self->run->exit.gla);
	EXPECT_EQ(PAGE + 4, self->run->exit.gpa);
	EXPECT_EQ(VM_CODE, self->run->regs.rip);
	EXPECT_EQ(1, *vm_u32(self, PAGE + 4));
	/* Its neighbours are as they were. */
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(self, PAGE - 4, 3));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(self, PAGE + 0x1000, 4));

	/* Given back, the same access is made. */
	ASSERT_EQ(MINIVMX_EXIT_MEMORY, guest_store(self, PAGE + 4, 5));
	ASSERT_EQ(0, protect(self, PAGE, 0x1000, VM_RWX));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(5, *vm_u32(self, PAGE + 4));
}

TEST_F(vm, a_page_without_execute_is_not_executed)
{
	ASSERT_EQ(0, protect(self, PAGE, 0x1000, R | W));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(self, PAGE, 1));
	memcpy(vm_at(self, PAGE), load_code, load_code_end - load_code);
	vm_long(self, load_code);
	self->run->regs.rip = PAGE;
	self->run->regs.rsi = VM_DATA;
	ASSERT_EQ(MINIVMX_EXIT_MEMORY, vm_run(self));
	EXPECT_DENIED(PAGE, X);
	EXPECT_EQ(PAGE, self->run->exit.gla);
	ASSERT_EQ(0, protect(self, PAGE, 0x1000, R | X));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
}

TEST_F(vm, a_page_without_rights_is_not_used_at_all)
{
	*vm_u32(self, PAGE + 8) = 7;
	ASSERT_EQ(0, protect(self, PAGE, 0x1000, 0));
	ASSERT_EQ(MINIVMX_EXIT_MEMORY, guest_load(self, PAGE + 8));
	EXPECT_DENIED(PAGE + 8, R);
	ASSERT_EQ(MINIVMX_EXIT_MEMORY, guest_store(self, PAGE + 8, 1));
	EXPECT_DENIED(PAGE + 8, W);
	self->run->regs.rip = PAGE;
	ASSERT_EQ(MINIVMX_EXIT_MEMORY, vm_run(self));
	EXPECT_DENIED(PAGE, X);
	EXPECT_EQ(0, walk(self, PAGE).leaf_level);
	ASSERT_EQ(0, protect(self, PAGE, 0x1000, R));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_load(self, PAGE + 8));
	EXPECT_EQ(7, self->run->regs.rax);
}

TEST_F(vm, a_page_may_be_executed_and_not_read)
{
	if (!(self->info.features & MINIVMX_FEAT_EPT_X_ONLY))
		SKIP(return, "no execute-only pages in this CPU's EPT");
	ASSERT_EQ(0, protect(self, PAGE, 0x1000, X));
	memcpy(vm_at(self, PAGE), load_code, load_code_end - load_code);
	vm_long(self, load_code);
	self->run->regs.rip = PAGE;
	self->run->regs.rsi = VM_DATA;
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(X, walk(self, PAGE).entries[0] & EPT_RWX);
	self->run->regs.rip = PAGE;
	self->run->regs.rsi = PAGE + 0x10;
	ASSERT_EQ(MINIVMX_EXIT_MEMORY, vm_run(self));
	EXPECT_DENIED(PAGE + 0x10, R);
	/* The module fetches by the same right. */
	self->run->regs.rip = PAGE;
	self->run->regs.rsi = VM_MMIO;
	ASSERT_EQ(MINIVMX_EXIT_MMIO, vm_run(self));
	EXPECT_EQ(VM_MMIO, self->run->mmio.gpa);
}

TEST_F(vm, one_page_of_a_large_one_has_rights_of_its_own)
{
	const uint64_t page = HUGE + 0x5000;

	HUGE_OR_SKIP();
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(self, HUGE, 1));
	ASSERT_EQ(2, walk(self, page).leaf_level);
	ASSERT_EQ(0, protect(self, page, 0x1000, R));
	ASSERT_EQ(MINIVMX_EXIT_MEMORY, guest_store(self, page, 2));
	EXPECT_DENIED(page, W);
	EXPECT_EQ(0x01010101, *vm_u32(self, page));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_load(self, page));
	EXPECT_EQ(0x01010101, self->run->regs.rax);
	EXPECT_EQ(1, walk(self, page).leaf_level);
	EXPECT_EQ(R, walk(self, page).entries[0] & EPT_RWX);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(self, page - 4, 3));
	EXPECT_EQ(1, walk(self, page - 4).leaf_level);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(self, page + 0x1000, 4));

	/* With the same rights everywhere it is one page again. */
	ASSERT_EQ(0, protect(self, HUGE, HUGE_SIZE, VM_RWX));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(self, page, 5));
	EXPECT_EQ(2, walk(self, page).leaf_level);
	/* And if those of all of it are others. */
	ASSERT_EQ(0, protect(self, HUGE, HUGE_SIZE, R));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_load(self, page));
	EXPECT_EQ(2, walk(self, page).leaf_level);
	EXPECT_EQ(R, walk(self, page).entries[1] & EPT_RWX);
	ASSERT_EQ(MINIVMX_EXIT_MEMORY, guest_store(self, page, 6));
}

TEST_F(vm, rights_stay_when_the_host_changes_the_memory)
{
	*vm_u32(self, PAGE) = 1;
	ASSERT_EQ(0, protect(self, PAGE, 0x1000, R));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_load(self, PAGE));
	ASSERT_EQ(0, madvise(vm_at(self, PAGE), 0x1000, MADV_DONTNEED));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_load(self, PAGE));
	EXPECT_EQ(0, self->run->regs.rax);
	ASSERT_EQ(MINIVMX_EXIT_MEMORY, guest_store(self, PAGE, 2));
	EXPECT_DENIED(PAGE, W);
	/* Both must allow it. */
	ASSERT_EQ(0, mprotect(vm_at(self, PAGE), 0x1000, PROT_READ));
	ASSERT_EQ(0, protect(self, PAGE, 0x1000, R | W));
	ASSERT_EQ(MINIVMX_EXIT_MEMORY, vm_run(self));
	EXPECT_EQ(EFAULT, self->run->memory.error);
	ASSERT_EQ(0, mprotect(vm_at(self, PAGE), 0x1000, PROT_NONE));
	ASSERT_EQ(0, protect(self, PAGE, 0x1000, 0));
	ASSERT_EQ(0, mprotect(vm_at(self, PAGE), 0x1000, PROT_READ | PROT_WRITE));
	ASSERT_EQ(MINIVMX_EXIT_MEMORY, vm_run(self));
	EXPECT_DENIED(PAGE, W);
	ASSERT_EQ(0, protect(self, PAGE, 0x1000, R | W));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(2, *vm_u32(self, PAGE));
}

TEST_F(vm, rights_span_ranges_and_end_with_them)
{
	/* Three ranges without a hole, of two pages each. */
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(0, minivmx_map(self->fd, NOWHERE + i * 0x2000,
					 vm_at(self, HUGE + i * 0x2000), 0x2000, R | W));
	}
	ASSERT_EQ(0, protect(self, NOWHERE + 0x1000, 0x4000, R));
	for (int i = 0; i < 6; i++) {
		bool denied = i > 0 && i < 5;

		EXPECT_EQ(denied ? MINIVMX_EXIT_MEMORY : MINIVMX_EXIT_HYPERCALL,
			  guest_store(self, NOWHERE + i * 0x1000, 1));
		EXPECT_EQ(denied ? 0 : 1, *vm_u32(self, HUGE + i * 0x1000));
	}
	/* A new range has the rights that it is mapped with. */
	ASSERT_EQ(0, minivmx_unmap(self->fd, NOWHERE + 0x2000, 0x2000));
	ASSERT_EQ(0, minivmx_map(self->fd, NOWHERE + 0x2000, vm_at(self, HUGE + 0x2000), 0x2000,
				 R | W));
	for (int i = 0; i < 6; i++)
		EXPECT_EQ(i == 1 || i == 4 ? MINIVMX_EXIT_MEMORY : MINIVMX_EXIT_HYPERCALL,
			  guest_store(self, NOWHERE + i * 0x1000, 2));
}

TEST_F(vm, rights_that_cannot_be_are_refused)
{
	const uint64_t limit = 1UL << self->info.gpa_bits;
	const struct {
		int error;
		struct minivmx_protect protect;
	} cases[] = {
		{ -EINVAL, { .gpa = PAGE, .size = 0x1000, .prot = W } },
		{ -EINVAL, { .gpa = PAGE, .size = 0x1000, .prot = W | X } },
		{ -EINVAL, { .gpa = PAGE, .size = 0x1000, .prot = 8 } },
		{ -EINVAL, { .gpa = PAGE, .size = 0x1000, .prot = 1U << 31 } },
		{ -EINVAL, { .gpa = PAGE, .size = 0x1000, .prot = R, .reserved = 1 } },
		{ -EINVAL, { .gpa = PAGE + 1, .size = 0x1000, .prot = R } },
		{ -EINVAL, { .gpa = PAGE, .size = 0xfff, .prot = R } },
		{ -EINVAL, { .gpa = PAGE, .size = 0, .prot = R } },
		{ -ERANGE, { .gpa = limit, .size = 0x1000, .prot = R } },
		{ -ERANGE, { .gpa = limit - 0x1000, .size = 0x2000, .prot = R } },
		{ -ERANGE, { .gpa = PAGE, .size = -PAGE, .prot = R } },
		{ -ERANGE, { .gpa = PAGE, .size = -0x1000UL, .prot = R } },
		{ -ENOENT, { .gpa = limit - 0x1000, .size = 0x1000, .prot = R } },
		{ -ENOENT, { .gpa = VM_MMIO_LOW, .size = 0x1000, .prot = R } },
		/* A part before the hole, behind it, on both sides; and behind all. */
		{ -ENOENT, { .gpa = VM_MMIO_LOW - 0x1000, .size = 0x2000, .prot = R } },
		{ -ENOENT, { .gpa = 0xbf000, .size = 0x2000, .prot = R } },
		{ -ENOENT, { .gpa = VM_DATA, .size = PAGE, .prot = R } },
		{ -ENOENT, { .gpa = PAGE, .size = VM_SIZE, .prot = R } },
		{ -EACCES, { .gpa = NOWHERE, .size = 0x1000, .prot = R | W } },
		{ -EACCES, { .gpa = NOWHERE, .size = 0x2000, .prot = R | W } },
		{ -EACCES, { .gpa = NOWHERE, .size = 0x1000, .prot = R | X } },
	};

	ASSERT_EQ(0, minivmx_map(self->fd, NOWHERE, vm_at(self, HUGE), 0x1000, R));
	ASSERT_EQ(0, minivmx_map(self->fd, NOWHERE + 0x1000, vm_at(self, HUGE), 0x1000, VM_RWX));
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct minivmx_protect arg = cases[i].protect;
		long ret = ioctl(self->fd, MINIVMX_PROTECT_MEMORY, &arg) ? -errno : 0;

		EXPECT_EQ(cases[i].error, ret)
			TH_LOG("case %u", i);
	}
	/* Everything is as it was. */
	EXPECT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(self, PAGE, 1));
	EXPECT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(self, VM_MMIO_LOW - 0x1000, 1));
	EXPECT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(self, 0xc0000, 1));
	EXPECT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(self, NOWHERE + 0x1000, 1));
	EXPECT_EQ(MINIVMX_EXIT_HYPERCALL, guest_load(self, NOWHERE));
}

TEST_F(vm, rights_may_change_so_often_and_no_more)
{
	const uint64_t size = 2UL * MINIVMX_MAX_RIGHTS * 0x1000;
	uint64_t gpa = NOWHERE + 0x1000;
	void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	int ret, n = 0;

	ASSERT_NE(MAP_FAILED, mem);
	ASSERT_EQ(0, minivmx_map(self->fd, NOWHERE, mem, size, R | W));
	/* Every second page: each makes two stretches more, with one to start with. */
	while (!(ret = protect(self, gpa, 0x1000, R))) {
		gpa += 0x2000;
		n++;
	}
	EXPECT_EQ(-ENOSPC, ret);
	EXPECT_EQ((MINIVMX_MAX_RIGHTS - 1) / 2, n);
	EXPECT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(self, gpa, 1));
	EXPECT_EQ(MINIVMX_EXIT_MEMORY, guest_store(self, gpa - 0x2000, 1));
	/* As many as before, or fewer, are no matter. */
	EXPECT_EQ(0, protect(self, gpa - 0x2000, 0x1000, 0));
	EXPECT_EQ(0, protect(self, NOWHERE + 0x1000, 0x1000, R | W));
	EXPECT_EQ(0, protect(self, gpa, 0x1000, R));
	EXPECT_EQ(-ENOSPC, protect(self, gpa + 0x2000, 0x1000, R));
	/* All of it at once is one. */
	EXPECT_EQ(0, protect(self, NOWHERE, size, R));
	EXPECT_EQ(0, protect(self, gpa + 0x2000, 0x1000, 0));
	EXPECT_EQ(MINIVMX_EXIT_HYPERCALL, guest_load(self, gpa));
	EXPECT_EQ(MINIVMX_EXIT_MEMORY, guest_load(self, gpa + 0x2000));
}

/* ---- What the module does for the guest ---- */

GUEST64(movs_code, "movsl; vmcall");
GUEST64(ins_code, "mov $0x1234, %dx; insl; vmcall");
GUEST64(outs_code, "mov $0x1234, %dx; outsl; vmcall");

TEST_F(vm, a_device_is_not_copied_to_a_page_without_write)
{
	ASSERT_EQ(0, protect(self, PAGE, 0x1000, R));
	vm_long(self, movs_code);
	self->run->regs.rsi = VM_MMIO;
	self->run->regs.rdi = PAGE + 0x10;
	ASSERT_EQ(MINIVMX_EXIT_MMIO, vm_run(self));
	self->run->mmio.data = 0x12345678;
	ASSERT_EQ(MINIVMX_EXIT_MEMORY, vm_skip(self));
	EXPECT_DENIED(PAGE + 0x10, W);
	EXPECT_EQ(0, *vm_u32(self, PAGE + 0x10));
	/* From the start, with the right to. */
	ASSERT_EQ(0, protect(self, PAGE, 0x1000, R | W));
	ASSERT_EQ(MINIVMX_EXIT_MMIO, vm_run(self));
	self->run->mmio.data = 0x12345678;
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(self));
	EXPECT_EQ(0x12345678, *vm_u32(self, PAGE + 0x10));
}

TEST_F(vm, string_io_obeys_the_rights_of_its_memory)
{
	*vm_u32(self, PAGE + 0x10) = 0x1111;
	ASSERT_EQ(0, protect(self, PAGE, 0x1000, R));
	vm_long(self, ins_code);
	self->run->regs.rdi = PAGE + 0x10;
	ASSERT_EQ(MINIVMX_EXIT_MEMORY, vm_run(self));
	EXPECT_DENIED(PAGE + 0x10, W);
	vm_long(self, outs_code);
	self->run->regs.rsi = PAGE + 0x10;
	ASSERT_EQ(MINIVMX_EXIT_IO, vm_run(self));
	EXPECT_EQ(0x1111, *(uint32_t *)self->run->io.data);

	ASSERT_EQ(0, protect(self, PAGE, 0x1000, 0));
	vm_long(self, outs_code);
	self->run->regs.rsi = PAGE + 0x10;
	ASSERT_EQ(MINIVMX_EXIT_MEMORY, vm_run(self));
	EXPECT_DENIED(PAGE + 0x10, R);
	ASSERT_EQ(0, protect(self, PAGE, 0x1000, R));
	ASSERT_EQ(MINIVMX_EXIT_IO, vm_run(self));
}

/* The module walks the guest's page tables for INS: they have rights, too. */
TEST_F(vm, page_tables_that_may_not_be_read_are_not_walked)
{
	vm_long(self, ins_code);
	self->run->regs.rdi = PAGE;
	ASSERT_EQ(0, protect(self, VM_PT, 0x1000, 0));
	ASSERT_EQ(MINIVMX_EXIT_MEMORY, vm_run(self));
	EXPECT_DENIED(VM_PT, R);
	/* Nor marked if they may not be written. */
	ASSERT_EQ(0, protect(self, VM_PT, 0x1000, R));
	ASSERT_EQ(MINIVMX_EXIT_MEMORY, vm_run(self));
	EXPECT_DENIED(VM_PT, W);
	EXPECT_EQ(VM_PAGES | PTE_U | PTE_W | PTE_P, *vm_pte(self, PAGE));
	ASSERT_EQ(0, protect(self, VM_PT, 0x1000, R | W));
	ASSERT_EQ(MINIVMX_EXIT_IO, vm_run(self));
}

GUEST32(pae_on_code, "mov %cr0, %eax; or $0x80000000, %eax; mov %eax, %cr0; vmcall");

TEST_F(vm, pdptes_that_may_not_be_read_are_not_loaded)
{
	vm_prot(self, pae_on_code);
	self->sregs.cr4 |= CR4_PAE;
	self->sregs.cr3 = VM_PAE_PDPT;
	vm_set_sregs(self);
	ASSERT_EQ(0, protect(self, VM_PAE_PDPT, 0x1000, 0));
	ASSERT_EQ(MINIVMX_EXIT_MEMORY, vm_run(self));
	EXPECT_DENIED(VM_PAE_PDPT, R);
	ASSERT_EQ(0, protect(self, VM_PAE_PDPT, 0x1000, R));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
}

/* ---- Other CPUs ---- */

TEST_F(vm, no_write_follows_the_end_of_a_protect)
{
	volatile uint64_t *beat = vm_u64(self, PAGE);
	pthread_t thread;
	uint64_t at_end;
	void *kind;

	for (int i = 0; i < 10; i++) {
		*beat = 0;
		vm_long(self, beat_code);
		self->run->regs.rdi = PAGE;
		self->run->regs.rbx = 0;
		self->run->regs.rflags |= RFLAGS_IF;	/* see host_test.c, spinner */
		ASSERT_EQ(0, pthread_create(&thread, NULL, beat_thread, self));
		while (*beat < 100)
			sched_yield();
		ASSERT_EQ(0, protect(self, PAGE, 0x1000, R));
		at_end = *beat;
		ASSERT_EQ(0, pthread_join(thread, &kind));
		EXPECT_EQ(MINIVMX_EXIT_MEMORY, (long)kind);
		EXPECT_EQ(at_end, *beat);
		EXPECT_EQ(at_end + 1, self->run->regs.rbx);
		ASSERT_EQ(0, protect(self, PAGE, 0x1000, VM_RWX));
	}
}

TEST_HARNESS_MAIN
