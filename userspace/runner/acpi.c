// SPDX-License-Identifier: GPL-2.0
/*
 * The ACPI tables ("ACPI Software Programming Model" in the ACPI specification, whose
 * names are used here). They describe devices/ioapic.c, acpi_pm.c and pci_host.c; one of
 * them, the DSDT, is dsdt.asl, compiled.
 */
#include <string.h>

#include "acpi.h"
#include "device.h"
#include "dsdt.hex"
#include "pci.h"

#define HEADER_SIZE	36
#define LENGTH_AT	4
#define CHECKSUM_AT	9
#define LOCAL_APIC	0xfee00000
#define RESET_PORT	0xcf9
#define RESET_VALUE	0x06	/* a hard reset */

/* FADT, fixed feature flags. */
#define FADT_WBINVD		(1 << 0)
#define FADT_PROC_C1		(1 << 2)
#define FADT_NO_SLEEP_BUTTON	(1 << 5)
#define FADT_TIMER_32_BIT	(1 << 8)
#define FADT_RESET		(1 << 10)
/* IA-PC boot architecture flags. */
#define FADT_LEGACY_DEVICES	(1 << 0)
#define FADT_8042		(1 << 1)
#define FADT_NO_VGA		(1 << 2)

/* Where the next byte goes. */
struct writer {
	uint8_t *start;
	uint8_t *next;
};

static void put(struct writer *w, uint64_t value, unsigned int size)
{
	for (; size; size--, value >>= 8)
		*w->next++ = (uint8_t)value;
}

static void put_zeros(struct writer *w, unsigned int size)
{
	memset(w->next, 0, size);
	w->next += size;
}

static void put_text(struct writer *w, const char *text)
{
	const size_t size = strlen(text);

	memcpy(w->next, text, size);
	w->next += size;
}

static uint8_t checksum(const uint8_t *bytes, size_t size)
{
	uint8_t sum = 0;

	while (size--)
		sum = (uint8_t)(sum + *bytes++);
	return (uint8_t)-sum;
}

/* ---- Tables with a header ---- */

static struct writer table_begin(uint8_t *at, const char *signature, uint8_t revision)
{
	struct writer w = { at, at };

	put_text(&w, signature);
	put(&w, 0, 4);		/* length, see table_end() */
	put(&w, revision, 1);
	put(&w, 0, 1);		/* checksum */
	put_text(&w, "MINIVM");
	put_text(&w, "MINIVMX ");
	put(&w, 1, 4);
	put_text(&w, "MVMX");
	put(&w, 1, 4);
	return w;
}

/* Where the next one may begin. */
static uint8_t *table_end(struct writer *w)
{
	const size_t size = (size_t)(w->next - w->start);
	struct writer length = { w->start, w->start + LENGTH_AT };

	put(&length, size, 4);
	w->start[CHECKSUM_AT] = checksum(w->start, size);
	return w->start + (size + 15) / 16 * 16;
}

static uint8_t *write_dsdt(uint8_t *at)
{
	memcpy(at, dsdt_aml_code, sizeof(dsdt_aml_code));
	return at + (sizeof(dsdt_aml_code) + 15) / 16 * 16;
}

static uint8_t *write_fadt(uint8_t *at, uint64_t dsdt)
{
	struct writer w = table_begin(at, "FACP", 3);

	put(&w, 0, 4);			/* no FACS */
	put(&w, dsdt, 4);
	put(&w, 0, 2);
	put(&w, ACPI_SCI, 2);
	put_zeros(&w, 8);		/* no SMI command: always in ACPI mode */
	put(&w, ACPI_PM_PORT, 4);	/* PM1a event block */
	put(&w, 0, 4);
	put(&w, ACPI_PM_PORT + 4, 4);	/* PM1a control block */
	put_zeros(&w, 8);
	put(&w, ACPI_PM_PORT + 8, 4);	/* PM timer block */
	put_zeros(&w, 8);
	put(&w, 4, 1);			/* lengths of these: events, */
	put(&w, 2, 1);			/* control, */
	put(&w, 0, 1);
	put(&w, 4, 1);			/* timer */
	put_zeros(&w, 4);
	put(&w, 0xffff, 2);		/* no C2 */
	put(&w, 0xffff, 2);		/* no C3 */
	put_zeros(&w, 8);
	put(&w, 0x32, 1);		/* the CMOS clock's century */
	put(&w, FADT_LEGACY_DEVICES | FADT_8042 | FADT_NO_VGA, 2);
	put(&w, 0, 1);
	put(&w, FADT_WBINVD | FADT_PROC_C1 | FADT_NO_SLEEP_BUTTON | FADT_TIMER_32_BIT |
	    FADT_RESET, 4);	/* and the power button is in PM1 */
	put(&w, 1, 1);			/* reset register: in I/O space, */
	put(&w, 8, 1);			/* 8 bits */
	put(&w, 0, 1);
	put(&w, 1, 1);
	put(&w, RESET_PORT, 8);
	put(&w, RESET_VALUE, 1);
	put_zeros(&w, 3);
	put(&w, 0, 8);
	put(&w, dsdt, 8);
	put_zeros(&w, 8 * 12);		/* the blocks again, in 64 bits: the others count */
	return table_end(&w);
}

