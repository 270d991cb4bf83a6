/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/**
 * DOC: The interface between /dev/minivmx and userspace
 *
 * Three kinds of file descriptor, each with its own ioctls:
 *
 * - open("/dev/minivmx"): the system: what this host offers, new VMs
 * - MINIVMX_CREATE_VM: a VM: guest-physical memory, new vCPUs
 * - MINIVMX_CREATE_VCPU: a vCPU: its state, its run page (mmap), RUN
 *
 * Conventions:
 *
 * - Every structure is padded to 8 bytes by hand, the same in 32- and 64-bit
 *   programs; the asserts at the end hold its size fixed.
 * - Fields called "reserved" and bits without a name must be zero: -EINVAL.
 * - A structure may grow at its end. A larger one from a newer program is
 *   accepted as long as what this kernel does not know is zero (-E2BIG if
 *   not); a smaller one than the first version is -EINVAL.
 * - A number that is no ioctl of this kind of descriptor is -ENOTTY.
 * - Every ioctl of a VM or vCPU must come from the process that created the
 *   VM, -EXDEV otherwise, except where it is said below; after the VM has died
 *   (see MINIVMX_EXIT_DEAD) all of them fail with -EIO. A pointer that cannot be
 *   read or written is -EFAULT; memory that cannot be had -ENOMEM.
 * - "The manual" is the Intel 64 and IA-32 Architectures Software Developer's
 *   Manual (SDM), volume 3. Numbers with a meaning there (exit reasons,
 *   interruption types, access rights) are used as they stand there.
 */
#ifndef _UAPI_MINIVMX_H
#define _UAPI_MINIVMX_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define MINIVMX_API_VERSION	1

/* Limits */
#define MINIVMX_MAX_VCPUS	64	/* vCPUs in a VM; ids are below this */
#define MINIVMX_MAX_REGIONS	256	/* mapped ranges in a VM */
#define MINIVMX_MAX_RIGHTS	4096	/* stretches of different rights in a range */
#define MINIVMX_MAX_BITMAP	(1ULL << 38) /* bytes of memory in one bitmap */
#define MINIVMX_MAX_CPUID	128	/* CPUID rows in a vCPU */
#define MINIVMX_MAX_MSRS	256	/* MSRs in one GET_MSRS or SET_MSRS */
#define MINIVMX_MAX_MSR_ROUTES	32	/* ranges of MSRs with a route in a vCPU */
#define MINIVMX_MAX_GSIS	1024	/* global system interrupts; they are below this */
#define MINIVMX_MAX_IRQFDS	1024	/* in a VM */
#define MINIVMX_MAX_IOEVENTFDS	1024	/* in a VM */
#define MINIVMX_MAX_FIELDS	256	/* fields in one GET_VMCS or SET_VMCS */
#define MINIVMX_NR_EXITS	80	/* basic exit reasons are below this */
#define MINIVMX_IO_BYTES	1024	/* string I/O data in the run page */

/* ------------------------------------------------------------------ */
/* The system: ioctls of /dev/minivmx                                  */
/* ------------------------------------------------------------------ */

/* minivmx_info.features: what the CPU has and minivmx uses */
#define MINIVMX_FEAT_EPT_2M	(1 << 0)
#define MINIVMX_FEAT_EPT_1G	(1 << 1)
#define MINIVMX_FEAT_EPT_AD	(1 << 2)
#define MINIVMX_FEAT_XSAVE	(1 << 3)
#define MINIVMX_FEAT_EPT_X_ONLY	(1 << 4)	/* pages to execute and not to read */
#define MINIVMX_FEAT_PML	(1 << 5)	/* page-modification logging */

/* minivmx_info.vmx_owner: who has VMX on this host now */
#define MINIVMX_VMX_FREE	0	/* nobody */
#define MINIVMX_VMX_OWN		1	/* minivmx: there are VMs */
#define MINIVMX_VMX_FOREIGN	2	/* another hypervisor */
#define MINIVMX_VMX_BORROWED	3	/* KVM, and minivmx VMs use it, too */

/* minivmx_info.vmx_reason: why CREATE_VM without MINIVMX_VM_BORROW is -EBUSY */
#define MINIVMX_REASON_NONE	0	/* it is not */
#define MINIVMX_REASON_KVM_LOADED 1	/* kvm_intel is loaded: borrow from it */
#define MINIVMX_REASON_KVM_ONLY	2	/* this kernel lets only KVM turn VMX on */
#define MINIVMX_REASON_VMXE	3	/* CR4.VMXE is set, and not by KVM */

/**
 * struct minivmx_info - answer of MINIVMX_GET_INFO
 * @api_version: MINIVMX_API_VERSION of the module
 * @features: MINIVMX_FEAT_*
 * @run_size: bytes to mmap() at offset 0 of a vCPU descriptor
 * @max_vcpus: MINIVMX_MAX_VCPUS of the module
 * @gpa_bits: width of a guest-physical address in bits
 * @xsave_size: bytes that MINIVMX_GET_XSAVE fills
 * @vmx_owner: MINIVMX_VMX_*
 * @vmx_reason: MINIVMX_REASON_*
 * @tsc_khz: frequency of the time-stamp counter in kHz
 */
struct minivmx_info {
	__u32 api_version;
	__u32 features;
	__u32 run_size;
	__u32 max_vcpus;
	__u32 gpa_bits;
	__u32 xsave_size;
	__u32 vmx_owner;
	__u32 vmx_reason;
	__u64 tsc_khz;
};

#define MINIVMX_NR_VMX_MSRS	20	/* IA32_VMX_BASIC (480H) to IA32_VMX_EXIT_CTLS2 (493H) */

/* minivmx_mitigations.state, by bug; each is as in /sys/devices/system/cpu/vulnerabilities */
#define MINIVMX_BUG_L1TF		0
#define MINIVMX_BUG_MDS			1
#define MINIVMX_BUG_TAA			2
#define MINIVMX_BUG_RFDS		3
#define MINIVMX_BUG_SPECTRE_V2		4	/* the host, from its guests */
#define MINIVMX_BUG_SPECTRE_V2_GUEST	5	/* guests, from each other */
#define MINIVMX_BUG_RETBLEED		6
#define MINIVMX_BUG_BHI			7
#define MINIVMX_BUG_VMSCAPE		8
#define MINIVMX_BUG_SSB			9
#define MINIVMX_BUG_ITLB_MULTIHIT	10
#define MINIVMX_NR_BUGS			11

#define MINIVMX_MITIGATION_NOT_NEEDED	0	/* the CPU does not have the bug */
#define MINIVMX_MITIGATION_ON		1
#define MINIVMX_MITIGATION_OFF		2	/* the host is told to do without */
#define MINIVMX_MITIGATION_MISSING	3	/* minivmx or the CPU's microcode lacks it */

/* minivmx_mitigations.steps: what is done around an entry */
#define MINIVMX_STEP_L1D_FLUSH	(1 << 0)	/* before it, if data of others came in between */
#define MINIVMX_STEP_L1D_ALWAYS	(1 << 1)	/* before each */
#define MINIVMX_STEP_VERW	(1 << 2)	/* before: CPU buffers are cleared */
#define MINIVMX_STEP_RSB_FILL	(1 << 3)	/* after the exit: the return stack buffer, */
#define MINIVMX_STEP_RSB_ONE	(1 << 4)	/* or one entry of it */
#define MINIVMX_STEP_IBRS	(1 << 5)	/* after: IA32_SPEC_CTRL is written */
#define MINIVMX_STEP_BHB_LOOP	(1 << 6)	/* after: the branch history is overwritten */
#define MINIVMX_STEP_IBPB_GUEST	(1 << 7)	/* IBPB when another guest comes to the CPU */
#define MINIVMX_STEP_IBPB_USER	(1 << 8)	/* IBPB when RUN returns or sleeps */
#define MINIVMX_STEP_EXEC_4K	(1 << 9)	/* executable EPT leaves are 4K pages */
#define MINIVMX_STEPS		0x3ff		/* all of them */

