// SPDX-License-Identifier: GPL-2.0
/* Lab 4: sensitive instructions, emulated by the program. */
#include <string.h>

#include "emulate.h"
#include "long.h"

const int lab = 4;

#define HIDDEN	(1UL << 2 | 1UL << 8)	/* CR4.TSD and CR4.PCE */
#define NR_MSRS	8
#define NR_CPUID 4

static struct cpuid_answer answers[NR_CPUID];
static uint64_t msrs[NR_MSRS];
static unsigned int calls;
static uint64_t key;

static uint64_t hypercall(void *arg, uint64_t number, uint64_t a, uint64_t b)
{
	need(arg == &key, "hypercall() got %p and not struct emulation's arg", arg);
	calls++;
	return number * 3 + a * 5 + (b ^ key);
}

static struct emulation emulation;

static void new_guest(struct vm *vm, struct vcpu *vcpu)
{
	unsigned int i;
	int ret;

	key = pick();
	for (i = 0; i < NR_CPUID; i++)
		answers[i] = (struct cpuid_answer) {
			0x40000000 + 0x100 * i, pick(), pick(), pick(), pick()
		};
	answers[0].leaf = 0;
	for (i = 0; i < NR_MSRS; i++)
		msrs[i] = pick();
	emulation = (struct emulation) {
		.cpuid = answers, .nr_cpuid = NR_CPUID,
		.msr_first = 0x4d000000 + pick_from(0, 0xffff) * 0x10, .nr_msrs = NR_MSRS,
		.msrs = msrs, .msr_read_only = 1ULL << pick_from(1, 6),
		.cr4_hidden = HIDDEN, .hypercall = hypercall, .arg = &key,
	};
	new_long(vm, vcpu, 0);
	ret = emulate_start(&emulation, vcpu);
	need(!ret, "emulate_start() returned %s", errno_text(ret));
}

static void expect_halt(struct vcpu *vcpu, const char *where)
{
	int ret = emulate_run(&emulation, vcpu);

	need(ret == MINIVMX_EXIT_HLT,
	     "%s: emulate_run() instead of that: %s; MINIVMX_EXIT_HLT was due",
	     where, exit_text(vcpu, ret));
}

/* The handler of an exception: RIP that was pushed to R14, the error code to R15. */
GUEST64(fault, "pop %r15; mov (%rsp), %r14; add $40, %rsp; hlt");

/* ---- CPUID ---- */

GUEST64(asks, "1: lodsl; cpuid; mov %rax, (%rdi); mov %rbx, 8(%rdi); mov %rcx, 16(%rdi);"
	"mov %rdx, 24(%rdi); add $32, %rdi; dec %r8; jnz 1b; hlt");

static void cpuid(void)
{
	const unsigned int known = pick_from(0, NR_CPUID - 1);
	uint32_t leaves[3];
	uint64_t *seen;
	struct vcpu vcpu;
	struct vm vm;

	new_guest(&vm, &vcpu);
	leaves[0] = answers[known].leaf;
	leaves[1] = 0x80000001;
	leaves[2] = answers[(known + 1) % NR_CPUID].leaf;
	memcpy(vm.mem + LONG_DATA, leaves, sizeof(leaves));
	seen = (uint64_t *)(vm.mem + LONG_DATA + 0x100);
	vcpu.run->regs.rsi = LONG_DATA;
	vcpu.run->regs.rdi = LONG_DATA + 0x100;
	vcpu.run->regs.r8 = 3;
	LONG_CODE_IS(&vcpu, asks);
	expect_halt(&vcpu, "a guest that executes CPUID three times");
	need(seen[0] == answers[known].eax && seen[1] == answers[known].ebx &&
	     seen[2] == answers[known].ecx && seen[3] == answers[known].edx,
	     "CPUID of leaf %#x answered RAX %#llx RBX %#llx RCX %#llx RDX %#llx, not %#x %#x %#x %#x",
	     leaves[0], (unsigned long long)seen[0], (unsigned long long)seen[1],
	     (unsigned long long)seen[2], (unsigned long long)seen[3], answers[known].eax,
	     answers[known].ebx, answers[known].ecx, answers[known].edx);
	need(!seen[4] && !seen[5] && !seen[6] && !seen[7],
	     "CPUID of a leaf that is not in the table answered with other than zeros");
	need((uint32_t)seen[8] == answers[(known + 1) % NR_CPUID].eax,
	     "CPUID of the next leaf is wrong");
	need(exits_counted(&vcpu, REASON_CPUID) == 3,
	     "the kernel counted %llu exits by CPUID, not 3",
	     (unsigned long long)exits_counted(&vcpu, REASON_CPUID));
	end_vm(&vm, &vcpu);
}

