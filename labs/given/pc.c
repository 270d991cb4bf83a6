// SPDX-License-Identifier: GPL-2.0
/*
 * What Linux wants of a PC beside its memory, its APIC and a serial port. It believes
 * that there are 8259 interrupt controllers if their mask registers keep what is written,
 * and then uses the vectors 30H and up for them; and that there is a local APIC whose timer
 * will do if ACPI's MADT says so.
 */
#include <string.h>

#include "pc.h"

static uint64_t read_mask(void *arg, uint64_t offset, unsigned int size)
{
	return size == 1 ? *(uint8_t *)arg : UINT64_MAX;
}

static void write_mask(void *arg, uint64_t offset, unsigned int size, uint64_t value)
{
	if (size == 1)
		*(uint8_t *)arg = value;
}

int pc_init(struct pc *pc, struct bus *bus)
{
	static const uint16_t ports[2] = { 0x21, 0xa1 };
	unsigned int i;
	int ret = 0;

	memset(pc, 0, sizeof(*pc));
	for (i = 0; i < 2 && !ret; i++) {
		const struct device device = {
			.base = ports[i], .size = 1, .read = read_mask, .write = write_mask,
			.arg = &pc->masks[i],
		};

		ret = bus_add(bus, &device);
	}
	return ret;
}

/* ---- ACPI tables: "ACPI Software Programming Model" in the ACPI specification ---- */

#define RSDP	0xe0000
#define XSDT	0xe0100
#define MADT	0xe0200

struct table_header {
	char signature[4];
	uint32_t length;
	uint8_t revision, checksum;
	char oem_id[6], oem_table_id[8];
	uint32_t oem_revision;
	char creator_id[4];
	uint32_t creator_revision;
} __attribute__((packed));

struct xsdt {
	struct table_header header;
	uint64_t tables[1];
} __attribute__((packed));

struct madt {
	struct table_header header;
	uint32_t apic_address, flags;
	/* "Processor Local APIC Structure" */
	uint8_t type, length, uid, apic_id;
	uint32_t cpu_flags;
} __attribute__((packed));

struct rsdp {
	char signature[8];
	uint8_t checksum;
	char oem_id[6];
	uint8_t revision;
	uint32_t rsdt, length;
	uint64_t xsdt;
	uint8_t extended_checksum, reserved[3];
} __attribute__((packed));

/* What makes the sum of all bytes zero. */
static uint8_t checksum(const void *data, size_t size)
{
	const uint8_t *bytes = data;
	uint8_t sum = 0;

	while (size--)
		sum += *bytes++;
	return -sum;
}

static struct table_header header(const char *signature, uint32_t length, uint8_t revision)
{
	struct table_header h = { .length = length, .revision = revision };

	memcpy(h.signature, signature, 4);
	memcpy(h.oem_id, "LABS  ", 6);
	memcpy(h.oem_table_id, "MINIVMX ", 8);
	memcpy(h.creator_id, "LABS", 4);
	return h;
}

uint64_t pc_tables(struct vm *vm)
{
	struct madt madt = {
		.header = header("APIC", sizeof(madt), 3),
		.apic_address = 0xfee00000,
		.flags = 1,		/* there are 8259s, too */
		.length = 8,
		.cpu_flags = 1,		/* it is there */
	};
	struct xsdt xsdt = { .header = header("XSDT", sizeof(xsdt), 1), .tables = { MADT } };
	struct rsdp rsdp = {
		.signature = { 'R', 'S', 'D', ' ', 'P', 'T', 'R', ' ' },
		.oem_id = { 'L', 'A', 'B', 'S', ' ', ' ' },
		.revision = 2, .length = sizeof(rsdp), .xsdt = XSDT,
	};

	madt.header.checksum = checksum(&madt, sizeof(madt));
	xsdt.header.checksum = checksum(&xsdt, sizeof(xsdt));
	/* The first is of what revision 1 had. */
	rsdp.checksum = checksum(&rsdp, 20);
	rsdp.extended_checksum = checksum(&rsdp, sizeof(rsdp));
	memcpy(vm->mem + MADT, &madt, sizeof(madt));
	memcpy(vm->mem + XSDT, &xsdt, sizeof(xsdt));
	memcpy(vm->mem + RSDP, &rsdp, sizeof(rsdp));
	return RSDP;
}
