// SPDX-License-Identifier: GPL-2.0
/*
 * Lab 8: measurements. The grader has guests of its own on both sides, and compares: the
 * loop is another in each run, so that nobody knows beforehand what it costs.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>

#include "grader.h"
#include "libminivmx.h"
#include "measure.h"

const int lab = 8;

#define TOLERANCE	20	/* percent */

/* A loop of so many CPUIDs, OUTs and NOPs. */
struct loop {
	unsigned int cpuids, outs, nops;
	uint8_t code[512];
	size_t size;
};

static void put(struct loop *loop, const char *bytes, size_t size)
{
	memcpy(loop->code + loop->size, bytes, size);
	loop->size += size;
}

static struct loop make_loop(unsigned int max_cpuids, unsigned int max_outs)
{
	struct loop loop = {
		.cpuids = max_cpuids ? pick_from(1, max_cpuids) : 0,
		.outs = max_outs ? pick_from(1, max_outs) : 0,
		.nops = pick_from(0, 150),
	};
	unsigned int i;
	int16_t back;

	for (i = 0; i < loop.cpuids; i++)
		/* mov %ecx, %esi; xor %eax, %eax; cpuid, which changes ECX; mov %esi, %ecx */
		put(&loop, "\x66\x89\xce\x66\x31\xc0\x0f\xa2\x66\x89\xf1", 11);
	for (i = 0; i < loop.outs; i++)
		put(&loop, "\xe6\x80", 2);
	for (i = 0; i < loop.nops; i++)
		put(&loop, "\x90", 1);
	put(&loop, "\x66\x49", 2);			/* dec %ecx */
	back = -(int16_t)(loop.size + 4);
	put(&loop, "\x0f\x85", 2);			/* jnz */
	put(&loop, (const char *)&back, 2);
	put(&loop, "\xf4", 1);
	return loop;
}

/* ---- The grader's own measurement ---- */

struct side {
	int system, vm, vcpu;
	uint8_t *memory;
	void *run;
};

