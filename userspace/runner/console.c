// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "console.h"

void console_init(struct console *console)
{
	console->client = -1;
	console->end = 0;
	console->next = 0;
}

void console_add(struct console *console, const uint8_t *bytes, size_t len)
{
	while (len) {
		size_t at = console->end % CONSOLE_BACKLOG;
		size_t part = len < CONSOLE_BACKLOG - at ? len : CONSOLE_BACKLOG - at;

		memcpy(console->backlog + at, bytes, part);
		console->end += part;
		bytes += part;
		len -= part;
	}
}

/* ---- The client ---- */

int console_attach(struct console *console)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return -errno;
	console->client = ends[0];
	console->is_deaf = false;
	console->next = console->end > CONSOLE_BACKLOG ? console->end - CONSOLE_BACKLOG : 0;
	return ends[1];
}

bool console_is_attached(const struct console *console)
{
	struct pollfd state = { .fd = console->client };

	return console->client >= 0 && poll(&state, 1, 0) >= 0 &&
	       !(state.revents & (POLLHUP | POLLERR));
}

void console_drop(struct console *console)
{
	if (console->client >= 0)
		close(console->client);
	console->client = -1;
}

bool console_has_more(const struct console *console)
{
	return console->client >= 0 && !console->is_deaf && console->next < console->end;
}

/* How many bytes it took; -1 if it takes no more now, or has gone. */
static ssize_t send_bytes(struct console *console, const void *bytes, size_t len)
{
	ssize_t n = send(console->client, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN && errno != EINTR)
		console->is_deaf = true;
	return n;
}

/* What it has missed is gone. A part of this line is lost with it at worst. */
static bool skip_lost(struct console *console)
{
	const uint64_t oldest = console->end > CONSOLE_BACKLOG ? console->end - CONSOLE_BACKLOG : 0;
	char line[80];
	int len;

	if (console->next >= oldest)
		return true;
	len = snprintf(line, sizeof(line), "\r\n[minivmx: %llu bytes are lost here]\r\n",
		       (unsigned long long)(oldest - console->next));
	if (send_bytes(console, line, (size_t)len) < 0)
		return false;
	console->next = oldest;
	return true;
}

void console_send(struct console *console)
{
	while (console_has_more(console)) {
		size_t at, part;
		ssize_t n;

		if (!skip_lost(console))
			return;
		at = console->next % CONSOLE_BACKLOG;
		part = CONSOLE_BACKLOG - at;
		if (part > console->end - console->next)
			part = console->end - console->next;
		n = send_bytes(console, console->backlog + at, part);
		if (n < 0)
			return;
		console->next += (uint64_t)n;
	}
}

int console_read(struct console *console, uint8_t *bytes, size_t room)
{
	ssize_t n = recv(console->client, bytes, room, MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	return n ? (int)n : -1;
}

/* ---- The end ---- */

static int64_t clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

void console_finish(struct console *console, int patience_ms)
{
	const int64_t until = clock_ms() + patience_ms;
	int64_t left;

	console_send(console);
	while (console_has_more(console)) {
		struct pollfd ready = { .fd = console->client, .events = POLLOUT };

		left = until - clock_ms();
		if (left <= 0)
			break;
		poll(&ready, 1, (int)left);
		console_send(console);
	}
	console_drop(console);
}
