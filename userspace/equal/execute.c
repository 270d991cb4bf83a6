// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include "execute.h"

/* No program takes that long, or comes out so often. */
#define LIMIT_S		10
#define LIMIT_EXITS	20000

/* A run, for its answers. */
struct execution {
	const struct equal_program *program;
	struct vcpu vcpu;
	const uint8_t *memory;
	struct equal_outcome *outcome;
	uint64_t accesses;
	bool ended;
};

/* ---- Answers, by a rule, and a checksum of the questions ---- */

/* Any function will do that differs for what is near. */
static uint64_t mix(uint64_t sum, uint64_t value)
{
	sum = (sum ^ value) * 0x9e3779b97f4a7c15ULL;
	return sum ^ sum >> 29;
}

static void note_access(struct execution *execution, uint64_t what, uint64_t value)
{
	execution->accesses = mix(mix(execution->accesses, what), value);
}

/* One element after the other, so that it is the same whatever comes out at once. */
static void answer_io(struct execution *execution, const struct minivmx_io *io)
{
	uint8_t *data = execution->vcpu.io_data;
	uint32_t i, value;

	for (i = 0; i < io->count; i++, data += io->size) {
		value = (uint32_t)mix(io->port, io->size);
		if (io->is_in)
			memcpy(data, &value, io->size);
		value = 0;
		memcpy(&value, data, io->size);
		note_access(execution, io->port | (uint64_t)io->size << 16 |
				       (uint64_t)io->is_in << 24, value);
	}
}

/* One byte after the other: KVM takes some accesses apart. */
static void answer_mmio(struct execution *execution, struct minivmx_mmio *mmio)
{
	unsigned int i;
	uint8_t byte;

	if (!mmio->is_write)
		mmio->data = 0;
	for (i = 0; i < mmio->size; i++) {
		if (!mmio->is_write)
			mmio->data |= (mix(mmio->gpa + i, 1) & 0xff) << 8 * i;
		byte = (uint8_t)(mmio->data >> 8 * i);
		note_access(execution, mmio->gpa + i, byte | (uint64_t)mmio->is_write << 8);
	}
}

/* ---- Looking ---- */

static int look(struct execution *execution, struct message *message)
{
	struct equal_outcome *outcome = execution->outcome;
	struct equal_state *state = &outcome->states[outcome->nr_states];
	struct vcpu *vcpu = &execution->vcpu;
	uint32_t faults;
	int ret;

	memset(state, 0, sizeof(*state));
	ret = vcpu->vm->backend->read_state(vcpu, &state->sregs);
	if (ret)
		return fail(message, "cannot read a guest's registers: %s", strerror(-ret));
	state->regs = vcpu->run->regs;
	state->accesses = execution->accesses;
	memcpy(&faults, execution->memory + EQUAL_FAULTS, sizeof(faults));
	state->faults = faults;
	if (faults)
		memcpy(&state->fault, execution->memory + EQUAL_LOG +
		       (faults - 1) % EQUAL_LOGGED * sizeof(state->fault), sizeof(state->fault));
	outcome->nr_states++;
	return 0;
}

static void end(struct execution *execution, const char *how, const char *more)
{
	fail(&execution->outcome->end, "%s%s%s", how, more[0] ? ": " : "", more);
	execution->ended = true;
}

static int answer(struct execution *execution, struct message *message)
{
	struct minivmx_run *run = execution->vcpu.run;

	run->action = MINIVMX_SKIP;
	switch (run->kind) {
	case MINIVMX_EXIT_IO:
		if (run->io.port == EQUAL_PORT_DONE) {
			end(execution, "to its end", "");
			return look(execution, message);
		}
		if (run->io.port != EQUAL_PORT_STEP) {
			answer_io(execution, &run->io);
			return 0;
		}
		if (execution->outcome->nr_states >= execution->program->nr_steps) {
			end(execution, "it goes round and round", "");
			return 0;
		}
		return look(execution, message);
	case MINIVMX_EXIT_MMIO:
		answer_mmio(execution, &run->mmio);
		return 0;
	case MINIVMX_EXIT_INTR:
		run->action = MINIVMX_RETRY;
		return 0;
	default:
		end(execution, minivmx_kind_name(run->kind), execution->vcpu.failure.text);
		return look(execution, message);
	}
}

/* ---- Running ---- */

/* A signal now and then, for a guest that makes no exits or sleeps. */
static void on_alarm(int number)
{
	(void)number;
}

static void set_alarm(bool on)
{
	const struct sigaction action = { .sa_handler = on_alarm };
	const struct itimerval every = { { 0, on ? 200000 : 0 }, { 0, on ? 200000 : 0 } };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
}

static time_t seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static int run(struct execution *execution, struct message *message)
{
	const time_t last = seconds() + LIMIT_S;
	struct vcpu *vcpu = &execution->vcpu;
	unsigned int exits = 0;
	int ret;

	vcpu->thread = pthread_self();
	while (!execution->ended) {
		ret = vcpu->vm->backend->run(vcpu);
		if (ret && ret != -EINTR)
			return fail(message, "running a guest: %s", strerror(-ret));
		if (answer(execution, message))
			return -1;
		if (!execution->ended && (++exits == LIMIT_EXITS || seconds() > last)) {
			end(execution, "it does not end", "");
			return look(execution, message);
		}
	}
	return 0;
}

static int set_up(struct execution *execution, struct vm *vm, uint8_t *memory)
{
	const struct equal_program *program = execution->program;
	int ret = vm->backend->map(vm, 0, memory, EQUAL_SIZE);

	if (!ret)
		ret = vm->backend->create_vcpu(vm, 0, &execution->vcpu);
	if (ret)
		return ret;
	execution->vcpu.failure.text[0] = '\0';
	ret = vm->backend->set_state(&execution->vcpu, &program->sregs, &program->regs);
	if (ret)
		vm->backend->close_vcpu(&execution->vcpu);
	return ret;
}

static void take_end(struct execution *execution)
{
	struct equal_outcome *outcome = execution->outcome;
	struct vcpu *vcpu = &execution->vcpu;
	unsigned int i;

	/* One that there is not reads as 0: its RDMSR tells. */
	for (i = 0; i < equal_nr_msrs; i++)
		if (vcpu->vm->backend->get_msr(vcpu, equal_msrs[i], &outcome->msrs[i]))
			outcome->msrs[i] = 0;
	memcpy(outcome->memory, execution->memory, EQUAL_SIZE);
}

int equal_execute(const struct equal_program *program, const struct backend *backend,
		  uint8_t *memory, struct equal_outcome *outcome, struct message *message)
{
	struct execution execution = { .program = program, .memory = memory, .outcome = outcome };
	struct vm vm = { .backend = backend, .device = -1, .fd = -1 };
	struct minivmx_error error;
	int ret;

	outcome->nr_states = 0;
	if (backend->open(&vm, &error))
		return fail(message, "%s", error.text);
	ret = set_up(&execution, &vm, memory);
	if (ret) {
		backend->close(&vm);
		return fail(message, "cannot set a guest up: %s", strerror(-ret));
	}
	set_alarm(true);
	ret = run(&execution, message);
	set_alarm(false);
	if (!ret)
		take_end(&execution);
	backend->close_vcpu(&execution.vcpu);
	backend->close(&vm);
	return ret;
}
