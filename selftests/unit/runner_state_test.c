// SPDX-License-Identifier: GPL-2.0
/*
 * SOURCES: selftests/unit/fake_minivmx.c RUNNER
 * LIBS: -ljson-c
 */
/*
 * What other processes do to a run: they pause it and let it go on, press its power
 * button, end it, and are its console; and a run that is detached.
 */
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "../../userspace/runner/control_client.h"
#include "../../userspace/runner/detach.h"
#include "../../userspace/runner/exit_status.h"
#include "runner_fixture.h"

#define OUT16(at, word)	{ .op = FAKE_OUT, .port = (at), .value = (word), .size = 2 }
#define IN16(at, word)	{ .op = FAKE_IN, .port = (at), .value = (word), .size = 2 }
#define PRINT(words)	{ .op = FAKE_OUTS, .port = COM1, .text = (words) }

static const struct fake_step idle_for_ever[] = { { .op = FAKE_STI }, { .op = FAKE_HLT } };

/* A byte at each interrupt of the timer, about a thousand times a second. */
static const struct fake_step ticks[] = {
	OUT(0x20, 0x11), OUT(0x21, 0x20), OUT(0x21, 0x04), OUT(0x21, 0x01), OUT(0x21, 0xfe),
	OUT(0x43, 0x34), OUT(0x40, 0xa9), OUT(0x40, 0x04),
	{ .op = FAKE_STI },
	{ .op = FAKE_HLT }, OUT(0x20, 0x20), PRINT("."),
	{ .op = FAKE_HLT }, OUT(0x20, 0x20), PRINT("."),
	{ .op = FAKE_AGAIN },
};

static const struct fake_step echo[] = {
	PRINT("hello\n"), { .op = FAKE_ECHO, .value = 'q' }, END(0),
};

/* ---- Talking to it ---- */

static void make_base(struct _test_data_runner *self)
{
	static char base[] = "/tmp/minivmx-state-XXXXXX";

	strcpy(base, "/tmp/minivmx-state-XXXXXX");
	if (!mkdtemp(base))
		abort();
	self->options.control_base = base;
	self->options.name = "guest";
}

static void remove_base(const struct _test_data_runner *self)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -r %s", self->options.control_base);
	if (system(command))
		abort();
}

/* Connect to it, once it is there. */
static int dial(const struct _test_data_runner *self)
{
	struct message message = { "" };
	int fd = -1;

	for (int i = 0; i < 1000 && fd < 0; i++) {
		fd = control_client_open(self->options.control_base, "guest", &message);
		if (fd < 0)
			usleep(10000);
	}
	if (fd < 0)
		fprintf(stderr, "# %s\n", message.text);
	return fd;
}

/* The value of @key in the answer, or the refusal. */
static const char *ask(int fd, const char *request, const char *key)
{
	static struct message message;
	struct json_object *reply;

	if (control_client_ask(fd, control_client_request(request), &reply, NULL, &message))
		return message.text;
	snprintf(message.text, sizeof(message.text), "%s",
		 json_object_get_string(json_object_object_get(reply, key)));
	json_object_put(reply);
	return message.text;
}

static int attach(int fd)
{
	struct control_fds fds = { .nr = 0 };
	struct json_object *reply;
	struct message message;

	if (control_client_ask(fd, control_client_request("console"), &reply, &fds, &message)) {
		fprintf(stderr, "# %s\n", message.text);
		return -1;
	}
	json_object_put(reply);
	return fds.nr == 1 ? fds.list[0] : -1;
}

/* Read until @words have come. */
static bool shows(int fd, const char *words)
{
	char text[TEXT_SIZE];
	size_t len = 0;

	while (len < sizeof(text) - 1) {
		struct pollfd ready = { .fd = fd, .events = POLLIN };
		ssize_t n;

		if (poll(&ready, 1, 10000) <= 0)
			break;
		n = read(fd, text + len, sizeof(text) - 1 - len);
		if (n <= 0)
			break;
		len += (size_t)n;
		text[len] = '\0';
		if (strstr(text, words))
			return true;
	}
	text[len] = '\0';
	fprintf(stderr, "# not '%s': %s\n", words, len > 80 ? text + len - 80 : text);
	return false;
}

/* What it has printed, and its thread of output may still hold, is taken. */
static void drain(int fd)
{
	char bytes[4096];
	struct pollfd ready = { .fd = fd, .events = POLLIN };

	while (poll(&ready, 1, 100) > 0 && read(fd, bytes, sizeof(bytes)) > 0)
		;
}

