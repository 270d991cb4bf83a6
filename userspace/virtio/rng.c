// SPDX-License-Identifier: GPL-2.0
/* The virtio entropy device ("Entropy Device" in the virtio specification). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "rng.h"

/* Bytes that a buffer gets at most: the driver asks again if it wants more. */
#define RNG_MAX		256

struct rng {
	struct virtio_device dev;
	struct vq_buffer buffer;
};

static void rng_available(struct virtio_device *dev, unsigned int queue)
{
	struct vq_buffer *buffer = &((struct rng *)dev)->buffer;
	uint8_t bytes[RNG_MAX];

	while (virtio_pop(dev, queue, buffer)) {
		ssize_t got = getrandom(bytes, sizeof(bytes), 0);
		size_t written = 0;

		if (got > 0)
			written = iov_write(buffer->iov + buffer->nr_out, buffer->nr_in, 0, bytes,
					    (size_t)got);
		virtio_push(dev, queue, buffer, (uint32_t)written);
	}
	virtio_notify(dev, queue);
}

static void rng_destroy(struct virtio_device *dev)
{
	virtio_exit(dev);
	free(dev);
}

static const struct virtio_class rng_class = {
	.name = "entropy",
	.id = 4,
	.pci_class = 0xff0000,
	.available = rng_available,
	.destroy = rng_destroy,
};

struct virtio_device *rng_create(struct machine *m, const struct guest_memory *memory,
				 struct worker *worker, struct message *message)
{
	struct rng *rng = calloc(1, sizeof(*rng));
	const struct virtio_setup setup = {
		.class = &rng_class,
		.m = m,
		.memory = memory,
		.worker = worker,
		.nr_queues = 1,
	};
	int ret = rng ? virtio_init(&rng->dev, &setup) : -ENOMEM;

	if (!ret)
		return &rng->dev;
	free(rng);
	fail(message, "cannot create an entropy device: %s", strerror(-ret));
	return NULL;
}
