/* SOURCES: RUNNER userspace/engines/nbd.c selftests/unit/fake_machine.c selftests/unit/fake_doors.c selftests/unit/virtio_driver.c selftests/unit/blk_driver.c selftests/unit/nbd_server.c LIBS: -lnbd */
// SPDX-License-Identifier: GPL-2.0
/*
 * The block device, by a driver: what it answers, on files and on NBD servers, with queues
 * of all kinds. Disks that fail are disk_test's.
 */
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "../userspace/virtio/blk.h"
#include "blk_driver.h"
#include "nbd_server.h"

#define DISK_SIZE	(16 * MIB)
#define SECTORS		(DISK_SIZE / SECTOR_SIZE)

enum backend { FILE_DISK, DIRECT_DISK, NBD_RAW, NBD_QCOW2 };

FIXTURE(blk)
{
	struct blk_driver b;
	char dir[64];
	char path[96];
	struct nbd_server server;
};

FIXTURE_VARIANT(blk)
{
	enum backend backend;
	uint64_t features;
};

#define INDIRECT_EVENT_IDX	(VIRTIO_FEATURE_INDIRECT_DESC | VIRTIO_FEATURE_EVENT_IDX)

FIXTURE_VARIANT_ADD(blk, file_split)
{
	.backend = FILE_DISK,
};

FIXTURE_VARIANT_ADD(blk, file_split_indirect_event_idx)
{
	.backend = FILE_DISK,
	.features = INDIRECT_EVENT_IDX,
};

FIXTURE_VARIANT_ADD(blk, file_packed)
{
	.backend = FILE_DISK,
	.features = VIRTIO_FEATURE_RING_PACKED,
};

FIXTURE_VARIANT_ADD(blk, direct_packed_indirect_event_idx)
{
	.backend = DIRECT_DISK,
	.features = VIRTIO_FEATURE_RING_PACKED | INDIRECT_EVENT_IDX,
};

FIXTURE_VARIANT_ADD(blk, nbd_raw_split_indirect_event_idx)
{
	.backend = NBD_RAW,
	.features = INDIRECT_EVENT_IDX,
};

FIXTURE_VARIANT_ADD(blk, nbd_qcow2_packed)
{
	.backend = NBD_QCOW2,
	.features = VIRTIO_FEATURE_RING_PACKED,
};

static bool is_nbd(enum backend backend)
{
	return backend == NBD_RAW || backend == NBD_QCOW2;
}

