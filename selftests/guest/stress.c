// SPDX-License-Identifier: GPL-2.0
/*
 * A guest whose CPUs do nothing but disturb each other: IPIs in every way there is,
 * timers, HLT, locks. Nothing may be lost: whoever waits does so in HLT for one
 * interrupt, and would wait for ever.
 *
 * 64-bit code without anything below it; vmx/stress_test.c loads it at 10000H, starts
 * the first CPU there, and settles the books of stress.h at the end.
 */
#include "stress.h"
#include "../../module/lapic.h"

#define APIC		0xfee00000UL
#define MSR_APIC_BASE	0x1b
#define MSR_DEADLINE	0x6e0
#define MSR_X2APIC(reg)	(0x800 + ((reg) >> 4))

/* ICR; a vector and the mode "fixed" are added to these. */
#define LOGICAL		(1 << 11)
#define ASSERT		(1 << 14)
#define SELF		(LAPIC_TO_SELF << 18)
#define ALL		(LAPIC_TO_ALL << 18)
#define OTHERS		(LAPIC_TO_OTHERS << 18)
#define MODE(mode)	((mode) << 8)

/* Vectors: a priority class for each kind of IPI, and in it one for each sender. */
#define VECTOR_NMI	2
#define FIRST_IPI	0x30
#define LAST_IPI	0x9f
#define IPI(kind, cpu)	(FIRST_IPI + (kind) * 16 + (cpu))
#define ANSWERED	0xb0
#define WAKE		0xc0
#define TIMER		0xd0
#define END		0xe0
#define CALL		0xe1
#define ANSWER(cpu)	(0xf0 + (cpu))
#define ERROR		0xfe
#define SPURIOUS	0xff

#define books		((struct stress *)STRESS_BOOKS)

#define STRING_(x)	#x
#define STRING(x)	STRING_(x)

/* ---------------------------------------------------------------------- */
/* The first instructions, and what interrupts meet                        */
/* ---------------------------------------------------------------------- */

/* The program starts the first CPU here, at the image's begin, in 64-bit mode. */
asm(".text\n"
	".code64\n"
	"start:	mov $" STRING(STRESS_STACKS) ", %esp\n"
	"	call first_cpu\n"
	"	ud2\n");

/* The others begin in real mode, by a SIPI, at the start of a page. */
asm(".text\n"
	".balign 4096\n"
	".code16\n"
	"other:	cli\n"
	"	mov %cs, %ax\n"
	"	mov %ax, %ds\n"
	"	lgdtl other_gdt - other\n"
	"	lidtl other_idt - other\n"
	"	mov $0x620, %eax\n"		/* PAE, OSFXSR, OSXMMEXCPT */
	"	mov %eax, %cr4\n"
	"	mov $" STRING(STRESS_PML4) ", %eax\n"
	"	mov %eax, %cr3\n"
	"	mov $0xc0000080, %ecx\n"	/* EFER.LME */
	"	rdmsr\n"
	"	bts $8, %eax\n"
	"	wrmsr\n"
	"	mov $0x80010031, %eax\n"	/* PG, WP, NE, ET, PE */
	"	mov %eax, %cr0\n"
	"	ljmpl $0x10, $1f\n"
	".code64\n"
	"1:	mov $0x18, %eax\n"
	"	mov %eax, %ss\n"
	"	mov %eax, %ds\n"
	"	mov %eax, %es\n"
	"	mov $1, %eax\n"			/* EBX: initial APIC id in bits 31:24 */
	"	cpuid\n"
	"	shr $24, %ebx\n"
	"	imul $" STRING(STRESS_STACK) ", %ebx\n"
	"	mov $" STRING(STRESS_STACKS) ", %esp\n"
	"	sub %ebx, %esp\n"
	"	call other_cpu\n"
	"	ud2\n"
	"other_gdt: .word 0x3f; .long " STRING(STRESS_GDT) "\n"
	"other_idt: .word 0xfff; .long " STRING(STRESS_IDT) "\n");

extern const char other[];

