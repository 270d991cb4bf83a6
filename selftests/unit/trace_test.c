// SPDX-License-Identifier: GPL-2.0
/*
 * SOURCES: selftests/unit/fake_ring.c userspace/lib/ring.c userspace/lib/names.c userspace/runner/trace.c userspace/runner/trace_ring.c userspace/runner/trace_chrome.c userspace/runner/exit_table.c userspace/runner/colour.c userspace/runner/json_file.c userspace/runner/image_file.c userspace/runner/message.c
 * LIBS: -ljson-c
 */
/*
 * minivmx trace with a ring that is made up: which records are read when, what is
 * lost and said to be, what is printed, and the file of events.
 */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "../../userspace/runner/trace.h"
#include "fake_ring.h"

#define CPUID	10
#define HLT	12
#define IO	30
#define EPT	48

FIXTURE(trace)
{
	struct trace trace;
	struct message message;
	char *text;	/* what was printed */
	char path[32];	/* of the file of events */
};

FIXTURE_SETUP(trace)
{
	memset(&self->trace, 0, sizeof(self->trace));
	self->trace.any_reason = true;
	self->trace.left = UINT64_MAX;
	self->text = NULL;
	strcpy(self->path, "/tmp/minivmx-trace-XXXXXX");
	close(mkstemp(self->path));
}

FIXTURE_TEARDOWN(trace)
{
	for (size_t i = 0; i < self->trace.nr; i++)
		trace_ring_close(&self->trace.rings[i]);
	minivmx_set_ring(0, 0);
	unlink(self->path);
	free(self->text);
}

static int open_ring(struct _test_data_trace *self, uint32_t nr)
{
	int ret = trace_ring_open(&self->trace.rings[self->trace.nr], 0, 0, nr, &self->message);

	if (!ret)
		self->trace.nr++;
	return ret;
}

/* An exit of @ticks that took 10. */
static void record(uint64_t ticks, uint32_t reason)
{
	fake_exit(ticks, reason);
	fake_entry(ticks + 10, MINIVMX_HANDLED_AT_ONCE);
}

/* trace_drain() with its output in @text. */
static uint64_t drain(struct _test_data_trace *self)
{
	FILE *old = stdout;
	size_t size;
	uint64_t nr;

	free(self->text);
	stdout = open_memstream(&self->text, &size);
	nr = trace_drain(&self->trace);
	fclose(stdout);
	stdout = old;
	return nr;
}

static bool prints(const struct _test_data_trace *self, const char *words)
{
	if (strstr(self->text, words))
		return true;
	fprintf(stderr, "# printed: %s\n", self->text);
	return false;
}

/* ---- The ring ---- */

TEST_F(trace, turns_the_ring_on_and_off)
{
	ASSERT_EQ(open_ring(self, 0), 0);
	ASSERT_NE(fake_ring, NULL);
	EXPECT_EQ(fake_ring->nr, TRACE_RECORDS);
	EXPECT_TRUE(self->trace.rings[0].is_ours);
	trace_ring_close(&self->trace.rings[0]);
	self->trace.nr = 0;
	EXPECT_EQ(fake_ring, NULL);
}

TEST_F(trace, leaves_a_ring_that_was_on)
{
	minivmx_set_ring(0, 256);
	record(1000, HLT);
	ASSERT_EQ(open_ring(self, 0), 0);
	EXPECT_EQ(self->trace.rings[0].nr, 256);
	EXPECT_FALSE(self->trace.rings[0].is_ours);
	/* what was recorded before is not of this trace */
	EXPECT_EQ(drain(self), 0);
	record(2000, CPUID);
	EXPECT_EQ(drain(self), 1);
	trace_ring_close(&self->trace.rings[0]);
	self->trace.nr = 0;
	EXPECT_NE(fake_ring, NULL);
}

TEST_F(trace, a_ring_of_another_size)
{
	minivmx_set_ring(0, 256);
	EXPECT_EQ(open_ring(self, 512), -EBUSY);
	EXPECT_NE(strstr(self->message.text, "another size"), NULL);
	EXPECT_EQ(open_ring(self, 256), 0);
}

TEST_F(trace, notices_that_the_ring_is_off)
{
	ASSERT_EQ(open_ring(self, 64), 0);
	EXPECT_TRUE(trace_ring_is_on(&self->trace.rings[0]));
	minivmx_set_ring(0, 0);
	EXPECT_FALSE(trace_ring_is_on(&self->trace.rings[0]));
}

