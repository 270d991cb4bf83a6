// SPDX-License-Identifier: GPL-2.0
/*
 * Guest-physical memory: it is the process's own, page by page as the guest
 * touches it, and what the process or the host does to it shows in the guest.
 */
#include <sys/wait.h>

#include "vm.h"

/* Read a longword at RSI, or write one at RDI, then stop; and again. */
GUEST64(load_code, "mov (%rsi), %eax; vmcall; jmp load_code");
GUEST64(store_code, "mov %eax, (%rdi); vmcall; jmp store_code");

#define PAGE	VM_PAGES
#define EPT_VIOLATION	48

/* One load by the guest, from the start of the code or behind the VMCALL. */
static int guest_load(VM *self, uint64_t address)
{
	self->run->regs.rip = VM_CODE;
	self->run->regs.rsi = address;
	return vm_run(self);
}

static int guest_store(VM *self, uint64_t address, uint32_t value)
{
	self->run->regs.rip = VM_CODE;
	self->run->regs.rdi = address;
	self->run->regs.rax = value;
	return vm_run(self);
}

#define EXPECT_MEMORY(address, how, why)				\
do {									\
	ASSERT_EQ(MINIVMX_EXIT_MEMORY, self->run->kind);		\
	EXPECT_EQ(address, self->run->memory.gpa);			\
	EXPECT_EQ(how, self->run->memory.access);			\
	EXPECT_EQ(why, self->run->memory.error);			\
} while (0)

TEST_F(vm, pages_come_on_demand_one_violation_each)
{
	uint64_t before;
	int i;

	/* A huge page would bring its neighbours along. */
	ASSERT_EQ(0, madvise(self->mem, VM_SIZE, MADV_NOHUGEPAGE));
	vm_long(self, load_code);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_load(self, VM_DATA));
	before = vm_count(self, EPT_VIOLATION);
	for (i = 0; i < 10; i++)
		ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_load(self, PAGE + i * 0x1000));
	/* And for the page table. */
	EXPECT_LE(before + 10, vm_count(self, EPT_VIOLATION));
	EXPECT_GE(before + 12, vm_count(self, EPT_VIOLATION));
	before = vm_count(self, EPT_VIOLATION);
	for (i = 0; i < 10; i++)
		ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_load(self, PAGE + i * 0x1000));
	EXPECT_EQ(before, vm_count(self, EPT_VIOLATION));
}

TEST_F(vm, a_page_that_was_only_read_can_be_written)
{
	vm_long(self, load_code);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_load(self, PAGE));
	vm_long(self, store_code);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(self, PAGE, 55));
	EXPECT_EQ(55, *vm_u32(self, PAGE));
	*vm_u32(self, PAGE) = 66;
	vm_long(self, load_code);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_load(self, PAGE));
	EXPECT_EQ(66, self->run->regs.rax);
}

/* ---- Large pages ---- */

#define THP	"/sys/kernel/mm/transparent_hugepage/enabled"
#define HUGE	0x800000	/* 2M-aligned, of the VM's memory */

/* Violations of one load from each of 16 pages of a huge page. */
static uint64_t violations(VM *self)
{
	uint64_t before;
	int i;

	vm_must(guest_load(self, VM_DATA) == MINIVMX_EXIT_HYPERCALL);
	before = vm_count(self, EPT_VIOLATION);
	for (i = 0; i < 16; i++)
		vm_must(guest_load(self, HUGE + i * 0x1000) == MINIVMX_EXIT_HYPERCALL);
	return vm_count(self, EPT_VIOLATION) - before;
}

#define HUGE_OR_SKIP()							\
do {									\
	if (!(self->info.features & MINIVMX_FEAT_EPT_2M))		\
		SKIP(return, "no 2M pages in this CPU's EPT");		\
	if (!write_file(THP, "madvise"))				\
		SKIP(return, "no transparent huge pages");		\
	ASSERT_EQ(0, madvise(vm_at(self, HUGE), 2 << 20, MADV_HUGEPAGE)); \
	memset(vm_at(self, HUGE), 1, 2 << 20);				\
} while (0)

TEST_F(vm, a_huge_page_of_the_host_is_one_of_the_ept)
{
	HUGE_OR_SKIP();
	vm_long(self, load_code);
	EXPECT_EQ(1, violations(self));
	EXPECT_EQ(0x01010101, self->run->regs.rax);
}

