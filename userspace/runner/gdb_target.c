// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gdb_target.h"

enum vmcs_field {
#define FIELD(encoding, name, policy, meaning) name = encoding,
#include "../../module/fields.def"
#undef FIELD
};

enum {
	REASON_EXCEPTION = 0,
	REASON_DR_ACCESS = 29,
	REASON_MTF = 37,
};

enum { VECTOR_DB = 1, VECTOR_BP = 3, VECTOR_UD = 6, VECTOR_DF = 8, VECTOR_GP = 13 };

/* "Format of the VM-Exit Interruption-Information Field". */
#define INFO_VECTOR(info)	((info) & 0xff)
#define INFO_TYPE(info)		((info) >> 8 & 7)
#define INFO_ERROR		(1U << 11)

#define CPU_MONITOR_TRAP_FLAG	(1ULL << 27)
#define BLOCKING_BY_STI		(1U << 0)
#define BLOCKING_BY_MOV_SS	(1U << 1)
#define PENDING_BS		(1ULL << 14)
#define DEBUGCTL_BTF		(1ULL << 1)

#define RFLAGS_TF	(1ULL << 8)
#define RFLAGS_RF	(1ULL << 16)
#define EFER_LMA	(1ULL << 10)
#define CR4_DE		(1ULL << 3)
#define ACCESS_L	(1U << 13)

/* "Debug Registers": what is fixed in them, and B0 to B3, BD and BS of DR6. */
#define DR6_FREE	0xe00fULL
#define DR6_ONES	0xffff0ff0ULL
#define DR6_POINTS	0xfULL
#define DR6_BD		(1ULL << 13)
#define DR6_BS		(1ULL << 14)
#define DR7_FREE	0xffff2bffULL
#define DR7_ONES	0x400ULL
#define DR7_GD		(1ULL << 13)

/* XSAVE area: XSTATE_BV, and the state of x87 and SSE there after INIT. */
#define XSTATE_BV	512
#define XSTATE_X87	1ULL
#define XSTATE_SSE	2ULL
#define FX_X87_SIZE	24
#define FX_ST		32
#define FX_XMM		160
#define FCW_INIT	0x37f

/* ---- VMCS fields ---- */

static int get_field(struct gdb_target *t, uint32_t encoding, uint64_t *value)
{
	struct minivmx_vmcs_field field = { .encoding = encoding };
	int ret = minivmx_get_vmcs(t->vcpu, &field, 1);

	*value = field.value;
	return ret ? ret : -(int)field.result;
}

static int set_field(struct gdb_target *t, uint32_t encoding, uint64_t value)
{
	struct minivmx_vmcs_field field = { .encoding = encoding, .value = value };

	return minivmx_set_vmcs(t->vcpu, &field, 1);
}

/* A CPU without it refuses it, and steps all the same. */
static int set_monitor_trap_flag(struct gdb_target *t, bool on)
{
	uint64_t controls;
	int ret = get_field(t, CPU_BASED_CONTROLS, &controls);

	if (ret || !(controls & CPU_MONITOR_TRAP_FLAG) == !on)
		return ret;
	ret = set_field(t, CPU_BASED_CONTROLS, controls ^ CPU_MONITOR_TRAP_FLAG);
	return ret == -EINVAL && on ? 0 : ret;
}

/* ---- Registers ---- */

static int get_fx(struct gdb_target *t, uint8_t *fx)
{
	uint64_t components = XSTATE_X87 | XSTATE_SSE;
	int ret = minivmx_get_xsave(t->vcpu, t->xsave, t->xsave_size);

	if (ret)
		return ret;
	memcpy(fx, t->xsave, GDB_FX_SIZE);
	if (t->xsave_size > GDB_FX_SIZE)
		memcpy(&components, (uint8_t *)t->xsave + XSTATE_BV, sizeof(components));
	if (!(components & XSTATE_X87)) {
		memset(fx, 0, FX_X87_SIZE);
		memset(fx + FX_ST, 0, FX_XMM - FX_ST);
		fx[0] = FCW_INIT & 0xff;
		fx[1] = FCW_INIT >> 8;
	}
	if (!(components & XSTATE_SSE))
		memset(fx + FX_XMM, 0, 16 * 16);
	return 0;
}

