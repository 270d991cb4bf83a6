// SPDX-License-Identifier: GPL-2.0
/* Lab 2: the VMCS by hand. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "explain.h"
#include "grader.h"
#include "libminivmx.h"
#include "long.h"

const int lab = 2;

#define SIZE		(8UL << 20)
#define TABLES		0x10000
#define CR0_PE		(1UL << 0)
#define CR0_ET		(1UL << 4)
#define CR0_PG		(1UL << 31)
#define CR4_PAE		(1UL << 5)

static void new_vm(struct vm *vm, struct vcpu *vcpu)
{
	need(!vm_create(vm, SIZE, 0), "vm_create() of lab 1 fails");
	need(!vcpu_create(vcpu, vm, 0), "vcpu_create() of lab 1 fails");
}

/* ---- Fields ---- */

/* Any value may be there, between two entries. */
static const uint32_t free_fields[] = {
	GUEST_SYSENTER_ESP, GUEST_SYSENTER_EIP, GUEST_GDTR_BASE, GUEST_IDTR_BASE, GUEST_FS_BASE,
};

#define NR_FREE	(sizeof(free_fields) / sizeof(free_fields[0]))

static void fields(void)
{
	struct vmcs_value values[NR_FREE + 1];
	struct vmcs_refusal refusal = { 0 };
	struct vcpu vcpu;
	struct vm vm;
	uint64_t value = 0;
	unsigned int i;
	int ret;

	new_vm(&vm, &vcpu);
	for (i = 0; i < NR_FREE; i++)
		values[i] = (struct vmcs_value) { free_fields[i], pick() >> 20 };
	ret = vmcs_write(&vcpu, values, NR_FREE, NULL);
	need(!ret, "vmcs_write() of %zu fields that may be written returned %s", NR_FREE,
	     errno_text(ret));
	for (i = 0; i < NR_FREE; i++) {
		need(field_get(&vcpu, values[i].encoding) == values[i].value,
		     "after vmcs_write() field %#x has %#llx and not %#llx", values[i].encoding,
		     (unsigned long long)field_get(&vcpu, values[i].encoding),
		     (unsigned long long)values[i].value);
		ret = vmcs_read(&vcpu, values[i].encoding, &value);
		need(!ret && value == values[i].value,
		     "vmcs_read() of field %#x returned %s and %#llx; %#llx is there",
		     values[i].encoding, errno_text(ret), (unsigned long long)value,
		     (unsigned long long)values[i].value);
	}
	/* An encoding that the manual does not have, and one of the module's own. */
	ret = vmcs_read(&vcpu, 0x6ffe, &value);
	need(ret == -ENOENT, "vmcs_read() of a field that does not exist returned %s, not -ENOENT",
	     errno_text(ret));
	values[0].value++;
	values[NR_FREE] = values[NR_FREE - 1];
	values[2] = (struct vmcs_value) {
		PIN_BASED_CONTROLS, field_get(&vcpu, PIN_BASED_CONTROLS) & ~1ULL
	};
	ret = vmcs_write(&vcpu, values, NR_FREE + 1, &refusal);
	need(ret == -EPERM, "to clear \"external-interrupt exiting\" was to be -EPERM, not %s",
	     errno_text(ret));
	need(refusal.encoding == PIN_BASED_CONTROLS && refusal.bits == 1,
	     "the refusal is of field %#x (PIN_BASED_CONTROLS) and bits 0x1; it says %#x and %#llx",
	     PIN_BASED_CONTROLS, refusal.encoding, (unsigned long long)refusal.bits);
	need(field_get(&vcpu, values[0].encoding) == values[0].value - 1,
	     "a vmcs_write() that was refused has written a field all the same");
	end_vm(&vm, &vcpu);
}

/* ---- Modes ---- */

/* What a mode shows of itself: registers, and 16 bytes of stack. */
GUEST16(in_real, "mov %cs, %ax; mov %ss, %dx; mov %cr0, %ecx; mov %cr4, %ebp; push %bx; hlt");
/* It would be another instruction in 16-bit code. */
GUEST32(in_protected,
	"mov (%esi), %eax; add $0x12345678, %eax; mov %cs, %edx; shl $16, %edx; mov %ss, %dx;"
	"mov %cr0, %ecx; mov %cr4, %ebp; push %ebx; hlt");
