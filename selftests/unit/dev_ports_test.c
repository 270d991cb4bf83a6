/* SOURCES: userspace/devices/port92.c userspace/devices/pci_host.c userspace/devices/pci_device.c userspace/devices/acpi_pm.c userspace/devices/debug_exit.c userspace/devices/post.c selftests/unit/fake_machine.c */
// SPDX-License-Identifier: GPL-2.0
/* The devices of one register each: what ends the machine, and what does not. */
#include "kselftest_harness.h"

#include "../../userspace/devices/table.h"
#include "fake_machine.h"
#include "pci.h"

TEST(port92)
{
	struct machine m = { 0 };

	ASSERT_TRUE(fake_create(&m, &port92_class));
	EXPECT_TRUE(fake_claims(&m, 0x92));
	EXPECT_EQ(fake_inb(&m, 0x92), 0x02);
	fake_outb(&m, 0x92, 0xfc);
	EXPECT_EQ(fake_inb(&m, 0x92), 0x00);
	fake_outb(&m, 0x92, 0x02);
	EXPECT_EQ(fake_inb(&m, 0x92), 0x02);
	EXPECT_EQ(m.stops, 0);

	/* the reset is an edge of bit 0 */
	fake_outb(&m, 0x92, 0x03);
	EXPECT_EQ(m.stops, 1);
	EXPECT_EQ(m.why, STOP_RESET);
	fake_outb(&m, 0x92, 0x01);
	EXPECT_EQ(m.stops, 1);
	fake_outb(&m, 0x92, 0x00);
	fake_outb(&m, 0x92, 0x01);
	EXPECT_EQ(m.stops, 2);

	fake_reset(&m);
	EXPECT_EQ(fake_in(&m, 0x92, 2), 0xff02);
	fake_outb(&m, 0x92, 0x01);
	EXPECT_EQ(m.stops, 3);
	fake_destroy(&m);
}

TEST(cf9)
{
	struct machine m = { 0 };

	ASSERT_TRUE(fake_create(&m, &pci_host_class));
	/* Linux's BOOT_CF9: which kind of reset, then the reset */
	fake_outb(&m, 0xcf9, 0x02);
	EXPECT_EQ(m.stops, 0);
	EXPECT_EQ(fake_inb(&m, 0xcf9), 0x02);
	fake_outb(&m, 0xcf9, 0x06);
	EXPECT_EQ(m.stops, 1);
	EXPECT_EQ(m.why, STOP_RESET);
	EXPECT_EQ(fake_inb(&m, 0xcf9), 0x02);
	fake_reset(&m);
	EXPECT_EQ(fake_inb(&m, 0xcf9), 0x00);
	fake_outb(&m, 0xcf9, 0xfb);
	EXPECT_EQ(m.stops, 1);
	EXPECT_EQ(fake_inb(&m, 0xcf9), 0x0a);
	fake_destroy(&m);
}

TEST(the_pci_address_register_is_not_cf9)
{
	struct machine m = { 0 };
	uint16_t port;

	ASSERT_TRUE(fake_create(&m, &pci_host_class));
	/* the whole dword must be one range, or the bus would split it */
	EXPECT_TRUE(fake_claims(&m, 0xcf8));
	EXPECT_TRUE(fake_claims(&m, 0xcfb));
	/* bus 0, device 0, function 4: bit 2 of the byte at 0xcf9 */
	fake_out(&m, 0xcf8, 4, 0x80000400);
	EXPECT_EQ(fake_in(&m, 0xcf8, 4), 0x80000400);
	fake_out(&m, 0xcf8, 2, 0xffff);
	fake_out(&m, 0xcf9, 2, 0xffff);
	fake_out(&m, 0xcfa, 2, 0xffff);
	for (port = 0xcf8; port <= 0xcfb; port++)
		if (port != 0xcf9)
			fake_outb(&m, port, 0xff);
	EXPECT_EQ(m.stops, 0);
	EXPECT_EQ(fake_in(&m, 0xcf8, 2), 0xffff);
	EXPECT_EQ(fake_in(&m, 0xcf9, 2), 0xffff);
	EXPECT_EQ(fake_inb(&m, 0xcf8), 0xff);
	EXPECT_EQ(fake_inb(&m, 0xcfb), 0xff);
	EXPECT_EQ(fake_inb(&m, 0xcf9), 0x00);
	fake_destroy(&m);
}

TEST(power)
{
	static const struct {
		uint16_t port;
		unsigned int size;
		uint32_t value;
	} nothing[] = {
		{ 0x604, 2, 0x0000 }, { 0x604, 2, 0x1fff },
		{ 0x604, 2, 0x2400 }, { 0x604, 2, 0x3c00 },
		{ 0x604, 1, 0x20 }, { 0x605, 1, 0x20 }, { 0x605, 2, 0x2000 },
		{ 0x604, 4, 0x2000 },
	};
	struct machine m = { 0 };
	unsigned int i;

	ASSERT_TRUE(fake_create(&m, &acpi_pm_class));
	for (i = 0; i < ARRAY_SIZE(nothing); i++)
		fake_out(&m, nothing[i].port, nothing[i].size,
			 nothing[i].value);
	EXPECT_EQ(m.stops, 0);
	/* In ACPI mode, and nothing asks for attention. */
	EXPECT_EQ(fake_in(&m, 0x604, 2), 1);
	EXPECT_EQ(fake_in(&m, 0x600, 2), 0);
	fake_out(&m, 0x602, 2, 0x120);
	EXPECT_EQ(fake_in(&m, 0x602, 2), 0x120);
	EXPECT_EQ(fake_in(&m, 0x603, 1), 1);
	/* 3.579545 MHz, in all 32 bits, after hours, too. */
	EXPECT_EQ(fake_in(&m, 0x608, 4), 0);
	m.now = FAKE_NS;
	EXPECT_EQ(fake_in(&m, 0x608, 4), 3579545);
	EXPECT_EQ(fake_in(&m, 0x609, 1), 3579545 >> 8 & 0xff);
	m.now = 100000 * FAKE_NS;
	EXPECT_EQ(fake_in(&m, 0x608, 4), (uint32_t)(100000ull * 3579545));

	fake_out(&m, 0x604, 2, 0x2000);
	EXPECT_EQ(m.stops, 1);
	EXPECT_EQ(m.why, STOP_POWEROFF);
	fake_out(&m, 0x604, 2, 0x2001);
	EXPECT_EQ(m.stops, 2);
	fake_reset(&m);
	fake_destroy(&m);
}

