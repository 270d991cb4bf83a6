// SPDX-License-Identifier: GPL-2.0
/* Lab 5: interrupts and time. */
#include <string.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "irq.h"
#include "long.h"

const int lab = 5;

#define LOG	LONG_DATA	/* where the handlers write their vectors; R12 is behind the last */

static struct irqs irqs;

static void new_guest(struct vm *vm, struct vcpu *vcpu, uint32_t flags)
{
	new_long(vm, vcpu, flags);
	long_log(vcpu, LOG);
	irq_init(&irqs, vcpu);
}

static void end_guest(struct vm *vm, struct vcpu *vcpu)
{
	irq_destroy(&irqs);
	end_vm(vm, vcpu);
}

static void expect_kind(int kind, const char *where)
{
	int ret = irq_run(&irqs);
	char due[64];

	strcpy(due, kind_text(kind));
	need(ret == kind, "%s: irq_run() instead of that: %s; %s was due", where,
	     exit_text(irqs.vcpu, ret), due);
}

/* The log is these vectors, in this order. */
static void expect_log(struct vcpu *vcpu, const uint8_t *vectors, unsigned int nr,
		       const char *where)
{
	const uint8_t *log = vcpu->vm->mem + LOG;
	uint64_t logged = vcpu->run->regs.r12 - LOG;
	unsigned int i;

	need(logged == nr, "%s: %llu interrupts were taken, not %u", where,
	     (unsigned long long)logged, nr);
	for (i = 0; i < nr; i++)
		need(log[i] == vectors[i], "%s: interrupt %u was of vector %#x, not %#x", where, i,
		     log[i], vectors[i]);
}

/* Different vectors, the highest first. */
static void pick_vectors(uint8_t *vectors, unsigned int nr)
{
	unsigned int i, step = (255 - 32) / nr;

	for (i = 0; i < nr; i++)
		vectors[nr - 1 - i] = 32 + i * step + pick_from(0, step - 1);
}

#define NR_POSTED	6

GUEST64(open, "nop; nop; nop; cli; hlt");

static void post(void)
{
	uint8_t vectors[NR_POSTED];
	struct vcpu vcpu;
	unsigned int i;
	struct vm vm;

	new_guest(&vm, &vcpu, 0);
	pick_vectors(vectors, NR_POSTED);
	for (i = 0; i < NR_POSTED; i++)
		irq_post(&irqs, vectors[(i * 5 + 2) % NR_POSTED]);
	irq_post(&irqs, vectors[1]);
	LONG_CODE_IS(&vcpu, open);
	vcpu.run->regs.rflags = 0x202;
	expect_kind(MINIVMX_EXIT_HLT,
		    "a guest with interrupts enabled, that ends with CLI and HLT");
	expect_log(&vcpu, vectors, NR_POSTED, "six vectors that wait, one of them posted twice");
	end_guest(&vm, &vcpu);
}

GUEST64(closed, "nop; out %al, $0x80; sti; mov %r12, %r13; nop; cli; hlt");

static void window(void)
{
	uint8_t vectors[2];
	struct vcpu vcpu;
	struct vm vm;

	new_guest(&vm, &vcpu, 0);
	pick_vectors(vectors, 2);
	irq_post(&irqs, vectors[1]);
	LONG_CODE_IS(&vcpu, closed);
	expect_kind(MINIVMX_EXIT_IO, "a guest with interrupts disabled, that executes OUT");
	expect_log(&vcpu, vectors, 0, "before STI");
	irq_post(&irqs, vectors[0]);
	vcpu.run->action = MINIVMX_SKIP;
	expect_kind(MINIVMX_EXIT_HLT, "it enables them, and ends with CLI and HLT");
	expect_log(&vcpu, vectors, 2, "a low vector, and a higher one that was posted later");
	need(vcpu.run->regs.r13 == LOG, "an interrupt was taken before the instruction behind STI");
	need(exits_counted(&vcpu, REASON_INTERRUPT_WINDOW) > 0,
	     "the kernel counted no exit by an interrupt window");
	end_guest(&vm, &vcpu);
}

/* ---- From another thread ---- */

struct later {
	uint8_t vector;
	unsigned int ms;
};

static void *post_later(void *arg)
{
	const struct later *later = arg;
	const struct timespec wait = { .tv_nsec = later->ms * 1000000 };

	nanosleep(&wait, NULL);
	irq_post(&irqs, later->vector);
	return NULL;
}

static pthread_t start_later(struct later *later)
{
	pthread_t thread;

	later->vector = pick_from(32, 255);
	later->ms = pick_from(5, 30);
	must(!pthread_create(&thread, NULL, post_later, later));
	return thread;
}

