// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "msix.h"

#define CAPABILITY_ID	0x11
#define CAPABILITY_SIZE	12
#define CONTROL		2		/* offsets in the capability */
#define   CONTROL_MASK_ALL	(1 << 14)
#define   CONTROL_ENABLE	(1 << 15)
#define TABLE		4
#define PENDING		8

#define ENTRY_SIZE	16
#define ENTRY_MASKED	1
#define PENDING_AT	0x800		/* in the BAR */

_Static_assert(MSIX_MAX * ENTRY_SIZE <= PENDING_AT, "the table ends before the pending bits");

static uint32_t control_of(const struct msix *msix)
{
	return pci_get(msix->pci, msix->capability + CONTROL, 2);
}

bool msix_enabled(const struct msix *msix)
{
	/* A byte that another thread may look at, so that it does not need the lock. */
	return __atomic_load_n(&msix->pci->config[msix->capability + CONTROL + 1],
			       __ATOMIC_RELAXED) & CONTROL_ENABLE >> 8;
}

/* ---- Handing eventfds to the VM ---- */

static bool is_pending(const struct msix_vector *vector)
{
	struct pollfd poll_fd = { .fd = vector->fd, .events = POLLIN };

	return !vector->is_live && poll(&poll_fd, 1, 0) == 1;
}

static void start(struct msix *msix, struct msix_vector *vector)
{
	eventfd_t count;
	const bool pending = !eventfd_read(vector->fd, &count);

	/* An address that is no interrupt's is a write to where nothing is. */
	vector->is_live = !machine_irqfd(msix->m, vector->gsi, vector->fd, vector->address,
					 vector->data);
	if (pending)
		eventfd_write(vector->fd, 1);
}

static void stop(struct msix *msix, struct msix_vector *vector)
{
	machine_irqfd(msix->m, vector->gsi, vector->fd, 0, 0);
	vector->is_live = false;
}

/* Bring a vector in line with its entry, which has @changed or not. */
static void update(struct msix *msix, struct msix_vector *vector, bool changed)
{
	const bool wanted = (control_of(msix) & (CONTROL_ENABLE | CONTROL_MASK_ALL)) ==
			    CONTROL_ENABLE && !(vector->control & ENTRY_MASKED) && vector->address;

	if (vector->is_live && (changed || !wanted))
		stop(msix, vector);
	if (!vector->is_live && wanted)
		start(msix, vector);
}

void msix_config_written(struct msix *msix)
{
	unsigned int i;

	for (i = 0; i < msix->nr; i++)
		update(msix, &msix->vectors[i], false);
}

void msix_signal(const struct msix *msix, unsigned int vector)
{
	if (vector < msix->nr)
		eventfd_write(msix->vectors[vector].fd, 1);
}

/* ---- The BAR ---- */

static uint32_t read_pending(const struct msix *msix, unsigned int first)
{
	uint32_t bits = 0;
	unsigned int i;

	for (i = 0; i < 32 && first + i < msix->nr; i++)
		bits |= (uint32_t)is_pending(&msix->vectors[first + i]) << i;
	return bits;
}

static uint32_t read_dword(const struct msix *msix, uint64_t offset)
{
	const struct msix_vector *vector;

	if (offset >= PENDING_AT)
		return read_pending(msix, (unsigned int)(offset - PENDING_AT) * 8);
	if (offset / ENTRY_SIZE >= msix->nr)
		return 0;
	vector = &msix->vectors[offset / ENTRY_SIZE];
	switch (offset % ENTRY_SIZE) {
	case 0:
		return (uint32_t)vector->address;
	case 4:
		return (uint32_t)(vector->address >> 32);
	case 8:
		return vector->data;
	default:
		return vector->control;
	}
}

static void write_dword(struct msix *msix, uint64_t offset, uint32_t value)
{
	struct msix_vector *vector;

	if (offset / ENTRY_SIZE >= msix->nr)
		return;
	vector = &msix->vectors[offset / ENTRY_SIZE];
	switch (offset % ENTRY_SIZE) {
	case 0:
		vector->address = (vector->address & ~0xffffffffULL) | (value & ~3U);
		break;
	case 4:
		vector->address = (vector->address & 0xffffffff) | (uint64_t)value << 32;
		break;
	case 8:
		vector->data = value;
		break;
	default:
		vector->control = value & ENTRY_MASKED;
		break;
	}
	update(msix, vector, offset % ENTRY_SIZE != 12);
}

/* Software may use dwords and quadwords, aligned; anything else is undefined. */
uint64_t msix_read(struct msix *msix, uint64_t offset, unsigned int size)
{
	uint64_t value;

	if (size < 4 || offset % size)
		return 0;
	value = read_dword(msix, offset);
	if (size == 8)
		value |= (uint64_t)read_dword(msix, offset + 4) << 32;
	return value;
}

void msix_write(struct msix *msix, uint64_t offset, unsigned int size, uint64_t value)
{
	if (size < 4 || offset % size)
		return;
	write_dword(msix, offset, (uint32_t)value);
	if (size == 8)
		write_dword(msix, offset + 4, (uint32_t)(value >> 32));
}

/* ---- Life ---- */

int msix_init(struct msix *msix, struct machine *m, struct pci_device *pci, unsigned int bar,
	      unsigned int nr)
{
	unsigned int at;

	*msix = (struct msix) { .m = m, .pci = pci };
	while (msix->nr < nr) {
		struct msix_vector *vector = &msix->vectors[msix->nr];

		vector->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (vector->fd < 0) {
			int error = errno;

			msix_free(msix);
			return -error;
		}
		vector->gsi = machine_new_gsi(m);
		vector->control = ENTRY_MASKED;
		msix->nr++;
	}
	pci_add_bar(pci, bar, MSIX_BAR_SIZE);
	at = pci_add_capability(pci, CAPABILITY_ID, CAPABILITY_SIZE);
	pci_put(pci, at + CONTROL, 2, nr - 1);
	pci_put(pci, at + TABLE, 4, bar);
	pci_put(pci, at + PENDING, 4, PENDING_AT | bar);
	pci->writable[at + CONTROL + 1] = (CONTROL_MASK_ALL | CONTROL_ENABLE) >> 8;
	msix->capability = at;
	return 0;
}

void msix_free(struct msix *msix)
{
	while (msix->nr)
		close(msix->vectors[--msix->nr].fd);
}
