// SPDX-License-Identifier: GPL-2.0
/* Threads, kicks, signals, and vCPUs that move between CPUs. */
#include <sys/time.h>

#include "vm.h"

/* Counts in RBX for ever, and at DATA. */
GUEST64(spin_code, "1: inc %rbx; mov %ebx, DATA; jmp 1b");

/* Until the guest executes, now. */
/* Longer each time, or a slow host would do nothing but wake up. */
static void give_way(unsigned int *us)
{
	usleep(*us);
	if (*us < 20000)
		*us *= 2;
}

static void wait_for_guest(VM *self, bool same_cpu)
{
	volatile uint32_t *counter = vm_at(self, VM_DATA);
	uint32_t before = *counter;
	unsigned int us = 200;

	while (*counter == before)
		if (same_cpu)
			give_way(&us);
}

struct runner {
	VM *vm;
	int cpu;
	pthread_t thread;
	volatile int ret;
	volatile bool done;
	volatile unsigned long kicked;	/* RUNs that ended for a kick */
	volatile bool stop;
};

static void *run_until_kicked(void *arg)
{
	struct runner *r = arg;

	do
		r->ret = minivmx_run(r->vm->vcpu);
	while (r->ret == -EINTR || (!r->ret && !r->stop));
	return NULL;
}

TEST_F(vm, a_second_run_of_a_running_vcpu_is_busy)
{
	struct runner r = { .vm = self };
	struct minivmx_sregs sregs;

	vm_long(self, spin_code);
	ASSERT_EQ(0, pthread_create(&r.thread, NULL, run_until_kicked, &r));
	wait_for_guest(self, true);
	EXPECT_EQ(-EBUSY, minivmx_run(self->vcpu));
	/* Its state is to be had all the same. */
	EXPECT_EQ(0, minivmx_get_sregs(self->vcpu, &sregs));
	r.stop = true;
	EXPECT_EQ(0, minivmx_kick(self->vcpu));
	ASSERT_EQ(0, pthread_join(r.thread, NULL));
	EXPECT_EQ(0, r.ret);
	EXPECT_EQ(MINIVMX_EXIT_INTR, self->run->kind);
}

/* ---- Kicks ---- */

TEST_F(vm, a_kick_before_a_run_ends_the_next_one)
{
	vm_long(self, spin_code);
	ASSERT_EQ(0, minivmx_kick(self->vcpu));
	ASSERT_EQ(0, minivmx_kick(self->vcpu));	/* two are one */
	self->run->action = MINIVMX_RETRY;
	ASSERT_EQ(0, minivmx_run(self->vcpu));
	EXPECT_EQ(MINIVMX_EXIT_INTR, self->run->kind);
	EXPECT_EQ(0, self->run->regs.rbx);	/* it did not even enter */
}

static void *run_until_stopped(void *arg)
{
	struct runner *r = arg;

	pin_to_cpu(r->cpu);
	while (!r->stop) {
		r->vm->run->action = MINIVMX_RETRY;
		r->ret = minivmx_run(r->vm->vcpu);
		if (r->ret == -EINTR)
			continue;
		/* Also for work of the host's (TIF_NOTIFY_RESUME): counted less. */
		if (r->ret || r->vm->run->kind != MINIVMX_EXIT_INTR)
			break;
		r->kicked++;
	}
	r->done = true;
	return NULL;
}

static long ms_since(const struct timeval *start)
{
	struct timeval now;

	gettimeofday(&now, NULL);
	return (now.tv_sec - start->tv_sec) * 1000 + (now.tv_usec - start->tv_usec) / 1000;
}

/* What so many RUNs that end at once take on this host, in milliseconds. */
static long ms_of_runs(VM *self, int times)
{
	struct timeval start;
	int i;

	gettimeofday(&start, NULL);
	for (i = 0; i < 100; i++) {
		vm_must(!minivmx_kick(self->vcpu));
		self->run->action = MINIVMX_RETRY;
		vm_must(!minivmx_run(self->vcpu));
	}
	return ms_since(&start) * times / 100;
}

/*
 * Kick, and wait until that RUN has ended; again and again. A kick that is
 * lost leaves the guest spinning, and this waiting, for ever.
 */
