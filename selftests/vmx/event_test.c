// SPDX-License-Identifier: GPL-2.0
/*
 * Events: interrupts, NMIs, exceptions, from userspace, from minivmx and from
 * the guest itself, and none of them lost ("VM-Entry Controls for Event
 * Injection", "Information for VM Exits During Event Delivery").
 */
#include "vm.h"

#define EXTINT		MINIVMX_EVENT_EXTINT
#define EXCEPTION	MINIVMX_EVENT_EXCEPTION

/* STI/CLI state is set by the test; every nop is one address. */
GUEST64(nops, "nop; nop; nop; nop; vmcall; nop; nop; vmcall");

#define EXPECT_TRAP_AT(vec, where)					\
do {									\
	EXPECT_EQ(vec, self->trap.vector);				\
	EXPECT_EQ(VM_CODE + (where), self->trap.rip);			\
} while (0)

static struct minivmx_events get_events(VM *self)
{
	struct minivmx_events events;

	vm_must(!minivmx_get_events(self->vcpu, &events));
	return events;
}

/* ---- External interrupts ---- */

TEST_F(vm, extint_is_delivered_before_the_first_instruction)
{
	vm_long(self, nops);
	self->run->regs.rflags |= RFLAGS_IF;
	vm_event(self, EXTINT, 0x31);
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_TRAP_AT(0x31, 0);
	EXPECT_EQ(RFLAGS_IF | 2, self->trap.rflags);
	/* RUN has taken it. */
	EXPECT_EQ(0, self->run->event.flags);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(self));
}

TEST_F(vm, extint_to_every_vector)
{
	unsigned int vector;

	/* An external interrupt may have any vector, exceptions' ones too. */
	for (vector = 0; vector < 256; vector += 17) {
		vm_long(self, nops);
		self->run->regs.rflags |= RFLAGS_IF;
		vm_event(self, EXTINT, vector);
		ASSERT_EQ(VM_TRAP, vm_run(self));
		EXPECT_EQ(vector, self->trap.vector);
	}
}

GUEST64(sti_nops, "nop; vmcall; sti; nop; nop; vmcall");

TEST_F(vm, extint_waits_while_if_is_clear_and_comes_behind_sti)
{
	vm_long(self, sti_nops);
	vm_event(self, EXTINT, 0x31);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(VM_CODE + 1, self->run->regs.rip);
	EXPECT_EQ(0, self->run->ready & MINIVMX_READY_IRQ);
	EXPECT_EQ(0x31, get_events(self).irq.vector);
	/* STI at 4 blocks for one instruction, the nop at 5. */
	ASSERT_EQ(VM_TRAP, vm_skip(self));
	EXPECT_TRAP_AT(0x31, 6);
	EXPECT_EQ(0, get_events(self).irq.flags);
}

GUEST64(halts, "sti; hlt; vmcall");

TEST_F(vm, one_that_waits_ends_a_hlt_at_once)
{
	vm_long(self, halts);
	vm_event(self, EXTINT, 0x31);
	/* HLT is at 1; it is never told to the program. */
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_TRAP_AT(0x31, 2);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(self));
	EXPECT_EQ(1, vm_count(self, 12));
	/* With none it is. */
	self->run->regs.rip = VM_CODE;
	self->run->regs.rflags = 2;
	EXPECT_EQ(MINIVMX_EXIT_HLT, vm_run(self));
}

TEST_F(vm, a_second_extint_is_refused_while_one_waits)
{
	vm_long(self, nops);
	vm_event(self, EXTINT, 0x31);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	vm_event(self, EXTINT, 0x32);
	EXPECT_EQ(-EBUSY, vm_skip(self));
	/* The first one is still there, the guest where it was. */
	self->run->event.flags = 0;
	self->run->regs.rflags |= RFLAGS_IF;
	ASSERT_EQ(VM_TRAP, vm_skip(self));
	EXPECT_TRAP_AT(0x31, 7);
}

