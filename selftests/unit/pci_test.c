/* SOURCES: RUNNER selftests/unit/fake_machine.c selftests/unit/fake_doors.c selftests/unit/virtio_driver.c */
// SPDX-License-Identifier: GPL-2.0
/* The host bridge, configuration space, BARs, interrupt lines, and MSI-X. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "fake_machine.h"
#include "msix.h"
#include "virtio_driver.h"

#define SLOT	1
#define ONES(size)	(UINT64_MAX >> (64 - 8 * (size)))

/* A device with two BARs, the second one of which is MSI-X's. */
struct toy {
	struct pci_device pci;
	struct msix msix;
	unsigned int bar;
	uint64_t offset;
	unsigned int size;
	uint64_t value;
	unsigned int moves;
};

static uint64_t toy_read(struct pci_device *pci, unsigned int bar, uint64_t offset,
			 unsigned int size)
{
	struct toy *toy = (struct toy *)pci;

	if (bar == 1)
		return msix_read(&toy->msix, offset, size);
	toy->bar = bar;
	toy->offset = offset;
	toy->size = size;
	return 0x1122334455667788 & ONES(size);
}

static void toy_write(struct pci_device *pci, unsigned int bar, uint64_t offset,
		      unsigned int size, uint64_t value)
{
	struct toy *toy = (struct toy *)pci;

	if (bar == 1) {
		msix_write(&toy->msix, offset, size, value);
		return;
	}
	toy->bar = bar;
	toy->offset = offset;
	toy->size = size;
	toy->value = value;
}

static void toy_config_written(struct pci_device *pci, unsigned int offset, unsigned int size)
{
	msix_config_written(&((struct toy *)pci)->msix);
}

static void toy_moved(struct pci_device *pci)
{
	((struct toy *)pci)->moves++;
}

static const struct pci_ops toy_ops = {
	.read = toy_read,
	.write = toy_write,
	.config_written = toy_config_written,
	.moved = toy_moved,
};

static const struct pci_identity toy_identity = {
	.vendor = 0x1234,
	.device = 0x5678,
	.subsystem = 0x9abc,
	.class = 0x123456,
	.revision = 7,
};

FIXTURE(pci)
{
	struct machine m;
	struct toy toy;
};

FIXTURE_SETUP(pci)
{
	ASSERT_TRUE(fake_create(&self->m, &pci_host_class));
	pci_init(&self->toy.pci, &toy_ops, &toy_identity);
	pci_put(&self->toy.pci, PCI_INTERRUPT_PIN, 1, 1);
	pci_add_bar(&self->toy.pci, 0, 0x4000);
	ASSERT_EQ(0, msix_init(&self->toy.msix, &self->m, &self->toy.pci, 1, 3));
	ASSERT_EQ(0, machine_plug(&self->m, &self->toy.pci));
}

FIXTURE_TEARDOWN(pci)
{
	msix_free(&self->toy.msix);
	fake_destroy(&self->m);
}

static uint32_t get(struct machine *m, unsigned int at, unsigned int size)
{
	return driver_pci_read(m, SLOT, at, size);
}

static void put(struct machine *m, unsigned int at, unsigned int size, uint32_t value)
{
	driver_pci_write(m, SLOT, at, size, value);
}

TEST_F(pci, the_bridge_and_the_device_are_found)
{
	struct machine *m = &self->m;
	unsigned int slot;

	EXPECT_EQ(0x00081b36, driver_pci_read(m, 0, 0, 4));
	EXPECT_EQ(0x0600, driver_pci_read(m, 0, 0x0a, 2));
	EXPECT_EQ(0x56781234, get(m, PCI_VENDOR_ID, 4));
	EXPECT_EQ(0x12345607, get(m, PCI_REVISION_ID, 4));
	EXPECT_EQ(0x9abc1234, get(m, PCI_SUBSYSTEM_VENDOR_ID, 4));
	EXPECT_EQ(0, get(m, 0x0e, 1));
	for (slot = 2; slot < PCI_SLOTS; slot++)
		EXPECT_EQ(0xffffffff, driver_pci_read(m, slot, 0, 4));
	/* Another function, another bus, and no access at all. */
	fake_out(m, 0xcf8, 4, 0x80000000 | SLOT << 11 | 1 << 8);
	EXPECT_EQ(0xffffffff, fake_in(m, 0xcfc, 4));
	fake_out(m, 0xcf8, 4, 0x80010000 | SLOT << 11);
	EXPECT_EQ(0xffffffff, fake_in(m, 0xcfc, 4));
	fake_out(m, 0xcf8, 4, SLOT << 11);
	EXPECT_EQ(0xffffffff, fake_in(m, 0xcfc, 4));
	EXPECT_EQ(0xff, fake_in(m, 0xcff, 1));
}

