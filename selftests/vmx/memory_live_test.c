// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that changes its place, its rights or its content in the host while a
 * guest uses it. Two vCPUs, and a thread of the host where that may touch the
 * memory, each count in words of their own in the same pages, all the time:
 * whoever does not find what it left there has used a page that was no longer
 * the right one.
 */
#include <sys/swap.h>
#include <sys/wait.h>

#include "lib/rounds.h"
#include "vm.h"

/* Newer than the C library's headers. */
#define ADVICE_PAGEOUT	21
#define ADVICE_COLLAPSE	25
#define ADVICE_SOFT_OFFLINE 101

/* The memory under test. */
#define LIVE	0x800000
#define HUGE	(2UL << 20)

#define THP	"/sys/kernel/mm/transparent_hugepage/"

/*
 * Count in a word of each of RCX pages from RSI on, with a pause of R10 after
 * each. RBX is what should be there, and goes to (RDI) after each round. Says
 * by VMCALL if something else was: RAX, at RDX.
 */
GUEST64(count_code,
	"1: mov %rsi, %rdx; mov %rcx, %r8;"
	"2: mov $1, %eax; lock xadd %eax, (%rdx); cmp %ebx, %eax; jne 9f;"
	"add $4096, %rdx; mov %r10, %r11; 3: dec %r11; jns 3b; dec %r8; jnz 2b;"
	"inc %ebx; mov %ebx, (%rdi); jmp 1b;"
	"9: vmcall");

/* Likewise in one page, which may be found empty: 4(RDI) counts how often. */
GUEST64(count_lossy_code,
	"1: mov $1, %eax; lock xadd %eax, (%rsi); cmp %ebx, %eax; je 2f;"
	"test %eax, %eax; jnz 9f; incl 4(%rdi);"
	"2: lea 1(%rax), %ebx; mov %ebx, (%rdi); jmp 1b;"
	"9: mov %rsi, %rdx; vmcall");

/* Who counts: two vCPUs and a thread of the host, each in words of its own. */
enum { NR_VCPUS = 2, HOST = NR_VCPUS, NR_COUNTERS };

#define WORD(i)		((i) * 64)		/* in each page */
#define PROGRESS(i)	(VM_DATA + (i) * 64)	/* of guests: rounds, times found empty */

struct counter {
	VM vm;				/* of a guest */
	uint32_t *word;			/* of the host */
	unsigned int nr_pages, pause;
	int cpu;
	bool lossy;
	pthread_t thread;
	volatile bool stop, ended;
	volatile int kind;		/* how the last RUN ended */
	volatile uint32_t value, empty;	/* of the host */
	volatile unsigned long faults;	/* exits for want of a page, all as expected */
	uint64_t fault_gpa;		/* which is where, */
	uint32_t fault_access;		/* with which access */
};

struct live {
	VM *vm;
	struct counter c[NR_COUNTERS];
	int nr_counters;		/* NR_COUNTERS, or without the host */
};

static void *count_in_guest(void *arg)
{
	struct counter *c = arg;

	pin_to_cpu(c->cpu);
	while (!c->stop) {
		int ret;

		c->vm.run->action = MINIVMX_RETRY;
		ret = minivmx_run(c->vm.vcpu);
		c->kind = ret ?: (int)c->vm.run->kind;
		if (c->kind == MINIVMX_EXIT_MEMORY &&
		    c->vm.run->memory.error == EFAULT &&
		    c->vm.run->memory.gpa == c->fault_gpa &&
		    (c->vm.run->memory.access & c->fault_access)) {
			c->faults++;
			usleep(200);
		} else if (c->kind != -EINTR && c->kind != MINIVMX_EXIT_INTR) {
			break;
		}
	}
	c->ended = true;
	return NULL;
}

static void *count_in_host(void *arg)
{
	struct counter *c = arg;
	unsigned int i;

	pin_to_cpu(c->cpu);
	while (!c->stop) {
		for (i = 0; i < c->nr_pages; i++) {
			uint32_t was = __atomic_fetch_add(c->word + i * 1024, 1, __ATOMIC_SEQ_CST);
			volatile unsigned int pause = c->pause;

			while (pause)
				pause--;
			if (was == c->value)
				continue;
			if (!c->lossy || was) {
				fprintf(stderr, "# the host found %u in page %u, not %u\n", was, i, c->value);
				c->ended = true;
				return NULL;
			}
			c->empty++;
			c->value = 0;
		}
		c->value++;
		/* The guests are what is tested. */
		sched_yield();
	}
	return NULL;
}

