// SPDX-License-Identifier: GPL-2.0
/*
 * The dirty log: each page that was written since it was fetched last, and no
 * other. Every test is run twice: by the EPT's dirty flags, and by page-modification
 * logging, if the CPU has that; the answers have to be the same.
 */
#include "uapi/module.h"
#include "vm.h"

/* A range of its own, of the VM's memory from 8 MiB on; 2M-aligned on both sides. */
#define RANGE		0x10000000
#define MEMORY		0x800000
#define NR_PAGES	1280
#define RANGE_SIZE	(NR_PAGES * 0x1000UL)
#define WORDS		(NR_PAGES / 64)
#define PAGE(n)		(RANGE + (n) * 0x1000UL)
#define HUGE_SIZE	(2UL << 20)

#define ON		MINIVMX_DIRTY_LOG_ON
#define R		MINIVMX_PROT_READ
#define W		MINIVMX_PROT_WRITE

#define PML_FULL	62

GUEST64(load_code, "mov (%rsi), %eax; vmcall");
GUEST64(store_code, "mov %eax, (%rdi); vmcall");
GUEST64(movs_code, "movsl; vmcall");
GUEST64(ins_code, "mov $0x1234, %dx; insl; vmcall");
/* A longword in each of RCX pages from RDI on. */
GUEST64(sweep_code, "1: mov %eax, (%rdi); add $4096, %rdi; dec %ecx; jnz 1b; vmcall");

FIXTURE(log) {
	VM vm;
};

FIXTURE_VARIANT(log) {
	const char *params;	/* of the module */
	char pml;		/* its parameter as the kernel shows it */
};

/* As it is loaded for other tests comes last. */
FIXTURE_VARIANT_ADD(log, flags) { .params = "pml=0", .pml = 'N' };
FIXTURE_VARIANT_ADD(log, pml) { .params = "", .pml = 'Y' };

static char pml_parameter(void)
{
	int fd = open("/sys/module/minivmx/parameters/pml", O_RDONLY | O_CLOEXEC);
	char c = 0;

	vm_must(fd >= 0 && read(fd, &c, 1) == 1);
	close(fd);
	return c;
}

FIXTURE_SETUP(log)
{
	VM *vm = &self->vm;

	/* To load it takes seconds. */
	if (pml_parameter() != variant->pml) {
		ASSERT_EQ(0, unload_module());
		ASSERT_EQ(0, load_file(MODULE, variant->params));
	}
	vm_create(vm);
	EXPECT_TRUE(variant->pml == 'Y' || !(vm->info.features & MINIVMX_FEAT_PML));
	if (!(vm->info.features & MINIVMX_FEAT_EPT_AD))
		SKIP(return, "no accessed and dirty flags in this CPU's EPT");
	ASSERT_EQ(0, minivmx_map(vm->fd, RANGE, vm_at(vm, MEMORY), RANGE_SIZE, VM_RWX));
}

FIXTURE_TEARDOWN(log)
{
	vm_destroy(&self->vm);
}

static int guest_load(VM *vm, uint64_t address)
{
	vm_long(vm, load_code);
	vm->run->regs.rsi = address;
	return vm_run(vm);
}

static int guest_store(VM *vm, uint64_t address)
{
	vm_long(vm, store_code);
	vm->run->regs.rdi = address;
	vm->run->regs.rax = 0x5a5a5a5a;
	return vm_run(vm);
}

static void guest_sweep(VM *vm, unsigned int first, unsigned int nr)
{
	vm_long(vm, sweep_code);
	vm->run->regs.rdi = PAGE(first);
	vm->run->regs.rcx = nr;
	vm_must(vm_run(vm) == MINIVMX_EXIT_HYPERCALL);
}

static void log_on(VM *vm)
{
	vm_must(!minivmx_dirty_log(vm->fd, RANGE, RANGE_SIZE, ON));
}

/* Pages of the range that are in its log. */
struct log {
	uint64_t words[WORDS];
	unsigned int nr;
};

