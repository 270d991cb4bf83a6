/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every ioctl of the uapi as a row: of which descriptor it is, and of what kind each
 * field of its argument is. A kind says which values are worth a try, and which the
 * module has to refuse whatever else is so.
 */
#ifndef SELFTESTS_IOCTL_TABLE_H
#define SELFTESTS_IOCTL_TABLE_H

#include <stddef.h>

#include "../lib/chance.h"
#include "libminivmx.h"

enum holder { SYSTEM_FD, VM_FD, VCPU_FD, EVENT_FD, OTHER_FD, NR_HOLDERS };

enum kind {
	NONE,
	ANY,		/* a number */
	RESERVED,	/* refused if not zero */
	FLAGS,		/* refused with bits that are not in @limit */
	BELOW,		/* refused if not below @limit */
	NR,		/* of elements behind a pointer: refused above @limit */
	ROOM,		/* likewise, but any number will do */
	GPA, SIZE, HVA,
	BUFFER,		/* a pointer to what has that element */
	EVENT, EVENT_OR_0, ANY_FD,
	MSI, APIC_BASE, XSAVE_SIZE, RECORDS,
};

/* What is behind a pointer. */
enum element { BYTES, MSRS, CPUID_ROWS, FIELDS, ROUTES };

struct field_row {
	uint16_t offset;
	uint8_t size;
	uint8_t kind;
	uint64_t limit;		/* of a BUFFER the element */
};

#define MAX_FIELDS	20

struct call_row {
	const char *name;
	unsigned long cmd;
	enum holder holder;
	bool any_process;
	bool from_reset;	/* the other fields as after a reset, or zero */
	struct field_row fields[MAX_FIELDS];
};

