// SPDX-License-Identifier: GPL-2.0
/* minivmx vmcs set: see vmcs_set.h. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exit_status.h"
#include "json_file.h"
#include "vmcs_decode.h"
#include "vmcs_fields.h"
#include "vmcs_set.h"

/* ---- The command line ---- */

static int parse_bits(const char *text, uint32_t encoding, uint64_t *bits,
		      struct message *message)
{
	int bit;

	if (!parse_number(text, bits))
		return 0;
	bit = vmcs_bit_by_name(encoding, text);
	if (bit < 0)
		return fail(message, "neither a number nor the name of a bit there: '%s'", text);
	*bits = 1ULL << bit;
	return 0;
}

int vmcs_change_parse(const char *text, struct vmcs_change *change, struct message *message)
{
	const char *equals = strchr(text, '=');
	size_t length;
	char name[64];

	if (!equals || equals == text)
		return fail(message, "not FIELD=VALUE, FIELD+=BITS or FIELD-=BITS: '%s'", text);
	length = (size_t)(equals - text);
	change->operation = equals[-1] == '+' ? VMCS_SET_BITS :
			    equals[-1] == '-' ? VMCS_CLEAR_BITS : VMCS_ASSIGN;
	if (change->operation != VMCS_ASSIGN)
		length--;
	snprintf(name, sizeof(name), "%.*s", (int)(length < sizeof(name) ? length : 0), text);
	if (vmcs_field_parse(name, &change->encoding))
		return fail(message, "no VMCS field is called '%.*s': see minivmx vmcs list",
			    (int)length, text);
	if (change->operation != VMCS_ASSIGN)
		return parse_bits(equals + 1, change->encoding, &change->value, message);
	if (parse_number(equals + 1, &change->value))
		return fail(message, "not a number from 0 to %#llx: '%s'", ~0ULL, equals + 1);
	return 0;
}

/* ---- Why not ---- */

/* "WORDS: NAMES" for the bits of @bits, with something in between. */
static void add_bits(FILE *file, const char *words, uint32_t encoding, uint64_t bits)
{
	char *names;

	if (!bits)
		return;
	names = vmcs_name_bits(encoding, bits);
	fprintf(file, "%s%s: %s", ftell(file) ? "; " : "", words, names);
	free(names);
}

/* What is wrong with bits that would become 1, and with those that would become 0. */
static char *blame(const struct minivmx_vmcs_field *field, const char *one, const char *zero)
{
	char *text;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	if (!file)
		abort();
	add_bits(file, one, field->encoding, field->refused & field->value);
	add_bits(file, zero, field->encoding, field->refused & ~field->value);
	fclose(file);
	return text;
}

static bool has_names(uint32_t encoding)
{
	unsigned int bit;

	for (bit = 0; bit < 64; bit++)
		if (vmcs_bit_name(encoding, bit))
			return true;
	return false;
}

void vmcs_refusal(const struct minivmx_vmcs_field *field, struct message *message)
{
	const struct vmcs_field *known = vmcs_field_by_encoding(field->encoding);
	const char *policy = known ? known->policy : "", *width = vmcs_field_width(field->encoding);
	char name[32], *bits;

	snprintf(name, sizeof(name), "0x%04x", field->encoding);
	if (known)
		snprintf(name, sizeof(name), "%s", known->name);
	switch (field->result) {
	case EPERM:
		if (field->refused == ~0ULL || !has_names(field->encoding)) {
			fail(message, "%s: it is not for programs to write: %s", name, policy);
			break;
		}
		bits = blame(field, "has to stay 0", "has to stay 1");
		fail(message, "%s: minivmx's own: %s", name, bits);
		free(bits);
		break;
	case EINVAL:
		bits = blame(field, "cannot be 1", "cannot be 0");
		fail(message, "%s: on this CPU %s", name, bits);
		free(bits);
		break;
	case EACCES:
		fail(message, "%s: read-only: it has exit information, which the CPU writes", name);
		break;
	case ERANGE:
		fail(message, "%s: %#llx is too wide for a %s field", name,
		     (unsigned long long)field->value, width);
		break;
	case ENOENT:
		fail(message, "%s: the manual has no such field", name);
		break;
	case ENODEV:
		fail(message, "%s: this CPU does not have it", name);
		break;
	default:
		fail(message, "%s: %s", name, strerror((int)field->result));
		break;
	}
}

/* ---- Doing it ---- */

static struct minivmx_vmcs_field *row_of(struct minivmx_vmcs_field *rows, uint32_t *nr,
					 uint32_t encoding)
{
	uint32_t i;

	for (i = 0; i < *nr; i++)
		if (rows[i].encoding == encoding)
			return &rows[i];
	rows[*nr].encoding = encoding;
	return &rows[(*nr)++];
}

static void change_value(const struct vmcs_change *change, struct minivmx_vmcs_field *row)
{
	switch (change->operation) {
	case VMCS_ASSIGN:
		row->value = change->value;
		break;
	case VMCS_SET_BITS:
		row->value |= change->value;
		break;
	case VMCS_CLEAR_BITS:
		row->value &= ~change->value;
		break;
	}
}

static int say_refused(const struct minivmx_vmcs_field *rows, uint32_t nr, int error)
{
	struct message message;
	bool refused = false;
	uint32_t i;

	for (i = 0; i < nr; i++) {
		if (!rows[i].result)
			continue;
		vmcs_refusal(&rows[i], &message);
		fprintf(stderr, "minivmx: %s\n", message.text);
		refused = true;
	}
	if (refused) {
		if (nr > 1)
			fprintf(stderr, "minivmx: no field was changed\n");
		return STATUS_VM;
	}
	fprintf(stderr, "minivmx: the VMCS cannot be written: %s\n", strerror(-error));
	return STATUS_HOST;
}

int vmcs_changes_apply(int vcpu, const struct vmcs_change *changes, size_t nr)
{
	struct minivmx_vmcs_field *rows = calloc(nr ? nr : 1, sizeof(*rows));
	uint32_t nr_rows = 0, r;
	int status = STATUS_OK, ret;
	size_t i;

	if (!rows)
		abort();
	for (i = 0; i < nr; i++)
		row_of(rows, &nr_rows, changes[i].encoding);
	ret = minivmx_get_vmcs(vcpu, rows, nr_rows);
	/* What cannot be read cannot be written, either, and SET says so. */
	for (r = 0; r < nr_rows; r++)
		rows[r].result = 0;
	for (i = 0; i < nr; i++)
		change_value(&changes[i], row_of(rows, &nr_rows, changes[i].encoding));
	if (!ret)
		ret = minivmx_set_vmcs(vcpu, rows, nr_rows);
	if (ret)
		status = say_refused(rows, nr_rows, ret);
	free(rows);
	return status;
}
