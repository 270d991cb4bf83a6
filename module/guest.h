/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guest's memory as the guest addresses it: segments and page tables.
 * For the instructions that are emulated; all may sleep, VMCS not loaded, but
 * guest_peek_code().
 */
#ifndef MINIVMX_GUEST_H
#define MINIVMX_GUEST_H

#include <linux/bits.h>
#include <linux/types.h>

#include "../uapi/minivmx.h"

struct vcpu;

struct guest_segment {
	u64 base;
	u32 limit;
	u32 access;
};

/**
 * struct guest_mode - what addressing depends on, read together
 * @cr0: the CPU's, whatever the guest sees of it
 * @cr3: as it is
 * @cr4: likewise
 * @efer: the guest's view
 * @rflags: as it is
 * @pdpte: the PDPTE registers of PAE paging
 * @seg: by the manual's segment register numbers, INSN_ES ...
 * @cpl: 0 to 3
 * @bits: 16, 32 or 64: default operand and address size of the code
 * @atomic: interrupts are off: what cannot be read at once is GUEST_UNMAPPED
 */
struct guest_mode {
	u64 cr0, cr3, cr4, efer, rflags;
	u64 pdpte[4];
	struct guest_segment seg[6];
	u8 cpl;
	u8 bits;
	bool atomic;
};

/**
 * struct guest_fault - what an access ends with
 * @vector: of the exception: VECTOR_PF, VECTOR_GP or VECTOR_SS
 * @error: its error code
 * @address: CR2 of a page fault
 * @memory: for GUEST_UNMAPPED, what to tell userspace
 */
struct guest_fault {
	u8 vector;
	u32 error;
	u64 address;
	struct minivmx_memory memory;
};

/* An access: what it is for. */
#define GUEST_WRITE	BIT(0)
#define GUEST_FETCH	BIT(1)

enum guest_result {
	GUEST_OK,
	GUEST_FAULT,		/* *fault is to be injected */
	GUEST_UNMAPPED,		/* no memory of the VM there, or no right: fault->memory */
};

/* 0, or -errno of vcpu_load(). */
int guest_mode_read(struct vcpu *vcpu, struct guest_mode *mode);

/* Segment and limit checks: offset to linear address. */
enum guest_result guest_linear(const struct guest_mode *mode, unsigned int seg,
			       u64 offset, unsigned int size, u32 access,
			       u64 *linear, struct guest_fault *fault);

/* A page walk, with the rights check; sets accessed and dirty flags. */
enum guest_result guest_translate(struct vcpu *vcpu, const struct guest_mode *mode,
				  u64 linear, u32 access, u64 *gpa,
				  struct guest_fault *fault);

/* GUEST_UNMAPPED, and why: @err, from gmem.h, of an access to @gpa for @prot. */
enum guest_result guest_unmapped(u64 gpa, u32 prot, int err, struct guest_fault *fault);

/* Copy at a linear address; nothing is written unless all can be. */
enum guest_result guest_copy(struct vcpu *vcpu, const struct guest_mode *mode,
			     u64 linear, void *data, size_t len, u32 access,
			     struct guest_fault *fault);

/* Up to @max bytes of code at RIP; how many could be read. */
size_t guest_fetch(struct vcpu *vcpu, const struct guest_mode *mode, u8 *bytes,
		   size_t max, struct guest_fault *fault);

/* Of segment INSN_*. VMCS loaded. */
u64 guest_segment_base(unsigned int seg);

/*
 * The next bytes of code, with interrupts off and the VMCS loaded. False if that takes
 * more, as it always does near the end of a page. Of @mode @bits is for the caller.
 */
#define GUEST_PEEK	16
bool guest_peek_code(struct vcpu *vcpu, struct guest_mode *mode, u64 words[GUEST_PEEK / 8]);

#endif /* MINIVMX_GUEST_H */
