// SPDX-License-Identifier: GPL-2.0
/* The fields of a new VMCS. All of these run with the VMCS current. */
#include <linux/io.h>
#include <linux/kernel.h>
#include <asm/desc.h>
#include <asm/msr.h>
#include <asm/segment.h>
#include <asm/special_insns.h>
#include <asm/tsc.h>
#include <asm/vmx.h>

#include "apicv.h"
#include "cr.h"
#include "ctls.h"
#include "dirty.h"
#include "vcpu.h"
#include "vmcs.h"

/* In enter.S: where the host continues after an exit. */
void vmx_exit_landing(void);

/*
 * The longest that a guest runs without an exit. Interrupts of the host end its
 * run sooner, on a CPU; but Bochs (2.7) holds them back from a guest that was
 * entered with RFLAGS.IF clear until it changes IF, and without this a guest
 * that spins like that would never let its host run again.
 */
#define WATCHDOG_MS	10

/* In the timer's units. A program may make it shorter, and not longer. */
u32 vmcs_watchdog(void)
{
	return (u64)tsc_khz * WATCHDOG_MS >> vmx_ctls.timer_shift;
}

#define PAT_AFTER_RESET		0x0007040600070406ULL

struct segment_reset {
	enum vmcs_enc selector, base, limit, access;
	u16 reset_selector;
	u64 reset_base;
	u32 reset_access;
};

/* "Processor State After Reset"; access rights in the VMCS format. */
#define SEGMENT(name, sel, base, access)				\
	{ VMCS_GUEST_##name##_SELECTOR, VMCS_GUEST_##name##_BASE,	\
	  VMCS_GUEST_##name##_LIMIT, VMCS_GUEST_##name##_ACCESS, sel, base, access }

static const struct segment_reset segment_resets[] = {
	SEGMENT(ES, 0, 0, 0x93),
	SEGMENT(CS, 0xf000, 0xffff0000, 0x9b),
	SEGMENT(SS, 0, 0, 0x93),
	SEGMENT(DS, 0, 0, 0x93),
	SEGMENT(FS, 0, 0, 0x93),
	SEGMENT(GS, 0, 0, 0x93),
	SEGMENT(LDTR, 0, 0, 0x82),
	SEGMENT(TR, 0, 0, 0x8b),
};

void vmcs_init_guest(struct vcpu *vcpu)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(segment_resets); i++) {
		const struct segment_reset *s = &segment_resets[i];

		vmwrite(s->selector, s->reset_selector);
		vmwrite(s->base, s->reset_base);
		vmwrite(s->limit, 0xffff);
		vmwrite(s->access, s->reset_access);
	}
	vmwrite(VMCS_GUEST_GDTR_BASE, 0);
	vmwrite(VMCS_GUEST_GDTR_LIMIT, 0xffff);
	vmwrite(VMCS_GUEST_IDTR_BASE, 0);
	vmwrite(VMCS_GUEST_IDTR_LIMIT, 0xffff);

	cr_reset(vcpu);
	vmwrite(VMCS_GUEST_DR7, vcpu->dr7);
	vmwrite(VMCS_GUEST_RSP, 0);
	vmwrite(VMCS_GUEST_RIP, vcpu->regs.r.rip);
	vmwrite(VMCS_GUEST_RFLAGS, vcpu->regs.r.rflags);
	vmwrite(VMCS_GUEST_IA32_PAT, PAT_AFTER_RESET);
	vmwrite(VMCS_GUEST_IA32_DEBUGCTL, 0);
	vmwrite(VMCS_GUEST_SYSENTER_CS, 0);
	vmwrite(VMCS_GUEST_SYSENTER_ESP, 0);
	vmwrite(VMCS_GUEST_SYSENTER_EIP, 0);
	vmwrite(VMCS_GUEST_ACTIVITY, GUEST_ACTIVITY_ACTIVE);
	vmwrite(VMCS_GUEST_INTERRUPTIBILITY, 0);
	vmwrite(VMCS_GUEST_PENDING_DEBUG, 0);
	/* No shadow VMCS: all ones, "VMCS Link Pointer". */
	vmwrite(VMCS_VMCS_LINK_POINTER, ~0ULL);
	if (vmx_ctls.perf_global)
		vmwrite(VMCS_GUEST_IA32_PERF_GLOBAL_CTRL, 0);
}

void vmcs_set_timer(struct vcpu *vcpu, u64 ticks)
{
	vcpu->dirty &= ~DIRTY_TIMER;	/* what was to be written is older */
	vmwrite(VMCS_PREEMPTION_TIMER_VALUE,
		min_t(u64, (ticks >> vmx_ctls.timer_shift) + 1, vcpu->timer_limit));
}

