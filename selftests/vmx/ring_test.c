// SPDX-License-Identifier: GPL-2.0
/* The ring of exit records: what is in it, who may see it, and what is refused. */
#include <sys/wait.h>

#include "vmcs.h"

#define NR	64U

static const struct minivmx_ring *start_ring(VM *self, uint32_t nr)
{
	const struct minivmx_ring *ring;

	vm_must(!minivmx_set_ring(self->vcpu, nr));
	vm_must(!minivmx_map_ring(self->vcpu, nr, &ring));
	return ring;
}

GUEST64(three_exits, "mov $7, %eax; cpuid; out %al, $0x80; 1: mov DATA, %eax; vmcall");

TEST_F(vm, what_a_record_has)
{
	const struct minivmx_ring *ring;
	struct minivmx_record r[5];
	unsigned int i;

	vm_long(self, three_exits);
	ring = start_ring(self, NR);
	EXPECT_EQ(NR, ring->nr);
	EXPECT_EQ(0, ring->head);
	ASSERT_EQ(MINIVMX_EXIT_IO, vm_run(self));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(self));
	/* Memory that is touched for the first time exits, too. */
	ASSERT_LE(5, ring->head);
	for (i = 0; i < 5; i++) {
		ASSERT_TRUE(minivmx_ring_read(ring, ring->head - 4 + i, &r[i]));
		EXPECT_EQ(ring->head - 4 + i, r[i].number);
	}
	EXPECT_EQ(10, r[1].reason);
	EXPECT_EQ(VM_CODE + 5, r[1].rip);
	EXPECT_EQ(MINIVMX_HANDLED_AT_ONCE, r[1].handler);
	EXPECT_EQ(30, r[2].reason);
	EXPECT_EQ(VM_CODE + 7, r[2].rip);
	/* "Exit Qualification for I/O Instructions": one byte, immediate port. */
	EXPECT_EQ(0x800040, r[2].qualification);
	EXPECT_EQ(MINIVMX_HANDLED_BY_USER, r[2].handler);
	EXPECT_EQ(48, r[3].reason);
	EXPECT_EQ(VM_DATA, r[3].gpa);
	EXPECT_EQ(MINIVMX_HANDLED_SLEEPING, r[3].handler);
	EXPECT_EQ(18, r[4].reason);
	EXPECT_EQ(MINIVMX_HANDLED_BY_USER, r[4].handler);
	for (i = 0; i < 4; i++) {
		EXPECT_LT(r[i].exit_ticks, r[i].entry_ticks);
		EXPECT_LT(r[i].entry_ticks, r[i + 1].exit_ticks);
	}
	/* Nothing was entered since. */
	EXPECT_EQ(0, r[4].entry_ticks);
}

GUEST64(counted, "1: xor %eax, %eax; mov %ecx, %ebx; cpuid; mov %edi, %ecx; dec %edi;"
	"test %edi, %edi; jnz 1b; vmcall");

#define TRACING "/sys/kernel/tracing/"
#define EVENT TRACING "events/minivmx/minivmx_exit/"

/* How often each reason is in the kernel's trace. */
static void count_trace(uint64_t counts[MINIVMX_NR_EXITS])
{
	FILE *trace = fopen(TRACING "trace", "re");
	unsigned int reason;
	char line[512];

	vm_must(trace);
	while (fgets(line, sizeof(line), trace)) {
		const char *text = strstr(line, "minivmx_exit: ");

		if (text && sscanf(text, "minivmx_exit: vcpu %*u reason %u", &reason) == 1)
			counts[reason]++;
	}
	fclose(trace);
}

TEST_F(vm, as_many_as_the_statistics_and_the_trace_have)
{
	uint64_t traced[MINIVMX_NR_EXITS] = { 0 };
	struct minivmx_exit_stat stats[MINIVMX_NR_EXITS];
	uint64_t counts[MINIVMX_NR_EXITS] = { 0 };
	const struct minivmx_ring *ring;
	struct minivmx_record record;
	uint64_t n;
	unsigned int i;

	vm_long(self, counted);
	ring = start_ring(self, 4096);
	self->run->regs.rdi = 1000;
	ASSERT_TRUE(write_file(TRACING "trace", "\n"));
	ASSERT_TRUE(write_file(EVENT "enable", "1"));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	ASSERT_TRUE(write_file(EVENT "enable", "0"));
	count_trace(traced);
	ASSERT_GE(4096, ring->head);
	for (n = 1; n <= ring->head; n++) {
		ASSERT_TRUE(minivmx_ring_read(ring, n, &record));
		counts[record.reason & 0xffff]++;
	}
	ASSERT_EQ(0, minivmx_get_stats(self->vcpu, 0, stats, MINIVMX_NR_EXITS));
	for (i = 0; i < MINIVMX_NR_EXITS; i++) {
		EXPECT_EQ(stats[i].count, counts[i])
			TH_LOG("reason %u", i);
		EXPECT_EQ(stats[i].count, traced[i])
			TH_LOG("reason %u", i);
	}
	EXPECT_EQ(1000, counts[10]);
}

