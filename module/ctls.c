// SPDX-License-Identifier: GPL-2.0
/*
 * Control negotiation.
 *
 * Every control has a row in controls.def, which says whether minivmx sets it. A
 * CPU that lacks a required one is refused, with each such control named.
 */
#include <linux/kernel.h>
#include <linux/moduleparam.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/processor.h>
#include <asm/vmx.h>

#include "ctls.h"

struct vmx_ctls vmx_ctls __ro_after_init;
struct minivmx_caps vmx_caps __ro_after_init;

static bool use_pml = true;
module_param_named(pml, use_pml, bool, 0444);
MODULE_PARM_DESC(pml, "dirty logs by page-modification logging, where the CPU has it (Y)");

/* What the CPU does for guests' local APICs (apicv.h). */
static bool use_tpr_shadow = true;
module_param_named(tpr_shadow, use_tpr_shadow, bool, 0444);
MODULE_PARM_DESC(tpr_shadow, "local APICs: use the TPR shadow, which the others need (Y)");
static bool use_x2apic = true;
module_param_named(x2apic, use_x2apic, bool, 0444);
MODULE_PARM_DESC(x2apic, "local APICs: virtualize x2APIC mode (Y)");
static bool use_apic_accesses = true;
module_param_named(apic_accesses, use_apic_accesses, bool, 0444);
MODULE_PARM_DESC(apic_accesses, "local APICs: virtualize accesses to the APIC's page (Y)");
static bool use_apic_registers = true;
module_param_named(apic_registers, use_apic_registers, bool, 0444);
MODULE_PARM_DESC(apic_registers, "local APICs: APIC-register virtualization (Y)");
static bool use_apic_timer = true;
module_param_named(apic_timer, use_apic_timer, bool, 0444);
MODULE_PARM_DESC(apic_timer, "local APICs: timers by the VMX-preemption timer (Y)");
/*
 * A CPU that can also post interrupts is trusted with their delivery. Bochs (2.7) cannot:
 * where an exit cuts off what it delivers it reports another event, and it does not keep
 * one back while RFLAGS.IF is 0 if an interrupt of the host comes as well.
 */
enum { VIRTUAL_INTERRUPTS_TRUSTED = 1, VIRTUAL_INTERRUPTS_ALWAYS };
static int use_virtual_interrupts = VIRTUAL_INTERRUPTS_TRUSTED;
module_param_named(virtual_interrupts, use_virtual_interrupts, int, 0444);
MODULE_PARM_DESC(virtual_interrupts, "local APICs: virtual-interrupt delivery: 0 never, 1 if the CPU can post interrupts, too, 2 always (1)");

/*
 * For tests: capabilities to take for missing, each as MSR:BITS or, on one CPU
 * only, MSR:BITS@CPU, in hexadecimal but for the CPU. The high words of the
 * control MSRs are the bits that may be 1.
 */
static char *absent[8];
static int nr_absent;
module_param_array(absent, charp, &nr_absent, 0444);
MODULE_PARM_DESC(absent, "tests: capability bits to ignore, MSR:BITS[@CPU],... in hex");

/* One element of it, understood. */
struct absent_bits {
	u32 msr;
	u64 bits;
	int cpu;	/* -1: all */
};

static struct absent_bits absent_bits[ARRAY_SIZE(absent)] __ro_after_init;

/* The capability MSRs, as indices of minivmx_caps.vmx_msrs. */
enum {
#define VMX_MSR(name, other, bits) CAP_##name,
#include "capabilities.def"
#undef VMX_MSR
	NR_CAPS
};

static_assert(NR_CAPS == MINIVMX_NR_VMX_MSRS);

static const struct {
	const char *name;
	u8 other;
	u64 bits;
} cap_rows[NR_CAPS] = {
#define VMX_MSR(name, other, bits) { "IA32_VMX_" #name, CAP_##other, bits },
#include "capabilities.def"
#undef VMX_MSR
};

/* A control word: its MSR, the MSR without default1 bits, where it ends up. */
static const struct {
	const char *name;
	u8 cap;
	u8 true_cap;
	size_t value;	/* in struct vmx_ctls */
} ctl_words[NR_CTL_WORDS] = {
	[CTLS_PIN] = { "pin-based", CAP_PINBASED_CTLS,
		      CAP_TRUE_PINBASED_CTLS, offsetof(struct vmx_ctls, pin) },
	[CTLS_CPU] = { "primary processor-based", CAP_PROCBASED_CTLS,
		      CAP_TRUE_PROCBASED_CTLS, offsetof(struct vmx_ctls, cpu) },
	[CTLS_CPU2] = { "secondary processor-based", CAP_PROCBASED_CTLS2,
		       CAP_PROCBASED_CTLS2, offsetof(struct vmx_ctls, cpu2) },
	[CTLS_EXIT] = { "VM-exit", CAP_EXIT_CTLS,
		       CAP_TRUE_EXIT_CTLS, offsetof(struct vmx_ctls, exit) },
	[CTLS_ENTRY] = { "VM-entry", CAP_ENTRY_CTLS,
			CAP_TRUE_ENTRY_CTLS, offsetof(struct vmx_ctls, entry) },
};

