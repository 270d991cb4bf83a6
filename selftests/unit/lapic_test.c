/* SOURCES: module/lapic.c */
// SPDX-License-Identifier: GPL-2.0
/* The local APIC's registers, by the manual's words about each. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kselftest_harness.h"
#include "../../module/lapic.h"

#define MASKED		(1U << 16)
#define ENABLED		(1U << 8)
#define PERIODIC	(1U << 17)
#define DEADLINE	(2U << 17)
#define PHYSICAL_BITS	40

static u32 page[2][LAPIC_SIZE / 4];
static struct lapic apics[2];

static struct lapic *fresh(void)
{
	int i;

	for (i = 0; i < 2; i++)
		lapic_reset(&apics[i], page[i], i, i == 0);
	return &apics[0];
}

/* With software-enable on, and in x2APIC mode if that is asked for. */
static struct lapic *enabled(bool x2apic)
{
	struct lapic *apic = fresh();

	lapic_write(apic, LAPIC_SVR, ENABLED | 0xff, 0);
	lapic_write(&apics[1], LAPIC_SVR, ENABLED | 0xff, 0);
	if (x2apic) {
		lapic_write_base(apic, apic->base | LAPIC_BASE_X2APIC, PHYSICAL_BITS);
		lapic_write_base(&apics[1], apics[1].base | LAPIC_BASE_X2APIC, PHYSICAL_BITS);
	}
	return apic;
}

static u32 read_at(struct lapic *apic, u32 offset, u64 now)
{
	int todo;

	return lapic_read(apic, offset, now, &todo);
}

static u32 read_reg(struct lapic *apic, u32 offset)
{
	return read_at(apic, offset, 0);
}

static u32 errors(struct lapic *apic)
{
	lapic_write(apic, LAPIC_ESR, 0, 0);
	return read_reg(apic, LAPIC_ESR);
}

/* ---- Registers ---- */

TEST(after_reset)
{
	static const struct { u32 offset, value; } rows[] = {
		{ LAPIC_ID, 0 }, { LAPIC_VERSION, 0x01050014 }, { LAPIC_TPR, 0 }, { LAPIC_LDR, 0 },
		{ LAPIC_DFR, 0xffffffff }, { LAPIC_SVR, 0xff }, { LAPIC_ESR, 0 },
		{ LAPIC_LVT_TIMER, MASKED }, { LAPIC_LVT_THERMAL, MASKED },
		{ LAPIC_LVT_PERF, MASKED }, { LAPIC_LVT_LINT0, MASKED },
		{ LAPIC_LVT_LINT1, MASKED }, { LAPIC_LVT_ERROR, MASKED },
		{ LAPIC_TIMER_INITIAL, 0 }, { LAPIC_TIMER_CURRENT, 0 }, { LAPIC_TIMER_DIVIDE, 0 },
		{ LAPIC_ICR, 0 }, { LAPIC_ICR_HIGH, 0 }, { LAPIC_IRR + 0x70, 0 },
	};
	struct lapic *apic = fresh();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		EXPECT_EQ(rows[i].value, read_reg(apic, rows[i].offset))
			TH_LOG("register %#x", rows[i].offset);
	EXPECT_EQ(1U << 24, read_reg(&apics[1], LAPIC_ID));
	EXPECT_EQ(0xfee00900, apic->base);
	EXPECT_EQ(0xfee00800, apics[1].base);
	EXPECT_EQ(0, errors(apic));
}

/* What is written with all ones, and read again. */
TEST(writable_bits)
{
	static const struct { u32 offset, bits; } rows[] = {
		{ LAPIC_ID, 0xff000000 }, { LAPIC_TPR, 0xff }, { LAPIC_LDR, 0xff000000 },
		{ LAPIC_DFR, 0xffffffff }, { LAPIC_SVR, 0x13ff }, { LAPIC_LVT_TIMER, 0x700ff },
		{ LAPIC_LVT_THERMAL, 0x107ff }, { LAPIC_LVT_PERF, 0x107ff },
		{ LAPIC_LVT_LINT0, 0x1a7ff }, { LAPIC_LVT_LINT1, 0x1a7ff },
		{ LAPIC_LVT_ERROR, 0x100ff }, { LAPIC_ICR_HIGH, 0xff000000 },
		{ LAPIC_TIMER_DIVIDE, 0xb }, { LAPIC_VERSION, 0x01050014 }, { LAPIC_APR, 0 },
		{ LAPIC_RRD, 0 }, { LAPIC_ISR, 0 }, { LAPIC_TMR, 0 }, { LAPIC_IRR, 0 },
		{ LAPIC_TIMER_CURRENT, 0 },
	};
	struct lapic *apic = enabled(false);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		lapic_write(apic, rows[i].offset, 0xffffffff, 0);
		EXPECT_EQ(rows[i].bits, read_reg(apic, rows[i].offset))
			TH_LOG("register %#x", rows[i].offset);
	}
	EXPECT_EQ(0, errors(apic));
	lapic_write(apic, LAPIC_DFR, 0, 0);
	EXPECT_EQ(0x0fffffff, read_reg(apic, LAPIC_DFR));
}

