// SPDX-License-Identifier: GPL-2.0
#include "array.h"
#include "steps.h"

/* One of the tables first, so that none is seldom seen for being short. */
static const struct equal_step *const tables[] = {
	equal_steps_plain, equal_steps_faults, equal_steps_segments, equal_steps_system,
	equal_steps_system, equal_steps_devices,
};

const struct equal_step *equal_step_choose(struct equal_code *code)
{
	const struct equal_step *table = tables[code_below(code, ARRAY_SIZE(tables))], *step;
	const unsigned int mode = 1U << code->mode;
	unsigned int nr = 0;

	for (step = table; step->name; step++)
		nr += !!(step->modes & mode);
	nr = code_below(code, nr);
	for (step = table; !(step->modes & mode) || nr; step++)
		nr -= !!(step->modes & mode);
	return step;
}
