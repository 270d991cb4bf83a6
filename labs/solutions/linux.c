// SPDX-License-Identifier: GPL-2.0
/*
 * Lab 7: Linux, by the 64-bit boot protocol ("The Linux/x86 Boot Protocol" in the kernel's
 * documentation).
 */
#include <asm/bootparam.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "linux.h"

/* Where things go, all below 640K. */
#define GDT		0x6000
#define ZERO_PAGE	0x7000
#define TABLES		0x9000		/* three pages */
#define STACK		0xd000		/* top */
#define COMMAND_LINE	0x20000
#define LOW_END		0x9fc00
#define HIGH_START	0x100000

#define HEADER		offsetof(struct boot_params, hdr)
#define MAGIC		0x53726448	/* "HdrS" */
#define HAS_64		0x020c		/* the version that can say that there is a 64-bit entry */
#define ENTRY_64	0x200
#define SECTOR		512

/* Linux asks for these selectors, which vmcs_set_long() has, to be in a GDT. */
#define CODE_64		0x00af9b000000ffffULL
#define DATA		0x00cf93000000ffffULL

static int read_header(const struct linux_boot *boot, struct setup_header *header)
{
	if (boot->image_size < HEADER + sizeof(*header))
		return -ENOEXEC;
	memcpy(header, boot->image + HEADER, sizeof(*header));
	if (header->boot_flag != 0xaa55 || header->header != MAGIC || header->version < HAS_64 ||
	    !(header->loadflags & LOADED_HIGH) || !(header->xloadflags & XLF_KERNEL_64))
		return -ENOEXEC;
	return 0;
}

/* What is behind the real-mode code, at the address that it prefers; *@end is behind it. */
static int load_kernel(struct vm *vm, const struct linux_boot *boot,
		       const struct setup_header *header, uint64_t *end)
{
	const size_t setup = ((header->setup_sects ? header->setup_sects : 4) + 1) * SECTOR;
	uint64_t size;

	if (boot->image_size <= setup || boot->image_size - setup < header->syssize * 16ULL)
		return -ENOEXEC;
	size = boot->image_size - setup;
	/* It unpacks itself there, and needs more than it has. */
	if (size < header->init_size)
		size = header->init_size;
	if (header->pref_address < HIGH_START || header->pref_address > vm->size ||
	    size > vm->size - header->pref_address)
		return -ENOMEM;
	*end = header->pref_address + size;
	memcpy(vm->mem + header->pref_address, boot->image + setup, boot->image_size - setup);
	return 0;
}

static int load_command_line(struct vm *vm, const struct linux_boot *boot,
			     struct setup_header *header)
{
	const size_t length = strlen(boot->command_line);

	if (length > header->cmdline_size || length >= LOW_END - COMMAND_LINE)
		return -E2BIG;
	memcpy(vm->mem + COMMAND_LINE, boot->command_line, length + 1);
	header->cmd_line_ptr = COMMAND_LINE;
	return 0;
}

/* As high as it may be, so that it is not in the kernel's way. */
static int load_initrd(struct vm *vm, const struct linux_boot *boot, struct setup_header *header,
		       uint64_t kernel_end)
{
	uint64_t end = header->initrd_addr_max + 1ULL, start;

	header->ramdisk_image = 0;
	header->ramdisk_size = 0;
	if (!boot->initrd)
		return 0;
	if (end > vm->size)
		end = vm->size;
	if (boot->initrd_size > end)
		return -ENOMEM;
	start = (end - boot->initrd_size) & ~4095ULL;
	if (start < kernel_end)
		return -ENOMEM;
	memcpy(vm->mem + start, boot->initrd, boot->initrd_size);
	header->ramdisk_image = start;
	header->ramdisk_size = boot->initrd_size;
	return 0;
}

static void add_memory(struct boot_params *params, uint64_t start, uint64_t end)
{
	struct boot_e820_entry *entry = &params->e820_table[params->e820_entries++];

	entry->addr = start;
	entry->size = end - start;
	entry->type = 1;	/* memory */
}

static int start_cpu(struct vm *vm, struct vcpu *vcpu, uint64_t entry)
{
	const uint64_t gdt[] = { 0, 0, CODE_64, DATA };
	const struct vmcs_value gdtr[] = {
		{ GUEST_GDTR_BASE, GDT },
		{ GUEST_GDTR_LIMIT, sizeof(gdt) - 1 },
	};
	int ret = vm_identity_tables(vm, TABLES);

	if (!ret)
		ret = vmcs_set_long(vcpu, entry, STACK, TABLES);
	if (!ret)
		ret = vmcs_write(vcpu, gdtr, 2, NULL);
	memcpy(vm->mem + GDT, gdt, sizeof(gdt));
	vcpu->run->regs.rsi = ZERO_PAGE;
	return ret;
}

int linux_load(struct vm *vm, struct vcpu *vcpu, const struct linux_boot *boot)
{
	struct boot_params params = { 0 };
	struct setup_header *header = &params.hdr;
	uint64_t kernel_end = 0;
	int ret = read_header(boot, header);

	if (!ret)
		ret = load_kernel(vm, boot, header, &kernel_end);
	if (!ret)
		ret = load_command_line(vm, boot, header);
	if (!ret)
		ret = load_initrd(vm, boot, header, kernel_end);
	if (ret)
		return ret;
	header->type_of_loader = 0xff;	/* one without a number */
	params.acpi_rsdp_addr = boot->rsdp;
	add_memory(&params, 0, LOW_END);
	add_memory(&params, HIGH_START, vm->size);
	memcpy(vm->mem + ZERO_PAGE, &params, sizeof(params));
	return start_cpu(vm, vcpu, header->pref_address + ENTRY_64);
}

/* ---- The machine ---- */

int linux_machine_create(struct linux_machine *machine, size_t memory,
			 void (*send)(void *arg, uint8_t byte), void *arg)
{
	int ret;

	memset(machine, 0, sizeof(*machine));
	ret = vm_create(&machine->vm, memory, MINIVMX_VM_APIC);
	if (ret)
		return ret;
	ret = vcpu_create(&machine->vcpu, &machine->vm, 0);
	if (ret) {
		vm_destroy(&machine->vm);
		return ret;
	}
	irq_init(&machine->irqs, &machine->vcpu);
	machine->uart.irqs = &machine->irqs;
	machine->uart.vector = PC_COM1_VECTOR;
	machine->uart.send = send;
	machine->uart.arg = arg;
	ret = uart_init(&machine->uart, &machine->bus, PC_COM1_PORT);
	if (!ret)
		ret = pc_init(&machine->pc, &machine->bus);
	if (ret)
		linux_machine_destroy(machine);
	return ret;
}

int linux_machine_run(struct linux_machine *machine)
{
	return bus_run(&machine->bus, &machine->irqs);
}

void linux_machine_destroy(struct linux_machine *machine)
{
	irq_destroy(&machine->irqs);
	vcpu_destroy(&machine->vcpu);
	vm_destroy(&machine->vm);
}
