// SPDX-License-Identifier: GPL-2.0
/*
 * The VMCS for a program: any field can be read, and those written that cannot
 * harm the host. What a program writes is not checked for sense: the CPU does that
 * at entry, and says no without harm.
 *
 * Each field has some bits that are the module's (fields.def says by which policy)
 * and stay as they are. They hold what the host's safety rests on: the exits that
 * give it back its CPU, its own state, its memory.
 */
#include <linux/bsearch.h>
#include <linux/capability.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/msr-index.h>

#include "cr.h"
#include "ctls.h"
#include "vcpu.h"
#include "vmcs.h"
#include "vmcs_user.h"

enum vmcs_policy {
	POLICY_FREE, POLICY_OWN, POLICY_INFO, POLICY_HOST, POLICY_PHYS,
	POLICY_PIN, POLICY_CPU, POLICY_CPU2, POLICY_EXIT, POLICY_ENTRY,
	POLICY_EXCEPTIONS, POLICY_CR0_MASK, POLICY_CR4_MASK,
	POLICY_CR0_SHADOW, POLICY_CR4_SHADOW, POLICY_CR4,
	POLICY_EFER, POLICY_DR7, POLICY_DEBUGCTL, POLICY_ACTIVITY,
	POLICY_RIP, POLICY_RSP, POLICY_RFLAGS, POLICY_INTERRUPTIBILITY,
	POLICY_TSC_OFFSET, POLICY_TIMER,
};

struct field_row {
	u32 encoding;
	enum vmcs_policy policy;
};

/* In the order of the encodings. */
static const struct field_row field_rows[] = {
#define FIELD(encoding, name, policy, meaning) { encoding, POLICY_##policy },
#include "fields.def"
#undef FIELD
};

static int compare_encoding(const void *key, const void *row)
{
	u32 a = *(const u32 *)key, b = ((const struct field_row *)row)->encoding;

	return a < b ? -1 : a > b;
}

static const struct field_row *row_find(u32 encoding)
{
	return bsearch(&encoding, field_rows, ARRAY_SIZE(field_rows),
		       sizeof(field_rows[0]), compare_encoding);
}

/* ---------------------------------------------------------------------- */
/* Which bits are the module's                                             */
/* ---------------------------------------------------------------------- */

/*
 * DEBUGCTL: but for BTF, what the manual defines there records the host, too.
 * Undefined bits are for the CPU to refuse.
 */
#define DEBUGCTL_OWN	(0xffc7ULL & ~DEBUGCTLMSR_BTF)
/*
 * Activity: shutdown (2) and wait-for-SIPI (3) hold interrupts back and do not
 * exit for them.
 */
#define ACTIVITY_OWN	BIT_ULL(1)

static u64 owned_bits(enum vmcs_policy policy)
{
	switch (policy) {
	case POLICY_PIN:
		return ~(u64)ctls_free(CTLS_PIN);
	case POLICY_CPU:
		return ~(u64)ctls_free(CTLS_CPU);
	case POLICY_CPU2:
		return ~(u64)ctls_free(CTLS_CPU2);
	case POLICY_EXIT:
		return ~(u64)ctls_free(CTLS_EXIT);
	case POLICY_ENTRY:
		return ~(u64)ctls_free(CTLS_ENTRY);
	case POLICY_EXCEPTIONS:
		return EXCEPTIONS_EXITING;
	case POLICY_CR0_MASK:
		return cr0_host_owned();
	case POLICY_CR4_MASK:
		return cr4_host_owned();
	case POLICY_CR4:
		return cr4_fixed();
	case POLICY_DEBUGCTL:
		return DEBUGCTL_OWN;
	case POLICY_ACTIVITY:
		return ACTIVITY_OWN;
	case POLICY_FREE:
	case POLICY_CR0_SHADOW:
	case POLICY_CR4_SHADOW:
	case POLICY_EFER:
	case POLICY_DR7:
	case POLICY_RIP:
	case POLICY_RSP:
	case POLICY_RFLAGS:
	case POLICY_INTERRUPTIBILITY:
	case POLICY_TSC_OFFSET:
	case POLICY_TIMER:
		return 0;
	default:
		return ~0ULL;
	}
}

