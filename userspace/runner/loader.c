// SPDX-License-Identifier: GPL-2.0
/* The table of loaders, and what they share. */
#include <string.h>

#include "array.h"
#include "loader.h"

/* In order of preference: a flat binary can be anything. */
static const struct loader *const loaders[] = {
	&bzimage_loader,
	&pvh_loader,
	&multiboot_loader,
	&flat_loader,
};

/* Files that people pass by mistake, told by their first bytes. */
static const struct {
	size_t offset;
	const char *magic;
	size_t length;
	const char *what;
} not_kernels[] = {
	{ 0, "\177ELF", 4,
	  "an ELF file with neither a PVH entry note (CONFIG_PVH) nor a multiboot header" },
	{ 0, "MZ", 2,
	  "an EFI or DOS program, or the beginning of a cut-off bzImage" },
	{ 0, "\037\213", 2, "gzip data; decompress it" },
	{ 0, "BZh", 3, "bzip2 data; decompress it" },
	{ 0, "\3757zXZ", 5, "xz data; decompress it" },
	{ 0, "\050\265\057\375", 4, "zstd data; decompress it" },
	{ 0, "\002\041\114\030", 4, "lz4 data; decompress it" },
	{ 0, "070701", 6, "a cpio archive; pass it with --initrd" },
	{ 0, "070702", 6, "a cpio archive; pass it with --initrd" },
	{ 0, "!<arch>\n", 8, "an archive, such as a .deb or a .a" },
	{ 0, "#!", 2, "a script" },
	{ 0, "QFI\373", 4, "a qcow2 disk image" },
	{ 0x101, "ustar", 5, "a tar archive" },
	{ 0x8001, "CD001", 5, "a CD image" },
};

static const char *recognise_other(struct bytes image)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(not_kernels); i++) {
		size_t offset = not_kernels[i].offset;
		size_t length = not_kernels[i].length;

		if (image.size >= offset + length &&
		    !memcmp(image.data + offset, not_kernels[i].magic, length))
			return not_kernels[i].what;
	}
	return NULL;
}

const struct loader *loader_find(struct bytes image, struct message *message)
{
	const char *other;
	size_t i;

	if (!image.size) {
		fail(message, "the file is empty");
		return NULL;
	}
	for (i = 0; i < ARRAY_SIZE(loaders); i++) {
		if (loaders[i] == &flat_loader) {
			other = recognise_other(image);
			if (other) {
				fail(message, "not a kernel: this is %s", other);
				return NULL;
			}
		}
		if (loaders[i]->probe(image))
			return loaders[i];
	}
	fail(message, "not a kernel: neither bzImage, PVH ELF, multiboot nor a real-mode binary");
	return NULL;
}

int boot_place(struct guest_memory *memory, const void *data, uint64_t size,
	       struct placement where, uint64_t *gpa, struct message *message)
{
	if (!guest_memory_place(memory, size, where, gpa))
		return fail(message,
			    "no room for %s of boot data between %#llx and %#llx",
			    format_size(size).text,
			    (unsigned long long)where.within.start,
			    (unsigned long long)where.within.end);
	if (data)
		memcpy(guest_memory_at(memory, *gpa, size), data, size);
	return 0;
}

int boot_place_initrd(struct guest_memory *memory,
		      const struct boot_request *request, uint64_t end,
		      uint64_t *gpa, struct message *message)
{
	const struct placement where = {
		.within = { HIGH_START, end },
		.align = 4096,
		.from = PLACE_FROM_TOP,
	};

	if (!guest_memory_place(memory, request->initrd.size, where, gpa)) {
		uint64_t room = guest_memory_room(memory, where);
		uint64_t missing = request->initrd.size - room;

		if (memory->low < end)
			return fail(message,
				    "the initrd is too large for the memory: it has %s, and %s are free; use --mem %lluM or more",
				    format_size(request->initrd.size).text,
				    format_size(room).text,
				    (unsigned long long)
				    ((memory->size + missing + MIB - 1) / MIB + 1));
		return fail(message,
			    "the initrd is too large: it has %s, and the kernel takes at most %s",
			    format_size(request->initrd.size).text,
			    format_size(room).text);
	}
	memcpy(guest_memory_at(memory, *gpa, request->initrd.size),
	       request->initrd.data, request->initrd.size);
	return 0;
}

int boot_place_gdt(struct guest_memory *memory, struct boot_state *state,
		   struct message *message)
{
	uint64_t gdt[MINIVMX_FLAT_GDT_SIZE], gpa;

	minivmx_flat_gdt(&state->sregs, gdt);
	if (boot_place(memory, gdt, sizeof(gdt), BOOT_TABLES, &gpa, message))
		return -1;
	minivmx_use_gdt(&state->sregs, gpa);
	return 0;
}

int boot_claim_failed(const struct guest_memory *memory, enum claim_result why,
		      uint64_t gpa, uint64_t size, struct message *message)
{
	uint64_t end = gpa + size;

	switch (why) {
	case CLAIM_NO_RAM:
		if (end < gpa || end > LOW_RAM_LIMIT)
			return fail(message,
				    "the image wants to be at %#llx with %#llx bytes, where there is never memory",
				    (unsigned long long)gpa,
				    (unsigned long long)size);
		return fail(message,
			    "too large for the memory of %s: the image needs %s; use --mem %lluM or more",
			    format_size(memory->size).text,
			    format_size(end).text,
			    (unsigned long long)((end + MIB - 1) / MIB));
	case CLAIM_OVERLAP:
		return fail(message,
			    "damaged image: two parts of it want the same memory at %#llx",
			    (unsigned long long)gpa);
	case CLAIM_TOO_MANY:
		return fail(message, "the image has more than %u separate parts",
			    MEMORY_MAX_CLAIMS);
	case CLAIM_OK:
		break;
	}
	return -1;
}

uint16_t get_le16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

uint32_t get_le32(const uint8_t *p)
{
	return get_le16(p) | (uint32_t)get_le16(p + 2) << 16;
}

uint64_t get_le64(const uint8_t *p)
{
	return get_le32(p) | (uint64_t)get_le32(p + 4) << 32;
}
