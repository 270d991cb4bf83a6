/* SPDX-License-Identifier: GPL-2.0 */
/* All that an EPT maps, found by one walk after the other. */
#ifndef EPT_SCAN_H
#define EPT_SCAN_H

#include <stdbool.h>
#include <stdint.h>

/* "RWX", with a dash for a right that is not there; then A and D flags: "AD". */
struct ept_rights {
	char text[8];
};

/* The rights and flags of an entry, as text. */
struct ept_rights ept_rights(uint64_t entry);

/* Pages of one size and with the same rights, one after the other. */
struct ept_run {
	uint64_t start, end;
	uint64_t page_size;
	struct ept_rights rights;
};

/* @pages: of 4K, 2M, 1G */
struct ept_counts {
	uint64_t pages[3];
	uint64_t bytes;
	uint64_t writable, executable, accessed, dirty;
};

/*
 * Add all to @counts, and call @run for each run; both may be NULL. Ends with what
 * @run returns if that is not 0, or a negative errno.
 */
int ept_scan(int vm, struct ept_counts *counts,
	     int (*run)(const struct ept_run *run, void *context), void *context);

#endif /* EPT_SCAN_H */
