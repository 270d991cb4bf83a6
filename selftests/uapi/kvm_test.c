// SPDX-License-Identifier: GPL-2.0
/*
 * Whose VMX it is: KVM's, minivmx's, a third one's, nobody's. KVM's modules are
 * loaded here and unloaded again. The third hypervisor is the tests' own module,
 * probe.ko.
 */
#include <linux/kvm.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "lib/rounds.h"
#include "module.h"
#include "uapi.h"

/* /dev/kvm's ioctls take no pointers here. */
static long kvm_create_vm(int kvm)
{
	int fd = ioctl(kvm, KVM_CREATE_VM, 0);

	return fd < 0 ? -errno : fd;
}

/* KVM's modules are there, and not loaded from the start. */
static bool have_kvm(void)
{
	return access("/testbed/ko/kvm-intel.ko", F_OK) == 0 &&
	       access("/sys/module/kvm_intel", F_OK) != 0;
}

/* First in each test: a SKIP in the fixture would not skip it. */
#define NEED_KVM() \
	do { if (!self->kvm) SKIP(return, "KVM's modules are not in the machine, or loaded already"); } while (0)

/* Loading KVM's modules takes the emulated machine some seconds. */
#define TIMEOUT	200

/* KVM's modules are there; the test loads them. */
FIXTURE(owner) {
	int system;
	bool kvm;
};

FIXTURE_SETUP(owner)
{
	self->kvm = have_kvm();
	self->system = open(MINIVMX_DEVICE, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->system);
}

FIXTURE_TEARDOWN(owner)
{
	close(self->system);
	/* Or the tests behind this one would be skipped. */
	if (self->kvm)
		EXPECT_TRUE(unload_kvm());
}

/* KVM is loaded, and a VM of it made. */
FIXTURE(both) {
	int system;
	bool kvm;
	int dev_kvm, kvm_vm;
};

FIXTURE_SETUP(both)
{
	self->kvm = have_kvm();
	if (!self->kvm)
		return;
	self->system = open(MINIVMX_DEVICE, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->system);
	ASSERT_EQ(0, load_kvm(""));
	self->dev_kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->dev_kvm);
	self->kvm_vm = kvm_create_vm(self->dev_kvm);
	ASSERT_LE(0, self->kvm_vm);
}

FIXTURE_TEARDOWN(both)
{
	if (!self->kvm)
		return;
	close(self->kvm_vm);
	close(self->dev_kvm);
	close(self->system);
	EXPECT_TRUE(unload_kvm());
}

static long create_vm(int system, uint32_t flags, int kvm_fd)
{
	struct minivmx_create_vm create = { .flags = flags, .kvm_fd = kvm_fd };

	return call(system, MINIVMX_CREATE_VM, &create);
}

#define OWN(system)		create_vm(system, 0, 0)
#define BORROW(system, fd)	create_vm(system, MINIVMX_VM_BORROW, fd)

#define EXPECT_VMX(owner, reason)					\
do {									\
	struct minivmx_info info_;					\
	ASSERT_EQ(0, call(self->system, MINIVMX_GET_INFO, &info_));	\
	EXPECT_EQ(owner, info_.vmx_owner);				\
	EXPECT_EQ(reason, info_.vmx_reason);				\
} while (0)

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
	fprintf(stderr, "# status %#x: %s\n", got, text);
	return false;
}

/* Before its first VM KVM has VMX on newer kernels only. */
static int idle_kvm(void)
{
	return access("/sys/module/kvm/parameters/enable_virt_at_load", F_OK) ?
		MINIVMX_VMX_FREE : MINIVMX_VMX_FOREIGN;
}

/* ---- A vCPU of each, that counts by exits ---- */

/* mov $1, %eax; 1: out %al, $0x80; inc %ax; jmp 1b: each exit has the next AL. */
static const unsigned char count_code[] = {
	0xb8, 0x01, 0x00, 0xe6, 0x80, 0x40, 0xeb, 0xfb,
};

struct guest {
	int vm, vcpu;
	struct minivmx_run *run;
	unsigned char *memory;
	uint8_t next;		/* AL at the next exit */
};

static bool guest_create(struct guest *g, int vm)
{
	struct minivmx_create_vcpu create_vcpu = { 0 };
	struct minivmx_map map = { .gpa = 0x1000, .size = PAGE, .prot = PROT_RWX };
	struct minivmx_sregs sregs;

	g->vm = vm;
	g->vcpu = call(vm, MINIVMX_CREATE_VCPU, &create_vcpu);
	if (g->vcpu < 0)
		return false;
	g->run = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, g->vcpu, 0);
	g->memory = pages(1, PROT_READ | PROT_WRITE);
	memcpy(g->memory, count_code, sizeof(count_code));
	map.hva = (uintptr_t)g->memory;
	minivmx_set_real(&sregs, &g->run->regs, 0, 0x1000);
	g->next = 1;
	return !call(vm, MINIVMX_MAP_MEMORY, &map) &&
	       !call(g->vcpu, MINIVMX_SET_SREGS, &sregs);
}

