/* SPDX-License-Identifier: GPL-2.0 */
/* A virtual CPU: what it is, and the verbs that the other files share. */
#ifndef MINIVMX_VCPU_H
#define MINIVMX_VCPU_H

#include <linux/mutex.h>
#include <linux/smp.h>
#include <linux/types.h>
#include <linux/wait.h>

#include "../uapi/minivmx.h"
#include "ept.h"
#include "hw.h"
#include "mce.h"
#include "mtrr.h"
#include "pvclock.h"
#include "vm.h"
#include "vmcs.h"

/*
 * What enter.S sees, at fixed offsets: the registers in the order of their
 * numbers, the stack pointer that the VMCS has as host RSP, and IA32_SPEC_CTRL as the
 * host had it, for mitigate_ibrs.
 */
struct guest_regs {
	union {
		struct minivmx_regs r;
		u64 gpr[16];
	};
	u64 host_rsp;
	u64 host_spec_ctrl;
};

static_assert(offsetof(struct guest_regs, host_rsp) == 144);
static_assert(offsetof(struct guest_regs, host_spec_ctrl) == 152);

enum {
	GPR_RAX, GPR_RCX, GPR_RDX, GPR_RBX, GPR_RSP, GPR_RBP, GPR_RSI, GPR_RDI,
};

/* vcpu->interruptibility: what lasts for one instruction. */
#define INTERRUPT_SHADOW	(GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS)

/* vcpu->cached: registers in the VMCS whose copy here is valid. */
#define CACHE_RSP		BIT(0)
#define CACHE_RFLAGS		BIT(1)
#define CACHE_INTERRUPTIBILITY	BIT(2)
#define CACHE_ALL		(CACHE_RSP | CACHE_RFLAGS | CACHE_INTERRUPTIBILITY)

/* vcpu->dirty: copies here that the VMCS must get before the next entry. */
#define DIRTY_RIP		BIT(0)
#define DIRTY_RSP		BIT(1)
#define DIRTY_RFLAGS		BIT(2)
#define DIRTY_INTERRUPTIBILITY	BIT(3)
#define DIRTY_DEBUG		BIT(4)	/* DR7, DEBUGCTL */
#define DIRTY_CPU2		BIT(5)	/* secondary controls */
#define DIRTY_PML_INDEX		BIT(6)	/* to start at the top again */
#define DIRTY_TIMER		BIT(7)	/* the VMX-preemption timer: @timer_limit again */

#define TIMER_NONE		U64_MAX	/* vcpu->timer_at */

/* vcpu->requests: bit numbers; any of them keeps the vCPU from entering. */
enum vcpu_request {
	REQ_KICK,	/* MINIVMX_KICK: return to userspace */
	REQ_LEND,	/* another thread waits for the mutex */
	REQ_DEAD,	/* the VM was killed */
	REQ_PML,	/* there is a dirty log, or none any more: dirty.c */
	REQ_APIC,	/* something was posted to its APIC: apic.c */
	REQ_INIT,	/* an INIT or a SIPI among it */
	REQ_EOI,	/* return to userspace with MINIVMX_EXIT_EOI */
	REQ_PVCLOCK,	/* a record of its clock is to be written: pvclock.c */
	REQ_APIC_PAGE,	/* its APIC has come to its page, or left it: apicv.c */
};

/* What to do after an exit. */
enum run_action {
	RUN_RESUME,	/* enter again at once */
	RUN_IRQS,	/* let interrupts in, then enter again */
	RUN_SLEEP,	/* call the handler again where it may sleep */
	RUN_TO_USER,	/* leave: vcpu->kind and its union are filled in */
};

/* An instruction in the middle of its exits to userspace (io.c, mmio.c). */
enum vcpu_pending {
	PENDING_NONE,
	PENDING_INSN,	/* SKIP only moves RIP */
	PENDING_HLT,	/* and halts, if there is an APIC to wake it */
	PENDING_IO,
	PENDING_MMIO,
};

