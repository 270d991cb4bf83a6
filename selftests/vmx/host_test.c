// SPDX-License-Identifier: GPL-2.0
/*
 * Between exits: what of the guest must never be live where the host, or
 * another guest, can see it. Each test runs a guest that uses its own value of
 * something, and then looks at the thread's; and the reverse. Where a rule is
 * broken, some of these tests do not fail but end the kernel: that is what the
 * rule is there for.
 */
#include <asm/ldt.h>
#include <asm/prctl.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <sys/auxv.h>
#include <sys/io.h>
#include <sys/klog.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include "vm.h"

/* Guest MSRs that the CPU uses in the guest and in the host. */
#define MSR_DEBUGCTL	0x1d9
#define MSR_STAR	0xc0000081
#define MSR_LSTAR	0xc0000082
#define MSR_CSTAR	0xc0000083
#define MSR_FMASK	0xc0000084
#define MSR_FS_BASE	0xc0000100
#define MSR_GS_BASE	0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102
#define MSR_TSC_AUX	0xc0000103

/* Without libc, whose errno is in %fs. */
static long raw_syscall(long nr, long a, long b, long c)
{
	long ret;

	asm volatile("syscall" : "=a"(ret) : "a"(nr), "D"(a), "S"(b), "d"(c)
		     : "rcx", "r11", "memory");
	return ret;
}

static inline __attribute__((always_inline)) long raw_run(VM *self)
{
	return raw_syscall(SYS_ioctl, self->vcpu, MINIVMX_RUN, 0);
}

/* ---- The MSRs that VMX does not switch ---- */

GUEST64(wrmsr_code, "wrmsr; vmcall; rdmsr; vmcall");

/* Have the guest write an MSR, of those of SYSCALL one that it can use, and stop behind that. */
static void guest_wrmsr(VM *self, uint32_t index, uint64_t value)
{
	vm_long(self, wrmsr_code);
	self->sregs.efer |= EFER_SCE;
	vm_set_sregs(self);
	self->run->regs.rcx = index;
	self->run->regs.rax = (uint32_t)value;
	self->run->regs.rdx = value >> 32;
	vm_must(vm_run(self) == MINIVMX_EXIT_HYPERCALL);
}

/* And read it again, from there. */
static uint64_t guest_rdmsr(VM *self)
{
	vm_must(vm_skip(self) == MINIVMX_EXIT_HYPERCALL);
	return self->run->regs.rax | self->run->regs.rdx << 32;
}

/* Enter the kernel by SYSCALL, many times, and leave it by SYSRET. */
static bool syscalls_work(void)
{
	int i;

	for (i = 0; i < 20; i++)
		if (raw_syscall(SYS_getpid, 0, 0, 0) <= 0)
			return false;
	sched_yield();
	return getppid() > 0;
}

TEST_F(vm, star_is_the_hosts)
{
	/* SYSCALL and SYSRET load CS and SS from it. */
	guest_wrmsr(self, MSR_STAR, 0x001b000800000000);
	EXPECT_TRUE(syscalls_work());
	EXPECT_EQ(0x001b000800000000, guest_rdmsr(self));
}

TEST_F(vm, lstar_is_the_hosts)
{
	/* SYSCALL goes there, in ring 0. */
	guest_wrmsr(self, MSR_LSTAR, (uintptr_t)raw_syscall);
	EXPECT_TRUE(syscalls_work());
	EXPECT_EQ((uintptr_t)raw_syscall, guest_rdmsr(self));
}

/* A signal handler that returns with NT set: rt_sigreturn, which ends with IRET. */
void nt_handler(int sig);
asm(".pushsection .text\n"
	"nt_handler: add $8, %rsp; pushf; orl $0x4000, (%rsp); popf\n"
	"	mov $15, %eax; syscall; ud2\n"
	".popsection");

TEST_F(vm, fmask_is_the_hosts)
{
	/*
	 * SYSCALL clears RFLAGS by it. With NT left set, the kernel's IRET is a
	 * #GP, which here is a SIGSEGV.
	 */
	signal(SIGUSR1, nt_handler);
	ASSERT_EQ(0, raise(SIGUSR1));
	guest_wrmsr(self, MSR_FMASK, 0);
	ASSERT_EQ(0, raise(SIGUSR1));
	EXPECT_TRUE(syscalls_work());
	EXPECT_EQ(0, guest_rdmsr(self));
}

TEST_F(vm, tsc_aux_is_the_hosts)
{
	unsigned int aux, cpu;

	pin_to_cpu(nr_cpus() - 1);
	guest_wrmsr(self, MSR_TSC_AUX, 0xdead00);
	asm volatile("rdtscp" : "=c"(aux) : : "eax", "edx");
	EXPECT_EQ(nr_cpus() - 1, aux & 0xfff);
	ASSERT_EQ(0, syscall(SYS_getcpu, &cpu, NULL, NULL));
	EXPECT_EQ(nr_cpus() - 1, cpu);
	EXPECT_EQ(nr_cpus() - 1, sched_getcpu());	/* the vDSO uses it */
	EXPECT_EQ(0xdead00, guest_rdmsr(self));
}

