/* SPDX-License-Identifier: GPL-2.0 */
/* Lab 1: a VM with memory, a virtual CPU, and its first exit. */
#ifndef LABS_VM_H
#define LABS_VM_H

#include <stddef.h>
#include <stdint.h>

#include <minivmx.h>

/**
 * struct vm - a virtual machine
 * @system: descriptor of /dev/minivmx
 * @fd: what MINIVMX_CREATE_VM returned
 * @mem: the guest's memory, as this process sees it: guest-physical address 0 is here
 * @size: its bytes
 */
struct vm {
	int system;
	int fd;
	uint8_t *mem;
	size_t size;
};

/**
 * struct vcpu - a virtual CPU
 * @vm: the VM it belongs to
 * @fd: what MINIVMX_CREATE_VCPU returned
 * @run: its run page, mapped
 * @run_size: bytes that are mapped there
 */
struct vcpu {
	struct vm *vm;
	int fd;
	struct minivmx_run *run;
	size_t run_size;
};

/**
 * vm_create() - a VM whose guest-physical addresses from 0 on are memory of this process
 * @vm: filled
 * @size: bytes of memory, a multiple of 4096; the guest may read, write and execute it all,
 *	  and it begins with zeros. It has to start at a multiple of 2M in this process, so
 *	  that lab 3 can have large pages
 * @flags: MINIVMX_VM_*, for labs 5 to 7
 *
 * Return: 0, or a negative errno; then nothing is left of it.
 */
int vm_create(struct vm *vm, size_t size, uint32_t flags);

/**
 * vm_destroy() - undo vm_create()
 * @vm: whose vCPUs are gone
 */
void vm_destroy(struct vm *vm);

/**
 * vcpu_create() - a vCPU, in the state that the manual gives after reset
 * @vcpu: filled; all of its run page is zero
 * @vm: the VM
 * @id: number of the vCPU
 *
 * Return: 0, or a negative errno; then nothing is left of it.
 */
int vcpu_create(struct vcpu *vcpu, struct vm *vm, unsigned int id);

/**
 * vcpu_destroy() - undo vcpu_create()
 * @vcpu: the vCPU
 */
void vcpu_destroy(struct vcpu *vcpu);

/**
 * vcpu_set_start() - where the vCPU is to execute first, in real mode
 * @vcpu: a new vCPU
 * @cs: selector of CS; its base is 16 times that
 * @ip: offset there
 *
 * All else stays as it is after reset.
 *
 * Return: 0, or a negative errno.
 */
int vcpu_set_start(struct vcpu *vcpu, uint16_t cs, uint16_t ip);

/**
 * vcpu_run() - let the guest execute until an exit needs the program
 * @vcpu: the vCPU; its run page says what is to become of the last exit
 *
 * An interruption, by a signal or otherwise, is no such exit: it goes on.
 *
 * Return: the kind of the exit, MINIVMX_EXIT_*, never MINIVMX_EXIT_INTR; or a negative
 * errno.
 */
int vcpu_run(struct vcpu *vcpu);

#endif /* LABS_VM_H */
