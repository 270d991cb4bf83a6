/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The VMX instructions, and the VMCS as an object.
 *
 * Each instruction may end in three ways besides success, and none of them
 * may harm the host: VMfailInvalid (CF), VMfailValid (ZF), and a fault,
 * because VMX was taken away underneath (hotplug, a foreign VMXOFF).
 */
#ifndef MINIVMX_VMCS_H
#define MINIVMX_VMCS_H

#include <linux/list.h>
#include <linux/types.h>
#include <asm/asm.h>
#include <asm/vmx.h>

/* The field encodings under the names of fields.def, VMCS_ in front. */
enum vmcs_enc {
#define FIELD(encoding, name, policy, meaning) VMCS_##name = encoding,
#include "fields.def"
#undef FIELD
};

/* How a VMX instruction ended. */
enum vmx_result {
	VMX_OK,
	VMX_FAIL_INVALID,	/* CF: no current VMCS, or a bad pointer */
	VMX_FAIL_VALID,		/* ZF: the VM-instruction error field says why */
	VMX_FAULT,		/* #UD or #GP: this CPU is not in VMX operation */
};

/*
 * One instruction with a memory or register operand, no output.
 * Clobbers the flags; a fault lands on the label like a failure.
 */
#define VMX_INSN(insn, ...)						\
do {									\
	asm goto("1: " insn "\n\t"					\
		 "jc %l[invalid]\n\t"					\
		 "jz %l[valid]\n\t"					\
		 _ASM_EXTABLE(1b, %l[fault])				\
		 : : __VA_ARGS__ : "cc", "memory"			\
		 : invalid, valid, fault);				\
	return VMX_OK;							\
invalid:								\
	return VMX_FAIL_INVALID;					\
valid:									\
	return VMX_FAIL_VALID;						\
fault:									\
	return VMX_FAULT;						\
} while (0)

/* "memory": each takes a pointer to the operand, which must be seen written. */
static inline enum vmx_result vmx_vmxon(u64 pa)
{
	VMX_INSN("vmxon %0", "m"(pa));
}

static inline enum vmx_result vmx_vmclear(u64 pa)
{
	VMX_INSN("vmclear %0", "m"(pa));
}

static inline enum vmx_result vmx_vmptrld(u64 pa)
{
	VMX_INSN("vmptrld %0", "m"(pa));
}

/* Where @pa points must be memory that others see, for "memory" to cover it. */
static inline enum vmx_result vmx_vmptrst(u64 *pa)
{
	VMX_INSN("vmptrst %0", "m"(*pa));
}

static inline enum vmx_result vmx_vmxoff(void)
{
	/* VMXOFF has no operand; an unused one keeps the macro simple. */
	VMX_INSN("vmxoff", "r"(0));
}

/* INVEPT and INVVPID types ("INVEPT descriptor", "INVVPID descriptor"). */
#define INV_SINGLE_CONTEXT	1

struct inv_descriptor {
	u64 context;	/* EPTP, or VPID in bits 15:0 */
	u64 address;
};

static inline enum vmx_result vmx_invept(u64 eptp)
{
	struct inv_descriptor desc = { .context = eptp };

	VMX_INSN("invept %0, %1",
		 "m"(desc), "r"((unsigned long)INV_SINGLE_CONTEXT));
}

static inline enum vmx_result vmx_invvpid(u16 vpid)
{
	struct inv_descriptor desc = { .context = vpid };

	VMX_INSN("invvpid %0, %1",
		 "m"(desc), "r"((unsigned long)INV_SINGLE_CONTEXT));
}

/* Log a failed access, and end the VM whose VMCS should have been loaded. For enter.S. */
void vmcs_read_failed(u64 field);
void vmcs_write_failed(u64 field);

/*
 * Read a field of the current VMCS; false if there is no such field on this CPU,
 * or no VMCS, or no VMX, and then *@value is anything.
 *
 * CF is set beforehand and left alone by a fault, so that one test covers
 * all three failures. (An asm goto with outputs would say it more directly,
 * but gcc before 13.3 miscompiles those.)
 */
static __always_inline bool vmread_try(u32 field, u64 *value)
{
	bool failed;

	asm volatile("stc\n"
		     "1: vmread %[field], %[value]\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : [value] "=r"(*value), "=@ccbe"(failed)
		     : [field] "r"((u64)field)
		     : "memory");
	return !failed;
}

/*
 * Read a field that there is; 0 after a failure, which ends the VM. That is told by
 * vmread_failed(), which keeps all registers (enter.S): for the compiler there is no call
 * here, and so nothing to save around each of the many places.
 */
static __always_inline u64 vmread(enum vmcs_enc field)
{
	u64 value;

	asm volatile("1: vmread %[field], %[value]\n\t"
		     "ja 3f\n"
		     "2: push %[field]\n\t"	/* which a failure has left alone */
		     "call vmread_failed\n\t"	/* puts 0 in its place */
		     "pop %[value]\n"
		     "3:\n\t"
		     _ASM_EXTABLE(1b, 2b)
		     : [value] "=r"(value), ASM_CALL_CONSTRAINT
		     : [field] "r"((u64)field)
		     : "cc", "memory");
	return value;
}

/* Write a field of the current VMCS; a failure ends the VM, by vmwrite_failed() likewise. */
static __always_inline void vmwrite(enum vmcs_enc field, u64 value)
{
	asm volatile("1: vmwrite %[value], %[field]\n\t"
		     "ja 3f\n"
		     "2: push %[field]\n\t"
		     "call vmwrite_failed\n\t"
		     "add $8, %%rsp\n"
		     "3:\n\t"
		     _ASM_EXTABLE(1b, 2b)
		     : ASM_CALL_CONSTRAINT
		     : [field] "r"((u64)field), [value] "r"(value)
		     : "cc", "memory");
}

/**
 * struct vmcs_region - a VMCS region and where it is
 * @region: the page, whose first word is the revision identifier
 * @pa: its physical address
 * @cpu: the CPU on which it is active, or -1
 * @launched: VMLAUNCH succeeded since the last VMCLEAR
 * @node: on that CPU's list of active VMCSs (hw.c)
 */
struct vmcs_region {
	void *region;
	u64 pa;
	int cpu;
	bool launched;
	struct list_head node;
};

int vmcs_alloc(struct vmcs_region *vmcs);
void vmcs_free(struct vmcs_region *vmcs);
const char *vmcs_field_name(u32 encoding);
const char *vmx_result_name(enum vmx_result result);

#endif /* MINIVMX_VMCS_H */
