/* SPDX-License-Identifier: GPL-2.0 */
/* What minivmx trace does with the records of some vCPUs. */
#ifndef TRACE_H
#define TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control.h"
#include "libminivmx.h"
#include "message.h"
#include "trace_chrome.h"
#include "trace_ring.h"

#define TRACE_BATCH	4096	/* records that trace_drain() reads at most */

/**
 * struct trace_track - the last record of a vCPU that was printed
 * @number: its number, 0 if there was none
 * @entry_ticks: when the guest went on
 */
struct trace_track {
	uint64_t number;
	uint64_t entry_ticks;
};

/**
 * struct trace - a trace
 * @rings: those of the vCPUs
 * @nr: how many
 * @tracks: where each is
 * @any_reason: all reasons are of interest
 * @reasons: or else these
 * @left: records still to be printed, UINT64_MAX for no end
 * @quiet: print no records
 * @has_first: @first is set
 * @first: ticks of the first exit, from which time counts
 * @lost: records that were lost
 * @stats: what the exits cost
 * @chrome: the file of events
 */
struct trace {
	struct trace_ring rings[CONTROL_MAX_FDS];
	size_t nr;
	struct trace_track tracks[CONTROL_MAX_FDS];
	bool any_reason;
	bool reasons[MINIVMX_NR_EXITS];
	uint64_t left;
	bool quiet;
	bool has_first;
	uint64_t first;
	uint64_t lost;
	struct minivmx_exit_stat stats[MINIVMX_NR_EXITS];
	struct trace_chrome chrome;
};

/* "CPUID,hlt,30": the reasons of interest. 0, or -1 with a message. */
int trace_parse_reasons(const char *text, struct trace *trace, struct message *message);

/*
 * Print the records that are there, in order of time, until @left of them have been.
 * Returns how many were read, those of other reasons, too: TRACE_BATCH, if there are
 * more.
 */
uint64_t trace_drain(struct trace *trace);

/* The table by reason, and what was lost. */
void trace_summary(const struct trace *trace);

#endif /* TRACE_H */