FIXTURE_SETUP(blk)
{
	struct disk_options options = {
		.path = self->path,
		.direct = variant->backend == DIRECT_DISK,
	};
	const char *format = variant->backend == NBD_QCOW2 ? "qcow2" : "raw";
	struct message message;
	struct disk *disk;
	char socket[96];

	/* Not in memory: O_DIRECT is not for that. */
	strcpy(self->dir, "/var/tmp/blk_test.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	snprintf(self->path, sizeof(self->path), "%s/disk", self->dir);
	snprintf(socket, sizeof(socket), "%s/socket", self->dir);
	ASSERT_TRUE(image_create(self->path, format, DISK_SIZE));
	if (is_nbd(variant->backend)) {
		ASSERT_TRUE(nbd_server_start(&self->server, socket, self->path, format, false));
		options.path = self->server.uri;
		disk = disk_open_nbd(&options, &message);
	} else {
		disk = disk_open_file(&options, &message);
	}
	ASSERT_NE(NULL, disk)
		TH_LOG("%s", message.text);
	ASSERT_TRUE(blk_driver_open(&self->b, disk));
	ASSERT_TRUE(blk_driver_start(&self->b, variant->features | BLK_FEATURES));
}

FIXTURE_TEARDOWN(blk)
{
	char command[128];

	blk_driver_close(&self->b);
	if (self->server.pid)
		nbd_server_kill(&self->server);
	snprintf(command, sizeof(command), "rm -r %s", self->dir);
	EXPECT_EQ(0, system(command));
}

/* Some of them move much, on a machine that may be busy. */
#define BLK_TEST(name)	TEST_F_TIMEOUT(blk, name, 300)

BLK_TEST(configuration)
{
	struct driver *d = &self->b.d;

	EXPECT_EQ(0x10421af4, driver_pci_read(d->m, d->slot, 0, 4));
	EXPECT_EQ(SECTORS, driver_read(d, DRIVER_CONFIG, 8));
	EXPECT_EQ(254, driver_read(d, DRIVER_CONFIG + 12, 4));
	EXPECT_LE(SECTOR_SIZE, driver_read(d, DRIVER_CONFIG + 20, 4));
	EXPECT_GE(4096, driver_read(d, DRIVER_CONFIG + 20, 4));
	EXPECT_EQ(1, driver_read(d, DRIVER_CONFIG + 34, 2));
	EXPECT_EQ(1 << 21, driver_read(d, DRIVER_CONFIG + 36, 4));
	EXPECT_EQ(1, driver_read(d, DRIVER_CONFIG + 40, 4));
	EXPECT_EQ(1 << 21, driver_read(d, DRIVER_CONFIG + 48, 4));
	EXPECT_EQ(1, driver_read(d, DRIVER_CONFIG + 52, 4));
	EXPECT_EQ(1, driver_read(d, DRIVER_CONFIG + 56, 1));
}

/* Sizes from a sector to what is sent in several pieces, at places that they share. */
BLK_TEST(reads_and_writes)
{
	static const uint32_t sizes[] = { 512, 1024, 4096, 4608, 65536, 1 << 20, (5 << 20) + 512 };
	struct blk_driver *b = &self->b;
	unsigned int i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		const uint64_t sector = 8 * i;

		blk_fill(b, b->data, sizes[i], i);
		ASSERT_EQ(BLK_S_OK, blk_do(b, BLK_T_OUT, sector, b->data, sizes[i]));
		ASSERT_EQ(1, b->length);
		blk_fill(b, b->data, sizes[i], 99);
		ASSERT_EQ(BLK_S_OK, blk_do(b, BLK_T_IN, sector, b->data, sizes[i]));
		ASSERT_EQ(sizes[i] + 1, b->length);
		ASSERT_TRUE(blk_is_filled(b, b->data, sizes[i], i));
		/* Before it is still what was written before. */
		if (!i)
			continue;
		ASSERT_EQ(BLK_S_OK, blk_do(b, BLK_T_IN, sector - 8, b->data, SECTOR_SIZE));
		ASSERT_TRUE(blk_is_filled(b, b->data, SECTOR_SIZE, i - 1));
	}
	ASSERT_EQ(BLK_S_OK, blk_do(b, BLK_T_FLUSH, 0, 0, 0));
	ASSERT_EQ(BLK_S_OK, blk_do(b, BLK_T_IN, SECTORS - 1, b->data, SECTOR_SIZE));
}

/* Another opens the image and sees what was written. */
BLK_TEST(what_is_written_is_there)
{
	struct blk_driver *b = &self->b;
	uint8_t bytes[4096];
	int fd;

	blk_fill(b, b->data, sizeof(bytes), 7);
	ASSERT_EQ(BLK_S_OK, blk_do(b, BLK_T_OUT, 100, b->data, sizeof(bytes)));
	ASSERT_EQ(BLK_S_OK, blk_do(b, BLK_T_FLUSH, 0, 0, 0));
	if (variant->backend == NBD_QCOW2)
		return;
	fd = open(self->path, O_RDONLY);
	ASSERT_LE(0, fd);
	ASSERT_EQ(sizeof(bytes), pread(fd, bytes, sizeof(bytes), 100 * SECTOR_SIZE));
	close(fd);
	EXPECT_EQ(0, memcmp(bytes, driver_at(&b->d, b->data, sizeof(bytes)), sizeof(bytes)));
}