/**
 * struct minivmx_mitigations - answer of MINIVMX_GET_MITIGATIONS
 * @steps: MINIVMX_STEP_* that are taken
 * @smt: 1 if a bug lets sibling threads of a core see each other's data, and the host uses
 *	 them: only a host without SMT is safe from its guests then
 * @state: by MINIVMX_BUG_*, MINIVMX_MITIGATION_*
 * @reserved: zero
 *
 * What the kernel decided when it booted, by the CPU and the command line (mitigations=).
 */
struct minivmx_mitigations {
	__u32 steps;
	__u32 smt;
	__u8 state[MINIVMX_NR_BUGS];
	__u8 reserved[5];
};

/**
 * struct minivmx_caps - answer of MINIVMX_GET_CAPS: what VMX can do on this CPU
 * @vmx_msrs: the capability MSRs, from 480H on in the order of their numbers; 0 for
 *	      one that the CPU does not have ("VMX Capability Reporting Facility")
 * @physical_bits: width of a physical address in bits
 * @linear_bits: width of a linear address in bits
 * @rtm: 1 if the CPU has RTM (CPUID.7.0:EBX[11]), else 0
 * @sgx: 1 if the CPU has SGX (CPUID.7.0:EBX[2]), else 0
 * @perf_global: 1 if the CPU has IA32_PERF_GLOBAL_CTRL, else 0
 * @reserved: zero
 *
 * As the CPU that loaded the module had it then.
 */
struct minivmx_caps {
	__u64 vmx_msrs[MINIVMX_NR_VMX_MSRS];
	__u8 physical_bits;
	__u8 linear_bits;
	__u8 rtm;
	__u8 sgx;
	__u8 perf_global;
	__u8 reserved[3];
};

/* minivmx_create_vm.flags */
#define MINIVMX_VM_BORROW	(1 << 0)	/* share KVM's VMX by means of @kvm_fd */
#define MINIVMX_VM_APIC		(1 << 1)	/* each vCPU has a local APIC, in the module */

/**
 * struct minivmx_create_vm - argument of MINIVMX_CREATE_VM
 * @flags: MINIVMX_VM_*
 * @kvm_fd: with MINIVMX_VM_BORROW the descriptor of a KVM VM (what KVM_CREATE_VM
 *	    returned), which keeps VMX on until the new VM is gone; it may be
 *	    closed after this. Zero otherwise.
 *
 * With MINIVMX_VM_APIC a vCPU has a local APIC (see struct minivmx_apic), vCPU 0 is
 * the bootstrap processor, and a RUN of the others sleeps until they get a SIPI. A
 * vCPU that halts with interrupts enabled sleeps in RUN. Memory that is mapped where
 * the APIC's registers are hides them.
 *
 * The first VM takes VMX for all. -EBUSY if it cannot be had in this way, see
 * @vmx_reason of struct minivmx_info, or if the VMs there are have it in the
 * other way. -EOPNOTSUPP or -EACCES if one of the CPUs cannot run guests as the
 * others can (the kernel log says what it lacks). -EBADF if @kvm_fd is no
 * descriptor, -EINVAL if it is not a KVM VM's.
 */
struct minivmx_create_vm {
	__u32 flags;
	__s32 kvm_fd;
};

/* minivmx_cpuid_entry.flags */
#define MINIVMX_CPUID_SUBLEAF	(1 << 0)	/* @subleaf (ECX) matters */

/**
 * struct minivmx_cpuid_entry - what CPUID answers for one leaf
 * @leaf: EAX on input
 * @subleaf: ECX on input, compared if @flags has MINIVMX_CPUID_SUBLEAF
 * @flags: MINIVMX_CPUID_*
 * @eax: answer
 * @ebx: answer
 * @ecx: answer
 * @edx: answer
 * @reserved: zero
 *
 * Bits that mirror guest state (OSXSAVE, OSPKE, the XSAVE area's current
 * size) are computed when the guest asks, whatever stands here.
 */
struct minivmx_cpuid_entry {
	__u32 leaf;
	__u32 subleaf;
	__u32 flags;
	__u32 eax;
	__u32 ebx;
	__u32 ecx;
	__u32 edx;
	__u32 reserved;
};

/**
 * struct minivmx_cpuid - a table of CPUID answers
 * @nr: in: rows at @entries; out (GET): rows there are
 * @reserved: zero
 * @entries: address of struct minivmx_cpuid_entry[@nr]
 *
 * GET with too small an @nr fails with -ENOSPC, and @nr says how many.
 */
struct minivmx_cpuid {
	__u32 nr;
	__u32 reserved;
	__u64 entries;
};

/* ------------------------------------------------------------------ */
/* A VM                                                                */
/* ------------------------------------------------------------------ */

/**
 * struct minivmx_create_vcpu - argument of MINIVMX_CREATE_VCPU
 * @id: below MINIVMX_MAX_VCPUS (-EINVAL), not in use (-EEXIST); the guest
 *      sees it as its initial APIC id
 * @flags: none yet, zero
 *
 * The vCPU starts in the state the manual gives after INIT and power-up
 * ("Processor State After Reset"): real mode, CS:IP = F000:FFF0. -ENODEV as
 * from MINIVMX_RUN; -EINTR if a signal comes while another CREATE_VCPU is busy.
 */
struct minivmx_create_vcpu {
	__u32 id;
	__u32 flags;
};

/* minivmx_map.prot: what the guest may do there; at least MINIVMX_PROT_READ */
#define MINIVMX_PROT_READ	(1 << 0)
#define MINIVMX_PROT_WRITE	(1 << 1)
#define MINIVMX_PROT_EXEC	(1 << 2)

/* minivmx_map.max_page: the largest EPT page to use there */
#define MINIVMX_PAGE_ANY	0
#define MINIVMX_PAGE_4K		1
#define MINIVMX_PAGE_2M		2
#define MINIVMX_PAGE_1G		3

/**
 * struct minivmx_map - argument of MINIVMX_MAP_MEMORY, MINIVMX_UNMAP_MEMORY
 * @gpa: first guest-physical address
 * @size: bytes, not zero
 * @hva: first address in the caller's memory (UNMAP: zero)
 * @prot: MINIVMX_PROT_* (UNMAP: zero)
 * @max_page: MINIVMX_PAGE_* (UNMAP: zero)
 *
 * @gpa, @size and @hva are multiples of 4096, and no range wraps or leaves
 * the guest's physical address width (-EINVAL). The guest sees the caller's
 * memory itself, whatever is mapped there later: nothing is pinned.
 *
 * MAP: -EEXIST if it overlaps a mapped range, -ENOSPC when there are
 * MINIVMX_MAX_REGIONS already, -EFAULT if part of the memory is not mapped in
 * the caller or cannot be written where MINIVMX_PROT_WRITE is asked for.
 * UNMAP: names exactly a range that MAP was given, -ENOENT otherwise.
 */
struct minivmx_map {
	__u64 gpa;
	__u64 size;
	__u64 hva;
	__u32 prot;
	__u32 max_page;
};

