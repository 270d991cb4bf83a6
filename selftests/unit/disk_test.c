/* SOURCES: RUNNER userspace/engines/nbd.c selftests/unit/fake_machine.c selftests/unit/fake_doors.c selftests/unit/virtio_driver.c selftests/unit/blk_driver.c selftests/unit/nbd_server.c LIBS: -lnbd */
// SPDX-License-Identifier: GPL-2.0
/*
 * Disks that cannot be opened, that fail, that go away or do not answer; what the block
 * device asks of its disk, which is one of the test here; and the log of a disk.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "../userspace/virtio/blk.h"
#include "../userspace/virtio/iov.h"
#include "../userspace/virtio/disk_log.h"
#include "blk_driver.h"
#include "nbd_server.h"

#define DISK_SIZE	(4 * MIB)
#define SECTORS		(DISK_SIZE / SECTOR_SIZE)

FIXTURE(disk)
{
	char dir[64];
	char path[96];
	char socket[96];
	struct message message;
};

FIXTURE_SETUP(disk)
{
	strcpy(self->dir, "/var/tmp/disk_test.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	snprintf(self->path, sizeof(self->path), "%s/disk", self->dir);
	snprintf(self->socket, sizeof(self->socket), "%s/socket", self->dir);
	ASSERT_TRUE(image_create(self->path, "raw", DISK_SIZE));
}

FIXTURE_TEARDOWN(disk)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r %s", self->dir);
	EXPECT_EQ(0, system(command));
}

#define DISK_TEST(name)	TEST_F_TIMEOUT(disk, name, 300)

/* True if it cannot be opened and the message has @words in it. */
static bool refuses(struct message *message, const struct disk_options *options,
		    const char *words)
{
	const bool is_uri = !strncmp(options->path, "nbd", 3);
	struct disk *disk = is_uri ? disk_open_nbd(options, message) :
				     disk_open_file(options, message);

	if (disk) {
		disk->ops->close(disk);
		strcpy(message->text, "it was opened");
	}
	if (!disk && strstr(message->text, options->path) && strstr(message->text, words) &&
	    !strchr(message->text, '\n'))
		return true;
	fprintf(stderr, "not \"%s\": %s\n", words, message->text);
	return false;
}

/* ---- Files ---- */

DISK_TEST(files_that_are_none)
{
	const char *const rows[][2] = {
		{ "missing", "No such file or directory" },
		{ ".", "neither a file nor a block device" },
		{ "fifo", "neither a file nor a block device" },
		{ "empty", "it is empty" },
		{ "odd", "its size is not a multiple of 512 bytes" },
		{ "short", "its size is not a multiple of 512 bytes" },
	};
	char path[192];
	unsigned int i;

	snprintf(path, sizeof(path), "cd %s && : >empty && mkfifo fifo && truncate -s 1000 odd && "
		 "truncate -s 511 short", self->dir);
	ASSERT_EQ(0, system(path));
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct disk_options options = { .path = path };

		snprintf(path, sizeof(path), "%s/%s", self->dir, rows[i][0]);
		EXPECT_TRUE(refuses(&self->message, &options, rows[i][1]));
	}
	EXPECT_TRUE(refuses(&self->message, &(struct disk_options) {
		.path = self->dir, .read_only = true }, "neither a file nor a block device"));
	EXPECT_TRUE(refuses(&self->message, &(struct disk_options) { .path = "/dev/null" },
			    "neither a file nor a block device"));
	/* Nobody may write it, root neither. */
	EXPECT_TRUE(refuses(&self->message, &(struct disk_options) {
		.path = "/proc/sys/kernel/version" }, "to only read it, add ,ro"));
	EXPECT_TRUE(refuses(&self->message, &(struct disk_options) {
		.path = "/proc/sys/kernel/version", .direct = true, .read_only = true },
		"leave ,direct out"));
}

