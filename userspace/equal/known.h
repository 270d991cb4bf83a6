/* SPDX-License-Identifier: GPL-2.0 */
/* What differs between minivmx and KVM and is meant to, or cannot be helped. */
#ifndef EQUAL_KNOWN_H
#define EQUAL_KNOWN_H

#include "steps.h"

/**
 * struct equal_known - a difference
 * @step: with its name
 * @code: what shows it, 32-bit code: a program of its own
 * @size: bytes of @code
 * @why: there is one
 */
struct equal_known {
	struct equal_step step;
	const char *code;
	size_t size;
	const char *why;
};

extern const struct equal_known equal_known[];
extern const unsigned int equal_nr_known;

#endif /* EQUAL_KNOWN_H */
