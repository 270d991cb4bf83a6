/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VSOCK_H
#define VSOCK_H

#include "virtio.h"

/* Context IDs of guests: those below are the host's and reserved. */
#define VSOCK_CID_MIN	3

/*
 * Make a virtio socket device with that context ID, by the host's vhost-vsock. NULL with
 * a message on failure.
 */
struct virtio_device *vsock_create(struct machine *m, const struct guest_memory *memory,
				   struct worker *worker, uint32_t cid, struct message *message);

#endif /* VSOCK_H */
