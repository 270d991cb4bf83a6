/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Linear addresses of the guest, by the page tables in its memory, read only.
 */
#ifndef GUEST_WALK_H
#define GUEST_WALK_H

#include <stddef.h>
#include <stdint.h>

#include "libminivmx.h"
#include "memory.h"

/**
 * guest_walk() - translate a linear address as the vCPU would to read it
 * @memory: the guest's RAM
 * @sregs: CR0, CR3, CR4, IA32_EFER and the PDPTEs count
 * @linear: the address; of its bits above 31 none counts outside IA-32e mode
 * @gpa: set to the guest-physical address
 *
 * Rights are not looked at, reserved bits neither, and nothing is marked accessed.
 *
 * Return: 0; -EFAULT if the address is not canonical, not mapped, or a table is
 * not in RAM.
 */
int guest_walk(const struct guest_memory *memory, const struct minivmx_sregs *sregs,
	       uint64_t linear, uint64_t *gpa);

/**
 * guest_linear_at() - the host's pointer to guest memory at a linear address
 * @memory: the guest's RAM
 * @sregs: as in guest_walk()
 * @linear: the address
 * @size: bytes wanted; set to those that there are in its page
 *
 * Return: the pointer, or NULL if there is no RAM.
 */
void *guest_linear_at(const struct guest_memory *memory, const struct minivmx_sregs *sregs,
		      uint64_t linear, size_t *size);

#endif /* GUEST_WALK_H */