static struct log fetch(VM *vm)
{
	struct log log = { .nr = 0 };

	memset(log.words, 0xaa, sizeof(log.words));
	vm_must(!minivmx_get_dirty_log(vm->fd, RANGE, RANGE_SIZE, log.words));
	for (int i = 0; i < WORDS; i++)
		log.nr += __builtin_popcountl(log.words[i]);
	return log;
}

static bool has(const struct log *log, unsigned int page)
{
	return log->words[page / 64] >> page % 64 & 1;
}

/* The log has these pages, and no other. */
#define EXPECT_LOG(vm, ...)						\
do {									\
	const unsigned int pages_[] = { __VA_ARGS__ };			\
	const unsigned int nr_ = sizeof(pages_) / sizeof(pages_[0]);	\
	struct log log_ = fetch(vm);					\
									\
	EXPECT_EQ(nr_, log_.nr);					\
	for (unsigned int i_ = 0; i_ < nr_; i_++) {			\
		EXPECT_TRUE(has(&log_, pages_[i_]))			\
			TH_LOG("page %u", pages_[i_]);			\
	}								\
} while (0)

#define EXPECT_EMPTY_LOG(vm)	EXPECT_EQ(0, fetch(vm).nr)

/* ---- Which pages ---- */

TEST_F(log, it_has_what_was_written_since_it_was_fetched)
{
	VM *vm = &self->vm;

	/* Before it is on does not count. */
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(vm, PAGE(3)));
	log_on(vm);
	EXPECT_EMPTY_LOG(vm);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_load(vm, PAGE(3)));
	EXPECT_EMPTY_LOG(vm);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(vm, PAGE(0)));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(vm, PAGE(63)));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(vm, PAGE(64) + 0xffc));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(vm, PAGE(64)));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(vm, PAGE(NR_PAGES - 1)));
	/* Over the end of a page: both. And a page of another range. */
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(vm, PAGE(201) - 2));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(vm, VM_DATA));
	EXPECT_LOG(vm, 0, 63, 64, 200, 201, NR_PAGES - 1);
	EXPECT_EMPTY_LOG(vm);
	/* The CPU has them cached as dirty, which must not hide this. */
	for (int i = 0; i < 5; i++) {
		ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(vm, PAGE(64)));
		EXPECT_LOG(vm, 64);
	}
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_load(vm, PAGE(64)));
	EXPECT_EMPTY_LOG(vm);
}

TEST_F(log, more_pages_than_a_buffer_has_room_for)
{
	VM *vm = &self->vm;
	bool pml = vm->info.features & MINIVMX_FEAT_PML;
	struct log log;

	/* No log, no exits. */
	guest_sweep(vm, 0, NR_PAGES);
	EXPECT_EQ(0, vm_count(vm, PML_FULL));
	log_on(vm);
	guest_sweep(vm, 10, 1200);
	log = fetch(vm);
	EXPECT_EQ(1200, log.nr);
	for (int i = 0; i < NR_PAGES; i++) {
		EXPECT_EQ(i >= 10 && i < 1210, has(&log, i))
			TH_LOG("page %u", i);
	}
	/* Page tables and the stack are among what it is told. */
	EXPECT_LE(pml ? 2 : 0, vm_count(vm, PML_FULL));
	EXPECT_GE(pml ? 3 : 0, vm_count(vm, PML_FULL));
	EXPECT_EMPTY_LOG(vm);
	guest_sweep(vm, 0, 600);
	EXPECT_EQ(600, fetch(vm).nr);
	for (int i = 0; i < 600; i += 100) {
		guest_sweep(vm, i, 100);
		EXPECT_EQ(100, fetch(vm).nr);
	}
}

