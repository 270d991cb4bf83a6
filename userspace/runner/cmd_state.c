// SPDX-License-Identifier: GPL-2.0
/* minivmx stop, kill, pause and resume: they change how a guest runs. */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "commands.h"
#include "control_client.h"
#include "exit_status.h"

#define NS_PER_MS	1000000ULL
#define STOP_NS		(90000 * NS_PER_MS)
/* More than a runner waits for who reads its output. */
#define KILL_NS		(10000 * NS_PER_MS)

/**
 * struct guest - a guest that is spoken to
 * @which: what the user calls it
 * @fd: the control socket of its runner
 * @pid: the runner
 * @pidfd: can be read when that has ended; -1 if the kernel has no such thing
 */
struct guest {
	const char *which;
	int fd;
	pid_t pid;
	int pidfd;
};

/**
 * struct state_command - one of the commands
 * @name: its own and its request's
 * @print_help: --help
 * @done: what comes after the reply; returns the exit status
 * @has_timeout: it has --timeout
 */
struct state_command {
	const char *name;
	void (*print_help)(void);
	int (*done)(const struct guest *guest, struct json_object *reply, uint64_t timeout_ns);
	bool has_timeout;
};

/* ---- Waiting for an end ---- */

static uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_nsec;
}

/* For those who watch: a line that is written over and over. */
static void show_progress(const struct guest *guest, uint64_t ns)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\rminivmx: waiting for %s to end: %llu s ", guest->which,
			(unsigned long long)(ns / 1000000000ULL));
}

/* Whether it has ended. */
static bool await_end(const struct guest *guest, uint64_t timeout_ns, bool show)
{
	struct pollfd ended = { .fd = guest->pidfd, .events = POLLIN };
	const uint64_t start = clock_ns();
	uint64_t passed;
	int n;

	do {
		passed = clock_ns() - start;
		if (show)
			show_progress(guest, passed);
		passed = passed < timeout_ns ? timeout_ns - passed : 0;
		n = poll(&ended, 1, passed < 1000 * NS_PER_MS ? (int)(passed / NS_PER_MS) : 1000);
	} while (n <= 0 && passed);
	if (show && isatty(STDERR_FILENO))
		fprintf(stderr, "\n");
	return n > 0;
}

static int check_pidfd(const struct guest *guest)
{
	if (guest->pidfd >= 0)
		return 0;
	fprintf(stderr, "minivmx: cannot wait for the runner's end: %m\n");
	return -1;
}

static int stopped(const struct guest *guest, struct json_object *reply, uint64_t timeout_ns)
{
	const char *why = json_object_get_boolean(json_object_object_get(reply, "listens")) ?
			  "" : ", to which the guest does not listen at the moment";

	fprintf(stderr, "minivmx: %s: pressed the power button%s\n", guest->which, why);
	if (check_pidfd(guest))
		return STATUS_HOST;
	if (await_end(guest, timeout_ns, true))
		return STATUS_OK;
	fprintf(stderr, "minivmx: %s still runs after %g s; this ends it: minivmx kill %s\n",
		guest->which, (double)timeout_ns / 1e9, guest->which);
	return STATUS_TIMEOUT;
}

static int killed(const struct guest *guest, struct json_object *reply, uint64_t timeout_ns)
{
	(void)reply;
	(void)timeout_ns;
	if (check_pidfd(guest))
		return STATUS_HOST;
	if (await_end(guest, KILL_NS, false))
		return STATUS_OK;
	fprintf(stderr, "minivmx: %s does not end; this ends it: kill -KILL %d\n", guest->which,
		guest->pid);
	return STATUS_TIMEOUT;
}

/* ---- Pause ---- */

static bool was_paused(struct json_object *reply)
{
	return json_object_get_boolean(json_object_object_get(reply, "was_paused"));
}

static int paused(const struct guest *guest, struct json_object *reply, uint64_t timeout_ns)
{
	(void)timeout_ns;
	if (was_paused(reply))
		fprintf(stderr, "minivmx: %s was paused already\n", guest->which);
	return STATUS_OK;
}

static int resumed(const struct guest *guest, struct json_object *reply, uint64_t timeout_ns)
{
	(void)timeout_ns;
	if (!was_paused(reply))
		fprintf(stderr, "minivmx: %s was not paused\n", guest->which);
	return STATUS_OK;
}

/* ---- Help ---- */

static void print_stop_help(void)
{
	printf("usage: minivmx stop [--timeout SECONDS] NAME\n\n"
	       "Presses the ACPI power button of the guest that has this name or PID in minivmx\n"
	       "list, and waits until it has turned itself off. An operating system listens if it\n"
	       "has a driver for the button (Linux: button, and who shuts down, such as systemd or\n"
	       "acpid).\n\n"
	       "Options:\n"
	       "      --timeout SECONDS  wait for so long (90)\n"
	       "  -h, --help             this help\n\n"
	       "Exit status: %d it has ended, %d a mistake on the command line, %d there is no such\n"
	       "guest, or it is paused, %d it still runs.\n\n"
	       "Examples:\n"
	       "  minivmx stop web\n"
	       "  minivmx stop --timeout 20 web || minivmx kill web\n",
	       STATUS_OK, STATUS_USAGE, STATUS_HOST, STATUS_TIMEOUT);
}

