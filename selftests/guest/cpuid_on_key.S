/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Wait for a key at COM1, execute CPUID 1000 times, then halt: exits that can be
 * counted from before the first of them on.
 */
	.code16
	.globl	_start
_start:
	mov	$0x3fd, %dx
1:	pause
	in	%dx, %al
	test	$1, %al
	jz	1b
	mov	$1000, %si
2:	xor	%eax, %eax
	cpuid
	dec	%si
	jnz	2b
	cli
3:	hlt
	jmp	3b
