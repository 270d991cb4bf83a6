// SPDX-License-Identifier: GPL-2.0
/* The virtio block device ("Block Device" in the virtio specification). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "blk.h"

/* Features. */
#define BLK_F_SEG_MAX		(1ULL << 2)
#define BLK_F_RO		(1ULL << 5)
#define BLK_F_BLK_SIZE		(1ULL << 6)
#define BLK_F_FLUSH		(1ULL << 9)
#define BLK_F_DISCARD		(1ULL << 13)
#define BLK_F_WRITE_ZEROES	(1ULL << 14)

/* Requests. */
#define BLK_T_IN		0
#define BLK_T_OUT		1
#define BLK_T_FLUSH		4
#define BLK_T_GET_ID		8
#define BLK_T_DISCARD		11
#define BLK_T_WRITE_ZEROES	13
#define BLK_ID_BYTES		20

#define BLK_S_OK		0
#define BLK_S_IOERR		1
#define BLK_S_UNSUPP		2

#define UNMAP			(1 << 0)

/* In flight; the driver may make more available, which wait in the queue. */
#define NR_REQUESTS		128
/* What a discard may be of at most, in sectors: a GiB. */
#define MAX_RANGE		(1 << 21)
/* More than there are. */
#define NR_ERRORS		256

struct blk_config {
	uint64_t capacity;
	uint32_t size_max;
	uint32_t seg_max;
	uint16_t cylinders;
	uint8_t heads;
	uint8_t sectors;
	uint32_t blk_size;
	uint8_t physical_block_exp;
	uint8_t alignment_offset;
	uint16_t min_io_size;
	uint32_t opt_io_size;
	uint8_t writeback;
	uint8_t unused0;
	uint16_t num_queues;
	uint32_t max_discard_sectors;
	uint32_t max_discard_seg;
	uint32_t discard_sector_alignment;
	uint32_t max_write_zeroes_sectors;
	uint32_t max_write_zeroes_seg;
	uint8_t write_zeroes_may_unmap;
	uint8_t unused1[3];
};

struct blk_header {
	uint32_t type;
	uint32_t reserved;
	uint64_t sector;
};

struct blk_range {
	uint64_t sector;
	uint32_t sectors;
	uint32_t flags;
};

/**
 * struct blk_request - a request in flight
 * @disk: as the disk sees it
 * @blk: whose
 * @next_free: when it is not in flight
 * @buffer: as the driver made it
 * @data: its data, without header and status
 * @in_size: bytes that the device may write, status included
 */
struct blk_request {
	struct disk_request disk;
	struct blk *blk;
	struct blk_request *next_free;
	struct vq_buffer buffer;
	struct iovec data[VIRTQUEUE_MAX];
	size_t in_size;
};

struct blk {
	struct virtio_device dev;
	struct blk_config config;
	struct disk *disk;
	struct worker_watch watch;
	char id[BLK_ID_BYTES];
	bool reported[NR_ERRORS];	/* the errors that the user was told */
	struct blk_request *free;
	struct blk_request requests[NR_REQUESTS];
};

static struct blk *blk_of(struct virtio_device *dev)
{
	return (struct blk *)dev;
}

/* ---- The end of a request ---- */

static void respond(struct blk_request *request, uint8_t status, size_t written)
{
	const struct vq_buffer *buffer = &request->buffer;
	struct blk *blk = request->blk;

	iov_write(buffer->iov + buffer->nr_out, buffer->nr_in, request->in_size - 1, &status, 1);
	/* Of the first bytes the driver is told: the status is the last one. */
	if (written == request->in_size - 1)
		written++;
	virtio_push(&blk->dev, 0, buffer, (uint32_t)written);
	request->next_free = blk->free;
	blk->free = request;
}

static const char *error_text(int error)
{
	switch (error) {
	case ENOSPC:
		return "No space left on device; make room on the host";
	case ENOTCONN:
		return "the connection to its server has ended, and so have all requests";
	default:
		return strerror(error);
	}
}

/* The guest sees no more than an I/O error: tell the user which, once. */
static void report(struct blk *blk, int error)
{
	if (error >= NR_ERRORS || blk->reported[error])
		return;
	blk->reported[error] = true;
	fprintf(stderr, "minivmx: disk %.*s: %s\n", BLK_ID_BYTES, blk->id, error_text(error));
}

static void on_done(struct disk_request *disk, int error)
{
	struct blk_request *request = (struct blk_request *)disk;

	if (error)
		report(request->blk, -error);
	respond(request, error ? BLK_S_IOERR : BLK_S_OK,
		disk->op == DISK_READ && !error ? request->in_size - 1 : 0);
}

