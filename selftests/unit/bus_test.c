// SPDX-License-Identifier: GPL-2.0
/* SOURCES: userspace/runner/bus.c userspace/runner/message.c */
/* The I/O ports: who answers, and how an access that fits nobody is split. */
#include <string.h>

#include "kselftest_harness.h"

#include "../../userspace/runner/bus.h"

/* A device that records what reaches it. */
struct probe {
	uint16_t port;
	unsigned int size;
	uint32_t value;
	unsigned int calls;
};

static uint32_t probe_in(void *dev, uint16_t port, unsigned int size)
{
	struct probe *p = dev;

	p->port = port;
	p->size = size;
	p->calls++;
	/* More bits than asked for, which the bus has to cut off. */
	return 0xaabbcc00 | (port & 0xff);
}

static void probe_out(void *dev, uint16_t port, unsigned int size, uint32_t value)
{
	struct probe *p = dev;

	p->port = port;
	p->size = size;
	p->value = value;
	p->calls++;
}

static struct port_range further[] = { { 0x501, 0x501 }, { 0, 0 } };

static const struct port_range *probe_further(void *dev)
{
	return further;
}

static const struct port_range low_ports[] = {
	{ 0x10, 0x13 }, { 0x20, 0x20 }, { 0, 0 }
};
static const struct port_range high_ports[] = {
	{ 0xffff, 0xffff }, { 0x14, 0x14 }, { 0, 0 }
};
static const struct device_class low_class = {
	.name = "low", .ports = low_ports, .in = probe_in, .out = probe_out,
};
static const struct device_class high_class = {
	.name = "high", .ports = high_ports, .dyn_ports = probe_further,
	.in = probe_in, .out = probe_out,
};

FIXTURE(bus)
{
	struct bus bus;
	struct probe probes[2];
	struct device devices[2];
	struct message message;
	unsigned int used;
};

FIXTURE_SETUP(bus)
{
	memset(self, 0, sizeof(*self));
	self->devices[0] = (struct device) { &low_class, &self->probes[0], 0 };
	self->devices[1] = (struct device) { &high_class, &self->probes[1], 0 };
	ASSERT_EQ(bus_init(&self->bus, self->devices, 2, &self->message), 0);
}

FIXTURE_TEARDOWN(bus)
{
	bus_free(&self->bus);
}

static void count_use(void *context, struct device *device)
{
	(*(unsigned int *)context)++;
}

static uint32_t in(struct _test_data_bus *self, uint16_t port, unsigned int size)
{
	return bus_in(&self->bus, port, size, count_use, &self->used);
}

static void out(struct _test_data_bus *self, uint16_t port, unsigned int size,
		uint32_t value)
{
	bus_out(&self->bus, port, size, value, count_use, &self->used);
}

TEST_F(bus, finds_each_port)
{
	unsigned int port, answered = 0;

	for (port = 0; port <= 0xffff; port++)
		if (bus_find(&self->bus, (uint16_t)port))
			answered++;
	EXPECT_EQ(answered, 8);
	EXPECT_EQ(bus_find(&self->bus, 0x13)->device, &self->devices[0]);
	EXPECT_EQ(bus_find(&self->bus, 0x14)->device, &self->devices[1]);
	EXPECT_EQ(bus_find(&self->bus, 0x501)->device, &self->devices[1]);
	EXPECT_NE(bus_find(&self->bus, 0xffff), NULL);
	EXPECT_EQ(bus_find(&self->bus, 0), NULL);
}

TEST_F(bus, whole_if_it_fits)
{
	EXPECT_EQ(in(self, 0x10, 4), 0xaabbcc10);
	EXPECT_EQ(self->probes[0].size, 4);
	EXPECT_EQ(in(self, 0x12, 2), 0xcc12);
	EXPECT_EQ(in(self, 0x12, 1), 0x12);
	out(self, 0x12, 2, 0x12345678);
	EXPECT_EQ(self->probes[0].value, 0x5678);
	EXPECT_EQ(self->used, 4);
	EXPECT_EQ(self->bus.unanswered, 0);
}

TEST_F(bus, bytes_if_it_does_not)
{
	/* two devices side by side, then nobody */
	EXPECT_EQ(in(self, 0x13, 4), 0xffff1413);
	EXPECT_EQ(self->probes[0].size, 1);
	EXPECT_EQ(self->probes[1].size, 1);
	EXPECT_EQ(self->used, 2);
	EXPECT_EQ(self->bus.unanswered, 2);

	/* nobody first */
	EXPECT_EQ(in(self, 0x0f, 2), 0x10ff);
	out(self, 0x13, 2, 0xbbaa);
	EXPECT_EQ(self->probes[0].value, 0xaa);
	EXPECT_EQ(self->probes[1].value, 0xbb);
}

TEST_F(bus, last_port)
{
	/* the port behind 0xffff is 0 */
	EXPECT_EQ(in(self, 0xffff, 2), 0xffff);
	EXPECT_EQ(self->probes[1].port, 0xffff);
	EXPECT_EQ(self->probes[1].size, 1);
}

TEST_F(bus, nobody)
{
	EXPECT_EQ(in(self, 0x300, 1), 0xff);
	EXPECT_EQ(in(self, 0x300, 4), 0xffffffff);
	out(self, 0x300, 4, 0);
	EXPECT_EQ(self->bus.unanswered, 3);
	EXPECT_EQ(self->used, 0);
}

TEST(overlap)
{
	struct probe probe;
	struct device devices[2] = {
		{ &low_class, &probe, 0 }, { &high_class, &probe, 0 },
	};
	struct message message;
	struct bus bus;

	further[0] = (struct port_range) { 0x12, 0x12 };
	EXPECT_EQ(bus_init(&bus, devices, 2, &message), -1);
	EXPECT_NE(strstr(message.text, "both want port 0x12"), NULL);
	bus_free(&bus);
	/* a list that is empty because the user wants none */
	further[0] = (struct port_range) { 0, 0 };
	EXPECT_EQ(bus_init(&bus, devices, 2, &message), 0);
	bus_free(&bus);
}

TEST_HARNESS_MAIN
