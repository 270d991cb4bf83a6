// SPDX-License-Identifier: GPL-2.0
/* What the bits of a VMCS field mean: see vmcs_decode.h. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "array.h"
#include "libminivmx.h"
#include "vmcs_decode.h"

#define BITS(high, low)	(~0ULL >> (63 - (high)) & ~0ULL << (low))

/* ---- Formats: one or more bits, and the name they have ---- */

/**
 * struct bits - bits of a field that mean something together
 * @high: the first
 * @low: the last
 * @name: the manual's
 * @values: names of their values, up to a NULL; without it they are a number
 */
struct bits {
	uint8_t high, low;
	const char *name;
	const char *const *values;
};

#define FLAG(bit, name)	{ bit, bit, name, NULL }

static const struct bits cr0[] = {
	FLAG(0, "PE"), FLAG(1, "MP"), FLAG(2, "EM"), FLAG(3, "TS"), FLAG(4, "ET"),
	FLAG(5, "NE"), FLAG(16, "WP"), FLAG(18, "AM"), FLAG(29, "NW"), FLAG(30, "CD"),
	FLAG(31, "PG"), { 0 }
};

static const struct bits cr4[] = {
	FLAG(0, "VME"), FLAG(1, "PVI"), FLAG(2, "TSD"), FLAG(3, "DE"), FLAG(4, "PSE"),
	FLAG(5, "PAE"), FLAG(6, "MCE"), FLAG(7, "PGE"), FLAG(8, "PCE"), FLAG(9, "OSFXSR"),
	FLAG(10, "OSXMMEXCPT"), FLAG(11, "UMIP"), FLAG(12, "LA57"), FLAG(13, "VMXE"),
	FLAG(14, "SMXE"), FLAG(16, "FSGSBASE"), FLAG(17, "PCIDE"), FLAG(18, "OSXSAVE"),
	FLAG(19, "KL"), FLAG(20, "SMEP"), FLAG(21, "SMAP"), FLAG(22, "PKE"),
	FLAG(23, "CET"), FLAG(24, "PKS"), FLAG(25, "UINTR"), FLAG(27, "LASS"),
	FLAG(28, "LAM_SUP"), FLAG(32, "FRED"), { 0 }
};

static const struct bits efer[] = {
	FLAG(0, "SCE"), FLAG(8, "LME"), FLAG(10, "LMA"), FLAG(11, "NXE"), { 0 }
};

static const struct bits rflags[] = {
	FLAG(0, "CF"), FLAG(1, "always 1"), FLAG(2, "PF"), FLAG(4, "AF"), FLAG(6, "ZF"),
	FLAG(7, "SF"), FLAG(8, "TF"), FLAG(9, "IF"), FLAG(10, "DF"), FLAG(11, "OF"),
	{ 13, 12, "IOPL", NULL }, FLAG(14, "NT"), FLAG(16, "RF"), FLAG(17, "VM"),
	FLAG(18, "AC"), FLAG(19, "VIF"), FLAG(20, "VIP"), FLAG(21, "ID"), { 0 }
};

static const struct bits interruptibility[] = {
	FLAG(0, "blocking by STI"), FLAG(1, "blocking by MOV SS"), FLAG(2, "blocking by SMI"),
	FLAG(3, "blocking by NMI"), FLAG(4, "enclave interruption"), { 0 }
};

static const struct bits pending_debug[] = {
	FLAG(0, "B0"), FLAG(1, "B1"), FLAG(2, "B2"), FLAG(3, "B3"), FLAG(11, "BLD"),
	FLAG(12, "enabled breakpoint"), FLAG(14, "BS"), FLAG(16, "RTM"), { 0 }
};

static const struct bits debugctl[] = {
	FLAG(0, "LBR"), FLAG(1, "BTF"), FLAG(2, "BLD"), FLAG(6, "TR"), FLAG(7, "BTS"),
	FLAG(8, "BTINT"), FLAG(9, "BTS_OFF_OS"), FLAG(10, "BTS_OFF_USR"),
	FLAG(11, "FREEZE_LBRS_ON_PMI"), FLAG(12, "FREEZE_PERFMON_ON_PMI"),
	FLAG(13, "ENABLE_UNCORE_PMI"), FLAG(14, "FREEZE_WHILE_SMM"), FLAG(15, "RTM_DEBUG"),
	{ 0 }
};

static const char *const activities[] = { "active", "HLT", "shutdown", "wait-for-SIPI", NULL };

