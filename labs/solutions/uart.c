// SPDX-License-Identifier: GPL-2.0
/*
 * Lab 6: a serial port as the 16450 was. A byte is sent the moment it is written, so the
 * transmitter is always empty.
 */
#include "uart.h"

enum { DATA, IER, IIR, LCR, MCR, LSR, MSR, SCR, NR_REGS };

#define IER_RX		0x01
#define IER_TX		0x02
#define IIR_NONE	0x01
#define IIR_TX		0x02
#define IIR_RX		0x04
#define LCR_DLAB	0x80
#define LSR_READY	0x01
#define LSR_TX_EMPTY	0x60
#define MSR_ON_LINE	0xb0	/* CTS, DSR, DCD */

/* What asks for an interrupt, the most important first. */
static uint8_t reason(const struct uart *uart)
{
	if (uart->has_rx && (uart->ier & IER_RX))
		return IIR_RX;
	if (uart->tx_empty && (uart->ier & IER_TX))
		return IIR_TX;
	return IIR_NONE;
}

static void interrupt(struct uart *uart)
{
	if (uart->irqs && reason(uart) != IIR_NONE)
		irq_post(uart->irqs, uart->vector);
}

static uint8_t read_data(struct uart *uart)
{
	uart->has_rx = false;
	return uart->rx;
}

/* To read that the transmitter is empty is to have heard it. */
static uint8_t read_iir(struct uart *uart)
{
	uint8_t why = reason(uart);

	if (why == IIR_TX)
		uart->tx_empty = false;
	return why;
}

static uint8_t read_register(struct uart *uart, uint64_t offset)
{
	const bool latch = uart->lcr & LCR_DLAB;

	switch (offset) {
	case DATA:
		return latch ? uart->divisor : read_data(uart);
	case IER:
		return latch ? uart->divisor >> 8 : uart->ier;
	case IIR:
		return read_iir(uart);
	case LCR:
		return uart->lcr;
	case MCR:
		return uart->mcr;
	case LSR:
		return LSR_TX_EMPTY | (uart->has_rx ? LSR_READY : 0);
	case MSR:
		return MSR_ON_LINE;
	default:
		return uart->scr;
	}
}

static void write_data(struct uart *uart, uint8_t byte)
{
	uart->send(uart->arg, byte);
	uart->tx_empty = true;
	interrupt(uart);
}

static void write_register(struct uart *uart, uint64_t offset, uint8_t value)
{
	const bool latch = uart->lcr & LCR_DLAB;

	switch (offset) {
	case DATA:
		if (latch)
			uart->divisor = (uart->divisor & 0xff00) | value;
		else
			write_data(uart, value);
		break;
	case IER:
		if (latch) {
			uart->divisor = (uart->divisor & 0xff) | value << 8;
			break;
		}
		/* Enabled while it is empty, it asks at once. */
		if (value & ~uart->ier & IER_TX)
			uart->tx_empty = true;
		uart->ier = value & 0x0f;
		interrupt(uart);
		break;
	case LCR:
		uart->lcr = value;
		break;
	case MCR:
		uart->mcr = value & 0x1f;
		break;
	case SCR:
		uart->scr = value;
		break;
	}
}

static uint64_t uart_read(void *arg, uint64_t offset, unsigned int size)
{
	struct uart *uart = arg;
	uint64_t value = UINT64_MAX;

	if (size != 1)
		return value;
	pthread_mutex_lock(&uart->lock);
	value = read_register(uart, offset);
	pthread_mutex_unlock(&uart->lock);
	return value;
}

static void uart_write(void *arg, uint64_t offset, unsigned int size, uint64_t value)
{
	struct uart *uart = arg;

	if (size != 1)
		return;
	pthread_mutex_lock(&uart->lock);
	write_register(uart, offset, value);
	pthread_mutex_unlock(&uart->lock);
}

int uart_init(struct uart *uart, struct bus *bus, uint16_t port)
{
	const struct device device = {
		.base = port, .size = NR_REGS, .read = uart_read, .write = uart_write, .arg = uart,
	};

	pthread_mutex_init(&uart->lock, NULL);
	uart->ier = 0;
	uart->lcr = 0;
	uart->mcr = 0;
	uart->scr = 0;
	uart->divisor = 0;
	uart->has_rx = false;
	uart->tx_empty = false;
	return bus_add(bus, &device);
}

bool uart_receive(struct uart *uart, uint8_t byte)
{
	bool room;

	pthread_mutex_lock(&uart->lock);
	room = !uart->has_rx;
	if (room) {
		uart->rx = byte;
		uart->has_rx = true;
		interrupt(uart);
	}
	pthread_mutex_unlock(&uart->lock);
	return room;
}
