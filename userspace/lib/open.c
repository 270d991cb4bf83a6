// SPDX-License-Identifier: GPL-2.0
/*
 * Opening the device and taking VMX: the two places where the state of the host
 * decides, so where an errno alone helps nobody.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libminivmx.h"

#define KVM_DEVICE	"/dev/kvm"

__attribute__((format(printf, 4, 5)))
static int explain(struct minivmx_error *error, int code, const char *hint,
		   const char *format, ...)
{
	va_list args;

	if (error) {
		error->code = code;
		snprintf(error->hint, sizeof(error->hint), "%s", hint);
		va_start(args, format);
		vsnprintf(error->text, sizeof(error->text), format, args);
		va_end(args);
	}
	return -code;
}

/* Whether the first "flags" line of /proc/cpuinfo has @flag; -1 if unknown. */
static int cpu_has(const char *flag)
{
	size_t length = strlen(flag);
	char line[8192];
	int found = -1;
	FILE *file = fopen("/proc/cpuinfo", "re");

	if (!file)
		return -1;
	while (fgets(line, sizeof(line), file)) {
		const char *word;

		if (strncmp(line, "flags", 5))
			continue;
		found = 0;
		for (word = line; (word = strstr(word, flag)); word += length) {
			if (word[-1] == ' ' && isspace((unsigned char)word[length]))
				found = 1;
		}
		break;
	}
	fclose(file);
	return found;
}

/* How many use module @name (its VMs, for a hypervisor); -1 if not loaded. */
static long module_users(const char *name)
{
	char line[4096], module[64];
	long users, result = -1;
	FILE *file = fopen("/proc/modules", "re");

	if (!file)
		return -1;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%63s %*s %ld", module, &users) == 2 &&
		    !strcmp(module, name)) {
			result = users;
			break;
		}
	}
	fclose(file);
	return result;
}

static int explain_missing(struct minivmx_error *error, const char *path, int code)
{
	if (cpu_has("vmx") == 0)
		return explain(error, code,
			       "VT-x may be off in the firmware, or this may be a virtual machine without nested VT-x; testbed/run gives you a machine that has it",
			       "%s does not exist, and this CPU has no VT-x (no \"vmx\" in /proc/cpuinfo)",
			       path);
	if (module_users("minivmx") >= 0)
		return explain(error, code,
			       "make sure that /dev is a devtmpfs, or look up the number in /proc/misc and use mknod",
			       "%s does not exist, though the minivmx module is loaded",
			       path);
	return explain(error, code,
		       "load it: insmod minivmx.ko, or modprobe minivmx if it is installed; if that fails, the kernel log says why",
		       "%s does not exist: the minivmx module is not loaded", path);
}

static int explain_open(struct minivmx_error *error, const char *path, int code)
{
	switch (code) {
	case ENOENT:
	case ENOTDIR:
		return explain_missing(error, path, code);
	case ENXIO:
	case ENODEV:
		return explain(error, code,
			       "load the module (insmod minivmx.ko); if the node is a leftover, remove it first",
			       "%s has no driver behind it: the minivmx module is not loaded",
			       path);
	case EACCES:
	case EPERM:
		return explain(error, code,
			       "run it as root, or let your user read and write the node (ls -l shows its owner and mode)",
			       "you may not open %s (%s)", path, minivmx_errno_name(code));
	default:
		return explain(error, code, "", "cannot open %s: %s", path,
			       strerror(code));
	}
}

/* Only what passes is surely the module that this library was built for. */
static int check_device(int fd, const char *path, struct minivmx_error *error)
{
	struct minivmx_info info;
	struct stat status;
	int ret;

	if (fstat(fd, &status) < 0)
		return explain(error, errno, "", "cannot stat %s: %s", path,
			       strerror(errno));
	if (!S_ISCHR(status.st_mode))
		return explain(error, ENODEV,
			       "something wrote a file there; remove it and load the minivmx module again",
			       "%s is not a character device", path);
	ret = minivmx_get_info(fd, &info);
	if (ret == -ENOTTY)
		return explain(error, ENOTTY, "", "%s is another driver's device",
			       path);
	if (ret < 0)
		return explain(error, -ret, "", "%s does not answer: %s", path,
			       strerror(-ret));
	if (info.api_version != MINIVMX_API_VERSION)
		return explain(error, EPROTO,
			       "build the module and this program from the same sources",
			       "the minivmx module speaks version %u of the interface, this program version %u",
			       info.api_version, MINIVMX_API_VERSION);
	return 0;
}

