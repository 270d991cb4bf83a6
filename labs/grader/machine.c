// SPDX-License-Identifier: GPL-2.0
/* The student's VM: setting one up, running it, and what the kernel says of it. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "grader.h"
#include "libminivmx.h"
#include "explain.h"

const char *errno_text(int ret)
{
	static char text[64];
	const char *name = ret < 0 ? strerrorname_np(-ret) : NULL;

	if (!name)
		snprintf(text, sizeof(text), "%d", ret);
	else
		snprintf(text, sizeof(text), "-%s", name);
	return text;
}

const char *kind_text(int kind)
{
	static char text[64];
	const char *name = kind < 0 ? NULL : minivmx_kind_name(kind);

	if (name)
		snprintf(text, sizeof(text), "MINIVMX_EXIT_%s", name);
	else
		snprintf(text, sizeof(text), "%d", kind);
	return text;
}

void new_real(struct vm *vm, struct vcpu *vcpu, size_t size, uint16_t gpa,
	      const char *code, const char *code_end)
{
	int ret = vm_create(vm, size, 0);

	need(ret == 0, "vm_create() with %zu bytes returned %s, not 0", size, errno_text(ret));
	need(vm->size == size,
	     "vm_create() with %zu bytes has left %zu in vm->size", size, vm->size);
	ret = vcpu_create(vcpu, vm, 0);
	need(ret == 0, "vcpu_create() returned %s, not 0", errno_text(ret));
	memcpy(vm->mem + gpa, code, code_end - code);
	ret = vcpu_set_start(vcpu, gpa >> 4, gpa & 15);
	need(ret == 0, "vcpu_set_start(%#x, %#x) returned %s, not 0", gpa >> 4, gpa & 15,
	     errno_text(ret));
}

void end_vm(struct vm *vm, struct vcpu *vcpu)
{
	vcpu_destroy(vcpu);
	vm_destroy(vm);
}

/* The part that depends on the kind. */
static void exit_details(struct vcpu *vcpu, char *text, size_t size)
{
	const struct minivmx_run *run = vcpu->run;
	const char *reason = minivmx_exit_name(run->exit.reason & 0xffff);

	switch (run->kind) {
	case MINIVMX_EXIT_MEMORY:
		snprintf(text, size, " (an access of kind %#x to guest-physical address %#llx: %s)",
			 run->memory.access, (unsigned long long)run->memory.gpa,
			 strerror(run->memory.error));
		break;
	case MINIVMX_EXIT_MMIO:
		snprintf(text, size,
			 " (a %s of guest-physical address %#llx, where no memory is mapped)",
			 run->mmio.is_write ? "write" : "read", (unsigned long long)run->mmio.gpa);
		break;
	case MINIVMX_EXIT_IO:
		snprintf(text, size, " (%s of port %#x)", run->io.is_in ? "IN" : "OUT",
			 run->io.port);
		break;
	case MINIVMX_EXIT_ENTRY_FAIL:
		snprintf(text, size, " (");
		explain_entry(vcpu->fd, vcpu->vm->system, text + 2, size - 3);
		strcat(text, ")");
		break;
	default:
		snprintf(text, size, " (basic exit reason %u, %s)", run->exit.reason & 0xffff,
			 reason ? reason : "which has no name");
	}
}

const char *exit_text(struct vcpu *vcpu, int ret)
{
	static char text[TEXT];
	char details[TEXT / 2] = "";

	if (ret < 0) {
		snprintf(text, sizeof(text), "vcpu_run() returned %s", errno_text(ret));
		return text;
	}
	if (ret == (int)vcpu->run->kind)
		exit_details(vcpu, details, sizeof(details));
	snprintf(text, sizeof(text), "vcpu_run() returned %s%s, at RIP %#llx", kind_text(ret),
		 details, (unsigned long long)vcpu->run->regs.rip);
	return text;
}

void expect_exit(struct vcpu *vcpu, int kind, const char *where)
{
	int ret = vcpu_run(vcpu);
	char due[64];

	if (ret == kind)
		return;
	snprintf(due, sizeof(due), "%s", kind_text(kind));
	lose("%s: %s; %s was due", where, exit_text(vcpu, ret), due);
}

void expect_exit_behind(struct vcpu *vcpu, int kind, const char *where)
{
	vcpu->run->action = MINIVMX_SKIP;
	expect_exit(vcpu, kind, where);
}

/*
 * With an instruction of its own, so that no function of the student's by the name of
 * ioctl() comes in between.
 */
static long kernel_ioctl(int fd, unsigned long number, void *arg)
{
	long ret;

	asm volatile("syscall"
		     : "=a" (ret)
		     : "a" (16L), "D" ((long)fd), "S" (number), "d" (arg)
		     : "rcx", "r11", "memory");
	return ret;
}

static struct minivmx_exit_stat kernel_stat(struct vcpu *vcpu, unsigned int reason)
{
	struct minivmx_exit_stat rows[MINIVMX_NR_EXITS];
	struct minivmx_stats stats = {
		.nr = MINIVMX_NR_EXITS,
		.exits = (uintptr_t)rows,
	};
	long ret = kernel_ioctl(vcpu->fd, MINIVMX_GET_STATS, &stats);

	need(ret == 0, "vcpu->fd (%d) is no vCPU of this process: the kernel says %s", vcpu->fd,
	     errno_text(ret));
	return rows[reason];
}

uint64_t exits_counted(struct vcpu *vcpu, unsigned int reason)
{
	return kernel_stat(vcpu, reason).count;
}

uint64_t exits_to_user(struct vcpu *vcpu, unsigned int reason)
{
	return kernel_stat(vcpu, reason).to_user;
}

unsigned int open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int count = 0;

	must(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

unsigned int mappings(void)
{
	FILE *file = fopen("/proc/self/maps", "re");
	unsigned int lines = 0;
	int c;

	must(file);
	while ((c = getc(file)) != EOF)
		lines += c == '\n';
	fclose(file);
	return lines;
}
