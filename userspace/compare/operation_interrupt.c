// SPDX-License-Identifier: GPL-2.0
/* From the cause of an interrupt to the guest's handler. */
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "measured_guest.h"
#include "operation.h"

#define SAMPLES		33
/* The first that belongs to no I/O APIC. */
#define GSI		24
#define MSI_ADDRESS	0xfee00000ULL

/* How long a guest is given to fall asleep. */
#define SETTLE_NS	2000000

/* A thread that runs a CPU, on a CPU of its own if there is one. */
struct runner {
	pthread_t thread;
	struct vcpu *vcpu;
	unsigned int cpu;
	struct message message;
	int ret;
	_Atomic bool ended;
};

static void *run_thread(void *arg)
{
	struct runner *runner = arg;

	operation_stay_on(runner->cpu);
	runner->ret = measured_guest_run(runner->vcpu, NULL, &runner->message);
	runner->ended = true;
	return NULL;
}

static int start(struct runner *runner, const struct operation *op, struct vcpu *vcpu,
		 struct message *message)
{
	int ret;

	*runner = (struct runner) { .vcpu = vcpu, .cpu = op->min_cpus > 1 };
	ret = pthread_create(&runner->thread, NULL, run_thread, runner);
	return ret ? fail(message, "cannot start a thread: %s", strerror(ret)) : 0;
}

static int finish(struct runner *runner, struct message *message)
{
	pthread_join(runner->thread, NULL);
	if (runner->ret)
		*message = runner->message;
	return runner->ret;
}

static void pause_ns(long ns)
{
	const struct timespec time = { .tv_nsec = ns };

	nanosleep(&time, NULL);
}

/* Until the guest waits for interrupt @nr, from 1 on. */
static void await_ready(struct measured_guest *guest, const struct runner *runner, uint32_t nr)
{
	while (guest->params->ready < nr && !runner->ended)
		pause_ns(SETTLE_NS / 10);
	pause_ns(SETTLE_NS);
}

static void take(const struct measured_guest *guest, struct samples *samples)
{
	uint32_t i;

	for (i = 1; i < guest->params->nr; i++)
		samples_add(samples, (double)guest->params->samples[i]);
}

/* ---- An eventfd ---- */

static int signal_guest(const struct operation *op, struct measured_guest *guest, int fd,
			struct samples *samples, struct message *message)
{
	const uint64_t one = 1;
	struct runner runner;
	uint32_t i;
	int ret = start(&runner, op, &guest->cpus[0], message);

	if (ret)
		return ret;
	for (i = 1; i <= SAMPLES && !runner.ended; i++) {
		ssize_t n;

		await_ready(guest, &runner, i);
		guest->params->start = __rdtsc() + guest->tsc_offset;
		n = write(fd, &one, sizeof(one));
		(void)n;
	}
	ret = finish(&runner, message);
	if (!ret)
		take(guest, samples);
	return ret;
}

int measure_irqfd(const struct operation *op, const struct backend *backend,
		  struct samples *samples, struct message *message)
{
	const struct minivmx_gsi_route route = {
		.address = MSI_ADDRESS, .data = VECTOR_WAKE, .gsi = GSI,
	};
	const struct guest_config config = { .program = op->program, .nr = SAMPLES };
	struct measured_guest guest;
	int fd, ret;

	if (measured_guest_open(&guest, backend, &config, message))
		return -1;
	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0 || backend->set_routes(&guest.vm, &route, 1) ||
	    backend->irqfd(&guest.vm, GSI, fd, true))
		ret = fail(message, "%s refuses an irqfd", backend->name);
	else
		ret = signal_guest(op, &guest, fd, samples, message);
	if (fd >= 0)
		close(fd);
	measured_guest_close(&guest);
	return ret;
}

/* ---- The APIC's timer ---- */

int measure_timer(const struct operation *op, const struct backend *backend,
		  struct samples *samples, struct message *message)
{
	const struct guest_config config = {
		.program = op->program, .nr = SAMPLES, .repeat = op->repeat,
	};
	struct measured_guest guest;
	int ret = measured_guest_open(&guest, backend, &config, message);

	if (ret)
		return ret;
	ret = measured_guest_run(&guest.cpus[0], NULL, message);
	if (!ret)
		take(&guest, samples);
	measured_guest_close(&guest);
	return ret;
}

/* ---- From CPU to CPU ---- */

static int send_ipis(const struct operation *op, struct measured_guest *guest,
		     struct samples *samples, struct message *message)
{
	struct runner runner;
	int ret = start(&runner, op, &guest->cpus[0], message);

	if (ret)
		return ret;
	ret = measured_guest_run(&guest->cpus[1], NULL, message);
	if (!ret)
		take(guest, samples);
	return finish(&runner, message) || ret ? -1 : 0;
}

int measure_ipi(const struct operation *op, const struct backend *backend,
		struct samples *samples, struct message *message)
{
	const struct guest_config config = {
		.program = op->program, .nr = SAMPLES, .cpus = 2,
	};
	struct measured_guest guest;
	int ret = measured_guest_open(&guest, backend, &config, message);

	if (ret)
		return ret;
	ret = send_ipis(op, &guest, samples, message);
	measured_guest_close(&guest);
	return ret;
}