static bool is_quiet(int fd)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };

	return poll(&ready, 1, 200) == 0;
}

/* ---- Pause ---- */

TEST_F(runner, pause_and_resume)
{
	char uptime[64];
	int fd;

	make_base(self);
	start(self, ticks);
	fd = dial(self);
	ASSERT_GE(fd, 0);
	EXPECT_TRUE(shows(self->output, "...."));
	EXPECT_STREQ(ask(fd, "hello", "state"), "running");
	EXPECT_STREQ(ask(fd, "resume", "was_paused"), "false");
	EXPECT_STREQ(ask(fd, "pause", "was_paused"), "false");
	EXPECT_STREQ(ask(fd, "hello", "state"), "paused");
	strcpy(uptime, ask(fd, "hello", "uptime_ms"));
	drain(self->output);
	EXPECT_TRUE(is_quiet(self->output));
	/* the clock of the devices stands, too */
	EXPECT_STREQ(ask(fd, "hello", "uptime_ms"), uptime);
	EXPECT_STREQ(ask(fd, "pause", "was_paused"), "true");
	EXPECT_STREQ(ask(fd, "stop", "listens"),
		     "the guest is paused: minivmx resume lets it go on");
	EXPECT_STREQ(ask(fd, "resume", "was_paused"), "true");
	EXPECT_STREQ(ask(fd, "hello", "state"), "running");
	EXPECT_TRUE(shows(self->output, "...."));
	EXPECT_LT(atoi(uptime), atoi(ask(fd, "hello", "uptime_ms")));
	/* it can be ended while it is paused */
	EXPECT_STREQ(ask(fd, "pause", "was_paused"), "false");
	EXPECT_STREQ(ask(fd, "kill", "ok"), "true");
	EXPECT_EQ(finish(self), STATUS_OK);
	EXPECT_TRUE(says(self, "minivmx: ended by minivmx kill\n"));
	remove_base(self);
}

TEST_F(runner, pause_again_and_again)
{
	int fd;

	make_base(self);
	start(self, ticks);
	fd = dial(self);
	ASSERT_GE(fd, 0);
	for (int i = 0; i < 100; i++) {
		ASSERT_STREQ(ask(fd, "pause", "was_paused"), "false");
		ASSERT_STREQ(ask(fd, "resume", "was_paused"), "true");
	}
	EXPECT_TRUE(shows(self->output, "...."));
	kill(self->child, SIGTERM);
	EXPECT_EQ(finish(self), -SIGTERM);
	remove_base(self);
}

TEST_F(runner, a_paused_one_has_its_timeout)
{
	int fd;

	make_base(self);
	self->options.timeout_ns = 1000000000;
	start(self, ticks);
	fd = dial(self);
	ASSERT_GE(fd, 0);
	EXPECT_STREQ(ask(fd, "pause", "was_paused"), "false");
	EXPECT_EQ(finish(self), STATUS_TIMEOUT);
	remove_base(self);
}

/* Its only CPU waits for whoever reads stdout: that is out of the guest, too. */
TEST_F(runner, pause_while_nobody_reads)
{
	static const struct fake_step flood[] = {
		PRINT("yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\n"), { .op = FAKE_AGAIN },
	};
	int fd;

	make_base(self);
	start(self, flood);
	fd = dial(self);
	ASSERT_GE(fd, 0);
	usleep(200000);
	EXPECT_STREQ(ask(fd, "pause", "was_paused"), "false");
	EXPECT_STREQ(ask(fd, "hello", "state"), "paused");
	EXPECT_STREQ(ask(fd, "resume", "was_paused"), "true");
	EXPECT_STREQ(ask(fd, "kill", "ok"), "true");
	waitpid(self->child, &self->status, 0);
	self->child = 0;
	EXPECT_EQ(WEXITSTATUS(self->status), STATUS_OK);
	remove_base(self);
}

TEST_F(runner, what_gdb_has_cannot_be_paused)
{
	int fd;

	make_base(self);
	self->options.gdb = true;
	start(self, idle_for_ever);
	fd = dial(self);
	ASSERT_GE(fd, 0);
	EXPECT_STREQ(ask(fd, "pause", "was_paused"), "gdb has the guest, and can stop it itself");
	EXPECT_STREQ(ask(fd, "hello", "state"), "running");
	EXPECT_STREQ(ask(fd, "kill", "ok"), "true");
	EXPECT_EQ(finish(self), STATUS_OK);
	remove_base(self);
}

