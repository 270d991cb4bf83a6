// SPDX-License-Identifier: GPL-2.0
/*
 * Decode the instructions that compilers and operating systems use on MMIO.
 *
 * An instruction is read in the order of its bytes: prefixes, opcode, ModRM
 * and SIB, displacement, immediate (the manual: "Instruction Format"). One
 * table says which opcodes there are. What it does not list is
 * DECODE_UNKNOWN, and so is everything that touches no memory or would raise
 * #UD: a guess would corrupt the guest, an unknown instruction only stops it.
 */
#include "decode.h"

/* Register numbers with a meaning of their own. */
enum { REG_AX, REG_CX, REG_DX, REG_BX, REG_SP, REG_BP, REG_SI, REG_DI };

#define REX_W	0x8	/* 64-bit operands */
#define REX_R	0x4	/* bit 3 of ModRM.reg */
#define REX_X	0x2	/* bit 3 of SIB.index */
#define REX_B	0x1	/* bit 3 of ModRM.rm or SIB.base */

#define RFLAGS_CF	0x001
#define RFLAGS_PF	0x004
#define RFLAGS_AF	0x010
#define RFLAGS_ZF	0x040
#define RFLAGS_SF	0x080
#define RFLAGS_DF	0x400
#define RFLAGS_OF	0x800
#define RFLAGS_ARITH	0x8d5	/* all of these but DF */

/* ---- The opcode table ---- */

/* What follows the opcode, and which operand comes first. */
enum form {
	FORM_MR,	/* ModRM: memory, register */
	FORM_RM,	/* ModRM: register, memory */
	FORM_NTI,	/* FORM_MR with at least 4 bytes and no 66, F2, F3 */
	FORM_MI,	/* ModRM: memory, immediate of the operand size, <= 4 */
	FORM_MI8,	/* ModRM: memory, one byte immediate */
	FORM_M,		/* ModRM: memory alone */
	FORM_AO,	/* accumulator, memory at an offset without ModRM */
	FORM_OA,	/* the reverse */
	FORM_STRING,	/* nothing follows; rSI, rDI and the accumulator */
};

/* row.flags */
#define MEM8		0x01	/* memory has 1 byte, the register 2, 4 or 8 */
#define MEM16		0x02	/* memory has 2 bytes */
#define MEM32		0x04	/* memory has 4 bytes */
#define MEM_SIZE	0x07	/* the three as a size; none: as the register */
#define SIGNED		0x08	/* sign-extend memory, not zero-extend */
#define W		0x10	/* this opcode: 1 byte; the next: 2, 4 or 8 */
#define ONLY64		0x20	/* another instruction outside 64-bit mode */

/* row.digit: which ModRM.reg it wants */
#define ANY		8

/* row.op: not one operation but the eight from INSN_ADD, by number */
#define BY_OPCODE	0xfe	/* the number is in bits 5:3 of the opcode */
#define BY_DIGIT	0xff	/* it is ModRM.reg */

struct row {
	u8 map;		/* 0x0f: the opcode follows a byte 0F; 0: it does not */
	u8 opcode;
	u8 digit;
	u8 op;
	u8 form;
	u8 flags;
};

/*
 * From the manual's "Opcode Map", "One-Byte and Two-Byte Opcode Maps" and
 * "Opcode Extensions for One-Byte and Two-Byte Opcodes". What device drivers
 * use most comes first; otherwise the order does not matter.
 */
