// SPDX-License-Identifier: GPL-2.0
/*
 * The host is suspended, with VMs and without. suspend_test.sh runs this.
 *
 * A suspend to RAM is a real one: every CPU is reset, and what it had of VMX is
 * lost. The kernels that can test suspends (/sys/power/pm_test) also go through
 * some of the steps and back, for all kinds of suspend.
 */
#include "lib/counters.h"
#include "lib/rounds.h"
#include "vmx/worker.h"

static const struct {
	const char *state, *level;
} ways[] = {
	{ "mem", "none" },
	{ "mem", "freezer" },
	{ "mem", "devices" },
	{ "mem", "platform" },
	{ "mem", "processors" },
	{ "mem", "core" },
	{ "freeze", "freezer" },
	{ "freeze", "devices" },
	{ "freeze", "platform" },
	{ "disk", "freezer" },
	{ "disk", "devices" },
	{ "disk", "platform" },
	{ "disk", "processors" },
	{ "disk", "core" },
};

#define NR_WAYS	(sizeof(ways) / sizeof(ways[0]))
#define PM_TEST	"/sys/power/pm_test"

/* Those behind the first need pm_test. */
static unsigned int nr_ways(void)
{
	return access(PM_TEST, F_OK) ? 1 : NR_WAYS;
}

/* From one way to the next, for tests that need not go all of them each time. */
static unsigned int step(void)
{
	return with_many_rounds() ? 1 : 5;
}

static bool suspend(unsigned int way)
{
	if (nr_ways() > 1) {
		vm_must(write_file(PM_TEST, ways[way].level));
		/* It would wait for 5 s each time. */
		vm_must(write_file("/sys/module/suspend/parameters/pm_test_delay", "1"));
		vm_must(write_file("/sys/power/disk", "test_resume"));
	}
	return write_file("/sys/power/state", ways[way].state);
}

static uint32_t vmx_owner(VM *self)
{
	struct minivmx_info info;

	vm_must(!minivmx_get_info(self->system, &info));
	return info.vmx_owner;
}

TEST_F_TIMEOUT(vm, guests_go_on_after_a_suspend, 7200)
{
	unsigned int way, round, n = rounds(3, 30);
	uint32_t owner = vmx_owner(self);
	struct worker w[NR_WORKERS];
	VM other;

	EXPECT_TRUE(owner == MINIVMX_VMX_OWN || owner == MINIVMX_VMX_BORROWED);
	workers_start(w, self, &other);
	for (way = 0; way < nr_ways(); way++) {
		fprintf(stderr, "# %s, %s\n", ways[way].state, ways[way].level);
		for (round = 0; round < (way ? 1 : n); round++) {
			ASSERT_TRUE(all_work(w, NR_WORKERS));
			EXPECT_TRUE(suspend(way));
			ASSERT_TRUE(all_work(w, NR_WORKERS));
			EXPECT_EQ(owner, vmx_owner(self));
		}
	}
	EXPECT_TRUE(workers_stop(w, &other));
}

/* A guest that does not run has its state in memory alone. */
TEST_F_TIMEOUT(vm, a_guest_that_waits_keeps_its_state, 7200)
{
	struct worker w;
	unsigned int way;

	for (way = 0; way < nr_ways(); way += step()) {
		worker_start(&w, self, 0);
		ASSERT_TRUE(all_work(&w, 1));
		ASSERT_TRUE(worker_stop(&w));
		EXPECT_TRUE(suspend(way));
		w.stop = w.ended = false;
		ASSERT_EQ(0, pthread_create(&w.thread, NULL, worker, &w));
		EXPECT_TRUE(all_work(&w, 1));
		EXPECT_TRUE(worker_stop(&w));
	}
}

/* VMX that nobody has stays nobody's, and can be had afterwards. */
TEST_F_TIMEOUT(vm, suspend_without_vms, 7200)
{
	unsigned int way;
	struct worker w;

	vm_destroy(self);
	EXPECT_COUNTERS_ZERO();
	for (way = 0; way < nr_ways(); way += step()) {
		EXPECT_TRUE(suspend(way));
		EXPECT_COUNTERS_ZERO();
		vm_create(self);
		worker_start(&w, self, 0);
		EXPECT_TRUE(all_work(&w, 1));
		EXPECT_TRUE(worker_stop(&w));
		munmap(self->mem, VM_SIZE);
		vm_destroy(self);
		EXPECT_COUNTERS_ZERO();
	}
	vm_create(self);
}

TEST_HARNESS_MAIN
