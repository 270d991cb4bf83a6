// SPDX-License-Identifier: GPL-2.0
/*
 * The entry verdict: which rules of the manual a VMCS breaks, so that VM entry
 * would fail. Pure logic; the rules are in entry_checks.def.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "libminivmx.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define BIT(n)		(1ULL << (n))
#define BITS(high, low)	(~0ULL >> (63 - (high)) & ~0ULL << (low))

/* ---- What the rules speak of ---- */

/* The fields, as numbers from 0 on. */
enum row {
#define FIELD(encoding, name, policy, meaning) ROW_##name,
#include "../../module/fields.def"
#undef FIELD
	NR_ROWS
};

static const struct {
	uint32_t encoding;
	const char *name;
} rows[NR_ROWS] = {
#define FIELD(encoding, name, policy, meaning) { encoding, #name },
#include "../../module/fields.def"
#undef FIELD
};

enum {
#define CONTROL(word, bit, name, need, user, text, why) word##_##name = bit,
#include "../../module/controls.def"
#undef CONTROL
};

/* The capability MSRs, as indices of minivmx_caps.vmx_msrs. */
enum vmx_msr {
#define VMX_MSR(name, other, bits) MSR_##name,
#include "../../module/capabilities.def"
#undef VMX_MSR
};

static const enum row words[MINIVMX_NR_WORDS] = {
	[MINIVMX_WORD_PIN] = ROW_PIN_BASED_CONTROLS,
	[MINIVMX_WORD_CPU] = ROW_CPU_BASED_CONTROLS,
	[MINIVMX_WORD_CPU2] = ROW_SECONDARY_CONTROLS,
	[MINIVMX_WORD_CPU3] = ROW_TERTIARY_EXEC_CONTROL,
	[MINIVMX_WORD_EXIT] = ROW_VM_EXIT_CONTROLS,
	[MINIVMX_WORD_EXIT2] = ROW_SECONDARY_VM_EXIT_CONTROLS,
	[MINIVMX_WORD_ENTRY] = ROW_VM_ENTRY_CONTROLS,
};

#define CR0_PE		BIT(0)
#define CR0_WP		BIT(16)
#define CR0_PG		BIT(31)
#define CR4_PAE		BIT(5)
#define CR4_PCIDE	BIT(17)
#define CR4_CET		BIT(23)

#define EFER_LME	BIT(8)
#define EFER_LMA	BIT(10)
#define EFER_KNOWN	(BIT(0) | EFER_LME | EFER_LMA | BIT(11))

#define DEBUGCTL_BTF	BIT(1)
#define DEBUGCTL_KNOWN	(BIT(0) | DEBUGCTL_BTF | BITS(12, 6) | BITS(15, 14))

#define RFLAGS_TF	BIT(8)
#define RFLAGS_IF	BIT(9)
#define RFLAGS_VM	BIT(17)

/* Access rights, as in a VMCS, and selectors. */
#define AR_S		BIT(4)
#define AR_P		BIT(7)
#define AR_L		BIT(13)
#define AR_DB		BIT(14)
#define AR_G		BIT(15)
#define AR_UNUSABLE	BIT(16)
#define SELECTOR_TI	BIT(2)

/* Interruption types. */
enum {
	TYPE_EXTINT = MINIVMX_EVENT_EXTINT,
	TYPE_NMI = MINIVMX_EVENT_NMI,
	TYPE_EXCEPTION = MINIVMX_EVENT_EXCEPTION,
	TYPE_SOFTINT = MINIVMX_EVENT_SOFTINT,
	TYPE_SOFTEXC = MINIVMX_EVENT_SOFTEXC,
	TYPE_OTHER,
};

/* Activity states. */
enum { ACTIVE, HALTED, SHUTDOWN, WAIT_FOR_SIPI };

#define NO_LINK		(~0ULL)		/* VMCS link pointer */

/* ---- A dump, laid out for the rules ---- */

/**
 * struct entry - the entry to judge
 * @caps: the CPU
 * @value: of each field
 * @there: the field is in the dump
 * @missing: set when a rule asks for a field that is not there
 * @wrong: set by a rule about single bits
 */
struct entry {
	const struct minivmx_caps *caps;
	uint64_t value[NR_ROWS];
	bool there[NR_ROWS];
	bool missing;
	uint64_t wrong;
};

/* Its row, or -1. A dump is mostly in the order of fields.def: try @row first. */
static int find_row(uint32_t encoding, unsigned int row)
{
	unsigned int i;

	for (i = 0; i < NR_ROWS; i++, row++)
		if (rows[row % NR_ROWS].encoding == encoding)
			return row % NR_ROWS;
	return -1;
}

static uint64_t value(struct entry *e, enum row row)
{
	if (!e->there[row])
		e->missing = true;
	return e->value[row];
}

static uint64_t cap(const struct entry *e, enum vmx_msr msr)
{
	return e->caps->vmx_msrs[msr];
}

