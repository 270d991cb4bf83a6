/* SOURCES: userspace/virtio/virtqueue.c userspace/virtio/virtqueue_packed.c userspace/virtio/iov.c userspace/runner/memory.c */
// SPDX-License-Identifier: GPL-2.0
/*
 * A virtqueue whose rings, tables and buffers are whatever the input says, and change
 * while a device pops and pushes: nothing but the guest's memory is touched.
 *
 * The input: struct setup, as many steps as that says, and the guest's memory.
 */
#include <stdlib.h>
#include <string.h>

#include "../../userspace/virtio/virtqueue.h"

#define MEMORY_SIZE	2048
#define MAX_HELD	8

struct setup {
	uint8_t features;
	uint8_t size;
	uint8_t desc;		/* areas, in their units of alignment */
	uint8_t driver;
	uint8_t device;
	uint8_t steps;
};

struct step {
	uint8_t what;
	uint8_t value;
	uint16_t at;
};

enum what { POP, PUSH, INTERRUPT, STOP, WANT, CHANGE, FILL, NR_WHAT };

struct device {
	struct virtqueue vq;
	struct guest_memory memory;
	struct vq_buffer held[MAX_HELD];
	unsigned int nr_held;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

/* All of it is the guest's memory, which ASan knows the ends of. */
static void check_buffer(const struct device *dev, const struct vq_buffer *buffer)
{
	const unsigned int nr = buffer->nr_out + buffer->nr_in;
	unsigned int i;

	require(nr <= dev->vq.size && nr <= VIRTQUEUE_MAX);
	require(buffer->descriptors >= 1 && buffer->descriptors <= dev->vq.size);
	for (i = 0; i < nr; i++) {
		const uint8_t *base = buffer->iov[i].iov_base;

		require(buffer->iov[i].iov_len && buffer->iov[i].iov_len <= MEMORY_SIZE);
		require(base >= dev->memory.host && base + buffer->iov[i].iov_len <=
			dev->memory.host + MEMORY_SIZE);
	}
}

static void pop(struct device *dev)
{
	const bool was_broken = dev->vq.broken;
	struct vq_buffer *buffer;
	int ret;

	if (dev->nr_held == MAX_HELD)
		return;
	buffer = &dev->held[dev->nr_held];
	ret = vq_pop(&dev->vq, buffer);
	require(ret >= -1 && ret <= 1 && (ret < 0) == !!dev->vq.broken);
	require(!was_broken || ret < 0);
	if (ret != 1)
		return;
	check_buffer(dev, buffer);
	dev->nr_held++;
}

/* In any order. */
static void push(struct device *dev, const struct step *step)
{
	struct vq_buffer *buffer;

	if (!dev->nr_held)
		return;
	buffer = &dev->held[step->at % dev->nr_held];
	vq_push(&dev->vq, buffer, step->value);
	*buffer = dev->held[--dev->nr_held];
}

/* As a device does with data, which may be where a ring is. */
static void fill(struct device *dev, const struct step *step)
{
	uint8_t bytes[MEMORY_SIZE];
	struct vq_buffer *buffer;

	if (!dev->nr_held)
		return;
	buffer = &dev->held[step->at % dev->nr_held];
	memset(bytes, step->value, sizeof(bytes));
	iov_read(buffer->iov, buffer->nr_out, step->at % 64, bytes, sizeof(bytes) / 2);
	iov_write(buffer->iov + buffer->nr_out, buffer->nr_in, step->at % 64, bytes,
		  sizeof(bytes));
}

static void take_step(struct device *dev, const struct step *step)
{
	switch (step->what % NR_WHAT) {
	case POP:
		pop(dev);
		break;
	case PUSH:
		push(dev, step);
		break;
	case INTERRUPT:
		vq_wants_interrupt(&dev->vq);
		break;
	case STOP:
		vq_stop_notifications(&dev->vq);
		break;
	case WANT:
		vq_want_notifications(&dev->vq);
		break;
	case CHANGE:
		dev->memory.host[step->at % MEMORY_SIZE] = step->value;
		break;
	default:
		fill(dev, step);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct device dev = { 0 };
	struct setup setup;
	struct step step;

	if (size < sizeof(setup))
		return 0;
	memcpy(&setup, data, sizeof(setup));
	data += sizeof(setup);
	size -= sizeof(setup);
	if (size < setup.steps * sizeof(step))
		return 0;
	dev.memory = (struct guest_memory) {
		.host = aligned_alloc(16, MEMORY_SIZE),
		.size = MEMORY_SIZE,
		.low = MEMORY_SIZE,
	};
	memset(dev.memory.host, 0, MEMORY_SIZE);
	size -= setup.steps * sizeof(step);
	memcpy(dev.memory.host, data + setup.steps * sizeof(step),
	       size < MEMORY_SIZE ? size : MEMORY_SIZE);
	dev.vq.memory = &dev.memory;
	vq_reset(&dev.vq);
	dev.vq.packed = setup.features & 1;
	dev.vq.indirect = setup.features & 2;
	dev.vq.event_idx = setup.features & 4;
	dev.vq.size = setup.features & 8 ? setup.size : 1U << setup.size % 8;
	dev.vq.desc = 16ULL * setup.desc;
	dev.vq.driver = 4ULL * setup.driver;
	dev.vq.device = 4ULL * setup.device;
	require(!vq_enable(&dev.vq) == dev.vq.enabled);
	for (; dev.vq.enabled && setup.steps; setup.steps--, data += sizeof(step)) {
		memcpy(&step, data, sizeof(step));
		take_step(&dev, &step);
	}
	free(dev.memory.host);
	return 0;
}
