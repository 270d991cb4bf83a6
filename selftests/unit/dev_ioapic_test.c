/* SOURCES: userspace/devices/ioapic.c selftests/unit/fake_machine.c */
// SPDX-License-Identifier: GPL-2.0
/* The I/O APIC: its registers, edges, levels, and what an EOI does. */
#include <stdio.h>
#include <stdlib.h>

#include "kselftest_harness.h"
#include "fake_machine.h"

#define MASKED	(1U << 16)
#define LEVEL	(1U << 15)
#define IRR	(1U << 14)
#define LOGICAL	(1U << 11)

FIXTURE(ioapic)
{
	struct machine m;
};

FIXTURE_SETUP(ioapic)
{
	ASSERT_TRUE(fake_create(&self->m, &ioapic_class));
	fake_reset(&self->m);
}

FIXTURE_TEARDOWN(ioapic)
{
	fake_destroy(&self->m);
}

static void put(struct machine *m, uint8_t index, uint32_t value)
{
	ioapic_class.write(m->dev, IOAPIC_ADDRESS, 4, index);
	ioapic_class.write(m->dev, IOAPIC_ADDRESS + 0x10, 4, value);
}

static uint32_t get(struct machine *m, uint8_t index)
{
	ioapic_class.write(m->dev, IOAPIC_ADDRESS, 4, index);
	return (uint32_t)ioapic_class.read(m->dev, IOAPIC_ADDRESS + 0x10, 4);
}

static void set_entry(struct machine *m, unsigned int pin, uint32_t low, uint32_t high)
{
	put(m, 0x11 + 2 * pin, high);
	put(m, 0x10 + 2 * pin, low);
}

TEST_F(ioapic, registers)
{
	struct machine *m = &self->m;
	unsigned int i;

	EXPECT_EQ(get(m, 1), 0x170020);
	put(m, 0, 0xffffffff);
	EXPECT_EQ(get(m, 0), 0xf000000);
	EXPECT_EQ(get(m, 2), 0xf000000);
	put(m, 1, 0);
	EXPECT_EQ(get(m, 1), 0x170020);
	for (i = 0; i < 24; i++) {
		EXPECT_EQ(get(m, 0x10 + 2 * i), MASKED);
		EXPECT_EQ(get(m, 0x11 + 2 * i), 0);
		set_entry(m, i, 0xffffffff, 0xffffffff);
		EXPECT_EQ(get(m, 0x10 + 2 * i), 0x1afff);
		EXPECT_EQ(get(m, 0x11 + 2 * i), 0xff000000);
	}
	/* What is not there. */
	for (i = 3; i < 0x10; i++) {
		put(m, i, 0xffffffff);
		EXPECT_EQ(get(m, i), 0);
	}
	put(m, 0x40, 0xffffffff);
	EXPECT_EQ(get(m, 0x40), 0);
	EXPECT_EQ(ioapic_class.read(m->dev, IOAPIC_ADDRESS + 0x20, 4), 0);
	EXPECT_EQ(ioapic_class.read(m->dev, IOAPIC_ADDRESS, 1), 0x40);
	EXPECT_EQ(m->msis, 0);
}

TEST_F(ioapic, an_edge_sends_once)
{
	struct machine *m = &self->m;

	set_entry(m, 4, 0x34, 0x02000000);
	ioapic_set_pin(m->dev, 4, true);
	EXPECT_EQ(m->msis, 1);
	EXPECT_EQ(m->msi_address, 0xfee02000);
	EXPECT_EQ(m->msi_data, 0x34);
	ioapic_set_pin(m->dev, 4, true);
	ioapic_eoi(m->dev, 0x34);
	ioapic_set_pin(m->dev, 4, false);
	EXPECT_EQ(m->msis, 1);
	ioapic_set_pin(m->dev, 4, true);
	EXPECT_EQ(m->msis, 2);
	/* While it is masked it is lost. */
	ioapic_set_pin(m->dev, 4, false);
	set_entry(m, 4, MASKED | 0x34, 0);
	ioapic_set_pin(m->dev, 4, true);
	set_entry(m, 4, 0x34, 0);
	EXPECT_EQ(m->msis, 2);
}

TEST_F(ioapic, a_level_sends_until_it_falls)
{
	struct machine *m = &self->m;

	set_entry(m, 9, MASKED | LEVEL | LOGICAL | 1 << 8 | 0x59, 0x03000000);
	ioapic_set_pin(m->dev, 9, true);
	EXPECT_EQ(m->msis, 0);
	put(m, 0x10 + 18, LEVEL | LOGICAL | 1 << 8 | 0x59);
	EXPECT_EQ(m->msis, 1);
	EXPECT_EQ(m->msi_address, 0xfee03004);
	EXPECT_EQ(m->msi_data, 0xc159);
	EXPECT_EQ(get(m, 0x10 + 18), IRR | LEVEL | LOGICAL | 1 << 8 | 0x59);
	/* In service: not again, whatever the pin does. */
	ioapic_set_pin(m->dev, 9, false);
	ioapic_set_pin(m->dev, 9, true);
	EXPECT_EQ(m->msis, 1);
	ioapic_eoi(m->dev, 0x58);
	EXPECT_EQ(m->msis, 1);
	ioapic_eoi(m->dev, 0x59);
	EXPECT_EQ(m->msis, 2);
	ioapic_set_pin(m->dev, 9, false);
	ioapic_class.write(m->dev, IOAPIC_ADDRESS + 0x40, 4, 0x59);
	EXPECT_EQ(m->msis, 2);
	EXPECT_EQ(get(m, 0x10 + 18), LEVEL | LOGICAL | 1 << 8 | 0x59);
	/* A lost EOI is given up by way of edge-triggered. */
	ioapic_set_pin(m->dev, 9, true);
	put(m, 0x10 + 18, MASKED | 0x59);
	put(m, 0x10 + 18, LEVEL | 0x59);
	EXPECT_EQ(m->msis, 4);
}

TEST_F(ioapic, whatever_is_written)
{
	struct machine *m = &self->m;
	unsigned int i;

	srandom(1);
	for (i = 0; i < 300000; i++) {
		uint64_t address = IOAPIC_ADDRESS + (random() % 8 ? random() % 5 * 16 :
								   random() % 0x1000);
		unsigned int size = 1U << random() % 4;

		switch (random() % 5) {
		case 0:
			ioapic_class.read(m->dev, address, size);
			break;
		case 1:
			ioapic_set_pin(m->dev, random() % 24, random() % 2);
			break;
		case 2:
			ioapic_eoi(m->dev, random());
			break;
		default:
			ioapic_class.write(m->dev, address, size, random() % 64);
			break;
		}
	}
	EXPECT_LT(0, m->msis);
	fake_reset(m);
}

TEST_HARNESS_MAIN
