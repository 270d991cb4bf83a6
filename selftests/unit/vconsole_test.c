/* SOURCES: RUNNER selftests/unit/fake_machine.c selftests/unit/fake_doors.c selftests/unit/virtio_driver.c */
// SPDX-License-Identifier: GPL-2.0
/* The virtio console, by a driver. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "../userspace/virtio/vconsole.h"
#include "fake_machine.h"
#include "virtio_driver.h"

#define SLOT		1
#define RECEIVE		0
#define TRANSMIT	1
#define PAGES		4

FIXTURE(vconsole)
{
	struct machine m;
	struct guest_memory memory;
	struct worker *worker;
	struct virtio_device *dev;
	struct driver d;
	uint64_t page;
	char *bytes;
};

static void bring_up(FIXTURE_DATA(vconsole) *self)
{
	if (!driver_negotiate(&self->d, 0))
		ksft_exit_fail_msg("the features are refused\n");
	driver_queue(&self->d, RECEIVE, 16);
	driver_queue(&self->d, TRANSMIT, 16);
	driver_ready(&self->d);
}

FIXTURE_SETUP(vconsole)
{
	struct message message;

	ASSERT_TRUE(fake_create(&self->m, &pci_host_class));
	fake_threads(&self->m);
	ASSERT_EQ(0, guest_memory_init(&self->memory, 16 * MIB));
	self->worker = worker_new();
	ASSERT_NE(NULL, self->worker);
	self->dev = vconsole_create(&self->m, &self->memory, self->worker, &message);
	ASSERT_NE(NULL, self->dev);
	ASSERT_EQ(0, worker_start(self->worker));
	driver_open(&self->d, &self->m, &self->memory, SLOT, true);
	self->page = driver_alloc(&self->d, PAGES * 4096);
	self->bytes = driver_at(&self->d, self->page, PAGES * 4096);
	bring_up(self);
}

FIXTURE_TEARDOWN(vconsole)
{
	worker_stop(self->worker);
	if (self->dev)
		self->dev->class->destroy(self->dev);
	worker_free(self->worker);
	guest_memory_free(&self->memory);
	fake_destroy(&self->m);
}

/* What the user types; how much of it is taken. */
static size_t type(FIXTURE_DATA(vconsole) *self, const char *bytes, size_t len)
{
	size_t taken;

	machine_lock(&self->m);
	taken = self->m.take_input(self->m.input_dev, (const uint8_t *)bytes, len);
	machine_unlock(&self->m);
	return taken;
}

/* Until so many bytes were printed, and a moment longer for too many. */
static size_t await_output(FIXTURE_DATA(vconsole) *self, size_t len)
{
	size_t printed = 0;
	unsigned int i;

	for (i = 0; i < 500 && printed < len; i++) {
		usleep(10000);
		machine_lock(&self->m);
		printed = self->m.output_len;
		machine_unlock(&self->m);
	}
	usleep(20000);
	machine_lock(&self->m);
	printed = self->m.output_len;
	machine_unlock(&self->m);
	return printed;
}

static bool await_offer(FIXTURE_DATA(vconsole) *self, unsigned int nr)
{
	unsigned int i, offers = 0;

	for (i = 0; i < 500 && offers < nr; i++) {
		usleep(10000);
		machine_lock(&self->m);
		offers = self->m.offers;
		machine_unlock(&self->m);
	}
	return offers == nr;
}

TEST_F(vconsole, prints)
{
	const struct driver_element elements[] = {
		{ self->page, 5, false }, { self->page + 100, 6, false },
	};
	uint32_t length;
	uint16_t id;

	memcpy(self->bytes, "hello", 5);
	memcpy(self->bytes + 100, " there", 6);
	driver_add(&self->d, TRANSMIT, elements, 2);
	driver_kick(&self->d, TRANSMIT);
	ASSERT_TRUE(driver_wait(&self->d, TRANSMIT, &id, &length));
	EXPECT_EQ(0, length);
	EXPECT_EQ(11, await_output(self, 11));
	EXPECT_EQ(0, memcmp(self->m.output, "hello there", 11));
}

/* More than is printed in one piece, several times over, and what prints nothing between. */
TEST_F(vconsole, prints_much)
{
	const struct driver_element all = { self->page, PAGES * 4096, false };
	const struct driver_element nothing = { self->page, 8, true };
	uint32_t length;
	uint16_t id;
	int i;

	memset(self->bytes, 'x', PAGES * 4096);
	for (i = 0; i < 4; i++) {
		driver_add(&self->d, TRANSMIT, &all, 1);
		driver_add(&self->d, TRANSMIT, &nothing, 1);
	}
	driver_kick(&self->d, TRANSMIT);
	for (i = 0; i < 8; i++)
		ASSERT_TRUE(driver_wait(&self->d, TRANSMIT, &id, &length));
	EXPECT_EQ(4 * PAGES * 4096, await_output(self, 4 * PAGES * 4096));
}

