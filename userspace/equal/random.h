/* SPDX-License-Identifier: GPL-2.0 */
/* Numbers by chance, the same for the same seed and program. */
#ifndef EQUAL_RANDOM_H
#define EQUAL_RANDOM_H

#include <stdint.h>

struct equal_random {
	uint64_t state;
};

/* xorshift64*: the state must not be 0. */
static inline uint64_t random_next(struct equal_random *random)
{
	random->state ^= random->state >> 12;
	random->state ^= random->state << 25;
	random->state ^= random->state >> 27;
	return random->state * 0x2545f4914f6cdd1dULL;
}

/* Neighbouring seeds and programs are to have nothing in common. */
static inline void random_start(struct equal_random *random, uint64_t seed, uint64_t program)
{
	unsigned int i;

	random->state = (seed * 0x9e3779b97f4a7c15ULL ^ (program + 1) * 0xc2b2ae3d27d4eb4fULL) | 1;
	for (i = 0; i < 8; i++)
		random_next(random);
}

static inline uint32_t random_below(struct equal_random *random, uint32_t n)
{
	return (uint32_t)((random_next(random) >> 32) * n >> 32);
}

#endif /* EQUAL_RANDOM_H */
