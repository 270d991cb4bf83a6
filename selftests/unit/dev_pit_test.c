/* SOURCES: userspace/devices/pit.c selftests/unit/fake_machine.c */
// SPDX-License-Identifier: GPL-2.0
/*
 * The 8254 by its datasheet, tick by tick of its clock, and channel 0 as the
 * source of IRQ 0.
 */
#include "kselftest_harness.h"

#include "../../userspace/devices/table.h"
#include "fake_machine.h"

#define HZ		1193182ull
#define CONTROL		0x43
#define PORT_B		0x61
#define IRQ		0

/* control word parts */
#define LATCH		0x00
#define LOW		0x10
#define HIGH		0x20
#define BOTH		0x30
#define MODE(n)		((n) << 1)
#define BCD		0x01
#define CH(n)		((n) << 6)
#define BACK_COUNT	0xd0	/* read-back, count only */
#define BACK_STATUS	0xe0	/* read-back, status only */
#define BACK_BOTH	0xc0

FIXTURE(pit)
{
	struct machine m;
};

FIXTURE_SETUP(pit)
{
	memset(&self->m, 0, sizeof(self->m));
	ASSERT_TRUE(fake_create(&self->m, &pit_class));
}

FIXTURE_TEARDOWN(pit)
{
	fake_destroy(&self->m);
}

/* The first time of the clock's tick number @t. */
static uint64_t at(uint64_t t)
{
	return (t * 1000000000 + HZ - 1) / HZ;
}

static uint64_t ticks_now(const struct machine *m)
{
	return m->now / 1000000000 * HZ + m->now % 1000000000 * HZ / 1000000000;
}

/* Let the clock tick @n times. */
static void clocks(struct machine *m, uint64_t n)
{
	fake_run(m, at(ticks_now(m) + n) - m->now);
}

static void program(struct machine *m, unsigned int ch, unsigned int mode,
		    uint16_t count)
{
	fake_outb(m, CONTROL, CH(ch) | BOTH | MODE(mode));
	fake_outb(m, 0x40 + ch, count);
	fake_outb(m, 0x40 + ch, count >> 8);
}

static uint16_t latched(struct machine *m, unsigned int ch)
{
	uint16_t low;

	fake_outb(m, CONTROL, CH(ch) | LATCH);
	low = fake_inb(m, 0x40 + ch);
	return low | fake_inb(m, 0x40 + ch) << 8;
}

static uint8_t status(struct machine *m, unsigned int ch)
{
	fake_outb(m, CONTROL, BACK_STATUS | 2 << ch);
	return fake_inb(m, 0x40 + ch);
}

static bool out2(struct machine *m)
{
	return fake_inb(m, PORT_B) & 0x20;
}

static void gate2(struct machine *m, bool level)
{
	fake_outb(m, PORT_B, level);
}

TEST_F(pit, mode_0_counts_and_raises_its_output_for_good)
{
	struct machine *m = &self->m;

	gate2(m, true);
	program(m, 2, 0, 4);
	EXPECT_FALSE(out2(m));
	EXPECT_EQ(status(m, 2), 0x40 | BOTH);
	/* one tick loads, then N count */
	clocks(m, 1);
	EXPECT_EQ(status(m, 2), BOTH);
	EXPECT_EQ(latched(m, 2), 4);
	clocks(m, 3);
	EXPECT_EQ(latched(m, 2), 1);
	EXPECT_FALSE(out2(m));
	clocks(m, 1);
	EXPECT_EQ(latched(m, 2), 0);
	EXPECT_TRUE(out2(m));
	EXPECT_EQ(status(m, 2), 0x80 | BOTH);
	/* the counter wraps, the output stays */
	clocks(m, 2);
	EXPECT_EQ(latched(m, 2), 0xfffe);
	EXPECT_TRUE(out2(m));
	clocks(m, 0x30000);
	EXPECT_EQ(latched(m, 2), 0xfffe);
	EXPECT_TRUE(out2(m));
}

