/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The socket for gdb, and when its client is served: by the vCPU's thread, whenever
 * the guest stands still. While the guest runs, the I/O thread watches the socket.
 *
 * All is called with the machine's lock held, except where it is said.
 */
#ifndef DEBUGGER_H
#define DEBUGGER_H

#include <stdbool.h>

#include "session.h"

/*
 * Listen on 127.0.0.1 and say so; the guest will wait. 0, or -1 after a message.
 * Without the lock, before there are threads.
 */
int debugger_start(struct session *s);

/* Tell the client how it ended. Without the lock, when nothing runs any more. */
void debugger_stop(struct session *s, int status);

/* The session needs the vCPU's thread. From any thread. */
void debugger_wake(struct debugger *d);

/* A client is connected, or waited for. */
bool debugger_has_guest(const struct debugger *d);

/* From the I/O thread: there is something to read. */
void debugger_call(struct session *s);

/*
 * Before RUN: serve the client as long as the guest stands still. True if the RUN is
 * the debugger's: then its request is set, and no interrupt may be injected.
 */
bool debugger_before_run(struct session *s);

/* After RUN; true if that is all that the exit needs. */
bool debugger_after_run(struct session *s);

#endif /* DEBUGGER_H */
