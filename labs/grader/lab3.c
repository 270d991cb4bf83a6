// SPDX-License-Identifier: GPL-2.0
/* Lab 3: the EPT. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "grader.h"
#include "pager.h"
#include "vmcs.h"

const int lab = 3;

#define SIZE	(8UL << 20)
#define CODE	0x10000
#define LIST	0x20000		/* of addresses, for the guest */
#define STACK	0x80000
#define PAGED	0x40000000	/* where the pager is */
#define PAGES	64
#define VISITS	100

/* Read the longwords at ECX addresses from ESI on, and add them up. */
GUEST32(reads, "xor %ebx, %ebx; 1: lodsl; add (%eax), %ebx; loop 1b; hlt");
/* Write EDX to them, and one more to each next. */
GUEST32(writes, "1: lodsl; mov %edx, (%eax); inc %edx; loop 1b; hlt");

static void new_vm(struct vm *vm, struct vcpu *vcpu)
{
	need(!vm_create(vm, SIZE, 0), "vm_create() of lab 1 fails");
	need(!vcpu_create(vcpu, vm, 0), "vcpu_create() of lab 1 fails");
}

static void start(struct vm *vm, struct vcpu *vcpu, const char *code, const char *code_end,
		  const uint32_t *list, unsigned int nr)
{
	memcpy(vm->mem + CODE, code, code_end - code);
	memcpy(vm->mem + LIST, list, nr * sizeof(list[0]));
	need(!vmcs_set_protected(vcpu, CODE, STACK), "vmcs_set_protected() of lab 2 fails");
	vcpu->run->regs.rsi = LIST;
	vcpu->run->regs.rcx = nr;
	vcpu->run->action = MINIVMX_RETRY;
}

#define START(vm, vcpu, code, list, nr) start(vm, vcpu, code, code##_end, list, nr)

/* ---- The pager ---- */

struct book {
	unsigned int filled[PAGES];
	uint64_t wild;		/* an address for which it was asked, and no page has */
	uint32_t content[PAGES][1024];
};

static void fill(void *arg, uint64_t gpa, void *page)
{
	struct book *book = arg;
	uint64_t number = (gpa - PAGED) / 4096;

	if (gpa % 4096 || number >= PAGES) {
		book->wild = gpa;
		return;
	}
	book->filled[number]++;
	memcpy(page, book->content[number], 4096);
}

static struct book book;

static void new_book(void)
{
	unsigned int i, word;

	for (i = 0; i < PAGES; i++)
		for (word = 0; word < 1024; word++)
			book.content[i][word] = pick();
}

static void new_pager(struct vm *vm, struct pager *pager)
{
	int ret;

	new_book();
	*pager = (struct pager) {
		.vm = vm, .gpa = PAGED, .size = PAGES * 4096, .fill = fill, .arg = &book,
	};
	ret = pager_create(pager);
	need(!ret, "pager_create() returned %s", errno_text(ret));
}

static void expect_halt(struct pager *pager, struct vcpu *vcpu, const char *where)
{
	int ret = pager_run(pager, vcpu);

	need(ret == MINIVMX_EXIT_HLT,
	     "%s: pager_run() instead of that: %s; MINIVMX_EXIT_HLT was due",
	     where, exit_text(vcpu, ret));
	need(!book.wild, "fill() was called for %#llx, which is no page of the pager's",
	     (unsigned long long)book.wild);
}

static void demand(void)
{
	bool visited[PAGES] = { false };
	uint32_t list[VISITS], sum = 0;
	struct pager pager;
	struct vcpu vcpu;
	unsigned int i;
	struct vm vm;

	new_vm(&vm, &vcpu);
	new_pager(&vm, &pager);
	for (i = 0; i < VISITS; i++) {
		unsigned int page = pick_from(0, PAGES - 1) & ~3, word = pick_from(0, 1023);

		page += pick_from(0, 2);	/* a quarter of them nobody visits */
		visited[page] = true;
		list[i] = PAGED + page * 4096 + word * 4;
		sum += book.content[page][word];
	}
	START(&vm, &vcpu, reads, list, VISITS);
	expect_halt(&pager, &vcpu, "a guest that reads pages in any order");
	for (i = 0; i < PAGES; i++)
		need(book.filled[i] == visited[i],
		     "page %u, which the guest has %stouched, was filled %u times", i,
		     visited[i] ? "" : "not ", book.filled[i]);
	need((uint32_t)vcpu.run->regs.rbx == sum,
	     "the guest has read other numbers than fill() has written: their sum is %#x, not %#x",
	     (uint32_t)vcpu.run->regs.rbx, sum);
	need(exits_counted(&vcpu, REASON_EPT_VIOLATION) > 0, "the kernel counted no EPT violation");
	pager_destroy(&pager);
	end_vm(&vm, &vcpu);
}

