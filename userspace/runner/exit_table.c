// SPDX-License-Identifier: GPL-2.0
/* What exits cost, by reason: see exit_table.h. */
#include <stdlib.h>
#include <string.h>

#include "exit_table.h"

static int by_count(const void *a, const void *b)
{
	const struct exit_row *x = a, *y = b;

	if (x->stat.count != y->stat.count)
		return x->stat.count < y->stat.count ? 1 : -1;
	return x->reason < y->reason ? -1 : 1;
}

void exit_table_make(struct exit_table *table,
		     const struct minivmx_exit_stat stats[MINIVMX_NR_EXITS])
{
	struct minivmx_exit_stat *total = &table->total;
	uint32_t i;

	table->nr = 0;
	memset(total, 0, sizeof(*total));
	for (i = 0; i < MINIVMX_NR_EXITS; i++) {
		if (!stats[i].count)
			continue;
		table->rows[table->nr++] = (struct exit_row) { i, stats[i] };
		total->count += stats[i].count;
		total->to_user += stats[i].to_user;
		total->ticks += stats[i].ticks;
		if (stats[i].worst > total->worst)
			total->worst = stats[i].worst;
	}
	qsort(table->rows, table->nr, sizeof(table->rows[0]), by_count);
}

const char *exit_table_name(uint32_t reason)
{
	const char *name = minivmx_exit_name(reason);

	return name ? name : "(unknown)";
}

uint64_t exit_table_average(const struct minivmx_exit_stat *stat)
{
	return stat->count ? stat->ticks / stat->count : 0;
}

/* The letters of exits.def. */
enum { Q = 1, L = 2, G = 4, A = 8, V = 16, I = 32, D = 64, S = 128 };

static const uint8_t exit_fields[MINIVMX_NR_EXITS] = {
#define EXIT(number, name, handler, fields, flags) [number] = fields,
#include "../../module/exits.def"
#undef EXIT
};

bool exit_has_qualification(uint32_t reason)
{
	return reason < MINIVMX_NR_EXITS && (exit_fields[reason] & Q);
}

bool exit_has_gpa(uint32_t reason)
{
	return reason < MINIVMX_NR_EXITS && (exit_fields[reason] & G);
}

static void print_row(FILE *file, const char *name, const struct minivmx_exit_stat *stat,
		      uint64_t of)
{
	fprintf(file, "%-20s %12llu %6.2f%% %12llu %12llu %12llu\n", name,
		(unsigned long long)stat->count,
		of ? 100.0 * (double)stat->count / (double)of : 0.0,
		(unsigned long long)stat->to_user,
		(unsigned long long)exit_table_average(stat),
		(unsigned long long)stat->worst);
}

void exit_table_print(FILE *file, const struct exit_table *table)
{
	size_t i;

	fprintf(file, "%-20s %12s %7s %12s %12s %12s\n", "exit", "count",
		"share", "to user", "avg ticks", "worst ticks");
	for (i = 0; i < table->nr; i++)
		print_row(file, exit_table_name(table->rows[i].reason), &table->rows[i].stat,
			  table->total.count);
	print_row(file, "total", &table->total, table->total.count);
	fprintf(file,
		"ticks: TSC ticks from the exit to the next entry; an emulated CPU counts\n"
		"instructions instead, so there they say nothing about time.\n");
}
