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

#include "libminivmx.h"
#include "message.h"

/* Read @path. 0, or -1 with a message that names it. Free with vmcs_dump_free(). */
int vmcs_dump_read(const char *path, struct minivmx_vmcs_dump *dump,
		   struct message *message);
void vmcs_dump_free(struct minivmx_vmcs_dump *dump);

#endif /* VMCS_DUMP_H */