TEST(what_is_no_register_is_an_error)
{
	static const u32 offsets[] = { 0, 0x10, 0x40, 0x70, 0x290, 0x2f0, 0x3a0, 0x3f0, 0x400,
				       0xff0, 0x84, 0x328 };
	struct lapic *apic = enabled(false);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(offsets); i++) {
		EXPECT_EQ(0, read_reg(apic, offsets[i]));
		EXPECT_EQ(LAPIC_ERROR_REGISTER, errors(apic))
			TH_LOG("reading %#x", offsets[i]);
		lapic_write(apic, offsets[i], 0xffffffff, 0);
		EXPECT_EQ(LAPIC_ERROR_REGISTER, errors(apic))
			TH_LOG("writing %#x", offsets[i]);
	}
	/* There is nothing to read, but it is a register. */
	EXPECT_EQ(0, read_reg(apic, LAPIC_EOI));
	EXPECT_EQ(0, errors(apic));
}

/* ---- x2APIC ---- */

static const u64 modes[] = {
	[0] = 0, [1] = LAPIC_BASE_X2APIC, [2] = LAPIC_BASE_ENABLED,
	[3] = LAPIC_BASE_X2APIC | LAPIC_BASE_ENABLED,
};

TEST(transitions)
{
	/* From, to: disabled, invalid, xAPIC, x2APIC. */
	static const bool valid[4][4] = {
		[0] = { true, false, true, false },
		[2] = { true, false, true, true },
		[3] = { true, false, false, true },
	};
	int from, to;

	for (from = 0; from < 4; from++)
		for (to = 0; from != 1 && to < 4; to++) {
			struct lapic *apic = fresh();
			u64 old;

			if (from != 2)
				ASSERT_LE(0, lapic_write_base(apic, LAPIC_BASE_DEFAULT | modes[from],
							      PHYSICAL_BITS));
			old = apic->base;
			EXPECT_EQ(valid[from][to],
				  lapic_write_base(apic, LAPIC_BASE_DEFAULT | modes[to],
						   PHYSICAL_BITS) >= 0)
				TH_LOG("from %d to %d", from, to);
			EXPECT_EQ(valid[from][to] ? LAPIC_BASE_DEFAULT | modes[to] : old,
				  apic->base);
		}
}

TEST(reserved_bits_of_the_base)
{
	struct lapic *apic = fresh();
	u64 old = apic->base;

	EXPECT_EQ(-EINVAL, lapic_write_base(apic, old | 1, PHYSICAL_BITS));
	EXPECT_EQ(-EINVAL, lapic_write_base(apic, old | 1 << 9, PHYSICAL_BITS));
	EXPECT_EQ(-EINVAL, lapic_write_base(apic, old | 1ULL << PHYSICAL_BITS, PHYSICAL_BITS));
	EXPECT_EQ(old, apic->base);
	EXPECT_EQ(0, lapic_write_base(apic, 0xd0000900, PHYSICAL_BITS));
	EXPECT_EQ(0xd0000000, lapic_address(apic));
}

/* Each MSR: may it be read, may a 0 be written, which bits may be 1. */
TEST(msrs)
{
	static const struct { u32 offset; bool readable, writable; u64 bits; } rows[] = {
		{ LAPIC_ID, true, false, 0 }, { LAPIC_VERSION, true, false, 0 },
		{ LAPIC_TPR, true, true, 0xff }, { LAPIC_APR, false, false, 0 },
		{ LAPIC_PPR, true, false, 0 }, { LAPIC_EOI, false, true, 0 },
		{ LAPIC_RRD, false, false, 0 }, { LAPIC_LDR, true, false, 0 },
		{ LAPIC_DFR, false, false, 0 }, { LAPIC_SVR, true, true, 0x13ff },
		{ LAPIC_ISR, true, false, 0 }, { LAPIC_ISR + 0x70, true, false, 0 },
		{ LAPIC_TMR, true, false, 0 }, { LAPIC_IRR, true, false, 0 }, { LAPIC_ESR, true, true, 0 },
		{ 0x2f0, false, false, 0 }, { LAPIC_ICR, true, true, 0xffffffff000ccfff },
		{ LAPIC_ICR_HIGH, false, false, 0 }, { LAPIC_LVT_TIMER, true, true, 0x710ff },
		{ LAPIC_LVT_THERMAL, true, true, 0x117ff }, { LAPIC_LVT_PERF, true, true, 0x117ff },
		{ LAPIC_LVT_LINT0, true, true, 0x1f7ff }, { LAPIC_LVT_LINT1, true, true, 0x1f7ff },
		{ LAPIC_LVT_ERROR, true, true, 0x110ff },
		{ LAPIC_TIMER_INITIAL, true, true, 0xffffffff }, { LAPIC_TIMER_CURRENT, true, false, 0 },
		{ LAPIC_TIMER_DIVIDE, true, true, 0xb }, { LAPIC_SELF_IPI, false, true, 0xff },
		{ 0x10, false, false, 0 }, { 0x400, false, false, 0 },
	};
	struct lapic *apic;
	unsigned int bit;
	size_t i;
	u64 value;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		apic = enabled(true);
		EXPECT_EQ(rows[i].readable, !lapic_read_msr(apic, rows[i].offset, 0, &value))
			TH_LOG("register %#x", rows[i].offset);
		EXPECT_EQ(rows[i].writable, lapic_write_msr(apic, rows[i].offset, 0, 0) >= 0)
			TH_LOG("register %#x", rows[i].offset);
		for (bit = 0; bit < 64; bit++)
			EXPECT_EQ(rows[i].bits >> bit & 1,
				  lapic_write_msr(apic, rows[i].offset, 1ULL << bit, 0) >= 0)
				TH_LOG("register %#x, bit %u", rows[i].offset, bit);
	}
	/* Elsewhere they do not exist. */
	apic = enabled(false);
	EXPECT_EQ(-EINVAL, lapic_read_msr(apic, LAPIC_ID, 0, &value));
	EXPECT_EQ(-EINVAL, lapic_write_msr(apic, LAPIC_TPR, 0, 0));
}

