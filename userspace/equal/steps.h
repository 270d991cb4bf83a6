/* SPDX-License-Identifier: GPL-2.0 */
/* What programs are made of. */
#ifndef EQUAL_STEPS_H
#define EQUAL_STEPS_H

#include "code.h"

/**
 * struct equal_step - something that a program does
 * @name: in reports
 * @modes: IN_*, that it can be done in
 * @put: write it, or NULL: it is bytes of somebody else's. It may change general registers,
 *	 but not RSP, and make one fault, behind which the program goes on with the next
 *	 step
 * @undo: after the state has been looked at: what is needed before the next, or NULL
 */
struct equal_step {
	const char *name;
	unsigned int modes;
	void (*put)(struct equal_code *code);
	void (*undo)(struct equal_code *code);
};

/* One of the tables, by chance, for the mode of @code. */
const struct equal_step *equal_step_choose(struct equal_code *code);

/* The tables, and where each ends: a row without a name. */
extern const struct equal_step equal_steps_plain[], equal_steps_faults[], equal_steps_segments[],
	equal_steps_system[], equal_steps_devices[];

/* Flat segments again: an undo. */
void equal_put_flat(struct equal_code *code);

#endif /* EQUAL_STEPS_H */
