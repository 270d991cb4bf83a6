/* SPDX-License-Identifier: GPL-2.0 */
/* How each value of host_state.def is read, in this module and in the tests'. */
#ifndef MINIVMX_HOST_STATE_H
#define MINIVMX_HOST_STATE_H

#include <linux/irqflags.h>
#include <linux/preempt.h>
#include <linux/types.h>
#include <asm/debugreg.h>
#include <asm/desc.h>
#include <asm/fpu/xcr.h>
#include <asm/msr.h>
#include <asm/segment.h>
#include <asm/special_insns.h>

static inline u64 host_msr(u32 index)
{
	u32 low, high;

	return rdmsr_safe(index, &low, &high) ? 0 : (u64)high << 32 | low;
}

static inline u64 host_xcr0_live(void)
{
	return __read_cr4() & X86_CR4_OSXSAVE ? xgetbv(XCR_XFEATURE_ENABLED_MASK) : 0;
}

static inline u32 host_pkru(void)
{
	return __read_cr4() & X86_CR4_PKE ? rdpkru() : 0;
}

#define host_debug_register(n) ({ unsigned long value_; get_debugreg(value_, n); value_; })
#define host_selector(segment) ({ u16 value_; savesegment(segment, value_); value_; })

static inline u16 host_task_register(void)
{
	u16 value;

	asm volatile("str %0" : "=r"(value));
	return value;
}

static inline u16 host_local_table(void)
{
	u16 value;

	asm volatile("sldt %0" : "=r"(value));
	return value;
}

static inline struct desc_ptr host_gdt(void)
{
	struct desc_ptr table;

	native_store_gdt(&table);
	return table;
}

static inline struct desc_ptr host_idt(void)
{
	struct desc_ptr table;

	store_idt(&table);
	return table;
}

#endif /* MINIVMX_HOST_STATE_H */
