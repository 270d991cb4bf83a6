/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Exit records as a Trace Event file, for Perfetto (ui.perfetto.dev) and
 * chrome://tracing: JSON with one event a line, a track for each vCPU, on which what
 * the guest and the host did are complete events one behind the other.
 */
#ifndef TRACE_CHROME_H
#define TRACE_CHROME_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "libminivmx.h"
#include "message.h"

/**
 * struct trace_chrome - the file that is written
 * @path: its name
 * @file: open, or NULL for none: all calls do nothing then
 * @pid: of the runner
 * @tsc_khz: ticks in a millisecond
 * @first: ticks that are time 0
 * @any: an event has been written
 */
struct trace_chrome {
	const char *path;
	FILE *file;
	pid_t pid;
	uint64_t tsc_khz;
	uint64_t first;
	bool any;
};

/* 0, or -1 with a message. */
int trace_chrome_open(struct trace_chrome *chrome, const char *path, pid_t pid,
		      uint64_t tsc_khz, struct message *message);
/* A track for a vCPU. */
void trace_chrome_vcpu(struct trace_chrome *chrome, uint32_t id);
/* An exit; "X" from exit to entry, or "B" if the entry never came. */
void trace_chrome_exit(struct trace_chrome *chrome, uint32_t id,
		       const struct minivmx_record *record);
/* The guest ran in between. */
void trace_chrome_guest(struct trace_chrome *chrome, uint32_t id, uint64_t from, uint64_t to);
/* Records that were lost before @ticks. */
void trace_chrome_lost(struct trace_chrome *chrome, uint32_t id, uint64_t nr, uint64_t ticks);
/* Finish the file: 0, or -1 with a message if not all was written. */
int trace_chrome_close(struct trace_chrome *chrome, struct message *message);

/* What it says of minivmx_record.handler. */
const char *trace_handler_name(uint32_t handler);

#endif /* TRACE_CHROME_H */
