// SPDX-License-Identifier: GPL-2.0
/* The EPT as its program sees it: walks, accessed and dirty flags. */
#include <linux/capability.h>
#include <sys/syscall.h>

#include "ept.h"

/* ---- Walks ---- */

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

/* ---- Accessed and dirty flags ---- */

#define ACCESSED	MINIVMX_HARVEST_ACCESSED
#define DIRTY		MINIVMX_HARVEST_DIRTY
#define CLEAR		MINIVMX_HARVEST_CLEAR

#define AD_OR_SKIP()							\
do {									\
	if (!(self->info.features & MINIVMX_FEAT_EPT_AD))		\
		SKIP(return, "no accessed and dirty flags in this CPU's EPT"); \
} while (0)

static void harvest(VM *self, uint64_t gpa, unsigned int nr, uint32_t which,
		    uint32_t flags, uint64_t *bitmap)
{
	const struct minivmx_harvest h = {
		.gpa = gpa, .size = nr * 0x1000UL, .bitmap = (uintptr_t)bitmap,
		.which = which, .flags = flags,
	};

	vm_must(!minivmx_harvest(self->fd, &h));
}

/* Of one page. */
static bool harvest_page(VM *self, uint64_t gpa, uint32_t which, uint32_t flags)
{
	uint64_t bitmap = ~0UL;

	harvest(self, gpa, 1, which, flags, &bitmap);
	vm_must(bitmap < 2);
	return bitmap;
}

TEST_F(vm, a_page_is_accessed_when_it_was_read_and_dirty_when_it_was_written)
{
	AD_OR_SKIP();
	ASSERT_EQ(0, madvise(self->mem, VM_SIZE, MADV_NOHUGEPAGE));
	EXPECT_FALSE(harvest_page(self, PAGE, ACCESSED, 0));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_load(self, PAGE));
	EXPECT_TRUE(harvest_page(self, PAGE, ACCESSED, 0));
	EXPECT_FALSE(harvest_page(self, PAGE, DIRTY, CLEAR));
	/* To look changes nothing, to clear does; and the other flag stays. */
	EXPECT_TRUE(harvest_page(self, PAGE, ACCESSED, 0));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(self, PAGE, 1));
	EXPECT_TRUE(harvest_page(self, PAGE, DIRTY, 0));
	EXPECT_TRUE(harvest_page(self, PAGE, ACCESSED, CLEAR));
	EXPECT_FALSE(harvest_page(self, PAGE, ACCESSED, 0));
	EXPECT_TRUE(harvest_page(self, PAGE, DIRTY, CLEAR));
	EXPECT_FALSE(harvest_page(self, PAGE, DIRTY, 0));
	EXPECT_NE(0, walk(self, PAGE).leaf_level);
}

/* The CPU has the translation cached, with the flags set: it must forget that. */
TEST_F(vm, a_flag_that_was_cleared_is_set_again)
{
	uint64_t violations;
	int i;

	AD_OR_SKIP();
	ASSERT_EQ(0, madvise(self->mem, VM_SIZE, MADV_NOHUGEPAGE));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(self, PAGE, 1));
	violations = vm_count(self, 48);
	for (i = 0; i < 10; i++) {
		EXPECT_TRUE(harvest_page(self, PAGE, DIRTY, CLEAR));
		EXPECT_TRUE(harvest_page(self, PAGE, ACCESSED, CLEAR));
		EXPECT_FALSE(harvest_page(self, PAGE, ACCESSED, 0));
		ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_load(self, PAGE));
		EXPECT_TRUE(harvest_page(self, PAGE, ACCESSED, 0));
		EXPECT_FALSE(harvest_page(self, PAGE, DIRTY, 0));
		ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(self, PAGE, 1));
	}
	/* The page was there all the time. */
	EXPECT_EQ(violations, vm_count(self, 48));
}

TEST_F(vm, each_page_has_its_bit)
{
	static const unsigned int pages[] = { 0, 1, 62, 63, 64, 127, 200, 255 };
	uint64_t bitmap[6], want[4] = { 0 };
	unsigned int i;

	AD_OR_SKIP();
	ASSERT_EQ(0, madvise(self->mem, VM_SIZE, MADV_NOHUGEPAGE));
	for (i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		ASSERT_EQ(MINIVMX_EXIT_HYPERCALL,
			  guest_store(self, PAGE + 0x3000 + pages[i] * 0x1000, i));
		want[pages[i] / 64] |= 1UL << pages[i] % 64;
	}
	memset(bitmap, 0xaa, sizeof(bitmap));
	harvest(self, PAGE + 0x3000, 256, DIRTY, 0, bitmap);
	EXPECT_EQ(0, memcmp(want, bitmap, sizeof(want)));
	EXPECT_EQ(0xaaaaaaaaaaaaaaaaUL, bitmap[4]);
	/* A part: the last word is padded with zeros, what is outside not cleared. */
	memset(bitmap, 0xaa, sizeof(bitmap));
	harvest(self, PAGE + 0x3000 + 62 * 0x1000, 66, DIRTY, CLEAR, bitmap);
	EXPECT_EQ(7, bitmap[0]);
	EXPECT_EQ(2, bitmap[1]);
	EXPECT_EQ(0xaaaaaaaaaaaaaaaaUL, bitmap[2]);
	want[0] = 3;
	want[1] = 0;
	harvest(self, PAGE + 0x3000, 256, DIRTY, 0, bitmap);
	EXPECT_EQ(0, memcmp(want, bitmap, sizeof(want)));
}

