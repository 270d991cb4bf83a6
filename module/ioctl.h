/* SPDX-License-Identifier: GPL-2.0 */
/* The file operations of the three kinds of descriptor. */
#ifndef MINIVMX_IOCTL_H
#define MINIVMX_IOCTL_H

#include <linux/fs.h>

extern const struct file_operations minivmx_system_fops;

#endif /* MINIVMX_IOCTL_H */
