/* SPDX-License-Identifier: GPL-2.0 */
/* The fields of the VMX capability MSRs that are not control words. */
#ifndef CAPS_DECODE_H
#define CAPS_DECODE_H

#include <json-c/json.h>
#include <stdint.h>

/* How to read a field, and its type in JSON. */
enum caps_format {
	CAPS_NUMBER,	/* a number */
	CAPS_FLAG,	/* yes or no; a boolean */
	CAPS_HEX,	/* a number in hex; a string */
	CAPS_MEMORY,	/* a memory type; a string */
	CAPS_LIST,	/* 512 times one more; a number */
	CAPS_CR0,	/* bits of CR0 by name; an array */
	CAPS_CR4,	/* bits of CR4 by name; an array */
};

/**
 * struct caps_field - a field of a capability MSR
 * @msr: its index in minivmx_caps.vmx_msrs
 * @high: its highest bit
 * @low: its lowest bit
 * @format: how to read it
 * @name: what it says, in the manual's words
 */
struct caps_field {
	uint8_t msr;
	uint8_t high;
	uint8_t low;
	enum caps_format format;
	const char *name;
};

/* All of them, in the order of MSRs and bits. */
extern const struct caps_field caps_fields[];
extern const unsigned int nr_caps_fields;

/* "44:32", "55". */
void caps_field_bits(const struct caps_field *field, char text[8]);
/* The field's value in @msr, for programs. */
struct json_object *caps_field_json(const struct caps_field *field, uint64_t msr);
/* The same for people. The text is the caller's to free(). */
char *caps_field_text(const struct caps_field *field, uint64_t msr);

#endif /* CAPS_DECODE_H */
