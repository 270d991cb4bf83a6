// SPDX-License-Identifier: GPL-2.0
/* minivmx trace: the exits of a guest while it runs. */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "array.h"
#include "commands.h"
#include "exit_status.h"
#include "json_file.h"
#include "signals.h"
#include "target.h"
#include "trace.h"

#define IDLE_MS		20	/* between two looks at rings that were empty */
#define LOOKS_A_CHECK	50	/* of those between two checks that the rings are still on */

struct trace_options {
	const char *which;
	long long id;
	uint32_t records;
	const char *chrome;
};

static int complain(const struct message *message)
{
	fprintf(stderr, "minivmx: %s\n", message->text);
	return STATUS_HOST;
}

/* ---- Tracing ---- */

/* Ctrl-C and its like end the trace, not the process. */
/* Somebody asked for the end, or the runner has ended. */
static bool is_over(struct pollfd fds[2], int timeout)
{
	return poll(fds, 2, timeout) > 0;
}

static bool are_on(const struct trace *trace)
{
	size_t i;

	for (i = 0; i < trace->nr; i++)
		if (!trace_ring_is_on(&trace->rings[i]))
			return false;
	return true;
}

/* 0; or -1 if nobody reads what it prints, which was said. */
static int follow(struct trace *trace, int signals, int pidfd)
{
	struct pollfd fds[2] = {
		{ .fd = signals, .events = POLLIN }, { .fd = pidfd, .events = POLLIN },
	};
	unsigned int idle = 0;
	size_t i;

	while (trace->left) {
		const uint64_t nr = trace_drain(trace);

		if (fflush(stdout) || ferror(stdout)) {
			fprintf(stderr, "minivmx: cannot write to stdout: %m\n");
			break;
		}
		idle = nr ? 0 : idle + 1;
		if (is_over(fds, nr ? 0 : IDLE_MS))
			break;
		if (idle && idle % LOOKS_A_CHECK == 0 && !are_on(trace)) {
			fprintf(stderr, "minivmx: somebody else has turned the ring off\n");
			break;
		}
	}
	for (i = 0; i < trace->nr; i++)
		trace_ring_stop(&trace->rings[i]);
	while (trace_drain(trace) == TRACE_BATCH)
		;
	return ferror(stdout) ? -1 : 0;
}

static int open_chrome(struct trace *trace, const char *path, pid_t pid, struct message *message)
{
	struct minivmx_info info;
	struct minivmx_error error;
	int ret, device = minivmx_open(&error);

	if (device < 0)
		return fail(message, "%s%s%s", error.text, error.hint[0] ? ": " : "", error.hint);
	ret = minivmx_get_info(device, &info);
	close(device);
	if (ret)
		return fail(message, "MINIVMX_GET_INFO: %s", strerror(-ret));
	return trace_chrome_open(&trace->chrome, path, pid, info.tsc_khz, message);
}

static int open_rings(struct trace *trace, const struct target *target, uint32_t records,
		      struct message *message)
{
	size_t i;

	for (i = 0; i < target->nr; i++) {
		if (trace_ring_open(&trace->rings[i], target->vcpus[i], target->ids[i], records,
				    message))
			return -1;
		trace->nr++;
		trace_chrome_vcpu(&trace->chrome, target->ids[i]);
	}
	return 0;
}

static int trace_target(struct trace *trace, const struct trace_options *options,
			const struct target *target)
{
	struct message message;
	int signals, status = STATUS_OK;

	if (options->chrome && open_chrome(trace, options->chrome, target->pid, &message))
		return complain(&message);
	/* Before there is anything to turn off. */
	signals_block(false);
	signals = signals_open(false);
	if (open_rings(trace, target, options->records, &message))
		status = complain(&message);
	else if (!follow(trace, signals, target->pidfd))
		trace_summary(trace);
	else
		status = STATUS_HOST;
	while (trace->nr)
		trace_ring_close(&trace->rings[--trace->nr]);
	close(signals);
	if (trace_chrome_close(&trace->chrome, &message))
		status = complain(&message);
	return status;
}

static int trace_runner(struct trace *trace, const struct trace_options *options)
{
	struct target target;
	struct message message;
	int status;

	if (target_open(options->which, options->id, &target, &message))
		return complain(&message);
	status = trace_target(trace, options, &target);
	target_close(&target);
	return status;
}

/* ---- The command line ---- */

