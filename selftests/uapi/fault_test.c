// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that cannot be had. Each operation is done again and again while the
 * kernel's fault injection fails the first allocation that it makes, then the
 * second, and so on until it makes no more. Each time it must say so (-ENOMEM)
 * or do without, keep nothing, and work at once when it is tried again.
 *
 * Only allocations with the module on the call stack are counted and failed:
 * what it asks for itself, and what the kernel needs for what it asks.
 */
#include <linux/kvm.h>
#include <pthread.h>

#include "fault.h"

#define FAR		0x40000000UL	/* a gigabyte from all else */
#define NEAR		0x10000000UL	/* in the same one, 2M pages away */

/* ---- The system ---- */

static void open_system(FAULT *self)
{
	self->vm.system = open(MINIVMX_DEVICE, O_RDWR | O_CLOEXEC);
	vm_must(self->vm.system >= 0);
	vm_must(!minivmx_get_info(self->vm.system, &self->vm.info));
}

static void close_system(FAULT *self)
{
	close(self->vm.system);
}

static void close_fd(FAULT *self)
{
	close(self->fd);
	close_system(self);
}

static long get_info(FAULT *self)
{
	return minivmx_get_info(self->vm.system, &self->vm.info);
}

static long get_supported_cpuid(FAULT *self)
{
	struct minivmx_cpuid_entry rows[MINIVMX_MAX_CPUID];

	return minivmx_get_supported_cpuid(self->vm.system, rows, MINIVMX_MAX_CPUID);
}

static long create_vm(FAULT *self)
{
	self->fd = minivmx_create_vm(self->vm.system, 0, NULL);
	return self->fd;
}

TEST_F_TIMEOUT(fault, get_info, LIMIT)
{
	static const struct operation op =
		OP("GET_INFO", open_system, get_info, close_system);

	EXPECT_EQ(0, exhaust(_metadata, self, &op));
}

TEST_F_TIMEOUT(fault, get_supported_cpuid, LIMIT)
{
	static const struct operation op =
		OP("GET_SUPPORTED_CPUID", open_system, get_supported_cpuid, close_system);

	EXPECT_LT(0, exhaust(_metadata, self, &op));
}

TEST_F_TIMEOUT(fault, create_vm, LIMIT)
{
	static const struct operation op =
		OP("CREATE_VM", open_system, create_vm, close_fd);

	EXPECT_LT(0, exhaust(_metadata, self, &op));
}

/* What taking VMX allocates on each CPU, in the thread that goes there. */
TEST_F_TIMEOUT(fault, create_vm_on_each_cpu, LIMIT)
{
	char name[32];
	struct operation op = OP(name, open_system, create_vm, close_fd);

	for (int cpu = 0; cpu < nr_cpus(); cpu++) {
		snprintf(name, sizeof(name), "CREATE_VM on CPU %d", cpu);
		aim_at_hotplug(self, cpu);
		EXPECT_LT(0, exhaust(_metadata, self, &op));
	}
}

/* ---- The same with KVM's VMX ---- */

static void make_kvm_vm(FAULT *self)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	open_system(self);
	self->kvm_vm = ioctl(kvm, KVM_CREATE_VM, 0);
	vm_must(self->kvm_vm >= 0);
	close(kvm);
}

static long borrow_vm(FAULT *self)
{
	struct minivmx_create_vm create = {
		.flags = MINIVMX_VM_BORROW, .kvm_fd = self->kvm_vm,
	};

	self->fd = ioctl(self->vm.system, MINIVMX_CREATE_VM, &create);
	return self->fd < 0 ? -errno : self->fd;
}

static void close_kvm_vm(FAULT *self)
{
	close_fd(self);
	close(self->kvm_vm);
}

TEST_F_TIMEOUT(fault, create_vm_with_borrowed_vmx, LIMIT)
{
	static const struct operation op =
		OP("CREATE_VM, borrowing", make_kvm_vm, borrow_vm, close_kvm_vm);

	if (!exists("/testbed/ko/kvm-intel.ko"))
		SKIP(return, "KVM's modules are not in the machine");
	ASSERT_EQ(0, load_kvm(""));
	EXPECT_LT(0, exhaust(_metadata, self, &op));
	unload_kvm();
}