TEST_F(vm, a_refused_event_changes_nothing)
{
	vm_long(self, nops);
	self->run->event = (struct minivmx_event) {
		.flags = MINIVMX_EVENT_VALID, .type = 1, .vector = 3,
	};
	EXPECT_EQ(-EINVAL, vm_run(self));
	vm_event(self, MINIVMX_EVENT_NMI, 3);
	EXPECT_EQ(-EINVAL, vm_run(self));
	vm_event(self, EXCEPTION, 32);
	EXPECT_EQ(-EINVAL, vm_run(self));
	vm_event(self, MINIVMX_EVENT_SOFTINT, 32);	/* no length */
	EXPECT_EQ(-EINVAL, vm_run(self));
	self->run->event.flags = 0;
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(VM_CODE + 4, self->run->regs.rip);
}

GUEST64(mov_ss_code, "mov %eax, %ss; vmcall; nop; vmcall");

TEST_F(vm, mov_ss_blocks_an_extint_for_one_instruction)
{
	vm_long(self, mov_ss_code);
	self->run->regs.rax = MINIVMX_FLAT_DATA;
	self->run->regs.rflags |= RFLAGS_IF;
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(2, self->run->exit.interruptibility);
	/* The VMCALL is in the shadow: an EXTINT comes behind it, not before. */
	vm_event(self, EXTINT, 0x31);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(VM_CODE + 2, self->run->regs.rip);
	ASSERT_EQ(VM_TRAP, vm_skip(self));
	EXPECT_TRAP_AT(0x31, 5);
}

TEST_F(vm, mov_ss_blocks_an_nmi_for_one_instruction)
{
	vm_long(self, mov_ss_code);
	self->run->regs.rax = MINIVMX_FLAT_DATA;
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	vm_event(self, MINIVMX_EVENT_NMI, NMI);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	ASSERT_EQ(VM_TRAP, vm_skip(self));
	EXPECT_TRAP_AT(NMI, 5);
}

GUEST64(sti_cpuid, "sti; cpuid; nop; vmcall");

TEST_F(vm, an_emulated_instruction_ends_the_sti_shadow)
{
	vm_long(self, sti_cpuid);
	vm_event(self, EXTINT, 0x31);
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_TRAP_AT(0x31, 3);
}

GUEST64(sti_hlt, "sti; hlt; vmcall");

TEST_F(vm, sti_hlt_exits_and_is_ready_behind_hlt)
{
	vm_long(self, sti_hlt);
	ASSERT_EQ(MINIVMX_EXIT_HLT, vm_run(self));
	EXPECT_EQ(1, self->run->exit.interruptibility);	/* blocking by STI */
	EXPECT_NE(0, self->run->ready & MINIVMX_READY_IRQ);
	vm_event(self, EXTINT, 0x31);
	ASSERT_EQ(VM_TRAP, vm_skip(self));
	EXPECT_TRAP_AT(0x31, 2);
}

TEST_F(vm, irq_window_exit_when_an_interrupt_could_be_taken)
{
	vm_long(self, sti_nops);
	self->run->request = MINIVMX_REQ_IRQ_WINDOW;
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	ASSERT_EQ(MINIVMX_EXIT_IRQ_WINDOW, vm_skip(self));
	EXPECT_EQ(VM_CODE + 6, self->run->regs.rip);
	EXPECT_NE(0, self->run->ready & MINIVMX_READY_IRQ);
	/* It is a request of one RUN. */
	self->run->request = 0;
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(VM_CODE + 7, self->run->regs.rip);
}

/* ---- NMIs ---- */

TEST_F(vm, nmi_is_delivered_with_if_clear)
{
	vm_long(self, nops);
	vm_event(self, MINIVMX_EVENT_NMI, NMI);
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_TRAP_AT(NMI, 0);
	EXPECT_EQ(8, get_events(self).interruptibility);
}

TEST_F(vm, nmis_are_blocked_until_iret)
{
	vm_long(self, nops);
	vm_event(self, MINIVMX_EVENT_NMI, NMI);
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_EQ(0, self->run->ready & MINIVMX_READY_NMI);
	/* The second one waits for the IRET of the handler, then comes at 0 again. */
	vm_event(self, MINIVMX_EVENT_NMI, NMI);
	ASSERT_EQ(VM_TRAP, vm_skip(self));
	EXPECT_TRAP_AT(NMI, 0);
	EXPECT_EQ(2, self->trap.rflags);
	EXPECT_EQ(VM_STACK, self->trap.rsp);
	EXPECT_EQ(0, get_events(self).nmi_pending);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(self));
}

