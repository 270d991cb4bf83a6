// SPDX-License-Identifier: GPL-2.0
/*
 * Disks that are files or block devices of the host, by io_uring.
 *
 * The file is locked while it is open, so that two VMs never write the same one.
 */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk.h"
#include "iov.h"

/* Requests that the kernel has at a time; further ones wait here. */
#define RING_ENTRIES	128
/* What O_DIRECT wants of addresses, whatever the disk's blocks are. */
#define DIRECT_ALIGN	4096
/* Bytes copied at a time where it cannot use the guest's memory, which decides how many. */
#define BOUNCE_SIZE	(1U << 20)

/**
 * struct job - a request in the kernel
 * @request: the request
 * @left: bytes of it that are left
 * @bounce: the next of its data, where O_DIRECT cannot use the guest's memory, or NULL
 * @bounce_iov: that as an element
 * @mode: of fallocate()
 * @is_second_mode: the other one is not known to the file system
 * @syncs: it is done, but for getting it on the medium
 */
struct job {
	struct disk_request *request;
	uint64_t left;
	void *bounce;
	struct iovec bounce_iov;
	int mode;
	bool is_second_mode;
	bool syncs;
};

struct file_disk {
	struct disk disk;
	int fd;
	bool direct;
	struct io_uring ring;
	unsigned int in_ring;
	struct disk_request *waiting;
	struct disk_request **last_waiting;
};

static struct file_disk *file_disk_of(const struct disk *disk)
{
	return (struct file_disk *)disk;
}

/* ---- Requests ---- */

/* O_DIRECT takes whole blocks at aligned addresses alone. */
static bool is_aligned(const struct file_disk *file, const struct disk_request *request)
{
	unsigned int i;

	for (i = 0; i < request->nr; i++)
		if (((uintptr_t)request->iov[i].iov_base | request->iov[i].iov_len) &
		    (file->disk.block_size - 1))
			return false;
	return true;
}

static int zero_mode(const struct disk_request *request)
{
	if (request->op == DISK_DISCARD || request->may_unmap)
		return FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
	return FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE;
}

static uint64_t done_size(const struct job *job)
{
	return job->request->size - job->left;
}

/* The elements of what is left, or of a copy of its first part. */
static struct iovec *elements(struct job *job, unsigned int *nr)
{
	struct disk_request *request = job->request;
	const size_t size = job->left < BOUNCE_SIZE ? job->left : BOUNCE_SIZE;

	*nr = request->nr;
	if (!job->bounce)
		return request->iov;
	if (request->op == DISK_WRITE)
		iov_read(request->iov, request->nr, done_size(job), job->bounce, size);
	job->bounce_iov = (struct iovec) { job->bounce, size };
	*nr = 1;
	return &job->bounce_iov;
}

static void queue_job(struct file_disk *file, struct job *job)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&file->ring);
	struct disk_request *request = job->request;
	const uint64_t position = request->offset + done_size(job);
	struct iovec *iov;
	unsigned int nr;

	switch (job->syncs ? DISK_FLUSH : request->op) {
	case DISK_READ:
		iov = elements(job, &nr);
		io_uring_prep_readv(sqe, file->fd, iov, nr, position);
		break;
	case DISK_WRITE:
		iov = elements(job, &nr);
		io_uring_prep_writev2(sqe, file->fd, iov, nr, position,
				      request->sync ? RWF_DSYNC : 0);
		break;
	case DISK_FLUSH:
		io_uring_prep_fsync(sqe, file->fd, IORING_FSYNC_DATASYNC);
		break;
	case DISK_DISCARD:
	case DISK_ZERO:
		io_uring_prep_fallocate(sqe, file->fd, job->mode, (off_t)request->offset,
					(off_t)request->size);
		break;
	}
	io_uring_sqe_set_data(sqe, job);
}

static void finish(struct file_disk *file, struct job *job, int error)
{
	struct disk_request *request = job->request;

	free(job->bounce);
	free(job);
	file->in_ring--;
	request->done(request, error);
}

static int begin(struct file_disk *file, struct disk_request *request)
{
	struct job *job = calloc(1, sizeof(*job));

	if (!job)
		return -ENOMEM;
	job->request = request;
	job->left = request->size;
	job->mode = zero_mode(request);
	if (file->direct && request->nr && !is_aligned(file, request) &&
	    posix_memalign(&job->bounce, DIRECT_ALIGN, BOUNCE_SIZE)) {
		free(job);
		return -ENOMEM;
	}
	file->in_ring++;
	queue_job(file, job);
	return 0;
}

