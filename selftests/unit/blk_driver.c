// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../userspace/virtio/blk.h"
#include "blk_driver.h"

#define SLOT		1
#define PAGE		4096
/* In the page of a request. */
#define STATUS_AT	64
#define TABLE_AT	128

bool blk_driver_open(struct blk_driver *b, struct disk *disk)
{
	struct message message;

	if (!fake_create(&b->m, &pci_host_class) || guest_memory_init(&b->memory, BLK_MEMORY))
		return false;
	fake_threads(&b->m);
	b->worker = worker_new();
	b->dev = blk_create(&b->m, &b->memory, b->worker, disk, "test", &message);
	if (!b->dev) {
		fprintf(stderr, "%s\n", message.text);
		return false;
	}
	if (worker_start(b->worker))
		return false;
	driver_open(&b->d, &b->m, &b->memory, SLOT, true);
	b->data = driver_alloc(&b->d, BLK_DATA);
	b->slots = driver_alloc(&b->d, BLK_SLOTS * PAGE);
	return true;
}

bool blk_driver_start(struct blk_driver *b, uint64_t features)
{
	b->d.next_page = b->slots + BLK_SLOTS * PAGE;
	if (!driver_negotiate(&b->d, features))
		return false;
	driver_queue(&b->d, 0, 256);
	driver_ready(&b->d);
	return true;
}

void blk_driver_close(struct blk_driver *b)
{
	worker_stop(b->worker);
	b->dev->class->destroy(b->dev);
	worker_free(b->worker);
	guest_memory_free(&b->memory);
	fake_destroy(&b->m);
}

/* ---- Requests ---- */

void blk_header(struct blk_driver *b, uint64_t gpa, uint32_t type, uint64_t sector)
{
	uint8_t *header = driver_at(&b->d, gpa, 16);
	const uint32_t reserved = 0x12345678;

	memcpy(header, &type, 4);
	memcpy(header + 4, &reserved, 4);
	memcpy(header + 8, &sector, 8);
}

static uint64_t slot_page(const struct blk_driver *b, unsigned int slot)
{
	return b->slots + (uint64_t)slot * PAGE;
}

static void add_elements(struct blk_driver *b, unsigned int slot,
			 const struct driver_element *elements, unsigned int nr, uint64_t status)
{
	uint16_t id;

	*(uint8_t *)driver_at(&b->d, status, 1) = BLK_NO_ANSWER;
	if (b->d.features & VIRTIO_FEATURE_INDIRECT_DESC)
		id = driver_add_indirect(&b->d, 0, slot_page(b, slot) + TABLE_AT, elements, nr);
	else
		id = driver_add(&b->d, 0, elements, nr);
	b->ids[id] = slot;
}

void blk_add(struct blk_driver *b, unsigned int slot, uint32_t type, uint64_t sector,
	     uint64_t data, uint32_t size)
{
	const uint64_t page = slot_page(b, slot);
	const bool in = type == BLK_T_IN || type == BLK_T_GET_ID;
	const struct driver_element elements[] = {
		{ page, 16, false },
		{ size ? data : page + STATUS_AT, size ? size : 1, in || !size },
		{ page + STATUS_AT, 1, true },
	};

	blk_header(b, page, type, sector);
	add_elements(b, slot, elements, size ? 3 : 2, page + STATUS_AT);
}

uint8_t blk_wait(struct blk_driver *b)
{
	uint16_t id;

	if (!driver_wait(&b->d, 0, &id, &b->length))
		return BLK_NO_ANSWER;
	b->last = b->ids[id];
	return *(uint8_t *)driver_at(&b->d, slot_page(b, b->last) + STATUS_AT, 1);
}

uint8_t blk_do(struct blk_driver *b, uint32_t type, uint64_t sector, uint64_t data, uint32_t size)
{
	blk_add(b, 0, type, sector, data, size);
	driver_kick(&b->d, 0);
	return blk_wait(b);
}

uint8_t blk_do_elements(struct blk_driver *b, const struct driver_element *elements,
			unsigned int nr, uint64_t status)
{
	add_elements(b, 0, elements, nr, status);
	driver_kick(&b->d, 0);
	blk_wait(b);
	return *(uint8_t *)driver_at(&b->d, status, 1);
}

uint8_t blk_do_out(struct blk_driver *b, uint32_t type, uint32_t size)
{
	memset(driver_at(&b->d, b->data, size), 0, size);
	return blk_do(b, type, 0, b->data, size);
}

uint8_t blk_do_range(struct blk_driver *b, uint32_t type, uint64_t sector, uint32_t sectors,
		     uint32_t flags)
{
	const uint64_t at = slot_page(b, 0) + 32;
	uint8_t *range = driver_at(&b->d, at, 16);

	memcpy(range, &sector, 8);
	memcpy(range + 8, &sectors, 4);
	memcpy(range + 12, &flags, 4);
	return blk_do(b, type, 0, at, 16);
}

bool blk_needs_reset(struct blk_driver *b)
{
	unsigned int tries;

	for (tries = 0; tries < 10000; tries++) {
		if (driver_read(&b->d, DRIVER_STATUS, 1) & VIRTIO_STATUS_NEEDS_RESET)
			return true;
		usleep(1000);
	}
	return false;
}

/* ---- Memory ---- */

/* Of which no two words, and no two seeds, are alike. */
static uint64_t word(uint32_t at, unsigned int seed)
{
	return ((uint64_t)(seed + 1) << 32 | at) * 0x9e3779b97f4a7c15;
}

void blk_fill(struct blk_driver *b, uint64_t gpa, uint32_t size, unsigned int seed)
{
	uint8_t *to = driver_at(&b->d, gpa, size);
	uint32_t i;

	for (i = 0; i < size; i += 8) {
		const uint64_t value = word(i, seed);

		memcpy(to + i, &value, size - i < 8 ? size - i : 8);
	}
}

bool blk_is_filled(struct blk_driver *b, uint64_t gpa, uint32_t size, unsigned int seed)
{
	const uint8_t *from = driver_at(&b->d, gpa, size);
	uint32_t i;

	for (i = 0; i < size; i += 8) {
		const uint64_t value = word(i, seed);

		if (memcmp(from + i, &value, size - i < 8 ? size - i : 8))
			return false;
	}
	return true;
}

bool blk_is_zero(struct blk_driver *b, uint64_t gpa, uint32_t size)
{
	const uint8_t *from = driver_at(&b->d, gpa, size);

	return !from[0] && !memcmp(from, from + 1, size - 1);
}