/* A word of controls as it counts: zero if another does not activate it. */
static uint64_t controls(struct entry *e, enum minivmx_word word)
{
	if ((word == MINIVMX_WORD_CPU2 &&
	     !(controls(e, MINIVMX_WORD_CPU) & BIT(CPU_SECONDARY))) ||
	    (word == MINIVMX_WORD_CPU3 && !(controls(e, MINIVMX_WORD_CPU) & BIT(CPU_TERTIARY))) ||
	    (word == MINIVMX_WORD_EXIT2 && !(controls(e, MINIVMX_WORD_EXIT) & BIT(EXIT_SECONDARY))))
		return 0;
	return value(e, words[word]);
}

#define F(field)		value(e, ROW_##field)
#define ON(word, name)		(controls(e, MINIVMX_WORD_##word) >> word##_##name & 1)
#define ALLOWED(word)		allowed(e, MINIVMX_WORD_##word)
#define CAN_BE_1(word, name)	can_be_1(e, MINIVMX_WORD_##word, word##_##name)
#define CAP(name)		cap(e, MSR_##name)
#define CAP_BIT(name, bit)	(cap(e, MSR_##name) >> (bit) & 1)

/* ---- Conditions ---- */

static bool allowed(struct entry *e, enum minivmx_word word)
{
	uint64_t must, may, controls = value(e, words[word]);

	minivmx_word_limits(e->caps, word, &must, &may);
	e->wrong = (must & ~controls) | (controls & ~may);
	return !e->wrong;
}

static bool can_be_1(const struct entry *e, enum minivmx_word word, unsigned int bit)
{
	uint64_t must, may;

	minivmx_word_limits(e->caps, word, &must, &may);
	return may >> bit & 1;
}

/* A control register: bits of FIXED0 are 1, those not in the next MSR are 0. */
static bool fixed(struct entry *e, uint64_t value, enum vmx_msr fixed0)
{
	e->wrong = (cap(e, fixed0) & ~value) | (value & ~cap(e, fixed0 + 1));
	return !e->wrong;
}

static bool within(uint64_t address, unsigned int bits)
{
	return bits >= 64 || !(address >> bits);
}

/* The width of what a VMCS points to. */
static bool in_width(const struct entry *e, uint64_t address)
{
	return within(address, CAP_BIT(BASIC, 48) ? 32 : e->caps->physical_bits);
}

static bool all_equal(uint64_t value, unsigned int bits)
{
	return !value || value == BITS(bits - 1, 0);
}

static bool canonical(const struct entry *e, uint64_t address)
{
	unsigned int bits = e->caps->linear_bits;

	return all_equal(address >> (bits - 1), 65 - bits);
}

/* Less than canonical: the bit below may differ from these. */
static bool alike_beyond_width(const struct entry *e, uint64_t address)
{
	unsigned int bits = e->caps->linear_bits;

	return all_equal(address >> bits, 64 - bits);
}

static bool pat_valid(uint64_t pat)
{
	int i;

	for (i = 0; i < 8; i++, pat >>= 8)
		if ((pat & 0xff) > 7 || (pat & 0xff) == 2 || (pat & 0xff) == 3)
			return false;
	return true;
}

static bool is_soft(unsigned int type)
{
	return type >= TYPE_SOFTINT && type <= TYPE_SOFTEXC;
}

static bool pushes_error_code(const struct entry *e, unsigned int vector)
{
	/* #CP is there with CET. */
	const uint32_t vectors = BIT(8) | BITS(14, 10) | BIT(17) |
				 (cap(e, MSR_CR4_FIXED1) & CR4_CET ? BIT(21) : 0);

	return vector < 32 && (vectors >> vector & 1);
}

static bool error_code_fits(struct entry *e)
{
	uint64_t info = F(VM_ENTRY_INTR_INFO);
	bool has = info >> 11 & 1;
	bool may = (info >> 8 & 7) == TYPE_EXCEPTION &&
		   (!ON(CPU2, UNRESTRICTED_GUEST) || (F(GUEST_CR0) & CR0_PE));

	/* IA32_VMX_BASIC bit 56: the vector is no matter. */
	if (CAP_BIT(BASIC, 56))
		return !has || may;
	return has == (may && pushes_error_code(e, info & 0xff));
}

static bool cs_dpl_fits(unsigned int type, unsigned int dpl, unsigned int ss_dpl)
{
	switch (type) {
	case 3:
		return dpl == 0;
	case 9:
	case 11:
		return dpl == ss_dpl;
	case 13:
	case 15:
		return dpl <= ss_dpl;
	default:
		return true;	/* CS_TYPE has said it */
	}
}

static bool granularity_fits(uint64_t access, uint64_t limit)
{
	if ((limit & BITS(11, 0)) != BITS(11, 0) && (access & AR_G))
		return false;
	return !(limit & BITS(31, 20)) || (access & AR_G);
}

/* Does the event end that activity state? */
static bool wakes(uint64_t activity, unsigned int type, unsigned int vector)
{
	bool machine_check = type == TYPE_EXCEPTION && vector == 18;

	switch (activity) {
	case HALTED:
		return type == TYPE_EXTINT || type == TYPE_NMI || type == TYPE_OTHER ||
		       machine_check || (type == TYPE_EXCEPTION && vector == 1);
	case SHUTDOWN:
		return type == TYPE_NMI || machine_check;
	case WAIT_FOR_SIPI:
		return false;
	default:
		return true;
	}
}