TEST(x2apic_ids)
{
	struct lapic *apic = &apics[0];
	u64 value;

	lapic_reset(apic, page[0], 0x25, false);
	EXPECT_EQ(0x25000000, read_reg(apic, LAPIC_ID));
	lapic_write(apic, LAPIC_ID, 0x77000000, 0);
	EXPECT_EQ(0x77000000, read_reg(apic, LAPIC_ID));
	lapic_write_base(apic, apic->base | LAPIC_BASE_X2APIC, PHYSICAL_BITS);
	EXPECT_EQ(0, lapic_read_msr(apic, LAPIC_ID, 0, &value));
	EXPECT_EQ(0x25, value);
	EXPECT_EQ(0, lapic_read_msr(apic, LAPIC_LDR, 0, &value));
	EXPECT_EQ(0x20020, value);
	lapic_init(apic);
	EXPECT_TRUE(lapic_x2apic(apic));
	EXPECT_EQ(0, lapic_read_msr(apic, LAPIC_ID, 0, &value));
	EXPECT_EQ(0x25, value);
}

/* ---- Interrupts ---- */

TEST(priorities)
{
	struct lapic *apic = enabled(false);

	EXPECT_EQ(-1, lapic_pending(apic));
	lapic_receive(apic, 0x31, false);
	lapic_receive(apic, 0x45, false);
	EXPECT_EQ(0x45, lapic_pending(apic));
	EXPECT_EQ(1U << 5, read_reg(apic, LAPIC_IRR + 0x20));
	lapic_accept(apic, 0x45);
	EXPECT_EQ(0x40, read_reg(apic, LAPIC_PPR));
	/* Of the same class as what is served, it waits. */
	lapic_receive(apic, 0x4f, false);
	EXPECT_EQ(-1, lapic_pending(apic));
	lapic_receive(apic, 0x50, false);
	EXPECT_EQ(0x50, lapic_pending(apic));
	lapic_accept(apic, 0x50);
	EXPECT_EQ(0, lapic_write(apic, LAPIC_EOI, 0, 0));
	EXPECT_EQ(-1, lapic_pending(apic));
	lapic_write(apic, LAPIC_EOI, 0, 0);
	EXPECT_EQ(0x4f, lapic_pending(apic));
	/* TPR holds back its own class and those below. */
	lapic_write(apic, LAPIC_TPR, 0x40, 0);
	EXPECT_EQ(-1, lapic_pending(apic));
	EXPECT_EQ(4, lapic_cr8(apic));
	lapic_write_cr8(apic, 3);
	EXPECT_EQ(0x30, read_reg(apic, LAPIC_TPR));
	EXPECT_EQ(0x4f, lapic_pending(apic));
	lapic_write(apic, LAPIC_TPR, 0x3a, 0);
	EXPECT_EQ(0x3a, read_reg(apic, LAPIC_PPR));
	EXPECT_EQ(0x4f, lapic_pending(apic));
}

TEST(an_eoi_of_a_level_triggered_one_is_broadcast)
{
	struct lapic *apic = enabled(false);

	lapic_receive(apic, 0x60, true);
	lapic_receive(apic, 0x70, false);
	EXPECT_EQ(1, read_reg(apic, LAPIC_TMR + 0x30));
	lapic_accept(apic, 0x60);
	lapic_accept(apic, 0x70);
	EXPECT_EQ(0, lapic_write(apic, LAPIC_EOI, 0, 0));
	EXPECT_EQ(LAPIC_DO_EOI, lapic_write(apic, LAPIC_EOI, 0, 0));
	EXPECT_EQ(0x60, apic->eoi);
	EXPECT_EQ(0, lapic_write(apic, LAPIC_EOI, 0, 0));
	/* Not if that is suppressed. */
	lapic_write(apic, LAPIC_SVR, ENABLED | 1 << 12, 0);
	lapic_receive(apic, 0x60, true);
	lapic_accept(apic, 0x60);
	EXPECT_EQ(0, lapic_write(apic, LAPIC_EOI, 0, 0));
}