/* ---- The power button ---- */

TEST_F(runner, stop)
{
	static const struct fake_step program[] = {
		OUT(0x20, 0x11), OUT(0x21, 0x20), OUT(0x21, 0x04), OUT(0x21, 0x01), OUT(0x21, 0xfb),
		OUT(0xa0, 0x11), OUT(0xa1, 0x28), OUT(0xa1, 0x02), OUT(0xa1, 0x01), OUT(0xa1, 0xfd),
		IN16(0x600, 0), OUT16(0x602, 0x100), PRINT("ready"),
		{ .op = FAKE_STI }, { .op = FAKE_HLT }, { .op = FAKE_VECTOR, .value = 0x29 },
		IN16(0x600, 0x100), OUT16(0x600, 0x100), IN16(0x600, 0),
		OUT16(0x604, 0x2000),
	};
	int fd;

	make_base(self);
	self->options.verbose = true;
	start(self, program);
	fd = dial(self);
	ASSERT_GE(fd, 0);
	EXPECT_TRUE(shows(self->output, "ready"));
	EXPECT_STREQ(ask(fd, "stop", "listens"), "true");
	EXPECT_EQ(finish(self), STATUS_OK);
	EXPECT_TRUE(says(self, "the guest turned the power off"));
	remove_base(self);
}

TEST_F(runner, stop_is_not_heard)
{
	int fd;

	make_base(self);
	start(self, idle_for_ever);
	fd = dial(self);
	ASSERT_GE(fd, 0);
	EXPECT_STREQ(ask(fd, "stop", "listens"), "false");
	EXPECT_STREQ(ask(fd, "hello", "state"), "running");
	EXPECT_STREQ(ask(fd, "kill", "ok"), "true");
	EXPECT_EQ(finish(self), STATUS_OK);
	remove_base(self);
}

/* ---- The console ---- */

TEST_F(runner, console)
{
	int fd, stream;

	make_base(self);
	start(self, echo);
	fd = dial(self);
	ASSERT_GE(fd, 0);
	stream = attach(fd);
	ASSERT_GE(stream, 0);
	EXPECT_TRUE(shows(stream, "hello\n"));
	EXPECT_EQ(write(stream, "ab", 2), 2);
	EXPECT_TRUE(shows(stream, "ab"));
	EXPECT_STREQ(ask(fd, "console", "ok"), "another minivmx console is attached to it");
	/* what was typed before it went is not lost */
	EXPECT_EQ(write(stream, "cd", 2), 2);
	close(stream);
	stream = attach(fd);
	ASSERT_GE(stream, 0);
	EXPECT_TRUE(shows(stream, "hello\nabcd"));
	/* nor what comes from elsewhere */
	EXPECT_EQ(write(self->input, "e", 1), 1);
	EXPECT_TRUE(shows(stream, "e"));
	EXPECT_EQ(write(stream, "q", 1), 1);
	EXPECT_TRUE(shows(stream, "q"));
	EXPECT_FALSE(shows(stream, "more"));
	close(stream);
	EXPECT_EQ(finish(self), 1);
	EXPECT_STREQ(self->out, "hello\nabcdeq");
	remove_base(self);
}

/* More than the machine's queue holds, and the socket's, in one piece. */
TEST_F(runner, console_takes_all_that_is_typed)
{
	static char text[20001];
	char back[64];
	size_t len = 0;
	int fd, stream;
	ssize_t n;

	make_base(self);
	memset(text, 'x', 20000);
	start_with(self, echo, -1, open("/dev/null", O_WRONLY));
	fd = dial(self);
	ASSERT_GE(fd, 0);
	stream = attach(fd);
	ASSERT_GE(stream, 0);
	EXPECT_TRUE(shows(stream, "hello\n"));
	EXPECT_EQ(write(stream, text, 20000), 20000);
	EXPECT_EQ(write(stream, "q", 1), 1);
	while ((n = read(stream, back, sizeof(back))) > 0)
		len += (size_t)n;
	EXPECT_EQ(len, 20001);
	EXPECT_EQ(finish(self), 1);
	remove_base(self);
}

