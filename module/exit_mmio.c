// SPDX-License-Identifier: GPL-2.0
/*
 * Memory-mapped I/O: an access to guest-physical memory that is not mapped.
 * The instruction is decoded and carried out here; the parts of it that touch
 * unmapped memory are done by userspace, one exit each. Between those exits
 * the state of the work is in struct mmio_state.
 */
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "apic.h"
#include "decode.h"
#include "exit.h"
#include "exit_mmio.h"
#include "guest.h"
#include "inject.h"
#include "irqfd.h"
#include "gmem.h"
#include "vcpu.h"

enum mmio_phase { PHASE_READ, PHASE_COMPUTE, PHASE_WRITE, PHASE_COMMIT };

/**
 * struct mmio_state - an instruction under way
 * @insn: decoded
 * @code: the bytes it was decoded from,
 * @code_bits: in code of that size; 0 if @insn is none
 * @code_mask: which bits of @code it has
 * @mode: the guest's addressing when it started
 * @phase: what comes next
 * @is_device: an exit said so of the operand
 * @started: the transfer of @phase has its addresses
 * @gpa: of the operand: first page, and second page if it crosses into one
 * @first: bytes of it in the first page
 * @done: bytes of the operand that are transferred
 * @piece: bytes that userspace transfers now
 * @value: of the transfer
 * @mem: what was read
 * @result: what the instruction computed
 * @rflags: as the instruction leaves them
 */
struct mmio_state {
	struct insn insn;
	u64 code[GUEST_PEEK / 8];
	u64 code_mask[GUEST_PEEK / 8];
	u8 code_bits;
	struct guest_mode mode;
	enum mmio_phase phase;
	bool is_device;
	bool started;
	u64 gpa[2];
	unsigned int first;
	unsigned int done;
	unsigned int piece;
	u64 value;
	u64 mem;
	u64 result;
	u64 rflags;
};

int mmio_alloc(struct vcpu *vcpu)
{
	vcpu->mmio = kzalloc(sizeof(*vcpu->mmio), GFP_KERNEL_ACCOUNT);
	return vcpu->mmio ? 0 : -ENOMEM;
}

void mmio_free(struct vcpu *vcpu)
{
	kfree(vcpu->mmio);
}

/* Translate an operand. GUEST_OK, or GUEST_FAULT, or GUEST_UNMAPPED tables. */
static enum guest_result operand_start(struct vcpu *vcpu, const struct insn_mem *mem,
				       u32 access, struct guest_fault *fault)
{
	struct mmio_state *s = vcpu->mmio;
	u64 next_rip = vcpu->regs.r.rip + s->insn.len;
	enum guest_result result;
	u64 offset, linear;

	offset = insn_effective_address(&s->insn, mem, vcpu->regs.gpr, next_rip);
	result = guest_linear(&s->mode, mem->seg, offset, s->insn.mem_size, access,
			      &linear, fault);
	if (result != GUEST_OK)
		return result;
	s->first = min_t(unsigned int, s->insn.mem_size,
			 PAGE_SIZE - offset_in_page(linear));
	result = guest_translate(vcpu, &s->mode, linear, access, &s->gpa[0], fault);
	if (result == GUEST_OK && s->first < s->insn.mem_size)
		result = guest_translate(vcpu, &s->mode, linear + s->first, access,
					 &s->gpa[1], fault);
	s->done = 0;
	s->started = result == GUEST_OK;
	return result;
}

/* The next piece: a power of two that stays within its page. */
static u64 piece_start(struct mmio_state *s)
{
	bool second = s->done >= s->first;
	unsigned int left = (second ? s->insn.mem_size : s->first) - s->done;

	s->piece = rounddown_pow_of_two(left);
	return second ? s->gpa[1] + (s->done - s->first) : s->gpa[0] + s->done;
}

/* Is there an eventfd for the piece that is written to @gpa? */
static bool write_signals(struct vcpu *vcpu, u64 gpa)
{
	struct mmio_state *s = vcpu->mmio;
	u64 data = (s->value >> s->done * 8) & (~0ULL >> (64 - s->piece * 8));

	return ioeventfd_write(vcpu->vm, false, gpa, data, s->piece);
}

/* Transfer @value piece by piece. RUN_TO_USER when userspace has to do one. */
static enum run_action operand_transfer(struct vcpu *vcpu, bool write)
{
	struct mmio_state *s = vcpu->mmio;

