// SPDX-License-Identifier: GPL-2.0
/*
 * A small program for a whole machine: 32-bit code, loaded by multiboot, without paging.
 * Its command line says what it does:
 *
 *	disk N		writes N rounds of its pattern to the first virtio disk, flushes, reads
 *			it back and compares; a dot for each; 0: for ever
 *	check N		N rounds of that, with its memory compared as well, which it fills from
 *			a seed first
 *	scribble	writes nonsense to all of its memory, to the configuration space and the
 *			BARs of each PCI device, to MSRs and to ports, but those that end it
 *
 * Then it turns the power off, or if something is not what it should be says so and ends
 * in a reset. uapi/pc_test.sh runs it.
 */
#include <stdbool.h>
#include <stdint.h>

/* Multiboot's header: its flags ask for modules at pages and to be told of memory. */
__asm__("	.section .multiboot, \"a\"\n"
	"	.balign	4\n"
	"	.long	0x1badb002, 3, -(0x1badb002 + 3)\n"
	"	.text\n"
	"	.globl	_start\n"
	"_start:	mov	$stack_end, %esp\n"
	"	push	%ebx\n"
	"	call	start\n"
	"	.bss\n"
	"	.balign	16\n"
	"	.space	16384\n"
	"stack_end:\n"
	"	.text\n");

/* Of the multiboot information. */
struct multiboot_info {
	uint32_t flags;
	uint32_t mem_lower;
	uint32_t mem_upper;	/* KiB above 1 MiB */
	uint32_t boot_device;
	const char *command_line;
};

/* ---- The machine's registers ---- */

static inline void outb(uint16_t port, uint8_t value)
{
	__asm__ volatile ("outb %0, %1" : : "a" (value), "Nd" (port));
}

static inline void outw(uint16_t port, uint16_t value)
{
	__asm__ volatile ("outw %0, %1" : : "a" (value), "Nd" (port));
}

static inline void outl(uint16_t port, uint32_t value)
{
	__asm__ volatile ("outl %0, %1" : : "a" (value), "Nd" (port));
}

static inline uint32_t inl(uint16_t port)
{
	uint32_t value;

	__asm__ volatile ("inl %1, %0" : "=a" (value) : "Nd" (port));
	return value;
}

static void print(const char *text)
{
	while (*text)
		outb(0x3f8, (uint8_t)*text++);
}

static void power_off(void)
{
	for (;;)
		outw(0x604, 0x2000);
}

static void give_up(const char *why)
{
	print(why);
	print("\n");
	for (;;)
		outb(0xcf9, 6);
}

static uint32_t pci_read(unsigned int slot, unsigned int at)
{
	outl(0xcf8, 0x80000000 | slot << 11 | at);
	return inl(0xcfc);
}

static void pci_write(unsigned int slot, unsigned int at, uint32_t value)
{
	outl(0xcf8, 0x80000000 | slot << 11 | at);
	outl(0xcfc, value);
}

/* xorshift */
static uint32_t seed = 1;

static uint32_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed;
}

/* ---- A virtio disk, polled ---- */

#define VIRTIO_BLK	0x10421af4
#define QUEUE_SIZE	8
#define SECTORS		64		/* of a round */

struct desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags;
	uint16_t next;
};

static struct desc desc[QUEUE_SIZE] __attribute__((aligned(4096)));
static volatile struct {
	uint16_t flags;
	uint16_t idx;
	uint16_t ring[QUEUE_SIZE];
} avail __attribute__((aligned(4096)));
static volatile struct {
	uint16_t flags;
	uint16_t idx;
	struct {
		uint32_t id;
		uint32_t len;
	} ring[QUEUE_SIZE];
} used __attribute__((aligned(4096)));

static struct {
	uint32_t type;
	uint32_t reserved;
	uint64_t sector;
} header;
static volatile uint8_t status;
static uint32_t data[SECTORS * 128];
static volatile uint8_t *bar;

static void put16(unsigned int at, uint16_t value)
{
	*(volatile uint16_t *)(bar + at) = value;
}

static void put32(unsigned int at, uint32_t value)
{
	*(volatile uint32_t *)(bar + at) = value;
}

static void set_features(void)
{
	/* Flushes, and version 1. */
	put32(0x08, 0);
	put32(0x0c, 1 << 9);
	put32(0x08, 1);
	put32(0x0c, 1);
	bar[0x14] = 11;
	if (!(bar[0x14] & 8))
		give_up("the disk refuses the features");
}