/* Bits that this CPU cannot have both ways. */
static u64 stuck_bits(enum vmcs_policy policy)
{
	switch (policy) {
	case POLICY_CPU:
		return ~(u64)vmx_ctls.able[CTLS_CPU];
	case POLICY_CPU2:
		return ~(u64)vmx_ctls.able[CTLS_CPU2];
	case POLICY_ENTRY:
		return ~(u64)vmx_ctls.able[CTLS_ENTRY];
	default:
		return 0;
	}
}

/* "VMCS Data Structure": 16, 64, 32 bits, natural width. */
static u64 too_wide(u32 encoding)
{
	static const u64 bits[4] = { ~0xffffULL, 0, ~0xffffffffULL, 0 };

	return bits[(encoding >> 13) & 3];
}

/* ---------------------------------------------------------------------- */
/* One field, VMCS loaded                                                  */
/* ---------------------------------------------------------------------- */

/* *value stays as it is for who may not know it, and where there is nothing. */
static int field_get(const struct field_row *row, bool privileged, u64 *value)
{
	u64 found;

	if (!row)
		return -ENOENT;
	if (!vmread_try(row->encoding, &found))
		return -ENODEV;
	if (privileged || (row->policy != POLICY_HOST && row->policy != POLICY_PHYS))
		*value = found;
	return 0;
}

static int refuse(u64 bits, int error, struct minivmx_vmcs_field *field)
{
	if (!bits)
		return 0;
	field->refused = bits;
	return error;
}

/* 0 or -errno, and which bits are to blame. */
static int field_judge(const struct field_row *row, struct minivmx_vmcs_field *field)
{
	u64 old, changed;
	int error;

	if (!row)
		return -ENOENT;
	if (!vmread_try(row->encoding, &old))
		return -ENODEV;
	if (row->policy == POLICY_INFO)
		return -EACCES;
	/* An unprivileged program must not find the value out by trying. */
	if (row->policy == POLICY_HOST || row->policy == POLICY_PHYS)
		return refuse(~0ULL, -EPERM, field);
	changed = field->value ^ old;
	error = refuse(field->value & too_wide(row->encoding), -ERANGE, field);
	if (!error && row->policy == POLICY_TIMER && field->value > vmcs_watchdog())
		return refuse(field->value & ~old, -EPERM, field);
	error = error ?: refuse(changed & owned_bits(row->policy), -EPERM, field);
	return error ?: refuse(changed & stuck_bits(row->policy), -EINVAL, field);
}

/* Write a field that was judged, and the module's copy of it. */
static void field_set(struct vcpu *vcpu, const struct field_row *row, u64 value)
{
	vmwrite(row->encoding, value);
	switch (row->policy) {
	case POLICY_CPU:
		vcpu->cpu_ctls = value;
		break;
	case POLICY_CPU2:
		vcpu->cpu2_ctls = value;
		break;
	case POLICY_ENTRY:
		vcpu->entry_ctls = value;
		break;
	case POLICY_CR0_MASK:
		vcpu->cr0_mask = value;
		break;
	case POLICY_CR4_MASK:
		vcpu->cr4_mask = value;
		break;
	case POLICY_CR0_SHADOW:
		vcpu->cr0 = value;
		break;
	case POLICY_CR4_SHADOW:
		vcpu->cr4 = value;
		break;
	case POLICY_EFER:
		vcpu->efer = value;
		break;
	case POLICY_DR7:
		vcpu->dr7 = value;
		break;
	case POLICY_DEBUGCTL:
		vcpu->debugctl = value;
		break;
	case POLICY_RIP:
		vcpu->regs.r.rip = value;
		vcpu->run->regs.rip = value;
		break;
	case POLICY_RSP:
		vcpu->regs.r.rsp = value;
		vcpu->run->regs.rsp = value;
		break;
	case POLICY_RFLAGS:
		vcpu->regs.r.rflags = value;
		vcpu->run->regs.rflags = value;
		break;
	case POLICY_INTERRUPTIBILITY:
		vcpu->interruptibility = value;
		break;
	case POLICY_TSC_OFFSET:
		vcpu_tsc_moved(vcpu);
		break;
	case POLICY_TIMER:
		vcpu->timer_limit = value;
		break;
	default:
		break;
	}
}

