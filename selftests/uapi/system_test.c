// SPDX-License-Identifier: GPL-2.0
/* /dev/minivmx itself: who may open it, what it tells, how VMs are made. */
#include <sys/stat.h>
#include <cpuid.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "module.h"
#include "uapi.h"

FIXTURE(device) {
	int fd;
	struct minivmx_info info;
};

FIXTURE_SETUP(device)
{
	self->fd = open(MINIVMX_DEVICE, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, call(self->fd, MINIVMX_GET_INFO, &self->info));
}

FIXTURE_TEARDOWN(device)
{
	close(self->fd);
}

TEST_F(device, is_root_s)
{
	struct stat st;

	ASSERT_EQ(0, fstat(self->fd, &st));
	EXPECT_EQ(S_IFCHR | 0600, st.st_mode);
	EXPECT_EQ(0, st.st_uid);
	EXPECT_EQ(0, st.st_gid);
}

TEST_F(device, is_not_for_everybody)
{
	static const int modes[] = { O_RDWR, O_RDONLY, O_WRONLY };
	unsigned int i;
	int status;
	pid_t pid = fork();

	ASSERT_LE(0, pid);
	if (pid == 0) {
		EXPECT_EQ(0, setgid(65534));
		EXPECT_EQ(0, setuid(65534));
		for (i = 0; i < ARRAY_SIZE(modes); i++) {
			EXPECT_EQ(-1, open(MINIVMX_DEVICE, modes[i]));
			EXPECT_EQ(EACCES, errno);
		}
		_exit(_metadata->passed ? 0 : 1);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_F(device, info)
{
	const struct minivmx_info *info = &self->info;
	const __u32 known = MINIVMX_FEAT_EPT_2M | MINIVMX_FEAT_EPT_1G |
			    MINIVMX_FEAT_EPT_AD | MINIVMX_FEAT_EPT_X_ONLY |
			    MINIVMX_FEAT_PML | MINIVMX_FEAT_XSAVE;

	EXPECT_EQ(MINIVMX_API_VERSION, info->api_version);
	EXPECT_EQ(0, info->features & ~known);
	EXPECT_LE(sizeof(struct minivmx_run), info->run_size);
	EXPECT_EQ(0, info->run_size % PAGE);
	EXPECT_EQ(MINIVMX_MAX_VCPUS, info->max_vcpus);
	EXPECT_LE(32, info->gpa_bits);
	EXPECT_GE(52, info->gpa_bits);
	/* FXSAVE's area, or that and the header at least. */
	EXPECT_TRUE(info->features & MINIVMX_FEAT_XSAVE ?
		    info->xsave_size >= 576 : info->xsave_size == 512);
	EXPECT_GE(MINIVMX_REASON_VMXE, info->vmx_reason);
	EXPECT_LT(1000, info->tsc_khz);
}

/* VMX is taken for the first VM and given back with the last. */
TEST_F(device, owner_of_vmx)
{
	struct minivmx_create_vm create = vm_argument(self->fd);
	/* With a KVM VM there is another owner. */
	__u32 without = create.flags ? MINIVMX_VMX_FOREIGN : MINIVMX_VMX_FREE;
	__u32 with = create.flags ? MINIVMX_VMX_BORROWED : MINIVMX_VMX_OWN;
	struct minivmx_info info;
	int first, second;

	EXPECT_EQ(0, call(self->fd, MINIVMX_GET_INFO, &info));
	EXPECT_EQ(without, info.vmx_owner);
	first = call(self->fd, MINIVMX_CREATE_VM, &create);
	ASSERT_LE(0, first);
	EXPECT_EQ(0, call(self->fd, MINIVMX_GET_INFO, &info));
	EXPECT_EQ(with, info.vmx_owner);
	second = call(self->fd, MINIVMX_CREATE_VM, &create);
	ASSERT_LE(0, second);
	close(first);
	EXPECT_EQ(0, call(self->fd, MINIVMX_GET_INFO, &info));
	EXPECT_EQ(with, info.vmx_owner);
	close(second);
	EXPECT_EQ(0, call(self->fd, MINIVMX_GET_INFO, &info));
	EXPECT_EQ(without, info.vmx_owner);
}

TEST_F(device, create_vm_refuses)
{
	struct minivmx_create_vm create;
	int bit;

	for (bit = 0; bit < 32; bit++) {
		create = (struct minivmx_create_vm) { .flags = 1U << bit };
		if (create.flags != MINIVMX_VM_APIC) {
			EXPECT_EQ(-EINVAL, call(self->fd, MINIVMX_CREATE_VM, &create));
		}
		create = (struct minivmx_create_vm) { .kvm_fd = 1 << bit };
		EXPECT_EQ(-EINVAL, call(self->fd, MINIVMX_CREATE_VM, &create));
	}
}

/* Descriptors must not leak into programs that are started. */
TEST_F(device, descriptors_close_on_exec)
{
	struct minivmx_create_vm create_vm = vm_argument(self->fd);
	struct minivmx_create_vcpu create_vcpu = { 0 };
	int vm = call(self->fd, MINIVMX_CREATE_VM, &create_vm);
	int vcpu = call(vm, MINIVMX_CREATE_VCPU, &create_vcpu);

	EXPECT_EQ(FD_CLOEXEC, fcntl(vm, F_GETFD));
	EXPECT_EQ(FD_CLOEXEC, fcntl(vcpu, F_GETFD));
}

static struct minivmx_cpuid_entry rows[MINIVMX_MAX_CPUID + 1];

static long get_cpuid(int fd, unsigned int nr, void *entries)
{
	struct minivmx_cpuid cpuid = { .nr = nr, .entries = (uintptr_t)entries };
	long ret = call(fd, MINIVMX_GET_SUPPORTED_CPUID, &cpuid);

	return ret ?: cpuid.nr;
}

TEST_F(device, supported_cpuid)
{
	long nr = get_cpuid(self->fd, MINIVMX_MAX_CPUID, rows);
	long i, j;

	ASSERT_LT(0, nr);
	ASSERT_GE(MINIVMX_MAX_CPUID, nr);
	for (i = 0; i < nr; i++) {
		EXPECT_EQ(0, rows[i].flags & ~MINIVMX_CPUID_SUBLEAF);
		EXPECT_EQ(0, rows[i].reserved);
		for (j = 0; j < i; j++) {
			EXPECT_FALSE(rows[i].leaf == rows[j].leaf &&
				     rows[i].subleaf == rows[j].subleaf)
				TH_LOG("leaf %#x is there twice", rows[i].leaf);
		}
	}
	/* It is sorted out of what the host has: no VMX in the guest. */
	for (i = 0; i < nr; i++) {
		EXPECT_FALSE(rows[i].leaf == 1 && rows[i].ecx & 1 << 5);
	}
}

TEST_F(device, supported_cpuid_refuses)
{
	long nr = get_cpuid(self->fd, MINIVMX_MAX_CPUID, rows);
	struct minivmx_cpuid cpuid = { .nr = nr - 1, .entries = (uintptr_t)rows };

	ASSERT_LT(1, nr);
	/* Too small an nr: says how many, and touches nothing. */
	memset(rows, 0xaa, sizeof(rows));
	EXPECT_EQ(-ENOSPC, call(self->fd, MINIVMX_GET_SUPPORTED_CPUID, &cpuid));
	EXPECT_EQ(nr, cpuid.nr);
	EXPECT_EQ(0xaaaaaaaa, rows[0].leaf);
	cpuid.nr = 0;
	EXPECT_EQ(-ENOSPC, call(self->fd, MINIVMX_GET_SUPPORTED_CPUID, &cpuid));
	EXPECT_EQ(nr, cpuid.nr);
	/* A larger one is fine, with no more than the rows there are written. */
	EXPECT_EQ(nr, get_cpuid(self->fd, ~0U, rows));
	EXPECT_EQ(0xaaaaaaaa, rows[nr].leaf);
	EXPECT_EQ(nr, get_cpuid(self->fd, nr, before_hole(nr * sizeof(rows[0]))));

	EXPECT_EQ(-EFAULT, get_cpuid(self->fd, nr, before_hole(nr * sizeof(rows[0]) - 1)));
	EXPECT_EQ(-EFAULT, get_cpuid(self->fd, nr, BAD_POINTER));
	EXPECT_EQ(-EFAULT, get_cpuid(self->fd, nr, pages(2, PROT_READ)));
	cpuid = (struct minivmx_cpuid) { .nr = nr, .reserved = 1, .entries = (uintptr_t)rows };
	EXPECT_EQ(-EINVAL, call(self->fd, MINIVMX_GET_SUPPORTED_CPUID, &cpuid));
}

/* ---- Capabilities ---- */

#define PROBE_MSRS	"/sys/kernel/debug/probe/msrs"

/* The MSRs as another module reads them, or 0 for one that is not there. */
static int read_msrs(__u64 msrs[MINIVMX_NR_VMX_MSRS])
{
	FILE *file = fopen(PROBE_MSRS, "r");
	unsigned int msr;
	char value[20];
	int nr = 0;

	memset(msrs, 0, MINIVMX_NR_VMX_MSRS * sizeof(*msrs));
	while (file && nr < MINIVMX_NR_VMX_MSRS &&
	       fscanf(file, "%x %19s", &msr, value) == 2 && msr == 0x480U + nr)
		msrs[nr++] = value[0] == '-' ? 0 : strtoull(value, NULL, 16);
	if (file)
		fclose(file);
	return nr;
}

static bool has_cpuid_bit(unsigned int leaf, unsigned int reg, unsigned int bit)
{
	unsigned int r[4] = { 0 };

	__get_cpuid_count(leaf, 0, &r[0], &r[1], &r[2], &r[3]);
	return r[reg] >> bit & 1;
}

TEST_F(device, caps_are_the_cpus)
{
	__u64 msrs[MINIVMX_NR_VMX_MSRS];
	struct minivmx_caps caps;
	unsigned int i, eax, other;

	ASSERT_EQ(0, load_probe());
	EXPECT_EQ(MINIVMX_NR_VMX_MSRS, read_msrs(msrs));
	unload_probe();

	memset(&caps, 0xaa, sizeof(caps));
	ASSERT_EQ(0, call(self->fd, MINIVMX_GET_CAPS, &caps));
	for (i = 0; i < MINIVMX_NR_VMX_MSRS; i++) {
		EXPECT_EQ(msrs[i], caps.vmx_msrs[i])
			TH_LOG("MSR %#x", 0x480 + i);
		EXPECT_EQ(!!minivmx_has_vmx_msr(&caps, i), !!msrs[i])
			TH_LOG("MSR %#x", 0x480 + i);
	}
	/* Or nothing was compared. */
	EXPECT_NE(0, caps.vmx_msrs[0]);
	EXPECT_NE(0, caps.vmx_msrs[0x48c - 0x480]);

	__get_cpuid(0x80000008, &eax, &other, &other, &other);
	EXPECT_EQ(eax & 0xff, caps.physical_bits);
	EXPECT_EQ(eax >> 8 & 0xff, caps.linear_bits);
	EXPECT_EQ(has_cpuid_bit(7, 1, 11), caps.rtm);
	EXPECT_EQ(has_cpuid_bit(7, 1, 2), caps.sgx);
	EXPECT_GE(1, caps.perf_global);
	for (i = 0; i < sizeof(caps.reserved); i++)
		EXPECT_EQ(0, caps.reserved[i]);
}

/* They do not change, and all that is required is there: the module is. */
TEST_F(device, caps_fit_minivmx)
{
	struct minivmx_control controls[256];
	struct minivmx_caps caps, again;
	unsigned int set = 0;
	int i, nr;

	ASSERT_EQ(0, call(self->fd, MINIVMX_GET_CAPS, &caps));
	ASSERT_EQ(0, call(self->fd, MINIVMX_GET_CAPS, &again));
	EXPECT_EQ(0, memcmp(&caps, &again, sizeof(caps)));
	nr = minivmx_controls(&caps, controls, ARRAY_SIZE(controls));
	ASSERT_GE(ARRAY_SIZE(controls), nr);
	for (i = 0; i < nr; i++) {
		EXPECT_NE(MINIVMX_USE_UNFIT, controls[i].use)
			TH_LOG("%s", controls[i].name);
		set += controls[i].use == MINIVMX_USE_SET;
	}
	EXPECT_LT(20, set);
}

TEST_HARNESS_MAIN