/* The MSRs that the guest uses directly and VMX does not switch (host.c). */
enum {
	SWITCH_STAR, SWITCH_LSTAR, SWITCH_CSTAR, SWITCH_FMASK,
	SWITCH_KERNEL_GS_BASE, SWITCH_TSC_AUX, NR_SWITCH_MSRS,
};

/**
 * struct host_state - the host's values while the guest's are in the CPU
 * @msr: by SWITCH_*
 * @fs_base: the thread's FS base
 * @cr3: the thread's page tables
 * @ds: the thread's DS selector, loaded again if it is not null
 * @es: likewise
 * @fs: likewise
 * @gs: likewise
 * @ldt: LDT selector, likewise
 * @gdt: pseudo-descriptor of the GDT, whose limit an exit sets to 0xffff
 * @vmcs_cr3: what the VMCS has as host CR3
 * @vmcs_cr4: what the VMCS has as host CR4
 * @vmcs_fs_base: what the VMCS has as host FS base
 * @vmcs_perf_global: what the VMCS has as host IA32_PERF_GLOBAL_CTRL
 * @xcr0: see host_xcr0(); constant
 * @debugctl: IA32_DEBUGCTL, found when interrupts went off
 * @dr7: likewise
 * @dr: DR0 to DR3, found at the last entry with guest breakpoints
 */
struct host_state {
	u64 msr[NR_SWITCH_MSRS];
	u64 fs_base;
	u64 cr3;
	u16 ds, es, fs, gs, ldt;
	struct {
		u16 limit;
		u64 base;
	} __packed gdt;

	u64 vmcs_cr3;
	u64 vmcs_cr4;
	u64 vmcs_fs_base;
	u64 vmcs_perf_global;
	u64 xcr0;
	u64 debugctl;
	u64 dr7;
	u64 dr[4];
};

/* The union of the run page, decoded exits. */
union vcpu_exit_data {
	struct minivmx_io io;
	struct minivmx_mmio mmio;
	struct minivmx_entry_fail entry;
	struct minivmx_memory memory;
	struct minivmx_insn insn;
	struct minivmx_eoi eoi;
};

struct apic;
struct exit_ring;
struct exit_row;
struct fpu_area;
struct mmio_state;

