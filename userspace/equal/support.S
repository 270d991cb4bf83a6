/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the programs that are compared stand on, at EQUAL_SUPPORT: handlers of exceptions,
 * for the three sizes of code, and the ways between the modes.
 *
 * A handler leaves a record in the log and goes on at EQUAL_RESUME, with flat segments,
 * an empty stack and RFLAGS as after reset; the general registers are as they were.
 */
#include "layout.h"

	.section .rodata
	.globl	equal_support, equal_support_end
	.globl	equal_handlers16, equal_handlers32, equal_handlers64
	.globl	equal_flat16, equal_flat32, equal_flat64
equal_support:

#define AT(label)	(label - equal_support + EQUAL_SUPPORT)

/* ---- Handlers ---- */

/* A stub for each vector, of EQUAL_STUB bytes. */
.macro	stubs bits common
	.set	vector, 0
	.rept	EQUAL_VECTORS
	.balign	EQUAL_STUB
	.if	\bits == 16 || !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17)
	push	$0
	.endif
	push	$vector
	jmp	\common
	.set	vector, vector + 1
	.endr
.endm

/*
 * Into the record at %ecx: word n of the stack, of which the first two are %ecx and %eax; then
 * come what the stub pushed and what the CPU did. Words have \size bytes.
 */
.macro	take	n, size, field
	.if	\size == 8
	mov	(8 * (\n))(%rsp), %eax
	.elseif	\size == 4
	mov	(4 * (\n))(%esp), %eax
	.else
	movzwl	8 + 2 * (\n - 2)(%ebp), %eax
	.endif
	mov	%eax, EQUAL_LOG + \field(%ecx)
.endm

/* A record; %eax, %ecx and, in real mode, %ebp, which is set for take, have been pushed. */
.macro	record	size
	mov	EQUAL_FAULTS, %ecx
	incl	EQUAL_FAULTS
	and	$(EQUAL_LOGGED - 1), %ecx
	shl	$5, %ecx
	take	2, \size, 0		/* vector */
	take	3, \size, 4		/* error code */
	take	4, \size, 8		/* RIP */
	take	5, \size, 12		/* CS */
	take	6, \size, 16		/* RFLAGS */
	movl	$0, EQUAL_LOG + 20(%ecx)
	cmpl	$1, EQUAL_LOG(%ecx)
	jne	1f
	.if	\size == 8
	mov	%dr6, %rax
	mov	%eax, EQUAL_LOG + 20(%ecx)
	mov	$0xffff0ff0, %eax
	mov	%rax, %dr6
1:	mov	%cr2, %rax
	mov	%rax, EQUAL_LOG + 24(%ecx)
	.else
	mov	%dr6, %eax
	mov	%eax, EQUAL_LOG + 20(%ecx)
	mov	$0xffff0ff0, %eax
	mov	%eax, %dr6
1:	mov	%cr2, %eax
	mov	%eax, EQUAL_LOG + 24(%ecx)
	movl	$0, EQUAL_LOG + 28(%ecx)
	.endif
.endm

.macro	load_all selector
	mov	$\selector, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %fs
	mov	%eax, %gs
	mov	%eax, %ss
.endm

	.code16
	.balign	EQUAL_STUB
equal_handlers16:
	stubs	16, common16
common16:
	pushl	%eax
	pushl	%ecx
	pushl	%ebp
	movzwl	%sp, %ebp
	add	$4, %ebp
	xor	%ax, %ax
	mov	%ax, %ds
	record	2
	popl	%ebp
	popl	%ecx
	popl	%eax
	pushl	%eax
	xor	%ax, %ax
	mov	%ax, %es
	mov	%ax, %fs
	mov	%ax, %gs
	popl	%eax
	mov	$EQUAL_STACK, %sp
	push	$2
	push	$0
	pushw	EQUAL_RESUME
	iretw

	.code32
	.balign	EQUAL_STUB
equal_handlers32:
	stubs	32, common32
common32:
	push	%eax
	push	%ecx
	mov	$EQUAL_DATA32, %eax
	mov	%eax, %ds
	record	4
	load_all EQUAL_DATA32
	mov	(%esp), %ecx
	mov	4(%esp), %eax
	mov	$EQUAL_STACK, %esp
	push	$2
	push	EQUAL_RESUME_CS
	push	EQUAL_RESUME
	iret

	.code64
	.balign	EQUAL_STUB
equal_handlers64:
	stubs	64, common64
common64:
	push	%rax
	push	%rcx
	mov	$EQUAL_DATA32, %eax
	mov	%eax, %ds
	record	8
	pop	%rcx
	load_all EQUAL_DATA32
	pop	%rax
	mov	$EQUAL_STACK, %rsp
	push	$EQUAL_DATA32
	push	$EQUAL_STACK
	push	$2
	push	EQUAL_RESUME_CS
	push	EQUAL_RESUME
	movl	$0, 4(%rsp)		/* what is behind the address is the segment */
	movl	$0, 12(%rsp)
	iretq

/* ---- Flat segments again: for programs to call ---- */

	.code16
equal_flat16:
	push	%ax
	xor	%ax, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %fs
	mov	%ax, %gs
	mov	%ax, %ss
	pop	%ax
	ret

	.code32