TEST_F(vm, max_page_keeps_pages_small)
{
	struct minivmx_map map = {
		.gpa = 0x10000000, .size = 2 << 20, .hva = (uintptr_t)vm_at(self, HUGE),
		.prot = VM_RWX, .max_page = MINIVMX_PAGE_4K,
	};
	uint64_t before;
	int i;

	HUGE_OR_SKIP();
	ASSERT_EQ(0, minivmx_map_memory(self->fd, &map));
	vm_long(self, load_code);
	vm_must(guest_load(self, VM_DATA) == MINIVMX_EXIT_HYPERCALL);
	before = vm_count(self, EPT_VIOLATION);
	for (i = 0; i < 16; i++)
		vm_must(guest_load(self, 0x10000000 + i * 0x1000) == MINIVMX_EXIT_HYPERCALL);
	/* Page tables of the guest may be among them. */
	EXPECT_LE(16, vm_count(self, EPT_VIOLATION) - before);
}

TEST_F(vm, a_huge_page_that_the_host_splits_stays_right)
{
	HUGE_OR_SKIP();
	vm_long(self, load_code);
	EXPECT_EQ(1, violations(self));
	/* One small page out of the middle. */
	ASSERT_EQ(0, madvise(vm_at(self, HUGE + 0x5000), 0x1000, MADV_DONTNEED));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_load(self, HUGE + 0x5000));
	EXPECT_EQ(0, self->run->regs.rax);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_load(self, HUGE + 0x4000));
	EXPECT_EQ(0x01010101, self->run->regs.rax);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_load(self, HUGE + 0x6000));
	EXPECT_EQ(0x01010101, self->run->regs.rax);
}

/* ---- Nothing is pinned ---- */

TEST_F(vm, dontneed_shows_the_guest_a_zero_page)
{
	vm_long(self, load_code);
	*vm_u32(self, PAGE) = 99;
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_load(self, PAGE));
	ASSERT_EQ(99, self->run->regs.rax);
	ASSERT_EQ(0, madvise(vm_at(self, PAGE), 0x1000, MADV_DONTNEED));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_load(self, PAGE));
	EXPECT_EQ(0, self->run->regs.rax);
}

TEST_F(vm, untouched_memory_is_not_there)
{
	unsigned char present[8];
	int i, n = 0;

	vm_long(self, load_code);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_load(self, PAGE + 0x3000));
	ASSERT_EQ(0, mincore(vm_at(self, PAGE), sizeof(present) * 0x1000, present));
	for (i = 0; i < 8; i++)
		n += present[i] & 1;
	/* Reading maps the host's zero page, which mincore() calls present. */
	EXPECT_GE(1, n);
}

TEST_F(vm, mprotect_read_only_stops_the_guests_writes)
{
	vm_long(self, store_code);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(self, PAGE, 1));
	ASSERT_EQ(0, mprotect(vm_at(self, PAGE), 0x1000, PROT_READ));
	ASSERT_EQ(MINIVMX_EXIT_MEMORY, guest_store(self, PAGE, 2));
	EXPECT_MEMORY(PAGE, MINIVMX_PROT_WRITE, EFAULT);
	EXPECT_EQ(VM_CODE, self->run->regs.rip);
	EXPECT_EQ(1, *vm_u32(self, PAGE));
	ASSERT_EQ(0, mprotect(vm_at(self, PAGE), 0x1000, PROT_READ | PROT_WRITE));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(2, *vm_u32(self, PAGE));
}

