// SPDX-License-Identifier: GPL-2.0
/* The server of the control socket: see control.h. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "control.h"
#include "control_dir.h"
#include "control_message.h"

#define BACKLOG		128
#define SHOWN_MAX	64
#define ACCEPT_PAUSE_MS	1000	/* when there are no descriptors for one more */
#define NEVER		INT64_MAX

/**
 * struct client - a connection
 * @fd: -1 if the slot is free
 * @active: ms on the clock when it last asked or took something
 * @reply: what it has not taken yet, or NULL; until then it is asked nothing
 * @fds: descriptors that go with it
 * @nr_fds: how many
 * @gives_away: they are to be closed then
 */
struct client {
	int fd;
	int64_t active;
	struct json_object *reply;
	int fds[CONTROL_MAX_FDS];
	size_t nr_fds;
	bool gives_away;
};

/**
 * struct control - a server
 * @config: what it is made of
 * @name: of its socket
 * @dir: the directory
 * @listener: the socket
 * @inode: its file
 * @wake: an eventfd that ends the thread
 * @accept_again: ms on the clock before which nobody is accepted
 * @clients: the connections
 * @buffer: the request that is being read, and a NUL
 * @thread: the thread
 */
struct control {
	struct control_config config;
	struct control_name name;
	int dir;
	int listener;
	ino_t inode;
	int wake;
	int64_t accept_again;
	struct client clients[CONTROL_MAX_CLIENTS];
	char buffer[CONTROL_REQUEST_MAX + 1];
	pthread_t thread;
};

static int64_t clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* ---- Sending ---- */

static void drop_reply(struct client *client)
{
	json_object_put(client->reply);
	client->reply = NULL;
	while (client->nr_fds--)
		if (client->gives_away)
			close(client->fds[client->nr_fds]);
	client->nr_fds = 0;
}

static void drop_client(struct client *client)
{
	drop_reply(client);
	close(client->fd);
	client->fd = -1;
}

static void send_reply(struct client *client)
{
	int ret = control_message_send(client->fd, client->reply, client->fds,
				       client->nr_fds);

	if (!ret) {
		client->active = clock_ms();
		drop_reply(client);
	} else if (ret != -EAGAIN && ret != -EINTR) {
		/* It is gone, or holds so many descriptors that the kernel stops us. */
		drop_client(client);
	}
}

static struct json_object *refusal(const struct message *why)
{
	struct json_object *reply = json_object_new_object();

	json_object_object_add(reply, "ok", json_object_new_boolean(false));
	json_object_object_add(reply, "error", json_object_new_string(why->text));
	return reply;
}

/* ---- A request ---- */

bool control_has(const struct control_call *call, const char *name)
{
	return json_object_object_get_ex(call->request, name, NULL);
}

uint64_t control_number(const struct control_call *call, const char *name)
{
	return json_object_get_uint64(json_object_object_get(call->request, name));
}

const char *control_string(const struct control_call *call, const char *name)
{
	return json_object_get_string(json_object_object_get(call->request, name));
}

/* A name of the client's, for a message. Not cut: that could leave half a character. */
static const char *shown(const char *name)
{
	return strlen(name) > SHOWN_MAX ? "(long)" : name;
}

static const struct control_parameter *find_parameter(const struct control_request *request,
						      const char *name)
{
	const struct control_parameter *parameter = request->parameters;
	const struct control_parameter *end = parameter + CONTROL_MAX_PARAMETERS;

	for (; parameter < end && parameter->name; parameter++)
		if (!strcmp(parameter->name, name))
			return parameter;
	return NULL;
}

static bool has_nul(struct json_object *string)
{
	return strlen(json_object_get_string(string)) !=
	       (size_t)json_object_get_string_len(string);
}

static int check_value(const struct control_parameter *parameter, struct json_object *value,
		       struct message *message)
{
	if (!json_object_is_type(value, parameter->type))
		return fail(message, "'%s' is not a %s", parameter->name,
			    parameter->type == json_type_int ? "whole number" : "string");
	/* The parser makes the largest of whatever is too large. */
	if (parameter->type == json_type_int &&
	    (json_object_get_int64(value) < 0 || json_object_get_int64(value) == INT64_MAX))
		return fail(message, "'%s' is below 0 or above 2^63 - 2", parameter->name);
	if (parameter->type == json_type_string && has_nul(value))
		return fail(message, "'%s' has a NUL in it", parameter->name);
	return 0;
}

static int check_parameters(const struct control_request *request,
			    const struct control_call *call, struct message *message)
{
	const struct control_parameter *parameter = request->parameters;
	const struct control_parameter *end = parameter + CONTROL_MAX_PARAMETERS;

	json_object_object_foreach(call->request, name, value) {
		if (!strcmp(name, "request"))
			continue;
		parameter = find_parameter(request, name);
		if (!parameter)
			return fail(message, "'%s' has no parameter '%s'", request->name,
				    shown(name));
		if (check_value(parameter, value, message))
			return -1;
	}
	for (parameter = request->parameters; parameter < end && parameter->name; parameter++)
		if (parameter->required && !control_has(call, parameter->name))
			return fail(message, "'%s' needs the parameter '%s'", request->name,
				    parameter->name);
	return 0;
}

