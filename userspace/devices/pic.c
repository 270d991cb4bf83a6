// SPDX-License-Identifier: GPL-2.0
/*
 * Two 8259A interrupt controllers, wired as in a PC: the slave's INT output is
 * the master's input 2, the master's is the CPU's INTR. The edge/level control
 * registers (ELCR) of the later chipsets stand beside them.
 *
 * An input's request bit (IRR) follows the datasheet: a rising edge sets it,
 * an acknowledge clears it, and so does the input going low, in edge mode too.
 * A request that goes away between INTR and INTA is answered with input 7's
 * vector and nothing in service: the spurious interrupt. If it was one of the
 * slave's, the master's request for it is gone as well, so it is the master
 * that answers: a spurious 15 would take a change in the middle of INTA.
 *
 * A chip that was never initialized requests nothing, for it has no vectors
 * yet, but its mask register answers: operating systems probe with it. Neither
 * does one in the middle of its initialization.
 *
 * Always in 8086 mode: the CALL sequence of the 8080 has no meaning here.
 */
#include <stdlib.h>

#include "device.h"
#include "isa.h"

#define BIT(n)		(1u << (n))
#define CASCADE		2	/* the master's input that the slave drives */
#define SPURIOUS	7

/* ICW1; a write to the command port with ICW1_START set is one */
#define ICW1_ICW4	BIT(0)	/* ICW4 will come */
#define ICW1_SINGLE	BIT(1)	/* no cascade, no ICW3 */
#define ICW1_LTIM	BIT(3)	/* all inputs level-triggered */
#define ICW1_START	BIT(4)

#define ICW4_AUTO_EOI	BIT(1)
#define ICW4_NESTED	BIT(4)	/* special fully nested mode */

/* OCW2: a command in bits 7:5, an input in bits 2:0 */
#define OCW2_EOI	BIT(5)
#define OCW2_SPECIFIC	BIT(6)
#define OCW2_ROTATE	BIT(7)
#define OCW2_INPUT	7

/* OCW3; a command with this bit and not ICW1_START is one, else OCW2 */
#define OCW3		BIT(3)
#define OCW3_READ_ISR	BIT(0)
#define OCW3_READ	BIT(1)	/* OCW3_READ_ISR is meant */
#define OCW3_POLL	BIT(2)
#define OCW3_MASK	BIT(5)
#define OCW3_SET_MASK	BIT(6)	/* OCW3_MASK is meant */

/* The initialization word that the data port waits for. */
enum init_step {
	NEVER_INIT,
	WANT_ICW2,
	WANT_ICW3,
	WANT_ICW4,
	READY,
};

struct chip {
	enum init_step step;
	uint8_t icw1;
	bool is_slave;
	uint8_t slaves;		/* a master's ICW3: its inputs with a slave */
	uint8_t base;		/* vector of input 0 */

	uint8_t lines;		/* the inputs as they are now */
	uint8_t elcr;
	uint8_t irr;
	uint8_t isr;
	uint8_t imr;
	uint8_t lowest;		/* the input of lowest priority */

	bool auto_eoi;
	bool rotate_auto_eoi;
	bool nested;
	bool special_mask;
	bool read_isr;
	bool poll;		/* the next read is a poll */
};

struct pic {
	struct machine *m;
	struct chip master;
	struct chip slave;
	bool intr;
};

static uint8_t level_triggered(const struct chip *c)
{
	return c->icw1 & ICW1_LTIM ? 0xff : c->elcr;
}

static void set_line(struct chip *c, unsigned int line, bool level)
{
	uint8_t bit = BIT(line);
	bool rises = level && !(c->lines & bit);

	if (!level) {
		c->lines &= ~bit;
		c->irr &= ~bit;
	} else {
		c->lines |= bit;
		if (rises || (level_triggered(c) & bit))
			c->irr |= bit;
	}
}

/* Make level-triggered requests agree with their inputs again. */
static void sample_levels(struct chip *c)
{
	uint8_t level = level_triggered(c);

	c->irr = (c->irr & ~level) | (c->lines & level);
}

