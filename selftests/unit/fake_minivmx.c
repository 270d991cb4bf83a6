// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake_minivmx.h"

#define RFLAGS_IF	(1 << 9)
#define COM1_DATA	0x3f8
#define COM1_STATUS	0x3fd

const struct fake_step *fake_program;
struct minivmx_caps fake_caps = { .physical_bits = 40, .linear_bits = 48 };
int fake_caps_error;

/* Where FAKE_ECHO is in a round. */
enum echo { ECHO_STATUS, ECHO_READ, ECHO_WRITE };

static struct {
	struct minivmx_run run;
	pthread_mutex_t lock;
	pthread_cond_t kicked_cond;
	bool kicked;

	const struct fake_step *step;
	bool exited;		/* the step's exit was made; see what came back */
	bool interrupts;	/* IF */
	unsigned int taken;	/* interrupts delivered */
	bool woken;		/* out of HLT, by an interrupt */
	uint8_t vector;
	enum echo echo;
	uint8_t byte;
	uint64_t exits;
} cpu = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.kicked_cond = PTHREAD_COND_INITIALIZER,
};

/* A step went wrong: end the process in a way that no test expects. */
static void wrong(const char *what, uint64_t got, uint64_t wanted)
{
	fprintf(stderr, "# step %td: %s: %#llx, not %#llx\n",
		cpu.step - fake_program, what, (unsigned long long)got,
		(unsigned long long)wanted);
	_exit(99);
}

/* ---- Exits ---- */

static void leave(uint32_t kind, uint32_t reason)
{
	struct minivmx_run *run = &cpu.run;

	run->kind = kind;
	run->ready = cpu.interrupts ? MINIVMX_READY_IRQ : 0;
	run->regs.rflags = cpu.interrupts ? RFLAGS_IF | 2 : 2;
	run->exit.reason = reason;
	cpu.exits++;
}

static void leave_io(uint16_t port, unsigned int size, bool is_in,
		     const void *data, uint32_t count)
{
	struct minivmx_io *io = &cpu.run.io;

	memset(io, 0, sizeof(*io));
	io->port = port;
	io->size = size ? size : 1;
	io->is_in = is_in;
	io->is_string = count > 1;
	io->count = count;
	if (data)
		memcpy(io->data, data, io->size * count);
	leave(MINIVMX_EXIT_IO, 30);
}

static void leave_mmio(bool is_write)
{
	cpu.run.mmio = (struct minivmx_mmio) {
		.gpa = 0xfee00000,
		.size = 4,
		.is_write = is_write,
	};
	leave(MINIVMX_EXIT_MMIO, 48);
}

static void leave_echo(void)
{
	switch (cpu.echo) {
	case ECHO_STATUS:
		leave_io(COM1_STATUS, 1, true, NULL, 1);
		break;
	case ECHO_READ:
		leave_io(COM1_DATA, 1, true, NULL, 1);
		break;
	case ECHO_WRITE:
		leave_io(COM1_DATA, 1, false, &cpu.byte, 1);
		break;
	}
}

/* True if the echo is over. */
static bool finish_echo(uint8_t last)
{
	uint8_t byte = cpu.run.io.data[0];

	switch (cpu.echo) {
	case ECHO_STATUS:
		cpu.echo = byte & 1 ? ECHO_READ : ECHO_STATUS;
		return false;
	case ECHO_READ:
		cpu.byte = byte;
		cpu.echo = ECHO_WRITE;
		return false;
	case ECHO_WRITE:
		cpu.echo = ECHO_STATUS;
		return cpu.byte == last;
	}
	return true;
}

/* ---- Steps ---- */

/* What the runner did with the exit of the last RUN; then the next step. */
static void finish_step(void)
{
	const struct fake_step *step = cpu.step;
	uint64_t value = 0;

	if (!cpu.exited)
		return;
	cpu.exited = false;
	if (cpu.run.action != MINIVMX_SKIP)
		wrong("action", cpu.run.action, MINIVMX_SKIP);
	switch (step->op) {
	case FAKE_IN:
		memcpy(&value, cpu.run.io.data, cpu.run.io.size);
		if (value != step->value)
			wrong("IN", value, step->value);
		break;
	case FAKE_MMIO_READ:
		memcpy(&value, &cpu.run.mmio.data, cpu.run.mmio.size);
		if (value != step->value)
			wrong("read", value, step->value);
		break;
	case FAKE_ECHO:
		if (!finish_echo((uint8_t)step->value))
			return;
		break;
	default:
		break;
	}
	cpu.step++;
}

