/* SPDX-License-Identifier: GPL-2.0 */
/*
 * libminivmx: /dev/minivmx from C.
 *
 * A thin layer over the ioctls of uapi/minivmx.h, which documents what they do.
 * No function here prints, exits, allocates or keeps state: each returns a
 * value that is not negative, or a negative errno.
 */
#ifndef LIBMINIVMX_H
#define LIBMINIVMX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "minivmx.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Everything declared here is exported from the shared library, all else not. */
#pragma GCC visibility push(default)

#define MINIVMX_DEVICE	"/dev/minivmx"

/**
 * struct minivmx_error - why a call failed, in words
 * @code: the positive errno
 * @text: what is wrong, one line without a newline
 * @hint: what to do about it, one line, or empty
 */
struct minivmx_error {
	int code;
	char text[192];
	char hint[256];
};

/* ---- open.c: getting hold of the device ---- */

/**
 * minivmx_open() - open /dev/minivmx and check that it speaks this interface
 * @error: filled on failure; may be NULL
 *
 * Return: a descriptor, to be closed with close(), or a negative errno.
 */
int minivmx_open(struct minivmx_error *error);

/**
 * minivmx_open_path() - minivmx_open() for a device node elsewhere
 * @path: the node
 * @error: filled on failure; may be NULL
 *
 * Return: as minivmx_open().
 */
int minivmx_open_path(const char *path, struct minivmx_error *error);

/**
 * minivmx_create_vm() - create a VM, and borrow VMX for it if it is KVM's
 * @fd: from minivmx_open()
 * @flags: MINIVMX_VM_APIC or 0
 * @error: filled on failure, with the present owner of VMX if it is taken; may
 *         be NULL
 *
 * To borrow it, a KVM VM is created, which lives as long as the new one.
 * minivmx_info.vmx_owner tells afterwards.
 *
 * Return: a VM descriptor, or a negative errno.
 */
int minivmx_create_vm(int fd, uint32_t flags, struct minivmx_error *error);

/* ---- ioctl.c: one function for each ioctl ---- */

/**
 * minivmx_get_info() - MINIVMX_GET_INFO
 * @fd: from minivmx_open()
 * @info: filled
 *
 * Return: 0 or a negative errno.
 */
int minivmx_get_info(int fd, struct minivmx_info *info);

/**
 * minivmx_get_caps() - MINIVMX_GET_CAPS
 * @fd: from minivmx_open()
 * @caps: filled
 *
 * Return: 0 or a negative errno.
 */
int minivmx_get_caps(int fd, struct minivmx_caps *caps);

/**
 * minivmx_get_mitigations() - MINIVMX_GET_MITIGATIONS
 * @fd: from minivmx_open()
 * @mitigations: filled
 *
 * Return: 0 or a negative errno.
 */
int minivmx_get_mitigations(int fd, struct minivmx_mitigations *mitigations);

/**
 * minivmx_get_supported_cpuid() - MINIVMX_GET_SUPPORTED_CPUID
 * @fd: from minivmx_open()
 * @entries: array to fill
 * @max: rows there are at @entries
 *
 * Return: rows that were filled, or a negative errno (-ENOSPC: @max is too
 * small).
 */
int minivmx_get_supported_cpuid(int fd, struct minivmx_cpuid_entry *entries,
				unsigned int max);

/**
 * minivmx_map() - MINIVMX_MAP_MEMORY with pages of any size
 * @vm: VM descriptor
 * @gpa: first guest-physical address
 * @hva: first byte of the caller's memory
 * @size: bytes
 * @prot: MINIVMX_PROT_*
 *
 * Return: 0 or a negative errno.
 */
int minivmx_map(int vm, uint64_t gpa, void *hva, uint64_t size, uint32_t prot);

/**
 * minivmx_map_memory() - MINIVMX_MAP_MEMORY
 * @vm: VM descriptor
 * @map: the range
 *
 * Return: 0 or a negative errno.
 */
int minivmx_map_memory(int vm, const struct minivmx_map *map);

/**
 * minivmx_unmap() - MINIVMX_UNMAP_MEMORY
 * @vm: VM descriptor
 * @gpa: first address of a range that was mapped
 * @size: its size
 *
 * Return: 0 or a negative errno.
 */
int minivmx_unmap(int vm, uint64_t gpa, uint64_t size);

