// SPDX-License-Identifier: GPL-2.0
/*
 * A 16550A serial port, COM1: ports 0x3f8 to 0x3ff, IRQ 4.
 *
 * The line is perfect and its far end, the user's terminal, always ready:
 * parity, framing and break errors do not happen, and CTS, DSR and DCD are on.
 * A byte is sent the moment it is written, so the transmitter is always empty.
 * A byte is taken from the user only when there is room for it; only the
 * loopback mode can overrun the receiver.
 */
#include <stdlib.h>

#include "device.h"
#include "isa.h"

#define BIT(n)		(1u << (n))
#define COM1_PORT	0x3f8
#define COM1_IRQ	4
#define FIFO_SIZE	16
#define BAUD_BASE	1843200		/* Hz of the crystal; 16 ticks a bit */

/* Registers; the first two are the divisor's bytes while LCR_DLAB is set. */
enum {
	REG_DATA,	/* RBR, THR or DLL */
	REG_IER,	/* or DLM */
	REG_IIR,	/* written: FCR */
	REG_LCR,
	REG_MCR,
	REG_LSR,
	REG_MSR,
	REG_SCR,
};

#define IER_RX		BIT(0)
#define IER_TX		BIT(1)
#define IER_LINE	BIT(2)
#define IER_MODEM	BIT(3)
#define IER_ALL		0x0f

/* IIR: what to do about it, highest priority first */
#define IIR_LINE	0x06
#define IIR_RX		0x04
#define IIR_TIMEOUT	0x0c
#define IIR_TX		0x02
#define IIR_MODEM	0x00
#define IIR_NONE	0x01
#define IIR_FIFO	0xc0	/* the FIFOs are on */

#define FCR_ENABLE	BIT(0)
#define FCR_CLEAR_RX	BIT(1)
#define FCR_TRIGGER(v)	((v) >> 6 & 3)

#define LCR_BITS(v)	(5 + ((v) & 3))
#define LCR_STOP2	BIT(2)
#define LCR_PARITY	BIT(3)
#define LCR_DLAB	BIT(7)

#define MCR_DTR		BIT(0)
#define MCR_RTS		BIT(1)
#define MCR_OUT1	BIT(2)
#define MCR_OUT2	BIT(3)
#define MCR_LOOP	BIT(4)
#define MCR_ALL		0x1f

#define LSR_READY	BIT(0)
#define LSR_OVERRUN	BIT(1)
#define LSR_TX_EMPTY	(BIT(5) | BIT(6))	/* THRE and TEMT */

#define MSR_DELTA_CTS	BIT(0)
#define MSR_DELTA_DSR	BIT(1)
#define MSR_RI_ENDED	BIT(2)
#define MSR_DELTA_DCD	BIT(3)
#define MSR_DELTAS	0x0f
#define MSR_CTS		BIT(4)
#define MSR_DSR		BIT(5)
#define MSR_RI		BIT(6)
#define MSR_DCD		BIT(7)

struct uart {
	struct machine *m;
	bool irq;		/* as the PIC was last told */

	uint8_t ier;
	uint8_t lcr;
	uint8_t mcr;
	uint8_t msr;
	uint8_t scr;
	uint16_t divisor;

	bool overrun;
	bool tx_request;	/* "transmitter empty" was not seen yet */

	bool fifo_on;
	uint8_t trigger;	/* bytes that make an RX interrupt */
	uint8_t rx[FIFO_SIZE];
	uint8_t rx_head;
	uint8_t rx_len;
	bool timed_out;
	uint64_t timeout;	/* when bytes below the trigger get old */
};

static unsigned int rx_size(const struct uart *u)
{
	return u->fifo_on ? FIFO_SIZE : 1;
}

/* The time in ns that four characters take on the line. */
static uint64_t four_characters(const struct uart *u)
{
	unsigned int bits = 1 + LCR_BITS(u->lcr) + 1;
	uint64_t divisor = u->divisor ? u->divisor : 1;

	bits += !!(u->lcr & LCR_PARITY) + !!(u->lcr & LCR_STOP2);
	return 4 * bits * 16 * divisor * 1000000000ull / BAUD_BASE;
}

/* Start the time-out anew, since the FIFO was read or filled just now. */
static void restart_timeout(struct uart *u)
{
	u->timed_out = false;
	if (u->fifo_on && u->rx_len)
		u->timeout = machine_now(u->m) + four_characters(u);
	else
		u->timeout = NO_DEADLINE;
}

