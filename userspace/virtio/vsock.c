// SPDX-License-Identifier: GPL-2.0
/*
 * The virtio socket device ("Socket Device" in the virtio specification), whose buffers
 * the host's kernel moves: linux/vhost.h. It is given the queues when the driver is ready
 * and gives them back at a reset. What it has used comes as an eventfd, which the worker
 * makes an interrupt of, so that INTx works as MSI-X does.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/vhost.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vsock.h"

#define NR_QUEUES	3	/* receive, transmit, events; the last is ours: nothing happens */
#define NR_VHOST	2	/* that the kernel serves */

struct vsock_config {
	uint64_t guest_cid;
};

struct vsock;

/* A queue of the kernel's, that has used buffers. */
struct vsock_call {
	struct vsock *vsock;
	unsigned int queue;
	struct worker_watch watch;
};

struct vsock {
	struct virtio_device dev;
	struct vsock_config config;
	int vhost;
	bool is_running;
	struct vsock_call calls[NR_VHOST];
};

static struct vsock *vsock_of(struct virtio_device *dev)
{
	return (struct vsock *)dev;
}

static void on_call(void *context, uint32_t events)
{
	struct vsock_call *call = context;
	eventfd_t count;

	(void)events;
	eventfd_read(call->watch.fd, &count);
	virtio_lock(&call->vsock->dev);
	virtio_interrupt(&call->vsock->dev, call->queue);
	virtio_unlock(&call->vsock->dev);
}

/* ---- What the kernel is told ---- */

static int set_memory(struct vsock *vsock)
{
	const struct guest_memory *memory = vsock->dev.queues[0].vq.memory;
	struct memory_range ranges[2];
	unsigned int i, nr = guest_memory_ranges(memory, ranges);
	struct {
		struct vhost_memory header;
		struct vhost_memory_region regions[2];
	} table = { .header = { .nregions = nr } };

	for (i = 0; i < nr; i++) {
		const uint64_t size = ranges[i].end - ranges[i].start;

		table.regions[i] = (struct vhost_memory_region) {
			.guest_phys_addr = ranges[i].start,
			.memory_size = size,
			.userspace_addr = (uintptr_t)guest_memory_at(memory, ranges[i].start, size),
		};
	}
	return ioctl(vsock->vhost, VHOST_SET_MEM_TABLE, &table);
}

static int set_queue(struct vsock *vsock, unsigned int index)
{
	const struct virtio_queue *q = &vsock->dev.queues[index];
	struct vhost_vring_state size = { .index = index, .num = q->vq.size };
	struct vhost_vring_state base = { .index = index };
	struct vhost_vring_addr addr = {
		.index = index,
		.desc_user_addr = (uintptr_t)q->vq.desc_area,
		.avail_user_addr = (uintptr_t)q->vq.driver_area,
		.used_user_addr = (uintptr_t)q->vq.device_area,
	};
	struct vhost_vring_file kick = { .index = index, .fd = q->watch.fd };
	struct vhost_vring_file call = { .index = index, .fd = vsock->calls[index].watch.fd };

	if (!q->vq.enabled) {
		errno = EINVAL;
		return -1;
	}
	return ioctl(vsock->vhost, VHOST_SET_VRING_NUM, &size) ||
	       ioctl(vsock->vhost, VHOST_SET_VRING_BASE, &base) ||
	       ioctl(vsock->vhost, VHOST_SET_VRING_ADDR, &addr) ||
	       ioctl(vsock->vhost, VHOST_SET_VRING_KICK, &kick) ||
	       ioctl(vsock->vhost, VHOST_SET_VRING_CALL, &call) ? -1 : 0;
}

static void vsock_started(struct virtio_device *dev)
{
	struct vsock *vsock = vsock_of(dev);
	const int on = 1;

	if (ioctl(vsock->vhost, VHOST_SET_FEATURES, &dev->driver_features) ||
	    set_memory(vsock) || set_queue(vsock, 0) || set_queue(vsock, 1) ||
	    ioctl(vsock->vhost, VHOST_VSOCK_SET_RUNNING, &on))
		virtio_broken(dev);
	else
		vsock->is_running = true;
}

