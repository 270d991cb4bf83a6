// SPDX-License-Identifier: GPL-2.0
/* See top.h. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exit_table.h"
#include "top.h"

static const char *const view_names[TOP_NR_VIEWS] = {
	[TOP_VMS] = "vms",
	[TOP_VCPUS] = "vcpus",
	[TOP_REASONS] = "reasons",
};

static const char *const sort_names[TOP_NR_SORTS] = {
	[TOP_BY_RATE] = "exits",
	[TOP_BY_USER] = "user",
	[TOP_BY_COUNT] = "total",
	[TOP_BY_NUMBER] = "number",
};

const char *top_view_name(enum top_view view)
{
	return view_names[view];
}

const char *top_sort_name(enum top_sort sort)
{
	return sort_names[sort];
}

const struct vm_stats *top_find_vm(const struct host_stats *stats, uint64_t number)
{
	size_t i;

	for (i = 0; i < stats->nr; i++)
		if (stats->vms[i].number == number)
			return &stats->vms[i];
	return NULL;
}

const struct vcpu_stats *top_find_vcpu(const struct vm_stats *vm, uint32_t id)
{
	size_t i;

	for (i = 0; vm && i < vm->nr; i++)
		if (vm->vcpus[i].id == id)
			return &vm->vcpus[i];
	return NULL;
}

/* ---- What happened, by reason ---- */

/* Of one vCPU or of many: since the VM was made, and in this time. */
struct sums {
	struct {
		uint64_t count;
		uint64_t exits;
		uint64_t to_user;
	} of[MINIVMX_NR_EXITS];
};

static void add_vcpu(struct sums *sums, const struct vm_stats *before, const struct vcpu_stats *now)
{
	const struct vcpu_stats *old = top_find_vcpu(before, now->id);
	uint32_t i;

	for (i = 0; i < MINIVMX_NR_EXITS; i++) {
		sums->of[i].count += now->exits[i].count;
		sums->of[i].exits += now->exits[i].count - (old ? old->exits[i].count : 0);
		sums->of[i].to_user += now->exits[i].to_user - (old ? old->exits[i].to_user : 0);
	}
}

/* The exits of all reasons in @row, and which are the most. */
static void add_sums(struct top_row *row, const struct sums *sums)
{
	uint32_t i;

	row->reason = TOP_NO_REASON;
	for (i = 0; i < MINIVMX_NR_EXITS; i++) {
		row->count += sums->of[i].count;
		row->exits += sums->of[i].exits;
		row->to_user += sums->of[i].to_user;
		if (sums->of[i].exits > row->most) {
			row->most = sums->of[i].exits;
			row->reason = i;
		}
	}
}

/* ---- Rows ---- */

static struct top_row *new_row(struct top_table *table, const struct vm_stats *vm)
{
	struct top_row *row = &table->rows[table->nr++];

	*row = (struct top_row) { .vm = vm->number, .pid = vm->pid, .vcpus = vm->nr };
	return row;
}

static void add_reasons(struct top_table *table, const struct sums *sums)
{
	uint32_t i;

	for (i = 0; i < MINIVMX_NR_EXITS; i++)
		if (sums->of[i].count)
			table->rows[table->nr++] = (struct top_row) {
				.reason = i,
				.count = sums->of[i].count,
				.exits = sums->of[i].exits,
				.to_user = sums->of[i].to_user,
				.most = sums->of[i].exits,
			};
}

static bool is_wanted(const struct top_query *query, const struct vm_stats *vm, uint32_t vcpu)
{
	return (!query->vm || query->vm == vm->number) &&
	       (query->vcpu == TOP_ALL || query->vcpu == (int64_t)vcpu);
}

static void add_vm(struct top_table *table, const struct host_stats *before,
		   const struct vm_stats *vm, const struct top_query *query, struct sums *all)
{
	const struct vm_stats *old = top_find_vm(before, vm->number);
	struct sums of_vm = { 0 };
	size_t i;

	for (i = 0; i < vm->nr; i++) {
		const struct vcpu_stats *vcpu = &vm->vcpus[i];
		struct sums one = { 0 };

		add_vcpu(&of_vm, old, vcpu);
		if (!is_wanted(query, vm, vcpu->id))
			continue;
		add_vcpu(all, old, vcpu);
		if (query->view == TOP_VCPUS) {
			struct top_row *row = new_row(table, vm);

			row->vcpu = vcpu->id;
			add_vcpu(&one, old, vcpu);
			add_sums(row, &one);
		}
	}
	for (i = 0; i < MINIVMX_NR_EXITS; i++)
		table->exits += of_vm.of[i].exits;
	table->vcpus += vm->nr;
	if (query->view == TOP_VMS)
		add_sums(new_row(table, vm), &of_vm);
}

