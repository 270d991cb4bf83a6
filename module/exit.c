// SPDX-License-Identifier: GPL-2.0
/* The table of exit handlers, and the handlers that need few lines. */
#include <linux/kernel.h>
#include <linux/percpu.h>
#include <asm/processor.h>
#include <asm/debugreg.h>
#include <asm/processor-flags.h>
#include <asm/vmx.h>

#include "apic.h"
#include "apicv.h"
#include "cr.h"
#include "exit.h"
#include "inject.h"
#include "gmem.h"
#include "msr.h"
#include "route.h"
#include "vcpu.h"

/* The letters and words of exits.def. */
#define Q	EXIT_QUALIFICATION
#define L	EXIT_INSN_LEN
#define G	EXIT_GPA
#define A	EXIT_GLA
#define V	EXIT_INTR
#define I	EXIT_INSN_INFO
#define S	EXIT_STRING
#define D	EXIT_IDT
#define IRQOFF	0
#define SLEEP	EXIT_SLEEP
#define ROUTE	EXIT_ROUTE

const struct exit_row exit_rows[MINIVMX_NR_EXITS] = {
#define EXIT(number, name, handler, fields, flags) \
	[number] = { exit_##handler, (fields) | (flags) },
#include "exits.def"
#undef EXIT
};

/* A number that the manual did not have when exits.def was written. */
const struct exit_row exit_row_unknown = { exit_user, SLEEP };

#undef Q
#undef L
#undef G
#undef A
#undef V
#undef I
#undef S
#undef D
#undef IRQOFF
#undef SLEEP
#undef ROUTE

bool exit_row_known(u32 basic_reason)
{
	return basic_reason < MINIVMX_NR_EXITS && exit_rows[basic_reason].handler;
}

const char *exit_reason_name(u32 basic_reason)
{
	static const char * const names[MINIVMX_NR_EXITS] = {
#define EXIT(number, name, handler, fields, flags) [number] = #name,
#include "exits.def"
#undef EXIT
	};

	if (basic_reason >= MINIVMX_NR_EXITS || !names[basic_reason])
		return "UNKNOWN";
	return names[basic_reason];
}

/* What the instruction left behind, besides: away from the way of most. */
static noinline void skip_ends(struct vcpu *vcpu)
{
	u64 rflags = vcpu->regs.r.rflags;

	if (vcpu->interruptibility & INTERRUPT_SHADOW)
		vcpu_set_interruptibility(vcpu, vcpu->interruptibility & ~INTERRUPT_SHADOW);
	if (rflags & X86_EFLAGS_RF)
		vcpu_set_rflags(vcpu, rflags & ~(u64)X86_EFLAGS_RF);
	/* A single-stepped instruction traps behind itself. */
	if ((rflags & X86_EFLAGS_TF) && !(vcpu->debugctl & DEBUGCTLMSR_BTF))
		inject_debug(vcpu, DR_STEP);
}

void vcpu_skip(struct vcpu *vcpu)
{
	u64 rip = vcpu->regs.r.rip;
	u64 next = rip + vcpu->exit.insn_len;

	vcpu_cache_flags(vcpu);
	/* Outside 64-bit code the instruction pointer wraps at 4 GiB. */
	if (unlikely((rip ^ next) >> 32) && !(vcpu->efer & EFER_LMA))
		next = (u32)next;
	vcpu_set_rip(vcpu, next);
	if (unlikely((vcpu->interruptibility & INTERRUPT_SHADOW) ||
		     (vcpu->regs.r.rflags & (X86_EFLAGS_RF | X86_EFLAGS_TF))))
		skip_ends(vcpu);
}

/* ---------------------------------------------------------------------- */
/* To userspace                                                            */
/* ---------------------------------------------------------------------- */

enum run_action exit_user(struct vcpu *vcpu)
{
	vcpu->kind = MINIVMX_EXIT_VMX;
	vcpu->pending = vcpu->exit.insn_len ? PENDING_INSN : PENDING_NONE;
	return RUN_TO_USER;
}

/* As the program has said (route.c). */
enum run_action exit_routed(struct vcpu *vcpu)
{
	if (vcpu->routes[vcpu->exit_reason] == MINIVMX_ROUTE_USER)
		return exit_user(vcpu);
	vcpu_set_gpr(vcpu, GPR_RAX, -ENOSYS);
	vcpu_skip(vcpu);
	return RUN_RESUME;
}

enum run_action exit_triple_fault(struct vcpu *vcpu)
{
	vcpu->kind = MINIVMX_EXIT_SHUTDOWN;
	return RUN_TO_USER;
}

enum run_action exit_hlt(struct vcpu *vcpu)
{
	bool wakes = inject_wakes(vcpu);

	/* What waits already wakes it: there is nothing to wait for. */
	if (wakes || (vcpu->apic && (vcpu->regs.r.rflags & X86_EFLAGS_IF))) {
		vcpu_skip(vcpu);
		if (!wakes)
			vcpu->apic->activity = MINIVMX_ACTIVITY_HALTED;
		return RUN_RESUME;
	}
	/* Without an APIC only the program can end it, and else only what is rare. */
	vcpu->kind = MINIVMX_EXIT_HLT;
	vcpu->pending = PENDING_HLT;
	return RUN_TO_USER;
}

enum run_action exit_vmcall(struct vcpu *vcpu)
{
	vcpu->kind = MINIVMX_EXIT_HYPERCALL;
	vcpu->pending = PENDING_INSN;
	return RUN_TO_USER;
}

enum run_action exit_entry_failure(struct vcpu *vcpu)
{
	vcpu->kind = MINIVMX_EXIT_ENTRY_FAIL;
	vcpu->data.entry = (struct minivmx_entry_fail) {};
	return RUN_TO_USER;
}

/* ---------------------------------------------------------------------- */
/* What is the host's                                                      */
/* ---------------------------------------------------------------------- */

enum run_action exit_external_irq(struct vcpu *vcpu)
{
	return RUN_IRQS;
}

/* A timer of the guest's, which apic_timer_enter() looks at; or the watchdog: see WATCHDOG_MS. */
enum run_action exit_preemption_timer(struct vcpu *vcpu)
{
	return vcpu->timer_at <= rdtsc() ? RUN_RESUME : RUN_IRQS;
}

/*
 * The exit has acknowledged the NMI, and NMIs stay blocked until an IRET:
 * call the handler that would have run, whose IRET ends the blocking. Before
 * interrupts come on and before anything here could fault and IRET by itself.
 */
static void call_host_nmi(void)
{
	asm volatile("int $2" : : : "memory");
}

/* The machine-check banks hold the facts; the handler reads them there. */
static void call_host_mce(void)
{
	asm volatile("int $18" : : : "memory");
}

enum run_action exit_entry_mce(struct vcpu *vcpu)
{
	call_host_mce();
	vcpu->kind = MINIVMX_EXIT_ENTRY_FAIL;
	vcpu->data.entry = (struct minivmx_entry_fail) {};
	return RUN_TO_USER;
}

static bool is_soft(u32 intr_type)
{
	return intr_type == INTR_TYPE_SOFT_EXCEPTION ||
	       intr_type == INTR_TYPE_PRIV_SW_EXCEPTION;
}

/* An exception that exits only because a program asked for it. */
static enum run_action reflect(struct vcpu *vcpu, u8 vector)
{
	const struct minivmx_vmexit *e = &vcpu->exit;
	const struct guest_fault fault = {
		.vector = vector, .error = e->intr_error, .address = e->qualification,
	};

	if (vector == VECTOR_PF)
		return inject_guest_fault(vcpu, &fault);
	if (e->intr_info & INTR_INFO_DELIVER_CODE_MASK)
		return inject_exception_error(vcpu, vector, e->intr_error);
	return inject_exception(vcpu, vector);
}

enum run_action exit_exception(struct vcpu *vcpu)
{
	u32 info = vcpu->exit.intr_info;
	u8 vector = info & INTR_INFO_VECTOR_MASK;
	u32 type = info & INTR_INFO_INTR_TYPE_MASK;

	if (type == INTR_TYPE_NMI_INTR) {
		call_host_nmi();
		return RUN_RESUME;
	}
	if (vector == VECTOR_MC) {
		call_host_mce();
		return RUN_IRQS;
	}

	if (!is_soft(type))
		vcpu->exit.insn_len = 0;	/* the manual does not define it */
	if (vcpu->exceptions_to_user)
		return exit_user(vcpu);

	/*
	 * The others are the guest's. The qualification of #DB has what the CPU
	 * would have put into DR6; INT1, INT3 and INTO leave DR6 alone and are
	 * delivered as what they are.
	 */
	if (is_soft(type)) {
		vcpu->event = (struct minivmx_event) {
			.flags = MINIVMX_EVENT_VALID,
			.vector = vector,
			.type = type >> 8,
			.insn_len = vcpu->exit.insn_len,
		};
		vcpu->events_waiting = true;
		return RUN_RESUME;
	}
	if (vector == VECTOR_DB) {
		vcpu->dr6 &= ~(u64)DR_TRAP_BITS;
		return inject_debug(vcpu, vcpu->exit.qualification &
					  (DR_TRAP_BITS | BIT(13) | DR_STEP));
	}
	return reflect(vcpu, vector);
}

/* ---------------------------------------------------------------------- */
/* Windows                                                                 */
/* ---------------------------------------------------------------------- */

/* inject_events() delivers what waited; userspace may have asked as well. */
static enum run_action window(struct vcpu *vcpu, u32 request, u32 kind)
{
	vcpu->events_waiting = true;
	if (!(vcpu->windows & request))
		return RUN_RESUME;
	vcpu->windows &= ~request;
	vcpu->kind = kind;
	return RUN_TO_USER;
}

enum run_action exit_irq_window(struct vcpu *vcpu)
{
	if (vcpu->irq.flags || apicv_injects(vcpu)) {
		vcpu->events_waiting = true;
		return RUN_RESUME;
	}
	return window(vcpu, MINIVMX_REQ_IRQ_WINDOW, MINIVMX_EXIT_IRQ_WINDOW);
}

enum run_action exit_nmi_window(struct vcpu *vcpu)
{
	if (vcpu->nmi_pending) {
		vcpu->events_waiting = true;
		return RUN_RESUME;
	}
	return window(vcpu, MINIVMX_REQ_NMI_WINDOW, MINIVMX_EXIT_NMI_WINDOW);
}

/* ---------------------------------------------------------------------- */
/* Instructions                                                            */
/* ---------------------------------------------------------------------- */

enum run_action exit_undefined(struct vcpu *vcpu)
{
	return inject_ud(vcpu);
}

/* No device writes memory behind the caches: there is nothing to do. */
enum run_action exit_invd(struct vcpu *vcpu)
{
	vcpu_skip(vcpu);
	return RUN_RESUME;
}

enum run_action exit_wbinvd(struct vcpu *vcpu)
{
	vcpu_skip(vcpu);
	return RUN_RESUME;
}

/* The guest has no performance counters: every index is invalid. */
enum run_action exit_rdpmc(struct vcpu *vcpu)
{
	return inject_gp(vcpu);
}

/* Does the access go elsewhere than to the module? Then *@action is what to do. */
static bool msr_routed(struct vcpu *vcpu, u32 index, u32 access, enum run_action *action)
{
	switch (route_msr(vcpu, index, access)) {
	case MINIVMX_ROUTE_USER:
		*action = exit_user(vcpu);
		return true;
	case MINIVMX_ROUTE_GP:
		*action = inject_gp(vcpu);
		return true;
	default:
		return false;
	}
}

enum run_action exit_rdmsr(struct vcpu *vcpu)
{
	u32 index = vcpu->regs.r.rcx;
	enum run_action action;
	u64 value;

	if (unlikely(vcpu->nr_msr_routes) &&
	    msr_routed(vcpu, index, MINIVMX_MSR_READ, &action))
		return action;
	if (msr_read(vcpu, index, &value))
		return inject_gp(vcpu);
	vcpu->regs.r.rax = (u32)value;
	vcpu->regs.r.rdx = value >> 32;
	vcpu_skip(vcpu);
	return RUN_RESUME;
}

enum run_action exit_wrmsr(struct vcpu *vcpu)
{
	u32 index = vcpu->regs.r.rcx;
	enum run_action action;

	if (unlikely(vcpu->nr_msr_routes) &&
	    msr_routed(vcpu, index, MINIVMX_MSR_WRITE, &action))
		return action;
	if (msr_write(vcpu, index, vcpu_edx_eax(vcpu), false))
		return inject_gp(vcpu);
	vcpu_skip(vcpu);
	return RUN_RESUME;
}

enum run_action exit_xsetbv(struct vcpu *vcpu)
{
	u64 value = vcpu_edx_eax(vcpu);

	if ((u32)vcpu->regs.r.rcx != 0 || !xcr0_valid(value))
		return inject_gp(vcpu);
	vcpu->xcr0 = value;
	vcpu_skip(vcpu);
	return RUN_RESUME;
}

/* ---------------------------------------------------------------------- */
/* EPT                                                                     */
/* ---------------------------------------------------------------------- */

/* "Exit Qualification for EPT Violations". */
#define EPT_Q_WRITE		BIT_ULL(1)
#define EPT_Q_FETCH		BIT_ULL(2)
#define EPT_Q_LINEAR_VALID	BIT_ULL(7)
#define EPT_Q_TRANSLATED	BIT_ULL(8)
#define EPT_Q_NMI_UNBLOCKING	BIT_ULL(12)

/* An IRET that faulted on its way had already ended NMI blocking. */
void exit_nmi_unblocking(struct vcpu *vcpu)
{
	if ((vcpu->exit.qualification & EPT_Q_NMI_UNBLOCKING) && !vcpu->exit.idt_info)
		vcpu_set_interruptibility(vcpu, vcpu->interruptibility |
						GUEST_INTR_STATE_NMI);
}

enum run_action exit_memory(struct vcpu *vcpu, u32 access, int error)
{
	vcpu->kind = MINIVMX_EXIT_MEMORY;
	vcpu->data.memory = (struct minivmx_memory) {
		.gpa = vcpu->exit.gpa, .access = access, .error = error,
	};
	return RUN_TO_USER;
}

enum run_action exit_ept_violation(struct vcpu *vcpu)
{
	u64 q = vcpu->exit.qualification;
	u32 access = q & EPT_Q_WRITE ? MINIVMX_PROT_WRITE :
		     q & EPT_Q_FETCH ? MINIVMX_PROT_EXEC : MINIVMX_PROT_READ;
	/* A page table or a fetch there is no device access. */
	bool is_data = access != MINIVMX_PROT_EXEC && (q & EPT_Q_LINEAR_VALID) &&
		       (q & EPT_Q_TRANSLATED) && !vcpu->event.flags;
	int error;

	if (!vcpu->may_sleep) {
		/* It has a page of its own to be found, which is no memory either. */
		if (!is_data || (q & EPT_Q_NMI_UNBLOCKING) || apicv_has_page(vcpu) ||
		    !gmem_is_unmapped(vcpu->vm, vcpu->exit.gpa))
			return RUN_SLEEP;
		return mmio_plain(vcpu, access == MINIVMX_PROT_WRITE);
	}
	exit_nmi_unblocking(vcpu);
	switch (gmem_fault(vcpu->vm, &vcpu->ept_cache, vcpu->exit.gpa, access, &error)) {
	case GMEM_OK:
	case GMEM_RETRY:
		return RUN_RESUME;
	case GMEM_UNMAPPED:
		if (is_data)
			return apicv_page_map(vcpu) ? RUN_RESUME : mmio_start(vcpu);
		error = EFAULT;
		break;
	case GMEM_ERROR:
		break;
	}
	return exit_memory(vcpu, access, error);
}

/* Only a defect here can write such an entry. */
enum run_action exit_ept_misconfig(struct vcpu *vcpu)
{
	vm_kill(vcpu->vm, "EPT misconfiguration");
	return RUN_RESUME;
}
