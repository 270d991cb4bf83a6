/* SPDX-License-Identifier: GPL-2.0 */
/* Is this host fit for minivmx, and if not, what is to be done? */
#ifndef HOST_CHECK_H
#define HOST_CHECK_H

#include <stddef.h>

enum finding_state {
	FINDING_OK,
	FINDING_NOTE,		/* good to know, or something does not work as well as it could */
	FINDING_BAD,		/* no guest runs like this */
	FINDING_UNKNOWN,	/* it could not be found out */
};

/**
 * struct finding - what a check has found
 * @check: which check
 * @state: enum finding_state
 * @text: what it is, one line
 * @hint: what to do about it, one line, or empty
 */
struct finding {
	const char *check;
	enum finding_state state;
	char text[192];
	char hint[256];
};

#define HOST_CHECKS_MAX	16

/*
 * Make all checks; how many there are. @root: where the host's /proc, /sys, /dev and /lib
 * are, "" for this one.
 */
size_t host_check(const char *root, struct finding findings[HOST_CHECKS_MAX]);

/* "ok", "note", "bad", "unknown" */
const char *finding_state_name(enum finding_state state);

#endif /* HOST_CHECK_H */
