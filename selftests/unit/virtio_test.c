/* SOURCES: RUNNER selftests/unit/fake_machine.c selftests/unit/fake_doors.c selftests/unit/virtio_driver.c */
// SPDX-License-Identifier: GPL-2.0
/*
 * Virtio over PCI: registers, feature negotiation, both kinds of queues and what a guest
 * can do wrong with them, interrupts of both kinds, resets. The device is a toy that
 * fills what it may write with what it can read, and so is its worker a real one.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "../userspace/virtio/virtio.h"
#include "fake_machine.h"
#include "virtio_driver.h"

#define SLOT		1
#define TOY_FEATURE	(1ULL << 3)
#define CONFIG_SIZE	12

struct toy {
	struct virtio_device dev;
	uint8_t config[CONFIG_SIZE];
	struct vq_buffer buffer;
	bool holds;			/* does not give buffers back */
	bool has_buffer;
	unsigned int started;
	unsigned int config_offset;
};

/* Copy as much as fits. */
static uint32_t echo(const struct vq_buffer *buffer)
{
	static uint8_t bytes[1 << 16];
	size_t size = iov_read(buffer->iov, buffer->nr_out, 0, bytes, sizeof(bytes));

	return (uint32_t)iov_write(buffer->iov + buffer->nr_out, buffer->nr_in, 0, bytes, size);
}

static void toy_available(struct virtio_device *dev, unsigned int queue)
{
	struct toy *toy = (struct toy *)dev;

	while (!toy->has_buffer && virtio_pop(dev, queue, &toy->buffer)) {
		toy->has_buffer = toy->holds;
		if (!toy->holds)
			virtio_push(dev, queue, &toy->buffer, echo(&toy->buffer));
	}
	virtio_notify(dev, queue);
}

static void toy_started(struct virtio_device *dev)
{
	((struct toy *)dev)->started++;
}

static void toy_config_written(struct virtio_device *dev, unsigned int offset, unsigned int size)
{
	((struct toy *)dev)->config_offset = offset;
}

static const struct virtio_class toy_class = {
	.name = "toy",
	.id = 42,
	.pci_class = 0xff0000,
	.available = toy_available,
	.started = toy_started,
	.config_written = toy_config_written,
};

FIXTURE(virtio)
{
	struct machine m;
	struct guest_memory memory;
	struct worker *worker;
	struct toy toy;
	struct driver d;
	uint64_t data;
};

FIXTURE_VARIANT(virtio)
{
	uint64_t features;
	bool msix;
};

FIXTURE_VARIANT_ADD(virtio, split)
{
	.features = 0,
	.msix = true,
};

FIXTURE_VARIANT_ADD(virtio, split_indirect_event_idx)
{
	.features = VIRTIO_FEATURE_INDIRECT_DESC | VIRTIO_FEATURE_EVENT_IDX | TOY_FEATURE,
	.msix = true,
};

FIXTURE_VARIANT_ADD(virtio, packed)
{
	.features = VIRTIO_FEATURE_RING_PACKED,
	.msix = true,
};

FIXTURE_VARIANT_ADD(virtio, packed_indirect_event_idx)
{
	.features = VIRTIO_FEATURE_RING_PACKED | VIRTIO_FEATURE_INDIRECT_DESC | VIRTIO_FEATURE_EVENT_IDX,
	.msix = true,
};

FIXTURE_VARIANT_ADD(virtio, split_intx)
{
	.features = 0,
	.msix = false,
};

