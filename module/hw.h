/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The host's VMX: whose it is (hw.c), and which VMCS is active on which CPU
 * (hw_cpu.c).
 */
#ifndef MINIVMX_HW_H
#define MINIVMX_HW_H

#include <linux/types.h>

struct class;
struct file;
struct vcpu;
struct vmcs_region;

/* How VMX is had while there are VMs. */
enum hw_mode {
	HW_OWN,		/* minivmx executed VMXON */
	HW_BORROW,	/* KVM did, and a KVM VM that we hold keeps it on */
};

/* ---- hw.c: taken with the first VM, given back with the last ---- */

/* At load: 0 if this host can run minivmx, else -errno and the reason logged. */
int hw_init(void);
/* Then look among the devices of @misc for /dev/kvm; later loads are noticed. */
void hw_init_kvm(const struct class *misc);
void hw_exit(void);

/*
 * Take VMX on every CPU, or one more reference to it. -EBUSY if it cannot be
 * had in this mode, and hw_info() tells why; -ENOMEM; -EOPNOTSUPP if a CPU
 * differs from the others (logged); -EINTR if killed during a suspend.
 */
int hw_get(enum hw_mode mode);
void hw_put(void);

/*
 * The file of KVM VM @fd with a reference, or ERR_PTR(): -EBADF if @fd is no
 * descriptor, -EINVAL if it is not a KVM VM's.
 */
struct file *hw_kvm_vm_get(int fd);

/* MINIVMX_VMX_* and MINIVMX_REASON_* for MINIVMX_GET_INFO. */
void hw_info(u32 *owner, u32 *reason);

/*
 * After -EAGAIN: sleep until it is worth another try, through a suspend. -EINTR
 * if the process was killed; -EIO if VMX did not come back: the VM is dead.
 */
int hw_wait(struct vcpu *vcpu);

/* ---- hw_cpu.c: one CPU ---- */

void hw_cpu_init(void);
/*
 * On that CPU: enter VMX operation, or see that KVM has. What is wrong is
 * logged, and remembered for hw_vmcs_load().
 */
int hw_cpu_enter(unsigned int cpu, enum hw_mode mode);
/* Deactivate all VMCSs there, and VMXOFF if it was our VMXON. */
int hw_cpu_leave(unsigned int cpu);
/* The same from an IPI, without freeing anything. */
void hw_cpu_stop(void *unused);
/* In a crash: VMXOFF and nothing else. Any context, NMI included. */
void hw_cpu_emergency(void);

/*
 * With preemption off and interrupts on: make the VMCS active on no other CPU.
 * It has to come before hw_vmcs_load().
 */
void hw_vmcs_claim(struct vcpu *vcpu);

/*
 * A pair, with interrupts off in between: the vCPU's VMCS is current on this
 * CPU. A VMCS of KVM that was current before is so again afterwards, since KVM
 * may VMCLEAR it by an IPI as soon as interrupts are on.
 *
 * @moved says that the VMCS was not active on this CPU before, so its host
 * state is another CPU's. -EAGAIN while this CPU is out of VMX operation (see
 * hw_wait()); -ENODEV if it cannot run guests (the log says why); -EIO if the
 * VMCS cannot be loaded: the VM is dead.
 */
int hw_vmcs_load(struct vcpu *vcpu, bool *moved);
void hw_vmcs_put(void);
/* Make it active nowhere, before its memory is freed. May sleep. */
void hw_vmcs_release(struct vmcs_region *vmcs);

/* The vCPU between load and put on this CPU, or NULL. */
struct vcpu *hw_loaded_vcpu(void);

#endif /* MINIVMX_HW_H */