/* ---- MSRs ---- */

GUEST64(write_msr, "wrmsr; xor %eax, %eax; xor %edx, %edx; rdmsr; hlt");
GUEST64(read_msr, "rdmsr; hlt");

static void set_msr(struct vcpu *vcpu, uint32_t msr, uint64_t value)
{
	vcpu->run->regs.rcx = msr;
	/* The upper halves do not count. */
	vcpu->run->regs.rax = (uint32_t)value | pick() << 32;
	vcpu->run->regs.rdx = value >> 32 | pick() << 32;
}

static void msr(void)
{
	unsigned int i, other;
	struct vcpu vcpu;
	struct vm vm;

	new_guest(&vm, &vcpu);
	for (i = 0; i < NR_MSRS; i++) {
		uint64_t value = pick();

		if (emulation.msr_read_only >> i & 1)
			continue;
		other = (i + 1) % NR_MSRS;
		set_msr(&vcpu, emulation.msr_first + i, value);
		LONG_CODE_IS(&vcpu, write_msr);
		expect_halt(&vcpu, "WRMSR and RDMSR of an MSR that is the program's");
		need(msrs[i] == value, "WRMSR of %#llx has left %#llx in struct emulation",
		     (unsigned long long)value, (unsigned long long)msrs[i]);
		need(vcpu.run->regs.rax == (uint32_t)value && vcpu.run->regs.rdx == value >> 32,
		     "RDMSR of %#llx has left RAX %#llx and RDX %#llx", (unsigned long long)value,
		     (unsigned long long)vcpu.run->regs.rax,
		     (unsigned long long)vcpu.run->regs.rdx);
		set_msr(&vcpu, emulation.msr_first + other, 0);
		LONG_CODE_IS(&vcpu, read_msr);
		expect_halt(&vcpu, "RDMSR of the next one");
		need((uint32_t)vcpu.run->regs.rax == (uint32_t)msrs[other],
		     "RDMSR of MSR %u is wrong", other);
	}
	end_vm(&vm, &vcpu);
}

static void expect_gp(struct vcpu *vcpu, const char *where)
{
	vcpu->run->regs.r14 = 0;
	vcpu->run->regs.r15 = 1;
	expect_halt(vcpu, where);
	need(vcpu->run->regs.r14, "%s was to be #GP, and the guest has noticed nothing", where);
	need(vcpu->run->regs.r14 == LONG_CODE,
	     "%s: the #GP is at RIP %#llx; it is a fault, and belongs to the instruction at %#x",
	     where,
	     (unsigned long long)vcpu->run->regs.r14, LONG_CODE);
	need(!vcpu->run->regs.r15, "%s: the error code is %#llx, not 0", where,
	     (unsigned long long)vcpu->run->regs.r15);
	vcpu->run->regs.rsp = LONG_STACK;
}

static void gp(void)
{
	unsigned int number;
	uint64_t before;
	struct vcpu vcpu;
	struct vm vm;

	new_guest(&vm, &vcpu);
	long_handler(&vm, 13, fault, fault_end);
	number = __builtin_ctzll(emulation.msr_read_only);
	before = msrs[number];
	set_msr(&vcpu, emulation.msr_first + number, pick());
	LONG_CODE_IS(&vcpu, write_msr);
	expect_gp(&vcpu, "WRMSR of an MSR that is read-only");
	need(msrs[number] == before, "an MSR that is read-only has changed");
	/* Behind the range it is the module's, which has none there. */
	set_msr(&vcpu, emulation.msr_first + NR_MSRS, 0);
	LONG_CODE_IS(&vcpu, read_msr);
	expect_gp(&vcpu, "RDMSR of the MSR behind the range");
	end_vm(&vm, &vcpu);
}

/* ---- CR4 ---- */

GUEST64(cr4_rax, "mov %rax, %cr4; mov %cr4, %rbx; hlt");
GUEST64(cr4_rsi, "mov %rsi, %cr4; mov %cr4, %rbx; hlt");
GUEST64(cr4_r9, "mov %r9, %cr4; mov %cr4, %rbx; hlt");

static void write_cr4(struct vcpu *vcpu, uint64_t value, unsigned int how)
{
	struct minivmx_regs *regs = &vcpu->run->regs;

	regs->rax = pick();
	regs->rsi = pick();
	regs->r9 = pick();
	if (how == 0) {
		regs->rax = value;
		LONG_CODE_IS(vcpu, cr4_rax);
	} else if (how == 1) {
		regs->rsi = value;
		LONG_CODE_IS(vcpu, cr4_rsi);
	} else {
		regs->r9 = value;
		LONG_CODE_IS(vcpu, cr4_r9);
	}
	expect_halt(vcpu, "a guest that executes MOV to CR4");
}