/**
 * minivmx_protect() - MINIVMX_PROTECT_MEMORY
 * @vm: VM descriptor
 * @gpa: first guest-physical address
 * @size: bytes
 * @prot: MINIVMX_PROT_*, of those that MAP granted, or 0
 *
 * Return: 0 or a negative errno.
 */
int minivmx_protect(int vm, uint64_t gpa, uint64_t size, uint32_t prot);

/**
 * minivmx_walk_ept() - MINIVMX_WALK_EPT
 * @vm: VM descriptor
 * @gpa: guest-physical address to translate
 * @walk: filled
 *
 * Return: 0 or a negative errno.
 */
int minivmx_walk_ept(int vm, uint64_t gpa, struct minivmx_walk *walk);

/**
 * minivmx_harvest() - MINIVMX_HARVEST_PAGES
 * @vm: VM descriptor
 * @harvest: the range, and where its bitmap is to go
 *
 * Return: 0 or a negative errno.
 */
int minivmx_harvest(int vm, const struct minivmx_harvest *harvest);

/**
 * minivmx_dirty_log() - MINIVMX_DIRTY_LOG
 * @vm: VM descriptor
 * @gpa: first address of a range that was mapped
 * @size: its size
 * @flags: MINIVMX_DIRTY_LOG_ON, or 0 for off
 *
 * Return: 0 or a negative errno.
 */
int minivmx_dirty_log(int vm, uint64_t gpa, uint64_t size, uint32_t flags);

/**
 * minivmx_get_dirty_log() - MINIVMX_GET_DIRTY_LOG
 * @vm: VM descriptor
 * @gpa: first address of a range with a log
 * @size: its size
 * @bitmap: filled: a bit a page, in whole 64-bit words
 *
 * Return: 0 or a negative errno.
 */
int minivmx_get_dirty_log(int vm, uint64_t gpa, uint64_t size, void *bitmap);

/**
 * minivmx_create_vcpu() - MINIVMX_CREATE_VCPU
 * @vm: VM descriptor
 * @id: the vCPU's number
 *
 * Return: a vCPU descriptor, or a negative errno.
 */
int minivmx_create_vcpu(int vm, uint32_t id);

/**
 * minivmx_map_run() - map a vCPU's run page
 * @vcpu: vCPU descriptor
 * @size: minivmx_info.run_size
 * @run: set to the page
 *
 * Return: 0 or a negative errno.
 */
int minivmx_map_run(int vcpu, size_t size, struct minivmx_run **run);

/**
 * minivmx_unmap_run() - undo minivmx_map_run()
 * @run: the page
 * @size: the same as there
 *
 * Return: 0 or a negative errno.
 */
int minivmx_unmap_run(struct minivmx_run *run, size_t size);

/**
 * minivmx_run() - MINIVMX_RUN
 * @vcpu: vCPU descriptor; its run page says what to do and then what happened
 *
 * Return: 0 or a negative errno; -EINTR only means that a signal is pending.
 */
int minivmx_run(int vcpu);

/**
 * minivmx_kick() - MINIVMX_KICK, from any thread
 * @vcpu: vCPU descriptor
 *
 * Return: 0 or a negative errno.
 */
int minivmx_kick(int vcpu);

/**
 * minivmx_get_sregs() - MINIVMX_GET_SREGS
 * @vcpu: vCPU descriptor
 * @sregs: filled
 *
 * Return: 0 or a negative errno.
 */
int minivmx_get_sregs(int vcpu, struct minivmx_sregs *sregs);

/**
 * minivmx_set_sregs() - MINIVMX_SET_SREGS
 * @vcpu: vCPU descriptor
 * @sregs: the new state
 *
 * Return: 0 or a negative errno.
 */
int minivmx_set_sregs(int vcpu, const struct minivmx_sregs *sregs);

/**
 * minivmx_get_msrs() - MINIVMX_GET_MSRS
 * @vcpu: vCPU descriptor
 * @msrs: array; each index is read, each data filled
 * @nr: rows at @msrs
 *
 * Return: how many were read before one was refused (@nr if none was), or a
 * negative errno if that was the first.
 */
int minivmx_get_msrs(int vcpu, struct minivmx_msr *msrs, uint32_t nr);

