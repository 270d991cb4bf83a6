/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VCONSOLE_H
#define VCONSOLE_H

#include "virtio.h"

/*
 * Make a virtio console, which prints on the machine's terminal and takes what the user
 * types there. NULL with a message on failure.
 */
struct virtio_device *vconsole_create(struct machine *m, const struct guest_memory *memory,
				      struct worker *worker, struct message *message);

#endif /* VCONSOLE_H */
