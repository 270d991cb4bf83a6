// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "message.h"

/* A year: beyond that nobody is waiting. */
#define SECONDS_MAX	(365.0 * 86400)

int fail(struct message *message, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(message->text, sizeof(message->text), format, args);
	va_end(args);
	return -1;
}

struct size_text format_size(uint64_t bytes)
{
	static const char units[] = "KMGTPE";
	unsigned int unit = 0, shift;
	uint64_t whole, tenths;
	struct size_text size;

	if (bytes < 1024) {
		snprintf(size.text, sizeof(size.text), "%u bytes",
			 (unsigned int)bytes);
		return size;
	}
	while (unit < sizeof(units) - 2 && bytes >> (10 * (unit + 2)))
		unit++;
	shift = 10 * (unit + 1);
	/* Round up: "needs 30M" must be enough. */
	whole = bytes >> shift;
	tenths = ((bytes - (whole << shift)) * 10 + (1ULL << shift) - 1) >> shift;
	if (tenths == 10 || (tenths && whole >= 100)) {
		whole++;
		tenths = 0;
	}
	if (tenths)
		snprintf(size.text, sizeof(size.text), "%u.%u%c",
			 (unsigned int)whole, (unsigned int)tenths, units[unit]);
	else
		snprintf(size.text, sizeof(size.text), "%u%c",
			 (unsigned int)whole, units[unit]);
	return size;
}

int parse_seconds(const char *text, uint64_t *ns)
{
	double seconds;
	char *end;

	seconds = strtod(text, &end);
	if (end == text || *end || !isfinite(seconds) || seconds <= 0 || seconds > SECONDS_MAX)
		return -1;
	*ns = (uint64_t)(seconds * 1e9);
	/* Rounding must not turn a very short time into none. */
	if (!*ns)
		*ns = 1;
	return 0;
}

int parse_size(const char *text, uint64_t *bytes)
{
	unsigned long long number;
	unsigned int shift = 0;
	char *end;

	/* strtoull() would take a sign and blanks. */
	if (!isdigit((unsigned char)text[0]))
		return -1;
	errno = 0;
	number = strtoull(text, &end, 10);
	if (errno)
		return -1;
	switch (toupper((unsigned char)*end)) {
	case 'G':
		shift += 10;
		/* fall through */
	case 'M':
		shift += 10;
		/* fall through */
	case 'K':
		shift += 10;
		end++;
		break;
	}
	if (*end || number > UINT64_MAX >> shift)
		return -1;
	*bytes = number << shift;
	return 0;
}
