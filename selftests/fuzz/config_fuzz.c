/* SOURCES: userspace/runner/config_file.c userspace/runner/run_options.c userspace/runner/control_dir.c userspace/runner/image_file.c userspace/runner/message.c userspace/backends/backend.c userspace/backends/minivmx.c userspace/backends/kvm.c userspace/backends/kvm_cpuid.c userspace/backends/kvm_state.c userspace/lib/ioctl.c userspace/lib/open.c userspace/lib/names.c userspace/lib/ring.c userspace/runner/device_options.c LIBS: -linih */
// SPDX-License-Identifier: GPL-2.0
/* Any configuration file is taken or refused, with one line that names a line of it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../userspace/runner/config_file.h"
#include "../../userspace/runner/run_options.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the session relies on, whatever a file says. */
static void check_options(const struct run_options *options)
{
	if (options->memory < MEMORY_MIN || options->memory > MEMORY_MAX ||
	    options->memory % 4096)
		abort();
	if (!options->cpus || options->cpus > MINIVMX_MAX_VCPUS)
		abort();
	if (options->name && strlen(options->name) > 63)
		abort();
	/* A URI is no path. */
	if (options->image && options->image[0] != '/' && strcmp(options->image, "-") &&
	    !strstr(options->image, "://") && strncmp(options->image, "vm/", 3))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct run_options options;
	struct message message = { "" };

	run_options_init(&options);
	if (config_file_parse("vm/fuzz.ini", (const char *)data, size, &options, &message)) {
		if (strncmp(message.text, "vm/fuzz.ini:", 12))
			abort();
	} else {
		if (message.text[0])
			abort();
		check_options(&options);
	}
	run_options_free(&options);
	return 0;
}