FIXTURE_SETUP(virtio)
{
	const struct virtio_setup setup = {
		.class = &toy_class,
		.m = &self->m,
		.memory = &self->memory,
		.features = TOY_FEATURE,
		.nr_queues = 2,
		.config = self->toy.config,
		.config_size = CONFIG_SIZE,
	};
	struct virtio_setup copy = setup;

	ASSERT_TRUE(fake_create(&self->m, &pci_host_class));
	fake_threads(&self->m);
	ASSERT_EQ(0, guest_memory_init(&self->memory, 16 * MIB));
	self->worker = worker_new();
	ASSERT_NE(NULL, self->worker);
	copy.worker = self->worker;
	ASSERT_EQ(0, virtio_init(&self->toy.dev, &copy));
	ASSERT_EQ(0, worker_start(self->worker));
	driver_open(&self->d, &self->m, &self->memory, SLOT, variant->msix);
	self->data = driver_alloc(&self->d, 1 << 16);
}

FIXTURE_TEARDOWN(virtio)
{
	worker_stop(self->worker);
	virtio_exit(&self->toy.dev);
	worker_free(self->worker);
	guest_memory_free(&self->memory);
	fake_destroy(&self->m);
}

/* Up and running, with queues of so many descriptors. */
static void bring_up(struct driver *d, uint64_t features, uint16_t size)
{
	if (!driver_negotiate(d, features))
		ksft_exit_fail_msg("the features were refused\n");
	driver_queue(d, 0, size);
	driver_queue(d, 1, size);
	driver_ready(d);
}

/* True if an interrupt of queue @queue comes within a second, and it is taken. */
static bool interrupted(struct driver *d, bool msix, unsigned int queue)
{
	const struct fake_door *message;
	unsigned int tries;
	bool level;

	if (msix) {
		message = fake_message(d->m, 1000);
		return message && message->data == queue;
	}
	for (tries = 0; tries < 1000; tries++) {
		machine_lock(d->m);
		level = d->m->irq[11];
		machine_unlock(d->m);
		if (level)
			return driver_read(d, DRIVER_ISR, 1) == 1 && !d->m->irq[11];
		usleep(1000);
	}
	return false;
}

TEST_F(virtio, the_capabilities)
{
	struct machine *m = &self->m;
	unsigned int at = driver_pci_read(m, SLOT, 0x34, 1), seen = 0;

	EXPECT_EQ(0x106a1af4, driver_pci_read(m, SLOT, 0, 4));
	EXPECT_LE(1, driver_pci_read(m, SLOT, PCI_REVISION_ID, 1));
	for (; at; at = driver_pci_read(m, SLOT, at + 1, 1)) {
		if (driver_pci_read(m, SLOT, at, 1) != 9)
			continue;
		seen |= 1 << driver_pci_read(m, SLOT, at + 3, 1);
		EXPECT_EQ(0, driver_pci_read(m, SLOT, at + 4, 1));
		EXPECT_GE(0x4000, driver_pci_read(m, SLOT, at + 8, 4) +
			  driver_pci_read(m, SLOT, at + 12, 4));
	}
	EXPECT_EQ(0x3e, seen);
}

TEST_F(virtio, features)
{
	struct driver *d = &self->d;

	driver_write(d, 0, 4, 0);
	EXPECT_EQ(0x30000008, driver_read(d, 4, 4));
	driver_write(d, 0, 4, 1);
	EXPECT_EQ(0x5, driver_read(d, 4, 4));
	driver_write(d, 0, 4, 2);
	EXPECT_EQ(0, driver_read(d, 4, 4));
	/* What is not offered, and to do without version 1, is refused. */
	EXPECT_FALSE(driver_negotiate(d, 1));
	driver_ready(d);
	EXPECT_EQ(3, driver_read(d, DRIVER_STATUS, 1));
	EXPECT_TRUE(driver_negotiate(d, variant->features));
	driver_write(d, 8, 4, 0);
	driver_write(d, 12, 4, 0xffffffff);
	EXPECT_EQ(variant->features & 0xffffffff, driver_read(d, 12, 4));
	driver_ready(d);
	EXPECT_EQ(15, driver_read(d, DRIVER_STATUS, 1));
	EXPECT_EQ(1, self->toy.started);
	driver_write(d, DRIVER_STATUS, 1, 0);
	EXPECT_EQ(0, driver_read(d, DRIVER_STATUS, 1));
	driver_write(d, DRIVER_STATUS, 1, 3);
	driver_write(d, 8, 4, 1);
	driver_write(d, 12, 4, 0);
	driver_write(d, DRIVER_STATUS, 1, 11);
	EXPECT_EQ(3, driver_read(d, DRIVER_STATUS, 1));
}

