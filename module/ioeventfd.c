// SPDX-License-Identifier: GPL-2.0
/* Writes that signal an eventfd: see irqfd.h. */
#include <linux/err.h>
#include <linux/eventfd.h>
#include <linux/kernel.h>
#include <linux/rculist.h>
#include <linux/slab.h>

#include "../uapi/minivmx.h"
#include "irqfd.h"
#include "vm.h"

/**
 * struct ioeventfd - a write that signals an eventfd
 * @node: in vm->doors.ioeventfds
 * @ctx: the eventfd
 * @is_port: @address is a port
 * @any_data: @data does not matter
 * @address: of the write
 * @data: value of it
 * @size: of it, 0 if that does not matter
 */
struct ioeventfd {
	struct list_head node;
	struct eventfd_ctx *ctx;
	bool is_port;
	bool any_data;
	u64 address;
	u64 data;
	u32 size;
};

static bool overlap(const struct ioeventfd *a, const struct ioeventfd *b)
{
	return a->is_port == b->is_port && a->address == b->address &&
	       (!a->size || !b->size || a->size == b->size) &&
	       (a->any_data || b->any_data || a->data == b->data);
}

static bool same(const struct ioeventfd *a, const struct ioeventfd *b)
{
	return a->ctx == b->ctx && a->is_port == b->is_port && a->address == b->address &&
	       a->size == b->size && a->any_data == b->any_data && a->data == b->data;
}

bool ioeventfd_write(struct vm *vm, bool is_port, u64 address, u64 data, unsigned int size)
{
	const struct ioeventfd wanted = {
		.is_port = is_port, .address = address, .data = data, .size = size,
	};
	struct ioeventfd *e;
	bool found = false;

	if (list_empty(&vm->doors.ioeventfds))
		return false;
	rcu_read_lock();
	list_for_each_entry_rcu(e, &vm->doors.ioeventfds, node)
		if (overlap(e, &wanted)) {
			signal_eventfd(e->ctx);
			found = true;
			break;
		}
	rcu_read_unlock();
	return found;
}

static int set_up(struct doors *doors, const struct ioeventfd *new)
{
	struct ioeventfd *e;
	int ret = 0;

	mutex_lock(&doors->mutex);
	list_for_each_entry(e, &doors->ioeventfds, node)
		if (overlap(e, new))
			ret = -EEXIST;
	if (!ret && doors->nr_ioeventfds == MINIVMX_MAX_IOEVENTFDS)
		ret = -ENOSPC;
	e = ret ? NULL : kmemdup(new, sizeof(*new), GFP_KERNEL_ACCOUNT);
	if (e) {
		list_add_tail_rcu(&e->node, &doors->ioeventfds);
		doors->nr_ioeventfds++;
	} else if (!ret) {
		ret = -ENOMEM;
	}
	mutex_unlock(&doors->mutex);
	return ret;
}

/* Under the mutex. */
static void remove(struct doors *doors, struct ioeventfd *e)
{
	list_del_rcu(&e->node);
	doors->nr_ioeventfds--;
	synchronize_rcu();
	eventfd_ctx_put(e->ctx);
	kfree(e);
}

static int take_down(struct doors *doors, const struct ioeventfd *old)
{
	struct ioeventfd *e, *next;
	int ret = -ENOENT;

	mutex_lock(&doors->mutex);
	list_for_each_entry_safe(e, next, &doors->ioeventfds, node)
		if (same(e, old)) {
			remove(doors, e);
			ret = 0;
			break;
		}
	mutex_unlock(&doors->mutex);
	return ret;
}

void ioeventfds_free(struct doors *doors)
{
	struct ioeventfd *e, *next;

	list_for_each_entry_safe(e, next, &doors->ioeventfds, node)
		remove(doors, e);
}

static bool size_valid(u32 size, bool is_port)
{
	return size <= (is_port ? 4 : 8) && !(size & (size - 1));
}

static bool arg_valid(const struct minivmx_ioeventfd *arg)
{
	const bool is_port = arg->flags & MINIVMX_IOEVENTFD_PIO;
	const bool has_data = arg->flags & MINIVMX_IOEVENTFD_DATA;

	if ((arg->flags & ~(MINIVMX_EVENTFD_REMOVE | MINIVMX_IOEVENTFD_PIO |
			    MINIVMX_IOEVENTFD_DATA)) || arg->reserved)
		return false;
	if (!size_valid(arg->size, is_port) || (is_port && arg->address > 0xffff))
		return false;
	/* Data is compared as a whole: its size has to be known, and to be enough. */
	if (has_data)
		return arg->size && (arg->size == 8 || !(arg->data >> (arg->size * 8)));
	return !arg->data;
}

int ioeventfd_ioctl(struct vm *vm, const struct minivmx_ioeventfd *arg)
{
	struct ioeventfd e = {
		.is_port = arg->flags & MINIVMX_IOEVENTFD_PIO,
		.any_data = !(arg->flags & MINIVMX_IOEVENTFD_DATA),
		.address = arg->address, .data = arg->data, .size = arg->size,
	};
	bool removes = arg->flags & MINIVMX_EVENTFD_REMOVE;
	int ret;

	if (!arg_valid(arg))
		return -EINVAL;
	e.ctx = eventfd_ctx_fdget(arg->fd);
	if (IS_ERR(e.ctx))
		return PTR_ERR(e.ctx);
	ret = removes ? take_down(&vm->doors, &e) : set_up(&vm->doors, &e);
	/* One that was set up keeps the reference. */
	if (ret || removes)
		eventfd_ctx_put(e.ctx);
	return ret;
}
