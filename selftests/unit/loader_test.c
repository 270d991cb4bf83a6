// SPDX-License-Identifier: GPL-2.0
/*
 * SOURCES: userspace/runner/loader.c userspace/runner/load_bzimage.c userspace/runner/load_pvh.c userspace/runner/load_multiboot.c userspace/runner/load_flat.c userspace/runner/elf_file.c userspace/runner/memory.c userspace/runner/message.c userspace/lib/state.c
 */
/*
 * The loaders, on images made by hand: what a good one becomes, that each kind
 * of bad one is refused with the right words, and that no image at all, cut or
 * damaged anywhere, makes them touch what is not theirs (the sanitizers watch).
 */
#include <asm/bootparam.h>
#include <elf.h>
#include <string.h>

#include "kselftest_harness.h"

#include "../../userspace/runner/loader.h"

#define MEMORY		(64 * MIB)
#define IMAGE_SIZE	16384

struct image {
	uint8_t bytes[IMAGE_SIZE];
	size_t size;
};

FIXTURE(loader)
{
	struct guest_memory memory;
	struct boot_state state;
	struct message message;
	struct boot_request request;
	struct image *image;
	const struct loader *found;
};

FIXTURE_SETUP(loader)
{
	memset(self, 0, sizeof(*self));
	ASSERT_EQ(guest_memory_init(&self->memory, MEMORY), 0);
	self->image = calloc(1, sizeof(*self->image));
	ASSERT_NE(self->image, NULL);
	self->request.image_name = "image";
	self->request.initrd_name = "initrd";
}

FIXTURE_TEARDOWN(loader)
{
	free(self->image);
	guest_memory_free(&self->memory);
}

/*
 * Load from an allocation of exactly the image's size, so that reading one byte
 * too many is seen.
 */
static int load(struct _test_data_loader *self)
{
	uint8_t *exact = malloc(self->image->size ? self->image->size : 1);
	int ret = -1;

	memcpy(exact, self->image->bytes, self->image->size);
	self->request.image = (struct bytes) { exact, self->image->size };
	self->message.text[0] = '\0';
	self->found = loader_find(self->request.image, &self->message);
	if (self->found)
		ret = self->found->load(&self->request, &self->memory,
					&self->state, &self->message);
	free(exact);
	return ret;
}

static bool says(const struct _test_data_loader *self, const char *words)
{
	if (strstr(self->message.text, words))
		return true;
	fprintf(stderr, "# message: %s\n", self->message.text);
	return false;
}

static void reset_memory(struct _test_data_loader *self)
{
	self->memory.nr_claims = 0;
}

/* ---- Images ---- */

static struct setup_header *make_bzimage(struct image *image)
{
	struct setup_header *header = (void *)(image->bytes + 0x1f1);
	const size_t setup = 2 * 512, payload = 1024;

	memset(image, 0, sizeof(*image));
	image->size = setup + payload;
	memset(image->bytes + setup, 0xcc, payload);
	header->setup_sects = 1;
	header->syssize = payload / 16;
	header->boot_flag = 0xaa55;
	header->jump = 0xeb | (sizeof(*header) - 0x11) << 8;
	header->header = 0x53726448;
	header->version = 0x020f;
	header->loadflags = LOADED_HIGH;
	header->initrd_addr_max = 0x7fffffff;
	header->kernel_alignment = 2 * MIB;
	header->relocatable_kernel = 1;
	header->xloadflags = XLF_KERNEL_64;
	header->cmdline_size = 2047;
	header->pref_address = 16 * MIB;
	header->init_size = 8 * MIB;
	return header;
}

struct elf64_image {
	Elf64_Ehdr header;
	Elf64_Phdr load;
	Elf64_Phdr note;
	struct {
		Elf64_Nhdr header;
		char name[4];
		uint32_t value;
	} notes[2];
	uint8_t text[64];
};

static struct elf64_image *make_pvh(struct image *image)
{
	struct elf64_image *elf = (void *)image->bytes;