TEST_F(vm, what_is_overtaken_is_known)
{
	const struct minivmx_ring *ring;
	struct minivmx_record record;
	uint64_t n, lost = 0, found = 0;

	vm_long(self, counted);
	ring = start_ring(self, NR);
	self->run->regs.rdi = 200;
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	ASSERT_LT(200, ring->head);
	for (n = 1; n <= ring->head; n++) {
		if (minivmx_ring_read(ring, n, &record)) {
			EXPECT_LT(ring->head - NR, n);
			found++;
		} else {
			lost++;
		}
	}
	EXPECT_EQ(NR, found);
	EXPECT_EQ(ring->head - NR, lost);
}

TEST_F(vm, off_and_on_again)
{
	const struct minivmx_ring *old, *ring;
	uint64_t head;

	vm_long(self, counted);
	old = start_ring(self, NR);
	self->run->regs.rdi = 10;
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	head = old->head;
	EXPECT_LE(11, head);
	/* The same again is no change. */
	EXPECT_EQ(0, minivmx_set_ring(self->vcpu, NR));
	EXPECT_EQ(head, old->head);
	EXPECT_EQ(-EBUSY, minivmx_set_ring(self->vcpu, 2 * NR));

	EXPECT_EQ(0, minivmx_set_ring(self->vcpu, 0));
	EXPECT_EQ(-ENXIO, minivmx_map_ring(self->vcpu, NR, &ring));
	self->run->regs.rip = VM_CODE;
	self->run->regs.rdi = 10;
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	/* What was mapped is still there. */
	EXPECT_EQ(head, old->head);

	ring = start_ring(self, 2 * NR);
	EXPECT_EQ(0, ring->head);
	self->run->regs.rip = VM_CODE;
	self->run->regs.rdi = 10;
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_LE(11, ring->head);
	EXPECT_EQ(head, old->head);
}

TEST_F(vm, what_is_refused)
{
	static const uint32_t odd[] = { 1, 32, 63, 65, 100, 131072, 1U << 31, ~0U };
	struct minivmx_set_ring arg = { .nr = NR, .reserved = 1 };
	const struct minivmx_ring *ring;
	unsigned int i;
	void *p;

	for (i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		EXPECT_EQ(-EINVAL, minivmx_set_ring(self->vcpu, odd[i]))
			TH_LOG("%u", odd[i]);
	}
	EXPECT_EQ(-1, ioctl(self->vcpu, MINIVMX_SET_RING, &arg));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-ENXIO, minivmx_map_ring(self->vcpu, NR, &ring));

	ASSERT_EQ(0, minivmx_set_ring(self->vcpu, NR));
	EXPECT_EQ(-EINVAL, minivmx_map_ring(self->vcpu, 2 * NR, &ring));
	p = mmap(NULL, minivmx_ring_size(NR), PROT_READ | PROT_WRITE, MAP_SHARED, self->vcpu,
		 MINIVMX_RING_OFFSET);
	EXPECT_EQ(MAP_FAILED, p);
	EXPECT_EQ(EACCES, errno);
	p = mmap(NULL, minivmx_ring_size(NR), PROT_READ, MAP_PRIVATE, self->vcpu,
		 MINIVMX_RING_OFFSET);
	EXPECT_EQ(MAP_FAILED, p);
	EXPECT_EQ(EINVAL, errno);
	p = mmap(NULL, minivmx_ring_size(NR), PROT_READ, MAP_SHARED, self->vcpu,
		 MINIVMX_RING_OFFSET + 4096);
	EXPECT_EQ(MAP_FAILED, p);
	ASSERT_EQ(0, minivmx_map_ring(self->vcpu, NR, &ring));
	EXPECT_EQ(-1, mprotect((void *)ring, 4096, PROT_READ | PROT_WRITE));
	EXPECT_EQ(EACCES, errno);
}

/* Another process that was handed the descriptor reads along. */
TEST_F(vm, another_process_reads_along)
{
	const struct minivmx_ring *ring;
	int status;
	pid_t child;

	vm_long(self, counted);
	ASSERT_EQ(0, minivmx_set_ring(self->vcpu, 1024));
	child = fork();
	if (!child) {
		struct minivmx_record record;
		uint64_t n = 0, seen = 0;

		if (minivmx_map_ring(self->vcpu, 1024, &ring))
			_exit(1);
		while (seen < 100)
			if (n < __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE) &&
			    minivmx_ring_read(ring, ++n, &record))
				seen += (record.reason == 10);
		_exit(0);
	}
	ASSERT_LT(0, child);
	self->run->regs.rdi = 100;
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_HARNESS_MAIN
