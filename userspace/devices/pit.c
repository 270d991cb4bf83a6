// SPDX-License-Identifier: GPL-2.0
/*
 * An 8254 interval timer, ports 0x40 to 0x43, and port 0x61 beside it.
 *
 * Nothing here counts. A channel remembers at which tick of the 1.19 MHz clock
 * its count was loaded, and what the counter and its output are now follows
 * from the machine's time. Only a load that is still to come (the end of a
 * period, the next tick after a write) waits in @load_at until sync() finds it
 * passed.
 *
 * Channel 0's output is IRQ 0. Each rising edge that ends a count is delivered
 * by a tick of the machine, as a short low and then high; the PIC cares for
 * edges only, so it sees no other low than that of mode 0, and programming a
 * channel that was low to be high makes no edge. Edges stay on the grid that the
 * count defines, however late the host delivers one. It makes up for lost time
 * at twice the rate with at most MAX_BACKLOG edges, forgets those before, and
 * never delivers two within MIN_GAP, so that neither a long pause of the host
 * nor a count of 2 becomes a storm.
 *
 * Channel 1 refreshed memory once and does nothing today. Channel 2 is the
 * speaker's: port 0x61 holds its gate and shows its output, which is how Linux
 * measures the frequency of the TSC. There is no speaker.
 */
#include <stdlib.h>

#include "device.h"
#include "isa.h"

#define BIT(n)		(1u << (n))
#define CLOCK_HZ	1193182
#define NS		1000000000
#define NEVER		INT64_MAX

#define IRQ		0
#define MAX_BACKLOG	8
#define MIN_GAP		119	/* clock ticks: 100 us */
#define REFRESH		18	/* clock ticks that port 0x61's bit 4 lasts */

#define PIT_CONTROL	0x43
#define PIT_PORT_B	0x61

/* The control word, and (bits 5:0) a channel's status */
#define CTL_BCD		BIT(0)
#define CTL_MODE(v)	((v) >> 1 & 7)
#define CTL_ACCESS(v)	((v) >> 4 & 3)
#define CTL_CHANNEL(v)	((v) >> 6)
#define CTL_READ_BACK	3	/* as a channel */

#define ACCESS_LATCH	0	/* no access mode but a command */
#define ACCESS_LOW	1
#define ACCESS_HIGH	2
#define ACCESS_BOTH	3	/* low byte first */

/* The read-back command; the first two are active low */
#define BACK_NO_COUNT	BIT(5)
#define BACK_NO_STATUS	BIT(4)
#define BACK_CHANNEL(n)	BIT(1 + (n))

#define STATUS_OUT	BIT(7)
#define STATUS_NULL	BIT(6)	/* the count written is not loaded yet */

#define PORT_B_GATE	BIT(0)
#define PORT_B_WRITABLE	0x0f
#define PORT_B_REFRESH	BIT(4)
#define PORT_B_OUT	BIT(5)

enum mode {
	TERMINAL_COUNT,		/* low until the count is over */
	ONE_SHOT,		/* the same, but a gate's edge starts it */
	RATE,			/* low for the last tick of each period */
	SQUARE,			/* high for half of each period */
	SOFT_STROBE,		/* low for a tick when the count is over */
	HARD_STROBE,		/* the same, but a gate's edge starts it */
};

struct channel {
	uint8_t control;	/* as written */
	enum mode mode;
	bool gate;

	uint32_t count;		/* to be loaded next; 0: none written yet */
	bool null;		/* @count was not loaded yet */
	int64_t load_at;	/* tick of the next load, or NEVER */
	bool load_low;		/* it begins a square wave's low half */

	bool loaded;		/* @initial and @start mean something */
	uint32_t initial;	/* the count last loaded */
	int64_t start;		/* the tick at which it was */
	int64_t held;		/* ticks since, when the gate stopped it */

	bool high_next;		/* the low byte was written, or read */
	bool read_high;
	uint8_t low;		/* that low byte */
	bool count_latched;
	bool status_latched;
	uint16_t latch;
	uint8_t status;
};

struct pit {
	struct machine *m;
	struct channel channel[3];
	uint8_t port_b;

	bool irq;		/* as the PIC was last told */
	int64_t edge_next;	/* channel 0's next edge to deliver, or NEVER */
	int64_t edge_last;	/* when the last one was */
};

/* Whole ticks that have passed by the time @ns, and the time when they have. */
static int64_t ns_to_ticks(uint64_t ns)
{
	return ns / NS * CLOCK_HZ + ns % NS * CLOCK_HZ / NS;
}

static uint64_t ticks_to_ns(int64_t ticks)
{
	uint64_t rest = ticks % CLOCK_HZ;

	return (uint64_t)(ticks / CLOCK_HZ) * NS +
	       (rest * NS + CLOCK_HZ - 1) / CLOCK_HZ;
}

