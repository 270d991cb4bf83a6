/* SPDX-License-Identifier: GPL-2.0 */
/* Lab 6: a bus, by which the guest reaches devices. */
#ifndef LABS_BUS_H
#define LABS_BUS_H

#include <stdbool.h>

#include "irq.h"

/**
 * struct device - a range of ports or of guest-physical addresses with something behind it
 * @base: its first
 * @size: how many
 * @is_memory: addresses, not ports
 * @read: what a read of @size bytes at @base + @offset finds, 1, 2, 4 or 8
 * @write: a write; @value has no bits beyond @size bytes
 * @arg: first argument of both
 */
struct device {
	uint64_t base;
	uint64_t size;
	bool is_memory;
	uint64_t (*read)(void *arg, uint64_t offset, unsigned int size);
	void (*write)(void *arg, uint64_t offset, unsigned int size, uint64_t value);
	void *arg;
};

#define BUS_DEVICES	16

/**
 * struct bus - all devices
 * @devices: in any order
 * @nr: how many
 */
struct bus {
	struct device devices[BUS_DEVICES];
	unsigned int nr;
};

/**
 * bus_add() - one more device
 * @bus: the bus, all zeros at first
 * @device: is copied
 *
 * Return: 0, -EEXIST if it overlaps another, -ENOSPC if there is no room, -EINVAL if it is
 * empty or goes beyond the last port or address.
 */
int bus_add(struct bus *bus, const struct device *device);

/**
 * bus_run() - as irq_run(), but accesses to ports and to memory that is not mapped are
 *	       no exits
 * @bus: the bus
 * @irqs: the vCPU's
 *
 * An access that is not as a whole within one device is nobody's: a read finds ones, a
 * write is lost.
 *
 * Return: as irq_run().
 */
int bus_run(struct bus *bus, struct irqs *irqs);

#endif /* LABS_BUS_H */
