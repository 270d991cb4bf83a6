/* SPDX-License-Identifier: GPL-2.0 */
/* Lab 7: Linux, by the 64-bit boot protocol. */
#ifndef LABS_LINUX_H
#define LABS_LINUX_H

#include "pc.h"
#include "uart.h"
#include "vmcs.h"

/**
 * struct linux_boot - what is to be started
 * @image: a bzImage
 * @image_size: its bytes
 * @initrd: an initial RAM disk, or NULL
 * @initrd_size: its bytes
 * @command_line: kernel command line
 * @rsdp: address of ACPI's root pointer in the guest, or 0
 */
struct linux_boot {
	const uint8_t *image;
	size_t image_size;
	const uint8_t *initrd;
	size_t initrd_size;
	const char *command_line;
	uint64_t rsdp;
};

/**
 * linux_load() - put it into the memory, and the vCPU at its 64-bit entry point
 * @vm: whose memory is of at least 2M, at most 1G, and a multiple of 2M
 * @vcpu: a new vCPU of it
 * @boot: what
 *
 * Return: 0; -ENOEXEC if @image is no bzImage, or a damaged one, or has no 64-bit entry;
 * -E2BIG if the command line is longer than the kernel takes; -ENOMEM if there is not
 * enough memory, or none where the kernel wants the initial RAM disk; or another negative
 * errno.
 */
int linux_load(struct vm *vm, struct vcpu *vcpu, const struct linux_boot *boot);

/**
 * struct linux_machine - a PC for Linux
 * @vm: with APICs
 * @vcpu: the only one
 * @irqs: its interrupts
 * @bus: its devices
 * @uart: its serial port
 * @pc: what else there is
 */
struct linux_machine {
	struct vm vm;
	struct vcpu vcpu;
	struct irqs irqs;
	struct bus bus;
	struct uart uart;
	struct pc pc;
};

/**
 * linux_machine_create() - such a PC
 * @machine: filled
 * @memory: bytes of memory
 * @send: gets each byte that the guest sends by the serial port
 * @arg: first argument of @send
 *
 * Return: 0, or a negative errno; then nothing is left of it.
 */
int linux_machine_create(struct linux_machine *machine, size_t memory,
			 void (*send)(void *arg, uint8_t byte), void *arg);

/**
 * linux_machine_run() - until an exit that is not for a device
 * @machine: into which linux_load() has loaded something
 *
 * Return: as bus_run().
 */
int linux_machine_run(struct linux_machine *machine);

/**
 * linux_machine_destroy() - undo linux_machine_create()
 * @machine: the PC
 */
void linux_machine_destroy(struct linux_machine *machine);

#endif /* LABS_LINUX_H */