static bool periodic(const struct channel *c)
{
	return c->mode == RATE || c->mode == SQUARE;
}

/* Does a low gate stop the counter? Otherwise only the gate's edge counts. */
static bool gate_stops(const struct channel *c)
{
	return c->mode != ONE_SHOT && c->mode != HARD_STROBE;
}

/* Ticks of the square wave's high half. */
static int64_t high_half(uint32_t initial)
{
	return (initial + 1) / 2;
}

/* Do the load that has become due by the tick @t. */
static void sync(struct channel *c, int64_t t)
{
	if (t < c->load_at)
		return;

	c->start = c->load_at;
	if (c->load_low)
		c->start -= high_half(c->count);
	c->initial = c->count;
	c->held = 0;
	c->loaded = true;
	c->null = false;
	c->load_at = NEVER;
	c->load_low = false;
}

/* Ticks since the load, those not counted that the gate held back. */
static int64_t elapsed(const struct channel *c, int64_t t)
{
	return gate_stops(c) && !c->gate ? c->held : t - c->start;
}

static bool output(const struct channel *c, int64_t t)
{
	int64_t e = elapsed(c, t);

	if (!c->loaded)
		return c->mode != TERMINAL_COUNT;

	switch (c->mode) {
	case TERMINAL_COUNT:
	case ONE_SHOT:
		return e >= c->initial;
	case RATE:
		return !c->gate || e % c->initial != c->initial - 1;
	case SQUARE:
		return !c->gate || e % c->initial < high_half(c->initial);
	default:
		return e != c->initial;
	}
}

/* The counter wraps behind zero, so its size is also the largest count. */
static uint32_t count_size(const struct channel *c)
{
	return c->control & CTL_BCD ? 10000 : 0x10000;
}

static uint16_t to_bcd(uint32_t n)
{
	return n % 10 | n / 10 % 10 << 4 | n / 100 % 10 << 8 |
	       n / 1000 % 10 << 12;
}

static uint32_t from_bcd(uint16_t n)
{
	return (n & 15) + (n >> 4 & 15) * 10 + (n >> 8 & 15) * 100 +
	       (n >> 12) * 1000;
}

/* The counting element as the CPU reads it. */
static uint16_t counter(const struct channel *c, int64_t t)
{
	uint32_t size = count_size(c);
	int64_t e = elapsed(c, t);
	int64_t n;

	/* the datasheet does not say: show what will be loaded */
	if (!c->loaded)
		n = c->count;
	else if (c->mode == RATE)
		n = c->initial - e % c->initial;
	else if (c->mode == SQUARE)
		/* by twos, from an even number, once in each half */
		n = (c->initial & ~1) -
		    2 * (e % c->initial % high_half(c->initial));
	else
		n = size + ((int64_t)c->initial - e) % size;

	return c->control & CTL_BCD ? to_bcd(n) : n;
}

/* The first rising edge of the loaded count behind the tick @t, or NEVER. */
static int64_t next_edge(const struct channel *c, int64_t t)
{
	int64_t edge = c->start;

	if (!c->loaded)
		return NEVER;

	switch (c->mode) {
	case TERMINAL_COUNT:
		edge += c->initial;
		break;
	case SOFT_STROBE:
		edge += c->initial + 1;
		break;
	case RATE:
	case SQUARE:
		edge += c->initial;
		if (edge <= t)
			edge += ((t - edge) / c->initial + 1) * c->initial;
		break;
	default:
		return NEVER;	/* nobody moves channel 0's gate */
	}
	return edge > t ? edge : NEVER;
}

/* Bring a channel up to now. Channel 0's next edge may change with a load. */
static void sync_channel(struct pit *pit, struct channel *c, int64_t t)
{
	int64_t load_at = c->load_at;

	sync(c, t);
	if (c != pit->channel || c->load_at == load_at)
		return;

	/* one edge settles what is owed of the old count */
	if (pit->edge_next > load_at)
		pit->edge_next = next_edge(c, load_at);
}

static int64_t now_ticks(const struct pit *pit)
{
	return ns_to_ticks(machine_now(pit->m));
}

static void drive_irq(struct pit *pit, bool level)
{
	if (level != pit->irq) {
		pit->irq = level;
		machine_set_irq(pit->m, IRQ, level);
	}
}

/* When to deliver the next edge: on the grid, but not too near to the last. */
static int64_t edge_due(const struct pit *pit)
{
	const struct channel *c = pit->channel;
	int64_t gap = MIN_GAP;

	if (pit->edge_next == NEVER)
		return NEVER;
	if (periodic(c) && c->initial / 2 > gap)
		gap = c->initial / 2;
	if (pit->edge_next < pit->edge_last + gap)
		return pit->edge_last + gap;
	return pit->edge_next;
}

