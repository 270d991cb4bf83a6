/* SPDX-License-Identifier: GPL-2.0 */
/* Guest code by chance: any bytes, among them many instructions that a hypervisor sees. */
#ifndef SELFTESTS_GUEST_CODE_H
#define SELFTESTS_GUEST_CODE_H

#include <string.h>

#include "../lib/chance.h"

/* Opcodes, and how many bytes behind them (ModRM, an immediate) are left to chance. */
static const struct code_form {
	const char *bytes;
	uint8_t size, more;
} code_forms[] = {
#define FORM(bytes, more) { bytes, sizeof(bytes) - 1, more }
	/* What exits always, ... */
	FORM("\x0f\xa2", 0), FORM("\x0f\x01\xc1", 0), FORM("\x0f\x01\xd0", 0),
	FORM("\x0f\x01\xd1", 0), FORM("\x0f\x30", 0), FORM("\x0f\x32", 0), FORM("\x0f\x33", 0),
	FORM("\x0f\x08", 0), FORM("\x0f\x09", 0), FORM("\x0f\x01\xc8", 0), FORM("\x0f\x01\xc9", 0),
	FORM("\x0f\x01\xc2", 0), FORM("\x0f\x01\xc3", 0), FORM("\x0f\x01\xc4", 0),
	FORM("\x0f\x01\xd4", 0), FORM("\x0f\x78", 1), FORM("\x0f\x79", 1), FORM("\x0f\xc7", 1),
	FORM("\x66\x0f\xc7", 1), FORM("\xf3\x0f\xc7", 1), FORM("\x66\x0f\x38\x80", 1),
	FORM("\x66\x0f\x38\x81", 1), FORM("\x66\x0f\x38\x82", 1), FORM("\x0f\xaa", 0),
	FORM("\x0f\x37", 0), FORM("\x0f\x01\xcf", 0), FORM("\xf4", 0), FORM("\xf3\x90", 0),
	/* ... control and debug registers, ... */
	FORM("\x0f\x20", 1), FORM("\x0f\x22", 1), FORM("\x0f\x21", 1), FORM("\x0f\x23", 1),
	FORM("\x0f\x06", 0), FORM("\x0f\x01", 1), FORM("\x44\x0f\x20", 1), FORM("\x44\x0f\x22", 1),
	/* ... ports, ... */
	FORM("\xe4", 1), FORM("\xe5", 1), FORM("\xe6", 1), FORM("\xe7", 1), FORM("\xec", 0),
	FORM("\xed", 0), FORM("\xee", 0), FORM("\xef", 0), FORM("\x66\xef", 0), FORM("\x66\xed", 0),
	FORM("\x6c", 0), FORM("\x6d", 0), FORM("\x6e", 0), FORM("\x6f", 0), FORM("\xf3\x6c", 0),
	FORM("\xf3\x6d", 0), FORM("\xf3\x6e", 0), FORM("\xf3\x6f", 0), FORM("\x67\xf3\x6e", 0),
	/* ... memory, by all that the decoder knows, ... */
	FORM("\x88", 1), FORM("\x89", 1), FORM("\x8a", 1), FORM("\x8b", 1), FORM("\xc6", 2),
	FORM("\xc7", 5), FORM("\x0f\xb6", 1), FORM("\x0f\xb7", 1), FORM("\x0f\xbe", 1),
	FORM("\x48\x89", 1), FORM("\x48\x8b", 1), FORM("\x66\x89", 1), FORM("\x80", 2),
	FORM("\x81", 5), FORM("\x83", 2), FORM("\x86", 1), FORM("\x87", 1), FORM("\xf0\x01", 1),
	FORM("\xf0\x0f\xb1", 1), FORM("\xf0\x0f\xc1", 1), FORM("\xf6", 1), FORM("\xf7", 1),
	FORM("\xfe", 1), FORM("\xff", 1), FORM("\x0f\xab", 1), FORM("\x0f\xba", 2),
	FORM("\xa4", 0), FORM("\xf3\xa4", 0), FORM("\xf3\x48\xa5", 0), FORM("\xaa", 0),
	FORM("\xf3\xaa", 0), FORM("\xf3\xab", 0), FORM("\xac", 0), FORM("\xa1", 4), FORM("\xa3", 4),
	/* ... modes, segments, tables, stacks and interrupts, ... */
	FORM("\x8e", 1), FORM("\x8c", 1), FORM("\x0f\x00", 1), FORM("\xcf", 0), FORM("\x48\xcf", 0),
	FORM("\xcd", 1), FORM("\xcc", 0), FORM("\xf1", 0), FORM("\x0f\x05", 0), FORM("\x0f\x07", 0),
	FORM("\x48\x0f\x07", 0), FORM("\x0f\x34", 0), FORM("\x0f\x35", 0), FORM("\x0f\x01\xf8", 0),
	FORM("\xfa", 0), FORM("\xfb", 0), FORM("\xfb\xf4", 0), FORM("\x9c", 0), FORM("\x9d", 0),
	FORM("\xea", 4), FORM("\x9a", 4), FORM("\xcb", 0), FORM("\x17", 0), FORM("\x0f\xa9", 0),
	FORM("\x0f\xb2", 1), FORM("\xc4", 1), FORM("\xc8", 3), FORM("\xc9", 0), FORM("\xeb", 1),
	/* ... and the FPU, the TSC, random numbers. */
	FORM("\x0f\xae", 1), FORM("\x48\x0f\xae", 1), FORM("\x0f\xef", 1), FORM("\x66\x0f\xef", 1),
	FORM("\x0f\x6e", 1), FORM("\xdd", 1), FORM("\xd9", 1), FORM("\x9b", 0), FORM("\x0f\x77", 0),
	FORM("\xc5\xfd\xef", 1), FORM("\xc5\xf8\x77", 0), FORM("\x0f\x31", 0),
	FORM("\x0f\x01\xf9", 0), FORM("\x0f\xc7\xf0", 0), FORM("\x0f\xc7\xf8", 0),
#undef FORM
};

#define NR_FORMS	(sizeof(code_forms) / sizeof(code_forms[0]))

static inline void code_by_chance(uint8_t *code, size_t size)
{
	size_t at, i, n;

	for (at = 0; at < size; at += n) {
		const struct code_form *form = &code_forms[below(NR_FORMS)];
		uint64_t any = random64();

		if (!below(4)) {
			n = 1 + below(8);
			n = n < size - at ? n : size - at;
			memcpy(code + at, &any, n);
			continue;
		}
		n = form->size + form->more;
		if (n > size - at) {
			code[at] = 0x90;
			n = 1;
			continue;
		}
		memcpy(code + at, form->bytes, form->size);
		for (i = form->size; i < n; i++, any >>= 8)
			code[at + i] = any;
	}
}

#endif /* SELFTESTS_GUEST_CODE_H */
