// SPDX-License-Identifier: GPL-2.0
/* minivmx top: the exits of all VMs of this host, as they happen. */
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "array.h"
#include "commands.h"
#include "engine.h"
#include "exit_status.h"
#include "json_file.h"
#include "signals.h"
#include "top.h"
#include "top_screen.h"
#include "top_ui.h"

#define NS_PER_S	1000000000ULL
#define MIN_DELAY	(NS_PER_S / 100)

struct top_options {
	char dir[512];
	uint64_t delay;		/* ns */
	uint64_t count;		/* of tables, UINT64_MAX: no end */
	bool batch;
	bool json;
	struct top_query query;
};

/**
 * struct top - two looks, and what is between them
 * @options: from the command line
 * @signals: readable when it is to end
 * @before: the older one
 * @now: the newer one
 */
struct top {
	const struct top_options *options;
	int signals;
	struct host_stats before;
	struct host_stats now;
};

/* ---- Looking ---- */

/* The next look; the first is both. */
static int look(struct top *top, struct message *message)
{
	struct host_stats next;

	if (host_stats_read(top->options->dir, &next, message)) {
		host_stats_free(&next);
		return -1;
	}
	host_stats_free(&top->before);
	top->before = top->now;
	top->now = next;
	return 0;
}

static uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/*
 * Wait for a signal or, unless that is -1, for @input, but not beyond @until. Which of
 * them came: 1, 2 or both.
 */
static int wait_until(uint64_t until, int signals, int input)
{
	struct pollfd fds[] = {
		{ .fd = signals, .events = POLLIN },
		{ .fd = input, .events = POLLIN },
	};
	const uint64_t now = clock_ns(), ns = until > now ? until - now : 0;
	const struct timespec timeout = {
		.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S),
	};

	if (ppoll(fds, ARRAY_SIZE(fds), &timeout, NULL) <= 0)
		return 0;
	/* A terminal that has gone away is the end, too. */
	return (fds[0].revents || (fds[1].revents & ~POLLIN) ? 1 : 0) | (fds[1].revents ? 2 : 0);
}

/* ---- Batch ---- */

static int print_table(const struct top *top, struct message *message)
{
	const struct top_query *query = &top->options->query;
	struct top_table table;
	char line[TOP_LINE];
	size_t i;

	if (top_table_make(&table, &top->before, &top->now, query, message))
		return -1;
	printf("VMs %zu, vCPUs %zu, exits/s %.1f\n", table.vms, table.vcpus,
	       top_per_second(&table, table.exits));
	top_format_titles(line, query->view);
	puts(line);
	for (i = 0; i < table.nr; i++) {
		top_format_row(line, &table, &table.rows[i], query->view);
		puts(line);
	}
	putchar('\n');
	top_table_free(&table);
	return 0;
}

static int print_look(const struct top *top, struct message *message)
{
	if (top->options->json)
		top_print_json(stdout, &top->before, &top->now);
	else if (print_table(top, message))
		return -1;
	if (fflush(stdout) || ferror(stdout))
		return fail(message, "cannot write to stdout: %m");
	return 0;
}

static int run_batch(struct top *top, struct message *message)
{
	uint64_t left;

	for (left = top->options->count; left; left--) {
		if (wait_until(clock_ns() + top->options->delay, top->signals, -1))
			return 0;
		if (look(top, message) || print_look(top, message))
			return -1;
	}
	return 0;
}

/* ---- On a screen ---- */

static bool read_keys(struct top_ui *ui, const struct top_table *table,
		      const struct top_screen *screen)
{
	bool changed = false;
	int key;

	/* Not beyond a change: what a row is, is in the new table. */
	while (!changed && !ui->quit && (key = screen->key()) != TOP_KEY_NONE)
		changed = top_ui_key(ui, table, key);
	return changed;
}

/* One table, until it is time for the next. */
static int show_table(struct top *top, struct top_ui *ui, const struct top_screen *screen,
		      uint64_t next, struct message *message)
{
	static struct top_page page;
	struct top_table table;
	int came = 0;

	if (top_table_make(&table, &top->before, &top->now, &ui->query, message))
		return -1;
	do {
		top_ui_page(ui, &table, screen->height(),
			    (double)top->options->delay / (double)NS_PER_S, &page);
		screen->draw(&page);
		came = wait_until(next, top->signals, STDIN_FILENO);
		if (came & 1)
			ui->quit = true;
	} while (!read_keys(ui, &table, screen) && !ui->quit && clock_ns() < next);
	top_table_free(&table);
	return 0;
}

static int show_tables(struct top *top, const struct top_screen *screen, struct message *message)
{
	struct top_ui ui = { .query = top->options->query };
	uint64_t next = clock_ns() + top->options->delay, left = top->options->count;

	while (!ui.quit && left) {
		if (show_table(top, &ui, screen, next, message))
			return -1;
		if (clock_ns() < next)
			continue;
		next = clock_ns() + top->options->delay;
		if (ui.is_held)
			continue;
		if (look(top, message))
			return -1;
		left--;
	}
	return 0;
}

static int run_screen(struct top *top, struct message *message)
{
	const struct top_screen *(*get_screen)(void);
	const struct top_screen *screen;
	int ret;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return fail(message, "stdin or stdout is no terminal: use --batch or --json");
	get_screen = engine_function("curses", "top_screen_curses", "libncurses6", message);
	if (!get_screen)
		return -1;
	screen = get_screen();
	if (screen->open(message))
		return -1;
	ret = show_tables(top, screen, message);
	screen->close();
	return ret;
}

