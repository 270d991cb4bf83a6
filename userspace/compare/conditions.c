// SPDX-License-Identifier: GPL-2.0
/* Under what conditions is measured: what a reader has to know to believe the numbers. */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <x86intrin.h>

#include "compare.h"
#include "json_file.h"

#define VULNERABILITIES	"/sys/devices/system/cpu/vulnerabilities"

/* The first line of a file, or "". */
static const char *first_line(const char *path, char *line, int size)
{
	FILE *file = fopen(path, "re");

	if (!file || !fgets(line, size, file))
		line[0] = '\0';
	if (file)
		fclose(file);
	line[strcspn(line, "\n")] = '\0';
	return line;
}

static void add_cpu(struct json_object *conditions)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char line[256];

	while (file && fgets(line, sizeof(line), file)) {
		char *value = strchr(line, ':');

		if (strncmp(line, "model name", 10) || !value)
			continue;
		for (value++; isspace((unsigned char)*value); value++)
			;
		value[strcspn(value, "\n")] = '\0';
		json_add_string(conditions, "cpu", value);
		break;
	}
	if (file)
		fclose(file);
}

/* What the kernel says of each bug of the CPU. */
static void add_vulnerabilities(struct json_object *conditions)
{
	struct json_object *object = json_object_new_object();
	DIR *dir = opendir(VULNERABILITIES);
	struct dirent *entry;
	char path[512], line[256];

	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), VULNERABILITIES "/%s", entry->d_name);
		json_add_string(object, entry->d_name, first_line(path, line, sizeof(line)));
	}
	if (dir)
		closedir(dir);
	json_object_object_add(conditions, "vulnerabilities", object);
}

#define TRIALS		16
#define INSTRUCTIONS	1000

/* The least that so many of them take, one after the other. */
#define LEAST_TICKS(instruction) ({						\
	uint64_t least = UINT64_MAX, a = 0;					\
	int trial;								\
										\
	for (trial = 0; trial < TRIALS; trial++) {				\
		uint64_t start = __rdtsc(), ticks;				\
										\
		asm volatile(".rept %c1\n" instruction "\n.endr"		\
			     : "+a" (a) : "i" (INSTRUCTIONS), "c" (3UL) : "rdx", "cc");	\
		ticks = __rdtsc() - start;					\
		if (ticks < least)						\
			least = ticks;						\
	}									\
	least;									\
})

/* A CPU on which a division costs what an addition does is none of silicon. */
static bool ticks_are_instructions(void)
{
	const uint64_t easy = LEAST_TICKS("add %%rcx, %%rax");
	const uint64_t hard = LEAST_TICKS("xor %%edx, %%edx; div %%rcx");

	return hard > 2 * easy - easy / 10 && hard < 2 * easy + easy / 10;
}

struct json_object *compare_conditions(void)
{
	struct json_object *conditions = json_object_new_object();
	char line[4096];
	struct utsname name;

	add_cpu(conditions);
	if (!uname(&name))
		json_add_string(conditions, "kernel", name.release);
	json_add_number(conditions, "cpus", (uint64_t)sysconf(_SC_NPROCESSORS_ONLN));
	json_add_string(conditions, "ticks", ticks_are_instructions() ?
			"instructions of an emulated CPU, which are not time" : "of the CPU's TSC");
	first_line("/proc/cmdline", line, sizeof(line));
	json_add_string(conditions, "mitigations",
			strstr(line, "mitigations=off") ? "off" : "default");
	add_vulnerabilities(conditions);
	json_add_string(conditions, "halt_poll_ns",
			first_line("/sys/module/kvm/parameters/halt_poll_ns", line, sizeof(line)));
	return conditions;
}
