// SPDX-License-Identifier: GPL-2.0
/* Machine-check MSRs: see mce.h. */
#include <linux/errno.h>
#include <asm/mce.h>
#include <asm/msr-index.h>

#include "mce.h"

/*
 * IA32_MCG_CAP: so many banks, and there is IA32_MCG_CTL. No interrupt for corrected
 * errors, no extended state, no recovery, no local machine checks: what those would
 * add to the registers is reserved, and their MSRs do not exist.
 */
#define MCG_CAP		(MCE_NR_BANKS | MCG_CTL_P)

/*
 * The manual has the guest set and clear MCIP, and in its table of MSRs lets it write
 * nothing but 0. The first takes in the second.
 */
#define MCG_STATUS_KNOWN (MCG_STATUS_RIPV | MCG_STATUS_EIPV | MCG_STATUS_MCIP)

/* Where it is, or NULL. */
static u64 *find(struct mce_msrs *mce, u32 index)
{
	switch (index) {
	case MSR_IA32_MCG_STATUS:
		return &mce->status;
	case MSR_IA32_MCG_CTL:
		return &mce->ctl;
	/* "Mapping of the Pentium Processor Machine-Check Errors": of one of the banks. */
	case MSR_IA32_P5_MC_ADDR:
		return &mce->bank[MCE_ADDR];
	case MSR_IA32_P5_MC_TYPE:
		return &mce->bank[MCE_STATUS];
	}
	if (index >= MSR_IA32_MC0_CTL &&
	    index < MSR_IA32_MC0_CTL + MCE_NR_BANKS * MCE_NR_REGS)
		return &mce->bank[index - MSR_IA32_MC0_CTL];
	return NULL;
}

int mce_read(struct mce_msrs *mce, u32 index, u64 *value)
{
	const u64 *reg = find(mce, index);

	if (!reg && index != MSR_IA32_MCG_CAP)
		return -ENXIO;
	*value = reg ? *reg : MCG_CAP;
	return 0;
}

/*
 * A bank's control register has a bit for each kind of error, and all 64 are there. In
 * the others an error is found, and cleared; a write of anything else than 0 is a #GP.
 */
static bool bank_valid(unsigned int reg, u64 value, bool by_program)
{
	return reg == MCE_CTL || !value || by_program;
}

int mce_write(struct mce_msrs *mce, u32 index, u64 value, bool by_program)
{
	u64 *reg = find(mce, index);
	bool valid;

	if (!reg)
		return index == MSR_IA32_MCG_CAP ? -EINVAL : -ENXIO;
	if (reg == &mce->status)
		valid = !(value & ~MCG_STATUS_KNOWN);
	else if (reg == &mce->ctl)
		/* All on, or all off: the manual leaves the other values undefined. */
		valid = !value || value == ~0ULL;
	else
		valid = bank_valid((reg - mce->bank) % MCE_NR_REGS, value, by_program);
	if (!valid)
		return -EINVAL;
	*reg = value;
	return 0;
}

bool mce_begin(struct mce_msrs *mce)
{
	if (mce->status & MCG_STATUS_MCIP)
		return false;
	mce->status |= MCG_STATUS_MCIP;
	return true;
}
