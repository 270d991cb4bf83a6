/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A small PC: it prints a dot at each tick of its timer, some 18 a second, and what comes
 * by COM1, and when its power button is pressed, of which the SCI tells, it turns itself
 * off. After a byte of 1 it does not listen to that any more, after a 2 it does again.
 */
	TIMER	= 0x20		/* vectors: IRQ 0 */
	SCI	= 0x29		/* and IRQ 9 */

	.code16
	.globl	_start
_start:	cli
	movw	$on_timer, TIMER * 4
	movw	$0, TIMER * 4 + 2
	movw	$on_sci, SCI * 4
	movw	$0, SCI * 4 + 2

	/* Both PICs; only the timer, the second PIC and IRQ 9 are let through. */
	mov	$0x11, %al
	out	%al, $0x20
	out	%al, $0xa0
	mov	$TIMER, %al
	out	%al, $0x21
	mov	$SCI - 1, %al
	out	%al, $0xa1
	mov	$0x04, %al
	out	%al, $0x21
	mov	$0x02, %al
	out	%al, $0xa1
	mov	$0x01, %al
	out	%al, $0x21
	out	%al, $0xa1
	mov	$0xfa, %al
	out	%al, $0x21
	mov	$0xfd, %al
	out	%al, $0xa1

	mov	$0x34, %al
	out	%al, $0x43
	xor	%al, %al
	out	%al, $0x40
	out	%al, $0x40

	mov	$0x0100, %ax
listen:	mov	$0x602, %dx
	out	%ax, %dx

wait:	sti
	hlt
	cli
	cmpb	$0, pressed
	jne	off
	xor	%al, %al
	xchg	%al, ticked
	test	%al, %al
	jz	1f
	mov	$'.', %al
	mov	$0x3f8, %dx
	out	%al, %dx
1:	mov	$0x3fd, %dx
	in	%dx, %al
	test	$1, %al
	jz	wait
	mov	$0x3f8, %dx
	in	%dx, %al
	out	%al, %dx
	cmp	$2, %al
	ja	1b
	/* 1 is none of the enable bits, 2 is the power button's. */
	dec	%al
	mov	%al, %ah
	xor	%al, %al
	jmp	listen

off:	mov	$0x604, %dx
	mov	$0x2000, %ax
	out	%ax, %dx
1:	hlt
	jmp	1b

on_timer:
	push	%ax
	movb	$1, ticked
	mov	$0x20, %al
	out	%al, $0x20
	pop	%ax
	iret

on_sci:	push	%ax
	push	%dx
	mov	$0x600, %dx
	in	%dx, %ax
	test	$0x01, %ah
	jz	1f
	movb	$1, pressed
	mov	$0x0100, %ax
	out	%ax, %dx
1:	mov	$0x20, %al
	out	%al, $0xa0
	out	%al, $0x20
	pop	%dx
	pop	%ax
	iret

ticked:	.byte	0
pressed:
	.byte	0
