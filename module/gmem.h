/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A VM's guest-physical memory: ranges of its process's own memory, which
 * the EPT follows by MMU notifiers.
 */
#ifndef MINIVMX_GMEM_H
#define MINIVMX_GMEM_H

#include <linux/minmax.h>
#include <linux/types.h>

#include "../uapi/minivmx.h"

struct ept_cache;
struct vm;

int gmem_init(struct vm *vm);
void gmem_exit(struct vm *vm);

/* The width of a guest-physical address: the CPU's, within 4 EPT levels. */
u64 gmem_gpa_limit(void);

/* The ioctls; their contracts are at their structures in the uapi. */
int gmem_map(struct vm *vm, const struct minivmx_map *map);
int gmem_unmap(struct vm *vm, const struct minivmx_map *map);
/* gmem_user.c */
int gmem_protect(struct vm *vm, const struct minivmx_protect *protect);
int gmem_walk(struct vm *vm, struct minivmx_walk *walk);
int gmem_harvest(struct vm *vm, const struct minivmx_harvest *harvest);

/*
 * For gmem_user.c and dirty.c; under mem_sem. The range that @gpa is in, or NULL.
 */
struct mem_region *gmem_region(struct vm *vm, u64 gpa);
/*
 * The same if all of [@gpa, @gpa + @size) is mapped: the ranges behind the one
 * returned follow each other without a hole.
 */
struct mem_region *gmem_regions(struct vm *vm, u64 gpa, u64 size);
/*
 * Who goes through the EPT from @start to @end does it in chunks, and lets go of
 * ept_lock after each: a gigabyte, or 512 tables.
 */
static inline u64 gmem_chunk_end(u64 start, u64 end)
{
	return min(end, (start | ((1ULL << 30) - 1)) + 1);
}

/*
 * Empty the EPT from @start to @end in @r. True if CPUs must be flushed. Under
 * mem_sem (write), so that nothing is filled meanwhile. May sleep.
 */
bool gmem_zap(struct vm *vm, const struct mem_region *r, u64 start, u64 end);

enum gmem_result {
	GMEM_OK,		/* the EPT maps the page now */
	GMEM_UNMAPPED,	/* no range there: memory-mapped I/O */
	GMEM_ERROR,	/* *error says why, a positive errno */
	GMEM_RETRY,	/* a signal is pending */
};

/* Make the EPT map @gpa for @access (MINIVMX_PROT_*). May sleep. */
enum gmem_result gmem_fault(struct vm *vm, struct ept_cache *cache, u64 gpa,
			    u32 access, int *error);

/*
 * Copy from and to guest-physical memory on behalf of the guest. May sleep.
 * -EFAULT where nothing is mapped or the host has no page, -EACCES where the
 * guest's rights (MAP, PROTECT) do not allow it to read, execute or write.
 */
int gmem_read(struct vm *vm, u64 gpa, void *data, size_t len);
int gmem_fetch(struct vm *vm, u64 gpa, void *data, size_t len);
int gmem_write(struct vm *vm, u64 gpa, const void *data, size_t len);
/* Replace *@gpa by @new if it is @old; @len is 4 or 8. -EAGAIN if it is not. */
int gmem_cmpxchg(struct vm *vm, u64 gpa, u64 old, u64 new, size_t len);
/*
 * Read words without sleeping, in any context: -EAGAIN if that cannot be, or the above
 * would fail, which is for the caller to find out where it may sleep.
 */
int gmem_peek(struct vm *vm, u64 gpa, u64 *words, unsigned int nr, u32 access);
/* Is nothing mapped at @gpa? Does not sleep, either, and says no if it cannot tell. */
bool gmem_is_unmapped(struct vm *vm, u64 gpa);
/* 0, -EFAULT or -EACCES as these would at @gpa for @access (MINIVMX_PROT_*, or 0). */
int gmem_check(struct vm *vm, u64 gpa, u32 access);

#endif /* MINIVMX_GMEM_H */