TEST_F(vm, nmi_window_exit_when_an_nmi_could_be_taken)
{
	vm_long(self, nops);
	vm_event(self, MINIVMX_EVENT_NMI, NMI);
	ASSERT_EQ(VM_TRAP, vm_run(self));
	self->run->request = MINIVMX_REQ_NMI_WINDOW;
	ASSERT_EQ(MINIVMX_EXIT_NMI_WINDOW, vm_skip(self));
	EXPECT_EQ(VM_CODE, self->run->regs.rip);
	EXPECT_NE(0, self->run->ready & MINIVMX_READY_NMI);
}

TEST_F(vm, an_nmi_comes_before_an_extint)
{
	vm_long(self, nops);
	self->run->regs.rflags |= RFLAGS_IF;
	vm_must(!minivmx_set_events(self->vcpu, &(struct minivmx_events) {
		.nmi_pending = 1,
		.irq = { .flags = MINIVMX_EVENT_VALID, .vector = 0x31 },
	}));
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_TRAP_AT(NMI, 0);
	ASSERT_EQ(VM_TRAP, vm_skip(self));
	EXPECT_TRAP_AT(0x31, 0);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(self));
}

GUEST64(iret_to_unmapped,
	/* IRET with its frame in a page that the host has not filled yet. */
	"mov $PAGES + 0x8000, %rsp; iretq; 1: nop; vmcall");

TEST_F(vm, an_iret_that_faulted_in_the_ept_keeps_nmis_blocked)
{
	uint64_t *frame = vm_u64(self, VM_PAGES + 0x8000);

	vm_long(self, iret_to_unmapped);
	frame[0] = VM_CODE + 9;
	frame[1] = MINIVMX_FLAT_CODE;
	frame[2] = 2;
	frame[3] = VM_STACK;
	frame[4] = MINIVMX_FLAT_DATA;
	vm_must(!minivmx_set_events(self->vcpu, &(struct minivmx_events) {
		.interruptibility = 8,
	}));
	vm_event(self, MINIVMX_EVENT_NMI, NMI);
	/* The IRET's EPT violation must not let the NMI in before it. */
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_TRAP_AT(NMI, 9);
	EXPECT_LT(0, vm_count(self, 48));
}

/* ---- Exceptions from userspace ---- */

TEST_F(vm, exception_with_error_code_in_long_mode)
{
	vm_long(self, nops);
	vm_event(self, EXCEPTION, GP);
	self->run->event.flags |= MINIVMX_EVENT_ERROR;
	self->run->event.error_code = 0x1234;
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_TRAP_AT(GP, 0);
	EXPECT_EQ(0x1234, self->trap.error);
	EXPECT_EQ(VM_STACK, self->trap.rsp);
}

GUEST32(nops32, "nop; nop; vmcall");

TEST_F(vm, exception_with_error_code_in_protected_mode)
{
	vm_prot(self, nops32);
	vm_event(self, EXCEPTION, TS);
	self->run->event.flags |= MINIVMX_EVENT_ERROR;
	self->run->event.error_code = 0x28;
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_TRAP_AT(TS, 0);
	EXPECT_EQ(0x28, self->trap.error);
}

TEST_F(vm, exception_without_error_code)
{
	vm_long(self, nops);
	vm_event(self, EXCEPTION, UD);
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_TRAP_AT(UD, 0);
	EXPECT_EQ(VM_STACK - 7 * 8, self->run->regs.rsp);
}

GUEST64(read_cr2, "nop; vmcall");

TEST_F(vm, page_fault_loads_cr2)
{
	vm_long(self, read_cr2);
	vm_event(self, EXCEPTION, PF);
	self->run->event.flags |= MINIVMX_EVENT_ERROR;
	self->run->event.error_code = 2;
	self->run->event.cr2 = 0xffff888012345678;
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_TRAP_AT(PF, 0);
	EXPECT_EQ(2, self->trap.error);
	ASSERT_EQ(0, minivmx_get_sregs(self->vcpu, &self->sregs));
	EXPECT_EQ(0xffff888012345678, self->sregs.cr2);
}