static void print_help(void)
{
	printf("usage: minivmx trace [OPTION]... [RUNNER]\n\n"
	       "Prints the exits of a guest while it runs: the vCPU, ticks since the first, the\n"
	       "basic exit reason, RIP, who handled it, ticks from the exit to the entry that\n"
	       "followed, and where the reason has them the exit qualification and the\n"
	       "guest-physical address. It was handled\n\n"
	       "  at once   by the module with interrupts off\n"
	       "  sleeping  by the module where it may sleep\n"
	       "  user      by the program: MINIVMX_RUN returned\n\n"
	       "At the end, by Ctrl-C, by --count or because the guest ends, there is a table by\n"
	       "reason. Records come from a ring in memory, which is turned on meanwhile unless\n"
	       "it is on already. A guest that is faster than this is not held up: records that\n"
	       "were overtaken are lost, and counted. The last one may have no entry yet: -.\n\n"
	       "RUNNER is the name or the PID of a guest that minivmx list shows, by default the\n"
	       "only one.\n\n"
	       "Options:\n"
	       "      --vcpu N         this vCPU alone (all)\n"
	       "      --reason LIST    these exit reasons alone, by name or number: CPUID,30\n"
	       "      --count N        end after N records\n"
	       "      --quiet          the table alone\n"
	       "      --records N      room in the ring, a power of two from %d to %d (%d)\n"
	       "      --chrome FILE    write a trace for ui.perfetto.dev or chrome://tracing, too\n"
	       "  -h, --help           this help\n\n"
	       "In the file of --chrome each vCPU is a track, each exit an event until the next\n"
	       "entry, and what is in between is the guest. Times are in microseconds, from the\n"
	       "frequency of the time-stamp counter. On an emulated CPU ticks count instructions:\n"
	       "times are no times there.\n\n"
	       "Exit status: %d; %d the command line is wrong; %d no such guest, or a file that\n"
	       "cannot be written.\n\n"
	       "Examples:\n"
	       "  minivmx trace web\n"
	       "  minivmx trace --reason EPT_VIOLATION,IO_INSTRUCTION --count 100\n"
	       "  minivmx trace --quiet --chrome web.json web\n",
	       MINIVMX_MIN_RECORDS, MINIVMX_MAX_RECORDS, TRACE_RECORDS, STATUS_OK, STATUS_USAGE,
	       STATUS_HOST);
}

static int parse_count(const char *text, uint64_t *count, struct message *message)
{
	if (parse_number(text, count) || !*count || *count == UINT64_MAX)
		return fail(message, "--count: not a number from 1 on: '%s'", text);
	return 0;
}

static int parse_records(const char *text, uint32_t *records, struct message *message)
{
	uint64_t n;

	if (parse_number(text, &n) || n < MINIVMX_MIN_RECORDS || n > MINIVMX_MAX_RECORDS ||
	    (n & (n - 1)))
		return fail(message, "--records: not a power of two from %d to %d: '%s'",
			    MINIVMX_MIN_RECORDS, MINIVMX_MAX_RECORDS, text);
	*records = (uint32_t)n;
	return 0;
}

static int set_option(int c, struct trace *trace, struct trace_options *options,
		      struct message *message)
{
	switch (c) {
	case 'v':
		return target_parse_vcpu(optarg, &options->id, message);
	case 'r':
		return trace_parse_reasons(optarg, trace, message);
	case 'c':
		return parse_count(optarg, &trace->left, message);
	case 'q':
		trace->quiet = true;
		return 0;
	case 'n':
		return parse_records(optarg, &options->records, message);
	case 'f':
		options->chrome = optarg;
		return 0;
	default:
		/* getopt has said what is wrong. */
		message->text[0] = '\0';
		return -1;
	}
}

int cmd_trace(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "vcpu", required_argument, NULL, 'v' },
		{ "reason", required_argument, NULL, 'r' },
		{ "count", required_argument, NULL, 'c' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "records", required_argument, NULL, 'n' },
		{ "chrome", required_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	static struct trace trace = { .any_reason = true, .left = UINT64_MAX };
	struct trace_options options = { .id = TARGET_ALL };
	struct message message;
	int c, ret = 0;

	while (!ret && (c = getopt_long(argc, argv, "h", long_options, NULL)) >= 0) {
		if (c == 'h') {
			print_help();
			return STATUS_OK;
		}
		ret = set_option(c, &trace, &options, &message);
	}
	if (!ret && optind < argc)
		options.which = argv[optind++];
	if (!ret && optind < argc)
		ret = fail(&message, "trace takes one RUNNER");
	if (ret) {
		if (message.text[0])
			fprintf(stderr, "minivmx: %s\n", message.text);
		return usage_error("trace");
	}
	return trace_runner(&trace, &options);
}