static uint64_t in_gs = 0x6e6e6e6e;

TEST_F(vm, kernel_gs_base_is_the_threads_gs_base)
{
	uint64_t value;

	/* In the kernel the thread's GS base is in KERNEL_GS_BASE. */
	ASSERT_EQ(0, syscall(SYS_arch_prctl, ARCH_SET_GS, &in_gs));
	guest_wrmsr(self, MSR_KERNEL_GS_BASE, 0xffff800000000000);
	asm volatile("mov %%gs:0, %0" : "=r"(value));
	EXPECT_EQ(0x6e6e6e6e, value);
	EXPECT_EQ(0xffff800000000000, guest_rdmsr(self));
	asm volatile("mov %%gs:0, %0" : "=r"(value));
	EXPECT_EQ(0x6e6e6e6e, value);
}

GUEST64(swapgs_code,
	"swapgs; vmcall; mov $0xc0000101, %ecx; rdmsr; mov %rax, %rsi;"
	"mov $0xc0000102, %ecx; rdmsr; vmcall");

TEST_F(vm, swapgs_in_the_guest_changes_the_guests_bases_alone)
{
	struct minivmx_msr kernel_gs = { .index = MSR_KERNEL_GS_BASE, .data = 0x1111 };
	uint64_t value;

	ASSERT_EQ(0, syscall(SYS_arch_prctl, ARCH_SET_GS, &in_gs));
	vm_long(self, swapgs_code);
	self->sregs.gs.base = 0x2222;
	vm_set_sregs(self);
	ASSERT_EQ(1, minivmx_set_msrs(self->vcpu, &kernel_gs, 1));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	asm volatile("mov %%gs:0, %0" : "=r"(value));
	EXPECT_EQ(0x6e6e6e6e, value);
	ASSERT_EQ(1, minivmx_get_msrs(self->vcpu, &kernel_gs, 1));
	EXPECT_EQ(0x2222, kernel_gs.data);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(self));
	EXPECT_EQ(0x1111, self->run->regs.rsi);
	EXPECT_EQ(0x2222, self->run->regs.rax);
}

TEST_F(vm, two_vcpus_have_msrs_of_their_own)
{
	static const uint32_t msrs[] = {
		MSR_STAR, MSR_LSTAR, MSR_CSTAR, MSR_FMASK, MSR_KERNEL_GS_BASE, MSR_TSC_AUX,
	};
	VM other = *self;
	unsigned int i;

	vm_new_vcpu(&other, 1);
	for (i = 0; i < 6; i++) {
		guest_wrmsr(self, msrs[i], 0x1000 + i);
		guest_wrmsr(&other, msrs[i], 0x2000 + i);
		EXPECT_EQ(0x1000 + i, guest_rdmsr(self));
		EXPECT_EQ(0x2000 + i, guest_rdmsr(&other));
	}
}

GUEST64(syscall_code,
	"syscall; ud2; .org syscall_code + 64; vmcall; sysretq");

TEST_F(vm, syscall_in_the_guest_uses_the_guests_msrs)
{
	struct minivmx_msr msrs[] = {
		{ .index = MSR_STAR, .data = 0x0010UL << 32 | 0x002bUL << 48 },
		{ .index = MSR_LSTAR, .data = VM_CODE + 64 },
		{ .index = MSR_FMASK, .data = RFLAGS_IF },
	};

	vm_long(self, syscall_code);
	self->sregs.efer |= EFER_SCE;
	vm_user(self);
	ASSERT_EQ(3, minivmx_set_msrs(self->vcpu, msrs, 3));
	self->run->regs.rflags |= RFLAGS_IF;
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(VM_CODE + 64, self->run->regs.rip);
	EXPECT_EQ(VM_CODE + 2, self->run->regs.rcx);
	EXPECT_EQ(2, self->run->regs.rflags);
	EXPECT_EQ(RFLAGS_IF | 2, self->run->regs.r11);
	ASSERT_EQ(0, minivmx_get_sregs(self->vcpu, &self->sregs));
	EXPECT_EQ(0x10, self->sregs.cs.selector);
	/* Back, with the selectors of STAR[63:48]. */
	ASSERT_EQ(VM_TRAP, vm_skip(self));
	EXPECT_EQ(UD, self->trap.vector);
	EXPECT_EQ(0x3b, self->trap.cs);
}

GUEST64(sce_code,
	"mov $0xc0000080, %ecx; rdmsr; or $1, %eax; wrmsr; syscall; ud2;"
	".org sce_code + 64; vmcall");

/* Without EFER.SCE they are not in the CPU; a guest that sets it uses them at once. */
TEST_F(vm, syscall_behind_wrmsr_of_efer)
{
	struct minivmx_msr msrs[] = {
		{ .index = MSR_STAR, .data = 0x0010UL << 32 },
		{ .index = MSR_LSTAR, .data = VM_CODE + 64 },
		{ .index = MSR_FMASK, .data = 0 },
	};

	vm_long(self, sce_code);
	ASSERT_EQ(3, minivmx_set_msrs(self->vcpu, msrs, 3));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(VM_CODE + 64, self->run->regs.rip);
	EXPECT_TRUE(syscalls_work());
}