TEST_F(vm, munmap_takes_the_page_and_mmap_gives_another)
{
	vm_long(self, load_code);
	*vm_u32(self, PAGE) = 99;
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_load(self, PAGE));
	ASSERT_EQ(0, munmap(vm_at(self, PAGE), 0x1000));
	ASSERT_EQ(MINIVMX_EXIT_MEMORY, guest_load(self, PAGE));
	EXPECT_MEMORY(PAGE, MINIVMX_PROT_READ, EFAULT);
	ASSERT_EQ(vm_at(self, PAGE), mmap(vm_at(self, PAGE), 0x1000, PROT_READ | PROT_WRITE,
					  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	*vm_u32(self, PAGE) = 100;
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(100, self->run->regs.rax);
}

TEST_F(vm, mremap_moves_the_memory_away)
{
	void *elsewhere = mmap(NULL, 0x1000, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint32_t *moved;

	vm_long(self, store_code);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(self, PAGE, 7));
	moved = mremap(vm_at(self, PAGE), 0x1000, 0x1000, MREMAP_MAYMOVE | MREMAP_FIXED,
		       elsewhere);
	ASSERT_EQ(elsewhere, moved);
	ASSERT_EQ(MINIVMX_EXIT_MEMORY, guest_store(self, PAGE, 8));
	EXPECT_EQ(7, *moved);
}

TEST_F(vm, fork_copies_on_write_and_the_guest_stays_with_the_parent)
{
	int ready[2], go[2], status;
	char c = 0;
	pid_t child;

	vm_long(self, store_code);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(self, PAGE, 1));
	ASSERT_EQ(0, pipe(ready));
	ASSERT_EQ(0, pipe(go));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		/* The child keeps what was there at the fork, and may write its own. */
		int ok = *vm_u32(self, PAGE) == 1;

		ok &= write(ready[1], &c, 1) == 1 && read(go[0], &c, 1) == 1;
		ok &= *vm_u32(self, PAGE) == 1;
		*vm_u32(self, PAGE) = 3;
		/* The VM is not the child's. */
		ok &= minivmx_run(self->vcpu) == -EXDEV;
		_exit(!ok);
	}
	ASSERT_EQ(1, read(ready[0], &c, 1));
	/* To have read the page, which is shared now, gives no right to write it. */
	vm_long(self, load_code);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_load(self, PAGE));
	EXPECT_EQ(1, self->run->regs.rax);
	vm_long(self, store_code);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(self, PAGE, 2));
	EXPECT_EQ(2, *vm_u32(self, PAGE));
	ASSERT_EQ(1, write(go[1], &c, 1));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(2, *vm_u32(self, PAGE));
	vm_long(self, load_code);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_load(self, PAGE));
	EXPECT_EQ(2, self->run->regs.rax);
}

TEST_F(vm, the_guest_writes_to_a_shared_file_mapping)
{
	int fd = syscall(319 /* memfd_create */, "guest", 0);
	uint32_t *again;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ftruncate(fd, 0x1000));
	ASSERT_EQ(vm_at(self, PAGE), mmap(vm_at(self, PAGE), 0x1000, PROT_READ | PROT_WRITE,
					  MAP_SHARED | MAP_FIXED, fd, 0));
	vm_long(self, store_code);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(self, PAGE, 0x1234));
	again = mmap(NULL, 0x1000, PROT_READ, MAP_SHARED, fd, 0);
	EXPECT_EQ(0x1234, *again);
	/* Truncated: the host would send SIGBUS. */
	ASSERT_EQ(0, ftruncate(fd, 0));
	ASSERT_EQ(MINIVMX_EXIT_MEMORY, guest_store(self, PAGE, 1));
	EXPECT_MEMORY(PAGE, MINIVMX_PROT_WRITE, EFAULT);
}

TEST_F(vm, pageout_and_back)
{
	FILE *swaps = fopen("/proc/swaps", "r");
	char line[256];
	int lines = 0;

	while (swaps && fgets(line, sizeof(line), swaps))
		lines++;
	if (lines < 2)
		SKIP(return, "no swap space on this machine");
	vm_long(self, store_code);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(self, PAGE, 1234));
	ASSERT_EQ(0, madvise(vm_at(self, PAGE), 0x1000, 21 /* MADV_PAGEOUT */));
	vm_long(self, load_code);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_load(self, PAGE));
	EXPECT_EQ(1234, self->run->regs.rax);
}

/* ---- Rights of a map ---- */

#define RIGHTS	0x10000000

static void map_rights(VM *self, uint32_t prot)
{
	vm_must(!minivmx_map(self->fd, RIGHTS, vm_at(self, HUGE), 0x1000, prot));
}

TEST_F(vm, a_map_without_write_is_not_written)
{
	map_rights(self, MINIVMX_PROT_READ | MINIVMX_PROT_EXEC);
	vm_long(self, store_code);
	ASSERT_EQ(MINIVMX_EXIT_MEMORY, guest_store(self, RIGHTS + 4, 1));
	EXPECT_MEMORY(RIGHTS + 4, MINIVMX_PROT_WRITE, EACCES);
	vm_long(self, load_code);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_load(self, RIGHTS));
	/* Not after a read either. */
	vm_long(self, store_code);
	ASSERT_EQ(MINIVMX_EXIT_MEMORY, guest_store(self, RIGHTS, 1));
	EXPECT_EQ(0, *vm_u32(self, HUGE));
}