/* ---- A VM ---- */

static void make_vm(FAULT *self)
{
	open_system(self);
	self->vm.fd = minivmx_create_vm(self->vm.system, 0, NULL);
	vm_must(self->vm.fd >= 0);
	self->vm.vcpu = -1;
}

static void close_vm(FAULT *self)
{
	close(self->vm.fd);
	close_fd(self);
}

static long create_vcpu(FAULT *self)
{
	self->fd = minivmx_create_vcpu(self->vm.fd, 0);
	return self->fd;
}

TEST_F_TIMEOUT(fault, create_vcpu, LIMIT)
{
	static const struct operation op =
		OP("CREATE_VCPU", make_vm, create_vcpu, close_vm);

	EXPECT_LT(0, exhaust(_metadata, self, &op));
}

static void make_vcpu(FAULT *self)
{
	make_vm(self);
	vm_must(create_vcpu(self) >= 0);
}

/* Where no page tables are. */
static long map_run(FAULT *self)
{
	static uintptr_t nowhere = 0x10000000000;

	nowhere += 1UL << 39;
	self->page = mmap((void *)nowhere, self->vm.info.run_size, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_FIXED_NOREPLACE, self->fd, 0);
	return self->page == MAP_FAILED ? -errno : 0;
}

static void unmap_run(FAULT *self)
{
	munmap(self->page, self->vm.info.run_size);
	close_vm(self);
}

TEST_F_TIMEOUT(fault, map_run_page, LIMIT)
{
	static const struct operation op =
		OP("mmap of the run page", make_vcpu, map_run, unmap_run);

	EXPECT_LT(0, exhaust(_metadata, self, &op));
}

/* ---- Running ---- */

GUEST64(store_code, "mov %rax, (%rbx); vmcall");
GUEST64(out_code, "mov $DATA, %esi; mov $0x80, %edx; mov $100, %ecx; rep outsb; vmcall");
GUEST64(loop_code, "mov $1000, %ecx; 1: mov (%rbx), %rax; loop 1b; vmcall");

