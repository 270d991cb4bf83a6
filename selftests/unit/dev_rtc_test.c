/* SOURCES: userspace/devices/rtc.c selftests/unit/fake_machine.c */
// SPDX-License-Identifier: GPL-2.0
/* The MC146818 by its datasheet, and what PC software expects in its RAM. */
#include <time.h>

#include "kselftest_harness.h"

#include "../../userspace/devices/table.h"
#include "fake_machine.h"

#define INDEX		0x70
#define DATA		0x71
#define IRQ		8

#define A		0x0a
#define B		0x0b
#define C		0x0c
#define D		0x0d
#define CENTURY		0x32

#define UIP		0x80
#define SET		0x80
#define PIE		0x40
#define AIE		0x20
#define UIE		0x10
#define BINARY		0x04
#define H24		0x02

/* Sunday, 29 February 2032, 23:59:58 UTC */
#define LEAP_EVENING	1961711998ll

FIXTURE(rtc)
{
	struct machine m;
};

FIXTURE_SETUP(rtc)
{
	memset(&self->m, 0, sizeof(self->m));
	self->m.wall = LEAP_EVENING;
	self->m.memory_size = 256 << 20;
	ASSERT_TRUE(fake_create(&self->m, &rtc_class));
}

FIXTURE_TEARDOWN(rtc)
{
	fake_destroy(&self->m);
}

static uint8_t get(struct machine *m, uint8_t reg)
{
	fake_outb(m, INDEX, reg);
	return fake_inb(m, DATA);
}

static void put(struct machine *m, uint8_t reg, uint8_t value)
{
	fake_outb(m, INDEX, reg);
	fake_outb(m, DATA, value);
}

/* The time registers as one number: YYYYMMDDhhmmss as they stand, in hex. */
static uint64_t stamp(struct machine *m)
{
	static const uint8_t regs[] = { CENTURY, 9, 8, 7, 4, 2, 0 };
	uint64_t all = 0;
	unsigned int i;

	for (i = 0; i < sizeof(regs); i++)
		all = all << 8 | get(m, regs[i]);
	return all;
}

TEST_F(rtc, shows_the_wall_clock)
{
	struct machine *m = &self->m;

	EXPECT_EQ(stamp(m), 0x20320229235958);
	EXPECT_EQ(get(m, 6), 1);
	fake_run(m, FAKE_NS);
	EXPECT_EQ(stamp(m), 0x20320229235959);
	fake_run(m, FAKE_NS);
	EXPECT_EQ(stamp(m), 0x20320301000000);
	EXPECT_EQ(get(m, 6), 2);
	/* nothing ticks for it */
	EXPECT_EQ(m->deadline, NO_DEADLINE);
}

TEST_F(rtc, binary_and_12_hours)
{
	struct machine *m = &self->m;

	put(m, B, H24 | BINARY);
	EXPECT_EQ(stamp(m), 0x1420021d173b3a);
	put(m, B, BINARY);
	EXPECT_EQ(get(m, 4), 0x8b);
	put(m, B, 0);
	EXPECT_EQ(get(m, 4), 0x91);
	fake_run(m, 3 * FAKE_NS);
	/* midnight is 12 in the morning, noon 12 in the afternoon */
	EXPECT_EQ(get(m, 4), 0x12);
	fake_run(m, 12 * 3600 * FAKE_NS);
	EXPECT_EQ(get(m, 4), 0x92);
	fake_run(m, 3600 * FAKE_NS);
	EXPECT_EQ(get(m, 4), 0x81);
}

/* Against the C library, over four centuries. */
TEST_F(rtc, dates)
{
	struct machine *m = &self->m;
	int64_t t, end = 12591158400ll;	/* 2369 */
	unsigned int wrong = 0;

	put(m, B, H24 | BINARY);
	for (t = -2208988800ll /* 1900 */; t < end; t += 86400 * 9 + 4567) {
		time_t host = t;
		struct tm tm;

		m->wall = t - (int64_t)(m->now / FAKE_NS);
		gmtime_r(&host, &tm);
		wrong += get(m, 0) != tm.tm_sec;
		wrong += get(m, 2) != tm.tm_min;
		wrong += get(m, 4) != tm.tm_hour;
		wrong += get(m, 6) != tm.tm_wday + 1;
		wrong += get(m, 7) != tm.tm_mday;
		wrong += get(m, 8) != tm.tm_mon + 1;
		wrong += get(m, 9) != tm.tm_year % 100;
		wrong += get(m, CENTURY) != 19 + tm.tm_year / 100;
	}
	EXPECT_EQ(wrong, 0);
}

