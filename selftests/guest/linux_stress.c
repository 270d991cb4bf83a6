// SPDX-License-Identifier: GPL-2.0
/*
 * linux_stress SECONDS: a program for a Linux guest (uapi/linux_stress_test.sh) in which
 * threads wake, interrupt and move each other, and count: wake-ups by mutexes and
 * condition variables, TLB shootdowns by mprotect() and munmap(), timers, sleeps,
 * migrations, membarrier(). A thread that does not get on is named, and what the kernel
 * knows of it is printed. In the end the guest's clock is compared with the host's, for
 * the test to judge.
 *
 * Prints lines "stress: ..."; the last is "stress: passed" if all was well.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S	1000000000LL
/* Nothing that a thread does takes a tenth of this, so that one that takes it is stuck. */
#define STUCK_S		10

#define LOAD(x)		__atomic_load_n(&(x), __ATOMIC_SEQ_CST)
#define STORE(x, v)	__atomic_store_n(&(x), (v), __ATOMIC_SEQ_CST)

/* What must not fail for the test to mean anything. */
#define must(condition)							\
do {									\
	if (!(condition))						\
		fail("line %d: %s (%s)", __LINE__, #condition, strerror(errno)); \
} while (0)

struct worker {
	const char *name;
	void (*run)(struct worker *w);
	int nr;			/* among those of its name */
	int cpu;		/* that it is pinned to, or -1 */
	pthread_t thread;
	pid_t tid;
	uint64_t done;		/* counts up while it gets on */
	const char *doing;
	uint64_t seen;		/* of @done, */
	int64_t when;		/* at that time */
	uint64_t mark;		/* likewise, at the end of a phase */
};

static int nr_cpus;
static bool stop;
static bool busy;		/* let no CPU idle: see change_phase() */

static void __attribute__((noreturn, format(printf, 1, 2))) fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("stress: FAILED: ");
	vprintf(format, args);
	printf("\n");
	va_end(args);
	fflush(stdout);
	_exit(1);
}

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

static struct timespec timespec_of(int64_t ns)
{
	return (struct timespec) { ns / NS_PER_S, ns % NS_PER_S };
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	must(!sched_setaffinity(0, sizeof(set), &set));
}

static void got_on(struct worker *w)
{
	__atomic_add_fetch(&w->done, 1, __ATOMIC_RELAXED);
}

/* For threads that else never sleep. */
static void rest(void)
{
	if (LOAD(busy))
		sched_yield();
	else
		usleep(200);
}

/* ---------------------------------------------------------------------- */
/* Mutexes and condition variables                                         */
/* ---------------------------------------------------------------------- */

/* One on other CPUs than the other, and two that are where the scheduler wants them. */
enum { NR_PAIRS = 2 };

static struct pair {
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	int turn;
	bool over;
	uint64_t turns[2];
} pairs[NR_PAIRS] = {
	[0 ... NR_PAIRS - 1] = {
		.mutex = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER,
	},
};

/* Take the turn, give it to the other one, wait until it is back. */
static void play(struct worker *w)
{
	struct pair *pair = &pairs[w->nr / 2];
	int me = w->nr % 2;

	pthread_mutex_lock(&pair->mutex);
	for (;;) {
		w->doing = "waits to be woken";
		while (pair->turn != me && !pair->over)
			pthread_cond_wait(&pair->cond, &pair->mutex);
		w->doing = "has the turn";
		/* Whoever begins ends it, so that both have had as many turns. */
		if (pair->over || (!me && LOAD(stop)))
			break;
		pair->turns[me]++;
		got_on(w);
		pair->turn = !me;
		pthread_cond_signal(&pair->cond);
	}
	pair->over = true;
	pthread_cond_signal(&pair->cond);
	pthread_mutex_unlock(&pair->mutex);
}

static void check_pairs(void)
{
	int i;

	for (i = 0; i < NR_PAIRS; i++)
		if (pairs[i].turns[0] != pairs[i].turns[1])
			fail("pair %d had %" PRIu64 " and %" PRIu64 " turns", i,
			     pairs[i].turns[0], pairs[i].turns[1]);
}

