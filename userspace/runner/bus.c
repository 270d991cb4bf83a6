// SPDX-License-Identifier: GPL-2.0
#include <stdbool.h>
#include <stdlib.h>

#include "bus.h"

static bool is_end(const struct port_range *range)
{
	return !range->first && !range->last;
}

static int by_port(const void *a, const void *b)
{
	const struct bus_row *x = a, *y = b;

	return (x->ports.first > y->ports.first) -
	       (x->ports.first < y->ports.first);
}

static int check_overlap(const struct bus *bus, struct message *message)
{
	size_t i;

	for (i = 1; i < bus->nr; i++) {
		const struct bus_row *row = &bus->rows[i];

		if (row[-1].ports.last >= row->ports.first)
			return fail(message, "devices %s and %s both want port %#x",
				    row[-1].device->class->name,
				    row->device->class->name, row->ports.first);
	}
	return 0;
}

static size_t count_ranges(const struct port_range *range)
{
	size_t nr = 0;

	for (; range && !is_end(range); range++)
		nr++;
	return nr;
}

static void add_ranges(struct bus *bus, struct device *device,
		       const struct port_range *range)
{
	for (; range && !is_end(range); range++)
		bus->rows[bus->nr++] = (struct bus_row) {
			.ports = *range,
			.device = device,
		};
}

/* The ranges that depend on how the machine was set up, or NULL. */
static const struct port_range *dyn_ports(const struct device *device)
{
	return device->class->dyn_ports ?
	       device->class->dyn_ports(device->state) : NULL;
}

int bus_init(struct bus *bus, struct device *devices, size_t nr,
	     struct message *message)
{
	size_t i, rows = 0;

	for (i = 0; i < nr; i++)
		rows += count_ranges(devices[i].class->ports) +
			count_ranges(dyn_ports(&devices[i]));

	*bus = (struct bus) { 0 };
	bus->rows = calloc(rows ? rows : 1, sizeof(*bus->rows));
	if (!bus->rows)
		return fail(message, "out of memory");
	for (i = 0; i < nr; i++) {
		add_ranges(bus, &devices[i], devices[i].class->ports);
		add_ranges(bus, &devices[i], dyn_ports(&devices[i]));
	}
	qsort(bus->rows, bus->nr, sizeof(*bus->rows), by_port);
	return check_overlap(bus, message);
}

void bus_free(struct bus *bus)
{
	free(bus->rows);
	*bus = (struct bus) { 0 };
}

const struct bus_row *bus_find(const struct bus *bus, uint16_t port)
{
	size_t low = 0, high = bus->nr;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (bus->rows[middle].ports.last < port)
			low = middle + 1;
		else
			high = middle;
	}
	return low < bus->nr && bus->rows[low].ports.first <= port ?
	       &bus->rows[low] : NULL;
}

static bool fits(const struct bus_row *row, uint16_t port, unsigned int size)
{
	return port + size - 1 <= row->ports.last;
}

static uint32_t ones(unsigned int size)
{
	return UINT32_MAX >> (32 - 8 * size);
}

static bool any_answers(const struct bus *bus, uint16_t port, unsigned int size)
{
	unsigned int i;

	for (i = 0; i < size; i++)
		if (bus_find(bus, (uint16_t)(port + i)))
			return true;
	return false;
}

uint32_t bus_in(struct bus *bus, uint16_t port, unsigned int size,
		bus_used_fn used, void *context)
{
	const struct bus_row *row = bus_find(bus, port);
	uint32_t value = 0;
	unsigned int i;

	if (row && fits(row, port, size)) {
		value = row->device->class->in(row->device->state, port, size);
		used(context, row->device);
		return value & ones(size);
	}
	if (!any_answers(bus, port, size)) {
		bus->unanswered++;
		return ones(size);
	}
	for (i = 0; i < size; i++)
		value |= bus_in(bus, (uint16_t)(port + i), 1, used, context) <<
			 (8 * i);
	return value;
}

void bus_out(struct bus *bus, uint16_t port, unsigned int size, uint32_t value,
	     bus_used_fn used, void *context)
{
	const struct bus_row *row = bus_find(bus, port);
	unsigned int i;

	if (row && fits(row, port, size)) {
		row->device->class->out(row->device->state, port, size,
					value & ones(size));
		used(context, row->device);
		return;
	}
	if (!any_answers(bus, port, size)) {
		bus->unanswered++;
		return;
	}
	for (i = 0; i < size; i++)
		bus_out(bus, (uint16_t)(port + i), 1, value >> (8 * i), used,
			context);
}