TEST_F(runner, console_of_one_who_does_not_read)
{
	static const struct fake_step flood[] = {
		PRINT("0123456789012345678901234567890123456789012345678901234567890123456789\n"),
		{ .op = FAKE_AGAIN },
	};
	int fd, stream;

	make_base(self);
	start_with(self, flood, -1, open("/dev/null", O_WRONLY));
	fd = dial(self);
	ASSERT_GE(fd, 0);
	stream = attach(fd);
	ASSERT_GE(stream, 0);
	/* the guest goes on, and so does all else */
	usleep(500000);
	EXPECT_STREQ(ask(fd, "hello", "state"), "running");
	for (int i = 0; i < 20; i++)
		if (shows(stream, " bytes are lost here]\r\n"))
			break;
		else
			ASSERT_LT(i, 19);
	EXPECT_TRUE(shows(stream, "0123456789\n"));
	/* the runner does not wait for ever for it at the end */
	EXPECT_STREQ(ask(fd, "kill", "ok"), "true");
	EXPECT_EQ(finish(self), STATUS_OK);
	close(stream);
	remove_base(self);
}

/* It gets all, though the guest has ended meanwhile. */
TEST_F(runner, console_of_a_guest_that_ends)
{
	static struct fake_step program[3002] = { { .op = FAKE_ECHO, .value = 'g' } };
	int fd, stream, lines = 0;
	char bytes[1000];
	ssize_t n;

	for (int i = 1; i <= 3000; i++)
		program[i] = (struct fake_step) PRINT("0123456789\n");
	program[3001] = (struct fake_step) END(0);
	make_base(self);
	start_with(self, program, -1, open("/dev/null", O_WRONLY));
	fd = dial(self);
	ASSERT_GE(fd, 0);
	stream = attach(fd);
	ASSERT_GE(stream, 0);
	EXPECT_EQ(write(stream, "g", 1), 1);
	EXPECT_EQ(finish(self), 1);
	while ((n = read(stream, bytes, sizeof(bytes))) > 0)
		for (int i = 0; i < n; i++)
			lines += bytes[i] == '\n';
	EXPECT_EQ(lines, 3000);
	close(stream);
	close(fd);
	remove_base(self);
}

/* ---- Detached ---- */

static void run_detached(const struct _test_data_runner *self, const struct fake_step *program)
{
	int status;

	fake_program = program;
	exit(detach(&self->options, &status) ? status : session_run(&self->options));
}

/* minivmx run --detach: its exit status; what it printed is in @out and @err. */
static int start_detached(struct _test_data_runner *self, const struct fake_step *program)
{
	int out[2], err[2];

	self->options.detach = true;
	if (pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC))
		abort();
	fflush(stdout);
	fflush(stderr);
	self->child = fork();
	if (!self->child) {
		dup2(out[1], 1);
		dup2(err[1], 2);
		close_range(3, ~0U, 0);
		signal(SIGPIPE, SIG_IGN);
		run_detached(self, program);
	}
	close(out[1]);
	close(err[1]);
	self->output = out[0];
	self->errors = err[0];
	/* a vCPU of the fake's is a duplicate of stderr: that has no end */
	waitpid(self->child, &self->status, 0);
	self->child = 0;
	fcntl(self->errors, F_SETFL, O_NONBLOCK);
	read_text(self->errors, self->err);
	/* but the guest does not keep stdout */
	read_text(self->output, self->out);
	return WIFEXITED(self->status) ? WEXITSTATUS(self->status) : -WTERMSIG(self->status);
}

static bool ends(int pidfd)
{
	struct pollfd ended = { .fd = pidfd, .events = POLLIN };

	return poll(&ended, 1, 10000) > 0;
}

static bool log_has(const char *path, const char *words)
{
	static char text[4096];
	FILE *file = fopen(path, "r");
	size_t len = file ? fread(text, 1, sizeof(text) - 1, file) : 0;

	text[len] = '\0';
	if (file)
		fclose(file);
	if (strstr(text, words))
		return true;
	fprintf(stderr, "# %s: %s\n", path, text);
	return false;
}

