/* SPDX-License-Identifier: GPL-2.0 */
/* What minivmx top shows on a screen, and what its keys do: pure logic. */
#ifndef TOP_UI_H
#define TOP_UI_H

#include <stdbool.h>
#include <stddef.h>

#include "top.h"
#include "top_screen.h"

/* What the keys do, a line for each. */
#define TOP_UI_NR_KEYS	6
extern const char *const top_ui_keys[TOP_UI_NR_KEYS];

/**
 * struct top_ui - what the user has chosen
 * @query: the table
 * @selected: row of it
 * @first: row that is the first on the screen
 * @help: the keys are shown instead
 * @is_held: the table stays as it is
 * @quit: it is enough
 */
struct top_ui {
	struct top_query query;
	size_t selected;
	size_t first;
	bool help;
	bool is_held;
	bool quit;
};

/* Do what @key means, with @table on the screen. Is there a new @query? */
bool top_ui_key(struct top_ui *ui, const struct top_table *table, int key);

/* The page for a screen of @height lines; @interval in seconds. */
void top_ui_page(struct top_ui *ui, const struct top_table *table, size_t height,
		 double interval, struct top_page *page);

#endif /* TOP_UI_H */
