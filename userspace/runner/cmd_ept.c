// SPDX-License-Identifier: GPL-2.0
/* minivmx ept: the extended page tables of a guest that runs. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "array.h"
#include "commands.h"
#include "ept_scan.h"
#include "exit_status.h"
#include "json_file.h"
#include "libminivmx.h"
#include "target.h"

/* What the command line asks for. */
struct request {
	const char *runner;	/* NULL: the only one */
	const char *address;	/* of walk */
	bool json;
};

static void print_help(void)
{
	printf("usage: minivmx ept walk [RUNNER] ADDRESS [--json]\n"
	       "       minivmx ept map [RUNNER] [--json]\n"
	       "       minivmx ept stat [RUNNER] [--json]\n\n"
	       "Shows the extended page tables (EPT) of a guest, as they are at this moment:\n"
	       "memory that the guest has not touched yet is not in them, and the host takes\n"
	       "pages out as it needs them.\n\n"
	       "  walk  the entry at each level for one guest-physical ADDRESS\n"
	       "  map   all that is mapped, a line for each run of pages of the same size and\n"
	       "        rights\n"
	       "  stat  how many pages of each size there are, how many were read and written\n\n"
	       "RUNNER is the PID of a minivmx run or its --name, see minivmx list; it may be\n"
	       "left out if there is only one. Only root sees where pages are in the host.\n\n"
	       "Options:\n"
	       "      --json  for programs\n"
	       "  -h, --help  this help\n\n"
	       "Examples:\n"
	       "  minivmx ept walk 0x7c00\n"
	       "  minivmx ept map web | head\n"
	       "  minivmx ept stat 1234 --json | jq .pages_2m\n");
}

/* ---- walk ---- */

static const char *const level_names[] = { "page table", "page directory",
					   "page-directory-pointer table", "PML4 table" };

static struct json_object *walk_json(const struct minivmx_walk *walk)
{
	struct json_object *root = json_object_new_object();
	struct json_object *entries = json_object_new_array();
	unsigned int level;

	json_object_object_add(root, "gpa", json_object_new_uint64(walk->gpa));
	json_object_object_add(root, "page_size", json_object_new_uint64(walk->page_size));
	json_object_object_add(root, "leaf_level", json_object_new_int((int)walk->leaf_level));
	for (level = 4; level > 4 - walk->levels; level--) {
		struct json_object *entry = json_object_new_object();

		json_object_object_add(entry, "level", json_object_new_int((int)level));
		json_object_object_add(entry, "entry",
				       json_object_new_uint64(walk->entries[level - 1]));
		json_object_array_add(entries, entry);
	}
	json_object_object_add(root, "entries", entries);
	return root;
}

static void walk_text(const struct minivmx_walk *walk)
{
	struct ept_rights rights;
	unsigned int level;

	printf("level  entry               rights\n");
	for (level = 4; level > 4 - walk->levels; level--) {
		rights = ept_rights(walk->entries[level - 1]);
		printf("%5u  0x%016" PRIx64 "  %s%s  %s\n", level,
		       (uint64_t)walk->entries[level - 1], rights.text,
		       level == walk->leaf_level ? "" : "     ", level_names[level - 1]);
	}
	if (walk->leaf_level)
		printf("0x%" PRIx64 " is in a page of %s\n", (uint64_t)walk->gpa,
		       format_size(walk->page_size).text);
	else
		printf("0x%" PRIx64 " is not mapped now\n", (uint64_t)walk->gpa);
}

static int do_walk(int vm, const struct request *request)
{
	struct minivmx_walk walk;
	struct json_object *root;
	uint64_t gpa;
	int ret;

	if (parse_number(request->address, &gpa)) {
		fprintf(stderr, "minivmx: '%s' is no address\n", request->address);
		return usage_error("ept");
	}
	ret = minivmx_walk_ept(vm, gpa, &walk);
	if (ret == -ERANGE) {
		fprintf(stderr, "minivmx: %s is beyond the guest's physical addresses; minivmx info tells their width\n",
			request->address);
		return STATUS_USAGE;
	}
	if (ret) {
		fprintf(stderr, "minivmx: MINIVMX_WALK_EPT: %s\n", strerror(-ret));
		return STATUS_HOST;
	}
	if (!request->json) {
		walk_text(&walk);
		return STATUS_OK;
	}
	root = walk_json(&walk);
	printf("%s\n", json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY));
	json_object_put(root);
	return STATUS_OK;
}