static int run(const struct top_options *options)
{
	struct top top = { .options = options };
	struct message message;
	int ret;

	signals_block(false);
	top.signals = signals_open(false);
	ret = top.signals < 0 ? fail(&message, "signalfd: %m") : look(&top, &message);
	if (!ret)
		ret = options->batch ? run_batch(&top, &message) : look(&top, &message) ?:
		      run_screen(&top, &message);
	host_stats_free(&top.before);
	host_stats_free(&top.now);
	if (top.signals >= 0)
		close(top.signals);
	if (ret)
		fprintf(stderr, "minivmx: %s\n", message.text);
	return ret ? STATUS_HOST : STATUS_OK;
}

/* ---- The command line ---- */

static void print_help(void)
{
	size_t i;

	printf("usage: minivmx top [OPTION]...\n\n"
	       "Shows the VM exits of all guests of this host while they happen, whoever runs them:\n"
	       "how many a second, how many of them went on to the program, and of what reason\n"
	       "most are. What the module counts is in %s, which is for\n"
	       "root alone. To look costs a guest no exit.\n\n"
	       "VM is a number that the module gives, PID the process that made it: see minivmx\n"
	       "list. TOTAL is since the VM was made.\n\n"
	       "Keys:\n", HOST_STATS_DIR);
	for (i = 0; i < TOP_UI_NR_KEYS; i++)
		printf("  %s\n", top_ui_keys[i]);
	printf("\nOptions:\n"
	       "      --view VIEW      vms, vcpus or reasons (vms)\n"
	       "      --sort ORDER     exits, user, total or number (exits)\n"
	       "      --delay SECONDS  between two tables (1)\n"
	       "      --count N        end after N tables\n"
	       "      --batch          print them, and read no keys\n"
	       "      --json           likewise, each as an object on one line\n"
	       "      --root DIR       look at the host whose /sys is in DIR\n"
	       "  -h, --help           this help\n\n"
	       "An object of --json has seconds, the time it is about, and vms: of each its number,\n"
	       "pid and vcpus, of each of those its id and exits, and of each reason the number,\n"
	       "name, count and to_user since the VM was made, per_second and to_user_per_second.\n\n"
	       "Exit status: %d; %d the command line is wrong; %d the files cannot be read, or\n"
	       "there is no terminal.\n\n"
	       "Examples:\n"
	       "  minivmx top\n"
	       "  minivmx top --batch --count 1 --view reasons\n"
	       "  minivmx top --json --delay 10 | jq '.vms[].pid'\n",
	       STATUS_OK, STATUS_USAGE, STATUS_HOST);
}

/* The word for one of @nr things: its number, or -1 with a message. */
static int parse_word(const char *option, const char *text, const char *(*name)(unsigned int),
		      unsigned int nr, struct message *message)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (!strcmp(text, name(i)))
			return (int)i;
	return fail(message, "--%s: there is no %s: see --help", option, text);
}

static const char *view_name(unsigned int i)
{
	return top_view_name((enum top_view)i);
}

static const char *sort_name(unsigned int i)
{
	return top_sort_name((enum top_sort)i);
}

static int set_option(int c, struct top_options *options, struct message *message)
{
	int word;

	switch (c) {
	case 'v':
		word = parse_word("view", optarg, view_name, TOP_NR_VIEWS, message);
		options->query.view = (enum top_view)word;
		return word < 0 ? -1 : 0;
	case 's':
		word = parse_word("sort", optarg, sort_name, TOP_NR_SORTS, message);
		options->query.sort = (enum top_sort)word;
		return word < 0 ? -1 : 0;
	case 'd':
		if (parse_seconds(optarg, &options->delay) || options->delay < MIN_DELAY)
			return fail(message, "--delay: not a number of seconds from 0.01 on: '%s'", optarg);
		return 0;
	case 'c':
		if (parse_number(optarg, &options->count) || !options->count)
			return fail(message, "--count: not a number from 1 on: '%s'", optarg);
		return 0;
	case 'j':
		options->json = true;
		/* fall through */
	case 'b':
		options->batch = true;
		return 0;
	case 'r':
		if (snprintf(options->dir, sizeof(options->dir), "%s%s", optarg, HOST_STATS_DIR) >=
		    (int)sizeof(options->dir))
			return fail(message, "--root: too long");
		return 0;
	default:
		/* getopt has said what is wrong. */
		message->text[0] = '\0';
		return -1;
	}
}

int cmd_top(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "view", required_argument, NULL, 'v' },
		{ "sort", required_argument, NULL, 's' },
		{ "delay", required_argument, NULL, 'd' },
		{ "count", required_argument, NULL, 'c' },
		{ "batch", no_argument, NULL, 'b' },
		{ "json", no_argument, NULL, 'j' },
		{ "root", required_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	struct top_options options = {
		.dir = HOST_STATS_DIR,
		.delay = NS_PER_S,
		.count = UINT64_MAX,
		.query = { .vcpu = TOP_ALL },
	};
	struct message message;
	int c, ret = 0;

	while (!ret && (c = getopt_long(argc, argv, "h", long_options, NULL)) >= 0) {
		if (c == 'h') {
			print_help();
			return STATUS_OK;
		}
		ret = set_option(c, &options, &message);
	}
	if (!ret && optind < argc)
		ret = fail(&message, "top takes no arguments");
	if (ret) {
		if (message.text[0])
			fprintf(stderr, "minivmx: %s\n", message.text);
		return usage_error("top");
	}
	return run(&options);
}