TEST_F(log, what_the_module_writes_counts)
{
	VM *vm = &self->vm;
	const uint64_t low = VM_MMIO_LOW;
	uint64_t words[3] = { 0 };

	log_on(vm);
	vm_long(vm, movs_code);
	vm->run->regs.rsi = VM_MMIO;
	vm->run->regs.rdi = PAGE(7) - 2;
	ASSERT_EQ(MINIVMX_EXIT_MMIO, vm_run(vm));
	EXPECT_EMPTY_LOG(vm);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(vm));
	EXPECT_LOG(vm, 6, 7);
	vm_long(vm, ins_code);
	vm->run->regs.rdi = PAGE(9);
	ASSERT_EQ(MINIVMX_EXIT_IO, vm_run(vm));
	EXPECT_EMPTY_LOG(vm);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(vm));
	EXPECT_LOG(vm, 9);

	/* To walk the guest's page table is to mark its entries. */
	ASSERT_EQ(0, minivmx_dirty_log(vm->fd, 0, low, ON));
	vm_long(vm, ins_code);
	vm->run->regs.rdi = VM_PAGES;
	ASSERT_EQ(MINIVMX_EXIT_IO, vm_run(vm));
	ASSERT_EQ(0, minivmx_get_dirty_log(vm->fd, 0, low, words));
	EXPECT_EQ(1, words[0] >> (VM_PT >> 12) & 1);
	EXPECT_EQ(0, words[0] >> (VM_PD32 >> 12) & 1);
}

/* ---- Nothing that is done to a page loses its mark ---- */

TEST_F(log, it_outlives_the_page_in_the_ept)
{
	VM *vm = &self->vm;
	void *page = vm_at(vm, MEMORY + 5 * 0x1000);

	log_on(vm);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(vm, PAGE(5)));
	ASSERT_EQ(0, madvise(page, 0x1000, MADV_DONTNEED));
	EXPECT_LOG(vm, 5);
	EXPECT_EMPTY_LOG(vm);

	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(vm, PAGE(5)));
	ASSERT_EQ(0, mprotect(page, 0x1000, PROT_READ));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_load(vm, PAGE(5)));
	EXPECT_LOG(vm, 5);
	ASSERT_EQ(0, mprotect(page, 0x1000, PROT_READ | PROT_WRITE));

	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(vm, PAGE(5)));
	ASSERT_EQ(0, minivmx_protect(vm->fd, PAGE(4), 0x3000, R));
	EXPECT_LOG(vm, 5);
	/* What was refused was not written. */
	ASSERT_EQ(MINIVMX_EXIT_MEMORY, guest_store(vm, PAGE(5)));
	EXPECT_EMPTY_LOG(vm);
	ASSERT_EQ(0, minivmx_protect(vm->fd, PAGE(4), 0x3000, VM_RWX));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(vm));
	EXPECT_LOG(vm, 5);
}

TEST_F(log, a_harvest_takes_nothing_from_it)
{
	VM *vm = &self->vm;
	uint64_t words[WORDS];
	const struct minivmx_harvest harvest = {
		.gpa = RANGE, .size = RANGE_SIZE, .bitmap = (uintptr_t)words,
		.which = MINIVMX_HARVEST_DIRTY, .flags = MINIVMX_HARVEST_CLEAR,
	};

	log_on(vm);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(vm, PAGE(5)));
	ASSERT_EQ(0, minivmx_harvest(vm->fd, &harvest));
	EXPECT_EQ(1 << 5, words[0]);
	EXPECT_LOG(vm, 5);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(vm, PAGE(5)));
	EXPECT_LOG(vm, 5);
	EXPECT_EMPTY_LOG(vm);
}

/* ---- On and off ---- */

