/* SPDX-License-Identifier: GPL-2.0 */
/* Values by chance for the arguments of ioctl_table.h. */
#ifndef SELFTESTS_IOCTL_VALUES_H
#define SELFTESTS_IOCTL_VALUES_H

#include <string.h>

#include "ioctl_table.h"

#define ARRAY_LEN(a)	(sizeof(a) / sizeof((a)[0]))
#define PAGE		4096UL
#define SLOTS		6		/* descriptors of one kind */
#define ARENA		(32 * PAGE)	/* memory that guests get */
#define TSC_OFFSET	0x2010		/* as in fields.def */
#define BUFFER_SIZE	(16 * PAGE)	/* what calls point to; there is nothing behind it */

/* What values refer to. */
static int slots[NR_HOLDERS][SLOTS];
static uint8_t *arena;
static __thread uint8_t *buffer;
static uint32_t xsave_size;

/* ---- Addresses of the kernel ---- */

/* The direct map, vmalloc(), struct pages, text and modules, without KASLR. */
static bool is_kernel_address(uint64_t value)
{
	return (value >= 0xffff888000000000 && value < 0xffffc88000000000) ||
	       (value >= 0xffffc90000000000 && value < 0xffffe90000000000) ||
	       (value >= 0xffffea0000000000 && value < 0xffffeb0000000000) ||
	       (value >= 0xffffffff81000000 && value < 0xffffffffe0000000);
}

/* What this program has made is not to be taken for one. */
static void tame(void *bytes, size_t size)
{
	uint64_t *words = bytes;
	size_t i;

	for (i = 0; i < size / 8; i++)
		if (is_kernel_address(words[i]))
			words[i] &= ~(1UL << 63);
}

/* ---- Values ---- */

static uint64_t any_value(void)
{
	static const uint64_t boundaries[] = {
		0, 1, 2, 3, 0x7f, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff,
		0x100000000, 0x7fffffffffff, 0x800000000000, 0xffff800000000000, 1UL << 52,
		1UL << 63, ~0UL, ~0UL - 1, ~0UL << 12,
	};

	switch (below(4)) {
	case 0:
		return boundaries[below(ARRAY_LEN(boundaries))];
	case 1:
		return 1UL << below(64);
	case 2:
		return below(256);
	default:
		return random64() >> below(64);
	}
}

static void *any_pointer(void)
{
	switch (below(32)) {
	case 0:
		return NULL;
	case 1:
		return buffer + BUFFER_SIZE - 8;
	case 2:
		return (void *)0xffff888000001000;
	case 3:
		return (void *)any_value();
	case 4:
		return arena + below(ARENA);
	case 5:
		return buffer + 8 * below(4);
	default:
		return buffer;
	}
}

static const uint32_t msrs[] = {
	0x10, 0x1b, 0x174, 0x175, 0x176, 0x179, 0x17a, 0x1a0, 0x1d9, 0x200, 0x277, 0x2ff, 0x400,
	0x401, 0x6e0, 0x802, 0x80f, 0x830, 0xda0, 0x4b564d01, 0xc0000080, 0xc0000081, 0xc0000082,
	0xc0000084, 0xc0000100, 0xc0000102, 0xc0000103,
};

static const uint32_t encodings[] = {
#define FIELD(encoding, name, policy, meaning) encoding,
#include "../../module/fields.def"
#undef FIELD
};

static void fill(enum element element)
{
	uint64_t *words = (uint64_t *)buffer;
	unsigned int i;

	for (i = 0; i < 256; i++)
		words[i] = 0xa5a5a5a5a5a5a5a5;
	switch (element) {
	case MSRS:
		for (i = 0; i < 32; i++) {
			words[2 * i] = msrs[below(ARRAY_LEN(msrs))] | below(16) / 15 * any_value();
			words[2 * i + 1] = any_value();
		}
		break;
	case FIELDS:
		for (i = 0; i < 32; i++) {
			words[3 * i] = encodings[below(ARRAY_LEN(encodings))];
			/* A small negative number, which is taken for an address. */
			if (words[3 * i] == TSC_OFFSET)
				words[3 * i] = 0;
			words[3 * i + 1] = any_value();
		}
		break;
	case CPUID_ROWS:
		for (i = 0; i < 4 * 16; i++)
			words[i] = i % 4 && i % 4 != 3 ? any_value() : i % 4 ? 0 : below(16);
		break;
	case ROUTES:
		for (i = 0; i < 32; i++) {
			words[2 * i] = 0xfee00000 | below(1 << 20);
			words[2 * i + 1] = (below(8) ? i : any_value()) << 32 | below(256);
		}
		break;
	case BYTES:
		break;
	}
	tame(words, 2048);
}

/* Rather one that is there. */
static int any_slot(enum holder holder)
{
	unsigned int tries = 4;
	int fd = -1;

	while (fd < 0 && tries--)
		fd = slots[holder][below(SLOTS)];
	return fd;
}

static uint64_t fitting_value(const struct field_row *field)
{
	switch (field->kind) {
	case RESERVED:
		return 0;
	case FLAGS:
		return random64() & field->limit;
	case BELOW:
		return below(field->limit < 8 || below(4) ? (field->limit < 4 ? field->limit : 4) :
		       field->limit);
	case NR:
		return below(8) ? below(20) : field->limit;
	case ROOM:
		return below(2) ? field->limit : below(8);
	case GPA:
		return below(3) ? below(ARENA / PAGE) * PAGE : 0;
	case SIZE:
		return below(3) ? (1 + below(4)) * PAGE : ARENA / 2;
	case HVA:
		return (uint64_t)arena + below(ARENA / PAGE) * PAGE;
	case BUFFER:
		fill(field->limit);
		return (uint64_t)any_pointer();
	case EVENT:
		return any_slot(EVENT_FD);
	case EVENT_OR_0:
		return below(2) ? 0 : any_slot(EVENT_FD);
	case ANY_FD:
		return below(4) ? 0 : any_slot(below(NR_HOLDERS));
	case MSI:
		return 0xfee00000 | below(1 << 20);
	case APIC_BASE:
		return 0xfee00800 | below(2) << 8 | below(2) << 10;
	case XSAVE_SIZE:
		return xsave_size;
	case RECORDS:
		return below(3) ? 64 << below(4) : 0;
	default:
		return any_value();
	}
}

static void set_field(const struct call_row *row, const struct field_row *field, uint8_t *arg)
{
	uint64_t value;

	if (row->from_reset && below(6))
		return;
	value = below(24) ? fitting_value(field) :
		field->limit && below(2) ? field->limit + below(2) : any_value();
	memcpy(arg + field->offset, &value, field->size < 8 ? field->size : 8);
}

static uint64_t field_value(const struct field_row *field, const uint8_t *arg)
{
	uint64_t value = 0;

	memcpy(&value, arg + field->offset, field->size < 8 ? field->size : 8);
	return value;
}

/* The field for which the module has to refuse the argument, or NULL. */
static const struct field_row *refused_field(const struct call_row *row, const uint8_t *arg)
{
	const struct field_row *field = row->fields;

	for (; field < row->fields + MAX_FIELDS && field->size; field++)
		if (is_refused(field, field_value(field, arg)))
			return field;
	return NULL;
}

#endif /* SELFTESTS_IOCTL_VALUES_H */
