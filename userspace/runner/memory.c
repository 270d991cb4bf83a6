// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "memory.h"

/* The host can back the guest by 2 MiB pages only where addresses agree. */
#define HUGE_PAGE	(2 * MIB)

static uint64_t round_up(uint64_t value, uint64_t align)
{
	return (value + align - 1) & ~(align - 1);
}

static uint64_t round_down(uint64_t value, uint64_t align)
{
	return value & ~(align - 1);
}

int guest_memory_init(struct guest_memory *memory, uint64_t size)
{
	size_t mapping_size;
	void *mapping;

	if (size < MEMORY_MIN || size > MEMORY_MAX || size % 4096)
		return -EINVAL;
	mapping_size = size + HUGE_PAGE;
	/* Pages are had when they are touched, so a guest may be larger. */
	mapping = mmap(NULL, mapping_size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (mapping == MAP_FAILED)
		return -errno;

	memset(memory, 0, sizeof(*memory));
	memory->mapping = mapping;
	memory->mapping_size = mapping_size;
	memory->host = (uint8_t *)round_up((uintptr_t)mapping, HUGE_PAGE);
	memory->size = size;
	memory->low = size < LOW_RAM_LIMIT ? size : LOW_RAM_LIMIT;
	/* Only a wish: a kernel without transparent huge pages refuses. */
	madvise(memory->host, size, MADV_HUGEPAGE);
	return 0;
}

void guest_memory_free(struct guest_memory *memory)
{
	if (memory->mapping)
		munmap(memory->mapping, memory->mapping_size);
	memset(memory, 0, sizeof(*memory));
}

unsigned int guest_memory_ranges(const struct guest_memory *memory,
				 struct memory_range ranges[2])
{
	ranges[0].start = 0;
	ranges[0].end = memory->low;
	if (memory->size == memory->low)
		return 1;
	ranges[1].start = ABOVE_4G;
	ranges[1].end = ABOVE_4G + (memory->size - memory->low);
	return 2;
}

void *guest_memory_at(const struct guest_memory *memory, uint64_t gpa,
		      uint64_t size)
{
	struct memory_range ranges[2];
	unsigned int i, nr = guest_memory_ranges(memory, ranges);
	uint64_t before = 0;

	for (i = 0; i < nr; i++) {
		uint64_t length = ranges[i].end - ranges[i].start;

		if (gpa >= ranges[i].start && gpa - ranges[i].start <= length &&
		    size <= length - (gpa - ranges[i].start))
			return memory->host + before + (gpa - ranges[i].start);
		before += length;
	}
	return NULL;
}

static void add_row(struct memory_map_row *map, unsigned int *nr, uint64_t start,
		    uint64_t end, enum memory_type type)
{
	if (start < end)
		map[(*nr)++] = (struct memory_map_row) {
			.range = { start, end },
			.type = type,
		};
}

unsigned int guest_memory_map(const struct guest_memory *memory,
			      struct memory_map_row map[MEMORY_MAX_MAP])
{
	struct memory_range ranges[2];
	unsigned int nr = 0;

	add_row(map, &nr, 0, CONVENTIONAL_END, MEMORY_RAM);
	add_row(map, &nr, CONVENTIONAL_END, CONVENTIONAL_LIMIT, MEMORY_RESERVED);
	add_row(map, &nr, BIOS_START, HIGH_START, MEMORY_RESERVED);
	add_row(map, &nr, HIGH_START, memory->low, MEMORY_RAM);
	if (guest_memory_ranges(memory, ranges) == 2)
		add_row(map, &nr, ranges[1].start, ranges[1].end, MEMORY_RAM);
	return nr;
}

static void merge_with_next(struct guest_memory *memory, unsigned int i)
{
	struct memory_range *claims = memory->claims;

	if (i + 1 >= memory->nr_claims || claims[i].end != claims[i + 1].start)
		return;
	claims[i].end = claims[i + 1].end;
	memory->nr_claims--;
	memmove(&claims[i + 1], &claims[i + 2],
		(memory->nr_claims - (i + 1)) * sizeof(claims[0]));
}

enum claim_result guest_memory_claim(struct guest_memory *memory, uint64_t gpa,
				     uint64_t size)
{
	struct memory_range *claims = memory->claims;
	unsigned int i = 0;

	if (!guest_memory_at(memory, gpa, size))
		return CLAIM_NO_RAM;
	if (!size)
		return CLAIM_OK;
	while (i < memory->nr_claims && claims[i].end <= gpa)
		i++;
	if (i < memory->nr_claims && claims[i].start < gpa + size)
		return CLAIM_OVERLAP;
	/* Behind or before its neighbour it needs no row of its own. */
	if (i > 0 && claims[i - 1].end == gpa) {
		claims[i - 1].end = gpa + size;
		merge_with_next(memory, i - 1);
		return CLAIM_OK;
	}
	if (i < memory->nr_claims && claims[i].start == gpa + size) {
		claims[i].start = gpa;
		return CLAIM_OK;
	}
	if (memory->nr_claims == MEMORY_MAX_CLAIMS)
		return CLAIM_TOO_MANY;
	memmove(&claims[i + 1], &claims[i],
		(memory->nr_claims - i) * sizeof(claims[0]));
	claims[i] = (struct memory_range) { gpa, gpa + size };
	memory->nr_claims++;
	return CLAIM_OK;
}

typedef bool (*gap_fn)(struct memory_range gap, void *context);

/* Call @found for each gap of RAM in @within, upwards, until it says true. */
static bool for_each_gap(const struct guest_memory *memory,
			 struct memory_range within, gap_fn found, void *context)
{
	struct memory_map_row map[MEMORY_MAX_MAP];
	unsigned int row, i, nr = guest_memory_map(memory, map);

	for (row = 0; row < nr; row++) {
		uint64_t start = map[row].range.start, end = map[row].range.end;

		if (map[row].type != MEMORY_RAM)
			continue;
		if (start < within.start)
			start = within.start;
		if (end > within.end)
			end = within.end;
		for (i = 0; i < memory->nr_claims && start < end; i++) {
			const struct memory_range *claim = &memory->claims[i];

			if (claim->end <= start || claim->start >= end)
				continue;
			if (start < claim->start &&
			    found((struct memory_range) { start, claim->start },
				  context))
				return true;
			start = claim->end;
		}
		if (start < end &&
		    found((struct memory_range) { start, end }, context))
			return true;
	}
	return false;
}

struct search {
	uint64_t size;
	struct placement where;
	uint64_t gpa;
	bool found;
};

static bool try_gap(struct memory_range gap, void *context)
{
	struct search *search = context;
	uint64_t start = round_up(gap.start, search->where.align);

	if (start < gap.start || start >= gap.end ||
	    gap.end - start < search->size)
		return false;
	search->found = true;
	if (search->where.from == PLACE_FROM_BOTTOM) {
		search->gpa = start;
		return true;
	}
	/* From the top, the last gap that is large enough counts. */
	search->gpa = round_down(gap.end - search->size, search->where.align);
	return false;
}

bool guest_memory_place(struct guest_memory *memory, uint64_t size,
			struct placement where, uint64_t *gpa)
{
	struct search search = { .size = size, .where = where };

	for_each_gap(memory, where.within, try_gap, &search);
	if (!search.found ||
	    guest_memory_claim(memory, search.gpa, size) != CLAIM_OK)
		return false;
	*gpa = search.gpa;
	return true;
}

struct room {
	uint64_t align;
	uint64_t largest;
};

static bool measure_gap(struct memory_range gap, void *context)
{
	struct room *room = context;
	uint64_t start = round_up(gap.start, room->align);

	if (start >= gap.start && start < gap.end &&
	    gap.end - start > room->largest)
		room->largest = gap.end - start;
	return false;
}

uint64_t guest_memory_room(const struct guest_memory *memory,
			   struct placement where)
{
	struct room room = { .align = where.align };

	for_each_gap(memory, where.within, measure_gap, &room);
	return room.largest;
}