TEST_F(log, each_start_begins_with_nothing)
{
	VM *vm = &self->vm;

	for (int i = 0; i < 3; i++) {
		log_on(vm);
		EXPECT_EMPTY_LOG(vm);
		ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(vm, PAGE(5 + i)));
		if (i == 1)
			EXPECT_LOG(vm, 6);
		ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(vm, PAGE(100)));
		ASSERT_EQ(0, minivmx_dirty_log(vm->fd, RANGE, RANGE_SIZE, 0));
		ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(vm, PAGE(101)));
	}
	/* It ends with its range, too. */
	log_on(vm);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(vm, PAGE(5)));
	ASSERT_EQ(0, minivmx_unmap(vm->fd, RANGE, RANGE_SIZE));
	ASSERT_EQ(0, minivmx_map(vm->fd, RANGE, vm_at(vm, MEMORY), RANGE_SIZE, VM_RWX));
	EXPECT_EQ(-ENODATA, minivmx_get_dirty_log(vm->fd, RANGE, RANGE_SIZE,
						  (uint64_t[WORDS]) { 0 }));
	log_on(vm);
	EXPECT_EMPTY_LOG(vm);
}

TEST_F(log, a_vcpu_that_comes_later_is_in_it)
{
	VM *vm = &self->vm, later = *vm;

	log_on(vm);
	vm_new_vcpu(&later, 1);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(&later, PAGE(8)));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(vm, PAGE(9)));
	EXPECT_LOG(vm, 8, 9);
	minivmx_unmap_run(later.run, later.info.run_size);
	close(later.vcpu);
	EXPECT_EMPTY_LOG(vm);
}

TEST_F(log, two_ranges_have_a_log_each)
{
	VM *vm = &self->vm;
	const uint64_t other = RANGE + 0x10000000;
	uint64_t words[1];

	ASSERT_EQ(0, minivmx_map(vm->fd, other, vm_at(vm, MEMORY), 0x8000, VM_RWX));
	log_on(vm);
	ASSERT_EQ(0, minivmx_dirty_log(vm->fd, other, 0x8000, ON));
	/* The same page of the host in both. */
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(vm, PAGE(2)));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(vm, other + 0x5000));
	EXPECT_LOG(vm, 2);
	ASSERT_EQ(0, minivmx_get_dirty_log(vm->fd, other, 0x8000, words));
	EXPECT_EQ(1 << 5, words[0]);
	/* One ends, the other goes on. */
	ASSERT_EQ(0, minivmx_dirty_log(vm->fd, other, 0x8000, 0));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(vm, other + 0x5000));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(vm, PAGE(3)));
	EXPECT_LOG(vm, 3);
}

static uint32_t leaf_level(VM *vm, uint64_t gpa)
{
	struct minivmx_walk walk;

	vm_must(!minivmx_walk_ept(vm->fd, gpa, &walk));
	return walk.leaf_level;
}

TEST_F(log, large_pages_go_and_come_back)
{
	VM *vm = &self->vm;

	if (!(vm->info.features & MINIVMX_FEAT_EPT_2M))
		SKIP(return, "no 2M pages in this CPU's EPT");
	if (!write_file("/sys/kernel/mm/transparent_hugepage/enabled", "madvise"))
		SKIP(return, "no transparent huge pages");
	ASSERT_EQ(0, madvise(vm_at(vm, MEMORY), HUGE_SIZE, MADV_HUGEPAGE));
	memset(vm_at(vm, MEMORY), 1, HUGE_SIZE);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(vm, PAGE(5)));
	ASSERT_EQ(2, leaf_level(vm, PAGE(5)));
	log_on(vm);
	EXPECT_EQ(0, leaf_level(vm, PAGE(5)));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_load(vm, PAGE(4)));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(vm, PAGE(5)));
	EXPECT_EQ(1, leaf_level(vm, PAGE(5)));
	EXPECT_LOG(vm, 5);
	ASSERT_EQ(0, minivmx_dirty_log(vm->fd, RANGE, RANGE_SIZE, 0));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(vm, PAGE(5)));
	EXPECT_EQ(2, leaf_level(vm, PAGE(5)));
}

/* ---- Refusals ---- */