/* ---- Segments ---- */

static uint64_t get_fs_base(void)
{
	uint64_t base = 0;

	raw_syscall(SYS_arch_prctl, ARCH_GET_FS, (long)&base, 0);
	return base;
}

TEST_F(vm, fs_base_is_the_threads)
{
	uint64_t before = get_fs_base(), self_pointer;
	long ret;

	/* libc's thread-local variables hang on it: nothing of it in between. */
	vm_long(self, wrmsr_code);
	self->sregs.fs.base = 0xffff800000001000;
	vm_set_sregs(self);
	self->run->regs.rcx = MSR_FS_BASE;
	self->run->regs.rax = 0x5000;
	do {
		ret = raw_run(self);
		asm volatile("mov %%fs:0, %0" : "=r"(self_pointer));
	} while (ret == -EINTR || (!ret && self->run->kind == MINIVMX_EXIT_INTR));
	EXPECT_EQ(before, self_pointer);
	EXPECT_EQ(before, get_fs_base());
	EXPECT_EQ(MINIVMX_EXIT_HYPERCALL, self->run->kind);
	EXPECT_EQ(0x5000, guest_rdmsr(self));
}

struct fs_thread {
	VM *vm;
	uint64_t before, after;
};

static void *fs_thread(void *arg)
{
	struct fs_thread *t = arg;

	t->before = get_fs_base();
	vm_run(t->vm);
	asm volatile("mov %%fs:0, %0" : "=r"(t->after));
	return NULL;
}

TEST_F(vm, fs_base_is_that_of_the_thread_that_runs_the_vcpu)
{
	struct fs_thread t[4] = {};
	pthread_t thread;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		t[i].vm = self;
		guest_wrmsr(self, MSR_FS_BASE, 0x5000);
		ASSERT_EQ(0, pthread_create(&thread, NULL, fs_thread, &t[i]));
		ASSERT_EQ(0, pthread_join(thread, NULL));
		EXPECT_EQ(t[i].before, t[i].after);
	}
}

/* A data segment at @base for selectors of the GDT (thread) or the LDT. */
static struct user_desc segment(int entry, void *base)
{
	return (struct user_desc) {
		.entry_number = entry, .base_addr = (uintptr_t)base, .limit = 0xfff,
		.seg_32bit = 1, .useable = 1,
	};
}

static uint64_t *low_page(void)
{
	uint64_t *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	vm_must(page != MAP_FAILED);
	return page;
}

/* A selector of the thread's part of the GDT, for a segment at @base. */
static uint16_t gdt_selector(void *base)
{
	struct user_desc *desc = (void *)low_page();
	long ret;

	/* Only the 32-bit interface has set_thread_area. */
	*desc = segment(-1, base);
	asm volatile("int $0x80" : "=a"(ret) : "a"(243), "b"(desc)
		     : "r8", "r9", "r10", "r11", "memory");
	vm_must(ret == 0);
	return desc->entry_number << 3 | 3;
}

GUEST64(use_segments,
	"mov $0x18, %eax; mov %eax, %ds; mov %eax, %es; mov %eax, %fs; mov %eax, %gs;"
	"vmcall");

TEST_F(vm, ds_and_es_selectors_are_the_threads)
{
	uint16_t ds, es;

	vm_long(self, use_segments);
	asm volatile("mov %0, %%ds; mov %0, %%es" : : "r"(0x2b));
	vm_must(vm_run(self) == MINIVMX_EXIT_HYPERCALL);
	asm volatile("mov %%ds, %0; mov %%es, %1" : "=r"(ds), "=r"(es));
	EXPECT_EQ(0x2b, ds);
	EXPECT_EQ(0x2b, es);
	asm volatile("mov %0, %%ds; mov %0, %%es" : : "r"(0));
	vm_long(self, use_segments);
	vm_must(vm_run(self) == MINIVMX_EXIT_HYPERCALL);
	asm volatile("mov %%ds, %0; mov %%es, %1" : "=r"(ds), "=r"(es));
	EXPECT_EQ(0, ds);
	EXPECT_EQ(0, es);
}

TEST_F(vm, gs_selector_and_its_base_are_the_threads)
{
	uint64_t *page = low_page(), value;
	uint16_t selector = gdt_selector(page), after;

	page[1] = 0x1234567812345678;
	asm volatile("mov %0, %%gs" : : "r"(selector));
	vm_long(self, use_segments);
	vm_must(vm_run(self) == MINIVMX_EXIT_HYPERCALL);
	asm volatile("mov %%gs, %0; mov %%gs:8, %1" : "=r"(after), "=r"(value));
	EXPECT_EQ(selector, after);
	EXPECT_EQ(0x1234567812345678, value);
	asm volatile("mov %0, %%gs" : : "r"(0));
}

