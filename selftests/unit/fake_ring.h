/* SPDX-License-Identifier: GPL-2.0 */
/* A stand-in for the ring of exit records of one vCPU. */
#ifndef FAKE_RING_H
#define FAKE_RING_H

#include "libminivmx.h"

/* The ring, NULL while there is none. */
extern struct minivmx_ring *fake_ring;

/* An exit, and the entry behind it; @ticks 0: it has not come yet. */
void fake_exit(uint64_t ticks, uint32_t reason);
void fake_entry(uint64_t ticks, uint32_t handler);

#endif /* FAKE_RING_H */
