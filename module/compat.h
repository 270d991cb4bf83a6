/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between kernels. Kbuild looks what the kernel exports to every
 * module, and defines
 *
 *   HAVE_CR4_UPDATE		cr4_set_bits_irqsoff() can be used; else only
 *				KVM can turn VMX on
 *   HAVE_EMERGENCY_VIRT	a slot for turning VMX off in a crash; without
 *				it the kernel does so whenever CR4.VMXE is set
 */
#ifndef MINIVMX_COMPAT_H
#define MINIVMX_COMPAT_H

#endif /* MINIVMX_COMPAT_H */
