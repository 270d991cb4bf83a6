// SPDX-License-Identifier: GPL-2.0
/* A CPU's loop: RUN, and what each kind of exit asks for. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "array.h"
#include "debugger.h"
#include "session.h"

/* Handlers set @run->action; the machine's lock is held. */
typedef void (*exit_handler)(struct cpu *cpu, struct minivmx_run *run);

static void on_nothing(struct cpu *cpu, struct minivmx_run *run)
{
	(void)cpu;
	run->action = MINIVMX_RETRY;
}

/* It ends here, unless another CPU was faster. */
static void end_by(struct cpu *cpu, enum outcome why, int detail)
{
	struct session *s = cpu->session;

	if (s->outcome == OUTCOME_NONE)
		s->culprit = cpu;
	session_end(s, why, detail);
}

static void on_vm_error(struct cpu *cpu, struct minivmx_run *run)
{
	run->action = MINIVMX_RETRY;
	end_by(cpu, OUTCOME_VM_ERROR, 0);
}

static void on_shutdown(struct cpu *cpu, struct minivmx_run *run)
{
	run->action = MINIVMX_RETRY;
	end_by(cpu, OUTCOME_TRIPLE_FAULT, 0);
}

static void io_in(struct machine *m, struct minivmx_io *io, uint8_t *data)
{
	uint32_t value = machine_in(m, io->port, io->size);

	memcpy(data, &value, io->size);
}

static void io_out(struct machine *m, struct minivmx_io *io, uint8_t *data)
{
	uint32_t value = 0;

	memcpy(&value, data, io->size);
	machine_out(m, io->port, io->size, value);
}

static void on_io(struct cpu *cpu, struct minivmx_run *run)
{
	struct machine *m = cpu->session->machine;
	struct minivmx_io *io = &run->io;
	uint32_t i;

	for (i = 0; i < io->count; i++) {
		uint8_t *data = cpu->vcpu.io_data + (size_t)i * io->size;

		if (io->is_in)
			io_in(m, io, data);
		else
			io_out(m, io, data);
	}
	run->action = MINIVMX_SKIP;
}

/* Where no device is, it reads as ones, like a bus without one. */
static void on_mmio(struct cpu *cpu, struct minivmx_run *run)
{
	struct session *s = cpu->session;
	struct minivmx_mmio *mmio = &run->mmio;
	uint64_t value = UINT64_MAX;
	bool answered;

	if (mmio->is_write)
		answered = machine_write(s->machine, mmio->gpa, mmio->size, mmio->data);
	else
		answered = machine_read(s->machine, mmio->gpa, mmio->size, &value);
	if (!answered) {
		if (!s->mmio_reads && !s->mmio_writes)
			s->mmio_first = mmio->gpa;
		s->mmio_writes += mmio->is_write;
		s->mmio_reads += !mmio->is_write;
	}
	if (!mmio->is_write)
		mmio->data = value;
	run->action = MINIVMX_SKIP;
}

/*
 * With interrupts off: with them on it sleeps in RUN. Only another CPU could wake it,
 * so that when there is none that executes the guest has ended.
 */
static void on_hlt(struct cpu *cpu, struct minivmx_run *run)
{
	struct session *s = cpu->session;
	unsigned int i;

	run->action = MINIVMX_SKIP;
	cpu->parked = true;
	for (i = 0; i < s->nr_cpus; i++)
		if (!s->cpus[i].parked && !s->vm.backend->waits_for_sipi(&s->cpus[i].vcpu))
			return;
	end_by(cpu, OUTCOME_HALT, 0);
}

static void on_eoi(struct cpu *cpu, struct minivmx_run *run)
{
	machine_eoi(cpu->session->machine, (uint8_t)run->eoi.vector);
	run->action = MINIVMX_RETRY;
}

static const exit_handler on_exit[] = {
	[MINIVMX_EXIT_NONE] = on_nothing,
	[MINIVMX_EXIT_VMX] = on_vm_error,
	[MINIVMX_EXIT_IO] = on_io,
	[MINIVMX_EXIT_MMIO] = on_mmio,
	[MINIVMX_EXIT_HLT] = on_hlt,
	[MINIVMX_EXIT_HYPERCALL] = on_vm_error,
	[MINIVMX_EXIT_SHUTDOWN] = on_shutdown,
	[MINIVMX_EXIT_IRQ_WINDOW] = on_nothing,
	[MINIVMX_EXIT_NMI_WINDOW] = on_nothing,
	[MINIVMX_EXIT_INTR] = on_nothing,
	[MINIVMX_EXIT_ENTRY_FAIL] = on_vm_error,
	[MINIVMX_EXIT_MEMORY] = on_vm_error,
	[MINIVMX_EXIT_EMULATION] = on_vm_error,
	[MINIVMX_EXIT_DEAD] = on_vm_error,
	[MINIVMX_EXIT_EOI] = on_eoi,
};