TEST_F(vm, gs_base_that_is_not_its_selectors_is_kept)
{
	uint64_t *page = low_page(), value;
	uint16_t selector = gdt_selector(page), after;
	/* The same in the guest: that it is equal must not keep it from being restored. */
	struct minivmx_msr kernel_gs = {
		.index = MSR_KERNEL_GS_BASE, .data = (uintptr_t)&in_gs,
	};

	if (!(getauxval(AT_HWCAP2) & 2))
		SKIP(return, "the kernel does not use FSGSBASE");
	asm volatile("mov %0, %%gs; wrgsbase %1" : : "r"(selector), "r"(&in_gs));
	ASSERT_EQ(1, minivmx_set_msrs(self->vcpu, &kernel_gs, 1));
	vm_long(self, use_segments);
	vm_must(vm_run(self) == MINIVMX_EXIT_HYPERCALL);
	asm volatile("mov %%gs, %0; mov %%gs:0, %1" : "=r"(after), "=r"(value));
	EXPECT_EQ(selector, after);
	EXPECT_EQ(0x6e6e6e6e, value);
	asm volatile("mov %0, %%gs" : : "r"(0));
}

TEST_F(vm, fs_selector_and_its_base_are_the_threads)
{
	uint64_t fs_base = get_fs_base(), value, *page = low_page();
	uint16_t selector = gdt_selector(page), after;
	long ret;

	page[1] = 0x1234567812345678;
	vm_long(self, use_segments);
	/* From here on there are no thread-local variables. */
	asm volatile("mov %0, %%fs" : : "r"(selector));
	do
		ret = raw_run(self);
	while (ret == -EINTR || (!ret && self->run->kind == MINIVMX_EXIT_INTR));
	asm volatile("mov %%fs, %0; mov %%fs:8, %1" : "=r"(after), "=r"(value));
	asm volatile("mov %0, %%fs" : : "r"(0));
	raw_syscall(SYS_arch_prctl, ARCH_SET_FS, fs_base, 0);
	/* To here. */
	EXPECT_EQ(MINIVMX_EXIT_HYPERCALL, self->run->kind);
	EXPECT_EQ(selector, after);
	EXPECT_EQ(0x1234567812345678, value);
}

TEST_F(vm, ldt_is_the_processs)
{
	uint64_t *page = low_page(), value;
	struct user_desc desc = segment(0, page);
	const uint16_t selector = 7;	/* LDT entry 0, RPL 3 */
	uint16_t after;

	page[1] = 0x1234567812345678;
	ASSERT_EQ(0, syscall(SYS_modify_ldt, 1, &desc, sizeof(desc)));
	asm volatile("mov %0, %%es" : : "r"(selector));
	vm_long(self, use_segments);
	vm_must(vm_run(self) == MINIVMX_EXIT_HYPERCALL);
	asm volatile("mov %%es, %0" : "=r"(after));
	EXPECT_EQ(selector, after);
	/* Look it up again: with a null LDTR this is a #GP. */
	asm volatile("mov %1, %%gs; mov %%gs:8, %0; mov %2, %%gs; mov %2, %%es"
		     : "=r"(value) : "r"(selector), "r"(0));
	EXPECT_EQ(0x1234567812345678, value);
}

TEST_F(vm, gdt_limit_is_the_hosts)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) before, after;
	uint32_t eax = 7, ebx, ecx = 0, edx;

	asm volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
	if (ecx & 1 << 2)
		SKIP(return, "with UMIP, SGDT does not tell");
	pin_to_cpu(0);
	vm_long(self, use_segments);
	asm volatile("sgdt %0" : "=m"(before));
	vm_must(vm_run(self) == MINIVMX_EXIT_HYPERCALL);
	asm volatile("sgdt %0" : "=m"(after));
	EXPECT_EQ(before.base, after.base);
	EXPECT_EQ(before.limit, after.limit);
	EXPECT_NE(0xffff, after.limit);		/* what an exit leaves */
}

TEST_F(vm, io_bitmap_of_the_thread_still_counts)
{
	/* An exit cuts the TSS limit so that the bitmap is outside. */
	ASSERT_EQ(0, ioperm(0x80, 1, 1));
	vm_long(self, use_segments);
	outb(1, 0x80);
	vm_must(vm_run(self) == MINIVMX_EXIT_HYPERCALL);
	outb(2, 0x80);		/* else: SIGSEGV */
	ASSERT_EQ(0, ioperm(0x80, 1, 0));
}

/* ---- Debug registers ---- */

static int breakpoint(void *address, int type)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_BREAKPOINT, .size = sizeof(attr),
		.bp_type = type, .bp_addr = (uintptr_t)address,
		.bp_len = HW_BREAKPOINT_LEN_4, .exclude_kernel = 1, .exclude_hv = 1,
	};

	return syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
}

static uint64_t count(int fd)
{
	uint64_t n = 0;

	vm_must(read(fd, &n, sizeof(n)) == sizeof(n));
	return n;
}

/* Set all four and DR7, use one of them, and leave. */
GUEST64(debug_code,
	"mov %rbx, %dr0; mov %rbx, %dr1; mov %rbx, %dr2; mov %rbx, %dr3;"
	"mov $0xdddd04ff, %eax; mov %rax, %dr7; vmcall;"
	"mov %dr0, %rax; mov %dr3, %rbx; mov %dr7, %rcx; vmcall");

