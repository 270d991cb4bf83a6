// SPDX-License-Identifier: GPL-2.0
/* Lab 7: Linux. */
#include <asm/bootparam.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "grader.h"
#include "linux.h"

const int lab = 7;

#define MEMORY	(64UL << 20)
#define HEADER	offsetof(struct boot_params, hdr)

/* ---- A kernel of the grader's ---- */

/*
 * It says what it finds: the sums of its command line and of its initial RAM disk, and
 * what its segments are when it has loaded them anew from the GDT.
 */
GUEST64(kernel,
	"lea kernel_end(%rip), %rsp; add $0x1000, %rsp; and $-16, %rsp;"
	"mov $0x18, %eax; mov %eax, %ds; mov %eax, %es; mov %eax, %ss;"
	"lea 1f(%rip), %rax; pushq $0x10; push %rax; lretq; 1:"
	"xor %r13d, %r13d; xor %r14d, %r14d; xor %eax, %eax;"
	"mov 0x228(%rsi), %edi; 2: movzbl (%rdi), %eax; imul $31, %r13, %r13; add %rax, %r13; inc %rdi;"
	"test %eax, %eax; jnz 2b;"
	"mov 0x218(%rsi), %edi; mov 0x21c(%rsi), %ecx; test %ecx, %ecx; jz 4f;"
	"3: movzbl (%rdi), %eax; imul $31, %r14, %r14; add %rax, %r14; inc %rdi; dec %ecx; jnz 3b;"
	"4: hlt");

struct image {
	uint8_t *data;
	size_t size;
	struct setup_header *header;
};

static struct image make_image(void)
{
	const unsigned int sectors = pick_from(1, 30);
	const size_t setup = (sectors + 1) * 512, payload = 0x200 + pick_from(0x400, 0x4000);
	struct image image = { .size = setup + payload };
	uint8_t *at;
	size_t i;

	image.data = calloc(1, image.size);
	must(image.data);
	image.header = (struct setup_header *)(image.data + HEADER);
	*image.header = (struct setup_header) {
		.setup_sects = sectors,
		.syssize = payload / 16,
		.boot_flag = 0xaa55,
		.jump = 0x6aeb,
		.header = 0x53726448,
		.version = 0x020f,
		.loadflags = LOADED_HIGH,
		.initrd_addr_max = 0x7fffffff,
		.kernel_alignment = 2 << 20,
		.xloadflags = XLF_KERNEL_64,
		.cmdline_size = 200,
		.pref_address = pick_from(2, 8) << 21,
		.init_size = 8 << 20,
		.payload_offset = pick(),
	};
	/* Wherever else it is entered it comes to an OUT. */
	for (i = setup; i + 2 <= image.size; i += 2)
		memcpy(image.data + i, "\xe6\x80", 2);
	at = image.data + setup + 0x200;
	memcpy(at, kernel, kernel_end - kernel);
	return image;
}

static uint64_t sum_of(const uint8_t *bytes, size_t size)
{
	uint64_t sum = 0;

	while (size--)
		sum = sum * 31 + *bytes++;
	return sum;
}

struct guest {
	struct vm vm;
	struct vcpu vcpu;
};

static void new_guest(struct guest *guest)
{
	need(!vm_create(&guest->vm, MEMORY, 0), "vm_create() of lab 1 fails");
	need(!vcpu_create(&guest->vcpu, &guest->vm, 0), "vcpu_create() of lab 1 fails");
}

static struct linux_boot boot_of(const struct image *image)
{
	return (struct linux_boot) {
		.image = image->data, .image_size = image->size, .command_line = "",
	};
}

static void expect_load(int due, const struct linux_boot *boot, const char *what)
{
	struct guest guest;
	char text[64];
	int ret;

	new_guest(&guest);
	strcpy(text, errno_text(due));
	ret = linux_load(&guest.vm, &guest.vcpu, boot);
	need(ret == due, "%s: linux_load() returned %s, not %s", what, errno_text(ret), text);
	end_vm(&guest.vm, &guest.vcpu);
}

