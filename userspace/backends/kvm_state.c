// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <linux/kvm.h>
#include <stddef.h>
#include <sys/ioctl.h>

#include "array.h"
#include "kvm_state.h"

/* Where a register is in both. */
#define PLACE(type, ours, kvms)	\
	{ offsetof(struct minivmx_##type, ours), offsetof(struct kvm_##type, kvms) }
#define SAME(type, name)	PLACE(type, name, name)

struct place {
	size_t ours;
	size_t kvms;
};

static const struct place general[] = {
	SAME(regs, rax), SAME(regs, rcx), SAME(regs, rdx), SAME(regs, rbx),
	SAME(regs, rsp), SAME(regs, rbp), SAME(regs, rsi), SAME(regs, rdi),
	SAME(regs, r8), SAME(regs, r9), SAME(regs, r10), SAME(regs, r11),
	SAME(regs, r12), SAME(regs, r13), SAME(regs, r14), SAME(regs, r15),
	SAME(regs, rip), SAME(regs, rflags),
};

static const struct place segments[] = {
	SAME(sregs, es), SAME(sregs, cs), SAME(sregs, ss), SAME(sregs, ds),
	SAME(sregs, fs), SAME(sregs, gs), PLACE(sregs, ldtr, ldt), SAME(sregs, tr),
};

static const struct place tables[] = { PLACE(sregs, gdtr, gdt), PLACE(sregs, idtr, idt) };

static const struct place controls[] = {
	SAME(sregs, cr0), SAME(sregs, cr2), SAME(sregs, cr3), SAME(sregs, cr4),
	SAME(sregs, cr8), SAME(sregs, efer),
};

#define OURS(base, place, type)	((type *)((char *)(base) + (place)->ours))
#define KVMS(base, place, type)	((type *)((char *)(base) + (place)->kvms))

/* "Access rights" in the VMCS: bits 3:0 type, 4 S, 6:5 DPL, 7 P, 12 AVL, 13 L, 14 D/B, 15 G. */
static void segment_to_kvm(const struct minivmx_segment *from, struct kvm_segment *to)
{
	const uint32_t access = from->access;

	*to = (struct kvm_segment) {
		.base = from->base,
		.limit = from->limit,
		.selector = from->selector,
		.type = access & 15,
		.s = access >> 4 & 1,
		.dpl = access >> 5 & 3,
		.present = access >> 7 & 1,
		.avl = access >> 12 & 1,
		.l = access >> 13 & 1,
		.db = access >> 14 & 1,
		.g = access >> 15 & 1,
		.unusable = access >> 16 & 1,
	};
}

static void segment_from_kvm(const struct kvm_segment *from, struct minivmx_segment *to)
{
	*to = (struct minivmx_segment) {
		.base = from->base,
		.limit = from->limit,
		.selector = from->selector,
		.access = (uint32_t)from->type | (uint32_t)from->s << 4 |
			  (uint32_t)from->dpl << 5 | (uint32_t)from->present << 7 |
			  (uint32_t)from->avl << 12 | (uint32_t)from->l << 13 |
			  (uint32_t)from->db << 14 | (uint32_t)from->g << 15 |
			  (uint32_t)from->unusable << 16,
	};
}

int kvm_state_set(int vcpu, const struct minivmx_sregs *sregs, const struct minivmx_regs *regs)
{
	struct kvm_sregs kvm_sregs;
	struct kvm_regs kvm_regs;
	size_t i;

	/* It has more than we know, which stays. */
	if (ioctl(vcpu, KVM_GET_SREGS, &kvm_sregs))
		return -errno;
	for (i = 0; i < ARRAY_SIZE(segments); i++)
		segment_to_kvm(OURS(sregs, &segments[i], const struct minivmx_segment),
			       KVMS(&kvm_sregs, &segments[i], struct kvm_segment));
	for (i = 0; i < ARRAY_SIZE(tables); i++) {
		const struct minivmx_table *from = OURS(sregs, &tables[i],
							const struct minivmx_table);
		struct kvm_dtable *to = KVMS(&kvm_sregs, &tables[i], struct kvm_dtable);

		*to = (struct kvm_dtable) { .base = from->base, .limit = from->limit };
	}
	for (i = 0; i < ARRAY_SIZE(controls); i++)
		*KVMS(&kvm_sregs, &controls[i], __u64) = *OURS(sregs, &controls[i], const __u64);
	for (i = 0; i < ARRAY_SIZE(general); i++)
		*KVMS(&kvm_regs, &general[i], __u64) = *OURS(regs, &general[i], const __u64);
	if (ioctl(vcpu, KVM_SET_SREGS, &kvm_sregs) || ioctl(vcpu, KVM_SET_REGS, &kvm_regs))
		return -errno;
	return 0;
}

static int get_xcr0(int vcpu, __u64 *xcr0)
{
	struct kvm_xcrs xcrs;
	__u32 i;

	if (ioctl(vcpu, KVM_GET_XCRS, &xcrs))
		return -errno;
	for (i = 0; i < xcrs.nr_xcrs; i++)
		if (!xcrs.xcrs[i].xcr)
			*xcr0 = xcrs.xcrs[i].value;
	return 0;
}

int kvm_state_get(int vcpu, struct minivmx_sregs *sregs, struct minivmx_regs *regs)
{
	struct kvm_debugregs debug;
	struct kvm_sregs kvm_sregs;
	struct kvm_regs kvm_regs;
	size_t i;

	if (ioctl(vcpu, KVM_GET_SREGS, &kvm_sregs) || ioctl(vcpu, KVM_GET_REGS, &kvm_regs) ||
	    ioctl(vcpu, KVM_GET_DEBUGREGS, &debug))
		return -errno;
	*sregs = (struct minivmx_sregs) {
		.dr0 = debug.db[0], .dr1 = debug.db[1], .dr2 = debug.db[2], .dr3 = debug.db[3],
		.dr6 = debug.dr6, .dr7 = debug.dr7,
	};
	for (i = 0; i < ARRAY_SIZE(segments); i++)
		segment_from_kvm(KVMS(&kvm_sregs, &segments[i], const struct kvm_segment),
				 OURS(sregs, &segments[i], struct minivmx_segment));
	for (i = 0; i < ARRAY_SIZE(tables); i++) {
		const struct kvm_dtable *from = KVMS(&kvm_sregs, &tables[i],
						     const struct kvm_dtable);
		struct minivmx_table *to = OURS(sregs, &tables[i], struct minivmx_table);

		*to = (struct minivmx_table) { .base = from->base, .limit = from->limit };
	}
	for (i = 0; i < ARRAY_SIZE(controls); i++)
		*OURS(sregs, &controls[i], __u64) = *KVMS(&kvm_sregs, &controls[i], const __u64);
	for (i = 0; i < ARRAY_SIZE(general); i++)
		*OURS(regs, &general[i], __u64) = *KVMS(&kvm_regs, &general[i], const __u64);
	/* Without XSAVE there is none. */
	sregs->xcr0 = 1;
	get_xcr0(vcpu, &sregs->xcr0);
	return 0;
}