/* One exit, as it should be. */
static bool guest_counts(struct guest *g)
{
	g->run->action = g->run->kind == MINIVMX_EXIT_IO ? MINIVMX_SKIP : MINIVMX_RETRY;
	return !run(g->vcpu, g->run) && g->run->kind == MINIVMX_EXIT_IO &&
	       g->run->io.data[0] == g->next++;
}

static void guest_destroy(struct guest *g)
{
	munmap(g->run, PAGE);
	munmap(g->memory, PAGE);
	close(g->vcpu);
	close(g->vm);
}

struct kvm_guest {
	int vcpu;
	struct kvm_run *run;
	size_t run_size;
	unsigned char *memory;
	uint8_t next;
};

static bool kvm_guest_create(struct kvm_guest *g, int dev_kvm, int vm)
{
	struct kvm_userspace_memory_region region = { .memory_size = PAGE };
	struct kvm_regs regs = { .rflags = 2, .rip = 0x1000 };
	struct kvm_sregs sregs;

	g->memory = pages(1, PROT_READ | PROT_WRITE);
	memcpy(g->memory, count_code, sizeof(count_code));
	region.guest_phys_addr = 0x1000;
	region.userspace_addr = (uintptr_t)g->memory;
	g->run_size = ioctl(dev_kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	g->vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	if (g->vcpu < 0 || ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region) ||
	    ioctl(g->vcpu, KVM_GET_SREGS, &sregs))
		return false;
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	g->run = mmap(NULL, g->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, g->vcpu, 0);
	g->next = 1;
	return g->run != MAP_FAILED && !ioctl(g->vcpu, KVM_SET_SREGS, &sregs) &&
	       !ioctl(g->vcpu, KVM_SET_REGS, &regs);
}

static bool kvm_guest_counts(struct kvm_guest *g)
{
	return !ioctl(g->vcpu, KVM_RUN, 0) && g->run->exit_reason == KVM_EXIT_IO &&
	       *((uint8_t *)g->run + g->run->io.data_offset) == g->next++;
}

static void kvm_guest_destroy(struct kvm_guest *g)
{
	munmap(g->run, g->run_size);
	munmap(g->memory, PAGE);
	close(g->vcpu);
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* ---- Own ---- */

TEST_F_TIMEOUT(owner, own, TIMEOUT)
{
	struct guest g;
	int vm, kvm;

	NEED_KVM();
	EXPECT_VMX(MINIVMX_VMX_FREE, MINIVMX_REASON_NONE);
	vm = OWN(self->system);
	ASSERT_LE(0, vm);
	ASSERT_TRUE(guest_create(&g, vm));
	EXPECT_TRUE(guest_counts(&g));
	EXPECT_VMX(MINIVMX_VMX_OWN, MINIVMX_REASON_NONE);

	/* KVM may not come now, and minivmx does not mind that it tried. */
	EXPECT_EQ(-EBUSY, load_kvm(""));
	EXPECT_EQ(-1, access("/sys/module/kvm_intel", F_OK));
	EXPECT_EQ(-1, access("/dev/kvm", F_OK));
	EXPECT_VMX(MINIVMX_VMX_OWN, MINIVMX_REASON_NONE);
	EXPECT_TRUE(guest_counts(&g));
	EXPECT_TRUE(runner_says(0, ""));
	EXPECT_EQ(-EBUSY, load_file("/testbed/ko/kvm-intel.ko", ""));
	EXPECT_TRUE(guest_counts(&g));
	guest_destroy(&g);
	EXPECT_VMX(MINIVMX_VMX_FREE, MINIVMX_REASON_NONE);

	/* Then it may, and works. */
	EXPECT_EQ(0, load_file("/testbed/ko/kvm-intel.ko", ""));
	EXPECT_VMX(idle_kvm(), MINIVMX_REASON_KVM_LOADED);
	kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, kvm);
	vm = kvm_create_vm(kvm);
	EXPECT_LE(0, vm);
	close(vm);
	close(kvm);
}

