// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "array.h"
#include "backend.h"

static const struct backend *const backends[] = { &backend_minivmx, &backend_kvm };

const struct backend *backend_find(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(backends); i++)
		if (!strcmp(backends[i]->name, name))
			return backends[i];
	return NULL;
}
