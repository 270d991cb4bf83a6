/* SOURCES: userspace/devices/pic.c selftests/unit/fake_machine.c */
// SPDX-License-Identifier: GPL-2.0
/* The 8259A pair, by the sequences of its datasheet. */
#include "kselftest_harness.h"

#include "fake_machine.h"

#define MASTER		0x20
#define SLAVE		0xa0
#define MASTER_BASE	0x30
#define SLAVE_BASE	0x38
#define EOI		0x20
#define READ_IRR	0x0a
#define READ_ISR	0x0b
#define POLL		0x0c
#define SPECIAL_MASK	0x68
#define NO_SPECIAL_MASK	0x48

FIXTURE(pic)
{
	struct machine m;
};

static void init(struct machine *m, uint8_t master_icw4, uint8_t slave_icw4)
{
	fake_outb(m, MASTER, 0x11);
	fake_outb(m, MASTER + 1, MASTER_BASE);
	fake_outb(m, MASTER + 1, 0x04);
	fake_outb(m, MASTER + 1, master_icw4);
	fake_outb(m, SLAVE, 0x11);
	fake_outb(m, SLAVE + 1, SLAVE_BASE);
	fake_outb(m, SLAVE + 1, 0x02);
	fake_outb(m, SLAVE + 1, slave_icw4);
}

FIXTURE_SETUP(pic)
{
	memset(&self->m, 0, sizeof(self->m));
	ASSERT_TRUE(fake_create(&self->m, &pic_class));
	init(&self->m, 0x01, 0x01);
}

FIXTURE_TEARDOWN(pic)
{
	fake_destroy(&self->m);
}

static void line(struct machine *m, unsigned int n, bool level)
{
	pic_set_irq(m->dev, n, level);
}

static void pulse(struct machine *m, unsigned int n)
{
	line(m, n, false);
	line(m, n, true);
}

static uint8_t irr(struct machine *m, uint16_t chip)
{
	fake_outb(m, chip, READ_IRR);
	return fake_inb(m, chip);
}

static uint8_t isr(struct machine *m, uint16_t chip)
{
	fake_outb(m, chip, READ_ISR);
	return fake_inb(m, chip);
}

TEST_F(pic, an_edge_interrupts_once)
{
	struct machine *m = &self->m;

	line(m, 4, true);
	EXPECT_TRUE(m->intr);
	EXPECT_EQ(irr(m, MASTER), 0x10);
	EXPECT_EQ(isr(m, MASTER), 0);

	EXPECT_EQ(pic_acknowledge(m->dev), MASTER_BASE + 4);
	EXPECT_FALSE(m->intr);
	EXPECT_EQ(irr(m, MASTER), 0);
	EXPECT_EQ(isr(m, MASTER), 0x10);

	/* the line is still high, but that is no edge */
	line(m, 4, true);
	EXPECT_EQ(irr(m, MASTER), 0);
	fake_outb(m, MASTER, EOI);
	EXPECT_EQ(isr(m, MASTER), 0);
	EXPECT_FALSE(m->intr);

	pulse(m, 4);
	EXPECT_TRUE(m->intr);
}

TEST_F(pic, a_level_interrupts_until_it_ends)
{
	struct machine *m = &self->m;

	fake_outb(m, 0x4d0, 0x20);
	line(m, 5, true);
	EXPECT_EQ(pic_acknowledge(m->dev), MASTER_BASE + 5);
	EXPECT_FALSE(m->intr);
	fake_outb(m, MASTER, EOI);
	EXPECT_TRUE(m->intr);

	line(m, 5, false);
	EXPECT_FALSE(m->intr);
	EXPECT_EQ(irr(m, MASTER), 0);
}

TEST_F(pic, ltim_makes_all_inputs_levels)
{
	struct machine *m = &self->m;

	line(m, 3, true);
	fake_outb(m, MASTER, 0x19);
	fake_outb(m, MASTER + 1, MASTER_BASE);
	fake_outb(m, MASTER + 1, 0x04);
	EXPECT_FALSE(m->intr);
	fake_outb(m, MASTER + 1, 0x01);
	EXPECT_TRUE(m->intr);
	EXPECT_EQ(pic_acknowledge(m->dev), MASTER_BASE + 3);
	fake_outb(m, MASTER, EOI);
	EXPECT_TRUE(m->intr);
}

