/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A CPU's capabilities in a file: in a JSON object, whatever else that has,
 *
 *	"cpu": {
 *	  "physical_address_bits": 40,
 *	  "linear_address_bits": 48,
 *	  "rtm": false,
 *	  "sgx": false,
 *	  "perf_global": false,
 *	  "vmx_msrs": { "0x480": "0x00d810000000002b", ... }
 *	}
 *
 * with numbers as such or as strings. An MSR that is not named is one that the CPU
 * lacks; of the others the values above are the defaults.
 */
#ifndef CAPS_FILE_H
#define CAPS_FILE_H

#include <json-c/json.h>

#include "libminivmx.h"
#include "message.h"

#define FIRST_VMX_MSR	0x480	/* IA32_VMX_BASIC */

/* "cpu" in @root. 0, or -1 with a message. */
int caps_from_json(struct json_object *root, struct minivmx_caps *caps, struct message *message);
/* The same for all of @path; the message names it. */
int caps_file_read(const char *path, struct minivmx_caps *caps, struct message *message);
/* Put it there. */
void caps_to_json(const struct minivmx_caps *caps, struct json_object *root);

#endif /* CAPS_FILE_H */
