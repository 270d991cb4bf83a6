// SPDX-License-Identifier: GPL-2.0
/*
 * The other end of the cable is libslirp: a network of the user's own, 10.0.2.0/24 and
 * fd00::/64, with a DHCP and a DNS server and a router to wherever the runner itself may
 * connect to. It needs no privilege.
 *
 * libslirp wants to be polled: which descriptors it waits for changes all the time, and so
 * they are in an epoll of their own, which is what the worker waits for.
 */
#include <errno.h>
#include <slirp/libslirp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "../virtio/iov.h"
#include "../virtio/net.h"

#define MAX_SOCKETS	1024
#define FRAME_MAX	(1 << 16)
#define NS_PER_MS	1000000LL

/* Waited for in any case, and so a socket with no other events is told from none. */
#define ALWAYS		EPOLLERR

/* A descriptor that libslirp asked for. */
struct slirp_socket {
	int fd;
	uint32_t events;	/* it waits for */
	uint32_t ready;
};

/* One of its timers: when it is due, in ms of its clock, or -1. */
struct slirp_timer {
	SlirpTimerCb callback;
	void *context;
	int64_t due;
	struct slirp_timer *next;
};

/**
 * struct slirp_end - the network
 * @end: as the device sees it
 * @slirp: the library's state
 * @epoll: of @sockets and @timer_fd
 * @timer_fd: for whatever is due next
 * @sockets: what is waited for since it was last asked
 * @nr_sockets: how many
 * @known: by descriptor, the events that are in @epoll; 0: it is not
 * @timers: list of its timers
 * @frame: one that the guest sends
 */
struct slirp_end {
	struct net_end end;
	Slirp *slirp;
	int epoll;
	int timer_fd;
	struct slirp_socket sockets[MAX_SOCKETS];
	unsigned int nr_sockets;
	uint32_t known[MAX_SOCKETS];
	struct slirp_timer *timers;
	uint8_t frame[FRAME_MAX];
};

static struct slirp_end *slirp_end_of(const struct net_end *end)
{
	return (struct slirp_end *)end;
}

/* ---- What libslirp calls ---- */

static ssize_t on_packet(const void *bytes, size_t size, void *context)
{
	static uint8_t header[NET_HEADER_SIZE];
	struct slirp_end *s = context;
	const struct iovec iov[] = {
		{ header, sizeof(header) },
		{ (void *)bytes, size },
	};

	s->end.receive(s->end.receiver, iov, 2);
	return (ssize_t)size;
}

/* A guest may send what it likes; that is for nobody's log. */
static void on_guest_error(const char *message, void *context)
{
	(void)message;
	(void)context;
}

static int64_t on_clock(void *context)
{
	struct timespec now;

	(void)context;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 * NS_PER_MS + now.tv_nsec;
}

static void *on_timer_new(SlirpTimerCb callback, void *callback_context, void *context)
{
	struct slirp_end *s = context;
	struct slirp_timer *timer = calloc(1, sizeof(*timer));

	if (!timer)
		return NULL;
	timer->callback = callback;
	timer->context = callback_context;
	timer->due = -1;
	timer->next = s->timers;
	s->timers = timer;
	return timer;
}

static void on_timer_free(void *timer, void *context)
{
	struct slirp_end *s = context;
	struct slirp_timer **place = &s->timers;

	while (*place && *place != timer)
		place = &(*place)->next;
	if (*place)
		*place = (*place)->next;
	free(timer);
}

static void on_timer_mod(void *timer, int64_t due, void *context)
{
	(void)context;
	if (timer)
		((struct slirp_timer *)timer)->due = due;
}

/* A number that is used again is another socket. */
static void forget_socket(int fd, void *context)
{
	struct slirp_end *s = context;

	if (fd < 0 || fd >= MAX_SOCKETS || !s->known[fd])
		return;
	epoll_ctl(s->epoll, EPOLL_CTL_DEL, fd, NULL);
	s->known[fd] = 0;
}

static void on_notify(void *context)
{
	(void)context;
}

static const SlirpCb callbacks = {
	.send_packet = on_packet,
	.guest_error = on_guest_error,
	.clock_get_ns = on_clock,
	.timer_new = on_timer_new,
	.timer_free = on_timer_free,
	.timer_mod = on_timer_mod,
	.register_poll_fd = forget_socket,
	.unregister_poll_fd = forget_socket,
	.notify = on_notify,
};