/* One writes, or several read. */
DISK_TEST(a_file_is_locked)
{
	struct disk_options options = { .path = self->path };
	struct disk *one = disk_open_file(&options, &self->message), *other;

	ASSERT_NE(NULL, one);
	EXPECT_TRUE(refuses(&self->message, &options, "in use by another VM"));
	options.read_only = true;
	EXPECT_TRUE(refuses(&self->message, &options, "in use by another VM"));
	one->ops->close(one);
	one = disk_open_file(&options, &self->message);
	other = disk_open_file(&options, &self->message);
	EXPECT_NE(NULL, one);
	EXPECT_NE(NULL, other);
	options.read_only = false;
	EXPECT_TRUE(refuses(&self->message, &options, "in use by another VM"));
	one->ops->close(one);
	other->ops->close(other);
}

static bool open_blk(struct blk_driver *b, struct disk *disk, uint64_t features)
{
	return disk && blk_driver_open(b, disk) && blk_driver_start(b, features);
}

DISK_TEST(a_file_that_is_only_read)
{
	const struct disk_options options = { .path = self->path, .read_only = true };
	struct blk_driver b = { 0 };

	ASSERT_TRUE(open_blk(&b, disk_open_file(&options, &self->message), BLK_F_RO | BLK_F_FLUSH));
	EXPECT_FALSE(driver_negotiate(&b.d, BLK_F_DISCARD));
	EXPECT_FALSE(driver_negotiate(&b.d, BLK_F_WRITE_ZEROES));
	/* A driver that does not look. */
	ASSERT_TRUE(blk_driver_start(&b, 0));
	blk_fill(&b, b.data, 512, 1);
	EXPECT_EQ(BLK_S_IOERR, blk_do(&b, BLK_T_OUT, 0, b.data, 512));
	EXPECT_EQ(BLK_S_UNSUPP, blk_do_range(&b, BLK_T_DISCARD, 0, 1, 0));
	EXPECT_EQ(BLK_S_UNSUPP, blk_do_range(&b, BLK_T_WRITE_ZEROES, 0, 1, 0));
	EXPECT_EQ(BLK_S_OK, blk_do(&b, BLK_T_FLUSH, 0, 0, 0));
	EXPECT_EQ(BLK_S_OK, blk_do(&b, BLK_T_IN, 0, b.data, 512));
	EXPECT_TRUE(blk_is_zero(&b, b.data, 512));
	blk_driver_close(&b);
}

/* What there is of it is read, and what there is not is an error. */
DISK_TEST(a_file_that_becomes_shorter)
{
	const struct disk_options options = { .path = self->path };
	struct blk_driver b = { 0 };

	ASSERT_TRUE(open_blk(&b, disk_open_file(&options, &self->message), BLK_FEATURES));
	ASSERT_EQ(0, truncate(self->path, 1 << 20));
	EXPECT_EQ(BLK_S_OK, blk_do(&b, BLK_T_IN, 0, b.data, 4096));
	EXPECT_EQ(BLK_S_IOERR, blk_do(&b, BLK_T_IN, 2048, b.data, 4096));
	EXPECT_EQ(BLK_S_IOERR, blk_do(&b, BLK_T_IN, 2047, b.data, 4096));
	EXPECT_EQ(BLK_S_IOERR, blk_do(&b, BLK_T_IN, SECTORS - 1, b.data, 512));
	EXPECT_EQ(BLK_S_OK, blk_do(&b, BLK_T_IN, 2040, b.data, 4096));
	blk_driver_close(&b);
}

/* Lines of what the test's stderr, which went to @fd, got; -1 if one lacks @words. */
static int lines_with(int fd, const char *words)
{
	char text[4096] = "", *line, *rest = text;
	int lines = 0;

	if (pread(fd, text, sizeof(text) - 1, 0) < 0)
		return -1;
	while ((line = strsep(&rest, "\n")) && line[0]) {
		if (!strstr(line, words))
			return -1;
		lines++;
	}
	return lines;
}