/* What is in service and keeps others waiting. */
static uint8_t blocking(const struct chip *c)
{
	return c->special_mask ? c->isr & ~c->imr : c->isr;
}

/* The input whose request INT stands for, or -1 if there is none. */
static int highest_request(const struct chip *c)
{
	uint8_t pending = c->irr & ~c->imr;
	int i;

	if (c->step != READY)
		return -1;

	for (i = 1; i <= 8; i++) {
		int line = (c->lowest + i) & 7;
		uint8_t bit = BIT(line);
		/* let a slave interrupt its own lower inputs */
		bool through = c->nested && (c->slaves & bit);

		if ((blocking(c) & bit) && !(through && (pending & bit)))
			return -1;
		if (pending & bit)
			return line;
	}
	return -1;
}

/* One chip's part of INTA: the input now in service, or -1 if it is spurious. */
static int acknowledge(struct chip *c)
{
	int line = highest_request(c);

	if (line < 0)
		return -1;

	if (!(level_triggered(c) & BIT(line)))
		c->irr &= ~BIT(line);
	if (!c->auto_eoi)
		c->isr |= BIT(line);
	else if (c->rotate_auto_eoi)
		c->lowest = line;
	return line;
}

/* An acknowledge drops INT for a moment, which the master sees as an edge. */
static int acknowledge_slave(struct pic *pic)
{
	set_line(&pic->master, CASCADE, false);
	return acknowledge(&pic->slave);
}

/* Carry a change of either chip to the outputs. */
static void update(struct pic *pic)
{
	bool intr;

	set_line(&pic->master, CASCADE, highest_request(&pic->slave) >= 0);

	intr = highest_request(&pic->master) >= 0;
	if (intr != pic->intr) {
		pic->intr = intr;
		machine_set_intr(pic->m, intr);
	}
}

void pic_set_irq(void *dev, unsigned int line, bool level)
{
	struct pic *pic = dev;

	/* the slave drives this one */
	if (line == CASCADE || line > 15)
		return;

	set_line(line < 8 ? &pic->master : &pic->slave, line & 7, level);
	update(pic);
}

uint8_t pic_acknowledge(void *dev)
{
	struct pic *pic = dev;
	struct chip *c = &pic->master;
	int line = acknowledge(c);

	if (line == CASCADE && (c->slaves & BIT(CASCADE))) {
		c = &pic->slave;
		line = acknowledge_slave(pic);
	}
	update(pic);
	return c->base + (line < 0 ? SPURIOUS : line);
}

static void write_icw1(struct chip *c, uint8_t value)
{
	c->icw1 = value;
	c->step = WANT_ICW2;
	c->irr = 0;
	c->isr = 0;
	c->imr = 0;
	c->lowest = 7;
	c->slaves = 0;
	c->auto_eoi = false;
	c->rotate_auto_eoi = false;
	c->nested = false;
	c->special_mask = false;
	c->read_isr = false;
	c->poll = false;
	/* an edge has to come again, a level is still there */
	sample_levels(c);
}

/* The input that a non-specific EOI ends, or -1. */
static int highest_in_service(const struct chip *c)
{
	int i;

	for (i = 1; i <= 8; i++) {
		int line = (c->lowest + i) & 7;

		if (blocking(c) & BIT(line))
			return line;
	}
	return -1;
}

static void write_ocw2(struct chip *c, uint8_t value)
{
	bool rotate = value & OCW2_ROTATE;
	bool specific = value & OCW2_SPECIFIC;
	int line = specific ? value & OCW2_INPUT : highest_in_service(c);

	if (value & OCW2_EOI) {
		if (line < 0)
			return;
		c->isr &= ~BIT(line);
		if (rotate)
			c->lowest = line;
	} else if (!specific) {
		c->rotate_auto_eoi = rotate;
	} else if (rotate) {
		c->lowest = line;	/* set priority */
	}
}

