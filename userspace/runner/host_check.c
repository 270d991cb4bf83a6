// SPDX-License-Identifier: GPL-2.0
/* See host_check.h. A row in the table at the end for each check. */
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "array.h"
#include "host_check.h"
#include "libminivmx.h"

/* /proc/cpuinfo of a machine with many CPUs; the first of them is enough. */
#define TEXT_SIZE	16384
#define MAX_CONTROLS	256

/**
 * struct host - the host that is looked at
 * @root: in front of all paths
 * @cpuinfo: of its first CPU
 * @modules: /proc/modules
 * @release: of its kernel
 */
struct host {
	const char *root;
	char cpuinfo[TEXT_SIZE];
	char modules[TEXT_SIZE];
	char release[128];
};

/* ---- Findings ---- */

__attribute__((format(printf, 4, 5)))
static void found(struct finding *finding, enum finding_state state, const char *hint,
		  const char *format, ...)
{
	va_list args;

	finding->state = state;
	snprintf(finding->hint, sizeof(finding->hint), "%s", hint);
	va_start(args, format);
	vsnprintf(finding->text, sizeof(finding->text), format, args);
	va_end(args);
}

const char *finding_state_name(enum finding_state state)
{
	static const char *const names[] = {
		[FINDING_OK] = "ok",
		[FINDING_NOTE] = "note",
		[FINDING_BAD] = "bad",
		[FINDING_UNKNOWN] = "unknown",
	};

	return names[state];
}

/* ---- Files ---- */

struct path {
	char text[512];
};

__attribute__((format(printf, 2, 3)))
static struct path path_of(const struct host *host, const char *format, ...)
{
	struct path path;
	size_t len;
	va_list args;

	snprintf(path.text, sizeof(path.text), "%s", host->root);
	len = strlen(path.text);
	va_start(args, format);
	vsnprintf(path.text + len, sizeof(path.text) - len, format, args);
	va_end(args);
	return path;
}

/* The beginning of a file, without the newline at its end; "" if it cannot be read. */
static bool read_text(const struct host *host, const char *name, char *text, size_t size)
{
	struct path path = path_of(host, "%s", name);
	int fd = open(path.text, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = fd >= 0 ? read(fd, text, size - 1) : -1;

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	if (n > 0 && text[n - 1] == '\n')
		text[n - 1] = '\0';
	return n >= 0;
}

/* What /proc/cpuinfo has behind a key of the first CPU; "" if it has not. */
static void cpu_value(const struct host *host, const char *key, char *value, size_t size)
{
	const size_t len = strlen(key);
	const char *line, *text;

	value[0] = '\0';
	for (line = host->cpuinfo; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, len) || (line[len] != '\t' && line[len] != ' '))
			continue;
		text = strchr(line, ':');
		if (!text)
			return;
		for (text++; *text == ' '; text++)
			;
		snprintf(value, size, "%.*s", (int)strcspn(text, "\n"), text);
		return;
	}
}

/* Is @word among the words of @text? */
static bool has_word(const char *text, const char *word)
{
	const size_t len = strlen(word);
	const char *at;

	for (at = text; (at = strstr(at, word)); at += len)
		if ((at == text || isspace((unsigned char)at[-1])) &&
		    (!at[len] || isspace((unsigned char)at[len])))
			return true;
	return false;
}

static bool cpu_has(const struct host *host, const char *flag)
{
	char flags[8192];

	cpu_value(host, "flags", flags, sizeof(flags));
	return has_word(flags, flag);
}

static bool module_is_loaded(const struct host *host, const char *name)
{
	const size_t len = strlen(name);
	const char *line;

	for (line = host->modules; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, name, len) && line[len] == ' ')
			return true;
	}
	return false;
}

/* An MSR of the first CPU, as the module msr shows it to root. */
static bool read_msr(const struct host *host, uint32_t index, __u64 *value)
{
	struct path path = path_of(host, "/dev/cpu/0/msr");
	int fd = open(path.text, O_RDONLY | O_CLOEXEC);
	bool ok = fd >= 0 && pread(fd, value, sizeof(*value), index) == sizeof(*value);

	if (fd >= 0)
		close(fd);
	return ok;
}

/* ---- The CPU ---- */

static void check_cpu(const struct host *host, struct finding *finding)
{
	char vendor[64], model[128];

	cpu_value(host, "vendor_id", vendor, sizeof(vendor));
	cpu_value(host, "model name", model, sizeof(model));
	if (!vendor[0])
		found(finding, FINDING_UNKNOWN, "", "/proc/cpuinfo cannot be read");
	else if (strcmp(vendor, "GenuineIntel"))
		found(finding, FINDING_BAD, "minivmx is for Intel's VT-x; testbed/run gives you a machine that has it",
		      "%s is not Intel's (%s)", model, vendor);
	else if (!cpu_has(host, "lm"))
		found(finding, FINDING_BAD, "", "%s has no 64-bit mode", model);
	else
		found(finding, FINDING_OK, "", "%s", model);
}

