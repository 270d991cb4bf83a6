/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The EPT paging structures of one VM, and no more: what belongs into them
 * is gmem.c's business, and all calls but alloc and free expect its lock
 * (vm->ept_lock) to be held.
 */
#ifndef MINIVMX_EPT_H
#define MINIVMX_EPT_H

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/list.h>
#include <linux/types.h>

/* Levels as the manual counts them: a leaf at 1 maps 4K, at 2 2M, at 3 1G. */
#define EPT_LEVELS	4

/* Of an entry: the address of the page or the table; flags that the CPU sets. */
#define EPT_ADDR	GENMASK_ULL(51, 12)
#define EPT_ACCESSED	BIT_ULL(8)
#define EPT_DIRTY	BIT_ULL(9)

static inline u64 ept_level_size(int level)
{
	return 1ULL << (12 + 9 * (level - 1));
}

/**
 * struct ept - the structures and who may have them cached
 * @root: the EPT PML4 table
 * @eptp: value of the VMCS field EPT pointer
 * @gen: counts removals; a CPU must INVEPT before it enters with an older one
 * @seen: by CPU, the generation it last invalidated at; 0 at first, so that
 *	  a new root is invalidated at its first use on each CPU (its frame may
 *	  have been another hypervisor's)
 */
struct ept {
	u64 *root;
	u64 eptp;
	atomic64_t gen;
	u64 *seen;
};

/**
 * struct ept_cache - pages for new tables, got while sleeping is allowed
 * @pages: zeroed pages
 * @nr: how many
 * @garbage: tables unlinked by ept_map(); free after the CPUs were flushed
 */
struct ept_cache {
	void *pages[EPT_LEVELS - 1];
	unsigned int nr;
	struct list_head garbage;
};

int ept_alloc(struct ept *ept);
void ept_free(struct ept *ept);

void ept_cache_init(struct ept_cache *cache);
/* Enough pages for one ept_map(), or -ENOMEM. */
int ept_cache_fill(struct ept_cache *cache);
void ept_cache_free_garbage(struct ept_cache *cache);
void ept_cache_free(struct ept_cache *cache);

/*
 * Map the page of @level at @gpa to @pfn with @prot (MINIVMX_PROT_*). Returns
 * true if CPUs may have cached something else there and must be flushed.
 */
bool ept_map(struct ept *ept, struct ept_cache *cache, u64 gpa, u64 pfn,
	     int level, u32 prot);
/*
 * The entries that a walk to @gpa meets, by level - 1. Returns how many, and in
 * *@leaf the level of the last one if it maps a page, 0 if it is not present.
 */
int ept_walk(const struct ept *ept, u64 gpa, u64 entries[EPT_LEVELS], int *leaf);
/* Is there a table with smaller pages in it where a leaf of @level would go? */
bool ept_has_smaller(struct ept *ept, u64 gpa, int level);
/**
 * struct ept_bitmap - one bit for each 4096 bytes
 * @start: guest-physical address of bit 0
 * @end: where it ends
 * @bits: zero-padded to whole words
 */
struct ept_bitmap {
	u64 start;
	u64 end;
	unsigned long *bits;
};

/*
 * Unmap [@start, @end) and what shares a large page with it; true if any was. Where
 * @log is not NULL the bits of those that were dirty are set in it.
 */
bool ept_zap(struct ept *ept, u64 start, u64 end, struct ept_bitmap *log);

/*
 * Set the bits of all leaves that have a part of [@start, @end) and @flag
 * (EPT_ACCESSED or EPT_DIRTY); @bitmap covers that range or more.
 */
void ept_collect(struct ept *ept, u64 start, u64 end, u64 flag, struct ept_bitmap *bitmap);
/*
 * Clear @flag in those of them all of whose bits are set. True if any had it: CPUs
 * may have that cached and do not set it again until they were flushed.
 */
bool ept_clear(struct ept *ept, u64 start, u64 end, u64 flag, struct ept_bitmap *bitmap);

#endif /* MINIVMX_EPT_H */
