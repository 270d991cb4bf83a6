// SPDX-License-Identifier: GPL-2.0
/* minivmx check: can guests run here, and if not, what is to be done? */
#include <getopt.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>

#include "colour.h"
#include "commands.h"
#include "exit_status.h"
#include "host_check.h"
#include "json_file.h"

static void print_help(void)
{
	printf("usage: minivmx check [--json] [--root DIR]\n\n"
	       "Looks whether minivmx can run guests on this host: the CPU and its VT-x, the\n"
	       "firmware, the kernel, the module and its device, who has VMX. One line each:\n\n"
	       "  ok       it is as it should be\n"
	       "  note     guests run, but it is good to know\n"
	       "  bad      no guest runs; the line below says what to do\n"
	       "  unknown  it could not be found out\n\n"
	       "As root, and with the kernel's module msr, it finds out more.\n\n"
	       "Options:\n"
	       "      --json      an array of objects with check, state, text and hint\n"
	       "      --root DIR  look at the host whose /proc, /sys, /dev and /lib are in DIR\n"
	       "  -h, --help      this help\n\n"
	       "Exit status: %d nothing is bad, %d a mistake on the command line, %d something is.\n\n"
	       "Examples:\n"
	       "  minivmx check\n"
	       "  minivmx check --json | jq -r '.[] | select(.state == \"bad\").hint'\n",
	       STATUS_OK, STATUS_USAGE, STATUS_HOST);
}

static const char *colour_of(enum finding_state state)
{
	const struct colours *c = colours();

	switch (state) {
	case FINDING_OK:
		return c->new;
	case FINDING_BAD:
		return c->old;
	default:
		return c->notable;
	}
}

static void print_text(const struct finding *findings, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++) {
		const struct finding *f = &findings[i];

		printf("%s%-7s%s %-13s %s\n", colour_of(f->state), finding_state_name(f->state),
		       colours()->off, f->check, f->text);
		if (f->hint[0])
			printf("%-21s-> %s\n", "", f->hint);
	}
}

static void print_json(const struct finding *findings, size_t nr)
{
	struct json_object *list = json_object_new_array();
	size_t i;

	for (i = 0; i < nr; i++) {
		struct json_object *object = json_object_new_object();

		json_add_string(object, "check", findings[i].check);
		json_add_string(object, "state", finding_state_name(findings[i].state));
		json_add_string(object, "text", findings[i].text);
		json_add_string(object, "hint", findings[i].hint[0] ? findings[i].hint : NULL);
		json_object_array_add(list, object);
	}
	printf("%s\n", json_object_to_json_string_ext(list, JSON_C_TO_STRING_PRETTY));
	json_object_put(list);
}

static int check(const char *root, bool json)
{
	struct finding findings[HOST_CHECKS_MAX];
	size_t i, nr = host_check(root, findings);
	int status = STATUS_OK;

	if (json)
		print_json(findings, nr);
	else
		print_text(findings, nr);
	for (i = 0; i < nr; i++)
		if (findings[i].state == FINDING_BAD)
			status = STATUS_HOST;
	return status;
}

int cmd_check(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "root", required_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	const char *root = "";
	bool json = false;
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
		switch (c) {
		case 'j':
			json = true;
			break;
		case 'r':
			root = optarg;
			break;
		case 'h':
			print_help();
			return STATUS_OK;
		default:
			return usage_error("check");
		}
	}
	if (optind < argc) {
		fprintf(stderr, "minivmx: check takes no arguments\n");
		return usage_error("check");
	}
	return check(root, json);
}