static int by_number(const struct top_row *x, const struct top_row *y)
{
	if (x->vm != y->vm)
		return x->vm < y->vm ? -1 : 1;
	if (x->vcpu != y->vcpu)
		return x->vcpu < y->vcpu ? -1 : 1;
	return x->reason < y->reason ? -1 : x->reason > y->reason;
}

static uint64_t sort_key(const struct top_row *row, enum top_sort sort)
{
	switch (sort) {
	case TOP_BY_RATE:
		return row->exits;
	case TOP_BY_USER:
		return row->to_user;
	case TOP_BY_COUNT:
		return row->count;
	default:
		return 0;
	}
}

static int compare(const void *a, const void *b, void *context)
{
	const struct top_row *x = a, *y = b;
	const enum top_sort sort = *(const enum top_sort *)context;
	const uint64_t left = sort_key(x, sort), right = sort_key(y, sort);

	if (left != right)
		return left < right ? 1 : -1;
	return by_number(x, y);
}

static size_t room_for(const struct host_stats *now)
{
	size_t i, nr = now->nr + MINIVMX_NR_EXITS;

	for (i = 0; i < now->nr; i++)
		nr += now->vms[i].nr;
	return nr;
}

int top_table_make(struct top_table *table, const struct host_stats *before,
		   const struct host_stats *now, const struct top_query *query,
		   struct message *message)
{
	enum top_sort sort = query->sort;
	struct sums all = { 0 };
	size_t i;

	*table = (struct top_table) {
		.seconds = (double)(now->time - before->time) / 1e9,
		.vms = now->nr,
		.rows = calloc(room_for(now), sizeof(*table->rows)),
	};
	if (!table->rows)
		return fail(message, "out of memory");
	for (i = 0; i < now->nr; i++)
		add_vm(table, before, &now->vms[i], query, &all);
	if (query->view == TOP_REASONS)
		add_reasons(table, &all);
	for (i = 0; i < table->nr; i++)
		table->shown += table->rows[i].exits;
	qsort_r(table->rows, table->nr, sizeof(table->rows[0]), compare, &sort);
	return 0;
}

void top_table_free(struct top_table *table)
{
	free(table->rows);
	*table = (struct top_table) { 0 };
}

double top_per_second(const struct top_table *table, uint64_t nr)
{
	return table->seconds > 0 ? (double)nr / table->seconds : 0;
}

/* ---- As text ---- */

void top_format_titles(char line[TOP_LINE], enum top_view view)
{
	static const char *const titles[TOP_NR_VIEWS] = {
		[TOP_VMS] = "  VM     PID  VCPUS",
		[TOP_VCPUS] = "  VM     PID   VCPU",
		[TOP_REASONS] = "EXIT               ",
	};

	snprintf(line, TOP_LINE, "%-20s %12s %12s %14s  %s", titles[view], "EXITS/S", "USER/S", "TOTAL",
		 view == TOP_REASONS ? "SHARE" : "MOST OF THEM");
}

/* What a row's exits are, or their share in all. */
static void format_most(char *text, size_t size, const struct top_table *table,
			const struct top_row *row, enum top_view view)
{
	const uint64_t of = view == TOP_REASONS ? table->shown : row->exits;
	const double percent = of ? 100.0 * (double)row->most / (double)of : 0;

	if (row->reason == TOP_NO_REASON)
		snprintf(text, size, "-");
	else if (view == TOP_REASONS)
		snprintf(text, size, "%.1f%%", percent);
	else
		snprintf(text, size, "%s %.1f%%", exit_table_name(row->reason), percent);
}

void top_format_row(char line[TOP_LINE], const struct top_table *table, const struct top_row *row,
		    enum top_view view)
{
	char who[32], most[48];

	if (view == TOP_REASONS)
		snprintf(who, sizeof(who), "%s", exit_table_name(row->reason));
	else
		snprintf(who, sizeof(who), "%4llu %7d %6llu", (unsigned long long)row->vm, row->pid,
			 view == TOP_VMS ? (unsigned long long)row->vcpus : row->vcpu);
	format_most(most, sizeof(most), table, row, view);
	snprintf(line, TOP_LINE, "%-20s %12.1f %12.1f %14llu  %s", who,
		 top_per_second(table, row->exits), top_per_second(table, row->to_user),
		 (unsigned long long)row->count, most);
}
