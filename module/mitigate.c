// SPDX-License-Identifier: GPL-2.0
/*
 * Mitigations: which are in force, and those steps that are not in enter.S.
 *
 * The kernel has judged the CPU when it booted; its verdict is in feature bits that
 * exist for this, and for L1TF, which has none, in l1tf_mitigation.
 */
#include <linux/cpu.h>
#include <linux/gfp.h>
#include <linux/hardirq.h>
#include <linux/kernel.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/sched/smt.h>
#include <linux/string.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/processor.h>

#include "debugfs.h"
#include "features.h"
#include "mitigate.h"
#include "vm.h"

DEFINE_STATIC_KEY_FALSE(mitigate_l1d);
DEFINE_STATIC_KEY_FALSE(mitigate_ibrs);
DEFINE_STATIC_KEY_FALSE(mitigate_predictors);

/* MINIVMX_STEP_*, constant after mitigate_init(). */
static u32 steps __ro_after_init;

/* ---- Which ---- */

static bool host_has(u16 feature)
{
	return feature != NO_FEATURE && boot_cpu_has(feature);
}

static const struct {
	u16 feature;
	u32 step;
} step_features[] __initconst = {
	{ X86_FEATURE_CLEAR_CPU_BUF, MINIVMX_STEP_VERW },
	{ X86_FEATURE_CLEAR_CPU_BUF_VM, MINIVMX_STEP_VERW },
	{ X86_FEATURE_RSB_VMEXIT, MINIVMX_STEP_RSB_FILL },
	{ X86_FEATURE_RSB_VMEXIT_LITE, MINIVMX_STEP_RSB_ONE },
	{ X86_FEATURE_KERNEL_IBRS, MINIVMX_STEP_IBRS },
#ifdef HAVE_CLEAR_BHB_LOOP
	{ X86_FEATURE_CLEAR_BHB_LOOP_ON_VMEXIT, MINIVMX_STEP_BHB_LOOP },
#endif
	{ X86_FEATURE_IBPB_EXIT_TO_USER, MINIVMX_STEP_IBPB_USER },
};

/* IBPB when the guest changes, where the kernel uses IBPB between processes. */
static bool __init switches_with_ibpb(void)
{
#ifdef X86_FEATURE_USE_IBPB
	return boot_cpu_has(X86_FEATURE_USE_IBPB);
#else
	return boot_cpu_has(X86_FEATURE_IBPB) && !cpu_mitigations_off();
#endif
}

/* "Deep Dive: Intel Analysis of L1 Terminal Fault": some CPUs do not need the flush. */
static bool __init l1d_flush_is_needed(void)
{
	u64 capabilities = 0;

	if (!boot_cpu_has_bug(X86_BUG_L1TF))
		return false;
	if (boot_cpu_has(X86_FEATURE_ARCH_CAPABILITIES))
		rdmsrl(MSR_IA32_ARCH_CAPABILITIES, capabilities);
	return !(capabilities & ARCH_CAP_SKIP_VMENTRY_L1DFLUSH);
}

/* As the command line's l1tf= and mitigations= want it. */
static u32 __init l1d_flush_wanted(void)
{
	if (!l1d_flush_is_needed())
		return 0;
#ifdef HAVE_L1TF_MITIGATION
	switch (l1tf_mitigation) {
	case L1TF_MITIGATION_OFF:
		return 0;
	case L1TF_MITIGATION_FULL:
	case L1TF_MITIGATION_FULL_FORCE:
		return MINIVMX_STEP_L1D_ALWAYS;
	default:
		return MINIVMX_STEP_L1D_FLUSH;
	}
#else
	return cpu_mitigations_off() ? 0 : MINIVMX_STEP_L1D_FLUSH;
#endif
}

static u32 __init steps_of_host(void)
{
	u32 found = l1d_flush_wanted();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(step_features); i++)
		if (host_has(step_features[i].feature))
			found |= step_features[i].step;
	if (switches_with_ibpb())
		found |= MINIVMX_STEP_IBPB_GUEST;
	if (boot_cpu_has_bug(X86_BUG_ITLB_MULTIHIT) && !cpu_mitigations_off())
		found |= MINIVMX_STEP_EXEC_4K;
#ifdef MITIGATE_ALL
	found = MINIVMX_STEPS;
#endif
	return found;
}

bool mitigate_exec_4k(void)
{
	return steps & MINIVMX_STEP_EXEC_4K;
}

