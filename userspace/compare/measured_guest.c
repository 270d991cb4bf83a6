// SPDX-License-Identifier: GPL-2.0
#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include "measured_guest.h"

static_assert(offsetof(struct params, nr) == PARAM_NR, "guest.S");
static_assert(offsetof(struct params, repeat) == PARAM_REPEAT, "guest.S");
static_assert(offsetof(struct params, next) == PARAM_NEXT, "guest.S");
static_assert(offsetof(struct params, fresh) == PARAM_FRESH, "guest.S");
static_assert(offsetof(struct params, step) == PARAM_STEP, "guest.S");
static_assert(offsetof(struct params, ready) == PARAM_READY, "guest.S");
static_assert(offsetof(struct params, start) == PARAM_START, "guest.S");
static_assert(offsetof(struct params, samples) == PARAM_SAMPLES, "guest.S");
static_assert(GUEST_PARAMS + sizeof(struct params) < GUEST_GDT - 8, "layout.h");

#define HUGE_PAGE	(2UL << 20)

/* In guest.S. */
extern const uint8_t compare_guest[], compare_guest_end[], compare_on_interrupt[];
extern const uint8_t compare_start[], compare_start_end[];

static uint32_t address_of(const uint8_t *place)
{
	return (uint32_t)(GUEST_CODE + (place - compare_guest));
}

/* ---- Its memory ---- */

