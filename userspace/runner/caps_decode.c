// SPDX-License-Identifier: GPL-2.0
/*
 * The fields of the VMX capability MSRs: the manual's appendix "VMX Capability
 * Reporting Facility", of which each section is a part of the table.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "caps_decode.h"

enum {
#define VMX_MSR(name, other, bits) MSR_##name,
#include "../../module/capabilities.def"
#undef VMX_MSR
};

const struct caps_field caps_fields[] = {
	/* "Basic VMX Information" */
	{ MSR_BASIC, 30, 0, CAPS_HEX, "VMCS revision identifier" },
	{ MSR_BASIC, 44, 32, CAPS_NUMBER, "size of a VMCS region in bytes" },
	{ MSR_BASIC, 48, 48, CAPS_FLAG, "addresses of VMX structures have 32 bits" },
	{ MSR_BASIC, 49, 49, CAPS_FLAG, "dual-monitor treatment of SMIs and SMM" },
	{ MSR_BASIC, 53, 50, CAPS_MEMORY, "memory type of VMX structures" },
	{ MSR_BASIC, 54, 54, CAPS_FLAG, "VM-exit instruction information for INS and OUTS" },
	{ MSR_BASIC, 55, 55, CAPS_FLAG, "TRUE control MSRs" },
	{ MSR_BASIC, 56, 56, CAPS_FLAG, "exceptions injected with or without an error code" },
	{ MSR_BASIC, 58, 58, CAPS_FLAG, "nested exceptions" },
	/* "Miscellaneous Data" */
	{ MSR_MISC, 4, 0, CAPS_NUMBER, "the preemption timer is the TSC shifted right by" },
	{ MSR_MISC, 5, 5, CAPS_FLAG, "VM exits store EFER.LMA in IA-32e mode guest" },
	{ MSR_MISC, 6, 6, CAPS_FLAG, "activity state HLT" },
	{ MSR_MISC, 7, 7, CAPS_FLAG, "activity state shutdown" },
	{ MSR_MISC, 8, 8, CAPS_FLAG, "activity state wait-for-SIPI" },
	{ MSR_MISC, 14, 14, CAPS_FLAG, "Intel PT in VMX operation" },
	{ MSR_MISC, 15, 15, CAPS_FLAG, "RDMSR of IA32_SMBASE in SMM" },
	{ MSR_MISC, 24, 16, CAPS_NUMBER, "CR3-target values" },
	{ MSR_MISC, 27, 25, CAPS_LIST, "MSRs in an MSR area, recommended at most" },
	{ MSR_MISC, 28, 28, CAPS_FLAG, "IA32_SMM_MONITOR_CTL bit 2 can be 1" },
	{ MSR_MISC, 29, 29, CAPS_FLAG, "VMWRITE to any field" },
	{ MSR_MISC, 30, 30, CAPS_FLAG, "injection with an instruction length of 0" },
	{ MSR_MISC, 63, 32, CAPS_HEX, "MSEG revision identifier" },
	/* "VMX-Fixed Bits in CR0", "VMX-Fixed Bits in CR4" */
	{ MSR_CR0_FIXED0, 63, 0, CAPS_CR0, "must be 1" },
	{ MSR_CR0_FIXED1, 63, 0, CAPS_CR0, "may be 1" },
	{ MSR_CR4_FIXED0, 63, 0, CAPS_CR4, "must be 1" },
	{ MSR_CR4_FIXED1, 63, 0, CAPS_CR4, "may be 1" },
	/* "VMCS Enumeration" */
	{ MSR_VMCS_ENUM, 9, 1, CAPS_NUMBER, "highest index of a VMCS field" },
	/* "VPID and EPT Capabilities" */
	{ MSR_EPT_VPID_CAP, 0, 0, CAPS_FLAG, "execute-only EPT translations" },
	{ MSR_EPT_VPID_CAP, 6, 6, CAPS_FLAG, "EPT page walk of 4 levels" },
	{ MSR_EPT_VPID_CAP, 7, 7, CAPS_FLAG, "EPT page walk of 5 levels" },
	{ MSR_EPT_VPID_CAP, 8, 8, CAPS_FLAG, "uncacheable EPT paging structures" },
	{ MSR_EPT_VPID_CAP, 14, 14, CAPS_FLAG, "write-back EPT paging structures" },
	{ MSR_EPT_VPID_CAP, 16, 16, CAPS_FLAG, "2-MByte EPT pages" },
	{ MSR_EPT_VPID_CAP, 17, 17, CAPS_FLAG, "1-GByte EPT pages" },
	{ MSR_EPT_VPID_CAP, 20, 20, CAPS_FLAG, "INVEPT" },
	{ MSR_EPT_VPID_CAP, 21, 21, CAPS_FLAG, "accessed and dirty flags for EPT" },
	{ MSR_EPT_VPID_CAP, 22, 22, CAPS_FLAG, "advanced VM-exit information for EPT violations" },
	{ MSR_EPT_VPID_CAP, 23, 23, CAPS_FLAG, "supervisor shadow-stack control" },
	{ MSR_EPT_VPID_CAP, 25, 25, CAPS_FLAG, "single-context INVEPT" },
	{ MSR_EPT_VPID_CAP, 26, 26, CAPS_FLAG, "all-context INVEPT" },
	{ MSR_EPT_VPID_CAP, 32, 32, CAPS_FLAG, "INVVPID" },
	{ MSR_EPT_VPID_CAP, 40, 40, CAPS_FLAG, "individual-address INVVPID" },
	{ MSR_EPT_VPID_CAP, 41, 41, CAPS_FLAG, "single-context INVVPID" },
	{ MSR_EPT_VPID_CAP, 42, 42, CAPS_FLAG, "all-context INVVPID" },
	{ MSR_EPT_VPID_CAP, 43, 43, CAPS_FLAG, "single-context-retaining-globals INVVPID" },
	{ MSR_EPT_VPID_CAP, 53, 48, CAPS_NUMBER, "maximum HLAT prefix size" },
	/* "VM Functions" */
	{ MSR_VMFUNC, 0, 0, CAPS_FLAG, "EPTP switching" },
};