static const struct control_request *find_request(const struct control *control,
						  struct json_object *object,
						  struct message *message)
{
	struct json_object *name = json_object_object_get(object, "request");
	size_t i;

	if (!name) {
		fail(message, "'request' is missing");
		return NULL;
	}
	if (!json_object_is_type(name, json_type_string) || has_nul(name)) {
		fail(message, "'request' is not a string without a NUL");
		return NULL;
	}
	for (i = 0; i < control->config.nr_requests; i++)
		if (!strcmp(control->config.requests[i].name, json_object_get_string(name)))
			return &control->config.requests[i];
	fail(message, "no such request: '%s'", shown(json_object_get_string(name)));
	return NULL;
}

/* Fill @call with the answer; -1 if it is a refusal. */
static int answer(const struct control *control, const char *text, size_t len,
		  struct control_call *call)
{
	const struct control_request *request;

	if (len > CONTROL_REQUEST_MAX)
		return fail(&call->message, "the request has %zu bytes, more than %d", len,
			    CONTROL_REQUEST_MAX);
	call->request = control_message_parse(text, len, JSON_TOKENER_VALIDATE_UTF8,
					      &call->message);
	if (!call->request)
		return -1;
	request = find_request(control, call->request, &call->message);
	if (!request || check_parameters(request, call, &call->message))
		return -1;
	json_object_object_add(call->reply, "ok", json_object_new_boolean(true));
	return request->answer(call);
}

static size_t reply_size(struct json_object *reply)
{
	size_t len;

	json_object_to_json_string_length(reply, JSON_C_TO_STRING_PLAIN, &len);
	return len;
}

static void on_request(struct control *control, struct client *client)
{
	struct control_call call = {
		.context = control->config.context,
		.reply = NULL,
	};
	/* Descriptors that come along are not taken: there is no room for them. */
	ssize_t n = recv(client->fd, control->buffer, CONTROL_REQUEST_MAX,
			 MSG_DONTWAIT | MSG_TRUNC);
	int ret;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	/* An empty message looks like the end, and is as good as it. */
	if (n <= 0) {
		drop_client(client);
		return;
	}
	client->active = clock_ms();
	control->buffer[n < CONTROL_REQUEST_MAX ? n : CONTROL_REQUEST_MAX] = '\0';
	call.reply = json_object_new_object();
	ret = answer(control, control->buffer, (size_t)n, &call);
	if (!ret && reply_size(call.reply) > CONTROL_REPLY_MAX)
		ret = fail(&call.message, "the reply has %zu bytes, more than %d",
			   reply_size(call.reply), CONTROL_REPLY_MAX);
	json_object_put(call.request);
	client->reply = call.reply;
	client->nr_fds = call.nr_fds;
	client->gives_away = call.gives_away;
	memcpy(client->fds, call.fds, sizeof(client->fds));
	if (ret) {
		drop_reply(client);
		client->reply = refusal(&call.message);
	}
	send_reply(client);
}

/* ---- Connections ---- */

static bool may_connect(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) &&
	       (peer.uid == 0 || peer.uid == geteuid());
}

static void refuse_client(int fd)
{
	struct json_object *reply;
	struct message message;

	fail(&message, "there are %d clients already", CONTROL_MAX_CLIENTS);
	reply = refusal(&message);
	control_message_send(fd, reply, NULL, 0);
	json_object_put(reply);
	close(fd);
}

static void on_connection(struct control *control)
{
	int i, fd = accept4(control->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0) {
		/* Out of descriptors or memory: it would be ready at once again. */
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			control->accept_again = clock_ms() + ACCEPT_PAUSE_MS;
		return;
	}
	if (!may_connect(fd)) {
		close(fd);
		return;
	}
	for (i = 0; i < CONTROL_MAX_CLIENTS; i++) {
		if (control->clients[i].fd < 0) {
			control->clients[i].fd = fd;
			control->clients[i].active = clock_ms();
			return;
		}
	}
	refuse_client(fd);
}

static void on_client(struct control *control, struct client *client, short events)
{
	const int64_t expires = client->active + control->config.idle_ms;

	if (!client->reply && (events & POLLIN))
		on_request(control, client);
	else if (client->reply && (events & POLLOUT) && !(events & POLLHUP))
		send_reply(client);
	else if ((events & (POLLHUP | POLLERR)) || clock_ms() >= expires)
		drop_client(client);
}

/* ---- The thread ---- */

enum { POLL_WAKE, POLL_LISTENER, POLL_CLIENTS };

#define NR_POLL		(POLL_CLIENTS + CONTROL_MAX_CLIENTS)