static int set_fx(struct gdb_target *t, const uint8_t *fx)
{
	uint64_t components;
	int ret = minivmx_get_xsave(t->vcpu, t->xsave, t->xsave_size);

	if (ret)
		return ret;
	memcpy(t->xsave, fx, GDB_FX_SIZE);
	if (t->xsave_size > GDB_FX_SIZE) {
		memcpy(&components, (uint8_t *)t->xsave + XSTATE_BV, sizeof(components));
		components |= XSTATE_X87 | XSTATE_SSE;
		memcpy((uint8_t *)t->xsave + XSTATE_BV, &components, sizeof(components));
	}
	return minivmx_set_xsave(t->vcpu, t->xsave, t->xsave_size);
}

static int get_cpu(void *target, struct gdb_cpu *cpu)
{
	struct gdb_target *t = target;
	int ret;

	memset(cpu, 0, sizeof(*cpu));
	cpu->regs = t->run->regs;
	ret = minivmx_get_sregs(t->vcpu, &cpu->sregs);
	return ret ? ret : get_fx(t, cpu->fx);
}

/* What did not change is not written: the module may refuse what it has itself. */
static int set_cpu(void *target, const struct gdb_cpu *cpu)
{
	struct gdb_target *t = target;
	struct gdb_cpu old;
	int ret = get_cpu(t, &old);

	if (!ret && memcmp(&old.sregs, &cpu->sregs, sizeof(old.sregs)))
		ret = minivmx_set_sregs(t->vcpu, &cpu->sregs);
	if (!ret && memcmp(old.fx, cpu->fx, sizeof(old.fx)))
		ret = set_fx(t, cpu->fx);
	if (!ret)
		t->run->regs = cpu->regs;
	return ret;
}

int gdb_target_arch(struct gdb_target *t, enum gdb_arch *arch)
{
	struct minivmx_sregs sregs;
	int ret = minivmx_get_sregs(t->vcpu, &sregs);

	if (!ret)
		*arch = gdb_arch_of(&t->run->regs, &sregs);
	return ret;
}

/* The linear address of the next instruction. */
static uint64_t linear_rip(const struct gdb_target *t, const struct minivmx_sregs *sregs)
{
	if ((sregs->efer & EFER_LMA) && (sregs->cs.access & ACCESS_L))
		return t->run->regs.rip;
	return (uint32_t)(sregs->cs.base + t->run->regs.rip);
}

/* ---- Memory and breakpoints ---- */

static size_t read_memory(void *target, uint64_t address, uint8_t *bytes, size_t size)
{
	struct gdb_target *t = target;
	struct minivmx_sregs sregs;

	if (minivmx_get_sregs(t->vcpu, &sregs))
		return 0;
	return gdb_points_read(&t->points, &sregs, address, bytes, size);
}

static size_t write_memory(void *target, uint64_t address, const uint8_t *bytes, size_t size)
{
	struct gdb_target *t = target;
	struct minivmx_sregs sregs;

	if (minivmx_get_sregs(t->vcpu, &sregs))
		return 0;
	return gdb_points_write(&t->points, &sregs, address, bytes, size);
}

static int insert(void *target, const struct gdb_point *point)
{
	struct gdb_target *t = target;
	struct minivmx_sregs sregs;
	int ret = minivmx_get_sregs(t->vcpu, &sregs);

	return ret ? ret : gdb_points_insert(&t->points, &sregs, point);
}

static int remove_point(void *target, const struct gdb_point *point)
{
	struct gdb_target *t = target;

	return gdb_points_remove(&t->points, point);
}

const struct gdb_ops gdb_target_ops = {
	.get_cpu = get_cpu,
	.set_cpu = set_cpu,
	.read = read_memory,
	.write = write_memory,
	.insert = insert,
	.remove = remove_point,
};

/* ---- What of it is in force while the guest runs ---- */

static int sync_debug_regs(struct gdb_target *t)
{
	const bool own = gdb_points_has_hard(&t->points);
	struct minivmx_sregs sregs;
	__u64 *const dr[] = { &sregs.dr0, &sregs.dr1, &sregs.dr2, &sregs.dr3 };
	int i, ret;

	if (!own && !t->owns_drs)
		return 0;
	ret = minivmx_get_sregs(t->vcpu, &sregs);
	if (ret)
		return ret;
	if (!t->owns_drs) {
		for (i = 0; i < GDB_MAX_HARD; i++)
			t->guest.dr[i] = *dr[i];
		t->guest.dr6 = sregs.dr6;
		t->guest.dr7 = sregs.dr7;
	}
	for (i = 0; i < GDB_MAX_HARD; i++)
		*dr[i] = own ? t->points.hard[i].address : t->guest.dr[i];
	sregs.dr6 = t->guest.dr6;
	sregs.dr7 = own ? gdb_points_dr7(&t->points) : t->guest.dr7;
	ret = minivmx_set_route(t->vcpu, REASON_DR_ACCESS,
				own ? MINIVMX_ROUTE_USER : MINIVMX_ROUTE_KERNEL);
	if (!ret)
		ret = minivmx_set_sregs(t->vcpu, &sregs);
	if (!ret)
		t->owns_drs = own;
	return ret;
}

