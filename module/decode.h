/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Decode the instructions that compilers and operating systems use on MMIO.
 *
 * Pure logic, built for the kernel and for userspace: no guest memory is
 * touched here. The caller fetches the bytes, translates addresses and moves
 * the data. One instruction with one memory operand goes like this:
 *
 *	if (decode_insn(bytes, n, mode_bits, &insn) != DECODE_OK)
 *		...the bytes ran out, or not for us: let userspace see them
 *	offset = insn_effective_address(&insn, &insn.mem, gpr, rip + insn.len);
 *	other = insn_operand(&insn, gpr);
 *	mem = insn.reads_mem ? ...insn.mem_size bytes... : 0;
 *	if (insn.mem_is_dst)
 *		result = insn_alu(&insn, mem, other, &rflags);
 *	else
 *		result = insn_alu(&insn, other, mem, &rflags);
 *	if (insn.writes_mem)
 *		...store insn.mem_size bytes of result...
 *	if (insn.writes_reg)
 *		insn_reg_write(gpr, insn.reg, insn.op_size, insn.reg_high,
 *			       insn.op == INSN_XCHG ? mem : result);
 *
 * and a string instruction repeats that, while insn_string_count() is not 0,
 * with insn_string_step() after each round.
 */
#ifndef MINIVMX_DECODE_H
#define MINIVMX_DECODE_H

#include "pure.h"

#define INSN_MAX_LEN	15	/* a longer one raises #GP */
#define INSN_NO_REG	0xff	/* insn_mem.base, .index: there is none */

enum decode_status {
	DECODE_OK,
	DECODE_MORE,		/* the bytes ended before the instruction */
	DECODE_UNKNOWN,		/* not known here, or it raises an exception */
};

/* What it does. The first eight are in the order of the manual's group 1. */
enum insn_op {
	INSN_ADD, INSN_OR, INSN_ADC, INSN_SBB,
	INSN_AND, INSN_SUB, INSN_XOR, INSN_CMP,
	INSN_MOV,		/* also MOVZX, MOVSX, MOVSXD, MOVNTI */
	INSN_TEST, INSN_XCHG,
	INSN_INC, INSN_DEC, INSN_NOT, INSN_NEG,
	INSN_BT, INSN_BTS, INSN_BTR, INSN_BTC,
	INSN_MOVS, INSN_STOS, INSN_LODS,
};

/* Segments, in the order of the manual's segment register numbers. */
enum insn_seg {
	INSN_ES, INSN_CS, INSN_SS, INSN_DS, INSN_FS, INSN_GS,
};

/* The operand that is not in memory. */
enum insn_src {
	INSN_SRC_NONE,		/* INC, DEC, NOT, NEG, MOVS */
	INSN_SRC_REG,		/* @reg, @reg_high */
	INSN_SRC_IMM,		/* @imm */
};

/**
 * struct insn_mem - where a memory operand is
 * @seg: INSN_ES ..., overrides applied. In 64-bit mode all bases but those of
 *       FS and GS are zero; SS then still tells a #SS from a #GP.
 * @base: register number, or INSN_NO_REG
 * @index: register number, or INSN_NO_REG
 * @scale: the index is shifted left by this: 0 to 3
 * @rip_relative: add the address of the next instruction
 * @disp: displacement, sign-extended
 */
struct insn_mem {
	u8 seg;
	u8 base;
	u8 index;
	u8 scale;
	bool rip_relative;
	u64 disp;
};

/**
 * struct insn - a decoded instruction
 * @op: INSN_ADD ...
 * @len: bytes
 * @op_size: size of the register and of the operation: 1, 2, 4 or 8
 * @mem_size: bytes in memory; less than @op_size only for MOVZX, MOVSX and
 *            MOVSXD
 * @addr_size: 2, 4 or 8
 * @src: INSN_SRC_*
 * @reg: register number, 0 to 15
 * @reg_high: AH, CH, DH or BH: bits 15:8 of register @reg (0 to 3)
 * @mem_is_dst: memory is the first operand, @src the second; or the reverse
 * @reads_mem: reads @mem (MOVS: @mem2)
 * @writes_mem: writes @mem
 * @writes_reg: writes @reg
 * @sign_extend: MOVSX, MOVSXD: from @mem_size to @op_size
 * @lock: has a LOCK prefix, and may have it
 * @rep: string instruction with a REP prefix
 * @imm: sign-extended to 64 bits
 * @mem: the memory operand; of a MOVS the destination, ES:rDI
 * @mem2: only MOVS: the source, rSI
 */
struct insn {
	u8 op;
	u8 len;
	u8 op_size;
	u8 mem_size;
	u8 addr_size;
	u8 src;
	u8 reg;
	bool reg_high;
	bool mem_is_dst;
	bool reads_mem;
	bool writes_mem;
	bool writes_reg;
	bool sign_extend;
	bool lock;
	bool rep;
	u64 imm;
	struct insn_mem mem;
	struct insn_mem mem2;
};

/* @mode_bits: 16, 32 or 64. @out means nothing unless it is DECODE_OK. */
enum decode_status decode_insn(const u8 *bytes, size_t n,
			       unsigned int mode_bits, struct insn *out);

/* The offset in @mem->seg. @next_rip: the address after the instruction. */
u64 insn_effective_address(const struct insn *insn, const struct insn_mem *mem,
			   const u64 gpr[16], u64 next_rip);

/* The operand that is not in memory, cut to op_size; 0 if there is none. */
u64 insn_operand(const struct insn *insn, const u64 gpr[16]);

/*
 * What the instruction makes of its first and second operand, cut to op_size,
 * and what it does to @rflags. CMP, TEST and BT: only @rflags matters. MOV,
 * XCHG and strings: the second operand, extended.
 */
u64 insn_alu(const struct insn *insn, u64 dst, u64 src, u64 *rflags);

/* Registers by number, with the manual's rules for parts of them. */
u64 insn_reg_read(const u64 gpr[16], unsigned int reg, unsigned int size,
		  bool high);
void insn_reg_write(u64 gpr[16], unsigned int reg, unsigned int size,
		    bool high, u64 value);

/* Rounds left of a string instruction: rCX, or 1 without REP. */
u64 insn_string_count(const struct insn *insn, const u64 gpr[16]);

/* One round is done: advance rSI and rDI, count down rCX. */
void insn_string_step(const struct insn *insn, u64 gpr[16], u64 rflags);

#endif /* MINIVMX_DECODE_H */
