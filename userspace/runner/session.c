// SPDX-License-Identifier: GPL-2.0
/* Setting a run up, and taking it down again in the reverse order. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "acpi.h"
#include "array.h"
#include "control.h"
#include "debugger.h"
#include "detach.h"
#include "exit_status.h"
#include "image_file.h"
#include "loader.h"
#include "session.h"
#include "signals.h"

/* No ELF file with all its debug information comes near this. */
#define IMAGE_LIMIT	(4 * GIB)
/* How long a stopped run waits for whoever reads stdout. */
#define PATIENCE_MS	2000

void session_kick(struct session *s)
{
	vcpu_kick(&s->cpus[0]);
	if (s->debugger)
		debugger_wake(s->debugger);
}

void session_end(struct session *s, enum outcome why, int detail)
{
	unsigned int i;

	if (s->outcome != OUTCOME_NONE)
		return;
	s->outcome = why;
	s->detail = detail;
	output_release(&s->output);
	pthread_cond_broadcast(&s->turn);
	for (i = 1; i < s->nr_cpus; i++)
		vcpu_kick(&s->cpus[i]);
	session_kick(s);
}

/* ---- Pause ---- */

static bool is_in_guest(const struct session *s)
{
	unsigned int i;

	for (i = 0; i < s->nr_cpus; i++)
		if (s->cpus[i].in_run)
			return true;
	return false;
}

int session_pause(struct session *s, struct message *message)
{
	unsigned int i;

	if (s->outcome != OUTCOME_NONE)
		return fail(message, "the guest has ended");
	if (s->debugger && debugger_has_guest(s->debugger))
		return fail(message, "gdb has the guest, and can stop it itself");
	if (!s->paused) {
		s->paused = true;
		machine_pause(s->machine);
	}
	for (i = 0; i < s->nr_cpus; i++)
		vcpu_kick(&s->cpus[i]);
	while (is_in_guest(s))
		pthread_cond_wait(&s->turn, &s->machine->lock);
	return 0;
}

void session_resume(struct session *s)
{
	if (!s->paused)
		return;
	s->paused = false;
	machine_resume(s->machine);
	pthread_cond_broadcast(&s->turn);
}

/* ---- What the machine asks of us ---- */

static void on_intr(void *context)
{
	session_kick(context);
}

static void on_deadline(void *context, uint64_t when)
{
	io_set_deadline(context, when);
}

static void on_output(void *context, const uint8_t *bytes, size_t len)
{
	struct session *s = context;

	output_add(&s->output, bytes, len);
}

static void on_output_wait(void *context)
{
	struct session *s = context;

	output_wait_room(&s->output);
}

static void on_input_taken(void *context)
{
	io_input_taken(context);
}

static void on_stopped(void *context, enum machine_stop why, uint32_t value)
{
	static const enum outcome outcomes[] = {
		[STOP_POWEROFF] = OUTCOME_POWEROFF,
		[STOP_RESET] = OUTCOME_RESET,
		[STOP_DEBUG_EXIT] = OUTCOME_DEBUG_EXIT,
	};

	session_end(context, outcomes[why], (int)(value & 0xff));
}

static void on_msi(void *context, uint64_t address, uint32_t data)
{
	struct session *s = context;

	/* It goes to a window of addresses that the device cannot leave. */
	s->vm.backend->msi(&s->vm, address, data);
}

static int on_ioeventfd(void *context, uint64_t address, int fd, bool on)
{
	struct session *s = context;

	return s->vm.backend->ioeventfd(&s->vm, address, fd, on);
}

static int on_irqfd(void *context, unsigned int gsi, int fd, uint64_t address, uint32_t data)
{
	struct session *s = context;

	return doors_irqfd(&s->doors, &s->vm, gsi, fd, address, data);
}

static void on_written(void *context, const uint8_t *bytes, size_t len)
{
	struct session *s = context;

	pthread_mutex_lock(&s->machine->lock);
	console_add(&s->console, bytes, len);
	console_send(&s->console);
	if (console_has_more(&s->console))
		io_watch_console(s);
	pthread_mutex_unlock(&s->machine->lock);
}

static void on_output_failed(void *context, int error)
{
	struct session *s = context;

	pthread_mutex_lock(&s->machine->lock);
	session_end(s, OUTCOME_STDOUT, error);
	pthread_mutex_unlock(&s->machine->lock);
}

/* ---- Set-up ---- */

