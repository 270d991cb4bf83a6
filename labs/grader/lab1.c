// SPDX-License-Identifier: GPL-2.0
/* Lab 1: a VM with memory, a virtual CPU, and its first exit. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/time.h>

#include "grader.h"

const int lab = 1;

#define CODE	0x100
#define DATA	0x800

/* What a guest adds and multiplies only a CPU can know. */
GUEST16(first, "mov %cs:(0x800), %eax; mull %cs:(0x804); add %cs:(0x808), %eax;"
	"xor %edx, %eax; hlt");

static uint32_t place_numbers(struct vm *vm)
{
	uint32_t *data = (uint32_t *)(vm->mem + DATA);
	uint64_t product;
	unsigned int i;

	for (i = 0; i < 3; i++)
		data[i] = pick() | 1;
	product = (uint64_t)data[0] * data[1];
	return ((uint32_t)product + data[2]) ^ (uint32_t)(product >> 32);
}

static void first_exit(void)
{
	struct vcpu vcpu;
	struct vm vm;
	uint32_t due;

	new_real(&vm, &vcpu, 4096, CODE, first, first_end);
	/* Below CS's base, that is, or the address would be another. */
	need(!vcpu_set_start(&vcpu, 0, CODE), "vcpu_set_start() works once and not twice");
	due = place_numbers(&vm);
	expect_exit(&vcpu, MINIVMX_EXIT_HLT, "a guest of five instructions, the last one HLT");
	need((uint32_t)vcpu.run->regs.rax == due,
	     "the guest has computed %#x, which a CPU would not: %#x is right",
	     (uint32_t)vcpu.run->regs.rax, due);
	need(exits_counted(&vcpu, REASON_HLT) == 1,
	     "the kernel counted %llu exits by HLT of vcpu->fd, not 1: who has executed the guest?",
	     (unsigned long long)exits_counted(&vcpu, REASON_HLT));
	end_vm(&vm, &vcpu);
}

GUEST16(writes, "mov %ax, %cs:(%si); hlt");

static void memory(void)
{
	const size_t size = 4096 * pick_from(2, 12);
	const uint16_t at = pick_from(0x200, size - 2), value = pick() | 1;
	struct minivmx_map map = { .size = 4096, .prot = MINIVMX_PROT_READ };
	struct vcpu vcpu;
	struct vm vm;
	uint16_t seen;
	size_t i;

	new_real(&vm, &vcpu, size, 0, writes, writes_end);
	for (i = 64; i < size; i++)
		need(!vm.mem[i], "byte %zu of the memory is %#x before the guest began, not 0", i,
		     vm.mem[i]);
	need((uintptr_t)vm.mem % (2 << 20) == 0,
	     "vm->mem is %p, which is no multiple of 2M; lab 3 wants that", vm.mem);
	/* The range that is mapped is this one: the page behind it is not. */
	map.hva = (uintptr_t)vm.mem;
	map.gpa = size - 4096;
	need(ioctl(vm.fd, MINIVMX_MAP_MEMORY, &map) < 0 && errno == EEXIST,
	     "the last page of %zu bytes of memory is not mapped in the VM", size);
	map.gpa = size;
	need(!ioctl(vm.fd, MINIVMX_MAP_MEMORY, &map),
	     "more than the %zu bytes that were asked for are mapped in the VM", size);

	vcpu.run->regs.rsi = at;
	vcpu.run->regs.rax = value;
	expect_exit(&vcpu, MINIVMX_EXIT_HLT, "a guest that writes to its memory");
	memcpy(&seen, vm.mem + at, sizeof(seen));
	need(seen == value, "the guest wrote %#x to address %#x, and vm->mem has %#x there",
	     value, at, seen);
	end_vm(&vm, &vcpu);
}

GUEST16(halts, "1: inc %ebx; hlt; jmp 1b");

static void going_on(void)
{
	const unsigned int rounds = pick_from(3, 9);
	struct vcpu vcpu;
	struct vm vm;
	unsigned int i;

	/* At the paragraph 0x12 or so, so that CS's base counts. */
	new_real(&vm, &vcpu, 4096, 16 * pick_from(0x11, 0xe0), halts, halts_end);
	need(!vcpu_set_start(&vcpu, (vm.size - 0x100) >> 4, 0), "vcpu_set_start() failed");
	/* At any other address it comes to an OUT. */
	for (i = 0; i < vm.size; i += 2)
		memcpy(vm.mem + i, "\xe6\x80", 2);
	memcpy(vm.mem + vm.size - 0x100, halts, halts_end - halts);
	expect_exit(&vcpu, MINIVMX_EXIT_HLT, "the first HLT of a loop, with CS not 0");
	for (i = 1; i < rounds; i++)
		expect_exit_behind(&vcpu, MINIVMX_EXIT_HLT,
				   "the next HLT of a loop, with MINIVMX_SKIP");
	need(vcpu.run->regs.rbx == rounds, "after %u exits the loop was gone through %llu times",
	     rounds, (unsigned long long)vcpu.run->regs.rbx);
	/* Without it the HLT is executed again. */
	vcpu.run->action = MINIVMX_RETRY;
	expect_exit(&vcpu, MINIVMX_EXIT_HLT, "the same HLT again, with MINIVMX_RETRY");
	need(vcpu.run->regs.rbx == rounds, "MINIVMX_RETRY did not execute the same HLT again");
	end_vm(&vm, &vcpu);
}

