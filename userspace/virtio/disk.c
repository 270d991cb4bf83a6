// SPDX-License-Identifier: GPL-2.0
#include <poll.h>

#include "disk.h"

/* The events of epoll are those of poll(). */
void disk_wait(const struct disk *disk)
{
	struct pollfd poll_fd = {
		.fd = disk->ops->fd(disk),
		.events = (short)disk->ops->events(disk),
	};

	poll(&poll_fd, 1, -1);
}

struct disk *disk_open(const struct disk_options *options, struct message *message)
{
	return disk_open_file(options, message);
}