/* One stub a vector, 16 bytes each, on the way to interrupt() below. */
asm(".text\n"
	".balign 16\n"
	"stubs:\n"
	".set vector, 0\n"
	".rept 256\n"
	"	.balign 16\n"
	"	push $vector\n"
	"	jmp 1f\n"
	"	.set vector, vector + 1\n"
	".endr\n"
	"	.balign 16\n"
	"1:	push %rdi; push %rax; push %rcx; push %rdx; push %rsi\n"
	"	push %r8; push %r9; push %r10; push %r11\n"
	"	mov 72(%rsp), %rdi\n"
	"	cld\n"
	"	call interrupt\n"
	"	pop %r11; pop %r10; pop %r9; pop %r8\n"
	"	pop %rsi; pop %rdx; pop %rcx; pop %rax; pop %rdi\n"
	"	add $8, %rsp\n"
	"	iretq\n");

extern const char stubs[];

static void set_gate(unsigned int vector)
{
	uint64_t handler = (uint64_t)stubs + 16 * vector;
	uint64_t *gate = (uint64_t *)STRESS_IDT + 2 * vector;

	/* An interrupt gate, and the code segment of libminivmx's GDT. */
	gate[0] = (handler & 0xffff) | 0x10 << 16 | 0x8e00UL << 32 | (handler >> 16) << 48;
	gate[1] = 0;
}

/* ---------------------------------------------------------------------- */
/* The CPU                                                                 */
/* ---------------------------------------------------------------------- */

static inline void cli(void)
{
	asm volatile("cli" : : : "memory");
}

static inline void sti(void)
{
	asm volatile("sti" : : : "memory");
}

static inline void pause(void)
{
	asm volatile("pause" : : : "memory");
}

static void pause_for(unsigned int n)
{
	while (n--)
		pause();
}

static inline void set_cr8(uint64_t value)
{
	asm volatile("mov %0, %%cr8" : : "r"(value) : "memory");
}

static inline uint64_t rdtsc(void)
{
	uint32_t low, high;

	asm volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return low | (uint64_t)high << 32;
}

static inline void wrmsr(uint32_t msr, uint64_t value)
{
	asm volatile("mfence; wrmsr" : : "c"(msr), "a"((uint32_t)value),
		     "d"((uint32_t)(value >> 32)) : "memory");
}

static inline uint64_t rdmsr(uint32_t msr)
{
	uint32_t low, high;

	asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	return low | (uint64_t)high << 32;
}

static void __attribute__((noreturn)) end(uint64_t how, uint64_t a, uint64_t b)
{
	for (;;)
		asm volatile("vmcall" : : "a"(how), "b"(a), "c"(b) : "memory");
}

/* Tell the program, with two numbers, that this may not be. */
#define complain(a, b)	end(__LINE__, a, b)

/* Which one is this? Each has its stack. */
static unsigned int cpu_id(void)
{
	uint64_t rsp;

	asm volatile("mov %%rsp, %0" : "=r"(rsp));
	return (STRESS_STACKS - rsp) / STRESS_STACK;
}

static struct stress_cpu *this_cpu(void)
{
	return &books->cpus[cpu_id()];
}

/* Not from interrupts. */
static uint32_t random_below(uint32_t n)
{
	struct stress_cpu *cpu = this_cpu();
	uint32_t r = cpu->random;

	r ^= r << 13;
	r ^= r >> 17;
	r ^= r << 5;
	cpu->random = r;
	return r % n;
}

/* ---------------------------------------------------------------------- */
/* The APIC                                                                */
/* ---------------------------------------------------------------------- */

static uint32_t read_apic(uint32_t reg)
{
	return books->x2apic ? rdmsr(MSR_X2APIC(reg)) : *(volatile uint32_t *)(APIC + reg);
}

static void write_apic(uint32_t reg, uint32_t value)
{
	if (books->x2apic)
		wrmsr(MSR_X2APIC(reg), value);
	else
		*(volatile uint32_t *)(APIC + reg) = value;
}

