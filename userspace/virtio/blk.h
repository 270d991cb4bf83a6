/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BLK_H
#define BLK_H

#include "disk.h"
#include "virtio.h"

/*
 * Make a virtio block device of @disk, which it owns from then on, whatever comes. @name
 * is its serial number, of up to 20 bytes. NULL with a message on failure.
 */
struct virtio_device *blk_create(struct machine *m, const struct guest_memory *memory,
				 struct worker *worker, struct disk *disk, const char *name,
				 struct message *message);

#endif /* BLK_H */
