/* SOURCES: userspace/lib/verdict.c userspace/lib/caps.c */
// SPDX-License-Identifier: GPL-2.0
/*
 * The entry verdict: valid states of each mode break no rule, and each rule is
 * broken, alone if it can be, by a state made for it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kselftest_harness.h"
#include "libminivmx.h"

#define BIT(n)		(1ULL << (n))

enum {
#define FIELD(encoding, name, policy, meaning) name = encoding,
#include "../../module/fields.def"
#undef FIELD
};

static const uint32_t encodings[] = {
#define FIELD(encoding, name, policy, meaning) encoding,
#include "../../module/fields.def"
#undef FIELD
};

#define NR_FIELDS	ARRAY_SIZE(encodings)

enum {
#define CONTROL(word, bit, name, need, user, text, why) word##_##name = 1U << bit,
#include "../../module/controls.def"
#undef CONTROL
};

static const char *const rule_names[] = {
#define CHECK(group, name, field, applies, holds, legal) #name,
#include "../../userspace/lib/entry_checks.def"
#undef CHECK
};

/* ---- A CPU with all that the manual has, and valid states for it ---- */

#define MUST_PIN	0x16U
#define MUST_CPU	0x04006172U
#define MUST_EXIT	0x36dfbU
#define MUST_ENTRY	0x11fbU
#define RESERVED_CPU2	BIT(29)		/* the one that it does not let be set */

#define MAY(must, may)	((must) | (uint64_t)(may) << 32)
#define ANY		0xffffffffU

static const uint64_t full_cpu[MINIVMX_NR_VMX_MSRS] = {
	0x00d810000000002b,		/* BASIC: with "TRUE" MSRs */
	MAY(MUST_PIN, ANY), MAY(0x0401e172, ANY), MAY(0x36dff, ANY), MAY(0x11ff, ANY),
	0x000401e0 | BIT(30),		/* MISC: 4 CR3 targets, all activity states */
	0x80000021, 0xffffffff,		/* CR0 */
	0x2000, 0x00ff67ff,		/* CR4 */
	0x34, MAY(0, ANY & ~RESERVED_CPU2), 0x00000f0106334141 | BIT(7),
	MAY(MUST_PIN, ANY), MAY(MUST_CPU, ANY), MAY(MUST_EXIT, ANY), MAY(MUST_ENTRY, ANY),
	1, 0xff, 0,
};

struct state {
	uint64_t msrs[MINIVMX_NR_VMX_MSRS];
	struct minivmx_vmcs_field fields[NR_FIELDS];
	unsigned int nr_fields;
	bool rtm, sgx;
};

static void put(struct state *s, uint32_t encoding, uint64_t value)
{
	unsigned int i;

	for (i = 0; i < NR_FIELDS; i++)
		if (s->fields[i].encoding == encoding)
			s->fields[i].value = value;
}

static uint64_t get(const struct state *s, uint32_t encoding)
{
	unsigned int i;

	for (i = 0; i < NR_FIELDS; i++)
		if (s->fields[i].encoding == encoding)
			return s->fields[i].value;
	return 0;
}

#define CANONICAL	0xffff800000001000ULL

static const struct { uint32_t field; uint64_t value; } common[] = {
	{ PIN_BASED_CONTROLS, MUST_PIN | PIN_EXT_INTR_EXITING | PIN_NMI_EXITING | PIN_VIRTUAL_NMIS },
	{ CPU_BASED_CONTROLS, MUST_CPU | CPU_SECONDARY | CPU_MSR_BITMAPS | CPU_HLT_EXITING },
	{ SECONDARY_CONTROLS, CPU2_EPT | CPU2_VPID },
	{ VM_EXIT_CONTROLS, MUST_EXIT | EXIT_HOST_64 | EXIT_LOAD_PAT | EXIT_LOAD_EFER },
	{ VM_ENTRY_CONTROLS, MUST_ENTRY | ENTRY_LOAD_DEBUG_CONTROLS | ENTRY_LOAD_PAT |
			     ENTRY_LOAD_EFER },
	{ VPID, 1 },
	{ EPT_POINTER, 0x1000 | 6 | 3 << 3 | 1 << 6 },
	{ VMCS_LINK_POINTER, ~0ULL },
	{ MSR_BITMAP, 0x2000 },
	{ TSC_MULTIPLIER, BIT(48) },

	{ HOST_CR0, 0x80050033 },
	{ HOST_CR3, 0x1000 },
	{ HOST_CR4, 0x3720a0 },
	{ HOST_CS_SELECTOR, 0x10 },
	{ HOST_SS_SELECTOR, 0x18 },
	{ HOST_TR_SELECTOR, 0x40 },
	{ HOST_GS_BASE, CANONICAL },
	{ HOST_TR_BASE, CANONICAL },
	{ HOST_GDTR_BASE, CANONICAL },
	{ HOST_IDTR_BASE, CANONICAL },
	{ HOST_IA32_PAT, 0x0407050600070106 },
	{ HOST_IA32_EFER, 0xd01 },
	{ HOST_RIP, CANONICAL },

	{ GUEST_IA32_PAT, 0x0007040600070406 },
	{ GUEST_CR0, 0x80000031 },
	{ GUEST_CR4, 0x2000 },
	{ GUEST_RFLAGS, 2 },
	{ GUEST_DR7, 0x400 },
	{ GUEST_CS_SELECTOR, 0x10 },
	{ GUEST_CS_ACCESS, 0xc09b }, { GUEST_CS_LIMIT, 0xffffffff },
	{ GUEST_SS_ACCESS, 0xc093 }, { GUEST_SS_LIMIT, 0xffffffff },
	{ GUEST_DS_ACCESS, 0xc093 }, { GUEST_DS_LIMIT, 0xffffffff },
	{ GUEST_ES_ACCESS, 0xc093 }, { GUEST_ES_LIMIT, 0xffffffff },
	{ GUEST_FS_ACCESS, 0xc093 }, { GUEST_FS_LIMIT, 0xffffffff },
	{ GUEST_GS_ACCESS, 0xc093 }, { GUEST_GS_LIMIT, 0xffffffff },
	{ GUEST_LDTR_ACCESS, 0x82 }, { GUEST_LDTR_LIMIT, 0xffff },
	{ GUEST_TR_ACCESS, 0x8b }, { GUEST_TR_LIMIT, 0xffff },
	{ GUEST_GDTR_LIMIT, 0xffff }, { GUEST_IDTR_LIMIT, 0xffff },
};

