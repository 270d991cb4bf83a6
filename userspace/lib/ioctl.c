// SPDX-License-Identifier: GPL-2.0
/* One function for each ioctl of the interface. */
#include <errno.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "libminivmx.h"

static int call(int fd, unsigned long request, void *argument)
{
	int ret = ioctl(fd, request, argument);

	return ret < 0 ? -errno : ret;
}

static uint64_t address(const void *pointer)
{
	return (uintptr_t)pointer;
}

int minivmx_get_info(int fd, struct minivmx_info *info)
{
	return call(fd, MINIVMX_GET_INFO, info);
}

int minivmx_get_caps(int fd, struct minivmx_caps *caps)
{
	return call(fd, MINIVMX_GET_CAPS, caps);
}

int minivmx_get_mitigations(int fd, struct minivmx_mitigations *mitigations)
{
	return call(fd, MINIVMX_GET_MITIGATIONS, mitigations);
}

static int get_cpuid(int fd, unsigned long request,
		     struct minivmx_cpuid_entry *entries, unsigned int max)
{
	struct minivmx_cpuid cpuid = {
		.nr = max,
		.entries = address(entries),
	};
	int ret = call(fd, request, &cpuid);

	return ret < 0 ? ret : (int)cpuid.nr;
}

int minivmx_get_supported_cpuid(int fd, struct minivmx_cpuid_entry *entries,
				unsigned int max)
{
	return get_cpuid(fd, MINIVMX_GET_SUPPORTED_CPUID, entries, max);
}

int minivmx_map_memory(int vm, const struct minivmx_map *map)
{
	return call(vm, MINIVMX_MAP_MEMORY, (void *)map);
}

int minivmx_map(int vm, uint64_t gpa, void *hva, uint64_t size, uint32_t prot)
{
	const struct minivmx_map map = {
		.gpa = gpa,
		.size = size,
		.hva = address(hva),
		.prot = prot,
		.max_page = MINIVMX_PAGE_ANY,
	};

	return minivmx_map_memory(vm, &map);
}

int minivmx_unmap(int vm, uint64_t gpa, uint64_t size)
{
	struct minivmx_map map = {
		.gpa = gpa,
		.size = size,
	};

	return call(vm, MINIVMX_UNMAP_MEMORY, &map);
}

int minivmx_protect(int vm, uint64_t gpa, uint64_t size, uint32_t prot)
{
	struct minivmx_protect protect = {
		.gpa = gpa,
		.size = size,
		.prot = prot,
	};

	return call(vm, MINIVMX_PROTECT_MEMORY, &protect);
}

int minivmx_walk_ept(int vm, uint64_t gpa, struct minivmx_walk *walk)
{
	*walk = (struct minivmx_walk) { .gpa = gpa };
	return call(vm, MINIVMX_WALK_EPT, walk);
}

int minivmx_harvest(int vm, const struct minivmx_harvest *harvest)
{
	return call(vm, MINIVMX_HARVEST_PAGES, (void *)harvest);
}

int minivmx_dirty_log(int vm, uint64_t gpa, uint64_t size, uint32_t flags)
{
	struct minivmx_dirty_log log = {
		.gpa = gpa,
		.size = size,
		.flags = flags,
	};

	return call(vm, MINIVMX_DIRTY_LOG, &log);
}

int minivmx_get_dirty_log(int vm, uint64_t gpa, uint64_t size, void *bitmap)
{
	struct minivmx_dirty_bitmap get = {
		.gpa = gpa,
		.size = size,
		.bitmap = address(bitmap),
	};

	return call(vm, MINIVMX_GET_DIRTY_LOG, &get);
}

int minivmx_create_vcpu(int vm, uint32_t id)
{
	struct minivmx_create_vcpu create = { .id = id };

	return call(vm, MINIVMX_CREATE_VCPU, &create);
}

int minivmx_map_run(int vcpu, size_t size, struct minivmx_run **run)
{
	void *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);

	if (page == MAP_FAILED)
		return -errno;
	*run = page;
	return 0;
}

int minivmx_unmap_run(struct minivmx_run *run, size_t size)
{
	return munmap(run, size) < 0 ? -errno : 0;
}

int minivmx_run(int vcpu)
{
	return call(vcpu, MINIVMX_RUN, NULL);
}

int minivmx_kick(int vcpu)
{
	return call(vcpu, MINIVMX_KICK, NULL);
}

int minivmx_get_sregs(int vcpu, struct minivmx_sregs *sregs)
{
	return call(vcpu, MINIVMX_GET_SREGS, sregs);
}

int minivmx_set_sregs(int vcpu, const struct minivmx_sregs *sregs)
{
	return call(vcpu, MINIVMX_SET_SREGS, (void *)sregs);
}

static int move_msrs(int vcpu, unsigned long request,
		     const struct minivmx_msr *entries, uint32_t nr)
{
	struct minivmx_msrs msrs = {
		.nr = nr,
		.entries = address(entries),
	};
	int ret = call(vcpu, request, &msrs);

	/* A refusal in the middle still has to say where. */
	if (ret < 0 && !msrs.done)
		return ret;
	return msrs.done;
}

