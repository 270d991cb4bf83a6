/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guest's console for other processes: what it has printed lately, and at most one
 * client, which sees that and what follows, and whose typed bytes go to the guest.
 *
 * A client that does not read holds nobody up: what it has not taken when it is
 * overwritten it does not get, and is told so. All is called with the machine's lock
 * held; nothing here waits, but console_finish().
 */
#ifndef CONSOLE_H
#define CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONSOLE_BACKLOG	65536

/**
 * struct console - the console
 * @client: our end of the client's socket, or -1
 * @is_deaf: it has gone; what it had typed may still be there
 * @end: how many bytes the guest has printed
 * @next: the first of them that the client does not have yet
 * @backlog: the last of them, byte N at N % CONSOLE_BACKLOG
 */
struct console {
	int client;
	bool is_deaf;
	uint64_t end;
	uint64_t next;
	uint8_t backlog[CONSOLE_BACKLOG];
};

void console_init(struct console *console);

/* The guest has printed. */
void console_add(struct console *console, const uint8_t *bytes, size_t len);

/* Make a client of the backlog: its end of the socket, or a negative errno. */
int console_attach(struct console *console);
/* One that is there, and has not gone. */
bool console_is_attached(const struct console *console);
void console_drop(struct console *console);

/* Send what the client takes at once. */
void console_send(struct console *console);
/* There is more for it. */
bool console_has_more(const struct console *console);

/*
 * What the client has typed: how many bytes; 0: nothing at the moment; -1: it has gone,
 * but is not dropped.
 */
int console_read(struct console *console, uint8_t *bytes, size_t room);

/* The end: send the rest, for @patience_ms at most. Without the lock: nobody else is left. */
void console_finish(struct console *console, int patience_ms);

#endif /* CONSOLE_H */
