// SPDX-License-Identifier: GPL-2.0
/* What a session answers on its control socket. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../virtio/balloon.h"
#include "array.h"
#include "control.h"
#include "json_file.h"
#include "session.h"

static_assert(MINIVMX_MAX_VCPUS <= CONTROL_MAX_FDS, "all vCPUs in one reply");

/* The vCPUs' descriptors, in order of their ids, which have no gaps; how many. */
static size_t vcpu_fds(const struct session *s, int fds[CONTROL_MAX_FDS])
{
	unsigned int i;

	for (i = 0; i < s->nr_cpus; i++)
		fds[i] = s->cpus[i].vcpu.fd;
	return s->nr_cpus;
}

/* Who this is: all of minivmx list, and the version of the protocol. */
static int hello(struct control_call *call)
{
	struct session *s = call->context;
	int fds[CONTROL_MAX_FDS];
	uint64_t uptime;
	const char *state;

	pthread_mutex_lock(&s->machine->lock);
	uptime = machine_now(s->machine);
	state = s->outcome != OUTCOME_NONE ? "ended" : s->paused ? "paused" : "running";
	pthread_mutex_unlock(&s->machine->lock);

	json_add_number(call->reply, "protocol", CONTROL_PROTOCOL);
	json_add_number(call->reply, "pid", (uint64_t)getpid());
	json_add_string(call->reply, "name", s->options->name);
	json_add_string(call->reply, "image", s->options->image);
	json_add_number(call->reply, "vcpus", vcpu_fds(s, fds));
	json_add_number(call->reply, "memory", s->options->memory);
	json_add_number(call->reply, "uptime_ms", uptime / 1000000);
	json_add_string(call->reply, "state", state);
	json_add_string(call->reply, "backend", s->vm.backend->name);
	return 0;
}

/* What others do with minivmx's descriptors they cannot do with KVM's. */
static int refuse_kvm(const struct session *s, struct control_call *call)
{
	if (s->vm.backend->has_vmcs)
		return 0;
	return fail(&call->message, "the guest runs on KVM (--backend), which does not give that");
}

/* The descriptors of all vCPUs, or of one, and their ids in the same order. */
static int vcpus(struct control_call *call)
{
	struct json_object *ids;
	const bool is_one = control_has(call, "id");
	const uint64_t wanted = control_number(call, "id");
	int fds[CONTROL_MAX_FDS];
	size_t id, nr = vcpu_fds(call->context, fds);

	if (refuse_kvm(call->context, call))
		return -1;
	ids = json_object_new_array();
	json_object_object_add(call->reply, "ids", ids);
	for (id = 0; id < nr; id++) {
		if (is_one && id != wanted)
			continue;
		json_object_array_add(ids, json_object_new_uint64(id));
		call->fds[call->nr_fds++] = fds[id];
	}
	if (!call->nr_fds)
		return fail(&call->message, "there is no vCPU %llu, only %zu from 0 on",
			    (unsigned long long)wanted, nr);
	return 0;
}

static int vm(struct control_call *call)
{
	const struct session *s = call->context;

	if (refuse_kvm(s, call))
		return -1;
	call->fds[call->nr_fds++] = s->vm.fd;
	return 0;
}

/* ---- What changes how the guest runs; with the machine's lock held ---- */

/* The power button; whether the guest has asked for it. */
static int stop(struct session *s, struct control_call *call)
{
	bool listens;

	if (s->paused)
		return fail(&call->message, "the guest is paused: minivmx resume lets it go on");
	listens = machine_press_power_button(s->machine);
	json_object_object_add(call->reply, "listens", json_object_new_boolean(listens));
	return 0;
}

static int end(struct session *s, struct control_call *call)
{
	(void)call;
	session_end(s, OUTCOME_KILLED, 0);
	return 0;
}

/* Whether it was paused before. */
static void add_before(struct session *s, struct control_call *call)
{
	json_object_object_add(call->reply, "was_paused", json_object_new_boolean(s->paused));
}