/* No room: the limit of a process's files stands for that of a file system. */
DISK_TEST(a_file_that_does_not_grow)
{
	const struct disk_options options = { .path = self->path };
	const struct rlimit limit = { 1 << 20, RLIM_INFINITY }, none = { RLIM_INFINITY,
		RLIM_INFINITY };
	const int err = memfd_create("stderr", 0), old = dup(2);
	struct blk_driver b = { 0 };
	unsigned int i;

	signal(SIGXFSZ, SIG_IGN);
	ASSERT_TRUE(open_blk(&b, disk_open_file(&options, &self->message), BLK_FEATURES));
	ASSERT_EQ(0, setrlimit(RLIMIT_FSIZE, &limit));
	dup2(err, 2);
	blk_fill(&b, b.data, 1 << 20, 1);
	for (i = 0; i < 5; i++)
		EXPECT_EQ(BLK_S_IOERR, blk_do(&b, BLK_T_OUT, 2048 + i, b.data, 512));
	/* A part of it fits. */
	EXPECT_EQ(BLK_S_IOERR, blk_do(&b, BLK_T_OUT, 1024, b.data, 1 << 20));
	dup2(old, 2);
	EXPECT_EQ(1, lines_with(err, "disk test: File too large"));
	EXPECT_EQ(BLK_S_OK, blk_do(&b, BLK_T_OUT, 0, b.data, 1 << 20));
	EXPECT_EQ(BLK_S_OK, blk_do(&b, BLK_T_FLUSH, 0, 0, 0));
	/* There is room again. */
	ASSERT_EQ(0, setrlimit(RLIMIT_FSIZE, &none));
	EXPECT_EQ(BLK_S_OK, blk_do(&b, BLK_T_OUT, 2048, b.data, 1 << 20));
	blk_driver_close(&b);
}

/* ---- Servers ---- */

DISK_TEST(servers_that_are_none)
{
	struct nbd_server server;
	char uri[256];

	snprintf(uri, sizeof(uri), "nbd+unix:///disk?socket=%s/none", self->dir);
	EXPECT_TRUE(refuses(&self->message, &(struct disk_options) { .path = uri },
			    "No such file or directory"));
	EXPECT_TRUE(refuses(&self->message, &(struct disk_options) {
		.path = "nbd://127.0.0.1:1/disk" }, "Connection refused"));
	EXPECT_TRUE(refuses(&self->message, &(struct disk_options) { .path = "nbd://%zz:x/" },
			    ""));
	ASSERT_TRUE(nbd_server_start(&server, self->socket, self->path, "raw", true));
	snprintf(uri, sizeof(uri), "nbd+unix:///another?socket=%s", self->socket);
	EXPECT_TRUE(refuses(&self->message, &(struct disk_options) { .path = uri },
			    "another"));
	EXPECT_TRUE(refuses(&self->message, &(struct disk_options) { .path = server.uri },
			    "to only read it, add ,ro"));
	EXPECT_TRUE(refuses(&self->message, &(struct disk_options) {
		.path = server.uri, .read_only = true, .direct = true }, ",direct is for files"));
	/* It accepts the connection, and that is all. */
	nbd_server_pause(&server, true);
	EXPECT_TRUE(refuses(&self->message, &(struct disk_options) { .path = server.uri },
			    "does not answer"));
	nbd_server_kill(&server);
}

DISK_TEST(sizes_of_exports)
{
	struct nbd_server server;

	ASSERT_EQ(0, truncate(self->path, 0));
	ASSERT_TRUE(nbd_server_start(&server, self->socket, self->path, "raw", false));
	EXPECT_TRUE(refuses(&self->message, &(struct disk_options) { .path = server.uri },
			    "it is empty"));
	nbd_server_kill(&server);
}

/* An engine is where the program's folder says, and there is none. */
DISK_TEST(no_engine)
{
	EXPECT_EQ(NULL, disk_open(&(struct disk_options) { .path = "nbd://localhost/" },
				  &self->message));
	EXPECT_NE(NULL, strstr(self->message.text, "it needs the package libnbd0"))
		TH_LOG("%s", self->message.text);
	EXPECT_EQ(NULL, disk_open(&(struct disk_options) { .path = "nbd+unix:///x?socket=y" },
				  &self->message));
	EXPECT_NE(NULL, strstr(self->message.text, "libnbd0"));
	/* These are files. */
	EXPECT_EQ(NULL, disk_open(&(struct disk_options) { .path = "nbd" }, &self->message));
	EXPECT_NE(NULL, strstr(self->message.text, "disk nbd: No such file"));
	EXPECT_EQ(NULL, disk_open(&(struct disk_options) { .path = "nbd/x://" },
				  &self->message));
	EXPECT_NE(NULL, strstr(self->message.text, "disk nbd/x://: No such file"));
}

