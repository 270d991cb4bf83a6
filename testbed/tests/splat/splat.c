// SPDX-License-Identifier: GPL-2.0
/*
 * splat: make the kernel complain, in the way the parameter asks for, so that
 * testbed/selftest can see each complaint turn into a failed run.
 */
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/timer.h>

static char *kind = "none";
module_param(kind, charp, 0);
MODULE_PARM_DESC(kind, "none, warn, bug, oops, atomic, lockup, refuse; on the debug kernel also overrun, reuse, shift, order, held, timer, leak or percpu");

static DEFINE_SPINLOCK(lock);
static DEFINE_MUTEX(first);
static DEFINE_MUTEX(second);

/* Behind the end of an allocation, or after it was freed. */
static void touch(bool freed)
{
	char *bytes = kmalloc(16, GFP_KERNEL);

	if (!bytes)
		return;
	OPTIMIZER_HIDE_VAR(bytes);
	if (!freed)
		bytes[16] = 1;
	kfree(bytes);
	OPTIMIZER_HIDE_VAR(bytes);
	if (freed)
		bytes[0] = 1;
}

static void shift(void)
{
	static volatile int by = 40;
	static volatile int result;

	result = 1 << by;
}

/* Two locks in this order, then in the other. */
static void order(void)
{
	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);
	mutex_lock(&second);
	mutex_lock(&first);
	mutex_unlock(&first);
	mutex_unlock(&second);
}

static void timed_out(struct timer_list *timer)
{
}

static void free_timer(void)
{
	struct timer_list *timer = kmalloc(sizeof(*timer), GFP_KERNEL);

	if (!timer)
		return;
	timer_setup(timer, timed_out, 0);
	mod_timer(timer, jiffies + 100 * HZ);
	kfree(timer);
}

static void leak(void)
{
	void *bytes = kmalloc(1000, GFP_KERNEL);

	OPTIMIZER_HIDE_VAR(bytes);
}

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
	} else if (!strcmp(kind, "overrun")) {
		touch(false);
	} else if (!strcmp(kind, "reuse")) {
		touch(true);
	} else if (!strcmp(kind, "shift")) {
		shift();
	} else if (!strcmp(kind, "order")) {
		order();
	} else if (!strcmp(kind, "held")) {
		mutex_lock(&first);
	} else if (!strcmp(kind, "timer")) {
		free_timer();
	} else if (!strcmp(kind, "leak")) {
		leak();
	} else if (!strcmp(kind, "percpu")) {
		pr_info("on CPU %d\n", smp_processor_id());
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
