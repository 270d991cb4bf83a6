// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "libminivmx.h"
#include "long.h"

uint64_t field_get(struct vcpu *vcpu, uint32_t encoding)
{
	struct minivmx_vmcs_field field = { .encoding = encoding };

	must(!minivmx_get_vmcs(vcpu->fd, &field, 1) && !field.result);
	return field.value;
}

void field_set(struct vcpu *vcpu, uint32_t encoding, uint64_t value)
{
	struct minivmx_vmcs_field field = { .encoding = encoding, .value = value };

	must(!minivmx_set_vmcs(vcpu->fd, &field, 1));
}

void long_handler(struct vm *vm, unsigned int vector, const char *code, const char *code_end)
{
	memcpy(vm->mem + LONG_HANDLERS + 16 * vector, code, code_end - code);
}

void long_log(struct vcpu *vcpu, uint64_t log)
{
	uint8_t handler[] = {
		0x41, 0xc6, 0x04, 0x24, 0,	/* movb $vector, (%r12) */
		0x49, 0xff, 0xc4,		/* inc %r12 */
		0x48, 0xcf,			/* iretq */
	};
	unsigned int vector;

	for (vector = 32; vector < 256; vector++) {
		handler[4] = vector;
		long_handler(vcpu->vm, vector, (char *)handler, (char *)handler + sizeof(handler));
	}
	vcpu->run->regs.r12 = log;
}

void long_code(struct vcpu *vcpu, const char *code, const char *code_end)
{
	memcpy(vcpu->vm->mem + LONG_CODE, code, code_end - code);
	vcpu->run->regs.rip = LONG_CODE;
	vcpu->run->action = MINIVMX_RETRY;
}

void new_long(struct vm *vm, struct vcpu *vcpu, uint32_t flags)
{
	uint64_t *gdt, *idt;
	unsigned int i;

	need(!vm_create(vm, LONG_SIZE, flags), "vm_create() of lab 1 fails");
	need(!vcpu_create(vcpu, vm, 0), "vcpu_create() of lab 1 fails");
	need(!vm_identity_tables(vm, LONG_TABLES), "vm_identity_tables() of lab 2 fails");
	need(!vmcs_set_long(vcpu, LONG_CODE, LONG_STACK, LONG_TABLES),
	     "vmcs_set_long() of lab 2 fails");
	gdt = (uint64_t *)(vm->mem + LONG_GDT);
	idt = (uint64_t *)(vm->mem + LONG_IDT);
	gdt[2] = 0x00af9b000000ffff;
	gdt[3] = 0x00cf93000000ffff;
	for (i = 0; i < 256; i++) {
		/* An interrupt gate, present, to code of DPL 0. */
		idt[2 * i] = (LONG_HANDLERS & 0xffff) + 16 * i + 0x8e0000100000 +
			     ((uint64_t)LONG_HANDLERS >> 16 << 48);
		memset(vm->mem + LONG_HANDLERS + 16 * i, 0xf4, 16);
	}
	field_set(vcpu, GUEST_GDTR_BASE, LONG_GDT);
	field_set(vcpu, GUEST_GDTR_LIMIT, 4 * 8 - 1);
	field_set(vcpu, GUEST_IDTR_BASE, LONG_IDT);
	field_set(vcpu, GUEST_IDTR_LIMIT, 256 * 16 - 1);
}