static void deliver_edge(struct pit *pit, int64_t t)
{
	const struct channel *c = pit->channel;
	int64_t behind;

	drive_irq(pit, false);
	drive_irq(pit, true);

	pit->edge_last = t;
	pit->edge_next = next_edge(c, pit->edge_next);
	if (pit->edge_next == NEVER || !periodic(c))
		return;

	/* from here whole periods are left out, never parts of one */
	behind = (t - pit->edge_next) / c->initial + 1;
	if (behind > MAX_BACKLOG)
		pit->edge_next += (behind - MAX_BACKLOG) * c->initial;
}

static uint64_t pit_tick(void *dev, uint64_t now)
{
	struct pit *pit = dev;
	struct channel *c = pit->channel;
	int64_t t = ns_to_ticks(now);
	int64_t due;

	sync_channel(pit, c, t);
	if (t >= edge_due(pit))
		deliver_edge(pit, t);

	due = edge_due(pit);
	if (c->load_at < due)
		due = c->load_at;
	return due == NEVER ? NO_DEADLINE : ticks_to_ns(due);
}

/* The old count makes no more edges, and mode 0 begins low. */
static void forget_edges(struct pit *pit)
{
	pit->edge_next = NEVER;
	if (pit->channel[0].mode == TERMINAL_COUNT)
		drive_irq(pit, false);
}

/* A rising gate: let the counter go on, or begin again. */
static void gate_rises(struct channel *c, int64_t t)
{
	c->gate = true;
	if (c->mode == TERMINAL_COUNT || c->mode == SOFT_STROBE)
		c->start = t - c->held;
	else if (c->count)
		c->load_at = t + 1;
}

static void gate_falls(struct channel *c, int64_t t)
{
	c->held = t - c->start;
	c->gate = false;
	/* a periodic mode waits for the gate to rise and loads then */
	if (periodic(c)) {
		c->load_at = NEVER;
		c->load_low = false;
	}
}

static void write_control(struct pit *pit, struct channel *c, uint8_t value)
{
	/* modes 6 and 7 are 2 and 3 */
	unsigned int mode = CTL_MODE(value) & (CTL_MODE(value) & 2 ? 3 : 7);

	*c = (struct channel){
		.control = value & 0x3f,
		.mode = mode,
		.gate = c->gate,
		.null = true,
		.load_at = NEVER,
	};
	if (c == pit->channel)
		forget_edges(pit);
}

/* When, and into which half, a count written at @t is to be loaded. */
static int64_t load_time(struct channel *c, int64_t t)
{
	int64_t period, into;

	switch (c->mode) {
	case TERMINAL_COUNT:
	case SOFT_STROBE:
		return t + 1;
	case ONE_SHOT:
	case HARD_STROBE:
		/* a trigger just before takes the new count with it */
		return c->load_at;
	default:
		break;
	}

	if (!c->gate)
		return NEVER;
	if (!c->loaded)
		return t + 1;
	if (c->load_at != NEVER)
		return c->load_at;

	/* let the period end, a square wave's half of it */
	period = c->initial;
	into = (t - c->start) % period;
	if (c->mode == SQUARE && into < high_half(period)) {
		period = high_half(period);
		c->load_low = true;
	}
	return t - into + period;
}

static void write_whole_count(struct channel *c, uint16_t value, int64_t t)
{
	uint32_t count = c->control & CTL_BCD ? from_bcd(value) : value;

	if (!count)
		count = count_size(c);
	/* the datasheet forbids 1 here: make it the shortest period */
	if (periodic(c) && count == 1)
		count = 2;
	c->load_at = load_time(c, t);
	c->count = count;
	c->null = true;
}

/* In mode 0 any write stops the old count and lowers the output. */
static void stop_old_count(struct pit *pit, struct channel *c)
{
	if (c->mode != TERMINAL_COUNT)
		return;

	c->loaded = false;
	c->load_at = NEVER;
	if (c == pit->channel)
		forget_edges(pit);
}

static void write_count(struct pit *pit, struct channel *c, uint8_t value,
			int64_t t)
{
	stop_old_count(pit, c);

	switch (CTL_ACCESS(c->control)) {
	case ACCESS_LOW:
		write_whole_count(c, value, t);
		break;
	case ACCESS_HIGH:
		write_whole_count(c, value << 8, t);
		break;
	case ACCESS_BOTH:
		if (c->high_next)
			write_whole_count(c, value << 8 | c->low, t);
		else
			c->low = value;
		c->high_next = !c->high_next;
		break;
	}
}

static void latch_count(struct channel *c, int64_t t)
{
	/* keep the first until it is read */
	if (c->count_latched)
		return;
	c->latch = counter(c, t);
	c->count_latched = true;
}

