// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "equal.h"
#include "execute.h"
#include "known.h"

/* Programs that a side runs at its turn; their outcomes wait for the others. */
#define BATCH		16
/* Of programs that differ no more are told. */
#define MAX_TOLD	10

/**
 * struct check - a check that is going on
 * @setup: what is to be done
 * @sides: where
 * @memory: of the guest that runs
 * @programs: of the batch
 * @outcomes: of all sides
 * @run: how many programs have been
 * @steps: that they made
 * @differ: how many of them differ
 */
struct check {
	const struct equal_setup *setup;
	struct side sides[NR_SIDES];
	uint8_t *memory;
	struct equal_program programs[BATCH];
	struct equal_outcome outcomes[NR_SIDES][BATCH];
	uint64_t run, steps;
	int differ;
};

static bool is_there(const struct side *side)
{
	return !side->missing.text[0];
}

/* ---- Reports ---- */

static void print_differences(const struct equal_differences *differences, const char *name)
{
	unsigned int i;

	printf("    %-24s %18s %18s\n", "", name, "kvm");
	for (i = 0; i < differences->nr && i < EQUAL_MAX_DIFFERENCES; i++) {
		const struct equal_difference *d = &differences->list[i];

		printf("    %-24s %#18llx %#18llx\n", d->name, (unsigned long long)d->values[0],
		       (unsigned long long)d->values[1]);
	}
	if (differences->nr > i)
		printf("    and %u more\n", differences->nr - i);
}

static void print_step(const struct equal_program *program, unsigned int step)
{
	size_t i;

	if (step >= program->nr_steps) {
		printf("at the end\n");
		return;
	}
	printf("after step %u of %u: %s, in %s mode\n    code:", step + 1, program->nr_steps,
	       program->steps[step]->name, equal_mode_name(program->modes[step]));
	for (i = program->starts[step]; i < program->ends[step]; i++)
		printf(" %02x", program->code.bytes[i]);
	printf("\n");
}

static unsigned long long last_rip(const struct equal_outcome *outcome)
{
	return outcome->nr_states ? outcome->states[outcome->nr_states - 1].regs.rip : 0;
}

static void report(struct check *check, unsigned int index, uint64_t number, unsigned int side,
		   const struct equal_differences *differences)
{
	const struct equal_outcome *a = &check->outcomes[side][index];
	const struct equal_outcome *b = &check->outcomes[SIDE_KVM][index];

	if (check->differ > MAX_TOLD)
		return;
	printf("program %llu differs, ", (unsigned long long)number);
	print_step(&check->programs[index], differences->step);
	print_differences(differences, check->sides[side].name);
	if (strcmp(a->end.text, b->end.text))
		printf("    it ends at %#llx: %s; on kvm at %#llx: %s\n", last_rip(a), a->end.text,
		       last_rip(b), b->end.text);
	printf("    again: minivmx equal --seed %llu --first %llu --programs 1\n",
	       (unsigned long long)check->setup->seed, (unsigned long long)number);
}

/* ---- A batch ---- */

typedef void make_program(struct equal_program *program, const struct equal_setup *setup,
			  uint64_t number, uint8_t *memory);

static void make_random(struct equal_program *program, const struct equal_setup *setup,
			uint64_t number, uint8_t *memory)
{
	equal_program_make(program, setup->seed, number, memory);
}

static void make_known(struct equal_program *program, const struct equal_setup *setup,
		       uint64_t number, uint8_t *memory)
{
	const struct equal_known *known = &equal_known[number];

	(void)setup;
	equal_program_make_one(program, &known->step, known->code, known->size, memory);
}

static int run_side(struct check *check, unsigned int side, make_program *make, uint64_t first,
		    unsigned int nr, struct message *message)
{
	struct vm owner;
	unsigned int i;
	int ret = side_enter(&check->sides[side], &check->setup->sides, &owner, message);

	for (i = 0; !ret && i < nr; i++) {
		if (sides_interrupted()) {
			ret = fail(message, "%s", strsignal(sides_interrupted()));
			break;
		}
		make(&check->programs[i], check->setup, first + i, check->memory);
		ret = equal_execute(&check->programs[i], check->sides[side].backend, check->memory,
				    &check->outcomes[side][i], message);
	}
	side_leave(&check->sides[side], &owner);
	return ret;
}

static int run_batch(struct check *check, make_program *make, uint64_t first, unsigned int nr,
		     struct message *message)
{
	unsigned int side;

	for (side = 0; side < NR_SIDES; side++)
		if (is_there(&check->sides[side]) &&
		    run_side(check, side, make, first, nr, message))
			return -1;
	return 0;
}