/**
 * struct minivmx_protect - argument of MINIVMX_PROTECT_MEMORY
 * @gpa: first guest-physical address, a multiple of 4096
 * @size: bytes, a multiple of 4096, not zero
 * @prot: MINIVMX_PROT_* that the guest has there from now on, or none
 * @reserved: zero
 *
 * Rights may differ from page to page, whatever the size of the EPT's pages was.
 * An access that they do not allow, by the guest or by the module for it, ends
 * the RUN with MINIVMX_EXIT_MEMORY, @error EACCES and the kind of access; if a
 * program gives the right and goes on with MINIVMX_RETRY, the access is made.
 * When this returns no vCPU uses rights that were taken away. MAP's own rights
 * are set again like any others.
 *
 * The memory type stays what MAP gave: write-back, whatever the guest's PAT
 * says. Another could show the guest what was in the DRAM before.
 *
 * -EINVAL: not aligned, no size, unknown bits, or to write and not to read, which
 * an EPT cannot express. -EOPNOTSUPP: to execute only, on a CPU without
 * MINIVMX_FEAT_EPT_X_ONLY. -ERANGE: it wraps or leaves the guest's physical
 * address width. -ENOENT: part of it is not mapped; it may span several ranges.
 * -EACCES: a right that MAP did not grant everywhere there. -ENOSPC: one of the
 * ranges would have more than MINIVMX_MAX_RIGHTS stretches of different rights;
 * one of any length counts once.
 */
struct minivmx_protect {
	__u64 gpa;
	__u64 size;
	__u32 prot;
	__u32 reserved;
};

/**
 * struct minivmx_walk - argument of MINIVMX_WALK_EPT
 * @gpa: in: a guest-physical address
 * @levels: out: entries that the walk met, from level 4 (the EPT PML4) down
 * @leaf_level: out: level of the entry that maps a page: 1, 2 or 3; 0 if the
 *		walk ended at an entry that is not present
 * @page_size: out: bytes of that page, 0 if there is none
 * @entries: out: the entry met at level n at index n - 1, as it stands in
 *	     memory (see "EPT Translation Mechanism" in the manual); zero below
 *	     where the walk ended. The address bits 51:12 read as zero without
 *	     CAP_SYS_ADMIN.
 *
 * What is there at this moment: nothing is faulted in, and the host may change
 * it at any time. -ERANGE if @gpa is beyond minivmx_info.gpa_bits.
 */
struct minivmx_walk {
	__u64 gpa;
	__u32 levels;
	__u32 leaf_level;
	__u64 page_size;
	__u64 entries[4];
};

/* minivmx_harvest.which */
#define MINIVMX_HARVEST_ACCESSED 1	/* pages that were read, written, executed */
#define MINIVMX_HARVEST_DIRTY	2	/* pages that were written */

/* minivmx_harvest.flags */
#define MINIVMX_HARVEST_CLEAR	(1 << 0)	/* clear what is found */

/**
 * struct minivmx_harvest - argument of MINIVMX_HARVEST_PAGES
 * @gpa: first guest-physical address, a multiple of 4096
 * @size: bytes, a multiple of 4096, not zero, at most MINIVMX_MAX_BITMAP
 * @bitmap: address of one bit for each 4096 bytes of them, lowest first, rounded
 *	    up to whole 64-bit words. All of it is written.
 * @which: MINIVMX_HARVEST_ACCESSED or MINIVMX_HARVEST_DIRTY
 * @flags: MINIVMX_HARVEST_*
 *
 * The flags that the CPU sets in the EPT when vCPUs use a page ("Accessed and
 * Dirty Flags for EPT" in the manual); to walk the guest's page tables is to write
 * to them. A large page has one for all of it: all its bits that are in the range
 * are set, and CLEAR clears it for all of it, also outside. After CLEAR every use
 * from then on sets the flag again.
 *
 * The flags go with the page when it leaves the EPT, because the host took it,
 * or by PROTECT. What the module itself reads and writes for the guest sets none.
 * The dirty log (MINIVMX_DIRTY_LOG) misses neither.
 *
 * -EINVAL: not aligned, no size, unknown @which or bits. -ERANGE: it wraps or
 * leaves the guest's physical address width. -E2BIG: above the limit.
 * -EOPNOTSUPP: the CPU has no such flags (MINIVMX_FEAT_EPT_AD). -ENOENT: part of
 * it is not mapped; it may span several ranges. Nothing is cleared then, nor if
 * @bitmap cannot be written (-EFAULT).
 */
struct minivmx_harvest {
	__u64 gpa;
	__u64 size;
	__u64 bitmap;
	__u32 which;
	__u32 flags;
};

/* minivmx_dirty_log.flags */
#define MINIVMX_DIRTY_LOG_ON	(1 << 0)	/* from now on; without it, no more */

/**
 * struct minivmx_dirty_log - argument of MINIVMX_DIRTY_LOG
 * @gpa: first address of a range that MAP was given
 * @size: its size, at most MINIVMX_MAX_BITMAP
 * @flags: MINIVMX_DIRTY_LOG_*
 * @reserved: zero
 *
 * While a range has a dirty log, its EPT pages are 4K ones, and each page that is
 * written by a vCPU, or by the module for one, is in the log, whatever the host
 * or PROTECT do with it. What the program itself writes is not. The log is made
 * by page-modification logging where the CPU has that (MINIVMX_FEAT_PML; the
 * module's parameter pml=0 does without), else by the EPT's dirty flags; what it
 * says is the same. It ends with the range.
 *
 * -EINVAL: unknown bits. -ENOENT: MAP was not given this range. -EOPNOTSUPP: the
 * CPU has neither of them. -EALREADY: it is on, or off, already. -E2BIG: above
 * the limit.
 */
struct minivmx_dirty_log {
	__u64 gpa;
	__u64 size;
	__u32 flags;
	__u32 reserved;
};

/**
 * struct minivmx_dirty_bitmap - argument of MINIVMX_GET_DIRTY_LOG
 * @gpa: first address of a range with a dirty log
 * @size: its size
 * @bitmap: address of one bit for each page, lowest first, rounded up to whole
 *	    64-bit words. All of it is written.
 *
 * The pages that were written since the log was fetched last, or turned on. What
 * is written after this was called may be in this log; if it is not, it is in
 * the next one. If it is in this one, the program finds it in the page.
 *
 * -ENOENT: MAP was not given this range. -ENODATA: it has no log. Nothing is
 * cleared then, nor if @bitmap cannot be written (-EFAULT).
 */
struct minivmx_dirty_bitmap {
	__u64 gpa;
	__u64 size;
	__u64 bitmap;
};

/* ------------------------------------------------------------------ */
/* A vCPU: the run page                                                */
/* ------------------------------------------------------------------ */

/**
 * struct minivmx_regs - the general registers, RIP and RFLAGS
 * @rax: register 0
 * @rcx: register 1
 * @rdx: register 2
 * @rbx: register 3
 * @rsp: register 4
 * @rbp: register 5
 * @rsi: register 6
 * @rdi: register 7
 * @r8: register 8
 * @r9: register 9
 * @r10: register 10
 * @r11: register 11
 * @r12: register 12
 * @r13: register 13
 * @r14: register 14
 * @r15: register 15
 * @rip: instruction pointer
 * @rflags: flags
 *
 * In the order of the manual's register numbers (RAX is 0, R15 is 15).
 */
struct minivmx_regs {
	__u64 rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi;
	__u64 r8, r9, r10, r11, r12, r13, r14, r15;
	__u64 rip;
	__u64 rflags;
};

/* minivmx_event.type: the manual's interruption types */
#define MINIVMX_EVENT_EXTINT	0	/* external interrupt */
#define MINIVMX_EVENT_NMI	2	/* non-maskable interrupt (vector 2) */
#define MINIVMX_EVENT_EXCEPTION	3	/* hardware exception */
#define MINIVMX_EVENT_SOFTINT	4	/* INT n */
#define MINIVMX_EVENT_PRIVSOFT	5	/* INT1 */
#define MINIVMX_EVENT_SOFTEXC	6	/* INT3, INTO */