	memset(image, 0, sizeof(*image));
	image->size = sizeof(*elf);
	memcpy(elf->header.e_ident, ELFMAG, SELFMAG);
	elf->header.e_ident[EI_CLASS] = ELFCLASS64;
	elf->header.e_ident[EI_DATA] = ELFDATA2LSB;
	elf->header.e_machine = EM_X86_64;
	elf->header.e_phoff = offsetof(struct elf64_image, load);
	elf->header.e_phentsize = sizeof(Elf64_Phdr);
	elf->header.e_phnum = 2;
	elf->header.e_entry = 0xffffffff81000000;
	elf->load.p_type = PT_LOAD;
	elf->load.p_offset = offsetof(struct elf64_image, text);
	elf->load.p_vaddr = 0xffffffff81000000;
	elf->load.p_paddr = 2 * MIB;
	elf->load.p_filesz = sizeof(elf->text);
	elf->load.p_memsz = 4096;
	elf->note.p_type = PT_NOTE;
	elf->note.p_offset = offsetof(struct elf64_image, notes);
	elf->note.p_filesz = sizeof(elf->notes);
	elf->notes[0].header = (Elf64_Nhdr) { 4, 4, 6 };
	memcpy(elf->notes[0].name, "Xen", 4);
	elf->notes[1].header = (Elf64_Nhdr) { 4, 4, 18 };
	memcpy(elf->notes[1].name, "Xen", 4);
	elf->notes[1].value = 2 * MIB + 16;
	memset(elf->text, 0xcc, sizeof(elf->text));
	return elf;
}

static uint32_t *put_multiboot_header(struct image *image, size_t offset,
				      uint32_t flags)
{
	uint32_t *header = (void *)(image->bytes + offset);

	header[0] = 0x1badb002;
	header[1] = flags;
	header[2] = -(header[0] + header[1]);
	return header;
}

struct elf32_image {
	Elf32_Ehdr header;
	Elf32_Phdr load;
	uint32_t multiboot[3];
	uint8_t text[64];
};

static struct elf32_image *make_multiboot_elf(struct image *image, uint32_t flags)
{
	struct elf32_image *elf = (void *)image->bytes;

	memset(image, 0, sizeof(*image));
	image->size = sizeof(*elf);
	memcpy(elf->header.e_ident, ELFMAG, SELFMAG);
	elf->header.e_ident[EI_CLASS] = ELFCLASS32;
	elf->header.e_ident[EI_DATA] = ELFDATA2LSB;
	elf->header.e_machine = EM_386;
	elf->header.e_phoff = offsetof(struct elf32_image, load);
	elf->header.e_phentsize = sizeof(Elf32_Phdr);
	elf->header.e_phnum = 1;
	elf->header.e_entry = 0xc0100000;
	elf->load.p_type = PT_LOAD;
	elf->load.p_offset = offsetof(struct elf32_image, text);
	elf->load.p_vaddr = 0xc0100000;
	elf->load.p_paddr = 0x100000;
	elf->load.p_filesz = sizeof(elf->text);
	elf->load.p_memsz = 8192;
	put_multiboot_header(image, offsetof(struct elf32_image, multiboot), flags);
	memset(elf->text, 0xcc, sizeof(elf->text));
	return elf;
}

static void *guest(const struct _test_data_loader *self, uint64_t gpa, size_t size)
{
	return guest_memory_at(&self->memory, gpa, size);
}

static const uint8_t initrd_bytes[5000] = { 0x55, 0x66 };

static void add_initrd(struct _test_data_loader *self)
{
	self->request.initrd = (struct bytes) { initrd_bytes,
						sizeof(initrd_bytes) };
}

/* ---- bzImage ---- */

