/* SPDX-License-Identifier: GPL-2.0 */
/* Between virtqueue.c and virtqueue_packed.c: nobody else's. */
#ifndef VIRTQUEUE_RING_H
#define VIRTQUEUE_RING_H

#include "virtqueue.h"

/* Flags of a descriptor, of both kinds. */
#define DESC_NEXT	(1 << 0)
#define DESC_WRITE	(1 << 1)	/* the device writes it */
#define DESC_INDIRECT	(1 << 2)

/* A descriptor of a split queue; in an indirect table it may be anywhere. */
struct vring_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags;
	uint16_t next;
} __attribute__((packed));

/* Once: the guest may change it meanwhile. */
static inline struct vring_desc vq_read_desc(const volatile struct vring_desc *desc)
{
	return (struct vring_desc) {
		.addr = desc->addr,
		.len = desc->len,
		.flags = desc->flags,
		.next = desc->next,
	};
}

/* Note what is wrong; always -1. */
int vq_break(struct virtqueue *vq, const char *why);
/* One more element, of a descriptor that is not indirect; 0 or -1. */
int vq_add_element(struct virtqueue *vq, struct vq_buffer *buffer, const struct vring_desc *desc);
const struct vring_desc *vq_indirect_table(struct virtqueue *vq, const struct vring_desc *desc,
					   unsigned int *nr);

/* Of a packed queue, what the functions vq_*() do. */
int packed_pop(struct virtqueue *vq, struct vq_buffer *buffer);
void packed_push(struct virtqueue *vq, const struct vq_buffer *buffer, uint32_t written);
bool packed_wants_interrupt(const struct virtqueue *vq);
void packed_stop_notifications(struct virtqueue *vq);
void packed_want_notifications(struct virtqueue *vq);
bool packed_has_buffer(const struct virtqueue *vq);

#endif /* VIRTQUEUE_RING_H */
