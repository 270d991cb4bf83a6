// SPDX-License-Identifier: GPL-2.0
/*
 * Guests by chance: instructions, registers and tables that nobody has thought of, in
 * every mode, each entry cut off after some thousand instructions by the VMX-preemption
 * timer, each exit answered by chance. The host must not change: not the state of its
 * CPU (module/host_state.def), not the registers of this thread, not its kernel's health.
 *
 *	guest_fuzz [--seed S] [--first N] [--count M] [--seconds T]
 *
 * A round is one guest: ENTRIES entries or less. What a guest reads of the TSC, and when
 * its APIC's timer fires, differs from run to run; nothing else does.
 */
#include <sys/time.h>

#include "../lib/counters.h"
#include "../lib/fuzz.h"
#include "../uapi/module.h"
#include "guest_code.h"
#include "modes.h"

#define ENTRIES		24
#define BLOCK		32		/* rounds with the same VM and routes */
#define MEMORY		(VM_DATA + 0x1000)	/* with holes, see ranges[] */
#define CUT_TICKS	1000
#define STUCK_S		20		/* no RUN takes that long */

enum { REASON_TIMER = 52, EVENT_OTHER = 7 };

static const char *const host_names[] = {
#define HOST(name, when, value) #name,
#include "../../module/host_state.def"
#undef HOST
};

#define NR_HOST	ARRAY_LEN(host_names)

/* Tables and code, stacks, and data; in between are devices. */
static const struct range {
	uint32_t start, size;
} ranges[] = {
	{ 0, VM_CODE + 0x2000 }, { VM_STACK - 0x5000, 0x5000 }, { VM_DATA, 0x1000 },
};

/* What a round starts from. */
static struct start {
	struct minivmx_regs regs;
	struct minivmx_sregs sregs;
	struct minivmx_vmcs_field fields[NR_ALL];
	unsigned int nr_fields;
	uint8_t memory[MEMORY] __attribute__((aligned(16)));
} starts[2][NR_MODES];

static struct guest {
	VM vm;
	bool has_apic;
	struct minivmx_apic apic;
	uint32_t apic_regs[MINIVMX_APIC_SIZE / 4];
	struct start *starts;
} guests[2];

static int host_fd = -1;
static uint64_t host_before[NR_HOST];
static unsigned long entries, interrupted, kinds[16];

/* For the thread that looks whether all goes on. */
static volatile unsigned long runs;

/* ---- The host's state ---- */

static void read_host(uint64_t words[NR_HOST])
{
	fuzz_must(pread(host_fd, words, NR_HOST * 8, 0) == (ssize_t)(NR_HOST * 8));
}

static void check_host(void)
{
	uint64_t now[NR_HOST];
	unsigned int i;

	read_host(now);
	for (i = 0; i < NR_HOST; i++)
		if (now[i] != host_before[i])
			finding("%s of the host is %#llx and was %#llx", host_names[i],
				(unsigned long long)now[i], (unsigned long long)host_before[i]);
	memcpy(host_before, now, sizeof(now));
}

/*
 * The registers of this thread, in FXSAVE's format or, with AVX, in XSAVE's: filled
 * with a pattern right before RUN, and looked at right behind it. @expected is what the
 * CPU makes of the pattern.
 */
static bool has_avx;
static uint8_t pattern[1024] __attribute__((aligned(64)));
static uint8_t expected[1024] __attribute__((aligned(64)));
static uint8_t found[1024] __attribute__((aligned(64)));

#define XSAVE_HEADER	512
#define XSAVE_YMM	576
#define FXSAVE_USED	416	/* behind it is what no instruction writes */

/* A system call between the loading and the storing of it all: no C code, which uses it. */
static long call_with_pattern(long number, long a, long b, uint8_t area[1024])
{
	long ret = 7;		/* x87, SSE and AVX */

	if (has_avx)
		asm volatile("xrstor (%[in]); mov %[number], %%rax; syscall; mov %%rax, %%rcx;"
			     "mov $7, %%eax; xsave (%[out]); mov %%rcx, %%rax"
			     : "+a"(ret)
			     : [in] "r"(pattern), [out] "r"(area), [number] "r"(number), "D"(a),
			       "S"(b), "d"(0L)
			     : "rcx", "r11", "memory");
	else
		asm volatile("fxrstor (%[in]); mov %[number], %%rax; syscall; fxsave (%[out])"
			     : "+a"(ret)
			     : [in] "r"(pattern), [out] "r"(area), [number] "r"(number), "D"(a),
			       "S"(b), "d"(0L)
			     : "rcx", "r11", "memory");
	return ret;
}

