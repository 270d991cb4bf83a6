// SPDX-License-Identifier: GPL-2.0
/* IN, OUT, INS and OUTS: described to userspace, finished after it. */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <asm/processor-flags.h>

#include "decode.h"
#include "exit.h"
#include "gmem.h"
#include "guest.h"
#include "inject.h"
#include "irqfd.h"
#include "vcpu.h"

/* "Exit Qualification for I/O Instructions". */
#define IO_SIZE		GENMASK_ULL(2, 0)	/* less one */
#define IO_IN		BIT_ULL(3)
#define IO_REP		BIT_ULL(5)
#define IO_PORT_SHIFT	16

/* What there is of INS and OUTS. */
struct io_exit {
	unsigned int size;
	bool in, rep;
	/* From the instruction information: bytes of an address, segment of OUTS. */
	unsigned int addr_size;
	unsigned int seg;
};

static struct io_exit io_exit(const struct minivmx_vmexit *e)
{
	return (struct io_exit) {
		.size = (e->qualification & IO_SIZE) + 1,
		.in = e->qualification & IO_IN,
		.rep = e->qualification & IO_REP,
		.addr_size = 2 << ((e->insn_info >> 7) & 3),
		.seg = min_t(unsigned int, (e->insn_info >> 15) & 7, INSN_GS),
	};
}

static enum run_action io_to_user(struct vcpu *vcpu)
{
	vcpu->kind = MINIVMX_EXIT_IO;
	vcpu->pending = PENDING_IO;
	return RUN_TO_USER;
}

/* Turn what a memory access ended with into an event or an exit. */
static enum run_action io_memory_failed(struct vcpu *vcpu, enum guest_result result,
					const struct guest_fault *fault)
{
	if (result == GUEST_FAULT)
		return inject_guest_fault(vcpu, fault);
	vcpu->kind = MINIVMX_EXIT_MEMORY;
	vcpu->data.memory = fault->memory;
	return RUN_TO_USER;
}

static unsigned int string_reg(const struct io_exit *io)
{
	return io->in ? GPR_RDI : GPR_RSI;
}

/*
 * Where the next @count rounds go in memory. The exit comes before the checks
 * of segment and limit, so they are made here.
 */
static enum guest_result string_linear(struct vcpu *vcpu, const struct io_exit *io,
				       const struct guest_mode *mode, u32 count,
				       u64 *linear, struct guest_fault *fault)
{
	u64 offset = insn_reg_read(vcpu->regs.gpr, string_reg(io), io->addr_size, false);

	return guest_linear(mode, io->in ? INSN_ES : io->seg, offset, io->size * count,
			    io->in ? GUEST_WRITE : 0, linear, fault);
}

/*
 * As many rounds as fit the run page and stay within one page of memory, so
 * that a fault comes before all of them or after. Downward strings go one by
 * one: nobody is in a hurry there.
 */
static u32 string_rounds(struct vcpu *vcpu, const struct io_exit *io, u64 linear)
{
	u64 count = insn_reg_read(vcpu->regs.gpr, GPR_RCX, io->addr_size, false);
	u32 in_page = (PAGE_SIZE - offset_in_page(linear)) / io->size;

	if (!io->rep || (vcpu->regs.r.rflags & X86_EFLAGS_DF) || !in_page)
		return 1;
	return min3(count, (u64)in_page, (u64)MINIVMX_IO_BYTES / io->size);
}

/* Can all of it be written? Asked before a device is read: its data is gone then. */
static enum guest_result string_probe_write(struct vcpu *vcpu,
					    const struct guest_mode *mode,
					    u64 linear, size_t len,
					    struct guest_fault *fault)
{
	const u64 ends[2] = { linear, linear + len - 1 };
	enum guest_result result;
	int i, err;
	u64 gpa;

	for (i = 0; i < 2; i++) {
		result = guest_translate(vcpu, mode, ends[i], GUEST_WRITE, &gpa, fault);
		if (result != GUEST_OK)
			return result;
		err = gmem_check(vcpu->vm, gpa, MINIVMX_PROT_WRITE);
		if (err)
			return guest_unmapped(gpa, MINIVMX_PROT_WRITE, err, fault);
	}
	return GUEST_OK;
}