static void kick_many(VM *self, struct __test_metadata *_metadata, int runner_cpu,
		      int kicker_cpu, int times)
{
	struct runner r = { .vm = self, .cpu = runner_cpu };
	struct sched_param priority = { .sched_priority = 1 };
	struct timeval start;
	long ms = 0, limit;
	int i;

	vm_long(self, spin_code);
	self->run->regs.rflags |= RFLAGS_IF;	/* see host_test.c, spinner */
	/* They are to be noticed at once, not at the next tick, 4 ms later. */
	limit = 2000 + times + 4 * ms_of_runs(self, times);
	ASSERT_EQ(0, pthread_create(&r.thread, NULL, run_until_stopped, &r));
	pin_to_cpu(kicker_cpu);
	/* On one CPU it gets its turn when its timer ends the guest's. */
	ASSERT_EQ(0, sched_setscheduler(0, SCHED_FIFO, &priority));
	gettimeofday(&start, NULL);
	for (i = 0; i < times && ms < limit; i++) {
		unsigned int us = 200;
		unsigned long before;

		/* Every other one when the guest executes, not just RUN. */
		if (i & 1)
			wait_for_guest(self, runner_cpu == kicker_cpu);
		before = r.kicked;
		minivmx_kick(self->vcpu);
		while (r.kicked == before && !r.done && ms < limit) {
			if (runner_cpu == kicker_cpu)
				give_way(&us);
			ms = ms_since(&start);
		}
	}
	EXPECT_EQ(times, i);
	EXPECT_GT(limit, ms);
	r.stop = true;
	minivmx_kick(self->vcpu);
	/* A lost one must not keep the test from ending. */
	usleep(10000);
	minivmx_kick(self->vcpu);
	ASSERT_EQ(0, pthread_join(r.thread, NULL));
	EXPECT_EQ(0, r.ret);
	EXPECT_LE(times, r.kicked);
}

TEST_F_TIMEOUT(vm, no_kick_is_lost_between_two_cpus, 120)
{
	if (nr_cpus() < 2)
		SKIP(return, "needs two CPUs");
	kick_many(self, _metadata, 1, 0, 10000);
}

TEST_F_TIMEOUT(vm, no_kick_is_lost_on_one_cpu, 120)
{
	kick_many(self, _metadata, 0, 0, 500);
}

/* ---- Signals ---- */

static volatile int alarms;

static void count_alarm(int sig)
{
	alarms++;
}

TEST_F(vm, a_signal_ends_run_with_eintr)
{
	/* Again and again: one that comes between two RUNs ends neither. */
	struct itimerval timer = { .it_interval = { .tv_usec = 5000 } };
	struct itimerval never = {};
	int ended = 0;

	vm_long(self, spin_code);
	self->run->regs.rflags |= RFLAGS_IF;
	signal(SIGALRM, count_alarm);
	while (ended < 50) {
		int ret;

		timer.it_value.tv_usec = 200 + (ended * 7919) % 5000;
		ASSERT_EQ(0, setitimer(ITIMER_REAL, &timer, NULL));
		do
			ret = minivmx_run(self->vcpu);
		while (!ret && self->run->kind == MINIVMX_EXIT_INTR);
		ASSERT_EQ(-EINTR, ret);
		ASSERT_EQ(MINIVMX_EXIT_INTR, self->run->kind);
		ended++;
	}
	setitimer(ITIMER_REAL, &never, NULL);
	EXPECT_LE(ended, alarms);
	EXPECT_LT(1000, self->run->regs.rbx);
	/* Each of the registers is what the guest made it. */
	EXPECT_EQ(VM_STACK, self->run->regs.rsp);
	EXPECT_EQ(0, self->run->regs.rax | self->run->regs.rcx | self->run->regs.r15);
}

GUEST64(in_out, "mov $1000, %ebx; 1: in $0x80, %al; out %al, $0x81; dec %ebx; jnz 1b; vmcall");

TEST_F(vm, signals_lose_no_io)
{
	struct itimerval soon = { .it_value = { .tv_usec = 700 } };
	unsigned int in = 0, out = 0, wrong = 0;
	uint8_t next = 0;
	int set = 0, kind;

	vm_long(self, in_out);
	signal(SIGALRM, count_alarm);
	for (kind = vm_run(self); kind == MINIVMX_EXIT_IO; kind = vm_skip(self)) {
		/* One at a time: signals alone could keep a slow host busy. */
		if (alarms == set) {
			set++;
			ASSERT_EQ(0, setitimer(ITIMER_REAL, &soon, NULL));
		}
		if (self->run->io.is_in) {
			self->run->io.data[0] = ++next;
			in++;
		} else {
			wrong += self->run->io.data[0] != next;
			out++;
		}
	}
	EXPECT_EQ(MINIVMX_EXIT_HYPERCALL, kind);
	EXPECT_EQ(1000, in);
	EXPECT_EQ(1000, out);
	EXPECT_EQ(0, wrong);
	EXPECT_LT(0, alarms);
	/* The last may be still to come. */
	while (alarms < set)
		usleep(1000);
}

