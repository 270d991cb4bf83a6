/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A guest to be debugged: from real mode to 32-bit code with paging to 64-bit code,
 * waiting in each until somebody sets a flag.
 */
	PAGES	= 0x10000	/* page tables, 4 KiB each */
	IDT	= 0x20000
	HIGH	= 0x40000000	/* where linear address 0 is once more, in both */

	.code16
	.globl	_start
_start:	cli
	xor	%ax, %ax
	mov	%ax, %ds
	mov	$0x1234, %bx
real_1:	incw	real_count
real_2:	cpuid
real_3:	out	%al, $0x80
real_4:	cmpb	$0, leave_real
	je	real_1
	lgdtl	gdt_pointer
	mov	%cr0, %eax
	or	$1, %al
	mov	%eax, %cr0
	ljmp	$0x08, $protected

	.code32
protected:
	mov	$0x10, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %ss
	mov	$0x7000, %esp
	/* A page directory with 4-MByte pages: two for the first one. */
	mov	$PAGES, %edi
	movl	$0x83, (%edi)
	movl	$0x83, (HIGH >> 22) * 4(%edi)
	mov	%edi, %cr3
	mov	%cr4, %eax
	or	$0x10, %eax
	mov	%eax, %cr4
	mov	%cr0, %eax
	or	$0x80000000, %eax
	mov	%eax, %cr0
	mov	$0x12345678, %ebx
protected_1:
	incl	protected_count
protected_2:
	cpuid
	mov	$0x12345678, %ebx
protected_3:
	cmpb	$0, leave_protected
	je	protected_1
	mov	%cr0, %eax
	and	$0x7fffffff, %eax
	mov	%eax, %cr0
	/* 4-level paging: 2 MiB at 0 and at HIGH. */
	movl	$PAGES + 0x2003, PAGES + 0x1000
	movl	$PAGES + 0x3003, PAGES + 0x2000
	movl	$PAGES + 0x3003, PAGES + 0x2000 + (HIGH >> 30) * 8
	movl	$0x83, PAGES + 0x3000
	movl	$PAGES + 0x1000, %eax
	mov	%eax, %cr3
	mov	$0x20, %eax
	mov	%eax, %cr4
	mov	$0xc0000080, %ecx
	rdmsr
	or	$0x100, %eax
	wrmsr
	mov	%cr0, %eax
	or	$0x80000000, %eax
	mov	%eax, %cr0
	ljmp	$0x18, $long_mode

	.code64
long_mode:
	/* Gates for INT3 (3) and #UD (6). */
	movl	$0x00180000 + int3_handler, IDT + 3 * 16
	movl	$0x00008e00, IDT + 3 * 16 + 4
	movl	$0x00180000 + ud_handler, IDT + 6 * 16
	movl	$0x00008e00, IDT + 6 * 16 + 4
	lidt	idt_pointer
	movabs	$0x1122334455667788, %r15
wait:	cmpb	$0, leave_wait
	je	wait

	call	work
	call	work
	/* Its own debug registers. */
	mov	$0x1234, %eax
	mov	%rax, %dr0
	mov	%dr0, %rbx
	mov	%rbx, dr0_seen
	/* Its own breakpoint. */
	int3
	call	writer
	/* Ten instructions, for ever: one each of the kinds that exit, or do not. */
step_0:	nop
step_1:	cpuid
step_2:	out	%al, $0x80
step_3:	pushfq
step_4:	pop	%rdi
step_5:	mov	PAGES + HIGH, %rdx
step_6:	mov	%cr0, %rax
step_7:	or	%rdi, flags_seen
step_8:	cmpb	$0, leave_steps
step_9:	je	step_0
undefined:
	ud2
defined:
spin:	cmpb	$0, leave_spin
	je	spin
	mov	$5, %al
	out	%al, $0xf4
1:	jmp	1b

work:	incl	work_count
	ret
writer:	movl	$42, watched
written:
	ret
int3_handler:
	incl	int3_count
	iretq
ud_handler:
	addq	$2, (%rsp)
	iretq

	.balign	8
gdt:	.quad	0
	.quad	0x00cf9b000000ffff	/* 08: 32-bit code */
	.quad	0x00cf93000000ffff	/* 10: data */
	.quad	0x00af9b000000ffff	/* 18: 64-bit code */
gdt_pointer:
	.word	. - gdt - 1
	.long	gdt
idt_pointer:
	.word	7 * 16 - 1
	.quad	IDT
	.balign	8
dr0_seen:	.quad	0
flags_seen:	.quad	0
watched:	.long	0
work_count:	.long	0
int3_count:	.long	0
protected_count: .long	0
real_count:	.word	0
leave_real:	.byte	0
leave_protected: .byte	0
leave_wait:	.byte	0
leave_steps:	.byte	0
leave_spin:	.byte	0