TEST_F(pic, elcr_keeps_the_fixed_edges)
{
	struct machine *m = &self->m;

	fake_outb(m, 0x4d0, 0xff);
	fake_outb(m, 0x4d1, 0xff);
	EXPECT_EQ(fake_inb(m, 0x4d0), 0xf8);
	EXPECT_EQ(fake_inb(m, 0x4d1), 0xde);

	/* a line that is high becomes a request when it becomes a level */
	fake_outb(m, 0x4d1, 0);
	line(m, 11, true);
	EXPECT_EQ(pic_acknowledge(m->dev), SLAVE_BASE + 3);
	EXPECT_EQ(irr(m, SLAVE), 0);
	fake_outb(m, 0x4d1, 0x08);
	EXPECT_EQ(irr(m, SLAVE), 0x08);
}

TEST_F(pic, a_request_that_goes_away_is_spurious)
{
	struct machine *m = &self->m;

	line(m, 4, true);
	EXPECT_TRUE(m->intr);
	line(m, 4, false);
	EXPECT_FALSE(m->intr);
	EXPECT_EQ(pic_acknowledge(m->dev), MASTER_BASE + 7);
	EXPECT_EQ(isr(m, MASTER), 0);

	/* the real input 7 is in service, which is how to tell them apart */
	line(m, 7, true);
	EXPECT_EQ(pic_acknowledge(m->dev), MASTER_BASE + 7);
	EXPECT_EQ(isr(m, MASTER), 0x80);
}

TEST_F(pic, a_polled_slave_takes_its_request_back)
{
	struct machine *m = &self->m;

	line(m, 12, true);
	EXPECT_EQ(irr(m, MASTER), 0x04);
	fake_outb(m, SLAVE, POLL);
	EXPECT_EQ(fake_inb(m, SLAVE), 0x84);
	EXPECT_EQ(irr(m, MASTER), 0);
	EXPECT_FALSE(m->intr);
	EXPECT_EQ(pic_acknowledge(m->dev), MASTER_BASE + 7);
}

TEST_F(pic, a_slave_request_that_goes_away_is_spurious)
{
	struct machine *m = &self->m;

	fake_outb(m, SLAVE, 0x11);
	line(m, 9, true);
	/* half-way through its initialization the slave requests nothing */
	EXPECT_FALSE(m->intr);
	fake_outb(m, SLAVE + 1, SLAVE_BASE);
	fake_outb(m, SLAVE + 1, 0x02);
	EXPECT_FALSE(m->intr);
	fake_outb(m, SLAVE + 1, 0x01);
	EXPECT_TRUE(m->intr);
	/* masked in time: it is gone on both chips, so the master answers */
	fake_outb(m, SLAVE + 1, 0x02);
	EXPECT_FALSE(m->intr);
	EXPECT_EQ(pic_acknowledge(m->dev), MASTER_BASE + 7);
	EXPECT_EQ(isr(m, MASTER), 0);
	EXPECT_EQ(isr(m, SLAVE), 0);
}

TEST_F(pic, the_slave_answers_for_the_cascade)
{
	struct machine *m = &self->m;

	line(m, 8, true);
	EXPECT_EQ(irr(m, MASTER), 0x04);
	EXPECT_EQ(irr(m, SLAVE), 0x01);
	EXPECT_EQ(pic_acknowledge(m->dev), SLAVE_BASE + 0);
	EXPECT_EQ(isr(m, MASTER), 0x04);
	EXPECT_EQ(isr(m, SLAVE), 0x01);

	/* two requests in a row: the second one after both EOIs */
	line(m, 14, true);
	EXPECT_FALSE(m->intr);
	fake_outb(m, SLAVE, EOI);
	EXPECT_FALSE(m->intr);
	fake_outb(m, MASTER, EOI);
	EXPECT_TRUE(m->intr);
	EXPECT_EQ(pic_acknowledge(m->dev), SLAVE_BASE + 6);
}

TEST_F(pic, both_slave_requests_at_once_come_one_by_one)
{
	struct machine *m = &self->m;

	line(m, 8, true);
	line(m, 10, true);
	EXPECT_EQ(pic_acknowledge(m->dev), SLAVE_BASE + 0);
	fake_outb(m, SLAVE, EOI);
	fake_outb(m, MASTER, EOI);
	EXPECT_TRUE(m->intr);
	EXPECT_EQ(pic_acknowledge(m->dev), SLAVE_BASE + 2);
}