TEST_F(pit, mode_0_the_first_byte_stops_it)
{
	struct machine *m = &self->m;

	gate2(m, true);
	program(m, 2, 0, 4);
	clocks(m, 10);
	EXPECT_TRUE(out2(m));
	fake_outb(m, 0x42, 3);
	EXPECT_FALSE(out2(m));
	clocks(m, 100);
	EXPECT_FALSE(out2(m));
	fake_outb(m, 0x42, 0);
	clocks(m, 3);
	EXPECT_FALSE(out2(m));
	clocks(m, 1);
	EXPECT_TRUE(out2(m));
}

TEST_F(pit, mode_0_the_gate_holds_it)
{
	struct machine *m = &self->m;

	program(m, 2, 0, 10);
	clocks(m, 100);
	EXPECT_FALSE(out2(m));
	EXPECT_EQ(latched(m, 2), 10);
	gate2(m, true);
	clocks(m, 4);
	EXPECT_EQ(latched(m, 2), 6);
	gate2(m, false);
	clocks(m, 50);
	EXPECT_EQ(latched(m, 2), 6);
	EXPECT_FALSE(out2(m));
	gate2(m, true);
	clocks(m, 5);
	EXPECT_FALSE(out2(m));
	clocks(m, 1);
	EXPECT_TRUE(out2(m));
}

TEST_F(pit, mode_1_starts_with_the_gate)
{
	struct machine *m = &self->m;

	program(m, 2, 1, 5);
	EXPECT_TRUE(out2(m));
	clocks(m, 20);
	EXPECT_TRUE(out2(m));
	EXPECT_EQ(status(m, 2), 0x80 | 0x40 | BOTH | MODE(1));

	gate2(m, true);
	clocks(m, 1);
	EXPECT_FALSE(out2(m));
	EXPECT_EQ(latched(m, 2), 5);
	/* a low gate does not stop it, another edge restarts it */
	gate2(m, false);
	clocks(m, 3);
	EXPECT_EQ(latched(m, 2), 2);
	gate2(m, true);
	clocks(m, 1);
	EXPECT_EQ(latched(m, 2), 5);
	clocks(m, 4);
	EXPECT_FALSE(out2(m));
	clocks(m, 1);
	EXPECT_TRUE(out2(m));

	/* a new count waits for the next edge */
	fake_outb(m, 0x42, 2);
	fake_outb(m, 0x42, 0);
	clocks(m, 10);
	EXPECT_TRUE(out2(m));
	EXPECT_NE(status(m, 2) & 0x40, 0);
	gate2(m, false);
	gate2(m, true);
	clocks(m, 2);
	EXPECT_FALSE(out2(m));
	clocks(m, 1);
	EXPECT_TRUE(out2(m));
}

TEST_F(pit, mode_2_divides)
{
	struct machine *m = &self->m;
	int i;

	gate2(m, true);
	program(m, 2, 2, 3);
	EXPECT_TRUE(out2(m));
	clocks(m, 1);
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(latched(m, 2), 3);
		EXPECT_TRUE(out2(m));
		clocks(m, 1);
		EXPECT_EQ(latched(m, 2), 2);
		EXPECT_TRUE(out2(m));
		clocks(m, 1);
		EXPECT_EQ(latched(m, 2), 1);
		EXPECT_FALSE(out2(m));
		clocks(m, 1);
	}

	/* a low gate raises the output at once; its edge restarts the count */
	clocks(m, 2);
	EXPECT_FALSE(out2(m));
	gate2(m, false);
	EXPECT_TRUE(out2(m));
	clocks(m, 30);
	EXPECT_TRUE(out2(m));
	gate2(m, true);
	clocks(m, 1);
	EXPECT_EQ(latched(m, 2), 3);
	clocks(m, 2);
	EXPECT_FALSE(out2(m));
}

TEST_F(pit, mode_2_a_new_count_waits_for_the_period)
{
	struct machine *m = &self->m;

	gate2(m, true);
	program(m, 2, 2, 10);
	clocks(m, 1 + 4);
	fake_outb(m, 0x42, 4);
	fake_outb(m, 0x42, 0);
	EXPECT_EQ(status(m, 2) & 0x40, 0x40);
	clocks(m, 5);
	EXPECT_EQ(latched(m, 2), 1);
	EXPECT_FALSE(out2(m));
	clocks(m, 1);
	EXPECT_EQ(latched(m, 2), 4);
	EXPECT_EQ(status(m, 2) & 0x40, 0);
	clocks(m, 3);
	EXPECT_FALSE(out2(m));
	clocks(m, 1);
	EXPECT_EQ(latched(m, 2), 4);
}