/* The destination is of x2APIC mode, whose lowest 8 bits mean the same in the other. */
static void send(uint32_t icr, uint32_t dest)
{
	uint64_t flags;

	if (books->x2apic) {
		wrmsr(MSR_X2APIC(LAPIC_ICR), icr | (uint64_t)dest << 32);
		return;
	}
	/* An interrupt that sends must not come between the two halves. */
	asm volatile("pushf; pop %0; cli" : "=r"(flags) : : "memory");
	write_apic(LAPIC_ICR_HIGH, dest << 24);
	write_apic(LAPIC_ICR, icr);
	asm volatile("push %0; popf" : : "r"(flags) : "memory", "cc");
}

static void set_up_apic(unsigned int id)
{
	if (books->x2apic) {
		wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | LAPIC_BASE_X2APIC);
	} else {
		write_apic(LAPIC_DFR, 0xffffffff);
		write_apic(LAPIC_LDR, 1u << (24 + id));
	}
	write_apic(LAPIC_SVR, 1 << 8 | SPURIOUS);
	write_apic(LAPIC_LVT_ERROR, ERROR);
	write_apic(LAPIC_TIMER_DIVIDE, 0xb);	/* by 1 */
}

/* ---------------------------------------------------------------------- */
/* Waiting                                                                 */
/* ---------------------------------------------------------------------- */

static void arrive(struct stress_cpu *cpu, enum stress_wait what)
{
	if (cpu->flags[what])
		complain(what, 1);	/* a second one, before the first was asked for */
	__atomic_store_n(&cpu->flags[what], 1, __ATOMIC_SEQ_CST);
}

static int has_come(struct stress_cpu *cpu, enum stress_wait what)
{
	return __atomic_load_n(&cpu->flags[what], __ATOMIC_SEQ_CST);
}

/* For an interrupt, with nothing else that would end this. */
static void wait_for(enum stress_wait what)
{
	struct stress_cpu *cpu = this_cpu();
	unsigned int spins = random_below(4) ? 0 : random_below(3000);

	cpu->wait = what;
	/* One that finds a CPU executing is another case. */
	while (spins-- && !has_come(cpu, what))
		pause();
	cli();
	while (!has_come(cpu, what)) {
		cpu->sleeps++;
		/* Nothing can come between these two. */
		asm volatile("sti; hlt; cli" : : : "memory");
	}
	sti();
	cpu->flags[what] = 0;
	cpu->wait = NOTHING;
}

/* ---------------------------------------------------------------------- */
/* Interrupts                                                              */
/* ---------------------------------------------------------------------- */

/* The last of those who took an IPI tells its sender. */
static void answer(unsigned int sender)
{
	uint32_t left = __atomic_sub_fetch(&books->cpus[sender].pending, 1, __ATOMIC_SEQ_CST);

	if (left > STRESS_CPUS)
		complain(sender, left);		/* it was taken more often than sent */
	if (!left)
		send(ASSERT | ANSWERED, sender);
}

static void eoi(void)
{
	write_apic(LAPIC_EOI, 0);
}

static void take_ipi(struct stress_cpu *cpu, unsigned int kind, unsigned int sender)
{
	/* Some are over at once, others let those of higher priority in. */
	int at_once = kind & 1;

	if (at_once)
		eoi();
	else
		sti();
	cpu->taken[sender][kind]++;
	answer(sender);
	if (!at_once) {
		cli();
		eoi();
	}
}

static void take_nmi(struct stress_cpu *cpu)
{
	uint32_t icr_high = books->x2apic ? 0 : read_apic(LAPIC_ICR_HIGH);

	cpu->taken[books->nmi_sender][NMI_TO_OTHERS]++;
	answer(books->nmi_sender);
	/* It may have come where no interrupt can, in send(). */
	if (!books->x2apic)
		write_apic(LAPIC_ICR_HIGH, icr_high);
}

static void take_timer(struct stress_cpu *cpu);

