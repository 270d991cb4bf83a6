// SPDX-License-Identifier: GPL-2.0
/*
 * Cut the power again and again, by the log of a disk: make the disk that is left each
 * time, and have it checked.
 *
 *	powercut [--seed N] [--chances N] [--every N] [--forgetful] BASE LOG IMAGE CHECK
 *	powercut --verify FOLDER N
 *
 * BASE is the disk before the first write of LOG. The power is cut after each flush, and at
 * a random place after each; of --every N flushes only one counts. What no flush covers is
 * lost, is there, and is there or not by chance, --chances times (2). Each time the disk is
 * in the file IMAGE, and "CHECK IMAGE N" must succeed: the files 1 to N have to be there.
 * --forgetful is a disk that takes no notice of flushes: then a CHECK must fail.
 *
 * --verify says whether the files in FOLDER that have to be there are what they have to be.
 */
#include <err.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../guest/powercut.h"
#include "replay.h"

#define BLOCK	4096

struct options {
	unsigned int seed;
	unsigned int chances;
	unsigned int every;
	bool is_forgetful;
	const char *image;
	const char *check;
};

static struct replay replay;
static unsigned int nr_cuts, nr_images, nr_failed;

/* ---- Files ---- */

static bool is_whole(const char *folder, unsigned int number)
{
	static uint8_t expected[POWERCUT_MAX_SIZE], found[POWERCUT_MAX_SIZE + 1];
	const uint32_t size = powercut_size(number);
	char name[4096];
	FILE *file;
	size_t n;

	powercut_name(name, sizeof(name), folder, number);
	file = fopen(name, "r");
	if (!file)
		return false;
	n = fread(found, 1, sizeof(found), file);
	fclose(file);
	powercut_fill(number, expected);
	return n == size && !memcmp(found, expected, size);
}

static int verify(const char *folder, unsigned int count)
{
	unsigned int number;

	for (number = 1; number <= count; number++)
		if (!is_whole(folder, number))
			errx(1, "file %u of %u is not what it has to be", number, count);
	return 0;
}

/* The files that were known to last at that time. */
static unsigned int lasting_files(uint64_t cut)
{
	const size_t length = strlen(POWERCUT_NOTE);
	unsigned int i, number, files = 0;

	for (i = 0; i < replay.nr; i++) {
		const struct disk_log_record *record = &replay.records[i];

		if (record->op != DISK_LOG_WRITE || record->submitted >= cut ||
		    record->offset != replay.size - POWERCUT_NOTE_SIZE ||
		    memcmp(replay.data[i], POWERCUT_NOTE, length))
			continue;
		number = (unsigned int)strtoul((char *)replay.data[i] + length, NULL, 10);
		if (number > files)
			files = number;
	}
	return files;
}

/* ---- Images ---- */

static void write_image(const char *path)
{
	static const uint8_t zero[BLOCK];
	FILE *file = fopen(path, "w");
	uint64_t at;

	if (!file || ftruncate(fileno(file), (off_t)replay.size))
		err(2, "%s", path);
	for (at = 0; at + BLOCK <= replay.size; at += BLOCK)
		if (memcmp(replay.image + at, zero, BLOCK) &&
		    (fseeko(file, (off_t)at, SEEK_SET) ||
		     fwrite(replay.image + at, BLOCK, 1, file) != 1))
			err(2, "%s", path);
	if (fclose(file))
		err(2, "%s", path);
}

static void check(const struct options *options, uint64_t cut, enum replay_rest rest,
		  unsigned int *seed)
{
	static const char *const names[] = { "lost", "kept", "by chance" };
	const unsigned int files = lasting_files(cut), before = *seed;
	char command[4096];

	replay_cut(&replay, cut, rest, seed);
	write_image(options->image);
	snprintf(command, sizeof(command), "%s %s %u", options->check, options->image, files);
	nr_images++;
	if (!system(command))
		return;
	nr_failed++;
	printf("failed: cut at %llu, %u files, the rest is %s (seed %u)\n",
	       (unsigned long long)cut, files, names[rest], before);
}

static void check_all(const struct options *options, uint64_t cut, unsigned int *seed)
{
	unsigned int i;

	nr_cuts++;
	check(options, cut, REST_LOST, seed);
	check(options, cut, REST_KEPT, seed);
	for (i = 0; i < options->chances; i++)
		check(options, cut, REST_BY_CHANCE, seed);
}

/* Any time after flush @i, and before the next has completed. */
static uint64_t time_after(unsigned int i, unsigned int *seed)
{
	const uint64_t first = replay.records[i].completed + 1;
	uint64_t last = first;

	while (++i < replay.nr && last == first)
		if (replay.records[i].op == DISK_LOG_FLUSH || i + 1 == replay.nr)
			last = replay.records[i].completed;
	return first + (uint64_t)rand_r(seed) % (last - first + 1);
}

static int run(const struct options *options)
{
	unsigned int i, nr_flushes = 0, seed = options->seed;

	replay.is_forgetful = options->is_forgetful;
	for (i = 0; i < replay.nr; i++) {
		const struct disk_log_record *record = &replay.records[i];

		if (record->op != DISK_LOG_FLUSH || nr_flushes++ % options->every)
			continue;
		check_all(options, record->completed + 1, &seed);
		check_all(options, time_after(i, &seed), &seed);
	}
	printf("powercut: %u records, %u flushes, %u files, %u cuts, %u disks, %u failed\n",
	       replay.nr, nr_flushes, lasting_files(UINT64_MAX), nr_cuts, nr_images, nr_failed);
	return nr_failed || !nr_images;
}

static const struct option long_options[] = {
	{ "seed", required_argument, NULL, 's' },
	{ "chances", required_argument, NULL, 'c' },
	{ "every", required_argument, NULL, 'e' },
	{ "forgetful", no_argument, NULL, 'f' },
	{ "verify", no_argument, NULL, 'v' },
	{ 0 }
};

static FILE *open_file(const char *path)
{
	FILE *file = fopen(path, "r");

	if (!file)
		err(2, "%s", path);
	return file;
}

int main(int argc, char **argv)
{
	struct options options = { .seed = 1, .chances = 2, .every = 1 };
	bool verifies = false;
	int c;

	while ((c = getopt_long(argc, argv, "", long_options, NULL)) >= 0) {
		const unsigned int value = optarg ? (unsigned int)strtoul(optarg, NULL, 10) : 0;

		if (c == 's')
			options.seed = value;
		else if (c == 'c')
			options.chances = value;
		else if (c == 'e')
			options.every = value ? value : 1;
		else if (c == 'f')
			options.is_forgetful = true;
		else if (c == 'v')
			verifies = true;
		else
			return 2;
	}
	argv += optind;
	if (argc - optind != (verifies ? 2 : 4))
		errx(2, "usage: see powercut.c");
	if (verifies)
		return verify(argv[0], (unsigned int)strtoul(argv[1], NULL, 10));
	options.image = argv[2];
	options.check = argv[3];
	if (!replay_open(&replay, open_file(argv[0]), open_file(argv[1])))
		return 2;
	c = run(&options);
	replay_close(&replay);
	return c;
}