/* REX prefixes, and an address above 4G that wraps in 32-bit code. */
GUEST64(in_long,
	"mov (%rsi), %rax; movabs $0x1122334455667788, %rdi; add %rdi, %rax;"
	"mov %cs, %edx; shl $16, %edx; mov %ss, %dx; mov %cr0, %rcx; mov %cr4, %rbp; push %rbx; hlt");

static void put_code(struct vm *vm, uint64_t gpa, const char *code, const char *code_end)
{
	memcpy(vm->mem + gpa, code, code_end - code);
}

static void expect_registers(struct vcpu *vcpu, uint64_t cr0, uint64_t cr4, uint32_t selectors)
{
	const struct minivmx_regs *regs = &vcpu->run->regs;

	need(regs->rcx == cr0,
	     "the guest reads %#llx from CR0, not %#llx: bits that VMX wants there "
	     "are to be hidden by the read shadow", (unsigned long long)regs->rcx,
	     (unsigned long long)cr0);
	need(regs->rbp == cr4, "the guest reads %#llx from CR4, not %#llx",
	     (unsigned long long)regs->rbp, (unsigned long long)cr4);
	need((uint32_t)regs->rdx == selectors, "CS and SS have the selectors %#x, not %#x",
	     (uint32_t)regs->rdx, selectors);
	need(!(regs->rflags & 0x200), "interrupts are on");
}

static void ran(struct vcpu *vcpu)
{
	need(exits_counted(vcpu, REASON_HLT) > 0,
	     "the kernel counted no exit by HLT: who has executed the guest?");
}

static void check_real(struct vm *vm, struct vcpu *vcpu)
{
	/* Bochs wants a selector whose RPL is 0 here, too. */
	const uint16_t cs = pick_from(0x80, 0xc0) * 4, ip = pick_from(0, 0xfff), mark = pick();
	const uint16_t sp = pick_from(0x800, 0x1000) & ~1;
	int ret = vmcs_set_real(vcpu, cs, ip, sp);

	need(!ret, "vmcs_set_real() returned %s", errno_text(ret));
	put_code(vm, cs * 16 + ip, in_real, in_real_end);
	vcpu->run->regs.rbx = mark;
	vcpu->run->regs.rdx = pick();
	expect_exit(vcpu, MINIVMX_EXIT_HLT, "real mode");
	need((uint16_t)vcpu->run->regs.rax == cs, "CS is %#x in real mode, not %#x",
	     (uint16_t)vcpu->run->regs.rax, cs);
	vcpu->run->regs.rdx &= 0xffff;
	expect_registers(vcpu, CR0_ET, 0, 0);
	need(!memcmp(vm->mem + sp - 2, &mark, 2), "PUSH did not write below SS:SP 0:%#x", sp);
	ran(vcpu);
}

static void check_protected(struct vm *vm, struct vcpu *vcpu)
{
	const uint32_t entry = pick_from(0x20000, 0x600000);
	const uint32_t stack = pick_from(0x620000, 0x700000) & ~3;
	const uint32_t data = pick_from(0x710000, SIZE - 8) & ~3, value = pick(), mark = pick();
	int ret = vmcs_set_protected(vcpu, entry, stack);

	need(!ret, "vmcs_set_protected() returned %s", errno_text(ret));
	put_code(vm, entry, in_protected, in_protected_end);
	memcpy(vm->mem + data, &value, sizeof(value));
	vcpu->run->regs.rsi = data;
	vcpu->run->regs.rbx = mark;
	vcpu->run->action = MINIVMX_RETRY;
	expect_exit(vcpu, MINIVMX_EXIT_HLT, "protected mode");
	need((uint32_t)vcpu->run->regs.rax == value + 0x12345678,
	     "32-bit code computed %#x, not %#x: are the segments flat, and is CS of 32 bits?",
	     (uint32_t)vcpu->run->regs.rax, value + 0x12345678);
	expect_registers(vcpu, CR0_ET | CR0_PE, 0, 0x100018);
	need(!memcmp(vm->mem + stack - 4, &mark, 4), "PUSH did not write below ESP %#x", stack);
	ran(vcpu);
}