GUEST32(read_cr2_32, "mov %cr2, %eax; vmcall");

TEST_F(vm, page_fault_cr2_is_what_the_guest_reads)
{
	vm_paged(self, read_cr2_32);
	vm_event(self, EXCEPTION, PF);
	self->run->event.flags |= MINIVMX_EVENT_ERROR;
	self->run->event.cr2 = 0x12345678;
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_TRAP_AT(PF, 0);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(self));
	EXPECT_EQ(0x12345678, self->run->regs.rax);
}

GUEST16(nops16, "nop; nop; hlt");

TEST_F(vm, exception_in_real_mode_has_no_error_code)
{
	vm_real(self, nops16);
	vm_event(self, EXCEPTION, GP);
	self->run->event.flags |= MINIVMX_EVENT_ERROR;
	self->run->event.error_code = 0x1234;
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_EQ(GP, self->trap.vector);
	EXPECT_EQ(0, self->trap.rip);
	EXPECT_EQ(VM_CODE >> 4, self->trap.cs);
	/* FLAGS, CS, IP and the stub's vector: eight bytes. */
	EXPECT_EQ(0xfff0 - 8, self->run->regs.rsp & 0xffff);
	ASSERT_EQ(MINIVMX_EXIT_HLT, vm_skip(self));
}

TEST_F(vm, extint_in_real_mode)
{
	vm_real(self, nops16);
	self->run->regs.rflags |= RFLAGS_IF;
	vm_event(self, EXTINT, 8);
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_EQ(8, self->trap.vector);
	EXPECT_EQ(0, self->trap.rip);
}

/* ---- Software interrupts ---- */

TEST_F(vm, soft_events_return_behind_their_instruction)
{
	static const struct {
		uint8_t type, vector, len;
	} rows[] = {
		{ MINIVMX_EVENT_SOFTINT, 0x80, 2 },
		{ MINIVMX_EVENT_SOFTEXC, BP, 1 },
		{ MINIVMX_EVENT_SOFTEXC, OF, 1 },
		{ MINIVMX_EVENT_PRIVSOFT, DB, 1 },
	};
	unsigned int i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		vm_long(self, nops);
		vm_event(self, rows[i].type, rows[i].vector);
		self->run->event.insn_len = rows[i].len;
		ASSERT_EQ(VM_TRAP, vm_run(self));
		EXPECT_TRAP_AT(rows[i].vector, rows[i].len);
		EXPECT_EQ(0, self->trap.rflags & RFLAGS_RF);
	}
}

GUEST64(soft_code, "int $0x80; int3; .byte 0xf1; vmcall");

TEST_F(vm, int_n_int3_and_int1_of_the_guest)
{
	vm_long(self, soft_code);
	self->sregs.dr6 = 0xffff0ff0;
	vm_set_sregs(self);
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_TRAP_AT(0x80, 2);
	ASSERT_EQ(VM_TRAP, vm_skip(self));
	EXPECT_TRAP_AT(BP, 3);
	/* INT1 exits as a #DB: it is a trap, and leaves DR6 alone. */
	ASSERT_EQ(VM_TRAP, vm_skip(self));
	EXPECT_TRAP_AT(DB, 4);
	ASSERT_EQ(0, minivmx_get_sregs(self->vcpu, &self->sregs));
	EXPECT_EQ(0xffff0ff0, self->sregs.dr6);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(self));
}

/* ---- Delivery that an EPT violation cuts off ---- */

/* Stack at an address whose page nobody has touched: no EPT entry. */
#define UNTOUCHED	(VM_PAGES + 0x20000)

