// SPDX-License-Identifier: GPL-2.0
/* minivmx equal: see equal/equal.h. */
#include <getopt.h>
#include <stdio.h>
#include <sys/random.h>

#include "commands.h"
#include "equal.h"
#include "exit_status.h"
#include "json_file.h"
#include "outcome.h"

#define PROGRAMS_MAX	1000000

static void print_help(void)
{
	printf("usage: minivmx equal [OPTION]...\n\n"
	       "Do guests find the same CPU on minivmx as on KVM? Runs programs made by chance on\n"
	       "both, and on minivmx while KVM has VMX: arithmetic, faults, segments, control\n"
	       "registers, MSRs, CPUID, ports and emulated memory, in real, protected, paged, PAE,\n"
	       "64-bit and compatibility mode and on the ways between them. Behind each step all\n"
	       "registers are compared, at the end MSRs and memory, too. What differs is printed,\n"
	       "with how to see it again; then what is known to differ, and why.\n\n"
	       "Options:\n"
	       "      --seed S     of the programs: the same for the same seed (one by chance)\n"
	       "      --first N    begin with program N of that seed (0)\n"
	       "      --programs N how many (%d)\n"
	       "      --own[=FILE] unload kvm_intel for minivmx's turn, so that VMX is its own, and\n"
	       "                   load it again, by modprobe or from FILE\n"
	       "  -h, --help       this help\n\n"
	       "Not compared:\n", EQUAL_PROGRAMS);
	equal_list_ignored(stdout);
	printf("\nExit status: %d nothing differs but what is known to, %d a mistake on the command\n"
	       "line, %d there is nothing to compare, or it did not come to an end, %d something\n"
	       "differs.\n\n"
	       "Examples:\n"
	       "  minivmx equal\n"
	       "  minivmx equal --own --programs 1000\n"
	       "  minivmx equal --seed 1 --first 17 --programs 1\n",
	       STATUS_OK, STATUS_USAGE, STATUS_HOST, STATUS_VM);
}

static int take_number(const char *name, const char *text, uint64_t least, uint64_t most,
		       uint64_t *number)
{
	if (!parse_number(text, number) && *number >= least && *number <= most)
		return STATUS_OK;
	fprintf(stderr, "minivmx: --%s: not a number from %llu to %llu: '%s'\n", name,
		(unsigned long long)least, (unsigned long long)most, text);
	return usage_error("equal");
}

static int take_options(int argc, char **argv, struct equal_setup *setup)
{
	static const struct option longs[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "first", required_argument, NULL, 'f' },
		{ "programs", required_argument, NULL, 'p' },
		{ "own", optional_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	int c, status = STATUS_OK;

	while (!status && (c = getopt_long(argc, argv, "h", longs, NULL)) >= 0) {
		switch (c) {
		case 's':
			status = take_number("seed", optarg, 0, UINT32_MAX, &setup->seed);
			break;
		case 'f':
			status = take_number("first", optarg, 0, UINT32_MAX, &setup->first);
			break;
		case 'p':
			status = take_number("programs", optarg, 1, PROGRAMS_MAX, &setup->programs);
			break;
		case 'o':
			setup->sides.owns = true;
			setup->sides.kvm_module = optarg;
			break;
		case 'h':
			print_help();
			return -1;
		default:
			return usage_error("equal");
		}
	}
	if (!status && optind < argc) {
		fprintf(stderr, "minivmx: equal takes no arguments: '%s'\n", argv[optind]);
		return usage_error("equal");
	}
	return status;
}

int cmd_equal(int argc, char **argv)
{
	struct equal_setup setup = { .programs = EQUAL_PROGRAMS };
	struct message message;
	uint32_t seed = 0;
	int ret;

	if (getrandom(&seed, sizeof(seed), 0) == sizeof(seed))
		setup.seed = seed;
	ret = take_options(argc, argv, &setup);
	if (ret)
		return ret < 0 ? STATUS_OK : ret;
	ret = equal_check(&setup, &message);
	if (ret < 0) {
		fprintf(stderr, "minivmx: %s\n", message.text);
		return STATUS_HOST;
	}
	return ret ? STATUS_VM : STATUS_OK;
}
