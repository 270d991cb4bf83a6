// SPDX-License-Identifier: GPL-2.0
/* Eventfds that interrupt a guest, and writes of a guest that signal one. */
#include <sys/eventfd.h>

#include "../lib/counters.h"
#include "../lib/rounds.h"
#include "apic.h"

#define LEVEL	(1 << 15 | 1 << 14)

static int new_eventfd(void)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	vm_must(fd >= 0);
	return fd;
}

static void signal_fd(int fd)
{
	const uint64_t one = 1;

	vm_must(write(fd, &one, sizeof(one)) == sizeof(one));
}

/* How often it was signalled since this was asked last. */
static uint64_t signals(int fd)
{
	uint64_t count;

	return read(fd, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

static int route(VM *vm, uint32_t gsi, uint32_t data)
{
	const struct minivmx_gsi_route row = { .address = APIC, .data = data, .gsi = gsi };

	return minivmx_set_gsi_routes(vm->fd, &row, 1);
}

static int irqfd(VM *vm, int fd, uint32_t gsi, uint32_t flags, int resample_fd)
{
	const struct minivmx_irqfd arg = {
		.fd = fd, .gsi = gsi, .flags = flags, .resample_fd = resample_fd,
	};

	return minivmx_irqfd(vm->fd, &arg);
}

static int ioeventfd(VM *vm, int fd, uint64_t address, uint32_t size, uint64_t data,
		     uint32_t flags)
{
	const struct minivmx_ioeventfd arg = {
		.fd = fd, .address = address, .size = size, .data = data, .flags = flags,
	};

	return minivmx_ioeventfd(vm->fd, &arg);
}

/* ---- irqfd ---- */

TEST_F(apic, a_signal_is_an_interrupt)
{
	VM *vm = &self->vm;
	int fd = new_eventfd();

	/* One that comes before there is an irqfd, or a route, is not forgotten, or is. */
	signal_fd(fd);
	ASSERT_EQ(0, route(vm, 3, 0x71));
	ASSERT_EQ(0, irqfd(vm, fd, 3, 0, 0));
	EXPECT_EQ(0x71, taken(vm));
	end_interrupt(vm);
	signal_fd(fd);
	EXPECT_EQ(0x71, taken(vm));
	end_interrupt(vm);
	EXPECT_EQ(0, signals(fd));
	/* The route may change, and go. */
	ASSERT_EQ(0, route(vm, 3, 0x72));
	signal_fd(fd);
	EXPECT_EQ(0x72, taken(vm));
	end_interrupt(vm);
	ASSERT_EQ(0, minivmx_set_gsi_routes(vm->fd, NULL, 0));
	signal_fd(fd);
	EXPECT_EQ(-1, taken(vm));
	ASSERT_EQ(0, route(vm, 3, 0x72));
	EXPECT_EQ(0, irqfd(vm, fd, 3, MINIVMX_EVENTFD_REMOVE, 0));
	signal_fd(fd);
	EXPECT_EQ(-1, taken(vm));
	EXPECT_EQ(1, signals(fd));
	close(fd);
}

static void *signal_later(void *arg)
{
	usleep(20000);
	signal_fd(*(int *)arg);
	return NULL;
}

TEST_F(apic, a_signal_wakes_one_that_halts)
{
	VM *vm = &self->vm;
	int fd = new_eventfd();
	pthread_t thread;

	ASSERT_EQ(0, route(vm, 3, 0x71));
	ASSERT_EQ(0, irqfd(vm, fd, 3, 0, 0));
	ASSERT_EQ(0, pthread_create(&thread, NULL, signal_later, &fd));
	EXPECT_EQ(VM_TRAP, run_op(vm, HALT));
	EXPECT_EQ(0x71, vm->trap.vector);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	close(fd);
}

TEST_F(apic, the_eoi_signals_resample)
{
	VM *vm = &self->vm;
	int fd = new_eventfd(), resample = new_eventfd();

	ASSERT_EQ(0, route(vm, 9, LEVEL | 0x55));
	ASSERT_EQ(0, irqfd(vm, fd, 9, MINIVMX_IRQFD_RESAMPLE, resample));
	signal_fd(fd);
	EXPECT_EQ(0x55, taken(vm));
	EXPECT_EQ(0, signals(resample));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(vm));
	vm->run->regs.rdi = APIC + LAPIC_EOI;
	EXPECT_EQ(MINIVMX_EXIT_EOI, run_op(vm, EOI));
	EXPECT_EQ(1, signals(resample));
	/* Of another vector: nothing. */
	EXPECT_EQ(0, minivmx_signal_msi(vm->fd, APIC, LEVEL | 0x56));
	EXPECT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(vm));
	EXPECT_EQ(0x56, taken(vm));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(vm));
	vm->run->regs.rdi = APIC + LAPIC_EOI;
	EXPECT_EQ(MINIVMX_EXIT_EOI, run_op(vm, EOI));
	EXPECT_EQ(0, signals(resample));
	close(fd);
	close(resample);
}

