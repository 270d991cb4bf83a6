/* SPDX-License-Identifier: GPL-2.0 */
/* The ways to run guests that are compared: minivmx, KVM, and minivmx with KVM's VMX. */
#ifndef SIDE_H
#define SIDE_H

#include "backend.h"

/**
 * struct side - one of them
 * @name: as reports have it
 * @backend: that does it
 * @borrows: a VM of KVM's is there meanwhile, so that VMX is KVM's
 * @missing: why it cannot be had, or empty
 */
struct side {
	const char *name;
	const struct backend *backend;
	bool borrows;
	struct message missing;
};

enum { SIDE_MINIVMX, SIDE_KVM, SIDE_BORROWED, NR_SIDES };

/**
 * struct side_setup - who has VMX
 * @owns: unload kvm_intel while it is minivmx's turn, so that it has VMX for itself, and
 *	  load it for the others
 * @kvm_module: the file of kvm_intel for that, or NULL: ask modprobe
 * @was_loaded: it was, when sides_find() came
 */
struct side_setup {
	bool owns;
	const char *kvm_module;
	bool was_loaded;
};

/* All, each with what is missing. How many can be had. */
unsigned int sides_find(struct side_setup *setup, struct side sides[NR_SIDES]);
/* kvm_intel as it was. */
void sides_end(const struct side_setup *setup);

/* Its turn begins, or -1 with a message, and ends, in both cases. @owner is for the latter. */
int side_enter(const struct side *side, const struct side_setup *setup, struct vm *owner,
	       struct message *message);
void side_leave(const struct side *side, struct vm *owner);

/*
 * What is unloaded is to be loaded again: a signal that wants an end is only noted. The
 * second one ends the program at once.
 */
void sides_catch_signals(void);
/* The number of the one that came, or 0. */
int sides_interrupted(void);

#endif /* SIDE_H */
