/* SOURCES: module/decode.c */
// SPDX-License-Identifier: GPL-2.0
/*
 * The instruction decoder: each form in each mode, every truncation, what it
 * must refuse, addresses, registers, and arithmetic against the host CPU.
 */
#include <stdio.h>
#include <string.h>

#include "kselftest_harness.h"
#include "../../module/decode.h"

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#endif

#define NONE	INSN_NO_REG

#define RFLAGS_CF	0x001
#define RFLAGS_AF	0x010
#define RFLAGS_ZF	0x040
#define RFLAGS_DF	0x400
#define RFLAGS_OF	0x800
#define RFLAGS_ARITH	0x8d5

/* gpr[n] in the address and register tests; the upper halves are not zero. */
static const u64 gprs[16] = {
	0x1111000000001000, 0x1111000000001001, 0x1111000000001002,
	0x1111000000001003, 0x1111000000001004, 0x1111000000001005,
	0x1111000000001006, 0x1111000000001007, 0x1111000000001008,
	0x1111000000001009, 0x111100000000100a, 0x111100000000100b,
	0x111100000000100c, 0x111100000000100d, 0x111100000000100e,
	0x111100000000100f,
};

/* ---- Encodings ---- */

/* struct insn, told by letters: what memory and the register go through. */
#define MEM_DST	0x01
#define MR	0x02	/* memory is read */
#define MW	0x04	/* memory is written */
#define RW	0x08	/* the register is written */
#define HIGH	0x10
#define SIGNED	0x20
#define LOCK	0x40
#define REP	0x80

struct encoding {
	unsigned int mode;
	u8 len;
	u8 bytes[15];
	u8 op, op_size, mem_size, addr_size;
	struct {
		u8 src, reg;
	} other;
	unsigned int access;
	u64 imm;
	struct insn_mem mem;
};

#define DS_AX	{ INSN_DS, 0, NONE, 0, false, 0 }	/* DS:[rAX] */
#define REG(n)	{ INSN_SRC_REG, n }
#define IMM	{ INSN_SRC_IMM, 0 }
#define ALONE	{ INSN_SRC_NONE, 0 }

#define STORE	(MEM_DST | MW)
#define LOAD	(MR | RW)
#define RMW	(MEM_DST | MR | MW)
#define COMPARE	(MEM_DST | MR)