TEST_F(pit, mode_3_even)
{
	struct machine *m = &self->m;
	int i, half;

	gate2(m, true);
	program(m, 2, 3, 6);
	clocks(m, 1);
	for (half = 0; half < 6; half++)
		for (i = 0; i < 3; i++) {
			EXPECT_EQ(out2(m), half % 2 == 0);
			EXPECT_EQ(latched(m, 2), 6 - 2 * i);
			clocks(m, 1);
		}
}

TEST_F(pit, mode_3_odd)
{
	static const struct {
		uint16_t count;
		bool out;
	} wave[] = {
		{ 4, true }, { 2, true }, { 0, true }, { 4, false }, { 2, false }
	};
	struct machine *m = &self->m;
	unsigned int i;

	gate2(m, true);
	program(m, 2, 3, 5);
	clocks(m, 1);
	for (i = 0; i < 15; i++) {
		EXPECT_EQ(latched(m, 2), wave[i % 5].count);
		EXPECT_EQ(out2(m), wave[i % 5].out);
		clocks(m, 1);
	}
}

TEST_F(pit, mode_3_a_new_count_waits_for_the_half)
{
	struct machine *m = &self->m;

	gate2(m, true);
	program(m, 2, 3, 20);
	clocks(m, 1 + 4);
	fake_outb(m, 0x42, 6);
	fake_outb(m, 0x42, 0);
	clocks(m, 5);
	EXPECT_TRUE(out2(m));
	/* its high half is over: three ticks low, three high */
	clocks(m, 1);
	EXPECT_FALSE(out2(m));
	EXPECT_EQ(latched(m, 2), 6);
	clocks(m, 2);
	EXPECT_FALSE(out2(m));
	clocks(m, 1);
	EXPECT_TRUE(out2(m));
	clocks(m, 3);
	EXPECT_FALSE(out2(m));

	/* and written in the low half it begins with the high one */
	fake_outb(m, 0x42, 8);
	fake_outb(m, 0x42, 0);
	clocks(m, 3);
	EXPECT_TRUE(out2(m));
	EXPECT_EQ(latched(m, 2), 8);
	clocks(m, 3);
	EXPECT_TRUE(out2(m));
	clocks(m, 1);
	EXPECT_FALSE(out2(m));
}

TEST_F(pit, mode_3_the_gate_restarts_with_the_high_half)
{
	struct machine *m = &self->m;

	gate2(m, true);
	program(m, 2, 3, 20);
	clocks(m, 1 + 4);
	fake_outb(m, 0x42, 10);
	fake_outb(m, 0x42, 0);
	gate2(m, false);
	clocks(m, 7);
	EXPECT_TRUE(out2(m));
	/* the new count waits for the gate, whatever half it was */
	EXPECT_NE(status(m, 2) & 0x40, 0);
	EXPECT_EQ(latched(m, 2), 12);
	gate2(m, true);
	clocks(m, 1);
	EXPECT_EQ(status(m, 2) & 0x40, 0);
	EXPECT_EQ(latched(m, 2), 10);
	EXPECT_TRUE(out2(m));
	clocks(m, 4);
	EXPECT_TRUE(out2(m));
	clocks(m, 1);
	EXPECT_FALSE(out2(m));

	/* a low gate raises the output at once */
	gate2(m, false);
	EXPECT_TRUE(out2(m));

	/* a count written right behind the edge goes with it */
	gate2(m, true);
	fake_outb(m, 0x42, 30);
	fake_outb(m, 0x42, 0);
	clocks(m, 1);
	EXPECT_EQ(latched(m, 2), 30);
}

TEST_F(pit, mode_4_strobes_once)
{
	struct machine *m = &self->m;

	gate2(m, true);
	program(m, 2, 4, 3);
	EXPECT_TRUE(out2(m));
	clocks(m, 1 + 2);
	EXPECT_TRUE(out2(m));
	clocks(m, 1);
	EXPECT_FALSE(out2(m));
	EXPECT_EQ(latched(m, 2), 0);
	clocks(m, 1);
	EXPECT_TRUE(out2(m));
	clocks(m, 0x10000 - 1);
	EXPECT_EQ(latched(m, 2), 0);
	EXPECT_TRUE(out2(m));

	/* a new count is loaded at once and strobes again */
	fake_outb(m, 0x42, 2);
	fake_outb(m, 0x42, 0);
	clocks(m, 1 + 2);
	EXPECT_FALSE(out2(m));
}

