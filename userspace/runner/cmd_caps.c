// SPDX-License-Identifier: GPL-2.0
/* minivmx caps: what VMX can do on a CPU, and what minivmx uses of it. */
#include <getopt.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "array.h"
#include "caps_decode.h"
#include "caps_file.h"
#include "commands.h"
#include "exit_status.h"
#include "json_file.h"

#define MAX_CONTROLS	256	/* there are some hundred */
#define WIDTH		100	/* columns */

static const char *const words[MINIVMX_NR_WORDS] = {
	[MINIVMX_WORD_PIN] = "pin-based VM-execution",
	[MINIVMX_WORD_CPU] = "primary processor-based VM-execution",
	[MINIVMX_WORD_CPU2] = "secondary processor-based VM-execution",
	[MINIVMX_WORD_CPU3] = "tertiary processor-based VM-execution",
	[MINIVMX_WORD_EXIT] = "primary VM-exit",
	[MINIVMX_WORD_EXIT2] = "secondary VM-exit",
	[MINIVMX_WORD_ENTRY] = "VM-entry",
};

static const struct {
	const char *key, *text;
} uses[] = {
	[MINIVMX_USE_NONE] = { "none", "-" },
	[MINIVMX_USE_SET] = { "set", "set" },
	[MINIVMX_USE_CLEAR] = { "clear", "clear" },
	[MINIVMX_USE_DYNAMIC] = { "dynamic", "dynamic" },
	[MINIVMX_USE_UNFIT] = { "unfit", "unfit" },
};

/* ---- For people ---- */

static void print_cpu(const struct minivmx_caps *caps)
{
	printf("CPU\n"
	       "        physical addresses                                  %u bits\n"
	       "        linear addresses                                    %u bits\n"
	       "        RTM                                                 %s\n"
	       "        SGX                                                 %s\n"
	       "        IA32_PERF_GLOBAL_CTRL                               %s\n",
	       caps->physical_bits, caps->linear_bits, caps->rtm ? "yes" : "no",
	       caps->sgx ? "yes" : "no", caps->perf_global ? "yes" : "no");
}

/* Words up to WIDTH, then on the next line below the first of them. */
static void print_wrapped(const char *text, int column)
{
	int at = column;
	const char *end;

	for (; *text; text = end + strspn(end, " ")) {
		int length;

		end = text + strcspn(text, " ");
		length = (int)(end - text);
		if (at > column && at + 1 + length > WIDTH) {
			printf("\n%*s", column, "");
			at = column;
		}
		at += printf("%s%.*s", at > column ? " " : "", length, text);
	}
	printf("\n");
}

static void print_fields(unsigned int msr, uint64_t value)
{
	unsigned int i;

	for (i = 0; i < nr_caps_fields; i++) {
		const struct caps_field *field = &caps_fields[i];
		char bits[8], *text;
		int column;

		if (field->msr != msr)
			continue;
		caps_field_bits(field, bits);
		text = caps_field_text(field, value);
		/* A list needs the room that its name does not. */
		column = printf("  %-5s %-*s", bits, field->high - field->low < 63 ? 52 : 10,
				field->name);
		print_wrapped(text && *text ? text : "-", column);
		free(text);
	}
}

static void print_msrs(const struct minivmx_caps *caps)
{
	unsigned int i;

	for (i = 0; i < MINIVMX_NR_VMX_MSRS; i++) {
		printf("\n%s (%#x)  ", minivmx_vmx_msr_name(i), FIRST_VMX_MSR + i);
		if (!minivmx_has_vmx_msr(caps, i)) {
			printf("not on this CPU\n");
			continue;
		}
		printf("%#018llx\n", (unsigned long long)caps->vmx_msrs[i]);
		print_fields(i, caps->vmx_msrs[i]);
	}
}

static void print_controls(const struct minivmx_caps *caps,
			   const struct minivmx_control *controls, int nr)
{
	int i, unfit = 0;

	for (i = 0; i < nr; i++) {
		const struct minivmx_control *c = &controls[i];

		if (!i || c->word != c[-1].word)
			printf("\n%s controls (%s)\n"
			       "bit  may be  minivmx  %-38s  why\n", words[c->word],
			       minivmx_vmx_msr_name(minivmx_word_msr(caps, c->word)), "control");
		printf(" %2u  %s %s     %-7s  %-38s  %s\n", c->bit, c->allowed_0 ? "0" : "-",
		       c->allowed_1 ? "1" : "-", uses[c->use].text, c->name, c->why);
		unfit += c->use == MINIVMX_USE_UNFIT;
	}
	if (unfit)
		printf("\nminivmx does not load on this CPU: %d unfit.\n", unfit);
}

/* ---- For programs ---- */

static struct json_object *fields_to_json(unsigned int msr, uint64_t value)
{
	struct json_object *array = json_object_new_array();
	unsigned int i;

	for (i = 0; i < nr_caps_fields; i++) {
		const struct caps_field *field = &caps_fields[i];
		struct json_object *object;
		char bits[8];

		if (field->msr != msr)
			continue;
		caps_field_bits(field, bits);
		object = json_object_new_object();
		json_add_string(object, "bits", bits);
		json_add_string(object, "name", field->name);
		json_object_object_add(object, "value", caps_field_json(field, value));
		json_object_array_add(array, object);
	}
	return array;
}

