/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For files of pure logic (decode.c, lapic.c): the few words of the kernel that they
 * use, when they are built for userspace.
 */
#ifndef MINIVMX_PURE_H
#define MINIVMX_PURE_H

#ifdef __KERNEL__
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/types.h>
#else
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t s64;

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#endif
#endif

#endif /* MINIVMX_PURE_H */
