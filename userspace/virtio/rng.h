/* SPDX-License-Identifier: GPL-2.0 */
#ifndef RNG_H
#define RNG_H

#include "virtio.h"

/* Make a virtio entropy device. NULL with a message on failure. */
struct virtio_device *rng_create(struct machine *m, const struct guest_memory *memory,
				 struct worker *worker, struct message *message);

#endif /* RNG_H */
