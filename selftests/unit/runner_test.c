// SPDX-License-Identifier: GPL-2.0
/* SOURCES: selftests/unit/fake_minivmx.c RUNNER */
/*
 * A whole run of the runner, with its threads, its devices and a CPU that is
 * made up: how it starts, waits, is interrupted, and ends.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "../../userspace/runner/exit_status.h"
#include "../../userspace/runner/terminal.h"
#include "runner_fixture.h"

#define END_OF_INTERRUPT OUT(0x20, 0x20)
/* The interrupt controller: vectors from 0x20 on, only the timer let through. */
#define PROGRAM_PIC	OUT(0x20, 0x11), OUT(0x21, 0x20), OUT(0x21, 0x04), \
			OUT(0x21, 0x01), OUT(0x21, 0xfe)
/* The timer: about a thousand times a second. */
#define PROGRAM_PIT	OUT(0x43, 0x34), OUT(0x40, 0xa9), OUT(0x40, 0x04)

/* ---- Ends ---- */

TEST_F(runner, debug_exit)
{
	static const struct fake_step program[] = {
		{ .op = FAKE_OUTS, .port = COM1, .text = "hello\n" },
		END(5),
	};

	EXPECT_EQ(run(self, program), 11);
	EXPECT_STREQ(self->out, "hello\n");
	EXPECT_STREQ(self->err, "");
}

TEST_F(runner, debug_exit_wraps)
{
	/* a word, of which the low byte counts */
	static const struct fake_step program[] = {
		{ .op = FAKE_OUT, .port = DEBUG_EXIT, .value = 0x12ff, .size = 2 },
	};

	EXPECT_EQ(run(self, program), 255);
}

TEST_F(runner, halt)
{
	static const struct fake_step program[] = { { .op = FAKE_HLT } };

	EXPECT_EQ(run(self, program), STATUS_OK);
	EXPECT_TRUE(says(self, "guest halted"));
}

TEST_F(runner, power_off_and_reset)
{
	static const struct fake_step power_off[] = {
		{ .op = FAKE_OUT, .port = 0x604, .value = 0x2000, .size = 2 },
	};
	static const struct fake_step reset[] = { OUT(0x64, 0xfe) };

	EXPECT_EQ(run(self, power_off), STATUS_OK);
	EXPECT_STREQ(self->err, "");
	EXPECT_EQ(run(self, reset), STATUS_OK);
	EXPECT_TRUE(says(self, "reset"));
}

/* The field to blame comes first, whatever else could be said of the VMCS. */
TEST_F(runner, entry_failures)
{
	static struct minivmx_vmcs_field fields[] = {
		{ .encoding = 0x4000, .value = 0x1e },	/* PIN_BASED_CONTROLS */
		{ .encoding = 0x6820, .value = 2 },	/* GUEST_RFLAGS */
	};
	static struct fake_step program[] = {
		{ .op = FAKE_EXIT, .port = 33, .value = MINIVMX_EXIT_ENTRY_FAIL },
	};
	const char *rflags, *controls;

	fake_vmcs = fields;
	fake_vmcs_nr = 2;
	fake_caps = (struct minivmx_caps) {
		.vmx_msrs = { [1] = 0x0000007f00000016 }, .physical_bits = 40, .linear_bits = 48,
	};
	EXPECT_EQ(run(self, program), STATUS_VM);
	EXPECT_TRUE(says(self, "minivmx: VM entry failed: the CPU refused the guest's state\n"));
	EXPECT_TRUE(says(self, "None of the rules that minivmx explain knows is broken.\n"));

	fields[0].value = 0;
	fields[1].value = 0;
	EXPECT_EQ(run(self, program), STATUS_VM);
	EXPECT_TRUE(says(self, "VM entry fails: "));
	EXPECT_TRUE(says(self, "  rule        RFLAGS_RESERVED\n"));
	rflags = strstr(self->err, "GUEST_RFLAGS (0x6820) is 0\n");
	controls = strstr(self->err, "PIN_BASED_CONTROLS (0x4000) is 0\n");
	ASSERT_NE(rflags, NULL);
	ASSERT_NE(controls, NULL);
	EXPECT_LT(rflags, controls);
	EXPECT_LT(controls, strstr(self->err, "exit reason 33"));

	/* of a failure that no rule explains none is said to be broken */
	program[0].port = 41;
	EXPECT_EQ(run(self, program), STATUS_VM);
	EXPECT_EQ(strstr(self->err, "GUEST_RFLAGS"), NULL);

	program[0].port = 33;
	fake_vmcs_error = EIO;
	EXPECT_EQ(run(self, program), STATUS_VM);
	EXPECT_TRUE(says(self, "the VMCS cannot be read: Input/output error"));
}

