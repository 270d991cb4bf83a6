// SPDX-License-Identifier: GPL-2.0
/*
 * Event injection ("VM-Entry Controls for Event Injection").
 *
 * One event is delivered by an entry. Of what waits, one that was cut off or
 * raised by the last instruction comes first, then an NMI, then an external
 * interrupt; the latter two only when the guest can take them, and until then
 * a window exit is asked for.
 */
#include <linux/kernel.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>
#include <asm/vmx.h>

#include "apic.h"
#include "apicv.h"
#include "inject.h"
#include "vcpu.h"

/* INTR_INFO_* fields of the manual's interruption-information format. */
#define INFO_VECTOR	GENMASK(7, 0)
#define INFO_TYPE	GENMASK(10, 8)
#define INFO_ERROR	BIT(11)
#define INFO_VALID	BIT(31)

static bool event_is_soft(const struct minivmx_event *event)
{
	return event->type >= MINIVMX_EVENT_SOFTINT;
}

/* Does the PIC's interrupt line get through? */
static bool takes_extint(struct vcpu *vcpu)
{
	return !vcpu->apic || lapic_takes_extint(&vcpu->apic->lapic);
}

static bool apic_waiting(struct vcpu *vcpu)
{
	return vcpu->apic && (apicv_injects(vcpu) || apicv_is_stale(vcpu));
}

void inject_update(struct vcpu *vcpu)
{
	vcpu->events_waiting = vcpu->event.flags || vcpu->irq.flags ||
			       vcpu->nmi_pending || vcpu->windows || apic_waiting(vcpu) ||
			       (vcpu->cpu_ctls & (CPU_BASED_INTR_WINDOW_EXITING |
						  CPU_BASED_NMI_WINDOW_EXITING));
}

/* ---------------------------------------------------------------------- */
/* Exceptions raised here                                                  */
/* ---------------------------------------------------------------------- */

enum exception_class { BENIGN, CONTRIBUTORY, PAGE_FAULT };

static enum exception_class exception_class(u8 vector)
{
	switch (vector) {
	case VECTOR_PF:
		return PAGE_FAULT;
	case VECTOR_DE:
	case VECTOR_TS:
	case VECTOR_NP:
	case VECTOR_SS:
	case VECTOR_GP:
		return CONTRIBUTORY;
	default:
		return BENIGN;
	}
}

static enum run_action raise(struct vcpu *vcpu, struct minivmx_event event)
{
	const struct minivmx_event *first = &vcpu->event;

	if (first->flags && first->type == MINIVMX_EVENT_EXCEPTION) {
		enum exception_class c1 = exception_class(first->vector);
		enum exception_class c2 = exception_class(event.vector);

		if (first->vector == VECTOR_DF && c2 != BENIGN) {
			vcpu->event.flags = 0;
			vcpu->kind = MINIVMX_EXIT_SHUTDOWN;
			return RUN_TO_USER;
		}
		if ((c1 == CONTRIBUTORY && c2 == CONTRIBUTORY) ||
		    (c1 == PAGE_FAULT && c2 != BENIGN))
			event = (struct minivmx_event) {
				.flags = MINIVMX_EVENT_VALID | MINIVMX_EVENT_ERROR,
				.vector = VECTOR_DF,
				.type = MINIVMX_EVENT_EXCEPTION,
			};
	} else if (first->flags && first->type == MINIVMX_EVENT_EXTINT) {
		/* It was acknowledged: keep it for after the exception. */
		vcpu->irq = *first;
	} else if (first->flags && first->type == MINIVMX_EVENT_NMI) {
		vcpu->nmi_pending = true;
	}
	/*
	 * A fault is pushed with RF set, so that an instruction breakpoint does
	 * not fire again when the instruction is restarted; traps (#DB) and
	 * aborts (#DF) are pushed with RF as it is.
	 */
	if (event.vector != VECTOR_DB && event.vector != VECTOR_DF)
		vcpu_set_rflags(vcpu, vcpu_rflags(vcpu) | X86_EFLAGS_RF);
	vcpu->event = event;
	vcpu->events_waiting = true;
	return RUN_RESUME;
}

