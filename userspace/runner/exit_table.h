/* SPDX-License-Identifier: GPL-2.0 */
/* What exits cost, by reason: the table of --stats and of minivmx trace. */
#ifndef EXIT_TABLE_H
#define EXIT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "libminivmx.h"

struct exit_row {
	uint32_t reason;
	struct minivmx_exit_stat stat;
};

/**
 * struct exit_table - the reasons that occurred
 * @rows: most frequent first
 * @nr: how many
 * @total: their sum; its worst is the worst of all
 */
struct exit_table {
	struct exit_row rows[MINIVMX_NR_EXITS];
	size_t nr;
	struct minivmx_exit_stat total;
};

/* Fill it from what is known by basic reason. */
void exit_table_make(struct exit_table *table,
		     const struct minivmx_exit_stat stats[MINIVMX_NR_EXITS]);
void exit_table_print(FILE *file, const struct exit_table *table);

/* "(unknown)" for a reason without a name. */
const char *exit_table_name(uint32_t reason);
uint64_t exit_table_average(const struct minivmx_exit_stat *stat);

/* Whether the manual defines the field of that name for a basic reason. */
bool exit_has_qualification(uint32_t reason);
bool exit_has_gpa(uint32_t reason);

#endif /* EXIT_TABLE_H */