static volatile int watched, watched_by_guest;

TEST_F(vm, breakpoints_of_the_thread_fire_after_a_run)
{
	int fd = breakpoint((void *)&watched, HW_BREAKPOINT_W);

	ASSERT_LE(0, fd);
	watched = 1;
	ASSERT_EQ(1, count(fd));
	vm_long(self, debug_code);
	self->run->regs.rbx = VM_DATA;
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	watched = 2;
	EXPECT_EQ(2, count(fd));

	/* The guest's are what they were. */
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(self));
	EXPECT_EQ(VM_DATA, self->run->regs.rax);
	EXPECT_EQ(VM_DATA, self->run->regs.rbx);
	EXPECT_EQ(0xdddd04ff, self->run->regs.rcx);
	watched = 3;
	EXPECT_EQ(3, count(fd));
	close(fd);
}

TEST_F(vm, breakpoints_of_the_thread_fire_after_a_run_without_any_in_the_guest)
{
	int fd = breakpoint((void *)&watched, HW_BREAKPOINT_W);

	ASSERT_LE(0, fd);
	vm_long(self, use_segments);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	watched = 2;
	EXPECT_EQ(1, count(fd));
	close(fd);
}

TEST_F(vm, breakpoints_of_the_guest_do_not_fire_in_the_host)
{
	int fd = breakpoint((void *)&watched, HW_BREAKPOINT_W), i;

	/* The host's DR7 is not 0; the guest's four watch a host address. */
	ASSERT_LE(0, fd);
	vm_long(self, debug_code);
	self->run->regs.rbx = (uintptr_t)&watched_by_guest;
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	for (i = 0; i < 100; i++)
		watched_by_guest++;	/* else: SIGTRAP, or counted */
	EXPECT_EQ(0, count(fd));
	close(fd);
}

GUEST64(write_data, "movl $1, DATA; vmcall");

TEST_F(vm, breakpoints_of_the_thread_do_not_fire_in_the_guest)
{
	int *same = mmap((void *)VM_DATA, 4096, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	int fd = breakpoint(same, HW_BREAKPOINT_W);

	ASSERT_EQ((void *)VM_DATA, same);
	ASSERT_LE(0, fd);
	vm_long(self, write_data);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(0, count(fd));
	EXPECT_EQ(0, vm_count(self, 0));
	*same = 1;
	EXPECT_EQ(1, count(fd));
	close(fd);
}

/* ---- The FPU ---- */

#define LOAD_XMM(n, from)	asm volatile("movdqu (%0), %%xmm" #n : : "r"((from)[n]))
#define STORE_XMM(n, to)	asm volatile("movdqu %%xmm" #n ", (%0)" : : "r"((to)[n]) : "memory")
#define ALL_XMM(what, where)						\
	what(0, where); what(1, where); what(2, where); what(3, where);	\
	what(4, where); what(5, where); what(6, where); what(7, where);	\
	what(8, where); what(9, where); what(10, where); what(11, where); \
	what(12, where); what(13, where); what(14, where); what(15, where)

static uint8_t host_xmm[16][16], seen_xmm[16][16];

/* RUN once with @host_xmm in the registers, and put what is there after. */
static long run_with_xmm(VM *self)
{
	long ret;

	ALL_XMM(LOAD_XMM, host_xmm);
	ret = raw_run(self);
	ALL_XMM(STORE_XMM, seen_xmm);
	return ret;
}

static void fill_xmm(uint8_t regs[16][16], int seed)
{
	int i, j;

	for (i = 0; i < 16; i++)
		for (j = 0; j < 16; j++)
			regs[i][j] = seed + 16 * i + j;
}

/* Store all to DATA, load all from DATA + 0x100, leave; store all again. */
GUEST64(xmm_code,
	".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15;"
	"movdqu %xmm\\n, DATA + 16 * \\n; movdqu DATA + 0x100 + 16 * \\n, %xmm\\n; .endr;"
	"vmcall;"
	".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15;"
	"movdqu %xmm\\n, DATA + 0x200 + 16 * \\n; .endr;"
	"vmcall");

static bool all_zero(const void *p, size_t n)
{
	const char *c = p;

	return !c[0] && !memcmp(c, c + 1, n - 1);
}

TEST_F(vm, xmm_registers_are_each_sides_own)
{
	long ret;

	vm_long(self, xmm_code);
	fill_xmm(host_xmm, 1);
	memset(vm_at(self, VM_DATA), 0xee, 0x100);
	memset(vm_at(self, VM_DATA + 0x100), 0xa5, 0x100);
	do
		ret = run_with_xmm(self);
	while (ret == -EINTR || (!ret && self->run->kind == MINIVMX_EXIT_INTR));
	ASSERT_EQ(0, ret);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, self->run->kind);
	EXPECT_EQ(0, memcmp(host_xmm, seen_xmm, 256));
	/* A new vCPU has zeros, and nothing of the thread's. */
	EXPECT_TRUE(all_zero(vm_at(self, VM_DATA), 0x100));

	/* The guest has what it loaded, whatever the host did meanwhile. */
	fill_xmm(host_xmm, 77);
	self->run->action = MINIVMX_SKIP;
	do {
		ret = run_with_xmm(self);
		self->run->action = MINIVMX_RETRY;
	} while (ret == -EINTR || (!ret && self->run->kind == MINIVMX_EXIT_INTR));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, self->run->kind);
	EXPECT_EQ(0, memcmp(host_xmm, seen_xmm, 256));
	EXPECT_EQ(0, memcmp(vm_at(self, VM_DATA + 0x200), vm_at(self, VM_DATA + 0x100), 0x100));
}

