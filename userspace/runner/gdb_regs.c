// SPDX-License-Identifier: GPL-2.0
/* Tables of registers. gdb asks for the names and for the order of the core ones. */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "array.h"
#include "gdb_regs.h"

#define CR0_PE		(1ULL << 0)
#define RFLAGS_VM	(1ULL << 17)
#define EFER_LMA	(1ULL << 10)
#define ACCESS_DB	(1U << 14)

/* FXSAVE area ("Legacy Region of an XSAVE Area"). */
#define FX_FTW		4
#define FX_ST		32
#define FX_XMM		160

enum feature { CORE, SSE, SEGMENTS, SYSTEM };

static const char *const feature_names[] = {
	[CORE] = "org.gnu.gdb.i386.core",
	[SSE] = "org.gnu.gdb.i386.sse",
	[SEGMENTS] = "org.gnu.gdb.i386.segments",
	[SYSTEM] = "org.minivmx.system",
};

/* What the types of a feature's registers are made of. */
static const char *const feature_types[] = {
	[CORE] =
	"<flags id=\"i386_eflags\" size=\"4\">"
	"<field name=\"CF\" start=\"0\" end=\"0\"/><field name=\"PF\" start=\"2\" end=\"2\"/>"
	"<field name=\"AF\" start=\"4\" end=\"4\"/><field name=\"ZF\" start=\"6\" end=\"6\"/>"
	"<field name=\"SF\" start=\"7\" end=\"7\"/><field name=\"TF\" start=\"8\" end=\"8\"/>"
	"<field name=\"IF\" start=\"9\" end=\"9\"/><field name=\"DF\" start=\"10\" end=\"10\"/>"
	"<field name=\"OF\" start=\"11\" end=\"11\"/><field name=\"NT\" start=\"14\" end=\"14\"/>"
	"<field name=\"RF\" start=\"16\" end=\"16\"/><field name=\"VM\" start=\"17\" end=\"17\"/>"
	"<field name=\"AC\" start=\"18\" end=\"18\"/></flags>",
	[SSE] =
	"<vector id=\"v4f\" type=\"ieee_single\" count=\"4\"/>"
	"<vector id=\"v2d\" type=\"ieee_double\" count=\"2\"/>"
	"<vector id=\"v16i8\" type=\"int8\" count=\"16\"/>"
	"<vector id=\"v8i16\" type=\"int16\" count=\"8\"/>"
	"<vector id=\"v4i32\" type=\"int32\" count=\"4\"/>"
	"<vector id=\"v2i64\" type=\"int64\" count=\"2\"/>"
	"<union id=\"vec128\"><field name=\"v4_float\" type=\"v4f\"/>"
	"<field name=\"v2_double\" type=\"v2d\"/><field name=\"v16_int8\" type=\"v16i8\"/>"
	"<field name=\"v8_int16\" type=\"v8i16\"/><field name=\"v4_int32\" type=\"v4i32\"/>"
	"<field name=\"v2_int64\" type=\"v2i64\"/><field name=\"uint128\" type=\"uint128\"/>"
	"</union>",
	[SEGMENTS] = "",
	[SYSTEM] = "",
};

/**
 * struct gdb_register - a register
 * @feature: what it belongs to
 * @name: gdb's
 * @type: gdb's
 * @size: bytes that gdb has of it
 * @kept: bytes of it in struct gdb_cpu; those above are zero
 * @offset: where it is there
 */
struct gdb_register {
	enum feature feature;
	const char *name;
	const char *type;
	uint8_t size;
	uint8_t kept;
	uint16_t offset;
};

#define ROW(feature, name, type, size, kept, offset)	\
	{ feature, name, type, size, kept, (uint16_t)(offset) }
#define GENERAL(name, member, type, size)	\
	ROW(CORE, name, type, size, size, offsetof(struct gdb_cpu, regs.member))