/* ---- Polling ---- */

/* libslirp's events and those of epoll. */
static const struct {
	int slirp;
	uint32_t epoll;
} events_table[] = {
	{ SLIRP_POLL_IN, EPOLLIN },
	{ SLIRP_POLL_OUT, EPOLLOUT },
	{ SLIRP_POLL_PRI, EPOLLPRI },
	{ SLIRP_POLL_ERR, EPOLLERR },
	{ SLIRP_POLL_HUP, EPOLLHUP },
};

#define NR_EVENTS	(sizeof(events_table) / sizeof(events_table[0]))

static int on_add_poll(int fd, int events, void *context)
{
	struct slirp_end *s = context;
	struct slirp_socket *socket = &s->sockets[s->nr_sockets];
	unsigned int i;

	if (s->nr_sockets == MAX_SOCKETS || fd < 0 || fd >= MAX_SOCKETS)
		return -1;
	*socket = (struct slirp_socket) { .fd = fd, .events = ALWAYS };
	for (i = 0; i < NR_EVENTS; i++)
		if (events & events_table[i].slirp)
			socket->events |= events_table[i].epoll;
	return (int)s->nr_sockets++;
}

static int on_get_ready(int index, void *context)
{
	const struct slirp_end *s = context;
	int events = 0;
	unsigned int i;

	if (index < 0)
		return 0;
	for (i = 0; i < NR_EVENTS; i++)
		if (s->sockets[index].ready & events_table[i].epoll)
			events |= events_table[i].slirp;
	return events;
}

static void watch_socket(struct slirp_end *s, unsigned int index)
{
	const struct slirp_socket *socket = &s->sockets[index];
	struct epoll_event event = { .events = socket->events, .data.u32 = index };

	if (epoll_ctl(s->epoll, s->known[socket->fd] ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, socket->fd,
		      &event))
		return;
	s->known[socket->fd] = socket->events;
}

static void arm_timer(struct slirp_end *s, uint32_t timeout_ms)
{
	const int64_t now = on_clock(s) / NS_PER_MS;
	int64_t due = timeout_ms == UINT32_MAX ? -1 : now + timeout_ms;
	const struct slirp_timer *timer;
	struct itimerspec spec = { 0 };

	for (timer = s->timers; timer; timer = timer->next)
		if (timer->due >= 0 && (due < 0 || timer->due < due))
			due = timer->due;
	if (due >= 0) {
		/* Zero would disarm it. */
		const int64_t wait = due > now ? due - now : 0;

		spec.it_value.tv_sec = wait / 1000;
		spec.it_value.tv_nsec = wait % 1000 * NS_PER_MS + 1;
	}
	timerfd_settime(s->timer_fd, 0, &spec, NULL);
}

/* Have libslirp say which descriptors it waits for, and until when. */
static void ask(struct slirp_end *s)
{
	uint32_t timeout = UINT32_MAX;
	unsigned int i;
	uint32_t wanted[MAX_SOCKETS] = { 0 };

	s->nr_sockets = 0;
	slirp_pollfds_fill(s->slirp, &timeout, on_add_poll, s);
	for (i = 0; i < s->nr_sockets; i++) {
		wanted[s->sockets[i].fd] = s->sockets[i].events;
		watch_socket(s, i);
	}
	for (i = 0; i < MAX_SOCKETS; i++)
		if (s->known[i] && !wanted[i])
			forget_socket((int)i, s);
	arm_timer(s, timeout);
}

static void run_timers(struct slirp_end *s)
{
	const int64_t now = on_clock(s) / NS_PER_MS;
	struct slirp_timer *timer, *next;

	for (timer = s->timers; timer; timer = next) {
		next = timer->next;
		if (timer->due < 0 || timer->due > now)
			continue;
		timer->due = -1;
		timer->callback(timer->context);
	}
}

static void slirp_process(struct net_end *end)
{
	struct slirp_end *s = slirp_end_of(end);
	struct epoll_event ready[64];
	uint64_t expirations;
	int i, n = epoll_wait(s->epoll, ready, 64, 0);

	for (i = 0; i < n; i++) {
		if (ready[i].data.u32 < s->nr_sockets)
			s->sockets[ready[i].data.u32].ready = ready[i].events;
		else if (read(s->timer_fd, &expirations, sizeof(expirations)) > 0)
			run_timers(s);
	}
	slirp_pollfds_poll(s->slirp, n < 0, on_get_ready, s);
	ask(s);
}