TEST_F(trace, holds_back_what_waits_for_its_entry)
{
	ASSERT_EQ(open_ring(self, 64), 0);
	fake_exit(1000, HLT);
	EXPECT_EQ(drain(self), 0);
	fake_entry(1234, MINIVMX_HANDLED_BY_USER);
	EXPECT_EQ(drain(self), 1);
	EXPECT_TRUE(prints(self, "HLT"));
	EXPECT_TRUE(prints(self, " 234\n"));
	EXPECT_TRUE(prints(self, "user"));
}

TEST_F(trace, the_last_one_may_have_no_entry)
{
	ASSERT_EQ(open_ring(self, 64), 0);
	record(1000, CPUID);
	fake_exit(1100, HLT);
	EXPECT_EQ(drain(self), 1);
	trace_ring_stop(&self->trace.rings[0]);
	/* after the end nothing is of interest */
	fake_entry(1200, MINIVMX_HANDLED_BY_USER);
	record(1300, CPUID);
	MINIVMX_RECORDS(fake_ring)[1].entry_ticks = 0;
	EXPECT_EQ(drain(self), 1);
	EXPECT_TRUE(prints(self, " -\n"));
	EXPECT_EQ(self->trace.stats[HLT].count, 1);
	EXPECT_EQ(self->trace.stats[HLT].ticks, 0);
	EXPECT_EQ(self->trace.stats[CPUID].count, 1);
}

TEST_F(trace, counts_what_is_lost)
{
	ASSERT_EQ(open_ring(self, 64), 0);
	for (int i = 0; i < 64; i++)
		record(1000 + 20 * i, CPUID);
	/* as many as there is room for are all there */
	EXPECT_EQ(drain(self), 64);
	EXPECT_EQ(self->trace.lost, 0);
	for (int i = 0; i < 100; i++)
		record(5000 + 20 * i, HLT);
	EXPECT_EQ(drain(self), 64);
	EXPECT_EQ(self->trace.lost, 36);
	EXPECT_TRUE(prints(self, "36 records lost"));
	EXPECT_EQ(self->trace.stats[HLT].count, 64);
}

TEST_F(trace, one_that_is_being_overwritten_is_lost)
{
	ASSERT_EQ(open_ring(self, 64), 0);
	record(1000, CPUID);
	record(1100, HLT);
	MINIVMX_RECORDS(fake_ring)[0].number = 0;
	EXPECT_EQ(drain(self), 1);
	EXPECT_EQ(self->trace.lost, 1);
	EXPECT_EQ(self->trace.stats[CPUID].count, 0);
}

/* All that is left was overtaken after the end was decided on. */
TEST_F(trace, lost_after_the_end)
{
	ASSERT_EQ(open_ring(self, 64), 0);
	record(1000, CPUID);
	record(1100, CPUID);
	trace_ring_stop(&self->trace.rings[0]);
	for (int i = 0; i < 200; i++)
		record(5000 + 20 * i, HLT);
	EXPECT_EQ(drain(self), 0);
	EXPECT_EQ(self->trace.lost, 2);
	EXPECT_EQ(self->trace.stats[HLT].count, 0);
}

/* ---- What is printed ---- */

TEST_F(trace, fields_by_reason)
{
	ASSERT_EQ(open_ring(self, 64), 0);
	record(5000, CPUID);
	EXPECT_EQ(drain(self), 1);
	EXPECT_TRUE(prints(self, "   0              0  CPUID               "
				 "             0x7c01  at once          10\n"));
	EXPECT_EQ(strstr(self->text, "qualification"), NULL);
	record(5100, IO);
	EXPECT_EQ(drain(self), 1);
	EXPECT_TRUE(prints(self, "            100  IO_INSTRUCTION"));
	EXPECT_TRUE(prints(self, "qualification 0x1234\n"));
	record(5200, EPT);
	EXPECT_EQ(drain(self), 1);
	EXPECT_TRUE(prints(self, "qualification 0x1234  gpa 0xfee00000\n"));
	record(5300, 0x80000021);
	EXPECT_EQ(drain(self), 1);
	EXPECT_TRUE(prints(self, "INVALID_STATE"));
	EXPECT_TRUE(prints(self, "VM-entry failure"));
	EXPECT_EQ(self->trace.stats[33].count, 1);
	/* one that no manual has */
	record(5400, 999);
	EXPECT_EQ(drain(self), 1);
	EXPECT_TRUE(prints(self, "(unknown)"));
}

