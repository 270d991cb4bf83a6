// SPDX-License-Identifier: GPL-2.0
/* "Managing State Using the XSAVE Feature Set", for the guest's registers. */
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/string.h>
#include <asm/cpufeature.h>
#include <asm/fpu/api.h>
#include <asm/fpu/types.h>
#include <asm/fpu/xcr.h>
#include <asm/processor.h>

#include "debugfs.h"
#include "fpu.h"
#include "host.h"
#include "vcpu.h"

/* The first 512 bytes are FXSAVE's, then the XSAVE header. */
#define FXSAVE_SIZE	512
#define MXCSR_OFFSET	24
#define MXCSR_DEFAULT_VALUE 0x1f80
#define FCW_DEFAULT	0x37f

struct fpu_area {
	u16 fcw;
	u8 legacy[MXCSR_OFFSET - 2];
	u32 mxcsr;
	u32 mxcsr_mask;
	u8 registers[FXSAVE_SIZE - 32];
	u64 xstate_bv;
	u64 xcomp_bv;
	u64 reserved[6];
	u8 extended[];
};

static_assert(offsetof(struct fpu_area, mxcsr) == MXCSR_OFFSET);
static_assert(offsetof(struct fpu_area, xstate_bv) == FXSAVE_SIZE);
static_assert(offsetof(struct fpu_area, extended) == FXSAVE_SIZE + 64);

/*
 * What a guest may have: all that the host has, except PKRU, which the
 * kernel switches itself and so is kept from the guest, and what XFD manages
 * (AMX), which would fault in here.
 */
#define FPU_COMPONENTS	(XFEATURE_MASK_FP | XFEATURE_MASK_SSE | XFEATURE_MASK_YMM | \
			 XFEATURE_MASK_AVX512)

static u64 fpu_mask __ro_after_init;
static u32 fpu_bytes __ro_after_init = FXSAVE_SIZE;
static u32 fpu_mxcsr_mask __ro_after_init;

/* Where component @i ends in the standard format (CPUID.0DH, subleaf i). */
static u32 __init component_end(int i)
{
	u32 size, offset, ecx, edx;

	cpuid_count(0xd, i, &size, &offset, &ecx, &edx);
	return offset + size;
}

int __init fpu_init(void)
{
	struct fpu_area *area;
	int i;

	if (boot_cpu_has(X86_FEATURE_OSXSAVE)) {
		fpu_mask = xgetbv(0) & FPU_COMPONENTS;
		fpu_bytes = FXSAVE_SIZE + 64;
		for (i = 2; i < 63; i++)
			if (fpu_mask & BIT_ULL(i))
				fpu_bytes = max(fpu_bytes, component_end(i));
	}

	/* MXCSR_MASK is only told by FXSAVE ("Guidelines for Writing to MXCSR"). */
	area = (void *)get_zeroed_page(GFP_KERNEL);
	if (!area)
		return -ENOMEM;
	kernel_fpu_begin_mask(0);
	asm volatile("fxsaveq %0" : "+m"(*area));
	kernel_fpu_end();
	fpu_mxcsr_mask = area->mxcsr_mask ?: 0xffbf;
	free_page((unsigned long)area);
	return 0;
}

u64 fpu_xcr0_mask(void)
{
	return fpu_mask;
}

u32 fpu_size(void)
{
	return fpu_bytes;
}

int fpu_alloc(struct vcpu *vcpu)
{
	/* XSAVE wants 64-byte alignment, FXSAVE 16. */
	vcpu->fpu = alloc_pages_exact(fpu_bytes, GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!vcpu->fpu)
		return -ENOMEM;
	stat_inc(STAT_PAGES);
	vcpu->fpu->fcw = FCW_DEFAULT;
	vcpu->fpu->mxcsr = MXCSR_DEFAULT_VALUE;
	if (fpu_mask)
		vcpu->fpu->xstate_bv = XFEATURE_MASK_FPSSE;
	vcpu->xcr0 = XFEATURE_MASK_FP;
	return 0;
}

void fpu_free(struct vcpu *vcpu)
{
	if (!vcpu->fpu)
		return;
	free_pages_exact(vcpu->fpu, fpu_bytes);
	stat_dec(STAT_PAGES);
}

void fpu_load_guest(struct vcpu *vcpu)
{
	kernel_fpu_begin_mask(0);
	/* fpu_set() lets no state in that these would fault on. */
	if (fpu_mask)
		asm volatile("xrstor64 %0" : : "m"(*vcpu->fpu),
			     "a"((u32)fpu_mask), "d"((u32)(fpu_mask >> 32))
			     : "memory");
	else
		asm volatile("fxrstorq %0" : : "m"(*vcpu->fpu) : "memory");
}

void fpu_put_guest(struct vcpu *vcpu)
{
	if (fpu_mask)
		asm volatile("xsave64 %0" : "+m"(*vcpu->fpu)
			     : "a"((u32)fpu_mask), "d"((u32)(fpu_mask >> 32))
			     : "memory");
	else
		asm volatile("fxsaveq %0" : "+m"(*vcpu->fpu) : : "memory");
	kernel_fpu_end();
}

void fpu_enter_guest(struct vcpu *vcpu)
{
	xsetbv(XCR_XFEATURE_ENABLED_MASK, vcpu->xcr0);
}

void fpu_exit_guest(struct vcpu *vcpu)
{
	xsetbv(XCR_XFEATURE_ENABLED_MASK, vcpu->host.xcr0);
}

void fpu_get(struct vcpu *vcpu, void *area)
{
	memcpy(area, vcpu->fpu, fpu_bytes);
}

int fpu_set(struct vcpu *vcpu, const void *area)
{
	const struct fpu_area *new = area;

	/* The faults of "Operation of XRSTOR" and FXRSTOR, found beforehand. */
	if (new->mxcsr & ~fpu_mxcsr_mask)
		return -EINVAL;
	if (fpu_mask &&
	    ((new->xstate_bv & ~fpu_mask) || new->xcomp_bv ||
	     memchr_inv(new->reserved, 0, sizeof(new->reserved))))
		return -EINVAL;
	memcpy(vcpu->fpu, area, fpu_bytes);
	return 0;
}