/* ---- The L1 data cache ---- */

/* Twice as much as the largest cache of a CPU with L1TF has. */
#define L1D_ORDER	4
#define L1D_BYTES	(PAGE_SIZE << L1D_ORDER)
#define L1D_LINE	64

static u8 *l1d_pages __ro_after_init;

static int __init l1d_init(void)
{
	size_t i;

	if (!(steps & (MINIVMX_STEP_L1D_FLUSH | MINIVMX_STEP_L1D_ALWAYS)))
		return 0;
	if (!boot_cpu_has(X86_FEATURE_FLUSH_L1D)) {
		l1d_pages = (u8 *)__get_free_pages(GFP_KERNEL, L1D_ORDER);
		if (!l1d_pages)
			return -ENOMEM;
		/* All different: a hypervisor below must not merge them into one. */
		for (i = 0; i < L1D_BYTES; i += PAGE_SIZE)
			memset(l1d_pages + i, 1 + i / PAGE_SIZE, PAGE_SIZE);
	}
	static_branch_enable(&mitigate_l1d);
	return 0;
}

static void host_l1d_clean(void)
{
#ifdef HAVE_IRQ_STAT
	kvm_clear_cpu_l1tf_flush_l1d();
#endif
}

/* Other threads ran on this CPU since the last entry, and left their data. */
void mitigate_l1d_scheduled(struct vcpu *vcpu)
{
	unsigned long switches = current->nvcsw + current->nivcsw;

	if (switches == vcpu->switches)
		return;
	vcpu->switches = switches;
	vcpu->l1d_flush = true;
}

static void l1d_flush_by_reading(void)
{
	size_t i;

	/* First the translations, so that no page walk comes between the lines. */
	for (i = 0; i < L1D_BYTES; i += PAGE_SIZE)
		READ_ONCE(l1d_pages[i]);
	cpuid_eax(0);		/* serializes */
	for (i = 0; i < L1D_BYTES; i += L1D_LINE)
		READ_ONCE(l1d_pages[i]);
	rmb();			/* LFENCE: all of it is done before the entry */
}

void mitigate_l1d_flush(struct vcpu *vcpu)
{
	/* What stays set makes the next entry flush, too. */
	vcpu->l1d_flush = steps & MINIVMX_STEP_L1D_ALWAYS;
	host_l1d_clean();
	if (boot_cpu_has(X86_FEATURE_FLUSH_L1D))
		wrmsrl(MSR_IA32_FLUSH_CMD, L1D_FLUSH);
	else
		l1d_flush_by_reading();
}

/* ---- Branch predictors ---- */

/* Whose branches the predictors of a CPU know. */
static DEFINE_PER_CPU(struct vcpu *, trained_by);

static void ibpb(void)
{
	wrmsrl(MSR_IA32_PRED_CMD, PRED_CMD_IBPB);
}

void mitigate_predictors_load(struct vcpu *vcpu)
{
	if (!(steps & MINIVMX_STEP_IBPB_GUEST))
		return;
	/* On a CPU of KVM its guests may have run since. */
	if (this_cpu_read(trained_by) == vcpu && !vcpu->vm->kvm_vm)
		return;
	this_cpu_write(trained_by, vcpu);
	ibpb();
}

void mitigate_predictors_put(struct vcpu *vcpu)
{
	/* KVM does not know that another guest was here, and will not do it. */
	if ((steps & MINIVMX_STEP_IBPB_USER) ||
	    ((steps & MINIVMX_STEP_IBPB_GUEST) && vcpu->vm->kvm_vm))
		ibpb();
}

void mitigate_forget(struct vcpu *vcpu)
{
	int cpu;

	for_each_possible_cpu(cpu)
		cmpxchg(per_cpu_ptr(&trained_by, cpu), vcpu, NULL);
}

/* ---- The report ---- */

/**
 * struct bug - what is known of one bug
 * @bug: the kernel's number for it
 * @steps: any of these mitigates it
 * @kernel: and so does this feature, by how the module is compiled or how the CPU is set
 * @needs: without this of the CPU no step helps
 */
struct bug {
	u16 bug;
	u32 steps;
	u16 kernel;
	u16 needs;
};