TEST_F(vm, xmm_registers_do_not_leak_between_vcpus)
{
	VM other = *self;

	vm_new_vcpu(&other, 1);
	vm_long(self, xmm_code);
	memset(vm_at(self, VM_DATA + 0x100), 0xa5, 0x100);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));

	vm_long(&other, xmm_code);
	memset(vm_at(self, VM_DATA), 0xee, 0x100);
	memset(vm_at(self, VM_DATA + 0x100), 0x5a, 0x100);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(&other));
	EXPECT_TRUE(all_zero(vm_at(self, VM_DATA), 0x100));

	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(self));
	EXPECT_EQ(0xa5a5a5a5a5a5a5a5, *vm_u64(self, VM_DATA + 0x200 + 15 * 16));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(&other));
	EXPECT_EQ(0x5a5a5a5a5a5a5a5a, *vm_u64(self, VM_DATA + 0x200 + 15 * 16));
}

GUEST64(x87_code,
	"fninit; fldpi; fnstcw DATA; andw $0xf0ff, DATA; fldcw DATA;"
	"stmxcsr DATA + 4; orl $0x8000, DATA + 4; ldmxcsr DATA + 4; vmcall;"
	"fnstcw DATA + 8; stmxcsr DATA + 12; fstpl DATA + 16; vmcall");

TEST_F(vm, x87_and_mxcsr_are_each_sides_own)
{
	uint16_t fcw = 0x077f, fcw_after;	/* round down */
	uint32_t mxcsr = 0x3f80, mxcsr_after;	/* likewise */
	double e = 2.718281828, e_after;
	uint16_t fcw_default = 0x37f;
	uint32_t mxcsr_default = 0x1f80;

	vm_long(self, x87_code);
	asm volatile("fldl %0; fldcw %1; ldmxcsr %2" : : "m"(e), "m"(fcw), "m"(mxcsr));
	vm_must(vm_run(self) == MINIVMX_EXIT_HYPERCALL);
	asm volatile("fnstcw %1; stmxcsr %2; fstpl %0"
		     : "=m"(e_after), "=m"(fcw_after), "=m"(mxcsr_after));
	asm volatile("fldcw %0; ldmxcsr %1" : : "m"(fcw_default), "m"(mxcsr_default));
	EXPECT_EQ(fcw, fcw_after);
	EXPECT_EQ(mxcsr, mxcsr_after);
	EXPECT_EQ(0, memcmp(&e, &e_after, 8));

	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(self));
	EXPECT_EQ(0x007f, *(uint16_t *)vm_at(self, VM_DATA + 8));
	EXPECT_EQ(0x9f80, *vm_u32(self, VM_DATA + 12));
	EXPECT_EQ(0x400921fb54442d18, *vm_u64(self, VM_DATA + 16));	/* pi */
}

#define YMM(n)	"vmovdqu %ymm" #n ", DATA + 0x200 + 32 * " #n ";"

GUEST64(ymm_code,
	"xor %ecx, %ecx; mov $7, %eax; xor %edx, %edx; xsetbv;"
	"vmovdqu DATA, %ymm0; vmovdqu DATA, %ymm15; vmcall;"
	YMM(0) YMM(1) YMM(15) "xgetbv; vmcall");

static void vm_long_avx(VM *self)
{
	vm_long(self, ymm_code);
	self->sregs.cr4 |= CR4_OSXSAVE;
	vm_set_sregs(self);
}

TEST_F(vm, ymm_registers_are_each_sides_own)
{
	uint8_t mine[32], after[32];
	int kind;

	if (!(self->info.features & MINIVMX_FEAT_XSAVE))
		SKIP(return, "the host does not use XSAVE");
	memset(mine, 0x3c, 32);
	memset(vm_at(self, VM_DATA), 0xa5, 32);
	vm_long_avx(self);
	asm volatile("vmovdqu %0, %%ymm1; vmovdqu %0, %%ymm15" : : "m"(mine) : "memory");
	do
		kind = raw_run(self) ? -1 : (int)self->run->kind;
	while (kind == -1 || kind == MINIVMX_EXIT_INTR);
	asm volatile("vmovdqu %%ymm15, %0" : "=m"(after) : : "memory");
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, kind);
	EXPECT_EQ(0, memcmp(mine, after, 32));
	asm volatile("vmovdqu %0, %%ymm0; vmovdqu %0, %%ymm15" : : "m"(mine) : "memory");
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(self));
	EXPECT_EQ(0, memcmp(vm_at(self, VM_DATA + 0x200), vm_at(self, VM_DATA), 32));
	EXPECT_EQ(0, memcmp(vm_at(self, VM_DATA + 0x200 + 15 * 32), vm_at(self, VM_DATA), 32));
	/* What the guest has not loaded is not the host's. */
	EXPECT_TRUE(all_zero(vm_at(self, VM_DATA + 0x220), 32));
}

