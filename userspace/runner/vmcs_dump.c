// SPDX-License-Identifier: GPL-2.0
/* A VMCS in a file: see vmcs_dump.h. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "caps_file.h"
#include "json_file.h"
#include "vmcs_dump.h"
#include "vmcs_fields.h"

#define DUMP_LIMIT	(1U << 20)	/* bytes; a whole VMCS has some 10,000 */
#define HOST_CR0	0x6c00	/* its encoding */

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

bool vmcs_host_is_hidden(int vcpu)
{
	struct minivmx_vmcs_field cr0 = { .encoding = HOST_CR0 };

	/* In VMX operation PE and PG are 1. */
	return !minivmx_get_vmcs(vcpu, &cr0, 1) && !cr0.result && !cr0.value;
}

int vmcs_dump_take(int vcpu, int device, struct minivmx_vmcs_dump *dump,
		   struct message *message)
{
	struct minivmx_vmcs_field *fields = calloc(nr_vmcs_fields, sizeof(*fields));
	size_t i;
	int ret;

	memset(dump, 0, sizeof(*dump));
	if (!fields)
		return fail(message, "no memory");
	for (i = 0; i < nr_vmcs_fields; i++)
		fields[i].encoding = vmcs_fields[i].encoding;
	dump->fields = fields;
	dump->nr_fields = (unsigned int)nr_vmcs_fields;
	ret = minivmx_get_vmcs(vcpu, fields, dump->nr_fields);
	if (!ret && device >= 0)
		ret = minivmx_get_caps(device, &dump->caps);
	if (ret) {
		vmcs_dump_free(dump);
		return fail(message, "the VMCS cannot be read: %s", strerror(-ret));
	}
	if (vmcs_host_is_hidden(vcpu))
		for (i = 0; i < nr_vmcs_fields; i++)
			if (vmcs_fields[i].is_private && !fields[i].result)
				fields[i].result = EPERM;
	return 0;
}

struct json_object *vmcs_dump_to_json(const struct minivmx_vmcs_dump *dump)
{
	struct json_object *root = json_object_new_object();
	struct json_object *object = json_object_new_object();
	unsigned int i;

	for (i = 0; i < dump->nr_fields; i++) {
		const struct minivmx_vmcs_field *field = &dump->fields[i];

		if (!field->result)
			json_add_hex(object, vmcs_field_by_encoding(field->encoding)->name,
				     field->value);
	}
	caps_to_json(&dump->caps, root);
	json_object_object_add(root, "fields", object);
	return root;
}

void vmcs_dump_free(struct minivmx_vmcs_dump *dump)
{
	free((void *)dump->fields);
	dump->fields = NULL;
	dump->nr_fields = 0;
}
