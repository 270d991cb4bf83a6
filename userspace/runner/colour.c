// SPDX-License-Identifier: GPL-2.0
/* Colours: see colour.h. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "colour.h"

const struct colours *colours(void)
{
	static const struct colours none = { "", "", "", "", "" };
	static const struct colours ansi = {
		"\033[1m", "\033[31m", "\033[32m", "\033[33m", "\033[0m",
	};
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	if (!isatty(STDOUT_FILENO) || (no_color && *no_color) || !term || !strcmp(term, "dumb"))
		return &none;
	return &ansi;
}
