// SPDX-License-Identifier: GPL-2.0
/* A VMCS in a file: see vmcs_dump.h. */
#include <stdlib.h>
#include <string.h>

#include "caps_file.h"
#include "json_file.h"
#include "vmcs_dump.h"

#define DUMP_LIMIT	(1U << 20)	/* bytes; a whole VMCS has some 10,000 */

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
		if (json_number(value, key, UINT64_MAX, &number, message))
			return -1;
		field->value = number;
		dump->nr_fields++;
	}
	return 0;
}

static int take_dump(struct json_object *root, struct minivmx_vmcs_dump *dump,
		     struct message *message)
{
	struct json_object *fields;

	if (caps_from_json(root, &dump->caps, message))
		return -1;
	if (!json_object_object_get_ex(root, "fields", &fields) ||
	    !json_object_is_type(fields, json_type_object))
		return fail(message, "there is no object \"fields\"");
	return take_fields(fields, dump, message);
}

int vmcs_dump_read(const char *path, struct minivmx_vmcs_dump *dump,
		   struct message *message)
{
	struct json_object *root = json_file_read(path, DUMP_LIMIT, message);
	struct message why;
	int ret;

	memset(dump, 0, sizeof(*dump));
	if (!root)
		return -1;
	ret = take_dump(root, dump, &why);
	json_object_put(root);
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
