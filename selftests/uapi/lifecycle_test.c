// SPDX-License-Identifier: GPL-2.0
/*
 * Coming and going: the module with VMs in it, VMs by the thousand, programs
 * that are killed. What was taken is given back.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

#include "lib/counters.h"
#include "lib/rounds.h"
#include "module.h"
#include "uapi.h"

/* A VM that has run: a vCPU, memory, pages in the EPT. -errno if not. */
struct guest {
	int system, vm, vcpu;
	struct minivmx_run *run;
	unsigned char *memory;
};

static long guest_start(struct guest *g)
{
	struct minivmx_create_vm create_vm;
	struct minivmx_create_vcpu create_vcpu = { 0 };
	struct minivmx_map map = { .size = 16 * PAGE, .prot = PROT_RWX };
	struct minivmx_sregs sregs;
	long ret;

	g->system = open(MINIVMX_DEVICE, O_RDWR | O_CLOEXEC);
	create_vm = vm_argument(g->system);
	g->vm = call(g->system, MINIVMX_CREATE_VM, &create_vm);
	if (g->vm < 0)
		return g->vm;
	g->vcpu = call(g->vm, MINIVMX_CREATE_VCPU, &create_vcpu);
	if (g->vcpu < 0)
		return g->vcpu;
	g->run = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, g->vcpu, 0);
	g->memory = pages(16, PROT_READ | PROT_WRITE);
	memset(g->memory, 0xf4, 16 * PAGE);
	map.hva = (uintptr_t)g->memory;
	ret = call(g->vm, MINIVMX_MAP_MEMORY, &map);
	if (ret)
		return ret;
	minivmx_set_real(&sregs, &g->run->regs, 0, 0x1000);
	ret = call(g->vcpu, MINIVMX_SET_SREGS, &sregs);
	if (ret)
		return ret;
	ret = run(g->vcpu, g->run);
	return ret ?: g->run->kind == MINIVMX_EXIT_HLT ? 0 : -EPROTO;
}

static void guest_end(struct guest *g)
{
	munmap(g->run, PAGE);
	munmap(g->memory, 16 * PAGE);
	close(g->vcpu);
	close(g->vm);
	close(g->system);
}

FIXTURE(module) {
	struct guest guest;
};

FIXTURE_SETUP(module)
{
	if (!exists("/sys/module/minivmx"))
		load_module();
	ASSERT_TRUE(exists(MINIVMX_DEVICE));
	EXPECT_COUNTERS_ZERO();
}

FIXTURE_TEARDOWN(module)
{
	/* For the tests that come behind this one. */
	if (!exists("/sys/module/minivmx"))
		load_module();
}

/* That they count at all, or all that follows would prove nothing. */
TEST_F(module, counters_count)
{
	struct guest two;

	ASSERT_EQ(0, guest_start(&self->guest));
	EXPECT_EQ(1, counter(COUNT_VMS));
	EXPECT_EQ(1, counter(COUNT_VCPUS));
	EXPECT_LT(0, counter(COUNT_PAGES));
	EXPECT_LT(0, counter(COUNT_EPT_PAGES));
	ASSERT_EQ(0, guest_start(&two));
	EXPECT_EQ(2, counter(COUNT_VMS));
	EXPECT_EQ(2, counter(COUNT_VCPUS));
	guest_end(&two);
	EXPECT_EQ(1, counter(COUNT_VMS));
	EXPECT_EQ(1, counter(COUNT_VCPUS));
	guest_end(&self->guest);
	EXPECT_COUNTERS_ZERO();
}

/* Each descriptor alone keeps the module, and so does the run page. */
TEST_F(module, in_use)
{
	struct guest *g = &self->guest;

	ASSERT_EQ(0, guest_start(g));
	EXPECT_EQ(-EWOULDBLOCK, unload_module());
	close(g->vm);
	close(g->vcpu);
	munmap(g->run, PAGE);
	EXPECT_EQ(-EWOULDBLOCK, unload_module());	/* the device */
	close(g->system);

	ASSERT_EQ(0, guest_start(g));
	close(g->system);
	close(g->vcpu);
	munmap(g->run, PAGE);
	EXPECT_EQ(-EWOULDBLOCK, unload_module());	/* the VM */
	close(g->vm);

	ASSERT_EQ(0, guest_start(g));
	close(g->system);
	close(g->vm);
	munmap(g->run, PAGE);
	EXPECT_EQ(-EWOULDBLOCK, unload_module());	/* the vCPU */
	EXPECT_EQ(0, call(g->vcpu, MINIVMX_RUN, NULL));
	close(g->vcpu);

	ASSERT_EQ(0, guest_start(g));
	close(g->system);
	close(g->vm);
	close(g->vcpu);
	EXPECT_EQ(-EWOULDBLOCK, unload_module());	/* the run page */
	munmap(g->run, PAGE);

	EXPECT_COUNTERS_ZERO();
	EXPECT_EQ(0, unload_module());
	EXPECT_EQ(0, load_module());
}

