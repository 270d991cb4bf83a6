/* SOURCES: module/decode.c LIBS: -lZydis */
// SPDX-License-Identifier: GPL-2.0
/*
 * The decoder against Zydis: random bytes, biased to prefixes and opcodes that
 * the decoder's table has, in all three modes.
 *
 *	decode_fuzz [CASES [SEED]]
 *
 * What the decoder accepts, Zydis must describe alike, to the last field. What
 * Zydis says is one of our mnemonics with a memory operand, the decoder must
 * accept, but for the reasons in declines[], each of which is counted.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <Zydis/Zydis.h>

#include "../../module/decode.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define MAX_REPORTS	20

static const ZydisMachineMode zydis_mode[] = {
	ZYDIS_MACHINE_MODE_LEGACY_16,
	ZYDIS_MACHINE_MODE_LEGACY_32,
	ZYDIS_MACHINE_MODE_LONG_64,
};

static const ZydisStackWidth zydis_stack[] = {
	ZYDIS_STACK_WIDTH_16, ZYDIS_STACK_WIDTH_32, ZYDIS_STACK_WIDTH_64,
};

/* The mnemonics of each operation, but those of INSN_MOV and the strings. */
static const ZydisMnemonic mnemonics[] = {
	[INSN_ADD] = ZYDIS_MNEMONIC_ADD,
	[INSN_OR] = ZYDIS_MNEMONIC_OR,
	[INSN_ADC] = ZYDIS_MNEMONIC_ADC,
	[INSN_SBB] = ZYDIS_MNEMONIC_SBB,
	[INSN_AND] = ZYDIS_MNEMONIC_AND,
	[INSN_SUB] = ZYDIS_MNEMONIC_SUB,
	[INSN_XOR] = ZYDIS_MNEMONIC_XOR,
	[INSN_CMP] = ZYDIS_MNEMONIC_CMP,
	[INSN_TEST] = ZYDIS_MNEMONIC_TEST,
	[INSN_XCHG] = ZYDIS_MNEMONIC_XCHG,
	[INSN_INC] = ZYDIS_MNEMONIC_INC,
	[INSN_DEC] = ZYDIS_MNEMONIC_DEC,
	[INSN_NOT] = ZYDIS_MNEMONIC_NOT,
	[INSN_NEG] = ZYDIS_MNEMONIC_NEG,
	[INSN_BT] = ZYDIS_MNEMONIC_BT,
	[INSN_BTS] = ZYDIS_MNEMONIC_BTS,
	[INSN_BTR] = ZYDIS_MNEMONIC_BTR,
	[INSN_BTC] = ZYDIS_MNEMONIC_BTC,
};

/* The mnemonics of INSN_MOV ... by operand size 1, 2, 4, 8. */
static const ZydisMnemonic string_mnemonics[][4] = {
	{ ZYDIS_MNEMONIC_MOVSB, ZYDIS_MNEMONIC_MOVSW,
	  ZYDIS_MNEMONIC_MOVSD, ZYDIS_MNEMONIC_MOVSQ },
	{ ZYDIS_MNEMONIC_STOSB, ZYDIS_MNEMONIC_STOSW,
	  ZYDIS_MNEMONIC_STOSD, ZYDIS_MNEMONIC_STOSQ },
	{ ZYDIS_MNEMONIC_LODSB, ZYDIS_MNEMONIC_LODSW,
	  ZYDIS_MNEMONIC_LODSD, ZYDIS_MNEMONIC_LODSQ },
};

static const ZydisMnemonic mov_mnemonics[] = {
	ZYDIS_MNEMONIC_MOV, ZYDIS_MNEMONIC_MOVZX, ZYDIS_MNEMONIC_MOVSX,
	ZYDIS_MNEMONIC_MOVSXD, ZYDIS_MNEMONIC_MOVNTI,
};

static const ZydisRegister segments[] = {
	[INSN_ES] = ZYDIS_REGISTER_ES, [INSN_CS] = ZYDIS_REGISTER_CS,
	[INSN_SS] = ZYDIS_REGISTER_SS, [INSN_DS] = ZYDIS_REGISTER_DS,
	[INSN_FS] = ZYDIS_REGISTER_FS, [INSN_GS] = ZYDIS_REGISTER_GS,
};

