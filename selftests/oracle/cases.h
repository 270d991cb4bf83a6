/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The oracle's cases: valid states in all modes, what may be going on in them, and
 * changes at random.
 */
#ifndef SELFTESTS_ORACLE_CASES_H
#define SELFTESTS_ORACLE_CASES_H

#include "../lib/chance.h"
#include "../vmx/modes.h"
#include "../vmx/vmcs.h"

static struct minivmx_caps caps;

/* ---- Valid states ---- */

static struct minivmx_vmcs_field base[NR_MODES][NR_ALL];

/* Enter nothing, but take the registers of the run page. */
static void take_registers(VM *vm)
{
	vm->run->action = MINIVMX_RETRY;
	vm->run->request = MINIVMX_REQ_EXIT_NOW;
	vm_must(!minivmx_run(vm->vcpu));
	vm->run->request = 0;
}

/* So that the walk through them writes nothing. */
static void mark_used(uint64_t *table, unsigned int nr)
{
	while (nr--)
		if (table[nr] & PTE_P)
			table[nr] |= PTE_A | PTE_D;
}

/* The module writes what is the host's when it first enters. */
static void take_host_fields(VM *vm)
{
	struct minivmx_vmcs_field fields[NR_ALL];
	enum mode mode;
	unsigned int i;

	set_mode(vm, LONG);
	vm_must(vm_run(vm) == MINIVMX_EXIT_HLT);
	memcpy(fields, base[LONG], sizeof(fields));
	vm_must(!minivmx_get_vmcs(vm->vcpu, fields, NR_ALL));
	for (mode = 0; mode < NR_MODES; mode++)
		for (i = 0; i < NR_ALL; i++)
			if (vmcs_fields[i].policy == FIELD_HOST)
				base[mode][i] = fields[i];
}

static void prepare(VM *vm)
{
	enum mode mode;
	unsigned int i;

	vm_create(vm);
	pin_to_cpu(0);
	vm_must(!minivmx_get_caps(vm->system, &caps));
	memset(vm->mem, 0xf4, VM_SIZE);
	for (mode = 0; mode < NR_MODES; mode++) {
		set_mode(vm, mode);
		take_registers(vm);
		for (i = 0; i < NR_ALL; i++)
			base[mode][i] = (struct minivmx_vmcs_field) {
				.encoding = vmcs_fields[i].encoding,
			};
		vm_must(!minivmx_get_vmcs(vm->vcpu, base[mode], NR_ALL));
	}
	take_host_fields(vm);
	memset(vm_at(vm, VM_CODE), 0xf4, 0x1000);
	memset(vm_at(vm, VM_HANDLERS), 0xf4, 0x2000);
	mark_used(vm_u64(vm, VM_PML4), 512);
	mark_used(vm_u64(vm, VM_PDPT), 512);
	mark_used(vm_u64(vm, VM_PD), 4 * 512);
	mark_used(vm_u64(vm, VM_PT), 512);
	for (i = 0; i < 1024; i++)
		*(vm_u32(vm, VM_PD32) + i) |= PTE_A | PTE_D;
	/* From here on the guest only reads. */
	vm_must(!minivmx_unmap(vm->fd, 0, VM_MMIO_LOW));
	vm_must(!minivmx_unmap(vm->fd, 0xc0000, VM_SIZE - 0xc0000));
	vm_must(!minivmx_map(vm->fd, 0, vm->mem, VM_SIZE,
			     MINIVMX_PROT_READ | MINIVMX_PROT_EXEC));
}

/* ---- What may be going on ---- */

static bool open_module;
static bool link_only;

struct tweak {
	uint32_t field;
	uint64_t set, clear;
};

/*
 * A valid state with these bits set or cleared. A field without either is one that
 * rules about the circumstance look at, too: these fields are changed more often.
 * Every second case makes the changes in @then, if there are any: a rule that chance
 * does not reach.
 */
struct circumstance {
	const char *name;
	struct tweak tweaks[18];
	struct tweak then[3];
};

