// SPDX-License-Identifier: GPL-2.0
/*
 * When the host takes a page away, no CPU goes on using it: the removal waits
 * for every CPU that is in the guest, a fill that lost the race is not
 * installed, and no CPU enters again before it has executed INVEPT.
 */
#include "vm.h"

#define PAGE	(VM_PAGES + 0x10000)
#define BEAT	(VM_PAGES + 0x20000)
#define UNMAPPED 0x10000000	/* behind the memory */

/* ---- a guest that never stops writing ---- */

/* Each number goes to the page under test first, then to the other one. */
GUEST64(beat_code, "1: inc %rbx; mov %rbx, (%rsi); mov %rbx, (%rdi); jmp 1b");

struct beat {
	VM *vm;
	pthread_t thread;
	volatile bool stop;
	int ret;
};

static void *beat_thread(void *arg)
{
	struct beat *b = arg;

	pin_to_cpu(1);
	while (!b->stop) {
		b->vm->run->action = MINIVMX_RETRY;
		b->ret = minivmx_run(b->vm->vcpu);
		if ((b->ret && b->ret != -EINTR) || b->vm->run->kind != MINIVMX_EXIT_INTR)
			break;
	}
	b->stop = true;
	return NULL;
}

static void beat_start(struct beat *b, VM *vm, uint64_t page)
{
	*b = (struct beat) { .vm = vm };
	vm_long(vm, beat_code);
	vm->run->regs.rsi = page;
	vm->run->regs.rdi = BEAT;
	*vm_u64(vm, BEAT) = 0;
	pin_to_cpu(0);
	vm_must(!pthread_create(&b->thread, NULL, beat_thread, b));
}

static void beat_end(struct beat *b)
{
	b->stop = true;
	minivmx_kick(b->vm->vcpu);
	pthread_join(b->thread, NULL);
}

static uint64_t now(VM *self)
{
	return *(volatile uint64_t *)vm_u64(self, BEAT);
}

/*
 * Let the guest write both pages once more from here on. What it wrote to the
 * page under test must be where the host sees it, not on a page that was freed.
 */
static bool beat_is_seen(struct beat *b)
{
	uint64_t before = now(b->vm), seen;

	while (now(b->vm) < before + 2)
		if (b->stop)
			return false;
	seen = *(volatile uint64_t *)vm_u64(b->vm, PAGE);
	if (seen > before)
		return true;
	printf("# the guest was at %llu and went on, the page has %llu\n",
	       (unsigned long long)before, (unsigned long long)seen);
	return false;
}

static void take_away(VM *self)
{
	vm_must(!madvise(vm_at(self, PAGE), 0x1000, MADV_DONTNEED));
}

/*
 * No other interrupt helps here, as the host's own TLB flushes do when it takes
 * a page away itself.
 */
TEST_F(vm, no_write_follows_the_end_of_an_unmap)
{
	struct beat beat;
	uint64_t at_end;
	int i;

	if (nr_cpus() < 2)
		SKIP(return, "needs two CPUs");
	for (i = 0; i < 20; i++) {
		vm_must(!minivmx_map(self->fd, UNMAPPED, vm_at(self, PAGE), 0x1000, VM_RWX));
		beat_start(&beat, self, UNMAPPED);
		while (now(self) < 100)
			;
		ASSERT_EQ(0, minivmx_unmap(self->fd, UNMAPPED, 0x1000));
		at_end = now(self);
		pthread_join(beat.thread, NULL);
		ASSERT_EQ(MINIVMX_EXIT_MMIO, self->run->kind);
		/* The round that it was in, and no other. */
		EXPECT_GE(at_end + 1, now(self));
	}
}

