/* SPDX-License-Identifier: GPL-2.0 */
/* Lab 6: a serial port as the 16450 was, which has no FIFO. */
#ifndef LABS_UART_H
#define LABS_UART_H

#include "bus.h"

/**
 * struct uart - a serial port
 * @irqs: where its interrupts go; NULL: nowhere
 * @vector: of its interrupts
 * @send: called with each byte that the guest sends
 * @arg: first argument of @send
 * @lock: for the rest
 * @ier: interrupt enable register
 * @lcr: line control register
 * @mcr: modem control register
 * @scr: scratch register
 * @divisor: divisor latch
 * @rx: the byte that was received last
 * @has_rx: and was not read yet
 * @tx_empty: "transmitter empty" asks for an interrupt
 */
struct uart {
	struct irqs *irqs;
	uint8_t vector;
	void (*send)(void *arg, uint8_t byte);
	void *arg;
	pthread_mutex_t lock;
	uint8_t ier, lcr, mcr, scr;
	uint16_t divisor;
	uint8_t rx;
	bool has_rx, tx_empty;
};

/**
 * uart_init() - a serial port at eight ports
 * @uart: whose @irqs, @vector, @send and @arg are set
 * @bus: gets it
 * @port: the first of its ports
 *
 * Return: 0, or a negative errno of bus_add().
 */
int uart_init(struct uart *uart, struct bus *bus, uint16_t port);

/**
 * uart_receive() - a byte for the guest, from any thread
 * @uart: the serial port
 * @byte: the byte
 *
 * Return: whether there was room for it: the guest has read the last one.
 */
bool uart_receive(struct uart *uart, uint8_t byte);

#endif /* LABS_UART_H */
