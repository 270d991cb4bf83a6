// SPDX-License-Identifier: GPL-2.0
/* The options of minivmx run: see run_options.h. */
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../virtio/vsock.h"
#include "array.h"
#include "config_file.h"
#include "control_dir.h"
#include "device_options.h"
#include "exit_status.h"
#include "loader.h"
#include "run_options.h"

#define DEFAULT_MEMORY	(256 * MIB)

#define NUMBER_TEXT(number)	#number
#define TEXT_OF(macro)		NUMBER_TEXT(macro)

/* ---- Texts that are kept ---- */

struct kept_text {
	struct kept_text *next;
	char text[];
};

char *run_options_keep(struct run_options *options, const char *prefix, const char *text)
{
	const size_t before = strlen(prefix), len = strlen(text);
	struct kept_text *kept = malloc(sizeof(*kept) + before + len + 1);

	if (!kept)
		return NULL;
	memcpy(kept->text, prefix, before);
	memcpy(kept->text + before, text, len + 1);
	kept->next = options->kept;
	options->kept = kept;
	return kept->text;
}

void run_options_free(struct run_options *options)
{
	while (options->kept) {
		struct kept_text *kept = options->kept;

		options->kept = kept->next;
		free(kept);
	}
}

/* ---- Values ---- */

static void *member(const struct run_option *option, struct run_options *options)
{
	return (char *)options + option->member;
}

static int parse_text(const struct run_option *option, const char *text,
		      struct run_options *options, struct message *message)
{
	(void)message;
	*(const char **)member(option, options) = text;
	return 0;
}

static int parse_file(const struct run_option *option, const char *text,
		      struct run_options *options, struct message *message)
{
	if (!text[0])
		return fail(message, "not the name of a file: ''");
	return parse_text(option, text, options, message);
}

static int parse_flag(const struct run_option *option, const char *text,
		      struct run_options *options, struct message *message)
{
	bool *flag = member(option, options);

	if (text && strcmp(text, "yes") && strcmp(text, "no"))
		return fail(message, "not yes or no: '%s'", text);
	*flag = !text || !strcmp(text, "yes");
	return 0;
}

static int parse_memory(const struct run_option *option, const char *text,
			struct run_options *options, struct message *message)
{
	uint64_t size;

	(void)option;
	if (parse_size(text, &size))
		return fail(message, "not a size: '%s' (examples: 256M, 4G)", text);
	if (size < MEMORY_MIN || size > MEMORY_MAX)
		return fail(message, "%s is not between %s and %s", text,
			    format_size(MEMORY_MIN).text, format_size(MEMORY_MAX).text);
	if (size % 4096)
		return fail(message, "%s is not a multiple of 4K", text);
	options->memory = size;
	return 0;
}

static int parse_cpus(const struct run_option *option, const char *text,
		      struct run_options *options, struct message *message)
{
	unsigned long cpus;
	char *end;

	(void)option;
	cpus = strtoul(text, &end, 10);
	if (!isdigit((unsigned char)text[0]) || *end || !cpus || cpus > MINIVMX_MAX_VCPUS)
		return fail(message, "not a number from 1 to %d: '%s'", MINIVMX_MAX_VCPUS, text);
	options->cpus = (unsigned int)cpus;
	return 0;
}

static int parse_backend(const struct run_option *option, const char *text,
			 struct run_options *options, struct message *message)
{
	(void)option;
	options->backend = backend_find(text);
	if (!options->backend)
		return fail(message, "not minivmx or kvm: '%s'", text);
	return 0;
}

static int parse_console(const struct run_option *option, const char *text,
			 struct run_options *options, struct message *message)
{
	(void)option;
	if (strcmp(text, "serial") && strcmp(text, "virtio"))
		return fail(message, "not serial or virtio: '%s'", text);
	options->virtio_console = !strcmp(text, "virtio");
	return 0;
}

static int parse_port(const struct run_option *option, const char *text,
		      struct run_options *options, struct message *message)
{
	unsigned long port;
	char *end;

	(void)option;
	/* Port 0 belongs to the DMA controller and means "none" inside. */
	port = strtoul(text, &end, 0);
	if (!isdigit((unsigned char)text[0]) || *end || !port || port > 0xffff)
		return fail(message, "not a port from 1 to 0xffff: '%s'", text);
	options->debug_exit_port = (uint16_t)port;
	return 0;
}

static int parse_gdb(const struct run_option *option, const char *text,
		     struct run_options *options, struct message *message)
{
	unsigned long port;
	char *end;