/* Whatever KVM has, its being loaded is enough; and it is gone when it is. */
TEST_F_TIMEOUT(owner, kvm_comes_and_goes, TIMEOUT)
{
	int i, vm;

	NEED_KVM();
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, load_kvm(i == 1 ? "enable_virt_at_load=0" : ""));
		EXPECT_VMX(i == 1 ? MINIVMX_VMX_FREE : idle_kvm(), MINIVMX_REASON_KVM_LOADED);
		EXPECT_EQ(-EBUSY, OWN(self->system));
		ASSERT_TRUE(unload_kvm());
		EXPECT_VMX(MINIVMX_VMX_FREE, MINIVMX_REASON_NONE);
		vm = OWN(self->system);
		EXPECT_LE(0, vm);
		close(vm);
	}
}

/* A minivmx that is loaded when KVM is already there knows it, too. */
TEST_F_TIMEOUT(owner, kvm_was_there_first, TIMEOUT)
{
	NEED_KVM();
	ASSERT_EQ(0, load_kvm("enable_virt_at_load=0"));
	close(self->system);
	ASSERT_EQ(0, unload_module());
	ASSERT_EQ(0, load_module());
	self->system = open(MINIVMX_DEVICE, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->system);
	EXPECT_VMX(MINIVMX_VMX_FREE, MINIVMX_REASON_KVM_LOADED);
	EXPECT_EQ(-EBUSY, OWN(self->system));
}

/* ---- A third hypervisor ---- */

#define TAKE	"/sys/kernel/debug/probe/take"

static bool probe_takes(bool take)
{
	int fd = open(TAKE, O_WRONLY);
	bool ok = fd >= 0 && write(fd, take ? "1" : "0", 1) == 1;

	if (fd >= 0)
		close(fd);
	return ok;
}

TEST_F_TIMEOUT(owner, a_third_one_has_it, TIMEOUT)
{
	int vm;

	if (access("/sys/module/kvm_intel", F_OK) == 0)
		SKIP(return, "KVM is loaded");
	ASSERT_EQ(0, load_probe());
	ASSERT_TRUE(probe_takes(true));
	EXPECT_VMX(MINIVMX_VMX_FOREIGN, MINIVMX_REASON_VMXE);
	EXPECT_EQ(-EBUSY, OWN(self->system));
	EXPECT_TRUE(runner_says(4, "VMX is taken by another hypervisor than KVM"));
	ASSERT_TRUE(probe_takes(false));
	EXPECT_VMX(MINIVMX_VMX_FREE, MINIVMX_REASON_NONE);
	vm = OWN(self->system);
	EXPECT_LE(0, vm);
	/* Which is now refused itself. */
	EXPECT_FALSE(probe_takes(true));
	EXPECT_VMX(MINIVMX_VMX_OWN, MINIVMX_REASON_NONE);
	close(vm);
	unload_probe();
}

/* ---- Borrow ---- */

TEST_F_TIMEOUT(both, borrow, TIMEOUT)
{
	struct guest g;
	int vm;

	NEED_KVM();
	EXPECT_VMX(MINIVMX_VMX_FOREIGN, MINIVMX_REASON_KVM_LOADED);
	EXPECT_EQ(-EBUSY, OWN(self->system));
	vm = BORROW(self->system, self->kvm_vm);
	ASSERT_LE(0, vm);
	EXPECT_VMX(MINIVMX_VMX_BORROWED, MINIVMX_REASON_KVM_LOADED);
	EXPECT_EQ(-EBUSY, OWN(self->system));
	ASSERT_TRUE(guest_create(&g, vm));
	EXPECT_TRUE(guest_counts(&g));
	EXPECT_TRUE(runner_says(0, "VMX is KVM's: borrowing it"));
	/* It holds KVM, whose VM nobody has any more. */
	close(self->kvm_vm);
	close(self->dev_kvm);
	EXPECT_TRUE(guest_counts(&g));
	EXPECT_NE(0, syscall(SYS_delete_module, "kvm_intel", O_NONBLOCK));
	EXPECT_EQ(EWOULDBLOCK, errno);
	EXPECT_TRUE(guest_counts(&g));
	EXPECT_VMX(MINIVMX_VMX_BORROWED, MINIVMX_REASON_KVM_LOADED);
	guest_destroy(&g);
	EXPECT_VMX(idle_kvm(), MINIVMX_REASON_KVM_LOADED);
	EXPECT_EQ(0, syscall(SYS_delete_module, "kvm_intel", O_NONBLOCK));
	EXPECT_VMX(MINIVMX_VMX_FREE, MINIVMX_REASON_NONE);
	self->kvm_vm = self->dev_kvm = -1;
}

