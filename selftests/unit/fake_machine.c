// SPDX-License-Identifier: GPL-2.0
#include <assert.h>
#include <string.h>

#include "fake_machine.h"

static void tick(struct machine *m)
{
	if (m->class->tick)
		m->deadline = m->class->tick(m->dev, m->now);
}

bool fake_create(struct machine *m, const struct device_class *class)
{
	m->class = class;
	m->deadline = NO_DEADLINE;
	m->dev = class->create(m);
	return m->dev;
}

void fake_destroy(struct machine *m)
{
	m->class->destroy(m->dev);
	m->dev = NULL;
}

uint32_t fake_in(struct machine *m, uint16_t port, unsigned int size)
{
	uint32_t value = m->class->in(m->dev, port, size);

	/* the contract of device_class.in */
	assert(size == 4 || value >> 8 * size == 0);
	tick(m);
	return value;
}

uint8_t fake_inb(struct machine *m, uint16_t port)
{
	return fake_in(m, port, 1);
}

void fake_out(struct machine *m, uint16_t port, unsigned int size,
	      uint32_t value)
{
	m->class->out(m->dev, port, size, value);
	tick(m);
}

void fake_outb(struct machine *m, uint16_t port, uint8_t value)
{
	fake_out(m, port, 1, value);
}

size_t fake_input(struct machine *m, const void *bytes, size_t len)
{
	size_t taken = m->class->input(m->dev, bytes, len);

	assert(taken <= len);
	tick(m);
	return taken;
}

void fake_reset(struct machine *m)
{
	m->class->reset(m->dev);
	tick(m);
}

unsigned int fake_run(struct machine *m, uint64_t ns)
{
	uint64_t end = m->now + ns;
	unsigned int ticks = 0;

	while (m->deadline <= end) {
		if (m->deadline > m->now)
			m->now = m->deadline;
		tick(m);
		ticks++;
	}
	m->now = end;
	return ticks;
}

void fake_leap(struct machine *m, uint64_t ns)
{
	m->now += ns;
	tick(m);
}

static bool covers(const struct port_range *range, uint16_t port)
{
	for (; range && (range->first || range->last); range++)
		if (range->first <= port && port <= range->last)
			return true;
	return false;
}

bool fake_claims(const struct machine *m, uint16_t port)
{
	return covers(m->class->ports, port) ||
	       (m->class->dyn_ports &&
		covers(m->class->dyn_ports(m->dev), port));
}

/* ---- What devices call ---- */

uint64_t machine_now(const struct machine *m)
{
	return m->now;
}

int64_t machine_wall_clock(const struct machine *m)
{
	return m->wall + (int64_t)(m->now / FAKE_NS);
}

void machine_set_irq(struct machine *m, unsigned int line, bool level)
{
	assert(line < FAKE_LINES);
	/* a device tells changes only, and none while it is being created */
	assert(m->dev && level != m->irq[line]);
	m->irq[line] = level;
	m->rises[line] += level;
}

void machine_set_intr(struct machine *m, bool level)
{
	assert(m->dev && level != m->intr);
	m->intr = level;
	m->intr_rises += level;
}

void machine_output(struct machine *m, const uint8_t *bytes, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++, m->output_len++)
		if (m->output_len < sizeof(m->output))
			m->output[m->output_len] = bytes[i];
}

void machine_output_wait(struct machine *m)
{
}

void machine_set_input(struct machine *m,
		       size_t (*input)(void *dev, const uint8_t *bytes, size_t len), void *dev)
{
	m->take_input = input;
	m->input_dev = dev;
}

void machine_offer_input(struct machine *m)
{
	m->offers++;
}

void machine_msi(struct machine *m, uint64_t address, uint32_t data)
{
	m->msis++;
	m->msi_address = address;
	m->msi_data = data;
}

void machine_stop(struct machine *m, enum machine_stop why, uint32_t value)
{
	m->stops++;
	m->why = why;
	m->value = value;
}

uint64_t machine_memory_size(const struct machine *m)
{
	return m->memory_size;
}

uint16_t machine_debug_exit_port(const struct machine *m)
{
	return m->debug_exit_port;
}
