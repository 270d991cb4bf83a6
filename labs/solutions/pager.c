// SPDX-License-Identifier: GPL-2.0
/* Lab 3: the EPT. Demand paging, rights, accessed and dirty flags, large pages. */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "pager.h"

#define PAGE	4096
#define RWX	(MINIVMX_PROT_READ | MINIVMX_PROT_WRITE | MINIVMX_PROT_EXEC)

int ept_protect(struct vm *vm, uint64_t gpa, uint64_t size, uint32_t prot)
{
	struct minivmx_protect protect = { .gpa = gpa, .size = size, .prot = prot };

	return ioctl(vm->fd, MINIVMX_PROTECT_MEMORY, &protect) < 0 ? -errno : 0;
}

int ept_page_size(struct vm *vm, uint64_t gpa, uint64_t *bytes)
{
	struct minivmx_walk walk = { .gpa = gpa };

	if (ioctl(vm->fd, MINIVMX_WALK_EPT, &walk) < 0)
		return -errno;
	*bytes = walk.page_size;
	return 0;
}

int ept_harvest(struct vm *vm, uint64_t gpa, uint64_t size, uint32_t which, uint64_t *bitmap)
{
	struct minivmx_harvest harvest = {
		.gpa = gpa,
		.size = size,
		.bitmap = (uintptr_t)bitmap,
		.which = which,
		.flags = MINIVMX_HARVEST_CLEAR,
	};

	return ioctl(vm->fd, MINIVMX_HARVEST_PAGES, &harvest) < 0 ? -errno : 0;
}

int ept_use_large(struct vm *vm, uint64_t gpa, uint64_t size, bool large)
{
	int advice = large ? MADV_HUGEPAGE : MADV_NOHUGEPAGE;

	if (size > vm->size || gpa > vm->size - size)
		return -EINVAL;
	return madvise(vm->mem + gpa, size, advice) < 0 ? -errno : 0;
}

int pager_create(struct pager *pager)
{
	struct minivmx_map map = { .gpa = pager->gpa, .size = pager->size, .prot = RWX };
	int ret;

	pager->mem = mmap(NULL, pager->size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (pager->mem == MAP_FAILED)
		return -errno;
	map.hva = (uintptr_t)pager->mem;
	if (ioctl(pager->vm->fd, MINIVMX_MAP_MEMORY, &map) < 0) {
		ret = -errno;
		munmap(pager->mem, pager->size);
		return ret;
	}
	ret = ept_protect(pager->vm, pager->gpa, pager->size, 0);
	if (ret)
		pager_destroy(pager);
	return ret;
}

void pager_destroy(struct pager *pager)
{
	struct minivmx_map map = { .gpa = pager->gpa, .size = pager->size };

	ioctl(pager->vm->fd, MINIVMX_UNMAP_MEMORY, &map);
	munmap(pager->mem, pager->size);
}

static bool is_mine(const struct pager *pager, uint64_t gpa)
{
	return gpa >= pager->gpa && gpa - pager->gpa < pager->size;
}

int pager_run(struct pager *pager, struct vcpu *vcpu)
{
	for (;;) {
		int ret = vcpu_run(vcpu);
		uint64_t page;

		if (ret != MINIVMX_EXIT_MEMORY || vcpu->run->memory.error != EACCES ||
		    !is_mine(pager, vcpu->run->memory.gpa))
			return ret;
		page = vcpu->run->memory.gpa & ~(PAGE - 1ULL);
		pager->fill(pager->arg, page, pager->mem + (page - pager->gpa));
		ret = ept_protect(pager->vm, page, PAGE, RWX);
		if (ret)
			return ret;
		/* The access is made again, and finds a page. */
		vcpu->run->action = MINIVMX_RETRY;
	}
}

int pager_evict(struct pager *pager, uint64_t gpa, void *page)
{
	int ret;

	if (gpa % PAGE || !is_mine(pager, gpa))
		return -EINVAL;
	/* First the rights: what another CPU writes behind the copy would be lost. */
	ret = ept_protect(pager->vm, gpa, PAGE, 0);
	if (!ret)
		memcpy(page, pager->mem + (gpa - pager->gpa), PAGE);
	return ret;
}
