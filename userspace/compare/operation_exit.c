// SPDX-License-Identifier: GPL-2.0
/* Operations that a guest does by itself, again and again, and times with its own TSC. */
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "measured_guest.h"
#include "operation.h"

/* Of each VM; the first is dropped, in which it touches its own memory for the first time. */
#define SAMPLES		33

static void take(const struct operation *op, const struct measured_guest *guest,
		 struct samples *samples)
{
	uint32_t i;

	for (i = 1; i < guest->params->nr; i++)
		samples_add(samples, (double)guest->params->samples[i] / op->repeat);
}

static int measure_with(const struct operation *op, const struct backend *backend,
			int doorbell, struct samples *samples, struct message *message)
{
	const struct guest_config config = {
		.program = op->program,
		.nr = SAMPLES,
		.repeat = op->repeat,
		.step = op->step,
		.fresh = (size_t)op->step * SAMPLES * op->repeat,
		.crowd = op->crowd,
	};
	struct measured_guest guest;
	uint64_t outside = 0;
	int ret = measured_guest_open(&guest, backend, &config, message);

	if (ret)
		return ret;
	if (doorbell >= 0 && backend->ioeventfd(&guest.vm, GUEST_DOORBELL, doorbell, true))
		ret = fail(message, "%s refuses an ioeventfd", backend->name);
	if (!ret)
		ret = measured_guest_run(&guest.cpus[0], NULL, message);
	if (!ret)
		take(op, &guest, samples);
	measured_guest_close(&guest);
	if (ret || doorbell >= 0)
		return ret;

	/* And once more, not timed by the guest: to look at the time costs some, too. */
	ret = measured_guest_open(&guest, backend, &config, message);
	if (ret)
		return ret;
	ret = measured_guest_run(&guest.cpus[0], &outside, message);
	measured_guest_close(&guest);
	samples->outside += outside;
	samples->outside_nr += SAMPLES * op->repeat;
	return ret;
}

int measure_exits(const struct operation *op, const struct backend *backend,
		  struct samples *samples, struct message *message)
{
	return measure_with(op, backend, -1, samples, message);
}

int measure_doorbell(const struct operation *op, const struct backend *backend,
		     struct samples *samples, struct message *message)
{
	int doorbell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int ret;

	if (doorbell < 0)
		return fail(message, "cannot make an eventfd: %m");
	ret = measure_with(op, backend, doorbell, samples, message);
	close(doorbell);
	return ret;
}
