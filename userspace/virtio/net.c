// SPDX-License-Identifier: GPL-2.0
/* The virtio network device ("Network Device" in the virtio specification). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "engine.h"
#include "net.h"

#define NET_F_MAC	(1ULL << 5)
#define NET_F_STATUS	(1ULL << 16)
#define NET_S_LINK_UP	1

#define QUEUE_RECEIVE	0
#define QUEUE_TRANSMIT	1

/* Where the number of buffers is in a header: always one, without VIRTIO_NET_F_MRG_RXBUF. */
#define NUM_BUFFERS_AT	10

struct net_config {
	uint8_t mac[NET_MAC_SIZE];
	uint16_t status;
};

struct net {
	struct virtio_device dev;
	struct net_config config;
	struct net_end *end;
	struct worker_watch watch;
	bool is_watched;
	bool is_unplugged;
	bool has_buffer;		/* @receive is of the next frame */
	struct vq_buffer receive;
	struct vq_buffer transmit;
};

static struct net *net_of(struct virtio_device *dev)
{
	return (struct net *)dev;
}

/* ---- To the guest ---- */

static bool can_receive(void *receiver)
{
	struct net *net = receiver;

	if (!net->has_buffer)
		net->has_buffer = virtio_pop(&net->dev, QUEUE_RECEIVE, &net->receive);
	return net->has_buffer;
}

static void receive(void *receiver, const struct iovec *iov, unsigned int nr)
{
	static const uint16_t one = 1;
	struct net *net = receiver;
	const struct vq_buffer *buffer = &net->receive;
	const struct iovec *in = buffer->iov + buffer->nr_out;
	const size_t size = iov_size(iov, nr);
	size_t done = 0;

	if (!can_receive(net))
		return;
	/* The driver's buffers are too small for what it accepted: it is as if lost. */
	if (iov_size(in, buffer->nr_in) < size)
		return;
	for (; nr; nr--, iov++)
		done += iov_write(in, buffer->nr_in, done, iov->iov_base, iov->iov_len);
	iov_write(in, buffer->nr_in, NUM_BUFFERS_AT, &one, sizeof(one));
	net->has_buffer = false;
	virtio_push(&net->dev, QUEUE_RECEIVE, buffer, (uint32_t)size);
}

/* What waits at the other end need not wake anybody while there is no buffer for it. */
static void watch_end(struct net *net)
{
	const bool wanted = can_receive(net);

	if (net->is_unplugged || wanted == net->is_watched)
		return;
	net->is_watched = wanted;
	worker_watch(net->dev.worker, &net->watch, wanted ? EPOLLIN : 0);
}

/* The other end has gone for good, as a tap device that is deleted. */
static void unplug(struct net *net)
{
	fprintf(stderr, "minivmx: a network card's other end has gone: its cable is unplugged\n");
	net->is_unplugged = true;
	worker_unwatch(net->dev.worker, &net->watch);
	net->config.status &= (uint16_t)~NET_S_LINK_UP;
	virtio_config_changed(&net->dev);
}

static void on_ready(void *context, uint32_t events)
{
	struct net *net = context;

	virtio_lock(&net->dev);
	net->end->ops->process(net->end);
	if (events & EPOLLIN)
		watch_end(net);
	else
		unplug(net);
	virtio_notify(&net->dev, QUEUE_RECEIVE);
	virtio_unlock(&net->dev);
}

/* ---- From the guest ---- */

static void transmit(struct net *net)
{
	const struct vq_buffer *buffer = &net->transmit;

	while (virtio_pop(&net->dev, QUEUE_TRANSMIT, &net->transmit)) {
		if (iov_size(buffer->iov, buffer->nr_out) > NET_HEADER_SIZE)
			net->end->ops->send(net->end, buffer->iov, buffer->nr_out);
		virtio_push(&net->dev, QUEUE_TRANSMIT, buffer, 0);
	}
	net->end->ops->settle(net->end);
	virtio_notify(&net->dev, QUEUE_TRANSMIT);
}

static void net_available(struct virtio_device *dev, unsigned int queue)
{
	struct net *net = net_of(dev);

	if (queue == QUEUE_TRANSMIT)
		transmit(net);
	watch_end(net);
	/* The other end may have answered at once. */
	virtio_notify(dev, QUEUE_RECEIVE);
}

/* ---- Life ---- */

static void net_started(struct virtio_device *dev)
{
	struct net *net = net_of(dev);

	if (net->end->ops->set_features)
		net->end->ops->set_features(net->end, dev->driver_features & net->end->features);
}

static void net_reset(struct virtio_device *dev)
{
	struct net *net = net_of(dev);

	if (net->has_buffer) {
		net->has_buffer = false;
		virtio_push(dev, QUEUE_RECEIVE, &net->receive, 0);
	}
	watch_end(net);
}

static void net_destroy(struct virtio_device *dev)
{
	struct net *net = net_of(dev);

	worker_unwatch(dev->worker, &net->watch);
	virtio_exit(dev);
	net->end->ops->close(net->end);
	free(net);
}

static const struct virtio_class net_class = {
	.name = "network",
	.id = 1,
	.pci_class = 0x020000,
	.available = net_available,
	.started = net_started,
	.reset = net_reset,
	.destroy = net_destroy,
};

struct virtio_device *net_create(struct machine *m, const struct guest_memory *memory,
				 struct worker *worker, struct net_end *end,
				 const uint8_t mac[NET_MAC_SIZE], struct message *message)
{
	struct net *net = calloc(1, sizeof(*net));
	const struct virtio_setup setup = {
		.class = &net_class,
		.m = m,
		.memory = memory,
		.worker = worker,
		.features = NET_F_MAC | NET_F_STATUS | end->features,
		.nr_queues = 2,
		.config = net ? &net->config : NULL,
		.config_size = sizeof(net->config),
	};
	int ret = -ENOMEM;

	if (!net)
		goto close;
	memcpy(net->config.mac, mac, NET_MAC_SIZE);
	net->config.status = NET_S_LINK_UP;
	net->end = end;
	end->receiver = net;
	end->can_receive = can_receive;
	end->receive = receive;
	net->watch = (struct worker_watch) {
		.fd = end->ops->fd(end),
		.ready = on_ready,
		.context = net,
	};
	ret = worker_watch(worker, &net->watch, 0);
	if (ret)
		goto close;
	ret = virtio_init(&net->dev, &setup);
	if (!ret)
		return &net->dev;
	worker_unwatch(worker, &net->watch);
close:
	end->ops->close(end);
	free(net);
	fail(message, "cannot create a network device: %s", strerror(-ret));
	return NULL;
}

struct net_end *net_open(const struct net_options *options, struct message *message)
{
	struct net_end *(*open_slirp)(const struct net_options *options, struct message *message);

	if (options->tap)
		return net_open_tap(options, message);
	open_slirp = engine_function("slirp", "net_open_slirp", "libslirp0", message);
	return open_slirp ? open_slirp(options, message) : NULL;
}