TEST(software_disabled)
{
	struct lapic *apic = enabled(false);

	lapic_write(apic, LAPIC_LVT_LINT0, 0x700, 0);
	lapic_receive(apic, 0x31, false);
	EXPECT_TRUE(lapic_takes_extint(apic));
	lapic_write(apic, LAPIC_SVR, 0xff, 0);
	/* All masked, and so they stay; what came goes on. */
	EXPECT_EQ(0x700 | MASKED, read_reg(apic, LAPIC_LVT_LINT0));
	EXPECT_FALSE(lapic_takes_extint(apic));
	lapic_write(apic, LAPIC_LVT_TIMER, 0x40, 0);
	EXPECT_EQ(0x40 | MASKED, read_reg(apic, LAPIC_LVT_TIMER));
	EXPECT_EQ(0x31, lapic_pending(apic));
	lapic_receive(apic, 0x51, false);
	EXPECT_EQ(0x31, lapic_pending(apic));
}

TEST(hardware_disabled)
{
	struct lapic *apic = enabled(false);

	lapic_receive(apic, 0x31, false);
	lapic_write_base(apic, LAPIC_BASE_DEFAULT | LAPIC_BASE_BSP, PHYSICAL_BITS);
	EXPECT_EQ(-1, lapic_pending(apic));
	EXPECT_TRUE(lapic_takes_extint(apic));
	lapic_write_base(apic, apic->base | LAPIC_BASE_ENABLED, PHYSICAL_BITS);
	EXPECT_EQ(-1, lapic_pending(apic));
	EXPECT_EQ(0xff, read_reg(apic, LAPIC_SVR));
}

/* ---- Errors ---- */

TEST(illegal_vectors)
{
	struct lapic *apic = enabled(false);
	int vector;

	for (vector = 0; vector < 16; vector++) {
		lapic_receive(apic, vector, false);
		EXPECT_EQ(LAPIC_ERROR_RECEIVE_ILLEGAL, errors(apic));
		EXPECT_EQ(0, lapic_write(apic, LAPIC_ICR, vector, 0));
		EXPECT_EQ(LAPIC_ERROR_SEND_ILLEGAL, errors(apic));
		EXPECT_EQ(0, lapic_write(apic, LAPIC_ICR, 0x100 | vector, 0));
		EXPECT_EQ(LAPIC_ERROR_SEND_ILLEGAL, errors(apic));
	}
	EXPECT_EQ(0, errors(apic));
	EXPECT_EQ(LAPIC_DO_IPI, lapic_write(apic, LAPIC_ICR, 16, 0));
	apic = enabled(true);
	lapic_write_msr(apic, LAPIC_SELF_IPI, 15, 0);
	EXPECT_EQ(LAPIC_ERROR_SEND_ILLEGAL, apic->errors);
	lapic_write_msr(apic, LAPIC_SELF_IPI, 0x99, 0);
	EXPECT_EQ(0x99, lapic_pending(apic));
}

TEST(an_error_interrupts_once)
{
	struct lapic *apic = enabled(false);

	lapic_write(apic, LAPIC_LVT_ERROR, 0x41, 0);
	lapic_receive(apic, 3, false);
	EXPECT_EQ(0x41, lapic_pending(apic));
	lapic_accept(apic, 0x41);
	lapic_write(apic, LAPIC_EOI, 0, 0);
	read_reg(apic, 0x10);
	EXPECT_EQ(-1, lapic_pending(apic));
	EXPECT_EQ(LAPIC_ERROR_RECEIVE_ILLEGAL | LAPIC_ERROR_REGISTER, errors(apic));
	read_reg(apic, 0x10);
	EXPECT_EQ(0x41, lapic_pending(apic));
	/* Its own vector may be illegal, too. */
	apic = enabled(false);
	lapic_write(apic, LAPIC_LVT_ERROR, 1, 0);
	read_reg(apic, 0x10);
	EXPECT_EQ(LAPIC_ERROR_RECEIVE_ILLEGAL | LAPIC_ERROR_REGISTER, errors(apic));
}

/* ---- The timer ---- */

static enum lapic_timer_kind timer(struct lapic *apic, u64 *when)
{
	*when = 0;
	return lapic_timer_next(apic, when);
}

TEST(divide)
{
	static const struct { u32 value, by; } rows[] = {
		{ 0, 2 }, { 1, 4 }, { 2, 8 }, { 3, 16 }, { 8, 32 }, { 9, 64 }, { 10, 128 }, { 11, 1 },
	};
	struct lapic *apic = enabled(false);
	u64 when;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		lapic_write(apic, LAPIC_TIMER_DIVIDE, rows[i].value, 0);
		EXPECT_EQ(LAPIC_DO_TIMER, lapic_write(apic, LAPIC_TIMER_INITIAL, 1000, 5000));
		EXPECT_EQ(LAPIC_TIMER_TICKS, timer(apic, &when));
		EXPECT_EQ(5000 + 1000 * rows[i].by, when);
		EXPECT_EQ(1000, read_at(apic, LAPIC_TIMER_CURRENT, 5000));
		EXPECT_EQ(600, read_at(apic, LAPIC_TIMER_CURRENT, 5000 + 400 * rows[i].by));
	}
	/* In the middle of a count. */
	lapic_write(apic, LAPIC_TIMER_DIVIDE, 11, 5400);
	EXPECT_EQ(600, read_at(apic, LAPIC_TIMER_CURRENT, 5400));
	lapic_write(apic, LAPIC_TIMER_DIVIDE, 0, 5400);
	EXPECT_EQ(600, read_at(apic, LAPIC_TIMER_CURRENT, 5400));
	EXPECT_EQ(500, read_at(apic, LAPIC_TIMER_CURRENT, 5600));
	timer(apic, &when);
	EXPECT_EQ(5400 + 1200, when);
}

