// SPDX-License-Identifier: GPL-2.0
/* What devices on the PCI bus want of a fake machine besides: eventfds, and a lock. */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "fake_machine.h"
#include "pci.h"

void fake_threads(struct machine *m)
{
	pthread_mutex_init(&m->lock, NULL);
	m->has_threads = true;
}

void fake_write(struct machine *m, uint64_t address, unsigned int size, uint64_t value)
{
	const uint64_t one = 1;
	unsigned int i;

	machine_lock(m);
	for (i = 0; i < m->nr_ioeventfds; i++)
		if (m->ioeventfds[i].address == address && size == 2)
			break;
	if (i < m->nr_ioeventfds)
		assert(write(m->ioeventfds[i].fd, &one, sizeof(one)) == sizeof(one));
	else
		m->class->write(m->dev, address, size, value);
	machine_unlock(m);
}

uint64_t fake_read(struct machine *m, uint64_t address, unsigned int size)
{
	uint64_t value;

	machine_lock(m);
	value = m->class->read(m->dev, address, size);
	machine_unlock(m);
	assert(size == 8 || value >> 8 * size == 0);
	return value;
}

const struct fake_door *fake_message(struct machine *m, int ms)
{
	struct pollfd fds[FAKE_DOORS];
	unsigned int i;
	uint64_t count;

	for (i = 0; i < m->nr_irqfds; i++)
		fds[i] = (struct pollfd) { .fd = m->irqfds[i].fd, .events = POLLIN };
	if (poll(fds, m->nr_irqfds, ms) <= 0)
		return NULL;
	for (i = 0; i < m->nr_irqfds; i++)
		if (fds[i].revents & POLLIN)
			break;
	assert(read(fds[i].fd, &count, sizeof(count)) == sizeof(count));
	return &m->irqfds[i];
}

static int change_door(struct fake_door *doors, unsigned int *nr, const struct fake_door *door,
		       bool on)
{
	unsigned int i;

	for (i = 0; i < *nr; i++)
		if (doors[i].fd == door->fd && doors[i].gsi == door->gsi &&
		    (door->gsi || doors[i].address == door->address))
			break;
	if (on == (i < *nr))
		return on ? -EEXIST : -ENOENT;
	if (on) {
		assert(*nr < FAKE_DOORS);
		doors[(*nr)++] = *door;
	} else {
		doors[i] = doors[--*nr];
	}
	return 0;
}

/* ---- What devices call ---- */

void machine_lock(struct machine *m)
{
	if (m->has_threads)
		pthread_mutex_lock(&m->lock);
}

void machine_unlock(struct machine *m)
{
	if (m->has_threads)
		pthread_mutex_unlock(&m->lock);
}

int machine_ioeventfd(struct machine *m, uint64_t address, int fd, bool on)
{
	const struct fake_door door = { .address = address, .fd = fd };

	return change_door(m->ioeventfds, &m->nr_ioeventfds, &door, on);
}

int machine_plug(struct machine *m, struct pci_device *dev)
{
	return pci_plug(m->dev, dev);
}

unsigned int machine_new_gsi(struct machine *m)
{
	return ++m->next_gsi;
}

int machine_irqfd(struct machine *m, unsigned int gsi, int fd, uint64_t address, uint32_t data)
{
	const struct fake_door door = { .address = address, .data = data, .gsi = gsi, .fd = fd };

	if (address && address >> 20 != 0xfee)
		return -EINVAL;
	return change_door(m->irqfds, &m->nr_irqfds, &door, address);
}
