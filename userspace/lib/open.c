// SPDX-License-Identifier: GPL-2.0
/*
 * Opening the device and taking VMX: the two places where the state of the host
 * decides, so where an errno alone helps nobody.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libminivmx.h"

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

static int explain_busy(struct minivmx_error *error)
{
	long users = module_users("kvm_intel");

	if (users > 0)
		return explain(error, EBUSY,
			       "stop the virtual machines that use KVM, then: rmmod kvm_intel",
			       "VMX is taken by kvm_intel (use count %ld)", users);
	if (users == 0)
		return explain(error, EBUSY, "unload it: rmmod kvm_intel",
			       "VMX is taken by kvm_intel, which nobody uses now");
	return explain(error, EBUSY,
		       "the kernel log says on which CPU; stop the other hypervisor (VirtualBox, VMware, KVM built into the kernel)",
		       "VMX is taken by another hypervisor");
}

static int explain_create(struct minivmx_error *error, int code)
{
	switch (code) {
	case EBUSY:
		return explain_busy(error);
	case EOPNOTSUPP:
		if (cpu_has("vmx") == 0)
			return explain(error, code,
				       "VT-x may be off in the firmware; testbed/run gives you a machine that has it",
				       "this CPU has no VT-x");
		return explain(error, code,
			       "the kernel log names the missing feature",
			       "this CPU's VT-x lacks a feature that minivmx needs");
	case ENOMEM:
		return explain(error, code, "", "the host has no memory for a VM");
	default:
		return explain(error, code, "the kernel log may say more",
			       "cannot create a VM: %s", strerror(code));
	}
}

int minivmx_create_vm(int fd, struct minivmx_error *error)
{
	struct minivmx_create_vm create = { 0 };
	int vm = ioctl(fd, MINIVMX_CREATE_VM, &create);

	return vm < 0 ? explain_create(error, errno) : vm;
}