TEST_F(vm, extint_survives_an_ept_violation_on_the_stack)
{
	vm_long(self, nops);
	self->run->regs.rflags |= RFLAGS_IF;
	self->run->regs.rsp = UNTOUCHED;
	vm_event(self, EXTINT, 0x31);
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_TRAP_AT(0x31, 0);
	EXPECT_EQ(UNTOUCHED, self->trap.rsp);
	EXPECT_EQ(UNTOUCHED - 7 * 8, self->run->regs.rsp);	/* once only */
	EXPECT_LT(0, vm_count(self, 48));
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(self));
}

TEST_F(vm, extint_survives_an_ept_violation_on_the_idt)
{
	vm_long(self, nops);
	self->run->regs.rflags |= RFLAGS_IF;
	memcpy(vm_at(self, UNTOUCHED), vm_at(self, VM_IDT), 4096);
	self->sregs.idtr.base = UNTOUCHED;
	vm_set_sregs(self);
	vm_event(self, EXTINT, 0x31);
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_TRAP_AT(0x31, 0);
}

TEST_F(vm, nmi_survives_an_ept_violation)
{
	vm_long(self, nops);
	self->run->regs.rsp = UNTOUCHED;
	vm_event(self, MINIVMX_EVENT_NMI, NMI);
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_TRAP_AT(NMI, 0);
	EXPECT_EQ(8, get_events(self).interruptibility);
}

TEST_F(vm, page_fault_survives_an_ept_violation_with_error_and_cr2)
{
	vm_long(self, nops);
	self->run->regs.rsp = UNTOUCHED;
	vm_event(self, EXCEPTION, PF);
	self->run->event.flags |= MINIVMX_EVENT_ERROR;
	self->run->event.error_code = 6;
	self->run->event.cr2 = 0x5555;
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_TRAP_AT(PF, 0);
	EXPECT_EQ(6, self->trap.error);
	ASSERT_EQ(0, minivmx_get_sregs(self->vcpu, &self->sregs));
	EXPECT_EQ(0x5555, self->sregs.cr2);
}

TEST_F(vm, int_n_survives_an_ept_violation)
{
	vm_long(self, soft_code);
	self->run->regs.rsp = UNTOUCHED;
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_TRAP_AT(0x80, 2);
	EXPECT_LT(0, vm_count(self, 48));
}

GUEST64(ud_code, "ud2; vmcall");

TEST_F(vm, the_guests_own_fault_survives_an_ept_violation)
{
	vm_long(self, ud_code);
	self->run->regs.rsp = UNTOUCHED;
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_TRAP_AT(UD, 0);
	EXPECT_LT(0, vm_count(self, 48));
}

/* An EXTINT that is cut off by an exit to userspace is not lost, either. */
TEST_F(vm, event_is_kept_over_an_exit_to_userspace)
{
	struct minivmx_events events;

	vm_long(self, nops);
	self->run->regs.rflags |= RFLAGS_IF;
	self->run->regs.rsp = UNTOUCHED;
	/* The host has no page there now. */
	ASSERT_EQ(0, mprotect(vm_at(self, UNTOUCHED - 0x1000), 0x1000, PROT_NONE));
	vm_event(self, EXTINT, 0x31);
	ASSERT_EQ(MINIVMX_EXIT_MEMORY, vm_run(self));
	EXPECT_EQ(UNTOUCHED - 0x1000, self->run->memory.gpa & ~0xfffUL);
	EXPECT_EQ(1UL << 31 | 0x31, self->run->exit.idt_info);
	EXPECT_EQ(0, self->run->ready);
	events = get_events(self);
	EXPECT_EQ(MINIVMX_EVENT_VALID, events.event.flags);
	EXPECT_EQ(0x31, events.event.vector);

	ASSERT_EQ(0, mprotect(vm_at(self, UNTOUCHED - 0x1000), 0x1000,
			      PROT_READ | PROT_WRITE));
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_TRAP_AT(0x31, 0);
}

TEST_F(vm, exception_replaces_one_that_was_cut_off)
{
	vm_long(self, nops);
	self->run->regs.rflags |= RFLAGS_IF;
	self->run->regs.rsp = UNTOUCHED;
	ASSERT_EQ(0, mprotect(vm_at(self, UNTOUCHED - 0x1000), 0x1000, PROT_NONE));
	vm_event(self, EXTINT, 0x31);
	ASSERT_EQ(MINIVMX_EXIT_MEMORY, vm_run(self));
	self->run->regs.rsp = VM_STACK;
	vm_event(self, EXCEPTION, UD);
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_TRAP_AT(UD, 0);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(self));
}

