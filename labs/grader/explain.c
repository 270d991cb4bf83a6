// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>

#include "explain.h"
#include "libminivmx.h"

static const uint32_t encodings[] = {
#define FIELD(encoding, name, policy, meaning) encoding,
#include "../../module/fields.def"
#undef FIELD
};

#define NR_FIELDS	(sizeof(encodings) / sizeof(encodings[0]))

bool find_broken_rule(int vcpu, int system, struct minivmx_broken_rule *broken)
{
	struct minivmx_vmcs_field fields[NR_FIELDS] = { 0 };
	struct minivmx_vmcs_dump dump = { .fields = fields, .nr_fields = NR_FIELDS };
	unsigned int i, unjudged;

	for (i = 0; i < NR_FIELDS; i++)
		fields[i].encoding = encodings[i];
	return !minivmx_get_caps(system, &dump.caps) &&
	       !minivmx_get_vmcs(vcpu, fields, NR_FIELDS) &&
	       minivmx_verdict(&dump, broken, 1, &unjudged) > 0;
}

void explain_entry(int vcpu, int system, char *text, size_t size)
{
	struct minivmx_broken_rule broken;

	if (find_broken_rule(vcpu, system, &broken))
		snprintf(text, size, "rule %s: %s is %#llx; legal: %s; see \"%s\"", broken.name,
			 broken.field, (unsigned long long)broken.value, broken.legal,
			 broken.section);
	else
		snprintf(text, size, "the verdict knows no rule that is broken");
}
