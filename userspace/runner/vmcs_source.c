// SPDX-License-Identifier: GPL-2.0
/* Where a command gets a VMCS from: see vmcs_source.h. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "control_dir.h"
#include "target.h"
#include "vmcs_source.h"

/* RUNNER or RUNNER:VCPU in two; false if it cannot be that. */
static bool split(const char *source, char *which, size_t size, const char **vcpu)
{
	const char *colon = strrchr(source, ':');
	const size_t length = colon ? (size_t)(colon - source) : strlen(source);

	if (length >= size)
		return false;
	memcpy(which, source, length);
	which[length] = '\0';
	*vcpu = colon ? colon + 1 : NULL;
	return control_name_is_valid(which) ||
	       (length && strspn(which, "0123456789") == length);
}

static int open_quietly(int *device, struct message *message)
{
	struct minivmx_error error;

	*device = minivmx_open(&error);
	if (*device >= 0)
		return 0;
	return fail(message, "%s%s%s", error.text, error.hint[0] ? ": " : "", error.hint);
}

int vmcs_source_live(const char *which, long long id, bool with_cpu,
		     struct minivmx_vmcs_dump *dump, struct message *message)
{
	struct target target;
	int ret, device = -1;

	if (target_open(which, id, &target, message))
		return -1;
	ret = with_cpu ? open_quietly(&device, message) : 0;
	if (!ret)
		ret = vmcs_dump_take(target.vcpus[0], device, dump, message);
	if (device >= 0)
		close(device);
	target_close(&target);
	return ret;
}

int vmcs_source_read(const char *source, bool with_cpu, struct minivmx_vmcs_dump *dump,
		     struct message *message)
{
	char which[CONTROL_NAME_MAX + 1];
	const char *vcpu;
	long long id = 0;

	if (!source)
		return vmcs_source_live(NULL, 0, with_cpu, dump, message);
	if (!access(source, F_OK) || !split(source, which, sizeof(which), &vcpu))
		return vmcs_dump_read(source, dump, message);
	if (vcpu && target_parse_vcpu(vcpu, &id, message))
		return -1;
	return vmcs_source_live(which, id, with_cpu, dump, message);
}