static int open_cpu(struct session *s, unsigned int id)
{
	/* IA32_MTRR_DEF_TYPE as firmware leaves it: E, and all memory is write-back. */
	static const struct { uint32_t index; uint64_t value; } mtrrs = { 0x2ff, 1 << 11 | 6 };
	const struct backend *backend = s->vm.backend;
	struct cpu *cpu = &s->cpus[id];
	int ret;

	cpu->session = s;
	cpu->id = id;
	ret = backend->create_vcpu(&s->vm, id, &cpu->vcpu);
	if (ret)
		return ret;
	cpu->run = cpu->vcpu.run;
	ret = backend->set_msr(&cpu->vcpu, mtrrs.index, mtrrs.value);
	if (ret)
		backend->close_vcpu(&cpu->vcpu);
	else
		s->nr_cpus++;
	return ret;
}

static int open_vm(struct session *s)
{
	struct minivmx_error error;
	unsigned int id;
	int ret = s->vm.backend->open(&s->vm, &error);

	if (ret) {
		fprintf(stderr, "minivmx: %s\n", error.text);
		if (error.hint[0])
			fprintf(stderr, "minivmx: %s\n", error.hint);
		return -1;
	}
	if (s->vm.borrows)
		fprintf(stderr, "minivmx: VMX is KVM's: borrowing it\n");
	for (id = 0; !ret && id < s->options->cpus; id++)
		ret = open_cpu(s, id);
	if (ret)
		fprintf(stderr, "minivmx: cannot create vCPU %u: %s%s\n", s->nr_cpus,
			strerror(-ret), vcpu_hint(-ret));
	return ret;
}

static int load_images(struct session *s, struct boot_request *request,
		       struct boot_state *state, struct message *message)
{
	const struct run_options *options = s->options;
	const struct loader *loader;
	struct message why;

	if (read_file(options->image, IMAGE_LIMIT, &request->image, message))
		return -1;
	if (options->initrd) {
		if (read_file(options->initrd, options->memory,
			      &request->initrd, message))
			return -1;
		if (!request->initrd.size)
			return fail(message, "%s: the initrd is empty",
				    options->initrd);
		request->initrd_name = base_name(options->initrd);
	}
	request->image_name = base_name(options->image);
	request->append = options->append;

	loader = loader_find(request->image, &why);
	if (!loader || loader->load(request, &s->memory, state, &why))
		return fail(message, "%s: %s", options->image, why.text);
	if (options->verbose)
		fprintf(stderr, "minivmx: %s: %s, starts at %#llx\n",
			options->image, loader->name,
			(unsigned long long)(state->sregs.cs.base +
					     state->regs.rip));
	return 0;
}

/* Read and check the images first: that needs no VT-x and says most mistakes. */
static int prepare_guest(struct session *s, struct boot_state *state)
{
	struct boot_request request = { 0 };
	struct message message;
	int ret;

	ret = guest_memory_init(&s->memory, s->options->memory);
	if (ret) {
		fprintf(stderr, "minivmx: the host has no %s of memory for the guest: %s\n",
			format_size(s->options->memory).text, strerror(-ret));
		return -1;
	}
	acpi_write(&s->memory, s->options->cpus);
	ret = load_images(s, &request, state, &message);
	if (ret)
		fprintf(stderr, "minivmx: %s\n", message.text);
	free((void *)request.image.data);
	free((void *)request.initrd.data);
	return ret;
}

static int map_guest_memory(struct session *s)
{
	struct memory_range ranges[2];
	unsigned int i, nr = guest_memory_ranges(&s->memory, ranges);

	for (i = 0; i < nr; i++) {
		uint64_t size = ranges[i].end - ranges[i].start;
		void *memory = guest_memory_at(&s->memory, ranges[i].start, size);
		int ret = s->vm.backend->map(&s->vm, ranges[i].start, memory, size);

		if (ret) {
			fprintf(stderr, "minivmx: cannot map the guest's memory at %#llx: %s\n",
				(unsigned long long)ranges[i].start,
				strerror(-ret));
			return -1;
		}
	}
	return 0;
}

#define LVT_EXTINT	0x700
#define LVT_NMI		0x400
#define SVR_ENABLED	0x1ff

/* LINT0 passes the PIC's interrupts on, LINT1 NMIs, as a BIOS leaves the first CPU. */
static const struct lapic_value bios_lapic[] = {
	{ 0xf0, SVR_ENABLED }, { 0x350, LVT_EXTINT }, { 0x360, LVT_NMI },
};

static int set_state(struct session *s, const struct boot_state *state)
{
	const struct backend *backend = s->vm.backend;
	struct vcpu *vcpu = &s->cpus[0].vcpu;
	int ret = backend->set_state(vcpu, &state->sregs, &state->regs);

	if (!ret)
		ret = backend->set_lapic(vcpu, bios_lapic, ARRAY_SIZE(bios_lapic));
	if (ret)
		fprintf(stderr, "minivmx: cannot set the system registers: %s\n",
			strerror(-ret));
	return ret;
}

