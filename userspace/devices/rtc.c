// SPDX-License-Identifier: GPL-2.0
/*
 * An MC146818 real-time clock with its battery-backed RAM, ports 0x70 and
 * 0x71, IRQ 8.
 *
 * Its time is the host's wall clock (UTC) until the guest sets it, and a fixed
 * distance from that afterwards. Where the seconds begin follows from the
 * machine's clock. Nothing ticks unless an interrupt is enabled that has not
 * been raised yet: on each access the registers are brought up to now, and the
 * flags of register C for all that happened in between. A periodic interrupt
 * that the guest is too slow for is lost, as on the real clock.
 *
 * The guest may write nonsense (32 January, hour 0xff): it is carried over as
 * plain arithmetic into a date that exists. Day of the week is always that of
 * the date. Daylight saving and the square wave pin are not there.
 */
#include <stdlib.h>

#include "device.h"
#include "isa.h"

#define BIT(n)		(1u << (n))
#define NS		1000000000
#define CRYSTAL_HZ	32768
#define SECONDS_A_DAY	86400
#define MIB		(1ull << 20)
#define GIB		(1ull << 30)

#define RTC_INDEX	0x70
#define RTC_DATA	0x71
#define RTC_IRQ		8

/* How long UIP warns before the registers change. */
#define UIP_NS		244000
/* When the divider is let go, the first second is only half of one. */
#define HALF_SECOND	(NS / 2)

/* Where the machine's RAM goes on above 4 GiB: behind 3 GiB of it. */
#define LOW_RAM_LIMIT	(3 * GIB)

enum {
	REG_SECONDS,
	REG_SECONDS_ALARM,
	REG_MINUTES,
	REG_MINUTES_ALARM,
	REG_HOURS,
	REG_HOURS_ALARM,
	REG_WEEKDAY,		/* 1 is Sunday */
	REG_DAY,
	REG_MONTH,
	REG_YEAR,
	REG_A,
	REG_B,
	REG_C,
	REG_D,
	RAM_BASE_KIB = 0x15,		/* 2 bytes: KiB below 1 MiB */
	RAM_EXTENDED_KIB = 0x17,	/* 2 bytes: KiB above 1 MiB */
	RAM_EXTENDED_KIB_2 = 0x30,	/* the same, as the firmware found it */
	REG_CENTURY = 0x32,
	RAM_ABOVE_16M = 0x34,		/* 2 bytes: units of 64 KiB */
	RAM_ABOVE_4G = 0x5b,		/* 3 bytes: units of 64 KiB */
	RTC_SIZE = 128,
};

#define A_RATE		0x0f
#define A_DIVIDER	0x70
#define A_RUN		0x20	/* divider for the 32768 Hz crystal */
#define A_HOLD		0x60	/* with these two bits it is held in reset */
#define A_UIP		BIT(7)	/* an update is near; read only */

#define B_24H		BIT(1)
#define B_BINARY	BIT(2)
#define B_UPDATE_IRQ	BIT(4)
#define B_ALARM_IRQ	BIT(5)
#define B_PERIODIC_IRQ	BIT(6)
#define B_SET		BIT(7)	/* stop updates: the guest sets the time */

/* Register C; an enable bit of B stands where its flag stands here. */
#define C_UPDATE	BIT(4)
#define C_ALARM		BIT(5)
#define C_PERIODIC	BIT(6)
#define C_IRQ		BIT(7)
#define C_FLAGS		(C_UPDATE | C_ALARM | C_PERIODIC)

#define D_POWER_GOOD	BIT(7)

#define HOURS_PM	BIT(7)	/* in 12-hour mode */
#define ALARM_ANY	0xc0	/* an alarm byte with both bits fits always */

struct rtc {
	struct machine *m;
	bool irq;		/* as the PIC was last told */
	uint8_t index;
	uint8_t reg[RTC_SIZE];

