/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What executes the guest: minivmx or, to compare with it, KVM. A table of functions for
 * each, and nothing above this knows which of them it has. Exits are described in the words
 * of uapi/minivmx.h.
 *
 * A function that fails returns a negative errno.
 */
#ifndef BACKEND_H
#define BACKEND_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libminivmx.h"
#include "message.h"

struct kvm_run;
struct kvm_vm;

/**
 * struct vm - a virtual machine
 * @backend: what executes it
 * @device: /dev/minivmx or /dev/kvm, or -1
 * @fd: the VM's descriptor, or -1
 * @run_size: bytes of a vCPU's page
 * @borrows: VMX is KVM's, and minivmx uses it, too
 * @kvm: what only KVM's backend knows
 */
struct vm {
	const struct backend *backend;
	int device;
	int fd;
	size_t run_size;
	bool borrows;
	struct kvm_vm *kvm;
};

/**
 * struct vcpu - a virtual CPU
 * @vm: whose
 * @fd: its descriptor
 * @run: the last exit, and what the next run is told. With KVM a picture of what its own
 *	 page says, in which @regs are true only after read_state()
 * @io_data: the bytes of MINIVMX_EXIT_IO, wherever they are
 * @thread: the one that calls run(), which sets it before
 * @failure: why a run ended with MINIVMX_EXIT_VMX, if the page does not say it
 * @kvm_run: KVM's page
 */
struct vcpu {
	struct vm *vm;
	int fd;
	struct minivmx_run *run;
	uint8_t *io_data;
	pthread_t thread;
	struct message failure;
	struct kvm_run *kvm_run;
};

/* A register of the local APIC, by its offset in the page of them, and what is in it. */
struct lapic_value {
	uint16_t offset;
	uint32_t value;
};

/**
 * struct backend - one of them
 * @name: as --backend has it
 * @has_vmcs: its descriptors are minivmx's: VMCS, EPT, routes, records and statistics of exits
 * @open: the device, and a VM on it with local APICs and nothing else; @error says why not
 * @close: all of it, once the vCPUs are
 * @map: memory of this process at @gpa; whole pages
 * @create_vcpu: with its run page; @id is its APIC id. It is as after power-up
 * @close_vcpu: it
 * @set_state: start there
 * @read_state: where it is, also @run->regs
 * @set_msr: one of its MSRs
 * @get_msr: likewise
 * @set_lapic: the registers of its local APIC that firmware sets
 * @run: enter the guest until there is something to do (MINIVMX_RUN). -EINTR: a signal
 * @kick: make it come out of run(), from another thread. If it is not in it, the next one
 *	  may come out at once
 * @waits_for_sipi: no other CPU has started it yet. Not while it is in run()
 * @tsc_offset: what its TSC is ahead of the host's
 * @msi: a message to the local APICs
 * @ioeventfd: writes of two bytes to memory at @address signal @fd, or no longer do
 * @set_routes: the message that each global system interrupt is, from 24 on; all of them
 * @irqfd: @fd signals @gsi, or no longer does
 */
struct backend {
	const char *name;
	bool has_vmcs;

	int (*open)(struct vm *vm, struct minivmx_error *error);
	void (*close)(struct vm *vm);
	int (*map)(struct vm *vm, uint64_t gpa, void *hva, uint64_t size);

	int (*create_vcpu)(struct vm *vm, uint32_t id, struct vcpu *vcpu);
	void (*close_vcpu)(struct vcpu *vcpu);
	int (*set_state)(struct vcpu *vcpu, const struct minivmx_sregs *sregs,
			 const struct minivmx_regs *regs);
	int (*read_state)(struct vcpu *vcpu, struct minivmx_sregs *sregs);
	int (*set_msr)(struct vcpu *vcpu, uint32_t index, uint64_t value);
	int (*get_msr)(struct vcpu *vcpu, uint32_t index, uint64_t *value);
	int (*set_lapic)(struct vcpu *vcpu, const struct lapic_value *values, size_t nr);
	int (*run)(struct vcpu *vcpu);
	void (*kick)(struct vcpu *vcpu);
	bool (*waits_for_sipi)(const struct vcpu *vcpu);
	int (*tsc_offset)(const struct vcpu *vcpu, uint64_t *offset);

	int (*msi)(struct vm *vm, uint64_t address, uint32_t data);
	int (*ioeventfd)(struct vm *vm, uint64_t address, int fd, bool on);
	int (*set_routes)(struct vm *vm, const struct minivmx_gsi_route *routes, unsigned int nr);
	int (*irqfd)(struct vm *vm, unsigned int gsi, int fd, bool on);
};

extern const struct backend backend_minivmx, backend_kvm;

/* That of a name, or NULL. */
const struct backend *backend_find(const char *name);

#endif /* BACKEND_H */
