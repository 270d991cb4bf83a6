// SPDX-License-Identifier: GPL-2.0
/* The fields of a VMCS: see vmcs_fields.h. */
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "array.h"
#include "json_file.h"
#include "vmcs_fields.h"

/* The policies of fields.def in words; vmcs_user.c in the module applies them. */
#define WORDS_FREE		"free"
#define WORDS_OWN		"minivmx's own"
#define WORDS_INFO		"read-only"
#define WORDS_HOST		"the host's"
#define WORDS_PHYS		"the host's"
#define WORDS_PIN		"minivmx's own"
#define WORDS_CPU		"some controls are free"
#define WORDS_CPU2		"some controls are free"
#define WORDS_EXIT		"minivmx's own"
#define WORDS_ENTRY		"some controls are free"
#define WORDS_EXCEPTIONS	"free but for #DB, #AC, #MC"
#define WORDS_CR0_MASK		"more may be masked"
#define WORDS_CR4_MASK		"more may be masked"
#define WORDS_CR0_SHADOW	"free"
#define WORDS_CR4_SHADOW	"free"
#define WORDS_CR4		"free but for fixed bits"
#define WORDS_EFER		"free"
#define WORDS_DR7		"free"
#define WORDS_DEBUGCTL		"BTF is free"
#define WORDS_ACTIVITY		"active or HLT"
#define WORDS_RIP		"free"
#define WORDS_RSP		"free"
#define WORDS_RFLAGS		"free"
#define WORDS_INTERRUPTIBILITY	"free"
#define WORDS_TSC_OFFSET	"free"
#define WORDS_TIMER		"may be made shorter"

enum policy {
	FREE, OWN, INFO, HOST, PHYS, PIN, CPU, CPU2, EXIT, ENTRY, EXCEPTIONS, CR0_MASK,
	CR4_MASK, CR0_SHADOW, CR4_SHADOW, CR4, EFER, DR7, DEBUGCTL, ACTIVITY, RIP, RSP,
	RFLAGS, INTERRUPTIBILITY, TSC_OFFSET, TIMER,
};

const struct vmcs_field vmcs_fields[] = {
#define FIELD(encoding, name, policy, meaning) \
	{ encoding, #name, meaning, WORDS_##policy, (policy) == HOST || (policy) == PHYS },
#include "../../module/fields.def"
#undef FIELD
};

const size_t nr_vmcs_fields = ARRAY_SIZE(vmcs_fields);

enum vmcs_group vmcs_field_group(uint32_t encoding)
{
	return (enum vmcs_group)(encoding >> 10 & 3);
}

const char *vmcs_group_name(enum vmcs_group group)
{
	static const char *const names[VMCS_NR_GROUPS] = {
		[VMCS_CONTROL] = "control", [VMCS_EXIT_INFO] = "exit information",
		[VMCS_GUEST] = "guest", [VMCS_HOST] = "host",
	};

	return names[group];
}

const char *vmcs_field_width(uint32_t encoding)
{
	static const char *const names[] = { "16-bit", "64-bit", "32-bit", "natural" };

	return names[encoding >> 13 & 3];
}

int vmcs_field_digits(uint32_t encoding)
{
	static const int digits[] = { 4, 16, 8, 16 };

	return digits[encoding >> 13 & 3];
}

const struct vmcs_field *vmcs_field_by_encoding(uint32_t encoding)
{
	size_t i;

	for (i = 0; i < nr_vmcs_fields; i++)
		if (vmcs_fields[i].encoding == encoding)
			return &vmcs_fields[i];
	return NULL;
}

int vmcs_field_parse(const char *text, uint32_t *encoding)
{
	static const char *const prefixes[] = { "", "GUEST_", "GUEST_IA32_", "VM_" };
	uint64_t number;
	size_t i, p;

	if (!strncmp(text, "0x", 2)) {
		if (parse_number(text, &number) || number > UINT32_MAX)
			return -1;
		*encoding = (uint32_t)number;
		return 0;
	}
	for (p = 0; p < ARRAY_SIZE(prefixes); p++) {
		size_t length = strlen(prefixes[p]);

		for (i = 0; i < nr_vmcs_fields; i++) {
			const char *name = vmcs_fields[i].name;

			if (!strncmp(name, prefixes[p], length) &&
			    !strcasecmp(name + length, text)) {
				*encoding = vmcs_fields[i].encoding;
				return 0;
			}
		}
	}
	return -1;
}

static bool has_wildcard(const char *pattern)
{
	return strpbrk(pattern, "*?[");
}

bool vmcs_is_pattern(const char *pattern)
{
	uint32_t encoding;

	return has_wildcard(pattern) || !vmcs_field_parse(pattern, &encoding);
}

bool vmcs_field_matches(const struct vmcs_field *field, const char *pattern)
{
	uint32_t encoding;

	if (has_wildcard(pattern))
		return !fnmatch(pattern, field->name, FNM_CASEFOLD);
	if (!strncmp(pattern, "0x", 2))
		return !vmcs_field_parse(pattern, &encoding) && encoding == field->encoding;
	return strcasestr(field->name, pattern);
}
