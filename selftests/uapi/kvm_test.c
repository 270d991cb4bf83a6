// SPDX-License-Identifier: GPL-2.0
/*
 * The other hypervisor on this host: each is refused VMX while the other has
 * it, is told so, and gets it afterwards. KVM's modules are loaded here and
 * unloaded again.
 */
#include <linux/kvm.h>
#include <stdio.h>
#include <sys/wait.h>

#include "module.h"
#include "uapi.h"

/* /dev/kvm's ioctls take no pointers here. */
static long kvm_create_vm(int kvm)
{
	int fd = ioctl(kvm, KVM_CREATE_VM, 0);

	return fd < 0 ? -errno : fd;
}

/* What KVM says when it cannot have VMX: EBUSY, and EIO in newer kernels. */
static bool is_refusal(long ret)
{
	return ret == -EBUSY || ret == -EIO;
}

FIXTURE(both) {
	int system;
	bool kvm;	/* it is there, and loaded, but does not have VMX yet */
};

FIXTURE_SETUP(both)
{
	self->kvm = access("/testbed/kvm/kvm-intel.ko", F_OK) == 0 &&
		    access("/sys/module/kvm_intel", F_OK) != 0;
	if (!self->kvm)
		return;
	self->system = open(MINIVMX_DEVICE, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->system);
	/* A kernel that does not know the parameter says so and goes on. */
	ASSERT_EQ(0, load_kvm("enable_virt_at_load=0"));
}

FIXTURE_TEARDOWN(both)
{
	if (!self->kvm)
		return;
	close(self->system);
	unload_kvm();
}

/* First in each test: a SKIP in the fixture would not skip it. */
#define NEED_KVM() \
	do { if (!self->kvm) SKIP(return, "KVM's modules are not in the machine, or loaded already"); } while (0)

/* Loading KVM's modules takes the emulated machine some seconds. */
#define TIMEOUT	200

static long create_vm(int system)
{
	struct minivmx_create_vm create = { 0 };

	return call(system, MINIVMX_CREATE_VM, &create);
}

static long owner(int system)
{
	struct minivmx_info info;

	return call(system, MINIVMX_GET_INFO, &info) ?: info.vmx_owner;
}

/* `minivmx run` ends with @status and says @words. */
static bool runner_says(int status, const char *words)
{
	char text[2000];
	size_t length;
	FILE *file = popen("minivmx run guest/cpuid_loop.bin 2>&1", "r");
	int got;

	length = fread(text, 1, sizeof(text) - 1, file);
	text[length] = '\0';
	got = pclose(file);
	if (WIFEXITED(got) && WEXITSTATUS(got) == status && strstr(text, words))
		return true;
	printf("# status %#x: %s\n", got, text);
	return false;
}

TEST_F_TIMEOUT(both, kvm_first, TIMEOUT)
{
	int kvm, kvm_vm, kvm_vcpu, vm;

	NEED_KVM();
	EXPECT_EQ(MINIVMX_VMX_FREE, owner(self->system));
	kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, kvm);
	kvm_vm = kvm_create_vm(kvm);
	ASSERT_LE(0, kvm_vm);
	EXPECT_EQ(MINIVMX_VMX_FOREIGN, owner(self->system));
	EXPECT_EQ(-EBUSY, create_vm(self->system));
	EXPECT_TRUE(runner_says(4, "VMX is taken by kvm_intel"));
	EXPECT_TRUE(runner_says(4, "rmmod kvm_intel"));
	/* KVM is not harmed. */
	kvm_vcpu = ioctl(kvm_vm, KVM_CREATE_VCPU, 0);
	EXPECT_LE(0, kvm_vcpu);

	/* When it has gone, there is room. */
	close(kvm_vcpu);
	close(kvm_vm);
	EXPECT_EQ(MINIVMX_VMX_FREE, owner(self->system));
	vm = create_vm(self->system);
	EXPECT_LE(0, vm);
	EXPECT_TRUE(runner_says(0, ""));
	close(vm);
	close(kvm);
}

TEST_F_TIMEOUT(both, minivmx_first, TIMEOUT)
{
	int vm, kvm, kvm_vm;

	NEED_KVM();
	kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, kvm);
	vm = create_vm(self->system);
	ASSERT_LE(0, vm);
	EXPECT_TRUE(is_refusal(kvm_create_vm(kvm)));
	/* And minivmx is not harmed by the attempt. */
	EXPECT_EQ(MINIVMX_VMX_OWN, owner(self->system));
	EXPECT_TRUE(runner_says(0, ""));

	close(vm);
	kvm_vm = kvm_create_vm(kvm);
	EXPECT_LE(0, kvm_vm);
	EXPECT_EQ(-EBUSY, create_vm(self->system));
	close(kvm_vm);
	close(kvm);
}

/* 6.12's KVM takes VMX when it is loaded, unless it is told not to. */
TEST_F_TIMEOUT(both, kvm_takes_vmx_at_load, TIMEOUT)
{
	int vm;

	NEED_KVM();
	if (access("/sys/module/kvm/parameters/enable_virt_at_load", F_OK))
		SKIP(return, "this KVM waits for its first VM");
	unload_kvm();
	vm = create_vm(self->system);
	ASSERT_LE(0, vm);
	EXPECT_TRUE(is_refusal(load_kvm("")));
	EXPECT_TRUE(runner_says(0, ""));
	close(vm);
	unload_kvm();

	ASSERT_EQ(0, load_kvm(""));
	EXPECT_EQ(MINIVMX_VMX_FOREIGN, owner(self->system));
	EXPECT_EQ(-EBUSY, create_vm(self->system));
	EXPECT_TRUE(runner_says(4, "VMX is taken by kvm_intel, which nobody uses now"));
	EXPECT_TRUE(runner_says(4, "rmmod kvm_intel"));
	unload_kvm();
	vm = create_vm(self->system);
	EXPECT_LE(0, vm);
	close(vm);
}

TEST_HARNESS_MAIN