static void put_local_apic(struct writer *w, unsigned int id)
{
	put(w, 0, 1);			/* processor local APIC */
	put(w, 8, 1);
	put(w, id, 1);			/* processor */
	put(w, id, 1);			/* APIC */
	put(w, 1, 4);			/* enabled */
}

static void put_override(struct writer *w, unsigned int irq, unsigned int gsi, unsigned int flags)
{
	put(w, 2, 1);			/* interrupt source override */
	put(w, 10, 1);
	put(w, 0, 1);			/* ISA */
	put(w, irq, 1);
	put(w, gsi, 4);
	put(w, flags, 2);
}

static uint8_t *write_madt(uint8_t *at, unsigned int cpus)
{
	struct writer w = table_begin(at, "APIC", 3);
	unsigned int i;

	put(&w, LOCAL_APIC, 4);
	put(&w, 1, 4);			/* there are PICs as well */
	for (i = 0; i < cpus; i++)
		put_local_apic(&w, i);
	put(&w, 1, 1);			/* I/O APIC */
	put(&w, 12, 1);
	put(&w, 0, 2);			/* its id */
	put(&w, IOAPIC_ADDRESS, 4);
	put(&w, 0, 4);			/* its first global system interrupt */
	put_override(&w, 0, 2, 0);	/* the timer, see machine_set_irq() */
	put_override(&w, ACPI_SCI, ACPI_SCI, 0xd);	/* active high, level-triggered */
	put(&w, 4, 1);			/* local APIC NMI */
	put(&w, 6, 1);
	put(&w, 0xff, 1);		/* of all processors */
	put(&w, 0, 2);
	put(&w, 1, 1);			/* LINT1 */
	return table_end(&w);
}

/* Where PCI configuration space is: "MCFG Table" in the PCI firmware specification. */
static uint8_t *write_mcfg(uint8_t *at)
{
	struct writer w = table_begin(at, "MCFG", 1);

	put_zeros(&w, 8);
	put(&w, PCI_MMCONFIG, 8);
	put(&w, 0, 2);			/* segment */
	put(&w, 0, 1);			/* first bus */
	put(&w, 0, 1);			/* last bus */
	put_zeros(&w, 4);
	return table_end(&w);
}

static uint8_t *write_xsdt(uint8_t *at, uint64_t fadt, uint64_t madt, uint64_t mcfg)
{
	struct writer w = table_begin(at, "XSDT", 1);

	put(&w, fadt, 8);
	put(&w, madt, 8);
	put(&w, mcfg, 8);
	return table_end(&w);
}

/* Its first 20 bytes have a checksum of their own: those of ACPI 1.0. */
static void write_root(uint8_t *at, uint64_t xsdt)
{
	struct writer w = { at, at };

	put_text(&w, "RSD PTR ");
	put(&w, 0, 1);
	put_text(&w, "MINIVM");
	put(&w, 2, 1);			/* revision */
	put(&w, 0, 4);			/* no RSDT */
	put(&w, HEADER_SIZE, 4);
	put(&w, xsdt, 8);
	put_zeros(&w, 4);
	at[8] = checksum(at, 20);
	at[32] = checksum(at, HEADER_SIZE);
}

void acpi_write(struct guest_memory *memory, unsigned int cpus)
{
	uint8_t *root = guest_memory_at(memory, ACPI_ROOT, 0x1000);
	uint8_t *dsdt = root + 48, *fadt, *madt, *mcfg, *xsdt;
	const uint64_t offset = ACPI_ROOT - (uintptr_t)root;

	fadt = write_dsdt(dsdt);
	madt = write_fadt(fadt, (uintptr_t)dsdt + offset);
	mcfg = write_madt(madt, cpus);
	xsdt = write_mcfg(mcfg);
	write_xsdt(xsdt, (uintptr_t)fadt + offset, (uintptr_t)madt + offset,
		   (uintptr_t)mcfg + offset);
	write_root(root, (uintptr_t)xsdt + offset);
}
