// SPDX-License-Identifier: GPL-2.0
/* Reports as one page of HTML, with charts that gnuplot draws and that are part of it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "array.h"
#include "compare.h"

/* ---- HTML ---- */

static void put_text(FILE *file, const char *text)
{
	static const char *const escapes[] = {
		['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;", ['"'] = "&quot;",
	};

	for (; *text; text++) {
		const unsigned char c = (unsigned char)*text;

		if (c < ARRAY_SIZE(escapes) && escapes[c])
			fputs(escapes[c], file);
		else
			fputc(c, file);
	}
}

static void put_condition(FILE *file, const char *name, const char *value)
{
	fputs("<tr><th>", file);
	put_text(file, name);
	fputs("</th><td>", file);
	put_text(file, value);
	fputs("</td></tr>\n", file);
}

static void put_conditions(FILE *file, struct json_object *report)
{
	struct json_object *conditions = compare_member(report, "conditions");
	struct json_object *bugs = compare_member(conditions, "vulnerabilities");

	fputs("<table class=\"conditions\">\n", file);
	json_object_object_foreach(conditions, key, value)
		if (value && !json_object_is_type(value, json_type_object))
			put_condition(file, key, json_object_get_string(value));
	fputs("</table>\n<details><summary>What the kernel says of the CPU's bugs</summary>"
	      "<table class=\"conditions\">\n", file);
	if (json_object_is_type(bugs, json_type_object)) {
		json_object_object_foreach(bugs, bug, state)
			put_condition(file, bug, json_object_get_string(state));
	}
	fputs("</table></details>\n", file);
}

static void put_number(FILE *file, double value, const char *format)
{
	fputs("<td>", file);
	if (value >= 0)
		fprintf(file, format, value);
	fputs("</td>", file);
}

static void put_row(FILE *file, struct json_object *row)
{
	const double ours = compare_value(row, "minivmx", "median");
	const double kvm = compare_value(row, "kvm", "median");
	const double borrowed = compare_value(row, "borrowed", "median");

	fputs("<tr><th title=\"", file);
	put_text(file, compare_text(row, "what"));
	fputs("\">", file);
	put_text(file, compare_text(row, "name"));
	fputs("</th>", file);
	put_number(file, ours, "%.0f");
	put_number(file, kvm, "%.0f");
	put_number(file, kvm > 0 && ours >= 0 ? ours / kvm : -1, "%.2f");
	put_number(file, borrowed, "%.0f");
	put_number(file, kvm > 0 && borrowed >= 0 ? borrowed / kvm : -1, "%.2f");
	put_number(file, compare_value(row, ours < 0 ? "borrowed" : "minivmx", "spread"), "%.1f %%");
	put_number(file, compare_value(row, "kvm", "spread"), "%.1f %%");
	fputs("<td class=\"what\">", file);
	put_text(file, compare_text(row, "what"));
	fputs("</td></tr>\n", file);
}

static void put_table(FILE *file, struct json_object *report)
{
	struct json_object *rows = compare_member(report, "operations");
	size_t i;

	fputs("<table class=\"numbers\">\n<tr><th></th><th>minivmx</th><th>kvm</th><th>ratio</th>"
	      "<th>borrowed</th><th>ratio</th><th>spread</th><th>kvm's</th><th></th></tr>\n", file);
	for (i = 0; i < json_object_array_length(rows); i++)
		put_row(file, json_object_array_get_idx(rows, i));
	fputs("</table>\n", file);
	json_object_object_foreach(compare_member(report, "missing"), side, why) {
		fputs("<p>Not measured: ", file);
		put_text(file, side);
		fputs(": ", file);
		put_text(file, json_object_get_string(why));
		fputs("</p>\n", file);
	}
}

/* ---- Charts ---- */

/**
 * struct chart - a drawing by gnuplot
 * @title: above it
 * @wants: is a row of the report in it?
 * @plot: gnuplot's command, with the rows as the data block $rows: name, then columns
 * @columns: write a row's columns
 */
struct chart {
	const char *title;
	bool (*wants)(struct json_object *row, struct json_object *report);
	const char *plot;
	void (*columns)(FILE *file, struct json_object *row, struct json_object *report);
};

static double of_row(struct json_object *report, const char *name, const char *side)
{
	struct json_object *rows = compare_member(report, "operations");
	size_t i;

	for (i = 0; i < json_object_array_length(rows); i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);

		if (!strcmp(compare_text(row, "name"), name))
			return compare_value(row, side, "median");
	}
	return -1;
}

