// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "control_dir.h"
#include "detach.h"
#include "exit_status.h"
#include "session.h"

/* Our end of the pipe to the parent, for one byte; closed without it if the start fails. */
static int ready_pipe = -1;

/* ---- The two processes ---- */

static int wait_for_child(pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return STATUS_HOST;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int be_parent(const struct run_options *options, pid_t child, int pipe)
{
	ssize_t n;
	char byte;

	do
		n = read(pipe, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n != 1)
		return wait_for_child(child);
	if (options->name)
		printf("%s\n", options->name);
	else
		printf("%d\n", child);
	return STATUS_OK;
}

static void be_child(int pipe)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	ready_pipe = pipe;
	setsid();
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	close(null);
}

bool detach(const struct run_options *options, int *status)
{
	int ends[2];
	pid_t child;

	*status = STATUS_HOST;
	if (pipe2(ends, O_CLOEXEC)) {
		fprintf(stderr, "minivmx: cannot make a pipe: %m\n");
		return true;
	}
	child = fork();
	if (child < 0)
		fprintf(stderr, "minivmx: cannot make a process: %m\n");
	if (!child) {
		close(ends[0]);
		be_child(ends[1]);
		return false;
	}
	close(ends[1]);
	if (child > 0)
		*status = be_parent(options, child, ends[0]);
	close(ends[0]);
	return true;
}

/* ---- The file for messages ---- */

static int open_log(const struct run_options *options, struct message *message)
{
	int fd;

	if (!options->log)
		return control_dir_open_log(options->control_base, options->name, message);
	fd = open(options->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0666);
	return fd < 0 ? fail(message, "%s: cannot open: %s", options->log, strerror(errno)) : fd;
}

int detach_open_log(struct session *s, struct message *message)
{
	if (!s->options->detach)
		return 0;
	s->log = open_log(s->options, message);
	return s->log < 0 ? -1 : 0;
}

static void print_time(void)
{
	const time_t now = time(NULL);
	struct tm local;
	char text[32];

	localtime_r(&now, &local);
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &local);
	fprintf(stderr, "minivmx: %s: ", text);
}

static void print_begin(const struct session *s)
{
	const char *name = s->options->name;

	print_time();
	fprintf(stderr, "%s (PID %d) runs %s\n", name ? name : "a guest", getpid(),
		s->options->image);
}

int detach_ready(struct session *s)
{
	ssize_t n;

	if (!s->options->detach)
		return 0;
	dup2(s->log, STDOUT_FILENO);
	dup2(s->log, STDERR_FILENO);
	close(s->log);
	print_begin(s);
	/* SIGPIPE is ignored; whoever has gone was not told that a guest runs. */
	n = write(ready_pipe, "", 1);
	close(ready_pipe);
	ready_pipe = -1;
	return n == 1 ? 0 : -1;
}

void detach_end(const struct session *s, int status)
{
	if (!s->options->detach || ready_pipe >= 0)
		return;
	print_time();
	fprintf(stderr, "PID %d has ended, status %d\n", getpid(), status);
}