static void print_kill_help(void)
{
	printf("usage: minivmx kill NAME\n\n"
	       "Ends the guest that has this name or PID in minivmx list at once, as Ctrl-A x does,\n"
	       "also if it is paused, and waits for the end of its minivmx run, for 10 seconds at\n"
	       "most. What it had in memory is lost; minivmx stop asks it first.\n\n"
	       "Options:\n"
	       "  -h, --help  this help\n\n"
	       "Exit status: %d it has ended, %d a mistake on the command line, %d there is no such\n"
	       "guest, or it does not answer, %d it still runs.\n\n"
	       "Example:\n"
	       "  minivmx kill web\n",
	       STATUS_OK, STATUS_USAGE, STATUS_HOST, STATUS_TIMEOUT);
}

static void print_pause_help(void)
{
	printf("usage: minivmx pause NAME\n\n"
	       "Keeps all CPUs of the guest that has this name or PID in minivmx list from running,\n"
	       "until minivmx resume: when the command returns, none of them does. The clock of the\n"
	       "devices stands still; the time-stamp counter and what counts by it, KVM's clock and\n"
	       "the timers of the local APICs, goes on, and the CMOS clock is right again later.\n"
	       "So does --timeout. The guest's memory and VMCSs can be looked at meanwhile.\n\n"
	       "A guest that gdb has cannot be paused. One that comes later waits for the resume.\n\n"
	       "Options:\n"
	       "  -h, --help  this help\n\n"
	       "Exit status: %d it is paused, which it may have been before, %d a mistake on the\n"
	       "command line, %d there is no such guest, or gdb has it.\n\n"
	       "Example:\n"
	       "  minivmx pause web && minivmx vmcs show web guest_rip; minivmx resume web\n",
	       STATUS_OK, STATUS_USAGE, STATUS_HOST);
}

static void print_resume_help(void)
{
	printf("usage: minivmx resume NAME\n\n"
	       "Lets the guest that has this name or PID in minivmx list go on after minivmx pause.\n\n"
	       "Options:\n"
	       "  -h, --help  this help\n\n"
	       "Exit status: %d it runs, which it may have done before, %d a mistake on the command\n"
	       "line, %d there is no such guest.\n\n"
	       "Example:\n"
	       "  minivmx resume web\n",
	       STATUS_OK, STATUS_USAGE, STATUS_HOST);
}

/* ---- The commands ---- */

static int ask(const struct state_command *command, struct guest *guest, uint64_t timeout_ns)
{
	struct json_object *reply;
	struct message message;
	int status;

	if (control_client_ask(guest->fd, control_client_request(command->name), &reply, NULL,
			       &message)) {
		fprintf(stderr, "minivmx: %s: %s\n", guest->which, message.text);
		return STATUS_HOST;
	}
	status = command->done(guest, reply, timeout_ns);
	json_object_put(reply);
	return status;
}

static int change(const struct state_command *command, const char *which, uint64_t timeout_ns)
{
	struct guest guest = { .which = which };
	struct message message;
	const char *base = control_base(&message);
	int status;

	guest.fd = base ? control_client_open(base, which, &message) : -1;
	if (guest.fd < 0) {
		fprintf(stderr, "minivmx: %s\n", message.text);
		return STATUS_HOST;
	}
	/* Before the request: after it, it may have ended. */
	guest.pidfd = control_client_process(guest.fd, &guest.pid);
	status = ask(command, &guest, timeout_ns);
	if (guest.pidfd >= 0)
		close(guest.pidfd);
	close(guest.fd);
	return status;
}

static int run(const struct state_command *command, int argc, char **argv)
{
	static const struct option with_timeout[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "timeout", required_argument, NULL, 't' },
		{ 0 }
	};
	static const struct option without[] = {
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	uint64_t timeout_ns = STOP_NS;
	int c;

	while ((c = getopt_long(argc, argv, "h", command->has_timeout ? with_timeout : without,
				NULL)) >= 0) {
		switch (c) {
		case 'h':
			command->print_help();
			return STATUS_OK;
		case 't':
			if (!parse_seconds(optarg, &timeout_ns))
				break;
			fprintf(stderr,
				"minivmx: --timeout: not a number of seconds above 0: '%s'\n",
				optarg);
			return usage_error(command->name);
		default:
			return usage_error(command->name);
		}
	}
	if (optind + 1 != argc) {
		fprintf(stderr, "minivmx: %s takes one guest, a NAME or PID of minivmx list\n",
			command->name);
		return usage_error(command->name);
	}
	return change(command, argv[optind], timeout_ns);
}

int cmd_stop(int argc, char **argv)
{
	static const struct state_command command = {
		"stop", print_stop_help, stopped, .has_timeout = true,
	};

	return run(&command, argc, argv);
}

int cmd_kill(int argc, char **argv)
{
	static const struct state_command command = { "kill", print_kill_help, killed, false };

	return run(&command, argc, argv);
}

int cmd_pause(int argc, char **argv)
{
	static const struct state_command command = { "pause", print_pause_help, paused, false };

	return run(&command, argc, argv);
}

int cmd_resume(int argc, char **argv)
{
	static const struct state_command command = {
		"resume", print_resume_help, resumed, false,
	};

	return run(&command, argc, argv);
}
