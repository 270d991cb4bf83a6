// SPDX-License-Identifier: GPL-2.0
/* minivmx info: what MINIVMX_GET_INFO and MINIVMX_GET_MITIGATIONS say. */
#include <getopt.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "array.h"
#include "commands.h"
#include "exit_status.h"
#include "json_file.h"
#include "libminivmx.h"

static const struct feature {
	uint32_t bit;
	const char *key;
	const char *name;
} features[] = {
	{ MINIVMX_FEAT_EPT_2M, "ept_2m", "2 MiB EPT pages" },
	{ MINIVMX_FEAT_EPT_1G, "ept_1g", "1 GiB EPT pages" },
	{ MINIVMX_FEAT_EPT_AD, "ept_ad", "EPT accessed and dirty bits" },
	{ MINIVMX_FEAT_EPT_X_ONLY, "ept_x_only", "Execute-only EPT pages" },
	{ MINIVMX_FEAT_PML, "pml", "Page-modification logging" },
	{ MINIVMX_FEAT_XSAVE, "xsave", "XSAVE" },
};

static const char *const owners[][2] = {
	/* JSON, for people */
	[MINIVMX_VMX_FREE] = { "free", "free" },
	[MINIVMX_VMX_OWN] = { "own", "taken by minivmx" },
	[MINIVMX_VMX_FOREIGN] = { "foreign", "taken by another hypervisor" },
	[MINIVMX_VMX_BORROWED] = { "borrowed", "KVM's, and borrowed by minivmx" },
};

static const char *const states[][2] = {
	[MINIVMX_MITIGATION_NOT_NEEDED] = { "not_needed", "the CPU does not have it" },
	[MINIVMX_MITIGATION_ON] = { "on", "mitigated" },
	[MINIVMX_MITIGATION_OFF] = { "off", "not mitigated: the host is told to do without" },
	[MINIVMX_MITIGATION_MISSING] = { "missing",
		"not mitigated: minivmx or the CPU's microcode has no means" },
};

static const struct feature steps[] = {
	{ MINIVMX_STEP_L1D_FLUSH, "l1d_flush", "L1 data cache flushed before an entry if need be" },
	{ MINIVMX_STEP_L1D_ALWAYS, "l1d_always", "L1 data cache flushed before every entry" },
	{ MINIVMX_STEP_VERW, "verw", "CPU buffers cleared before an entry (VERW)" },
	{ MINIVMX_STEP_RSB_FILL, "rsb_fill", "return stack buffer filled after an exit" },
	{ MINIVMX_STEP_RSB_ONE, "rsb_one", "return stack buffer corrected after an exit" },
	{ MINIVMX_STEP_IBRS, "ibrs", "IBRS written after an exit" },
	{ MINIVMX_STEP_BHB_LOOP, "bhb_loop", "branch history overwritten after an exit" },
	{ MINIVMX_STEP_IBPB_GUEST, "ibpb_guest", "IBPB when another guest comes" },
	{ MINIVMX_STEP_IBPB_USER, "ibpb_user", "IBPB before userspace" },
	{ MINIVMX_STEP_EXEC_4K, "exec_4k", "executable EPT pages of 4K only" },
};

/* What a new VM would do. */
static const char *const reasons[][2] = {
	[MINIVMX_REASON_NONE] = { "none", "a VM can be created" },
	[MINIVMX_REASON_KVM_LOADED] = { "kvm_loaded",
		"a VM borrows it from KVM, which is loaded" },
	[MINIVMX_REASON_KVM_ONLY] = { "kvm_only",
		"a VM borrows it from KVM, which alone may turn it on in this kernel" },
	[MINIVMX_REASON_VMXE] = { "vmxe",
		"no VM can be created: CR4.VMXE is set, and not by KVM" },
};

/* The word for @value in a table of @nr, for JSON (0) or for people (1). */
static const char *word(const char *const table[][2], size_t nr, uint32_t value,
			int column)
{
	return value < nr ? table[value][column] : "unknown";
}

#define WORD(table, value, column) word(table, ARRAY_SIZE(table), value, column)

static void print_mitigations(const struct minivmx_mitigations *mitigations)
{
	uint32_t i;

	printf("\nspeculative execution\n");
	for (i = 0; i < ARRAY_SIZE(mitigations->state); i++)
		printf("  %-22s %s\n", minivmx_bug_name(i),
		       WORD(states, mitigations->state[i], 1));
	if (mitigations->smt)
		printf("  %-22s %s\n", "SMT", "is on: guests on sibling threads see each other's data");
	for (i = 0; i < ARRAY_SIZE(steps); i++)
		if (mitigations->steps & steps[i].bit)
			printf("  with: %s\n", steps[i].name);
}