#define ROW(holder, name)	#name, MINIVMX_##name, holder##_FD
#define F(type, member, kind, limit) \
	{ offsetof(struct minivmx_##type, member), \
	  sizeof(((struct minivmx_##type *)0)->member), kind, limit }
#define SEGMENT(name) \
	F(sregs, name.base, ANY, 0), F(sregs, name.access, ANY, 0), \
	F(sregs, name.reserved, RESERVED, 0)
#define EVENT_OF(name) \
	F(events, name.flags, FLAGS, 3), F(events, name.vector, ANY, 0), \
	F(events, name.type, ANY, 0), F(events, name.insn_len, ANY, 0), \
	F(events, name.error_code, ANY, 0)

/* Most rows leave members out. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

static const struct call_row call_rows[] = {
	{ ROW(SYSTEM, GET_INFO) },
	{ ROW(SYSTEM, GET_SUPPORTED_CPUID), .fields = {
		F(cpuid, nr, ROOM, 128), F(cpuid, reserved, RESERVED, 0),
		F(cpuid, entries, BUFFER, BYTES) } },
	{ ROW(SYSTEM, CREATE_VM), .fields = {
		F(create_vm, flags, FLAGS, 3), F(create_vm, kvm_fd, ANY_FD, 0) } },
	{ ROW(SYSTEM, GET_CAPS) },
	{ ROW(SYSTEM, GET_MITIGATIONS) },

	{ ROW(VM, CREATE_VCPU), .fields = {
		F(create_vcpu, id, BELOW, MINIVMX_MAX_VCPUS),
		F(create_vcpu, flags, RESERVED, 0) } },
	{ ROW(VM, MAP_MEMORY), .fields = {
		F(map, gpa, GPA, 0), F(map, size, SIZE, 0), F(map, hva, HVA, 0),
		F(map, prot, FLAGS, 7), F(map, max_page, BELOW, 4) } },
	{ ROW(VM, UNMAP_MEMORY), .fields = {
		F(map, gpa, GPA, 0), F(map, size, SIZE, 0), F(map, hva, RESERVED, 0),
		F(map, prot, RESERVED, 0), F(map, max_page, RESERVED, 0) } },
	{ ROW(VM, PROTECT_MEMORY), .fields = {
		F(protect, gpa, GPA, 0), F(protect, size, SIZE, 0), F(protect, prot, FLAGS, 7),
		F(protect, reserved, RESERVED, 0) } },
	{ ROW(VM, WALK_EPT), .any_process = true, .fields = { F(walk, gpa, GPA, 0) } },
	{ ROW(VM, HARVEST_PAGES), .fields = {
		F(harvest, gpa, GPA, 0), F(harvest, size, SIZE, 0),
		F(harvest, bitmap, BUFFER, BYTES), F(harvest, which, BELOW, 3),
		F(harvest, flags, FLAGS, 1) } },
	{ ROW(VM, DIRTY_LOG), .fields = {
		F(dirty_log, gpa, GPA, 0), F(dirty_log, size, SIZE, 0),
		F(dirty_log, flags, FLAGS, 1),
		F(dirty_log, reserved, RESERVED, 0) } },
	{ ROW(VM, GET_DIRTY_LOG), .fields = {
		F(dirty_bitmap, gpa, GPA, 0), F(dirty_bitmap, size, SIZE, 0),
		F(dirty_bitmap, bitmap, BUFFER, BYTES) } },
	{ ROW(VM, SIGNAL_MSI), .fields = {
		F(msi, address, MSI, 0), F(msi, data, ANY, 0), F(msi, reserved, RESERVED, 0) } },
	{ ROW(VM, SET_GSI_ROUTES), .fields = {
		F(gsi_routes, routes, BUFFER, ROUTES), F(gsi_routes, nr, NR, MINIVMX_MAX_GSIS),
		F(gsi_routes, reserved, RESERVED, 0) } },
	{ ROW(VM, IRQFD), .fields = {
		F(irqfd, fd, EVENT, 0), F(irqfd, resample_fd, EVENT_OR_0, 0),
		F(irqfd, gsi, BELOW, MINIVMX_MAX_GSIS), F(irqfd, flags, FLAGS, 3) } },
	{ ROW(VM, IOEVENTFD), .fields = {
		F(ioeventfd, address, GPA, 0), F(ioeventfd, data, ANY, 0),
		F(ioeventfd, size, BELOW, 9), F(ioeventfd, fd, EVENT, 0),
		F(ioeventfd, flags, FLAGS, 7), F(ioeventfd, reserved, RESERVED, 0) } },

	{ ROW(VCPU, RUN) },
	{ ROW(VCPU, KICK) },
	{ ROW(VCPU, GET_SREGS) },
	{ ROW(VCPU, SET_SREGS), .from_reset = true, .fields = {
		SEGMENT(cs), SEGMENT(ss), SEGMENT(tr), SEGMENT(ldtr),
		F(sregs, gdtr.limit, ANY, 0), F(sregs, gdtr.reserved, RESERVED, 0),
		F(sregs, cr0, ANY, 0), F(sregs, cr3, ANY, 0), F(sregs, cr4, ANY, 0),
		F(sregs, efer, ANY, 0), F(sregs, xcr0, ANY, 0), F(sregs, dr7, ANY, 0) } },
	{ ROW(VCPU, GET_MSRS), .fields = {
		F(msrs, nr, NR, MINIVMX_MAX_MSRS), F(msrs, entries, BUFFER, MSRS) } },
	{ ROW(VCPU, SET_MSRS), .fields = {
		F(msrs, nr, NR, MINIVMX_MAX_MSRS), F(msrs, entries, BUFFER, MSRS) } },
	{ ROW(VCPU, GET_CPUID), .fields = {
		F(cpuid, nr, ROOM, 128), F(cpuid, reserved, RESERVED, 0),
		F(cpuid, entries, BUFFER, BYTES) } },
	{ ROW(VCPU, SET_CPUID), .fields = {
		F(cpuid, nr, NR, MINIVMX_MAX_CPUID), F(cpuid, reserved, RESERVED, 0),
		F(cpuid, entries, BUFFER, CPUID_ROWS) } },
	{ ROW(VCPU, GET_XSAVE), .fields = {
		F(xsave, addr, BUFFER, BYTES), F(xsave, size, XSAVE_SIZE, 0),
		F(xsave, reserved, RESERVED, 0) } },
	{ ROW(VCPU, SET_XSAVE), .fields = {
		F(xsave, addr, BUFFER, BYTES), F(xsave, size, XSAVE_SIZE, 0),
		F(xsave, reserved, RESERVED, 0) } },
	{ ROW(VCPU, GET_EVENTS) },
	{ ROW(VCPU, SET_EVENTS), .from_reset = true, .fields = {
		EVENT_OF(event), EVENT_OF(irq), F(events, nmi_pending, BELOW, 2),
		F(events, interruptibility, FLAGS, 0xb), F(events, pending_debug, ANY, 0) } },
	{ ROW(VCPU, GET_STATS), .fields = {
		F(stats, flags, FLAGS, 1), F(stats, nr, NR, MINIVMX_NR_EXITS),
		F(stats, exits, BUFFER, BYTES) } },
	{ ROW(VCPU, GET_VMCS), .any_process = true, .fields = {
		F(vmcs, nr, NR, MINIVMX_MAX_FIELDS), F(vmcs, fields, BUFFER, FIELDS) } },
	{ ROW(VCPU, SET_VMCS), .any_process = true, .fields = {
		F(vmcs, nr, NR, MINIVMX_MAX_FIELDS), F(vmcs, fields, BUFFER, FIELDS) } },
	{ ROW(VCPU, SET_ROUTE), .fields = {
		F(route, reason, BELOW, MINIVMX_NR_EXITS), F(route, route, BELOW, 5) } },
	{ ROW(VCPU, SET_MSR_ROUTE), .fields = {
		F(msr_route, first, ANY, 0), F(msr_route, last, ANY, 0),
		F(msr_route, access, FLAGS, 3), F(msr_route, route, BELOW, 4) } },
	{ ROW(VCPU, SET_RING), .any_process = true, .fields = {
		F(set_ring, nr, RECORDS, MINIVMX_MAX_RECORDS),
		F(set_ring, reserved, RESERVED, 0) } },
	{ ROW(VCPU, GET_APIC), .fields = {
		F(apic, regs, BUFFER, BYTES), F(apic, reserved, RESERVED, 0) } },
	{ ROW(VCPU, SET_APIC), .fields = {
		F(apic, regs, BUFFER, BYTES), F(apic, base, APIC_BASE, 0),
		F(apic, deadline, ANY, 0),
		F(apic, activity, BELOW, 3), F(apic, errors, ANY, 0),
		F(apic, reserved, RESERVED, 0) } },
};

#define NR_CALLS	(sizeof(call_rows) / sizeof(call_rows[0]))

#undef ROW
#undef F
#undef SEGMENT
#undef EVENT_OF

/* Does the module have to refuse this value of a field? */
static inline bool is_refused(const struct field_row *field, uint64_t value)
{
	switch (field->kind) {
	case RESERVED:
		return value;
	case FLAGS:
		return value & ~field->limit;
	case BELOW:
		return value >= field->limit;
	case NR:
	case RECORDS:
		return value > field->limit;
	default:
		return false;
	}
}

#endif /* SELFTESTS_IOCTL_TABLE_H */
