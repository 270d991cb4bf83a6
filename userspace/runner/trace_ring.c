// SPDX-License-Identifier: GPL-2.0
/* The exit records of a vCPU: see trace_ring.h. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "trace_ring.h"

static uint64_t head_of(const struct trace_ring *ring)
{
	return __atomic_load_n(&ring->ring->head, __ATOMIC_ACQUIRE);
}

/* A ring of @nr records, or of any size, that there is: 0, -ENXIO, -EINVAL... */
static int map_present(struct trace_ring *ring, uint32_t nr)
{
	uint32_t size = nr ? nr : MINIVMX_MIN_RECORDS, last = nr ? nr : MINIVMX_MAX_RECORDS;
	int ret;

	do {
		ret = minivmx_map_ring(ring->fd, size, &ring->ring);
		if (!ret)
			ring->nr = size;
		size *= 2;
	} while (ret == -EINVAL && size <= last);
	return ret;
}

static int map_new(struct trace_ring *ring, uint32_t nr)
{
	int ret = minivmx_set_ring(ring->fd, nr);

	if (ret)
		return ret;
	ret = minivmx_map_ring(ring->fd, nr, &ring->ring);
	if (ret) {
		minivmx_set_ring(ring->fd, 0);
		return ret;
	}
	ring->nr = nr;
	ring->is_ours = true;
	return 0;
}

int trace_ring_open(struct trace_ring *ring, int fd, uint32_t id, uint32_t nr,
		    struct message *message)
{
	int ret;

	*ring = (struct trace_ring) { .fd = fd, .id = id, .next = 1, .limit = UINT64_MAX };
	ret = map_present(ring, nr);
	if (!ret) {
		ring->next = head_of(ring) + 1;
		return 0;
	}
	if (ret == -EINVAL && nr) {
		fail(message, "vCPU %u has a ring of another size, which others read: leave --records out",
		     id);
		return -EBUSY;
	}
	if (ret == -ENXIO)
		ret = map_new(ring, nr ? nr : TRACE_RECORDS);
	if (ret)
		fail(message, "vCPU %u: the ring of exit records cannot be had: %s", id,
		     strerror(-ret));
	return ret;
}

void trace_ring_close(struct trace_ring *ring)
{
	if (!ring->ring)
		return;
	if (ring->is_ours)
		minivmx_set_ring(ring->fd, 0);
	munmap((void *)ring->ring, minivmx_ring_size(ring->nr));
	ring->ring = NULL;
}

bool trace_ring_look(struct trace_ring *ring)
{
	uint64_t head;

	while (!ring->has_record) {
		head = head_of(ring);
		/* Records before that are known to be gone. */
		if (head >= ring->next && head - ring->next >= ring->nr) {
			uint64_t first = head - ring->nr + 1;

			first = first <= ring->limit ? first : ring->limit + 1;
			ring->gap += first - ring->next;
			ring->next = first;
		}
		if (ring->next > head || ring->next > ring->limit)
			break;
		if (!minivmx_ring_read(ring->ring, ring->next, &ring->record)) {
			ring->next++;
			ring->gap++;
			continue;
		}
		/* Of an older one the entry was before the newer exit. */
		if (!ring->record.entry_ticks && ring->next == head && ring->limit == UINT64_MAX)
			break;
		ring->has_record = true;
	}
	return ring->has_record || ring->gap;
}

void trace_ring_take(struct trace_ring *ring)
{
	ring->has_record = false;
	ring->next++;
}

void trace_ring_stop(struct trace_ring *ring)
{
	ring->limit = head_of(ring);
}

bool trace_ring_is_on(const struct trace_ring *ring)
{
	const struct minivmx_ring *again;

	if (minivmx_map_ring(ring->fd, ring->nr, &again))
		return false;
	munmap((void *)again, minivmx_ring_size(ring->nr));
	return true;
}
