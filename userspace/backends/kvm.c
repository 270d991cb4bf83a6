// SPDX-License-Identifier: GPL-2.0
/*
 * Upstream KVM, with its local APICs in the kernel and all else in the runner ("split
 * irqchip"), as minivmx divides the work.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "array.h"
#include "backend.h"
#include "kvm_cpuid.h"
#include "kvm_state.h"

#define KVM_DEVICE	"/dev/kvm"

/* Between the PCI bus's window and the firmware's, where the runner has nothing. */
#define IDENTITY_MAP	0xfeffc000ULL
#define TSS_PAGES	0xfeffd000UL

/* A signal that makes KVM_RUN return; nobody else uses it. */
#define KICK_SIGNAL	SIGRTMIN

/*
 * Of a level-triggered interrupt KVM reports the end if its message is among the routes of
 * an I/O APIC's pins. The runner's I/O APIC sends messages without routes: each that is
 * new gets one here, in the place of the oldest.
 */
#define LEVEL_ROUTES	24
#define MSI_LEVEL	(1U << 15)

#define MSR_MISC_ENABLE		0x1a0
#define MISC_ENABLE_FAST_STRING	1

/**
 * struct kvm_vm - what there is of a VM besides its descriptor
 * @cpuid: of its vCPUs
 * @nr_slots: ranges of memory that it has
 * @lock: of the routes
 * @level: messages of level-triggered interrupts; the GSI is the index
 * @next_level: the oldest
 * @nr_routes: how many of @routes there are
 * @routes: what set_routes() was given last
 */
struct kvm_vm {
	struct kvm_cpuid2 *cpuid;
	uint32_t nr_slots;
	pthread_mutex_t lock;
	struct minivmx_gsi_route level[LEVEL_ROUTES];
	unsigned int next_level;
	unsigned int nr_routes;
	struct minivmx_gsi_route routes[MINIVMX_MAX_GSIS];
};

static int call(int fd, unsigned long request, void *argument)
{
	int ret = ioctl(fd, request, argument);

	return ret < 0 ? -errno : ret;
}

/* ---- The VM ---- */

static int explain(struct minivmx_error *error, int code, const char *text, const char *hint)
{
	if (error) {
		error->code = code;
		snprintf(error->text, sizeof(error->text), "%s: %s", text, strerror(code));
		snprintf(error->hint, sizeof(error->hint), "%s", hint);
	}
	return -code;
}

static void close_vm(struct vm *vm)
{
	if (vm->kvm) {
		free(vm->kvm->cpuid);
		pthread_mutex_destroy(&vm->kvm->lock);
		free(vm->kvm);
	}
	if (vm->fd >= 0)
		close(vm->fd);
	if (vm->device >= 0)
		close(vm->device);
	vm->fd = vm->device = -1;
	vm->kvm = NULL;
}

static void on_kick(int number)
{
	(void)number;
}

static int catch_kicks(void)
{
	/* Without SA_RESTART: what is interrupted is to return. */
	const struct sigaction action = { .sa_handler = on_kick };

	return sigaction(KICK_SIGNAL, &action, NULL) ? -errno : 0;
}

static int set_up(struct vm *vm)
{
	__u64 identity_map = IDENTITY_MAP;
	struct kvm_enable_cap split = { .cap = KVM_CAP_SPLIT_IRQCHIP, .args = { LEVEL_ROUTES } };
	int ret = call(vm->device, KVM_GET_VCPU_MMAP_SIZE, NULL);

	if (ret < 0)
		return ret;
	vm->run_size = (size_t)ret;
	vm->kvm = calloc(1, sizeof(*vm->kvm));
	if (!vm->kvm)
		return -ENOMEM;
	pthread_mutex_init(&vm->kvm->lock, NULL);
	ret = call(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &identity_map);
	if (ret >= 0)
		ret = call(vm->fd, KVM_SET_TSS_ADDR, (void *)TSS_PAGES);
	if (ret >= 0)
		ret = call(vm->fd, KVM_ENABLE_CAP, &split);
	if (ret >= 0)
		ret = kvm_cpuid_make(vm->device, &vm->kvm->cpuid);
	return ret < 0 ? ret : catch_kicks();
}

