/* SOURCES: RUNNER */
// SPDX-License-Identifier: GPL-2.0
/* The ACPI tables: that they hang together, and say what there is. */
#include <stdio.h>
#include <string.h>

#include "kselftest_harness.h"
#include "acpi.h"
#include "loader.h"

static struct guest_memory memory;

static const uint8_t *at(uint64_t gpa)
{
	return guest_memory_at(&memory, gpa, 1);
}

static uint8_t sum(const uint8_t *bytes, size_t size)
{
	uint8_t sum = 0;

	while (size--)
		sum = (uint8_t)(sum + *bytes++);
	return sum;
}

/* The XSDT's table of that name, whole. */
static const uint8_t *table(const char *signature)
{
	const uint8_t *xsdt = at(get_le64(at(ACPI_ROOT) + 24));
	uint32_t i, size = get_le32(xsdt + 4);

	for (i = 36; i < size; i += 8) {
		const uint8_t *found = at(get_le64(xsdt + i));

		if (!memcmp(found, signature, 4))
			return found;
	}
	return NULL;
}

static bool is_whole(const uint8_t *t)
{
	return t && get_le32(t + 4) >= 36 && !sum(t, get_le32(t + 4));
}

FIXTURE(acpi)
{
	int nothing;
};

FIXTURE_SETUP(acpi)
{
	ASSERT_EQ(0, guest_memory_init(&memory, 64 * MIB));
	acpi_write(&memory, 3);
}

FIXTURE_TEARDOWN(acpi)
{
	guest_memory_free(&memory);
}

TEST_F(acpi, they_are_whole)
{
	const uint8_t *root = at(ACPI_ROOT);

	EXPECT_EQ(0, memcmp(root, "RSD PTR ", 8));
	EXPECT_EQ(2, root[15]);
	EXPECT_EQ(0, sum(root, 20));
	EXPECT_EQ(0, sum(root, 36));
	EXPECT_TRUE(is_whole(at(get_le64(root + 24))));
	ASSERT_TRUE(is_whole(table("FACP")));
	EXPECT_TRUE(is_whole(table("APIC")));
	EXPECT_EQ(244, get_le32(table("FACP") + 4));
	EXPECT_EQ(0, memcmp(at(get_le32(table("FACP") + 40)), "DSDT", 4));
	EXPECT_TRUE(is_whole(at(get_le32(table("FACP") + 40))));
	EXPECT_EQ(get_le32(table("FACP") + 40), get_le64(table("FACP") + 140));
}

TEST_F(acpi, the_registers)
{
	const uint8_t *fadt = table("FACP");

	EXPECT_EQ(9, get_le16(fadt + 46));
	EXPECT_EQ(0x600, get_le32(fadt + 56));
	EXPECT_EQ(0x604, get_le32(fadt + 64));
	EXPECT_EQ(0x608, get_le32(fadt + 76));
	EXPECT_EQ(4, fadt[88]);
	EXPECT_EQ(2, fadt[89]);
	EXPECT_EQ(4, fadt[91]);
	EXPECT_EQ(0x32, fadt[108]);
	EXPECT_EQ(1, fadt[116]);
	/* a power button in PM1, no sleep button: of either, set is "not there" */
	EXPECT_EQ(0x20, get_le32(fadt + 112) & 0x30);
	EXPECT_EQ(0xcf9, get_le64(fadt + 120));
	EXPECT_EQ(6, fadt[128]);
}

TEST_F(acpi, the_cpus)
{
	const uint8_t *madt = table("APIC");
	uint32_t i, cpus = 0, ioapics = 0, size = get_le32(madt + 4);

	EXPECT_EQ(0xfee00000, get_le32(madt + 36));
	for (i = 44; i < size; i += madt[i + 1]) {
		ASSERT_LT(1, madt[i + 1]);
		if (madt[i] == 0) {
			EXPECT_EQ(cpus, madt[i + 3]);
			EXPECT_EQ(1, get_le32(madt + i + 4));
			cpus++;
		} else if (madt[i] == 1) {
			EXPECT_EQ(0xfec00000, get_le32(madt + i + 4));
			ioapics++;
		}
	}
	EXPECT_EQ(size, i);
	EXPECT_EQ(3, cpus);
	EXPECT_EQ(1, ioapics);
}

/* The most there can be, within the page that acpi_write() has. */
TEST_F(acpi, many_cpus)
{
	acpi_write(&memory, 64);
	EXPECT_TRUE(is_whole(table("APIC")));
	EXPECT_TRUE(is_whole(at(get_le64(at(ACPI_ROOT) + 24))));
	EXPECT_GT(ACPI_ROOT + 0x1000, get_le64(at(ACPI_ROOT) + 24) + 64);
}

TEST_HARNESS_MAIN
