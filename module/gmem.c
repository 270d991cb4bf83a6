// SPDX-License-Identifier: GPL-2.0
/*
 * Guest-physical memory.
 *
 * Nothing is pinned. A page is looked up in the process's page tables when
 * the guest touches it, and leaves the EPT when the host says, through an MMU
 * notifier, that the mapping will change. Filling races with that, so:
 *
 *   fill:        read mn_seq; look the page up; lock; if an invalidation is
 *                active or mn_seq moved, unlock and start over; install
 *   invalidate:  lock; mn_active++; zap; unlock; flush CPUs; (host changes
 *                the mapping); lock; mn_seq++, mn_active--; unlock
 */
#include <linux/cpu.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/pgtable.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>
#include <asm/cpufeature.h>

#include "apicv.h"
#include "ctls.h"
#include "dirty.h"
#include "gmem.h"
#include "mitigate.h"
#include "rights.h"
#include "vm.h"

u64 gmem_gpa_limit(void)
{
	return 1ULL << min_t(unsigned int, boot_cpu_data.x86_phys_bits, 48);
}

/* ---------------------------------------------------------------------- */
/* Ranges                                                                  */
/* ---------------------------------------------------------------------- */

static bool ends_before(const struct mem_region *r, u64 gpa)
{
	return r->gpa + r->size <= gpa;
}

/*
 * The first region that does not end before @gpa. *@last is where the last search ended, of
 * whichever vCPU: most are for the same place, and then their number does not matter.
 */
static unsigned int region_index(struct vm *vm, u64 gpa, unsigned int *last)
{
	unsigned int lo = 0, hi = vm->nr_regions, mid = READ_ONCE(*last);

	if (mid <= hi && (!mid || ends_before(&vm->regions[mid - 1], gpa)) &&
	    (mid == hi || !ends_before(&vm->regions[mid], gpa)))
		return mid;
	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (ends_before(&vm->regions[mid], gpa))
			lo = mid + 1;
		else
			hi = mid;
	}
	WRITE_ONCE(*last, lo);
	return lo;
}

static struct mem_region *region_from(struct vm *vm, u64 gpa, unsigned int *last)
{
	unsigned int i = region_index(vm, gpa, last);

	return i < vm->nr_regions && vm->regions[i].gpa <= gpa ? &vm->regions[i] : NULL;
}

struct mem_region *gmem_region(struct vm *vm, u64 gpa)
{
	return region_from(vm, gpa, &vm->last_region);
}

struct mem_region *gmem_regions(struct vm *vm, u64 gpa, u64 size)
{
	struct mem_region *first = gmem_region(vm, gpa);
	struct mem_region *last = gmem_region(vm, gpa + size - 1);
	struct mem_region *r;

	if (!first || !last)
		return NULL;
	for (r = first; r < last; r++)
		if (r->gpa + r->size != r[1].gpa)
			return NULL;
	return first;
}

/* Is all of [hva, hva + size) mapped, and as writable as asked? */
static int hva_check(u64 hva, u64 size, bool write)
{
	struct mm_struct *mm = current->mm;
	u64 end = hva + size;
	int ret = 0;

	mmap_read_lock(mm);
	while (hva < end) {
		struct vm_area_struct *vma = find_vma(mm, hva);

		if (!vma || vma->vm_start > hva ||
		    (vma->vm_flags & (VM_IO | VM_PFNMAP)) ||
		    !(vma->vm_flags & VM_READ) ||
		    (write && !(vma->vm_flags & VM_WRITE))) {
			ret = -EFAULT;
			break;
		}
		hva = vma->vm_end;
	}
	mmap_read_unlock(mm);
	return ret;
}

static bool ranges_valid(const struct minivmx_map *map)
{
	return PAGE_ALIGNED(map->gpa | map->size | map->hva) && map->size &&
	       map->gpa + map->size > map->gpa &&
	       map->gpa + map->size <= gmem_gpa_limit() &&
	       map->hva + map->size > map->hva;
}