/* ---------------------------------------------------------------------- */
/* The ioctls                                                              */
/* ---------------------------------------------------------------------- */

/* Between runs all copies are valid; none is newer than the VMCS afterwards. */
static int borrow_clean(struct vcpu *vcpu)
{
	int ret = vcpu_borrow(vcpu);

	if (ret)
		return ret;
	vcpu_write_dirty(vcpu);
	/* The field is the program's, whatever a timer of the guest makes of it for an entry. */
	if (vmx_ctls.pin & PIN_BASED_VMX_PREEMPTION_TIMER)
		vmcs_set_timer(vcpu, S64_MAX);
	return 0;
}

static int get_fields(struct vcpu *vcpu, struct minivmx_vmcs_field *fields, u32 nr)
{
	bool privileged = capable(CAP_SYS_ADMIN);
	int ret;
	u32 i;

	ret = borrow_clean(vcpu);
	if (ret)
		return ret;
	for (i = 0; i < nr; i++) {
		struct minivmx_vmcs_field *f = &fields[i];

		f->value = 0;
		f->refused = 0;
		f->result = -field_get(row_find(f->encoding), privileged, &f->value);
	}
	vcpu_return(vcpu);
	return 0;
}

static int set_fields(struct vcpu *vcpu, struct minivmx_vmcs_field *fields, u32 nr,
		      u32 *done)
{
	int ret, error;
	u32 i;

	ret = borrow_clean(vcpu);
	if (ret)
		return ret;
	for (i = 0; i < nr; i++) {
		struct minivmx_vmcs_field *f = &fields[i];

		f->refused = 0;
		error = field_judge(row_find(f->encoding), f);
		f->result = -error;
		if (error && !ret) {
			ret = error;
			*done = i;
		}
	}
	if (!ret) {
		for (i = 0; i < nr; i++)
			field_set(vcpu, row_find(fields[i].encoding), fields[i].value);
		*done = nr;
		/* CR3, CR4 or PAT may be among them. */
		cr_flush_tlb(vcpu);
	}
	vcpu_return(vcpu);
	return ret;
}

/* Copy in, do it, copy out: the results are wanted after a refusal, too. */
static int with_fields(struct vcpu *vcpu, struct minivmx_vmcs *arg, bool set)
{
	struct minivmx_vmcs_field __user *user = (void __user *)arg->fields;
	size_t size = array_size(arg->nr, sizeof(struct minivmx_vmcs_field));
	struct minivmx_vmcs_field *fields;
	int ret;

	arg->done = 0;
	if (arg->nr > MINIVMX_MAX_FIELDS)
		return -E2BIG;
	fields = vmemdup_user(user, size);
	if (IS_ERR(fields))
		return PTR_ERR(fields);
	if (set) {
		ret = set_fields(vcpu, fields, arg->nr, &arg->done);
	} else {
		ret = get_fields(vcpu, fields, arg->nr);
		arg->done = ret ? 0 : arg->nr;
	}
	if (copy_to_user(user, fields, size))
		ret = -EFAULT;
	kvfree(fields);
	return ret;
}

int vmcs_user_get(struct vcpu *vcpu, struct minivmx_vmcs *arg)
{
	return with_fields(vcpu, arg, false);
}

int vmcs_user_set(struct vcpu *vcpu, struct minivmx_vmcs *arg)
{
	return with_fields(vcpu, arg, true);
}