/**
 * minivmx_set_msrs() - MINIVMX_SET_MSRS
 * @vcpu: vCPU descriptor
 * @msrs: array
 * @nr: rows at @msrs
 *
 * Return: as minivmx_get_msrs().
 */
int minivmx_set_msrs(int vcpu, const struct minivmx_msr *msrs, uint32_t nr);

/**
 * minivmx_get_cpuid() - MINIVMX_GET_CPUID
 * @vcpu: vCPU descriptor
 * @entries: array to fill
 * @max: rows there are at @entries
 *
 * Return: as minivmx_get_supported_cpuid().
 */
int minivmx_get_cpuid(int vcpu, struct minivmx_cpuid_entry *entries,
		      unsigned int max);

/**
 * minivmx_set_cpuid() - MINIVMX_SET_CPUID
 * @vcpu: vCPU descriptor
 * @entries: the new answers
 * @nr: rows at @entries
 *
 * Return: 0 or a negative errno.
 */
int minivmx_set_cpuid(int vcpu, const struct minivmx_cpuid_entry *entries,
		      unsigned int nr);

/**
 * minivmx_get_xsave() - MINIVMX_GET_XSAVE
 * @vcpu: vCPU descriptor
 * @area: filled
 * @size: minivmx_info.xsave_size
 *
 * Return: 0 or a negative errno.
 */
int minivmx_get_xsave(int vcpu, void *area, uint32_t size);

/**
 * minivmx_set_xsave() - MINIVMX_SET_XSAVE
 * @vcpu: vCPU descriptor
 * @area: the new state
 * @size: minivmx_info.xsave_size
 *
 * Return: 0 or a negative errno.
 */
int minivmx_set_xsave(int vcpu, const void *area, uint32_t size);

/**
 * minivmx_get_events() - MINIVMX_GET_EVENTS
 * @vcpu: vCPU descriptor
 * @events: filled
 *
 * Return: 0 or a negative errno.
 */
int minivmx_get_events(int vcpu, struct minivmx_events *events);

/**
 * minivmx_set_events() - MINIVMX_SET_EVENTS
 * @vcpu: vCPU descriptor
 * @events: the new state
 *
 * Return: 0 or a negative errno.
 */
int minivmx_set_events(int vcpu, const struct minivmx_events *events);

/**
 * minivmx_get_stats() - MINIVMX_GET_STATS
 * @vcpu: vCPU descriptor
 * @flags: MINIVMX_STATS_* in force from now on
 * @exits: array to fill, indexed by basic exit reason
 * @nr: rows at @exits, at most MINIVMX_NR_EXITS
 *
 * Return: 0 or a negative errno.
 */
int minivmx_get_stats(int vcpu, uint32_t flags, struct minivmx_exit_stat *exits,
		      uint32_t nr);

/**
 * minivmx_get_vmcs() - MINIVMX_GET_VMCS
 * @vcpu: vCPU descriptor
 * @fields: array; each encoding is read, each result and value filled
 * @nr: rows at @fields
 *
 * Return: 0 or a negative errno.
 */
int minivmx_get_vmcs(int vcpu, struct minivmx_vmcs_field *fields, uint32_t nr);

/**
 * minivmx_set_vmcs() - MINIVMX_SET_VMCS
 * @vcpu: vCPU descriptor
 * @fields: array; each result is filled
 * @nr: rows at @fields
 *
 * Return: 0; or a negative errno, and then nothing was written.
 */
int minivmx_set_vmcs(int vcpu, struct minivmx_vmcs_field *fields, uint32_t nr);

/**
 * minivmx_set_route() - MINIVMX_SET_ROUTE
 * @vcpu: vCPU descriptor
 * @reason: basic exit reason
 * @route: MINIVMX_ROUTE_KERNEL or MINIVMX_ROUTE_USER
 *
 * Return: 0 or a negative errno.
 */
int minivmx_set_route(int vcpu, uint32_t reason, uint32_t route);

/**
 * minivmx_set_msr_route() - MINIVMX_SET_MSR_ROUTE
 * @vcpu: vCPU descriptor
 * @route: the range and where it goes
 *
 * Return: 0 or a negative errno.
 */
int minivmx_set_msr_route(int vcpu, const struct minivmx_msr_route *route);