/* minivmx_event.flags */
#define MINIVMX_EVENT_VALID	(1 << 0)	/* there is an event */
#define MINIVMX_EVENT_ERROR	(1 << 1)	/* @error_code is delivered */

/**
 * struct minivmx_event - an event to deliver through the guest's IDT
 * @flags: MINIVMX_EVENT_*; without MINIVMX_EVENT_VALID all else is ignored
 * @vector: 0 to 255
 * @type: MINIVMX_EVENT_EXTINT ...
 * @insn_len: length in bytes of the instruction behind a SOFT* event (1 to 15)
 * @error_code: pushed if MINIVMX_EVENT_ERROR
 * @cr2: loaded into CR2 with a page fault (exception, vector 14)
 */
struct minivmx_event {
	__u8 flags;
	__u8 vector;
	__u8 type;
	__u8 insn_len;
	__u32 error_code;
	__u64 cr2;
};

/* minivmx_run.action: what becomes of the instruction that exited */
#define MINIVMX_RETRY	0	/* start at RIP as it stands in the page */
#define MINIVMX_SKIP	1	/* it is done: finish it, go on behind it */

/* minivmx_run.request: bits, read at the start of each RUN */
#define MINIVMX_REQ_IRQ_WINDOW	(1 << 0)	/* exit when MINIVMX_READY_IRQ would be set */
#define MINIVMX_REQ_NMI_WINDOW	(1 << 1)	/* exit when an NMI can be taken */
#define MINIVMX_REQ_EXIT_NOW	(1 << 2)	/* finish the exit, do not enter */

/* minivmx_run.ready: bits, valid after each RUN, as after a SKIP */
#define MINIVMX_READY_IRQ	(1 << 0)	/* an EXTINT would be taken at once; none waits */
#define MINIVMX_READY_NMI	(1 << 1)	/* an NMI would be taken at once */

/* minivmx_run.kind: which member of the union describes the exit */
#define MINIVMX_EXIT_NONE	0	/* nothing ran yet */
#define MINIVMX_EXIT_VMX	1	/* no more than the raw exit says */
#define MINIVMX_EXIT_IO		2	/* @io: IN, OUT, INS, OUTS */
#define MINIVMX_EXIT_MMIO	3	/* @mmio: access to unmapped memory */
#define MINIVMX_EXIT_HLT	4	/* HLT; SKIP it, with an event or without */
#define MINIVMX_EXIT_HYPERCALL	5	/* VMCALL; arguments are in @regs */
#define MINIVMX_EXIT_SHUTDOWN	6	/* triple fault, or a machine check: see @event */
#define MINIVMX_EXIT_IRQ_WINDOW	7	/* as requested */
#define MINIVMX_EXIT_NMI_WINDOW	8	/* as requested */
#define MINIVMX_EXIT_INTR	9	/* interrupted; RETRY goes on */
#define MINIVMX_EXIT_ENTRY_FAIL	10	/* @entry: the CPU refused the state */
#define MINIVMX_EXIT_MEMORY	11	/* @memory: a mapped page is unusable */
#define MINIVMX_EXIT_EMULATION	12	/* @insn: an instruction not known here */
#define MINIVMX_EXIT_DEAD	13	/* the VM cannot go on; the log says why */
#define MINIVMX_EXIT_EOI	14	/* @eoi: of a level-triggered interrupt; RETRY goes on */

/**
 * struct minivmx_vmexit - the VMCS exit-information fields, as the CPU left them
 * @reason: "Exit reason": basic reason in bits 15:0, bit 31 entry failure
 * @insn_len: "VM-exit instruction length"
 * @qualification: "Exit qualification"
 * @gpa: "Guest-physical address"
 * @gla: "Guest linear address"
 * @intr_info: "VM-exit interruption information"
 * @intr_error: "VM-exit interruption error code"
 * @idt_info: "IDT-vectoring information field"
 * @idt_error: "IDT-vectoring error code"
 * @insn_info: "VM-exit instruction information"
 * @interruptibility: guest "Interruptibility state"
 *
 * A field that the manual does not define for the reason reads as zero.
 */
struct minivmx_vmexit {
	__u32 reason;
	__u32 insn_len;
	__u64 qualification;
	__u64 gpa;
	__u64 gla;
	__u32 intr_info;
	__u32 intr_error;
	__u32 idt_info;
	__u32 idt_error;
	__u32 insn_info;
	__u32 interruptibility;
};

/**
 * struct minivmx_io - MINIVMX_EXIT_IO
 * @port: I/O port
 * @size: bytes of one access: 1, 2 or 4
 * @is_in: 1 for IN and INS, 0 for OUT and OUTS
 * @is_string: 1 for INS and OUTS
 * @count: accesses in this exit, all to @port; 1 if not REP. A longer REP
 *         comes in several exits.
 * @reserved: zero
 * @reserved2: zero
 * @data: OUT: the bytes; IN: to be filled before MINIVMX_SKIP
 */
struct minivmx_io {
	__u16 port;
	__u8 size;
	__u8 is_in;
	__u8 is_string;
	__u8 reserved[3];
	__u32 count;
	__u32 reserved2;
	__u8 data[MINIVMX_IO_BYTES];
};

/**
 * struct minivmx_mmio - MINIVMX_EXIT_MMIO
 * @gpa: guest-physical address, naturally aligned or not
 * @data: write: the bytes, lowest first; read: to be filled before SKIP
 * @size: bytes: 1, 2, 4 or 8; never beyond the end of the page
 * @is_write: 1 for a write
 * @reserved: zero
 *
 * One instruction may make several such exits (MOVS, read-modify-write,
 * an access over a page's end).
 */
struct minivmx_mmio {
	__u64 gpa;
	__u64 data;
	__u8 size;
	__u8 is_write;
	__u8 reserved[6];
};

/**
 * struct minivmx_entry_fail - MINIVMX_EXIT_ENTRY_FAIL
 * @vm_instruction_error: the VMCS field of that name if VMLAUNCH or VMRESUME
 *      itself failed; 0 if the entry failed later, with the exit reason (33,
 *      34 or 41) and qualification in the raw exit
 * @reserved: zero
 */
struct minivmx_entry_fail {
	__u32 vm_instruction_error;
	__u32 reserved;
};

/**
 * struct minivmx_memory - MINIVMX_EXIT_MEMORY
 * @gpa: guest-physical address of the access
 * @access: MINIVMX_PROT_* bits of the access
 * @error: a positive errno: EACCES if MAP or PROTECT does not grant it; else why
 *         the host has no page for it (EFAULT, EHWPOISON, ENOMEM)
 */
struct minivmx_memory {
	__u64 gpa;
	__u32 access;
	__u32 error;
};

/**
 * struct minivmx_insn - MINIVMX_EXIT_EMULATION
 * @gpa: guest-physical address that it touched
 * @len: bytes at @bytes that could be read
 * @reserved: zero
 * @bytes: the instruction
 */
struct minivmx_insn {
	__u64 gpa;
	__u8 len;
	__u8 reserved[6];
	__u8 bytes[17];
};

/**
 * struct minivmx_eoi - MINIVMX_EXIT_EOI: the guest has ended a level-triggered interrupt
 * @vector: of it
 * @reserved: zero
 *
 * What an I/O APIC hears, unless the guest has suppressed EOI broadcasts.
 */
struct minivmx_eoi {
	__u32 vector;
	__u32 reserved;
};