TEST_F(vm, a_map_without_execute_is_not_executed)
{
	map_rights(self, MINIVMX_PROT_READ | MINIVMX_PROT_WRITE);
	memcpy(vm_at(self, HUGE), load_code, load_code_end - load_code);
	vm_long(self, load_code);
	self->run->regs.rip = RIGHTS;
	ASSERT_EQ(MINIVMX_EXIT_MEMORY, vm_run(self));
	EXPECT_MEMORY(RIGHTS, MINIVMX_PROT_EXEC, EACCES);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_load(self, RIGHTS));
	self->run->regs.rip = RIGHTS;
	ASSERT_EQ(MINIVMX_EXIT_MEMORY, vm_run(self));
}

TEST_F(vm, a_map_with_all_rights_has_them)
{
	map_rights(self, VM_RWX);
	memcpy(vm_at(self, HUGE), load_code, load_code_end - load_code);
	vm_long(self, load_code);
	self->run->regs.rip = RIGHTS;
	self->run->regs.rsi = RIGHTS;
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(*(uint32_t *)load_code, self->run->regs.rax);
}

/* ---- Maps come and go ---- */

TEST_F(vm, an_unmapped_range_is_a_device)
{
	map_rights(self, VM_RWX);
	*vm_u32(self, HUGE) = 5;
	vm_long(self, load_code);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_load(self, RIGHTS));
	ASSERT_EQ(5, self->run->regs.rax);
	ASSERT_EQ(0, minivmx_unmap(self->fd, RIGHTS, 0x1000));
	ASSERT_EQ(MINIVMX_EXIT_MMIO, guest_load(self, RIGHTS));
	EXPECT_EQ(RIGHTS, self->run->mmio.gpa);
	/* And memory again, other memory. */
	*vm_u32(self, HUGE + 0x1000) = 6;
	ASSERT_EQ(0, minivmx_map(self->fd, RIGHTS, vm_at(self, HUGE + 0x1000), 0x1000, VM_RWX));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(6, self->run->regs.rax);
}

TEST_F(vm, one_page_mapped_at_two_addresses_is_one_page)
{
	map_rights(self, VM_RWX);
	ASSERT_EQ(0, minivmx_map(self->fd, RIGHTS + 0x100000, vm_at(self, HUGE), 0x1000,
				 VM_RWX));
	vm_long(self, store_code);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(self, RIGHTS, 11));
	vm_long(self, load_code);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_load(self, RIGHTS + 0x100000));
	EXPECT_EQ(11, self->run->regs.rax);
	/* Both go when the host's page does. */
	ASSERT_EQ(0, madvise(vm_at(self, HUGE), 0x1000, MADV_DONTNEED));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_load(self, RIGHTS + 0x100000));
	EXPECT_EQ(0, self->run->regs.rax);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_load(self, RIGHTS));
	EXPECT_EQ(0, self->run->regs.rax);
}

/* While the guest runs on another CPU: its next access must not use the old page. */
GUEST64(poll_code, "1: mov (%rsi), %eax; cmp %ebx, %eax; je 1b; vmcall");

static void *poll_thread(void *arg)
{
	return (void *)(long)vm_run(arg);
}

TEST_F(vm, dontneed_reaches_a_guest_that_is_running)
{
	pthread_t thread;
	void *kind;

	vm_long(self, poll_code);
	*vm_u32(self, PAGE) = 99;
	self->run->regs.rsi = PAGE;
	self->run->regs.rbx = 99;
	ASSERT_EQ(0, pthread_create(&thread, NULL, poll_thread, self));
	usleep(20000);
	ASSERT_EQ(0, madvise(vm_at(self, PAGE), 0x1000, MADV_DONTNEED));
	ASSERT_EQ(0, pthread_join(thread, &kind));
	EXPECT_EQ(MINIVMX_EXIT_HYPERCALL, (long)kind);
	EXPECT_EQ(0, self->run->regs.rax);
}

TEST_F(vm, unmap_reaches_a_guest_that_is_running)
{
	pthread_t thread;
	void *kind;

	map_rights(self, VM_RWX);
	vm_long(self, poll_code);
	self->run->regs.rsi = RIGHTS;
	ASSERT_EQ(0, pthread_create(&thread, NULL, poll_thread, self));
	usleep(20000);
	ASSERT_EQ(0, minivmx_unmap(self->fd, RIGHTS, 0x1000));
	ASSERT_EQ(0, pthread_join(thread, &kind));
	EXPECT_EQ(MINIVMX_EXIT_MMIO, (long)kind);
}

TEST_HARNESS_MAIN
