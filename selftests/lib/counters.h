/* SPDX-License-Identifier: GPL-2.0 */
/* The module's own counts of what it holds: /sys/kernel/debug/minivmx/. */
#ifndef SELFTESTS_COUNTERS_H
#define SELFTESTS_COUNTERS_H

#include <stdio.h>

enum counter { COUNT_VMS, COUNT_VCPUS, COUNT_PAGES, COUNT_EPT_PAGES, NR_COUNTS };

static const char *const counter_names[NR_COUNTS] = { "vms", "vcpus", "pages", "ept_pages" };

/* Its value, or -1. */
static inline long counter(enum counter which)
{
	char path[80];
	long value = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/kernel/debug/minivmx/%s", counter_names[which]);
	file = fopen(path, "r");
	if (!file)
		return -1;
	if (fscanf(file, "%ld", &value) != 1)
		value = -1;
	fclose(file);
	return value;
}

#define EXPECT_COUNTERS_ZERO()						\
	do {								\
		for (unsigned int i_ = 0; i_ < NR_COUNTS; i_++) {	\
			EXPECT_EQ(0, counter(i_))			\
				TH_LOG("counter %s", counter_names[i_]); \
		}							\
	} while (0)

#endif /* SELFTESTS_COUNTERS_H */