/* What minivmx does with a control: see controls.def. */
enum ctl_need { UNUSED, REQUIRED, OPTIONAL, APIC, PERF_GLOBAL, CLEAR, DYNAMIC };
/* And who else may change it. */
enum ctl_user { OWN, FREE };

static const struct {
	enum ctl_word word;
	u32 bit;
	enum ctl_need need;
	enum ctl_user user;
	const char *name;
	const char *why;
} ctl_rows[] = {
#define CONTROL(word, bit, name, need, user, text, why) \
	{ CTLS_##word, BIT(bit), need, user, text, why },
#include "controls.def"
#undef CONTROL
};

/* IA32_VMX_EPT_VPID_CAP, of which asm/vmx.h names most. */
static const struct {
	u64 bits;
	const char *name;
} ept_rows[] = {
	{ VMX_EPT_PAGE_WALK_4_BIT, "EPT page walk of 4 levels" },
	{ VMX_EPTP_WB_BIT, "write-back EPT paging structures" },
	{ VMX_EPT_INVEPT_BIT | VMX_EPT_EXTENT_CONTEXT_BIT, "single-context INVEPT" },
	{ (u64)(VMX_VPID_INVVPID_BIT | VMX_VPID_EXTENT_SINGLE_CONTEXT_BIT) << 32,
	  "single-context INVVPID" },
};

/* IA32_VMX_BASIC ("Basic VMX Information"). */
#define VMX_BASIC_REVISION	GENMASK_ULL(30, 0)
#define VMX_BASIC_SIZE		GENMASK_ULL(44, 32)
#define VMX_BASIC_MEMTYPE	GENMASK_ULL(53, 50)
#define VMX_BASIC_MEMTYPE_WB	(6ULL << 50)
#define VMX_BASIC_INS_OUTS	BIT_ULL(54)
#define VMX_BASIC_TRUE_MSRS	BIT_ULL(55)

/* IA32_VMX_MISC ("Miscellaneous Data"). */
#define VMX_MISC_TIMER_RATE	GENMASK_ULL(4, 0)

/* ---------------------------------------------------------------------- */
/* Reading, on the CPU that is asked about                                 */
/* ---------------------------------------------------------------------- */

static int __init absent_parse(void)
{
	int i;

	for (i = 0; i < nr_absent; i++) {
		struct absent_bits *a = &absent_bits[i];

		a->cpu = -1;
		if (sscanf(absent[i], "%x:%llx@%d", &a->msr, &a->bits, &a->cpu) < 2) {
			pr_err("absent=%s: not MSR:BITS or MSR:BITS@CPU\n", absent[i]);
			return -EINVAL;
		}
	}
	return 0;
}

/* A capability MSR; 0 if it cannot be read, which is logged. */
static u64 cap_read(u32 msr, const char *name)
{
	int i, cpu = smp_processor_id();
	u64 value;

	if (rdmsrl_safe(msr, &value)) {
		pr_err("CPU %d: MSR %#x (%s) cannot be read\n", cpu, msr, name);
		return 0;
	}
	for (i = 0; i < nr_absent; i++)
		if (absent_bits[i].msr == msr &&
		    (absent_bits[i].cpu < 0 || absent_bits[i].cpu == cpu))
			value &= ~absent_bits[i].bits;
	return value;
}

/* Only what is there is read: the log has no complaints that mean nothing. */
static void caps_read(struct minivmx_caps *caps)
{
	u32 widths, features = 0;
	size_t i;

	memset(caps, 0, sizeof(*caps));
	for (i = 0; i < NR_CAPS; i++)
		if (!cap_rows[i].bits || (caps->vmx_msrs[cap_rows[i].other] & cap_rows[i].bits))
			caps->vmx_msrs[i] = cap_read(MSR_IA32_VMX_BASIC + i, cap_rows[i].name);

	/* Every 64-bit CPU has the leaf. */
	widths = cpuid_eax(0x80000008);
	caps->physical_bits = widths & 0xff;
	caps->linear_bits = widths >> 8 & 0xff;
	if (boot_cpu_data.cpuid_level >= 7)
		features = cpuid_ebx(7);
	caps->rtm = !!(features & BIT(11));
	caps->sgx = !!(features & BIT(2));
	/* Version 2 of architectural performance monitoring brought the MSR. */
	caps->perf_global = boot_cpu_data.cpuid_level >= 0xa && (cpuid_eax(0xa) & 0xff) >= 2;
}

static int check_enabled(void)
{
	int cpu = smp_processor_id();
	u64 feature_control;

	if (!(cpuid_ecx(1) & BIT(5))) {
		pr_err("CPU %d has no VT-x (CPUID.1:ECX.VMX is 0)\n", cpu);
		return -EOPNOTSUPP;
	}
	feature_control = cap_read(MSR_IA32_FEAT_CTL, "IA32_FEATURE_CONTROL");
	if (!(feature_control & FEAT_CTL_LOCKED) ||
	    !(feature_control & FEAT_CTL_VMX_ENABLED_OUTSIDE_SMX)) {
		pr_err("CPU %d: VT-x is off (IA32_FEATURE_CONTROL is %#llx): enable it in the firmware's setup\n",
		       cpu, feature_control);
		return -EACCES;
	}
	return 0;
}

/* A control that is not as minivmx needs it. */
static void ctl_complain(size_t row, const char *what)
{
	pr_err("CPU %d %s the %s control \"%s\": %s\n", smp_processor_id(), what,
	       ctl_words[ctl_rows[row].word].name, ctl_rows[row].name, ctl_rows[row].why);
}

static bool ctls_negotiate(struct vmx_ctls *ctls, const struct minivmx_caps *caps)
{
	bool have_true = caps->vmx_msrs[CAP_BASIC] & VMX_BASIC_TRUE_MSRS;
	u32 allowed0[NR_CTL_WORDS], allowed1[NR_CTL_WORDS];
	u32 *values[NR_CTL_WORDS];
	bool ok = true;
	size_t i;

	/*
	 * A bit set in allowed0 must be 1, one clear in allowed1 must be 0.
	 * The MSR of secondary controls counts as 0 where there are none.
	 */
	for (i = 0; i < NR_CTL_WORDS; i++) {
		u64 cap = caps->vmx_msrs[have_true ? ctl_words[i].true_cap : ctl_words[i].cap];

		allowed0[i] = (u32)cap;
		allowed1[i] = cap >> 32;
		ctls->able[i] = allowed1[i] & ~allowed0[i];
		values[i] = (void *)ctls + ctl_words[i].value;
		*values[i] = allowed0[i];
	}

	for (i = 0; i < ARRAY_SIZE(ctl_rows); i++) {
		enum ctl_need need = ctl_rows[i].need;
		enum ctl_word w = ctl_rows[i].word;
		u32 bit = ctl_rows[i].bit;

		if (need == UNUSED)
			continue;
		if ((need == REQUIRED || need == DYNAMIC) && !(allowed1[w] & bit)) {
			ctl_complain(i, "lacks");
			ok = false;
		}
		if ((need == CLEAR || need == DYNAMIC) && (allowed0[w] & bit)) {
			ctl_complain(i, "cannot clear");
			ok = false;
		}
		if (need == APIC)
			*(w == CTLS_CPU ? &ctls->apic_cpu : &ctls->apic_cpu2) |= bit & allowed1[w];
		else if (need != CLEAR && need != DYNAMIC)
			*values[w] |= bit & allowed1[w];
	}
	return ok;
}

/* Take away what a parameter forbids, and what cannot be without it. */
static void apic_negotiate(struct vmx_ctls *ctls)
{
	bool can_post = ctls->able[CTLS_PIN] & PIN_BASED_POSTED_INTR;
	const u32 cr8 = CPU_BASED_CR8_LOAD_EXITING | CPU_BASED_CR8_STORE_EXITING;

	/* The others need the virtual-APIC page, or are of little use without. */
	if (!use_tpr_shadow || (cr8 & ~ctls->able[CTLS_CPU]))
		ctls->apic_cpu = 0;
	if (!ctls->apic_cpu)
		ctls->apic_cpu2 = 0;
	if (!use_x2apic)
		ctls->apic_cpu2 &= ~SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE;
	if (!use_apic_accesses)
		ctls->apic_cpu2 &= ~SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES;
	if (!use_apic_registers)
		ctls->apic_cpu2 &= ~SECONDARY_EXEC_APIC_REGISTER_VIRT;
	if (use_virtual_interrupts != VIRTUAL_INTERRUPTS_ALWAYS &&
	    !(use_virtual_interrupts == VIRTUAL_INTERRUPTS_TRUSTED && can_post))
		ctls->apic_cpu2 &= ~SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY;
}

static bool ept_negotiate(struct vmx_ctls *ctls, u64 cap)
{
	bool ok = true;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ept_rows); i++) {
		if ((cap & ept_rows[i].bits) == ept_rows[i].bits)
			continue;
		pr_err("CPU %d lacks \"%s\"\n", smp_processor_id(), ept_rows[i].name);
		ok = false;
	}
	ctls->ept_2m = cap & VMX_EPT_2MB_PAGE_BIT;
	ctls->ept_1g = cap & VMX_EPT_1GB_PAGE_BIT;
	ctls->ept_ad = cap & VMX_EPT_AD_BIT;
	ctls->ept_x_only = cap & VMX_EPT_EXECUTE_ONLY_BIT;
	return ok;
}

