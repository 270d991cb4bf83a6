// SPDX-License-Identifier: GPL-2.0
/* minivmx compare: see compare/compare.h. */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "compare.h"
#include "exit_status.h"
#include "json_file.h"

#define REPORT_LIMIT	(16 << 20)
#define ROUNDS_MAX	1000

/* What the command line says. */
struct compare_options {
	struct compare_setup setup;
	const char *json, *csv, *page;
	bool from;			/* --from was given: nothing is measured */
	struct json_object *reports;	/* of --from, or what was measured */
};

static void print_help(void)
{
	printf("usage: minivmx compare [OPTION]... [OPERATION]...\n"
	       "       minivmx compare --from REPORT [--from REPORT]... [OPTION]...\n\n"
	       "Does the same work on minivmx and on KVM, in turn, and prints what each\n"
	       "operation took: ticks of the time-stamp counter, the median of many, and as\n"
	       "spread half of the middle half's width. Under \"borrowed\" is minivmx while KVM has\n"
	       "VMX. Where one of them is missing or busy it says so and measures the others.\n\n"
	       "Options:\n"
	       "      --rounds N   measure each N times in turn (%d)\n"
	       "      --own[=FILE] unload kvm_intel while minivmx is measured, so that VMX is its\n"
	       "                   own, and load it again, by modprobe or from FILE\n"
	       "      --json FILE  the report, for programs and for --from; - is stdout, which\n"
	       "                   then has no table\n"
	       "      --csv FILE   operation,minivmx,kvm,ratio,mitigations\n"
	       "      --page FILE  a page of HTML with charts, which gnuplot draws\n"
	       "      --from FILE  measure nothing, take a report that --json has written\n"
	       "  -h, --help       this help\n\n"
	       "Operations (all that this machine has the CPUs for):\n", COMPARE_ROUNDS);
	compare_list(stdout);
	printf("\nExit status: %d, %d if nothing could be measured, or not to the end.\n\n"
	       "Examples:\n"
	       "  minivmx compare cpuid out\n"
	       "  minivmx compare --json report.json\n"
	       "  minivmx compare --from report.json --page report.html\n", STATUS_OK, STATUS_HOST);
}

/* 0, or -1 after saying what failed. */
static int with_file(const char *path, struct json_object *reports,
		     int (*write)(FILE *file, struct json_object *reports, struct message *message))
{
	struct message message;
	FILE *file;
	int ret;

	if (!path)
		return 0;
	file = strcmp(path, "-") ? fopen(path, "we") : stdout;
	if (!file) {
		fprintf(stderr, "minivmx: %s: cannot write: %m\n", path);
		return -1;
	}
	ret = write(file, reports, &message);
	if (ret)
		fprintf(stderr, "minivmx: %s: %s\n", path, message.text);
	if (file != stdout && fclose(file) && !ret) {
		fprintf(stderr, "minivmx: %s: cannot write: %m\n", path);
		ret = -1;
	}
	return ret;
}

static int write_csv(FILE *file, struct json_object *reports, struct message *message)
{
	return compare_write_csv(file, reports) ? fail(message, "cannot write") : 0;
}

static int write_json(FILE *file, struct json_object *reports, struct message *message)
{
	struct json_object *root = json_object_new_object();
	int ret = 0;

	json_object_object_add(root, "reports", json_object_get(reports));
	if (fprintf(file, "%s\n",
		    json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY)) < 0)
		ret = fail(message, "cannot write: %m");
	json_object_put(root);
	return ret;
}

static int show(const struct compare_options *options)
{
	const bool table = !options->json || strcmp(options->json, "-");
	size_t i;

	for (i = 0; table && i < json_object_array_length(options->reports); i++) {
		if (i)
			printf("\n");
		compare_print_table(stdout, json_object_array_get_idx(options->reports, i));
	}
	if (with_file(options->json, options->reports, write_json) ||
	    with_file(options->csv, options->reports, write_csv) ||
	    with_file(options->page, options->reports, compare_write_page))
		return STATUS_HOST;
	return STATUS_OK;
}