static const struct bits activity[] = { { 31, 0, NULL, activities }, { 0 } };

static const struct bits access_rights[] = {
	/* Bits 4:0 are type and S: see print_access(). */
	{ 3, 0, "type", NULL }, FLAG(4, "S"), { 6, 5, "DPL", NULL }, FLAG(7, "P"),
	FLAG(12, "AVL"), FLAG(13, "L"), FLAG(14, "D/B"), FLAG(15, "G"), FLAG(16, "unusable"),
	{ 0 }
};

static const struct bits event[] = {
	{ 7, 0, "vector", NULL }, { 10, 8, "type", NULL }, FLAG(11, "error code"),
	FLAG(12, "NMI unblocking due to IRET"), FLAG(31, "valid"), { 0 }
};

static const struct bits reason[] = {
	{ 15, 0, "reason", NULL }, FLAG(25, "prematurely busy shadow stack"),
	FLAG(26, "bus lock"), FLAG(27, "enclave mode"), FLAG(28, "pending MTF"),
	FLAG(29, "from VMX root operation"), FLAG(31, "VM-entry failure"), { 0 }
};

static const char *const vectors[32] = {
	"#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM", "#DF", NULL, "#TS",
	"#NP", "#SS", "#GP", "#PF", NULL, "#MF", "#AC", "#MC", "#XM", "#VE", "#CP",
};

const char *vmcs_vector_name(unsigned int vector)
{
	return vector < ARRAY_SIZE(vectors) ? vectors[vector] : NULL;
}

/* ---- Printing ---- */

/**
 * struct out - words that are put together
 * @file: to which they go
 * @any: there were some
 */
struct out {
	FILE *file;
	bool any;
};

static void add(struct out *out, const char *word)
{
	fprintf(out->file, "%s%s", out->any ? ", " : "", word);
	out->any = true;
}

static void add_bit(struct out *out, unsigned int bit)
{
	char text[16];

	snprintf(text, sizeof(text), "bit %u", bit);
	add(out, text);
}

static void add_number(struct out *out, const char *name, uint64_t number)
{
	char text[64];

	snprintf(text, sizeof(text), "%s %" PRIu64, name, number);
	add(out, text);
}

/* What no name is known of: bits that have to be 1, or something to wonder at. */
static void add_rest(struct out *out, uint64_t bits)
{
	char text[32];

	if (!bits)
		return;
	snprintf(text, sizeof(text), "%s%#" PRIx64, out->any ? "others " : "", bits);
	add(out, text);
}

static const char *value_name(const struct bits *row, uint64_t value)
{
	uint64_t i;

	for (i = 0; row->values && row->values[i]; i++)
		if (i == value)
			return row->values[i];
	return NULL;
}

static void print_bits(struct out *out, const struct bits *row, uint64_t value)
{
	uint64_t known = 0;

	for (; row->name || row->values; row++) {
		const uint64_t mask = BITS(row->high, row->low);
		const uint64_t part = (value & mask) >> row->low;
		const char *name = value_name(row, part);

		/* A value without a name is for the rest. */
		if (row->values && !name)
			continue;
		known |= mask;
		if (name)
			add(out, name);
		else if (part && row->high == row->low)
			add(out, row->name);
		else if (part)
			add_number(out, row->name, part);
	}
	add_rest(out, value & ~known);
}

/* ---- Fields with a format of their own ---- */

static void print_controls(struct out *out, uint32_t encoding, uint64_t value)
{
	uint64_t rest = 0;
	unsigned int bit;

	for (bit = 0; bit < 64; bit++) {
		const char *name = minivmx_control_name(encoding, bit);

		if (!(value >> bit & 1))
			continue;
		if (name)
			add(out, name);
		else
			rest |= 1ULL << bit;
	}
	add_rest(out, rest);
}

static void print_exceptions(struct out *out, uint64_t value)
{
	unsigned int bit;

	for (bit = 0; bit < 64; bit++) {
		if (!(value >> bit & 1))
			continue;
		if (vmcs_vector_name(bit))
			add(out, vmcs_vector_name(bit));
		else
			add_bit(out, bit);
	}
}

