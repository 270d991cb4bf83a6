// SPDX-License-Identifier: GPL-2.0
/* Why a run ended: one line if all is well, one block with the state if not. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "array.h"
#include "exit_status.h"
#include "session.h"
#include "verdict_print.h"
#include "vmcs_dump.h"

static unsigned long long ull(uint64_t value)
{
	return value;
}

/* ---- The state of the vCPU ---- */

static void print_general(FILE *file, const struct minivmx_regs *r)
{
	fprintf(file,
		"  rax=%016llx rbx=%016llx rcx=%016llx rdx=%016llx\n"
		"  rsi=%016llx rdi=%016llx rbp=%016llx rsp=%016llx\n"
		"  r8 =%016llx r9 =%016llx r10=%016llx r11=%016llx\n"
		"  r12=%016llx r13=%016llx r14=%016llx r15=%016llx\n"
		"  rip=%016llx rflags=%016llx\n",
		ull(r->rax), ull(r->rbx), ull(r->rcx), ull(r->rdx),
		ull(r->rsi), ull(r->rdi), ull(r->rbp), ull(r->rsp),
		ull(r->r8), ull(r->r9), ull(r->r10), ull(r->r11),
		ull(r->r12), ull(r->r13), ull(r->r14), ull(r->r15),
		ull(r->rip), ull(r->rflags));
}

static void print_segment(FILE *file, const char *name,
			  const struct minivmx_segment *s)
{
	fprintf(file, "  %-4s selector=%04x base=%016llx limit=%08x access=%05x%s\n",
		name, s->selector, ull(s->base), s->limit, s->access,
		s->access & 0x10000 ? " (unusable)" : "");
}

static void print_system(FILE *file, const struct minivmx_sregs *s)
{
	fprintf(file,
		"  cr0=%016llx cr2=%016llx cr3=%016llx cr4=%016llx\n"
		"  cr8=%016llx efer=%016llx xcr0=%016llx\n",
		ull(s->cr0), ull(s->cr2), ull(s->cr3), ull(s->cr4),
		ull(s->cr8), ull(s->efer), ull(s->xcr0));
	print_segment(file, "cs", &s->cs);
	print_segment(file, "ss", &s->ss);
	print_segment(file, "ds", &s->ds);
	print_segment(file, "es", &s->es);
	print_segment(file, "fs", &s->fs);
	print_segment(file, "gs", &s->gs);
	print_segment(file, "ldtr", &s->ldtr);
	print_segment(file, "tr", &s->tr);
	fprintf(file, "  gdtr base=%016llx limit=%04x\n"
		"  idtr base=%016llx limit=%04x\n",
		ull(s->gdtr.base), s->gdtr.limit,
		ull(s->idtr.base), s->idtr.limit);
}

static void print_exit(FILE *file, const struct minivmx_run *run)
{
	const struct minivmx_vmexit *e = &run->exit;
	const char *name = minivmx_exit_name(e->reason & 0xffff);

	fprintf(file, "  exit reason %u %s%s, qualification %#llx",
		e->reason & 0xffff, name ? name : "(unknown)",
		e->reason >> 31 ? " (VM-entry failure)" : "",
		ull(e->qualification));
	if (e->gpa)
		fprintf(file, ", guest-physical %#llx", ull(e->gpa));
	if (e->gla)
		fprintf(file, ", linear %#llx", ull(e->gla));
	fprintf(file, "\n");
	if (e->intr_info || e->idt_info)
		fprintf(file, "  interruption information %#x error %#x, IDT-vectoring %#x error %#x\n",
			e->intr_info, e->intr_error, e->idt_info, e->idt_error);
}

/* Where the guest is: the general registers are in the run page then. */
static int read_state(const struct session *s, struct minivmx_sregs *sregs)
{
	return s->vm.backend->read_state(&s->culprit->vcpu, sregs);
}

static void print_state(FILE *file, const struct session *s)
{
	struct minivmx_sregs sregs;
	int ret = read_state(s, &sregs);

	if (s->vm.backend->has_vmcs)
		print_exit(file, s->culprit->run);
	print_general(file, &s->culprit->run->regs);
	if (ret)
		fprintf(file, "  system registers: %s\n", strerror(-ret));
	else
		print_system(file, &sregs);
}

/* ---- What went wrong ---- */