TEST_F(pit, mode_5_strobes_behind_the_gate)
{
	struct machine *m = &self->m;

	program(m, 2, 5, 3);
	clocks(m, 50);
	EXPECT_TRUE(out2(m));
	gate2(m, true);
	clocks(m, 1 + 2);
	EXPECT_TRUE(out2(m));
	clocks(m, 1);
	EXPECT_FALSE(out2(m));
	clocks(m, 1);
	EXPECT_TRUE(out2(m));
}

TEST_F(pit, gates_before_any_count)
{
	struct machine *m = &self->m;
	unsigned int mode;

	for (mode = 0; mode < 8; mode++) {
		fake_outb(m, CONTROL, CH(2) | BOTH | MODE(mode));
		gate2(m, true);
		clocks(m, 5);
		EXPECT_EQ(out2(m), mode != 0);
		EXPECT_EQ(latched(m, 2), 0);
		EXPECT_NE(status(m, 2) & 0x40, 0);
		gate2(m, false);
		clocks(m, 5);
		EXPECT_EQ(out2(m), mode != 0);
	}
}

TEST_F(pit, modes_6_and_7_are_2_and_3)
{
	struct machine *m = &self->m;

	gate2(m, true);
	program(m, 2, 6, 3);
	clocks(m, 3);
	EXPECT_FALSE(out2(m));
	clocks(m, 1);
	EXPECT_TRUE(out2(m));
	/* the status has it as it was written */
	EXPECT_EQ(status(m, 2) & 0x3f, BOTH | MODE(6));
	program(m, 2, 7, 4);
	clocks(m, 1);
	EXPECT_EQ(latched(m, 2), 4);
	clocks(m, 1);
	EXPECT_EQ(latched(m, 2), 2);
	EXPECT_TRUE(out2(m));
	clocks(m, 1);
	EXPECT_FALSE(out2(m));
}

TEST_F(pit, a_count_of_1_is_2_in_the_periodic_modes)
{
	struct machine *m = &self->m;
	unsigned int mode, i;

	gate2(m, true);
	for (mode = 2; mode <= 3; mode++) {
		program(m, 2, mode, 1);
		clocks(m, 1);
		for (i = 0; i < 6; i++) {
			EXPECT_EQ(out2(m), i % 2 == 0);
			clocks(m, 1);
		}
	}
	program(m, 2, 0, 1);
	clocks(m, 1);
	EXPECT_EQ(latched(m, 2), 1);
}

TEST_F(pit, a_count_of_0_is_the_largest)
{
	struct machine *m = &self->m;

	program(m, 0, 2, 0);
	clocks(m, 1);
	EXPECT_EQ(latched(m, 0), 0);
	clocks(m, 1);
	EXPECT_EQ(latched(m, 0), 0xffff);
	clocks(m, 0xffff);
	EXPECT_EQ(latched(m, 0), 0);
}

TEST_F(pit, bcd)
{
	struct machine *m = &self->m;

	fake_outb(m, CONTROL, CH(0) | BOTH | MODE(2) | BCD);
	fake_outb(m, 0x40, 0x34);
	fake_outb(m, 0x40, 0x12);
	clocks(m, 1);
	EXPECT_EQ(latched(m, 0), 0x1234);
	clocks(m, 35);
	EXPECT_EQ(latched(m, 0), 0x1199);
	clocks(m, 1198);
	EXPECT_EQ(latched(m, 0), 0x0001);
	clocks(m, 1);
	EXPECT_EQ(latched(m, 0), 0x1234);
	EXPECT_EQ(status(m, 0) & 0x3f, BOTH | MODE(2) | BCD);

	/* 0 is 10000, and the counter wraps to 9999 */
	fake_outb(m, CONTROL, CH(0) | BOTH | MODE(0) | BCD);
	fake_outb(m, 0x40, 0);
	fake_outb(m, 0x40, 0);
	clocks(m, 1);
	EXPECT_EQ(latched(m, 0), 0);
	clocks(m, 1);
	EXPECT_EQ(latched(m, 0), 0x9999);
	clocks(m, 9999);
	EXPECT_NE(status(m, 0) & 0x80, 0);
	clocks(m, 1);
	EXPECT_EQ(latched(m, 0), 0x9999);
}

