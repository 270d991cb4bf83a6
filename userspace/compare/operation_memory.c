// SPDX-License-Identifier: GPL-2.0
/*
 * What VMs cost the host of memory: how much less is free when there are more of them. The
 * kernel does not count what lies on its lists of each CPU as free, so that as many are made
 * before as empty those of what the others take.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>

#include "operation.h"

#define NR_BEFORE	64
#define NR_MEASURED	64
#define NR_ALL		(NR_BEFORE + NR_MEASURED)
#define VCPUS_OF_VM	64

struct many {
	struct vm vms[NR_ALL];
	unsigned int nr_vms;
	struct vcpu vcpus[NR_ALL];
	unsigned int nr_vcpus;
};

static double free_bytes(void)
{
	struct sysinfo info;

	sysinfo(&info);
	return (double)info.freeram * info.mem_unit;
}

static int add_vm(struct many *many, const struct backend *backend, struct message *message)
{
	struct vm *vm = &many->vms[many->nr_vms];
	struct minivmx_error error;

	*vm = (struct vm) { .backend = backend };
	if (backend->open(vm, &error))
		return fail(message, "%s", error.text);
	many->nr_vms++;
	return 0;
}

/* The VMs for them are there before what is measured begins. */
static int add_vcpu(struct many *many, const struct backend *backend, struct message *message)
{
	const unsigned int nr = many->nr_vcpus;
	int ret;

	while (many->nr_vms < NR_ALL / VCPUS_OF_VM)
		if (add_vm(many, backend, message))
			return -1;
	ret = backend->create_vcpu(&many->vms[nr / VCPUS_OF_VM], nr % VCPUS_OF_VM,
				   &many->vcpus[nr]);
	if (ret)
		return fail(message, "cannot create a vCPU: %s", strerror(-ret));
	many->nr_vcpus++;
	return 0;
}

static int measure(int (*add)(struct many *many, const struct backend *backend,
			      struct message *message),
		   const struct backend *backend, struct samples *samples,
		   struct message *message)
{
	struct many *many = calloc(1, sizeof(*many));
	double before = 0, now;
	unsigned int i;
	int ret = 0;

	if (!many)
		return fail(message, "no memory for VMs");
	for (i = 0; !ret && i < NR_ALL; i++) {
		if (i == NR_BEFORE)
			before = free_bytes();
		ret = add(many, backend, message);
	}
	now = free_bytes();
	if (!ret)
		samples_add(samples, before > now ? (before - now) / NR_MEASURED : 0);
	while (many->nr_vcpus)
		backend->close_vcpu(&many->vcpus[--many->nr_vcpus]);
	while (many->nr_vms)
		backend->close(&many->vms[--many->nr_vms]);
	free(many);
	return ret;
}

int measure_vm_memory(const struct operation *op, const struct backend *backend,
		      struct samples *samples, struct message *message)
{
	(void)op;
	return measure(add_vm, backend, samples, message);
}

int measure_vcpu_memory(const struct operation *op, const struct backend *backend,
			struct samples *samples, struct message *message)
{
	(void)op;
	return measure(add_vcpu, backend, samples, message);
}
