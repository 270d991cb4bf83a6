// SPDX-License-Identifier: GPL-2.0
/*
 * SOURCES: RUNNER
 */
/*
 * minivmx top without its screen: the module's files, good ones and others; what happened
 * between two looks, in each view and order; and what the keys do.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "../../userspace/runner/top.h"
#include "../../userspace/runner/top_ui.h"

#define CPUID	10
#define HLT	12
#define IO	30
#define EPT	48

#define TITLES	"reason count to_user ticks worst name\n"

FIXTURE(top)
{
	char dir[64];
	struct host_stats before;
	struct host_stats now;
	struct top_table table;
	struct top_ui ui;
	struct message message;
};

static void must(bool ok)
{
	if (!ok)
		abort();
}

/* A file below the folder, and the folder that it is in. */
static void put(FIXTURE_DATA(top) *self, const char *name, const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", self->dir, name);
	*strrchr(path, '/') = '\0';
	must(!mkdir(path, 0700) || errno == EEXIST);
	snprintf(path, sizeof(path), "%s/%s", self->dir, name);
	file = fopen(path, "w");
	must(file && fputs(text, file) >= 0 && !fclose(file));
}

static int read_stats(FIXTURE_DATA(top) *self, struct host_stats *stats)
{
	host_stats_free(stats);
	return host_stats_read(self->dir, stats, &self->message);
}

/* Two VMs at two moments, two seconds apart; a third has begun in between. */
FIXTURE_SETUP(top)
{
	memset(self, 0, sizeof(*self));
	strcpy(self->dir, "/tmp/minivmx-top-XXXXXX");
	must(mkdtemp(self->dir));
	put(self, "vms", "3\n");
	put(self, "500-1/vcpu0", TITLES "10 100 0 0 0 CPUID\n30 50 50 0 0 IO_INSTRUCTION\n");
	put(self, "500-1/vcpu10", TITLES);
	put(self, "500-1/vcpu2", TITLES "12 5 0 0 0 HLT\n");
	put(self, "400-2/vcpu0", TITLES "48 1000 10 0 0 EPT_VIOLATION\n");
	must(!read_stats(self, &self->before));
	put(self, "500-1/vcpu0", TITLES "10 300 0 0 0 CPUID\n30 450 450 0 0 IO_INSTRUCTION\n");
	put(self, "500-1/vcpu2", TITLES "10 300 0 0 0 CPUID\n12 7 0 0 0 HLT\n");
	put(self, "600-10/vcpu0", TITLES "12 8 8 7 5 HLT\n");
	must(!read_stats(self, &self->now));
	self->before.time = 1000000000;
	self->now.time = 3000000000;
	self->ui.query.vcpu = TOP_ALL;
}

FIXTURE_TEARDOWN(top)
{
	char command[128];

	top_table_free(&self->table);
	host_stats_free(&self->before);
	host_stats_free(&self->now);
	snprintf(command, sizeof(command), "rm -r %s", self->dir);
	must(!system(command));
}

static void make(FIXTURE_DATA(top) *self)
{
	top_table_free(&self->table);
	must(!top_table_make(&self->table, &self->before, &self->now, &self->ui.query,
			     &self->message));
}

static const char *line(FIXTURE_DATA(top) *self, size_t row)
{
	static char text[TOP_LINE];

	must(row < self->table.nr);
	top_format_row(text, &self->table, &self->table.rows[row], self->ui.query.view);
	return text;
}

#define EXPECT_LINE(row, text)						\
	EXPECT_STREQ(text, line(self, row))

/* Presses; the table is that of the last. */
static void press(FIXTURE_DATA(top) *self, int key)
{
	if (top_ui_key(&self->ui, &self->table, key))
		make(self);
}

static const struct top_page *page(FIXTURE_DATA(top) *self, size_t height)
{
	static struct top_page page;

	top_ui_page(&self->ui, &self->table, height, 2, &page);
	return &page;
}

TEST_F(top, all_that_is_in_the_files)
{
	ASSERT_EQ(3, self->now.nr);
	EXPECT_EQ(1, self->now.vms[0].number);
	EXPECT_EQ(500, self->now.vms[0].pid);
	ASSERT_EQ(3, self->now.vms[0].nr);
	EXPECT_EQ(0, self->now.vms[0].vcpus[0].id);
	EXPECT_EQ(2, self->now.vms[0].vcpus[1].id);
	EXPECT_EQ(10, self->now.vms[0].vcpus[2].id);
	EXPECT_EQ(450, self->now.vms[0].vcpus[0].exits[IO].to_user);
	EXPECT_EQ(0, self->now.vms[0].vcpus[2].exits[IO].count);
	EXPECT_EQ(10, self->now.vms[2].number);
	EXPECT_EQ(8, self->now.vms[2].vcpus[0].exits[HLT].count);
	EXPECT_EQ(7, self->now.vms[2].vcpus[0].exits[HLT].ticks);
	EXPECT_EQ(5, self->now.vms[2].vcpus[0].exits[HLT].worst);
}