/**
 * struct vcpu - a virtual CPU
 * @vm: its VM, which frees it
 * @id: its number in the VM, the initial APIC id
 * @vpid: tag of its TLB entries
 * @mutex: held by RUN, and by whoever reads or changes state: RUN lends it
 *	   between two exits. Only RUN touches the program's memory or waits for
 *	   anything but a suspend while it holds it, so that the others cannot
 *	   hold RUN up
 * @unlocked: threads that wait for @mutex
 * @borrowers: those of them that RUN has to let in first
 * @running: bit 0: a thread is in RUN
 *
 * @requests: BIT(REQ_*), any context
 * @wakeup: where RUN sleeps until there is one (apic.c)
 * @in_guest: between the recheck of @requests and the exit
 * @run_cpu: where, valid while @in_guest
 * @kick: the IPI of vcpu_request()
 *
 * The rest is under @mutex.
 *
 * @regs: registers; RSP, RFLAGS valid if @cached, RIP always
 * @interruptibility: the VMCS field, valid if @cached
 * @cached: CACHE_*
 * @dirty: DIRTY_*
 * @vmcs: its VMCS
 * @host: see struct host_state
 * @loaded: guest MSRs, FPU and segments are in the CPU,
 * @syscall_loaded: and those of SYSCALL, too
 * @l1d_flush: data of others may be in the L1 data cache (mitigate.c)
 * @switches: how often the thread had been scheduled away when that was last looked at
 * @may_sleep: the handler runs with interrupts on and the VMCS not loaded
 *
 * @cpu_ctls: primary processor-based controls as the VMCS has them
 * @cpu2_ctls: secondary processor-based controls as the VMCS has or gets them
 * @entry_ctls: VM-entry controls as the VMCS has them
 * @timer_limit: the VMX-preemption timer is never longer: the watchdog, or what the program
 *		 has made it
 * @timer_at: host TSC at which the CPU has to end the APIC's timer (TIMER_NONE: no need): RUN
 *	      has the VMX-preemption timer do so, and a timer of the host's while it sleeps
 * @cr0: guest's view, but for the bits that it owns: the read shadow
 * @cr0_mask: the guest/host mask: bits that the guest does not own
 * @cr2: guest's, in the CPU during an entry
 * @cr4: likewise
 * @cr4_mask: likewise
 * @cr8: guest's, if it has no APIC
 * @efer: guest's, as the VMCS has it
 * @xcr0: guest's, in the CPU during an entry
 * @dr: guest's DR0 to DR3, in the CPU during an entry if DR7 uses them
 * @dr6: guest's, never in the CPU
 * @dr7: guest's, as the VMCS has it
 * @msr: values of the switched MSRs, the CPU's own while @loaded
 * @misc_enable: guest's IA32_MISC_ENABLE
 * @tsc_adjust: guest's IA32_TSC_ADJUST
 * @debugctl: guest's IA32_DEBUGCTL, as the VMCS has it
 * @mtrrs: guest's MTRRs
 * @mce: guest's machine-check MSRs
 * @clock: guest's paravirtual clock
 *
 * @apic: its local APIC, or NULL
 *
 * @event: delivered at the next entry
 * @irq: an external interrupt that waits until the guest can take it
 * @nmi_pending: an NMI waits until the guest can take it
 * @events_waiting: any of those, or a window asked for: see inject_events()
 * @windows: MINIVMX_REQ_*_WINDOW of this RUN
 *
 * @exit: snapshot of the last exit's information
 * @exit_row: what to do about it
 * @kind: MINIVMX_EXIT_* for the run page
 * @data: the member of the run page's union that goes with @kind
 *
 * @pending: what SKIP has to finish
 * @mmio: an instruction under way (exit_mmio.c)
 * @ept_cache: pages for the EPT, got before its lock is taken
 * @pml: the page-modification log, NULL if it is not used; any thread takes
 *	 entries out (dirty.c)
 * @fpu: XSAVE area
 * @msr_bitmap: the page that the VMCS points to
 * @routes: by basic exit reason, MINIVMX_ROUTE_*: who handles it
 * @exceptions_to_user: likewise, exceptions
 * @msr_routes: where accesses to MSRs go; a later one counts before an earlier
 * @nr_msr_routes: how many
 * @cpuid: what CPUID answers
 * @nr_cpuid: rows of it
 *
 * @run: the run page
 * @run_mapped: it was mapped at some time
 *
 * @timed: @stat_ticks or @ring: exits and entries are timed
 * @stat_ticks: measure ticks (MINIVMX_STATS_TICKS)
 * @exit_tsc: TSC at the last exit, 0 once it is accounted
 * @exit_reason: basic reason of the last exit, an index of @stats
 * @stats: by basic exit reason
 * @ring: exit records, or NULL
 * @ring_lock: @ring, for whoever does not hold @mutex
 */
struct vcpu {
	struct vm *vm;
	u32 id;
	u16 vpid;
	struct mutex mutex;
	wait_queue_head_t unlocked;
	atomic_t borrowers;
	unsigned long running;

	unsigned long requests;
	wait_queue_head_t wakeup;
	bool in_guest;
	int run_cpu;
	call_single_data_t kick;

	struct guest_regs regs;
	u32 interruptibility;
	unsigned long cached;
	unsigned long dirty;

	struct vmcs_region vmcs;
	struct host_state host;
	bool loaded;
	bool syscall_loaded;
	bool l1d_flush;
	unsigned long switches;
	bool may_sleep;

	u32 cpu_ctls;
	u32 cpu2_ctls;
	u32 entry_ctls;
	u32 timer_limit;
	u64 timer_at;
	u64 cr0, cr2, cr4, cr8;
	u64 cr0_mask, cr4_mask;
	u64 efer;
	u64 xcr0;
	u64 dr[4], dr6, dr7;
	u64 msr[NR_SWITCH_MSRS];
	u64 misc_enable, tsc_adjust, debugctl;
	struct mtrrs mtrrs;
	struct mce_msrs mce;
	struct pvclock clock;

