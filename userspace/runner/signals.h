/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Signals that a command takes by a descriptor: those that end it and, for one that has a
 * terminal, those of job control.
 */
#ifndef SIGNALS_H
#define SIGNALS_H

#include <stdbool.h>

/* In this thread, and those that it starts, they come by a descriptor alone. */
void signals_block(bool job_control);
/* That descriptor, as signalfd() gives it, which does not block; or -1 with errno set. */
int signals_open(bool job_control);

/* Die of that signal, so that the shell sees what happened. */
void die_of_signal(int number);

#endif /* SIGNALS_H */
