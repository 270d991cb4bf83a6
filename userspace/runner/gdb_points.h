/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Breakpoints and watchpoints, and the guest's memory as it is without them. Pure
 * logic on that memory: what the CPU has to do for them is for gdb_target.c.
 */
#ifndef GDB_POINTS_H
#define GDB_POINTS_H

#include "gdb.h"
#include "memory.h"

#define GDB_MAX_SOFT	256
#define GDB_MAX_HARD	4

/**
 * struct gdb_soft - a software breakpoint: INT3 in the guest's memory
 * @address: linear
 * @gpa: where that was when it was inserted
 * @byte: what the guest has there
 */
struct gdb_soft {
	uint64_t address;
	uint64_t gpa;
	uint8_t byte;
};

/**
 * struct gdb_points - what gdb has inserted
 * @memory: the guest's memory
 * @soft: software breakpoints
 * @nr_soft: how many
 * @hard: hardware breakpoints and watchpoints, by debug register
 * @has_hard: there is one
 */
struct gdb_points {
	const struct guest_memory *memory;
	struct gdb_soft soft[GDB_MAX_SOFT];
	unsigned int nr_soft;
	struct gdb_point hard[GDB_MAX_HARD];
	bool has_hard[GDB_MAX_HARD];
};

/* Memory at a linear address, as the guest has it; returns the bytes that there are. */
size_t gdb_points_read(const struct gdb_points *p, const struct minivmx_sregs *sregs,
		       uint64_t address, uint8_t *bytes, size_t size);
size_t gdb_points_write(struct gdb_points *p, const struct minivmx_sregs *sregs,
			uint64_t address, const uint8_t *bytes, size_t size);

/*
 * As struct gdb_ops has it. -ENOSPC: there are too many; -EFAULT: no memory is mapped
 * there; -EINVAL: watchpoints have 1, 2, 4 or 8 bytes and are aligned to them.
 */
int gdb_points_insert(struct gdb_points *p, const struct minivmx_sregs *sregs,
		      const struct gdb_point *point);
int gdb_points_remove(struct gdb_points *p, const struct gdb_point *point);

/* Take all out. */
void gdb_points_clear(struct gdb_points *p);

/* Whether there is a software breakpoint where a linear address leads, and where. */
bool gdb_points_soft_at(const struct gdb_points *p, const struct minivmx_sregs *sregs,
			uint64_t address, uint64_t *gpa);

/* Take the INT3 out of the guest's way, and put it there again. */
void gdb_points_lift(struct gdb_points *p, uint64_t gpa);
void gdb_points_restore(struct gdb_points *p, uint64_t gpa);

bool gdb_points_has_hard(const struct gdb_points *p);
/* DR7 for them. */
uint64_t gdb_points_dr7(const struct gdb_points *p);
/* The first of those whose bits B0 to B3 are set. */
bool gdb_points_hit(const struct gdb_points *p, uint64_t dr6, struct gdb_point *point);
/* Whether there is a hardware breakpoint at a linear address. */
bool gdb_points_hard_at(const struct gdb_points *p, uint64_t address);

#endif /* GDB_POINTS_H */
