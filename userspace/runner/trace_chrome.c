// SPDX-License-Identifier: GPL-2.0
/* Exit records as a Trace Event file: see trace_chrome.h. */
#include <json-c/json.h>
#include <stdlib.h>

#include "array.h"
#include "exit_table.h"
#include "json_file.h"
#include "trace_chrome.h"

const char *trace_handler_name(uint32_t handler)
{
	static const char *const names[] = {
		[MINIVMX_HANDLED_AT_ONCE] = "at once",
		[MINIVMX_HANDLED_SLEEPING] = "sleeping",
		[MINIVMX_HANDLED_BY_USER] = "user",
	};

	return handler < ARRAY_SIZE(names) ? names[handler] : "?";
}

/* Microseconds, to three digits behind the point. */
static struct json_object *microseconds(const struct trace_chrome *chrome, uint64_t ticks)
{
	const double us = (double)ticks * 1000.0 / (double)chrome->tsc_khz;
	char text[32];

	snprintf(text, sizeof(text), "%.3f", us);
	return json_object_new_double_s(us, text);
}

static struct json_object *event(const struct trace_chrome *chrome, const char *phase,
				 uint32_t id, const char *name)
{
	struct json_object *object = json_object_new_object();

	json_add_string(object, "name", name);
	json_add_string(object, "ph", phase);
	json_object_object_add(object, "pid", json_object_new_int(chrome->pid));
	json_object_object_add(object, "tid", json_object_new_int((int)id));
	return object;
}

static void add_time(const struct trace_chrome *chrome, struct json_object *object,
		     const char *category, uint64_t ticks)
{
	json_add_string(object, "cat", category);
	json_object_object_add(object, "ts", microseconds(chrome, ticks - chrome->first));
}

/* Write and free it; a failure shows when the file is closed. */
static void put(struct trace_chrome *chrome, struct json_object *object)
{
	fprintf(chrome->file, "%s%s", chrome->any ? ",\n" : "",
		json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN));
	chrome->any = true;
	json_object_put(object);
}

static void put_name(struct trace_chrome *chrome, uint32_t id, const char *what, const char *name)
{
	struct json_object *object = event(chrome, "M", id, what);
	struct json_object *args = json_object_new_object();

	json_add_string(args, "name", name);
	json_object_object_add(object, "args", args);
	put(chrome, object);
}

int trace_chrome_open(struct trace_chrome *chrome, const char *path, pid_t pid,
		      uint64_t tsc_khz, struct message *message)
{
	char name[32];

	*chrome = (struct trace_chrome) { .path = path, .pid = pid, .tsc_khz = tsc_khz };
	if (!tsc_khz)
		return fail(message, "the frequency of the time-stamp counter is not known");
	chrome->file = fopen(path, "we");
	if (!chrome->file)
		return fail(message, "%s: cannot write: %m", path);
	fprintf(chrome->file, "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n");
	snprintf(name, sizeof(name), "minivmx %d", pid);
	put_name(chrome, 0, "process_name", name);
	return 0;
}

void trace_chrome_vcpu(struct trace_chrome *chrome, uint32_t id)
{
	char name[32];

	if (!chrome->file)
		return;
	snprintf(name, sizeof(name), "vCPU %u", id);
	put_name(chrome, id, "thread_name", name);
}

void trace_chrome_exit(struct trace_chrome *chrome, uint32_t id,
		       const struct minivmx_record *record)
{
	const uint32_t basic = record->reason & 0xffff;
	struct json_object *object, *args;

	if (!chrome->file)
		return;
	object = event(chrome, record->entry_ticks ? "X" : "B", id, exit_table_name(basic));
	add_time(chrome, object, "exit", record->exit_ticks);
	if (record->entry_ticks)
		json_object_object_add(object, "dur", microseconds(chrome, record->entry_ticks -
								   record->exit_ticks));
	args = json_object_new_object();
	json_object_object_add(args, "number", json_object_new_uint64(record->number));
	json_object_object_add(args, "reason", json_object_new_uint64(basic));
	json_add_hex(args, "rip", record->rip);
	if (exit_has_qualification(basic))
		json_add_hex(args, "qualification", record->qualification);
	if (exit_has_gpa(basic))
		json_add_hex(args, "gpa", record->gpa);
	json_add_string(args, "handler", trace_handler_name(record->handler));
	json_object_object_add(object, "args", args);
	put(chrome, object);
}

void trace_chrome_guest(struct trace_chrome *chrome, uint32_t id, uint64_t from, uint64_t to)
{
	struct json_object *object;

	if (!chrome->file)
		return;
	object = event(chrome, "X", id, "guest");
	add_time(chrome, object, "guest", from);
	json_object_object_add(object, "dur", microseconds(chrome, to - from));
	put(chrome, object);
}

void trace_chrome_lost(struct trace_chrome *chrome, uint32_t id, uint64_t nr, uint64_t ticks)
{
	struct json_object *object;
	char name[48];

	if (!chrome->file)
		return;
	snprintf(name, sizeof(name), "%llu records lost", (unsigned long long)nr);
	object = event(chrome, "i", id, name);
	add_time(chrome, object, "lost", ticks);
	json_add_string(object, "s", "t");
	put(chrome, object);
}

int trace_chrome_close(struct trace_chrome *chrome, struct message *message)
{
	bool failed;

	if (!chrome->file)
		return 0;
	fprintf(chrome->file, "\n]}\n");
	failed = fflush(chrome->file) || ferror(chrome->file);
	failed |= fclose(chrome->file);
	chrome->file = NULL;
	return failed ? fail(message, "%s: not all of it could be written: %m", chrome->path) : 0;
}
