// SPDX-License-Identifier: GPL-2.0
/*
 * SOURCES: selftests/unit/control_site.c userspace/runner/control.c userspace/runner/control_client.c userspace/runner/control_dir.c userspace/runner/control_message.c userspace/runner/message.c
 * LIBS: -ljson-c
 */
/*
 * The server of the control socket: what comes over it, who may connect, and what
 * clients do that do not mean well.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "../../userspace/runner/control_client.h"
#include "../../userspace/runner/control_message.h"
#include "control_site.h"

#define IDLE_MS		1000
#define ECHO_NUMBER	"{\"request\":\"echo\",\"text\":\"\",\"number\":"

FIXTURE(control)
{
	struct control_site site;
};

FIXTURE_SETUP(control)
{
	control_site_init(&self->site);
}

FIXTURE_TEARDOWN(control)
{
	control_site_fini(&self->site);
}

/* ---- Requests ---- */

TEST_F(control, requests)
{
	int fd;

	ASSERT_EQ(start(&self->site), 0);
	fd = dial(&self->site);
	EXPECT_TRUE(answers(fd, HELLO, "{\"ok\":true,\"protocol\":1}"));
	EXPECT_TRUE(answers(fd, "{\"request\":\"echo\",\"text\":\"a\\nb\"}",
			    "\"text\":\"a\\nb\""));
	EXPECT_TRUE(answers(fd, " {\"text\":\"\",\"number\":0, \"request\":\"echo\"}\n",
			    "\"number\":0"));
	EXPECT_TRUE(answers(fd, ECHO_NUMBER "9223372036854775806}",
			    "\"number\":9223372036854775806"));
	EXPECT_TRUE(answers(fd, "{\"request\":\"never\"}",
			    "{\"ok\":false,\"error\":\"not today\"}"));
}

TEST_F(control, bad_requests)
{
	static const struct {
		const char *request, *error;
	} rows[] = {
		{ "{", "not JSON" },
		{ " ", "not JSON" },
		{ "hello", "not JSON" },
		{ HELLO "x", "not JSON" },
		{ HELLO HELLO, "not JSON" },
		{ "{'request':'hello'}", "not JSON" },
		{ "{\"request\":\"\xff\"}", "not JSON" },
		{ "[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]", "nesting too deep" },
		{ "1", "not a JSON object" },
		{ "null", "not a JSON object" },
		{ "\"hello\"", "not a JSON object" },
		{ "[" HELLO "]", "not a JSON object" },
		{ "{}", "'request' is missing" },
		{ "{\"request\":null}", "'request' is missing" },
		{ "{\"request\":1}", "'request' is not a string" },
		{ "{\"request\":{}}", "'request' is not a string" },
		{ "{\"request\":\"fly\"}", "no such request: 'fly'" },
		{ "{\"request\":\"hello\\u0000\"}", "'request' is not a string without a NUL" },
		{ "{\"request\":\"hello\",\"x\":1}", "'hello' has no parameter 'x'" },
		{ "{\"request\":\"echo\"}", "'echo' needs the parameter 'text'" },
		{ "{\"request\":\"echo\",\"text\":1}", "'text' is not a string" },
		{ "{\"request\":\"echo\",\"text\":null}", "'text' is not a string" },
		{ "{\"request\":\"echo\",\"text\":\"a\\u0000b\"}", "'text' has a NUL in it" },
		{ ECHO_NUMBER "\"1\"}", "'number' is not a whole" },
		{ ECHO_NUMBER "1.5}", "'number' is not a whole" },
		{ ECHO_NUMBER "true}", "'number' is not a whole" },
		{ ECHO_NUMBER "[1]}", "'number' is not a whole" },
		{ ECHO_NUMBER "-1}", "'number' is below 0" },
		{ ECHO_NUMBER "9223372036854775807}",
		  "'number' is below 0 or above" },
		{ ECHO_NUMBER "99999999999999999999999}",
		  "'number' is below 0 or above" },
	};
	static const char with_nul[] = HELLO "\0" HELLO;
	char *long_name = calloc(1, 1000);
	const char *text;
	int fd;

	ASSERT_EQ(start(&self->site), 0);
	fd = dial(&self->site);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		EXPECT_TRUE(answers(fd, rows[i].request, rows[i].error));
		EXPECT_TRUE(answers(fd, HELLO, "\"ok\":true"));
	}
	text = say(fd, with_nul, sizeof(with_nul) - 1);
	ASSERT_NE(text, NULL);
	EXPECT_NE(strstr(text, "not JSON"), NULL);
	snprintf(long_name, 1000, "{\"request\":\"%0900d\"}", 0);
	EXPECT_TRUE(answers(fd, long_name, "no such request: '(long)'"));
	free(long_name);
	/* an empty message is the end */
	EXPECT_STREQ(say(fd, "", 0), "");
}

