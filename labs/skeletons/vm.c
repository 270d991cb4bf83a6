// SPDX-License-Identifier: GPL-2.0
/* Lab 1: a VM with memory, a virtual CPU, and its first exit. */
#include <errno.h>

#include "vm.h"

int vm_create(struct vm *vm, size_t size, uint32_t flags)
{
	/* open() the device, MINIVMX_CREATE_VM, mmap() memory, MINIVMX_MAP_MEMORY. */
	return -ENOSYS;
}

void vm_destroy(struct vm *vm)
{
}

int vcpu_create(struct vcpu *vcpu, struct vm *vm, unsigned int id)
{
	/* MINIVMX_CREATE_VCPU, MINIVMX_GET_INFO for the run page's size, mmap(). */
	return -ENOSYS;
}

void vcpu_destroy(struct vcpu *vcpu)
{
}

int vcpu_set_start(struct vcpu *vcpu, uint16_t cs, uint16_t ip)
{
	/* MINIVMX_GET_SREGS, change CS, MINIVMX_SET_SREGS; RIP is in the run page. */
	return -ENOSYS;
}

int vcpu_run(struct vcpu *vcpu)
{
	/* MINIVMX_RUN, again and again while it was only interrupted. */
	return -ENOSYS;
}