TEST_F(loader, bzimage)
{
	struct boot_params *params;
	uint64_t *pml4, *pdpt, *pd, *gdt, initrd;
	unsigned int i;

	make_bzimage(self->image);
	self->request.append = "one two";
	add_initrd(self);
	ASSERT_EQ(load(self), 0) { TH_LOG("%s", self->message.text); }
	EXPECT_EQ(self->found, &bzimage_loader);

	/* 64-bit mode at the second entry, RSI to the zero page, IF off */
	EXPECT_EQ(self->state.regs.rip, 16 * MIB + 0x200);
	EXPECT_EQ(self->state.regs.rflags, 2);
	EXPECT_EQ(self->state.sregs.efer, 0x500);
	EXPECT_EQ(self->state.sregs.cr0, 0x80000011);
	EXPECT_EQ(self->state.sregs.cr4, 0x20);
	EXPECT_EQ(self->state.sregs.cs.selector, 0x10);
	EXPECT_EQ(self->state.sregs.cs.access, 0xa09b);
	EXPECT_EQ(self->state.sregs.ds.selector, 0x18);
	EXPECT_EQ(*(uint8_t *)guest(self, 16 * MIB, 1), 0xcc);

	gdt = guest(self, self->state.sregs.gdtr.base, 48);
	ASSERT_NE(gdt, NULL);
	EXPECT_EQ(gdt[2], 0x00af9b000000ffff);
	EXPECT_EQ(gdt[3], 0x00cf93000000ffff);

	params = guest(self, self->state.regs.rsi, sizeof(*params));
	ASSERT_NE(params, NULL);
	EXPECT_EQ(params->sentinel, 0);
	EXPECT_EQ(params->hdr.type_of_loader, 0xff);
	EXPECT_EQ(params->hdr.header, 0x53726448);
	EXPECT_STREQ(guest(self, params->hdr.cmd_line_ptr, 8), "one two");

	/* the initrd is whole pages up, at the end of memory */
	initrd = params->hdr.ramdisk_image;
	EXPECT_EQ(params->hdr.ramdisk_size, sizeof(initrd_bytes));
	EXPECT_EQ(initrd % 4096, 0);
	EXPECT_EQ(initrd, MEMORY - 8192);
	EXPECT_EQ(memcmp(guest(self, initrd, sizeof(initrd_bytes)), initrd_bytes,
			 sizeof(initrd_bytes)), 0);

	ASSERT_EQ(params->e820_entries, 4);
	EXPECT_EQ(params->e820_table[0].size, 0x9fc00);
	EXPECT_EQ(params->e820_table[3].addr, MIB);
	EXPECT_EQ(params->e820_table[3].size, MEMORY - MIB);
	EXPECT_EQ(params->e820_table[3].type, 1);

	/* the first 4 GiB map to themselves */
	pml4 = guest(self, self->state.sregs.cr3, 4096);
	ASSERT_NE(pml4, NULL);
	pdpt = guest(self, pml4[0] & ~0xfffULL, 4096);
	ASSERT_NE(pdpt, NULL);
	for (i = 0; i < 4 * 512; i++) {
		pd = guest(self, pdpt[i / 512] & ~0xfffULL, 4096);
		ASSERT_NE(pd, NULL);
		EXPECT_EQ(pd[i % 512], i * 2 * MIB + 0x83);
	}
	EXPECT_EQ(pdpt[4], 0);
	EXPECT_EQ(pml4[1], 0);
}

TEST_F(loader, bzimage_default_cmdline)
{
	struct boot_params *params;

	make_bzimage(self->image);
	ASSERT_EQ(load(self), 0);
	params = guest(self, self->state.regs.rsi, sizeof(*params));
	EXPECT_STREQ(guest(self, params->hdr.cmd_line_ptr, 14), "console=ttyS0");
	EXPECT_EQ(params->hdr.ramdisk_size, 0);
	EXPECT_EQ(params->hdr.ramdisk_image, 0);
}

/* What the file has in fields that belong to the loader must not get through. */
TEST_F(loader, bzimage_ignores_the_loaders_fields)
{
	struct setup_header *header = make_bzimage(self->image);
	struct boot_params *params;

	header->ramdisk_image = 0x12345678;
	header->ramdisk_size = 0x1000;
	header->cmd_line_ptr = 0xdeadbeef;
	ASSERT_EQ(load(self), 0);
	params = guest(self, self->state.regs.rsi, sizeof(*params));
	EXPECT_EQ(params->hdr.ramdisk_size, 0);
	EXPECT_NE(params->hdr.cmd_line_ptr, 0xdeadbeef);
}