static int create_machine(struct session *s)
{
	const struct machine_config config = {
		.memory_size = s->options->memory,
		.debug_exit_port = s->options->debug_exit_port,
		.host = {
			.context = s,
			.intr = on_intr,
			.deadline = on_deadline,
			.output = on_output,
			.output_wait = on_output_wait,
			.input_taken = on_input_taken,
			.stopped = on_stopped,
			.msi = on_msi,
			.ioeventfd = on_ioeventfd,
			.irqfd = on_irqfd,
		},
	};
	struct message message;

	s->machine = machine_create(&config, &message);
	s->virtio.m = s->machine;
	s->virtio.memory = &s->memory;
	if (s->machine && !virtio_devices_create(&s->virtio, s->options, &message))
		return 0;
	fprintf(stderr, "minivmx: %s\n", message.text);
	return -1;
}

/* ---- Running ---- */

static int start_threads(struct session *s)
{
	struct message message;
	int ret;

	/* The I/O thread takes them all. */
	signals_block(true);
	/* Not before: a signal would leave the socket behind. */
	if (session_listen(s))
		return -1;
	/* Not before, either: the name is ours now, and its file. */
	if (detach_open_log(s, &message)) {
		fprintf(stderr, "minivmx: %s\n", message.text);
		return -1;
	}
	ret = output_start(&s->output);
	if (!ret) {
		ret = virtio_devices_start(&s->virtio);
		if (!ret)
			ret = io_start(s);
		if (ret)
			output_finish(&s->output, -1);
	}
	if (ret)
		fprintf(stderr, "minivmx: cannot start a thread: %s\n",
			strerror(-ret));
	return ret;
}

/* Whoever ended the run from outside does not want to wait for a slow reader. */
static int patience(const struct session *s)
{
	switch (s->outcome) {
	case OUTCOME_QUIT:
	case OUTCOME_KILLED:
	case OUTCOME_DEBUGGER:
	case OUTCOME_SIGNAL:
	case OUTCOME_TIMEOUT:
		return PATIENCE_MS;
	default:
		return -1;
	}
}

static void hang_up(struct session *s)
{
	pthread_mutex_lock(&s->machine->lock);
	session_end(s, OUTCOME_SIGNAL, SIGHUP);
	pthread_mutex_unlock(&s->machine->lock);
}

static int run_guest(struct session *s)
{
	struct message message;
	int status;

	if (stats_start(s) < 0) {
		fprintf(stderr, "minivmx: this module keeps no statistics\n");
		return STATUS_HOST;
	}
	if (debugger_start(s) || start_threads(s))
		return STATUS_HOST;
	/* Where it fails it has ended the session; the I/O thread runs already. */
	if (!vcpus_start(s)) {
		if (detach_ready(s))
			hang_up(s);
		vcpu_loop(&s->cpus[0]);
		vcpus_join(s);
	}
	io_stop(s);
	if (!output_finish(&s->output, patience(s)))
		s->output_hangs = true;
	else
		console_finish(&s->console, PATIENCE_MS);

	status = report_outcome(s);
	if (stats_print(s, &message)) {
		fprintf(stderr, "minivmx: %s\n", message.text);
		if (status == STATUS_OK)
			status = STATUS_HOST;
	}
	return status;
}

static int set_up_and_run(struct session *s)
{
	struct boot_state state;

	if (prepare_guest(s, &state) || open_vm(s) || create_machine(s) ||
	    map_guest_memory(s) || set_state(s, &state))
		return STATUS_HOST;
	return run_guest(s);
}

static void take_down(struct session *s)
{
	virtio_devices_free(&s->virtio);
	while (s->nr_cpus--)
		s->vm.backend->close_vcpu(&s->cpus[s->nr_cpus].vcpu);
	s->vm.backend->close(&s->vm);
	guest_memory_free(&s->memory);
	machine_destroy(s->machine);
}

int session_run(const struct run_options *options)
{
	/* Not on the stack: a thread that hangs in a write may outlive this. */
	static struct session s;
	int status;

	s.options = options;
	s.vm = (struct vm) { .backend = options->backend, .device = -1, .fd = -1 };
	s.culprit = &s.cpus[0];
	pthread_cond_init(&s.turn, NULL);
	console_init(&s.console);
	output_init(&s.output, options->detach ? -1 : STDOUT_FILENO, on_written,
		    on_output_failed, &s);

	status = set_up_and_run(&s);
	detach_end(&s, status);
	debugger_stop(&s, status);
	control_stop(s.control);
	/* Else the end of the process does it all. */
	if (!s.output_hangs)
		take_down(&s);
	if (s.outcome == OUTCOME_SIGNAL)
		die_of_signal(s.detail);
	return status;
}
