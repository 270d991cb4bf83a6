/* SPDX-License-Identifier: GPL-2.0 */
/* A message of the control socket's protocol (control.h), as both sides make it. */
#ifndef CONTROL_MESSAGE_H
#define CONTROL_MESSAGE_H

#include <json-c/json.h>
#include <stddef.h>
#include <sys/socket.h>

#include "control.h"
#include "message.h"

/* Room for the descriptors of a message. */
union control_fd_space {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(CONTROL_MAX_FDS * sizeof(int))];
};

/* Send @object with descriptors, without waiting. 0 or a negative errno. */
int control_message_send(int fd, struct json_object *object, const int *fds, size_t nr_fds);

/*
 * The object that @text is, of @len bytes and a NUL behind them; @flags are
 * JSON_TOKENER_*. NULL and a message if it is none.
 */
struct json_object *control_message_parse(const char *text, size_t len, int flags,
					  struct message *message);

#endif /* CONTROL_MESSAGE_H */
