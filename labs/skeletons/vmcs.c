// SPDX-License-Identifier: GPL-2.0
/* Lab 2: the VMCS by hand. */
#include <errno.h>

#include "vmcs.h"

int vmcs_read(struct vcpu *vcpu, uint32_t encoding, uint64_t *value)
{
	/* MINIVMX_GET_VMCS with one row; its result is a positive errno. */
	return -ENOSYS;
}

int vmcs_write(struct vcpu *vcpu, const struct vmcs_value *values, unsigned int nr,
	       struct vmcs_refusal *refusal)
{
	/* MINIVMX_SET_VMCS; struct minivmx_vmcs.done is the row that was refused. */
	return -ENOSYS;
}

int vmcs_set_real(struct vcpu *vcpu, uint16_t cs, uint16_t ip, uint16_t sp)
{
	return -ENOSYS;
}

int vmcs_set_protected(struct vcpu *vcpu, uint32_t entry, uint32_t stack)
{
	return -ENOSYS;
}

int vmcs_set_long(struct vcpu *vcpu, uint64_t entry, uint64_t stack, uint64_t cr3)
{
	/* One of the VM-entry controls has to go with IA32_EFER.LMA. */
	return -ENOSYS;
}

int vm_identity_tables(struct vm *vm, uint64_t gpa)
{
	return -ENOSYS;
}

int vmcs_verdict(struct vcpu *vcpu, char *text, size_t size)
{
	/* Read all fields, MINIVMX_GET_CAPS, minivmx_verdict(). */
	return -ENOSYS;
}