static const struct row rows[] = {
	/* MOV */
	{ 0x00, 0x88, ANY, INSN_MOV, FORM_MR, W },
	{ 0x00, 0x8a, ANY, INSN_MOV, FORM_RM, W },
	{ 0x00, 0xc6, 0, INSN_MOV, FORM_MI, W },
	{ 0x00, 0xa0, ANY, INSN_MOV, FORM_AO, W },
	{ 0x00, 0xa2, ANY, INSN_MOV, FORM_OA, W },
	/* MOVZX, MOVSX, MOVSXD, MOVNTI */
	{ 0x0f, 0xb6, ANY, INSN_MOV, FORM_RM, MEM8 },
	{ 0x0f, 0xb7, ANY, INSN_MOV, FORM_RM, MEM16 },
	{ 0x0f, 0xbe, ANY, INSN_MOV, FORM_RM, MEM8 | SIGNED },
	{ 0x0f, 0xbf, ANY, INSN_MOV, FORM_RM, MEM16 | SIGNED },
	{ 0x00, 0x63, ANY, INSN_MOV, FORM_RM, MEM32 | SIGNED | ONLY64 },
	{ 0x0f, 0xc3, ANY, INSN_MOV, FORM_NTI, 0 },
	/* MOVS, STOS, LODS */
	{ 0x00, 0xa4, ANY, INSN_MOVS, FORM_STRING, W },
	{ 0x00, 0xaa, ANY, INSN_STOS, FORM_STRING, W },
	{ 0x00, 0xac, ANY, INSN_LODS, FORM_STRING, W },
	/* ADD, OR, ADC, SBB, AND, SUB, XOR, CMP: 00-03, 08-0B, ... 38-3B */
	{ 0x00, 0x00, ANY, BY_OPCODE, FORM_MR, W },
	{ 0x00, 0x02, ANY, BY_OPCODE, FORM_RM, W },
	{ 0x00, 0x80, ANY, BY_DIGIT, FORM_MI, W },
	{ 0x00, 0x83, ANY, BY_DIGIT, FORM_MI8, 0 },
	/* TEST, XCHG, NOT, NEG, INC, DEC */
	{ 0x00, 0x84, ANY, INSN_TEST, FORM_MR, W },
	{ 0x00, 0xf6, 0, INSN_TEST, FORM_MI, W },
	{ 0x00, 0x86, ANY, INSN_XCHG, FORM_MR, W },
	{ 0x00, 0xf6, 2, INSN_NOT, FORM_M, W },
	{ 0x00, 0xf6, 3, INSN_NEG, FORM_M, W },
	{ 0x00, 0xfe, 0, INSN_INC, FORM_M, W },
	{ 0x00, 0xfe, 1, INSN_DEC, FORM_M, W },
	/*
	 * BT, BTS, BTR, BTC with an immediate. With a register they may reach
	 * beyond their memory operand: left out.
	 */
	{ 0x0f, 0xba, 4, INSN_BT, FORM_MI8, 0 },
	{ 0x0f, 0xba, 5, INSN_BTS, FORM_MI8, 0 },
	{ 0x0f, 0xba, 6, INSN_BTR, FORM_MI8, 0 },
	{ 0x0f, 0xba, 7, INSN_BTC, FORM_MI8, 0 },
};

/* The row of this opcode and digit; any of its digits for ANY. */
static const struct row *find_row(u8 map, u8 opcode, u8 digit)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];
		u8 free = (row->flags & W ? 0x01 : 0) |
			  (row->op == BY_OPCODE ? 0x38 : 0);

		if (row->map == map && row->opcode == (opcode & ~free) &&
		    (digit == ANY || row->digit == ANY || row->digit == digit))
			return row;
	}
	return NULL;
}

/* ---- Reading the bytes ---- */

static u64 size_mask(unsigned int size)
{
	return ~0ull >> (64 - 8 * size);
}

static u64 sign_extend_size(u64 value, unsigned int size)
{
	unsigned int shift = 64 - 8 * size;

	return (u64)((s64)(value << shift) >> shift);
}

/* Where we are in the bytes, and the prefixes seen. */
struct reader {
	const u8 *bytes;
	size_t n;
	size_t pos;
	unsigned int mode;
	bool operand_size;	/* 66 */
	bool address_size;	/* 67 */
	bool lock;		/* F0 */
	bool repne;		/* F2 */
	bool rep;		/* F3 */
	u8 seg;			/* the last override, or NO_SEG */
#define NO_SEG	0xff
	u8 rex;			/* 40 to 4F, or 0 */
};

