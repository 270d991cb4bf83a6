// SPDX-License-Identifier: GPL-2.0
/*
 * The oracle: does minivmx_verdict() say of a VMCS what the CPU says?
 *
 *	oracle [--cases N] [--seed S] [--first I] [--verbose] [--rules] [--refusals]
 *	       [--open | --link] [--bochs]
 *
 * Each case starts from a valid state, in one of the modes and circumstances, changes
 * one to three fields of the VMCS, asks for the verdict, and enters. They agree if the
 * verdict is empty exactly when the CPU enters, and else names first a rule that
 * fails the entry in the way it did fail. A case depends on nothing but the seed and
 * its number; --first I --cases 1 --verbose repeats a single one.
 *
 * The guest can do no harm to the next case: its memory is read-only and full of HLT.
 *
 * With --open the module is one that takes any value for any field, and the fields
 * that are changed are controls and the host's. No host survives an entry with those,
 * so only what the verdict expects to end without one is tried, and the rest skipped.
 * With --link the VMCS link pointer alone is changed, which that module takes as well;
 * values that are valid are skipped, since what they point to is no VMCS.
 */
#include <getopt.h>
#include <sys/time.h>

#include "cases.h"

/* What the VMCS has, as long as no guest has run. */
static uint64_t written[NR_ALL];
static bool is_written;

/* But for an event that could not be injected, and what forget_events() sets to zero. */
static bool is_changed_by_others(uint32_t encoding)
{
	return encoding == VM_ENTRY_INTR_INFO || encoding == GUEST_INTERRUPTIBILITY ||
	       encoding == GUEST_PENDING_DEBUG;
}

static bool needs_write(const struct test_case *c, unsigned int field)
{
	return may_write(field) && (!is_written || c->fields[field].value != written[field] ||
				    is_changed_by_others(vmcs_fields[field].encoding));
}

/*
 * Write it; bits that are refused stay as they are, which is as in @base but for the
 * windows that the module asks for.
 */
