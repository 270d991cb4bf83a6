// SPDX-License-Identifier: GPL-2.0
/*
 * The PCI host bridge: configuration space by ports (CF8H "CONFIG_ADDRESS" and CFCH
 * "CONFIG_DATA") and by memory (MMCONFIG), the window of memory that it passes on to the
 * devices' BARs, and their interrupt lines.
 *
 * Among the bytes of CONFIG_ADDRESS, which is written as a dword, hides the reset
 * control register of PCI chipsets, which is the byte CF9H: setting bit 2 resets; bit 1
 * chooses between the CPU alone and the whole machine, which is the same here.
 *
 * INTA of the devices is wired to the ISA lines 10 and 11, in turn, which several may
 * share: the interrupt line register says so, and the ACPI tables do.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pci.h"

#define CONFIG_ADDRESS	0xcf8
#define   CONFIG_ENABLE		(1U << 31)
#define   CONFIG_BUS		0xff0000
#define CONFIG_DATA	0xcfc
#define RESET_CONTROL	0xcf9
#define   RESET_NOW		(1 << 2)
#define   RESET_KEPT		0x0a	/* bits that can be read back */

/* In an address of either way, but that MMCONFIG has 4096 bytes for each function. */
#define SLOT(devfn)	((devfn) >> 3 & 31)
#define FUNCTION(devfn)	((devfn) & 7)

/* A bridge that has no registers of its own, so that no system knows better. */
static const struct pci_identity host_identity = {
	.vendor = 0x1b36,
	.device = 0x0008,
	.subsystem = 0x1100,
	.class = 0x060000,
};

struct pci_host {
	struct machine *m;
	uint32_t address;
	uint8_t reset_control;
	uint64_t next_bar;		/* where firmware puts the next one */
	bool lines[2];			/* levels of FIRST_LINE and the next */
	struct pci_device bridge;
	struct pci_device *slots[PCI_SLOTS];
};

static uint32_t ones(unsigned int size)
{
	return UINT32_MAX >> (32 - 8 * size);
}

/* ---- Configuration space ---- */

static void note_bars(const struct pci_device *dev, uint64_t bars[PCI_BARS])
{
	unsigned int bar;

	for (bar = 0; bar < PCI_BARS; bar++)
		bars[bar] = pci_bar_address(dev, bar);
}

static void update_intx(struct pci_host *host, const struct pci_device *dev);

static uint32_t config_read(struct pci_device *dev, unsigned int offset, unsigned int size)
{
	if (dev->ops && dev->ops->config_read)
		dev->ops->config_read(dev, offset, size);
	return pci_get(dev, offset, size);
}

static void config_write(struct pci_host *host, struct pci_device *dev, unsigned int offset,
			 unsigned int size, uint32_t value)
{
	uint64_t before[PCI_BARS], after[PCI_BARS];
	unsigned int i;

	note_bars(dev, before);
	for (i = 0; i < size; i++, value >>= 8) {
		uint8_t *byte = &dev->config[offset + i];
		const uint8_t writable = dev->writable[offset + i];

		*byte = (uint8_t)((*byte & ~writable) | (value & writable));
	}
	note_bars(dev, after);
	if (dev->ops && dev->ops->moved && memcmp(before, after, sizeof(before)))
		dev->ops->moved(dev);
	if (dev->ops && dev->ops->config_written)
		dev->ops->config_written(dev, offset, size);
	update_intx(host, dev);
}

/* The device with that number, or NULL. There is no function but 0. */
static struct pci_device *find_device(struct pci_host *host, unsigned int devfn)
{
	return FUNCTION(devfn) ? NULL : host->slots[SLOT(devfn)];
}

/* What CONFIG_ADDRESS selects for an access to CONFIG_DATA, or NULL. */
static struct pci_device *selected(struct pci_host *host, uint16_t port, unsigned int *offset)
{
	*offset = (host->address & 0xfc) + (port & 3);
	if (!(host->address & CONFIG_ENABLE) || (host->address & CONFIG_BUS))
		return NULL;
	return find_device(host, host->address >> 8 & 0xff);
}

static uint32_t pci_in(void *state, uint16_t port, unsigned int size)
{
	struct pci_host *host = state;
	struct pci_device *dev;
	unsigned int offset;

	if (port == CONFIG_ADDRESS && size == 4)
		return host->address;
	if (port == RESET_CONTROL && size == 1)
		return host->reset_control;
	if (port < CONFIG_DATA)
		return ones(size);
	dev = selected(host, port, &offset);
	return dev ? config_read(dev, offset, size) : ones(size);
}

static void write_reset_control(struct pci_host *host, uint8_t value)
{
	/* the bit does not outlive the reset, so each write of it is an edge */
	host->reset_control = value & RESET_KEPT;
	if (value & RESET_NOW)
		machine_stop(host->m, STOP_RESET, 0);
}

static void pci_out(void *state, uint16_t port, unsigned int size, uint32_t value)
{
	struct pci_host *host = state;
	struct pci_device *dev;
	unsigned int offset;

	if (port == CONFIG_ADDRESS && size == 4)
		host->address = value & ~3U;
	if (port == RESET_CONTROL && size == 1)
		write_reset_control(host, (uint8_t)value);
	if (port < CONFIG_DATA)
		return;
	dev = selected(host, port, &offset);
	if (dev)
		config_write(host, dev, offset, size, value);
}

/* ---- Memory ---- */

/* The device and BAR that answer for all of an access, or NULL. */
static struct pci_device *find_bar(struct pci_host *host, uint64_t address, unsigned int size,
				   unsigned int *bar, uint64_t *offset)
{
	unsigned int slot;

	for (slot = 0; slot < PCI_SLOTS; slot++) {
		struct pci_device *dev = host->slots[slot];

		for (*bar = 0; dev && *bar < PCI_BARS; (*bar)++) {
			const uint64_t start = pci_bar_address(dev, *bar);

			*offset = address - start;
			if (start && address >= start && *offset + size <= dev->bar_size[*bar])
				return dev;
		}
	}
	return NULL;
}