TEST_F(virtio, registers_of_queues)
{
	struct driver *d = &self->d;
	unsigned int i;

	ASSERT_TRUE(driver_negotiate(d, variant->features));
	EXPECT_EQ(2, driver_read(d, 0x12, 2));
	for (i = 0; i < 2; i++) {
		driver_write(d, 0x16, 2, i);
		EXPECT_EQ(256, driver_read(d, 0x18, 2));
		EXPECT_EQ(0xffff, driver_read(d, 0x1a, 2));
		EXPECT_EQ(0, driver_read(d, 0x1c, 2));
		EXPECT_EQ(i, driver_read(d, 0x1e, 2));
	}
	/* A vector that there is, and one that there is not. */
	driver_write(d, 0x1a, 2, 2);
	EXPECT_EQ(2, driver_read(d, 0x1a, 2));
	driver_write(d, 0x1a, 2, 3);
	EXPECT_EQ(0xffff, driver_read(d, 0x1a, 2));
	driver_write(d, 0x10, 2, 1);
	EXPECT_EQ(1, driver_read(d, 0x10, 2));
	driver_write(d, 0x10, 2, 9);
	EXPECT_EQ(0xffff, driver_read(d, 0x10, 2));
	/* Addresses, by halves and as a whole. */
	driver_write(d, 0x20, 4, 0x89abcdef);
	driver_write(d, 0x24, 4, 0x01234567);
	driver_write(d, 0x28, 8, 0xfedcba9876543210);
	EXPECT_EQ(0x0123456789abcdef, driver_read(d, 0x20, 8));
	EXPECT_EQ(0xfedcba9876543210, driver_read(d, 0x28, 8));
	EXPECT_EQ(0xfedcba98, driver_read(d, 0x2c, 4));
	/* A queue that there is not. */
	driver_write(d, 0x16, 2, 2);
	EXPECT_EQ(0, driver_read(d, 0x18, 2));
	driver_write(d, 0x18, 2, 16);
	driver_write(d, 0x1c, 2, 1);
	driver_write(d, 0x20, 8, 0x1000);
	EXPECT_EQ(0, driver_read(d, 0x1c, 2));
	EXPECT_EQ(11, driver_read(d, DRIVER_STATUS, 1));
	/* One that is enabled stays what it is. */
	driver_queue(d, 0, 64);
	driver_write(d, 0x18, 2, 16);
	driver_write(d, 0x20, 8, 0);
	EXPECT_EQ(64, driver_read(d, 0x18, 2));
	EXPECT_EQ(d->queues[0].desc, driver_read(d, 0x20, 8));
	EXPECT_EQ(1, driver_read(d, 0x1c, 2));
}

TEST_F(virtio, the_devices_own_configuration)
{
	struct driver *d = &self->d;
	unsigned int generation = driver_read(d, 0x15, 1);

	memcpy(self->toy.config, "configurable", CONFIG_SIZE);
	EXPECT_EQ('c', driver_read(d, DRIVER_CONFIG, 1));
	EXPECT_EQ(0x656c6261, driver_read(d, DRIVER_CONFIG + 8, 4));
	EXPECT_EQ(0, driver_read(d, DRIVER_CONFIG + 10, 4));
	driver_write(d, DRIVER_CONFIG + 4, 2, 0x4241);
	EXPECT_EQ(0, memcmp(self->toy.config, "confABurable", CONFIG_SIZE));
	EXPECT_EQ(4, self->toy.config_offset);
	driver_write(d, DRIVER_CONFIG + CONFIG_SIZE, 4, 0);
	bring_up(d, variant->features, 16);
	driver_write(d, 0x10, 2, 2);
	virtio_lock(&self->toy.dev);
	virtio_config_changed(&self->toy.dev);
	virtio_unlock(&self->toy.dev);
	EXPECT_NE(generation, driver_read(d, 0x15, 1));
	if (variant->msix) {
		EXPECT_EQ(2, fake_message(&self->m, 1000)->data);
	} else {
		EXPECT_EQ(2, driver_read(d, DRIVER_ISR, 1));
	}
}

