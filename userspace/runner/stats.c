// SPDX-License-Identifier: GPL-2.0
/* --stats and --stats-json: what the exits cost, by reason. */
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "exit_table.h"
#include "json_file.h"
#include "session.h"

static bool is_wanted(const struct session *s)
{
	return s->options->stats || s->options->stats_json;
}

/* The sum of all CPUs'. */
static int get_stats(const struct session *s, struct minivmx_exit_stat sum[MINIVMX_NR_EXITS])
{
	struct minivmx_exit_stat stats[MINIVMX_NR_EXITS];
	unsigned int cpu, i;
	int ret;

	memset(sum, 0, MINIVMX_NR_EXITS * sizeof(*sum));
	for (cpu = 0; cpu < s->nr_cpus; cpu++) {
		ret = minivmx_get_stats(s->cpus[cpu].vcpu.fd, MINIVMX_STATS_TICKS, stats,
					MINIVMX_NR_EXITS);
		if (ret)
			return ret;
		for (i = 0; i < MINIVMX_NR_EXITS; i++) {
			sum[i].count += stats[i].count;
			sum[i].to_user += stats[i].to_user;
			sum[i].ticks += stats[i].ticks;
			if (stats[i].worst > sum[i].worst)
				sum[i].worst = stats[i].worst;
		}
	}
	return 0;
}

int stats_start(const struct session *s)
{
	struct minivmx_exit_stat stats[MINIVMX_NR_EXITS];

	return is_wanted(s) ? get_stats(s, stats) : 0;
}

static void print_table(const struct session *s, const struct exit_table *table)
{
	exit_table_print(stderr, table);
	fprintf(stderr,
		"I/O that no device answered: %llu; memory that is not there: %llu reads, %llu writes\n",
		(unsigned long long)s->machine->bus.unanswered,
		(unsigned long long)s->mmio_reads,
		(unsigned long long)s->mmio_writes);
}

/* ---- JSON ---- */

static struct json_object *stat_object(const struct minivmx_exit_stat *stat)
{
	struct json_object *object = json_object_new_object();

	json_add_number(object, "count", stat->count);
	json_add_number(object, "to_user", stat->to_user);
	json_add_number(object, "ticks", stat->ticks);
	json_add_number(object, "average_ticks", exit_table_average(stat));
	json_add_number(object, "worst_ticks", stat->worst);
	return object;
}

static struct json_object *stats_object(const struct session *s, const struct exit_table *table)
{
	struct json_object *root = json_object_new_object();
	struct json_object *exits = json_object_new_array();
	size_t i;

	for (i = 0; i < table->nr; i++) {
		struct json_object *row = stat_object(&table->rows[i].stat);

		json_add_number(row, "reason", table->rows[i].reason);
		json_object_object_add(row, "name", json_object_new_string(
					       exit_table_name(table->rows[i].reason)));
		json_object_array_add(exits, row);
	}
	json_object_object_add(root, "exits", exits);
	json_object_object_add(root, "total", stat_object(&table->total));
	json_add_number(root, "unanswered_io", s->machine->bus.unanswered);
	json_add_number(root, "unmapped_mmio_reads", s->mmio_reads);
	json_add_number(root, "unmapped_mmio_writes", s->mmio_writes);
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
	struct minivmx_exit_stat stats[MINIVMX_NR_EXITS];
	struct exit_table table;
	struct json_object *root;
	int ret;

	if (!is_wanted(s))
		return 0;
	ret = get_stats(s, stats);
	if (ret)
		return fail(message, "cannot read the statistics: %s",
			    strerror(-ret));
	exit_table_make(&table, stats);
	if (s->options->stats)
		print_table(s, &table);
	if (!s->options->stats_json)
		return 0;
	root = stats_object(s, &table);
	ret = write_json(s->options->stats_json, root, message);
	json_object_put(root);
	return ret;
}
