// SPDX-License-Identifier: GPL-2.0
/*
 * Disks that are exports of NBD servers, by libnbd: qemu-nbd makes one of any image that
 * QEMU knows, qcow2 and Ceph among them.
 *
 * A request is sent in pieces, one after the other, each from one place of memory: the
 * guest's, where a piece is in one element, or a copy. Several requests are on their way
 * at a time. What libnbd calls must not call it, so a piece that is done is only noted
 * there.
 */
#include <errno.h>
#include <libnbd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../virtio/disk.h"
#include "../virtio/iov.h"

/* A piece: so much is copied at a time, and every server takes it. */
#define PIECE_SIZE	(1U << 20)
/* A piece without data. */
#define RANGE_SIZE	(1U << 30)
/* Blocks of more than a page are nothing for guests. */
#define BLOCK_SIZE_MAX	4096
/* Without a word from the server while connecting. */
#define PATIENCE_MS	10000

struct nbd_disk;

/**
 * struct job - a request that is on its way
 * @nbd: whose
 * @request: the request
 * @left: bytes of it that are left
 * @piece: bytes of them that were asked for
 * @bounce: their data, where it is in several elements
 * @flushes: the data is there, and a flush makes it last
 * @error: how the piece ended
 * @next: in a list
 */
struct job {
	struct nbd_disk *nbd;
	struct disk_request *request;
	uint64_t left;
	size_t piece;
	void *bounce;
	bool flushes;
	int error;
	struct job *next;
};

/**
 * struct nbd_disk - a connection
 * @disk: as others see it
 * @handle: libnbd's
 * @epoll: waits for the connection: readable means that something can go on
 * @can_flush: what the server can do
 * @can_fua: likewise
 * @can_trim: likewise
 * @waiting: what was submitted and is not started
 * @last_waiting: where the next one goes
 * @done: jobs of which a piece is done, in any order
 */
struct nbd_disk {
	struct disk disk;
	struct nbd_handle *handle;
	int epoll;
	bool can_flush;
	bool can_fua;
	bool can_trim;
	struct disk_request *waiting;
	struct disk_request **last_waiting;
	struct job *done;
};

static struct nbd_disk *nbd_disk_of(const struct disk *disk)
{
	return (struct nbd_disk *)disk;
}

/* ---- Requests ---- */

static void note(struct job *job, int error)
{
	job->error = error;
	job->next = job->nbd->done;
	job->nbd->done = job;
}

/* libnbd calls it; 1: it may forget the command. */
static int on_piece(void *user_data, int *error)
{
	note(user_data, -*error);
	return 1;
}

static uint64_t done_size(const struct job *job)
{
	return job->request->size - job->left;
}

/* Where a piece's data is: in the guest's memory, or in a copy. NULL: no memory. */
static void *piece_data(struct job *job)
{
	const struct disk_request *request = job->request;
	struct iovec slice[IOV_ELEMENTS];

	if (iov_slice(request->iov, request->nr, done_size(job), job->piece, slice) == 1)
		return slice[0].iov_base;
	/* Zeroed: a server that sends less must not show what was here. */
	job->bounce = calloc(1, job->piece);
	if (job->bounce && request->op == DISK_WRITE)
		iov_read(request->iov, request->nr, done_size(job), job->bounce, job->piece);
	return job->bounce;
}

static int64_t send_data(struct job *job, nbd_completion_callback callback, uint32_t flags)
{
	const uint64_t offset = job->request->offset + done_size(job);
	struct nbd_handle *handle = job->nbd->handle;
	void *data = piece_data(job);

	if (!data)
		return -1;
	if (job->request->op == DISK_READ)
		return nbd_aio_pread(handle, data, job->piece, offset, callback, 0);
	return nbd_aio_pwrite(handle, data, job->piece, offset, callback, flags);
}

/* What libnbd refuses is done at once, with an error. */
static void send_piece(struct job *job)
{
	const nbd_completion_callback callback = { .callback = on_piece, .user_data = job };
	const struct disk_request *request = job->request;
	const bool has_data = request->op == DISK_READ || request->op == DISK_WRITE;
	const uint32_t fua = request->sync && job->nbd->can_fua ? LIBNBD_CMD_FLAG_FUA : 0;
	const uint32_t no_hole = request->may_unmap ? 0 : LIBNBD_CMD_FLAG_NO_HOLE;
	const uint64_t offset = request->offset + done_size(job);
	const uint64_t max = has_data ? PIECE_SIZE : RANGE_SIZE;
	struct nbd_handle *handle = job->nbd->handle;
	int64_t cookie;

	job->piece = job->left < max ? job->left : max;
	if (request->op == DISK_FLUSH || job->flushes)
		cookie = nbd_aio_flush(handle, callback, 0);
	else if (request->op == DISK_DISCARD)
		cookie = nbd_aio_trim(handle, job->piece, offset, callback, 0);
	else if (request->op == DISK_ZERO)
		cookie = nbd_aio_zero(handle, job->piece, offset, callback, fua | no_hole);
	else
		cookie = send_data(job, callback, fua);
	if (cookie < 0)
		note(job, -EIO);
}

