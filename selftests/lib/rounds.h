/* SPDX-License-Identifier: GPL-2.0 */
/* How often a test repeats what has to go well every time. */
#ifndef SELFTESTS_ROUNDS_H
#define SELFTESTS_ROUNDS_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* SELFTEST_ROUNDS=full in the environment: selftests/run --long. */
static inline bool with_many_rounds(void)
{
	const char *how = getenv("SELFTEST_ROUNDS");

	return how && !strcmp(how, "full");
}

/* @few for make check. */
static inline unsigned int rounds(unsigned int few, unsigned int many)
{
	unsigned int n = with_many_rounds() ? many : few;

	fprintf(stderr, "# %u rounds\n", n);
	return n;
}

#endif /* SELFTESTS_ROUNDS_H */
