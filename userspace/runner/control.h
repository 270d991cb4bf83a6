/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The control socket of a runner, by which another process asks it for things,
 * above all for the descriptors of its VM and vCPUs.
 *
 * The protocol, on a Unix socket of type SOCK_SEQPACKET: a client sends a request
 * and gets a reply, each one message and one JSON object; descriptors come with the
 * reply as SCM_RIGHTS. The kernel keeps messages apart, so that nobody has to wait
 * for the rest of one, and descriptors belong to exactly one.
 *
 *   { "request": NAME, PARAMETER: number or string, ... }
 *   { "ok": true, ... }  or  { "ok": false, "error": TEXT }
 *
 * Served are root and the runner's own user; the connections of others are closed.
 * A request that is refused leaves the connection usable. One that has been silent
 * for a while, or does not take its replies, is closed.
 *
 * The server has a thread of its own: whatever a client does, and however long an
 * answer takes, the guest's clocks and keyboard do not wait for it.
 */
#ifndef CONTROL_H
#define CONTROL_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "message.h"

#define CONTROL_PROTOCOL	1

#define CONTROL_REQUEST_MAX	65536	/* bytes in a request */
#define CONTROL_REPLY_MAX	131072	/* bytes in a reply */
#define CONTROL_MAX_FDS		64	/* descriptors with a reply */
#define CONTROL_MAX_CLIENTS	16	/* at a time */
#define CONTROL_MAX_PARAMETERS	8	/* of a request */
#define CONTROL_IDLE_MS		60000	/* until a silent client is dropped */

/**
 * struct control_call - a request that is being answered
 * @context: of struct control_config
 * @request: its parameters, checked against struct control_request
 * @reply: members of the answer; "ok" is added
 * @fds: descriptors that go with it; they stay the server's
 * @nr_fds: how many
 * @gives_away: they become the client's alone: the server closes them when they are sent
 * @message: why it is refused
 */
struct control_call {
	void *context;
	struct json_object *request;
	struct json_object *reply;
	int fds[CONTROL_MAX_FDS];
	size_t nr_fds;
	bool gives_away;
	struct message message;
};

/**
 * struct control_parameter - a parameter that a request has
 * @name: its name
 * @type: json_type_int, from 0 to 2^63 - 2, or json_type_string
 * @required: without it the request is refused
 */
struct control_parameter {
	const char *name;
	enum json_type type;
	bool required;
};

/**
 * struct control_request - a request that can be made
 * @name: its name
 * @answer: fills @reply and @fds and returns 0, or @message and returns -1; it is
 *          called in the server's thread, with no lock held
 * @parameters: those it has, up to the first without a name; others are refused
 */
struct control_request {
	const char *name;
	int (*answer)(struct control_call *call);
	struct control_parameter parameters[CONTROL_MAX_PARAMETERS];
};

/**
 * struct control_config - what a server is made of; all it points to outlives that
 * @base: the directory in which minivmx/ is
 * @name: of the runner, or NULL for its PID
 * @requests: the requests
 * @nr_requests: how many
 * @context: for their functions
 * @idle_ms: until a silent client is dropped
 */
struct control_config {
	const char *base;
	const char *name;
	const struct control_request *requests;
	size_t nr_requests;
	void *context;
	unsigned int idle_ms;
};

struct control;

/*
 * Listen, and serve in a new thread. 0 or a negative errno with a message;
 * -EADDRINUSE: a runner of that name lives, or something else is in its place.
 */
int control_start(const struct control_config *config, struct control **control,
		  struct message *message);

/*
 * Remove the socket, end the thread and close all connections; NULL is nothing to
 * do. The descriptors that were handed over may be closed after this.
 */
void control_stop(struct control *control);

/* A parameter's value; 0 or NULL if the request came without it. */
uint64_t control_number(const struct control_call *call, const char *name);
const char *control_string(const struct control_call *call, const char *name);
/* Whether the request has it. */
bool control_has(const struct control_call *call, const char *name);

#endif /* CONTROL_H */