TEST_F(rtc, update_in_progress_warns)
{
	struct machine *m = &self->m;

	EXPECT_EQ(get(m, A), 0x26);
	fake_run(m, FAKE_NS - 245 * FAKE_US);
	EXPECT_EQ(get(m, A), 0x26);
	fake_run(m, 2 * FAKE_US);
	EXPECT_EQ(get(m, A), 0x26 | UIP);
	EXPECT_EQ(get(m, 0), 0x58);
	fake_run(m, 242 * FAKE_US);
	EXPECT_EQ(get(m, A), 0x26 | UIP);
	fake_run(m, 2 * FAKE_US);
	EXPECT_EQ(get(m, A), 0x26);
	EXPECT_EQ(get(m, 0), 0x59);

	/* not while it is being set, and it cannot be written */
	put(m, B, SET | H24);
	fake_run(m, FAKE_NS - 100 * FAKE_US);
	EXPECT_EQ(get(m, A), 0x26);
	put(m, A, 0x26 | UIP);
	EXPECT_EQ(get(m, A), 0x26);
}

/* mach_get_cmos_time(): wait for UIP to come and go, then read. */
TEST_F(rtc, linux_reads_the_time)
{
	struct machine *m = &self->m;
	unsigned int loops = 0;

	while (!(get(m, A) & UIP) && loops++ < 100000)
		fake_run(m, 20 * FAKE_US);
	while ((get(m, A) & UIP) && loops++ < 100000)
		fake_run(m, 20 * FAKE_US);
	EXPECT_LT(loops, 51000);
	EXPECT_EQ(stamp(m), 0x20320229235959);
}

TEST_F(rtc, the_guest_sets_it)
{
	struct machine *m = &self->m;

	/* as the datasheet and Linux do: SET, divider reset, the time, back */
	put(m, B, SET | H24);
	put(m, A, 0x76);
	put(m, CENTURY, 0x19);
	put(m, 9, 0x99);
	put(m, 8, 0x12);
	put(m, 7, 0x31);
	put(m, 4, 0x23);
	put(m, 2, 0x59);
	put(m, 0, 0x58);
	fake_run(m, 10 * FAKE_NS);
	EXPECT_EQ(stamp(m), 0x19991231235958);
	put(m, B, H24);
	fake_run(m, 10 * FAKE_NS);
	EXPECT_EQ(stamp(m), 0x19991231235958);
	put(m, A, 0x26);

	/* the first update comes half a second later */
	fake_run(m, 499 * FAKE_MS);
	EXPECT_EQ(stamp(m), 0x19991231235958);
	fake_run(m, 2 * FAKE_MS);
	EXPECT_EQ(stamp(m), 0x19991231235959);
	fake_run(m, FAKE_NS);
	EXPECT_EQ(stamp(m), 0x20000101000000);
	/* a Saturday; and it goes on */
	EXPECT_EQ(get(m, 6), 7);
	fake_run(m, 86400 * FAKE_NS);
	EXPECT_EQ(stamp(m), 0x20000102000000);
}

TEST_F(rtc, single_registers_can_be_set_while_it_runs)
{
	struct machine *m = &self->m;

	fake_run(m, 300 * FAKE_MS);
	put(m, 4, 0x07);
	EXPECT_EQ(stamp(m), 0x20320229075958);
	fake_run(m, 700 * FAKE_MS);
	EXPECT_EQ(stamp(m), 0x20320229075959);
	put(m, 9, 0x30);
	/* there was no such day */
	EXPECT_EQ(stamp(m), 0x20300301075959);
	put(m, B, 0);
	put(m, 4, 0x83);
	put(m, B, H24);
	EXPECT_EQ(get(m, 4), 0x15);
	put(m, B, 0);
	put(m, 4, 0x12);
	put(m, B, H24);
	EXPECT_EQ(get(m, 4), 0x00);
	put(m, B, 0);
	put(m, 4, 0x92);
	put(m, B, H24);
	EXPECT_EQ(get(m, 4), 0x12);
	/* the day of the week is that of the date */
	put(m, 6, 3);
	EXPECT_EQ(get(m, 6), 6);
}

