// SPDX-License-Identifier: GPL-2.0
/* EPT paging structures ("The Extended Page Table Mechanism (EPT)"). */
#include <linux/bitmap.h>
#include <linux/cpumask.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <asm/vmx.h>

#include "../uapi/minivmx.h"
#include "ctls.h"
#include "debugfs.h"
#include "ept.h"

#define EPT_ENTRIES	512
#define EPT_READ	BIT_ULL(0)
#define EPT_WRITE	BIT_ULL(1)
#define EPT_EXEC	BIT_ULL(2)
#define EPT_RWX		(EPT_READ | EPT_WRITE | EPT_EXEC)
#define EPT_MEMTYPE_WB	(6ULL << 3)
#define EPT_IGNORE_PAT	BIT_ULL(6)
#define EPT_LARGE	BIT_ULL(7)

/* EPTP ("Extended-Page-Table Pointer (EPTP)"). */
#define EPTP_WB		6ULL
#define EPTP_LEVELS	((EPT_LEVELS - 1ULL) << 3)
#define EPTP_AD		BIT_ULL(6)

static_assert(EPT_READ == MINIVMX_PROT_READ && EPT_WRITE == MINIVMX_PROT_WRITE &&
	      EPT_EXEC == MINIVMX_PROT_EXEC);

static bool ept_present(u64 entry)
{
	return entry & EPT_RWX;
}

static bool ept_leaf(u64 entry, int level)
{
	return level == 1 || (entry & EPT_LARGE);
}

static u64 *ept_table(u64 entry)
{
	return phys_to_virt(entry & EPT_ADDR);
}

static unsigned int ept_index(u64 gpa, int level)
{
	return (gpa >> (12 + 9 * (level - 1))) % EPT_ENTRIES;
}

static u64 *table_alloc(void)
{
	u64 *table = (u64 *)get_zeroed_page(GFP_KERNEL_ACCOUNT);

	if (table)
		stat_inc(STAT_EPT_PAGES);
	return table;
}

static void table_free(u64 *table)
{
	free_page((unsigned long)table);
	stat_dec(STAT_EPT_PAGES);
}

/* Free a table and what hangs below it. @level is that of its entries. */
static void subtree_free(u64 *table, int level)
{
	int i;

	for (i = 0; level > 1 && i < EPT_ENTRIES; i++)
		if (ept_present(table[i]) && !ept_leaf(table[i], level))
			subtree_free(ept_table(table[i]), level - 1);
	table_free(table);
}

int ept_alloc(struct ept *ept)
{
	ept->seen = kvcalloc(nr_cpu_ids, sizeof(*ept->seen), GFP_KERNEL_ACCOUNT);
	if (!ept->seen)
		return -ENOMEM;
	ept->root = table_alloc();
	if (!ept->root) {
		kvfree(ept->seen);
		ept->seen = NULL;
		return -ENOMEM;
	}
	ept->eptp = virt_to_phys(ept->root) | EPTP_WB | EPTP_LEVELS |
		    (vmx_ctls.ept_ad ? EPTP_AD : 0);
	atomic64_set(&ept->gen, 1);
	return 0;
}

void ept_free(struct ept *ept)
{
	if (!ept->root)
		return;
	subtree_free(ept->root, EPT_LEVELS);
	kvfree(ept->seen);
}

void ept_cache_init(struct ept_cache *cache)
{
	cache->nr = 0;
	INIT_LIST_HEAD(&cache->garbage);
}

int ept_cache_fill(struct ept_cache *cache)
{
	while (cache->nr < ARRAY_SIZE(cache->pages)) {
		u64 *table = table_alloc();

		if (!table)
			return -ENOMEM;
		cache->pages[cache->nr++] = table;
	}
	return 0;
}

void ept_cache_free_garbage(struct ept_cache *cache)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, &cache->garbage, lru) {
		list_del(&page->lru);
		/* page->private holds the level, see table_discard(). */
		subtree_free(page_address(page), page_private(page));
	}
}