TEST_F(top, files_that_are_none)
{
	put(self, "700-11/vcpu0", "reason count\n");
	EXPECT_EQ(-1, read_stats(self, &self->now));
	EXPECT_NE(NULL, strstr(self->message.text, "same version"));
	put(self, "700-11/vcpu0", TITLES "80 1 1 1 1 BEYOND\n");
	EXPECT_EQ(-1, read_stats(self, &self->now));
	EXPECT_NE(NULL, strstr(self->message.text, "no line of numbers: 80"));
	put(self, "700-11/vcpu0", TITLES "1 2 3\n");
	EXPECT_EQ(-1, read_stats(self, &self->now));
	put(self, "700-11/vcpu0", TITLES);
	put(self, "700-11/vcpu0x", "");
	put(self, "700-11/other", "");
	put(self, "folder/vcpu0", "");
	EXPECT_EQ(0, read_stats(self, &self->now));
	EXPECT_EQ(4, self->now.nr);
	EXPECT_EQ(1, self->now.vms[3].nr);
}

TEST_F(top, no_files)
{
	char dir[80];

	snprintf(dir, sizeof(dir), "%s/nowhere", self->dir);
	host_stats_free(&self->now);
	EXPECT_EQ(-1, host_stats_read(dir, &self->now, &self->message));
	EXPECT_NE(NULL, strstr(self->message.text, "load minivmx.ko"));
}

TEST_F(top, machines)
{
	make(self);
	EXPECT_EQ(3, self->table.vms);
	EXPECT_EQ(5, self->table.vcpus);
	EXPECT_EQ(910, self->table.exits);
	ASSERT_EQ(3, self->table.nr);
	EXPECT_LINE(0, "   1     500      3         451.0        200.0           1057  CPUID 55.4%");
	EXPECT_LINE(1, "  10     600      1           4.0          4.0              8  HLT 100.0%");
	EXPECT_LINE(2, "   2     400      1           0.0          0.0           1000  -");
}

TEST_F(top, vcpus_and_their_orders)
{
	self->ui.query.view = TOP_VCPUS;
	make(self);
	ASSERT_EQ(5, self->table.nr);
	EXPECT_LINE(0, "   1     500      0         300.0        200.0            750  IO_INSTRUCTION 66.7%");
	EXPECT_LINE(1, "   1     500      2         151.0          0.0            307  CPUID 99.3%");
	self->ui.query.sort = TOP_BY_USER;
	make(self);
	EXPECT_EQ(10, self->table.rows[1].vm);
	self->ui.query.sort = TOP_BY_COUNT;
	make(self);
	EXPECT_EQ(2, self->table.rows[0].vm);
	self->ui.query.sort = TOP_BY_NUMBER;
	make(self);
	EXPECT_EQ(1, self->table.rows[2].vm);
	EXPECT_EQ(10, self->table.rows[2].vcpu);
	EXPECT_EQ(10, self->table.rows[4].vm);
}

TEST_F(top, reasons)
{
	self->ui.query.view = TOP_REASONS;
	make(self);
	ASSERT_EQ(4, self->table.nr);
	EXPECT_LINE(0, "CPUID                       250.0          0.0            600  54.9%");
	EXPECT_LINE(1, "IO_INSTRUCTION              200.0        200.0            450  44.0%");
	EXPECT_LINE(2, "HLT                           5.0          4.0             15  1.1%");
	EXPECT_LINE(3, "EPT_VIOLATION                 0.0          0.0           1000  0.0%");
}

TEST_F(top, no_time_has_passed)
{
	host_stats_free(&self->before);
	must(!read_stats(self, &self->before));
	self->before.time = self->now.time;
	make(self);
	EXPECT_EQ(0, self->table.exits);
	EXPECT_LINE(0, "   1     500      3           0.0          0.0           1057  -");
}

TEST_F(top, json)
{
	char *text;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	top_print_json(file, &self->before, &self->now);
	fclose(file);
	EXPECT_EQ(text, strstr(text, "{\"seconds\":2.0,\"vms\":[{\"number\":1,\"pid\":500,\"vcpus\":["));
	EXPECT_NE(NULL, strstr(text, "{\"reason\":10,\"name\":\"CPUID\",\"count\":300,\"to_user\":0,"
				     "\"per_second\":100.0,\"to_user_per_second\":0.0}"));
	EXPECT_NE(NULL, strstr(text, "{\"id\":10,\"exits\":[]}"));
	EXPECT_EQ(text + size - 1, strchr(text, '\n'));
	free(text);
}

