/* SPDX-License-Identifier: GPL-2.0 */
/* What the tests of the ioctls have in common. */
#ifndef SELFTESTS_UAPI_H
#define SELFTESTS_UAPI_H

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "libminivmx.h"
#include "kselftest_harness.h"

#define PAGE		4096UL
#define PROT_RWX	(MINIVMX_PROT_READ | MINIVMX_PROT_WRITE | MINIVMX_PROT_EXEC)

/* Nothing is mapped there: mmap_min_addr keeps it so. */
#define BAD_POINTER	((void *)16)

/* @cmd as a program would have it whose structure has @size bytes. */
#define RESIZED(cmd, size) \
	_IOC(_IOC_DIR(cmd), _IOC_TYPE(cmd), _IOC_NR(cmd), size)

/* ioctl() that returns its errno. */
static inline long call(int fd, unsigned long cmd, void *arg)
{
	long ret = ioctl(fd, cmd, arg);

	return ret < 0 ? -errno : ret;
}

/* RUN until there is something else to say than that it was interrupted. */
static inline long run(int vcpu, struct minivmx_run *page)
{
	long ret;

	while (!(ret = call(vcpu, MINIVMX_RUN, NULL)) && page->kind == MINIVMX_EXIT_INTR)
		page->action = MINIVMX_RETRY;
	return ret;
}

static inline void *pages(size_t nr, int prot)
{
	return mmap(NULL, nr * PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* A pointer with @size accessible bytes behind it and not one more. */
static inline void *before_hole(size_t size)
{
	unsigned char *p = pages(2, PROT_READ | PROT_WRITE);

	munmap(p + PAGE, PAGE);
	return p + PAGE - size;
}

/* MINIVMX_VM_* of the fixture's VM. */
#ifndef VM_FLAGS
#define VM_FLAGS	0
#endif

/*
 * CREATE_VM's argument as this host wants it: empty where minivmx can own VMX,
 * else to borrow it, by means of a KVM VM that lives as long as this process.
 */
static inline struct minivmx_create_vm vm_argument(int system)
{
	static int kvm_vm = -1;
	struct minivmx_info info = { 0 };

	call(system, MINIVMX_GET_INFO, &info);
	if (info.vmx_reason != MINIVMX_REASON_KVM_LOADED &&
	    info.vmx_reason != MINIVMX_REASON_KVM_ONLY)
		return (struct minivmx_create_vm) { 0 };
	if (kvm_vm < 0)
		kvm_vm = ioctl(open("/dev/kvm", O_RDWR | O_CLOEXEC), KVM_CREATE_VM, 0);
	return (struct minivmx_create_vm) { .flags = MINIVMX_VM_BORROW, .kvm_fd = kvm_vm };
}

/*
 * A VM with a vCPU, a page of memory at 0x1000 for its code, and the vCPU in
 * real mode at the start of that.
 */
FIXTURE(minivmx) {
	int system;
	int vm;
	int vcpu;
	struct minivmx_info info;
	struct minivmx_run *run;
	unsigned char *code;
};

FIXTURE_SETUP(minivmx)
{
	struct minivmx_create_vm create_vm;
	struct minivmx_create_vcpu create_vcpu = { 0 };
	struct minivmx_map map = { .gpa = 0x1000, .size = PAGE, .prot = PROT_RWX };
	struct minivmx_sregs sregs;

	self->system = open(MINIVMX_DEVICE, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->system);
	ASSERT_EQ(0, call(self->system, MINIVMX_GET_INFO, &self->info));
	create_vm = vm_argument(self->system);
	create_vm.flags |= VM_FLAGS;
	self->vm = call(self->system, MINIVMX_CREATE_VM, &create_vm);
	ASSERT_LE(0, self->vm);
	self->vcpu = call(self->vm, MINIVMX_CREATE_VCPU, &create_vcpu);
	ASSERT_LE(0, self->vcpu);
	self->run = mmap(NULL, self->info.run_size, PROT_READ | PROT_WRITE,
			 MAP_SHARED, self->vcpu, 0);
	ASSERT_NE(MAP_FAILED, self->run);

	self->code = pages(1, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, self->code);
	memset(self->code, 0xf4, PAGE);		/* hlt */
	map.hva = (uintptr_t)self->code;
	ASSERT_EQ(0, call(self->vm, MINIVMX_MAP_MEMORY, &map));
	minivmx_set_real(&sregs, &self->run->regs, 0, 0x1000);
	ASSERT_EQ(0, call(self->vcpu, MINIVMX_SET_SREGS, &sregs));
}

FIXTURE_TEARDOWN(minivmx)
{
	munmap(self->run, self->info.run_size);
	close(self->vcpu);
	close(self->vm);
	close(self->system);
}

#endif /* SELFTESTS_UAPI_H */