/* Take @size bytes (0: the value is 0), sign-extended. False: they ran out. */
static bool take(struct reader *r, unsigned int size, u64 *value)
{
	unsigned int i;
	u64 v = 0;

	if (r->n - r->pos < size)
		return false;
	for (i = 0; i < size; i++)
		v |= (u64)r->bytes[r->pos++] << (8 * i);
	*value = size ? sign_extend_size(v, size) : 0;
	return true;
}

static bool take_byte(struct reader *r, u8 *byte)
{
	if (r->pos == r->n)
		return false;
	*byte = r->bytes[r->pos++];
	return true;
}

/*
 * Take all prefixes and the byte behind them. A REX prefix counts only right
 * before the opcode (the manual: "REX Prefixes"), and 64-bit mode ignores the
 * overrides of ES, CS, SS and DS ("Segmentation in 64-Bit Mode").
 */
static bool take_prefixes(struct reader *r, u8 *opcode)
{
	u8 byte;

	while (take_byte(r, &byte)) {
		if (r->mode == 64 && (byte & 0xf0) == 0x40) {
			r->rex = byte;
			continue;
		}
		switch (byte) {
		case 0x26: case 0x2e: case 0x36: case 0x3e:
			if (r->mode != 64)
				r->seg = INSN_ES + ((byte >> 3) & 3);
			break;
		case 0x64: case 0x65:
			r->seg = INSN_FS + (byte & 1);
			break;
		case 0x66:
			r->operand_size = true;
			break;
		case 0x67:
			r->address_size = true;
			break;
		case 0xf0:
			r->lock = true;
			break;
		case 0xf2:
			r->repne = true;
			break;
		case 0xf3:
			r->rep = true;
			break;
		default:
			*opcode = byte;
			return true;
		}
		r->rex = 0;
	}
	return false;
}

/*
 * Take the rest of a memory operand with the ModRM byte @modrm, mod not 3: the
 * manual's "Addressing-Mode Encoding of ModR/M and SIB Bytes".
 */
static bool take_modrm16(struct reader *r, u8 modrm, struct insn_mem *mem)
{
	static const u8 base[8] = {
		REG_BX, REG_BX, REG_BP, REG_BP, REG_SI, REG_DI, REG_BP, REG_BX,
	};
	u8 mod = modrm >> 6, rm = modrm & 7;

	if (mod == 0 && rm == 6)	/* an offset alone in place of [BP] */
		return take(r, 2, &mem->disp);

	mem->base = base[rm];
	if (rm < 4)
		mem->index = REG_SI + (rm & 1);
	return take(r, mod, &mem->disp);
}

static bool take_modrm(struct reader *r, u8 modrm, struct insn_mem *mem)
{
	u8 mod = modrm >> 6, rm = modrm & 7;
	unsigned int disp_size = mod == 2 ? 4 : mod;
	bool has_sib = rm == REG_SP;
	u8 base = rm;

	if (has_sib) {
		u8 sib, index;

		if (!take_byte(r, &sib))
			return false;
		index = ((sib >> 3) & 7) | (r->rex & REX_X ? 8 : 0);
		if (index != REG_SP) {	/* but R12 can be an index */
			mem->index = index;
			mem->scale = sib >> 6;
		}
		base = sib & 7;
	}

	if (mod == 0 && base == REG_BP) {	/* in place of [rBP] or [R13] */
		disp_size = 4;
		mem->rip_relative = !has_sib && r->mode == 64;
	} else {
		mem->base = base | (r->rex & REX_B ? 8 : 0);
	}
	return take(r, disp_size, &mem->disp);
}

/* ---- Decoding ---- */

static void set_sizes(struct insn *insn, const struct row *row, u8 opcode,
		      const struct reader *r)
{
	if ((row->flags & W) && !(opcode & 1))
		insn->op_size = 1;
	else if (r->rex & REX_W)
		insn->op_size = 8;
	else if ((r->mode == 16) != r->operand_size && row->form != FORM_NTI)
		insn->op_size = 2;
	else
		insn->op_size = 4;

	insn->mem_size = row->flags & MEM_SIZE;
	if (!insn->mem_size)
		insn->mem_size = insn->op_size;
}