int minivmx_open_path(const char *path, struct minivmx_error *error)
{
	int fd, ret;

	/* O_NONBLOCK: a FIFO in the node's place must not hang the open. */
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return explain_open(error, path, errno);
	ret = check_device(fd, path, error);
	if (ret < 0) {
		close(fd);
		return ret;
	}
	return fd;
}

int minivmx_open(struct minivmx_error *error)
{
	return minivmx_open_path(MINIVMX_DEVICE, error);
}

/* VMX was refused to one that does not borrow, and cannot be borrowed. */
static int explain_busy(struct minivmx_error *error, uint32_t reason, int kvm_errno)
{
	if (reason == MINIVMX_REASON_VMXE || reason == MINIVMX_REASON_NONE)
		return explain(error, EBUSY,
			       "the kernel log says on which CPU; stop the other hypervisor (VirtualBox, VMware)",
			       "VMX is taken by another hypervisor than KVM");
	if (kvm_errno == EACCES || kvm_errno == EPERM)
		return explain(error, EBUSY,
			       "join the group of /dev/kvm (ls -l shows it), or unload KVM: rmmod kvm_intel",
			       "VMX is KVM's, and you may not open " KVM_DEVICE " to borrow it");
	if (reason == MINIVMX_REASON_KVM_ONLY && kvm_errno == ENOENT)
		return explain(error, EBUSY, "load it: modprobe kvm_intel",
			       "this kernel lets only KVM turn VMX on, and KVM is not loaded");
	return explain(error, EBUSY, "the kernel log may say why; or unload KVM: rmmod kvm_intel",
		       "VMX is KVM's, and cannot be borrowed: " KVM_DEVICE ": %s",
		       strerror(kvm_errno));
}

static int explain_create(struct minivmx_error *error, int code)
{
	switch (code) {
	case EOPNOTSUPP:
		if (cpu_has("vmx") == 0)
			return explain(error, code,
				       "VT-x may be off in the firmware; testbed/run gives you a machine that has it",
				       "this CPU has no VT-x");
		return explain(error, code,
			       "the kernel log names the CPU and the feature; without that CPU (offline) it may do",
			       "a CPU's VT-x lacks a feature that minivmx needs or that the other CPUs have");
	case EACCES:
		return explain(error, code,
			       "enable it for all CPUs in the firmware's setup; the kernel log names the CPU",
			       "VT-x is off on a CPU");
	case ENOMEM:
		return explain(error, code, "", "the host has no memory for a VM");
	default:
		return explain(error, code, "the kernel log may say more",
			       "cannot create a VM: %s", strerror(code));
	}
}

/* A KVM VM, which has nothing to do but to keep VMX on; or a negative errno. */
static int create_kvm_vm(void)
{
	int kvm = open(KVM_DEVICE, O_RDWR | O_CLOEXEC);
	int vm;

	if (kvm < 0)
		return -errno;
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	if (vm < 0)
		vm = -errno;
	close(kvm);
	return vm;
}

static int borrow(int fd, uint32_t flags, struct minivmx_error *error)
{
	struct minivmx_create_vm create = { .flags = flags | MINIVMX_VM_BORROW };
	struct minivmx_info info;
	int vm;

	if (minivmx_get_info(fd, &info) < 0)
		info.vmx_reason = MINIVMX_REASON_NONE;
	create.kvm_fd = create_kvm_vm();
	if (create.kvm_fd < 0)
		return explain_busy(error, info.vmx_reason, -create.kvm_fd);
	vm = ioctl(fd, MINIVMX_CREATE_VM, &create);
	if (vm < 0)
		vm = explain_create(error, errno);
	/* The module holds a reference of its own. */
	close(create.kvm_fd);
	return vm;
}

int minivmx_create_vm(int fd, uint32_t flags, struct minivmx_error *error)
{
	struct minivmx_create_vm create = { .flags = flags };
	int vm = ioctl(fd, MINIVMX_CREATE_VM, &create);

	if (vm >= 0)
		return vm;
	return errno == EBUSY ? borrow(fd, flags, error) : explain_create(error, errno);
}
