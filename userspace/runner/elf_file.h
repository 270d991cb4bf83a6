/* SPDX-License-Identifier: GPL-2.0 */
/* Little-endian x86 ELF files of either class, read with every offset checked. */
#ifndef ELF_FILE_H
#define ELF_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "loader.h"

/**
 * struct elf_file - a file whose header is sound
 * @bytes: all of it
 * @is_64: of class ELFCLASS64
 * @entry: e_entry
 * @segments: offset of the program headers, which are all inside the file
 * @segment_size: bytes from one to the next
 * @nr_segments: how many
 */
struct elf_file {
	struct bytes bytes;
	bool is_64;
	uint64_t entry;
	uint64_t segments;
	uint32_t segment_size;
	uint32_t nr_segments;
};

/* A program header, widened. */
struct elf_segment {
	uint32_t type;
	uint64_t offset;
	uint64_t vaddr;
	uint64_t paddr;
	uint64_t file_size;
	uint64_t memory_size;
	uint64_t align;
};

bool elf_is(struct bytes bytes);

/* 0, or -1 with a message. */
int elf_open(struct bytes bytes, struct elf_file *elf, struct message *message);

/* Program header @i, below @elf->nr_segments. */
struct elf_segment elf_segment(const struct elf_file *elf, uint32_t i);

/* The part of the file that a segment holds. False if it is cut off. */
bool elf_contents(const struct elf_file *elf, const struct elf_segment *segment,
		  struct bytes *contents);

/* Load all PT_LOAD segments at their physical addresses. 0, or -1. */
int elf_load(const struct elf_file *elf, struct guest_memory *memory,
	     struct message *message);

/* The physical address of e_entry, which may be given as a virtual one. */
uint64_t elf_entry(const struct elf_file *elf);

#endif /* ELF_FILE_H */