static void open_disk(void)
{
	unsigned int slot;

	for (slot = 0; slot < 32 && pci_read(slot, 0) != VIRTIO_BLK; slot++)
		;
	if (slot == 32)
		give_up("there is no disk");
	pci_write(slot, 4, 6);
	bar = (volatile uint8_t *)pci_read(slot, 0x10);
	bar[0x14] = 0;
	while (bar[0x14])
		;
	bar[0x14] = 3;
	set_features();
	put16(0x16, 0);
	put16(0x18, QUEUE_SIZE);
	put32(0x20, (uint32_t)desc);
	put32(0x24, 0);
	put32(0x28, (uint32_t)&avail);
	put32(0x2c, 0);
	put32(0x30, (uint32_t)&used);
	put32(0x34, 0);
	put16(0x1c, 1);
	bar[0x14] = 15;
}

/* A request of type 0 (read), 1 (write) or 4 (flush), of all of @data. */
static void request(uint32_t type, uint32_t sector)
{
	const bool has_data = type != 4;

	header.type = type;
	header.sector = sector;
	status = 0xff;
	desc[0] = (struct desc) { (uint32_t)&header, sizeof(header), 1, has_data ? 1 : 2 };
	desc[1] = (struct desc) { (uint32_t)data, sizeof(data), type ? 1 : 3, 2 };
	desc[2] = (struct desc) { (uint32_t)&status, 1, 2, 0 };
	avail.ring[avail.idx % QUEUE_SIZE] = 0;
	__asm__ volatile ("" : : : "memory");
	avail.idx++;
	__asm__ volatile ("lock; addl $0, (%%esp)" : : : "memory");
	put16(0x3000, 0);
	while (used.idx != avail.idx)
		__asm__ volatile ("pause" : : : "memory");
	if (status)
		give_up("the disk says that it failed");
}

static void disk_round(uint32_t round)
{
	const uint32_t sector = round % 128 * SECTORS;
	unsigned int i;

	for (i = 0; i < SECTORS * 128; i++)
		data[i] = round * 0x9e3779b1 + i;
	request(1, sector);
	request(4, 0);
	for (i = 0; i < SECTORS * 128; i++)
		data[i] = 0;
	request(0, sector);
	for (i = 0; i < SECTORS * 128; i++)
		if (data[i] != round * 0x9e3779b1 + i)
			give_up("the disk has something else");
}

/* ---- Memory ---- */

extern char image_end[];

/* All of it behind this program: @nr words. */
static uint32_t *all_memory(const struct multiboot_info *info, uint32_t *nr)
{
	uint32_t *start = (uint32_t *)(((uint32_t)image_end + 0xfffff) & ~0xfffffU);

	*nr = (0x100000 + info->mem_upper * 1024 - (uint32_t)start) / 4;
	return start;
}

static void fill(uint32_t *words, uint32_t nr)
{
	uint32_t i;

	for (i = 0; i < nr; i++)
		words[i] = i * 0x85ebca6b ^ 0x5bd1e995;
}

static void compare(const uint32_t *words, uint32_t nr)
{
	uint32_t i;

	for (i = 0; i < nr; i++)
		if (words[i] != (i * 0x85ebca6b ^ 0x5bd1e995))
			give_up("memory has something else");
}

/* ---- Nonsense ---- */

/* A fault of WRMSR skips it, which is two bytes long. */
static struct {
	uint16_t low;
	uint16_t selector;
	uint16_t flags;
	uint16_t high;
} __attribute__((packed)) idt[32];

__asm__("	.globl	on_fault\n"
	"on_fault:	add	$4, %esp\n"
	"	addl	$2, (%esp)\n"
	"	iret\n");
extern char on_fault[];

static void set_up_faults(void)
{
	const struct {
		uint16_t limit;
		uint32_t base;
	} __attribute__((packed)) idtr = { sizeof(idt) - 1, (uint32_t)idt };
	uint16_t cs;

	__asm__ volatile ("mov %%cs, %0" : "=r" (cs));
	idt[13].low = (uint16_t)(uint32_t)on_fault;
	idt[13].high = (uint16_t)((uint32_t)on_fault >> 16);
	idt[13].selector = cs;
	idt[13].flags = 0x8e00;
	__asm__ volatile ("lidt %0" : : "m" (idtr));
}

