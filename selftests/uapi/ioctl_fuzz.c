// SPDX-License-Identifier: GPL-2.0
/*
 * Calls by chance: threads that share a system's, VMs' and vCPUs' descriptors make each
 * ioctl of ioctl_table.h, with values at and beyond its boundaries, while the descriptors
 * are closed, exchanged and sent around, memory goes away, run pages are written and
 * signals come. What has to be refused is; every call returns; no address of the kernel
 * comes out; and when the process has ended, in whatever way, nothing is left of it.
 *
 *	ioctl_fuzz [--seed S] [--first N] [--count M] [--seconds T]
 *
 * A round is one process. What each of its threads does depends on the seed and the
 * round's number; how they meet does not.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "../lib/counters.h"
#include "../lib/fuzz.h"
#include "ioctl_values.h"

#define THREADS		3
#define STEPS		150		/* of a thread, in a round */
#define STUCK_MS	20000		/* no call takes that long, with signals coming */
#define ROUND_MS	60000
#define GIVEN_BACK_MS	5000

/* What the parent and the round's process share. */
static struct shared {
	uint64_t calls[NR_CALLS], accepted[NR_CALLS];
	unsigned int findings;
	char text[4][160];
} *shared;

static int sockets[2];
static uint8_t *ring_pages;
static struct minivmx_run *run_pages[SLOTS];
static struct minivmx_sregs reset_sregs;
static bool is_privileged;

static struct thread {
	pthread_t thread;
	volatile pid_t tid;
	volatile uint64_t since;	/* when the call began that it is in, 0: none */
	const char *volatile call;
	volatile bool ended;
} threads[THREADS];

static __thread struct thread *me;

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* In the round's process: the parent prints it. */
static void __attribute__((format(printf, 1, 2))) report(const char *format, ...)
{
	unsigned int i = __atomic_fetch_add(&shared->findings, 1, __ATOMIC_SEQ_CST);
	va_list args;

	if (i >= ARRAY_LEN(shared->text))
		return;
	va_start(args, format);
	vsnprintf(shared->text[i], sizeof(shared->text[i]), format, args);
	va_end(args);
}

static void look_for_addresses(const char *where, const void *bytes, size_t size)
{
	const uint64_t *words = bytes;
	size_t i;

	for (i = 0; i < size / 8; i++)
		if (is_kernel_address(words[i])) {
			report("%s: byte %zu: %#lx, an address of the kernel", where, i * 8,
			       words[i]);
			return;
		}
}

/* ---- A call ---- */

static long timed_ioctl(const struct call_row *row, int fd, unsigned long cmd, void *arg)
{
	long ret;

	me->call = row->name;
	me->since = now_ms();
	ret = ioctl(fd, cmd, arg);
	if (ret < 0)
		ret = -errno;
	me->since = 0;
	return ret;
}

/* Another size than the uapi's: true if that alone has to be refused. */
static bool resize(unsigned long *cmd, uint8_t *arg)
{
	unsigned int size = _IOC_SIZE(*cmd), other = 1 + below(600);
	bool tail = below(2);

	if (!size || other == size)
		return false;
	*cmd = _IOC(_IOC_DIR(*cmd), _IOC_TYPE(*cmd), _IOC_NR(*cmd), other);
	if (other < size)
		return true;
	if (tail)
		arg[size + below(other - size)] = 1 + below(255);
	return tail && (_IOC_DIR(*cmd) & _IOC_WRITE);
}

static void keep_descriptor(unsigned long cmd, int fd)
{
	int *slot = &slots[cmd == MINIVMX_CREATE_VM ? VM_FD : VCPU_FD][below(SLOTS)];

	/* The old one stays open until the process ends, or another thread closes it. */
	if (below(2) && *slot >= 0)
		close(*slot);
	*slot = fd;
}

/*
 * What SET_VMCS refuses is told as the difference to what there is, which with a field of ones,
 * as the VMCS link pointer is, looks like anything. Of the host's fields it tells nothing:
 * vmcs_test.
 */
