/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guests that are measured: one program for each operation, in 32-bit protected mode
 * without paging, in flat segments. Each takes PARAM_NR samples, of PARAM_REPEAT times the
 * operation, by its own TSC, and ends at PORT_DONE. %esi has the parameters' address.
 *
 * A loop costs two instructions a round besides.
 */
#include "layout.h"

	.section .rodata
	.globl	compare_guest, compare_guest_end
compare_guest:
	.code32

/*
 * At (%edi): the time now; then what has gone by since. The exchange is a mark that Bochs
 * can stop at (testbed/profile).
 */
.macro	begin_sample
	xchg	%bx, %bx
	rdtsc
	mov	%eax, (%edi)
	mov	%edx, 4(%edi)
.endm

.macro	end_sample
	rdtsc
	sub	(%edi), %eax
	sbb	4(%edi), %edx
	mov	%eax, (%edi)
	mov	%edx, 4(%edi)
	add	$8, %edi
.endm

.macro	done
	out	%al, $PORT_DONE
.endm

/* A program whose operation is all between this and end_program. */
.macro	program name
	.globl	compare_\name
compare_\name:
	mov	PARAM_NEXT(%esi), %edi
	mov	PARAM_NR(%esi), %ebp
	sub	$4, %esp
8:	mov	PARAM_REPEAT(%esi), %eax
	mov	%eax, (%esp)
	begin_sample
9:
.endm

.macro	end_program
	subl	$1, (%esp)
	jnz	9b
	end_sample
	dec	%ebp
	jnz	8b
	done
.endm

program	cpuid
	xor	%eax, %eax
	cpuid
end_program

program	vmcall
	/* A number that neither knows. */
	mov	$0x7fff, %eax
	vmcall
end_program

/* IA32_APIC_BASE */
program	rdmsr
	mov	$0x1b, %ecx
	rdmsr
end_program

/* IA32_TSC_ADJUST, what it is already. */
program	wrmsr
	mov	$0x3b, %ecx
	xor	%eax, %eax
	xor	%edx, %edx
	wrmsr
end_program

/* CR0.NE, to and fro. */
program	cr_write
	mov	%cr0, %eax
	xor	$0x20, %eax
	mov	%eax, %cr0
end_program

program	in
	in	$PORT_MEASURED, %al
end_program

program	out
	out	%al, $PORT_MEASURED
end_program

program	mmio_read
	mov	GUEST_MMIO, %eax
end_program

program	mmio_write
	mov	%eax, GUEST_MMIO
end_program

/* 64 bytes by one instruction. */
program	out_string
	mov	$PORT_MEASURED, %edx
	mov	$64, %ecx
	push	%esi
	rep outsb
	pop	%esi
end_program

program	doorbell
	mov	%ax, GUEST_DOORBELL
end_program

/* The first touch of a page. */
program	fresh_page
	mov	PARAM_FRESH(%esi), %ecx
	mov	%ecx, (%ecx)
	add	PARAM_STEP(%esi), %ecx
	mov	%ecx, PARAM_FRESH(%esi)
end_program

/* No operation: what the loop costs. */
program	nothing
	nop
end_program

/* It ends at once. */
	.globl	compare_end
compare_end:
	done

/* ---- Interrupts ---- */

#define MSR_APIC_BASE	0x1b
#define MSR_DEADLINE	0x6e0
#define X2APIC_EOI	0x80b
#define X2APIC_SVR	0x80f
#define X2APIC_ICR	0x830
#define X2APIC_LVT	0x832

/* x2APIC mode, enabled. */
enable_apic:
	mov	$MSR_APIC_BASE, %ecx
	rdmsr
	or	$0xc00, %eax
	wrmsr
	mov	$X2APIC_SVR, %ecx
	mov	$0x1ff, %eax
	xor	%edx, %edx
	wrmsr
	ret

