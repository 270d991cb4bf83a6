// SPDX-License-Identifier: GPL-2.0
#include <poll.h>
#include <string.h>

#include "disk.h"
#include "disk_log.h"
#include "engine.h"

/* A request that takes longer at the end of a run is not waited for, if that can be. */
#define PATIENCE_MS	10000

void disk_wait(struct disk *disk)
{
	struct pollfd poll_fd = { .fd = disk->ops->fd(disk), .events = POLLIN };

	if (poll(&poll_fd, 1, disk->ops->give_up ? PATIENCE_MS : -1) == 0)
		disk->ops->give_up(disk);
}

/* "nbd://", and the same with another transport or TLS: "nbds+unix://". */
static bool is_nbd_uri(const char *path)
{
	return !strncmp(path, "nbd", 3) &&
	       !strncmp(path + strspn(path, "abcdefghijklmnopqrstuvwxyz+"), "://", 3);
}

static struct disk *open_nbd(const struct disk_options *options, struct message *message)
{
	struct disk *(*open)(const struct disk_options *options, struct message *message);

	open = engine_function("nbd", "disk_open_nbd", "libnbd0", message);
	return open ? open(options, message) : NULL;
}

struct disk *disk_open(const struct disk_options *options, struct message *message)
{
	struct disk *disk = is_nbd_uri(options->path) ? open_nbd(options, message) :
							disk_open_file(options, message);

	return disk && options->log ? disk_log_open(disk, options->log, message) : disk;
}