TEST_F(pic, a_single_chip_has_no_cascade)
{
	struct machine *m = &self->m;

	fake_outb(m, MASTER, 0x13);
	fake_outb(m, MASTER + 1, 0x50);
	EXPECT_EQ(fake_inb(m, MASTER + 1), 0);
	fake_outb(m, MASTER + 1, 0x01);
	fake_outb(m, MASTER + 1, 0xfb);
	EXPECT_EQ(fake_inb(m, MASTER + 1), 0xfb);
	line(m, 8, true);
	EXPECT_EQ(pic_acknowledge(m->dev), 0x52);
	EXPECT_EQ(isr(m, SLAVE), 0);
}

TEST_F(pic, without_icw4_the_third_word_is_the_last)
{
	struct machine *m = &self->m;

	fake_outb(m, MASTER, 0x10);
	/* the low bits of ICW2 belong to the input */
	fake_outb(m, MASTER + 1, 0x57);
	fake_outb(m, MASTER + 1, 0x04);
	fake_outb(m, MASTER + 1, 0xa5);
	EXPECT_EQ(fake_inb(m, MASTER + 1), 0xa5);
	line(m, 1, true);
	EXPECT_EQ(pic_acknowledge(m->dev), 0x51);
	EXPECT_EQ(isr(m, MASTER), 0x02);
}

TEST_F(pic, line_2_belongs_to_the_slave)
{
	struct machine *m = &self->m;

	line(m, 2, true);
	line(m, 16, true);
	line(m, 1000, true);
	EXPECT_FALSE(m->intr);
	EXPECT_EQ(irr(m, MASTER), 0);
	EXPECT_EQ(irr(m, SLAVE), 0);

	/* the slave requests, and the master has taken note by a poll */
	line(m, 8, true);
	fake_outb(m, MASTER, POLL);
	EXPECT_EQ(fake_inb(m, MASTER), 0x82);
	EXPECT_EQ(irr(m, MASTER), 0);
	line(m, 2, false);
	EXPECT_EQ(irr(m, MASTER), 0);
}

TEST_F(pic, masks_hold_back_but_do_not_forget)
{
	struct machine *m = &self->m;

	fake_outb(m, MASTER + 1, 0x10);
	line(m, 4, true);
	EXPECT_FALSE(m->intr);
	EXPECT_EQ(irr(m, MASTER), 0x10);
	fake_outb(m, MASTER + 1, 0x00);
	EXPECT_TRUE(m->intr);
	fake_outb(m, MASTER + 1, 0xff);
	EXPECT_FALSE(m->intr);
	EXPECT_EQ(fake_inb(m, MASTER + 1), 0xff);
}

TEST_F(pic, priorities_nest)
{
	struct machine *m = &self->m;

	line(m, 4, true);
	EXPECT_EQ(pic_acknowledge(m->dev), MASTER_BASE + 4);
	line(m, 5, true);
	EXPECT_FALSE(m->intr);
	pulse(m, 4);
	EXPECT_FALSE(m->intr);
	line(m, 1, true);
	EXPECT_TRUE(m->intr);
	EXPECT_EQ(pic_acknowledge(m->dev), MASTER_BASE + 1);
	EXPECT_EQ(isr(m, MASTER), 0x12);

	/* a non-specific EOI ends the highest first */
	fake_outb(m, MASTER, EOI);
	EXPECT_EQ(isr(m, MASTER), 0x10);
	fake_outb(m, MASTER, EOI);
	EXPECT_EQ(isr(m, MASTER), 0);
	EXPECT_EQ(pic_acknowledge(m->dev), MASTER_BASE + 4);
	fake_outb(m, MASTER, EOI);
	EXPECT_EQ(pic_acknowledge(m->dev), MASTER_BASE + 5);
	fake_outb(m, MASTER, EOI);
	fake_outb(m, MASTER, EOI);
	EXPECT_EQ(isr(m, MASTER), 0);
}

TEST_F(pic, a_specific_eoi_ends_the_one_it_names)
{
	struct machine *m = &self->m;

	line(m, 4, true);
	pic_acknowledge(m->dev);
	line(m, 1, true);
	pic_acknowledge(m->dev);
	fake_outb(m, MASTER, 0x60 | 4);
	EXPECT_EQ(isr(m, MASTER), 0x02);
	fake_outb(m, MASTER, 0x60 | 6);
	EXPECT_EQ(isr(m, MASTER), 0x02);
}