	while (s->done < s->insn.mem_size) {
		u64 gpa = piece_start(s);
		u8 *bytes = (u8 *)&s->value + s->done;
		int err;

		if (s->is_device || gmem_check(vcpu->vm, gpa, 0)) {
			if (apic_is_at(vcpu, gpa)) {
				apic_mmio(vcpu, gpa, bytes, s->piece, write);
				s->done += s->piece;
				continue;
			}
			if (write && write_signals(vcpu, gpa)) {
				s->done += s->piece;
				continue;
			}
			vcpu->kind = MINIVMX_EXIT_MMIO;
			vcpu->pending = PENDING_MMIO;
			vcpu->data.mmio = (struct minivmx_mmio) {
				.gpa = gpa, .size = s->piece, .is_write = write,
			};
			if (write)
				memcpy(&vcpu->data.mmio.data, bytes, s->piece);
			return RUN_TO_USER;
		}
		err = write ? gmem_write(vcpu->vm, gpa, bytes, s->piece) :
			      gmem_read(vcpu->vm, gpa, bytes, s->piece);
		if (err) {
			vcpu->kind = MINIVMX_EXIT_MEMORY;
			vcpu->data.memory = (struct minivmx_memory) {
				.gpa = gpa, .error = -err,
				.access = write ? MINIVMX_PROT_WRITE : MINIVMX_PROT_READ,
			};
			return RUN_TO_USER;
		}
		s->done += s->piece;
	}
	s->started = false;
	return RUN_RESUME;
}

static void compute(struct vcpu *vcpu)
{
	struct mmio_state *s = vcpu->mmio;
	u64 operand = s->insn.op == INSN_MOVS ? s->mem :
					       insn_operand(&s->insn, vcpu->regs.gpr);

	s->rflags = vcpu->regs.r.rflags;
	if (s->insn.mem_is_dst)
		s->result = insn_alu(&s->insn, s->mem, operand, &s->rflags);
	else
		s->result = insn_alu(&s->insn, operand, s->mem, &s->rflags);
}

static enum run_action commit(struct vcpu *vcpu)
{
	struct mmio_state *s = vcpu->mmio;
	const struct insn *insn = &s->insn;
	u64 *gpr = vcpu->regs.gpr;

	if (insn->writes_reg) {
		insn_reg_write(gpr, insn->reg, insn->op_size, insn->reg_high,
			       insn->op == INSN_XCHG ? s->mem : s->result);
		if (insn->reg == GPR_RSP)
			vcpu->dirty |= DIRTY_RSP;
	}
	if (s->rflags != vcpu->regs.r.rflags)
		vcpu_set_rflags(vcpu, s->rflags);

	if (insn->op == INSN_MOVS || insn->op == INSN_STOS || insn->op == INSN_LODS) {
		insn_string_step(insn, gpr, s->rflags);
		/* Further rounds fault again: interrupts get their chance. */
		if (insn->rep && insn_string_count(insn, gpr))
			return RUN_RESUME;
	}
	vcpu->exit.insn_len = insn->len;
	vcpu_skip(vcpu);
	return RUN_RESUME;
}

static enum run_action mmio_advance(struct vcpu *vcpu)
{
	struct mmio_state *s = vcpu->mmio;
	const struct insn_mem *source = s->insn.op == INSN_MOVS ? &s->insn.mem2 :
								  &s->insn.mem;
	bool rmw = s->insn.writes_mem && s->insn.op != INSN_MOVS;
	struct guest_fault fault;
	enum guest_result result = GUEST_OK;
	enum run_action action;

	switch (s->phase) {
	case PHASE_READ:
		if (s->insn.reads_mem) {
			if (!s->started)
				result = operand_start(vcpu, source,
						       rmw ? GUEST_WRITE : 0, &fault);
			if (result != GUEST_OK)
				break;
			action = operand_transfer(vcpu, false);
			if (action != RUN_RESUME)
				return action;
			s->mem = s->value;
		}
		s->phase = PHASE_COMPUTE;
		fallthrough;
	case PHASE_COMPUTE:
		compute(vcpu);
		s->value = s->result;
		s->phase = PHASE_WRITE;
		fallthrough;
	case PHASE_WRITE:
		if (s->insn.writes_mem) {
			if (!s->started)
				result = operand_start(vcpu, &s->insn.mem,
						       GUEST_WRITE, &fault);
			if (result != GUEST_OK)
				break;
			action = operand_transfer(vcpu, true);
			if (action != RUN_RESUME)
				return action;
		}
		s->phase = PHASE_COMMIT;
		fallthrough;
	case PHASE_COMMIT:
		return commit(vcpu);
	}

