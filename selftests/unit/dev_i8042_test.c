/* SOURCES: userspace/devices/i8042.c selftests/unit/fake_machine.c */
// SPDX-License-Identifier: GPL-2.0
/* The 8042 without a keyboard, and the questions that Linux asks it. */
#include "kselftest_harness.h"

#include "../../userspace/devices/table.h"
#include "fake_machine.h"

#define DATA		0x60
#define COMMAND		0x64
#define IRQ		1

FIXTURE(i8042)
{
	struct machine m;
};

FIXTURE_SETUP(i8042)
{
	memset(&self->m, 0, sizeof(self->m));
	ASSERT_TRUE(fake_create(&self->m, &i8042_class));
}

FIXTURE_TEARDOWN(i8042)
{
	fake_destroy(&self->m);
}

static bool full(struct machine *m)
{
	return fake_inb(m, COMMAND) & 0x01;
}

/* A command and its answer, or -1 if there is none. */
static int ask(struct machine *m, uint8_t command)
{
	fake_outb(m, COMMAND, command);
	return full(m) ? fake_inb(m, DATA) : -1;
}

/* A command with a byte, and its answer. */
static int ask_with(struct machine *m, uint8_t command, uint8_t byte)
{
	fake_outb(m, COMMAND, command);
	fake_outb(m, DATA, byte);
	return full(m) ? fake_inb(m, DATA) : -1;
}

TEST_F(i8042, status)
{
	struct machine *m = &self->m;

	/* unlocked, and past its self test */
	EXPECT_EQ(fake_inb(m, COMMAND), 0x14);
	fake_outb(m, COMMAND, 0xaa);
	EXPECT_EQ(fake_inb(m, COMMAND), 0x1d);
	EXPECT_EQ(fake_inb(m, DATA), 0x55);
	EXPECT_EQ(fake_inb(m, COMMAND), 0x1c);
	/* an empty buffer shows its last byte again */
	EXPECT_EQ(fake_inb(m, DATA), 0x55);
	fake_outb(m, DATA, 0xff);
	EXPECT_EQ(fake_inb(m, COMMAND) & 0x08, 0);
}

TEST_F(i8042, tests)
{
	struct machine *m = &self->m;

	EXPECT_EQ(ask(m, 0xaa), 0x55);
	EXPECT_EQ(ask(m, 0xab), 0x00);
	/* no mouse port */
	EXPECT_EQ(ask(m, 0xa9), 0x01);
}

TEST_F(i8042, the_command_byte_and_the_ram)
{
	struct machine *m = &self->m;
	int i;

	EXPECT_EQ(ask(m, 0x20), 0x64);
	EXPECT_EQ(ask_with(m, 0x60, 0x30), -1);
	EXPECT_EQ(ask(m, 0x20), 0x30);
	/* its system bit is the status's */
	EXPECT_EQ(fake_inb(m, COMMAND) & 0x04, 0);
	EXPECT_EQ(ask(m, 0xaa), 0x55);
	EXPECT_EQ(fake_inb(m, COMMAND) & 0x04, 0x04);

	for (i = 1; i < 32; i++)
		EXPECT_EQ(ask_with(m, 0x60 + i, 0x80 + i), -1);
	for (i = 1; i < 32; i++)
		EXPECT_EQ(ask(m, 0x20 + i), 0x80 + i);
}

TEST_F(i8042, enabling_and_disabling)
{
	struct machine *m = &self->m;

	EXPECT_EQ(ask(m, 0xad), -1);
	EXPECT_EQ(ask(m, 0x20), 0x74);
	EXPECT_EQ(ask(m, 0xae), -1);
	EXPECT_EQ(ask(m, 0x20), 0x64);
	EXPECT_EQ(ask(m, 0xa8), -1);
	EXPECT_EQ(ask(m, 0x20), 0x44);
	EXPECT_EQ(ask(m, 0xa7), -1);
	EXPECT_EQ(ask(m, 0x20), 0x64);
}

TEST_F(i8042, nobody_answers_on_the_keyboard_line)
{
	struct machine *m = &self->m;

	/* 0xfe, with the time-out flag until it is read */
	fake_outb(m, DATA, 0xf2);
	EXPECT_EQ(fake_inb(m, COMMAND), 0x55);
	EXPECT_EQ(fake_inb(m, DATA), 0xfe);
	EXPECT_EQ(fake_inb(m, COMMAND), 0x14);
	EXPECT_EQ(ask_with(m, 0xd4, 0xf2), 0xfe);
}

TEST_F(i8042, interrupt)
{
	struct machine *m = &self->m;

	fake_outb(m, DATA, 0xff);
	EXPECT_EQ(m->rises[IRQ], 0);
	/* enabling it with a full buffer tells at once */
	fake_outb(m, COMMAND, 0x60);
	fake_outb(m, DATA, 0x41);
	EXPECT_TRUE(m->irq[IRQ]);
	EXPECT_EQ(fake_inb(m, DATA), 0xfe);
	EXPECT_FALSE(m->irq[IRQ]);
	EXPECT_EQ(ask_with(m, 0xd2, 0x1c), 0x1c);
	EXPECT_EQ(m->rises[IRQ], 2);
	EXPECT_FALSE(m->irq[IRQ]);
}

TEST_F(i8042, ports)
{
	struct machine *m = &self->m;

	EXPECT_EQ(ask(m, 0xc0), 0x80);
	/* the CPU runs, A20 is open */
	EXPECT_EQ(ask(m, 0xd0), 0x03);
	EXPECT_EQ(ask_with(m, 0xd1, 0x01), -1);
	EXPECT_EQ(ask(m, 0xd0), 0x01);
	EXPECT_EQ(ask_with(m, 0xd1, 0xdf), -1);
	EXPECT_EQ(ask(m, 0xd0), 0x03);
	EXPECT_EQ(m->stops, 0);
}