TEST_F(rtc, set_freezes_the_registers)
{
	struct machine *m = &self->m;

	put(m, B, SET | H24);
	fake_run(m, 5 * FAKE_NS);
	EXPECT_EQ(get(m, 0), 0x58);
	EXPECT_EQ(get(m, C), 0x40);
	put(m, 6, 5);
	EXPECT_EQ(get(m, 6), 5);
	put(m, B, H24);
	EXPECT_EQ(stamp(m), 0x20320229235958);
}

TEST_F(rtc, nonsense_becomes_a_date)
{
	struct machine *m = &self->m;
	unsigned int i;

	put(m, B, SET | H24);
	for (i = 0; i < 10; i++)
		put(m, i, 0xff);
	put(m, CENTURY, 0xff);
	put(m, B, H24);
	EXPECT_LE(get(m, 0), 0x59);
	EXPECT_LE(get(m, 2), 0x59);
	EXPECT_LE(get(m, 4), 0x23);
	EXPECT_GE(get(m, 7), 0x01);
	EXPECT_LE(get(m, 7), 0x31);
	EXPECT_GE(get(m, 8), 0x01);
	EXPECT_LE(get(m, 8), 0x12);

	put(m, B, SET | H24 | BINARY);
	for (i = 0; i < 10; i++)
		put(m, i, 0);
	put(m, CENTURY, 0);
	put(m, B, H24 | BINARY);
	/* the day before the first of January of the year 0 */
	EXPECT_EQ(get(m, 7), 31);
	EXPECT_EQ(get(m, 8), 12);
}

TEST_F(rtc, it_follows_the_wall_clock_in_leaps)
{
	struct machine *m = &self->m;

	/* paused for an hour: machine_now() stood still */
	m->wall += 3600;
	EXPECT_EQ(stamp(m), 0x20320301005958);
	m->wall -= 3600;
	EXPECT_EQ(stamp(m), 0x20320229235958);
	/* the host's seconds need not begin with the machine's */
	m->wall += 1;
	EXPECT_EQ(stamp(m), 0x20320229235958);
	m->wall -= 2;
	EXPECT_EQ(stamp(m), 0x20320229235958);

	/* a time that the guest has set moves as far */
	m->wall += 1;
	put(m, 4, 0x01);
	m->wall += 7200;
	EXPECT_EQ(get(m, 4), 0x03);
}

TEST_F(rtc, update_interrupt)
{
	struct machine *m = &self->m;

	put(m, B, H24 | UIE);
	EXPECT_EQ(m->deadline, FAKE_NS);
	fake_run(m, FAKE_NS - 1);
	EXPECT_FALSE(m->irq[IRQ]);
	fake_run(m, 1);
	EXPECT_TRUE(m->irq[IRQ]);
	/* one is enough until the guest has read C */
	EXPECT_EQ(m->deadline, NO_DEADLINE);
	fake_run(m, 10 * FAKE_NS);
	EXPECT_EQ(m->rises[IRQ], 1);
	EXPECT_EQ(get(m, C) & 0x90, 0x90);
	EXPECT_FALSE(m->irq[IRQ]);
	EXPECT_EQ(get(m, C), 0);
	fake_run(m, FAKE_NS);
	EXPECT_EQ(m->rises[IRQ], 2);
	EXPECT_NE(get(m, C) & 0x80, 0);

	/* SET takes the enable bit away */
	put(m, B, H24 | UIE | SET);
	EXPECT_EQ(get(m, B), H24 | SET);
	put(m, B, H24);
	fake_run(m, 5 * FAKE_NS);
	EXPECT_EQ(m->rises[IRQ], 2);
	/* but the flag was raised, and enabling it now tells */
	put(m, B, H24 | UIE);
	EXPECT_TRUE(m->irq[IRQ]);
	put(m, B, H24);
	EXPECT_FALSE(m->irq[IRQ]);
	EXPECT_EQ(get(m, C) & 0x90, 0x10);
}

