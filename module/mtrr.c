// SPDX-License-Identifier: GPL-2.0
/* MTRRs: see mtrr.h. */
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <asm/msr-index.h>
#include <asm/mtrr.h>
#include <asm/processor.h>

#include "mtrr.h"

/* IA32_MTRRCAP: so many variable ranges, fixed ranges, write-combining. */
#define MTRRCAP		(MTRR_NR_VAR | BIT(8) | BIT(10))

/* IA32_MTRR_DEF_TYPE: the type, and the enables of fixed ranges and of all. */
#define DEF_TYPE_KNOWN	(0xffULL | BIT(10) | BIT(11))

/* In the order of the addresses that they are for. */
static const u32 fixed[MTRR_NR_FIXED] = {
	MSR_MTRRfix64K_00000, MSR_MTRRfix16K_80000, MSR_MTRRfix16K_A0000,
	MSR_MTRRfix4K_C0000, MSR_MTRRfix4K_C8000, MSR_MTRRfix4K_D0000, MSR_MTRRfix4K_D8000,
	MSR_MTRRfix4K_E0000, MSR_MTRRfix4K_E8000, MSR_MTRRfix4K_F0000, MSR_MTRRfix4K_F8000,
};

/* "Memory Types That Can Be Encoded in MTRRs". */
static bool type_valid(u8 type)
{
	return type < 7 && type != 2 && type != 3;
}

static bool fixed_valid(u64 value)
{
	int i;

	for (i = 0; i < 64; i += 8)
		if (!type_valid(value >> i))
			return false;
	return true;
}

/* A base with a type in bits 7:0, or a mask with a valid bit 11. */
static bool var_valid(bool mask, u64 value)
{
	u64 reserved = ~GENMASK_ULL(boot_cpu_data.x86_phys_bits - 1, 0) |
		       (mask ? GENMASK_ULL(10, 0) : GENMASK_ULL(11, 8));

	return !(value & reserved) && (mask || type_valid(value));
}

/* Where it is, or NULL. */
static u64 *find(struct mtrrs *mtrrs, u32 index)
{
	size_t i;

	if (index == MSR_MTRRdefType)
		return &mtrrs->def_type;
	if (index >= MTRRphysBase_MSR(0) && index <= MTRRphysMask_MSR(MTRR_NR_VAR - 1))
		return &mtrrs->var[index - MTRRphysBase_MSR(0)];
	for (i = 0; i < ARRAY_SIZE(fixed); i++)
		if (fixed[i] == index)
			return &mtrrs->fixed[i];
	return NULL;
}

int mtrr_read(struct mtrrs *mtrrs, u32 index, u64 *value)
{
	const u64 *reg = find(mtrrs, index);

	if (!reg && index != MSR_MTRRcap)
		return -ENXIO;
	*value = reg ? *reg : MTRRCAP;
	return 0;
}

int mtrr_write(struct mtrrs *mtrrs, u32 index, u64 value)
{
	u64 *reg = find(mtrrs, index);
	bool valid;

	if (!reg)
		return index == MSR_MTRRcap ? -EINVAL : -ENXIO;
	if (index == MSR_MTRRdefType)
		valid = !(value & ~DEF_TYPE_KNOWN) && type_valid(value);
	else if (reg >= mtrrs->var)
		valid = var_valid((reg - mtrrs->var) & 1, value);
	else
		valid = fixed_valid(value);
	if (!valid)
		return -EINVAL;
	*reg = value;
	return 0;
}
