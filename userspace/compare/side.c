// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "side.h"

/* ---- KVM, loaded or not ---- */

#define KVM_LOADED	"/sys/module/kvm_intel"

static bool kvm_is_loaded(void)
{
	return !access(KVM_LOADED, F_OK);
}

static int load_kvm(const struct side_setup *setup, struct message *message)
{
	long ret;
	int fd;

	if (setup->kvm_module) {
		fd = open(setup->kvm_module, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return fail(message, "%s: %m", setup->kvm_module);
		ret = syscall(SYS_finit_module, fd, "", 0);
		close(fd);
	} else {
		ret = system("modprobe kvm_intel");
	}
	return ret ? fail(message, "cannot load kvm_intel") : 0;
}

/* Have it loaded, or not, if that is for us to say. */
static int want_kvm(const struct side_setup *setup, bool want, struct message *message)
{
	if (!setup->owns || kvm_is_loaded() == want)
		return 0;
	if (want)
		return load_kvm(setup, message);
	if (syscall(SYS_delete_module, "kvm_intel", O_NONBLOCK))
		return fail(message, "cannot unload kvm_intel: %m");
	return 0;
}

/* ---- A side ---- */

int side_enter(const struct side *side, const struct side_setup *setup, struct vm *owner,
	       struct message *message)
{
	struct minivmx_error error;

	*owner = (struct vm) { .backend = &backend_kvm, .device = -1, .fd = -1 };
	if (want_kvm(setup, side->backend != &backend_minivmx || side->borrows, message))
		return -1;
	if (side->borrows && backend_kvm.open(owner, &error))
		return fail(message, "%s", error.text);
	return 0;
}

void side_leave(const struct side *side, struct vm *owner)
{
	if (side->borrows)
		backend_kvm.close(owner);
}

/* Can it run a guest, and is it what it says? */
static void side_try(struct side *side, const struct side_setup *setup)
{
	struct vm owner, vm = { .backend = side->backend };
	struct minivmx_error error;

	if (side_enter(side, setup, &owner, &side->missing))
		return;
	if (side->backend->open(&vm, &error)) {
		fail(&side->missing, "%s%s%s", error.text, error.hint[0] ? ": " : "", error.hint);
	} else {
		if (vm.borrows && !side->borrows)
			fail(&side->missing, "VMX is KVM's: --own unloads it meanwhile");
		side->backend->close(&vm);
	}
	side_leave(side, &owner);
}

unsigned int sides_find(struct side_setup *setup, struct side sides[NR_SIDES])
{
	unsigned int i, nr = 0;

	sides[SIDE_MINIVMX] = (struct side) { .name = "minivmx", .backend = &backend_minivmx };
	sides[SIDE_KVM] = (struct side) { .name = "kvm", .backend = &backend_kvm };
	sides[SIDE_BORROWED] = (struct side) {
		.name = "borrowed", .backend = &backend_minivmx, .borrows = true,
	};
	setup->was_loaded = kvm_is_loaded();
	for (i = 0; i < NR_SIDES; i++) {
		side_try(&sides[i], setup);
		nr += !sides[i].missing.text[0];
	}
	return nr;
}

void sides_end(const struct side_setup *setup)
{
	struct message why;

	if (want_kvm(setup, setup->was_loaded, &why))
		fprintf(stderr, "minivmx: %s\n", why.text);
}

/* ---- Signals ---- */

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
	interrupted = number;
}

void sides_catch_signals(void)
{
	const struct sigaction action = {
		.sa_handler = on_signal,
		.sa_flags = SA_RESTART | SA_RESETHAND,
	};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

int sides_interrupted(void)
{
	return interrupted;
}
