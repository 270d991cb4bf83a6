// SPDX-License-Identifier: GPL-2.0
/*
 * Programs with a VM that have children. The VM belongs to its creator's
 * memory; a child has the descriptors, until it executes another program, and
 * can do nothing with them.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "lib/counters.h"
#include "lib/rounds.h"
#include "uapi.h"

#define COUNTER	0x800

/* The guest counts in its page, for ever. */
static const unsigned char count_code[] = {
	0x66, 0xff, 0x06, 0x00, 0x18,	/* 1: incl 0x1800 */
	0xeb, 0xf9,			/* jmp 1b */
};

static volatile unsigned int *guest_counter(FIXTURE_DATA(minivmx) *self)
{
	return (void *)(self->code + COUNTER);
}

struct runner {
	FIXTURE_DATA(minivmx) *self;
	volatile bool stop;
	volatile long ret;
	pthread_t thread;
};

/* Until it is told to stop, or something else happens than an interruption. */
static void *run_thread(void *arg)
{
	struct runner *runner = arg;

	do {
		runner->self->run->action = MINIVMX_RETRY;
		runner->ret = call(runner->self->vcpu, MINIVMX_RUN, NULL);
	} while (!runner->stop && (runner->ret == -EINTR ||
		 (!runner->ret && runner->self->run->kind == MINIVMX_EXIT_INTR)));
	return NULL;
}

static void wait_for_guest(FIXTURE_DATA(minivmx) *self)
{
	unsigned int before = *guest_counter(self);

	while (*guest_counter(self) == before)
		sched_yield();
}

static void start(FIXTURE_DATA(minivmx) *self, struct runner *runner)
{
	memcpy(self->code, count_code, sizeof(count_code));
	*runner = (struct runner) { .self = self };
	pthread_create(&runner->thread, NULL, run_thread, runner);
	wait_for_guest(self);
}

static long stop(struct runner *runner)
{
	runner->stop = true;
	call(runner->self->vcpu, MINIVMX_KICK, NULL);
	pthread_join(runner->thread, NULL);
	return runner->ret;
}

/* fork() while another thread is in RUN: the guest stays with the parent. */
TEST_F_TIMEOUT(minivmx, children_of_a_running_vm, 3600)
{
	unsigned int i, n = rounds(50, 2000);
	struct runner runner;
	int status;

	start(self, &runner);
	for (i = 0; i < n; i++) {
		pid_t pid = fork();

		ASSERT_LE(0, pid);
		if (!pid) {
			unsigned int copy = *guest_counter(self);
			bool ok = call(self->vcpu, MINIVMX_RUN, NULL) == -EXDEV &&
				  call(self->vcpu, MINIVMX_KICK, NULL) == -EXDEV;

			sched_yield();
			_exit(ok && *guest_counter(self) == copy ? 0 : 1);
		}
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		ASSERT_EQ(0, status);
		wait_for_guest(self);
	}
	EXPECT_EQ(0, stop(&runner));
	EXPECT_EQ(1, counter(COUNT_VMS));
}

/* vfork() gives a child the same memory, and that is what counts. */
TEST_F(minivmx, a_child_by_vfork)
{
	volatile long ret = 1, kind = 0;
	int status;
	pid_t pid;

	self->code[0] = 0xf4;	/* hlt */
	pid = vfork();
	if (!pid) {
		ret = run(self->vcpu, self->run);
		kind = self->run->kind;
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, ret);
	EXPECT_EQ(MINIVMX_EXIT_HLT, kind);
	/* Its end was not the VM's. */
	self->run->action = MINIVMX_SKIP;
	EXPECT_EQ(0, run(self->vcpu, self->run));
	EXPECT_EQ(MINIVMX_EXIT_HLT, self->run->kind);
}

/* A child that executes another program keeps nothing of the VM. */
TEST_F(minivmx, a_child_that_executes_a_program)
{
	int status;
	pid_t pid = fork();

	ASSERT_LE(0, pid);
	if (!pid) {
		execlp("sleep", "sleep", "1000", NULL);
		_exit(127);
	}
	memcpy(self->code, count_code, sizeof(count_code));
	/* The descriptors are closed when it has become another program. */
	for (;;) {
		char path[40], name[20] = "";
		FILE *file;

		snprintf(path, sizeof(path), "/proc/%d/comm", pid);
		file = fopen(path, "r");
		ASSERT_NE(NULL, file);
		if (!fgets(name, sizeof(name), file))
			name[0] = '\0';
		fclose(file);
		if (!strcmp(name, "sleep\n"))
			break;
		usleep(1000);
	}
	EXPECT_EQ(1, counter(COUNT_VMS));
	munmap(self->run, self->info.run_size);
	close(self->vcpu);
	close(self->vm);
	EXPECT_EQ(0, waitpid(pid, NULL, WNOHANG));
	EXPECT_COUNTERS_ZERO();
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
}

/*
 * The creator is killed while its guest runs, and a child has the descriptors:
 * the memory goes at once, the VM when the child lets go.
 */
TEST_F_TIMEOUT(minivmx, a_creator_that_is_killed, 3600)
{
	unsigned int i, n = rounds(20, 300);

	munmap(self->run, self->info.run_size);
	close(self->vcpu);
	close(self->vm);
	EXPECT_COUNTERS_ZERO();
	for (i = 0; i < n; i++) {
		int ready[2], hold[2], said[2], status;
		char byte = 1;
		pid_t creator;

		ASSERT_EQ(0, pipe(ready));
		ASSERT_EQ(0, pipe(hold));
		ASSERT_EQ(0, pipe(said));
		creator = fork();
		ASSERT_LE(0, creator);
		if (!creator) {
			FIXTURE_DATA(minivmx) own;
			struct runner runner;

			memset(&own, 0, sizeof(own));
			minivmx_setup(_metadata, &own, NULL);
			start(&own, &runner);
			if (!fork()) {
				/* Hold all of it until the test has looked. */
				close(hold[1]);
				close(ready[1]);
				if (read(hold[0], &byte, 1) < 0)
					_exit(1);
				byte = call(own.vcpu, MINIVMX_RUN, NULL) != -EXDEV;
				if (write(said[1], &byte, 1) != 1)
					_exit(1);
				_exit(0);
			}
			if (write(ready[1], &byte, 1) != 1)
				_exit(1);
			for (;;)
				pause();
		}
		close(ready[1]);
		close(hold[0]);
		close(said[1]);
		ASSERT_EQ(1, read(ready[0], &byte, 1));
		ASSERT_EQ(0, kill(creator, SIGKILL));
		ASSERT_EQ(creator, waitpid(creator, &status, 0));
		EXPECT_EQ(1, counter(COUNT_VMS));
		close(hold[1]);
		EXPECT_EQ(1, read(said[0], &byte, 1));
		EXPECT_EQ(0, byte);
		/* Closed when the child has gone. */
		while (read(said[0], &byte, 1) == 1)
			;
		close(ready[0]);
		close(said[0]);
		while (counter(COUNT_VMS))
			usleep(1000);
		EXPECT_COUNTERS_ZERO();
	}
}

TEST_HARNESS_MAIN
