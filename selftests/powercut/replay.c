// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "replay.h"

/* ---- Reading ---- */

static bool complain(const char *what)
{
	fprintf(stderr, "powercut: %s\n", what);
	return false;
}

static bool is_sound(const struct replay *replay, const struct disk_log_record *record)
{
	return record->op >= DISK_LOG_WRITE && record->op <= DISK_LOG_ZERO &&
	       record->offset <= replay->size && record->size <= replay->size - record->offset &&
	       record->submitted < record->completed;
}

static uint8_t *read_data(FILE *log, const struct disk_log_record *record)
{
	uint8_t *data;

	if (record->op != DISK_LOG_WRITE)
		return NULL;
	data = malloc(record->size);
	if (data && fread(data, record->size, 1, log) == 1)
		return data;
	free(data);
	return NULL;
}

static bool read_records(struct replay *replay, FILE *log)
{
	struct disk_log_record record;

	while (fread(&record, sizeof(record), 1, log) == 1) {
		uint8_t *data;

		if (!is_sound(replay, &record))
			return complain("the log has a record that cannot be");
		data = read_data(log, &record);
		if (record.op == DISK_LOG_WRITE && !data)
			break;
		replay->records = realloc(replay->records,
					  (replay->nr + 1) * sizeof(*replay->records));
		replay->data = realloc(replay->data, (replay->nr + 1) * sizeof(*replay->data));
		replay->records[replay->nr] = record;
		replay->data[replay->nr++] = data;
	}
	return true;
}

bool replay_open(struct replay *replay, FILE *base, FILE *log)
{
	struct disk_log_header header;

	*replay = (struct replay) { 0 };
	if (fread(&header, sizeof(header), 1, log) != 1 ||
	    memcmp(header.magic, DISK_LOG_MAGIC, sizeof(header.magic)) ||
	    header.version != DISK_LOG_VERSION)
		return complain("this is not a disk's log");
	replay->size = header.disk_size;
	replay->lasting = calloc(1, replay->size);
	replay->image = calloc(1, replay->size);
	if (!replay->lasting || !replay->image)
		return complain("out of memory");
	if (fread(replay->lasting, replay->size, 1, base) != 1)
		return complain("the image is smaller than the log's disk");
	return read_records(replay, log);
}

void replay_close(struct replay *replay)
{
	while (replay->nr)
		free(replay->data[--replay->nr]);
	free(replay->records);
	free(replay->data);
	free(replay->lasting);
	free(replay->image);
}

/* ---- Cuts ---- */

static void apply(const struct replay *replay, unsigned int i, uint8_t *disk, uint64_t from,
		  uint64_t size)
{
	const struct disk_log_record *record = &replay->records[i];

	if (record->op == DISK_LOG_WRITE)
		memcpy(disk + record->offset + from, replay->data[i] + from, size);
	else if (record->op != DISK_LOG_FLUSH)
		memset(disk + record->offset + from, 0, size);
}

static void apply_by_chance(const struct replay *replay, unsigned int i, unsigned int *seed)
{
	const uint64_t size = replay->records[i].size;
	const int chance = rand_r(seed) >> 8 & 3;
	uint64_t at;

	for (at = 0; chance && at < size; at += SECTOR_SIZE)
		if (chance > 1 || rand_r(seed) >> 8 & 1)
			apply(replay, i, replay->image, at, SECTOR_SIZE);
}

/*
 * What a flush that has completed covers. What is discarded may as well be what it was:
 * here it is lost.
 */
static void advance(struct replay *replay, uint64_t cut)
{
	unsigned int i;

	for (i = 0; i < replay->nr; i++) {
		const struct disk_log_record *record = &replay->records[i];

		if (record->op == DISK_LOG_FLUSH && !record->error && record->completed < cut &&
		    record->submitted > replay->cover && !replay->is_forgetful)
			replay->cover = record->submitted;
	}
	while (replay->nr_lasting < replay->nr &&
	       replay->records[replay->nr_lasting].completed < replay->cover) {
		const unsigned int at = replay->nr_lasting++;

		/* One that failed may be there or not: the next one is what counts. */
		if (!replay->records[at].error)
			apply(replay, at, replay->lasting, 0, replay->records[at].size);
	}
}

void replay_cut(struct replay *replay, uint64_t cut, enum replay_rest rest, unsigned int *seed)
{
	unsigned int i;

	advance(replay, cut);
	memcpy(replay->image, replay->lasting, replay->size);
	for (i = replay->nr_lasting; i < replay->nr; i++) {
		const struct disk_log_record *record = &replay->records[i];
		const bool lasts = (record->flags & DISK_LOG_SYNC) && !record->error &&
				   record->completed < cut;

		if (record->submitted >= cut)
			continue;
		if (lasts || rest == REST_KEPT)
			apply(replay, i, replay->image, 0, record->size);
		else if (rest == REST_BY_CHANCE)
			apply_by_chance(replay, i, seed);
	}
}
