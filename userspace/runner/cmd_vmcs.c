// SPDX-License-Identifier: GPL-2.0
/* minivmx vmcs: the VMCS of a vCPU that runs, to look at, to change and to compare. */
#include <errno.h>
#include <getopt.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "colour.h"
#include "commands.h"
#include "control_dir.h"
#include "exit_status.h"
#include "json_file.h"
#include "target.h"
#include "vmcs_decode.h"
#include "vmcs_diff.h"
#include "vmcs_fields.h"
#include "vmcs_set.h"
#include "vmcs_source.h"

#define DIFFERENT	1	/* exit status of diff */
#define HIDDEN		"shown with CAP_SYS_ADMIN only"

/**
 * struct arguments - what was asked
 * @which: RUNNER, or NULL for the only one
 * @id: of the vCPU
 * @all: also fields that are not here
 * @json: for programs
 * @list: the other arguments
 * @nr: how many
 */
struct arguments {
	const char *which;
	long long id;
	bool all;
	bool json;
	char **list;
	int nr;
};

static int complain(const struct message *message, int status)
{
	fprintf(stderr, "minivmx: %s\n", message->text);
	return status;
}

static void print_json(struct json_object *root)
{
	printf("%s\n", json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY));
	json_object_put(root);
}

/* ---- Which fields ---- */

static bool is_wanted(const struct arguments *args, const struct vmcs_field *field)
{
	int i;

	for (i = 0; i < args->nr; i++)
		if (vmcs_field_matches(field, args->list[i]))
			return true;
	return !args->nr;
}

static bool matches_any(const char *pattern)
{
	size_t i;

	for (i = 0; i < nr_vmcs_fields; i++)
		if (vmcs_field_matches(&vmcs_fields[i], pattern))
			return true;
	return false;
}

/* A pattern without a field is a mistake, not an empty answer. */
static int check_patterns(const struct arguments *args)
{
	int i;

	for (i = 0; i < args->nr; i++) {
		if (matches_any(args->list[i]))
			continue;
		fprintf(stderr, "minivmx: no VMCS field matches '%s': see minivmx vmcs list\n",
			args->list[i]);
		return STATUS_USAGE;
	}
	return STATUS_OK;
}

/* ---- list ---- */

static int vmcs_list(const struct arguments *args)
{
	int status = check_patterns(args);
	size_t i;

	if (status)
		return status;
	printf("%s%-8s  %-7s  %-16s  %-28s  %-27s  %s%s\n", colours()->bold, "encoding", "width",
	       "group", "a program may write", "name", "meaning", colours()->off);
	for (i = 0; i < nr_vmcs_fields; i++) {
		const struct vmcs_field *field = &vmcs_fields[i];
		const uint32_t encoding = field->encoding;

		if (is_wanted(args, field))
			printf("0x%04x    %-7s  %-16s  %-28s  %-27s  %s\n", encoding,
			       vmcs_field_width(encoding),
			       vmcs_group_name(vmcs_field_group(encoding)), field->policy,
			       field->name, field->meaning);
	}
	return STATUS_OK;
}

/* ---- show ---- */

static const char *absence(const struct minivmx_vmcs_field *row)
{
	switch (row->result) {
	case 0:
		return NULL;
	case EPERM:
		return HIDDEN;
	case ENODEV:
		return "not here";
	default:
		return strerror((int)row->result);
	}
}

/* In the order of vmcs_fields, as vmcs_dump_take() fills it. */
static bool is_shown(const struct arguments *args, const struct minivmx_vmcs_dump *dump, size_t i)
{
	return is_wanted(args, &vmcs_fields[i]) &&
	       (args->all || dump->fields[i].result != ENODEV);
}

static void show_field(const struct vmcs_field *field, const struct minivmx_vmcs_field *row)
{
	char *words;

	printf("%-27s  0x%04x  ", field->name, field->encoding);
	if (row->result) {
		printf("%s\n", absence(row));
		return;
	}
	words = vmcs_decode(field->encoding, row->value);
	if (*words)
		printf("0x%0*llx%*s  %s\n", vmcs_field_digits(field->encoding),
		       (unsigned long long)row->value, 16 - vmcs_field_digits(field->encoding), "",
		       words);
	else
		printf("0x%0*llx\n", vmcs_field_digits(field->encoding),
		       (unsigned long long)row->value);
	free(words);
}

