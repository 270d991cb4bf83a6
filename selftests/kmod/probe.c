// SPDX-License-Identifier: GPL-2.0
/*
 * A third hypervisor, and a look at what the others do with VMX: for tests.
 *
 * /sys/kernel/debug/probe/
 *   take	write 1: VMXON on every CPU, write 0: VMXOFF
 *   vmxe	a line for each CPU: its number, and CR4.VMXE
 *   current	a line for each CPU: its number, and the current VMCS's address, -1
 *		if there is none, or "off"
 *   msrs	a line for each VMX capability MSR: its number, and its value, "-" if
 *		it cannot be read
 *   host	the words of host_state.def, on the CPU that reads them
 *
 * When the host reboots, after all others were told so, it says on the console
 * which CPUs still have CR4.VMXE set.
 */
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kstrtox.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/reboot.h>
#include <linux/seq_file.h>
#include <linux/smp.h>
#include <asm/asm.h>
#include <asm/msr.h>
#include <asm/processor.h>
#include <asm/tlbflush.h>

#include "host_state.h"

struct cpu_vmx {
	bool vmxe;
	bool taken;
	u64 current_vmcs;
	void *region;
};

static DEFINE_PER_CPU(struct cpu_vmx, cpu_vmx);
static struct dentry *dir;

static void look(void *unused)
{
	struct cpu_vmx *cpu = this_cpu_ptr(&cpu_vmx);

	cpu->vmxe = __read_cr4() & X86_CR4_VMXE;
	/* VMXE does not mean that VMXON was executed. */
	cpu->current_vmcs = 0;
	if (cpu->vmxe)
		asm volatile("1: vmptrst %0; 2:" _ASM_EXTABLE(1b, 2b)
			     : "+m"(cpu->current_vmcs) : : "cc", "memory");
}

static int vmxe_show(struct seq_file *file, void *unused)
{
	int cpu;

	on_each_cpu(look, NULL, 1);
	for_each_online_cpu(cpu)
		seq_printf(file, "%d %d\n", cpu, per_cpu(cpu_vmx, cpu).vmxe);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(vmxe);

static int current_show(struct seq_file *file, void *unused)
{
	int cpu;

	on_each_cpu(look, NULL, 1);
	for_each_online_cpu(cpu)
		if (per_cpu(cpu_vmx, cpu).vmxe)
			seq_printf(file, "%d %lld\n", cpu, per_cpu(cpu_vmx, cpu).current_vmcs);
		else
			seq_printf(file, "%d off\n", cpu);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(current);

static int msrs_show(struct seq_file *file, void *unused)
{
	u32 msr, low, high;

	for (msr = 0x480; msr <= 0x493; msr++)
		if (rdmsr_safe(msr, &low, &high))
			seq_printf(file, "%x -\n", msr);
		else
			seq_printf(file, "%x %llx\n", msr, (u64)high << 32 | low);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(msrs);

/* ---- The state of a CPU ---- */

static ssize_t host_read(struct file *file, char __user *to, size_t size, loff_t *offset)
{
#define HOST(name, when, value) value,
	const u64 words[] = {
#include "host_state.def"
	};
#undef HOST

	return simple_read_from_buffer(to, size, offset, words, sizeof(words));
}

static const struct file_operations host_fops = {
	.owner = THIS_MODULE,
	.read = host_read,
	.llseek = default_llseek,
};

/* ---- The third owner ---- */

#ifdef HAVE_CR4_UPDATE

static void give_back_cpu(void *unused)
{
	struct cpu_vmx *cpu = this_cpu_ptr(&cpu_vmx);

	if (!cpu->taken)
		return;
	asm volatile("vmxoff" : : : "cc", "memory");
	cr4_clear_bits_irqsoff(X86_CR4_VMXE);
	cpu->taken = false;
}

static void take_cpu(void *unused)
{
	struct cpu_vmx *cpu = this_cpu_ptr(&cpu_vmx);
	u64 region = virt_to_phys(cpu->region);
	u32 revision, high;

	if (__read_cr4() & X86_CR4_VMXE)
		return;
	rdmsr(MSR_IA32_VMX_BASIC, revision, high);
	*(u32 *)cpu->region = revision;
	cr4_set_bits_irqsoff(X86_CR4_VMXE);
	asm volatile("vmxon %0" : : "m"(region) : "cc", "memory");
	cpu->taken = true;
}

static void give_back(void)
{
	int cpu;

	on_each_cpu(give_back_cpu, NULL, 1);
	for_each_possible_cpu(cpu) {
		free_page((unsigned long)per_cpu(cpu_vmx, cpu).region);
		per_cpu(cpu_vmx, cpu).region = NULL;
	}
}

static int take(void)
{
	bool all = true;
	int cpu;

	for_each_possible_cpu(cpu) {
		per_cpu(cpu_vmx, cpu).region = (void *)get_zeroed_page(GFP_KERNEL);
		all &= per_cpu(cpu_vmx, cpu).region != NULL;
	}
	if (all)
		on_each_cpu(take_cpu, NULL, 1);
	for_each_online_cpu(cpu)
		all &= per_cpu(cpu_vmx, cpu).taken;
	if (all)
		return 0;
	give_back();
	return -EBUSY;
}

#else

static void give_back(void)
{
}

static int take(void)
{
	return -EOPNOTSUPP;
}

#endif

static ssize_t take_write(struct file *file, const char __user *text, size_t size,
			  loff_t *offset)
{
	bool want;
	int ret = kstrtobool_from_user(text, size, &want);

	if (ret)
		return ret;
	give_back();
	ret = want ? take() : 0;
	return ret ?: size;
}

static const struct file_operations take_fops = {
	.owner = THIS_MODULE,
	.write = take_write,
};

/* ---- The end of the host ---- */

static int reboot(struct notifier_block *nb, unsigned long event, void *data)
{
	int cpu, on = 0;

	on_each_cpu(look, NULL, 1);
	for_each_online_cpu(cpu)
		on += per_cpu(cpu_vmx, cpu).vmxe;
	pr_err("probe: %d of %d CPUs have VMXE set at the end\n", on, num_online_cpus());
	return NOTIFY_OK;
}

static struct notifier_block reboot_nb = {
	.notifier_call = reboot,
	.priority = INT_MIN,
};

static int __init probe_init(void)
{
	int ret = register_reboot_notifier(&reboot_nb);

	if (ret)
		return ret;
	dir = debugfs_create_dir("probe", NULL);
	debugfs_create_file("take", 0200, dir, NULL, &take_fops);
	debugfs_create_file("vmxe", 0400, dir, NULL, &vmxe_fops);
	debugfs_create_file("current", 0400, dir, NULL, &current_fops);
	debugfs_create_file("msrs", 0400, dir, NULL, &msrs_fops);
	debugfs_create_file("host", 0400, dir, NULL, &host_fops);
	return 0;
}
module_init(probe_init);

static void __exit probe_exit(void)
{
	debugfs_remove(dir);
	unregister_reboot_notifier(&reboot_nb);
	give_back();
}
module_exit(probe_exit);

MODULE_DESCRIPTION("Looks at VMX, and takes it: for tests of minivmx");
MODULE_LICENSE("GPL");