TEST_F(runner, failures)
{
	static const struct fake_step triple_fault[] = {
		{ .op = FAKE_EXIT, .port = 2, .value = MINIVMX_EXIT_SHUTDOWN },
	};
	static const struct fake_step entry_fail[] = {
		{ .op = FAKE_EXIT, .port = 33, .value = MINIVMX_EXIT_ENTRY_FAIL },
	};
	static const struct fake_step unknown_reason[] = {
		{ .op = FAKE_EXIT, .port = 14, .value = MINIVMX_EXIT_VMX },
	};
	static const struct fake_step unknown_kind[] = {
		{ .op = FAKE_EXIT, .value = 200 },
	};
	static const struct fake_step dead[] = {
		{ .op = FAKE_EXIT, .port = 0, .value = MINIVMX_EXIT_DEAD },
	};
	static const struct fake_step error[] = { { .op = FAKE_ERROR, .port = 0, .value = EIO } };

	EXPECT_EQ(run(self, triple_fault), STATUS_GUEST);
	EXPECT_TRUE(says(self, "triple fault"));
	EXPECT_TRUE(says(self, "TRIPLE_FAULT"));
	EXPECT_TRUE(says(self, "rip="));
	EXPECT_EQ(run(self, entry_fail), STATUS_VM);
	EXPECT_TRUE(says(self, "INVALID_STATE"));
	EXPECT_EQ(run(self, unknown_reason), STATUS_VM);
	EXPECT_TRUE(says(self, "INVLPG"));
	EXPECT_EQ(run(self, unknown_kind), STATUS_VM);
	EXPECT_TRUE(says(self, "kind 200"));
	EXPECT_EQ(run(self, dead), STATUS_VM);
	EXPECT_TRUE(says(self, "dmesg"));
	EXPECT_EQ(run(self, error), STATUS_VM);
	EXPECT_TRUE(says(self, "EIO"));
}

/* The runner gets signals by a descriptor: it has blocked them when it is ready for them. */
static void await_signals_blocked(pid_t pid)
{
	unsigned long blocked = 0;
	char path[64], line[256];
	FILE *status;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	while (!(blocked & 1UL << (SIGTERM - 1))) {
		usleep(1000);
		status = fopen(path, "r");
		if (!status)
			return;
		while (fgets(line, sizeof(line), status))
			sscanf(line, "SigBlk: %lx", &blocked);
		fclose(status);
	}
}

TEST_F(runner, signals_kill_it)
{
	static const struct fake_step spin[] = { { .op = FAKE_SPIN, .value = 1 } };
	static const struct fake_step idle[] = { { .op = FAKE_STI }, { .op = FAKE_HLT } };
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

	for (int i = 0; i < 4; i++) {
		start(self, i % 2 ? idle : spin);
		await_signals_blocked(self->child);
		usleep(i < 2 ? 0 : 100000);	/* at the beginning, and on its way */
		kill(self->child, numbers[i]);
		EXPECT_EQ(finish(self), -numbers[i]);
		EXPECT_TRUE(says(self, "ended by"));
	}
}

TEST_F(runner, timeout)
{
	static const struct fake_step spin[] = { { .op = FAKE_SPIN, .value = 1 } };
	static const struct fake_step idle[] = { { .op = FAKE_STI }, { .op = FAKE_HLT } };
	static const struct fake_step busy[] = {
		OUT(0x80, 1), { .op = FAKE_AGAIN },
	};

	self->options.timeout_ns = 100000000;
	EXPECT_EQ(run(self, spin), STATUS_TIMEOUT);
	EXPECT_TRUE(says(self, "timeout after 0.1 s"));
	EXPECT_EQ(run(self, idle), STATUS_TIMEOUT);
	EXPECT_EQ(run(self, busy), STATUS_TIMEOUT);
}

/* ---- Interrupts ---- */

TEST_F(runner, timer_wakes_hlt)
{
	static const struct fake_step program[] = {
		PROGRAM_PIC, PROGRAM_PIT,
		{ .op = FAKE_STI },
		{ .op = FAKE_HLT }, { .op = FAKE_VECTOR, .value = 0x20 }, END_OF_INTERRUPT,
		{ .op = FAKE_HLT }, { .op = FAKE_VECTOR, .value = 0x20 }, END_OF_INTERRUPT,
		{ .op = FAKE_HLT }, END_OF_INTERRUPT,
		END(0),
	};

	EXPECT_EQ(run(self, program), 1);
}

