/* SOURCES: userspace/devices/uart16550.c selftests/unit/fake_machine.c */
// SPDX-License-Identifier: GPL-2.0
/* The 16550A by its datasheet, and the questions that Linux asks it. */
#include "kselftest_harness.h"

#include "../../userspace/devices/table.h"
#include "fake_machine.h"

#define PORT		0x3f8
#define RBR		(PORT + 0)
#define THR		(PORT + 0)
#define DLL		(PORT + 0)
#define IER		(PORT + 1)
#define DLM		(PORT + 1)
#define IIR		(PORT + 2)
#define FCR		(PORT + 2)
#define LCR		(PORT + 3)
#define MCR		(PORT + 4)
#define LSR		(PORT + 5)
#define MSR		(PORT + 6)
#define SCR		(PORT + 7)
#define IRQ		4

#define OUT2		0x08
#define LOOP		0x10

FIXTURE(uart)
{
	struct machine m;
};

FIXTURE_SETUP(uart)
{
	memset(&self->m, 0, sizeof(self->m));
	ASSERT_TRUE(fake_create(&self->m, &uart16550_class));
}

FIXTURE_TEARDOWN(uart)
{
	fake_destroy(&self->m);
}

/* Four characters of 8N1 at 115200 baud, in ns. */
#define FOUR_CHARACTERS	(4 * 10 * FAKE_NS / 115200)

static void set_115200(struct machine *m)
{
	fake_outb(m, LCR, 0x83);
	fake_outb(m, DLL, 1);
	fake_outb(m, DLM, 0);
	fake_outb(m, LCR, 0x03);
}

TEST_F(uart, registers_at_power_on)
{
	struct machine *m = &self->m;

	EXPECT_EQ(fake_inb(m, IER), 0);
	EXPECT_EQ(fake_inb(m, IIR), 0x01);
	EXPECT_EQ(fake_inb(m, LCR), 0);
	EXPECT_EQ(fake_inb(m, MCR), 0);
	EXPECT_EQ(fake_inb(m, LSR), 0x60);
	EXPECT_EQ(fake_inb(m, MSR), 0xb0);
	EXPECT_EQ(fake_inb(m, RBR), 0);
	EXPECT_EQ(m->rises[IRQ], 0);
}

TEST_F(uart, registers_keep_the_bits_they_have)
{
	struct machine *m = &self->m;

	fake_outb(m, SCR, 0xa5);
	EXPECT_EQ(fake_inb(m, SCR), 0xa5);
	fake_outb(m, IER, 0xff);
	EXPECT_EQ(fake_inb(m, IER), 0x0f);
	fake_outb(m, MCR, 0xff);
	EXPECT_EQ(fake_inb(m, MCR), 0x1f);
	fake_outb(m, MCR, 0);
	fake_outb(m, LCR, 0x5a);
	EXPECT_EQ(fake_inb(m, LCR), 0x5a);
	/* not for software */
	fake_outb(m, LSR, 0xff);
	EXPECT_EQ(fake_inb(m, LSR), 0x60);
	fake_inb(m, MSR);
	fake_outb(m, MSR, 0xff);
	EXPECT_EQ(fake_inb(m, MSR), 0xb0);
}

TEST_F(uart, the_divisor_hides_behind_dlab)
{
	struct machine *m = &self->m;

	fake_outb(m, IER, 0x05);
	fake_outb(m, LCR, 0x80);
	fake_outb(m, DLL, 0x34);
	fake_outb(m, DLM, 0x12);
	EXPECT_EQ(fake_inb(m, DLL), 0x34);
	EXPECT_EQ(fake_inb(m, DLM), 0x12);
	fake_outb(m, LCR, 0x03);
	EXPECT_EQ(fake_inb(m, IER), 0x05);
	EXPECT_EQ(m->output_len, 0);
	fake_outb(m, LCR, 0x83);
	EXPECT_EQ(fake_inb(m, DLL), 0x34);
	EXPECT_EQ(fake_inb(m, DLM), 0x12);
}

