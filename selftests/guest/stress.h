/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the guest of stress.c and the program that runs it (vmx/stress_test.c) share:
 * where things are in the guest's memory, and the books that both keep.
 */
#ifndef SELFTESTS_GUEST_STRESS_H
#define SELFTESTS_GUEST_STRESS_H

#include <stdint.h>

enum { STRESS_CPUS = 4, STRESS_PAGES = 8 };

/* Addresses; where the tables are that 64-bit mode needs vm.h says. */
#define STRESS_GDT	0x1000
#define STRESS_IDT	0x2000
#define STRESS_PML4	0x4000
#define STRESS_STACKS	0x30000		/* top of the first CPU's; the others' are below */
#define STRESS_STACK	0x4000		/* bytes of each */
#define STRESS_BOOKS	0x40000		/* struct stress */
#define STRESS_END	0x60000		/* of all of this */
#define STRESS_LIVE	0x800000	/* pages that the program takes away and gives back */

/* The word of a CPU in each of those pages. */
#define STRESS_WORD(page, cpu)	(STRESS_LIVE + (page) * 0x1000UL + (cpu) * 64)

/* To whom an IPI goes. In the order of priority, the last comes first. */
enum stress_kind {
	TO_SELF,	/* the shorthand, or the register SELF IPI */
	TO_ALL,		/* shorthands, with the sender */
	TO_OTHERS,	/* and without it */
	TO_ONE,		/* a physical destination */
	TO_SOME,	/* a logical destination: any set of them */
	TO_EVERYONE,	/* the physical destination that is all */
	TO_LOWEST,	/* lowest priority: one of a set */
	NMI_TO_OTHERS,	/* an NMI, by the shorthand */
	NR_KINDS
};

/* What a CPU does, time and again. */
enum stress_op {
	OP_IPI,		/* send one, and wait until all have said that they took it */
	OP_MUTEX,	/* wait for a mutex in HLT, woken by an IPI of its last holder */
	OP_SPINLOCK,
	OP_TIMER,	/* wait in HLT for the timer started before, and start it again */
	OP_LIVE,	/* count in a page of STRESS_LIVE */
	OP_OUT,		/* an exit to the program */
	OP_CLOSED,	/* keep interrupts out for a while, by IF or by CR8 */
	NR_CHAOS,
	/* With @in_turns. */
	OP_LEAD = NR_CHAOS, /* call all others, and wait in HLT for their answers */
	OP_FOLLOW,	/* wait for the call, and answer */
	NR_OPS
};

/* What it waits for in HLT, if it does. */
enum stress_wait {
	NOTHING, FOR_ANSWERS, FOR_MUTEX, FOR_TIMER, FOR_END, FOR_CALL, NR_WAITS
};

/* RAX at the VMCALL that ends it; any other is the line of stress.c that complains. */
#define STRESS_DONE	0

/* Vector of the program's messages; stress.c has those of the guest. */
#define STRESS_MSI	0xa0

/*
 * Each interrupt is answered before its sender sends the same vector again, so that
 * none may be merged with another: what was sent and what was taken is equal, exactly.
 */
struct stress_cpu {
	uint32_t op;			/* what it does, or did last */
	uint32_t kind;			/* OP_IPI: which */
	uint32_t wait;			/* enum stress_wait */
	uint32_t flags[NR_WAITS];	/* what it waits for has come */
	uint32_t pending;		/* CPUs that have not taken its IPI yet */
	uint64_t ops[NR_OPS];		/* done */
	uint64_t kinds[NR_KINDS];
	uint64_t sleeps;		/* HLTs executed */
	uint32_t sent[STRESS_CPUS][NR_KINDS];	/* to each; TO_LOWEST: see there */
	uint32_t taken[STRESS_CPUS][NR_KINDS];	/* from each */
	uint32_t wakes_sent[STRESS_CPUS], wakes_taken;
	uint32_t timers_started, timers_ended;
	uint32_t messages;		/* of the program, taken */
	uint32_t answers;		/* taken, of OP_LEAD */
	uint32_t live[STRESS_PAGES];	/* what its words there are to be */
	uint32_t random;
} __attribute__((aligned(64)));

struct stress {
	/* The program's. */
	uint32_t x2apic;
	uint32_t in_turns;		/* do OP_LEAD and OP_FOLLOW, and nothing else */
	uint32_t ticks_per_us;		/* of the TSC */
	uint32_t stop;			/* do not begin anything new */

	/* Barriers. */
	uint32_t up, finished;
	uint32_t leader;		/* 1 + CPU; 0: it is over */

	/* The mutex: tickets, and what becomes of those that are next. */
	uint32_t next;
	uint32_t slots[8];
	uint32_t holder;		/* 1 + CPU */
	uint64_t before, after;		/* counted at both ends of a critical section */
	uint64_t tsc;			/* of its last holder */
	uint32_t nmi_sender;

	uint32_t spinlock;
	uint64_t spun;			/* counted while it is held */

	struct stress_cpu cpus[STRESS_CPUS];
};

#endif /* SELFTESTS_GUEST_STRESS_H */
