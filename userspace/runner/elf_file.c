// SPDX-License-Identifier: GPL-2.0
#include <elf.h>
#include <string.h>

#include "elf_file.h"

bool elf_is(struct bytes bytes)
{
	return bytes.size >= EI_NIDENT && !memcmp(bytes.data, ELFMAG, SELFMAG);
}

static bool is_x86(const struct elf_file *elf, uint16_t machine)
{
	return machine == EM_X86_64 || (!elf->is_64 && machine == EM_386);
}

/* Whether @count items of @size bytes from @offset on are inside the file. */
static bool is_inside(struct bytes bytes, uint64_t offset, uint64_t count,
		      uint64_t size)
{
	return offset <= bytes.size &&
	       (!size || count <= (bytes.size - offset) / size);
}

int elf_open(struct bytes bytes, struct elf_file *elf, struct message *message)
{
	uint16_t machine;
	size_t minimum;

	if (!elf_is(bytes))
		return fail(message, "not an ELF file");
	elf->bytes = bytes;
	elf->is_64 = bytes.data[EI_CLASS] == ELFCLASS64;
	if ((!elf->is_64 && bytes.data[EI_CLASS] != ELFCLASS32) ||
	    bytes.data[EI_DATA] != ELFDATA2LSB)
		return fail(message, "not an ELF file for x86");

	if (elf->is_64) {
		Elf64_Ehdr header;

		if (bytes.size < sizeof(header))
			return fail(message, "truncated ELF file: its header is cut off");
		memcpy(&header, bytes.data, sizeof(header));
		machine = header.e_machine;
		elf->entry = header.e_entry;
		elf->segments = header.e_phoff;
		elf->segment_size = header.e_phentsize;
		elf->nr_segments = header.e_phnum;
		minimum = sizeof(Elf64_Phdr);
	} else {
		Elf32_Ehdr header;

		if (bytes.size < sizeof(header))
			return fail(message, "truncated ELF file: its header is cut off");
		memcpy(&header, bytes.data, sizeof(header));
		machine = header.e_machine;
		elf->entry = header.e_entry;
		elf->segments = header.e_phoff;
		elf->segment_size = header.e_phentsize;
		elf->nr_segments = header.e_phnum;
		minimum = sizeof(Elf32_Phdr);
	}
	if (!is_x86(elf, machine))
		return fail(message, "an ELF file for another kind of machine");
	if (!elf->nr_segments || elf->nr_segments == PN_XNUM ||
	    elf->segment_size < minimum)
		return fail(message, "an ELF file without program headers; it was not linked to be run");
	if (!is_inside(bytes, elf->segments, elf->nr_segments, elf->segment_size))
		return fail(message, "truncated ELF file: its program headers are cut off");
	return 0;
}

struct elf_segment elf_segment(const struct elf_file *elf, uint32_t i)
{
	const uint8_t *at = elf->bytes.data + elf->segments +
			    (uint64_t)i * elf->segment_size;

	if (elf->is_64) {
		Elf64_Phdr header;

		memcpy(&header, at, sizeof(header));
		return (struct elf_segment) {
			.type = header.p_type,
			.offset = header.p_offset,
			.vaddr = header.p_vaddr,
			.paddr = header.p_paddr,
			.file_size = header.p_filesz,
			.memory_size = header.p_memsz,
			.align = header.p_align,
		};
	} else {
		Elf32_Phdr header;

		memcpy(&header, at, sizeof(header));
		return (struct elf_segment) {
			.type = header.p_type,
			.offset = header.p_offset,
			.vaddr = header.p_vaddr,
			.paddr = header.p_paddr,
			.file_size = header.p_filesz,
			.memory_size = header.p_memsz,
			.align = header.p_align,
		};
	}
}

bool elf_contents(const struct elf_file *elf, const struct elf_segment *segment,
		  struct bytes *contents)
{
	if (!is_inside(elf->bytes, segment->offset, segment->file_size, 1))
		return false;
	contents->data = elf->bytes.data + segment->offset;
	contents->size = segment->file_size;
	return true;
}

static int load_segment(const struct elf_file *elf,
			const struct elf_segment *segment,
			struct guest_memory *memory, struct message *message)
{
	struct bytes contents;
	enum claim_result claimed;

	if (segment->file_size > segment->memory_size)
		return fail(message, "damaged ELF file: a segment has more bytes in the file than in memory");
	if (!elf_contents(elf, segment, &contents))
		return fail(message,
			    "truncated ELF file: it has %zu bytes, a segment ends at %llu",
			    elf->bytes.size,
			    (unsigned long long)(segment->offset +
						 segment->file_size));
	claimed = guest_memory_claim(memory, segment->paddr,
				     segment->memory_size);
	if (claimed != CLAIM_OK)
		return boot_claim_failed(memory, claimed, segment->paddr,
					 segment->memory_size, message);
	if (contents.size)
		memcpy(guest_memory_at(memory, segment->paddr, contents.size),
		       contents.data, contents.size);
	return 0;
}

int elf_load(const struct elf_file *elf, struct guest_memory *memory,
	     struct message *message)
{
	uint32_t i, loaded = 0;

	for (i = 0; i < elf->nr_segments; i++) {
		struct elf_segment segment = elf_segment(elf, i);

		if (segment.type != PT_LOAD || !segment.memory_size)
			continue;
		if (load_segment(elf, &segment, memory, message))
			return -1;
		loaded++;
	}
	return loaded ? 0 : fail(message, "an ELF file with nothing to load");
}

uint64_t elf_entry(const struct elf_file *elf)
{
	uint32_t i;

	for (i = 0; i < elf->nr_segments; i++) {
		struct elf_segment segment = elf_segment(elf, i);

		if (segment.type == PT_LOAD && elf->entry >= segment.vaddr &&
		    elf->entry - segment.vaddr < segment.memory_size)
			return elf->entry - segment.vaddr + segment.paddr;
	}
	return elf->entry;
}