TEST_F(pic, rotation)
{
	struct machine *m = &self->m;

	/* set priority: 3 is the lowest, so 4 is the highest */
	fake_outb(m, MASTER, 0xc0 | 3);
	line(m, 0, true);
	line(m, 4, true);
	EXPECT_EQ(pic_acknowledge(m->dev), MASTER_BASE + 4);

	/* rotate on a non-specific EOI: 4 becomes the lowest */
	pulse(m, 4);
	fake_outb(m, MASTER, 0xa0);
	EXPECT_EQ(pic_acknowledge(m->dev), MASTER_BASE + 0);

	/* rotate on a specific EOI: 5 is the lowest now, before it 4 */
	fake_outb(m, MASTER, 0xe0 | 5);
	EXPECT_EQ(isr(m, MASTER), 0x01);
	fake_outb(m, MASTER, EOI);
	pulse(m, 5);
	EXPECT_EQ(pic_acknowledge(m->dev), MASTER_BASE + 4);

	/* the no-operation and the EOI of nothing change nothing */
	fake_outb(m, MASTER, 0x40 | 1);
	EXPECT_EQ(isr(m, MASTER), 0x10);
}

TEST_F(pic, rotating_without_anything_in_service_changes_nothing)
{
	struct machine *m = &self->m;

	fake_outb(m, MASTER, 0xa0);
	line(m, 0, true);
	line(m, 7, true);
	EXPECT_EQ(pic_acknowledge(m->dev), MASTER_BASE + 0);
}

TEST_F(pic, auto_eoi)
{
	struct machine *m = &self->m;

	init(m, 0x03, 0x03);
	line(m, 3, true);
	EXPECT_EQ(pic_acknowledge(m->dev), MASTER_BASE + 3);
	EXPECT_EQ(isr(m, MASTER), 0);
	line(m, 5, true);
	EXPECT_TRUE(m->intr);
	EXPECT_EQ(pic_acknowledge(m->dev), MASTER_BASE + 5);

	/* the slave's INT drops between two, so the master sees an edge */
	line(m, 9, true);
	line(m, 10, true);
	EXPECT_EQ(pic_acknowledge(m->dev), SLAVE_BASE + 1);
	EXPECT_TRUE(m->intr);
	EXPECT_EQ(pic_acknowledge(m->dev), SLAVE_BASE + 2);
	EXPECT_FALSE(m->intr);
	EXPECT_EQ(isr(m, MASTER), 0);
	EXPECT_EQ(isr(m, SLAVE), 0);

	/* rotating: who was served goes to the end of the queue */
	fake_outb(m, MASTER, 0x80);
	pulse(m, 3);
	EXPECT_EQ(pic_acknowledge(m->dev), MASTER_BASE + 3);
	pulse(m, 3);
	pulse(m, 6);
	EXPECT_EQ(pic_acknowledge(m->dev), MASTER_BASE + 6);

	/* and no longer: 6 stays the lowest, 7 above 0 */
	fake_outb(m, MASTER, 0x00);
	EXPECT_EQ(pic_acknowledge(m->dev), MASTER_BASE + 3);
	pulse(m, 3);
	pulse(m, 4);
	EXPECT_EQ(pic_acknowledge(m->dev), MASTER_BASE + 3);
}

TEST_F(pic, special_mask_mode_lets_lower_inputs_through)
{
	struct machine *m = &self->m;

	line(m, 3, true);
	pic_acknowledge(m->dev);
	line(m, 6, true);
	EXPECT_FALSE(m->intr);

	fake_outb(m, MASTER + 1, 0x08);
	EXPECT_FALSE(m->intr);
	fake_outb(m, MASTER, SPECIAL_MASK);
	EXPECT_TRUE(m->intr);
	EXPECT_EQ(pic_acknowledge(m->dev), MASTER_BASE + 6);

	/* the non-specific EOI does not see what is masked */
	fake_outb(m, MASTER, EOI);
	EXPECT_EQ(isr(m, MASTER), 0x08);
	fake_outb(m, MASTER, EOI);
	EXPECT_EQ(isr(m, MASTER), 0x08);

	fake_outb(m, MASTER, NO_SPECIAL_MASK);
	fake_outb(m, MASTER, EOI);
	EXPECT_EQ(isr(m, MASTER), 0);
}

TEST_F(pic, special_fully_nested_mode_lets_the_slave_nest)
{
	struct machine *m = &self->m;

	init(m, 0x11, 0x01);
	line(m, 12, true);
	EXPECT_EQ(pic_acknowledge(m->dev), SLAVE_BASE + 4);
	line(m, 13, true);
	EXPECT_FALSE(m->intr);
	line(m, 5, true);
	EXPECT_FALSE(m->intr);
	line(m, 9, true);
	EXPECT_TRUE(m->intr);
	EXPECT_EQ(pic_acknowledge(m->dev), SLAVE_BASE + 1);
	EXPECT_EQ(isr(m, SLAVE), 0x12);
	EXPECT_FALSE(m->intr);
}

