/* SPDX-License-Identifier: GPL-2.0 */
/* The subcommands: each gets its own arguments and returns the exit status. */
#ifndef COMMANDS_H
#define COMMANDS_H

int cmd_run(int argc, char **argv);
int cmd_info(int argc, char **argv);
int cmd_explain(int argc, char **argv);

/* Point to --help after a mistake on the command line; returns STATUS_USAGE. */
int usage_error(const char *command);

#endif /* COMMANDS_H */
