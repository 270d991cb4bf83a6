/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A VMCS in a file: JSON, numbers as such or as strings ("0x2000").
 *
 *	{
 *	  "cpu": {
 *	    "physical_address_bits": 40,
 *	    "linear_address_bits": 48,
 *	    "rtm": false,
 *	    "sgx": false,
 *	    "vmx_msrs": { "0x480": "0x00d810000000002b", ... }
 *	  },
 *	  "fields": { "GUEST_CR0": "0x80000031", ... }
 *	}
 *
 * An MSR that is not named is one that the CPU lacks; of the others in "cpu" the
 * values above are the defaults.
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