/* Who reads and writes what, and where the operand beside memory is. */
static void set_operands(struct insn *insn, u8 form, u8 reg,
			 const struct reader *r)
{
	u8 op = insn->op;
	bool mem_first = form != FORM_RM && form != FORM_AO && op != INSN_LODS;
	/* what becomes of the first operand */
	bool read = op < INSN_MOVS && op != INSN_MOV;
	bool written = op != INSN_CMP && op != INSN_TEST && op != INSN_BT;

	insn->mem_is_dst = mem_first;
	insn->reads_mem = !mem_first || read || op == INSN_MOVS;
	insn->writes_mem = mem_first && written;
	insn->writes_reg = mem_first ? op == INSN_XCHG : written;

	if (form == FORM_MI || form == FORM_MI8) {
		insn->src = INSN_SRC_IMM;
	} else if (form == FORM_M || op == INSN_MOVS) {
		insn->src = INSN_SRC_NONE;
	} else {
		insn->src = INSN_SRC_REG;
		/* Without REX, bytes 4 to 7 are AH, CH, DH, BH. */
		insn->reg_high = insn->op_size == 1 && !r->rex && reg >= 4;
		insn->reg = insn->reg_high ? reg - 4 : reg;
	}
}

static void set_segments(struct insn *insn, const struct reader *r)
{
	if (r->seg != NO_SEG)
		insn->mem.seg = r->seg;
	else if (insn->mem.base == REG_SP || insn->mem.base == REG_BP)
		insn->mem.seg = INSN_SS;
	else
		insn->mem.seg = INSN_DS;

	if (insn->op == INSN_MOVS) {
		insn->mem2 = insn->mem;
		insn->mem2.base = REG_SI;
	}
	if (insn->op == INSN_MOVS || insn->op == INSN_STOS)
		insn->mem.seg = INSN_ES;	/* whatever the override */
}

/* Is this an exception, or another instruction, or undefined? */
static bool refused(const struct row *row, const struct insn *insn,
		    const struct reader *r)
{
	if ((row->flags & ONLY64) && r->mode != 64)
		return true;
	if (row->form == FORM_NTI && (r->operand_size || r->repne || r->rep))
		return true;
	/* Intel's MOVSXD to 16 bits reads 2 bytes, AMD's 4. */
	if (insn->mem_size > insn->op_size)
		return true;
	/* Elsewhere CPUs ignore F2 and F3; here the manual reserves F2. */
	if (row->form == FORM_STRING && r->repne)
		return true;
	return r->lock && (row->form == FORM_STRING ||
			   !insn->reads_mem || !insn->writes_mem);
}