static const struct bug bugs[MINIVMX_NR_BUGS] = {
	[MINIVMX_BUG_L1TF] = { X86_BUG_L1TF,
		MINIVMX_STEP_L1D_FLUSH | MINIVMX_STEP_L1D_ALWAYS, NO_FEATURE, NO_FEATURE },
	[MINIVMX_BUG_MDS] = { X86_BUG_MDS, MINIVMX_STEP_VERW, NO_FEATURE, X86_FEATURE_MD_CLEAR },
	[MINIVMX_BUG_TAA] = { X86_BUG_TAA, MINIVMX_STEP_VERW, NO_FEATURE, X86_FEATURE_MD_CLEAR },
	[MINIVMX_BUG_RFDS] = { X86_BUG_RFDS, MINIVMX_STEP_VERW, NO_FEATURE, NO_FEATURE },
	[MINIVMX_BUG_SPECTRE_V2] = { X86_BUG_SPECTRE_V2,
		MINIVMX_STEP_RSB_FILL | MINIVMX_STEP_RSB_ONE | MINIVMX_STEP_IBRS,
		X86_FEATURE_IBRS_ENHANCED, NO_FEATURE },
	[MINIVMX_BUG_SPECTRE_V2_GUEST] = { X86_BUG_SPECTRE_V2, MINIVMX_STEP_IBPB_GUEST,
		NO_FEATURE, X86_FEATURE_IBPB },
	[MINIVMX_BUG_RETBLEED] = { X86_BUG_RETBLEED, MINIVMX_STEP_IBRS,
		X86_FEATURE_IBRS_ENHANCED, X86_FEATURE_MSR_SPEC_CTRL },
	[MINIVMX_BUG_BHI] = { X86_BUG_BHI, MINIVMX_STEP_BHB_LOOP, X86_FEATURE_CLEAR_BHB_HW,
		NO_FEATURE },
	[MINIVMX_BUG_VMSCAPE] = { X86_BUG_VMSCAPE, MINIVMX_STEP_IBPB_USER, NO_FEATURE,
		X86_FEATURE_IBPB },
	/* A guest cannot ask for SSBD: it has no IA32_SPEC_CTRL. */
	[MINIVMX_BUG_SSB] = { X86_BUG_SPEC_STORE_BYPASS, 0, NO_FEATURE, NO_FEATURE },
	[MINIVMX_BUG_ITLB_MULTIHIT] = { X86_BUG_ITLB_MULTIHIT, MINIVMX_STEP_EXEC_4K,
		NO_FEATURE, NO_FEATURE },
};

static bool is_mitigated(const struct bug *bug)
{
	/* Retpolines leave no indirect branch for the history to steer. */
	if (bug == &bugs[MINIVMX_BUG_BHI] && boot_cpu_has(X86_FEATURE_RETPOLINE))
		return true;
	return (steps & bug->steps) || (!cpu_mitigations_off() && host_has(bug->kernel));
}

static u8 bug_state(const struct bug *bug)
{
	if (!host_has(bug->bug))
		return MINIVMX_MITIGATION_NOT_NEEDED;
	if (!bug->steps || (bug->needs != NO_FEATURE && !boot_cpu_has(bug->needs)))
		return MINIVMX_MITIGATION_MISSING;
	return is_mitigated(bug) ? MINIVMX_MITIGATION_ON : MINIVMX_MITIGATION_OFF;
}

void mitigate_report(struct minivmx_mitigations *report)
{
	size_t i;

	*report = (struct minivmx_mitigations) { .steps = steps };
	for (i = 0; i < ARRAY_SIZE(bugs); i++)
		report->state[i] = bug_state(&bugs[i]);
	/* A sibling thread's guest shares the L1 cache and the buffers while it runs. */
	report->smt = sched_smt_active() &&
		      (boot_cpu_has_bug(X86_BUG_L1TF) || boot_cpu_has_bug(X86_BUG_MDS));
}

/* ---- Life ---- */

int __init mitigate_init(void)
{
	int ret;

	steps = steps_of_host();
	ret = l1d_init();
	if (ret)
		return ret;
	if (steps & MINIVMX_STEP_IBRS)
		static_branch_enable(&mitigate_ibrs);
	if (steps & (MINIVMX_STEP_IBPB_GUEST | MINIVMX_STEP_IBPB_USER))
		static_branch_enable(&mitigate_predictors);
	return 0;
}

void mitigate_exit(void)
{
	free_pages((unsigned long)l1d_pages, L1D_ORDER);
}
