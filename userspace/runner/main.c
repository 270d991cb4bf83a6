// SPDX-License-Identifier: GPL-2.0
/* minivmx: the command. */
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "array.h"
#include "commands.h"
#include "exit_status.h"
#include "minivmx.h"

#define PROGRAM_VERSION	"0.1"

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
} commands[] = {
	{ "run", cmd_run, "run a guest" },
	{ "list", cmd_list, "list the guests that run" },
	{ "console", cmd_console, "attach this terminal to the console of a guest" },
	{ "stop", cmd_stop, "press the power button of a guest, and wait until it is off" },
	{ "kill", cmd_kill, "end a guest at once" },
	{ "pause", cmd_pause, "keep the CPUs of a guest from running" },
	{ "resume", cmd_resume, "let them go on" },
	{ "balloon", cmd_balloon, "have a guest give memory back to the host" },
	{ "check", cmd_check, "can guests run here, and if not, what is to be done?" },
	{ "info", cmd_info, "show what this host and the module offer" },
	{ "caps", cmd_caps, "show what VMX can do on this CPU, and what minivmx uses" },
	{ "vmcs", cmd_vmcs, "look at, change and compare VMCSs" },
	{ "trace", cmd_trace, "show the exits of a guest while it runs" },
	{ "top", cmd_top, "show the exits of all guests of this host, live" },
	{ "explain", cmd_explain, "say why VM entry refuses a VMCS" },
	{ "compare", cmd_compare, "measure it against KVM" },
	{ "equal", cmd_equal, "do guests find the same CPU on minivmx and on KVM?" },
	{ "ept", cmd_ept, "show the extended page tables of a guest that runs" },
};

static void print_usage(FILE *file)
{
	size_t i;

	fprintf(file, "usage: minivmx COMMAND [OPTION]...\n\n"
		"Runs guests on the minivmx hypervisor (Intel VT-x).\n\n"
		"Commands:\n");
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(file, "  %-8s %s\n", commands[i].name,
			commands[i].summary);
	fprintf(file, "\nOptions:\n"
		"  -h, --help     this help; minivmx COMMAND --help says more\n"
		"  -V, --version  the program's version and the interface's\n");
}

int usage_error(const char *command)
{
	fprintf(stderr, "minivmx: see minivmx %s%s--help\n", command,
		command[0] ? " " : "");
	return STATUS_USAGE;
}

int json_option(int argc, char **argv, const char *command, void (*print_help)(void),
		bool *json)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	int c;

	*json = false;
	while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
		switch (c) {
		case 'j':
			*json = true;
			break;
		case 'h':
			print_help();
			return STATUS_OK;
		default:
			return usage_error(command);
		}
	}
	return -1;
}

static int print_version(void)
{
	printf("minivmx %s (interface version %d)\n", PROGRAM_VERSION,
	       MINIVMX_API_VERSION);
	return STATUS_OK;
}

/* Run a command; getopt() puts argv[0] before its messages. */
static int run_command(const struct command *command, int argc, char **argv)
{
	char title[32];

	snprintf(title, sizeof(title), "minivmx %s", command->name);
	argv[0] = title;
	return command->run(argc, argv);
}

static int dispatch(int argc, char **argv)
{
	const char *word = argv[1];
	size_t i;

	if (argc < 2) {
		print_usage(stderr);
		return STATUS_USAGE;
	}
	if (!strcmp(word, "--help") || !strcmp(word, "-h") ||
	    !strcmp(word, "help")) {
		print_usage(stdout);
		return STATUS_OK;
	}
	if (!strcmp(word, "--version") || !strcmp(word, "-V"))
		return print_version();
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(word, commands[i].name))
			return run_command(&commands[i], argc - 1, argv + 1);
	fprintf(stderr, "minivmx: no such %s: %s\n",
		word[0] == '-' ? "option" : "command", word);
	return usage_error("");
}

/* Else a VM's descriptor would get the number of one that the caller closed. */
static void open_standard_streams(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	int status;

	open_standard_streams();
	/* A closed stdout is reported, not died of. */
	signal(SIGPIPE, SIG_IGN);
	status = dispatch(argc, argv);
	if (fflush(stdout) && status == STATUS_OK) {
		fprintf(stderr, "minivmx: cannot write to stdout: %m\n");
		return STATUS_HOST;
	}
	return status;
}
