// SPDX-License-Identifier: GPL-2.0
/* A PCI device's configuration space: see pci.h. */
#include <string.h>

#include "pci.h"

uint32_t pci_get(const struct pci_device *dev, unsigned int offset, unsigned int size)
{
	uint32_t value = 0;

	while (size--)
		value = value << 8 | dev->config[offset + size];
	return value;
}

void pci_put(struct pci_device *dev, unsigned int offset, unsigned int size, uint32_t value)
{
	for (; size; size--, value >>= 8)
		dev->config[offset++] = (uint8_t)value;
}

static void let_write(struct pci_device *dev, unsigned int offset, unsigned int size, uint32_t bits)
{
	for (; size; size--, bits >>= 8)
		dev->writable[offset++] = (uint8_t)bits;
}

void pci_init(struct pci_device *dev, const struct pci_ops *ops, const struct pci_identity *id)
{
	memset(dev, 0, sizeof(*dev));
	dev->ops = ops;
	dev->capabilities = PCI_FIRST_CAPABILITY;
	dev->last_capability = PCI_CAPABILITIES;
	pci_put(dev, PCI_VENDOR_ID, 2, id->vendor);
	pci_put(dev, PCI_DEVICE_ID, 2, id->device);
	pci_put(dev, PCI_REVISION_ID, 1, id->revision);
	pci_put(dev, PCI_CLASS, 3, id->class);
	pci_put(dev, PCI_SUBSYSTEM_VENDOR_ID, 2, id->vendor);
	pci_put(dev, PCI_SUBSYSTEM_ID, 2, id->subsystem);
	let_write(dev, PCI_COMMAND, 2,
		  PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE);
	let_write(dev, PCI_INTERRUPT_LINE, 1, 0xff);
}

/* The low bits that cannot be written tell software the size. */
void pci_add_bar(struct pci_device *dev, unsigned int bar, uint32_t size)
{
	dev->bar_size[bar] = size;
	let_write(dev, PCI_BAR(bar), 4, ~(size - 1));
}

unsigned int pci_add_capability(struct pci_device *dev, uint8_t id, unsigned int size)
{
	const unsigned int at = dev->capabilities;

	dev->config[dev->last_capability] = (uint8_t)at;
	dev->last_capability = at + 1;
	dev->capabilities = at + (size + 3) / 4 * 4;
	dev->config[at] = id;
	pci_put(dev, PCI_STATUS, 2, PCI_STATUS_CAP_LIST);
	return at;
}

uint64_t pci_bar_address(const struct pci_device *dev, unsigned int bar)
{
	const uint32_t size = dev->bar_size[bar];
	const uint64_t address = pci_get(dev, PCI_BAR(bar), 4);

	if (!size || !(pci_get(dev, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY))
		return 0;
	/* Nothing else is passed on to this bus, RAM and the I/O APIC least of all. */
	if (address < PCI_WINDOW_FIRST || address + size - 1 > PCI_WINDOW_LAST)
		return 0;
	return address;
}
