/* SPDX-License-Identifier: GPL-2.0 */
/* What the bits of a VMCS field mean, by the manual's names. */
#ifndef VMCS_DECODE_H
#define VMCS_DECODE_H

#include <stdint.h>

/*
 * @value of the field @encoding in words: "PE, ET, NE, PG". To be freed; empty if
 * the field has no bits with names or none of them is set.
 */
char *vmcs_decode(uint32_t encoding, uint64_t value);

/* "HLT exiting" of bit 7; NULL if the bit has no name of its own. */
const char *vmcs_bit_name(uint32_t encoding, unsigned int bit);

/*
 * Some bits of a field, each with its name if it has one: "RF, bit 40"; with quotes
 * around the names of controls, which have spaces. To be freed.
 */
char *vmcs_name_bits(uint32_t encoding, uint64_t bits);

/* The bit of that name, in any case: its number or -1. */
int vmcs_bit_by_name(uint32_t encoding, const char *name);

/* The manual's short name of an exception ("#PF"), or NULL. */
const char *vmcs_vector_name(unsigned int vector);

#endif /* VMCS_DECODE_H */