TEST_F(vm, a_large_page_has_all_its_bits)
{
	uint64_t bitmap[8];
	int i;

	AD_OR_SKIP();
	HUGE_OR_SKIP();
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(self, HUGE + 0x5000, 1));
	ASSERT_EQ(2, walk(self, HUGE).leaf_level);
	harvest(self, HUGE, 512, DIRTY, 0, bitmap);
	for (i = 0; i < 8; i++)
		EXPECT_EQ(~0UL, bitmap[i]);
	/* Of those that are asked for; and the one flag goes for all. */
	harvest(self, HUGE + 0x3000, 5, DIRTY, CLEAR, bitmap);
	EXPECT_EQ(0x1f, bitmap[0]);
	harvest(self, HUGE, 512, DIRTY, 0, bitmap);
	for (i = 0; i < 8; i++)
		EXPECT_EQ(0, bitmap[i]);
	EXPECT_EQ(2, walk(self, HUGE).leaf_level);
	/* From a page before it to one behind. */
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(self, HUGE + 0x5000, 1));
	harvest(self, HUGE - 0x1000, 514, DIRTY, CLEAR, (uint64_t[9]) { 0 });
	EXPECT_FALSE(harvest_page(self, HUGE, DIRTY, 0));
}

/*
 * If a large page takes the place of smaller ones (it does not on CPUs with the iTLB
 * multihit bug), it has their flags.
 */
TEST_F(vm, flags_outlive_the_size_of_their_page)
{
	AD_OR_SKIP();
	HUGE_OR_SKIP();
	ASSERT_EQ(0, protect(self, HUGE, HUGE_SIZE / 2, R));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(self, HUGE + HUGE_SIZE / 2, 1));
	ASSERT_EQ(1, walk(self, HUGE + HUGE_SIZE / 2).leaf_level);
	ASSERT_EQ(0, protect(self, HUGE, HUGE_SIZE / 2, VM_RWX));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_load(self, HUGE));
	TH_LOG("now of level %u", walk(self, HUGE).leaf_level);
	EXPECT_TRUE(harvest_page(self, HUGE + HUGE_SIZE / 2, DIRTY, 0));
}

TEST_F(vm, flags_of_a_page_that_the_host_took_are_gone)
{
	AD_OR_SKIP();
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(self, PAGE, 1));
	ASSERT_EQ(0, madvise(vm_at(self, PAGE), 0x1000, MADV_DONTNEED));
	EXPECT_FALSE(harvest_page(self, PAGE, ACCESSED, 0));
	EXPECT_FALSE(harvest_page(self, PAGE, DIRTY, 0));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_load(self, PAGE));
	EXPECT_TRUE(harvest_page(self, PAGE, ACCESSED, 0));
	EXPECT_FALSE(harvest_page(self, PAGE, DIRTY, 0));
}