GUEST64(halts, "sti; hlt; mov $1, %r13d; cli; hlt");

static void halt(void)
{
	struct later later;
	struct vcpu vcpu;
	pthread_t thread;
	uint8_t vector;
	struct vm vm;

	new_guest(&vm, &vcpu, 0);
	vcpu.run->regs.r13 = 0;
	LONG_CODE_IS(&vcpu, halts);
	thread = start_later(&later);
	expect_kind(MINIVMX_EXIT_HLT,
		    "STI and HLT, then an interrupt from another thread, then CLI and HLT");
	pthread_join(thread, NULL);
	expect_log(&vcpu, &later.vector, 1, "one interrupt during HLT");
	need(vcpu.run->regs.r13 == 1 && !(vcpu.run->regs.rflags & 0x200),
	     "the guest did not go on behind the HLT that the interrupt ended");
	end_guest(&vm, &vcpu);

	/* One that waits already, and that the guest can take in the HLT first. */
	new_guest(&vm, &vcpu, 0);
	vector = pick_from(32, 255);
	irq_post(&irqs, vector);
	LONG_CODE_IS(&vcpu, halts);
	expect_kind(MINIVMX_EXIT_HLT, "STI and HLT while an interrupt waits");
	expect_log(&vcpu, &vector, 1, "one that waited before STI and HLT");
	end_guest(&vm, &vcpu);
}

GUEST64(spins, "1: cmp %r12, %r13; je 1b; cli; hlt");

/*
 * A thread that has restartable sequences, as the C library gives them to each, leaves RUN
 * whenever it was preempted, and hides here, on one CPU, that nobody has kicked it.
 */
static void without_rseq(void)
{
	void *area = (char *)__builtin_thread_pointer() + __rseq_offset;

	if (__rseq_size)
		must(!syscall(SYS_rseq, area, sizeof(struct rseq), RSEQ_FLAG_UNREGISTER, RSEQ_SIG));
}

static void kick(void)
{
	struct later later;
	struct vcpu vcpu;
	pthread_t thread;
	unsigned int i;
	struct vm vm;

	without_rseq();
	for (i = 0; i < 3; i++) {
		new_guest(&vm, &vcpu, 0);
		vcpu.run->regs.r13 = LOG;
		vcpu.run->regs.rflags = 0x202;
		LONG_CODE_IS(&vcpu, spins);
		thread = start_later(&later);
		expect_kind(MINIVMX_EXIT_HLT,
			    "a guest that does not exit, and an interrupt from another thread");
		pthread_join(thread, NULL);
		expect_log(&vcpu, &later.vector, 1, "one interrupt while it computes");
		end_guest(&vm, &vcpu);
	}
}

/* ---- Time ---- */

GUEST64(waits, "rdtsc; shl $32, %rdx; or %rdx, %rax; mov %rax, %r8;"
	"1: cmp %r12, %r13; je 1b; rdtsc; shl $32, %rdx; or %rdx, %rax; cli; hlt");

static void deadline(void)
{
	uint64_t ticks = pick_from(5000000, 9000000), waited;
	uint8_t vector = pick_from(32, 254);
	struct vcpu vcpu;
	struct vm vm;
	int ret;

	new_guest(&vm, &vcpu, MINIVMX_VM_APIC);
	ret = irq_set_deadline(&vcpu, vector, ticks);
	need(!ret, "irq_set_deadline() returned %s", errno_text(ret));
	vcpu.run->regs.r13 = LOG;
	vcpu.run->regs.rflags = 0x202;
	LONG_CODE_IS(&vcpu, waits);
	expect_kind(MINIVMX_EXIT_HLT, "a guest that waits for the deadline");
	expect_log(&vcpu, &vector, 1, "the deadline");
	waited = vcpu.run->regs.rax - vcpu.run->regs.r8;
	/* Some of them are over when it begins; the host may be slow, but not for that long. */
	need(waited < 2 * ticks + 20000000 && waited > ticks / 4,
	     "the deadline was %llu ticks away, and the guest has waited for %llu",
	     (unsigned long long)ticks, (unsigned long long)waited);
	end_guest(&vm, &vcpu);
}

const struct item items[] = {
	{ "post", "interrupts are taken once each, the highest vector first", 2, .grade = post },
	{ "window", "those that cannot be taken wait, and lose to higher ones", 2,
	  .grade = window },
	{ "halt", "HLT waits for an interrupt", 2, .seconds = 1, .grade = halt },
	{ "kick", "one comes while the guest computes", 2, .seconds = 1, .grade = kick },
	{ "deadline", "one comes at its time", 2, .seconds = 1, .grade = deadline },
	{ 0 }
};