/* ---------------------------------------------------------------------- */
/* TLB shootdowns                                                          */
/* ---------------------------------------------------------------------- */

enum { NR_WRITERS = 3, NR_STRANGERS = 8, PAGE_SIZE = 4096 };

/* Writers count in a word each of this page, which its owner closes and opens again. */
static volatile uint8_t *page;
static unsigned int epoch;		/* from now on the page is another one, and empty */
static uint64_t faults[NR_WRITERS];
static __thread sigjmp_buf when_faulted;

static volatile uint64_t *word_of(int writer)
{
	return (volatile uint64_t *)(page + 64 * writer);
}

static void on_fault(int number, siginfo_t *info, void *context)
{
	if ((uintptr_t)info->si_addr - (uintptr_t)page >= PAGE_SIZE)
		fail("a fault at %p", info->si_addr);
	siglongjmp(when_faulted, 1);
}

static void write_page(struct worker *w)
{
	volatile uint64_t *word = word_of(w->nr);
	volatile unsigned int here = LOAD(epoch);
	volatile uint64_t written = 0;

	if (sigsetjmp(when_faulted, 1)) {
		w->doing = "finds its page closed";
		__atomic_add_fetch(&faults[w->nr], 1, __ATOMIC_SEQ_CST);
		if (here != LOAD(epoch))
			written = 0;
		here = LOAD(epoch);
		rest();
	}
	while (!LOAD(stop)) {
		w->doing = "writes";
		/* All of it or nothing; and so is the count. */
		asm volatile("incq %0" : "+m"(*word));
		written++;
		if (*word != written)
			fail("writer %d wrote %" PRIu64 " and reads %" PRIu64, w->nr, written,
			     *word);
		got_on(w);
		if (!LOAD(busy))
			rest();
	}
}

/* Everybody meets the page closed, from now on. */
static void await_faults(struct worker *w)
{
	uint64_t before[NR_WRITERS];
	int i;

	w->doing = "waits for the others' faults";
	for (i = 0; i < NR_WRITERS; i++)
		before[i] = LOAD(faults[i]);
	for (i = 0; i < NR_WRITERS; i++)
		while (LOAD(faults[i]) == before[i] && !LOAD(stop))
			usleep(20);
}

/* Once mprotect() has returned no CPU writes there any more. */
static void close_page(struct worker *w, int rights, bool for_long)
{
	uint64_t words[NR_WRITERS];
	int i;

	w->doing = "mprotect()";
	must(!mprotect((void *)page, PAGE_SIZE, rights));
	for (i = 0; rights && i < NR_WRITERS; i++)
		words[i] = *word_of(i);
	if (for_long)
		await_faults(w);
	for (i = 0; rights && i < NR_WRITERS; i++)
		if (words[i] != *word_of(i))
			fail("writer %d wrote after mprotect() had returned", i);
	w->doing = "mprotect()";
	must(!mprotect((void *)page, PAGE_SIZE, PROT_READ | PROT_WRITE));
}