TEST_F(rtc, periodic_interrupt)
{
	/* by rate: the period in ticks of the 32768 Hz crystal */
	static const unsigned int period[16] = {
		0, 128, 256, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096,
		8192, 16384
	};
	struct machine *m = &self->m;
	unsigned int rate, n;

	for (rate = 0; rate < 16; rate++) {
		put(m, A, 0x20 | rate);
		get(m, C);
		m->rises[IRQ] = 0;
		put(m, B, H24 | PIE);
		for (n = 0; n < 32768 * 2; n++) {
			fake_run(m, FAKE_NS / 32768);
			if (m->irq[IRQ])
				EXPECT_EQ(get(m, C) & 0xc0, 0xc0);
		}
		/* 32768 does not divide a second's ns: a few are beyond it */
		n = period[rate] ? 65536 / period[rate] : 0;
		EXPECT_GE(m->rises[IRQ] + 1, n);
		EXPECT_LE(m->rises[IRQ], n + 1);
		put(m, B, H24);
	}
}

TEST_F(rtc, a_slow_guest_loses_periodic_interrupts)
{
	struct machine *m = &self->m;

	put(m, A, 0x23);
	put(m, B, H24 | PIE);
	/* as many ticks as the guest acknowledges, no storm */
	EXPECT_EQ(fake_run(m, 10 * FAKE_NS), 1);
	EXPECT_EQ(m->rises[IRQ], 1);
	EXPECT_EQ(get(m, C) & 0xc0, 0xc0);
	/* the next one is in time again */
	EXPECT_LE(m->deadline, m->now + FAKE_NS / 8192 + 1);

	/* the flag is there without the enable bit too */
	put(m, B, H24);
	get(m, C);
	fake_run(m, FAKE_MS);
	EXPECT_EQ(get(m, C), 0x40);
}

TEST_F(rtc, divider_reset_stops_everything)
{
	struct machine *m = &self->m;

	put(m, A, 0x66);
	get(m, C);
	put(m, B, H24 | PIE | UIE | AIE);
	EXPECT_EQ(m->deadline, NO_DEADLINE);
	fake_run(m, 10 * FAKE_NS);
	EXPECT_EQ(m->rises[IRQ], 0);
	EXPECT_EQ(get(m, C), 0);
	EXPECT_EQ(get(m, A), 0x66);
}

TEST_F(rtc, alarm)
{
	struct machine *m = &self->m;

	put(m, 5, 0x00);
	put(m, 3, 0x00);
	put(m, 1, 0x05);
	put(m, B, H24 | AIE);
	fake_run(m, 7 * FAKE_NS - 1);
	EXPECT_FALSE(m->irq[IRQ]);
	fake_run(m, 1);
	EXPECT_TRUE(m->irq[IRQ]);
	EXPECT_EQ(stamp(m), 0x20320301000005);
	EXPECT_EQ(get(m, C) & 0xa0, 0xa0);
	/* not again before tomorrow */
	fake_run(m, 86400 * FAKE_NS - 1);
	EXPECT_EQ(m->rises[IRQ], 1);
	fake_run(m, 1);
	EXPECT_EQ(m->rises[IRQ], 2);
	EXPECT_EQ(get(m, 1), 0x05);
}

TEST_F(rtc, alarm_wildcards)
{
	struct machine *m = &self->m;
	unsigned int i;

	/* each minute's second 30, by the two bits that mean any */
	put(m, 5, 0xc0);
	put(m, 3, 0xff);
	put(m, 1, 0x30);
	put(m, B, H24 | AIE);
	for (i = 0; i < 600; i++) {
		fake_run(m, FAKE_NS);
		if (m->irq[IRQ]) {
			EXPECT_EQ(get(m, 0), 0x30);
			get(m, C);
		}
	}
	EXPECT_EQ(m->rises[IRQ], 10);
	/* each second */
	put(m, 1, 0xc0);
	fake_run(m, FAKE_NS);
	EXPECT_EQ(m->rises[IRQ], 11);
	get(m, C);
	fake_run(m, FAKE_NS);
	EXPECT_EQ(m->rises[IRQ], 12);
}

TEST_F(rtc, an_alarm_that_the_host_slept_through_still_goes_off)
{
	struct machine *m = &self->m;

	put(m, 5, 0x06);
	put(m, 3, 0x30);
	put(m, 1, 0x00);
	put(m, B, H24 | AIE);
	fake_leap(m, 8 * 3600 * FAKE_NS);
	EXPECT_TRUE(m->irq[IRQ]);
	get(m, C);
	/* the same with a pause, for which only the wall clock moved */
	m->wall += 86400;
	get(m, 0);
	EXPECT_TRUE(m->irq[IRQ]);
	get(m, C);
	/* a week, of which one day will do, and a nonsense alarm */
	put(m, 5, 0x77);
	fake_leap(m, 7 * 86400 * FAKE_NS);
	EXPECT_FALSE(m->irq[IRQ]);
}

