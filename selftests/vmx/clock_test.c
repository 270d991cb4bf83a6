// SPDX-License-Identifier: GPL-2.0
/* KVM's paravirtual clock: its CPUID leaves, its MSRs, and its records in memory. */
#include <time.h>

#include "msr.h"

#define MSR_TSC		0x10
#define MSR_WALL	0x4b564d00
#define MSR_TIME	0x4b564d01
#define NS		1000000000UL

/* The records: the time of a vCPU, and when that was zero. */
struct time_record {
	uint32_t version, pad;
	uint64_t tsc;
	uint64_t ns;
	uint32_t mul;
	int8_t shift;
	uint8_t flags;
	uint8_t reserved[2];
};

struct wall_record {
	uint32_t version, sec, nsec;
};

static struct time_record *time_at(VM *self, uint64_t gpa)
{
	return vm_at(self, gpa);
}

/* As a guest reckons it. */
static uint64_t ns_of(const struct time_record *t, uint64_t tsc)
{
	uint64_t delta = tsc - t->tsc;

	delta = t->shift < 0 ? delta >> -t->shift : delta << t->shift;
	return t->ns + (uint64_t)((unsigned __int128)delta * t->mul >> 32);
}

static uint64_t now_of(VM *self, uint64_t gpa)
{
	uint64_t tsc = guest_read(self, MSR_TSC);

	return ns_of(time_at(self, gpa), tsc);
}

static uint64_t host_ns(clockid_t id)
{
	struct timespec now;

	vm_must(!clock_gettime(id, &now));
	return now.tv_sec * NS + now.tv_nsec;
}

GUEST64(cpuid_code, "cpuid; vmcall");

static void guest_cpuid(VM *self, uint32_t leaf)
{
	vm_long(self, cpuid_code);
	self->run->regs.rax = leaf;
	self->run->regs.rcx = 0;
	vm_must(vm_run(self) == MINIVMX_EXIT_HYPERCALL);
}

/* Guests look for it at 40000000H and each 100H behind. */
TEST_F(vm, cpuid_says_that_the_clock_is_there_and_nothing_else)
{
	char name[13] = "";

	guest_cpuid(self, 0x40000100);
	memcpy(name, &self->run->regs.rbx, 4);
	memcpy(name + 4, &self->run->regs.rcx, 4);
	memcpy(name + 8, &self->run->regs.rdx, 4);
	EXPECT_STREQ("KVMKVMKVM", name);
	EXPECT_EQ(0x40000101, self->run->regs.rax);
	guest_cpuid(self, 0x40000101);
	EXPECT_EQ(1 << 3 | 1 << 24, self->run->regs.rax);
	EXPECT_EQ(0, self->run->regs.rbx | self->run->regs.rcx | self->run->regs.rdx);
}

TEST_F(vm, a_record_says_how_the_tsc_counts)
{
	struct time_record *t = time_at(self, VM_DATA);
	uint64_t tsc, ns;

	memset(t, 0xff, sizeof(*t));
	ASSERT_EQ(0, guest_write(self, MSR_TIME, VM_DATA | 1));
	EXPECT_EQ(VM_DATA | 1, guest_read(self, MSR_TIME));
	EXPECT_EQ(0, t->version & 1);
	EXPECT_EQ(1, t->flags);
	EXPECT_EQ(0, t->pad | t->reserved[0] | t->reserved[1]);
	EXPECT_NE(0, t->mul >> 31);
	/* A second by the TSC's rate is one, to a millionth. */
	tsc = guest_read(self, MSR_TSC);
	ns = ns_of(t, tsc + self->info.tsc_khz * 1000UL) - ns_of(t, tsc);
	EXPECT_LT(NS - 1000, ns);
	EXPECT_GT(NS + 1000, ns);
	/* It counts from the VM's beginning, and goes on as the host's does. */
	EXPECT_GT(60 * NS, ns_of(t, tsc));
}

TEST_F(vm, its_wall_clock_is_the_hosts)
{
	struct wall_record *wall = vm_at(self, VM_DATA + 0x100);
	uint64_t before, now, after;

	ASSERT_EQ(0, guest_write(self, MSR_TIME, VM_DATA | 1));
	ASSERT_EQ(0, guest_write(self, MSR_WALL, VM_DATA + 0x100));
	EXPECT_EQ(VM_DATA + 0x100, guest_read(self, MSR_WALL));
	EXPECT_EQ(2, wall->version);
	EXPECT_GT(NS, wall->nsec);
	before = host_ns(CLOCK_REALTIME);
	now = wall->sec * NS + wall->nsec + now_of(self, VM_DATA);
	after = host_ns(CLOCK_REALTIME);
	/* Both count the same TSC; the host's rate may be corrected a little meanwhile. */
	EXPECT_LT(before - NS / 100, now);
	EXPECT_GT(after + NS / 100, now);
}

