/* SPDX-License-Identifier: GPL-2.0 */
/*
 * minivmx run --detach: the run is a child in a session of its own, whose messages go to
 * a file as soon as the guest runs. Until then they are the caller's, who waits.
 */
#ifndef DETACH_H
#define DETACH_H

#include <stdbool.h>

#include "message.h"

struct run_options;
struct session;

/*
 * In the child: false. In the parent: true, when the guest runs or the child has ended,
 * and @status is what to end with.
 */
bool detach(const struct run_options *options, int *status);

/*
 * In the child, when the control socket is there: open the file for messages. 0, or -1
 * with a message. Nothing, if the run is not detached.
 */
int detach_open_log(struct session *s, struct message *message);

/* In the child: the guest runs. -1: nobody waits for that any more. */
int detach_ready(struct session *s);

/* In the child: it has ended. Nothing, if the run is not detached, or did not start. */
void detach_end(const struct session *s, int status);

#endif /* DETACH_H */
