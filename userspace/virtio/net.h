/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The virtio network device, and what is at the other end of its cable: a tap device of
 * the host, or a network of the user's own by libslirp.
 */
#ifndef NET_H
#define NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "virtio.h"

#define NET_HEADER_SIZE		12	/* struct virtio_net_hdr, version 1 */
#define NET_MAC_SIZE		6
#define NET_MAX_FORWARDS	16

struct net_end;

/**
 * struct net_ops - what is at the other end does
 * @send: a frame from the guest, behind a header of NET_HEADER_SIZE bytes
 * @settle: no further frame follows the last one at once
 * @fd: can be read when there is something to do
 * @process: do that: call net_receive(), as often as net_can_receive() says so
 * @set_features: the driver accepted these of @features. NULL: there are none
 * @close: forget it
 *
 * All are called in one thread.
 */
struct net_ops {
	void (*send)(struct net_end *end, const struct iovec *iov, unsigned int nr);
	void (*settle)(struct net_end *end);
	int (*fd)(const struct net_end *end);
	void (*process)(struct net_end *end);
	void (*set_features)(struct net_end *end, uint64_t features);
	void (*close)(struct net_end *end);
};

/**
 * struct net_end - the other end of the cable
 * @ops: what it does
 * @features: of the device, that depend on it
 * @receiver: what net_can_receive() and net_receive() want
 * @can_receive: is there a buffer for a frame?
 * @receive: a frame for the guest behind a header, which is dropped without a buffer
 */
struct net_end {
	const struct net_ops *ops;
	uint64_t features;
	void *receiver;
	bool (*can_receive)(void *receiver);
	void (*receive)(void *receiver, const struct iovec *iov, unsigned int nr);
};

/* A port of the host, 0 for any address, whose connections go to one of the guest. */
struct net_forward {
	bool is_udp;
	uint32_t host_address;	/* in network byte order */
	uint16_t host_port;
	uint16_t guest_port;
};

/**
 * struct net_options - how to make a network device
 * @tap: name of the tap device, or NULL: a network of the user's own
 * @mac: its address
 * @forwards: ports of the host
 * @nr_forwards: how many
 * @restricted: the guest reaches nothing but those who came by @forwards
 */
struct net_options {
	const char *tap;
	uint8_t mac[NET_MAC_SIZE];
	struct net_forward forwards[NET_MAX_FORWARDS];
	unsigned int nr_forwards;
	bool restricted;
};

/* NULL with a message on failure. */
struct net_end *net_open(const struct net_options *options, struct message *message);
struct net_end *net_open_tap(const struct net_options *options, struct message *message);

/*
 * Make a virtio network device with that address on @end, which it owns from then on,
 * whatever comes. NULL with a message on failure.
 */
struct virtio_device *net_create(struct machine *m, const struct guest_memory *memory,
				 struct worker *worker, struct net_end *end,
				 const uint8_t mac[NET_MAC_SIZE], struct message *message);

#endif /* NET_H */
