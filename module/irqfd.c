// SPDX-License-Identifier: GPL-2.0
/* Global system interrupts, and the eventfds that raise them: see irqfd.h. */
#include <linux/err.h>
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/poll.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#include "../uapi/minivmx.h"
#include "apic.h"
#include "irqfd.h"
#include "lapic.h"
#include "vm.h"

/* ---------------------------------------------------------------------- */
/* Routes                                                                  */
/* ---------------------------------------------------------------------- */

/* By number; one without a route has no address. */
struct gsi_table {
	struct {
		u64 address;
		u32 data;
	} gsis[MINIVMX_MAX_GSIS];
};

static int table_fill(struct gsi_table *table, const struct minivmx_gsi_route *routes, u32 nr)
{
	u32 i;

	for (i = 0; i < nr; i++) {
		const struct minivmx_gsi_route *route = &routes[i];

		if (route->gsi >= MINIVMX_MAX_GSIS || !apic_is_msi_address(route->address))
			return -EINVAL;
		if (table->gsis[route->gsi].address)
			return -EEXIST;
		table->gsis[route->gsi].address = route->address;
		table->gsis[route->gsi].data = route->data;
	}
	return 0;
}

int gsi_set_routes(struct vm *vm, const struct minivmx_gsi_routes *arg)
{
	struct minivmx_gsi_route *routes;
	struct gsi_table *table;
	int ret;

	if (!vm->has_apics)
		return -ENODEV;
	if (arg->reserved)
		return -EINVAL;
	if (arg->nr > MINIVMX_MAX_GSIS)
		return -E2BIG;
	routes = vmemdup_user((void __user *)arg->routes, arg->nr * sizeof(*routes));
	if (IS_ERR(routes))
		return PTR_ERR(routes);
	table = kvzalloc(sizeof(*table), GFP_KERNEL_ACCOUNT);
	ret = table ? table_fill(table, routes, arg->nr) : -ENOMEM;
	kvfree(routes);
	if (!ret) {
		mutex_lock(&vm->doors.mutex);
		table = rcu_replace_pointer(vm->doors.gsis, table,
					    lockdep_is_held(&vm->doors.mutex));
		mutex_unlock(&vm->doors.mutex);
		if (table)
			synchronize_rcu();
	}
	kvfree(table);
	return ret;
}

static void gsi_raise(struct vm *vm, u32 gsi)
{
	struct lapic_message message;
	struct gsi_table *table;
	u64 address = 0;

	rcu_read_lock();
	table = rcu_dereference(vm->doors.gsis);
	if (table) {
		address = table->gsis[gsi].address;
		message = lapic_msi(address, table->gsis[gsi].data);
	}
	rcu_read_unlock();
	if (address)
		apic_send(vm, NULL, &message);
}

/* Under rcu_read_lock(). */
static bool gsi_has_vector(struct vm *vm, u32 gsi, u8 vector)
{
	const struct gsi_table *table = rcu_dereference(vm->doors.gsis);

	return table && table->gsis[gsi].address &&
	       lapic_msi(table->gsis[gsi].address, table->gsis[gsi].data).vector == vector;
}

/* ---------------------------------------------------------------------- */
/* irqfds                                                                  */
/* ---------------------------------------------------------------------- */

/**
 * struct irqfd - an eventfd that raises a global system interrupt
 * @vm: whose
 * @node: in vm->doors.irqfds
 * @ctx: the eventfd
 * @resample: to signal at EOI, or NULL
 * @gsi: what it raises
 * @hung_up: the eventfd has no user any more
 * @wait: called when it is signalled
 * @poll: for setting that up
 */
struct irqfd {
	struct vm *vm;
	struct list_head node;
	struct eventfd_ctx *ctx;
	struct eventfd_ctx *resample;
	u32 gsi;
	bool hung_up;
	wait_queue_entry_t wait;
	poll_table poll;
};

/* With the lock of the eventfd's wait queue held. */
static int irqfd_wakes(wait_queue_entry_t *wait, unsigned int mode, int sync, void *key)
{
	struct irqfd *irqfd = container_of(wait, struct irqfd, wait);
	__poll_t events = key_to_poll(key);
	u64 count;

	if (events & EPOLLIN) {
		eventfd_ctx_do_read(irqfd->ctx, &count);
		gsi_raise(irqfd->vm, irqfd->gsi);
	}
	/* The next MINIVMX_IRQFD frees it, or the end of the VM. */
	if (events & EPOLLHUP)
		WRITE_ONCE(irqfd->hung_up, true);
	return 0;
}

static void irqfd_queue(struct file *file, wait_queue_head_t *head, poll_table *poll)
{
	struct irqfd *irqfd = container_of(poll, struct irqfd, poll);

	add_wait_queue_priority(head, &irqfd->wait);
}

static void irqfd_free(struct irqfd *irqfd)
{
	if (irqfd->resample)
		eventfd_ctx_put(irqfd->resample);
	if (irqfd->ctx)
		eventfd_ctx_put(irqfd->ctx);
	kfree(irqfd);
}

/* No wakeup is under way when this returns, nor does anybody look at it. */
static void irqfd_remove(struct doors *doors, struct irqfd *irqfd)
{
	u64 count;

	eventfd_ctx_remove_wait_queue(irqfd->ctx, &irqfd->wait, &count);
	list_del_rcu(&irqfd->node);
	doors->nr_irqfds--;
	synchronize_rcu();
	irqfd_free(irqfd);
}