TEST_F(runner, timer_interrupts_a_loop)
{
	static const struct fake_step program[] = {
		PROGRAM_PIC, PROGRAM_PIT,
		{ .op = FAKE_STI },
		{ .op = FAKE_SPIN, .value = 1 }, END_OF_INTERRUPT,
		{ .op = FAKE_SPIN, .value = 1 }, END_OF_INTERRUPT,
		{ .op = FAKE_SPIN, .value = 1 }, { .op = FAKE_VECTOR, .value = 0x20 },
		END(0),
	};

	EXPECT_EQ(run(self, program), 1);
}

/* The fake ends the test if it gets a vector while IF is clear. */
TEST_F(runner, interrupt_waits_for_the_window)
{
	static const struct fake_step program[] = {
		PROGRAM_PIC, PROGRAM_PIT,
		{ .op = FAKE_STI }, { .op = FAKE_HLT }, END_OF_INTERRUPT, { .op = FAKE_CLI },
		{ .op = FAKE_DELAY, .value = 5 }, OUT(0x80, 1),
		{ .op = FAKE_DELAY, .value = 5 }, OUT(0x80, 1),
		{ .op = FAKE_STI }, { .op = FAKE_SPIN, .value = 1 },
		END(0),
	};

	EXPECT_EQ(run(self, program), 1);
}

/* ---- Input and output ---- */

static const struct fake_step echo_until_q[] = {
	{ .op = FAKE_ECHO, .value = 'q' }, END(0),
};

static char *long_text(size_t size)
{
	char *text = malloc(size + 1);

	for (size_t i = 0; i < size; i++)
		text[i] = (char)('A' + i % 26);
	text[size - 1] = 'q';
	text[size] = '\0';
	return text;
}

TEST_F(runner, input_from_a_pipe)
{
	char *text = long_text(20000);

	start(self, echo_until_q);
	/* more than the queue holds, and the end of input is not the end */
	ASSERT_EQ(write(self->input, text, 10000), 10000);
	usleep(50000);
	ASSERT_EQ(write(self->input, text + 10000, 10000), 10000);
	close(self->input);
	EXPECT_EQ(finish(self), 1);
	EXPECT_EQ(strcmp(self->out, text), 0);
	free(text);
}

TEST_F(runner, input_from_a_file)
{
	char *text = long_text(20000);
	int file = memfd_create("input", 0);

	ASSERT_EQ(write(file, text, 20000), 20000);
	lseek(file, 0, SEEK_SET);
	start_with(self, echo_until_q, file, -1);
	EXPECT_EQ(finish(self), 1);
	EXPECT_EQ(strcmp(self->out, text), 0);
	free(text);
}

TEST_F(runner, no_input)
{
	static const struct fake_step idle[] = { { .op = FAKE_STI }, { .op = FAKE_HLT } };
	int null = open("/dev/null", O_RDWR);

	self->options.timeout_ns = 200000000;
	start_with(self, idle, null, -1);
	EXPECT_EQ(finish(self), STATUS_TIMEOUT);

	start(self, idle);
	close(self->input);
	EXPECT_EQ(finish(self), STATUS_TIMEOUT);
}

TEST_F(runner, all_output_arrives)
{
	static struct fake_step program[1001];

	for (int i = 0; i < 1000; i++)
		program[i] = (struct fake_step) {
			.op = FAKE_OUTS, .port = COM1,
			.text = "forty characters, thirty-nine and a new\n",
		};
	program[1000] = (struct fake_step) END(0);
	start(self, program);
	/* slower than it writes */
	usleep(200000);
	EXPECT_EQ(finish(self), 1);
	EXPECT_EQ(strlen(self->out), 40000);
}

TEST_F(runner, output_to_nobody)
{
	static const struct fake_step flood[] = {
		{ .op = FAKE_OUTS, .port = COM1, .text = "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\n" },
		{ .op = FAKE_AGAIN },
	};
	int full = open("/dev/full", O_WRONLY);

	start_with(self, flood, -1, full);
	EXPECT_EQ(finish(self), STATUS_HOST);
	EXPECT_TRUE(says(self, "cannot write to stdout"));

	start(self, flood);
	close(self->output);
	EXPECT_EQ(finish(self), STATUS_HOST);

	/* nobody reads: it waits, but the timeout still works */
	self->options.timeout_ns = 100000000;
	start(self, flood);
	read_text(self->errors, self->err);
	waitpid(self->child, &self->status, 0);
	EXPECT_EQ(WEXITSTATUS(self->status), STATUS_TIMEOUT);
	self->child = 0;
}

