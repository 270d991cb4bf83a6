// SPDX-License-Identifier: GPL-2.0
/* A ring of exit records in memory. Pure logic. */
#include "libminivmx.h"

size_t minivmx_ring_size(uint32_t nr)
{
	size_t size = sizeof(struct minivmx_ring) + nr * sizeof(struct minivmx_record);

	return (size + 4095) & ~(size_t)4095;
}

bool minivmx_ring_read(const struct minivmx_ring *ring, uint64_t number,
		       struct minivmx_record *record)
{
	const struct minivmx_record *r = &MINIVMX_RECORDS(ring)[(number - 1) & (ring->nr - 1)];

	if (__atomic_load_n(&r->number, __ATOMIC_ACQUIRE) != number)
		return false;
	*record = *(const volatile struct minivmx_record *)r;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n(&r->number, __ATOMIC_RELAXED) == number;
}
