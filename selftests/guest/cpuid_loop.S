/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Execute CPUID 1000 times, then halt: 20 bytes, whose exits can be counted.
 */
	.code16
	.globl	_start
_start:
	mov	$1000, %si
1:	xor	%eax, %eax
	cpuid
	dec	%si
	jnz	1b
	cli
2:	hlt
	jmp	2b
	.org	20, 0x90
