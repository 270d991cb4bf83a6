// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "machine.h"

#define NS_PER_S	1000000000ULL

static uint64_t monotonic_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static int create_devices(struct machine *m, struct message *message)
{
	const struct device_class *const *class;

	for (class = device_table; *class; class++)
		m->nr_devices++;
	m->devices = calloc(m->nr_devices + 1, sizeof(*m->devices));
	if (!m->devices)
		return fail(message, "out of memory");

	for (size_t i = 0; i < m->nr_devices; i++) {
		struct device *device = &m->devices[i];

		device->class = device_table[i];
		/* A device with a clock says at the first tick when the next is. */
		device->deadline = device->class->tick ? 0 : NO_DEADLINE;
		errno = 0;
		device->state = device->class->create(m);
		if (!device->state)
			return fail(message, "cannot create device %s: %s",
				    device->class->name, strerror(errno));
		if (device->class == &pic_class)
			m->pic = device->state;
		if (device->class == &ioapic_class)
			m->ioapic = device->state;
		if (device->class == &pci_host_class)
			m->pci = device->state;
		if (device->class == &acpi_pm_class)
			m->pm = device->state;
		if (device->class->input) {
			machine_set_input(m, device->class->input, device->state);
			m->input_device = device;
		}
	}
	return 0;
}

/* Not before all are there: a reset lowers lines of the interrupt controller. */
static void reset_devices(struct machine *m)
{
	size_t i;

	for (i = 0; i < m->nr_devices; i++)
		m->devices[i].class->reset(m->devices[i].state);
}

struct machine *machine_create(const struct machine_config *config,
			       struct message *message)
{
	struct machine *m = calloc(1, sizeof(*m));

	if (!m) {
		fail(message, "out of memory");
		return NULL;
	}
	pthread_mutex_init(&m->lock, NULL);
	m->host = config->host;
	m->memory_size = config->memory_size;
	m->debug_exit_port = config->debug_exit_port;
	m->epoch = monotonic_now();
	m->deadline = NO_DEADLINE;
	m->next_gsi = IOAPIC_PINS;
	if (create_devices(m, message) ||
	    bus_init(&m->bus, m->devices, m->nr_devices, message)) {
		machine_destroy(m);
		return NULL;
	}
	reset_devices(m);
	return m;
}

