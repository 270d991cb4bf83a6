// SPDX-License-Identifier: GPL-2.0
/* Lab 2: the VMCS by hand. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "libminivmx.h"
#include "vmcs.h"

int vmcs_read(struct vcpu *vcpu, uint32_t encoding, uint64_t *value)
{
	struct minivmx_vmcs_field field = { .encoding = encoding };
	struct minivmx_vmcs arg = { .nr = 1, .fields = (uintptr_t)&field };

	if (ioctl(vcpu->fd, MINIVMX_GET_VMCS, &arg) < 0)
		return -errno;
	*value = field.value;
	return -(int)field.result;
}

int vmcs_write(struct vcpu *vcpu, const struct vmcs_value *values, unsigned int nr,
	       struct vmcs_refusal *refusal)
{
	struct minivmx_vmcs_field fields[MINIVMX_MAX_FIELDS] = { 0 };
	struct minivmx_vmcs arg = { .nr = nr, .done = nr, .fields = (uintptr_t)fields };
	unsigned int i;
	int ret;

	if (nr > MINIVMX_MAX_FIELDS)
		return -E2BIG;
	for (i = 0; i < nr; i++) {
		fields[i].encoding = values[i].encoding;
		fields[i].value = values[i].value;
	}
	if (ioctl(vcpu->fd, MINIVMX_SET_VMCS, &arg) == 0)
		return 0;
	ret = -errno;
	if (refusal && arg.done < nr) {
		refusal->encoding = fields[arg.done].encoding;
		refusal->bits = fields[arg.done].refused;
	}
	return ret;
}

#define SEGMENT(name, selector, base, limit, access)	\
	{ GUEST_##name##_SELECTOR, selector },		\
	{ GUEST_##name##_BASE, base },			\
	{ GUEST_##name##_LIMIT, limit },		\
	{ GUEST_##name##_ACCESS, access }

#define DATA_SEGMENTS(selector, limit, access)		\
	SEGMENT(SS, selector, 0, limit, access),	\
	SEGMENT(DS, selector, 0, limit, access),	\
	SEGMENT(ES, selector, 0, limit, access),	\
	SEGMENT(FS, selector, 0, limit, access),	\
	SEGMENT(GS, selector, 0, limit, access)

#define FLAT(code_access)						\
	SEGMENT(CS, 0x10, 0, 0xffffffff, code_access),			\
	DATA_SEGMENTS(0x18, 0xffffffff, 0xc093)

/* The TSS has to be a busy one in every mode, the LDT may be unusable. */
#define SYSTEM								\
	SEGMENT(LDTR, 0, 0, 0, 0x10000),				\
	SEGMENT(TR, 0, 0, 0x67, 0x8b)

#define REGISTERS(rip, rsp)						\
	{ GUEST_RIP, rip }, { GUEST_RSP, rsp }, { GUEST_RFLAGS, 2 }

#define CR0_PE	(1UL << 0)
#define CR0_ET	(1UL << 4)
#define CR0_NE	(1UL << 5)
#define CR0_PG	(1UL << 31)
#define CR4_PAE	(1UL << 5)
#define CR4_MCE	(1UL << 6)
#define CR4_VMXE (1UL << 13)
#define EFER_LME (1UL << 8)
#define EFER_LMA (1UL << 10)

/*
 * VMX operation wants CR0.NE and CR4.VMXE ("Restrictions on VMX Operation"), and the module
 * CR4.MCE, which is the host's. The read shadows hide them from the guest.
 */
#define CONTROL_REGISTERS(cr0, cr3, cr4, efer)				\
	{ GUEST_CR0, (cr0) | CR0_NE }, { CR0_READ_SHADOW, cr0 },	\
	{ GUEST_CR3, cr3 },						\
	{ GUEST_CR4, (cr4) | CR4_VMXE | CR4_MCE }, { CR4_READ_SHADOW, cr4 }, \
	{ GUEST_IA32_EFER, efer }

/* "IA-32e mode guest", beside whatever else is in that word. */
static int entry_controls(struct vcpu *vcpu, bool ia32e, struct vmcs_value *control)
{
	control->encoding = VM_ENTRY_CONTROLS;
	control->value = 0;
	if (vmcs_read(vcpu, VM_ENTRY_CONTROLS, &control->value))
		return -EIO;
	if (ia32e)
		control->value |= ENTRY_IA32E_GUEST;
	else
		control->value &= ~(uint64_t)ENTRY_IA32E_GUEST;
	return 0;
}

