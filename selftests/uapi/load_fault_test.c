// SPDX-License-Identifier: GPL-2.0
/*
 * Loading the module while each of its allocations fails in turn: as fault_test,
 * but alone, because to load a module takes a slow host seconds.
 */
#include "fault.h"

static void unload(FAULT *self)
{
	vm_must(unload_module() == 0);
}

static long load(FAULT *self)
{
	long ret = load_module();

	if (ret)
		for (unsigned int i = 0; i < NR_TRACES; i++)
			vm_must(!exists(module_traces[i]));
	return ret;
}

TEST_F_TIMEOUT(fault, load_module, LIMIT)
{
	static const struct operation op =
		OP("load the module", NULL, load, unload);

	unload(self);
	EXPECT_LT(0, exhaust(_metadata, self, &op));
}

FAULT_HARNESS_MAIN
