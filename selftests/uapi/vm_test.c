// SPDX-License-Identifier: GPL-2.0
/* A VM: its vCPUs' numbers and its memory. */
#include <sys/resource.h>

#include "uapi.h"

/* ---- vCPUs ---- */

static long create_vcpu(int vm, __u32 id, __u32 flags)
{
	struct minivmx_create_vcpu create = { .id = id, .flags = flags };

	return call(vm, MINIVMX_CREATE_VCPU, &create);
}

TEST_F(minivmx, vcpu_ids)
{
	static const __u32 bad[] = {
		MINIVMX_MAX_VCPUS, MINIVMX_MAX_VCPUS + 1, 255, 256, 1U << 16,
		1U << 31, (1U << 31) + 1, ~0U,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-EINVAL, create_vcpu(self->vm, bad[i], 0))
			TH_LOG("id %#x", bad[i]);
	}
	/* The fixture made 0. */
	EXPECT_EQ(-EEXIST, create_vcpu(self->vm, 0, 0));
	for (i = MINIVMX_MAX_VCPUS - 1; i > 0; i--) {
		EXPECT_LE(0, create_vcpu(self->vm, i, 0));
	}
	for (i = 0; i < MINIVMX_MAX_VCPUS; i++) {
		EXPECT_EQ(-EEXIST, create_vcpu(self->vm, i, 0));
	}
}

TEST_F(minivmx, vcpu_flags)
{
	int bit;

	for (bit = 0; bit < 32; bit++) {
		EXPECT_EQ(-EINVAL, create_vcpu(self->vm, 1, 1U << bit));
	}
	EXPECT_LE(0, create_vcpu(self->vm, 1, 0));
}

/* One VM's numbers are not another's. */
TEST_F(minivmx, vcpu_ids_of_two_vms)
{
	struct minivmx_create_vm create = vm_argument(self->system);
	int vm = call(self->system, MINIVMX_CREATE_VM, &create);

	ASSERT_LE(0, vm);
	EXPECT_LE(0, create_vcpu(vm, 0, 0));
	EXPECT_EQ(-EEXIST, create_vcpu(vm, 0, 0));
}

/* No descriptor to be had: nothing is made, the number stays free. */
TEST_F(minivmx, vcpu_without_descriptor)
{
	struct minivmx_create_vm create = vm_argument(self->system);
	struct rlimit all, limit;

	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &all));
	limit = all;
	limit.rlim_cur = 3;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	EXPECT_EQ(-EMFILE, create_vcpu(self->vm, 1, 0));
	EXPECT_EQ(-EMFILE, call(self->system, MINIVMX_CREATE_VM, &create));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &all));
	EXPECT_LE(0, create_vcpu(self->vm, 1, 0));
}

/* ---- memory ---- */

static long map(int vm, __u64 gpa, __u64 size, const void *hva, __u32 prot, __u32 max_page)
{
	struct minivmx_map map = {
		.gpa = gpa, .size = size, .hva = (uintptr_t)hva, .prot = prot,
		.max_page = max_page,
	};

	return call(vm, MINIVMX_MAP_MEMORY, &map);
}

static long unmap(int vm, __u64 gpa, __u64 size)
{
	struct minivmx_map map = { .gpa = gpa, .size = size };

	return call(vm, MINIVMX_UNMAP_MEMORY, &map);
}

TEST_F(minivmx, map_protections)
{
	void *hva = pages(1, PROT_READ | PROT_WRITE);
	__u32 prot, max_page;
	int bit;

	for (prot = 0; prot < 8; prot++) {
		long want = prot & MINIVMX_PROT_READ ? 0 : -EINVAL;

		for (max_page = MINIVMX_PAGE_ANY; max_page <= MINIVMX_PAGE_1G; max_page++) {
			EXPECT_EQ(want, map(self->vm, 0x100000, PAGE, hva, prot, max_page))
				TH_LOG("prot %u, max_page %u", prot, max_page);
			EXPECT_EQ(want ? -ENOENT : 0, unmap(self->vm, 0x100000, PAGE));
		}
	}
	for (bit = 3; bit < 32; bit++) {
		EXPECT_EQ(-EINVAL, map(self->vm, 0x100000, PAGE, hva,
				       MINIVMX_PROT_READ | 1U << bit, 0));
	}
	for (max_page = MINIVMX_PAGE_1G + 1; max_page; max_page <<= 1) {
		EXPECT_EQ(-EINVAL, map(self->vm, 0x100000, PAGE, hva, MINIVMX_PROT_READ, max_page));
	}
}