#define EVENT(info)	{ VM_ENTRY_INTR_INFO, 1U << 31 | (info), 0 }
#define AND(field)	{ field, 0, 0 }
#define RFLAGS(bit)	{ GUEST_RFLAGS, 1 << (bit), 0 }
#define SEGMENT_0(seg, access)	{ GUEST_##seg##_SELECTOR, 0, ~0UL },	\
	{ GUEST_##seg##_LIMIT, 0xffff, ~0UL }, { GUEST_##seg##_ACCESS, access, ~0UL }
#define TPR_SHADOW	{ CPU_BASED_CONTROLS, CPU_TPR_SHADOW, 0 }, { VIRTUAL_APIC_ADDR, 0x1000, 0 }
#define CPU2(control)	{ SECONDARY_CONTROLS, CPU2_##control, 0 }

/* Most rows have no bits to clear, and some no field. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

/* Those that a program can bring about, ... */
static const struct circumstance guest_circumstances[] = {
	{ "nothing" },
	{ "an external interrupt", { EVENT(0x30), RFLAGS(9), AND(GUEST_INTERRUPTIBILITY),
				     AND(GUEST_ACTIVITY) } },
	{ "an NMI", { EVENT(0x202), AND(GUEST_INTERRUPTIBILITY), AND(GUEST_ACTIVITY) } },
	{ "#UD", { EVENT(0x306), AND(GUEST_ACTIVITY) } },
	{ "#GP", { EVENT(0xb0d), AND(VM_ENTRY_ERROR_CODE) } },
	{ "INT 80h", { EVENT(0x480), { VM_ENTRY_INSN_LEN, 2 } } },
	{ "INT1", { EVENT(0x501), { VM_ENTRY_INSN_LEN, 1 } } },
	{ "INT3", { EVENT(0x603), { VM_ENTRY_INSN_LEN, 1 } } },
	{ "HLT", { { GUEST_ACTIVITY, 1 }, AND(GUEST_INTERRUPTIBILITY), AND(GUEST_SS_ACCESS),
		   AND(GUEST_PENDING_DEBUG) } },
	{ "HLT that an interrupt ends", { { GUEST_ACTIVITY, 1 }, EVENT(0x30), RFLAGS(9) } },
	{ "STI", { { GUEST_INTERRUPTIBILITY, 1 }, RFLAGS(9), AND(GUEST_PENDING_DEBUG) } },
	{ "MOV SS", { { GUEST_INTERRUPTIBILITY, 2 }, AND(GUEST_PENDING_DEBUG) } },
	{ "MOV SS in a single step", { { GUEST_INTERRUPTIBILITY, 2 }, RFLAGS(8),
				       { GUEST_PENDING_DEBUG, 1 << 14 } } },
	{ "blocked NMIs", { { GUEST_INTERRUPTIBILITY, 8 }, AND(VM_ENTRY_INTR_INFO) } },
	{ "a restricted guest", { { SECONDARY_CONTROLS, 0, CPU2_UNRESTRICTED_GUEST },
				  AND(GUEST_CS_ACCESS), AND(GUEST_SS_ACCESS),
				  AND(GUEST_SS_SELECTOR), AND(GUEST_CR0) } },
	{ "a restricted guest's data", { { SECONDARY_CONTROLS, 0, CPU2_UNRESTRICTED_GUEST },
					 AND(GUEST_DS_ACCESS), AND(GUEST_DS_SELECTOR),
					 AND(GUEST_ES_ACCESS), AND(GUEST_ES_SELECTOR),
					 AND(GUEST_FS_ACCESS), AND(GUEST_FS_SELECTOR),
					 AND(GUEST_GS_ACCESS), AND(GUEST_GS_SELECTOR) } },
	{ "a restricted guest's conforming code",
	  { { SECONDARY_CONTROLS, 0, CPU2_UNRESTRICTED_GUEST }, { GUEST_CS_ACCESS, 0xf, 0 },
	    AND(GUEST_SS_ACCESS), AND(GUEST_SS_SELECTOR) } },
	{ "data in CS", { { GUEST_CS_ACCESS, 3, 0xc }, AND(GUEST_SS_ACCESS) } },
	{ "process-context identifiers", { { GUEST_CR4, 1 << 17 }, AND(VM_ENTRY_CONTROLS) } },
	{ "nearly virtual-8086 mode in IA-32e mode",
	  { SEGMENT_0(CS, 0x209b), SEGMENT_0(SS, 0x93), SEGMENT_0(DS, 0xf3),
	    SEGMENT_0(ES, 0xf3), SEGMENT_0(FS, 0xf3), SEGMENT_0(GS, 0xf3) },
	  { { GUEST_CS_ACCESS, 0xf3, ~0UL }, { GUEST_SS_ACCESS, 0xf3, ~0UL }, RFLAGS(17) } },
};

/* ... and those that it cannot. */
static const struct circumstance control_circumstances[] = {
	{ "nothing" },
	{ "TPR shadow", { TPR_SHADOW, AND(TPR_THRESHOLD), AND(SECONDARY_CONTROLS) } },
	{ "x2APIC mode", { TPR_SHADOW, CPU2(VIRTUALIZE_X2APIC) } },
	{ "APIC registers", { TPR_SHADOW, CPU2(APIC_REGISTERS) } },
	{ "virtual interrupts", { TPR_SHADOW, CPU2(VIRTUAL_INTERRUPTS), AND(PIN_BASED_CONTROLS) },
	  { { PIN_BASED_CONTROLS, 0, PIN_EXT_INTR_EXITING } } },
	{ "posted interrupts", { TPR_SHADOW, CPU2(VIRTUAL_INTERRUPTS),
				 { PIN_BASED_CONTROLS, PIN_POSTED_INTERRUPTS },
				 { VM_EXIT_CONTROLS, EXIT_ACK_INTERRUPT },
				 { POSTED_INTR_DESC_ADDR, 0x1000 } } },
	{ "APIC accesses", { CPU2(VIRTUALIZE_APIC), { APIC_ACCESS_ADDR, 0x1000 } } },
	{ "I/O bitmaps", { { CPU_BASED_CONTROLS, CPU_IO_BITMAPS }, { IO_BITMAP_A, 0x1000 },
			   { IO_BITMAP_B, 0x2000 } } },
	{ "PML", { CPU2(PML), { PML_ADDRESS, 0x1000 } } },
	{ "VM functions", { CPU2(VM_FUNCTIONS), { VM_FUNCTION_CONTROL, 1 },
			    { EPTP_LIST_ADDR, 0x1000 } },
	  { { SECONDARY_CONTROLS, 0, CPU2_EPT | CPU2_UNRESTRICTED_GUEST } } },
	{ "VMCS shadowing", { CPU2(VMCS_SHADOWING), { VMREAD_BITMAP, 0x1000 },
			      { VMWRITE_BITMAP, 0x1000 } } },
	{ "#VE", { CPU2(EPT_VIOLATION_VE), { VE_INFO_ADDR, 0x1000 } } },
	{ "TSC scaling", { CPU2(TSC_SCALING), { TSC_MULTIPLIER, 1UL << 48 } } },
	{ "MSR areas of VM exit", { { VM_EXIT_MSR_STORE_COUNT, 1 },
				    { VM_EXIT_MSR_STORE_ADDR, 0x1000 },
				    { VM_EXIT_MSR_LOAD_COUNT, 1 },
				    { VM_EXIT_MSR_LOAD_ADDR, 0x1000 } } },
	{ "MSR area of VM entry", { { VM_ENTRY_MSR_LOAD_COUNT, 1 },
				    { VM_ENTRY_MSR_LOAD_ADDR, 0x1000 } } },
	{ "no preemption timer", { { PIN_BASED_CONTROLS, 0, PIN_PREEMPTION_TIMER },
				   AND(VM_EXIT_CONTROLS) },
	  { { VM_EXIT_CONTROLS, EXIT_SAVE_PREEMPTION_TIMER, 0 } } },
	{ "no virtual NMIs", { { PIN_BASED_CONTROLS, 0, PIN_VIRTUAL_NMIS },
			       AND(CPU_BASED_CONTROLS) },
	  { { CPU_BASED_CONTROLS, CPU_NMI_WINDOW_EXITING, 0 } } },
	{ "nearly shadow stacks in the EPT", .then = { { EPT_POINTER, 1 << 7, 0 } } },
	{ "nearly a host without PAE", .then = { { HOST_CR4, 0, 1 << 5 } } },
	{ "nearly a 32-bit host",
	  .then = { { VM_EXIT_CONTROLS, 0, EXIT_HOST_64 | EXIT_LOAD_EFER } } },
	{ "no NMI exiting", { { PIN_BASED_CONTROLS, 0, PIN_VIRTUAL_NMIS | PIN_NMI_EXITING } } },
	{ "no EPT", { { SECONDARY_CONTROLS, 0, CPU2_EPT | CPU2_UNRESTRICTED_GUEST | CPU2_PML } } },
	{ "INT 80h", { EVENT(0x480), { VM_ENTRY_INSN_LEN, 2 } } },
	{ "#GP", { EVENT(0xb0d), AND(VM_ENTRY_ERROR_CODE) } },
};

static const struct circumstance *circumstances;
static unsigned int nr_circumstances;

static unsigned int field_index(uint32_t encoding)
{
	unsigned int i;

	for (i = 0; vmcs_fields[i].encoding != encoding; i++)
		vm_must(i < NR_ALL - 1);
	return i;
}

/* A tweak without a field is behind the last one; field 0, VPID, has none. */
static unsigned int nr_tweaks(const struct tweak *tweaks, unsigned int max)
{
	unsigned int nr = 0;

	while (nr < max && tweaks[nr].field)
		nr++;
	return nr;
}

static uint64_t tweaked(const struct tweak *tweak, uint64_t value)
{
	return (value & ~tweak->clear) | tweak->set;
}

static int judge(const struct minivmx_vmcs_field *fields, struct minivmx_broken_rule *broken,
		 unsigned int max)
{
	struct minivmx_vmcs_dump dump = { .fields = fields, .nr_fields = NR_ALL, .caps = caps };
	unsigned int unjudged;
	int nr = minivmx_verdict(&dump, broken, max, &unjudged);

	vm_must(nr >= 0 && nr <= (int)max);
	return nr;
}

#define MAX_BROKEN	32

/* The mode's state in that circumstance. */
static void apply_circumstance(const struct circumstance *circumstance, enum mode mode,
			       struct minivmx_vmcs_field fields[NR_ALL])
{
	const struct tweak *tweaks = circumstance->tweaks;
	unsigned int i, nr = nr_tweaks(tweaks, ARRAY_LEN(circumstance->tweaks));

	memcpy(fields, base[mode], sizeof(base[mode]));
	for (i = 0; i < nr; i++) {
		struct minivmx_vmcs_field *field = &fields[field_index(tweaks[i].field)];

		field->value = tweaked(&tweaks[i], field->value);
	}
}

/* Which are valid in a mode, on this CPU; "nothing" is. */
static bool valid[NR_MODES][32];

static void find_valid_circumstances(void)
{
	struct minivmx_vmcs_field fields[NR_ALL];
	struct minivmx_broken_rule broken[MAX_BROKEN];
	enum mode mode;
	unsigned int i;

	vm_must(nr_circumstances <= ARRAY_LEN(valid[0]));
	for (mode = 0; mode < NR_MODES; mode++)
		for (i = 0; i < nr_circumstances; i++) {
			apply_circumstance(&circumstances[i], mode, fields);
			valid[mode][i] = !judge(fields, broken, MAX_BROKEN);
		}
}

/* ---- A case ---- */

struct change {
	unsigned int field;	/* in vmcs_fields[] */
	uint64_t new;
};

struct test_case {
	uint64_t number;
	enum mode mode;
	const struct circumstance *circumstance;
	struct change changes[3];
	unsigned int nr_changes;
	struct minivmx_vmcs_field fields[NR_ALL];
};

static unsigned int width(uint32_t encoding)
{
	static const unsigned int bits[4] = { 16, 64, 32, 64 };

	return bits[encoding >> 13 & 3];
}

static uint64_t changed_value(unsigned int field, uint64_t old)
{
	static const uint64_t boundaries[] = {
		0, ~0UL, 1, 2, 4, 0xff, 0x7fff, 0x8000, 0xffff, 0x10000, 0xfffff, 0x7fffffff,
		0x80000000, 0xffffffff, 0x100000000, 0x7fffffffffff, 0x800000000000,
		0xffff7fffffffffff, 0xffff800000000000, 1UL << 52, 1UL << 63,
	};
	unsigned int bits = width(vmcs_fields[field].encoding);
	uint64_t value;

	switch (below(10)) {
	case 0:
		value = boundaries[below(ARRAY_LEN(boundaries))];
		break;
	case 1:
		value = random64() >> below(64);
		break;
	case 2:
		value = base[below(NR_MODES)][field].value;
		break;
	case 3:
		value = old ^ 1UL << below(bits) ^ 1UL << below(bits);
		break;
	case 4:
	case 5:
		value = old ^ 1UL << below(16);
		break;
	default:
		value = old ^ 1UL << below(bits);
		break;
	}
	return bits == 64 ? value : value & ((1UL << bits) - 1);
}

static bool may_write(unsigned int field)
{
	enum field_policy policy = vmcs_fields[field].policy;

	if (base[REAL][field].result || policy == FIELD_INFO)
		return false;
	return policy == FIELD_FREE || policy == FIELD_OTHER || open_module ||
	       (link_only && vmcs_fields[field].encoding == VMCS_LINK_POINTER);
}

/* Bits 11:10 of an encoding: 0 control, 2 guest, 3 host. */
static bool may_change(unsigned int field)
{
	return may_write(field) && (!open_module || (vmcs_fields[field].encoding >> 10 & 3) != 2);
}

/* Every second time one that the circumstance is about. */
static unsigned int choose_field(const struct circumstance *circumstance)
{
	unsigned int field, nr = nr_tweaks(circumstance->tweaks,
					   ARRAY_LEN(circumstance->tweaks));

	if (nr && below(2)) {
		field = field_index(circumstance->tweaks[below(nr)].field);
		if (may_change(field))
			return field;
	}
	do {
		field = below(NR_ALL);
	} while (!may_change(field));
	return field;
}

/* What the case changes: the field, and to what. */
static struct change choose_change(const struct test_case *c, unsigned int nr, bool aimed)
{
	struct change change;

	if (aimed) {
		const struct tweak *tweak = &c->circumstance->then[nr];

		change.field = field_index(tweak->field);
		change.new = tweaked(tweak, c->fields[change.field].value);
	} else {
		change.field = link_only ? field_index(VMCS_LINK_POINTER) :
					   choose_field(c->circumstance);
		change.new = changed_value(change.field, c->fields[change.field].value);
	}
	return change;
}

static void make_case(struct test_case *c, uint64_t seed, uint64_t number)
{
	unsigned int i, circumstance, aims;

	chance_start(seed, number);
	c->number = number;
	c->mode = below(NR_MODES);
	circumstance = below(nr_circumstances);
	c->circumstance = &circumstances[valid[c->mode][circumstance] ? circumstance : 0];
	apply_circumstance(c->circumstance, c->mode, c->fields);
	aims = nr_tweaks(c->circumstance->then, ARRAY_LEN(c->circumstance->then));
	if (link_only || (aims && below(2)))
		aims = 0;
	c->nr_changes = aims ?: link_only ? 1 : 1 + below(2) * (1 + below(2));
	for (i = 0; i < c->nr_changes; i++) {
		c->changes[i] = choose_change(c, i, aims);
		c->fields[c->changes[i].field].value = c->changes[i].new;
	}
}

#endif /* SELFTESTS_ORACLE_CASES_H */
