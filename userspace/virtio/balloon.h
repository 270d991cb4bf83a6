/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BALLOON_H
#define BALLOON_H

#include "virtio.h"

/* Make a virtio memory balloon, with nothing in it. NULL with a message on failure. */
struct virtio_device *balloon_create(struct machine *m, const struct guest_memory *memory,
				     struct worker *worker, struct message *message);

/* Ask the driver for a balloon of that size; it gets there as it can. Takes the lock. */
void balloon_set_target(struct virtio_device *dev, uint64_t bytes);
/* How large the driver says that it is. */
uint64_t balloon_size(struct virtio_device *dev);

#endif /* BALLOON_H */
