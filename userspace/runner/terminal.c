// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include "array.h"
#include "terminal.h"

#define CTRL_A	0x01

static struct termios saved;
static volatile sig_atomic_t have_saved;
static volatile sig_atomic_t is_raw;

void terminal_leave(void)
{
	/* tcsetattr() is safe in a signal handler. */
	if (is_raw) {
		tcsetattr(STDIN_FILENO, TCSANOW, &saved);
		is_raw = 0;
	}
}

/* A crash of the runner must not leave the user's shell without echo. */
static void restore_and_die(int signal)
{
	terminal_leave();
	raise(signal);
}

static void catch_crashes(void)
{
	static const int crashes[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };
	struct sigaction action = {
		.sa_handler = restore_and_die,
		.sa_flags = (int)SA_RESETHAND,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(crashes); i++)
		sigaction(crashes[i], &action, NULL);
}

bool terminal_enter(void)
{
	struct termios raw;

	if (!isatty(STDIN_FILENO))
		return false;
	/* In the background, changing the terminal would stop the process. */
	if (tcgetpgrp(STDIN_FILENO) != getpgrp())
		return false;
	if (!have_saved) {
		if (tcgetattr(STDIN_FILENO, &saved) < 0)
			return false;
		have_saved = 1;
		catch_crashes();
	}
	raw = saved;
	cfmakeraw(&raw);
	/* Guests that send a bare line feed should be readable all the same. */
	raw.c_oflag |= OPOST;
	is_raw = 1;
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	return true;
}

/* What is no command does nothing at all: it was a slip. */
static enum escape_command command_of(uint8_t key, enum escape_command otherwise)
{
	switch (tolower(key)) {
	case 'x':
		return ESCAPE_QUIT;
	case 'd':
		return ESCAPE_DETACH;
	case 'h':
	case '?':
		return ESCAPE_HELP;
	default:
		return otherwise;
	}
}

enum escape_command escape_filter(struct escape *escape, uint8_t *bytes,
				  size_t *len)
{
	enum escape_command command = ESCAPE_NONE;
	size_t i, kept = 0;

	for (i = 0; i < *len; i++) {
		if (!escape->pending) {
			if (bytes[i] == CTRL_A)
				escape->pending = true;
			else
				bytes[kept++] = bytes[i];
			continue;
		}
		escape->pending = false;
		if (bytes[i] == CTRL_A || tolower(bytes[i]) == 'a')
			bytes[kept++] = CTRL_A;
		else if (command != ESCAPE_QUIT)
			command = command_of(bytes[i], command);
	}
	*len = kept;
	return command;
}
