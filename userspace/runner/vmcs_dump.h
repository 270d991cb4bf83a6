/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A VMCS in a file: JSON, numbers as such or as strings ("0x2000").
 *
 *	{
 *	  "cpu": see caps_file.h,
 *	  "fields": { "GUEST_CR0": "0x80000031", ... }
 *	}
 */
#ifndef VMCS_DUMP_H
#define VMCS_DUMP_H

#include <json-c/json.h>
#include <stdbool.h>

#include "libminivmx.h"
#include "message.h"

/* Read @path. 0, or -1 with a message that names it. Free with vmcs_dump_free(). */
int vmcs_dump_read(const char *path, struct minivmx_vmcs_dump *dump,
		   struct message *message);

/*
 * Read the VMCS of a vCPU; @device is /dev/minivmx, or -1 if the CPU is of no interest,
 * which is all zero then. The result of a field that only CAP_SYS_ADMIN may see is
 * EPERM without. 0, or -1 with a message.
 */
int vmcs_dump_take(int vcpu, int device, struct minivmx_vmcs_dump *dump,
		   struct message *message);

/* Whether fields of the host read as zero: they do without CAP_SYS_ADMIN. */
bool vmcs_host_is_hidden(int vcpu);

/* The JSON of above; of the fields those that are known. */
struct json_object *vmcs_dump_to_json(const struct minivmx_vmcs_dump *dump);

void vmcs_dump_free(struct minivmx_vmcs_dump *dump);

#endif /* VMCS_DUMP_H */