/* A server without flushes keeps nothing back; and forgetting is not a duty. */
static bool is_nothing(const struct nbd_disk *nbd, const struct disk_request *request)
{
	return (request->op == DISK_FLUSH && !nbd->can_flush) ||
	       (request->op == DISK_DISCARD && !nbd->can_trim);
}

static void begin(struct nbd_disk *nbd, struct disk_request *request)
{
	struct job *job;

	if (is_nothing(nbd, request)) {
		request->done(request, 0);
		return;
	}
	job = calloc(1, sizeof(*job));
	if (!job) {
		request->done(request, -ENOMEM);
		return;
	}
	job->nbd = nbd;
	job->request = request;
	job->left = request->size;
	send_piece(job);
}

static bool wants_flush(const struct job *job)
{
	const struct disk_request *request = job->request;

	return request->sync && !job->nbd->can_fua && job->nbd->can_flush &&
	       (request->op == DISK_WRITE || request->op == DISK_ZERO);
}

/* A piece is done without an error: true if something more is on its way. */
static bool go_on(struct job *job)
{
	const struct disk_request *request = job->request;

	if (job->bounce && request->op == DISK_READ)
		iov_write(request->iov, request->nr, done_size(job), job->bounce, job->piece);
	free(job->bounce);
	job->bounce = NULL;
	if (job->flushes)
		return false;
	job->left -= job->piece;
	job->flushes = !job->left && wants_flush(job);
	if (!job->left && !job->flushes)
		return false;
	send_piece(job);
	return true;
}

static bool has_ended(const struct nbd_disk *nbd)
{
	return nbd_aio_is_dead(nbd->handle) || nbd_aio_is_closed(nbd->handle);
}

static void finish(struct job *job)
{
	struct disk_request *request = job->request;
	int error = job->error;

	/* Whatever it says then, it is this that the user wants to know. */
	if (error && has_ended(job->nbd))
		error = -ENOTCONN;
	free(job->bounce);
	free(job);
	request->done(request, error);
}

static void finish_all(struct nbd_disk *nbd)
{
	while (nbd->done) {
		struct job *job = nbd->done;

		nbd->done = job->next;
		if (job->error || !go_on(job))
			finish(job);
	}
}

/* Wait for what libnbd wants to wait for. A connection that has ended it has closed. */
static void watch(struct nbd_disk *nbd)
{
	struct epoll_event event = { 0 };
	unsigned int direction;

	if (has_ended(nbd))
		return;
	direction = nbd_aio_get_direction(nbd->handle);
	event.events = (direction & LIBNBD_AIO_DIRECTION_READ ? EPOLLIN : 0) |
		       (direction & LIBNBD_AIO_DIRECTION_WRITE ? EPOLLOUT : 0);
	epoll_ctl(nbd->epoll, EPOLL_CTL_MOD, nbd_aio_get_fd(nbd->handle), &event);
}

static void nbd_disk_submit(struct disk *disk, struct disk_request *request)
{
	struct nbd_disk *nbd = nbd_disk_of(disk);

	request->next = NULL;
	*nbd->last_waiting = request;
	nbd->last_waiting = &request->next;
}

static void nbd_disk_start(struct disk *disk)
{
	struct nbd_disk *nbd = nbd_disk_of(disk);
	struct disk_request *request = nbd->waiting;

	nbd->waiting = NULL;
	nbd->last_waiting = &nbd->waiting;
	while (request) {
		struct disk_request *next = request->next;

		begin(nbd, request);
		request = next;
	}
	finish_all(nbd);
	watch(nbd);
}

/* A failure is the end of the connection, and then all that was in flight is done. */
static void nbd_disk_process(struct disk *disk)
{
	struct nbd_disk *nbd = nbd_disk_of(disk);

	nbd_poll(nbd->handle, 0);
	finish_all(nbd);
	watch(nbd);
}

static int nbd_disk_fd(const struct disk *disk)
{
	return nbd_disk_of(disk)->epoll;
}

/* libnbd sees the end of the connection then. */
static void nbd_disk_give_up(struct disk *disk)
{
	struct nbd_disk *nbd = nbd_disk_of(disk);

	if (!has_ended(nbd))
		shutdown(nbd_aio_get_fd(nbd->handle), SHUT_RDWR);
}

