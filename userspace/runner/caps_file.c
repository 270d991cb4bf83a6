// SPDX-License-Identifier: GPL-2.0
/* A CPU's capabilities in a file: see caps_file.h. */
#include <stddef.h>
#include <stdio.h>

#include "array.h"
#include "caps_file.h"
#include "json_file.h"

#define FILE_LIMIT	(1U << 20)	/* bytes; what caps --json prints has some 30,000 */

/* The members that are numbers, and those that are flags. */
static const struct {
	const char *key;
	size_t offset;
	uint64_t max;
} widths[] = {
	{ "physical_address_bits", offsetof(struct minivmx_caps, physical_bits), 52 },
	{ "linear_address_bits", offsetof(struct minivmx_caps, linear_bits), 57 },
};

static const struct {
	const char *key;
	size_t offset;
} flags[] = {
	{ "rtm", offsetof(struct minivmx_caps, rtm) },
	{ "sgx", offsetof(struct minivmx_caps, sgx) },
	{ "perf_global", offsetof(struct minivmx_caps, perf_global) },
};

static int get_bits(struct json_object *cpu, const char *name, uint64_t max, uint8_t *bits,
		    struct message *message)
{
	struct json_object *object;
	uint64_t value;

	if (!json_object_object_get_ex(cpu, name, &object))
		return 0;
	if (json_number(object, name, max, &value, message))
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

static int take_msrs(struct json_object *msrs, struct minivmx_caps *caps,
		     struct message *message)
{
	json_object_object_foreach(msrs, key, object) {
		uint64_t msr, value;

		if (parse_number(key, &msr) || msr < FIRST_VMX_MSR ||
		    msr >= FIRST_VMX_MSR + MINIVMX_NR_VMX_MSRS)
			return fail(message, "vmx_msrs: not the number of one, 0x480 to 0x493: %s",
				    key);
		if (json_number(object, key, UINT64_MAX, &value, message))
			return -1;
		caps->vmx_msrs[msr - FIRST_VMX_MSR] = value;
	}
	return 0;
}

int caps_from_json(struct json_object *root, struct minivmx_caps *caps, struct message *message)
{
	struct json_object *cpu, *msrs;
	unsigned int i;

	*caps = (struct minivmx_caps) { .physical_bits = 40, .linear_bits = 48 };
	if (!json_object_object_get_ex(root, "cpu", &cpu) ||
	    !json_object_is_type(cpu, json_type_object))
		return fail(message, "there is no object \"cpu\"");
	for (i = 0; i < ARRAY_SIZE(widths); i++)
		if (get_bits(cpu, widths[i].key, widths[i].max,
			     (uint8_t *)caps + widths[i].offset, message))
			return -1;
	for (i = 0; i < ARRAY_SIZE(flags); i++)
		if (get_flag(cpu, flags[i].key, (uint8_t *)caps + flags[i].offset, message))
			return -1;
	if (!json_object_object_get_ex(cpu, "vmx_msrs", &msrs) ||
	    !json_object_is_type(msrs, json_type_object))
		return fail(message, "\"cpu\" has no object \"vmx_msrs\"");
	return take_msrs(msrs, caps, message);
}

int caps_file_read(const char *path, struct minivmx_caps *caps, struct message *message)
{
	struct json_object *root = json_file_read(path, FILE_LIMIT, message);
	struct message why;
	int ret;

	if (!root)
		return -1;
	ret = caps_from_json(root, caps, &why);
	json_object_put(root);
	return ret ? fail(message, "%s: %s", path, why.text) : 0;
}

void caps_to_json(const struct minivmx_caps *caps, struct json_object *root)
{
	struct json_object *cpu = json_object_new_object();
	struct json_object *msrs = json_object_new_object();
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(widths); i++)
		json_object_object_add(cpu, widths[i].key, json_object_new_int(
				       ((const uint8_t *)caps)[widths[i].offset]));
	for (i = 0; i < ARRAY_SIZE(flags); i++)
		json_object_object_add(cpu, flags[i].key, json_object_new_boolean(
				       ((const uint8_t *)caps)[flags[i].offset]));
	for (i = 0; i < MINIVMX_NR_VMX_MSRS; i++) {
		char key[8];

		snprintf(key, sizeof(key), "%#x", FIRST_VMX_MSR + i);
		if (minivmx_has_vmx_msr(caps, i))
			json_add_hex(msrs, key, caps->vmx_msrs[i]);
	}
	json_object_object_add(cpu, "vmx_msrs", msrs);
	json_object_object_add(root, "cpu", cpu);
}
