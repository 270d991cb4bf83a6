// SPDX-License-Identifier: GPL-2.0
/* A vCPU that nobody runs: its run page, RUN's refusals, its state. */
#include "uapi.h"

/* ---- the run page ---- */

TEST_F(minivmx, run_page)
{
	const size_t size = self->info.run_size;
	struct minivmx_run *second;
	size_t i;

	/* Mapped twice it is the same page. */
	second = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, self->vcpu, 0);
	ASSERT_NE(MAP_FAILED, second);
	self->run->regs.rax = 0x1234;
	EXPECT_EQ(0x1234, second->regs.rax);
	EXPECT_EQ(MINIVMX_EXIT_NONE, second->kind);
	/* Nothing of the kernel's is in what the header does not name. */
	for (i = sizeof(struct minivmx_run); i < size; i++) {
		EXPECT_EQ(0, ((unsigned char *)second)[i]);
	}
	EXPECT_EQ(0, munmap(second, size));
	EXPECT_NE(MAP_FAILED, mmap(NULL, size, PROT_READ, MAP_SHARED, self->vcpu, 0));
}

TEST_F(minivmx, run_page_refusals)
{
	const struct {
		const char *what;
		size_t size;
		int prot, flags;
		off_t offset;
		int want;
	} cases[] = {
		{ "two pages", 2 * PAGE, PROT_READ, MAP_SHARED, 0, EINVAL },
		{ "no ring there", PAGE, PROT_READ, MAP_SHARED, MINIVMX_RING_OFFSET, ENXIO },
		{ "an offset", PAGE, PROT_READ, MAP_SHARED, 2 * PAGE, EINVAL },
		{ "a large offset", PAGE, PROT_READ, MAP_SHARED, 1L << 40, EINVAL },
		{ "private", PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, 0, EINVAL },
		{ "private, read-only", PAGE, PROT_READ, MAP_PRIVATE, 0, EINVAL },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		EXPECT_EQ(MAP_FAILED, mmap(NULL, cases[i].size, cases[i].prot, cases[i].flags,
					   self->vcpu, cases[i].offset))
			TH_LOG("%s", cases[i].what);
		EXPECT_EQ(cases[i].want, errno)
			TH_LOG("%s", cases[i].what);
	}
}

/* ---- RUN ---- */

TEST_F(minivmx, run_without_page)
{
	struct minivmx_create_vcpu create = { .id = 1 };
	int vcpu = call(self->vm, MINIVMX_CREATE_VCPU, &create);

	ASSERT_LE(0, vcpu);
	EXPECT_EQ(-ENXIO, call(vcpu, MINIVMX_RUN, NULL));
	/* A mapping that failed is none. */
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, vcpu, 0));
	EXPECT_EQ(-ENXIO, call(vcpu, MINIVMX_RUN, NULL));
	EXPECT_EQ(0, run(self->vcpu, self->run));
}

TEST_F(minivmx, run_actions)
{
	static const __u32 bad[] = { 2, 3, 256, 1U << 31, ~0U };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		self->run->action = bad[i];
		EXPECT_EQ(-EINVAL, call(self->vcpu, MINIVMX_RUN, NULL));
	}
	/* There is no instruction to skip yet. */
	self->run->action = MINIVMX_SKIP;
	EXPECT_EQ(-EINVAL, call(self->vcpu, MINIVMX_RUN, NULL));
	EXPECT_EQ(MINIVMX_EXIT_NONE, self->run->kind);
	EXPECT_EQ(0x1000, self->run->regs.rip);

	/* Page of HLTs: each is reported, skipped, then the next. */
	self->run->action = MINIVMX_RETRY;
	ASSERT_EQ(0, run(self->vcpu, self->run));
	EXPECT_EQ(MINIVMX_EXIT_HLT, self->run->kind);
	EXPECT_EQ(0x1000, self->run->regs.rip);
	self->run->action = MINIVMX_SKIP;
	ASSERT_EQ(0, run(self->vcpu, self->run));
	EXPECT_EQ(MINIVMX_EXIT_HLT, self->run->kind);
	EXPECT_EQ(0x1001, self->run->regs.rip);
	/* Interrupted it has nothing pending, so nothing can be skipped. */
	self->run->action = MINIVMX_SKIP;
	self->run->request = MINIVMX_REQ_EXIT_NOW;
	ASSERT_EQ(0, call(self->vcpu, MINIVMX_RUN, NULL));
	EXPECT_EQ(MINIVMX_EXIT_INTR, self->run->kind);
	EXPECT_EQ(0x1002, self->run->regs.rip);
	EXPECT_EQ(-EINVAL, call(self->vcpu, MINIVMX_RUN, NULL));
}