static void nbd_disk_close(struct disk *disk)
{
	struct nbd_disk *nbd = nbd_disk_of(disk);

	if (nbd->handle && nbd_aio_is_ready(nbd->handle))
		nbd_aio_disconnect(nbd->handle, 0);
	nbd_close(nbd->handle);
	if (nbd->epoll >= 0)
		close(nbd->epoll);
	free(nbd);
}

static const struct disk_ops nbd_disk_ops = {
	.submit = nbd_disk_submit,
	.start = nbd_disk_start,
	.fd = nbd_disk_fd,
	.process = nbd_disk_process,
	.give_up = nbd_disk_give_up,
	.close = nbd_disk_close,
};

/* ---- Opening ---- */

/* What libnbd says begins with the name of one of its functions, which is not news. */
static int nbd_fail(const struct disk_options *options, struct message *message)
{
	const char *error = nbd_get_error(), *colon = error ? strstr(error, ": ") : NULL;

	return fail(message, "disk %s: %s", options->path,
		    colon ? colon + 2 : "libnbd has failed");
}

static int connect_to(struct nbd_disk *nbd, const struct disk_options *options,
		      struct message *message)
{
	/* Reads fill all of it, or fail. */
	if (nbd_set_pread_initialize(nbd->handle, false) ||
	    nbd_aio_connect_uri(nbd->handle, options->path))
		return nbd_fail(options, message);
	while (!nbd_aio_is_ready(nbd->handle)) {
		const int ret = nbd_poll(nbd->handle, PATIENCE_MS);

		if (!ret)
			return fail(message, "disk %s: the server does not answer",
				    options->path);
		if (ret < 0)
			return nbd_fail(options, message);
	}
	return 0;
}

static int measure(struct nbd_disk *nbd, const struct disk_options *options,
		   struct message *message)
{
	const int64_t size = nbd_get_size(nbd->handle);
	const int64_t block_size = nbd_get_block_size(nbd->handle, LIBNBD_SIZE_MINIMUM);

	if (size < 0 || block_size < 0)
		return nbd_fail(options, message);
	if (!size)
		return fail(message, "disk %s: it is empty", options->path);
	if (block_size > BLOCK_SIZE_MAX)
		return fail(message, "disk %s: its blocks are of more than %d bytes",
			    options->path, BLOCK_SIZE_MAX);
	nbd->disk.block_size = block_size > SECTOR_SIZE ? (unsigned int)block_size : SECTOR_SIZE;
	if (size % nbd->disk.block_size)
		return fail(message, "disk %s: its size is not a multiple of %u bytes",
			    options->path, nbd->disk.block_size);
	nbd->disk.size = (uint64_t)size;
	return 0;
}

static int set_up(struct nbd_disk *nbd, const struct disk_options *options,
		  struct message *message)
{
	struct epoll_event event = { .events = EPOLLIN };

	if (!nbd->handle)
		return nbd_fail(options, message);
	if (options->direct)
		return fail(message, "disk %s: ,direct is for files alone", options->path);
	if (connect_to(nbd, options, message) || measure(nbd, options, message))
		return -1;
	if (nbd_is_read_only(nbd->handle) > 0 && !options->read_only)
		return fail(message, "disk %s: its server forbids writes; to only read it, add ,ro",
			    options->path);
	if (nbd->epoll < 0 ||
	    epoll_ctl(nbd->epoll, EPOLL_CTL_ADD, nbd_aio_get_fd(nbd->handle), &event))
		return fail(message, "disk %s: epoll: %s", options->path, strerror(errno));
	nbd->can_flush = nbd_can_flush(nbd->handle) > 0;
	nbd->can_fua = nbd_can_fua(nbd->handle) > 0;
	nbd->can_trim = nbd_can_trim(nbd->handle) > 0;
	nbd->disk.read_only = options->read_only;
	nbd->disk.can_discard = !options->read_only && nbd_can_zero(nbd->handle) > 0;
	return 0;
}

__attribute__((visibility("default")))
struct disk *disk_open_nbd(const struct disk_options *options, struct message *message)
{
	struct nbd_disk *nbd = calloc(1, sizeof(*nbd));

	if (!nbd) {
		fail(message, "out of memory");
		return NULL;
	}
	nbd->disk.ops = &nbd_disk_ops;
	nbd->last_waiting = &nbd->waiting;
	nbd->handle = nbd_create();
	nbd->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (set_up(nbd, options, message)) {
		nbd_disk_close(&nbd->disk);
		return NULL;
	}
	return &nbd->disk;
}