/* ---- What is not there ---- */

TEST_F(runner, nothing_answers)
{
	static const struct fake_step program[] = {
		{ .op = FAKE_IN, .port = 0x1234, .value = 0xff, .size = 1 },
		{ .op = FAKE_IN, .port = 0x1234, .value = 0xffff, .size = 2 },
		{ .op = FAKE_IN, .port = 0x1234, .value = 0xffffffff, .size = 4 },
		{ .op = FAKE_IN, .port = 0xffff, .value = 0xffffffff, .size = 4 },
		{ .op = FAKE_OUT, .port = 0xffff, .value = 0, .size = 4 },
		{ .op = FAKE_MMIO_READ, .value = 0xffffffff },
		{ .op = FAKE_MMIO_WRITE },
		END(0),
	};

	self->options.stats = true;
	EXPECT_EQ(run(self, program), 1);
	EXPECT_TRUE(says(self, "read 1 and wrote 1 times"));
	EXPECT_TRUE(says(self, "first at 0xfee00000"));
	EXPECT_TRUE(says(self, "no device answered: 5"));
	EXPECT_TRUE(says(self, "IO_INSTRUCTION"));
}

TEST_F(runner, stats_as_json)
{
	static const struct fake_step program[] = { END(0) };

	self->options.stats_json = "-";
	EXPECT_EQ(run(self, program), 1);
	EXPECT_NE(strstr(self->out, "\"name\":\"IO_INSTRUCTION\""), NULL);
	EXPECT_STREQ(self->err, "");

	self->options.stats_json = "/nonexistent/file";
	EXPECT_EQ(run(self, program), 1);
	EXPECT_TRUE(says(self, "/nonexistent/file: cannot write"));
}

/* One that cannot be had ends the run with a line, whatever was made before it. */
TEST_F(runner, disks)
{
	static const struct fake_step program[] = { END(1) };
	char path[] = "/tmp/runner_test.XXXXXX";
	const int fd = mkstemp(path);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ftruncate(fd, 65536));
	self->options.disks[0].path = path;
	self->options.nr_disks = 1;
	EXPECT_EQ(run(self, program), 3);
	self->options.disks[1].path = "/nowhere/disk";
	self->options.nr_disks = 2;
	EXPECT_EQ(run(self, program), STATUS_HOST);
	EXPECT_TRUE(says(self, "minivmx: disk /nowhere/disk: No such file or directory"));
	/* Nor have two of them one file. */
	self->options.disks[1].path = path;
	EXPECT_EQ(run(self, program), STATUS_HOST);
	EXPECT_TRUE(says(self, "it is in use by another VM"));
	close(fd);
	unlink(path);
}

TEST_F(runner, debug_exit_port_taken)
{
	static const struct fake_step program[] = { { .op = FAKE_HLT } };

	self->options.debug_exit_port = COM1;
	EXPECT_EQ(run(self, program), STATUS_HOST);
	EXPECT_TRUE(says(self, "both want port 0x3f8"));
}

/* ---- A terminal ---- */

/* A child on a new terminal; returns our side of it. */
static int start_on_terminal(struct _test_data_runner *self,
			     const struct fake_step *program, int *slave)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY);
	int err[2];

	if (master < 0 || grantpt(master) || unlockpt(master) || pipe(err))
		abort();
	*slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	fflush(stdout);
	fflush(stderr);
	self->child = fork();
	if (!self->child) {
		setsid();
		/* opening it makes it the session's own */
		close(open(ptsname(master), O_RDWR));
		run_child(self, program, *slave, *slave, err[1]);
	}
	close(err[1]);
	self->errors = err[0];
	return master;
}

/* Wait until the terminal is raw, or is not. */
static bool becomes_raw(int slave, bool raw)
{
	struct termios settings;

	for (int i = 0; i < 200; i++) {
		tcgetattr(slave, &settings);
		if (!(settings.c_lflag & ICANON) == raw)
			return true;
		usleep(10000);
	}
	return false;
}

/* Read from the terminal until @words came. */
static bool shows(int master, char *text, const char *words)
{
	size_t len = strlen(text);

	while (!strstr(text, words)) {
		struct pollfd ready = { .fd = master, .events = POLLIN };
		ssize_t n;

		if (poll(&ready, 1, 5000) <= 0)
			return false;
		n = read(master, text + len, TEXT_SIZE - 1 - len);
		if (n <= 0)
			return false;
		len += (size_t)n;
		text[len] = '\0';
	}
	return true;
}

