// SPDX-License-Identifier: GPL-2.0
/* What minivmx trace does with the records: see trace.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "colour.h"
#include "exit_table.h"
#include "json_file.h"
#include "trace.h"

/* ---- Which reasons ---- */

static int parse_reason(const char *text, uint32_t *reason)
{
	uint64_t number;
	uint32_t i;

	if (!parse_number(text, &number)) {
		*reason = (uint32_t)number;
		return number < MINIVMX_NR_EXITS ? 0 : -1;
	}
	for (i = 0; i < MINIVMX_NR_EXITS; i++) {
		const char *name = minivmx_exit_name(i);

		if (name && !strcasecmp(name, text)) {
			*reason = i;
			return 0;
		}
	}
	return -1;
}

int trace_parse_reasons(const char *text, struct trace *trace, struct message *message)
{
	char *copy = strdup(text), *rest = copy, *word;
	uint32_t reason;
	int ret = 0;

	if (!copy)
		return fail(message, "no memory");
	trace->any_reason = false;
	while (!ret && (word = strsep(&rest, ",")))
		if (parse_reason(word, &reason))
			ret = fail(message, "--reason: neither a basic exit reason nor its number: '%s'",
				   word);
		else
			trace->reasons[reason] = true;
	free(copy);
	return ret;
}

static bool is_wanted(const struct trace *trace, uint32_t basic)
{
	return trace->any_reason || (basic < MINIVMX_NR_EXITS && trace->reasons[basic]);
}

/* ---- One record ---- */

static void print_record(const struct trace *trace, uint32_t id, const struct minivmx_record *r)
{
	const uint32_t basic = r->reason & 0xffff;
	const bool by_user = r->handler == MINIVMX_HANDLED_BY_USER;
	char number[24] = "-";

	if (r->entry_ticks)
		snprintf(number, sizeof(number), "%llu",
			 (unsigned long long)(r->entry_ticks - r->exit_ticks));
	printf("%4u %14llu  %-20s %#18llx  %s%-8s%s %10s", id,
	       (unsigned long long)(r->exit_ticks - trace->first), exit_table_name(basic),
	       (unsigned long long)r->rip, by_user ? colours()->notable : "",
	       trace_handler_name(r->handler), by_user ? colours()->off : "", number);
	if (r->reason >> 31)
		printf("  VM-entry failure");
	if (exit_has_qualification(basic))
		printf("  qualification %#llx", (unsigned long long)r->qualification);
	if (exit_has_gpa(basic))
		printf("  gpa %#llx", (unsigned long long)r->gpa);
	printf("\n");
}

static void count_record(struct trace *trace, const struct minivmx_record *r)
{
	const uint32_t basic = r->reason & 0xffff;
	const uint64_t ticks = r->entry_ticks ? r->entry_ticks - r->exit_ticks : 0;
	struct minivmx_exit_stat *stat;

	if (basic >= MINIVMX_NR_EXITS)
		return;
	stat = &trace->stats[basic];
	stat->count++;
	stat->to_user += r->handler == MINIVMX_HANDLED_BY_USER;
	stat->ticks += ticks;
	if (ticks > stat->worst)
		stat->worst = ticks;
}

static void start_clock(struct trace *trace, const struct minivmx_record *r)
{
	if (trace->has_first)
		return;
	trace->has_first = true;
	trace->first = r->exit_ticks;
	trace->chrome.first = r->exit_ticks;
	if (!trace->quiet)
		printf("%s%4s %14s  %-20s %18s  %-8s %10s%s\n", colours()->bold, "vCPU", "ticks",
		       "exit", "RIP", "by", "to entry", colours()->off);
}

static void take_record(struct trace *trace, size_t i)
{
	struct trace_ring *ring = &trace->rings[i];
	struct trace_track *track = &trace->tracks[i];
	const struct minivmx_record *r = &ring->record;

	start_clock(trace, r);
	if (!is_wanted(trace, r->reason & 0xffff))
		return;
	/* Between two records that follow each other nothing else happened. */
	if (track->entry_ticks && track->number + 1 == r->number)
		trace_chrome_guest(&trace->chrome, ring->id, track->entry_ticks, r->exit_ticks);
	trace_chrome_exit(&trace->chrome, ring->id, r);
	*track = (struct trace_track) { r->number, r->entry_ticks };
	if (!trace->quiet)
		print_record(trace, ring->id, r);
	count_record(trace, r);
	if (trace->left != UINT64_MAX)
		trace->left--;
}

static void take_gap(struct trace *trace, struct trace_ring *ring)
{
	if (!ring->gap)
		return;
	printf("%4u %s%llu records lost%s\n", ring->id, colours()->notable,
	       (unsigned long long)ring->gap, colours()->off);
	if (ring->has_record && trace->has_first)
		trace_chrome_lost(&trace->chrome, ring->id, ring->gap, ring->record.exit_ticks);
	trace->lost += ring->gap;
	ring->gap = 0;
}

/* ---- All of them ---- */

/* The vCPU with the oldest record, or -1. */
static int oldest(struct trace *trace)
{
	int found = -1;
	size_t i;

	for (i = 0; i < trace->nr; i++) {
		struct trace_ring *ring = &trace->rings[i];

		if (trace_ring_look(ring))
			take_gap(trace, ring);
		if (ring->has_record && (found < 0 || ring->record.exit_ticks <
					 trace->rings[found].record.exit_ticks))
			found = (int)i;
	}
	return found;
}

uint64_t trace_drain(struct trace *trace)
{
	uint64_t nr = 0;
	int i;

	/* A guest may be faster than this: who calls has to look up sometimes. */
	while (trace->left && nr < TRACE_BATCH) {
		i = oldest(trace);
		if (i < 0)
			break;
		take_record(trace, (size_t)i);
		trace_ring_take(&trace->rings[i]);
		nr++;
	}
	return nr;
}

void trace_summary(const struct trace *trace)
{
	struct exit_table table;

	exit_table_make(&table, trace->stats);
	printf("\n");
	exit_table_print(stdout, &table);
	printf("%llu records lost%s\n", (unsigned long long)trace->lost,
	       trace->lost ? ": they are not in this table; --records makes the ring larger" : "");
}