TEST_F(vm, events_can_be_moved_to_another_vcpu)
{
	struct minivmx_events events;
	struct minivmx_regs regs;

	vm_long(self, nops);
	self->run->regs.rflags |= RFLAGS_IF;
	self->run->regs.rsp = UNTOUCHED;
	ASSERT_EQ(0, mprotect(vm_at(self, UNTOUCHED - 0x1000), 0x1000, PROT_NONE));
	vm_event(self, EXTINT, 0x31);
	ASSERT_EQ(MINIVMX_EXIT_MEMORY, vm_run(self));
	events = get_events(self);
	regs = self->run->regs;
	regs.rsp = VM_STACK;

	vm_new_vcpu(self, 1);
	vm_long(self, nops);
	self->run->regs = regs;
	ASSERT_EQ(0, minivmx_set_events(self->vcpu, &events));
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_TRAP_AT(0x31, 0);
}

/* ---- Double and triple fault ---- */

TEST_F(vm, double_fault_when_the_handler_is_missing)
{
	vm_long(self, ud_code);
	/* #UD's gate is not present: #NP during a benign one is just #NP. */
	vm_u64(self, VM_IDT)[2 * UD] &= ~(1UL << 47);
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_TRAP_AT(NP, 0);

	/* #GP's is not: contributory twice. */
	vm_long(self, ud_code);
	vm_u64(self, VM_IDT)[2 * GP] &= ~(1UL << 47);
	vm_event(self, EXCEPTION, GP);
	self->run->event.flags |= MINIVMX_EVENT_ERROR;
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_TRAP_AT(DF, 0);
	EXPECT_EQ(0, self->trap.error);
}

TEST_F(vm, triple_fault_is_a_shutdown)
{
	vm_long(self, ud_code);
	self->sregs.idtr.limit = 0;
	vm_set_sregs(self);
	ASSERT_EQ(MINIVMX_EXIT_SHUTDOWN, vm_run(self));
	EXPECT_EQ(2, self->run->exit.reason);
	/* Userspace may set it up anew. */
	vm_long(self, nops);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
}

/* ---- Single step ---- */

/*
 * With TF set, Bochs makes a pending #DB of an EPT violation, before the
 * instruction that it belongs to. So have the pages there first.
 */
static void run_through(VM *self, int last)
{
	int kind = vm_run(self);

	while (kind != last || kind == VM_TRAP)
		kind = vm_skip(self);
	vm_event(self, EXCEPTION, UD);
	vm_must(vm_run(self) == VM_TRAP);
	self->run->regs.rip = VM_CODE;
	self->run->regs.rsp = VM_STACK;
	self->run->regs.rflags = 2 | RFLAGS_TF;
}

/*
 * An exit of an instruction, like a fault, leaves no single step pending: it
 * is minivmx that has to trap behind the instruction. Bochs does leave one.
 */
static void no_pending_debug(VM *self)
{
	struct minivmx_events events = get_events(self);

	events.pending_debug = 0;
	vm_must(!minivmx_set_events(self->vcpu, &events));
}

GUEST64(step_code, "cpuid; nop; vmcall");

TEST_F(vm, single_step_traps_behind_an_emulated_instruction)
{
	vm_long(self, step_code);
	run_through(self, MINIVMX_EXIT_HYPERCALL);
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_TRAP_AT(DB, 2);
	ASSERT_EQ(0, minivmx_get_sregs(self->vcpu, &self->sregs));
	EXPECT_EQ(1UL << 14, self->sregs.dr6 & (1UL << 14));
	EXPECT_NE(0, self->trap.rflags & RFLAGS_TF);
	/* And behind the next one, which the CPU executes. */
	ASSERT_EQ(VM_TRAP, vm_skip(self));
	EXPECT_TRAP_AT(DB, 3);
	/* A hypercall that userspace finishes. */
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(self));
	no_pending_debug(self);
	ASSERT_EQ(VM_TRAP, vm_skip(self));
	EXPECT_TRAP_AT(DB, 6);
}

