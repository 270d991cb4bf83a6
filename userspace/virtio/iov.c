// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "iov.h"

size_t iov_size(const struct iovec *iov, unsigned int nr)
{
	size_t size = 0;

	while (nr--)
		size += iov++->iov_len;
	return size;
}

unsigned int iov_slice(const struct iovec *iov, unsigned int nr, size_t offset, size_t size,
		       struct iovec *slice)
{
	unsigned int used = 0;

	for (; nr && size; nr--, iov++) {
		size_t len = iov->iov_len;

		if (offset >= len) {
			offset -= len;
			continue;
		}
		len -= offset;
		if (len > size)
			len = size;
		slice[used++] = (struct iovec) { (char *)iov->iov_base + offset, len };
		offset = 0;
		size -= len;
	}
	return used;
}

size_t iov_read(const struct iovec *iov, unsigned int nr, size_t offset, void *to, size_t size)
{
	struct iovec slice[IOV_ELEMENTS];
	unsigned int i, used = iov_slice(iov, nr, offset, size, slice);
	size_t done = 0;

	for (i = 0; i < used; i++) {
		memcpy((char *)to + done, slice[i].iov_base, slice[i].iov_len);
		done += slice[i].iov_len;
	}
	return done;
}

size_t iov_write(const struct iovec *iov, unsigned int nr, size_t offset, const void *from,
		 size_t size)
{
	struct iovec slice[IOV_ELEMENTS];
	unsigned int i, used = iov_slice(iov, nr, offset, size, slice);
	size_t done = 0;

	for (i = 0; i < used; i++) {
		memcpy(slice[i].iov_base, (const char *)from + done, slice[i].iov_len);
		done += slice[i].iov_len;
	}
	return done;
}
