/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Into the guest and out of it.
 *
 * enum vmx_result vmx_enter(struct guest_regs *regs, bool launched)
 *
 * in:	%rdi	regs
 *	%esi	0 to VMLAUNCH, else VMRESUME
 *	Interrupts are off and the vCPU's VMCS is current. Its host RIP is
 *	vmx_exit_landing.
 * out:	%eax	VMX_OK: a VM exit happened, regs has the guest's registers
 *		VMX_FAIL_INVALID, VMX_FAIL_VALID, VMX_FAULT: the guest was not
 *		entered, regs is as it was
 * RSP, RIP and RFLAGS of the guest are in the VMCS and are not touched here.
 */
#include <linux/linkage.h>
#include <linux/objtool.h>
#include <asm/alternative.h>
#include <asm/asm.h>
#include <asm/msr-index.h>
#include <asm/nospec-branch.h>
#include <asm/segment.h>

#include "features.h"

/* struct guest_regs; RSP's place, 4 * 8, is not used here. */
#define REG_RAX		0 * 8
#define REG_RCX		1 * 8
#define REG_RDX		2 * 8
#define REG_RBX		3 * 8
#define REG_RBP		5 * 8
#define REG_RSI		6 * 8
#define REG_RDI		7 * 8
#define REG_R8		8 * 8
#define REG_R9		9 * 8
#define REG_R10		10 * 8
#define REG_R11		11 * 8
#define REG_R12		12 * 8
#define REG_R13		13 * 8
#define REG_R14		14 * 8
#define REG_R15		15 * 8
#define REG_HOST_RSP	144
#define REG_HOST_SPEC_CTRL 152

/* enum vmx_result */
#define VMX_OK		 0
#define VMX_FAIL_INVALID 1
#define VMX_FAIL_VALID	 2
#define VMX_FAULT	 3

#define VMCS_HOST_RSP	0x6c14

	.text
SYM_FUNC_START(vmx_enter)
	push	%rbp
	push	%r15
	push	%r14
	push	%r13
	push	%r12
	push	%rbx
	push	%rdi		/* found again, at the top, after the exit */

	/* The exit loads RSP from the VMCS: keep that field true. */
	cmp	%rsp, REG_HOST_RSP(%rdi)
	je	1f
	mov	$VMCS_HOST_RSP, %eax
2:	vmwrite	%rsp, %rax
	_ASM_EXTABLE(2b, .Lfault)
	jbe	.Lfail
	mov	%rsp, REG_HOST_RSP(%rdi)
1:
	/* CF goes through the loads below, which change no flag, and VERW, which changes ZF. */
	bt	$0, %esi

	mov	REG_RAX(%rdi), %rax
	mov	REG_RCX(%rdi), %rcx
	mov	REG_RDX(%rdi), %rdx
	mov	REG_RBX(%rdi), %rbx
	mov	REG_RBP(%rdi), %rbp
	mov	REG_RSI(%rdi), %rsi
	mov	REG_R8(%rdi), %r8
	mov	REG_R9(%rdi), %r9
	mov	REG_R10(%rdi), %r10
	mov	REG_R11(%rdi), %r11
	mov	REG_R12(%rdi), %r12
	mov	REG_R13(%rdi), %r13
	mov	REG_R14(%rdi), %r14
	mov	REG_R15(%rdi), %r15
	mov	REG_RDI(%rdi), %rdi

	/* No instruction of the host after this: it would fill the CPU's buffers again. */
	ALTERNATIVE_2 "jmp .Lno_verw", "", FEATURE_VERW, "", X86_FEATURE_CLEAR_CPU_BUF_VM
	verw	.Lverw_selector(%rip)
.Lno_verw:
	jnc	.Llaunch

3:	vmresume
	_ASM_EXTABLE(3b, .Lfault)
	jmp	.Lfail
.Llaunch:
4:	vmlaunch
	_ASM_EXTABLE(4b, .Lfault)
	/* Only a failure gets here, and it sets CF or ZF: always taken. */
	jbe	.Lfail