TEST(one_shot)
{
	struct lapic *apic = enabled(false);
	u64 when;

	EXPECT_EQ(LAPIC_TIMER_OFF, timer(apic, &when));
	lapic_write(apic, LAPIC_TIMER_DIVIDE, 11, 0);
	lapic_write(apic, LAPIC_LVT_TIMER, 0x50, 0);
	lapic_write(apic, LAPIC_TIMER_INITIAL, 100, 1000);
	EXPECT_EQ(0, read_at(apic, LAPIC_TIMER_CURRENT, 1200));
	EXPECT_EQ(LAPIC_DO_TIMER, lapic_timer_ended(apic, 1100));
	EXPECT_EQ(0x50, lapic_pending(apic));
	EXPECT_EQ(LAPIC_TIMER_OFF, timer(apic, &when));
	EXPECT_EQ(100, read_at(apic, LAPIC_TIMER_INITIAL, 1100));
	/* Zero stops it. */
	lapic_write(apic, LAPIC_TIMER_INITIAL, 100, 2000);
	lapic_write(apic, LAPIC_TIMER_INITIAL, 0, 2050);
	EXPECT_EQ(LAPIC_TIMER_OFF, timer(apic, &when));
	/* Masked it counts all the same. */
	apic = enabled(false);
	lapic_write(apic, LAPIC_TIMER_INITIAL, 100, 0);
	EXPECT_EQ(LAPIC_TIMER_TICKS, timer(apic, &when));
	lapic_timer_ended(apic, when);
	EXPECT_EQ(-1, lapic_pending(apic));
}

TEST(periodic)
{
	struct lapic *apic = enabled(false);
	u64 when;

	lapic_write(apic, LAPIC_TIMER_DIVIDE, 11, 0);
	lapic_write(apic, LAPIC_LVT_TIMER, PERIODIC | 0x50, 0);
	lapic_write(apic, LAPIC_TIMER_INITIAL, 100, 1000);
	EXPECT_EQ(70, read_at(apic, LAPIC_TIMER_CURRENT, 1230));
	lapic_timer_ended(apic, 1100);
	EXPECT_EQ(0x50, lapic_pending(apic));
	EXPECT_EQ(LAPIC_TIMER_TICKS, timer(apic, &when));
	EXPECT_EQ(1200, when);
	/* Ends that were missed are one, and the phase stays. */
	lapic_timer_ended(apic, 1555);
	timer(apic, &when);
	EXPECT_EQ(1600, when);
}

TEST(deadline)
{
	struct lapic *apic = enabled(false);
	u64 when;

	EXPECT_EQ(0, lapic_write_deadline(apic, 5000));
	EXPECT_EQ(0, apic->deadline);
	lapic_write(apic, LAPIC_TIMER_INITIAL, 100, 1000);
	lapic_write(apic, LAPIC_LVT_TIMER, DEADLINE | 0x50, 1000);
	EXPECT_EQ(LAPIC_TIMER_OFF, timer(apic, &when));
	EXPECT_EQ(0, lapic_write(apic, LAPIC_TIMER_INITIAL, 100, 1000));
	EXPECT_EQ(0, read_reg(apic, LAPIC_TIMER_INITIAL));
	EXPECT_EQ(LAPIC_DO_TIMER, lapic_write_deadline(apic, 5000));
	EXPECT_EQ(LAPIC_TIMER_TSC, timer(apic, &when));
	EXPECT_EQ(5000, when);
	lapic_timer_ended(apic, 9999);
	EXPECT_EQ(0x50, lapic_pending(apic));
	EXPECT_EQ(0, apic->deadline);
	lapic_write_deadline(apic, 6000);
	lapic_write(apic, LAPIC_LVT_TIMER, 0x50, 1000);
	EXPECT_EQ(LAPIC_TIMER_OFF, timer(apic, &when));
	EXPECT_EQ(0, apic->deadline);
}

/* As the CPU does with APIC-register virtualization: all of it, before it is known. */
static int write_after_the_fact(struct lapic *apic, u32 offset, u32 value, u64 now)
{
	apic->regs[offset / 4] = value;
	return lapic_write(apic, offset, value, now);
}