/* ---- map ---- */

static int print_run(const struct ept_run *run, void *context)
{
	struct json_object *array = context, *object;

	if (!array) {
		printf("0x%012" PRIx64 "-0x%012" PRIx64 "  %8" PRIu64 " x %4s  %s\n", run->start,
		       run->end - 1, (run->end - run->start) / run->page_size,
		       format_size(run->page_size).text, run->rights.text);
		return 0;
	}
	object = json_object_new_object();
	json_object_object_add(object, "start", json_object_new_uint64(run->start));
	json_object_object_add(object, "end", json_object_new_uint64(run->end));
	json_object_object_add(object, "page_size", json_object_new_uint64(run->page_size));
	json_object_object_add(object, "rights", json_object_new_string(run->rights.text));
	json_object_array_add(array, object);
	return 0;
}

static int scan_failed(int ret)
{
	fprintf(stderr, "minivmx: MINIVMX_WALK_EPT: %s\n", strerror(-ret));
	return STATUS_HOST;
}

static int do_map(int vm, const struct request *request)
{
	struct json_object *array = request->json ? json_object_new_array() : NULL;
	int ret = ept_scan(vm, NULL, print_run, array);

	if (array && !ret)
		printf("%s\n", json_object_to_json_string_ext(array, JSON_C_TO_STRING_PRETTY));
	json_object_put(array);
	return ret ? scan_failed(ret) : STATUS_OK;
}

/* ---- stat ---- */

static int do_stat(int vm, const struct request *request)
{
	struct ept_counts counts = { 0 };
	const struct {
		const char *key, *text;
		const uint64_t *value;
	} rows[] = {
		{ "pages_4k", "4K pages", &counts.pages[0] },
		{ "pages_2m", "2M pages", &counts.pages[1] },
		{ "pages_1g", "1G pages", &counts.pages[2] },
		{ "bytes", "bytes mapped", &counts.bytes },
		{ "writable", "writable pages", &counts.writable },
		{ "executable", "executable pages", &counts.executable },
		{ "accessed", "accessed pages", &counts.accessed },
		{ "dirty", "dirty pages", &counts.dirty },
	};
	struct json_object *root = json_object_new_object();
	int ret = ept_scan(vm, &counts, NULL, NULL);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows) && !ret; i++) {
		if (request->json)
			json_object_object_add(root, rows[i].key,
					       json_object_new_uint64(*rows[i].value));
		else
			printf("%-17s %12" PRIu64 "\n", rows[i].text, *rows[i].value);
	}
	if (request->json && !ret)
		printf("%s\n", json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY));
	json_object_put(root);
	return ret ? scan_failed(ret) : STATUS_OK;
}

/* ---- The command ---- */

static const struct verb {
	const char *name;
	int (*function)(int vm, const struct request *request);
	int needs;	/* arguments, without the runner */
} verbs[] = {
	{ "walk", do_walk, 1 },
	{ "map", do_map, 0 },
	{ "stat", do_stat, 0 },
};

static int run_verb(const struct verb *verb, char **arguments, int nr, bool json)
{
	struct request request = { .json = json };
	struct message message;
	int vm, status;

	if (nr < verb->needs || nr > verb->needs + 1) {
		fprintf(stderr, "minivmx: ept %s takes %s\n", verb->name,
			verb->needs ? "an address, and before it a RUNNER" :
				      "no argument but a RUNNER");
		return usage_error("ept");
	}
	if (verb->needs)
		request.address = arguments[nr - 1];
	if (nr > verb->needs)
		request.runner = arguments[0];
	vm = target_open_vm(request.runner, &message);
	if (vm < 0) {
		fprintf(stderr, "minivmx: %s\n", message.text);
		return STATUS_HOST;
	}
	status = verb->function(vm, &request);
	close(vm);
	return status;
}

int cmd_ept(int argc, char **argv)
{
	bool json;
	int status = json_option(argc, argv, "ept", print_help, &json);
	size_t i;

	if (status >= 0)
		return status;
	for (i = 0; optind < argc && i < ARRAY_SIZE(verbs); i++)
		if (!strcmp(argv[optind], verbs[i].name))
			return run_verb(&verbs[i], argv + optind + 1, argc - optind - 1, json);
	fprintf(stderr, "minivmx: ept takes walk, map or stat\n");
	return usage_error("ept");
}