static void latch_status(struct channel *c, int64_t t)
{
	if (c->status_latched)
		return;
	c->status = c->control;
	if (output(c, t))
		c->status |= STATUS_OUT;
	if (c->null)
		c->status |= STATUS_NULL;
	c->status_latched = true;
}

static void read_back(struct pit *pit, uint8_t value, int64_t t)
{
	unsigned int i;

	for (i = 0; i < 3; i++) {
		struct channel *c = &pit->channel[i];

		if (!(value & BACK_CHANNEL(i)))
			continue;
		if (!(value & BACK_NO_COUNT))
			latch_count(c, t);
		if (!(value & BACK_NO_STATUS))
			latch_status(c, t);
	}
}

static void write_command(struct pit *pit, uint8_t value, int64_t t)
{
	struct channel *c;

	if (CTL_CHANNEL(value) == CTL_READ_BACK) {
		read_back(pit, value, t);
		return;
	}

	c = &pit->channel[CTL_CHANNEL(value)];
	if (CTL_ACCESS(value) == ACCESS_LATCH)
		latch_count(c, t);
	else
		write_control(pit, c, value);
}

static uint8_t read_count(struct channel *c, int64_t t)
{
	uint16_t count = c->count_latched ? c->latch : counter(c, t);
	unsigned int access = CTL_ACCESS(c->control);
	bool high = access == ACCESS_HIGH || c->read_high;

	if (c->status_latched) {
		c->status_latched = false;
		return c->status;
	}

	if (access == ACCESS_BOTH)
		c->read_high = !c->read_high;
	if (!c->read_high)
		c->count_latched = false;
	return high ? count >> 8 : count & 0xff;
}

static uint8_t read_port_b(struct pit *pit, int64_t t)
{
	uint8_t value = pit->port_b;

	if (t / REFRESH & 1)
		value |= PORT_B_REFRESH;
	if (output(&pit->channel[2], t))
		value |= PORT_B_OUT;
	return value;
}

static void write_port_b(struct pit *pit, uint8_t value, int64_t t)
{
	struct channel *c = &pit->channel[2];
	bool gate = value & PORT_B_GATE;

	pit->port_b = value & PORT_B_WRITABLE;
	if (gate && !c->gate)
		gate_rises(c, t);
	else if (!gate && c->gate)
		gate_falls(c, t);
}

static const struct port_range pit_ports[] = {
	{ 0x40, 0x43 }, { PIT_PORT_B, PIT_PORT_B }, { 0, 0 }
};

static int64_t sync_all(struct pit *pit)
{
	int64_t t = now_ticks(pit);
	unsigned int i;

	for (i = 0; i < 3; i++)
		sync_channel(pit, &pit->channel[i], t);
	return t;
}

static uint32_t pit_in(void *dev, uint16_t port, unsigned int size)
{
	struct pit *pit = dev;
	int64_t t = sync_all(pit);
	uint8_t value = 0xff;	/* the control port cannot be read */

	if (port == PIT_PORT_B)
		value = read_port_b(pit, t);
	else if (port != PIT_CONTROL)
		value = read_count(&pit->channel[port & 3], t);
	return isa_byte(value, size);
}

static void pit_out(void *dev, uint16_t port, unsigned int size, uint32_t value)
{
	struct pit *pit = dev;
	int64_t t = sync_all(pit);

	(void)size;
	if (port == PIT_PORT_B)
		write_port_b(pit, value, t);
	else if (port == PIT_CONTROL)
		write_command(pit, value, t);
	else
		write_count(pit, &pit->channel[port & 3], value, t);
}

/* The datasheet leaves this state open. Let nothing count until it is told. */
static void power_on(struct pit *pit)
{
	unsigned int i;

	*pit = (struct pit){
		.m = pit->m,
		.irq = pit->irq,
		.edge_next = NEVER,
	};
	for (i = 0; i < 3; i++)
		pit->channel[i] = (struct channel){
			.control = ACCESS_BOTH << 4 | SQUARE << 1,
			.mode = SQUARE,
			.gate = i != 2,
			.null = true,
			.load_at = NEVER,
		};
}

static void pit_reset(void *dev)
{
	struct pit *pit = dev;

	power_on(pit);
	drive_irq(pit, false);
}

static void *pit_create(struct machine *m)
{
	struct pit *pit = calloc(1, sizeof(*pit));

	if (!pit)
		return NULL;
	pit->m = m;
	power_on(pit);
	return pit;
}

const struct device_class pit_class = {
	.name = "pit",
	.ports = pit_ports,
	.create = pit_create,
	.destroy = free,
	.reset = pit_reset,
	.in = pit_in,
	.out = pit_out,
	.tick = pit_tick,
};
