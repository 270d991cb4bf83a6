/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A VM for tests: memory, the four modes, exception handlers, and the loop.
 *
 * A test is a piece of guest code and what it is expected to do:
 *
 *	GUEST64(adds, "add %rbx, %rax; vmcall");
 *
 *	TEST_F(vm, addition)
 *	{
 *		vm_long(self, adds);
 *		self->run->regs.rax = 2;
 *		self->run->regs.rbx = 3;
 *		ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
 *		EXPECT_EQ(5, self->run->regs.rax);
 *	}
 *
 * Every exception and interrupt that the guest takes goes through a handler
 * that reports it: vm_run() then returns VM_TRAP, and self->trap says what the
 * guest's stack had. vm_skip() returns from the handler with IRET.
 */
#ifndef SELFTESTS_VM_H
#define SELFTESTS_VM_H

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "libminivmx.h"

/* ---------------------------------------------------------------------- */
/* The guest's memory                                                      */
/* ---------------------------------------------------------------------- */

/* Linear addresses are guest-physical ones in all modes (below 4 GiB). */
#define VM_IVT		0x00000		/* real mode's vectors */
#define VM_GDT		0x01000
#define VM_IDT		0x02000
#define VM_TSS		0x03000
#define VM_PML4		0x04000
#define VM_PDPT		0x05000
#define VM_PD		0x06000		/* four, 2M pages but for PAGES */
#define VM_PT		0x0a000		/* of PAGES */
#define VM_PAE_PDPT	0x0b000
#define VM_PD32		0x0c000		/* 4M pages but for PAGES32 */
#define VM_PT32		0x0d000		/* of PAGES32 */
#define VM_HANDLERS	0x0e000
#define VM_CODE		0x10000
#define VM_STACK	0x30000		/* top */
#define VM_DATA		0x40000
#define VM_PAGES	0x200000	/* 2 MiB in 4K pages: long mode and PAE */
#define VM_PAGES32	0x400000	/* 4 MiB in 4K pages: 32-bit paging */
#define VM_SIZE		0x1000000
/* No memory is mapped here: accesses are MMIO. */
#define VM_MMIO		0xfe000000
#define VM_MMIO_LOW	0xb8000		/* to 0xbffff, for real mode */

/* The same for guest code, which writes $DATA for the number. */
asm(".set CODE, 0x10000; .set STACK, 0x30000; .set DATA, 0x40000\n"
	".set PAGES, 0x200000; .set PAGES32, 0x400000\n"
	".set MMIO, 0xfe000000; .set MMIO_LOW, 0xb8000\n"
	".set EXC_PORT, 0xee\n");

#define VM_EXC_PORT	0xee

/* Selectors: libminivmx has code, data and TSS; these two have DPL 3. */
#define VM_USER_DATA	0x33
#define VM_USER_CODE	0x3b

/* ---------------------------------------------------------------------- */
/* Guest code                                                              */
/* ---------------------------------------------------------------------- */

/*
 * GUESTn(name, "assembly"): a blob that vm_real(), vm_prot(), ... take. It is
 * put at VM_CODE, so that an address in it is CODE + (label - name).
 */
