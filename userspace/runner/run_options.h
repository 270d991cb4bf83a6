/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The options of minivmx run. One table serves the command line, the configuration
 * file (config_file.c) and --help, so that a new option is a row in run_options.c.
 */
#ifndef RUN_OPTIONS_H
#define RUN_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "message.h"
#include "session.h"

/**
 * struct run_option - an option
 * @name: long, without the dashes; also the key in a file
 * @letter: short, or 0
 * @argument: what --help calls its value; NULL: it has none, and is yes or no in a file
 * @help: what it does; it may have several lines
 * @parse: take the value @text, NULL if it has none, which lives as long as @options; 0, or
 *         -1 with what is wrong, to be printed behind the option's name
 * @member: where a parser for several options puts the value, in struct run_options
 * @is_path: a relative one in a file is relative to that file's folder
 * @is_repeatable: it may be there several times, and all of them count
 * @is_not_for_files: it makes no sense in one
 */
struct run_option {
	const char *name;
	char letter;
	const char *argument;
	const char *help;
	int (*parse)(const struct run_option *option, const char *text,
		     struct run_options *options, struct message *message);
	size_t member;
	bool is_path;
	bool is_repeatable;
	bool is_not_for_files;
};

#define RUN_OPTIONS_MAX	64

extern const struct run_option run_option_table[];
/* At most RUN_OPTIONS_MAX. */
extern const size_t run_option_count;

/* That of this name, or NULL. */
const struct run_option *run_option_find(const char *name);

/* What is so if nothing else is said. */
void run_options_init(struct run_options *options);
/*
 * Take the command line, and the file that it names. An exit status with a message,
 * which is empty if getopt has said what is wrong.
 */
int run_options_read(int argc, char **argv, struct run_options *options,
		     struct message *message);
void run_options_free(struct run_options *options);

/* A copy of @text, after @prefix, that lives as long as @options; NULL: no memory. */
char *run_options_keep(struct run_options *options, const char *prefix, const char *text);

/* The rows, for --help. */
void run_options_print(FILE *file);

#endif /* RUN_OPTIONS_H */