/* One case: the bytes, and what both make of them. */
struct test_case {
	const u8 *bytes;
	unsigned int n;
	unsigned int mode_bits;
	enum decode_status status;
	struct insn insn;
	ZyanStatus zstatus;
	ZydisDecodedInstruction z;
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
	char why[128];		/* they differ in this */
};

static u64 random_state;

/* xorshift64*, Vigna: "An experimental exploration of Marsaglia's xorshift". */
static u64 random64(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 0x2545f4914f6cdd1dull;
}

static unsigned int random_below(unsigned int n)
{
	return (random64() >> 32) % n;
}

/* ---- Making bytes ---- */

static const u8 prefix_bytes[] = {
	0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x66, 0x66, 0x67, 0x67,
	0xf0, 0xf2, 0xf3,
};

static const u8 opcodes[] = {
	0x63, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a,
	0x8b, 0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xaa, 0xab, 0xac, 0xad, 0xc6,
	0xc7, 0xf6, 0xf7, 0xfe, 0xff,
};

static const u8 opcodes_0f[] = {
	0xb6, 0xb7, 0xba, 0xbe, 0xbf, 0xc3, 0xa3, 0xab, 0xb3, 0xbb,
};

static void make_bytes(u8 bytes[16], unsigned int mode_bits)
{
	/* Rarely so many prefixes that the length limit comes into play. */
	unsigned int prefixes = random_below(random_below(16) ? 4 : 15);
	unsigned int i, pos = 0;
	u64 tail[2] = { random64(), random64() };

	memcpy(bytes, tail, 16);
	for (i = 0; i < prefixes; i++) {
		if (mode_bits == 64 && !random_below(8))
			bytes[pos++] = 0x40 | random_below(16);
		else
			bytes[pos++] = prefix_bytes[random_below(ARRAY_SIZE(prefix_bytes))];
	}
	if (pos < 15 && mode_bits == 64 && random_below(2))
		bytes[pos++] = 0x40 | random_below(16);

	switch (random_below(16)) {
	case 0:			/* whatever the tail has */
		return;
	case 1 ... 5:		/* arithmetic, 00 to 3F */
		bytes[pos++] = random_below(0x40);
		break;
	case 6 ... 8:
		if (pos < 15)
			bytes[pos++] = 0x0f;
		bytes[pos++] = opcodes_0f[random_below(ARRAY_SIZE(opcodes_0f))];
		break;
	default:
		bytes[pos++] = opcodes[random_below(ARRAY_SIZE(opcodes))];
		break;
	}
	/* Seldom a register in place of memory. */
	if (pos < 16 && bytes[pos] >= 0xc0 && random_below(8))
		bytes[pos] -= 0x40 * (1 + random_below(3));
}

/* ---- Where they agree ---- */

/* Note the first difference only. */
static void differ(struct test_case *t, const char *format, ...)
{
	va_list args;

	if (t->why[0])
		return;
	va_start(args, format);
	vsnprintf(t->why, sizeof(t->why), format, args);
	va_end(args);
}

static void expect(struct test_case *t, const char *what, u64 ours, u64 theirs)
{
	if (ours != theirs)
		differ(t, "%s is %#llx, Zydis has %#llx", what,
		       (unsigned long long)ours, (unsigned long long)theirs);
}

static u64 cut(u64 value, unsigned int size)
{
	return value & (~0ull >> (64 - 8 * size));
}

/* Our register as Zydis calls it. */
static ZydisRegister zydis_reg(u8 reg, unsigned int size, bool high)
{
	if (reg == INSN_NO_REG)
		return ZYDIS_REGISTER_NONE;
	switch (size) {
	case 1:
		if (high)
			return ZYDIS_REGISTER_AH + reg;
		if (reg < 4)
			return ZYDIS_REGISTER_AL + reg;
		return ZYDIS_REGISTER_SPL + reg - 4;
	case 2:
		return ZYDIS_REGISTER_AX + reg;
	case 4:
		return ZYDIS_REGISTER_EAX + reg;
	default:
		return ZYDIS_REGISTER_RAX + reg;
	}
}

/*
 * With an address size prefix and REX.B, some versions of Zydis take a missing
 * base for R13D (its issue 592); CPUs and the manual do not. Put that right.
 */
static unsigned long long corrected;

