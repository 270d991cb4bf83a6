// SPDX-License-Identifier: GPL-2.0
/* Reports as text and as CSV. */
#include <errno.h>
#include <string.h>

#include "compare.h"

struct json_object *compare_member(struct json_object *object, const char *key)
{
	return json_object_object_get(object, key);
}

const char *compare_text(struct json_object *object, const char *key)
{
	const char *value = json_object_get_string(compare_member(object, key));

	return value ? value : "";
}

double compare_value(struct json_object *operation, const char *side, const char *key)
{
	struct json_object *result = compare_member(operation, side), *value;

	value = result ? compare_member(result, key) : NULL;
	return value ? json_object_get_double(value) : -1;
}

bool compare_is_report(struct json_object *report)
{
	struct json_object *rows = compare_member(report, "operations");
	size_t i;

	if (!json_object_is_type(report, json_type_object) ||
	    !json_object_is_type(compare_member(report, "conditions"), json_type_object) ||
	    !json_object_is_type(compare_member(report, "missing"), json_type_object) ||
	    !json_object_is_type(rows, json_type_array))
		return false;
	for (i = 0; i < json_object_array_length(rows); i++)
		if (!json_object_is_type(json_object_array_get_idx(rows, i), json_type_object))
			return false;
	return true;
}

static void print_number(FILE *file, double value)
{
	if (value < 0)
		fprintf(file, " %12s", "-");
	else if (value < 100)
		fprintf(file, " %12.1f", value);
	else
		fprintf(file, " %12.0f", value);
}

static void print_ratio(FILE *file, double value, double kvm)
{
	if (value < 0 || kvm <= 0)
		fprintf(file, " %6s", "-");
	else
		fprintf(file, " %6.2f", value / kvm);
}

static void print_spread(FILE *file, double value)
{
	if (value < 0)
		fprintf(file, " %6s", "-");
	else
		fprintf(file, " %5.1f%%", value);
}

static void print_row(FILE *file, struct json_object *row)
{
	const double ours = compare_value(row, "minivmx", "median");
	const double kvm = compare_value(row, "kvm", "median");
	const double borrowed = compare_value(row, "borrowed", "median");

	fprintf(file, "%-18s", compare_text(row, "name"));
	print_number(file, ours);
	print_number(file, kvm);
	print_ratio(file, ours, kvm);
	print_number(file, borrowed);
	print_ratio(file, borrowed, kvm);
	print_spread(file, compare_value(row, ours < 0 ? "borrowed" : "minivmx", "spread"));
	print_spread(file, compare_value(row, "kvm", "spread"));
	fprintf(file, "\n");
}

void compare_print_table(FILE *file, struct json_object *report)
{
	struct json_object *conditions = compare_member(report, "conditions");
	struct json_object *rows = compare_member(report, "operations");
	struct json_object *missing = compare_member(report, "missing");
	size_t i, nr = json_object_array_length(rows);

	fprintf(file, "%s, Linux %s, %s CPUs, mitigations: %s\n", compare_text(conditions, "cpu"),
		compare_text(conditions, "kernel"), compare_text(conditions, "cpus"),
		compare_text(conditions, "mitigations"));
	fprintf(file, "Ticks are %s.\n\n", compare_text(conditions, "ticks"));
	fprintf(file, "%-18s %12s %12s %6s %12s %6s %6s %6s\n", "", "minivmx", "kvm", "ratio",
		"borrowed", "ratio", "spread", "kvm's");
	for (i = 0; i < nr; i++)
		print_row(file, json_object_array_get_idx(rows, i));
	json_object_object_foreach(missing, side, why)
		fprintf(file, "\nNot measured: %s: %s\n", side, json_object_get_string(why));
	if (strcmp(compare_text(conditions, "mitigations"), "off"))
		fprintf(file, "\nBoth go by the kernel's mitigations (docs/mitigations.md): a flush of the L1 data cache is in what it costs.\n");
}

/* ---- CSV ---- */

static void write_number(FILE *file, double value)
{
	if (value >= 0)
		fprintf(file, "%.6g", value);
}

static void write_row(FILE *file, struct json_object *row, const char *mitigations)
{
	double ours = compare_value(row, "minivmx", "median");
	const double kvm = compare_value(row, "kvm", "median");

	if (ours < 0)
		ours = compare_value(row, "borrowed", "median");
	fprintf(file, "%s,", compare_text(row, "name"));
	write_number(file, ours);
	fprintf(file, ",");
	write_number(file, kvm);
	fprintf(file, ",");
	if (ours >= 0 && kvm > 0)
		fprintf(file, "%.4f", ours / kvm);
	fprintf(file, ",%s\n", mitigations);
}

int compare_write_csv(FILE *file, struct json_object *reports)
{
	size_t i, j;

	fprintf(file, "operation,minivmx,kvm,ratio,mitigations\n");
	for (i = 0; i < json_object_array_length(reports); i++) {
		struct json_object *report = json_object_array_get_idx(reports, i);
		struct json_object *rows = compare_member(report, "operations");
		const char *mitigations = compare_text(compare_member(report, "conditions"), "mitigations");

		for (j = 0; j < json_object_array_length(rows); j++)
			write_row(file, json_object_array_get_idx(rows, j), mitigations);
	}
	return ferror(file) ? -EIO : 0;
}
