/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What ACPI's fixed tables do not say: how to power off, the PCI bus, and the memory of
 * its configuration space. Describes devices/pci_host.c, whose addresses are in pci.h.
 */
DefinitionBlock ("", "DSDT", 2, "MINIVM", "MINIVMX ", 1)
{
	/* Sleep type 0 is off. */
	Name (\_S5, Package () { 0, 0, 0, 0 })

	Scope (\_SB)
	{
		Device (PCI0)
		{
			Name (_HID, EisaId ("PNP0A03"))
			Name (_UID, 0)
			Name (_SEG, 0)
			Name (_BBN, 0)
			Name (_CRS, ResourceTemplate ()
			{
				WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode,
					0, 0, 0, 0, 1)
				IO (Decode16, 0x0cf8, 0x0cf8, 1, 8)
				DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed,
					NonCacheable, ReadWrite,
					0, 0xc0000000, 0xdfffffff, 0, 0x20000000)
			})
			/* INTA of all slots: ISA lines 10 and 11, in turn. */
			Name (_PRT, Package ()
			{
				Package () { 0x0001ffff, 0, 0, 11 },
				Package () { 0x0002ffff, 0, 0, 10 },
				Package () { 0x0003ffff, 0, 0, 11 },
				Package () { 0x0004ffff, 0, 0, 10 },
				Package () { 0x0005ffff, 0, 0, 11 },
				Package () { 0x0006ffff, 0, 0, 10 },
				Package () { 0x0007ffff, 0, 0, 11 },
				Package () { 0x0008ffff, 0, 0, 10 },
				Package () { 0x0009ffff, 0, 0, 11 },
				Package () { 0x000affff, 0, 0, 10 },
				Package () { 0x000bffff, 0, 0, 11 },
				Package () { 0x000cffff, 0, 0, 10 },
				Package () { 0x000dffff, 0, 0, 11 },
				Package () { 0x000effff, 0, 0, 10 },
				Package () { 0x000fffff, 0, 0, 11 },
				Package () { 0x0010ffff, 0, 0, 10 },
				Package () { 0x0011ffff, 0, 0, 11 },
				Package () { 0x0012ffff, 0, 0, 10 },
				Package () { 0x0013ffff, 0, 0, 11 },
				Package () { 0x0014ffff, 0, 0, 10 },
				Package () { 0x0015ffff, 0, 0, 11 },
				Package () { 0x0016ffff, 0, 0, 10 },
				Package () { 0x0017ffff, 0, 0, 11 },
				Package () { 0x0018ffff, 0, 0, 10 },
				Package () { 0x0019ffff, 0, 0, 11 },
				Package () { 0x001affff, 0, 0, 10 },
				Package () { 0x001bffff, 0, 0, 11 },
				Package () { 0x001cffff, 0, 0, 10 },
				Package () { 0x001dffff, 0, 0, 11 },
				Package () { 0x001effff, 0, 0, 10 },
				Package () { 0x001fffff, 0, 0, 11 },
			})
		}

		/* The memory of PCI configuration space is nobody else's. */
		Device (MBRD)
		{
			Name (_HID, EisaId ("PNP0C02"))
			Name (_CRS, ResourceTemplate ()
			{
				Memory32Fixed (ReadWrite, 0xe0000000, 0x00100000)
			})
		}
	}
}
