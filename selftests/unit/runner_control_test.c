// SPDX-License-Identifier: GPL-2.0
/* SOURCES: selftests/unit/fake_minivmx.c RUNNER */
/*
 * The control socket of a whole run: what it answers, and that it is there as long
 * as the run, however that ends.
 */
#include <sys/stat.h>

#include "../../userspace/runner/control_client.h"
#include "../../userspace/runner/exit_status.h"
#include "runner_fixture.h"

static const struct fake_step idle_for_ever[] = { { .op = FAKE_STI }, { .op = FAKE_HLT } };

static void make_base(struct _test_data_runner *self)
{
	static char base[] = "/tmp/minivmx-runner-XXXXXX";

	if (!mkdtemp(base))
		abort();
	self->options.control_base = base;
}

static void remove_base(const struct _test_data_runner *self)
{
	char directory[64];

	snprintf(directory, sizeof(directory), "%s/minivmx", self->options.control_base);
	/* which are empty when all have ended as they should */
	if (rmdir(directory) || rmdir(self->options.control_base))
		abort();
}

static bool has_socket(const struct _test_data_runner *self, const char *name)
{
	char path[128];
	struct stat stat;

	snprintf(path, sizeof(path), "%s/minivmx/%s.sock", self->options.control_base, name);
	return !lstat(path, &stat);
}

/* Connect to it, once it is there. */
static int connect_runner(const struct _test_data_runner *self, const char *which)
{
	struct message message = { "" };
	int fd = -1;

	for (int i = 0; i < 1000 && fd < 0; i++) {
		fd = control_client_open(self->options.control_base, which, &message);
		if (fd < 0)
			usleep(10000);
	}
	if (fd < 0)
		fprintf(stderr, "# %s\n", message.text);
	return fd;
}

static struct json_object *ask(int fd, const char *request, struct control_fds *fds)
{
	struct json_object *reply;
	struct message message;

	if (control_client_ask(fd, control_client_request(request), &reply, fds, &message)) {
		fprintf(stderr, "# %s: %s\n", request, message.text);
		abort();
	}
	return reply;
}

static uint64_t number(struct json_object *reply, const char *key)
{
	return json_object_get_uint64(json_object_object_get(reply, key));
}

static const char *string(struct json_object *reply, const char *key)
{
	return json_object_get_string(json_object_object_get(reply, key));
}

TEST_F(runner, control_hello)
{
	struct json_object *reply;
	uint64_t uptime;
	char pid[16];
	int fd;

	make_base(self);
	start(self, idle_for_ever);
	snprintf(pid, sizeof(pid), "%d", self->child);
	fd = connect_runner(self, NULL);
	ASSERT_GE(fd, 0);
	EXPECT_TRUE(has_socket(self, pid));
	reply = ask(fd, "hello", NULL);
	EXPECT_EQ(number(reply, "protocol"), CONTROL_PROTOCOL);
	EXPECT_EQ(number(reply, "pid"), self->child);
	EXPECT_EQ(string(reply, "name"), NULL);
	EXPECT_STREQ(string(reply, "image"), self->options.image);
	EXPECT_EQ(number(reply, "vcpus"), 1);
	EXPECT_EQ(number(reply, "memory"), 2 * MIB);
	EXPECT_STREQ(string(reply, "state"), "running");
	uptime = number(reply, "uptime_ms");
	EXPECT_LT(uptime, 20000);
	json_object_put(reply);
	usleep(20000);
	reply = ask(fd, "hello", NULL);
	EXPECT_GE(number(reply, "uptime_ms"), uptime + 20);
	json_object_put(reply);
	kill(self->child, SIGTERM);
	EXPECT_EQ(finish(self), -SIGTERM);
	EXPECT_FALSE(has_socket(self, pid));
	remove_base(self);
}

