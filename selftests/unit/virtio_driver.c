// SPDX-License-Identifier: GPL-2.0
#include <assert.h>
#include <string.h>
#include <unistd.h>

#include "virtio_driver.h"

#define VERSION_1	(1ULL << 32)
#define PACKED		(1ULL << 34)

#define NEXT		1
#define WRITE		2
#define INDIRECT	4
#define AVAIL		(1 << 7)
#define USED		(1 << 15)

uint32_t driver_pci_read(struct machine *m, unsigned int slot, unsigned int at, unsigned int size)
{
	uint32_t value;

	machine_lock(m);
	fake_out(m, 0xcf8, 4, 0x80000000 | slot << 11 | (at & 0xfc));
	value = fake_in(m, (uint16_t)(0xcfc + (at & 3)), size);
	machine_unlock(m);
	return value;
}

void driver_pci_write(struct machine *m, unsigned int slot, unsigned int at, unsigned int size,
		      uint32_t value)
{
	machine_lock(m);
	fake_out(m, 0xcf8, 4, 0x80000000 | slot << 11 | (at & 0xfc));
	fake_out(m, (uint16_t)(0xcfc + (at & 3)), size, value);
	machine_unlock(m);
}

uint64_t driver_read(struct driver *d, unsigned int at, unsigned int size)
{
	return fake_read(d->m, d->bar + at, size);
}

void driver_write(struct driver *d, unsigned int at, unsigned int size, uint64_t value)
{
	fake_write(d->m, d->bar + at, size, value);
}

uint64_t driver_alloc(struct driver *d, uint64_t size)
{
	const uint64_t gpa = d->next_page;

	d->next_page += (size + 4095) / 4096 * 4096;
	assert(guest_memory_at(d->memory, gpa, size));
	return gpa;
}

void *driver_at(struct driver *d, uint64_t gpa, uint64_t size)
{
	void *host = guest_memory_at(d->memory, gpa, size);

	assert(host);
	return host;
}

static unsigned int find_capability(struct driver *d, uint8_t id)
{
	unsigned int at = driver_pci_read(d->m, d->slot, 0x34, 1);

	while (at && driver_pci_read(d->m, d->slot, at, 1) != id)
		at = driver_pci_read(d->m, d->slot, at + 1, 1);
	return at;
}

static void set_up_msix(struct driver *d)
{
	const unsigned int at = find_capability(d, 0x11);
	unsigned int i, nr = (driver_pci_read(d->m, d->slot, at + 2, 2) & 0x7ff) + 1;

	for (i = 0; i < nr; i++) {
		fake_write(d->m, d->msix + 16 * i, 4, 0xfee00000);
		fake_write(d->m, d->msix + 16 * i + 4, 4, 0);
		fake_write(d->m, d->msix + 16 * i + 8, 4, i);
		fake_write(d->m, d->msix + 16 * i + 12, 4, 0);
	}
	driver_pci_write(d->m, d->slot, at + 2, 2, 0x8000);
}

