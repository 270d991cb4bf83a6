// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "array.h"
#include "debugger.h"
#include "gdb.h"
#include "gdb_target.h"

#define CHUNK	4096

/**
 * struct debugger - the debugger
 * @session: whose it is
 * @gdb: the connection
 * @target: the vCPU
 * @listener: waits for clients
 * @client: the one there is, or -1
 * @wake: ends a wait of the vCPU's thread
 * @is_waiting: it waits
 * @is_lost: the client has gone, or does not read
 * @stopped: the guest stands still
 * @stopping: the last exit is being finished, so that it can
 * @is_news: the client does not know that yet
 */
struct debugger {
	struct session *session;
	struct gdb gdb;
	struct gdb_target target;
	int listener;
	int client;
	int wake;
	bool is_waiting;
	bool is_lost;
	bool stopped;
	bool stopping;
	bool is_news;
};

/* ---- The client ---- */

/*
 * It has read the last reply when it asks for the next: one for which the socket has
 * no room is to nobody.
 */
static void send_bytes(void *connection, const char *bytes, size_t size)
{
	struct debugger *d = connection;

	if (send(d->client, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)size)
		d->is_lost = true;
}

static void failed(struct debugger *d, int error)
{
	session_end(d->session, OUTCOME_RUN_FAILED, -error);
}