static void correct_zydis(struct test_case *t)
{
	unsigned int i;

	if (!ZYAN_SUCCESS(t->zstatus) || t->mode_bits != 64 ||
	    t->z.address_width != 32 || t->z.raw.modrm.mod != 0 ||
	    t->z.raw.modrm.rm != 4 || t->z.raw.sib.base != 5)
		return;
	for (i = 0; i < t->z.operand_count; i++) {
		if (t->op[i].type == ZYDIS_OPERAND_TYPE_MEMORY &&
		    t->op[i].mem.base == ZYDIS_REGISTER_R13D) {
			t->op[i].mem.base = ZYDIS_REGISTER_NONE;
			t->op[i].mem.disp.value = t->z.raw.disp.value;
			corrected++;
		}
	}
}

static void expect_mem(struct test_case *t, const struct insn_mem *mem,
		       const ZydisDecodedOperand *op, bool reads, bool writes)
{
	const struct insn *insn = &t->insn;
	ZydisRegister base = zydis_reg(mem->base, insn->addr_size, false);

	if (op->type != ZYDIS_OPERAND_TYPE_MEMORY ||
	    op->mem.type != ZYDIS_MEMOP_TYPE_MEM) {
		differ(t, "operand %u is not in memory", op->id);
		return;
	}
	if (mem->rip_relative) {
		expect(t, "base beside RIP", base, ZYDIS_REGISTER_NONE);
		base = insn->addr_size == 8 ? ZYDIS_REGISTER_RIP :
					      ZYDIS_REGISTER_EIP;
	}
	expect(t, "base", base, op->mem.base);
	expect(t, "index", zydis_reg(mem->index, insn->addr_size, false),
	       op->mem.index);
	if (mem->index != INSN_NO_REG && insn->addr_size != 2)
		expect(t, "scale", 1u << mem->scale, op->mem.scale);
	else
		expect(t, "scale", mem->scale, 0);
	expect(t, "disp", cut(mem->disp, insn->addr_size),
	       cut(op->mem.disp.value, insn->addr_size));
	expect(t, "segment", segments[mem->seg], op->mem.segment);
	expect(t, "mem_size", insn->mem_size * 8, op->size);
	expect(t, "memory read", reads,
	       !!(op->actions & ZYDIS_OPERAND_ACTION_MASK_READ));
	expect(t, "memory write", writes,
	       !!(op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE));
}

static void expect_other(struct test_case *t, const ZydisDecodedOperand *op)
{
	const struct insn *insn = &t->insn;
	/* To a bit number the sign does not matter; Zydis does not extend. */
	bool bit_nr = insn->op >= INSN_BT && insn->op <= INSN_BTC;
	unsigned int imm_size = bit_nr ? 1 : insn->op_size;

	switch (insn->src) {
	case INSN_SRC_REG:
		if (op->type != ZYDIS_OPERAND_TYPE_REGISTER) {
			differ(t, "operand %u is no register", op->id);
			return;
		}
		expect(t, "register", zydis_reg(insn->reg, insn->op_size,
						insn->reg_high), op->reg.value);
		expect(t, "op_size", insn->op_size * 8, op->size);
		expect(t, "register write", insn->writes_reg,
		       !!(op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE));
		break;
	case INSN_SRC_IMM:
		if (op->type != ZYDIS_OPERAND_TYPE_IMMEDIATE) {
			differ(t, "operand %u is no immediate", op->id);
			return;
		}
		expect(t, "immediate", cut(insn->imm, imm_size),
		       cut(op->imm.value.u, imm_size));
		break;
	default:
		break;
	}
}

static ZydisMnemonic expected_mnemonic(const struct insn *insn, ZydisMnemonic z)
{
	if (insn->op >= INSN_MOVS)
		return string_mnemonics[insn->op - INSN_MOVS]
				       [__builtin_ctz(insn->op_size)];
	if (insn->op != INSN_MOV)
		return mnemonics[insn->op];
	if (insn->sign_extend)
		return z == ZYDIS_MNEMONIC_MOVSXD ? z : ZYDIS_MNEMONIC_MOVSX;
	/* MOVZX of 16 to 16 bits exists, so size is no criterion */
	if (z == ZYDIS_MNEMONIC_MOVZX || z == ZYDIS_MNEMONIC_MOVNTI)
		return z;
	return ZYDIS_MNEMONIC_MOV;
}

