/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The user's terminal: raw while the guest runs, as it was on every way out.
 */
#ifndef TERMINAL_H
#define TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Make stdin raw if it is a terminal and ours; whether it now is. */
bool terminal_enter(void);

/* Put it back. May be called at any time, any number of times. */
void terminal_leave(void);

/* What the user wants of the runner itself, after Ctrl-A. */
enum escape_command {
	ESCAPE_NONE,
	ESCAPE_QUIT,
	ESCAPE_HELP,
	ESCAPE_DETACH,
};

struct escape {
	bool pending;	/* the last byte was Ctrl-A */
};

#define ESCAPE_HELP_TEXT						\
	"Ctrl-A h  this help\n"						\
	"Ctrl-A x  end the guest\n"					\
	"Ctrl-A a  send Ctrl-A to the guest (also: Ctrl-A Ctrl-A)\n"

/*
 * Take typed bytes apart: what is for the guest stays at @bytes, its length
 * becomes *@len. Returns the last command among them.
 */
enum escape_command escape_filter(struct escape *escape, uint8_t *bytes,
				  size_t *len);

#endif /* TERMINAL_H */
