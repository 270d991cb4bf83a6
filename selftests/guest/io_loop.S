/* SPDX-License-Identifier: GPL-2.0 */
/* Write to a port that no device has, for ever: each time an exit to userspace. */
	.code16
	.globl	_start
_start:	out	%al, $0x99
	jmp	_start
