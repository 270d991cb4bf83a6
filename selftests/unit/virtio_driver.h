/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A driver of virtio over PCI, on a fake machine with a host bridge: what a guest does,
 * for tests of the devices.
 */
#ifndef VIRTIO_DRIVER_H
#define VIRTIO_DRIVER_H

#include "fake_machine.h"
#include "memory.h"
#include "pci.h"

#define DRIVER_QUEUES	8

/* Offsets in BAR 0. */
#define DRIVER_STATUS	0x14
#define DRIVER_ISR	0x1000
#define DRIVER_CONFIG	0x2000
#define DRIVER_NOTIFY	0x3000

/**
 * struct driver_queue - a queue as the driver sees it
 * @size: descriptors
 * @desc: guest-physical address of the rings' three areas
 * @driver: likewise
 * @device: likewise
 * @next: where the next descriptor goes; in a split queue the free one
 * @used: where the next used buffer comes
 * @wrap: wrap counter of @next, in a packed queue
 * @used_wrap: of @used
 * @lengths: of the buffer with each id: how many descriptors, in a packed queue
 */
struct driver_queue {
	uint16_t size;
	uint64_t desc;
	uint64_t driver;
	uint64_t device;
	uint16_t next;
	uint16_t used;
	bool wrap;
	bool used_wrap;
	uint16_t lengths[256];
};

/**
 * struct driver - the driver of one device
 * @m: the machine
 * @memory: the guest's
 * @slot: the device's
 * @bar: where BAR 0 is
 * @msix: where BAR 1 is
 * @features: that were agreed on
 * @next_page: guest memory that is free
 * @queues: the queues
 */
struct driver {
	struct machine *m;
	struct guest_memory *memory;
	unsigned int slot;
	uint64_t bar;
	uint64_t msix;
	uint64_t features;
	uint64_t next_page;
	struct driver_queue queues[DRIVER_QUEUES];
};

/* An element of a buffer. */
struct driver_element {
	uint64_t gpa;
	uint32_t size;
	bool write;
};

/* Configuration space, by the ports. */
uint32_t driver_pci_read(struct machine *m, unsigned int slot, unsigned int at, unsigned int size);
void driver_pci_write(struct machine *m, unsigned int slot, unsigned int at, unsigned int size,
		      uint32_t value);

/* Registers in BAR 0. */
uint64_t driver_read(struct driver *d, unsigned int at, unsigned int size);
void driver_write(struct driver *d, unsigned int at, unsigned int size, uint64_t value);

/* Guest memory that nobody uses. */
uint64_t driver_alloc(struct driver *d, uint64_t size);
void *driver_at(struct driver *d, uint64_t gpa, uint64_t size);

/* Find the device's BARs, and with @msix a vector N for queue N with data N. */
void driver_open(struct driver *d, struct machine *m, struct guest_memory *memory,
		 unsigned int slot, bool msix);
/* Reset it and agree on @features; false if the device refuses them. */
bool driver_negotiate(struct driver *d, uint64_t features);
/* Set a queue up. */
void driver_queue(struct driver *d, unsigned int queue, uint16_t size);
/* Everything is set up. */
void driver_ready(struct driver *d);

/* Make a buffer available, without notifying; its id is returned. */
uint16_t driver_add(struct driver *d, unsigned int queue, const struct driver_element *elements,
		    unsigned int nr);
/* The same by an indirect table, which is made in guest memory at @table. */
uint16_t driver_add_indirect(struct driver *d, unsigned int queue, uint64_t table,
			     const struct driver_element *elements, unsigned int nr);
void driver_kick(struct driver *d, unsigned int queue);
/* The next used buffer: false if there is none. */
bool driver_used(struct driver *d, unsigned int queue, uint16_t *id, uint32_t *length);
/* Wait for it, for some seconds. */
bool driver_wait(struct driver *d, unsigned int queue, uint16_t *id, uint32_t *length);

#endif /* VIRTIO_DRIVER_H */