TEST_F(uart, output)
{
	struct machine *m = &self->m;
	const char *text = "minivmx";
	size_t i;

	for (i = 0; text[i]; i++) {
		EXPECT_EQ(fake_inb(m, LSR) & 0x60, 0x60);
		fake_outb(m, THR, text[i]);
	}
	EXPECT_EQ(m->output_len, i);
	EXPECT_EQ(memcmp(m->output, text, i), 0);
}

TEST_F(uart, thre_interrupt_when_it_is_enabled)
{
	struct machine *m = &self->m;

	fake_outb(m, MCR, OUT2);
	fake_outb(m, IER, 0x02);
	EXPECT_TRUE(m->irq[IRQ]);
	/* reading IIR ends it */
	EXPECT_EQ(fake_inb(m, IIR), 0x02);
	EXPECT_FALSE(m->irq[IRQ]);
	EXPECT_EQ(fake_inb(m, IIR), 0x01);

	/* and it is only set again by enabling it or by a byte sent */
	fake_outb(m, IER, 0x02);
	EXPECT_FALSE(m->irq[IRQ]);
	fake_outb(m, IER, 0x00);
	fake_outb(m, IER, 0x02);
	EXPECT_TRUE(m->irq[IRQ]);
	EXPECT_EQ(fake_inb(m, IIR), 0x02);
	fake_outb(m, THR, 'x');
	EXPECT_TRUE(m->irq[IRQ]);
	EXPECT_EQ(fake_inb(m, IIR), 0x02);
}

TEST_F(uart, a_byte_sent_makes_an_edge_even_if_iir_was_not_read)
{
	struct machine *m = &self->m;

	fake_outb(m, MCR, OUT2);
	fake_outb(m, IER, 0x02);
	EXPECT_EQ(m->rises[IRQ], 1);
	fake_outb(m, THR, 'x');
	EXPECT_EQ(m->rises[IRQ], 2);
}

TEST_F(uart, out2_gates_the_interrupt)
{
	struct machine *m = &self->m;

	fake_outb(m, IER, 0x02);
	EXPECT_FALSE(m->irq[IRQ]);
	fake_outb(m, MCR, OUT2);
	EXPECT_TRUE(m->irq[IRQ]);
	fake_outb(m, MCR, OUT2 | LOOP);
	EXPECT_FALSE(m->irq[IRQ]);
	fake_outb(m, MCR, 0x07);
	EXPECT_FALSE(m->irq[IRQ]);
	EXPECT_EQ(fake_inb(m, IIR), 0x02);
}

TEST_F(uart, without_a_fifo_one_byte_at_a_time)
{
	struct machine *m = &self->m;

	fake_outb(m, MCR, OUT2);
	fake_outb(m, IER, 0x01);
	EXPECT_EQ(fake_input(m, "abc", 3), 1);
	EXPECT_TRUE(m->irq[IRQ]);
	EXPECT_EQ(fake_inb(m, IIR), 0x04);
	EXPECT_EQ(fake_inb(m, LSR), 0x61);
	EXPECT_EQ(fake_input(m, "bc", 2), 0);
	EXPECT_EQ(fake_inb(m, RBR), 'a');
	EXPECT_FALSE(m->irq[IRQ]);
	EXPECT_EQ(fake_inb(m, LSR), 0x60);
	EXPECT_EQ(fake_inb(m, RBR), 'a');
	EXPECT_EQ(fake_input(m, "bc", 2), 1);
	EXPECT_EQ(fake_inb(m, RBR), 'b');
	EXPECT_EQ(m->deadline, NO_DEADLINE);
}

TEST_F(uart, the_fifo_takes_16)
{
	struct machine *m = &self->m;
	const char *text = "0123456789abcdefXY";
	int i;

	fake_outb(m, FCR, 0x01);
	EXPECT_EQ(fake_inb(m, IIR), 0xc1);
	EXPECT_EQ(fake_input(m, text, 18), 16);
	EXPECT_EQ(fake_input(m, text + 16, 2), 0);
	for (i = 0; i < 5; i++)
		EXPECT_EQ(fake_inb(m, RBR), text[i]);
	EXPECT_EQ(fake_input(m, text + 16, 2), 2);
	for (; i < 18; i++)
		EXPECT_EQ(fake_inb(m, RBR), text[i]);
	EXPECT_EQ(fake_inb(m, LSR), 0x60);
	EXPECT_EQ(fake_inb(m, RBR), 0);
}

