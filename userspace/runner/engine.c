// SPDX-License-Identifier: GPL-2.0
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine.h"

void *engine_function(const char *name, const char *symbol, const char *package,
		      struct message *message)
{
	char program[PATH_MAX], path[PATH_MAX + 64];
	ssize_t size = readlink("/proc/self/exe", program, sizeof(program) - 1);
	void *engine, *function = NULL;

	if (size < 0) {
		fail(message, "cannot read /proc/self/exe: %s", strerror(errno));
		return NULL;
	}
	program[size] = '\0';
	*strrchr(program, '/') = '\0';
	snprintf(path, sizeof(path), "%s/../lib/minivmx/%s.so", program, name);
	engine = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (engine)
		function = dlsym(engine, symbol);
	/* It names what is missing, if a library is. */
	if (!function)
		fail(message, "%s; it needs the package %s", dlerror(), package);
	return function;
}
