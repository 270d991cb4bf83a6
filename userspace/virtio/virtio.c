// SPDX-License-Identifier: GPL-2.0
/* The life of a device and of its queues: see virtio.h. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "virtio.h"

#define COMMON_FEATURES	(VIRTIO_FEATURE_INDIRECT_DESC | VIRTIO_FEATURE_EVENT_IDX |		\
			 VIRTIO_FEATURE_VERSION_1 | VIRTIO_FEATURE_RING_PACKED)

/* ISR status. */
#define ISR_QUEUE	1
#define ISR_CONFIG	2

/* ---- Interrupts ---- */

static void interrupt(struct virtio_device *dev, uint16_t vector, uint8_t isr)
{
	if (!msix_enabled(&dev->msix))
		__atomic_or_fetch(&dev->isr, isr, __ATOMIC_RELAXED);
	else if (vector != VIRTIO_NO_VECTOR)
		msix_signal(&dev->msix, vector);
}

void virtio_notify(struct virtio_device *dev, unsigned int queue)
{
	struct virtio_queue *q = &dev->queues[queue];

	if (q->vq.enabled && vq_wants_interrupt(&q->vq))
		interrupt(dev, q->vector, ISR_QUEUE);
}

void virtio_interrupt(struct virtio_device *dev, unsigned int queue)
{
	/* What the kernel signalled before a reset may be seen after it. */
	if (dev->status & VIRTIO_STATUS_DRIVER_OK)
		interrupt(dev, dev->queues[queue].vector, ISR_QUEUE);
}

void virtio_config_changed(struct virtio_device *dev)
{
	dev->generation++;
	if (dev->status & VIRTIO_STATUS_DRIVER_OK)
		interrupt(dev, dev->config_vector, ISR_CONFIG);
}

void virtio_broken(struct virtio_device *dev)
{
	if (dev->status & VIRTIO_STATUS_NEEDS_RESET)
		return;
	dev->status |= VIRTIO_STATUS_NEEDS_RESET;
	virtio_config_changed(dev);
}

void virtio_lock(struct virtio_device *dev)
{
	pthread_mutex_lock(&dev->lock);
}

void virtio_unlock(struct virtio_device *dev)
{
	const bool level = __atomic_load_n(&dev->isr, __ATOMIC_RELAXED);
	const bool is_stale = level != dev->pci.intx;

	pthread_mutex_unlock(&dev->lock);
	if (!is_stale)
		return;
	machine_lock(dev->m);
	pci_set_intx(&dev->pci, __atomic_load_n(&dev->isr, __ATOMIC_RELAXED));
	machine_unlock(dev->m);
}

/* ---- Buffers ---- */

static bool is_usable(const struct virtio_device *dev, const struct virtio_queue *q)
{
	return q->vq.enabled && (dev->status & VIRTIO_STATUS_DRIVER_OK) && !dev->is_resetting &&
	       !(dev->status & VIRTIO_STATUS_NEEDS_RESET);
}

bool virtio_pop(struct virtio_device *dev, unsigned int queue, struct vq_buffer *buffer)
{
	struct virtio_queue *q = &dev->queues[queue];
	int ret;

	if (!is_usable(dev, q))
		return false;
	do
		ret = vq_pop(&q->vq, buffer);
	while (!ret && vq_want_notifications(&q->vq));
	if (ret < 0)
		virtio_broken(dev);
	dev->in_flight += ret > 0;
	return ret > 0;
}

static void finish_reset(struct virtio_device *dev)
{
	unsigned int i;

	for (i = 0; i < dev->nr_queues; i++) {
		vq_reset(&dev->queues[i].vq);
		dev->queues[i].vector = VIRTIO_NO_VECTOR;
	}
	dev->config_vector = VIRTIO_NO_VECTOR;
	dev->driver_features = 0;
	dev->device_feature_select = 0;
	dev->driver_feature_select = 0;
	dev->queue_select = 0;
	__atomic_store_n(&dev->isr, 0, __ATOMIC_RELAXED);
	dev->is_resetting = false;
	dev->status = 0;
}

void virtio_push(struct virtio_device *dev, unsigned int queue, const struct vq_buffer *buffer,
		 uint32_t written)
{
	dev->in_flight--;
	if (!dev->is_resetting)
		vq_push(&dev->queues[queue].vq, buffer, written);
	else if (!dev->in_flight)
		finish_reset(dev);
}

