/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What this CPU's VMX can do, read from the capability MSRs at load
 * (the manual's appendix "VMX Capability Reporting Facility").
 */
#ifndef MINIVMX_CTLS_H
#define MINIVMX_CTLS_H

#include <linux/types.h>

/**
 * struct vmx_ctls - negotiated controls and capabilities, constant after load
 * @revision: VMCS revision identifier
 * @pin: pin-based VM-execution controls
 * @cpu: primary processor-based VM-execution controls
 * @cpu2: secondary processor-based VM-execution controls
 * @exit: VM-exit controls
 * @entry: VM-entry controls
 * @cr4_fixed1: bits that may be 1 in CR4 in VMX operation
 * @ept_2m: EPT maps 2-MByte pages
 * @ept_1g: EPT maps 1-GByte pages
 * @ept_ad: EPT sets accessed and dirty flags
 * @timer_shift: the preemption timer counts the TSC shifted right by this
 * @perf_global: IA32_PERF_GLOBAL_CTRL exists and is switched at entry and exit
 */
struct vmx_ctls {
	u32 revision;
	u32 pin;
	u32 cpu;
	u32 cpu2;
	u32 exit;
	u32 entry;
	u64 cr4_fixed1;
	u8 timer_shift;
	bool ept_2m;
	bool ept_1g;
	bool ept_ad;
	bool perf_global;
};

extern struct vmx_ctls vmx_ctls;

/*
 * Each returns 0, or -EOPNOTSUPP with every missing capability named in the
 * log, or -EACCES if the firmware has VT-x off.
 */
int ctls_init(void);
/* Is this CPU like the one that ctls_init() ran on? Preemption off. */
int ctls_check_cpu(void);

#endif /* MINIVMX_CTLS_H */