static void make_paged_32(struct state *s)
{
	unsigned int i;

	memset(s, 0, sizeof(*s));
	memcpy(s->msrs, full_cpu, sizeof(full_cpu));
	s->nr_fields = NR_FIELDS;
	for (i = 0; i < NR_FIELDS; i++)
		s->fields[i].encoding = encodings[i];
	for (i = 0; i < ARRAY_SIZE(common); i++)
		put(s, common[i].field, common[i].value);
}

static void make_long(struct state *s)
{
	make_paged_32(s);
	put(s, VM_ENTRY_CONTROLS, get(s, VM_ENTRY_CONTROLS) | ENTRY_IA32E_GUEST);
	put(s, GUEST_CR4, 0x20a0);
	put(s, GUEST_IA32_EFER, 0xd01);
	put(s, GUEST_CS_ACCESS, 0xa09b);
	put(s, GUEST_RIP, CANONICAL);
}

static void make_pae(struct state *s)
{
	make_paged_32(s);
	put(s, GUEST_CR4, 0x2020);
	put(s, GUEST_PDPTE0, 0x3001);
}

static void make_v86(struct state *s)
{
	static const uint32_t segments[][4] = {
#define SEGMENT(x) { GUEST_##x##_SELECTOR, GUEST_##x##_BASE, GUEST_##x##_LIMIT, GUEST_##x##_ACCESS }
		SEGMENT(CS), SEGMENT(SS), SEGMENT(DS), SEGMENT(ES), SEGMENT(FS), SEGMENT(GS),
	};
	unsigned int i;

	make_paged_32(s);
	put(s, GUEST_RFLAGS, 2 | BIT(17));
	for (i = 0; i < ARRAY_SIZE(segments); i++) {
		put(s, segments[i][0], 0x123);
		put(s, segments[i][1], 0x1230);
		put(s, segments[i][2], 0xffff);
		put(s, segments[i][3], 0xf3);
	}
}

/* What minivmx starts a vCPU in: real mode, an unrestricted guest. */
static void make_real(struct state *s)
{
	make_paged_32(s);
	put(s, SECONDARY_CONTROLS, CPU2_EPT | CPU2_VPID | CPU2_UNRESTRICTED_GUEST);
	put(s, GUEST_CR0, 0x60000030);
	put(s, GUEST_CS_SELECTOR, 0xf000);
	put(s, GUEST_CS_BASE, 0xffff0000);
	put(s, GUEST_CS_ACCESS, 0x9b);
	put(s, GUEST_CS_LIMIT, 0xffff);
	put(s, GUEST_RIP, 0xfff0);
}

enum mode { PAGED_32, LONG, PAE, V86, REAL };

static void make(struct state *s, enum mode mode)
{
	static void (*const makers[])(struct state *s) = {
		[PAGED_32] = make_paged_32, [LONG] = make_long, [PAE] = make_pae,
		[V86] = make_v86, [REAL] = make_real,
	};

	makers[mode](s);
}

#define MAX_BROKEN	32

static int judge(const struct state *s, struct minivmx_broken_rule broken[MAX_BROKEN],
		 unsigned int *unjudged)
{
	struct minivmx_vmcs_dump dump = {
		.fields = s->fields, .nr_fields = s->nr_fields,
		.caps = {
			.physical_bits = 40, .linear_bits = 48, .rtm = s->rtm, .sgx = s->sgx,
		},
	};

	memcpy(dump.caps.vmx_msrs, s->msrs, sizeof(dump.caps.vmx_msrs));
	return minivmx_verdict(&dump, broken, MAX_BROKEN, unjudged);
}

TEST(valid_states_break_nothing)
{
	struct minivmx_broken_rule broken[MAX_BROKEN];
	unsigned int unjudged;
	enum mode mode;
	struct state s;

	for (mode = PAGED_32; mode <= REAL; mode++) {
		make(&s, mode);
		EXPECT_EQ(0, judge(&s, broken, &unjudged))
			TH_LOG("mode %d: %s of %s", mode, broken[0].name, broken[0].field);
		EXPECT_EQ(0, unjudged);
	}
}

/* ---- Each rule ---- */

/*
 * A state that breaks a rule: a valid one with some fields changed. @more says how
 * many rules it cannot but break besides. A change is to a value, or if there is
 * a mask, of the bits of it.
 */
struct row {
	const char *rule;
	enum mode mode;
	struct { uint32_t field; uint64_t value, mask; } changes[5];
	int more;
};

#define TO(field, value)	{ field, value, ~0ULL }
#define SET(field, bits)	{ field, bits, bits }
#define CLEAR(field, bits)	{ field, 0, bits }

#define PIN(c)		SET(PIN_BASED_CONTROLS, PIN_##c)
#define CPU(c)		SET(CPU_BASED_CONTROLS, CPU_##c)
#define CPU2(c)		SET(SECONDARY_CONTROLS, CPU2_##c)
#define CPU3(c)		CPU(TERTIARY), SET(TERTIARY_EXEC_CONTROL, CPU3_##c)
#define EXIT(c)		SET(VM_EXIT_CONTROLS, EXIT_##c)
#define ENTRY(c)	SET(VM_ENTRY_CONTROLS, ENTRY_##c)
#define EVENT(info)	TO(VM_ENTRY_INTR_INFO, BIT(31) | (info))
#define NO_EPT		CLEAR(SECONDARY_CONTROLS, CPU2_EPT)

/* An address with low bits set, and one that is too high. */
#define ADDRESS_ROWS(NAME, field, ...)						\
	{ NAME "_ALIGNED", PAGED_32, { __VA_ARGS__, TO(field, 0x1001) } },	\
	{ NAME "_WIDTH", PAGED_32, { __VA_ARGS__, TO(field, BIT(40)) } }

#define TPR_AND(c)	CPU(TPR_SHADOW), CPU2(c)

/* The area begins in the last 16 bytes of the address space, and has two entries. */
#define AREA_ROWS(NAME, field, count)						\
	{ NAME "_ALIGNED", PAGED_32, { TO(count, 1), TO(field, 0x1008) } },	\
	{ NAME "_WIDTH", PAGED_32, { TO(count, 2), TO(field, BIT(40) - 16) } }

