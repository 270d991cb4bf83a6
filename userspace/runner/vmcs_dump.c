// SPDX-License-Identifier: GPL-2.0
/* A VMCS in a file: see vmcs_dump.h. */
#include <errno.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "image_file.h"
#include "vmcs_dump.h"

#define DUMP_LIMIT	(1U << 20)	/* bytes; a whole VMCS has some 10,000 */
#define FIRST_VMX_MSR	0x480

/* All of @text is a number that is not negative, decimal or behind 0x. */
static int parse_number(const char *text, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, strncmp(text, "0x", 2) ? 10 : 16);
	return text[0] < '0' || text[0] > '9' || errno || *end ? -1 : 0;
}

static int get_number(struct json_object *object, const char *name, uint64_t max,
		      uint64_t *value, struct message *message)
{
	const char *text = json_object_get_string(object);

	/* As a string it is the same for numbers, and exact beyond 63 bits. */
	if ((!json_object_is_type(object, json_type_int) &&
	     !json_object_is_type(object, json_type_string)) ||
	    parse_number(text, value) || *value > max)
		return fail(message, "%s: not a number from 0 to %#llx: %s", name,
			    (unsigned long long)max, text ? text : "null");
	return 0;
}

static int get_bits(struct json_object *cpu, const char *name, uint64_t max, uint8_t *bits,
		    struct message *message)
{
	struct json_object *object;
	uint64_t value;

	if (!json_object_object_get_ex(cpu, name, &object))
		return 0;
	if (get_number(object, name, max, &value, message))
		return -1;
	/* Below it would be a CPU without paging of today. */
	if (value < 32)
		return fail(message, "%s: not a width of at least 32 bits: %llu", name,
			    (unsigned long long)value);
	*bits = value;
	return 0;
}

static int get_flag(struct json_object *cpu, const char *name, uint8_t *flag,
		    struct message *message)
{
	struct json_object *object;

	if (!json_object_object_get_ex(cpu, name, &object))
		return 0;
	if (!json_object_is_type(object, json_type_boolean))
		return fail(message, "%s: neither true nor false", name);
	*flag = json_object_get_boolean(object);
	return 0;
}

static int take_msrs(struct json_object *msrs, struct minivmx_vmcs_dump *dump,
		     struct message *message)
{
	json_object_object_foreach(msrs, key, object) {
		uint64_t msr;

		if (parse_number(key, &msr) || msr < FIRST_VMX_MSR ||
		    msr >= FIRST_VMX_MSR + MINIVMX_NR_VMX_MSRS)
			return fail(message, "vmx_msrs: not the number of one, 0x480 to 0x493: %s",
				    key);
		if (get_number(object, key, UINT64_MAX, &dump->vmx_msrs[msr - FIRST_VMX_MSR],
			       message))
			return -1;
	}
	return 0;
}

static int take_cpu(struct json_object *cpu, struct minivmx_vmcs_dump *dump,
		    struct message *message)
{
	struct json_object *msrs;

	if (get_bits(cpu, "physical_address_bits", 52, &dump->physical_bits, message) ||
	    get_bits(cpu, "linear_address_bits", 57, &dump->linear_bits, message) ||
	    get_flag(cpu, "rtm", &dump->rtm, message) ||
	    get_flag(cpu, "sgx", &dump->sgx, message))
		return -1;
	if (!json_object_object_get_ex(cpu, "vmx_msrs", &msrs) ||
	    !json_object_is_type(msrs, json_type_object))
		return fail(message, "\"cpu\" has no object \"vmx_msrs\"");
	return take_msrs(msrs, dump, message);
}

static int take_fields(struct json_object *object, struct minivmx_vmcs_dump *dump,
		       struct message *message)
{
	struct minivmx_vmcs_field *fields;

	fields = calloc(json_object_object_length(object) + 1, sizeof(*fields));
	if (!fields)
		return fail(message, "no memory");
	dump->fields = fields;
	json_object_object_foreach(object, key, value) {
		struct minivmx_vmcs_field *field = &fields[dump->nr_fields];
		uint64_t number;

		if (minivmx_field_encoding(key, &field->encoding))
			return fail(message, "no VMCS field is called %s", key);
		if (get_number(value, key, UINT64_MAX, &number, message))
			return -1;
		field->value = number;
		dump->nr_fields++;
	}
	return 0;
}

static int take_dump(struct json_object *root, struct minivmx_vmcs_dump *dump,
		     struct message *message)
{
	struct json_object *cpu, *fields;

	if (!json_object_object_get_ex(root, "cpu", &cpu) ||
	    !json_object_is_type(cpu, json_type_object))
		return fail(message, "there is no object \"cpu\"");
	if (!json_object_object_get_ex(root, "fields", &fields) ||
	    !json_object_is_type(fields, json_type_object))
		return fail(message, "there is no object \"fields\"");
	if (take_cpu(cpu, dump, message))
		return -1;
	return take_fields(fields, dump, message);
}

int vmcs_dump_read(const char *path, struct minivmx_vmcs_dump *dump,
		   struct message *message)
{
	struct json_tokener *tokener;
	struct json_object *root;
	struct message why;
	struct bytes file;
	int ret;

	*dump = (struct minivmx_vmcs_dump) { .physical_bits = 40, .linear_bits = 48 };
	if (read_file(path, DUMP_LIMIT, &file, message))
		return -1;
	tokener = json_tokener_new();
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	root = json_tokener_parse_ex(tokener, (const char *)file.data, (int)file.size);
	if (root && json_object_is_type(root, json_type_object))
		ret = take_dump(root, dump, &why);
	else
		ret = fail(&why, "not a JSON object (%s at byte %zu)",
			   json_tokener_error_desc(json_tokener_get_error(tokener)),
			   json_tokener_get_parse_end(tokener));
	json_object_put(root);
	json_tokener_free(tokener);
	free((void *)file.data);
	if (ret) {
		vmcs_dump_free(dump);
		return fail(message, "%s: %s", path, why.text);
	}
	return 0;
}

void vmcs_dump_free(struct minivmx_vmcs_dump *dump)
{
	free((void *)dump->fields);
	dump->fields = NULL;
	dump->nr_fields = 0;
}