/* When it returns the kernel has let go of the queues and of the guest's memory. */
static void vsock_reset(struct virtio_device *dev)
{
	struct vsock *vsock = vsock_of(dev);
	const int off = 0;

	if (vsock->is_running)
		ioctl(vsock->vhost, VHOST_VSOCK_SET_RUNNING, &off);
	vsock->is_running = false;
}

/* The queue of events keeps its buffers for an event that there is not. */
static void vsock_available(struct virtio_device *dev, unsigned int queue)
{
	(void)dev;
	(void)queue;
}

/* ---- Life ---- */

static void free_vsock(struct vsock *vsock)
{
	unsigned int i;

	for (i = 0; i < NR_VHOST; i++) {
		if (vsock->calls[i].watch.fd >= 0)
			close(vsock->calls[i].watch.fd);
	}
	if (vsock->vhost >= 0)
		close(vsock->vhost);
	free(vsock);
}

static void vsock_destroy(struct virtio_device *dev)
{
	struct vsock *vsock = vsock_of(dev);
	unsigned int i;

	vsock_reset(dev);
	for (i = 0; i < NR_VHOST; i++)
		worker_unwatch(dev->worker, &vsock->calls[i].watch);
	virtio_exit(dev);
	free_vsock(vsock);
}

static const struct virtio_class vsock_class = {
	.name = "socket",
	.id = 19,
	.pci_class = 0x028000,
	.available = vsock_available,
	.started = vsock_started,
	.reset = vsock_reset,
	.destroy = vsock_destroy,
};

static int open_vhost(struct vsock *vsock, uint32_t cid, uint64_t *features,
		      struct message *message)
{
	const uint64_t guest_cid = cid;

	vsock->vhost = open("/dev/vhost-vsock", O_RDWR | O_CLOEXEC);
	if (vsock->vhost < 0)
		return fail(message, "/dev/vhost-vsock: %s%s", strerror(errno),
			    errno == ENOENT ? "; load the module vhost_vsock" : "");
	if (ioctl(vsock->vhost, VHOST_SET_OWNER) ||
	    ioctl(vsock->vhost, VHOST_GET_FEATURES, features))
		return fail(message, "/dev/vhost-vsock: %s", strerror(errno));
	if (ioctl(vsock->vhost, VHOST_VSOCK_SET_GUEST_CID, &guest_cid))
		return fail(message, "--vsock: context ID %u: %s%s", cid, strerror(errno),
			    errno == EADDRINUSE ? "; another VM has it" : "");
	return 0;
}

static int watch_calls(struct vsock *vsock, struct worker *worker)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < NR_VHOST; i++) {
		struct vsock_call *call = &vsock->calls[i];

		call->vsock = vsock;
		call->queue = i;
		call->watch.ready = on_call;
		call->watch.context = call;
		call->watch.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		ret = call->watch.fd < 0 ? -errno : worker_watch(worker, &call->watch, EPOLLIN);
	}
	return ret;
}

struct virtio_device *vsock_create(struct machine *m, const struct guest_memory *memory,
				   struct worker *worker, uint32_t cid, struct message *message)
{
	struct vsock *vsock = calloc(1, sizeof(*vsock));
	uint64_t features;
	unsigned int i;
	int ret;

	if (!vsock) {
		fail(message, "out of memory");
		return NULL;
	}
	vsock->vhost = -1;
	for (i = 0; i < NR_VHOST; i++)
		vsock->calls[i].watch.fd = -1;
	vsock->config.guest_cid = cid;
	if (open_vhost(vsock, cid, &features, message)) {
		free_vsock(vsock);
		return NULL;
	}
	ret = watch_calls(vsock, worker);
	if (!ret) {
		const struct virtio_setup setup = {
			.class = &vsock_class,
			.m = m,
			.memory = memory,
			.worker = worker,
			/* Packed rings the kernel does not know. */
			.not_features = ~features,
			.nr_queues = NR_QUEUES,
			.nr_elsewhere = NR_VHOST,
			.config = &vsock->config,
			.config_size = sizeof(vsock->config),
		};

		ret = virtio_init(&vsock->dev, &setup);
	}
	if (!ret)
		return &vsock->dev;
	free_vsock(vsock);
	fail(message, "cannot create a socket device: %s", strerror(-ret));
	return NULL;
}