static bool basic_negotiate(struct vmx_ctls *ctls, u64 basic)
{
	int cpu = smp_processor_id();
	bool ok = true;

	ctls->revision = basic & VMX_BASIC_REVISION;
	if ((basic & VMX_BASIC_SIZE) >> 32 > PAGE_SIZE) {
		pr_err("CPU %d: VMCS regions over 4096 bytes are not known to the manual\n", cpu);
		ok = false;
	}
	if ((basic & VMX_BASIC_MEMTYPE) != VMX_BASIC_MEMTYPE_WB) {
		pr_err("CPU %d wants VMCS regions in uncached memory\n", cpu);
		ok = false;
	}
	if (!(basic & VMX_BASIC_INS_OUTS)) {
		pr_err("CPU %d does not report INS and OUTS in the instruction information\n", cpu);
		ok = false;
	}
	return ok;
}

/* Preemption off. All that is missing is logged, not only the first of it. */
static int ctls_read(struct vmx_ctls *ctls, struct minivmx_caps *caps)
{
	int ret = check_enabled();
	bool ok;

	if (ret)
		return ret;
	caps_read(caps);
	ok = basic_negotiate(ctls, caps->vmx_msrs[CAP_BASIC]);
	ok &= ctls_negotiate(ctls, caps);
	if (ctls->cpu & CPU_BASED_ACTIVATE_SECONDARY_CONTROLS)
		ok &= ept_negotiate(ctls, caps->vmx_msrs[CAP_EPT_VPID_CAP]);
	if (!ok)
		return -EOPNOTSUPP;

	ctls->perf_global = caps->perf_global &&
		(ctls->exit & VM_EXIT_LOAD_IA32_PERF_GLOBAL_CTRL) &&
		(ctls->entry & VM_ENTRY_LOAD_IA32_PERF_GLOBAL_CTRL);
	if (!ctls->perf_global) {
		ctls->exit &= ~VM_EXIT_LOAD_IA32_PERF_GLOBAL_CTRL;
		ctls->entry &= ~VM_ENTRY_LOAD_IA32_PERF_GLOBAL_CTRL;
	}
	apic_negotiate(ctls);
	/* Set while there is a dirty log (dirty.c). */
	ctls->pml = use_pml && ctls->ept_ad && (ctls->cpu2 & SECONDARY_EXEC_ENABLE_PML);
	ctls->cpu2 &= ~SECONDARY_EXEC_ENABLE_PML;
	ctls->apic_timer = use_apic_timer && (ctls->pin & PIN_BASED_VMX_PREEMPTION_TIMER);
	ctls->timer_shift = caps->vmx_msrs[CAP_MISC] & VMX_MISC_TIMER_RATE;
	ctls->cr4_fixed1 = caps->vmx_msrs[CAP_CR4_FIXED1];
	return 0;
}

u32 ctls_free(enum ctl_word word)
{
	u32 free = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ctl_rows); i++)
		if (ctl_rows[i].word == word && ctl_rows[i].user == FREE)
			free |= ctl_rows[i].bit;
	return free;
}

int __init ctls_init(void)
{
	int ret = absent_parse();

	if (ret)
		return ret;
	preempt_disable();
	ret = ctls_read(&vmx_ctls, &vmx_caps);
	preempt_enable();
	return ret;
}

int ctls_check_cpu(void)
{
	struct minivmx_caps caps;
	struct vmx_ctls ctls;
	int ret;

	memset(&ctls, 0, sizeof(ctls));
	ret = ctls_read(&ctls, &caps);
	if (ret)
		return ret;
	/* One VMCS has to do on all CPUs. In what is not used they may differ. */
	if (memcmp(&ctls, &vmx_ctls, sizeof(ctls))) {
		pr_err("CPU %d has other VMX capabilities than the CPU that loaded minivmx\n",
		       smp_processor_id());
		return -EOPNOTSUPP;
	}
	return 0;
}