TEST_F(log, logs_that_cannot_be_are_refused)
{
	VM *vm = &self->vm;
	const uint64_t size = MINIVMX_MAX_BITMAP + 0x1000, far = 1UL << 36;
	struct minivmx_dirty_log reserved = {
		.gpa = RANGE, .size = RANGE_SIZE, .flags = ON, .reserved = 1,
	};
	uint64_t words[WORDS];
	void *mem, *end;

	EXPECT_EQ(-EINVAL, minivmx_dirty_log(vm->fd, RANGE, RANGE_SIZE, 2));
	EXPECT_EQ(-EINVAL, minivmx_dirty_log(vm->fd, RANGE, RANGE_SIZE, 1U << 31 | ON));
	EXPECT_EQ(-1, ioctl(vm->fd, MINIVMX_DIRTY_LOG, &reserved));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-ENOENT, minivmx_dirty_log(vm->fd, RANGE, RANGE_SIZE - 0x1000, ON));
	EXPECT_EQ(-ENOENT, minivmx_dirty_log(vm->fd, RANGE + 0x1000, RANGE_SIZE - 0x1000, ON));
	EXPECT_EQ(-ENOENT, minivmx_dirty_log(vm->fd, RANGE, RANGE_SIZE + 1, ON));
	EXPECT_EQ(-ENOENT, minivmx_dirty_log(vm->fd, VM_MMIO_LOW, 0x1000, ON));
	EXPECT_EQ(-ENOENT, minivmx_dirty_log(vm->fd, -0x1000UL, 0x1000, ON));
	EXPECT_EQ(-ENODATA, minivmx_get_dirty_log(vm->fd, RANGE, RANGE_SIZE, words));
	EXPECT_EQ(-EALREADY, minivmx_dirty_log(vm->fd, RANGE, RANGE_SIZE, 0));

	log_on(vm);
	EXPECT_EQ(-EALREADY, minivmx_dirty_log(vm->fd, RANGE, RANGE_SIZE, ON));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, guest_store(vm, PAGE(5)));
	EXPECT_EQ(-EALREADY, minivmx_dirty_log(vm->fd, RANGE, RANGE_SIZE, ON));
	EXPECT_EQ(-ENOENT, minivmx_get_dirty_log(vm->fd, RANGE, 0x1000, words));
	EXPECT_EQ(-ENOENT, minivmx_get_dirty_log(vm->fd, PAGE(1), RANGE_SIZE, words));
	EXPECT_EQ(-EFAULT, minivmx_get_dirty_log(vm->fd, RANGE, RANGE_SIZE, (void *)16));
	EXPECT_EQ(-EFAULT, minivmx_get_dirty_log(vm->fd, RANGE, RANGE_SIZE,
						 (void *)0xffff888000000000));
	/* Its last word does not fit. */
	mem = mmap(NULL, 0x2000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	end = mem + 0x1000;
	ASSERT_EQ(0, munmap(end, 0x1000));
	EXPECT_EQ(-EFAULT, minivmx_get_dirty_log(vm->fd, RANGE, RANGE_SIZE,
						 end - (WORDS - 1) * 8));
	/* None of these took anything. */
	EXPECT_LOG(vm, 5);

	mem = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ASSERT_NE(MAP_FAILED, mem);
	ASSERT_EQ(0, minivmx_map(vm->fd, far, mem, size, R));
	EXPECT_EQ(-E2BIG, minivmx_dirty_log(vm->fd, far, size, ON));
	ASSERT_EQ(0, minivmx_unmap(vm->fd, far, size));
	ASSERT_EQ(0, minivmx_map(vm->fd, far, mem, size - 0x1000, R));
	EXPECT_EQ(0, minivmx_dirty_log(vm->fd, far, size - 0x1000, ON));
}

/* ---- While guests write ---- */

/*
 * A new number RBX goes to a page that it chooses, of 256 from RDI on; again. So
 * slowly that what a log has missed once is hardly written again.
 */
GUEST64(scatter_code,
	"1: imul $1103515245, %ebx, %ebx; add $12345, %ebx;"
	"mov %ebx, %eax; shr $16, %eax; and $0xff, %eax; shl $12, %eax;"
	"mov %ebx, (%rdi,%rax);"
	"mov $3000, %ecx; 2: dec %ecx; jnz 2b; jmp 1b");