int gmem_map(struct vm *vm, const struct minivmx_map *map)
{
	unsigned int i;
	int ret;

	if (!ranges_valid(map) || !(map->prot & MINIVMX_PROT_READ) ||
	    (map->prot & ~(MINIVMX_PROT_READ | MINIVMX_PROT_WRITE | MINIVMX_PROT_EXEC)) ||
	    map->max_page > MINIVMX_PAGE_1G)
		return -EINVAL;
	if (!access_ok((void __user *)map->hva, map->size))
		return -EFAULT;

	down_write(&vm->mem_sem);
	for (i = 0; i < vm->nr_regions; i++)
		if (map->gpa < vm->regions[i].gpa + vm->regions[i].size)
			break;
	if (i < vm->nr_regions && vm->regions[i].gpa < map->gpa + map->size) {
		ret = -EEXIST;
		goto out;
	}
	if (vm->nr_regions == MINIVMX_MAX_REGIONS) {
		ret = -ENOSPC;
		goto out;
	}
	ret = hva_check(map->hva, map->size, map->prot & MINIVMX_PROT_WRITE);
	if (ret)
		goto out;

	spin_lock(&vm->ept_lock);
	memmove(&vm->regions[i + 1], &vm->regions[i],
		(vm->nr_regions - i) * sizeof(vm->regions[0]));
	vm->regions[i] = (struct mem_region) {
		.gpa = map->gpa, .size = map->size, .hva = map->hva,
		.prot = map->prot, .max_page = map->max_page,
	};
	vm->nr_regions++;
	spin_unlock(&vm->ept_lock);
	apicv_page_unmap(vm);
out:
	up_write(&vm->mem_sem);
	return ret;
}

/* Empty the EPT from @start to @end in @r; under ept_lock. */
static bool region_zap(struct vm *vm, const struct mem_region *r, u64 start, u64 end)
{
	struct ept_bitmap log = {
		.start = r->gpa, .end = r->gpa + r->size, .bits = r->log,
	};

	return ept_zap(&vm->ept, start, end, r->log ? &log : NULL);
}

bool gmem_zap(struct vm *vm, const struct mem_region *r, u64 start, u64 end)
{
	bool zapped = false;

	while (start < end) {
		u64 next = gmem_chunk_end(start, end);

		spin_lock(&vm->ept_lock);
		zapped |= region_zap(vm, r, start, next);
		spin_unlock(&vm->ept_lock);
		start = next;
		cond_resched();
	}
	return zapped;
}

int gmem_unmap(struct vm *vm, const struct minivmx_map *map)
{
	struct mem_region *r;
	int ret = 0;

	if (!ranges_valid(map) || map->hva || map->prot || map->max_page)
		return -EINVAL;

	down_write(&vm->mem_sem);
	r = gmem_region(vm, map->gpa);
	if (!r || r->gpa != map->gpa || r->size != map->size) {
		ret = -ENOENT;
		goto out;
	}
	/* Nothing is filled meanwhile: that needs mem_sem. */
	if (gmem_zap(vm, r, r->gpa, r->gpa + r->size))
		vm_flush_ept(vm);
	dirty_log_end(vm, r);
	kvfree(r->rights);
	spin_lock(&vm->ept_lock);
	vm->nr_regions--;
	memmove(r, r + 1, (&vm->regions[vm->nr_regions] - r) * sizeof(*r));
	spin_unlock(&vm->ept_lock);
out:
	up_write(&vm->mem_sem);
	return ret;
}

/* ---------------------------------------------------------------------- */
/* Fill on demand                                                          */
/* ---------------------------------------------------------------------- */

/* The level at which the process's page tables map @hva. */
static int host_level(struct mm_struct *mm, unsigned long hva)
{
	unsigned long flags;
	int level = 1;
	pgd_t pgd;
	p4d_t p4d;
	pud_t pud;
	pmd_t pmd;

	/*
	 * Interrupts off keep the page tables from being freed, as for
	 * get_user_pages_fast(). Read each entry once: they may change.
	 */
	local_irq_save(flags);
	pgd = READ_ONCE(*pgd_offset(mm, hva));
	if (pgd_none(pgd))
		goto out;
	p4d = READ_ONCE(*p4d_offset(&pgd, hva));
	if (p4d_none(p4d) || !p4d_present(p4d))
		goto out;
	pud = READ_ONCE(*pud_offset(&p4d, hva));
	if (pud_none(pud) || !pud_present(pud))
		goto out;
	if (pud_leaf(pud)) {
		level = 3;
		goto out;
	}
	pmd = READ_ONCE(*pmd_offset(&pud, hva));
	if (!pmd_none(pmd) && pmd_present(pmd) && pmd_leaf(pmd))
		level = 2;
out:
	local_irq_restore(flags);
	return level;
}

