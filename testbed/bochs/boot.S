/*
 * The boot loader of Bochs' disk: load an uncompressed Linux with an initramfs
 * and enter it by Linux' 64-bit boot protocol.
 *
 * Why not a ready-made boot loader: those read the disk through the BIOS, a
 * few bytes per emulated instruction, and then have the kernel unpack itself,
 * which for a zstd image takes longer than all the rest of the boot. Here the
 * kernel was unpacked before the machine started, and is read with one string
 * instruction a sector.
 *
 * mkdisk lays out the disk:
 *   sectors 0..7   this loader
 *   sector 8       struct table: the kernel's entry point and what to load where
 *   sectors 9..    what is loaded, the finished boot_params page included; only
 *                  the memory map has to be asked from the BIOS here
 *
 * Low memory while it runs (the kernel moves all it needs from here away):
 */
#define LOADER_SECTORS	8
#define TABLE_SECTOR	8
#define STACK		0x7c00
#define LOADER		0x7c00
#define TABLE		0xa000	/* sector 8 */
#define MEMORY_MAP	0xb000	/* the BIOS' answers, 20 bytes each */
#define BOOT_PARAMS	0x10000	/* loaded; mkdisk.c knows this address too */
#define PAGE_TABLES	0x12000	/* PML4, PDPT, four page directories */

#define MAX_MAP_ENTRIES	128
#define MAP_ENTRY_SIZE	20
#define E820_ENTRIES	0x1e8	/* offsets in boot_params */
#define E820_TABLE	0x2d0

#define CODE64	0x10		/* the boot protocol's __BOOT_CS, __BOOT_DS */
#define DATA	0x18
#define CODE32	0x20

#define ATA		0x1f0	/* the first channel's registers */
#define ATA_COUNT	(ATA + 2)
#define ATA_LBA		(ATA + 3)
#define ATA_DRIVE	(ATA + 6)
#define ATA_COMMAND	(ATA + 7)
#define ATA_STATUS	(ATA + 7)
#define ATA_CONTROL	0x3f6
#define STATUS_DRQ	0x08
#define STATUS_BUSY	0x80

	.section .text
	.globl start
	.code16
start:
	cli
	cld
	xorw	%ax, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movl	$STACK, %esp
	ljmp	$0, $load_rest

load_rest:			/* dl: the drive, from the BIOS */
	movw	$disk_address, %si
	movb	$0x42, %ah	/* extended read */
	int	$0x13
	jnc	ask_memory_map
	jmp	halt16

	.balign 4
disk_address:
	.byte	16, 0
	.word	LOADER_SECTORS - 1
	.word	LOADER + 512, 0
	.quad	1

halt16:
	hlt
	jmp	halt16

	.org	510
	.word	0xaa55

/* From here on the loader has been read by its first sector. */

ask_memory_map:
	xorl	%ebx, %ebx
	movw	$MEMORY_MAP, %di
	movl	$0, map_entries
1:	movl	$0xe820, %eax
	movl	$MAP_ENTRY_SIZE, %ecx
	movl	$0x534d4150, %edx	/* "SMAP" */
	int	$0x15
	jc	enter_protected_mode	/* also how some BIOSes say: no more */
	incl	map_entries
	addw	$MAP_ENTRY_SIZE, %di
	cmpl	$MAX_MAP_ENTRIES, map_entries
	jae	enter_protected_mode
	testl	%ebx, %ebx
	jnz	1b

enter_protected_mode:
	cli
	inb	$0x92, %al		/* A20 */
	orb	$2, %al
	outb	%al, $0x92
	lgdtl	gdt_pointer
	movl	%cr0, %eax
	orl	$1, %eax
	movl	%eax, %cr0
	ljmpl	$CODE32, $protected_mode

	.code32
protected_mode:
	movl	$DATA, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movb	$2, %al			/* poll; the kernel enables this IRQ */
	movl	$ATA_CONTROL, %edx
	outb	%al, %dx

	movl	$TABLE_SECTOR, %ebx
	movl	$1, %ebp
	movl	$TABLE, %edi
	call	read_sectors

	movl	$TABLE + 8, %esi	/* rows of {first sector, sectors, address} */
	movl	TABLE + 4, %ecx
