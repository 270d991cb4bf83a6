// SPDX-License-Identifier: GPL-2.0
/* "Paging" in the manual: the four modes, each a list of levels. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "guest_walk.h"

#define CR0_PG		(1ULL << 31)
#define CR4_PSE		(1ULL << 4)
#define CR4_PAE		(1ULL << 5)
#define CR4_LA57	(1ULL << 12)
#define EFER_LMA	(1ULL << 10)

#define ENTRY_P		(1ULL << 0)
#define ENTRY_PS	(1ULL << 7)
#define ENTRY_ADDRESS	0x000ffffffffff000ULL
#define PAGE_SHIFT	12
#define PAGE_SIZE	4096U

/* One entry of 4 or 8 bytes; false if it is not in RAM. */
static bool read_entry(const struct guest_memory *memory, uint64_t gpa, size_t size,
		       uint64_t *entry)
{
	const void *at = guest_memory_at(memory, gpa, size);

	*entry = 0;
	if (at)
		memcpy(entry, at, size);
	return at;
}

static uint64_t low_bits(uint64_t value, unsigned int bits)
{
	return value & ((1ULL << bits) - 1);
}

/* Entries of 8 bytes, 512 in a table, from @shift down to 4-KByte pages. */
static int walk_wide(const struct guest_memory *memory, uint64_t table, unsigned int shift,
		     uint64_t linear, uint64_t *gpa)
{
	uint64_t entry;

	for (;; shift -= 9) {
		if (!read_entry(memory, table + 8 * low_bits(linear >> shift, 9), 8, &entry) ||
		    !(entry & ENTRY_P))
			return -EFAULT;
		table = entry & ENTRY_ADDRESS;
		/* 1 GByte and 2 MBytes; above that the bit is reserved. */
		if (shift == PAGE_SHIFT || ((entry & ENTRY_PS) && shift <= 30))
			break;
	}
	*gpa = (table & ~((1ULL << shift) - 1)) | low_bits(linear, shift);
	return 0;
}

static int walk_32bit(const struct guest_memory *memory, const struct minivmx_sregs *sregs,
		      uint64_t linear, uint64_t *gpa)
{
	uint64_t entry;

	if (!read_entry(memory, (sregs->cr3 & 0xfffff000) + 4 * (linear >> 22), 4, &entry) ||
	    !(entry & ENTRY_P))
		return -EFAULT;
	if ((entry & ENTRY_PS) && (sregs->cr4 & CR4_PSE)) {
		/* Bits 39:32 of the page's address are in bits 20:13: PSE-36. */
		*gpa = (entry & 0xffc00000) | low_bits(entry >> 13, 8) << 32 |
		       low_bits(linear, 22);
		return 0;
	}
	if (!read_entry(memory, (entry & 0xfffff000) + 4 * low_bits(linear >> PAGE_SHIFT, 10),
			4, &entry) || !(entry & ENTRY_P))
		return -EFAULT;
	*gpa = (entry & 0xfffff000) | low_bits(linear, PAGE_SHIFT);
	return 0;
}

static bool is_canonical(uint64_t linear, unsigned int width)
{
	const uint64_t high = linear >> (width - 1);

	return !high || high == UINT64_MAX >> (width - 1);
}

int guest_walk(const struct guest_memory *memory, const struct minivmx_sregs *sregs,
	       uint64_t linear, uint64_t *gpa)
{
	if (sregs->efer & EFER_LMA) {
		const unsigned int width = sregs->cr4 & CR4_LA57 ? 57 : 48;

		if (!is_canonical(linear, width))
			return -EFAULT;
		return walk_wide(memory, sregs->cr3 & ENTRY_ADDRESS, width - 9, linear, gpa);
	}
	linear = (uint32_t)linear;
	if (!(sregs->cr0 & CR0_PG)) {
		*gpa = linear;
		return 0;
	}
	if (sregs->cr4 & CR4_PAE) {
		/* The CPU has these in registers since CR3 was loaded. */
		const uint64_t pdpte = sregs->pdpte[linear >> 30];

		if (!(pdpte & ENTRY_P))
			return -EFAULT;
		return walk_wide(memory, pdpte & ENTRY_ADDRESS, 21, linear, gpa);
	}
	return walk_32bit(memory, sregs, linear, gpa);
}

void *guest_linear_at(const struct guest_memory *memory, const struct minivmx_sregs *sregs,
		      uint64_t linear, size_t *size)
{
	const size_t left = PAGE_SIZE - low_bits(linear, PAGE_SHIFT);
	uint64_t gpa;

	if (*size > left)
		*size = left;
	if (guest_walk(memory, sregs, linear, &gpa))
		return NULL;
	return guest_memory_at(memory, gpa, *size);
}
