// SPDX-License-Identifier: GPL-2.0
/*
 * SOURCES: selftests/unit/control_site.c userspace/runner/control.c userspace/runner/control_client.c userspace/runner/control_dir.c userspace/runner/control_message.c userspace/runner/message.c
 * LIBS: -ljson-c
 */
/*
 * The directory of control sockets, who has which name there, and the client that
 * looks for runners in it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "../../userspace/runner/control_client.h"
#include "control_site.h"

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

/* ---- The directory ---- */

TEST_F(control, modes)
{
	struct stat stat;

	umask(0);
	ASSERT_EQ(start(&self->site), 0);
	ASSERT_EQ(lstat(path(&self->site, ""), &stat), 0);
	EXPECT_EQ(stat.st_mode, S_IFDIR | 0700);
	ASSERT_EQ(lstat(path(&self->site, "server.sock"), &stat), 0);
	EXPECT_EQ(stat.st_mode, S_IFSOCK | 0600);
}

/* Refused, with words; a server would not start there, and no client look. */
static bool is_refused(struct control_site *site, int error, const char *words)
{
	struct control_runners runners;
	unsigned int before = count_fds();
	int ret = start(site);

	if (ret != error || !strstr(site->message.text, words) || site->server) {
		fprintf(stderr, "# start: %d: %s\n", ret, site->message.text);
		return false;
	}
	ret = control_client_find(site->base, &runners, &site->message);
	if (ret != error || !strstr(site->message.text, words)) {
		fprintf(stderr, "# find: %d: %s\n", ret, site->message.text);
		return false;
	}
	return fds_become(before);
}

TEST_F(control, directories_not_to_be_trusted)
{
	char elsewhere[128], directory[128];

	ASSERT_EQ(mkdir(path(&self->site, ""), 0755), 0);
	EXPECT_TRUE(is_refused(&self->site, -EPERM, "not of mode 0700"));
	ASSERT_EQ(chmod(path(&self->site, ""), 0770), 0);
	EXPECT_TRUE(is_refused(&self->site, -EPERM, "not of mode 0700"));
	ASSERT_EQ(chmod(path(&self->site, ""), 0600), 0);
	EXPECT_TRUE(is_refused(&self->site, -EPERM, "not of mode 0700"));
	ASSERT_EQ(chmod(path(&self->site, ""), 0700), 0);
	ASSERT_EQ(chown(path(&self->site, ""), NOBODY, NOBODY), 0);
	EXPECT_TRUE(is_refused(&self->site, -EPERM, "not this user's"));
	ASSERT_EQ(chown(path(&self->site, ""), 0, 0), 0);

	/* others could put another in its place */
	ASSERT_EQ(chmod(self->site.base, 0770), 0);
	EXPECT_TRUE(is_refused(&self->site, -EPERM, "others may write to it"));
	ASSERT_EQ(chmod(self->site.base, 0700), 0);
	ASSERT_EQ(chown(self->site.base, NOBODY, NOBODY), 0);
	EXPECT_TRUE(is_refused(&self->site, -EPERM, "not this user's"));
	ASSERT_EQ(chown(self->site.base, 0, 0), 0);

	/* a link, though to one that would do; a file */
	snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", self->site.base);
	snprintf(directory, sizeof(directory), "%s/minivmx", self->site.base);
	ASSERT_EQ(rename(directory, elsewhere), 0);
	ASSERT_EQ(symlink("elsewhere", directory), 0);
	EXPECT_TRUE(is_refused(&self->site, -ENOTDIR, "Not a directory"));
	ASSERT_EQ(unlink(directory), 0);
	ASSERT_EQ(mknod(directory, S_IFREG | 0700, 0), 0);
	EXPECT_TRUE(is_refused(&self->site, -ENOTDIR, "Not a directory"));
	ASSERT_EQ(unlink(directory), 0);
	EXPECT_EQ(start(&self->site), 0);
}

TEST_F(control, no_directory)
{
	struct control_runners runners;

	/* Looking makes none. */
	EXPECT_EQ(control_client_find(self->site.base, &runners, &self->site.message), 0);
	EXPECT_EQ(runners.nr, 0);
	EXPECT_FALSE(exists(path(&self->site, "")));
	self->site.config.base = "/nonexistent";
	EXPECT_EQ(start(&self->site), -ENOENT);
	EXPECT_NE(strstr(self->site.message.text, "/nonexistent: No such file"), NULL);
}

