/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The configuration file of minivmx run: an INI file with the section [machine], in
 * which each line KEY = VALUE is an option of the command line, without its dashes.
 */
#ifndef CONFIG_FILE_H
#define CONFIG_FILE_H

#include <stddef.h>

#include "message.h"

#define CONFIG_FILE_NAME	"minivmx.ini"	/* in a folder that is a machine */
#define CONFIG_SECTION		"machine"
#define CONFIG_LINE_MAX		4096		/* bytes in a line, without its end */

struct run_options;

/* Read the file @path. An exit status; if it is not 0, there is a message. */
int config_file_read(const char *path, struct run_options *options, struct message *message);

/* Take @text, which @path has. 0, or -1 with a message. */
int config_file_parse(const char *path, const char *text, size_t size,
		      struct run_options *options, struct message *message);

#endif /* CONFIG_FILE_H */
