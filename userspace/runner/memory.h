/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guest's memory, seen from the host: where RAM is, bounds-checked access
 * to it, and which parts of it the loaders have filled.
 *
 * Knows no file descriptor: a loader works the same in a unit test.
 */
#ifndef MEMORY_H
#define MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MIB			(1ULL << 20)
#define GIB			(1ULL << 30)

#define MEMORY_MIN		MIB
#define MEMORY_MAX		(1024 * GIB)
/* Conventional memory ends here; a PC has 1 KiB of BIOS data above it. */
#define CONVENTIONAL_END	0x9fc00ULL
#define CONVENTIONAL_LIMIT	0xa0000ULL
#define BIOS_START		0xf0000ULL
#define HIGH_START		MIB
/* RAM beyond this address moves above 4 GiB, as on a PC with its PCI hole. */
#define LOW_RAM_LIMIT		(3 * GIB)
#define ABOVE_4G		(4 * GIB)

#define MEMORY_MAX_CLAIMS	64
#define MEMORY_MAX_MAP		6

/* A range of guest-physical addresses: @start up to, but without, @end. */
struct memory_range {
	uint64_t start;
	uint64_t end;
};

/* The types are those of the e820 call, of PVH and of multiboot alike. */
enum memory_type {
	MEMORY_RAM = 1,
	MEMORY_RESERVED = 2,
};

struct memory_map_row {
	struct memory_range range;
	enum memory_type type;
};

/**
 * struct guest_memory - the guest's RAM
 * @host: where its first byte is
 * @size: bytes of it
 * @low: bytes of it below 4 GiB; the rest starts at ABOVE_4G
 * @claims: what is in use, sorted, never touching or overlapping
 * @nr_claims: rows at @claims
 * @mapping: the host mapping that @host lies in
 * @mapping_size: its size
 */
struct guest_memory {
	uint8_t *host;
	uint64_t size;
	uint64_t low;
	struct memory_range claims[MEMORY_MAX_CLAIMS];
	unsigned int nr_claims;
	void *mapping;
	size_t mapping_size;
};

/* Get @size bytes of zeroed host memory. 0 or -errno. */
int guest_memory_init(struct guest_memory *memory, uint64_t size);
void guest_memory_free(struct guest_memory *memory);

/* The host's pointer to @size bytes at @gpa, or NULL if not all of it is RAM. */
void *guest_memory_at(const struct guest_memory *memory, uint64_t gpa,
		      uint64_t size);

/* The ranges that the VM maps, at most two; returns how many. */
unsigned int guest_memory_ranges(const struct guest_memory *memory,
				 struct memory_range ranges[2]);

/* The memory map that the guest is told; returns its rows. */
unsigned int guest_memory_map(const struct guest_memory *memory,
			      struct memory_map_row map[MEMORY_MAX_MAP]);

enum claim_result {
	CLAIM_OK,
	CLAIM_NO_RAM,		/* not all of the range is RAM */
	CLAIM_OVERLAP,		/* part of it is in use */
	CLAIM_TOO_MANY,		/* MEMORY_MAX_CLAIMS separate ranges */
};

/* Take a fixed range. */
enum claim_result guest_memory_claim(struct guest_memory *memory, uint64_t gpa,
				     uint64_t size);

enum place_from {
	PLACE_FROM_BOTTOM,
	PLACE_FROM_TOP,
};

/* Where something may go. @align is a power of two. */
struct placement {
	struct memory_range within;
	uint64_t align;
	enum place_from from;
};

/* Take @size bytes somewhere; false if there is no such gap. */
bool guest_memory_place(struct guest_memory *memory, uint64_t size,
			struct placement where, uint64_t *gpa);

/* The largest @size that guest_memory_place() would find room for. */
uint64_t guest_memory_room(const struct guest_memory *memory,
			   struct placement where);

#endif /* MEMORY_H */
