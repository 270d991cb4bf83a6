/* SPDX-License-Identifier: GPL-2.0 */
/* Memory in several pieces, called elements. */
#ifndef IOV_H
#define IOV_H

#include <stddef.h>
#include <sys/uio.h>

/* Elements that there are at most. */
#define IOV_ELEMENTS	256

/* Bytes of all elements. */
size_t iov_size(const struct iovec *iov, unsigned int nr);
/* Copy from or to elements, from byte @offset on; returns the bytes that there were. */
size_t iov_read(const struct iovec *iov, unsigned int nr, size_t offset, void *to, size_t size);
size_t iov_write(const struct iovec *iov, unsigned int nr, size_t offset, const void *from,
		 size_t size);
/*
 * The elements of @size bytes from @offset on, at @slice, which has room for @nr; returns
 * how many. There must be so many bytes.
 */
unsigned int iov_slice(const struct iovec *iov, unsigned int nr, size_t offset, size_t size,
		       struct iovec *slice);

#endif /* IOV_H */