/* The kernel takes the flag away where the firmware has turned VT-x off. */
static void check_vmx(const struct host *host, struct finding *finding)
{
	if (cpu_has(host, "vmx"))
		found(finding, FINDING_OK, "", "the CPU has VT-x, and Linux may use it");
	else if (cpu_has(host, "hypervisor"))
		found(finding, FINDING_BAD, "turn on nested virtualization where this virtual machine is defined (QEMU: -cpu host); testbed/run gives you a machine with VT-x",
		      "this virtual machine has no VT-x (no \"vmx\" in /proc/cpuinfo)");
	else
		found(finding, FINDING_BAD, "turn it on in the firmware's setup (\"Virtualization Technology\"); testbed/run gives you a machine with VT-x",
		      "no VT-x (no \"vmx\" in /proc/cpuinfo): missing, or off in the firmware");
}

/* IA32_FEATURE_CONTROL: bit 0 locks it, bit 2 is VMX outside SMX operation. */
static void check_firmware(const struct host *host, struct finding *finding)
{
	__u64 control;

	if (!read_msr(host, 0x3a, &control))
		found(finding, cpu_has(host, "vmx") ? FINDING_OK : FINDING_UNKNOWN,
		      cpu_has(host, "vmx") ? "" : "modprobe msr, and ask again as root",
		      cpu_has(host, "vmx") ? "VT-x is enabled, by what Linux says" :
					     "IA32_FEATURE_CONTROL cannot be read");
	else if (!(control & 1))
		found(finding, FINDING_OK, "", "IA32_FEATURE_CONTROL (%#llx) is not locked: it can be enabled",
		      control);
	else if (control & 4)
		found(finding, FINDING_OK, "", "IA32_FEATURE_CONTROL (%#llx): VT-x is enabled and locked",
		      control);
	else
		found(finding, FINDING_BAD, "enable it in the firmware's setup, and turn the power off and on",
		      "IA32_FEATURE_CONTROL (%#llx): the firmware has locked VT-x off",
		      control);
}

static void check_place(const struct host *host, struct finding *finding)
{
	if (cpu_has(host, "hypervisor"))
		found(finding, FINDING_NOTE, "", "this is a virtual machine: guests here are nested ones, and slow");
	else
		found(finding, FINDING_OK, "", "no hypervisor is below this machine");
}

/* ---- Capabilities ---- */

/* What is in /proc/cpuinfo's "vmx flags" of what minivmx cannot do without. */
static void check_vmx_flags(const struct host *host, struct finding *finding)
{
	static const char *const needed[] = { "ept", "vpid", "unrestricted_guest" };
	char flags[1024];
	size_t i;

	cpu_value(host, "vmx flags", flags, sizeof(flags));
	if (!flags[0]) {
		found(finding, FINDING_UNKNOWN, "load minivmx, or modprobe msr and ask again as root",
		      "what VT-x can do cannot be read");
		return;
	}
	for (i = 0; i < ARRAY_SIZE(needed); i++) {
		if (has_word(flags, needed[i]))
			continue;
		found(finding, FINDING_BAD, "a newer CPU has it", "VT-x lacks %s", needed[i]);
		return;
	}
	found(finding, FINDING_OK, "", "VT-x has EPT, VPID and unrestricted guests");
}

/* From the module, or by the MSRs; false if neither can be asked. */
static bool read_caps(const struct host *host, struct minivmx_caps *caps)
{
	int fd = host->root[0] ? -1 : minivmx_open(NULL);
	uint32_t i;
	int ret;

	if (fd >= 0) {
		ret = minivmx_get_caps(fd, caps);
		close(fd);
		return !ret;
	}
	*caps = (struct minivmx_caps) { .physical_bits = 36, .linear_bits = 48 };
	for (i = 0; i < MINIVMX_NR_VMX_MSRS; i++)
		if (!read_msr(host, 0x480 + i, &caps->vmx_msrs[i]) && !i)
			return false;
	return true;
}

static void check_capabilities(const struct host *host, struct finding *finding)
{
	static struct minivmx_control controls[MAX_CONTROLS];
	struct minivmx_caps caps;
	int i, nr, set = 0;

	if (!read_caps(host, &caps)) {
		check_vmx_flags(host, finding);
		return;
	}
	nr = minivmx_controls(&caps, controls, MAX_CONTROLS);
	for (i = 0; i < nr && i < MAX_CONTROLS; i++) {
		set += controls[i].use == MINIVMX_USE_SET || controls[i].use == MINIVMX_USE_DYNAMIC;
		if (controls[i].use != MINIVMX_USE_UNFIT)
			continue;
		found(finding, FINDING_BAD, "minivmx caps shows all of them; a newer CPU has it",
		      "VT-x lacks a control that minivmx needs: %s (%s)", controls[i].name,
		      controls[i].why);
		return;
	}
	found(finding, FINDING_OK, "minivmx caps shows them",
	      "VT-x has all that minivmx needs, and it uses %d controls", set);
}