static void *new_pages(void *where, int nr, int rights, int flags)
{
	void *new = mmap(where, nr * PAGE_SIZE, rights, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	must(new != MAP_FAILED);
	return new;
}

/* Once it is unmapped, what it was may serve others, and is left alone. */
static void replace_page(struct worker *w)
{
	uint64_t *strangers;
	size_t i;

	w->doing = "munmap()";
	must(!munmap((void *)page, PAGE_SIZE));
	/* Nobody else's memory may come there meanwhile. */
	new_pages((void *)page, 1, PROT_NONE, MAP_FIXED_NOREPLACE);
	strangers = new_pages(NULL, NR_STRANGERS, PROT_READ | PROT_WRITE, MAP_POPULATE);
	await_faults(w);
	for (i = 0; i < NR_STRANGERS * PAGE_SIZE / sizeof(*strangers); i++)
		if (strangers[i])
			fail("a page was written after it was unmapped");
	must(!munmap(strangers, NR_STRANGERS * PAGE_SIZE));
	/* They know of it before they can use it. */
	STORE(epoch, epoch + 1);
	await_faults(w);
	if (!LOAD(stop))
		new_pages((void *)page, 1, PROT_READ | PROT_WRITE, MAP_FIXED);
}

static void own_page(struct worker *w)
{
	while (!LOAD(stop)) {
		switch (w->done % 10) {
		case 7:
			close_page(w, PROT_READ, true);
			break;
		case 8:
			close_page(w, PROT_NONE, true);
			break;
		case 9:
			replace_page(w);
			break;
		default:
			close_page(w, PROT_READ, false);
			break;
		}
		got_on(w);
	}
}

/* ---------------------------------------------------------------------- */
/* Timers                                                                  */
/* ---------------------------------------------------------------------- */

#define INTERVAL_NS	2000000

/* Each end of a periodic timer is counted, by a signal or as one that was overrun. */
static void count_timer(struct worker *w)
{
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGRTMIN };
	struct itimerspec when;
	int64_t start, before, after;
	uint64_t ends = 0;
	siginfo_t info;
	sigset_t set;
	timer_t timer;
	bool last;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	must(!pthread_sigmask(SIG_BLOCK, &set, NULL));
	event._sigev_un._tid = gettid();
	must(!timer_create(CLOCK_MONOTONIC, &event, &timer));
	start = now_ns();
	when.it_interval = timespec_of(INTERVAL_NS);
	when.it_value = timespec_of(start + INTERVAL_NS);
	must(!timer_settime(timer, TIMER_ABSTIME, &when, NULL));
	w->doing = "waits for its timer";
	do {
		last = LOAD(stop);
		before = now_ns();
		must(sigwaitinfo(&set, &info) == SIGRTMIN);
		after = now_ns();
		ends += 1 + info.si_overrun;
		if (ends > (uint64_t)(after - start) / INTERVAL_NS)
			fail("a timer ended %" PRIu64 " times in %" PRId64 " ns", ends,
			     after - start);
		if (ends < (uint64_t)(before - start) / INTERVAL_NS)
			fail("a timer ended but %" PRIu64 " times in %" PRId64 " ns", ends,
			     before - start);
		got_on(w);
	} while (!last);
	timer_delete(timer);
}

static int64_t latest_ns;	/* of all sleeps */

static void sleep_often(struct worker *w)
{
	struct timespec until;
	unsigned int seed = w->nr;
	int64_t end, late;

	w->doing = "sleeps";
	while (!LOAD(stop)) {
		end = now_ns() + 20000 + rand_r(&seed) % 3000000;
		until = timespec_of(end);
		must(!clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL));
		late = now_ns() - end;
		if (late < 0)
			fail("a sleep ended %" PRId64 " ns too early", -late);
		/* A number to look at: two that race for it are no matter. */
		if (late > LOAD(latest_ns))
			STORE(latest_ns, late);
		got_on(w);
	}
}

/* ---------------------------------------------------------------------- */
/* Migrations, membarrier()                                                */
/* ---------------------------------------------------------------------- */

static void migrate(struct worker *w)
{
	int64_t last = now_ns(), now;
	int cpu = 0;

	while (!LOAD(stop)) {
		w->doing = "sched_setaffinity()";
		pin(cpu);
		if (sched_getcpu() != cpu)
			fail("a thread is on CPU %d, not %d", sched_getcpu(), cpu);
		now = now_ns();
		if (now < last)
			fail("the clock of CPU %d is %" PRId64 " ns behind another", cpu,
			     last - now);
		last = now;
		cpu = (cpu + 1) % nr_cpus;
		got_on(w);
		usleep(200);
	}
}

static bool barred;
static bool inside;
static volatile int inside_value;

/* Order nothing but by the other one's membarrier(). */
static void enter_often(struct worker *w)
{
	w->doing = "enters";
	while (!LOAD(stop)) {
		__atomic_store_n(&inside, true, __ATOMIC_RELAXED);
		asm volatile("" : : : "memory");
		if (!__atomic_load_n(&barred, __ATOMIC_RELAXED) && inside_value)
			fail("membarrier() was none: inside all the same");
		asm volatile("" : : : "memory");
		__atomic_store_n(&inside, false, __ATOMIC_RELEASE);
		got_on(w);
		if (!LOAD(busy))
			rest();
	}
}

