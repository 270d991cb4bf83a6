/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who has the CPUs' VMX: taken when the first VM is created, given back with
 * the last.
 */
#ifndef MINIVMX_HW_H
#define MINIVMX_HW_H

#include <linux/types.h>

struct vcpu;
struct vmcs;

/* At load: 0 if this host can run minivmx, else -errno and the reason logged. */
int hw_init(void);
void hw_exit(void);

/* Take VMX on every CPU, or one more reference to it. -EBUSY if it is taken. */
int hw_get(void);
void hw_put(void);

/* MINIVMX_VMX_* for MINIVMX_GET_INFO. */
u32 hw_owner(void);

/*
 * vcpu_load() and vcpu_put() in pairs: between them preemption is off and the
 * vCPU's VMCS is current on this CPU. Load fails with -EAGAIN while this CPU
 * is leaving VMX operation (it is going offline); @moved says that the VMCS
 * was not active on this CPU before, so its host state is another CPU's.
 */
int hw_vmcs_load(struct vcpu *vcpu, bool *moved);
void hw_vmcs_put(void);
/* Make it active nowhere, before its memory is freed. */
void hw_vmcs_release(struct vmcs *vmcs);

/* The vCPU between load and put on this CPU, or NULL. */
struct vcpu *hw_loaded_vcpu(void);

#endif /* MINIVMX_HW_H */
