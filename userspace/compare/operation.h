/* SPDX-License-Identifier: GPL-2.0 */
/* What minivmx compare measures. */
#ifndef OPERATION_H
#define OPERATION_H

#include <stddef.h>
#include <stdint.h>

#include "backend.h"
#include "crowd.h"

/**
 * struct samples - what was measured of one operation on one hypervisor
 * @list: ticks for one operation each, or bytes
 * @nr: how many
 * @outside: of the ticks of a synchronous operation those outside the kernel, of all
 * @outside_nr: the operations that these were for
 */
struct samples {
	double *list;
	size_t nr;
	uint64_t outside;
	uint64_t outside_nr;
};

/* -ENOMEM is fatal to a program that only measures: it ends. */
void samples_add(struct samples *samples, double value);
void samples_free(struct samples *samples);
/* Sorts them. 0 if there are none. */
double samples_median(struct samples *samples);
/* Half of the middle half's width, in % of the median. */
double samples_spread(struct samples *samples);

/**
 * struct operation - a row of the table
 * @name: as in the table
 * @unit: "ticks" or "bytes"
 * @what: in words
 * @measure: some samples more; -1 with a message
 * @program: for @measure: the guest's program
 * @repeat: how often it does that for one sample; of a timer a delay in ticks
 * @step: bytes from one page that it touches to the next
 * @crowd: what else is there meanwhile
 * @min_cpus: that the host has to have
 */
struct operation {
	const char *name;
	const char *unit;
	const char *what;
	int (*measure)(const struct operation *op, const struct backend *backend,
		       struct samples *samples, struct message *message);
	const uint8_t *program;
	uint32_t repeat;
	uint32_t step;
	struct crowd crowd;
	unsigned int min_cpus;
};

/* Keep this thread on that CPU of the host. */
void operation_stay_on(unsigned int cpu);

extern const struct operation operations[];
extern const size_t nr_operations;

/* ---- The kinds of them ---- */

/* operation_exit.c: the guest does it by itself, again and again. */
int measure_exits(const struct operation *op, const struct backend *backend,
		  struct samples *samples, struct message *message);
int measure_doorbell(const struct operation *op, const struct backend *backend,
		     struct samples *samples, struct message *message);

/*
 * operation_interrupt.c: from a cause to the guest's handler. With two CPUs the guest, or
 * its first CPU, has the second for itself.
 */
int measure_irqfd(const struct operation *op, const struct backend *backend,
		  struct samples *samples, struct message *message);
int measure_timer(const struct operation *op, const struct backend *backend,
		  struct samples *samples, struct message *message);
int measure_ipi(const struct operation *op, const struct backend *backend,
		struct samples *samples, struct message *message);

/* operation_life.c: VMs that come and go, and an ioctl() of one. */
int measure_ioctl(const struct operation *op, const struct backend *backend,
		  struct samples *samples, struct message *message);
int measure_life(const struct operation *op, const struct backend *backend,
		 struct samples *samples, struct message *message);
int measure_start(const struct operation *op, const struct backend *backend,
		  struct samples *samples, struct message *message);

/* operation_memory.c: bytes that the host lacks for each. */
int measure_vm_memory(const struct operation *op, const struct backend *backend,
		      struct samples *samples, struct message *message);
int measure_vcpu_memory(const struct operation *op, const struct backend *backend,
			struct samples *samples, struct message *message);

#endif /* OPERATION_H */