TEST_F(i8042, resets)
{
	struct machine *m = &self->m;
	unsigned int command;

	/* only a pulse on bit 0 */
	for (command = 0xf1; command <= 0xff; command += 2)
		EXPECT_EQ(ask(m, command), -1);
	EXPECT_EQ(m->stops, 0);
	EXPECT_EQ(ask(m, 0xfe), -1);
	EXPECT_EQ(m->stops, 1);
	EXPECT_EQ(m->why, STOP_RESET);
	fake_outb(m, COMMAND, 0xf0);
	EXPECT_EQ(m->stops, 2);
	/* or the output port without it */
	fake_outb(m, COMMAND, 0xd1);
	EXPECT_EQ(m->stops, 2);
	fake_outb(m, DATA, 0x02);
	EXPECT_EQ(m->stops, 3);
	EXPECT_EQ(m->why, STOP_RESET);
	/* 0xfe as data is no reset */
	fake_outb(m, DATA, 0xfe);
	EXPECT_EQ(m->stops, 3);
}

TEST_F(i8042, a_command_takes_the_place_of_one_that_waits)
{
	struct machine *m = &self->m;

	fake_outb(m, COMMAND, 0x60);
	EXPECT_EQ(ask(m, 0xaa), 0x55);
	fake_outb(m, DATA, 0x00);
	EXPECT_EQ(fake_inb(m, DATA), 0xfe);
	EXPECT_EQ(ask(m, 0x20), 0x64);
}

TEST_F(i8042, unknown_commands_do_nothing)
{
	struct machine *m = &self->m;
	static const uint8_t unknown[] = {
		0x00, 0x1f, 0x40, 0x5f, 0x80, 0xa1, 0xa4, 0xa6, 0xac, 0xaf,
		0xb0, 0xc1, 0xcf, 0xd5, 0xdd, 0xdf, 0xef
	};
	unsigned int i;

	for (i = 0; i < sizeof(unknown); i++)
		EXPECT_EQ(ask(m, unknown[i]), -1);
	EXPECT_EQ(ask(m, 0x20), 0x64);
	EXPECT_EQ(m->stops, 0);
}

/* i8042_probe() of Linux, in its order. */
TEST_F(i8042, linux_probes)
{
	struct machine *m = &self->m;
	int ctr;

	/* i8042_controller_check(): nothing to flush */
	EXPECT_FALSE(full(m));
	/* i8042_controller_selftest() */
	EXPECT_EQ(ask(m, 0xaa), 0x55);
	/* i8042_controller_init(): reads the command byte until it agrees */
	ctr = ask(m, 0x20);
	EXPECT_EQ(ask(m, 0x20), ctr);
	EXPECT_NE(fake_inb(m, COMMAND) & 0x10, 0);
	EXPECT_NE(ctr & 0x40, 0);
	EXPECT_EQ(ask_with(m, 0x60, (ctr | 0x10) & ~1), -1);
	EXPECT_EQ(ask(m, 0x20), (ctr | 0x10) & ~1);
	EXPECT_FALSE(full(m));
	/* i8042_check_aux(): the byte comes back, but not from a mouse port */
	fake_outb(m, COMMAND, 0xd3);
	fake_outb(m, DATA, 0x5a);
	EXPECT_EQ(fake_inb(m, COMMAND) & 0x21, 0x01);
	EXPECT_EQ(fake_inb(m, DATA), 0x5a);
	/* and its test fails with none of the answers that Linux forgives */
	ctr = ask(m, 0xa9);
	EXPECT_NE(ctr, 0x00);
	EXPECT_NE(ctr, 0xfa);
	EXPECT_NE(ctr, 0xff);
	/* i8042_setup_kbd(), then atkbd asks for an identity */
	EXPECT_EQ(ask_with(m, 0x60, 0x65), -1);
	fake_outb(m, DATA, 0xf2);
	EXPECT_TRUE(m->irq[IRQ]);
	EXPECT_EQ(fake_inb(m, COMMAND) & 0x61, 0x41);
	EXPECT_EQ(fake_inb(m, DATA), 0xfe);
	EXPECT_FALSE(m->irq[IRQ]);
}

TEST_F(i8042, reset)
{
	struct machine *m = &self->m;

	fake_outb(m, COMMAND, 0x60);
	fake_outb(m, DATA, 0x01);
	fake_outb(m, DATA, 0xff);
	EXPECT_TRUE(m->irq[IRQ]);
	fake_outb(m, COMMAND, 0xd1);
	fake_reset(m);
	EXPECT_FALSE(m->irq[IRQ]);
	EXPECT_EQ(fake_inb(m, COMMAND), 0x14);
	EXPECT_EQ(ask(m, 0x20), 0x64);
	fake_outb(m, DATA, 0x00);
	EXPECT_EQ(m->stops, 0);
}

TEST_F(i8042, wide_accesses_mean_the_low_byte)
{
	struct machine *m = &self->m;

	fake_out(m, COMMAND, 2, 0xfeaa);
	EXPECT_EQ(m->stops, 0);
	EXPECT_EQ(fake_in(m, COMMAND, 2), 0xff1d);
	EXPECT_EQ(fake_in(m, DATA, 4), 0xffffff55);
}

TEST_HARNESS_MAIN
