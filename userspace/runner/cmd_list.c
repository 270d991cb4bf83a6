// SPDX-License-Identifier: GPL-2.0
/* minivmx list: the runners that live, by what each says on its control socket. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "control_client.h"
#include "exit_status.h"
#include "json_file.h"

/* ---- What is known of a runner ---- */

/* Of one that does not answer: what the directory and the kernel say. */
static struct json_object *silent(const struct control_runner *runner)
{
	const bool is_named = control_name_is_valid(runner->name.text);
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "pid", json_object_new_int(runner->pid));
	json_add_string(object, "name", is_named ? runner->name.text : NULL);
	json_add_string(object, "state", "silent");
	return object;
}

/* NULL if it has ended meanwhile. */
static struct json_object *describe(const struct control_runner *runner)
{
	struct json_object *reply;
	struct message message;
	int ret;

	if (runner->fd < 0)
		return silent(runner);
	ret = control_client_ask(runner->fd, control_client_request("hello"), &reply, NULL,
				 &message);
	if (ret == -ECONNRESET)
		return NULL;
	if (ret) {
		fprintf(stderr, "minivmx: %s: %s\n", runner->name.text, message.text);
		return silent(runner);
	}
	json_object_object_del(reply, "ok");
	return reply;
}

/* ---- Output ---- */

static struct json_object *member(struct json_object *object, const char *key)
{
	return json_object_object_get(object, key);
}

/* What a runner says is not for the terminal to obey. */
static void print_plain(const char *text)
{
	for (; *text; text++)
		putchar((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text);
	putchar('\n');
}

static struct size_text format_uptime(uint64_t ms)
{
	const uint64_t s = ms / 1000;
	struct size_text time;

	if (s < 86400)
		snprintf(time.text, sizeof(time.text), "%u:%02u:%02u",
			 (unsigned int)(s / 3600), (unsigned int)(s / 60 % 60),
			 (unsigned int)(s % 60));
	else
		snprintf(time.text, sizeof(time.text), "%u days", (unsigned int)(s / 86400));
	return time;
}

static void print_row(struct json_object *runner)
{
	const char *name = json_object_get_string(member(runner, "name"));
	const char *image = json_object_get_string(member(runner, "image"));

	printf("%7d %-16s ", json_object_get_int(member(runner, "pid")), name ? name : "-");
	if (!image) {
		printf("%5s %7s %10s %-7s -\n", "-", "-", "-", "silent");
		return;
	}
	printf("%5d %7s %10s %-7s ", json_object_get_int(member(runner, "vcpus")),
	       format_size(json_object_get_uint64(member(runner, "memory"))).text,
	       format_uptime(json_object_get_uint64(member(runner, "uptime_ms"))).text,
	       json_object_get_string(member(runner, "state")));
	print_plain(image);
}

static void print_text(struct json_object *list)
{
	size_t i, nr = json_object_array_length(list);

	if (nr)
		printf("%7s %-16s %5s %7s %10s %-7s %s\n", "PID", "NAME", "VCPUS", "MEMORY",
		       "UPTIME", "STATE", "IMAGE");
	for (i = 0; i < nr; i++)
		print_row(json_object_array_get_idx(list, i));
}

static int list(bool json)
{
	struct json_object *all = json_object_new_array();
	struct control_runners runners = { NULL, 0 };
	struct message message;
	const char *base = control_base(&message);
	size_t i;
	int ret = base ? control_client_find(base, &runners, &message) : -ENOENT;

	for (i = 0; i < runners.nr; i++) {
		struct json_object *runner = describe(&runners.list[i]);

		if (runner)
			json_object_array_add(all, runner);
	}
	control_client_free(&runners);
	if (ret)
		fprintf(stderr, "minivmx: %s\n", message.text);
	else if (json)
		printf("%s\n", json_object_to_json_string_ext(all, JSON_C_TO_STRING_PRETTY));
	else
		print_text(all);
	json_object_put(all);
	return ret ? STATUS_HOST : STATUS_OK;
}

static void print_help(void)
{
	printf("usage: minivmx list [--json]\n\n"
	       "Lists the guests of this user that run: the PID of each minivmx run, its --name,\n"
	       "how many virtual CPUs and how much memory the guest has, for how long it has\n"
	       "run, its state and its image. Each has a control socket, PID.sock or NAME.sock, in\n"
	       "/run/minivmx for root, in $XDG_RUNTIME_DIR/minivmx for others.\n\n"
	       "Options:\n"
	       "      --json  for programs: an array of objects with pid, name (or null), image,\n"
	       "              vcpus, memory (bytes), uptime_ms, state and protocol; state is\n"
	       "              running, paused (by minivmx pause), ended (its output is still\n"
	       "              being written), or silent: it does not answer, and only pid and\n"
	       "              name are known\n"
	       "  -h, --help  this help\n\n"
	       "Exit status: %d, also if there is none, %d the directory is not to be trusted.\n\n"
	       "Examples:\n"
	       "  minivmx run --name web vmlinuz & minivmx list\n"
	       "  minivmx list --json | jq -r '.[] | select(.state == \"running\").pid'\n",
	       STATUS_OK, STATUS_HOST);
}

int cmd_list(int argc, char **argv)
{
	bool json;
	int status = json_option(argc, argv, "list", print_help, &json);

	if (status >= 0)
		return status;
	if (optind != argc) {
		fprintf(stderr, "minivmx: list takes no arguments\n");
		return usage_error("list");
	}
	return list(json);
}
