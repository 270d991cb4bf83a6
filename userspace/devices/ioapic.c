// SPDX-License-Identifier: GPL-2.0
/*
 * The I/O APIC: 24 pins, each with a redirection entry that makes a message to the
 * local APICs of an interrupt (Intel's 82093AA data sheet, and of the versions after it
 * the EOI register).
 *
 * An edge-triggered pin sends once when it rises; what rises while it is masked is
 * lost. A level-triggered one sends when it is high and not in service ("remote IRR"),
 * and again after the EOI of its vector while it is still high.
 */
#include <stdlib.h>
#include <string.h>

#include "device.h"

/* Offsets in its page. */
#define REG_SELECT	0x00
#define REG_WINDOW	0x10
#define REG_EOI		0x40

/* What REG_SELECT selects. */
#define INDEX_ID	0x00
#define INDEX_VERSION	0x01
#define INDEX_ARB	0x02
#define INDEX_ENTRIES	0x10

/* Version 20H has the EOI register. */
#define VERSION		(0x20U | (IOAPIC_PINS - 1) << 16)

/* A redirection entry. */
#define ENTRY_VECTOR	0xffULL
#define ENTRY_MODE	(7ULL << 8)
#define ENTRY_LOGICAL	(1ULL << 11)
#define ENTRY_POLARITY	(1ULL << 13)
#define ENTRY_IN_SERVICE (1ULL << 14)	/* remote IRR, read-only */
#define ENTRY_LEVEL	(1ULL << 15)
#define ENTRY_MASKED	(1ULL << 16)
#define ENTRY_DEST	(0xffULL << 56)
#define ENTRY_WRITABLE	(ENTRY_VECTOR | ENTRY_MODE | ENTRY_LOGICAL | ENTRY_POLARITY |	\
			 ENTRY_LEVEL | ENTRY_MASKED | ENTRY_DEST)

/* Messages: "Message Address Register Format", "Message Data Register Format". */
#define MSI_ADDRESS	0xfee00000ULL
#define MSI_LOGICAL	(1U << 2)
#define MSI_ASSERT	(1U << 14)
#define MSI_LEVEL	(1U << 15)

struct ioapic {
	struct machine *m;
	uint8_t select;
	uint8_t id;
	uint32_t pins;			/* levels */
	uint64_t entries[IOAPIC_PINS];
};

static const struct mmio_range ioapic_mmio[] = {
	{ IOAPIC_ADDRESS, IOAPIC_ADDRESS + 0xfff }, { 0, 0 }
};

static void send(struct ioapic *io, unsigned int pin)
{
	const uint64_t entry = io->entries[pin];

	if (entry & ENTRY_LEVEL)
		io->entries[pin] |= ENTRY_IN_SERVICE;
	machine_msi(io->m,
		    MSI_ADDRESS | (entry & ENTRY_DEST) >> 56 << 12 |
		    (entry & ENTRY_LOGICAL ? MSI_LOGICAL : 0),
		    (uint32_t)(entry & (ENTRY_VECTOR | ENTRY_MODE)) |
		    (entry & ENTRY_LEVEL ? MSI_LEVEL | MSI_ASSERT : 0));
}

/* A level-triggered pin asks for as long as it is high. */
static void look(struct ioapic *io, unsigned int pin)
{
	const uint64_t entry = io->entries[pin];

	if ((io->pins >> pin & 1) && (entry & ENTRY_LEVEL) &&
	    !(entry & (ENTRY_MASKED | ENTRY_IN_SERVICE)))
		send(io, pin);
}

void ioapic_set_pin(void *dev, unsigned int pin, bool level)
{
	struct ioapic *io = dev;
	bool rises = level && !(io->pins >> pin & 1);

	io->pins = (io->pins & ~(1U << pin)) | (uint32_t)level << pin;
	if (io->entries[pin] & ENTRY_LEVEL)
		look(io, pin);
	else if (rises && !(io->entries[pin] & ENTRY_MASKED))
		send(io, pin);
}

void ioapic_eoi(void *dev, uint8_t vector)
{
	struct ioapic *io = dev;
	unsigned int pin;

	for (pin = 0; pin < IOAPIC_PINS; pin++) {
		if (!(io->entries[pin] & ENTRY_IN_SERVICE) ||
		    (io->entries[pin] & ENTRY_VECTOR) != vector)
			continue;
		io->entries[pin] &= ~ENTRY_IN_SERVICE;
		look(io, pin);
	}
}

static uint32_t read_selected(const struct ioapic *io)
{
	unsigned int index = io->select - INDEX_ENTRIES;

	switch (io->select) {
	case INDEX_ID:
	case INDEX_ARB:
		return (uint32_t)io->id << 24;
	case INDEX_VERSION:
		return VERSION;
	default:
		if (index >= 2 * IOAPIC_PINS)
			return 0;
		return (uint32_t)(io->entries[index / 2] >> (index % 2 * 32));
	}
}

static void write_entry(struct ioapic *io, unsigned int pin, uint64_t value)
{
	uint64_t kept = io->entries[pin] & ENTRY_IN_SERVICE;

	io->entries[pin] = value & ENTRY_WRITABLE;
	/* To edge-triggered and back: that is how software gives a lost EOI up. */
	if (value & ENTRY_LEVEL)
		io->entries[pin] |= kept;
	look(io, pin);
}

static void write_selected(struct ioapic *io, uint32_t value)
{
	unsigned int index = io->select - INDEX_ENTRIES, pin = index / 2;

	if (io->select == INDEX_ID)
		io->id = value >> 24 & 0xf;
	if (index >= 2 * IOAPIC_PINS)
		return;
	if (index % 2)
		write_entry(io, pin, (io->entries[pin] & 0xffffffff) | (uint64_t)value << 32);
	else
		write_entry(io, pin, (io->entries[pin] & ~0xffffffffULL) | value);
}

/* Registers are 32 bits wide, and so are the accesses that software makes. */
static uint64_t ioapic_read(void *dev, uint64_t address, unsigned int size)
{
	struct ioapic *io = dev;
	uint32_t value = 0;

	switch (address - IOAPIC_ADDRESS) {
	case REG_SELECT:
		value = io->select;
		break;
	case REG_WINDOW:
		value = read_selected(io);
		break;
	}
	return size < 4 ? value & ((1U << size * 8) - 1) : value;
}

static void ioapic_write(void *dev, uint64_t address, unsigned int size, uint64_t value)
{
	struct ioapic *io = dev;

	(void)size;
	switch (address - IOAPIC_ADDRESS) {
	case REG_SELECT:
		io->select = (uint8_t)value;
		break;
	case REG_WINDOW:
		write_selected(io, (uint32_t)value);
		break;
	case REG_EOI:
		ioapic_eoi(io, (uint8_t)value);
		break;
	}
}

static void ioapic_reset(void *dev)
{
	struct ioapic *io = dev;
	unsigned int pin;

	io->select = 0;
	io->id = 0;
	for (pin = 0; pin < IOAPIC_PINS; pin++)
		io->entries[pin] = ENTRY_MASKED;
}

static void *ioapic_create(struct machine *m)
{
	struct ioapic *io = calloc(1, sizeof(*io));

	if (io)
		io->m = m;
	return io;
}

const struct device_class ioapic_class = {
	.name = "ioapic",
	.mmio = ioapic_mmio,
	.create = ioapic_create,
	.destroy = free,
	.reset = ioapic_reset,
	.read = ioapic_read,
	.write = ioapic_write,
};