static void make_pattern(void)
{
	unsigned int i;

	*(uint16_t *)pattern = 0x37f;			/* FCW */
	*(uint32_t *)(pattern + 24) = 0x1f80;		/* MXCSR */
	pattern[4] = 0xff;				/* all of ST are in use */
	for (i = 0; i < 8; i++)
		memset(pattern + 32 + 16 * i, 0x51 + i, 10);
	memset(pattern + 160, 0xa7, FXSAVE_USED - 160);	/* XMM */
	if (has_avx) {
		pattern[XSAVE_HEADER] = 7;
		memset(pattern + XSAVE_YMM, 0xb9, 256);	/* their upper halves */
	}
	call_with_pattern(SYS_getpid, 0, 0, expected);
}

static int run_and_look(int vcpu)
{
	long ret = call_with_pattern(SYS_ioctl, vcpu, MINIVMX_RUN, found);

	if (memcmp(found, expected, FXSAVE_USED) ||
	    (has_avx && memcmp(found + XSAVE_YMM, expected + XSAVE_YMM, 256)))
		finding("the registers of the FPU are not this thread's any more");
	return ret;
}

/* ---- Where guests start ---- */

/* As many instructions for 16 bytes as memcpy() has for one, which likes REP MOVSB. */
static void copy_memory(void *to, const void *from)
{
	typedef long vector __attribute__((vector_size(16)));
	unsigned int i;
	size_t at;

	for (i = 0; i < ARRAY_LEN(ranges); i++)
		for (at = ranges[i].start; at < ranges[i].start + ranges[i].size; at += 16)
			*(vector *)(to + at) = *(const vector *)(from + at);
}

static bool is_restored(const struct minivmx_vmcs_field *field, unsigned int row)
{
	return !field->result && (vmcs_fields[row].policy == FIELD_FREE ||
				  vmcs_fields[row].policy == FIELD_OTHER);
}

static void make_start(struct guest *g, enum mode mode)
{
	struct start *start = &g->starts[mode];
	struct minivmx_vmcs_field field;
	unsigned int i;
	VM *vm = &g->vm;

	memset(vm->mem, 0, MEMORY);
	set_mode(vm, mode);
	vm->run->action = MINIVMX_RETRY;
	vm->run->request = MINIVMX_REQ_EXIT_NOW;
	vm_must(!minivmx_run(vm->vcpu));
	vm->run->request = 0;
	start->regs = vm->run->regs;
	start->sregs = vm->sregs;
	copy_memory(start->memory, vm->mem);
	for (i = 0; i < NR_ALL; i++) {
		field = (struct minivmx_vmcs_field) { .encoding = vmcs_fields[i].encoding };
		vm_must(!minivmx_get_vmcs(vm->vcpu, &field, 1));
		if (is_restored(&field, i))
			start->fields[start->nr_fields++] = field;
	}
}

