/* SPDX-License-Identifier: GPL-2.0 */
/* The subcommands: each gets its own arguments and returns the exit status. */
#ifndef COMMANDS_H
#define COMMANDS_H

#include <stdbool.h>

int cmd_run(int argc, char **argv);
int cmd_list(int argc, char **argv);
int cmd_console(int argc, char **argv);
int cmd_stop(int argc, char **argv);
int cmd_kill(int argc, char **argv);
int cmd_pause(int argc, char **argv);
int cmd_resume(int argc, char **argv);
int cmd_info(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_ept(int argc, char **argv);
int cmd_vmcs(int argc, char **argv);
int cmd_trace(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_caps(int argc, char **argv);
int cmd_balloon(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_compare(int argc, char **argv);
int cmd_equal(int argc, char **argv);

/* Point to --help after a mistake on the command line; returns STATUS_USAGE. */
int usage_error(const char *command);
/*
 * The options of a command that has --json and --help alone. -1 to go on with the
 * arguments from optind on, or the exit status to end with.
 */
int json_option(int argc, char **argv, const char *command, void (*print_help)(void),
		bool *json);

/* /dev/minivmx, or -1 after saying why it cannot be opened and what to do. */
int open_device(void);

#endif /* COMMANDS_H */
