// SPDX-License-Identifier: GPL-2.0
/* See top_ui.h. */
#include <stdio.h>
#include <string.h>

#include "top_ui.h"

#define PAGE_ROWS	10	/* that a page key moves by */

/* ---- Keys ---- */

const char *const top_ui_keys[TOP_UI_NR_KEYS] = {
	"v, c, r     virtual machines, their vCPUs, reasons of exits",
	"Up, Down    select a row; also Home, End, PgUp, PgDn",
	"Enter       of this VM its vCPUs, of this vCPU its reasons; Backspace: back",
	"e, u, t, n  sort by exits, exits to the program, their total, number",
	"Space       hold the table, and let it go",
	"h, q        help, quit",
};

static void view(struct top_ui *ui, enum top_view to)
{
	ui->query.view = to;
	ui->selected = 0;
	ui->first = 0;
}

/* Of one view all rows, of the next those that belong to the selected one. */
static bool go_in(struct top_ui *ui, const struct top_table *table)
{
	const struct top_row *row;

	if (ui->query.view == TOP_REASONS || ui->selected >= table->nr)
		return false;
	row = &table->rows[ui->selected];
	ui->query.vm = row->vm;
	if (ui->query.view == TOP_VCPUS)
		ui->query.vcpu = row->vcpu;
	view(ui, ui->query.view + 1);
	return true;
}

static bool go_back(struct top_ui *ui)
{
	if (ui->query.vcpu != TOP_ALL) {
		ui->query.vcpu = TOP_ALL;
		view(ui, TOP_VCPUS);
	} else if (ui->query.vm) {
		ui->query.vm = 0;
		view(ui, TOP_VMS);
	} else {
		return false;
	}
	return true;
}

static void move(struct top_ui *ui, const struct top_table *table, int key)
{
	const size_t last = table->nr ? table->nr - 1 : 0;

	switch (key) {
	case TOP_KEY_UP:
		ui->selected -= ui->selected > 0;
		break;
	case TOP_KEY_DOWN:
		ui->selected++;
		break;
	case TOP_KEY_PAGE_UP:
		ui->selected -= ui->selected < PAGE_ROWS ? ui->selected : PAGE_ROWS;
		break;
	case TOP_KEY_PAGE_DOWN:
		ui->selected += PAGE_ROWS;
		break;
	case TOP_KEY_HOME:
		ui->selected = 0;
		break;
	case TOP_KEY_END:
		ui->selected = last;
		break;
	}
	if (ui->selected > last)
		ui->selected = last;
}

/* A view of all: the way in is forgotten. */
static bool view_all(struct top_ui *ui, enum top_view to)
{
	ui->query.vm = 0;
	ui->query.vcpu = TOP_ALL;
	view(ui, to);
	return true;
}

static bool sort(struct top_ui *ui, enum top_sort by)
{
	ui->query.sort = by;
	return true;
}

bool top_ui_key(struct top_ui *ui, const struct top_table *table, int key)
{
	/* Any key leaves the help, and does what it does. */
	const bool was_help = ui->help;

	ui->help = false;
	switch (key) {
	case 'q':
		ui->quit = true;
		return false;
	case 'h':
	case '?':
		ui->help = !was_help;
		return false;
	case ' ':
		ui->is_held = !ui->is_held;
		return false;
	case 'v':
		return view_all(ui, TOP_VMS);
	case 'c':
		return view_all(ui, TOP_VCPUS);
	case 'r':
		return view_all(ui, TOP_REASONS);
	case 'e':
		return sort(ui, TOP_BY_RATE);
	case 'u':
		return sort(ui, TOP_BY_USER);
	case 't':
		return sort(ui, TOP_BY_COUNT);
	case 'n':
		return sort(ui, TOP_BY_NUMBER);
	case TOP_KEY_ENTER:
		return go_in(ui, table);
	case TOP_KEY_BACK:
		return go_back(ui);
	default:
		move(ui, table, key);
		return false;
	}
}

/* ---- The page ---- */

static char *new_line(struct top_page *page)
{
	return page->lines[page->nr++];
}

static void add_heading(struct top_page *page, const struct top_ui *ui,
			const struct top_table *table, double interval)
{
	const struct top_query *query = &ui->query;
	char of[64] = "";

	snprintf(new_line(page), TOP_LINE, "minivmx top: VMs %zu, vCPUs %zu, exits/s %.1f; every %g s%s",
		 table->vms, table->vcpus, top_per_second(table, table->exits), interval,
		 ui->is_held ? ", held" : "");
	if (query->vcpu != TOP_ALL)
		snprintf(of, sizeof(of), " of vCPU %lld of VM %llu", (long long)query->vcpu,
			 (unsigned long long)query->vm);
	else if (query->vm)
		snprintf(of, sizeof(of), " of VM %llu", (unsigned long long)query->vm);
	snprintf(new_line(page), TOP_LINE, "%s%s, by %s; h: help, q: quit",
		 top_view_name(query->view), of, top_sort_name(query->sort));
}

/* The selected row is one that there is, and on the screen. */
static void scroll(struct top_ui *ui, const struct top_table *table, size_t room)
{
	if (ui->selected >= table->nr)
		ui->selected = table->nr ? table->nr - 1 : 0;
	if (ui->first > ui->selected)
		ui->first = ui->selected;
	if (ui->selected >= ui->first + room)
		ui->first = ui->selected - room + 1;
}

void top_ui_page(struct top_ui *ui, const struct top_table *table, size_t height,
		 double interval, struct top_page *page)
{
	size_t i, room;

	page->nr = 0;
	add_heading(page, ui, table, interval);
	page->titles = page->nr;
	page->selected = TOP_MAX_LINES;
	if (ui->help) {
		snprintf(new_line(page), TOP_LINE, "KEYS");
		for (i = 0; i < TOP_UI_NR_KEYS; i++)
			snprintf(new_line(page), TOP_LINE, "  %s", top_ui_keys[i]);
		return;
	}
	top_format_titles(new_line(page), ui->query.view);
	if (height > TOP_MAX_LINES)
		height = TOP_MAX_LINES;
	/* One row at least, even where there is no room for it. */
	room = height > page->nr ? height - page->nr : 1;
	scroll(ui, table, room);
	for (i = ui->first; i < table->nr && i < ui->first + room; i++) {
		if (i == ui->selected)
			page->selected = page->nr;
		top_format_row(new_line(page), table, &table->rows[i], ui->query.view);
	}
}
