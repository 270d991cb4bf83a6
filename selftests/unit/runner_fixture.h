/* SPDX-License-Identifier: GPL-2.0 */
/* A session in a child process, with a CPU that is made up, for tests of the runner. */
#ifndef RUNNER_FIXTURE_H
#define RUNNER_FIXTURE_H

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "../../userspace/runner/session.h"
#include "fake_minivmx.h"

#define DEBUG_EXIT	0xf4
#define COM1		0x3f8
#define TEXT_SIZE	65536

#define OUT(at, byte)	{ .op = FAKE_OUT, .port = (at), .value = (byte) }
#define END(byte)	OUT(DEBUG_EXIT, byte)

FIXTURE(runner)
{
	struct run_options options;
	pid_t child;
	int input, output, errors;	/* our ends */
	char out[TEXT_SIZE];
	char err[TEXT_SIZE];
	int status;
};

FIXTURE_SETUP(runner)
{
	int image = memfd_create("image", 0);
	static char path[64];

	memset(self, 0, sizeof(*self));
	self->input = self->output = self->errors = -1;
	/* Nobody executes it, but it has to be loaded. */
	ASSERT_EQ(write(image, "\xf4", 1), 1);
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", getpid(), image);
	self->options = (struct run_options) {
		.image = path,
		.memory = 2 * MIB,
		.cpus = 1,
		.backend = &backend_minivmx,
		.debug_exit_port = DEBUG_EXIT,
		.timeout_ns = 20000000000ULL,
	};
}

FIXTURE_TEARDOWN(runner)
{
	if (self->child > 0)
		kill(self->child, SIGKILL);
}

static inline void run_child(const struct _test_data_runner *self,
		      const struct fake_step *program, int in, int out, int err)
{
	dup2(in, 0);
	dup2(out, 1);
	dup2(err, 2);
	/* our ends of its pipes too, or it would never see them closed */
	close_range(3, ~0U, 0);
	signal(SIGPIPE, SIG_IGN);
	fake_program = program;
	exit(session_run(&self->options));
}

/* Start a session in a child; a descriptor that is -1 becomes a pipe to us. */
static inline void start_with(struct _test_data_runner *self,
		       const struct fake_step *program, int in, int out)
{
	int pipes[3][2];

	for (int i = 0; i < 3; i++)
		if (pipe2(pipes[i], O_CLOEXEC))
			abort();
	fflush(stdout);
	fflush(stderr);
	self->child = fork();
	if (!self->child)
		run_child(self, program, in >= 0 ? in : pipes[0][0],
			  out >= 0 ? out : pipes[1][1], pipes[2][1]);
	close(pipes[0][0]);
	close(pipes[1][1]);
	close(pipes[2][1]);
	self->input = pipes[0][1];
	self->output = pipes[1][0];
	self->errors = pipes[2][0];
}

static inline void start(struct _test_data_runner *self, const struct fake_step *program)
{
	start_with(self, program, -1, -1);
}

static inline void read_text(int fd, char *text)
{
	size_t len = 0;
	ssize_t n;

	while (len < TEXT_SIZE - 1 &&
	       (n = read(fd, text + len, TEXT_SIZE - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
}

/* Collect what it printed and how it ended. */
static inline int finish(struct _test_data_runner *self)
{
	read_text(self->output, self->out);
	read_text(self->errors, self->err);
	waitpid(self->child, &self->status, 0);
	self->child = 0;
	if (!WIFEXITED(self->status))
		return -WTERMSIG(self->status);
	if (WEXITSTATUS(self->status) == 99)
		fprintf(stderr, "%s", self->err);
	return WEXITSTATUS(self->status);
}

static inline int run(struct _test_data_runner *self, const struct fake_step *program)
{
	start(self, program);
	return finish(self);
}

static inline bool says(const struct _test_data_runner *self, const char *words)
{
	if (strstr(self->err, words))
		return true;
	fprintf(stderr, "# stderr: %s\n", self->err);
	return false;
}

#endif /* RUNNER_FIXTURE_H */
