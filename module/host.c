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
#include <asm/fsgsbase.h>
#include <asm/mmu_context.h>	/* load_gs_index(), which moves from header to header */
#include <asm/msr.h>
#include <asm/segment.h>
#include <asm/special_insns.h>

#include "ctls.h"
#include "fpu.h"
#include "host.h"
#include "mitigate.h"
#include "vcpu.h"

/* The MSR numbers of SWITCH_*. */
static const u32 switch_msrs[NR_SWITCH_MSRS] = {
	[SWITCH_STAR] = MSR_STAR,
	[SWITCH_LSTAR] = MSR_LSTAR,
	[SWITCH_CSTAR] = MSR_CSTAR,
	[SWITCH_FMASK] = MSR_SYSCALL_MASK,
	[SWITCH_KERNEL_GS_BASE] = MSR_KERNEL_GS_BASE,
	[SWITCH_TSC_AUX] = MSR_TSC_AUX,
};

/* ---- MSRs ---- */

/*
 * Each RUN reads some, of which it is known that they are there: without the tracepoint, the
 * fault and the paravirtual detour of rdmsrl(), in a few instructions and no call.
 */
static __always_inline u64 msr_get(u32 msr)
{
	u32 low, high;

	asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	return low | (u64)high << 32;
}

static __always_inline u64 dr7_get(void)
{
	u64 value;

	asm volatile("mov %%db7, %0" : "=r"(value));
	return value;
}

static void switch_msr_load(struct vcpu *vcpu, int i)
{
	u64 *host = &vcpu->host.msr[i];

	*host = msr_get(switch_msrs[i]);
	if (vcpu->msr[i] != *host)
		wrmsrl(switch_msrs[i], vcpu->msr[i]);
}

static void switch_msr_put(struct vcpu *vcpu, int i)
{
	if (vcpu->msr[i] != vcpu->host.msr[i])
		wrmsrl(switch_msrs[i], vcpu->host.msr[i]);
}

/*
 * Without EFER.SCE no instruction uses those of SYSCALL, and RDMSR and WRMSR of them exit:
 * the host's stay in the CPU.
 */
static void syscall_msrs_load(struct vcpu *vcpu)
{
	int i;

	if (!(vcpu->efer & EFER_SCE))
		return;
	for (i = SWITCH_STAR; i <= SWITCH_FMASK; i++)
		switch_msr_load(vcpu, i);
	vcpu->syscall_loaded = true;
}

static void syscall_msrs_put(struct vcpu *vcpu)
{
	int i;

	if (!vcpu->syscall_loaded)
		return;
	vcpu->syscall_loaded = false;
	for (i = SWITCH_STAR; i <= SWITCH_FMASK; i++)
		switch_msr_put(vcpu, i);
}

static bool msr_is_loaded(struct vcpu *vcpu, int i)
{
	return i <= SWITCH_FMASK ? vcpu->syscall_loaded : vcpu->loaded;
}

u64 guest_get_msr(struct vcpu *vcpu, int i)
{
	/* SWAPGS changes it without an exit; all others change in WRMSR's. */
	if (i == SWITCH_KERNEL_GS_BASE && vcpu->loaded)
		vcpu->msr[i] = msr_get(MSR_KERNEL_GS_BASE);
	return vcpu->msr[i];
}

void guest_set_msr(struct vcpu *vcpu, int i, u64 value)
{
	vcpu->msr[i] = value;
	if (msr_is_loaded(vcpu, i))
		wrmsrl(switch_msrs[i], value);
}

void guest_efer_changed(struct vcpu *vcpu)
{
	if (vcpu->loaded && !vcpu->syscall_loaded)
		syscall_msrs_load(vcpu);
}

/* ---- Segments ---- */

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

	host->fs_base = x86_fsbase_read_cpu();
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

/* ---- All of it ---- */