TEST_F(pit, single_byte_access)
{
	struct machine *m = &self->m;

	fake_outb(m, CONTROL, CH(0) | LOW | MODE(2));
	fake_outb(m, 0x40, 0x80);
	clocks(m, 1 + 2);
	EXPECT_EQ(fake_inb(m, 0x40), 0x7e);
	EXPECT_EQ(fake_inb(m, 0x40), 0x7e);

	fake_outb(m, CONTROL, CH(0) | HIGH | MODE(2));
	fake_outb(m, 0x40, 0x80);
	clocks(m, 1 + 2);
	EXPECT_EQ(fake_inb(m, 0x40), 0x7f);
	clocks(m, 0x100);
	EXPECT_EQ(fake_inb(m, 0x40), 0x7e);
}

TEST_F(pit, unlatched_reads_alternate)
{
	struct machine *m = &self->m;

	program(m, 0, 2, 0x1234);
	clocks(m, 1);
	EXPECT_EQ(fake_inb(m, 0x40), 0x34);
	EXPECT_EQ(fake_inb(m, 0x40), 0x12);
	clocks(m, 0x35);
	EXPECT_EQ(fake_inb(m, 0x40), 0xff);
	EXPECT_EQ(fake_inb(m, 0x40), 0x11);
}

TEST_F(pit, a_latch_holds_until_it_is_read)
{
	struct machine *m = &self->m;

	program(m, 0, 2, 0x1234);
	clocks(m, 1);
	fake_outb(m, CONTROL, CH(0) | LATCH);
	clocks(m, 0x234);
	/* a second latch does not overtake the first */
	fake_outb(m, CONTROL, CH(0) | LATCH);
	EXPECT_EQ(fake_inb(m, 0x40), 0x34);
	EXPECT_EQ(fake_inb(m, 0x40), 0x12);
	EXPECT_EQ(fake_inb(m, 0x40), 0x00);
	EXPECT_EQ(fake_inb(m, 0x40), 0x10);

	/* nor does it outlive a control word */
	fake_outb(m, CONTROL, CH(0) | LATCH);
	program(m, 0, 2, 0x4321);
	clocks(m, 1);
	EXPECT_EQ(fake_inb(m, 0x40), 0x21);
	EXPECT_EQ(fake_inb(m, 0x40), 0x43);
}

TEST_F(pit, read_back)
{
	struct machine *m = &self->m;

	gate2(m, true);
	program(m, 0, 2, 0x1000);
	program(m, 1, 3, 0x2000);
	program(m, 2, 4, 0x3000);
	clocks(m, 1);

	/* status before count, whichever order */
	fake_outb(m, CONTROL, BACK_BOTH | 2);
	clocks(m, 1);
	EXPECT_EQ(fake_inb(m, 0x40), 0x80 | BOTH | MODE(2));
	EXPECT_EQ(fake_inb(m, 0x40), 0x00);
	EXPECT_EQ(fake_inb(m, 0x40), 0x10);

	fake_outb(m, CONTROL, BACK_COUNT | 4 | 8);
	clocks(m, 8);
	EXPECT_EQ(fake_inb(m, 0x41), 0xfe);
	EXPECT_EQ(fake_inb(m, 0x41), 0x1f);
	EXPECT_EQ(fake_inb(m, 0x42), 0xff);
	EXPECT_EQ(fake_inb(m, 0x42), 0x2f);
	/* channel 0 was not asked */
	EXPECT_EQ(fake_inb(m, 0x40), 0xf7);
	EXPECT_EQ(fake_inb(m, 0x40), 0x0f);
}