static void file_submit(struct disk *disk, struct disk_request *request)
{
	struct file_disk *file = file_disk_of(disk);

	request->next = NULL;
	*file->last_waiting = request;
	file->last_waiting = &request->next;
}

static void file_start(struct disk *disk)
{
	struct file_disk *file = file_disk_of(disk);
	int ret;

	while (file->waiting && file->in_ring < RING_ENTRIES) {
		struct disk_request *request = file->waiting;

		ret = begin(file, request);
		/* When others have given their memory back it is tried again. */
		if (ret && file->in_ring)
			break;
		file->waiting = request->next;
		if (!file->waiting)
			file->last_waiting = &file->waiting;
		if (ret)
			request->done(request, ret);
	}
	/* The kernel may take some of them, and want to be asked again. */
	do
		ret = io_uring_submit(&file->ring);
	while (io_uring_sq_ready(&file->ring) && (ret >= 0 || ret == -EAGAIN || ret == -EINTR));
}

/* ---- Completions ---- */

/* A part of a read or write is done; true if the rest is on its way. */
static bool go_on(struct file_disk *file, struct job *job, int result)
{
	struct disk_request *request = job->request;

	if ((request->op != DISK_READ && request->op != DISK_WRITE) || result <= 0)
		return false;
	if (request->op == DISK_READ && job->bounce)
		iov_write(request->iov, request->nr, done_size(job), job->bounce,
			  (size_t)result);
	job->left -= (uint64_t)result;
	if (!job->left)
		return false;
	if (!job->bounce)
		request->nr = iov_slice(request->iov, request->nr, (size_t)result, job->left,
					request->iov);
	queue_job(file, job);
	return true;
}

/*
 * tmpfs knows no zero ranges, but a hole in a file reads as zero anywhere; a block device
 * that cannot discard has no holes, but zeroes can be written.
 */
static bool try_other_mode(struct file_disk *file, struct job *job, int result)
{
	if (result != -EOPNOTSUPP || job->request->op != DISK_ZERO || job->is_second_mode)
		return false;
	job->is_second_mode = true;
	job->mode ^= FALLOC_FL_PUNCH_HOLE ^ FALLOC_FL_ZERO_RANGE;
	queue_job(file, job);
	return true;
}

static bool sync_zeroes(struct file_disk *file, struct job *job, int result)
{
	if (result < 0 || job->request->op != DISK_ZERO || !job->request->sync || job->syncs)
		return false;
	job->syncs = true;
	queue_job(file, job);
	return true;
}

static void complete(struct file_disk *file, struct job *job, int result)
{
	const enum disk_op op = job->request->op;

	if (go_on(file, job, result) || try_other_mode(file, job, result) ||
	    sync_zeroes(file, job, result))
		return;
	/* Nothing to read or write where the disk has bytes: somebody made the file shorter. */
	if (!result && (op == DISK_READ || op == DISK_WRITE))
		result = -EIO;
	/* To forget is not a duty. */
	if (result == -EOPNOTSUPP && op == DISK_DISCARD)
		result = 0;
	finish(file, job, result < 0 ? result : 0);
}

static void file_process(struct disk *disk)
{
	struct file_disk *file = file_disk_of(disk);
	struct io_uring_cqe *cqe;

	while (!io_uring_peek_cqe(&file->ring, &cqe)) {
		struct job *job = io_uring_cqe_get_data(cqe);
		const int result = cqe->res;

		io_uring_cqe_seen(&file->ring, cqe);
		complete(file, job, result);
	}
	file_start(disk);
}

static int file_fd(const struct disk *disk)
{
	return file_disk_of(disk)->ring.ring_fd;
}

/* ---- Opening and closing ---- */

static void file_close(struct disk *disk)
{
	struct file_disk *file = file_disk_of(disk);

	if (file->ring.ring_fd >= 0)
		io_uring_queue_exit(&file->ring);
	close(file->fd);
	free(file);
}

static const struct disk_ops file_ops = {
	.submit = file_submit,
	.start = file_start,
	.fd = file_fd,
	.process = file_process,
	.close = file_close,
};

