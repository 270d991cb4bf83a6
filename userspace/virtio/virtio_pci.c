// SPDX-License-Identifier: GPL-2.0
/*
 * Virtio over PCI bus, without the legacy interface: where the driver finds the
 * registers, and what it does by them.
 *
 *	BAR 0	0000H	common configuration
 *		1000H	ISR status
 *		2000H	the device's own configuration
 *		3000H	notifications: four bytes for each queue
 *	BAR 1		MSI-X
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "virtio.h"

#define VENDOR		0x1af4
#define FIRST_DEVICE	0x1040	/* and the type */

#define REGISTERS_BAR	0
#define MSIX_BAR	1
#define BAR_SIZE	0x4000
#define BLOCK_SIZE	0x1000
#define COMMON		0x0000
#define ISR		0x1000
#define DEVICE		0x2000
#define NOTIFY		0x3000
#define NOTIFY_SIZE	4	/* for each queue */

/* Capabilities: cfg_type, and where their members are. */
#define CAP_ID		0x09
#define CAP_COMMON	1
#define CAP_NOTIFY	2
#define CAP_ISR		3
#define CAP_DEVICE	4
#define CAP_WINDOW	5	/* VIRTIO_PCI_CAP_PCI_CFG */
#define CAP_LENGTH_OF	2
#define CAP_TYPE	3
#define CAP_BAR		4
#define CAP_OFFSET	8
#define CAP_LENGTH	12
#define CAP_EXTRA	16
#define CAP_SIZE	16

/* The common configuration structure. */
struct common {
	uint32_t device_feature_select;
	uint32_t device_feature;
	uint32_t driver_feature_select;
	uint32_t driver_feature;
	uint16_t config_msix_vector;
	uint16_t num_queues;
	uint8_t device_status;
	uint8_t config_generation;
	uint16_t queue_select;
	uint16_t queue_size;
	uint16_t queue_msix_vector;
	uint16_t queue_enable;
	uint16_t queue_notify_off;
	uint64_t queue_desc;
	uint64_t queue_driver;
	uint64_t queue_device;
};

#define AT(member)	offsetof(struct common, member)

static struct virtio_device *virtio_of(struct pci_device *pci)
{
	return (struct virtio_device *)((char *)pci - offsetof(struct virtio_device, pci));
}

/* ---- The common configuration ---- */

static uint32_t feature_word(uint64_t features, uint32_t select)
{
	return select < 2 ? (uint32_t)(features >> (32 * select)) : 0;
}

/* The queue that the driver has selected, or NULL. */
static struct virtio_queue *selected_queue(struct virtio_device *dev)
{
	return dev->queue_select < dev->nr_queues ? &dev->queues[dev->queue_select] : NULL;
}

/* Registers of a queue that is not there read as zero. */
static void fill_queue(struct virtio_device *dev, struct common *c)
{
	const struct virtio_queue *q = selected_queue(dev);

	if (!q)
		return;
	c->queue_size = q->vq.size;
	c->queue_msix_vector = q->vector;
	c->queue_enable = q->vq.enabled;
	c->queue_notify_off = (uint16_t)q->index;
	c->queue_desc = q->vq.desc;
	c->queue_driver = q->vq.driver;
	c->queue_device = q->vq.device;
}

static uint64_t read_common(struct virtio_device *dev, uint64_t offset, unsigned int size)
{
	struct common c = {
		.device_feature_select = dev->device_feature_select,
		.device_feature = feature_word(dev->features, dev->device_feature_select),
		.driver_feature_select = dev->driver_feature_select,
		.driver_feature = feature_word(dev->driver_features, dev->driver_feature_select),
		.config_msix_vector = dev->config_vector,
		.num_queues = (uint16_t)dev->nr_queues,
		.device_status = dev->status,
		.config_generation = dev->generation,
		.queue_select = dev->queue_select,
	};
	uint64_t value = 0;

	fill_queue(dev, &c);
	if (offset + size <= sizeof(c))
		memcpy(&value, (const char *)&c + offset, size);
	return value;
}

/* A vector that does not exist is refused by reading back that there is none. */
static uint16_t checked_vector(const struct virtio_device *dev, uint64_t value)
{
	return value < dev->msix.nr ? (uint16_t)value : VIRTIO_NO_VECTOR;
}

static void write_driver_feature(struct virtio_device *dev, uint32_t value)
{
	const unsigned int shift = 32 * dev->driver_feature_select;

	if (dev->driver_feature_select > 1 || (dev->status & VIRTIO_STATUS_FEATURES_OK))
		return;
	dev->driver_features = (dev->driver_features & ~(0xffffffffULL << shift)) |
			       (uint64_t)value << shift;
}

/* Half of an address, or all of it. */
static void write_address(uint64_t *address, unsigned int half, unsigned int size, uint64_t value)
{
	if (size == 8)
		*address = value;
	else if (half)
		*address = (*address & 0xffffffff) | value << 32;
	else
		*address = (*address & ~0xffffffffULL) | value;
}

