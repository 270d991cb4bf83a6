/* SPDX-License-Identifier: GPL-2.0 */
/* minivmx equal: the same programs on minivmx and on KVM, and what differs in the end. */
#ifndef EQUAL_H
#define EQUAL_H

#include <stdbool.h>
#include <stdint.h>

#include "side.h"

#define EQUAL_PROGRAMS	100

/**
 * struct equal_setup - what to run
 * @seed: of the programs
 * @first: the number of the first
 * @programs: how many
 * @sides: who has VMX meanwhile. In the end it is as it was
 */
struct equal_setup {
	uint64_t seed, first, programs;
	struct side_setup sides;
};

/*
 * Run them, and print what differs, what is known to differ, and a summary. How many
 * programs differ, or -1 with a message.
 */
int equal_check(struct equal_setup *setup, struct message *message);

#endif /* EQUAL_H */
