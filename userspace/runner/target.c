// SPDX-License-Identifier: GPL-2.0
/* The vCPUs and the VM of a runner: see target.h. */
#include <unistd.h>

#include "control_client.h"
#include "json_file.h"
#include "libminivmx.h"
#include "target.h"

static int take_ids(struct json_object *reply, struct target *target, struct message *message)
{
	struct json_object *ids = json_object_object_get(reply, "ids");
	struct json_object *number;
	size_t i;

	if (!json_object_is_type(ids, json_type_array) ||
	    json_object_array_length(ids) != target->nr || !target->nr)
		return fail(message, "the runner's answer makes no sense");
	for (i = 0; i < target->nr; i++) {
		number = json_object_array_get_idx(ids, i);
		target->ids[i] = (uint32_t)json_object_get_uint64(number);
	}
	return 0;
}

static int ask_for_vcpus(int fd, long long id, struct target *target, struct message *message)
{
	struct json_object *request = control_client_request("vcpus"), *reply;
	struct control_fds fds;
	size_t i;
	int ret;

	if (id != TARGET_ALL)
		json_object_object_add(request, "id", json_object_new_int64(id));
	if (control_client_ask(fd, request, &reply, &fds, message))
		return -1;
	target->pidfd = control_client_process(fd, &target->pid);
	target->nr = fds.nr;
	for (i = 0; i < fds.nr; i++)
		target->vcpus[i] = fds.list[i];
	ret = take_ids(reply, target, message);
	json_object_put(reply);
	if (ret)
		target_close(target);
	return ret;
}

int target_open(const char *which, long long id, struct target *target,
		struct message *message)
{
	const char *base = control_base(message);
	int ret, fd;

	*target = (struct target) { .pidfd = -1 };
	if (!base)
		return -1;
	fd = control_client_open(base, which, message);
	if (fd < 0)
		return -1;
	ret = ask_for_vcpus(fd, id, target, message);
	close(fd);
	return ret;
}

int target_open_vm(const char *which, struct message *message)
{
	const char *base = control_base(message);
	struct json_object *reply;
	struct control_fds fds;
	int ret, fd;

	if (!base)
		return -1;
	fd = control_client_open(base, which, message);
	if (fd < 0)
		return -1;
	ret = control_client_ask(fd, control_client_request("vm"), &reply, &fds, message);
	close(fd);
	if (ret)
		return -1;
	json_object_put(reply);
	if (fds.nr == 1)
		return fds.list[0];
	while (fds.nr)
		close(fds.list[--fds.nr]);
	return fail(message, "the runner's answer makes no sense");
}

void target_close(struct target *target)
{
	while (target->nr)
		close(target->vcpus[--target->nr]);
	if (target->pidfd >= 0)
		close(target->pidfd);
	target->pidfd = -1;
}

int target_parse_vcpu(const char *text, long long *id, struct message *message)
{
	uint64_t number;

	if (parse_number(text, &number) || number >= MINIVMX_MAX_VCPUS)
		return fail(message, "not a number of a vCPU, 0 to %d: '%s'",
			    MINIVMX_MAX_VCPUS - 1, text);
	*id = (long long)number;
	return 0;
}