/* From the stubs. */
void interrupt(uint64_t vector)
{
	struct stress_cpu *cpu = this_cpu();

	switch (vector) {
	case VECTOR_NMI:
		take_nmi(cpu);
		return;
	case FIRST_IPI ... LAST_IPI:
		if ((vector & 15) >= STRESS_CPUS)
			complain(vector, 0);
		take_ipi(cpu, (vector - FIRST_IPI) / 16, vector & 15);
		return;
	case STRESS_MSI:
		cpu->messages++;
		break;
	case ANSWERED:
		arrive(cpu, FOR_ANSWERS);
		break;
	case WAKE:
		cpu->wakes_taken++;
		arrive(cpu, FOR_MUTEX);
		break;
	case TIMER:
		take_timer(cpu);
		break;
	case END:
		arrive(cpu, FOR_END);
		break;
	case CALL:
		arrive(cpu, FOR_CALL);
		break;
	case ANSWER(0) ... ANSWER(STRESS_CPUS - 1):
		if (++cpu->answers % (STRESS_CPUS - 1) == 0)
			arrive(cpu, FOR_ANSWERS);
		break;
	default:
		complain(vector, read_apic(LAPIC_ESR));
	}
	eoi();
}

/* ---------------------------------------------------------------------- */
/* What is done                                                            */
/* ---------------------------------------------------------------------- */

static void send_ipi(enum stress_kind kind)
{
	const uint32_t all = (1 << STRESS_CPUS) - 1;
	unsigned int self = cpu_id(), cpu, nr;
	struct stress_cpu *me = &books->cpus[self];
	uint32_t icr = ASSERT | IPI(kind, self), dest = 0, to = 0;

	me->kind = kind;
	switch (kind) {
	case TO_SELF:
		icr |= SELF;
		to = 1 << self;
		break;
	case TO_ALL:
		icr |= ALL;
		to = all;
		break;
	case NMI_TO_OTHERS:
		icr = ASSERT | MODE(LAPIC_NMI);
		books->nmi_sender = self;
		/* fallthrough */
	case TO_OTHERS:
		icr |= OTHERS;
		to = all & ~(1 << self);
		break;
	case TO_ONE:
		dest = random_below(STRESS_CPUS);
		to = 1 << dest;
		break;
	case TO_SOME:
		icr |= LOGICAL;
		to = dest = 1 + random_below(all);
		break;
	case TO_EVERYONE:
		dest = 0xffffffff;
		to = all;
		break;
	case TO_LOWEST:
		/* One of them takes it, whoever that is: in the books it is for the sender. */
		icr |= LOGICAL | MODE(LAPIC_LOWEST);
		dest = 1 + random_below(all);
		to = 1 << self;
		break;
	default:
		complain(kind, 0);
	}
	for (cpu = 0, nr = 0; cpu < STRESS_CPUS; cpu++) {
		me->sent[cpu][kind] += to >> cpu & 1;
		nr += to >> cpu & 1;
	}
	me->pending = nr;
	if (kind == TO_SELF && books->x2apic && random_below(2))
		write_apic(LAPIC_SELF_IPI, IPI(kind, self));
	else
		send(icr, dest);
	wait_for(FOR_ANSWERS);
	if (me->pending)
		complain(kind, me->pending);
	me->kinds[kind]++;
}

/*
 * Whoever has a ticket and finds that it is not yet its turn leaves its number in the
 * ticket's slot, and the holder before it sends it an IPI. The slot of a turn that came
 * before anybody asked for it is granted.
 */
enum { SLOT_EMPTY, SLOT_GRANTED, SLOT_WAITS };

static uint32_t *slot_of(uint32_t ticket)
{
	return &books->slots[ticket % 8];
}

