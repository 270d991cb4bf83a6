// SPDX-License-Identifier: GPL-2.0
/* Lab 1: a VM with memory, a virtual CPU, and its first exit. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vm.h"

#define LARGE_PAGE	(2UL << 20)

/* What mmap() gives is aligned to 4K: take 2M more, and give back what is around. */
static uint8_t *get_memory(size_t size)
{
	uint8_t *all, *start, *end;

	if (size > SIZE_MAX - LARGE_PAGE)
		return NULL;
	all = mmap(NULL, size + LARGE_PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (all == MAP_FAILED)
		return NULL;
	start = (uint8_t *)(((uintptr_t)all + LARGE_PAGE - 1) & ~(LARGE_PAGE - 1));
	end = all + size + LARGE_PAGE;
	if (start > all)
		munmap(all, start - all);
	if (start + size < end)
		munmap(start + size, end - start - size);
	return start;
}

static int map_memory(struct vm *vm)
{
	struct minivmx_map map = {
		.gpa = 0,
		.size = vm->size,
		.hva = (uintptr_t)vm->mem,
		.prot = MINIVMX_PROT_READ | MINIVMX_PROT_WRITE | MINIVMX_PROT_EXEC,
	};

	return ioctl(vm->fd, MINIVMX_MAP_MEMORY, &map) < 0 ? -errno : 0;
}

int vm_create(struct vm *vm, size_t size, uint32_t flags)
{
	struct minivmx_create_vm create = { .flags = flags };
	int ret;

	if (!size || size % 4096)
		return -EINVAL;
	vm->size = size;
	vm->system = open("/dev/minivmx", O_RDWR | O_CLOEXEC);
	if (vm->system < 0)
		return -errno;
	vm->fd = ioctl(vm->system, MINIVMX_CREATE_VM, &create);
	if (vm->fd < 0) {
		ret = -errno;
		goto close_system;
	}
	vm->mem = get_memory(size);
	if (!vm->mem) {
		ret = -ENOMEM;
		goto close_vm;
	}
	ret = map_memory(vm);
	if (!ret)
		return 0;
	munmap(vm->mem, size);
close_vm:
	close(vm->fd);
close_system:
	close(vm->system);
	return ret;
}

void vm_destroy(struct vm *vm)
{
	close(vm->fd);
	close(vm->system);
	munmap(vm->mem, vm->size);
}

int vcpu_create(struct vcpu *vcpu, struct vm *vm, unsigned int id)
{
	struct minivmx_create_vcpu create = { .id = id };
	struct minivmx_info info;
	int ret;

	if (ioctl(vm->system, MINIVMX_GET_INFO, &info) < 0)
		return -errno;
	vcpu->vm = vm;
	vcpu->run_size = info.run_size;
	vcpu->fd = ioctl(vm->fd, MINIVMX_CREATE_VCPU, &create);
	if (vcpu->fd < 0)
		return -errno;
	vcpu->run = mmap(NULL, vcpu->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED) {
		ret = -errno;
		close(vcpu->fd);
		return ret;
	}
	memset(vcpu->run, 0, vcpu->run_size);
	return 0;
}

void vcpu_destroy(struct vcpu *vcpu)
{
	munmap(vcpu->run, vcpu->run_size);
	close(vcpu->fd);
}

int vcpu_set_start(struct vcpu *vcpu, uint16_t cs, uint16_t ip)
{
	struct minivmx_sregs sregs;

	if (ioctl(vcpu->fd, MINIVMX_GET_SREGS, &sregs) < 0)
		return -errno;
	sregs.cs.selector = cs;
	sregs.cs.base = (uint64_t)cs << 4;
	if (ioctl(vcpu->fd, MINIVMX_SET_SREGS, &sregs) < 0)
		return -errno;
	vcpu->run->regs.rip = ip;
	/* Bit 1 of RFLAGS is always 1 ("EFLAGS Register"). */
	vcpu->run->regs.rflags = 2;
	return 0;
}

int vcpu_run(struct vcpu *vcpu)
{
	for (;;) {
		if (ioctl(vcpu->fd, MINIVMX_RUN) < 0 && errno != EINTR)
			return -errno;
		if (vcpu->run->kind != MINIVMX_EXIT_INTR)
			return vcpu->run->kind;
		/* The exit before it is dealt with: to skip twice would be wrong. */
		vcpu->run->action = MINIVMX_RETRY;
	}
}
