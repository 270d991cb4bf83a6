// SPDX-License-Identifier: GPL-2.0
/* CPUs that go offline and come online under guests. */
#include "lib/counters.h"
#include "lib/rounds.h"
#include "worker.h"

/* ---- The CPUs of the host ---- */

static bool set_online(int cpu, bool online)
{
	char path[80];

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/online", cpu);
	return write_file(path, online ? "1" : "0");
}

/* CPU 0 only on older kernels, with cpu0_hotplug on their command line. */
static bool can_go_offline(int cpu)
{
	char path[80];

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/online", cpu);
	return access(path, W_OK) == 0;
}

#define NEED_TWO_CPUS()					\
do {							\
	if (nr_cpus() < 2)				\
		SKIP(return, "needs two CPUs");		\
} while (0)

static void cycles(VM *self, struct __test_metadata *_metadata, int cpu, unsigned int n)
{
	struct worker w[NR_WORKERS];
	unsigned int round;
	VM other;

	workers_start(w, self, &other);
	for (round = 0; round < n && all_work(w, NR_WORKERS); round++) {
		ASSERT_TRUE(set_online(cpu, false));
		if (!all_work(w, NR_WORKERS))
			break;
		ASSERT_TRUE(set_online(cpu, true));
	}
	EXPECT_EQ(n, round);
	EXPECT_TRUE(workers_stop(w, &other));
}

TEST_F_TIMEOUT(vm, cpu_1_goes_and_comes_under_guests, 7200)
{
	NEED_TWO_CPUS();
	cycles(self, _metadata, 1, rounds(10, 500));
}

TEST_F_TIMEOUT(vm, cpu_0_goes_and_comes_under_guests, 7200)
{
	NEED_TWO_CPUS();
	if (!can_go_offline(0))
		SKIP(return, "this kernel keeps CPU 0 online");
	cycles(self, _metadata, 0, rounds(10, 500));
}

/* A vCPU whose thread may run on that CPU alone: the kernel moves it. */
TEST_F_TIMEOUT(vm, a_vcpu_is_driven_from_its_cpu, 7200)
{
	unsigned int round, n;
	struct worker w;
	cpu_set_t cpu_1;

	NEED_TWO_CPUS();
	n = rounds(10, 500);
	CPU_ZERO(&cpu_1);
	CPU_SET(1, &cpu_1);
	worker_start(&w, self, 0);
	for (round = 0; round < n && all_work(&w, 1); round++) {
		ASSERT_EQ(0, pthread_setaffinity_np(w.thread, sizeof(cpu_1), &cpu_1));
		if (!all_work(&w, 1))
			break;
		ASSERT_TRUE(set_online(1, false));
		if (!all_work(&w, 1))
			break;
		ASSERT_TRUE(set_online(1, true));
	}
	EXPECT_EQ(n, round);
	EXPECT_TRUE(worker_stop(&w));
	EXPECT_EQ(0, w.refused);
}

/* The VM is older than the CPU; and a VM ends while a CPU is away. */
TEST_F_TIMEOUT(vm, a_cpu_that_comes_later_runs_guests, 7200)
{
	unsigned int round, n;
	struct worker w;
	VM vm;

	NEED_TWO_CPUS();
	n = rounds(5, 200);
	/* Let all of VMX be given back in between. */
	vm_destroy(self);
	for (round = 0; round < n; round++) {
		ASSERT_TRUE(set_online(1, false));
		vm_create(&vm);
		ASSERT_TRUE(set_online(1, true));
		pin_to_cpu(1);
		worker_start(&w, &vm, 0);
		pin_to_cpu(0);
		EXPECT_TRUE(all_work(&w, 1));
		EXPECT_TRUE(worker_stop(&w));
		EXPECT_EQ(0, w.refused);
		ASSERT_TRUE(set_online(1, false));
		munmap(vm.mem, VM_SIZE);
		vm_destroy(&vm);
		EXPECT_COUNTERS_ZERO();
		ASSERT_TRUE(set_online(1, true));
	}
	vm_create(self);
}

/* Makes and ends VMs while CPUs come and go. */
static void *maker(void *arg)
{
	struct worker *w = arg;

	while (!w->stop) {
		VM vm;

		vm_create_empty(&vm);
		vm_destroy(&vm);
		w->exits++;
	}
	return NULL;
}

TEST_F_TIMEOUT(vm, vms_are_made_while_cpus_come_and_go, 7200)
{
	struct worker w = { .id = 0 };
	unsigned int round, n;

	NEED_TWO_CPUS();
	n = rounds(10, 500);
	vm_destroy(self);
	ASSERT_EQ(0, pthread_create(&w.thread, NULL, maker, &w));
	for (round = 0; round < n; round++) {
		ASSERT_TRUE(set_online(1, false));
		ASSERT_TRUE(set_online(1, true));
		all_work(&w, 1);
	}
	w.stop = true;
	ASSERT_EQ(0, pthread_join(w.thread, NULL));
	EXPECT_COUNTERS_ZERO();
	vm_create(self);
}

TEST_HARNESS_MAIN