void driver_open(struct driver *d, struct machine *m, struct guest_memory *memory,
		 unsigned int slot, bool msix)
{
	*d = (struct driver) { .m = m, .memory = memory, .slot = slot, .next_page = MIB };
	driver_pci_write(m, slot, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	d->bar = driver_pci_read(m, slot, PCI_BAR(0), 4);
	d->msix = driver_pci_read(m, slot, PCI_BAR(1), 4);
	if (msix)
		set_up_msix(d);
}

static void write_features(struct driver *d, uint64_t features)
{
	unsigned int i;

	for (i = 0; i < 2; i++) {
		driver_write(d, 8, 4, i);
		driver_write(d, 12, 4, features >> 32 * i & 0xffffffff);
	}
}

bool driver_negotiate(struct driver *d, uint64_t features)
{
	driver_write(d, DRIVER_STATUS, 1, 0);
	while (driver_read(d, DRIVER_STATUS, 1))
		usleep(1000);
	driver_write(d, DRIVER_STATUS, 1, 3);
	d->features = features | VERSION_1;
	write_features(d, d->features);
	driver_write(d, DRIVER_STATUS, 1, 3 | 8);
	return driver_read(d, DRIVER_STATUS, 1) & 8;
}

void driver_queue(struct driver *d, unsigned int queue, uint16_t size)
{
	struct driver_queue *q = &d->queues[queue];
	uint64_t areas[3];
	unsigned int i;

	*q = (struct driver_queue) { .size = size, .wrap = true, .used_wrap = true };
	for (i = 0; i < 3; i++) {
		areas[i] = driver_alloc(d, 4096);
		memset(driver_at(d, areas[i], 4096), 0, 4096);
	}
	q->desc = areas[0];
	q->driver = areas[1];
	q->device = areas[2];
	driver_write(d, 0x16, 2, queue);
	driver_write(d, 0x18, 2, size);
	driver_write(d, 0x1a, 2, queue);
	for (i = 0; i < 3; i++) {
		driver_write(d, 0x20 + 8 * i, 4, areas[i] & 0xffffffff);
		driver_write(d, 0x24 + 8 * i, 4, areas[i] >> 32);
	}
	driver_write(d, 0x1c, 2, 1);
}

void driver_ready(struct driver *d)
{
	driver_write(d, DRIVER_STATUS, 1, 3 | 8 | 4);
}

static void put_desc(struct driver *d, const struct driver_queue *q, unsigned int index,
		     const struct driver_element *element, uint16_t third, uint16_t fourth)
{
	uint8_t *desc = driver_at(d, q->desc + 16 * index, 16);

	memcpy(desc, &element->gpa, 8);
	memcpy(desc + 8, &element->size, 4);
	memcpy(desc + 12, &third, 2);
	__atomic_store_n((uint16_t *)(desc + 14), fourth, __ATOMIC_RELEASE);
}

static uint16_t add_split(struct driver *d, struct driver_queue *q,
			  const struct driver_element *elements, unsigned int nr, uint16_t flags)
{
	uint16_t *avail = driver_at(d, q->driver, 4096), head = q->next % q->size;
	unsigned int i;

	for (i = 0; i < nr; i++, q->next++)
		put_desc(d, q, q->next % q->size, &elements[i],
			 (uint16_t)((elements[i].write ? WRITE : 0) | (i + 1 < nr ? NEXT : 0) |
				    flags),
			 (uint16_t)((q->next + 1) % q->size));
	avail[2 + avail[1] % q->size] = head;
	__atomic_store_n(&avail[1], avail[1] + 1, __ATOMIC_RELEASE);
	return head;
}

/* The first descriptor last: it makes the others available. */
static uint16_t add_packed(struct driver *d, struct driver_queue *q,
			   const struct driver_element *elements, unsigned int nr, uint16_t flags)
{
	const uint16_t id = q->next;
	struct {
		unsigned int index;
		uint16_t flags;
	} places[256];
	unsigned int i;

	for (i = 0; i < nr; i++) {
		places[i].index = q->next;
		places[i].flags = (uint16_t)((elements[i].write ? WRITE : 0) |
					     (i + 1 < nr ? NEXT : 0) | (q->wrap ? AVAIL : USED) |
					     flags);
		if (++q->next == q->size) {
			q->next = 0;
			q->wrap = !q->wrap;
		}
	}
	while (i--)
		put_desc(d, q, places[i].index, &elements[i], id, places[i].flags);
	q->lengths[id] = (uint16_t)nr;
	return id;
}

static uint16_t add(struct driver *d, unsigned int queue, const struct driver_element *elements,
		    unsigned int nr, uint16_t flags)
{
	struct driver_queue *q = &d->queues[queue];

	return d->features & PACKED ? add_packed(d, q, elements, nr, flags) :
				      add_split(d, q, elements, nr, flags);
}

uint16_t driver_add(struct driver *d, unsigned int queue, const struct driver_element *elements,
		    unsigned int nr)
{
	return add(d, queue, elements, nr, 0);
}

uint16_t driver_add_indirect(struct driver *d, unsigned int queue, uint64_t table,
			     const struct driver_element *elements, unsigned int nr)
{
	const struct driver_element element = { table, 16 * nr, false };
	const struct driver_queue entries = { .desc = table };
	const bool packed = d->features & PACKED;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		const uint16_t flags = (uint16_t)((elements[i].write ? WRITE : 0) |
						  (!packed && i + 1 < nr ? NEXT : 0));

		put_desc(d, &entries, i, &elements[i], packed ? 0 : flags,
			 packed ? flags : (uint16_t)(i + 1));
	}
	return add(d, queue, &element, 1, INDIRECT);
}

void driver_kick(struct driver *d, unsigned int queue)
{
	driver_write(d, DRIVER_NOTIFY + 4 * queue, 2, queue);
}

static bool used_split(struct driver *d, struct driver_queue *q, uint16_t *id, uint32_t *length)
{
	uint16_t *used = driver_at(d, q->device, 4096);
	const uint32_t *entry = (uint32_t *)&used[2] + 2 * (q->used % q->size);

	if (__atomic_load_n(&used[1], __ATOMIC_ACQUIRE) == q->used)
		return false;
	*id = (uint16_t)entry[0];
	*length = entry[1];
	q->used++;
	return true;
}

static bool used_packed(struct driver *d, struct driver_queue *q, uint16_t *id, uint32_t *length)
{
	uint8_t *desc = driver_at(d, q->desc + 16 * q->used, 16);
	const uint16_t flags = __atomic_load_n((uint16_t *)(desc + 14), __ATOMIC_ACQUIRE);

	if (!!(flags & AVAIL) != q->used_wrap || !!(flags & USED) != q->used_wrap)
		return false;
	memcpy(length, desc + 8, 4);
	memcpy(id, desc + 12, 2);
	q->used = (uint16_t)(q->used + q->lengths[*id]);
	if (q->used >= q->size) {
		q->used = (uint16_t)(q->used - q->size);
		q->used_wrap = !q->used_wrap;
	}
	return true;
}

bool driver_used(struct driver *d, unsigned int queue, uint16_t *id, uint32_t *length)
{
	struct driver_queue *q = &d->queues[queue];

	return d->features & PACKED ? used_packed(d, q, id, length) : used_split(d, q, id, length);
}

bool driver_wait(struct driver *d, unsigned int queue, uint16_t *id, uint32_t *length)
{
	unsigned int tries;

	for (tries = 0; tries < 10000; tries++) {
		if (driver_used(d, queue, id, length))
			return true;
		usleep(1000);
	}
	return false;
}