TEST_F(trace, reasons)
{
	ASSERT_EQ(open_ring(self, 64), 0);
	ASSERT_EQ(trace_parse_reasons("cpuid,48", &self->trace, &self->message), 0);
	record(1000, HLT);
	record(1100, CPUID);
	record(1200, IO);
	record(1300, EPT);
	EXPECT_EQ(drain(self), 4);
	EXPECT_TRUE(prints(self, "CPUID"));
	EXPECT_TRUE(prints(self, "EPT_VIOLATION"));
	EXPECT_EQ(strstr(self->text, "HLT"), NULL);
	EXPECT_EQ(strstr(self->text, "IO_INSTRUCTION"), NULL);
	/* time counts from the first exit, of whatever reason */
	EXPECT_TRUE(prints(self, " 100  CPUID"));
	EXPECT_EQ(self->trace.stats[HLT].count, 0);
}

TEST_F(trace, reasons_that_are_none)
{
	static const char *const wrong[] = {
		"", "CPUID,", "80", "-1", "CPUIDS", "CPUID;HLT", "0x",
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		EXPECT_EQ(trace_parse_reasons(wrong[i], &self->trace, &self->message), -1);
		EXPECT_NE(strstr(self->message.text, "--reason: neither"), NULL);
	}
}

TEST_F(trace, count)
{
	ASSERT_EQ(open_ring(self, 64), 0);
	ASSERT_EQ(trace_parse_reasons("CPUID", &self->trace, &self->message), 0);
	self->trace.left = 2;
	for (int i = 0; i < 5; i++) {
		record(1000 + 100 * i, HLT);
		record(1050 + 100 * i, CPUID);
	}
	EXPECT_EQ(drain(self), 4);
	EXPECT_EQ(self->trace.left, 0);
	EXPECT_EQ(drain(self), 0);
	EXPECT_EQ(self->trace.stats[CPUID].count, 2);
}

TEST_F(trace, quiet)
{
	ASSERT_EQ(open_ring(self, 64), 0);
	self->trace.quiet = true;
	for (int i = 0; i < 65; i++)
		record(1000 + 100 * i, HLT);
	EXPECT_EQ(drain(self), 64);
	/* but what is lost is never a secret */
	EXPECT_STREQ(self->text, "   0 1 records lost\n");
	EXPECT_EQ(self->trace.stats[HLT].count, 64);
}

TEST_F(trace, table_at_the_end)
{
	FILE *old = stdout;
	size_t size;

	ASSERT_EQ(open_ring(self, 64), 0);
	record(1000, CPUID);
	record(1100, CPUID);
	fake_exit(1200, HLT);
	fake_entry(1500, MINIVMX_HANDLED_BY_USER);
	EXPECT_EQ(drain(self), 3);
	free(self->text);
	stdout = open_memstream(&self->text, &size);
	trace_summary(&self->trace);
	fclose(stdout);
	stdout = old;
	EXPECT_TRUE(prints(self, "CPUID                           2  66.67%"
				 "            0           10           10\n"));
	EXPECT_TRUE(prints(self, "HLT                             1  33.33%"
				 "            1          300          300\n"));
	EXPECT_TRUE(prints(self, "total                           3"));
	EXPECT_TRUE(prints(self, "0 records lost\n"));
}

/* ---- Events ---- */

/* The events of the file, after two that give names; freed with their root. */
static struct json_object *events(struct _test_data_trace *self, struct json_object **root)
{
	struct json_object *list;

	if (trace_chrome_close(&self->trace.chrome, &self->message))
		abort();
	*root = json_object_from_file(self->path);
	if (!*root || !json_object_object_get_ex(*root, "traceEvents", &list))
		abort();
	return list;
}

static struct json_object *member(struct json_object *list, size_t i, const char *key)
{
	return json_object_object_get(json_object_array_get_idx(list, i), key);
}

static const char *string(struct json_object *list, size_t i, const char *key)
{
	return json_object_get_string(member(list, i, key));
}

static double number(struct json_object *list, size_t i, const char *key)
{
	return json_object_get_double(member(list, i, key));
}

static bool is_near(double a, double b)
{
	return a > b - 0.0005 && a < b + 0.0005;
}

static int open_events(struct _test_data_trace *self)
{
	int ret = trace_chrome_open(&self->trace.chrome, self->path, 17, 2000, &self->message);

	trace_chrome_vcpu(&self->trace.chrome, 0);
	return ret;
}