TEST_F(uart, triggers)
{
	static const struct {
		uint8_t fcr;
		unsigned int bytes;
	} level[] = { { 0x01, 1 }, { 0x41, 4 }, { 0x81, 8 }, { 0xc1, 14 } };
	struct machine *m = &self->m;
	unsigned int i, n;

	fake_outb(m, MCR, OUT2);
	fake_outb(m, IER, 0x01);
	for (i = 0; i < 4; i++) {
		fake_outb(m, FCR, level[i].fcr | 0x02);
		EXPECT_FALSE(m->irq[IRQ]);
		for (n = 1; n < level[i].bytes; n++) {
			fake_input(m, "x", 1);
			EXPECT_FALSE(m->irq[IRQ]);
			EXPECT_EQ(fake_inb(m, IIR), 0xc1);
			EXPECT_EQ(fake_inb(m, LSR), 0x61);
		}
		fake_input(m, "x", 1);
		EXPECT_TRUE(m->irq[IRQ]);
		EXPECT_EQ(fake_inb(m, IIR), 0xc4);
		fake_inb(m, RBR);
		EXPECT_FALSE(m->irq[IRQ]);
	}
}

TEST_F(uart, bytes_below_the_trigger_time_out)
{
	struct machine *m = &self->m;

	set_115200(m);
	fake_outb(m, MCR, OUT2);
	fake_outb(m, IER, 0x01);
	fake_outb(m, FCR, 0x81);
	fake_input(m, "abc", 3);
	fake_run(m, FOUR_CHARACTERS - 1);
	EXPECT_FALSE(m->irq[IRQ]);
	/* another byte starts the time anew */
	fake_input(m, "d", 1);
	fake_run(m, FOUR_CHARACTERS - 1);
	EXPECT_FALSE(m->irq[IRQ]);
	fake_run(m, 1);
	EXPECT_TRUE(m->irq[IRQ]);
	EXPECT_EQ(fake_inb(m, IIR), 0xcc);
	EXPECT_EQ(m->deadline, NO_DEADLINE);

	/* reading a byte ends it, and starts it anew for the rest */
	EXPECT_EQ(fake_inb(m, RBR), 'a');
	EXPECT_FALSE(m->irq[IRQ]);
	EXPECT_EQ(fake_inb(m, IIR), 0xc1);
	fake_run(m, FOUR_CHARACTERS);
	EXPECT_EQ(fake_inb(m, IIR), 0xcc);
	fake_inb(m, RBR);
	fake_inb(m, RBR);
	fake_inb(m, RBR);
	EXPECT_EQ(m->deadline, NO_DEADLINE);
	fake_run(m, FAKE_NS);
	EXPECT_EQ(fake_inb(m, IIR), 0xc1);
}

TEST_F(uart, the_time_out_follows_the_format)
{
	struct machine *m = &self->m;

	/* 5 data bits, parity, 2 stop bits: 9 bits at 300 baud */
	fake_outb(m, LCR, 0x80);
	fake_outb(m, DLL, 384 & 0xff);
	fake_outb(m, DLM, 384 >> 8);
	fake_outb(m, LCR, 0x0c);
	fake_outb(m, FCR, 0xc1);
	fake_input(m, "a", 1);
	EXPECT_EQ(m->deadline, 4 * 9 * FAKE_NS / 300);

	/* a divisor of 0 must not divide by it */
	fake_outb(m, LCR, 0x83);
	fake_outb(m, DLL, 0);
	fake_outb(m, DLM, 0);
	fake_outb(m, LCR, 0x03);
	fake_input(m, "b", 1);
	EXPECT_EQ(m->deadline, FOUR_CHARACTERS);
}