static void init_controls(struct vcpu *vcpu)
{
	vmwrite(VMCS_PIN_BASED_CONTROLS, vmx_ctls.pin);
	vmwrite(VMCS_CPU_BASED_CONTROLS, vcpu->cpu_ctls);
	vmwrite(VMCS_SECONDARY_CONTROLS, vcpu->cpu2_ctls);
	vmwrite(VMCS_VM_EXIT_CONTROLS, vmx_ctls.exit);
	vmwrite(VMCS_VM_ENTRY_CONTROLS, vcpu->entry_ctls);

	vmwrite(VMCS_EXCEPTION_BITMAP, EXCEPTIONS_EXITING);
	vmwrite(VMCS_PAGE_FAULT_ERROR_MASK, 0);
	vmwrite(VMCS_PAGE_FAULT_ERROR_MATCH, 0);
	vmwrite(VMCS_CR3_TARGET_COUNT, 0);
	vmwrite(VMCS_VM_EXIT_MSR_STORE_COUNT, 0);
	vmwrite(VMCS_VM_EXIT_MSR_LOAD_COUNT, 0);
	vmwrite(VMCS_VM_ENTRY_MSR_LOAD_COUNT, 0);
	vmwrite(VMCS_VM_ENTRY_INTR_INFO, 0);

	vmwrite(VMCS_MSR_BITMAP, virt_to_phys(vcpu->msr_bitmap));
	vmwrite(VMCS_EPT_POINTER, vcpu->vm->ept.eptp);
	pml_vmcs_init(vcpu);
	apicv_vmcs_init(vcpu);
	vmwrite(VMCS_VPID, vcpu->vpid);
	vmwrite(VMCS_TSC_OFFSET, vcpu->vm->tsc_offset);
	if (vmx_ctls.pin & PIN_BASED_VMX_PREEMPTION_TIMER)
		vmcs_set_timer(vcpu, S64_MAX);
	/* Every ENCLS leaf exits, if the CPU has SGX at all. */
	if (vmx_ctls.cpu2 & SECONDARY_EXEC_ENCLS_EXITING)
		vmwrite(VMCS_ENCLS_EXIT_BITMAP, ~0ULL);
}

/* What is the same on every CPU and for the whole life of the VMCS. */
static void init_host(struct vcpu *vcpu)
{
	u64 value;

	vmwrite(VMCS_HOST_CS_SELECTOR, __KERNEL_CS);
	vmwrite(VMCS_HOST_SS_SELECTOR, __KERNEL_DS);
	/* Null: the user's selectors have RPL 3, which an entry refuses. */
	vmwrite(VMCS_HOST_DS_SELECTOR, 0);
	vmwrite(VMCS_HOST_ES_SELECTOR, 0);
	vmwrite(VMCS_HOST_FS_SELECTOR, 0);
	vmwrite(VMCS_HOST_GS_SELECTOR, 0);
	vmwrite(VMCS_HOST_TR_SELECTOR, GDT_ENTRY_TSS * 8);
	vmwrite(VMCS_HOST_CR0, read_cr0());
	rdmsrl(MSR_EFER, value);
	vmwrite(VMCS_HOST_IA32_EFER, value);
	rdmsrl(MSR_IA32_CR_PAT, value);
	vmwrite(VMCS_HOST_IA32_PAT, value);
	vmwrite(VMCS_HOST_RIP, (unsigned long)vmx_exit_landing);
	if (vmx_ctls.perf_global)
		vmwrite(VMCS_HOST_IA32_PERF_GLOBAL_CTRL, 0);
	/* The rest is written when it is first found to differ from this. */
	vmwrite(VMCS_HOST_FS_BASE, 0);
}

void vmcs_init(struct vcpu *vcpu)
{
	init_controls(vcpu);
	init_host(vcpu);
	vmcs_init_guest(vcpu);
}

/* The base of the TSS, from its descriptor in this CPU's GDT. */
static u64 tss_base(const struct desc_ptr *gdt)
{
	const struct ldttss_desc *d = (void *)(gdt->address + GDT_ENTRY_TSS * 8);

	return d->base0 | (u64)d->base1 << 16 | (u64)d->base2 << 24 |
	       (u64)d->base3 << 32;
}

void vmcs_init_host_cpu(void)
{
	struct desc_ptr gdt, idt;
	u64 value;

	native_store_gdt(&gdt);
	store_idt(&idt);
	vmwrite(VMCS_HOST_GDTR_BASE, gdt.address);
	vmwrite(VMCS_HOST_IDTR_BASE, idt.address);
	vmwrite(VMCS_HOST_TR_BASE, tss_base(&gdt));
	rdmsrl(MSR_GS_BASE, value);
	vmwrite(VMCS_HOST_GS_BASE, value);
	rdmsrl(MSR_IA32_SYSENTER_CS, value);
	vmwrite(VMCS_HOST_SYSENTER_CS, value);
	rdmsrl(MSR_IA32_SYSENTER_ESP, value);
	vmwrite(VMCS_HOST_SYSENTER_ESP, value);
	rdmsrl(MSR_IA32_SYSENTER_EIP, value);
	vmwrite(VMCS_HOST_SYSENTER_EIP, value);
}