static void irqfds_reap(struct doors *doors)
{
	struct irqfd *irqfd, *next;

	list_for_each_entry_safe(irqfd, next, &doors->irqfds, node)
		if (READ_ONCE(irqfd->hung_up))
			irqfd_remove(doors, irqfd);
}

static struct irqfd *irqfd_find(struct doors *doors, const struct eventfd_ctx *ctx, u32 gsi)
{
	struct irqfd *irqfd;

	list_for_each_entry(irqfd, &doors->irqfds, node)
		if (irqfd->ctx == ctx && irqfd->gsi == gsi)
			return irqfd;
	return NULL;
}

/* Into the list, and to the eventfd; under the mutex. */
static int irqfd_add(struct doors *doors, struct irqfd *irqfd, struct file *file)
{
	if (irqfd_find(doors, irqfd->ctx, irqfd->gsi))
		return -EEXIST;
	if (doors->nr_irqfds == MINIVMX_MAX_IRQFDS)
		return -ENOSPC;
	list_add_tail_rcu(&irqfd->node, &doors->irqfds);
	doors->nr_irqfds++;
	init_waitqueue_func_entry(&irqfd->wait, irqfd_wakes);
	init_poll_funcptr(&irqfd->poll, irqfd_queue);
	/* It may have been signalled before. */
	if (vfs_poll(file, &irqfd->poll) & EPOLLIN)
		gsi_raise(irqfd->vm, irqfd->gsi);
	return 0;
}

static struct irqfd *irqfd_new(struct vm *vm, const struct minivmx_irqfd *arg, struct file *file)
{
	struct irqfd *irqfd = kzalloc(sizeof(*irqfd), GFP_KERNEL_ACCOUNT);
	struct eventfd_ctx *ctx;

	if (!irqfd)
		return ERR_PTR(-ENOMEM);
	irqfd->vm = vm;
	irqfd->gsi = arg->gsi;
	ctx = eventfd_ctx_fileget(file);
	if (IS_ERR(ctx))
		goto free;
	irqfd->ctx = ctx;
	if (arg->flags & MINIVMX_IRQFD_RESAMPLE) {
		ctx = eventfd_ctx_fdget(arg->resample_fd);
		if (IS_ERR(ctx))
			goto free;
		irqfd->resample = ctx;
	}
	return irqfd;

free:
	irqfd_free(irqfd);
	return ERR_CAST(ctx);
}

static int irqfd_set_up(struct vm *vm, const struct minivmx_irqfd *arg)
{
	struct file *file = eventfd_fget(arg->fd);
	struct irqfd *irqfd;
	int ret;

	if (IS_ERR(file))
		return PTR_ERR(file);
	irqfd = irqfd_new(vm, arg, file);
	if (IS_ERR(irqfd)) {
		ret = PTR_ERR(irqfd);
		goto put;
	}
	mutex_lock(&vm->doors.mutex);
	irqfds_reap(&vm->doors);
	ret = irqfd_add(&vm->doors, irqfd, file);
	mutex_unlock(&vm->doors.mutex);
	if (ret)
		irqfd_free(irqfd);
put:
	fput(file);
	return ret;
}

static int irqfd_take_down(struct vm *vm, const struct minivmx_irqfd *arg)
{
	struct eventfd_ctx *ctx = eventfd_ctx_fdget(arg->fd);
	struct irqfd *irqfd;
	int ret = -ENOENT;

	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	mutex_lock(&vm->doors.mutex);
	irqfd = irqfd_find(&vm->doors, ctx, arg->gsi);
	if (irqfd) {
		irqfd_remove(&vm->doors, irqfd);
		ret = 0;
	}
	mutex_unlock(&vm->doors.mutex);
	eventfd_ctx_put(ctx);
	return ret;
}

int irqfd_ioctl(struct vm *vm, const struct minivmx_irqfd *arg)
{
	if (!vm->has_apics)
		return -ENODEV;
	if ((arg->flags & ~(MINIVMX_EVENTFD_REMOVE | MINIVMX_IRQFD_RESAMPLE)) ||
	    arg->gsi >= MINIVMX_MAX_GSIS ||
	    (!(arg->flags & MINIVMX_IRQFD_RESAMPLE) && arg->resample_fd))
		return -EINVAL;
	return arg->flags & MINIVMX_EVENTFD_REMOVE ? irqfd_take_down(vm, arg) :
						     irqfd_set_up(vm, arg);
}

void irqfd_eoi(struct vm *vm, u8 vector)
{
	struct irqfd *irqfd;

	rcu_read_lock();
	list_for_each_entry_rcu(irqfd, &vm->doors.irqfds, node)
		if (irqfd->resample && gsi_has_vector(vm, irqfd->gsi, vector))
			signal_eventfd(irqfd->resample);
	rcu_read_unlock();
}

/* ---------------------------------------------------------------------- */
/* Life                                                                    */
/* ---------------------------------------------------------------------- */

void doors_init(struct doors *doors)
{
	mutex_init(&doors->mutex);
	INIT_LIST_HEAD(&doors->irqfds);
	INIT_LIST_HEAD(&doors->ioeventfds);
}

void doors_exit(struct doors *doors)
{
	struct irqfd *irqfd, *next;

	mutex_lock(&doors->mutex);
	list_for_each_entry_safe(irqfd, next, &doors->irqfds, node)
		irqfd_remove(doors, irqfd);
	ioeventfds_free(doors);
	mutex_unlock(&doors->mutex);
	kvfree(rcu_access_pointer(doors->gsis));
}