/*
 * The largest leaf that the range, the alignment and the CPU allow at @gpa, and
 * that has the same rights everywhere: within the stretch @s of the range.
 */
static int region_level(const struct mem_region *r, const struct stretch *s, u64 gpa,
			int level)
{
	static const int max_level[] = {
		[MINIVMX_PAGE_ANY] = 3, [MINIVMX_PAGE_4K] = 1,
		[MINIVMX_PAGE_2M] = 2, [MINIVMX_PAGE_1G] = 3,
	};

	level = min(level, r->log ? 1 : max_level[r->max_page]);
	if (level == 3 && !vmx_ctls.ept_1g)
		level = 2;
	if (level == 2 && !vmx_ctls.ept_2m)
		level = 1;
	for (; level > 1; level--) {
		u64 size = ept_level_size(level);
		u64 base = gpa & ~(size - 1);

		if (((r->gpa ^ r->hva) & (size - 1)) == 0 && base >= s->start &&
		    base + size <= s->end)
			break;
	}
	return level;
}

/* Install @page at @gpa unless the host's mapping has moved on since @seq. */
static bool gmem_install(struct vm *vm, struct ept_cache *cache, u64 gpa,
			 struct page *page, int level, u32 prot, u32 access,
			 unsigned long seq)
{
	bool flush;

	spin_lock(&vm->ept_lock);
	if (vm->mn_active || vm->mn_seq != seq) {
		spin_unlock(&vm->ept_lock);
		return false;
	}
	if (!(access & MINIVMX_PROT_WRITE))
		prot &= ~MINIVMX_PROT_WRITE;
	/* There large pages are mapped without execute permission, and code gets 4K pages. */
	if (mitigate_exec_4k()) {
		if (access & MINIVMX_PROT_EXEC)
			level = 1;
		while (level > 1 && ept_has_smaller(&vm->ept, gpa, level))
			level--;
		if (level > 1)
			prot &= ~MINIVMX_PROT_EXEC;
	}
	gpa &= ~(ept_level_size(level) - 1);
	flush = ept_map(&vm->ept, cache, gpa,
			page_to_pfn(page) & ~((ept_level_size(level) >> 12) - 1),
			level, prot);
	/* The guest writes behind the host page table's dirty bit. */
	if (prot & MINIVMX_PROT_WRITE)
		SetPageDirty(page);
	spin_unlock(&vm->ept_lock);
	if (flush)
		vm_flush_ept(vm);
	ept_cache_free_garbage(cache);
	return true;
}

enum gmem_result gmem_fault(struct vm *vm, struct ept_cache *cache, u64 gpa,
			    u32 access, int *error)
{
	enum gmem_result result = GMEM_ERROR;
	struct mem_region *r;
	struct stretch s;
	unsigned long seq, hva;
	struct page *page;
	bool installed;
	int level, ret;

	down_read(&vm->mem_sem);
	r = gmem_region(vm, gpa);
	if (!r) {
		result = GMEM_UNMAPPED;
		goto out;
	}
	/* They cannot change before this is done: a PROTECT waits for mem_sem. */
	s = rights_at(r, gpa);
	if (access & ~s.prot) {
		*error = EACCES;
		goto out;
	}
	ret = ept_cache_fill(cache);
	if (ret) {
		*error = -ret;
		goto out;
	}

	hva = r->hva + ((gpa & PAGE_MASK) - r->gpa);
	do {
		if (signal_pending(current)) {
			result = GMEM_RETRY;
			goto out;
		}
		seq = READ_ONCE(vm->mn_seq);
		smp_rmb();	/* the look-up comes after; see gmem_invalidate_end() */

		ret = get_user_pages_fast(hva, 1,
					  access & MINIVMX_PROT_WRITE ? FOLL_WRITE : 0,
					  &page);
		if (ret != 1) {
			*error = ret < 0 ? -ret : EFAULT;
			goto out;
		}
		level = region_level(r, &s, gpa, host_level(vm->mm, hva));
		installed = gmem_install(vm, cache, gpa, page, level, s.prot, access, seq);
		put_page(page);
		cond_resched();
	} while (!installed);
	result = GMEM_OK;
out:
	up_read(&vm->mem_sem);
	return result;
}