TEST_F(uart, fcr_clears_and_switches)
{
	struct machine *m = &self->m;

	fake_outb(m, FCR, 0x01);
	fake_input(m, "abc", 3);
	fake_outb(m, FCR, 0x03);
	EXPECT_EQ(fake_inb(m, LSR), 0x60);
	EXPECT_EQ(m->deadline, NO_DEADLINE);

	/* without the enable bit the others mean nothing, and it is off */
	fake_outb(m, FCR, 0xc1);
	fake_input(m, "abc", 3);
	fake_outb(m, FCR, 0xc0);
	EXPECT_EQ(fake_inb(m, IIR), 0x01);
	EXPECT_EQ(fake_inb(m, LSR), 0x60);
	fake_outb(m, IER, 0x01);
	fake_input(m, "x", 1);
	EXPECT_EQ(fake_inb(m, IIR), 0x04);
}

TEST_F(uart, overrun_of_the_single_register)
{
	struct machine *m = &self->m;

	fake_outb(m, MCR, LOOP);
	fake_outb(m, IER, 0x05);
	fake_outb(m, THR, 'a');
	EXPECT_EQ(fake_inb(m, IIR), 0x04);
	fake_outb(m, THR, 'b');
	EXPECT_EQ(fake_inb(m, IIR), 0x06);
	EXPECT_EQ(fake_inb(m, LSR), 0x63);
	/* told once */
	EXPECT_EQ(fake_inb(m, LSR), 0x61);
	EXPECT_EQ(fake_inb(m, IIR), 0x04);
	EXPECT_EQ(fake_inb(m, RBR), 'b');
	EXPECT_EQ(m->output_len, 0);
}

TEST_F(uart, overrun_of_the_fifo)
{
	struct machine *m = &self->m;
	int i;

	fake_outb(m, FCR, 0x01);
	fake_outb(m, MCR, LOOP);
	for (i = 0; i < 16; i++)
		fake_outb(m, THR, 'a' + i);
	EXPECT_EQ(fake_inb(m, LSR), 0x61);
	fake_outb(m, THR, 'z');
	EXPECT_EQ(fake_inb(m, LSR), 0x63);
	for (i = 0; i < 16; i++)
		EXPECT_EQ(fake_inb(m, RBR), 'a' + i);
	EXPECT_EQ(fake_inb(m, LSR), 0x60);
}

TEST_F(uart, priorities)
{
	struct machine *m = &self->m;

	/* make all of them pending, in a loop */
	fake_outb(m, FCR, 0x41);
	fake_outb(m, MCR, LOOP);
	fake_inb(m, MSR);
	fake_outb(m, IER, 0x0f);
	fake_outb(m, MCR, LOOP | 0x01);
	while (!(fake_inb(m, IIR) == 0xc4))
		fake_outb(m, THR, 'x');
	while (!(fake_inb(m, IIR) == 0xc6))
		fake_outb(m, THR, 'x');
	fake_inb(m, LSR);
	EXPECT_EQ(fake_inb(m, IIR), 0xc4);
	while (fake_inb(m, IIR) == 0xc4)
		fake_inb(m, RBR);
	/* three bytes left, fresh; then the transmitter, then the modem */
	EXPECT_EQ(fake_inb(m, LSR) & 1, 1);
	EXPECT_EQ(fake_inb(m, IIR), 0xc0);
	fake_run(m, FAKE_NS);
	EXPECT_EQ(fake_inb(m, IIR), 0xcc);
	fake_outb(m, FCR, 0x43);
	EXPECT_EQ(fake_inb(m, IIR), 0xc0);
	fake_outb(m, THR, 'x');
	EXPECT_EQ(fake_inb(m, IIR), 0xc2);
	EXPECT_EQ(fake_inb(m, IIR), 0xc0);
	EXPECT_EQ(fake_inb(m, MSR) & 0x0f, 0x02);
	EXPECT_EQ(fake_inb(m, IIR), 0xc1);
}