/* The reason for an interrupt, as IIR reports it. */
static uint8_t pending(const struct uart *u)
{
	if ((u->ier & IER_LINE) && u->overrun)
		return IIR_LINE;
	if ((u->ier & IER_RX) && u->rx_len >= u->trigger)
		return IIR_RX;
	if ((u->ier & IER_RX) && u->timed_out)
		return IIR_TIMEOUT;
	if ((u->ier & IER_TX) && u->tx_request)
		return IIR_TX;
	if ((u->ier & IER_MODEM) && (u->msr & MSR_DELTAS))
		return IIR_MODEM;
	return IIR_NONE;
}

/*
 * A PC's serial card puts a gate behind the interrupt pin, and OUT2 opens it.
 * Loopback turns the modem control pins off and so closes the gate.
 */
static void update_irq(struct uart *u)
{
	bool gate = (u->mcr & MCR_OUT2) && !(u->mcr & MCR_LOOP);
	bool irq = gate && pending(u) != IIR_NONE;

	if (irq != u->irq) {
		u->irq = irq;
		machine_set_irq(u->m, COM1_IRQ, irq);
	}
}

static void clear_rx(struct uart *u)
{
	u->rx_len = 0;
	restart_timeout(u);
}

static void receive(struct uart *u, uint8_t byte)
{
	if (u->rx_len < rx_size(u)) {
		u->rx[(u->rx_head + u->rx_len) % FIFO_SIZE] = byte;
		u->rx_len++;
	} else {
		/* a FIFO keeps what it has, the single register does not */
		if (!u->fifo_on)
			u->rx[u->rx_head] = byte;
		u->overrun = true;
	}
	restart_timeout(u);
}

static void transmit(struct uart *u, uint8_t byte)
{
	/* full for no time at all, but that is an edge for the PIC */
	u->tx_request = false;
	update_irq(u);

	if (u->mcr & MCR_LOOP)
		receive(u, byte);
	else
		machine_output(u->m, &byte, 1);
	u->tx_request = true;
}

/* The modem's lines: those of an ever ready terminal, or our own in a loop. */
static uint8_t modem_lines(const struct uart *u)
{
	uint8_t lines = 0;

	if (!(u->mcr & MCR_LOOP))
		return MSR_CTS | MSR_DSR | MSR_DCD;

	if (u->mcr & MCR_RTS)
		lines |= MSR_CTS;
	if (u->mcr & MCR_DTR)
		lines |= MSR_DSR;
	if (u->mcr & MCR_OUT1)
		lines |= MSR_RI;
	if (u->mcr & MCR_OUT2)
		lines |= MSR_DCD;
	return lines;
}

static void write_mcr(struct uart *u, uint8_t value)
{
	uint8_t lines, changed;

	u->mcr = value & MCR_ALL;
	lines = modem_lines(u);
	changed = lines ^ (u->msr & ~MSR_DELTAS);

	if (changed & MSR_CTS)
		u->msr |= MSR_DELTA_CTS;
	if (changed & MSR_DSR)
		u->msr |= MSR_DELTA_DSR;
	if (changed & MSR_RI & ~lines)
		u->msr |= MSR_RI_ENDED;
	if (changed & MSR_DCD)
		u->msr |= MSR_DELTA_DCD;
	u->msr = lines | (u->msr & MSR_DELTAS);
}

static void write_ier(struct uart *u, uint8_t value)
{
	/* the transmitter is empty: say so when asked to from now on */
	if (value & ~u->ier & IER_TX)
		u->tx_request = true;
	u->ier = value & IER_ALL;
}

static void write_fcr(struct uart *u, uint8_t value)
{
	static const uint8_t triggers[] = { 1, 4, 8, 14 };
	bool on = value & FCR_ENABLE;

	if (on != u->fifo_on) {
		u->fifo_on = on;
		u->trigger = 1;
		clear_rx(u);
	}
	if (!on)
		return;		/* the other bits count only beside this one */
	/* the transmitter has nothing to clear */
	u->trigger = triggers[FCR_TRIGGER(value)];
	if (value & FCR_CLEAR_RX)
		clear_rx(u);
}

static uint8_t read_rbr(struct uart *u)
{
	uint8_t byte = u->rx[u->rx_head];

	/* the single register shows its last byte again, an empty FIFO none */
	if (!u->rx_len)
		return u->fifo_on ? 0 : byte;

	u->rx_len--;
	if (u->fifo_on)
		u->rx_head = (u->rx_head + 1) % FIFO_SIZE;
	restart_timeout(u);
	return byte;
}