static int sync_exceptions(struct gdb_target *t)
{
	const bool catch = t->points.nr_soft || gdb_points_has_hard(&t->points);
	int ret = 0;

	if (catch == t->catches)
		return 0;
	if (catch)
		ret = get_field(t, EXCEPTION_BITMAP, &t->bitmap);
	if (!ret)
		ret = set_field(t, EXCEPTION_BITMAP,
				catch ? t->bitmap | 1U << VECTOR_BP : t->bitmap);
	if (!ret)
		ret = minivmx_set_route(t->vcpu, REASON_EXCEPTION,
					catch ? MINIVMX_ROUTE_USER : MINIVMX_ROUTE_KERNEL);
	if (!ret)
		t->catches = catch;
	return ret;
}

static int sync(struct gdb_target *t)
{
	int ret = sync_debug_regs(t);

	return ret ? ret : sync_exceptions(t);
}

/* ---- Running ---- */

int gdb_target_resume(struct gdb_target *t, bool step)
{
	struct minivmx_sregs sregs;
	uint64_t rip;
	int ret = sync(t);

	if (!ret)
		ret = minivmx_get_sregs(t->vcpu, &sregs);
	if (ret)
		return ret;
	rip = linear_rip(t, &sregs);
	if (gdb_points_hard_at(&t->points, rip))
		t->run->regs.rflags |= RFLAGS_RF;
	t->is_lifted = gdb_points_soft_at(&t->points, &sregs, rip, &t->lifted);
	if (t->is_lifted)
		gdb_points_lift(&t->points, t->lifted);
	t->asked = step;
	t->step = step || t->is_lifted ? STEP_BEGIN : STEP_NONE;
	return 0;
}

static int end_step(struct gdb_target *t)
{
	if (t->step == STEP_NONE)
		return 0;
	t->step = STEP_NONE;
	/* The step may have written there. */
	if (t->is_lifted)
		gdb_points_restore(&t->points, t->lifted);
	t->is_lifted = false;
	return set_monitor_trap_flag(t, false);
}

int gdb_target_halt(struct gdb_target *t)
{
	return end_step(t);
}

int gdb_target_release(struct gdb_target *t)
{
	int ret = end_step(t);

	gdb_points_clear(&t->points);
	return ret ? ret : sync(t);
}

/* See the opening comment of gdb_target.h. */
static int begin_step(struct gdb_target *t)
{
	struct minivmx_events events;
	uint64_t debugctl;
	int ret = set_monitor_trap_flag(t, true);

	if (!ret)
		ret = minivmx_get_events(t->vcpu, &events);
	if (!ret)
		ret = get_field(t, GUEST_IA32_DEBUGCTL, &debugctl);
	/* An event's delivery is a step by itself, and nothing may block it. */
	if (ret || ((events.event.flags | t->run->event.flags) & MINIVMX_EVENT_VALID))
		return ret;
	events.interruptibility &= ~BLOCKING_BY_STI;
	events.interruptibility |= BLOCKING_BY_MOV_SS;
	/* "Checks on Guest Non-Register State": with such blocking BS goes with TF. */
	if ((t->run->regs.rflags & RFLAGS_TF) && !(debugctl & DEBUGCTL_BTF))
		events.pending_debug |= PENDING_BS;
	return minivmx_set_events(t->vcpu, &events);
}

int gdb_target_prepare(struct gdb_target *t)
{
	int ret = 0;

	/* An HLT that was interrupted by gdb is executed again. */
	if (t->step == STEP_FINISH && t->run->action == MINIVMX_RETRY)
		t->step = STEP_BEGIN;
	switch (t->step) {
	case STEP_NONE:
		return 0;
	case STEP_BEGIN:
		ret = begin_step(t);
		t->step = STEP_INSIDE;
		break;
	case STEP_INSIDE:
	case STEP_FINISH:
		break;
	}
	t->run->request = t->step == STEP_FINISH ? MINIVMX_REQ_EXIT_NOW : MINIVMX_REQ_NMI_WINDOW;
	return ret ? ret : 1;
}

/* ---- Exits ---- */