static void expect_same(struct test_case *t)
{
	const struct insn *insn = &t->insn;
	unsigned int mem = insn->mem_is_dst ? 0 : 1;
	u8 visible = insn->src == INSN_SRC_NONE && insn->op != INSN_MOVS ? 1 : 2;

	if (!ZYAN_SUCCESS(t->zstatus)) {
		differ(t, "Zydis refuses it (%#x)", t->zstatus);
		return;
	}
	expect(t, "len", insn->len, t->z.length);
	expect(t, "mnemonic", expected_mnemonic(insn, t->z.mnemonic),
	       t->z.mnemonic);
	expect(t, "addr_size", insn->addr_size * 8, t->z.address_width);
	/* MOVNTI has no 16-bit form; Zydis shows that in the operands only. */
	if (t->z.mnemonic != ZYDIS_MNEMONIC_MOVNTI)
		expect(t, "op_size", insn->op_size * 8, t->z.operand_width);
	expect(t, "lock", insn->lock, !!(t->z.attributes & ZYDIS_ATTRIB_HAS_LOCK));
	expect(t, "rep", insn->rep, !!(t->z.attributes & ZYDIS_ATTRIB_HAS_REP));
	if (insn->op < INSN_MOVS)
		expect(t, "operands", visible, t->z.operand_count_visible);
	if (insn->op == INSN_MOVS) {
		expect_mem(t, &insn->mem, &t->op[0], false, insn->writes_mem);
		expect_mem(t, &insn->mem2, &t->op[1], insn->reads_mem, false);
		return;
	}
	expect_mem(t, &insn->mem, &t->op[mem], insn->reads_mem,
		   insn->writes_mem);
	expect_other(t, &t->op[!mem]);
}

/* What a shorter buffer holds of an instruction asks for more, and only that. */
static void expect_more(struct test_case *t)
{
	unsigned int n = random_below(t->insn.len);
	struct insn insn;
	enum decode_status status = decode_insn(t->bytes, n, t->mode_bits, &insn);

	if (status != DECODE_MORE)
		differ(t, "status is %d with %u bytes", status, n);
}

/* ---- Where the decoder may decline ---- */

static bool is_string(ZydisMnemonic mnemonic)
{
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(string_mnemonics); i++)
		for (j = 0; j < 4; j++)
			if (string_mnemonics[i][j] == mnemonic)
				return true;
	return false;
}

/* One of our mnemonics, and an operand in memory? MOVSD is also an SSE one. */
static bool is_ours(const struct test_case *t)
{
	bool found = is_string(t->z.mnemonic) &&
		     t->z.meta.category == ZYDIS_CATEGORY_STRINGOP;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(mnemonics); i++)
		found |= t->z.mnemonic == mnemonics[i] && mnemonics[i];
	for (i = 0; i < ARRAY_SIZE(mov_mnemonics); i++)
		found |= t->z.mnemonic == mov_mnemonics[i];
	if (!found)
		return false;
	for (i = 0; i < t->z.operand_count; i++)
		if (t->op[i].type == ZYDIS_OPERAND_TYPE_MEMORY)
			return true;
	return false;
}

static bool has_prefix(const struct test_case *t, u8 byte)
{
	unsigned int i;

	for (i = 0; i < t->z.raw.prefix_count; i++)
		if (t->z.raw.prefixes[i].value == byte)
			return true;
	return false;
}

static bool bit_by_register(const struct test_case *t)
{
	return t->z.opcode_map == ZYDIS_OPCODE_MAP_0F &&
	       (t->z.opcode & 0xe7) == 0xa3;
}

static bool mov_segment(const struct test_case *t)
{
	return t->z.opcode_map == ZYDIS_OPCODE_MAP_DEFAULT &&
	       (t->z.opcode == 0x8c || t->z.opcode == 0x8e);
}

static bool alias_82(const struct test_case *t)
{
	return t->z.opcode_map == ZYDIS_OPCODE_MAP_DEFAULT && t->z.opcode == 0x82;
}

static bool test_alias(const struct test_case *t)
{
	return t->z.opcode_map == ZYDIS_OPCODE_MAP_DEFAULT &&
	       (t->z.opcode & 0xfe) == 0xf6 && t->z.raw.modrm.reg == 1;
}

static bool string_repne(const struct test_case *t)
{
	return is_string(t->z.mnemonic) && has_prefix(t, 0xf2);
}

static bool movsxd_16(const struct test_case *t)
{
	return t->z.mnemonic == ZYDIS_MNEMONIC_MOVSXD && t->z.operand_width == 16;
}

