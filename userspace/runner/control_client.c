// SPDX-License-Identifier: GPL-2.0
/* The client of the control socket: see control_client.h. */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "control_client.h"
#include "control_message.h"

#define PATIENCE_MS	3000

/* ---- Which runners there are ---- */

/* Who listens: the kernel's word. */
static int peer_of(int fd, pid_t *pid)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size))
		return -errno;
	if (peer.uid && peer.uid != geteuid())
		return -EPERM;
	*pid = peer.pid;
	return 0;
}

static int add_runner(void *context, int dir, const char *name)
{
	struct control_runners *runners = context;
	struct control_runner runner = { .pid = 0 }, *list;
	int ret;

	snprintf(runner.name.text, sizeof(runner.name.text), "%s", name);
	runner.fd = control_dir_connect(dir, name);
	if (runner.fd >= 0) {
		ret = peer_of(runner.fd, &runner.pid);
		if (ret) {
			close(runner.fd);
			return 0;
		}
	} else if (runner.fd == -EAGAIN) {
		/* It lives, but is stopped or very busy. */
		runner.fd = -1;
		if (!control_name_is_valid(name))
			runner.pid = atoi(name);
	} else {
		/* If we cannot open more, say so; all else is no runner, or no more. */
		return runner.fd == -EMFILE || runner.fd == -ENFILE ? runner.fd : 0;
	}
	list = realloc(runners->list, (runners->nr + 1) * sizeof(*list));
	if (!list) {
		if (runner.fd >= 0)
			close(runner.fd);
		return -ENOMEM;
	}
	runners->list = list;
	runners->list[runners->nr++] = runner;
	return 0;
}

static int by_pid(const void *a, const void *b)
{
	const struct control_runner *x = a, *y = b;

	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

int control_client_find(const char *base, struct control_runners *runners,
			struct message *message)
{
	int ret, dir = control_dir_open(base, false, message);

	*runners = (struct control_runners) { NULL, 0 };
	/* Nobody has run anything since the machine was booted. */
	if (dir == -ENOENT)
		return 0;
	if (dir < 0)
		return dir;
	ret = control_dir_for_each(dir, add_runner, runners);
	close(dir);
	if (ret) {
		fail(message, "cannot look for runners in %s/minivmx: %s", base,
		     strerror(-ret));
		control_client_free(runners);
		return ret;
	}
	if (runners->nr)
		qsort(runners->list, runners->nr, sizeof(runners->list[0]), by_pid);
	return 0;
}

void control_client_free(struct control_runners *runners)
{
	size_t i;

	for (i = 0; i < runners->nr; i++)
		if (runners->list[i].fd >= 0)
			close(runners->list[i].fd);
	free(runners->list);
	*runners = (struct control_runners) { NULL, 0 };
}

/* ---- One of them ---- */

static bool is_meant(const struct control_runner *runner, const char *which)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", runner->pid);
	return !which || !strcmp(runner->name.text, which) || !strcmp(pid, which);
}

static void name_all(const struct control_runners *runners, struct message *message)
{
	const struct control_runner *runner;
	size_t i, len;

	fail(message, "there are %zu runners, say which:", runners->nr);
	for (i = 0; i < runners->nr; i++) {
		runner = &runners->list[i];
		len = strlen(message->text);
		snprintf(message->text + len, sizeof(message->text) - len,
			 control_name_is_valid(runner->name.text) ? " %s (PID %d)" : " %s",
			 runner->name.text, runner->pid);
	}
}

static int choose(const struct control_runners *runners, const char *which,
		  struct message *message)
{
	size_t i, found = runners->nr;

	for (i = 0; i < runners->nr; i++) {
		if (!is_meant(&runners->list[i], which))
			continue;
		if (found < runners->nr) {
			name_all(runners, message);
			return -EMLINK;
		}
		found = i;
	}
	if (found < runners->nr)
		return (int)found;
	if (which)
		fail(message, "there is no runner '%s': see minivmx list", which);
	else
		fail(message, "there is no runner: minivmx run starts one");
	return -ESRCH;
}

static int check_protocol(int fd, struct message *message)
{
	struct json_object *reply;
	int protocol, ret;

	ret = control_client_ask(fd, control_client_request("hello"), &reply, NULL, message);
	if (ret)
		return ret;
	protocol = json_object_get_int(json_object_object_get(reply, "protocol"));
	json_object_put(reply);
	if (protocol == CONTROL_PROTOCOL)
		return 0;
	fail(message, "the runner speaks version %d of the control protocol, and this minivmx %d",
	     protocol, CONTROL_PROTOCOL);
	return -EPROTO;
}

int control_client_open(const char *base, const char *which, struct message *message)
{
	struct control_runners runners;
	int i, fd, ret;

	ret = control_client_find(base, &runners, message);
	if (ret)
		return ret;
	i = choose(&runners, which, message);
	if (i < 0) {
		control_client_free(&runners);
		return i;
	}
	fd = runners.list[i].fd;
	runners.list[i].fd = -1;
	control_client_free(&runners);
	if (fd < 0) {
		fail(message, "the runner does not answer");
		return -ETIMEDOUT;
	}
	ret = check_protocol(fd, message);
	if (!ret)
		return fd;
	close(fd);
	return ret;
}