const unsigned int nr_caps_fields = ARRAY_SIZE(caps_fields);

/* Bits of control registers; those without a name here have none. */
static const char *const cr0_bits[64] = {
	[0] = "PE", [1] = "MP", [2] = "EM", [3] = "TS", [4] = "ET", [5] = "NE", [16] = "WP",
	[18] = "AM", [29] = "NW", [30] = "CD", [31] = "PG",
};

static const char *const cr4_bits[64] = {
	[0] = "VME", [1] = "PVI", [2] = "TSD", [3] = "DE", [4] = "PSE", [5] = "PAE", [6] = "MCE",
	[7] = "PGE", [8] = "PCE", [9] = "OSFXSR", [10] = "OSXMMEXCPT", [11] = "UMIP",
	[12] = "LA57", [13] = "VMXE", [14] = "SMXE", [16] = "FSGSBASE", [17] = "PCIDE",
	[18] = "OSXSAVE", [19] = "KL", [20] = "SMEP", [21] = "SMAP", [22] = "PKE", [23] = "CET",
	[24] = "PKS", [25] = "UINTR", [27] = "LASS", [28] = "LAM_SUP", [32] = "FRED",
};

static uint64_t field_value(const struct caps_field *field, uint64_t msr)
{
	return msr << (63 - field->high) >> (63 - field->high + field->low);
}

void caps_field_bits(const struct caps_field *field, char text[8])
{
	if (field->high == field->low)
		snprintf(text, 8, "%u", field->low);
	else
		snprintf(text, 8, "%u:%u", field->high, field->low);
}

static struct json_object *bit_names(const char *const names[64], uint64_t value)
{
	struct json_object *array = json_object_new_array();
	unsigned int bit;

	for (bit = 0; bit < 64; bit++)
		if ((value >> bit & 1) && names[bit])
			json_object_array_add(array, json_object_new_string(names[bit]));
	return array;
}

static struct json_object *memory_type(uint64_t value)
{
	char text[8];

	snprintf(text, sizeof(text), "%u", (unsigned int)value);
	return json_object_new_string(value == 6 ? "write-back" :
				      value == 0 ? "uncacheable" : text);
}

static struct json_object *hex(uint64_t value)
{
	char text[20];

	snprintf(text, sizeof(text), "%#llx", (unsigned long long)value);
	return json_object_new_string(text);
}

struct json_object *caps_field_json(const struct caps_field *field, uint64_t msr)
{
	uint64_t value = field_value(field, msr);

	switch (field->format) {
	case CAPS_NUMBER:
		return json_object_new_uint64(value);
	case CAPS_LIST:
		return json_object_new_uint64((value + 1) * 512);
	case CAPS_FLAG:
		return json_object_new_boolean(value);
	case CAPS_HEX:
		return hex(value);
	case CAPS_MEMORY:
		return memory_type(value);
	case CAPS_CR0:
		return bit_names(cr0_bits, value);
	case CAPS_CR4:
		return bit_names(cr4_bits, value);
	}
	return NULL;
}

/* The members of an array with spaces between. */
static char *join(struct json_object *array)
{
	size_t i, size = 1, length = json_object_array_length(array);
	char *text;

	for (i = 0; i < length; i++)
		size += json_object_get_string_len(json_object_array_get_idx(array, i)) + 1;
	text = calloc(size, 1);
	for (i = 0; text && i < length; i++) {
		strcat(text, i ? " " : "");
		strcat(text, json_object_get_string(json_object_array_get_idx(array, i)));
	}
	return text;
}

char *caps_field_text(const struct caps_field *field, uint64_t msr)
{
	struct json_object *value = caps_field_json(field, msr);
	char *text;

	switch (json_object_get_type(value)) {
	case json_type_array:
		text = join(value);
		break;
	case json_type_boolean:
		text = strdup(json_object_get_boolean(value) ? "yes" : "no");
		break;
	default:
		text = strdup(json_object_get_string(value));
	}
	json_object_put(value);
	return text;
}
