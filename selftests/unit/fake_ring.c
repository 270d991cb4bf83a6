// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fake_ring.h"

struct minivmx_ring *fake_ring;
static int memory = -1;

static struct minivmx_record *newest(void)
{
	return &MINIVMX_RECORDS(fake_ring)[(fake_ring->head - 1) & (fake_ring->nr - 1)];
}

void fake_exit(uint64_t ticks, uint32_t reason)
{
	fake_ring->head++;
	*newest() = (struct minivmx_record) {
		.number = fake_ring->head, .exit_ticks = ticks, .reason = reason,
		.rip = 0x7c00 + fake_ring->head, .qualification = 0x1234, .gpa = 0xfee00000,
	};
}

void fake_entry(uint64_t ticks, uint32_t handler)
{
	newest()->entry_ticks = ticks;
	newest()->handler = handler;
}

int minivmx_set_ring(int vcpu, uint32_t nr)
{
	if (fake_ring && nr)
		return fake_ring->nr == nr ? 0 : -EBUSY;
	if (fake_ring) {
		munmap(fake_ring, minivmx_ring_size(fake_ring->nr));
		close(memory);
		fake_ring = NULL;
	}
	if (!nr)
		return 0;
	memory = memfd_create("ring", MFD_CLOEXEC);
	if (ftruncate(memory, (off_t)minivmx_ring_size(nr)))
		abort();
	fake_ring = mmap(NULL, minivmx_ring_size(nr), PROT_READ | PROT_WRITE, MAP_SHARED,
			 memory, 0);
	if (fake_ring == MAP_FAILED)
		abort();
	fake_ring->nr = nr;
	return 0;
}

int minivmx_map_ring(int vcpu, uint32_t nr, const struct minivmx_ring **ring)
{
	void *page;

	if (!fake_ring)
		return -ENXIO;
	if (fake_ring->nr != nr)
		return -EINVAL;
	page = mmap(NULL, minivmx_ring_size(nr), PROT_READ, MAP_SHARED, memory, 0);
	if (page == MAP_FAILED)
		return -errno;
	*ring = page;
	return 0;
}
