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
	[MINIVMX_EXIT_NONE] = "NONE",
	[MINIVMX_EXIT_VMX] = "VMX",
	[MINIVMX_EXIT_IO] = "IO",
	[MINIVMX_EXIT_MMIO] = "MMIO",
	[MINIVMX_EXIT_HLT] = "HLT",
	[MINIVMX_EXIT_HYPERCALL] = "HYPERCALL",
	[MINIVMX_EXIT_SHUTDOWN] = "SHUTDOWN",
	[MINIVMX_EXIT_IRQ_WINDOW] = "IRQ_WINDOW",
	[MINIVMX_EXIT_NMI_WINDOW] = "NMI_WINDOW",
	[MINIVMX_EXIT_INTR] = "INTR",
	[MINIVMX_EXIT_ENTRY_FAIL] = "ENTRY_FAIL",
	[MINIVMX_EXIT_MEMORY] = "MEMORY",
	[MINIVMX_EXIT_EMULATION] = "EMULATION",
	[MINIVMX_EXIT_DEAD] = "DEAD",
	[MINIVMX_EXIT_EOI] = "EOI",
};

const char *minivmx_kind_name(uint32_t kind)
{
	return kind < ARRAY_SIZE(kind_names) ? kind_names[kind] : NULL;
}

/* As the files of /sys/devices/system/cpu/vulnerabilities are called, where there is one. */
static const char *const bug_names[MINIVMX_NR_BUGS] = {
	[MINIVMX_BUG_L1TF] = "l1tf",
	[MINIVMX_BUG_MDS] = "mds",
	[MINIVMX_BUG_TAA] = "tsx_async_abort",
	[MINIVMX_BUG_RFDS] = "reg_file_data_sampling",
	[MINIVMX_BUG_SPECTRE_V2] = "spectre_v2",
	[MINIVMX_BUG_SPECTRE_V2_GUEST] = "spectre_v2_guest",
	[MINIVMX_BUG_RETBLEED] = "retbleed",
	[MINIVMX_BUG_BHI] = "bhi",
	[MINIVMX_BUG_VMSCAPE] = "vmscape",
	[MINIVMX_BUG_SSB] = "spec_store_bypass",
	[MINIVMX_BUG_ITLB_MULTIHIT] = "itlb_multihit",
};

const char *minivmx_bug_name(uint32_t bug)
{
	return bug < ARRAY_SIZE(bug_names) ? bug_names[bug] : NULL;
}

/* The interface's own errnos, and those of open() and mmap(). */
static const char *const errno_names[] = {
	[EPERM] = "EPERM",
	[ENOENT] = "ENOENT",
	[EINTR] = "EINTR",
	[EIO] = "EIO",
	[ENXIO] = "ENXIO",
	[E2BIG] = "E2BIG",
	[EBADF] = "EBADF",
	[EAGAIN] = "EAGAIN",
	[ENOMEM] = "ENOMEM",
	[EACCES] = "EACCES",
	[EFAULT] = "EFAULT",
	[EBUSY] = "EBUSY",
	[EEXIST] = "EEXIST",
	[EXDEV] = "EXDEV",
	[ENODEV] = "ENODEV",
	[EINVAL] = "EINVAL",
	[ENFILE] = "ENFILE",
	[EMFILE] = "EMFILE",
	[ENOTTY] = "ENOTTY",
	[ENOSPC] = "ENOSPC",
	[EPROTO] = "EPROTO",
	[EOVERFLOW] = "EOVERFLOW",
	[EOPNOTSUPP] = "EOPNOTSUPP",
	[EHWPOISON] = "EHWPOISON",
};

const char *minivmx_errno_name(int error)
{
	/* Not by negation: of INT_MIN there is none. */
	unsigned int number = error < 0 ? 0U - (unsigned int)error :
					  (unsigned int)error;

	return number < ARRAY_SIZE(errno_names) ? errno_names[number] : NULL;
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