static void judge_program(struct check *check, unsigned int index, uint64_t number)
{
	struct equal_differences differences;
	bool same = true;
	unsigned int side;

	check->run++;
	check->steps += check->programs[index].nr_steps;
	for (side = 0; side < NR_SIDES; side++) {
		if (side == SIDE_KVM || !is_there(&check->sides[side]))
			continue;
		equal_differ(&check->programs[index], &check->outcomes[side][index],
			     &check->outcomes[SIDE_KVM][index], &differences);
		if (!differences.nr)
			continue;
		check->differ += same;
		same = false;
		report(check, index, number, side, &differences);
	}
}

static int check_random(struct check *check, struct message *message)
{
	const struct equal_setup *setup = check->setup;
	uint64_t done, left;
	unsigned int i, nr;

	for (done = 0; done < setup->programs; done += nr) {
		left = setup->programs - done;
		nr = left < BATCH ? (unsigned int)left : BATCH;
		if (run_batch(check, make_random, setup->first + done, nr, message))
			return -1;
		for (i = 0; i < nr; i++)
			judge_program(check, i, setup->first + done + i);
		fflush(stdout);
	}
	return 0;
}

/* ---- What is known to differ ---- */

/* A fault says more than what became of registers. */
static const struct equal_difference *choose(const struct equal_differences *differences)
{
	unsigned int i;

	for (i = 0; i < differences->nr && i < EQUAL_MAX_DIFFERENCES; i++)
		if (!strcmp(differences->list[i].name, "fault.vector"))
			return &differences->list[i];
	return &differences->list[0];
}

static void judge_known(struct check *check, unsigned int side, unsigned int index,
			const struct equal_known *known)
{
	struct equal_differences differences;
	const struct equal_difference *d;

	equal_differ(&check->programs[index], &check->outcomes[side][index],
		     &check->outcomes[SIDE_KVM][index], &differences);
	/* Some in a row have the same reason. */
	if (known == equal_known || strcmp(known->why, known[-1].why))
		printf("  %s\n", known->why);
	if (!differences.nr) {
		printf("    %s: the same on this host\n", known->step.name);
		return;
	}
	d = choose(&differences);
	printf("    %s: %s %#llx, on kvm %#llx\n", known->step.name, d->name,
	       (unsigned long long)d->values[0], (unsigned long long)d->values[1]);
}

static int check_known(struct check *check, struct message *message)
{
	unsigned int side = is_there(&check->sides[SIDE_MINIVMX]) ? SIDE_MINIVMX : SIDE_BORROWED;
	unsigned int i, done, nr;

	printf("known to differ, and in no program:\n");
	for (done = 0; done < equal_nr_known; done += nr) {
		nr = equal_nr_known - done < BATCH ? equal_nr_known - done : BATCH;
		if (run_batch(check, make_known, done, nr, message))
			return -1;
		for (i = 0; i < nr; i++)
			judge_known(check, side, i, &equal_known[done + i]);
	}
	return 0;
}

/* ---- All of it ---- */

static int find_sides(struct check *check, struct equal_setup *setup, struct message *message)
{
	unsigned int side;

	sides_find(&setup->sides, check->sides);
	if (!is_there(&check->sides[SIDE_KVM]))
		return fail(message, "kvm: %s", check->sides[SIDE_KVM].missing.text);
	if (!is_there(&check->sides[SIDE_MINIVMX]) && !is_there(&check->sides[SIDE_BORROWED]))
		return fail(message, "minivmx: %s", check->sides[SIDE_MINIVMX].missing.text);
	for (side = 0; side < NR_SIDES; side++)
		if (!is_there(&check->sides[side]))
			printf("%s is not compared: %s\n", check->sides[side].name,
			       check->sides[side].missing.text);
	return 0;
}

static int run_all(struct check *check, struct message *message)
{
	printf("seed %llu\n", (unsigned long long)check->setup->seed);
	if (check_random(check, message) || check_known(check, message))
		return -1;
	printf("%llu programs of %llu steps with seed %llu: %d differ\n",
	       (unsigned long long)check->run, (unsigned long long)check->steps,
	       (unsigned long long)check->setup->seed, check->differ);
	return check->differ;
}

int equal_check(struct equal_setup *setup, struct message *message)
{
	struct check *check = calloc(1, sizeof(*check));
	int ret = -1;

	if (!check)
		return fail(message, "no memory for programs");
	check->setup = setup;
	check->memory = mmap(NULL, EQUAL_SIZE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	sides_catch_signals();
	if (check->memory == MAP_FAILED) {
		/* No turn has begun: kvm_intel is as it was. */
		free(check);
		return fail(message, "no memory for a guest: %m");
	}
	if (!find_sides(check, setup, message))
		ret = run_all(check, message);
	sides_end(&setup->sides);
	munmap(check->memory, EQUAL_SIZE);
	free(check);
	return ret;
}
