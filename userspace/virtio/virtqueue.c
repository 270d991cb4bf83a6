// SPDX-License-Identifier: GPL-2.0
/*
 * What split and packed queues have in common, and split queues: see virtqueue.h.
 * The rings are little-endian, as this CPU is.
 */
#include "virtqueue.h"
#include "virtqueue_ring.h"

/* The available ring: flags, index, @size entries, used_event. */
#define AVAIL_FLAGS	0
#define AVAIL_IDX	1
#define AVAIL_RING	2
#define AVAIL_NO_INTERRUPT	1

/* The used ring: flags, index, @size entries of 8 bytes, avail_event. */
#define USED_FLAGS	0
#define USED_IDX	1
#define USED_RING	2	/* in units of 16 bits, as the others */
#define USED_NO_NOTIFY		1

int vq_break(struct virtqueue *vq, const char *why)
{
	vq->broken = why;
	return -1;
}

void vq_reset(struct virtqueue *vq)
{
	*vq = (struct virtqueue) {
		.memory = vq->memory,
		.size = VIRTQUEUE_MAX,
		.avail_wrap = true,
		.used_wrap = true,
	};
}

/* ---- Set-up ---- */

/* An area of the rings, in the host's memory. */
struct area {
	uint64_t gpa;
	uint64_t size;
	uint64_t align;
	void **host;
};

static int find_area(struct virtqueue *vq, const struct area *area)
{
	if (area->gpa % area->align)
		return vq_break(vq, "a ring is not aligned");
	*area->host = guest_memory_at(vq->memory, area->gpa, area->size);
	return *area->host ? 0 : vq_break(vq, "a ring is not in memory");
}

int vq_enable(struct virtqueue *vq)
{
	const uint64_t size = vq->size;
	const struct area split[] = {
		{ vq->desc, 16 * size, 16, &vq->desc_area },
		{ vq->driver, 6 + 2 * size, 2, &vq->driver_area },
		{ vq->device, 6 + 8 * size, 4, &vq->device_area },
	}, packed[] = {
		{ vq->desc, 16 * size, 16, &vq->desc_area },
		{ vq->driver, 4, 4, &vq->driver_area },
		{ vq->device, 4, 4, &vq->device_area },
	};
	unsigned int i;

	if (!size || size > VIRTQUEUE_MAX || (!vq->packed && (size & (size - 1))))
		return vq_break(vq, "its size is not allowed");
	for (i = 0; i < 3; i++)
		if (find_area(vq, vq->packed ? &packed[i] : &split[i]))
			return -1;
	vq->enabled = true;
	return 0;
}

/* ---- Buffers ---- */

int vq_add_element(struct virtqueue *vq, struct vq_buffer *buffer, const struct vring_desc *desc)
{
	const unsigned int nr = buffer->nr_out + buffer->nr_in;
	void *base;

	if (nr == VIRTQUEUE_MAX || nr == vq->size)
		return vq_break(vq, "a chain is longer than the queue");
	if (!desc->len)
		return vq_break(vq, "a descriptor has no bytes");
	base = guest_memory_at(vq->memory, desc->addr, desc->len);
	if (!base)
		return vq_break(vq, "a descriptor is not of memory");
	if (desc->flags & DESC_WRITE)
		buffer->nr_in++;
	else if (buffer->nr_in)
		return vq_break(vq, "a descriptor to read is behind one to write");
	else
		buffer->nr_out++;
	buffer->iov[nr] = (struct iovec) { base, desc->len };
	return 0;
}

/* The table that an indirect descriptor refers to, and the number of its entries. */
const struct vring_desc *vq_indirect_table(struct virtqueue *vq, const struct vring_desc *desc,
					   unsigned int *nr)
{
	const struct vring_desc *table = NULL;

	*nr = desc->len / sizeof(*desc);
	if (!vq->indirect)
		vq_break(vq, "an indirect descriptor was not agreed on");
	else if (!desc->len || desc->len % sizeof(*desc))
		vq_break(vq, "an indirect table has a wrong length");
	else if (desc->flags & (DESC_NEXT | DESC_WRITE))
		vq_break(vq, "an indirect descriptor has wrong flags");
	else
		table = guest_memory_at(vq->memory, desc->addr, desc->len);
	if (!table && !vq->broken)
		vq_break(vq, "an indirect table is not in memory");
	return table;
}