static bool is_short(struct json_object *row)
{
	return !strcmp(compare_text(row, "unit"), "ticks") && compare_value(row, "kvm", "median") < 50000;
}

static bool is_alone(struct json_object *row, struct json_object *report)
{
	(void)report;
	return is_short(row) && !compare_has_crowd(compare_text(row, "name"));
}

static bool is_in_crowd(struct json_object *row, struct json_object *report)
{
	(void)report;
	return is_short(row) && compare_has_crowd(compare_text(row, "name"));
}

static void put_column(FILE *file, double value)
{
	if (value < 0)
		fputs(" NaN", file);
	else
		fprintf(file, " %.1f", value);
}

static void sides(FILE *file, struct json_object *row, struct json_object *report)
{
	(void)report;
	put_column(file, compare_value(row, "minivmx", "median"));
	put_column(file, compare_value(row, "kvm", "median"));
	put_column(file, compare_value(row, "borrowed", "median"));
}

/* All programs come out once, when they end: that is not it. */
#define OUTSIDE_MIN	10

static bool comes_out(struct json_object *row, struct json_object *report)
{
	return is_alone(row, report) &&
	       (of_row(report, "ioctl", "minivmx") >= 0 || of_row(report, "ioctl", "kvm") >= 0) &&
	       (compare_value(row, "minivmx", "outside") > OUTSIDE_MIN ||
		compare_value(row, "kvm", "outside") > OUTSIDE_MIN);
}

/* The program, the system call alone, and the rest, which is entry, exit and handler. */
static void parts(FILE *file, struct json_object *row, struct json_object *report)
{
	static const char *const names[] = { "minivmx", "kvm" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		const double all = compare_value(row, names[i], "median");
		const double outside = compare_value(row, names[i], "outside");
		const double call = of_row(report, "ioctl", names[i]);

		if (all < 0 || outside < 0 || call < 0) {
			fputs(" NaN NaN NaN", file);
			continue;
		}
		fprintf(file, " %.1f %.1f %.1f", all - outside - call, call, outside);
	}
}

#define PLOT_SIDES								\
	"set style data histograms; set style histogram clustered gap 1; set key outside;"	\
	"plot $rows using 2:xtic(1) title 'minivmx' linecolor rgb '#1b7837',"	\
	" '' using 3 title 'kvm' linecolor rgb '#762a83',"			\
	" '' using 4 title 'minivmx, borrowing' linecolor rgb '#a6dba0'"

static const struct chart charts[] = {
	{ "Ticks per operation", is_alone, PLOT_SIDES, sides },
	{ "Ticks per operation, among many", is_in_crowd, PLOT_SIDES, sides },
	{ "Where they go, of exits to the program", comes_out,
	  "set style data histograms; set style histogram rowstacked; set key outside;"
	  "plot newhistogram 'minivmx' at 0, $rows using 2:xtic(1) title 'VM entry and exit, handler' linecolor 1,"
	  " '' using 3 title 'ioctl()' linecolor 2, '' using 4 title 'program' linecolor 3,"
	  " newhistogram 'kvm' at rows + 1, $rows using 5:xtic(1) notitle linecolor 1,"
	  " '' using 6 notitle linecolor 2, '' using 7 notitle linecolor 3", parts },
};

/* How many there are; with a @file, into it. */
static unsigned int write_rows(FILE *file, const struct chart *chart, struct json_object *report)
{
	struct json_object *rows = compare_member(report, "operations");
	unsigned int nr = 0;
	size_t i;

	for (i = 0; i < json_object_array_length(rows); i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);

		/* A name is a part of gnuplot's script. */
		if (!compare_knows(compare_text(row, "name")) || !chart->wants(row, report))
			continue;
		nr++;
		if (!file)
			continue;
		fprintf(file, "\"%s\"", compare_text(row, "name"));
		chart->columns(file, row, report);
		fputc('\n', file);
	}
	return nr;
}