/* A step may leave a watchpoint's trap pending: that is gdb's, and not the guest's. */
static int take_pending_point(struct gdb_target *t, struct gdb_point *point, bool *found)
{
	struct minivmx_events events;
	int ret;

	*found = false;
	if (!t->owns_drs)
		return 0;
	ret = minivmx_get_events(t->vcpu, &events);
	if (ret || !(events.pending_debug & DR6_POINTS))
		return ret;
	*found = gdb_points_hit(&t->points, events.pending_debug, point);
	/* Without BS nothing is left of it, the bit "enabled breakpoint" neither. */
	events.pending_debug &= PENDING_BS;
	return minivmx_set_events(t->vcpu, &events);
}

static int stepped(struct gdb_target *t, struct gdb_point *point)
{
	bool found;
	int ret = end_step(t);

	if (!ret)
		ret = take_pending_point(t, point, &found);
	if (ret)
		return ret;
	if (found)
		return GDB_EXIT_POINT;
	return t->asked ? GDB_EXIT_STEPPED : GDB_EXIT_HANDLED;
}

static void inject(struct gdb_target *t, uint8_t vector, bool has_error, uint32_t error)
{
	t->run->event = (struct minivmx_event) {
		.flags = MINIVMX_EVENT_VALID | (has_error ? MINIVMX_EVENT_ERROR : 0),
		.vector = vector,
		.type = MINIVMX_EVENT_EXCEPTION,
		.error_code = error,
	};
	t->run->action = MINIVMX_RETRY;
	/* "RF is set in the image that is pushed" for faults. */
	if (vector != VECTOR_DB && vector != VECTOR_DF)
		t->run->regs.rflags |= RFLAGS_RF;
}

/* The guest's own #DB: what the CPU does besides its delivery. */
static int inject_debug(struct gdb_target *t, uint64_t dr6)
{
	struct minivmx_sregs sregs;
	uint64_t debugctl;
	int ret;

	inject(t, VECTOR_DB, false, 0);
	if (t->owns_drs) {
		t->guest.dr6 = (t->guest.dr6 & ~DR6_POINTS) | dr6;
		t->guest.dr7 &= ~DR7_GD;
		ret = 0;
	} else {
		ret = minivmx_get_sregs(t->vcpu, &sregs);
		sregs.dr6 = (sregs.dr6 & ~DR6_POINTS) | dr6;
		sregs.dr7 &= ~DR7_GD;
		if (!ret)
			ret = minivmx_set_sregs(t->vcpu, &sregs);
	}
	if (!ret)
		ret = get_field(t, GUEST_IA32_DEBUGCTL, &debugctl);
	if (!ret && (debugctl & DEBUGCTL_BTF))
		ret = set_field(t, GUEST_IA32_DEBUGCTL, debugctl & ~DEBUGCTL_BTF);
	return ret;
}

/* An exception that is none of gdb's goes where it would have gone. */
static int reflect(struct gdb_target *t)
{
	const struct minivmx_vmexit *e = &t->run->exit;
	const uint8_t vector = INFO_VECTOR(e->intr_info);

	if (INFO_TYPE(e->intr_info) != MINIVMX_EVENT_EXCEPTION) {
		t->run->event = (struct minivmx_event) {
			.flags = MINIVMX_EVENT_VALID,
			.vector = vector,
			.type = INFO_TYPE(e->intr_info),
			.insn_len = (uint8_t)e->insn_len,
		};
		t->run->action = MINIVMX_RETRY;
		return 0;
	}
	if (vector == VECTOR_DB)
		return inject_debug(t, e->qualification & (DR6_POINTS | DR6_BD | DR6_BS));
	inject(t, vector, e->intr_info & INFO_ERROR, e->intr_error);
	/* Of a page fault it is the address, and of no other exception there is one. */
	t->run->event.cr2 = e->qualification;
	return 0;
}

static int on_exception(struct gdb_target *t, struct gdb_point *point)
{
	const struct minivmx_vmexit *e = &t->run->exit;
	const uint32_t type = INFO_TYPE(e->intr_info);
	bool ours = false;
	int ret = 0;

	if (INFO_VECTOR(e->intr_info) == VECTOR_BP && type == MINIVMX_EVENT_SOFTEXC) {
		struct minivmx_sregs sregs;
		uint64_t gpa;

		ret = minivmx_get_sregs(t->vcpu, &sregs);
		if (ret)
			return ret;
		point->type = GDB_SOFTWARE;
		point->address = linear_rip(t, &sregs);
		ours = gdb_points_soft_at(&t->points, &sregs, point->address, &gpa);
	} else if (INFO_VECTOR(e->intr_info) == VECTOR_DB && type == MINIVMX_EVENT_EXCEPTION) {
		ours = gdb_points_hit(&t->points, e->qualification, point);
	}
	if (ours) {
		t->run->action = MINIVMX_RETRY;
		ret = end_step(t);
		return ret ? ret : GDB_EXIT_POINT;
	}
	ret = reflect(t);
	return ret ? ret : GDB_EXIT_HANDLED;
}