static void refusals(void)
{
	struct image image = make_image();
	struct linux_boot boot = boot_of(&image);
	struct setup_header good = *image.header;
	char line[256];

	expect_load(0, &boot, "a kernel");
	image.header->header++;
	expect_load(-ENOEXEC, &boot, "without the magic number");
	*image.header = good;
	image.header->boot_flag = 0;
	expect_load(-ENOEXEC, &boot, "without the boot flag");
	*image.header = good;
	image.header->xloadflags = 0;
	expect_load(-ENOEXEC, &boot, "a 32-bit kernel");
	*image.header = good;
	image.header->version = 0x020b;
	expect_load(-ENOEXEC, &boot, "a kernel older than the 64-bit protocol");
	*image.header = good;
	image.header->setup_sects = 255;
	expect_load(-ENOEXEC, &boot, "a kernel that ends before its setup code does");
	*image.header = good;
	image.header->syssize = 0x10000;
	expect_load(-ENOEXEC, &boot, "a kernel that is shorter than it says");
	*image.header = good;
	boot.image_size = 0x1f0;
	expect_load(-ENOEXEC, &boot, "a file of 496 bytes");
	boot.image_size = image.size;
	image.header->init_size = MEMORY;
	expect_load(-ENOMEM, &boot, "a kernel that needs more memory than there is");
	*image.header = good;
	image.header->pref_address = 1ULL << 63;
	expect_load(-ENOMEM, &boot, "a kernel that wants to be at 8 EiB");
	*image.header = good;
	memset(line, 'x', sizeof(line));
	line[200] = 0;
	boot.command_line = line;
	expect_load(0, &boot, "a command line as long as may be");
	line[200] = 'x';
	line[201] = 0;
	expect_load(-E2BIG, &boot, "a command line that is too long");
	boot.command_line = "";
	boot.initrd = image.data;
	boot.initrd_size = 1ULL << 40;
	expect_load(-ENOMEM, &boot, "an initial RAM disk that is larger than memory");
}

static void load(struct guest *guest, const struct linux_boot *boot)
{
	int ret;

	new_guest(guest);
	ret = linux_load(&guest->vm, &guest->vcpu, boot);
	need(!ret, "linux_load() returned %s", errno_text(ret));
}

static const struct boot_params *zero_page(struct guest *guest)
{
	const uint64_t rsi = guest->vcpu.run->regs.rsi;

	need(rsi && rsi <= MEMORY - sizeof(struct boot_params),
	     "RSI is %#llx at the entry, where the zero page should be", (unsigned long long)rsi);
	return (const struct boot_params *)(guest->vm.mem + rsi);
}

static void entry(void)
{
	struct image image = make_image();
	struct linux_boot boot = boot_of(&image);
	char line[64];
	struct guest guest;

	snprintf(line, sizeof(line), "console=ttyS0 key=%#llx", (unsigned long long)pick());
	boot.command_line = line;
	load(&guest, &boot);
	zero_page(&guest);
	need(guest.vcpu.run->regs.rip == image.header->pref_address + 0x200,
	     "RIP is %#llx, and the 64-bit entry is at %#llx",
	     (unsigned long long)guest.vcpu.run->regs.rip,
	     (unsigned long long)image.header->pref_address + 0x200);
	need(!(guest.vcpu.run->regs.rflags & 0x200), "interrupts are enabled at the entry");
	expect_exit(&guest.vcpu, MINIVMX_EXIT_HLT,
		    "a kernel that loads its segments from the GDT and reads its command line");
	need(guest.vcpu.run->regs.r13 == sum_of((const uint8_t *)line, strlen(line) + 1),
	     "the kernel has read another command line than \"%s\"", line);
	end_vm(&guest.vm, &guest.vcpu);
}