/**
 * minivmx_get_apic() - MINIVMX_GET_APIC
 * @vcpu: vCPU descriptor
 * @apic: filled, but for @apic->regs, which is set to @regs
 * @regs: MINIVMX_APIC_SIZE bytes, filled
 *
 * Return: 0 or a negative errno.
 */
int minivmx_get_apic(int vcpu, struct minivmx_apic *apic, uint32_t *regs);

/**
 * minivmx_set_apic() - MINIVMX_SET_APIC
 * @vcpu: vCPU descriptor
 * @apic: new state, with @apic->regs
 *
 * Return: 0 or a negative errno.
 */
int minivmx_set_apic(int vcpu, const struct minivmx_apic *apic);

/**
 * minivmx_signal_msi() - MINIVMX_SIGNAL_MSI, from any thread
 * @vm: VM descriptor
 * @address: of the message
 * @data: of the message
 *
 * Return: 0 or a negative errno.
 */
int minivmx_signal_msi(int vm, uint64_t address, uint32_t data);

/**
 * minivmx_set_gsi_routes() - MINIVMX_SET_GSI_ROUTES
 * @vm: VM descriptor
 * @routes: all of them
 * @nr: how many
 *
 * Return: 0 or a negative errno.
 */
int minivmx_set_gsi_routes(int vm, const struct minivmx_gsi_route *routes, uint32_t nr);

/**
 * minivmx_irqfd() - MINIVMX_IRQFD
 * @vm: VM descriptor
 * @arg: what is to be done
 *
 * Return: 0 or a negative errno.
 */
int minivmx_irqfd(int vm, const struct minivmx_irqfd *arg);

/**
 * minivmx_ioeventfd() - MINIVMX_IOEVENTFD
 * @vm: VM descriptor
 * @arg: what is to be done
 *
 * Return: 0 or a negative errno.
 */
int minivmx_ioeventfd(int vm, const struct minivmx_ioeventfd *arg);

/**
 * minivmx_set_ring() - MINIVMX_SET_RING
 * @vcpu: vCPU descriptor
 * @nr: records there is to be room for, a power of two; 0: no more records
 *
 * Return: 0 or a negative errno.
 */
int minivmx_set_ring(int vcpu, uint32_t nr);

/**
 * minivmx_map_ring() - map a vCPU's ring, to be undone with munmap()
 * @vcpu: vCPU descriptor
 * @nr: as given to minivmx_set_ring()
 * @ring: set to it
 *
 * Return: 0 or a negative errno.
 */
int minivmx_map_ring(int vcpu, uint32_t nr, const struct minivmx_ring **ring);

/* ---- ring.c: exit records ---- */

/**
 * minivmx_ring_size() - bytes that a ring takes when it is mapped
 * @nr: as given to minivmx_set_ring()
 *
 * Return: the number of bytes.
 */
size_t minivmx_ring_size(uint32_t nr);

/**
 * minivmx_ring_read() - copy one record
 * @ring: from minivmx_map_ring()
 * @number: of the record, 1 to the ring's head
 * @record: filled
 *
 * Return: true; or false if it was overtaken by newer ones and is lost.
 */
bool minivmx_ring_read(const struct minivmx_ring *ring, uint64_t number,
		       struct minivmx_record *record);

/* ---- names.c ---- */

/**
 * minivmx_exit_name() - the name of a basic exit reason
 * @basic: bits 15:0 of the exit reason
 *
 * Return: a name in capitals ("CPUID"), or NULL for a number without one.
 */
const char *minivmx_exit_name(uint32_t basic);

/**
 * minivmx_kind_name() - the name of a MINIVMX_EXIT_* kind
 * @kind: minivmx_run.kind
 *
 * Return: a name in capitals ("IO"), or NULL for a number without one.
 */
const char *minivmx_kind_name(uint32_t kind);

/**
 * minivmx_bug_name() - the name of a bug of CPUs
 * @bug: MINIVMX_BUG_*
 *
 * Return: "mds"; NULL if there is no such bug.
 */
const char *minivmx_bug_name(uint32_t bug);

/**
 * minivmx_errno_name() - the name of an errno
 * @error: an errno, positive or negative
 *
 * Return: a name ("EBUSY"), or NULL for a number that no function here returns.
 */
const char *minivmx_errno_name(int error);

/**
 * minivmx_instruction_error() - what a VM-instruction error number means
 * @number: the VMCS field "VM-instruction error"
 *
 * Return: the manual's meaning in short, or NULL for an unknown number.
 */