	/* seconds since 1970 = @base + (machine_now() + @phase) / NS */
	int64_t base;
	uint64_t phase;
	int64_t wall_ahead;	/* of machine_now(), in seconds, when last seen */

	uint64_t seen;		/* the time up to which flags are raised */
};

struct date {
	int64_t year;
	int month;		/* 1 to 12 */
	int day;		/* 1 to 31 */
};

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static bool is_leap(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int month_days(int64_t year, int month)
{
	static const int days[] = {
		31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
	};

	return days[month - 1] + (month == 2 && is_leap(year));
}

/* Days from 1 January 1970 to 1 January of @year. */
static int64_t days_before_year(int64_t year)
{
	int64_t y = year - 1;

	return 365 * (year - 1970) + (floor_div(y, 4) - 492) -
	       (floor_div(y, 100) - 19) + (floor_div(y, 400) - 4);
}

static int64_t date_to_days(struct date date)
{
	int64_t days = days_before_year(date.year) + date.day - 1;
	int month;

	for (month = 1; month < date.month; month++)
		days += month_days(date.year, month);
	return days;
}

static struct date days_to_date(int64_t days)
{
	/* a first guess of the year is at most one too high or too low */
	struct date d = { .year = 1970 + floor_div(days * 400, 146097) };

	while (days < days_before_year(d.year))
		d.year--;
	while (days >= days_before_year(d.year + 1))
		d.year++;

	days -= days_before_year(d.year);
	for (d.month = 1; days >= month_days(d.year, d.month); d.month++)
		days -= month_days(d.year, d.month);
	d.day = days + 1;
	return d;
}

static uint8_t encode(const struct rtc *rtc, unsigned int n)
{
	if (rtc->reg[REG_B] & B_BINARY)
		return n;
	return n / 10 % 10 << 4 | n % 10;
}

static unsigned int decode(const struct rtc *rtc, uint8_t byte)
{
	if (rtc->reg[REG_B] & B_BINARY)
		return byte;
	return (byte >> 4) * 10 + (byte & 15);
}

static uint8_t encode_hour(const struct rtc *rtc, unsigned int hour)
{
	uint8_t pm = hour >= 12 ? HOURS_PM : 0;

	if (rtc->reg[REG_B] & B_24H)
		return encode(rtc, hour);
	return encode(rtc, hour % 12 ? hour % 12 : 12) | pm;
}

static unsigned int decode_hour(const struct rtc *rtc, uint8_t byte)
{
	if (rtc->reg[REG_B] & B_24H)
		return decode(rtc, byte);
	return decode(rtc, byte & ~HOURS_PM) % 12 + (byte & HOURS_PM ? 12 : 0);
}

/* Write the time @seconds into the time registers. */
static void show(struct rtc *rtc, int64_t seconds)
{
	int64_t days = floor_div(seconds, SECONDS_A_DAY);
	unsigned int second = seconds - days * SECONDS_A_DAY;
	struct date date = days_to_date(days);
	int64_t century = floor_div(date.year, 100);

	rtc->reg[REG_SECONDS] = encode(rtc, second % 60);
	rtc->reg[REG_MINUTES] = encode(rtc, second / 60 % 60);
	rtc->reg[REG_HOURS] = encode_hour(rtc, second / 3600);
	/* 1 January 1970 was a Thursday */
	rtc->reg[REG_WEEKDAY] = 1 + (days + 4 - 7 * floor_div(days + 4, 7));
	rtc->reg[REG_DAY] = encode(rtc, date.day);
	rtc->reg[REG_MONTH] = encode(rtc, date.month);
	rtc->reg[REG_YEAR] = encode(rtc, date.year - 100 * century);
	rtc->reg[REG_CENTURY] = encode(rtc, century);
}

/* The time that stands in the time registers. */
static int64_t shown(const struct rtc *rtc)
{
	const uint8_t *reg = rtc->reg;
	unsigned int month = decode(rtc, reg[REG_MONTH]);
	struct date date = {
		.year = 100 * decode(rtc, reg[REG_CENTURY]) +
			decode(rtc, reg[REG_YEAR]),
		.month = month < 1 ? 1 : month > 12 ? 12 : month,
		.day = decode(rtc, reg[REG_DAY]),
	};

	return date_to_days(date) * SECONDS_A_DAY +
	       decode_hour(rtc, reg[REG_HOURS]) * 3600 +
	       decode(rtc, reg[REG_MINUTES]) * 60 +
	       decode(rtc, reg[REG_SECONDS]);
}

/* Is the divider chain held in reset, so that nothing happens at all? */
static bool held(const struct rtc *rtc)
{
	return (rtc->reg[REG_A] & A_HOLD) == A_HOLD;
}

/* Do the registers stand still? */
static bool stopped(const struct rtc *rtc)
{
	return held(rtc) || (rtc->reg[REG_B] & B_SET);
}

/* Let the clock go on from what stands in its registers. */
static void adopt(struct rtc *rtc, uint64_t now)
{
	rtc->base = shown(rtc) - (now + rtc->phase) / NS;
}

/* Ticks of the crystal between two periodic interrupts, or 0 for none. */
static uint32_t period(const struct rtc *rtc)
{
	unsigned int rate = rtc->reg[REG_A] & A_RATE;

	if (!rate)
		return 0;
	/* the two fastest rates of this crystal are those of 8 and 9 */
	return 1 << (rate < 3 ? rate + 6 : rate - 1);
}

/* Ticks of the crystal until @t, which has the phase in it. */
static uint64_t crystal(uint64_t t)
{
	return t / NS * CRYSTAL_HZ + t % NS * CRYSTAL_HZ / NS;
}

static uint64_t crystal_to_ns(uint64_t ticks)
{
	return ticks / CRYSTAL_HZ * NS +
	       (ticks % CRYSTAL_HZ * NS + CRYSTAL_HZ - 1) / CRYSTAL_HZ;
}

static bool alarm_byte_fits(uint8_t alarm, uint8_t time)
{
	return (alarm & ALARM_ANY) == ALARM_ANY || alarm == time;
}

/* Does the alarm go off at the second of the day @second? */
static bool alarm_fits(const struct rtc *rtc, unsigned int second)
{
	const uint8_t *reg = rtc->reg;

	return alarm_byte_fits(reg[REG_SECONDS_ALARM],
			       encode(rtc, second % 60)) &&
	       alarm_byte_fits(reg[REG_MINUTES_ALARM],
			       encode(rtc, second / 60 % 60)) &&
	       alarm_byte_fits(reg[REG_HOURS_ALARM],
			       encode_hour(rtc, second / 3600));
}

/* Raise the flags for the updates of @count seconds up to @last. */
static void seconds_pass(struct rtc *rtc, int64_t last, uint64_t count)
{
	int64_t midnight = floor_div(last, SECONDS_A_DAY) * SECONDS_A_DAY;
	unsigned int second = last - midnight;

	rtc->reg[REG_C] |= C_UPDATE;
	if (count > SECONDS_A_DAY)
		count = SECONDS_A_DAY;
	while (count-- && !(rtc->reg[REG_C] & C_ALARM)) {
		if (alarm_fits(rtc, second))
			rtc->reg[REG_C] |= C_ALARM;
		second = (second ? second : SECONDS_A_DAY) - 1;
	}
}

static void update_irq(struct rtc *rtc)
{
	bool irq = rtc->reg[REG_C] & rtc->reg[REG_B] & C_FLAGS;

	if (irq)
		rtc->reg[REG_C] |= C_IRQ;
	else
		rtc->reg[REG_C] &= ~C_IRQ;

	if (irq != rtc->irq) {
		rtc->irq = irq;
		machine_set_irq(rtc->m, RTC_IRQ, irq);
	}
}

/*
 * The two clocks of the host need not agree: one stands still while the machine
 * is paused, and the other is set now and then. Follow the wall clock, but not
 * within a second, which is all the precision that it has here.
 */
static void follow_wall_clock(struct rtc *rtc, uint64_t now)
{
	int64_t ahead = machine_wall_clock(rtc->m) - (int64_t)(now / NS);
	int64_t moved = ahead - rtc->wall_ahead;

	if (moved >= -1 && moved <= 1)
		return;
	rtc->wall_ahead = ahead;
	rtc->base += moved;
}

/* Bring registers and flags up to @now. */
static void sync(struct rtc *rtc, uint64_t now)
{
	uint64_t from = rtc->seen + rtc->phase;
	uint64_t to = now + rtc->phase;
	int64_t before = rtc->base + from / NS;
	uint32_t p = period(rtc);
	int64_t after;

	if (now < rtc->seen)
		return;
	follow_wall_clock(rtc, now);
	rtc->seen = now;
	after = rtc->base + to / NS;

	if (!held(rtc) && p && crystal(from) / p != crystal(to) / p)
		rtc->reg[REG_C] |= C_PERIODIC;
	if (!stopped(rtc)) {
		if (after > before)
			seconds_pass(rtc, after, after - before);
		show(rtc, after);
	}
	update_irq(rtc);
}

/* The next time at which sync() may have an enabled interrupt to raise. */
static uint64_t rtc_tick(void *dev, uint64_t now)
{
	struct rtc *rtc = dev;
	uint64_t next = NO_DEADLINE;
	uint8_t missing;
	uint64_t t;

	sync(rtc, now);
	t = rtc->seen + rtc->phase;
	missing = rtc->reg[REG_B] & ~rtc->reg[REG_C];

	if (!stopped(rtc) && (missing & (B_UPDATE_IRQ | B_ALARM_IRQ)))
		next = (t / NS + 1) * NS - rtc->phase;
	if (!held(rtc) && period(rtc) && (missing & B_PERIODIC_IRQ)) {
		uint64_t p = period(rtc);
		uint64_t when = crystal_to_ns((crystal(t) / p + 1) * p) -
				rtc->phase;

		if (when < next)
			next = when;
	}
	return next;
}

static void write_a(struct rtc *rtc, uint8_t value, uint64_t now)
{
	bool was_stopped = stopped(rtc);
	bool was_held = held(rtc);

	rtc->reg[REG_A] = value & ~A_UIP;
	if (was_held && !held(rtc))
		rtc->phase = (NS - now % NS + HALF_SECOND) % NS;
	if (was_stopped && !stopped(rtc))
		adopt(rtc, now);
}

static void write_b(struct rtc *rtc, uint8_t value, uint64_t now)
{
	bool was_stopped = stopped(rtc);

	/* the time would change under the interrupt's feet */
	if (value & B_SET)
		value &= ~B_UPDATE_IRQ;
	rtc->reg[REG_B] = value;
	if (was_stopped && !stopped(rtc))
		adopt(rtc, now);
	else if (!stopped(rtc))
		show(rtc, rtc->base + (now + rtc->phase) / NS);
}

static void write_register(struct rtc *rtc, uint8_t value, uint64_t now)
{
	switch (rtc->index) {
	case REG_A:
		write_a(rtc, value, now);
		break;
	case REG_B:
		write_b(rtc, value, now);
		break;
	case REG_C:
	case REG_D:
		break;		/* read only */
	case REG_SECONDS:
	case REG_MINUTES:
	case REG_HOURS:
	case REG_DAY:
	case REG_MONTH:
	case REG_YEAR:
	case REG_CENTURY:
		rtc->reg[rtc->index] = value;
		if (!stopped(rtc))
			adopt(rtc, now);
		break;
	default:
		rtc->reg[rtc->index] = value;
		break;
	}
	update_irq(rtc);
}

static uint8_t read_a(const struct rtc *rtc, uint64_t now)
{
	uint64_t left = NS - (now + rtc->phase) % NS;
	bool soon = !stopped(rtc) && left <= UIP_NS;

	return rtc->reg[REG_A] | (soon ? A_UIP : 0);
}

static uint8_t read_register(struct rtc *rtc, uint64_t now)
{
	uint8_t value = rtc->reg[rtc->index];

	if (rtc->index == REG_A)
		return read_a(rtc, now);
	if (rtc->index == REG_C) {
		rtc->reg[REG_C] = 0;
		update_irq(rtc);
	}
	return value;
}

static const struct port_range rtc_ports[] = {
	{ RTC_INDEX, RTC_DATA }, { 0, 0 }
};

static uint32_t rtc_in(void *dev, uint16_t port, unsigned int size)
{
	struct rtc *rtc = dev;
	uint64_t now = machine_now(rtc->m);

	/* the index cannot be read */
	if (port == RTC_INDEX)
		return isa_byte(0xff, size);

	sync(rtc, now);
	return isa_byte(read_register(rtc, now), size);
}

static void rtc_out(void *dev, uint16_t port, unsigned int size, uint32_t value)
{
	struct rtc *rtc = dev;
	uint64_t now = machine_now(rtc->m);

	(void)size;
	if (port == RTC_INDEX) {
		/* bit 7 masks the NMI, which this machine does not have */
		rtc->index = value & (RTC_SIZE - 1);
		return;
	}

	sync(rtc, now);
	write_register(rtc, value, now);
}

static void put_number(struct rtc *rtc, unsigned int reg, unsigned int bytes,
		       uint64_t n)
{
	uint64_t most = (1ull << 8 * bytes) - 1;

	if (n > most)
		n = most;
	for (; bytes--; n >>= 8)
		rtc->reg[reg++] = n;
}

/* Tell the size of memory, as firmware would have done by now. */
static void put_memory_size(struct rtc *rtc)
{
	uint64_t size = machine_memory_size(rtc->m);
	uint64_t low = size < LOW_RAM_LIMIT ? size : LOW_RAM_LIMIT;
	uint64_t extended = low > MIB ? low - MIB : 0;
	uint64_t above_16m = low > 16 * MIB ? low - 16 * MIB : 0;

	put_number(rtc, RAM_BASE_KIB, 2, 640);
	put_number(rtc, RAM_EXTENDED_KIB, 2, extended >> 10);
	put_number(rtc, RAM_EXTENDED_KIB_2, 2, extended >> 10);
	put_number(rtc, RAM_ABOVE_16M, 2, above_16m >> 16);
	put_number(rtc, RAM_ABOVE_4G, 3, (size - low) >> 16);
}

/* The battery keeps the time and the RAM; only interrupts end. */
static void rtc_reset(void *dev)
{
	struct rtc *rtc = dev;

	sync(rtc, machine_now(rtc->m));
	rtc->reg[REG_B] &= ~(B_PERIODIC_IRQ | B_ALARM_IRQ | B_UPDATE_IRQ);
	rtc->reg[REG_C] = 0;
	update_irq(rtc);
}

static void *rtc_create(struct machine *m)
{
	struct rtc *rtc = calloc(1, sizeof(*rtc));

	if (!rtc)
		return NULL;
	rtc->m = m;
	rtc->seen = machine_now(m);
	rtc->base = machine_wall_clock(m) - (int64_t)(rtc->seen / NS);
	rtc->wall_ahead = rtc->base;
	/* 1024 Hz, as firmware leaves it, with no interrupt enabled */
	rtc->reg[REG_A] = A_RUN | 6;
	rtc->reg[REG_B] = B_24H;
	rtc->reg[REG_D] = D_POWER_GOOD;
	put_memory_size(rtc);
	show(rtc, rtc->base + rtc->seen / NS);
	return rtc;
}

const struct device_class rtc_class = {
	.name = "rtc",
	.ports = rtc_ports,
	.create = rtc_create,
	.destroy = free,
	.reset = rtc_reset,
	.in = rtc_in,
	.out = rtc_out,
	.tick = rtc_tick,
};
