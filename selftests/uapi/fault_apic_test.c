// SPDX-License-Identifier: GPL-2.0
/*
 * Each allocation that local APICs and eventfds take fails in turn: as fault_test, for
 * VMs that have these.
 */
#include <sys/eventfd.h>

#include "fault.h"

static void make_vm(FAULT *self)
{
	vm_flags = MINIVMX_VM_APIC;
	vm_create_empty(&self->vm);
	self->fd = -1;
}

static void end_vm(FAULT *self)
{
	vm_destroy(&self->vm);
}

/* A second one: the first came with the VM. */
static long create_vcpu(FAULT *self)
{
	self->fd = minivmx_create_vcpu(self->vm.fd, 1);
	return self->fd;
}

static void end_vm_of_two(FAULT *self)
{
	close(self->fd);
	end_vm(self);
}

static struct minivmx_apic state;
static uint32_t regs[MINIVMX_APIC_SIZE / 4];

static long get_apic(FAULT *self)
{
	return minivmx_get_apic(self->vm.vcpu, &state, regs);
}

static void make_vm_with_state(FAULT *self)
{
	make_vm(self);
	vm_must(!get_apic(self));
}

static long set_apic(FAULT *self)
{
	return minivmx_set_apic(self->vm.vcpu, &state);
}

static long set_gsi_routes(FAULT *self)
{
	static const struct minivmx_gsi_route route = { .address = 0xfee00000, .data = 0x41 };

	return minivmx_set_gsi_routes(self->vm.fd, &route, 1);
}

static void make_vm_and_eventfd(FAULT *self)
{
	make_vm(self);
	self->fd = eventfd(0, EFD_CLOEXEC);
	vm_must(self->fd >= 0);
}

static long irqfd(FAULT *self)
{
	const struct minivmx_irqfd arg = {
		.fd = self->fd, .resample_fd = self->fd, .flags = MINIVMX_IRQFD_RESAMPLE,
	};

	return minivmx_irqfd(self->vm.fd, &arg);
}

static long ioeventfd(FAULT *self)
{
	const struct minivmx_ioeventfd arg = { .fd = self->fd, .address = 0xfe000000 };

	return minivmx_ioeventfd(self->vm.fd, &arg);
}

TEST_F_TIMEOUT(fault, apics_and_doors, LIMIT)
{
	static const struct operation ops[] = {
		OP("CREATE_VCPU with an APIC", make_vm, create_vcpu, end_vm_of_two),
		OP("GET_APIC", make_vm, get_apic, end_vm),
		OP("SET_APIC", make_vm_with_state, set_apic, end_vm),
		OP("SET_GSI_ROUTES", make_vm, set_gsi_routes, end_vm),
		OP("IRQFD", make_vm_and_eventfd, irqfd, end_vm_of_two),
		OP("IOEVENTFD", make_vm_and_eventfd, ioeventfd, end_vm_of_two),
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(ops); i++) {
		EXPECT_LT(0, exhaust(_metadata, self, &ops[i]))
			TH_LOG("%s", ops[i].name);
	}
}

FAULT_HARNESS_MAIN
