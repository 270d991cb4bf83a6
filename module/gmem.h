/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A VM's guest-physical memory: ranges of its process's own memory, which
 * the EPT follows by MMU notifiers.
 */
#ifndef MINIVMX_GMEM_H
#define MINIVMX_GMEM_H

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
int gmem_walk(struct vm *vm, struct minivmx_walk *walk);

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
 * Copy from and to guest-physical memory on behalf of the guest, only where
 * a range is mapped (and writable for a write). May sleep. -EFAULT otherwise.
 */
int gmem_read(struct vm *vm, u64 gpa, void *data, size_t len);
int gmem_write(struct vm *vm, u64 gpa, const void *data, size_t len);
/* Replace *@gpa by @new if it is @old; @len is 4 or 8. -EAGAIN if it is not. */
int gmem_cmpxchg(struct vm *vm, u64 gpa, u64 old, u64 new, size_t len);
/* Is a range mapped at @gpa that allows @access (MINIVMX_PROT_*)? */
bool gmem_is_mapped(struct vm *vm, u64 gpa, u32 access);

#endif /* MINIVMX_GMEM_H */
