/* SPDX-License-Identifier: GPL-2.0 */
/* Where things are in the memory of the guests that are measured; for C and for guest.S. */
#ifndef LAYOUT_H
#define LAYOUT_H

#define GUEST_PARAMS	0x1000	/* struct params */
#define GUEST_GDT	0x3000
#define GUEST_IDT	0x4000
#define GUEST_STACK	0x7000	/* of the first CPU, downwards */
#define GUEST_START	0x8000	/* of the second CPU: the vector of its SIPI is 8 */
#define GUEST_STACK2	0xb000
#define GUEST_CODE	0x10000
#define GUEST_SIZE	0x100000
/* Memory whose pages are touched one by one, and what comes to its end. */
#define GUEST_FRESH	0x10000000
/* From here on: one page in each 64 KiB is a range of memory (crowd.h). */
#define GUEST_CROWD	0xc0000000
/* No memory. */
#define GUEST_MMIO	0xd0000000
#define GUEST_DOORBELL	0xd0001000

/* Ports, which the program around the guest looks at. */
#define PORT_MEASURED	0x80
#define PORT_DONE	0xf4

#define VECTOR_WAKE	0x40
#define VECTOR_TIMER	0x41
#define VECTOR_IPI	0x42

#define MAX_SAMPLES	256

/* struct params */
#define PARAM_NR	0	/* samples to take */
#define PARAM_REPEAT	4	/* how often to do it for each */
#define PARAM_NEXT	8	/* address of the next sample */
#define PARAM_FRESH	12	/* the next page to touch */
#define PARAM_STEP	16	/* bytes from one to the next */
#define PARAM_READY	20	/* the guest waits for an interrupt */
#define PARAM_START	24	/* 8 bytes: when what is measured began */
#define PARAM_SAMPLES	64	/* 8 bytes each */

#endif /* LAYOUT_H */
