// SPDX-License-Identifier: GPL-2.0
/*
 * A multiboot 1 image ("Multiboot Specification version 0.6.96"): an ELF file,
 * or any file whose header says where to load it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "elf_file.h"
#include "loader.h"

#define HEADER_MAGIC		0x1badb002
#define LOADER_MAGIC		0x2badb002
/* The header is in the first 8 KiB, at a multiple of 4. */
#define HEADER_SEARCH		8192

/* Header flags; those in bits 15:0 must be understood. */
#define WANT_PAGE_ALIGN		(1U << 0)	/* modules: always so here */
#define WANT_MEMORY		(1U << 1)	/* always given */
#define WANT_KNOWN		(WANT_PAGE_ALIGN | WANT_MEMORY)
#define WANT_MUST		0xffffU
#define WANT_VIDEO		(1U << 2)
#define HAS_ADDRESSES		(1U << 16)

#define INFO_MEMORY		(1U << 0)
#define INFO_CMDLINE		(1U << 2)
#define INFO_MODULES		(1U << 3)
#define INFO_MEMORY_MAP		(1U << 6)
#define INFO_LOADER_NAME	(1U << 9)

#define LOADER_NAME		"minivmx"

struct multiboot_header {
	uint32_t magic;
	uint32_t flags;
	uint32_t checksum;
	/* With HAS_ADDRESSES only: */
	uint32_t header_address;
	uint32_t load_address;
	uint32_t load_end;	/* 0: all of the file */
	uint32_t bss_end;	/* 0: no bss */
	uint32_t entry;
};

struct multiboot_info {
	uint32_t flags;
	uint32_t mem_lower;
	uint32_t mem_upper;
	uint32_t boot_device;
	uint32_t cmdline;
	uint32_t nr_modules;
	uint32_t modules;
	uint32_t symbols[4];
	uint32_t mmap_length;
	uint32_t mmap;
	uint32_t drives_length;
	uint32_t drives;
	uint32_t config_table;
	uint32_t loader_name;
	uint32_t apm_table;
	uint32_t video[8];
};

struct multiboot_module {
	uint32_t start;
	uint32_t end;
	uint32_t string;
	uint32_t reserved;
};

struct multiboot_mmap_row {
	uint32_t size;		/* of what follows */
	uint64_t address;
	uint64_t length;
	uint32_t type;
} __attribute__((packed));

/* Find the header; the fields that the file has no bytes for read as zero. */
static bool find_header(struct bytes image, struct multiboot_header *header,
			uint64_t *offset)
{
	const size_t minimum = offsetof(struct multiboot_header, header_address);
	size_t at;

	for (at = 0; at + minimum <= image.size &&
		     at + minimum <= HEADER_SEARCH; at += 4) {
		size_t length = image.size - at;

		if (get_le32(image.data + at) != HEADER_MAGIC)
			continue;
		memset(header, 0, sizeof(*header));
		memcpy(header, image.data + at,
		       length < sizeof(*header) ? length : sizeof(*header));
		if (header->magic + header->flags + header->checksum)
			continue;
		*offset = at;
		return true;
	}
	return false;
}

static bool probe(struct bytes image)
{
	struct multiboot_header header;
	uint64_t offset;

	return find_header(image, &header, &offset);
}

/* Load by the addresses in the header. */
static int load_by_addresses(struct bytes image,
			     const struct multiboot_header *header,
			     uint64_t header_offset, struct guest_memory *memory,
			     struct message *message)
{
	uint64_t before = (uint64_t)header->header_address - header->load_address;
	uint64_t start, size, memory_size;
	enum claim_result claimed;

	/* What lies before the header in memory lies before it in the file. */
	if (header->header_address < header->load_address ||
	    before > header_offset)
		return fail(message, "damaged multiboot image: its load address does not fit its header address");
	start = header_offset - before;
	size = image.size - start;
	if (header->load_end) {
		if (header->load_end < header->load_address)
			return fail(message, "damaged multiboot image: it ends before it begins");
		if (header->load_end - header->load_address > size)
			return fail(message,
				    "truncated multiboot image: %u bytes are to be loaded, it has %llu",
				    header->load_end - header->load_address,
				    (unsigned long long)size);
		size = header->load_end - header->load_address;
	}
	memory_size = size;
	if (header->bss_end) {
		if (header->bss_end < header->load_address + size)
			return fail(message, "damaged multiboot image: its bss ends before its data");
		memory_size = header->bss_end - header->load_address;
	}
	claimed = guest_memory_claim(memory, header->load_address, memory_size);
	if (claimed != CLAIM_OK)
		return boot_claim_failed(memory, claimed, header->load_address,
					 memory_size, message);
	if (size)
		memcpy(guest_memory_at(memory, header->load_address, size),
		       image.data + start, size);
	return 0;
}

