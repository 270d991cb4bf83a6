// SPDX-License-Identifier: GPL-2.0
/* Reading and writing a vCPU's state between runs. */
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/vmx.h>

#include "cr.h"
#include "fpu.h"
#include "inject.h"
#include "msr.h"
#include "state.h"
#include "vcpu.h"

/* Segments: where each is in struct minivmx_sregs and in the VMCS. */
static const struct {
	size_t offset;
	enum vmcs_enc selector, base, limit, access;
} segments[] = {
#define SEGMENT(member, NAME)						\
	{ offsetof(struct minivmx_sregs, member),			\
	  VMCS_GUEST_##NAME##_SELECTOR, VMCS_GUEST_##NAME##_BASE,	\
	  VMCS_GUEST_##NAME##_LIMIT, VMCS_GUEST_##NAME##_ACCESS }
	SEGMENT(es, ES), SEGMENT(cs, CS), SEGMENT(ss, SS), SEGMENT(ds, DS),
	SEGMENT(fs, FS), SEGMENT(gs, GS), SEGMENT(ldtr, LDTR), SEGMENT(tr, TR),
#undef SEGMENT
};

int state_get_sregs(struct vcpu *vcpu, struct minivmx_sregs *sregs)
{
	int ret = vcpu_borrow(vcpu);
	size_t i;

	if (ret)
		return ret;
	for (i = 0; i < ARRAY_SIZE(segments); i++) {
		struct minivmx_segment *s = (void *)sregs + segments[i].offset;

		s->selector = vmread(segments[i].selector);
		s->base = vmread(segments[i].base);
		s->limit = vmread(segments[i].limit);
		s->access = vmread(segments[i].access);
	}
	sregs->gdtr.base = vmread(VMCS_GUEST_GDTR_BASE);
	sregs->gdtr.limit = vmread(VMCS_GUEST_GDTR_LIMIT);
	sregs->idtr.base = vmread(VMCS_GUEST_IDTR_BASE);
	sregs->idtr.limit = vmread(VMCS_GUEST_IDTR_LIMIT);
	sregs->cr0 = cr0_read(vcpu);
	sregs->cr2 = vcpu->cr2;
	sregs->cr3 = vmread(VMCS_GUEST_CR3);
	sregs->cr4 = cr4_read(vcpu);
	sregs->cr8 = inject_cr8(vcpu);
	sregs->efer = vcpu->efer;
	sregs->xcr0 = vcpu->xcr0;
	sregs->dr0 = vcpu->dr[0];
	sregs->dr1 = vcpu->dr[1];
	sregs->dr2 = vcpu->dr[2];
	sregs->dr3 = vcpu->dr[3];
	sregs->dr6 = vcpu->dr6;
	sregs->dr7 = vcpu->dr7;
	sregs->pdpte[0] = vmread(VMCS_GUEST_PDPTE0);
	sregs->pdpte[1] = vmread(VMCS_GUEST_PDPTE1);
	sregs->pdpte[2] = vmread(VMCS_GUEST_PDPTE2);
	sregs->pdpte[3] = vmread(VMCS_GUEST_PDPTE3);
	vcpu_return(vcpu);
	return 0;
}

static bool reserved_set(const struct minivmx_sregs *sregs)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(segments); i++) {
		const struct minivmx_segment *s = (const void *)sregs + segments[i].offset;

		if (s->reserved[0] || s->reserved[1] || s->reserved[2])
			return true;
	}
	return sregs->gdtr.reserved[0] || sregs->gdtr.reserved[1] ||
	       sregs->gdtr.reserved[2] || sregs->idtr.reserved[0] ||
	       sregs->idtr.reserved[1] || sregs->idtr.reserved[2];
}

