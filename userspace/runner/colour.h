/* SPDX-License-Identifier: GPL-2.0 */
/* Colours, for a terminal alone. */
#ifndef COLOUR_H
#define COLOUR_H

#include <stdbool.h>

/**
 * struct colours - what to print before and after words
 * @bold: a heading
 * @old: what was
 * @new: what is
 * @notable: what to look at
 * @off: ends each of them
 */
struct colours {
	const char *bold, *old, *new, *notable, *off;
};

/* Those for stdout: nothing at all if it is no terminal, or NO_COLOR is set. */
const struct colours *colours(void);

#endif /* COLOUR_H */
