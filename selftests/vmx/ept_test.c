// SPDX-License-Identifier: GPL-2.0
/*
 * The EPT as its program sees and shapes it: walks, rights of single pages,
 * accessed and dirty flags.
 */
#include <linux/capability.h>
#include <sys/syscall.h>

#include "vm.h"

/* Read a longword at RSI, or write one at RDI, then stop. */
GUEST64(load_code, "mov (%rsi), %eax; vmcall");
GUEST64(store_code, "mov %eax, (%rdi); vmcall");

#define PAGE		VM_PAGES
#define HUGE		0x800000	/* 2M-aligned, of the VM's memory */
#define HUGE_SIZE	(2UL << 20)
#define NOWHERE		0x10000000	/* behind the memory */

/* Of an EPT entry ("Format of an EPT Page-Table Entry"). */
#define EPT_R		(1UL << 0)
#define EPT_W		(1UL << 1)
#define EPT_X		(1UL << 2)
#define EPT_RWX		(EPT_R | EPT_W | EPT_X)
#define EPT_TYPE	(0xfUL << 3)
#define EPT_WB_IPAT	(6UL << 3 | 1UL << 6)
#define EPT_LARGE	(1UL << 7)
#define EPT_FRAME	0x000ffffffffff000UL

static int guest_load(VM *self, uint64_t address)
{
	vm_long(self, load_code);
	self->run->regs.rsi = address;
	return vm_run(self);
}

static int guest_store(VM *self, uint64_t address, uint32_t value)
{
	vm_long(self, store_code);
	self->run->regs.rdi = address;
	self->run->regs.rax = value;
	return vm_run(self);
}

/* The program's memory behind HUGE is one huge page of the host. */
#define HUGE_OR_SKIP()							\
do {									\
	if (!(self->info.features & MINIVMX_FEAT_EPT_2M))		\
		SKIP(return, "no 2M pages in this CPU's EPT");		\
	if (!write_file("/sys/kernel/mm/transparent_hugepage/enabled", "madvise")) \
		SKIP(return, "no transparent huge pages");		\
	ASSERT_EQ(0, madvise(vm_at(self, HUGE), HUGE_SIZE, MADV_HUGEPAGE)); \
	memset(vm_at(self, HUGE), 1, HUGE_SIZE);			\
} while (0)

/* ---- Walks ---- */

static struct minivmx_walk walk(VM *self, uint64_t gpa)
{
	struct minivmx_walk w;

	vm_must(!minivmx_walk_ept(self->fd, gpa, &w));
	return w;
}

/* Where the host has the memory at @p; the reader must be root. */
static uint64_t frame_of(void *p)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	uint64_t entry = 0;

	vm_must(pread(fd, &entry, 8, (uintptr_t)p / 0x1000 * 8) == 8);
	close(fd);
	return entry >> 63 ? (entry & ((1UL << 55) - 1)) << 12 : 0;
}

TEST_F(vm, a_walk_ends_where_nothing_is_mapped_and_maps_nothing)
{
	struct minivmx_walk w = walk(self, PAGE);
	int i;

	EXPECT_EQ(1, w.levels);
	EXPECT_EQ(0, w.leaf_level);
	EXPECT_EQ(0, w.page_size);
	for (i = 0; i < 4; i++)
		EXPECT_EQ(0, w.entries[i]);
	EXPECT_EQ(1, walk(self, PAGE).levels);
}

