// SPDX-License-Identifier: GPL-2.0
/*
 * splat: make the kernel complain, in the way the parameter asks for, so that
 * testbed/selftest can see each complaint turn into a failed run.
 */
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/spinlock.h>

static char *kind = "none";
module_param(kind, charp, 0);
MODULE_PARM_DESC(kind, "none, warn, bug, oops, atomic, lockup or refuse");

static DEFINE_SPINLOCK(lock);

static int __init splat_init(void)
{
	if (!strcmp(kind, "warn"))
		WARN(1, "splat asked for\n");
	else if (!strcmp(kind, "bug"))
		BUG();
	else if (!strcmp(kind, "oops"))
		WRITE_ONCE(*(volatile int *)8, 1);
	else if (!strcmp(kind, "atomic")) {
		spin_lock(&lock);
		msleep(1);
		spin_unlock(&lock);
	} else if (!strcmp(kind, "lockup")) {
		preempt_disable();
		for (;;)
			cpu_relax();
	} else if (!strcmp(kind, "refuse")) {
		return -EOPNOTSUPP;
	}
	return 0;
}

static void __exit splat_exit(void)
{
}

module_init(splat_init);
module_exit(splat_exit);
MODULE_DESCRIPTION("Kernel complaints on request");
MODULE_LICENSE("GPL");
