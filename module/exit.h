/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Exit handlers: exit_<handler>() for each name in exits.def. A handler with
 * the flag IRQOFF runs inside the window (interrupts off, VMCS current), one
 * with SLEEP after it (interrupts on, VMCS not loaded, all copies cached).
 */
#ifndef MINIVMX_EXIT_H
#define MINIVMX_EXIT_H

#include <linux/minmax.h>
#include <linux/types.h>

#include "vcpu.h"

/* struct exit_row.flags */
#define EXIT_QUALIFICATION	BIT(0)
#define EXIT_INSN_LEN		BIT(1)
#define EXIT_GPA		BIT(2)
#define EXIT_GLA		BIT(3)
#define EXIT_INTR		BIT(4)
#define EXIT_INSN_INFO		BIT(5)
#define EXIT_IDT		BIT(6)
#define EXIT_SLEEP		BIT(7)
#define EXIT_ROUTE		BIT(8)
#define EXIT_STRING		BIT(9)
/* Fields that few exits have. */
#define EXIT_RARE		(EXIT_GPA | EXIT_GLA | EXIT_INTR | EXIT_INSN_INFO | EXIT_IDT | \
				 EXIT_STRING)

/* "Exit Qualification for I/O Instructions": INS or OUTS. */
#define IO_STRING		BIT_ULL(4)

/**
 * struct exit_row - what to do about a basic exit reason
 * @handler: what runs
 * @flags: which exit-information fields to read, EXIT_SLEEP and EXIT_ROUTE
 */
struct exit_row {
	enum run_action (*handler)(struct vcpu *vcpu);
	u32 flags;
};

/* Is it in exits.def? */
bool exit_row_known(u32 basic_reason);

/* By basic reason, and of those that are not there. */
extern const struct exit_row exit_rows[MINIVMX_NR_EXITS], exit_row_unknown;

/* All numbers that are too large share the last row, which is one that is not there. */
static inline u32 exit_index(u32 basic_reason)
{
	return min_t(u32, basic_reason, MINIVMX_NR_EXITS - 1);
}

/* Never NULL: what is not there is reported as it is. */
static inline const struct exit_row *exit_row(u32 index)
{
	const struct exit_row *row = &exit_rows[index];

	return likely(row->handler) ? row : &exit_row_unknown;
}

const char *exit_reason_name(u32 basic_reason);

/* Leave with no more than the raw exit. */
enum run_action exit_user(struct vcpu *vcpu);
enum run_action exit_routed(struct vcpu *vcpu);

/* What an exit that cut an IRET off has to say of NMI blocking. */
void exit_nmi_unblocking(struct vcpu *vcpu);

#define EXIT(number, name, handler, fields, flags) \
	enum run_action exit_##handler(struct vcpu *vcpu);
#include "exits.def"
#undef EXIT

/* Finish what the last exit left to userspace (exit_io.c, exit_mmio.c). */
enum run_action io_complete(struct vcpu *vcpu);
enum run_action mmio_complete(struct vcpu *vcpu);
/* An access to unmapped memory: decode the instruction, start the exits. */
enum run_action mmio_start(struct vcpu *vcpu);
enum run_action mmio_plain(struct vcpu *vcpu, bool write);
/* To memory that cannot be accessed so (MINIVMX_PROT_*): tell the program. */
enum run_action exit_memory(struct vcpu *vcpu, u32 access, int error);

#endif /* MINIVMX_EXIT_H */
