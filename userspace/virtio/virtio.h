/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A virtio device: what its kinds have in common, and virtio over PCI (virtio.c,
 * virtio_pci.c; the virtio specification's names are used here).
 *
 * Two sides: the CPUs' threads, which come by the PCI bus with the machine's lock held
 * and take the device's lock, too; and the thread of a worker, which is told of buffers
 * by eventfds and takes the device's lock alone. Neither waits for anything with a
 * lock held, but the kernel may for a page.
 */
#ifndef VIRTIO_H
#define VIRTIO_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "../devices/msix.h"
#include "../devices/pci.h"
#include "message.h"
#include "virtqueue.h"
#include "worker.h"

#define VIRTIO_MAX_QUEUES	8

/* Features of all devices, as bits. */
#define VIRTIO_FEATURE_INDIRECT_DESC	(1ULL << 28)
#define VIRTIO_FEATURE_EVENT_IDX	(1ULL << 29)
#define VIRTIO_FEATURE_VERSION_1	(1ULL << 32)
#define VIRTIO_FEATURE_RING_PACKED	(1ULL << 34)

/* Device status. */
#define VIRTIO_STATUS_ACKNOWLEDGE	1
#define VIRTIO_STATUS_DRIVER		2
#define VIRTIO_STATUS_DRIVER_OK		4
#define VIRTIO_STATUS_FEATURES_OK	8
#define VIRTIO_STATUS_NEEDS_RESET	64
#define VIRTIO_STATUS_FAILED		128

/* No vector: the queue or the configuration does not interrupt. */
#define VIRTIO_NO_VECTOR	0xffff

struct virtio_device;

/**
 * struct virtio_class - a kind of device
 * @name: for messages
 * @id: "Device Types"
 * @pci_class: PCI class code
 * @available: the driver made buffers of a queue available, or might have. Called in
 *	       the worker's thread
 * @after: called behind it, in that thread, but without the device's lock, for what wants
 *	   the machine's. NULL: there is nothing
 * @started: the driver is ready. NULL: that is nothing special
 * @reset: forget what is not in use, and tell what is to hurry. NULL likewise
 * @config_written: the driver wrote to the device's configuration. NULL: it cannot
 * @destroy: end it all and free the device; no thread uses it any more
 *
 * All but @after and @destroy are called with the device's lock held.
 */
struct virtio_class {
	const char *name;
	uint16_t id;
	uint32_t pci_class;
	void (*available)(struct virtio_device *dev, unsigned int queue);
	void (*after)(struct virtio_device *dev);
	void (*started)(struct virtio_device *dev);
	void (*reset)(struct virtio_device *dev);
	void (*config_written)(struct virtio_device *dev, unsigned int offset, unsigned int size);
	void (*destroy)(struct virtio_device *dev);
};

/**
 * struct virtio_queue - a queue of a device
 * @vq: the queue
 * @dev: its device
 * @index: its number
 * @vector: MSI-X vector, or VIRTIO_NO_VECTOR
 * @watch: of an eventfd, by which the driver notifies
 * @doorbell: the address by which that is signalled now, or 0
 */
struct virtio_queue {
	struct virtqueue vq;
	struct virtio_device *dev;
	unsigned int index;
	uint16_t vector;
	struct worker_watch watch;
	uint64_t doorbell;
};

/**
 * struct virtio_device - a device
 * @class: its kind
 * @m: the machine
 * @worker: whose thread @class->available() is called in
 * @pci: it on the bus
 * @msix: its interrupts
 * @lock: protects what follows; taken after the machine's, if both are
 * @features: those that it offers
 * @driver_features: those that the driver accepted
 * @status: device status
 * @is_resetting: the driver asked for a reset, which waits for @in_flight
 * @in_flight: buffers that the device works on
 * @generation: of the configuration
 * @config: the device's configuration, little-endian
 * @config_size: bytes of it
 * @config_vector: MSI-X vector of changes of it, or VIRTIO_NO_VECTOR
 * @device_feature_select: registers of virtio_pci.c
 * @driver_feature_select: likewise
 * @queue_select: likewise
 * @nr_queues: queues
 * @queues: they
 * @isr: ISR status, without MSI-X: what to ask the driver for. An atomic
 * @window: offset in PCI configuration space of the capability that looks through to a
 *	    BAR
 */
struct virtio_device {
	const struct virtio_class *class;
	struct machine *m;
	struct worker *worker;
	struct pci_device pci;
	struct msix msix;
	pthread_mutex_t lock;
	uint64_t features;
	uint64_t driver_features;
	uint8_t status;
	bool is_resetting;
	unsigned int in_flight;
	uint8_t generation;
	void *config;
	unsigned int config_size;
	uint16_t config_vector;
	uint32_t device_feature_select;
	uint32_t driver_feature_select;
	uint16_t queue_select;
	unsigned int nr_queues;
	struct virtio_queue queues[VIRTIO_MAX_QUEUES];
	uint8_t isr;
	unsigned int window;
};

/**
 * struct virtio_setup - what a device is made of
 * @class: its kind
 * @m: the machine
 * @memory: the guest's
 * @worker: that it works in; not running yet
 * @features: those of the kind; those of all devices are added
 * @not_features: but these
 * @nr_queues: queues
 * @nr_elsewhere: of the first of them the kernel waits for notifications, not the worker
 * @config: the device's configuration, which is the caller's
 * @config_size: bytes of it, at most 4096
 */
struct virtio_setup {
	const struct virtio_class *class;
	struct machine *m;
	const struct guest_memory *memory;
	struct worker *worker;
	uint64_t features;
	uint64_t not_features;
	unsigned int nr_queues;
	unsigned int nr_elsewhere;
	void *config;
	unsigned int config_size;
};

/* Make it and plug it into the machine's PCI bus. 0 or -errno; then there is nothing left. */
int virtio_init(struct virtio_device *dev, const struct virtio_setup *setup);
/* What virtio_init() did, undone: no thread may use it any more. */
void virtio_exit(struct virtio_device *dev);

/* ---- For the kinds, with the device's lock held ---- */

/*
 * The next buffer of a queue: true if there is one, which is then in flight. When there
 * is none the driver has been asked to notify of the next.
 */
bool virtio_pop(struct virtio_device *dev, unsigned int queue, struct vq_buffer *buffer);
/* Give a buffer back. After a reset it is only forgotten. */
void virtio_push(struct virtio_device *dev, unsigned int queue, const struct vq_buffer *buffer,
		 uint32_t written);
/* Interrupt the driver, if it wants that, for what was pushed. */
void virtio_notify(struct virtio_device *dev, unsigned int queue);
/* Interrupt it, if it is ready: whether it wants that somebody else has asked. */
void virtio_interrupt(struct virtio_device *dev, unsigned int queue);
/* The device's configuration has changed. */
void virtio_config_changed(struct virtio_device *dev);
/* The driver broke the rules: nothing goes on until it resets the device. */
void virtio_broken(struct virtio_device *dev);
/* Did the driver accept the feature? */
static inline bool virtio_has(const struct virtio_device *dev, uint64_t feature)
{
	return dev->driver_features & feature;
}

/* ---- Of a worker's thread, without a lock ---- */

void virtio_lock(struct virtio_device *dev);
/* Also interrupts by INTx if that was asked for, which wants the machine's lock. */
void virtio_unlock(struct virtio_device *dev);

/* ---- Between virtio.c and virtio_pci.c ---- */

void virtio_set_status(struct virtio_device *dev, uint8_t status);
void virtio_enable_queue(struct virtio_device *dev, unsigned int queue);
int virtio_pci_init(struct virtio_device *dev);

#endif /* VIRTIO_H */