static void *spare_memory(size_t size)
{
	const size_t huge = 2 << 20;
	uint8_t *mem = mmap(NULL, size + huge, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	vm_must(mem != MAP_FAILED);
	return (void *)(((uintptr_t)mem + huge - 1) & ~(huge - 1));
}

static void new_guest(FAULT *self, uint64_t address)
{
	vm_create(&self->vm);
	vm_long(&self->vm, store_code);
	self->vm.run->regs.rbx = address;
}

/* It has run: all of its own pages are mapped. Then it stores elsewhere. */
static void old_guest(FAULT *self, uint64_t address)
{
	new_guest(self, VM_DATA);
	vm_must(vm_run(&self->vm) == MINIVMX_EXIT_HYPERCALL);
	self->vm.run->regs.rip = VM_CODE;
	self->vm.run->regs.rbx = address;
}

/* With more memory at @gpa, of which it touches one page. */
static void guest_with(FAULT *self, uint64_t gpa, size_t size, int advice)
{
	old_guest(self, gpa);
	self->page = spare_memory(size);
	vm_must(!madvise(self->page, size, advice));
	vm_must(!minivmx_map(self->vm.fd, gpa, self->page, size, VM_RWX));
}

static void guest_far(FAULT *self)
{
	guest_with(self, FAR, 0x1000, MADV_NOHUGEPAGE);
}

static void guest_near(FAULT *self)
{
	guest_with(self, NEAR, 0x1000, MADV_NOHUGEPAGE);
}

static void guest_huge(FAULT *self)
{
	guest_with(self, NEAR, 2 << 20, MADV_HUGEPAGE);
}

static void guest_next_page(FAULT *self)
{
	guest_with(self, NEAR, 0x2000, MADV_NOHUGEPAGE);
	vm_must(vm_run(&self->vm) == MINIVMX_EXIT_HYPERCALL);
	self->vm.run->regs.rip = VM_CODE;
	self->vm.run->regs.rbx = NEAR + 0x1000;
}

static void guest_first(FAULT *self)
{
	new_guest(self, VM_DATA);
}

static void guest_mmio(FAULT *self)
{
	old_guest(self, VM_MMIO);
}

static void guest_end(FAULT *self)
{
	vm_destroy(&self->vm);
	munmap(self->vm.mem, VM_SIZE);
}

/* Run to its VMCALL, which is the end of all the code here. */
static long run_guest(FAULT *self)
{
	int kind = vm_run(&self->vm);

	if (kind == MINIVMX_EXIT_MEMORY)
		return -(long)self->vm.run->memory.error;
	return kind < 0 ? kind : kind == MINIVMX_EXIT_HYPERCALL ? 0 : -EPROTO;
}

static long run_to_mmio(FAULT *self)
{
	int kind = vm_run(&self->vm);

	if (kind == MINIVMX_EXIT_MEMORY)
		return -(long)self->vm.run->memory.error;
	return kind < 0 ? kind : kind == MINIVMX_EXIT_MMIO ? 0 : -EPROTO;
}

static long run_to_io(FAULT *self)
{
	int kind = vm_run(&self->vm);

	if (kind == MINIVMX_EXIT_MEMORY)
		return -(long)self->vm.run->memory.error;
	return kind < 0 ? kind : kind == MINIVMX_EXIT_IO ? 0 : -EPROTO;
}

static void guest_io(FAULT *self)
{
	vm_create(&self->vm);
	vm_long(&self->vm, out_code);
}

TEST_F_TIMEOUT(fault, first_run, LIMIT)
{
	static const struct operation op =
		OP("RUN, a guest's first", guest_first, run_guest, guest_end, .keeps = true);

	/* The page tables of the EPT below its root, if no more. */
	EXPECT_LE(3, exhaust(_metadata, self, &op));
}

TEST_F_TIMEOUT(fault, store_to_another_gigabyte, LIMIT)
{
	static const struct operation op =
		OP("RUN, a store 1G away", guest_far, run_guest, guest_end, .keeps = true);

	EXPECT_LE(2, exhaust(_metadata, self, &op));
}

TEST_F_TIMEOUT(fault, store_to_another_2m, LIMIT)
{
	static const struct operation op =
		OP("RUN, a store 2M away", guest_near, run_guest, guest_end, .keeps = true);

	EXPECT_LE(1, exhaust(_metadata, self, &op));
}

TEST_F_TIMEOUT(fault, store_to_a_huge_page, LIMIT)
{
	static const struct operation op =
		OP("RUN, a store to a huge page", guest_huge, run_guest, guest_end, .keeps = true);

	EXPECT_LE(1, exhaust(_metadata, self, &op));
}

TEST_F_TIMEOUT(fault, store_to_another_page, LIMIT)
{
	static const struct operation op =
		OP("RUN, a store to the next page", guest_next_page, run_guest, guest_end,
		   .keeps = true);

	/* The page itself. */
	EXPECT_LE(1, exhaust(_metadata, self, &op));
}

TEST_F_TIMEOUT(fault, mmio, LIMIT)
{
	static const struct operation op =
		OP("RUN, MMIO", guest_mmio, run_to_mmio, guest_end, .keeps = true);

	exhaust(_metadata, self, &op);
}

TEST_F_TIMEOUT(fault, string_io, LIMIT)
{
	static const struct operation op =
		OP("RUN, OUTS", guest_io, run_to_io, guest_end, .also = EFAULT, .keeps = true);

	EXPECT_LE(3, exhaust(_metadata, self, &op));
}

/* ---- The state of a vCPU ---- */

static void guest_stopped(FAULT *self)
{
	old_guest(self, VM_DATA);
	self->area = calloc(1, self->vm.info.xsave_size);
	vm_must(!minivmx_get_xsave(self->vm.vcpu, self->area, self->vm.info.xsave_size));
}

static void guest_stopped_end(FAULT *self)
{
	free(self->area);
	guest_end(self);
}

static long set_cpuid(FAULT *self)
{
	struct minivmx_cpuid_entry rows[MINIVMX_MAX_CPUID] = { 0 };

	return minivmx_set_cpuid(self->vm.vcpu, rows, MINIVMX_MAX_CPUID);
}

static long get_cpuid(FAULT *self)
{
	struct minivmx_cpuid_entry rows[MINIVMX_MAX_CPUID];

	return minivmx_get_cpuid(self->vm.vcpu, rows, MINIVMX_MAX_CPUID);
}

static long get_xsave(FAULT *self)
{
	return minivmx_get_xsave(self->vm.vcpu, self->area, self->vm.info.xsave_size);
}

static long set_xsave(FAULT *self)
{
	return minivmx_set_xsave(self->vm.vcpu, self->area, self->vm.info.xsave_size);
}

#define NR_MSRS	MINIVMX_MAX_MSRS

static void fill_msrs(struct minivmx_msr msrs[NR_MSRS])
{
	memset(msrs, 0, NR_MSRS * sizeof(*msrs));
	for (int i = 0; i < NR_MSRS; i++)
		msrs[i].index = 0xc0000082;	/* LSTAR */
}

static long get_msrs(FAULT *self)
{
	struct minivmx_msr msrs[NR_MSRS];

	fill_msrs(msrs);
	return minivmx_get_msrs(self->vm.vcpu, msrs, NR_MSRS);
}

static long set_msrs(FAULT *self)
{
	struct minivmx_msr msrs[NR_MSRS];

	fill_msrs(msrs);
	return minivmx_set_msrs(self->vm.vcpu, msrs, NR_MSRS);
}

static long get_sregs(FAULT *self)
{
	return minivmx_get_sregs(self->vm.vcpu, &self->vm.sregs);
}

static long set_sregs(FAULT *self)
{
	return minivmx_set_sregs(self->vm.vcpu, &self->vm.sregs);
}

static long get_events(FAULT *self)
{
	struct minivmx_events events;

	return minivmx_get_events(self->vm.vcpu, &events);
}

static long set_events(FAULT *self)
{
	struct minivmx_events events = { 0 };

	return minivmx_set_events(self->vm.vcpu, &events);
}

static long get_stats(FAULT *self)
{
	struct minivmx_exit_stat stats[MINIVMX_NR_EXITS];

	return minivmx_get_stats(self->vm.vcpu, 0, stats, MINIVMX_NR_EXITS);
}

/* Less than a page of them: for more there is another way to have memory. */
#define NR_FIELDS	100

static void fill_fields(struct minivmx_vmcs_field fields[NR_FIELDS])
{
	memset(fields, 0, NR_FIELDS * sizeof(*fields));
	for (int i = 0; i < NR_FIELDS; i++)
		fields[i].encoding = 0x681c;	/* guest RSP */
}

static long get_vmcs(FAULT *self)
{
	struct minivmx_vmcs_field fields[NR_FIELDS];

	fill_fields(fields);
	return minivmx_get_vmcs(self->vm.vcpu, fields, NR_FIELDS);
}

static long set_vmcs(FAULT *self)
{
	struct minivmx_vmcs_field fields[NR_FIELDS];

	fill_fields(fields);
	return minivmx_set_vmcs(self->vm.vcpu, fields, NR_FIELDS);
}

#define NR_RECORDS	MINIVMX_MAX_RECORDS

static const struct minivmx_ring *ring;

static long set_ring(FAULT *self)
{
	return minivmx_set_ring(self->vm.vcpu, NR_RECORDS);
}

static void guest_with_ring(FAULT *self)
{
	guest_stopped(self);
	vm_must(!set_ring(self));
}

static long map_ring(FAULT *self)
{
	return minivmx_map_ring(self->vm.vcpu, NR_RECORDS, &ring);
}

static void guest_without_ring(FAULT *self)
{
	munmap((void *)ring, minivmx_ring_size(NR_RECORDS));
	guest_stopped_end(self);
}

TEST_F_TIMEOUT(fault, state, LIMIT)
{
	static const struct operation allocate[] = {
		OP("SET_CPUID", guest_stopped, set_cpuid, guest_stopped_end),
		OP("GET_CPUID", guest_stopped, get_cpuid, guest_stopped_end),
		OP("GET_STATS", guest_stopped, get_stats, guest_stopped_end),
		OP("GET_VMCS", guest_stopped, get_vmcs, guest_stopped_end),
		OP("SET_VMCS", guest_stopped, set_vmcs, guest_stopped_end),
		OP("SET_RING", guest_stopped, set_ring, guest_stopped_end),
		OP("mmap of a ring", guest_with_ring, map_ring, guest_without_ring),
		OP("GET_XSAVE", guest_stopped, get_xsave, guest_stopped_end),
		OP("SET_XSAVE", guest_stopped, set_xsave, guest_stopped_end),
		OP("GET_MSRS", guest_stopped, get_msrs, guest_stopped_end),
		OP("SET_MSRS", guest_stopped, set_msrs, guest_stopped_end),
	}, others[] = {
		OP("GET_SREGS", guest_stopped, get_sregs, guest_stopped_end),
		OP("SET_SREGS", guest_stopped, set_sregs, guest_stopped_end),
		OP("GET_EVENTS", guest_stopped, get_events, guest_stopped_end),
		OP("SET_EVENTS", guest_stopped, set_events, guest_stopped_end),
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(allocate); i++) {
		EXPECT_LT(0, exhaust(_metadata, self, &allocate[i]))
			TH_LOG("%s", allocate[i].name);
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(others); i++)
		exhaust(_metadata, self, &others[i]);
}

/* ---- The host's life ---- */

static bool set_online(const char *whether)
{
	return write_file("/sys/devices/system/cpu/cpu1/online", whether);
}

static int run_again(FAULT *self)
{
	self->vm.run->regs.rip = VM_CODE;
	return vm_run(&self->vm);
}

/* The host gets its CPU, and guests run on the others, and later there, too. */
TEST_F_TIMEOUT(fault, cpu_comes_online, LIMIT)
{
	if (nr_cpus() < 2)
		SKIP(return, "one CPU");
	old_guest(self, VM_DATA);
	aim_at_hotplug(self, 1);
	ASSERT_TRUE(set_online("0"));
	inject(self, 1);
	EXPECT_TRUE(set_online("1"));
	EXPECT_TRUE(injected(self));
	pin_to_cpu(1);
	EXPECT_EQ(-ENODEV, run_again(self));
	pin_to_cpu(0);
	EXPECT_EQ(MINIVMX_EXIT_HYPERCALL, run_again(self));

	ASSERT_TRUE(set_online("0"));
	ASSERT_TRUE(set_online("1"));
	pin_to_cpu(1);
	EXPECT_EQ(MINIVMX_EXIT_HYPERCALL, run_again(self));
	guest_end(self);
}

/* The VM of before is dead and says so; the next one is not. */
TEST_F_TIMEOUT(fault, vmx_after_a_suspend, LIMIT)
{
	if (!write_file("/sys/power/pm_test", "freezer"))
		SKIP(return, "this kernel cannot test suspend");
	for (int cpu = 0; cpu < nr_cpus(); cpu++) {
		old_guest(self, VM_DATA);
		aim_at_hotplug(self, cpu);
		inject(self, 1);
		EXPECT_TRUE(write_file("/sys/power/state", "freeze"));
		EXPECT_TRUE(injected(self));
		EXPECT_EQ(MINIVMX_EXIT_DEAD, run_again(self));
		EXPECT_EQ(-EIO, run_again(self));
		guest_end(self);

		old_guest(self, VM_DATA);
		EXPECT_TRUE(write_file("/sys/power/state", "freeze"));
		EXPECT_EQ(MINIVMX_EXIT_HYPERCALL, run_again(self));
		guest_end(self);
	}
	write_file("/sys/power/pm_test", "none");
}

/* ---- The EPT ---- */

static void guest_mapped(FAULT *self)
{
	guest_near(self);
	vm_must(run_guest(self) == 0);
}

static uint64_t bitmap[8];

static long protect(FAULT *self)
{
	return minivmx_protect(self->vm.fd, 0x1000, 0x1000, MINIVMX_PROT_READ);
}

static long harvest(FAULT *self)
{
	const struct minivmx_harvest arg = {
		.gpa = NEAR, .size = 0x1000, .bitmap = (uintptr_t)bitmap,
		.which = MINIVMX_HARVEST_DIRTY,
	};

	return minivmx_harvest(self->vm.fd, &arg);
}

static long log_on(FAULT *self)
{
	return minivmx_dirty_log(self->vm.fd, NEAR, 0x1000, MINIVMX_DIRTY_LOG_ON);
}

static void guest_logged(FAULT *self)
{
	guest_mapped(self);
	vm_must(!log_on(self));
}

static long get_log(FAULT *self)
{
	return minivmx_get_dirty_log(self->vm.fd, NEAR, 0x1000, bitmap);
}

TEST_F_TIMEOUT(fault, ept, LIMIT)
{
	static const struct operation ops[] = {
		OP("PROTECT_MEMORY", guest_mapped, protect, guest_end),
		OP("HARVEST_PAGES", guest_mapped, harvest, guest_end),
		OP("DIRTY_LOG", guest_mapped, log_on, guest_end),
		OP("GET_DIRTY_LOG", guest_logged, get_log, guest_end),
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(ops); i++) {
		EXPECT_LT(0, exhaust(_metadata, self, &ops[i]))
			TH_LOG("%s", ops[i].name);
	}
}

/* ---- What must not fail, whatever does ---- */

static long unmap(FAULT *self)
{
	return minivmx_unmap(self->vm.fd, NEAR, 0x1000);
}

static long map(FAULT *self)
{
	return minivmx_map(self->vm.fd, FAR, self->page, 0x1000, VM_RWX);
}

static long drop_page(FAULT *self)
{
	return madvise(self->page, 0x1000, MADV_DONTNEED) ? -errno : 0;
}

static void *spin(void *data)
{
	FAULT *self = data;

	for (; !self->stop; self->rounds++) {
		self->vm.run->regs.rip = VM_CODE;
		vm_must(vm_run(&self->vm) == MINIVMX_EXIT_HYPERCALL);
	}
	return NULL;
}

static void guest_spins(FAULT *self)
{
	guest_mapped(self);
	memcpy(vm_at(&self->vm, VM_CODE), loop_code, loop_code_end - loop_code);
	self->stop = false;
	self->rounds = 0;
	vm_must(!pthread_create(&self->thread, NULL, spin, self));
	while (!self->rounds)
		sched_yield();
}

static void guest_spins_end(FAULT *self)
{
	self->stop = true;
	pthread_join(self->thread, NULL);
	guest_end(self);
}

static void guest_closed(FAULT *self)
{
	guest_mapped(self);
	minivmx_unmap_run(self->vm.run, self->vm.info.run_size);
	close(self->vm.vcpu);
	close(self->vm.system);
}

static long close_last(FAULT *self)
{
	return close(self->vm.fd) ? -errno : 0;
}

static void forget_memory(FAULT *self)
{
	munmap(self->vm.mem, VM_SIZE);
}

TEST_F_TIMEOUT(fault, what_cannot_fail, LIMIT)
{
	static const struct operation ops[] = {
		OP("MAP_MEMORY", guest_mapped, map, guest_end),
		OP("UNMAP_MEMORY", guest_mapped, unmap, guest_end),
		OP("MADV_DONTNEED", guest_mapped, drop_page, guest_end),
		OP("MADV_DONTNEED in use", guest_spins, drop_page, guest_spins_end),
		OP("close the VM", guest_closed, close_last, forget_memory),
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(ops); i++) {
		EXPECT_EQ(0, exhaust(_metadata, self, &ops[i]))
			TH_LOG("%s", ops[i].name);
	}
}

FAULT_HARNESS_MAIN
