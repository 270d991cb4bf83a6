/* SPDX-License-Identifier: GPL-2.0 */
/*
 * minivmx compare: the same work on minivmx and on KVM, measured in turn. What was measured
 * on one machine is a report, an object of JSON; a file has a list of them, "reports".
 *
 *   conditions	  cpu, kernel, cpus, ticks (what they are), mitigations (off or default),
 *		  vulnerabilities (the kernel's words), halt_poll_ns (KVM's)
 *   missing	  by side: why nothing was measured there
 *   operations	  a list: name, unit, what, and by side: median, spread (half of the middle
 *		  half's width, in % of the median), samples, outside (of the median the
 *		  ticks outside the kernel, for operations that come out to the program)
 *
 * The sides are minivmx, kvm and borrowed: minivmx with KVM's VMX.
 */
#ifndef COMPARE_H
#define COMPARE_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>

#include "message.h"
#include "side.h"

#define COMPARE_ROUNDS	3

/**
 * struct compare_setup - what to measure
 * @names: of operations, and NULL behind them; or NULL: all that the host has the CPUs for
 * @rounds: how often to go through them, on one side after the other
 * @sides: who has VMX meanwhile. In the end it is as it was
 */
struct compare_setup {
	const char *const *names;
	unsigned int rounds;
	struct side_setup sides;
};

/* Measure, with progress on a terminal. NULL with a message if nothing could be. */
struct json_object *compare_measure(struct compare_setup *setup, struct message *message);
struct json_object *compare_conditions(void);

/* Has it what the functions below want? Everything is taken for hostile. */
bool compare_is_report(struct json_object *report);

/* Is there an operation of that name? */
bool compare_knows(const char *name);
/* And does it count what it costs among many VMs, vCPUs or ranges? */
bool compare_has_crowd(const char *name);
void compare_list(FILE *file);

/* A report for people; all @reports in one table, for programs. */
void compare_print_table(FILE *file, struct json_object *report);
int compare_write_csv(FILE *file, struct json_object *reports);
/* One HTML file with charts, which gnuplot draws. -1 with a message. */
int compare_write_page(FILE *file, struct json_object *reports, struct message *message);

/* Of an object: a member, or NULL; as text, or "". */
struct json_object *compare_member(struct json_object *object, const char *key);
const char *compare_text(struct json_object *object, const char *key);
/* Of an operation on @side: the number, or a negative one if it was not measured. */
double compare_value(struct json_object *operation, const char *side, const char *key);

#endif /* COMPARE_H */