/* Which check it was, by what the CPU said; of other failures none is to blame. */
static int refusal_of(const struct minivmx_run *run, enum minivmx_refusal *refusal)
{
	const uint32_t number = run->entry.vm_instruction_error;

	*refusal = number == 7 ? MINIVMX_REFUSED_CONTROLS :
		   number == 8 ? MINIVMX_REFUSED_HOST : MINIVMX_REFUSED_GUEST;
	return number == 7 || number == 8 || (!number && (run->exit.reason & 0xffff) == 33);
}

/* The broken rules, that first on which the CPU gave up. */
static void print_verdict(FILE *file, const struct session *s)
{
	static struct verdict verdict;
	struct minivmx_vmcs_dump dump;
	enum minivmx_refusal refusal;
	struct message message;

	if (!refusal_of(s->culprit->run, &refusal))
		return;
	if (vmcs_dump_take(s->culprit->vcpu.fd, s->vm.device, &dump, &message)) {
		fprintf(file, "%s\n", message.text);
		return;
	}
	verdict_reach(&dump, &verdict);
	verdict_sort(&verdict, refusal);
	vmcs_dump_free(&dump);
	if (verdict.nr)
		verdict_print(file, &verdict);
	else
		fprintf(file, "None of the rules that minivmx explain knows is broken.\n");
	fprintf(file, "\n");
}

static void print_entry_fail(FILE *file, const struct session *s)
{
	uint32_t number = s->culprit->run->entry.vm_instruction_error;
	const char *text = minivmx_instruction_error(number);

	if (number)
		fprintf(file, "VM entry failed: VM-instruction error %u, %s\n",
			number, text ? text : "unknown");
	else
		fprintf(file, "VM entry failed: the CPU refused the guest's state\n");
	print_verdict(file, s);
}

static void print_memory(FILE *file, const struct session *s)
{
	const struct minivmx_memory *m = &s->culprit->run->memory;

	fprintf(file, "the guest's memory at %#llx cannot be used (%s%s%s): %s\n",
		ull(m->gpa),
		m->access & MINIVMX_PROT_READ ? "r" : "",
		m->access & MINIVMX_PROT_WRITE ? "w" : "",
		m->access & MINIVMX_PROT_EXEC ? "x" : "",
		strerror((int)m->error));
}

static void print_emulation(FILE *file, const struct session *s)
{
	const struct minivmx_insn *insn = &s->culprit->run->insn;
	size_t i;

	fprintf(file, "cannot emulate the guest's instruction that touched %#llx:",
		ull(insn->gpa));
	for (i = 0; i < insn->len && i < sizeof(insn->bytes); i++)
		fprintf(file, " %02x", insn->bytes[i]);
	fprintf(file, "\n");
}

static void print_unhandled(FILE *file, const struct session *s)
{
	const char *name = minivmx_exit_name(s->culprit->run->exit.reason & 0xffff);

	if (!s->vm.backend->has_vmcs) {
		fprintf(file, "%s\n", s->culprit->vcpu.failure.text);
		return;
	}
	fprintf(file, "the guest made an exit that nothing here handles: %s\n",
		name ? name : "unknown");
}

static void print_dead(FILE *file, const struct session *s)
{
	(void)s;
	fprintf(file, "the VM cannot go on; the kernel log (dmesg) says why\n");
}

static void (*const vm_errors[])(FILE *file, const struct session *s) = {
	[MINIVMX_EXIT_VMX] = print_unhandled,
	[MINIVMX_EXIT_ENTRY_FAIL] = print_entry_fail,
	[MINIVMX_EXIT_MEMORY] = print_memory,
	[MINIVMX_EXIT_EMULATION] = print_emulation,
	[MINIVMX_EXIT_DEAD] = print_dead,
};

static int report_vm_error(const struct session *s)
{
	uint32_t kind = s->culprit->run->kind;
	const char *name = minivmx_kind_name(kind);

	fprintf(stderr, "minivmx: ");
	if (kind < ARRAY_SIZE(vm_errors) && vm_errors[kind])
		vm_errors[kind](stderr, s);
	else
		fprintf(stderr, "unexpected exit to the runner: kind %u %s\n",
			kind, name ? name : "(unknown)");
	print_state(stderr, s);
	return STATUS_VM;
}

