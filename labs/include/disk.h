/* SPDX-License-Identifier: GPL-2.0 */
/* Lab 6: a disk, by memory-mapped registers. */
#ifndef LABS_DISK_H
#define LABS_DISK_H

#include "bus.h"

/* Its registers, of 32 bits each; accesses of another size or elsewhere do nothing. */
enum {
	DISK_ID = 0x00,		/* read: DISK_MAGIC */
	DISK_CAPACITY = 0x04,	/* read: sectors */
	DISK_SECTOR = 0x08,	/* the first sector of a command */
	DISK_COUNT = 0x0c,	/* how many; 0 is an error */
	DISK_ADDRESS = 0x10,	/* guest-physical address of the data */
	DISK_STATUS = 0x14,	/* read: DISK_DONE, DISK_ERROR */
	DISK_COMMAND = 0x18,	/* DISK_READ, DISK_WRITE */
	DISK_DOORBELL = 0x20,	/* write: do it; an interrupt when that is done or has failed */
	DISK_SIZE = 0x1000,	/* of all */
};

#define DISK_MAGIC	0x4b53444c
#define DISK_SECTOR_SIZE 512

enum { DISK_DONE, DISK_ERROR };
enum { DISK_READ = 1, DISK_WRITE = 2 };

/**
 * struct disk - a disk, whose content is in a file
 * @vm: whose memory it reads and writes
 * @irqs: where its interrupts go
 * @vector: of its interrupts
 * @file: descriptor of the file; whole sectors of it are the disk
 * @lock: for the rest
 * @capacity: sectors
 * @sector: register
 * @count: register
 * @address: register
 * @status: register
 * @command: register
 * @gpa: where its registers are
 * @doorbell: eventfd of the worker, or -1
 * @worker: the thread
 * @ending: it is to end
 */
struct disk {
	struct vm *vm;
	struct irqs *irqs;
	uint8_t vector;
	int file;
	pthread_mutex_t lock;
	uint32_t capacity;
	uint32_t sector, count, address, status, command;
	uint64_t gpa;
	int doorbell;
	pthread_t worker;
	bool ending;
};

/**
 * disk_init() - a disk
 * @disk: whose @vm, @irqs, @vector and @file are set
 * @bus: gets it
 * @gpa: where its registers are to be
 *
 * Return: 0, or a negative errno.
 */
int disk_init(struct disk *disk, struct bus *bus, uint64_t gpa);

/**
 * disk_use_worker() - from now on a thread does the work, called by an ioeventfd: a write of
 *		       the doorbell does not return from RUN any more
 * @disk: the disk, which does nothing now
 *
 * Return: 0, or a negative errno.
 */
int disk_use_worker(struct disk *disk);

/**
 * disk_destroy() - undo disk_use_worker() and disk_init(), but for the bus
 * @disk: the disk; its VM is there, but does not run
 */
void disk_destroy(struct disk *disk);

#endif /* LABS_DISK_H */
