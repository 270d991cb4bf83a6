// SPDX-License-Identifier: GPL-2.0
/* minivmx explain: why VM entry refuses a VMCS, by the rules of the manual. */
#include <getopt.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>

#include "commands.h"
#include "exit_status.h"
#include "json_file.h"
#include "vmcs_dump.h"

/* More than that can hardly be broken: there are not so many. */
#define MAX_BROKEN	512

static const struct {
	const char *key, *text;
} refusals[] = {
	[MINIVMX_REFUSED_CONTROLS] = { "controls", "VM-instruction error 7 (control fields)" },
	[MINIVMX_REFUSED_HOST] = { "host", "VM-instruction error 8 (host-state fields)" },
	[MINIVMX_REFUSED_GUEST] = { "guest", "VM exit with reason 33 (guest state)" },
};

static void print_wrong_bits(const struct minivmx_broken_rule *rule)
{
	unsigned int bit;

	for (bit = 0; bit < 64; bit++) {
		const char *name;

		if (!(rule->wrong >> bit & 1))
			continue;
		name = minivmx_control_name(rule->encoding, bit);
		printf("  bit %-8u%s%s%smust be %u\n", bit, name ? "\"" : "", name ? name : "",
		       name ? "\" " : "", !(rule->value >> bit & 1));
	}
}

static void print_rule(const struct minivmx_broken_rule *rule)
{
	printf("\n%s (%#06x) is %#llx\n"
	       "  rule        %s\n"
	       "  legal       %s\n",
	       rule->field, rule->encoding, (unsigned long long)rule->value, rule->name,
	       rule->legal);
	print_wrong_bits(rule);
	printf("  manual      %s\n"
	       "  ends with   %s\n", rule->section, refusals[rule->refusal].text);
}

static void print_text(const struct minivmx_broken_rule *broken, int nr, unsigned int unjudged)
{
	int i;

	if (nr)
		printf("VM entry fails: %d %s broken.\n", nr, nr == 1 ? "rule is" : "rules are");
	else
		printf("No rule is broken.\n");
	for (i = 0; i < nr; i++)
		print_rule(&broken[i]);
	if (unjudged)
		printf("%s%u rules were not judged: fields that they are about are not in the dump.\n",
		       nr ? "\n" : "", unjudged);
}

static struct json_object *rule_to_json(const struct minivmx_broken_rule *rule)
{
	struct json_object *object = json_object_new_object();

	json_add_string(object, "rule", rule->name);
	json_add_string(object, "field", rule->field);
	json_add_hex(object, "encoding", rule->encoding);
	json_add_hex(object, "value", rule->value);
	json_add_hex(object, "wrong_bits", rule->wrong);
	json_add_string(object, "legal", rule->legal);
	json_add_string(object, "section", rule->section);
	json_add_string(object, "refusal", refusals[rule->refusal].key);
	return object;
}

static void print_json(const struct minivmx_broken_rule *broken, int nr, unsigned int unjudged)
{
	struct json_object *root = json_object_new_object();
	struct json_object *rules = json_object_new_array();
	int i;

	for (i = 0; i < nr; i++)
		json_object_array_add(rules, rule_to_json(&broken[i]));
	json_object_object_add(root, "broken", rules);
	json_object_object_add(root, "unjudged", json_object_new_int((int)unjudged));
	printf("%s\n", json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY));
	json_object_put(root);
}

static int explain(const char *path, bool json)
{
	static struct minivmx_broken_rule broken[MAX_BROKEN];
	struct minivmx_vmcs_dump dump;
	struct message message;
	unsigned int unjudged;
	int nr;

	if (vmcs_dump_read(path, &dump, &message)) {
		fprintf(stderr, "minivmx: %s\n", message.text);
		return STATUS_HOST;
	}
	nr = minivmx_verdict(&dump, broken, MAX_BROKEN, &unjudged);
	vmcs_dump_free(&dump);
	if (json)
		print_json(broken, nr, unjudged);
	else
		print_text(broken, nr, unjudged);
	return nr ? STATUS_VM : STATUS_OK;
}

static void print_help(void)
{
	printf("usage: minivmx explain [--json] FILE\n\n"
	       "Says which rules of the manual the VMCS in FILE breaks, so that VM entry\n"
	       "fails: the field, its value, what would be legal, and how the CPU says so. It\n"
	       "needs neither VT-x nor the module. It does not judge what a VMCS points to in\n"
	       "memory, nor state of Intel PT, LBRs, CET, performance counters, PASIDs and HLAT.\n\n"
	       "FILE is JSON: the capability MSRs of the CPU, and fields by their names:\n\n"
	       "  { \"cpu\": { \"physical_address_bits\": 40, \"linear_address_bits\": 48,\n"
	       "             \"vmx_msrs\": { \"0x480\": \"0xd810000000002b\", ... } },\n"
	       "    \"fields\": { \"GUEST_CR0\": \"0x80000031\", ... } }\n\n"
	       "minivmx caps --json has \"cpu\" for the CPU that it runs on.\n\n"
	       "Options:\n"
	       "      --json  for programs\n"
	       "  -h, --help  this help\n\n"
	       "Exit status: %d no rule is broken, %d some are, %d FILE cannot be read.\n\n"
	       "Example:\n"
	       "  minivmx explain --json vmcs.json | jq -r '.broken[].field'\n",
	       STATUS_OK, STATUS_VM, STATUS_HOST);
}

int cmd_explain(int argc, char **argv)
{
	bool json;
	int status = json_option(argc, argv, "explain", print_help, &json);

	if (status >= 0)
		return status;
	if (optind != argc - 1) {
		fprintf(stderr, "minivmx: explain takes one file\n");
		return usage_error("explain");
	}
	return explain(argv[optind], json);
}