TEST_F(vconsole, takes_what_is_typed)
{
	const struct driver_element small = { self->page, 3, true };
	const struct driver_element large = { self->page + 64, 64, true };
	uint32_t length;
	uint16_t id;

	/* It waits for buffers, and goes on where one ends. */
	EXPECT_EQ(5, type(self, "abcde", 5));
	driver_add(&self->d, RECEIVE, &small, 1);
	driver_add(&self->d, RECEIVE, &large, 1);
	driver_kick(&self->d, RECEIVE);
	ASSERT_TRUE(driver_wait(&self->d, RECEIVE, &id, &length));
	EXPECT_EQ(3, length);
	ASSERT_TRUE(driver_wait(&self->d, RECEIVE, &id, &length));
	EXPECT_EQ(2, length);
	EXPECT_EQ(0, memcmp(self->bytes, "abc", 3));
	EXPECT_EQ(0, memcmp(self->bytes + 64, "de", 2));
	/* Buffers wait for it, too. */
	driver_add(&self->d, RECEIVE, &large, 1);
	driver_kick(&self->d, RECEIVE);
	EXPECT_EQ(1, type(self, "f", 1));
	ASSERT_TRUE(driver_wait(&self->d, RECEIVE, &id, &length));
	EXPECT_EQ(1, length);
	EXPECT_EQ('f', self->bytes[64]);
}

/* What there was no room for is asked for again, as soon as there is. */
TEST_F(vconsole, more_than_there_is_room_for)
{
	const struct driver_element all = { self->page, 4096, true };
	char typed[1000];
	uint32_t length;
	uint16_t id;
	size_t taken;

	memset(typed, 't', sizeof(typed));
	taken = type(self, typed, sizeof(typed));
	EXPECT_GT(taken, 0);
	EXPECT_LT(taken, sizeof(typed));
	EXPECT_EQ(0, type(self, typed, 1));
	driver_add(&self->d, RECEIVE, &all, 1);
	driver_kick(&self->d, RECEIVE);
	ASSERT_TRUE(driver_wait(&self->d, RECEIVE, &id, &length));
	EXPECT_EQ(taken, length);
	EXPECT_TRUE(await_offer(self, 1));
	EXPECT_EQ(100, type(self, typed, 100));
}

/* Buffers that are to be written for reading, and the other way round. */
TEST_F(vconsole, buffers_of_the_wrong_kind)
{
	const struct driver_element out = { self->page, 64, false };
	const struct driver_element in = { self->page, 64, true };
	uint32_t length;
	uint16_t id;

	driver_add(&self->d, TRANSMIT, &in, 1);
	driver_kick(&self->d, TRANSMIT);
	ASSERT_TRUE(driver_wait(&self->d, TRANSMIT, &id, &length));
	EXPECT_EQ(0, await_output(self, 0));
	EXPECT_EQ(2, type(self, "xy", 2));
	driver_add(&self->d, RECEIVE, &out, 1);
	driver_add(&self->d, RECEIVE, &in, 1);
	driver_kick(&self->d, RECEIVE);
	ASSERT_TRUE(driver_wait(&self->d, RECEIVE, &id, &length));
	EXPECT_EQ(0, length);
	ASSERT_TRUE(driver_wait(&self->d, RECEIVE, &id, &length));
	EXPECT_EQ(2, length);
}

/* What was typed for the first one does not reach the second. */
TEST_F(vconsole, another_driver)
{
	const struct driver_element all = { self->page, PAGES * 4096, false };
	const struct driver_element in = { self->page, 64, true };
	uint32_t length;
	uint16_t id;
	int i;

	EXPECT_EQ(3, type(self, "old", 3));
	for (i = 0; i < 8; i++)
		driver_add(&self->d, TRANSMIT, &all, 1);
	driver_kick(&self->d, TRANSMIT);
	bring_up(self);
	EXPECT_EQ(1, type(self, "n", 1));
	driver_add(&self->d, RECEIVE, &in, 1);
	driver_kick(&self->d, RECEIVE);
	ASSERT_TRUE(driver_wait(&self->d, RECEIVE, &id, &length));
	EXPECT_EQ(1, length);
	EXPECT_EQ('n', self->bytes[0]);
}

TEST_HARNESS_MAIN