static uint32_t progress_of(struct live *l, int i)
{
	return i == HOST ? l->c[i].value : *(volatile uint32_t *)vm_u32(l->vm, PROGRESS(i));
}

static uint32_t empty_of(struct live *l, int i)
{
	return i == HOST ? l->c[i].empty : ((volatile uint32_t *)vm_u32(l->vm, PROGRESS(i)))[1];
}

static bool all_go(struct live *l)
{
	int i;

	for (i = 0; i < l->nr_counters; i++)
		if (l->c[i].ended)
			return false;
	return true;
}

/* Wait for @condition of each counter i; false if one of them has ended. */
#define wait_for_each(l, condition)					\
({									\
	int i;								\
	for (i = 0; i < (l)->nr_counters; i++)				\
		while (!(condition) && all_go(l))			\
			usleep(100);					\
	all_go(l);							\
})

/* Every one of them has been through all its pages since this was called. */
static bool all_count(struct live *l)
{
	uint32_t before[NR_COUNTERS];
	int i;

	for (i = 0; i < l->nr_counters; i++)
		before[i] = progress_of(l, i);
	return wait_for_each(l, progress_of(l, i) - before[i] >= 2);
}

/* Start counting in @nr_pages pages from LIVE on, which are zero. */
static void live_start_(struct live *l, VM *self, unsigned int nr_pages,
			unsigned int pause, bool lossy, const char *code, size_t size,
			int nr_counters)
{
	int i;

	l->vm = self;
	l->nr_counters = nr_counters;
	/* Small pages, but for tests that ask for a huge one. */
	vm_must(write_file(THP "enabled", "madvise"));
	for (i = 0; i < nr_counters; i++) {
		struct counter *c = &l->c[i];

		*c = (struct counter) { .nr_pages = nr_pages, .pause = pause,
					.lossy = lossy,
					.cpu = (i + 1) % nr_cpus() };
		if (i == HOST) {
			c->word = vm_at(self, LIVE + WORD(i));
			continue;
		}
		c->vm = *self;
		if (i)
			vm_new_vcpu(&c->vm, i);
		vm_long_(&c->vm, code, size);
		c->vm.run->regs.rsi = LIVE + WORD(i);
		c->vm.run->regs.rdi = PROGRESS(i);
		c->vm.run->regs.rcx = nr_pages;
		c->vm.run->regs.rbx = 0;
		c->vm.run->regs.r10 = pause;
		c->vm.run->regs.rflags |= RFLAGS_IF;	/* see host_test.c, spinner */
	}
	for (i = 0; i < nr_counters; i++)
		vm_must(!pthread_create(&l->c[i].thread, NULL,
					i == HOST ? count_in_host : count_in_guest, &l->c[i]));
}

#define live_start_slow(l, self, nr_pages, pause, nr_counters) \
	live_start_(l, self, nr_pages, pause, false, count_code, \
		    count_code_end - count_code, nr_counters)
#define live_start(l, self, nr_pages, nr_counters) \
	live_start_slow(l, self, nr_pages, 0, nr_counters)
#define live_start_lossy(l, self, nr_counters) \
	live_start_(l, self, 1, 0, true, count_lossy_code, \
		    count_lossy_code_end - count_lossy_code, nr_counters)

/* The guests may find LIVE unusable for accesses with @access. */
static void live_expect_faults(struct live *l, uint32_t access)
{
	int i;

	for (i = 0; i < NR_VCPUS; i++) {
		l->c[i].fault_gpa = LIVE + WORD(i);
		l->c[i].fault_access = access;
	}
}

/* Both guests were kept from LIVE, since this was called. */
static bool all_fault(struct live *l)
{
	unsigned long before[NR_VCPUS];
	int i;

	for (i = 0; i < NR_VCPUS; i++)
		before[i] = l->c[i].faults;
	return wait_for_each(l, i == HOST || l->c[i].faults - before[i] >= 2);
}