static void take_client(struct debugger *d)
{
	const int one = 1;
	enum gdb_arch arch;
	int ret;

	d->client = accept4(d->listener, NULL, NULL, SOCK_CLOEXEC);
	if (d->client < 0)
		return;
	setsockopt(d->client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	d->is_lost = false;
	ret = gdb_target_arch(&d->target, &arch);
	if (ret) {
		failed(d, ret);
		return;
	}
	gdb_connect(&d->gdb, &gdb_target_ops, &d->target, arch, send_bytes, d);
	/* It will ask how things stand, when they do. */
	d->stopping = !d->stopped;
	d->is_news = false;
}

/* The client has gone: the guest goes on. */
static void drop_client(struct debugger *d)
{
	int ret;

	close(d->client);
	d->client = -1;
	d->stopping = false;
	d->stopped = false;
	ret = gdb_target_release(&d->target);
	if (ret)
		failed(d, ret);
}

static void resume(struct debugger *d, bool step)
{
	int ret = gdb_target_resume(&d->target, step);

	d->stopped = false;
	if (ret)
		failed(d, ret);
}

static void do_action(struct debugger *d, enum gdb_action action)
{
	switch (action) {
	case GDB_NOTHING:
		break;
	case GDB_CONTINUE:
	case GDB_STEP:
		resume(d, action == GDB_STEP);
		break;
	case GDB_INTERRUPT:
		/* It may come late, when the guest has stopped by itself. */
		if (!d->stopped) {
			d->stopping = true;
			d->is_news = true;
		}
		break;
	case GDB_DETACH:
		d->is_lost = true;
		break;
	case GDB_KILL:
		d->is_lost = true;
		session_end(d->session, OUTCOME_DEBUGGER, 0);
		break;
	}
}

static void read_client(struct debugger *d)
{
	uint8_t bytes[CHUNK];
	ssize_t i, n = recv(d->client, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		d->is_lost = true;
	for (i = 0; i < n && !d->is_lost; i++)
		do_action(d, gdb_byte(&d->gdb, bytes[i]));
	if (d->is_lost)
		drop_client(d);
}

static void look(struct debugger *d)
{
	if (d->client < 0)
		take_client(d);
	else
		read_client(d);
}

static int watched(const struct debugger *d)
{
	return d->client < 0 ? d->listener : d->client;
}

/* Wait for the client, or for one, without the lock. */
static void wait_for_client(struct debugger *d)
{
	struct pollfd fds[] = {
		{ .fd = d->wake, .events = POLLIN },
		{ .fd = watched(d), .events = POLLIN },
	};
	uint64_t count;
	ssize_t n;

	d->is_waiting = true;
	pthread_mutex_unlock(&d->session->machine->lock);
	poll(fds, 2, -1);
	pthread_mutex_lock(&d->session->machine->lock);
	d->is_waiting = false;
	if (fds[0].revents) {
		n = read(d->wake, &count, sizeof(count));
		/* There is nothing else to do about it. */
		(void)n;
	}
	if (fds[1].revents && d->session->outcome == OUTCOME_NONE)
		look(d);
}

void debugger_wake(struct debugger *d)
{
	const uint64_t one = 1;
	ssize_t n;

	if (!d->is_waiting)
		return;
	n = write(d->wake, &one, sizeof(one));
	/* It can only fail when it is awake already. */
	(void)n;
}

bool debugger_has_guest(const struct debugger *d)
{
	return d->client >= 0 || d->stopped;
}

void debugger_call(struct session *s)
{
	s->debugger_calls = true;
	session_kick(s);
}

/* ---- Around a RUN ---- */

static void stop(struct debugger *d, enum gdb_stop why, const struct gdb_point *point)
{
	const bool is_news = d->is_news || !d->stopping;

	d->stopped = true;
	d->stopping = false;
	d->is_news = false;
	if (is_news)
		gdb_stopped(&d->gdb, why, point);
	if (d->is_lost)
		drop_client(d);
}

bool debugger_before_run(struct session *s)
{
	struct debugger *d = s->debugger;
	int ret;

	if (!d)
		return false;
	if (s->debugger_calls) {
		s->debugger_calls = false;
		if (!d->stopped && !d->stopping)
			look(d);
		if (!d->stopping)
			io_watch_debugger(s, watched(d));
	}
	if (d->stopped) {
		while (d->stopped && s->outcome == OUTCOME_NONE)
			wait_for_client(d);
		io_watch_debugger(s, watched(d));
	}
	if (d->stopping) {
		s->cpus[0].run->request = MINIVMX_REQ_EXIT_NOW;
		return true;
	}
	ret = gdb_target_prepare(&d->target);
	if (ret < 0)
		failed(d, ret);
	return ret;
}

bool debugger_after_run(struct session *s)
{
	struct debugger *d = s->debugger;
	struct gdb_point point;
	int ret;

	if (!d)
		return false;
	if (d->stopping && s->cpus[0].run->kind == MINIVMX_EXIT_INTR) {
		s->cpus[0].run->action = MINIVMX_RETRY;
		ret = gdb_target_halt(&d->target);
		if (ret)
			failed(d, ret);
		else
			stop(d, GDB_STOP_ASKED, NULL);
		return true;
	}
	ret = gdb_target_exit(&d->target, &point);
	switch (ret) {
	case GDB_EXIT_OTHER:
		return false;
	case GDB_EXIT_HANDLED:
		break;
	case GDB_EXIT_STEPPED:
		stop(d, GDB_STOP_STEP, NULL);
		break;
	case GDB_EXIT_POINT:
		stop(d, GDB_STOP_POINT, &point);
		break;
	default:
		failed(d, ret);
	}
	return true;
}

/* ---- Start and end ---- */

static int listen_on(struct debugger *d, uint16_t *port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(*port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t size = sizeof(address);
	const int one = 1;

	d->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (d->listener < 0)
		return -errno;
	setsockopt(d->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(d->listener, (const struct sockaddr *)&address, sizeof(address)) ||
	    listen(d->listener, 1) ||
	    getsockname(d->listener, (struct sockaddr *)&address, &size))
		return -errno;
	*port = ntohs(address.sin_port);
	return 0;
}

static int set_up(struct debugger *d, uint16_t *port)
{
	struct session *s = d->session;
	struct minivmx_info info;
	int ret = minivmx_get_info(s->vm.device, &info);

	if (!ret)
		ret = gdb_target_init(&d->target, s->cpus[0].vcpu.fd, s->cpus[0].run, &s->memory,
				      info.xsave_size);
	if (ret)
		return ret;
	d->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (d->wake < 0)
		return -errno;
	return listen_on(d, port);
}

static void destroy(struct debugger *d)
{
	const int fds[] = { d->client, d->listener, d->wake };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	gdb_target_free(&d->target);
	free(d);
}

int debugger_start(struct session *s)
{
	uint16_t port = s->options->gdb_port;
	struct debugger *d;
	int ret;

	if (!s->options->gdb)
		return 0;
	d = calloc(1, sizeof(*d));
	ret = -ENOMEM;
	if (d) {
		d->session = s;
		d->client = d->listener = d->wake = -1;
		d->stopped = true;
		ret = set_up(d, &port);
	}
	if (ret) {
		fprintf(stderr, "minivmx: cannot wait for gdb on port %u: %s\n", port,
			strerror(-ret));
		if (d)
			destroy(d);
		return -1;
	}
	s->debugger = d;
	fprintf(stderr, "minivmx: the guest waits for: gdb -ex 'target remote 127.0.0.1:%u'\n",
		port);
	return 0;
}

void debugger_stop(struct session *s, int status)
{
	struct debugger *d = s->debugger;

	if (!d)
		return;
	pthread_mutex_lock(&s->machine->lock);
	s->debugger = NULL;
	pthread_mutex_unlock(&s->machine->lock);
	/* One that was not waiting for it does not expect it. */
	if (d->client >= 0 && d->gdb.running)
		gdb_exited(&d->gdb, status);
	destroy(d);
}