/* "Format of the VM-Entry Interruption-Information Field" and of its like. */
static void print_event(struct out *out, uint64_t value)
{
	static const char *const types[] = {
		"external interrupt", NULL, "NMI", "hardware exception", "software interrupt",
		"privileged software exception", "software exception", "other event",
	};
	const unsigned int vector = value & 0xff, type = value >> 8 & 7;

	if (!(value >> 31 & 1)) {
		add(out, "none");
		return;
	}
	if (types[type])
		add(out, types[type]);
	else
		add_number(out, "type", type);
	if ((type == 3 || type == 5 || type == 6) && vmcs_vector_name(vector))
		add(out, vmcs_vector_name(vector));
	else
		add_number(out, "vector", vector);
	if (value >> 11 & 1)
		add(out, "with error code");
	if (value >> 12 & 1)
		add(out, "NMI unblocking due to IRET");
	add_rest(out, value & BITS(30, 13));
}

static void print_reason(struct out *out, uint64_t value)
{
	const unsigned int basic = value & 0xffff;
	const char *name = minivmx_exit_name(basic);

	if (name)
		add(out, name);
	else
		add_number(out, "reason", basic);
	print_bits(out, reason, value & ~0xffffULL);
}

static void print_instruction_error(struct out *out, uint64_t value)
{
	const char *text = value <= UINT32_MAX ? minivmx_instruction_error((uint32_t)value) : NULL;

	if (text)
		add(out, text);
}

/* "Code- and Data-Segment Descriptor Types", "System Descriptor Types". */
static void print_access(struct out *out, uint64_t value)
{
	static const char *const system[16] = {
		[1] = "available 16-bit TSS", [2] = "LDT", [3] = "busy 16-bit TSS",
		[9] = "available TSS", [11] = "busy TSS",
	};
	const unsigned int type = value & 15;
	char text[64];

	if (value >> 16 & 1)
		add(out, "unusable");
	if (value >> 4 & 1) {
		snprintf(text, sizeof(text), "%s%s%s%s",
			 type & 8 ? "code" : "data",
			 type & 4 ? (type & 8 ? " conforming" : " expand-down") : "",
			 type & 2 ? (type & 8 ? " readable" : " writable") : "",
			 type & 1 ? " accessed" : "");
		add(out, text);
	} else if (system[type]) {
		add(out, system[type]);
	} else {
		add_number(out, "system type", type);
	}
	print_bits(out, access_rights, value & ~(1ULL << 16) & ~0x1fULL);
}

/* ---- Which field has which ---- */

enum format {
	NO_FORMAT, FORMAT_BITS, FORMAT_CONTROLS, FORMAT_EXCEPTIONS, FORMAT_EVENT,
	FORMAT_REASON, FORMAT_INSTRUCTION_ERROR, FORMAT_ACCESS,
};

/**
 * struct format_row - the format of a field
 * @encoding: of the field
 * @format: how it is printed
 * @bits: the names of its bits, except of controls and exceptions
 */
struct format_row {
	uint32_t encoding;
	enum format format;
	const struct bits *bits;
};

/* The encodings by name. */
enum {
#define FIELD(encoding, name, policy, meaning) name = encoding,
#include "../../module/fields.def"
#undef FIELD
};

static const struct format_row formats[] = {
	{ PIN_BASED_CONTROLS, FORMAT_CONTROLS, NULL },
	{ CPU_BASED_CONTROLS, FORMAT_CONTROLS, NULL },
	{ SECONDARY_CONTROLS, FORMAT_CONTROLS, NULL },
	{ TERTIARY_EXEC_CONTROL, FORMAT_CONTROLS, NULL },
	{ VM_EXIT_CONTROLS, FORMAT_CONTROLS, NULL },
	{ SECONDARY_VM_EXIT_CONTROLS, FORMAT_CONTROLS, NULL },
	{ VM_ENTRY_CONTROLS, FORMAT_CONTROLS, NULL },
	{ EXCEPTION_BITMAP, FORMAT_EXCEPTIONS, NULL },
	{ VM_ENTRY_INTR_INFO, FORMAT_EVENT, event },
	{ EXIT_INTR_INFO, FORMAT_EVENT, event },
	{ IDT_VECTORING_INFO, FORMAT_EVENT, event },
	{ EXIT_REASON, FORMAT_REASON, reason },
	{ VM_INSTRUCTION_ERROR, FORMAT_INSTRUCTION_ERROR, NULL },
	{ GUEST_ES_ACCESS, FORMAT_ACCESS, access_rights },
	{ GUEST_CS_ACCESS, FORMAT_ACCESS, access_rights },
	{ GUEST_SS_ACCESS, FORMAT_ACCESS, access_rights },
	{ GUEST_DS_ACCESS, FORMAT_ACCESS, access_rights },
	{ GUEST_FS_ACCESS, FORMAT_ACCESS, access_rights },
	{ GUEST_GS_ACCESS, FORMAT_ACCESS, access_rights },
	{ GUEST_LDTR_ACCESS, FORMAT_ACCESS, access_rights },
	{ GUEST_TR_ACCESS, FORMAT_ACCESS, access_rights },
	{ GUEST_CR0, FORMAT_BITS, cr0 },
	{ HOST_CR0, FORMAT_BITS, cr0 },
	{ CR0_GUEST_HOST_MASK, FORMAT_BITS, cr0 },
	{ CR0_READ_SHADOW, FORMAT_BITS, cr0 },
	{ GUEST_CR4, FORMAT_BITS, cr4 },
	{ HOST_CR4, FORMAT_BITS, cr4 },
	{ CR4_GUEST_HOST_MASK, FORMAT_BITS, cr4 },
	{ CR4_READ_SHADOW, FORMAT_BITS, cr4 },
	{ GUEST_IA32_EFER, FORMAT_BITS, efer },
	{ HOST_IA32_EFER, FORMAT_BITS, efer },
	{ GUEST_RFLAGS, FORMAT_BITS, rflags },
	{ GUEST_INTERRUPTIBILITY, FORMAT_BITS, interruptibility },
	{ GUEST_ACTIVITY, FORMAT_BITS, activity },
	{ GUEST_PENDING_DEBUG, FORMAT_BITS, pending_debug },
	{ GUEST_IA32_DEBUGCTL, FORMAT_BITS, debugctl },
};