/**
 * struct minivmx_run - the run page of a vCPU, mmap()ed at offset 0
 * @action: in: MINIVMX_RETRY or MINIVMX_SKIP
 * @request: in: MINIVMX_REQ_*
 * @event: in: an event to deliver. An exception, NMI or SOFT* event takes the
 *         place of one that the exit cut off; an EXTINT waits in the module
 *         until the guest can take it. -EBUSY if such an event is still
 *         waiting. RUN clears @event.flags when it has taken it. A machine check
 *         (exception, vector 18) sets MCIP in IA32_MCG_STATUS; with CR4.MCE clear or
 *         MCIP set the CPU shuts down instead, and does not finish the instruction
 *         that exited. What the guest finds in the banks is set beforehand, see
 *         struct minivmx_msrs
 * @regs: in and out
 * @kind: out: MINIVMX_EXIT_*
 * @ready: out: MINIVMX_READY_*
 * @exit: out: the raw exit
 * @io: with MINIVMX_EXIT_IO
 * @mmio: with MINIVMX_EXIT_MMIO
 * @entry: with MINIVMX_EXIT_ENTRY_FAIL
 * @memory: with MINIVMX_EXIT_MEMORY
 * @insn: with MINIVMX_EXIT_EMULATION
 * @eoi: with MINIVMX_EXIT_EOI
 * @padding: room for what may come
 *
 * The page is read once when RUN starts and written once when it returns.
 * RIP is never advanced before RUN returns: it points at the instruction that
 * exited, and @action says what happens to it.
 */
struct minivmx_run {
	__u32 action;
	__u32 request;
	struct minivmx_event event;
	struct minivmx_regs regs;

	__u32 kind;
	__u32 ready;
	struct minivmx_vmexit exit;
	union {
		struct minivmx_io io;
		struct minivmx_mmio mmio;
		struct minivmx_entry_fail entry;
		struct minivmx_memory memory;
		struct minivmx_insn insn;
		struct minivmx_eoi eoi;
		__u8 padding[2048];
	};
};

/* ------------------------------------------------------------------ */
/* A vCPU: state                                                       */
/* ------------------------------------------------------------------ */

/**
 * struct minivmx_segment - a segment register, as the VMCS has it
 * @base: base address
 * @limit: limit in bytes
 * @access: "access rights" in the VMCS format (bit 16: unusable)
 * @selector: selector
 * @reserved: zero
 */
struct minivmx_segment {
	__u64 base;
	__u32 limit;
	__u32 access;
	__u16 selector;
	__u16 reserved[3];
};

/**
 * struct minivmx_table - GDTR or IDTR
 * @base: base address
 * @limit: limit in bytes, at most 0xffff
 * @reserved: zero
 */
struct minivmx_table {
	__u64 base;
	__u16 limit;
	__u16 reserved[3];
};

/**
 * struct minivmx_sregs - the system registers
 * @es: segment register
 * @cs: segment register
 * @ss: segment register
 * @ds: segment register
 * @fs: segment register
 * @gs: segment register
 * @ldtr: LDT register
 * @tr: task register
 * @gdtr: GDT register
 * @idtr: IDT register
 * @cr0: control register
 * @cr2: page-fault linear address
 * @cr3: page-table base
 * @cr4: control register
 * @cr8: task priority, 0 to 15
 * @efer: IA32_EFER
 * @xcr0: extended control register 0; 1 if there is no XSAVE
 * @dr0: breakpoint address
 * @dr1: breakpoint address
 * @dr2: breakpoint address
 * @dr3: breakpoint address
 * @dr6: debug status
 * @dr7: debug control
 * @pdpte: page-directory-pointer-table entries, used by PAE paging only
 *
 * Control registers are the guest's view of them. SET refuses bits the vCPU
 * cannot have with -EINVAL; combinations are judged by the CPU at entry.
 */
struct minivmx_sregs {
	struct minivmx_segment es, cs, ss, ds, fs, gs, ldtr, tr;
	struct minivmx_table gdtr, idtr;
	__u64 cr0, cr2, cr3, cr4, cr8;
	__u64 efer;
	__u64 xcr0;
	__u64 dr0, dr1, dr2, dr3, dr6, dr7;
	__u64 pdpte[4];
};

/**
 * struct minivmx_msr - one MSR
 * @index: ECX of RDMSR
 * @reserved: zero
 * @data: the value
 */
struct minivmx_msr {
	__u32 index;
	__u32 reserved;
	__u64 data;
};

/**
 * struct minivmx_msrs - argument of MINIVMX_GET_MSRS, MINIVMX_SET_MSRS
 * @nr: rows at @entries, at most MINIVMX_MAX_MSRS (-E2BIG)
 * @done: out: rows handled; the row after them is the one that was refused
 * @entries: address of struct minivmx_msr[@nr]
 *
 * -ENXIO for an MSR the vCPU does not have, -EINVAL for a value it refuses. SET refuses
 * what WRMSR does, but writes errors, too, into the machine-check banks (IA32_MCi_STATUS,
 * _ADDR, _MISC). Whether IA32_MCG_CTL and IA32_MCi_CTL let an error be reported is for the
 * program to see.
 */
struct minivmx_msrs {
	__u32 nr;
	__u32 done;
	__u64 entries;
};

/**
 * struct minivmx_xsave - argument of MINIVMX_GET_XSAVE, MINIVMX_SET_XSAVE
 * @addr: address of the XSAVE area in the manual's standard format
 * @size: bytes there; minivmx_info.xsave_size, -EINVAL otherwise
 * @reserved: zero
 *
 * Without XSAVE on the host it is the 512-byte FXSAVE area. SET refuses
 * reserved bits in MXCSR, XSTATE_BV and the header with -EINVAL.
 */
struct minivmx_xsave {
	__u64 addr;
	__u32 size;
	__u32 reserved;
};

/**
 * struct minivmx_events - argument of MINIVMX_GET_EVENTS, MINIVMX_SET_EVENTS
 * @event: the event that will be delivered at the next entry. A machine check here has
 *	   happened already: it is delivered, whatever CR4.MCE and MCIP are
 * @irq: an EXTINT that waits until the guest can take it
 * @nmi_pending: 1 if an NMI waits until the guest can take it
 * @interruptibility: guest "Interruptibility state" field: bits 0 (STI),
 *                    1 (MOV SS) and 3 (NMI)
 * @pending_debug: guest "Pending debug exceptions" field
 */
struct minivmx_events {
	struct minivmx_event event;
	struct minivmx_event irq;
	__u32 nmi_pending;
	__u32 interruptibility;
	__u64 pending_debug;
};

/* minivmx_apic.activity */
#define MINIVMX_ACTIVITY_RUNNING	0
#define MINIVMX_ACTIVITY_HALTED		1	/* until an interrupt or NMI comes */
#define MINIVMX_ACTIVITY_WAIT_FOR_SIPI	2

#define MINIVMX_APIC_SIZE	0x400	/* bytes of an APIC's registers */

/**
 * struct minivmx_apic - argument of MINIVMX_GET_APIC, MINIVMX_SET_APIC
 * @regs: pointer to MINIVMX_APIC_SIZE bytes: the registers at the offsets that they
 *	  have in the xAPIC page, in x2APIC mode, too ("Local APIC Register Address Map");
 *	  the current count goes on from what it is, bits that cannot be set are ignored
 * @base: IA32_APIC_BASE
 * @deadline: IA32_TSC_DEADLINE
 * @activity: MINIVMX_ACTIVITY_*
 * @errors: errors since the error status register was written, in its format
 * @reserved: zero
 *
 * -ENODEV if the VM has no APICs, -EINVAL for a base that is not valid and an unknown
 * activity.
 */
