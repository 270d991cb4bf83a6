/* SPDX-License-Identifier: GPL-2.0 */
/* Where a command gets a VMCS from: a dump in a file, or a vCPU of a runner. */
#ifndef VMCS_SOURCE_H
#define VMCS_SOURCE_H

#include <stdbool.h>

#include "vmcs_dump.h"

/*
 * Get the VMCS of @source: a file, if there is one of that name or if no runner can be
 * called so; else RUNNER or RUNNER:VCPU; NULL is the only runner there is. The CPU is
 * only asked for @with_cpu. 0, or -1 with a message. Free with vmcs_dump_free().
 */
int vmcs_source_read(const char *source, bool with_cpu, struct minivmx_vmcs_dump *dump,
		     struct message *message);

/* The same of vCPU @id of the runner @which, see target.h. */
int vmcs_source_live(const char *which, long long id, bool with_cpu,
		     struct minivmx_vmcs_dump *dump, struct message *message);

#endif /* VMCS_SOURCE_H */