/* Taken away at every moment of the fault that brings it back. */
TEST_F(vm, a_fill_that_comes_too_late_is_not_installed)
{
	struct beat beat;
	int i, j;

	if (nr_cpus() < 2)
		SKIP(return, "needs two CPUs");
	beat_start(&beat, self, PAGE);
	for (i = 0; i < 400; i++) {
		take_away(self);
		for (j = 0; j < 8 * i; j++)
			asm volatile("" : : : "memory");
		take_away(self);
		ASSERT_TRUE(beat_is_seen(&beat))
			TH_LOG("round %d", i);
	}
	beat_end(&beat);
}

/* ---- the order of instructions, from the trace ---- */

#define TRACING "/sys/kernel/tracing/"

static void trace_set(const char *file, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), TRACING "%s", file);
	vm_must(write_file(path, text));
}

static void trace_start(void)
{
	/* A count of events: their order on all CPUs, whatever the TSCs say. */
	trace_set("trace_clock", "counter");
	trace_set("trace", "");
	trace_set("events/minivmx/enable", "1");
}

static void trace_stop(void)
{
	trace_set("events/minivmx/enable", "0");
}

/* After the trace was read: another clock empties it. */
static void trace_end(void)
{
	trace_set("trace_clock", "local");
}

static void mark(const char *text)
{
	trace_set("trace_marker", text);
}

/*
 * Behind the mark @text, on @cpu: the number of INVEPTs before the first entry
 * into the guest, or -1 if there is no such mark, or no entry behind it.
 */
static int invepts_before_entry(const char *text, int cpu)
{
	FILE *file = fopen(TRACING "trace", "r");
	bool behind = false;
	int invepts = 0, result = -1;
	char line[512], where[16];

	vm_must(file);
	snprintf(where, sizeof(where), "[%03d]", cpu);
	while (result < 0 && fgets(line, sizeof(line), file)) {
		if (strstr(line, text))
			behind = true;
		if (!behind || !strstr(line, where))
			continue;
		if (strstr(line, "minivmx_invept:"))
			invepts++;
		else if (strstr(line, "minivmx_entry:"))
			result = invepts;
	}
	fclose(file);
	return result;
}

GUEST64(touch_code, "mov (%rsi), %rax; vmcall");

/* Run on @cpu until the page was read. */
static void touch(VM *self, int cpu)
{
	pin_to_cpu(cpu);
	vm_long(self, touch_code);
	self->run->regs.rsi = PAGE;
	vm_must(vm_run(self) == MINIVMX_EXIT_HYPERCALL);
}

TEST_F(vm, invept_comes_before_the_entry_that_follows_a_removal)
{
	touch(self, 0);
	trace_start();
	mark("untouched");
	touch(self, 0);
	take_away(self);
	mark("removed");
	touch(self, 0);
	trace_stop();
	/* It is no matter of course: without a removal there is none. */
	EXPECT_EQ(0, invepts_before_entry("untouched", 0));
	EXPECT_EQ(1, invepts_before_entry("removed", 0));
	trace_end();
}

TEST_F(vm, invept_is_executed_on_every_cpu_that_ran_the_root)
{
	if (nr_cpus() < 2)
		SKIP(return, "needs two CPUs");
	touch(self, 0);
	touch(self, 1);
	trace_start();
	take_away(self);
	mark("removed");
	touch(self, 0);
	touch(self, 1);
	mark("again");
	touch(self, 0);
	touch(self, 1);
	trace_stop();
	EXPECT_EQ(1, invepts_before_entry("removed", 0));
	EXPECT_EQ(1, invepts_before_entry("removed", 1));
	EXPECT_EQ(0, invepts_before_entry("again", 0));
	EXPECT_EQ(0, invepts_before_entry("again", 1));
	trace_end();
}

/* Its frame may have been the root of another VM, whose entries are cached. */
TEST_F(vm, invept_comes_before_the_first_entry_with_a_new_root)
{
	VM other;

	touch(self, 0);
	trace_start();
	mark("new");
	vm_create(&other);
	touch(&other, 0);
	vm_destroy(&other);
	trace_stop();
	EXPECT_EQ(1, invepts_before_entry("new", 0));
	trace_end();
}

TEST_HARNESS_MAIN