static const struct encoding encodings[] = {
	/* MOV, 64-bit */
	{ 64, 2, { 0x88, 0x08 }, INSN_MOV, 1, 1, 8, REG(1), STORE, 0, DS_AX },
	{ 64, 2, { 0x88, 0x20 }, INSN_MOV, 1, 1, 8, REG(0), STORE | HIGH, 0, DS_AX },
	{ 64, 2, { 0x88, 0x38 }, INSN_MOV, 1, 1, 8, REG(3), STORE | HIGH, 0, DS_AX },
	{ 64, 3, { 0x40, 0x88, 0x38 }, INSN_MOV, 1, 1, 8, REG(7), STORE, 0, DS_AX },
	{ 64, 3, { 0x44, 0x88, 0x20 }, INSN_MOV, 1, 1, 8, REG(12), STORE, 0, DS_AX },
	{ 64, 2, { 0x89, 0x18 }, INSN_MOV, 4, 4, 8, REG(3), STORE, 0, DS_AX },
	{ 64, 3, { 0x66, 0x89, 0x18 }, INSN_MOV, 2, 2, 8, REG(3), STORE, 0, DS_AX },
	{ 64, 3, { 0x48, 0x89, 0x18 }, INSN_MOV, 8, 8, 8, REG(3), STORE, 0, DS_AX },
	{ 64, 4, { 0x66, 0x48, 0x89, 0x18 }, INSN_MOV, 8, 8, 8, REG(3), STORE, 0,
	  DS_AX },
	/* REX counts only right before the opcode */
	{ 64, 4, { 0x48, 0x66, 0x89, 0x18 }, INSN_MOV, 2, 2, 8, REG(3), STORE, 0,
	  DS_AX },
	{ 64, 4, { 0x4c, 0x40, 0x89, 0x18 }, INSN_MOV, 4, 4, 8, REG(3), STORE, 0,
	  DS_AX },
	{ 64, 2, { 0x8a, 0x08 }, INSN_MOV, 1, 1, 8, REG(1), LOAD, 0, DS_AX },
	{ 64, 2, { 0x8a, 0x28 }, INSN_MOV, 1, 1, 8, REG(1), LOAD | HIGH, 0, DS_AX },
	{ 64, 2, { 0x8b, 0x18 }, INSN_MOV, 4, 4, 8, REG(3), LOAD, 0, DS_AX },
	{ 64, 3, { 0x4c, 0x8b, 0x38 }, INSN_MOV, 8, 8, 8, REG(15), LOAD, 0, DS_AX },
	{ 64, 3, { 0xc6, 0x00, 0x80 }, INSN_MOV, 1, 1, 8, IMM, STORE,
	  0xffffffffffffff80, DS_AX },
	{ 64, 6, { 0xc7, 0x00, 0x78, 0x56, 0x34, 0x12 }, INSN_MOV, 4, 4, 8, IMM,
	  STORE, 0x12345678, DS_AX },
	{ 64, 5, { 0x66, 0xc7, 0x00, 0x34, 0x12 }, INSN_MOV, 2, 2, 8, IMM, STORE,
	  0x1234, DS_AX },
	{ 64, 7, { 0x48, 0xc7, 0x00, 0xfe, 0xff, 0xff, 0xff }, INSN_MOV, 8, 8, 8,
	  IMM, STORE, 0xfffffffffffffffe, DS_AX },
	{ 64, 9, { 0xa0, 1, 2, 3, 4, 5, 6, 7, 8 }, INSN_MOV, 1, 1, 8, REG(0), LOAD,
	  0, { INSN_DS, NONE, NONE, 0, false, 0x0807060504030201 } },
	{ 64, 10, { 0x48, 0xa1, 1, 2, 3, 4, 5, 6, 7, 8 }, INSN_MOV, 8, 8, 8, REG(0),
	  LOAD, 0, { INSN_DS, NONE, NONE, 0, false, 0x0807060504030201 } },
	{ 64, 6, { 0x67, 0xa2, 1, 2, 3, 4 }, INSN_MOV, 1, 1, 4, REG(0), STORE, 0,
	  { INSN_DS, NONE, NONE, 0, false, 0x04030201 } },
	{ 64, 9, { 0xa3, 1, 2, 3, 4, 5, 6, 7, 8 }, INSN_MOV, 4, 4, 8, REG(0), STORE,
	  0, { INSN_DS, NONE, NONE, 0, false, 0x0807060504030201 } },
	/* MOV, 32- and 16-bit: 40 to 4F are no prefixes there */
	{ 32, 2, { 0x8b, 0x18 }, INSN_MOV, 4, 4, 4, REG(3), LOAD, 0, DS_AX },
	{ 32, 3, { 0x66, 0x8b, 0x18 }, INSN_MOV, 2, 2, 4, REG(3), LOAD, 0, DS_AX },
	{ 32, 5, { 0xa1, 1, 2, 3, 4 }, INSN_MOV, 4, 4, 4, REG(0), LOAD, 0,
	  { INSN_DS, NONE, NONE, 0, false, 0x04030201 } },
	{ 32, 4, { 0x67, 0xa3, 1, 2 }, INSN_MOV, 4, 4, 2, REG(0), STORE, 0,
	  { INSN_DS, NONE, NONE, 0, false, 0x0201 } },
	{ 16, 2, { 0x89, 0x0f }, INSN_MOV, 2, 2, 2, REG(1), STORE, 0,
	  { INSN_DS, 3, NONE, 0, false, 0 } },
	{ 16, 3, { 0x66, 0x89, 0x0f }, INSN_MOV, 4, 4, 2, REG(1), STORE, 0,
	  { INSN_DS, 3, NONE, 0, false, 0 } },
	{ 16, 4, { 0x66, 0x67, 0x8b, 0x18 }, INSN_MOV, 4, 4, 4, REG(3), LOAD, 0,
	  DS_AX },
	{ 16, 4, { 0xc7, 0x04, 0x34, 0x12 }, INSN_MOV, 2, 2, 2, IMM, STORE, 0x1234,
	  { INSN_DS, 6, NONE, 0, false, 0 } },
	{ 16, 3, { 0xa1, 0x34, 0x12 }, INSN_MOV, 2, 2, 2, REG(0), LOAD, 0,
	  { INSN_DS, NONE, NONE, 0, false, 0x1234 } },

	/* MOVZX, MOVSX, MOVSXD, MOVNTI */
	{ 64, 3, { 0x0f, 0xb6, 0x20 }, INSN_MOV, 4, 1, 8, REG(4), LOAD, 0, DS_AX },
	{ 64, 4, { 0x66, 0x0f, 0xb6, 0x20 }, INSN_MOV, 2, 1, 8, REG(4), LOAD, 0,
	  DS_AX },
	{ 64, 4, { 0x48, 0x0f, 0xb7, 0x20 }, INSN_MOV, 8, 2, 8, REG(4), LOAD, 0,
	  DS_AX },
	{ 64, 3, { 0x0f, 0xbe, 0x20 }, INSN_MOV, 4, 1, 8, REG(4), LOAD | SIGNED, 0,
	  DS_AX },
	{ 64, 4, { 0x4c, 0x0f, 0xbf, 0x20 }, INSN_MOV, 8, 2, 8, REG(12),
	  LOAD | SIGNED, 0, DS_AX },
	{ 32, 4, { 0x66, 0x0f, 0xbf, 0x20 }, INSN_MOV, 2, 2, 4, REG(4),
	  LOAD | SIGNED, 0, DS_AX },
	{ 16, 3, { 0x0f, 0xb6, 0x04 }, INSN_MOV, 2, 1, 2, REG(0), LOAD, 0,
	  { INSN_DS, 6, NONE, 0, false, 0 } },
	{ 64, 3, { 0x48, 0x63, 0x08 }, INSN_MOV, 8, 4, 8, REG(1), LOAD | SIGNED, 0,
	  DS_AX },
	{ 64, 2, { 0x63, 0x08 }, INSN_MOV, 4, 4, 8, REG(1), LOAD | SIGNED, 0, DS_AX },
	{ 64, 3, { 0x0f, 0xc3, 0x08 }, INSN_MOV, 4, 4, 8, REG(1), STORE, 0, DS_AX },
	{ 64, 4, { 0x48, 0x0f, 0xc3, 0x08 }, INSN_MOV, 8, 8, 8, REG(1), STORE, 0,
	  DS_AX },
	{ 16, 3, { 0x0f, 0xc3, 0x0c }, INSN_MOV, 4, 4, 2, REG(1), STORE, 0,
	  { INSN_DS, 6, NONE, 0, false, 0 } },

	/* MOVS (its source is tested below), STOS, LODS */
	{ 64, 1, { 0xa4 }, INSN_MOVS, 1, 1, 8, ALONE, RMW, 0,
	  { INSN_ES, 7, NONE, 0, false, 0 } },
	{ 64, 3, { 0xf3, 0x48, 0xa5 }, INSN_MOVS, 8, 8, 8, ALONE, RMW | REP, 0,
	  { INSN_ES, 7, NONE, 0, false, 0 } },
	{ 32, 2, { 0x66, 0xa5 }, INSN_MOVS, 2, 2, 4, ALONE, RMW, 0,
	  { INSN_ES, 7, NONE, 0, false, 0 } },
	{ 64, 2, { 0xf3, 0xaa }, INSN_STOS, 1, 1, 8, REG(0), STORE | REP, 0,
	  { INSN_ES, 7, NONE, 0, false, 0 } },
	{ 64, 2, { 0x65, 0xab }, INSN_STOS, 4, 4, 8, REG(0), STORE, 0,
	  { INSN_ES, 7, NONE, 0, false, 0 } },
	{ 16, 1, { 0xab }, INSN_STOS, 2, 2, 2, REG(0), STORE, 0,
	  { INSN_ES, 7, NONE, 0, false, 0 } },
	{ 32, 1, { 0xac }, INSN_LODS, 1, 1, 4, REG(0), LOAD, 0,
	  { INSN_DS, 6, NONE, 0, false, 0 } },
	{ 64, 3, { 0x65, 0x48, 0xad }, INSN_LODS, 8, 8, 8, REG(0), LOAD, 0,
	  { INSN_GS, 6, NONE, 0, false, 0 } },
	{ 64, 2, { 0x67, 0xad }, INSN_LODS, 4, 4, 4, REG(0), LOAD, 0,
	  { INSN_DS, 6, NONE, 0, false, 0 } },

	/* The eight of arithmetic, each in one form */
	{ 64, 2, { 0x00, 0x08 }, INSN_ADD, 1, 1, 8, REG(1), RMW, 0, DS_AX },
	{ 64, 2, { 0x09, 0x08 }, INSN_OR, 4, 4, 8, REG(1), RMW, 0, DS_AX },
	{ 64, 2, { 0x12, 0x08 }, INSN_ADC, 1, 1, 8, REG(1), LOAD, 0, DS_AX },
	{ 64, 3, { 0x48, 0x1b, 0x08 }, INSN_SBB, 8, 8, 8, REG(1), LOAD, 0, DS_AX },
	{ 64, 2, { 0x23, 0x08 }, INSN_AND, 4, 4, 8, REG(1), LOAD, 0, DS_AX },
	{ 32, 2, { 0x29, 0x08 }, INSN_SUB, 4, 4, 4, REG(1), RMW, 0, DS_AX },
	{ 16, 2, { 0x31, 0x0c }, INSN_XOR, 2, 2, 2, REG(1), RMW, 0,
	  { INSN_DS, 6, NONE, 0, false, 0 } },
	{ 64, 2, { 0x39, 0x08 }, INSN_CMP, 4, 4, 8, REG(1), COMPARE, 0, DS_AX },
	{ 64, 2, { 0x3a, 0x20 }, INSN_CMP, 1, 1, 8, REG(0), MR | HIGH, 0, DS_AX },
	{ 64, 3, { 0x80, 0x08, 0x80 }, INSN_OR, 1, 1, 8, IMM, RMW,
	  0xffffffffffffff80, DS_AX },
	{ 64, 6, { 0x81, 0x20, 0xff, 0xff, 0xff, 0xfe }, INSN_AND, 4, 4, 8, IMM, RMW,
	  0xfffffffffeffffff, DS_AX },
	{ 64, 5, { 0x66, 0x81, 0x38, 0x34, 0x12 }, INSN_CMP, 2, 2, 8, IMM, COMPARE,
	  0x1234, DS_AX },
	{ 64, 4, { 0x48, 0x83, 0x30, 0xff }, INSN_XOR, 8, 8, 8, IMM, RMW,
	  0xffffffffffffffff, DS_AX },
	{ 64, 3, { 0xf0, 0x01, 0x08 }, INSN_ADD, 4, 4, 8, REG(1), RMW | LOCK, 0,
	  DS_AX },
	{ 32, 4, { 0xf0, 0x83, 0x28, 0x01 }, INSN_SUB, 4, 4, 4, IMM, RMW | LOCK, 1,
	  DS_AX },

	/* TEST, XCHG, NOT, NEG, INC, DEC, BT and relatives */
	{ 64, 2, { 0x84, 0x20 }, INSN_TEST, 1, 1, 8, REG(0), COMPARE | HIGH, 0,
	  DS_AX },
	{ 64, 2, { 0x85, 0x08 }, INSN_TEST, 4, 4, 8, REG(1), COMPARE, 0, DS_AX },
	{ 64, 3, { 0xf6, 0x00, 0x01 }, INSN_TEST, 1, 1, 8, IMM, COMPARE, 1, DS_AX },
	{ 64, 7, { 0x48, 0xf7, 0x00, 0, 0, 0, 0x80 }, INSN_TEST, 8, 8, 8, IMM,
	  COMPARE, 0xffffffff80000000, DS_AX },
	{ 64, 2, { 0x86, 0x08 }, INSN_XCHG, 1, 1, 8, REG(1), RMW | RW, 0, DS_AX },
	{ 64, 3, { 0xf0, 0x87, 0x08 }, INSN_XCHG, 4, 4, 8, REG(1), RMW | RW | LOCK,
	  0, DS_AX },
	{ 64, 2, { 0xf6, 0x10 }, INSN_NOT, 1, 1, 8, ALONE, RMW, 0, DS_AX },
	{ 64, 3, { 0x48, 0xf7, 0x18 }, INSN_NEG, 8, 8, 8, ALONE, RMW, 0, DS_AX },
	{ 64, 2, { 0xfe, 0x00 }, INSN_INC, 1, 1, 8, ALONE, RMW, 0, DS_AX },
	{ 64, 3, { 0xf0, 0xff, 0x08 }, INSN_DEC, 4, 4, 8, ALONE, RMW | LOCK, 0,
	  DS_AX },
	{ 64, 4, { 0x0f, 0xba, 0x20, 0x1f }, INSN_BT, 4, 4, 8, IMM, COMPARE, 0x1f,
	  DS_AX },
	{ 64, 5, { 0xf0, 0x0f, 0xba, 0x28, 0x07 }, INSN_BTS, 4, 4, 8, IMM,
	  RMW | LOCK, 7, DS_AX },
	{ 64, 5, { 0x48, 0x0f, 0xba, 0x30, 0x3f }, INSN_BTR, 8, 8, 8, IMM, RMW,
	  0x3f, DS_AX },
	{ 64, 5, { 0x66, 0x0f, 0xba, 0x38, 0x0f }, INSN_BTC, 2, 2, 8, IMM, RMW, 0xf,
	  DS_AX },

	/* Addresses: 16-bit */
	{ 16, 2, { 0x8b, 0x00 }, INSN_MOV, 2, 2, 2, REG(0), LOAD, 0,
	  { INSN_DS, 3, 6, 0, false, 0 } },
	{ 16, 2, { 0x8b, 0x01 }, INSN_MOV, 2, 2, 2, REG(0), LOAD, 0,
	  { INSN_DS, 3, 7, 0, false, 0 } },
	{ 16, 2, { 0x8b, 0x02 }, INSN_MOV, 2, 2, 2, REG(0), LOAD, 0,
	  { INSN_SS, 5, 6, 0, false, 0 } },
	{ 16, 2, { 0x8b, 0x03 }, INSN_MOV, 2, 2, 2, REG(0), LOAD, 0,
	  { INSN_SS, 5, 7, 0, false, 0 } },
	{ 16, 2, { 0x8b, 0x05 }, INSN_MOV, 2, 2, 2, REG(0), LOAD, 0,
	  { INSN_DS, 7, NONE, 0, false, 0 } },
	{ 16, 4, { 0x8b, 0x06, 0x34, 0x92 }, INSN_MOV, 2, 2, 2, REG(0), LOAD, 0,
	  { INSN_DS, NONE, NONE, 0, false, 0xffffffffffff9234 } },
	{ 16, 3, { 0x8b, 0x46, 0xfe }, INSN_MOV, 2, 2, 2, REG(0), LOAD, 0,
	  { INSN_SS, 5, NONE, 0, false, 0xfffffffffffffffe } },
	{ 16, 5, { 0x26, 0x8b, 0x86, 0x34, 0x12 }, INSN_MOV, 2, 2, 2, REG(0), LOAD,
	  0, { INSN_ES, 5, NONE, 0, false, 0x1234 } },

	/* Addresses: 32- and 64-bit */
	{ 32, 6, { 0x8b, 0x05, 1, 2, 3, 4 }, INSN_MOV, 4, 4, 4, REG(0), LOAD, 0,
	  { INSN_DS, NONE, NONE, 0, false, 0x04030201 } },
	{ 64, 6, { 0x8b, 0x05, 1, 2, 3, 0x84 }, INSN_MOV, 4, 4, 8, REG(0), LOAD, 0,
	  { INSN_DS, NONE, NONE, 0, true, 0xffffffff84030201 } },
	{ 64, 7, { 0x41, 0x8b, 0x05, 1, 2, 3, 4 }, INSN_MOV, 4, 4, 8, REG(0), LOAD,
	  0, { INSN_DS, NONE, NONE, 0, true, 0x04030201 } },
	{ 64, 7, { 0x67, 0x8b, 0x05, 1, 2, 3, 4 }, INSN_MOV, 4, 4, 4, REG(0), LOAD,
	  0, { INSN_DS, NONE, NONE, 0, true, 0x04030201 } },
	{ 64, 3, { 0x8b, 0x45, 0x80 }, INSN_MOV, 4, 4, 8, REG(0), LOAD, 0,
	  { INSN_SS, 5, NONE, 0, false, 0xffffffffffffff80 } },
	{ 64, 4, { 0x41, 0x8b, 0x45, 0x10 }, INSN_MOV, 4, 4, 8, REG(0), LOAD, 0,
	  { INSN_DS, 13, NONE, 0, false, 0x10 } },
	{ 64, 6, { 0x8b, 0x80, 0xf0, 0, 0, 0 }, INSN_MOV, 4, 4, 8, REG(0), LOAD, 0,
	  { INSN_DS, 0, NONE, 0, false, 0xf0 } },
	{ 64, 3, { 0x8b, 0x04, 0x24 }, INSN_MOV, 4, 4, 8, REG(0), LOAD, 0,
	  { INSN_SS, 4, NONE, 0, false, 0 } },
	{ 64, 4, { 0x41, 0x8b, 0x04, 0x24 }, INSN_MOV, 4, 4, 8, REG(0), LOAD, 0,
	  { INSN_DS, 12, NONE, 0, false, 0 } },
	{ 64, 4, { 0x42, 0x8b, 0x04, 0x61 }, INSN_MOV, 4, 4, 8, REG(0), LOAD, 0,
	  { INSN_DS, 1, 12, 1, false, 0 } },
	{ 64, 5, { 0x43, 0x8b, 0x44, 0xc8, 0x08 }, INSN_MOV, 4, 4, 8, REG(0), LOAD,
	  0, { INSN_DS, 8, 9, 3, false, 8 } },
	{ 64, 7, { 0x8b, 0x04, 0x25, 0, 0, 0xe0, 0xfe }, INSN_MOV, 4, 4, 8, REG(0),
	  LOAD, 0, { INSN_DS, NONE, NONE, 0, false, 0xfffffffffee00000 } },
	{ 64, 8, { 0x41, 0x8b, 0x04, 0x95, 0, 0, 1, 0 }, INSN_MOV, 4, 4, 8, REG(0),
	  LOAD, 0, { INSN_DS, NONE, 2, 2, false, 0x10000 } },
	{ 64, 9, { 0x67, 0x41, 0x8b, 0x04, 0x25, 0, 0, 0x10, 0 }, INSN_MOV, 4, 4, 4,
	  REG(0), LOAD, 0, { INSN_DS, NONE, NONE, 0, false, 0x100000 } },
	{ 32, 4, { 0x67, 0x8b, 0x47, 0x01 }, INSN_MOV, 4, 4, 2, REG(0), LOAD, 0,
	  { INSN_DS, 3, NONE, 0, false, 1 } },

	/* Segments: the last override wins, but 64-bit mode has two only */
	{ 32, 3, { 0x2e, 0x8b, 0x18 }, INSN_MOV, 4, 4, 4, REG(3), LOAD, 0,
	  { INSN_CS, 0, NONE, 0, false, 0 } },
	{ 32, 4, { 0x64, 0x36, 0x8b, 0x18 }, INSN_MOV, 4, 4, 4, REG(3), LOAD, 0,
	  { INSN_SS, 0, NONE, 0, false, 0 } },
	{ 32, 4, { 0x3e, 0x8b, 0x45, 0x00 }, INSN_MOV, 4, 4, 4, REG(0), LOAD, 0,
	  { INSN_DS, 5, NONE, 0, false, 0 } },
	{ 64, 3, { 0x64, 0x8b, 0x18 }, INSN_MOV, 4, 4, 8, REG(3), LOAD, 0,
	  { INSN_FS, 0, NONE, 0, false, 0 } },
	{ 64, 4, { 0x65, 0x2e, 0x8b, 0x18 }, INSN_MOV, 4, 4, 8, REG(3), LOAD, 0,
	  { INSN_GS, 0, NONE, 0, false, 0 } },
	{ 64, 4, { 0x3e, 0x8b, 0x45, 0x00 }, INSN_MOV, 4, 4, 8, REG(0), LOAD, 0,
	  { INSN_SS, 5, NONE, 0, false, 0 } },

	/* F2 and F3 mean nothing to these */
	{ 64, 3, { 0xf3, 0x89, 0x18 }, INSN_MOV, 4, 4, 8, REG(3), STORE, 0, DS_AX },
	{ 64, 4, { 0xf2, 0xf0, 0x01, 0x08 }, INSN_ADD, 4, 4, 8, REG(1), RMW | LOCK,
	  0, DS_AX },
	/* Fifteen bytes are the limit */
	{ 64, 15, { 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e,
		    0x81, 0x20, 1, 2, 3, 4 },
	  INSN_AND, 4, 4, 8, IMM, RMW, 0x04030201, DS_AX },
};