TEST_F(uart, loopback_turns_the_modem_lines_round)
{
	static const struct {
		uint8_t mcr;
		uint8_t msr;
	} wrap[] = {
		{ 0x00, 0x00 }, { 0x01, 0x20 }, { 0x02, 0x10 }, { 0x04, 0x40 },
		{ 0x08, 0x80 }, { 0x0f, 0xf0 }, { 0x0a, 0x90 },
	};
	struct machine *m = &self->m;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wrap); i++) {
		fake_outb(m, MCR, LOOP | wrap[i].mcr);
		EXPECT_EQ(fake_inb(m, MSR) & 0xf0, wrap[i].msr);
		EXPECT_EQ(fake_inb(m, MSR), wrap[i].msr);
	}
}

TEST_F(uart, modem_deltas)
{
	struct machine *m = &self->m;

	fake_outb(m, MCR, LOOP);
	/* CTS, DSR and DCD went away with the loop */
	EXPECT_EQ(fake_inb(m, MSR), 0x0b);
	fake_outb(m, MCR, LOOP | 0x02);
	EXPECT_EQ(fake_inb(m, MSR), 0x11);
	/* they gather until they are read, even if the line is back */
	fake_outb(m, MCR, LOOP | 0x00);
	fake_outb(m, MCR, LOOP | 0x02);
	EXPECT_EQ(fake_inb(m, MSR), 0x11);
	/* of the ring indicator only the end is told */
	fake_outb(m, MCR, LOOP | 0x06);
	EXPECT_EQ(fake_inb(m, MSR), 0x50);
	fake_outb(m, MCR, LOOP | 0x02);
	EXPECT_EQ(fake_inb(m, MSR), 0x14);
	fake_outb(m, MCR, LOOP | 0x03);
	EXPECT_EQ(fake_inb(m, MSR), 0x32);
	fake_outb(m, MCR, LOOP | 0x0b);
	EXPECT_EQ(fake_inb(m, MSR), 0xb8);
	fake_outb(m, MCR, 0);
	EXPECT_EQ(fake_inb(m, MSR), 0xb0);
}

TEST_F(uart, loopback_keeps_to_itself)
{
	struct machine *m = &self->m;

	fake_outb(m, FCR, 0x01);
	fake_outb(m, MCR, LOOP);
	EXPECT_EQ(fake_input(m, "user", 4), 0);
	fake_outb(m, THR, 'x');
	EXPECT_EQ(m->output_len, 0);
	EXPECT_EQ(fake_inb(m, RBR), 'x');
	fake_outb(m, MCR, 0);
	EXPECT_EQ(fake_input(m, "user", 4), 4);
}

