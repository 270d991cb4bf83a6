// SPDX-License-Identifier: GPL-2.0
/* Lab 8: exits counted, and what they cost, here and with KVM. */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <x86intrin.h>

#include "measure.h"

#define RFLAGS	2

/* Of so many runs the fastest counts: the host's timer interrupts the others. */
#define REPEATS	7

/* One run of the loop; the number of exits to the program, or a negative errno. */
typedef int64_t (*run_loop)(void *guest, uint32_t rounds);

static int64_t fastest(run_loop run, void *guest, uint32_t rounds)
{
	int64_t best = INT64_MAX;
	unsigned int i;

	for (i = 0; i < REPEATS; i++) {
		uint64_t start = __rdtsc();
		int64_t ret = run(guest, rounds);
		int64_t ticks = __rdtsc() - start;

		if (ret < 0)
			return ret;
		if (ticks < best)
			best = ticks;
	}
	return best;
}

/*
 * Twice as many rounds take longer by that many: what a run takes besides is in both. The
 * first runs touch memory, and are the slow ones.
 */
static int measure(run_loop run, void *guest, uint32_t rounds, struct measured *measured)
{
	int64_t once = fastest(run, guest, rounds), twice;

	if (once < 0)
		return once;
	twice = fastest(run, guest, 2 * rounds);
	if (twice < 0)
		return twice;
	measured->ticks_per_round = twice > once ? (twice - once) / rounds : 0;
	return 0;
}

/* ---- minivmx ---- */

static int64_t run_minivmx(void *guest, uint32_t rounds)
{
	struct vcpu *vcpu = guest;
	int64_t exits = 0;
	int kind;

	vcpu->run->regs.rip = MEASURE_CODE;
	vcpu->run->regs.rflags = RFLAGS;
	vcpu->run->regs.rcx = rounds;
	vcpu->run->action = MINIVMX_RETRY;
	while ((kind = vcpu_run(vcpu)) == MINIVMX_EXIT_IO) {
		vcpu->run->action = MINIVMX_SKIP;
		exits++;
	}
	if (kind < 0)
		return kind;
	return kind == MINIVMX_EXIT_HLT ? exits : -EIO;
}

static int get_stats(struct vcpu *vcpu, struct minivmx_exit_stat *rows)
{
	struct minivmx_stats stats = { .nr = MINIVMX_NR_EXITS, .exits = (uintptr_t)rows };

	return ioctl(vcpu->fd, MINIVMX_GET_STATS, &stats) < 0 ? -errno : 0;
}

static int count_minivmx(struct vcpu *vcpu, uint32_t rounds, struct measured *measured)
{
	struct minivmx_exit_stat before[MINIVMX_NR_EXITS], after[MINIVMX_NR_EXITS];
	int64_t exits;
	unsigned int i;
	int ret = get_stats(vcpu, before);

	if (ret)
		return ret;
	exits = run_minivmx(vcpu, rounds);
	if (exits < 0)
		return exits;
	ret = get_stats(vcpu, after);
	for (i = 0; i < MINIVMX_NR_EXITS; i++)
		measured->exits[i] = after[i].count - before[i].count;
	measured->user_exits = exits;
	return ret;
}

int measure_minivmx(const void *code, size_t size, uint32_t rounds, struct measured *measured)
{
	struct vcpu vcpu;
	struct vm vm;
	int ret;

	if (!rounds || size > MEASURE_MEMORY - MEASURE_CODE)
		return -EINVAL;
	ret = vm_create(&vm, MEASURE_MEMORY, 0);
	if (ret)
		return ret;
	ret = vcpu_create(&vcpu, &vm, 0);
	if (ret)
		goto destroy_vm;
	memcpy(vm.mem + MEASURE_CODE, code, size);
	ret = vcpu_set_start(&vcpu, 0, MEASURE_CODE);
	if (!ret)
		ret = measure(run_minivmx, &vcpu, rounds, measured);
	if (!ret)
		ret = count_minivmx(&vcpu, rounds, measured);
	vcpu_destroy(&vcpu);
destroy_vm:
	vm_destroy(&vm);
	return ret;
}

/* ---- KVM ---- */

struct kvm_guest {
	int system, vm, vcpu;
	uint8_t *memory;
	struct kvm_run *run;
	size_t run_size;
};

static int64_t run_kvm(void *guest, uint32_t rounds)
{
	struct kvm_guest *g = guest;
	struct kvm_regs regs = { .rip = MEASURE_CODE, .rflags = RFLAGS, .rcx = rounds };
	int64_t exits = 0;

	if (ioctl(g->vcpu, KVM_SET_REGS, &regs) < 0)
		return -errno;
	for (;;) {
		if (ioctl(g->vcpu, KVM_RUN, 0) < 0) {
			if (errno != EINTR)
				return -errno;
			continue;
		}
		switch (g->run->exit_reason) {
		case KVM_EXIT_IO:
			exits++;
			break;
		case KVM_EXIT_HLT:
			return exits;
		default:
			return -EIO;
		}
	}
}

static void kvm_destroy(struct kvm_guest *g)
{
	if (g->run != MAP_FAILED)
		munmap(g->run, g->run_size);
	if (g->memory != MAP_FAILED)
		munmap(g->memory, MEASURE_MEMORY);
	if (g->vcpu >= 0)
		close(g->vcpu);
	if (g->vm >= 0)
		close(g->vm);
	if (g->system >= 0)
		close(g->system);
}

static int kvm_set_start(struct kvm_guest *g)
{
	struct kvm_sregs sregs;

	if (ioctl(g->vcpu, KVM_GET_SREGS, &sregs) < 0)
		return -errno;
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	return ioctl(g->vcpu, KVM_SET_SREGS, &sregs) < 0 ? -errno : 0;
}

static int kvm_open(struct kvm_guest *g)
{
	struct kvm_userspace_memory_region region = { .memory_size = MEASURE_MEMORY };
	int size;

	g->system = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (g->system < 0)
		return -errno;
	g->vm = ioctl(g->system, KVM_CREATE_VM, 0);
	if (g->vm < 0)
		return -errno;
	g->memory = mmap(NULL, MEASURE_MEMORY, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (g->memory == MAP_FAILED)
		return -errno;
	region.userspace_addr = (uintptr_t)g->memory;
	if (ioctl(g->vm, KVM_SET_USER_MEMORY_REGION, &region) < 0)
		return -errno;
	g->vcpu = ioctl(g->vm, KVM_CREATE_VCPU, 0);
	size = ioctl(g->system, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (g->vcpu < 0 || size < 0)
		return -errno;
	g->run_size = size;
	g->run = mmap(NULL, g->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, g->vcpu, 0);
	return g->run == MAP_FAILED ? -errno : kvm_set_start(g);
}

int measure_kvm(const void *code, size_t size, uint32_t rounds, struct measured *measured)
{
	struct kvm_guest g = {
		.system = -1, .vm = -1, .vcpu = -1, .memory = MAP_FAILED, .run = MAP_FAILED,
	};
	int64_t exits;
	int ret;

	if (!rounds || size > MEASURE_MEMORY - MEASURE_CODE)
		return -EINVAL;
	ret = kvm_open(&g);
	if (!ret) {
		memcpy(g.memory + MEASURE_CODE, code, size);
		ret = measure(run_kvm, &g, rounds, measured);
	}
	if (!ret) {
		exits = run_kvm(&g, rounds);
		memset(measured->exits, 0, sizeof(measured->exits));
		measured->user_exits = exits;
		ret = exits < 0 ? exits : 0;
	}
	kvm_destroy(&g);
	return ret;
}
