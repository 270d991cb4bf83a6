// SPDX-License-Identifier: GPL-2.0
/* SOURCES: selftests/unit/fake_minivmx.c RUNNER */
/*
 * The socket for gdb of a whole run: clients come, stop the guest, go and come again,
 * and are not to be trusted.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>

#include "../../userspace/runner/exit_status.h"
#include "runner_fixture.h"

static const struct fake_step spin[] = { { .op = FAKE_SPIN, .value = 1 } };
static const struct fake_step idle[] = { { .op = FAKE_STI }, { .op = FAKE_HLT } };
static const struct fake_step ends[] = { END(5) };

/* Each field is there, and takes any value. */
static struct minivmx_vmcs_field fields[] = {
#define FIELD(number, name, policy, meaning) { .encoding = number },
#include "../../module/fields.def"
#undef FIELD
};

/* Start it, and read from stderr where it waits. */
static uint16_t start_gdb(struct _test_data_runner *self, const struct fake_step *program)
{
	static const char words[] = "target remote 127.0.0.1:";
	char line[256] = "", *port = NULL;
	size_t len = 0;

	fake_vmcs = fields;
	fake_vmcs_nr = sizeof(fields) / sizeof(fields[0]);
	self->options.gdb = true;
	start(self, program);
	while (!strchr(line, '\n') && len < sizeof(line) - 1 &&
	       read(self->errors, line + len, 1) == 1)
		len++;
	port = strstr(line, words);
	if (!port)
		abort();
	return (uint16_t)atoi(port + strlen(words));
}

static int dial(uint16_t port)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)))
		abort();
	return fd;
}

static void say(int fd, const char *text)
{
	if (send(fd, text, strlen(text), MSG_NOSIGNAL) != (ssize_t)strlen(text))
		abort();
}

/* Whether these bytes come next, and within 10 seconds. */
static bool hears(int fd, const char *wanted)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };
	char text[256] = "";
	size_t len = 0;

	while (len < strlen(wanted) && poll(&pollfd, 1, 10000) == 1 &&
	       read(fd, text + len, 1) == 1)
		len++;
	if (!strcmp(text, wanted))
		return true;
	fprintf(stderr, "# heard: %s\n", text);
	return false;
}

static bool is_silent(int fd)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };

	return poll(&pollfd, 1, 200) == 0;
}

#define STOPPED	"$T02thread:1;#d4"
#define EXITED	"$W0b#e9"

TEST_F(runner, it_waits_for_gdb)
{
	int fd = dial(start_gdb(self, ends));

	say(fd, "$?#3f");
	ASSERT_TRUE(hears(fd, "+" STOPPED));
	/* It would have ended. */
	EXPECT_TRUE(is_silent(fd));
	say(fd, "+$c#63");
	EXPECT_TRUE(hears(fd, "+" EXITED));
	EXPECT_EQ(finish(self), 11);
}

TEST_F(runner, interrupts)
{
	static const struct fake_step *const programs[] = { spin, idle };
	size_t i;
	int fd;

	for (i = 0; i < 2; i++) {
		fd = dial(start_gdb(self, programs[i]));
		say(fd, "$c#63");
		ASSERT_TRUE(hears(fd, "+"));
		EXPECT_TRUE(is_silent(fd));
		say(fd, "\003");
		ASSERT_TRUE(hears(fd, STOPPED));
		/* Another one comes too late. */
		say(fd, "\003");
		EXPECT_TRUE(is_silent(fd));
		/* What was sent together with a resumption counts, too. */
		say(fd, "$c#63\003");
		ASSERT_TRUE(hears(fd, "+" STOPPED));
		say(fd, "$k#6b");
		EXPECT_EQ(finish(self), STATUS_OK);
		EXPECT_TRUE(says(self, "ended by gdb"));
		close(fd);
	}
}