#define EXPECT_ROW(expected, seen) EXPECT_EQ(expected, seen) TH_LOG("row %u", i)

TEST(every_encoding)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(encodings); i++) {
		const struct encoding *e = &encodings[i];
		struct insn insn;

		ASSERT_EQ(DECODE_OK, decode_insn(e->bytes, e->len, e->mode, &insn))
			TH_LOG("row %u", i);
		EXPECT_ROW(e->len, insn.len);
		EXPECT_ROW(e->op, insn.op);
		EXPECT_ROW(e->op_size, insn.op_size);
		EXPECT_ROW(e->mem_size, insn.mem_size);
		EXPECT_ROW(e->addr_size, insn.addr_size);
		EXPECT_ROW(e->other.src, insn.src);
		EXPECT_ROW(e->other.reg, insn.reg);
		EXPECT_ROW(!!(e->access & MEM_DST), insn.mem_is_dst);
		EXPECT_ROW(!!(e->access & MR), insn.reads_mem);
		EXPECT_ROW(!!(e->access & MW), insn.writes_mem);
		EXPECT_ROW(!!(e->access & RW), insn.writes_reg);
		EXPECT_ROW(!!(e->access & HIGH), insn.reg_high);
		EXPECT_ROW(!!(e->access & SIGNED), insn.sign_extend);
		EXPECT_ROW(!!(e->access & LOCK), insn.lock);
		EXPECT_ROW(!!(e->access & REP), insn.rep);
		EXPECT_ROW(e->imm, insn.imm);
		EXPECT_ROW(e->mem.seg, insn.mem.seg);
		EXPECT_ROW(e->mem.base, insn.mem.base);
		EXPECT_ROW(e->mem.index, insn.mem.index);
		EXPECT_ROW(e->mem.scale, insn.mem.scale);
		EXPECT_ROW(e->mem.rip_relative, insn.mem.rip_relative);
		/* Only the low addr_size bytes have a meaning. */
		EXPECT_ROW(0, (e->mem.disp ^ insn.mem.disp) <<
			     (64 - 8 * e->addr_size));
	}
}