static void show_text(const struct arguments *args, const struct minivmx_vmcs_dump *dump)
{
	/* What it is, what it does, how it does it, what happened. */
	static const enum vmcs_group order[] = {
		VMCS_GUEST, VMCS_CONTROL, VMCS_EXIT_INFO, VMCS_HOST,
	};
	const char *gap = "";
	size_t g, i;

	for (g = 0; g < ARRAY_SIZE(order); g++) {
		bool any = false;

		for (i = 0; i < nr_vmcs_fields; i++) {
			if (vmcs_field_group(vmcs_fields[i].encoding) != order[g] ||
			    !is_shown(args, dump, i))
				continue;
			if (!any)
				printf("%s%s%s%s\n", gap, colours()->bold,
				       vmcs_group_name(order[g]), colours()->off);
			any = true;
			gap = "\n";
			show_field(&vmcs_fields[i], &dump->fields[i]);
		}
	}
}

static struct json_object *field_to_json(const struct vmcs_field *field,
					 const struct minivmx_vmcs_field *row)
{
	struct json_object *object = json_object_new_object();
	char *words;

	json_add_string(object, "name", field->name);
	json_add_hex(object, "encoding", field->encoding);
	json_add_string(object, "group", vmcs_group_name(vmcs_field_group(field->encoding)));
	if (row->result) {
		json_add_string(object, "absent", absence(row));
		return object;
	}
	json_add_hex(object, "value", row->value);
	words = vmcs_decode(field->encoding, row->value);
	json_add_string(object, "decoded", words);
	free(words);
	return object;
}

static void show_json(const struct arguments *args, const struct minivmx_vmcs_dump *dump)
{
	struct json_object *array = json_object_new_array();
	size_t i;

	for (i = 0; i < nr_vmcs_fields; i++)
		if (is_shown(args, dump, i))
			json_object_array_add(array, field_to_json(&vmcs_fields[i],
								   &dump->fields[i]));
	print_json(array);
}

static int vmcs_show(const struct arguments *args)
{
	struct minivmx_vmcs_dump dump;
	struct message message;
	int status = check_patterns(args);

	if (status)
		return status;
	if (vmcs_source_live(args->which, args->id, false, &dump, &message)) {
		complain(&message, STATUS_HOST);
		if (args->which && matches_any(args->which))
			fprintf(stderr, "minivmx: as a pattern in the first place write '*%s*'\n",
				args->which);
		return STATUS_HOST;
	}
	if (args->json)
		show_json(args, &dump);
	else
		show_text(args, &dump);
	vmcs_dump_free(&dump);
	return STATUS_OK;
}

/* ---- get ---- */

/* The value, or why there is none, of a field that the manual need not have. */
static int print_value(int vcpu, uint32_t encoding)
{
	const struct vmcs_field *field = vmcs_field_by_encoding(encoding);
	struct minivmx_vmcs_field row = { .encoding = encoding };
	struct message message;
	int ret = minivmx_get_vmcs(vcpu, &row, 1);

	if (ret) {
		fail(&message, "the VMCS cannot be read: %s", strerror(-ret));
		return complain(&message, STATUS_HOST);
	}
	if (row.result) {
		vmcs_refusal(&row, &message);
		return complain(&message, STATUS_VM);
	}
	if (field && field->is_private && vmcs_host_is_hidden(vcpu)) {
		fail(&message, "%s: %s", field->name, HIDDEN);
		return complain(&message, STATUS_VM);
	}
	printf("0x%llx\n", (unsigned long long)row.value);
	return STATUS_OK;
}

static int vmcs_get(const struct arguments *args)
{
	struct target target;
	struct message message;
	uint32_t encoding;
	int i, status = STATUS_OK;

	if (!args->nr) {
		fprintf(stderr, "minivmx: which FIELD to get?\n");
		return usage_error("vmcs");
	}
	for (i = 0; i < args->nr; i++) {
		if (!vmcs_field_parse(args->list[i], &encoding))
			continue;
		fprintf(stderr, "minivmx: no VMCS field is called '%s': see minivmx vmcs list\n",
			args->list[i]);
		return STATUS_USAGE;
	}
	if (target_open(args->which, args->id, &target, &message))
		return complain(&message, STATUS_HOST);
	for (i = 0; i < args->nr && !status; i++) {
		vmcs_field_parse(args->list[i], &encoding);
		status = print_value(target.vcpus[0], encoding);
	}
	target_close(&target);
	return status;
}

