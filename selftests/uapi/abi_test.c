// SPDX-License-Identifier: GPL-2.0
/*
 * What is the same for every ioctl: its number, its descriptor, the size of its
 * structure, the pointer to that, and whose it is. One row for each.
 */
#include <sys/eventfd.h>
#include <sys/wait.h>

#define VM_FLAGS	MINIVMX_VM_APIC
#include "uapi.h"

enum kind { SYSTEM, VM, VCPU, NR_KINDS };

/* Buffers behind the addresses in arguments. */
static struct minivmx_cpuid_entry cpuid[MINIVMX_MAX_CPUID];
static unsigned char xsave[4096] __attribute__((aligned(64)));
static __u64 bitmap;

union arg {
	struct minivmx_create_vm create_vm;
	struct minivmx_create_vcpu create_vcpu;
	struct minivmx_map map;
	struct minivmx_protect protect;
	struct minivmx_harvest harvest;
	struct minivmx_dirty_log dirty_log;
	struct minivmx_dirty_bitmap dirty_bitmap;
	struct minivmx_sregs sregs;
	struct minivmx_cpuid cpuid;
	struct minivmx_xsave xsave;
	struct minivmx_route route;
	struct minivmx_msr_route msr_route;
	struct minivmx_apic apic;
	struct minivmx_msi msi;
	struct minivmx_irqfd irqfd;
	struct minivmx_ioeventfd ioeventfd;
	unsigned char bytes[4096];
};

static void prepare_create_vcpu(FIXTURE_DATA(minivmx) *self, union arg *arg)
{
	static unsigned int id;

	arg->create_vcpu.id = ++id;
}

static void prepare_map(FIXTURE_DATA(minivmx) *self, union arg *arg)
{
	static __u64 gpa = 0x100000;

	arg->map = (struct minivmx_map) {
		.gpa = gpa += PAGE, .size = PAGE, .hva = (uintptr_t)self->code,
		.prot = MINIVMX_PROT_READ,
	};
}

static void prepare_unmap(FIXTURE_DATA(minivmx) *self, union arg *arg)
{
	prepare_map(self, arg);
	call(self->vm, MINIVMX_MAP_MEMORY, arg);
	arg->map.hva = arg->map.prot = 0;
}

static void prepare_protect(FIXTURE_DATA(minivmx) *self, union arg *arg)
{
	arg->protect = (struct minivmx_protect) {
		.gpa = 0x1000, .size = PAGE, .prot = MINIVMX_PROT_READ,
	};
}

static void prepare_harvest(FIXTURE_DATA(minivmx) *self, union arg *arg)
{
	arg->harvest = (struct minivmx_harvest) {
		.gpa = 0x1000, .size = PAGE, .bitmap = (uintptr_t)&bitmap,
		.which = MINIVMX_HARVEST_DIRTY, .flags = MINIVMX_HARVEST_CLEAR,
	};
}

/* Of a range of its own that has none, like prepare_unmap()'s. */
static void prepare_dirty_log(FIXTURE_DATA(minivmx) *self, union arg *arg)
{
	union arg map;

	prepare_map(self, &map);
	call(self->vm, MINIVMX_MAP_MEMORY, &map);
	arg->dirty_log = (struct minivmx_dirty_log) {
		.gpa = map.map.gpa, .size = PAGE, .flags = MINIVMX_DIRTY_LOG_ON,
	};
}

static void prepare_get_dirty_log(FIXTURE_DATA(minivmx) *self, union arg *arg)
{
	prepare_dirty_log(self, arg);
	call(self->vm, MINIVMX_DIRTY_LOG, arg);
	arg->dirty_bitmap.bitmap = (uintptr_t)&bitmap;
}

static void prepare_sregs(FIXTURE_DATA(minivmx) *self, union arg *arg)
{
	call(self->vcpu, MINIVMX_GET_SREGS, arg);
}