TEST_F(loader, bzimage_refusals)
{
	char long_line[64];
	struct setup_header *header;

	make_bzimage(self->image)->xloadflags = 0;
	EXPECT_EQ(load(self), -1);
	EXPECT_TRUE(says(self, "32-bit kernel"));

	make_bzimage(self->image)->version = 0x0209;
	EXPECT_EQ(load(self), -1);
	EXPECT_TRUE(says(self, "too old"));

	make_bzimage(self->image)->loadflags = 0;
	EXPECT_EQ(load(self), -1);
	EXPECT_TRUE(says(self, "zImage"));

	make_bzimage(self->image);
	self->image->size -= 16;
	EXPECT_EQ(load(self), -1);
	EXPECT_TRUE(says(self, "truncated"));

	make_bzimage(self->image)->setup_sects = 0;
	EXPECT_EQ(load(self), -1);
	EXPECT_TRUE(says(self, "truncated"));

	make_bzimage(self->image)->setup_sects = 255;
	EXPECT_EQ(load(self), -1);
	EXPECT_TRUE(says(self, "truncated"));

	make_bzimage(self->image)->init_size = 100 * MIB;
	EXPECT_EQ(load(self), -1);
	EXPECT_TRUE(says(self, "use --mem 116M"));

	make_bzimage(self->image)->pref_address = UINT64_MAX - 4096;
	EXPECT_EQ(load(self), -1);
	EXPECT_TRUE(says(self, "damaged"));

	make_bzimage(self->image)->init_size = UINT32_MAX;
	EXPECT_EQ(load(self), -1);
	EXPECT_TRUE(says(self, "damaged"));

	header = make_bzimage(self->image);
	header->jump = 0xffeb;
	EXPECT_EQ(load(self), -1);
	EXPECT_TRUE(says(self, "damaged"));

	make_bzimage(self->image)->cmdline_size = sizeof(long_line) - 2;
	memset(long_line, 'x', sizeof(long_line) - 1);
	long_line[sizeof(long_line) - 1] = '\0';
	self->request.append = long_line;
	EXPECT_EQ(load(self), -1);
	EXPECT_TRUE(says(self, "--append is too long: 63 characters, this kernel takes at most 62"));
}

TEST_F(loader, initrd_too_large)
{
	uint8_t *large = calloc(1, 60 * MIB);

	/* 16 to 24 MiB are the kernel's, so 40 MiB are left above it. */
	make_bzimage(self->image);
	self->request.initrd = (struct bytes) { large, 60 * MIB };
	EXPECT_EQ(load(self), -1);
	EXPECT_TRUE(says(self, "initrd is too large for the memory: it has 60M, and 40M are free; use --mem 85M"));

	reset_memory(self);
	make_bzimage(self->image)->initrd_addr_max = 32 * MIB - 1;
	self->request.initrd.size = 20 * MIB;
	EXPECT_EQ(load(self), -1);
	EXPECT_TRUE(says(self, "the kernel takes at most 15M"));
	free(large);
}

/* ---- PVH ---- */

TEST_F(loader, pvh)
{
	const uint32_t *info;
	const uint64_t *module;

	make_pvh(self->image);
	self->request.append = "hello";
	add_initrd(self);
	ASSERT_EQ(load(self), 0) { TH_LOG("%s", self->message.text); }
	EXPECT_EQ(self->found, &pvh_loader);
	EXPECT_EQ(self->state.regs.rip, 2 * MIB + 16);
	EXPECT_EQ(self->state.sregs.cr0, 0x11);
	EXPECT_EQ(self->state.sregs.cr4, 0);
	EXPECT_EQ(self->state.sregs.efer, 0);
	EXPECT_EQ(self->state.sregs.cs.access, 0xc09b);
	EXPECT_EQ(self->state.sregs.cs.limit, 0xffffffff);
	EXPECT_EQ(*(uint8_t *)guest(self, 2 * MIB + 63, 1), 0xcc);
	EXPECT_EQ(*(uint8_t *)guest(self, 2 * MIB + 64, 1), 0);

	info = guest(self, self->state.regs.rbx, 56);
	ASSERT_NE(info, NULL);
	EXPECT_EQ(info[0], 0x336ec578);
	EXPECT_EQ(info[1], 1);
	EXPECT_EQ(info[3], 1);
	module = guest(self, info[4], 32);
	ASSERT_NE(module, NULL);
	EXPECT_EQ(module[0], MEMORY - 8192);
	EXPECT_EQ(module[1], sizeof(initrd_bytes));
	EXPECT_STREQ(guest(self, info[6], 6), "hello");
	EXPECT_EQ(info[12], 4);
}