static uint8_t read_iir(struct uart *u)
{
	uint8_t iir = pending(u);

	/* the one interrupt that ends with being told */
	if (iir == IIR_TX)
		u->tx_request = false;
	return iir | (u->fifo_on ? IIR_FIFO : 0);
}

static uint8_t read_lsr(struct uart *u)
{
	uint8_t lsr = LSR_TX_EMPTY;

	if (u->rx_len)
		lsr |= LSR_READY;
	if (u->overrun)
		lsr |= LSR_OVERRUN;
	u->overrun = false;
	return lsr;
}

static uint8_t read_msr(struct uart *u)
{
	uint8_t msr = u->msr;

	u->msr &= ~MSR_DELTAS;
	return msr;
}

static uint8_t read_reg(struct uart *u, unsigned int reg)
{
	bool dlab = u->lcr & LCR_DLAB;

	switch (reg) {
	case REG_DATA:
		return dlab ? u->divisor & 0xff : read_rbr(u);
	case REG_IER:
		return dlab ? u->divisor >> 8 : u->ier;
	case REG_IIR:
		return read_iir(u);
	case REG_LCR:
		return u->lcr;
	case REG_MCR:
		return u->mcr;
	case REG_LSR:
		return read_lsr(u);
	case REG_MSR:
		return read_msr(u);
	default:
		return u->scr;
	}
}

static void write_reg(struct uart *u, unsigned int reg, uint8_t value)
{
	bool dlab = u->lcr & LCR_DLAB;

	switch (reg) {
	case REG_DATA:
		if (dlab)
			u->divisor = (u->divisor & 0xff00) | value;
		else
			transmit(u, value);
		break;
	case REG_IER:
		if (dlab)
			u->divisor = value << 8 | (u->divisor & 0xff);
		else
			write_ier(u, value);
		break;
	case REG_IIR:
		write_fcr(u, value);
		break;
	case REG_LCR:
		u->lcr = value;
		break;
	case REG_MCR:
		write_mcr(u, value);
		break;
	case REG_LSR:
	case REG_MSR:
		break;		/* writing these is for the factory */
	default:
		u->scr = value;
		break;
	}
}

static const struct port_range uart_ports[] = {
	{ COM1_PORT, COM1_PORT + 7 }, { 0, 0 }
};

static uint32_t uart_in(void *dev, uint16_t port, unsigned int size)
{
	struct uart *u = dev;
	uint8_t value = read_reg(u, port - COM1_PORT);

	update_irq(u);
	return isa_byte(value, size);
}

static void uart_out(void *dev, uint16_t port, unsigned int size, uint32_t value)
{
	struct uart *u = dev;

	(void)size;
	write_reg(u, port - COM1_PORT, value);
	update_irq(u);
}

static uint64_t uart_tick(void *dev, uint64_t now)
{
	struct uart *u = dev;

	if (now >= u->timeout) {
		u->timeout = NO_DEADLINE;
		u->timed_out = true;
		update_irq(u);
	}
	return u->timeout;
}

static size_t uart_input(void *dev, const uint8_t *bytes, size_t len)
{
	struct uart *u = dev;
	size_t taken = 0;

	/* a loop cuts the receiver off: let the bytes wait for its end */
	if (u->mcr & MCR_LOOP)
		return 0;

	while (taken < len && u->rx_len < rx_size(u))
		receive(u, bytes[taken++]);
	update_irq(u);
	return taken;
}

static void power_on(struct uart *u)
{
	*u = (struct uart){
		.m = u->m,
		.irq = u->irq,
		.msr = MSR_CTS | MSR_DSR | MSR_DCD,
		.divisor = 12,	/* 9600 baud, where firmware leaves it */
		.trigger = 1,
		.timeout = NO_DEADLINE,
	};
}

static void uart_reset(void *dev)
{
	struct uart *u = dev;

	power_on(u);
	update_irq(u);
}

static void *uart_create(struct machine *m)
{
	struct uart *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	u->m = m;
	power_on(u);
	return u;
}

const struct device_class uart16550_class = {
	.name = "uart16550",
	.ports = uart_ports,
	.create = uart_create,
	.destroy = free,
	.reset = uart_reset,
	.in = uart_in,
	.out = uart_out,
	.tick = uart_tick,
	.input = uart_input,
};