/* Every beginning of an instruction is DECODE_MORE, and nothing behind it is read. */
TEST(truncation)
{
	unsigned int i, n;

	for (i = 0; i < ARRAY_SIZE(encodings); i++) {
		const struct encoding *e = &encodings[i];
		struct insn insn;
		u8 bytes[15];

		for (n = 0; n < e->len; n++) {
			u8 *end = bytes + sizeof(bytes) - n;

			memcpy(end, e->bytes, n);
			ASSERT_EQ(DECODE_MORE, decode_insn(end, n, e->mode, &insn))
				TH_LOG("row %u, %u bytes", i, n);
		}
	}
}

/* Every row of the arithmetic block and of group 1, by number. */
TEST(arithmetic_rows)
{
	unsigned int op, form;
	struct insn insn;

	for (op = INSN_ADD; op <= INSN_CMP; op++) {
		for (form = 0; form < 4; form++) {
			u8 bytes[2] = { op << 3 | form, 0x0e };

			ASSERT_EQ(DECODE_OK, decode_insn(bytes, 2, 64, &insn));
			EXPECT_EQ(op, insn.op);
			EXPECT_EQ(form & 1 ? 4 : 1, insn.op_size);
			EXPECT_EQ(form < 2, insn.mem_is_dst);
			EXPECT_EQ(form < 2 && op != INSN_CMP, insn.writes_mem);
			EXPECT_EQ(form >= 2 && op != INSN_CMP, insn.writes_reg);
			EXPECT_TRUE(insn.reads_mem);
			EXPECT_EQ(6, insn.mem.base);
			EXPECT_EQ(1, insn.reg);
		}
		for (form = 0; form < 4; form++) {
			u8 bytes[6] = { 0x80 | form, op << 3 | 6, 0x85, 0, 0, 0 };

			if (form == 2)	/* 82 is not for us */
				continue;
			ASSERT_EQ(DECODE_OK, decode_insn(bytes, 6, 64, &insn));
			EXPECT_EQ(op, insn.op);
			EXPECT_EQ(INSN_SRC_IMM, insn.src);
			EXPECT_EQ(form == 1 ? 0x85 : (u64)(s64)(int8_t)0x85,
				  insn.imm);
			EXPECT_EQ(form == 1 ? 6 : 3, insn.len);
			EXPECT_EQ(op != INSN_CMP, insn.writes_mem);
		}
	}
}