enum run_action inject_exception(struct vcpu *vcpu, u8 vector)
{
	return raise(vcpu, (struct minivmx_event) {
		.flags = MINIVMX_EVENT_VALID,
		.vector = vector,
		.type = MINIVMX_EVENT_EXCEPTION,
	});
}

enum run_action inject_exception_error(struct vcpu *vcpu, u8 vector, u32 error)
{
	return raise(vcpu, (struct minivmx_event) {
		.flags = MINIVMX_EVENT_VALID | MINIVMX_EVENT_ERROR,
		.vector = vector,
		.type = MINIVMX_EVENT_EXCEPTION,
		.error_code = error,
	});
}

enum run_action inject_guest_fault(struct vcpu *vcpu, const struct guest_fault *fault)
{
	return raise(vcpu, (struct minivmx_event) {
		.flags = MINIVMX_EVENT_VALID | MINIVMX_EVENT_ERROR,
		.vector = fault->vector,
		.type = MINIVMX_EVENT_EXCEPTION,
		.error_code = fault->error,
		.cr2 = fault->address,
	});
}

enum run_action inject_gp(struct vcpu *vcpu)
{
	return inject_exception_error(vcpu, VECTOR_GP, 0);
}

enum run_action inject_debug(struct vcpu *vcpu, u64 dr6)
{
	vcpu->dr6 |= dr6;
	vcpu->dr7 &= ~(u64)BIT(13);
	vcpu->debugctl &= ~(u64)DEBUGCTLMSR_BTF;
	vcpu->dirty |= DIRTY_DEBUG;
	return inject_exception(vcpu, VECTOR_DB);
}

enum run_action inject_ud(struct vcpu *vcpu)
{
	return inject_exception(vcpu, VECTOR_UD);
}

/* ---------------------------------------------------------------------- */
/* Around an entry                                                         */
/* ---------------------------------------------------------------------- */

static void write_event(struct vcpu *vcpu, const struct minivmx_event *event)
{
	u32 info = event->vector | event->type << 8 | INFO_VALID;

	/* In real mode exceptions have no error codes. */
	if ((event->flags & MINIVMX_EVENT_ERROR) &&
	    (vmread(VMCS_GUEST_CR0) & X86_CR0_PE)) {
		info |= INFO_ERROR;
		vmwrite(VMCS_VM_ENTRY_ERROR_CODE, event->error_code);
	}
	if (event_is_soft(event))
		vmwrite(VMCS_VM_ENTRY_INSN_LEN, event->insn_len);
	if (event->type == MINIVMX_EVENT_EXCEPTION && event->vector == VECTOR_PF)
		vcpu->cr2 = event->cr2;
	vmwrite(VMCS_VM_ENTRY_INTR_INFO, info);
}

static bool nmi_allowed(struct vcpu *vcpu)
{
	return !(vcpu_interruptibility(vcpu) &
		 (INTERRUPT_SHADOW | GUEST_INTR_STATE_NMI));
}

static bool irq_allowed(struct vcpu *vcpu)
{
	return (vcpu_rflags(vcpu) & X86_EFLAGS_IF) &&
	       !(vcpu_interruptibility(vcpu) & INTERRUPT_SHADOW);
}

/* What the PIC has acknowledged comes before what the APIC has. */
static bool take_irq(struct vcpu *vcpu)
{
	int vector;

	if (vcpu->irq.flags) {
		vcpu->event = vcpu->irq;
		vcpu->irq.flags = 0;
		return true;
	}
	if (!apicv_injects(vcpu))
		return false;
	vector = lapic_pending(&vcpu->apic->lapic);
	lapic_accept(&vcpu->apic->lapic, vector);
	vcpu->event = (struct minivmx_event) {
		.flags = MINIVMX_EVENT_VALID,
		.vector = vector,
		.type = MINIVMX_EVENT_EXTINT,
	};
	return true;
}

