// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>

#include "control_message.h"

#define MAX_DEPTH	16

int control_message_send(int fd, struct json_object *object, const int *fds, size_t nr_fds)
{
	union control_fd_space space = { 0 };
	size_t len;
	const char *text = json_object_to_json_string_length(object, JSON_C_TO_STRING_PLAIN,
							     &len);
	struct iovec part = { .iov_base = (char *)text, .iov_len = len };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	if (!text)
		return -ENOMEM;
	if (nr_fds) {
		message.msg_control = &space;
		message.msg_controllen = CMSG_SPACE(nr_fds * sizeof(int));
		space.header.cmsg_level = SOL_SOCKET;
		space.header.cmsg_type = SCM_RIGHTS;
		space.header.cmsg_len = CMSG_LEN(nr_fds * sizeof(int));
		memcpy(CMSG_DATA(&space.header), fds, nr_fds * sizeof(int));
	}
	return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

struct json_object *control_message_parse(const char *text, size_t len, int flags,
					  struct message *message)
{
	struct json_tokener *tokener = json_tokener_new_ex(MAX_DEPTH);
	enum json_tokener_error error;
	struct json_object *object;
	size_t end;

	if (!tokener) {
		fail(message, "no memory");
		return NULL;
	}
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | flags);
	/* With the NUL, or a number might still go on. */
	object = json_tokener_parse_ex(tokener, text, (int)len + 1);
	error = json_tokener_get_error(tokener);
	end = json_tokener_get_parse_end(tokener);
	json_tokener_free(tokener);
	/* It takes a NUL in the middle for the end. */
	if (error == json_tokener_success && end < len)
		error = json_tokener_error_parse_unexpected;
	if (error != json_tokener_success)
		fail(message, "not JSON: %s at byte %zu", json_tokener_error_desc(error), end);
	else if (!json_object_is_type(object, json_type_object))
		fail(message, "not a JSON object");
	else
		return object;
	json_object_put(object);
	return NULL;
}
