/* SPDX-License-Identifier: GPL-2.0 */
/* How often a test repeats what has to go well every time. */
#ifndef SELFTESTS_ROUNDS_H
#define SELFTESTS_ROUNDS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * @few for make check, @many with SELFTEST_ROUNDS=full in the environment
 * (selftests/run --long).
 */
static inline unsigned int rounds(unsigned int few, unsigned int many)
{
	const char *how = getenv("SELFTEST_ROUNDS");
	unsigned int n = how && !strcmp(how, "full") ? many : few;

	fprintf(stderr, "# %u rounds\n", n);
	return n;
}

#endif /* SELFTESTS_ROUNDS_H */