/* ---- The kernel ---- */

static void check_headers(const struct host *host, struct finding *finding)
{
	struct path path = path_of(host, "/lib/modules/%s/build/Makefile", host->release);
	char hint[128];

	if (!access(path.text, F_OK)) {
		found(finding, FINDING_OK, "", "the headers of Linux %s are here, to build the module",
		      host->release);
		return;
	}
	snprintf(hint, sizeof(hint), "Debian: apt install linux-headers-%.64s", host->release);
	found(finding, module_is_loaded(host, "minivmx") ? FINDING_NOTE : FINDING_BAD, hint,
	      "the headers of Linux %s are missing, without which no module can be built",
	      host->release);
}

/* "none [integrity] confidentiality" */
static bool is_locked_down(const struct host *host)
{
	char lockdown[128];

	return read_text(host, "/sys/kernel/security/lockdown", lockdown, sizeof(lockdown)) &&
	       lockdown[0] && !strstr(lockdown, "[none]");
}

/* Four bytes of attributes, then the value. */
static bool has_secure_boot(const struct host *host)
{
	struct path path = path_of(host, "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c");
	int fd = open(path.text, O_RDONLY | O_CLOEXEC);
	uint8_t value[5] = { 0 };
	bool on = fd >= 0 && read(fd, value, sizeof(value)) == sizeof(value) && value[4] == 1;

	if (fd >= 0)
		close(fd);
	return on;
}

static void check_signature(const struct host *host, struct finding *finding)
{
	const char *boot = has_secure_boot(host) ? "; Secure Boot is on" : "";
	char enforce[16];

	read_text(host, "/sys/module/module/parameters/sig_enforce", enforce, sizeof(enforce));
	if (!is_locked_down(host) && enforce[0] != 'Y')
		found(finding, FINDING_OK, "", "the kernel loads modules that nobody has signed%s", boot);
	else if (module_is_loaded(host, "minivmx"))
		found(finding, FINDING_OK, "", "the kernel wants signed modules, and has taken this one%s", boot);
	else
		found(finding, FINDING_BAD, "sign it with a key that the machine knows (mokutil --import), or turn Secure Boot off",
		      "the kernel loads only modules that are signed (%s)%s",
		      is_locked_down(host) ? "lockdown" : "module.sig_enforce", boot);
}

/* ---- minivmx ---- */

static void check_module(const struct host *host, struct finding *finding)
{
	if (module_is_loaded(host, "minivmx"))
		found(finding, FINDING_OK, "", "the module minivmx is loaded");
	else
		found(finding, FINDING_BAD, "modprobe minivmx if it is installed, or make, then insmod build/module/*/minivmx.ko; dmesg says why it refuses",
		      "the module minivmx is not loaded");
}

static void check_device(const struct host *host, struct finding *finding)
{
	struct path path = path_of(host, "%s", MINIVMX_DEVICE);
	struct minivmx_error error;
	struct stat status;
	int fd;

	if (stat(path.text, &status)) {
		found(finding, FINDING_BAD, "it comes with the module", "%s does not exist", MINIVMX_DEVICE);
		return;
	}
	if (access(path.text, R_OK | W_OK)) {
		found(finding, FINDING_BAD, "run minivmx as root, or let your user read and write the node (ls -l shows its owner and mode)",
		      "you may not open %s: %s", MINIVMX_DEVICE, strerror(errno));
		return;
	}
	if (host->root[0]) {
		found(finding, FINDING_OK, "", "you may open %s", MINIVMX_DEVICE);
		return;
	}
	fd = minivmx_open(&error);
	if (fd < 0) {
		found(finding, FINDING_BAD, error.hint, "%s", error.text);
		return;
	}
	close(fd);
	found(finding, FINDING_OK, "", "you may open %s, and it speaks version %d of the interface",
	      MINIVMX_DEVICE, MINIVMX_API_VERSION);
}

/* By the module, if it can be asked. */
static bool read_info(const struct host *host, struct minivmx_info *info)
{
	int ret, fd = host->root[0] ? -1 : minivmx_open(NULL);

	if (fd < 0)
		return false;
	ret = minivmx_get_info(fd, info);
	close(fd);
	return !ret;
}

