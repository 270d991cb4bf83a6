/* SPDX-License-Identifier: GPL-2.0 */
/*
 * MSI-X of a PCI device: a table of messages, each sent when its eventfd is signalled
 * ("MSI-X Capability and Table Structure" in the PCI specification).
 *
 * The table is in a BAR of the device, MSIX_BAR_SIZE bytes, with the pending bits behind
 * it. An eventfd is handed to the VM while its message may be sent; while it may not, the
 * eventfd itself remembers what is pending. So signalling needs no lock, and any thread
 * and the kernel may do it. Everything else wants the machine's lock.
 */
#ifndef MSIX_H
#define MSIX_H

#include "pci.h"

#define MSIX_BAR_SIZE	0x1000
#define MSIX_MAX	64	/* vectors */

/**
 * struct msix_vector - an entry of the table
 * @address: message address
 * @data: message data
 * @control: bit 0: masked
 * @fd: signalled to send it
 * @gsi: its number in the VM
 * @is_live: @fd is handed to the VM
 */
struct msix_vector {
	uint64_t address;
	uint32_t data;
	uint32_t control;
	int fd;
	unsigned int gsi;
	bool is_live;
};

/**
 * struct msix - the capability and the table
 * @m: the machine
 * @pci: the device
 * @capability: where it is in configuration space
 * @nr: vectors
 * @vectors: they
 */
struct msix {
	struct machine *m;
	struct pci_device *pci;
	unsigned int capability;
	unsigned int nr;
	struct msix_vector vectors[MSIX_MAX];
};

/* Give the device @nr vectors in BAR @bar. 0 or -errno. */
int msix_init(struct msix *msix, struct machine *m, struct pci_device *pci, unsigned int bar,
	      unsigned int nr);
void msix_free(struct msix *msix);

/* Accesses to the BAR. */
uint64_t msix_read(struct msix *msix, uint64_t offset, unsigned int size);
void msix_write(struct msix *msix, uint64_t offset, unsigned int size, uint64_t value);
/* Configuration space was written. */
void msix_config_written(struct msix *msix);
/* Are messages sent at all, or is INTx used? */
bool msix_enabled(const struct msix *msix);

/* Send the vector's message, when it may be: needs no lock. */
void msix_signal(const struct msix *msix, unsigned int vector);

#endif /* MSIX_H */