void guest_load(struct vcpu *vcpu)
{
	struct host_state *host = &vcpu->host;

	fpu_load_guest(vcpu);
	host_segments_load(vcpu);
	/* Preemption is off: the host's page tables stay what they are. */
	host->cr3 = __read_cr3();
	switch_msr_load(vcpu, SWITCH_KERNEL_GS_BASE);
	if (boot_cpu_has(X86_FEATURE_RDTSCP))
		switch_msr_load(vcpu, SWITCH_TSC_AUX);
	syscall_msrs_load(vcpu);
	vcpu->loaded = true;
}

/*
 * What can change while interrupts are on: by an IPI CR4 (PCE), DEBUGCTL and
 * PERF_GLOBAL_CTRL (perf), by a debugger DR7.
 */
void guest_window(struct vcpu *vcpu)
{
	struct host_state *host = &vcpu->host;
	u64 cr4 = __read_cr4();

	if (host->cr3 != host->vmcs_cr3) {
		vmwrite(VMCS_HOST_CR3, host->cr3);
		host->vmcs_cr3 = host->cr3;
	}
	if (host->fs_base != host->vmcs_fs_base) {
		vmwrite(VMCS_HOST_FS_BASE, host->fs_base);
		host->vmcs_fs_base = host->fs_base;
	}
	if (cr4 != host->vmcs_cr4) {
		vmwrite(VMCS_HOST_CR4, cr4);
		host->vmcs_cr4 = cr4;
	}
	if (vmx_ctls.perf_global) {
		u64 global = msr_get(MSR_CORE_PERF_GLOBAL_CTRL);

		if (global != host->vmcs_perf_global) {
			vmwrite(VMCS_HOST_IA32_PERF_GLOBAL_CTRL, global);
			host->vmcs_perf_global = global;
		}
	}
	if (static_branch_unlikely(&mitigate_ibrs))
		vcpu->regs.host_spec_ctrl = msr_get(MSR_IA32_SPEC_CTRL);
	/* An exit clears DEBUGCTL and sets DR7 to 0x400. */
	host->debugctl = msr_get(MSR_IA32_DEBUGCTLMSR);
	host->dr7 = dr7_get();
}

void guest_put(struct vcpu *vcpu)
{
	guest_get_msr(vcpu, SWITCH_KERNEL_GS_BASE);
	vcpu->loaded = false;
	host_segments_put(vcpu);
	/* To load a GS selector changes the user's base. */
	if (unlikely(vcpu->host.gs))
		wrmsrl(MSR_KERNEL_GS_BASE, vcpu->host.msr[SWITCH_KERNEL_GS_BASE]);
	else
		switch_msr_put(vcpu, SWITCH_KERNEL_GS_BASE);
	if (boot_cpu_has(X86_FEATURE_RDTSCP))
		switch_msr_put(vcpu, SWITCH_TSC_AUX);
	syscall_msrs_put(vcpu);
	fpu_put_guest(vcpu);
}

u64 host_xcr0(void)
{
	return boot_cpu_has(X86_FEATURE_OSXSAVE) ? xgetbv(XCR_XFEATURE_ENABLED_MASK) :
						   XFEATURE_MASK_FP;
}

void host_debug_regs_load(struct vcpu *vcpu)
{
	struct host_state *host = &vcpu->host;

	/* The host's breakpoints must not fire on the guest's addresses. */
	set_debugreg(0, 7);
	get_debugreg(host->dr[0], 0);
	get_debugreg(host->dr[1], 1);
	get_debugreg(host->dr[2], 2);
	get_debugreg(host->dr[3], 3);
	set_debugreg(vcpu->dr[0], 0);
	set_debugreg(vcpu->dr[1], 1);
	set_debugreg(vcpu->dr[2], 2);
	set_debugreg(vcpu->dr[3], 3);
}

void host_debug_regs_put(struct vcpu *vcpu)
{
	struct host_state *host = &vcpu->host;

	set_debugreg(host->dr[0], 0);
	set_debugreg(host->dr[1], 1);
	set_debugreg(host->dr[2], 2);
	set_debugreg(host->dr[3], 3);
}