/* What is no KVM VM is told from one, whatever it is called. */
TEST_F_TIMEOUT(both, borrow_from_what_is_no_kvm_vm, TIMEOUT)
{
	int vm, vcpu, fds[8], i, n = 0;

	NEED_KVM();
	EXPECT_EQ(-EBADF, BORROW(self->system, -1));
	EXPECT_EQ(-EBADF, BORROW(self->system, 1000));
	EXPECT_EQ(-EBADF, BORROW(self->system, INT32_MIN));
	vcpu = ioctl(self->kvm_vm, KVM_CREATE_VCPU, 0);
	vm = BORROW(self->system, self->kvm_vm);
	ASSERT_LE(0, vm);
	fds[n++] = self->system;
	fds[n++] = self->dev_kvm;
	fds[n++] = vcpu;
	fds[n++] = vm;
	fds[n++] = open("/dev/null", O_RDWR);
	fds[n++] = open("/tmp/kvm-vm", O_RDWR | O_CREAT, 0600);
	fds[n++] = syscall(SYS_memfd_create, "kvm-vm", 0);
	fds[n++] = syscall(SYS_eventfd2, 0, 0);
	for (i = 0; i < n; i++) {
		ASSERT_LE(0, fds[i]);
		EXPECT_EQ(-EINVAL, BORROW(self->system, fds[i]))
			TH_LOG("descriptor %d", i);
	}
	/* Opened as a path only, it is no descriptor of the VM. */
	i = open("/proc/self/fd", O_RDONLY | O_PATH);
	EXPECT_EQ(-EBADF, BORROW(self->system, i));

	/* The other arguments. */
	EXPECT_EQ(-EINVAL, create_vm(self->system, 0, self->kvm_vm));
	EXPECT_EQ(-EINVAL, create_vm(self->system, 0, -1));
	EXPECT_EQ(-EINVAL, create_vm(self->system, MINIVMX_VM_APIC << 1, 0));
	EXPECT_EQ(-EINVAL, create_vm(self->system, MINIVMX_VM_BORROW | 1U << 31, self->kvm_vm));
	for (i = 2; i < n; i++)
		close(fds[i]);
	unlink("/tmp/kvm-vm");
	EXPECT_VMX(MINIVMX_VMX_FOREIGN, MINIVMX_REASON_KVM_LOADED);
}

TEST_F_TIMEOUT(both, two_borrowers, TIMEOUT)
{
	struct guest g[2];
	int i, other;

	NEED_KVM();
	other = kvm_create_vm(self->dev_kvm);
	ASSERT_LE(0, other);
	ASSERT_TRUE(guest_create(&g[0], BORROW(self->system, self->kvm_vm)));
	ASSERT_TRUE(guest_create(&g[1], BORROW(self->system, other)));
	close(other);
	for (i = 0; i < 100; i++)
		EXPECT_TRUE(guest_counts(&g[i % 2]));
	guest_destroy(&g[1]);
	EXPECT_TRUE(guest_counts(&g[0]));
	EXPECT_VMX(MINIVMX_VMX_BORROWED, MINIVMX_REASON_KVM_LOADED);
	guest_destroy(&g[0]);
	EXPECT_VMX(MINIVMX_VMX_FOREIGN, MINIVMX_REASON_KVM_LOADED);
}

/* Guests of both in one thread, in turns, also when that moves. */
TEST_F_TIMEOUT(both, guests_of_both_take_turns, 3600)
{
	unsigned int i, n = rounds(300, 20000);
	int cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct kvm_guest k;
	struct guest g;

	NEED_KVM();
	ASSERT_TRUE(guest_create(&g, BORROW(self->system, self->kvm_vm)));
	ASSERT_TRUE(kvm_guest_create(&k, self->dev_kvm, self->kvm_vm));
	pin(0);
	for (i = 0; i < n; i++) {
		ASSERT_TRUE(guest_counts(&g)) TH_LOG("minivmx, turn %u", i);
		if (i % 7 == 3)
			pin(i % cpus);
		ASSERT_TRUE(kvm_guest_counts(&k)) TH_LOG("KVM, turn %u", i);
		/* Sometimes one has two turns. */
		if (i % 5 == 0)
			ASSERT_TRUE(guest_counts(&g));
		if (i % 11 == 0)
			ASSERT_TRUE(kvm_guest_counts(&k));
		if (i % 13 == 5)
			pin(i / 13 % cpus);
	}
	kvm_guest_destroy(&k);
	EXPECT_TRUE(guest_counts(&g));
	guest_destroy(&g);
}

