// SPDX-License-Identifier: GPL-2.0
/*
 * A vCPU that runs, and others who want something of it: threads, signals,
 * descriptors that are closed.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "uapi.h"

static unsigned char buffer[PAGE] __attribute__((aligned(PAGE)));

/* The guest counts in its page, for ever. */
#define COUNTER	0x800

static void spin(FIXTURE_DATA(minivmx) *self)
{
	static const unsigned char code[] = {
		0xff, 0x06, 0x00, 0x18,	/* 1: incw 0x1800 */
		0xeb, 0xfa,		/* jmp 1b */
	};

	memcpy(self->code, code, sizeof(code));
}

/*
 * A thread that runs the vCPU until it is told to stop: a RUN may return
 * interrupted at any time, and then there is another.
 */
struct runner {
	int vcpu;
	struct minivmx_run *run;
	volatile bool stop;
	long ret;
	pthread_t thread;
};

static void *run_thread(void *arg)
{
	struct runner *runner = arg;

	do {
		runner->ret = call(runner->vcpu, MINIVMX_RUN, NULL);
	} while (runner->ret == -EBUSY ||
		 (!runner->stop && !runner->ret && runner->run->kind == MINIVMX_EXIT_INTR));
	return NULL;
}

/* Return when the guest is seen to count. */
static void start(FIXTURE_DATA(minivmx) *self, struct runner *runner)
{
	volatile unsigned short *counter = (void *)(self->code + COUNTER);
	unsigned short before = *counter;

	*runner = (struct runner) { .vcpu = self->vcpu, .run = self->run };
	pthread_create(&runner->thread, NULL, run_thread, runner);
	while (*counter == before)
		sched_yield();
}

static long stop(struct runner *runner, int vcpu)
{
	long ret;

	runner->stop = true;
	ret = call(vcpu, MINIVMX_KICK, NULL);
	pthread_join(runner->thread, NULL);
	return ret ?: runner->ret;
}

/* Between two RUNs the vCPU is free for a moment: try again then. */
static long call_busy(int vcpu, unsigned int cmd, void *arg)
{
	int tries = 100;
	long ret;

	while ((ret = call(vcpu, cmd, arg)) >= 0 && --tries)
		usleep(1000);
	return ret;
}

/* Between two exits RUN lends the vCPU to whoever asks for its state. */
TEST_F(minivmx, state_while_it_runs)
{
	struct minivmx_cpuid cpuid = { .nr = 128, .entries = (uintptr_t)buffer };
	struct minivmx_xsave xsave = { (uintptr_t)buffer, self->info.xsave_size, 0 };
	struct minivmx_events events = { 0 };
	struct minivmx_stats stats = { 0 };
	struct minivmx_msrs msrs = { 0 };
	struct minivmx_sregs sregs;
	const struct {
		const char *name;
		unsigned int cmd;
		void *arg;
	} cases[] = {
#define CASE(name, arg) { #name, MINIVMX_##name, arg }
		CASE(GET_SREGS, &sregs), CASE(SET_SREGS, &sregs),
		CASE(GET_MSRS, &msrs), CASE(SET_MSRS, &msrs),
		CASE(GET_CPUID, &cpuid), CASE(SET_CPUID, &cpuid),
		CASE(GET_XSAVE, &xsave), CASE(SET_XSAVE, &xsave),
		CASE(GET_EVENTS, &events), CASE(SET_EVENTS, &events),
		CASE(GET_STATS, &stats),
#undef CASE
	};
	struct runner runner;
	unsigned int i;

	ASSERT_EQ(0, call(self->vcpu, MINIVMX_GET_SREGS, &sregs));
	spin(self);
	start(self, &runner);
	EXPECT_EQ(-EBUSY, call_busy(self->vcpu, MINIVMX_RUN, NULL));
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		EXPECT_LE(0, call(self->vcpu, cases[i].cmd, cases[i].arg))
			TH_LOG("%s", cases[i].name);
	}
	EXPECT_EQ(-EBUSY, call_busy(self->vcpu, MINIVMX_RUN, NULL));
	EXPECT_EQ(0, stop(&runner, self->vcpu));
	EXPECT_EQ(MINIVMX_EXIT_INTR, self->run->kind);
}

