/*
 * mkdisk: write the disk that Bochs boots, for the loader in boot.S.
 *
 *   mkdisk LOADER BZIMAGE VMLINUX INITRAMFS COMMAND-LINE MEMORY-MIB >DISK
 *
 * BZIMAGE is Debian's kernel image and VMLINUX the same kernel unpacked. From
 * the first comes the setup header that the boot protocol wants in boot_params,
 * from the second the segments, which land where the kernel's own unpacker
 * would have put them with nokaslr.
 */
#include <elf.h>
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	SECTOR = 512,
	LOADER_SECTORS = 8,	/* as in boot.S, and the next three */
	TABLE_SECTOR = 8,
	BOOT_PARAMS = 0x10000,
	COMMAND_LINE = 0x11000,
	PAGE = 4096,
	CYLINDER = 16 * 63 * SECTOR,	/* Bochs wants whole ones */
	MAX_ROWS = 40,
};

/* Offsets in boot_params, the setup header's being those in a bzImage too. */
enum {
	SETUP_HEADER = 0x1f1,
	HEADER_JUMP = 0x200,	/* its offset byte says where the header ends */
	TYPE_OF_LOADER = 0x210,
	LOADFLAGS = 0x211,
	RAMDISK_IMAGE = 0x218,
	RAMDISK_SIZE = 0x21c,
	COMMAND_LINE_POINTER = 0x228,
};

struct file {
	const unsigned char *bytes;
	size_t size;
};

/* What the loader reads at TABLE. */
static struct {
	uint32_t entry;
	uint32_t rows;
	struct {
		uint32_t first_sector, sectors, address;
	} row[MAX_ROWS];
} table;

static unsigned char boot_params[PAGE];
static uint32_t next_sector = TABLE_SECTOR + 1;

static struct file map_file(const char *path)
{
	struct stat st;
	struct file file;
	int fd = open(path, O_RDONLY);

	if (fd < 0 || fstat(fd, &st))
		err(1, "%s", path);
	file.size = st.st_size;
	file.bytes = mmap(NULL, file.size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (file.bytes == MAP_FAILED)
		err(1, "%s", path);
	close(fd);
	return file;
}

static void write_at(uint32_t sector, const void *bytes, size_t size)
{
	if (pwrite(STDOUT_FILENO, bytes, size, (off_t)sector * SECTOR) != (ssize_t)size)
		err(1, "disk");
}

/* Put bytes on the disk and a row into the table that loads them. */
static void load(const void *bytes, size_t size, uint64_t address)
{
	if (table.rows == MAX_ROWS)
		errx(1, "more than %d segments", MAX_ROWS);
	table.row[table.rows].first_sector = next_sector;
	table.row[table.rows].sectors = (size + SECTOR - 1) / SECTOR;
	table.row[table.rows].address = address;
	write_at(next_sector, bytes, size);
	next_sector += table.row[table.rows].sectors;
	table.rows++;
}

static void put32(unsigned offset, uint32_t value)
{
	memcpy(boot_params + offset, &value, sizeof(value));
}

static void load_kernel(const char *path, struct file vmlinux)
{
	const Elf64_Ehdr *ehdr = (const void *)vmlinux.bytes;
	const Elf64_Phdr *phdr = (const void *)(vmlinux.bytes + ehdr->e_phoff);

	if (memcmp(ehdr->e_ident, ELFMAG, SELFMAG) || ehdr->e_machine != EM_X86_64)
		errx(1, "%s: no x86-64 ELF file", path);
	for (int i = 0; i < ehdr->e_phnum; i++) {
		if (phdr[i].p_type == PT_LOAD && phdr[i].p_filesz)
			load(vmlinux.bytes + phdr[i].p_offset, phdr[i].p_filesz,
			     phdr[i].p_paddr);
	}
	table.entry = ehdr->e_entry;
}

/* As high as it can go: the BIOS keeps its tables at the end of memory. */
static void load_initramfs(struct file initramfs, uint64_t memory)
{
	const uint64_t reserve = 2 << 20, kernel_end = 96 << 20;
	uint64_t address = (memory - reserve - initramfs.size) & -(uint64_t)PAGE;

	if (memory < reserve + initramfs.size || address < kernel_end)
		errx(1, "%llu MiB of memory are too few for an initramfs of %zu MiB",
		     (unsigned long long)memory >> 20, initramfs.size >> 20);
	load(initramfs.bytes, initramfs.size, address);
	put32(RAMDISK_IMAGE, address);
	put32(RAMDISK_SIZE, initramfs.size);
}

int main(int argc, char **argv)
{
	static char command_line[2048];

	if (argc != 7)
		errx(2, "usage: mkdisk LOADER BZIMAGE VMLINUX INITRAMFS COMMAND-LINE MEMORY-MIB >DISK");
	struct file loader = map_file(argv[1]);
	struct file bzimage = map_file(argv[2]);
	uint64_t memory = strtoull(argv[6], NULL, 10) << 20;

	if (loader.size != LOADER_SECTORS * SECTOR)
		errx(1, "%s: not %d bytes", argv[1], LOADER_SECTORS * SECTOR);
	if (strlen(argv[5]) >= sizeof(command_line))
		errx(1, "the kernel takes no command line of %zu bytes", strlen(argv[5]));
	strcpy(command_line, argv[5]);

	memcpy(boot_params + SETUP_HEADER, bzimage.bytes + SETUP_HEADER,
	       HEADER_JUMP + 2 + bzimage.bytes[HEADER_JUMP + 1] - SETUP_HEADER);
	boot_params[TYPE_OF_LOADER] = 0xff;	/* none that Linux knows by name */
	boot_params[LOADFLAGS] |= 1;		/* loaded high */
	put32(COMMAND_LINE_POINTER, COMMAND_LINE);

	write_at(0, loader.bytes, loader.size);
	load_kernel(argv[3], map_file(argv[3]));
	load_initramfs(map_file(argv[4]), memory);
	load(command_line, sizeof(command_line), COMMAND_LINE);
	load(boot_params, sizeof(boot_params), BOOT_PARAMS);
	_Static_assert(sizeof(table) <= SECTOR, "one sector holds the table");
	write_at(TABLE_SECTOR, &table, sizeof(table));

	off_t size = (off_t)next_sector * SECTOR;

	if (ftruncate(STDOUT_FILENO, (size + CYLINDER - 1) / CYLINDER * CYLINDER))
		err(1, "disk");
	return 0;
}