static void bar_often(struct worker *w)
{
	must(!syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0));
	while (!LOAD(stop)) {
		STORE(barred, true);
		w->doing = "membarrier()";
		must(!syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0));
		w->doing = "waits for who is inside";
		while (LOAD(inside) && !LOAD(stop))
			sched_yield();
		/* It may be set again, but finds itself barred. */
		inside_value = 1;
		usleep(100);
		inside_value = 0;
		STORE(barred, false);
		got_on(w);
	}
}

/* ---------------------------------------------------------------------- */
/* The host's clock                                                        */
/* ---------------------------------------------------------------------- */

/* The runner's PM timer counts the host's time (userspace/devices/acpi_pm.c). */
#define PM_TIMER	0x608
#define PM_TIMER_HZ	3579545LL

struct sample {
	int64_t guest_ns;
	int64_t error_ns;	/* at most so far away from when */
	uint32_t host;		/* the PM timer was this */
};

static struct sample take_sample(void)
{
	struct sample best = { .error_ns = INT64_MAX };
	int i;

	for (i = 0; i < 100; i++) {
		int64_t before = now_ns();
		uint32_t host = inl(PM_TIMER);
		int64_t after = now_ns();

		if (after - before < best.error_ns)
			best = (struct sample) { before, after - before, host };
	}
	return best;
}

static void compare_clocks(const struct sample *from, const struct sample *to)
{
	int64_t host_ns = (uint32_t)(to->host - from->host) * NS_PER_S / PM_TIMER_HZ;
	int64_t guest_ns = to->guest_ns - from->guest_ns;
	/* And a tick of the PM timer at both ends. */
	int64_t error_ns = from->error_ns + to->error_ns + 2 * NS_PER_S / PM_TIMER_HZ;
	double ppm, error;

	if (!host_ns)
		fail("the PM timer does not count");
	ppm = (guest_ns - host_ns) * 1e6 / host_ns;
	error = error_ns * 1e6 / host_ns;
	printf("stress: clock: %.1f ppm against the host's, within %.1f, in %.3f s\n", ppm, error,
	       host_ns / 1e9);
}

/* ---------------------------------------------------------------------- */
/* All of them                                                             */
/* ---------------------------------------------------------------------- */

#define WORKER(what, function, number, on) \
	{ .name = what, .run = function, .nr = number, .cpu = on }

static struct worker workers[] = {
	WORKER("player", play, 0, 0),
	WORKER("player", play, 1, 1),
	WORKER("player", play, 2, -1),
	WORKER("player", play, 3, -1),
	WORKER("owner of the page", own_page, 0, -1),
	WORKER("writer", write_page, 0, 1),
	WORKER("writer", write_page, 1, 2),
	WORKER("writer", write_page, 2, 3),
	WORKER("timer", count_timer, 0, -1),
	WORKER("sleeper", sleep_often, 0, 0),
	WORKER("sleeper", sleep_often, 1, -1),
	WORKER("migrant", migrate, 0, -1),
	WORKER("who enters", enter_often, 0, 0),
	WORKER("who bars", bar_often, 0, -1),
};

#define NR_WORKERS	(sizeof(workers) / sizeof(workers[0]))

static void *work(void *arg)
{
	struct worker *w = arg;

	if (w->cpu >= 0)
		pin(w->cpu % nr_cpus);
	STORE(w->tid, gettid());
	w->run(w);
	w->doing = "is done";
	return NULL;
}

static void print_file(const char *path)
{
	char text[4096];
	size_t size;
	FILE *file = fopen(path, "r");

	printf("stress: %s:\n", path);
	if (!file)
		return;
	while ((size = fread(text, 1, sizeof(text), file)))
		fwrite(text, 1, size, stdout);
	fclose(file);
}