static void *ask_thread(void *arg)
{
	int vcpu = *(int *)arg;
	struct minivmx_events events;
	struct minivmx_sregs sregs;
	long failed = 0;
	int i;

	for (i = 0; i < 200; i++) {
		failed += call(vcpu, MINIVMX_GET_SREGS, &sregs) != 0;
		failed += call(vcpu, MINIVMX_GET_EVENTS, &events) != 0;
	}
	return (void *)failed;
}

/* Several ask at once, and the guest still gets on. */
TEST_F(minivmx, many_who_ask)
{
	volatile unsigned short *counter = (void *)(self->code + COUNTER);
	pthread_t threads[3];
	struct runner runner;
	unsigned short before;
	unsigned int i;
	void *failed;

	spin(self);
	start(self, &runner);
	for (i = 0; i < ARRAY_SIZE(threads); i++) {
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, ask_thread, &self->vcpu));
	}
	for (i = 0; i < ARRAY_SIZE(threads); i++) {
		ASSERT_EQ(0, pthread_join(threads[i], &failed));
		EXPECT_EQ(NULL, failed);
	}
	before = *counter;
	while (*counter == before)
		sched_yield();
	EXPECT_EQ(0, stop(&runner, self->vcpu));
}

/* The VM's own ioctls, and another vCPU, are not. */
TEST_F(minivmx, vm_is_not_busy)
{
	struct minivmx_map map = {
		.gpa = 0x100000, .size = PAGE, .hva = (uintptr_t)buffer,
		.prot = MINIVMX_PROT_READ,
	};
	struct minivmx_create_vcpu create = { .id = 1 };
	struct minivmx_sregs sregs;
	struct runner runner;
	int second;

	spin(self);
	start(self, &runner);
	EXPECT_EQ(0, call(self->vm, MINIVMX_MAP_MEMORY, &map));
	map.hva = map.prot = 0;
	EXPECT_EQ(0, call(self->vm, MINIVMX_UNMAP_MEMORY, &map));
	second = call(self->vm, MINIVMX_CREATE_VCPU, &create);
	EXPECT_LE(0, second);
	EXPECT_EQ(0, call(second, MINIVMX_GET_SREGS, &sregs));
	EXPECT_EQ(0, stop(&runner, self->vcpu));
}

/* Without a RUN the next one returns, and only that. */
TEST_F(minivmx, kick_before_run)
{
	EXPECT_EQ(0, call(self->vcpu, MINIVMX_KICK, NULL));
	EXPECT_EQ(0, call(self->vcpu, MINIVMX_KICK, NULL));
	EXPECT_EQ(0, call(self->vcpu, MINIVMX_RUN, NULL));
	EXPECT_EQ(MINIVMX_EXIT_INTR, self->run->kind);
	EXPECT_EQ(0x1000, self->run->regs.rip);
	EXPECT_EQ(0, run(self->vcpu, self->run));
	EXPECT_EQ(MINIVMX_EXIT_HLT, self->run->kind);
}

TEST_F(minivmx, kick_many_times)
{
	struct runner runner;
	int i;

	spin(self);
	for (i = 0; i < 50; i++) {
		start(self, &runner);
		ASSERT_EQ(0, stop(&runner, self->vcpu));
		ASSERT_EQ(MINIVMX_EXIT_INTR, self->run->kind);
	}
}

static void on_signal(int signal) {}

TEST_F(minivmx, signals)
{
	struct itimerspec once = { .it_value.tv_nsec = 20000000 };
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	timer_t timer;

	/* Also where system calls are restarted: the program wants to know. */
	ASSERT_EQ(0, sigaction(SIGALRM, &action, NULL));
	ASSERT_EQ(0, timer_create(CLOCK_MONOTONIC, NULL, &timer));
	spin(self);
	ASSERT_EQ(0, timer_settime(timer, 0, &once, NULL));
	EXPECT_EQ(-EINTR, run(self->vcpu, self->run));
	EXPECT_EQ(MINIVMX_EXIT_INTR, self->run->kind);
	EXPECT_NE(0, self->code[COUNTER] | self->code[COUNTER + 1]);
}