TEST(movs_source)
{
	static const u8 plain[] = { 0xa4 }, gs[] = { 0x65, 0x67, 0xa4 };
	struct insn insn;

	ASSERT_EQ(DECODE_OK, decode_insn(plain, sizeof(plain), 64, &insn));
	EXPECT_EQ(INSN_DS, insn.mem2.seg);
	EXPECT_EQ(6, insn.mem2.base);
	EXPECT_EQ(NONE, insn.mem2.index);

	ASSERT_EQ(DECODE_OK, decode_insn(gs, sizeof(gs), 64, &insn));
	EXPECT_EQ(INSN_ES, insn.mem.seg);
	EXPECT_EQ(INSN_GS, insn.mem2.seg);
	EXPECT_EQ(0x1006, insn_effective_address(&insn, &insn.mem2, gprs, 0));
	EXPECT_EQ(0x1007, insn_effective_address(&insn, &insn.mem, gprs, 0));
}

/* ---- Refusals ---- */

static const struct {
	unsigned int mode;
	u8 len;
	u8 bytes[16];
	char what[32];
} unknown[] = {
	{ 64, 2, { 0x89, 0xc0 }, "MOV between registers" },
	{ 64, 2, { 0x00, 0xff }, "ADD between registers" },
	{ 64, 3, { 0x0f, 0xb6, 0xc0 }, "MOVZX between registers" },
	{ 64, 2, { 0xf7, 0xd0 }, "NOT of a register" },
	{ 64, 4, { 0x0f, 0xba, 0xe0, 0 }, "BT of a register" },
	{ 64, 3, { 0xf0, 0x89, 0x00 }, "LOCK MOV" },
	{ 64, 3, { 0xf0, 0x8b, 0x00 }, "LOCK MOV load" },
	{ 64, 3, { 0xf0, 0x39, 0x00 }, "LOCK CMP" },
	{ 64, 3, { 0xf0, 0x03, 0x00 }, "LOCK ADD to a register" },
	{ 64, 3, { 0xf0, 0x85, 0x00 }, "LOCK TEST" },
	{ 64, 4, { 0xf0, 0x80, 0x38, 0 }, "LOCK CMP with an immediate" },
	{ 64, 5, { 0xf0, 0x0f, 0xba, 0x20, 0 }, "LOCK BT" },
	{ 64, 2, { 0xf0, 0xa4 }, "LOCK MOVS" },
	{ 64, 2, { 0xf0, 0xab }, "LOCK STOS" },
	{ 64, 2, { 0xf2, 0xa4 }, "REPNE MOVS" },
	{ 64, 3, { 0x82, 0x00, 0 }, "82 in 64-bit mode" },
	{ 32, 3, { 0x82, 0x00, 0 }, "82" },
	{ 32, 2, { 0x63, 0x00 }, "ARPL" },
	{ 16, 2, { 0x63, 0x00 }, "ARPL" },
	{ 64, 3, { 0x66, 0x63, 0x00 }, "MOVSXD to 16 bits" },
	{ 64, 4, { 0x66, 0x0f, 0xc3, 0x00 }, "MOVNTI with 66" },
	{ 64, 4, { 0xf3, 0x0f, 0xc3, 0x00 }, "MOVNTI with F3" },
	{ 32, 2, { 0x48, 0x89 }, "DEC EAX" },
	{ 64, 3, { 0xc6, 0x08, 0 }, "C6 /1" },
	{ 64, 3, { 0xc6, 0xf8, 0 }, "XABORT" },
	{ 64, 3, { 0xf6, 0x08, 0 }, "F6 /1" },
	{ 64, 2, { 0xf7, 0x20 }, "MUL" },
	{ 64, 2, { 0xff, 0x10 }, "CALL" },
	{ 64, 2, { 0xff, 0x30 }, "PUSH" },
	{ 64, 2, { 0xfe, 0x10 }, "FE /2" },
	{ 64, 4, { 0x0f, 0xba, 0x18, 0 }, "0F BA /3" },
	{ 64, 3, { 0x0f, 0xa3, 0x00 }, "BT with a register" },
	{ 64, 3, { 0x0f, 0xb1, 0x00 }, "CMPXCHG" },
	{ 64, 3, { 0x0f, 0x0b, 0x00 }, "UD2" },
	{ 64, 4, { 0x0f, 0x38, 0xf0, 0x00 }, "MOVBE" },
	{ 64, 3, { 0x0f, 0x6f, 0x00 }, "MOVQ, MMX" },
	{ 64, 3, { 0x8c, 0x00, 0 }, "MOV of a segment register" },
	{ 64, 2, { 0x8d, 0x00 }, "LEA" },
	{ 64, 2, { 0x04, 0x00 }, "ADD AL, immediate" },
	{ 64, 4, { 0xc5, 0xf8, 0x28, 0x00 }, "VEX" },
	{ 64, 6, { 0x62, 0xf1, 0x7c, 0x48, 0x28, 0x00 }, "EVEX" },
	{ 64, 1, { 0x6c }, "INS" },
	{ 64, 1, { 0xa6 }, "CMPS" },
	{ 64, 16, { 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e,
		    0x81, 0x20, 1, 2, 3, 4 }, "16 bytes" },
	{ 64, 15, { 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e,
		    0x81, 0x20, 1, 2, 3 }, "15 bytes of 16" },
	{ 64, 15, { 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
		    0x66, 0x66, 0x66, 0x66, 0x66 }, "15 prefixes" },
};