/* ---- The rules ---- */

#define CHECK(group, name, field, applies, holds, legal)		\
static bool breaks_##name(struct entry *e)				\
{									\
	return (applies) && !(holds);					\
}
#include "entry_checks.def"
#undef CHECK

enum group {
	EXECUTION, EXIT, ENTRY, HOST_REGISTERS, HOST_SEGMENTS, ADDRESS_SPACE,
	GUEST_REGISTERS, GUEST_SEGMENTS, GUEST_TABLES, GUEST_RIP, GUEST_STATE, GUEST_PDPTES,
};

static const struct {
	enum minivmx_refusal refusal;
	const char *section;
} groups[] = {
	[EXECUTION] = { MINIVMX_REFUSED_CONTROLS, "VM-Execution Control Fields" },
	[EXIT] = { MINIVMX_REFUSED_CONTROLS, "VM-Exit Control Fields" },
	[ENTRY] = { MINIVMX_REFUSED_CONTROLS, "VM-Entry Control Fields" },
	[HOST_REGISTERS] = { MINIVMX_REFUSED_HOST,
			     "Checks on Host Control Registers, MSRs, and SSP" },
	[HOST_SEGMENTS] = { MINIVMX_REFUSED_HOST,
			    "Checks on Host Segment and Descriptor-Table Registers" },
	[ADDRESS_SPACE] = { MINIVMX_REFUSED_HOST, "Checks Related to Address-Space Size" },
	[GUEST_REGISTERS] = { MINIVMX_REFUSED_GUEST,
			      "Checks on Guest Control Registers, Debug Registers, and MSRs" },
	[GUEST_SEGMENTS] = { MINIVMX_REFUSED_GUEST, "Checks on Guest Segment Registers" },
	[GUEST_TABLES] = { MINIVMX_REFUSED_GUEST,
			   "Checks on Guest Descriptor-Table Registers" },
	[GUEST_RIP] = { MINIVMX_REFUSED_GUEST, "Checks on Guest RIP, RFLAGS, and SSP" },
	[GUEST_STATE] = { MINIVMX_REFUSED_GUEST, "Checks on Guest Non-Register State" },
	[GUEST_PDPTES] = { MINIVMX_REFUSED_GUEST,
			   "Checks on Guest Page-Directory-Pointer-Table Entries" },
};

static const struct {
	enum group group;
	const char *name;
	enum row field;
	bool (*breaks)(struct entry *e);
	const char *legal;
} checks[] = {
#define CHECK(group, name, field, applies, holds, legal) \
	{ group, #name, ROW_##field, breaks_##name, legal },
#include "entry_checks.def"
#undef CHECK
};

int minivmx_verdict(const struct minivmx_vmcs_dump *dump, struct minivmx_broken_rule *broken,
		    unsigned int max, unsigned int *unjudged)
{
	struct entry e = { .caps = &dump->caps };
	unsigned int i, nr = 0;
	int row = -1;

	*unjudged = 0;
	for (i = 0; i < dump->nr_fields; i++) {
		row = find_row(dump->fields[i].encoding, row + 1);

		if (row >= 0 && !dump->fields[i].result) {
			e.value[row] = dump->fields[i].value;
			e.there[row] = true;
		}
	}
	for (i = 0; i < ARRAY_SIZE(checks); i++) {
		bool breaks;

		e.missing = false;
		e.wrong = 0;
		breaks = checks[i].breaks(&e);
		if (e.missing) {
			(*unjudged)++;
		} else if (breaks) {
			if (nr < max)
				broken[nr] = (struct minivmx_broken_rule) {
					.name = checks[i].name,
					.field = rows[checks[i].field].name,
					.encoding = rows[checks[i].field].encoding,
					.refusal = groups[checks[i].group].refusal,
					.value = e.value[checks[i].field],
					.wrong = e.wrong,
					.legal = checks[i].legal,
					.section = groups[checks[i].group].section,
				};
			nr++;
		}
	}
	return nr;
}

/* ---- Names ---- */

const char *minivmx_control_name(uint32_t encoding, unsigned int bit)
{
	static const struct {
		enum minivmx_word word;
		unsigned int bit;
		const char *text;
	} names[] = {
#define CONTROL(word, bit, name, need, user, text, why) { MINIVMX_WORD_##word, bit, text },
#include "../../module/controls.def"
#undef CONTROL
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].bit == bit &&
		    rows[words[names[i].word]].encoding == encoding)
			return names[i].text;
	return NULL;
}

int minivmx_field_encoding(const char *name, uint32_t *encoding)
{
	unsigned int i;

	for (i = 0; i < NR_ROWS; i++)
		if (!strcmp(rows[i].name, name)) {
			*encoding = rows[i].encoding;
			return 0;
		}
	return -ENOENT;
}