static const struct {
	const char *why;
	bool (*applies)(const struct test_case *t);
} declines[] = {
	{ "BT* with a register: reaches beyond its operand", bit_by_register },
	{ "MOV of a segment register", mov_segment },
	{ "82: an alias of 80 that nobody uses", alias_82 },
	{ "F6 /1, F7 /1: not in the manual", test_alias },
	{ "string with F2: reserved in the manual", string_repne },
	{ "MOVSXD to 16 bits: the vendors differ", movsxd_16 },
};

static unsigned long long declined_by_reason[ARRAY_SIZE(declines)];
static unsigned long long declined_by_mnemonic[ZYDIS_MNEMONIC_MAX_VALUE + 1];

static bool may_decline(const struct test_case *t)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(declines); i++) {
		if (declines[i].applies(t)) {
			declined_by_reason[i]++;
			declined_by_mnemonic[t->z.mnemonic]++;
			return true;
		}
	}
	return false;
}

/* ---- The loop ---- */

static void report(const struct test_case *t)
{
	unsigned int i;

	printf("mode %u:", t->mode_bits);
	for (i = 0; i < t->n; i++)
		printf(" %02x", t->bytes[i]);
	printf(": %s", t->why);
	if (ZYAN_SUCCESS(t->zstatus))
		printf(" (%s)", ZydisMnemonicGetString(t->z.mnemonic));
	printf("\n");
}

int main(int argc, char **argv)
{
	unsigned long long cases = 1000000, seed = 1;
	unsigned long long i, agree = 0, declined = 0, disagree = 0, ok = 0;
	unsigned long long ok_by_op[INSN_LODS + 1] = { 0 };
	ZydisDecoder decoder[3];
	unsigned int m;

	if (argc > 1)
		cases = strtoull(argv[1], NULL, 0);
	if (argc > 2)
		seed = strtoull(argv[2], NULL, 0);
	random_state = seed * 0x9e3779b97f4a7c15ull | 1;
	for (m = 0; m < 3; m++)
		ZydisDecoderInit(&decoder[m], zydis_mode[m], zydis_stack[m]);

	for (i = 0; i < cases; i++) {
		struct test_case t = { .n = 16 };
		u8 bytes[16], *exact;

		m = random_below(3);
		t.mode_bits = 16u << m;
		make_bytes(bytes, t.mode_bits);
		if (!random_below(8))
			t.n = random_below(17);
		/* At the very end of the array, so that ASan sees an overrun. */
		exact = bytes + sizeof(bytes) - t.n;
		memmove(exact, bytes, t.n);
		t.bytes = exact;

		t.status = decode_insn(t.bytes, t.n, t.mode_bits, &t.insn);
		t.zstatus = ZydisDecoderDecodeFull(&decoder[m], t.bytes, t.n,
						   &t.z, t.op);
		correct_zydis(&t);
		switch (t.status) {
		case DECODE_OK:
			ok++;
			ok_by_op[t.insn.op]++;
			expect_same(&t);
			expect_more(&t);
			break;
		case DECODE_MORE:
			if (t.n >= INSN_MAX_LEN || ZYAN_SUCCESS(t.zstatus))
				differ(&t, "more bytes wanted");
			break;
		case DECODE_UNKNOWN:
			if (!ZYAN_SUCCESS(t.zstatus) || !is_ours(&t))
				break;
			if (may_decline(&t)) {
				declined++;
				continue;
			}
			differ(&t, "not known");
			break;
		}
		if (!t.why[0]) {
			agree++;
			continue;
		}
		if (disagree++ < MAX_REPORTS)
			report(&t);
	}

	printf("seed %llu, accepted %llu, of these by operation:", seed, ok);
	for (m = 0; m < ARRAY_SIZE(ok_by_op); m++)
		printf(" %llu", ok_by_op[m]);
	printf("\n");
	for (m = 0; m < ARRAY_SIZE(declines); m++)
		printf("declined %llu: %s\n", declined_by_reason[m],
		       declines[m].why);
	for (m = 0; m < ARRAY_SIZE(declined_by_mnemonic); m++)
		if (declined_by_mnemonic[m])
			printf("declined %llu: %s\n", declined_by_mnemonic[m],
			       ZydisMnemonicGetString(m));
	printf("corrected %llu: Zydis issue 592\n", corrected);
	printf("decode_fuzz: cases %llu agree %llu declined %llu disagree %llu\n",
	       cases, agree, declined, disagree);
	return disagree ? 1 : 0;
}
