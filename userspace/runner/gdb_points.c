// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>

#include "gdb_points.h"
#include "guest_walk.h"

#define INT3		0xcc
#define DR7_ONES	0x400ULL

/* ---- Memory ---- */

static const struct gdb_soft *soft_at_gpa(const struct gdb_points *p, uint64_t gpa)
{
	unsigned int i;

	for (i = 0; i < p->nr_soft; i++)
		if (p->soft[i].gpa == gpa)
			return &p->soft[i];
	return NULL;
}

/* In a copy of what is at @gpa there is no INT3 of ours. */
static void hide_soft(const struct gdb_points *p, uint64_t gpa, uint8_t *bytes, size_t size)
{
	unsigned int i;

	for (i = 0; i < p->nr_soft; i++)
		if (p->soft[i].gpa - gpa < size && bytes[p->soft[i].gpa - gpa] == INT3)
			bytes[p->soft[i].gpa - gpa] = p->soft[i].byte;
}

/* What was written below breakpoints is what the guest has there from now on. */
static void cover(struct gdb_points *p, uint64_t gpa, uint8_t *at, size_t size)
{
	unsigned int i;

	/* All first: two may be at the same place. */
	for (i = 0; i < p->nr_soft; i++)
		if (p->soft[i].gpa - gpa < size)
			p->soft[i].byte = at[p->soft[i].gpa - gpa];
	for (i = 0; i < p->nr_soft; i++)
		if (p->soft[i].gpa - gpa < size)
			at[p->soft[i].gpa - gpa] = INT3;
}

/* The RAM at a linear address, up to the end of its page. */
static uint8_t *ram_at(const struct gdb_points *p, const struct minivmx_sregs *sregs,
		       uint64_t address, uint64_t *gpa, size_t *size)
{
	if (guest_walk(p->memory, sregs, address, gpa))
		return NULL;
	return guest_linear_at(p->memory, sregs, address, size);
}

size_t gdb_points_read(const struct gdb_points *p, const struct minivmx_sregs *sregs,
		       uint64_t address, uint8_t *bytes, size_t size)
{
	size_t part, done;
	uint64_t gpa;

	for (done = 0; done < size; done += part) {
		const uint8_t *at;

		part = size - done;
		at = ram_at(p, sregs, address + done, &gpa, &part);
		if (!at)
			break;
		memcpy(bytes + done, at, part);
		hide_soft(p, gpa, bytes + done, part);
	}
	return done;
}

size_t gdb_points_write(struct gdb_points *p, const struct minivmx_sregs *sregs,
			uint64_t address, const uint8_t *bytes, size_t size)
{
	size_t part, done;
	uint64_t gpa;

	for (done = 0; done < size; done += part) {
		uint8_t *at;

		part = size - done;
		at = ram_at(p, sregs, address + done, &gpa, &part);
		if (!at)
			break;
		memcpy(at, bytes + done, part);
		cover(p, gpa, at, part);
	}
	return done;
}

/* ---- Software breakpoints ---- */

static uint8_t *byte_at(const struct gdb_points *p, uint64_t gpa)
{
	return guest_memory_at(p->memory, gpa, 1);
}

static struct gdb_soft *soft_at(struct gdb_points *p, uint64_t address)
{
	unsigned int i;

	for (i = 0; i < p->nr_soft; i++)
		if (p->soft[i].address == address)
			return &p->soft[i];
	return NULL;
}

static int insert_soft(struct gdb_points *p, const struct minivmx_sregs *sregs,
		       uint64_t address)
{
	struct gdb_soft soft = { .address = address };
	const struct gdb_soft *same;
	uint8_t *at;

	if (soft_at(p, address))
		return 0;
	if (p->nr_soft == GDB_MAX_SOFT)
		return -ENOSPC;
	if (guest_walk(p->memory, sregs, address, &soft.gpa))
		return -EFAULT;
	at = byte_at(p, soft.gpa);
	if (!at)
		return -EFAULT;
	same = soft_at_gpa(p, soft.gpa);
	soft.byte = same ? same->byte : *at;
	*at = INT3;
	p->soft[p->nr_soft++] = soft;
	return 0;
}

bool gdb_points_soft_at(const struct gdb_points *p, const struct minivmx_sregs *sregs,
			uint64_t address, uint64_t *gpa)
{
	return !guest_walk(p->memory, sregs, address, gpa) && soft_at_gpa(p, *gpa);
}

/* Unless the guest has written there meanwhile. */
void gdb_points_lift(struct gdb_points *p, uint64_t gpa)
{
	uint8_t *at = byte_at(p, gpa);

	if (*at == INT3)
		*at = soft_at_gpa(p, gpa)->byte;
}

