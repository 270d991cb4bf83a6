/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Doors for other programs and threads: eventfds that interrupt a VM, by way of a table
 * of global system interrupts (irqfd.c), and writes that signal one (ioeventfd.c).
 */
#ifndef MINIVMX_IRQFD_H
#define MINIVMX_IRQFD_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>

struct gsi_table;
struct minivmx_gsi_routes;
struct minivmx_ioeventfd;
struct minivmx_irqfd;
struct vm;

/**
 * struct doors - of a VM
 * @mutex: held to change any of these; RCU protects who looks at them
 * @gsis: the routes, or NULL
 * @irqfds: of struct irqfd
 * @nr_irqfds: how many
 * @ioeventfds: of struct ioeventfd
 * @nr_ioeventfds: how many
 */
struct doors {
	struct mutex mutex;
	struct gsi_table __rcu *gsis;
	struct list_head irqfds;
	unsigned int nr_irqfds;
	struct list_head ioeventfds;
	unsigned int nr_ioeventfds;
};

/* A pair. */
void doors_init(struct doors *doors);
void doors_exit(struct doors *doors);

/* The ioctls. */
int gsi_set_routes(struct vm *vm, const struct minivmx_gsi_routes *arg);
int irqfd_ioctl(struct vm *vm, const struct minivmx_irqfd *arg);
int ioeventfd_ioctl(struct vm *vm, const struct minivmx_ioeventfd *arg);
/* Part of doors_exit(). */
void ioeventfds_free(struct doors *doors);

/* The guest has ended a level-triggered interrupt. Interrupts may be off. */
void irqfd_eoi(struct vm *vm, u8 vector);
/* Is there an eventfd for this write? It is signalled then. Interrupts may be off. */
bool ioeventfd_write(struct vm *vm, bool is_port, u64 address, u64 data, unsigned int size);

#endif /* MINIVMX_IRQFD_H */
