// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "device_options.h"

int parse_disk(const char *text, struct disk_options *disk, struct message *message)
{
	char *copy = strdup(text), *word, *rest;

	*disk = (struct disk_options) { 0 };
	if (!copy)
		return fail(message, "out of memory");
	rest = copy;
	disk->path = strsep(&rest, ",");
	if (!disk->path[0])
		return fail(message, "--disk: no file is named in '%s'", text);
	while ((word = strsep(&rest, ","))) {
		if (!strcmp(word, "ro"))
			disk->read_only = true;
		else if (!strcmp(word, "direct"))
			disk->direct = true;
		else
			return fail(message, "--disk: not one of ro, direct: '%s'", word);
	}
	return 0;
}