struct signaller {
	int fd;
	unsigned int nr;
};

static void *signal_many(void *arg)
{
	struct signaller *s = arg;

	while (s->nr--) {
		signal_fd(s->fd);
		if (s->nr % 8 == 0)
			usleep(s->nr % 400);
	}
	return NULL;
}

/*
 * Signals that come faster than they are taken are one; after the last there is one
 * more interrupt, and none after that.
 */
TEST_F_TIMEOUT(apic, none_is_lost_from_another_thread, 7200)
{
	struct signaller s = { .fd = new_eventfd(), .nr = rounds(500, 100000) };
	VM *vm = &self->vm;
	const unsigned int nr = s.nr;
	unsigned int seen = 0;
	pthread_t thread;

	ASSERT_EQ(0, route(vm, 3, 0x71));
	ASSERT_EQ(0, irqfd(vm, s.fd, 3, 0, 0));
	ASSERT_EQ(0, pthread_create(&thread, NULL, signal_many, &s));
	for (;;) {
		bool over = !pthread_tryjoin_np(thread, NULL);

		while (taken(vm) == 0x71) {
			end_interrupt(vm);
			seen++;
		}
		if (over)
			break;
	}
	EXPECT_LT(0, seen);
	EXPECT_GE(nr, seen);
	EXPECT_EQ(-1, taken(vm));
	signal_fd(s.fd);
	EXPECT_EQ(0x71, taken(vm));
	close(s.fd);
}

TEST_F_TIMEOUT(apic, eventfds_that_are_closed, 300)
{
	const unsigned int nr = rounds(50, 3000);
	VM *vm = &self->vm;
	unsigned int i;

	ASSERT_EQ(0, route(vm, 3, 0x71));
	/* Each is freed by the next, or by the end of the VM: there is no limit. */
	for (i = 0; i < nr; i++) {
		int fd = new_eventfd();

		ASSERT_EQ(0, irqfd(vm, fd, 3, 0, 0));
		close(fd);
	}
	EXPECT_EQ(-1, taken(vm));
}

