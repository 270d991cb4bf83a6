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

#endif /* SELFTESTS_VMCS_H */