static void check_owner(const struct host *host, struct finding *finding)
{
	static const char *const others[] = { "vboxdrv", "vmmon", "haxm" };
	struct minivmx_info info;
	size_t i;

	if (!cpu_has(host, "vmx")) {
		found(finding, FINDING_UNKNOWN, "", "without VT-x there is nothing to own");
		return;
	}
	if (read_info(host, &info) && info.vmx_reason == MINIVMX_REASON_VMXE) {
		found(finding, FINDING_BAD, "stop the other hypervisor; dmesg says on which CPU it is",
		      "VMX is another hypervisor's, and not KVM's");
		return;
	}
	if (module_is_loaded(host, "kvm_intel")) {
		found(finding, FINDING_NOTE, "rmmod kvm_intel, while it has no guests, gives minivmx VMX of its own",
		      "KVM is loaded: VMX is KVM's, and minivmx borrows it");
		return;
	}
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		if (!module_is_loaded(host, others[i]))
			continue;
		found(finding, FINDING_NOTE, "do not run its guests and minivmx's at the same time",
		      "another hypervisor is loaded: %s", others[i]);
		return;
	}
	found(finding, FINDING_OK, "", "VMX is nobody's: minivmx takes it with its first VM");
}

static void add_name(char *list, size_t size, const char *name)
{
	size_t length = strlen(list);

	snprintf(list + length, size - length, "%s%s", length ? ", " : "", name);
}

/* What the module does about the CPU's bugs; false if it cannot be asked. */
static bool check_module_mitigations(const struct host *host, struct finding *finding)
{
	struct minivmx_mitigations mitigations;
	int ret, fd = host->root[0] ? -1 : minivmx_open(NULL);
	char open[160] = "";
	uint32_t i;

	if (fd < 0)
		return false;
	ret = minivmx_get_mitigations(fd, &mitigations);
	close(fd);
	if (ret)
		return false;
	for (i = 0; i < MINIVMX_NR_BUGS; i++)
		if (mitigations.state[i] == MINIVMX_MITIGATION_OFF ||
		    mitigations.state[i] == MINIVMX_MITIGATION_MISSING)
			add_name(open, sizeof(open), minivmx_bug_name(i));
	if (open[0])
		found(finding, FINDING_NOTE, "run guests that you trust; minivmx info says why",
		      "bugs of the CPU that a guest could use: %s", open);
	else if (mitigations.smt)
		found(finding, FINDING_NOTE, "echo off > /sys/devices/system/cpu/smt/control",
		      "the CPU's bugs are mitigated but for what sibling threads share");
	else
		found(finding, FINDING_OK, "", "no bug of the CPU is open to a guest");
	return true;
}

/* The bugs for which a hypervisor has something to do. */
static void check_mitigations(const struct host *host, struct finding *finding)
{
	static const char *const bugs[] = {
		"l1tf", "mds", "tsx_async_abort", "mmio_stale_data", "retbleed", "spectre_v2",
		"spec_store_bypass", "vmscape",
	};
	char state[256], list[160] = "", name[64];
	size_t i;

	if (check_module_mitigations(host, finding))
		return;
	for (i = 0; i < ARRAY_SIZE(bugs); i++) {
		snprintf(name, sizeof(name), "/sys/devices/system/cpu/vulnerabilities/%s", bugs[i]);
		if (!read_text(host, name, state, sizeof(state)) || !strncmp(state, "Not affected", 12))
			continue;
		add_name(list, sizeof(list), bugs[i]);
	}
	if (list[0])
		found(finding, FINDING_NOTE, "load the module: it tells which of them it mitigates",
		      "the CPU has bugs that a guest could use: %s", list);
	else
		found(finding, FINDING_OK, "", "no bug of this CPU is known that a guest could use");
}

/* ---- All of them ---- */

static const struct {
	const char *name;
	void (*check)(const struct host *host, struct finding *finding);
} checks[] = {
	{ "cpu", check_cpu },
	{ "vmx", check_vmx },
	{ "firmware", check_firmware },
	{ "capabilities", check_capabilities },
	{ "machine", check_place },
	{ "headers", check_headers },
	{ "signature", check_signature },
	{ "module", check_module },
	{ "device", check_device },
	{ "owner", check_owner },
	{ "mitigations", check_mitigations },
};
static_assert(ARRAY_SIZE(checks) <= HOST_CHECKS_MAX, "host_check.h");

size_t host_check(const char *root, struct finding findings[HOST_CHECKS_MAX])
{
	static struct host host;
	size_t i;

	host.root = root;
	read_text(&host, "/proc/cpuinfo", host.cpuinfo, sizeof(host.cpuinfo));
	read_text(&host, "/proc/modules", host.modules, sizeof(host.modules));
	read_text(&host, "/proc/sys/kernel/osrelease", host.release, sizeof(host.release));
	for (i = 0; i < ARRAY_SIZE(checks); i++) {
		findings[i] = (struct finding) { .check = checks[i].name };
		checks[i].check(&host, &findings[i]);
	}
	return ARRAY_SIZE(checks);
}
