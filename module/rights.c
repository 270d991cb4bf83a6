// SPDX-License-Identifier: GPL-2.0
/* Rights of parts of a range. */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include "rights.h"
#include "vm.h"

struct stretch rights_at(const struct mem_region *r, u64 gpa)
{
	struct stretch s = { r->gpa, r->gpa + r->size, r->prot };
	const struct rights *rights = r->rights;
	unsigned int lo = 0, hi;

	if (!rights)
		return s;
	/* The last step that starts at @gpa or before. */
	for (hi = rights->nr; hi - lo > 1; ) {
		unsigned int mid = (lo + hi) / 2;

		if (rights->steps[mid].start <= gpa)
			lo = mid;
		else
			hi = mid;
	}
	s.start = rights->steps[lo].start;
	s.prot = rights->steps[lo].prot;
	if (hi < rights->nr)
		s.end = rights->steps[hi].start;
	return s;
}

static void step_add(struct rights *rights, u64 start, u32 prot)
{
	if (rights->nr && rights->steps[rights->nr - 1].prot == prot)
		return;
	rights->steps[rights->nr++] = (struct rights_step) { start, prot };
}

struct rights *rights_changed(const struct mem_region *r, u64 start, u64 end, u32 prot)
{
	const struct rights_step all = { r->gpa, r->prot };
	const struct rights_step *old = r->rights ? r->rights->steps : &all;
	unsigned int i = 0, nr = r->rights ? r->rights->nr : 1;
	struct rights *new;

	/* A step for @start, and one for @end with the rights of before. */
	new = kvmalloc(struct_size(new, steps, nr + 2), GFP_KERNEL_ACCOUNT);
	if (!new)
		return ERR_PTR(-ENOMEM);
	new->nr = 0;
	for (; i < nr && old[i].start < start; i++)
		step_add(new, old[i].start, old[i].prot);
	step_add(new, start, prot);
	if (end < r->gpa + r->size)
		step_add(new, end, rights_at(r, end).prot);
	for (; i < nr; i++)
		if (old[i].start > end)
			step_add(new, old[i].start, old[i].prot);

	if (new->nr > MINIVMX_MAX_RIGHTS) {
		kvfree(new);
		return ERR_PTR(-ENOSPC);
	}
	if (new->nr == 1 && prot == r->prot) {
		kvfree(new);
		return NULL;
	}
	return new;
}