static void check_long(struct vm *vm, struct vcpu *vcpu)
{
	const uint64_t entry = pick_from(0x20000, 0x600000);
	const uint64_t stack = pick_from(0x620000, 0x700000) & ~7;
	const uint64_t data = pick_from(0x710000, SIZE - 8) & ~7, value = pick(), mark = pick();
	int ret = vm_identity_tables(vm, TABLES);

	need(!ret, "vm_identity_tables() returned %s", errno_text(ret));
	ret = vmcs_set_long(vcpu, entry, stack, TABLES);
	need(!ret, "vmcs_set_long() returned %s", errno_text(ret));
	put_code(vm, entry, in_long, in_long_end);
	memcpy(vm->mem + data, &value, sizeof(value));
	vcpu->run->regs.rsi = data;
	vcpu->run->regs.rbx = mark;
	vcpu->run->action = MINIVMX_RETRY;
	expect_exit(vcpu, MINIVMX_EXIT_HLT, "64-bit mode");
	need(vcpu->run->regs.rax == value + 0x1122334455667788,
	     "64-bit code computed %#llx, not %#llx", (unsigned long long)vcpu->run->regs.rax,
	     (unsigned long long)(value + 0x1122334455667788));
	expect_registers(vcpu, CR0_PG | CR0_ET | CR0_PE, CR4_PAE, 0x100018);
	need(!memcmp(vm->mem + stack - 8, &mark, 8), "PUSH did not write below RSP %#llx",
	     (unsigned long long)stack);
	ran(vcpu);
}

static void one_mode(void (*check)(struct vm *vm, struct vcpu *vcpu))
{
	struct vcpu vcpu;
	struct vm vm;

	new_vm(&vm, &vcpu);
	check(&vm, &vcpu);
	end_vm(&vm, &vcpu);
}

static void real_mode(void)
{
	one_mode(check_real);
}

static void protected_mode(void)
{
	one_mode(check_protected);
}

static void long_mode(void)
{
	one_mode(check_long);
}

/* What one leaves behind the next has to put right. */
static void all_modes(void)
{
	void (*const modes[])(struct vm *vm, struct vcpu *vcpu) = {
		check_real, check_protected, check_long,
	};
	unsigned int from, to;
	struct vcpu vcpu;
	struct vm vm;

	new_vm(&vm, &vcpu);
	for (from = 0; from < 3; from++)
		for (to = 0; to < 3; to++) {
			modes[from](&vm, &vcpu);
			vcpu.run->action = MINIVMX_RETRY;
			modes[to](&vm, &vcpu);
			vcpu.run->action = MINIVMX_RETRY;
		}
	end_vm(&vm, &vcpu);
}

/* ---- Page tables ---- */

GUEST64(touches, "mov (%rsi), %eax; hlt; mov (%rdi), %eax; hlt");

static void tables(void)
{
	const uint64_t gpa = pick_from(0x10, 0x1f0) << 12;
	const uint64_t data = pick_from(SIZE - 0x1000, SIZE - 4);
	struct vcpu vcpu;
	struct vm vm;
	int ret;

	new_vm(&vm, &vcpu);
	ret = vm_identity_tables(&vm, gpa + 8);
	need(ret == -EINVAL, "vm_identity_tables() at %#llx, which is no page, returned %s",
	     (unsigned long long)gpa + 8, errno_text(ret));
	/* Whatever has been in those pages. */
	memset(vm.mem + gpa, 0xff, 3 * 4096);
	memset(vm.mem + gpa + 3 * 4096, 0x5a, 64);
	ret = vm_identity_tables(&vm, gpa);
	need(!ret, "vm_identity_tables() returned %s", errno_text(ret));
	need(vm.mem[gpa + 3 * 4096] == 0x5a, "it writes behind its three pages");
	put_code(&vm, 0x300000, touches, touches_end);
	ret = vmcs_set_long(&vcpu, 0x300000, 0x400000, gpa);
	need(!ret, "vmcs_set_long() returned %s", errno_text(ret));
	vcpu.run->regs.rsi = data;
	vcpu.run->regs.rdi = SIZE + pick_from(0, 0xfff000);
	vm.mem[data] = 0x77;
	expect_exit(&vcpu, MINIVMX_EXIT_HLT,
		    "a read of the last page of memory by the page tables");
	need((vcpu.run->regs.rax & 0xff) == 0x77, "what is read there is something else");
	/* No IDT: the page fault becomes a triple fault. */
	expect_exit_behind(&vcpu, MINIVMX_EXIT_SHUTDOWN,
			   "a read behind the memory, where nothing is to be mapped");
	end_vm(&vm, &vcpu);
}