/* The device whose configuration space is there, or NULL. */
static struct pci_device *find_mmconfig(struct pci_host *host, uint64_t address, unsigned int size,
					unsigned int *offset)
{
	*offset = address & 0xfff;
	if (size > 4 || *offset + size > PCI_CONFIG_SIZE)
		return NULL;
	return find_device(host, (address - PCI_MMCONFIG) >> 12 & 0xff);
}

/* What nobody answers reads as all ones: the bridge's "master abort". */
static uint64_t pci_read(void *state, uint64_t address, unsigned int size)
{
	struct pci_host *host = state;
	unsigned int bar, config;
	struct pci_device *dev;
	uint64_t offset;

	if (address >= PCI_MMCONFIG) {
		dev = find_mmconfig(host, address, size, &config);
		return dev ? config_read(dev, config, size) : UINT64_MAX >> (64 - 8 * size);
	}
	dev = find_bar(host, address, size, &bar, &offset);
	return dev ? dev->ops->read(dev, bar, offset, size) : UINT64_MAX >> (64 - 8 * size);
}

static void pci_write(void *state, uint64_t address, unsigned int size, uint64_t value)
{
	struct pci_host *host = state;
	unsigned int bar, config;
	struct pci_device *dev;
	uint64_t offset;

	if (address >= PCI_MMCONFIG) {
		dev = find_mmconfig(host, address, size, &config);
		if (dev)
			config_write(host, dev, config, size, (uint32_t)value);
		return;
	}
	dev = find_bar(host, address, size, &bar, &offset);
	if (dev)
		dev->ops->write(dev, bar, offset, size, value);
}

/* ---- Interrupt lines ---- */

#define FIRST_LINE	10

/* Above FIRST_LINE: dsdt.asl tells the same. */
static unsigned int line_of_slot(unsigned int slot)
{
	return slot % 2;
}

static bool asks(const struct pci_device *dev)
{
	return dev->intx && !(pci_get(dev, PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE);
}

/* The line of a device is low when nobody who shares it asks. */
static void update_intx(struct pci_host *host, const struct pci_device *dev)
{
	const unsigned int line = line_of_slot(dev->slot);
	bool level = false;
	unsigned int slot;

	for (slot = 1; slot < PCI_SLOTS; slot++)
		if (host->slots[slot] && line_of_slot(slot) == line)
			level |= asks(host->slots[slot]);
	if (level == host->lines[line])
		return;
	host->lines[line] = level;
	machine_set_irq(host->m, FIRST_LINE + line, level);
}

void pci_set_intx(struct pci_device *dev, bool level)
{
	uint32_t status = pci_get(dev, PCI_STATUS, 2) & ~(uint32_t)PCI_STATUS_INTERRUPT;

	if (dev->intx == level)
		return;
	dev->intx = level;
	pci_put(dev, PCI_STATUS, 2, status | (level ? PCI_STATUS_INTERRUPT : 0));
	update_intx(dev->host, dev);
}

/* ---- Plugging in ---- */

/* Largest first would pack them closer; the window is large and BARs are small. */
static void place_bars(struct pci_host *host, struct pci_device *dev)
{
	unsigned int bar;

	for (bar = 0; bar < PCI_BARS; bar++) {
		const uint64_t size = dev->bar_size[bar];

		if (!size)
			continue;
		host->next_bar = (host->next_bar + size - 1) & ~(size - 1);
		pci_put(dev, PCI_BAR(bar), 4, (uint32_t)host->next_bar);
		host->next_bar += size;
	}
}

int pci_plug(void *state, struct pci_device *dev)
{
	struct pci_host *host = state;
	unsigned int slot;

	for (slot = 0; slot < PCI_SLOTS && host->slots[slot]; slot++)
		;
	if (slot == PCI_SLOTS)
		return -ENOSPC;
	host->slots[slot] = dev;
	dev->host = host;
	dev->slot = slot;
	place_bars(host, dev);
	if (pci_get(dev, PCI_INTERRUPT_PIN, 1))
		pci_put(dev, PCI_INTERRUPT_LINE, 1, FIRST_LINE + line_of_slot(slot));
	return 0;
}

static void pci_reset(void *state)
{
	struct pci_host *host = state;

	host->address = 0;
	host->reset_control = 0;
}

static void *pci_create(struct machine *m)
{
	struct pci_host *host = calloc(1, sizeof(*host));

	if (!host)
		return NULL;
	host->m = m;
	host->next_bar = PCI_WINDOW_FIRST;
	pci_init(&host->bridge, NULL, &host_identity);
	pci_plug(host, &host->bridge);
	return host;
}

static const struct port_range pci_ports[] = {
	{ CONFIG_ADDRESS, CONFIG_ADDRESS + 3 },
	{ CONFIG_DATA, CONFIG_DATA + 3 },
	{ 0, 0 }
};

static const struct mmio_range pci_mmio[] = {
	{ PCI_WINDOW_FIRST, PCI_WINDOW_LAST },
	{ PCI_MMCONFIG, PCI_MMCONFIG + PCI_MMCONFIG_SIZE - 1 },
	{ 0, 0 }
};

const struct device_class pci_host_class = {
	.name = "pci-host",
	.ports = pci_ports,
	.mmio = pci_mmio,
	.create = pci_create,
	.destroy = free,
	.reset = pci_reset,
	.in = pci_in,
	.out = pci_out,
	.read = pci_read,
	.write = pci_write,
};