static void forget_refused(void)
{
	struct minivmx_vmcs_field *fields = (void *)buffer;
	unsigned int i;

	for (i = 0; i < 2048 / sizeof(*fields); i++)
		fields[i].refused = 0;
}

static void look_at_answer(const struct call_row *row, const uint8_t *arg, size_t size)
{
	const struct minivmx_walk *walk = (const void *)arg;
	unsigned int i;

	/* Who is privileged may see the host in a VMCS and an EPT. */
	if (is_privileged)
		return;
	if (_IOC_DIR(row->cmd) & _IOC_READ)
		look_for_addresses(row->name, arg, size);
	look_for_addresses(row->name, buffer, 2048);
	if (row->cmd != MINIVMX_WALK_EPT)
		return;
	for (i = 0; i < 4; i++)
		if (walk->entries[i] & 0x000ffffffffff000)
			report("WALK_EPT shows where a page is: %#llx", walk->entries[i]);
}

static void make_call(const struct call_row *row, bool from_child)
{
	uint8_t arg[1024] __attribute__((aligned(8))) = { 0 };
	int fd = below(16) ? any_slot(row->holder) : any_slot(below(NR_HOLDERS));
	unsigned long cmd = row->cmd;
	const struct field_row *refused;
	bool bad_size = false;
	unsigned int i;
	void *at = arg;
	long ret;

	if (row->cmd == MINIVMX_SET_SREGS)
		memcpy(arg, &reset_sregs, sizeof(reset_sregs));
	for (i = 0; i < MAX_FIELDS && row->fields[i].size; i++)
		set_field(row, &row->fields[i], arg);
	tame(arg, sizeof(arg));
	refused = refused_field(row, arg);
	if (!below(16))
		bad_size = resize(&cmd, arg);
	if (!below(32) && _IOC_SIZE(cmd))
		at = any_pointer();
	ret = timed_ioctl(row, fd, cmd, at);
	__atomic_fetch_add(&shared->calls[row - call_rows], 1, __ATOMIC_RELAXED);
	if (row->cmd == MINIVMX_SET_VMCS)
		forget_refused();
	if (ret < 0)
		return;
	__atomic_fetch_add(&shared->accepted[row - call_rows], 1, __ATOMIC_RELAXED);
	if (refused && at == arg)
		report("%s took %#lx for the field at byte %u", row->name,
		       field_value(refused, arg), refused->offset);
	if (bad_size && at == arg)
		report("%s took an argument of %u bytes", row->name, (unsigned int)_IOC_SIZE(cmd));
	if (from_child && !row->any_process)
		report("%s works from another process", row->name);
	if (row->cmd == MINIVMX_CREATE_VM || row->cmd == MINIVMX_CREATE_VCPU)
		keep_descriptor(row->cmd, ret);
	if (at == arg)
		look_at_answer(row, arg, _IOC_SIZE(row->cmd));
}

/* ---- What else happens ---- */

