// SPDX-License-Identifier: GPL-2.0
/* minivmx console: this terminal, or pipes, as the console of a guest. */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "array.h"
#include "commands.h"
#include "console.h"
#include "control_client.h"
#include "exit_status.h"
#include "signals.h"
#include "terminal.h"

#define CHUNK	4096

#define HELP_TEXT	"\nCtrl-A d  leave the console\n" ESCAPE_HELP_TEXT

/* How it goes on. */
enum progress {
	GOES_ON,
	ENDED,		/* the guest has */
	LEFT,		/* Ctrl-A d */
	FAILED,		/* and it was said */
};

/**
 * struct view - the console here
 * @which: what the user calls the guest
 * @pid: of its runner
 * @stream: the runner's socket
 * @signals: those that would leave the terminal raw
 * @signal: the one to die of, or 0
 * @is_terminal: stdin is one, and raw
 * @has_input: stdin is to be read
 * @escape: for Ctrl-A
 * @pending: what was read there and not sent yet
 * @pending_start: the first byte of it
 * @pending_length: how many
 */
struct view {
	const char *which;
	pid_t pid;
	int stream;
	int signals;
	int signal;
	bool is_terminal;
	bool has_input;
	struct escape escape;
	uint8_t pending[CHUNK];
	size_t pending_start;
	size_t pending_length;
};

/* ---- Output ---- */

static int write_all(const void *bytes, size_t len)
{
	while (len) {
		ssize_t n = write(STDOUT_FILENO, bytes, len);

		if (n < 0 && errno == EAGAIN) {
			/* Whoever started us may have made it non-blocking. */
			struct pollfd ready = { .fd = STDOUT_FILENO, .events = POLLOUT };

			poll(&ready, 1, -1);
		} else if (n < 0 && errno != EINTR) {
			return -1;
		} else if (n > 0) {
			bytes = (const char *)bytes + n;
			len -= (size_t)n;
		}
	}
	return 0;
}

static enum progress show(struct view *view)
{
	uint8_t bytes[CHUNK];
	ssize_t n = recv(view->stream, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return GOES_ON;
	if (n <= 0)
		return ENDED;
	if (!write_all(bytes, (size_t)n))
		return GOES_ON;
	terminal_leave();
	fprintf(stderr, "minivmx: cannot write to stdout: %m\n");
	return FAILED;
}

/* ---- Input ---- */

static void take_terminal(struct view *view)
{
	view->is_terminal = terminal_enter();
	/* A terminal of which we are not the foreground is not ours to read. */
	view->has_input = view->is_terminal || !isatty(STDIN_FILENO);
}

/* On a connection of its own: one that has been silent for a minute is closed. */
static void end_guest(const struct view *view)
{
	struct json_object *reply = NULL;
	struct message message;
	const char *base = control_base(&message);
	char pid[16];
	int fd = -1;

	snprintf(pid, sizeof(pid), "%d", view->pid);
	if (base)
		fd = control_client_open(base, pid, &message);
	if (fd < 0 || control_client_ask(fd, control_client_request("kill"), &reply, NULL,
					 &message))
		fprintf(stderr, "minivmx: %s: %s\r\n", view->which, message.text);
	json_object_put(reply);
	if (fd >= 0)
		close(fd);
}

/* What is typed and finds no room is lost, as on a serial line; of a pipe nothing is. */
static void send_pending(struct view *view)
{
	ssize_t n = send(view->stream, view->pending + view->pending_start, view->pending_length,
			 MSG_DONTWAIT | MSG_NOSIGNAL);

	if (view->is_terminal)
		n = (ssize_t)view->pending_length;
	if (n > 0) {
		view->pending_start += (size_t)n;
		view->pending_length -= (size_t)n;
	} else if (errno != EAGAIN && errno != EINTR) {
		/* The stream's end says the rest. */
		view->pending_length = 0;
		view->has_input = false;
	}
}

static enum progress read_input(struct view *view)
{
	ssize_t n = read(STDIN_FILENO, view->pending, sizeof(view->pending));
	enum escape_command command = ESCAPE_NONE;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return GOES_ON;
	/* The end of it is not that of the console. */
	if (n <= 0) {
		view->has_input = false;
		return GOES_ON;
	}
	view->pending_start = 0;
	view->pending_length = (size_t)n;
	if (view->is_terminal)
		command = escape_filter(&view->escape, view->pending, &view->pending_length);
	if (view->pending_length)
		send_pending(view);
	if (command == ESCAPE_QUIT)
		end_guest(view);
	if (command == ESCAPE_HELP && write_all(HELP_TEXT, strlen(HELP_TEXT)))
		return FAILED;
	return command == ESCAPE_DETACH ? LEFT : GOES_ON;
}

/* ---- Signals ---- */

static enum progress on_signal(struct view *view)
{
	struct signalfd_siginfo info;