/* ---- From the guest ---- */

static void slirp_send(struct net_end *end, const struct iovec *iov, unsigned int nr)
{
	struct slirp_end *s = slirp_end_of(end);
	const size_t size = iov_size(iov, nr) - NET_HEADER_SIZE;

	/* Longer than any frame. */
	if (size > sizeof(s->frame))
		return;
	iov_read(iov, nr, NET_HEADER_SIZE, s->frame, size);
	slirp_input(s->slirp, s->frame, (int)size);
}

static void slirp_settle(struct net_end *end)
{
	ask(slirp_end_of(end));
}

static int slirp_fd(const struct net_end *end)
{
	return slirp_end_of(end)->epoll;
}

/* ---- Opening and closing ---- */

static void slirp_close(struct net_end *end)
{
	struct slirp_end *s = slirp_end_of(end);

	if (s->slirp)
		slirp_cleanup(s->slirp);
	while (s->timers)
		on_timer_free(s->timers, s);
	if (s->timer_fd >= 0)
		close(s->timer_fd);
	if (s->epoll >= 0)
		close(s->epoll);
	free(s);
}

static const struct net_ops slirp_ops = {
	.send = slirp_send,
	.settle = slirp_settle,
	.fd = slirp_fd,
	.process = slirp_process,
	.close = slirp_close,
};

static struct in_addr address(const char *text)
{
	struct in_addr address;

	inet_pton(AF_INET, text, &address);
	return address;
}

static struct in6_addr address6(const char *text)
{
	struct in6_addr address;

	inet_pton(AF_INET6, text, &address);
	return address;
}

static Slirp *new_slirp(struct slirp_end *s, bool restricted)
{
	const SlirpConfig config = {
		.version = 1,
		.restricted = restricted,
		.in_enabled = true,
		.vnetwork = address("10.0.2.0"),
		.vnetmask = address("255.255.255.0"),
		.vhost = address("10.0.2.2"),
		.vdhcp_start = address("10.0.2.15"),
		.vnameserver = address("10.0.2.3"),
		.in6_enabled = true,
		.vprefix_addr6 = address6("fd00::"),
		.vprefix_len = 64,
		.vhost6 = address6("fd00::2"),
		.vnameserver6 = address6("fd00::3"),
	};

	return slirp_new(&config, &callbacks, s);
}

static int add_forwards(struct slirp_end *s, const struct net_options *options,
			struct message *message)
{
	unsigned int i;

	for (i = 0; i < options->nr_forwards; i++) {
		const struct net_forward *forward = &options->forwards[i];
		const struct in_addr host = { .s_addr = forward->host_address };
		const struct in_addr any = { .s_addr = INADDR_ANY };

		if (slirp_add_hostfwd(s->slirp, forward->is_udp, host, forward->host_port, any,
				      forward->guest_port))
			return fail(message, "cannot forward %s port %u of the host: %s",
				    forward->is_udp ? "UDP" : "TCP", forward->host_port,
				    strerror(errno));
	}
	return 0;
}

static int set_up(struct slirp_end *s, const struct net_options *options, struct message *message)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = UINT32_MAX };

	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	s->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (s->epoll < 0 || s->timer_fd < 0 ||
	    epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->timer_fd, &event))
		return fail(message, "cannot make a network: %s", strerror(errno));
	s->slirp = new_slirp(s, options->restricted);
	if (!s->slirp)
		return fail(message, "cannot make a network: libslirp does not say why");
	if (add_forwards(s, options, message))
		return -1;
	ask(s);
	return 0;
}

__attribute__((visibility("default")))
struct net_end *net_open_slirp(const struct net_options *options, struct message *message);

struct net_end *net_open_slirp(const struct net_options *options, struct message *message)
{
	struct slirp_end *s = calloc(1, sizeof(*s));

	if (!s) {
		fail(message, "out of memory");
		return NULL;
	}
	s->end.ops = &slirp_ops;
	s->epoll = -1;
	s->timer_fd = -1;
	if (set_up(s, options, message)) {
		slirp_close(&s->end);
		return NULL;
	}
	return &s->end;
}
