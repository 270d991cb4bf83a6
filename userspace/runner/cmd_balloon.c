// SPDX-License-Identifier: GPL-2.0
/* minivmx balloon: memory that a guest gives back to its host. */
#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

#include "commands.h"
#include "control_client.h"
#include "exit_status.h"

static void print_help(void)
{
	printf("usage: minivmx balloon [--json] NAME [SIZE]\n\n"
	       "Shows how much of its memory the guest that has this name or PID in minivmx list\n"
	       "has given back to the host. With SIZE it is asked to give that much, which it\n"
	       "does as it can, by its driver of the virtio balloon (Linux: virtio_balloon);\n"
	       "0 lets it have all of it again. With --json size and memory, in bytes.\n\n"
	       "A guest may give back memory that is free without being asked, too, which is\n"
	       "not counted here: page reporting.\n\n"
	       "Options:\n"
	       "      --json  for programs\n"
	       "  -h, --help  this help\n\n"
	       "Exit status: %d, %d a mistake on the command line, %d there is no such guest, or it\n"
	       "has less memory.\n\n"
	       "Examples:\n"
	       "  minivmx balloon web\n"
	       "  minivmx balloon web 128M\n",
	       STATUS_OK, STATUS_USAGE, STATUS_HOST);
}

static void show(struct json_object *reply, bool json)
{
	struct json_object *size = json_object_object_get(reply, "size");
	struct json_object *memory = json_object_object_get(reply, "memory");

	json_object_object_del(reply, "ok");
	if (json)
		printf("%s\n", json_object_to_json_string_ext(reply, JSON_C_TO_STRING_PRETTY));
	else
		printf("%s of %s given back\n", format_size(json_object_get_uint64(size)).text,
		       format_size(json_object_get_uint64(memory)).text);
}

/* @target: NULL, or what it is to be. */
static int ask(const char *which, const uint64_t *target, bool json)
{
	struct json_object *request, *reply;
	struct message message;
	const char *base = control_base(&message);
	int ret, fd = base ? control_client_open(base, which, &message) : -1;

	if (fd < 0) {
		fprintf(stderr, "minivmx: %s\n", message.text);
		return STATUS_HOST;
	}
	request = control_client_request("balloon");
	if (target)
		json_object_object_add(request, "target", json_object_new_uint64(*target));
	ret = control_client_ask(fd, request, &reply, NULL, &message);
	close(fd);
	if (ret) {
		fprintf(stderr, "minivmx: %s: %s\n", which, message.text);
		return STATUS_HOST;
	}
	show(reply, json);
	json_object_put(reply);
	return STATUS_OK;
}

int cmd_balloon(int argc, char **argv)
{
	uint64_t target;
	bool json;
	int status = json_option(argc, argv, "balloon", print_help, &json);
	const int nr = argc - optind;

	if (status >= 0)
		return status;
	if (nr < 1 || nr > 2) {
		fprintf(stderr, "minivmx: balloon takes one guest, a NAME or PID of minivmx list, and a SIZE or none\n");
		return usage_error("balloon");
	}
	if (nr == 2 && parse_size(argv[optind + 1], &target)) {
		fprintf(stderr, "minivmx: not a size: '%s' (examples: 0, 128M)\n", argv[optind + 1]);
		return usage_error("balloon");
	}
	return ask(argv[optind], nr == 2 ? &target : NULL, json);
}
