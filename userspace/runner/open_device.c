// SPDX-License-Identifier: GPL-2.0
/* /dev/minivmx for a command that only asks it something. */
#include <stdio.h>

#include "commands.h"
#include "libminivmx.h"

int open_device(void)
{
	struct minivmx_error error;
	int fd = minivmx_open(&error);

	if (fd >= 0)
		return fd;
	fprintf(stderr, "minivmx: %s\n", error.text);
	if (error.hint[0])
		fprintf(stderr, "minivmx: %s\n", error.hint);
	return -1;
}