/* Header, data and status in descriptors of any size, and more than one of them in one. */
BLK_TEST(any_framing)
{
	struct blk_driver *b = &self->b;
	const uint64_t header = b->data + (2 << 20), base = b->data + 3, status = header + 16;
	const struct driver_element out[] = {
		{ header, 1, false }, { header + 1, 7, false }, { header + 8, 8, false },
		{ base, 1, false }, { base + 1, 511, false }, { base + 512, 700, false },
		{ base + 1212, 324, false }, { status, 1, true },
	}, in[] = {
		{ header, 16, false }, { base, 37, true }, { base + 37, 1000, true },
		{ base + 1037, 499, true }, { status, 1, true },
	}, together[] = {
		{ header, 16 + 1024, false }, { header + 2048, 1, true },
	}, back[] = {
		{ header, 16, false }, { header + 16, 1024 + 1, true },
	};

	blk_header(b, header, BLK_T_OUT, 64);
	blk_fill(b, base, 1536, 3);
	EXPECT_EQ(BLK_S_OK, blk_do_elements(b, out, 8, status));
	blk_fill(b, base, 1536, 4);
	blk_header(b, header, BLK_T_IN, 64);
	EXPECT_EQ(BLK_S_OK, blk_do_elements(b, in, 5, status));
	EXPECT_EQ(1537, b->length);
	EXPECT_TRUE(blk_is_filled(b, base, 1536, 3));

	blk_header(b, header, BLK_T_OUT, 72);
	blk_fill(b, header + 16, 1024, 5);
	EXPECT_EQ(BLK_S_OK, blk_do_elements(b, together, 2, header + 2048));
	blk_fill(b, header + 16, 1024, 6);
	blk_header(b, header, BLK_T_IN, 72);
	EXPECT_EQ(BLK_S_OK, blk_do_elements(b, back, 2, header + 16 + 1024));
	EXPECT_TRUE(blk_is_filled(b, header + 16, 1024, 5));
}

/* Memory that O_DIRECT cannot use, of more than is copied at a time. */
BLK_TEST(misaligned_memory)
{
	struct blk_driver *b = &self->b;
	const uint64_t odd = b->data + 1;
	const uint32_t size = (3 << 20) + 512;

	blk_fill(b, odd, size, 21);
	ASSERT_EQ(BLK_S_OK, blk_do(b, BLK_T_OUT, 8, odd, size));
	blk_fill(b, odd, size, 22);
	ASSERT_EQ(BLK_S_OK, blk_do(b, BLK_T_IN, 8, odd, size));
	EXPECT_TRUE(blk_is_filled(b, odd, size, 21));
	ASSERT_EQ(BLK_S_OK, blk_do(b, BLK_T_IN, 8, b->data + (8 << 20), size));
	EXPECT_TRUE(blk_is_filled(b, b->data + (8 << 20), size, 21));
}

BLK_TEST(get_id)
{
	struct blk_driver *b = &self->b;

	blk_fill(b, b->data, 32, 1);
	EXPECT_EQ(BLK_S_OK, blk_do(b, BLK_T_GET_ID, 0, b->data, 20));
	EXPECT_EQ(21, b->length);
	EXPECT_STREQ("test", driver_at(&b->d, b->data, 20));
	blk_fill(b, b->data, 32, 1);
	EXPECT_EQ(BLK_S_OK, blk_do(b, BLK_T_GET_ID, 0, b->data, 3));
	EXPECT_EQ(0, memcmp("tes", driver_at(&b->d, b->data, 3), 3));
	EXPECT_EQ(BLK_S_OK, blk_do(b, BLK_T_GET_ID, 0, b->data, 32));
	/* The status is behind a gap. */
	EXPECT_EQ(20, b->length);
}

static const struct {
	uint64_t sector;
	uint32_t size;
} bad_ranges[] = {
	{ SECTORS, 512 }, { SECTORS - 1, 1024 }, { SECTORS + 1, 512 }, { UINT64_MAX, 512 },
	{ UINT64_MAX / 512, 1024 }, { UINT64_MAX / 512 + 1, 512 }, { 1ULL << 55, 512 },
	{ 0, 0 }, { 0, 100 }, { 0, 511 }, { 0, 513 }, { SECTORS - 1, 511 },
};

