/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Virtqueues, the device's side of them: split and packed ("Split Virtqueues", "Packed
 * Virtqueues" in the virtio specification, whose names are used here).
 *
 * All that is in a ring is the guest's word and may change at any time: it is read once,
 * checked, and never believed to be the same later. A queue that breaks the rules is
 * broken until the driver resets the device.
 *
 * Knows no descriptor and no lock: whoever calls has the device's.
 */
#ifndef VIRTQUEUE_H
#define VIRTQUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../runner/memory.h"
#include "iov.h"

/* Of descriptors in a queue, and so in the chain of one buffer. */
#define VIRTQUEUE_MAX	IOV_ELEMENTS

/**
 * struct virtqueue - a queue
 * @memory: the guest's
 * @size: descriptors; what the driver made of VIRTQUEUE_MAX
 * @desc: guest-physical address of the descriptor area
 * @driver: of the driver area (available ring)
 * @device: of the device area (used ring)
 * @enabled: the driver has set it up
 * @packed: VIRTIO_FEATURE_RING_PACKED is agreed on
 * @indirect: VIRTIO_FEATURE_INDIRECT_DESC is
 * @event_idx: VIRTIO_FEATURE_EVENT_IDX is
 * @broken: what it did wrong, or NULL
 * @desc_area: @desc in the host's memory
 * @driver_area: @driver, likewise
 * @device_area: @device, likewise
 * @next_avail: where the next buffer will be available; an index that is not wrapped
 *		in a split queue, one that is in a packed
 * @next_used: where the next buffer will be used, likewise
 * @avail_wrap: wrap counter of @next_avail, in a packed queue
 * @used_wrap: of @next_used
 * @used_since: buffers used since the driver was last notified: descriptors of them,
 *		in a packed queue
 */
struct virtqueue {
	const struct guest_memory *memory;
	uint16_t size;
	uint64_t desc;
	uint64_t driver;
	uint64_t device;
	bool enabled;
	bool packed;
	bool indirect;
	bool event_idx;
	const char *broken;
	void *desc_area;
	void *driver_area;
	void *device_area;
	uint16_t next_avail;
	uint16_t next_used;
	bool avail_wrap;
	bool used_wrap;
	uint16_t used_since;
};

/**
 * struct vq_buffer - a buffer that the driver made available
 * @id: its head or its buffer id
 * @descriptors: how many places of a packed ring it takes
 * @nr_out: elements that the device reads, the first of @iov
 * @nr_in: elements that the device writes, behind them
 * @iov: the guest's memory
 */
struct vq_buffer {
	uint16_t id;
	uint16_t descriptors;
	unsigned int nr_out;
	unsigned int nr_in;
	struct iovec iov[VIRTQUEUE_MAX];
};

/* As after a reset. */
void vq_reset(struct virtqueue *vq);
/* The driver has set it up: 0, or -1 if it is broken from the start. */
int vq_enable(struct virtqueue *vq);

/* The next buffer: 1, 0 if there is none, or -1 if the queue is broken. */
int vq_pop(struct virtqueue *vq, struct vq_buffer *buffer);
/* Give it back with the first @written bytes of what the device writes filled. */
void vq_push(struct virtqueue *vq, const struct vq_buffer *buffer, uint32_t written);
/* Does the driver want an interrupt for what was pushed since this was last asked? */
bool vq_wants_interrupt(struct virtqueue *vq);

/* The driver need not notify of buffers, as far as it can be told that. */
void vq_stop_notifications(struct virtqueue *vq);
/* It is to, from now on; true if there already is a buffer of which it might not. */
bool vq_want_notifications(struct virtqueue *vq);

#endif /* VIRTQUEUE_H */
