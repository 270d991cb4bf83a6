/* SOURCES: userspace/devices/pci_host.c userspace/devices/pci_device.c userspace/devices/msix.c userspace/virtio/virtio.c userspace/virtio/virtio_pci.c userspace/virtio/virtqueue.c userspace/virtio/virtqueue_packed.c userspace/virtio/iov.c userspace/virtio/worker.c userspace/virtio/rng.c userspace/runner/memory.c userspace/runner/message.c selftests/unit/fake_machine.c selftests/unit/fake_doors.c */
// SPDX-License-Identifier: GPL-2.0
/*
 * Any accesses to configuration space and to BARs, with a virtio device on the bus: as
 * steps, each of which is one access, or lets the device work.
 */
#include <stdlib.h>
#include <string.h>

#include "../../userspace/devices/pci.h"
#include "../../userspace/virtio/rng.h"
#include "../unit/fake_machine.h"

#define SLOT		1
#define MEMORY_SIZE	0x10000

struct step {
	uint8_t what;
	uint8_t size;
	uint16_t at;
	uint64_t value;
} __attribute__((packed));

enum what { PORTS, CONFIG, COMMON, REGISTERS, MSIX, WINDOW, WORK, MEMORY, NR_WHAT };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Read and write; either may have a side effect. */
static void access_memory(struct machine *m, uint64_t address, const struct step *step)
{
	const unsigned int size = 1U << (step->size & 3);

	/* The bus splits what is not in one range as a whole. */
	if (address < PCI_WINDOW_FIRST || (address ^ (address + size - 1)) >> 12)
		return;
	fake_read(m, address, size);
	if (step->size & 4)
		fake_write(m, address, size, step->value & (UINT64_MAX >> (64 - 8 * size)));
}

static void ports(struct machine *m, const struct step *step)
{
	const unsigned int size = 1U << (step->size & 3) % 3;
	const uint16_t port = (step->at & 7 & ~(size - 1)) + 0xcf8;

	fake_in(m, port, size);
	if (step->size & 4)
		fake_out(m, port, size, step->value & (UINT32_MAX >> (32 - 8 * size)));
}

static void work(struct virtio_device *dev)
{
	unsigned int i;

	virtio_lock(dev);
	dev->class->available(dev, 0);
	for (i = 0; i < dev->nr_queues; i++)
		if (dev->queues[i].vq.enabled && dev->queues[i].vq.size > VIRTQUEUE_MAX)
			abort();
	virtio_unlock(dev);
}

static void take_step(struct machine *m, struct virtio_device *dev, struct guest_memory *memory,
		      const struct step *step)
{
	switch (step->what % NR_WHAT) {
	case PORTS:
		ports(m, step);
		break;
	case CONFIG:
		access_memory(m, PCI_MMCONFIG + (SLOT << 15) + (step->at & 0xfff), step);
		break;
	case COMMON:
		access_memory(m, pci_bar_address(&dev->pci, 0) + (step->at & 0x3f), step);
		break;
	case REGISTERS:
		access_memory(m, pci_bar_address(&dev->pci, 0) + (step->at & 0x3fff), step);
		break;
	case MSIX:
		access_memory(m, pci_bar_address(&dev->pci, 1) + (step->at & 0xfff), step);
		break;
	case WINDOW:
		access_memory(m, PCI_WINDOW_FIRST + (step->value & 0x1fffffff), step);
		break;
	case WORK:
		work(dev);
		break;
	default:
		memcpy(memory->host + step->at % (MEMORY_SIZE - 8), &step->value, 8);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct guest_memory memory = {
		.host = aligned_alloc(4096, MEMORY_SIZE),
		.size = MEMORY_SIZE,
		.low = MEMORY_SIZE,
	};
	struct worker *worker = worker_new();
	static struct machine m;
	struct virtio_device *dev;
	struct message message;
	struct step step;

	memset(memory.host, 0, MEMORY_SIZE);
	m = (struct machine) { 0 };
	if (!worker || !fake_create(&m, &pci_host_class))
		abort();
	dev = rng_create(&m, &memory, worker, &message);
	if (!dev)
		abort();
	for (; size >= sizeof(step); data += sizeof(step), size -= sizeof(step)) {
		memcpy(&step, data, sizeof(step));
		take_step(&m, dev, &memory, &step);
	}
	dev->class->destroy(dev);
	worker_free(worker);
	fake_destroy(&m);
	free(memory.host);
	return 0;
}
