/* SPDX-License-Identifier: GPL-2.0 */
/* Lab 2: the VMCS by hand. */
#ifndef LABS_VMCS_H
#define LABS_VMCS_H

#include "fields.h"
#include "vm.h"

/**
 * struct vmcs_value - a field and what is in it
 * @encoding: the manual's, see fields.h
 * @value: its value
 */
struct vmcs_value {
	uint32_t encoding;
	uint64_t value;
};

/**
 * struct vmcs_refusal - why a write was refused
 * @encoding: of the first field that was
 * @bits: of its value, those to blame
 */
struct vmcs_refusal {
	uint32_t encoding;
	uint64_t bits;
};

/**
 * vmcs_read() - read a field
 * @vcpu: the vCPU
 * @encoding: of the field
 * @value: set
 *
 * Return: 0, or a negative errno, of the call or of the field.
 */
int vmcs_read(struct vcpu *vcpu, uint32_t encoding, uint64_t *value);

/**
 * vmcs_write() - write fields, all or none
 * @vcpu: the vCPU
 * @values: fields
 * @nr: how many, at most MINIVMX_MAX_FIELDS (-E2BIG)
 * @refusal: filled if one is refused; may be NULL
 *
 * Return: 0, or a negative errno.
 */
int vmcs_write(struct vcpu *vcpu, const struct vmcs_value *values, unsigned int nr,
	       struct vmcs_refusal *refusal);

/*
 * The three modes, by vmcs_write() alone. Segments are flat and of CPL 0 (real mode: all
 * but CS have base 0); the selectors of CS and of the data segments in the two other
 * modes are 0x10 and 0x18. Interrupts are off. A guest that reads CR0 and CR4 finds
 * nothing there but ET and what its mode needs. RIP and RSP are the arguments'; the
 * general registers stay. Each works from any of the other modes. They return 0 or a
 * negative errno.
 */
int vmcs_set_real(struct vcpu *vcpu, uint16_t cs, uint16_t ip, uint16_t sp);
int vmcs_set_protected(struct vcpu *vcpu, uint32_t entry, uint32_t stack);
int vmcs_set_long(struct vcpu *vcpu, uint64_t entry, uint64_t stack, uint64_t cr3);

/**
 * vm_identity_tables() - page tables of four levels that map the memory to itself
 * @vm: whose memory is of at most 1G and a multiple of 2M
 * @gpa: of three pages of it for the tables, a multiple of 4096; the first is for CR3
 *
 * In 2M pages, writable, for the supervisor. Behind the memory nothing is mapped.
 *
 * Return: 0, or -EINVAL if it cannot be done like this.
 */
int vm_identity_tables(struct vm *vm, uint64_t gpa);

/**
 * vmcs_verdict() - would VM entry take that VMCS?
 * @vcpu: the vCPU
 * @text: the first rule that is broken, as "RULE: FIELD", by libminivmx's names of both;
 *	  empty if none is
 * @size: bytes there
 *
 * The one thing for which libminivmx may be called: minivmx_verdict().
 *
 * Return: how many rules are broken, or a negative errno.
 */
int vmcs_verdict(struct vcpu *vcpu, char *text, size_t size);

#endif /* LABS_VMCS_H */