TEST_F(loader, pvh_refusals)
{
	struct elf64_image *elf;

	elf = make_pvh(self->image);
	elf->notes[1].header.n_type = 17;
	EXPECT_EQ(load(self), -1);
	EXPECT_TRUE(says(self, "neither a PVH entry note"));

	/* a note whose length leaves its segment is none */
	elf = make_pvh(self->image);
	elf->notes[0].header.n_descsz = 0xfffffffd;
	EXPECT_EQ(load(self), -1);
	EXPECT_TRUE(says(self, "neither a PVH entry note"));

	/* nor one whose value does */
	elf = make_pvh(self->image);
	elf->notes[1].header.n_descsz = 8;
	EXPECT_EQ(load(self), -1);
	EXPECT_TRUE(says(self, "neither a PVH entry note"));

	elf = make_pvh(self->image);
	elf->load.p_offset = UINT64_MAX - 8;
	EXPECT_EQ(load(self), -1);
	EXPECT_TRUE(says(self, "truncated"));

	elf = make_pvh(self->image);
	elf->load.p_paddr = UINT64_MAX - 8;
	EXPECT_EQ(load(self), -1);
	EXPECT_TRUE(says(self, "never memory"));

	elf = make_pvh(self->image);
	elf->load.p_memsz = 1;
	EXPECT_EQ(load(self), -1);
	EXPECT_TRUE(says(self, "damaged"));

	elf = make_pvh(self->image);
	elf->load.p_memsz = 70 * MIB;
	EXPECT_EQ(load(self), -1);
	EXPECT_TRUE(says(self, "use --mem 72M or more"));

	elf = make_pvh(self->image);
	elf->notes[1].value = 0xfffffff0;
	EXPECT_EQ(load(self), -1);
	EXPECT_TRUE(says(self, "entry"));

	reset_memory(self);
	elf = make_pvh(self->image);
	elf->note.p_type = PT_LOAD;
	elf->note.p_paddr = elf->load.p_paddr;
	elf->note.p_memsz = 4096;
	EXPECT_EQ(load(self), -1);
	EXPECT_TRUE(says(self, "neither"));

	elf = make_pvh(self->image);
	elf->header.e_machine = EM_AARCH64;
	EXPECT_EQ(load(self), -1);
	EXPECT_TRUE(says(self, "ELF"));
}

/* ---- Multiboot ---- */

TEST_F(loader, multiboot_elf)
{
	const uint32_t *info, *module;
	const uint8_t *mmap;

	make_multiboot_elf(self->image, 3);
	self->request.image_name = "kernel.elf";
	self->request.append = "a b";
	add_initrd(self);
	ASSERT_EQ(load(self), 0) { TH_LOG("%s", self->message.text); }
	EXPECT_EQ(self->found, &multiboot_loader);
	/* the entry is a virtual address there */
	EXPECT_EQ(self->state.regs.rip, 0x100000);
	EXPECT_EQ(self->state.regs.rax, 0x2badb002);
	EXPECT_EQ(self->state.sregs.cr0, 0x11);

	info = guest(self, self->state.regs.rbx, 120);
	ASSERT_NE(info, NULL);
	EXPECT_EQ(info[0], 1 << 0 | 1 << 2 | 1 << 3 | 1 << 6 | 1 << 9);
	EXPECT_EQ(info[1], 639);
	EXPECT_EQ(info[2], (MEMORY - MIB) / 1024);
	EXPECT_STREQ(guest(self, info[4], 15), "kernel.elf a b");
	EXPECT_EQ(info[5], 1);
	module = guest(self, info[6], 16);
	ASSERT_NE(module, NULL);
	EXPECT_EQ(module[0], MEMORY - 8192);
	EXPECT_EQ(module[1] - module[0], sizeof(initrd_bytes));
	EXPECT_STREQ(guest(self, module[2], 7), "initrd");
	EXPECT_EQ(info[11], 4 * 24);
	mmap = guest(self, info[12], 4 * 24);
	ASSERT_NE(mmap, NULL);
	EXPECT_EQ(get_le32(mmap), 20);
	EXPECT_EQ(get_le64(mmap + 12), 0x9fc00);
	EXPECT_EQ(get_le32(mmap + 20), 1);
	EXPECT_STREQ(guest(self, info[16], 8), "minivmx");
}