TEST(writes_that_are_in_the_page_already)
{
	struct lapic *apic = enabled(false);
	u64 when;

	lapic_write(apic, LAPIC_TIMER_DIVIDE, 0, 0);		/* 2 */
	lapic_write(apic, LAPIC_LVT_TIMER, 0x40, 0);
	lapic_write(apic, LAPIC_TIMER_INITIAL, 100, 1000);
	EXPECT_EQ(LAPIC_DO_TIMER, write_after_the_fact(apic, LAPIC_TIMER_DIVIDE, 0xffffffff, 1040));
	EXPECT_EQ(0xb, read_reg(apic, LAPIC_TIMER_DIVIDE));
	EXPECT_EQ(80, read_at(apic, LAPIC_TIMER_CURRENT, 1040));
	EXPECT_EQ(70, read_at(apic, LAPIC_TIMER_CURRENT, 1050));
	write_after_the_fact(apic, LAPIC_LVT_TIMER, DEADLINE | 1 << 12 | 0x40, 1050);
	EXPECT_EQ(DEADLINE | 0x40, read_reg(apic, LAPIC_LVT_TIMER));
	EXPECT_EQ(LAPIC_TIMER_OFF, timer(apic, &when));
	write_after_the_fact(apic, LAPIC_TIMER_INITIAL, 5, 1060);
	EXPECT_EQ(0, read_reg(apic, LAPIC_TIMER_INITIAL));
	EXPECT_EQ(LAPIC_TIMER_OFF, timer(apic, &when));
	lapic_write_deadline(apic, 7777);
	write_after_the_fact(apic, LAPIC_LVT_TIMER, DEADLINE | 0x41, 1050);
	EXPECT_EQ(LAPIC_TIMER_TSC, timer(apic, &when));
	write_after_the_fact(apic, LAPIC_LVT_TIMER, PERIODIC | 0x41, 1050);
	EXPECT_EQ(0, apic->deadline);
	write_after_the_fact(apic, LAPIC_EOI, 0x99, 0);
	EXPECT_EQ(0, apic->regs[LAPIC_EOI / 4]);
	write_after_the_fact(apic, LAPIC_ID, 0xffffffff, 0);
	EXPECT_EQ(0xff000000, read_reg(apic, LAPIC_ID));
	lapic_receive(apic, 3, false);
	write_after_the_fact(apic, LAPIC_ESR, 0xffffffff, 0);
	EXPECT_EQ(LAPIC_ERROR_RECEIVE_ILLEGAL, read_reg(apic, LAPIC_ESR));
}

TEST(a_timer_of_zero_and_of_the_maximum)
{
	struct lapic *apic = enabled(false);
	u64 when;

	lapic_write(apic, LAPIC_LVT_TIMER, PERIODIC | 0x50, 0);
	lapic_write(apic, LAPIC_TIMER_INITIAL, 0, 0);
	lapic_timer_ended(apic, 1000);
	EXPECT_EQ(LAPIC_TIMER_OFF, timer(apic, &when));
	lapic_write(apic, LAPIC_TIMER_DIVIDE, 10, 0);
	lapic_write(apic, LAPIC_TIMER_INITIAL, 0xffffffff, 0);
	timer(apic, &when);
	EXPECT_EQ(0xffffffffULL * 128, when);
	EXPECT_EQ(0xffffffff, read_reg(apic, LAPIC_TIMER_CURRENT));
}

/* ---- Local interrupts ---- */

