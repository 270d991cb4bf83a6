/* SPDX-License-Identifier: GPL-2.0 */
/* The virtio devices of a machine, and the threads in which they work. */
#ifndef VIRTIO_DEVICES_H
#define VIRTIO_DEVICES_H

#include <stdbool.h>

#include "../virtio/disk.h"
#include "../virtio/net.h"
#include "machine.h"
#include "memory.h"
#include "message.h"

#define MAX_DISKS	8
#define MAX_NETS	8
#define MAX_VIRTIO	(4 + MAX_DISKS + MAX_NETS)

struct run_options;

/**
 * struct virtio_devices - they
 * @m: the machine
 * @memory: the guest's
 * @devices: the devices, in the order of their PCI slots
 * @nr_devices: how many
 * @balloon: the one of them that is the memory balloon
 * @workers: threads, one for each disk and network device and the console, and one for the
 *	     others
 * @nr_workers: how many
 */
struct virtio_devices {
	struct machine *m;
	const struct guest_memory *memory;
	struct virtio_device *devices[MAX_VIRTIO];
	unsigned int nr_devices;
	struct virtio_device *balloon;
	struct worker *workers[MAX_VIRTIO];
	unsigned int nr_workers;
};

/* Make those that the options say. 0, or -1 with a message; then free them, too. */
int virtio_devices_create(struct virtio_devices *all, const struct run_options *options,
			  struct message *message);
/* 0 or -errno. */
int virtio_devices_start(struct virtio_devices *all);
/* With the CPUs at rest: the devices stop working and are gone. */
void virtio_devices_free(struct virtio_devices *all);

#endif /* VIRTIO_DEVICES_H */
