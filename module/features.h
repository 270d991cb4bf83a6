/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's features and bugs of CPUs that not every kernel knows, for C and assembly
 * (mitigate.c, enter.S): a name that is missing becomes NO_FEATURE, which no CPU has.
 */
#ifndef MINIVMX_FEATURES_H
#define MINIVMX_FEATURES_H

#include <asm/cpufeatures.h>

#define NO_FEATURE	0xffff

/* Newer kernels have a bit for entries to guests alone. */
#ifndef X86_FEATURE_CLEAR_CPU_BUF_VM
#define X86_FEATURE_CLEAR_CPU_BUF_VM		X86_FEATURE_CLEAR_CPU_BUF
#endif

#ifndef X86_FEATURE_CLEAR_BHB_LOOP_ON_VMEXIT
#ifdef X86_FEATURE_CLEAR_BHB_VMEXIT
#define X86_FEATURE_CLEAR_BHB_LOOP_ON_VMEXIT	X86_FEATURE_CLEAR_BHB_VMEXIT
#else
#define X86_FEATURE_CLEAR_BHB_LOOP_ON_VMEXIT	NO_FEATURE
#endif
#endif

#ifndef X86_FEATURE_CLEAR_BHB_HW
#define X86_FEATURE_CLEAR_BHB_HW		NO_FEATURE
#endif
#ifndef X86_FEATURE_IBPB_EXIT_TO_USER
#define X86_FEATURE_IBPB_EXIT_TO_USER		NO_FEATURE
#endif
#ifndef X86_BUG_RFDS
#define X86_BUG_RFDS				NO_FEATURE
#endif
#ifndef X86_BUG_BHI
#define X86_BUG_BHI				NO_FEATURE
#endif
#ifndef X86_BUG_VMSCAPE
#define X86_BUG_VMSCAPE				NO_FEATURE
#endif

/* In enter.S; a test builds a module that takes every step (selftests/host/mitigations_test.sh). */
#ifdef MITIGATE_ALL
#define FEATURE_VERW		X86_FEATURE_ALWAYS
#define FEATURE_RSB_FILL	X86_FEATURE_ALWAYS
#define FEATURE_IBRS		X86_FEATURE_ALWAYS
#define FEATURE_BHB_LOOP	X86_FEATURE_ALWAYS
#else
#define FEATURE_VERW		X86_FEATURE_CLEAR_CPU_BUF
#define FEATURE_RSB_FILL	X86_FEATURE_RSB_VMEXIT
#define FEATURE_IBRS		X86_FEATURE_KERNEL_IBRS
#define FEATURE_BHB_LOOP	X86_FEATURE_CLEAR_BHB_LOOP_ON_VMEXIT
#endif

#endif /* MINIVMX_FEATURES_H */
