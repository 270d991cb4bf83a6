// SPDX-License-Identifier: GPL-2.0
/*
 * A Linux bzImage, by the 64-bit boot protocol ("The Linux/x86 Boot Protocol"
 * in the kernel's documentation): the guest starts in the kernel's own
 * decompressor, with a zero page that says where everything is.
 */
#include <asm/bootparam.h>
#include <string.h>

#include "loader.h"

#define HEADER_OFFSET		offsetof(struct boot_params, hdr)
#define BOOT_FLAG		0xaa55
#define HEADER_MAGIC		0x53726448	/* "HdrS" */
#define SECTOR			512
/* The first version with xloadflags, and so with a 64-bit entry. */
#define VERSION_XLOADFLAGS	0x020c
#define ENTRY_64		0x200
#define LOADER_UNDEFINED	0xff
#define VIDEO_NORMAL		0xffff
/* A kernel that claims to want more than this is a damaged file. */
#define INIT_SIZE_MAX		GIB

#define PAGE_PRESENT		(1ULL << 0)
#define PAGE_WRITE		(1ULL << 1)
#define PAGE_LARGE		(1ULL << 7)
#define TABLE_ENTRIES		512
#define IDENTITY_GIB		4

/* Where the protocol lets the end of the setup header be at most. */
#define HEADER_MAX	(offsetof(struct boot_params, edd_mbr_sig_buffer) - \
			 HEADER_OFFSET)

static bool probe(struct bytes image)
{
	struct setup_header header;

	if (image.size < HEADER_OFFSET + sizeof(header))
		return false;
	memcpy(&header, image.data + HEADER_OFFSET, sizeof(header));
	return header.boot_flag == BOOT_FLAG && header.header == HEADER_MAGIC;
}

/*
 * Copy the header from the file. It ends where the jump over it lands, so an
 * older kernel leaves the newer fields zero.
 */
static int read_header(struct bytes image, struct setup_header *header,
		       struct message *message)
{
	const size_t magic = offsetof(struct setup_header, header);
	size_t length = magic + image.data[HEADER_OFFSET + magic - 1];

	if (length > HEADER_MAX || length > image.size - HEADER_OFFSET)
		return fail(message, "damaged bzImage: its header has %zu bytes",
			    length);
	memset(header, 0, sizeof(*header));
	memcpy(header, image.data + HEADER_OFFSET,
	       length < sizeof(*header) ? length : sizeof(*header));
	return 0;
}

static int check_header(const struct setup_header *header,
			struct message *message)
{
	if (!(header->loadflags & LOADED_HIGH))
		return fail(message, "this is a zImage, which loads below 1M; only bzImages can be started");
	if (header->version < VERSION_XLOADFLAGS)
		return fail(message,
			    "this kernel is too old: boot protocol %u.%02u, at least 2.12 (Linux 3.8) is needed",
			    header->version >> 8, header->version & 0xff);
	if (!(header->xloadflags & XLF_KERNEL_64))
		return fail(message, "this is a 32-bit kernel; only 64-bit bzImages can be started");
	if (header->pref_address < HIGH_START ||
	    header->pref_address >= LOW_RAM_LIMIT ||
	    header->init_size > INIT_SIZE_MAX)
		return fail(message,
			    "damaged bzImage: it wants %#x bytes at %#llx",
			    header->init_size,
			    (unsigned long long)header->pref_address);
	return 0;
}

/* The part of the file that is loaded: all behind the real-mode code. */
static int find_payload(struct bytes image, const struct setup_header *header,
			struct bytes *payload, struct message *message)
{
	/* 0 means 4, for very old boot loaders' sake. */
	size_t sectors = header->setup_sects ? header->setup_sects : 4;
	size_t setup = (sectors + 1) * SECTOR;
	uint64_t announced = (uint64_t)header->syssize * 16;

	if (image.size <= setup || image.size - setup < announced)
		return fail(message,
			    "truncated bzImage: it has %zu bytes, its header announces %llu",
			    image.size, (unsigned long long)(setup + announced));
	payload->data = image.data + setup;
	payload->size = image.size - setup;
	return 0;
}

static int load_payload(struct guest_memory *memory, struct bytes payload,
			const struct setup_header *header,
			struct message *message)
{
	/* What it unpacks to and works with, so that nothing else goes there. */
	uint64_t size = header->init_size > payload.size ? header->init_size :
							   payload.size;
	enum claim_result claimed;

	claimed = guest_memory_claim(memory, header->pref_address, size);
	if (claimed != CLAIM_OK)
		return boot_claim_failed(memory, claimed, header->pref_address,
					 size, message);
	memcpy(guest_memory_at(memory, header->pref_address, payload.size),
	       payload.data, payload.size);
	return 0;
}

