/* SPDX-License-Identifier: GPL-2.0 */
/* The eventfds by which devices interrupt the VM. */
#ifndef DOORS_H
#define DOORS_H

#include <stdbool.h>
#include <stdint.h>

#include "minivmx.h"

struct vm;

/**
 * struct doors - what the VM was told of them
 * @routes: the messages of global system interrupts
 * @nr_routes: how many
 */
struct doors {
	struct minivmx_gsi_route routes[MINIVMX_MAX_GSIS];
	unsigned int nr_routes;
};

/* See machine_irqfd(). */
int doors_irqfd(struct doors *doors, struct vm *vm, unsigned int gsi, int fd, uint64_t address,
		uint32_t data);

#endif /* DOORS_H */