	struct apic *apic;

	struct minivmx_event event;
	struct minivmx_event irq;
	bool nmi_pending;
	bool events_waiting;
	u32 windows;

	struct minivmx_vmexit exit;
	const struct exit_row *exit_row;
	u32 kind;
	union vcpu_exit_data data;

	enum vcpu_pending pending;
	struct mmio_state *mmio;
	struct ept_cache ept_cache;
	u64 *pml;

	struct fpu_area *fpu;
	unsigned long *msr_bitmap;

	u8 routes[MINIVMX_NR_EXITS];
	bool exceptions_to_user;
	struct minivmx_msr_route msr_routes[MINIVMX_MAX_MSR_ROUTES];
	unsigned int nr_msr_routes;

	struct minivmx_cpuid_entry *cpuid;
	unsigned int nr_cpuid;

	struct minivmx_run *run;
	bool run_mapped;

	bool timed;
	bool stat_ticks;
	u64 exit_tsc;
	u32 exit_reason;
	struct minivmx_exit_stat *stats;

	struct exit_ring *ring;
	spinlock_t ring_lock;
};

static inline void vcpu_update_timed(struct vcpu *vcpu)
{
	vcpu->timed = vcpu->stat_ticks || vcpu->ring;
	if (!vcpu->timed)
		vcpu->exit_tsc = 0;
}

/* vcpu.c: life */
struct vcpu *vcpu_create(struct vm *vm, u32 id);
void vcpu_free(struct vcpu *vcpu);
/* Set a request and make the vCPU notice. Any context, any thread. */
void vcpu_request(struct vcpu *vcpu, enum vcpu_request request);
/* As by INIT: registers and segments, but not the FPU, nor MSRs. VMCS loaded. */
void vcpu_reset(struct vcpu *vcpu);
/* The guest's TSC goes by another offset. VMCS loaded. */
void vcpu_tsc_moved(struct vcpu *vcpu);
/* Zeroed pages, counted; freeing NULL does nothing. */
void *vcpu_page_alloc(void);
void vcpu_page_free(void *page);

/*
 * A pair: hold the mutex, which a RUN lends within one exit. -EINTR if the process
 * was killed meanwhile. In between nothing may touch the program's memory.
 */
int vcpu_lock(struct vcpu *vcpu);
void vcpu_unlock(struct vcpu *vcpu);
/* The same for RUN itself; false if another thread is in it. */
bool vcpu_lock_for_run(struct vcpu *vcpu);
void vcpu_unlock_after_run(struct vcpu *vcpu);
/* In RUN: let those have the mutex who wait for it. */
void vcpu_lend(struct vcpu *vcpu);

/*
 * A pair, with the mutex held: the VMCS is current in between, interrupts off. May
 * sleep before, through a suspend. -ENODEV if this CPU cannot run guests, -EIO if
 * the VM is dead, -EINTR if the process was killed.
 */
int vcpu_load(struct vcpu *vcpu);
void vcpu_put(struct vcpu *vcpu);
/* Both pairs in one, with the errors of both. */
int vcpu_borrow(struct vcpu *vcpu);
void vcpu_return(struct vcpu *vcpu);
/* Where interrupts are off already; see hw_vmcs_claim(), hw_vmcs_load(). */
int vcpu_load_here(struct vcpu *vcpu);

/*
 * Exceptions that exit in any case. A guest can make #DB and #AC recur without end
 * during their own delivery, in which no interrupt would get in; #MC is the host's.
 */
#define EXCEPTIONS_EXITING	(BIT(1) | BIT(17) | BIT(18))