/* What the kernel has used, a device says without looking at the ring; but not to nobody. */
TEST_F(virtio, an_interrupt_for_nobody)
{
	struct driver *d = &self->d;

	bring_up(d, variant->features, 16);
	driver_write(d, DRIVER_STATUS, 1, 0);
	virtio_lock(&self->toy.dev);
	virtio_interrupt(&self->toy.dev, 0);
	virtio_unlock(&self->toy.dev);
	EXPECT_EQ(NULL, fake_message(&self->m, 0));
	EXPECT_FALSE(self->m.irq[11]);
	bring_up(d, variant->features, 16);
	virtio_lock(&self->toy.dev);
	virtio_interrupt(&self->toy.dev, 1);
	virtio_unlock(&self->toy.dev);
	EXPECT_TRUE(interrupted(d, variant->msix, 1));
}

/* The registers, seen through the capability in configuration space. */
TEST_F(virtio, the_window)
{
	const unsigned int window = self->toy.dev.window;
	struct machine *m = &self->m;

	driver_pci_write(m, SLOT, window + 8, 4, 0x12);
	driver_pci_write(m, SLOT, window + 12, 4, 2);
	EXPECT_EQ(2, driver_pci_read(m, SLOT, window + 16, 2));
	driver_pci_write(m, SLOT, window + 8, 4, DRIVER_STATUS);
	driver_pci_write(m, SLOT, window + 12, 4, 1);
	driver_pci_write(m, SLOT, window + 16, 1, 1);
	EXPECT_EQ(1, driver_read(&self->d, DRIVER_STATUS, 1));
	/* Not an access: nothing happens. */
	driver_pci_write(m, SLOT, window + 12, 4, 3);
	driver_pci_write(m, SLOT, window + 16, 1, 0);
	driver_pci_write(m, SLOT, window + 12, 4, 4);
	driver_pci_write(m, SLOT, window + 8, 4, 0x3ffd);
	driver_pci_write(m, SLOT, window + 16, 1, 0);
	driver_pci_write(m, SLOT, window + 8, 4, 0xfffffffc);
	driver_pci_write(m, SLOT, window + 16, 1, 0);
	driver_pci_write(m, SLOT, window + 8, 4, DRIVER_STATUS);
	driver_pci_write(m, SLOT, window + 4, 1, 6);
	driver_pci_write(m, SLOT, window + 16, 1, 0);
	EXPECT_EQ(1, driver_read(&self->d, DRIVER_STATUS, 1));
}

/* Many more buffers than the ring has places, of all shapes, one at a time. */
TEST_F(virtio, buffers)
{
	struct driver *d = &self->d;
	uint8_t *data = driver_at(d, self->data, 1 << 16);
	unsigned int i, j;

	bring_up(d, variant->features, 16);
	for (i = 0; i < 500; i++) {
		const unsigned int nr_out = 1 + i % 3, nr_in = i % 4;
		struct driver_element elements[8];
		uint32_t length, expected = 0;
		uint16_t id, used;

		memset(data + 4096, 0, 4096);
		for (j = 0; j < nr_out + nr_in; j++) {
			elements[j].gpa = self->data + (j < nr_out ? 0 : 4096) + 64 * j;
			elements[j].size = 64;
			elements[j].write = j >= nr_out;
		}
		for (j = 0; j < nr_out * 64; j++)
			data[j] = (uint8_t)(i + j);
		for (j = 0; j < nr_in; j++)
			expected += j < nr_out ? 64 : 0;
		id = driver_add(d, i % 2, elements, nr_out + nr_in);
		driver_kick(d, i % 2);
		ASSERT_TRUE(driver_wait(d, i % 2, &used, &length));
		ASSERT_EQ(id, used);
		ASSERT_EQ(expected, length);
		ASSERT_EQ(0, memcmp(data + 4096 + 64 * nr_out, data, expected));
		ASSERT_TRUE(interrupted(d, variant->msix, i % 2));
		/* The driver asks for an interrupt for the next. */
		if (variant->features & VIRTIO_FEATURE_RING_PACKED)
			continue;
		((uint16_t *)driver_at(d, d->queues[i % 2].driver, 4096))[2 + 16] =
			d->queues[i % 2].used;
	}
	EXPECT_EQ(15, driver_read(d, DRIVER_STATUS, 1));
}

