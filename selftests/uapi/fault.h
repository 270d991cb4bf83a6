/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's fault injection, and the loop that lets each allocation of an
 * operation fail once. See "Fault injection capabilities infrastructure" in the
 * kernel's documentation.
 */
#ifndef SELFTESTS_FAULT_H
#define SELFTESTS_FAULT_H

#include <dirent.h>
#include <limits.h>

#include "lib/counters.h"
#include "module.h"
#include "vmx/vm.h"

/* Kernel modules are loaded here ("Memory Management", x86_64). */
#define MODULES_START	"0xffffffffa0000000"
#define MODULES_END	"0xffffffffff000000"

#define LIMIT		1800	/* seconds; such a kernel is slow */

FIXTURE(fault) {
	int fail_nth;		/* of the thread whose allocations fail */
	int fd;			/* that the operation makes, or -1 */
	void *page;		/* likewise */
	int kvm_vm;
	VM vm;
	void *area;		/* for XSAVE */
	pthread_t thread;
	volatile bool stop;
	volatile unsigned int rounds;
};

typedef FIXTURE_DATA(fault) FAULT;

/**
 * struct operation - something that allocates
 * @name: for the report
 * @prepare: make what it needs; may be NULL
 * @go: do it; not negative, or -errno
 * @clean: undo both; may be NULL
 * @also: another errno that tells of a failed allocation, or 0
 * @keeps: after a failure there may be more EPT pages than before
 */
struct operation {
	const char *name;
	void (*prepare)(FAULT *self);
	long (*go)(FAULT *self);
	void (*clean)(FAULT *self);
	int also;
	bool keeps;
};

#define OP(name_, prepare_, go_, clean_, ...)				\
	{ .name = name_, .prepare = prepare_, .go = go_, .clean = clean_, __VA_ARGS__ }

/* ---- Injection ---- */

static inline bool set(const char *dir, const char *file, const char *value)
{
	char path[128];
	bool done;
	int fd;

	snprintf(path, sizeof(path), "/sys/kernel/debug/%s/%s", dir, file);
	fd = open(path, O_WRONLY);
	done = fd >= 0 && write(fd, value, strlen(value)) > 0;
	close(fd);
	return done;
}

/* Silent, or each failure would look like a fault of the kernel's. */
static inline bool set_injection(const char *dir)
{
	return set(dir, "verbose", "0") &&
	       set(dir, "ignore-gfp-wait", "N") &&
	       set(dir, "stacktrace-depth", "32") &&
	       set(dir, "require-start", MODULES_START) &&
	       set(dir, "require-end", MODULES_END);
}

static inline int open_fail_nth(const char *thread)
{
	char path[300];
	int fd;

	snprintf(path, sizeof(path), "/proc/%s/fail-nth", thread);
	fd = open(path, O_RDWR | O_CLOEXEC);
	vm_must(fd >= 0);
	return fd;
}

/* Of the allocations to come the @nth fails; with 0 none does. */
static inline void inject(FAULT *self, unsigned int nth)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", nth);

	vm_must(pwrite(self->fail_nth, text, len, 0) == len);
}

/* End it. Has one failed? */
static inline bool injected(FAULT *self)
{
	char text[16] = "";

	vm_must(pread(self->fail_nth, text, sizeof(text) - 1, 0) > 0);
	inject(self, 0);
	return atoi(text) == 0;
}

/* The thread that brings CPU @cpu up and down, as a folder of /proc. */
static inline bool find_hotplug_thread(int cpu, char name[NAME_MAX + 1])
{
	char path[300], want[32], comm[32];
	struct dirent *entry;
	DIR *proc = opendir("/proc");
	bool found = false;
	FILE *file;

	snprintf(want, sizeof(want), "cpuhp/%d\n", cpu);
	while (!found && (entry = readdir(proc))) {
		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		file = fopen(path, "r");
		if (!file)
			continue;
		found = fgets(comm, sizeof(comm), file) && !strcmp(comm, want);
		fclose(file);
		strcpy(name, entry->d_name);
	}
	closedir(proc);
	return found;
}

