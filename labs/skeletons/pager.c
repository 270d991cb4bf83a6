// SPDX-License-Identifier: GPL-2.0
/* Lab 3: the EPT. Demand paging, rights, accessed and dirty flags, large pages. */
#include <errno.h>

#include "pager.h"

int ept_protect(struct vm *vm, uint64_t gpa, uint64_t size, uint32_t prot)
{
	/* MINIVMX_PROTECT_MEMORY */
	return -ENOSYS;
}

int ept_page_size(struct vm *vm, uint64_t gpa, uint64_t *bytes)
{
	/* MINIVMX_WALK_EPT */
	return -ENOSYS;
}

int ept_harvest(struct vm *vm, uint64_t gpa, uint64_t size, uint32_t which, uint64_t *bitmap)
{
	/* MINIVMX_HARVEST_PAGES */
	return -ENOSYS;
}

int ept_use_large(struct vm *vm, uint64_t gpa, uint64_t size, bool large)
{
	/* The EPT follows this process's page tables: madvise(). */
	return -ENOSYS;
}

int pager_create(struct pager *pager)
{
	/* Memory that is mapped, but to which the guest has no right yet. */
	return -ENOSYS;
}

void pager_destroy(struct pager *pager)
{
}

int pager_run(struct pager *pager, struct vcpu *vcpu)
{
	/* Of MINIVMX_EXIT_MEMORY, those in the range are the pager's. */
	return -ENOSYS;
}

int pager_evict(struct pager *pager, uint64_t gpa, void *page)
{
	/* What comes first: the copy, or the end of the guest's rights? */
	return -ENOSYS;
}