BLK_TEST(bad_ranges)
{
	struct blk_driver *b = &self->b;
	unsigned int i;

	blk_fill(b, b->data, 4096, 1);
	ASSERT_EQ(BLK_S_OK, blk_do(b, BLK_T_OUT, 0, b->data, 4096));
	ASSERT_EQ(BLK_S_OK, blk_do(b, BLK_T_OUT, SECTORS - 8, b->data, 4096));
	for (i = 0; i < sizeof(bad_ranges) / sizeof(bad_ranges[0]); i++) {
		blk_fill(b, b->data, 4096, 2);
		EXPECT_EQ(BLK_S_IOERR, blk_do(b, BLK_T_OUT, bad_ranges[i].sector, b->data,
					      bad_ranges[i].size));
		EXPECT_EQ(BLK_S_IOERR, blk_do(b, BLK_T_IN, bad_ranges[i].sector, b->data,
					      bad_ranges[i].size));
		EXPECT_TRUE(blk_is_filled(b, b->data, 4096, 2));
	}
	EXPECT_EQ(BLK_S_OK, blk_do(b, BLK_T_IN, 0, b->data, 4096));
	EXPECT_TRUE(blk_is_filled(b, b->data, 4096, 1));
	EXPECT_EQ(BLK_S_OK, blk_do(b, BLK_T_IN, SECTORS - 8, b->data, 4096));
	EXPECT_TRUE(blk_is_filled(b, b->data, 4096, 1));
}

BLK_TEST(unknown_requests)
{
	static const uint32_t types[] = { 2, 3, 5, 10, 14, 0x80000000, UINT32_MAX };
	struct blk_driver *b = &self->b;
	unsigned int i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		EXPECT_EQ(BLK_S_UNSUPP, blk_do(b, types[i], 0, b->data, 512));
}

/* What has no place for an answer, or is no request, stops the device until a reset. */
BLK_TEST(no_requests)
{
	struct blk_driver *b = &self->b;
	const struct driver_element no_status[] = { { b->data, 16, false } },
		no_header[] = { { b->data, 15, false }, { b->data + 64, 1, true } },
		nothing[] = { { b->data, 1, true } };
	const struct {
		const struct driver_element *elements;
		unsigned int nr;
	} rows[] = { { no_status, 1 }, { no_header, 2 }, { nothing, 1 } };
	unsigned int i;

	for (i = 0; i < 3; i++) {
		driver_add(&b->d, 0, rows[i].elements, rows[i].nr);
		driver_kick(&b->d, 0);
		EXPECT_TRUE(blk_needs_reset(b));
		ASSERT_TRUE(blk_driver_start(b, variant->features | BLK_FEATURES));
		EXPECT_EQ(BLK_S_OK, blk_do(b, BLK_T_IN, 0, b->data, 512));
	}
}

/* ---- Ranges without data ---- */

static blkcnt_t blocks_of(const char *path)
{
	struct stat stat_buf;

	return stat(path, &stat_buf) ? -1 : stat_buf.st_blocks;
}

static bool keeps_blocks(const char *path)
{
	struct statfs statfs_buf;

	return !statfs(path, &statfs_buf) && statfs_buf.f_type != TMPFS_MAGIC;
}

