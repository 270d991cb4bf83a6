// SPDX-License-Identifier: GPL-2.0
/*
 * The virtio memory balloon ("Traditional Memory Balloon Device" in the virtio
 * specification): the guest gives pages that it does without, and those that it has free
 * at the moment, back to the host.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "balloon.h"

#define BALLOON_F_DEFLATE_ON_OOM	(1ULL << 2)
#define BALLOON_F_REPORTING		(1ULL << 5)

#define PAGE_SHIFT	12
#define PAGE_SIZE	(1ULL << PAGE_SHIFT)

enum {
	QUEUE_INFLATE,
	QUEUE_DEFLATE,
	QUEUE_REPORTING,
	NR_QUEUES,
};

struct balloon_config {
	uint32_t num_pages;	/* that the host asks for */
	uint32_t actual;	/* that the driver has got */
};

struct balloon {
	struct virtio_device dev;
	struct balloon_config config;
	uint32_t target;	/* @config.num_pages, as it was set */
	struct vq_buffer buffer;
};

/* Let the host have a page, which the guest reads as zero from then on. */
static void give_back(const struct balloon *balloon, uint64_t gpa)
{
	void *page = guest_memory_at(balloon->dev.queues[0].vq.memory, gpa, PAGE_SIZE);

	if (page)
		madvise(page, PAGE_SIZE, MADV_DONTNEED);
}

/* A list of page numbers. */
static void inflate(struct balloon *balloon)
{
	const struct vq_buffer *buffer = &balloon->buffer;
	const size_t size = iov_size(buffer->iov, buffer->nr_out);
	uint32_t page;
	size_t at;

	for (at = 0; at + sizeof(page) <= size; at += sizeof(page)) {
		iov_read(buffer->iov, buffer->nr_out, at, &page, sizeof(page));
		give_back(balloon, (uint64_t)page << PAGE_SHIFT);
	}
}

/* The free pages themselves, which are the driver's again when it has the buffer back. */
static void take_report(struct balloon *balloon)
{
	const struct vq_buffer *buffer = &balloon->buffer;
	unsigned int i;

	for (i = buffer->nr_out; i < buffer->nr_out + buffer->nr_in; i++) {
		const struct iovec *iov = &buffer->iov[i];

		/* Whole pages alone: what is beside them is in use. */
		if (!((uintptr_t)iov->iov_base & (PAGE_SIZE - 1)))
			madvise(iov->iov_base, iov->iov_len & ~(PAGE_SIZE - 1), MADV_DONTNEED);
	}
}

static void balloon_available(struct virtio_device *dev, unsigned int queue)
{
	struct balloon *balloon = (struct balloon *)dev;

	while (virtio_pop(dev, queue, &balloon->buffer)) {
		if (queue == QUEUE_INFLATE)
			inflate(balloon);
		else if (queue == QUEUE_REPORTING)
			take_report(balloon);
		virtio_push(dev, queue, &balloon->buffer, 0);
	}
	virtio_notify(dev, queue);
}

/* The driver writes how large it is, and does not say how large it should be. */
static void balloon_config_written(struct virtio_device *dev, unsigned int offset,
				   unsigned int size)
{
	struct balloon *balloon = (struct balloon *)dev;

	(void)offset;
	(void)size;
	balloon->config.num_pages = balloon->target;
}

static void balloon_destroy(struct virtio_device *dev)
{
	virtio_exit(dev);
	free(dev);
}

static const struct virtio_class balloon_class = {
	.name = "balloon",
	.id = 5,
	.pci_class = 0xff0000,
	.available = balloon_available,
	.config_written = balloon_config_written,
	.destroy = balloon_destroy,
};

struct virtio_device *balloon_create(struct machine *m, const struct guest_memory *memory,
				     struct worker *worker, struct message *message)
{
	struct balloon *balloon = calloc(1, sizeof(*balloon));
	const struct virtio_setup setup = {
		.class = &balloon_class,
		.m = m,
		.memory = memory,
		.worker = worker,
		.features = BALLOON_F_DEFLATE_ON_OOM | BALLOON_F_REPORTING,
		.nr_queues = NR_QUEUES,
		.config = balloon ? &balloon->config : NULL,
		.config_size = sizeof(balloon->config),
	};
	int ret = balloon ? virtio_init(&balloon->dev, &setup) : -ENOMEM;

	if (!ret)
		return &balloon->dev;
	free(balloon);
	fail(message, "cannot create a memory balloon: %s", strerror(-ret));
	return NULL;
}

void balloon_set_target(struct virtio_device *dev, uint64_t bytes)
{
	struct balloon *balloon = (struct balloon *)dev;

	virtio_lock(dev);
	balloon->target = (uint32_t)(bytes >> PAGE_SHIFT);
	balloon->config.num_pages = balloon->target;
	virtio_config_changed(dev);
	virtio_unlock(dev);
}

uint64_t balloon_size(struct virtio_device *dev)
{
	const struct balloon *balloon = (const struct balloon *)dev;
	uint64_t size;

	virtio_lock(dev);
	size = (uint64_t)balloon->config.actual << PAGE_SHIFT;
	virtio_unlock(dev);
	return size;
}
