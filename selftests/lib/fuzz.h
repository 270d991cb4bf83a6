/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the fuzzers of the testbed have in common: options, rounds, findings.
 *
 *	NAME [--seed S] [--first N] [--count M] [--seconds T]
 *
 * A round depends on the seed and its number alone, so that --first N --count 1
 * repeats one. Without --count there are rounds for T seconds of the machine's; if nothing
 * else is said 20, or 5 where more than one CPU makes the emulator several times as slow.
 * The output is TAP, with one test.
 */
#ifndef SELFTESTS_FUZZ_H
#define SELFTESTS_FUZZ_H

#include <getopt.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "chance.h"

#define FUZZ_MAX_FINDINGS	10	/* no more are told, nor looked for */

static struct fuzz {
	const char *name;
	uint64_t seed, first, count;
	unsigned int seconds;
	uint64_t round;			/* the one that runs */
	unsigned int findings;
	long taint;
	time_t end;
} fuzz;

static inline time_t fuzz_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/* What went wrong, and how to see it again. */
static inline void __attribute__((format(printf, 1, 2))) finding(const char *format, ...)
{
	va_list args;

	if (fuzz.findings++ >= FUZZ_MAX_FINDINGS)
		return;
	printf("# finding in round %llu: ", (unsigned long long)fuzz.round);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n# again: %s --seed %llu --first %llu --count 1\n", fuzz.name,
	       (unsigned long long)fuzz.seed, (unsigned long long)fuzz.round);
	fflush(stdout);
}

/* For what must not fail if the fuzzer is to do its work. */
#define fuzz_must(condition)						\
do {									\
	if (!(condition)) {						\
		printf("Bail out! %s:%d: %s: %m\n", __FILE__, __LINE__, #condition);	\
		exit(2);						\
	}								\
} while (0)

/* A number that a file of the kernel's has, or -1. */
static inline long fuzz_file(const char *path)
{
	FILE *file = fopen(path, "r");
	long value = -1;

	if (file && fscanf(file, "%ld", &value) != 1)
		value = -1;
	if (file)
		fclose(file);
	return value;
}

#define FUZZ_TAINTED	"/proc/sys/kernel/tainted"

static inline void fuzz_usage(int status)
{
	fprintf(status ? stderr : stdout,
		"usage: %s [--seed S] [--first N] [--count M] [--seconds T]\n", fuzz.name);
	exit(status);
}

static inline uint64_t fuzz_number(const char *text)
{
	char *end;
	uint64_t value = strtoull(text, &end, 0);

	if (!*text || *end || *text == '-')
		fuzz_usage(2);
	return value;
}

static inline void fuzz_start(const char *name, int argc, char **argv)
{
	static const struct option options[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "first", required_argument, NULL, 'f' },
		{ "count", required_argument, NULL, 'c' },
		{ "seconds", required_argument, NULL, 't' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	uint32_t seed = 0;
	int option;

	fuzz_must(getrandom(&seed, sizeof(seed), 0) == sizeof(seed));
	fuzz = (struct fuzz) {
		.name = name, .seed = seed,
		.seconds = sysconf(_SC_NPROCESSORS_ONLN) > 1 ? 5 : 20,
	};
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 's':
			fuzz.seed = fuzz_number(optarg);
			break;
		case 'f':
			fuzz.first = fuzz_number(optarg);
			break;
		case 'c':
			fuzz.count = fuzz_number(optarg);
			break;
		case 't':
			fuzz.seconds = fuzz_number(optarg);
			break;
		default:
			fuzz_usage(option == 'h' ? 0 : 2);
		}
	}
	if (optind != argc)
		fuzz_usage(2);
	printf("TAP version 13\n1..1\n# %s, seed %llu\n", name, (unsigned long long)fuzz.seed);
	fflush(stdout);
	fuzz.taint = fuzz_file(FUZZ_TAINTED);
	fuzz.end = fuzz_now() + fuzz.seconds;
	fuzz.round = fuzz.first;
}

/* Is there another round? */
static inline bool fuzz_goes_on(void)
{
	if (fuzz.findings >= FUZZ_MAX_FINDINGS)
		return false;
	if (fuzz.count)
		return fuzz.round - fuzz.first < fuzz.count;
	return fuzz_now() < fuzz.end;
}

/* The kernel has warned, or worse, since the last time. */
static inline void fuzz_check_taint(void)
{
	long taint = fuzz_file(FUZZ_TAINTED);

	if (taint != fuzz.taint)
		finding("the kernel's taint is %#lx and was %#lx; see the kernel log", taint,
			fuzz.taint);
	fuzz.taint = taint;
}

static inline int fuzz_end(void)
{
	unsigned long long rounds = fuzz.round - fuzz.first;

	printf("%s: rounds %llu seed %llu findings %u\n", fuzz.name, rounds,
	       (unsigned long long)fuzz.seed, fuzz.findings);
	printf("%s 1 %llu rounds with seed %llu\n", fuzz.findings || !rounds ? "not ok" : "ok",
	       rounds, (unsigned long long)fuzz.seed);
	fflush(stdout);
	return fuzz.findings || !rounds;
}

#endif /* SELFTESTS_FUZZ_H */
