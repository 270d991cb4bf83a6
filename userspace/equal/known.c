// SPDX-License-Identifier: GPL-2.0
/* What a reason calls a #GP, a #UD or reserved, it does by Intel's manual. */
#include "array.h"
#include "known.h"

#define KNOWN(name, code, why) \
	{ { name, IN_PROTECTED, NULL, NULL }, code, sizeof(code) - 1, why }
#define RDMSR(name, index, why)	KNOWN("RDMSR of " name, "\xb9" index "\x0f\x32", why)
/* With ECX 0. */
#define CPUID(leaf, index)	KNOWN("CPUID " leaf, "\xb9\x00\x00\x00\x00\xb8" index "\x0f\xa2", \
				      FEATURES)

#define FEATURES "KVM hides features that the host's kernel does not use; minivmx asks the CPU"
#define NO_SUCH	"#GP: no CPUID tells of it; KVM answers those that some guest has asked for"
#define NO_MONITOR "an #UD, as CPUID has no such feature; KVM executes it as a NOP"

const struct equal_known equal_known[] = {
	CPUID("1", "\x01\x00\x00\x00"),
	CPUID("7", "\x07\x00\x00\x00"),
	CPUID("80000001", "\x01\x00\x00\x80"),
	KNOWN("VMCALL", "\x0f\x01\xc1",
	      "nobody answers, in the hypervisor's own words: -ENOSYS, KVM's -KVM_ENOSYS"),
	KNOWN("MOV from DR with DR7.GD",
	      "\xb8\x00\x24\x00\x00\x0f\x23\xf8\x0f\x21\xfa",
	      "a fault, so RF is pushed as 1 (\"Instruction-Breakpoint Exception Condition\"); KVM\n"
	      "  sets it for no #DB"),
	KNOWN("WRMSR of IA32_FMASK",
	      "\xb9\x84\x00\x00\xc0\xba\x01\x00\x00\x00\x0f\x30",
	      "bits 63:32 are reserved: #GP; KVM leaves that to the CPU, and Bochs takes them"),
	KNOWN("MONITOR", "\x0f\x01\xc8", NO_MONITOR),
	KNOWN("MWAIT", "\x0f\x01\xc9", NO_MONITOR),
	KNOWN("JMP to a TSS", "\xea\x00\x00\x00\x00\xa0\x00",
	      "a program emulates task switches, if it wants; KVM does so itself"),
	KNOWN("OUTSB from no memory",
	      "\xbe\x00\x00\x00\xd0\xba\x80\x00\x00\x00\x6e",
	      "the program is told, and may end the guest; KVM asks it for the bytes"),
	KNOWN("WRMSR of IA32_MISC_ENABLE",
	      "\xb9\xa0\x01\x00\x00\x0f\x32\xb8\xff\x7f\x00\x00\x0f\x30\x0f\x32",
	      "#GP for what is reserved or cannot be had; KVM keeps most of what is written"),
	RDMSR("IA32_FEATURE_CONTROL", "\x3a\x00\x00\x00",
	      "locked, as firmware leaves it; KVM has it not locked, for the program to do so"),
	RDMSR("IA32_BIOS_SIGN_ID", "\x8b\x00\x00\x00", "KVM invents a revision of microcode"),
	RDMSR("IA32_MCG_CAP", "\x79\x01\x00\x00",
	      "as many banks as the CPU has; KVM's are 32 until the program says"),
	RDMSR("IA32_MCG_CTL", "\x7b\x01\x00\x00", "there if IA32_MCG_CAP says so, see above"),
	RDMSR("IA32_PLATFORM_ID", "\x17\x00\x00\x00", NO_SUCH),
	RDMSR("MSR_PLATFORM_INFO", "\xce\x00\x00\x00", NO_SUCH),
	RDMSR("MSR_MISC_FEATURES", "\x40\x01\x00\x00", NO_SUCH),
	RDMSR("IA32_PERF_STATUS", "\x98\x01\x00\x00", NO_SUCH),
	RDMSR("MSR_FSB_FREQ", "\xcd\x00\x00\x00", NO_SUCH),
	RDMSR("MSR_EBL_CR_POWERON", "\x2a\x00\x00\x00", NO_SUCH),
	RDMSR("MSR_SMI_COUNT", "\x34\x00\x00\x00", NO_SUCH),
	RDMSR("IA32_PMC0", "\xc1\x00\x00\x00", NO_SUCH),
	RDMSR("IA32_PERFEVTSEL0", "\x86\x01\x00\x00", NO_SUCH),
	RDMSR("MSR_RAPL_POWER_UNIT", "\x06\x06\x00\x00", NO_SUCH),
	RDMSR("MSR_POWER_CTL", "\xfc\x01\x00\x00", NO_SUCH),
	RDMSR("AMD's HWCR", "\x15\x00\x01\xc0", NO_SUCH),
	RDMSR("MSR_KVM_WALL_CLOCK, the old one", "\x11\x00\x00\x00", NO_SUCH),
};

const unsigned int equal_nr_known = ARRAY_SIZE(equal_known);