TEST_F(top, keys_choose_a_view_and_an_order)
{
	make(self);
	press(self, 'r');
	EXPECT_EQ(TOP_REASONS, self->ui.query.view);
	EXPECT_EQ(4, self->table.nr);
	press(self, 't');
	EXPECT_EQ(EPT, self->table.rows[0].reason);
	press(self, 'u');
	EXPECT_EQ(IO, self->table.rows[0].reason);
	press(self, 'n');
	EXPECT_EQ(CPUID, self->table.rows[0].reason);
	press(self, 'c');
	EXPECT_EQ(5, self->table.nr);
	press(self, 'e');
	press(self, 'v');
	EXPECT_EQ(3, self->table.nr);
	press(self, 'x');
	EXPECT_FALSE(self->ui.quit);
	press(self, 'q');
	EXPECT_TRUE(self->ui.quit);
}

TEST_F(top, enter_goes_in_and_backspace_out)
{
	make(self);
	press(self, TOP_KEY_BACK);
	EXPECT_EQ(3, self->table.nr);
	press(self, TOP_KEY_ENTER);
	ASSERT_EQ(3, self->table.nr);
	EXPECT_STREQ("vcpus of VM 1, by exits; h: help, q: quit", page(self, 10)->lines[1]);
	press(self, TOP_KEY_DOWN);
	press(self, TOP_KEY_ENTER);
	ASSERT_EQ(2, self->table.nr);
	EXPECT_STREQ("reasons of vCPU 2 of VM 1, by exits; h: help, q: quit", page(self, 10)->lines[1]);
	EXPECT_LINE(0, "CPUID                       150.0          0.0            300  99.3%");
	press(self, TOP_KEY_ENTER);
	EXPECT_EQ(2, self->table.nr);
	press(self, TOP_KEY_BACK);
	EXPECT_EQ(TOP_VCPUS, self->ui.query.view);
	EXPECT_EQ(3, self->table.nr);
	press(self, 'r');
	EXPECT_EQ(4, self->table.nr);
	EXPECT_EQ(0, self->ui.query.vm);
}

TEST_F(top, the_selected_row_stays_on_the_screen)
{
	const struct top_page *p;

	self->ui.query.view = TOP_VCPUS;
	make(self);
	p = page(self, 5);
	EXPECT_EQ(5, p->nr);
	EXPECT_EQ(2, p->titles);
	EXPECT_EQ(3, p->selected);
	press(self, TOP_KEY_END);
	p = page(self, 5);
	EXPECT_EQ(4, p->selected);
	EXPECT_EQ(3, self->ui.first);
	press(self, TOP_KEY_DOWN);
	EXPECT_EQ(4, self->ui.selected);
	press(self, TOP_KEY_PAGE_UP);
	page(self, 5);
	EXPECT_EQ(0, self->ui.first);
	press(self, TOP_KEY_UP);
	EXPECT_EQ(0, self->ui.selected);
	press(self, TOP_KEY_PAGE_DOWN);
	EXPECT_EQ(4, self->ui.selected);
	/* A screen too low for anything, and one that has become higher again. */
	EXPECT_EQ(4, page(self, 0)->nr);
	EXPECT_EQ(8, page(self, 1000)->nr + self->ui.first);
	/* All but one of the VMs have ended. */
	for (size_t i = 0; i < self->now.nr - 1; i++)
		free(self->now.vms[i].vcpus);
	self->now.vms[0] = self->now.vms[self->now.nr - 1];
	self->now.nr = 1;
	make(self);
	p = page(self, 5);
	EXPECT_EQ(3, p->selected);
	EXPECT_EQ(4, p->nr);
}

TEST_F(top, nothing_runs)
{
	host_stats_free(&self->now);
	self->now.time = 3000000000;
	make(self);
	EXPECT_EQ(0, self->table.nr);
	EXPECT_EQ(3, page(self, 10)->nr);
	press(self, TOP_KEY_ENTER);
	press(self, TOP_KEY_END);
	EXPECT_EQ(TOP_VMS, self->ui.query.view);
	EXPECT_STREQ("minivmx top: VMs 0, vCPUs 0, exits/s 0.0; every 2 s", page(self, 10)->lines[0]);
}

TEST_F(top, help_and_hold)
{
	make(self);
	press(self, 'h');
	EXPECT_STREQ("KEYS", page(self, 20)->lines[2]);
	press(self, '?');
	EXPECT_STRNE("KEYS", page(self, 20)->lines[2]);
	press(self, 'h');
	press(self, ' ');
	EXPECT_FALSE(self->ui.help);
	EXPECT_TRUE(self->ui.is_held);
	EXPECT_NE(NULL, strstr(page(self, 20)->lines[0], ", held"));
	press(self, ' ');
	EXPECT_FALSE(self->ui.is_held);
}

TEST_HARNESS_MAIN
