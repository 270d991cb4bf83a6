// SPDX-License-Identifier: GPL-2.0
/*
 * MINIVMX_GET_VMCS and MINIVMX_SET_VMCS: what may be written, what is refused and
 * why, who sees what, and that whatever a program writes the host keeps what it
 * needs.
 */
#include <sys/wait.h>

#include "vmcs.h"

static void get_all(VM *self, struct minivmx_vmcs_field fields[NR_ALL])
{
	unsigned int i;

	for (i = 0; i < NR_ALL; i++)
		fields[i] = (struct minivmx_vmcs_field) { .encoding = vmcs_fields[i].encoding };
	vm_must(!minivmx_get_vmcs(self->vcpu, fields, NR_ALL));
}

/* ---- Reading ---- */

TEST_F(vm, every_field_is_there_or_not_on_this_cpu)
{
	struct minivmx_vmcs_field fields[NR_ALL];
	unsigned int i, there = 0;

	get_all(self, fields);
	for (i = 0; i < NR_ALL; i++) {
		EXPECT_TRUE(!fields[i].result || fields[i].result == ENODEV)
			TH_LOG("%s: %u", vmcs_fields[i].name, fields[i].result);
		there += !fields[i].result;
	}
	/* What a CPU without any of the options has. */
	EXPECT_LE(100, there);
	EXPECT_EQ(0xffffffffffffffff, vmcs_get(self, VMCS_LINK_POINTER));
	EXPECT_EQ(0xfff0, vmcs_get(self, GUEST_RIP));
	EXPECT_EQ(0xf000, vmcs_get(self, GUEST_CS_SELECTOR));
	EXPECT_NE(0, vmcs_get(self, HOST_RIP));
	EXPECT_NE(0, vmcs_get(self, EPT_POINTER));
}

TEST_F(vm, what_is_no_field)
{
	struct minivmx_vmcs_field fields[] = {
		{ .encoding = GUEST_RIP },
		{ .encoding = TSC_OFFSET + 1 },	/* the upper half of one */
		{ .encoding = 0x7ffe },
		{ .encoding = ~0U },
		{ .encoding = GUEST_RSP },
	};

	ASSERT_EQ(0, minivmx_get_vmcs(self->vcpu, fields, ARRAY_LEN(fields)));
	EXPECT_EQ(0, fields[0].result);
	EXPECT_EQ(ENOENT, fields[1].result);
	EXPECT_EQ(ENOENT, fields[2].result);
	EXPECT_EQ(ENOENT, fields[3].result);
	EXPECT_EQ(0, fields[4].result);
	EXPECT_EQ(-ENOENT, vmcs_try(self, 0x7ffe, 0, NULL));
}

TEST_F(vm, bad_arguments)
{
	struct minivmx_vmcs_field field = { .encoding = GUEST_RIP };
	struct minivmx_vmcs arg = { .nr = 1, .fields = 0x1000 };

	EXPECT_EQ(-E2BIG, minivmx_get_vmcs(self->vcpu, &field, MINIVMX_MAX_FIELDS + 1));
	EXPECT_EQ(-E2BIG, minivmx_set_vmcs(self->vcpu, &field, ~0U));
	EXPECT_EQ(-1, ioctl(self->vcpu, MINIVMX_GET_VMCS, &arg));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, ioctl(self->vcpu, MINIVMX_SET_VMCS, &arg));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(0, minivmx_get_vmcs(self->vcpu, NULL, 0));
	EXPECT_EQ(0, minivmx_set_vmcs(self->vcpu, NULL, 0));
}

