/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A machine for one device under test: a clock that stands until the test moves
 * it, and a record of all that the device did to the machine.
 */
#ifndef FAKE_MACHINE_H
#define FAKE_MACHINE_H

#include <pthread.h>

#include "../../userspace/devices/device.h"

#define FAKE_NS		1000000000ull
#define FAKE_MS		1000000ull
#define FAKE_US		1000ull
#define FAKE_LINES	16
#define FAKE_DOORS	64

/* An eventfd that was handed to the machine: by its address, or by its number. */
struct fake_door {
	uint64_t address;
	uint32_t data;
	unsigned int gsi;
	int fd;
};

/**
 * struct machine - what the device sees, and what it did
 * @now: machine_now(); move it with fake_run() or by hand
 * @wall: machine_wall_clock() at time 0; it moves with @now
 * @memory_size: machine_memory_size()
 * @debug_exit_port: machine_debug_exit_port()
 * @irq: level of each interrupt line
 * @rises: how often each rose
 * @intr: level of INTR
 * @intr_rises: how often it rose
 * @msis: calls of machine_msi()
 * @msi_address: of the last
 * @msi_data: of the last
 * @lock: machine_lock(), as soon as fake_threads() was called
 * @has_threads: it was
 * @next_gsi: of machine_new_gsi()
 * @ioeventfds: those that are on
 * @irqfds: likewise
 * @nr_ioeventfds: how many
 * @nr_irqfds: how many
 * @output: what was sent to the terminal
 * @output_len: bytes of it, those that did not fit included
 * @take_input: of machine_set_input()
 * @input_dev: likewise
 * @offers: calls of machine_offer_input()
 * @stops: calls of machine_stop()
 * @why: of the last
 * @value: of the last
 * @class: the device
 * @dev: its state
 * @deadline: what its tick() said last
 */
struct machine {
	uint64_t now;
	int64_t wall;
	uint64_t memory_size;
	uint16_t debug_exit_port;

	bool irq[FAKE_LINES];
	unsigned int rises[FAKE_LINES];
	bool intr;
	unsigned int intr_rises;
	unsigned int msis;
	uint64_t msi_address;
	uint32_t msi_data;
	pthread_mutex_t lock;
	bool has_threads;
	unsigned int next_gsi;
	struct fake_door ioeventfds[FAKE_DOORS];
	struct fake_door irqfds[FAKE_DOORS];
	unsigned int nr_ioeventfds;
	unsigned int nr_irqfds;
	uint8_t output[4096];
	size_t output_len;
	size_t (*take_input)(void *dev, const uint8_t *bytes, size_t len);
	void *input_dev;
	unsigned int offers;
	unsigned int stops;
	enum machine_stop why;
	uint32_t value;

	const struct device_class *class;
	void *dev;
	uint64_t deadline;
};

/* A machine with this device in it, at time 0. False if it cannot be made. */
bool fake_create(struct machine *m, const struct device_class *class);
void fake_destroy(struct machine *m);

/* Access the device as the runner does, with a tick behind each access. */
uint8_t fake_inb(struct machine *m, uint16_t port);
uint32_t fake_in(struct machine *m, uint16_t port, unsigned int size);
void fake_outb(struct machine *m, uint16_t port, uint8_t value);
void fake_out(struct machine *m, uint16_t port, unsigned int size,
	      uint32_t value);
size_t fake_input(struct machine *m, const void *bytes, size_t len);
void fake_reset(struct machine *m);

/* Let @ns pass, with each of the device's ticks in time. Returns the ticks. */
unsigned int fake_run(struct machine *m, uint64_t ns);

/* Let @ns pass in one leap, as on a host that was busy, then tick once. */
void fake_leap(struct machine *m, uint64_t ns);

/* Threads may take the machine's lock; the test does so around its accesses. */
void fake_threads(struct machine *m);

/*
 * A write to where an ioeventfd may be: signals that, or is an access to the device.
 */
void fake_write(struct machine *m, uint64_t address, unsigned int size, uint64_t value);
uint64_t fake_read(struct machine *m, uint64_t address, unsigned int size);
/*
 * Wait at most @ms for a message, as irqfds send them, and take it. NULL if none came.
 */
const struct fake_door *fake_message(struct machine *m, int ms);

/* Does one of the class's ranges cover @port? */
bool fake_claims(const struct machine *m, uint16_t port);

#endif /* FAKE_MACHINE_H */