const char *minivmx_instruction_error(uint32_t number);

/* ---- state.c: a vCPU's state for the first RUN ---- */

/* The selectors of minivmx_flat_gdt(); the Linux boot protocol asks for these. */
#define MINIVMX_FLAT_CODE	0x10
#define MINIVMX_FLAT_DATA	0x18
#define MINIVMX_FLAT_TSS	0x20
#define MINIVMX_FLAT_GDT_SIZE	6	/* quadwords */

/**
 * minivmx_set_real() - real mode, as after reset but for CS
 * @sregs: filled
 * @regs: cleared, RIP set
 * @cs: selector of CS; its base is 16 times that, all other segments' is 0
 * @ip: offset of the first instruction
 */
void minivmx_set_real(struct minivmx_sregs *sregs, struct minivmx_regs *regs,
		      uint16_t cs, uint16_t ip);

/**
 * minivmx_set_protected() - 32-bit protected mode, flat segments, no paging
 * @sregs: filled; the GDTR is empty, see minivmx_use_gdt()
 * @regs: cleared, RIP set
 * @entry: address of the first instruction
 */
void minivmx_set_protected(struct minivmx_sregs *sregs,
			   struct minivmx_regs *regs, uint32_t entry);

/**
 * minivmx_set_long() - 64-bit mode, flat segments, four-level paging
 * @sregs: filled; the GDTR is empty, see minivmx_use_gdt()
 * @regs: cleared, RIP set
 * @entry: linear address of the first instruction
 * @cr3: guest-physical address of the top page table
 */
void minivmx_set_long(struct minivmx_sregs *sregs, struct minivmx_regs *regs,
		      uint64_t entry, uint64_t cr3);

/**
 * minivmx_flat_gdt() - descriptors that match minivmx_set_protected() or _long()
 * @sregs: as that function left them
 * @gdt: filled
 */
void minivmx_flat_gdt(const struct minivmx_sregs *sregs,
		      uint64_t gdt[MINIVMX_FLAT_GDT_SIZE]);

/**
 * minivmx_use_gdt() - point the GDTR at a table from minivmx_flat_gdt()
 * @sregs: changed
 * @base: linear address of the table
 */
void minivmx_use_gdt(struct minivmx_sregs *sregs, uint64_t base);

/* ---- caps.c: what the capability MSRs say of the controls ---- */

/* The words of controls in a VMCS. */
enum minivmx_word {
	MINIVMX_WORD_PIN,	/* pin-based VM-execution controls */
	MINIVMX_WORD_CPU,	/* primary processor-based ones */
	MINIVMX_WORD_CPU2,	/* secondary */
	MINIVMX_WORD_CPU3,	/* tertiary */
	MINIVMX_WORD_EXIT,	/* primary VM-exit controls */
	MINIVMX_WORD_EXIT2,	/* secondary */
	MINIVMX_WORD_ENTRY,	/* VM-entry controls */
	MINIVMX_NR_WORDS
};

/* What minivmx does with a control. */
enum minivmx_use {
	MINIVMX_USE_NONE,	/* nothing: it is as the CPU wants it */
	MINIVMX_USE_SET,	/* it is 1 */
	MINIVMX_USE_CLEAR,	/* it is 0 */
	MINIVMX_USE_DYNAMIC,	/* it is 1 while a guest needs it */
	MINIVMX_USE_UNFIT,	/* what it wants cannot be: no minivmx on that CPU */
};

/**
 * struct minivmx_control - a control, on a CPU
 * @word: where it is
 * @use: what minivmx does with it there
 * @bit: of @word
 * @allowed_0: 1 if it may be 0 there, or 0
 * @allowed_1: 1 if it may be 1 there, or 0
 * @name: the manual's ("NMI exiting")
 * @why: minivmx does so, a phrase of at most 38 characters
 */
struct minivmx_control {
	enum minivmx_word word;
	enum minivmx_use use;
	uint8_t bit;
	uint8_t allowed_0;
	uint8_t allowed_1;
	const char *name;
	const char *why;
};

/**
 * minivmx_controls() - every control that the manual names, on a CPU
 * @caps: the CPU
 * @controls: filled, ordered by word and bit
 * @max: rows at @controls
 *
 * Return: how many there are, which may be more than @max.
 */