TEST_F(vm, the_clock_goes_on_when_the_guest_moves_its_tsc)
{
	struct time_record *t = time_at(self, VM_DATA);
	uint64_t before, between, after, version;

	ASSERT_EQ(0, guest_write(self, MSR_TIME, VM_DATA | 1));
	version = t->version;
	before = now_of(self, VM_DATA);
	ASSERT_EQ(0, guest_write(self, MSR_TSC, 1UL << 60));
	between = now_of(self, VM_DATA);
	EXPECT_EQ(version + 2, t->version);
	ASSERT_EQ(0, guest_write(self, 0x3b, 0));		/* TSC_ADJUST: back again */
	after = now_of(self, VM_DATA);
	EXPECT_EQ(version + 4, t->version);
	EXPECT_LE(before, between);
	EXPECT_LE(between, after);
	EXPECT_GT(before + 60 * NS, after);
	/* A program that moves it: the record is right when the guest goes on. */
	ASSERT_EQ(1, minivmx_set_msrs(self->vcpu,
				      &(struct minivmx_msr) { .index = MSR_TSC, .data = 5 }, 1));
	EXPECT_LE(after, now_of(self, VM_DATA));
	EXPECT_EQ(version + 6, t->version);
	/* Disabled it is let alone. */
	ASSERT_EQ(0, guest_write(self, MSR_TIME, 0));
	ASSERT_EQ(0, guest_write(self, MSR_TSC, 1UL << 60));
	EXPECT_EQ(version + 6, t->version);
}

/* No vCPU's clock is before what another's has just said. */
TEST_F(vm, two_vcpus_have_one_clock)
{
	uint64_t last = 0, now;
	VM other = *self, *who;
	unsigned int i;

	vm_new_vcpu(&other, 1);
	ASSERT_EQ(0, guest_write(self, MSR_TIME, VM_DATA | 1));
	ASSERT_EQ(0, guest_write(&other, MSR_TIME, (VM_DATA + 0x40) | 1));
	EXPECT_EQ(0, memcmp(time_at(self, VM_DATA), time_at(self, VM_DATA + 0x40),
			    sizeof(struct time_record)));
	ASSERT_EQ(0, guest_write(&other, MSR_TSC, 12345));
	for (i = 0; i < 20; i++) {
		who = i % 2 ? &other : self;
		now = now_of(who, i % 2 ? VM_DATA + 0x40 : VM_DATA);
		EXPECT_LE(last, now);
		last = now;
	}
	minivmx_unmap_run(other.run, other.info.run_size);
	close(other.vcpu);
}

TEST_F(vm, what_its_msrs_refuse)
{
	static const uint64_t bad[] = { 2, 3, VM_DATA + 2 };
	unsigned int i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		EXPECT_EQ(REFUSED, guest_write(self, MSR_TIME, bad[i]));
		EXPECT_EQ(REFUSED, guest_write(self, MSR_WALL, bad[i]));
	}
	EXPECT_EQ(REFUSED, guest_write(self, MSR_WALL, VM_DATA | 1));
	/* The old ones, without a feature bit of theirs, are not there. */
	EXPECT_EQ(REFUSED, guest_write(self, 0x11, VM_DATA));
	EXPECT_EQ(REFUSED, guest_write(self, 0x12, VM_DATA | 1));
	EXPECT_EQ(REFUSED, guest_read(self, MSR_TIME + 1));
}

/* What cannot be written is not, and the guest goes on. */
TEST_F(vm, a_record_where_there_is_no_memory)
{
	static const uint64_t nowhere[] = {
		VM_MMIO, VM_SIZE, 1UL << 46, ~7UL, VM_MMIO_LOW - 8,
	};
	unsigned int i;

	for (i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); i++) {
		EXPECT_EQ(0, guest_write(self, MSR_TIME, nowhere[i] | 1));
		EXPECT_EQ(0, guest_write(self, MSR_WALL, nowhere[i]));
		EXPECT_EQ(nowhere[i] | 1, guest_read(self, MSR_TIME));
	}
	/* Nor where the guest may only read; and over a page's end in two pieces. */
	ASSERT_EQ(0, minivmx_protect(self->fd, VM_PAGES, 4096, MINIVMX_PROT_READ));
	EXPECT_EQ(0, guest_write(self, MSR_TIME, VM_PAGES | 1));
	EXPECT_EQ(0, time_at(self, VM_PAGES)->version);
	EXPECT_EQ(0, guest_write(self, MSR_TIME, (VM_PAGES + 0x2000 - 12) | 1));
	EXPECT_EQ(2, time_at(self, VM_PAGES + 0x2000 - 12)->version);
	EXPECT_EQ(1, time_at(self, VM_PAGES + 0x2000 - 12)->flags);
}

TEST_HARNESS_MAIN
