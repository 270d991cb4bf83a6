// SPDX-License-Identifier: GPL-2.0
/*
 * An 8042 keyboard controller, ports 0x60 and 0x64, without a keyboard and
 * without a mouse port.
 *
 * It passes its self test and finds its keyboard line sound; a byte sent to the
 * keyboard comes back as 0xfe with the time-out flag, at once, as if the
 * controller had waited for an answer in vain. A mouse port is denied as an
 * AT's controller denies it: its test fails, and what is put into its output
 * buffer comes out of the keyboard's. So a driver needs no time-outs of its
 * own to find out what there is.
 *
 * The reset line is output port bit 0, which command 0xfe pulses low. The A20
 * gate is only remembered: memory has no wrap at 1 MiB here.
 */
#include <stdlib.h>

#include "device.h"
#include "isa.h"

#define BIT(n)		(1u << (n))
#define I8042_DATA	0x60
#define I8042_COMMAND	0x64
#define KEYBOARD_IRQ	1

/* The status, read at the command port */
#define STATUS_FULL	BIT(0)	/* the output buffer holds a byte */
#define STATUS_SYSTEM	BIT(2)	/* as in the command byte */
#define STATUS_COMMAND	BIT(3)	/* the last write was a command */
#define STATUS_UNLOCKED	BIT(4)	/* the keyboard's key switch */
#define STATUS_TIMEOUT	BIT(6)

/* The command byte, byte 0 of the RAM */
#define CMDBYTE_IRQ	BIT(0)	/* interrupt when the buffer is filled */
#define CMDBYTE_SYSTEM	BIT(2)
#define CMDBYTE_NO_KBD	BIT(4)
#define CMDBYTE_NO_AUX	BIT(5)
#define CMDBYTE_XLATE	BIT(6)

/* Commands. Those with a range carry a RAM address or output port bits. */
#define CMD_READ_RAM	0x20	/* to 0x3f */
#define CMD_WRITE_RAM	0x60	/* to 0x7f */
#define CMD_AUX_OFF	0xa7
#define CMD_AUX_ON	0xa8
#define CMD_AUX_TEST	0xa9
#define CMD_SELF_TEST	0xaa
#define CMD_KBD_TEST	0xab
#define CMD_KBD_OFF	0xad
#define CMD_KBD_ON	0xae
#define CMD_READ_INPUT	0xc0
#define CMD_READ_OUTPUT	0xd0
#define CMD_WRITE_OUTPUT 0xd1
#define CMD_KBD_LOOP	0xd2
#define CMD_AUX_LOOP	0xd3
#define CMD_AUX_SEND	0xd4
#define CMD_PULSE	0xf0	/* to 0xff: a clear bit is pulsed low */

#define SELF_TEST_OK	0x55
#define LINE_OK		0x00
#define LINE_CLOCK_LOW	0x01	/* the clock is stuck low: nothing is there */
#define NO_ANSWER	0xfe

#define INPUT_UNLOCKED	BIT(7)

#define OUTPUT_RUN	BIT(0)	/* the CPU's reset line, active low */
#define OUTPUT_A20	BIT(1)
#define OUTPUT_IRQ	BIT(4)

struct i8042 {
	struct machine *m;
	bool irq;		/* as the PIC was last told */

	uint8_t ram[32];
	uint8_t output_port;
	uint8_t buffer;
	bool full;
	bool timed_out;		/* @buffer stands for an answer that is missing */
	bool last_was_command;
	uint8_t waiting;	/* the command whose data byte comes next, or 0 */
};

static void update_irq(struct i8042 *k)
{
	bool irq = k->full && (k->ram[0] & CMDBYTE_IRQ);

	if (irq != k->irq) {
		k->irq = irq;
		machine_set_irq(k->m, KEYBOARD_IRQ, irq);
	}
}

static void reply(struct i8042 *k, uint8_t byte)
{
	k->buffer = byte;
	k->full = true;
	k->timed_out = false;
}

static void no_answer(struct i8042 *k)
{
	reply(k, NO_ANSWER);
	k->timed_out = true;
}

static void write_output_port(struct i8042 *k, uint8_t value)
{
	k->output_port = value & OUTPUT_A20;
	if (!(value & OUTPUT_RUN))
		machine_stop(k->m, STOP_RESET, 0);
}

static uint8_t read_output_port(const struct i8042 *k)
{
	return k->output_port | OUTPUT_RUN | (k->irq ? OUTPUT_IRQ : 0);
}

