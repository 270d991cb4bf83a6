// SPDX-License-Identifier: GPL-2.0
/*
 * The switch between host and guest, apart from VMLAUNCH and VMRESUME.
 *
 * What is restored is what was found in the CPU, never what some variable
 * says should be there: another hypervisor's values may be live.
 */
#include <linux/percpu.h>
#include <asm/cpufeature.h>
#include <asm/debugreg.h>
#include <asm/desc.h>
#include <asm/fpu/types.h>
#include <asm/fpu/xcr.h>
#include <asm/mmu_context.h>	/* load_gs_index(), which moves from header to header */
#include <asm/msr.h>
#include <asm/segment.h>
#include <asm/special_insns.h>

#include "ctls.h"
#include "fpu.h"
#include "host.h"
#include "vcpu.h"

const u32 switch_msrs[NR_SWITCH_MSRS] = {
	[SWITCH_STAR] = MSR_STAR,
	[SWITCH_LSTAR] = MSR_LSTAR,
	[SWITCH_CSTAR] = MSR_CSTAR,
	[SWITCH_FMASK] = MSR_SYSCALL_MASK,
	[SWITCH_KERNEL_GS_BASE] = MSR_KERNEL_GS_BASE,
	[SWITCH_TSC_AUX] = MSR_TSC_AUX,
};

/* The last one only exists with RDTSCP. */
static int nr_switch_msrs(void)
{
	static_assert(SWITCH_TSC_AUX == NR_SWITCH_MSRS - 1);

	return boot_cpu_has(X86_FEATURE_RDTSCP) ? NR_SWITCH_MSRS : NR_SWITCH_MSRS - 1;
}

/*
 * An exit loads null into LDTR, DS, ES, FS and GS, and 0xffff into the GDT's
 * limit; FS and GS bases come from the VMCS. The thread's own values are
 * noted here and put back by host_segments_put().
 */
static void host_segments_load(struct vcpu *vcpu)
{
	struct host_state *host = &vcpu->host;

	savesegment(ds, host->ds);
	savesegment(es, host->es);
	savesegment(fs, host->fs);
	savesegment(gs, host->gs);
	asm volatile("sldt %0" : "=rm"(host->ldt));
	asm volatile("sgdt %0" : "=m"(host->gdt));

	rdmsrl(MSR_FS_BASE, host->fs_base);
}

static void host_segments_put(struct vcpu *vcpu)
{
	struct host_state *host = &vcpu->host;

	/* First the table that the selectors below are looked up in. */
	asm volatile("lgdt %0" : : "m"(host->gdt));
	if (unlikely(host->ldt))
		asm volatile("lldt %0" : : "rm"(host->ldt));
	if (unlikely(host->ds))
		loadsegment(ds, host->ds);
	if (unlikely(host->es))
		loadsegment(es, host->es);
	if (unlikely(host->fs)) {
		/* Loading the selector loads its base, too. */
		loadsegment(fs, host->fs);
		wrmsrl(MSR_FS_BASE, host->fs_base);
	}
	/*
	 * The user's GS base is in KERNEL_GS_BASE here, which the caller
	 * restores after this.
	 */
	if (unlikely(host->gs))
		load_gs_index(host->gs);
	/* An exit cuts the TSS limit to 0x67: no I/O bitmap until refreshed. */
	invalidate_tss_limit();
}

void guest_load(struct vcpu *vcpu)
{
	struct host_state *host = &vcpu->host;
	int i;

	fpu_load_guest(vcpu);
	host_segments_load(vcpu);
	/* Preemption is off: the host's page tables stay what they are. */
	host->cr3 = __read_cr3();
	for (i = 0; i < nr_switch_msrs(); i++) {
		rdmsrl(switch_msrs[i], host->msr[i]);
		if (vcpu->msr[i] != host->msr[i])
			wrmsrl(switch_msrs[i], vcpu->msr[i]);
	}
	vcpu->loaded = true;
}