TEST_F(loader, multiboot_addresses)
{
	uint32_t *header;

	/* the header is 0x10 into what is loaded, which begins at 0x20 */
	memset(self->image, 0, sizeof(*self->image));
	self->image->size = 0x200;
	memset(self->image->bytes, 0xcc, 0x200);
	header = put_multiboot_header(self->image, 0x30, 1 << 16);
	header[3] = 0x200010;
	header[4] = 0x200000;
	header[5] = 0x200100;
	header[6] = 0x201000;
	header[7] = 0x200080;
	ASSERT_EQ(load(self), 0) { TH_LOG("%s", self->message.text); }
	EXPECT_EQ(self->state.regs.rip, 0x200080);
	EXPECT_EQ(get_le32(guest(self, 0x200010, 4)), 0x1badb002);
	EXPECT_EQ(*(uint8_t *)guest(self, 0x2000ff, 1), 0xcc);
	EXPECT_EQ(*(uint8_t *)guest(self, 0x200100, 1), 0);

	/* to the end of the file */
	header[5] = 0;
	header[6] = 0;
	reset_memory(self);
	ASSERT_EQ(load(self), 0);
	EXPECT_EQ(*(uint8_t *)guest(self, 0x2001df, 1), 0xcc);

	header[5] = 0x200200;
	EXPECT_EQ(load(self), -1);
	EXPECT_TRUE(says(self, "truncated"));
	header[5] = 0x1fffff;
	EXPECT_EQ(load(self), -1);
	EXPECT_TRUE(says(self, "damaged"));
	header[5] = 0x200100;
	header[6] = 0x200080;
	EXPECT_EQ(load(self), -1);
	EXPECT_TRUE(says(self, "damaged"));
	header[6] = 0;
	header[3] = 0x200040;
	EXPECT_EQ(load(self), -1);
	EXPECT_TRUE(says(self, "damaged"));
	header[3] = 0x1ffff0;
	EXPECT_EQ(load(self), -1);
	EXPECT_TRUE(says(self, "damaged"));
	header[3] = 0x200010;
	header[7] = 0xf0000000;
	reset_memory(self);
	EXPECT_EQ(load(self), -1);
	EXPECT_TRUE(says(self, "entry"));
}

TEST_F(loader, multiboot_refusals)
{
	make_multiboot_elf(self->image, 1 << 2);
	EXPECT_EQ(load(self), -1);
	EXPECT_TRUE(says(self, "video"));

	make_multiboot_elf(self->image, 1 << 5);
	EXPECT_EQ(load(self), -1);
	EXPECT_TRUE(says(self, "flags 0x20"));

	make_multiboot_elf(self->image, 0)->header.e_phnum = 0;
	EXPECT_EQ(load(self), -1);
	EXPECT_TRUE(says(self, "program headers"));

	make_multiboot_elf(self->image, 0)->header.e_phnum = 2000;
	EXPECT_EQ(load(self), -1);
	EXPECT_TRUE(says(self, "truncated"));

	make_multiboot_elf(self->image, 0);
	memset(self->image->bytes, 0, 4);
	EXPECT_EQ(load(self), -1);
	EXPECT_TRUE(says(self, "no ELF file"));

	/* a checksum that is wrong makes it no header */
	make_multiboot_elf(self->image, 0)->multiboot[2]++;
	EXPECT_EQ(load(self), -1);
	EXPECT_TRUE(says(self, "nor a multiboot header"));
}

/* ---- Flat, and what is none of these ---- */

TEST_F(loader, flat)
{
	memset(self->image->bytes, 0xf4, 16);
	self->image->size = 16;
	ASSERT_EQ(load(self), 0);
	EXPECT_EQ(self->found, &flat_loader);
	EXPECT_EQ(self->state.sregs.cs.base, 0);
	EXPECT_EQ(self->state.sregs.cr0, 0x10);
	EXPECT_EQ(self->state.regs.rip, 0x7c00);
	EXPECT_EQ(self->state.regs.rsp, 0x7c00);
	EXPECT_EQ(*(uint8_t *)guest(self, 0x7c0f, 1), 0xf4);

	self->request.append = "x";
	EXPECT_EQ(load(self), -1);
	EXPECT_TRUE(says(self, "no use for"));
}

