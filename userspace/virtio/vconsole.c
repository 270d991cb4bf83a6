// SPDX-License-Identifier: GPL-2.0
/* The virtio console, with one port ("Console Device" in the virtio specification). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "vconsole.h"

enum {
	QUEUE_RECEIVE,
	QUEUE_TRANSMIT,
	NR_QUEUES,
};

/* Bytes to print at a time, and typed bytes that wait for the driver. */
#define CHUNK		4096
#define TYPED_SIZE	256

/**
 * struct vconsole - the device
 * @dev: common part
 * @receive: buffer at work
 * @transmit: the buffer that is being printed, if there is one
 * @is_printing: there is
 * @printed: bytes of it that are
 * @typed: what the driver has no buffer for yet
 * @nr_typed: bytes of that
 * @has_refused: there was more, which is to be offered again
 */
struct vconsole {
	struct virtio_device dev;
	struct vq_buffer receive;
	struct vq_buffer transmit;
	bool is_printing;
	size_t printed;
	uint8_t typed[TYPED_SIZE];
	size_t nr_typed;
	bool has_refused;
};

/* ---- To the guest ---- */

static void give_typed(struct vconsole *c)
{
	struct vq_buffer *buffer = &c->receive;

	while (c->nr_typed && virtio_pop(&c->dev, QUEUE_RECEIVE, buffer)) {
		size_t n = iov_write(buffer->iov + buffer->nr_out, buffer->nr_in, 0, c->typed,
				     c->nr_typed);

		c->nr_typed -= n;
		memmove(c->typed, c->typed + n, c->nr_typed);
		virtio_push(&c->dev, QUEUE_RECEIVE, buffer, (uint32_t)n);
	}
	virtio_notify(&c->dev, QUEUE_RECEIVE);
}

/* Of the machine, with its lock held. The worker passes it on. */
static size_t take_input(void *dev, const uint8_t *bytes, size_t len)
{
	struct vconsole *c = dev;
	size_t room;

	pthread_mutex_lock(&c->dev.lock);
	room = sizeof(c->typed) - c->nr_typed;
	c->has_refused = len > room;
	if (len > room)
		len = room;
	memcpy(c->typed + c->nr_typed, bytes, len);
	c->nr_typed += len;
	pthread_mutex_unlock(&c->dev.lock);
	eventfd_write(c->dev.queues[QUEUE_RECEIVE].watch.fd, 1);
	return len;
}

/* ---- From the guest ---- */

static void end_printing(struct vconsole *c)
{
	c->is_printing = false;
	virtio_push(&c->dev, QUEUE_TRANSMIT, &c->transmit, 0);
	virtio_notify(&c->dev, QUEUE_TRANSMIT);
}

/* The next bytes to print; 0 if there are none. */
static size_t next_bytes(struct vconsole *c, uint8_t bytes[CHUNK])
{
	const struct vq_buffer *buffer = &c->transmit;
	size_t n = 0;

	while (!n) {
		if (!c->is_printing && !virtio_pop(&c->dev, QUEUE_TRANSMIT, &c->transmit))
			break;
		if (!c->is_printing)
			c->printed = 0;
		c->is_printing = true;
		n = iov_read(buffer->iov, buffer->nr_out, c->printed, bytes, CHUNK);
		c->printed += n;
		if (c->printed == iov_size(buffer->iov, buffer->nr_out))
			end_printing(c);
	}
	return n;
}

static void vconsole_available(struct virtio_device *dev, unsigned int queue)
{
	/* What is to be printed waits for vconsole_after(). */
	if (queue == QUEUE_RECEIVE)
		give_typed((struct vconsole *)dev);
}

/* One piece at a time: what a guest can have printed has no end, and the worker may. */
static void vconsole_after(struct virtio_device *dev)
{
	struct vconsole *c = (struct vconsole *)dev;
	uint8_t bytes[CHUNK];
	bool offer;
	size_t n;

	machine_output_wait(dev->m);
	virtio_lock(dev);
	n = next_bytes(c, bytes);
	offer = c->has_refused && c->nr_typed < sizeof(c->typed);
	if (offer)
		c->has_refused = false;
	virtio_unlock(dev);

	machine_lock(dev->m);
	if (n)
		machine_output(dev->m, bytes, n);
	if (offer)
		machine_offer_input(dev->m);
	machine_unlock(dev->m);
	if (n)
		eventfd_write(dev->queues[QUEUE_TRANSMIT].watch.fd, 1);
}

/* Its driver is not the one that was typed for. */
static void vconsole_reset(struct virtio_device *dev)
{
	struct vconsole *c = (struct vconsole *)dev;

	c->nr_typed = 0;
	if (c->is_printing)
		end_printing(c);
}

/* ---- Life ---- */

static void vconsole_destroy(struct virtio_device *dev)
{
	virtio_exit(dev);
	free(dev);
}

static const struct virtio_class vconsole_class = {
	.name = "console",
	.id = 3,
	.pci_class = 0x078000,
	.available = vconsole_available,
	.after = vconsole_after,
	.reset = vconsole_reset,
	.destroy = vconsole_destroy,
};

struct virtio_device *vconsole_create(struct machine *m, const struct guest_memory *memory,
				      struct worker *worker, struct message *message)
{
	struct vconsole *c = calloc(1, sizeof(*c));
	const struct virtio_setup setup = {
		.class = &vconsole_class,
		.m = m,
		.memory = memory,
		.worker = worker,
		.nr_queues = NR_QUEUES,
	};
	int ret = c ? virtio_init(&c->dev, &setup) : -ENOMEM;

	if (!ret) {
		machine_set_input(m, take_input, c);
		return &c->dev;
	}
	free(c);
	fail(message, "cannot create a console: %s", strerror(-ret));
	return NULL;
}