TEST(delivery_modes_of_an_lvt)
{
	static const struct { u32 mode; int todo; int pending; } rows[] = {
		{ LAPIC_FIXED, 0, 0x41 }, { LAPIC_LOWEST, 0, -1 }, { LAPIC_SMI, LAPIC_DO_SMI, -1 },
		{ LAPIC_NMI, LAPIC_DO_NMI, -1 }, { LAPIC_INIT, LAPIC_DO_INIT, -1 },
		{ LAPIC_EXTINT, 0, -1 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct lapic *apic = enabled(false);

		lapic_write(apic, LAPIC_LVT_PERF, rows[i].mode << 8 | 0x41, 0);
		EXPECT_EQ(rows[i].todo, lapic_local(apic, LAPIC_LVT_PERF));
		EXPECT_EQ(rows[i].pending, lapic_pending(apic));
		lapic_write(apic, LAPIC_LVT_PERF, MASKED | rows[i].mode << 8 | 0x42, 0);
		EXPECT_EQ(0, lapic_local(apic, LAPIC_LVT_PERF));
	}
}

/* ---- Messages ---- */

static bool reaches(int which, u64 icr)
{
	struct lapic_message message;
	struct lapic *apic = &apics[0];

	if (lapic_x2apic(apic)) {
		lapic_write_msr(apic, LAPIC_ICR, icr, 0);
	} else {
		lapic_write(apic, LAPIC_ICR_HIGH, icr >> 32, 0);
		lapic_write(apic, LAPIC_ICR, icr, 0);
	}
	message = lapic_ipi(apic);
	return lapic_matches(&apics[which], apic, &message);
}

#define XDEST(n)	((u64)(n) << 56)
#define DEST(n)		((u64)(n) << 32)
#define LOGICAL		(1 << 11)
#define SELF		(1 << 18)
#define ALL		(2 << 18)
#define OTHERS		(3 << 18)

TEST(destinations)
{
	enabled(false);
	lapic_write(&apics[0], LAPIC_LDR, 0x01000000, 0);
	lapic_write(&apics[1], LAPIC_LDR, 0x02000000, 0);
	EXPECT_TRUE(reaches(1, XDEST(1) | 0x31));
	EXPECT_FALSE(reaches(0, XDEST(1) | 0x31));
	EXPECT_TRUE(reaches(0, XDEST(0xff) | 0x31) && reaches(1, XDEST(0xff) | 0x31));
	EXPECT_FALSE(reaches(0, XDEST(7) | 0x31) || reaches(1, XDEST(7) | 0x31));
	EXPECT_TRUE(reaches(0, SELF | 0x31) && !reaches(1, SELF | 0x31));
	EXPECT_TRUE(reaches(0, ALL | 0x31) && reaches(1, ALL | 0x31));
	EXPECT_TRUE(!reaches(0, OTHERS | 0x31) && reaches(1, OTHERS | 0x31));
	/* Flat. */
	EXPECT_TRUE(reaches(1, LOGICAL | XDEST(2) | 0x31) && !reaches(0, LOGICAL | XDEST(2) | 0x31));
	EXPECT_TRUE(reaches(0, LOGICAL | XDEST(3) | 0x31) && reaches(1, LOGICAL | XDEST(3) | 0x31));
	EXPECT_FALSE(reaches(0, LOGICAL | XDEST(0xf0) | 0x31));
	/* Clusters: the same bit in another is not meant. */
	lapic_write(&apics[0], LAPIC_DFR, 0, 0);
	lapic_write(&apics[1], LAPIC_DFR, 0, 0);
	lapic_write(&apics[1], LAPIC_LDR, 0x11000000, 0);
	EXPECT_TRUE(reaches(0, LOGICAL | XDEST(1) | 0x31) && !reaches(1, LOGICAL | XDEST(1) | 0x31));
	EXPECT_TRUE(reaches(1, LOGICAL | XDEST(0x13) | 0x31));
	EXPECT_TRUE(reaches(0, LOGICAL | XDEST(0xf1) | 0x31) && reaches(1, LOGICAL | XDEST(0xf1) | 0x31));
	/* A model that does not exist reaches nobody. */
	lapic_write(&apics[1], LAPIC_DFR, 0x50000000, 0);
	EXPECT_FALSE(reaches(1, LOGICAL | XDEST(0x11) | 0x31));
	/* Nor does anything reach one that is disabled. */
	lapic_write_base(&apics[1], LAPIC_BASE_DEFAULT, PHYSICAL_BITS);
	EXPECT_FALSE(reaches(1, ALL | 0x31));
}

TEST(destinations_in_x2apic_mode)
{
	enabled(true);
	EXPECT_TRUE(reaches(1, DEST(1) | 0x31) && !reaches(0, DEST(1) | 0x31));
	EXPECT_TRUE(reaches(0, DEST(0xffffffff) | 0x31) && reaches(1, DEST(0xffffffff) | 0x31));
	EXPECT_FALSE(reaches(0, DEST(0xff) | 0x31));
	EXPECT_TRUE(reaches(1, LOGICAL | DEST(2) | 0x31) && !reaches(0, LOGICAL | DEST(2) | 0x31));
	EXPECT_TRUE(reaches(0, LOGICAL | DEST(3) | 0x31));
	EXPECT_FALSE(reaches(0, LOGICAL | DEST(0x10001) | 0x31));
	EXPECT_TRUE(reaches(1, LOGICAL | DEST(0xffffffff) | 0x31));
	/* One in xAPIC mode has an id of 8 bits. */
	lapic_write_base(&apics[1], LAPIC_BASE_DEFAULT, PHYSICAL_BITS);
	lapic_write_base(&apics[1], LAPIC_BASE_DEFAULT | LAPIC_BASE_ENABLED, PHYSICAL_BITS);
	EXPECT_TRUE(reaches(1, DEST(1) | 0x31) && !reaches(1, DEST(0x101) | 0x31));
	lapic_write(&apics[1], LAPIC_LDR, 0x02000000, 0);
	EXPECT_TRUE(reaches(1, LOGICAL | DEST(2) | 0x31));
	EXPECT_FALSE(reaches(1, LOGICAL | DEST(0x102) | 0x31));
}

TEST(which_ipis_are_sent)
{
	/* By shorthand, as bits of modes. */
	static const u32 valid[4] = {
		[LAPIC_TO_DEST] = 0x77, [LAPIC_TO_SELF] = 1, [LAPIC_TO_ALL] = 1,
		[LAPIC_TO_OTHERS] = 0x77,
	};
	struct lapic *apic = enabled(false);
	u32 shorthand, mode;

	for (shorthand = 0; shorthand < 4; shorthand++)
		for (mode = 0; mode < 8; mode++)
			EXPECT_EQ(valid[shorthand] >> mode & 1 ? LAPIC_DO_IPI : 0,
				  lapic_write(apic, LAPIC_ICR,
					      shorthand << 18 | 1 << 14 | mode << 8 | 0x31, 0))
				TH_LOG("shorthand %u, mode %u", shorthand, mode);
	/* The de-assert of an INIT is for nobody. */
	EXPECT_EQ(0, lapic_write(apic, LAPIC_ICR, 1 << 15 | 5 << 8, 0));
	EXPECT_EQ(LAPIC_DO_IPI, lapic_write(apic, LAPIC_ICR, 1 << 15 | 1 << 14 | 5 << 8, 0));
}

TEST(msi)
{
	struct lapic_message message = lapic_msi(0xfee01000, 0x4041);

	enabled(false);
	EXPECT_EQ(LAPIC_FIXED, message.mode);
	EXPECT_EQ(0x41, message.vector);
	EXPECT_FALSE(message.level);
	EXPECT_TRUE(lapic_matches(&apics[1], NULL, &message));
	EXPECT_FALSE(lapic_matches(&apics[0], NULL, &message));
	message = lapic_msi(0xfee03004, 0xc141);
	EXPECT_EQ(LAPIC_LOWEST, message.mode);
	EXPECT_TRUE(message.level);
	EXPECT_TRUE(message.logical);
	EXPECT_EQ(3, message.dest);
	message = lapic_msi(0xfeeff000, 0x4041);
	EXPECT_TRUE(lapic_matches(&apics[0], NULL, &message));
	EXPECT_TRUE(lapic_matches(&apics[1], NULL, &message));
}

/* What VMX is told, or does by itself. */
TEST(only_tpr_holds_it_back)
{
	struct lapic *apic = enabled(false);

	EXPECT_EQ(0, lapic_held_by_tpr(apic));
	lapic_receive(apic, 0x45, false);
	EXPECT_EQ(0, lapic_held_by_tpr(apic));
	lapic_write(apic, LAPIC_TPR, 0x40, 0);
	EXPECT_EQ(4, lapic_held_by_tpr(apic));
	lapic_write(apic, LAPIC_TPR, 0xff, 0);
	EXPECT_EQ(4, lapic_held_by_tpr(apic));
	lapic_write(apic, LAPIC_TPR, 0x3f, 0);
	EXPECT_EQ(0, lapic_held_by_tpr(apic));
	/* One in service does, too. */
	lapic_accept(apic, 0x45);
	lapic_receive(apic, 0x46, false);
	lapic_write(apic, LAPIC_TPR, 0x40, 0);
	EXPECT_EQ(0, lapic_held_by_tpr(apic));
	lapic_write_base(apic, LAPIC_BASE_DEFAULT, PHYSICAL_BITS);
	EXPECT_EQ(0, lapic_held_by_tpr(apic));
}

TEST(guest_interrupt_status_and_eoi_exits)
{
	struct lapic *apic = enabled(true);
	u64 value;
	u32 offset;

	EXPECT_EQ(0, lapic_intr_status(apic));
	lapic_receive(apic, 0x33, false);
	lapic_receive(apic, 0xc5, true);
	EXPECT_EQ(0xc5, lapic_intr_status(apic));
	lapic_accept(apic, 0xc5);
	EXPECT_EQ(0xc533, lapic_intr_status(apic));
	EXPECT_EQ(0, lapic_eoi_reports(apic, 0));
	EXPECT_EQ(1 << 5, lapic_eoi_reports(apic, 3));
	lapic_write_msr(apic, LAPIC_SVR, ENABLED | 1 << 12 | 0xff, 0);
	EXPECT_EQ(0, lapic_eoi_reports(apic, 3));
	/* Of those that read as memory only what is there can be read at all. */
	for (offset = 0; offset < 0x1000; offset += 16)
		if (lapic_msr_is_plain(offset)) {
			EXPECT_EQ(0, lapic_read_msr(apic, offset, 0, &value));
			EXPECT_EQ(apic->regs[offset / 4], value) TH_LOG("%#x", offset);
		}
	EXPECT_TRUE(lapic_msr_is_plain(LAPIC_SVR));
	EXPECT_FALSE(lapic_msr_is_plain(LAPIC_TIMER_CURRENT));
	EXPECT_FALSE(lapic_msr_is_plain(LAPIC_EOI));
}

TEST(init)
{
	struct lapic *apic = enabled(false);

	lapic_write(apic, LAPIC_ID, 0x05000000, 0);
	lapic_write(apic, LAPIC_LVT_TIMER, 0x51, 0);
	lapic_write(apic, LAPIC_TIMER_INITIAL, 100, 0);
	lapic_receive(apic, 0x31, false);
	lapic_init(apic);
	EXPECT_EQ(0x05000000, read_reg(apic, LAPIC_ID));
	EXPECT_EQ(0xff, read_reg(apic, LAPIC_SVR));
	EXPECT_EQ(MASKED, read_reg(apic, LAPIC_LVT_TIMER));
	EXPECT_EQ(0, read_reg(apic, LAPIC_TIMER_CURRENT));
	EXPECT_EQ(-1, lapic_pending(apic));
	EXPECT_EQ(0xfee00900, apic->base);
}

TEST_HARNESS_MAIN
