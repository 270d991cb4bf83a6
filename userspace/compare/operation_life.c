// SPDX-License-Identifier: GPL-2.0
/* VMs that come and go, and what it costs to ask one for nothing. */
#include <string.h>
#include <sys/ioctl.h>
#include <x86intrin.h>

#include "measured_guest.h"
#include "operation.h"

#define ROUNDS	4

/* With one vCPU; the device is opened and closed, too. */
int measure_life(const struct operation *op, const struct backend *backend,
		 struct samples *samples, struct message *message)
{
	unsigned int i;

	(void)op;
	for (i = 0; i < ROUNDS; i++) {
		struct vm vm = { .backend = backend };
		struct minivmx_error error;
		struct vcpu vcpu = { 0 };
		const uint64_t start = __rdtsc();
		int ret;

		if (backend->open(&vm, &error))
			return fail(message, "%s", error.text);
		ret = backend->create_vcpu(&vm, 0, &vcpu);
		if (!ret)
			backend->close_vcpu(&vcpu);
		backend->close(&vm);
		if (ret)
			return fail(message, "cannot create a vCPU: %s", strerror(-ret));
		samples_add(samples, (double)(__rdtsc() - start));
	}
	return 0;
}

/* From before the device is opened until the guest's first instruction has come out. */
int measure_start(const struct operation *op, const struct backend *backend,
		  struct samples *samples, struct message *message)
{
	const struct guest_config config = { .program = op->program };
	unsigned int i;

	for (i = 0; i < ROUNDS; i++) {
		struct measured_guest guest;
		int ret = measured_guest_open(&guest, backend, &config, message);

		if (ret)
			return ret;
		ret = measured_guest_run(&guest.cpus[0], NULL, message);
		if (!ret)
			samples_add(samples, (double)(__rdtsc() - guest.opened));
		measured_guest_close(&guest);
		if (ret)
			return ret;
	}
	return 0;
}

#define IOCTLS	32
#define IOCTL_SAMPLES	33

/* A number that no VM knows: the way in and out, and no more. */
int measure_ioctl(const struct operation *op, const struct backend *backend,
		  struct samples *samples, struct message *message)
{
	struct vm vm = { .backend = backend };
	struct minivmx_error error;
	unsigned int i, n;

	(void)op;
	if (backend->open(&vm, &error))
		return fail(message, "%s", error.text);
	for (i = 0; i < IOCTL_SAMPLES; i++) {
		const uint64_t start = __rdtsc();

		for (n = 0; n < IOCTLS; n++)
			ioctl(vm.fd, 0, 0);
		if (i)
			samples_add(samples, (double)(__rdtsc() - start) / IOCTLS);
	}
	backend->close(&vm);
	return 0;
}