TEST_F(vm, a_blocked_signal_does_not_end_run)
{
	struct itimerval once = { .it_value = { .tv_usec = 3000 } };
	struct itimerval never = {};
	sigset_t set;
	int kind;

	vm_long(self, in_out);
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	ASSERT_EQ(0, sigprocmask(SIG_BLOCK, &set, NULL));
	signal(SIGALRM, count_alarm);
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &once, NULL));
	for (kind = vm_run(self); kind == MINIVMX_EXIT_IO; kind = vm_skip(self))
		;
	setitimer(ITIMER_REAL, &never, NULL);
	EXPECT_EQ(MINIVMX_EXIT_HYPERCALL, kind);
	EXPECT_EQ(0, alarms);
}

/* ---- Counting ---- */

GUEST64(count_code,
	"1: xor %eax, %eax; cpuid; mov $0x1b, %ecx; rdmsr;"
	"out %al, $0x80; dec %esi; jnz 1b; hlt");

TEST_F(vm, exit_counts_are_the_guests_own)
{
	struct minivmx_exit_stat stats[MINIVMX_NR_EXITS];
	int kind;

	vm_long(self, count_code);
	self->run->regs.rsi = 300;
	for (kind = vm_run(self); kind == MINIVMX_EXIT_IO; kind = vm_skip(self))
		;
	ASSERT_EQ(MINIVMX_EXIT_HLT, kind);
	ASSERT_EQ(0, minivmx_get_stats(self->vcpu, MINIVMX_STATS_TICKS, stats, MINIVMX_NR_EXITS));
	EXPECT_EQ(300, stats[10].count);		/* CPUID */
	EXPECT_EQ(0, stats[10].to_user);
	EXPECT_EQ(300, stats[31].count);		/* RDMSR */
	EXPECT_EQ(300, stats[30].count);		/* I/O */
	EXPECT_EQ(300, stats[30].to_user);
	EXPECT_EQ(1, stats[12].count);			/* HLT */
	EXPECT_EQ(1, stats[12].to_user);
	EXPECT_EQ(0, stats[18].count);
	EXPECT_EQ(0, stats[10].ticks);			/* not asked for until now */

	vm_long(self, count_code);
	self->run->regs.rsi = 10;
	for (kind = vm_run(self); kind == MINIVMX_EXIT_IO; kind = vm_skip(self))
		;
	ASSERT_EQ(0, minivmx_get_stats(self->vcpu, 0, stats, MINIVMX_NR_EXITS));
	EXPECT_EQ(310, stats[10].count);
	EXPECT_LT(0, stats[10].ticks);
	EXPECT_LE(stats[10].worst, stats[10].ticks);
	EXPECT_LE(stats[10].ticks / 10, stats[10].worst);
}

/* ---- Two vCPUs ---- */

GUEST64(ping_pong,
	/* Wait for the counter at DATA to be RSI's parity, add one; RCX times. */
	"1: mov DATA, %eax; and $1, %eax; cmp %esi, %eax; jne 1b;"
	"lock incl DATA; dec %rcx; jnz 1b; vmcall");

static void *run_through(void *arg)
{
	struct runner *r = arg;

	pin_to_cpu(r->cpu);
	r->ret = vm_run(r->vm);
	return NULL;
}

TEST_F(vm, two_vcpus_share_their_memory)
{
	struct runner r[2];
	VM other = *self;
	int i;

	vm_new_vcpu(&other, 1);
	for (i = 0; i < 2; i++) {
		r[i] = (struct runner) { .vm = i ? &other : self, .cpu = i % nr_cpus() };
		vm_long(r[i].vm, ping_pong);
		r[i].vm->run->regs.rsi = i;
		r[i].vm->run->regs.rcx = nr_cpus() > 1 ? 100 : 5;
	}
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_create(&r[i].thread, NULL, run_through, &r[i]));
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_join(r[i].thread, NULL));
	EXPECT_EQ(MINIVMX_EXIT_HYPERCALL, r[0].ret);
	EXPECT_EQ(MINIVMX_EXIT_HYPERCALL, r[1].ret);
	EXPECT_EQ(nr_cpus() > 1 ? 200 : 10, *vm_u32(self, VM_DATA));
}

/* ---- Moving between CPUs ---- */

GUEST64(move_code,
	/* XMM7, LSTAR, KERNEL_GS_BASE and DR0 stay; the TSC goes up. */
	"movq %r8, %xmm7; mov $0xc0000082, %ecx; mov %r8d, %eax; xor %edx, %edx; wrmsr;"
	"mov $0xc0000102, %ecx; wrmsr; mov %r8, %dr0; xor %r9, %r9;"
	"1: rdtsc; shl $32, %rdx; or %rdx, %rax; cmp %r9, %rax; jb 9f; mov %rax, %r9;"
	"movq %xmm7, %rax; cmp %r8, %rax; jne 9f;"
	"mov $0xc0000082, %ecx; rdmsr; cmp %r8d, %eax; jne 9f;"
	"mov $0xc0000102, %ecx; rdmsr; cmp %r8d, %eax; jne 9f;"
	"mov %dr0, %rax; cmp %r8, %rax; jne 9f;"
	"inc %rbx; out %al, $0x80; jmp 1b;"
	"9: vmcall");