DISK_TEST(an_export_that_is_only_read)
{
	struct blk_driver b = { 0 };
	struct nbd_server server;
	struct disk_options options = { .path = server.uri, .read_only = true };

	ASSERT_TRUE(nbd_server_start(&server, self->socket, self->path, "raw", true));
	ASSERT_TRUE(open_blk(&b, disk_open_nbd(&options, &self->message), BLK_F_RO));
	EXPECT_EQ(BLK_S_IOERR, blk_do(&b, BLK_T_OUT, 0, b.data, 512));
	EXPECT_EQ(BLK_S_OK, blk_do(&b, BLK_T_IN, 0, b.data, 512));
	EXPECT_EQ(BLK_S_OK, blk_do(&b, BLK_T_FLUSH, 0, 0, 0));
	blk_driver_close(&b);
	nbd_server_kill(&server);
}

/* With requests in flight, all of them and all later ones end with an error. */
DISK_TEST(a_server_that_dies)
{
	const int err = memfd_create("stderr", 0), old = dup(2);
	struct blk_driver b = { 0 };
	struct nbd_server server;
	struct disk_options options = { .path = server.uri };
	unsigned int i;

	ASSERT_TRUE(nbd_server_start(&server, self->socket, self->path, "raw", false));
	ASSERT_TRUE(open_blk(&b, disk_open_nbd(&options, &self->message), BLK_FEATURES));
	blk_fill(&b, b.data, BLK_DATA, 1);
	EXPECT_EQ(BLK_S_OK, blk_do(&b, BLK_T_OUT, 0, b.data, 65536));
	nbd_server_pause(&server, true);
	for (i = 0; i < 80; i++)
		blk_add(&b, i, i % 2, i * 64, b.data + i * 32768, 32768);
	driver_kick(&b.d, 0);
	usleep(20000);
	dup2(err, 2);
	nbd_server_kill(&server);
	for (i = 0; i < 80; i++)
		EXPECT_EQ(BLK_S_IOERR, blk_wait(&b));
	EXPECT_EQ(BLK_S_IOERR, blk_do(&b, BLK_T_IN, 0, b.data, 512));
	EXPECT_EQ(BLK_S_IOERR, blk_do(&b, BLK_T_OUT, 0, b.data, 512));
	EXPECT_EQ(BLK_S_IOERR, blk_do(&b, BLK_T_FLUSH, 0, 0, 0));
	EXPECT_EQ(BLK_S_IOERR, blk_do_range(&b, BLK_T_WRITE_ZEROES, 0, 1, 0));
	EXPECT_EQ(BLK_S_OK, blk_do(&b, BLK_T_GET_ID, 0, b.data, 20));
	dup2(old, 2);
	EXPECT_EQ(1, lines_with(err, "disk test: the connection to its server has ended"));
	blk_driver_close(&b);
}

DISK_TEST(a_server_that_dies_idle)
{
	struct blk_driver b = { 0 };
	struct nbd_server server;
	struct disk_options options = { .path = server.uri };

	ASSERT_TRUE(nbd_server_start(&server, self->socket, self->path, "raw", false));
	ASSERT_TRUE(open_blk(&b, disk_open_nbd(&options, &self->message), BLK_FEATURES));
	EXPECT_EQ(BLK_S_OK, blk_do(&b, BLK_T_IN, 0, b.data, 512));
	nbd_server_kill(&server);
	EXPECT_EQ(BLK_S_IOERR, blk_do(&b, BLK_T_IN, 0, b.data, 512));
	blk_driver_close(&b);
}

/* The end of a run does not wait for it for ever. */
DISK_TEST(a_server_that_hangs)
{
	struct blk_driver b = { 0 };
	struct nbd_server server;
	struct disk_options options = { .path = server.uri };

	ASSERT_TRUE(nbd_server_start(&server, self->socket, self->path, "raw", false));
	ASSERT_TRUE(open_blk(&b, disk_open_nbd(&options, &self->message), BLK_FEATURES));
	nbd_server_pause(&server, true);
	blk_add(&b, 0, BLK_T_IN, 0, b.data, 4096);
	blk_add(&b, 1, BLK_T_OUT, 0, b.data, 4 << 20);
	driver_kick(&b.d, 0);
	usleep(20000);
	blk_driver_close(&b);
	nbd_server_kill(&server);
}