void ept_cache_free(struct ept_cache *cache)
{
	ept_cache_free_garbage(cache);
	while (cache->nr)
		table_free(cache->pages[--cache->nr]);
}

/* CPUs may still walk it: keep it until they were flushed. */
static void table_discard(struct ept_cache *cache, u64 *table, int level)
{
	struct page *page = virt_to_page(table);

	set_page_private(page, level);
	list_add(&page->lru, &cache->garbage);
}

/* Fill @table with what the large @leaf of @level maps, in smaller pages. */
static void leaf_split(u64 *table, u64 leaf, int level)
{
	u64 size = ept_level_size(level - 1);
	int i;

	if (level == 2)
		leaf &= ~EPT_LARGE;
	for (i = 0; i < EPT_ENTRIES; i++)
		table[i] = leaf + i * size;
}

/* Accessed and dirty flags of what @entry of @level maps. */
static u64 entry_flags(u64 entry, int level)
{
	u64 flags = 0, *table;
	int i;

	if (!ept_present(entry) || ept_leaf(entry, level))
		return entry & (EPT_ACCESSED | EPT_DIRTY);
	table = ept_table(entry);
	for (i = 0; i < EPT_ENTRIES; i++)
		flags |= entry_flags(READ_ONCE(table[i]), level - 1);
	return flags;
}

/*
 * The CPU sets accessed and dirty flags in any entry at any time. So whatever
 * writes one that is present does it with an atomic exchange.
 */
bool ept_map(struct ept *ept, struct ept_cache *cache, u64 gpa, u64 pfn,
	     int level, u32 prot)
{
	u64 *table = ept->root;
	bool flush = false;
	u64 old, leaf;
	u64 *entry;
	int l;

	for (l = EPT_LEVELS; l > level; l--) {
		entry = &table[ept_index(gpa, l)];
		old = *entry;
		if (ept_present(old) && !ept_leaf(old, l)) {
			table = ept_table(old);
			continue;
		}
		table = cache->pages[--cache->nr];
		do {
			if (ept_present(old)) {
				leaf_split(table, old, l);
				flush = true;
			}
		} while (!try_cmpxchg(entry, &old, virt_to_phys(table) | EPT_RWX));
	}

	entry = &table[ept_index(gpa, level)];
	old = READ_ONCE(*entry);
	leaf = (pfn << 12) | prot | EPT_MEMTYPE_WB | EPT_IGNORE_PAT |
	       (level > 1 ? EPT_LARGE : 0);
	/* Two vCPUs may have faulted, and one of them have gone on and written. */
	while (!try_cmpxchg(entry, &old, leaf | entry_flags(old, level)))
		;

	if (!ept_present(old))
		return flush;
	if (!ept_leaf(old, level)) {
		table_discard(cache, ept_table(old), level - 1);
		return true;
	}
	/* More rights need no flush: an EPT violation drops the stale entry. */
	return flush || ((old ^ leaf) & EPT_ADDR) || (old & ~leaf & EPT_RWX);
}

int ept_walk(const struct ept *ept, u64 gpa, u64 entries[EPT_LEVELS], int *leaf)
{
	const u64 *table = ept->root;
	int level;

	*leaf = 0;
	for (level = EPT_LEVELS; ; level--) {
		/* Once: the CPU sets accessed and dirty flags meanwhile. */
		u64 entry = READ_ONCE(table[ept_index(gpa, level)]);

		entries[level - 1] = entry;
		if (ept_present(entry) && ept_leaf(entry, level))
			*leaf = level;
		if (!ept_present(entry) || *leaf)
			return EPT_LEVELS - level + 1;
		table = ept_table(entry);
	}
}

bool ept_has_smaller(struct ept *ept, u64 gpa, int level)
{
	u64 *table = ept->root;
	int l, i;

	for (l = EPT_LEVELS; l >= level; l--) {
		u64 entry = table[ept_index(gpa, l)];

		if (!ept_present(entry) || ept_leaf(entry, l))
			return false;
		table = ept_table(entry);
	}
	for (i = 0; i < EPT_ENTRIES; i++)
		if (ept_present(table[i]))
			return true;
	return false;
}

