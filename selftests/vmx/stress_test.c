// SPDX-License-Identifier: GPL-2.0
/*
 * Four vCPUs that do nothing but disturb each other (guest/stress.c), in xAPIC and in
 * x2APIC mode, while the host takes their memory away and sends them messages. In the
 * end all that was sent was taken, exactly; and whoever waited was woken: a vCPU that
 * gets no further is named, with what it waits for and the state of its APIC.
 */
#include <time.h>

#include "../guest/stress.h"
#include "../lib/rounds.h"
#include "apic.h"

/* Nothing that a vCPU does takes a tenth of this, so that one that takes it is stuck. */
#define STUCK_S		10

static const char *const op_names[NR_OPS] = {
	"IPI", "mutex", "spinlock", "timer", "memory", "OUT", "interrupts kept out", "leads",
	"follows",
};
static const char *const kind_names[NR_KINDS] = {
	"self", "all", "all but self", "physical", "logical", "broadcast", "lowest priority",
	"NMI to all but self",
};
static const char *const wait_names[NR_WAITS] = {
	"nothing", "answers to its IPI", "the mutex", "its timer", "the end", "a call",
};

struct stress_vcpu {
	VM vm;				/* of the first, with a vCPU of its own */
	pthread_t thread;
	volatile bool *stop;
	volatile bool ended;
	volatile int kind;		/* how the last RUN ended */
	unsigned long outs, faults;
};

FIXTURE(stress)
{
	struct stress_vcpu v[STRESS_CPUS];
	volatile struct stress *books;
	pthread_t host;
	volatile bool stop;
	unsigned int seconds;
	/* What the host does, and did. */
	volatile unsigned long rounds;
	const char *volatile doing;
	uint32_t sent[STRESS_CPUS];
	unsigned int too_late;		/* writes to what was read-only */
};
typedef FIXTURE_DATA(stress) STRESS;

FIXTURE_VARIANT(stress)
{
	bool x2apic;
};

FIXTURE_VARIANT_ADD(stress, xapic)
{
	.x2apic = false,
};

FIXTURE_VARIANT_ADD(stress, x2apic)
{
	.x2apic = true,
};