TEST_F(minivmx, run_requests)
{
	int bit;

	for (bit = 3; bit < 32; bit++) {
		self->run->request = 1U << bit;
		EXPECT_EQ(-EINVAL, call(self->vcpu, MINIVMX_RUN, NULL))
			TH_LOG("request %#x", self->run->request);
		self->run->request = 1U << bit | MINIVMX_REQ_EXIT_NOW;
		EXPECT_EQ(-EINVAL, call(self->vcpu, MINIVMX_RUN, NULL));
	}
	self->run->request = 7;
	EXPECT_EQ(0, call(self->vcpu, MINIVMX_RUN, NULL));
}

#define V	MINIVMX_EVENT_VALID
#define E	MINIVMX_EVENT_ERROR

/* What RUN and SET_EVENTS must refuse: {flags, vector, type, insn_len}. */
static const struct minivmx_event bad_events[] = {
	{ V | 1 << 2, 32, MINIVMX_EVENT_EXTINT, 0, 0, 0 },
	{ V | 1 << 7, 32, MINIVMX_EVENT_EXTINT, 0, 0, 0 },
	{ V, 32, 1, 0, 0, 0 },
	{ V, 32, 7, 0, 0, 0 },
	{ V, 32, 8, 0, 0, 0 },
	{ V, 32, 255, 0, 0, 0 },
	{ V | E, 32, MINIVMX_EVENT_EXTINT, 0, 0, 0 },
	{ V, 1, MINIVMX_EVENT_NMI, 0, 0, 0 },
	{ V, 32, MINIVMX_EVENT_NMI, 0, 0, 0 },
	{ V | E, 2, MINIVMX_EVENT_NMI, 0, 0, 0 },
	{ V, 2, MINIVMX_EVENT_EXCEPTION, 0, 0, 0 },
	{ V, 32, MINIVMX_EVENT_EXCEPTION, 0, 0, 0 },
	{ V | E, 255, MINIVMX_EVENT_EXCEPTION, 0, 0, 0 },
	{ V, 32, MINIVMX_EVENT_SOFTINT, 0, 0, 0 },
	{ V, 32, MINIVMX_EVENT_SOFTINT, 16, 0, 0 },
	{ V, 32, MINIVMX_EVENT_SOFTINT, 255, 0, 0 },
	{ V | E, 32, MINIVMX_EVENT_SOFTINT, 2, 0, 0 },
	{ V, 1, MINIVMX_EVENT_PRIVSOFT, 0, 0, 0 },
	{ V, 1, MINIVMX_EVENT_PRIVSOFT, 16, 0, 0 },
	{ V, 3, MINIVMX_EVENT_SOFTEXC, 0, 0, 0 },
	{ V, 3, MINIVMX_EVENT_SOFTEXC, 16, 0, 0 },
};

TEST_F(minivmx, run_events)
{
	unsigned int i;

	self->run->request = MINIVMX_REQ_EXIT_NOW;
	for (i = 0; i < ARRAY_SIZE(bad_events); i++) {
		self->run->event = bad_events[i];
		EXPECT_EQ(-EINVAL, call(self->vcpu, MINIVMX_RUN, NULL))
			TH_LOG("event %u", i);
		/* It was not taken. */
		EXPECT_EQ(bad_events[i].flags, self->run->event.flags);
	}
	/* Without VALID the rest has no meaning. */
	self->run->event = (struct minivmx_event) { 0, 32, 7, 99, 1, 1 };
	EXPECT_EQ(0, call(self->vcpu, MINIVMX_RUN, NULL));
}

/* A second one of what still waits is in the way. */
TEST_F(minivmx, run_event_waits)
{
	static const struct minivmx_event extint = { V, 32, MINIVMX_EVENT_EXTINT, 0, 0, 0 };
	static const struct minivmx_event nmi = { V, 2, MINIVMX_EVENT_NMI, 0, 0, 0 };
	struct minivmx_events events;

	self->run->request = MINIVMX_REQ_EXIT_NOW;
	self->run->event = extint;
	ASSERT_EQ(0, call(self->vcpu, MINIVMX_RUN, NULL));
	EXPECT_EQ(0, self->run->event.flags);
	self->run->event = extint;
	EXPECT_EQ(-EBUSY, call(self->vcpu, MINIVMX_RUN, NULL));
	EXPECT_EQ(V, self->run->event.flags);
	self->run->event = nmi;
	ASSERT_EQ(0, call(self->vcpu, MINIVMX_RUN, NULL));
	self->run->event = nmi;
	EXPECT_EQ(-EBUSY, call(self->vcpu, MINIVMX_RUN, NULL));

	ASSERT_EQ(0, call(self->vcpu, MINIVMX_GET_EVENTS, &events));
	EXPECT_EQ(V, events.irq.flags);
	EXPECT_EQ(32, events.irq.vector);
	EXPECT_EQ(1, events.nmi_pending);
	/* They can be taken away, and then there is room. */
	memset(&events, 0, sizeof(events));
	ASSERT_EQ(0, call(self->vcpu, MINIVMX_SET_EVENTS, &events));
	EXPECT_EQ(0, call(self->vcpu, MINIVMX_RUN, NULL));
}