/* Of the fake, a VM and a vCPU are duplicates of stderr, which is the pipe to us. */
TEST_F(runner, control_descriptors)
{
	static const char *const names[] = { "vcpus", "vm" };
	struct json_object *request, *reply;
	struct control_fds fds;
	struct message message;
	struct stat ours, theirs;
	int fd;

	make_base(self);
	self->options.name = "guest";
	start(self, idle_for_ever);
	fd = connect_runner(self, "guest");
	ASSERT_GE(fd, 0);
	fstat(self->errors, &ours);
	for (int i = 0; i < 2; i++) {
		reply = ask(fd, names[i], &fds);
		ASSERT_EQ(fds.nr, 1);
		fstat(fds.list[0], &theirs);
		EXPECT_EQ(ours.st_ino, theirs.st_ino);
		close(fds.list[0]);
		if (!i)
			EXPECT_STREQ(string(reply, "ids"), "[ 0 ]");
		json_object_put(reply);
	}
	for (int id = 0; id < 2; id++) {
		request = control_client_request("vcpus");
		json_object_object_add(request, "id", json_object_new_int(id));
		EXPECT_EQ(control_client_ask(fd, request, &reply, &fds, &message),
			  id ? -EREMOTEIO : 0);
		ASSERT_EQ(fds.nr, id ? 0 : 1);
		if (!id)
			close(fds.list[0]);
		json_object_put(reply);
	}
	EXPECT_STREQ(message.text, "there is no vCPU 1, only 1 from 0 on");
	kill(self->child, SIGTERM);
	/* would not see the end of stderr if a descriptor were left here */
	EXPECT_EQ(finish(self), -SIGTERM);
	remove_base(self);
}

TEST_F(runner, control_socket_goes)
{
	static const struct fake_step stops[] = { END(0) };
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	pid_t killed;
	int fd;

	make_base(self);
	self->options.name = "guest";
	EXPECT_EQ(run(self, stops), 1);
	EXPECT_FALSE(has_socket(self, "guest"));
	for (int i = 0; i < 4; i++) {
		start(self, idle_for_ever);
		fd = connect_runner(self, "guest");
		ASSERT_GE(fd, 0);
		kill(self->child, numbers[i]);
		EXPECT_EQ(finish(self), -numbers[i]);
		EXPECT_FALSE(has_socket(self, "guest"));
		close(fd);
	}
	/* SIGKILL leaves it, and the next one, by whatever name, removes it */
	start(self, idle_for_ever);
	fd = connect_runner(self, "guest");
	ASSERT_GE(fd, 0);
	killed = self->child;
	kill(killed, SIGKILL);
	EXPECT_EQ(finish(self), -SIGKILL);
	EXPECT_TRUE(has_socket(self, "guest"));
	close(fd);
	self->options.name = "other";
	EXPECT_EQ(run(self, stops), 1);
	remove_base(self);
}

TEST_F(runner, control_name_is_taken)
{
	static const struct fake_step stops[] = { END(0) };
	struct _test_data_runner second = *self;
	int fd;

	make_base(self);
	self->options.name = "guest";
	second.options = self->options;
	start(self, idle_for_ever);
	fd = connect_runner(self, "guest");
	ASSERT_GE(fd, 0);
	EXPECT_EQ(run(&second, stops), STATUS_HOST);
	EXPECT_TRUE(says(&second, "the name 'guest' is in use"));
	EXPECT_TRUE(has_socket(self, "guest"));
	json_object_put(ask(fd, "hello", NULL));
	kill(self->child, SIGTERM);
	EXPECT_EQ(finish(self), -SIGTERM);
	remove_base(self);
}

/* The run goes on, and only --verbose tells. */
TEST_F(runner, control_directory_is_not_there)
{
	static const struct fake_step stops[] = { END(0) };

	self->options.control_base = "/nonexistent";
	self->options.name = "guest";
	EXPECT_EQ(run(self, stops), 1);
	EXPECT_STREQ(self->err, "");
	self->options.verbose = true;
	EXPECT_EQ(run(self, stops), 1);
	EXPECT_TRUE(says(self, "minivmx: no control socket: /nonexistent: No such file"));
}

/* The guest has ended, but nobody takes its output. */
TEST_F(runner, control_of_a_run_that_has_ended)
{
	static struct fake_step program[5001];
	struct json_object *reply;
	bool ended = false;
	int fd;

	for (int i = 0; i < 5000; i++)
		program[i] = (struct fake_step) {
			.op = FAKE_OUTS, .port = COM1, .text = "yyyyyyyyyyyyyyyyyyyy",
		};
	program[5000] = (struct fake_step) END(0);
	make_base(self);
	start(self, program);
	fd = connect_runner(self, NULL);
	ASSERT_GE(fd, 0);
	for (int i = 0; i < 1000 && !ended; i++) {
		reply = ask(fd, "hello", NULL);
		ended = !strcmp(string(reply, "state"), "ended");
		json_object_put(reply);
		usleep(10000);
	}
	EXPECT_TRUE(ended);
	EXPECT_EQ(finish(self), 1);
	remove_base(self);
}

TEST_HARNESS_MAIN