/* From now on injections go to the thread that brings CPU @cpu up and down. */
static inline void aim_at_hotplug(FAULT *self, int cpu)
{
	char thread[NAME_MAX + 1];

	vm_must(find_hotplug_thread(cpu, thread));
	close(self->fail_nth);
	self->fail_nth = open_fail_nth(thread);
}

FIXTURE_SETUP(fault)
{
	memset(self, 0, sizeof(*self));
	ASSERT_TRUE(set_injection("failslab"));
	ASSERT_TRUE(set_injection("fail_page_alloc"));
	ASSERT_TRUE(set("fail_page_alloc", "ignore-gfp-highmem", "N"));
	ASSERT_TRUE(set("fail_page_alloc", "min-order", "0"));
	self->fail_nth = open_fail_nth("thread-self");
	if (!exists("/sys/module/minivmx"))
		ASSERT_EQ(0, load_module());
	EXPECT_COUNTERS_ZERO();
}

FIXTURE_TEARDOWN(fault)
{
	inject(self, 0);
	close(self->fail_nth);
	if (!exists("/sys/module/minivmx"))
		load_module();
	EXPECT_COUNTERS_ZERO();
}

/* ---- The loop ---- */

struct counts {
	long value[NR_COUNTS];
};

static inline struct counts take_counts(void)
{
	struct counts counts;

	for (unsigned int i = 0; i < NR_COUNTS; i++)
		counts.value[i] = counter(i);
	return counts;
}

static inline void compare_counts(struct __test_metadata *_metadata, struct counts before,
				  const char *when, bool more_ept_pages)
{
	struct counts now = take_counts();

	for (unsigned int i = 0; i < NR_COUNTS; i++) {
		if (more_ept_pages && i == COUNT_EPT_PAGES)
			continue;
		EXPECT_EQ(before.value[i], now.value[i])
			TH_LOG("counter %s, %s", counter_names[i], when);
	}
}

/*
 * Returns how many injections made it fail. Those that it did without are
 * mostly the kernel's own, for what kmemleak notes of each allocation.
 */
static inline unsigned int exhaust(struct __test_metadata *_metadata, FAULT *self,
				   const struct operation *op)
{
	unsigned int n, failed = 0, survived = 0;
	bool hit = true;

	for (n = 1; hit; n++) {
		struct counts empty = take_counts(), ready;
		long ret;

		if (op->prepare)
			op->prepare(self);
		ready = take_counts();
		inject(self, n);
		ret = op->go(self);
		hit = injected(self);
		if (ret < 0) {
			EXPECT_TRUE(hit)
				TH_LOG("%s: fails without an injection", op->name);
			EXPECT_TRUE(ret == -ENOMEM || ret == -op->also)
				TH_LOG("%s: allocation %u: error %ld", op->name, n, ret);
			compare_counts(_metadata, ready, op->name, op->keeps);
			ret = op->go(self);
			EXPECT_LE(0, ret)
				TH_LOG("%s: after allocation %u had failed", op->name, n);
			failed++;
		} else if (hit) {
			survived++;
		}
		if (op->clean)
			op->clean(self);
		compare_counts(_metadata, empty, "at its end", false);
	}
	TH_LOG("%s: %u allocations failed: %u reported, %u done without",
	       op->name, failed + survived, failed, survived);
	return failed;
}

/* ---- The program ---- */

static void __attribute__((constructor)) constructors_end(void)
{
	if (!__constructor_order)
		__constructor_order = _CONSTRUCTOR_ORDER_BACKWARD;
}

/* TEST_HARNESS_MAIN, but one skip for all on a kernel that cannot do it. */
#define FAULT_HARNESS_MAIN						\
int main(int argc, char **argv)						\
{									\
	if (!exists("/proc/thread-self/fail-nth")) {			\
		printf("TAP version 13\n1..0 # SKIP this kernel has no fault injection\n"); \
		return KSFT_SKIP;					\
	}								\
	return test_harness_run(argc, argv);				\
}

#endif /* SELFTESTS_FAULT_H */