/* ---- events ---- */

TEST_F(minivmx, set_events_refuses)
{
	struct minivmx_events events, before, after;
	unsigned int i;

	ASSERT_EQ(0, call(self->vcpu, MINIVMX_GET_EVENTS, &before));
	for (i = 0; i < ARRAY_SIZE(bad_events); i++) {
		events = (struct minivmx_events) { .event = bad_events[i] };
		EXPECT_EQ(-EINVAL, call(self->vcpu, MINIVMX_SET_EVENTS, &events))
			TH_LOG("event %u", i);
		events = (struct minivmx_events) { .irq = bad_events[i] };
		EXPECT_EQ(-EINVAL, call(self->vcpu, MINIVMX_SET_EVENTS, &events))
			TH_LOG("irq %u", i);
	}
	/* Only an external interrupt waits as one. */
	events = (struct minivmx_events) { .irq = { V, 2, MINIVMX_EVENT_NMI, 0, 0, 0 } };
	EXPECT_EQ(-EINVAL, call(self->vcpu, MINIVMX_SET_EVENTS, &events));
	events = (struct minivmx_events) { .irq = { V, 6, MINIVMX_EVENT_EXCEPTION, 0, 0, 0 } };
	EXPECT_EQ(-EINVAL, call(self->vcpu, MINIVMX_SET_EVENTS, &events));
	events = (struct minivmx_events) { .nmi_pending = 2 };
	EXPECT_EQ(-EINVAL, call(self->vcpu, MINIVMX_SET_EVENTS, &events));
	for (i = 0; i < 32; i++) {
		if (i == 0 || i == 1 || i == 3)
			continue;
		events = (struct minivmx_events) { .interruptibility = 1U << i };
		EXPECT_EQ(-EINVAL, call(self->vcpu, MINIVMX_SET_EVENTS, &events))
			TH_LOG("interruptibility bit %u", i);
	}
	ASSERT_EQ(0, call(self->vcpu, MINIVMX_GET_EVENTS, &after));
	EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
}

TEST_F(minivmx, events_are_kept)
{
	struct minivmx_events got, events = {
		.event = { V | E, 13, MINIVMX_EVENT_EXCEPTION, 0, 0x1234, 0 },
		.irq = { V, 0x41, MINIVMX_EVENT_EXTINT, 0, 0, 0 },
		.nmi_pending = 1,
		.interruptibility = 1 << 3,
	};

	ASSERT_EQ(0, call(self->vcpu, MINIVMX_SET_EVENTS, &events));
	ASSERT_EQ(0, call(self->vcpu, MINIVMX_GET_EVENTS, &got));
	EXPECT_EQ(0, memcmp(&events, &got, sizeof(got)));
}

/* ---- system registers ---- */

TEST_F(minivmx, sregs_are_kept)
{
	struct minivmx_sregs sregs, got;

	ASSERT_EQ(0, call(self->vcpu, MINIVMX_GET_SREGS, &sregs));
	sregs.fs.base = 0x123456789000;
	sregs.gs.limit = 0x12345;
	sregs.tr.selector = 0x28;
	sregs.gdtr.base = 0x7000;
	sregs.gdtr.limit = 0xffff;
	sregs.idtr.limit = 0x3ff;
	sregs.cr2 = 0xffff800000001234;
	sregs.cr3 = 0x5000;
	sregs.cr8 = 15;
	sregs.dr0 = 0x1111;
	sregs.dr3 = 0x4444;
	sregs.pdpte[0] = 0x6001;
	sregs.pdpte[3] = 0x9001;
	ASSERT_EQ(0, call(self->vcpu, MINIVMX_SET_SREGS, &sregs));
	ASSERT_EQ(0, call(self->vcpu, MINIVMX_GET_SREGS, &got));
	EXPECT_EQ(0, memcmp(&sregs, &got, sizeof(got)));
}

