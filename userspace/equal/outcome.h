/* SPDX-License-Identifier: GPL-2.0 */
/* What became of a program, and how two such outcomes differ. */
#ifndef EQUAL_OUTCOME_H
#define EQUAL_OUTCOME_H

#include <stdio.h>

#include "message.h"
#include "program.h"

/* A record that a handler of support.S leaves in the log. */
struct equal_fault {
	uint32_t vector, error, rip, cs, rflags, dr6;
	uint64_t cr2;
};

/**
 * struct equal_state - a guest, where it stands
 * @regs: its general registers
 * @sregs: its others
 * @faults: how many its handlers have seen
 * @fault: the last of them
 * @accesses: a checksum of all that it has done to ports and to memory that there is not
 */
struct equal_state {
	struct minivmx_regs regs;
	struct minivmx_sregs sregs;
	uint64_t faults;
	struct equal_fault fault;
	uint64_t accesses;
};

#define EQUAL_MAX_MSRS	32

/**
 * struct equal_outcome - of one run
 * @end: how it ended, in words
 * @nr_states: how many there are
 * @states: one at the end of each step, and that of the end
 * @msrs: the values of equal_msrs at the end
 * @memory: all of it, EQUAL_SIZE bytes
 */
struct equal_outcome {
	struct message end;
	unsigned int nr_states;
	struct equal_state states[EQUAL_MAX_STEPS + 1];
	uint64_t msrs[EQUAL_MAX_MSRS];
	uint8_t memory[EQUAL_SIZE];
};

/* Those that a guest has on both, with values that do not depend on the moment. */
extern const uint32_t equal_msrs[];
extern const unsigned int equal_nr_msrs;

/* Something that is not the same. */
struct equal_difference {
	char name[32];
	uint64_t values[2];
};

#define EQUAL_MAX_DIFFERENCES	16

/**
 * struct equal_differences - of two outcomes
 * @step: the first step behind which there are some, or the program's number of them: at
 *	  the end
 * @nr: how many
 * @list: the first of them
 */
struct equal_differences {
	unsigned int step;
	unsigned int nr;
	struct equal_difference list[EQUAL_MAX_DIFFERENCES];
};

/* How the outcomes of @program differ; what the manual leaves open is not looked at. */
void equal_differ(const struct equal_program *program, const struct equal_outcome *a,
		  const struct equal_outcome *b, struct equal_differences *differences);

/* What is not looked at, and why: for people. */
void equal_list_ignored(FILE *file);

#endif /* EQUAL_OUTCOME_H */