/* A driver that says that it wants no interrupts gets none. */
TEST_F(virtio, no_interrupts)
{
	struct driver *d = &self->d;
	const struct driver_element element = { self->data, 16, true };
	uint16_t *driver_area, id;
	uint32_t length;

	bring_up(d, variant->features, 16);
	driver_area = driver_at(d, d->queues[0].driver, 4096);
	if (variant->features & VIRTIO_FEATURE_RING_PACKED)
		driver_area[1] = 1;
	else if (variant->features & VIRTIO_FEATURE_EVENT_IDX)
		driver_area[2 + 16] = 5;
	else
		driver_area[0] = 1;
	driver_add(d, 0, &element, 1);
	driver_kick(d, 0);
	ASSERT_TRUE(driver_wait(d, 0, &id, &length));
	usleep(20000);
	if (variant->msix) {
		EXPECT_EQ(NULL, fake_message(&self->m, 0));
	} else {
		EXPECT_FALSE(self->m.irq[11]);
	}
}

/* Of an event that the driver waits for, one interrupt. */
TEST_F(virtio, an_event)
{
	struct driver *d = &self->d;
	const struct driver_element element = { self->data, 16, true };
	uint16_t *driver_area, id;
	uint32_t length;
	unsigned int i;

	if (!(variant->features & VIRTIO_FEATURE_EVENT_IDX))
		SKIP(return, "there are none with these features");
	bring_up(d, variant->features, 16);
	driver_area = driver_at(d, d->queues[0].driver, 4096);
	/* The fourth; in a packed ring by its place and wrap counter. */
	if (variant->features & VIRTIO_FEATURE_RING_PACKED) {
		driver_area[0] = 3 | 1 << 15;
		driver_area[1] = 2;
	} else {
		driver_area[2 + 16] = 3;
	}
	for (i = 0; i < 20; i++) {
		driver_add(d, 0, &element, 1);
		driver_kick(d, 0);
		ASSERT_TRUE(driver_wait(d, 0, &id, &length));
		if (i == 3)
			EXPECT_TRUE(interrupted(d, true, 0));
	}
	usleep(20000);
	EXPECT_EQ(NULL, fake_message(&self->m, 0));
}

/* Buffers that were there before the driver was ready are seen then. */
TEST_F(virtio, early_buffers)
{
	struct driver *d = &self->d;
	const struct driver_element element = { self->data, 16, true };
	uint32_t length;
	uint16_t id;

	ASSERT_TRUE(driver_negotiate(d, variant->features));
	driver_queue(d, 0, 16);
	driver_add(d, 0, &element, 1);
	driver_kick(d, 0);
	usleep(20000);
	EXPECT_FALSE(driver_used(d, 0, &id, &length));
	driver_ready(d);
	EXPECT_TRUE(driver_wait(d, 0, &id, &length));
}