TEST_F_TIMEOUT(module, load_and_unload, 3600)
{
	unsigned int i, round, n = rounds(20, 500);

	for (round = 0; round < n; round++) {
		ASSERT_EQ(0, unload_module());
		for (i = 0; i < NR_TRACES; i++) {
			EXPECT_FALSE(exists(module_traces[i]))
				TH_LOG("%s is still there", module_traces[i]);
		}
		ASSERT_EQ(0, load_module());
		for (i = 0; i < NR_TRACES; i++) {
			EXPECT_TRUE(exists(module_traces[i]))
				TH_LOG("there is no %s", module_traces[i]);
		}
		/* Every second time with a guest. */
		if (round % 2)
			continue;
		ASSERT_EQ(0, guest_start(&self->guest));
		guest_end(&self->guest);
	}
	EXPECT_EQ(-EEXIST, load_module());
}

/* kB, of what nobody uses or caches. */
static long free_memory(void)
{
	char line[200];
	long kb = -1;
	FILE *file;
	int fd;

	sync();
	fd = open("/proc/sys/vm/drop_caches", O_WRONLY);
	if (write(fd, "3", 1) != 1)
		perror("drop_caches");
	close(fd);
	usleep(200000);	/* what RCU still holds */
	file = fopen("/proc/meminfo", "r");
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "MemFree: %ld kB", &kb) == 1)
			break;
	fclose(file);
	return kb;
}

#define ROUNDS	1000

/* One page kept each time would be 3,200 kB in the last 800. */
TEST_F_TIMEOUT(module, a_thousand_vms, 600)
{
	long before = 0, after;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		if (i == 200)
			before = free_memory();
		ASSERT_EQ(0, guest_start(&self->guest))
			TH_LOG("round %d", i);
		guest_end(&self->guest);
	}
	after = free_memory();
	EXPECT_COUNTERS_ZERO();
	EXPECT_LT(before - after, 1600)
		TH_LOG("free: %ld kB after 200 rounds, %ld kB after %d", before, after, ROUNDS);
}

/* ---- killed ---- */

static pid_t start_runner(const char *image)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	/* The runner's terminal is none of this test's. */
	dup2(open("/dev/null", O_RDWR), 0);
	dup2(0, 1);
	dup2(0, 2);
	execlp("minivmx", "minivmx", "run", "--mem", "16M", image, NULL);
	_exit(127);
}

TEST_F_TIMEOUT(module, unload_is_refused_while_a_guest_runs, 3600)
{
	unsigned int i, n = rounds(10, 50);
	pid_t pid = start_runner("guest/spin.bin");

	ASSERT_LT(0, pid);
	while (counter(COUNT_EPT_PAGES) <= 0)
		usleep(1000);
	for (i = 0; i < n; i++) {
		EXPECT_EQ(-EWOULDBLOCK, unload_module());
		usleep(1000);
	}
	/* It did not mind. */
	EXPECT_EQ(0, waitpid(pid, NULL, WNOHANG));
	EXPECT_EQ(1, counter(COUNT_VMS));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	EXPECT_COUNTERS_ZERO();
	EXPECT_EQ(0, unload_module());
}

/* Microseconds that a runner takes, on this host, until its guest runs. */
static int time_to_run(const char *image)
{
	struct timespec start, end;
	pid_t pid;

	clock_gettime(CLOCK_MONOTONIC, &start);
	pid = start_runner(image);
	while (counter(COUNT_EPT_PAGES) <= 0)
		usleep(100);
	clock_gettime(CLOCK_MONOTONIC, &end);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return (end.tv_sec - start.tv_sec) * 1000000 + (end.tv_nsec - start.tv_nsec) / 1000;
}

/* The shortest of some: the first one may have to fetch what the others find there. */
static int least_time_to_run(const char *image)
{
	int i, time, least = time_to_run(image);

	for (i = 0; i < 2; i++) {
		time = time_to_run(image);
		if (time < least)
			least = time;
	}
	return least;
}

TEST_F_TIMEOUT(module, killed_at_any_moment, 3600)
{
	static const char *const images[] = { "guest/spin.bin", "guest/io_loop.bin" };
	int i, n = rounds(50, 300), status, with_vm = 0, without = 0;
	int until = 2 * least_time_to_run(images[0]);

	srand(1);
	for (i = 0; i < n; i++) {
		pid_t pid = start_runner(images[i % 2]);

		ASSERT_LT(0, pid);
		usleep(rand() % until);
		counter(COUNT_VMS) > 0 ? with_vm++ : without++;
		ASSERT_EQ(0, kill(pid, SIGKILL));
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
			TH_LOG("the runner ended by itself: status %#x", status);
		EXPECT_COUNTERS_ZERO();
	}
	/* Moments of both kinds were met. */
	EXPECT_LE(5, with_vm);
	EXPECT_LE(5, without);
	EXPECT_EQ(0, unload_module());
}

/* As killed_at_any_moment, but in the middle of what makes and ends VMs. */
TEST_F_TIMEOUT(module, killed_while_it_makes_vms, 3600)
{
	int i, n = rounds(50, 300), status;

	srand(2);
	for (i = 0; i < n; i++) {
		pid_t pid = fork();

		ASSERT_LE(0, pid);
		if (pid == 0)
			for (;;) {
				guest_start(&self->guest);
				guest_end(&self->guest);
			}
		usleep(rand() % 30000);
		ASSERT_EQ(0, kill(pid, SIGKILL));
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_COUNTERS_ZERO();
	}
	EXPECT_EQ(0, unload_module());
}

TEST_HARNESS_MAIN