GUEST64(step_io, "out %al, $0x80; nop; hlt; nop");

TEST_F(vm, single_step_traps_behind_io_and_hlt)
{
	vm_long(self, step_io);
	run_through(self, MINIVMX_EXIT_HLT);
	ASSERT_EQ(MINIVMX_EXIT_IO, vm_run(self));
	no_pending_debug(self);
	ASSERT_EQ(VM_TRAP, vm_skip(self));
	EXPECT_TRAP_AT(DB, 2);
	ASSERT_EQ(VM_TRAP, vm_skip(self));
	EXPECT_TRAP_AT(DB, 3);
	ASSERT_EQ(MINIVMX_EXIT_HLT, vm_skip(self));
	no_pending_debug(self);
	ASSERT_EQ(VM_TRAP, vm_skip(self));
	EXPECT_TRAP_AT(DB, 4);
}

GUEST64(btf_code,
	"mov $0x1d9, %ecx; mov $2, %eax; xor %edx, %edx; wrmsr; vmcall;"
	"nop; nop; vmcall; cpuid; nop; vmcall");

TEST_F(vm, branch_step_does_not_trap_behind_an_emulated_instruction)
{
	/* With DEBUGCTL.BTF only branches trap. */
	vm_long(self, btf_code);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	self->run->regs.rflags |= RFLAGS_TF;
	if (vm_skip(self) == VM_TRAP)
		SKIP(return, "this CPU single-steps in spite of BTF");
	EXPECT_EQ(VM_CODE + 19, self->run->regs.rip);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(self));
	EXPECT_EQ(VM_CODE + 25, self->run->regs.rip);
}

/* ---- Breakpoints ---- */

GUEST64(watch_code, "movl $1, DATA; nop; vmcall");

TEST_F(vm, data_breakpoint_traps_behind_the_write)
{
	vm_long(self, watch_code);
	self->sregs.dr0 = VM_DATA;
	self->sregs.dr7 = 0x400 | 1 | 0xd << 16;	/* L0, 4 bytes, writes */
	self->sregs.dr6 = 0xffff0ff0 | 2;		/* of an earlier one */
	vm_set_sregs(self);
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_TRAP_AT(DB, 11);
	ASSERT_EQ(0, minivmx_get_sregs(self->vcpu, &self->sregs));
	EXPECT_EQ(1, self->sregs.dr6 & 0xf);
	EXPECT_EQ(VM_DATA, self->sregs.dr0);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(self));
}

TEST_F(vm, code_breakpoint_faults_before_the_instruction)
{
	vm_long(self, nops);
	self->sregs.dr1 = VM_CODE + 2;
	self->sregs.dr7 = 0x400 | 4;
	vm_set_sregs(self);
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_TRAP_AT(DB, 2);
	ASSERT_EQ(0, minivmx_get_sregs(self->vcpu, &self->sregs));
	EXPECT_EQ(2, self->sregs.dr6 & 0xf);
	/*
	 * The CPU sets RF in the image, so that IRET gets over it; the exit has
	 * it in RFLAGS (except in Bochs).
	 */
	((uint64_t *)self->trap.frame)[2] |= RFLAGS_RF;
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_skip(self));
}

/* ---- #AC ---- */

GUEST64(unaligned, "mov DATA + 1, %eax; vmcall");

TEST_F(vm, alignment_check_reaches_the_guest)
{
	vm_long(self, unaligned);
	vm_user(self);
	self->sregs.cr0 |= CR0_AM;
	vm_set_sregs(self);
	self->run->regs.rflags |= RFLAGS_AC;
	ASSERT_EQ(VM_TRAP, vm_run(self));
	EXPECT_TRAP_AT(AC, 0);
	EXPECT_EQ(0, self->trap.error);
	EXPECT_EQ(1, vm_count(self, 0));
	EXPECT_EQ(VM_USER_CODE, self->trap.cs);
}

TEST_HARNESS_MAIN