TEST_F(trace, events)
{
	struct json_object *root, *list, *args;

	/* 2000 ticks in a millisecond: 2 in a microsecond */
	ASSERT_EQ(open_events(self), 0);
	ASSERT_EQ(open_ring(self, 64), 0);
	record(1000, CPUID);
	record(1101, EPT);
	fake_exit(1200, HLT);
	trace_ring_stop(&self->trace.rings[0]);
	EXPECT_EQ(drain(self), 3);
	list = events(self, &root);
	ASSERT_EQ(json_object_array_length(list), 7);
	EXPECT_STREQ(string(list, 0, "name"), "process_name");
	EXPECT_STREQ(string(list, 1, "name"), "thread_name");
	EXPECT_STREQ(string(list, 1, "ph"), "M");

	EXPECT_STREQ(string(list, 2, "name"), "CPUID");
	EXPECT_STREQ(string(list, 2, "ph"), "X");
	EXPECT_EQ(number(list, 2, "pid"), 17);
	EXPECT_EQ(number(list, 2, "tid"), 0);
	EXPECT_EQ(number(list, 2, "ts"), 0);
	EXPECT_TRUE(is_near(number(list, 2, "dur"), 5));
	args = member(list, 2, "args");
	EXPECT_STREQ(json_object_get_string(json_object_object_get(args, "rip")), "0x7c01");
	EXPECT_EQ(json_object_object_get(args, "qualification"), NULL);
	EXPECT_STREQ(json_object_get_string(json_object_object_get(args, "handler")), "at once");

	EXPECT_STREQ(string(list, 3, "name"), "guest");
	EXPECT_TRUE(is_near(number(list, 3, "ts"), 5));
	EXPECT_TRUE(is_near(number(list, 3, "dur"), 45.5));

	EXPECT_STREQ(string(list, 4, "name"), "EPT_VIOLATION");
	EXPECT_TRUE(is_near(number(list, 4, "ts"), 50.5));
	args = member(list, 4, "args");
	EXPECT_STREQ(json_object_get_string(json_object_object_get(args, "gpa")), "0xfee00000");

	EXPECT_STREQ(string(list, 5, "name"), "guest");
	EXPECT_STREQ(string(list, 6, "name"), "HLT");
	EXPECT_STREQ(string(list, 6, "ph"), "B");
	EXPECT_EQ(member(list, 6, "dur"), NULL);
	json_object_put(root);
}

/* What the guest did is only known between records that follow each other. */
TEST_F(trace, events_with_gaps)
{
	struct json_object *root, *list;
	size_t i, guests = 0, lost = 0;

	ASSERT_EQ(open_events(self), 0);
	ASSERT_EQ(open_ring(self, 64), 0);
	record(1000, CPUID);
	EXPECT_EQ(drain(self), 1);
	for (i = 0; i < 70; i++)
		record(2000 + 100 * i, CPUID);
	EXPECT_EQ(drain(self), 64);
	list = events(self, &root);
	for (i = 0; i < json_object_array_length(list); i++) {
		guests += !strcmp(string(list, i, "name"), "guest");
		lost += !strcmp(string(list, i, "name"), "6 records lost");
	}
	EXPECT_EQ(guests, 63);
	EXPECT_EQ(lost, 1);
	json_object_put(root);
}

TEST_F(trace, events_of_some_reasons)
{
	struct json_object *root, *list;

	ASSERT_EQ(open_events(self), 0);
	ASSERT_EQ(open_ring(self, 64), 0);
	ASSERT_EQ(trace_parse_reasons("CPUID", &self->trace, &self->message), 0);
	record(1000, CPUID);
	record(1100, HLT);
	record(1200, CPUID);
	EXPECT_EQ(drain(self), 3);
	list = events(self, &root);
	ASSERT_EQ(json_object_array_length(list), 4);
	EXPECT_STREQ(string(list, 2, "name"), "CPUID");
	EXPECT_STREQ(string(list, 3, "name"), "CPUID");
	json_object_put(root);
}

TEST_F(trace, no_records_are_valid_json)
{
	struct json_object *root, *list;

	ASSERT_EQ(open_events(self), 0);
	list = events(self, &root);
	EXPECT_EQ(json_object_array_length(list), 2);
	json_object_put(root);
}

TEST_F(trace, events_that_cannot_be_written)
{
	EXPECT_EQ(trace_chrome_open(&self->trace.chrome, "/nowhere/file", 17, 2000,
				    &self->message), -1);
	EXPECT_NE(strstr(self->message.text, "/nowhere/file: cannot write"), NULL);
	EXPECT_EQ(trace_chrome_open(&self->trace.chrome, self->path, 17, 0, &self->message), -1);
	EXPECT_NE(strstr(self->message.text, "frequency"), NULL);
	ASSERT_EQ(trace_chrome_open(&self->trace.chrome, "/dev/full", 17, 2000, &self->message), 0);
	EXPECT_EQ(trace_chrome_close(&self->trace.chrome, &self->message), -1);
	EXPECT_NE(strstr(self->message.text, "/dev/full: not all of it"), NULL);
}

TEST_HARNESS_MAIN