static void make_guest(struct guest *g, unsigned int number)
{
	VM *vm = &g->vm;
	enum mode mode;
	unsigned int i;

	g->has_apic = number;
	g->starts = starts[number];
	vm_flags = g->has_apic ? MINIVMX_VM_APIC : 0;
	vm_create_empty(vm);
	vm->mem = mmap(NULL, VM_SIZE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	vm_must(vm->mem != MAP_FAILED);
	for (i = 0; i < ARRAY_LEN(ranges); i++)
		vm_must(!minivmx_map(vm->fd, ranges[i].start, vm->mem + ranges[i].start,
				     ranges[i].size, VM_RWX));
	vmcs_set(vm, PREEMPTION_TIMER_VALUE, vmcs_timer(vm, CUT_TICKS));
	vm_must(!minivmx_set_route(vm->vcpu, REASON_TIMER, MINIVMX_ROUTE_USER));
	if (g->has_apic)
		vm_must(!minivmx_get_apic(vm->vcpu, &g->apic, g->apic_regs));
	for (mode = 0; mode < NR_MODES; mode++)
		make_start(g, mode);
}

/* ---- A round ---- */

static const uint32_t msrs[] = {
	0x10, 0x1b, 0x3a, 0x8b, 0xfe, 0x174, 0x175, 0x176, 0x179, 0x17a, 0x17b, 0x1a0, 0x1d9,
	0x200, 0x201, 0x250, 0x277, 0x2ff, 0x345, 0x38f, 0x400, 0x401, 0x402, 0x480, 0x6e0,
	0x802, 0x808, 0x80b, 0x80f, 0x830, 0x832, 0x838, 0x83f, 0xda0, 0x4b564d00, 0x4b564d01,
	0xc0000080, 0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084, 0xc0000100, 0xc0000101,
	0xc0000102, 0xc0000103, 0xc0010015,
};

static uint64_t any_value(void)
{
	switch (below(12)) {
	case 0:
		return below(256);
	case 1:
		return random64();
	case 2:
		return random64() >> below(64);
	case 3:
		return VM_MMIO + below(0x2000);
	case 4:
		return VM_MMIO_LOW + below(0x8000);
	case 5:
		return msrs[below(ARRAY_LEN(msrs))];
	case 6:
		return 1UL << below(64);
	case 7:
		return VM_CODE + below(0x1000);
	case 8:
		return MEMORY - below(16);
	default:
		return below(MEMORY);
	}
}

static void change_registers(struct minivmx_regs *regs)
{
	__u64 *reg = &regs->rax;
	unsigned int i;

	for (i = 0; i < 16; i++)
		if (i != 4 && !below(2))
			reg[i] = any_value();
	if (!below(2))
		regs->rcx = msrs[below(ARRAY_LEN(msrs))];
	if (!below(8))
		regs->rsp = any_value();
	if (!below(2))
		regs->rflags ^= 1UL << below(22);
}

/* Bits of the tables that the CPU walks. */
static void spoil_tables(uint8_t *memory)
{
	static const uint32_t tables[] = {
		VM_IVT, VM_GDT, VM_IDT, VM_TSS, VM_PML4, VM_PDPT, VM_PD, VM_PT, VM_PAE_PDPT,
		VM_PD32, VM_PT32, VM_HANDLERS,
	};
	unsigned int n = below(6);

	while (n--)
		memory[tables[below(ARRAY_LEN(tables))] + below(0x80)] ^= 1 << below(8);
}

static void spoil_sregs(struct minivmx_sregs *s)
{
	struct minivmx_segment *segment = &s->es + below(8);

	switch (below(8)) {
	case 0:
		s->cr0 ^= 1UL << below(32);
		break;
	case 1:
		s->cr4 ^= 1UL << below(23);
		break;
	case 2:
		s->efer ^= 1UL << below(12);
		break;
	case 3:
		segment->access ^= 1U << below(17);
		break;
	case 4:
		segment->base = any_value();
		break;
	case 5:
		s->dr7 ^= 1UL << below(32);
		s->dr0 = any_value();
		s->dr3 = VM_CODE + below(0x1000);
		break;
	case 6:
		s->cr3 = any_value();
		s->cr8 = below(16);
		break;
	default:
		(below(2) ? &s->idtr : &s->gdtr)->limit = random64();
		s->xcr0 = 1 | below(8);
		break;
	}
}

/*
 * Bochs 2.7 ends at the entry to IA-32e mode without paging, and of an event of type 7,
 * a pending exit of the monitor trap flag.
 */
static bool ends_bochs(VM *vm)
{
	uint64_t event = vmcs_get(vm, VM_ENTRY_INTR_INFO);

	return ((vmcs_get(vm, VM_ENTRY_CONTROLS) & ENTRY_IA32E_GUEST) &&
		!(vmcs_get(vm, GUEST_CR0) & CR0_PG)) ||
	       ((event >> 31 & 1) && (event >> 8 & 7) == EVENT_OTHER);
}

/* One field of the VMCS, of those that are put back. */
static void spoil_vmcs(VM *vm, const struct start *start)
{
	struct minivmx_vmcs_field field = start->fields[below(start->nr_fields)];

	if (field.encoding == PREEMPTION_TIMER_VALUE)
		return;
	vm_must(!minivmx_get_vmcs(vm->vcpu, &field, 1));
	field.value = below(3) ? field.value ^ 1UL << below(below(2) ? 16 : 64) : any_value();
	minivmx_set_vmcs(vm->vcpu, &field, 1);
}

/* All of it as it was; the windows in the controls may be those of the last round. */
static void restore_vmcs(VM *vm, const struct start *start)
{
	struct minivmx_vmcs_field fields[NR_ALL];
	unsigned int i;

	memcpy(fields, start->fields, sizeof(fields));
	if (!minivmx_set_vmcs(vm->vcpu, fields, start->nr_fields))
		return;
	for (i = 0; i < start->nr_fields; i++)
		if (fields[i].result)
			fields[i].value ^= fields[i].refused;
	fuzz_must(!minivmx_set_vmcs(vm->vcpu, fields, start->nr_fields));
}

static void spoil_msrs(VM *vm)
{
	struct minivmx_msr msr;
	unsigned int n = 3;

	while (n--) {
		msr = (struct minivmx_msr) {
			.index = msrs[below(ARRAY_LEN(msrs))], .data = any_value(),
		};
		minivmx_set_msrs(vm->vcpu, &msr, 1);
	}
}

static void spoil_fpu(VM *vm)
{
	uint8_t area[8192];

	if (vm->info.xsave_size > sizeof(area))
		return;
	vm_must(!minivmx_get_xsave(vm->vcpu, area, vm->info.xsave_size));
	memset(area + 160, random64(), 256);
	minivmx_set_xsave(vm->vcpu, area, vm->info.xsave_size);
}

/* The vCPU in a state that depends on the round's number alone. */
static void prepare(struct guest *g, const struct start *start)
{
	struct minivmx_events none = { 0 };
	struct minivmx_sregs sregs = start->sregs;
	struct minivmx_regs *regs = &g->vm.run->regs;
	unsigned int n;
	VM *vm = &g->vm;

	if (!below(16))
		vm_must(!madvise(vm->mem, MEMORY, MADV_DONTNEED));
	copy_memory(vm->mem, start->memory);
	code_by_chance(vm_at(vm, VM_CODE), 0x1000);
	if (!below(3))
		spoil_tables(vm->mem);

	fuzz_must(!minivmx_set_events(vm->vcpu, &none));
	restore_vmcs(vm, start);
	if (g->has_apic)
		fuzz_must(!minivmx_set_apic(vm->vcpu, &g->apic));
	for (n = below(3); n; n--)
		spoil_sregs(&sregs);
	if (minivmx_set_sregs(vm->vcpu, &sregs))
		fuzz_must(!minivmx_set_sregs(vm->vcpu, &start->sregs));
	*regs = start->regs;
	regs->rip += below(0xf00);
	change_registers(regs);
	if (!below(2))
		spoil_msrs(vm);
	if (!below(8))
		spoil_fpu(vm);
	for (n = below(4) ? 0 : 1 + below(3); n; n--)
		spoil_vmcs(vm, start);
	vm->run->action = MINIVMX_RETRY;
	vm->run->request = 0;
	vm->run->event.flags = 0;
}

/* What of the guest's exits comes here: the same in a block of rounds. */
static void route_by_chance(VM *vm)
{
	const bool all = !below(4);
	unsigned int reason;

	for (reason = 0; reason < MINIVMX_NR_EXITS; reason++)
		if (reason != REASON_TIMER)
			minivmx_set_route(vm->vcpu, reason, all || !below(6) ?
					  MINIVMX_ROUTE_USER : MINIVMX_ROUTE_KERNEL);
}

static void inject_by_chance(struct minivmx_run *run)
{
	static const uint8_t types[] = {
		MINIVMX_EVENT_EXTINT, MINIVMX_EVENT_NMI, MINIVMX_EVENT_EXCEPTION,
		MINIVMX_EVENT_SOFTINT, MINIVMX_EVENT_PRIVSOFT, MINIVMX_EVENT_SOFTEXC,
	};

	run->event = (struct minivmx_event) {
		.flags = MINIVMX_EVENT_VALID | (below(2) ? MINIVMX_EVENT_ERROR : 0),
		.type = types[below(ARRAY_LEN(types))], .vector = below(below(2) ? 32 : 256),
		.insn_len = below(16), .error_code = random64(), .cr2 = any_value(),
	};
	if (run->event.type == MINIVMX_EVENT_NMI)
		run->event.vector = NMI;
}

/* Whether the guest goes on, and how. */
static bool answer(struct minivmx_run *run)
{
	bool can_skip = true;

	switch (run->kind) {
	case MINIVMX_EXIT_VMX:
		run->regs.rax = any_value();
		run->regs.rdx = any_value();
		can_skip = run->exit.reason != REASON_TIMER;
		break;
	case MINIVMX_EXIT_IO:
		memset(run->io.data, random64(), below(4) ? 8 : sizeof(run->io.data));
		break;
	case MINIVMX_EXIT_MMIO:
		run->mmio.data = any_value();
		break;
	case MINIVMX_EXIT_HYPERCALL:
		run->regs.rax = any_value();
		break;
	case MINIVMX_EXIT_HLT:
		break;
	case MINIVMX_EXIT_SHUTDOWN:
	case MINIVMX_EXIT_ENTRY_FAIL:
	case MINIVMX_EXIT_INTR:
		return false;
	case MINIVMX_EXIT_DEAD:
		finding("the guest's VM is dead; the kernel log says why");
		return false;
	default:
		can_skip = false;
		break;
	}
	run->action = can_skip && below(16) ? MINIVMX_SKIP : MINIVMX_RETRY;
	if (!can_skip && below(2))
		run->regs.rip += 1 + below(4);
	run->request = below(16) ? 0 : below(4);
	if (!below(12))
		inject_by_chance(run);
	if (!below(4))
		change_registers(&run->regs);
	return true;
}

static void play(struct guest *g)
{
	const struct start *start = &g->starts[below(NR_MODES)];
	struct minivmx_run *run = g->vm.run;
	unsigned int n;
	int ret;

	prepare(g, start);
	if (ends_bochs(&g->vm))
		return;
	for (n = 0; n < ENTRIES; n++) {
		runs++;
		entries++;
		ret = run_and_look(g->vm.vcpu);
		if (ret == -EINTR) {
			interrupted++;
			break;
		}
		if (ret == -EBUSY || ret == -EINVAL) {
			/* Refused: there is nothing to skip, or an event waits already. */
			run->event.flags = 0;
			run->action = MINIVMX_RETRY;
			continue;
		}
		if (ret) {
			finding("RUN fails: %s", strerror(-ret));
			break;
		}
		kinds[run->kind & 15]++;
		if (!answer(run))
			break;
	}
	check_host();
}

/* ---- All of it ---- */

static void interrupt(int signal)
{
}

/* A guest that exits without end, or waits, and never comes back to its program. */
static void interrupt_long_runs(void)
{
	struct itimerval every = { { 0, 20000 }, { 0, 20000 } };
	struct sigaction action = { .sa_handler = interrupt };

	fuzz_must(!sigaction(SIGALRM, &action, NULL));
	fuzz_must(!setitimer(ITIMER_REAL, &every, NULL));
}

static void *watch(void *unused)
{
	unsigned long before = 0, same = 0;

	while (true) {
		sleep(1);
		same = runs == before ? same + 1 : 0;
		before = runs;
		if (same < STUCK_S)
			continue;
		finding("a RUN has not come back for %d s, with a signal pending", STUCK_S);
		_exit(fuzz_end());
	}
	return NULL;
}

static void start_watching(void)
{
	pthread_t thread;
	sigset_t set;

	/* The signal is for the thread that runs guests. */
	sigfillset(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	fuzz_must(!pthread_create(&thread, NULL, watch, NULL));
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	pthread_detach(thread);
}

static void end_guests(void)
{
	unsigned int i;

	for (i = 0; i < 2; i++)
		vm_destroy(&guests[i].vm);
	for (i = 0; i < NR_COUNTS; i++)
		if (counter(i))
			finding("the module still counts %ld %s", counter(i), counter_names[i]);
}

int main(int argc, char **argv)
{
	unsigned int i;

	fuzz_start("guest_fuzz", argc, argv);
	fuzz_must(!load_probe());
	host_fd = open("/sys/kernel/debug/probe/host", O_RDONLY | O_CLOEXEC);
	fuzz_must(host_fd >= 0);
	pin_to_cpu(0);
	has_avx = __builtin_cpu_supports("avx");
	make_pattern();
	for (i = 0; i < 2; i++)
		make_guest(&guests[i], i);
	start_watching();
	interrupt_long_runs();
	read_host(host_before);
	for (; fuzz_goes_on(); fuzz.round++) {
		struct guest *g = &guests[fuzz.round / BLOCK % 2];

		if (fuzz.round % BLOCK == 0 || fuzz.round == fuzz.first) {
			chance_start(~fuzz.seed, fuzz.round / BLOCK);
			route_by_chance(&g->vm);
			fuzz_check_taint();
		}
		chance_start(fuzz.seed, fuzz.round);
		play(g);
	}
	setitimer(ITIMER_REAL, &(struct itimerval) { 0 }, NULL);
	end_guests();
	close(host_fd);
	unload_probe();
	fuzz_check_taint();
	printf("# %lu entries, %lu cut off by a signal; exits by kind:", entries, interrupted);
	for (i = 0; i < ARRAY_LEN(kinds); i++)
		printf(" %lu", kinds[i]);
	printf("\n");
	return fuzz_end();
}