static void write_command(struct i8042 *k, uint8_t command)
{
	k->waiting = 0;
	k->last_was_command = true;

	switch (command) {
	case CMD_READ_RAM ... CMD_READ_RAM + 31:
		reply(k, k->ram[command & 31]);
		break;
	case CMD_WRITE_RAM ... CMD_WRITE_RAM + 31:
	case CMD_WRITE_OUTPUT:
	case CMD_KBD_LOOP:
	case CMD_AUX_LOOP:
	case CMD_AUX_SEND:
		k->waiting = command;
		break;
	case CMD_AUX_OFF:
		k->ram[0] |= CMDBYTE_NO_AUX;
		break;
	case CMD_AUX_ON:
		k->ram[0] &= ~CMDBYTE_NO_AUX;
		break;
	case CMD_AUX_TEST:
		reply(k, LINE_CLOCK_LOW);
		break;
	case CMD_SELF_TEST:
		k->ram[0] |= CMDBYTE_SYSTEM;
		reply(k, SELF_TEST_OK);
		break;
	case CMD_KBD_TEST:
		reply(k, LINE_OK);
		break;
	case CMD_KBD_OFF:
		k->ram[0] |= CMDBYTE_NO_KBD;
		break;
	case CMD_KBD_ON:
		k->ram[0] &= ~CMDBYTE_NO_KBD;
		break;
	case CMD_READ_INPUT:
		reply(k, INPUT_UNLOCKED);
		break;
	case CMD_READ_OUTPUT:
		reply(k, read_output_port(k));
		break;
	case CMD_PULSE ... CMD_PULSE + 15:
		if (!(command & OUTPUT_RUN))
			machine_stop(k->m, STOP_RESET, 0);
		break;
	default:
		break;		/* the controller's program knows no others */
	}
}

static void write_data(struct i8042 *k, uint8_t value)
{
	uint8_t command = k->waiting;

	k->waiting = 0;
	k->last_was_command = false;

	switch (command) {
	case CMD_WRITE_RAM ... CMD_WRITE_RAM + 31:
		k->ram[command & 31] = value;
		break;
	case CMD_WRITE_OUTPUT:
		write_output_port(k, value);
		break;
	case CMD_KBD_LOOP:
	case CMD_AUX_LOOP:
		reply(k, value);
		break;
	default:
		/* for the keyboard, or by CMD_AUX_SEND the mouse */
		no_answer(k);
		break;
	}
}

static uint8_t read_status(const struct i8042 *k)
{
	uint8_t status = STATUS_UNLOCKED;

	if (k->full)
		status |= STATUS_FULL;
	if (k->ram[0] & CMDBYTE_SYSTEM)
		status |= STATUS_SYSTEM;
	if (k->last_was_command)
		status |= STATUS_COMMAND;
	if (k->timed_out)
		status |= STATUS_TIMEOUT;
	return status;
}

static const struct port_range i8042_ports[] = {
	{ I8042_DATA, I8042_DATA }, { I8042_COMMAND, I8042_COMMAND }, { 0, 0 }
};

static uint32_t i8042_in(void *dev, uint16_t port, unsigned int size)
{
	struct i8042 *k = dev;

	if (port == I8042_COMMAND)
		return isa_byte(read_status(k), size);

	/* an empty buffer still shows its last byte */
	k->full = false;
	k->timed_out = false;
	update_irq(k);
	return isa_byte(k->buffer, size);
}

static void i8042_out(void *dev, uint16_t port, unsigned int size,
		      uint32_t value)
{
	struct i8042 *k = dev;

	(void)size;
	if (port == I8042_COMMAND)
		write_command(k, value);
	else
		write_data(k, value);
	update_irq(k);
}

static void power_on(struct i8042 *k)
{
	*k = (struct i8042){
		.m = k->m,
		.irq = k->irq,
		.ram[0] = CMDBYTE_XLATE | CMDBYTE_NO_AUX | CMDBYTE_SYSTEM,
		.output_port = OUTPUT_A20,
	};
}

static void i8042_reset(void *dev)
{
	struct i8042 *k = dev;

	power_on(k);
	update_irq(k);
}

static void *i8042_create(struct machine *m)
{
	struct i8042 *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	k->m = m;
	power_on(k);
	return k;
}

const struct device_class i8042_class = {
	.name = "i8042",
	.ports = i8042_ports,
	.create = i8042_create,
	.destroy = free,
	.reset = i8042_reset,
	.in = i8042_in,
	.out = i8042_out,
};
