// SPDX-License-Identifier: GPL-2.0
/*
 * SOURCES: RUNNER userspace/lib/ioctl.c userspace/lib/open.c
 * LIBS: -ljson-c -linih
 */
/* What minivmx run is told: by a configuration file, by the command line, and by both. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "../../userspace/runner/config_file.h"
#include "../../userspace/runner/exit_status.h"
#include "../../userspace/runner/run_options.h"

#define MACHINE	"[machine]\n"

FIXTURE(config)
{
	struct run_options options;
	struct message message;
	char folder[32];
	char file[64];
};

FIXTURE_SETUP(config)
{
	memset(self, 0, sizeof(*self));
	run_options_init(&self->options);
	strcpy(self->folder, "/tmp/minivmx-config-XXXXXX");
	if (!mkdtemp(self->folder))
		abort();
	snprintf(self->file, sizeof(self->file), "%s/minivmx.ini", self->folder);
}

FIXTURE_TEARDOWN(config)
{
	run_options_free(&self->options);
	unlink(self->file);
	rmdir(self->folder);
}

static int parse_bytes(struct _test_data_config *self, const char *text, size_t size)
{
	/* so that a byte too many is noticed */
	char *copy = malloc(size);
	int ret;

	memcpy(copy, text, size);
	ret = config_file_parse("vm/web.ini", copy, size, &self->options, &self->message);
	free(copy);
	return ret;
}

static int parse(struct _test_data_config *self, const char *text)
{
	return parse_bytes(self, text, strlen(text));
}

static void write_file(const struct _test_data_config *self, const char *text)
{
	FILE *file = fopen(self->file, "w");

	if (!file || fputs(text, file) < 0 || fclose(file))
		abort();
}

/* The command line, up to NULL. */
static int command_line(struct _test_data_config *self, const char *const *words)
{
	char *argv[16] = { "minivmx run" };
	int argc = 1;

	for (; *words; words++)
		argv[argc++] = (char *)*words;
	run_options_free(&self->options);
	run_options_init(&self->options);
	optind = 0;
	return run_options_read(argc, argv, &self->options, &self->message);
}

#define given(...)	command_line(self, (const char *const []) { __VA_ARGS__, NULL })

TEST_F(config, every_key)
{
	struct run_options *o = &self->options;

	ASSERT_EQ(parse(self, "; a machine\n"
			"# with all there is\n"
			"[machine]\n"
			"kernel = vmlinuz\n"
			"initrd=/boot/initrd.img\n"
			"append = console=ttyS0 a;b # c  \n"
			"\n"
			"  mem = 512M\r\n"
			"cpus: 2\n"
			"gdb = 0\n"
			"debug-exit = 0xf4\n"
			"timeout = 1.5\n"
			"name = web\n"
			"stats = yes\n"
			"stats-json = -\n"
			"verbose = no\n"), 0);
	EXPECT_STREQ(o->image, "vm/vmlinuz");
	EXPECT_STREQ(o->initrd, "/boot/initrd.img");
	EXPECT_STREQ(o->append, "console=ttyS0 a;b # c");
	EXPECT_EQ(o->memory, 512 * MIB);
	EXPECT_EQ(o->cpus, 2);
	EXPECT_TRUE(o->gdb);
	EXPECT_EQ(o->gdb_port, 0);
	EXPECT_EQ(o->debug_exit_port, 0xf4);
	EXPECT_EQ(o->timeout_ns, 1500000000);
	EXPECT_STREQ(o->name, "web");
	EXPECT_TRUE(o->stats);
	EXPECT_STREQ(o->stats_json, "-");
	EXPECT_FALSE(o->verbose);
}

