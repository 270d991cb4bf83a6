// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that cannot be had. Each operation is done again and again while the
 * kernel's fault injection fails the first allocation that it makes, then the
 * second, and so on until it makes no more. Each time it must say so (-ENOMEM)
 * or do without, keep nothing, and work at once when it is tried again.
 *
 * Only allocations with the module on the call stack are counted and failed:
 * what it asks for itself, and what the kernel needs for what it asks.
 */
#include <dirent.h>
#include <limits.h>
#include <pthread.h>

#include "vmx/vm.h"
#include "module.h"

/* Kernel modules are loaded here ("Memory Management", x86_64). */
#define MODULES_START	"0xffffffffa0000000"
#define MODULES_END	"0xffffffffff000000"

#define FAR		0x40000000UL	/* a gigabyte from all else */
#define NEAR		0x10000000UL	/* in the same one, 2M pages away */

#define LIMIT		1800	/* seconds; such a kernel is slow */

FIXTURE(fault) {
	int fail_nth;		/* of the thread whose allocations fail */
	int fd;			/* that the operation makes, or -1 */
	void *page;		/* likewise */
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

static bool set(const char *dir, const char *file, const char *value)
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
static bool set_injection(const char *dir)
{
	return set(dir, "verbose", "0") &&
	       set(dir, "ignore-gfp-wait", "N") &&
	       set(dir, "stacktrace-depth", "32") &&
	       set(dir, "require-start", MODULES_START) &&
	       set(dir, "require-end", MODULES_END);
}

static int open_fail_nth(const char *thread)
{
	char path[300];
	int fd;

	snprintf(path, sizeof(path), "/proc/%s/fail-nth", thread);
	fd = open(path, O_RDWR | O_CLOEXEC);
	vm_must(fd >= 0);
	return fd;
}

/* Of the allocations to come the @nth fails; with 0 none does. */
static void inject(FAULT *self, unsigned int nth)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", nth);

	vm_must(pwrite(self->fail_nth, text, len, 0) == len);
}

/* End it. Has one failed? */
static bool injected(FAULT *self)
{
	char text[16] = "";

	vm_must(pread(self->fail_nth, text, sizeof(text) - 1, 0) > 0);
	inject(self, 0);
	return atoi(text) == 0;
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
	long value[NR_COUNTERS];
};

static struct counts take_counts(void)
{
	struct counts counts;

	for (unsigned int i = 0; i < NR_COUNTERS; i++)
		counts.value[i] = counter(i);
	return counts;
}

static void compare_counts(struct __test_metadata *_metadata, struct counts before,
			   const char *when, bool more_ept_pages)
{
	struct counts now = take_counts();

	for (unsigned int i = 0; i < NR_COUNTERS; i++) {
		if (more_ept_pages && !strcmp(counters[i], "ept_pages"))
			continue;
		EXPECT_EQ(before.value[i], now.value[i])
			TH_LOG("counter %s, %s", counters[i], when);
	}
}

