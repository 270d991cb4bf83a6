/* SPDX-License-Identifier: GPL-2.0 */
/* A VM with one of the programs of guest.S, on either backend. */
#ifndef MEASURED_GUEST_H
#define MEASURED_GUEST_H

#include <stdatomic.h>
#include <x86intrin.h>

#include "backend.h"
#include "crowd.h"
#include "layout.h"

#define MEASURED_CPUS	2

/**
 * struct params - what the program finds at GUEST_PARAMS (layout.h has the offsets)
 * @nr: samples to take
 * @repeat: how often to do it for each; of a timer how many ticks away its deadline is
 * @next: where the first sample goes
 * @fresh: the first page to touch
 * @step: bytes from one to the next
 * @ready: grows, or falls, when it waits for the next interrupt
 * @start: its TSC when what is measured began
 * @reserved: nothing
 * @samples: ticks
 */
struct params {
	uint32_t nr, repeat, next, fresh, step;
	_Atomic uint32_t ready;
	_Atomic uint64_t start;
	uint64_t reserved[4];
	uint64_t samples[MAX_SAMPLES];
};

/* What a guest is to be; all zero is one CPU and a program that needs no more. */
struct guest_config {
	const uint8_t *program;		/* in guest.S */
	uint32_t nr, repeat;		/* of the parameters */
	unsigned int cpus;		/* 0: one */
	size_t fresh;			/* bytes of memory at GUEST_FRESH, in use by the host, */
	size_t step;			/* and of its pages: 4096 or 2 MiB */
	struct crowd crowd;		/* beside it */
};

struct measured_guest {
	struct vm vm;
	struct vcpu cpus[MEASURED_CPUS];
	unsigned int nr_cpus;
	struct crowd_members crowd;
	uint8_t *memory;
	uint8_t *fresh;
	size_t fresh_size;
	struct params *params;
	uint64_t tsc_offset;
	uint64_t opened;		/* when the device was about to be opened, TSC */
};

/* Make it; -1 with a message if it cannot be. To be closed only when it could. */
int measured_guest_open(struct measured_guest *guest, const struct backend *backend,
			const struct guest_config *config, struct message *message);
void measured_guest_close(struct measured_guest *guest);

/*
 * Run one of its CPUs until the program is done, and answer what it asks for as fast as can
 * be: what is written goes nowhere, what is read is zero. @outside, if not NULL, gets the
 * ticks that were spent outside backend->run(). -1 with a message.
 */
int measured_guest_run(struct vcpu *vcpu, uint64_t *outside, struct message *message);

#endif /* MEASURED_GUEST_H */
