// SPDX-License-Identifier: GPL-2.0
/*
 * An ELF file with the symbols of /proc/kallsyms on stdin, for gdb, on stdout: what a
 * vmlinux has, without its debug information. Debian's is too large for the testbed.
 */
#include <elf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SYMBOLS	400000
#define NAMES_SIZE	(16U << 20)
#define TEXT_START	0xffffffff81000000ULL
#define TEXT_SIZE	0x10000000ULL

enum { NONE, TEXT, SYMTAB, STRTAB, SHSTRTAB, NR_SECTIONS };

static const char section_names[] = "\0.text\0.symtab\0.strtab\0.shstrtab";

static Elf64_Sym symbols[MAX_SYMBOLS];
static char names[NAMES_SIZE];
static size_t nr_symbols = 1, names_size = 1;

static void add(uint64_t address, const char *name)
{
	const size_t length = strlen(name) + 1;

	if (nr_symbols == MAX_SYMBOLS || NAMES_SIZE - names_size < length)
		exit(1);
	symbols[nr_symbols++] = (Elf64_Sym) {
		.st_name = (Elf64_Word)names_size,
		.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
		.st_shndx = TEXT,
		.st_value = address,
	};
	memcpy(names + names_size, name, length);
	names_size += length;
}

int main(void)
{
	Elf64_Ehdr header = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			     EV_CURRENT },
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_shoff = sizeof(Elf64_Ehdr),
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = NR_SECTIONS,
		.e_shstrndx = SHSTRTAB,
	};
	Elf64_Shdr sections[NR_SECTIONS] = {
		[TEXT] = { .sh_name = 1, .sh_type = SHT_NOBITS,
			   .sh_flags = SHF_ALLOC | SHF_EXECINSTR,
			   .sh_addr = TEXT_START, .sh_size = TEXT_SIZE, .sh_addralign = 16 },
		[SYMTAB] = { .sh_name = 7, .sh_type = SHT_SYMTAB, .sh_link = STRTAB, .sh_info = 1,
			     .sh_entsize = sizeof(Elf64_Sym), .sh_addralign = 8 },
		[STRTAB] = { .sh_name = 15, .sh_type = SHT_STRTAB, .sh_addralign = 1 },
		[SHSTRTAB] = { .sh_name = 23, .sh_type = SHT_STRTAB, .sh_addralign = 1,
			       .sh_size = sizeof(section_names) },
	};
	char line[1024], type, name[512];
	unsigned long long address;
	uint64_t offset;

	while (fgets(line, sizeof(line), stdin))
		if (sscanf(line, "%llx %c %511s", &address, &type, name) == 3 &&
		    (type == 't' || type == 'T') && address - TEXT_START < TEXT_SIZE)
			add(address, name);

	offset = sizeof(header) + sizeof(sections);
	sections[SYMTAB].sh_offset = offset;
	sections[SYMTAB].sh_size = nr_symbols * sizeof(symbols[0]);
	offset += sections[SYMTAB].sh_size;
	sections[STRTAB].sh_offset = offset;
	sections[STRTAB].sh_size = names_size;
	offset += names_size;
	sections[SHSTRTAB].sh_offset = offset;
	if (fwrite(&header, sizeof(header), 1, stdout) != 1 ||
	    fwrite(sections, sizeof(sections), 1, stdout) != 1 ||
	    fwrite(symbols, sizeof(symbols[0]), nr_symbols, stdout) != nr_symbols ||
	    fwrite(names, names_size, 1, stdout) != 1 ||
	    fwrite(section_names, sizeof(section_names), 1, stdout) != 1)
		return 1;
	/* Without any it is of no use: /proc/kallsyms was not readable. */
	return nr_symbols == 1;
}