/* An interrupt came: the sample is the time from PARAM_START until now. */
	.globl	compare_on_interrupt
compare_on_interrupt:
	rdtsc
	sub	PARAM_START(%esi), %eax
	sbb	PARAM_START + 4(%esi), %edx
	mov	%eax, (%edi)
	mov	%edx, 4(%edi)
	add	$8, %edi
	mov	$X2APIC_EOI, %ecx
	xor	%eax, %eax
	xor	%edx, %edx
	wrmsr
	dec	%ebp
	iret

/* Await one, awake; %ebx has what %ebp was. As long as there is another, back to 1. */
.macro	next_interrupt
	sti
2:	cmp	%ebp, %ebx
	je	2b
	cli
	test	%ebp, %ebp
	jnz	1b
.endm

.macro	interrupts name
	.globl	compare_\name
compare_\name:
	call	enable_apic
	mov	PARAM_NEXT(%esi), %edi
	mov	PARAM_NR(%esi), %ebp
.endm

/* Asleep until one comes; what is measured begins elsewhere. */
interrupts sleep
1:	cli
	incl	PARAM_READY(%esi)
	sti
	hlt
	test	%ebp, %ebp
	jnz	1b
	done

/* Awake. */
interrupts spin
1:	mov	%ebp, %ebx
	incl	PARAM_READY(%esi)
	next_interrupt
	done

/* A deadline of the APIC's timer, which the guest awaits awake. */
interrupts timer
	mov	$X2APIC_LVT, %ecx
	mov	$(2 << 17 | VECTOR_TIMER), %eax
	xor	%edx, %edx
	wrmsr
1:	mov	%ebp, %ebx
	rdtsc
	add	PARAM_REPEAT(%esi), %eax
	adc	$0, %edx
	mov	%eax, PARAM_START(%esi)
	mov	%edx, PARAM_START + 4(%esi)
	mov	$MSR_DEADLINE, %ecx
	wrmsr
	next_interrupt
	done

/* From the first CPU to the second, which is awake. */
	.globl	compare_ipi
compare_ipi:
	call	enable_apic
	mov	PARAM_NR(%esi), %ebp
	mov	$X2APIC_ICR, %ecx
	mov	$1, %edx
	mov	$0x4500, %eax		/* INIT */
	wrmsr
	mov	$(0x4600 | GUEST_START >> 12), %eax
	wrmsr
1:	/* Until it waits for the next. */
	pause
	cmp	%ebp, PARAM_READY(%esi)
	jne	1b
	mov	$X2APIC_ICR, %ecx
	rdtsc
	mov	%eax, PARAM_START(%esi)
	mov	%edx, PARAM_START + 4(%esi)
	mov	$1, %edx
	mov	$VECTOR_IPI, %eax
	wrmsr
	dec	%ebp
	jnz	1b
2:	pause
	cmp	%ebp, PARAM_READY(%esi)
	jne	2b
	done

/* Where the second CPU gets from its start below. */
second:
	mov	$0x18, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	$GUEST_STACK2, %esp
	mov	$GUEST_PARAMS, %esi
	lidt	GUEST_IDT - 8
	call	enable_apic
	mov	PARAM_NEXT(%esi), %edi
	mov	PARAM_NR(%esi), %ebp
1:	mov	%ebp, %ebx
	mov	%ebp, PARAM_READY(%esi)
	next_interrupt
	mov	%ebp, PARAM_READY(%esi)
	done
compare_guest_end:

/* At GUEST_START, in real mode. */
	.globl	compare_start, compare_start_end
	.code16
compare_start:
	cli
	xor	%ax, %ax
	mov	%ax, %ds
	lgdtl	GUEST_GDT - 8
	mov	%cr0, %eax
	or	$1, %al
	mov	%eax, %cr0
	ljmpl	$0x10, $(GUEST_CODE + second - compare_guest)
compare_start_end:
	.section .note.GNU-stack, "", @progbits