TEST_F(vm, a_walk_shows_the_entry_at_each_level)
{
	struct minivmx_walk w;
	int i;

	ASSERT_EQ(0, madvise(self->mem, VM_SIZE, MADV_NOHUGEPAGE));
	*vm_u32(self, PAGE + 0x3000) = 1;
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_load(self, PAGE + 0x3000));
	w = walk(self, PAGE + 0x3abc);
	EXPECT_EQ(PAGE + 0x3abc, w.gpa);
	EXPECT_EQ(4, w.levels);
	EXPECT_EQ(1, w.leaf_level);
	EXPECT_EQ(0x1000, w.page_size);
	for (i = 1; i < 4; i++) {
		EXPECT_EQ(EPT_RWX, w.entries[i] & EPT_RWX);
		EXPECT_NE(0, w.entries[i] & EPT_FRAME);
		EXPECT_EQ(0, w.entries[i] & EPT_LARGE);
	}
	/* Only read yet. */
	EXPECT_EQ(EPT_R | EPT_X, w.entries[0] & EPT_RWX);
	EXPECT_EQ(EPT_WB_IPAT, w.entries[0] & (EPT_TYPE | 1UL << 6));
	EXPECT_EQ(frame_of(vm_at(self, PAGE + 0x3000)), w.entries[0] & EPT_FRAME);

	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(self, PAGE + 0x3000, 1));
	EXPECT_EQ(EPT_RWX, walk(self, PAGE + 0x3000).entries[0] & EPT_RWX);
	/* Its neighbour shares the tables. */
	w = walk(self, PAGE + 0x4000);
	EXPECT_EQ(4, w.levels);
	EXPECT_EQ(0, w.leaf_level);
	EXPECT_EQ(0, w.entries[0]);
	/* What the host takes away is gone. */
	ASSERT_EQ(0, madvise(vm_at(self, PAGE + 0x3000), 0x1000, MADV_DONTNEED));
	EXPECT_EQ(0, walk(self, PAGE + 0x3000).leaf_level);
	EXPECT_EQ(0, minivmx_unmap(self->fd, 0xc0000, VM_SIZE - 0xc0000));
	EXPECT_EQ(0, walk(self, PAGE + 0x3000).leaf_level);
}

TEST_F(vm, a_walk_shows_a_large_page)
{
	struct minivmx_walk w;

	HUGE_OR_SKIP();
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_load(self, HUGE + 0x5000));
	w = walk(self, HUGE + 0x123456);
	EXPECT_EQ(3, w.levels);
	EXPECT_EQ(2, w.leaf_level);
	EXPECT_EQ(HUGE_SIZE, w.page_size);
	EXPECT_EQ(0, w.entries[0]);
	EXPECT_EQ(EPT_LARGE, w.entries[1] & EPT_LARGE);
	EXPECT_EQ(frame_of(vm_at(self, HUGE)), w.entries[1] & EPT_FRAME);
}

TEST_F(vm, a_walk_beyond_the_width_is_refused)
{
	const uint64_t limit = 1UL << self->info.gpa_bits;
	const uint64_t beyond[] = { limit, limit + PAGE, 1UL << 63, ~0UL };
	struct minivmx_walk w;
	unsigned int i;

	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_load(self, PAGE));
	for (i = 0; i < sizeof(beyond) / sizeof(beyond[0]); i++) {
		EXPECT_EQ(-ERANGE, minivmx_walk_ept(self->fd, beyond[i], &w));
		EXPECT_EQ(0, w.levels);
		EXPECT_EQ(0, w.entries[3]);
	}
	EXPECT_EQ(0, minivmx_walk_ept(self->fd, limit - 1, &w));
	EXPECT_EQ(0, w.leaf_level);
	EXPECT_NE(0, walk(self, PAGE).leaf_level);
}

/* This thread's CAP_SYS_ADMIN, off or on again. */
static void sys_admin(bool on)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	vm_must(!syscall(SYS_capget, &header, data));
	data[0].effective &= ~(1U << CAP_SYS_ADMIN);
	if (on)
		data[0].effective |= 1U << CAP_SYS_ADMIN;
	vm_must(!syscall(SYS_capset, &header, data));
}

TEST_F(vm, a_walk_shows_no_host_address_without_cap_sys_admin)
{
	struct minivmx_walk root, user;
	unsigned int i;

	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(self, PAGE, 1));
	root = walk(self, PAGE);
	sys_admin(false);
	user = walk(self, PAGE);
	sys_admin(true);
	EXPECT_EQ(root.levels, user.levels);
	EXPECT_EQ(root.leaf_level, user.leaf_level);
	for (i = 0; i < 4; i++) {
		if (i + 1 >= root.leaf_level) {
			EXPECT_NE(0, root.entries[i] & EPT_FRAME);
		}
		EXPECT_EQ(root.entries[i] & ~EPT_FRAME, user.entries[i]);
	}
}

TEST_HARNESS_MAIN