/* ---- The verdict ---- */

struct mistake {
	uint32_t encoding;
	uint64_t value;
};

/* Each breaks a rule of VM entry for a guest in 64-bit mode. */
static const struct mistake mistakes[] = {
	{ GUEST_CS_ACCESS, 0xa092 },		/* a data segment */
	{ GUEST_CS_ACCESS, 0xe09b },		/* of 64 and of 32 bits */
	{ GUEST_TR_ACCESS, 0x1008b },		/* unusable */
	{ GUEST_TR_ACCESS, 0x89 },		/* not busy */
	{ GUEST_GDTR_LIMIT, 0x12345 },
	{ GUEST_IDTR_BASE, 0x1000000000000000 },/* not canonical */
	{ GUEST_SYSENTER_EIP, 0x8000000000000000 },
	{ GUEST_RFLAGS, 0 },
	{ GUEST_CR3, 1ULL << 60 },
	{ GUEST_DS_ACCESS, 0xc00c93 },
};

static void check_verdict(struct vcpu *vcpu, const struct mistake *mistake)
{
	const uint64_t before = field_get(vcpu, mistake->encoding);
	struct minivmx_broken_rule rule;
	char text[256] = "?", due[256];
	int ret;

	field_set(vcpu, mistake->encoding, mistake->value);
	need(find_broken_rule(vcpu->fd, vcpu->vm->system, &rule),
	     "the grader itself failed: field %#x breaks nothing", mistake->encoding);
	snprintf(due, sizeof(due), "%s: %s", rule.name, rule.field);
	vcpu->run->action = MINIVMX_RETRY;
	ret = vcpu_run(vcpu);
	need(ret == MINIVMX_EXIT_ENTRY_FAIL,
	     "a VMCS that breaks %s: %s; MINIVMX_EXIT_ENTRY_FAIL was due",
	     due, exit_text(vcpu, ret));
	ret = vmcs_verdict(vcpu, text, sizeof(text));
	need(ret > 0, "of a VMCS that breaks %s vmcs_verdict() returned %s", due, errno_text(ret));
	need(!strcmp(text, due), "vmcs_verdict() says \"%s\", and \"%s\" is broken", text, due);
	field_set(vcpu, mistake->encoding, before);
}

static void verdict(void)
{
	const unsigned int nr = sizeof(mistakes) / sizeof(mistakes[0]), first = pick() % nr;
	char text[256] = "?";
	struct vcpu vcpu;
	unsigned int i;
	struct vm vm;
	int ret;

	new_vm(&vm, &vcpu);
	need(!vm_identity_tables(&vm, TABLES) && !vmcs_set_long(&vcpu, 0x300000, 0x400000, TABLES),
	     "vmcs_set_long() fails");
	put_code(&vm, 0x300000, touches, touches_end);
	/* The host's fields are there from the first entry on. */
	expect_exit(&vcpu, MINIVMX_EXIT_HLT, "a guest in 64-bit mode");
	ret = vmcs_verdict(&vcpu, text, sizeof(text));
	need(ret == 0 && !text[0],
	     "of a VMCS that can be entered vmcs_verdict() said \"%s\" and returned %s",
	     text, errno_text(ret));
	for (i = 0; i < nr; i++)
		check_verdict(&vcpu, &mistakes[(first + i) % nr]);
	vcpu.run->action = MINIVMX_RETRY;
	expect_exit(&vcpu, MINIVMX_EXIT_HLT, "the same VMCS without a mistake");
	end_vm(&vm, &vcpu);
}

const struct item items[] = {
	{ "fields", "fields are read and written, all or none", 2, .grade = fields },
	{ "real", "a guest in real mode", 1, .grade = real_mode },
	{ "protected", "a guest in protected mode", 1, .grade = protected_mode },
	{ "long", "a guest in 64-bit mode", 2, .grade = long_mode },
	{ "all-modes", "each mode after each other", 1, .grade = all_modes },
	{ "tables", "page tables for the memory and for no more", 1, .grade = tables },
	{ "verdict", "an entry that fails is explained", 2, .grade = verdict },
	{ 0 }
};