static void take_event(void)
{
	struct minivmx_event *event = &cpu.run.event;

	if (!(event->flags & MINIVMX_EVENT_VALID))
		return;
	if (!cpu.interrupts || event->type != MINIVMX_EVENT_EXTINT)
		wrong("interrupt while not ready", event->vector, 0);
	cpu.vector = event->vector;
	cpu.taken++;
	cpu.woken = cpu.step->op == FAKE_HLT;
	event->flags = 0;
}

static bool take_kick(void)
{
	bool kicked;

	pthread_mutex_lock(&cpu.lock);
	kicked = cpu.kicked;
	cpu.kicked = false;
	pthread_mutex_unlock(&cpu.lock);
	return kicked;
}

static void wait_for_kick(void)
{
	pthread_mutex_lock(&cpu.lock);
	while (!cpu.kicked)
		pthread_cond_wait(&cpu.kicked_cond, &cpu.lock);
	pthread_mutex_unlock(&cpu.lock);
}

/* Do one step; true if it made an exit. */
static bool do_step(void)
{
	const struct fake_step *step = cpu.step;

	cpu.exited = true;
	switch (step->op) {
	case FAKE_OUT:
		leave_io(step->port, step->size, false, &step->value, 1);
		return true;
	case FAKE_OUTS:
		leave_io(step->port, 1, false, step->text,
			 (uint32_t)strlen(step->text));
		return true;
	case FAKE_IN:
		leave_io(step->port, step->size, true, NULL, 1);
		return true;
	case FAKE_ECHO:
		leave_echo();
		return true;
	case FAKE_HLT:
		if (cpu.interrupts)
			break;	/* it sleeps in RUN */
		leave(MINIVMX_EXIT_HLT, 12);
		return true;
	case FAKE_MMIO_READ:
		leave_mmio(false);
		return true;
	case FAKE_MMIO_WRITE:
		leave_mmio(true);
		return true;
	case FAKE_EXIT:
		leave((uint32_t)step->value, step->port);
		return true;
	default:
		break;
	}

	cpu.exited = false;
	switch (step->op) {
	case FAKE_HLT:
		if (!cpu.woken) {
			wait_for_kick();
			return false;
		}
		cpu.woken = false;
		break;
	case FAKE_CLI:
		cpu.interrupts = false;
		break;
	case FAKE_STI:
		cpu.interrupts = true;
		break;
	case FAKE_SPIN:
		if (cpu.taken < step->value) {
			wait_for_kick();
			return false;
		}
		cpu.taken = 0;
		break;
	case FAKE_DELAY:
		usleep((useconds_t)step->value * 1000);
		break;
	case FAKE_VECTOR:
		if (cpu.vector != step->value)
			wrong("vector", cpu.vector, step->value);
		break;
	case FAKE_AGAIN:
		cpu.step = fake_program;
		return false;
	default:
		wrong("operation", step->op, 0);
	}
	cpu.step = step + 1;
	return false;
}

int minivmx_run(int vcpu)
{
	finish_step();
	take_event();
	if (cpu.run.request & MINIVMX_REQ_EXIT_NOW) {
		leave(MINIVMX_EXIT_INTR, 1);
		return 0;
	}
	for (;;) {
		if (cpu.step->op == FAKE_ERROR)
			return -(int)cpu.step->value;
		if (take_kick()) {
			leave(MINIVMX_EXIT_INTR, 1);
			return 0;
		}
		if ((cpu.run.request & MINIVMX_REQ_IRQ_WINDOW) && cpu.interrupts) {
			leave(MINIVMX_EXIT_IRQ_WINDOW, 7);
			return 0;
		}
		if (do_step())
			return 0;
	}
}

int minivmx_kick(int vcpu)
{
	pthread_mutex_lock(&cpu.lock);
	cpu.kicked = true;
	pthread_cond_signal(&cpu.kicked_cond);
	pthread_mutex_unlock(&cpu.lock);
	return 0;
}

/* ---- The rest of the library, as far as the runner calls it ---- */

int minivmx_open(struct minivmx_error *error)
{
	cpu.step = fake_program;
	return dup(2);
}

int minivmx_create_vm(int fd, uint32_t flags, struct minivmx_error *error)
{
	return dup(fd);
}

int minivmx_create_vcpu(int vm, uint32_t id)
{
	return dup(vm);
}

int minivmx_get_info(int fd, struct minivmx_info *info)
{
	*info = (struct minivmx_info) {
		.api_version = MINIVMX_API_VERSION,
		.run_size = 4096,
		.max_vcpus = 1,
		.gpa_bits = 40,
		.xsave_size = 832,
	};
	return 0;
}

int minivmx_get_caps(int fd, struct minivmx_caps *caps)
{
	*caps = fake_caps;
	return fake_caps_error;
}