TEST(where_it_is)
{
	struct message message;

	EXPECT_STREQ(control_base(&message), "/run");
	ASSERT_EQ(setresuid(NOBODY, NOBODY, NOBODY), 0);
	setenv("XDG_RUNTIME_DIR", "/run/user/1", 1);
	EXPECT_STREQ(control_base(&message), "/run/user/1");
	setenv("XDG_RUNTIME_DIR", "relative", 1);
	EXPECT_EQ(control_base(&message), NULL);
	unsetenv("XDG_RUNTIME_DIR");
	EXPECT_EQ(control_base(&message), NULL);
	EXPECT_NE(strstr(message.text, "XDG_RUNTIME_DIR"), NULL);
}

/* ---- Names ---- */

TEST(names)
{
	static const char *const good[] = { "a", "web-1", "_", "1a", "A_b-9" };
	static const char *const bad[] = {
		"", "1", "0123", ".", "..", "a/b", "a.b", "a b", "\xc3\xa9", "a\n",
	};
	char text[CONTROL_NAME_MAX + 2];

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		EXPECT_TRUE(control_name_is_valid(good[i]));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_FALSE(control_name_is_valid(bad[i]));
	memset(text, 'x', sizeof(text));
	text[CONTROL_NAME_MAX] = '\0';
	EXPECT_TRUE(control_name_is_valid(text));
	text[CONTROL_NAME_MAX] = 'x';
	text[CONTROL_NAME_MAX + 1] = '\0';
	EXPECT_FALSE(control_name_is_valid(text));
}

TEST_F(control, name_in_use)
{
	struct control *second;
	unsigned int before;
	int fd;

	ASSERT_EQ(start(&self->site), 0);
	before = count_fds();
	EXPECT_EQ(control_start(&self->site.config, &second, &self->site.message), -EADDRINUSE);
	EXPECT_NE(strstr(self->site.message.text, "the name 'server' is in use"), NULL);
	EXPECT_EQ(second, NULL);
	EXPECT_TRUE(fds_become(before));
	fd = dial(&self->site);
	EXPECT_TRUE(answers(fd, HELLO, "\"ok\":true"));
}

TEST_F(control, name_of_a_stopped_runner)
{
	struct control_runners runners;
	pid_t child = start_child(&self->site, "server", 0);
	int i;

	ASSERT_GT(child, 0);
	kill(child, SIGSTOP);
	waitpid(child, NULL, WUNTRACED);
	for (i = 0; i < 1000 && dial(&self->site) >= 0; i++)
		;
	EXPECT_EQ(dial(&self->site), -EAGAIN);
	EXPECT_EQ(start(&self->site), -EADDRINUSE);
	ASSERT_EQ(control_client_find(self->site.base, &runners, &self->site.message), 0);
	ASSERT_EQ(runners.nr, 1);
	EXPECT_STREQ(runners.list[0].name.text, "server");
	EXPECT_EQ(runners.list[0].fd, -1);
	EXPECT_EQ(control_client_open(self->site.base, "server", &self->site.message), -ETIMEDOUT);
	control_client_free(&runners);
	end_child(child);
	EXPECT_EQ(start(&self->site), 0);
}

TEST_F(control, dead_runners)
{
	struct control_runners runners;
	char pid[32];
	pid_t child, other;

	child = start_child(&self->site, "server", 0);
	other = start_child(&self->site, NULL, 0);
	ASSERT_GT(child, 0);
	ASSERT_GT(other, 0);
	snprintf(pid, sizeof(pid), "%d.sock", other);
	EXPECT_TRUE(exists(path(&self->site, pid)));
	end_child(child);
	end_child(other);
	EXPECT_TRUE(exists(path(&self->site, "server.sock")));
	EXPECT_TRUE(exists(path(&self->site, pid)));
	ASSERT_EQ(control_client_find(self->site.base, &runners, &self->site.message), 0);
	EXPECT_EQ(runners.nr, 0);
	EXPECT_EQ(control_client_open(self->site.base, "server", &self->site.message), -ESRCH);
	/* its own name is free, and the others are cleared away */
	EXPECT_EQ(start(&self->site), 0);
	EXPECT_TRUE(exists(path(&self->site, "server.sock")));
	EXPECT_FALSE(exists(path(&self->site, pid)));
}