/* Both ways lead to the same registers, in any size. */
TEST_F(pci, mmconfig)
{
	const uint64_t base = PCI_MMCONFIG + (SLOT << 15);
	struct machine *m = &self->m;
	unsigned int at;

	for (at = 0; at < PCI_CONFIG_SIZE; at++) {
		EXPECT_EQ(get(m, at, 1), fake_read(m, base + at, 1));
		if (at % 2 == 0)
			EXPECT_EQ(get(m, at, 2), fake_read(m, base + at, 2));
		if (at % 4 == 0)
			EXPECT_EQ(get(m, at, 4), fake_read(m, base + at, 4));
	}
	fake_write(m, base + PCI_INTERRUPT_LINE, 1, 0x5a);
	EXPECT_EQ(0x5a, get(m, PCI_INTERRUPT_LINE, 1));
	/* There is no extended space, and nothing is wider than a dword. */
	EXPECT_EQ(0xffffffff, fake_read(m, base + 0x100, 4));
	EXPECT_EQ(0xffffffff, fake_read(m, base + 0xfe, 4));
	EXPECT_EQ(UINT64_MAX, fake_read(m, base, 8));
	EXPECT_EQ(0xffff, fake_read(m, base + (1 << 12), 2));
	fake_write(m, base + 0x100, 4, 0);
	fake_write(m, base + PCI_MMCONFIG_SIZE - (SLOT << 15) - 1, 1, 0);
}

/* Only the bits that are there for it can be written. */
TEST_F(pci, what_can_be_written)
{
	struct machine *m = &self->m;
	uint8_t before[PCI_CONFIG_SIZE];
	unsigned int at;

	for (at = 0; at < PCI_CONFIG_SIZE; at++)
		before[at] = (uint8_t)get(m, at, 1);
	for (at = 0; at < PCI_CONFIG_SIZE; at++)
		put(m, at, 1, ~before[at] & 0xff);
	for (at = 0; at < PCI_CONFIG_SIZE; at++)
		EXPECT_EQ(before[at] ^ self->toy.pci.writable[at], get(m, at, 1));
	EXPECT_EQ(0x0406, get(m, PCI_COMMAND, 2));
	EXPECT_EQ(0x56781234, get(m, PCI_VENDOR_ID, 4));
}

