// SPDX-License-Identifier: GPL-2.0
/*
 * An ELF file with a PVH entry point, such as an uncompressed vmlinux: the ABI
 * is "x86/HVM direct boot" in Xen's documentation. It starts in 32-bit
 * protected mode at the address in its note, EBX pointing to what it is told.
 */
#include <elf.h>
#include <string.h>

#include "elf_file.h"
#include "loader.h"

#define NOTE_OWNER		"Xen"
#define NOTE_PHYS32_ENTRY	18
#define START_MAGIC		0x336ec578
/* Linux copies no more than this, less the final zero. */
#define CMDLINE_MAX		2047

struct start_info {
	uint32_t magic;
	uint32_t version;
	uint32_t flags;
	uint32_t nr_modules;
	uint64_t modules;
	uint64_t cmdline;
	uint64_t rsdp;
	uint64_t memory_map;
	uint32_t memory_map_rows;
	uint32_t reserved;
};

struct start_module {
	uint64_t address;
	uint64_t size;
	uint64_t cmdline;
	uint64_t reserved;
};

struct start_map_row {
	uint64_t address;
	uint64_t size;
	uint32_t type;
	uint32_t reserved;
};

static uint64_t round_up4(uint64_t value)
{
	return (value + 3) & ~3ULL;
}

/* Look through one segment of notes. */
static bool find_in_notes(struct bytes notes, uint64_t *entry)
{
	const Elf64_Nhdr *type_of_header;
	uint64_t at = 0;

	while (notes.size - at >= sizeof(*type_of_header)) {
		uint64_t name_size = get_le32(notes.data + at);
		uint64_t value_size = get_le32(notes.data + at + 4);
		uint32_t type = get_le32(notes.data + at + 8);
		uint64_t name = at + sizeof(*type_of_header);
		uint64_t value = name + round_up4(name_size);

		if (value > notes.size || value_size > notes.size - value)
			return false;
		if (type == NOTE_PHYS32_ENTRY &&
		    name_size == sizeof(NOTE_OWNER) &&
		    !memcmp(notes.data + name, NOTE_OWNER, sizeof(NOTE_OWNER)) &&
		    value_size >= 4) {
			*entry = value_size >= 8 ? get_le64(notes.data + value) :
						   get_le32(notes.data + value);
			return true;
		}
		at = value + round_up4(value_size);
		if (at > notes.size)
			return false;
	}
	return false;
}

static bool find_entry(const struct elf_file *elf, uint64_t *entry)
{
	uint32_t i;

	for (i = 0; i < elf->nr_segments; i++) {
		struct elf_segment segment = elf_segment(elf, i);
		struct bytes notes;

		if (segment.type == PT_NOTE &&
		    elf_contents(elf, &segment, &notes) &&
		    find_in_notes(notes, entry))
			return true;
	}
	return false;
}

static bool probe(struct bytes image)
{
	struct message ignored;
	struct elf_file elf;
	uint64_t entry;

	return elf_is(image) && !elf_open(image, &elf, &ignored) &&
	       find_entry(&elf, &entry);
}

static int place_cmdline(const struct boot_request *request,
			 struct guest_memory *memory, struct start_info *info,
			 struct message *message)
{
	const char *cmdline = request->append ? request->append :
						DEFAULT_LINUX_CMDLINE;
	size_t length = strlen(cmdline);

	if (length > CMDLINE_MAX)
		return fail(message,
			    "--append is too long: %zu characters, at most %d are taken",
			    length, CMDLINE_MAX);
	return boot_place(memory, cmdline, length + 1, BOOT_TABLES,
			  &info->cmdline, message);
}

static int place_module(const struct boot_request *request,
			struct guest_memory *memory, struct start_info *info,
			struct message *message)
{
	struct start_module module = { .size = request->initrd.size };

	if (!request->initrd.data)
		return 0;
	if (boot_place_initrd(memory, request, ABOVE_4G, &module.address,
			      message))
		return -1;
	info->nr_modules = 1;
	return boot_place(memory, &module, sizeof(module), BOOT_TABLES,
			  &info->modules, message);
}

static int place_memory_map(struct guest_memory *memory, struct start_info *info,
			    struct message *message)
{
	struct start_map_row rows[MEMORY_MAX_MAP] = { 0 };
	struct memory_map_row map[MEMORY_MAX_MAP];
	unsigned int i, nr = guest_memory_map(memory, map);

	for (i = 0; i < nr; i++) {
		rows[i].address = map[i].range.start;
		rows[i].size = map[i].range.end - map[i].range.start;
		rows[i].type = map[i].type;
	}
	info->memory_map_rows = nr;
	return boot_place(memory, rows, nr * sizeof(rows[0]), BOOT_TABLES,
			  &info->memory_map, message);
}

static int load(const struct boot_request *request, struct guest_memory *memory,
		struct boot_state *state, struct message *message)
{
	struct start_info info = { .magic = START_MAGIC, .version = 1 };
	uint64_t entry, info_address;
	struct elf_file elf;

	if (elf_open(request->image, &elf, message))
		return -1;
	if (!find_entry(&elf, &entry))
		return fail(message, "an ELF file without a PVH entry note");
	if (elf_load(&elf, memory, message))
		return -1;
	if (entry >= ABOVE_4G || !guest_memory_at(memory, entry, 1))
		return fail(message,
			    "damaged image: its PVH entry %#llx is not in memory",
			    (unsigned long long)entry);
	if (place_cmdline(request, memory, &info, message) ||
	    place_module(request, memory, &info, message) ||
	    place_memory_map(memory, &info, message) ||
	    boot_place(memory, &info, sizeof(info), BOOT_TABLES, &info_address,
		       message))
		return -1;

	minivmx_set_protected(&state->sregs, &state->regs, (uint32_t)entry);
	state->regs.rbx = info_address;
	return boot_place_gdt(memory, state, message);
}

const struct loader pvh_loader = {
	.name = "PVH ELF image",
	.probe = probe,
	.load = load,
};