/* ---------------------------------------------------------------------- */
/* All leaves of a part                                                    */
/* ---------------------------------------------------------------------- */

/**
 * struct leaf_walk - a walk through the leaves that have a part of a range
 * @start: of the range
 * @end: of the range
 * @visit: called with each one present; what of them returned true is returned
 * @flag: for @visit
 * @bitmap: for @visit
 */
struct leaf_walk {
	u64 start;
	u64 end;
	bool (*visit)(const struct leaf_walk *w, u64 *entry, u64 gpa, u64 size);
	u64 flag;
	struct ept_bitmap *bitmap;
};

static bool walk_leaves(const struct leaf_walk *w, u64 *table, int level, u64 base)
{
	u64 size = ept_level_size(level);
	u64 first = w->start > base ? (w->start - base) / size : 0;
	bool result = false;
	u64 i;

	for (i = first; i < EPT_ENTRIES && base + i * size < w->end; i++) {
		u64 entry = READ_ONCE(table[i]);

		if (!ept_present(entry))
			continue;
		if (ept_leaf(entry, level))
			result |= w->visit(w, &table[i], base + i * size, size);
		else
			result |= walk_leaves(w, ept_table(entry), level - 1,
					      base + i * size);
	}
	return result;
}

/* The bits of a leaf in @bitmap: @first to below @last. */
static void leaf_bits(const struct ept_bitmap *bitmap, u64 gpa, u64 size,
		      unsigned long *first, unsigned long *last)
{
	*first = (max(gpa, bitmap->start) - bitmap->start) >> PAGE_SHIFT;
	*last = (min(gpa + size, bitmap->end) - bitmap->start) >> PAGE_SHIFT;
}

static bool leaf_zap(const struct leaf_walk *w, u64 *entry, u64 gpa, u64 size)
{
	u64 old = xchg(entry, 0);
	unsigned long bit, last;

	if (w->bitmap && (old & EPT_DIRTY)) {
		leaf_bits(w->bitmap, gpa, size, &bit, &last);
		/* Others set and clear bits of a log at the same time. */
		for (; bit < last; bit++)
			set_bit(bit, w->bitmap->bits);
	}
	return true;
}

bool ept_zap(struct ept *ept, u64 start, u64 end, struct ept_bitmap *log)
{
	const struct leaf_walk w = { .start = start, .end = end, .visit = leaf_zap,
				     .bitmap = log };

	return walk_leaves(&w, ept->root, EPT_LEVELS, 0);
}

static bool leaf_collect(const struct leaf_walk *w, u64 *entry, u64 gpa, u64 size)
{
	unsigned long first, last;

	if (READ_ONCE(*entry) & w->flag) {
		leaf_bits(w->bitmap, gpa, size, &first, &last);
		bitmap_set(w->bitmap->bits, first, last - first);
	}
	return false;
}

void ept_collect(struct ept *ept, u64 start, u64 end, u64 flag, struct ept_bitmap *bitmap)
{
	const struct leaf_walk w = { .start = start, .end = end, .visit = leaf_collect,
				     .flag = flag, .bitmap = bitmap };

	walk_leaves(&w, ept->root, EPT_LEVELS, 0);
}

static bool leaf_clear(const struct leaf_walk *w, u64 *entry, u64 gpa, u64 size)
{
	unsigned long first, last;

	leaf_bits(w->bitmap, gpa, size, &first, &last);
	if (find_next_zero_bit(w->bitmap->bits, last, first) < last)
		return false;
	return test_and_clear_bit(__ffs(w->flag), (unsigned long *)entry);
}

bool ept_clear(struct ept *ept, u64 start, u64 end, u64 flag, struct ept_bitmap *bitmap)
{
	const struct leaf_walk w = { .start = start, .end = end, .visit = leaf_clear,
				     .flag = flag, .bitmap = bitmap };

	return walk_leaves(&w, ept->root, EPT_LEVELS, 0);
}
