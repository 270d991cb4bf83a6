/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where things are in the memory of the guests that are compared; for C and for support.S.
 * Linear addresses are guest-physical ones in all modes, but for those of EQUAL_WINDOW.
 */
#ifndef EQUAL_LAYOUT_H
#define EQUAL_LAYOUT_H

#define EQUAL_IVT	0x0000		/* of real mode */
#define EQUAL_RESUME	0x1000		/* where a handler goes on: the address, */
#define EQUAL_RESUME_CS	0x1004		/* and the segment, */
#define EQUAL_FAULTS	0x1008		/* and how many times one ran */
#define EQUAL_LOG	0x2000		/* struct equal_fault, of the last EQUAL_LOGGED */
#define EQUAL_GDT	0x3000
#define EQUAL_LDT	0x3400
#define EQUAL_IDT32	0x3800
#define EQUAL_IDT64	0x3c00
#define EQUAL_TSS	0x4000
#define EQUAL_STACK	0x6000		/* tops */
#define EQUAL_STACK0	0x6800		/* of handlers, from CPL 3 */
#define EQUAL_STACK3	0x7000		/* at CPL 3 */
#define EQUAL_SUPPORT	0x7000		/* support.S */
#define EQUAL_CODE	0x8000
#define EQUAL_CODE_SIZE	0x4000
#define EQUAL_DATA	0xc000
#define EQUAL_DATA_SIZE	0x2000
/* From here on page tables, whose accessed and dirty bits are the CPU's affair. */
#define EQUAL_TABLES	0x10000
#define EQUAL_PML4	0x10000
#define EQUAL_PDPT	0x11000
#define EQUAL_PD	0x12000		/* four, 2M pages but for EQUAL_WINDOW */
#define EQUAL_PT	0x16000
#define EQUAL_PAE_PDPT	0x17000
#define EQUAL_PD32	0x18000		/* 4M pages but for EQUAL_WINDOW */
#define EQUAL_PT32	0x19000
#define EQUAL_SIZE	0x1a000
/* With paging: pages of EQUAL_DATA with all kinds of rights, and none. */
#define EQUAL_WINDOW	0x400000
#define EQUAL_PAGE_RW		0
#define EQUAL_PAGE_RO		1
#define EQUAL_PAGE_ABSENT	2
#define EQUAL_PAGE_SUPERVISOR	3
#define EQUAL_PAGE_NX		4
#define EQUAL_PAGE_RESERVED	5	/* a reserved bit is set */
#define EQUAL_PAGE_MMIO		6
#define EQUAL_WINDOW_PAGES	8	/* the last is absent, too */
/* No memory; of the second kind in reach of real mode. */
#define EQUAL_MMIO	0xd0000000
#define EQUAL_MMIO_LOW	0xb8000

/* Ports: the end of a step, and of the program. Others are answered by a rule. */
#define EQUAL_PORT_STEP	0xe0
#define EQUAL_PORT_DONE	0xf4

/* Selectors. */
#define EQUAL_CODE32	0x08
#define EQUAL_DATA32	0x10
#define EQUAL_CODE64	0x18
#define EQUAL_DATA64	0x20		/* behind it, as SYSCALL wants it */
#define EQUAL_CODE16	0x28
#define EQUAL_DATA16	0x30
#define EQUAL_USER32	0x38
#define EQUAL_USER_DATA	0x40
#define EQUAL_USER64	0x48
#define EQUAL_BASED	0x50		/* EQUAL_DATA, 4K */
#define EQUAL_READ_ONLY	0x58
#define EQUAL_ABSENT	0x60
#define EQUAL_EXEC_ONLY	0x68
#define EQUAL_CONFORMS	0x70
#define EQUAL_DOWN	0x78		/* expands down */
#define EQUAL_LDT_SEL	0x80		/* in 64-bit mode these three take two rows */
#define EQUAL_TSS_SEL	0x90
#define EQUAL_TSS2_SEL	0xa0
#define EQUAL_FRESH	0xb0		/* not accessed yet */
#define EQUAL_GDT_ROWS	24

#define EQUAL_VECTORS	48		/* gates there are; the last is for CPL 3 */
#define EQUAL_VECTOR_END	47

#define EQUAL_STUB	16		/* bytes from handler to handler */

#define EQUAL_LOGGED	64

#endif /* EQUAL_LAYOUT_H */
