/* SPDX-License-Identifier: GPL-2.0 */
/* The VMCS in tests: fields by name, and one at a time. */
#ifndef SELFTESTS_VMCS_H
#define SELFTESTS_VMCS_H

#include "vm.h"

enum vmcs_field {
#define FIELD(encoding, name, policy, meaning) name = encoding,
#include "../../module/fields.def"
#undef FIELD
};

#define ARRAY_LEN(a)	(sizeof(a) / sizeof((a)[0]))

/* The policies of fields.def; those of single fields are one here. */
enum field_policy {
	FIELD_FREE, FIELD_OWN, FIELD_INFO, FIELD_HOST, FIELD_PHYS,
	FIELD_OTHER,
	FIELD_PIN = FIELD_OTHER,
	FIELD_CPU = FIELD_OTHER,
	FIELD_CPU2 = FIELD_OTHER,
	FIELD_EXIT = FIELD_OTHER,
	FIELD_ENTRY = FIELD_OTHER,
	FIELD_EXCEPTIONS = FIELD_OTHER,
	FIELD_CR0_MASK = FIELD_OTHER,
	FIELD_CR4_MASK = FIELD_OTHER,
	FIELD_CR0_SHADOW = FIELD_OTHER,
	FIELD_CR4_SHADOW = FIELD_OTHER,
	FIELD_CR4 = FIELD_OTHER,
	FIELD_EFER = FIELD_OTHER,
	FIELD_DR7 = FIELD_OTHER,
	FIELD_DEBUGCTL = FIELD_OTHER,
	FIELD_ACTIVITY = FIELD_OTHER,
	FIELD_RIP = FIELD_OTHER,
	FIELD_RSP = FIELD_OTHER,
	FIELD_RFLAGS = FIELD_OTHER,
	FIELD_INTERRUPTIBILITY = FIELD_OTHER,
	FIELD_TSC_OFFSET = FIELD_OTHER,
	FIELD_TIMER = FIELD_OTHER,
};

static const struct vmcs_row {
	uint32_t encoding;
	const char *name;
	enum field_policy policy;
} vmcs_fields[] __attribute__((unused)) = {
#define FIELD(encoding, name, policy, meaning) { encoding, #name, FIELD_##policy },
#include "../../module/fields.def"
#undef FIELD
};

#define NR_ALL	ARRAY_LEN(vmcs_fields)

/* Controls as bits of their word: CPU_RDTSC_EXITING and so on. */
enum {
#define CONTROL(word, bit, name, need, user, text, why) word##_##name = (int)(1U << (bit)),
#include "../../module/controls.def"
#undef CONTROL
};

struct field_value {
	uint32_t encoding;
	uint64_t value;
};

static inline uint64_t vmcs_get(VM *self, uint32_t encoding)
{
	struct minivmx_vmcs_field field = { .encoding = encoding };

	vm_must(!minivmx_get_vmcs(self->vcpu, &field, 1) && !field.result);
	return field.value;
}

/* 0 or -errno; *refused gets the bits to blame, if it is not NULL. */
static inline int vmcs_try(VM *self, uint32_t encoding, uint64_t value, uint64_t *refused)
{
	struct minivmx_vmcs_field field = { .encoding = encoding, .value = value };
	int ret = minivmx_set_vmcs(self->vcpu, &field, 1);

	if (refused)
		*refused = field.refused;
	return ret;
}

static inline void vmcs_set(VM *self, uint32_t encoding, uint64_t value)
{
	vm_must(!vmcs_try(self, encoding, value, NULL));
}

static inline void vmcs_set_bits(VM *self, uint32_t encoding, uint64_t bits)
{
	vmcs_set(self, encoding, vmcs_get(self, encoding) | bits);
}

/* The value of the VMX-preemption timer for so many ticks of the TSC. */
static inline uint64_t vmcs_timer(VM *self, uint64_t ticks)
{
	struct minivmx_caps caps;

	vm_must(!minivmx_get_caps(self->system, &caps));
	return ticks >> (caps.vmx_msrs[5] & 0x1f);	/* IA32_VMX_MISC */
}

#endif /* SELFTESTS_VMCS_H */