static void write_ocw3(struct chip *c, uint8_t value)
{
	if (value & OCW3_SET_MASK)
		c->special_mask = value & OCW3_MASK;
	if (value & OCW3_READ)
		c->read_isr = value & OCW3_READ_ISR;
	c->poll = value & OCW3_POLL;
}

static void write_command(struct chip *c, uint8_t value)
{
	if (value & ICW1_START)
		write_icw1(c, value);
	else if (value & OCW3)
		write_ocw3(c, value);
	else
		write_ocw2(c, value);
}

static void write_data(struct chip *c, uint8_t value)
{
	bool icw4 = c->icw1 & ICW1_ICW4;

	switch (c->step) {
	case WANT_ICW2:
		c->base = value & 0xf8;
		if (!(c->icw1 & ICW1_SINGLE))
			c->step = WANT_ICW3;
		else
			c->step = icw4 ? WANT_ICW4 : READY;
		break;
	case WANT_ICW3:
		/* a slave's is its number, which the wiring settles */
		c->slaves = c->is_slave ? 0 : value;
		c->step = icw4 ? WANT_ICW4 : READY;
		break;
	case WANT_ICW4:
		c->auto_eoi = value & ICW4_AUTO_EOI;
		c->nested = value & ICW4_NESTED;
		c->step = READY;
		break;
	case NEVER_INIT:
	case READY:
		c->imr = value;
		break;
	}
}

/* A poll is an acknowledge by software. */
static uint8_t read_poll(struct pic *pic, struct chip *c)
{
	int line = c == &pic->slave ? acknowledge_slave(pic) : acknowledge(c);

	c->poll = false;
	update(pic);
	return line < 0 ? 0 : 0x80 | line;
}

static const struct port_range pic_ports[] = {
	{ 0x20, 0x21 }, { 0xa0, 0xa1 }, { 0x4d0, 0x4d1 }, { 0, 0 }
};

static bool is_elcr(uint16_t port)
{
	return port >= 0x4d0;
}

static struct chip *chip_at(struct pic *pic, uint16_t port)
{
	if (is_elcr(port))
		return port & 1 ? &pic->slave : &pic->master;
	return port & 0x80 ? &pic->slave : &pic->master;
}

static uint32_t pic_in(void *dev, uint16_t port, unsigned int size)
{
	struct pic *pic = dev;
	struct chip *c = chip_at(pic, port);
	uint8_t value;

	if (is_elcr(port))
		value = c->elcr;
	else if (c->poll)
		value = read_poll(pic, c);
	else if (port & 1)
		value = c->imr;
	else
		value = c->read_isr ? c->isr : c->irr;
	return isa_byte(value, size);
}

static void pic_out(void *dev, uint16_t port, unsigned int size, uint32_t value)
{
	struct pic *pic = dev;
	struct chip *c = chip_at(pic, port);

	(void)size;
	if (is_elcr(port)) {
		/* the timer, keyboard, cascade, clock and FPU are edges */
		c->elcr = value & (c == &pic->master ? 0xf8 : 0xde);
		sample_levels(c);
	} else if (port & 1) {
		write_data(c, value);
	} else {
		write_command(c, value);
	}
	update(pic);
}

/* Keep the inputs: whoever drives them lowers them in its own reset. */
static void chip_reset(struct chip *c, bool is_slave)
{
	*c = (struct chip){
		.is_slave = is_slave,
		.lines = c->lines,
		.lowest = 7,
	};
}

static void pic_reset(void *dev)
{
	struct pic *pic = dev;

	chip_reset(&pic->master, false);
	chip_reset(&pic->slave, true);
	update(pic);
}

static void *pic_create(struct machine *m)
{
	struct pic *pic = calloc(1, sizeof(*pic));

	if (!pic)
		return NULL;
	pic->m = m;
	chip_reset(&pic->master, false);
	chip_reset(&pic->slave, true);
	return pic;
}

const struct device_class pic_class = {
	.name = "pic",
	.ports = pic_ports,
	.create = pic_create,
	.destroy = free,
	.reset = pic_reset,
	.in = pic_in,
	.out = pic_out,
};