/* gnuplot's drawing, into a file that is open. */
static int draw(const struct chart *chart, struct json_object *report, const char *path,
		struct message *message)
{
	FILE *gnuplot = popen("gnuplot", "w");
	unsigned int nr;

	if (!gnuplot)
		return fail(message, "cannot run gnuplot: %m");
	fprintf(gnuplot, "set terminal svg size 960,420 dynamic noenhanced font 'sans,12'\n"
		"set output '%s'\nset title '%s'\nset style fill solid 0.8\nset grid ytics\n"
		"set boxwidth 0.9\nset yrange [0:*]\nset ylabel 'ticks'\n"
		"set xtics rotate by -35 scale 0\nset bmargin 7\n$rows << END\n", path, chart->title);
	nr = write_rows(gnuplot, chart, report);
	fprintf(gnuplot, "END\nrows = %u\n%s\n", nr, chart->plot);
	if (pclose(gnuplot))
		return fail(message, "gnuplot failed: is it installed?");
	return 0;
}

/* Without the lines before the drawing itself, which are not HTML. */
static void copy_svg(FILE *from, FILE *to)
{
	char line[4096];
	bool begun = false;

	while (fgets(line, sizeof(line), from)) {
		begun = begun || !strncmp(line, "<svg", 4);
		if (begun)
			fputs(line, to);
	}
}

static int put_chart(FILE *file, const struct chart *chart, struct json_object *report,
		     struct message *message)
{
	char path[] = "/tmp/minivmx-chart.XXXXXX";
	int ret, fd = mkstemp(path);
	FILE *svg;

	if (fd < 0)
		return fail(message, "cannot make a temporary file: %m");
	ret = draw(chart, report, path, message);
	svg = ret ? NULL : fdopen(fd, "re");
	if (svg) {
		fputs("<figure>", file);
		copy_svg(svg, file);
		fputs("</figure>\n", file);
		fclose(svg);
	} else {
		close(fd);
	}
	unlink(path);
	return ret;
}

/* ---- The page ---- */

#define STYLE									\
	"body{font:15px/1.4 sans-serif;max-width:62em;margin:2em auto;padding:0 1em}"	\
	"table{border-collapse:collapse}td,th{padding:.15em .6em}"			\
	".numbers td{text-align:right;font-variant-numeric:tabular-nums}"		\
	".numbers td.what{text-align:left;color:#666}"					\
	".numbers tr:nth-child(even){background:#f3f3f3}th{text-align:left}"		\
	"figure{margin:1em 0;overflow-x:auto}"

static int put_report(FILE *file, struct json_object *report, struct message *message)
{
	struct json_object *conditions = compare_member(report, "conditions");
	size_t i;

	fputs("<h2>Linux ", file);
	put_text(file, compare_text(conditions, "kernel"));
	fprintf(file, ", %s CPU%s, mitigations: ", compare_text(conditions, "cpus"),
		strcmp(compare_text(conditions, "cpus"), "1") ? "s" : "");
	put_text(file, compare_text(conditions, "mitigations"));
	fputs("</h2>\n", file);
	put_conditions(file, report);
	put_table(file, report);
	for (i = 0; i < ARRAY_SIZE(charts); i++)
		if (write_rows(NULL, &charts[i], report) &&
		    put_chart(file, &charts[i], report, message))
			return -1;
	return 0;
}

int compare_write_page(FILE *file, struct json_object *reports, struct message *message)
{
	size_t i;

	fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
	      "<title>minivmx and KVM</title><style>" STYLE "</style></head><body>\n"
	      "<h1>minivmx and KVM, the same work</h1>\n", file);
	for (i = 0; i < json_object_array_length(reports); i++)
		if (put_report(file, json_object_array_get_idx(reports, i), message))
			return -1;
	fputs("</body></html>\n", file);
	return ferror(file) ? fail(message, "cannot write: %s", strerror(EIO)) : 0;
}
