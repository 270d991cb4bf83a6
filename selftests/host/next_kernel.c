// SPDX-License-Identifier: GPL-2.0
/*
 * Another kernel in place of the one that runs: kexec(8), as much as the tests
 * need of it, and without its checksums, which take an emulated CPU minutes.
 *
 *	next_kernel load BZIMAGE INITRAMFS COMMAND-LINE		for `next_kernel go`
 *	next_kernel crash BZIMAGE INITRAMFS COMMAND-LINE	for a panic
 *	next_kernel go
 *
 * The image is entered as the 64-bit boot protocol says (the kernel's
 * Documentation/x86/boot.rst), from a few bytes of code that set RSI.
 */
#include <asm/bootparam.h>
#include <err.h>
#include <fcntl.h>
#include <linux/kexec.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MB		(1UL << 20)
#define ALIGN(n, to)	(((n) + (to) - 1) / (to) * (to))

/* Behind the kernel, which needs more room than its file has bytes. */
#define PARAMS_OFFSET	(120 * MB)
#define INITRAMFS_OFFSET (124 * MB)

struct file {
	unsigned char *data;
	size_t size;
};

static struct file read_file(const char *path)
{
	int fd = open(path, O_RDONLY);
	struct file file;
	struct stat stat;

	if (fd < 0 || fstat(fd, &stat))
		err(1, "%s", path);
	file.size = stat.st_size;
	file.data = mmap(NULL, file.size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (file.data == MAP_FAILED)
		err(1, "%s", path);
	close(fd);
	return file;
}

/* The memory set aside for a crash kernel, without which there is none. */
static void find_crash_memory(uint64_t *start, uint64_t *end)
{
	FILE *file = fopen("/proc/iomem", "r");
	char line[200];

	while (file && fgets(line, sizeof(line), file))
		if (strstr(line, "Crash kernel") &&
		    sscanf(line, "%lx-%lx", start, end) == 2)
			return;
	errx(1, "no memory for a crash kernel: boot with crashkernel=SIZE");
}

static uint64_t firmware_number(int i, const char *name)
{
	unsigned long value;
	char path[80];
	FILE *file;

	snprintf(path, sizeof(path), "/sys/firmware/memmap/%d/%s", i, name);
	file = fopen(path, "r");
	if (!file || fscanf(file, "%lx", &value) != 1)
		err(1, "%s", path);
	fclose(file);
	return value;
}

/* 1 if entry @i is RAM, 0 if not, -1 if there is no such entry. */
static int firmware_is_ram(int i)
{
	char path[80], type[40] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/sys/firmware/memmap/%d/type", i);
	file = fopen(path, "r");
	if (!file)
		return -1;
	if (!fgets(type, sizeof(type), file))
		type[0] = '\0';
	fclose(file);
	return !strcmp(type, "System RAM\n");
}

static void add_memory(struct boot_params *params, uint64_t start, uint64_t end)
{
	params->e820_table[params->e820_entries++] = (struct boot_e820_entry) {
		.addr = start, .size = end + 1 - start, .type = 1,
	};
}

/* RAM is all that matters here. A crash kernel stays where nothing crashed. */
static void fill_memory_map(struct boot_params *params, bool crash, uint64_t start, uint64_t end)
{
	int i, ram;

	for (i = 0; (ram = firmware_is_ram(i)) >= 0; i++)
		if (ram && (!crash || firmware_number(i, "start") == 0))
			add_memory(params, firmware_number(i, "start"),
				   firmware_number(i, "end"));
	if (crash)
		add_memory(params, start, end);
}

static int load(char *argv[], bool crash)
{
	struct file image = read_file(argv[0]);
	struct file initramfs = read_file(argv[1]);
	struct setup_header *hdr = (void *)(image.data + 0x1f1);
	size_t setup = (hdr->setup_sects + 1) * 512;
	uint64_t start = 64 * MB, end = 0;
	static struct {
		struct boot_params params;
		char cmdline[4096];
		unsigned char code[64];
	} block;
	struct kexec_segment segments[3];
	uint64_t base, at;

	if (memcmp(image.data + 0x202, "HdrS", 4) || !(hdr->xloadflags & XLF_KERNEL_64))
		errx(1, "%s: no bzImage that can be entered in 64-bit mode", argv[0]);
	if (strlen(argv[2]) >= sizeof(block.cmdline))
		errx(1, "the command line is too long");
	if (crash)
		find_crash_memory(&start, &end);
	base = ALIGN(start, hdr->kernel_alignment);
	at = base + PARAMS_OFFSET;

	block.params.hdr = *hdr;
	block.params.hdr.type_of_loader = 0xff;
	block.params.hdr.code32_start = base;
	block.params.hdr.cmd_line_ptr = at + offsetof(typeof(block), cmdline);
	block.params.hdr.ramdisk_image = base + INITRAMFS_OFFSET;
	block.params.hdr.ramdisk_size = initramfs.size;
	fill_memory_map(&block.params, crash, start, end);
	strcpy(block.cmdline, argv[2]);
	/* mov $params, %rsi; mov $entry, %rax; jmp *%rax */
	memcpy(block.code, "\x48\xbe", 2);
	memcpy(block.code + 2, &at, 8);
	memcpy(block.code + 10, "\x48\xb8", 2);
	base += 0x200;
	memcpy(block.code + 12, &base, 8);
	base -= 0x200;
	memcpy(block.code + 20, "\xff\xe0", 2);

	segments[0] = (struct kexec_segment) {
		image.data + setup, image.size - setup,
		(void *)base, ALIGN((size_t)hdr->init_size, 4096),
	};
	segments[1] = (struct kexec_segment) {
		&block, sizeof(block), (void *)at, ALIGN(sizeof(block), 4096),
	};
	segments[2] = (struct kexec_segment) {
		initramfs.data, initramfs.size,
		(void *)(base + INITRAMFS_OFFSET), ALIGN(initramfs.size, 4096),
	};
	if (segments[0].memsz > PARAMS_OFFSET)
		errx(1, "%s: the kernel needs %zu bytes", argv[0], segments[0].memsz);
	if (syscall(SYS_kexec_load, at + offsetof(typeof(block), code), 3, segments,
		    KEXEC_ARCH_X86_64 | (crash ? KEXEC_ON_CRASH : 0)))
		err(1, "kexec_load");
	return 0;
}

int main(int argc, char *argv[])
{
	if (argc == 5 && !strcmp(argv[1], "load"))
		return load(argv + 2, false);
	if (argc == 5 && !strcmp(argv[1], "crash"))
		return load(argv + 2, true);
	if (argc == 2 && !strcmp(argv[1], "go")) {
		reboot(RB_KEXEC);
		err(1, "reboot");
	}
	fputs("usage: see the top of next_kernel.c\n", stderr);
	return 2;
}