static void map_run_page(void)
{
	unsigned int slot = below(SLOTS);
	int fd = slots[VCPU_FD][slot];

	if (below(8)) {
		/* Over the old one: no other thread may find a hole there. */
		mmap(run_pages[slot], PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
		look_for_addresses("the run page", run_pages[slot], PAGE);
	} else {
		size_t size = PAGE + (64 << below(4)) * sizeof(struct minivmx_record);
		int prot = below(4) ? PROT_READ : PROT_READ | PROT_WRITE;

		if (mmap(ring_pages, below(4) ? size : PAGE * (1 + below(8)), prot,
			 MAP_SHARED | MAP_FIXED, fd,
			 below(8) ? MINIVMX_RING_OFFSET : below(4) * PAGE) != MAP_FAILED)
			look_for_addresses("the ring", ring_pages, PAGE);
	}
}

static void unmap_run_page(void)
{
	mmap(run_pages[below(SLOTS)], PAGE, PROT_READ | PROT_WRITE,
	     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static void scribble(void)
{
	volatile struct minivmx_run *run = run_pages[below(SLOTS)];
	uint64_t value = any_value();

	tame(&value, sizeof(value));
	switch (below(4)) {
	case 0:
		((volatile uint64_t *)run)[below(PAGE / 8)] = value;
		break;
	case 1:
		run->regs.rip = below(ARENA);
		run->regs.rflags = 2;
		break;
	case 2:
		run->event.flags = below(4);
		run->event.type = below(8);
		run->event.vector = below(256);
		break;
	default:
		run->action = below(8) ? below(2) : value;
		run->request = below(8) ? below(8) : value;
		break;
	}
}

static void change_memory(void)
{
	static const int rights[] = { PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE };
	static const int advice[] = { MADV_DONTNEED, MADV_FREE, MADV_HUGEPAGE, MADV_DONTFORK };
	uint8_t *at = arena + below(ARENA / PAGE) * PAGE;
	size_t size = (1 + below(4)) * PAGE;

	if (at + size > arena + ARENA)
		size = PAGE;
	switch (below(4)) {
	case 0:
		madvise(at, size, advice[below(ARRAY_LEN(advice))]);
		break;
	case 1:
		mprotect(at, size, rights[below(ARRAY_LEN(rights))]);
		break;
	case 2:
		munmap(at, size);
		break;
	default:
		mmap(at, size, PROT_READ | PROT_WRITE,
		     (below(2) ? MAP_PRIVATE : MAP_SHARED) | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		break;
	}
}

static void exchange_descriptors(void)
{
	enum holder holder = below(NR_HOLDERS);
	int *a = &slots[holder][below(SLOTS)];
	int *b = &slots[below(4) ? holder : below(NR_HOLDERS)][below(SLOTS)];

	/* The system's first and the sockets stay, or nothing would happen any more. */
	if (*a < 0 || *b < 0 || *b == slots[SYSTEM_FD][0])
		return;
	if (below(2))
		dup3(*a, *b, O_CLOEXEC);
	else
		*b = fcntl(*a, F_DUPFD_CLOEXEC, 3);
}

static void close_descriptor(void)
{
	int *slot = &slots[below(NR_HOLDERS)][below(SLOTS)];

	if (*slot < 0 || *slot == slots[SYSTEM_FD][0])
		return;
	close(*slot);
	if (below(2))
		*slot = -1;	/* or its number stays, and may become another's */
}

/* Send one by a socket, or take one from there. */
static void pass_descriptor(void)
{
	enum holder holder = below(NR_HOLDERS);
	char room[CMSG_SPACE(sizeof(int))] = { 0 }, byte = holder;
	struct iovec iov = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = room,
		.msg_controllen = sizeof(room),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	int *slot = &slots[holder][below(SLOTS)];

	if (below(2)) {
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(header), slot, sizeof(int));
		sendmsg(sockets[0], &message, MSG_DONTWAIT | MSG_NOSIGNAL);
		return;
	}
	if (recvmsg(sockets[1], &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) <= 0)
		return;
	header = CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_type == SCM_RIGHTS && (unsigned char)byte < NR_HOLDERS)
		memcpy(&slots[(unsigned char)byte][below(SLOTS)], CMSG_DATA(header), sizeof(int));
}

static void signal_somebody(void)
{
	struct thread *thread = &threads[below(THREADS)];

	if (thread->tid && !thread->ended)
		syscall(SYS_tgkill, getpid(), thread->tid, SIGUSR1);
	eventfd_write(any_slot(EVENT_FD), 1);
}

/* A process that inherits it all, but not the VM. */
static void fork_and_call(void)
{
	pid_t child = fork();
	unsigned int i;

	if (!child) {
		alarm(2);	/* none of the signals that end a RUN comes here */
		for (i = 0; i < 8; i++) {
			const struct call_row *row = &call_rows[below(NR_CALLS)];

			/* A VM of its own it could use. */
			if (row->holder != SYSTEM_FD)
				make_call(row, true);
		}
		_exit(0);
	}
	while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
}

/* More of what makes others run into each other: vCPUs of the same few numbers, RUN. */
static const struct call_row *choose_call(void)
{
	unsigned int i;

	switch (below(8)) {
	case 0:
		for (i = 0; call_rows[i].cmd != MINIVMX_RUN; i++)
			;
		return &call_rows[i];
	case 1:
		for (i = 0; call_rows[i].cmd != MINIVMX_CREATE_VCPU; i++)
			;
		return &call_rows[i];
	default:
		return &call_rows[below(NR_CALLS)];
	}
}

static void step(void)
{
	static const struct {
		unsigned int weight;
		void (*act)(void);
	} acts[] = {
		{ 3, map_run_page }, { 1, unmap_run_page }, { 8, scribble }, { 3, change_memory },
		{ 2, exchange_descriptors }, { 2, close_descriptor }, { 3, pass_descriptor },
		{ 2, signal_somebody }, { 60, NULL },
	};
	unsigned int i, at = below(84);

	if (!below(400)) {
		fork_and_call();
		return;
	}
	for (i = 0; at >= acts[i].weight; i++)
		at -= acts[i].weight;
	if (acts[i].act)
		acts[i].act();
	else
		make_call(choose_call(), false);
}

/* ---- A round ---- */

/* With nothing behind it. */
static void *room(size_t size)
{
	uint8_t *at = mmap(NULL, size + PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	fuzz_must(at != MAP_FAILED && !mprotect(at, size, PROT_READ | PROT_WRITE));
	return at;
}

static void *work(void *arg)
{
	unsigned int i;

	me = arg;
	me->tid = gettid();
	buffer = room(BUFFER_SIZE);
	chance_start(fuzz.seed, fuzz.round * THREADS + (me - threads));
	for (i = 0; i < STEPS; i++)
		step();
	me->ended = true;
	return NULL;
}

static void take_signal(int signal)
{
}

/* To see no more of the host than others do. */
static void drop_privilege(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];

	fuzz_must(!syscall(SYS_capget, &header, data));
	data[CAP_SYS_ADMIN / 32].effective &= ~(1U << CAP_SYS_ADMIN % 32);
	fuzz_must(!syscall(SYS_capset, &header, data));
}

/* What most calls need to get anywhere: two VMs with a vCPU, code, memory and its log. */
static void set_up(void)
{
	static const uint8_t code[] = {
		0xfe, 0xc0, 0xa2, 0x00, 0x18, 0x0f, 0xa2, 0xe6, 0x80, 0xfb, 0xf4, 0xeb, 0xf3,
	};
	struct minivmx_create_vcpu vcpu = { 0 };
	unsigned int i;

	for (i = 0; i < 2; i++) {
		struct minivmx_create_vm vm = { .flags = i * MINIVMX_VM_APIC };
		struct minivmx_map map = { .size = ARENA / 2, .hva = (uintptr_t)arena, .prot = 7 };
		struct minivmx_dirty_log log = { .size = ARENA / 2, .flags = i };

		slots[VM_FD][i] = ioctl(slots[SYSTEM_FD][0], MINIVMX_CREATE_VM, &vm);
		fuzz_must(slots[VM_FD][i] >= 0);
		slots[VCPU_FD][i] = ioctl(slots[VM_FD][i], MINIVMX_CREATE_VCPU, &vcpu);
		fuzz_must(slots[VCPU_FD][i] >= 0);
		fuzz_must(!ioctl(slots[VM_FD][i], MINIVMX_MAP_MEMORY, &map));
		fuzz_must(!i || !ioctl(slots[VM_FD][i], MINIVMX_DIRTY_LOG, &log));
		mmap(run_pages[i], PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		     slots[VCPU_FD][i], 0);
		minivmx_set_real(&reset_sregs, &run_pages[i]->regs, 0, 0x1000);
		fuzz_must(!ioctl(slots[VCPU_FD][i], MINIVMX_SET_SREGS, &reset_sregs));
	}
	for (i = 0; i < ARENA; i += PAGE)
		memcpy(arena + i, code, sizeof(code));
	for (i = 0; i < SLOTS; i++)
		slots[EVENT_FD][i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	slots[OTHER_FD][0] = open("/dev/null", O_RDWR | O_CLOEXEC);
	slots[OTHER_FD][1] = open("/dev/zero", O_RDWR | O_CLOEXEC);
}

/* Signals for all, so that each RUN returns; and is there a call that does not? */
static void mind_threads(void)
{
	bool all_ended;
	unsigned int i;

	do {
		all_ended = true;
		usleep(5000);
		for (i = 0; i < THREADS; i++) {
			uint64_t since = threads[i].since;

			if (threads[i].ended)
				continue;
			all_ended = false;
			pthread_kill(threads[i].thread, SIGUSR1);
			if (since && now_ms() - since > STUCK_MS) {
				report("%s has not returned for %d ms", threads[i].call, STUCK_MS);
				_exit(1);
			}
		}
	} while (!all_ended);
}

static void play_round(void)
{
	struct sigaction action = { .sa_handler = take_signal };
	unsigned int i;

	chance_start(~fuzz.seed, fuzz.round);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigaction(SIGUSR1, &action, NULL);
	arena = room(ARENA);
	ring_pages = room(16 * PAGE);
	for (i = 0; i < SLOTS; i++)
		run_pages[i] = room(PAGE);
	memset(slots, 0xff, sizeof(slots));
	slots[SYSTEM_FD][0] = open(MINIVMX_DEVICE, O_RDWR | O_CLOEXEC);
	fuzz_must(slots[SYSTEM_FD][0] >= 0);
	fuzz_must(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets));
	set_up();
	is_privileged = !below(4);
	if (!is_privileged)
		drop_privilege();
	for (i = 0; i < THREADS; i++)
		fuzz_must(!pthread_create(&threads[i].thread, NULL, work, &threads[i]));
	/* Or it ends in the middle of it. */
	if (!below(4)) {
		usleep(below(30000));
		if (below(2))
			_exit(0);
		raise(SIGKILL);
	}
	mind_threads();
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i].thread, NULL);
}

