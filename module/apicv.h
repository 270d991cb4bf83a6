/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What VMX does for a local APIC, so that a guest exits less often ("APIC
 * Virtualization and Virtual Interrupts"). lapic.regs is the virtual-APIC page, which
 * the CPU reads and writes while the guest runs, and lapic.c at any other time.
 *
 *	TPR shadow			CR8
 *	APIC accesses			the page: TPR, and what the last two have
 *	x2APIC mode			MSRs: likewise
 *	APIC-register virtualization	reads of registers that are plain memory, and writes
 *					to the page, which exit when they are done
 *	virtual-interrupt delivery	IRR, ISR and EOI: the CPU takes interrupts by itself
 *
 * Each is used where the CPU has it, and is trusted with it (ctls.c), unless the module
 * parameter of its name says no; without any, lapic.c and inject.c do the same work in
 * more exits. As for the functions of apic.h, the vCPU's mutex is held and vcpu->apic
 * not NULL.
 *
 * The CPU knows the APIC's page by what the EPT maps there, which is the APIC-access
 * page: one for all vCPUs, as the EPT is, at LAPIC_BASE_DEFAULT. It is mapped on demand,
 * while no vCPU has its APIC anywhere else, or in another mode, and no memory is there:
 * whoever changes that unmaps it.
 */
#ifndef MINIVMX_APICV_H
#define MINIVMX_APICV_H

#include <linux/types.h>

#include "vcpu.h"

/*
 * For any new vCPU: its controls, and, with the VMCS loaded, the fields that they refer
 * to.
 */
void apicv_init(struct vcpu *vcpu);
void apicv_vmcs_init(struct vcpu *vcpu);

/* A pair, for any VM: 0 or -ENOMEM. */
int apicv_vm_init(struct vm *vm);
void apicv_vm_exit(struct vm *vm);

/* After an EPT violation: is it at the APIC-access page, if that is used? */
bool apicv_has_page(struct vcpu *vcpu);
/* After an EPT violation there: true if the APIC-access page is mapped now. May sleep. */
bool apicv_page_map(struct vcpu *vcpu);
/* There may be memory now. May sleep. */
void apicv_page_unmap(struct vm *vm);
/* What REQ_APIC_PAGE asks for. May sleep. */
void apicv_page_follow(struct vcpu *vcpu);

/*
 * IA32_APIC_BASE was written: another mode or place takes other controls, and other
 * MSRs exit.
 */
void apicv_set_mode(struct vcpu *vcpu);
/* While it virtualizes x2APIC mode: does the CPU do that access to a register of it? */
bool apicv_passes_msr(struct vcpu *vcpu, u32 index, bool write);

/* Does the CPU take interrupts out of IRR? Then nobody injects them. */
bool apicv_delivers(struct vcpu *vcpu);
/* Is there an interrupt that has to be injected? Also without an APIC. */
bool apicv_injects(struct vcpu *vcpu);
/* The registers have changed: has the CPU to be told before the next entry? */
bool apicv_is_stale(struct vcpu *vcpu);
/* Tell it. VMCS loaded. */
void apicv_sync(struct vcpu *vcpu);

#endif /* MINIVMX_APICV_H */