static void on_kick(void *context, uint32_t events)
{
	struct virtio_queue *q = context;
	struct virtio_device *dev = q->dev;
	eventfd_t count;

	(void)events;
	eventfd_read(q->watch.fd, &count);
	virtio_lock(dev);
	if (is_usable(dev, q)) {
		vq_stop_notifications(&q->vq);
		dev->class->available(dev, q->index);
	}
	virtio_unlock(dev);
	if (dev->class->after)
		dev->class->after(dev);
}

/* ---- Status ---- */

/* In one step if nothing is in flight; else the driver sees a status until it is. */
static void reset(struct virtio_device *dev)
{
	dev->is_resetting = true;
	if (dev->class->reset)
		dev->class->reset(dev);
	if (dev->is_resetting && !dev->in_flight)
		finish_reset(dev);
}

static void start(struct virtio_device *dev)
{
	unsigned int i;

	if (dev->class->started)
		dev->class->started(dev);
	/* What is there already was made available before anybody looked. */
	for (i = 0; i < dev->nr_queues; i++)
		eventfd_write(dev->queues[i].watch.fd, 1);
}

void virtio_set_status(struct virtio_device *dev, uint8_t status)
{
	const uint8_t old = dev->status;

	if (dev->is_resetting)
		return;
	if (!status) {
		reset(dev);
		return;
	}
	/* The driver sees by reading it back that the features are refused. */
	if (!(old & VIRTIO_STATUS_FEATURES_OK) &&
	    ((dev->driver_features & ~dev->features) || !virtio_has(dev, VIRTIO_FEATURE_VERSION_1)))
		status &= ~(VIRTIO_STATUS_FEATURES_OK | VIRTIO_STATUS_DRIVER_OK);
	/* The device alone decides on that, and a driver does not take bits back. */
	dev->status = old | (status & ~VIRTIO_STATUS_NEEDS_RESET);
	if (dev->status & ~old & VIRTIO_STATUS_DRIVER_OK)
		start(dev);
}

void virtio_enable_queue(struct virtio_device *dev, unsigned int queue)
{
	struct virtqueue *vq = &dev->queues[queue].vq;

	if (vq->enabled || !(dev->status & VIRTIO_STATUS_FEATURES_OK))
		return;
	vq->packed = virtio_has(dev, VIRTIO_FEATURE_RING_PACKED);
	vq->indirect = virtio_has(dev, VIRTIO_FEATURE_INDIRECT_DESC);
	vq->event_idx = virtio_has(dev, VIRTIO_FEATURE_EVENT_IDX);
	if (vq_enable(vq))
		virtio_broken(dev);
}

/* ---- Life ---- */

static void free_queues(struct virtio_device *dev)
{
	while (dev->nr_queues) {
		struct virtio_queue *q = &dev->queues[--dev->nr_queues];

		worker_unwatch(dev->worker, &q->watch);
		close(q->watch.fd);
	}
}

static int add_queue(struct virtio_device *dev, const struct virtio_setup *setup)
{
	struct virtio_queue *q = &dev->queues[dev->nr_queues];
	int ret;

	q->dev = dev;
	q->index = dev->nr_queues;
	q->vq.memory = setup->memory;
	q->watch = (struct worker_watch) {
		.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
		.ready = on_kick,
		.context = q,
	};
	if (q->watch.fd < 0)
		return -errno;
	ret = q->index < setup->nr_elsewhere ? 0 : worker_watch(dev->worker, &q->watch, EPOLLIN);
	if (ret)
		close(q->watch.fd);
	else
		dev->nr_queues++;
	return ret;
}

int virtio_init(struct virtio_device *dev, const struct virtio_setup *setup)
{
	int ret = 0;

	dev->class = setup->class;
	dev->m = setup->m;
	dev->worker = setup->worker;
	dev->features = (setup->features | COMMON_FEATURES) & ~setup->not_features;
	dev->config = setup->config;
	dev->config_size = setup->config_size;
	pthread_mutex_init(&dev->lock, NULL);
	while (!ret && dev->nr_queues < setup->nr_queues)
		ret = add_queue(dev, setup);
	finish_reset(dev);
	if (!ret)
		ret = virtio_pci_init(dev);
	if (ret)
		virtio_exit(dev);
	return ret;
}

void virtio_exit(struct virtio_device *dev)
{
	free_queues(dev);
	msix_free(&dev->msix);
	pthread_mutex_destroy(&dev->lock);
}