TEST(refusals)
{
	struct insn insn;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(unknown); i++)
		EXPECT_EQ(DECODE_UNKNOWN,
			  decode_insn(unknown[i].bytes, unknown[i].len,
				      unknown[i].mode, &insn))
			TH_LOG("%s", unknown[i].what);
}

/* ---- Addresses and registers ---- */

TEST(addresses)
{
	static const struct {
		unsigned int mode;
		u8 len, bytes[8];
		u64 address;
	} rows[] = {
		/* [rax], [eax], [bx+si] */
		{ 64, 2, { 0x8b, 0x00 }, 0x1111000000001000 },
		{ 32, 2, { 0x8b, 0x00 }, 0x1000 },
		{ 16, 2, { 0x8b, 0x00 }, 0x2009 },
		{ 64, 3, { 0x67, 0x8b, 0x00 }, 0x1000 },
		/* a negative displacement, and one that wraps */
		{ 64, 3, { 0x8b, 0x40, 0xff }, 0x1111000000000fff },
		{ 32, 6, { 0x8b, 0x80, 0x00, 0xf0, 0xff, 0xff }, 0x0 },
		{ 16, 4, { 0x8b, 0x87, 0x00, 0xf0 }, 0x3 },
		/* [r8 + r9 * 8 + 8], [ecx + edx * 4] */
		{ 64, 5, { 0x43, 0x8b, 0x44, 0xc8, 0x08 },
		  0x1111000000001008 + 0x8888000000008048 + 8 },
		{ 32, 3, { 0x8b, 0x04, 0x91 }, 0x1001 + 0x4008 },
		/* RIP and EIP */
		{ 64, 6, { 0x8b, 0x05, 0x10, 0, 0, 0 }, 0xffffffff81000016 },
		{ 64, 6, { 0x8b, 0x05, 0xf0, 0xff, 0xff, 0xff }, 0xffffffff80fffff6 },
		{ 64, 7, { 0x67, 0x8b, 0x05, 0x10, 0, 0, 0 }, 0x81000017 },
		/* an offset is not sign-extended to the address size */
		{ 64, 6, { 0x67, 0xa1, 0, 0, 0, 0xfe }, 0xfe000000 },
		{ 32, 5, { 0xa1, 0, 0, 0, 0xfe }, 0xfe000000 },
		{ 16, 3, { 0xa1, 0, 0xfe }, 0xfe00 },
		/* but a displacement is */
		{ 64, 7, { 0x8b, 0x04, 0x25, 0, 0, 0, 0xfe }, 0xfffffffffe000000 },
	};
	struct insn insn;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		u64 next_rip = 0xffffffff81000000 + rows[i].len;

		ASSERT_EQ(DECODE_OK, decode_insn(rows[i].bytes, rows[i].len,
						 rows[i].mode, &insn));
		EXPECT_EQ(rows[i].address,
			  insn_effective_address(&insn, &insn.mem, gprs,
						 next_rip))
			TH_LOG("row %u", i);
	}
}