TEST_F(pit, port_61)
{
	struct machine *m = &self->m;
	uint8_t value;
	unsigned int i, toggles = 0;

	fake_outb(m, PORT_B, 0xff);
	EXPECT_EQ(fake_inb(m, PORT_B) & 0xcf, 0x0f);
	fake_outb(m, PORT_B, 0x02);
	EXPECT_EQ(fake_inb(m, PORT_B) & 0xcf, 0x02);

	/* the refresh bit toggles each 15 us */
	value = fake_inb(m, PORT_B) & 0x10;
	for (i = 0; i < 1500; i++) {
		fake_run(m, FAKE_US);
		if ((fake_inb(m, PORT_B) & 0x10) != value) {
			value ^= 0x10;
			toggles++;
		}
	}
	EXPECT_GE(toggles, 99);
	EXPECT_LE(toggles, 100);
}

/* The way Linux measures the TSC (pit_calibrate_tsc): 10 ms on channel 2. */
TEST_F(pit, linux_calibrates)
{
	struct machine *m = &self->m;
	const uint64_t step = 2 * FAKE_US;
	uint64_t start;

	fake_outb(m, PORT_B, (fake_inb(m, PORT_B) & ~2) | 1);
	fake_outb(m, CONTROL, 0xb0);
	fake_outb(m, 0x42, 11931 & 0xff);
	fake_outb(m, 0x42, 11931 >> 8);
	start = m->now;
	while (!(fake_inb(m, PORT_B) & 0x20))
		fake_run(m, step);
	EXPECT_GE(m->now - start, 10 * FAKE_MS);
	EXPECT_LE(m->now - start, 10 * FAKE_MS + 2 * step);
}

/* quick_pit_calibrate: the high byte goes down by one each 256 ticks. */
TEST_F(pit, linux_calibrates_quickly)
{
	struct machine *m = &self->m;
	unsigned int expect;
	uint64_t start;

	fake_outb(m, PORT_B, (fake_inb(m, PORT_B) & ~2) | 1);
	fake_outb(m, CONTROL, 0xb0);
	fake_outb(m, 0x42, 0xff);
	fake_outb(m, 0x42, 0xff);
	/* it reads once before it begins, whatever that gives */
	fake_inb(m, 0x42);
	fake_inb(m, 0x42);
	start = ticks_now(m);
	for (expect = 0xff; expect > 0xf0; expect--) {
		unsigned int reads = 0;

		for (;;) {
			fake_inb(m, 0x42);
			if (fake_inb(m, 0x42) != expect)
				break;
			reads++;
			clocks(m, 2);
		}
		EXPECT_GE(reads, 120);
	}
	EXPECT_LE(ticks_now(m) - start - 15 * 256, 4);
}

TEST_F(pit, irq_0_at_100_hz)
{
	struct machine *m = &self->m;
	unsigned int ticks;
	uint64_t start;

	program(m, 0, 2, 11932);
	start = ticks_now(m);
	EXPECT_EQ(m->rises[IRQ], 0);
	ticks = fake_run(m, 10 * FAKE_NS);
	EXPECT_EQ(m->rises[IRQ], (ticks_now(m) - start - 1) / 11932);
	EXPECT_EQ(m->rises[IRQ], 999);
	/* one tick for the load, and no more than one for each edge */
	EXPECT_EQ(ticks, 1 + 999);
	EXPECT_TRUE(m->irq[IRQ]);
}