/* ---- A disk of the test, which ends requests when it is told to ---- */

#define TOY_REQUESTS	256

struct toy {
	struct disk disk;
	int fd;
	struct disk_request *requests[TOY_REQUESTS];	/* in flight, then NULL */
	int errors[TOY_REQUESTS];
	bool done[TOY_REQUESTS];
	unsigned int nr;
	bool *closed;
};

static void toy_submit(struct disk *disk, struct disk_request *request)
{
	struct toy *toy = (struct toy *)disk;

	toy->requests[toy->nr++] = request;
}

static void toy_start(struct disk *disk)
{
}

static int toy_fd(const struct disk *disk)
{
	return ((const struct toy *)disk)->fd;
}

static void toy_process(struct disk *disk)
{
	struct toy *toy = (struct toy *)disk;
	uint64_t count;
	unsigned int i;

	if (read(toy->fd, &count, sizeof(count)) != sizeof(count))
		return;
	for (i = 0; i < toy->nr; i++) {
		struct disk_request *request = toy->requests[i];

		if (!request || !toy->done[i])
			continue;
		toy->requests[i] = NULL;
		request->done(request, toy->errors[i]);
	}
}

/* Whoever takes the device down waits for the rest. */
static void toy_give_up(struct disk *disk)
{
	struct toy *toy = (struct toy *)disk;

	memset(toy->done, true, sizeof(toy->done));
	eventfd_write(toy->fd, 1);
}

static void toy_close(struct disk *disk)
{
	struct toy *toy = (struct toy *)disk;

	*toy->closed = true;
	close(toy->fd);
	free(toy);
}

static const struct disk_ops toy_ops = {
	.submit = toy_submit,
	.start = toy_start,
	.fd = toy_fd,
	.process = toy_process,
	.give_up = toy_give_up,
	.close = toy_close,
};

FIXTURE(toy)
{
	struct toy *toy;
	struct blk_driver b;
	bool closed;
};

FIXTURE_SETUP(toy)
{
	self->toy = calloc(1, sizeof(*self->toy));
	*self->toy = (struct toy) {
		.disk = { &toy_ops, DISK_SIZE, 4096, false, true },
		.fd = eventfd(0, EFD_NONBLOCK),
		.closed = &self->closed,
	};
	ASSERT_TRUE(blk_driver_open(&self->b, &self->toy->disk));
}

FIXTURE_TEARDOWN(toy)
{
	blk_driver_close(&self->b);
	EXPECT_TRUE(self->closed);
}

/* The disk's end of a request. */
static void end(struct blk_driver *b, struct toy *toy, unsigned int i, int error)
{
	virtio_lock(b->dev);
	toy->errors[i] = error;
	toy->done[i] = true;
	virtio_unlock(b->dev);
	eventfd_write(toy->fd, 1);
}

/* Request @i, as soon as it is there. */
static const struct disk_request *request(struct blk_driver *b, struct toy *toy, unsigned int i)
{
	unsigned int tries, nr;

	for (tries = 0; tries < 10000; tries++) {
		virtio_lock(b->dev);
		nr = toy->nr;
		virtio_unlock(b->dev);
		if (nr > i)
			return toy->requests[i];
		usleep(1000);
	}
	return NULL;
}