#define SCATTERED	256

struct writer {
	VM vm;
	int cpu;
	pthread_t thread;
	volatile bool stop;
	int ret;
};

static void *writer(void *arg)
{
	struct writer *w = arg;

	pin_to_cpu(w->cpu);
	while (!w->stop) {
		w->vm.run->action = MINIVMX_RETRY;
		w->ret = minivmx_run(w->vm.vcpu);
		if ((w->ret && w->ret != -EINTR) || w->vm.run->kind != MINIVMX_EXIT_INTR)
			break;
	}
	return NULL;
}

/* Copy the pages that the log has. */
static unsigned int copy_written(VM *vm, uint8_t *copy)
{
	struct log log = fetch(vm);

	for (unsigned int i = 0; i < SCATTERED; i++)
		if (has(&log, i))
			memcpy(copy + i * 0x1000, vm_at(vm, MEMORY + i * 0x1000), 0x1000);
	return log.nr;
}

/*
 * A copy that is kept up to date by the log alone is the same as the memory in the
 * end, whatever happens to the EPT meanwhile.
 */
TEST_F_TIMEOUT(log, a_copy_of_what_it_has_is_a_copy_of_all, 300)
{
	VM *vm = &self->vm;
	uint8_t *copy = malloc(SCATTERED * 0x1000);
	struct writer w[2];
	unsigned long copied = 0;
	int i, round;

	log_on(vm);
	memcpy(copy, vm_at(vm, MEMORY), SCATTERED * 0x1000);
	for (i = 0; i < 2; i++) {
		w[i] = (struct writer) { .vm = *vm, .cpu = i % nr_cpus() };
		if (i)
			vm_new_vcpu(&w[i].vm, 1);
		vm_long(&w[i].vm, scatter_code);
		w[i].vm.run->regs.rdi = RANGE + i * 64;
		w[i].vm.run->regs.rbx = i + 1;
		w[i].vm.run->regs.rflags |= RFLAGS_IF;	/* see host_test.c, spinner */
	}
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, pthread_create(&w[i].thread, NULL, writer, &w[i]));
	}
	for (round = 0; round < 60; round++) {
		usleep(2000);
		copied += copy_written(vm, copy);
		/* Out of the EPT, and in again: for the program, and by the host. */
		if (round % 3 == 1) {
			ASSERT_EQ(0, minivmx_protect(vm->fd, PAGE(0), 0x80000, VM_RWX));
		}
		if (round % 3 == 2) {
			ASSERT_EQ(0, mprotect(vm_at(vm, MEMORY + 0x80000), 0x40000,
					      PROT_READ | PROT_WRITE | PROT_EXEC));
			ASSERT_EQ(0, mprotect(vm_at(vm, MEMORY + 0x80000), 0x40000,
					      PROT_READ | PROT_WRITE));
		}
	}
	for (i = 0; i < 2; i++) {
		w[i].stop = true;
		minivmx_kick(w[i].vm.vcpu);
		ASSERT_EQ(0, pthread_join(w[i].thread, NULL));
		EXPECT_EQ(MINIVMX_EXIT_INTR, w[i].vm.run->kind);
	}
	copied += copy_written(vm, copy);
	TH_LOG("%lu pages copied", copied);
	EXPECT_LT(SCATTERED, copied);
	for (i = 0; i < SCATTERED; i++) {
		EXPECT_EQ(0, memcmp(copy + i * 0x1000, vm_at(vm, MEMORY + i * 0x1000), 0x1000))
			TH_LOG("page %u", i);
	}
	EXPECT_EMPTY_LOG(vm);
	minivmx_unmap_run(w[1].vm.run, w[1].vm.info.run_size);
	close(w[1].vm.vcpu);
	free(copy);
}

TEST_HARNESS_MAIN