TEST_F(pit, irq_0_comes_when_the_output_rises)
{
	struct machine *m = &self->m;

	program(m, 0, 2, 1000);
	clocks(m, 1000);
	EXPECT_EQ(m->rises[IRQ], 0);
	clocks(m, 1);
	EXPECT_EQ(m->rises[IRQ], 1);
	clocks(m, 999);
	EXPECT_EQ(m->rises[IRQ], 1);
	clocks(m, 1);
	EXPECT_EQ(m->rises[IRQ], 2);

	program(m, 0, 3, 1000);
	clocks(m, 1000);
	EXPECT_EQ(m->rises[IRQ], 2);
	clocks(m, 1);
	EXPECT_EQ(m->rises[IRQ], 3);
	clocks(m, 1000);
	EXPECT_EQ(m->rises[IRQ], 4);

	/* once in mode 4, when the strobe ends */
	program(m, 0, 4, 1000);
	clocks(m, 1001);
	EXPECT_EQ(m->rises[IRQ], 4);
	clocks(m, 1);
	EXPECT_EQ(m->rises[IRQ], 5);
	clocks(m, 200000);
	EXPECT_EQ(m->rises[IRQ], 5);
	EXPECT_EQ(m->deadline, NO_DEADLINE);

	/* once in mode 0, low until then */
	program(m, 0, 0, 1000);
	EXPECT_FALSE(m->irq[IRQ]);
	clocks(m, 1000);
	EXPECT_FALSE(m->irq[IRQ]);
	clocks(m, 1);
	EXPECT_TRUE(m->irq[IRQ]);
	EXPECT_EQ(m->rises[IRQ], 6);
	clocks(m, 200000);
	EXPECT_EQ(m->rises[IRQ], 6);
	/* and again with each count */
	fake_outb(m, 0x40, 0xe8);
	EXPECT_FALSE(m->irq[IRQ]);
	fake_outb(m, 0x40, 0x03);
	clocks(m, 1001);
	EXPECT_EQ(m->rises[IRQ], 7);

	/* never in the modes that wait for a gate's edge */
	program(m, 0, 1, 1000);
	clocks(m, 200000);
	program(m, 0, 5, 1000);
	clocks(m, 200000);
	EXPECT_EQ(m->rises[IRQ], 7);
}

/* Linux's one-shot clock event: mode 4 once, then only counts. */
TEST_F(pit, one_shots)
{
	struct machine *m = &self->m;
	unsigned int i;

	fake_outb(m, CONTROL, CH(0) | BOTH | MODE(4));
	EXPECT_EQ(m->deadline, NO_DEADLINE);
	for (i = 1; i < 20; i++) {
		fake_outb(m, 0x40, 0x10);
		fake_outb(m, 0x40, 0x10);
		/* a count that is written again starts anew */
		clocks(m, 0x800);
		fake_outb(m, 0x40, 0x10);
		fake_outb(m, 0x40, 0x10);
		clocks(m, 0x1010);
		EXPECT_EQ(m->rises[IRQ], i - 1);
		clocks(m, 3);
		EXPECT_EQ(m->rises[IRQ], i);
	}
}

TEST_F(pit, a_new_period_begins_where_the_old_one_ends)
{
	struct machine *m = &self->m;

	program(m, 0, 2, 10000);
	clocks(m, 1 + 25000);
	EXPECT_EQ(m->rises[IRQ], 2);
	fake_outb(m, 0x40, 2000 & 0xff);
	fake_outb(m, 0x40, 2000 >> 8);
	clocks(m, 4999);
	EXPECT_EQ(m->rises[IRQ], 2);
	clocks(m, 1);
	EXPECT_EQ(m->rises[IRQ], 3);
	clocks(m, 1999);
	EXPECT_EQ(m->rises[IRQ], 3);
	clocks(m, 1);
	EXPECT_EQ(m->rises[IRQ], 4);

	/* a square wave: already at its half */
	program(m, 0, 3, 10000);
	clocks(m, 1 + 1000);
	fake_outb(m, 0x40, 2000 & 0xff);
	fake_outb(m, 0x40, 2000 >> 8);
	clocks(m, 4000 + 999);
	EXPECT_EQ(m->rises[IRQ], 4);
	clocks(m, 1);
	EXPECT_EQ(m->rises[IRQ], 5);
	clocks(m, 2000);
	EXPECT_EQ(m->rises[IRQ], 6);
}

TEST_F(pit, a_late_host_catches_up_without_drift)
{
	struct machine *m = &self->m;
	unsigned int before;

	program(m, 0, 2, 10000);
	clocks(m, 1 + 10000);
	EXPECT_EQ(m->rises[IRQ], 1);

	/* five periods late: one edge per tick, at twice the rate */
	fake_leap(m, at(5 * 10000) - at(0));
	EXPECT_EQ(m->rises[IRQ], 2);
	fake_leap(m, 0);
	EXPECT_EQ(m->rises[IRQ], 2);
	EXPECT_GE(m->deadline, m->now + at(4999));
	EXPECT_LE(m->deadline, m->now + at(5001));
	clocks(m, 20000);
	EXPECT_EQ(m->rises[IRQ], 1 + 1 + 4);
	clocks(m, 20000);
	EXPECT_EQ(m->rises[IRQ], 1 + 9);

	/* caught up, and where the first edge said the others would be */
	before = m->rises[IRQ];
	clocks(m, 10000 - 1);
	EXPECT_EQ(m->rises[IRQ], before);
	clocks(m, 1);
	EXPECT_EQ(m->rises[IRQ], before + 1);
}