	(void)option;
	port = strtoul(text, &end, 10);
	if (!isdigit((unsigned char)text[0]) || *end || port > 0xffff)
		return fail(message, "not a port from 0 to 65535: '%s'", text);
	options->gdb = true;
	options->gdb_port = (uint16_t)port;
	return 0;
}

static int parse_timeout(const struct run_option *option, const char *text,
			 struct run_options *options, struct message *message)
{
	(void)option;
	if (parse_seconds(text, &options->timeout_ns))
		return fail(message, "not a number of seconds above 0: '%s'", text);
	return 0;
}

static int parse_name(const struct run_option *option, const char *text,
		      struct run_options *options, struct message *message)
{
	(void)option;
	if (!control_name_is_valid(text))
		return fail(message, "not 1 to %d letters, digits, - and _, or only digits: '%s'",
			    CONTROL_NAME_MAX, text);
	options->name = text;
	return 0;
}

static int take_disk(const struct run_option *option, const char *text,
		     struct run_options *options, struct message *message)
{
	char *copy = run_options_keep(options, "", text);

	(void)option;
	if (!copy)
		return fail(message, "no memory for it");
	if (options->nr_disks == MAX_DISKS)
		return fail(message, "more than %d disks", MAX_DISKS);
	return parse_disk(copy, &options->disks[options->nr_disks++], message);
}

static int take_net(const struct run_option *option, const char *text,
		    struct run_options *options, struct message *message)
{
	char *copy = run_options_keep(options, "", text);
	const unsigned int index = options->nr_nets;

	(void)option;
	if (!copy)
		return fail(message, "no memory for it");
	if (index == MAX_NETS)
		return fail(message, "more than %d network devices", MAX_NETS);
	options->nr_nets++;
	return parse_net(copy, index, &options->nets[index], message);
}

static int parse_vsock(const struct run_option *option, const char *text,
		       struct run_options *options, struct message *message)
{
	unsigned long cid;
	char *end;

	(void)option;
	cid = strtoul(text, &end, 10);
	if (!isdigit((unsigned char)text[0]) || *end || cid < VSOCK_CID_MIN || cid >= UINT32_MAX)
		return fail(message, "not a context ID from %d on: '%s'", VSOCK_CID_MIN, text);
	options->vsock_cid = (uint32_t)cid;
	return 0;
}

/* ---- The table ---- */

#define MEMBER(name)	.member = offsetof(struct run_options, name)

const struct run_option run_option_table[] = {
	{ "config", 0, "FILE", "read options from FILE, see below",
	  .parse = parse_file, MEMBER(config), .is_not_for_files = true },
	{ "kernel", 'k', "FILE", "the same as IMAGE",
	  .parse = parse_file, MEMBER(image), .is_path = true },
	{ "initrd", 'i', "FILE", "initrd, or the one multiboot module",
	  .parse = parse_file, MEMBER(initrd), .is_path = true },
	{ "append", 'a', "STRING",
	  "command line (for Linux, without this: \"" DEFAULT_LINUX_CMDLINE "\")",
	  .parse = parse_text, MEMBER(append) },
	{ "mem", 'm', "SIZE", "memory, with K, M or G behind the number (256M)",
	  .parse = parse_memory },
	{ "cpus", 'c', "N", "processors, from 1 to " TEXT_OF(MINIVMX_MAX_VCPUS) " (1)",
	  .parse = parse_cpus },
	{ "backend", 0, "minivmx | kvm", "what executes it (minivmx); kvm: /dev/kvm, to compare",
	  .parse = parse_backend },
	{ "disk", 0, "FILE[,ro][,direct][,log=LOG]",
	  "a virtio disk: a raw file, a block device, or an NBD server's\n"
	  "export by its URI (nbd://HOST/NAME, nbd+unix:///NAME?socket=PATH);\n"
	  "ro: not written; direct: past the host's page cache; log: with a\n"
	  "record of all writes, for tests; up to " TEXT_OF(MAX_DISKS) " times",
	  .parse = take_disk, .is_path = true, .is_repeatable = true },
	{ "net", 0, "user[,hostfwd=tcp:PORT:GUESTPORT][,restrict][,mac=MAC] | tap=NAME[,mac=MAC]",
	  "user: a network card in a network of its own, 10.0.2.0/24,\n"
	  "with DHCP, from where it reaches what minivmx does; hostfwd:\n"
	  "and who connects to PORT of the host reaches it; restrict:\n"
	  "only those do. tap: one at a tap device of the host",
	  .parse = take_net, .is_repeatable = true },
	{ "console", 0, "serial | virtio", "what the terminal is attached to (serial); virtio: a virtio\n"
	  "console, /dev/hvc0 of Linux; what the serial port prints comes, too",
	  .parse = parse_console },
	{ "vsock", 0, "CID", "sockets between host and guest, whose context ID that is\n"
	  "(3 or more), by the host's vhost_vsock", .parse = parse_vsock },
	{ "gdb", 0, "PORT", "wait for gdb on that port of 127.0.0.1 (0: any) before the\n"
	  "first instruction", .parse = parse_gdb },
	{ "debug-exit", 0, "PORT", "a byte written to this I/O port ends the run",
	  .parse = parse_port },
	{ "timeout", 0, "SECONDS", "end it after this time", .parse = parse_timeout },
	{ "name", 0, "NAME", "what minivmx list calls it (its PID)", .parse = parse_name },
	{ "detach", 0, NULL, "in the background; print its name, or PID, when it runs",
	  .parse = parse_flag, MEMBER(detach) },
	{ "log", 0, "FILE", "where it then says how it ended (see below)",
	  .parse = parse_file, MEMBER(log), .is_path = true },
	{ "stats", 0, NULL, "a table of its exits at the end, on stderr",
	  .parse = parse_flag, MEMBER(stats) },
	{ "stats-json", 0, "FILE", "the same as JSON; - is stdout",
	  .parse = parse_file, MEMBER(stats_json), .is_path = true },
	{ "verbose", 'v', NULL, "say what the image is and how it ended",
	  .parse = parse_flag, MEMBER(verbose) },
	{ "help", 'h', NULL, "this help",
	  .parse = parse_flag, MEMBER(help), .is_not_for_files = true },
};