static int place_cmdline(const struct boot_request *request,
			 struct guest_memory *memory,
			 struct setup_header *header, struct message *message)
{
	const char *cmdline = request->append ? request->append :
						DEFAULT_LINUX_CMDLINE;
	size_t length = strlen(cmdline);
	uint64_t gpa;

	if (length > header->cmdline_size)
		return fail(message,
			    "--append is too long: %zu characters, this kernel takes at most %u",
			    length, header->cmdline_size);
	if (boot_place(memory, cmdline, length + 1, BOOT_TABLES, &gpa, message))
		return -1;
	header->cmd_line_ptr = (uint32_t)gpa;
	return 0;
}

static int place_initrd(const struct boot_request *request,
			struct guest_memory *memory,
			struct boot_params *params, struct message *message)
{
	struct setup_header *header = &params->hdr;
	uint64_t gpa, size = request->initrd.size;
	uint64_t end = (uint64_t)header->initrd_addr_max + 1;

	header->ramdisk_image = 0;
	header->ramdisk_size = 0;
	if (!request->initrd.data)
		return 0;
	if (header->xloadflags & XLF_CAN_BE_LOADED_ABOVE_4G)
		end = UINT64_MAX;
	if (boot_place_initrd(memory, request, end, &gpa, message))
		return -1;
	header->ramdisk_image = (uint32_t)gpa;
	header->ramdisk_size = (uint32_t)size;
	params->ext_ramdisk_image = (uint32_t)(gpa >> 32);
	params->ext_ramdisk_size = (uint32_t)(size >> 32);
	return 0;
}

static void fill_memory_map(const struct guest_memory *memory,
			    struct boot_params *params)
{
	struct memory_map_row map[MEMORY_MAX_MAP];
	unsigned int i, nr = guest_memory_map(memory, map);

	for (i = 0; i < nr; i++) {
		params->e820_table[i].addr = map[i].range.start;
		params->e820_table[i].size = map[i].range.end -
					     map[i].range.start;
		params->e820_table[i].type = map[i].type;
	}
	params->e820_entries = (uint8_t)nr;
}

/* Tables that map the first 4 GiB to themselves, in 2 MiB pages. */
static int place_page_tables(struct guest_memory *memory, uint64_t *cr3,
			     struct message *message)
{
	const uint64_t table = TABLE_ENTRIES * sizeof(uint64_t);
	struct placement where = BOOT_TABLES;
	uint64_t gpa, *entries;
	unsigned int i;

	where.align = table;
	if (boot_place(memory, NULL, (2 + IDENTITY_GIB) * table, where, &gpa,
		       message))
		return -1;
	/* The tables in a row: level 4, level 3, then one level 2 for each GiB. */
	entries = guest_memory_at(memory, gpa, (2 + IDENTITY_GIB) * table);
	entries[0] = (gpa + table) | PAGE_PRESENT | PAGE_WRITE;
	for (i = 0; i < IDENTITY_GIB; i++)
		entries[TABLE_ENTRIES + i] = (gpa + (2 + i) * table) |
					     PAGE_PRESENT | PAGE_WRITE;
	for (i = 0; i < IDENTITY_GIB * TABLE_ENTRIES; i++)
		entries[2 * TABLE_ENTRIES + i] = i * 2 * MIB | PAGE_PRESENT |
						 PAGE_WRITE | PAGE_LARGE;
	*cr3 = gpa;
	return 0;
}

static int load(const struct boot_request *request, struct guest_memory *memory,
		struct boot_state *state, struct message *message)
{
	struct boot_params params;
	struct setup_header *header = &params.hdr;
	uint64_t zero_page, cr3;
	struct bytes payload = { 0 };

	memset(&params, 0, sizeof(params));
	if (read_header(request->image, header, message) ||
	    check_header(header, message) ||
	    find_payload(request->image, header, &payload, message) ||
	    load_payload(memory, payload, header, message) ||
	    place_cmdline(request, memory, header, message) ||
	    place_initrd(request, memory, &params, message) ||
	    place_page_tables(memory, &cr3, message))
		return -1;

	header->type_of_loader = LOADER_UNDEFINED;
	header->vid_mode = VIDEO_NORMAL;
	header->code32_start = (uint32_t)header->pref_address;
	fill_memory_map(memory, &params);
	if (boot_place(memory, &params, sizeof(params), BOOT_TABLES, &zero_page,
		       message))
		return -1;

	minivmx_set_long(&state->sregs, &state->regs,
			 header->pref_address + ENTRY_64, cr3);
	state->regs.rsi = zero_page;
	return boot_place_gdt(memory, state, message);
}

const struct loader bzimage_loader = {
	.name = "Linux bzImage",
	.probe = probe,
	.load = load,
};
