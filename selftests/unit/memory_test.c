// SPDX-License-Identifier: GPL-2.0
/* SOURCES: userspace/runner/memory.c userspace/runner/message.c */
/* The guest's memory: where RAM is, who may have which part, and sizes in words. */
#include "kselftest_harness.h"

#include "../../userspace/runner/memory.h"
#include "../../userspace/runner/message.h"

TEST(memory_split)
{
	struct memory_map_row map[MEMORY_MAX_MAP];
	struct memory_range ranges[2];
	struct guest_memory memory;

	ASSERT_EQ(guest_memory_init(&memory, 4 * GIB), 0);
	ASSERT_EQ(guest_memory_ranges(&memory, ranges), 2);
	EXPECT_EQ(ranges[0].end, 3 * GIB);
	EXPECT_EQ(ranges[1].start, 4 * GIB);
	EXPECT_EQ(ranges[1].end, 5 * GIB);
	ASSERT_EQ(guest_memory_map(&memory, map), 5);
	EXPECT_EQ(map[4].range.start, 4 * GIB);

	EXPECT_NE(guest_memory_at(&memory, 3 * GIB - 1, 1), NULL);
	EXPECT_EQ(guest_memory_at(&memory, 3 * GIB - 1, 2), NULL);
	EXPECT_EQ(guest_memory_at(&memory, 3 * GIB, 1), NULL);
	EXPECT_EQ(guest_memory_at(&memory, 4 * GIB, GIB),
		  memory.host + 3 * GIB);
	EXPECT_EQ(guest_memory_at(&memory, 4 * GIB, GIB + 1), NULL);
	EXPECT_EQ(guest_memory_at(&memory, UINT64_MAX, 2), NULL);
	EXPECT_EQ(guest_memory_at(&memory, 0, UINT64_MAX), NULL);
	guest_memory_free(&memory);
}

TEST(memory_claims)
{
	const struct placement top = { { MIB, 16 * MIB }, 4096, PLACE_FROM_TOP };
	const struct placement bottom = { { 0x1000, 2 * MIB }, 16,
					  PLACE_FROM_BOTTOM };
	struct guest_memory memory;
	uint64_t gpa;
	unsigned int i;

	ASSERT_EQ(guest_memory_init(&memory, 16 * MIB), 0);
	EXPECT_EQ(guest_memory_claim(&memory, 8 * MIB, MIB), CLAIM_OK);
	EXPECT_EQ(guest_memory_claim(&memory, 9 * MIB - 1, 1), CLAIM_OVERLAP);
	EXPECT_EQ(guest_memory_claim(&memory, 8 * MIB - 1, 2), CLAIM_OVERLAP);
	EXPECT_EQ(guest_memory_claim(&memory, 7 * MIB, 3 * MIB), CLAIM_OVERLAP);
	EXPECT_EQ(guest_memory_claim(&memory, 16 * MIB, 1), CLAIM_NO_RAM);
	/* neighbours on both sides make one range of it */
	EXPECT_EQ(guest_memory_claim(&memory, 10 * MIB, MIB), CLAIM_OK);
	EXPECT_EQ(memory.nr_claims, 2);
	EXPECT_EQ(guest_memory_claim(&memory, 9 * MIB, MIB), CLAIM_OK);
	EXPECT_EQ(memory.nr_claims, 1);
	EXPECT_EQ(guest_memory_claim(&memory, 7 * MIB, MIB), CLAIM_OK);
	EXPECT_EQ(memory.nr_claims, 1);

	EXPECT_EQ(guest_memory_room(&memory, top), 6 * MIB);
	EXPECT_TRUE(guest_memory_place(&memory, 100, top, &gpa));
	EXPECT_EQ(gpa, 16 * MIB - 4096);
	EXPECT_FALSE(guest_memory_place(&memory, 7 * MIB, top, &gpa));
	/* the hole between 640K and 1M is never handed out */
	EXPECT_TRUE(guest_memory_place(&memory, 0x90000, bottom, &gpa));
	EXPECT_EQ(gpa, 0x1000);
	EXPECT_TRUE(guest_memory_place(&memory, 0x10000, bottom, &gpa));
	EXPECT_EQ(gpa, MIB);

	memory.nr_claims = 0;
	for (i = 0; i < MEMORY_MAX_CLAIMS; i++)
		EXPECT_EQ(guest_memory_claim(&memory, MIB + i * 32, 16), CLAIM_OK);
	EXPECT_EQ(guest_memory_claim(&memory, 2 * MIB, 16), CLAIM_TOO_MANY);
	EXPECT_EQ(guest_memory_claim(&memory, MIB + 16, 16), CLAIM_OK);
	guest_memory_free(&memory);
}

TEST(sizes)
{
	uint64_t bytes;

	EXPECT_EQ(parse_size("256M", &bytes), 0);
	EXPECT_EQ(bytes, 256 * MIB);
	EXPECT_EQ(parse_size("4g", &bytes), 0);
	EXPECT_EQ(bytes, 4 * GIB);
	EXPECT_EQ(parse_size("123", &bytes), 0);
	EXPECT_EQ(bytes, 123);
	EXPECT_EQ(parse_size("", &bytes), -1);
	EXPECT_EQ(parse_size("M", &bytes), -1);
	EXPECT_EQ(parse_size("-1M", &bytes), -1);
	EXPECT_EQ(parse_size(" 1M", &bytes), -1);
	EXPECT_EQ(parse_size("1MB", &bytes), -1);
	EXPECT_EQ(parse_size("99999999999999999999", &bytes), -1);
	EXPECT_EQ(parse_size("18446744073709551615G", &bytes), -1);

	EXPECT_STREQ(format_size(1023).text, "1023 bytes");
	EXPECT_STREQ(format_size(1024).text, "1K");
	EXPECT_STREQ(format_size(1025).text, "1.1K");
	EXPECT_STREQ(format_size(3 * MIB / 2).text, "1.5M");
	EXPECT_STREQ(format_size(255 * MIB + 1).text, "256M");
	EXPECT_STREQ(format_size(UINT64_MAX).text, "16E");
}

TEST_HARNESS_MAIN