/* ---- Requests ---- */

/* Hand it to the disk, or say what is wrong with it. */
static uint8_t submit(struct blk_request *request, enum disk_op op, uint64_t sector, uint64_t size)
{
	struct blk *blk = request->blk;
	const uint64_t sectors = blk->disk->size / SECTOR_SIZE;

	if (size % SECTOR_SIZE || sector > sectors || size / SECTOR_SIZE > sectors - sector)
		return BLK_S_IOERR;
	if (blk->disk->read_only && op != DISK_READ && op != DISK_FLUSH)
		return BLK_S_IOERR;
	request->disk.op = op;
	request->disk.offset = sector * SECTOR_SIZE;
	request->disk.size = size;
	request->disk.iov = request->data;
	request->disk.sync = !virtio_has(&blk->dev, BLK_F_FLUSH);
	request->disk.done = on_done;
	blk->disk->ops->submit(blk->disk, &request->disk);
	return BLK_S_OK;
}

static uint8_t read_or_write(struct blk_request *request, const struct blk_header *header,
			     size_t out_size)
{
	const struct vq_buffer *buffer = &request->buffer;
	const bool reads = header->type == BLK_T_IN;
	const size_t size = reads ? request->in_size - 1 : out_size - sizeof(*header);

	/* There is nothing to read or write. */
	if (!size)
		return BLK_S_IOERR;
	if (reads)
		request->disk.nr = iov_slice(buffer->iov + buffer->nr_out, buffer->nr_in, 0, size,
					     request->data);
	else
		request->disk.nr = iov_slice(buffer->iov, buffer->nr_out, sizeof(*header), size,
					     request->data);
	return submit(request, reads ? DISK_READ : DISK_WRITE, header->sector, size);
}

/* One range: that is all the configuration allows. */
static uint8_t discard_or_zero(struct blk_request *request, const struct blk_header *header,
			       size_t out_size)
{
	const struct vq_buffer *buffer = &request->buffer;
	const bool zero = header->type == BLK_T_WRITE_ZEROES;
	struct blk_range range;

	if (!request->blk->disk->can_discard)
		return BLK_S_UNSUPP;
	if (out_size != sizeof(*header) + sizeof(range))
		return BLK_S_IOERR;
	iov_read(buffer->iov, buffer->nr_out, sizeof(*header), &range, sizeof(range));
	if ((range.flags & ~(zero ? UNMAP : 0)))
		return BLK_S_UNSUPP;
	if (!range.sectors || range.sectors > MAX_RANGE)
		return BLK_S_IOERR;
	request->disk.nr = 0;
	request->disk.may_unmap = range.flags & UNMAP;
	return submit(request, zero ? DISK_ZERO : DISK_DISCARD, range.sector,
		      (uint64_t)range.sectors * SECTOR_SIZE);
}

static void get_id(struct blk_request *request)
{
	const struct vq_buffer *buffer = &request->buffer;
	size_t size = request->in_size - 1;

	if (size > BLK_ID_BYTES)
		size = BLK_ID_BYTES;
	iov_write(buffer->iov + buffer->nr_out, buffer->nr_in, 0, request->blk->id, size);
	respond(request, BLK_S_OK, size);
}

static void handle(struct blk_request *request)
{
	const struct vq_buffer *buffer = &request->buffer;
	const size_t out_size = iov_size(buffer->iov, buffer->nr_out);
	struct blk_header header;
	uint8_t status;

	iov_read(buffer->iov, buffer->nr_out, 0, &header, sizeof(header));
	switch (header.type) {
	case BLK_T_IN:
	case BLK_T_OUT:
		status = read_or_write(request, &header, out_size);
		break;
	case BLK_T_FLUSH:
		request->disk.nr = 0;
		status = submit(request, DISK_FLUSH, 0, 0);
		break;
	case BLK_T_DISCARD:
	case BLK_T_WRITE_ZEROES:
		status = discard_or_zero(request, &header, out_size);
		break;
	case BLK_T_GET_ID:
		get_id(request);
		return;
	default:
		status = BLK_S_UNSUPP;
	}
	if (status != BLK_S_OK)
		respond(request, status, 0);
}

/* ---- What the worker calls ---- */

