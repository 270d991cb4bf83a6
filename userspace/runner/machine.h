/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The machine around the CPU: its devices on their bus, the interrupt line, the
 * clock, and the queue of what the user typed.
 *
 * Knows neither threads nor descriptors: what has to happen outside is asked of
 * struct machine_host. Everything here but machine_create() and
 * machine_destroy() is called with @lock held.
 */
#ifndef MACHINE_H
#define MACHINE_H

#include <pthread.h>

#include "bus.h"
#include "device.h"
#include "message.h"
#include "pci.h"

#define MACHINE_INPUT_SIZE	1024

/**
 * struct machine_host - what the machine asks of its surroundings
 * @context: passed to each
 * @intr: the INTR line rose
 * @deadline: machine_tick() is due at @when, ns of machine_now(), and no longer
 *            when it was due before; NO_DEADLINE: never
 * @output: bytes for the user's terminal
 * @output_wait: see machine_output_wait(); called without the lock, and may block
 * @input_taken: the queue of typed bytes is empty again
 * @stopped: a device stopped the machine
 * @msi: a device sent a message to the local APICs
 * @ioeventfd: see machine_ioeventfd()
 * @irqfd: see machine_irqfd()
 *
 * All are called with the machine's lock held and must not block.
 */
struct machine_host {
	void *context;
	void (*intr)(void *context);
	void (*deadline)(void *context, uint64_t when);
	void (*output)(void *context, const uint8_t *bytes, size_t len);
	void (*output_wait)(void *context);
	void (*input_taken)(void *context);
	void (*stopped)(void *context, enum machine_stop why, uint32_t value);
	void (*msi)(void *context, uint64_t address, uint32_t data);
	int (*ioeventfd)(void *context, uint64_t address, int fd, bool on);
	int (*irqfd)(void *context, unsigned int gsi, int fd, uint64_t address, uint32_t data);
};

/**
 * struct machine - a machine
 * @lock: protects all below, and the devices
 * @host: its surroundings
 * @memory_size: bytes of RAM
 * @debug_exit_port: or 0
 * @epoch: CLOCK_MONOTONIC when it was created, ns, and later by what it was paused
 * @paused: its clock stands still
 * @paused_at: since that time, of machine_now()
 * @devices: those of device_table
 * @nr_devices: how many
 * @pic: the interrupt controller's state
 * @ioapic: the I/O APIC's
 * @pci: the PCI host bridge's
 * @next_gsi: the next that machine_new_gsi() gives
 * @pm: ACPI's power management's
 * @take_input: takes what the user types, or NULL: nobody does
 * @input_dev: passed to it
 * @input_device: the device that this is, or NULL: one on the PCI bus
 * @bus: its ports
 * @intr: level of the INTR line
 * @deadline: the earliest of all devices'
 * @input: typed bytes that no device took yet
 * @input_start: index of the first of them
 * @input_length: how many
 */
struct machine {
	pthread_mutex_t lock;
	struct machine_host host;
	uint64_t memory_size;
	uint16_t debug_exit_port;
	uint64_t epoch;
	bool paused;
	uint64_t paused_at;
	struct device *devices;
	size_t nr_devices;
	void *pic;
	void *ioapic;
	void *pci;
	unsigned int next_gsi;
	void *pm;
	size_t (*take_input)(void *dev, const uint8_t *bytes, size_t len);
	void *input_dev;
	struct device *input_device;
	struct bus bus;
	bool intr;
	uint64_t deadline;
	uint8_t input[MACHINE_INPUT_SIZE];
	size_t input_start;
	size_t input_length;
};

struct machine_config {
	uint64_t memory_size;
	uint16_t debug_exit_port;
	struct machine_host host;
};

/* NULL with a message on failure. */
struct machine *machine_create(const struct machine_config *config,
			       struct message *message);
void machine_destroy(struct machine *m);

uint32_t machine_in(struct machine *m, uint16_t port, unsigned int size);
void machine_out(struct machine *m, uint16_t port, unsigned int size,
		 uint32_t value);

/* False if no device answers there. */
bool machine_read(struct machine *m, uint64_t address, unsigned int size, uint64_t *value);
bool machine_write(struct machine *m, uint64_t address, unsigned int size, uint64_t value);
/* The guest has ended a level-triggered interrupt. */
void machine_eoi(struct machine *m, uint8_t vector);

/* The user presses the power button; whether the guest has asked ACPI to be told. */
bool machine_press_power_button(struct machine *m);

/* Let the devices do what is due, and announce the next deadline. */
void machine_tick(struct machine *m);

/* Stop its clock, and let it go on. */
void machine_pause(struct machine *m);
void machine_resume(struct machine *m);

/* The CPU's answer to INTR: the vector to deliver. */
uint8_t machine_acknowledge(struct machine *m);

/* Queue typed bytes; returns how many there was room for. */
size_t machine_queue_input(struct machine *m, const uint8_t *bytes, size_t len);

/* When @when (ns of machine_now()) is on CLOCK_MONOTONIC, ns. */
uint64_t machine_to_monotonic(const struct machine *m, uint64_t when);

#endif /* MACHINE_H */