/* A CPU's current VMCS, as probe.ko sees it; -2 if VMX is off there. */
static long long current_vmcs(int cpu)
{
	FILE *file = fopen("/sys/kernel/debug/probe/current", "r");
	long long value = -2;
	char line[80];
	int n;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%d %lld", &n, &value) == 2 && n == cpu)
			break;
	if (file)
		fclose(file);
	return value;
}

/* KVM finds its own VMCS where it left it. */
TEST_F_TIMEOUT(both, kvm_keeps_its_current_vmcs, TIMEOUT)
{
	struct kvm_guest k;
	struct guest g;
	long long vmcs;
	int i;

	NEED_KVM();
	ASSERT_EQ(0, load_probe());
	pin(0);
	ASSERT_TRUE(guest_create(&g, BORROW(self->system, self->kvm_vm)));
	EXPECT_TRUE(guest_counts(&g));
	guest_destroy(&g);
	/* There was none, and one that was freed must not be. */
	EXPECT_EQ(-1, current_vmcs(0));
	ASSERT_TRUE(guest_create(&g, BORROW(self->system, self->kvm_vm)));
	ASSERT_TRUE(kvm_guest_create(&k, self->dev_kvm, self->kvm_vm));
	EXPECT_TRUE(kvm_guest_counts(&k));
	vmcs = current_vmcs(0);
	EXPECT_LT(0, vmcs);
	for (i = 0; i < 20; i++) {
		EXPECT_TRUE(guest_counts(&g));
		EXPECT_EQ(vmcs, current_vmcs(0));
	}
	EXPECT_TRUE(kvm_guest_counts(&k));
	EXPECT_EQ(vmcs, current_vmcs(0));
	kvm_guest_destroy(&k);
	guest_destroy(&g);
	unload_probe();
}

/* VMs of KVM come and go while a guest of minivmx runs on. */
TEST_F_TIMEOUT(both, kvm_vms_come_and_go, 3600)
{
	unsigned int i, n = rounds(10, 300);
	struct guest g;

	NEED_KVM();
	ASSERT_TRUE(guest_create(&g, BORROW(self->system, self->kvm_vm)));
	for (i = 0; i < n; i++) {
		struct kvm_guest k;
		int vm = kvm_create_vm(self->dev_kvm);

		ASSERT_LE(0, vm);
		ASSERT_TRUE(kvm_guest_create(&k, self->dev_kvm, vm));
		EXPECT_TRUE(kvm_guest_counts(&k));
		EXPECT_TRUE(guest_counts(&g));
		EXPECT_TRUE(kvm_guest_counts(&k));
		kvm_guest_destroy(&k);
		close(vm);
		EXPECT_TRUE(guest_counts(&g));
	}
	guest_destroy(&g);
}

/* ---- The VM of KVM is another process's, which is killed ---- */

static int send_fd(int to, int fd)
{
	char byte = 0, control[CMSG_SPACE(sizeof(fd))] = { 0 };
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	return sendmsg(to, &msg, 0) == 1 ? 0 : -errno;
}

static int receive_fd(int from)
{
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	int fd = -1;

	if (recvmsg(from, &msg, 0) == 1 && CMSG_FIRSTHDR(&msg))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

TEST_F_TIMEOUT(both, the_lender_is_killed, TIMEOUT)
{
	int pair[2], status, lent, i;
	struct guest g;
	pid_t lender;

	NEED_KVM();
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	lender = fork();
	ASSERT_LE(0, lender);
	if (!lender) {
		struct kvm_guest k;
		int vm = kvm_create_vm(self->dev_kvm);

		if (vm < 0 || !kvm_guest_create(&k, self->dev_kvm, vm) || send_fd(pair[1], vm))
			_exit(1);
		for (;;)
			kvm_guest_counts(&k);
	}
	lent = receive_fd(pair[0]);
	ASSERT_LE(0, lent);
	close(self->kvm_vm);
	ASSERT_TRUE(guest_create(&g, BORROW(self->system, lent)));
	close(lent);
	for (i = 0; i < 20; i++)
		EXPECT_TRUE(guest_counts(&g));
	ASSERT_EQ(0, kill(lender, SIGKILL));
	ASSERT_EQ(lender, waitpid(lender, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	/* Nobody but minivmx holds KVM's VM now. */
	EXPECT_VMX(MINIVMX_VMX_BORROWED, MINIVMX_REASON_KVM_LOADED);
	for (i = 0; i < 20; i++)
		EXPECT_TRUE(guest_counts(&g));
	guest_destroy(&g);
	EXPECT_VMX(idle_kvm(), MINIVMX_REASON_KVM_LOADED);
	self->kvm_vm = -1;
}

TEST_HARNESS_MAIN