/* A reset waits for what is in flight, and forgets the rest. */
TEST_F(virtio, a_reset_waits)
{
	struct driver *d = &self->d;
	const struct driver_element element = { self->data, 16, true };
	unsigned int tries = 0;

	self->toy.holds = true;
	bring_up(d, variant->features, 16);
	driver_add(d, 0, &element, 1);
	driver_kick(d, 0);
	while (!__atomic_load_n(&self->toy.has_buffer, __ATOMIC_SEQ_CST) && tries++ < 10000)
		usleep(1000);
	driver_write(d, DRIVER_STATUS, 1, 0);
	EXPECT_NE(0, driver_read(d, DRIVER_STATUS, 1));
	driver_write(d, DRIVER_STATUS, 1, 3);
	virtio_lock(&self->toy.dev);
	self->toy.holds = false;
	self->toy.has_buffer = false;
	virtio_push(&self->toy.dev, 0, &self->toy.buffer, 0);
	virtio_unlock(&self->toy.dev);
	EXPECT_EQ(0, driver_read(d, DRIVER_STATUS, 1));
	driver_write(d, 0x16, 2, 0);
	EXPECT_EQ(0, driver_read(d, 0x1c, 2));
	EXPECT_EQ(0xffff, driver_read(d, 0x1a, 2));
	/* And all works again. */
	bring_up(d, variant->features, 32);
	driver_add(d, 1, &element, 1);
	driver_kick(d, 1);
	EXPECT_TRUE(interrupted(d, variant->msix, 1));
}

/* The doorbell goes where the BAR goes. */
TEST_F(virtio, the_bar_moves)
{
	struct driver *d = &self->d;
	const struct driver_element element = { self->data, 16, true };
	uint32_t length;
	uint16_t id;

	EXPECT_EQ(2, self->m.nr_ioeventfds);
	driver_pci_write(d->m, SLOT, PCI_BAR(0), 4, 0xd0000000);
	EXPECT_EQ(2, self->m.nr_ioeventfds);
	d->bar = 0xd0000000;
	bring_up(d, variant->features, 16);
	driver_add(d, 1, &element, 1);
	driver_kick(d, 1);
	EXPECT_TRUE(driver_wait(d, 1, &id, &length));
	/* Without an eventfd the access itself does. */
	self->m.nr_ioeventfds = 0;
	driver_add(d, 1, &element, 1);
	driver_kick(d, 1);
	EXPECT_TRUE(driver_wait(d, 1, &id, &length));
	driver_kick(d, 7);
	driver_pci_write(d->m, SLOT, PCI_COMMAND, 2, 0);
	EXPECT_EQ(0, self->m.nr_ioeventfds);
}

/* ---- What a driver can do wrong ---- */

static bool needs_reset(struct driver *d)
{
	unsigned int tries;

	for (tries = 0; tries < 5000; tries++) {
		if (driver_read(d, DRIVER_STATUS, 1) & VIRTIO_STATUS_NEEDS_RESET)
			return true;
		usleep(1000);
	}
	return false;
}

struct bad_chain {
	const char *what;
	struct driver_element elements[3];
	unsigned int nr;
};

TEST_F(virtio, bad_descriptors)
{
	const struct bad_chain chains[] = {
		{ "beyond memory", { { 16 * MIB, 1, false } }, 1 },
		{ "a length that overflows", { { 16 * MIB - 8, 0xffffffff, false } }, 1 },
		{ "an address that overflows", { { UINT64_MAX - 8, 64, false } }, 1 },
		{ "no bytes", { { self->data, 0, true } }, 1 },
		{ "to read behind to write", { { self->data, 8, true }, { self->data, 8, false } },
		  2 },
	};
	const struct driver_element good = { self->data, 16, true };
	struct driver *d = &self->d;
	unsigned int i;

	for (i = 0; i < sizeof(chains) / sizeof(chains[0]); i++) {
		TH_LOG("%s", chains[i].what);
		bring_up(d, variant->features, 16);
		driver_add(d, 0, chains[i].elements, chains[i].nr);
		driver_kick(d, 0);
		EXPECT_TRUE(needs_reset(d));
		/* Nothing goes on, in the other queue neither. */
		driver_add(d, 1, &good, 1);
		driver_kick(d, 1);
	}
	bring_up(d, variant->features, 16);
	EXPECT_EQ(15, driver_read(d, DRIVER_STATUS, 1));
}