int state_set_sregs(struct vcpu *vcpu, const struct minivmx_sregs *sregs)
{
	size_t i;
	int ret;

	/* All refusals come before the first change. */
	if (reserved_set(sregs) || sregs->cr8 > 15 || !xcr0_valid(sregs->xcr0) ||
	    sregs->dr6 >> 32 || sregs->dr7 >> 32)
		return -EINVAL;
	ret = vcpu_borrow(vcpu);
	if (ret)
		return ret;
	if (cr_set_all(vcpu, sregs->cr0, sregs->cr4, sregs->efer) != CR_DONE) {
		vcpu_return(vcpu);
		return -EINVAL;
	}
	for (i = 0; i < ARRAY_SIZE(segments); i++) {
		const struct minivmx_segment *s = (const void *)sregs + segments[i].offset;

		vmwrite(segments[i].selector, s->selector);
		vmwrite(segments[i].base, s->base);
		vmwrite(segments[i].limit, s->limit);
		vmwrite(segments[i].access, s->access);
	}
	vmwrite(VMCS_GUEST_GDTR_BASE, sregs->gdtr.base);
	vmwrite(VMCS_GUEST_GDTR_LIMIT, sregs->gdtr.limit);
	vmwrite(VMCS_GUEST_IDTR_BASE, sregs->idtr.base);
	vmwrite(VMCS_GUEST_IDTR_LIMIT, sregs->idtr.limit);
	vmwrite(VMCS_GUEST_CR3, sregs->cr3);
	vcpu->cr2 = sregs->cr2;
	inject_set_cr8(vcpu, sregs->cr8);
	vcpu->xcr0 = sregs->xcr0;
	vcpu->dr[0] = sregs->dr0;
	vcpu->dr[1] = sregs->dr1;
	vcpu->dr[2] = sregs->dr2;
	vcpu->dr[3] = sregs->dr3;
	vcpu->dr6 = dr6_fixed(sregs->dr6);
	vcpu->dr7 = dr7_fixed(sregs->dr7);
	vcpu->dirty |= DIRTY_DEBUG;
	vmwrite(VMCS_GUEST_PDPTE0, sregs->pdpte[0]);
	vmwrite(VMCS_GUEST_PDPTE1, sregs->pdpte[1]);
	vmwrite(VMCS_GUEST_PDPTE2, sregs->pdpte[2]);
	vmwrite(VMCS_GUEST_PDPTE3, sregs->pdpte[3]);
	vcpu_return(vcpu);
	return 0;
}

/* Rows in, each handled, rows out; @done counts those before the first error. */
static int for_each_msr(struct vcpu *vcpu, struct minivmx_msrs *msrs, bool set)
{
	struct minivmx_msr __user *user = (void __user *)msrs->entries;
	size_t size = array_size(msrs->nr, sizeof(struct minivmx_msr));
	struct minivmx_msr *rows;
	int ret = 0;

	msrs->done = 0;
	if (msrs->nr > MINIVMX_MAX_MSRS)
		return -E2BIG;
	rows = vmemdup_user(user, size);
	if (IS_ERR(rows))
		return PTR_ERR(rows);

	ret = vcpu_borrow(vcpu);
	if (ret)
		goto free;
	for (; msrs->done < msrs->nr && !ret; msrs->done += !ret) {
		struct minivmx_msr *row = &rows[msrs->done];

		if (row->reserved)
			ret = -EINVAL;
		else if (set)
			ret = msr_write(vcpu, row->index, row->data, true);
		else
			ret = msr_read(vcpu, row->index, &row->data);
	}
	vcpu_return(vcpu);
	if (!set && copy_to_user(user, rows, msrs->done * sizeof(*rows)))
		ret = -EFAULT;
free:
	kvfree(rows);
	return ret;
}

int state_get_msrs(struct vcpu *vcpu, struct minivmx_msrs *msrs)
{
	return for_each_msr(vcpu, msrs, false);
}

int state_set_msrs(struct vcpu *vcpu, struct minivmx_msrs *msrs)
{
	return for_each_msr(vcpu, msrs, true);
}

#define INTERRUPTIBILITY_SETTABLE (INTERRUPT_SHADOW | GUEST_INTR_STATE_NMI)

int state_get_events(struct vcpu *vcpu, struct minivmx_events *events)
{
	int ret = vcpu_borrow(vcpu);

	if (ret)
		return ret;
	events->event = vcpu->event;
	events->irq = vcpu->irq;
	events->nmi_pending = vcpu->nmi_pending;
	events->interruptibility = vcpu_interruptibility(vcpu);
	events->pending_debug = vmread(VMCS_GUEST_PENDING_DEBUG);
	vcpu_return(vcpu);
	return 0;
}

int state_set_events(struct vcpu *vcpu, const struct minivmx_events *events)
{
	int ret;

	if (inject_check_event(&events->event) || inject_check_event(&events->irq) ||
	    (events->irq.flags && events->irq.type != MINIVMX_EVENT_EXTINT) ||
	    events->nmi_pending > 1 ||
	    (events->interruptibility & ~INTERRUPTIBILITY_SETTABLE))
		return -EINVAL;
	ret = vcpu_borrow(vcpu);
	if (ret)
		return ret;
	vcpu->event = events->event;
	vcpu->irq = events->irq;
	vcpu->nmi_pending = events->nmi_pending;
	vcpu_set_interruptibility(vcpu, events->interruptibility);
	vmwrite(VMCS_GUEST_PENDING_DEBUG, events->pending_debug);
	inject_update(vcpu);
	vcpu_return(vcpu);
	return 0;
}