TEST_F(minivmx, set_sregs_refuses)
{
	struct minivmx_sregs good, bad, after;
	unsigned int i;

	ASSERT_EQ(0, call(self->vcpu, MINIVMX_GET_SREGS, &good));
#define REFUSED(change)								\
	do {									\
		bad = good;							\
		bad.cr2 = 0xdead;						\
		change;								\
		EXPECT_EQ(-EINVAL, call(self->vcpu, MINIVMX_SET_SREGS, &bad))	\
			TH_LOG(#change ", i = %u", i);				\
	} while (0)
	i = 0;
	for (i = 0; i < 3; i++) {
		REFUSED(bad.es.reserved[i] = 1);
		REFUSED(bad.cs.reserved[i] = 1);
		REFUSED(bad.ss.reserved[i] = 1);
		REFUSED(bad.ds.reserved[i] = 0x8000);
		REFUSED(bad.fs.reserved[i] = 1);
		REFUSED(bad.gs.reserved[i] = 1);
		REFUSED(bad.ldtr.reserved[i] = 1);
		REFUSED(bad.tr.reserved[i] = 1);
		REFUSED(bad.gdtr.reserved[i] = 1);
		REFUSED(bad.idtr.reserved[i] = 1);
	}
	for (i = 32; i < 64; i++) {
		REFUSED(bad.cr0 |= 1ULL << i);
		REFUSED(bad.cr4 |= 1ULL << i);
		REFUSED(bad.efer |= 1ULL << i);
		REFUSED(bad.dr6 |= 1ULL << i);
		REFUSED(bad.dr7 |= 1ULL << i);
		REFUSED(bad.xcr0 |= 1ULL << i);
		REFUSED(bad.cr8 |= 1ULL << i);
	}
	/* Bits of CR0 and EFER that no CPU has. */
	for (i = 6; i < 16; i++)
		REFUSED(bad.cr0 |= 1 << i);
	for (i = 19; i < 29; i++)
		if (i != 18)
			REFUSED(bad.cr0 |= 1 << i);
	REFUSED(bad.cr0 |= 1 << 17);
	for (i = 1; i < 8; i++)
		REFUSED(bad.efer |= 1 << i);
	REFUSED(bad.efer |= 1 << 9);
	/* Paging without protection; long mode that cannot be active. */
	REFUSED(bad.cr0 |= 1U << 31);
	REFUSED(bad.efer |= 1 << 10);
	REFUSED(bad.efer |= 1 << 10 | 1 << 8);
	/* CR4: what the manual reserves, and VMXE and SMXE, which no guest has. */
	for (i = 24; i < 32; i++)
		REFUSED(bad.cr4 |= 1U << i);
	REFUSED(bad.cr4 |= 1 << 13);
	REFUSED(bad.cr4 |= 1 << 14);
	REFUSED(bad.cr4 |= 1 << 15);
	for (i = 16; i < 256; i *= 2)
		REFUSED(bad.cr8 = i);
	/* XCR0: no x87; AVX without SSE; AVX-512 in part. */
	REFUSED(bad.xcr0 = 0);
	REFUSED(bad.xcr0 = 2);
	REFUSED(bad.xcr0 = 5);
	REFUSED(bad.xcr0 = 7 | 1 << 5);
	REFUSED(bad.xcr0 = 3 | 7 << 5);
	REFUSED(bad.xcr0 = 1 << 8 | 1);
	REFUSED(bad.xcr0 = 1 << 9 | 1);
#undef REFUSED
	/* All refusals come before the first change. */
	ASSERT_EQ(0, call(self->vcpu, MINIVMX_GET_SREGS, &after));
	EXPECT_EQ(0, memcmp(&good, &after, sizeof(good)));
}

/* ---- MSRs ---- */

#define MSR_PAT		0x277
#define MSR_EFER	0xc0000080
#define MSR_STAR	0xc0000081
#define MSR_LSTAR	0xc0000082
#define MSR_FMASK	0xc0000084
#define MSR_FS_BASE	0xc0000100

static long msrs_call(int vcpu, unsigned int cmd, struct minivmx_msr *rows, __u32 nr,
		      __u32 *done)
{
	struct minivmx_msrs msrs = { .nr = nr, .done = 0xffff, .entries = (uintptr_t)rows };
	long ret = call(vcpu, cmd, &msrs);

	*done = msrs.done;
	return ret;
}

TEST_F(minivmx, msr_lists)
{
	static struct minivmx_msr rows[MINIVMX_MAX_MSRS + 1];
	__u32 done;
	int i;

	for (i = 0; i <= MINIVMX_MAX_MSRS; i++)
		rows[i].index = MSR_STAR;
	EXPECT_EQ(0, msrs_call(self->vcpu, MINIVMX_GET_MSRS, rows, 0, &done));
	EXPECT_EQ(0, done);
	EXPECT_EQ(0, msrs_call(self->vcpu, MINIVMX_GET_MSRS, rows, MINIVMX_MAX_MSRS, &done));
	EXPECT_EQ(MINIVMX_MAX_MSRS, done);
	EXPECT_EQ(0, msrs_call(self->vcpu, MINIVMX_SET_MSRS, rows, MINIVMX_MAX_MSRS, &done));
	EXPECT_EQ(MINIVMX_MAX_MSRS, done);
	for (i = MINIVMX_MAX_MSRS + 1; i; i <<= 1) {
		EXPECT_EQ(-E2BIG, msrs_call(self->vcpu, MINIVMX_GET_MSRS, rows, i, &done));
		EXPECT_EQ(0, done);
		EXPECT_EQ(-E2BIG, msrs_call(self->vcpu, MINIVMX_SET_MSRS, rows, i, &done));
		EXPECT_EQ(0, done);
	}
	EXPECT_EQ(-E2BIG, msrs_call(self->vcpu, MINIVMX_GET_MSRS, rows, ~0U, &done));
}

TEST_F(minivmx, msrs_stop_at_the_first_refusal)
{
	struct minivmx_msr rows[4] = {
		{ .index = MSR_STAR, .data = 0x1122334455667788 },
		{ .index = MSR_LSTAR, .data = 0xffffffff81000000 },
		{ .index = 0x12345678 },
		{ .index = MSR_FS_BASE, .data = 0x5000 },
	};
	__u32 done;

	EXPECT_EQ(-ENXIO, msrs_call(self->vcpu, MINIVMX_SET_MSRS, rows, 4, &done));
	EXPECT_EQ(2, done);
	rows[0].data = rows[1].data = rows[3].data = 0xaaaa;
	EXPECT_EQ(-ENXIO, msrs_call(self->vcpu, MINIVMX_GET_MSRS, rows, 4, &done));
	EXPECT_EQ(2, done);
	EXPECT_EQ(0x1122334455667788, rows[0].data);
	EXPECT_EQ(0xffffffff81000000, rows[1].data);
	EXPECT_EQ(0xaaaa, rows[3].data);
	EXPECT_EQ(0, msrs_call(self->vcpu, MINIVMX_GET_MSRS, &rows[3], 1, &done));
	EXPECT_EQ(0, rows[3].data);
}

TEST_F(minivmx, msr_values)
{
	static const struct {
		__u32 index, reserved;
		__u64 data;
		long want;
	} cases[] = {
		{ MSR_STAR, 0, ~0ULL, 0 },
		{ MSR_STAR, 1, 0, -EINVAL },
		{ MSR_STAR, 1U << 31, 0, -EINVAL },
		{ MSR_LSTAR, 0, 0x0000800000000000, -EINVAL },	/* not canonical */
		{ MSR_LSTAR, 0, 0xffff7fffffffffff, -EINVAL },
		{ MSR_LSTAR, 0, 0xffff800000000000, 0 },
		{ MSR_FS_BASE, 0, 1ULL << 63, -EINVAL },
		{ MSR_FMASK, 0, 1ULL << 32, -EINVAL },		/* 32 bits wide */
		{ MSR_FMASK, 0, 0xffffffff, 0 },
		{ MSR_PAT, 0, 0x0007040600070406, 0 },
		{ MSR_PAT, 0, 0x0007040600070402, -EINVAL },	/* no memory type */
		{ MSR_PAT, 0, 0x0307040600070406, -EINVAL },
		{ MSR_PAT, 0, 0x0007040608070406, -EINVAL },
		{ MSR_EFER, 0, 2, -EINVAL },
		{ MSR_EFER, 0, 1ULL << 32, -EINVAL },
		{ 0x12345678, 0, 0, -ENXIO },
		{ 0xc0010015, 0, 0, -ENXIO },			/* AMD's */
		{ 0x480, 0, 0, -ENXIO },			/* VMX */
		{ ~0U, 0, 0, -ENXIO },
	};
	unsigned int i;
	__u32 done;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct minivmx_msr row = { cases[i].index, cases[i].reserved, cases[i].data };

		EXPECT_EQ(cases[i].want, msrs_call(self->vcpu, MINIVMX_SET_MSRS, &row, 1, &done))
			TH_LOG("MSR %#x, value %#llx", row.index, row.data);
		EXPECT_EQ(cases[i].want ? 0 : 1, done);
		if (cases[i].want)
			continue;
		row.data = ~row.data;
		EXPECT_EQ(0, msrs_call(self->vcpu, MINIVMX_GET_MSRS, &row, 1, &done));
		EXPECT_EQ(cases[i].data, row.data);
	}
}