static uint64_t xgetbv(void)
{
	uint32_t lo, hi;

	asm volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return lo | (uint64_t)hi << 32;
}

GUEST64(avx_code, "xor %ecx, %ecx; xgetbv; vmovdqu DATA, %ymm0; vmcall");

TEST_F(vm, xcr0_is_each_sides_own)
{
	uint64_t before;

	if (!(self->info.features & MINIVMX_FEAT_XSAVE))
		SKIP(return, "the host does not use XSAVE");
	before = xgetbv();
	/* A guest that has x87 only, then one that has all. */
	vm_long(self, use_segments);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(before, xgetbv());
	vm_long_avx(self);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(before, xgetbv());
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(self));
	EXPECT_EQ(7, self->run->regs.rax);

	/* Less than the host has: no AVX. */
	vm_long(self, avx_code);
	self->sregs.cr4 |= CR4_OSXSAVE;
	self->sregs.xcr0 = 3;
	vm_set_sregs(self);
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_EQ(3, self->run->regs.rax);
	EXPECT_EQ(UD, self->trap.vector);
	EXPECT_EQ(before, xgetbv());
}

TEST_F(vm, pkru_is_the_threads)
{
	uint32_t pkru, after, edx;
	int key = syscall(SYS_pkey_alloc, 0, 2);

	if (key < 0)
		SKIP(return, "no protection keys on this CPU");
	asm volatile("rdpkru" : "=a"(pkru), "=d"(edx) : "c"(0));
	vm_long(self, xmm_code);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	asm volatile("rdpkru" : "=a"(after), "=d"(edx) : "c"(0));
	EXPECT_EQ(pkru, after);
}

/* ---- CR2, DEBUGCTL ---- */

GUEST64(cr2_code, "mov %rax, %cr2; vmcall; mov %cr2, %rax; vmcall");

TEST_F(vm, cr2_is_the_guests_over_page_faults_of_the_host)
{
	char *fresh = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	vm_long(self, cr2_code);
	self->run->regs.rax = 0xffff800012345678;
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	*fresh = 1;
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(self));
	EXPECT_EQ(0xffff800012345678, self->run->regs.rax);
}

static bool host_msr(int cpu, uint32_t index, uint64_t *value)
{
	char path[32];
	bool ok;
	int fd;

	snprintf(path, sizeof(path), "/dev/cpu/%d/msr", cpu);
	fd = open(path, O_RDONLY);
	ok = fd >= 0 && pread(fd, value, 8, index) == 8;
	if (fd >= 0)
		close(fd);
	return ok;
}

TEST_F(vm, debugctl_and_cstar_are_the_hosts)
{
	uint64_t before[2], after[2];

	pin_to_cpu(0);
	if (!host_msr(0, MSR_DEBUGCTL, &before[0]) || !host_msr(0, MSR_CSTAR, &before[1]))
		SKIP(return, "no /dev/cpu/0/msr: insmod msr.ko first");
	guest_wrmsr(self, MSR_DEBUGCTL, 2);
	vm_long(self, wrmsr_code);
	guest_wrmsr(self, MSR_CSTAR, 0x1000);
	ASSERT_TRUE(host_msr(0, MSR_DEBUGCTL, &after[0]));
	ASSERT_TRUE(host_msr(0, MSR_CSTAR, &after[1]));
	EXPECT_EQ(before[0], after[0]);
	EXPECT_EQ(before[1], after[1]);
}

/* ---- Interrupts and NMIs of the host ---- */

/* Counts in RBX; the other registers are to stay what they are. */
GUEST64(spin_code, "1: inc %rbx; jmp 1b");

struct spinner {
	VM vm;
	int cpu;
	/*
	 * Interrupts of the host end the guest's run whatever its RFLAGS.IF. But
	 * Bochs 2.7 holds them back from a guest that was entered with it clear.
	 */
	bool interrupts_off;
	volatile bool stop;
	int ret;
	bool intact;
	pthread_t thread;
};

static void spinner_prepare(VM *self, uint64_t seed)
{
	uint64_t *gpr = (void *)&self->run->regs;
	int i;

	vm_long(self, spin_code);
	for (i = 0; i < 16; i++)
		if (i != 3)
			gpr[i] = seed * (i + 1);
}

static bool spinner_intact(VM *self, uint64_t seed)
{
	uint64_t *gpr = (void *)&self->run->regs;
	int i;

	for (i = 0; i < 16; i++)
		if (i != 3 && gpr[i] != seed * (i + 1))
			return false;
	return self->run->regs.rip >= VM_CODE && self->run->regs.rip < VM_CODE + 5;
}