/* Every page has what its counter has counted. */
static bool page_counts_are_right(struct live *l, int i)
{
	uint64_t value = i == HOST ? l->c[i].value : l->c[i].vm.run->regs.rbx;
	uint32_t before = value + 1;
	unsigned int p;

	for (p = 0; p < l->c[i].nr_pages; p++) {
		uint32_t found = *vm_u32(l->vm, LIVE + WORD(i) + p * 0x1000);

		/* The round that was cut off has been to some of the first. */
		if (found != value && !(found == value + 1 && before == value + 1)) {
			fprintf(stderr, "# counter %d: page %u has %u, not %lu\n", i, p, found, value);
			return false;
		}
		before = found;
	}
	return true;
}

/* End all of it. True if nobody found anything wrong. */
static bool live_stop(struct live *l)
{
	bool ok = true;
	int i;

	for (i = 0; i < l->nr_counters; i++) {
		l->c[i].stop = true;
		if (i != HOST)
			minivmx_kick(l->c[i].vm.vcpu);
	}
	for (i = 0; i < l->nr_counters; i++) {
		struct counter *c = &l->c[i];
		struct minivmx_regs *regs = &c->vm.run->regs;

		pthread_join(c->thread, NULL);
		if (i == HOST) {
			ok &= !c->ended;
		} else if (c->kind == MINIVMX_EXIT_HYPERCALL) {
			fprintf(stderr, "# vCPU %d found %u at %#llx, not %u\n", i, (uint32_t)regs->rax,
			       regs->rdx, (uint32_t)regs->rbx);
			ok = false;
		} else if (c->kind != -EINTR && c->kind != MINIVMX_EXIT_INTR &&
			   c->kind != MINIVMX_EXIT_MEMORY) {
			fprintf(stderr, "# vCPU %d ended with %d; memory: gpa %#llx access %u error %u\n", i,
			       c->kind, c->vm.run->memory.gpa, c->vm.run->memory.access,
			       c->vm.run->memory.error);
			ok = false;
		}
		if (ok && !c->lossy)
			ok = page_counts_are_right(l, i);
		if (i != HOST && i) {
			minivmx_unmap_run(c->vm.run, c->vm.info.run_size);
			close(c->vm.vcpu);
		}
	}
	return ok;
}

/* Run @code @n times while all count, and each time see them count on. */
#define EACH_ROUND(l, n, code)						\
do {									\
	unsigned int round;						\
	ASSERT_TRUE(all_count(l));					\
	for (round = 0; round < (n) && all_go(l); round++) {		\
		code;							\
		if (!all_count(l))					\
			break;						\
	}								\
	EXPECT_EQ(n, round);						\
} while (0)

/* The page frame at @p, 0 if there is none. */
static uint64_t frame_of(void *p)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	uint64_t entry = 0;

	vm_must(pread(fd, &entry, 8, (uintptr_t)p / 0x1000 * 8) == 8);
	close(fd);
	return entry >> 63 ? entry & ((1UL << 55) - 1) : 0;
}

/* A line "NAME: N kB" of /proc/self/smaps for the memory at @p. */
static long smaps_kb(void *p, const char *name)
{
	FILE *file = fopen("/proc/self/smaps", "r");
	unsigned long from, to;
	bool here = false;
	char line[256];
	long kb = -1;

	while (kb < 0 && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			here = (uintptr_t)p >= from && (uintptr_t)p < to;
		else if (here && !strncmp(line, name, strlen(name)))
			kb = atol(line + strlen(name) + 1);
	}
	fclose(file);
	return kb;
}

/* ---- Thrown away ---- */

/*
 * PAGEOUT sees a page only when it is on a list of the host, and a new one is
 * for some time in a CPU's batch of such that will be. To ask for a huge page
 * empties the batches, even if it is of too few pages, and of others.
 */