	if (result == GUEST_FAULT)
		return inject_guest_fault(vcpu, &fault);
	vcpu->kind = MINIVMX_EXIT_MEMORY;
	vcpu->data.memory = fault.memory;
	return RUN_TO_USER;
}

/*
 * Decode @code into s->insn, or find that it is there already, as it is when a driver's loop
 * comes to its device again. @n: bytes of @code, the rest of which is zero.
 */
static enum decode_status decode(struct mmio_state *s, const u64 code[GUEST_PEEK / 8], size_t n)
{
	enum decode_status status;
	unsigned int bits;

	if (s->code_bits == s->mode.bits && n >= s->insn.len &&
	    !((s->code[0] ^ code[0]) & s->code_mask[0]) &&
	    !((s->code[1] ^ code[1]) & s->code_mask[1]))
		return DECODE_OK;

	s->code_bits = 0;
	status = decode_insn((const u8 *)code, min_t(size_t, n, INSN_MAX_LEN), s->mode.bits,
			     &s->insn);
	if (status != DECODE_OK)
		return status;
	bits = s->insn.len * 8;
	s->code_mask[0] = bits < 64 ? BIT_ULL(bits) - 1 : ~0ULL;
	s->code_mask[1] = bits > 64 ? BIT_ULL(bits - 64) - 1 : 0;
	s->code[0] = code[0];
	s->code[1] = code[1];
	s->code_bits = s->mode.bits;
	return DECODE_OK;
}

/* One operand, in one page, at the address of the exit. The CPU has checked the rights. */
static bool is_plain(struct vcpu *vcpu, const struct mmio_state *s, bool write)
{
	const struct insn *insn = &s->insn;
	u64 at = offset_in_page(vcpu->exit.gpa);
	u64 address;

	if (insn->op > INSN_TEST || insn->writes_mem != write || insn->reads_mem == write ||
	    at + insn->mem_size > PAGE_SIZE)
		return false;
	/* Another CPU may have changed the code since it was executed. */
	address = insn_effective_address(insn, &insn->mem, vcpu->regs.gpr,
					 vcpu->regs.r.rip + insn->len);
	if (s->mode.bits != 64 || insn->mem.seg >= INSN_FS)
		address += guest_segment_base(insn->mem.seg);
	return offset_in_page(address) == at;
}

/*
 * With interrupts off and the VMCS loaded: the instructions that drivers use, which move one
 * operand, if their code can be read at once. RUN_SLEEP if it has to be mmio_start().
 */
enum run_action mmio_plain(struct vcpu *vcpu, bool write)
{
	struct mmio_state *s = vcpu->mmio;
	u64 code[GUEST_PEEK / 8];

	vcpu_cache_all(vcpu);
	if (!guest_peek_code(vcpu, &s->mode, code) ||
	    decode(s, code, GUEST_PEEK) != DECODE_OK ||
	    !is_plain(vcpu, s, write))
		return RUN_SLEEP;
	s->is_device = true;
	s->gpa[0] = vcpu->exit.gpa;
	s->first = s->insn.mem_size;
	s->done = 0;
	s->started = true;
	s->phase = PHASE_READ;
	return mmio_advance(vcpu);
}

enum run_action mmio_start(struct vcpu *vcpu)
{
	struct mmio_state *s = vcpu->mmio;
	u64 code[GUEST_PEEK / 8] = {};
	u8 *bytes = (u8 *)code;
	struct guest_fault fault;
	size_t n;

	if (guest_mode_read(vcpu, &s->mode))
		return RUN_RESUME;
	n = guest_fetch(vcpu, &s->mode, bytes, INSN_MAX_LEN, &fault);
	if (decode(s, code, n) != DECODE_OK) {
		vcpu->kind = MINIVMX_EXIT_EMULATION;
		vcpu->data.insn = (struct minivmx_insn) {
			.gpa = vcpu->exit.gpa, .len = n,
		};
		memcpy(vcpu->data.insn.bytes, bytes, n);
		return RUN_TO_USER;
	}
	s->is_device = false;
	s->started = false;
	s->phase = PHASE_READ;
	return mmio_advance(vcpu);
}

enum run_action mmio_complete(struct vcpu *vcpu)
{
	struct mmio_state *s = vcpu->mmio;

	if (!vcpu->data.mmio.is_write)
		memcpy((u8 *)&s->value + s->done, &vcpu->data.mmio.data, s->piece);
	s->done += s->piece;
	return mmio_advance(vcpu);
}