int minivmx_controls(const struct minivmx_caps *caps, struct minivmx_control *controls,
		     unsigned int max);

/**
 * minivmx_vmx_msr_name() - the name of a capability MSR
 * @index: of minivmx_caps.vmx_msrs
 *
 * Return: the manual's name ("IA32_VMX_BASIC"), or NULL.
 */
const char *minivmx_vmx_msr_name(unsigned int index);

/**
 * minivmx_has_vmx_msr() - does a CPU have that capability MSR?
 * @caps: the CPU
 * @index: of minivmx_caps.vmx_msrs
 *
 * Return: 1 or 0, as the other capability MSRs tell.
 */
int minivmx_has_vmx_msr(const struct minivmx_caps *caps, unsigned int index);

/**
 * minivmx_word_msr() - the capability MSR that a word of controls goes by
 * @caps: the CPU
 * @word: which
 *
 * Return: its index in minivmx_caps.vmx_msrs; of two MSRs for a word the one that
 * lets more be 0, if the CPU has it.
 */
unsigned int minivmx_word_msr(const struct minivmx_caps *caps, enum minivmx_word word);

/**
 * minivmx_word_limits() - what may stand in a word of controls
 * @caps: the CPU
 * @word: which
 * @must: set to the bits that must be 1
 * @may: set to the bits that may be 1
 */
void minivmx_word_limits(const struct minivmx_caps *caps, enum minivmx_word word,
			 uint64_t *must, uint64_t *may);

/* ---- verdict.c: would VM entry accept that VMCS? ---- */

/**
 * struct minivmx_vmcs_dump - a VMCS, and the CPU that is to enter with it
 * @fields: fields in any order, as MINIVMX_GET_VMCS fills them; one that the manual
 *	    has but this has not, or with a result that is not 0, is taken for unknown
 * @nr_fields: how many
 * @caps: the CPU
 */
struct minivmx_vmcs_dump {
	const struct minivmx_vmcs_field *fields;
	unsigned int nr_fields;
	struct minivmx_caps caps;
};

/* How an entry ends that breaks a rule. */
enum minivmx_refusal {
	MINIVMX_REFUSED_CONTROLS,	/* VMfailValid with VM-instruction error 7 */
	MINIVMX_REFUSED_HOST,		/* VMfailValid with VM-instruction error 8 */
	MINIVMX_REFUSED_GUEST,		/* VM exit with basic reason 33 */
};

/**
 * struct minivmx_broken_rule - a rule of the manual that a VMCS breaks
 * @name: of the rule
 * @field: name of the field to blame
 * @encoding: of that field
 * @refusal: how the entry ends, if this is the first rule that is broken
 * @value: of that field
 * @wrong: its bits that are wrong, if the rule is about single bits, or 0
 * @legal: what would be legal there, in words
 * @section: title of the manual's section that has the rule
 */
struct minivmx_broken_rule {
	const char *name;
	const char *field;
	uint32_t encoding;
	enum minivmx_refusal refusal;
	uint64_t value;
	uint64_t wrong;
	const char *legal;
	const char *section;
};

/**
 * minivmx_verdict() - find the rules that a VMCS breaks
 * @dump: the VMCS and the CPU
 * @broken: filled, in the order in which the manual has the rules
 * @max: rows at @broken
 * @unjudged: set to the number of rules about fields that are not in @dump
 *
 * Return: how many rules are broken, which may be more than @max. Which rules of
 * the manual are not among those that it knows says entry_checks.def.
 */
int minivmx_verdict(const struct minivmx_vmcs_dump *dump, struct minivmx_broken_rule *broken,
		    unsigned int max, unsigned int *unjudged);

/**
 * minivmx_control_name() - the name of a bit of a control word
 * @encoding: of the field that is the word
 * @bit: 0 to 63
 *
 * Return: the manual's name ("NMI exiting"), or NULL for one without.
 */
const char *minivmx_control_name(uint32_t encoding, unsigned int bit);

/**
 * minivmx_field_encoding() - the encoding of a VMCS field
 * @name: in capitals ("GUEST_CR0")
 * @encoding: set
 *
 * Return: 0, or -ENOENT if no field has that name.
 */
int minivmx_field_encoding(const char *name, uint32_t *encoding);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif /* LIBMINIVMX_H */
