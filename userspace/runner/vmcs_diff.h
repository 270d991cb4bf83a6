/* SPDX-License-Identifier: GPL-2.0 */
/* minivmx vmcs diff: what is different in two VMCSs. */
#ifndef VMCS_DIFF_H
#define VMCS_DIFF_H

#include "libminivmx.h"

/* Print the fields that differ to stdout; returns how many. */
unsigned int vmcs_diff(const struct minivmx_vmcs_dump *a, const struct minivmx_vmcs_dump *b);

#endif /* VMCS_DIFF_H */
