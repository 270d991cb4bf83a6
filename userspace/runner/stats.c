// SPDX-License-Identifier: GPL-2.0
/* --stats and --stats-json: what the exits cost, by reason. */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session.h"

struct row {
	uint32_t reason;
	struct minivmx_exit_stat stat;
};

static bool is_wanted(const struct session *s)
{
	return s->options->stats || s->options->stats_json;
}

int stats_start(const struct session *s)
{
	struct minivmx_exit_stat stats[MINIVMX_NR_EXITS];

	if (!is_wanted(s))
		return 0;
	return minivmx_get_stats(s->vcpu, MINIVMX_STATS_TICKS, stats,
				 MINIVMX_NR_EXITS);
}

static int by_count(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->stat.count != y->stat.count)
		return x->stat.count < y->stat.count ? 1 : -1;
	return x->reason < y->reason ? -1 : 1;
}

/* The reasons that occurred, most frequent first, and their sum. */
static int collect(const struct session *s, struct row rows[MINIVMX_NR_EXITS],
		   size_t *nr, struct minivmx_exit_stat *total)
{
	struct minivmx_exit_stat stats[MINIVMX_NR_EXITS];
	uint32_t i;
	int ret;

	ret = minivmx_get_stats(s->vcpu, MINIVMX_STATS_TICKS, stats,
				MINIVMX_NR_EXITS);
	if (ret)
		return ret;
	*nr = 0;
	memset(total, 0, sizeof(*total));
	for (i = 0; i < MINIVMX_NR_EXITS; i++) {
		if (!stats[i].count)
			continue;
		rows[(*nr)++] = (struct row) { i, stats[i] };
		total->count += stats[i].count;
		total->to_user += stats[i].to_user;
		total->ticks += stats[i].ticks;
		if (stats[i].worst > total->worst)
			total->worst = stats[i].worst;
	}
	qsort(rows, *nr, sizeof(rows[0]), by_count);
	return 0;
}

static const char *reason_name(uint32_t reason)
{
	const char *name = minivmx_exit_name(reason);

	return name ? name : "(unknown)";
}

static uint64_t average(const struct minivmx_exit_stat *stat)
{
	return stat->count ? stat->ticks / stat->count : 0;
}

static void print_row(const char *name, const struct minivmx_exit_stat *stat,
		      uint64_t of)
{
	fprintf(stderr, "%-20s %12llu %6.2f%% %12llu %12llu %12llu\n", name,
		(unsigned long long)stat->count,
		of ? 100.0 * (double)stat->count / (double)of : 0.0,
		(unsigned long long)stat->to_user,
		(unsigned long long)average(stat),
		(unsigned long long)stat->worst);
}

static void print_table(const struct session *s, const struct row *rows, size_t nr,
			const struct minivmx_exit_stat *total)
{
	size_t i;

	fprintf(stderr, "%-20s %12s %7s %12s %12s %12s\n", "exit", "count",
		"share", "to user", "avg ticks", "worst ticks");
	for (i = 0; i < nr; i++)
		print_row(reason_name(rows[i].reason), &rows[i].stat,
			  total->count);
	print_row("total", total, total->count);
	fprintf(stderr,
		"ticks: TSC ticks from the exit to the next entry; an emulated CPU counts\n"
		"instructions instead, so there they say nothing about time.\n"
		"I/O that no device answered: %llu; memory that is not there: %llu reads, %llu writes\n",
		(unsigned long long)s->machine->bus.unanswered,
		(unsigned long long)s->mmio_reads,
		(unsigned long long)s->mmio_writes);
}

/* ---- JSON ---- */

static void add_number(struct json_object *object, const char *key, uint64_t value)
{
	json_object_object_add(object, key, json_object_new_uint64(value));
}

static struct json_object *stat_object(const struct minivmx_exit_stat *stat)
{
	struct json_object *object = json_object_new_object();

	add_number(object, "count", stat->count);
	add_number(object, "to_user", stat->to_user);
	add_number(object, "ticks", stat->ticks);
	add_number(object, "average_ticks", average(stat));
	add_number(object, "worst_ticks", stat->worst);
	return object;
}

static struct json_object *stats_object(const struct session *s,
					const struct row *rows, size_t nr,
					const struct minivmx_exit_stat *total)
{
	struct json_object *root = json_object_new_object();
	struct json_object *exits = json_object_new_array();
	size_t i;

	for (i = 0; i < nr; i++) {
		struct json_object *row = stat_object(&rows[i].stat);

		add_number(row, "reason", rows[i].reason);
		json_object_object_add(row, "name", json_object_new_string(
					       reason_name(rows[i].reason)));
		json_object_array_add(exits, row);
	}
	json_object_object_add(root, "exits", exits);
	json_object_object_add(root, "total", stat_object(total));
	add_number(root, "unanswered_io", s->machine->bus.unanswered);
	add_number(root, "unmapped_mmio_reads", s->mmio_reads);
	add_number(root, "unmapped_mmio_writes", s->mmio_writes);
	return root;
}

static int write_json(const char *path, struct json_object *root,
		      struct message *message)
{
	const char *text = json_object_to_json_string_ext(
				root, JSON_C_TO_STRING_PRETTY);
	FILE *file = strcmp(path, "-") ? fopen(path, "we") : stdout;
	int ret = 0;

	if (!file)
		return fail(message, "%s: cannot write: %m", path);
	if (!text || fprintf(file, "%s\n", text) < 0 || fflush(file))
		ret = fail(message, "%s: cannot write: %m", path);
	if (file != stdout && fclose(file) && !ret)
		ret = fail(message, "%s: cannot write: %m", path);
	return ret;
}

int stats_print(const struct session *s, struct message *message)
{
	struct row rows[MINIVMX_NR_EXITS];
	struct minivmx_exit_stat total;
	struct json_object *root;
	size_t nr;
	int ret;

	if (!is_wanted(s))
		return 0;
	ret = collect(s, rows, &nr, &total);
	if (ret)
		return fail(message, "cannot read the statistics: %s",
			    strerror(-ret));
	if (s->options->stats)
		print_table(s, rows, nr, &total);
	if (!s->options->stats_json)
		return 0;
	root = stats_object(s, rows, nr, &total);
	ret = write_json(s->options->stats_json, root, message);
	json_object_put(root);
	return ret;
}