static void scribble_msrs(void)
{
	/* But the one that would take this code's mode away, and its neighbours. */
	static const uint32_t ranges[][2] = {
		{ 0, 0x1000 }, { 0x4b564d00, 0x4b564d10 }, { 0xc0000081, 0xc0000110 },
		{ 0xc0010000, 0xc0010120 },
	};
	unsigned int i;
	uint32_t msr;

	for (i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		for (msr = ranges[i][0]; msr < ranges[i][1]; msr++)
			__asm__ volatile ("wrmsr" : : "c" (msr), "a" (rnd()), "d" (rnd() & rnd()));
}

/* Ports at which a write ends the machine, or stops what this prints. */
static bool is_fatal(uint32_t port)
{
	return port == 0x64 || port == 0x92 || (port & ~7U) == 0x3f8 || (port & ~7U) == 0xcf8 ||
	       (port & ~0xfU) == 0x600;
}

static void scribble_ports(void)
{
	uint32_t port;

	for (port = 0; port < 0x10000; port++) {
		/* A dword is split into bytes where a device ends. */
		if (is_fatal(port) || is_fatal(port + 1) || is_fatal(port + 2) || is_fatal(port + 3))
			continue;
		outb((uint16_t)port, (uint8_t)rnd());
		outw((uint16_t)port, (uint16_t)rnd());
		outl((uint16_t)port, rnd());
	}
}

static void scribble_pci(void)
{
	unsigned int slot, at, i;

	for (slot = 0; slot < 32; slot++) {
		if (pci_read(slot, 0) == 0xffffffff)
			continue;
		for (at = 0; at < 0x100; at += 4)
			pci_write(slot, at, rnd());
		/* Where its registers may be, and at all that is near. */
		pci_write(slot, 0x10, 0xd0000000);
		pci_write(slot, 0x14, 0xd1000000);
		pci_write(slot, 4, 7);
		for (i = 0; i < 2000; i++) {
			*(volatile uint32_t *)(0xd0000000 + (rnd() & 0x3ffc)) = rnd();
			*(volatile uint16_t *)(0xd0000000 + (rnd() & 0x3e)) = (uint16_t)rnd();
			*(volatile uint8_t *)(0xd0000000 + (rnd() & 0x3f)) = (uint8_t)rnd();
			*(volatile uint32_t *)(0xd1000000 + (rnd() & 0xffc)) = rnd();
		}
	}
	for (i = 0; i < 10000; i++)
		*(volatile uint32_t *)(0xe0000000 + (rnd() & 0xffffc)) = rnd();
}

static void scribble(const struct multiboot_info *info)
{
	uint32_t i, nr, *words = all_memory(info, &nr);

	set_up_faults();
	for (i = 0; i < nr; i++)
		words[i] = rnd();
	print("memory ");
	scribble_pci();
	print("pci ");
	scribble_ports();
	print("ports ");
	scribble_msrs();
	print("msrs ");
	/* And once more what its devices had their queues in. */
	for (i = 0; i < nr; i++)
		words[i] = rnd();
}

/* ---- The command line ---- */

/* The word behind the image's name; @number is what follows it. */
static const char *read_command(const char *text, uint32_t *number)
{
	const char *word, *next;

	while (*text && *text != ' ')
		text++;
	while (*text == ' ')
		text++;
	word = text;
	for (next = text; *next && *next != ' '; next++)
		;
	while (*next == ' ')
		next++;
	for (*number = 0; *next >= '0' && *next <= '9'; next++)
		*number = *number * 10 + (uint32_t)(*next - '0');
	return word;
}

void start(const struct multiboot_info *info);

void start(const struct multiboot_info *info)
{
	uint32_t round, rounds, nr, *words = all_memory(info, &nr);
	const char *command = read_command(info->command_line, &rounds);

	print("pc\n");
	if (command[0] == 's') {
		scribble(info);
		print("\nscribbled\n");
		power_off();
	}
	open_disk();
	if (command[0] == 'c')
		fill(words, nr);
	for (round = 0; !rounds || round < rounds; round++) {
		disk_round(round);
		if (command[0] == 'c')
			compare(words, nr);
		print(".");
	}
	print("\nall is as it should be\n");
	power_off();
}