/* Registers of the queue that is selected; where it is stays while it is enabled. */
static void write_queue(struct virtio_device *dev, uint64_t offset, unsigned int size,
			uint64_t value)
{
	struct virtio_queue *q = selected_queue(dev);
	struct virtqueue *vq;

	if (!q)
		return;
	vq = &q->vq;
	if (offset == AT(queue_msix_vector) && size == 2) {
		q->vector = checked_vector(dev, value);
		return;
	}
	if (vq->enabled)
		return;
	if (offset == AT(queue_size) && size == 2)
		vq->size = (uint16_t)value;
	else if (offset == AT(queue_enable) && size == 2 && value == 1)
		virtio_enable_queue(dev, q->index);
	else if (size < 4 || offset % size)
		return;
	else if (offset / 8 == AT(queue_desc) / 8)
		write_address(&vq->desc, offset & 4, size, value);
	else if (offset / 8 == AT(queue_driver) / 8)
		write_address(&vq->driver, offset & 4, size, value);
	else if (offset / 8 == AT(queue_device) / 8)
		write_address(&vq->device, offset & 4, size, value);
}

/* A register is written as a whole: "driver requirements: PCI device layout". */
static void write_common(struct virtio_device *dev, uint64_t offset, unsigned int size,
			 uint64_t value)
{
	if (dev->is_resetting)
		return;
	if (offset == AT(device_feature_select) && size == 4)
		dev->device_feature_select = (uint32_t)value;
	else if (offset == AT(driver_feature_select) && size == 4)
		dev->driver_feature_select = (uint32_t)value;
	else if (offset == AT(driver_feature) && size == 4)
		write_driver_feature(dev, (uint32_t)value);
	else if (offset == AT(config_msix_vector) && size == 2)
		dev->config_vector = checked_vector(dev, value);
	else if (offset == AT(device_status) && size == 1)
		virtio_set_status(dev, (uint8_t)value);
	else if (offset == AT(queue_select) && size == 2)
		dev->queue_select = (uint16_t)value;
	else
		write_queue(dev, offset, size, value);
}

/* ---- The other registers ---- */

/* Reading it is the acknowledgement. */
static uint64_t read_isr(struct virtio_device *dev, uint64_t offset)
{
	return offset ? 0 : __atomic_exchange_n(&dev->isr, 0, __ATOMIC_RELAXED);
}

static uint64_t read_device(const struct virtio_device *dev, uint64_t offset, unsigned int size)
{
	uint64_t value = 0;

	if (offset + size <= dev->config_size)
		memcpy(&value, (const char *)dev->config + offset, size);
	return value;
}

static void write_device(struct virtio_device *dev, uint64_t offset, unsigned int size,
			 uint64_t value)
{
	if (!dev->class->config_written || offset + size > dev->config_size)
		return;
	memcpy((char *)dev->config + offset, &value, size);
	dev->class->config_written(dev, (unsigned int)offset, size);
}

/* Where no eventfd takes the place of the access. */
static void write_notify(struct virtio_device *dev, uint64_t offset)
{
	if (offset / NOTIFY_SIZE < dev->nr_queues)
		eventfd_write(dev->queues[offset / NOTIFY_SIZE].watch.fd, 1);
}

/* ---- On the bus ---- */

static uint64_t bar_read(struct pci_device *pci, unsigned int bar, uint64_t offset,
			 unsigned int size)
{
	struct virtio_device *dev = virtio_of(pci);
	uint64_t value = 0;

	if (bar == MSIX_BAR)
		return msix_read(&dev->msix, offset, size);
	pthread_mutex_lock(&dev->lock);
	switch (offset & ~(uint64_t)(BLOCK_SIZE - 1)) {
	case COMMON:
		value = read_common(dev, offset, size);
		break;
	case ISR:
		value = read_isr(dev, offset - ISR);
		break;
	case DEVICE:
		value = read_device(dev, offset - DEVICE, size);
		break;
	}
	pci_set_intx(pci, __atomic_load_n(&dev->isr, __ATOMIC_RELAXED));
	pthread_mutex_unlock(&dev->lock);
	return value;
}

static void bar_write(struct pci_device *pci, unsigned int bar, uint64_t offset,
		      unsigned int size, uint64_t value)
{
	struct virtio_device *dev = virtio_of(pci);

	if (bar == MSIX_BAR) {
		msix_write(&dev->msix, offset, size, value);
		return;
	}
	pthread_mutex_lock(&dev->lock);
	switch (offset & ~(uint64_t)(BLOCK_SIZE - 1)) {
	case COMMON:
		write_common(dev, offset, size, value);
		break;
	case DEVICE:
		write_device(dev, offset - DEVICE, size, value);
		break;
	case NOTIFY:
		write_notify(dev, offset - NOTIFY);
		break;
	}
	pci_set_intx(pci, __atomic_load_n(&dev->isr, __ATOMIC_RELAXED));
	pthread_mutex_unlock(&dev->lock);
}