enum decode_status decode_insn(const u8 *bytes, size_t n,
			       unsigned int mode_bits, struct insn *out)
{
	struct reader r = {
		.bytes = bytes,
		.n = n < INSN_MAX_LEN ? n : INSN_MAX_LEN,
		.mode = mode_bits,
		.seg = NO_SEG,
	};
	u8 map = 0, opcode, modrm, digit = 0, reg = REG_AX;
	const struct row *row;

	*out = (struct insn) {
		.mem = { .base = INSN_NO_REG, .index = INSN_NO_REG },
	};
	if (!take_prefixes(&r, &opcode))
		goto more;
	if (opcode == 0x0f) {
		map = opcode;
		if (!take_byte(&r, &opcode))
			goto more;
	}
	row = find_row(map, opcode, ANY);
	if (!row)
		return DECODE_UNKNOWN;

	if (mode_bits == 64)
		out->addr_size = r.address_size ? 4 : 8;
	else
		out->addr_size = (mode_bits == 16) != r.address_size ? 2 : 4;

	if (row->form == FORM_STRING) {
		out->mem.base = row->op == INSN_LODS ? REG_SI : REG_DI;
	} else if (row->form == FORM_AO || row->form == FORM_OA) {
		if (!take(&r, out->addr_size, &out->mem.disp))
			goto more;
	} else {
		if (!take_byte(&r, &modrm))
			goto more;
		if (modrm >> 6 == 3)	/* a register, not memory */
			return DECODE_UNKNOWN;
		digit = (modrm >> 3) & 7;
		reg = digit | (r.rex & REX_R ? 8 : 0);
		if (row->digit != ANY)
			row = find_row(map, opcode, digit);
		if (!row)
			return DECODE_UNKNOWN;
		if (out->addr_size == 2 ? !take_modrm16(&r, modrm, &out->mem) :
					  !take_modrm(&r, modrm, &out->mem))
			goto more;
	}

	out->op = row->op;
	if (row->op == BY_OPCODE)
		out->op = INSN_ADD + ((opcode >> 3) & 7);
	if (row->op == BY_DIGIT)
		out->op = INSN_ADD + digit;
	out->sign_extend = !!(row->flags & SIGNED);
	out->lock = r.lock;
	out->rep = r.rep && row->form == FORM_STRING;
	set_sizes(out, row, opcode, &r);
	set_operands(out, row->form, reg, &r);
	set_segments(out, &r);
	if (refused(row, out, &r))
		return DECODE_UNKNOWN;

	if (out->src == INSN_SRC_IMM) {
		unsigned int size = out->op_size == 8 ? 4 : out->op_size;

		if (!take(&r, row->form == FORM_MI8 ? 1 : size, &out->imm))
			goto more;
	}
	out->len = r.pos;
	return DECODE_OK;

more:
	return r.n < INSN_MAX_LEN ? DECODE_MORE : DECODE_UNKNOWN;
}

/* ---- Operands ---- */

u64 insn_effective_address(const struct insn *insn, const struct insn_mem *mem,
			   const u64 gpr[16], u64 next_rip)
{
	u64 address = mem->disp;

	if (mem->rip_relative)
		address += next_rip;
	if (mem->base != INSN_NO_REG)
		address += gpr[mem->base];
	if (mem->index != INSN_NO_REG)
		address += gpr[mem->index] << mem->scale;
	return address & size_mask(insn->addr_size);
}

u64 insn_reg_read(const u64 gpr[16], unsigned int reg, unsigned int size,
		  bool high)
{
	return (gpr[reg] >> (high ? 8 : 0)) & size_mask(size);
}

/* The manual: "General-Purpose Registers in 64-Bit Mode". */
void insn_reg_write(u64 gpr[16], unsigned int reg, unsigned int size,
		    bool high, u64 value)
{
	unsigned int shift = high ? 8 : 0;
	u64 mask = size_mask(size) << shift;

	/* Four bytes clear the upper half, fewer keep the rest. */
	gpr[reg] = size == 4 ? 0 : gpr[reg] & ~mask;
	gpr[reg] |= (value << shift) & mask;
}

u64 insn_operand(const struct insn *insn, const u64 gpr[16])
{
	if (insn->src == INSN_SRC_REG)
		return insn_reg_read(gpr, insn->reg, insn->op_size,
				     insn->reg_high);
	return insn->imm & size_mask(insn->op_size);
}

u64 insn_string_count(const struct insn *insn, const u64 gpr[16])
{
	if (!insn->rep)
		return 1;
	return insn_reg_read(gpr, REG_CX, insn->addr_size, false);
}

void insn_string_step(const struct insn *insn, u64 gpr[16], u64 rflags)
{
	u64 step = rflags & RFLAGS_DF ? -(u64)insn->op_size : insn->op_size;
	unsigned int size = insn->addr_size;

	if (insn->op != INSN_STOS)
		insn_reg_write(gpr, REG_SI, size, false, gpr[REG_SI] + step);
	if (insn->op != INSN_LODS)
		insn_reg_write(gpr, REG_DI, size, false, gpr[REG_DI] + step);
	if (insn->rep)
		insn_reg_write(gpr, REG_CX, size, false, gpr[REG_CX] - 1);
}