int control_client_process(int fd, pid_t *pid)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	*pid = 0;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size))
		return -1;
	*pid = peer.pid;
	return pidfd_open(peer.pid, 0);
}

/* ---- A request ---- */

struct json_object *control_client_request(const char *name)
{
	struct json_object *request = json_object_new_object();

	json_object_object_add(request, "request", json_object_new_string(name));
	return request;
}

static int64_t clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static int wait_for(int fd, short events, int64_t until)
{
	struct pollfd ready = { .fd = fd, .events = events };
	int64_t left;
	int n;

	do {
		left = until - clock_ms();
		n = left > 0 ? poll(&ready, 1, (int)left) : 0;
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n ? 0 : -ETIMEDOUT;
}

static int send_request(int fd, struct json_object *request, int64_t until)
{
	int ret = control_message_send(fd, request, NULL, 0);

	while (ret == -EAGAIN || ret == -EINTR) {
		ret = wait_for(fd, POLLOUT, until);
		if (!ret)
			ret = control_message_send(fd, request, NULL, 0);
	}
	/* It closed the connection, but may have said why. */
	return ret == -EPIPE || ret == -ECONNRESET ? 0 : ret;
}

static void close_all(struct control_fds *fds)
{
	while (fds->nr)
		close(fds->list[--fds->nr]);
}

/* What came with a message; no more than there is room for in @fds. */
static void take_fds(struct msghdr *message, struct control_fds *fds)
{
	struct cmsghdr *header;
	size_t bytes;

	fds->nr = 0;
	for (header = CMSG_FIRSTHDR(message); header; header = CMSG_NXTHDR(message, header)) {
		if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
			continue;
		/* The kernel puts all into one. */
		bytes = header->cmsg_len - CMSG_LEN(0);
		memcpy(fds->list, CMSG_DATA(header), bytes);
		fds->nr = bytes / sizeof(int);
	}
}

static ssize_t receive_message(int fd, char *text, struct control_fds *fds)
{
	union control_fd_space space = { 0 };
	struct iovec part = { .iov_base = text, .iov_len = CONTROL_REPLY_MAX };
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &space,
		.msg_controllen = sizeof(space),
	};
	ssize_t n = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n < 0)
		return -errno;
	take_fds(&message, fds);
	if (message.msg_flags & MSG_TRUNC)
		return -EMSGSIZE;
	return message.msg_flags & MSG_CTRUNC ? -EMFILE : n;
}

static ssize_t receive(int fd, char *text, struct control_fds *fds, int64_t until)
{
	bool was_reset = false;
	ssize_t n;

	for (;;) {
		n = receive_message(fd, text, fds);
		if (n == -ECONNRESET && !was_reset) {
			/* It did not read our request; what it said comes after that. */
			was_reset = true;
			continue;
		}
		if (n != -EAGAIN && n != -EINTR)
			return n ? n : -ECONNRESET;
		n = wait_for(fd, POLLIN, until);
		if (n)
			return n;
	}
}

/* The reply that @text is; its errno if it is a refusal or none. */
static int read_reply(const char *text, size_t len, struct json_object **reply,
		      struct message *message)
{
	struct json_object *ok;
	struct message why;

	*reply = control_message_parse(text, len, 0, &why);
	if (!*reply) {
		fail(message, "the runner's reply is %s", why.text);
		return -EPROTO;
	}
	ok = json_object_object_get(*reply, "ok");
	if (json_object_is_type(ok, json_type_boolean) && json_object_get_boolean(ok))
		return 0;
	if (json_object_is_type(json_object_object_get(*reply, "error"), json_type_string)) {
		fail(message, "%s",
		     json_object_get_string(json_object_object_get(*reply, "error")));
		return -EREMOTEIO;
	}
	fail(message, "the runner's reply has neither ok nor error");
	return -EPROTO;
}

static int exchange(int fd, struct json_object *request, char *text,
		    struct json_object **reply, struct control_fds *fds,
		    struct message *message)
{
	const int64_t until = clock_ms() + PATIENCE_MS;
	ssize_t n = send_request(fd, request, until);

	if (!n)
		n = receive(fd, text, fds, until);
	if (n == -EMSGSIZE)
		fail(message, "the request or the runner's reply is too large");
	else if (n == -EMFILE)
		fail(message, "the runner's descriptors are too many to be taken");
	else if (n == -ETIMEDOUT)
		fail(message, "the runner does not answer");
	else if (n == -ECONNRESET)
		fail(message, "the runner has closed the connection");
	else if (n < 0)
		fail(message, "cannot talk to the runner: %s", strerror((int)-n));
	if (n < 0)
		return (int)n;
	text[n] = '\0';
	return read_reply(text, (size_t)n, reply, message);
}

int control_client_ask(int fd, struct json_object *request, struct json_object **reply,
		       struct control_fds *fds, struct message *message)
{
	char *text = malloc(CONTROL_REPLY_MAX + 1);
	struct control_fds came = { .nr = 0 };
	int ret;

	*reply = NULL;
	if (text) {
		ret = exchange(fd, request, text, reply, &came, message);
	} else {
		fail(message, "no memory for a reply");
		ret = -ENOMEM;
	}
	free(text);
	json_object_put(request);
	if (ret) {
		json_object_put(*reply);
		*reply = NULL;
	}
	if (ret || !fds)
		close_all(&came);
	if (fds)
		*fds = came;
	return ret;
}