/*
 * The window: an access to a BAR by way of configuration space. False if what it was set
 * to is not an access.
 */
static bool window_access(const struct virtio_device *dev, unsigned int offset, unsigned int size,
			  unsigned int *bar, uint32_t *at, uint32_t *length)
{
	const unsigned int data = dev->window + CAP_EXTRA;

	*bar = dev->pci.config[dev->window + CAP_BAR];
	*at = pci_get(&dev->pci, dev->window + CAP_OFFSET, 4);
	*length = pci_get(&dev->pci, dev->window + CAP_LENGTH, 4);
	return offset < data + 4 && offset + size > data && *bar < PCI_BARS &&
	       (*length == 1 || *length == 2 || *length == 4) &&
	       !(*at % *length) && (uint64_t)*at + *length <= dev->pci.bar_size[*bar];
}

static void config_read(struct pci_device *pci, unsigned int offset, unsigned int size)
{
	struct virtio_device *dev = virtio_of(pci);
	uint32_t at, length;
	unsigned int bar;

	if (window_access(dev, offset, size, &bar, &at, &length))
		pci_put(pci, dev->window + CAP_EXTRA, length,
			(uint32_t)bar_read(pci, bar, at, length));
}

static void config_written(struct pci_device *pci, unsigned int offset, unsigned int size)
{
	struct virtio_device *dev = virtio_of(pci);
	uint32_t at, length;
	unsigned int bar;

	if (window_access(dev, offset, size, &bar, &at, &length))
		bar_write(pci, bar, at, length, pci_get(pci, dev->window + CAP_EXTRA, length));
	msix_config_written(&dev->msix);
}

/* Notifications go by eventfds, which are where the BAR is. */
static void moved(struct pci_device *pci)
{
	struct virtio_device *dev = virtio_of(pci);
	const uint64_t bar = pci_bar_address(pci, REGISTERS_BAR);
	unsigned int i;

	for (i = 0; i < dev->nr_queues; i++) {
		struct virtio_queue *q = &dev->queues[i];

		if (q->doorbell)
			machine_ioeventfd(dev->m, q->doorbell, q->watch.fd, false);
		q->doorbell = bar ? bar + NOTIFY + i * NOTIFY_SIZE : 0;
		if (q->doorbell && machine_ioeventfd(dev->m, q->doorbell, q->watch.fd, true))
			q->doorbell = 0;
	}
}

static const struct pci_ops virtio_pci_ops = {
	.read = bar_read,
	.write = bar_write,
	.config_read = config_read,
	.config_written = config_written,
	.moved = moved,
};

/* ---- Set-up ---- */

static unsigned int add_capability(struct pci_device *pci, uint8_t type, uint32_t offset,
				   uint32_t length, unsigned int extra)
{
	const unsigned int at = pci_add_capability(pci, CAP_ID, CAP_SIZE + extra);

	pci_put(pci, at + CAP_LENGTH_OF, 1, CAP_SIZE + extra);
	pci_put(pci, at + CAP_TYPE, 1, type);
	pci_put(pci, at + CAP_BAR, 1, REGISTERS_BAR);
	pci_put(pci, at + CAP_OFFSET, 4, offset);
	pci_put(pci, at + CAP_LENGTH, 4, length);
	return at;
}

int virtio_pci_init(struct virtio_device *dev)
{
	const struct pci_identity identity = {
		.vendor = VENDOR,
		.device = FIRST_DEVICE + dev->class->id,
		.subsystem = 0x40,	/* any that is not a transitional device's */
		.class = dev->class->pci_class,
		.revision = 1,
	};
	struct pci_device *pci = &dev->pci;
	unsigned int notify;
	int ret;

	pci_init(pci, &virtio_pci_ops, &identity);
	pci_put(pci, PCI_INTERRUPT_PIN, 1, 1);
	pci_add_bar(pci, REGISTERS_BAR, BAR_SIZE);
	add_capability(pci, CAP_COMMON, COMMON, sizeof(struct common), 0);
	add_capability(pci, CAP_ISR, ISR, 1, 0);
	if (dev->config_size)
		add_capability(pci, CAP_DEVICE, DEVICE, dev->config_size, 0);
	notify = add_capability(pci, CAP_NOTIFY, NOTIFY, dev->nr_queues * NOTIFY_SIZE, 4);
	pci_put(pci, notify + CAP_EXTRA, 4, NOTIFY_SIZE);
	dev->window = add_capability(pci, CAP_WINDOW, 0, 0, 4);
	pci->writable[dev->window + CAP_BAR] = 0xff;
	memset(&pci->writable[dev->window + CAP_OFFSET], 0xff, 12);
	/* One vector for each queue, and one for changes of the configuration. */
	ret = msix_init(&dev->msix, dev->m, pci, MSIX_BAR, dev->nr_queues + 1);
	return ret ? ret : machine_plug(dev->m, pci);
}