TEST(registers)
{
	u64 gpr[16] = { 0x1122334455667788, [9] = 0x1122334455667788 };

	EXPECT_EQ(0x88, insn_reg_read(gpr, 0, 1, false));
	EXPECT_EQ(0x77, insn_reg_read(gpr, 0, 1, true));
	EXPECT_EQ(0x7788, insn_reg_read(gpr, 0, 2, false));
	EXPECT_EQ(0x55667788, insn_reg_read(gpr, 9, 4, false));
	EXPECT_EQ(0x1122334455667788, insn_reg_read(gpr, 9, 8, false));

	insn_reg_write(gpr, 0, 1, false, 0xaabb);
	EXPECT_EQ(0x11223344556677bb, gpr[0]);
	insn_reg_write(gpr, 0, 1, true, 0xaabb);
	EXPECT_EQ(0x112233445566bbbb, gpr[0]);
	insn_reg_write(gpr, 0, 2, false, 0xccccdddd);
	EXPECT_EQ(0x112233445566dddd, gpr[0]);
	insn_reg_write(gpr, 0, 4, false, 0xeeeeeeeeffffffff);
	EXPECT_EQ(0xffffffff, gpr[0]);
	insn_reg_write(gpr, 9, 8, false, 0xeeeeeeeeffffffff);
	EXPECT_EQ(0xeeeeeeeeffffffff, gpr[9]);
}

TEST(operands)
{
	static const u8 ah[] = { 0x88, 0x20 }, imm[] = { 0x48, 0x83, 0x00, 0xfe },
			imm32[] = { 0x83, 0x00, 0xfe }, none[] = { 0xff, 0x00 };
	struct insn insn;

	ASSERT_EQ(DECODE_OK, decode_insn(ah, sizeof(ah), 64, &insn));
	EXPECT_EQ(0x10, insn_operand(&insn, gprs));
	ASSERT_EQ(DECODE_OK, decode_insn(imm, sizeof(imm), 64, &insn));
	EXPECT_EQ(0xfffffffffffffffe, insn_operand(&insn, gprs));
	ASSERT_EQ(DECODE_OK, decode_insn(imm32, sizeof(imm32), 64, &insn));
	EXPECT_EQ(0xfffffffe, insn_operand(&insn, gprs));
	ASSERT_EQ(DECODE_OK, decode_insn(none, sizeof(none), 64, &insn));
	EXPECT_EQ(0, insn_operand(&insn, gprs));
}

TEST(string_steps)
{
	static const u8 rep_movsq[] = { 0xf3, 0x48, 0xa5 }, stosb[] = { 0xaa },
			rep_lodsd_32[] = { 0xf3, 0x67, 0xad };
	u64 gpr[16] = { [1] = 3, [6] = 0x100000000, [7] = 0xffff };
	struct insn insn;

	ASSERT_EQ(DECODE_OK, decode_insn(rep_movsq, 3, 64, &insn));
	EXPECT_EQ(3, insn_string_count(&insn, gpr));
	insn_string_step(&insn, gpr, 0);
	EXPECT_EQ(2, gpr[1]);
	EXPECT_EQ(0x100000008, gpr[6]);
	EXPECT_EQ(0x10007, gpr[7]);
	insn_string_step(&insn, gpr, RFLAGS_DF);
	EXPECT_EQ(1, insn_string_count(&insn, gpr));
	EXPECT_EQ(0x100000000, gpr[6]);
	EXPECT_EQ(0xffff, gpr[7]);

	/* With 16-bit addresses DI wraps and the rest of EDI stays. */
	gpr[1] = 5;
	gpr[7] = 0x1ffff;
	ASSERT_EQ(DECODE_OK, decode_insn(stosb, 1, 16, &insn));
	EXPECT_EQ(1, insn_string_count(&insn, gpr));
	insn_string_step(&insn, gpr, 0);
	EXPECT_EQ(0x10000, gpr[7]);
	EXPECT_EQ(0x100000000, gpr[6]);
	EXPECT_EQ(5, gpr[1]);

	/* With 32-bit addresses the upper halves become zero. */
	gpr[1] = 0x500000000 | 1;
	ASSERT_EQ(DECODE_OK, decode_insn(rep_lodsd_32, 3, 64, &insn));
	EXPECT_EQ(1, insn_string_count(&insn, gpr));
	insn_string_step(&insn, gpr, RFLAGS_DF);
	EXPECT_EQ(0, gpr[1]);
	EXPECT_EQ(0xfffffffc, gpr[6]);
	EXPECT_EQ(0x10000, gpr[7]);
}

/* ---- Arithmetic: the host CPU has the last word ---- */

/*
 * HOST(op): a function per size, host_op_1 ... host_op_8, that runs the
 * instruction on @dst and @src with the arithmetic flags of *@rflags, and
 * leaves its flags there. Operands: "%0" is dst, "%2" is src.
 */
#define HOST_SIZE(name, bytes, type, text)				\
static u64 host_##name##_##bytes(u64 dst, u64 src, u64 *rflags)	\
{									\
	type d = dst, s = src;						\
	u64 flags = *rflags;						\
									\
	asm volatile("lea -128(%%rsp), %%rsp\n\t"			\
		     "push %1\n\tpopf\n\t" text "\n\tpushf\n\tpop %1\n\t" \
		     "lea 128(%%rsp), %%rsp"				\
		     : "+r" (d), "+r" (flags) : "r" (s) : "cc", "memory"); \
	*rflags = flags;						\
	return d;							\
}

#define HOST(name, text)						\
HOST_SIZE(name, 1, u8, text)						\
HOST_SIZE(name, 2, u16, text)						\
HOST_SIZE(name, 4, u32, text)						\
HOST_SIZE(name, 8, u64, text)						\
static u64 host_##name(unsigned int size, u64 dst, u64 src, u64 *rflags) \
{									\
	switch (size) {							\
	case 1:								\
		return host_##name##_1(dst, src, rflags);		\
	case 2:								\
		return host_##name##_2(dst, src, rflags);		\
	case 4:								\
		return host_##name##_4(dst, src, rflags);		\
	default:							\
		return host_##name##_8(dst, src, rflags);		\
	}								\
}

/* No BT for bytes: that one is never called. */
#define HOST_BIT(name, text)						\
HOST_SIZE(name, 2, u16, text)						\
HOST_SIZE(name, 4, u32, text)						\
HOST_SIZE(name, 8, u64, text)						\
static u64 host_##name(unsigned int size, u64 dst, u64 src, u64 *rflags) \
{									\
	switch (size) {							\
	case 2:								\
		return host_##name##_2(dst, src, rflags);		\
	case 4:								\
		return host_##name##_4(dst, src, rflags);		\
	default:							\
		return host_##name##_8(dst, src, rflags);		\
	}								\
}