/* ---------------------------------------------------------------------- */
/* Invalidation by the host                                                */
/* ---------------------------------------------------------------------- */

static bool zap_hva_range(struct vm *vm, u64 start, u64 end)
{
	bool zapped = false;
	unsigned int i;

	for (i = 0; i < vm->nr_regions; i++) {
		struct mem_region *r = &vm->regions[i];
		u64 first = max(start, r->hva);
		u64 last = min(end, r->hva + r->size);

		if (first < last)
			zapped |= region_zap(vm, r, r->gpa + (first - r->hva),
					     r->gpa + (last - r->hva));
	}
	return zapped;
}

static int gmem_invalidate_start(struct mmu_notifier *mn,
				 const struct mmu_notifier_range *range)
{
	struct vm *vm = container_of(mn, struct vm, mn);
	bool zapped;

	/* Nothing here sleeps, so a range that is not blockable is no matter. */
	spin_lock(&vm->ept_lock);
	vm->mn_active++;
	zapped = zap_hva_range(vm, range->start, range->end);
	spin_unlock(&vm->ept_lock);
	if (zapped)
		vm_flush_ept(vm);
	return 0;
}

static void gmem_invalidate_end(struct mmu_notifier *mn,
				const struct mmu_notifier_range *range)
{
	struct vm *vm = container_of(mn, struct vm, mn);

	spin_lock(&vm->ept_lock);
	/* A fill that looked its page up before this must not install it. */
	vm->mn_seq++;
	vm->mn_active--;
	spin_unlock(&vm->ept_lock);
}

/* The process is gone; its pages are freed when this returns. */
static void gmem_process_exit(struct mmu_notifier *mn, struct mm_struct *mm)
{
	struct vm *vm = container_of(mn, struct vm, mn);
	bool zapped;

	spin_lock(&vm->ept_lock);
	zapped = ept_zap(&vm->ept, 0, gmem_gpa_limit(), NULL);
	spin_unlock(&vm->ept_lock);
	if (zapped)
		vm_flush_ept(vm);
}

static const struct mmu_notifier_ops gmem_mn_ops = {
	.invalidate_range_start = gmem_invalidate_start,
	.invalidate_range_end = gmem_invalidate_end,
	.release = gmem_process_exit,
};

/* ---------------------------------------------------------------------- */
/* Access on behalf of the guest                                           */
/* ---------------------------------------------------------------------- */

/*
 * The range that @gpa is in. @len becomes what of it has the same rights.
 * ERR_PTR(-EFAULT) if nothing is mapped, -EACCES if the guest has no right to @access.
 */
static struct mem_region *region_for(struct vm *vm, u64 gpa, size_t *len, u32 access)
{
	struct mem_region *r = gmem_region(vm, gpa);
	struct stretch s;

	if (!r)
		return ERR_PTR(-EFAULT);
	s = rights_at(r, gpa);
	if (access & ~s.prot)
		return ERR_PTR(-EACCES);
	*len = min_t(u64, *len, s.end - gpa);
	return r;
}

static void __user *region_hva(const struct mem_region *r, u64 gpa)
{
	return (void __user *)(r->hva + (gpa - r->gpa));
}

static int gmem_copy(struct vm *vm, u64 gpa, void *data, size_t len, u32 access)
{
	bool write = access & MINIVMX_PROT_WRITE;
	int ret = 0;

	down_read(&vm->mem_sem);
	while (len && !ret) {
		size_t part = len;
		struct mem_region *r = region_for(vm, gpa, &part, access);

		if (IS_ERR(r)) {
			ret = PTR_ERR(r);
			break;
		}
		if (write ? copy_to_user(region_hva(r, gpa), data, part) :
			    copy_from_user(data, region_hva(r, gpa), part))
			ret = -EFAULT;
		/* Also if not all of it could be written. */
		if (write)
			dirty_mark(r, gpa, part);
		gpa += part;
		data += part;
		len -= part;
	}
	up_read(&vm->mem_sem);
	return ret;
}