TEST_F(rtc, alarm_in_12_hour_mode)
{
	struct machine *m = &self->m;

	put(m, B, AIE);
	put(m, 5, 0x81);
	put(m, 3, 0x00);
	put(m, 1, 0x00);
	fake_run(m, 2 * FAKE_NS + 13 * 3600 * FAKE_NS - 1);
	EXPECT_FALSE(m->irq[IRQ]);
	fake_run(m, 1);
	EXPECT_TRUE(m->irq[IRQ]);
	EXPECT_EQ(get(m, 4), 0x81);
}

TEST_F(rtc, read_only_registers)
{
	struct machine *m = &self->m;

	put(m, C, 0xff);
	EXPECT_EQ(get(m, C), 0);
	put(m, D, 0);
	EXPECT_EQ(get(m, D), 0x80);
	/* the index port is for writing only, and bit 7 is the NMI's */
	fake_outb(m, INDEX, 0x80 | D);
	EXPECT_EQ(fake_inb(m, INDEX), 0xff);
	EXPECT_EQ(fake_inb(m, DATA), 0x80);
}

TEST_F(rtc, ram)
{
	struct machine *m = &self->m;
	unsigned int i;

	for (i = 0x0e; i < 0x80; i++)
		if (i != CENTURY)
			put(m, i, i ^ 0x5a);
	fake_run(m, 5 * FAKE_NS);
	fake_reset(m);
	for (i = 0x0e; i < 0x80; i++)
		if (i != CENTURY)
			EXPECT_EQ(get(m, i), (i ^ 0x5a));
	EXPECT_EQ(get(m, CENTURY), 0x20);
}

struct sizes {
	uint64_t memory;
	uint16_t extended;
	uint16_t above_16m;
	uint32_t above_4g;
};

TEST(rtc_memory_sizes)
{
	static const struct sizes rows[] = {
		{ 1ull << 20, 0, 0, 0 },
		{ 16ull << 20, 15 << 10, 0, 0 },
		{ 64ull << 20, 63 << 10, 48 << 4, 0 },
		{ 65ull << 20, 0xffff, 49 << 4, 0 },
		{ 3ull << 30, 0xffff, 3056 << 4, 0 },
		{ 4ull << 30, 0xffff, 3056 << 4, 1 << 14 },
		{ 1ull << 40, 0xffff, 3056 << 4, 1021 << 14 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct machine m = { .memory_size = rows[i].memory };

		ASSERT_TRUE(fake_create(&m, &rtc_class));
		EXPECT_EQ(get(&m, 0x15) | get(&m, 0x16) << 8, 640);
		EXPECT_EQ(get(&m, 0x17) | get(&m, 0x18) << 8,
			  rows[i].extended);
		EXPECT_EQ(get(&m, 0x30) | get(&m, 0x31) << 8,
			  rows[i].extended);
		EXPECT_EQ(get(&m, 0x34) | get(&m, 0x35) << 8,
			  rows[i].above_16m);
		EXPECT_EQ((uint32_t)(get(&m, 0x5b) | get(&m, 0x5c) << 8 |
				     get(&m, 0x5d) << 16),
			  rows[i].above_4g);
		fake_destroy(&m);
	}
}

TEST_F(rtc, reset_ends_interrupts_and_keeps_the_time)
{
	struct machine *m = &self->m;

	put(m, 4, 0x05);
	put(m, B, H24 | PIE | AIE | UIE);
	fake_run(m, FAKE_NS);
	EXPECT_TRUE(m->irq[IRQ]);
	fake_reset(m);
	EXPECT_FALSE(m->irq[IRQ]);
	EXPECT_EQ(get(m, B), H24);
	EXPECT_EQ(get(m, C), 0);
	EXPECT_EQ(stamp(m), 0x20320229055959);
}

TEST_F(rtc, wide_accesses_mean_the_low_byte)
{
	struct machine *m = &self->m;

	fake_out(m, INDEX, 2, 0xff00 | D);
	EXPECT_EQ(fake_in(m, DATA, 1), 0x80);
	EXPECT_EQ(fake_in(m, DATA, 2), 0xff80);
	EXPECT_EQ(fake_in(m, INDEX, 2), 0xffff);
	EXPECT_EQ(get(m, 2), 0x59);
}

TEST_HARNESS_MAIN