/* ---- set ---- */

static int set_all(const struct arguments *args, struct vmcs_change *changes)
{
	struct target target;
	struct message message;
	int i, status;

	for (i = 0; i < args->nr; i++)
		if (vmcs_change_parse(args->list[i], &changes[i], &message))
			return complain(&message, STATUS_USAGE);
	if (target_open(args->which, args->id, &target, &message))
		return complain(&message, STATUS_HOST);
	status = vmcs_changes_apply(target.vcpus[0], changes, (size_t)args->nr);
	target_close(&target);
	return status;
}

static int vmcs_set(const struct arguments *args)
{
	struct vmcs_change *changes;
	int status;

	if (!args->nr) {
		fprintf(stderr, "minivmx: which FIELD=VALUE to set?\n");
		return usage_error("vmcs");
	}
	changes = calloc((size_t)args->nr, sizeof(*changes));
	if (!changes) {
		fprintf(stderr, "minivmx: no memory\n");
		return STATUS_HOST;
	}
	status = set_all(args, changes);
	free(changes);
	return status;
}

/* ---- dump and diff ---- */

static int vmcs_dump(const struct arguments *args)
{
	struct minivmx_vmcs_dump dump;
	struct message message;

	if (vmcs_source_live(args->which, args->id, true, &dump, &message))
		return complain(&message, STATUS_HOST);
	print_json(vmcs_dump_to_json(&dump));
	vmcs_dump_free(&dump);
	return STATUS_OK;
}

static int vmcs_diff_two(const struct arguments *args)
{
	struct minivmx_vmcs_dump a, b;
	struct message message;
	unsigned int nr;

	if (args->nr != 2) {
		fprintf(stderr, "minivmx: diff takes two VMCSs, each a FILE or RUNNER[:VCPU]\n");
		return usage_error("vmcs");
	}
	if (vmcs_source_read(args->list[0], false, &a, &message))
		return complain(&message, STATUS_HOST);
	if (vmcs_source_read(args->list[1], false, &b, &message)) {
		vmcs_dump_free(&a);
		return complain(&message, STATUS_HOST);
	}
	nr = vmcs_diff(&a, &b);
	vmcs_dump_free(&a);
	vmcs_dump_free(&b);
	return nr ? DIFFERENT : STATUS_OK;
}

/* ---- The command line ---- */

static void print_help(void)
{
	printf("usage: minivmx vmcs list [PATTERN...]\n"
	       "       minivmx vmcs show [RUNNER] [--vcpu N] [--all] [--json] [PATTERN...]\n"
	       "       minivmx vmcs get [RUNNER] [--vcpu N] FIELD...\n"
	       "       minivmx vmcs set [RUNNER] [--vcpu N] FIELD=VALUE...\n"
	       "       minivmx vmcs dump [RUNNER] [--vcpu N]\n"
	       "       minivmx vmcs diff A B\n\n"
	       "  list  the fields that the manual has, and which of them a program may write\n"
	       "  show  fields of a vCPU, their bits by the manual's names\n"
	       "  get   the value of each FIELD alone, one a line\n"
	       "  set   changes fields, all or none: FIELD=VALUE, FIELD+=BITS to set bits,\n"
	       "        FIELD-=BITS to clear them. BITS is a number or the name of one bit. What\n"
	       "        is refused is named. The CPU judges the values at the next entry: see\n"
	       "        minivmx explain. A guest that runs may change a field between the\n"
	       "        reading and the writing of += and -=.\n"
	       "  dump  all fields and the CPU as JSON, for diff and minivmx explain\n"
	       "  diff  the fields that differ in A and B, each a dump (a file, if there is one\n"
	       "        of that name) or RUNNER[:VCPU]\n\n"
	       "RUNNER is the name or the PID of a guest that minivmx list shows, by default the\n"
	       "only one. It is the first argument, unless that is a field or has =, *, ? or [.\n"
	       "FIELD is a name in any case, of which GUEST_, GUEST_IA32_ or VM_ may be left out,\n"
	       "or an encoding behind 0x. PATTERN is part of a name, or all of it with *, ? and\n"
	       "[]. VALUE is decimal or hexadecimal behind 0x.\n\n"
	       "Options:\n"
	       "      --vcpu N  the vCPU (0)\n"
	       "      --all     fields that this CPU does not have, too\n"
	       "      --json    for programs\n"
	       "  -h, --help    this help\n\n"
	       "Exit status: %d; %d the command line is wrong; %d no such guest, no dump; %d a field\n"
	       "was refused. Of diff: 0 they are the same, %d they differ.\n\n"
	       "Examples:\n"
	       "  minivmx vmcs list 'guest_cs_*'\n"
	       "  minivmx vmcs show web cr0 cr4 rflags\n"
	       "  minivmx vmcs get rip\n"
	       "  minivmx vmcs set 'cpu_based_controls+=RDTSC exiting' exception_bitmap+=#UD\n"
	       "  minivmx vmcs dump >before; sleep 1; minivmx vmcs diff before web:0\n",
	       STATUS_OK, STATUS_USAGE, STATUS_HOST, STATUS_VM, DIFFERENT);
}

