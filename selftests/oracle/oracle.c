// SPDX-License-Identifier: GPL-2.0
/*
 * The oracle: does minivmx_verdict() say of a VMCS what the CPU says?
 *
 *	oracle [--cases N] [--seed S] [--first I] [--verbose] [--rules] [--open]
 *	       [--skip RULE]...
 *
 * Each case starts from a state that is valid, in one of the modes, changes one to
 * three fields of the VMCS, asks for the verdict, and enters. They agree if the
 * verdict is empty exactly when the CPU enters, and else names first a rule that
 * fails the entry in the way it did fail. A case depends on nothing but the seed and
 * its number; --first I --cases 1 --verbose repeats a single one.
 *
 * The guest can do no harm to the next case: its memory is read-only and full of HLT.
 *
 * With --open the module is one that takes any value for any field, and the fields
 * that are changed are controls and the host's. No host survives an entry with those,
 * so only what the verdict expects to end without one is tried, and the rest skipped.
 */
#include <getopt.h>
#include <sys/time.h>

#include "../vmx/vmcs.h"

static struct minivmx_caps caps;

/* ---- Chance ---- */

static uint64_t state;

static uint64_t random64(void)
{
	/* splitmix64: any seed will do. */
	uint64_t z = state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static uint64_t below(uint64_t n)
{
	return random64() % n;
}

/* ---- Valid states ---- */

GUEST16(halt16, "hlt");
GUEST32(halt32, "hlt");
GUEST64(halt64, "hlt");

enum mode { REAL, PROTECTED, V8086, PAGED, PAE, LONG, LONG_USER, COMPATIBILITY, NR_MODES };

static const char *const mode_names[NR_MODES] = {
	"real", "protected", "virtual-8086", "32-bit paging", "PAE", "64-bit",
	"64-bit at CPL 3", "compatibility",
};

static struct minivmx_vmcs_field base[NR_MODES][NR_ALL];

static void set_v8086(VM *vm)
{
	struct minivmx_segment *segments[] = {
		&vm->sregs.cs, &vm->sregs.ss, &vm->sregs.ds, &vm->sregs.es, &vm->sregs.fs,
		&vm->sregs.gs,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_LEN(segments); i++)
		*segments[i] = (struct minivmx_segment) {
			.selector = 0x1000, .base = 0x10000, .limit = 0xffff, .access = 0xf3,
		};
	vm_set_sregs(vm);
	vm->run->regs.rip = 0;
	vm->run->regs.rsp = 0x8000;
	vm->run->regs.rflags = 2 | 1 << 17;
}

static void set_compatibility(VM *vm)
{
	vm->sregs.cs.access = 0xc09b;
	vm_set_sregs(vm);
}

static void set_mode(VM *vm, enum mode mode)
{
	switch (mode) {
	case REAL:
		vm_real(vm, halt16);
		break;
	case PROTECTED:
	case V8086:
		vm_prot(vm, halt32);
		break;
	case PAGED:
		vm_paged(vm, halt32);
		break;
	case PAE:
		vm_pae(vm, halt32);
		break;
	default:
		vm_long(vm, halt64);
		break;
	}
	if (mode == V8086)
		set_v8086(vm);
	if (mode == LONG_USER)
		vm_user(vm);
	if (mode == COMPATIBILITY)
		set_compatibility(vm);
}

/* Enter nothing, but take the registers of the run page. */
static void take_registers(VM *vm)
{
	vm->run->action = MINIVMX_RETRY;
	vm->run->request = MINIVMX_REQ_EXIT_NOW;
	vm_must(!minivmx_run(vm->vcpu));
	vm->run->request = 0;
}

/* So that the walk through them writes nothing. */
static void mark_used(uint64_t *table, unsigned int nr)
{
	while (nr--)
		if (table[nr] & PTE_P)
			table[nr] |= PTE_A | PTE_D;
}

/* The module writes what is the host's when it first enters. */
static void take_host_fields(VM *vm)
{
	struct minivmx_vmcs_field fields[NR_ALL];
	enum mode mode;
	unsigned int i;

	set_mode(vm, LONG);
	vm_must(vm_run(vm) == MINIVMX_EXIT_HLT);
	memcpy(fields, base[LONG], sizeof(fields));
	vm_must(!minivmx_get_vmcs(vm->vcpu, fields, NR_ALL));
	for (mode = 0; mode < NR_MODES; mode++)
		for (i = 0; i < NR_ALL; i++)
			if (vmcs_fields[i].policy == FIELD_HOST)
				base[mode][i] = fields[i];
}

static void prepare(VM *vm)
{
	enum mode mode;
	unsigned int i;

	vm_create(vm);
	pin_to_cpu(0);
	vm_must(!minivmx_get_caps(vm->system, &caps));
	memset(vm->mem, 0xf4, VM_SIZE);
	for (mode = 0; mode < NR_MODES; mode++) {
		set_mode(vm, mode);
		take_registers(vm);
		for (i = 0; i < NR_ALL; i++)
			base[mode][i] = (struct minivmx_vmcs_field) {
				.encoding = vmcs_fields[i].encoding,
			};
		vm_must(!minivmx_get_vmcs(vm->vcpu, base[mode], NR_ALL));
	}
	take_host_fields(vm);
	memset(vm_at(vm, VM_CODE), 0xf4, 0x1000);
	memset(vm_at(vm, VM_HANDLERS), 0xf4, 0x2000);
	mark_used(vm_u64(vm, VM_PML4), 512);
	mark_used(vm_u64(vm, VM_PDPT), 512);
	mark_used(vm_u64(vm, VM_PD), 4 * 512);
	mark_used(vm_u64(vm, VM_PT), 512);
	for (i = 0; i < 1024; i++)
		*(vm_u32(vm, VM_PD32) + i) |= PTE_A | PTE_D;
	/* From here on the guest only reads. */
	vm_must(!minivmx_unmap(vm->fd, 0, VM_MMIO_LOW));
	vm_must(!minivmx_unmap(vm->fd, 0xc0000, VM_SIZE - 0xc0000));
	vm_must(!minivmx_map(vm->fd, 0, vm->mem, VM_SIZE,
			     MINIVMX_PROT_READ | MINIVMX_PROT_EXEC));
}

/* ---- A case ---- */

struct change {
	unsigned int field;	/* in vmcs_fields[] */
	uint64_t old, new;
};

struct test_case {
	uint64_t number;
	enum mode mode;
	struct change changes[3];
	unsigned int nr_changes;
	struct minivmx_vmcs_field fields[NR_ALL];
};

static unsigned int width(uint32_t encoding)
{
	static const unsigned int bits[4] = { 16, 64, 32, 64 };

	return bits[encoding >> 13 & 3];
}

static uint64_t changed_value(unsigned int field, uint64_t old)
{
	static const uint64_t boundaries[] = {
		0, ~0UL, 1, 2, 4, 0xff, 0x7fff, 0x8000, 0xffff, 0x10000, 0xfffff, 0x7fffffff,
		0x80000000, 0xffffffff, 0x100000000, 0x7fffffffffff, 0x800000000000,
		0xffff7fffffffffff, 0xffff800000000000, 1UL << 52, 1UL << 63,
	};
	unsigned int bits = width(vmcs_fields[field].encoding);
	uint64_t value;

	switch (below(8)) {
	case 0:
		value = boundaries[below(ARRAY_LEN(boundaries))];
		break;
	case 1:
		value = random64() >> below(64);
		break;
	case 2:
		value = base[below(NR_MODES)][field].value;
		break;
	case 3:
		value = old ^ 1UL << below(bits) ^ 1UL << below(bits);
		break;
	default:
		value = old ^ 1UL << below(bits);
		break;
	}
	return bits == 64 ? value : value & ((1UL << bits) - 1);
}

static bool open_module;

static bool may_write(unsigned int field)
{
	enum field_policy policy = vmcs_fields[field].policy;

	return !base[REAL][field].result && policy != FIELD_INFO &&
	       (policy == FIELD_FREE || policy == FIELD_OTHER || open_module);
}

/* Bits 11:10 of an encoding: 0 control, 2 guest, 3 host. */
static bool may_change(unsigned int field)
{
	return may_write(field) && (!open_module || (vmcs_fields[field].encoding >> 10 & 3) != 2);
}

static void make_case(struct test_case *c, uint64_t seed, uint64_t number)
{
	unsigned int i;

	state = seed ^ number * 0xd1342543de82ef95;
	c->number = number;
	c->mode = below(NR_MODES);
	memcpy(c->fields, base[c->mode], sizeof(c->fields));
	c->nr_changes = 1 + below(3);
	for (i = 0; i < c->nr_changes; i++) {
		struct change *change = &c->changes[i];

		do {
			change->field = below(NR_ALL);
		} while (!may_change(change->field));
		change->old = c->fields[change->field].value;
		change->new = changed_value(change->field, change->old);
		c->fields[change->field].value = change->new;
	}
}

/* Write it; bits that are refused stay as they were. */
static void write_case(VM *vm, struct test_case *c)
{
	struct minivmx_vmcs_field out[NR_ALL];
	unsigned int index[NR_ALL], i, nr;
	bool again;

	do {
		again = false;
		for (i = nr = 0; i < NR_ALL; i++)
			if (may_write(i)) {
				index[nr] = i;
				out[nr++] = c->fields[i];
			}
		if (!minivmx_set_vmcs(vm->vcpu, out, nr))
			return;
		for (i = 0; i < nr; i++) {
			uint64_t old = base[c->mode][index[i]].value;

			if (!out[i].result)
				continue;
			vm_must(out[i].refused);
			c->fields[index[i]].value = (out[i].value & ~out[i].refused) |
						    (old & out[i].refused);
			again = true;
		}
	} while (again);
}

enum answer { ENTERED, REFUSED_CONTROLS, REFUSED_HOST, REFUSED_GUEST, REFUSED_ELSE };

static const char *const answer_names[] = {
	"entered", "VM-instruction error 7", "VM-instruction error 8", "exit reason 33",
	"refused otherwise",
};

static uint64_t exits(VM *vm)
{
	struct minivmx_exit_stat stats[MINIVMX_NR_EXITS];
	uint64_t sum = 0;
	unsigned int i;

	vm_must(!minivmx_get_stats(vm->vcpu, 0, stats, MINIVMX_NR_EXITS));
	for (i = 0; i < MINIVMX_NR_EXITS; i++)
		if (i != 33 && i != 34 && i != 41)
			sum += stats[i].count;
	return sum;
}

static enum answer enter(VM *vm)
{
	struct minivmx_run *run = vm->run;
	uint64_t before = exits(vm);
	int ret;

	/* A guest that only waits is interrupted, by the timer of main(). */
	do {
		run->action = MINIVMX_RETRY;
		ret = minivmx_run(vm->vcpu);
		vm_must(!ret || ret == -EINTR);
	} while (run->kind == MINIVMX_EXIT_INTR && exits(vm) == before);
	vm_must(run->kind != MINIVMX_EXIT_DEAD);
	if (run->kind != MINIVMX_EXIT_ENTRY_FAIL)
		return ENTERED;
	if (run->entry.vm_instruction_error == 7)
		return REFUSED_CONTROLS;
	if (run->entry.vm_instruction_error == 8)
		return REFUSED_HOST;
	if (!run->entry.vm_instruction_error && (run->exit.reason & 0xffff) == 33)
		return REFUSED_GUEST;
	return REFUSED_ELSE;
}

/* What the last case left in the module: events that were cut off. */
static void forget_events(VM *vm)
{
	struct minivmx_events none = { 0 };

	vm_must(!minivmx_set_events(vm->vcpu, &none));
}

/* ---- Rules ---- */

static struct rule {
	const char *name;
	uint64_t alone;		/* it was the only broken one, and the CPU refused */
	uint64_t disagree;	/* it was the first, and the CPU did something else */
} rules[256];

static struct rule *rule(const char *name)
{
	unsigned int i;

	for (i = 0; rules[i].name && strcmp(rules[i].name, name); i++)
		vm_must(i < ARRAY_LEN(rules) - 1);
	rules[i].name = name;
	return &rules[i];
}

static void print_rules(bool all_of_them)
{
	unsigned int i;

	for (i = 0; all_of_them && rules[i].name; i++)
		printf("rule %8llu %s\n", (unsigned long long)rules[i].alone, rules[i].name);
	for (i = 0; rules[i].name; i++)
		if (rules[i].disagree)
			printf("disagree %llu %s\n", (unsigned long long)rules[i].disagree,
			       rules[i].name);
}

/* Rules that this CPU is known not to check, so that the machine would end. */
static const char *skipped_rules[8];
static unsigned int nr_skipped_rules;

static bool is_skipped(const struct minivmx_broken_rule *broken, int nr)
{
	unsigned int i;

	/* An exit for a bad guest state loads the host's, whatever that is. */
	if (open_module && (!nr || broken[0].refusal == MINIVMX_REFUSED_GUEST))
		return true;
	while (nr--)
		for (i = 0; i < nr_skipped_rules; i++)
			if (!strcmp(broken[nr].name, skipped_rules[i]))
				return true;
	return false;
}

static void print_case(const struct test_case *c, const struct minivmx_broken_rule *broken,
		       int nr)
{
	unsigned int i;

	printf("case %llu, %s mode; the verdict: %d broken\n",
	       (unsigned long long)c->number, mode_names[c->mode], nr);
	for (i = 0; i < c->nr_changes; i++) {
		unsigned int field = c->changes[i].field;

		printf("    %s %#llx -> %#llx\n", vmcs_fields[field].name,
		       (unsigned long long)base[c->mode][field].value,
		       (unsigned long long)c->fields[field].value);
	}
	for (i = 0; i < (unsigned int)nr && i < 8; i++)
		printf("    %s (%s)\n", broken[i].name, broken[i].field);
}

struct tally {
	uint64_t entered, refused, agree, disagree, skipped;
};

static void run_case(VM *vm, uint64_t seed, uint64_t number, bool verbose,
		     struct tally *tally)
{
	static const enum answer expected[] = {
		[MINIVMX_REFUSED_CONTROLS] = REFUSED_CONTROLS,
		[MINIVMX_REFUSED_HOST] = REFUSED_HOST,
		[MINIVMX_REFUSED_GUEST] = REFUSED_GUEST,
	};
	static struct test_case c;
	struct minivmx_broken_rule broken[32];
	struct minivmx_vmcs_dump dump = {
		.fields = c.fields, .nr_fields = NR_ALL, .caps = caps,
	};
	unsigned int unjudged;
	enum answer answer;
	bool agree;
	int nr;

	make_case(&c, seed, number);
	forget_events(vm);
	write_case(vm, &c);
	nr = minivmx_verdict(&dump, broken, ARRAY_LEN(broken), &unjudged);
	vm_must(nr >= 0 && nr <= (int)ARRAY_LEN(broken));
	if (is_skipped(broken, nr)) {
		tally->skipped++;
		return;
	}
	if (verbose) {
		/* Before it is tried, for cases that kill the machine. */
		print_case(&c, broken, nr);
		fflush(stdout);
	}
	answer = enter(vm);
	agree = answer == (nr ? expected[broken[0].refusal] : ENTERED);

	tally->entered += answer == ENTERED;
	tally->refused += answer != ENTERED;
	tally->agree += agree;
	tally->disagree += !agree;
	if (agree && nr == 1)
		rule(broken[0].name)->alone++;
	if (!agree)
		rule(nr ? broken[0].name : "(none is broken)")->disagree++;
	if (!agree && tally->disagree <= 100 && !verbose)
		print_case(&c, broken, nr);
	if (verbose || (!agree && tally->disagree <= 100))
		printf("    the CPU: %s\n", answer_names[answer]);
}

/* ---- The command ---- */

static void on_alarm(int number)
{
	(void)number;
}

static void start_timer(void)
{
	const struct itimerval every_10_ms = { { 0, 10000 }, { 0, 10000 } };
	const struct sigaction action = { .sa_handler = on_alarm };

	vm_must(!sigaction(SIGALRM, &action, NULL));
	vm_must(!setitimer(ITIMER_REAL, &every_10_ms, NULL));
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "cases", required_argument, NULL, 'n' },
		{ "seed", required_argument, NULL, 's' },
		{ "first", required_argument, NULL, 'f' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "rules", no_argument, NULL, 'r' },
		{ "open", no_argument, NULL, 'o' },
		{ "skip", required_argument, NULL, 'k' },
		{ 0 }
	};
	uint64_t n = 10000, seed = 1, first = 0, i;
	bool verbose = false, with_rules = false;
	struct tally tally = { 0 };
	static VM vm;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (c) {
		case 'n':
			n = strtoull(optarg, NULL, 0);
			break;
		case 's':
			seed = strtoull(optarg, NULL, 0);
			break;
		case 'f':
			first = strtoull(optarg, NULL, 0);
			break;
		case 'v':
			verbose = true;
			break;
		case 'r':
			with_rules = true;
			break;
		case 'o':
			open_module = true;
			break;
		case 'k':
			vm_must(nr_skipped_rules < ARRAY_LEN(skipped_rules));
			skipped_rules[nr_skipped_rules++] = optarg;
			break;
		default:
			return 2;
		}
	}
	prepare(&vm);
	start_timer();
	for (i = 0; i < n; i++) {
		run_case(&vm, seed, first + i, verbose, &tally);
		if (i % 10000 == 9999)
			fprintf(stderr, "oracle: %llu cases, %llu disagree\n",
				(unsigned long long)i + 1, (unsigned long long)tally.disagree);
	}
	print_rules(with_rules);
	printf("oracle: entered %llu refused %llu agree %llu disagree %llu skipped %llu\n",
	       (unsigned long long)tally.entered, (unsigned long long)tally.refused,
	       (unsigned long long)tally.agree, (unsigned long long)tally.disagree,
	       (unsigned long long)tally.skipped);
	return tally.disagree != 0;
}
