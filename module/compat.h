/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between kernels. Nothing here asks for a version, since vendors
 * carry changes back: Kbuild looks what the kernel exports to every module and
 * which headers it has, and defines
 *
 *   HAVE_CR4_UPDATE		cr4_set_bits_irqsoff() can be used; else only
 *				KVM can turn VMX on
 *   HAVE_EMERGENCY_VIRT	a slot for turning VMX off in a crash; without
 *				it the kernel does so whenever CR4.VMXE is set
 *   HAVE_CPUID_API		cpuid() and the like have a header of their own
 *
 * A file that reads MSRs or CPUID includes this for them.
 */
#ifndef MINIVMX_COMPAT_H
#define MINIVMX_COMPAT_H

#include <asm/msr.h>
#ifdef HAVE_CPUID_API
#include <asm/cpuid/api.h>
#else
#include <asm/processor.h>
#endif

/* What has been called "quadword" since. */
#ifndef rdmsrl
#define rdmsrl(msr, value)	rdmsrq(msr, value)
#define wrmsrl(msr, value)	wrmsrq(msr, value)
#define rdmsrl_safe(msr, value)	rdmsrq_safe(msr, value)
#endif

#endif /* MINIVMX_COMPAT_H */
