/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a disk may hold after a power cut, by its log (userspace/virtio/disk_log.h).
 *
 * A cut is a number of the log's counter: what has a lower one has happened.
 */
#ifndef REPLAY_H
#define REPLAY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "../../userspace/virtio/disk_log.h"

/* What becomes of that which no flush covers. */
enum replay_rest {
	REST_LOST,
	REST_KEPT,
	REST_BY_CHANCE,		/* each write as a whole, or not, or by sectors */
};

/**
 * struct replay - a log, and the disk as it goes
 * @size: of the disk
 * @records: of the log
 * @data: of each record
 * @nr: how many
 * @is_forgetful: the disk takes no notice of flushes: to see that this is noticed
 * @lasting: what is on the medium for good
 * @nr_lasting: the records that made it
 * @cover: what was completed before this number is
 * @image: what the last cut has left
 */
struct replay {
	uint64_t size;
	struct disk_log_record *records;
	uint8_t **data;
	unsigned int nr;
	bool is_forgetful;
	uint8_t *lasting;
	unsigned int nr_lasting;
	uint64_t cover;
	uint8_t *image;
};

/* Read them; false with a message on stderr. A log whose end is missing ends earlier. */
bool replay_open(struct replay *replay, FILE *base, FILE *log);
void replay_close(struct replay *replay);
/* Make @replay->image. Cuts are made in the order of their numbers. */
void replay_cut(struct replay *replay, uint64_t cut, enum replay_rest rest, unsigned int *seed);

#endif /* REPLAY_H */
