// SPDX-License-Identifier: GPL-2.0
/* Lab 6: a bus, by which the guest reaches devices. */
#include <errno.h>
#include <string.h>

#include "bus.h"

#define PORTS	0x10000

static bool overlap(const struct device *a, const struct device *b)
{
	return a->is_memory == b->is_memory && a->base <= b->base + (b->size - 1) &&
	       b->base <= a->base + (a->size - 1);
}

int bus_add(struct bus *bus, const struct device *device)
{
	const uint64_t end = device->is_memory ? 0 : PORTS;
	unsigned int i;

	/* In 64 bits the end of all addresses is 0, and 0 - base what is left. */
	if (!device->size || (end && device->base >= end) ||
	    (end - device->base && device->size > end - device->base))
		return -EINVAL;
	for (i = 0; i < bus->nr; i++)
		if (overlap(&bus->devices[i], device))
			return -EEXIST;
	if (bus->nr == BUS_DEVICES)
		return -ENOSPC;
	bus->devices[bus->nr++] = *device;
	return 0;
}

static const struct device *find(const struct bus *bus, bool is_memory, uint64_t at,
				 unsigned int size)
{
	unsigned int i;

	for (i = 0; i < bus->nr; i++) {
		const struct device *d = &bus->devices[i];

		if (d->is_memory == is_memory && at >= d->base && at - d->base < d->size &&
		    size <= d->size - (at - d->base))
			return d;
	}
	return NULL;
}

static uint64_t bus_read(const struct bus *bus, bool is_memory, uint64_t at, unsigned int size)
{
	const struct device *device = find(bus, is_memory, at, size);

	return device ? device->read(device->arg, at - device->base, size) : UINT64_MAX;
}

static void bus_write(const struct bus *bus, bool is_memory, uint64_t at, unsigned int size,
		      uint64_t value)
{
	const struct device *device = find(bus, is_memory, at, size);

	if (device)
		device->write(device->arg, at - device->base, size, value);
}

/* A REP INS or OUTS makes several accesses, all to one port. */
static void on_io(const struct bus *bus, struct minivmx_io *io)
{
	uint32_t i;

	for (i = 0; i < io->count; i++) {
		uint8_t *data = io->data + i * io->size;
		uint64_t value = 0;

		if (io->is_in) {
			value = bus_read(bus, false, io->port, io->size);
			memcpy(data, &value, io->size);
		} else {
			memcpy(&value, data, io->size);
			bus_write(bus, false, io->port, io->size, value);
		}
	}
}

static void on_mmio(const struct bus *bus, struct minivmx_mmio *mmio)
{
	uint64_t value = 0;

	if (!mmio->is_write) {
		mmio->data = bus_read(bus, true, mmio->gpa, mmio->size);
		return;
	}
	memcpy(&value, &mmio->data, mmio->size);
	bus_write(bus, true, mmio->gpa, mmio->size, value);
}

int bus_run(struct bus *bus, struct irqs *irqs)
{
	struct minivmx_run *run = irqs->vcpu->run;

	for (;;) {
		int ret = irq_run(irqs);

		if (ret == MINIVMX_EXIT_IO)
			on_io(bus, &run->io);
		else if (ret == MINIVMX_EXIT_MMIO)
			on_mmio(bus, &run->mmio);
		else
			return ret;
		run->action = MINIVMX_SKIP;
	}
}