void gdb_points_restore(struct gdb_points *p, uint64_t gpa)
{
	cover(p, gpa, byte_at(p, gpa), 1);
}

static void remove_soft(struct gdb_points *p, struct gdb_soft *soft)
{
	const uint64_t gpa = soft->gpa;

	gdb_points_lift(p, gpa);
	*soft = p->soft[--p->nr_soft];
	/* There may be another at the same place. */
	gdb_points_restore(p, gpa);
}

/* ---- Hardware breakpoints and watchpoints ---- */

static bool is_same(const struct gdb_point *a, const struct gdb_point *b)
{
	return a->type == b->type && a->address == b->address &&
	       (a->type == GDB_HARDWARE || a->size == b->size);
}

/* DR7's R/W and LEN of one, at bit 0; -1 if there are no such. */
static int dr7_bits(const struct gdb_point *point)
{
	static const int rw[] = {
		[GDB_HARDWARE] = 0, [GDB_WATCH_WRITE] = 1, [GDB_WATCH_ACCESS] = 3,
	};
	static const int len[] = { [1] = 0, [2] = 1, [4] = 3, [8] = 2 };

	if (point->type == GDB_HARDWARE)
		return 0;
	if (point->size < 1 || point->size > 8 || point->size & (point->size - 1) ||
	    point->address & (point->size - 1))
		return -1;
	return rw[point->type] | len[point->size] << 2;
}

static int insert_hard(struct gdb_points *p, const struct gdb_point *point)
{
	int i, free = -1;

	if (dr7_bits(point) < 0)
		return -EINVAL;
	for (i = 0; i < GDB_MAX_HARD; i++) {
		if (!p->has_hard[i])
			free = i;
		else if (is_same(&p->hard[i], point))
			return 0;
	}
	if (free < 0)
		return -ENOSPC;
	p->hard[free] = *point;
	p->has_hard[free] = true;
	return 0;
}

static void remove_hard(struct gdb_points *p, const struct gdb_point *point)
{
	int i;

	for (i = 0; i < GDB_MAX_HARD; i++)
		if (p->has_hard[i] && is_same(&p->hard[i], point))
			p->has_hard[i] = false;
}

int gdb_points_insert(struct gdb_points *p, const struct minivmx_sregs *sregs,
		      const struct gdb_point *point)
{
	switch (point->type) {
	case GDB_SOFTWARE:
		return insert_soft(p, sregs, point->address);
	case GDB_WATCH_READ:
		return -EOPNOTSUPP;
	default:
		return insert_hard(p, point);
	}
}

int gdb_points_remove(struct gdb_points *p, const struct gdb_point *point)
{
	struct gdb_soft *soft;

	switch (point->type) {
	case GDB_SOFTWARE:
		soft = soft_at(p, point->address);
		if (soft)
			remove_soft(p, soft);
		return 0;
	case GDB_WATCH_READ:
		return -EOPNOTSUPP;
	default:
		remove_hard(p, point);
		return 0;
	}
}

void gdb_points_clear(struct gdb_points *p)
{
	while (p->nr_soft)
		remove_soft(p, &p->soft[0]);
	memset(p->has_hard, 0, sizeof(p->has_hard));
}

bool gdb_points_has_hard(const struct gdb_points *p)
{
	return p->has_hard[0] || p->has_hard[1] || p->has_hard[2] || p->has_hard[3];
}

uint64_t gdb_points_dr7(const struct gdb_points *p)
{
	uint64_t dr7 = DR7_ONES;
	int i;

	/* G0 to G3, and R/W and LEN of each. */
	for (i = 0; i < GDB_MAX_HARD; i++)
		if (p->has_hard[i])
			dr7 |= 2ULL << 2 * i |
			       (uint64_t)dr7_bits(&p->hard[i]) << (16 + 4 * i);
	return dr7;
}

bool gdb_points_hit(const struct gdb_points *p, uint64_t dr6, struct gdb_point *point)
{
	int i;

	for (i = 0; i < GDB_MAX_HARD; i++) {
		if (p->has_hard[i] && (dr6 & 1U << i)) {
			*point = p->hard[i];
			return true;
		}
	}
	return false;
}

bool gdb_points_hard_at(const struct gdb_points *p, uint64_t address)
{
	int i;

	for (i = 0; i < GDB_MAX_HARD; i++)
		if (p->has_hard[i] && p->hard[i].type == GDB_HARDWARE &&
		    p->hard[i].address == address)
			return true;
	return false;
}
