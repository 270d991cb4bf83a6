/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Guests that work while something happens to their host: each vCPU counts in
 * its memory, in fresh pages of it, and by exits to its program, and what it
 * counts has to go on where it was.
 */
#ifndef SELFTESTS_WORKER_H
#define SELFTESTS_WORKER_H

#include "vm.h"

/*
 * RBX rounds, each: count at (RDI), at the start of one more page of the 256
 * from RSI on, and by an exit to the program. XMM7 and R8 have to stay what
 * they are: RAX is then 1, and the guest says by VMCALL that they are not.
 */
GUEST64(work_code,
	"movq %r8, %xmm7;"
	"1: inc %rbx; mov %rbx, (%rdi);"
	"mov %ebx, %edx; and $0xff, %edx; shl $12, %edx; incl (%rsi,%rdx);"
	"movq %xmm7, %rax; cmp %r8, %rax; jne 9f;"
	"mov $3000, %ecx; 2: dec %ecx; jnz 2b;"
	"out %al, $0x80; jmp 1b;"
	"9: mov $1, %eax; vmcall");

#define PAGES_OF(i)	(0x800000 + (i) * 0x100000)
#define SEED(i)		(0x1234567887654321UL * (2 * (i) + 1))

enum { NR_WORKERS = 3 };

struct worker {
	VM vm;			/* of its own, but the last shares the first's */
	int id;
	volatile bool stop, ended;
	volatile unsigned long exits;
	unsigned long refused;	/* RUNs for which this CPU was no good */
	int kind;
	pthread_t thread;
};

static inline void *worker(void *arg)
{
	struct worker *w = arg;

	while (!w->stop) {
		int kind = w->kind == MINIVMX_EXIT_IO ? vm_skip(&w->vm) : vm_run(&w->vm);

		if (kind == -ENODEV) {
			w->refused++;
			w->kind = 0;
			sched_yield();
			continue;
		}
		w->kind = kind;
		if (kind != MINIVMX_EXIT_IO)
			break;
		w->exits++;
		/* Everything that was in the EPT is faulted in again. */
		if (w->exits % 256 == 0)
			vm_must(!madvise(vm_at(&w->vm, PAGES_OF(w->id)), 0x100000,
					 MADV_DONTNEED));
	}
	w->ended = true;
	return NULL;
}

static inline void worker_start(struct worker *w, VM *vm, int id)
{
	*w = (struct worker) { .vm = *vm, .id = id };
	if (id == NR_WORKERS - 1)
		vm_new_vcpu(&w->vm, 1);
	vm_long(&w->vm, work_code);
	w->vm.run->regs.rbx = 0;
	w->vm.run->regs.rdi = VM_DATA + id * 64;
	w->vm.run->regs.rsi = PAGES_OF(id);
	w->vm.run->regs.r8 = SEED(id);
	w->vm.run->regs.rflags |= RFLAGS_IF;	/* see host_test.c, spinner */
	vm_must(!pthread_create(&w->thread, NULL, worker, w));
}

/* End it; true if all that it had is as it should be. */
static inline bool worker_stop(struct worker *w)
{
	struct minivmx_regs *regs = &w->vm.run->regs;

	w->stop = true;
	pthread_join(w->thread, NULL);
	if (w->kind == MINIVMX_EXIT_IO && regs->rbx == w->exits && regs->r8 == SEED(w->id) &&
	    *vm_u64(&w->vm, VM_DATA + w->id * 64) == w->exits)
		return true;
	fprintf(stderr, "# worker %d: kind %d, %lu exits, rbx %llu, r8 %#llx, counted %lu\n",
		w->id, w->kind, w->exits, regs->rbx, regs->r8,
		*vm_u64(&w->vm, VM_DATA + w->id * 64));
	return false;
}

/* All of them have gone on since this was called. */
static inline bool all_work(struct worker *w, int nr)
{
	unsigned long before;
	int i;

	for (i = 0; i < nr; i++)
		for (before = w[i].exits; w[i].exits - before < 3; usleep(100))
			if (w[i].ended)
				return false;
	return true;
}

/* All of them: on two vCPUs of @vm, and one of @other, which is created. */
static inline void workers_start(struct worker w[NR_WORKERS], VM *vm, VM *other)
{
	int i;

	vm_create(other);
	for (i = 0; i < NR_WORKERS; i++)
		worker_start(&w[i], i == 1 ? other : vm, i);
}

/* End what that began; true if no worker has lost anything, or was refused. */
static inline bool workers_stop(struct worker w[NR_WORKERS], VM *other)
{
	struct worker *last = &w[NR_WORKERS - 1];
	bool ok = true;
	int i;

	for (i = 0; i < NR_WORKERS; i++) {
		ok &= worker_stop(&w[i]);
		if (w[i].refused)
			fprintf(stderr, "# worker %d: refused %lu times\n", i, w[i].refused);
		ok &= !w[i].refused;
	}
	minivmx_unmap_run(last->vm.run, last->vm.info.run_size);
	close(last->vm.vcpu);
	vm_destroy(other);
	return ok;
}

#endif /* SELFTESTS_WORKER_H */
