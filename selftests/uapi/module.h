/* SPDX-License-Identifier: GPL-2.0 */
/* The module as tests see it: coming, going, and what it counts. */
#ifndef SELFTESTS_MODULE_H
#define SELFTESTS_MODULE_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MODULE	"/lib/minivmx/minivmx.ko"
#define COUNTERS "/sys/kernel/debug/minivmx/"

/* What the module holds now: debugfs. */
static const char *const counters[] = { "vms", "vcpus", "pages", "ept_pages" };
#define NR_COUNTERS	(sizeof(counters) / sizeof(counters[0]))

/* Counter @i, or -1. */
static inline long counter(unsigned int i)
{
	char path[80];
	long value = -1;
	FILE *file;

	snprintf(path, sizeof(path), COUNTERS "%s", counters[i]);
	file = fopen(path, "r");
	if (!file)
		return -1;
	if (fscanf(file, "%ld", &value) != 1)
		value = -1;
	fclose(file);
	return value;
}

#define EXPECT_COUNTERS_ZERO()							\
	do {									\
		for (unsigned int i_ = 0; i_ < NR_COUNTERS; i_++) {		\
			EXPECT_EQ(0, counter(i_))				\
				TH_LOG("counter %s", counters[i_]);		\
		}								\
	} while (0)

static inline long load_module(void)
{
	int fd = open(MODULE, O_RDONLY | O_CLOEXEC);
	long ret = syscall(SYS_finit_module, fd, "", 0);

	ret = ret ? -errno : 0;
	close(fd);
	return ret;
}

static inline long unload_module(void)
{
	return syscall(SYS_delete_module, "minivmx", O_NONBLOCK) ? -errno : 0;
}

static inline bool exists(const char *path)
{
	return access(path, F_OK) == 0;
}

/* What there is of it while it is loaded, and not otherwise. */
static const char *const module_traces[] = {
	"/dev/minivmx", "/sys/module/minivmx", "/sys/class/misc/minivmx",
	"/sys/kernel/debug/minivmx",
};
#define NR_TRACES	(sizeof(module_traces) / sizeof(module_traces[0]))

#endif /* SELFTESTS_MODULE_H */