static int load_image(struct bytes image, struct guest_memory *memory,
		      uint64_t *entry, struct message *message)
{
	struct multiboot_header header;
	uint64_t offset = 0;
	struct elf_file elf;

	if (!find_header(image, &header, &offset))
		return fail(message, "no multiboot header");
	if (header.flags & WANT_VIDEO)
		return fail(message, "this multiboot image wants a video mode; there is no display here");
	if (header.flags & WANT_MUST & ~WANT_KNOWN)
		return fail(message, "this multiboot image wants what is not known here: flags %#x",
			    header.flags & WANT_MUST & ~WANT_KNOWN);
	if (header.flags & HAS_ADDRESSES) {
		*entry = header.entry;
		return load_by_addresses(image, &header, offset, memory, message);
	}
	if (!elf_is(image))
		return fail(message, "this multiboot image is no ELF file, and its header has no addresses");
	if (elf_open(image, &elf, message) || elf_load(&elf, memory, message))
		return -1;
	*entry = elf_entry(&elf);
	return 0;
}

/* The command line: the image's name, then what the user gave. */
static int place_cmdline(const struct boot_request *request,
			 struct guest_memory *memory,
			 struct multiboot_info *info, struct message *message)
{
	const char *append = request->append ? request->append : "";
	char *cmdline;
	uint64_t gpa;
	int length, ret;

	length = asprintf(&cmdline, "%s%s%s", request->image_name,
			  append[0] ? " " : "", append);
	if (length < 0)
		return fail(message, "out of memory");
	ret = boot_place(memory, cmdline, (uint64_t)length + 1, BOOT_TABLES,
			 &gpa, message);
	free(cmdline);
	if (ret)
		return fail(message, "--append is too long: %zu characters do not fit below 640K",
			    strlen(append));
	info->flags |= INFO_CMDLINE;
	info->cmdline = (uint32_t)gpa;
	return 0;
}

static int place_module(const struct boot_request *request,
			struct guest_memory *memory,
			struct multiboot_info *info, struct message *message)
{
	struct multiboot_module module = { 0 };
	uint64_t start, string, gpa;

	if (!request->initrd.data)
		return 0;
	if (boot_place_initrd(memory, request, ABOVE_4G, &start, message) ||
	    boot_place(memory, request->initrd_name,
		       strlen(request->initrd_name) + 1, BOOT_TABLES, &string,
		       message))
		return -1;
	module.start = (uint32_t)start;
	module.end = (uint32_t)(start + request->initrd.size);
	module.string = (uint32_t)string;
	if (boot_place(memory, &module, sizeof(module), BOOT_TABLES, &gpa,
		       message))
		return -1;
	info->flags |= INFO_MODULES;
	info->nr_modules = 1;
	info->modules = (uint32_t)gpa;
	return 0;
}

static int place_memory_map(struct guest_memory *memory,
			    struct multiboot_info *info, struct message *message)
{
	struct multiboot_mmap_row rows[MEMORY_MAX_MAP];
	struct memory_map_row map[MEMORY_MAX_MAP];
	unsigned int i, nr = guest_memory_map(memory, map);
	uint64_t gpa;

	for (i = 0; i < nr; i++)
		rows[i] = (struct multiboot_mmap_row) {
			.size = sizeof(rows[0]) - sizeof(rows[0].size),
			.address = map[i].range.start,
			.length = map[i].range.end - map[i].range.start,
			.type = map[i].type,
		};
	if (boot_place(memory, rows, nr * sizeof(rows[0]), BOOT_TABLES, &gpa,
		       message))
		return -1;
	info->flags |= INFO_MEMORY | INFO_MEMORY_MAP;
	info->mem_lower = CONVENTIONAL_END / 1024;
	info->mem_upper = (uint32_t)((memory->low - HIGH_START) / 1024);
	info->mmap = (uint32_t)gpa;
	info->mmap_length = nr * sizeof(rows[0]);
	return 0;
}

static int place_loader_name(struct guest_memory *memory,
			     struct multiboot_info *info, struct message *message)
{
	uint64_t gpa;

	if (boot_place(memory, LOADER_NAME, sizeof(LOADER_NAME), BOOT_TABLES,
		       &gpa, message))
		return -1;
	info->flags |= INFO_LOADER_NAME;
	info->loader_name = (uint32_t)gpa;
	return 0;
}

static int load(const struct boot_request *request, struct guest_memory *memory,
		struct boot_state *state, struct message *message)
{
	struct multiboot_info info = { 0 };
	uint64_t entry = 0, info_address;

	if (load_image(request->image, memory, &entry, message))
		return -1;
	if (entry >= ABOVE_4G || !guest_memory_at(memory, entry, 1))
		return fail(message, "damaged image: its entry %#llx is not in memory",
			    (unsigned long long)entry);
	if (place_cmdline(request, memory, &info, message) ||
	    place_module(request, memory, &info, message) ||
	    place_memory_map(memory, &info, message) ||
	    place_loader_name(memory, &info, message) ||
	    boot_place(memory, &info, sizeof(info), BOOT_TABLES, &info_address,
		       message))
		return -1;

	minivmx_set_protected(&state->sregs, &state->regs, (uint32_t)entry);
	state->regs.rax = LOADER_MAGIC;
	state->regs.rbx = info_address;
	return boot_place_gdt(memory, state, message);
}

const struct loader multiboot_loader = {
	.name = "multiboot image",
	.probe = probe,
	.load = load,
};