static void take_requests(struct blk *blk)
{
	struct blk_request *request = blk->free;

	while (request && virtio_pop(&blk->dev, 0, &request->buffer)) {
		const struct vq_buffer *buffer = &request->buffer;

		blk->free = request->next_free;
		request->in_size = iov_size(buffer->iov + buffer->nr_out, buffer->nr_in);
		if (request->in_size && iov_size(buffer->iov, buffer->nr_out) >=
		    sizeof(struct blk_header)) {
			handle(request);
		} else {
			/* There is no place for a status, or no request. */
			virtio_broken(&blk->dev);
			virtio_push(&blk->dev, 0, buffer, 0);
			request->next_free = blk->free;
			blk->free = request;
		}
		request = blk->free;
	}
	blk->disk->ops->start(blk->disk);
}

static void blk_available(struct virtio_device *dev, unsigned int queue)
{
	(void)queue;
	take_requests(blk_of(dev));
	/* Some needed no disk. */
	virtio_notify(dev, 0);
}

static void on_ready(void *context, uint32_t events)
{
	struct blk *blk = context;

	(void)events;
	virtio_lock(&blk->dev);
	blk->disk->ops->process(blk->disk);
	/* There is room for others now. */
	take_requests(blk);
	virtio_notify(&blk->dev, 0);
	virtio_unlock(&blk->dev);
}

/* ---- Life ---- */

static bool is_idle(struct blk *blk)
{
	bool idle;

	virtio_lock(&blk->dev);
	idle = !blk->dev.in_flight;
	virtio_unlock(&blk->dev);
	return idle;
}

/* The disk writes into the guest's memory until its last request is done. */
static void finish_requests(struct blk *blk)
{
	virtio_lock(&blk->dev);
	virtio_set_status(&blk->dev, 0);
	virtio_unlock(&blk->dev);
	while (!is_idle(blk)) {
		disk_wait(blk->disk);
		on_ready(blk, EPOLLIN);
	}
}

static void blk_destroy(struct virtio_device *dev)
{
	struct blk *blk = blk_of(dev);

	finish_requests(blk);
	worker_unwatch(dev->worker, &blk->watch);
	virtio_exit(dev);
	blk->disk->ops->close(blk->disk);
	free(blk);
}

static const struct virtio_class blk_class = {
	.name = "block",
	.id = 2,
	.pci_class = 0x018000,
	.available = blk_available,
	.destroy = blk_destroy,
};

static void fill_config(struct blk_config *config, const struct disk *disk)
{
	*config = (struct blk_config) {
		.capacity = disk->size / SECTOR_SIZE,
		/* What the header and the status take of a chain is not for data. */
		.seg_max = VIRTQUEUE_MAX - 2,
		.blk_size = disk->block_size,
		.num_queues = 1,
		.max_discard_sectors = MAX_RANGE,
		.max_discard_seg = 1,
		.discard_sector_alignment = disk->block_size / SECTOR_SIZE,
		.max_write_zeroes_sectors = MAX_RANGE,
		.max_write_zeroes_seg = 1,
		.write_zeroes_may_unmap = 1,
	};
}

static uint64_t features_of(const struct disk *disk)
{
	return BLK_F_SEG_MAX | BLK_F_BLK_SIZE | BLK_F_FLUSH | (disk->read_only ? BLK_F_RO : 0) |
	       (disk->can_discard ? BLK_F_DISCARD | BLK_F_WRITE_ZEROES : 0);
}

struct virtio_device *blk_create(struct machine *m, const struct guest_memory *memory,
				 struct worker *worker, struct disk *disk, const char *name,
				 struct message *message)
{
	struct blk *blk = calloc(1, sizeof(*blk));
	const struct virtio_setup setup = {
		.class = &blk_class,
		.m = m,
		.memory = memory,
		.worker = worker,
		.features = features_of(disk),
		.nr_queues = 1,
		.config = blk ? &blk->config : NULL,
		.config_size = sizeof(blk->config),
	};
	unsigned int i;
	int ret = -ENOMEM;

	if (!blk)
		goto close;
	blk->disk = disk;
	memcpy(blk->id, name, strnlen(name, sizeof(blk->id)));
	fill_config(&blk->config, disk);
	for (i = 0; i < NR_REQUESTS; i++) {
		blk->requests[i].blk = blk;
		blk->requests[i].next_free = blk->free;
		blk->free = &blk->requests[i];
	}
	blk->watch = (struct worker_watch) {
		.fd = disk->ops->fd(disk),
		.ready = on_ready,
		.context = blk,
	};
	ret = worker_watch(worker, &blk->watch, EPOLLIN);
	if (ret)
		goto close;
	ret = virtio_init(&blk->dev, &setup);
	if (!ret)
		return &blk->dev;
	worker_unwatch(worker, &blk->watch);
close:
	disk->ops->close(disk);
	free(blk);
	fail(message, "cannot create a block device: %s", strerror(-ret));
	return NULL;
}
