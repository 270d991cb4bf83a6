/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Loaders: from an image file's bytes to a guest that can be started.
 *
 * A loader is one file with one struct loader, listed in loader.c. It treats
 * the image as hostile: no length or offset in it is used before it is checked.
 */
#ifndef LOADER_H
#define LOADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libminivmx.h"
#include "memory.h"
#include "message.h"

struct bytes {
	const uint8_t *data;
	size_t size;
};

/* What Linux is told if the user does not say: a serial console is all we have. */
#define DEFAULT_LINUX_CMDLINE	"console=ttyS0"

/**
 * struct boot_request - what the user wants to start
 * @image: the image file
 * @image_name: its name without directories
 * @initrd: the initrd's bytes; @initrd.data is NULL if there is none
 * @initrd_name: its name without directories
 * @append: the command line, NULL if not given
 */
struct boot_request {
	struct bytes image;
	const char *image_name;
	struct bytes initrd;
	const char *initrd_name;
	const char *append;
};

/**
 * struct boot_state - how the vCPU starts
 * @sregs: its system registers
 * @regs: its general registers
 */
struct boot_state {
	struct minivmx_sregs sregs;
	struct minivmx_regs regs;
};

/**
 * struct loader - one kind of image
 * @name: for messages
 * @probe: whether the image is of that kind
 * @load: fill memory and state; 0, or -1 with a message
 */
struct loader {
	const char *name;
	bool (*probe)(struct bytes image);
	int (*load)(const struct boot_request *request,
		    struct guest_memory *memory, struct boot_state *state,
		    struct message *message);
};

extern const struct loader bzimage_loader;
extern const struct loader pvh_loader;
extern const struct loader multiboot_loader;
extern const struct loader flat_loader;

/* The loader for an image, or NULL with a message that says what it is. */
const struct loader *loader_find(struct bytes image, struct message *message);

/* ---- For the loaders ---- */

/* Tables for the guest go below the EBDA, but not over the vectors at 0. */
#define BOOT_TABLES	((struct placement) {				\
		.within = { 0x1000, CONVENTIONAL_END },			\
		.align = 16, .from = PLACE_FROM_BOTTOM })

/* Copy @size bytes somewhere; NULL @data leaves them zero. 0, or -1. */
int boot_place(struct guest_memory *memory, const void *data, uint64_t size,
	       struct placement where, uint64_t *gpa, struct message *message);

/* Copy the initrd as high as possible below @end, page-aligned. */
int boot_place_initrd(struct guest_memory *memory,
		      const struct boot_request *request, uint64_t end,
		      uint64_t *gpa, struct message *message);

/* Put a GDT that matches the state somewhere and let the state use it. */
int boot_place_gdt(struct guest_memory *memory, struct boot_state *state,
		   struct message *message);

/* Say why a range that the image names could not be had. Always -1. */
int boot_claim_failed(const struct guest_memory *memory, enum claim_result why,
		      uint64_t gpa, uint64_t size, struct message *message);

/* Little-endian numbers at any address. */
uint16_t get_le16(const uint8_t *p);
uint32_t get_le32(const uint8_t *p);
uint64_t get_le64(const uint8_t *p);

#endif /* LOADER_H */
