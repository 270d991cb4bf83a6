/* SPDX-License-Identifier: GPL-2.0 */
/* The exits of all VMs of this host, as the module counts them, from its files in debugfs. */
#ifndef HOST_STATS_H
#define HOST_STATS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "libminivmx.h"
#include "message.h"

#define HOST_STATS_DIR	"/sys/kernel/debug/minivmx"

/* What one vCPU has done, by basic exit reason. */
struct vcpu_stats {
	uint32_t id;
	struct minivmx_exit_stat exits[MINIVMX_NR_EXITS];
};

/**
 * struct vm_stats - a VM
 * @number: of all VMs that the module has had, from 1 on
 * @pid: of the process that made it
 * @nr: how many vCPUs
 * @vcpus: in the order of their numbers
 */
struct vm_stats {
	uint64_t number;
	pid_t pid;
	size_t nr;
	struct vcpu_stats *vcpus;
};

/**
 * struct host_stats - all VMs at one moment
 * @time: of CLOCK_MONOTONIC, in ns
 * @nr: how many VMs
 * @vms: in the order of their numbers
 */
struct host_stats {
	uint64_t time;
	size_t nr;
	struct vm_stats *vms;
};

/*
 * Read them all from the folder @dir. What ends meanwhile is left out. 0, or -1 with a
 * message; free with host_stats_free() in both cases.
 */
int host_stats_read(const char *dir, struct host_stats *stats, struct message *message);
void host_stats_free(struct host_stats *stats);

#endif /* HOST_STATS_H */