static void evict(void)
{
	const uint64_t page = pick_from(0, PAGES - 1), word = pick_from(0, 1023);
	const uint32_t at = PAGED + page * 4096 + word * 4, mark = pick();
	uint32_t copy[1024] = { 0 };
	struct pager pager;
	struct vcpu vcpu;
	struct vm vm;
	int ret;

	new_vm(&vm, &vcpu);
	new_pager(&vm, &pager);
	START(&vm, &vcpu, writes, &at, 1);
	vcpu.run->regs.rdx = mark;
	expect_halt(&pager, &vcpu, "a guest that writes to one page");
	ret = pager_evict(&pager, PAGED + page * 4096, copy);
	need(!ret, "pager_evict() returned %s", errno_text(ret));
	need(copy[word] == mark, "pager_evict() has copied %#x where the guest had written %#x",
	     copy[word], mark);
	book.content[page][word] = mark ^ 0xff;
	START(&vm, &vcpu, reads, &at, 1);
	expect_halt(&pager, &vcpu, "a guest that reads the page after pager_evict()");
	need(book.filled[page] == 2,
	     "a page that was evicted and touched again was filled %u times, not 2",
	     book.filled[page]);
	need((uint32_t)vcpu.run->regs.rbx == (mark ^ 0xff),
	     "the guest does not see what fill() wrote then");
	/* An end is one: the range is free. */
	pager_destroy(&pager);
	ret = pager_create(&pager);
	need(!ret,
	     "after pager_destroy() pager_create() of the same range returned %s", errno_text(ret));
	pager_destroy(&pager);
	end_vm(&vm, &vcpu);
}

/* ---- Rights ---- */

static void protection(void)
{
	const uint32_t page = pick_from(0x100, 0x7f0) << 12, at = page + 4 * pick_from(0, 1023);
	const uint32_t mark = pick() | 1;
	struct vcpu vcpu;
	uint32_t seen;
	struct vm vm;
	int ret;

	new_vm(&vm, &vcpu);
	ret = ept_protect(&vm, page, 4096, MINIVMX_PROT_READ);
	need(!ret, "ept_protect() to read only returned %s", errno_text(ret));
	START(&vm, &vcpu, reads, &at, 1);
	expect_exit(&vcpu, MINIVMX_EXIT_HLT, "a read of a page that may be read");
	START(&vm, &vcpu, writes, &at, 1);
	vcpu.run->regs.rdx = mark;
	expect_exit(&vcpu, MINIVMX_EXIT_MEMORY, "a write to a page that may be read");
	need(vcpu.run->memory.gpa == at && vcpu.run->memory.access & MINIVMX_PROT_WRITE,
	     "the exit is about %#llx, not about %#x",
	     (unsigned long long)vcpu.run->memory.gpa, at);
	memcpy(&seen, vm.mem + at, 4);
	need(!seen, "the page that may not be written was written");
	ret = ept_protect(&vm, page, 4096, MINIVMX_PROT_READ | MINIVMX_PROT_WRITE);
	need(!ret, "ept_protect() to read and write returned %s", errno_text(ret));
	vcpu.run->action = MINIVMX_RETRY;
	expect_exit(&vcpu, MINIVMX_EXIT_HLT, "the same write, with the right to do it");
	memcpy(&seen, vm.mem + at, 4);
	need(seen == mark, "the write that was made again wrote %#x, not %#x", seen, mark);
	ret = ept_protect(&vm, SIZE + 4096, 4096, MINIVMX_PROT_READ);
	need(ret == -ENOENT, "ept_protect() where nothing is mapped returned %s, not -ENOENT",
	     errno_text(ret));
	end_vm(&vm, &vcpu);
}

/* ---- Accessed and dirty flags ---- */

#define FIRST	0x100000	/* the range that is harvested */

static void expect_bits(struct vm *vm, uint32_t which, uint64_t due, const char *what)
{
	uint64_t bitmap = pick();
	int ret = ept_harvest(vm, FIRST, PAGES * 4096, which, &bitmap);

	need(!ret, "ept_harvest() returned %s", errno_text(ret));
	need(bitmap == due, "%s: the bitmap is %#llx, and %#llx is right", what,
	     (unsigned long long)bitmap, (unsigned long long)due);
}

