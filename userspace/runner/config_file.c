// SPDX-License-Identifier: GPL-2.0
/* The configuration file of minivmx run, by inih: see config_file.h. */
#include <ini.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_file.h"
#include "exit_status.h"
#include "image_file.h"
#include "run_options.h"

#define FILE_LIMIT	MIB
/* inih wants room for the end of the line, in two characters, and the string's. */
#define LINE_SPACE	(CONFIG_LINE_MAX + 3)

/**
 * struct parser - where inih is
 * @path: the file, for messages
 * @folder: what stands before a relative path
 * @next: the next line
 * @end: of the text
 * @line: number of the last that was read
 * @given: in which line each row of run_option_table was
 * @options: where values go
 * @message: what is wrong
 * @failed: something is, and there is a message
 */
struct parser {
	const char *path;
	const char *folder;
	const char *next;
	const char *end;
	unsigned int line;
	unsigned int given[RUN_OPTIONS_MAX];
	struct run_options *options;
	struct message *message;
	bool failed;
};

/* Something is, in the line that was read last; always -1. */
__attribute__((format(printf, 2, 3)))
static int wrong(struct parser *parser, const char *format, ...)
{
	struct message why;
	va_list args;

	va_start(args, format);
	vsnprintf(why.text, sizeof(why.text), format, args);
	va_end(args);
	parser->failed = true;
	return fail(parser->message, "%s:%u: %s", parser->path, parser->line, why.text);
}

/*
 * As fgets(). A line for which there is no room inih would take for two, so that it ends
 * here, as after any mistake.
 */
static char *read_line(char *line, int room, void *context)
{
	struct parser *parser = context;
	const char *newline;
	size_t len;

	if (parser->failed || parser->next == parser->end)
		return NULL;
	parser->line++;
	newline = memchr(parser->next, '\n', (size_t)(parser->end - parser->next));
	len = (size_t)((newline ? newline : parser->end) - parser->next);
	if (len > CONFIG_LINE_MAX || (int)len + 2 > room) {
		wrong(parser, "the line has %zu bytes, more than %d", len, CONFIG_LINE_MAX);
		return NULL;
	}
	if (memchr(parser->next, '\0', len)) {
		wrong(parser, "there is a NUL in it");
		return NULL;
	}
	memcpy(line, parser->next, len);
	strcpy(line + len, newline ? "\n" : "");
	parser->next += len + (newline ? 1 : 0);
	return line;
}

/* Of a path, that which is meant; a URI is none. */
static const char *meant(const struct parser *parser, const struct run_option *option,
			 const char *value)
{
	const bool is_relative = option->is_path && value[0] && value[0] != '/' &&
				 strcmp(value, "-") && !strstr(value, "://");

	return run_options_keep(parser->options, is_relative ? parser->folder : "", value);
}

static int set(struct parser *parser, const struct run_option *option, const char *value)
{
	unsigned int *line = &parser->given[option - run_option_table];
	struct message why;

	if (*line && !option->is_repeatable)
		return wrong(parser, "%s: line %u has it already", option->name, *line);
	*line = parser->line;
	value = meant(parser, option, value);
	if (!value)
		return wrong(parser, "%s: no memory for its value", option->name);
	if (option->parse(option, value, parser->options, &why))
		return wrong(parser, "%s: %s", option->name, why.text);
	return 0;
}

/* For each KEY = VALUE; false if something is wrong. */
static int on_value(void *context, const char *section, const char *name, const char *value)
{
	struct parser *parser = context;
	const struct run_option *option = run_option_find(name);

	if (!section[0])
		wrong(parser, "%s: it has to be behind [" CONFIG_SECTION "]", name);
	else if (strcmp(section, CONFIG_SECTION))
		wrong(parser, "there is no section [%s], only [" CONFIG_SECTION "]", section);
	else if (!option || option->is_not_for_files)
		wrong(parser, "there is no key '%s'", name);
	else
		set(parser, option, value);
	return !parser->failed;
}

static int parse(struct parser *parser)
{
	int ret;

	/* A value is all of its line, and a line all of its value. */
	ini_allow_inline_comments = false;
	ini_allow_multiline = false;
	ini_use_stack = false;
	ini_initial_alloc = LINE_SPACE;
	ini_max_line = LINE_SPACE;
	ini_stop_on_first_error = true;
	ret = ini_parse_stream(read_line, parser, on_value, parser);
	if (parser->failed)
		return -1;
	if (ret > 0)
		return wrong(parser, "neither KEY = VALUE nor [" CONFIG_SECTION "]");
	if (ret)
		return fail(parser->message, "%s: no memory to read it", parser->path);
	return 0;
}

int config_file_parse(const char *path, const char *text, size_t size,
		      struct run_options *options, struct message *message)
{
	const size_t folder_len = (size_t)(base_name(path) - path);
	struct parser parser = {
		.path = path,
		.folder = strndup(path, folder_len),
		.next = text,
		.end = text + size,
		.options = options,
		.message = message,
	};
	int ret;

	if (!parser.folder)
		return fail(message, "%s: no memory to read it", path);
	ret = parse(&parser);
	free((void *)parser.folder);
	return ret;
}

int config_file_read(const char *path, struct run_options *options, struct message *message)
{
	struct bytes text = { 0 };
	int ret;

	if (read_file(path, FILE_LIMIT, &text, message))
		return STATUS_HOST;
	ret = config_file_parse(path, (const char *)text.data, text.size, options, message);
	free((void *)text.data);
	return ret ? STATUS_USAGE : STATUS_OK;
}