static void cr4(void)
{
	const uint64_t own = 1UL << 3 | 1UL << 7;	/* DE and PGE are the guest's */
	unsigned int i;
	struct vcpu vcpu;
	struct vm vm;

	new_guest(&vm, &vcpu);
	for (i = 0; i < 12; i++) {
		uint64_t value = 1UL << 5 | (pick() & (HIDDEN | own)), real;

		write_cr4(&vcpu, value, i % 3);
		need(vcpu.run->regs.rbx == value, "the guest wrote %#llx to CR4 and reads %#llx",
		     (unsigned long long)value, (unsigned long long)vcpu.run->regs.rbx);
		real = field_get(&vcpu, GUEST_CR4);
		need(!(real & HIDDEN), "the CPU has CR4 %#llx: bits %#lx were to be hidden from it",
		     (unsigned long long)real, HIDDEN);
		need((real & own) == (value & own),
		     "the CPU has CR4 %#llx: of the guest's own bits %#lx it wrote %#llx",
		     (unsigned long long)real, own, (unsigned long long)value);
	}
	need(exits_counted(&vcpu, REASON_CR_ACCESS) > 0,
	     "the kernel counted no exit by an access to a control register");
	end_vm(&vm, &vcpu);
}

/* ---- VMCALL, INVLPG, and what is left ---- */

GUEST64(calls_twice, "vmcall; mov %rax, %rdi; mov %rsi, %rax; vmcall; hlt");

static void vmcall(void)
{
	const uint64_t number = pick(), a = pick(), b = pick(), second = pick();
	struct vcpu vcpu;
	struct vm vm;

	new_guest(&vm, &vcpu);
	vcpu.run->regs.rax = number;
	vcpu.run->regs.rbx = a;
	vcpu.run->regs.rcx = b;
	vcpu.run->regs.rsi = second;
	LONG_CODE_IS(&vcpu, calls_twice);
	expect_halt(&vcpu, "a guest that executes VMCALL twice");
	need(calls == 2, "hypercall() was called %u times for two VMCALLs", calls);
	need(vcpu.run->regs.rdi == number * 3 + a * 5 + (b ^ key) &&
	     vcpu.run->regs.rax == second * 3 + a * 5 + (b ^ key),
	     "what hypercall() returned is not what the guest has in RAX");
	end_vm(&vm, &vcpu);
}

GUEST64(invalidates, "1: invlpg (%rsi); add %rdi, %rsi; loop 1b; out %al, $0x80");

static void invlpg(void)
{
	const uint64_t first = pick_from(0, 0xffff) << 12, step = pick_from(1, 9) << 12;
	const unsigned int count = pick_from(2, 9);
	struct vcpu vcpu;
	struct vm vm;
	int ret;

	new_guest(&vm, &vcpu);
	vcpu.run->regs.rsi = first;
	vcpu.run->regs.rdi = step;
	vcpu.run->regs.rcx = count;
	LONG_CODE_IS(&vcpu, invalidates);
	ret = emulate_run(&emulation, &vcpu);
	/* What is not emulated is the caller's. */
	need(ret == MINIVMX_EXIT_IO,
	     "a guest that executes INVLPG, and OUT then: emulate_run() instead of MINIVMX_EXIT_IO: %s",
	     exit_text(&vcpu, ret));
	need(emulation.invlpgs == count, "INVLPG was executed %u times, and invlpgs is %llu", count,
	     (unsigned long long)emulation.invlpgs);
	need(emulation.invlpg_address == first + (count - 1) * step,
	     "the last INVLPG was of %#llx, and invlpg_address is %#llx",
	     (unsigned long long)(first + (count - 1) * step),
	     (unsigned long long)emulation.invlpg_address);
	need(exits_counted(&vcpu, REASON_INVLPG) == count,
	     "the kernel counted %llu exits by INVLPG, not %u",
	     (unsigned long long)exits_counted(&vcpu, REASON_INVLPG), count);
	end_vm(&vm, &vcpu);
}

const struct item items[] = {
	{ "cpuid", "CPUID answers what the program says", 2, .grade = cpuid },
	{ "msr", "MSRs that are the program's", 2, .grade = msr },
	{ "gp", "a fault where there is one, at the instruction", 1, .grade = gp },
	{ "cr4", "bits of CR4 that the guest has and the CPU has not", 2, .grade = cr4 },
	{ "vmcall", "hypercalls", 1, .grade = vmcall },
	{ "invlpg", "INVLPG is seen, and what is not emulated is the caller's", 2,
	  .grade = invlpg },
	{ 0 }
};
