/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One line that says why something failed, handed up to whoever prints it.
 */
#ifndef MESSAGE_H
#define MESSAGE_H

#include <stdint.h>

struct message {
	char text[512];
};

/* Write the message; always -1, so that a caller can return it. */
int fail(struct message *message, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* "1.5M": bytes in the unit that reads best, rounded up in its last digit. */
struct size_text {
	char text[24];
};

struct size_text format_size(uint64_t bytes);

/* Parse "1.5": seconds above 0, and below a year, in ns. 0, or -1 if it is not that. */
int parse_seconds(const char *text, uint64_t *ns);

/* Parse "256M": digits and an optional K, M or G. 0, or -1 if it is not that. */
int parse_size(const char *text, uint64_t *bytes);

#endif /* MESSAGE_H */