static int measure(struct compare_options *options)
{
	const char *const *names = options->setup.names;
	struct json_object *report;
	struct message message;
	size_t i;

	for (i = 0; names && names[i]; i++) {
		if (compare_knows(names[i]))
			continue;
		fprintf(stderr, "minivmx: no such operation: %s\n", names[i]);
		return usage_error("compare");
	}
	report = compare_measure(&options->setup, &message);
	if (!report) {
		fprintf(stderr, "minivmx: %s\n", message.text);
		return STATUS_HOST;
	}
	json_object_array_add(options->reports, report);
	return STATUS_OK;
}

/* What a file of --json has: { "reports": [...] }. */
static int take_reports(const char *path, struct compare_options *options)
{
	struct message message;
	struct json_object *file = json_file_read(path, REPORT_LIMIT, &message), *list;
	size_t i;

	if (!file) {
		fprintf(stderr, "minivmx: %s\n", message.text);
		return STATUS_HOST;
	}
	list = json_object_object_get(file, "reports");
	if (!json_object_is_type(list, json_type_array)) {
		fprintf(stderr, "minivmx: %s: not a report of minivmx compare\n", path);
		json_object_put(file);
		return STATUS_HOST;
	}
	for (i = 0; i < json_object_array_length(list); i++) {
		struct json_object *report = json_object_array_get_idx(list, i);

		if (!compare_is_report(report)) {
			fprintf(stderr, "minivmx: %s: report %zu makes no sense\n", path, i);
			json_object_put(file);
			return STATUS_HOST;
		}
		json_object_array_add(options->reports, json_object_get(report));
	}
	json_object_put(file);
	return STATUS_OK;
}

static int take_rounds(const char *text, struct compare_options *options)
{
	uint64_t rounds;

	if (!parse_number(text, &rounds) && rounds && rounds <= ROUNDS_MAX) {
		options->setup.rounds = (unsigned int)rounds;
		return STATUS_OK;
	}
	fprintf(stderr, "minivmx: --rounds: not a number from 1 to %d: '%s'\n", ROUNDS_MAX, text);
	return usage_error("compare");
}

static int compare(int argc, char **argv, struct compare_options *options)
{
	static const struct option longs[] = {
		{ "rounds", required_argument, NULL, 'r' },
		{ "own", optional_argument, NULL, 'o' },
		{ "json", required_argument, NULL, 'j' },
		{ "csv", required_argument, NULL, 'c' },
		{ "page", required_argument, NULL, 'p' },
		{ "from", required_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	int c, status = STATUS_OK;

	while (!status && (c = getopt_long(argc, argv, "h", longs, NULL)) >= 0) {
		switch (c) {
		case 'r':
			status = take_rounds(optarg, options);
			break;
		case 'o':
			options->setup.sides.owns = true;
			options->setup.sides.kvm_module = optarg;
			break;
		case 'j':
			options->json = optarg;
			break;
		case 'c':
			options->csv = optarg;
			break;
		case 'p':
			options->page = optarg;
			break;
		case 'f':
			options->from = true;
			status = take_reports(optarg, options);
			break;
		case 'h':
			print_help();
			return STATUS_OK;
		default:
			return usage_error("compare");
		}
	}
	if (status)
		return status;
	if (optind < argc)
		options->setup.names = (const char *const *)argv + optind;
	if (options->from && optind < argc) {
		fprintf(stderr, "minivmx: compare --from takes no operations\n");
		return usage_error("compare");
	}
	if (!options->from)
		status = measure(options);
	return status ? status : show(options);
}

int cmd_compare(int argc, char **argv)
{
	struct compare_options options = {
		.setup.rounds = COMPARE_ROUNDS, .reports = json_object_new_array(),
	};
	int status = compare(argc, argv, &options);

	json_object_put(options.reports);
	return status;
}
