// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../virtio/balloon.h"
#include "../virtio/blk.h"
#include "../virtio/rng.h"
#include "../virtio/vconsole.h"
#include "../virtio/vsock.h"
#include "session.h"
#include "virtio_devices.h"

static struct worker *new_worker(struct virtio_devices *all, struct message *message)
{
	struct worker *worker = worker_new();

	if (worker)
		all->workers[all->nr_workers++] = worker;
	else
		fail(message, "cannot create a thread for a device: %s", strerror(errno));
	return worker;
}

static int add_device(struct virtio_devices *all, struct virtio_device *dev)
{
	if (!dev)
		return -1;
	all->devices[all->nr_devices++] = dev;
	return 0;
}

/* Those that have little to do share a thread. */
static int add_small(struct virtio_devices *all, const struct run_options *options,
		     struct message *message)
{
	struct worker *worker = new_worker(all, message);

	if (!worker || add_device(all, rng_create(all->m, all->memory, worker, message)))
		return -1;
	all->balloon = balloon_create(all->m, all->memory, worker, message);
	if (add_device(all, all->balloon))
		return -1;
	if (!options->vsock_cid)
		return 0;
	return add_device(all, vsock_create(all->m, all->memory, worker, options->vsock_cid,
					    message));
}

static int add_disk(struct virtio_devices *all, const struct disk_options *options,
		    unsigned int index, struct message *message)
{
	struct worker *worker = new_worker(all, message);
	struct disk *disk = worker ? disk_open(options, message) : NULL;
	char name[16];

	if (!disk)
		return -1;
	snprintf(name, sizeof(name), "disk%u", index);
	return add_device(all, blk_create(all->m, all->memory, worker, disk, name, message));
}

static int add_net(struct virtio_devices *all, const struct net_options *options,
		   struct message *message)
{
	struct worker *worker = new_worker(all, message);
	struct net_end *end = worker ? net_open(options, message) : NULL;

	if (!end)
		return -1;
	return add_device(all, net_create(all->m, all->memory, worker, end, options->mac, message));
}

/* It may wait for who reads what the guest prints. */
static int add_console(struct virtio_devices *all, struct message *message)
{
	struct worker *worker = new_worker(all, message);

	return worker ? add_device(all, vconsole_create(all->m, all->memory, worker, message)) : -1;
}

int virtio_devices_create(struct virtio_devices *all, const struct run_options *options,
			  struct message *message)
{
	unsigned int i;

	if (add_small(all, options, message))
		return -1;
	if (options->virtio_console && add_console(all, message))
		return -1;
	for (i = 0; i < options->nr_disks; i++)
		if (add_disk(all, &options->disks[i], i, message))
			return -1;
	for (i = 0; i < options->nr_nets; i++)
		if (add_net(all, &options->nets[i], message))
			return -1;
	return 0;
}

int virtio_devices_start(struct virtio_devices *all)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < all->nr_workers; i++)
		ret = worker_start(all->workers[i]);
	return ret;
}

void virtio_devices_free(struct virtio_devices *all)
{
	unsigned int i;

	for (i = 0; i < all->nr_workers; i++)
		worker_stop(all->workers[i]);
	while (all->nr_devices) {
		struct virtio_device *dev = all->devices[--all->nr_devices];

		dev->class->destroy(dev);
	}
	while (all->nr_workers)
		worker_free(all->workers[--all->nr_workers]);
}