TEST(flat_limit)
{
	const size_t most = 0x9fc00 - 0x7c00;
	struct boot_request request = { .image_name = "image" };
	uint8_t *bytes = calloc(1, most + 1);
	struct guest_memory memory;
	struct boot_state state;
	struct message message;

	ASSERT_EQ(guest_memory_init(&memory, MEMORY_MIN), 0);
	request.image = (struct bytes) { bytes, most + 1 };
	EXPECT_EQ(flat_loader.load(&request, &memory, &state, &message), -1);
	EXPECT_NE(strstr(message.text, "too large"), NULL);
	request.image.size = most;
	EXPECT_EQ(flat_loader.load(&request, &memory, &state, &message), 0);
	guest_memory_free(&memory);
	free(bytes);
}

TEST_F(loader, others_are_named)
{
	static const struct {
		const char *bytes;
		const char *name;
	} others[] = {
		{ "MZ\220", "EFI or DOS" },
		{ "\037\213\010", "gzip" },
		{ "\050\265\057\375", "zstd" },
		{ "070701", "cpio" },
		{ "#!/bin/sh", "script" },
		{ "\177ELF", "ELF" },
		{ "", "empty" },
	};
	size_t i;

	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		self->image->size = strlen(others[i].bytes);
		memcpy(self->image->bytes, others[i].bytes, self->image->size);
		EXPECT_EQ(load(self), -1);
		EXPECT_TRUE(says(self, others[i].name));
	}
}

/* ---- Any image at all ---- */

static void make_any(struct image *image, unsigned int kind)
{
	switch (kind) {
	case 0:
		make_bzimage(image);
		break;
	case 1:
		make_pvh(image);
		break;
	case 2:
		make_multiboot_elf(image, 3);
		break;
	default:
		memset(image, 0, sizeof(*image));
		image->size = 0x80;
		memcpy(put_multiboot_header(image, 0x10, 1 << 16) + 3,
		       (uint32_t[5]) { 0x100010, 0x100000, 0x100080, 0x101000,
				       0x100020 }, 20);
	}
}

#define NR_KINDS	4

TEST_F(loader, cut_anywhere)
{
	unsigned int kind;
	size_t size, full;

	add_initrd(self);
	for (kind = 0; kind < NR_KINDS; kind++) {
		make_any(self->image, kind);
		full = self->image->size;
		for (size = 0; size < full; size++) {
			self->image->size = size;
			reset_memory(self);
			/* Too short to be recognised, it may be a flat binary. */
			if (load(self)) {
				EXPECT_NE(self->message.text[0], '\0');
			} else {
				EXPECT_TRUE(self->found == &flat_loader ||
					    kind == 3);
			}
		}
		self->image->size = full;
		reset_memory(self);
		EXPECT_EQ(load(self), 0) { TH_LOG("%s", self->message.text); }
	}
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

TEST_F(loader, damaged_anywhere)
{
	static const uint8_t values[] = { 0, 1, 0x7f, 0x80, 0xff };
	uint64_t random = 0x9e3779b97f4a7c15;
	unsigned int round, kind, i;

	add_initrd(self);
	for (round = 0; round < 20000; round++) {
		kind = round % NR_KINDS;
		make_any(self->image, kind);
		for (i = next_random(&random) % 8 + 1; i; i--) {
			/* The headers are where the damage matters. */
			size_t from = kind == 0 ? 0x1f1 : 0;
			size_t span = kind == 0 ? sizeof(struct setup_header) :
						  self->image->size;

			self->image->bytes[from + next_random(&random) % span] =
				next_random(&random) & 1 ?
				values[next_random(&random) % sizeof(values)] :
				(uint8_t)next_random(&random);
		}
		reset_memory(self);
		if (load(self)) {
			EXPECT_NE(self->message.text[0], '\0');
		}
	}
}

TEST_HARNESS_MAIN
