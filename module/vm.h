/* SPDX-License-Identifier: GPL-2.0 */
/* A virtual machine: its memory and its vCPUs. */
#ifndef MINIVMX_VM_H
#define MINIVMX_VM_H

#include <linux/kref.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>

#include "../uapi/minivmx.h"
#include "ept.h"
#include "irqfd.h"

struct dentry;
struct file;
struct rights;
struct vcpu;

/**
 * struct mem_region - one mapped range, see struct minivmx_map
 * @gpa: first guest-physical address
 * @size: bytes
 * @hva: first address in the process
 * @prot: MINIVMX_PROT_* that MAP granted
 * @max_page: MINIVMX_PAGE_*
 * @rights: where PROTECT made them differ from @prot, NULL if nowhere; changed
 *	    under @mem_sem (write)
 * @new_rights: what a PROTECT under way has made
 * @log: marks of the dirty log, one bit a page, NULL if there is none; changed
 *	 under @mem_sem (write) and @ept_lock, bits at any time
 */
struct mem_region {
	u64 gpa;
	u64 size;
	u64 hva;
	u32 prot;
	u32 max_page;
	struct rights *rights;
	struct rights *new_rights;
	unsigned long *log;
};

/**
 * struct vm - a virtual machine
 * @refs: one for the VM descriptor, one for each vCPU descriptor
 * @mm: the creating process's memory; its ioctls alone are served
 * @kvm_vm: the KVM VM that keeps VMX on, NULL if VMX is ours
 * @dead: set by vm_kill(), never cleared
 * @has_apics: each vCPU has a local APIC; constant
 * @tsc_offset: guest TSC minus host TSC at power-up
 * @stats_dir: its folder in debugfs
 *
 * @doors: see struct doors
 * @vcpu_mutex: creation of vCPUs
 * @vcpus: by id; set once, freed with the VM, so readers need no lock
 *
 * @mem_sem: readers use @regions and sleep; order: before the mmap lock
 * @regions: ordered by @gpa; changed under @mem_sem (write) and @ept_lock
 * @nr_regions: how many
 * @last_region: where the last search for memory ended
 * @last_hole: and where that for none
 * @nr_logs: how many of them have a dirty log; changed under @mem_sem (write)
 *
 * @ept_lock: order: after the mmap lock; never sleep under it
 * @ept: the paging structures
 * @apic_page: the APIC-access page, or NULL: see apicv.h
 * @apics_away: vCPUs that do not use it
 * @mn: calls into gmem.c before the process's mappings change
 * @mn_active: invalidations between start and end
 * @mn_seq: counts ended invalidations
 */
struct vm {
	struct kref refs;
	struct mm_struct *mm;
	struct file *kvm_vm;
	bool dead;
	bool has_apics;
	u64 tsc_offset;
	struct dentry *stats_dir;
	struct doors doors;

	struct mutex vcpu_mutex;
	struct vcpu *vcpus[MINIVMX_MAX_VCPUS];

	struct rw_semaphore mem_sem;
	struct mem_region regions[MINIVMX_MAX_REGIONS];
	unsigned int nr_regions;
	unsigned int last_region, last_hole;
	unsigned int nr_logs;

	spinlock_t ept_lock;
	struct ept ept;
	void *apic_page;
	unsigned int apics_away;
	struct mmu_notifier mn;
	unsigned long mn_active;
	unsigned long mn_seq;
};

/*
 * A new VM of the calling process, with MINIVMX_VM_* @flags and one reference; or
 * ERR_PTR(). It takes over the reference to @kvm_vm, if that is not NULL, also on failure.
 */
struct vm *vm_create(struct file *kvm_vm, u32 flags);
void vm_get(struct vm *vm);
void vm_put(struct vm *vm);

/* End the VM: log @why, make every RUN return, every later ioctl fail (-EIO). */
void vm_kill(struct vm *vm, const char *why);

/* Make each vCPU that is in guest mode leave it; return when all have. */
void vm_kick_all(struct vm *vm);
/* What was removed from the EPT is used by no CPU when this returns. */
void vm_flush_ept(struct vm *vm);

#endif /* MINIVMX_VM_H */
