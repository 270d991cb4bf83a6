/* SPDX-License-Identifier: GPL-2.0 */
/* A machine with a block device, and a driver of that, for tests. */
#ifndef BLK_DRIVER_H
#define BLK_DRIVER_H

#include "../userspace/virtio/disk.h"
#include "../userspace/virtio/virtio.h"
#include "virtio_driver.h"

#define BLK_T_IN		0
#define BLK_T_OUT		1
#define BLK_T_FLUSH		4
#define BLK_T_GET_ID		8
#define BLK_T_DISCARD		11
#define BLK_T_WRITE_ZEROES	13

#define BLK_S_OK		0
#define BLK_S_IOERR		1
#define BLK_S_UNSUPP		2
/* Not an answer: there was none. */
#define BLK_NO_ANSWER		0x5a

#define BLK_F_RO		(1ULL << 5)
#define BLK_F_FLUSH		(1ULL << 9)
#define BLK_F_DISCARD		(1ULL << 13)
#define BLK_F_WRITE_ZEROES	(1ULL << 14)
#define BLK_FEATURES		(BLK_F_FLUSH | BLK_F_DISCARD | BLK_F_WRITE_ZEROES)

#define BLK_MEMORY		(32 * MIB)
#define BLK_DATA		(20 * MIB)
#define BLK_SLOTS		256

/**
 * struct blk_driver - they
 * @m: the machine
 * @memory: the guest's
 * @worker: the device's
 * @dev: the device
 * @d: driver of virtio
 * @data: BLK_DATA bytes of guest memory for tests
 * @slots: page N is of request N: header, status, indirect table
 * @ids: which request has which buffer
 * @length: "written" of the last buffer
 * @last: the last request that was done
 */
struct blk_driver {
	struct machine m;
	struct guest_memory memory;
	struct worker *worker;
	struct virtio_device *dev;
	struct driver d;
	uint64_t data;
	uint64_t slots;
	unsigned int ids[BLK_SLOTS];
	uint32_t length;
	unsigned int last;
};

/* Make it of the disk, which is the device's then; its name is "test". */
bool blk_driver_open(struct blk_driver *b, struct disk *disk);
/* Reset it, agree on features, have a queue of 256. */
bool blk_driver_start(struct blk_driver *b, uint64_t features);
void blk_driver_close(struct blk_driver *b);

/* Make request @slot available, without notifying. */
void blk_add(struct blk_driver *b, unsigned int slot, uint32_t type, uint64_t sector,
	     uint64_t data, uint32_t size);
/* The status of the next one that is done. */
uint8_t blk_wait(struct blk_driver *b);
/* One request, from its beginning to its status. */
uint8_t blk_do(struct blk_driver *b, uint32_t type, uint64_t sector, uint64_t data, uint32_t size);
/* The same of a range in its data; of @size bytes of data of zeros; of any elements. */
uint8_t blk_do_range(struct blk_driver *b, uint32_t type, uint64_t sector, uint32_t sectors,
		     uint32_t flags);
uint8_t blk_do_out(struct blk_driver *b, uint32_t type, uint32_t size);
uint8_t blk_do_elements(struct blk_driver *b, const struct driver_element *elements,
			unsigned int nr, uint64_t status);
void blk_header(struct blk_driver *b, uint64_t gpa, uint32_t type, uint64_t sector);
bool blk_needs_reset(struct blk_driver *b);

/* Fill memory with what @seed makes; is it that; is it zero? */
void blk_fill(struct blk_driver *b, uint64_t gpa, uint32_t size, unsigned int seed);
bool blk_is_filled(struct blk_driver *b, uint64_t gpa, uint32_t size, unsigned int seed);
bool blk_is_zero(struct blk_driver *b, uint64_t gpa, uint32_t size);

#endif /* BLK_DRIVER_H */