static int pause_guest(struct session *s, struct control_call *call)
{
	add_before(s, call);
	return session_pause(s, &call->message);
}

static int resume_guest(struct session *s, struct control_call *call)
{
	add_before(s, call);
	session_resume(s);
	return 0;
}

/* Its size, and with "target" another that it is to have, in bytes. */
static int balloon(struct session *s, struct control_call *call)
{
	const uint64_t target = control_number(call, "target");

	if (control_has(call, "target") && target >= s->options->memory)
		return fail(&call->message, "the guest has no more than %s of memory",
			    format_size(s->options->memory).text);
	if (control_has(call, "target"))
		balloon_set_target(s->virtio.balloon, target);
	json_add_number(call->reply, "size", balloon_size(s->virtio.balloon));
	json_add_number(call->reply, "memory", s->options->memory);
	return 0;
}

/* A socket: what the guest prints, from the backlog on, and what it is to read. */
static int console(struct session *s, struct control_call *call)
{
	int fd;

	if (console_is_attached(&s->console))
		return fail(&call->message, "another minivmx console is attached to it");
	io_drop_console(s);
	fd = console_attach(&s->console);
	if (fd < 0)
		return fail(&call->message, "cannot make a socket: %s", strerror(-fd));
	io_watch_console(s);
	call->fds[call->nr_fds++] = fd;
	call->gives_away = true;
	return 0;
}

/* By the names of the requests. */
static const struct {
	const char *name;
	int (*answer)(struct session *s, struct control_call *call);
} changes[] = {
	{ "stop", stop },
	{ "kill", end },
	{ "pause", pause_guest },
	{ "resume", resume_guest },
	{ "console", console },
	{ "balloon", balloon },
};

/* Of a guest that has ended none of it can be asked. */
static int change(struct control_call *call)
{
	const char *name = control_string(call, "request");
	struct session *s = call->context;
	int ret = 0;
	size_t i;

	pthread_mutex_lock(&s->machine->lock);
	if (s->outcome != OUTCOME_NONE)
		ret = fail(&call->message, "the guest has ended; its output is still being written");
	for (i = 0; !ret && i < ARRAY_SIZE(changes); i++)
		if (!strcmp(changes[i].name, name))
			ret = changes[i].answer(s, call);
	pthread_mutex_unlock(&s->machine->lock);
	return ret;
}

static const struct control_request requests[] = {
	{ .name = "hello", .answer = hello },
	{ .name = "vcpus", .answer = vcpus, .parameters = { { "id", json_type_int, false } } },
	{ .name = "vm", .answer = vm },
	{ .name = "stop", .answer = change },
	{ .name = "kill", .answer = change },
	{ .name = "pause", .answer = change },
	{ .name = "resume", .answer = change },
	{ .name = "console", .answer = change },
	{ .name = "balloon", .answer = change, .parameters = { { "target", json_type_int, false } } },
};

int session_listen(struct session *s)
{
	const struct control_config config = {
		.base = s->options->control_base,
		.name = s->options->name,
		.requests = requests,
		.nr_requests = ARRAY_SIZE(requests),
		.context = s,
		.idle_ms = CONTROL_IDLE_MS,
	};
	struct message message;
	int ret;

	if (!config.base) {
		if (s->options->detach)
			fprintf(stderr, "minivmx: --detach: there is no directory for its control socket\n");
		return s->options->detach ? -1 : 0;
	}
	ret = control_start(&config, &s->control, &message);
	/* Nothing else leads to a detached one. */
	if (ret && ((ret == -EADDRINUSE && config.name) || s->options->detach)) {
		fprintf(stderr, "minivmx: %s\n", message.text);
		return -1;
	}
	if (ret && s->options->verbose)
		fprintf(stderr, "minivmx: no control socket: %s\n", message.text);
	return 0;
}