static void set_windows(struct vcpu *vcpu, u32 windows)
{
	u32 ctls = vcpu->cpu_ctls & ~(CPU_BASED_INTR_WINDOW_EXITING |
				      CPU_BASED_NMI_WINDOW_EXITING);

	if (windows & MINIVMX_REQ_IRQ_WINDOW)
		ctls |= CPU_BASED_INTR_WINDOW_EXITING;
	if (windows & MINIVMX_REQ_NMI_WINDOW)
		ctls |= CPU_BASED_NMI_WINDOW_EXITING;
	if (ctls != vcpu->cpu_ctls) {
		vmwrite(VMCS_CPU_BASED_CONTROLS, ctls);
		vcpu->cpu_ctls = ctls;
	}
}

bool inject_wakes(struct vcpu *vcpu)
{
	/* The shadow of STI or MOV SS ends with the HLT it covers. */
	if (vcpu->event.flags)
		return true;
	if (vcpu->nmi_pending &&
	    !(vcpu_interruptibility(vcpu) & GUEST_INTR_STATE_NMI))
		return true;
	return (vcpu_rflags(vcpu) & X86_EFLAGS_IF) &&
	       (vcpu->irq.flags || apic_pending(vcpu));
}

u64 inject_cr8(struct vcpu *vcpu)
{
	return vcpu->apic ? lapic_cr8(&vcpu->apic->lapic) : vcpu->cr8;
}

void inject_set_cr8(struct vcpu *vcpu, u64 value)
{
	if (!vcpu->apic) {
		vcpu->cr8 = value;
		return;
	}
	lapic_write_cr8(&vcpu->apic->lapic, value);
	inject_update(vcpu);
}

void inject_events(struct vcpu *vcpu)
{
	u32 windows = vcpu->windows;
	bool written = false;

	/* Closed by the APIC: when it opens, this is called again. */
	if (!takes_extint(vcpu))
		windows &= ~MINIVMX_REQ_IRQ_WINDOW;

	if (vcpu->event.flags) {
		write_event(vcpu, &vcpu->event);
		written = true;
	}
	if (vcpu->nmi_pending && !written && nmi_allowed(vcpu)) {
		vcpu->event = (struct minivmx_event) {
			.flags = MINIVMX_EVENT_VALID,
			.vector = VECTOR_NMI,
			.type = MINIVMX_EVENT_NMI,
		};
		vcpu->nmi_pending = false;
		write_event(vcpu, &vcpu->event);
		written = true;
	}
	if (vcpu->nmi_pending)
		windows |= MINIVMX_REQ_NMI_WINDOW;
	if (!written && irq_allowed(vcpu) && take_irq(vcpu))
		write_event(vcpu, &vcpu->event);
	if (vcpu->irq.flags || apicv_injects(vcpu))
		windows |= MINIVMX_REQ_IRQ_WINDOW;
	if (vcpu->apic)
		apicv_sync(vcpu);
	set_windows(vcpu, windows);
}

void inject_exited(struct vcpu *vcpu, u32 idt_info, u32 idt_error, u32 insn_len)
{
	struct minivmx_event *event = &vcpu->event;

	event->flags = 0;
	if (idt_info & INFO_VALID) {
		/* The exit cut its delivery off: it starts again. */
		*event = (struct minivmx_event) {
			.flags = MINIVMX_EVENT_VALID |
				 (idt_info & INFO_ERROR ? MINIVMX_EVENT_ERROR : 0),
			.vector = idt_info & INFO_VECTOR,
			.type = (idt_info & INFO_TYPE) >> 8,
			.error_code = idt_error,
			.cr2 = vcpu->cr2,
		};
		if (event_is_soft(event))
			event->insn_len = insn_len;
		/* The delivery of an NMI blocks NMIs, an aborted one too. */
		if (event->type == MINIVMX_EVENT_NMI)
			vcpu_set_interruptibility(vcpu, vcpu_interruptibility(vcpu) &
							~GUEST_INTR_STATE_NMI);
	}
	inject_update(vcpu);
}

