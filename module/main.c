// SPDX-License-Identifier: GPL-2.0
/*
 * minivmx: a small hypervisor for Intel VT-x.
 *
 * This is the table of contents; docs/tour.md is the reading order.
 */
#include <linux/init.h>
#include <linux/miscdevice.h>
#include <linux/module.h>

#include "debugfs.h"
#include "fpu.h"
#include "host_check.h"
#include "hw.h"
#include "ioctl.h"
#include "mitigate.h"

static struct miscdevice minivmx_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "minivmx",
	.mode = 0600,
	.fops = &minivmx_system_fops,
};

static int __init minivmx_init(void)
{
	int ret;

	ret = hw_init();	/* can this CPU and this host do it? */
	if (ret)
		return ret;
	ret = fpu_init();	/* how large is a guest's FPU state? */
	if (ret)
		goto exit_hw;
	ret = mitigate_init();	/* what does it need against its bugs? */
	if (ret)
		goto exit_hw;
	host_check_init();	/* is it to be watched? */
	stats_init();		/* counters in debugfs */
	ret = misc_register(&minivmx_device); /* /dev/minivmx: open for use */
	if (ret)
		goto exit_stats;
	hw_init_kvm(minivmx_device.this_device->class); /* is KVM here? */
	pr_info("loaded; VMX is taken when the first VM is created\n");
	return 0;

exit_stats:
	stats_exit();
	mitigate_exit();
exit_hw:
	hw_exit();
	return ret;
}

static void __exit minivmx_exit(void)
{
	/* Every descriptor holds the module: there is no VM any more. */
	misc_deregister(&minivmx_device);
	stats_exit();
	mitigate_exit();
	hw_exit();
}

module_init(minivmx_init);
module_exit(minivmx_exit);

MODULE_DESCRIPTION("A small hypervisor for Intel VT-x");
MODULE_AUTHOR("The minivmx developers");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1");