/* In a child: @body() as another process that has the descriptor. */
static int in_child(VM *self, int (*body)(VM *self))
{
	int status;
	pid_t child = fork();

	if (!child)
		_exit(body(self));
	vm_must(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int child_uses_vmcs(VM *self)
{
	struct minivmx_sregs sregs;

	if (minivmx_get_sregs(self->vcpu, &sregs) != -EXDEV)
		return 1;
	vmcs_set(self, GUEST_RIP, 0x1234);
	return vmcs_get(self, GUEST_RIP) != 0x1234;
}

TEST_F(vm, another_process_may)
{
	ASSERT_EQ(0, in_child(self, child_uses_vmcs));
	EXPECT_EQ(0x1234, vmcs_get(self, GUEST_RIP));
	EXPECT_EQ(0x1234, self->run->regs.rip);
}

static int child_sees_no_host(VM *self)
{
	struct minivmx_vmcs_field fields[NR_ALL];
	uint64_t refused = 0, ept = vmcs_get(self, EPT_POINTER);
	unsigned int i;

	if (setresuid(65534, 65534, 65534))
		return 1;
	get_all(self, fields);
	for (i = 0; i < NR_ALL; i++) {
		enum field_policy policy = vmcs_fields[i].policy;

		if ((policy == FIELD_HOST || policy == FIELD_PHYS) && fields[i].value)
			return 2;
	}
	/* Nor is the right value told from a wrong one. */
	if (vmcs_try(self, EPT_POINTER, ept, &refused) != -EPERM || refused != ~0UL)
		return 3;
	return vmcs_get(self, GUEST_RIP) != 0xfff0;
}

TEST_F(vm, the_host_is_hidden_without_cap_sys_admin)
{
	EXPECT_EQ(0, in_child(self, child_sees_no_host));
}

/* ---- While the guest runs ---- */

GUEST64(count, "1: incl DATA; jmp 1b");

static void *run_thread(void *arg)
{
	VM *self = arg;

	vm_run(self);
	return NULL;
}

TEST_F(vm, fields_of_a_running_vcpu)
{
	volatile uint32_t *counter = vm_at(self, VM_DATA);
	pthread_t thread;
	uint64_t rip;
	int i;

	vm_long(self, count);
	ASSERT_EQ(0, pthread_create(&thread, NULL, run_thread, self));
	for (i = 0; i < 50; i++) {
		uint32_t before = *counter;

		while (*counter == before)
			sched_yield();
		rip = vmcs_get(self, GUEST_RIP);
		EXPECT_TRUE(rip >= VM_CODE && rip < VM_CODE + 16);
	}
	/* It goes on where it is told to, at once. */
	memcpy(vm_at(self, VM_CODE + 0x100), "\x0f\x01\xc1", 3);	/* vmcall */
	vmcs_set(self, GUEST_RIP, VM_CODE + 0x100);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(MINIVMX_EXIT_HYPERCALL, self->run->kind);
	EXPECT_EQ(VM_CODE + 0x100, self->run->regs.rip);
}

/* ---- Refusals ---- */

TEST_F(vm, what_is_refused_and_why)
{
	const struct {
		uint32_t field;
		uint64_t set, clear;
		int error;
		uint64_t refused;
	} cases[] = {
		{ PIN_BASED_CONTROLS, 0, PIN_EXT_INTR_EXITING, EPERM, PIN_EXT_INTR_EXITING },
		{ PIN_BASED_CONTROLS, 0, PIN_NMI_EXITING, EPERM, PIN_NMI_EXITING },
		{ PIN_BASED_CONTROLS, PIN_POSTED_INTERRUPTS, 0, EPERM, PIN_POSTED_INTERRUPTS },
		{ CPU_BASED_CONTROLS, 0, CPU_UNCOND_IO_EXITING, EPERM, CPU_UNCOND_IO_EXITING },
		{ CPU_BASED_CONTROLS, CPU_IO_BITMAPS, 0, EPERM, CPU_IO_BITMAPS },
		{ CPU_BASED_CONTROLS, 0, CPU_MOV_DR_EXITING, EPERM, CPU_MOV_DR_EXITING },
		{ CPU_BASED_CONTROLS, 0, CPU_RDPMC_EXITING, EPERM, CPU_RDPMC_EXITING },
		{ CPU_BASED_CONTROLS, 0, CPU_HLT_EXITING | CPU_RDPMC_EXITING, EPERM,
		  CPU_HLT_EXITING | CPU_RDPMC_EXITING },
		{ CPU_BASED_CONTROLS, 0, (uint32_t)CPU_SECONDARY, EPERM, (uint32_t)CPU_SECONDARY },
		{ CPU_BASED_CONTROLS, 1UL << 32, 0, ERANGE, 1UL << 32 },
		{ SECONDARY_CONTROLS, 0, CPU2_EPT, EPERM, CPU2_EPT },
		{ SECONDARY_CONTROLS, 0, CPU2_VPID, EPERM, CPU2_VPID },
		{ SECONDARY_CONTROLS, CPU2_VM_FUNCTIONS, 0, EPERM, CPU2_VM_FUNCTIONS },
		{ VM_EXIT_CONTROLS, EXIT_ACK_INTERRUPT, 0, EPERM, EXIT_ACK_INTERRUPT },
		{ VM_EXIT_CONTROLS, 0, EXIT_HOST_64, EPERM, EXIT_HOST_64 },
		{ VM_ENTRY_CONTROLS, ENTRY_SMM, 0, EPERM, ENTRY_SMM },
		{ EXCEPTION_BITMAP, 0, 1UL << DB, EPERM, 1UL << DB },
		{ EXCEPTION_BITMAP, 0, 1UL << AC | 1UL << 18, EPERM, 1UL << AC | 1UL << 18 },
		{ CR0_GUEST_HOST_MASK, 0, CR0_CD, EPERM, CR0_CD },
		{ CR4_GUEST_HOST_MASK, 0, CR4_VMXE | CR4_MCE, EPERM, CR4_VMXE | CR4_MCE },
		{ GUEST_CR4, 0, CR4_MCE, EPERM, CR4_MCE },
		{ GUEST_CR4, 0, CR4_VMXE, EPERM, CR4_VMXE },
		{ GUEST_IA32_DEBUGCTL, 1, 0, EPERM, 1 },
		{ GUEST_ACTIVITY, 2, 0, EPERM, 2 },
		{ GUEST_ACTIVITY, 3, 0, EPERM, 2 },
		{ VMCS_LINK_POINTER, 0, 1, EPERM, 1 },
		{ VPID, 0, 1, EPERM, 1 },
		{ EPT_POINTER, 0x1000, 0, EPERM, ~0UL },
		{ MSR_BITMAP, 0, 0, EPERM, ~0UL },
		{ HOST_RIP, 0, 0, EPERM, ~0UL },
		{ HOST_CR3, 0, ~0UL, EPERM, ~0UL },
		{ VM_ENTRY_MSR_LOAD_COUNT, 1, 0, EPERM, 1 },
		{ PREEMPTION_TIMER_VALUE, 1UL << 31, 0, EPERM, 1UL << 31 },
		{ GUEST_CS_SELECTOR, 0x10000, 0, ERANGE, 0x10000 },
		{ EXIT_REASON, 1, 0, EACCES, 0 },
		{ GUEST_LINEAR_ADDRESS, 0, 0, EACCES, 0 },
	};
	struct minivmx_vmcs_field before[NR_ALL], after[NR_ALL];
	unsigned int i;

	get_all(self, before);
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		uint64_t old = vmcs_get(self, cases[i].field), refused = 0;
		int ret = vmcs_try(self, cases[i].field,
				   (old | cases[i].set) & ~cases[i].clear, &refused);

		EXPECT_EQ(-cases[i].error, ret) TH_LOG("case %u", i);
		EXPECT_EQ(cases[i].refused, refused) TH_LOG("case %u", i);
	}
	get_all(self, after);
	EXPECT_EQ(0, memcmp(before, after, sizeof(before)));
}

TEST_F(vm, all_or_nothing)
{
	struct minivmx_vmcs_field fields[] = {
		{ .encoding = GUEST_RIP, .value = 0x1000 },
		{ .encoding = HOST_RIP, .value = 0x1000 },
		{ .encoding = GUEST_RSP, .value = 0x2000 },
		{ .encoding = EXIT_REASON, .value = 1 },
	};
	struct minivmx_vmcs arg = { .nr = 4, .fields = (uintptr_t)fields };

	EXPECT_EQ(-1, ioctl(self->vcpu, MINIVMX_SET_VMCS, &arg));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(1, arg.done);
	EXPECT_EQ(0, fields[0].result);
	EXPECT_EQ(EPERM, fields[1].result);
	EXPECT_EQ(0, fields[2].result);
	EXPECT_EQ(EACCES, fields[3].result);
	EXPECT_EQ(0xfff0, vmcs_get(self, GUEST_RIP));
	EXPECT_EQ(0, vmcs_get(self, GUEST_RSP));
	arg.nr = 1;
	EXPECT_EQ(0, ioctl(self->vcpu, MINIVMX_SET_VMCS, &arg));
	EXPECT_EQ(1, arg.done);
	EXPECT_EQ(0x1000, vmcs_get(self, GUEST_RIP));
}

/* What was read can be written back: all but what is hidden or read-only. */
TEST_F(vm, the_same_again)
{
	struct minivmx_vmcs_field fields[NR_ALL];
	unsigned int i, nr = 0;

	get_all(self, fields);
	for (i = 0; i < NR_ALL; i++) {
		enum field_policy policy = vmcs_fields[i].policy;

		if (!fields[i].result && policy != FIELD_INFO && policy != FIELD_HOST &&
		    policy != FIELD_PHYS)
			fields[nr++] = fields[i];
	}
	EXPECT_EQ(0, minivmx_set_vmcs(self->vcpu, fields, nr));
}

/* ---- Whatever is written ---- */

static uint64_t seed = 1;

static uint64_t random64(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* One that is near the old value, or at a boundary, or anything. */
static uint64_t random_value(uint64_t old)
{
	static const uint64_t boundary[] = { 0, ~0UL, 1, 0xffff, 0xffffffff, 1UL << 63 };

	switch (random64() % 4) {
	case 0:
		return boundary[random64() % ARRAY_LEN(boundary)];
	case 1:
		return random64() >> (random64() % 64);
	default:
		return old ^ 1UL << (random64() % 64);
	}
}

/* Bits that must be as they were, whatever happened: the design's list. */
static const struct {
	uint32_t field;
	uint64_t one, zero;
} floor_bits[] = {
	{ PIN_BASED_CONTROLS, PIN_EXT_INTR_EXITING | PIN_NMI_EXITING | PIN_VIRTUAL_NMIS,
	  PIN_POSTED_INTERRUPTS },
	{ CPU_BASED_CONTROLS, CPU_HLT_EXITING | CPU_MWAIT_EXITING | CPU_RDPMC_EXITING |
	  CPU_CR8_LOAD_EXITING | CPU_CR8_STORE_EXITING | CPU_MOV_DR_EXITING |
	  CPU_UNCOND_IO_EXITING | CPU_MONITOR_EXITING | (uint32_t)CPU_SECONDARY |
	  CPU_TSC_OFFSETTING, CPU_IO_BITMAPS | CPU_TPR_SHADOW | CPU_TERTIARY },
	{ SECONDARY_CONTROLS, CPU2_EPT | CPU2_VPID | CPU2_WBINVD_EXITING,
	  CPU2_VIRTUALIZE_APIC | CPU2_VIRTUALIZE_X2APIC | CPU2_APIC_REGISTERS |
	  CPU2_VIRTUAL_INTERRUPTS | CPU2_VM_FUNCTIONS | CPU2_VMCS_SHADOWING | CPU2_PML |
	  CPU2_EPT_VIOLATION_VE | CPU2_XSAVES | CPU2_TSC_SCALING | CPU2_USER_WAIT },
	{ VM_EXIT_CONTROLS, EXIT_HOST_64 | EXIT_SAVE_DEBUG_CONTROLS | EXIT_LOAD_EFER |
	  EXIT_SAVE_EFER | EXIT_LOAD_PAT | EXIT_SAVE_PAT, EXIT_ACK_INTERRUPT },
	{ VM_ENTRY_CONTROLS, ENTRY_LOAD_DEBUG_CONTROLS | ENTRY_LOAD_PAT | ENTRY_LOAD_EFER,
	  ENTRY_SMM | ENTRY_DEACTIVATE_DUAL_MONITOR | ENTRY_LOAD_RTIT_CTL },
	{ EXCEPTION_BITMAP, 1UL << DB | 1UL << AC | 1UL << 18, 0 },
	{ CR0_GUEST_HOST_MASK, CR0_CD | CR0_NW | CR0_PG | 1UL << 5, 0 },
	{ CR4_GUEST_HOST_MASK, CR4_VMXE | CR4_MCE | CR4_PAE | CR4_OSXSAVE, 0 },
	{ GUEST_CR4, CR4_VMXE | CR4_MCE, 0 },
	{ GUEST_IA32_DEBUGCTL, 0, 0xdfc1 },
	{ GUEST_ACTIVITY, 0, 2 },
	{ VM_ENTRY_MSR_LOAD_COUNT, 0, ~0UL },
	{ VM_EXIT_MSR_LOAD_COUNT, 0, ~0UL },
	{ VM_EXIT_MSR_STORE_COUNT, 0, ~0UL },
	{ VMCS_LINK_POINTER, ~0UL, 0 },
};

TEST_F(vm, whatever_is_written_the_floor_holds)
{
	struct minivmx_vmcs_field before[NR_ALL], after[NR_ALL];
	const uint64_t watchdog = vmcs_get(self, PREEMPTION_TIMER_VALUE);
	unsigned int i, round, written = 0, refused = 0;

	/* Another CPU has other host state. */
	pin_to_cpu(0);
	get_all(self, before);
	for (round = 0; round < 40; round++) {
		for (i = 0; i < 100; i++) {
			unsigned int n = random64() % NR_ALL;
			struct minivmx_vmcs_field f = { .encoding = vmcs_fields[n].encoding };

			minivmx_get_vmcs(self->vcpu, &f, 1);
			f.value = random_value(f.value);
			if (minivmx_set_vmcs(self->vcpu, &f, 1))
				refused++;
			else
				written++;
		}
		get_all(self, after);
		for (i = 0; i < NR_ALL; i++)
			if (vmcs_fields[i].policy == FIELD_OWN ||
			    vmcs_fields[i].policy == FIELD_HOST ||
			    vmcs_fields[i].policy == FIELD_PHYS)
				ASSERT_EQ(before[i].value, after[i].value)
					TH_LOG("%s", vmcs_fields[i].name);
		for (i = 0; i < ARRAY_LEN(floor_bits); i++) {
			uint64_t value = vmcs_get(self, floor_bits[i].field);

			ASSERT_EQ(floor_bits[i].one, value & floor_bits[i].one)
				TH_LOG("field %#x", floor_bits[i].field);
			ASSERT_EQ(0, value & floor_bits[i].zero)
				TH_LOG("field %#x", floor_bits[i].field);
		}
		/* The watchdog, which may be shorter. */
		ASSERT_GE(watchdog, vmcs_get(self, PREEMPTION_TIMER_VALUE));
	}
	/* It did try both. */
	EXPECT_LT(1000, written);
	EXPECT_LT(500, refused);
}

TEST_HARNESS_MAIN
