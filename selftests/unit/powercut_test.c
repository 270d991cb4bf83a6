/* SOURCES: selftests/powercut/replay.c */
// SPDX-License-Identifier: GPL-2.0
/* Which writes a power cut may and may not undo, by a log. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kselftest_harness.h"
#include "powercut/replay.h"

#define SECTORS		16

FIXTURE(powercut)
{
	FILE *base;
	FILE *log;
	struct replay replay;
	uint64_t number;
	unsigned int seed;
};

FIXTURE_SETUP(powercut)
{
	struct disk_log_header header = {
		.version = DISK_LOG_VERSION, .disk_size = SECTORS * SECTOR_SIZE };
	uint8_t zero[SECTORS * SECTOR_SIZE] = { 0 };

	self->base = tmpfile();
	self->log = tmpfile();
	memcpy(header.magic, DISK_LOG_MAGIC, sizeof(header.magic));
	ASSERT_EQ(1, fwrite(&header, sizeof(header), 1, self->log));
	ASSERT_EQ(1, fwrite(zero, sizeof(zero), 1, self->base));
	rewind(self->base);
}

FIXTURE_TEARDOWN(powercut)
{
	replay_close(&self->replay);
	fclose(self->base);
	fclose(self->log);
}

/* Two sectors of @value at @sector; or a request without data. */
static void put(FILE *log, struct disk_log_record record, uint64_t sector, uint8_t value)
{
	uint8_t data[2 * SECTOR_SIZE];

	memset(data, value, sizeof(data));
	record.offset = sector * SECTOR_SIZE;
	record.size = record.op == DISK_LOG_FLUSH ? 0 : sizeof(data);
	fwrite(&record, sizeof(record), 1, log);
	if (record.op == DISK_LOG_WRITE)
		fwrite(data, sizeof(data), 1, log);
}

#define PUT(op_, submitted_, completed_, sector, value, ...)					\
	put(self->log, (struct disk_log_record) { .op = DISK_LOG_##op_,				\
	    .submitted = (submitted_), .completed = (completed_), __VA_ARGS__ }, sector, value)

static bool begin(struct replay *replay, FILE *base, FILE *log)
{
	rewind(log);
	return replay_open(replay, base, log);
}

/* The first bytes of each sector, as digits. */
static const char *image(const struct replay *replay)
{
	static char text[SECTORS + 1];
	unsigned int i;

	for (i = 0; i < SECTORS; i++)
		text[i] = (char)('0' + replay->image[i * SECTOR_SIZE]);
	return text;
}

#define EXPECT_IMAGE(cut, rest, expected) do {							\
	replay_cut(&self->replay, cut, rest, &self->seed);					\
	EXPECT_STREQ(expected, image(&self->replay));						\
} while (0)

/* In flight when the flush was submitted: not covered, although it completed before. */
TEST_F(powercut, what_a_flush_covers)
{
	PUT(WRITE, 0, 1, 0, 1);
	PUT(WRITE, 2, 5, 2, 2);
	PUT(FLUSH, 3, 6, 0, 0);
	PUT(WRITE, 4, 7, 4, 3);
	PUT(WRITE, 8, 9, 6, 4);
	ASSERT_TRUE(begin(&self->replay, self->base, self->log));
	EXPECT_EQ(5, self->replay.nr);
	EXPECT_IMAGE(0, REST_KEPT, "0000000000000000");
	EXPECT_IMAGE(1, REST_LOST, "0000000000000000");
	EXPECT_IMAGE(1, REST_KEPT, "1100000000000000");
	EXPECT_IMAGE(6, REST_LOST, "0000000000000000");
	EXPECT_IMAGE(6, REST_KEPT, "1122330000000000");
	EXPECT_IMAGE(7, REST_LOST, "1100000000000000");
	EXPECT_IMAGE(7, REST_KEPT, "1122330000000000");
	EXPECT_IMAGE(9, REST_KEPT, "1122334400000000");
	EXPECT_IMAGE(10, REST_LOST, "1100000000000000");
}

TEST_F(powercut, sync_and_errors)
{
	PUT(WRITE, 0, 1, 0, 1, .flags = DISK_LOG_SYNC);
	PUT(WRITE, 2, 3, 2, 2, .flags = DISK_LOG_SYNC, .error = -EIO);
	PUT(WRITE, 4, 5, 4, 3);
	PUT(FLUSH, 6, 7, 0, 0, .error = -EIO);
	PUT(WRITE, 8, 9, 4, 4);
	PUT(ZERO, 10, 11, 0, 0);
	PUT(FLUSH, 12, 13, 0, 0);
	ASSERT_TRUE(begin(&self->replay, self->base, self->log));
	EXPECT_IMAGE(1, REST_LOST, "0000000000000000");
	EXPECT_IMAGE(2, REST_LOST, "1100000000000000");
	EXPECT_IMAGE(8, REST_LOST, "1100000000000000");
	EXPECT_IMAGE(8, REST_KEPT, "1122330000000000");
	EXPECT_IMAGE(13, REST_KEPT, "0022440000000000");
	EXPECT_IMAGE(14, REST_LOST, "0000440000000000");
}

/* By chance each sector of a write that is not covered is there, or is not. */
TEST_F(powercut, by_chance)
{
	unsigned int seen[4] = { 0 }, i;

	PUT(WRITE, 0, 1, 0, 1);
	PUT(FLUSH, 2, 3, 0, 0);
	PUT(WRITE, 4, 5, 2, 2);
	ASSERT_TRUE(begin(&self->replay, self->base, self->log));
	for (i = 0; i < 100; i++) {
		replay_cut(&self->replay, 5, REST_BY_CHANCE, &self->seed);
		EXPECT_EQ(0, memcmp(image(&self->replay), "11", 2));
		seen[!!self->replay.image[2 * SECTOR_SIZE] +
		     2 * !!self->replay.image[3 * SECTOR_SIZE]]++;
	}
	for (i = 0; i < 4; i++)
		EXPECT_LT(0, seen[i]);
}

TEST_F(powercut, a_disk_that_forgets_flushes)
{
	PUT(WRITE, 0, 1, 0, 1);
	PUT(FLUSH, 2, 3, 0, 0);
	ASSERT_TRUE(begin(&self->replay, self->base, self->log));
	self->replay.is_forgetful = true;
	EXPECT_IMAGE(4, REST_LOST, "0000000000000000");
}

/* A log that ends in the midst of a record, and files that are none. */
TEST_F(powercut, logs_that_are_none)
{
	struct replay other;

	PUT(WRITE, 0, 1, 0, 1);
	ASSERT_EQ(0, fflush(self->log));
	ASSERT_EQ(0, ftruncate(fileno(self->log), ftell(self->log) - 1));
	ASSERT_TRUE(begin(&self->replay, self->base, self->log));
	EXPECT_EQ(0, self->replay.nr);
	rewind(self->base);
	EXPECT_FALSE(replay_open(&other, self->base, self->base));
	replay_close(&other);
	fseek(self->log, 0, SEEK_END);
	ASSERT_EQ(0, ftruncate(fileno(self->log), sizeof(struct disk_log_header)));
	fseek(self->log, 0, SEEK_END);
	PUT(WRITE, 0, 1, SECTORS - 1, 1);
	rewind(self->log);
	rewind(self->base);
	EXPECT_FALSE(replay_open(&other, self->base, self->log));
	replay_close(&other);
}

TEST_HARNESS_MAIN
