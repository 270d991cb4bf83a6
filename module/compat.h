/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What all kernels must have that minivmx builds for, and what differs between them;
 * kbuild includes it before everything else (see Kbuild). Nothing here asks for a
 * version: vendors carry changes back. Kbuild looks what the kernel has, and defines
 *
 *   HAVE_CR4_UPDATE		cr4_update_irqsoff() is exported to every module;
 *				without it CR4.VMXE is KVM's to set, and VMX can
 *				only be borrowed
 *   HAVE_EMERGENCY_VIRT	so is cpu_emergency_register_virt_callback()
 *   HAVE_CPUID_API		cpuid() and the like have a header of their own
 *   HAVE_VM_FLAGS_CLEAR	vma->vm_flags is changed by functions only
 *   HAVE_EVENTFD_SIGNAL_ONE	eventfd_signal() does so once, without saying so
 *   HAVE_HRTIMER_SETUP		a timer and its function are set in one
 *   HAVE_L1TF_MITIGATION	l1tf_mitigation is exported to every module,
 *   HAVE_CLEAR_BHB_LOOP	and so is clear_bhb_loop(),
 *   HAVE_IRQ_STAT		and irq_stat
 */
#ifndef MINIVMX_COMPAT_H
#define MINIVMX_COMPAT_H

/* Said of the first file that is compiled, before anything else is missed. */
#ifndef CONFIG_X86_64
#error "minivmx needs a 64-bit kernel"
#endif
#ifndef CONFIG_MMU_NOTIFIER
#error "minivmx needs a kernel with CONFIG_MMU_NOTIFIER (KVM selects it)"
#endif

#include <asm/msr.h>
#ifdef HAVE_CPUID_API
#include <asm/cpuid/api.h>
#else
#include <asm/processor.h>
#endif

/* The names before "quadword" became the word for 64 bits. */
#ifndef rdmsrl
#define rdmsrl(msr, value)	rdmsrq(msr, value)
#define wrmsrl(msr, value)	wrmsrq(msr, value)
#define rdmsrl_safe(msr, value)	rdmsrq_safe(msr, value)
#endif

#ifndef HAVE_VM_FLAGS_CLEAR
#define vm_flags_clear(vma, flags)	((vma)->vm_flags &= ~(flags))
#endif

#ifdef HAVE_EVENTFD_SIGNAL_ONE
#define signal_eventfd(ctx)	eventfd_signal(ctx)
#else
#define signal_eventfd(ctx)	eventfd_signal(ctx, 1)
#endif

#ifndef HAVE_HRTIMER_SETUP
#define hrtimer_setup(timer, fn, clock, mode) \
	do { \
		hrtimer_init(timer, clock, mode); \
		(timer)->function = (fn); \
	} while (0)
#endif

#endif /* MINIVMX_COMPAT_H */