/* What to wait for; returns for how long at most, in ms. */
static int fill_poll(const struct control *control, struct pollfd *ready)
{
	const int64_t now = clock_ms();
	int64_t until = NEVER;
	int i;

	memset(ready, 0, NR_POLL * sizeof(*ready));
	ready[POLL_WAKE] = (struct pollfd) { .fd = control->wake, .events = POLLIN };
	ready[POLL_LISTENER] = (struct pollfd) { .fd = control->listener, .events = POLLIN };
	if (now < control->accept_again) {
		ready[POLL_LISTENER].fd = -1;
		until = control->accept_again;
	}
	for (i = 0; i < CONTROL_MAX_CLIENTS; i++) {
		const struct client *client = &control->clients[i];
		const int64_t expires = client->active + control->config.idle_ms;

		ready[POLL_CLIENTS + i].fd = client->fd;
		ready[POLL_CLIENTS + i].events = client->reply ? POLLOUT : POLLIN;
		if (client->fd >= 0 && expires < until)
			until = expires;
	}
	if (until == NEVER)
		return -1;
	return until > now ? (int)(until - now) : 0;
}

static void *control_main(void *argument)
{
	struct control *control = argument;
	struct pollfd ready[NR_POLL];
	int i;

	for (;;) {
		const int timeout = fill_poll(control, ready);

		if (poll(ready, NR_POLL, timeout) < 0 && errno != EINTR)
			break;
		if (ready[POLL_WAKE].revents)
			break;
		for (i = 0; i < CONTROL_MAX_CLIENTS; i++)
			if (control->clients[i].fd >= 0)
				on_client(control, &control->clients[i],
					  ready[POLL_CLIENTS + i].revents);
		/* Last: a new client's events are not those of its slot's last. */
		if (ready[POLL_LISTENER].revents)
			on_connection(control);
	}
	return NULL;
}

/* ---- Start and stop ---- */

static int make_socket(struct control *control, struct message *message)
{
	const char *base = control->config.base, *name = control->name.text;
	int ret = control_dir_lock(control->dir);

	if (ret) {
		fail(message, "%s/minivmx: cannot lock it: %s", base, strerror(-ret));
		return ret;
	}
	control_dir_sweep(control->dir);
	ret = control_dir_listen(control->dir, name, BACKLOG);
	if (ret == -EADDRINUSE) {
		fail(message, "%s/minivmx: the name '%s' is in use", base, name);
	} else if (ret < 0) {
		fail(message, "%s/minivmx: cannot make a control socket: %s", base,
		     strerror(-ret));
	} else {
		control->listener = ret;
		control->inode = control_dir_inode(control->dir, name);
		ret = 0;
	}
	control_dir_unlock(control->dir);
	return ret;
}

static void control_free(struct control *control)
{
	int i;

	for (i = 0; i < CONTROL_MAX_CLIENTS; i++)
		if (control->clients[i].fd >= 0)
			drop_client(&control->clients[i]);
	if (control->listener >= 0) {
		/*
		 * Before it is closed, while nobody can take it for a dead one's. If
		 * it was removed by hand, what is there now is another's.
		 */
		if (control_dir_inode(control->dir, control->name.text) == control->inode)
			control_dir_remove(control->dir, control->name.text);
		close(control->listener);
	}
	if (control->wake >= 0)
		close(control->wake);
	if (control->dir >= 0)
		close(control->dir);
	free(control);
}

static struct control *control_new(const struct control_config *config)
{
	struct control *control = calloc(1, sizeof(*control));
	int i;

	if (!control)
		return NULL;
	control->config = *config;
	if (config->name)
		snprintf(control->name.text, sizeof(control->name.text), "%s", config->name);
	else
		snprintf(control->name.text, sizeof(control->name.text), "%d", getpid());
	control->listener = -1;
	control->wake = -1;
	for (i = 0; i < CONTROL_MAX_CLIENTS; i++)
		control->clients[i].fd = -1;
	return control;
}

int control_start(const struct control_config *config, struct control **result,
		  struct message *message)
{
	struct control *control = control_new(config);
	int ret;

	*result = NULL;
	if (!control) {
		fail(message, "no memory for a control socket");
		return -ENOMEM;
	}
	control->dir = control_dir_open(config->base, true, message);
	ret = control->dir < 0 ? control->dir : make_socket(control, message);
	if (!ret) {
		control->wake = eventfd(0, EFD_CLOEXEC);
		ret = control->wake < 0 ? -errno :
		      -pthread_create(&control->thread, NULL, control_main, control);
		if (ret)
			fail(message, "cannot start a thread for the control socket: %s",
			     strerror(-ret));
	}
	if (ret)
		control_free(control);
	else
		*result = control;
	return ret;
}

void control_stop(struct control *control)
{
	const uint64_t one = 1;
	ssize_t n;

	if (!control)
		return;
	/* Nothing else writes there, so it cannot be full. */
	n = write(control->wake, &one, sizeof(one));
	(void)n;
	pthread_join(control->thread, NULL);
	control_free(control);
}