struct minivmx_apic {
	__u64 regs;
	__u64 base;
	__u64 deadline;
	__u32 activity;
	__u32 errors;
	__u64 reserved;
};

/**
 * struct minivmx_msi - argument of MINIVMX_SIGNAL_MSI: a message-signalled interrupt
 * @address: 0xfee00000 to 0xfeefffff, with the destination
 * @data: vector, delivery mode and trigger mode ("Message Signalled Interrupts")
 * @reserved: zero
 *
 * -ENODEV if the VM has no APICs, -EINVAL for another address. It is no error if the
 * message is for nobody, or has an illegal vector, of which its receivers take note.
 */
struct minivmx_msi {
	__u64 address;
	__u32 data;
	__u32 reserved;
};

/**
 * struct minivmx_gsi_route - what a global system interrupt is to the APICs
 * @address: of the message, as in struct minivmx_msi
 * @data: of the message
 * @gsi: its number
 */
struct minivmx_gsi_route {
	__u64 address;
	__u32 data;
	__u32 gsi;
};

/**
 * struct minivmx_gsi_routes - argument of MINIVMX_SET_GSI_ROUTES: all there are from now on
 * @routes: pointer to @nr of struct minivmx_gsi_route
 * @nr: how many; 0: none
 * @reserved: zero
 *
 * -ENODEV if the VM has no APICs, -E2BIG for more than MINIVMX_MAX_GSIS, -EINVAL for a
 * wild address or number, -EEXIST for a number twice. The old ones stay then.
 */
struct minivmx_gsi_routes {
	__u64 routes;
	__u32 nr;
	__u32 reserved;
};

/* minivmx_irqfd.flags, minivmx_ioeventfd.flags */
#define MINIVMX_EVENTFD_REMOVE	(1 << 0)	/* undo what was set up like this */
#define MINIVMX_IRQFD_RESAMPLE	(1 << 1)	/* level-triggered, with @resample_fd */
#define MINIVMX_IOEVENTFD_PIO	(1 << 1)	/* @address is a port, not memory */
#define MINIVMX_IOEVENTFD_DATA	(1 << 2)	/* only for a write of @data */

/**
 * struct minivmx_irqfd - argument of MINIVMX_IRQFD: an eventfd that interrupts
 * @fd: eventfd; each time it is signalled the message of @gsi is sent. Without a route
 *	nothing is
 * @resample_fd: with MINIVMX_IRQFD_RESAMPLE an eventfd that is signalled when the guest
 *	has ended the interrupt, to look whether its source still asks for one. The
 *	route's message is to be a level-triggered one. Zero otherwise
 * @gsi: global system interrupt
 * @flags: MINIVMX_EVENTFD_REMOVE, MINIVMX_IRQFD_RESAMPLE
 *
 * The descriptors may be closed afterwards; that of @fd's last user ends the irqfd.
 * -ENODEV if the VM has no APICs, -EBADF or -EINVAL for what is no eventfd, -EEXIST if it
 * is one already, -ENOENT if there is none to remove, -ENOSPC if there are too many.
 */
struct minivmx_irqfd {
	__s32 fd;
	__s32 resample_fd;
	__u32 gsi;
	__u32 flags;
};

/**
 * struct minivmx_ioeventfd - argument of MINIVMX_IOEVENTFD: a write that signals an eventfd
 * @address: port or guest-physical address, of memory that is not mapped
 * @data: with MINIVMX_IOEVENTFD_DATA the value, of @size bytes
 * @size: of the write in bytes, 1, 2, 4 or 8 (not for a port); 0: any
 * @fd: eventfd, signalled in the place of the exit to the program
 * @flags: MINIVMX_EVENTFD_REMOVE, MINIVMX_IOEVENTFD_*
 * @reserved: zero
 *
 * String instructions exit all the same. Errors as of MINIVMX_IRQFD, but no APICs are
 * needed.
 */
struct minivmx_ioeventfd {
	__u64 address;
	__u64 data;
	__u32 size;
	__s32 fd;
	__u32 flags;
	__u32 reserved;
};

/**
 * struct minivmx_exit_stat - what one basic exit reason cost
 * @count: exits
 * @to_user: those of them that went on to userspace
 * @ticks: TSC ticks from these exits to the entries that followed, userspace
 *         included; 0 unless MINIVMX_STATS_TICKS is on
 * @worst: the largest single one of those
 */
struct minivmx_exit_stat {
	__u64 count;
	__u64 to_user;
	__u64 ticks;
	__u64 worst;
};

/* minivmx_stats.flags */
#define MINIVMX_STATS_TICKS	(1 << 0)	/* measure ticks from now on */

/**
 * struct minivmx_stats - argument of MINIVMX_GET_STATS
 * @flags: in: MINIVMX_STATS_*, in force from now on
 * @nr: in: rows at @exits, at most MINIVMX_NR_EXITS (-E2BIG)
 * @exits: address of struct minivmx_exit_stat[@nr], indexed by basic reason
 */
struct minivmx_stats {
	__u32 flags;
	__u32 nr;
	__u64 exits;
};

/**
 * struct minivmx_vmcs_field - one field of a vCPU's VMCS
 * @encoding: the manual's ("Field Encoding in VMCS"), of the whole field
 * @result: out: 0, or why it was refused, a positive errno
 * @value: its value
 * @refused: out (SET): the bits to blame
 *
 * ENOENT: the manual has no such field. ENODEV: this CPU does not have it.
 * SET only: EACCES: it has exit information and is read-only. ERANGE: @value is
 * wider than the field. EPERM: the bits in @refused, which @value would change, are
 * the module's. EINVAL: this CPU cannot have the bits in @refused that way (its
 * capability MSR).
 */
struct minivmx_vmcs_field {
	__u32 encoding;
	__u32 result;
	__u64 value;
	__u64 refused;
};

/**
 * struct minivmx_vmcs - argument of MINIVMX_GET_VMCS, MINIVMX_SET_VMCS
 * @nr: rows at @fields, at most MINIVMX_MAX_FIELDS (-E2BIG)
 * @done: out: @nr, or the first row that SET refused
 * @fields: address of struct minivmx_vmcs_field[@nr]
 *
 * Both work from any process that has the descriptor. GET fails for no field: each
 * has its @result. The host's fields and physical addresses read as zero without
 * CAP_SYS_ADMIN. SET writes all rows or, if one is refused, none, and fails with its
 * @result; every row has its own @result then.
 *
 * SET may write all that is the guest's, and controls that take something from the
 * guest: module/fields.def and module/controls.def say which. The CPU judges the
 * values at the next entry (MINIVMX_EXIT_ENTRY_FAIL). RIP, RSP and RFLAGS are
 * changed in the run page, too. A valid VM-entry interruption-information field is
 * delivered at the next entry, unless an event of the run page is. The VMX-preemption
 * timer may be set to less than a new vCPU has; each entry starts it anew, and its exit
 * comes to the program by MINIVMX_SET_ROUTE.
 */
struct minivmx_vmcs {
	__u32 nr;
	__u32 done;
	__u64 fields;
};

/* minivmx_route.route, minivmx_msr_route.route: who handles an exit */
#define MINIVMX_ROUTE_KERNEL	0	/* the module, as it does by default */
#define MINIVMX_ROUTE_USER	1	/* the program: MINIVMX_EXIT_VMX */
#define MINIVMX_ROUTE_PASS	2	/* MSRs: nobody, the guest uses the CPU's */
#define MINIVMX_ROUTE_GP	3	/* MSRs: the guest gets #GP(0) */
#define MINIVMX_ROUTE_ENOSYS	4	/* VMCALL: nobody, RAX gets -ENOSYS, whatever was called */