/* Not inline, as is its end: all this room on the stack is for strings alone. */
static noinline enum run_action io_string(struct vcpu *vcpu)
{
	const struct io_exit decoded = io_exit(&vcpu->exit), *io = &decoded;
	struct minivmx_io *data = &vcpu->data.io;
	enum guest_result result;
	struct guest_fault fault;
	struct guest_mode mode;
	u64 linear;

	if (io->rep && !insn_reg_read(vcpu->regs.gpr, GPR_RCX, io->addr_size, false)) {
		vcpu_skip(vcpu);
		return RUN_RESUME;
	}
	if (guest_mode_read(vcpu, &mode))
		return RUN_RESUME;
	result = string_linear(vcpu, io, &mode, 1, &linear, &fault);
	if (result == GUEST_OK) {
		data->count = string_rounds(vcpu, io, linear);
		/* The limit may come sooner: then one at a time up to it. */
		if (string_linear(vcpu, io, &mode, data->count, &linear, &fault) != GUEST_OK)
			data->count = 1;
		if (io->in)
			result = string_probe_write(vcpu, &mode, linear,
						    data->size * data->count, &fault);
		else
			result = guest_copy(vcpu, &mode, linear, data->data,
					    data->size * data->count, 0, &fault);
	}
	if (result != GUEST_OK)
		return io_memory_failed(vcpu, result, &fault);
	return io_to_user(vcpu);
}

enum run_action exit_io(struct vcpu *vcpu)
{
	const u64 q = vcpu->exit.qualification;
	struct minivmx_io *data = &vcpu->data.io;
	u64 value = 0;

	memset(data, 0, offsetof(struct minivmx_io, data));
	data->port = q >> IO_PORT_SHIFT;
	data->size = (q & IO_SIZE) + 1;
	data->is_in = !!(q & IO_IN);
	data->is_string = !!(q & IO_STRING);
	data->count = 1;
	if (unlikely(data->is_string))
		return vcpu->may_sleep ? io_string(vcpu) : RUN_SLEEP;
	if (!data->is_in) {
		value = vcpu->regs.r.rax & (~0ULL >> (64 - data->size * 8));
		if (ioeventfd_write(vcpu->vm, true, data->port, value, data->size)) {
			vcpu_skip(vcpu);
			return RUN_RESUME;
		}
	}
	/* Eight bytes, whatever the size: there is room, and it is a move. */
	memcpy(data->data, &value, sizeof(value));
	return io_to_user(vcpu);
}

static void string_advance(struct vcpu *vcpu, const struct io_exit *io, u32 count)
{
	u64 *gpr = vcpu->regs.gpr;
	unsigned int reg = string_reg(io);
	u64 bytes = (u64)count * io->size;
	u64 address = insn_reg_read(gpr, reg, io->addr_size, false);

	if (vcpu->regs.r.rflags & X86_EFLAGS_DF)
		bytes = -bytes;
	insn_reg_write(gpr, reg, io->addr_size, false, address + bytes);
	if (io->rep) {
		u64 left = insn_reg_read(gpr, GPR_RCX, io->addr_size, false);

		insn_reg_write(gpr, GPR_RCX, io->addr_size, false, left - count);
	}
}

static noinline enum run_action string_complete(struct vcpu *vcpu)
{
	const struct io_exit io = io_exit(&vcpu->exit);
	struct minivmx_io *data = &vcpu->data.io;
	enum guest_result result;
	struct guest_fault fault;
	struct guest_mode mode;
	u64 linear;

	if (io.in) {
		if (guest_mode_read(vcpu, &mode))
			return RUN_RESUME;
		result = string_linear(vcpu, &io, &mode, data->count, &linear, &fault);
		if (result == GUEST_OK)
			result = guest_copy(vcpu, &mode, linear, data->data,
					    data->size * data->count, GUEST_WRITE, &fault);
		if (result != GUEST_OK)
			return io_memory_failed(vcpu, result, &fault);
	}
	string_advance(vcpu, &io, data->count);
	/* More rounds: the same instruction exits again. */
	if (!io.rep || !insn_reg_read(vcpu->regs.gpr, GPR_RCX, io.addr_size, false))
		vcpu_skip(vcpu);
	return RUN_RESUME;
}

enum run_action io_complete(struct vcpu *vcpu)
{
	const struct minivmx_io *data = &vcpu->data.io;
	u64 value;

	if (unlikely(data->is_string))
		return string_complete(vcpu);
	if (data->is_in) {
		memcpy(&value, data->data, sizeof(value));
		insn_reg_write(vcpu->regs.gpr, GPR_RAX, data->size, false, value);
	}
	vcpu_skip(vcpu);
	return RUN_RESUME;
}