BLK_TEST(discard_and_zero)
{
	const bool is_raw = variant->backend != NBD_QCOW2;
	const uint32_t size = 1 << 20, sectors = size / SECTOR_SIZE;
	struct blk_driver *b = &self->b;
	blkcnt_t blocks;
	unsigned int i;

	blk_fill(b, b->data, size, 9);
	for (i = 0; i < 4; i++)
		ASSERT_EQ(BLK_S_OK, blk_do(b, BLK_T_OUT, sectors * i, b->data, size));
	ASSERT_EQ(BLK_S_OK, blk_do(b, BLK_T_FLUSH, 0, 0, 0));
	blocks = blocks_of(self->path);
	EXPECT_EQ(BLK_S_OK, blk_do_range(b, BLK_T_WRITE_ZEROES, sectors, sectors, 0));
	EXPECT_EQ(BLK_S_OK, blk_do(b, BLK_T_IN, sectors, b->data, size));
	EXPECT_TRUE(blk_is_zero(b, b->data, size));
	if (is_raw && keeps_blocks(self->path))
		EXPECT_LE(blocks, blocks_of(self->path));
	EXPECT_EQ(BLK_S_OK, blk_do_range(b, BLK_T_WRITE_ZEROES, sectors * 2, sectors, 1));
	EXPECT_EQ(BLK_S_OK, blk_do(b, BLK_T_IN, sectors * 2, b->data, size));
	EXPECT_TRUE(blk_is_zero(b, b->data, size));
	if (is_raw)
		EXPECT_GT(blocks, blocks_of(self->path));
	blocks = blocks_of(self->path);
	EXPECT_EQ(BLK_S_OK, blk_do_range(b, BLK_T_DISCARD, sectors * 3, sectors, 0));
	if (is_raw)
		EXPECT_GT(blocks, blocks_of(self->path));
	EXPECT_EQ(BLK_S_OK, blk_do_range(b, BLK_T_DISCARD, 0, SECTORS, 0));
	/* A part of a block. */
	blk_fill(b, b->data, 8192, 9);
	EXPECT_EQ(BLK_S_OK, blk_do(b, BLK_T_OUT, 0, b->data, 8192));
	EXPECT_EQ(BLK_S_OK, blk_do_range(b, BLK_T_WRITE_ZEROES, 1, 1, 0));
	EXPECT_EQ(BLK_S_OK, blk_do(b, BLK_T_IN, 1, b->data + 65536, SECTOR_SIZE));
	EXPECT_TRUE(blk_is_zero(b, b->data + 65536, SECTOR_SIZE));
	EXPECT_EQ(BLK_S_OK, blk_do(b, BLK_T_IN, 2, b->data + 65536, SECTOR_SIZE));
	EXPECT_EQ(0, memcmp(driver_at(&b->d, b->data + 1024, SECTOR_SIZE),
			    driver_at(&b->d, b->data + 65536, SECTOR_SIZE), SECTOR_SIZE));
}

/* A driver that cannot flush: the disk has more to do for each request. */
BLK_TEST(no_flushes)
{
	struct blk_driver *b = &self->b;
	unsigned int i;

	ASSERT_TRUE(blk_driver_start(b, variant->features |
				     (BLK_FEATURES & ~(uint64_t)BLK_F_FLUSH)));
	for (i = 0; i < 2; i++) {
		blk_fill(b, b->data, 2 << 20, i);
		EXPECT_EQ(BLK_S_OK, blk_do(b, BLK_T_OUT, 8, b->data, 2 << 20));
		EXPECT_EQ(BLK_S_OK, blk_do_range(b, BLK_T_WRITE_ZEROES, 16, 8, i));
		EXPECT_EQ(BLK_S_OK, blk_do(b, BLK_T_IN, 8, b->data + (4 << 20), 2 << 20));
		EXPECT_TRUE(blk_is_filled(b, b->data + (4 << 20), 4096, i));
		EXPECT_TRUE(blk_is_zero(b, b->data + (4 << 20) + 4096, 4096));
		EXPECT_EQ(BLK_S_OK, blk_do_range(b, BLK_T_DISCARD, 16, 8, 0));
	}
}

