/* SPDX-License-Identifier: GPL-2.0 */
/* The module, and KVM's, coming and going. */
#ifndef SELFTESTS_MODULE_H
#define SELFTESTS_MODULE_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MODULE	"/lib/minivmx/minivmx.ko"

static inline bool exists(const char *path)
{
	return access(path, F_OK) == 0;
}

static inline long load_file(const char *path, const char *params)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	long ret = syscall(SYS_finit_module, fd, params, 0) ? -errno : 0;

	close(fd);
	return ret;
}

static inline long load_module(void)
{
	return load_file(MODULE, "");
}

static inline long unload_module(void)
{
	return syscall(SYS_delete_module, "minivmx", O_NONBLOCK) ? -errno : 0;
}

/* The testbed puts KVM's modules into /testbed/ko. */
static inline long load_kvm(const char *params)
{
	long ret = load_file("/testbed/ko/irqbypass.ko", "");

	if (!ret)
		ret = load_file("/testbed/ko/kvm.ko", params);
	return ret ?: load_file("/testbed/ko/kvm-intel.ko", "");
}

/* selftests/kmod, from the folder where the tests run. */
static inline long load_probe(void)
{
	return load_file("./probe.ko", "");
}

static inline void unload_probe(void)
{
	syscall(SYS_delete_module, "probe", O_NONBLOCK);
}

/* False if something keeps it. */
static inline bool unload_kvm(void)
{
	static const char *const modules[] = { "kvm_intel", "kvm", "irqbypass" };
	int i;

	for (i = 0; i < 3; i++)
		if (syscall(SYS_delete_module, modules[i], O_NONBLOCK) && errno != ENOENT)
			return false;
	return true;
}

/* What there is of it while it is loaded, and not otherwise. */
static const char *const module_traces[] = {
	"/dev/minivmx", "/sys/module/minivmx", "/sys/class/misc/minivmx",
	"/sys/kernel/debug/minivmx",
};
#define NR_TRACES	(sizeof(module_traces) / sizeof(module_traces[0]))

#endif /* SELFTESTS_MODULE_H */
