// SPDX-License-Identifier: GPL-2.0
/* Lab 7: Linux, by the 64-bit boot protocol. */
#include <errno.h>

#include "linux.h"

int linux_load(struct vm *vm, struct vcpu *vcpu, const struct linux_boot *boot)
{
	/* <asm/bootparam.h> has struct boot_params. */
	return -ENOSYS;
}

int linux_machine_create(struct linux_machine *machine, size_t memory,
			 void (*send)(void *arg, uint8_t byte), void *arg)
{
	/* MINIVMX_VM_APIC; a uart at PC_COM1_PORT; pc_init(). */
	return -ENOSYS;
}

int linux_machine_run(struct linux_machine *machine)
{
	return -ENOSYS;
}

void linux_machine_destroy(struct linux_machine *machine)
{
}