TEST_F(control, sizes_of_requests)
{
	char *text = malloc(CONTROL_REQUEST_MAX + 1000);
	const char *reply;
	int fd;

	ASSERT_EQ(start(&self->site), 0);
	fd = dial(&self->site);
	memset(text, ' ', CONTROL_REQUEST_MAX + 1000);
	memcpy(text, HELLO, strlen(HELLO));
	reply = say(fd, text, CONTROL_REQUEST_MAX);
	ASSERT_NE(reply, NULL);
	EXPECT_NE(strstr(reply, "\"ok\":true"), NULL);
	reply = say(fd, text, CONTROL_REQUEST_MAX + 1);
	ASSERT_NE(reply, NULL);
	EXPECT_NE(strstr(reply, "the request has 65537 bytes, more than 65536"), NULL);
	reply = say(fd, text, CONTROL_REQUEST_MAX + 1000);
	ASSERT_NE(reply, NULL);
	EXPECT_NE(strstr(reply, "more than"), NULL);
	EXPECT_TRUE(answers(fd, HELLO, "\"ok\":true"));
	free(text);
}

TEST_F(control, sizes_of_replies)
{
	static const char frame[] = "{\"ok\":true,\"text\":\"\"}";
	struct json_object *request, *reply;
	int fd;

	ASSERT_EQ(start(&self->site), 0);
	fd = control_client_open(self->site.base, NULL, &self->site.message);
	ASSERT_GE(fd, 0);
	for (int more = 0; more < 2; more++) {
		request = control_client_request("large");
		json_object_object_add(request, "size",
				       json_object_new_int(CONTROL_REPLY_MAX -
							   (int)strlen(frame) + more));
		EXPECT_EQ(control_client_ask(fd, request, &reply, NULL, &self->site.message),
			  more ? -EREMOTEIO : 0);
		json_object_put(reply);
	}
	EXPECT_NE(strstr(self->site.message.text, "the reply has 131073 bytes"), NULL);
	EXPECT_TRUE(answers(fd, HELLO, "\"ok\":true"));
}

/* Whatever comes, there is an answer; the sanitizers watch. */
TEST_F(control, noise)
{
	static const char good[] = "{\"request\":\"echo\",\"text\":\"a\\u00e9\",\"number\":12}";
	char text[sizeof(good)];
	unsigned int seed = 1;
	const char *reply;
	int fd;

	ASSERT_EQ(start(&self->site), 0);
	fd = dial(&self->site);
	for (int round = 0; round < 5000; round++) {
		size_t len = 1 + (size_t)rand_r(&seed) % (sizeof(good) - 1);

		memcpy(text, good, sizeof(good));
		for (int i = rand_r(&seed) % 4; i > 0; i--)
			text[(size_t)rand_r(&seed) % len] = (char)rand_r(&seed);
		reply = say(fd, text, rand_r(&seed) % 2 ? len : sizeof(good) - 1);
		ASSERT_NE(reply, NULL);
		ASSERT_EQ(strncmp(reply, "{\"ok\":", 6), 0);
	}
}

/* ---- Descriptors ---- */

TEST_F(control, descriptors_arrive)
{
	struct json_object *reply;
	struct control_fds fds;
	struct stat ours, theirs;
	int fd;

	ASSERT_EQ(start(&self->site), 0);
	fd = control_client_open(self->site.base, NULL, &self->site.message);
	ASSERT_GE(fd, 0);
	ASSERT_EQ(control_client_ask(fd, control_client_request("files"), &reply, &fds,
				     &self->site.message), 0);
	json_object_put(reply);
	ASSERT_EQ(fds.nr, CONTROL_FILES);
	for (int i = 0; i < CONTROL_FILES; i++) {
		EXPECT_NE(fds.list[i], control_files[i]);
		EXPECT_EQ(fcntl(fds.list[i], F_GETFD), FD_CLOEXEC);
		fstat(control_files[i], &ours);
		fstat(fds.list[i], &theirs);
		EXPECT_EQ(ours.st_ino, theirs.st_ino);
		EXPECT_EQ(theirs.st_size, 100 * (i + 1));
		/* the same open file: its position, too */
		EXPECT_EQ(lseek(control_files[i], 40 + i, SEEK_SET), 40 + i);
		EXPECT_EQ(lseek(fds.list[i], 0, SEEK_CUR), 40 + i);
		close(fds.list[i]);
	}
	/* none with a refusal */
	EXPECT_EQ(control_client_ask(fd, control_client_request("never"), &reply, &fds,
				     &self->site.message), -EREMOTEIO);
	EXPECT_EQ(fds.nr, 0);
	EXPECT_STREQ(self->site.message.text, "not today");
}