#define NR(values)	(sizeof(values) / sizeof((values)[0]))

int vmcs_set_real(struct vcpu *vcpu, uint16_t cs, uint16_t ip, uint16_t sp)
{
	struct vmcs_value values[] = {
		SEGMENT(CS, cs, (uint64_t)cs << 4, 0xffff, 0x9b),
		DATA_SEGMENTS(0, 0xffff, 0x93),
		SYSTEM,
		CONTROL_REGISTERS(CR0_ET, 0, 0, 0),
		REGISTERS(ip, sp),
		{ 0 }
	};
	int ret = entry_controls(vcpu, false, &values[NR(values) - 1]);

	return ret ? ret : vmcs_write(vcpu, values, NR(values), NULL);
}

int vmcs_set_protected(struct vcpu *vcpu, uint32_t entry, uint32_t stack)
{
	struct vmcs_value values[] = {
		FLAT(0xc09b),
		SYSTEM,
		CONTROL_REGISTERS(CR0_ET | CR0_PE, 0, 0, 0),
		REGISTERS(entry, stack),
		{ 0 }
	};
	int ret = entry_controls(vcpu, false, &values[NR(values) - 1]);

	return ret ? ret : vmcs_write(vcpu, values, NR(values), NULL);
}

int vmcs_set_long(struct vcpu *vcpu, uint64_t entry, uint64_t stack, uint64_t cr3)
{
	struct vmcs_value values[] = {
		FLAT(0xa09b),
		SYSTEM,
		CONTROL_REGISTERS(CR0_PG | CR0_ET | CR0_PE, cr3, CR4_PAE, EFER_LME | EFER_LMA),
		REGISTERS(entry, stack),
		{ 0 }
	};
	int ret = entry_controls(vcpu, true, &values[NR(values) - 1]);

	return ret ? ret : vmcs_write(vcpu, values, NR(values), NULL);
}

#define PAGE		4096
#define LARGE_PAGE	(2UL << 20)
#define PTE_PRESENT	1UL
#define PTE_WRITE	2UL
#define PTE_LARGE	0x80UL

int vm_identity_tables(struct vm *vm, uint64_t gpa)
{
	uint64_t *tables = (uint64_t *)(vm->mem + gpa);
	uint64_t i;

	if (gpa % PAGE || vm->size % LARGE_PAGE || vm->size > 1UL << 30 ||
	    vm->size < 3 * PAGE || gpa > vm->size - 3 * PAGE)
		return -EINVAL;
	memset(tables, 0, 3 * PAGE);
	tables[0] = (gpa + PAGE) | PTE_PRESENT | PTE_WRITE;
	tables[512] = (gpa + 2 * PAGE) | PTE_PRESENT | PTE_WRITE;
	for (i = 0; i < vm->size / LARGE_PAGE; i++)
		tables[1024 + i] = i * LARGE_PAGE | PTE_PRESENT | PTE_WRITE | PTE_LARGE;
	return 0;
}

static const uint32_t encodings[] = {
#define FIELD(encoding, name, policy, meaning) encoding,
#include "../../module/fields.def"
#undef FIELD
};

int vmcs_verdict(struct vcpu *vcpu, char *text, size_t size)
{
	struct minivmx_vmcs_field fields[NR(encodings)] = { 0 };
	struct minivmx_vmcs arg = { .nr = NR(encodings), .fields = (uintptr_t)fields };
	struct minivmx_vmcs_dump dump = { .fields = fields, .nr_fields = NR(encodings) };
	struct minivmx_broken_rule rule;
	unsigned int i, unjudged;
	int nr;

	for (i = 0; i < NR(encodings); i++)
		fields[i].encoding = encodings[i];
	if (ioctl(vcpu->fd, MINIVMX_GET_VMCS, &arg) < 0 ||
	    ioctl(vcpu->vm->system, MINIVMX_GET_CAPS, &dump.caps) < 0)
		return -errno;
	nr = minivmx_verdict(&dump, &rule, 1, &unjudged);
	if (nr)
		snprintf(text, size, "%s: %s", rule.name, rule.field);
	else if (size)
		text[0] = 0;
	return nr;
}