TEST_F(runner, clients_go_and_come)
{
	uint16_t port = start_gdb(self, spin);
	int fd = dial(port), second;

	/* One at a time. */
	say(fd, "$qC#b4");
	ASSERT_TRUE(hears(fd, "+$QC1#c5"));
	second = dial(port);
	say(second, "$qC#b4");
	EXPECT_TRUE(is_silent(second));
	say(fd, "$D#44");
	EXPECT_TRUE(hears(fd, "+$OK#9a"));
	EXPECT_TRUE(hears(second, "+$QC1#c5"));
	say(second, "$?#3f");
	EXPECT_TRUE(hears(second, "+" STOPPED));
	close(second);
	/* One that is gone while the guest runs, or stands still, or in a packet. */
	fd = dial(port);
	say(fd, "$c#63");
	ASSERT_TRUE(hears(fd, "+"));
	close(fd);
	close(dial(port));
	fd = dial(port);
	say(fd, "$m10");
	close(fd);
	fd = dial(port);
	say(fd, "$k#6b");
	EXPECT_EQ(finish(self), STATUS_OK);
}

/* It sends requests and reads no replies: it is dropped when there is no room. */
TEST_F(runner, a_client_that_does_not_read)
{
	uint16_t port = start_gdb(self, spin);
	struct pollfd pollfd = { .fd = dial(port), .events = POLLOUT };
	ssize_t n;
	int fd;

	/* Replies are longer than requests: their way is full before this one is. */
	do
		n = send(pollfd.fd, "$m0,800#61", 10, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n > 0 || (errno == EAGAIN && poll(&pollfd, 1, 10000) == 1));
	EXPECT_NE(EAGAIN, errno);
	fd = dial(port);
	say(fd, "$k#6b");
	EXPECT_EQ(finish(self), STATUS_OK);
}

TEST_F(runner, ends_while_it_waits)
{
	self->options.timeout_ns = 200000000;
	start_gdb(self, spin);
	EXPECT_EQ(finish(self), STATUS_TIMEOUT);
	self->options.timeout_ns = 0;
	start_gdb(self, spin);
	kill(self->child, SIGTERM);
	EXPECT_EQ(finish(self), -SIGTERM);
}

TEST_F(runner, memory_and_breakpoints)
{
	int fd = dial(start_gdb(self, spin));

	/* The image is one HLT at 7c00. */
	say(fd, "$m7c00,2#c5");
	ASSERT_TRUE(hears(fd, "+$f400#fa"));
	say(fd, "$Z0,7c00,1#0d");
	ASSERT_TRUE(hears(fd, "+$OK#9a"));
	say(fd, "$m7c00,2#c5");
	ASSERT_TRUE(hears(fd, "+$f400#fa"));
	say(fd, "$M7c00,1:90#47");
	ASSERT_TRUE(hears(fd, "+$OK#9a"));
	say(fd, "$z0,7c00,1#2d");
	ASSERT_TRUE(hears(fd, "+$OK#9a"));
	say(fd, "$m7c00,2#c5");
	ASSERT_TRUE(hears(fd, "+$9000#c9"));
	/* Not aligned, of a size that there is not, and a fifth. */
	say(fd, "$Z2,7c01,2#11");
	ASSERT_TRUE(hears(fd, "+$E16#ac"));
	say(fd, "$Z2,7c00,3#11");
	ASSERT_TRUE(hears(fd, "+$E16#ac"));
	say(fd, "$Z3,7c00,1#10");
	ASSERT_TRUE(hears(fd, "+$#00"));
	say(fd, "$Z1,1,1#45$Z1,2,1#46$Z1,3,1#47$Z1,4,1#48$Z1,4,1#48$Z1,5,1#49");
	ASSERT_TRUE(hears(fd, "+$OK#9a+$OK#9a+$OK#9a+$OK#9a+$OK#9a+$E1c#d9"));
	say(fd, "$k#6b");
	EXPECT_EQ(finish(self), STATUS_OK);
}

TEST_F(runner, port_in_use)
{
	self->options.gdb_port = start_gdb(self, spin);
	kill(self->child, SIGKILL);
	finish(self);
	/* Free again at once. */
	EXPECT_EQ(self->options.gdb_port, start_gdb(self, spin));
	{
		struct _test_data_runner second = *self;

		EXPECT_EQ(run(&second, spin), STATUS_HOST);
		EXPECT_TRUE(says(&second, "Address already in use"));
	}
}

TEST_HARNESS_MAIN