TEST_F(control, something_else_has_the_name)
{
	struct control_runners runners;
	char target[128];
	int file;

	ASSERT_EQ(start(&self->site), 0);
	control_stop(self->site.server);
	self->site.server = NULL;
	snprintf(target, sizeof(target), "%s/target", self->site.base);

	/* a link to nothing, to a file, to a dead socket; a file; a directory */
	ASSERT_EQ(symlink(target, path(&self->site, "server.sock")), 0);
	EXPECT_EQ(start(&self->site), -EADDRINUSE);
	EXPECT_FALSE(exists(target));
	file = open(target, O_CREAT | O_WRONLY, 0600);
	EXPECT_EQ(start(&self->site), -EADDRINUSE);
	EXPECT_EQ(dial(&self->site), -ENOTSOCK);
	ASSERT_EQ(unlink(target), 0);
	ASSERT_EQ(mknod(target, S_IFSOCK | 0600, 0), 0);
	EXPECT_EQ(start(&self->site), -EADDRINUSE);
	EXPECT_EQ(dial(&self->site), -ENOTSOCK);
	EXPECT_TRUE(exists(target));
	EXPECT_TRUE(exists(path(&self->site, "server.sock")));
	ASSERT_EQ(rename(target, path(&self->site, "target.sock")), 0);
	ASSERT_EQ(unlink(path(&self->site, "server.sock")), 0);
	ASSERT_EQ(mknod(path(&self->site, "server.sock"), S_IFREG | 0600, 0), 0);
	EXPECT_EQ(start(&self->site), -EADDRINUSE);
	EXPECT_FALSE(exists(path(&self->site, "target.sock")));
	ASSERT_EQ(control_client_find(self->site.base, &runners, &self->site.message), 0);
	EXPECT_EQ(runners.nr, 0);
	ASSERT_EQ(unlink(path(&self->site, "server.sock")), 0);
	EXPECT_EQ(start(&self->site), 0);
	close(file);
}

/* One whose socket somebody removed does not take that of its successor along. */
TEST_F(control, removed_by_hand)
{
	struct control *first;
	int fd;

	ASSERT_EQ(control_start(&self->site.config, &first, &self->site.message), 0);
	ASSERT_EQ(unlink(path(&self->site, "server.sock")), 0);
	ASSERT_EQ(start(&self->site), 0);
	control_stop(first);
	EXPECT_TRUE(exists(path(&self->site, "server.sock")));
	fd = dial(&self->site);
	EXPECT_TRUE(answers(fd, HELLO, "\"ok\":true"));
	/* nor does it mind if there is nothing to remove */
	ASSERT_EQ(unlink(path(&self->site, "server.sock")), 0);
}

TEST_F(control, somebody_keeps_the_lock)
{
	unsigned int before;
	int dir = control_dir_open(self->site.base, true, &self->site.message);

	ASSERT_GE(dir, 0);
	ASSERT_EQ(control_dir_lock(dir), 0);
	before = count_fds();
	EXPECT_EQ(start(&self->site), -EWOULDBLOCK);
	EXPECT_NE(strstr(self->site.message.text, "cannot lock it"), NULL);
	EXPECT_TRUE(fds_become(before));
	control_dir_unlock(dir);
	EXPECT_EQ(start(&self->site), 0);
}

