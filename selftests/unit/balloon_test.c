/* SOURCES: RUNNER selftests/unit/fake_machine.c selftests/unit/fake_doors.c selftests/unit/virtio_driver.c */
// SPDX-License-Identifier: GPL-2.0
/* The memory balloon and the entropy device, by a driver. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "../userspace/virtio/balloon.h"
#include "../userspace/virtio/rng.h"
#include "fake_machine.h"
#include "virtio_driver.h"

#define SLOT		1
#define REPORTING	(1 << 5)

FIXTURE(small)
{
	struct machine m;
	struct guest_memory memory;
	struct worker *worker;
	struct virtio_device *dev;
	struct driver d;
	uint64_t pages;
	uint64_t list;
};

/* Bring the device up, with memory that is not zero. */
static void bring_up(FIXTURE_DATA(small) *self, unsigned int queues, uint64_t features)
{
	unsigned int i;

	if (!self->dev || worker_start(self->worker))
		ksft_exit_fail_msg("there is no device\n");
	driver_open(&self->d, &self->m, &self->memory, SLOT, true);
	self->pages = driver_alloc(&self->d, 16 * 4096);
	self->list = driver_alloc(&self->d, 4096);
	memset(driver_at(&self->d, self->pages, 16 * 4096), 0x5a, 16 * 4096);
	if (!driver_negotiate(&self->d, features))
		ksft_exit_fail_msg("the features are refused\n");
	for (i = 0; i < queues; i++)
		driver_queue(&self->d, i, 16);
	driver_ready(&self->d);
}

FIXTURE_SETUP(small)
{
	ASSERT_TRUE(fake_create(&self->m, &pci_host_class));
	fake_threads(&self->m);
	ASSERT_EQ(0, guest_memory_init(&self->memory, 16 * MIB));
	self->worker = worker_new();
	ASSERT_NE(NULL, self->worker);
}

FIXTURE_TEARDOWN(small)
{
	worker_stop(self->worker);
	if (self->dev)
		self->dev->class->destroy(self->dev);
	worker_free(self->worker);
	guest_memory_free(&self->memory);
	fake_destroy(&self->m);
}

static bool give(FIXTURE_DATA(small) *self, unsigned int queue, struct driver_element element,
		 uint32_t *length)
{
	uint16_t id;

	driver_add(&self->d, queue, &element, 1);
	driver_kick(&self->d, queue);
	return driver_wait(&self->d, queue, &id, length);
}

/* The first byte of a page; what the host has back reads as zero. */
static uint8_t byte_of(FIXTURE_DATA(small) *self, unsigned int page)
{
	return *(uint8_t *)driver_at(&self->d, self->pages + page * 4096, 1);
}

TEST_F(small, a_balloon)
{
	struct message message;
	uint32_t *list, length;

	self->dev = balloon_create(&self->m, &self->memory, self->worker, &message);
	bring_up(self, 2, 0);
	list = driver_at(&self->d, self->list, 4096);
	EXPECT_EQ(0, driver_read(&self->d, DRIVER_CONFIG, 4));
	driver_write(&self->d, 0x10, 2, 3);
	balloon_set_target(self->dev, 3 * 4096);
	ASSERT_NE(NULL, fake_message(&self->m, 1000));
	EXPECT_EQ(3, driver_read(&self->d, DRIVER_CONFIG, 4));
	/* Two of its pages, one that there is not, and half a number. */
	list[0] = (uint32_t)(self->pages >> 12) + 1;
	list[1] = 0xffffffff;
	list[2] = (uint32_t)(self->pages >> 12) + 3;
	ASSERT_TRUE(give(self, 0, (struct driver_element) { self->list, 14, false }, &length));
	EXPECT_EQ(0x5a, byte_of(self, 0));
	EXPECT_EQ(0, byte_of(self, 1));
	EXPECT_EQ(0x5a, byte_of(self, 2));
	EXPECT_EQ(0, byte_of(self, 3));
	driver_write(&self->d, DRIVER_CONFIG + 4, 4, 2);
	EXPECT_EQ(2 * 4096, balloon_size(self->dev));
	/* What the host asks for is not the driver's to write. */
	driver_write(&self->d, DRIVER_CONFIG, 4, 9);
	EXPECT_EQ(3, driver_read(&self->d, DRIVER_CONFIG, 4));
	ASSERT_TRUE(give(self, 1, (struct driver_element) { self->list, 4, false }, &length));
}

/* Free pages: whole ones alone, and what is beside them stays. */
TEST_F(small, free_pages_are_reported)
{
	struct message message;
	uint32_t length;

	self->dev = balloon_create(&self->m, &self->memory, self->worker, &message);
	bring_up(self, 3, REPORTING);
	ASSERT_TRUE(give(self, 2, (struct driver_element) { self->pages + 4096, 8192 + 100, true },
			 &length));
	EXPECT_EQ(0x5a, byte_of(self, 0));
	EXPECT_EQ(0, byte_of(self, 1));
	EXPECT_EQ(0, byte_of(self, 2));
	EXPECT_EQ(0x5a, byte_of(self, 3));
	ASSERT_TRUE(give(self, 2, (struct driver_element) { self->pages + 5 * 4096 + 8, 8192, true },
			 &length));
	EXPECT_EQ(0x5a, byte_of(self, 6));
}

TEST_F(small, entropy)
{
	struct message message;
	uint32_t length;

	self->dev = rng_create(&self->m, &self->memory, self->worker, &message);
	bring_up(self, 1, 0);
	ASSERT_TRUE(give(self, 0, (struct driver_element) { self->pages, 64, true }, &length));
	EXPECT_EQ(64, length);
	EXPECT_NE(0, memcmp(driver_at(&self->d, self->pages, 64),
			    driver_at(&self->d, self->pages + 64, 64), 64));
	EXPECT_EQ(0x5a, *(uint8_t *)driver_at(&self->d, self->pages + 64, 1));
	/* Nothing that it could write. */
	ASSERT_TRUE(give(self, 0, (struct driver_element) { self->pages, 64, false }, &length));
	EXPECT_EQ(0, length);
}

TEST_HARNESS_MAIN