int minivmx_get_msrs(int vcpu, struct minivmx_msr *msrs, uint32_t nr)
{
	return move_msrs(vcpu, MINIVMX_GET_MSRS, msrs, nr);
}

int minivmx_set_msrs(int vcpu, const struct minivmx_msr *msrs, uint32_t nr)
{
	return move_msrs(vcpu, MINIVMX_SET_MSRS, msrs, nr);
}

int minivmx_get_cpuid(int vcpu, struct minivmx_cpuid_entry *entries,
		      unsigned int max)
{
	return get_cpuid(vcpu, MINIVMX_GET_CPUID, entries, max);
}

int minivmx_set_cpuid(int vcpu, const struct minivmx_cpuid_entry *entries,
		      unsigned int nr)
{
	struct minivmx_cpuid cpuid = {
		.nr = nr,
		.entries = address(entries),
	};

	return call(vcpu, MINIVMX_SET_CPUID, &cpuid);
}

int minivmx_get_xsave(int vcpu, void *area, uint32_t size)
{
	struct minivmx_xsave xsave = { .addr = address(area), .size = size };

	return call(vcpu, MINIVMX_GET_XSAVE, &xsave);
}

int minivmx_set_xsave(int vcpu, const void *area, uint32_t size)
{
	struct minivmx_xsave xsave = { .addr = address(area), .size = size };

	return call(vcpu, MINIVMX_SET_XSAVE, &xsave);
}

int minivmx_get_events(int vcpu, struct minivmx_events *events)
{
	return call(vcpu, MINIVMX_GET_EVENTS, events);
}

int minivmx_set_events(int vcpu, const struct minivmx_events *events)
{
	return call(vcpu, MINIVMX_SET_EVENTS, (void *)events);
}

int minivmx_get_stats(int vcpu, uint32_t flags, struct minivmx_exit_stat *exits,
		      uint32_t nr)
{
	struct minivmx_stats stats = {
		.flags = flags,
		.nr = nr,
		.exits = address(exits),
	};

	return call(vcpu, MINIVMX_GET_STATS, &stats);
}

static int move_fields(int vcpu, unsigned long request,
		       struct minivmx_vmcs_field *fields, uint32_t nr)
{
	struct minivmx_vmcs vmcs = {
		.nr = nr,
		.fields = address(fields),
	};

	return call(vcpu, request, &vmcs);
}

int minivmx_get_vmcs(int vcpu, struct minivmx_vmcs_field *fields, uint32_t nr)
{
	return move_fields(vcpu, MINIVMX_GET_VMCS, fields, nr);
}

int minivmx_set_vmcs(int vcpu, struct minivmx_vmcs_field *fields, uint32_t nr)
{
	return move_fields(vcpu, MINIVMX_SET_VMCS, fields, nr);
}

int minivmx_set_route(int vcpu, uint32_t reason, uint32_t route)
{
	struct minivmx_route arg = { .reason = reason, .route = route };

	return call(vcpu, MINIVMX_SET_ROUTE, &arg);
}

int minivmx_get_apic(int vcpu, struct minivmx_apic *apic, uint32_t *regs)
{
	*apic = (struct minivmx_apic) { .regs = (uintptr_t)regs };
	return call(vcpu, MINIVMX_GET_APIC, apic);
}

int minivmx_set_apic(int vcpu, const struct minivmx_apic *apic)
{
	struct minivmx_apic arg = *apic;

	return call(vcpu, MINIVMX_SET_APIC, &arg);
}

int minivmx_signal_msi(int vm, uint64_t address, uint32_t data)
{
	struct minivmx_msi arg = { .address = address, .data = data };

	return call(vm, MINIVMX_SIGNAL_MSI, &arg);
}

int minivmx_set_gsi_routes(int vm, const struct minivmx_gsi_route *routes, uint32_t nr)
{
	struct minivmx_gsi_routes arg = { .routes = (uintptr_t)routes, .nr = nr };

	return call(vm, MINIVMX_SET_GSI_ROUTES, &arg);
}

int minivmx_irqfd(int vm, const struct minivmx_irqfd *arg)
{
	struct minivmx_irqfd copy = *arg;

	return call(vm, MINIVMX_IRQFD, &copy);
}

int minivmx_ioeventfd(int vm, const struct minivmx_ioeventfd *arg)
{
	struct minivmx_ioeventfd copy = *arg;

	return call(vm, MINIVMX_IOEVENTFD, &copy);
}

int minivmx_set_ring(int vcpu, uint32_t nr)
{
	struct minivmx_set_ring arg = { .nr = nr };

	return call(vcpu, MINIVMX_SET_RING, &arg);
}

int minivmx_map_ring(int vcpu, uint32_t nr, const struct minivmx_ring **ring)
{
	void *page = mmap(NULL, minivmx_ring_size(nr), PROT_READ, MAP_SHARED, vcpu,
			  MINIVMX_RING_OFFSET);

	if (page == MAP_FAILED)
		return -errno;
	*ring = page;
	return 0;
}

int minivmx_set_msr_route(int vcpu, const struct minivmx_msr_route *route)
{
	return call(vcpu, MINIVMX_SET_MSR_ROUTE, (void *)route);
}
