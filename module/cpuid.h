/* SPDX-License-Identifier: GPL-2.0 */
/* CPUID as the guest sees it. */
#ifndef MINIVMX_CPUID_H
#define MINIVMX_CPUID_H

#include <linux/types.h>

#include "../uapi/minivmx.h"

/*
 * The rows that this host can back, into @rows[@max]; how many there are.
 * @apic_id goes where the manual has the initial APIC id; @apic: there is one.
 */
unsigned int cpuid_supported(struct minivmx_cpuid_entry *rows, unsigned int max,
			     u32 apic_id, bool apic);

#endif /* MINIVMX_CPUID_H */