static void put_indirect(struct driver *d, uint64_t table, uint32_t size, uint16_t flags)
{
	struct driver_queue *q = &d->queues[0];
	const struct driver_element element = { table, size, false };
	uint8_t *desc = driver_at(d, q->desc + 16 * (q->next % q->size), 16);
	const bool packed = d->features & VIRTIO_FEATURE_RING_PACKED;
	uint16_t *place = (uint16_t *)(desc + (packed ? 14 : 12));

	/* As any other, and then its flags. */
	driver_add(d, 0, &element, 1);
	*place |= flags;
}

TEST_F(virtio, indirect_tables)
{
	const bool allowed = variant->features & VIRTIO_FEATURE_INDIRECT_DESC;
	const uint64_t table = self->data + 8192;
	struct {
		uint64_t addr;
		uint32_t len;
		uint16_t third;
		uint16_t fourth;
	} *entries = driver_at(&self->d, table, 4096);
	const bool packed = variant->features & VIRTIO_FEATURE_RING_PACKED;
	struct driver *d = &self->d;
	uint32_t length;
	unsigned int i;
	uint16_t id;

	bring_up(d, variant->features, 16);
	for (i = 0; i < 16; i++) {
		entries[i].addr = self->data + 64 * i;
		entries[i].len = 64;
		entries[i].third = packed ? 0 : (i >= 8 ? 2 : 0) | (i < 15 ? 1 : 0);
		entries[i].fourth = packed ? (i >= 8 ? 2 : 0) : i + 1;
	}
	memset(driver_at(d, self->data, 512), 0x5a, 512);
	put_indirect(d, table, 16 * 16, 4);
	driver_kick(d, 0);
	if (!allowed) {
		EXPECT_TRUE(needs_reset(d));
		return;
	}
	ASSERT_TRUE(driver_wait(d, 0, &id, &length));
	EXPECT_EQ(512, length);
	EXPECT_EQ(0, memcmp(driver_at(d, self->data, 512), driver_at(d, self->data + 512, 512),
			    512));

	/* Longer than the queue; of a wrong size; empty; not in memory; with a chain. */
	put_indirect(d, table, 16 * 17, 4);
	entries[15].third |= packed ? 0 : 1;
	entries[16] = entries[15];
	entries[16].fourth = packed ? 2 : 15;
	driver_kick(d, 0);
	EXPECT_TRUE(needs_reset(d));
	bring_up(d, variant->features, 16);
	put_indirect(d, table, 24, 4);
	driver_kick(d, 0);
	EXPECT_TRUE(needs_reset(d));
	bring_up(d, variant->features, 16);
	put_indirect(d, 16 * MIB - 16, 32, 4);
	driver_kick(d, 0);
	EXPECT_TRUE(needs_reset(d));
	bring_up(d, variant->features, 16);
	put_indirect(d, table, 32, 4 | 1);
	driver_kick(d, 0);
	EXPECT_TRUE(needs_reset(d));
	/* The ring as the table of itself. */
	bring_up(d, variant->features, 16);
	put_indirect(d, d->queues[0].desc, 16, 4);
	driver_kick(d, 0);
	if (!packed)
		EXPECT_TRUE(needs_reset(d));
}

