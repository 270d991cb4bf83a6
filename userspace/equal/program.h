/* SPDX-License-Identifier: GPL-2.0 */
/* A program by chance, with all that a guest needs to run it. */
#ifndef EQUAL_PROGRAM_H
#define EQUAL_PROGRAM_H

#include "libminivmx.h"
#include "steps.h"

#define EQUAL_MAX_STEPS	32

/**
 * struct equal_program - one of them
 * @steps: what it is made of
 * @modes: that each is done in
 * @starts: where the code of each begins
 * @ends: and ends
 * @nr_steps: how many
 * @code: all of it
 * @sregs: what it starts with: 32-bit code, flat segments
 * @regs: and general registers
 */
struct equal_program {
	const struct equal_step *steps[EQUAL_MAX_STEPS];
	enum equal_mode modes[EQUAL_MAX_STEPS];
	size_t starts[EQUAL_MAX_STEPS];
	size_t ends[EQUAL_MAX_STEPS];
	unsigned int nr_steps;
	struct equal_code code;
	struct minivmx_sregs sregs;
	struct minivmx_regs regs;
};

/* Number @number of @seed, and its memory, of EQUAL_SIZE bytes. */
void equal_program_make(struct equal_program *program, uint64_t seed, uint64_t number,
			uint8_t *memory);
/* One of one step, which is not made by chance: 32-bit code. */
void equal_program_make_one(struct equal_program *program, const struct equal_step *step,
			    const char *bytes, size_t size, uint8_t *memory);

#endif /* EQUAL_PROGRAM_H */