TEST_F(apic, what_irqfd_refuses)
{
	const struct minivmx_gsi_route twice[] = {
		{ .address = APIC, .gsi = 1 }, { .address = APIC, .gsi = 1 },
	};
	struct minivmx_gsi_route wild = { .address = APIC, .gsi = MINIVMX_MAX_GSIS };
	VM *vm = &self->vm, plain;
	int fd = new_eventfd();

	EXPECT_EQ(-EEXIST, minivmx_set_gsi_routes(vm->fd, twice, 2));
	EXPECT_EQ(-EINVAL, minivmx_set_gsi_routes(vm->fd, &wild, 1));
	wild = (struct minivmx_gsi_route) { .address = 0xfed00000 };
	EXPECT_EQ(-EINVAL, minivmx_set_gsi_routes(vm->fd, &wild, 1));
	EXPECT_EQ(-E2BIG, minivmx_set_gsi_routes(vm->fd, &wild, MINIVMX_MAX_GSIS + 1));
	EXPECT_EQ(-EFAULT, minivmx_set_gsi_routes(vm->fd, (void *)8, 1));

	EXPECT_EQ(-EINVAL, irqfd(vm, fd, MINIVMX_MAX_GSIS, 0, 0));
	EXPECT_EQ(-EINVAL, irqfd(vm, fd, 3, 4, 0));
	EXPECT_EQ(-EINVAL, irqfd(vm, fd, 3, 0, fd));
	EXPECT_EQ(-EBADF, irqfd(vm, -1, 3, 0, 0));
	EXPECT_EQ(-EBADF, irqfd(vm, fd, 3, MINIVMX_IRQFD_RESAMPLE, -1));
	EXPECT_EQ(-EINVAL, irqfd(vm, vm->fd, 3, 0, 0));
	EXPECT_EQ(-ENOENT, irqfd(vm, fd, 3, MINIVMX_EVENTFD_REMOVE, 0));
	EXPECT_EQ(0, irqfd(vm, fd, 3, 0, 0));
	EXPECT_EQ(-EEXIST, irqfd(vm, fd, 3, 0, 0));
	EXPECT_EQ(-ENOENT, irqfd(vm, fd, 4, MINIVMX_EVENTFD_REMOVE, 0));

	vm_flags = 0;
	vm_create_empty(&plain);
	EXPECT_EQ(-ENODEV, irqfd(&plain, fd, 3, 0, 0));
	EXPECT_EQ(-ENODEV, route(&plain, 3, 0x71));
	vm_destroy(&plain);
	close(fd);
}

/* ---- ioeventfd ---- */

static int out(VM *vm, uint16_t port, uint32_t value)
{
	vm->run->regs.rdx = port;
	vm->run->regs.rax = value;
	return run_op(vm, OUT);
}

static int store(VM *vm, uint64_t address, uint64_t value, enum op op)
{
	vm->run->regs.rdi = address;
	vm->run->regs.rax = value;
	return run_op(vm, op);
}

TEST_F(apic, writes_to_a_port)
{
	VM *vm = &self->vm;
	int any = new_eventfd(), data = new_eventfd();

	ASSERT_EQ(0, ioeventfd(vm, any, 0x300, 4, 0, MINIVMX_IOEVENTFD_PIO));
	ASSERT_EQ(0, ioeventfd(vm, data, 0x304, 4, 7, MINIVMX_IOEVENTFD_PIO | MINIVMX_IOEVENTFD_DATA));
	EXPECT_EQ(MINIVMX_EXIT_HYPERCALL, out(vm, 0x300, 1));
	EXPECT_EQ(MINIVMX_EXIT_HYPERCALL, out(vm, 0x300, 2));
	EXPECT_EQ(2, signals(any));
	EXPECT_EQ(MINIVMX_EXIT_HYPERCALL, out(vm, 0x304, 7));
	EXPECT_EQ(1, signals(data));
	EXPECT_EQ(MINIVMX_EXIT_IO, out(vm, 0x304, 8));
	EXPECT_EQ(8, *(uint32_t *)vm->run->io.data);
	EXPECT_EQ(0, signals(data));
	EXPECT_EQ(MINIVMX_EXIT_IO, out(vm, 0x301, 7));
	EXPECT_EQ(0, ioeventfd(vm, any, 0x300, 4, 0, MINIVMX_IOEVENTFD_PIO | MINIVMX_EVENTFD_REMOVE));
	EXPECT_EQ(MINIVMX_EXIT_IO, out(vm, 0x300, 1));
	close(any);
	close(data);
	/* It is held here, though nobody can see it. */
	EXPECT_EQ(MINIVMX_EXIT_HYPERCALL, out(vm, 0x304, 7));
}

