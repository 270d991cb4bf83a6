/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The PCI bus: bus 0 of the host bridge in pci_host.c, with up to 31 devices of one
 * function each ("PCI Local Bus Specification", whose names are used here).
 *
 * A device brings its configuration space, says which bits of it software may write,
 * and answers accesses to its BARs. Everything here is called with the machine's lock
 * held.
 */
#ifndef PCI_H
#define PCI_H

#include <stdbool.h>
#include <stdint.h>

#include "device.h"

#define PCI_SLOTS		32
#define PCI_BARS		6
#define PCI_CONFIG_SIZE		256

/* Where the bridge passes accesses on to BARs, and where configuration space is. */
#define PCI_WINDOW_FIRST	0xc0000000ULL
#define PCI_WINDOW_LAST		0xdfffffffULL
#define PCI_MMCONFIG		0xe0000000ULL
#define PCI_MMCONFIG_SIZE	0x100000ULL	/* of bus 0 */

/* Registers that all devices have. */
#define PCI_VENDOR_ID		0x00
#define PCI_DEVICE_ID		0x02
#define PCI_COMMAND		0x04
#define   PCI_COMMAND_MEMORY		(1 << 1)
#define   PCI_COMMAND_MASTER		(1 << 2)
#define   PCI_COMMAND_INTX_DISABLE	(1 << 10)
#define PCI_STATUS		0x06
#define   PCI_STATUS_INTERRUPT		(1 << 3)
#define   PCI_STATUS_CAP_LIST		(1 << 4)
#define PCI_REVISION_ID		0x08
#define PCI_CLASS		0x09	/* three bytes */
#define PCI_BAR(n)		(0x10 + 4 * (n))
#define PCI_SUBSYSTEM_VENDOR_ID	0x2c
#define PCI_SUBSYSTEM_ID	0x2e
#define PCI_CAPABILITIES	0x34
#define PCI_INTERRUPT_LINE	0x3c
#define PCI_INTERRUPT_PIN	0x3d
#define PCI_FIRST_CAPABILITY	0x40

struct pci_device;

/**
 * struct pci_ops - what a device does
 * @read: read @size bytes (1, 2, 4 or 8) at @offset of BAR @bar, all inside of it
 * @write: write likewise
 * @config_read: software is about to read @size bytes at @offset of configuration space:
 *		 bring them up to date. NULL: they always are
 * @config_written: it has written them. NULL: that is nobody's concern
 * @moved: a BAR has come, gone or moved: see pci_bar_address(). NULL likewise
 */
struct pci_ops {
	uint64_t (*read)(struct pci_device *dev, unsigned int bar, uint64_t offset,
			 unsigned int size);
	void (*write)(struct pci_device *dev, unsigned int bar, uint64_t offset,
		      unsigned int size, uint64_t value);
	void (*config_read)(struct pci_device *dev, unsigned int offset, unsigned int size);
	void (*config_written)(struct pci_device *dev, unsigned int offset, unsigned int size);
	void (*moved)(struct pci_device *dev);
};

/**
 * struct pci_device - a device on the bus
 * @ops: what it does
 * @host: the host bridge, once it is plugged in
 * @slot: its device number
 * @config: configuration space, little-endian
 * @writable: the bits of it that software may write
 * @bar_size: bytes of each BAR's memory, a power of two of at least 16; 0: no such BAR
 * @capabilities: where the next capability goes
 * @last_capability: offset of the last one's "next" byte
 * @intx: the level of its interrupt line
 */
struct pci_device {
	const struct pci_ops *ops;
	void *host;
	unsigned int slot;
	uint8_t config[PCI_CONFIG_SIZE];
	uint8_t writable[PCI_CONFIG_SIZE];
	uint32_t bar_size[PCI_BARS];
	unsigned int capabilities;
	unsigned int last_capability;
	bool intx;
};

/**
 * struct pci_identity - the registers that say what a device is
 * @vendor: vendor ID
 * @device: device ID
 * @subsystem: subsystem ID, of the same vendor
 * @class: class code, 24 bits
 * @revision: revision ID
 */
struct pci_identity {
	uint16_t vendor;
	uint16_t device;
	uint16_t subsystem;
	uint32_t class;
	uint8_t revision;
};

/* Make configuration space, without BARs or capabilities. */
void pci_init(struct pci_device *dev, const struct pci_ops *ops, const struct pci_identity *id);
/* Give it 32-bit memory BAR @bar of @size bytes. */
void pci_add_bar(struct pci_device *dev, unsigned int bar, uint32_t size);
/* Give it a capability of @size bytes, the first two included; returns where it is. */
unsigned int pci_add_capability(struct pci_device *dev, uint8_t id, unsigned int size);

/* Plug it in: 0, or -ENOSPC if the bus is full. Its BARs get addresses, as by firmware. */
int machine_plug(struct machine *m, struct pci_device *dev);
int pci_plug(void *host, struct pci_device *dev);

/* Where a BAR is, or 0 if the device does not answer there at the moment. */
uint64_t pci_bar_address(const struct pci_device *dev, unsigned int bar);
/* Drive the device's INTx line. */
void pci_set_intx(struct pci_device *dev, bool level);

/* Registers, of 1, 2 or 4 bytes. */
uint32_t pci_get(const struct pci_device *dev, unsigned int offset, unsigned int size);
void pci_put(struct pci_device *dev, unsigned int offset, unsigned int size, uint32_t value);

extern const struct device_class pci_host_class;

#endif /* PCI_H */
