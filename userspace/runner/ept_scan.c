// SPDX-License-Identifier: GPL-2.0
/* All that an EPT maps, found by one walk after the other. */
#include <errno.h>
#include <string.h>

#include "ept_scan.h"
#include "libminivmx.h"

/* "EPT Translation Mechanism": bits of an entry. */
#define EPT_READ	(1ULL << 0)
#define EPT_WRITE	(1ULL << 1)
#define EPT_EXECUTE	(1ULL << 2)
#define EPT_ACCESSED	(1ULL << 8)
#define EPT_DIRTY	(1ULL << 9)

struct ept_rights ept_rights(uint64_t entry)
{
	struct ept_rights rights = { "--- --" };

	if (entry & EPT_READ)
		rights.text[0] = 'R';
	if (entry & EPT_WRITE)
		rights.text[1] = 'W';
	if (entry & EPT_EXECUTE)
		rights.text[2] = 'X';
	if (entry & EPT_ACCESSED)
		rights.text[4] = 'A';
	if (entry & EPT_DIRTY)
		rights.text[5] = 'D';
	return rights;
}

static void count_page(struct ept_counts *counts, const struct minivmx_walk *walk)
{
	uint64_t entry = walk->entries[walk->leaf_level - 1];

	counts->pages[walk->leaf_level - 1]++;
	counts->bytes += walk->page_size;
	counts->writable += !!(entry & EPT_WRITE);
	counts->executable += !!(entry & EPT_EXECUTE);
	counts->accessed += !!(entry & EPT_ACCESSED);
	counts->dirty += !!(entry & EPT_DIRTY);
}

/* How far what the walk found goes: the page, or all below the absent entry. */
static uint64_t walk_size(const struct minivmx_walk *walk)
{
	return walk->leaf_level ? walk->page_size : 1ULL << (12 + 9 * (4 - walk->levels));
}

static bool continues(const struct ept_run *run, const struct ept_run *page)
{
	return run->end == page->start && run->page_size == page->page_size &&
	       !strcmp(run->rights.text, page->rights.text);
}

int ept_scan(int vm, struct ept_counts *counts,
	     int (*run)(const struct ept_run *run, void *context), void *context)
{
	struct ept_run current = { 0 }, page;
	struct minivmx_walk walk;
	uint64_t gpa = 0;
	int ret = 0;

	for (;;) {
		ret = minivmx_walk_ept(vm, gpa, &walk);
		if (ret == -ERANGE)	/* behind the last address */
			break;
		if (ret)
			return ret;
		if (walk.leaf_level) {
			page = (struct ept_run) {
				.start = gpa & ~(walk.page_size - 1),
				.page_size = walk.page_size,
				.rights = ept_rights(walk.entries[walk.leaf_level - 1]),
			};
			page.end = page.start + page.page_size;
			if (counts)
				count_page(counts, &walk);
			if (continues(&current, &page)) {
				current.end = page.end;
			} else {
				ret = run && current.end ? run(&current, context) : 0;
				if (ret)
					return ret;
				current = page;
			}
		}
		gpa = (gpa & ~(walk_size(&walk) - 1)) + walk_size(&walk);
	}
	return run && current.end ? run(&current, context) : 0;
}