TEST_F(minivmx, msr_pointers)
{
	struct minivmx_msr *rows = pages(1, PROT_READ | PROT_WRITE);
	size_t size = 2 * sizeof(*rows);
	__u32 done;

	rows[0].index = rows[1].index = MSR_STAR;
	EXPECT_EQ(-EFAULT, msrs_call(self->vcpu, MINIVMX_GET_MSRS, BAD_POINTER, 1, &done));
	EXPECT_EQ(-EFAULT, msrs_call(self->vcpu, MINIVMX_SET_MSRS, BAD_POINTER, 1, &done));
	EXPECT_EQ(-EFAULT, msrs_call(self->vcpu, MINIVMX_GET_MSRS, before_hole(size - 1), 2, &done));
	EXPECT_EQ(-EFAULT, msrs_call(self->vcpu, MINIVMX_SET_MSRS, before_hole(size - 1), 2, &done));
	/* SET does not write to its rows, GET does. */
	mprotect(rows, PAGE, PROT_READ);
	EXPECT_EQ(0, msrs_call(self->vcpu, MINIVMX_SET_MSRS, rows, 2, &done));
	EXPECT_EQ(-EFAULT, msrs_call(self->vcpu, MINIVMX_GET_MSRS, rows, 2, &done));
}

/* ---- CPUID ---- */