/* "Exit Qualification for MOV DR": the guest's, on its copies. */
static int on_dr_access(struct gdb_target *t)
{
	const uint64_t q = t->run->exit.qualification;
	__u64 *gpr = &t->run->regs.rax + (q >> 8 & 0xf);
	struct minivmx_sregs sregs;
	unsigned int dr = q & 7;
	uint64_t *copy, value;
	int ret = minivmx_get_sregs(t->vcpu, &sregs);

	if (ret)
		return ret;
	if ((dr == 4 || dr == 5) && (sregs.cr4 & CR4_DE)) {
		inject(t, VECTOR_UD, false, 0);
		return GDB_EXIT_HANDLED;
	}
	if (t->guest.dr7 & DR7_GD) {
		t->run->regs.rflags |= RFLAGS_RF;
		ret = inject_debug(t, DR6_BD);
		return ret ? ret : GDB_EXIT_HANDLED;
	}
	copy = dr < GDB_MAX_HARD ? &t->guest.dr[dr] : dr & 1 ? &t->guest.dr7 : &t->guest.dr6;
	if (q & 1U << 4) {
		*gpr = *copy;
	} else {
		value = *gpr;
		if (!(sregs.efer & EFER_LMA) || !(sregs.cs.access & ACCESS_L))
			value = (uint32_t)value;
		if (dr >= GDB_MAX_HARD && value >> 32) {
			inject(t, VECTOR_GP, true, 0);
			return GDB_EXIT_HANDLED;
		}
		if (dr >= GDB_MAX_HARD)
			value = dr & 1 ? (value & DR7_FREE) | DR7_ONES :
					 (value & DR6_FREE) | DR6_ONES;
		*copy = value;
	}
	t->run->action = MINIVMX_SKIP;
	if (t->step != STEP_NONE)
		t->step = STEP_FINISH;
	return GDB_EXIT_HANDLED;
}

static int on_raw(struct gdb_target *t, struct gdb_point *point)
{
	switch (t->run->exit.reason) {
	case REASON_EXCEPTION:
		return t->catches ? on_exception(t, point) : GDB_EXIT_OTHER;
	case REASON_DR_ACCESS:
		return t->owns_drs ? on_dr_access(t) : GDB_EXIT_OTHER;
	case REASON_MTF:
		t->run->action = MINIVMX_RETRY;
		return t->step != STEP_NONE ? stepped(t, point) : GDB_EXIT_OTHER;
	default:
		return GDB_EXIT_OTHER;
	}
}

int gdb_target_exit(struct gdb_target *t, struct gdb_point *point)
{
	switch (t->run->kind) {
	case MINIVMX_EXIT_VMX:
		return on_raw(t, point);
	case MINIVMX_EXIT_NMI_WINDOW:
		t->run->action = MINIVMX_RETRY;
		return t->step != STEP_NONE ? stepped(t, point) : GDB_EXIT_OTHER;
	case MINIVMX_EXIT_INTR:
		t->run->action = MINIVMX_RETRY;
		return t->step == STEP_FINISH ? stepped(t, point) : GDB_EXIT_OTHER;
	case MINIVMX_EXIT_IO:
	case MINIVMX_EXIT_MMIO:
	case MINIVMX_EXIT_HLT:
	case MINIVMX_EXIT_HYPERCALL:
		if (t->step != STEP_NONE)
			t->step = STEP_FINISH;
		return GDB_EXIT_OTHER;
	default:
		return GDB_EXIT_OTHER;
	}
}

int gdb_target_init(struct gdb_target *t, int vcpu, struct minivmx_run *run,
		    const struct guest_memory *memory, uint32_t xsave_size)
{
	memset(t, 0, sizeof(*t));
	t->vcpu = vcpu;
	t->run = run;
	t->points.memory = memory;
	t->xsave_size = xsave_size;
	/* XSTATE_BV is behind the legacy region, if there is more. */
	t->xsave = calloc(1, xsave_size > GDB_FX_SIZE ? xsave_size : GDB_FX_SIZE);
	return t->xsave ? 0 : -ENOMEM;
}

void gdb_target_free(struct gdb_target *t)
{
	free(t->xsave);
}