int minivmx_map_run(int vcpu, size_t size, struct minivmx_run **run)
{
	*run = &cpu.run;
	return 0;
}

int minivmx_unmap_run(struct minivmx_run *run, size_t size)
{
	return 0;
}

int minivmx_map(int vm, uint64_t gpa, void *hva, uint64_t size, uint32_t prot)
{
	return 0;
}

int minivmx_set_sregs(int vcpu, const struct minivmx_sregs *sregs)
{
	return 0;
}

int minivmx_set_msrs(int vcpu, const struct minivmx_msr *msrs, uint32_t nr)
{
	return nr;
}

int minivmx_get_msrs(int vcpu, struct minivmx_msr *msrs, uint32_t nr)
{
	uint32_t i;

	for (i = 0; i < nr; i++)
		msrs[i].data = 0;
	return nr;
}

int minivmx_get_sregs(int vcpu, struct minivmx_sregs *sregs)
{
	memset(sregs, 0, sizeof(*sregs));
	return 0;
}

int minivmx_get_apic(int vcpu, struct minivmx_apic *apic, uint32_t *regs)
{
	*apic = (struct minivmx_apic) { .regs = (uintptr_t)regs };
	memset(regs, 0, MINIVMX_APIC_SIZE);
	return 0;
}

int minivmx_set_apic(int vcpu, const struct minivmx_apic *apic)
{
	return 0;
}

int minivmx_signal_msi(int vm, uint64_t address, uint32_t data)
{
	return 0;
}

int minivmx_set_gsi_routes(int vm, const struct minivmx_gsi_route *routes, uint32_t nr)
{
	return 0;
}

int minivmx_irqfd(int vm, const struct minivmx_irqfd *arg)
{
	return 0;
}

int minivmx_ioeventfd(int vm, const struct minivmx_ioeventfd *arg)
{
	return 0;
}

int minivmx_set_route(int vcpu, uint32_t reason, uint32_t route)
{
	return 0;
}

int minivmx_get_events(int vcpu, struct minivmx_events *events)
{
	memset(events, 0, sizeof(*events));
	return 0;
}

int minivmx_set_events(int vcpu, const struct minivmx_events *events)
{
	return 0;
}

int minivmx_get_xsave(int vcpu, void *area, uint32_t size)
{
	memset(area, 0, size);
	return 0;
}

int minivmx_set_xsave(int vcpu, const void *area, uint32_t size)
{
	return 0;
}

int minivmx_get_stats(int vcpu, uint32_t flags, struct minivmx_exit_stat *exits,
		      uint32_t nr)
{
	memset(exits, 0, nr * sizeof(*exits));
	exits[30] = (struct minivmx_exit_stat) { cpu.exits, cpu.exits, 10, 5 };
	return 0;
}

/* ---- The VMCS ---- */

struct minivmx_vmcs_field *fake_vmcs;
unsigned int fake_vmcs_nr;
int fake_vmcs_error;
unsigned int fake_vmcs_sets;

static struct minivmx_vmcs_field *find_field(uint32_t encoding)
{
	for (unsigned int i = 0; i < fake_vmcs_nr; i++)
		if (fake_vmcs[i].encoding == encoding)
			return &fake_vmcs[i];
	return NULL;
}

int minivmx_get_vmcs(int vcpu, struct minivmx_vmcs_field *fields, uint32_t nr)
{
	if (fake_vmcs_error)
		return -fake_vmcs_error;
	for (uint32_t i = 0; i < nr; i++) {
		const struct minivmx_vmcs_field *row = find_field(fields[i].encoding);

		fields[i].result = row ? 0 : ENODEV;
		fields[i].value = row ? row->value : 0;
		fields[i].refused = 0;
	}
	return 0;
}

static int judge_field(struct minivmx_vmcs_field *field)
{
	const struct minivmx_vmcs_field *row = find_field(field->encoding);

	field->result = row ? 0 : ENODEV;
	field->refused = row ? (row->value ^ field->value) & row->refused : 0;
	if (field->refused)
		field->result = row->result;
	return (int)field->result;
}

int minivmx_set_vmcs(int vcpu, struct minivmx_vmcs_field *fields, uint32_t nr)
{
	int error = fake_vmcs_error;

	if (error)
		return -error;
	for (uint32_t i = 0; i < nr; i++) {
		int result = judge_field(&fields[i]);

		error = error ? error : result;
	}
	if (error)
		return -error;
	for (uint32_t i = 0; i < nr; i++)
		find_field(fields[i].encoding)->value = fields[i].value;
	fake_vmcs_sets++;
	return 0;
}