const size_t run_option_count = ARRAY_SIZE(run_option_table);
static_assert(ARRAY_SIZE(run_option_table) <= RUN_OPTIONS_MAX, "more options than expected");

const struct run_option *run_option_find(const char *name)
{
	size_t i;

	for (i = 0; i < run_option_count; i++)
		if (!strcmp(run_option_table[i].name, name))
			return &run_option_table[i];
	return NULL;
}

/* ---- Help ---- */

#define HELP_COLUMN	25

static void print_option(FILE *file, const struct run_option *option)
{
	const char *line = option->help, *end;
	int column;

	column = option->letter ? fprintf(file, "  -%c, ", option->letter) :
				  fprintf(file, "      ");
	column += fprintf(file, "--%s%s%s", option->name, option->argument ? " " : "",
			  option->argument ? option->argument : "");
	if (column >= HELP_COLUMN) {
		fputc('\n', file);
		column = 0;
	}
	for (;;) {
		end = strchrnul(line, '\n');
		fprintf(file, "%*s%.*s\n", HELP_COLUMN - column, "",
			(int)(end - line), line);
		if (!*end)
			return;
		line = end + 1;
		column = 0;
	}
}

void run_options_print(FILE *file)
{
	size_t i;

	for (i = 0; i < run_option_count; i++)
		print_option(file, &run_option_table[i]);
}

/* ---- The command line ---- */

#define FIRST_LONG	256	/* getopt's value of the first row; letters are below */

/* The options as they were given, in their order. */
struct given_options {
	int nr;
	struct {
		const struct run_option *option;
		const char *text;
	} list[];
};

static const struct run_option *option_of(int c)
{
	size_t i;

	if (c >= FIRST_LONG)
		return &run_option_table[c - FIRST_LONG];
	for (i = 0; i < run_option_count; i++)
		if (run_option_table[i].letter == c)
			return &run_option_table[i];
	return NULL;
}

/* What getopt_long() wants to know of the table. */
static void describe(struct option *longs, char *letters)
{
	size_t i;

	for (i = 0; i < run_option_count; i++) {
		const struct run_option *row = &run_option_table[i];

		longs[i] = (struct option) {
			.name = row->name,
			.has_arg = row->argument ? required_argument : no_argument,
			.val = FIRST_LONG + (int)i,
		};
		if (row->letter) {
			*letters++ = row->letter;
			if (row->argument)
				*letters++ = ':';
		}
	}
	longs[i] = (struct option) { 0 };
	*letters = '\0';
}

/* No option takes less than one. */
static size_t count_characters(int argc, char **argv)
{
	size_t nr = 0;

	while (argc--)
		nr += strlen(argv[argc]);
	return nr;
}

/* -1 after getopt has said what is wrong. */
static int collect(int argc, char **argv, struct given_options *given)
{
	struct option longs[ARRAY_SIZE(run_option_table) + 1];
	char letters[2 * ARRAY_SIZE(run_option_table) + 1];
	int c;

	describe(longs, letters);
	while ((c = getopt_long(argc, argv, letters, longs, NULL)) >= 0) {
		given->list[given->nr].option = option_of(c);
		if (!given->list[given->nr].option)
			return -1;
		given->list[given->nr++].text = optarg;
	}
	return 0;
}

