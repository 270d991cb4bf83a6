/* SPDX-License-Identifier: GPL-2.0 */
/* What else there is beside a guest that is measured, and must not matter to it. */
#ifndef CROWD_H
#define CROWD_H

#include "backend.h"

#define CROWD_MAX	64

/**
 * struct crowd - how much there is in all, the measured guest's own among it; 0 is 1
 * @vms: virtual machines, each with one vCPU that never runs
 * @vcpus: vCPUs of the measured one, of which the others never run
 * @ranges: of its memory, of one page each but for its own
 */
struct crowd {
	unsigned int vms, vcpus, ranges;
};

/* It, when it is there; all zero is nobody. */
struct crowd_members {
	struct vm vms[CROWD_MAX];
	struct vcpu vm_vcpus[CROWD_MAX];
	unsigned int nr_vms;
	struct vcpu vcpus[CROWD_MAX];
	unsigned int nr_vcpus;
};

/*
 * Make those that are missing. @vm has @cpus vCPUs, with the lowest numbers; @page is any of
 * its memory. A negative errno if that cannot be: what there is by then is to be closed.
 */
int crowd_open(struct crowd_members *members, const struct crowd *crowd, struct vm *vm,
	       unsigned int cpus, void *page);
/* Before the VM that it is beside. */
void crowd_close(struct crowd_members *members);

#endif /* CROWD_H */
