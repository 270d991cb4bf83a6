/* SPDX-License-Identifier: GPL-2.0 */
/* Run for ever, and never leave the guest of one's own accord. */
	.code16
	.globl	_start
_start:	jmp	_start