/* Populated, so that no measurement has the host's own faults in it. */
static uint8_t *get_memory(size_t size, bool huge, struct message *message)
{
	const size_t room = size + HUGE_PAGE;
	uint8_t *start = mmap(NULL, room, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint8_t *memory;

	if (start == MAP_FAILED) {
		fail(message, "cannot get memory for a guest: %m");
		return NULL;
	}
	memory = (uint8_t *)(((uintptr_t)start + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1));
	if (memory > start)
		munmap(start, (size_t)(memory - start));
	if (memory + size < start + room)
		munmap(memory + size, (size_t)(start + room - (memory + size)));
	madvise(memory, size, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	memset(memory, 1, size);
	return memory;
}

/* "Gate descriptors" of the manual: an interrupt gate to @handler, present. */
static uint64_t gate(uint32_t handler)
{
	return (uint64_t)(handler >> 16) << 48 | (uint64_t)0x8e00 << 32 |
	       (uint64_t)MINIVMX_FLAT_CODE << 16 | (handler & 0xffff);
}

static void put_table_pointer(struct measured_guest *guest, uint32_t table, uint16_t limit)
{
	memcpy(guest->memory + table - 8, &limit, 2);
	memcpy(guest->memory + table - 6, &table, 4);
}

static void fill_memory(struct measured_guest *guest, const struct guest_config *config,
			struct minivmx_sregs *sregs)
{
	uint64_t *idt = (uint64_t *)(guest->memory + GUEST_IDT);
	unsigned int vector;

	memcpy(guest->memory + GUEST_CODE, compare_guest, (size_t)(compare_guest_end - compare_guest));
	memcpy(guest->memory + GUEST_START, compare_start, (size_t)(compare_start_end - compare_start));
	minivmx_flat_gdt(sregs, (uint64_t *)(guest->memory + GUEST_GDT));
	minivmx_use_gdt(sregs, GUEST_GDT);
	for (vector = 0; vector < 256; vector++)
		idt[vector] = vector < 32 ? 0 : gate(address_of(compare_on_interrupt));
	sregs->idtr.base = GUEST_IDT;
	sregs->idtr.limit = 256 * 8 - 1;
	put_table_pointer(guest, GUEST_GDT, MINIVMX_FLAT_GDT_SIZE * 8 - 1);
	put_table_pointer(guest, GUEST_IDT, 256 * 8 - 1);

	guest->params = (struct params *)(guest->memory + GUEST_PARAMS);
	*guest->params = (struct params) {
		.nr = config->nr,
		.repeat = config->repeat,
		.next = GUEST_PARAMS + PARAM_SAMPLES,
		.fresh = GUEST_FRESH,
		.step = (uint32_t)config->step,
	};
}

/* ---- The VM ---- */

static int set_up(struct measured_guest *guest, const struct guest_config *config)
{
	const struct backend *backend = guest->vm.backend;
	const unsigned int cpus = config->cpus ? config->cpus : 1;
	struct minivmx_sregs sregs;
	struct minivmx_regs regs;
	int ret;

	minivmx_set_protected(&sregs, &regs, address_of(config->program));
	regs.rsi = GUEST_PARAMS;
	regs.rsp = GUEST_STACK;
	fill_memory(guest, config, &sregs);

	ret = backend->map(&guest->vm, 0, guest->memory, GUEST_SIZE);
	if (!ret && guest->fresh)
		ret = backend->map(&guest->vm, GUEST_FRESH, guest->fresh, guest->fresh_size);
	while (!ret && guest->nr_cpus < cpus) {
		ret = backend->create_vcpu(&guest->vm, guest->nr_cpus, &guest->cpus[guest->nr_cpus]);
		if (!ret)
			guest->nr_cpus++;
	}
	if (!ret)
		ret = backend->set_state(&guest->cpus[0], &sregs, &regs);
	if (!ret)
		ret = crowd_open(&guest->crowd, &config->crowd, &guest->vm, cpus, guest->memory);
	if (!ret)
		ret = backend->tsc_offset(&guest->cpus[0], &guest->tsc_offset);
	return ret;
}

int measured_guest_open(struct measured_guest *guest, const struct backend *backend,
			const struct guest_config *config, struct message *message)
{
	struct minivmx_error error;
	int ret;

	*guest = (struct measured_guest) { .vm = { .backend = backend, .device = -1, .fd = -1 } };
	guest->memory = get_memory(GUEST_SIZE, false, message);
	if (!guest->memory)
		return -1;
	if (config->fresh) {
		guest->fresh = get_memory(config->fresh, config->step == HUGE_PAGE, message);
		guest->fresh_size = config->fresh;
	}
	if (config->fresh && !guest->fresh) {
		munmap(guest->memory, GUEST_SIZE);
		return -1;
	}
	guest->opened = __rdtsc();
	if (backend->open(&guest->vm, &error)) {
		guest->vm.fd = -1;
		measured_guest_close(guest);
		return fail(message, "%s", error.text);
	}
	ret = set_up(guest, config);
	if (ret) {
		measured_guest_close(guest);
		return fail(message, "cannot set a guest up: %s", strerror(-ret));
	}
	return 0;
}

void measured_guest_close(struct measured_guest *guest)
{
	crowd_close(&guest->crowd);
	while (guest->nr_cpus)
		guest->vm.backend->close_vcpu(&guest->cpus[--guest->nr_cpus]);
	if (guest->vm.fd >= 0)
		guest->vm.backend->close(&guest->vm);
	munmap(guest->memory, GUEST_SIZE);
	if (guest->fresh)
		munmap(guest->fresh, guest->fresh_size);
}

/* ---- Its run ---- */

/* True when the program has ended. */
static bool answer_io(struct vcpu *vcpu)
{
	struct minivmx_io *io = &vcpu->run->io;

	vcpu->run->action = MINIVMX_SKIP;
	if (io->is_in)
		memset(vcpu->io_data, 0, io->size * io->count);
	return io->port == PORT_DONE;
}

static int answer(struct vcpu *vcpu, bool *done, struct message *message)
{
	struct minivmx_run *run = vcpu->run;

	switch (run->kind) {
	case MINIVMX_EXIT_IO:
		*done = answer_io(vcpu);
		return 0;
	case MINIVMX_EXIT_MMIO:
		if (!run->mmio.is_write)
			run->mmio.data = 0;
		run->action = MINIVMX_SKIP;
		return 0;
	case MINIVMX_EXIT_INTR:
		run->action = MINIVMX_RETRY;
		return 0;
	default:
		return fail(message, "the guest made an exit of kind %s%s%s",
			    minivmx_kind_name(run->kind), vcpu->failure.text[0] ? ": " : "",
			    vcpu->failure.text);
	}
}

int measured_guest_run(struct vcpu *vcpu, uint64_t *outside, struct message *message)
{
	const struct backend *backend = vcpu->vm->backend;
	uint64_t returned = 0;
	bool done = false;
	int ret;

	vcpu->thread = pthread_self();
	while (!done) {
		if (outside && returned)
			*outside += __rdtsc() - returned;
		ret = backend->run(vcpu);
		if (outside)
			returned = __rdtsc();
		if (ret && ret != -EINTR)
			return fail(message, "running the guest: %s", strerror(-ret));
		if (answer(vcpu, &done, message))
			return -1;
	}
	return 0;
}
