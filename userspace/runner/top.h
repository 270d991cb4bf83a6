/* SPDX-License-Identifier: GPL-2.0 */
/* Exits per second, from two looks at all VMs: the tables of minivmx top. */
#ifndef TOP_H
#define TOP_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "host_stats.h"
#include "message.h"

/* What a row stands for. */
enum top_view {
	TOP_VMS,
	TOP_VCPUS,
	TOP_REASONS,
	TOP_NR_VIEWS,
};

enum top_sort {
	TOP_BY_RATE,
	TOP_BY_USER,
	TOP_BY_COUNT,
	TOP_BY_NUMBER,
	TOP_NR_SORTS,
};

/**
 * struct top_query - what a table is to show
 * @view: of what
 * @sort: in which order
 * @vm: the number of the VM that it is about, 0: all
 * @vcpu: of it, or TOP_ALL
 */
struct top_query {
	enum top_view view;
	enum top_sort sort;
	uint64_t vm;
	int64_t vcpu;
};

#define TOP_ALL		(-1)
#define TOP_NO_REASON	UINT32_MAX

/**
 * struct top_row - a VM, a vCPU or a reason, as the view says
 * @vm: number of the VM
 * @pid: of its process
 * @vcpus: how many it has
 * @vcpu: number of the vCPU
 * @reason: the reason; of the others the most frequent in this time, or TOP_NO_REASON
 * @count: exits since the VM was made
 * @exits: exits in this time
 * @to_user: those of them that went on to the program
 * @most: those of them that were of @reason
 */
struct top_row {
	uint64_t vm;
	pid_t pid;
	size_t vcpus;
	uint32_t vcpu;
	uint32_t reason;
	uint64_t count;
	uint64_t exits;
	uint64_t to_user;
	uint64_t most;
};

/**
 * struct top_table - rows, and what is above them
 * @seconds: the time
 * @vms: VMs of this host, whatever the query is about
 * @vcpus: likewise
 * @exits: likewise, in this time
 * @shown: those of them that are in the rows
 * @nr: rows
 * @rows: by the order that was asked for
 */
struct top_table {
	double seconds;
	size_t vms;
	size_t vcpus;
	uint64_t exits;
	uint64_t shown;
	size_t nr;
	struct top_row *rows;
};

/*
 * What happened between @before and @now; a VM that is in @now alone has begun in this
 * time. 0, or -1 with a message; free with top_table_free().
 */
int top_table_make(struct top_table *table, const struct host_stats *before,
		   const struct host_stats *now, const struct top_query *query,
		   struct message *message);
void top_table_free(struct top_table *table);

/* Of a table's time. */
double top_per_second(const struct top_table *table, uint64_t nr);

/* Their words: "vms", "vcpus", "reasons"; "exits", "user", "total", "number". */
const char *top_view_name(enum top_view view);
const char *top_sort_name(enum top_sort sort);

/* A line of text: the table's titles, and a row of it. */
#define TOP_LINE	128

void top_format_titles(char line[TOP_LINE], enum top_view view);
void top_format_row(char line[TOP_LINE], const struct top_table *table, const struct top_row *row,
		    enum top_view view);

/* That VM or vCPU, or NULL. */
const struct vm_stats *top_find_vm(const struct host_stats *stats, uint64_t number);
const struct vcpu_stats *top_find_vcpu(const struct vm_stats *vm, uint32_t id);

/* For programs: all VMs and vCPUs with their reasons, on one line. */
void top_print_json(FILE *file, const struct host_stats *before, const struct host_stats *now);

#endif /* TOP_H */