TEST_F(toy, what_is_asked)
{
	struct blk_driver *b = &self->b;
	const struct disk_request *asked;
	unsigned int i;

	ASSERT_TRUE(blk_driver_start(b, BLK_FEATURES));
	EXPECT_EQ(4096, driver_read(&b->d, DRIVER_CONFIG + 20, 4));
	EXPECT_EQ(8, driver_read(&b->d, DRIVER_CONFIG + 44, 4));
	blk_add(b, 0, BLK_T_OUT, 3, b->data, 1024);
	driver_kick(&b->d, 0);
	asked = request(b, self->toy, 0);
	ASSERT_NE(NULL, asked);
	EXPECT_EQ(DISK_WRITE, asked->op);
	EXPECT_EQ(3 * 512, asked->offset);
	EXPECT_EQ(1024, asked->size);
	EXPECT_EQ(1, asked->nr);
	EXPECT_EQ(driver_at(&b->d, b->data, 1024), asked->iov[0].iov_base);
	EXPECT_FALSE(asked->sync);
	end(b, self->toy, 0, 0);
	EXPECT_EQ(BLK_S_OK, blk_wait(b));
	/* Ranges. */
	memset(driver_at(&b->d, b->data, 16), 0, 16);
	for (i = 0; i < 2; i++) {
		uint32_t *range = driver_at(&b->d, b->data, 16);

		range[0] = 8;
		range[2] = 16;
		range[3] = i;
		blk_add(b, 0, BLK_T_WRITE_ZEROES, 0, b->data, 16);
		driver_kick(&b->d, 0);
		asked = request(b, self->toy, 1 + i);
		ASSERT_NE(NULL, asked);
		EXPECT_EQ(DISK_ZERO, asked->op);
		EXPECT_EQ(8 * 512, asked->offset);
		EXPECT_EQ(16 * 512, asked->size);
		EXPECT_EQ(i, asked->may_unmap);
		end(b, self->toy, 1 + i, i ? -EIO : 0);
		EXPECT_EQ(i ? BLK_S_IOERR : BLK_S_OK, blk_wait(b));
	}
}

/* A driver that cannot flush has its writes on the medium when they are done. */
TEST_F(toy, sync_writes)
{
	struct blk_driver *b = &self->b;

	ASSERT_TRUE(blk_driver_start(b, BLK_F_WRITE_ZEROES));
	blk_add(b, 0, BLK_T_OUT, 0, b->data, 512);
	driver_kick(&b->d, 0);
	ASSERT_NE(NULL, request(b, self->toy, 0));
	EXPECT_TRUE(request(b, self->toy, 0)->sync);
	end(b, self->toy, 0, 0);
	EXPECT_EQ(BLK_S_OK, blk_wait(b));
}

/* The queue is full, the disk has as many as it gets, and they end backwards. */
TEST_F(toy, the_last_is_first)
{
	struct blk_driver *b = &self->b;
	unsigned int i, first = 0;

	ASSERT_TRUE(blk_driver_start(b, BLK_FEATURES | VIRTIO_FEATURE_INDIRECT_DESC |
				     VIRTIO_FEATURE_RING_PACKED));
	for (i = 0; i < 256; i++)
		blk_add(b, i, BLK_T_IN, i, b->data + i * 512, 512);
	driver_kick(&b->d, 0);
	ASSERT_NE(NULL, request(b, self->toy, 127));
	usleep(10000);
	EXPECT_EQ(128, self->toy->nr);
	for (i = 0; i < 128; i++) {
		end(b, self->toy, 127 - i, i % 2 ? -EIO : 0);
		EXPECT_EQ(i % 2 ? BLK_S_IOERR : BLK_S_OK, blk_wait(b));
		EXPECT_EQ(127 - i, b->last);
		/* One goes, one comes. */
		EXPECT_NE(NULL, request(b, self->toy, 128 + i));
		EXPECT_EQ((128 + i) * 512, self->toy->requests[128 + i]->offset);
	}
	for (first = 128; first < 256; first++) {
		end(b, self->toy, first, 0);
		EXPECT_EQ(BLK_S_OK, blk_wait(b));
	}
}

/* A reset is not done while the disk may write to memory; nothing is answered. */
TEST_F(toy, a_reset_waits_for_the_disk)
{
	struct blk_driver *b = &self->b;
	unsigned int i;
	uint32_t length;
	uint16_t id;

	ASSERT_TRUE(blk_driver_start(b, BLK_FEATURES));
	for (i = 0; i < 3; i++)
		blk_add(b, i, BLK_T_IN, i, b->data + i * 512, 512);
	driver_kick(&b->d, 0);
	ASSERT_NE(NULL, request(b, self->toy, 2));
	driver_write(&b->d, DRIVER_STATUS, 1, 0);
	for (i = 0; i < 3; i++) {
		EXPECT_NE(0, driver_read(&b->d, DRIVER_STATUS, 1));
		end(b, self->toy, i, 0);
	}
	for (i = 0; i < 10000 && driver_read(&b->d, DRIVER_STATUS, 1); i++)
		usleep(1000);
	EXPECT_EQ(0, driver_read(&b->d, DRIVER_STATUS, 1));
	EXPECT_FALSE(driver_used(&b->d, 0, &id, &length));
	ASSERT_TRUE(blk_driver_start(b, BLK_FEATURES));
	blk_add(b, 0, BLK_T_FLUSH, 0, 0, 0);
	driver_kick(&b->d, 0);
	ASSERT_NE(NULL, request(b, self->toy, 3));
	EXPECT_EQ(DISK_FLUSH, request(b, self->toy, 3)->op);
	end(b, self->toy, 3, 0);
	EXPECT_EQ(BLK_S_OK, blk_wait(b));
}

