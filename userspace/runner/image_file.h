/* SPDX-License-Identifier: GPL-2.0 */
/* Whole files in memory. */
#ifndef IMAGE_FILE_H
#define IMAGE_FILE_H

#include "loader.h"
#include "message.h"

/*
 * Read all of @path, at most @limit bytes. 0, or -1 with a message that names
 * the file. Free @bytes->data with free().
 */
int read_file(const char *path, uint64_t limit, struct bytes *bytes,
	      struct message *message);

/* The part of @path behind its last slash. */
const char *base_name(const char *path);

#endif /* IMAGE_FILE_H */