/* ---------------------------------------------------------------------- */
/* Events from userspace                                                   */
/* ---------------------------------------------------------------------- */

/* The checks that the manual makes at entry, so that RUN can say no. */
int inject_check_event(const struct minivmx_event *event)
{
	if (!(event->flags & MINIVMX_EVENT_VALID))
		return event->flags ? -EINVAL : 0;
	if (event->flags & ~(MINIVMX_EVENT_VALID | MINIVMX_EVENT_ERROR))
		return -EINVAL;
	if ((event->flags & MINIVMX_EVENT_ERROR) &&
	    event->type != MINIVMX_EVENT_EXCEPTION)
		return -EINVAL;
	switch (event->type) {
	case MINIVMX_EVENT_EXTINT:
		return 0;
	case MINIVMX_EVENT_NMI:
		return event->vector == VECTOR_NMI ? 0 : -EINVAL;
	case MINIVMX_EVENT_EXCEPTION:
		return event->vector < 32 && event->vector != VECTOR_NMI ? 0 : -EINVAL;
	case MINIVMX_EVENT_SOFTINT:
	case MINIVMX_EVENT_PRIVSOFT:
	case MINIVMX_EVENT_SOFTEXC:
		return event->insn_len >= 1 && event->insn_len <= 15 ? 0 : -EINVAL;
	default:
		return -EINVAL;
	}
}

/*
 * "Interrupt 18--Machine-Check Exception (#MC)", "IA32_MCG_STATUS MSR": the CPU shuts down
 * if software has not enabled the exception or is busy with another. MCE is never a bit
 * that the guest owns, so that its view of it is in the shadow.
 */
static bool machine_check_shuts_down(struct vcpu *vcpu)
{
	return !(vcpu->cr4 & X86_CR4_MCE) || !mce_begin(&vcpu->mce);
}

int inject_user_event(struct vcpu *vcpu, const struct minivmx_event *event)
{
	int ret = inject_check_event(event);

	if (ret || !event->flags)
		return ret;
	switch (event->type) {
	case MINIVMX_EVENT_EXTINT:
		if (vcpu->irq.flags)
			return -EBUSY;
		vcpu->irq = *event;
		break;
	case MINIVMX_EVENT_NMI:
		if (vcpu->nmi_pending)
			return -EBUSY;
		vcpu->nmi_pending = true;
		break;
	case MINIVMX_EVENT_EXCEPTION:
		if (event->vector == VECTOR_MC && machine_check_shuts_down(vcpu)) {
			vcpu->event.flags = 0;
			return 1;
		}
		fallthrough;
	default:
		vcpu->event = *event;
		break;
	}
	vcpu->events_waiting = true;
	return 0;
}

u32 inject_ready(struct vcpu *vcpu, bool skip)
{
	u32 blocked = vcpu->interruptibility;
	u32 ready = 0;

	if (skip)
		blocked &= ~INTERRUPT_SHADOW;
	if (vcpu->event.flags)
		return 0;
	if (!(blocked & (INTERRUPT_SHADOW | GUEST_INTR_STATE_NMI)) &&
	    !vcpu->nmi_pending)
		ready |= MINIVMX_READY_NMI;
	if ((vcpu->regs.r.rflags & X86_EFLAGS_IF) &&
	    !(blocked & INTERRUPT_SHADOW) && !vcpu->irq.flags && takes_extint(vcpu))
		ready |= MINIVMX_READY_IRQ;
	return ready;
}