TEST_F(pic, fully_nested_mode_does_not)
{
	struct machine *m = &self->m;

	line(m, 12, true);
	EXPECT_EQ(pic_acknowledge(m->dev), SLAVE_BASE + 4);
	line(m, 9, true);
	EXPECT_FALSE(m->intr);
	fake_outb(m, MASTER, EOI);
	EXPECT_TRUE(m->intr);
	EXPECT_EQ(pic_acknowledge(m->dev), SLAVE_BASE + 1);
}

TEST_F(pic, polling_acknowledges)
{
	struct machine *m = &self->m;

	fake_outb(m, MASTER, POLL);
	EXPECT_EQ(fake_inb(m, MASTER), 0);

	line(m, 6, true);
	line(m, 3, true);
	fake_outb(m, MASTER, POLL);
	EXPECT_EQ(fake_inb(m, MASTER), 0x83);
	/* only the read behind the command polls, and either port does */
	fake_outb(m, MASTER + 1, 0x01);
	EXPECT_EQ(fake_inb(m, MASTER + 1), 0x01);
	EXPECT_EQ(isr(m, MASTER), 0x08);
	EXPECT_FALSE(m->intr);
	fake_outb(m, MASTER, EOI);
	fake_outb(m, MASTER, POLL);
	EXPECT_EQ(fake_inb(m, MASTER + 1), 0x86);
}

TEST_F(pic, icw1_forgets)
{
	struct machine *m = &self->m;

	line(m, 4, true);
	line(m, 3, true);
	pic_acknowledge(m->dev);
	fake_outb(m, MASTER, READ_ISR);
	fake_outb(m, MASTER, SPECIAL_MASK);
	fake_outb(m, MASTER + 1, 0x80);
	fake_outb(m, MASTER, 0xc0 | 3);

	init(m, 0x01, 0x01);
	/* IRR is what is read, and the edges have to come again */
	EXPECT_EQ(fake_inb(m, MASTER), 0);
	EXPECT_EQ(fake_inb(m, MASTER + 1), 0);
	EXPECT_FALSE(m->intr);
	pulse(m, 7);
	EXPECT_EQ(fake_inb(m, MASTER), 0x80);
	EXPECT_EQ(isr(m, MASTER), 0);
	pulse(m, 0);
	EXPECT_EQ(pic_acknowledge(m->dev), MASTER_BASE + 0);
	/* masking what is in service lets nothing through any more */
	fake_outb(m, MASTER + 1, 0x01);
	EXPECT_FALSE(m->intr);
}

TEST(pic_before_its_initialization)
{
	struct machine m = { 0 };

	ASSERT_TRUE(fake_create(&m, &pic_class));
	/* Linux probes with the mask before it initializes */
	fake_outb(&m, SLAVE + 1, 0xff);
	fake_outb(&m, MASTER + 1, 0xfb);
	EXPECT_EQ(fake_inb(&m, MASTER + 1), 0xfb);
	EXPECT_EQ(fake_inb(&m, SLAVE + 1), 0xff);
	fake_outb(&m, MASTER + 1, 0x00);
	line(&m, 0, true);
	EXPECT_FALSE(m.intr);
	fake_destroy(&m);
}

TEST_F(pic, reset)
{
	struct machine *m = &self->m;

	fake_outb(m, 0x4d0, 0x08);
	line(m, 3, true);
	EXPECT_TRUE(m->intr);
	fake_reset(m);
	EXPECT_FALSE(m->intr);
	EXPECT_EQ(fake_inb(m, 0x4d0), 0);
	/* the line is still high, which only an edge or a level can tell */
	init(m, 0x01, 0x01);
	EXPECT_FALSE(m->intr);
	fake_outb(m, 0x4d0, 0x08);
	EXPECT_TRUE(m->intr);
}

TEST_F(pic, wide_accesses_mean_the_low_byte)
{
	struct machine *m = &self->m;

	fake_out(m, MASTER + 1, 4, 0xffffff5a);
	EXPECT_EQ(fake_in(m, MASTER + 1, 1), 0x5a);
	EXPECT_EQ(fake_in(m, MASTER + 1, 2), 0xff5a);
	EXPECT_EQ(fake_in(m, MASTER + 1, 4), 0xffffff5a);
	fake_out(m, MASTER, 2, 0xff00 | READ_ISR);
	EXPECT_EQ(fake_inb(m, MASTER + 1), 0x5a);
}

TEST_HARNESS_MAIN
