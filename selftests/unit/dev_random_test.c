/* SOURCES: userspace/devices/table.c userspace/devices/pic.c userspace/devices/pit.c userspace/devices/rtc.c userspace/devices/uart16550.c userspace/devices/i8042.c userspace/devices/port92.c userspace/devices/pci_host.c userspace/devices/pci_device.c userspace/devices/acpi_pm.c userspace/devices/ioapic.c userspace/devices/debug_exit.c userspace/devices/post.c selftests/unit/fake_machine.c */
// SPDX-License-Identifier: GPL-2.0
/*
 * Nonsense: random accesses to every device of the table, a million in all,
 * with the clock moving in between. Nothing may crash, trip a sanitizer, break
 * the rules of device.h (fake_machine.c looks after those), make the host spin,
 * or leave the device beyond repair by a reset.
 *
 * DEV_SEED chooses another sequence.
 */
#include "kselftest_harness.h"

#include "fake_machine.h"

#define ACCESSES	1000000
#define MAX_PORTS	64

static uint64_t seed = 0x6d696e69766d78;

/* xorshift64* */
static uint64_t rnd(void)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return seed * 0x2545f4914f6cdd1dull;
}

static uint32_t below(uint32_t n)
{
	return (rnd() >> 32) * n >> 32;
}

static void choose_seed(void)
{
	const char *text = getenv("DEV_SEED");

	if (text)
		seed = strtoull(text, NULL, 0) * 2 + 1;
}

static unsigned int list_ports(const struct machine *m, uint16_t *ports)
{
	unsigned int port, nr = 0;

	for (port = 0; port <= 0xffff && nr < MAX_PORTS; port++)
		if (fake_claims(m, port))
			ports[nr++] = port;
	return nr;
}

/* Mostly little, at times a leap: below a tick of the PIT up to a month. */
static uint64_t some_time(void)
{
	return rnd() >> (13 + below(51));
}

/* A value that means something to some register more often than chance does. */
static uint32_t some_value(void)
{
	static const uint8_t favourites[] = {
		0x00, 0x01, 0x0f, 0x10, 0x11, 0x13, 0x20, 0x30, 0x34, 0x36,
		0x80, 0x83, 0xb0, 0xc0, 0xe0, 0xff, 0x0a, 0x0b, 0x0c, 0x68
	};

	if (below(2))
		return favourites[below(sizeof(favourites))];
	return rnd();
}

static void disturb(struct machine *m)
{
	uint8_t bytes[20] = { 0 };
	uint64_t when;

	switch (below(8)) {
	case 0:
		if (m->class->input)
			fake_input(m, bytes, below(sizeof(bytes) + 1));
		break;
	case 1:
		/* the PIC has two more doors */
		if (m->class == &pic_class && below(2))
			pic_set_irq(m->dev, below(20), below(2));
		else if (m->class == &pic_class)
			pic_acknowledge(m->dev);
		break;
	case 2:
		fake_leap(m, some_time());
		break;
	case 3:
		if (!below(1000))
			m->wall += (int64_t)rnd() >> 28;
		break;
	case 4:
		/* a tick that comes early or twice, or with an old time */
		when = m->now > 1000 ? m->now - below(1000) : 0;
		if (m->class->tick)
			m->deadline = m->class->tick(m->dev, when);
		break;
	case 5:
		if (!below(1000))
			fake_reset(m);
		break;
	default:
		fake_run(m, below(1000));
		break;
	}
}

/* A device may ask for ticks, but not for more than the host can stand. */
static unsigned int busiest(struct machine *m)
{
	return fake_run(m, FAKE_MS);
}

TEST(random_accesses)
{
	const struct device_class *const *class;
	unsigned int nr_classes = 0, i;

	choose_seed();
	for (class = device_table; *class; class++)
		nr_classes++;

	for (class = device_table; *class; class++) {
		struct machine m = {
			.wall = 1700000000,
			.memory_size = rnd() >> (20 + below(30)),
			.debug_exit_port = 0xf4,
		};
		uint16_t ports[MAX_PORTS];
		unsigned int nr_ports, worst = 0;

		if (!(*class)->ports)
			continue;	/* dev_ioapic_test.c does as much for it */
		ASSERT_TRUE(fake_create(&m, *class));
		nr_ports = list_ports(&m, ports);
		ASSERT_GT(nr_ports, 0);
		for (i = 0; i < ACCESSES / nr_classes; i++) {
			uint16_t port = ports[below(nr_ports)];
			unsigned int size = 1 << (below(4) ? 0 : below(3));

			if (below(2))
				fake_in(&m, port, size);
			else
				fake_out(&m, port, size, some_value());
			if (!below(4))
				disturb(&m);
			if (!below(64)) {
				unsigned int ticks = busiest(&m);

				if (ticks > worst)
					worst = ticks;
			}
		}
		/* 10 kHz of the PIT, plus a backlog, are the most */
		EXPECT_LE(worst, 40) {
			TH_LOG("%s: %u ticks in a ms", (*class)->name, worst);
		}
		fake_reset(&m);
		EXPECT_FALSE(m.intr);
		for (i = 0; i < FAKE_LINES; i++)
			EXPECT_FALSE(m.irq[i]);
		EXPECT_EQ(m.deadline, NO_DEADLINE);
		fake_destroy(&m);
	}
}

TEST(the_table_makes_sense)
{
	static struct machine machines[MAX_PORTS];
	unsigned int nr, i, port, owners;

	EXPECT_EQ(device_table[0], &pic_class);
	for (nr = 0; device_table[nr]; nr++) {
		const struct device_class *c = device_table[nr];

		ASSERT_LT(nr, MAX_PORTS);
		EXPECT_TRUE(c->name && c->create && c->destroy && c->reset);
		EXPECT_TRUE(c->ports || c->mmio);
		EXPECT_TRUE(!c->ports || (c->in && c->out));
		EXPECT_TRUE(!c->mmio || (c->read && c->write));
		for (i = 0; i < nr; i++)
			EXPECT_STRNE(c->name, device_table[i]->name);
		machines[nr].debug_exit_port = 0xf4;
		ASSERT_TRUE(fake_create(&machines[nr], c));
	}

	/* no port has two owners */
	for (port = 0; port <= 0xffff; port++) {
		owners = 0;
		for (i = 0; i < nr; i++)
			owners += fake_claims(&machines[i], port);
		EXPECT_LE(owners, 1) {
			TH_LOG("port %#x has %u owners", port, owners);
		}
	}
	for (i = 0; i < nr; i++)
		fake_destroy(&machines[i]);
}

TEST_HARNESS_MAIN
