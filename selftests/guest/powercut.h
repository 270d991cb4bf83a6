/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Files for power cuts: what is in the file of each number, and the note on the disk that
 * says that it was made to last (linux_powercut.c writes them, powercut/ looks for them).
 */
#ifndef POWERCUT_H
#define POWERCUT_H

#include <stdint.h>
#include <stdio.h>

#define POWERCUT_FOLDER		"files"
#define POWERCUT_MAX_SIZE	(96 * 1024)
/* The note is in the last sector of the disk, which is not the file system's. */
#define POWERCUT_NOTE		"minivmx: these files last: 1 to "
#define POWERCUT_NOTE_SIZE	512

/* Of no two numbers alike, and never empty. */
static inline uint32_t powercut_size(unsigned int number)
{
	return 1 + (number * 2654435761u >> 7) % POWERCUT_MAX_SIZE;
}

static inline void powercut_fill(unsigned int number, uint8_t *bytes)
{
	uint64_t state = (number + 1) * 0x9e3779b97f4a7c15ull;
	uint32_t i, size = powercut_size(number);

	for (i = 0; i < size; i++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		bytes[i] = (uint8_t)(state >> 32);
	}
}

static inline void powercut_name(char *name, size_t size, const char *folder, unsigned int number)
{
	snprintf(name, size, "%s/%06u", folder, number);
}

#endif /* POWERCUT_H */