TEST_F(minivmx, map_addresses)
{
	const __u64 end = 1ULL << self->info.gpa_bits;
	const __u64 p = (uintptr_t)pages(4, PROT_READ | PROT_WRITE);
	const struct {
		const char *what;
		__u64 gpa, size, hva;
		long want;
	} cases[] = {
		{ "gpa is not aligned", 0x100001, PAGE, p, -EINVAL },
		{ "gpa is not aligned", 0x100800, PAGE, p, -EINVAL },
		{ "size is not aligned", 0x100000, PAGE + 1, p, -EINVAL },
		{ "size is not aligned", 0x100000, PAGE - 1, p, -EINVAL },
		{ "size is not aligned", 0x100000, 1, p, -EINVAL },
		{ "hva is not aligned", 0x100000, PAGE, p + 1, -EINVAL },
		{ "hva is not aligned", 0x100000, PAGE, p + 0x800, -EINVAL },
		{ "no size", 0x100000, 0, p, -EINVAL },
		{ "behind the address width", end, PAGE, p, -EINVAL },
		{ "half behind it", end - PAGE, 2 * PAGE, p, -EINVAL },
		{ "far behind it", 1ULL << 63, PAGE, p, -EINVAL },
		{ "gpa wraps", -PAGE, 2 * PAGE, p, -EINVAL },
		{ "gpa wraps to 0", -PAGE, PAGE, p, -EINVAL },
		{ "gpa wraps by its size", 0x100000, -PAGE, p, -EINVAL },
		{ "gpa wraps far", 1ULL << 63, 1ULL << 63, p, -EINVAL },
		{ "hva wraps", 0x100000, 2 * PAGE, -PAGE, -EINVAL },
		{ "the last page there is", end - PAGE, PAGE, p, 0 },
		{ "the first", 0, PAGE, p, 0 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		EXPECT_EQ(cases[i].want, map(self->vm, cases[i].gpa, cases[i].size,
					     (void *)(uintptr_t)cases[i].hva, PROT_RWX, 0))
			TH_LOG("%s: gpa %#llx, size %#llx, hva %#llx", cases[i].what,
			       cases[i].gpa, cases[i].size, cases[i].hva);
	}
}

TEST_F(minivmx, map_overlaps)
{
	static const struct {
		unsigned int first, nr;	/* pages */
		long want;
	} cases[] = {
		/* The range that is there is 4 to 7. */
		{ 4, 4, -EEXIST }, { 4, 1, -EEXIST }, { 7, 1, -EEXIST },
		{ 5, 2, -EEXIST }, { 3, 2, -EEXIST }, { 7, 2, -EEXIST },
		{ 3, 6, -EEXIST }, { 0, 16, -EEXIST }, { 0, 5, -EEXIST },
		{ 2, 2, 0 }, { 8, 1, 0 },
		/* Now 2 to 8. */
		{ 1, 2, -EEXIST }, { 8, 2, -EEXIST }, { 0, 2, 0 }, { 9, 7, 0 },
	};
	const __u64 base = 0x100000;
	void *hva = pages(16, PROT_READ | PROT_WRITE);
	unsigned int i;

	ASSERT_EQ(0, map(self->vm, base + 4 * PAGE, 4 * PAGE, hva, PROT_RWX, 0));
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		EXPECT_EQ(cases[i].want, map(self->vm, base + cases[i].first * PAGE,
					     cases[i].nr * PAGE, hva, PROT_RWX, 0))
			TH_LOG("pages %u to %u", cases[i].first,
			       cases[i].first + cases[i].nr - 1);
	}
	/* The same memory at another place is no overlap. */
	EXPECT_EQ(0, map(self->vm, base << 4, 16 * PAGE, hva, PROT_RWX, 0));
}