int gmem_read(struct vm *vm, u64 gpa, void *data, size_t len)
{
	return gmem_copy(vm, gpa, data, len, MINIVMX_PROT_READ);
}

int gmem_fetch(struct vm *vm, u64 gpa, void *data, size_t len)
{
	return gmem_copy(vm, gpa, data, len, MINIVMX_PROT_EXEC);
}

int gmem_write(struct vm *vm, u64 gpa, const void *data, size_t len)
{
	return gmem_copy(vm, gpa, (void *)data, len, MINIVMX_PROT_WRITE);
}

static int peek_words(const u64 __user *from, u64 *words, unsigned int nr)
{
	unsigned int i;

	if (!user_access_begin(from, nr * sizeof(*words)))
		return -EAGAIN;
	for (i = 0; i < nr; i++)
		unsafe_get_user(words[i], from + i, fault);
	user_access_end();
	return 0;

fault:
	user_access_end();
	return -EAGAIN;
}

int gmem_peek(struct vm *vm, u64 gpa, u64 *words, unsigned int nr, u32 access)
{
	size_t part = nr * sizeof(*words);
	struct mem_region *r;
	int ret = -EAGAIN;

	if (!down_read_trylock(&vm->mem_sem))
		return -EAGAIN;
	r = region_for(vm, gpa, &part, access);
	if (!IS_ERR(r) && part == nr * sizeof(*words)) {
		pagefault_disable();
		ret = peek_words(region_hva(r, gpa), words, nr);
		pagefault_enable();
	}
	up_read(&vm->mem_sem);
	return ret;
}

bool gmem_is_unmapped(struct vm *vm, u64 gpa)
{
	bool unmapped;

	if (!down_read_trylock(&vm->mem_sem))
		return false;
	unmapped = !region_from(vm, gpa, &vm->last_hole);
	up_read(&vm->mem_sem);
	return unmapped;
}

int gmem_cmpxchg(struct vm *vm, u64 gpa, u64 old, u64 new, size_t len)
{
	struct mem_region *r;
	size_t part = len;
	u32 old32 = old;
	int ret;

	down_read(&vm->mem_sem);
	r = region_for(vm, gpa, &part, MINIVMX_PROT_WRITE);
	if (IS_ERR(r)) {
		ret = PTR_ERR(r);
		goto out;
	}
	ret = -EFAULT;
	if (part < len)
		goto out;
	/* Each returns 0 for exchanged, 1 for not, or -EFAULT. */
	if (len == 8)
		ret = __try_cmpxchg_user((u64 __user *)region_hva(r, gpa), &old, new, fault64);
	else
		ret = __try_cmpxchg_user((u32 __user *)region_hva(r, gpa), &old32, (u32)new,
					 fault32);
	if (ret > 0)
		ret = -EAGAIN;
	if (!ret)
		dirty_mark(r, gpa, len);
out:
	up_read(&vm->mem_sem);
	return ret;
}

int gmem_check(struct vm *vm, u64 gpa, u32 access)
{
	size_t len = 1;
	int ret;

	down_read(&vm->mem_sem);
	ret = PTR_ERR_OR_ZERO(region_for(vm, gpa, &len, access));
	up_read(&vm->mem_sem);
	return ret;
}

/* ---------------------------------------------------------------------- */

int gmem_init(struct vm *vm)
{
	int ret;

	init_rwsem(&vm->mem_sem);
	spin_lock_init(&vm->ept_lock);
	ret = ept_alloc(&vm->ept);
	if (ret)
		return ret;
	vm->mn.ops = &gmem_mn_ops;
	ret = mmu_notifier_register(&vm->mn, vm->mm);
	if (ret)
		ept_free(&vm->ept);
	return ret;
}

void gmem_exit(struct vm *vm)
{
	unsigned int i;

	mmu_notifier_unregister(&vm->mn, vm->mm);
	for (i = 0; i < vm->nr_regions; i++) {
		kvfree(vm->regions[i].rights);
		kvfree(vm->regions[i].log);
	}
	ept_free(&vm->ept);
}