#define R64(member)		GENERAL(#member, member, "int64", 8)
#define P64(member)		GENERAL(#member, member, "data_ptr", 8)
#define R32(name, member)	GENERAL(name, member, "int32", 4)
#define P32(name, member)	GENERAL(name, member, "data_ptr", 4)
#define SELECTOR(member)	\
	ROW(CORE, #member, "int32", 4, 2, offsetof(struct gdb_cpu, sregs.member.selector))
#define BASE(member)		\
	ROW(SEGMENTS, #member "_base", "int64", 8, 8, offsetof(struct gdb_cpu, sregs.member.base))
#define CONTROL(member, size)	\
	ROW(SYSTEM, #member, "int64", 8, size, offsetof(struct gdb_cpu, sregs.member))
#define FX(feature, name, type, size, kept, at)	\
	ROW(feature, name, type, size, kept, offsetof(struct gdb_cpu, fx) + (at))
#define ST(n)			FX(CORE, "st" #n, "i387_ext", 10, 10, FX_ST + 16 * (n))
#define XMM(n)			FX(SSE, "xmm" #n, "vec128", 16, 16, FX_XMM + 16 * (n))

#define SELECTORS		\
	SELECTOR(cs), SELECTOR(ss), SELECTOR(ds), SELECTOR(es), SELECTOR(fs), SELECTOR(gs)
/* The tag word is kept in its abridged form, of one byte. */
#define X87			\
	ST(0), ST(1), ST(2), ST(3), ST(4), ST(5), ST(6), ST(7),	\
	FX(CORE, "fctrl", "int", 4, 2, 0), FX(CORE, "fstat", "int", 4, 2, 2),	\
	FX(CORE, "ftag", "int", 4, 1, FX_FTW), FX(CORE, "fiseg", "int", 4, 2, 12),	\
	FX(CORE, "fioff", "int", 4, 4, 8), FX(CORE, "foseg", "int", 4, 2, 20),	\
	FX(CORE, "fooff", "int", 4, 4, 16), FX(CORE, "fop", "int", 4, 2, 6)
#define XMM0_TO_7		\
	XMM(0), XMM(1), XMM(2), XMM(3), XMM(4), XMM(5), XMM(6), XMM(7)
#define MXCSR			FX(SSE, "mxcsr", "int", 4, 4, 24)
#define CONTROLS		\
	CONTROL(cr0, 8), CONTROL(cr2, 8), CONTROL(cr3, 8), CONTROL(cr4, 8), CONTROL(cr8, 8), \
	CONTROL(efer, 8)

static const struct gdb_register i386_registers[] = {
	R32("eax", rax), R32("ecx", rcx), R32("edx", rdx), R32("ebx", rbx),
	P32("esp", rsp), P32("ebp", rbp), R32("esi", rsi), R32("edi", rdi),
	GENERAL("eip", rip, "code_ptr", 4), GENERAL("eflags", rflags, "i386_eflags", 4),
	SELECTORS, X87, XMM0_TO_7, MXCSR, CONTROLS,
};

static const struct gdb_register x86_64_registers[] = {
	R64(rax), R64(rbx), R64(rcx), R64(rdx), R64(rsi), R64(rdi), P64(rbp), P64(rsp),
	R64(r8), R64(r9), R64(r10), R64(r11), R64(r12), R64(r13), R64(r14), R64(r15),
	GENERAL("rip", rip, "code_ptr", 8), GENERAL("eflags", rflags, "i386_eflags", 4),
	SELECTORS, X87, XMM0_TO_7, XMM(8), XMM(9), XMM(10), XMM(11), XMM(12), XMM(13),
	XMM(14), XMM(15), MXCSR, BASE(fs), BASE(gs), CONTROLS,
};

static const struct {
	const char *name;
	const struct gdb_register *registers;
	unsigned int nr;
} archs[] = {
	[GDB_I8086] = { "i8086", i386_registers, ARRAY_SIZE(i386_registers) },
	[GDB_I386] = { "i386", i386_registers, ARRAY_SIZE(i386_registers) },
	[GDB_X86_64] = { "i386:x86-64", x86_64_registers, ARRAY_SIZE(x86_64_registers) },
};

enum gdb_arch gdb_arch_of(const struct minivmx_regs *regs, const struct minivmx_sregs *sregs)
{
	if (sregs->efer & EFER_LMA)
		return GDB_X86_64;
	if ((sregs->cr0 & CR0_PE) && !(regs->rflags & RFLAGS_VM) &&
	    (sregs->cs.access & ACCESS_DB))
		return GDB_I386;
	return GDB_I8086;
}

unsigned int gdb_nr_registers(enum gdb_arch arch)
{
	return archs[arch].nr;
}

size_t gdb_register_size(enum gdb_arch arch, unsigned int number)
{
	return archs[arch].registers[number].size;
}

static bool is_tag_word(const struct gdb_register *r)
{
	return r->offset == offsetof(struct gdb_cpu, fx) + FX_FTW;
}

size_t gdb_read_register(enum gdb_arch arch, unsigned int number, const struct gdb_cpu *cpu,
			 uint8_t *bytes)
{
	const struct gdb_register *r = &archs[arch].registers[number];
	const uint8_t *from = (const uint8_t *)cpu + r->offset;
	unsigned int i;

	memset(bytes, 0, r->size);
	if (is_tag_word(r)) {
		/* Two bits a register: 0 for valid, and not told from special; 3: empty. */
		for (i = 0; i < 8; i++)
			if (!(*from & 1U << i))
				bytes[i / 4] |= (uint8_t)(3U << i % 4 * 2);
	} else {
		memcpy(bytes, from, r->kept);
	}
	return r->size;
}

size_t gdb_write_register(enum gdb_arch arch, unsigned int number, struct gdb_cpu *cpu,
			  const uint8_t *bytes)
{
	const struct gdb_register *r = &archs[arch].registers[number];
	uint8_t *to = (uint8_t *)cpu + r->offset;
	unsigned int i;

	if (is_tag_word(r)) {
		*to = 0;
		for (i = 0; i < 8; i++)
			if ((bytes[i / 4] >> i % 4 * 2 & 3) != 3)
				*to |= (uint8_t)(1U << i);
	} else {
		memcpy(to, bytes, r->kept);
	}
	return r->size;
}

struct text {
	char *at;
	size_t length;
};

__attribute__((format(printf, 2, 3)))
static void add(struct text *text, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	text->length += (size_t)vsnprintf(text->at + text->length,
					  GDB_DESCRIPTION_MAX - text->length, format, args);
	va_end(args);
}

size_t gdb_description(enum gdb_arch arch, char description[GDB_DESCRIPTION_MAX])
{
	struct text text = { .at = description };
	unsigned int i;

	add(&text, "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\">");
	add(&text, "<target><architecture>%s</architecture>", archs[arch].name);
	for (i = 0; i < archs[arch].nr; i++) {
		const struct gdb_register *r = &archs[arch].registers[i];

		if (!i || r->feature != r[-1].feature)
			add(&text, "%s<feature name=\"%s\">%s", i ? "</feature>" : "",
			    feature_names[r->feature], feature_types[r->feature]);
		add(&text, "<reg name=\"%s\" bitsize=\"%u\" type=\"%s\"/>", r->name,
		    r->size * 8U, r->type);
	}
	add(&text, "</feature></target>");
	return text.length;
}