TEST_F(vm, a_vcpu_moves_between_cpus_with_all_it_has)
{
	VM other = *self;
	int i, kind[2];

	if (nr_cpus() < 2)
		SKIP(return, "needs two CPUs");
	vm_new_vcpu(&other, 1);
	vm_long(self, move_code);
	vm_long(&other, move_code);
	self->run->regs.r8 = 0x11111111;
	other.run->regs.r8 = 0x22222222;
	kind[0] = vm_run(self);
	kind[1] = vm_run(&other);
	for (i = 0; i < 200; i++) {
		ASSERT_EQ(MINIVMX_EXIT_IO, kind[0]) TH_LOG("after %d moves", i);
		ASSERT_EQ(MINIVMX_EXIT_IO, kind[1]) TH_LOG("after %d moves", i);
		pin_to_cpu(i & 1);
		kind[0] = vm_skip(self);
		if (i & 4)
			pin_to_cpu(~i & 1);
		kind[1] = vm_skip(&other);
	}
	EXPECT_EQ(201, self->run->regs.rbx);
	EXPECT_EQ(201, other.run->regs.rbx);
}

struct mover {
	pthread_t target;
	volatile bool stop;
	int moves;
};

static void *mover(void *arg)
{
	struct mover *m = arg;
	cpu_set_t set;

	while (!m->stop) {
		CPU_ZERO(&set);
		CPU_SET(m->moves & 1, &set);
		pthread_setaffinity_np(m->target, sizeof(set), &set);
		m->moves++;
		usleep(500);
	}
	return NULL;
}

TEST_F(vm, a_vcpu_is_moved_while_the_guest_runs)
{
	struct mover m = { .target = pthread_self() };
	pthread_t thread;
	int i, kind;

	if (nr_cpus() < 2)
		SKIP(return, "needs two CPUs");
	vm_long(self, move_code);
	self->run->regs.r8 = 0x33333333;
	ASSERT_EQ(0, pthread_create(&thread, NULL, mover, &m));
	kind = vm_run(self);
	for (i = 0; i < 1000 && kind == MINIVMX_EXIT_IO; i++)
		kind = vm_skip(self);
	m.stop = true;
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(MINIVMX_EXIT_IO, kind);
	EXPECT_EQ(1001, self->run->regs.rbx);
	EXPECT_LT(10, m.moves);
}

/* ---- The run page is read when RUN starts, and not again ---- */

GUEST64(until_told_code, "1: incl DATA; cmpb $0, (%rsi); je 1b; vmcall");

static void *run_once(void *arg)
{
	struct runner *r = arg;

	pin_to_cpu(r->cpu);
	r->ret = minivmx_run(r->vm->vcpu);
	r->done = true;
	return NULL;
}

/* Whether the RUN went through, and was not interrupted by the host. */
static bool scribble_during_a_run(VM *self, struct runner *r)
{
	volatile uint32_t *counter = vm_at(self, VM_DATA);
	struct minivmx_regs *regs = &self->run->regs;
	uint32_t before;

	*r = (struct runner) { .vm = self, .cpu = 1 };
	memset(self->run, 0, sizeof(*self->run));
	vm_long(self, until_told_code);
	*vm_u64(self, VM_DATA + 8) = 0;
	regs->rsi = VM_DATA + 8;
	regs->rdi = 0x1111;
	regs->r15 = 0x2222;
	before = *counter;
	vm_must(!pthread_create(&r->thread, NULL, run_once, r));
	while (*counter == before && !r->done)
		;
	memset(self->run, 0xff, sizeof(*self->run));
	/* Long enough for some exits, by the host's ticks. */
	usleep(20000);
	*vm_u64(self, VM_DATA + 8) = 1;
	pthread_join(r->thread, NULL);
	return !r->ret && self->run->kind != MINIVMX_EXIT_INTR;
}

TEST_F(vm, what_is_written_to_the_run_page_during_a_run_changes_nothing)
{
	struct minivmx_regs *regs = &self->run->regs;
	struct runner r;
	int i;

	if (nr_cpus() < 2)
		SKIP(return, "needs two CPUs");
	pin_to_cpu(0);
	for (i = 0; i < 20; i++)
		if (scribble_during_a_run(self, &r))
			break;
	ASSERT_EQ(0, r.ret);
	EXPECT_EQ(MINIVMX_EXIT_HYPERCALL, self->run->kind);
	EXPECT_EQ(VM_DATA + 8, regs->rsi);
	EXPECT_EQ(0x1111, regs->rdi);
	EXPECT_EQ(0x2222, regs->r15);
	EXPECT_EQ(18, self->run->exit.reason);
}

TEST_HARNESS_MAIN