static struct json_object *mitigations_to_json(const struct minivmx_mitigations *mitigations)
{
	struct json_object *root = json_object_new_object();
	struct json_object *bugs = json_object_new_object();
	struct json_object *taken = json_object_new_array();
	uint32_t i;

	for (i = 0; i < ARRAY_SIZE(mitigations->state); i++)
		json_object_object_add(bugs, minivmx_bug_name(i),
			json_object_new_string(WORD(states, mitigations->state[i], 0)));
	for (i = 0; i < ARRAY_SIZE(steps); i++)
		if (mitigations->steps & steps[i].bit)
			json_object_array_add(taken, json_object_new_string(steps[i].key));
	json_object_object_add(root, "bugs", bugs);
	json_object_object_add(root, "steps", taken);
	json_object_object_add(root, "smt", json_object_new_boolean(mitigations->smt));
	return root;
}

static void print_text(const struct minivmx_info *info,
		       const struct minivmx_mitigations *mitigations)
{
	size_t i;

	printf("interface version       %u\n"
	       "VMX                     %s: %s\n"
	       "vCPUs in a VM           %u\n"
	       "guest-physical address  %u bits\n"
	       "XSAVE area              %u bytes\n"
	       "run page                %u bytes\n"
	       "TSC                     %.3f MHz\n",
	       info->api_version, WORD(owners, info->vmx_owner, 1),
	       WORD(reasons, info->vmx_reason, 1), info->max_vcpus,
	       info->gpa_bits, info->xsave_size, info->run_size,
	       (double)info->tsc_khz / 1000);
	for (i = 0; i < ARRAY_SIZE(features); i++)
		printf("%-23s %s\n", features[i].name,
		       info->features & features[i].bit ? "yes" : "no");
	print_mitigations(mitigations);
}

static void print_json(const struct minivmx_info *info,
		       const struct minivmx_mitigations *mitigations)
{
	struct json_object *root = json_object_new_object();
	struct json_object *object = json_object_new_object();
	size_t i;

	json_add_number(root, "api_version", info->api_version);
	json_object_object_add(root, "vmx_owner",
			       json_object_new_string(WORD(owners, info->vmx_owner, 0)));
	json_object_object_add(root, "vmx_reason",
			       json_object_new_string(WORD(reasons, info->vmx_reason, 0)));
	json_add_number(root, "max_vcpus", info->max_vcpus);
	json_add_number(root, "gpa_bits", info->gpa_bits);
	json_add_number(root, "xsave_size", info->xsave_size);
	json_add_number(root, "run_size", info->run_size);
	json_add_number(root, "tsc_khz", info->tsc_khz);
	for (i = 0; i < ARRAY_SIZE(features); i++)
		json_object_object_add(object, features[i].key,
				       json_object_new_boolean(info->features &
							       features[i].bit));
	json_object_object_add(root, "features", object);
	json_object_object_add(root, "mitigations", mitigations_to_json(mitigations));
	printf("%s\n", json_object_to_json_string_ext(root,
						      JSON_C_TO_STRING_PRETTY));
	json_object_put(root);
}

static int show(bool json)
{
	struct minivmx_mitigations mitigations;
	struct minivmx_info info;
	const char *request;
	int ret, fd = open_device();

	if (fd < 0)
		return STATUS_HOST;
	request = "GET_INFO";
	ret = minivmx_get_info(fd, &info);
	if (!ret) {
		request = "GET_MITIGATIONS";
		ret = minivmx_get_mitigations(fd, &mitigations);
	}
	close(fd);
	if (ret) {
		fprintf(stderr, "minivmx: MINIVMX_%s: %s\n", request, strerror(-ret));
		return STATUS_HOST;
	}
	if (json)
		print_json(&info, &mitigations);
	else
		print_text(&info, &mitigations);
	return STATUS_OK;
}

static void print_help(void)
{
	printf("usage: minivmx info [--json]\n\n"
	       "Shows what this host and the minivmx module offer.\n\n"
	       "Options:\n"
	       "      --json  for programs\n"
	       "  -h, --help  this help\n");
}

int cmd_info(int argc, char **argv)
{
	bool json;
	int status = json_option(argc, argv, "info", print_help, &json);

	if (status >= 0)
		return status;
	if (optind < argc) {
		fprintf(stderr, "minivmx: info takes no arguments\n");
		return usage_error("info");
	}
	return show(json);
}