HOST(add, "add %2, %0")
HOST(or, "or %2, %0")
HOST(adc, "adc %2, %0")
HOST(sbb, "sbb %2, %0")
HOST(and, "and %2, %0")
HOST(sub, "sub %2, %0")
HOST(xor, "xor %2, %0")
HOST(cmp, "cmp %2, %0")
HOST(test, "test %2, %0")
HOST(inc, "inc %0")
HOST(dec, "dec %0")
HOST(not, "not %0")
HOST(neg, "neg %0")
HOST_BIT(bt, "bt %2, %0")
HOST_BIT(bts, "bts %2, %0")
HOST_BIT(btr, "btr %2, %0")
HOST_BIT(btc, "btc %2, %0")

static const struct {
	u8 op;
	u64 (*host)(unsigned int size, u64 dst, u64 src, u64 *rflags);
	u64 undefined;		/* flags that the manual leaves open */
	bool no_result;
	const char *name;
} alu_rows[] = {
	{ INSN_ADD, host_add, 0, false, "add" },
	{ INSN_OR, host_or, RFLAGS_AF, false, "or" },
	{ INSN_ADC, host_adc, 0, false, "adc" },
	{ INSN_SBB, host_sbb, 0, false, "sbb" },
	{ INSN_AND, host_and, RFLAGS_AF, false, "and" },
	{ INSN_SUB, host_sub, 0, false, "sub" },
	{ INSN_XOR, host_xor, RFLAGS_AF, false, "xor" },
	{ INSN_CMP, host_cmp, 0, true, "cmp" },
	{ INSN_TEST, host_test, RFLAGS_AF, true, "test" },
	{ INSN_INC, host_inc, 0, false, "inc" },
	{ INSN_DEC, host_dec, 0, false, "dec" },
	{ INSN_NOT, host_not, 0, false, "not" },
	{ INSN_NEG, host_neg, 0, false, "neg" },
	/* OF, SF, AF, PF; the manual keeps ZF */
	{ INSN_BT, host_bt, RFLAGS_ARITH & ~(RFLAGS_CF | RFLAGS_ZF), true, "bt" },
	{ INSN_BTS, host_bts, RFLAGS_ARITH & ~(RFLAGS_CF | RFLAGS_ZF), false, "bts" },
	{ INSN_BTR, host_btr, RFLAGS_ARITH & ~(RFLAGS_CF | RFLAGS_ZF), false, "btr" },
	{ INSN_BTC, host_btc, RFLAGS_ARITH & ~(RFLAGS_CF | RFLAGS_ZF), false, "btc" },
};

static u64 random_state = 1;

static u64 random64(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 0x2545f4914f6cdd1dull;
}

/* Random, and often near an end of the range of some size. */
static u64 random_operand(void)
{
	static const u64 edges[] = {
		0, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff,
		0x80000000, 0xffffffff, 0x7fffffffffffffff, 0x8000000000000000,
	};
	u64 r = random64();

	if (r & 1)
		return random64();
	return edges[(r >> 8) % ARRAY_SIZE(edges)] +
	       (r >> 32) % 3 - 1;
}

TEST(alu_like_host)
{
	unsigned int i, size, n;

	for (i = 0; i < ARRAY_SIZE(alu_rows); i++) {
		for (size = 1; size <= 8; size *= 2) {
			u64 mask = ~0ull >> (64 - 8 * size);
			struct insn insn = {
				.op = alu_rows[i].op,
				.op_size = size, .mem_size = size,
			};

			if (size == 1 && alu_rows[i].op >= INSN_BT)
				continue;
			for (n = 0; n < 20000; n++) {
				u64 dst = random_operand(), src = random_operand();
				u64 before = 0x202 | (random64() & RFLAGS_ARITH);
				u64 theirs = before, ours = before;
				u64 expect, result;

				expect = alu_rows[i].host(size, dst & mask,
							  src & mask, &theirs);
				result = insn_alu(&insn, dst, src, &ours);
				if (!alu_rows[i].no_result)
					ASSERT_EQ(expect, result)
						TH_LOG("%s %u", alu_rows[i].name,
						       size);
				ASSERT_EQ(theirs & ~alu_rows[i].undefined,
					  ours & ~alu_rows[i].undefined)
					TH_LOG("%s %u: %#lx, %#lx, %#lx",
					       alu_rows[i].name, size,
					       dst, src, before);
			}
		}
	}
}

/* What the manual leaves open is nevertheless always the same here. */
TEST(undefined_flags)
{
	struct insn insn = { .op = INSN_AND, .op_size = 4, .mem_size = 4 };
	u64 rflags = 0x202 | RFLAGS_ARITH;

	EXPECT_EQ(1, insn_alu(&insn, 3, 1, &rflags));
	EXPECT_EQ(0x202, rflags);	/* AF too */

	insn.op = INSN_BTS;
	rflags = 0x202 | RFLAGS_ARITH;
	EXPECT_EQ(0x11, insn_alu(&insn, 0x10, 32, &rflags));
	EXPECT_EQ(0x202 | (RFLAGS_ARITH & ~RFLAGS_CF), rflags);
}

TEST(moves)
{
	struct insn insn = { .op = INSN_MOV, .op_size = 4, .mem_size = 1 };
	u64 rflags = 0x202 | RFLAGS_OF;

	EXPECT_EQ(0x80, insn_alu(&insn, 0x1234, 0xff80, &rflags));
	insn.sign_extend = true;
	EXPECT_EQ(0xffffff80, insn_alu(&insn, 0x1234, 0xff80, &rflags));
	insn.op_size = 8;
	insn.mem_size = 4;
	EXPECT_EQ(0xffffffff80000000, insn_alu(&insn, 0, 0x80000000, &rflags));
	insn.sign_extend = false;
	insn.mem_size = 8;
	EXPECT_EQ(0x1122334455667788,
		  insn_alu(&insn, 0, 0x1122334455667788, &rflags));
	insn.op = INSN_XCHG;
	EXPECT_EQ(5, insn_alu(&insn, 4, 5, &rflags));
	EXPECT_EQ(0x202 | RFLAGS_OF, rflags);
}

TEST_HARNESS_MAIN