/* Each error is told once. */
TEST_F(toy, errors_are_told_once)
{
	static const int errors[] = { ENOSPC, EIO, ENOSPC, EIO, ENOSPC };
	const int err = memfd_create("stderr", 0), old = dup(2);
	struct blk_driver *b = &self->b;
	unsigned int i;

	ASSERT_TRUE(blk_driver_start(b, BLK_FEATURES));
	dup2(err, 2);
	for (i = 0; i < 5; i++) {
		blk_add(b, 0, BLK_T_OUT, 0, b->data, 512);
		driver_kick(&b->d, 0);
		request(b, self->toy, i);
		end(b, self->toy, i, -errors[i]);
		EXPECT_EQ(BLK_S_IOERR, blk_wait(b));
		EXPECT_EQ(1, b->length);
	}
	dup2(old, 2);
	EXPECT_EQ(2, lines_with(err, "minivmx: disk test: "));
}

/* ---- Logs ---- */

/* The next record, and the first byte of its data. False at the end. */
static bool next_record(FILE *file, struct disk_log_record *record, uint8_t *first)
{
	if (fread(record, sizeof(*record), 1, file) != 1)
		return false;
	if (record->op == DISK_LOG_WRITE) {
		*first = (uint8_t)fgetc(file);
		fseek(file, (long)record->size - 1, SEEK_CUR);
	}
	return true;
}

static unsigned int nr_ended;

static void on_end(struct disk_request *request, int error)
{
	nr_ended++;
}

/*
 * A write that was in flight when the flush was submitted is not covered by it, whichever
 * completes first; what is recorded is what was there when it was submitted.
 */
DISK_TEST(a_log_tells_what_a_flush_covers)
{
	const struct disk_log_record expected[] = {
		{ DISK_LOG_WRITE, 0, 0, 0, 0, 2, 512, 1024 },
		{ DISK_LOG_FLUSH, 0, 0, 0, 3, 5, 0, 0 },
		{ DISK_LOG_WRITE, DISK_LOG_SYNC, 0, 0, 1, 6, 4096, 512 },
		{ DISK_LOG_ZERO, DISK_LOG_MAY_UNMAP, -EIO, 0, 4, 8, 8192, 512 },
		{ DISK_LOG_DISCARD, 0, 0, 0, 7, 9, 0, 4096 },
	};
	uint8_t bytes[1024] = { 0x11 }, first = 0;
	struct iovec iov[2] = { { bytes, 512 }, { bytes + 512, 512 } }, iov1 = { bytes, 512 };
	struct disk_request requests[] = {
		{ .op = DISK_WRITE, .offset = 512, .size = 1024, .iov = iov, .nr = 2 },
		{ .op = DISK_WRITE, .offset = 4096, .size = 512, .iov = &iov1, .nr = 1,
		  .sync = true },
		{ .op = DISK_FLUSH },
		{ .op = DISK_ZERO, .offset = 8192, .size = 512, .may_unmap = true },
		{ .op = DISK_DISCARD, .offset = 0, .size = 4096 },
		{ .op = DISK_READ, .offset = 0, .size = 512, .iov = &iov1, .nr = 1 },
	};
	bool closed = false;
	struct toy *toy = calloc(1, sizeof(*toy));
	struct disk_log_header header;
	struct disk_log_record record;
	unsigned int i;
	struct disk *log;
	FILE *file;

	*toy = (struct toy) { .disk = { &toy_ops, DISK_SIZE, 512, false, true },
			      .fd = eventfd(0, EFD_NONBLOCK), .closed = &closed };
	log = disk_log_open(&toy->disk, self->path, &self->message);
	ASSERT_NE(NULL, log);
	EXPECT_EQ(DISK_SIZE, log->size);
	for (i = 0; i < 6; i++)
		requests[i].done = on_end;
#define SUBMIT(i)	log->ops->submit(log, &requests[i])
#define END(i, error)	toy->requests[i]->done(toy->requests[i], error)
	SUBMIT(0);
	SUBMIT(1);
	/* The guest changes it, and the disk does not see that. */
	bytes[0] = 0x22;
	EXPECT_EQ(0x11, *(uint8_t *)toy->requests[0]->iov[0].iov_base);
	EXPECT_EQ(1024, toy->requests[0]->iov[0].iov_len);
	END(0, 0);
	SUBMIT(2);
	SUBMIT(3);
	END(2, 0);
	END(1, 0);
	SUBMIT(4);
	SUBMIT(5);
	END(5, 0);
	END(3, -EIO);
	END(4, 0);
	EXPECT_EQ(6, nr_ended);
	log->ops->close(log);
	EXPECT_TRUE(closed);

	file = fopen(self->path, "r");
	ASSERT_NE(NULL, file);
	ASSERT_EQ(1, fread(&header, sizeof(header), 1, file));
	EXPECT_EQ(0, memcmp(header.magic, DISK_LOG_MAGIC, sizeof(header.magic)));
	EXPECT_EQ(DISK_LOG_VERSION, header.version);
	EXPECT_EQ(DISK_SIZE, header.disk_size);
	for (i = 0; i < 5; i++) {
		ASSERT_TRUE(next_record(file, &record, &first));
		EXPECT_EQ(0, memcmp(&expected[i], &record, sizeof(record)))
			TH_LOG("record %u", i);
		if (record.op == DISK_LOG_WRITE)
			EXPECT_EQ(0x11, first);
	}
	EXPECT_FALSE(next_record(file, &record, &first));
	fclose(file);
}