static void *spinner(void *arg)
{
	struct spinner *s = arg;
	uint64_t seed = 0x123456789 + s->vm.vcpu;

	pin_to_cpu(s->cpu);
	spinner_prepare(&s->vm, seed);
	if (!s->interrupts_off)
		s->vm.run->regs.rflags |= RFLAGS_IF;
	s->intact = true;
	while (!s->stop) {
		s->vm.run->action = MINIVMX_RETRY;
		s->ret = minivmx_run(s->vm.vcpu);
		if (s->ret && s->ret != -EINTR)
			break;
		if (s->vm.run->kind != MINIVMX_EXIT_INTR)
			break;
		s->intact &= spinner_intact(&s->vm, seed);
	}
	return NULL;
}

static void spinner_stop(struct spinner *s)
{
	s->stop = true;
	minivmx_kick(s->vm.vcpu);
	pthread_join(s->thread, NULL);
}

static void sleep_ms(int ms)
{
	usleep(ms * 1000);
}

TEST_F(vm, guests_and_threads_share_a_cpu)
{
	static struct spinner s[2];
	struct timeval start, now;
	uint64_t counted[2];
	volatile long mine = 0;
	int i;

	for (i = 0; i < 2; i++) {
		s[i].vm = *self;
		s[i].cpu = 0;
		s[i].interrupts_off = i;
		if (i)
			vm_new_vcpu(&s[i].vm, i);
		ASSERT_EQ(0, pthread_create(&s[i].thread, NULL, spinner, &s[i]));
	}
	pin_to_cpu(0);
	/* Three that never sleep, on one CPU. */
	gettimeofday(&start, NULL);
	do {
		mine++;
		gettimeofday(&now, NULL);
	} while ((now.tv_sec - start.tv_sec) * 1000000 + now.tv_usec - start.tv_usec < 150000);
	for (i = 0; i < 2; i++)
		spinner_stop(&s[i]);
	for (i = 0; i < 2; i++) {
		counted[i] = s[i].vm.run->regs.rbx;
		EXPECT_LT(100000, counted[i]);
		EXPECT_TRUE(s[i].intact);
		/* External interrupts, and no exit to userspace for them. */
		/* By interrupts, or by the preemption timer where Bochs needs it. */
		EXPECT_LT(1, vm_count(&s[i].vm, 1) + i * vm_count(&s[i].vm, 52));
	}
	EXPECT_LT(100, mine);
	EXPECT_TRUE(syscalls_work());
}

/*
 * Have every other CPU take an NMI, whose handler logs where it came from.
 * On the quiet, because the serial console is slow, and because a backtrace in
 * the log is a failure to the testbed. Returns the log, and clears it.
 */
static char *nmi_to_others(int times)
{
	static char log[1 << 18];
	int fd = open("/proc/sysrq-trigger", O_WRONLY), n, i;

	vm_must(fd >= 0);
	klogctl(8, NULL, 1);
	for (i = 0; i < times; i++) {
		vm_must(write(fd, "l", 1) == 1);
		/*
		 * What an NMI handler prints comes out of it later, and while
		 * the next write raises the log level it must be out.
		 */
		sleep_ms(50);
	}
	close(fd);
	n = klogctl(4, log, sizeof(log) - 1);
	vm_must(n > 0);
	klogctl(8, NULL, 5);
	log[n] = 0;
	return log;
}

TEST_F(vm, an_nmi_of_the_host_is_handed_over)
{
	static struct spinner s;
	char *log, *found;

	if (nr_cpus() < 2)
		SKIP(return, "needs two CPUs");
	s.vm = *self;
	s.cpu = 1;
	ASSERT_EQ(0, pthread_create(&s.thread, NULL, spinner, &s));
	pin_to_cpu(0);
	sleep_ms(20);
	log = nmi_to_others(1);
	sleep_ms(20);
	spinner_stop(&s);
	EXPECT_TRUE(s.intact);
	EXPECT_EQ(MINIVMX_EXIT_INTR, s.vm.run->kind);
	EXPECT_LT(0, vm_count(&s.vm, 0));

	EXPECT_EQ(NULL, strstr(log, "WARNING: CPU"));
	EXPECT_EQ(NULL, strstr(log, "BUG:"));
	found = strstr(log, "NMI backtrace for cpu 1");
	ASSERT_NE(NULL, found);
	/* It hit the guest: to the kernel that is the code of the exit. */
	EXPECT_NE(NULL, strstr(found, "[minivmx]"));
}

TEST_F(vm, nmis_in_numbers_end_and_lose_nothing)
{
	static struct spinner s;

	if (nr_cpus() < 2)
		SKIP(return, "needs two CPUs");
	s.vm = *self;
	s.cpu = 1;
	ASSERT_EQ(0, pthread_create(&s.thread, NULL, spinner, &s));
	pin_to_cpu(0);
	nmi_to_others(5);
	spinner_stop(&s);
	EXPECT_TRUE(s.intact);
	EXPECT_LT(1000, s.vm.run->regs.rbx);
	EXPECT_TRUE(syscalls_work());
}

TEST_HARNESS_MAIN