/* Four threads want the same vCPU: one at a time has it. */
static void *fight_thread(void *arg)
{
	int vcpu = *(int *)arg;
	long runs = 0, busy = 0, other = 0;
	int i;

	for (i = 0; i < 300; i++) {
		long ret = call(vcpu, MINIVMX_RUN, NULL);

		runs += ret == 0;
		busy += ret == -EBUSY;
		other += ret != 0 && ret != -EBUSY;
	}
	return (void *)(other ? -1 : runs);
}

TEST_F(minivmx, threads_that_run_the_same)
{
	pthread_t threads[4];
	long runs, total = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(threads); i++) {
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, fight_thread, &self->vcpu));
	}
	for (i = 0; i < ARRAY_SIZE(threads); i++) {
		pthread_join(threads[i], (void **)&runs);
		EXPECT_LE(0, runs);
		total += runs;
	}
	EXPECT_LT(0, total);
	EXPECT_EQ(0, run(self->vcpu, self->run));
	EXPECT_EQ(MINIVMX_EXIT_HLT, self->run->kind);
}

/* ---- what holds what ---- */

TEST_F(minivmx, vcpu_holds_the_vm)
{
	struct minivmx_sregs sregs;

	close(self->vm);
	close(self->system);
	EXPECT_EQ(0, call(self->vcpu, MINIVMX_GET_SREGS, &sregs));
	EXPECT_EQ(0, run(self->vcpu, self->run));
	EXPECT_EQ(MINIVMX_EXIT_HLT, self->run->kind);
}

TEST_F(minivmx, run_page_outlives_the_descriptors)
{
	EXPECT_EQ(0, run(self->vcpu, self->run));
	close(self->vcpu);
	close(self->vm);
	close(self->system);
	EXPECT_EQ(MINIVMX_EXIT_HLT, self->run->kind);
	self->run->regs.rax = 1;
}

TEST_F(minivmx, vm_outlives_its_vcpu)
{
	struct minivmx_create_vcpu create = { .id = 1 };
	int second;

	munmap(self->run, self->info.run_size);
	close(self->vcpu);
	second = call(self->vm, MINIVMX_CREATE_VCPU, &create);
	ASSERT_LE(0, second);
	self->run = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, second, 0);
	ASSERT_NE(MAP_FAILED, self->run);
	/* At the reset vector, where nothing is mapped. */
	EXPECT_EQ(0, call(second, MINIVMX_RUN, NULL));
}

/* Closing the descriptor that a thread runs does not stop it or free it. */
TEST_F(minivmx, closed_while_it_runs)
{
	struct runner runner;
	int other = dup(self->vcpu);

	spin(self);
	start(self, &runner);
	close(self->vcpu);
	close(self->vm);
	close(self->system);
	stop(&runner, other);
	/* Without it if it had just been interrupted. */
	EXPECT_TRUE(runner.ret == 0 || runner.ret == -EBADF);
	EXPECT_EQ(MINIVMX_EXIT_INTR, self->run->kind);
}

/* A child holds the descriptors; the process whose memory it was is gone. */
TEST_F(minivmx, creator_ends_first)
{
	struct minivmx_sregs sregs;
	int to_test[2], status;
	char byte = 1;
	pid_t creator;

	ASSERT_EQ(0, pipe(to_test));
	creator = fork();
	ASSERT_LE(0, creator);
	if (creator == 0) {
		struct minivmx_create_vm create_vm = vm_argument(self->system);
		struct minivmx_create_vcpu create_vcpu = { 0 };
		int vm = call(self->system, MINIVMX_CREATE_VM, &create_vm);
		int vcpu = call(vm, MINIVMX_CREATE_VCPU, &create_vcpu);
		pid_t parent = getpid();

		if (fork())
			_exit(0);
		while (getppid() == parent)
			usleep(1000);
		EXPECT_EQ(-EXDEV, call(vcpu, MINIVMX_GET_SREGS, &sregs));
		EXPECT_EQ(-EXDEV, call(vcpu, MINIVMX_RUN, NULL));
		byte = !_metadata->passed;
		close(vcpu);
		close(vm);
		EXPECT_EQ(1, write(to_test[1], &byte, 1));
		_exit(0);
	}
	ASSERT_EQ(creator, waitpid(creator, &status, 0));
	close(to_test[1]);
	EXPECT_EQ(1, read(to_test[0], &byte, 1));
	EXPECT_EQ(0, byte);
}

TEST_HARNESS_MAIN