TEST_F(pci, a_bar_tells_its_size_and_moves)
{
	struct machine *m = &self->m;
	const uint32_t at = get(m, PCI_BAR(0), 4);

	/* As firmware leaves it: placed, and off. */
	EXPECT_LE(PCI_WINDOW_FIRST, at);
	EXPECT_EQ(0, at % 0x4000);
	EXPECT_EQ(0xffffffff, fake_read(m, at, 4));
	put(m, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	EXPECT_EQ(1, self->toy.moves);
	EXPECT_EQ(0x55667788, fake_read(m, at + 0x10, 4));
	EXPECT_EQ(0x10, self->toy.offset);
	EXPECT_EQ(4, self->toy.size);
	fake_write(m, at + 0x3ff8, 8, 0x123456789abcdef0);
	EXPECT_EQ(0x3ff8, self->toy.offset);
	EXPECT_EQ(0x123456789abcdef0, self->toy.value);
	/* Not all of it is in the BAR. */
	EXPECT_EQ(UINT64_MAX, fake_read(m, at + 0x3ffc, 8));

	put(m, PCI_BAR(0), 4, 0xffffffff);
	EXPECT_EQ(0xffffc000, get(m, PCI_BAR(0), 4));
	put(m, PCI_BAR(0), 4, 0xd0000000);
	EXPECT_EQ(0xd0000000, pci_bar_address(&self->toy.pci, 0));
	EXPECT_EQ(0x88, fake_read(m, 0xd0000001, 1));
	EXPECT_EQ(0xffffffff, fake_read(m, at, 4));
	/* Over memory, over configuration space, over the I/O APIC. */
	put(m, PCI_BAR(0), 4, 0x1000000);
	EXPECT_EQ(0, pci_bar_address(&self->toy.pci, 0));
	put(m, PCI_BAR(0), 4, 0xe0000000);
	EXPECT_EQ(0, pci_bar_address(&self->toy.pci, 0));
	put(m, PCI_BAR(0), 4, 0xfec00000);
	EXPECT_EQ(0, pci_bar_address(&self->toy.pci, 0));
	put(m, PCI_BAR(0), 4, 0xdfffc000);
	EXPECT_EQ(0xdfffc000, pci_bar_address(&self->toy.pci, 0));
	put(m, PCI_BAR(0), 4, 0);
	EXPECT_EQ(0, pci_bar_address(&self->toy.pci, 0));
	EXPECT_EQ(0, get(m, PCI_BAR(2), 4));
	put(m, PCI_BAR(2), 4, 0xffffffff);
	EXPECT_EQ(0, get(m, PCI_BAR(2), 4));
}

TEST_F(pci, a_line_is_shared)
{
	struct pci_device other[2];
	struct machine *m = &self->m;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		pci_init(&other[i], &toy_ops, &toy_identity);
		other[i].ops = NULL;
		ASSERT_EQ(0, machine_plug(m, &other[i]));
	}
	EXPECT_EQ(11, get(m, PCI_INTERRUPT_LINE, 1));
	pci_set_intx(&self->toy.pci, true);
	EXPECT_TRUE(m->irq[11]);
	EXPECT_EQ(PCI_STATUS_INTERRUPT, get(m, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
	pci_set_intx(&other[0], true);
	EXPECT_TRUE(m->irq[10]);
	pci_set_intx(&other[1], true);
	pci_set_intx(&self->toy.pci, false);
	EXPECT_TRUE(m->irq[11]);
	EXPECT_EQ(0, get(m, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
	pci_set_intx(&other[1], false);
	EXPECT_FALSE(m->irq[11]);
	/* Disabled, the line is low, and the status tells all the same. */
	pci_set_intx(&self->toy.pci, true);
	put(m, PCI_COMMAND, 2, PCI_COMMAND_INTX_DISABLE);
	EXPECT_FALSE(m->irq[11]);
	EXPECT_EQ(PCI_STATUS_INTERRUPT, get(m, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
	put(m, PCI_COMMAND, 2, 0);
	EXPECT_TRUE(m->irq[11]);
}

TEST_F(pci, a_full_bus)
{
	static struct pci_device devices[PCI_SLOTS];
	unsigned int i;

	for (i = 0; i < PCI_SLOTS - 2; i++) {
		pci_init(&devices[i], NULL, &toy_identity);
		EXPECT_EQ(0, machine_plug(&self->m, &devices[i]));
	}
	pci_init(&devices[i], NULL, &toy_identity);
	EXPECT_EQ(-ENOSPC, machine_plug(&self->m, &devices[i]));
}

/* ---- MSI-X ---- */

static unsigned int control_at(const struct toy *toy)
{
	return toy->msix.capability + 2;
}

static void set_entry(struct machine *m, uint64_t table, unsigned int i, uint32_t address,
		      uint32_t data, uint32_t control)
{
	fake_write(m, table + 16 * i, 4, address);
	fake_write(m, table + 16 * i + 4, 4, 0);
	fake_write(m, table + 16 * i + 8, 4, data);
	fake_write(m, table + 16 * i + 12, 4, control);
}

TEST_F(pci, msix)
{
	const struct fake_door *message;
	struct machine *m = &self->m;
	struct toy *toy = &self->toy;
	uint64_t table;

	EXPECT_EQ(0x11, get(m, toy->msix.capability, 1));
	EXPECT_EQ(2, get(m, control_at(toy), 2));
	put(m, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	table = pci_bar_address(&toy->pci, 1);
	/* All are masked from the start. */
	EXPECT_EQ(1, fake_read(m, table + 12, 4));
	EXPECT_EQ(1, fake_read(m, table + 32 + 12, 4));
	EXPECT_EQ(0, fake_read(m, table + 48 + 12, 4));
	set_entry(m, table, 0, 0xfee01000, 0x41, 0);
	set_entry(m, table, 1, 0xfee02003, 0x42, 1);
	EXPECT_EQ(0xfee02000, fake_read(m, table + 16, 8));
	EXPECT_EQ(0x0000000100000042, fake_read(m, table + 24, 8));
	EXPECT_EQ(0, m->nr_irqfds);

	/* Off: what is signalled is pending. */
	msix_signal(&toy->msix, 0);
	EXPECT_EQ(1, fake_read(m, table + 0x800, 4));
	EXPECT_FALSE(msix_enabled(&toy->msix));
	put(m, control_at(toy), 2, 0x8000);
	EXPECT_TRUE(msix_enabled(&toy->msix));
	message = fake_message(m, 0);
	ASSERT_NE(NULL, message);
	EXPECT_EQ(0xfee01000, message->address);
	EXPECT_EQ(0x41, message->data);
	EXPECT_EQ(0, fake_read(m, table + 0x800, 4));
	EXPECT_EQ(NULL, fake_message(m, 0));

	/* The second is masked, and then is not. */
	msix_signal(&toy->msix, 1);
	msix_signal(&toy->msix, 1);
	EXPECT_EQ(NULL, fake_message(m, 0));
	EXPECT_EQ(2, fake_read(m, table + 0x800, 4));
	fake_write(m, table + 16 + 12, 4, 0);
	message = fake_message(m, 0);
	ASSERT_NE(NULL, message);
	EXPECT_EQ(0x42, message->data);
	EXPECT_EQ(NULL, fake_message(m, 0));

	/* All at once. */
	put(m, control_at(toy), 2, 0xc000);
	EXPECT_EQ(0, m->nr_irqfds);
	msix_signal(&toy->msix, 0);
	EXPECT_EQ(1, fake_read(m, table + 0x800, 4));
	put(m, control_at(toy), 2, 0x8000);
	EXPECT_EQ(2, m->nr_irqfds);
	ASSERT_NE(NULL, fake_message(m, 0));

	/* Changed while it is not masked; to nowhere; a vector that is not there. */
	fake_write(m, table + 8, 4, 0x51);
	msix_signal(&toy->msix, 0);
	message = fake_message(m, 0);
	ASSERT_NE(NULL, message);
	EXPECT_EQ(0x51, message->data);
	fake_write(m, table, 4, 0x1000);
	EXPECT_EQ(1, m->nr_irqfds);
	msix_signal(&toy->msix, 0);
	EXPECT_EQ(1, fake_read(m, table + 0x800, 4));
	msix_signal(&toy->msix, 3);
	EXPECT_EQ(1, fake_read(m, table + 0x800, 4));
}

/* Nonsense in every register: nothing may crash or trip a sanitizer. */
TEST_F(pci, nonsense)
{
	struct machine *m = &self->m;
	unsigned int i;

	srand(1);
	for (i = 0; i < 200000; i++) {
		const unsigned int size = 1U << rand() % 4, at = rand() % 256;
		const uint64_t value = (uint64_t)rand() << 40 ^ (uint64_t)rand() << 20 ^ rand();
		const uint64_t bar = pci_bar_address(&self->toy.pci, rand() % 2);

		switch (rand() % 4) {
		case 0:
			put(m, at & ~3U, 4, (uint32_t)value);
			break;
		case 1:
			fake_write(m, PCI_MMCONFIG + (value & 0xfffff), size, value);
			break;
		case 2:
			if (bar)
				fake_write(m, bar + (value >> 30 & 0xfff), size, value);
			break;
		default:
			fake_read(m, PCI_WINDOW_FIRST + (value & 0x1fffffff), size);
			if (bar)
				fake_read(m, bar + at * 8, size);
		}
	}
}

TEST_HARNESS_MAIN