static void parameters(void)
{
	struct image image = make_image();
	struct linux_boot boot = boot_of(&image);
	const struct boot_params *params;
	uint64_t end = 0, total = 0;
	struct guest guest;
	unsigned int i;

	boot.rsdp = pick_from(0xe0000, 0xf0000) & ~15;
	load(&guest, &boot);
	params = zero_page(&guest);
	need(params->hdr.type_of_loader == 0xff,
	     "type_of_loader is %#x; 0xff is for one without a number",
	     params->hdr.type_of_loader);
	need(params->hdr.payload_offset == image.header->payload_offset &&
	     params->hdr.setup_sects == image.header->setup_sects,
	     "the setup header in the zero page is not that of the image");
	need(params->acpi_rsdp_addr == boot.rsdp, "acpi_rsdp_addr is %#llx, not %#llx",
	     (unsigned long long)params->acpi_rsdp_addr, (unsigned long long)boot.rsdp);
	need(!params->hdr.ramdisk_image && !params->hdr.ramdisk_size,
	     "there is a RAM disk in the zero page, and none was given");
	need(params->e820_entries && params->e820_entries <= E820_MAX_ENTRIES_ZEROPAGE,
	     "the memory map has %u entries", params->e820_entries);
	for (i = 0; i < params->e820_entries; i++) {
		const struct boot_e820_entry *e = &params->e820_table[i];

		if (e->type != 1)
			continue;
		need(e->addr >= end,
		     "the memory map's entry %u begins before the last one ends", i);
		end = e->addr + e->size;
		need(end <= 0xa0000 || e->addr >= 0x100000,
		     "the memory map has memory between 640K and 1M, at %#llx",
		     (unsigned long long)e->addr);
		need(end <= MEMORY, "the memory map has more memory than there is: to %#llx",
		     (unsigned long long)end);
		total += e->size;
	}
	need(total >= MEMORY - 0x80000, "the memory map has %llu bytes of memory, of %lu",
	     (unsigned long long)total, MEMORY);
	end_vm(&guest.vm, &guest.vcpu);
}

static void initrd(void)
{
	struct image image = make_image();
	struct linux_boot boot = boot_of(&image);
	const size_t size = pick_from(10000, 100000);
	const struct boot_params *params;
	uint8_t *data = malloc(size);
	struct guest guest;
	uint64_t start;
	size_t i;

	must(data);
	for (i = 0; i < size; i++)
		data[i] = pick();
	boot.initrd = data;
	boot.initrd_size = size;
	/* Anywhere behind the kernel is below that. */
	image.header->initrd_addr_max = (40 << 20) - 1;
	load(&guest, &boot);
	params = zero_page(&guest);
	start = params->hdr.ramdisk_image;
	need(params->hdr.ramdisk_size == size,
	     "the RAM disk has %u bytes in the zero page, not %zu",
	     params->hdr.ramdisk_size, size);
	need(start >= image.header->pref_address + image.header->init_size ||
	     (start >= 0x100000 && start + size <= image.header->pref_address),
	     "the RAM disk is at %#llx, in the way of the kernel, which unpacks itself",
	     (unsigned long long)start);
	need(start + size <= 40 << 20,
	     "the RAM disk is at %#llx, and may not go beyond initrd_addr_max, %#x",
	     (unsigned long long)start, image.header->initrd_addr_max);
	expect_exit(&guest.vcpu, MINIVMX_EXIT_HLT, "a kernel that reads its RAM disk");
	need(guest.vcpu.run->regs.r14 == sum_of(data, size),
	     "the kernel has read another RAM disk");
	end_vm(&guest.vm, &guest.vcpu);
	/* Where it may be there is no room. */
	image.header->initrd_addr_max = image.header->pref_address + 4096;
	expect_load(-ENOMEM, &boot, "a RAM disk that is to be where the kernel is");
}

/* ---- Linux ---- */

#define GUEST_MEMORY	(192UL << 20)
#define CONSOLE		65536

static struct linux_machine machine;
static char console[CONSOLE];
static unsigned int nr_console;
static const char *typed;	/* what is still to be typed, once the guest has asked */
static char answer[64];

/* What the guest prints; when it asks, a line is typed. */
static void heard(void *arg, uint8_t byte)
{
	static const char question[] = "what is the number?";

	if (nr_console < CONSOLE - 1)
		console[nr_console++] = byte;
	if (!typed && nr_console >= sizeof(question) - 1 &&
	    !memcmp(console + nr_console - (sizeof(question) - 1), question, sizeof(question) - 1))
		typed = answer;
}