static uint64_t now_ms(void)
{
	struct timespec now;

	vm_must(!clock_gettime(CLOCK_MONOTONIC, &now));
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- vCPUs ---- */

static bool is_live(uint64_t gpa)
{
	return gpa >= STRESS_LIVE && gpa < STRESS_WORD(STRESS_PAGES, 0);
}

static void *run_vcpu(void *arg)
{
	struct stress_vcpu *v = arg;
	struct minivmx_run *run = v->vm.run;
	int ret;

	run->action = MINIVMX_RETRY;
	while (!*v->stop) {
		ret = minivmx_run(v->vm.vcpu);
		v->kind = ret ?: (int)run->kind;
		run->action = MINIVMX_RETRY;
		if (v->kind == MINIVMX_EXIT_IO && run->io.port == 0x80) {
			v->outs++;
			run->action = MINIVMX_SKIP;
		} else if (v->kind == MINIVMX_EXIT_MEMORY && is_live(run->memory.gpa)) {
			v->faults++;
			usleep(100);
		} else if (v->kind != -EINTR && v->kind != MINIVMX_EXIT_INTR) {
			break;
		}
	}
	v->ended = true;
	return NULL;
}

static void load_guest(VM *vm)
{
	char image[STRESS_STACKS - VM_CODE];
	FILE *file = fopen("guest/stress.bin", "r");
	size_t size;

	vm_must(file);
	size = fread(image, 1, sizeof(image), file);
	vm_must(size && feof(file));
	fclose(file);
	vm_long_(vm, image, size);
}

FIXTURE_SETUP(stress)
{
	VM *vm = &self->v[0].vm;
	unsigned int i;

	vm_flags = MINIVMX_VM_APIC;
	vm_create(vm);
	load_guest(vm);
	/* Pages that keep what is in them when they are taken out of the page tables. */
	vm_must(mmap(vm_at(vm, STRESS_LIVE), STRESS_PAGES * 0x1000, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED);
	self->books = vm_at(vm, STRESS_BOOKS);
	self->books->x2apic = variant->x2apic;
	self->books->ticks_per_us = vm->info.tsc_khz / 1000 ?: 1;
	for (i = 0; i < STRESS_CPUS; i++) {
		struct stress_vcpu *v = &self->v[i];

		if (i) {
			v->vm = *vm;
			vm_new_vcpu(&v->vm, i);
		}
		v->stop = &self->stop;
	}
}

FIXTURE_TEARDOWN(stress)
{
	unsigned int i;

	for (i = 1; i < STRESS_CPUS; i++) {
		minivmx_unmap_run(self->v[i].vm.run, self->v[i].vm.info.run_size);
		close(self->v[i].vm.vcpu);
	}
	vm_destroy(&self->v[0].vm);
}

/* ---- The host ---- */

/* Nobody writes what was made read-only, from when that call has returned. */
static void expect_unchanged(STRESS *self, unsigned int page)
{
	volatile uint32_t *word = vm_at(&self->v[0].vm, STRESS_WORD(page, 0));
	uint32_t before[STRESS_CPUS];
	unsigned int i;

	for (i = 0; i < STRESS_CPUS; i++)
		before[i] = word[i * 64 / 4];
	usleep(300);
	for (i = 0; i < STRESS_CPUS; i++)
		self->too_late += before[i] != word[i * 64 / 4];
}

static void send_message(STRESS *self, unsigned int to)
{
	const uint64_t address = APIC | to << 12;

	vm_must(!minivmx_signal_msi(self->v[0].vm.fd, address, STRESS_MSI));
	self->sent[to]++;
	while (!self->stop && self->books->cpus[to].messages != self->sent[to])
		usleep(100);
}

static void disturb(STRESS *self, unsigned int round)
{
	unsigned int page = round / 4 % STRESS_PAGES, cpu = round / 4 % STRESS_CPUS;
	VM *vm = &self->v[0].vm;
	uint64_t gpa = STRESS_WORD(page, 0);

	switch (round % 4) {
	case 0:
		self->doing = "MADV_DONTNEED";
		vm_must(!madvise(vm_at(vm, STRESS_LIVE), STRESS_PAGES * 0x1000, MADV_DONTNEED));
		break;
	case 1:
		self->doing = "mprotect()";
		vm_must(!mprotect(vm_at(vm, gpa), 0x1000, PROT_READ));
		expect_unchanged(self, page);
		vm_must(!mprotect(vm_at(vm, gpa), 0x1000, PROT_READ | PROT_WRITE));
		break;
	case 2:
		self->doing = "PROTECT_MEMORY";
		vm_must(!minivmx_protect(vm->fd, gpa, 0x1000, MINIVMX_PROT_READ));
		expect_unchanged(self, page);
		vm_must(!minivmx_protect(vm->fd, gpa, 0x1000, VM_RWX));
		break;
	case 3:
		self->doing = "a message, to be taken by its vCPU";
		send_message(self, cpu);
		break;
	}
}

/* Each vCPU has done everything there is to do. */
static bool all_is_done(STRESS *self)
{
	unsigned int i, n;

	for (i = 0; i < STRESS_CPUS; i++) {
		for (n = 0; n < NR_CHAOS; n++)
			if (!self->books->cpus[i].ops[n])
				return false;
		for (n = 0; n < NR_KINDS; n++)
			if (!self->books->cpus[i].kinds[n])
				return false;
	}
	return true;
}

static void *run_host(void *arg)
{
	STRESS *self = arg;
	uint64_t end;

	/* An APIC that is not enabled yet takes no message. */
	self->doing = "waiting for the start";
	while (!self->stop && self->books->up < STRESS_CPUS)
		usleep(1000);
	end = now_ms() + self->seconds * 1000;
	while (!self->stop && (now_ms() < end || !all_is_done(self))) {
		disturb(self, self->rounds++);
		usleep(500);
	}
	self->doing = "nothing any more";
	self->books->stop = 1;
	return NULL;
}

/* No vCPU is to have an interrupt, or an exit, for anything that is done here. */
static void *run_quiet_host(void *arg)
{
	STRESS *self = arg;
	uint64_t end = now_ms() + self->seconds * 1000;

	self->doing = "nothing";
	while (!self->stop && now_ms() < end) {
		self->rounds++;
		usleep(10000);
	}
	self->books->stop = 1;
	return NULL;
}

/* ---- Who is stuck ---- */

static uint64_t ops_of(volatile const struct stress_cpu *cpu)
{
	uint64_t sum = 0;
	unsigned int n;

	for (n = 0; n < NR_OPS; n++)
		sum += cpu->ops[n];
	return sum;
}

static void print_vectors(const char *name, const uint32_t *regs, unsigned int map)
{
	unsigned int vector;

	fprintf(stderr, " %s:", name);
	for (vector = 0; vector < 256; vector++)
		if (regs[map / 4 + vector / 32 * 4] >> vector % 32 & 1)
			fprintf(stderr, " %02x", vector);
}

static void describe_work(STRESS *self, unsigned int i)
{
	volatile const struct stress_cpu *cpu = &self->books->cpus[i];

	fprintf(stderr, "# vCPU %u: %s%s%s, %lu done, waits for %s", i, op_names[cpu->op],
		cpu->op == OP_IPI ? ", " : "", cpu->op == OP_IPI ? kind_names[cpu->kind] : "",
		(unsigned long)ops_of(cpu), wait_names[cpu->wait]);
	if (cpu->wait == FOR_ANSWERS)
		fprintf(stderr, ", %u of them", cpu->pending);
	fprintf(stderr, "; %u of %u messages\n", cpu->messages, self->sent[i]);
}

static bool is_done(const struct stress_vcpu *v)
{
	return v->kind == MINIVMX_EXIT_HYPERCALL && v->vm.run->regs.rax == STRESS_DONE;
}

/*
 * After the end of its RUN: as it was when it was stuck, but that GET_APIC has what was on
 * its way arrive. One that is halted with something in IRR that IF and PPR let through
 * should have been woken; if there is nothing, it was not sent, or lost before.
 */
static void describe_vcpu(STRESS *self, unsigned int i)
{
	struct stress_vcpu *v = &self->v[i];
	struct minivmx_regs *regs = &v->vm.run->regs;
	uint32_t apic[MINIVMX_APIC_SIZE / 4];
	struct minivmx_apic state;

	if (is_done(v))
		return;
	fprintf(stderr, "# vCPU %u: RIP %llx, RFLAGS %llx, RSP %llx, the last exit %d\n", i,
		regs->rip, regs->rflags, regs->rsp, v->kind);
	if (v->kind == MINIVMX_EXIT_HYPERCALL)
		fprintf(stderr, "#   line %lld of guest/stress.c complains: %#llx, %#llx\n",
			regs->rax, regs->rbx, regs->rcx);
	if (minivmx_get_apic(v->vm.vcpu, &state, apic))
		return;
	fprintf(stderr, "#   activity %u, TPR %02x, PPR %02x", state.activity,
		apic[LAPIC_TPR / 4], apic[LAPIC_PPR / 4]);
	print_vectors("IRR", apic, LAPIC_IRR);
	print_vectors("ISR", apic, LAPIC_ISR);
	fprintf(stderr, "\n#   timer %08x, initial count %u, current %u, deadline %llu\n",
		apic[LAPIC_LVT_TIMER / 4], apic[LAPIC_TIMER_INITIAL / 4],
		apic[LAPIC_TIMER_CURRENT / 4], state.deadline);
}

/* Does each get on, until all are done? */
static bool watch(STRESS *self)
{
	uint64_t seen[STRESS_CPUS + 1] = {}, when[STRESS_CPUS + 1], count;
	unsigned int i, ended;

	for (i = 0; i <= STRESS_CPUS; i++)
		when[i] = now_ms();
	for (;; usleep(50000)) {
		for (i = ended = 0; i < STRESS_CPUS; i++) {
			if (!self->v[i].ended)
				continue;
			if (!is_done(&self->v[i]))
				return false;
			ended++;
		}
		if (ended == STRESS_CPUS)
			return true;
		for (i = 0; i <= STRESS_CPUS; i++) {
			count = i < STRESS_CPUS ? ops_of(&self->books->cpus[i]) : self->rounds;
			if (count != seen[i])
				when[i] = now_ms();
			else if (now_ms() - when[i] > STUCK_S * 1000 && !self->books->stop)
				break;
			/* At the end they may be done before the slowest is. */
			else if (now_ms() - when[i] > 2 * STUCK_S * 1000)
				break;
			seen[i] = count;
		}
		if (i > STRESS_CPUS)
			continue;
		if (i < STRESS_CPUS)
			fprintf(stderr, "# vCPU %u is stuck\n", i);
		else
			fprintf(stderr, "# the host is stuck\n");
		return false;
	}
}

static void on_signal(int number)
{
}

/* By a kick, or if that is lost as well by a signal. */
static void end_vcpu(STRESS *self, unsigned int i)
{
	struct stress_vcpu *v = &self->v[i];
	unsigned int ms;

	minivmx_kick(v->vm.vcpu);
	for (ms = 0; !v->ended && ms < 2000; ms++)
		usleep(1000);
	if (!v->ended)
		fprintf(stderr, "# a kick does not end the RUN of vCPU %u\n", i);
	for (; !v->ended; usleep(10000))
		pthread_kill(v->thread, SIGUSR1);
	vm_must(!pthread_join(v->thread, NULL));
}

static bool run_all(STRESS *self, void *(*host)(void *))
{
	const struct sigaction action = { .sa_handler = on_signal };
	unsigned int i;
	bool ok;

	vm_must(!sigaction(SIGUSR1, &action, NULL));
	for (i = 0; i < STRESS_CPUS; i++)
		vm_must(!pthread_create(&self->v[i].thread, NULL, run_vcpu, &self->v[i]));
	vm_must(!pthread_create(&self->host, NULL, host, self));
	ok = watch(self);
	if (!ok) {
		fprintf(stderr, "# the host: %s, %lu rounds\n", self->doing, self->rounds);
		for (i = 0; i < STRESS_CPUS; i++)
			describe_work(self, i);
	}
	self->stop = true;
	for (i = 0; i < STRESS_CPUS; i++)
		end_vcpu(self, i);
	vm_must(!pthread_join(self->host, NULL));
	for (i = 0; i < STRESS_CPUS; i++)
		describe_vcpu(self, i);
	return ok;
}

/* ---- The books ---- */

static void print_totals(STRESS *self, bool x2apic, uint64_t ms)
{
	uint64_t ops[NR_OPS] = {}, kinds[NR_KINDS] = {}, sleeps = 0;
	unsigned long faults = 0;
	unsigned int i, n;

	for (i = 0; i < STRESS_CPUS; i++) {
		for (n = 0; n < NR_OPS; n++)
			ops[n] += self->books->cpus[i].ops[n];
		for (n = 0; n < NR_KINDS; n++)
			kinds[n] += self->books->cpus[i].kinds[n];
		sleeps += self->books->cpus[i].sleeps;
		faults += self->v[i].faults;
	}
	fprintf(stderr, "# %s, %lu ms: %lu HLTs", x2apic ? "x2APIC" : "xAPIC", ms, sleeps);
	for (n = 0; n < NR_CHAOS; n++)
		fprintf(stderr, ", %lu %s", ops[n], op_names[n]);
	fprintf(stderr, "\n# IPIs:");
	for (n = 0; n < NR_KINDS; n++)
		fprintf(stderr, "%s %lu %s", n ? "," : "", kinds[n], kind_names[n]);
	fprintf(stderr, "\n# the host: %lu rounds, %lu accesses kept waiting\n", self->rounds,
		faults);
}

TEST_F_TIMEOUT(stress, nothing_is_lost, 10000)
{
	struct stress *books = (struct stress *)self->books;
	uint64_t start = now_ms(), mutexes = 0, lowest_sent = 0, lowest_taken = 0;
	unsigned int i, from, kind, page;
	uint32_t sent, taken;

	self->seconds = rounds(1, 60);
	ASSERT_TRUE(run_all(self, run_host));
	print_totals(self, variant->x2apic, now_ms() - start);

	for (i = 0; i < STRESS_CPUS; i++) {
		struct stress_cpu *cpu = &books->cpus[i];

		for (from = 0; from < STRESS_CPUS; from++) {
			for (kind = 0; kind < NR_KINDS; kind++) {
				sent = books->cpus[from].sent[i][kind];
				taken = cpu->taken[from][kind];
				if (kind == TO_LOWEST) {
					lowest_sent += sent;
					lowest_taken += taken;
					continue;
				}
				EXPECT_EQ(sent, taken) {
					TH_LOG("%s from vCPU %u to vCPU %u", kind_names[kind],
					       from, i);
				}
			}
		}
		for (from = sent = 0; from < STRESS_CPUS; from++)
			sent += books->cpus[from].wakes_sent[i];
		EXPECT_EQ(sent, cpu->wakes_taken);
		EXPECT_EQ(cpu->timers_started, cpu->timers_ended);
		EXPECT_EQ(self->sent[i], cpu->messages);
		EXPECT_EQ(cpu->ops[OP_OUT], self->v[i].outs);
		for (page = 0; page < STRESS_PAGES; page++)
			EXPECT_EQ(cpu->live[page], *vm_u32(&self->v[0].vm, STRESS_WORD(page, i)));
		mutexes += cpu->ops[OP_MUTEX];
	}
	EXPECT_EQ(lowest_sent, lowest_taken);
	EXPECT_EQ(mutexes, books->before);
	EXPECT_EQ(mutexes, books->after);
	EXPECT_EQ(mutexes, books->next);
	EXPECT_EQ(0, self->too_late);
}

TEST_F_TIMEOUT(stress, nobody_is_left_waiting, 10000)
{
	uint64_t leads = 0, follows = 0, answers = 0, timers = 0, start = now_ms();
	unsigned int i;

	self->seconds = rounds(1, 60);
	self->books->in_turns = 1;
	ASSERT_TRUE(run_all(self, run_quiet_host));
	for (i = 0; i < STRESS_CPUS; i++) {
		volatile struct stress_cpu *cpu = &self->books->cpus[i];

		EXPECT_EQ((STRESS_CPUS - 1) * cpu->ops[OP_LEAD], cpu->answers);
		EXPECT_EQ(cpu->timers_started, cpu->timers_ended);
		leads += cpu->ops[OP_LEAD];
		follows += cpu->ops[OP_FOLLOW];
		answers += cpu->answers;
		timers += cpu->timers_ended;
	}
	EXPECT_LT(0, timers);
	EXPECT_EQ((STRESS_CPUS - 1) * leads, follows);
	EXPECT_EQ(follows, answers);
	fprintf(stderr, "# %s, %lu ms: %lu turns, %lu timers\n",
		variant->x2apic ? "x2APIC" : "xAPIC", now_ms() - start, leads, timers);
}

TEST_HARNESS_MAIN