BLK_TEST(bad_discards)
{
	struct blk_driver *b = &self->b;
	unsigned int type;

	for (type = BLK_T_DISCARD; type <= BLK_T_WRITE_ZEROES; type += 2) {
		EXPECT_EQ(BLK_S_IOERR, blk_do_range(b, type, 0, 0, 0));
		EXPECT_EQ(BLK_S_IOERR, blk_do_range(b, type, SECTORS, 1, 0));
		EXPECT_EQ(BLK_S_IOERR, blk_do_range(b, type, 1, SECTORS, 0));
		EXPECT_EQ(BLK_S_IOERR, blk_do_range(b, type, UINT64_MAX, 1, 0));
		EXPECT_EQ(BLK_S_IOERR, blk_do_range(b, type, 0, UINT32_MAX, 0));
		EXPECT_EQ(BLK_S_UNSUPP, blk_do_range(b, type, 0, 1, 2));
		EXPECT_EQ(BLK_S_UNSUPP, blk_do_range(b, type, 0, 1, 0x80000000));
		/* None, a half and two of them. */
		EXPECT_EQ(BLK_S_IOERR, blk_do_out(b, type, 0));
		EXPECT_EQ(BLK_S_IOERR, blk_do_out(b, type, 8));
		EXPECT_EQ(BLK_S_IOERR, blk_do_out(b, type, 32));
	}
	EXPECT_EQ(BLK_S_UNSUPP, blk_do_range(b, BLK_T_DISCARD, 0, 1, 1));
}

/* ---- Many at a time ---- */

/* Rounds of as many as the queue takes: they end in any order, each where it belongs. */
BLK_TEST(many_in_flight)
{
	struct blk_driver *b = &self->b;
	const unsigned int nr = variant->features & VIRTIO_FEATURE_INDIRECT_DESC ? 256 : 85;
	unsigned int round, i;

	for (round = 0; round < 6; round++) {
		const bool write = round % 2 == 0;

		for (i = 0; i < nr; i++) {
			/* Read where it was written, into another's memory. */
			const unsigned int place = write ? i : nr - 1 - i;
			const uint64_t data = b->data + (1 << 20) + i * 4096;

			blk_fill(b, data, 4096, write ? round * 1000 + place : 5);
			blk_add(b, i, write ? BLK_T_OUT : BLK_T_IN, place * 8, data, 4096);
		}
		driver_kick(&b->d, 0);
		for (i = 0; i < nr; i++)
			ASSERT_EQ(BLK_S_OK, blk_wait(b));
		for (i = 0; !write && i < nr; i++)
			ASSERT_TRUE(blk_is_filled(b, b->data + (1 << 20) + i * 4096, 4096,
						  (round - 1) * 1000 + nr - 1 - i));
	}
}

/* After a reset is seen as done nothing is written any more. */
BLK_TEST(a_reset_in_flight)
{
	struct blk_driver *b = &self->b;
	const uint64_t data = b->data + (1 << 20);
	unsigned int round, i;

	blk_fill(b, data, 1 << 20, 4);
	for (i = 0; i < 4; i++)
		ASSERT_EQ(BLK_S_OK, blk_do(b, BLK_T_OUT, i * 2048, data, 1 << 20));
	for (round = 0; round < 10; round++) {
		ASSERT_TRUE(blk_driver_start(b, variant->features | BLK_FEATURES));
		for (i = 0; i < 64; i++)
			blk_add(b, i, BLK_T_IN, i * 128, data + i * 65536, 65536);
		if (is_nbd(variant->backend))
			nbd_server_pause(&self->server, true);
		driver_kick(&b->d, 0);
		usleep(round * 200);
		driver_write(&b->d, DRIVER_STATUS, 1, 0);
		if (is_nbd(variant->backend))
			nbd_server_pause(&self->server, false);
		while (driver_read(&b->d, DRIVER_STATUS, 1))
			usleep(100);
		memset(driver_at(&b->d, data, 4 << 20), 0x77, 4 << 20);
		usleep(2000);
		for (i = 0; i < 4 << 20; i += 64)
			ASSERT_EQ(0x77, *(uint8_t *)driver_at(&b->d, data + i, 1));
	}
}

TEST_HARNESS_MAIN