#define HOST_SELECTOR_ROWS(X)							\
	{ "HOST_" #X "_RPL_TI", PAGED_32, { TO(HOST_##X##_SELECTOR, 0x1b) } },	\
	{ "HOST_" #X "_RPL_TI", LONG, { TO(HOST_##X##_SELECTOR, 0x14) } }
#define NOT_CANONICAL(NAME, field)						\
	{ NAME, PAGED_32, { TO(field, BIT(47)) } },				\
	{ NAME, LONG, { TO(field, 0xffff000000000000) } }

#define V86_ROWS(X)								\
	{ #X "_V86_BASE", V86, { TO(GUEST_##X##_BASE, 0x1231) } },		\
	{ #X "_V86_LIMIT", V86, { TO(GUEST_##X##_LIMIT, 0xfffff) } },		\
	{ #X "_V86_ACCESS", V86, { TO(GUEST_##X##_ACCESS, 0x93) } }
#define CET_ROWS(NAME, X, load)							\
	{ NAME "S_CET_RESERVED", PAGED_32, { load, TO(X##_S_CET, BIT(6)) } },	\
	{ NAME "S_CET_SUPPRESS", PAGED_32, { load, TO(X##_S_CET, BIT(10) | BIT(11)) } },	\
	{ NAME "S_CET_CANONICAL", PAGED_32, { load, TO(X##_S_CET, BIT(47)) } },	\
	{ NAME "SSP_TABLE_CANONICAL", PAGED_32, { load, TO(X##_INTR_SSP_TABLE, BIT(47)) } }
#define ACCESS_ROWS(X)								\
	{ #X "_S", PAGED_32, { CLEAR(GUEST_##X##_ACCESS, BIT(4)) } },		\
	{ #X "_PRESENT", PAGED_32, { CLEAR(GUEST_##X##_ACCESS, BIT(7)) } },	\
	{ #X "_RESERVED", PAGED_32, { SET(GUEST_##X##_ACCESS, BIT(11)) } },	\
	{ #X "_RESERVED", PAGED_32, { SET(GUEST_##X##_ACCESS, BIT(17)) } },	\
	{ #X "_GRANULARITY", PAGED_32, { TO(GUEST_##X##_LIMIT, 0xfffffffe) } },	\
	{ #X "_GRANULARITY", PAGED_32, { CLEAR(GUEST_##X##_ACCESS, BIT(15)) } }
#define DATA_ROWS(X)								\
	{ #X "_TYPE", PAGED_32, { TO(GUEST_##X##_ACCESS, 0xc092) } },		\
	{ #X "_TYPE", PAGED_32, { TO(GUEST_##X##_ACCESS, 0xc099) } },		\
	{ #X "_DPL", PAGED_32, { TO(GUEST_##X##_SELECTOR, 3) } }

/* Most rows break one rule, and do not say so. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

static const struct row table[] = {
	{ "PIN_RESERVED", PAGED_32, { CLEAR(PIN_BASED_CONTROLS, BIT(1)) } },
	{ "CPU_RESERVED", PAGED_32, { CLEAR(CPU_BASED_CONTROLS, BIT(1)) } },
	{ "CPU2_RESERVED", PAGED_32, { SET(SECONDARY_CONTROLS, RESERVED_CPU2) } },
	{ "CPU3_RESERVED", PAGED_32, { CPU(TERTIARY), TO(TERTIARY_EXEC_CONTROL, BIT(63)) } },
	{ "CR3_TARGETS", PAGED_32, { TO(CR3_TARGET_COUNT, 5) } },
	ADDRESS_ROWS("IO_BITMAP_A", IO_BITMAP_A, CPU(IO_BITMAPS)),
	ADDRESS_ROWS("IO_BITMAP_B", IO_BITMAP_B, CPU(IO_BITMAPS)),
	ADDRESS_ROWS("MSR_BITMAP", MSR_BITMAP, CPU(MSR_BITMAPS)),
	ADDRESS_ROWS("VIRTUAL_APIC", VIRTUAL_APIC_ADDR, CPU(TPR_SHADOW)),
	{ "TPR_THRESHOLD", PAGED_32, { CPU(TPR_SHADOW), TO(TPR_THRESHOLD, 0x10) } },
	{ "X2APIC_NEEDS_TPR_SHADOW", PAGED_32, { CPU2(VIRTUALIZE_X2APIC) } },
	{ "APIC_REGISTERS_NEED_TPR_SHADOW", PAGED_32, { CPU2(APIC_REGISTERS) } },
	{ "VIRTUAL_INTERRUPTS_NEED_TPR_SHADOW", PAGED_32, { CPU2(VIRTUAL_INTERRUPTS) } },
	{ "IPIS_NEED_TPR_SHADOW", PAGED_32, { CPU3(IPI_VIRTUALIZATION) } },
	{ "VIRTUAL_NMIS_NEED_EXITING", PAGED_32, { CLEAR(PIN_BASED_CONTROLS, PIN_NMI_EXITING) } },
	{ "NMI_WINDOW_NEEDS_VIRTUAL_NMIS", PAGED_32,
	  { CPU(NMI_WINDOW_EXITING), CLEAR(PIN_BASED_CONTROLS, PIN_VIRTUAL_NMIS) } },
	ADDRESS_ROWS("APIC_ACCESS", APIC_ACCESS_ADDR, CPU2(VIRTUALIZE_APIC)),
	{ "X2APIC_OR_APIC_ACCESSES", PAGED_32,
	  { TPR_AND(VIRTUALIZE_X2APIC), CPU2(VIRTUALIZE_APIC) } },
	{ "VIRTUAL_INTERRUPTS_NEED_EXITING", PAGED_32,
	  { TPR_AND(VIRTUAL_INTERRUPTS), CLEAR(PIN_BASED_CONTROLS, PIN_EXT_INTR_EXITING) } },
	{ "POSTED_NEEDS_VIRTUAL_INTERRUPTS", PAGED_32,
	  { PIN(POSTED_INTERRUPTS), EXIT(ACK_INTERRUPT) } },
	{ "POSTED_NEEDS_ACK", PAGED_32,
	  { PIN(POSTED_INTERRUPTS), TPR_AND(VIRTUAL_INTERRUPTS),
	    CLEAR(VM_EXIT_CONTROLS, EXIT_ACK_INTERRUPT) } },
	{ "POSTED_VECTOR", PAGED_32,
	  { PIN(POSTED_INTERRUPTS), EXIT(ACK_INTERRUPT), TO(POSTED_INTR_VECTOR, 256) }, 1 },
	{ "POSTED_DESCRIPTOR_ALIGNED", PAGED_32,
	  { PIN(POSTED_INTERRUPTS), EXIT(ACK_INTERRUPT), TO(POSTED_INTR_DESC_ADDR, 32) }, 1 },
	{ "POSTED_DESCRIPTOR_WIDTH", PAGED_32,
	  { PIN(POSTED_INTERRUPTS), EXIT(ACK_INTERRUPT), TO(POSTED_INTR_DESC_ADDR, BIT(40)) }, 1 },
	{ "VPID_IS_NOT_THE_HOSTS", PAGED_32, { TO(VPID, 0) } },
	{ "EPT_MEMORY_TYPE", PAGED_32, { TO(EPT_POINTER, 0x101c) } },
	{ "EPT_WALK_LENGTH", PAGED_32, { TO(EPT_POINTER, 0x1016) } },
	{ "EPT_SHADOW_STACKS", PAGED_32, { SET(EPT_POINTER, BIT(7)) } },
	{ "EPT_RESERVED", PAGED_32, { SET(EPT_POINTER, BIT(8)) } },
	{ "EPT_WIDTH", PAGED_32, { SET(EPT_POINTER, BIT(40)) } },
	{ "PML_NEEDS_EPT", PAGED_32, { CPU2(PML), NO_EPT } },
	ADDRESS_ROWS("PML", PML_ADDRESS, CPU2(PML)),
	{ "UNRESTRICTED_NEEDS_EPT", PAGED_32, { CPU2(UNRESTRICTED_GUEST), NO_EPT } },
	{ "MODE_BASED_NEEDS_EPT", PAGED_32, { CPU2(MODE_BASED_EXECUTE), NO_EPT } },
	{ "SUB_PAGE_NEEDS_EPT", PAGED_32, { CPU2(SUB_PAGE_WRITE), NO_EPT } },
	ADDRESS_ROWS("SUB_PAGE_TABLE", SPP_TABLE_POINTER, CPU2(SUB_PAGE_WRITE)),
	{ "VM_FUNCTIONS_RESERVED", PAGED_32, { CPU2(VM_FUNCTIONS), TO(VM_FUNCTION_CONTROL, 2) } },
	{ "EPTP_SWITCHING_NEEDS_EPT", PAGED_32,
	  { CPU2(VM_FUNCTIONS), TO(VM_FUNCTION_CONTROL, 1), NO_EPT } },
	ADDRESS_ROWS("EPTP_LIST", EPTP_LIST_ADDR, CPU2(VM_FUNCTIONS), TO(VM_FUNCTION_CONTROL, 1)),
	ADDRESS_ROWS("VMREAD_BITMAP", VMREAD_BITMAP, CPU2(VMCS_SHADOWING)),
	ADDRESS_ROWS("VMWRITE_BITMAP", VMWRITE_BITMAP, CPU2(VMCS_SHADOWING)),
	ADDRESS_ROWS("VE_INFO", VE_INFO_ADDR, CPU2(EPT_VIOLATION_VE)),
	{ "PT_GUEST_PHYSICAL_NEEDS_EPT", PAGED_32,
	  { CPU2(PT_GUEST_PHYSICAL), ENTRY(LOAD_RTIT_CTL), EXIT(CLEAR_RTIT_CTL), NO_EPT } },
	{ "PT_GUEST_PHYSICAL_NEEDS_LOAD", PAGED_32,
	  { CPU2(PT_GUEST_PHYSICAL), EXIT(CLEAR_RTIT_CTL) } },
	{ "PT_GUEST_PHYSICAL_NEEDS_CLEAR", PAGED_32,
	  { CPU2(PT_GUEST_PHYSICAL), ENTRY(LOAD_RTIT_CTL) } },
	{ "TSC_MULTIPLIER", PAGED_32, { CPU2(TSC_SCALING), TO(TSC_MULTIPLIER, 0) } },
	ADDRESS_ROWS("LOW_PASID_DIR", LOW_PASID_DIR_ADDR, CPU2(PASID_TRANSLATION)),
	ADDRESS_ROWS("HIGH_PASID_DIR", HIGH_PASID_DIR_ADDR, CPU2(PASID_TRANSLATION)),
	{ "HLAT_NEEDS_EPT", PAGED_32, { CPU3(HLAT), NO_EPT } },
	{ "PAGING_WRITE_NEEDS_EPT", PAGED_32, { CPU3(EPT_PAGING_WRITE), NO_EPT } },
	{ "PAGING_VERIFICATION_NEEDS_EPT", PAGED_32, { CPU3(GUEST_PAGING_VERIFICATION), NO_EPT } },
	{ "HLAT_RESERVED", PAGED_32, { CPU3(HLAT), TO(HLAT_POINTER, 0x1004) } },
	{ "HLAT_RESERVED", PAGED_32, { CPU3(HLAT), TO(HLAT_POINTER, 0x1020) } },
	{ "HLAT_WIDTH", PAGED_32, { CPU3(HLAT), TO(HLAT_POINTER, BIT(40)) } },
	{ "PID_TABLE_ALIGNED", PAGED_32,
	  { CPU(TPR_SHADOW), CPU3(IPI_VIRTUALIZATION), TO(PID_POINTER_TABLE, 0x1004) } },
	{ "PID_TABLE_WIDTH", PAGED_32,
	  { CPU(TPR_SHADOW), CPU3(IPI_VIRTUALIZATION), TO(PID_POINTER_TABLE, BIT(40)) } },
	{ "PID_TABLE_WIDTH", PAGED_32,
	  { CPU(TPR_SHADOW), CPU3(IPI_VIRTUALIZATION), TO(PID_POINTER_TABLE, BIT(40) - 8),
	    TO(LAST_PID_INDEX, 1) } },

	{ "EXIT_RESERVED", PAGED_32, { CLEAR(VM_EXIT_CONTROLS, BIT(0)) } },
	{ "TIMER_SAVE_NEEDS_TIMER", PAGED_32,
	  { EXIT(SAVE_PREEMPTION_TIMER), CLEAR(PIN_BASED_CONTROLS, PIN_PREEMPTION_TIMER) } },
	{ "EXIT2_RESERVED", PAGED_32, { EXIT(SECONDARY), TO(SECONDARY_VM_EXIT_CONTROLS, 1) } },
	AREA_ROWS("MSR_STORE", VM_EXIT_MSR_STORE_ADDR, VM_EXIT_MSR_STORE_COUNT),
	AREA_ROWS("MSR_LOAD", VM_EXIT_MSR_LOAD_ADDR, VM_EXIT_MSR_LOAD_COUNT),

	{ "ENTRY_RESERVED", PAGED_32, { CLEAR(VM_ENTRY_CONTROLS, BIT(0)) } },
	{ "EVENT_TYPE", PAGED_32, { EVENT(1 << 8) } },
	{ "EVENT_VECTOR", PAGED_32, { EVENT(2 << 8 | 3) } },
	{ "EVENT_VECTOR", PAGED_32, { EVENT(3 << 8 | 32) } },
	{ "EVENT_VECTOR", PAGED_32, { EVENT(7 << 8 | 1) } },
	{ "EVENT_ERROR_CODE", PAGED_32, { EVENT(3 << 8 | 13) } },
	{ "EVENT_ERROR_CODE", PAGED_32, { EVENT(BIT(11) | 3 << 8 | 6) } },
	{ "EVENT_ERROR_CODE", PAGED_32, { EVENT(BIT(11) | 2 << 8 | 2) } },
	{ "EVENT_ERROR_CODE", REAL, { EVENT(BIT(11) | 3 << 8 | 13) } },
	{ "EVENT_RESERVED", PAGED_32, { EVENT(BIT(12) | 3 << 8 | 6) } },
	{ "EVENT_ERROR_RESERVED", PAGED_32,
	  { EVENT(BIT(11) | 3 << 8 | 13), TO(VM_ENTRY_ERROR_CODE, BIT(16)) } },
	{ "EVENT_INSN_LEN", PAGED_32, { EVENT(4 << 8 | 0x80), TO(VM_ENTRY_INSN_LEN, 16) } },
	AREA_ROWS("ENTRY_MSR_LOAD", VM_ENTRY_MSR_LOAD_ADDR, VM_ENTRY_MSR_LOAD_COUNT),
	{ "ENTRY_TO_SMM", PAGED_32, { ENTRY(SMM) } },

	{ "HOST_CR0_FIXED", PAGED_32, { CLEAR(HOST_CR0, BIT(5)) } },
	{ "HOST_CR4_FIXED", PAGED_32, { CLEAR(HOST_CR4, BIT(13)) } },
	{ "HOST_CET_NEEDS_WP", PAGED_32, { SET(HOST_CR4, BIT(23)), CLEAR(HOST_CR0, BIT(16)) } },
	{ "HOST_CR3_WIDTH", PAGED_32, { TO(HOST_CR3, BIT(40)) } },
	NOT_CANONICAL("HOST_SYSENTER_ESP_CANONICAL", HOST_SYSENTER_ESP),
	NOT_CANONICAL("HOST_SYSENTER_EIP_CANONICAL", HOST_SYSENTER_EIP),
	{ "HOST_PAT", PAGED_32, { TO(HOST_IA32_PAT, 0x0200000000000000) } },
	{ "HOST_EFER_RESERVED", PAGED_32, { SET(HOST_IA32_EFER, BIT(1)) } },
	{ "HOST_EFER_MODE", PAGED_32, { CLEAR(HOST_IA32_EFER, BIT(8)) } },
	{ "HOST_PKRS", PAGED_32, { EXIT(LOAD_PKRS), TO(HOST_IA32_PKRS, BIT(32)) } },
	CET_ROWS("HOST_", HOST, EXIT(LOAD_CET)),
	{ "HOST_SSP_ALIGNED", PAGED_32, { EXIT(LOAD_CET), TO(HOST_SSP, 2) } },
	{ "HOST_SSP_CANONICAL", PAGED_32, { EXIT(LOAD_CET), TO(HOST_SSP, BIT(47)) } },
	HOST_SELECTOR_ROWS(CS), HOST_SELECTOR_ROWS(SS), HOST_SELECTOR_ROWS(DS),
	HOST_SELECTOR_ROWS(ES), HOST_SELECTOR_ROWS(FS), HOST_SELECTOR_ROWS(GS),
	HOST_SELECTOR_ROWS(TR),
	{ "HOST_CS_NULL", PAGED_32, { TO(HOST_CS_SELECTOR, 0) } },
	{ "HOST_TR_NULL", PAGED_32, { TO(HOST_TR_SELECTOR, 0) } },
	{ "HOST_SS_NULL", PAGED_32,
	  { TO(HOST_SS_SELECTOR, 0), CLEAR(VM_EXIT_CONTROLS, EXIT_HOST_64),
	    TO(HOST_IA32_EFER, 0) }, 1 },
	NOT_CANONICAL("HOST_FS_CANONICAL", HOST_FS_BASE),
	NOT_CANONICAL("HOST_GS_CANONICAL", HOST_GS_BASE),
	NOT_CANONICAL("HOST_TR_CANONICAL", HOST_TR_BASE),
	NOT_CANONICAL("HOST_GDTR_CANONICAL", HOST_GDTR_BASE),
	NOT_CANONICAL("HOST_IDTR_CANONICAL", HOST_IDTR_BASE),
	{ "HOST_IS_64_BIT", PAGED_32,
	  { CLEAR(VM_EXIT_CONTROLS, EXIT_HOST_64), TO(HOST_IA32_EFER, 0) } },
	{ "HOST_PAE", PAGED_32, { CLEAR(HOST_CR4, BIT(5)) } },
	NOT_CANONICAL("HOST_RIP_CANONICAL", HOST_RIP),

	{ "CR0_FIXED", PAGED_32, { CLEAR(GUEST_CR0, BIT(5)) } },
	{ "CR0_FIXED", REAL, { CLEAR(GUEST_CR0, BIT(5)) } },
	{ "CR0_FIXED", PAGED_32, { CLEAR(GUEST_CR0, BIT(31)) } },
	{ "PAGING_NEEDS_PROTECTION", REAL, { TO(GUEST_CR0, 0x80000030) } },
	{ "CET_NEEDS_WP", PAGED_32, { SET(GUEST_CR4, BIT(23)) } },
	{ "CR4_FIXED", PAGED_32, { CLEAR(GUEST_CR4, BIT(13)) } },
	{ "DEBUGCTL_RESERVED", PAGED_32, { TO(GUEST_IA32_DEBUGCTL, BIT(3)) } },
	{ "IA32E_NEEDS_PAGING", LONG,
	  { CPU2(UNRESTRICTED_GUEST), CLEAR(GUEST_CR0, BIT(31)) } },
	{ "IA32E_NEEDS_PAE", LONG, { CLEAR(GUEST_CR4, BIT(5)) } },
	{ "PCID_NEEDS_IA32E", PAGED_32, { SET(GUEST_CR4, BIT(17)) } },
	{ "CR3_WIDTH", PAGED_32, { TO(GUEST_CR3, BIT(40)) } },
	{ "DR7_HIGH", PAGED_32, { TO(GUEST_DR7, BIT(32)) } },
	NOT_CANONICAL("SYSENTER_ESP_CANONICAL", GUEST_SYSENTER_ESP),
	NOT_CANONICAL("SYSENTER_EIP_CANONICAL", GUEST_SYSENTER_EIP),
	{ "PAT", PAGED_32, { TO(GUEST_IA32_PAT, 0x03) } },
	{ "PAT", PAGED_32, { TO(GUEST_IA32_PAT, 0x08) } },
	{ "EFER_RESERVED", LONG, { SET(GUEST_IA32_EFER, BIT(12)) } },
	{ "EFER_LMA", PAGED_32, { TO(GUEST_IA32_EFER, 0x500) } },
	{ "EFER_LME", LONG, { CLEAR(GUEST_IA32_EFER, BIT(8)) } },
	{ "BNDCFGS_RESERVED", PAGED_32, { ENTRY(LOAD_BNDCFGS), TO(GUEST_BNDCFGS, 4) } },
	{ "BNDCFGS_CANONICAL", PAGED_32, { ENTRY(LOAD_BNDCFGS), TO(GUEST_BNDCFGS, BIT(47)) } },
	{ "PKRS", PAGED_32, { ENTRY(LOAD_PKRS), TO(GUEST_IA32_PKRS, BIT(32)) } },
	{ "UINV", PAGED_32, { ENTRY(LOAD_UINV), TO(GUEST_UINV, 0x100) } },
	{ "LBR_CTL_RESERVED", PAGED_32, { ENTRY(LOAD_LBR_CTL), TO(GUEST_IA32_LBR_CTL, 0x10) } },
	CET_ROWS("", GUEST, ENTRY(LOAD_CET)),

	{ "TR_TI", PAGED_32, { TO(GUEST_TR_SELECTOR, 4) } },
	{ "LDTR_TI", PAGED_32, { TO(GUEST_LDTR_SELECTOR, 4) } },
	{ "SS_RPL", PAGED_32, { TO(GUEST_SS_SELECTOR, 3) }, 1 },
	V86_ROWS(CS), V86_ROWS(SS), V86_ROWS(DS), V86_ROWS(ES), V86_ROWS(FS), V86_ROWS(GS),
	NOT_CANONICAL("TR_CANONICAL", GUEST_TR_BASE),
	NOT_CANONICAL("FS_CANONICAL", GUEST_FS_BASE),
	NOT_CANONICAL("GS_CANONICAL", GUEST_GS_BASE),
	NOT_CANONICAL("LDTR_CANONICAL", GUEST_LDTR_BASE),
	{ "CS_BASE_HIGH", PAGED_32, { TO(GUEST_CS_BASE, BIT(32)) } },
	{ "SS_BASE_HIGH", PAGED_32, { TO(GUEST_SS_BASE, BIT(32)) } },
	{ "DS_BASE_HIGH", LONG, { TO(GUEST_DS_BASE, BIT(32)) } },
	{ "ES_BASE_HIGH", LONG, { TO(GUEST_ES_BASE, BIT(32)) } },
	{ "CS_TYPE", PAGED_32, { TO(GUEST_CS_ACCESS, 0xc09a) } },
	{ "CS_TYPE", PAGED_32, { TO(GUEST_CS_ACCESS, 0xc093) } },
	{ "SS_TYPE", PAGED_32, { TO(GUEST_SS_ACCESS, 0xc091) } },
	DATA_ROWS(DS), DATA_ROWS(ES), DATA_ROWS(FS), DATA_ROWS(GS),
	{ "CS_DPL", PAGED_32, { TO(GUEST_CS_ACCESS, 0xc0fb) } },
	{ "CS_DPL", PAGED_32, { TO(GUEST_CS_ACCESS, 0xc0ff) } },
	{ "CS_DPL", REAL, { TO(GUEST_CS_ACCESS, 0xf3) } },
	{ "SS_DPL_IS_RPL", PAGED_32,
	  { TO(GUEST_SS_ACCESS, 0xc0f3), TO(GUEST_CS_ACCESS, 0xc0fb) } },
	{ "SS_DPL_0", REAL, { TO(GUEST_SS_ACCESS, 0xc0f3), TO(GUEST_CS_ACCESS, 0xfb) } },
	{ "CS_DEFAULT_SIZE", LONG, { TO(GUEST_CS_ACCESS, 0xe09b) } },
	ACCESS_ROWS(CS), ACCESS_ROWS(SS), ACCESS_ROWS(DS), ACCESS_ROWS(ES), ACCESS_ROWS(FS),
	ACCESS_ROWS(GS),
	{ "TR_TYPE", PAGED_32, { TO(GUEST_TR_ACCESS, 0x89) } },
	{ "TR_TYPE", LONG, { TO(GUEST_TR_ACCESS, 0x83) } },
	{ "TR_S", PAGED_32, { TO(GUEST_TR_ACCESS, 0x9b) } },
	{ "TR_PRESENT", PAGED_32, { TO(GUEST_TR_ACCESS, 0x0b) } },
	{ "TR_RESERVED", PAGED_32, { TO(GUEST_TR_ACCESS, 0x18b) } },
	{ "TR_USABLE", PAGED_32, { TO(GUEST_TR_ACCESS, 0x1008b) } },
	{ "TR_GRANULARITY", PAGED_32, { TO(GUEST_TR_LIMIT, 0x67), SET(GUEST_TR_ACCESS, BIT(15)) } },
	{ "LDTR_TYPE", PAGED_32, { TO(GUEST_LDTR_ACCESS, 0x83) } },
	{ "LDTR_S", PAGED_32, { TO(GUEST_LDTR_ACCESS, 0x92) } },
	{ "LDTR_PRESENT", PAGED_32, { TO(GUEST_LDTR_ACCESS, 0x02) } },
	{ "LDTR_RESERVED", PAGED_32, { TO(GUEST_LDTR_ACCESS, 0x182) } },
	{ "LDTR_GRANULARITY", PAGED_32, { TO(GUEST_LDTR_LIMIT, 0x100000) } },

	NOT_CANONICAL("GDTR_CANONICAL", GUEST_GDTR_BASE),
	NOT_CANONICAL("IDTR_CANONICAL", GUEST_IDTR_BASE),
	{ "GDTR_LIMIT", PAGED_32, { TO(GUEST_GDTR_LIMIT, 0x10000) } },
	{ "IDTR_LIMIT", PAGED_32, { TO(GUEST_IDTR_LIMIT, 0x10000) } },

	{ "RIP_HIGH", PAGED_32, { TO(GUEST_RIP, BIT(32)) } },
	{ "RIP_HIGH", LONG, { TO(GUEST_CS_ACCESS, 0xc09b) } },
	{ "RIP_WIDTH", LONG, { TO(GUEST_RIP, BIT(48)) } },
	{ "RFLAGS_RESERVED", PAGED_32, { TO(GUEST_RFLAGS, 0) } },
	{ "RFLAGS_RESERVED", PAGED_32, { TO(GUEST_RFLAGS, 2 | BIT(15)) } },
	{ "RFLAGS_RESERVED", PAGED_32, { TO(GUEST_RFLAGS, 2 | BIT(22)) } },
	{ "RFLAGS_V86", V86, { CPU2(UNRESTRICTED_GUEST), TO(GUEST_CR0, 0x30) } },
	{ "RFLAGS_IF", PAGED_32, { EVENT(0x30) } },
	{ "SSP_ALIGNED", PAGED_32, { ENTRY(LOAD_CET), TO(GUEST_SSP, 2) } },
	{ "SSP_HIGH", PAGED_32, { ENTRY(LOAD_CET), TO(GUEST_SSP, BIT(32)) } },
	{ "SSP_WIDTH", LONG, { ENTRY(LOAD_CET), TO(GUEST_SSP, BIT(48)) } },

	{ "ACTIVITY", PAGED_32, { TO(GUEST_ACTIVITY, 4) } },
	{ "HLT_NEEDS_DPL_0", V86, { TO(GUEST_ACTIVITY, 1) } },
	{ "SHADOW_NEEDS_ACTIVITY", PAGED_32,
	  { TO(GUEST_ACTIVITY, 2), TO(GUEST_INTERRUPTIBILITY, 2) } },
	{ "EVENT_FITS_ACTIVITY", PAGED_32, { TO(GUEST_ACTIVITY, 1), EVENT(3 << 8 | 6) } },
	{ "EVENT_FITS_ACTIVITY", PAGED_32,
	  { TO(GUEST_ACTIVITY, 2), EVENT(0x30), TO(GUEST_RFLAGS, 0x202) } },
	{ "EVENT_FITS_ACTIVITY", PAGED_32, { TO(GUEST_ACTIVITY, 3), EVENT(2 << 8 | 2) } },
	{ "INTERRUPTIBILITY_RESERVED", PAGED_32, { TO(GUEST_INTERRUPTIBILITY, BIT(5)) } },
	{ "STI_AND_MOV_SS", PAGED_32,
	  { TO(GUEST_INTERRUPTIBILITY, 3), TO(GUEST_RFLAGS, 0x202) } },
	{ "STI_NEEDS_IF", PAGED_32, { TO(GUEST_INTERRUPTIBILITY, 1) } },
	{ "EXTINT_IS_NOT_BLOCKED", PAGED_32,
	  { TO(GUEST_INTERRUPTIBILITY, 2), TO(GUEST_RFLAGS, 0x202), EVENT(0x30) } },
	{ "NMI_IS_NOT_BLOCKED", PAGED_32, { TO(GUEST_INTERRUPTIBILITY, 2), EVENT(2 << 8 | 2) } },
	{ "VIRTUAL_NMI_IS_NOT_BLOCKED", PAGED_32,
	  { TO(GUEST_INTERRUPTIBILITY, 8), EVENT(2 << 8 | 2) } },
	{ "BLOCKED_BY_SMI", PAGED_32, { TO(GUEST_INTERRUPTIBILITY, 4) } },
	{ "ENCLAVE", PAGED_32, { TO(GUEST_INTERRUPTIBILITY, 0x10) } },
	{ "PENDING_DEBUG_RESERVED", PAGED_32, { TO(GUEST_PENDING_DEBUG, BIT(4)) } },
	{ "PENDING_SINGLE_STEP", PAGED_32,
	  { TO(GUEST_INTERRUPTIBILITY, 2), TO(GUEST_PENDING_DEBUG, BIT(14)) } },
	{ "PENDING_SINGLE_STEP", PAGED_32,
	  { TO(GUEST_INTERRUPTIBILITY, 2), TO(GUEST_RFLAGS, 0x102) } },
	{ "PENDING_RTM", PAGED_32, { TO(GUEST_PENDING_DEBUG, BIT(16) | BIT(12)) } },
	{ "LINK_POINTER_ALIGNED", PAGED_32, { TO(VMCS_LINK_POINTER, 8) } },
	{ "LINK_POINTER_WIDTH", PAGED_32, { TO(VMCS_LINK_POINTER, BIT(40)) } },

	{ "PDPTE0_RESERVED", PAE, { TO(GUEST_PDPTE0, 0x3003) } },
	{ "PDPTE1_RESERVED", PAE, { TO(GUEST_PDPTE1, 0x3021) } },
	{ "PDPTE2_RESERVED", PAE, { TO(GUEST_PDPTE2, 1 | BIT(40)) } },
	{ "PDPTE3_RESERVED", PAE, { TO(GUEST_PDPTE3, 1 | BIT(63)) } },
};

static void change(struct state *s, const struct row *row)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(row->changes); i++) {
		uint32_t field = row->changes[i].field;
		uint64_t mask = row->changes[i].mask;

		if (mask)
			put(s, field, (get(s, field) & ~mask) | row->changes[i].value);
	}
}

static bool has_rule(const struct minivmx_broken_rule *broken, int nr, const char *name)
{
	int i;

	for (i = 0; i < nr && i < MAX_BROKEN; i++)
		if (!strcmp(broken[i].name, name))
			return true;
	return false;
}

TEST(each_rule_is_broken_by_a_state_made_for_it)
{
	struct minivmx_broken_rule broken[MAX_BROKEN];
	unsigned int i, unjudged;
	struct state s;
	int nr;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		make(&s, table[i].mode);
		change(&s, &table[i]);
		nr = judge(&s, broken, &unjudged);
		EXPECT_TRUE(has_rule(broken, nr, table[i].rule))
			TH_LOG("row %u: %s is not broken", i, table[i].rule);
		EXPECT_EQ(1 + table[i].more, nr)
			TH_LOG("row %u, %s: %s, %s", i, table[i].rule,
			       nr > 0 ? broken[0].name : "", nr > 1 ? broken[1].name : "");
		EXPECT_EQ(0, unjudged);
	}
}

/* A rule about a CPU that this one is not. */
static const char *const elsewhere[] = { "EPT_ACCESSED_DIRTY" };

TEST(each_rule_has_such_a_state)
{
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(rule_names); i++) {
		for (j = 0; j < ARRAY_SIZE(table); j++)
			if (!strcmp(table[j].rule, rule_names[i]))
				break;
		EXPECT_TRUE(j < ARRAY_SIZE(table) || !strcmp(rule_names[i], elsewhere[0]))
			TH_LOG("no state breaks %s", rule_names[i]);
	}
}

/* ---- What depends on the CPU ---- */

/* The MSRs by index, as in minivmx_caps. */
enum { BASIC = 0, MISC = 5, EPT_VPID = 12 };

static int judge_one(struct state *s, const char *rule)
{
	struct minivmx_broken_rule broken[MAX_BROKEN];
	unsigned int unjudged;
	int nr = judge(s, broken, &unjudged);

	return has_rule(broken, nr, rule) ? nr : -nr;
}

TEST(a_cpu_without_something_refuses_more)
{
	struct state s;

	make(&s, PAGED_32);
	s.msrs[EPT_VPID] &= ~BIT(21);
	EXPECT_EQ(1, judge_one(&s, "EPT_ACCESSED_DIRTY"));

	make(&s, PAGED_32);
	put(&s, GUEST_ACTIVITY, 1);
	EXPECT_EQ(0, judge_one(&s, ""));
	s.msrs[MISC] &= ~BIT(6);
	EXPECT_EQ(1, judge_one(&s, "ACTIVITY"));

	/* Physical addresses of 32 bits, but not for what a guest sees. */
	make(&s, PAGED_32);
	put(&s, MSR_BITMAP, BIT(32));
	put(&s, GUEST_CR3, BIT(32));
	EXPECT_EQ(0, judge_one(&s, ""));
	s.msrs[BASIC] |= BIT(48);
	EXPECT_EQ(1, judge_one(&s, "MSR_BITMAP_WIDTH"));
}

TEST(a_cpu_with_more_refuses_less)
{
	struct state s;

	make(&s, PAGED_32);
	put(&s, VM_ENTRY_INTR_INFO, BIT(31) | 3 << 8 | 13);
	EXPECT_EQ(1, judge_one(&s, "EVENT_ERROR_CODE"));
	s.msrs[BASIC] |= BIT(56);
	EXPECT_EQ(0, judge_one(&s, ""));

	make(&s, PAGED_32);
	put(&s, GUEST_INTERRUPTIBILITY, 0x10);
	s.sgx = true;
	EXPECT_EQ(0, judge_one(&s, ""));

	make(&s, PAGED_32);
	put(&s, GUEST_PENDING_DEBUG, BIT(16) | BIT(12));
	s.rtm = true;
	EXPECT_EQ(0, judge_one(&s, ""));
}

/* Without activation a word counts as zero, whatever stands in it. */
TEST(secondary_controls_count_if_activated)
{
	struct state s;

	make(&s, PAGED_32);
	put(&s, SECONDARY_CONTROLS, ~0ULL);
	put(&s, CPU_BASED_CONTROLS, get(&s, CPU_BASED_CONTROLS) & ~(uint64_t)CPU_SECONDARY);
	EXPECT_EQ(0, judge_one(&s, ""));
}

/* ---- What is said of a rule ---- */

TEST(a_rule_says_what_is_wrong)
{
	struct minivmx_broken_rule broken[MAX_BROKEN];
	unsigned int unjudged;
	struct state s;

	make(&s, PAGED_32);
	put(&s, SECONDARY_CONTROLS, get(&s, SECONDARY_CONTROLS) | RESERVED_CPU2);
	put(&s, HOST_CS_SELECTOR, 0);
	put(&s, GUEST_CR4, 0);
	ASSERT_EQ(3, judge(&s, broken, &unjudged));
	EXPECT_STREQ("SECONDARY_CONTROLS", broken[0].field);
	EXPECT_EQ(SECONDARY_CONTROLS, broken[0].encoding);
	EXPECT_EQ(MINIVMX_REFUSED_CONTROLS, broken[0].refusal);
	EXPECT_EQ(RESERVED_CPU2, broken[0].wrong);
	EXPECT_EQ(MINIVMX_REFUSED_HOST, broken[1].refusal);
	EXPECT_EQ(0, broken[1].wrong);
	EXPECT_EQ(MINIVMX_REFUSED_GUEST, broken[2].refusal);
	EXPECT_EQ(BIT(13), broken[2].wrong);
	EXPECT_EQ(0, broken[2].value);
	EXPECT_STREQ("Checks on Guest Control Registers, Debug Registers, and MSRs",
		     broken[2].section);
}

/* A field that the dump lacks is not taken for zero. */
TEST(what_is_not_in_the_dump_is_not_judged)
{
	struct minivmx_broken_rule broken[MAX_BROKEN];
	unsigned int unjudged, i;
	struct state s;

	make(&s, PAGED_32);
	for (i = 0; s.fields[i].encoding != GUEST_RFLAGS; i++)
		;
	s.fields[i] = s.fields[--s.nr_fields];
	EXPECT_EQ(0, judge(&s, broken, &unjudged));
	EXPECT_LT(10, unjudged);

	s.nr_fields = 0;
	EXPECT_EQ(0, judge(&s, broken, &unjudged));
	EXPECT_LT(ARRAY_SIZE(rule_names) * 3 / 4, unjudged);
}

TEST(more_rules_than_there_is_room_for)
{
	struct minivmx_vmcs_dump dump = { .caps = { .physical_bits = 40, .linear_bits = 48 } };
	struct minivmx_broken_rule broken[2];
	unsigned int unjudged;
	struct state s;

	make(&s, PAGED_32);
	memset(&broken, 0, sizeof(broken));
	dump.fields = s.fields;
	dump.nr_fields = s.nr_fields;
	/* This CPU allows nothing. */
	EXPECT_LT(5, minivmx_verdict(&dump, broken, 1, &unjudged));
	EXPECT_STREQ("PIN_RESERVED", broken[0].name);
	EXPECT_EQ(NULL, broken[1].name);
}

TEST(names)
{
	uint32_t encoding;

	EXPECT_STREQ("NMI exiting", minivmx_control_name(PIN_BASED_CONTROLS, 3));
	EXPECT_STREQ("enable EPT", minivmx_control_name(SECONDARY_CONTROLS, 1));
	EXPECT_EQ(NULL, minivmx_control_name(PIN_BASED_CONTROLS, 1));
	EXPECT_EQ(NULL, minivmx_control_name(GUEST_CR0, 0));
	EXPECT_EQ(0, minivmx_field_encoding("GUEST_RIP", &encoding));
	EXPECT_EQ(GUEST_RIP, encoding);
	EXPECT_EQ(-ENOENT, minivmx_field_encoding("GUEST_EIP", &encoding));
}

TEST_HARNESS_MAIN