static bool is_given(const struct given_options *given, const char *name)
{
	int i;

	for (i = 0; i < given->nr; i++)
		if (!strcmp(given->list[i].option->name, name))
			return true;
	return false;
}

static bool is_folder(const char *path)
{
	struct stat status;

	return !stat(path, &status) && S_ISDIR(status.st_mode);
}

/* The file in a folder that is a machine. */
static int find_file(const char *folder, struct run_options *options, struct message *message)
{
	const size_t len = strlen(folder);
	const bool has_slash = len && folder[len - 1] == '/';

	options->config = run_options_keep(options, folder,
					   has_slash ? CONFIG_FILE_NAME : "/" CONFIG_FILE_NAME);
	if (!options->config) {
		fail(message, "%s: no memory for its name", folder);
		return STATUS_HOST;
	}
	if (access(options->config, F_OK) && errno == ENOENT) {
		fail(message, "%s: a folder without " CONFIG_FILE_NAME, folder);
		return STATUS_HOST;
	}
	return STATUS_OK;
}

/* The image, or the folder, that follows the options. */
static int take_operand(int argc, char **argv, struct run_options *options,
			const char **image, struct message *message)
{
	*image = NULL;
	if (optind + 1 < argc) {
		fail(message, "one IMAGE is enough, but there is also '%s'", argv[optind + 1]);
		return STATUS_USAGE;
	}
	if (optind == argc)
		return STATUS_OK;
	if (!is_folder(argv[optind])) {
		*image = argv[optind];
		return STATUS_OK;
	}
	if (!options->config)
		return find_file(argv[optind], options, message);
	fail(message, "both --config and a folder were given");
	return STATUS_USAGE;
}

/* What makes no sense together, wherever it was said. */
static int check(const struct run_options *options, struct message *message)
{
	if (!options->image && options->config)
		return fail(message, "no IMAGE was given, and %s has no kernel", options->config);
	if (!options->image)
		return fail(message, "no IMAGE was given");
	if (options->gdb && options->cpus > 1)
		return fail(message, "--gdb: only with one CPU");
	if (options->gdb && !options->backend->has_vmcs)
		return fail(message, "--gdb: not with --backend %s", options->backend->name);
	if ((options->stats || options->stats_json) && !options->backend->has_vmcs)
		return fail(message, "--stats: not with --backend %s, which counts no exits by their reason; minivmx compare measures them from outside",
			    options->backend->name);
	return 0;
}

/* Those that are for files, too, or those that are not. */
static int take_given(const struct given_options *given, bool for_files,
		      struct run_options *options, struct message *message)
{
	struct message why;
	int i;

	for (i = 0; i < given->nr; i++) {
		const struct run_option *option = given->list[i].option;

		if (option->is_not_for_files == for_files)
			continue;
		if (option->parse(option, given->list[i].text, options, &why))
			return fail(message, "--%s: %s", option->name, why.text);
	}
	return 0;
}

/* The file comes first, so that the command line wins. */
static int read_all(int argc, char **argv, const struct given_options *given,
		    struct run_options *options, struct message *message)
{
	const char *image;
	int status;

	if (take_given(given, false, options, message))
		return STATUS_USAGE;
	if (options->help)
		return STATUS_OK;
	status = take_operand(argc, argv, options, &image, message);
	if (!status && options->config)
		status = config_file_read(options->config, options, message);
	if (status)
		return status;
	if (image && is_given(given, "kernel"))
		status = fail(message, "both --kernel and IMAGE were given");
	else
		status = take_given(given, true, options, message);
	if (image)
		options->image = image;
	return status || check(options, message) ? STATUS_USAGE : STATUS_OK;
}

int run_options_read(int argc, char **argv, struct run_options *options,
		     struct message *message)
{
	const size_t most = count_characters(argc, argv);
	struct given_options *given = calloc(1, sizeof(*given) + most * sizeof(given->list[0]));
	int status = STATUS_USAGE;

	message->text[0] = '\0';
	if (!given) {
		fail(message, "no memory for the command line");
		return STATUS_HOST;
	}
	if (!collect(argc, argv, given))
		status = read_all(argc, argv, given, options, message);
	free(given);
	return status;
}

void run_options_init(struct run_options *options)
{
	*options = (struct run_options) {
		.memory = DEFAULT_MEMORY, .cpus = 1, .backend = &backend_minivmx,
	};
}