static void type(int master, const char *keys)
{
	if (write(master, keys, strlen(keys)) < 0)
		abort();
}

static int finish_on_terminal(struct _test_data_runner *self)
{
	read_text(self->errors, self->err);
	waitpid(self->child, &self->status, 0);
	self->child = 0;
	return WIFEXITED(self->status) ? WEXITSTATUS(self->status) :
					 -WTERMSIG(self->status);
}

TEST_F(runner, terminal)
{
	int slave, master = start_on_terminal(self, echo_until_q, &slave);

	ASSERT_TRUE(becomes_raw(slave, true));
	/* Ctrl-C is for the guest */
	type(master, "ab\003c");
	EXPECT_TRUE(shows(master, self->out, "ab\003c"));
	type(master, "\001h");
	EXPECT_TRUE(shows(master, self->out, "end the guest"));
	self->out[0] = '\0';
	/* Ctrl-A itself, in both ways; what is no command is dropped */
	type(master, "[\001a\001\001\001z]");
	EXPECT_TRUE(shows(master, self->out, "[\001\001]"));
	type(master, "\001x");
	EXPECT_EQ(finish_on_terminal(self), STATUS_OK);
	EXPECT_TRUE(says(self, "Ctrl-A x"));
	EXPECT_TRUE(becomes_raw(slave, false));
}

TEST_F(runner, terminal_of_a_hung_guest)
{
	static const struct fake_step spin[] = { { .op = FAKE_SPIN, .value = 1 } };
	int i, slave, master = start_on_terminal(self, spin, &slave);

	ASSERT_TRUE(becomes_raw(slave, true));
	/* more than the queue holds, and still Ctrl-A x gets through */
	for (i = 0; i < 50; i++) {
		type(master, "0123456789012345678901234567890123456789");
		usleep(1000);
	}
	type(master, "\001x");
	EXPECT_EQ(finish_on_terminal(self), STATUS_OK);
	EXPECT_TRUE(becomes_raw(slave, false));
}

TEST_F(runner, terminal_is_restored)
{
	static const struct fake_step spin[] = { { .op = FAKE_SPIN, .value = 1 } };
	static const struct fake_step dead[] = {
		{ .op = FAKE_IN, .port = 0x1234, .value = 0xff, .size = 1 },
		{ .op = FAKE_EXIT, .port = 0, .value = MINIVMX_EXIT_DEAD },
	};
	static const int numbers[] = { SIGTERM, SIGHUP, SIGSEGV, SIGABRT };
	int i, slave, master;

	for (i = 0; i < 4; i++) {
		master = start_on_terminal(self, spin, &slave);
		ASSERT_TRUE(becomes_raw(slave, true));
		kill(self->child, numbers[i]);
		EXPECT_EQ(finish_on_terminal(self), -numbers[i]);
		EXPECT_TRUE(becomes_raw(slave, false));
		close(slave);
		close(master);
	}
	start_on_terminal(self, dead, &slave);
	EXPECT_EQ(finish_on_terminal(self), STATUS_VM);
	EXPECT_TRUE(becomes_raw(slave, false));

	/* stopped and continued */
	start_on_terminal(self, spin, &slave);
	ASSERT_TRUE(becomes_raw(slave, true));
	kill(self->child, SIGTSTP);
	EXPECT_TRUE(becomes_raw(slave, false));
	kill(self->child, SIGCONT);
	EXPECT_TRUE(becomes_raw(slave, true));
	kill(self->child, SIGTERM);
	EXPECT_EQ(finish_on_terminal(self), -SIGTERM);
}

TEST(escape_across_reads)
{
	struct escape escape = { 0 };
	uint8_t bytes[4] = { 'a', 1 };
	size_t len = 2;

	EXPECT_EQ(escape_filter(&escape, bytes, &len), ESCAPE_NONE);
	EXPECT_EQ(len, 1);
	bytes[0] = 'x';
	len = 1;
	EXPECT_EQ(escape_filter(&escape, bytes, &len), ESCAPE_QUIT);
	EXPECT_EQ(len, 0);
	memcpy(bytes, "\001d", 2);
	len = 2;
	EXPECT_EQ(escape_filter(&escape, bytes, &len), ESCAPE_DETACH);
	EXPECT_EQ(len, 0);
}

TEST_HARNESS_MAIN
