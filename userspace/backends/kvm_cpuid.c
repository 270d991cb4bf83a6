// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <linux/kvm.h>
#include <linux/kvm_para.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "array.h"
#include "kvm_cpuid.h"
#include "libminivmx.h"

/* As many as KVM takes. */
#define MAX_ROWS	256

#define LEAF_TOPOLOGY	0xb
#define LEAF_XSAVE	0xd
#define LEAF_HYPERVISOR	0x40000000
#define HYPERVISOR_STEP	0x100

#define EDX_APIC	(1U << 9)
#define ECX_X2APIC	(1U << 21)
#define ECX_DEADLINE	(1U << 24)
#define ECX_HYPERVISOR	(1U << 31)

/* The registers of a row that name features, each by its bit. */
static const struct features {
	uint32_t leaf, subleaf;
	bool eax, ebx, ecx, edx;
} feature_table[] = {
	{ .leaf = 1, .ecx = true, .edx = true },
	{ .leaf = 6, .eax = true },
	{ .leaf = 7, .ebx = true, .ecx = true, .edx = true },
	{ .leaf = LEAF_XSAVE, .eax = true, .edx = true },
	{ .leaf = LEAF_XSAVE, .subleaf = 1, .eax = true },
	{ .leaf = 0x80000001, .ecx = true, .edx = true },
	{ .leaf = 0x80000007, .edx = true },
};

static struct kvm_cpuid2 *new_table(void)
{
	struct kvm_cpuid2 *table = calloc(1, sizeof(*table) +
					     MAX_ROWS * sizeof(table->entries[0]));

	if (table)
		table->nent = MAX_ROWS;
	return table;
}

static const struct kvm_cpuid_entry2 *find(const struct kvm_cpuid2 *table, uint32_t leaf,
					   uint32_t subleaf)
{
	uint32_t i;

	for (i = 0; i < table->nent; i++) {
		const struct kvm_cpuid_entry2 *row = &table->entries[i];

		if (row->function == leaf &&
		    (!(row->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX) || row->index == subleaf))
			return row;
	}
	return NULL;
}

/* minivmx's rows; false if there is no /dev/minivmx. */
static bool take_minivmx(struct kvm_cpuid2 *table)
{
	struct minivmx_cpuid_entry rows[MINIVMX_MAX_CPUID];
	int i, nr, fd = minivmx_open(NULL);

	if (fd < 0)
		return false;
	nr = minivmx_get_supported_cpuid(fd, rows, ARRAY_SIZE(rows));
	close(fd);
	for (i = 0; i < nr; i++)
		table->entries[i] = (struct kvm_cpuid_entry2) {
			.function = rows[i].leaf,
			.index = rows[i].subleaf,
			.flags = rows[i].flags & MINIVMX_CPUID_SUBLEAF ?
				 KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0,
			.eax = rows[i].eax,
			.ebx = rows[i].ebx,
			.ecx = rows[i].ecx,
			.edx = rows[i].edx,
		};
	table->nent = nr > 0 ? (uint32_t)nr : 0;
	return nr > 0;
}

static const struct features *features_of(const struct kvm_cpuid_entry2 *row)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(feature_table); i++)
		if (feature_table[i].leaf == row->function && feature_table[i].subleaf == row->index)
			return &feature_table[i];
	return NULL;
}

/* Leave out of @row what @kvm does not have; the APIC is KVM's own affair. */
static void leave_common(struct kvm_cpuid_entry2 *row, const struct kvm_cpuid2 *kvm)
{
	static const struct kvm_cpuid_entry2 nothing;
	const struct features *features = features_of(row);
	const struct kvm_cpuid_entry2 *has = find(kvm, row->function, row->index);

	if (!features)
		return;
	if (!has)
		has = &nothing;
	if (features->eax)
		row->eax &= has->eax;
	if (features->ebx)
		row->ebx &= has->ebx;
	if (features->ecx)
		row->ecx &= has->ecx;
	if (features->edx)
		row->edx &= has->edx;
}

/* Is it the row of KVM's signature? */
static bool is_signature(const struct kvm_cpuid_entry2 *row)
{
	return row->function >= LEAF_HYPERVISOR && !(row->function % HYPERVISOR_STEP) &&
	       !memcmp(&row->ebx, KVM_SIGNATURE, 4) && !memcmp(&row->ecx, &KVM_SIGNATURE[4], 4);
}

static void leave_clock(struct kvm_cpuid2 *table)
{
	const uint32_t clock = 1U << KVM_FEATURE_CLOCKSOURCE2 |
			       1U << KVM_FEATURE_CLOCKSOURCE_STABLE_BIT;
	uint32_t i;

	for (i = 0; i + 1 < table->nent; i++)
		if (is_signature(&table->entries[i]))
			table->entries[i + 1].eax &= clock;
}

int kvm_cpuid_make(int kvm, struct kvm_cpuid2 **made)
{
	struct kvm_cpuid2 *table = new_table(), *supported = new_table();
	uint32_t i;

	if (!table || !supported || ioctl(kvm, KVM_GET_SUPPORTED_CPUID, supported)) {
		const int error = table && supported ? errno : ENOMEM;

		free(table);
		free(supported);
		return -error;
	}
	if (take_minivmx(table)) {
		for (i = 0; i < table->nent; i++)
			leave_common(&table->entries[i], supported);
		free(supported);
	} else {
		free(table);
		table = supported;
		leave_clock(table);
	}
	*made = table;
	return 0;
}

/* Each vCPU is a core of one package ("Extended Topology Enumeration Leaf"). */
static void set_topology(struct kvm_cpuid2 *table, uint32_t apic_id)
{
	static const struct { uint32_t shift, processors, type; } levels[] = {
		{ 0, 1, 1 }, { 6, MINIVMX_MAX_VCPUS, 2 }, { 0, 0, 0 },
	};
	uint32_t i, nr = 0;

	for (i = 0; i < table->nent; i++)
		if (table->entries[i].function != LEAF_TOPOLOGY)
			table->entries[nr++] = table->entries[i];
	for (i = 0; i < ARRAY_SIZE(levels) && nr < MAX_ROWS; i++)
		table->entries[nr++] = (struct kvm_cpuid_entry2) {
			.function = LEAF_TOPOLOGY,
			.index = i,
			.flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
			.eax = levels[i].shift,
			.ebx = levels[i].processors,
			.ecx = i | levels[i].type << 8,
			.edx = apic_id,
		};
	table->nent = nr;
}

int kvm_cpuid_set(int vcpu, uint32_t apic_id, const struct kvm_cpuid2 *table)
{
	struct kvm_cpuid2 *own = new_table();
	uint32_t i;
	int ret;

	if (!own)
		return -ENOMEM;
	own->nent = table->nent;
	memcpy(own->entries, table->entries, table->nent * sizeof(table->entries[0]));
	for (i = 0; i < own->nent; i++) {
		struct kvm_cpuid_entry2 *row = &own->entries[i];

		if (row->function != 1)
			continue;
		row->ebx = (row->ebx & 0xffff) | 1 << 16 | apic_id << 24;
		row->ecx |= ECX_X2APIC | ECX_DEADLINE | ECX_HYPERVISOR;
		row->edx |= EDX_APIC;
	}
	set_topology(own, apic_id);
	ret = ioctl(vcpu, KVM_SET_CPUID2, own) ? -errno : 0;
	free(own);
	return ret;
}