/* The server sends none with a refusal, though the request had put one there. */
TEST_F(control, no_descriptors_with_a_refusal)
{
	static const char request[] = "{\"request\":\"never\"}";
	char text[256];
	struct iovec part = { text, sizeof(text) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	struct pollfd ready = { .events = POLLIN };

	ASSERT_EQ(start(&self->site), 0);
	ready.fd = dial(&self->site);
	ASSERT_GT(send(ready.fd, request, strlen(request), MSG_NOSIGNAL), 0);
	ASSERT_EQ(poll(&ready, 1, 10000), 1);
	/* there is no room for any, which the kernel would tell */
	ASSERT_GT(recvmsg(ready.fd, &message, 0), 0);
	EXPECT_EQ(message.msg_flags & MSG_CTRUNC, 0);
}

/* Nothing of the server's or the client's is for programs that are started. */
TEST_F(control, all_close_on_exec)
{
	bool old[256];
	int i, fd, new = 0;

	for (i = 0; i < 256; i++)
		old[i] = fcntl(i, F_GETFD) >= 0;
	ASSERT_EQ(start(&self->site), 0);
	fd = control_client_open(self->site.base, NULL, &self->site.message);
	ASSERT_GE(fd, 0);
	for (i = 0; i < 256; i++) {
		if (old[i] || fcntl(i, F_GETFD) < 0)
			continue;
		EXPECT_EQ(fcntl(i, F_GETFD), FD_CLOEXEC);
		new++;
	}
	/* the directory, the listener, its wake-up, both ends of the connection */
	EXPECT_EQ(new, 5);
}

TEST_F(control, descriptors_that_nobody_wants)
{
	struct json_object *reply;
	unsigned int before;
	int fd;

	ASSERT_EQ(start(&self->site), 0);
	fd = control_client_open(self->site.base, NULL, &self->site.message);
	ASSERT_GE(fd, 0);
	before = count_fds();
	for (int i = 0; i < 10; i++) {
		ASSERT_EQ(control_client_ask(fd, control_client_request("files"), &reply, NULL,
					     &self->site.message), 0);
		json_object_put(reply);
	}
	EXPECT_TRUE(fds_become(before));
}

/* What is given away is the client's alone, also if the client has gone before it came. */
TEST_F(control, descriptors_that_are_given_away)
{
	static const char request[] = "{\"request\":\"gift\"}";
	struct json_object *reply;
	struct control_fds fds;
	unsigned int before;
	int fd;

	ASSERT_EQ(start(&self->site), 0);
	fd = control_client_open(self->site.base, NULL, &self->site.message);
	ASSERT_GE(fd, 0);
	before = count_fds();
	for (int i = 0; i < 10; i++) {
		ASSERT_EQ(control_client_ask(fd, control_client_request("gift"), &reply, &fds,
					     &self->site.message), 0);
		ASSERT_EQ(fds.nr, 1);
		EXPECT_TRUE(fds_become(before + 1));
		close(fds.list[0]);
		json_object_put(reply);
	}
	close(fd);
	EXPECT_TRUE(fds_become(before - 2));
	for (int i = 0; i < 10; i++) {
		fd = dial(&self->site);
		EXPECT_EQ(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
		close(fd);
	}
	EXPECT_TRUE(fds_become(before - 2));
}

/* What a client sends along does not stay in the server. */
TEST_F(control, descriptors_of_the_client)
{
	struct json_object *request = control_client_request("hello");
	int ends[2], fd;
	char byte;

	ASSERT_EQ(start(&self->site), 0);
	fd = dial(&self->site);
	ASSERT_EQ(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	ASSERT_EQ(control_message_send(fd, request, &ends[1], 1), 0);
	json_object_put(request);
	close(ends[1]);
	ASSERT_NE(hear(fd), NULL);
	EXPECT_EQ(read(ends[0], &byte, 1), 0);
}

/* ---- Clients that do not mean well ---- */

/* One that asks and asks, and takes no reply, is dropped; others do not notice. */
TEST_F(control, slow_client)
{
	unsigned int sent = 0, heard = 0;
	struct timespec pause = { .tv_nsec = 10000000 };
	int slow, fd;

	self->site.config.idle_ms = IDLE_MS;
	ASSERT_EQ(start(&self->site), 0);
	slow = dial(&self->site);
	/* Its requests fill up, too, when the server does not read them any more. */
	for (int tries = 0; tries < 10; tries++) {
		while (send(slow, "{\"request\":\"large\",\"size\":50000}", 32, MSG_NOSIGNAL) > 0)
			sent++;
		ASSERT_TRUE(errno == EAGAIN || errno == EPIPE);
		nanosleep(&pause, NULL);
		fd = dial(&self->site);
		EXPECT_TRUE(answers(fd, HELLO, "\"ok\":true"));
		close(fd);
	}
	/* It is dropped without ever having been waited for. */
	while (send(slow, HELLO, strlen(HELLO), MSG_NOSIGNAL) < 0 && errno == EAGAIN)
		nanosleep(&pause, NULL);
	EXPECT_TRUE(errno == EPIPE || errno == ECONNRESET);
	for (const char *text = hear(slow); text && text[0]; text = hear(slow))
		heard++;
	EXPECT_GT(heard, 0);
	EXPECT_LT(heard, sent);
	fd = dial(&self->site);
	EXPECT_TRUE(answers(fd, HELLO, "\"ok\":true"));
}

/* One that takes its replies late gets all of them; they do not fit into its queue. */
TEST_F(control, late_client)
{
	static const char request[] = "{\"request\":\"large\",\"size\":50000}";
	const char *text;
	int fd, i;

	ASSERT_EQ(start(&self->site), 0);
	fd = dial(&self->site);
	for (i = 0; i < 20; i++)
		ASSERT_EQ(send(fd, request, strlen(request), MSG_NOSIGNAL),
			  (ssize_t)strlen(request));
	usleep(50000);
	for (i = 0; i < 20; i++) {
		text = hear(fd);
		ASSERT_NE(text, NULL);
		ASSERT_GT(strlen(text), 50000);
	}
}

TEST_F(control, too_many_clients)
{
	int fds[CONTROL_MAX_CLIENTS], fd, i;
	const char *text;

	ASSERT_EQ(start(&self->site), 0);
	for (i = 0; i < CONTROL_MAX_CLIENTS; i++) {
		fds[i] = dial(&self->site);
		ASSERT_GE(fds[i], 0);
	}
	EXPECT_TRUE(answers(fds[i - 1], HELLO, "\"ok\":true"));
	for (i = 0; i < 50; i++) {
		fd = dial(&self->site);
		text = hear(fd);
		ASSERT_NE(text, NULL);
		EXPECT_NE(strstr(text, "there are 16 clients already"), NULL);
		EXPECT_STREQ(hear(fd), "");
		close(fd);
	}
	/* the client says so, too */
	EXPECT_EQ(control_client_open(self->site.base, NULL, &self->site.message), -EREMOTEIO);
	EXPECT_NE(strstr(self->site.message.text, "there are 16 clients already"), NULL);
	close(fds[5]);
	/* It may still have to see that. */
	for (i = 0; i < 1000; i++) {
		fd = dial(&self->site);
		text = say(fd, HELLO, strlen(HELLO));
		if (text && strstr(text, "\"ok\":true"))
			break;
		close(fd);
		usleep(10000);
	}
	EXPECT_LT(i, 1000);
	EXPECT_TRUE(answers(fds[0], HELLO, "\"ok\":true"));
}

TEST_F(control, idle_client)
{
	int idle, busy;

	self->site.config.idle_ms = IDLE_MS;
	ASSERT_EQ(start(&self->site), 0);
	idle = dial(&self->site);
	busy = dial(&self->site);
	for (int i = 0; i < 20; i++) {
		if (!answers(busy, HELLO, "\"ok\":true"))
			break;
		usleep(IDLE_MS * 1000 / 10);
	}
	EXPECT_STREQ(hear(idle), "");
}

TEST_F(control, no_descriptors_left)
{
	struct rlimit old, few;
	struct rusage before, after;
	struct timeval user, system, used;
	int spare, fd, dir;
	const char *text;

	ASSERT_EQ(start(&self->site), 0);
	dir = control_dir_open(self->site.base, false, &self->site.message);
	/*
	 * The lowest free one is the last there is: for our side of the connection.
	 * poll() wants as many as it is given.
	 */
	getrlimit(RLIMIT_NOFILE, &old);
	do {
		spare = dup(0);
	} while (spare < 40);
	few = old;
	few.rlim_cur = (rlim_t)spare + 1;
	close(spare);
	ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
	fd = control_dir_connect(dir, "server");
	EXPECT_EQ(fd, spare);
	/* It waits for better times, but not by trying all the time. */
	ASSERT_EQ(send(fd, HELLO, strlen(HELLO), MSG_NOSIGNAL), (ssize_t)strlen(HELLO));
	getrusage(RUSAGE_SELF, &before);
	usleep(900000);
	getrusage(RUSAGE_SELF, &after);
	timersub(&after.ru_utime, &before.ru_utime, &user);
	timersub(&after.ru_stime, &before.ru_stime, &system);
	timeradd(&user, &system, &used);
	/* little, or a busy host would hide it */
	EXPECT_LT(used.tv_sec * 1000000 + used.tv_usec, 30000);
	setrlimit(RLIMIT_NOFILE, &old);
	text = hear(fd);
	ASSERT_NE(text, NULL);
	EXPECT_NE(strstr(text, "\"ok\":true"), NULL);
}

TEST_F(control, stop_with_clients)
{
	int idle, slow, i;

	ASSERT_EQ(start(&self->site), 0);
	idle = dial(&self->site);
	slow = dial(&self->site);
	EXPECT_TRUE(answers(idle, HELLO, "\"ok\":true"));
	for (i = 0; i < 20; i++)
		send(slow, "{\"request\":\"large\",\"size\":50000}", 32, MSG_NOSIGNAL);
	control_stop(self->site.server);
	self->site.server = NULL;
	EXPECT_STREQ(hear(idle), "");
	EXPECT_FALSE(exists(path(&self->site, "server.sock")));
	EXPECT_EQ(dial(&self->site), -ENOENT);
}

/* ---- Who may connect ---- */

static int say_as(struct control_site *site, uid_t uid)
{
	const char *text;
	int status, fd;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (!child) {
		if (setresuid(uid, uid, uid))
			_exit(100);
		/* without what control_dir_open() asks of a directory */
		fd = control_dir_connect(open(path(site, ""), O_PATH), "server");
		if (fd < 0)
			_exit(101);
		/* It may be closed before we have asked. */
		send(fd, HELLO, strlen(HELLO), MSG_NOSIGNAL);
		text = hear(fd);
		_exit(!text ? 102 : !text[0] ? 1 : strstr(text, "\"ok\":true") ? 0 : 103);
	}
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(control, other_users)
{
	ASSERT_EQ(getuid(), 0);
	ASSERT_EQ(start(&self->site), 0);
	/* the files' modes alone keep them out */
	EXPECT_EQ(say_as(&self->site, NOBODY), 101);
	EXPECT_EQ(say_as(&self->site, 0), 0);
	/* and without them the server does */
	ASSERT_EQ(chmod(self->site.base, 0755), 0);
	ASSERT_EQ(chmod(path(&self->site, ""), 0755), 0);
	ASSERT_EQ(chmod(path(&self->site, "server.sock"), 0666), 0);
	EXPECT_EQ(say_as(&self->site, NOBODY), 1);
	EXPECT_EQ(say_as(&self->site, 0), 0);
}

TEST_F(control, runner_of_a_user)
{
	pid_t child;

	ASSERT_EQ(chown(self->site.base, NOBODY, NOBODY), 0);
	child = start_child(&self->site, "server", NOBODY);
	ASSERT_GT(child, 0);
	EXPECT_EQ(say_as(&self->site, 0), 0);
	EXPECT_EQ(say_as(&self->site, NOBODY), 0);
	EXPECT_EQ(say_as(&self->site, NOBODY - 1), 101);
	/* root does not look into a directory that is not root's */
	EXPECT_EQ(control_client_open(self->site.base, "server", &self->site.message), -EPERM);
	end_child(child);
}

TEST_HARNESS_MAIN
