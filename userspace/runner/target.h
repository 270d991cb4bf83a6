/* SPDX-License-Identifier: GPL-2.0 */
/* The vCPUs and the VM of a runner, for commands that look into it. */
#ifndef TARGET_H
#define TARGET_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "control.h"
#include "message.h"

#define TARGET_ALL	(-1LL)

/**
 * struct target - descriptors of a runner's vCPUs
 * @pid: of the runner
 * @pidfd: readable when it has ended; -1 if the kernel has no such thing
 * @nr: how many vCPUs
 * @ids: their numbers
 * @vcpus: their descriptors
 */
struct target {
	pid_t pid;
	int pidfd;
	size_t nr;
	uint32_t ids[CONTROL_MAX_FDS];
	int vcpus[CONTROL_MAX_FDS];
};

/*
 * Ask the runner @which (its name, its PID, or NULL for the only one there is) for
 * its vCPU @id or TARGET_ALL. 0, or -1 with a message. Free with target_close().
 */
int target_open(const char *which, long long id, struct target *target,
		struct message *message);
void target_close(struct target *target);

/* Likewise its VM: a descriptor, or -1 with a message. */
int target_open_vm(const char *which, struct message *message);

/*
 * The number of a vCPU: 0, or -1 with a message; whether there is one
 * says the runner.
 */
int target_parse_vcpu(const char *text, long long *id, struct message *message);

#endif /* TARGET_H */