/* What drivers/tty/serial/8250 does to tell the chips apart. */
TEST_F(uart, linux_sees_a_16550a)
{
	struct machine *m = &self->m;
	uint8_t mcr, status1, status2;
	int count;

	/* autoconfig(): the IER test */
	fake_outb(m, IER, 0);
	EXPECT_EQ(fake_inb(m, IER) & 0x0f, 0);
	fake_outb(m, IER, 0x0f);
	EXPECT_EQ(fake_inb(m, IER) & 0x0f, 0x0f);
	fake_outb(m, IER, 0);

	/* the loopback test */
	mcr = fake_inb(m, MCR);
	fake_outb(m, MCR, LOOP | 0x0a);
	EXPECT_EQ(fake_inb(m, MSR) & 0xf0, 0x90);
	fake_outb(m, MCR, mcr);

	/* a FIFO that works, bits 7:6 of IIR */
	fake_outb(m, LCR, 0xbf);
	fake_outb(m, FCR, 0);
	fake_outb(m, LCR, 0);
	fake_outb(m, FCR, 0x01);
	EXPECT_EQ(fake_inb(m, IIR) >> 6, 3);

	/* autoconfig_16550a(): no EFR, with either key */
	fake_outb(m, LCR, 0x80);
	EXPECT_NE(fake_inb(m, FCR), 0);
	fake_outb(m, LCR, 0xbf);
	EXPECT_NE(fake_inb(m, FCR), 0);
	/* no National EXCR2: register 2 does not mirror MCR's loop bit */
	fake_outb(m, LCR, 0);
	status1 = fake_inb(m, MCR);
	fake_outb(m, LCR, 0xe0);
	status2 = fake_inb(m, IIR);
	EXPECT_EQ((status1 ^ status2) & LOOP, 0);
	fake_outb(m, LCR, 0);
	fake_outb(m, MCR, status1 ^ LOOP);
	fake_outb(m, LCR, 0xe0);
	status2 = fake_inb(m, IIR);
	fake_outb(m, LCR, 0);
	fake_outb(m, MCR, status1);
	EXPECT_EQ((status1 ^ status2) & LOOP, 0);
	/* no 64 byte FIFO, however it is asked for */
	fake_outb(m, FCR, 0x21);
	EXPECT_EQ(fake_inb(m, IIR) >> 5, 6);
	fake_outb(m, FCR, 0x01);
	fake_outb(m, LCR, 0x80);
	fake_outb(m, FCR, 0x21);
	EXPECT_EQ(fake_inb(m, IIR) >> 5, 6);
	fake_outb(m, LCR, 0);
	/* no Xscale: IER bit 6 is not there */
	fake_outb(m, IER, 0x40);
	EXPECT_EQ(fake_inb(m, IER) & 0x40, 0);

	/* size_fifo(): count what comes back in a loop */
	fake_outb(m, FCR, 0x07);
	fake_outb(m, MCR, LOOP);
	for (count = 0; count < 256; count++)
		fake_outb(m, THR, count);
	for (count = 0; (fake_inb(m, LSR) & 1) && count < 256; count++)
		fake_inb(m, RBR);
	EXPECT_EQ(count, 16);
}

/* serial8250_startup(): does the chip assert THRE again when it is enabled? */
TEST_F(uart, linux_finds_no_thre_bug)
{
	struct machine *m = &self->m;

	fake_outb(m, MCR, OUT2);
	fake_outb(m, IER, 0);
	fake_outb(m, IER, 0x02);
	EXPECT_EQ(fake_inb(m, IIR) & 1, 0);
	fake_outb(m, IER, 0);
	fake_outb(m, IER, 0x02);
	EXPECT_EQ(fake_inb(m, IIR) & 1, 0);
	fake_outb(m, IER, 0);

	/* UART_BUG_TXEN */
	fake_outb(m, IER, 0x02);
	EXPECT_EQ(fake_inb(m, LSR) & 0x40, 0x40);
	EXPECT_EQ(fake_inb(m, IIR) & 1, 0);
	fake_outb(m, IER, 0);
	EXPECT_FALSE(m->irq[IRQ]);
}

TEST_F(uart, reset)
{
	struct machine *m = &self->m;

	fake_outb(m, MCR, OUT2);
	fake_outb(m, FCR, 0x01);
	fake_outb(m, IER, 0x03);
	fake_input(m, "abc", 3);
	EXPECT_TRUE(m->irq[IRQ]);
	fake_reset(m);
	EXPECT_FALSE(m->irq[IRQ]);
	EXPECT_EQ(fake_inb(m, IER), 0);
	EXPECT_EQ(fake_inb(m, IIR), 0x01);
	EXPECT_EQ(fake_inb(m, LSR), 0x60);
	EXPECT_EQ(m->deadline, NO_DEADLINE);
}

TEST_F(uart, wide_accesses_mean_the_low_byte)
{
	struct machine *m = &self->m;

	fake_out(m, THR, 2, 0x0f41);
	fake_out(m, THR, 4, 0xff0f0f42);
	EXPECT_EQ(m->output_len, 2);
	EXPECT_EQ(memcmp(m->output, "AB", 2), 0);
	EXPECT_EQ(fake_inb(m, IER), 0);
	EXPECT_EQ(fake_in(m, LSR, 2), 0xff60);
	EXPECT_EQ(fake_in(m, RBR, 4), 0xffffff00);
}

TEST_HARNESS_MAIN
