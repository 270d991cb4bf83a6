// SPDX-License-Identifier: GPL-2.0
/* All operations on all sides, in turn. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compare.h"
#include "json_file.h"
#include "operation.h"

/* ---- The report ---- */

static void add_result(struct json_object *row, const char *side, struct samples *samples)
{
	struct json_object *result = json_object_new_object();

	json_object_object_add(result, "median", json_object_new_double(samples_median(samples)));
	json_object_object_add(result, "spread", json_object_new_double(samples_spread(samples)));
	json_add_number(result, "samples", samples->nr);
	if (samples->outside)
		json_object_object_add(result, "outside", json_object_new_double(
			(double)samples->outside / (double)samples->outside_nr));
	json_object_object_add(row, side, result);
}

static bool is_wanted(const struct operation *op, const char *const *names)
{
	if (!names)
		return op->min_cpus <= (unsigned int)sysconf(_SC_NPROCESSORS_ONLN);
	for (; *names; names++)
		if (!strcmp(*names, op->name))
			return true;
	return false;
}

/* ---- Measuring ---- */

static int measure_side(const struct side *side, const struct compare_setup *setup,
			struct samples (*samples)[NR_SIDES], unsigned int index,
			struct message *message)
{
	struct message why;
	struct vm owner;
	int ret = side_enter(side, &setup->sides, &owner, message);
	size_t i;

	for (i = 0; !ret && i < nr_operations; i++) {
		const struct operation *op = &operations[i];

		if (!is_wanted(op, setup->names))
			continue;
		if (sides_interrupted())
			ret = fail(message, "%s", strsignal(sides_interrupted()));
		else if (op->measure(op, side->backend, &samples[i][index], &why))
			ret = fail(message, "%s on %s: %s", op->name, side->name, why.text);
	}
	side_leave(side, &owner);
	return ret;
}

static int measure(struct side *sides, const struct compare_setup *setup,
		   struct samples (*samples)[NR_SIDES], struct message *message)
{
	const bool progress = isatty(STDERR_FILENO);
	unsigned int round, i;
	int ret = 0;

	for (round = 0; !ret && round < setup->rounds; round++) {
		for (i = 0; !ret && i < NR_SIDES; i++) {
			if (sides[i].missing.text[0])
				continue;
			if (progress)
				fprintf(stderr, "\rround %u of %u: %-10s", round + 1, setup->rounds,
					sides[i].name);
			ret = measure_side(&sides[i], setup, samples, i, message);
		}
	}
	if (progress)
		fprintf(stderr, "\r%-40s\r", "");
	return ret;
}

static struct json_object *report_rows(const struct compare_setup *setup,
				       struct samples (*samples)[NR_SIDES], const struct side *sides)
{
	struct json_object *rows = json_object_new_array();
	unsigned int side;
	size_t i;

	for (i = 0; i < nr_operations; i++) {
		struct json_object *row;

		if (!is_wanted(&operations[i], setup->names))
			continue;
		row = json_object_new_object();
		json_object_array_add(rows, row);
		json_add_string(row, "name", operations[i].name);
		json_add_string(row, "unit", operations[i].unit);
		json_add_string(row, "what", operations[i].what);
		for (side = 0; side < NR_SIDES; side++)
			if (samples[i][side].nr)
				add_result(row, sides[side].name, &samples[i][side]);
	}
	return rows;
}

static struct json_object *report(const struct compare_setup *setup,
				  struct samples (*samples)[NR_SIDES], const struct side *sides)
{
	struct json_object *all = json_object_new_object(), *missing = json_object_new_object();
	unsigned int i;

	for (i = 0; i < NR_SIDES; i++)
		if (sides[i].missing.text[0])
			json_add_string(missing, sides[i].name, sides[i].missing.text);
	json_object_object_add(all, "conditions", compare_conditions());
	json_object_object_add(all, "missing", missing);
	json_object_object_add(all, "operations", report_rows(setup, samples, sides));
	return all;
}

static struct json_object *measure_and_report(struct side *sides,
					      const struct compare_setup *setup,
					      struct message *message)
{
	struct samples (*samples)[NR_SIDES] = calloc(nr_operations, sizeof(*samples));
	struct json_object *result = NULL;
	unsigned int side;
	size_t i;

	if (!samples) {
		fail(message, "no memory for measurements");
		return NULL;
	}
	if (!measure(sides, setup, samples, message))
		result = report(setup, samples, sides);
	for (i = 0; i < nr_operations; i++)
		for (side = 0; side < NR_SIDES; side++)
			samples_free(&samples[i][side]);
	free(samples);
	return result;
}

struct json_object *compare_measure(struct compare_setup *setup, struct message *message)
{
	struct json_object *result = NULL;
	struct side sides[NR_SIDES];
	unsigned int nr;

	sides_catch_signals();
	nr = sides_find(&setup->sides, sides);
	operation_stay_on(0);
	if (nr)
		result = measure_and_report(sides, setup, message);
	else
		fail(message, "%s; %s", sides[SIDE_MINIVMX].missing.text,
		     sides[SIDE_KVM].missing.text);
	sides_end(&setup->sides);
	return result;
}

static const struct operation *find(const char *name)
{
	size_t i;

	for (i = 0; i < nr_operations; i++)
		if (!strcmp(operations[i].name, name))
			return &operations[i];
	return NULL;
}

bool compare_knows(const char *name)
{
	return find(name);
}

bool compare_has_crowd(const char *name)
{
	const struct operation *op = find(name);

	return op && (op->crowd.vms || op->crowd.vcpus || op->crowd.ranges);
}

void compare_list(FILE *file)
{
	size_t i;

	for (i = 0; i < nr_operations; i++)
		fprintf(file, "  %-18s %s%s\n", operations[i].name, operations[i].what,
			operations[i].min_cpus > 1 ? " (2 CPUs)" : "");
}