/* What the guest may do there, the caller must be able to do. */
TEST_F(minivmx, map_memory_that_is_not_there)
{
	const __u64 gpa = 0x100000;
	unsigned char *hole = pages(3, PROT_READ | PROT_WRITE);
	unsigned char *none = pages(3, PROT_READ | PROT_WRITE);
	unsigned char *read_only = pages(3, PROT_READ | PROT_WRITE);
	void *write_only = pages(1, PROT_NONE);

	munmap(hole + PAGE, PAGE);
	EXPECT_EQ(-EFAULT, map(self->vm, gpa, 3 * PAGE, hole, MINIVMX_PROT_READ, 0));
	EXPECT_EQ(-EFAULT, map(self->vm, gpa, 2 * PAGE, hole, MINIVMX_PROT_READ, 0));
	EXPECT_EQ(-EFAULT, map(self->vm, gpa, PAGE, hole + PAGE, MINIVMX_PROT_READ, 0));
	EXPECT_EQ(-EFAULT, map(self->vm, gpa, 2 * PAGE, hole + PAGE, MINIVMX_PROT_READ, 0));

	mprotect(none + PAGE, PAGE, PROT_NONE);
	EXPECT_EQ(-EFAULT, map(self->vm, gpa, 3 * PAGE, none, MINIVMX_PROT_READ, 0));
	EXPECT_EQ(-EFAULT, map(self->vm, gpa, PAGE, write_only, MINIVMX_PROT_READ, 0));

	mprotect(read_only + PAGE, PAGE, PROT_READ);
	EXPECT_EQ(-EFAULT, map(self->vm, gpa, 3 * PAGE, read_only,
			       MINIVMX_PROT_READ | MINIVMX_PROT_WRITE, 0));
	EXPECT_EQ(-EFAULT, map(self->vm, gpa, 3 * PAGE, read_only, PROT_RWX, 0));
	EXPECT_EQ(0, map(self->vm, gpa, 3 * PAGE, read_only,
			 MINIVMX_PROT_READ | MINIVMX_PROT_EXEC, 0));
	EXPECT_EQ(0, unmap(self->vm, gpa, 3 * PAGE));

	EXPECT_EQ(-EFAULT, map(self->vm, gpa, PAGE, NULL, MINIVMX_PROT_READ, 0));
	/* The kernel's, in whole or at its end. */
	EXPECT_EQ(-EFAULT, map(self->vm, gpa, PAGE, (void *)0xffff888000000000,
			       MINIVMX_PROT_READ, 0));
	EXPECT_EQ(-EFAULT, map(self->vm, gpa, PAGE, (void *)0xffffffff81000000,
			       MINIVMX_PROT_READ, 0));
	EXPECT_EQ(-EFAULT, map(self->vm, gpa, PAGE, (void *)0x0000800000000000,
			       MINIVMX_PROT_READ, 0));
	/* None of it stayed. */
	EXPECT_EQ(-ENOENT, unmap(self->vm, gpa, PAGE));
	EXPECT_EQ(-ENOENT, unmap(self->vm, gpa, 3 * PAGE));
}