	if (read(view->signals, &info, sizeof(info)) != sizeof(info))
		return GOES_ON;
	switch (info.ssi_signo) {
	case SIGTSTP:
		terminal_leave();
		raise(SIGSTOP);
		return GOES_ON;
	case SIGCONT:
		if (isatty(STDIN_FILENO))
			take_terminal(view);
		return GOES_ON;
	default:
		view->signal = (int)info.ssi_signo;
		return LEFT;
	}
}

/* ---- The console ---- */

enum { POLL_STREAM, POLL_INPUT, POLL_SIGNALS, NR_POLL };

static enum progress step(struct view *view)
{
	struct pollfd ready[NR_POLL] = {
		[POLL_STREAM] = { .fd = view->stream, .events = POLLIN },
		[POLL_INPUT] = { .fd = -1, .events = POLLIN },
		[POLL_SIGNALS] = { .fd = view->signals, .events = POLLIN },
	};
	enum progress progress = GOES_ON;

	if (view->pending_length)
		ready[POLL_STREAM].events |= POLLOUT;
	else if (view->has_input)
		ready[POLL_INPUT].fd = STDIN_FILENO;
	if (poll(ready, NR_POLL, -1) < 0)
		return GOES_ON;
	if (ready[POLL_STREAM].revents & POLLOUT)
		send_pending(view);
	if (ready[POLL_INPUT].revents)
		progress = read_input(view);
	if (progress == GOES_ON && ready[POLL_SIGNALS].revents)
		progress = on_signal(view);
	if (progress == GOES_ON && (ready[POLL_STREAM].revents & ~POLLOUT))
		progress = show(view);
	return progress;
}

static int attach(struct view *view)
{
	enum progress progress;

	signals_block(true);
	view->signals = signals_open(true);
	take_terminal(view);
	if (view->is_terminal)
		fprintf(stderr, "minivmx: the console of %s; Ctrl-A d leaves it\n", view->which);
	do
		progress = step(view);
	while (progress == GOES_ON);
	terminal_leave();
	if (view->signal)
		die_of_signal(view->signal);
	if (progress == ENDED)
		fprintf(stderr, "minivmx: %s has ended\n", view->which);
	else if (progress == LEFT && view->is_terminal)
		fprintf(stderr, "\nminivmx: left the console of %s\n", view->which);
	return progress == FAILED ? STATUS_HOST : STATUS_OK;
}

/* The runner's socket, or -1 after a message. */
static int open_stream(struct view *view)
{
	struct json_object *reply;
	struct control_fds fds;
	struct message message;
	const char *base = control_base(&message);
	int pidfd, fd = base ? control_client_open(base, view->which, &message) : -1;

	if (fd < 0) {
		fprintf(stderr, "minivmx: %s\n", message.text);
		return -1;
	}
	pidfd = control_client_process(fd, &view->pid);
	if (pidfd >= 0)
		close(pidfd);
	fds.nr = 0;
	if (control_client_ask(fd, control_client_request("console"), &reply, &fds, &message)) {
		fprintf(stderr, "minivmx: %s: %s\n", view->which, message.text);
	} else {
		json_object_put(reply);
		if (fds.nr != 1)
			fprintf(stderr, "minivmx: the runner's answer makes no sense\n");
	}
	close(fd);
	if (fds.nr == 1)
		return fds.list[0];
	while (fds.nr)
		close(fds.list[--fds.nr]);
	return -1;
}

static void print_help(void)
{
	printf("usage: minivmx console NAME\n\n"
	       "Shows the console of the guest that has this name or PID in minivmx list, and gives\n"
	       "it what is typed: first the last %d KiB that it has printed, then all that follows.\n"
	       "One at a time may be attached. A guest that was not started with --detach has its\n"
	       "first console beside it.\n\n"
	       "At a terminal, Ctrl-A d leaves the console, Ctrl-A x ends the guest, Ctrl-A h shows\n"
	       "help, and all else goes to the guest. From a pipe or file all does, and its end is\n"
	       "not that of the console, which SIGINT, SIGTERM and SIGHUP leave. Who does not read\n"
	       "does not stop the guest: a line tells where bytes are lost.\n\n"
	       "Options:\n"
	       "  -h, --help  this help\n\n"
	       "Exit status: %d it was left, or the guest has ended, %d a mistake on the command\n"
	       "line, %d there is no such guest, another is attached, or stdout cannot be written.\n\n"
	       "Examples:\n"
	       "  minivmx run --detach --name web vmlinuz && minivmx console web\n"
	       "  echo reboot | minivmx console web | tee web.txt\n",
	       CONSOLE_BACKLOG / 1024, STATUS_OK, STATUS_USAGE, STATUS_HOST);
}

int cmd_console(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	static struct view view;
	int c, status;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
		if (c != 'h')
			return usage_error("console");
		print_help();
		return STATUS_OK;
	}
	if (optind + 1 != argc) {
		fprintf(stderr, "minivmx: console takes one guest, a NAME or PID of minivmx list\n");
		return usage_error("console");
	}
	view.which = argv[optind];
	view.stream = open_stream(&view);
	if (view.stream < 0)
		return STATUS_HOST;
	status = attach(&view);
	close(view.stream);
	return status;
}
