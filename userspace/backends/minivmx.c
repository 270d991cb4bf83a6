// SPDX-License-Identifier: GPL-2.0
/* The module of this project, by libminivmx: its words are the backends'. */
#include <unistd.h>

#include "backend.h"

#define REASON_VMCALL	18

static void close_vm(struct vm *vm)
{
	if (vm->fd >= 0)
		close(vm->fd);
	if (vm->device >= 0)
		close(vm->device);
	vm->fd = vm->device = -1;
}

static int open_vm(struct vm *vm, struct minivmx_error *error)
{
	struct minivmx_info info;
	int ret;

	vm->fd = -1;
	vm->device = minivmx_open(error);
	if (vm->device < 0)
		return vm->device;
	vm->fd = minivmx_create_vm(vm->device, MINIVMX_VM_APIC, error);
	ret = vm->fd < 0 ? vm->fd : minivmx_get_info(vm->device, &info);
	if (ret < 0) {
		close_vm(vm);
		return ret;
	}
	vm->run_size = info.run_size;
	vm->borrows = info.vmx_owner == MINIVMX_VMX_BORROWED;
	return 0;
}

static int map(struct vm *vm, uint64_t gpa, void *hva, uint64_t size)
{
	return minivmx_map(vm->fd, gpa, hva, size,
			   MINIVMX_PROT_READ | MINIVMX_PROT_WRITE | MINIVMX_PROT_EXEC);
}

static int create_vcpu(struct vm *vm, uint32_t id, struct vcpu *vcpu)
{
	int ret;

	vcpu->vm = vm;
	vcpu->fd = minivmx_create_vcpu(vm->fd, id);
	if (vcpu->fd < 0)
		return vcpu->fd;
	/* There are no hypercalls here; the guest is told so and goes on. */
	ret = minivmx_set_route(vcpu->fd, REASON_VMCALL, MINIVMX_ROUTE_ENOSYS);
	if (!ret)
		ret = minivmx_map_run(vcpu->fd, vm->run_size, &vcpu->run);
	if (ret < 0)
		close(vcpu->fd);
	else
		vcpu->io_data = vcpu->run->io.data;
	return ret;
}

static void close_vcpu(struct vcpu *vcpu)
{
	minivmx_unmap_run(vcpu->run, vcpu->vm->run_size);
	close(vcpu->fd);
}

static int set_state(struct vcpu *vcpu, const struct minivmx_sregs *sregs,
		     const struct minivmx_regs *regs)
{
	vcpu->run->regs = *regs;
	vcpu->run->action = MINIVMX_RETRY;
	return minivmx_set_sregs(vcpu->fd, sregs);
}

/* The page has the general registers. */
static int read_state(struct vcpu *vcpu, struct minivmx_sregs *sregs)
{
	return minivmx_get_sregs(vcpu->fd, sregs);
}

static int set_msr(struct vcpu *vcpu, uint32_t index, uint64_t value)
{
	const struct minivmx_msr msr = { .index = index, .data = value };
	int ret = minivmx_set_msrs(vcpu->fd, &msr, 1);

	return ret < 0 ? ret : 0;
}

static int get_msr(struct vcpu *vcpu, uint32_t index, uint64_t *value)
{
	struct minivmx_msr msr = { .index = index };
	int ret = minivmx_get_msrs(vcpu->fd, &msr, 1);

	*value = msr.data;
	return ret < 0 ? ret : 0;
}

static int set_lapic(struct vcpu *vcpu, const struct lapic_value *values, size_t nr)
{
	uint32_t regs[MINIVMX_APIC_SIZE / 4];
	struct minivmx_apic apic;
	int ret = minivmx_get_apic(vcpu->fd, &apic, regs);
	size_t i;

	if (ret)
		return ret;
	for (i = 0; i < nr; i++)
		regs[values[i].offset / 4] = values[i].value;
	return minivmx_set_apic(vcpu->fd, &apic);
}

static int run(struct vcpu *vcpu)
{
	return minivmx_run(vcpu->fd);
}

static void kick(struct vcpu *vcpu)
{
	minivmx_kick(vcpu->fd);
}

static bool waits_for_sipi(const struct vcpu *vcpu)
{
	uint32_t regs[MINIVMX_APIC_SIZE / 4];
	struct minivmx_apic apic;

	return !minivmx_get_apic(vcpu->fd, &apic, regs) &&
	       apic.activity == MINIVMX_ACTIVITY_WAIT_FOR_SIPI;
}

#define TSC_OFFSET_FIELD	0x2010

static int tsc_offset(const struct vcpu *vcpu, uint64_t *offset)
{
	struct minivmx_vmcs_field field = { .encoding = TSC_OFFSET_FIELD };
	int ret = minivmx_get_vmcs(vcpu->fd, &field, 1);

	*offset = field.value;
	return ret < 0 ? ret : 0;
}

static int msi(struct vm *vm, uint64_t address, uint32_t data)
{
	return minivmx_signal_msi(vm->fd, address, data);
}

static int ioeventfd(struct vm *vm, uint64_t address, int fd, bool on)
{
	const struct minivmx_ioeventfd arg = {
		.address = address,
		.size = 2,
		.fd = fd,
		.flags = on ? 0 : MINIVMX_EVENTFD_REMOVE,
	};

	return minivmx_ioeventfd(vm->fd, &arg);
}

static int set_routes(struct vm *vm, const struct minivmx_gsi_route *routes, unsigned int nr)
{
	return minivmx_set_gsi_routes(vm->fd, routes, nr);
}

static int irqfd(struct vm *vm, unsigned int gsi, int fd, bool on)
{
	const struct minivmx_irqfd arg = {
		.fd = fd,
		.gsi = gsi,
		.flags = on ? 0 : MINIVMX_EVENTFD_REMOVE,
	};

	return minivmx_irqfd(vm->fd, &arg);
}

const struct backend backend_minivmx = {
	.name = "minivmx",
	.has_vmcs = true,
	.open = open_vm,
	.close = close_vm,
	.map = map,
	.create_vcpu = create_vcpu,
	.close_vcpu = close_vcpu,
	.set_state = set_state,
	.read_state = read_state,
	.set_msr = set_msr,
	.get_msr = get_msr,
	.set_lapic = set_lapic,
	.run = run,
	.kick = kick,
	.waits_for_sipi = waits_for_sipi,
	.tsc_offset = tsc_offset,
	.msi = msi,
	.ioeventfd = ioeventfd,
	.set_routes = set_routes,
	.irqfd = irqfd,
};