/* What all of them do, what the kernel knows of this one, and what every CPU does. */
static void describe(const struct worker *w)
{
	static const char *const files[] = { "stat", "wchan", "syscall", "stack" };
	char path[64];
	size_t i;
	FILE *file;

	for (i = 0; i < NR_WORKERS; i++)
		printf("stress: %s %d, after %" PRIu64 ": %s\n", workers[i].name, workers[i].nr,
		       workers[i].done, workers[i].doing);
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "/proc/self/task/%d/%s", w->tid, files[i]);
		print_file(path);
	}
	print_file("/proc/interrupts");
	fflush(stdout);
	/* Backtraces of all CPUs, on the console. */
	file = fopen("/proc/sysrq-trigger", "w");
	if (file) {
		fputs("l", file);
		fclose(file);
	}
}

static void look_after(struct worker *w)
{
	uint64_t done = __atomic_load_n(&w->done, __ATOMIC_RELAXED);
	int64_t now = now_ns();

	if (done != w->seen || !w->when) {
		w->seen = done;
		w->when = now;
	} else if (now - w->when > STUCK_S * NS_PER_S) {
		describe(w);
		fail("%s %d is stuck: %s", w->name, w->nr, w->doing);
	}
}

/*
 * Keep all CPUs busy, or let them idle, so long at a time. An interrupt that is lost when
 * all are busy keeps somebody waiting; the first CPU that idles would look what was to be
 * done all the same. So that phase does not end before each thread has got on in it.
 */
#define PHASE_NS	(NS_PER_S / 4)

static void change_phase(void)
{
	static int64_t end;
	static bool ending;
	size_t i;

	if (now_ns() < end)
		return;
	for (i = 0; i < NR_WORKERS; i++) {
		uint64_t done = __atomic_load_n(&workers[i].done, __ATOMIC_RELAXED);

		if (!ending)
			workers[i].mark = done;
		else if (done - workers[i].mark < 2)
			return;
	}
	if (busy && !ending) {
		ending = true;
		return;
	}
	STORE(busy, !busy);
	ending = false;
	end = now_ns() + PHASE_NS;
}

/* Until so many seconds are over; then until all of them have ended. */
static void watch(int seconds)
{
	int64_t end = now_ns() + seconds * NS_PER_S;
	size_t i, ended = 0;

	while (ended < NR_WORKERS) {
		usleep(50000);
		if (!stop)
			change_phase();
		if (now_ns() >= end && !busy)
			STORE(stop, true);
		for (i = ended = 0; i < NR_WORKERS; i++) {
			if (stop && !pthread_tryjoin_np(workers[i].thread, NULL)) {
				/* Not to be joined again. */
				workers[i].thread = pthread_self();
			}
			if (pthread_equal(workers[i].thread, pthread_self()))
				ended++;
			else
				look_after(&workers[i]);
		}
	}
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
	int seconds = argc == 2 ? atoi(argv[1]) : 0;
	struct sample from, to;
	size_t i;

	if (seconds < 1 || seconds > 1000) {	/* the PM timer goes round in 1200 */
		fprintf(stderr, "usage: linux_stress SECONDS\n");
		return 2;
	}
	nr_cpus = sysconf(_SC_NPROCESSORS_ONLN);
	printf("stress: %d CPUs, %d s\n", nr_cpus, seconds);
	must(!iopl(3));
	page = new_pages(NULL, 1, PROT_READ | PROT_WRITE, 0);
	must(!sigaction(SIGSEGV, &action, NULL));
	from = take_sample();
	for (i = 0; i < NR_WORKERS; i++)
		must(!pthread_create(&workers[i].thread, NULL, work, &workers[i]));
	watch(seconds);
	to = take_sample();
	for (i = 0; i < NR_WORKERS; i++)
		printf("stress: %s %d: %" PRIu64 "\n", workers[i].name, workers[i].nr,
		       workers[i].done);
	printf("stress: the longest sleep took %" PRId64 " us too long\n", latest_ns / 1000);
	check_pairs();
	for (i = 0; i < NR_WORKERS; i++)
		if (!workers[i].done)
			fail("%s %d did nothing", workers[i].name, workers[i].nr);
	compare_clocks(&from, &to);
	printf("stress: passed\n");
	return 0;
}
