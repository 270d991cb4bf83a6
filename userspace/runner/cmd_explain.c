// SPDX-License-Identifier: GPL-2.0
/* minivmx explain: why VM entry refuses a VMCS, by the rules of the manual. */
#include <getopt.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>

#include "commands.h"
#include "exit_status.h"
#include "json_file.h"
#include "verdict_print.h"
#include "vmcs_source.h"

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
	json_add_string(object, "refusal", verdict_refusal_key(rule->refusal));
	return object;
}

static void print_json(const struct verdict *verdict)
{
	struct json_object *root = json_object_new_object();
	struct json_object *rules = json_object_new_array();
	int i;

	for (i = 0; i < verdict->nr; i++)
		json_object_array_add(rules, rule_to_json(&verdict->broken[i]));
	json_object_object_add(root, "broken", rules);
	json_object_object_add(root, "unjudged", json_object_new_int((int)verdict->unjudged));
	printf("%s\n", json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY));
	json_object_put(root);
}

static int explain(const char *source, bool json)
{
	static struct verdict verdict;
	struct minivmx_vmcs_dump dump;
	struct message message;

	if (vmcs_source_read(source, true, &dump, &message)) {
		fprintf(stderr, "minivmx: %s\n", message.text);
		return STATUS_HOST;
	}
	verdict_reach(&dump, &verdict);
	vmcs_dump_free(&dump);
	if (json)
		print_json(&verdict);
	else
		verdict_print(stdout, &verdict);
	return verdict.nr ? STATUS_VM : STATUS_OK;
}

static void print_help(void)
{
	printf("usage: minivmx explain [--json] [FILE | RUNNER[:VCPU]]\n\n"
	       "Says which rules of the manual a VMCS breaks, so that VM entry fails: the field,\n"
	       "its value, what would be legal, and how the CPU says so. It does not judge what a\n"
	       "VMCS points to in memory, nor state of Intel PT, LBRs, CET, performance counters,\n"
	       "PASIDs and HLAT.\n\n"
	       "RUNNER is the name or the PID of a guest that minivmx list shows, by default the\n"
	       "only one, and VCPU one of its virtual CPUs (0). What is the host's is judged with\n"
	       "CAP_SYS_ADMIN only.\n\n"
	       "FILE is a dump, if there is a file of that name; it needs neither VT-x nor the\n"
	       "module. minivmx vmcs dump writes one. It is JSON: the capability MSRs of the CPU, and fields by their names:\n\n"
	       "  { \"cpu\": { \"physical_address_bits\": 40, \"linear_address_bits\": 48,\n"
	       "             \"vmx_msrs\": { \"0x480\": \"0xd810000000002b\", ... } },\n"
	       "    \"fields\": { \"GUEST_CR0\": \"0x80000031\", ... } }\n\n"
	       "minivmx caps --json has \"cpu\" for the CPU that it runs on.\n\n"
	       "Options:\n"
	       "      --json  for programs\n"
	       "  -h, --help  this help\n\n"
	       "Exit status: %d no rule is broken, %d some are, %d there is no VMCS.\n\n"
	       "Examples:\n"
	       "  minivmx explain web\n"
	       "  minivmx explain --json vmcs.json | jq -r '.broken[].field'\n",
	       STATUS_OK, STATUS_VM, STATUS_HOST);
}

int cmd_explain(int argc, char **argv)
{
	bool json;
	int status = json_option(argc, argv, "explain", print_help, &json);

	if (status >= 0)
		return status;
	if (optind < argc - 1) {
		fprintf(stderr, "minivmx: explain takes one VMCS\n");
		return usage_error("explain");
	}
	return explain(argv[optind], json);
}