TEST_F(minivmx, map_too_many)
{
	const __u64 base = 0x100000;
	void *hva = pages(1, PROT_READ | PROT_WRITE);
	__u64 i;

	/* The fixture mapped one. */
	for (i = 1; i < MINIVMX_MAX_REGIONS; i++) {
		ASSERT_EQ(0, map(self->vm, base + i * 2 * PAGE, PAGE, hva, PROT_RWX, 0));
	}
	EXPECT_EQ(-ENOSPC, map(self->vm, base, PAGE, hva, PROT_RWX, 0));
	EXPECT_EQ(-ENOSPC, map(self->vm, base + i * 2 * PAGE, PAGE, hva, PROT_RWX, 0));
	EXPECT_EQ(0, unmap(self->vm, base + 2 * PAGE, PAGE));
	EXPECT_EQ(0, map(self->vm, base, PAGE, hva, PROT_RWX, 0));
	EXPECT_EQ(-ENOSPC, map(self->vm, base + 2 * PAGE, PAGE, hva, PROT_RWX, 0));
	/* All that are there can go again. */
	EXPECT_EQ(0, unmap(self->vm, base, PAGE));
	for (i = 2; i < MINIVMX_MAX_REGIONS; i++) {
		EXPECT_EQ(0, unmap(self->vm, base + i * 2 * PAGE, PAGE));
	}
}

TEST_F(minivmx, unmap_no_range)
{
	const __u64 base = 0x100000;
	void *hva = pages(8, PROT_READ | PROT_WRITE);
	static const struct {
		unsigned int first, nr;
	} cases[] = {
		/* There are 2 to 3 and 4 to 5. */
		{ 0, 1 }, { 2, 1 }, { 3, 1 }, { 3, 2 }, { 2, 4 }, { 4, 1 },
		{ 5, 1 }, { 4, 3 }, { 6, 1 }, { 6, 2 }, { 1, 3 },
	};
	unsigned int i;

	ASSERT_EQ(0, map(self->vm, base + 2 * PAGE, 2 * PAGE, hva, PROT_RWX, 0));
	ASSERT_EQ(0, map(self->vm, base + 4 * PAGE, 2 * PAGE, hva + 2 * PAGE, PROT_RWX, 0));
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		EXPECT_EQ(-ENOENT, unmap(self->vm, base + cases[i].first * PAGE,
					 cases[i].nr * PAGE))
			TH_LOG("%u pages from page %u", cases[i].nr, cases[i].first);
	}
	EXPECT_EQ(0, unmap(self->vm, base + 2 * PAGE, 2 * PAGE));
	EXPECT_EQ(-ENOENT, unmap(self->vm, base + 2 * PAGE, 2 * PAGE));
	EXPECT_EQ(0, map(self->vm, base + 2 * PAGE, 2 * PAGE, hva, PROT_RWX, 0));
}

/* The conditions on a range hold for UNMAP, too. */
TEST_F(minivmx, unmap_bad_arguments)
{
	const __u64 end = 1ULL << self->info.gpa_bits;
	struct minivmx_map bad;

	EXPECT_EQ(-EINVAL, unmap(self->vm, 0x1001, PAGE));
	EXPECT_EQ(-EINVAL, unmap(self->vm, 0x1000, PAGE - 1));
	EXPECT_EQ(-EINVAL, unmap(self->vm, 0x1000, 0));
	EXPECT_EQ(-EINVAL, unmap(self->vm, -PAGE, 2 * PAGE));
	EXPECT_EQ(-EINVAL, unmap(self->vm, end, PAGE));
	/* What has no meaning here must be zero. */
	bad = (struct minivmx_map) { .gpa = 0x1000, .size = PAGE, .hva = (uintptr_t)self->code };
	EXPECT_EQ(-EINVAL, call(self->vm, MINIVMX_UNMAP_MEMORY, &bad));
	bad = (struct minivmx_map) { .gpa = 0x1000, .size = PAGE, .prot = MINIVMX_PROT_READ };
	EXPECT_EQ(-EINVAL, call(self->vm, MINIVMX_UNMAP_MEMORY, &bad));
	bad = (struct minivmx_map) { .gpa = 0x1000, .size = PAGE, .max_page = MINIVMX_PAGE_4K };
	EXPECT_EQ(-EINVAL, call(self->vm, MINIVMX_UNMAP_MEMORY, &bad));
	EXPECT_EQ(0, unmap(self->vm, 0x1000, PAGE));
}

TEST_HARNESS_MAIN