static void flags(void)
{
	const uint64_t read = pick(), written = pick();
	uint32_t list[PAGES];
	unsigned int i, nr;
	struct vcpu vcpu;
	struct vm vm;

	new_vm(&vm, &vcpu);
	need(!ept_use_large(&vm, 0, SIZE, false), "ept_use_large() fails");
	for (i = nr = 0; i < PAGES; i++)
		if (written >> i & 1)
			list[nr++] = FIRST + i * 4096 + 4 * pick_from(0, 1023);
	START(&vm, &vcpu, writes, list, nr);
	expect_exit(&vcpu, MINIVMX_EXIT_HLT, "a guest that writes to pages");
	expect_bits(&vm, MINIVMX_HARVEST_DIRTY, written, "the pages that were written");
	expect_bits(&vm, MINIVMX_HARVEST_ACCESSED, written, "the pages that were accessed");
	for (i = nr = 0; i < PAGES; i++)
		if (read >> i & 1)
			list[nr++] = FIRST + i * 4096 + 4 * pick_from(0, 1023);
	START(&vm, &vcpu, reads, list, nr);
	expect_exit(&vcpu, MINIVMX_EXIT_HLT, "a guest that reads pages");
	expect_bits(&vm, MINIVMX_HARVEST_DIRTY, 0,
		    "the pages written since the last harvest, none");
	expect_bits(&vm, MINIVMX_HARVEST_ACCESSED, read, "the pages read since the last harvest");
	end_vm(&vm, &vcpu);
}

/* ---- Large pages ---- */

#define LARGE	(2UL << 20)

static void allow_large_pages(void)
{
	int fd = open("/sys/kernel/mm/transparent_hugepage/enabled", O_WRONLY | O_CLOEXEC);

	must(fd >= 0 && write(fd, "madvise", 7) == 7);
	close(fd);
}

/* EPT violations of a guest that touches each 4K of 2M, at the address 4M. */
static uint64_t violations(bool large)
{
	uint64_t bytes = 1, before;
	uint32_t list[512];
	struct vcpu vcpu;
	unsigned int i;
	struct vm vm;
	int ret;

	new_vm(&vm, &vcpu);
	ret = ept_use_large(&vm, 2 * LARGE, LARGE, large);
	need(!ret, "ept_use_large() returned %s", errno_text(ret));
	ret = ept_page_size(&vm, 2 * LARGE, &bytes);
	need(!ret && bytes == 0,
	     "before the guest has run ept_page_size() returned %s and %llu bytes, not 0",
	     errno_text(ret), (unsigned long long)bytes);
	list[0] = LIST;
	START(&vm, &vcpu, reads, list, 1);
	expect_exit(&vcpu, MINIVMX_EXIT_HLT, "a guest that reads a number");
	before = exits_counted(&vcpu, REASON_EPT_VIOLATION);
	for (i = 0; i < 512; i++)
		list[i] = 2 * LARGE + i * 4096 + 4 * pick_from(0, 1023);
	START(&vm, &vcpu, writes, list, 512);
	expect_exit(&vcpu, MINIVMX_EXIT_HLT, "a guest that touches 2M");
	ret = ept_page_size(&vm, 2 * LARGE + pick_from(0, LARGE - 1), &bytes);
	need(!ret && bytes == (large ? LARGE : 4096),
	     "ept_page_size() returned %s and %llu bytes, not %lu", errno_text(ret),
	     (unsigned long long)bytes, large ? LARGE : 4096);
	before = exits_counted(&vcpu, REASON_EPT_VIOLATION) - before;
	end_vm(&vm, &vcpu);
	return before;
}

static void large_pages(void)
{
	uint64_t small, large;

	allow_large_pages();
	small = violations(false);
	large = violations(true);
	need(small >= 512, "512 pages of 4K cost %llu EPT violations, fewer than 512",
	     (unsigned long long)small);
	need(large <= 2, "one page of 2M cost %llu EPT violations", (unsigned long long)large);
}

const struct item items[] = {
	{ "demand", "pages come when they are touched, once each", 3, .grade = demand },
	{ "evict", "a page goes, with what was written, and comes again", 1, .grade = evict },
	{ "protection", "rights to single pages", 2, .grade = protection },
	{ "flags", "which pages were accessed, and which written", 2, .grade = flags },
	{ "large", "2M pages where they are wanted, and only there", 2, .grade = large_pages },
	{ 0 }
};