TEST_F(vm, harvests_that_cannot_be_are_refused)
{
	const uint64_t limit = 1UL << self->info.gpa_bits;
	uint64_t bitmap[2] = { 0x1234, 0x5678 };
	const uint64_t b = (uintptr_t)bitmap;
	const struct {
		int error;
		struct minivmx_harvest harvest;
	} cases[] = {
		{ -EINVAL, { .gpa = PAGE, .size = 0x1000, .bitmap = b, .which = 0 } },
		{ -EINVAL, { .gpa = PAGE, .size = 0x1000, .bitmap = b, .which = 3 } },
		{ -EINVAL, { .gpa = PAGE, .size = 0x1000, .bitmap = b, .which = DIRTY,
			     .flags = 2 } },
		{ -EINVAL, { .gpa = PAGE, .size = 0x1000, .bitmap = b, .which = DIRTY,
			     .flags = 1U << 31 } },
		{ -EINVAL, { .gpa = PAGE + 8, .size = 0x1000, .bitmap = b, .which = DIRTY } },
		{ -EINVAL, { .gpa = PAGE, .size = 0x800, .bitmap = b, .which = DIRTY } },
		{ -EINVAL, { .gpa = PAGE, .size = 0, .bitmap = b, .which = DIRTY } },
		{ -ERANGE, { .gpa = limit, .size = 0x1000, .bitmap = b, .which = DIRTY } },
		{ -ERANGE, { .gpa = PAGE, .size = limit, .bitmap = b, .which = DIRTY } },
		{ -ERANGE, { .gpa = PAGE, .size = -0x1000UL, .bitmap = b, .which = DIRTY } },
		{ -E2BIG, { .gpa = PAGE, .size = MINIVMX_MAX_BITMAP + 0x1000, .bitmap = b,
			    .which = DIRTY } },
		{ -ENOENT, { .gpa = PAGE, .size = MINIVMX_MAX_BITMAP, .bitmap = b,
			     .which = DIRTY } },
		{ -ENOENT, { .gpa = NOWHERE, .size = 0x1000, .bitmap = b, .which = DIRTY } },
		{ -ENOENT, { .gpa = 0xbf000, .size = 0x2000, .bitmap = b, .which = DIRTY } },
		{ -EFAULT, { .gpa = PAGE, .size = 0x1000, .bitmap = 16, .which = DIRTY,
			     .flags = CLEAR } },
		{ -EFAULT, { .gpa = PAGE, .size = 0x1000, .bitmap = 0xffff888000000000,
			     .which = DIRTY, .flags = CLEAR } },
		/* The second half is not there. */
		{ -EFAULT, { .gpa = PAGE, .size = 65 * 0x1000, .which = DIRTY, .flags = CLEAR,
			     .bitmap = (uintptr_t)mmap(NULL, 0x2000, PROT_READ | PROT_WRITE,
						       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) +
				       0xff8 } },
	};

	AD_OR_SKIP();
	munmap((void *)(uintptr_t)(cases[16].harvest.bitmap + 8), 0x1000);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(self, PAGE, 1));
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		EXPECT_EQ(cases[i].error, minivmx_harvest(self->fd, &cases[i].harvest))
			TH_LOG("case %u", i);
	}
	EXPECT_EQ(0x1234, bitmap[0]);
	EXPECT_TRUE(harvest_page(self, PAGE, DIRTY, 0));
}

/* While the guest writes: whatever it wrote since a clear is found by the next. */
TEST_F(vm, a_running_guest_sets_cleared_flags_again)
{
	volatile uint64_t *beat = vm_u64(self, PAGE);
	pthread_t thread;
	uint64_t before;
	void *kind;

	AD_OR_SKIP();
	vm_long(self, beat_code);
	self->run->regs.rdi = PAGE;
	self->run->regs.rbx = 0;
	self->run->regs.rflags |= RFLAGS_IF;
	ASSERT_EQ(0, pthread_create(&thread, NULL, beat_thread, self));
	for (int i = 0; i < 50; i++) {
		before = *beat;
		while (*beat < before + 2)
			sched_yield();
		ASSERT_TRUE(harvest_page(self, PAGE, DIRTY, CLEAR));
	}
	ASSERT_EQ(0, protect(self, PAGE, 0x1000, R));
	ASSERT_EQ(0, pthread_join(thread, &kind));
	EXPECT_EQ(MINIVMX_EXIT_MEMORY, (long)kind);
}

/* ---- Without ---- */

TEST(what_the_cpu_cannot_is_refused)
{
	uint64_t bitmap = 0x1234;
	const struct minivmx_harvest harvest = {
		.gpa = PAGE, .size = 0x1000, .bitmap = (uintptr_t)&bitmap,
		.which = MINIVMX_HARVEST_DIRTY,
	};
	VM vm;

	ASSERT_EQ(0, unload_module());
	/* IA32_VMX_EPT_VPID_CAP: execute-only, and accessed and dirty flags. */
	ASSERT_EQ(0, load_file(MODULE, "absent=48c:200001"));
	vm_create(&vm);
	EXPECT_EQ(0, vm.info.features & (MINIVMX_FEAT_EPT_X_ONLY | MINIVMX_FEAT_EPT_AD));
	EXPECT_EQ(-EOPNOTSUPP, protect(&vm, PAGE, 0x1000, X));
	EXPECT_EQ(0, protect(&vm, PAGE, 0x1000, R | X));
	EXPECT_EQ(-EOPNOTSUPP, minivmx_harvest(vm.fd, &harvest));
	EXPECT_EQ(0x1234, bitmap);
	EXPECT_EQ(-EOPNOTSUPP, minivmx_dirty_log(vm.fd, 0, VM_MMIO_LOW, MINIVMX_DIRTY_LOG_ON));
	vm_destroy(&vm);
	EXPECT_EQ(0, unload_module());
	EXPECT_EQ(0, load_module());
}

TEST_HARNESS_MAIN