equal_flat32:
	push	%eax
	load_all EQUAL_DATA32
	pop	%eax
	ret

	.code64
equal_flat64:
	push	%rax
	load_all EQUAL_DATA32
	pop	%rax
	ret

/* ---- Between the modes ----
 *
 * leave_X goes from X to flat 32-bit code without paging, and there to (%edx); enter_X
 * from there to X and (%ebx). %eax is lost.
 */

	.balign	4
idt16:	.word	4 * EQUAL_VECTORS - 1
	.long	EQUAL_IVT
	.balign	4
idt32:	.word	8 * EQUAL_VECTORS - 1
	.long	EQUAL_IDT32
	.balign	4
idt64:	.word	16 * EQUAL_VECTORS - 1
	.quad	EQUAL_IDT64

.macro	mode name
	.globl	equal_\name
equal_\name:
.endm

.macro	set_bits cr bits
	mov	%\cr, %eax
	or	$\bits, %eax
	mov	%eax, %\cr
.endm

.macro	clear_bits cr bits
	mov	%\cr, %eax
	and	$~\bits, %eax
	mov	%eax, %\cr
.endm

#define CR0_PE	0x00000001
#define CR0_PG	0x80000000
#define CR4_PSE	0x10
#define CR4_PAE	0x20
#define EFER	0xc0000080
#define EFER_LME_BIT	8

/* Of EFER; %ecx stays. */
.macro	change_lme insn
	push	%ecx
	push	%edx
	mov	$EFER, %ecx
	rdmsr
	\insn	$EFER_LME_BIT, %eax
	wrmsr
	pop	%edx
	pop	%ecx
.endm

	.code16
mode	leave_real
	mov	%cr0, %eax
	or	$CR0_PE, %al
	mov	%eax, %cr0
	ljmpl	$EQUAL_CODE32, $AT(1f)
	.code32
1:	load_all EQUAL_DATA32
	mov	$EQUAL_STACK, %esp
	lidt	AT(idt32)
	movl	$EQUAL_CODE32, EQUAL_RESUME_CS
	jmp	*%edx

mode	enter_real
	lidt	AT(idt16)
	ljmp	$EQUAL_CODE16, $AT(1f)
	.code16
1:	load_all EQUAL_DATA16
	clear_bits cr0, CR0_PE
	ljmp	$0, $AT(1f)
1:	xor	%ax, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %fs
	mov	%ax, %gs
	mov	%ax, %ss
	mov	$EQUAL_STACK, %sp
	jmp	*%bx

	.code32
mode	leave_protected
	jmp	*%edx

mode	enter_protected
	jmp	*%ebx

mode	leave_paged
	clear_bits cr0, CR0_PG
	jmp	*%edx

mode	enter_paged
	mov	$EQUAL_PD32, %eax
	mov	%eax, %cr3
	set_bits cr4, CR4_PSE
	set_bits cr0, CR0_PG
	jmp	*%ebx

mode	leave_pae
	clear_bits cr0, CR0_PG
	clear_bits cr4, CR4_PAE
	jmp	*%edx

mode	enter_pae
	mov	$EQUAL_PAE_PDPT, %eax
	mov	%eax, %cr3
	set_bits cr4, CR4_PAE
	set_bits cr0, CR0_PG
	jmp	*%ebx

/* To 64-bit code, at \then; what a register has there is of no other mode. */
.macro	go_long then
	set_bits cr4, CR4_PAE
	mov	$EQUAL_PML4, %eax
	mov	%eax, %cr3
	change_lme bts
	movl	$0, EQUAL_TSS + 8	/* the upper half of RSP0 */
	set_bits cr0, CR0_PG
	lidt	AT(idt64)
	ljmp	$EQUAL_CODE64, $AT(\then)
.endm

mode	enter_long
	go_long	1f
	.code64
1:	mov	%eax, %eax
	mov	%ecx, %ecx
	mov	%edx, %edx
	mov	%ebx, %ebx
	mov	%ebp, %ebp
	mov	%esi, %esi
	mov	%edi, %edi
	mov	$EQUAL_STACK, %esp
	.irp	reg, r8, r9, r10, r11, r12, r13, r14, r15
	mov	$0x8000000000000000 | EQUAL_DATA, %\reg
	.endr
	movl	$EQUAL_CODE64, EQUAL_RESUME_CS
	jmp	*%rbx

	.code32
mode	enter_compatibility
	go_long	1f
	.code64
1:	mov	$EQUAL_STACK, %esp
	pushq	$EQUAL_CODE32
	pushq	$AT(1f)
	lretq
	.code32
1:	jmp	*%ebx

	.code64
mode	leave_long
	mov	$EQUAL_STACK, %esp
	pushq	$EQUAL_CODE32
	pushq	$AT(equal_leave_compatibility)
	lretq

	.code32
mode	leave_compatibility
	load_all EQUAL_DATA32
	clear_bits cr0, CR0_PG
	change_lme btr
	clear_bits cr4, CR4_PAE
	lidt	AT(idt32)
	movl	$EQUAL_DATA32, EQUAL_TSS + 8	/* SS0 */
	movl	$EQUAL_CODE32, EQUAL_RESUME_CS
	jmp	*%edx
equal_support_end:

	.section .note.GNU-stack, "", @progbits