/* Returns how many injections made it fail. */
static unsigned int exhaust(struct __test_metadata *_metadata, FAULT *self,
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

/* ---- The module ---- */

static void unload(FAULT *self)
{
	vm_must(unload_module() == 0);
}

static long load(FAULT *self)
{
	long ret = load_module();

	if (ret)
		for (unsigned int i = 0; i < NR_TRACES; i++)
			vm_must(!exists(module_traces[i]));
	return ret;
}

TEST_F_TIMEOUT(fault, load_module, LIMIT)
{
	static const struct operation op =
		OP("load the module", NULL, load, unload);

	unload(self);
	EXPECT_LT(0, exhaust(_metadata, self, &op));
}

/* ---- The system ---- */

static void open_system(FAULT *self)
{
	self->vm.system = open(MINIVMX_DEVICE, O_RDWR | O_CLOEXEC);
	vm_must(self->vm.system >= 0);
	vm_must(!minivmx_get_info(self->vm.system, &self->vm.info));
}

static void close_system(FAULT *self)
{
	close(self->vm.system);
}

static void close_fd(FAULT *self)
{
	close(self->fd);
	close_system(self);
}

static long get_info(FAULT *self)
{
	return minivmx_get_info(self->vm.system, &self->vm.info);
}

static long get_supported_cpuid(FAULT *self)
{
	struct minivmx_cpuid_entry rows[MINIVMX_MAX_CPUID];

	return minivmx_get_supported_cpuid(self->vm.system, rows, MINIVMX_MAX_CPUID);
}

static long create_vm(FAULT *self)
{
	self->fd = minivmx_create_vm(self->vm.system, NULL);
	return self->fd;
}

TEST_F_TIMEOUT(fault, get_info, LIMIT)
{
	static const struct operation op =
		OP("GET_INFO", open_system, get_info, close_system);

	EXPECT_EQ(0, exhaust(_metadata, self, &op));
}

TEST_F_TIMEOUT(fault, get_supported_cpuid, LIMIT)
{
	static const struct operation op =
		OP("GET_SUPPORTED_CPUID", open_system, get_supported_cpuid, close_system);

	EXPECT_LT(0, exhaust(_metadata, self, &op));
}

TEST_F_TIMEOUT(fault, create_vm, LIMIT)
{
	static const struct operation op =
		OP("CREATE_VM", open_system, create_vm, close_fd);

	EXPECT_LT(0, exhaust(_metadata, self, &op));
}

/* The thread that brings CPU @cpu up and down, as a folder of /proc. */
static bool find_hotplug_thread(int cpu, char name[NAME_MAX + 1])
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

/* What taking VMX allocates on each CPU, in the thread that goes there. */
TEST_F_TIMEOUT(fault, create_vm_on_each_cpu, LIMIT)
{
	char name[32], thread[NAME_MAX + 1];
	struct operation op = OP(name, open_system, create_vm, close_fd);

	for (int cpu = 0; cpu < nr_cpus(); cpu++) {
		snprintf(name, sizeof(name), "CREATE_VM on CPU %d", cpu);
		ASSERT_TRUE(find_hotplug_thread(cpu, thread));
		close(self->fail_nth);
		self->fail_nth = open_fail_nth(thread);
		EXPECT_LT(0, exhaust(_metadata, self, &op));
	}
}

/* ---- A VM ---- */

static void make_vm(FAULT *self)
{
	open_system(self);
	self->vm.fd = minivmx_create_vm(self->vm.system, NULL);
	vm_must(self->vm.fd >= 0);
	self->vm.vcpu = -1;
}

static void close_vm(FAULT *self)
{
	close(self->vm.fd);
	close_fd(self);
}

static long create_vcpu(FAULT *self)
{
	self->fd = minivmx_create_vcpu(self->vm.fd, 0);
	return self->fd;
}

TEST_F_TIMEOUT(fault, create_vcpu, LIMIT)
{
	static const struct operation op =
		OP("CREATE_VCPU", make_vm, create_vcpu, close_vm);

	EXPECT_LT(0, exhaust(_metadata, self, &op));
}

static void make_vcpu(FAULT *self)
{
	make_vm(self);
	vm_must(create_vcpu(self) >= 0);
}

/* Where no page tables are. */
static long map_run(FAULT *self)
{
	static uintptr_t nowhere = 0x10000000000;

	nowhere += 1UL << 39;
	self->page = mmap((void *)nowhere, self->vm.info.run_size, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_FIXED_NOREPLACE, self->fd, 0);
	return self->page == MAP_FAILED ? -errno : 0;
}

static void unmap_run(FAULT *self)
{
	munmap(self->page, self->vm.info.run_size);
	close_vm(self);
}

TEST_F_TIMEOUT(fault, map_run_page, LIMIT)
{
	static const struct operation op =
		OP("mmap of the run page", make_vcpu, map_run, unmap_run);

	EXPECT_LT(0, exhaust(_metadata, self, &op));
}

/* ---- Running ---- */

GUEST64(store_code, "mov %rax, (%rbx); vmcall");
GUEST64(out_code, "mov $DATA, %esi; mov $0x80, %edx; mov $100, %ecx; rep outsb; vmcall");
GUEST64(loop_code, "mov $1000, %ecx; 1: mov (%rbx), %rax; loop 1b; vmcall");

static void *spare_memory(size_t size)
{
	const size_t huge = 2 << 20;
	uint8_t *mem = mmap(NULL, size + huge, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	vm_must(mem != MAP_FAILED);
	return (void *)(((uintptr_t)mem + huge - 1) & ~(huge - 1));
}

static void new_guest(FAULT *self, uint64_t address)
{
	vm_create(&self->vm);
	vm_long(&self->vm, store_code);
	self->vm.run->regs.rbx = address;
}

/* It has run: all of its own pages are mapped. Then it stores elsewhere. */
static void old_guest(FAULT *self, uint64_t address)
{
	new_guest(self, VM_DATA);
	vm_must(vm_run(&self->vm) == MINIVMX_EXIT_HYPERCALL);
	self->vm.run->regs.rip = VM_CODE;
	self->vm.run->regs.rbx = address;
}

/* With more memory at @gpa, of which it touches one page. */
static void guest_with(FAULT *self, uint64_t gpa, size_t size, int advice)
{
	old_guest(self, gpa);
	self->page = spare_memory(size);
	vm_must(!madvise(self->page, size, advice));
	vm_must(!minivmx_map(self->vm.fd, gpa, self->page, size, VM_RWX));
}

static void guest_far(FAULT *self)
{
	guest_with(self, FAR, 0x1000, MADV_NOHUGEPAGE);
}

static void guest_near(FAULT *self)
{
	guest_with(self, NEAR, 0x1000, MADV_NOHUGEPAGE);
}

static void guest_huge(FAULT *self)
{
	guest_with(self, NEAR, 2 << 20, MADV_HUGEPAGE);
}

static void guest_same_table(FAULT *self)
{
	old_guest(self, VM_DATA + 0x1000);
}

static void guest_first(FAULT *self)
{
	new_guest(self, VM_DATA);
}

static void guest_mmio(FAULT *self)
{
	old_guest(self, VM_MMIO);
}

static void guest_end(FAULT *self)
{
	vm_destroy(&self->vm);
	munmap(self->vm.mem, VM_SIZE);
}

/* Run to its VMCALL, which is the end of all the code here. */
static long run_guest(FAULT *self)
{
	int kind = vm_run(&self->vm);

	if (kind == MINIVMX_EXIT_MEMORY)
		return -(long)self->vm.run->memory.error;
	return kind < 0 ? kind : kind == MINIVMX_EXIT_HYPERCALL ? 0 : -EPROTO;
}

static long run_to_mmio(FAULT *self)
{
	int kind = vm_run(&self->vm);

	if (kind == MINIVMX_EXIT_MEMORY)
		return -(long)self->vm.run->memory.error;
	return kind < 0 ? kind : kind == MINIVMX_EXIT_MMIO ? 0 : -EPROTO;
}

static long run_to_io(FAULT *self)
{
	int kind = vm_run(&self->vm);

	if (kind == MINIVMX_EXIT_MEMORY)
		return -(long)self->vm.run->memory.error;
	return kind < 0 ? kind : kind == MINIVMX_EXIT_IO ? 0 : -EPROTO;
}

static void guest_io(FAULT *self)
{
	vm_create(&self->vm);
	vm_long(&self->vm, out_code);
}

TEST_F_TIMEOUT(fault, first_run, LIMIT)
{
	static const struct operation op =
		OP("RUN, a guest's first", guest_first, run_guest, guest_end, .keeps = true);

	/* The page tables of the EPT below its root, if no more. */
	EXPECT_LE(3, exhaust(_metadata, self, &op));
}

TEST_F_TIMEOUT(fault, store_to_another_gigabyte, LIMIT)
{
	static const struct operation op =
		OP("RUN, a store 1G away", guest_far, run_guest, guest_end, .keeps = true);

	EXPECT_LE(2, exhaust(_metadata, self, &op));
}

TEST_F_TIMEOUT(fault, store_to_another_2m, LIMIT)
{
	static const struct operation op =
		OP("RUN, a store 2M away", guest_near, run_guest, guest_end, .keeps = true);

	EXPECT_LE(1, exhaust(_metadata, self, &op));
}

TEST_F_TIMEOUT(fault, store_to_a_huge_page, LIMIT)
{
	static const struct operation op =
		OP("RUN, a store to a huge page", guest_huge, run_guest, guest_end, .keeps = true);

	EXPECT_LE(1, exhaust(_metadata, self, &op));
}

TEST_F_TIMEOUT(fault, store_to_another_page, LIMIT)
{
	static const struct operation op =
		OP("RUN, a store to the next page", guest_same_table, run_guest, guest_end, .keeps = true);

	/* The page itself. */
	EXPECT_LE(1, exhaust(_metadata, self, &op));
}

TEST_F_TIMEOUT(fault, mmio, LIMIT)
{
	static const struct operation op =
		OP("RUN, MMIO", guest_mmio, run_to_mmio, guest_end, .keeps = true);

	exhaust(_metadata, self, &op);
}

TEST_F_TIMEOUT(fault, string_io, LIMIT)
{
	static const struct operation op =
		OP("RUN, OUTS", guest_io, run_to_io, guest_end, .also = EFAULT, .keeps = true);

	EXPECT_LE(3, exhaust(_metadata, self, &op));
}

/* ---- The state of a vCPU ---- */

static void guest_stopped(FAULT *self)
{
	old_guest(self, VM_DATA);
	self->area = calloc(1, self->vm.info.xsave_size);
	vm_must(!minivmx_get_xsave(self->vm.vcpu, self->area, self->vm.info.xsave_size));
}

static void guest_stopped_end(FAULT *self)
{
	free(self->area);
	guest_end(self);
}

static long set_cpuid(FAULT *self)
{
	struct minivmx_cpuid_entry rows[MINIVMX_MAX_CPUID] = { 0 };

	return minivmx_set_cpuid(self->vm.vcpu, rows, MINIVMX_MAX_CPUID);
}

static long get_cpuid(FAULT *self)
{
	struct minivmx_cpuid_entry rows[MINIVMX_MAX_CPUID];

	return minivmx_get_cpuid(self->vm.vcpu, rows, MINIVMX_MAX_CPUID);
}

static long get_xsave(FAULT *self)
{
	return minivmx_get_xsave(self->vm.vcpu, self->area, self->vm.info.xsave_size);
}

static long set_xsave(FAULT *self)
{
	return minivmx_set_xsave(self->vm.vcpu, self->area, self->vm.info.xsave_size);
}

#define NR_MSRS	MINIVMX_MAX_MSRS

static void fill_msrs(struct minivmx_msr msrs[NR_MSRS])
{
	memset(msrs, 0, NR_MSRS * sizeof(*msrs));
	for (int i = 0; i < NR_MSRS; i++)
		msrs[i].index = 0xc0000082;	/* LSTAR */
}

static long get_msrs(FAULT *self)
{
	struct minivmx_msr msrs[NR_MSRS];

	fill_msrs(msrs);
	return minivmx_get_msrs(self->vm.vcpu, msrs, NR_MSRS);
}

static long set_msrs(FAULT *self)
{
	struct minivmx_msr msrs[NR_MSRS];

	fill_msrs(msrs);
	return minivmx_set_msrs(self->vm.vcpu, msrs, NR_MSRS);
}

static long get_sregs(FAULT *self)
{
	return minivmx_get_sregs(self->vm.vcpu, &self->vm.sregs);
}

static long set_sregs(FAULT *self)
{
	return minivmx_set_sregs(self->vm.vcpu, &self->vm.sregs);
}

static long get_events(FAULT *self)
{
	struct minivmx_events events;

	return minivmx_get_events(self->vm.vcpu, &events);
}

static long set_events(FAULT *self)
{
	struct minivmx_events events = { 0 };

	return minivmx_set_events(self->vm.vcpu, &events);
}

static long get_stats(FAULT *self)
{
	struct minivmx_exit_stat stats[MINIVMX_NR_EXITS];

	return minivmx_get_stats(self->vm.vcpu, 0, stats, MINIVMX_NR_EXITS);
}

TEST_F_TIMEOUT(fault, state, LIMIT)
{
	static const struct operation allocate[] = {
		OP("SET_CPUID", guest_stopped, set_cpuid, guest_stopped_end),
		OP("GET_XSAVE", guest_stopped, get_xsave, guest_stopped_end),
		OP("SET_XSAVE", guest_stopped, set_xsave, guest_stopped_end),
	}, others[] = {
		OP("GET_CPUID", guest_stopped, get_cpuid, guest_stopped_end),
		OP("GET_MSRS", guest_stopped, get_msrs, guest_stopped_end),
		OP("SET_MSRS", guest_stopped, set_msrs, guest_stopped_end),
		OP("GET_SREGS", guest_stopped, get_sregs, guest_stopped_end),
		OP("SET_SREGS", guest_stopped, set_sregs, guest_stopped_end),
		OP("GET_EVENTS", guest_stopped, get_events, guest_stopped_end),
		OP("SET_EVENTS", guest_stopped, set_events, guest_stopped_end),
		OP("GET_STATS", guest_stopped, get_stats, guest_stopped_end),
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(allocate); i++) {
		EXPECT_LT(0, exhaust(_metadata, self, &allocate[i]))
			TH_LOG("%s", allocate[i].name);
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(others); i++)
		exhaust(_metadata, self, &others[i]);
}

/* ---- What must not fail, whatever does ---- */

static void guest_mapped(FAULT *self)
{
	guest_near(self);
	vm_must(run_guest(self) == 0);
}

static long unmap(FAULT *self)
{
	return minivmx_unmap(self->vm.fd, NEAR, 0x1000);
}

static long map(FAULT *self)
{
	return minivmx_map(self->vm.fd, FAR, self->page, 0x1000, VM_RWX);
}

static long drop_page(FAULT *self)
{
	return madvise(self->page, 0x1000, MADV_DONTNEED) ? -errno : 0;
}

static void *spin(void *data)
{
	FAULT *self = data;

	for (; !self->stop; self->rounds++) {
		self->vm.run->regs.rip = VM_CODE;
		vm_must(vm_run(&self->vm) == MINIVMX_EXIT_HYPERCALL);
	}
	return NULL;
}

static void guest_spins(FAULT *self)
{
	guest_mapped(self);
	memcpy(vm_at(&self->vm, VM_CODE), loop_code, loop_code_end - loop_code);
	self->stop = false;
	self->rounds = 0;
	vm_must(!pthread_create(&self->thread, NULL, spin, self));
	while (!self->rounds)
		sched_yield();
}

static void guest_spins_end(FAULT *self)
{
	self->stop = true;
	pthread_join(self->thread, NULL);
	guest_end(self);
}

static void guest_closed(FAULT *self)
{
	guest_mapped(self);
	minivmx_unmap_run(self->vm.run, self->vm.info.run_size);
	close(self->vm.vcpu);
	close(self->vm.system);
}

static long close_last(FAULT *self)
{
	return close(self->vm.fd) ? -errno : 0;
}

static void forget_memory(FAULT *self)
{
	munmap(self->vm.mem, VM_SIZE);
}

TEST_F_TIMEOUT(fault, what_cannot_fail, LIMIT)
{
	static const struct operation ops[] = {
		OP("MAP_MEMORY", guest_mapped, map, guest_end),
		OP("UNMAP_MEMORY", guest_mapped, unmap, guest_end),
		OP("MADV_DONTNEED", guest_mapped, drop_page, guest_end),
		OP("MADV_DONTNEED in use", guest_spins, drop_page, guest_spins_end),
		OP("close the VM", guest_closed, close_last, forget_memory),
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(ops); i++) {
		EXPECT_EQ(0, exhaust(_metadata, self, &ops[i]))
			TH_LOG("%s", ops[i].name);
	}
}

/* ---- */

static void __attribute__((constructor)) constructors_end(void)
{
	if (!__constructor_order)
		__constructor_order = _CONSTRUCTOR_ORDER_BACKWARD;
}

/* TEST_HARNESS_MAIN, but one skip for all on a kernel that cannot do it. */
int main(int argc, char **argv)
{
	if (!exists("/proc/thread-self/fail-nth")) {
		printf("TAP version 13\n1..0 # SKIP this kernel has no fault injection\n");
		return KSFT_SKIP;
	}
	return test_harness_run(argc, argv);
}