/* A split ring: a loop, heads and links outside of it, an index that ran away. */
TEST_F(virtio, bad_split_rings)
{
	const struct driver_element element = { self->data, 16, false };
	struct driver *d = &self->d;
	unsigned int i;

	if (variant->features & VIRTIO_FEATURE_RING_PACKED)
		SKIP(return, "the ring is packed");
	for (i = 0; i < 4; i++) {
		uint16_t *avail, *desc;

		bring_up(d, variant->features, 16);
		avail = driver_at(d, d->queues[0].driver, 4096);
		driver_add(d, 0, &element, 1);
		desc = driver_at(d, d->queues[0].desc, 16);
		if (i == 0) {
			desc[6] = 1;
			desc[7] = 0;
		} else if (i == 1) {
			avail[2] = 16;
		} else if (i == 2) {
			desc[6] = 1;
			desc[7] = 0xffff;
		} else {
			avail[1] = 17;
		}
		driver_kick(d, 0);
		EXPECT_TRUE(needs_reset(d));
	}
}

/* A packed ring in which a chain never ends. */
TEST_F(virtio, bad_packed_rings)
{
	struct driver_element elements[16];
	struct driver *d = &self->d;
	unsigned int i;

	if (!(variant->features & VIRTIO_FEATURE_RING_PACKED))
		SKIP(return, "the ring is split");
	bring_up(d, variant->features, 16);
	for (i = 0; i < 16; i++)
		elements[i] = (struct driver_element) { self->data, 16, false };
	driver_add(d, 0, elements, 16);
	*(uint16_t *)(driver_at(d, d->queues[0].desc + 15 * 16 + 14, 2)) |= 1;
	driver_kick(d, 0);
	EXPECT_TRUE(needs_reset(d));
}

/* Rings that are not where they can be, and sizes that cannot be. */
TEST_F(virtio, bad_set_ups)
{
	static const struct {
		unsigned int at;
		uint64_t value;
	} rows[] = {
		{ 0x20, 16 * MIB - 16 }, { 0x20, MIB + 1 }, { 0x28, UINT64_MAX - 1 },
		{ 0x28, MIB + 1 }, { 0x30, 1ULL << 40 }, { 0x30, MIB + 2 }, { 0x18, 0 },
		{ 0x18, 257 }, { 0x18, 0xffff }, { 0x18, 5 },
	};
	struct driver *d = &self->d;
	unsigned int i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const bool fine = rows[i].value == 5 && (variant->features & VIRTIO_FEATURE_RING_PACKED);

		ASSERT_TRUE(driver_negotiate(d, variant->features));
		driver_write(d, 0x16, 2, 0);
		driver_write(d, 0x18, 2, 16);
		driver_write(d, 0x20, 8, self->data);
		driver_write(d, 0x28, 8, self->data + 4096);
		driver_write(d, 0x30, 8, self->data + 8192);
		driver_write(d, rows[i].at, rows[i].at == 0x18 ? 2 : 8, rows[i].value);
		driver_write(d, 0x1c, 2, 1);
		EXPECT_EQ(fine, driver_read(d, 0x1c, 2));
		EXPECT_EQ(!fine, !!(driver_read(d, DRIVER_STATUS, 1) & 64));
		driver_ready(d);
		driver_kick(d, 0);
	}
}

/* Nonsense in the registers and in the rings, while the worker looks at them. */
TEST_F(virtio, nonsense)
{
	struct driver *d = &self->d;
	uint8_t *rings = driver_at(d, MIB, 512 * 1024);
	unsigned int i, round;

	srand(2);
	for (round = 0; round < 40; round++) {
		d->next_page = self->data + (1 << 16);
		bring_up(d, variant->features, 1 << rand() % 9);
		for (i = 0; i < 500; i++) {
			const unsigned int at = rand() % 8 ? rand() % 64 : rand() % 0x4000;
			uint64_t value = (uint64_t)rand() << 33 ^ (uint64_t)rand();

			if (rand() % 4)
				value %= 300;

			if (rand() % 4)
				rings[self->data + (1 << 16) - MIB + rand() % 32768] =
					(uint8_t)rand();
			else if (rand() % 8)
				driver_kick(d, rand() % 2);
			else
				driver_write(d, at, 1 << rand() % 4, value);
		}
	}
	ASSERT_TRUE(driver_negotiate(d, variant->features));
}

TEST_HARNESS_MAIN
