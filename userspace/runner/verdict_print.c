// SPDX-License-Identifier: GPL-2.0
/* The entry verdict in words: see verdict_print.h. */
#include "verdict_print.h"

static const struct {
	const char *key, *text;
} refusals[] = {
	[MINIVMX_REFUSED_CONTROLS] = { "controls", "VM-instruction error 7 (control fields)" },
	[MINIVMX_REFUSED_HOST] = { "host", "VM-instruction error 8 (host-state fields)" },
	[MINIVMX_REFUSED_GUEST] = { "guest", "VM exit with reason 33 (guest state)" },
};

const char *verdict_refusal_key(enum minivmx_refusal refusal)
{
	return refusals[refusal].key;
}

void verdict_reach(const struct minivmx_vmcs_dump *dump, struct verdict *verdict)
{
	verdict->nr = minivmx_verdict(dump, verdict->broken, VERDICT_MAX, &verdict->unjudged);
	if (verdict->nr > VERDICT_MAX)
		verdict->nr = VERDICT_MAX;
}

void verdict_sort(struct verdict *verdict, enum minivmx_refusal refusal)
{
	int from, to = 0;

	for (from = 0; from < verdict->nr; from++) {
		const struct minivmx_broken_rule rule = verdict->broken[from];
		int i;

		if (rule.refusal != refusal)
			continue;
		for (i = from; i > to; i--)
			verdict->broken[i] = verdict->broken[i - 1];
		verdict->broken[to++] = rule;
	}
}

static void print_wrong_bits(FILE *file, const struct minivmx_broken_rule *rule)
{
	unsigned int bit;

	for (bit = 0; bit < 64; bit++) {
		const char *name;

		if (!(rule->wrong >> bit & 1))
			continue;
		name = minivmx_control_name(rule->encoding, bit);
		fprintf(file, "  bit %-8u%s%s%smust be %u\n", bit, name ? "\"" : "",
			name ? name : "", name ? "\" " : "", !(rule->value >> bit & 1));
	}
}

static void print_rule(FILE *file, const struct minivmx_broken_rule *rule)
{
	fprintf(file, "\n%s (0x%04x) is %#llx\n"
		"  rule        %s\n"
		"  legal       %s\n",
		rule->field, rule->encoding, (unsigned long long)rule->value, rule->name,
		rule->legal);
	print_wrong_bits(file, rule);
	fprintf(file, "  manual      %s\n"
		"  ends with   %s\n", rule->section, refusals[rule->refusal].text);
}

void verdict_print(FILE *file, const struct verdict *verdict)
{
	const int nr = verdict->nr;
	int i;

	if (nr)
		fprintf(file, "VM entry fails: %d %s broken.\n", nr,
			nr == 1 ? "rule is" : "rules are");
	else
		fprintf(file, "No rule is broken.\n");
	for (i = 0; i < nr; i++)
		print_rule(file, &verdict->broken[i]);
	if (verdict->unjudged)
		fprintf(file, "%s%u rules were not judged: fields that they are about are not known.\n",
			nr ? "\n" : "", verdict->unjudged);
}