void guest_window(struct vcpu *vcpu)
{
	struct host_state *host = &vcpu->host;

	if (host->cr3 != host->vmcs_cr3) {
		vmwrite(VMCS_HOST_CR3, host->cr3);
		host->vmcs_cr3 = host->cr3;
	}
	if (host->fs_base != host->vmcs_fs_base) {
		vmwrite(VMCS_HOST_FS_BASE, host->fs_base);
		host->vmcs_fs_base = host->fs_base;
	}
}

void guest_put(struct vcpu *vcpu)
{
	struct host_state *host = &vcpu->host;
	int i;

	vcpu->loaded = false;
	/* SWAPGS changes it without an exit; all others change in WRMSR's. */
	rdmsrl(MSR_KERNEL_GS_BASE, vcpu->msr[SWITCH_KERNEL_GS_BASE]);
	host_segments_put(vcpu);
	for (i = 0; i < nr_switch_msrs(); i++)
		if (vcpu->msr[i] != host->msr[i] ||
		    (i == SWITCH_KERNEL_GS_BASE && host->gs))
			wrmsrl(switch_msrs[i], host->msr[i]);
	fpu_put_guest(vcpu);
}

u64 host_xcr0(void)
{
	return boot_cpu_has(X86_FEATURE_OSXSAVE) ? xgetbv(XCR_XFEATURE_ENABLED_MASK) : 0;
}

static bool guest_debugs(struct vcpu *vcpu)
{
	return vcpu->dr7 & 0xff;
}

static void debug_regs_load(struct vcpu *vcpu)
{
	struct host_state *host = &vcpu->host;

	get_debugreg(host->dr[0], 0);
	get_debugreg(host->dr[1], 1);
	get_debugreg(host->dr[2], 2);
	get_debugreg(host->dr[3], 3);
	set_debugreg(vcpu->dr[0], 0);
	set_debugreg(vcpu->dr[1], 1);
	set_debugreg(vcpu->dr[2], 2);
	set_debugreg(vcpu->dr[3], 3);
}

static void debug_regs_put(struct vcpu *vcpu)
{
	struct host_state *host = &vcpu->host;

	set_debugreg(host->dr[0], 0);
	set_debugreg(host->dr[1], 1);
	set_debugreg(host->dr[2], 2);
	set_debugreg(host->dr[3], 3);
}

void guest_enter(struct vcpu *vcpu)
{
	struct host_state *host = &vcpu->host;
	u64 cr4 = __read_cr4();

	/* An IPI may change CR4 (PCE) whenever interrupts are on. */
	if (cr4 != host->vmcs_cr4) {
		vmwrite(VMCS_HOST_CR4, cr4);
		host->vmcs_cr4 = cr4;
	}
	if (vmx_ctls.perf_global) {
		u64 global;

		rdmsrl(MSR_CORE_PERF_GLOBAL_CTRL, global);
		if (global != host->vmcs_perf_global) {
			vmwrite(VMCS_HOST_IA32_PERF_GLOBAL_CTRL, global);
			host->vmcs_perf_global = global;
		}
	}
	/* An exit clears DEBUGCTL and sets DR7 to 0x400. */
	rdmsrl(MSR_IA32_DEBUGCTLMSR, host->debugctl);
	get_debugreg(host->dr7, 7);
	if (unlikely(guest_debugs(vcpu))) {
		/* The host's breakpoints must not fire on the guest's addresses. */
		set_debugreg(0, 7);
		debug_regs_load(vcpu);
	}
	if (native_read_cr2() != vcpu->cr2)
		native_write_cr2(vcpu->cr2);
	fpu_enter_guest(vcpu);
}

void guest_exit(struct vcpu *vcpu)
{
	struct host_state *host = &vcpu->host;

	fpu_exit_guest(vcpu);
	vcpu->cr2 = native_read_cr2();
	if (unlikely(guest_debugs(vcpu)))
		debug_regs_put(vcpu);
	/* An exit leaves 0x400, which like the kernel's 0 disables them all. */
	if (unlikely(host->dr7 & 0xff))
		set_debugreg(host->dr7, 7);
	if (unlikely(host->debugctl))
		wrmsrl(MSR_IA32_DEBUGCTLMSR, host->debugctl);
}
