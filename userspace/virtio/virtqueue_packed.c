// SPDX-License-Identifier: GPL-2.0
/*
 * Packed queues: one ring of descriptors, in which the device overwrites those that the
 * driver made available by those that it has used. Two bits of a descriptor's flags and a
 * counter that toggles when the ring wraps tell which is which.
 */
#include "virtqueue_ring.h"

#define DESC_AVAIL	(1 << 7)
#define DESC_USED	(1 << 15)

/* A descriptor: "flags" is last, and is what gives it away. */
struct packed_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t id;
	uint16_t flags;
};

/* An event suppression area: where to notify, as an index and the wrap counter, and how. */
struct packed_event {
	uint16_t where;
	uint16_t flags;
};

#define EVENT_WRAP	(1 << 15)
#define EVENT_ENABLE	0
#define EVENT_DISABLE	1
#define EVENT_DESC	2	/* when @where is passed */
#define EVENT_MASK	3

static bool is_available(uint16_t flags, bool wrap)
{
	return !!(flags & DESC_AVAIL) == wrap && !!(flags & DESC_USED) != wrap;
}

static uint16_t read_flags(const struct virtqueue *vq, unsigned int index)
{
	const struct packed_desc *ring = vq->desc_area;

	return __atomic_load_n(&ring[index].flags, __ATOMIC_ACQUIRE);
}

bool packed_has_buffer(const struct virtqueue *vq)
{
	return is_available(read_flags(vq, vq->next_avail), vq->avail_wrap);
}

static struct vring_desc read_desc(const struct packed_desc *desc, uint16_t flags)
{
	return (struct vring_desc) {
		.addr = __atomic_load_n(&desc->addr, __ATOMIC_RELAXED),
		.len = __atomic_load_n(&desc->len, __ATOMIC_RELAXED),
		.flags = flags,
	};
}

/*
 * An indirect table is a list: of its flags only that the device writes counts. They are
 * where a split queue's descriptor has its link.
 */
static int add_table(struct virtqueue *vq, struct vq_buffer *buffer, const struct vring_desc *desc)
{
	const struct vring_desc *entry;
	unsigned int i, nr;

	entry = vq_indirect_table(vq, desc, &nr);
	for (i = 0; entry && i < nr; i++, entry++) {
		struct vring_desc element = vq_read_desc(entry);

		element.flags = element.next & DESC_WRITE;
		if (vq_add_element(vq, buffer, &element))
			return -1;
	}
	return entry ? 0 : -1;
}

static void advance(const struct virtqueue *vq, uint16_t *index, bool *wrap, unsigned int by)
{
	unsigned int next = *index + by;

	if (next >= vq->size) {
		next -= vq->size;
		*wrap = !*wrap;
	}
	*index = (uint16_t)next;
}

int packed_pop(struct virtqueue *vq, struct vq_buffer *buffer)
{
	const struct packed_desc *ring = vq->desc_area;
	uint16_t index = vq->next_avail, flags = read_flags(vq, index);
	bool wrap = vq->avail_wrap;
	unsigned int nr = 0;

	if (!is_available(flags, wrap))
		return 0;
	/* Those behind the first were written before it. */
	for (;;) {
		const struct vring_desc desc = read_desc(&ring[index], flags);

		if (nr++ == vq->size)
			return vq_break(vq, "a chain is longer than the queue");
		if (!(flags & DESC_INDIRECT)) {
			if (vq_add_element(vq, buffer, &desc))
				return -1;
		} else if (nr > 1) {
			return vq_break(vq, "an indirect descriptor is in a chain");
		} else if (add_table(vq, buffer, &desc)) {
			return -1;
		}
		buffer->id = __atomic_load_n(&ring[index].id, __ATOMIC_RELAXED);
		advance(vq, &index, &wrap, 1);
		if (!(flags & DESC_NEXT))
			break;
		flags = read_flags(vq, index);
	}
	buffer->descriptors = (uint16_t)nr;
	vq->next_avail = index;
	vq->avail_wrap = wrap;
	return 1;
}

void packed_push(struct virtqueue *vq, const struct vq_buffer *buffer, uint32_t written)
{
	struct packed_desc *desc = (struct packed_desc *)vq->desc_area + vq->next_used;
	const uint16_t flags = vq->used_wrap ? DESC_AVAIL | DESC_USED : 0;

	desc->id = buffer->id;
	desc->len = written;
	__atomic_store_n(&desc->flags, buffer->nr_in ? flags | DESC_WRITE : flags,
			 __ATOMIC_RELEASE);
	advance(vq, &vq->next_used, &vq->used_wrap, buffer->descriptors);
	vq->used_since += buffer->descriptors;
}

bool packed_wants_interrupt(const struct virtqueue *vq)
{
	const struct packed_event *event = vq->driver_area;
	const uint16_t flags = __atomic_load_n(&event->flags, __ATOMIC_RELAXED) & EVENT_MASK;
	const uint16_t where = __atomic_load_n(&event->where, __ATOMIC_RELAXED);
	unsigned int distance = where & ~EVENT_WRAP;

	if (flags != EVENT_DESC)
		return flags == EVENT_ENABLE;
	/*
	 * How far behind the next place that will be used @where is, with a place of the
	 * round before: was it among those that were?
	 */
	if (!!(where & EVENT_WRAP) != vq->used_wrap)
		distance = vq->next_used + vq->size - distance;
	else
		distance = vq->next_used - distance;
	return distance - 1 < vq->used_since;
}

static void set_event(struct virtqueue *vq, uint16_t where, uint16_t flags)
{
	struct packed_event *event = vq->device_area;

	__atomic_store_n(&event->where, where, __ATOMIC_RELAXED);
	__atomic_store_n(&event->flags, flags, __ATOMIC_RELEASE);
}

void packed_stop_notifications(struct virtqueue *vq)
{
	set_event(vq, 0, EVENT_DISABLE);
}

void packed_want_notifications(struct virtqueue *vq)
{
	if (vq->event_idx)
		set_event(vq, vq->next_avail | (vq->avail_wrap ? EVENT_WRAP : 0), EVENT_DESC);
	else
		set_event(vq, 0, EVENT_ENABLE);
}
