/* SPDX-License-Identifier: GPL-2.0 */
/* What the tests of the EPT from userspace have in common. */
#ifndef SELFTESTS_EPT_H
#define SELFTESTS_EPT_H

#include "uapi/module.h"
#include "vm.h"

/* Read a longword at RSI, or write one at RDI, then stop. */
GUEST64(load_code, "mov (%rsi), %eax; vmcall");
GUEST64(store_code, "mov %eax, (%rdi); vmcall");

#define PAGE		VM_PAGES
#define HUGE		0x800000	/* 2M-aligned, of the VM's memory */
#define HUGE_SIZE	(2UL << 20)
#define NOWHERE		0x10000000	/* behind the memory */

/* Of an EPT entry ("Format of an EPT Page-Table Entry"). */
#define EPT_R		(1UL << 0)
#define EPT_W		(1UL << 1)
#define EPT_X		(1UL << 2)
#define EPT_RWX		(EPT_R | EPT_W | EPT_X)
#define EPT_TYPE	(0xfUL << 3)
#define EPT_WB_IPAT	(6UL << 3 | 1UL << 6)
#define EPT_LARGE	(1UL << 7)
#define EPT_FRAME	0x000ffffffffff000UL

static inline int guest_load(VM *self, uint64_t address)
{
	vm_long(self, load_code);
	self->run->regs.rsi = address;
	return vm_run(self);
}

static inline int guest_store(VM *self, uint64_t address, uint32_t value)
{
	vm_long(self, store_code);
	self->run->regs.rdi = address;
	self->run->regs.rax = value;
	return vm_run(self);
}

/* The program's memory behind HUGE is one huge page of the host. */
#define HUGE_OR_SKIP()							\
do {									\
	if (!(self->info.features & MINIVMX_FEAT_EPT_2M))		\
		SKIP(return, "no 2M pages in this CPU's EPT");		\
	if (!write_file("/sys/kernel/mm/transparent_hugepage/enabled", "madvise")) \
		SKIP(return, "no transparent huge pages");		\
	ASSERT_EQ(0, madvise(vm_at(self, HUGE), HUGE_SIZE, MADV_HUGEPAGE)); \
	memset(vm_at(self, HUGE), 1, HUGE_SIZE);			\
} while (0)

#define R	MINIVMX_PROT_READ
#define W	MINIVMX_PROT_WRITE
#define X	MINIVMX_PROT_EXEC

static inline int protect(VM *self, uint64_t gpa, uint64_t size, uint32_t prot)
{
	return minivmx_protect(self->fd, gpa, size, prot);
}

static inline struct minivmx_walk walk(VM *self, uint64_t gpa)
{
	struct minivmx_walk w;

	vm_must(!minivmx_walk_ept(self->fd, gpa, &w));
	return w;
}

/* Writes without end, and counts in RBX; stops at the first refusal. */
GUEST64(beat_code, "1: inc %rbx; mov %rbx, (%rdi); jmp 1b");

static inline void *beat_thread(void *arg)
{
	return (void *)(long)vm_run(arg);
}

#endif /* SELFTESTS_EPT_H */