static void prepare_cpuid(FIXTURE_DATA(minivmx) *self, union arg *arg)
{
	arg->cpuid.nr = MINIVMX_MAX_CPUID;
	arg->cpuid.entries = (uintptr_t)cpuid;
}

static void prepare_set_cpuid(FIXTURE_DATA(minivmx) *self, union arg *arg)
{
	prepare_cpuid(self, arg);
	call(self->vcpu, MINIVMX_GET_CPUID, arg);
}

static void prepare_xsave(FIXTURE_DATA(minivmx) *self, union arg *arg)
{
	arg->xsave.size = self->info.xsave_size;
	arg->xsave.addr = (uintptr_t)xsave;
	call(self->vcpu, MINIVMX_GET_XSAVE, arg);
}

static void prepare_create_vm(FIXTURE_DATA(minivmx) *self, union arg *arg)
{
	arg->create_vm = vm_argument(self->system);
}

static void prepare_route(FIXTURE_DATA(minivmx) *self, union arg *arg)
{
	arg->route.reason = 10;
}

static void prepare_msr_route(FIXTURE_DATA(minivmx) *self, union arg *arg)
{
	arg->msr_route.access = MINIVMX_MSR_READ;
}

static void prepare_apic(FIXTURE_DATA(minivmx) *self, union arg *arg)
{
	static __u32 regs[MINIVMX_APIC_SIZE / 4];

	arg->apic.regs = (uintptr_t)regs;
}

static void prepare_set_apic(FIXTURE_DATA(minivmx) *self, union arg *arg)
{
	prepare_apic(self, arg);
	call(self->vcpu, MINIVMX_GET_APIC, arg);
}

static void prepare_msi(FIXTURE_DATA(minivmx) *self, union arg *arg)
{
	arg->msi.address = 0xfee00000;
}

static int an_eventfd(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = eventfd(0, EFD_CLOEXEC);
	return fd;
}

/* Each another one. */
static void prepare_irqfd(FIXTURE_DATA(minivmx) *self, union arg *arg)
{
	static __u32 gsi;

	arg->irqfd = (struct minivmx_irqfd) { .fd = an_eventfd(), .gsi = gsi++ };
}

static void prepare_ioeventfd(FIXTURE_DATA(minivmx) *self, union arg *arg)
{
	static __u64 address = 0xd0000000;

	arg->ioeventfd = (struct minivmx_ioeventfd) { .fd = an_eventfd(), .address = address++ };
}