static int open_vm(struct vm *vm, struct minivmx_error *error)
{
	int ret;

	vm->fd = -1;
	vm->kvm = NULL;
	vm->borrows = false;
	vm->device = open(KVM_DEVICE, O_RDWR | O_CLOEXEC);
	if (vm->device < 0)
		return explain(error, errno, KVM_DEVICE, errno == EACCES || errno == EPERM ?
			       "run it as root, or join the group of the node (ls -l shows it)" :
			       "load KVM: modprobe kvm_intel");
	if (ioctl(vm->device, KVM_GET_API_VERSION) != KVM_API_VERSION) {
		close_vm(vm);
		return explain(error, ENOTTY, KVM_DEVICE, "it is not KVM's");
	}
	vm->fd = ioctl(vm->device, KVM_CREATE_VM, 0);
	if (vm->fd < 0) {
		ret = explain(error, errno, "KVM creates no VM",
			      errno == EBUSY ? "VMX is taken: end the guests of minivmx and other hypervisors" :
			      "the kernel log (dmesg) may say why");
		close_vm(vm);
		return ret;
	}
	ret = set_up(vm);
	if (ret < 0) {
		close_vm(vm);
		return explain(error, -ret, "KVM refuses what a VM needs", "the kernel may be too old");
	}
	return 0;
}

static int map(struct vm *vm, uint64_t gpa, void *hva, uint64_t size)
{
	struct kvm_userspace_memory_region region = {
		.slot = vm->kvm->nr_slots,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)hva,
	};
	int ret = call(vm->fd, KVM_SET_USER_MEMORY_REGION, &region);

	if (!ret)
		vm->kvm->nr_slots++;
	return ret;
}

/* ---- A vCPU ---- */

static void close_vcpu(struct vcpu *vcpu)
{
	free(vcpu->run);
	if (vcpu->kvm_run)
		munmap(vcpu->kvm_run, vcpu->vm->run_size);
	close(vcpu->fd);
	vcpu->kvm_run = NULL;
}

/* By KVM_SET_MSRS or KVM_GET_MSRS, of one. */
static int call_msr(struct vcpu *vcpu, unsigned long request, uint32_t index, uint64_t *value)
{
	_Alignas(struct kvm_msrs) uint8_t room[sizeof(struct kvm_msrs) +
					       sizeof(struct kvm_msr_entry)] = { 0 };
	struct kvm_msrs *msrs = (struct kvm_msrs *)room;
	int ret;

	msrs->nmsrs = 1;
	msrs->entries[0] = (struct kvm_msr_entry) { .index = index, .data = *value };
	ret = call(vcpu->fd, request, msrs);
	*value = msrs->entries[0].data;
	/* How many it took. */
	return ret < 0 ? ret : ret == 1 ? 0 : -EINVAL;
}

static int set_msr(struct vcpu *vcpu, uint32_t index, uint64_t value)
{
	return call_msr(vcpu, KVM_SET_MSRS, index, &value);
}

static int get_msr(struct vcpu *vcpu, uint32_t index, uint64_t *value)
{
	*value = 0;
	return call_msr(vcpu, KVM_GET_MSRS, index, value);
}

/* As after reset. KVM leaves it to the program, and without it Linux avoids REP MOVSB. */
static int enable_fast_strings(struct vcpu *vcpu)
{
	uint64_t value;
	int ret = get_msr(vcpu, MSR_MISC_ENABLE, &value);

	return ret ? ret : set_msr(vcpu, MSR_MISC_ENABLE, value | MISC_ENABLE_FAST_STRING);
}

