/* SPDX-License-Identifier: GPL-2.0 */
/* Numbers by chance, the same for the same seed: each thread has its own. */
#ifndef SELFTESTS_CHANCE_H
#define SELFTESTS_CHANCE_H

#include <stdint.h>

static __thread uint64_t chance_state;

/* What follows depends on these two alone. */
static inline void chance_start(uint64_t seed, uint64_t number)
{
	chance_state = seed ^ number * 0xd1342543de82ef95;
}

static inline uint64_t random64(void)
{
	/* splitmix64: any seed will do. */
	uint64_t z = chance_state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static inline uint64_t below(uint64_t n)
{
	return random64() % n;
}

#endif /* SELFTESTS_CHANCE_H */