static long cpuid_call(int vcpu, unsigned int cmd, void *rows, __u32 nr)
{
	struct minivmx_cpuid cpuid = { .nr = nr, .entries = (uintptr_t)rows };
	long ret = call(vcpu, cmd, &cpuid);

	return ret ?: cpuid.nr;
}

TEST_F(minivmx, cpuid_tables)
{
	static struct minivmx_cpuid_entry rows[MINIVMX_MAX_CPUID + 1], got[MINIVMX_MAX_CPUID];
	struct minivmx_cpuid cpuid;
	__u32 i;

	/* As many as there can be. */
	for (i = 0; i <= MINIVMX_MAX_CPUID; i++)
		rows[i] = (struct minivmx_cpuid_entry) {
			.leaf = 0x40000000 + i, .subleaf = i, .flags = MINIVMX_CPUID_SUBLEAF,
			.eax = i, .ebx = ~i, .ecx = i << 8, .edx = i << 16,
		};
	EXPECT_EQ(MINIVMX_MAX_CPUID,
		  cpuid_call(self->vcpu, MINIVMX_SET_CPUID, rows, MINIVMX_MAX_CPUID));
	EXPECT_EQ(MINIVMX_MAX_CPUID,
		  cpuid_call(self->vcpu, MINIVMX_GET_CPUID, got, MINIVMX_MAX_CPUID));
	EXPECT_EQ(0, memcmp(rows, got, sizeof(got)));
	EXPECT_EQ(-E2BIG, cpuid_call(self->vcpu, MINIVMX_SET_CPUID, rows, MINIVMX_MAX_CPUID + 1));
	EXPECT_EQ(-E2BIG, cpuid_call(self->vcpu, MINIVMX_SET_CPUID, rows, 1U << 27));
	EXPECT_EQ(-E2BIG, cpuid_call(self->vcpu, MINIVMX_SET_CPUID, rows, ~0U));

	/* What is refused changes nothing. */
	for (i = 1; i < 32; i++) {
		rows[3].flags = 1U << i;
		EXPECT_EQ(-EINVAL, cpuid_call(self->vcpu, MINIVMX_SET_CPUID, rows, 4));
	}
	rows[3].flags = 0;
	rows[3].reserved = 1;
	EXPECT_EQ(-EINVAL, cpuid_call(self->vcpu, MINIVMX_SET_CPUID, rows, 4));
	EXPECT_EQ(MINIVMX_MAX_CPUID,
		  cpuid_call(self->vcpu, MINIVMX_GET_CPUID, got, MINIVMX_MAX_CPUID));

	cpuid = (struct minivmx_cpuid) { .nr = 1, .reserved = 1, .entries = (uintptr_t)rows };
	EXPECT_EQ(-EINVAL, call(self->vcpu, MINIVMX_SET_CPUID, &cpuid));
	EXPECT_EQ(-EINVAL, call(self->vcpu, MINIVMX_GET_CPUID, &cpuid));
	cpuid = (struct minivmx_cpuid) { .nr = MINIVMX_MAX_CPUID - 1, .entries = (uintptr_t)got };
	EXPECT_EQ(-ENOSPC, call(self->vcpu, MINIVMX_GET_CPUID, &cpuid));
	EXPECT_EQ(MINIVMX_MAX_CPUID, cpuid.nr);

	EXPECT_EQ(0, cpuid_call(self->vcpu, MINIVMX_SET_CPUID, NULL, 0));
	EXPECT_EQ(0, cpuid_call(self->vcpu, MINIVMX_GET_CPUID, NULL, 0));
}