/* ---- Arithmetic ---- */

/* a + b + *carry; then bit n of *carry is the carry out of bit n. */
static u64 add(u64 a, u64 b, u64 *carry)
{
	u64 r = a + b + *carry;

	*carry = (a & b) | ((a | b) & ~r);
	return r;
}

/* a - b - *borrow; then bit n of *borrow is the borrow out of bit n. */
static u64 sub(u64 a, u64 b, u64 *borrow)
{
	u64 r = a - b - *borrow;

	*borrow = (~a & b) | ((~a | b) & r);
	return r;
}

/* The flags of result @r, cut to @size, with the carries @carry. */
static u64 arith_flags(u64 r, u64 carry, unsigned int size)
{
	unsigned int sign = 8 * size - 1;
	bool cf = (carry >> sign) & 1;
	bool of = cf != ((carry >> (sign - 1)) & 1);
	bool odd = (0x6996 >> ((r ^ (r >> 4)) & 0xf)) & 1;	/* low byte */

	return (cf ? RFLAGS_CF : 0) |
	       (odd ? 0 : RFLAGS_PF) |
	       (carry & 8 ? RFLAGS_AF : 0) |
	       (r ? 0 : RFLAGS_ZF) |
	       ((r >> sign) & 1 ? RFLAGS_SF : 0) |
	       (of ? RFLAGS_OF : 0);
}

/* AF, undefined after AND, OR, XOR and TEST, is cleared as CPUs do. */
/* What moves without being changed: as wide as memory is, and then as the register is. */
static u64 moved(const struct insn *insn, u64 src)
{
	src &= size_mask(insn->mem_size);
	if (insn->sign_extend)
		src = sign_extend_size(src, insn->mem_size);
	return src & size_mask(insn->op_size);
}

u64 insn_alu(const struct insn *insn, u64 dst, u64 src, u64 *rflags)
{
	u64 mask = size_mask(insn->op_size);
	u64 changed = RFLAGS_ARITH;
	u64 r, bit, carry = 0;

	if (insn->op == INSN_MOV)	/* as nearly all are */
		return moved(insn, src);
	dst &= mask;
	src &= mask;
	if (insn->op == INSN_ADC || insn->op == INSN_SBB)
		carry = *rflags & RFLAGS_CF;
	if (insn->op == INSN_INC || insn->op == INSN_DEC) {
		src = 1;
		changed &= ~(u64)RFLAGS_CF;
	}

	switch (insn->op) {
	case INSN_ADD: case INSN_ADC: case INSN_INC:
		r = add(dst, src, &carry);
		break;
	case INSN_SUB: case INSN_SBB: case INSN_CMP: case INSN_DEC:
		r = sub(dst, src, &carry);
		break;
	case INSN_NEG:
		r = sub(0, dst, &carry);
		break;
	case INSN_AND: case INSN_TEST:
		r = dst & src;
		break;
	case INSN_OR:
		r = dst | src;
		break;
	case INSN_XOR:
		r = dst ^ src;
		break;
	case INSN_NOT:
		return ~dst & mask;
	case INSN_BT: case INSN_BTS: case INSN_BTR: case INSN_BTC:
		/* CF is the old bit; the other flags stay. */
		bit = 1ull << (src & (8 * insn->op_size - 1));
		*rflags = (*rflags & ~(u64)RFLAGS_CF) |
			  (dst & bit ? RFLAGS_CF : 0);
		return insn->op == INSN_BTS ? dst | bit :
		       insn->op == INSN_BTR ? dst & ~bit :
		       insn->op == INSN_BTC ? dst ^ bit : dst;
	default:		/* XCHG, strings */
		return moved(insn, src);
	}

	r &= mask;
	*rflags = (*rflags & ~changed) |
		  (arith_flags(r, carry, insn->op_size) & changed);
	return r;
}
