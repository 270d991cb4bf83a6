// SPDX-License-Identifier: GPL-2.0
/*
 * A flat binary: started as a BIOS starts a boot sector, in real mode at
 * 0000:7C00 with DS = ES = SS = 0 and the stack right below, but as a whole,
 * and it may be larger than a sector. There is no BIOS to call.
 */
#include <string.h>

#include "loader.h"

#define FLAT_ADDRESS	0x7c00
#define FLAT_MAX	(CONVENTIONAL_END - FLAT_ADDRESS)

static bool probe(struct bytes image)
{
	(void)image;
	return true;
}

static int load(const struct boot_request *request, struct guest_memory *memory,
		struct boot_state *state, struct message *message)
{
	struct bytes image = request->image;
	enum claim_result claimed;

	if (request->initrd.data || request->append)
		return fail(message,
			    "this is taken for a flat real-mode binary, which has no use for --initrd and --append");
	if (image.size > FLAT_MAX)
		return fail(message,
			    "not a kernel of a known kind, and as a flat real-mode binary too large: %s, at most %s fit",
			    format_size(image.size).text,
			    format_size(FLAT_MAX).text);
	claimed = guest_memory_claim(memory, FLAT_ADDRESS, image.size);
	if (claimed != CLAIM_OK)
		return boot_claim_failed(memory, claimed, FLAT_ADDRESS,
					 image.size, message);
	memcpy(guest_memory_at(memory, FLAT_ADDRESS, image.size), image.data,
	       image.size);

	minivmx_set_real(&state->sregs, &state->regs, 0, FLAT_ADDRESS);
	state->regs.rsp = FLAT_ADDRESS;
	return 0;
}

const struct loader flat_loader = {
	.name = "flat real-mode binary",
	.probe = probe,
	.load = load,
};