static int create_vcpu(struct vm *vm, uint32_t id, struct vcpu *vcpu)
{
	void *page;
	int ret;

	vcpu->vm = vm;
	vcpu->run = NULL;
	vcpu->kvm_run = NULL;
	vcpu->fd = call(vm->fd, KVM_CREATE_VCPU, (void *)(uintptr_t)id);
	if (vcpu->fd < 0)
		return vcpu->fd;
	page = mmap(NULL, vm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	ret = page == MAP_FAILED ? -errno : 0;
	if (!ret) {
		vcpu->kvm_run = page;
		vcpu->run = calloc(1, sizeof(*vcpu->run));
		ret = vcpu->run ? kvm_cpuid_set(vcpu->fd, id, vm->kvm->cpuid) : -ENOMEM;
	}
	if (!ret)
		ret = enable_fast_strings(vcpu);
	if (ret)
		close_vcpu(vcpu);
	return ret;
}

static int set_state(struct vcpu *vcpu, const struct minivmx_sregs *sregs,
		     const struct minivmx_regs *regs)
{
	return kvm_state_set(vcpu->fd, sregs, regs);
}

static int read_state(struct vcpu *vcpu, struct minivmx_sregs *sregs)
{
	return kvm_state_get(vcpu->fd, sregs, &vcpu->run->regs);
}

static int set_lapic(struct vcpu *vcpu, const struct lapic_value *values, size_t nr)
{
	struct kvm_lapic_state lapic;
	int ret = call(vcpu->fd, KVM_GET_LAPIC, &lapic);
	size_t i;

	if (ret)
		return ret;
	for (i = 0; i < nr; i++)
		memcpy(lapic.regs + values[i].offset, &values[i].value, sizeof(values[i].value));
	return call(vcpu->fd, KVM_SET_LAPIC, &lapic);
}

static bool waits_for_sipi(const struct vcpu *vcpu)
{
	struct kvm_mp_state state;

	return !call(vcpu->fd, KVM_GET_MP_STATE, &state) &&
	       (state.mp_state == KVM_MP_STATE_UNINITIALIZED ||
		state.mp_state == KVM_MP_STATE_INIT_RECEIVED);
}

static int tsc_offset(const struct vcpu *vcpu, uint64_t *offset)
{
	struct kvm_device_attr attribute = {
		.group = KVM_VCPU_TSC_CTRL,
		.attr = KVM_VCPU_TSC_OFFSET,
		.addr = (uintptr_t)offset,
	};

	return call(vcpu->fd, KVM_GET_DEVICE_ATTR, &attribute);
}

/* ---- Its run ---- */

/* What the runner answered, and what it wants to happen. */
static int give(struct vcpu *vcpu)
{
	struct minivmx_run *run = vcpu->run;
	struct kvm_run *page = vcpu->kvm_run;

	if (run->kind == MINIVMX_EXIT_MMIO && !run->mmio.is_write)
		memcpy(page->mmio.data, &run->mmio.data, sizeof(page->mmio.data));
	page->request_interrupt_window = run->request & MINIVMX_REQ_IRQ_WINDOW;
	if (run->event.flags & MINIVMX_EVENT_VALID) {
		struct kvm_interrupt interrupt = { .irq = run->event.vector };

		run->event.flags = 0;
		return call(vcpu->fd, KVM_INTERRUPT, &interrupt);
	}
	return 0;
}

static void take_io(struct vcpu *vcpu)
{
	const struct kvm_run *page = vcpu->kvm_run;

	vcpu->run->kind = MINIVMX_EXIT_IO;
	vcpu->run->io.port = page->io.port;
	vcpu->run->io.size = page->io.size;
	vcpu->run->io.is_in = page->io.direction == KVM_EXIT_IO_IN;
	vcpu->run->io.count = page->io.count;
	vcpu->io_data = (uint8_t *)vcpu->kvm_run + page->io.data_offset;
}

static void take_mmio(struct vcpu *vcpu)
{
	const struct kvm_run *page = vcpu->kvm_run;

	vcpu->run->kind = MINIVMX_EXIT_MMIO;
	vcpu->run->mmio.gpa = page->mmio.phys_addr;
	vcpu->run->mmio.size = (uint8_t)page->mmio.len;
	vcpu->run->mmio.is_write = page->mmio.is_write;
	memcpy(&vcpu->run->mmio.data, page->mmio.data, sizeof(page->mmio.data));
}

static void take_failure(struct vcpu *vcpu)
{
	const struct kvm_run *page = vcpu->kvm_run;

	vcpu->run->kind = MINIVMX_EXIT_VMX;
	switch (page->exit_reason) {
	case KVM_EXIT_FAIL_ENTRY:
		fail(&vcpu->failure, "KVM: VM entry failed, hardware reason %#llx",
		     (unsigned long long)page->fail_entry.hardware_entry_failure_reason);
		break;
	case KVM_EXIT_INTERNAL_ERROR:
		fail(&vcpu->failure, "KVM: internal error %u%s", page->internal.suberror,
		     page->internal.suberror == KVM_INTERNAL_ERROR_EMULATION ?
		     ", it cannot emulate an instruction" : "");
		break;
	default:
		fail(&vcpu->failure, "KVM: an exit that nothing here handles, %u",
		     page->exit_reason);
	}
}

static void take_exit(struct vcpu *vcpu)
{
	struct minivmx_run *run = vcpu->run;

	switch (vcpu->kvm_run->exit_reason) {
	case KVM_EXIT_IO:
		take_io(vcpu);
		break;
	case KVM_EXIT_MMIO:
		take_mmio(vcpu);
		break;
	case KVM_EXIT_IRQ_WINDOW_OPEN:
		run->kind = MINIVMX_EXIT_IRQ_WINDOW;
		break;
	case KVM_EXIT_IOAPIC_EOI:
		run->kind = MINIVMX_EXIT_EOI;
		run->eoi.vector = vcpu->kvm_run->eoi.vector;
		break;
	case KVM_EXIT_SHUTDOWN:
		run->kind = MINIVMX_EXIT_SHUTDOWN;
		break;
	default:
		take_failure(vcpu);
	}
}

static int run(struct vcpu *vcpu)
{
	struct kvm_run *page = vcpu->kvm_run;
	int ret = give(vcpu);

	if (ret)
		return ret;
	ret = ioctl(vcpu->fd, KVM_RUN, 0);
	vcpu->run->ready = page->ready_for_interrupt_injection ? MINIVMX_READY_IRQ : 0;
	if (!ret) {
		take_exit(vcpu);
		return 0;
	}
	ret = -errno;
	/* EAGAIN: a CPU that waited for its start was sent something. */
	if (ret == -EINTR || ret == -EAGAIN) {
		page->immediate_exit = 0;
		vcpu->run->kind = MINIVMX_EXIT_INTR;
		return -EINTR;
	}
	return ret;
}

/* The byte is for a thread on its way into KVM_RUN, the signal for one that is in it. */
static void kick(struct vcpu *vcpu)
{
	__atomic_store_n(&vcpu->kvm_run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	pthread_kill(vcpu->thread, KICK_SIGNAL);
}

/* ---- Interrupts ---- */

static struct kvm_irq_routing_entry to_kvm(const struct minivmx_gsi_route *route, uint32_t gsi)
{
	return (struct kvm_irq_routing_entry) {
		.gsi = gsi,
		.type = KVM_IRQ_ROUTING_MSI,
		.u.msi.address_lo = (__u32)route->address,
		.u.msi.address_hi = (__u32)(route->address >> 32),
		.u.msi.data = route->data,
	};
}

/* Tell KVM all routes. With the lock held. */
static int tell_routes(struct vm *vm)
{
	struct kvm_vm *kvm = vm->kvm;
	struct kvm_irq_routing *table;
	unsigned int i;
	int ret;

	table = calloc(1, sizeof(*table) +
		       (LEVEL_ROUTES + kvm->nr_routes) * sizeof(table->entries[0]));
	if (!table)
		return -ENOMEM;
	for (i = 0; i < LEVEL_ROUTES; i++)
		if (kvm->level[i].address)
			table->entries[table->nr++] = to_kvm(&kvm->level[i], i);
	for (i = 0; i < kvm->nr_routes; i++)
		if (kvm->routes[i].address)
			table->entries[table->nr++] = to_kvm(&kvm->routes[i], kvm->routes[i].gsi);
	ret = call(vm->fd, KVM_SET_GSI_ROUTING, table);
	free(table);
	return ret;
}

static int set_routes(struct vm *vm, const struct minivmx_gsi_route *routes, unsigned int nr)
{
	int ret;

	if (nr > MINIVMX_MAX_GSIS)
		return -E2BIG;
	pthread_mutex_lock(&vm->kvm->lock);
	memcpy(vm->kvm->routes, routes, nr * sizeof(*routes));
	vm->kvm->nr_routes = nr;
	ret = tell_routes(vm);
	pthread_mutex_unlock(&vm->kvm->lock);
	return ret;
}

static int know_level(struct vm *vm, uint64_t address, uint32_t data)
{
	struct kvm_vm *kvm = vm->kvm;
	int ret = 0;
	size_t i;

	pthread_mutex_lock(&kvm->lock);
	for (i = 0; i < LEVEL_ROUTES; i++)
		if (kvm->level[i].address == address && kvm->level[i].data == data)
			break;
	if (i == LEVEL_ROUTES) {
		kvm->level[kvm->next_level] = (struct minivmx_gsi_route) {
			.address = address, .data = data,
		};
		kvm->next_level = (kvm->next_level + 1) % LEVEL_ROUTES;
		ret = tell_routes(vm);
	}
	pthread_mutex_unlock(&kvm->lock);
	return ret;
}

static int msi(struct vm *vm, uint64_t address, uint32_t data)
{
	struct kvm_msi message = {
		.address_lo = (__u32)address,
		.address_hi = (__u32)(address >> 32),
		.data = data,
	};
	int ret = data & MSI_LEVEL ? know_level(vm, address, data) : 0;

	return ret ? ret : call(vm->fd, KVM_SIGNAL_MSI, &message);
}

static int ioeventfd(struct vm *vm, uint64_t address, int fd, bool on)
{
	/*
	 * Of any length: of these KVM decodes no instruction, which is the way that others
	 * take for virtio, too.
	 */
	struct kvm_ioeventfd arg = {
		.addr = address,
		.len = 0,
		.fd = fd,
		.flags = on ? 0 : KVM_IOEVENTFD_FLAG_DEASSIGN,
	};

	return call(vm->fd, KVM_IOEVENTFD, &arg);
}

static int irqfd(struct vm *vm, unsigned int gsi, int fd, bool on)
{
	struct kvm_irqfd arg = {
		.fd = (__u32)fd,
		.gsi = gsi,
		.flags = on ? 0 : KVM_IRQFD_FLAG_DEASSIGN,
	};

	return call(vm->fd, KVM_IRQFD, &arg);
}

const struct backend backend_kvm = {
	.name = "kvm",
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