SYM_INNER_LABEL(vmx_exit_landing, SYM_L_GLOBAL)
	ANNOTATE_NOENDBR	/* an exit is no indirect branch */
	/* RSP is the host's, all other registers are the guest's. */
	xchg	%rdi, (%rsp)
	mov	%rax, REG_RAX(%rdi)
	mov	%rcx, REG_RCX(%rdi)
	mov	%rdx, REG_RDX(%rdi)
	mov	%rbx, REG_RBX(%rdi)
	mov	%rbp, REG_RBP(%rdi)
	mov	%rsi, REG_RSI(%rdi)
	mov	%r8, REG_R8(%rdi)
	mov	%r9, REG_R9(%rdi)
	mov	%r10, REG_R10(%rdi)
	mov	%r11, REG_R11(%rdi)
	mov	%r12, REG_R12(%rdi)
	mov	%r13, REG_R13(%rdi)
	mov	%r14, REG_R14(%rdi)
	mov	%r15, REG_R15(%rdi)
	pop	REG_RDI(%rdi)

	/* Before the first RET or indirect branch, whose target the guest may have trained. */
	FILL_RETURN_BUFFER %rcx, RSB_CLEAR_LOOPS, FEATURE_RSB_FILL, X86_FEATURE_RSB_VMEXIT_LITE

	/* IBRS holds for what was trained before it was written, so write it though it is set. */
	ALTERNATIVE "jmp .Lno_ibrs", "", FEATURE_IBRS
	mov	$MSR_IA32_SPEC_CTRL, %ecx
	mov	REG_HOST_SPEC_CTRL(%rdi), %eax
	mov	REG_HOST_SPEC_CTRL + 4(%rdi), %edx
	wrmsr
.Lno_ibrs:
#ifdef HAVE_CLEAR_BHB_LOOP
	/* RAX and RCX are its own. */
	ALTERNATIVE "", "call clear_bhb_loop", FEATURE_BHB_LOOP
#endif
	mov	$VMX_OK, %eax
.Lout:
	/*
	 * Leave no guest value in a register in which a mispredicted path
	 * could use it; the others are restored or set here.
	 */
	xor	%ecx, %ecx
	xor	%edx, %edx
	xor	%esi, %esi
	xor	%edi, %edi
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	xor	%r10d, %r10d
	xor	%r11d, %r11d
	pop	%rbx
	pop	%r12
	pop	%r13
	pop	%r14
	pop	%r15
	pop	%rbp
	RET

.Lfail:
	/* CF is VMfailInvalid, ZF VMfailValid. */
	mov	$VMX_FAIL_INVALID, %eax
	mov	$VMX_FAIL_VALID, %ecx
	cmovnc	%ecx, %eax
	add	$8, %rsp	/* regs, which stays as it is; flags are spent */
	jmp	.Lout
.Lfault:
	mov	$VMX_FAULT, %eax
	add	$8, %rsp
	jmp	.Lout
SYM_FUNC_END(vmx_enter)

	/* Any selector that can be written to; this form of VERW is the one that clears. */
	.pushsection .rodata
	.align	2
.Lverw_selector:
	.word	__KERNEL_DS
	.popsection

/*
 * What vmread() and vmwrite() of vmcs.h call after a failure: the field is on the stack
 * above the return address. Keeps all registers.
 */
.macro	access_failed name function result
SYM_FUNC_START(\name)
	push	%rax
	push	%rcx
	push	%rdx
	push	%rsi
	push	%rdi
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	mov	10 * 8(%rsp), %rdi
	call	\function
	.if	\result
	movq	$0, 10 * 8(%rsp)
	.endif
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rdi
	pop	%rsi
	pop	%rdx
	pop	%rcx
	pop	%rax
	RET
SYM_FUNC_END(\name)
.endm

access_failed vmread_failed vmcs_read_failed 1
access_failed vmwrite_failed vmcs_write_failed 0