/**
 * struct subcommand - one of them
 * @name: its name
 * @run: does it; returns the exit status
 * @takes_runner: its first argument may be one
 * @options: the letters of its options
 */
static const struct subcommand {
	const char *name;
	int (*run)(const struct arguments *args);
	bool takes_runner;
	const char *options;
} subcommands[] = {
	{ "list", vmcs_list, false, "" },
	{ "show", vmcs_show, true, "vaj" },
	{ "get", vmcs_get, true, "v" },
	{ "set", vmcs_set, true, "v" },
	{ "dump", vmcs_dump, true, "v" },
	{ "diff", vmcs_diff_two, false, "" },
};

static int set_option(const struct subcommand *sub, int c, struct arguments *args)
{
	struct message message;

	if (c == '?')
		return usage_error("vmcs");
	if (!strchr(sub->options, c)) {
		fprintf(stderr, "minivmx: %s has no such option\n", sub->name);
		return usage_error("vmcs");
	}
	switch (c) {
	case 'v':
		if (!target_parse_vcpu(optarg, &args->id, &message))
			return STATUS_OK;
		complain(&message, STATUS_USAGE);
		return usage_error("vmcs");
	case 'a':
		args->all = true;
		return STATUS_OK;
	default:
		args->json = true;
		return STATUS_OK;
	}
}

static int run_subcommand(const struct subcommand *sub, int argc, char **argv)
{
	static const struct option options[] = {
		{ "vcpu", required_argument, NULL, 'v' },
		{ "all", no_argument, NULL, 'a' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	struct arguments args = { .id = 0 };
	int c, status = STATUS_OK;
	static char title[32];

	snprintf(title, sizeof(title), "minivmx vmcs %s", sub->name);
	argv[0] = title;
	while (!status && (c = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
		if (c == 'h') {
			print_help();
			return STATUS_OK;
		}
		status = set_option(sub, c, &args);
	}
	if (status)
		return status;
	args.list = argv + optind;
	args.nr = argc - optind;
	if (sub->takes_runner && args.nr && !strchr(args.list[0], '=') &&
	    !vmcs_is_pattern(args.list[0])) {
		args.which = *args.list++;
		args.nr--;
	}
	if (sub->run == vmcs_dump && args.nr) {
		fprintf(stderr, "minivmx: dump takes one RUNNER\n");
		return usage_error("vmcs");
	}
	return sub->run(&args);
}

int cmd_vmcs(int argc, char **argv)
{
	size_t i;

	if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		print_help();
		return STATUS_OK;
	}
	for (i = 0; argc > 1 && i < ARRAY_SIZE(subcommands); i++)
		if (!strcmp(argv[1], subcommands[i].name))
			return run_subcommand(&subcommands[i], argc - 1, argv + 1);
	if (argc > 1)
		fprintf(stderr, "minivmx: vmcs has no such subcommand: %s\n", argv[1]);
	else
		fprintf(stderr, "minivmx: vmcs list, show, get, set, dump or diff?\n");
	return usage_error("vmcs");
}
