/* SPDX-License-Identifier: GPL-2.0 */
/* The entry verdict in words: what minivmx explain says, and the runner of an entry that failed. */
#ifndef VERDICT_PRINT_H
#define VERDICT_PRINT_H

#include <stdio.h>

#include "libminivmx.h"

/* More than that can hardly be broken: there are not so many rules. */
#define VERDICT_MAX	512

/**
 * struct verdict - what minivmx_verdict() says
 * @broken: the rules that are broken
 * @nr: how many
 * @unjudged: rules about fields that are not known
 */
struct verdict {
	struct minivmx_broken_rule broken[VERDICT_MAX];
	int nr;
	unsigned int unjudged;
};

void verdict_reach(const struct minivmx_vmcs_dump *dump, struct verdict *verdict);
/* Those first by which an entry ends as @refusal, else in the same order. */
void verdict_sort(struct verdict *verdict, enum minivmx_refusal refusal);

/* "controls", "host", "guest". */
const char *verdict_refusal_key(enum minivmx_refusal refusal);

/* All of it, for people. */
void verdict_print(FILE *file, const struct verdict *verdict);

#endif /* VERDICT_PRINT_H */