static struct json_object *msrs_to_json(const struct minivmx_caps *caps)
{
	struct json_object *array = json_object_new_array();
	unsigned int i;

	for (i = 0; i < MINIVMX_NR_VMX_MSRS; i++) {
		struct json_object *object;

		if (!minivmx_has_vmx_msr(caps, i))
			continue;
		object = json_object_new_object();
		json_add_hex(object, "msr", FIRST_VMX_MSR + i);
		json_add_string(object, "name", minivmx_vmx_msr_name(i));
		json_add_hex(object, "value", caps->vmx_msrs[i]);
		json_object_object_add(object, "fields", fields_to_json(i, caps->vmx_msrs[i]));
		json_object_array_add(array, object);
	}
	return array;
}

static struct json_object *controls_to_json(const struct minivmx_caps *caps,
					    const struct minivmx_control *controls, int nr)
{
	struct json_object *array = json_object_new_array();
	int i;

	for (i = 0; i < nr; i++) {
		const struct minivmx_control *c = &controls[i];
		struct json_object *object = json_object_new_object();

		json_add_string(object, "word", words[c->word]);
		json_add_string(object, "msr",
				minivmx_vmx_msr_name(minivmx_word_msr(caps, c->word)));
		json_object_object_add(object, "bit", json_object_new_int(c->bit));
		json_add_string(object, "name", c->name);
		json_object_object_add(object, "allowed_0", json_object_new_boolean(c->allowed_0));
		json_object_object_add(object, "allowed_1", json_object_new_boolean(c->allowed_1));
		json_add_string(object, "use", uses[c->use].key);
		json_add_string(object, "why", c->why);
		json_object_array_add(array, object);
	}
	return array;
}

/* ---- The command ---- */

static void print_text(const struct minivmx_caps *caps, const struct minivmx_control *controls,
		       int nr)
{
	print_cpu(caps);
	print_msrs(caps);
	print_controls(caps, controls, nr);
}

static void print_json(const struct minivmx_caps *caps, const struct minivmx_control *controls,
		       int nr)
{
	struct json_object *root = json_object_new_object();

	caps_to_json(caps, root);
	json_object_object_add(root, "msrs", msrs_to_json(caps));
	json_object_object_add(root, "controls", controls_to_json(caps, controls, nr));
	printf("%s\n", json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY));
	json_object_put(root);
}

/* Of the CPU here; 0, or -1 after saying why not. */
static int ask_module(struct minivmx_caps *caps)
{
	int ret, fd = open_device();

	if (fd < 0)
		return -1;
	ret = minivmx_get_caps(fd, caps);
	close(fd);
	if (ret)
		fprintf(stderr, "minivmx: MINIVMX_GET_CAPS: %s\n", strerror(-ret));
	return ret ? -1 : 0;
}

static int show(const char *path, bool json)
{
	static struct minivmx_control controls[MAX_CONTROLS];
	struct minivmx_caps caps;
	struct message message;
	int nr;

	if (!path && ask_module(&caps))
		return STATUS_HOST;
	if (path && caps_file_read(path, &caps, &message)) {
		fprintf(stderr, "minivmx: %s\n", message.text);
		return STATUS_HOST;
	}
	nr = minivmx_controls(&caps, controls, MAX_CONTROLS);
	if (json)
		print_json(&caps, controls, nr);
	else
		print_text(&caps, controls, nr);
	return STATUS_OK;
}

static void print_help(void)
{
	printf("usage: minivmx caps [--json] [--file FILE]\n\n"
	       "Shows what VMX can do on this CPU: each capability MSR with its fields, and each\n"
	       "control, whether it may be 0 and 1, and what minivmx does with it and why:\n\n"
	       "  set      it is 1\n"
	       "  clear    it is 0\n"
	       "  dynamic  it is 1 while a guest needs it\n"
	       "  -        it is as the CPU wants it\n"
	       "  unfit    it cannot be as minivmx needs it, which does not load on such a CPU\n\n"
	       "Options:\n"
	       "      --json       for programs\n"
	       "      --file FILE  another CPU, from what --json printed there or from a dump as\n"
	       "                   minivmx explain reads it; needs neither VT-x nor the module\n"
	       "  -h, --help       this help\n\n"
	       "Examples:\n"
	       "  minivmx caps --json >cpu.json\n"
	       "  minivmx caps --file cpu.json\n"
	       "  minivmx caps --json | jq -r '.controls[] | select(.use == \"set\").name'\n");
}

int cmd_caps(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "file", required_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	const char *path = NULL;
	bool json = false;
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
		switch (c) {
		case 'j':
			json = true;
			break;
		case 'f':
			path = optarg;
			break;
		case 'h':
			print_help();
			return STATUS_OK;
		default:
			return usage_error("caps");
		}
	}
	if (optind < argc) {
		fprintf(stderr, "minivmx: caps takes no arguments\n");
		return usage_error("caps");
	}
	return show(path, json);
}
