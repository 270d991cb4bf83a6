// SPDX-License-Identifier: GPL-2.0
/* minivmx vmcs diff: see vmcs_diff.h. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "colour.h"
#include "vmcs_decode.h"
#include "vmcs_diff.h"
#include "vmcs_fields.h"

/* NULL if it is not known. */
static const struct minivmx_vmcs_field *find(const struct minivmx_vmcs_dump *dump,
					     uint32_t encoding)
{
	unsigned int i;

	for (i = 0; i < dump->nr_fields; i++)
		if (dump->fields[i].encoding == encoding && !dump->fields[i].result)
			return &dump->fields[i];
	return NULL;
}

static void print_side(const char *sign, const char *colour,
		       const struct minivmx_vmcs_field *field, uint32_t encoding)
{
	char *words;

	if (!field) {
		printf("  %s%s not there%s\n", colour, sign, colours()->off);
		return;
	}
	words = vmcs_decode(encoding, field->value);
	printf("  %s%s 0x%0*llx%s%s%s\n", colour, sign, vmcs_field_digits(encoding),
	       (unsigned long long)field->value, *words ? "  " : "", words, colours()->off);
	free(words);
}

static void print_bits(const char *words, uint32_t encoding, uint64_t bits)
{
	char *names;

	if (!bits)
		return;
	names = vmcs_name_bits(encoding, bits);
	printf("    %s %s\n", words, names);
	free(names);
}

/* Bits say something where some of them have names. */
static bool has_names(uint32_t encoding, uint64_t bits)
{
	unsigned int bit;

	for (bit = 0; bit < 64; bit++)
		if ((bits >> bit & 1) && vmcs_bit_name(encoding, bit))
			return true;
	return false;
}

static void print_difference(const struct vmcs_field *field, const struct minivmx_vmcs_field *old,
			     const struct minivmx_vmcs_field *new)
{
	printf("%s%s%s (0x%04x)\n", colours()->bold, field->name, colours()->off, field->encoding);
	print_side("-", colours()->old, old, field->encoding);
	print_side("+", colours()->new, new, field->encoding);
	if (!old || !new || !has_names(field->encoding, old->value ^ new->value))
		return;
	print_bits("became 1:", field->encoding, new->value & ~old->value);
	print_bits("became 0:", field->encoding, old->value & ~new->value);
}

unsigned int vmcs_diff(const struct minivmx_vmcs_dump *a, const struct minivmx_vmcs_dump *b)
{
	unsigned int nr = 0;
	size_t i;

	for (i = 0; i < nr_vmcs_fields; i++) {
		const struct minivmx_vmcs_field *old = find(a, vmcs_fields[i].encoding);
		const struct minivmx_vmcs_field *new = find(b, vmcs_fields[i].encoding);

		if (!old && !new)
			continue;
		if (old && new && old->value == new->value)
			continue;
		print_difference(&vmcs_fields[i], old, new);
		nr++;
	}
	return nr;
}