void machine_destroy(struct machine *m)
{
	size_t i;

	if (!m)
		return;
	bus_free(&m->bus);
	for (i = 0; m->devices && i < m->nr_devices; i++)
		if (m->devices[i].state)
			m->devices[i].class->destroy(m->devices[i].state);
	free(m->devices);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

/* ---- Time ---- */

uint64_t machine_now(const struct machine *m)
{
	return m->paused ? m->paused_at : monotonic_now() - m->epoch;
}

uint64_t machine_to_monotonic(const struct machine *m, uint64_t when)
{
	return m->epoch + when;
}

int64_t machine_wall_clock(const struct machine *m)
{
	(void)m;
	return time(NULL);
}

static void announce_deadline(struct machine *m)
{
	uint64_t earliest = NO_DEADLINE;
	size_t i;

	/* No deadline comes nearer while the clock stands still. */
	for (i = 0; i < m->nr_devices && !m->paused; i++)
		if (m->devices[i].deadline < earliest)
			earliest = m->devices[i].deadline;
	if (earliest != m->deadline) {
		m->deadline = earliest;
		m->host.deadline(m->host.context, earliest);
	}
}

static void tick_device(struct device *device, uint64_t now)
{
	if (device->class->tick)
		device->deadline = device->class->tick(device->state, now);
}

void machine_tick(struct machine *m)
{
	uint64_t now = machine_now(m);
	size_t i;

	for (i = 0; i < m->nr_devices; i++)
		if (m->devices[i].deadline <= now)
			tick_device(&m->devices[i], now);
	/* Whoever called was woken by the old deadline, which is used up. */
	m->deadline = NO_DEADLINE;
	announce_deadline(m);
}

void machine_pause(struct machine *m)
{
	m->paused_at = machine_now(m);
	m->paused = true;
	announce_deadline(m);
}

void machine_resume(struct machine *m)
{
	m->epoch = monotonic_now() - m->paused_at;
	m->paused = false;
	machine_tick(m);
}

/* ---- Input ---- */

void machine_set_input(struct machine *m, size_t (*input)(void *dev, const uint8_t *bytes, size_t len),
		       void *dev)
{
	m->take_input = input;
	m->input_dev = dev;
	m->input_device = NULL;
}

void machine_offer_input(struct machine *m)
{
	while (m->input_length) {
		size_t taken, run = sizeof(m->input) - m->input_start;

		if (run > m->input_length)
			run = m->input_length;
		taken = m->take_input(m->input_dev, m->input + m->input_start, run);
		if (!taken)
			return;
		m->input_start = (m->input_start + taken) % sizeof(m->input);
		m->input_length -= taken;
		if (!m->input_length)
			m->host.input_taken(m->host.context);
	}
}

size_t machine_queue_input(struct machine *m, const uint8_t *bytes, size_t len)
{
	size_t i, room = sizeof(m->input) - m->input_length;

	/* With nobody to take it, it is gone, as on an unplugged cable. */
	if (!m->take_input)
		return len;
	if (len > room)
		len = room;
	for (i = 0; i < len; i++)
		m->input[(m->input_start + m->input_length + i) %
			 sizeof(m->input)] = bytes[i];
	m->input_length += len;
	machine_offer_input(m);
	if (m->input_device) {
		tick_device(m->input_device, machine_now(m));
		announce_deadline(m);
	}
	return len;
}

/* ---- The bus ---- */

/* An access may have set a clock going, or made room for a typed byte. */
static void device_used(void *context, struct device *device)
{
	struct machine *m = context;

	if (device == m->input_device && m->input_length)
		machine_offer_input(m);
	if (device->class->tick) {
		tick_device(device, machine_now(m));
		announce_deadline(m);
	}
}

uint32_t machine_in(struct machine *m, uint16_t port, unsigned int size)
{
	return bus_in(&m->bus, port, size, device_used, m);
}

void machine_out(struct machine *m, uint16_t port, unsigned int size,
		 uint32_t value)
{
	bus_out(&m->bus, port, size, value, device_used, m);
}

static struct device *find_mmio(struct machine *m, uint64_t address, unsigned int size)
{
	size_t i;

	for (i = 0; i < m->nr_devices; i++) {
		const struct mmio_range *range = m->devices[i].class->mmio;

		for (; range && range->last; range++)
			if (address >= range->first && address + (size - 1) <= range->last)
				return &m->devices[i];
	}
	return NULL;
}

bool machine_read(struct machine *m, uint64_t address, unsigned int size, uint64_t *value)
{
	struct device *device = find_mmio(m, address, size);

	if (!device)
		return false;
	*value = device->class->read(device->state, address, size);
	device_used(m, device);
	return true;
}

bool machine_write(struct machine *m, uint64_t address, unsigned int size, uint64_t value)
{
	struct device *device = find_mmio(m, address, size);

	if (!device)
		return false;
	device->class->write(device->state, address, size, value);
	device_used(m, device);
	return true;
}

void machine_eoi(struct machine *m, uint8_t vector)
{
	ioapic_eoi(m->ioapic, vector);
}

bool machine_press_power_button(struct machine *m)
{
	return acpi_pm_press_button(m->pm);
}

/* ---- What devices call ---- */

void machine_lock(struct machine *m)
{
	pthread_mutex_lock(&m->lock);
}

void machine_unlock(struct machine *m)
{
	pthread_mutex_unlock(&m->lock);
}

/* The timer is at the I/O APIC's pin 2, where the PIC would be cascaded. */
static unsigned int pin_of_line(unsigned int line)
{
	return line == 0 ? 2 : line;
}

void machine_set_irq(struct machine *m, unsigned int line, bool level)
{
	if (m->pic)
		pic_set_irq(m->pic, line, level);
	if (m->ioapic)
		ioapic_set_pin(m->ioapic, pin_of_line(line), level);
}

void machine_msi(struct machine *m, uint64_t address, uint32_t data)
{
	m->host.msi(m->host.context, address, data);
}

int machine_ioeventfd(struct machine *m, uint64_t address, int fd, bool on)
{
	return m->host.ioeventfd(m->host.context, address, fd, on);
}

unsigned int machine_new_gsi(struct machine *m)
{
	return m->next_gsi++;
}

int machine_irqfd(struct machine *m, unsigned int gsi, int fd, uint64_t address, uint32_t data)
{
	return m->host.irqfd(m->host.context, gsi, fd, address, data);
}

int machine_plug(struct machine *m, struct pci_device *dev)
{
	return pci_plug(m->pci, dev);
}

void machine_set_intr(struct machine *m, bool level)
{
	bool rose = level && !m->intr;

	m->intr = level;
	if (rose)
		m->host.intr(m->host.context);
}

uint8_t machine_acknowledge(struct machine *m)
{
	return pic_acknowledge(m->pic);
}

void machine_output(struct machine *m, const uint8_t *bytes, size_t len)
{
	m->host.output(m->host.context, bytes, len);
}

void machine_output_wait(struct machine *m)
{
	m->host.output_wait(m->host.context);
}

void machine_stop(struct machine *m, enum machine_stop why, uint32_t value)
{
	m->host.stopped(m->host.context, why, value);
}

uint64_t machine_memory_size(const struct machine *m)
{
	return m->memory_size;
}

uint16_t machine_debug_exit_port(const struct machine *m)
{
	return m->debug_exit_port;
}