1:	pushl	%ecx
	movl	0(%esi), %ebx
	movl	4(%esi), %ebp
	movl	8(%esi), %edi
	call	read_sectors
	addl	$12, %esi
	popl	%ecx
	loop	1b

	movl	map_entries, %eax
	movb	%al, BOOT_PARAMS + E820_ENTRIES
	imull	$MAP_ENTRY_SIZE, %eax, %ecx
	movl	$MEMORY_MAP, %esi
	movl	$BOOT_PARAMS + E820_TABLE, %edi
	rep movsb

/* Map the first 4 GiB onto themselves with pages of 2 MiB. */
	movl	$PAGE_TABLES, %edi
	xorl	%eax, %eax
	movl	$6 * 1024, %ecx
	rep stosl
	movl	$PAGE_TABLES + 0x1000 + 3, PAGE_TABLES
	movl	$PAGE_TABLES + 0x2000 + 3, %eax
	movl	$PAGE_TABLES + 0x1000, %edi
	movl	$4, %ecx
1:	movl	%eax, (%edi)
	addl	$0x1000, %eax
	addl	$8, %edi
	loop	1b
	movl	$0x83, %eax		/* present, writable, large */
	movl	$PAGE_TABLES + 0x2000, %edi
	movl	$2048, %ecx
1:	movl	%eax, (%edi)
	addl	$0x200000, %eax
	addl	$8, %edi
	loop	1b

	movl	%cr4, %eax
	orl	$0x20, %eax		/* PAE */
	movl	%eax, %cr4
	movl	$PAGE_TABLES, %eax
	movl	%eax, %cr3
	movl	$0xc0000080, %ecx	/* EFER.LME */
	rdmsr
	orl	$0x100, %eax
	wrmsr
	movl	%cr0, %eax
	orl	$0x80000000, %eax
	movl	%eax, %cr0
	ljmpl	$CODE64, $long_mode

/*
 * Read ebp sectors from sector ebx on to edi, in commands of at most 256.
 * Clobbers eax, ebx, ecx, edx, ebp, edi.
 */
read_sectors:
	testl	%ebp, %ebp
	jz	4f
1:	movl	$ATA_STATUS, %edx
	inb	%dx, %al
	testb	$STATUS_BUSY, %al
	jnz	1b
	movl	$256, %ecx
	cmpl	%ecx, %ebp
	jae	2f
	movl	%ebp, %ecx
2:	subl	%ecx, %ebp
	movl	$ATA_COUNT, %edx
	movb	%cl, %al		/* 0 means 256 */
	outb	%al, %dx
	movl	%ebx, %eax
	addl	%ecx, %ebx
	movl	$ATA_LBA, %edx
	outb	%al, %dx
	incl	%edx
	shrl	$8, %eax
	outb	%al, %dx
	incl	%edx
	shrl	$8, %eax
	outb	%al, %dx
	shrl	$8, %eax
	orb	$0xe0, %al		/* first drive, by sector number */
	movl	$ATA_DRIVE, %edx
	outb	%al, %dx
	movb	$0x20, %al		/* read sectors */
	movl	$ATA_COMMAND, %edx
	outb	%al, %dx
3:	movl	$ATA_STATUS, %edx
	inb	%dx, %al
	testb	$STATUS_BUSY, %al
	jnz	3b
	testb	$STATUS_DRQ, %al
	jz	3b
	pushl	%ecx
	movl	$128, %ecx
	movl	$ATA, %edx
	rep insl
	popl	%ecx
	loop	3b
	jmp	read_sectors
4:	ret

	.code64
long_mode:
	movl	$DATA, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movl	$BOOT_PARAMS, %esi
	movl	TABLE, %eax
	jmp	*%rax

	.balign 8
gdt:
	.quad	0, 0
	.quad	0x00af9a000000ffff	/* CODE64 */
	.quad	0x00cf92000000ffff	/* DATA */
	.quad	0x00cf9a000000ffff	/* CODE32 */
gdt_pointer:
	.word	. - gdt - 1
	.long	gdt
map_entries:
	.long	0

	.org	LOADER_SECTORS * 512