static const struct format_row *find_format(uint32_t encoding)
{
	static const struct format_row none;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(formats); i++)
		if (formats[i].encoding == encoding)
			return &formats[i];
	return &none;
}

static void print_value(struct out *out, uint32_t encoding, uint64_t value)
{
	const struct format_row *row = find_format(encoding);

	switch (row->format) {
	case FORMAT_BITS:
		print_bits(out, row->bits, value);
		break;
	case FORMAT_CONTROLS:
		print_controls(out, encoding, value);
		break;
	case FORMAT_EXCEPTIONS:
		print_exceptions(out, value);
		break;
	case FORMAT_EVENT:
		print_event(out, value);
		break;
	case FORMAT_REASON:
		print_reason(out, value);
		break;
	case FORMAT_INSTRUCTION_ERROR:
		print_instruction_error(out, value);
		break;
	case FORMAT_ACCESS:
		print_access(out, value);
		break;
	case NO_FORMAT:
		break;
	}
}

/* A string to print to, or the end of the process: nothing works without memory. */
static FILE *open_text(char **text, size_t *size)
{
	FILE *file = open_memstream(text, size);

	if (!file)
		abort();
	return file;
}

char *vmcs_decode(uint32_t encoding, uint64_t value)
{
	struct out out = { NULL, false };
	char *text;
	size_t size;

	out.file = open_text(&text, &size);
	print_value(&out, encoding, value);
	fclose(out.file);
	return text;
}

const char *vmcs_bit_name(uint32_t encoding, unsigned int bit)
{
	const struct format_row *format = find_format(encoding);
	const struct bits *row = format->bits;

	if (format->format == FORMAT_CONTROLS)
		return minivmx_control_name(encoding, bit);
	if (format->format == FORMAT_EXCEPTIONS)
		return vmcs_vector_name(bit);
	for (; row && row->name; row++)
		if (row->low == bit && row->high == bit)
			return row->name;
	return NULL;
}

char *vmcs_name_bits(uint32_t encoding, uint64_t bits)
{
	const bool is_control = find_format(encoding)->format == FORMAT_CONTROLS;
	struct out out = { NULL, false };
	unsigned int bit;
	size_t size;
	char *text;

	out.file = open_text(&text, &size);
	for (bit = 0; bit < 64; bit++) {
		const char *name = vmcs_bit_name(encoding, bit);
		char quoted[64];

		if (!(bits >> bit & 1))
			continue;
		if (!name) {
			add_bit(&out, bit);
			continue;
		}
		snprintf(quoted, sizeof(quoted), is_control ? "\"%s\"" : "%s", name);
		add(&out, quoted);
	}
	fclose(out.file);
	return text;
}

int vmcs_bit_by_name(uint32_t encoding, const char *name)
{
	int bit;

	for (bit = 0; bit < 64; bit++) {
		const char *known = vmcs_bit_name(encoding, (unsigned int)bit);

		if (known && !strcasecmp(known, name))
			return bit;
	}
	return -1;
}