/*
 * The PIC hands out a vector only when the guest can take it: a vector once
 * acknowledged cannot be given back. It is wired to the bootstrap CPU.
 */
static void offer_interrupt(struct cpu *cpu, struct minivmx_run *run)
{
	struct machine *m = cpu->session->machine;

	run->request = 0;
	/* RUN was interrupted before it took the last one. */
	if (cpu->id || (run->event.flags & MINIVMX_EVENT_VALID))
		return;
	if (!m->intr)
		return;
	if (!(run->ready & MINIVMX_READY_IRQ)) {
		run->request = MINIVMX_REQ_IRQ_WINDOW;
		return;
	}
	run->event = (struct minivmx_event) {
		.flags = MINIVMX_EVENT_VALID,
		.type = MINIVMX_EVENT_EXTINT,
		.vector = machine_acknowledge(m),
	};
	/* Should another be waiting behind it, ask when that can come. */
	if (m->intr)
		run->request = MINIVMX_REQ_IRQ_WINDOW;
}

void vcpu_kick(struct cpu *cpu)
{
	if (cpu->in_run && !cpu->kicked) {
		cpu->kicked = true;
		cpu->vcpu.vm->backend->kick(&cpu->vcpu);
	}
}

/*
 * Wait until it may enter the guest: not while that is paused, nor while stdout takes no
 * more. False if the session has ended.
 */
static bool wait_for_turn(struct cpu *cpu)
{
	struct session *s = cpu->session;

	while (s->outcome == OUTCOME_NONE) {
		if (s->paused) {
			pthread_cond_wait(&s->turn, &s->machine->lock);
		} else if (s->output.full) {
			pthread_mutex_unlock(&s->machine->lock);
			output_wait_room(&s->output);
			pthread_mutex_lock(&s->machine->lock);
		} else {
			return true;
		}
	}
	return false;
}

/* Enter the guest, without the lock while it runs. */
static int run_vcpu(struct cpu *cpu)
{
	struct session *s = cpu->session;
	int ret;

	cpu->in_run = true;
	pthread_mutex_unlock(&s->machine->lock);
	ret = s->vm.backend->run(&cpu->vcpu);
	pthread_mutex_lock(&s->machine->lock);
	cpu->in_run = false;
	cpu->kicked = false;
	if (s->paused)
		pthread_cond_broadcast(&s->turn);
	return ret;
}

/* Whatever it was but an interruption: the CPU executes. */
static void handle_exit(struct cpu *cpu, struct minivmx_run *run)
{
	if (run->kind != MINIVMX_EXIT_INTR)
		cpu->parked = false;
	if (run->kind < ARRAY_SIZE(on_exit))
		on_exit[run->kind](cpu, run);
	else
		on_vm_error(cpu, run);
}

void vcpu_loop(struct cpu *cpu)
{
	struct session *s = cpu->session;
	struct minivmx_run *run = cpu->run;
	const bool is_first = cpu->id == 0;

	pthread_mutex_lock(&s->machine->lock);
	cpu->vcpu.thread = pthread_self();
	while (wait_for_turn(cpu)) {
		int ret;

		/* There is no debugger if there is more than one CPU. */
		if (!is_first || !debugger_before_run(s))
			offer_interrupt(cpu, run);
		if (s->outcome != OUTCOME_NONE)
			break;
		ret = run_vcpu(cpu);
		if (ret < 0 && ret != -EINTR)
			end_by(cpu, OUTCOME_RUN_FAILED, -ret);
		else if (!is_first || !debugger_after_run(s))
			handle_exit(cpu, run);
	}
	pthread_mutex_unlock(&s->machine->lock);
}

/* ---- The others ---- */

static void *run_thread(void *arg)
{
	struct cpu *cpu = arg;

	/* It waits for another CPU to start it. */
	cpu->run->action = MINIVMX_RETRY;
	vcpu_loop(cpu);
	return NULL;
}

int vcpus_start(struct session *s)
{
	int ret = 0;

	for (s->nr_threads = 1; s->nr_threads < s->nr_cpus; s->nr_threads++) {
		struct cpu *cpu = &s->cpus[s->nr_threads];

		ret = pthread_create(&cpu->thread, NULL, run_thread, cpu);
		if (ret)
			break;
	}
	if (!ret)
		return 0;
	fprintf(stderr, "minivmx: cannot start a thread for CPU %u: %s\n", s->nr_threads,
		strerror(ret));
	pthread_mutex_lock(&s->machine->lock);
	session_end(s, OUTCOME_HOST, ret);
	pthread_mutex_unlock(&s->machine->lock);
	vcpus_join(s);
	return -ret;
}

void vcpus_join(struct session *s)
{
	while (--s->nr_threads)
		pthread_join(s->cpus[s->nr_threads].thread, NULL);
}