TEST_F(minivmx, cpuid_pointers)
{
	struct minivmx_cpuid_entry *rows = pages(1, PROT_READ | PROT_WRITE);
	size_t size = 2 * sizeof(*rows);

	EXPECT_EQ(2, cpuid_call(self->vcpu, MINIVMX_SET_CPUID, rows, 2));
	EXPECT_EQ(-EFAULT, cpuid_call(self->vcpu, MINIVMX_SET_CPUID, BAD_POINTER, 2));
	EXPECT_EQ(-EFAULT, cpuid_call(self->vcpu, MINIVMX_GET_CPUID, BAD_POINTER, 2));
	EXPECT_EQ(-EFAULT, cpuid_call(self->vcpu, MINIVMX_SET_CPUID, before_hole(size - 1), 2));
	EXPECT_EQ(-EFAULT, cpuid_call(self->vcpu, MINIVMX_GET_CPUID, before_hole(size - 1), 2));
	EXPECT_EQ(2, cpuid_call(self->vcpu, MINIVMX_GET_CPUID, before_hole(size), 128));
	mprotect(rows, PAGE, PROT_READ);
	EXPECT_EQ(2, cpuid_call(self->vcpu, MINIVMX_SET_CPUID, rows, 2));
	EXPECT_EQ(-EFAULT, cpuid_call(self->vcpu, MINIVMX_GET_CPUID, rows, 2));
}

/* ---- XSAVE ---- */

static unsigned char area[PAGE] __attribute__((aligned(64)));

static long xsave_call(int vcpu, unsigned int cmd, void *addr, __u32 size)
{
	struct minivmx_xsave xsave = { .addr = (uintptr_t)addr, .size = size };

	return call(vcpu, cmd, &xsave);
}

TEST_F(minivmx, xsave_sizes)
{
	const __u32 size = self->info.xsave_size;
	const __u32 bad[] = { 0, 1, 511, size - 1, size + 1, size + 64, 4096, 1U << 31, ~0U };
	struct minivmx_xsave xsave;
	unsigned int i;

	ASSERT_GE(sizeof(area), size);
	EXPECT_EQ(0, xsave_call(self->vcpu, MINIVMX_GET_XSAVE, area, size));
	EXPECT_EQ(0, xsave_call(self->vcpu, MINIVMX_SET_XSAVE, area, size));
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-EINVAL, xsave_call(self->vcpu, MINIVMX_GET_XSAVE, area, bad[i]));
		EXPECT_EQ(-EINVAL, xsave_call(self->vcpu, MINIVMX_SET_XSAVE, area, bad[i]));
	}
	xsave = (struct minivmx_xsave) { (uintptr_t)area, size, 1 };
	EXPECT_EQ(-EINVAL, call(self->vcpu, MINIVMX_GET_XSAVE, &xsave));
	EXPECT_EQ(-EINVAL, call(self->vcpu, MINIVMX_SET_XSAVE, &xsave));
}

TEST_F(minivmx, xsave_pointers)
{
	const __u32 size = self->info.xsave_size;
	unsigned char *p = pages(2, PROT_READ | PROT_WRITE);

	EXPECT_EQ(-EFAULT, xsave_call(self->vcpu, MINIVMX_GET_XSAVE, BAD_POINTER, size));
	EXPECT_EQ(-EFAULT, xsave_call(self->vcpu, MINIVMX_SET_XSAVE, BAD_POINTER, size));
	EXPECT_EQ(-EFAULT, xsave_call(self->vcpu, MINIVMX_GET_XSAVE, before_hole(size - 1), size));
	EXPECT_EQ(-EFAULT, xsave_call(self->vcpu, MINIVMX_SET_XSAVE, before_hole(size - 1), size));
	EXPECT_EQ(0, xsave_call(self->vcpu, MINIVMX_GET_XSAVE, before_hole(size), size));
	/* It need not be aligned. */
	EXPECT_EQ(0, xsave_call(self->vcpu, MINIVMX_GET_XSAVE, p + 1, size));
	EXPECT_EQ(0, xsave_call(self->vcpu, MINIVMX_SET_XSAVE, p + 1, size));
	mprotect(p, 2 * PAGE, PROT_READ);
	EXPECT_EQ(0, xsave_call(self->vcpu, MINIVMX_SET_XSAVE, p + 1, size));
	EXPECT_EQ(-EFAULT, xsave_call(self->vcpu, MINIVMX_GET_XSAVE, p + 1, size));
}

TEST_F(minivmx, xsave_is_kept)
{
	const __u32 size = self->info.xsave_size;
	static unsigned char got[PAGE];
	int i;

	ASSERT_EQ(0, xsave_call(self->vcpu, MINIVMX_GET_XSAVE, area, size));
	/* The legacy area's x87 and XMM registers. */
	for (i = 32; i < 416; i++)
		area[i] = i;
	ASSERT_EQ(0, xsave_call(self->vcpu, MINIVMX_SET_XSAVE, area, size));
	ASSERT_EQ(0, xsave_call(self->vcpu, MINIVMX_GET_XSAVE, got, size));
	EXPECT_EQ(0, memcmp(area, got, size));
}

