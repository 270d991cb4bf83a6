/* SPDX-License-Identifier: GPL-2.0 */
/*
 * MTRRs ("Memory Type Range Registers"). They keep what is written and do nothing: a
 * guest's memory is the host's write-back memory, whatever the guest thinks of it, and
 * EPT and PAT alone decide the type in VMX. After reset they are disabled, and firmware,
 * or who stands in for it, sets them.
 */
#ifndef MINIVMX_MTRR_H
#define MINIVMX_MTRR_H

#include <linux/types.h>

#define MTRR_NR_VAR	8	/* variable ranges */
#define MTRR_NR_FIXED	11	/* registers of fixed ranges */

/**
 * struct mtrrs - the MTRRs of a vCPU
 * @def_type: IA32_MTRR_DEF_TYPE
 * @fixed: IA32_MTRR_FIX64K_00000, and so on in the order of their addresses
 * @var: IA32_MTRR_PHYSBASE0, IA32_MTRR_PHYSMASK0, and so on
 */
struct mtrrs {
	u64 def_type;
	u64 fixed[MTRR_NR_FIXED];
	u64 var[2 * MTRR_NR_VAR];
};

/* 0, -ENXIO if that is no MTRR, or -EINVAL for a value that is a #GP. */
int mtrr_read(struct mtrrs *mtrrs, u32 index, u64 *value);
int mtrr_write(struct mtrrs *mtrrs, u32 index, u64 value);

#endif /* MINIVMX_MTRR_H */