/* A byte at a time: there is room for no more. */
static void *type(void *arg)
{
	for (;;) {
		const char *next = __atomic_load_n(&typed, __ATOMIC_ACQUIRE);

		if (next && *next && uart_receive(&machine.uart, *next))
			__atomic_store_n(&typed, next + 1, __ATOMIC_RELEASE);
		usleep(2000);
	}
	return NULL;
}

static uint8_t *read_file(const char *path, size_t room, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	uint8_t *data;

	need(fd >= 0, "the grader itself failed: there is no %s", path);
	must(!fstat(fd, &status));
	*size = status.st_size;
	data = malloc(*size + room);
	must(data && read(fd, data, *size) == (ssize_t)*size);
	close(fd);
	return data;
}

/* A file of an archive in the format "newc", as cpio has it. */
static size_t add_file(uint8_t *at, const char *name, const char *text, unsigned int mode)
{
	const size_t name_size = strlen(name) + 1, size = strlen(text);
	size_t length = sprintf((char *)at,
				"070701%08X%08X%08X%08X%08X%08X%08zX%08X%08X%08X%08X%08zX%08X",
				1, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, name_size, 0);

	memcpy(at + length, name, name_size);
	length = (length + name_size + 3) & ~3UL;
	memcpy(at + length, text, size);
	return (length + size + 3) & ~3UL;
}

static void linux_boots(void)
{
	const uint32_t number = pick_from(10000, 99999), factor = pick_from(10000, 99999);
	const char *last_words;
	char script[512], due[64];
	struct linux_boot boot = {
		.command_line = "console=ttyS0 quiet reboot=t noapic nokaslr tsc=reliable"
				" mitigations=off cryptomgr.notests initcall_blacklist=jent_mod_init i8042.noaux i8042.nokbd",
	};
	size_t image_size, size;
	pthread_t typist;
	uint8_t *data;
	int ret;

	boot.image = read_file("/guests/linux-6.1/vmlinuz", 0, &image_size);
	boot.image_size = image_size;
	data = read_file("/guests/initramfs.cpio", 4096, &size);
	/* The guest's init runs this, after which it resets. */
	snprintf(script, sizeof(script), "sleep 0.05\necho 'what is the number?'\nread n\n"
		 "echo \"the answer is $((n * %u))\"\n", factor);
	snprintf(answer, sizeof(answer), "%u\n", number);
	snprintf(due, sizeof(due), "the answer is %llu", (unsigned long long)number * factor);
	memset(data + size, 0, 4096);
	size += add_file(data + size, "script.sh", script, 0100644);
	size += add_file(data + size, "TRAILER!!!", "", 0);
	boot.initrd = data;
	boot.initrd_size = size;

	ret = linux_machine_create(&machine, GUEST_MEMORY, heard, NULL);
	need(!ret, "linux_machine_create() returned %s", errno_text(ret));
	boot.rsdp = pc_tables(&machine.vm);
	ret = linux_load(&machine.vm, &machine.vcpu, &boot);
	need(!ret, "linux_load() of Debian's kernel returned %s", errno_text(ret));
	must(!pthread_create(&typist, NULL, type, NULL));
	ret = linux_machine_run(&machine);
	console[nr_console] = 0;
	last_words = nr_console > 300 ? console + nr_console - 300 : console;
	need(ret == MINIVMX_EXIT_SHUTDOWN,
	     "Linux was to end by a reset, and %s; its last words: %s",
	     exit_text(&machine.vcpu, ret), last_words);
	need(strstr(console, due), "the shell was to answer \"%s\"; its last words: %s", due,
	     last_words);
}

const struct item items[] = {
	{ "refusals", "what cannot be started is refused", 1, .grade = refusals },
	{ "entry", "a kernel finds itself, its segments and its command line", 2, .grade = entry },
	{ "parameters", "the zero page", 1, .grade = parameters },
	{ "initrd", "the initial RAM disk is where it may be", 2, .grade = initrd },
	{ "linux", "Linux boots to a shell that hears and answers", 4, .slow = true, .seconds = 60,
	  .grade = linux_boots },
	{ 0 }
};
