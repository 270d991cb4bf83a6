/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Machine-check MSRs ("Machine-Check MSRs"). Nothing in a guest's CPU breaks by itself: a
 * program writes into a bank what the guest is to find there, and injects the exception.
 * What breaks in the real CPU is the host's. The manual leaves the MSRs undefined after
 * power-up, where they are 0 here, and INIT does not change them.
 */
#ifndef MINIVMX_MCE_H
#define MINIVMX_MCE_H

#include <linux/types.h>

#define MCE_NR_BANKS	10	/* the number that guests know from QEMU */

/* A bank's registers, in the order of their numbers. */
enum { MCE_CTL, MCE_STATUS, MCE_ADDR, MCE_MISC, MCE_NR_REGS };

/**
 * struct mce_msrs - the machine-check MSRs of a vCPU
 * @status: IA32_MCG_STATUS
 * @ctl: IA32_MCG_CTL
 * @bank: IA32_MC0_CTL, IA32_MC0_STATUS, and so on
 */
struct mce_msrs {
	u64 status;
	u64 ctl;
	u64 bank[MCE_NR_BANKS * MCE_NR_REGS];
};

/*
 * 0, -ENXIO if that is no machine-check MSR, or -EINVAL for a value that is a #GP. A
 * program may write errors, which a guest may only clear.
 */
int mce_read(struct mce_msrs *mce, u32 index, u64 *value);
int mce_write(struct mce_msrs *mce, u32 index, u64 value, bool by_program);

/* A machine check happens. False if one is in progress already, which is a shutdown. */
bool mce_begin(struct mce_msrs *mce);

#endif /* MINIVMX_MCE_H */