TEST_F(config, what_is_not_said_stays)
{
	ASSERT_EQ(parse(self, MACHINE "kernel = a"), 0);
	EXPECT_EQ(self->options.memory, 256 * MIB);
	EXPECT_EQ(self->options.cpus, 1);
	EXPECT_EQ(self->options.append, NULL);
	EXPECT_FALSE(self->options.gdb);
	ASSERT_EQ(parse(self, ""), 0);
	ASSERT_EQ(parse(self, "\n\n# nothing"), 0);
	ASSERT_EQ(parse(self, MACHINE "append =\n"), 0);
	EXPECT_STREQ(self->options.append, "");
}

TEST_F(config, mistakes_in_a_file)
{
	static const struct {
		const char *text;
		const char *message;
	} mistakes[] = {
		{ MACHINE "memory = 1G\n", "vm/web.ini:2: there is no key 'memory'" },
		{ MACHINE "\nMEM = 1G\n", "vm/web.ini:3: there is no key 'MEM'" },
		{ MACHINE "help = yes\n", "vm/web.ini:2: there is no key 'help'" },
		{ MACHINE "config = other.ini\n", "vm/web.ini:2: there is no key 'config'" },
		{ MACHINE "= 1G\n", "vm/web.ini:2: there is no key ''" },
		{ "mem = 1G\n", "vm/web.ini:1: mem: it has to be behind [machine]" },
		{ MACHINE "mem = 1G\n[disk]\ncpus = 2\n",
		  "vm/web.ini:4: there is no section [disk], only [machine]" },
		{ MACHINE "mem = lots\n",
		  "vm/web.ini:2: mem: not a size: 'lots' (examples: 256M, 4G)" },
		{ MACHINE "mem = 5000\n",
		  "vm/web.ini:2: mem: 5000 is not between 1M and 1T" },
		{ MACHINE "mem =\n", "vm/web.ini:2: mem: not a size: '' (examples: 256M, 4G)" },
		{ MACHINE "cpus = 65\n", "vm/web.ini:2: cpus: not a number from 1 to 64: '65'" },
		{ MACHINE "gdb = -1\n", "vm/web.ini:2: gdb: not a port from 0 to 65535: '-1'" },
		{ MACHINE "debug-exit = 0\n",
		  "vm/web.ini:2: debug-exit: not a port from 1 to 0xffff: '0'" },
		{ MACHINE "timeout = soon\n",
		  "vm/web.ini:2: timeout: not a number of seconds above 0: 'soon'" },
		{ MACHINE "name = a b\n",
		  "vm/web.ini:2: name: not 1 to 63 letters, digits, - and _, or only digits: 'a b'" },
		{ MACHINE "stats = 1\n", "vm/web.ini:2: stats: not yes or no: '1'" },
		{ MACHINE "kernel =\n", "vm/web.ini:2: kernel: not the name of a file: ''" },
		{ MACHINE "kernel = a\nmem = 1G\nkernel = b\n",
		  "vm/web.ini:4: kernel: line 2 has it already" },
		{ MACHINE "stats = no\nstats = yes\n", "vm/web.ini:3: stats: line 2 has it already" },
		{ MACHINE "mem 1G\n", "vm/web.ini:2: neither KEY = VALUE nor [machine]" },
		{ "[machine\n", "vm/web.ini:1: neither KEY = VALUE nor [machine]" },
		/* of two mistakes the first is told */
		{ MACHINE "mem\ncpus = 0\n", "vm/web.ini:2: neither KEY = VALUE nor [machine]" },
		{ MACHINE "cpus = 0\nmem\n", "vm/web.ini:2: cpus: not a number from 1 to 64: '0'" },
		/* no line goes on in the next */
		{ MACHINE "append = a\n  b\n", "vm/web.ini:3: neither KEY = VALUE nor [machine]" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(mistakes); i++) {
		EXPECT_EQ(parse(self, mistakes[i].text), -1) TH_LOG("%s", mistakes[i].text);
		EXPECT_STREQ(self->message.text, mistakes[i].message);
	}
	EXPECT_EQ(parse_bytes(self, MACHINE "append = a\0b\n", sizeof(MACHINE) + 12), -1);
	EXPECT_STREQ(self->message.text, "vm/web.ini:2: there is a NUL in it");
}

TEST_F(config, the_longest_line)
{
	static char text[CONFIG_LINE_MAX + sizeof(MACHINE) + 32];
	char *line = text + strlen(MACHINE);

	strcpy(text, MACHINE);
	memset(line, 'x', CONFIG_LINE_MAX);
	memcpy(line, "append = ", 9);
	ASSERT_EQ(parse(self, text), 0);
	EXPECT_EQ(strlen(self->options.append), CONFIG_LINE_MAX - 9);
	strcpy(line + CONFIG_LINE_MAX, "\ncpus = 2\n");
	ASSERT_EQ(parse(self, text), 0);
	EXPECT_EQ(strlen(self->options.append), CONFIG_LINE_MAX - 9);
	EXPECT_EQ(self->options.cpus, 2);
	strcpy(line + CONFIG_LINE_MAX, "y\n");
	EXPECT_EQ(parse(self, text), -1);
	EXPECT_STREQ(self->message.text, "vm/web.ini:2: the line has 4097 bytes, more than 4096");
}

TEST_F(config, the_command_line_alone)
{
	const struct run_options *o = &self->options;

	ASSERT_EQ(given("-vc", "3", "-m64M", "--stats", "--initrd=i", "image"), STATUS_OK);
	EXPECT_STREQ(o->image, "image");
	EXPECT_STREQ(o->initrd, "i");
	EXPECT_EQ(o->cpus, 3);
	EXPECT_EQ(o->memory, 64 * MIB);
	EXPECT_TRUE(o->verbose);
	EXPECT_TRUE(o->stats);
	/* of two the last counts, as everywhere */
	ASSERT_EQ(given("-m", "64M", "--mem", "32M", "-k", "image"), STATUS_OK);
	EXPECT_EQ(o->memory, 32 * MIB);
	EXPECT_STREQ(o->image, "image");
	/* help before all that could be wrong */
	ASSERT_EQ(given("--mem", "lots", "a", "b", "--help"), STATUS_OK);
	EXPECT_TRUE(o->help);
}

TEST_F(config, mistakes_on_the_command_line)
{
	EXPECT_EQ(given("--mem", "lots", "image"), STATUS_USAGE);
	EXPECT_STREQ(self->message.text, "--mem: not a size: 'lots' (examples: 256M, 4G)");
	EXPECT_EQ(given("a", "b"), STATUS_USAGE);
	EXPECT_STREQ(self->message.text, "one IMAGE is enough, but there is also 'b'");
	EXPECT_EQ(given("--kernel", "a", "b"), STATUS_USAGE);
	EXPECT_STREQ(self->message.text, "both --kernel and IMAGE were given");
	EXPECT_EQ(given("--kernel", "", "--stats"), STATUS_USAGE);
	EXPECT_STREQ(self->message.text, "--kernel: not the name of a file: ''");
	EXPECT_EQ(given("--stats"), STATUS_USAGE);
	EXPECT_STREQ(self->message.text, "no IMAGE was given");
	EXPECT_EQ(given("--gdb", "0", "--cpus", "2", "image"), STATUS_USAGE);
	EXPECT_STREQ(self->message.text, "--gdb: only with one CPU");
	/* getopt says it */
	EXPECT_EQ(given("--nothing"), STATUS_USAGE);
	EXPECT_STREQ(self->message.text, "");
}

TEST_F(config, a_folder_is_a_machine)
{
	const struct run_options *o = &self->options;
	char kernel[64], folder[64], file[128];

	write_file(self, MACHINE "kernel = bin/k\nmem = 32M\nappend = quiet\nstats = yes\n");
	snprintf(kernel, sizeof(kernel), "%s/bin/k", self->folder);
	ASSERT_EQ(given(self->folder), STATUS_OK);
	EXPECT_STREQ(o->image, kernel);
	EXPECT_EQ(o->memory, 32 * MIB);
	EXPECT_TRUE(o->stats);
	snprintf(folder, sizeof(folder), "%s/", self->folder);
	ASSERT_EQ(given(folder), STATUS_OK);
	EXPECT_STREQ(o->image, kernel);
	ASSERT_EQ(given("--config", self->file), STATUS_OK);
	EXPECT_STREQ(o->image, kernel);

	/* the command line wins, wherever it says it */
	ASSERT_EQ(given(self->folder, "--mem", "64M", "--append", ""), STATUS_OK);
	EXPECT_EQ(o->memory, 64 * MIB);
	EXPECT_STREQ(o->append, "");
	EXPECT_STREQ(o->image, kernel);
	ASSERT_EQ(given("--kernel", "other", self->folder), STATUS_OK);
	EXPECT_STREQ(o->image, "other");
	ASSERT_EQ(given("other", "--config", self->file), STATUS_OK);
	EXPECT_STREQ(o->image, "other");
	EXPECT_EQ(o->memory, 32 * MIB);

	/* in the folder itself */
	ASSERT_EQ(chdir(self->folder), 0);
	ASSERT_EQ(given("--config", "minivmx.ini"), STATUS_OK);
	EXPECT_STREQ(o->image, "bin/k");
	ASSERT_EQ(given("."), STATUS_OK);
	EXPECT_STREQ(o->image, "./bin/k");
	ASSERT_EQ(chdir("/"), 0);

	write_file(self, MACHINE "kernel = k\ncpus = 0\n");
	snprintf(file, sizeof(file), "%s:3: cpus: not a number", self->file);
	EXPECT_EQ(given("--cpus", "1", self->folder), STATUS_USAGE);
	EXPECT_EQ(strncmp(self->message.text, file, strlen(file)), 0);
}

TEST_F(config, no_such_machine)
{
	char text[128];

	snprintf(text, sizeof(text), "%s: a folder without minivmx.ini", self->folder);
	EXPECT_EQ(given(self->folder), STATUS_HOST);
	EXPECT_STREQ(self->message.text, text);
	snprintf(text, sizeof(text), "%s: cannot open: No such file or directory", self->file);
	EXPECT_EQ(given("--config", self->file), STATUS_HOST);
	EXPECT_STREQ(self->message.text, text);
	snprintf(text, sizeof(text), "%s: is a directory", self->folder);
	EXPECT_EQ(given("--config", self->folder), STATUS_HOST);
	EXPECT_STREQ(self->message.text, text);

	write_file(self, MACHINE "mem = 32M\n");
	EXPECT_EQ(given("--config", self->file, self->folder), STATUS_USAGE);
	EXPECT_STREQ(self->message.text, "both --config and a folder were given");
	snprintf(text, sizeof(text), "no IMAGE was given, and %s has no kernel", self->file);
	EXPECT_EQ(given(self->folder), STATUS_USAGE);
	EXPECT_STREQ(self->message.text, text);
}

/* All of it is a row, and each row is in --help. */
TEST(help)
{
	char *text = NULL, *found, line[160];
	size_t size, i;
	FILE *file = open_memstream(&text, &size);

	run_options_print(file);
	fclose(file);
	for (i = 0; i < run_option_count; i++) {
		const struct run_option *row = &run_option_table[i];

		const size_t len = (size_t)snprintf(line, sizeof(line), " --%s%s%s", row->name,
						    row->argument ? " " : "",
						    row->argument ? row->argument : "");

		/* What it does is behind that, or below it. */
		found = strstr(text, line);
		ASSERT_NE(found, NULL) TH_LOG("%s", line);
		EXPECT_TRUE(found[len] == ' ' || found[len] == '\n');
		EXPECT_EQ(run_option_find(row->name), row);
	}
	EXPECT_EQ(run_option_find("nothing"), NULL);
	free(text);
}

TEST_HARNESS_MAIN