static uint32_t lock_mutex(void)
{
	uint32_t ticket = __atomic_fetch_add(&books->next, 1, __ATOMIC_SEQ_CST);
	uint32_t empty = SLOT_EMPTY;

	if (__atomic_compare_exchange_n(slot_of(ticket), &empty, SLOT_WAITS + cpu_id(), 0,
					__ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		wait_for(FOR_MUTEX);
	*slot_of(ticket) = SLOT_EMPTY;
	return ticket;
}

static void unlock_mutex(uint32_t ticket)
{
	uint32_t was = __atomic_exchange_n(slot_of(ticket + 1), SLOT_GRANTED, __ATOMIC_SEQ_CST);

	if (was == SLOT_EMPTY)
		return;
	if (was < SLOT_WAITS)
		complain(ticket, was);
	this_cpu()->wakes_sent[was - SLOT_WAITS]++;
	send(ASSERT | WAKE, was - SLOT_WAITS);
}

static void do_mutex(void)
{
	uint32_t ticket = lock_mutex();
	uint64_t tsc = rdtsc();

	if (books->holder)
		complain(books->holder, cpu_id());
	books->holder = 1 + cpu_id();
	if (books->before != books->after)
		complain(books->before, books->after);
	books->before++;
	/* Their clocks are one. */
	if (tsc < books->tsc)
		complain(tsc, books->tsc);
	books->tsc = tsc;
	/* Long enough for others to want it. */
	if (!random_below(3))
		send_ipi(NMI_TO_OTHERS);
	else if (!random_below(2))
		send_ipi(TO_OTHERS);
	books->after++;
	books->holder = 0;
	unlock_mutex(ticket);
}

static void do_spinlock(void)
{
	unsigned int n = 1 + random_below(20);

	while (n--) {
		while (__atomic_exchange_n(&books->spinlock, 1, __ATOMIC_SEQ_CST))
			pause();
		*(volatile uint64_t *)&books->spun += 1;
		__atomic_store_n(&books->spinlock, 0, __ATOMIC_SEQ_CST);
	}
}

/* When the timer may end, at the earliest. */
static uint64_t timer_end[STRESS_CPUS];

static void start_timer(struct stress_cpu *cpu, uint32_t max_us)
{
	uint32_t ticks = books->ticks_per_us * (1 + random_below(max_us));
	int deadline = random_below(2);

	cpu->timers_started++;
	write_apic(LAPIC_LVT_TIMER, deadline << 18 | TIMER);
	timer_end[cpu_id()] = rdtsc() + ticks;
	if (deadline)
		wrmsr(MSR_DEADLINE, timer_end[cpu_id()]);
	else
		write_apic(LAPIC_TIMER_INITIAL, ticks);
}

static void take_timer(struct stress_cpu *cpu)
{
	uint64_t now = rdtsc();

	if (now < timer_end[cpu_id()])
		complain(now, timer_end[cpu_id()]);
	cpu->timers_ended++;
	arrive(cpu, FOR_TIMER);
}

static void do_timer(struct stress_cpu *cpu)
{
	wait_for(FOR_TIMER);
	start_timer(cpu, 3000);
}

static void do_live(struct stress_cpu *cpu)
{
	uint32_t page, n, was;

	for (n = 0; n < 32; n++) {
		page = random_below(STRESS_PAGES);
		was = __atomic_fetch_add((uint32_t *)STRESS_WORD(page, cpu_id()), 1,
					 __ATOMIC_SEQ_CST);
		if (was != cpu->live[page])
			complain(was, cpu->live[page]);
		cpu->live[page]++;
	}
}

static void do_closed(void)
{
	int by_if = random_below(2);

	if (by_if)
		cli();
	else
		set_cr8(random_below(16));
	pause_for(random_below(3000));
	if (by_if)
		sti();
	else
		set_cr8(0);
}

static void do_op(struct stress_cpu *cpu, enum stress_op op)
{
	cpu->op = op;
	switch (op) {
	case OP_IPI:
		send_ipi(random_below(NMI_TO_OTHERS));
		break;
	case OP_MUTEX:
		do_mutex();
		break;
	case OP_SPINLOCK:
		do_spinlock();
		break;
	case OP_TIMER:
		do_timer(cpu);
		break;
	case OP_LIVE:
		do_live(cpu);
		break;
	case OP_OUT:
		asm volatile("out %%al, $0x80" : : : "memory");
		break;
	case OP_CLOSED:
		do_closed();
		break;
	default:
		complain(op, 0);
	}
	cpu->ops[op]++;
}

/* ---------------------------------------------------------------------- */
/* From start to end                                                       */
/* ---------------------------------------------------------------------- */

/*
 * One calls the others, which answer all at once, and perhaps its timer does, too. All
 * wait in HLT, disturbed by nothing else: there is no other interrupt with which one that
 * was left behind might come after all.
 */
static void lead(struct stress_cpu *cpu, unsigned int self)
{
	unsigned int next = (self + 1) % STRESS_CPUS;
	int with_timer = random_below(2);

	cpu->op = OP_LEAD;
	__atomic_store_n(&books->leader, 1 + self, __ATOMIC_SEQ_CST);
	if (with_timer)
		start_timer(cpu, 300);
	send(ASSERT | OTHERS | CALL, 0);
	wait_for(FOR_ANSWERS);
	if (with_timer)
		wait_for(FOR_TIMER);
	cpu->ops[OP_LEAD]++;
	if (__atomic_load_n(&books->stop, __ATOMIC_SEQ_CST)) {
		__atomic_store_n(&books->leader, 0, __ATOMIC_SEQ_CST);
		send(ASSERT | OTHERS | CALL, 0);
	} else {
		__atomic_store_n(&books->leader, 1 + next, __ATOMIC_SEQ_CST);
		send(ASSERT | CALL, next);
	}
}

static void __attribute__((noreturn)) run_in_turns(struct stress_cpu *cpu)
{
	unsigned int self = cpu_id(), leader = self ? 0 : 1;

	do {
		if (leader == 1 + self) {
			lead(cpu, self);
		} else if (leader) {
			cpu->ops[OP_FOLLOW]++;
			send(ASSERT | ANSWER(self), leader - 1);
		}
		/* Whoever led and ends it has told the others, and is told by none. */
		if (leader == 1 + self && !books->leader)
			break;
		cpu->op = OP_FOLLOW;
		wait_for(FOR_CALL);
		leader = __atomic_load_n(&books->leader, __ATOMIC_SEQ_CST);
		pause_for(random_below(200));
	} while (leader);
	end(STRESS_DONE, 0, 0);
}

/* All CPUs. */
static void __attribute__((noreturn)) run(void)
{
	struct stress_cpu *cpu = this_cpu();

	cpu->random = 0x9e3779b9 * (cpu_id() + 1);
	__atomic_add_fetch(&books->up, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&books->up, __ATOMIC_SEQ_CST) < STRESS_CPUS)
		pause();
	sti();
	if (books->in_turns)
		run_in_turns(cpu);
	start_timer(cpu, 3000);
	while (!__atomic_load_n(&books->stop, __ATOMIC_SEQ_CST)) {
		/* Half of it are IPIs. */
		uint32_t what = random_below(2 * NR_CHAOS);

		do_op(cpu, what < NR_CHAOS ? what : OP_IPI);
	}
	wait_for(FOR_TIMER);
	/* The others may still want answers. */
	if (__atomic_add_fetch(&books->finished, 1, __ATOMIC_SEQ_CST) == STRESS_CPUS)
		send(ASSERT | OTHERS | END, 0);
	else
		wait_for(FOR_END);
	end(STRESS_DONE, 0, 0);
}

void other_cpu(void)
{
	set_up_apic(cpu_id());
	run();
}

void first_cpu(void)
{
	uint64_t address;
	unsigned int vector;

	/* In the EPT, all that the delivery of an interrupt touches: see apic.h. */
	for (address = 0; address < STRESS_END; address += 0x1000)
		__atomic_fetch_or((uint8_t *)address, 0, __ATOMIC_SEQ_CST);
	set_gate(VECTOR_NMI);
	for (vector = 32; vector < 256; vector++)
		set_gate(vector);
	books->slots[0] = SLOT_GRANTED;
	set_up_apic(0);
	send(ASSERT | OTHERS | MODE(LAPIC_INIT), 0);
	send(ASSERT | OTHERS | MODE(LAPIC_SIPI) | (uint64_t)other >> 12, 0);
	run();
}
