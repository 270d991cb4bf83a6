/* SPDX-License-Identifier: GPL-2.0 */
/* Every mode that a guest can be in, each with a state that the CPU enters. */
#ifndef SELFTESTS_MODES_H
#define SELFTESTS_MODES_H

#include "vmcs.h"

GUEST16(halt16, "hlt");
GUEST32(halt32, "hlt");
GUEST64(halt64, "hlt");

enum mode { REAL, PROTECTED, V8086, PAGED, PAE, LONG, LONG_USER, COMPATIBILITY, NR_MODES };

static const char *const mode_names[NR_MODES] __attribute__((unused)) = {
	"real", "protected", "virtual-8086", "32-bit paging", "PAE", "64-bit",
	"64-bit at CPL 3", "compatibility",
};

static inline void set_v8086(VM *vm)
{
	struct minivmx_segment *segments[] = {
		&vm->sregs.cs, &vm->sregs.ss, &vm->sregs.ds, &vm->sregs.es, &vm->sregs.fs,
		&vm->sregs.gs,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_LEN(segments); i++)
		*segments[i] = (struct minivmx_segment) {
			.selector = 0x1000, .base = 0x10000, .limit = 0xffff, .access = 0xf3,
		};
	vm_set_sregs(vm);
	vm->run->regs.rip = 0;
	vm->run->regs.rsp = 0x8000;
	vm->run->regs.rflags = 2 | 1 << 17;
}

static inline void set_compatibility(VM *vm)
{
	vm->sregs.cs.access = 0xc09b;
	vm_set_sregs(vm);
}

static inline void set_mode(VM *vm, enum mode mode)
{
	switch (mode) {
	case REAL:
		vm_real(vm, halt16);
		break;
	case PROTECTED:
	case V8086:
		vm_prot(vm, halt32);
		break;
	case PAGED:
		vm_paged(vm, halt32);
		break;
	case PAE:
		vm_pae(vm, halt32);
		break;
	default:
		vm_long(vm, halt64);
		break;
	}
	if (mode == V8086)
		set_v8086(vm);
	if (mode == LONG_USER)
		vm_user(vm);
	if (mode == COMPATIBILITY)
		set_compatibility(vm);
}

#endif /* SELFTESTS_MODES_H */