const char *vcpu_hint(int error)
{
	switch (error) {
	case EIO:
		return "; the kernel log (dmesg) may say why";
	case ENODEV:
		return "; this CPU cannot run guests: dmesg says what it lacks, taskset(1) picks others";
	default:
		return "";
	}
}

static int report_run_failed(const struct session *s)
{
	const char *name = minivmx_errno_name(s->detail);

	fprintf(stderr, "minivmx: %s failed: %s (%s)%s\n",
		s->vm.backend->has_vmcs ? "MINIVMX_RUN" : "KVM_RUN", strerror(s->detail), name ? name : "?", vcpu_hint(s->detail));
	print_state(stderr, s);
	return STATUS_VM;
}

static int report_triple_fault(const struct session *s)
{
	fprintf(stderr, "minivmx: the guest ended in a triple fault\n");
	print_state(stderr, s);
	return STATUS_GUEST;
}

/* ---- The end that is no surprise ---- */

static int report_quiet_end(const struct session *s)
{
	if (s->options->verbose || s->options->detach)
		fprintf(stderr, "minivmx: the guest turned the power off\n");
	return STATUS_OK;
}

static int report_reset(const struct session *s)
{
	(void)s;
	fprintf(stderr, "minivmx: the guest asked for a reset; that ends it here\n");
	return STATUS_OK;
}

static int report_halt(const struct session *s)
{
	(void)s;
	fprintf(stderr, "minivmx: guest halted (HLT with interrupts off)\n");
	return STATUS_OK;
}

static int report_debug_exit(const struct session *s)
{
	return debug_exit_status((unsigned int)s->detail);
}

static int report_quit(const struct session *s)
{
	(void)s;
	fprintf(stderr, "minivmx: ended by Ctrl-A x\n");
	return STATUS_OK;
}

static int report_killed(const struct session *s)
{
	(void)s;
	fprintf(stderr, "minivmx: ended by minivmx kill\n");
	return STATUS_OK;
}

static int report_debugger(const struct session *s)
{
	(void)s;
	fprintf(stderr, "minivmx: ended by gdb\n");
	return STATUS_OK;
}

static int report_timeout(const struct session *s)
{
	struct minivmx_sregs sregs;

	read_state(s, &sregs);
	fprintf(stderr, "minivmx: timeout after %g s, at rip %#llx\n",
		(double)s->options->timeout_ns / 1e9, ull(s->culprit->run->regs.rip));
	return STATUS_TIMEOUT;
}

/* The caller dies of the signal; the status is for when it cannot. */
static int report_signal(const struct session *s)
{
	fprintf(stderr, "minivmx: ended by %s\n", strsignal(s->detail));
	return 128 + s->detail;
}

static int report_stdout(const struct session *s)
{
	fprintf(stderr, "minivmx: cannot write to stdout: %s\n",
		strerror(s->detail));
	return STATUS_HOST;
}

static int report_host(const struct session *s)
{
	fprintf(stderr, "minivmx: epoll_wait: %s\n", strerror(s->detail));
	return STATUS_HOST;
}

static int (*const reports[])(const struct session *s) = {
	[OUTCOME_POWEROFF] = report_quiet_end,
	[OUTCOME_RESET] = report_reset,
	[OUTCOME_HALT] = report_halt,
	[OUTCOME_DEBUG_EXIT] = report_debug_exit,
	[OUTCOME_QUIT] = report_quit,
	[OUTCOME_KILLED] = report_killed,
	[OUTCOME_DEBUGGER] = report_debugger,
	[OUTCOME_TIMEOUT] = report_timeout,
	[OUTCOME_SIGNAL] = report_signal,
	[OUTCOME_TRIPLE_FAULT] = report_triple_fault,
	[OUTCOME_VM_ERROR] = report_vm_error,
	[OUTCOME_RUN_FAILED] = report_run_failed,
	[OUTCOME_STDOUT] = report_stdout,
	[OUTCOME_HOST] = report_host,
};

int report_outcome(const struct session *s)
{
	int status = reports[s->outcome](s);

	/* A driver that finds no device gives up quietly; say what it saw. */
	if (s->mmio_reads || s->mmio_writes)
		fprintf(stderr,
			"minivmx: note: the guest read %llu and wrote %llu times where there is neither memory nor a device, first at %#llx\n",
			ull(s->mmio_reads), ull(s->mmio_writes),
			ull(s->mmio_first));
	return status;
}
