/* SPDX-License-Identifier: GPL-2.0 */
/* The fields of a VMCS, from module/fields.def: for commands that name them. */
#ifndef VMCS_FIELDS_H
#define VMCS_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bits 11:10 of the encoding ("Field Encoding in VMCS"). */
enum vmcs_group { VMCS_CONTROL, VMCS_EXIT_INFO, VMCS_GUEST, VMCS_HOST, VMCS_NR_GROUPS };

/**
 * struct vmcs_field - a field that the manual has
 * @encoding: the manual's
 * @name: in capitals ("GUEST_CR0")
 * @meaning: the manual's words
 * @policy: who may write it, in words of at most 28 characters
 * @is_private: only CAP_SYS_ADMIN may see it: the host's
 */
struct vmcs_field {
	uint32_t encoding;
	const char *name;
	const char *meaning;
	const char *policy;
	bool is_private;
};

extern const struct vmcs_field vmcs_fields[];
extern const size_t nr_vmcs_fields;

enum vmcs_group vmcs_field_group(uint32_t encoding);
const char *vmcs_group_name(enum vmcs_group group);
/* "16-bit", ..., "natural". */
const char *vmcs_field_width(uint32_t encoding);
/* Hexadecimal digits of its width. */
int vmcs_field_digits(uint32_t encoding);

/* NULL if the manual has none. */
const struct vmcs_field *vmcs_field_by_encoding(uint32_t encoding);

/*
 * The encoding that @text means: a name in any case, of which GUEST_, GUEST_IA32_ or
 * VM_ may be left out, or a number behind 0x, of a field that the manual has or not.
 * 0 or -1.
 */
int vmcs_field_parse(const char *text, uint32_t *encoding);

/* Whether @pattern means a field: what vmcs_field_parse() takes, or with *, ? or [. */
bool vmcs_is_pattern(const char *pattern);
/* Part of the name, in any case; with *, ? or [ all of it; or the encoding. */
bool vmcs_field_matches(const struct vmcs_field *field, const char *pattern);

#endif /* VMCS_FIELDS_H */
