// SPDX-License-Identifier: GPL-2.0
/* Names for the numbers of the interface and of the manual. */
#include <errno.h>

#include "libminivmx.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

static const char *const exit_names[MINIVMX_NR_EXITS] = {
#define EXIT(number, name, handler, fields, flags) [number] = #name,
#include "../../module/exits.def"
#undef EXIT
};

const char *minivmx_exit_name(uint32_t basic)
{
	return basic < ARRAY_SIZE(exit_names) ? exit_names[basic] : NULL;
}

static const char *const kind_names[] = {
#define KIND(name) [MINIVMX_EXIT_##name] = #name
	KIND(NONE),
	KIND(VMX),
	KIND(IO),
	KIND(MMIO),
	KIND(HLT),
	KIND(HYPERCALL),
	KIND(SHUTDOWN),
	KIND(IRQ_WINDOW),
	KIND(NMI_WINDOW),
	KIND(INTR),
	KIND(ENTRY_FAIL),
	KIND(MEMORY),
	KIND(EMULATION),
	KIND(DEAD),
#undef KIND
};

const char *minivmx_kind_name(uint32_t kind)
{
	return kind < ARRAY_SIZE(kind_names) ? kind_names[kind] : NULL;
}

const char *minivmx_errno_name(int error)
{
	/* The interface's own errnos, and those of open() and mmap(). */
	switch (error < 0 ? -error : error) {
#define ERRNO(name) case name: return #name
	ERRNO(EPERM);
	ERRNO(ENOENT);
	ERRNO(EINTR);
	ERRNO(EIO);
	ERRNO(ENXIO);
	ERRNO(E2BIG);
	ERRNO(EBADF);
	ERRNO(EAGAIN);
	ERRNO(ENOMEM);
	ERRNO(EACCES);
	ERRNO(EFAULT);
	ERRNO(EBUSY);
	ERRNO(EEXIST);
	ERRNO(EXDEV);
	ERRNO(ENODEV);
	ERRNO(EINVAL);
	ERRNO(ENFILE);
	ERRNO(EMFILE);
	ERRNO(ENOTTY);
	ERRNO(ENOSPC);
	ERRNO(ENOSYS);
	ERRNO(EPROTO);
	ERRNO(EOVERFLOW);
	ERRNO(EOPNOTSUPP);
	ERRNO(EHWPOISON);
#undef ERRNO
	default:
		return NULL;
	}
}

/* The manual's "VM-Instruction Error Numbers", shortened. */
static const char *const instruction_errors[] = {
	[1] = "VMCALL executed in VMX root operation",
	[2] = "VMCLEAR with an invalid physical address",
	[3] = "VMCLEAR with the VMXON pointer",
	[4] = "VMLAUNCH with a VMCS that is not clear",
	[5] = "VMRESUME with a VMCS that is not launched",
	[6] = "VMRESUME after VMXOFF",
	[7] = "VM entry with an invalid control field",
	[8] = "VM entry with an invalid host-state field",
	[9] = "VMPTRLD with an invalid physical address",
	[10] = "VMPTRLD with the VMXON pointer",
	[11] = "VMPTRLD with an incorrect VMCS revision identifier",
	[12] = "VMREAD or VMWRITE of an unsupported VMCS component",
	[13] = "VMWRITE to a read-only VMCS component",
	[15] = "VMXON executed in VMX root operation",
	[16] = "VM entry with an invalid executive-VMCS pointer",
	[17] = "VM entry with an executive VMCS that is not launched",
	[18] = "VM entry with an executive-VMCS pointer that is not the VMXON pointer",
	[19] = "VMCALL with a VMCS that is not clear",
	[20] = "VMCALL with invalid VM-exit control fields",
	[22] = "VMCALL with an incorrect MSEG revision identifier",
	[23] = "VMXOFF under dual-monitor treatment",
	[24] = "VMCALL with invalid SMM-monitor features",
	[25] = "VM entry with invalid execution controls in the executive VMCS",
	[26] = "VM entry with events blocked by MOV SS",
	[28] = "invalid operand to INVEPT or INVVPID",
};

const char *minivmx_instruction_error(uint32_t number)
{
	return number < ARRAY_SIZE(instruction_errors) ?
	       instruction_errors[number] : NULL;
}
