/* SPDX-License-Identifier: GPL-2.0 */
/* What CPUID says in a guest on KVM: what it says on minivmx, as far as KVM can do it. */
#ifndef KVM_CPUID_H
#define KVM_CPUID_H

#include <stdint.h>

struct kvm_cpuid2;

/*
 * Make the table of a VM; @kvm is /dev/kvm. With /dev/minivmx it is minivmx's without the
 * features that KVM lacks, so that a guest takes the same ways on both; else KVM's, of
 * whose own features only the clock is left. To be freed. 0 or a negative errno.
 */
int kvm_cpuid_make(int kvm, struct kvm_cpuid2 **table);

/* Give it to a vCPU: 0 or a negative errno. */
int kvm_cpuid_set(int vcpu, uint32_t apic_id, const struct kvm_cpuid2 *table);

#endif /* KVM_CPUID_H */
