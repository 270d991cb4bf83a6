/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What this CPU's VMX can do, read from the capability MSRs at load
 * (the manual's appendix "VMX Capability Reporting Facility").
 */
#ifndef MINIVMX_CTLS_H
#define MINIVMX_CTLS_H

#include <linux/types.h>

#include "../uapi/minivmx.h"

/* The control words; the negotiated ones first. */
enum ctl_word {
	CTLS_PIN, CTLS_CPU, CTLS_CPU2, CTLS_EXIT, CTLS_ENTRY,
	NR_CTL_WORDS,
	/* All of these is UNUSED. */
	CTLS_CPU3 = NR_CTL_WORDS, CTLS_EXIT2,
};

/**
 * struct vmx_ctls - negotiated controls and capabilities, constant after load
 * @revision: VMCS revision identifier
 * @pin: pin-based VM-execution controls
 * @cpu: primary processor-based VM-execution controls
 * @cpu2: secondary processor-based VM-execution controls
 * @exit: VM-exit controls
 * @entry: VM-entry controls
 * @able: by CTLS_*, the bits that may be 0 as well as 1
 * @cr4_fixed1: bits that may be 1 in CR4 in VMX operation
 * @ept_2m: EPT maps 2-MByte pages
 * @ept_1g: EPT maps 1-GByte pages
 * @ept_ad: EPT sets accessed and dirty flags
 * @ept_x_only: EPT maps pages that can be executed and not read
 * @apic_cpu: primary processor-based controls that guests with a local APIC have
 *	      beside @cpu: the TPR shadow, with which CR8 does not exit
 * @apic_cpu2: secondary ones beside @cpu2; apicv.c knows in which mode
 * @pml: dirty logs are made by page-modification logging; its control is not in
 *	 @cpu2, but set while there is one
 * @timer_shift: the preemption timer counts the TSC shifted right by this
 * @apic_timer: it ends the timers of local APICs
 * @perf_global: IA32_PERF_GLOBAL_CTRL exists and is switched at entry and exit
 */
struct vmx_ctls {
	u32 revision;
	u32 pin;
	u32 cpu;
	u32 cpu2;
	u32 exit;
	u32 entry;
	u32 able[NR_CTL_WORDS];
	u32 apic_cpu;
	u32 apic_cpu2;
	u64 cr4_fixed1;
	u8 timer_shift;
	bool ept_2m;
	bool ept_1g;
	bool ept_ad;
	bool ept_x_only;
	bool pml;
	bool apic_timer;
	bool perf_global;
};

extern struct vmx_ctls vmx_ctls;
/* Where they come from: what the CPU that loaded the module says of itself. */
extern struct minivmx_caps vmx_caps;

/*
 * Each returns 0, or -EOPNOTSUPP with every missing capability named in the
 * log, or -EACCES if the firmware has VT-x off.
 */
int ctls_init(void);
/* Is this CPU like the one that ctls_init() ran on? Preemption off. */
int ctls_check_cpu(void);

/* The bits of a control word that a program may change, if the CPU is able to. */
u32 ctls_free(enum ctl_word word);

#endif /* MINIVMX_CTLS_H */