/* ---- The parent ---- */

static void wait_for(pid_t child)
{
	uint64_t end = now_ms() + ROUND_MS;
	int status;

	while (!waitpid(child, &status, WNOHANG)) {
		if (now_ms() > end) {
			finding("the round's process has not ended for %d ms", ROUND_MS);
			kill(child, SIGKILL);
			_exit(fuzz_end());
		}
		usleep(2000);
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
		exit(2);	/* it has said why */
}

/* Some of it goes in its own time, when no CPU can be looking any more. */
static void check_counters(void)
{
	uint64_t end = now_ms() + GIVEN_BACK_MS;
	unsigned int i;

	for (i = 0; i < NR_COUNTS; i++) {
		while (counter(i) && now_ms() < end)
			usleep(1000);
		if (counter(i))
			finding("%ld %s are left of it", counter(i), counter_names[i]);
	}
}

static void take_reports(void)
{
	unsigned int i;

	for (i = 0; i < shared->findings && i < ARRAY_LEN(shared->text); i++)
		finding("%s", shared->text[i]);
	shared->findings = 0;
}

static void print_calls(void)
{
	uint64_t calls = 0, accepted = 0;
	unsigned int i;

	for (i = 0; i < NR_CALLS; i++) {
		calls += shared->calls[i];
		accepted += shared->accepted[i];
		if (!shared->accepted[i])
			printf("# %s: %lu calls, none accepted\n", call_rows[i].name,
			       shared->calls[i]);
	}
	printf("# %lu calls, %lu accepted\n", calls, accepted);
}

int main(int argc, char **argv)
{
	struct minivmx_info info;
	int system;

	fuzz_start("ioctl_fuzz", argc, argv);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	fuzz_must(shared != MAP_FAILED);
	system = open(MINIVMX_DEVICE, O_RDWR | O_CLOEXEC);
	fuzz_must(system >= 0 && !minivmx_get_info(system, &info));
	close(system);
	xsave_size = info.xsave_size;
	/* What is left of a round would be found again in each that follows. */
	while (fuzz_goes_on() && !counter(COUNT_VMS) && !counter(COUNT_VCPUS)) {
		pid_t child = fork();

		fuzz_must(child >= 0);
		if (!child) {
			play_round();
			_exit(0);
		}
		wait_for(child);
		take_reports();
		check_counters();
		fuzz_check_taint();
		fuzz.round++;
	}
	print_calls();
	return fuzz_end();
}