TEST_F(apic, writes_to_memory)
{
	VM *vm = &self->vm;
	int any = new_eventfd(), quad = new_eventfd();

	ASSERT_EQ(0, ioeventfd(vm, any, VM_MMIO, 0, 0, 0));
	ASSERT_EQ(0, ioeventfd(vm, quad, VM_MMIO + 8, 8, 1UL << 40, MINIVMX_IOEVENTFD_DATA));
	EXPECT_EQ(MINIVMX_EXIT_HYPERCALL, store(vm, VM_MMIO, 1, WRITE));
	EXPECT_EQ(MINIVMX_EXIT_HYPERCALL, store(vm, VM_MMIO, 1, WRITE_QUAD));
	EXPECT_EQ(2, signals(any));
	EXPECT_EQ(MINIVMX_EXIT_HYPERCALL, store(vm, VM_MMIO + 8, 1UL << 40, WRITE_QUAD));
	EXPECT_EQ(1, signals(quad));
	EXPECT_EQ(MINIVMX_EXIT_MMIO, store(vm, VM_MMIO + 8, 0, WRITE));
	EXPECT_EQ(0, signals(quad));
	/* Reading is another matter. */
	vm->run->regs.rdi = VM_MMIO;
	EXPECT_EQ(MINIVMX_EXIT_MMIO, run_op(vm, READ));
	EXPECT_EQ(0, signals(any));
	close(any);
	close(quad);
}

TEST_F(apic, what_ioeventfd_refuses)
{
	const uint32_t pio = MINIVMX_IOEVENTFD_PIO, data = MINIVMX_IOEVENTFD_DATA;
	VM *vm = &self->vm;
	int fd = new_eventfd();

	EXPECT_EQ(-EINVAL, ioeventfd(vm, fd, 0x10000, 1, 0, pio));
	EXPECT_EQ(-EINVAL, ioeventfd(vm, fd, 0x300, 8, 0, pio));
	EXPECT_EQ(-EINVAL, ioeventfd(vm, fd, 0x300, 3, 0, pio));
	EXPECT_EQ(-EINVAL, ioeventfd(vm, fd, 0x300, 16, 0, 0));
	EXPECT_EQ(-EINVAL, ioeventfd(vm, fd, 0x300, 0, 1, pio | data));
	EXPECT_EQ(-EINVAL, ioeventfd(vm, fd, 0x300, 1, 0x100, pio | data));
	EXPECT_EQ(-EINVAL, ioeventfd(vm, fd, 0x300, 1, 1, pio));
	EXPECT_EQ(-EINVAL, ioeventfd(vm, fd, 0x300, 1, 0, 8));
	EXPECT_EQ(-EBADF, ioeventfd(vm, -1, 0x300, 1, 0, pio));
	EXPECT_EQ(-EINVAL, ioeventfd(vm, vm->fd, 0x300, 1, 0, pio));
	EXPECT_EQ(-ENOENT, ioeventfd(vm, fd, 0x300, 1, 0, pio | MINIVMX_EVENTFD_REMOVE));
	EXPECT_EQ(0, ioeventfd(vm, fd, 0x300, 1, 0, pio));
	EXPECT_EQ(-EEXIST, ioeventfd(vm, fd, 0x300, 0, 0, pio));
	EXPECT_EQ(-EEXIST, ioeventfd(vm, fd, 0x300, 1, 5, pio | data));
	EXPECT_EQ(0, ioeventfd(vm, fd, 0x300, 2, 0, pio));
	EXPECT_EQ(0, ioeventfd(vm, fd, 0x300, 1, 0, 0));
	close(fd);
}

TEST_F(apic, there_is_a_limit)
{
	VM *vm = &self->vm;
	int fd = new_eventfd();
	unsigned int i;

	for (i = 0; i < MINIVMX_MAX_IOEVENTFDS; i++)
		ASSERT_EQ(0, ioeventfd(vm, fd, VM_MMIO + i, 1, 0, 0));
	EXPECT_EQ(-ENOSPC, ioeventfd(vm, fd, VM_MMIO + i, 1, 0, 0));
	close(fd);
	/* All of it goes with the VM. */
	vm_destroy(vm);
	EXPECT_COUNTERS_ZERO();
	vm_create(vm);
}

TEST_HARNESS_MAIN
