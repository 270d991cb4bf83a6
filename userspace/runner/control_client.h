/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Talking to a runner by its control socket, whose protocol is in control.h.
 *
 * Functions return a value that is not negative, or a negative errno and a message.
 */
#ifndef CONTROL_CLIENT_H
#define CONTROL_CLIENT_H

#include <json-c/json.h>
#include <stddef.h>
#include <sys/types.h>

#include "control.h"
#include "control_dir.h"
#include "message.h"

/**
 * struct control_runner - a runner that lives
 * @name: of its socket: the name that it was given, or its PID
 * @pid: its PID as the kernel knows it, 0 if it does not
 * @fd: a connection to it; -1 if too many others wait for one
 */
struct control_runner {
	struct control_name name;
	pid_t pid;
	int fd;
};

struct control_runners {
	struct control_runner *list;	/* in order of their PIDs */
	size_t nr;
};

/* Descriptors that came with a reply; the caller closes them. */
struct control_fds {
	int list[CONTROL_MAX_FDS];
	size_t nr;
};

/* Connect to all runners whose sockets are in @base/minivmx: 0, if there is none, too. */
int control_client_find(const char *base, struct control_runners *runners,
			struct message *message);
void control_client_free(struct control_runners *runners);

/*
 * A connection to the runner with this name or PID; @which is NULL for the only one
 * there is. -ESRCH: there is none; -EMLINK: there are several, all in the message.
 */
int control_client_open(const char *base, const char *which, struct message *message);

/*
 * Who is at the other end, which has just answered, so that it cannot have ended: a
 * descriptor that can be read when it has, or -1 if the kernel has no such thing.
 */
int control_client_process(int fd, pid_t *pid);

/* A new request; parameters are to be added. */
struct json_object *control_client_request(const char *name);

/*
 * Send @request, which is then freed, and wait a few seconds for its @reply.
 * Descriptors go to @fds; without one they are closed.
 *
 * -ETIMEDOUT: the runner does not answer, and the connection is of no more use, or the
 * answer would be taken for that of the next request; -ECONNRESET: it is gone; -EREMOTEIO: it
 * refuses, and the message is its own; -EPROTO: the reply is not one.
 */
int control_client_ask(int fd, struct json_object *request, struct json_object **reply,
		       struct control_fds *fds, struct message *message);

#endif /* CONTROL_CLIENT_H */
