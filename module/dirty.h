/* SPDX-License-Identifier: GPL-2.0 */
/* The dirty log: which pages of a range were written since one asked last. */
#ifndef MINIVMX_DIRTY_H
#define MINIVMX_DIRTY_H

#include <linux/types.h>

#include "../uapi/minivmx.h"

struct ept_bitmap;
struct mem_region;
struct vcpu;
struct vm;

/* The ioctls; their contracts are at their structures in the uapi. */
int dirty_log(struct vm *vm, const struct minivmx_dirty_log *log);
int dirty_log_get(struct vm *vm, const struct minivmx_dirty_bitmap *get);

/* The module wrote @len bytes at @gpa, in @r. Under mem_sem, after it did. */
void dirty_mark(struct mem_region *r, u64 gpa, size_t len);
/* The same for all pages in @bitmap, which are mapped. */
void dirty_mark_bitmap(struct vm *vm, const struct ept_bitmap *bitmap);
/* End the log of @r, if there is one; its part of the EPT is empty. mem_sem (write). */
void dirty_log_end(struct vm *vm, struct mem_region *r);

/*
 * A vCPU's page-modification log, where logs are made by PML (vmx_ctls.pml).
 * pml_alloc() returns 0 or -ENOMEM; pml_switch() does what REQ_PML asks for.
 */
int pml_alloc(struct vcpu *vcpu);
void pml_free(struct vcpu *vcpu);
void pml_switch(struct vcpu *vcpu);
/* VMCS current: the fields of a new VMCS, and the index when it starts at the top again. */
void pml_vmcs_init(struct vcpu *vcpu);
void pml_vmcs_restart(void);

#endif /* MINIVMX_DIRTY_H */