static const struct row {
	const char *name;
	unsigned int cmd;
	enum kind kind;
	/* Make an argument that succeeds of zeros; none: zeros do. */
	void (*prepare)(FIXTURE_DATA(minivmx) *self, union arg *arg);
	bool returns_fd;
	bool any_process;
} rows[] = {
#define ROW(k, n, ...) \
	{ .name = #n, .cmd = MINIVMX_##n, .kind = k, __VA_ARGS__ }
	ROW(SYSTEM, GET_INFO),
	ROW(SYSTEM, GET_CAPS),
	ROW(SYSTEM, GET_MITIGATIONS),
	ROW(SYSTEM, GET_SUPPORTED_CPUID, .prepare = prepare_cpuid),
	ROW(SYSTEM, CREATE_VM, .prepare = prepare_create_vm, .returns_fd = true),
	ROW(VM, CREATE_VCPU, .prepare = prepare_create_vcpu, .returns_fd = true),
	ROW(VM, MAP_MEMORY, .prepare = prepare_map),
	ROW(VM, UNMAP_MEMORY, .prepare = prepare_unmap),
	ROW(VM, PROTECT_MEMORY, .prepare = prepare_protect),
	ROW(VM, WALK_EPT, .any_process = true),
	ROW(VM, HARVEST_PAGES, .prepare = prepare_harvest),
	ROW(VM, DIRTY_LOG, .prepare = prepare_dirty_log),
	ROW(VM, GET_DIRTY_LOG, .prepare = prepare_get_dirty_log),
	ROW(VM, SIGNAL_MSI, .prepare = prepare_msi),
	ROW(VM, SET_GSI_ROUTES),
	ROW(VM, IRQFD, .prepare = prepare_irqfd),
	ROW(VM, IOEVENTFD, .prepare = prepare_ioeventfd),
	ROW(VCPU, RUN),
	ROW(VCPU, KICK),
	ROW(VCPU, GET_SREGS),
	ROW(VCPU, SET_SREGS, .prepare = prepare_sregs),
	ROW(VCPU, GET_MSRS),
	ROW(VCPU, SET_MSRS),
	ROW(VCPU, GET_CPUID, .prepare = prepare_cpuid),
	ROW(VCPU, SET_CPUID, .prepare = prepare_set_cpuid),
	ROW(VCPU, GET_XSAVE, .prepare = prepare_xsave),
	ROW(VCPU, SET_XSAVE, .prepare = prepare_xsave),
	ROW(VCPU, GET_EVENTS),
	ROW(VCPU, SET_EVENTS),
	ROW(VCPU, GET_STATS),
	ROW(VCPU, GET_VMCS, .any_process = true),
	ROW(VCPU, SET_VMCS, .any_process = true),
	ROW(VCPU, SET_ROUTE, .prepare = prepare_route),
	ROW(VCPU, SET_MSR_ROUTE, .prepare = prepare_msr_route),
	ROW(VCPU, SET_RING, .any_process = true),
	ROW(VCPU, GET_APIC, .prepare = prepare_apic),
	ROW(VCPU, SET_APIC, .prepare = prepare_set_apic),
#undef ROW
};

/* Those that have a structure. */
#define for_each_row(row) \
	for (row = rows; row < rows + ARRAY_SIZE(rows); row++)
#define for_each_struct(row) \
	for_each_row(row) if (_IOC_SIZE((row)->cmd))

static int fd_of(const FIXTURE_DATA(minivmx) *self, enum kind kind)
{
	const int fds[NR_KINDS] = { self->system, self->vm, self->vcpu };

	return fds[kind];
}

static void prepare(FIXTURE_DATA(minivmx) *self, const struct row *row, union arg *arg)
{
	memset(arg, 0, sizeof(*arg));
	if (row->prepare)
		row->prepare(self, arg);
}

/* On the row's descriptor, with its number or another. */
static long row_call(FIXTURE_DATA(minivmx) *self, const struct row *row,
		     unsigned int cmd, void *arg)
{
	long ret = call(fd_of(self, row->kind), cmd, arg);

	if (ret >= 0 && row->returns_fd) {
		close(ret);
		ret = 0;
	}
	return ret;
}

/* Or the tests below would test nothing. */
TEST_F(minivmx, every_row_succeeds)
{
	const struct row *row;
	union arg arg;

	for_each_row(row) {
		prepare(self, row, &arg);
		EXPECT_EQ(0, row_call(self, row, row->cmd, &arg))
			TH_LOG("%s", row->name);
	}
}

TEST_F(minivmx, wrong_kind_of_descriptor)
{
	const struct row *row;
	enum kind kind;
	union arg arg;

	for_each_row(row) {
		prepare(self, row, &arg);
		for (kind = 0; kind < NR_KINDS; kind++) {
			if (kind == row->kind)
				continue;
			EXPECT_EQ(-ENOTTY, call(fd_of(self, kind), row->cmd, &arg))
				TH_LOG("%s on kind %u", row->name, kind);
		}
	}
}

static bool is_known(enum kind kind, unsigned int cmd)
{
	const struct row *row;

	for_each_row(row)
		if (row->kind == kind && _IOC_NR(row->cmd) == _IOC_NR(cmd) &&
		    _IOC_DIR(row->cmd) == _IOC_DIR(cmd))
			return true;
	return false;
}

TEST_F(minivmx, unknown_numbers)
{
	static const unsigned int sizes[] = { 0, 8, 16, 24, 32, 40, 48, 168, 360, 4096 };
	unsigned int nr, dir, size, cmd;
	enum kind kind;
	union arg arg;

	memset(&arg, 0, sizeof(arg));
	for (kind = 0; kind < NR_KINDS; kind++)
		for (nr = 0; nr < 256; nr++)
			for (dir = 0; dir < 4; dir++)
				for (size = 0; size < ARRAY_SIZE(sizes); size++) {
					cmd = _IOC(dir, MINIVMX_IOC, nr, sizes[size]);
					if (is_known(kind, cmd))
						continue;
					EXPECT_EQ(-ENOTTY, call(fd_of(self, kind), cmd, &arg))
						TH_LOG("kind %u, cmd %#x", kind, cmd);
				}
}

TEST_F(minivmx, wrong_type)
{
	const struct row *row;
	union arg arg;

	for_each_row(row) {
		prepare(self, row, &arg);
		EXPECT_EQ(-ENOTTY, row_call(self, row, row->cmd ^ (1 << _IOC_TYPESHIFT), &arg))
			TH_LOG("%s", row->name);
		/* KVM's letter. */
		EXPECT_EQ(-ENOTTY, row_call(self, row, (row->cmd & ~(0xff << _IOC_TYPESHIFT)) |
					    0xae << _IOC_TYPESHIFT, &arg))
			TH_LOG("%s", row->name);
	}
}

TEST_F(minivmx, too_small)
{
	const struct row *row;
	unsigned int size;
	union arg arg;

	for_each_struct(row)
		for (size = 0; size < _IOC_SIZE(row->cmd); size++) {
			prepare(self, row, &arg);
			EXPECT_EQ(-EINVAL, row_call(self, row, RESIZED(row->cmd, size), &arg))
				TH_LOG("%s with %u bytes", row->name, size);
		}
}

TEST_F(minivmx, larger_with_zeros)
{
	const struct row *row;
	union arg arg;

	for_each_struct(row) {
		unsigned int size = _IOC_SIZE(row->cmd) + 24;

		prepare(self, row, &arg);
		EXPECT_EQ(0, row_call(self, row, RESIZED(row->cmd, size), &arg))
			TH_LOG("%s", row->name);
		prepare(self, row, &arg);
		EXPECT_EQ(0, row_call(self, row, RESIZED(row->cmd, 4095), &arg))
			TH_LOG("%s with 4095 bytes", row->name);
	}
}

TEST_F(minivmx, larger_with_something)
{
	static const unsigned int tails[] = { 0, 1, 7, 23 };
	const struct row *row;
	unsigned int i;
	union arg arg;

	for_each_struct(row) {
		unsigned int size = _IOC_SIZE(row->cmd);

		if (!(_IOC_DIR(row->cmd) & _IOC_WRITE))
			continue;
		for (i = 0; i < ARRAY_SIZE(tails); i++) {
			prepare(self, row, &arg);
			arg.bytes[size + tails[i]] = 1;
			EXPECT_EQ(-E2BIG, row_call(self, row, RESIZED(row->cmd, size + 24), &arg))
				TH_LOG("%s, byte %u", row->name, tails[i]);
		}
	}
}

/* What the module fills but does not know is zero, and it goes no further. */
TEST_F(minivmx, larger_output)
{
	const struct row *row;
	unsigned int i;
	union arg arg;

	for_each_struct(row) {
		unsigned int size = _IOC_SIZE(row->cmd);

		if (_IOC_DIR(row->cmd) != _IOC_READ)
			continue;
		memset(&arg, 0xaa, sizeof(arg));
		EXPECT_EQ(0, row_call(self, row, RESIZED(row->cmd, size + 24), &arg));
		for (i = size; i < size + 24; i++) {
			EXPECT_EQ(0, arg.bytes[i])
				TH_LOG("%s, byte %u", row->name, i);
		}
		for (; i < size + 64; i++) {
			EXPECT_EQ(0xaa, arg.bytes[i])
				TH_LOG("%s, byte %u", row->name, i);
		}
	}
}

TEST_F(minivmx, no_byte_too_many)
{
	const struct row *row;
	union arg arg;

	for_each_struct(row) {
		unsigned int size = _IOC_SIZE(row->cmd);
		void *p = before_hole(size);

		prepare(self, row, &arg);
		memcpy(p, &arg, size);
		EXPECT_EQ(0, row_call(self, row, row->cmd, p))
			TH_LOG("%s", row->name);
	}
}

TEST_F(minivmx, bad_pointers)
{
	void *kernel = (void *)0xffff888000000000, *not_canonical = (void *)(1UL << 63);
	void *read_only = pages(1, PROT_READ), *none = pages(1, PROT_NONE);
	const struct row *row;

	for_each_struct(row) {
		unsigned int size = _IOC_SIZE(row->cmd);

		EXPECT_EQ(-EFAULT, row_call(self, row, row->cmd, BAD_POINTER))
			TH_LOG("%s", row->name);
		EXPECT_EQ(-EFAULT, row_call(self, row, row->cmd, NULL))
			TH_LOG("%s", row->name);
		EXPECT_EQ(-EFAULT, row_call(self, row, row->cmd, kernel))
			TH_LOG("%s, kernel address", row->name);
		EXPECT_EQ(-EFAULT, row_call(self, row, row->cmd, not_canonical))
			TH_LOG("%s, non-canonical address", row->name);
		EXPECT_EQ(-EFAULT, row_call(self, row, row->cmd, none))
			TH_LOG("%s, no access", row->name);
		EXPECT_EQ(-EFAULT, row_call(self, row, row->cmd, before_hole(size - 1)))
			TH_LOG("%s, last byte", row->name);
		if (_IOC_DIR(row->cmd) == _IOC_READ) {
			EXPECT_EQ(-EFAULT, row_call(self, row, row->cmd, read_only))
				TH_LOG("%s, read-only", row->name);
		}
	}
}

/* Each VM is its creator's, a child that inherits the descriptors is not. */
TEST_F(minivmx, another_process)
{
	const struct row *row;
	union arg args[ARRAY_SIZE(rows)];
	int status;
	pid_t pid;

	for_each_row(row)
		prepare(self, row, &args[row - rows]);
	pid = fork();
	ASSERT_LE(0, pid);
	if (pid == 0) {
		for_each_row(row) {
			long want = row->kind == SYSTEM || row->any_process ? 0 : -EXDEV;

			EXPECT_EQ(want, row_call(self, row, row->cmd, &args[row - rows]))
				TH_LOG("%s", row->name);
		}
		EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
					   self->vcpu, 0));
		EXPECT_EQ(EXDEV, errno);
		_exit(_metadata->passed ? 0 : 1);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	/* And the creator is not bothered. */
	for_each_row(row) {
		EXPECT_EQ(0, row_call(self, row, row->cmd, &args[row - rows]))
			TH_LOG("%s", row->name);
	}
}

/* An unknown number is one from another process, too. */
TEST_F(minivmx, another_process_unknown_number)
{
	int status;
	pid_t pid = fork();

	ASSERT_LE(0, pid);
	if (pid == 0) {
		EXPECT_EQ(-ENOTTY, call(self->vm, _IO(MINIVMX_IOC, 0x1f), NULL));
		EXPECT_EQ(-ENOTTY, call(self->vcpu, _IO(MINIVMX_IOC, 0x3f), NULL));
		_exit(_metadata->passed ? 0 : 1);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

/* None of the descriptors is a file in any other way. */
TEST_F(minivmx, no_other_file_operations)
{
	enum kind kind;
	char byte = 0;

	for (kind = 0; kind < NR_KINDS; kind++) {
		int fd = fd_of(self, kind);

		EXPECT_EQ(-1, read(fd, &byte, 1));
		EXPECT_EQ(EINVAL, errno);
		EXPECT_EQ(-1, write(fd, &byte, 1));
		EXPECT_EQ(EINVAL, errno);
		if (kind == VCPU)
			continue;
		EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0));
		EXPECT_EQ(ENODEV, errno);
	}
}

TEST_HARNESS_MAIN