/**
 * struct minivmx_route - argument of MINIVMX_SET_ROUTE
 * @reason: basic exit reason
 * @route: MINIVMX_ROUTE_KERNEL, MINIVMX_ROUTE_USER or, for VMCALL (18) alone,
 *	   MINIVMX_ROUTE_ENOSYS
 *
 * With MINIVMX_ROUTE_USER each such exit returns from RUN with kind MINIVMX_EXIT_VMX
 * and no more than the raw exit. The program finishes the instruction by setting
 * registers and MINIVMX_SKIP, or injects an event and lets it be retried. Reason 0
 * means exceptions that exit; NMIs and machine checks remain the host's.
 *
 * -EINVAL for another route, -ENOENT if the manual has no such reason, -EPERM for one
 * that is the host's or cannot be handled by a program (exits.def: no ROUTE).
 */
struct minivmx_route {
	__u32 reason;
	__u32 route;
};

/* minivmx_msr_route.access */
#define MINIVMX_MSR_READ	(1 << 0)
#define MINIVMX_MSR_WRITE	(1 << 1)

/**
 * struct minivmx_msr_route - argument of MINIVMX_SET_MSR_ROUTE
 * @first: first MSR
 * @last: last MSR
 * @access: MINIVMX_MSR_*: which accesses
 * @route: MINIVMX_ROUTE_*
 *
 * By default the MSRs that VMX switches pass and the module handles the others. A
 * route takes the place of earlier ones in its range. To the program the exit is a
 * raw RDMSR (31) or WRMSR (32), with the MSR in RCX.
 *
 * -EINVAL for an unknown route or access or a range that ends before it begins,
 * -EPERM if MINIVMX_ROUTE_PASS is asked for an MSR that VMX does not switch, -ENOSPC
 * if there are MINIVMX_MAX_MSR_ROUTES already.
 */
struct minivmx_msr_route {
	__u32 first;
	__u32 last;
	__u32 access;
	__u32 route;
};

/* Limits of minivmx_set_ring.nr, and where the ring is in mmap() */
#define MINIVMX_MIN_RECORDS	64
#define MINIVMX_MAX_RECORDS	65536
#define MINIVMX_RING_OFFSET	4096

/**
 * struct minivmx_set_ring - argument of MINIVMX_SET_RING
 * @nr: records in the vCPU's ring, a power of two from MINIVMX_MIN_RECORDS to
 *	MINIVMX_MAX_RECORDS (-EINVAL); 0 turns recording off
 * @reserved: zero
 *
 * From then on each exit leaves a struct minivmx_record in the ring, which any
 * process that has the descriptor maps with mmap(), read-only (-EACCES), shared, at
 * offset MINIVMX_RING_OFFSET, with exactly 4096 bytes and those of the records,
 * rounded up to 4096 (-EINVAL; -ENXIO if there is no ring). -EBUSY if there is a
 * ring of another size. A mapping outlives its ring, but no more is recorded there.
 * A record costs an exit some 32 instructions (CPUID on the testbed: 211 without a
 * ring, 243 with one).
 */
struct minivmx_set_ring {
	__u32 nr;
	__u32 reserved;
};

/* minivmx_record.handler */
#define MINIVMX_HANDLED_AT_ONCE	 0	/* by the module, interrupts off */
#define MINIVMX_HANDLED_SLEEPING 1	/* by the module, where it may sleep */
#define MINIVMX_HANDLED_BY_USER	 2	/* by the program: RUN returned */

/**
 * struct minivmx_record - one exit
 * @number: counts exits from 1 since the ring was made; 0 while it is written
 * @exit_ticks: TSC at the exit
 * @entry_ticks: TSC at the entry that followed, 0 until then
 * @rip: "Guest RIP"
 * @qualification: "Exit qualification", as in struct minivmx_vmexit
 * @gpa: "Guest-physical address", likewise
 * @reason: "Exit reason"
 * @handler: MINIVMX_HANDLED_*
 * @reserved: zero
 */
struct minivmx_record {
	__u64 number;
	__u64 exit_ticks;
	__u64 entry_ticks;
	__u64 rip;
	__u64 qualification;
	__u64 gpa;
	__u32 reason;
	__u32 handler;
	__u64 reserved;
};

/**
 * struct minivmx_ring - the ring as it is mapped: this, and then the records
 * @head: number of the newest record; it is MINIVMX_RECORDS(ring)[(@head - 1) % @nr]
 * @nr: records there is room for
 * @reserved: zero
 *
 * To read record n, see that its number is n, copy it, and see that its number
 * still is: if not, it was overtaken and is lost. Of all before @head - @nr + 1 that
 * is known beforehand.
 */
struct minivmx_ring {
	__u64 head;
	__u32 nr;
	__u32 reserved[1021];
};

#define MINIVMX_RECORDS(ring)	((struct minivmx_record *)((ring) + 1))

/* ------------------------------------------------------------------ */
/* The ioctls                                                          */
/* ------------------------------------------------------------------ */

#define MINIVMX_IOC	0xB7

/* of /dev/minivmx */
#define MINIVMX_GET_INFO	_IOR(MINIVMX_IOC, 0x00, struct minivmx_info)
/* The CPUID answers this host can back; a new vCPU starts with them. */
#define MINIVMX_GET_SUPPORTED_CPUID \
				_IOWR(MINIVMX_IOC, 0x01, struct minivmx_cpuid)
/* Returns a VM descriptor. -EBUSY if another hypervisor has VMX. */
#define MINIVMX_CREATE_VM	_IOW(MINIVMX_IOC, 0x02, struct minivmx_create_vm)
/* What VMX can do on the CPU that loaded the module. */
#define MINIVMX_GET_CAPS	_IOR(MINIVMX_IOC, 0x03, struct minivmx_caps)
/* Which bugs of the CPU there are, and what is done about them. */
#define MINIVMX_GET_MITIGATIONS	_IOR(MINIVMX_IOC, 0x04, struct minivmx_mitigations)

/* of a VM */
/* Returns a vCPU descriptor. */
#define MINIVMX_CREATE_VCPU	_IOW(MINIVMX_IOC, 0x10, struct minivmx_create_vcpu)
#define MINIVMX_MAP_MEMORY	_IOW(MINIVMX_IOC, 0x11, struct minivmx_map)
#define MINIVMX_UNMAP_MEMORY	_IOW(MINIVMX_IOC, 0x12, struct minivmx_map)
#define MINIVMX_PROTECT_MEMORY	_IOW(MINIVMX_IOC, 0x13, struct minivmx_protect)
#define MINIVMX_WALK_EPT	_IOWR(MINIVMX_IOC, 0x14, struct minivmx_walk)
#define MINIVMX_HARVEST_PAGES	_IOW(MINIVMX_IOC, 0x15, struct minivmx_harvest)
#define MINIVMX_DIRTY_LOG	_IOW(MINIVMX_IOC, 0x16, struct minivmx_dirty_log)
#define MINIVMX_GET_DIRTY_LOG	_IOW(MINIVMX_IOC, 0x17, struct minivmx_dirty_bitmap)
/* From any thread; never waits. */
#define MINIVMX_SIGNAL_MSI	_IOW(MINIVMX_IOC, 0x18, struct minivmx_msi)
#define MINIVMX_SET_GSI_ROUTES	_IOW(MINIVMX_IOC, 0x19, struct minivmx_gsi_routes)
#define MINIVMX_IRQFD		_IOW(MINIVMX_IOC, 0x1a, struct minivmx_irqfd)
#define MINIVMX_IOEVENTFD	_IOW(MINIVMX_IOC, 0x1b, struct minivmx_ioeventfd)