/* vmcs_init.c: the constant part of a VMCS, and the state after reset */
void vmcs_init(struct vcpu *vcpu);
void vmcs_init_guest(struct vcpu *vcpu);
/* Leave the guest after so many ticks of the TSC or soon after, but not after @timer_limit. */
void vmcs_set_timer(struct vcpu *vcpu, u64 ticks);
/* The VMX-preemption timer of a new VMCS, the largest that it may have. */
u32 vmcs_watchdog(void);
/* Host state that differs from CPU to CPU. */
void vmcs_init_host_cpu(void);

/* run.c */
int vcpu_run(struct vcpu *vcpu);
/* Fill the snapshot's copies of what the VMCS has. VMCS loaded. */
void vcpu_cache_all(struct vcpu *vcpu);
/* The other way: the VMCS gets what is newer here. VMCS loaded. */
void vcpu_write_dirty(struct vcpu *vcpu);

/* Registers in the VMCS, through their copies. VMCS loaded or all cached. */
static inline u64 vcpu_rflags(struct vcpu *vcpu)
{
	if (!(vcpu->cached & CACHE_RFLAGS)) {
		vcpu->regs.r.rflags = vmread(VMCS_GUEST_RFLAGS);
		vcpu->cached |= CACHE_RFLAGS;
	}
	return vcpu->regs.r.rflags;
}

static inline u32 vcpu_interruptibility(struct vcpu *vcpu)
{
	if (!(vcpu->cached & CACHE_INTERRUPTIBILITY)) {
		vcpu->interruptibility = vmread(VMCS_GUEST_INTERRUPTIBILITY);
		vcpu->cached |= CACHE_INTERRUPTIBILITY;
	}
	return vcpu->interruptibility;
}

/* Both of them; in most exits neither is there yet, which is asked once. */
static inline void vcpu_cache_flags(struct vcpu *vcpu)
{
	const u64 both = CACHE_RFLAGS | CACHE_INTERRUPTIBILITY;

	if (likely(!(vcpu->cached & both))) {
		vcpu->regs.r.rflags = vmread(VMCS_GUEST_RFLAGS);
		vcpu->interruptibility = vmread(VMCS_GUEST_INTERRUPTIBILITY);
		vcpu->cached |= both;
	} else {
		vcpu_rflags(vcpu);
		vcpu_interruptibility(vcpu);
	}
}

static inline void vcpu_set_rflags(struct vcpu *vcpu, u64 rflags)
{
	vcpu->regs.r.rflags = rflags;
	vcpu->cached |= CACHE_RFLAGS;
	vcpu->dirty |= DIRTY_RFLAGS;
}

static inline void vcpu_set_interruptibility(struct vcpu *vcpu, u32 value)
{
	vcpu->interruptibility = value;
	vcpu->cached |= CACHE_INTERRUPTIBILITY;
	vcpu->dirty |= DIRTY_INTERRUPTIBILITY;
}

/* A general register by its number; RSP is in the VMCS. */
static inline u64 vcpu_gpr(struct vcpu *vcpu, unsigned int n)
{
	if (n == GPR_RSP && !(vcpu->cached & CACHE_RSP)) {
		vcpu->regs.r.rsp = vmread(VMCS_GUEST_RSP);
		vcpu->cached |= CACHE_RSP;
	}
	return vcpu->regs.gpr[n];
}

static inline void vcpu_set_gpr(struct vcpu *vcpu, unsigned int n, u64 value)
{
	vcpu->regs.gpr[n] = value;
	if (n == GPR_RSP) {
		vcpu->cached |= CACHE_RSP;
		vcpu->dirty |= DIRTY_RSP;
	}
}

static inline void vcpu_set_rip(struct vcpu *vcpu, u64 rip)
{
	vcpu->regs.r.rip = rip;
	vcpu->dirty |= DIRTY_RIP;
}

/* EDX:EAX, as RDMSR, WRMSR and XSETBV use them. */
static inline u64 vcpu_edx_eax(struct vcpu *vcpu)
{
	return (u32)vcpu->regs.r.rax | vcpu->regs.r.rdx << 32;
}

/* The instruction that exited is done: go on behind it. VMCS loaded. */
void vcpu_skip(struct vcpu *vcpu);

#endif /* MINIVMX_VCPU_H */
