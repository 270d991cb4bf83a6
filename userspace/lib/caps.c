// SPDX-License-Identifier: GPL-2.0
/*
 * What the capability MSRs say of the controls, and what minivmx makes of that.
 * Pure logic; the tables are the module's.
 */
#include <stdbool.h>

#include "libminivmx.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define TRUE_MSRS	(1ULL << 55)	/* in IA32_VMX_BASIC */

/* The capability MSRs, as indices of minivmx_caps.vmx_msrs. */
enum vmx_msr {
#define VMX_MSR(name, other, bits) MSR_##name,
#include "../../module/capabilities.def"
#undef VMX_MSR
};

static const struct {
	const char *name;
	enum vmx_msr other;
	uint64_t bits;
} msrs[] = {
#define VMX_MSR(name, other, bits) { "IA32_VMX_" #name, MSR_##other, bits },
#include "../../module/capabilities.def"
#undef VMX_MSR
};

static const struct {
	enum vmx_msr msr, true_msr;
	bool any_may_be_0;	/* all 64 bits are what may be 1 */
} words[MINIVMX_NR_WORDS] = {
	[MINIVMX_WORD_PIN] = { MSR_PINBASED_CTLS, MSR_TRUE_PINBASED_CTLS },
	[MINIVMX_WORD_CPU] = { MSR_PROCBASED_CTLS, MSR_TRUE_PROCBASED_CTLS },
	[MINIVMX_WORD_CPU2] = { MSR_PROCBASED_CTLS2, MSR_PROCBASED_CTLS2 },
	[MINIVMX_WORD_CPU3] = { MSR_PROCBASED_CTLS3, MSR_PROCBASED_CTLS3, true },
	[MINIVMX_WORD_EXIT] = { MSR_EXIT_CTLS, MSR_TRUE_EXIT_CTLS },
	[MINIVMX_WORD_EXIT2] = { MSR_EXIT_CTLS2, MSR_EXIT_CTLS2, true },
	[MINIVMX_WORD_ENTRY] = { MSR_ENTRY_CTLS, MSR_TRUE_ENTRY_CTLS },
};

/* See controls.def. */
enum need { UNUSED, REQUIRED, OPTIONAL, APIC, PERF_GLOBAL, CLEAR, DYNAMIC };

static const struct row {
	enum minivmx_word word;
	unsigned int bit;
	enum need need;
	const char *name, *why;
} rows[] = {
#define CONTROL(word, bit, name, need, user, text, why) \
	{ MINIVMX_WORD_##word, bit, need, text, why },
#include "../../module/controls.def"
#undef CONTROL
};

const char *minivmx_vmx_msr_name(unsigned int index)
{
	return index < ARRAY_SIZE(msrs) ? msrs[index].name : NULL;
}

int minivmx_has_vmx_msr(const struct minivmx_caps *caps, unsigned int index)
{
	return index < ARRAY_SIZE(msrs) &&
	       (!msrs[index].bits || (caps->vmx_msrs[msrs[index].other] & msrs[index].bits));
}

unsigned int minivmx_word_msr(const struct minivmx_caps *caps, enum minivmx_word word)
{
	return caps->vmx_msrs[MSR_BASIC] & TRUE_MSRS ? words[word].true_msr : words[word].msr;
}

void minivmx_word_limits(const struct minivmx_caps *caps, enum minivmx_word word,
			 uint64_t *must, uint64_t *may)
{
	uint64_t msr = caps->vmx_msrs[minivmx_word_msr(caps, word)];

	*must = words[word].any_may_be_0 ? 0 : (uint32_t)msr;
	*may = words[word].any_may_be_0 ? msr : msr >> 32;
}

static bool can_be_1(const struct minivmx_caps *caps, const struct row *row)
{
	uint64_t must, may;

	minivmx_word_limits(caps, row->word, &must, &may);
	return may >> row->bit & 1;
}

static bool can_be_0(const struct minivmx_caps *caps, const struct row *row)
{
	uint64_t must, may;

	minivmx_word_limits(caps, row->word, &must, &may);
	return !(must >> row->bit & 1);
}

/* They go together. */
static bool has_perf_global(const struct minivmx_caps *caps)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].need == PERF_GLOBAL && !can_be_1(caps, &rows[i]))
			return false;
	return caps->perf_global;
}

/* What ctls.c does, on a CPU that it may never have seen. */
static enum minivmx_use use(const struct minivmx_caps *caps, const struct row *row)
{
	bool can_set = can_be_1(caps, row), can_clear = can_be_0(caps, row);

	switch (row->need) {
	case REQUIRED:
		return can_set ? MINIVMX_USE_SET : MINIVMX_USE_UNFIT;
	case OPTIONAL:
		return can_set ? MINIVMX_USE_SET : MINIVMX_USE_NONE;
	case APIC:
		return can_set ? MINIVMX_USE_DYNAMIC : MINIVMX_USE_NONE;
	case PERF_GLOBAL:
		return has_perf_global(caps) ? MINIVMX_USE_SET : MINIVMX_USE_NONE;
	case CLEAR:
		return can_clear ? MINIVMX_USE_CLEAR : MINIVMX_USE_UNFIT;
	case DYNAMIC:
		return can_set && can_clear ? MINIVMX_USE_DYNAMIC : MINIVMX_USE_UNFIT;
	case UNUSED:
		break;
	}
	return MINIVMX_USE_NONE;
}

int minivmx_controls(const struct minivmx_caps *caps, struct minivmx_control *controls,
		     unsigned int max)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows) && i < max; i++)
		controls[i] = (struct minivmx_control) {
			.word = rows[i].word,
			.use = use(caps, &rows[i]),
			.bit = rows[i].bit,
			.allowed_0 = can_be_0(caps, &rows[i]),
			.allowed_1 = can_be_1(caps, &rows[i]),
			.name = rows[i].name,
			.why = rows[i].why,
		};
	return ARRAY_SIZE(rows);
}