static void nothing(int number)
{
}

GUEST16(long_loop, "1: inc %ebx; dec %ecx; jnz 1b; hlt");

static void interrupted(void)
{
	const struct sigaction action = { .sa_handler = nothing };
	const struct itimerval often = { { 0, 2000 }, { 0, 2000 } }, never = { 0 };
	const uint32_t count = pick_from(1000000, 2000000);
	struct vcpu vcpu;
	struct vm vm;

	/* A kick before RUN ends it at once, when the skip is done already. */
	new_real(&vm, &vcpu, 4096, 0, halts, halts_end);
	expect_exit(&vcpu, MINIVMX_EXIT_HLT, "the first HLT");
	must(!ioctl(vcpu.fd, MINIVMX_KICK));
	expect_exit_behind(&vcpu, MINIVMX_EXIT_HLT,
			   "a RUN with MINIVMX_SKIP that MINIVMX_KICK interrupts");
	need(vcpu.run->regs.rbx == 2,
	     "a RUN that was interrupted went on at the wrong place: EBX is %llu, not 2",
	     (unsigned long long)vcpu.run->regs.rbx);
	end_vm(&vm, &vcpu);

	new_real(&vm, &vcpu, 4096, 0, long_loop, long_loop_end);
	vcpu.run->regs.rcx = count;
	must(!sigaction(SIGALRM, &action, NULL) && !setitimer(ITIMER_REAL, &often, NULL));
	expect_exit(&vcpu, MINIVMX_EXIT_HLT, "a guest that computes while signals arrive");
	setitimer(ITIMER_REAL, &never, NULL);
	need(vcpu.run->regs.rbx == count, "the loop was to go round %u times, and did %llu times",
	     count, (unsigned long long)vcpu.run->regs.rbx);
	end_vm(&vm, &vcpu);
}

static void one_life(void)
{
	struct vcpu vcpu;
	struct vm vm;

	new_real(&vm, &vcpu, 8192, 0, halts, halts_end);
	expect_exit(&vcpu, MINIVMX_EXIT_HLT, "a HLT");
	end_vm(&vm, &vcpu);
}

static void nothing_is_left(unsigned int descriptors, unsigned int maps, const char *after)
{
	need(open_descriptors() == descriptors,
	     "%s %d more descriptors are open than before", after,
	     (int)(open_descriptors() - descriptors));
	need(mappings() == maps, "%s there are %d more mappings in /proc/self/maps than before",
	     after, (int)(mappings() - maps));
}

static void cleanup(void)
{
	unsigned int descriptors, maps, i;
	struct vcpu vcpu, second;
	struct rlimit limit;
	struct vm vm;
	int ret;

	one_life();
	descriptors = open_descriptors();
	maps = mappings();
	for (i = 0; i < 5; i++)
		one_life();
	nothing_is_left(descriptors, maps, "after vcpu_destroy() and vm_destroy()");

	/* No descriptor can be had, or one, or two: each way of failing. */
	must(!getrlimit(RLIMIT_NOFILE, &limit));
	for (i = 0; i < 2; i++) {
		/* Of the entries three are ., .. and the folder itself. */
		limit.rlim_cur = descriptors - 3 + i;
		must(!setrlimit(RLIMIT_NOFILE, &limit));
		ret = vm_create(&vm, 4096, 0);
		limit.rlim_cur = limit.rlim_max;
		must(!setrlimit(RLIMIT_NOFILE, &limit));
		need(ret == -EMFILE,
		     "vm_create() returned %s where no descriptor could be had; -EMFILE was due",
		     errno_text(ret));
		nothing_is_left(descriptors, maps, "after a vm_create() that failed");
	}
	ret = vm_create(&vm, 4095, 0);
	need(ret < 0,
	     "vm_create() of 4095 bytes returned %s; that cannot be mapped", errno_text(ret));
	nothing_is_left(descriptors, maps, "after a vm_create() of 4095 bytes");

	must(!vm_create(&vm, 4096, 0) && !vcpu_create(&vcpu, &vm, 0));
	descriptors = open_descriptors();
	maps = mappings();
	ret = vcpu_create(&second, &vm, 0);
	need(ret == -EEXIST,
	     "a second vCPU of the same number: vcpu_create() returned %s, -EEXIST was due",
	     errno_text(ret));
	nothing_is_left(descriptors, maps, "after a vcpu_create() that failed");
}

const struct item items[] = {
	{ "first-exit", "a guest computes and halts", 3, .grade = first_exit },
	{ "memory", "the guest's memory is vm->mem, all of it and no more", 2, .grade = memory },
	{ "going-on", "it goes on behind an exit, or repeats it", 2, .grade = going_on },
	{ "interrupted", "signals and kicks do not show", 2, .grade = interrupted },
	{ "cleanup", "nothing is left, after a failure neither", 1, .grade = cleanup },
	{ 0 }
};