/**
 * DOC: The ioctls of a vCPU
 *
 * RUN enters the guest and returns 0 when an exit needs the program, or
 * -EINTR (kind MINIVMX_EXIT_INTR) when a signal is pending. In both cases the
 * page was read and written: a SKIP is done, an event is taken. Kind
 * MINIVMX_EXIT_INTR may come at any time, also when the host needs the thread
 * for work of its own: run again with MINIVMX_RETRY.
 *
 * Refusals, which leave page and vCPU as they were: -EBUSY if another thread
 * runs this vCPU or an event is in the way, -ENXIO if the run page was never
 * mapped, -EINVAL for an unknown action, request or event.
 * -ENODEV: the thread is on a CPU that came online later and cannot run guests
 * (the kernel log says what it lacks). RUN goes on elsewhere with MINIVMX_RETRY.
 * While the host is suspended RUN and the others sleep.
 *
 * KICK makes the current RUN, or if there is none the next one, return 0 with
 * kind MINIVMX_EXIT_INTR. It may be called from any thread and never waits.
 *
 * The others work while the vCPU runs, too, between two of its exits: RUN lends
 * the vCPU to other threads. They fail with -ENODEV as RUN.
 */
/* of a vCPU */
#define MINIVMX_RUN		_IO(MINIVMX_IOC, 0x20)
#define MINIVMX_KICK		_IO(MINIVMX_IOC, 0x21)
#define MINIVMX_GET_SREGS	_IOR(MINIVMX_IOC, 0x22, struct minivmx_sregs)
#define MINIVMX_SET_SREGS	_IOW(MINIVMX_IOC, 0x23, struct minivmx_sregs)
#define MINIVMX_GET_MSRS	_IOWR(MINIVMX_IOC, 0x24, struct minivmx_msrs)
#define MINIVMX_SET_MSRS	_IOWR(MINIVMX_IOC, 0x25, struct minivmx_msrs)
#define MINIVMX_GET_CPUID	_IOWR(MINIVMX_IOC, 0x26, struct minivmx_cpuid)
#define MINIVMX_SET_CPUID	_IOW(MINIVMX_IOC, 0x27, struct minivmx_cpuid)
#define MINIVMX_GET_XSAVE	_IOW(MINIVMX_IOC, 0x28, struct minivmx_xsave)
#define MINIVMX_SET_XSAVE	_IOW(MINIVMX_IOC, 0x29, struct minivmx_xsave)
#define MINIVMX_GET_EVENTS	_IOR(MINIVMX_IOC, 0x2a, struct minivmx_events)
#define MINIVMX_SET_EVENTS	_IOW(MINIVMX_IOC, 0x2b, struct minivmx_events)
#define MINIVMX_GET_STATS	_IOW(MINIVMX_IOC, 0x2c, struct minivmx_stats)
#define MINIVMX_GET_VMCS	_IOWR(MINIVMX_IOC, 0x2d, struct minivmx_vmcs)
#define MINIVMX_SET_VMCS	_IOWR(MINIVMX_IOC, 0x2e, struct minivmx_vmcs)
#define MINIVMX_SET_ROUTE	_IOW(MINIVMX_IOC, 0x2f, struct minivmx_route)
#define MINIVMX_SET_MSR_ROUTE	_IOW(MINIVMX_IOC, 0x30, struct minivmx_msr_route)
#define MINIVMX_SET_RING	_IOW(MINIVMX_IOC, 0x31, struct minivmx_set_ring)
#define MINIVMX_GET_APIC	_IOWR(MINIVMX_IOC, 0x32, struct minivmx_apic)
#define MINIVMX_SET_APIC	_IOW(MINIVMX_IOC, 0x33, struct minivmx_apic)

/* The layout is the interface. */
#ifdef __cplusplus
#define MINIVMX_ASSERT_SIZE(s, n) static_assert(sizeof(struct s) == (n), #s)
#else
#define MINIVMX_ASSERT_SIZE(s, n) _Static_assert(sizeof(struct s) == (n), #s)
#endif
MINIVMX_ASSERT_SIZE(minivmx_info, 40);
MINIVMX_ASSERT_SIZE(minivmx_mitigations, 24);
MINIVMX_ASSERT_SIZE(minivmx_caps, 168);
MINIVMX_ASSERT_SIZE(minivmx_create_vm, 8);
MINIVMX_ASSERT_SIZE(minivmx_cpuid_entry, 32);
MINIVMX_ASSERT_SIZE(minivmx_cpuid, 16);
MINIVMX_ASSERT_SIZE(minivmx_create_vcpu, 8);
MINIVMX_ASSERT_SIZE(minivmx_map, 32);
MINIVMX_ASSERT_SIZE(minivmx_protect, 24);
MINIVMX_ASSERT_SIZE(minivmx_walk, 56);
MINIVMX_ASSERT_SIZE(minivmx_harvest, 32);
MINIVMX_ASSERT_SIZE(minivmx_dirty_log, 24);
MINIVMX_ASSERT_SIZE(minivmx_dirty_bitmap, 24);
MINIVMX_ASSERT_SIZE(minivmx_regs, 144);
MINIVMX_ASSERT_SIZE(minivmx_event, 16);
MINIVMX_ASSERT_SIZE(minivmx_vmexit, 56);
MINIVMX_ASSERT_SIZE(minivmx_io, 16 + MINIVMX_IO_BYTES);
MINIVMX_ASSERT_SIZE(minivmx_mmio, 24);
MINIVMX_ASSERT_SIZE(minivmx_entry_fail, 8);
MINIVMX_ASSERT_SIZE(minivmx_memory, 16);
MINIVMX_ASSERT_SIZE(minivmx_insn, 32);
MINIVMX_ASSERT_SIZE(minivmx_eoi, 8);
MINIVMX_ASSERT_SIZE(minivmx_run, 2280);
MINIVMX_ASSERT_SIZE(minivmx_segment, 24);
MINIVMX_ASSERT_SIZE(minivmx_table, 16);
MINIVMX_ASSERT_SIZE(minivmx_sregs, 360);
MINIVMX_ASSERT_SIZE(minivmx_msr, 16);
MINIVMX_ASSERT_SIZE(minivmx_msrs, 16);
MINIVMX_ASSERT_SIZE(minivmx_xsave, 16);
MINIVMX_ASSERT_SIZE(minivmx_events, 48);
MINIVMX_ASSERT_SIZE(minivmx_apic, 40);
MINIVMX_ASSERT_SIZE(minivmx_msi, 16);
MINIVMX_ASSERT_SIZE(minivmx_gsi_route, 16);
MINIVMX_ASSERT_SIZE(minivmx_gsi_routes, 16);
MINIVMX_ASSERT_SIZE(minivmx_irqfd, 16);
MINIVMX_ASSERT_SIZE(minivmx_ioeventfd, 32);
MINIVMX_ASSERT_SIZE(minivmx_exit_stat, 32);
MINIVMX_ASSERT_SIZE(minivmx_stats, 16);
MINIVMX_ASSERT_SIZE(minivmx_vmcs_field, 24);
MINIVMX_ASSERT_SIZE(minivmx_vmcs, 16);
MINIVMX_ASSERT_SIZE(minivmx_route, 8);
MINIVMX_ASSERT_SIZE(minivmx_msr_route, 16);
MINIVMX_ASSERT_SIZE(minivmx_set_ring, 8);
MINIVMX_ASSERT_SIZE(minivmx_record, 64);
MINIVMX_ASSERT_SIZE(minivmx_ring, 4096);
#undef MINIVMX_ASSERT_SIZE

#endif /* _UAPI_MINIVMX_H */
