// SPDX-License-Identifier: GPL-2.0
/* The vCPU's loop: RUN, and what each kind of exit asks for. */
#include <errno.h>
#include <string.h>

#include "array.h"
#include "debugger.h"
#include "session.h"

#define RFLAGS_IF	(1ULL << 9)

/* Handlers set @run->action; the machine's lock is held. */
typedef void (*exit_handler)(struct session *s, struct minivmx_run *run);

static void on_nothing(struct session *s, struct minivmx_run *run)
{
	(void)s;
	run->action = MINIVMX_RETRY;
}

static void on_vm_error(struct session *s, struct minivmx_run *run)
{
	run->action = MINIVMX_RETRY;
	session_end(s, OUTCOME_VM_ERROR, 0);
}

static void on_shutdown(struct session *s, struct minivmx_run *run)
{
	run->action = MINIVMX_RETRY;
	session_end(s, OUTCOME_TRIPLE_FAULT, 0);
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

static void on_io(struct session *s, struct minivmx_run *run)
{
	struct minivmx_io *io = &run->io;
	uint32_t i;

	for (i = 0; i < io->count; i++) {
		uint8_t *data = io->data + (size_t)i * io->size;

		if (io->is_in)
			io_in(s->machine, io, data);
		else
			io_out(s->machine, io, data);
	}
	run->action = MINIVMX_SKIP;
}

/* No device has registers in memory: it reads as ones, like a bus without one. */
static void on_mmio(struct session *s, struct minivmx_run *run)
{
	if (!s->mmio_reads && !s->mmio_writes)
		s->mmio_first = run->mmio.gpa;
	if (run->mmio.is_write) {
		s->mmio_writes++;
	} else {
		s->mmio_reads++;
		run->mmio.data = UINT64_MAX;
	}
	run->action = MINIVMX_SKIP;
}

static void on_hlt(struct session *s, struct minivmx_run *run)
{
	struct machine *m = s->machine;

	run->action = MINIVMX_SKIP;
	if (!(run->regs.rflags & RFLAGS_IF)) {
		/* Nothing here sends an NMI, so nothing will ever wake it. */
		session_end(s, OUTCOME_HALT, 0);
	} else if (run->ready & MINIVMX_READY_IRQ) {
		while (!m->intr && !s->debugger_calls && s->outcome == OUTCOME_NONE)
			pthread_cond_wait(&s->wake, &m->lock);
		/* It still waits there when the debugger looks. */
		if (!m->intr && s->debugger_calls)
			run->action = MINIVMX_RETRY;
	}
	/* Not ready although IF is set: the module has an interrupt for it. */
}

/* There are no hypercalls here; the guest is told so and goes on. */
static void on_hypercall(struct session *s, struct minivmx_run *run)
{
	(void)s;
	run->regs.rax = (uint64_t)-ENOSYS;
	run->action = MINIVMX_SKIP;
}

static const exit_handler on_exit[] = {
	[MINIVMX_EXIT_NONE] = on_nothing,
	[MINIVMX_EXIT_VMX] = on_vm_error,
	[MINIVMX_EXIT_IO] = on_io,
	[MINIVMX_EXIT_MMIO] = on_mmio,
	[MINIVMX_EXIT_HLT] = on_hlt,
	[MINIVMX_EXIT_HYPERCALL] = on_hypercall,
	[MINIVMX_EXIT_SHUTDOWN] = on_shutdown,
	[MINIVMX_EXIT_IRQ_WINDOW] = on_nothing,
	[MINIVMX_EXIT_NMI_WINDOW] = on_nothing,
	[MINIVMX_EXIT_INTR] = on_nothing,
	[MINIVMX_EXIT_ENTRY_FAIL] = on_vm_error,
	[MINIVMX_EXIT_MEMORY] = on_vm_error,
	[MINIVMX_EXIT_EMULATION] = on_vm_error,
	[MINIVMX_EXIT_DEAD] = on_vm_error,
};

/*
 * The interrupt controller hands out a vector only when the guest can take it:
 * a vector once acknowledged cannot be given back.
 */
static void offer_interrupt(struct session *s, struct minivmx_run *run)
{
	run->request = 0;
	/* RUN was interrupted before it took the last one. */
	if (run->event.flags & MINIVMX_EVENT_VALID)
		return;
	if (!s->machine->intr)
		return;
	if (!(run->ready & MINIVMX_READY_IRQ)) {
		run->request = MINIVMX_REQ_IRQ_WINDOW;
		return;
	}
	run->event = (struct minivmx_event) {
		.flags = MINIVMX_EVENT_VALID,
		.type = MINIVMX_EVENT_EXTINT,
		.vector = machine_acknowledge(s->machine),
	};
	/* Should another be waiting behind it, ask when that can come. */
	if (s->machine->intr)
		run->request = MINIVMX_REQ_IRQ_WINDOW;
}

/* Enter the guest, without the lock while it runs. */
static int run_vcpu(struct session *s)
{
	int ret;

	s->in_run = true;
	pthread_mutex_unlock(&s->machine->lock);
	/* Here nothing is held that a stalled reader of stdout could hold up. */
	output_wait_room(&s->output);
	ret = minivmx_run(s->vcpu);
	pthread_mutex_lock(&s->machine->lock);
	s->in_run = false;
	s->kicked = false;
	return ret;
}

void vcpu_loop(struct session *s)
{
	struct minivmx_run *run = s->run;

	pthread_mutex_lock(&s->machine->lock);
	while (s->outcome == OUTCOME_NONE) {
		int ret;

		if (!debugger_before_run(s))
			offer_interrupt(s, run);
		if (s->outcome != OUTCOME_NONE)
			break;
		ret = run_vcpu(s);
		if (ret < 0 && ret != -EINTR)
			session_end(s, OUTCOME_RUN_FAILED, -ret);
		else if (debugger_after_run(s))
			continue;
		else if (run->kind < ARRAY_SIZE(on_exit))
			on_exit[run->kind](s, run);
		else
			on_vm_error(s, run);
	}
	pthread_mutex_unlock(&s->machine->lock);
}
