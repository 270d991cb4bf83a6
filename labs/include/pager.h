/* SPDX-License-Identifier: GPL-2.0 */
/* Lab 3: the EPT. Demand paging, rights, accessed and dirty flags, large pages. */
#ifndef LABS_PAGER_H
#define LABS_PAGER_H

#include <stdbool.h>

#include "vm.h"

/**
 * ept_protect() - what the guest may do in a range of mapped memory
 * @vm: the VM
 * @gpa: first guest-physical address, a multiple of 4096
 * @size: bytes, a multiple of 4096
 * @prot: MINIVMX_PROT_*, or 0
 *
 * Return: 0, or a negative errno.
 */
int ept_protect(struct vm *vm, uint64_t gpa, uint64_t size, uint32_t prot);

/**
 * ept_page_size() - by how large a page is an address mapped?
 * @vm: the VM
 * @gpa: any guest-physical address
 * @bytes: set; 0 if it is not mapped now
 *
 * Return: 0, or a negative errno.
 */
int ept_page_size(struct vm *vm, uint64_t gpa, uint64_t *bytes);

/**
 * ept_harvest() - read and clear accessed or dirty flags
 * @vm: the VM
 * @gpa: first guest-physical address, a multiple of 4096
 * @size: bytes, a multiple of 4096
 * @which: MINIVMX_HARVEST_ACCESSED or MINIVMX_HARVEST_DIRTY
 * @bitmap: one bit a page, lowest first, in whole 64-bit words
 *
 * Return: 0, or a negative errno.
 */
int ept_harvest(struct vm *vm, uint64_t gpa, uint64_t size, uint32_t which, uint64_t *bitmap);

/**
 * ept_use_large() - may the EPT have 2M pages there?
 * @vm: the VM, whose memory that is
 * @gpa: first guest-physical address, a multiple of 2M
 * @size: bytes, a multiple of 2M, that nobody has touched yet
 * @large: yes, as many as the host can give; or no
 *
 * Return: 0, or a negative errno.
 */
int ept_use_large(struct vm *vm, uint64_t gpa, uint64_t size, bool large);

/**
 * struct pager - a range of guest memory whose pages come when they are touched
 * @vm: the VM
 * @gpa: where it is
 * @size: its bytes
 * @mem: the same as this process sees it
 * @fill: what is to be in the page at @gpa of its 4096 bytes, written to @page
 * @arg: first argument of @fill
 */
struct pager {
	struct vm *vm;
	uint64_t gpa;
	uint64_t size;
	uint8_t *mem;
	void (*fill)(void *arg, uint64_t gpa, void *page);
	void *arg;
};

/**
 * pager_create() - such a range, behind the VM's memory, with no page there yet
 * @pager: whose @vm, @gpa, @size, @fill and @arg are set; @mem is filled in
 *
 * Return: 0, or a negative errno; then nothing is left of it.
 */
int pager_create(struct pager *pager);

/**
 * pager_destroy() - undo pager_create()
 * @pager: the pager
 */
void pager_destroy(struct pager *pager);

/**
 * pager_run() - as vcpu_run(), but faults of the pager are no exits
 * @pager: the pager
 * @vcpu: the vCPU
 *
 * Each page is filled once, before the guest can see it.
 *
 * Return: as vcpu_run().
 */
int pager_run(struct pager *pager, struct vcpu *vcpu);

/**
 * pager_evict() - take a page away again
 * @pager: the pager
 * @gpa: of the page
 * @page: gets its 4096 bytes
 *
 * What the guest has written before is in @page; what it does afterwards faults.
 *
 * Return: 0, or a negative errno.
 */
int pager_evict(struct pager *pager, uint64_t gpa, void *page);

#endif /* LABS_PAGER_H */