/* Many start and end at once under few names: never are there two of one name. */
TEST_F(control, races_for_a_name)
{
	pid_t children[4];
	int status, fd;

	fflush(stdout);
	for (size_t i = 0; i < ARRAY_SIZE(children); i++) {
		children[i] = fork();
		if (children[i])
			continue;
		for (int round = 0; round < 200; round++) {
			int ret = start(&self->site);

			if (ret == -EADDRINUSE)
				continue;
			/* while we have it, nobody else has */
			fd = ret ? -1 : open(path(&self->site, "owner"), O_CREAT | O_EXCL, 0600);
			if (fd < 0)
				_exit(1);
			close(fd);
			/* the others' knocking may fill its queue */
			do {
				fd = dial(&self->site);
			} while (fd == -EAGAIN);
			if (fd < 0 || !answers(fd, HELLO, "\"ok\":true"))
				_exit(2);
			close(fd);
			unlink(path(&self->site, "owner"));
			control_stop(self->site.server);
			self->site.server = NULL;
		}
		_exit(0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(children); i++) {
		waitpid(children[i], &status, 0);
		EXPECT_EQ(status, 0);
	}
}

/* ---- The client ---- */

TEST_F(control, which_runner)
{
	struct control_runners runners;
	char pid[2][16];
	pid_t child;
	int fd;

	EXPECT_EQ(control_client_open(self->site.base, NULL, &self->site.message), -ESRCH);
	EXPECT_NE(strstr(self->site.message.text, "there is no runner"), NULL);
	child = start_child(&self->site, NULL, 0);
	ASSERT_GT(child, 0);
	snprintf(pid[0], sizeof(pid[0]), "%d", child);
	snprintf(pid[1], sizeof(pid[1]), "%d", getpid());
	/* one: it is meant */
	fd = control_client_open(self->site.base, NULL, &self->site.message);
	ASSERT_GE(fd, 0);
	EXPECT_TRUE(answers(fd, HELLO, "\"ok\":true"));
	EXPECT_EQ(control_client_open(self->site.base, pid[1], &self->site.message), -ESRCH);
	EXPECT_NE(strstr(self->site.message.text, pid[1]), NULL);

	ASSERT_EQ(start(&self->site), 0);
	EXPECT_EQ(control_client_open(self->site.base, NULL, &self->site.message), -EMLINK);
	EXPECT_NE(strstr(self->site.message.text, "there are 2 runners, say which:"), NULL);
	EXPECT_NE(strstr(self->site.message.text, pid[0]), NULL);
	EXPECT_NE(strstr(self->site.message.text, "server (PID "), NULL);
	EXPECT_NE(strstr(self->site.message.text, pid[1]), NULL);
	EXPECT_GE(control_client_open(self->site.base, "server", &self->site.message), 0);
	EXPECT_GE(control_client_open(self->site.base, pid[0], &self->site.message), 0);
	EXPECT_GE(control_client_open(self->site.base, pid[1], &self->site.message), 0);
	EXPECT_EQ(control_client_open(self->site.base, "web", &self->site.message), -ESRCH);
	EXPECT_NE(strstr(self->site.message.text, "no runner 'web'"), NULL);

	ASSERT_EQ(control_client_find(self->site.base, &runners, &self->site.message), 0);
	ASSERT_EQ(runners.nr, 2);
	for (size_t i = 0; i < 2; i++) {
		EXPECT_EQ(runners.list[i].pid,
			  strcmp(runners.list[i].name.text, "server") ? child : getpid());
		EXPECT_EQ(fcntl(runners.list[i].fd, F_GETFD), FD_CLOEXEC);
	}
	control_client_free(&runners);
	end_child(child);
}

/* A runner that sends @text, with @nr_fds descriptors, whatever it is asked. */
static int ask_a_bad_one(struct control_site *site, const char *text, size_t len,
			 size_t nr_fds, bool hangs_up)
{
	char space[CMSG_SPACE(200 * sizeof(int))] = { 0 };
	struct iovec part = { (char *)text, len };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	struct json_object *reply = NULL;
	unsigned int before = count_fds();
	int pair[2], ret;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair))
		abort();
	if (nr_fds) {
		message.msg_control = space;
		message.msg_controllen = CMSG_SPACE(nr_fds * sizeof(int));
		*CMSG_FIRSTHDR(&message) = (struct cmsghdr) {
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS,
			.cmsg_len = CMSG_LEN(nr_fds * sizeof(int)),
		};
	}
	if (len && sendmsg(pair[1], &message, 0) != (ssize_t)len)
		abort();
	if (hangs_up)
		close(pair[1]);
	ret = control_client_ask(pair[0], control_client_request("hello"), &reply, NULL,
				 &site->message);
	json_object_put(reply);
	close(pair[0]);
	if (!hangs_up)
		close(pair[1]);
	return count_fds() == before ? ret : -EBADF;
}

TEST_F(control, bad_runners)
{
	static const struct {
		const char *text;
		int error;
		const char *words;
	} rows[] = {
		{ "{\"ok\":true}", 0, "" },
		{ "{\"ok\":false,\"error\":\"why\"}", -EREMOTEIO, "why" },
		{ "{\"ok\":true", -EPROTO, "reply is not JSON" },
		{ "[]", -EPROTO, "not a JSON object" },
		{ "{}", -EPROTO, "neither ok nor error" },
		{ "{\"ok\":1,\"error\":1}", -EPROTO, "neither ok nor error" },
		{ "", -ECONNRESET, "closed the connection" },
	};
	char *text = malloc(CONTROL_REPLY_MAX + 1);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		strcpy(self->site.message.text, "");
		EXPECT_EQ(ask_a_bad_one(&self->site, rows[i].text, strlen(rows[i].text), 0, true),
			  rows[i].error);
		EXPECT_NE(strstr(self->site.message.text, rows[i].words), NULL);
	}
	/* more bytes, and more descriptors, than there may be */
	memset(text, ' ', CONTROL_REPLY_MAX + 1);
	memcpy(text, "{\"ok\":true}", 11);
	EXPECT_EQ(ask_a_bad_one(&self->site, text, CONTROL_REPLY_MAX, 0, false), 0);
	EXPECT_EQ(ask_a_bad_one(&self->site, text, CONTROL_REPLY_MAX + 1, 3, false), -EMSGSIZE);
	EXPECT_EQ(ask_a_bad_one(&self->site, text, 11, CONTROL_MAX_FDS, false), 0);
	EXPECT_EQ(ask_a_bad_one(&self->site, text, 11, CONTROL_MAX_FDS + 1, false), -EMFILE);
	EXPECT_EQ(ask_a_bad_one(&self->site, text, 11, 200, false), -EMFILE);
	/* one that does not answer at all */
	EXPECT_EQ(ask_a_bad_one(&self->site, "", 0, 0, false), -ETIMEDOUT);
	free(text);
}

TEST_HARNESS_MAIN