TEST_F(runner, detached)
{
	int fd, pidfd, stream;
	char log[64];
	pid_t pid;

	make_base(self);
	ASSERT_EQ(start_detached(self, echo), STATUS_OK);
	EXPECT_STREQ(self->out, "guest\n");
	EXPECT_STREQ(self->err, "");
	fd = dial(self);
	ASSERT_GE(fd, 0);
	pidfd = control_client_process(fd, &pid);
	ASSERT_GE(pidfd, 0);
	EXPECT_EQ(getsid(pid), pid);
	stream = attach(fd);
	ASSERT_GE(stream, 0);
	EXPECT_TRUE(shows(stream, "hello\n"));
	EXPECT_EQ(write(stream, "q", 1), 1);
	EXPECT_TRUE(shows(stream, "q"));
	EXPECT_TRUE(ends(pidfd));
	snprintf(log, sizeof(log), "%s/minivmx/guest.log", self->options.control_base);
	EXPECT_TRUE(log_has(log, ": guest (PID "));
	EXPECT_TRUE(log_has(log, " has ended, status 1\n"));
	close(stream);
	close(pidfd);
	close(fd);
	remove_base(self);
}

TEST_F(runner, detached_with_a_log)
{
	char path[64];
	int fd, pidfd;
	pid_t pid;

	make_base(self);
	snprintf(path, sizeof(path), "%s/log", self->options.control_base);
	self->options.log = path;
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(start_detached(self, idle_for_ever), STATUS_OK);
		fd = dial(self);
		ASSERT_GE(fd, 0);
		pidfd = control_client_process(fd, &pid);
		if (i)
			kill(pid, SIGTERM);
		else
			EXPECT_STREQ(ask(fd, "kill", "ok"), "true");
		EXPECT_TRUE(ends(pidfd));
		close(pidfd);
		close(fd);
	}
	/* of both */
	EXPECT_TRUE(log_has(path, "minivmx: ended by minivmx kill\n"));
	EXPECT_TRUE(log_has(path, "minivmx: ended by Terminated\n"));
	remove_base(self);
}

TEST_F(runner, detached_starts_that_fail)
{
	int fd, pidfd;
	pid_t pid;

	make_base(self);
	ASSERT_EQ(start_detached(self, idle_for_ever), STATUS_OK);
	EXPECT_EQ(start_detached(self, idle_for_ever), STATUS_HOST);
	EXPECT_TRUE(says(self, "the name 'guest' is in use"));
	EXPECT_STREQ(self->out, "");
	fd = dial(self);
	ASSERT_GE(fd, 0);
	pidfd = control_client_process(fd, &pid);
	EXPECT_STREQ(ask(fd, "kill", "ok"), "true");
	EXPECT_TRUE(ends(pidfd));
	close(pidfd);
	close(fd);

	self->options.log = "/nonexistent/log";
	EXPECT_EQ(start_detached(self, idle_for_ever), STATUS_HOST);
	EXPECT_TRUE(says(self, "/nonexistent/log: cannot open: No such file"));
	self->options.image = "/nonexistent/image";
	EXPECT_EQ(start_detached(self, idle_for_ever), STATUS_HOST);
	EXPECT_STREQ(self->err,
		     "minivmx: /nonexistent/image: cannot open: No such file or directory\n");
	remove_base(self);
	EXPECT_EQ(start_detached(self, idle_for_ever), STATUS_HOST);
	self->options.control_base = NULL;
	EXPECT_EQ(start_detached(self, idle_for_ever), STATUS_HOST);
}

/* Who was to be told that the guest runs has gone: then it does not run. */
TEST_F(runner, detached_from_one_who_was_killed)
{
	char image[64], log[64];
	int fifo, status;
	pid_t runner;

	make_base(self);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	snprintf(image, sizeof(image), "%s/image", self->options.control_base);
	snprintf(log, sizeof(log), "%s/log", self->options.control_base);
	ASSERT_EQ(mkfifo(image, 0600), 0);
	self->options.image = image;
	self->options.log = log;
	self->options.detach = true;
	fflush(stdout);
	fflush(stderr);
	self->child = fork();
	if (!self->child) {
		signal(SIGPIPE, SIG_IGN);
		run_detached(self, idle_for_ever);
	}
	/* returns when the run reads its image */
	fifo = open(image, O_WRONLY);
	ASSERT_GE(fifo, 0);
	kill(self->child, SIGKILL);
	waitpid(self->child, &status, 0);
	self->child = 0;
	ASSERT_EQ(write(fifo, "\xf4", 1), 1);
	close(fifo);
	runner = waitpid(-1, &status, 0);
	EXPECT_GT(runner, 0);
	EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGHUP);
	EXPECT_TRUE(log_has(log, "minivmx: ended by Hangup\n"));
	remove_base(self);
}

TEST_HARNESS_MAIN