static void write_case(VM *vm, struct test_case *c)
{
	struct minivmx_vmcs_field out[NR_ALL];
	unsigned int index[NR_ALL], i, nr;
	bool again;

	do {
		again = false;
		for (i = nr = 0; i < NR_ALL; i++)
			if (needs_write(c, i)) {
				index[nr] = i;
				out[nr++] = c->fields[i];
			}
		if (!minivmx_set_vmcs(vm->vcpu, out, nr))
			break;
		for (i = 0; i < nr; i++) {
			uint64_t old;

			if (!out[i].result)
				continue;
			vm_must(out[i].refused);
			old = vmcs_get(vm, out[i].encoding);
			c->fields[index[i]].value = (out[i].value & ~out[i].refused) |
						    (old & out[i].refused);
			again = true;
		}
	} while (again);
	for (i = 0; i < NR_ALL; i++)
		written[i] = c->fields[i].value;
	is_written = true;
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

static uint64_t field_of(const struct test_case *c, uint32_t encoding)
{
	return c->fields[field_index(encoding)].value;
}

/* The controls that the module sets itself at each entry, if it is asked to. */
static uint32_t windows(const struct test_case *c)
{
	const uint64_t controls = field_of(c, CPU_BASED_CONTROLS);

	return (controls & CPU_INTR_WINDOW_EXITING ? MINIVMX_REQ_IRQ_WINDOW : 0) |
	       (controls & CPU_NMI_WINDOW_EXITING ? MINIVMX_REQ_NMI_WINDOW : 0);
}

static enum answer enter(VM *vm, const struct test_case *c)
{
	struct minivmx_run *run = vm->run;
	uint64_t before = exits(vm);
	int ret;

	/* A guest that only waits is interrupted, by the timer of main(). */
	do {
		run->action = MINIVMX_RETRY;
		run->request = windows(c);
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
	uint64_t alone;		/* it was the only broken one */
	uint64_t refused;	/* and the CPU refused */
	uint64_t disagree;	/* it was the first, and the CPU did something else */
	uint64_t unknown;	/* which is no known difference of Bochs' */
} rules[] = {
	{ .name = "(none is broken)" },
#define CHECK(group, rule, field, applies, holds, legal) { .name = #rule },
#include "../../userspace/lib/entry_checks.def"
#undef CHECK
};

static struct rule *rule(const char *name)
{
	unsigned int i;

	for (i = 0; strcmp(rules[i].name, name); i++)
		vm_must(i < ARRAY_LEN(rules) - 1);
	return &rules[i];
}

static void print_rules(bool all_of_them)
{
	unsigned int i;

	for (i = 1; all_of_them && i < ARRAY_LEN(rules); i++)
		printf("rule %8llu alone %8llu refused %s\n",
		       (unsigned long long)rules[i].alone,
		       (unsigned long long)rules[i].refused, rules[i].name);
	for (i = 0; i < ARRAY_LEN(rules); i++)
		if (rules[i].disagree)
			printf("disagree %llu unknown %llu %s\n",
			       (unsigned long long)rules[i].disagree,
			       (unsigned long long)rules[i].unknown, rules[i].name);
}

/* ---- Bochs ---- */

static bool is_bochs;

/* None of the reserved bits among the lower 32, which it looks at, is 1. */
static bool only_high_bits(const struct test_case *c)
{
	return !(field_of(c, GUEST_PENDING_DEBUG) & 0xfffeaff0);
}

/* In 64-bit mode a null selector is enough for it, and SS need not be unusable. */
static bool null_ss(const struct test_case *c)
{
	return (field_of(c, VM_ENTRY_CONTROLS) & ENTRY_IA32E_GUEST) &&
	       (field_of(c, GUEST_CS_ACCESS) & 1 << 13) &&
	       !(field_of(c, GUEST_SS_SELECTOR) & ~3UL);
}

static bool no_dual_monitor(const struct test_case *c)
{
	return !(field_of(c, VM_ENTRY_CONTROLS) & ENTRY_DEACTIVATE_DUAL_MONITOR);
}

/* It looks for virtual-8086 mode in IA-32e mode only. */
static bool no_ia32e(const struct test_case *c)
{
	return !(field_of(c, VM_ENTRY_CONTROLS) & ENTRY_IA32E_GUEST);
}

/* It takes type 11, which is not conforming, for the first that is. */
#define IS_TYPE_11(seg)							\
static bool seg##_is_type_11(const struct test_case *c)			\
{									\
	return (field_of(c, GUEST_##seg##_ACCESS) & 15) == 11;		\
}
IS_TYPE_11(DS)
IS_TYPE_11(ES)
IS_TYPE_11(FS)
IS_TYPE_11(GS)

/*
 * The rules that Bochs 2.7 does not check, always or if @when; docs/oracle.md says more
 * of each.
 */
static const struct blind_spot {
	const char *rule;
	bool (*when)(const struct test_case *c);
} blind_spots[] = {
	{ "CS_DPL" },
	{ "DEBUGCTL_RESERVED" },
	{ "DS_DPL", DS_is_type_11 },
	{ "ENTRY_TO_SMM", no_dual_monitor },
	{ "ENTRY_MSR_LOAD_WIDTH" },
	{ "ES_DPL", ES_is_type_11 },
	{ "EVENT_FITS_ACTIVITY" },
	{ "FS_DPL", FS_is_type_11 },
	{ "GS_DPL", GS_is_type_11 },
	{ "MSR_LOAD_WIDTH" },
	{ "MSR_STORE_WIDTH" },
	{ "PENDING_DEBUG_RESERVED", only_high_bits },
	{ "PENDING_SINGLE_STEP" },
	{ "RFLAGS_V86", no_ia32e },
	{ "RIP_WIDTH" },
	{ "SS_BASE_HIGH", null_ss },
	{ "SS_GRANULARITY", null_ss },
	{ "SS_PRESENT", null_ss },
	{ "SS_RESERVED", null_ss },
	{ "SS_S", null_ss },
	{ "SS_TYPE", null_ss },
	{ "VIRTUAL_NMI_IS_NOT_BLOCKED" },
};

static bool is_blind(const char *rule, const struct test_case *c)
{
	const struct blind_spot *spot;

	for (spot = blind_spots; spot < blind_spots + ARRAY_LEN(blind_spots); spot++)
		if (!strcmp(spot->rule, rule))
			return !spot->when || spot->when(c);
	return false;
}

/* Its own rules: of the size of an MSR area it takes 32 bits, ... */
static bool bochs_refuses_area(const struct test_case *c, uint32_t address, uint32_t count)
{
	const uint64_t first = field_of(c, address);
	const uint64_t last = first + (uint32_t)(field_of(c, count) * 16) - 1;

	return field_of(c, count) && (first | last) >> caps.physical_bits;
}

static bool bochs_refuses_areas(const struct test_case *c)
{
	return bochs_refuses_area(c, VM_EXIT_MSR_STORE_ADDR, VM_EXIT_MSR_STORE_COUNT) ||
	       bochs_refuses_area(c, VM_EXIT_MSR_LOAD_ADDR, VM_EXIT_MSR_LOAD_COUNT) ||
	       bochs_refuses_area(c, VM_ENTRY_MSR_LOAD_ADDR, VM_ENTRY_MSR_LOAD_COUNT);
}

/* ... it compares the DPL of CS with the RPL, ... */
static bool bochs_refuses_cs(const struct test_case *c)
{
	const uint64_t access = field_of(c, GUEST_CS_ACCESS), dpl = access >> 5 & 3;
	const uint64_t rpl = field_of(c, GUEST_CS_SELECTOR) & 3;

	if (field_of(c, GUEST_RFLAGS) >> 17 & 1)
		return false;
	switch (access & 0xf) {
	case 3:
		return dpl != 0;
	case 9:
	case 11:
		return dpl != rpl;
	case 13:
	case 15:
		return dpl > rpl;
	default:
		return false;
	}
}

/* ... and allows no NMI behind STI, as the manual lets a CPU do; ... */
static bool bochs_refuses_nmi(const struct test_case *c)
{
	const uint64_t event = field_of(c, VM_ENTRY_INTR_INFO);

	return (event >> 31 & 1) && (event >> 8 & 7) == MINIVMX_EVENT_NMI &&
	       (field_of(c, GUEST_INTERRUPTIBILITY) & 1);
}

/* ... and it looks at "entry to SMM" behind all controls and the host's fields. */
static bool bochs_refuses_smm(const struct test_case *c)
{
	return field_of(c, VM_ENTRY_CONTROLS) & ENTRY_SMM;
}

/*
 * What Bochs 2.7 does not check, or does not know, and then ends: IA-32e mode without
 * paging, and a pending exit of the monitor trap flag.
 */
static bool ends_bochs(const struct test_case *c, const struct minivmx_broken_rule *broken,
		       int nr)
{
	const uint64_t event = field_of(c, VM_ENTRY_INTR_INFO);

	while (nr--)
		if (!strcmp(broken[nr].name, "IA32E_NEEDS_PAGING"))
			return true;
	return (event >> 31 & 1) && (event >> 8 & 7) == 7;
}

static const enum answer refusals[] = {
	[MINIVMX_REFUSED_CONTROLS] = REFUSED_CONTROLS,
	[MINIVMX_REFUSED_HOST] = REFUSED_HOST,
	[MINIVMX_REFUSED_GUEST] = REFUSED_GUEST,
};

/* What Bochs 2.7 will do, by what is known of it. */
static enum answer bochs_answer(const struct test_case *c,
				const struct minivmx_broken_rule *broken, int nr)
{
	enum answer answer = ENTERED;

	/* The first rule that it checks; the kinds come in the order of @refusals. */
	while (nr--)
		if (!is_blind(broken[nr].name, c))
			answer = refusals[broken[nr].refusal];
	if (bochs_refuses_areas(c))
		return REFUSED_CONTROLS;
	if (answer == ENTERED &&
	    (bochs_refuses_cs(c) || bochs_refuses_nmi(c) || bochs_refuses_smm(c)))
		return REFUSED_GUEST;
	return answer;
}

/*
 * Is there a rule that the verdict does not have, since a VMCS does not tell? The TPR
 * threshold is compared with a byte of the virtual-APIC page.
 */
static bool depends_on_memory(const struct test_case *c)
{
	const uint64_t cpu2 = field_of(c, SECONDARY_CONTROLS);

	return (field_of(c, CPU_BASED_CONTROLS) & CPU_TPR_SHADOW) && field_of(c, TPR_THRESHOLD) &&
	       !(cpu2 & (CPU2_VIRTUALIZE_APIC | CPU2_VIRTUAL_INTERRUPTS));
}

static bool is_skipped(const struct test_case *c, const struct minivmx_broken_rule *broken,
		       int nr)
{
	if (link_only && !nr)
		return true;
	if (depends_on_memory(c) && (!nr || broken[0].refusal != MINIVMX_REFUSED_CONTROLS))
		return true;
	enum answer answer = is_bochs ? bochs_answer(c, broken, nr) :
			     nr ? refusals[broken[0].refusal] : ENTERED;

	/* An exit for a bad guest state loads the host's, whatever that is. */
	if (open_module && answer != REFUSED_CONTROLS && answer != REFUSED_HOST)
		return true;
	return is_bochs && ends_bochs(c, broken, nr);
}

static void print_case(const struct test_case *c, const struct minivmx_broken_rule *broken,
		       int nr)
{
	unsigned int i;

	printf("case %llu, %s mode, %s; the verdict: %d broken\n",
	       (unsigned long long)c->number, mode_names[c->mode], c->circumstance->name, nr);
	for (i = 0; i < c->nr_changes; i++) {
		unsigned int field = c->changes[i].field;

		printf("    %s %#llx -> %#llx\n", vmcs_fields[field].name,
		       (unsigned long long)base[c->mode][field].value,
		       (unsigned long long)c->fields[field].value);
	}
	for (i = 0; i < (unsigned int)nr && i < 8; i++)
		printf("    %s (%s)\n", broken[i].name, broken[i].field);
}

/* One line for each entry that the CPU refused, with the rule if only one is broken. */
static bool list_refusals;

struct tally {
	uint64_t entered, refused, agree, disagree, skipped;
	uint64_t unknown;	/* of those that disagree, what no known difference explains */
};

static void run_case(VM *vm, uint64_t seed, uint64_t number, bool verbose,
		     struct tally *tally)
{
	static struct test_case c;
	struct minivmx_broken_rule broken[MAX_BROKEN];
	enum answer answer;
	bool agree, known;
	int nr;

	make_case(&c, seed, number);
	forget_events(vm);
	write_case(vm, &c);
	nr = judge(c.fields, broken, MAX_BROKEN);
	if (is_skipped(&c, broken, nr)) {
		tally->skipped++;
		return;
	}
	if (verbose) {
		/* Before it is tried, for cases that kill the machine. */
		print_case(&c, broken, nr);
		fflush(stdout);
	}
	answer = enter(vm, &c);
	is_written = answer != ENTERED;
	agree = answer == (nr ? refusals[broken[0].refusal] : ENTERED);
	known = agree || (is_bochs && answer == bochs_answer(&c, broken, nr));

	tally->entered += answer == ENTERED;
	tally->refused += answer != ENTERED;
	tally->agree += agree;
	tally->disagree += !agree;
	if (nr == 1) {
		rule(broken[0].name)->alone++;
		rule(broken[0].name)->refused += agree;
	}
	if (list_refusals && answer != ENTERED)
		printf("refused %s\n", nr == 1 ? broken[0].name : "-");
	if (!agree) {
		rule(nr ? broken[0].name : rules[0].name)->disagree++;
		rule(nr ? broken[0].name : rules[0].name)->unknown += !known;
	}
	tally->unknown += !known;
	if (!known && tally->unknown <= 100 && !verbose)
		print_case(&c, broken, nr);
	if (verbose || (!known && tally->unknown <= 100))
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
		{ "link", no_argument, NULL, 'k' },
		{ "bochs", no_argument, NULL, 'b' },
		{ "refusals", no_argument, NULL, 'l' },
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
			link_only = true;
			break;
		case 'b':
			is_bochs = true;
			break;
		case 'l':
			list_refusals = true;
			break;
		default:
			return 2;
		}
	}
	if (open_module) {
		circumstances = control_circumstances;
		nr_circumstances = ARRAY_LEN(control_circumstances);
	} else {
		circumstances = guest_circumstances;
		nr_circumstances = ARRAY_LEN(guest_circumstances);
	}
	prepare(&vm);
	find_valid_circumstances();
	start_timer();
	for (i = 0; i < n; i++) {
		run_case(&vm, seed, first + i, verbose, &tally);
		/* Not among the lines that selftests/oracle/run counts. */
		if (i % 10000 == 9999 && !list_refusals)
			fprintf(stderr, "oracle: %llu cases, %llu disagree, %llu not known why\n",
				(unsigned long long)i + 1, (unsigned long long)tally.disagree,
				(unsigned long long)tally.unknown);
	}
	print_rules(with_rules);
	printf("oracle: entered %llu refused %llu agree %llu disagree %llu skipped %llu\n",
	       (unsigned long long)tally.entered, (unsigned long long)tally.refused,
	       (unsigned long long)tally.agree, (unsigned long long)tally.disagree,
	       (unsigned long long)tally.skipped);
	return tally.unknown != 0;
}