#define GUEST(bits, name, text)						\
	extern const char name[], name##_end[];				\
	asm(".pushsection .rodata\n.code" #bits "\n" #name ":\n" text	\
	    "\n" #name "_end:\n.code64\n.popsection")
#define GUEST16(name, text)	GUEST(16, name, text)
#define GUEST32(name, text)	GUEST(32, name, text)
#define GUEST64(name, text)	GUEST(64, name, text)

/*
 * One stub a vector: push an error code where the CPU does not, push the
 * vector, report. Encodings of the pushes and jumps are the same in 32- and
 * 64-bit code; real mode has no error codes.
 */
asm(".pushsection .rodata\n"
	".macro STUBS tail, with_error\n"
	".set vector, 0\n"
	".rept 256\n"
	"	.balign 16\n"
	"	.if \\with_error && !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17)\n"
	"		push $0\n"
	"	.endif\n"
	"	push $vector\n"
	"	jmp \\tail\n"
	"	.set vector, vector + 1\n"
	".endr\n"
	".endm\n"
	".balign 16\n"
	".code64\n"
	"vm_handlers64: STUBS 1f, 1\n"
	"	.balign 16\n"
	"1:	out %al, $EXC_PORT; add $16, %rsp; iretq\n"
	"vm_handlers64_end:\n"
	".balign 16\n"
	".code32\n"
	"vm_handlers32: STUBS 1f, 1\n"
	"	.balign 16\n"
	"1:	out %al, $EXC_PORT; add $8, %esp; iret\n"
	"vm_handlers32_end:\n"
	".balign 16\n"
	".code16\n"
	"vm_handlers16: STUBS 1f, 0\n"
	"	.balign 16\n"
	"1:	out %al, $EXC_PORT; add $2, %sp; iret\n"
	"vm_handlers16_end:\n"
	".code64\n"
	".popsection\n");
extern const char vm_handlers64[], vm_handlers64_end[];
extern const char vm_handlers32[], vm_handlers32_end[];
extern const char vm_handlers16[], vm_handlers16_end[];

/* ---------------------------------------------------------------------- */
/* The VM                                                                  */
/* ---------------------------------------------------------------------- */

#define VM_TRAP		100	/* vm_run(): the guest took an exception */

#define CR0_PE		(1UL << 0)
#define CR0_ET		(1UL << 4)
#define CR0_WP		(1UL << 16)
#define CR0_AM		(1UL << 18)
#define CR0_NW		(1UL << 29)
#define CR0_CD		(1UL << 30)
#define CR0_PG		(1UL << 31)
#define CR4_DE		(1UL << 3)
#define CR4_PSE		(1UL << 4)
#define CR4_PAE		(1UL << 5)
#define CR4_MCE		(1UL << 6)
#define CR4_OSFXSR	(1UL << 9)
#define CR4_VMXE	(1UL << 13)
#define CR4_OSXSAVE	(1UL << 18)
#define EFER_SCE	(1UL << 0)
#define EFER_LME	(1UL << 8)
#define EFER_LMA	(1UL << 10)
#define EFER_NX		(1UL << 11)
#define RFLAGS_TF	(1UL << 8)
#define RFLAGS_IF	(1UL << 9)
#define RFLAGS_RF	(1UL << 16)
#define RFLAGS_AC	(1UL << 18)

#define PTE_P		(1UL << 0)
#define PTE_W		(1UL << 1)
#define PTE_U		(1UL << 2)
#define PTE_A		(1UL << 5)
#define PTE_D		(1UL << 6)
#define PTE_PS		(1UL << 7)

/* Vectors. */
enum { DE = 0, DB = 1, NMI = 2, BP = 3, OF = 4, UD = 6, NM = 7, DF = 8, TS = 10,
       NP = 11, SS = 12, GP = 13, PF = 14, AC = 17 };


/* What the stack had when the handler of an exception or interrupt started. */
struct vm_trap {
	uint8_t vector;
	uint64_t error;		/* 0 if there is none */
	uint64_t rip, cs, rflags;
	uint64_t rsp;		/* of the interrupted code; 64-bit mode only */
	uint8_t *frame;		/* in the guest's memory, from RIP on */
};

FIXTURE(vm)
{
	int system, fd, vcpu;
	struct minivmx_info info;
	struct minivmx_run *run;
	struct minivmx_sregs sregs;	/* as vm_long() and so on set them */
	uint8_t *mem;
	int bits;
	struct vm_trap trap;
	unsigned long interrupted;	/* RUNs that ended with EINTR or INTR */
};
typedef FIXTURE_DATA(vm) VM;

/* For what must not fail while a test is being set up. */
#define vm_must(condition)						\
do {									\
	if (!(condition)) {						\
		fprintf(stderr, "# %s:%d: %s (%s)\n", __FILE__, __LINE__,	\
			#condition, strerror(errno));			\
		abort();						\
	}								\
} while (0)

static inline void *vm_at(VM *self, uint64_t gpa)
{
	return self->mem + gpa;
}

static inline uint64_t *vm_u64(VM *self, uint64_t gpa)
{
	return vm_at(self, gpa);
}

static inline uint32_t *vm_u32(VM *self, uint64_t gpa)
{
	return vm_at(self, gpa);
}

/* The page-table entry of a linear address in PAGES (long mode, PAE). */
static inline uint64_t *vm_pte(VM *self, uint64_t linear)
{
	return vm_u64(self, VM_PT + (linear - VM_PAGES) / 0x1000 * 8);
}

/* Likewise of one in PAGES32, 32-bit paging. */
static inline uint32_t *vm_pte32(VM *self, uint64_t linear)
{
	return vm_u32(self, VM_PT32 + (linear - VM_PAGES32) / 0x1000 * 4);
}

/* ---- Life ---- */

static inline void vm_new_vcpu(VM *self, unsigned int id)
{
	self->vcpu = minivmx_create_vcpu(self->fd, id);
	vm_must(self->vcpu >= 0);
	vm_must(!minivmx_map_run(self->vcpu, self->info.run_size, &self->run));
	vm_must(!minivmx_get_sregs(self->vcpu, &self->sregs));
}

static uint32_t vm_flags;	/* MINIVMX_VM_* of new ones */

/* A VM with one vCPU as after reset, and no memory. */
static inline void vm_create_empty(VM *self)
{
	struct minivmx_error error;

	memset(self, 0, sizeof(*self));
	self->system = minivmx_open(&error);
	if (self->system < 0)
		fprintf(stderr, "# %s %s\n", error.text, error.hint);
	vm_must(self->system >= 0);
	vm_must(!minivmx_get_info(self->system, &self->info));
	self->fd = minivmx_create_vm(self->system, vm_flags, &error);
	if (self->fd < 0)
		fprintf(stderr, "# %s %s\n", error.text, error.hint);
	vm_must(self->fd >= 0);
	vm_new_vcpu(self, 0);
}

#define VM_RWX (MINIVMX_PROT_READ | MINIVMX_PROT_WRITE | MINIVMX_PROT_EXEC)

/* Memory from 0 on, but for the hole at VM_MMIO_LOW. */
static inline void vm_create(VM *self)
{
	const size_t huge = 2 << 20;
	uint8_t *mem;

	vm_create_empty(self);
	mem = mmap(NULL, VM_SIZE + huge, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	vm_must(mem != MAP_FAILED);
	self->mem = (uint8_t *)(((uintptr_t)mem + huge - 1) & ~(huge - 1));
	vm_must(!minivmx_map(self->fd, 0, self->mem, VM_MMIO_LOW, VM_RWX));
	vm_must(!minivmx_map(self->fd, 0xc0000, self->mem + 0xc0000,
			     VM_SIZE - 0xc0000, VM_RWX));
}

/* Leave NMI blocking by an IRET. */
GUEST64(vm_iret,
	"mov %ss, %eax; push %rax; push $STACK; push $2; mov %cs, %eax; push %rax;"
	"push $CODE + (1f - vm_iret); iretq; 1: vmcall");

static inline void vm_end_nmi(VM *self);

static inline void vm_destroy(VM *self)
{
	/* Some versions of Bochs keep the blocking when another VM is entered. */
	if (self->mem && (self->run->exit.interruptibility & 8))
		vm_end_nmi(self);
	minivmx_unmap_run(self->run, self->info.run_size);
	close(self->vcpu);
	close(self->fd);
	close(self->system);
}

FIXTURE_SETUP(vm)
{
	vm_create(self);
}

FIXTURE_TEARDOWN(vm)
{
	vm_destroy(self);
}

/* ---- The modes ---- */

static inline void vm_page_tables(VM *self)
{
	uint64_t i;

	*vm_u64(self, VM_PML4) = VM_PDPT | PTE_U | PTE_W | PTE_P;
	for (i = 0; i < 4; i++) {
		vm_u64(self, VM_PDPT)[i] = (VM_PD + i * 0x1000) | PTE_U | PTE_W | PTE_P;
		/* No rights there: they are reserved bits. */
		vm_u64(self, VM_PAE_PDPT)[i] = (VM_PD + i * 0x1000) | PTE_P;
	}
	for (i = 0; i < 2048; i++)
		vm_u64(self, VM_PD)[i] = i << 21 | PTE_PS | PTE_U | PTE_W | PTE_P;
	vm_u64(self, VM_PD)[VM_PAGES >> 21] = VM_PT | PTE_U | PTE_W | PTE_P;
	for (i = 0; i < 512; i++)
		vm_u64(self, VM_PT)[i] = (VM_PAGES + (i << 12)) | PTE_U | PTE_W | PTE_P;

	for (i = 0; i < 1024; i++)
		vm_u32(self, VM_PD32)[i] = i << 22 | PTE_PS | PTE_U | PTE_W | PTE_P;
	vm_u32(self, VM_PD32)[VM_PAGES32 >> 22] = VM_PT32 | PTE_U | PTE_W | PTE_P;
	for (i = 0; i < 1024; i++)
		vm_u32(self, VM_PT32)[i] = (VM_PAGES32 + (i << 12)) | PTE_U | PTE_W | PTE_P;
}

/* Code for VM_CODE, its handlers for VM_HANDLERS, and both tables. */
static inline void vm_load(VM *self, const char *code, size_t size,
			   const char *handlers, const char *handlers_end)
{
	memcpy(vm_at(self, VM_CODE), code, size);
	memcpy(vm_at(self, VM_HANDLERS), handlers, handlers_end - handlers);
}

static inline void vm_set_sregs(VM *self)
{
	vm_must(!minivmx_set_sregs(self->vcpu, &self->sregs));
}

static inline void vm_real_(VM *self, const char *code, size_t size)
{
	unsigned int i;

	self->bits = 16;
	vm_load(self, code, size, vm_handlers16, vm_handlers16_end);
	for (i = 0; i < 256; i++)
		vm_u32(self, VM_IVT)[i] = VM_HANDLERS + 16 * i;
	minivmx_set_real(&self->sregs, &self->run->regs, VM_CODE >> 4, 0);
	self->sregs.ss.selector = 0x2000;
	self->sregs.ss.base = 0x20000;
	self->run->regs.rsp = 0xfff0;
	vm_set_sregs(self);
}

static inline void vm_gdt(VM *self)
{
	uint64_t *gdt = vm_u64(self, VM_GDT);

	minivmx_flat_gdt(&self->sregs, gdt);
	minivmx_use_gdt(&self->sregs, VM_GDT);
	gdt[MINIVMX_FLAT_TSS / 8] |= (uint64_t)VM_TSS << 16;
	self->sregs.tr.base = VM_TSS;
	gdt[VM_USER_DATA / 8] = gdt[MINIVMX_FLAT_DATA / 8] | 3UL << 45;
	gdt[VM_USER_CODE / 8] = gdt[MINIVMX_FLAT_CODE / 8] | 3UL << 45;
	self->sregs.gdtr.limit = VM_USER_CODE | 7;
}

static inline void vm_prot_(VM *self, const char *code, size_t size)
{
	uint64_t i;

	self->bits = 32;
	vm_load(self, code, size, vm_handlers32, vm_handlers32_end);
	minivmx_set_protected(&self->sregs, &self->run->regs, VM_CODE);
	vm_gdt(self);
	/* Interrupt gates; INT3 and the like work from CPL 3, too. */
	for (i = 0; i < 256; i++)
		vm_u64(self, VM_IDT)[i] = (VM_HANDLERS + 16 * i) |
					  MINIVMX_FLAT_CODE << 16 | 0xee00UL << 32;
	self->sregs.idtr.base = VM_IDT;
	self->sregs.idtr.limit = 256 * 8 - 1;
	vm_u32(self, VM_TSS)[1] = VM_STACK;		/* ESP0 */
	vm_u32(self, VM_TSS)[2] = MINIVMX_FLAT_DATA;	/* SS0 */
	vm_u32(self, VM_TSS)[25] = 0x68 << 16;		/* no I/O bitmap */
	self->run->regs.rsp = VM_STACK;
	vm_page_tables(self);
	vm_set_sregs(self);
}

/* 32-bit paging with PSE. */
static inline void vm_paged_(VM *self, const char *code, size_t size)
{
	vm_prot_(self, code, size);
	self->sregs.cr4 |= CR4_PSE;
	self->sregs.cr3 = VM_PD32;
	self->sregs.cr0 |= CR0_PG | CR0_WP;
	vm_set_sregs(self);
}

static inline void vm_pae_(VM *self, const char *code, size_t size)
{
	vm_prot_(self, code, size);
	self->sregs.cr4 |= CR4_PAE;
	self->sregs.cr3 = VM_PAE_PDPT;
	self->sregs.cr0 |= CR0_PG | CR0_WP;
	memcpy(self->sregs.pdpte, vm_at(self, VM_PAE_PDPT), sizeof(self->sregs.pdpte));
	vm_set_sregs(self);
}

static inline void vm_long_(VM *self, const char *code, size_t size)
{
	uint64_t i;

	self->bits = 64;
	vm_load(self, code, size, vm_handlers64, vm_handlers64_end);
	minivmx_set_long(&self->sregs, &self->run->regs, VM_CODE, VM_PML4);
	self->sregs.cr0 |= CR0_WP;
	self->sregs.cr4 |= CR4_OSFXSR;
	vm_gdt(self);
	for (i = 0; i < 256; i++) {
		vm_u64(self, VM_IDT)[2 * i] = (VM_HANDLERS + 16 * i) |
					      MINIVMX_FLAT_CODE << 16 | 0xee00UL << 32;
		vm_u64(self, VM_IDT)[2 * i + 1] = 0;
	}
	self->sregs.idtr.base = VM_IDT;
	self->sregs.idtr.limit = 256 * 16 - 1;
	*(uint64_t *)vm_at(self, VM_TSS + 4) = VM_STACK;	/* RSP0 */
	vm_u32(self, VM_TSS)[25] = 0x68 << 16;			/* no I/O bitmap */
	self->run->regs.rsp = VM_STACK;
	vm_page_tables(self);
	vm_set_sregs(self);
}

/* Start in a mode: vm_real(self, code) for a GUEST16(code, ...), and so on. */
#define vm_real(self, code)	vm_real_(self, code, code##_end - code)
#define vm_prot(self, code)	vm_prot_(self, code, code##_end - code)
#define vm_paged(self, code)	vm_paged_(self, code, code##_end - code)
#define vm_pae(self, code)	vm_pae_(self, code, code##_end - code)
#define vm_long(self, code)	vm_long_(self, code, code##_end - code)

/* After one of these but vm_real(): CPL 3, on a stack of its own. */
static inline void vm_user(VM *self)
{
	struct minivmx_segment *data[] = {
		&self->sregs.ss, &self->sregs.ds, &self->sregs.es,
		&self->sregs.fs, &self->sregs.gs,
	};
	unsigned int i;

	self->sregs.cs.selector = VM_USER_CODE;
	self->sregs.cs.access |= 3 << 5;
	for (i = 0; i < 5; i++) {
		data[i]->selector = VM_USER_DATA;
		data[i]->access |= 3 << 5;
	}
	self->run->regs.rsp = VM_STACK - 0x4000;
	vm_set_sregs(self);
}

/* ---- Running ---- */

static inline void vm_take_trap(VM *self)
{
	struct vm_trap *trap = &self->trap;
	uint64_t rsp = self->run->regs.rsp;

	memset(trap, 0, sizeof(*trap));
	if (self->bits == 64) {
		uint64_t *stack = vm_at(self, rsp);

		*trap = (struct vm_trap) {
			.vector = stack[0], .error = stack[1], .rip = stack[2],
			.cs = stack[3], .rflags = stack[4], .rsp = stack[5],
			.frame = (void *)&stack[2],
		};
	} else if (self->bits == 32) {
		uint32_t *stack = vm_at(self, rsp);

		*trap = (struct vm_trap) {
			.vector = stack[0], .error = stack[1], .rip = stack[2],
			.cs = stack[3], .rflags = stack[4],
			.frame = (void *)&stack[2],
		};
	} else {
		uint16_t *stack = vm_at(self, 0x20000 + (rsp & 0xffff));

		*trap = (struct vm_trap) {
			.vector = stack[0], .rip = stack[1], .cs = stack[2],
			.rflags = stack[3], .frame = (void *)&stack[1],
		};
	}
}

/*
 * One RUN, repeated while it is only interrupted. Returns MINIVMX_EXIT_*,
 * VM_TRAP or -errno.
 */
static inline int vm_run_action(VM *self, uint32_t action)
{
	int ret;

	self->run->action = action;
	for (;;) {
		ret = minivmx_run(self->vcpu);
		if (ret != -EINTR && (ret || self->run->kind != MINIVMX_EXIT_INTR))
			break;
		self->interrupted++;
		self->run->action = MINIVMX_RETRY;
	}
	if (ret)
		return ret;
	if (self->run->kind == MINIVMX_EXIT_IO && self->run->io.port == VM_EXC_PORT) {
		vm_take_trap(self);
		return VM_TRAP;
	}
	return self->run->kind;
}

/* Run from RIP as it stands in the run page. */
static inline int vm_run(VM *self)
{
	return vm_run_action(self, MINIVMX_RETRY);
}

/* The exit is dealt with: finish the instruction and go on. */
static inline int vm_skip(VM *self)
{
	return vm_run_action(self, MINIVMX_SKIP);
}

/* Go on behind the instruction that faulted, @bytes long. */
static inline int vm_skip_fault(VM *self, unsigned int bytes)
{
	if (self->bits == 64)
		*(uint64_t *)self->trap.frame += bytes;
	else if (self->bits == 32)
		*(uint32_t *)self->trap.frame += bytes;
	else
		*(uint16_t *)self->trap.frame += bytes;
	return vm_skip(self);
}

static inline void vm_end_nmi(VM *self)
{
	vm_long(self, vm_iret);
	vm_run(self);
}

/* ---- Odds and ends ---- */

static inline void vm_event(VM *self, uint8_t type, uint8_t vector)
{
	self->run->event = (struct minivmx_event) {
		.flags = MINIVMX_EVENT_VALID, .type = type, .vector = vector,
	};
}

static inline uint64_t vm_count(VM *self, unsigned int reason)
{
	struct minivmx_exit_stat stats[MINIVMX_NR_EXITS];

	vm_must(!minivmx_get_stats(self->vcpu, 0, stats, MINIVMX_NR_EXITS));
	return stats[reason].count;
}

/* Whether a file of the kernel's took all of @text. */
static inline bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return ok;
}

static inline void pin_to_cpu(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	vm_must(!sched_setaffinity(0, sizeof(set), &set));
}

static inline int nr_cpus(void)
{
	return sysconf(_SC_NPROCESSORS_ONLN);
}

#endif /* SELFTESTS_VM_H */