TEST(power_button)
{
	struct machine m = { 0 };

	ASSERT_TRUE(fake_create(&m, &acpi_pm_class));
	fake_reset(&m);
	/* nobody has asked: it is to be seen, and that is all */
	EXPECT_FALSE(acpi_pm_press_button(m.dev));
	EXPECT_EQ(fake_in(&m, 0x600, 2), 0x100);
	EXPECT_FALSE(m.irq[9]);
	/* who asks then is told at once */
	fake_out(&m, 0x602, 2, 0x100);
	EXPECT_TRUE(m.irq[9]);
	/* not by a part of the register, nor by another bit, nor by a zero */
	fake_outb(&m, 0x601, 0x01);
	fake_out(&m, 0x600, 2, 0xfeff);
	fake_out(&m, 0x600, 4, 0x100);
	EXPECT_EQ(fake_in(&m, 0x600, 2), 0x100);
	EXPECT_TRUE(m.irq[9]);
	fake_out(&m, 0x600, 2, 0x100);
	EXPECT_EQ(fake_in(&m, 0x600, 2), 0);
	EXPECT_FALSE(m.irq[9]);

	/* the level stays until it is cleared, however often it is pressed */
	EXPECT_TRUE(acpi_pm_press_button(m.dev));
	EXPECT_TRUE(acpi_pm_press_button(m.dev));
	EXPECT_EQ(m.rises[9], 2);
	EXPECT_EQ(fake_inb(&m, 0x601), 1);
	/* or not wanted any more */
	fake_out(&m, 0x602, 2, 0);
	EXPECT_FALSE(m.irq[9]);
	EXPECT_EQ(fake_in(&m, 0x600, 2), 0x100);
	fake_out(&m, 0x602, 2, 0x120);
	EXPECT_TRUE(m.irq[9]);
	fake_reset(&m);
	EXPECT_FALSE(m.irq[9]);
	EXPECT_EQ(fake_in(&m, 0x600, 2), 0);
	EXPECT_EQ(fake_in(&m, 0x602, 2), 0);
	EXPECT_EQ(m.stops, 0);
	fake_destroy(&m);
}

TEST(debug_exit)
{
	struct machine m = { .debug_exit_port = 0xf4 };

	ASSERT_TRUE(fake_create(&m, &debug_exit_class));
	EXPECT_TRUE(fake_claims(&m, 0xf4));
	EXPECT_FALSE(fake_claims(&m, 0xf3));
	EXPECT_FALSE(fake_claims(&m, 0xf5));
	EXPECT_EQ(fake_inb(&m, 0xf4), 0xff);
	EXPECT_EQ(fake_in(&m, 0xf4, 2), 0xffff);
	EXPECT_EQ(fake_in(&m, 0xf4, 4), 0xffffffff);
	EXPECT_EQ(m.stops, 0);

	fake_outb(&m, 0xf4, 0);
	EXPECT_EQ(m.stops, 1);
	EXPECT_EQ(m.why, STOP_DEBUG_EXIT);
	EXPECT_EQ(m.value, 0);
	fake_outb(&m, 0xf4, 0xa5);
	EXPECT_EQ(m.value, 0xa5);
	fake_out(&m, 0xf4, 4, 0x12345678);
	EXPECT_EQ(m.value, 0x78);
	EXPECT_EQ(m.stops, 3);
	fake_reset(&m);
	fake_destroy(&m);
}

TEST(debug_exit_unless_asked_for_is_nowhere)
{
	struct machine m = { 0 };
	unsigned int port;

	ASSERT_TRUE(fake_create(&m, &debug_exit_class));
	for (port = 0; port <= 0xffff; port++)
		if (fake_claims(&m, port))
			break;
	EXPECT_EQ(port, 0x10000);
	fake_destroy(&m);
}

TEST(post)
{
	struct machine m = { 0 };

	ASSERT_TRUE(fake_create(&m, &post_class));
	EXPECT_TRUE(fake_claims(&m, 0x80));
	EXPECT_FALSE(fake_claims(&m, 0x81));
	fake_outb(&m, 0x80, 0xff);
	EXPECT_EQ(fake_inb(&m, 0x80), 0xff);
	fake_out(&m, 0x80, 2, 0x1234);
	EXPECT_EQ(fake_in(&m, 0x80, 2), 0xff34);
	fake_reset(&m);
	EXPECT_EQ(fake_inb(&m, 0x80), 0x00);
	EXPECT_EQ(m.stops, 0);
	fake_destroy(&m);
}

TEST_HARNESS_MAIN
