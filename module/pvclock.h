/* SPDX-License-Identifier: GPL-2.0 */
/*
 * KVM's paravirtual clock, which Linux and other guests know: records in the guest's
 * memory say how nanoseconds since the VM was made follow from the TSC, and what time
 * it was then. (Linux: Documentation/virt/kvm/x86/msr.rst, cpuid.rst.)
 *
 * The guest's TSC never stops and has a constant rate, so a record is right for ever,
 * unless the guest moves its TSC; and as all vCPUs reckon from the same host TSC, no
 * two of them ever differ.
 */
#ifndef MINIVMX_PVCLOCK_H
#define MINIVMX_PVCLOCK_H

#include <linux/types.h>

struct vcpu;

/**
 * struct pvclock - the clock of a vCPU
 * @time: MSR_KVM_SYSTEM_TIME_NEW: where its record goes, with bit 0 if it goes anywhere
 * @wall: MSR_KVM_WALL_CLOCK_NEW: the address of the VM's record, 0 for none
 * @tsc_offset: guest minus host TSC
 * @time_due: the record of @time is to be written, by REQ_PVCLOCK
 * @wall_due: that of @wall
 */
struct pvclock {
	u64 time;
	u64 wall;
	u64 tsc_offset;
	bool time_due;
	bool wall_due;
};

/* Is the host's TSC good enough? If not, CPUID does not show it. */
bool pvclock_supported(void);

/* The two MSRs. The write is -EINVAL for #GP; VMCS loaded. */
u64 pvclock_read(const struct vcpu *vcpu, u32 index);
int pvclock_write(struct vcpu *vcpu, u32 index, u64 value);
/* The guest's TSC goes by another offset. VMCS loaded. */
void pvclock_tsc_moved(struct vcpu *vcpu);
/* What REQ_PVCLOCK asks for. May sleep. Where there is no memory it writes none. */
void pvclock_publish(struct vcpu *vcpu);

#endif /* MINIVMX_PVCLOCK_H */
