// SPDX-License-Identifier: GPL-2.0
#include "crowd.h"
#include "layout.h"

/* With holes between them, so that they stay ranges of their own. */
static int add_ranges(struct vm *vm, unsigned int nr, void *page)
{
	unsigned int i;
	int ret = 0;

	for (i = 1; !ret && i < nr; i++)
		ret = vm->backend->map(vm, GUEST_CROWD + i * 0x10000, page, 4096);
	return ret;
}

static int add_vm(struct crowd_members *members, const struct backend *backend)
{
	struct vm *vm = &members->vms[members->nr_vms];
	struct minivmx_error error;
	int ret;

	*vm = (struct vm) { .backend = backend };
	ret = backend->open(vm, &error);
	if (ret)
		return ret;
	ret = backend->create_vcpu(vm, 0, &members->vm_vcpus[members->nr_vms]);
	if (ret) {
		backend->close(vm);
		return ret;
	}
	members->nr_vms++;
	return 0;
}

int crowd_open(struct crowd_members *members, const struct crowd *crowd, struct vm *vm,
	       unsigned int cpus, void *page)
{
	int ret = add_ranges(vm, crowd->ranges, page);
	unsigned int id;

	for (id = cpus; !ret && id < crowd->vcpus; id++) {
		ret = vm->backend->create_vcpu(vm, id, &members->vcpus[members->nr_vcpus]);
		if (!ret)
			members->nr_vcpus++;
	}
	while (!ret && members->nr_vms + 1 < crowd->vms)
		ret = add_vm(members, vm->backend);
	return ret;
}

void crowd_close(struct crowd_members *members)
{
	while (members->nr_vcpus) {
		struct vcpu *vcpu = &members->vcpus[--members->nr_vcpus];

		vcpu->vm->backend->close_vcpu(vcpu);
	}
	while (members->nr_vms) {
		struct vm *vm = &members->vms[--members->nr_vms];

		vm->backend->close_vcpu(&members->vm_vcpus[members->nr_vms]);
		vm->backend->close(vm);
	}
}