static int open_file(const struct disk_options *options, struct message *message)
{
	const int flags = (options->read_only ? O_RDONLY : O_RDWR) |
			  (options->direct ? O_DIRECT : 0) | O_CLOEXEC;
	const char *hint = "";
	struct stat status;
	int fd;

	/* Before it is opened: a FIFO would wait for its other end. */
	if (!stat(options->path, &status) && !S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode))
		return fail(message, "disk %s: neither a file nor a block device", options->path);
	fd = open(options->path, flags);
	if (fd >= 0)
		return fd;
	if (!options->read_only && (errno == EROFS || errno == EACCES || errno == EPERM))
		hint = "; to only read it, add ,ro";
	if (options->direct && errno == EINVAL)
		hint = ": its file system knows no O_DIRECT; leave ,direct out";
	return fail(message, "disk %s: %s%s", options->path, strerror(errno), hint);
}

/* Whoever reads shares it with other readers; a lock ends with its descriptor. */
static int lock_file(const struct disk_options *options, int fd, struct message *message)
{
	struct flock lock = {
		.l_type = options->read_only ? F_RDLCK : F_WRLCK,
		.l_whence = SEEK_SET,
	};

	if (!fcntl(fd, F_OFD_SETLK, &lock))
		return 0;
	if (errno == EAGAIN || errno == EACCES)
		return fail(message, "disk %s: it is in use by another VM", options->path);
	return fail(message, "disk %s: cannot lock it: %s", options->path, strerror(errno));
}

static int measure_device(struct file_disk *file, uint64_t *size)
{
	unsigned int block_size;

	if (ioctl(file->fd, BLKGETSIZE64, size) || ioctl(file->fd, BLKSSZGET, &block_size))
		return -errno;
	file->disk.block_size = block_size;
	return 0;
}

static int measure(struct file_disk *file, const struct disk_options *options,
		   struct message *message)
{
	struct stat stat;
	uint64_t size;
	int ret = 0;

	if (fstat(file->fd, &stat))
		return fail(message, "disk %s: %s", options->path, strerror(errno));
	file->disk.block_size = SECTOR_SIZE;
	size = (uint64_t)stat.st_size;
	if (S_ISBLK(stat.st_mode))
		ret = measure_device(file, &size);
	if (ret)
		return fail(message, "disk %s: %s", options->path, strerror(-ret));
	if (!size)
		return fail(message, "disk %s: it is empty", options->path);
	if (size % SECTOR_SIZE)
		return fail(message, "disk %s: its size is not a multiple of %d bytes",
			    options->path, SECTOR_SIZE);
	file->disk.size = size;
	return 0;
}

/* The blocks that O_DIRECT takes: it refuses smaller ones. */
static int measure_direct(struct file_disk *file, const struct disk_options *options,
			  struct message *message)
{
	void *block;

	if (posix_memalign(&block, DIRECT_ALIGN, SECTOR_SIZE))
		return fail(message, "out of memory");
	if (pread(file->fd, block, SECTOR_SIZE, SECTOR_SIZE) < 0 && errno == EINVAL)
		file->disk.block_size = DIRECT_ALIGN;
	free(block);
	if (file->disk.size % file->disk.block_size)
		return fail(message, "disk %s: with ,direct its size must be a multiple of %u",
			    options->path, file->disk.block_size);
	return 0;
}

/* Behind the end there is nothing to lose: a block device refuses that otherwise. */
static bool can_punch(const struct file_disk *file)
{
	return !fallocate(file->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			  (off_t)file->disk.size, file->disk.block_size) || errno == EINVAL;
}

static int set_up(struct file_disk *file, const struct disk_options *options,
		  struct message *message)
{
	int ret;

	if (lock_file(options, file->fd, message) || measure(file, options, message))
		return -1;
	if (options->direct && measure_direct(file, options, message))
		return -1;
	file->disk.read_only = options->read_only;
	file->disk.can_discard = !options->read_only && can_punch(file);
	ret = io_uring_queue_init(RING_ENTRIES, &file->ring, 0);
	if (ret) {
		file->ring.ring_fd = -1;
		return fail(message, "disk %s: io_uring: %s%s", options->path, strerror(-ret),
			    ret == -EPERM ? "; see sysctl kernel.io_uring_disabled" :
			    ret == -ENOSYS ? "; this kernel has none" : "");
	}
	return 0;
}

struct disk *disk_open_file(const struct disk_options *options, struct message *message)
{
	struct file_disk *file = calloc(1, sizeof(*file));

	if (!file) {
		fail(message, "out of memory");
		return NULL;
	}
	file->disk.ops = &file_ops;
	file->direct = options->direct;
	file->last_waiting = &file->waiting;
	file->ring.ring_fd = -1;
	file->fd = open_file(options, message);
	if (file->fd < 0) {
		free(file);
		return NULL;
	}
	if (set_up(file, options, message)) {
		file_close(&file->disk);
		return NULL;
	}
	return &file->disk;
}
