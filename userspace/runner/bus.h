/* SPDX-License-Identifier: GPL-2.0 */
/* The I/O ports: which device answers which. */
#ifndef BUS_H
#define BUS_H

#include <stddef.h>
#include <stdint.h>

#include "device.h"
#include "message.h"

/**
 * struct device - a device that is plugged in
 * @class: what it is
 * @state: from @class->create()
 * @deadline: when @class->tick() wants to be called, ns of machine_now()
 */
struct device {
	const struct device_class *class;
	void *state;
	uint64_t deadline;
};

struct bus_row {
	struct port_range ports;
	struct device *device;
};

/**
 * struct bus - the ports, sorted
 * @rows: ranges that do not overlap, in ascending order
 * @nr: how many
 * @unanswered: accesses that no device answered
 */
struct bus {
	struct bus_row *rows;
	size_t nr;
	uint64_t unanswered;
};

/* Build the table. 0, or -1 with a message if two devices want one port. */
int bus_init(struct bus *bus, struct device *devices, size_t nr,
	     struct message *message);
void bus_free(struct bus *bus);

/* The row that @port is in, or NULL. */
const struct bus_row *bus_find(const struct bus *bus, uint16_t port);

/*
 * One access of 1, 2 or 4 bytes. What goes beyond the end of a device's range
 * is done in bytes, as an ISA bus splits it. @used is called for each device
 * that answered.
 */
typedef void (*bus_used_fn)(void *context, struct device *device);

uint32_t bus_in(struct bus *bus, uint16_t port, unsigned int size,
		bus_used_fn used, void *context);
void bus_out(struct bus *bus, uint16_t port, unsigned int size, uint32_t value,
	     bus_used_fn used, void *context);

#endif /* BUS_H */