TEST_F(minivmx, xsave_refuses)
{
	const __u32 size = self->info.xsave_size;
	static unsigned char good[PAGE], after[PAGE];
	unsigned int i;

	ASSERT_EQ(0, xsave_call(self->vcpu, MINIVMX_GET_XSAVE, good, size));
#define REFUSED(byte, bit)							\
	do {									\
		memcpy(area, good, size);					\
		area[40] = 0x55;						\
		area[byte] |= 1 << (bit);					\
		EXPECT_EQ(-EINVAL, xsave_call(self->vcpu, MINIVMX_SET_XSAVE, area, size)) \
			TH_LOG("byte %u, bit %u", byte, bit);			\
	} while (0)
	/* MXCSR has 16 bits. */
	for (i = 16; i < 32; i++)
		REFUSED(24 + i / 8, i % 8);
	if (self->info.features & MINIVMX_FEAT_XSAVE) {
		/* XSTATE_BV: MPX, PT, PKRU, AMX and what there will be. */
		REFUSED(512, 3);
		REFUSED(512, 4);
		REFUSED(513, 0);
		REFUSED(513, 1);
		for (i = 10; i < 64; i++)
			REFUSED(512 + i / 8, i % 8);
		/* XCOMP_BV: the compacted format; then reserved bytes. */
		for (i = 0; i < 64; i++)
			REFUSED(520 + i / 8, i % 8);
		for (i = 528; i < 576; i++)
			REFUSED(i, i % 8);
	}
#undef REFUSED
	ASSERT_EQ(0, xsave_call(self->vcpu, MINIVMX_GET_XSAVE, after, size));
	EXPECT_EQ(0, memcmp(good, after, size));
}

/* ---- statistics ---- */

TEST_F(minivmx, stats)
{
	struct minivmx_exit_stat *rows = pages(1, PROT_READ | PROT_WRITE);
	struct minivmx_stats stats;
	int i;

#define STATS(f, n, p) \
	(stats = (struct minivmx_stats) { .flags = (f), .nr = (n), .exits = (uintptr_t)(p) }, \
	 call(self->vcpu, MINIVMX_GET_STATS, &stats))
	for (i = 0; i < 3; i++) {
		self->run->action = i ? MINIVMX_SKIP : MINIVMX_RETRY;
		ASSERT_EQ(0, run(self->vcpu, self->run));
	}
	EXPECT_EQ(0, STATS(0, MINIVMX_NR_EXITS, rows));
	EXPECT_EQ(3, rows[12].count);
	EXPECT_EQ(3, rows[12].to_user);
	EXPECT_EQ(0, rows[12].ticks);
	/* Ticks are counted from when they are asked for. */
	EXPECT_EQ(0, STATS(MINIVMX_STATS_TICKS, 0, NULL));
	for (i = 0; i < 3; i++) {
		self->run->action = MINIVMX_SKIP;
		ASSERT_EQ(0, run(self->vcpu, self->run));
	}
	EXPECT_EQ(0, STATS(0, MINIVMX_NR_EXITS, rows));
	EXPECT_EQ(6, rows[12].count);
	EXPECT_LT(0, rows[12].ticks);
	EXPECT_LT(0, rows[12].worst);
	EXPECT_LE(rows[12].worst, rows[12].ticks);
	/* Fewer rows than there are: no more is written. */
	memset(rows, 0xaa, PAGE);
	EXPECT_EQ(0, STATS(0, 13, rows));
	EXPECT_EQ(6, rows[12].count);
	EXPECT_EQ(0xaaaaaaaaaaaaaaaa, rows[13].count);

	for (i = 1; i < 32; i++) {
		EXPECT_EQ(-EINVAL, STATS(1U << i, MINIVMX_NR_EXITS, rows));
	}
	EXPECT_EQ(-E2BIG, STATS(0, MINIVMX_NR_EXITS + 1, rows));
	EXPECT_EQ(-E2BIG, STATS(0, ~0U, rows));
	EXPECT_EQ(-EFAULT, STATS(0, MINIVMX_NR_EXITS, BAD_POINTER));
	EXPECT_EQ(-EFAULT, STATS(0, MINIVMX_NR_EXITS,
				 before_hole(MINIVMX_NR_EXITS * sizeof(*rows) - 1)));
	EXPECT_EQ(0, STATS(0, MINIVMX_NR_EXITS,
			   before_hole(MINIVMX_NR_EXITS * sizeof(*rows))));
	mprotect(rows, PAGE, PROT_READ);
	EXPECT_EQ(-EFAULT, STATS(0, 1, rows));
#undef STATS
}

TEST_HARNESS_MAIN