static void page_out(VM *self, size_t size)
{
	void *others = mmap(NULL, 2 * HUGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	vm_must(others != MAP_FAILED);
	madvise(others, 0x1000, ADVICE_COLLAPSE);
	munmap(others, 2 * HUGE);
	vm_must(!madvise(vm_at(self, LIVE), size, ADVICE_PAGEOUT));
}

TEST_F_TIMEOUT(vm, dontneed_empties_a_page_for_all, 1800)
{
	unsigned int n = rounds(50, 3000);
	uint32_t before[NR_COUNTERS];
	struct live l;
	int i;

	live_start_lossy(&l, self, NR_COUNTERS);
	EACH_ROUND(&l, n, {
		for (i = 0; i < NR_COUNTERS; i++)
			before[i] = empty_of(&l, i);
		ASSERT_EQ(0, madvise(vm_at(self, LIVE), 0x1000, MADV_DONTNEED));
		wait_for_each(&l, empty_of(&l, i) != before[i]);
	});
	EXPECT_TRUE(live_stop(&l));
	for (i = 0; i < NR_COUNTERS; i++)
		EXPECT_EQ(n, empty_of(&l, i));
}

/*
 * The host may drop a page that was given free until somebody writes to it.
 * A guest that does has to be noticed: its page is dirty, though no page table
 * of the host says so.
 */
TEST_F_TIMEOUT(vm, a_page_given_free_and_written_again_is_kept, 1800)
{
	unsigned int n = rounds(30, 1000);
	uint32_t before[NR_COUNTERS];
	struct live l;
	int i;

	/* Without the host, whose writes would be noticed. */
	live_start_lossy(&l, self, NR_VCPUS);
	EACH_ROUND(&l, n, {
		ASSERT_EQ(0, madvise(vm_at(self, LIVE), 0x1000, MADV_FREE));
		if (!all_count(&l))
			break;
		for (i = 0; i < NR_VCPUS; i++)
			before[i] = empty_of(&l, i);
		page_out(self, 0x1000);
		if (!all_count(&l))
			break;
		for (i = 0; i < NR_VCPUS; i++)
			EXPECT_EQ(before[i], empty_of(&l, i));
	});
	EXPECT_TRUE(live_stop(&l));
}

TEST_F_TIMEOUT(vm, pages_given_free_are_the_same_or_empty, 1800)
{
	unsigned int n = rounds(50, 3000);
	uint32_t empty = 0;
	struct live l;
	int i;

	live_start_lossy(&l, self, NR_COUNTERS);
	EACH_ROUND(&l, n, {
		ASSERT_EQ(0, madvise(vm_at(self, LIVE), 0x1000, MADV_FREE));
		page_out(self, 0x1000);
	});
	EXPECT_TRUE(live_stop(&l));
	for (i = 0; i < NR_COUNTERS; i++)
		empty += empty_of(&l, i);
	fprintf(stderr, "# found empty %u times\n", empty);
}

/* ---- Taken away, moved, protected ---- */

#define STRANGERS	64

/* Fresh pages: what nobody has written must stay zero. */
static bool strangers_are_intact(struct live *l)
{
	uint8_t *p = mmap(NULL, STRANGERS * 0x1000, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	bool ok;
	int i;

	vm_must(p != MAP_FAILED);
	ok = all_fault(l);
	for (i = 0; i < STRANGERS * 0x1000; i++)
		ok &= !p[i];
	munmap(p, STRANGERS * 0x1000);
	return ok;
}

TEST_F_TIMEOUT(vm, unmapped_memory_is_left_alone, 1800)
{
	unsigned int n = rounds(30, 1000);
	uint32_t before[NR_VCPUS];
	struct live l;
	int i;

	live_start_lossy(&l, self, NR_VCPUS);
	live_expect_faults(&l, MINIVMX_PROT_READ | MINIVMX_PROT_WRITE);
	EACH_ROUND(&l, n, {
		for (i = 0; i < NR_VCPUS; i++)
			before[i] = empty_of(&l, i);
		ASSERT_EQ(0, munmap(vm_at(self, LIVE), 0x1000));
		/* One of these has the frame, which is free now. */
		EXPECT_TRUE(strangers_are_intact(&l));
		ASSERT_EQ(vm_at(self, LIVE),
			  mmap(vm_at(self, LIVE), 0x1000, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
		wait_for_each(&l, empty_of(&l, i) != before[i]);
	});
	EXPECT_TRUE(live_stop(&l));
	for (i = 0; i < NR_VCPUS; i++)
		EXPECT_EQ(n, empty_of(&l, i));
}

TEST_F_TIMEOUT(vm, memory_that_is_moved_away_stays_as_it_was, 1800)
{
	void *elsewhere = mmap(NULL, 0x1000, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned int n = rounds(30, 1000);
	struct live l;

	live_start(&l, self, 1, NR_VCPUS);
	live_expect_faults(&l, MINIVMX_PROT_READ | MINIVMX_PROT_WRITE);
	EACH_ROUND(&l, n, {
		volatile uint32_t *moved;
		uint32_t was[NR_VCPUS];
		int i;

		moved = mremap(vm_at(self, LIVE), 0x1000, 0x1000,
			       MREMAP_MAYMOVE | MREMAP_FIXED, elsewhere);
		ASSERT_EQ(elsewhere, moved);
		for (i = 0; i < NR_VCPUS; i++)
			was[i] = moved[WORD(i) / 4];
		EXPECT_TRUE(all_fault(&l));
		for (i = 0; i < NR_VCPUS; i++)
			EXPECT_EQ(was[i], moved[WORD(i) / 4]);
		ASSERT_EQ(vm_at(self, LIVE),
			  mremap(elsewhere, 0x1000, 0x1000, MREMAP_MAYMOVE | MREMAP_FIXED,
				 vm_at(self, LIVE)));
	});
	EXPECT_TRUE(live_stop(&l));
}

TEST_F_TIMEOUT(vm, memory_that_is_read_only_stays_as_it_was, 1800)
{
	unsigned int n = rounds(50, 3000);
	struct live l;

	live_start(&l, self, 1, NR_VCPUS);
	live_expect_faults(&l, MINIVMX_PROT_WRITE);
	EACH_ROUND(&l, n, {
		uint32_t was[NR_VCPUS];
		int i;

		ASSERT_EQ(0, mprotect(vm_at(self, LIVE), 0x1000, PROT_READ));
		for (i = 0; i < NR_VCPUS; i++)
			was[i] = *vm_u32(self, LIVE + WORD(i));
		EXPECT_TRUE(all_fault(&l));
		for (i = 0; i < NR_VCPUS; i++)
			EXPECT_EQ(was[i], *(volatile uint32_t *)vm_u32(self, LIVE + WORD(i)));
		if (round % 2) {
			ASSERT_EQ(0, mprotect(vm_at(self, LIVE), 0x1000, PROT_NONE));
			EXPECT_TRUE(all_fault(&l));
		}
		ASSERT_EQ(0, mprotect(vm_at(self, LIVE), 0x1000, PROT_READ | PROT_WRITE));
	});
	EXPECT_TRUE(live_stop(&l));
}

TEST_F_TIMEOUT(vm, fork_gives_the_child_a_copy_that_stays, 1800)
{
	unsigned int n = rounds(20, 1000), nr_pages = 8;
	struct live l;

	live_start(&l, self, nr_pages, NR_COUNTERS);
	EACH_ROUND(&l, n, {
		int go[2];
		int status;
		char c = 0;
		pid_t child;

		ASSERT_EQ(0, pipe(go));
		child = fork();
		ASSERT_LE(0, child);
		if (!child) {
			uint8_t copy[8 * 0x1000];

			memcpy(copy, vm_at(self, LIVE), sizeof(copy));
			close(go[1]);
			/* While the parent's go on. */
			if (read(go[0], &c, 1) < 0 ||
			    memcmp(copy, vm_at(self, LIVE), sizeof(copy)))
				_exit(1);
			/* And what it writes here is its own. */
			memset(vm_at(self, LIVE), 0xee, sizeof(copy));
			_exit(0);
		}
		close(go[0]);
		EXPECT_TRUE(all_count(&l));
		close(go[1]);
		ASSERT_EQ(child, waitpid(child, &status, 0));
		EXPECT_EQ(0, status);
	});
	EXPECT_TRUE(live_stop(&l));
}

/* ---- Written out and read back ---- */

static long pages_swapped_out(void)
{
	FILE *file = fopen("/proc/vmstat", "r");
	char line[100];
	long n = -1;

	while (n < 0 && fgets(line, sizeof(line), file))
		sscanf(line, "pswpout %ld", &n);
	fclose(file);
	return n;
}

/* Swap space on a RAM disk; /testbed/ko/brd.ko is put there by selftests/run. */
static bool swap_on(void)
{
	return !system("grep -q ^brd /proc/modules || insmod /testbed/ko/brd.ko rd_nr=1 rd_size=16384") &&
	       !system("mkswap /dev/ram0 >/dev/null") && !swapon("/dev/ram0", 0);
}

TEST_F_TIMEOUT(vm, pages_are_written_out_and_read_back, 1800)
{
	unsigned int n = rounds(20, 1000), nr_pages = 32;
	struct live l;
	long before;

	if (access("/testbed/ko/brd.ko", F_OK))
		SKIP(return, "no RAM disk to swap to: /testbed/ko/brd.ko");
	ASSERT_TRUE(swap_on());
	before = pages_swapped_out();
	ASSERT_LE(0, before);
	/* A page that somebody waits for is not written out: leave it some time. */
	live_start_slow(&l, self, nr_pages, 3000, NR_COUNTERS);
	EACH_ROUND(&l, n, page_out(self, nr_pages * 0x1000));
	EXPECT_TRUE(live_stop(&l));
	before = pages_swapped_out() - before;
	fprintf(stderr, "# %ld pages written out\n", before);
	EXPECT_LE(n * nr_pages / 4, before);
	EXPECT_EQ(0, swapoff("/dev/ram0"));
	EXPECT_EQ(0, system("rmmod brd"));
}

/* ---- Moved by the host ---- */

#define NR_OTHERS	8192
/* Pages that a CPU keeps for itself when they are freed, as a share of all: 0 the default. */
#define CPU_LISTS	"/proc/sys/vm/percpu_pagelist_high_fraction"

struct framed_page {
	uint64_t frame;
	uint32_t number;
};

static int compare_frames(const void *a, const void *b)
{
	const struct framed_page *x = a, *y = b;

	return x->frame < y->frame ? -1 : x->frame > y->frame;
}

/*
 * Work for compaction, which fills free frames, but no free page block, at the end of
 * memory with pages from its beginning: of many other pages the lowest become those of @p,
 * and every second one of the upper half is free again. The rest, which is returned, keeps
 * it like that. What is on a CPU's list is not free for it: the list has to be short.
 */
static uint8_t *make_holes(uint8_t *p, unsigned int nr_pages)
{
	static struct framed_page pages[NR_OTHERS];
	uint8_t *others = mmap(NULL, NR_OTHERS * 0x1000, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned int i;

	vm_must(others != MAP_FAILED);
	vm_must(!madvise(others, NR_OTHERS * 0x1000, MADV_NOHUGEPAGE));
	for (i = 0; i < NR_OTHERS; i++) {
		others[i * 0x1000] = 1;
		pages[i] = (struct framed_page) { frame_of(&others[i * 0x1000]), i };
	}
	qsort(pages, NR_OTHERS, sizeof(pages[0]), compare_frames);
	for (i = 0; i < nr_pages; i++) {
		vm_must(mremap(&others[pages[i].number * 0x1000], 0x1000, 0x1000,
			       MREMAP_MAYMOVE | MREMAP_FIXED, &p[i * 0x1000]) != MAP_FAILED);
		p[i * 0x1000] = 0;
	}
	for (i = NR_OTHERS / 2; i < NR_OTHERS; i += 2)
		vm_must(!madvise(&others[pages[i].number * 0x1000], 0x1000, MADV_DONTNEED));
	return others;
}

TEST_F_TIMEOUT(vm, compaction_moves_pages, 1800)
{
	unsigned int n = rounds(5, 200), nr_pages = 256, moved = 0, i;
	uint64_t frames[256];
	uint8_t *others;
	struct live l;

	ASSERT_EQ(0, madvise(vm_at(self, LIVE), nr_pages * 0x1000, MADV_NOHUGEPAGE));
	ASSERT_TRUE(write_file(CPU_LISTS, "100000"));
	others = make_holes(vm_at(self, LIVE), nr_pages);
	for (i = 0; i < nr_pages; i++)
		frames[i] = frame_of(vm_at(self, LIVE + i * 0x1000));
	live_start(&l, self, nr_pages, NR_COUNTERS);
	EACH_ROUND(&l, n, {
		ASSERT_TRUE(write_file("/proc/sys/vm/compact_memory", "1"));
		for (i = 0; i < nr_pages; i++) {
			uint64_t frame = frame_of(vm_at(self, LIVE + i * 0x1000));

			moved += frame && frame != frames[i];
			frames[i] = frame;
		}
	});
	EXPECT_TRUE(live_stop(&l));
	munmap(others, NR_OTHERS * 0x1000);
	EXPECT_TRUE(write_file(CPU_LISTS, "0"));
	fprintf(stderr, "# %u pages moved\n", moved);
	EXPECT_LT(0, moved);
}

TEST_F_TIMEOUT(vm, soft_offlining_moves_a_page, 1800)
{
	unsigned int n = rounds(10, 200);
	struct live l;

	live_start(&l, self, 1, NR_COUNTERS);
	ASSERT_TRUE(all_count(&l));
	if (madvise(vm_at(self, LIVE), 0x1000, ADVICE_SOFT_OFFLINE) && errno == EINVAL) {
		EXPECT_TRUE(live_stop(&l));
		SKIP(return, "this kernel has no memory failure handling");
	}
	EACH_ROUND(&l, n, {
		uint64_t frame = frame_of(vm_at(self, LIVE));

		ASSERT_EQ(0, madvise(vm_at(self, LIVE), 0x1000, ADVICE_SOFT_OFFLINE));
		EXPECT_NE(frame, frame_of(vm_at(self, LIVE)));
	});
	EXPECT_TRUE(live_stop(&l));
}

/* ---- Huge pages that come and go ---- */

#define SPLIT	"/sys/kernel/debug/split_huge_pages"

static bool is_huge(VM *self)
{
	return smaps_kb(vm_at(self, LIVE), "AnonHugePages:") == HUGE / 1024;
}

/* A quarter of the pages, so that a round is short. */
#define NR_HUGE_PAGES	128

static void make_huge(VM *self)
{
	vm_must(write_file(THP "enabled", "madvise"));
	vm_must(!madvise(vm_at(self, LIVE), HUGE, MADV_HUGEPAGE));
	memset(vm_at(self, LIVE), 0, HUGE);
	vm_must(is_huge(self));
}

/* The collapse gives up when somebody looks at one of the pages. */
static int collapse(VM *self)
{
	int ret, tries = 0;

	do
		ret = madvise(vm_at(self, LIVE), HUGE, ADVICE_COLLAPSE);
	while (ret && (errno == EAGAIN || errno == EBUSY) && ++tries < 100);
	return ret ? -errno : 0;
}

TEST_F_TIMEOUT(vm, a_huge_page_is_split_and_made_again, 1800)
{
	unsigned int n = rounds(10, 500);
	char range[80];
	struct live l;

	snprintf(range, sizeof(range), "%d,%p,%p", getpid(), vm_at(self, LIVE),
		 vm_at(self, LIVE + HUGE));
	make_huge(self);
	live_start(&l, self, NR_HUGE_PAGES, NR_COUNTERS);
	EACH_ROUND(&l, n, {
		if (round % 2) {
			/* The page itself. */
			ASSERT_TRUE(write_file(SPLIT, range));
		} else {
			/* Only its map, in two steps. */
			ASSERT_EQ(0, mprotect(vm_at(self, LIVE + HUGE - 0x1000), 0x1000,
					      PROT_READ));
			ASSERT_EQ(0, mprotect(vm_at(self, LIVE + HUGE - 0x1000), 0x1000,
					      PROT_READ | PROT_WRITE));
		}
		EXPECT_FALSE(is_huge(self));
		EXPECT_TRUE(all_count(&l));
		EXPECT_EQ(0, collapse(self));
		EXPECT_TRUE(is_huge(self));
	});
	EXPECT_TRUE(live_stop(&l));
}

TEST_F_TIMEOUT(vm, khugepaged_makes_a_huge_page, 1800)
{
	unsigned int n = rounds(3, 100);
	char range[80];
	struct live l;

	snprintf(range, sizeof(range), "%d,%p,%p", getpid(), vm_at(self, LIVE),
		 vm_at(self, LIVE + HUGE));
	ASSERT_TRUE(write_file(THP "khugepaged/scan_sleep_millisecs", "10"));
	ASSERT_TRUE(write_file(THP "khugepaged/alloc_sleep_millisecs", "10"));
	make_huge(self);
	live_start(&l, self, NR_HUGE_PAGES, NR_COUNTERS);
	EACH_ROUND(&l, n, {
		ASSERT_TRUE(write_file(SPLIT, range));
		while (!is_huge(self) && all_go(&l))
			usleep(2000);
	});
	EXPECT_TRUE(live_stop(&l));
}

/* ---- Pages of the same content become one ---- */

#define KSM	"/sys/kernel/mm/ksm/"

/*
 * Reads all RCX pages from RSI on, again and again: each has RBX at its start.
 * Every time (RDI) has an address in one of them, reads the longword at 8
 * there, adds one to that at 4, and answers the first with (RDI) zero.
 */
GUEST64(read_code,
	"1: mov %rsi, %rdx; mov %rcx, %r8;"
	"2: mov (%rdx), %eax; cmp %ebx, %eax; jne 9f; add $4096, %rdx; dec %r8; jnz 2b;"
	"incl 8(%rdi); mov (%rdi), %edx; test %edx, %edx; jz 1b;"
	"mov 8(%rdx), %eax; mov %eax, 4(%rdi); incl 4(%rdx); movl $0, (%rdi); jmp 1b;"
	"9: vmcall");

#define PATTERN		0x5a5a5a5a
#define NR_EQUAL	32

struct mailbox {
	uint32_t address, answer, rounds;
};

static uint32_t guest_writes(struct counter *c, unsigned int page)
{
	volatile struct mailbox *box = vm_at(&c->vm, VM_DATA);

	box->address = LIVE + page * 0x1000;
	while (box->address && !c->ended)
		usleep(100);
	return box->answer;
}

/* All of the pages are one page of the host, and the guest sees it. */
static bool wait_for_merge(struct counter *c)
{
	volatile struct mailbox *box = vm_at(&c->vm, VM_DATA);
	uint64_t frame;
	uint32_t before;
	unsigned int i;

	do {
		usleep(1000);
		frame = frame_of(vm_at(&c->vm, LIVE));
		for (i = 1; i < NR_EQUAL; i++)
			if (frame_of(vm_at(&c->vm, LIVE + i * 0x1000)) != frame)
				break;
	} while (i < NR_EQUAL && !c->ended);
	before = box->rounds;
	while (box->rounds - before < 2 && !c->ended)
		usleep(100);
	return !c->ended;
}

TEST_F_TIMEOUT(vm, pages_are_merged_and_part_again, 1800)
{
	unsigned int n = rounds(5, 200), round, i;
	struct counter c = { .vm = *self };
	uint32_t *page[NR_EQUAL];

	ASSERT_TRUE(write_file(KSM "sleep_millisecs", "1"));
	ASSERT_TRUE(write_file(KSM "pages_to_scan", "1000"));
	write_file(KSM "smart_scan", "0");	/* newer kernels, and too smart here */
	ASSERT_EQ(0, madvise(vm_at(self, LIVE), NR_EQUAL * 0x1000, MADV_NOHUGEPAGE));
	ASSERT_EQ(0, madvise(vm_at(self, LIVE), NR_EQUAL * 0x1000, MADV_MERGEABLE));
	for (i = 0; i < NR_EQUAL; i++) {
		page[i] = vm_at(self, LIVE + i * 0x1000);
		*page[i] = PATTERN;
	}
	ASSERT_TRUE(write_file(KSM "run", "1"));
	vm_long(&c.vm, read_code);
	self->run->regs.rsi = LIVE;
	self->run->regs.rdi = VM_DATA;
	self->run->regs.rcx = NR_EQUAL;
	self->run->regs.rbx = PATTERN;
	self->run->regs.rflags |= RFLAGS_IF;	/* see host_test.c, spinner */
	ASSERT_EQ(0, pthread_create(&c.thread, NULL, count_in_guest, &c));
	for (round = 0; round < n && !c.ended; round++) {
		unsigned int theirs = round % NR_EQUAL, ours = (round + 1) % NR_EQUAL;

		ASSERT_TRUE(wait_for_merge(&c));
		/* What the guest writes is in that page and no other. */
		guest_writes(&c, theirs);
		for (i = 0; i < NR_EQUAL; i++)
			EXPECT_EQ(i == theirs, page[i][1]);
		/* What the host writes the guest reads there, and nowhere else. */
		page[ours][2] = 1000 + round;
		EXPECT_EQ(1000 + round, guest_writes(&c, ours));
		EXPECT_EQ(0, guest_writes(&c, (ours + 1) % NR_EQUAL));
		/* All at once. */
		if (round % 2)
			ASSERT_TRUE(write_file(KSM "run", "2"));
		for (i = 0; i < NR_EQUAL; i++)
			page[i][1] = page[i][2] = 0;
		ASSERT_TRUE(write_file(KSM "run", "1"));
	}
	c.stop = true;
	minivmx_kick(self->vcpu);
	ASSERT_EQ(0, pthread_join(c.thread, NULL));
	EXPECT_EQ(n, round);
	EXPECT_NE(MINIVMX_EXIT_HYPERCALL, c.kind)
		TH_LOG("the guest read %#llx at %#llx", self->run->regs.rax,
		       self->run->regs.rdx);
	ASSERT_TRUE(write_file(KSM "run", "2"));
	ASSERT_TRUE(write_file(KSM "run", "0"));
}

TEST_HARNESS_MAIN