/* Follow the chain that begins at @index of a table of @nr; at most @vq->size long. */
static int split_chain(struct virtqueue *vq, struct vq_buffer *buffer,
		       const struct vring_desc *table, unsigned int nr, unsigned int index)
{
	struct vring_desc desc;
	bool is_indirect = false;

	do {
		if (index >= nr)
			return vq_break(vq, "a descriptor is outside of its table");
		desc = vq_read_desc(&table[index]);
		if (desc.flags & DESC_INDIRECT) {
			if (is_indirect || buffer->nr_out + buffer->nr_in)
				return vq_break(vq, "an indirect descriptor is in a chain");
			table = vq_indirect_table(vq, &desc, &nr);
			if (!table)
				return -1;
			is_indirect = true;
			index = 0;
			desc.flags = DESC_NEXT;
			continue;
		}
		if (vq_add_element(vq, buffer, &desc))
			return -1;
		index = desc.next;
	} while (desc.flags & DESC_NEXT);
	return 0;
}

static int split_pop(struct virtqueue *vq, struct vq_buffer *buffer)
{
	const uint16_t *avail = vq->driver_area;
	const uint16_t idx = __atomic_load_n(&avail[AVAIL_IDX], __ATOMIC_ACQUIRE);

	if (idx == vq->next_avail)
		return 0;
	if ((uint16_t)(idx - vq->next_avail) > vq->size)
		return vq_break(vq, "more is available than the queue has");
	buffer->id = __atomic_load_n(&avail[AVAIL_RING + vq->next_avail % vq->size],
				     __ATOMIC_RELAXED);
	vq->next_avail++;
	return split_chain(vq, buffer, vq->desc_area, vq->size, buffer->id) ? -1 : 1;
}

static void split_push(struct virtqueue *vq, const struct vq_buffer *buffer, uint32_t written)
{
	uint16_t *used = vq->device_area;
	uint32_t *entry = (uint32_t *)&used[USED_RING] + vq->next_used % vq->size * 2;

	entry[0] = buffer->id;
	entry[1] = written;
	vq->next_used++;
	vq->used_since++;
	__atomic_store_n(&used[USED_IDX], vq->next_used, __ATOMIC_RELEASE);
}

/* Has the index passed the event since it was @old? */
static bool passed(uint16_t event, uint16_t new, uint16_t old)
{
	return (uint16_t)(new - event - 1) < (uint16_t)(new - old);
}

static bool split_wants_interrupt(const struct virtqueue *vq)
{
	const uint16_t *avail = vq->driver_area;
	const uint16_t old = vq->next_used - vq->used_since;

	if (!vq->event_idx)
		return !(__atomic_load_n(&avail[AVAIL_FLAGS], __ATOMIC_RELAXED) &
			 AVAIL_NO_INTERRUPT);
	return passed(__atomic_load_n(&avail[AVAIL_RING + vq->size], __ATOMIC_RELAXED),
		      vq->next_used, old);
}

static void split_stop_notifications(struct virtqueue *vq)
{
	uint16_t *used = vq->device_area;

	/* With an event index the driver stops by itself behind that. */
	if (!vq->event_idx)
		__atomic_store_n(&used[USED_FLAGS], USED_NO_NOTIFY, __ATOMIC_RELAXED);
}

static void split_want_notifications(struct virtqueue *vq)
{
	uint16_t *used = vq->device_area;

	if (vq->event_idx)
		__atomic_store_n(&used[USED_RING + 4 * vq->size], vq->next_avail, __ATOMIC_RELAXED);
	else
		__atomic_store_n(&used[USED_FLAGS], 0, __ATOMIC_RELAXED);
}

static bool split_has_buffer(const struct virtqueue *vq)
{
	const uint16_t *avail = vq->driver_area;

	return __atomic_load_n(&avail[AVAIL_IDX], __ATOMIC_ACQUIRE) != vq->next_avail;
}

/* ---- Both kinds ---- */

int vq_pop(struct virtqueue *vq, struct vq_buffer *buffer)
{
	if (!vq->enabled || vq->broken)
		return vq->broken ? -1 : 0;
	buffer->nr_out = 0;
	buffer->nr_in = 0;
	buffer->descriptors = 1;
	return vq->packed ? packed_pop(vq, buffer) : split_pop(vq, buffer);
}

void vq_push(struct virtqueue *vq, const struct vq_buffer *buffer, uint32_t written)
{
	if (vq->packed)
		packed_push(vq, buffer, written);
	else
		split_push(vq, buffer, written);
}

bool vq_wants_interrupt(struct virtqueue *vq)
{
	bool wants;

	if (!vq->used_since)
		return false;
	/* What was used must be there before the driver is asked: it does it the other way. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	wants = vq->packed ? packed_wants_interrupt(vq) : split_wants_interrupt(vq);
	vq->used_since = 0;
	return wants;
}

void vq_stop_notifications(struct virtqueue *vq)
{
	if (vq->packed)
		packed_stop_notifications(vq);
	else
		split_stop_notifications(vq);
}

bool vq_want_notifications(struct virtqueue *vq)
{
	if (vq->packed)
		packed_want_notifications(vq);
	else
		split_want_notifications(vq);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return vq->packed ? packed_has_buffer(vq) : split_has_buffer(vq);
}