static uint8_t *new_memory(const struct loop *loop)
{
	uint8_t *memory = mmap(NULL, MEASURE_MEMORY, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(memory != MAP_FAILED);
	memcpy(memory + MEASURE_CODE, loop->code, loop->size);
	return memory;
}

static void own_run_minivmx(struct side *side, uint32_t rounds)
{
	struct minivmx_run *run = side->run;

	run->regs = (struct minivmx_regs) { .rip = MEASURE_CODE, .rflags = 2, .rcx = rounds };
	run->action = MINIVMX_RETRY;
	for (;;) {
		must(!ioctl(side->vcpu, MINIVMX_RUN) || errno == EINTR);
		if (run->kind == MINIVMX_EXIT_HLT)
			return;
		must(run->kind == MINIVMX_EXIT_IO || run->kind == MINIVMX_EXIT_INTR);
		run->action = run->kind == MINIVMX_EXIT_IO ? MINIVMX_SKIP : MINIVMX_RETRY;
	}
}

static void own_minivmx(struct side *side, const struct loop *loop)
{
	struct minivmx_sregs sregs;
	struct minivmx_run *run;
	struct minivmx_info info;

	side->system = minivmx_open(NULL);
	side->vm = minivmx_create_vm(side->system, 0, NULL);
	must(side->vm >= 0 && !minivmx_get_info(side->system, &info));
	side->memory = new_memory(loop);
	must(!minivmx_map(side->vm, 0, side->memory, MEASURE_MEMORY, 7));
	side->vcpu = minivmx_create_vcpu(side->vm, 0);
	must(side->vcpu >= 0 && !minivmx_map_run(side->vcpu, info.run_size, &run));
	side->run = run;
	must(!minivmx_get_sregs(side->vcpu, &sregs));
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	must(!minivmx_set_sregs(side->vcpu, &sregs));
}

static void own_run_kvm(struct side *side, uint32_t rounds)
{
	struct kvm_regs regs = { .rip = MEASURE_CODE, .rflags = 2, .rcx = rounds };
	struct kvm_run *run = side->run;

	must(!ioctl(side->vcpu, KVM_SET_REGS, &regs));
	do {
		must(!ioctl(side->vcpu, KVM_RUN, 0) || errno == EINTR);
		must(run->exit_reason == KVM_EXIT_IO || run->exit_reason == KVM_EXIT_HLT ||
		     run->exit_reason == KVM_EXIT_INTR);
	} while (run->exit_reason != KVM_EXIT_HLT);
}

static void own_kvm(struct side *side, const struct loop *loop)
{
	struct kvm_userspace_memory_region region = { .memory_size = MEASURE_MEMORY };
	struct kvm_sregs sregs;

	side->system = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	must(side->system >= 0);
	side->vm = ioctl(side->system, KVM_CREATE_VM, 0);
	must(side->vm >= 0);
	side->memory = new_memory(loop);
	region.userspace_addr = (uintptr_t)side->memory;
	must(!ioctl(side->vm, KVM_SET_USER_MEMORY_REGION, &region));
	side->vcpu = ioctl(side->vm, KVM_CREATE_VCPU, 0);
	must(side->vcpu >= 0);
	side->run = mmap(NULL, ioctl(side->system, KVM_GET_VCPU_MMAP_SIZE, 0),
			 PROT_READ | PROT_WRITE, MAP_SHARED, side->vcpu, 0);
	must(side->run != MAP_FAILED && !ioctl(side->vcpu, KVM_GET_SREGS, &sregs));
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	must(!ioctl(side->vcpu, KVM_SET_SREGS, &sregs));
}

static uint64_t fastest(void (*run)(struct side *, uint32_t), struct side *side, uint32_t rounds)
{
	uint64_t best = UINT64_MAX, ticks;
	unsigned int i;

	for (i = 0; i < 9; i++) {
		ticks = __rdtsc();
		run(side, rounds);
		ticks = __rdtsc() - ticks;
		if (ticks < best)
			best = ticks;
	}
	return best;
}

#define OWN_ROUNDS	60

static uint64_t own_ticks(bool kvm, const struct loop *loop)
{
	void (*run)(struct side *, uint32_t) = kvm ? own_run_kvm : own_run_minivmx;
	uint64_t once, twice;
	struct side side;

	if (kvm)
		own_kvm(&side, loop);
	else
		own_minivmx(&side, loop);
	once = fastest(run, &side, OWN_ROUNDS);
	twice = fastest(run, &side, 2 * OWN_ROUNDS);
	/* The run page is of a VM that is to be gone. */
	munmap(side.run, 4096);
	close(side.vcpu);
	close(side.vm);
	close(side.system);
	return (twice - once) / OWN_ROUNDS;
}

/* ---- Items ---- */

static void count(void)
{
	const struct loop loop = make_loop(5, 5);
	const uint32_t rounds = pick_from(20, 80);
	const uint64_t cpuids = loop.cpuids * rounds, outs = loop.outs * rounds;
	struct measured m;
	int ret;

	memset(&m, 0xee, sizeof(m));
	ret = measure_minivmx(loop.code, loop.size, rounds, &m);
	need(!ret, "measure_minivmx() returned %s", errno_text(ret));
	need(m.exits[REASON_CPUID] == cpuids,
	     "%u rounds of %u CPUIDs: %llu exits by CPUID, not %llu",
	     rounds, loop.cpuids, (unsigned long long)m.exits[REASON_CPUID],
	     (unsigned long long)cpuids);
	need(m.exits[REASON_IO_INSTRUCTION] == outs,
	     "%u rounds of %u OUTs: %llu exits by I/O, not %llu",
	     rounds, loop.outs, (unsigned long long)m.exits[REASON_IO_INSTRUCTION],
	     (unsigned long long)outs);
	need(m.exits[REASON_HLT] == 1, "%llu exits by HLT in one run, not 1",
	     (unsigned long long)m.exits[REASON_HLT]);
	need(m.exits[REASON_EPT_VIOLATION] == 0,
	     "%llu EPT violations: the run that is counted is the first, which touches the memory",
	     (unsigned long long)m.exits[REASON_EPT_VIOLATION]);
	need(m.user_exits == outs,
	     "the program was asked %llu times, not %llu: CPUID does not come to it",
	     (unsigned long long)m.user_exits, (unsigned long long)outs);
}

static void compare(uint64_t said, uint64_t own, uint32_t rounds, const struct loop *loop)
{
	const uint64_t slack = own * TOLERANCE / 100 + 20;

	need(said + slack >= own && said <= own + slack,
	     "a round of %u CPUIDs, %u OUTs and %u NOPs takes %llu ticks; measured with %u rounds it was said to be %llu",
	     loop->cpuids, loop->outs, loop->nops, (unsigned long long)own, rounds,
	     (unsigned long long)said);
}

/* Of few rounds and of many: what a run takes besides does not count. */
static void cost(void)
{
	const uint32_t few = 2, many = pick_from(300, 500);
	const struct loop loop = make_loop(4, 2);
	const uint64_t own = own_ticks(false, &loop);
	struct measured m;

	need(!measure_minivmx(loop.code, loop.size, few, &m), "measure_minivmx() fails");
	compare(m.ticks_per_round, own, few, &loop);
	need(!measure_minivmx(loop.code, loop.size, many, &m), "measure_minivmx() fails");
	compare(m.ticks_per_round, own, many, &loop);
}

static void run_command(const char *command)
{
	int status = system(command);

	need(WIFEXITED(status) && WEXITSTATUS(status) == 0,
	     "the grader itself failed: %s", command);
}

static void kvm(void)
{
	const uint32_t few = pick_from(15, 25), many = pick_from(150, 250);
	const struct loop loop = make_loop(3, 2);
	struct measured m;
	uint64_t own;
	int ret;

	if (access("/dev/kvm", F_OK))
		run_command("cd /testbed/ko && { grep -q '^kvm ' /proc/modules ||"
			    " { insmod irqbypass.ko && insmod kvm.ko; }; } && insmod kvm-intel.ko");
	own = own_ticks(true, &loop);
	ret = measure_kvm(loop.code, loop.size, few, &m);
	need(!ret, "measure_kvm() returned %s", errno_text(ret));
	need(m.user_exits == (uint64_t)loop.outs * few,
	     "%u rounds of %u OUTs: KVM_RUN returned for %llu of them",
	     few, loop.outs, (unsigned long long)m.user_exits);
	compare(m.ticks_per_round, own, few, &loop);
	ret = measure_kvm(loop.code, loop.size, many, &m);
	need(!ret, "measure_kvm() returned %s", errno_text(ret));
	compare(m.ticks_per_round, own, many, &loop);
}

const struct item items[] = {
	{ "count", "exits by reason, and those that come to the program", 3, .seconds = 10,
	  .grade = count },
	{ "cost", "what a round costs on minivmx", 3, .seconds = 10, .grade = cost },
	{ "kvm", "what it costs on KVM", 4, .seconds = 20, .grade = kvm },
	{ 0 }
};