TEST_F(pit, a_very_late_host_forgets)
{
	struct machine *m = &self->m;

	program(m, 0, 2, 1193);
	clocks(m, 1 + 1193);
	EXPECT_EQ(m->rises[IRQ], 1);
	fake_leap(m, 3600 * FAKE_NS);
	EXPECT_EQ(m->rises[IRQ], 2);
	/* in 40 ms: 40 edges in time and at most 9 from the past */
	fake_run(m, 40 * FAKE_MS);
	EXPECT_GE(m->rises[IRQ], 2 + 40 + 7);
	EXPECT_LE(m->rises[IRQ], 2 + 40 + 9);
	fake_run(m, 40 * FAKE_MS);
	EXPECT_LE(m->rises[IRQ], 2 + 80 + 9);
}

TEST_F(pit, the_shortest_period_is_no_storm)
{
	struct machine *m = &self->m;
	unsigned int ticks, mode;

	for (mode = 2; mode <= 3; mode++) {
		/* 1 is not allowed, and is taken as 2 */
		program(m, 0, mode, 1);
		m->rises[IRQ] = 0;
		ticks = fake_run(m, FAKE_NS);
		EXPECT_LE(ticks, 10100);
		EXPECT_GE(m->rises[IRQ], 9900);
		EXPECT_LE(m->rises[IRQ], 10100);
	}
}

TEST_F(pit, a_forgotten_backlog_ends_with_the_programming)
{
	struct machine *m = &self->m;

	program(m, 0, 2, 10000);
	clocks(m, 1);
	m->now += at(7 * 10000);
	/* nothing was delivered yet, and mode 4 waits for its count */
	fake_outb(m, CONTROL, CH(0) | BOTH | MODE(4));
	fake_run(m, FAKE_NS);
	EXPECT_EQ(m->rises[IRQ], 0);
}

TEST_F(pit, channels_do_not_disturb_each_other)
{
	struct machine *m = &self->m;

	program(m, 0, 2, 1000);
	clocks(m, 1);
	gate2(m, true);
	program(m, 2, 0, 500);
	program(m, 1, 3, 18);
	gate2(m, false);
	clocks(m, 1000);
	EXPECT_EQ(m->rises[IRQ], 1);
	EXPECT_EQ(latched(m, 0), 1000);
}

TEST_F(pit, a_year_later)
{
	struct machine *m = &self->m;

	program(m, 0, 2, 1000);
	clocks(m, 1);
	fake_leap(m, 365 * 86400 * FAKE_NS);
	EXPECT_EQ(latched(m, 0), 1000 - (ticks_now(m) - 1) % 1000);
}

TEST_F(pit, reset)
{
	struct machine *m = &self->m;

	program(m, 0, 2, 1000);
	gate2(m, true);
	clocks(m, 1500);
	EXPECT_TRUE(m->irq[IRQ]);
	fake_reset(m);
	EXPECT_FALSE(m->irq[IRQ]);
	EXPECT_EQ(m->deadline, NO_DEADLINE);
	EXPECT_EQ(fake_inb(m, PORT_B) & 0xcf, 0);
	EXPECT_EQ(latched(m, 0), 0);
}

TEST_F(pit, odd_accesses)
{
	struct machine *m = &self->m;

	EXPECT_EQ(fake_inb(m, CONTROL), 0xff);
	fake_out(m, CONTROL, 4, 0x12345600 | CH(0) | LOW | MODE(2));
	fake_out(m, 0x40, 2, 0xff80);
	clocks(m, 1);
	EXPECT_EQ(fake_in(m, 0x40, 2), 0xff80);
	EXPECT_EQ(fake_in(m, 0x40, 4), 0xffffff80);
	/* read-back of nothing */
	fake_outb(m, CONTROL, 0xc0);
	fake_outb(m, CONTROL, 0xff);
	EXPECT_EQ(fake_inb(m, 0x40), 0x80);
}

TEST_HARNESS_MAIN