/* The writes of a log, one after the other, make the disk. */
DISK_TEST(a_log_of_a_file)
{
	const struct disk_options options = { .path = self->path, .log = "/dev/full" };
	struct disk_options good = { .path = self->path };
	struct blk_driver b = { 0 };
	struct disk_log_record record;
	char path[128];
	unsigned int i;
	uint8_t *image;
	FILE *file;

	EXPECT_EQ(NULL, disk_open(&options, &self->message));
	EXPECT_STREQ("disk log /dev/full: No space left on device", self->message.text);
	snprintf(path, sizeof(path), "%s/log", self->dir);
	good.log = path;
	ASSERT_TRUE(open_blk(&b, disk_open(&good, &self->message),
			     BLK_FEATURES | VIRTIO_FEATURE_INDIRECT_DESC));
	for (i = 0; i < 200; i++) {
		blk_fill(&b, b.data + i * 4096, 4096, i);
		blk_add(&b, i, BLK_T_OUT, i * 37 % 256 * 8, b.data + i * 4096, 4096);
	}
	driver_kick(&b.d, 0);
	for (i = 0; i < 200; i++)
		ASSERT_EQ(BLK_S_OK, blk_wait(&b));
	EXPECT_EQ(BLK_S_OK, blk_do(&b, BLK_T_IN, 0, b.data, 4096));
	EXPECT_EQ(BLK_S_OK, blk_do(&b, BLK_T_FLUSH, 0, 0, 0));
	blk_driver_close(&b);

	image = calloc(1, DISK_SIZE);
	file = fopen(path, "r");
	ASSERT_EQ(0, fseek(file, sizeof(struct disk_log_header), SEEK_SET));
	for (i = 0; fread(&record, sizeof(record), 1, file) == 1; i++)
		if (record.op == DISK_LOG_WRITE)
			ASSERT_EQ(1, fread(image + record.offset, record.size, 1, file));
	EXPECT_EQ(201, i);
	EXPECT_EQ(DISK_LOG_FLUSH, record.op);
	fclose(file);
	file = fopen(self->path, "r");
	for (i = 0; i < DISK_SIZE; i++)
		ASSERT_EQ(image[i], (uint8_t)fgetc(file));
	fclose(file);
	free(image);
}

TEST_HARNESS_MAIN
