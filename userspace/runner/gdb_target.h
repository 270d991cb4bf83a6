/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The vCPU as gdb's target: registers and memory, breakpoints, single steps.
 *
 * Single steps. Entry with "blocking by MOV SS" and the NMI-window exiting control
 * makes the guest execute one instruction: the window opens behind it, or, when the
 * instruction raises an exception, before the handler's first one, and also when the
 * module has emulated it. Nothing of that is visible to the guest, which RFLAGS.TF
 * would be in PUSHF and in the frame of each exception. The monitor trap flag is set
 * as well where the CPU has it: it also steps in an NMI handler, where NMIs stay
 * blocked; without it such a step ends only with the handler's IRET. No interrupt is
 * injected at a step. As with RFLAGS.TF, the instruction behind a MOV to SS, or an STI,
 * may be executed in the same step.
 *
 * Debug registers. While there are hardware breakpoints or watchpoints, DR0 to DR3
 * and DR7 are gdb's. The guest then reads and writes copies of its own, which it gets
 * back afterwards; its own breakpoints do not fire meanwhile. Without any they are the
 * guest's, and the module handles them.
 */
#ifndef GDB_TARGET_H
#define GDB_TARGET_H

#include "gdb.h"
#include "gdb_points.h"

/* DR0 to DR3, DR6 and DR7. */
struct gdb_debug_regs {
	uint64_t dr[4];
	uint64_t dr6;
	uint64_t dr7;
};

enum gdb_step {
	STEP_NONE,
	STEP_BEGIN,	/* the next RUN executes it */
	STEP_INSIDE,	/* RUN came back without having finished it */
	STEP_FINISH,	/* it exited: SKIP finishes it */
};

/**
 * struct gdb_target - the target
 * @vcpu: the vCPU's descriptor
 * @run: its run page
 * @xsave: an XSAVE area
 * @xsave_size: its size
 * @points: breakpoints and watchpoints
 * @catches: exceptions that exit come to us, and INT3 exits
 * @bitmap: the exception bitmap before that
 * @owns_drs: the debug registers are gdb's
 * @guest: the guest's, then
 * @step: how far a step is
 * @asked: gdb wants to know when it is done; else it only leads over a breakpoint
 * @lifted: guest-physical address of the software breakpoint that is out of its way
 * @is_lifted: there is one
 */
struct gdb_target {
	int vcpu;
	struct minivmx_run *run;
	void *xsave;
	uint32_t xsave_size;
	struct gdb_points points;
	bool catches;
	uint64_t bitmap;
	bool owns_drs;
	struct gdb_debug_regs guest;
	enum gdb_step step;
	bool asked;
	uint64_t lifted;
	bool is_lifted;
};

/* The target's side of the protocol; the target is a struct gdb_target. */
extern const struct gdb_ops gdb_target_ops;

/* 0 or -ENOMEM. */
int gdb_target_init(struct gdb_target *t, int vcpu, struct minivmx_run *run,
		    const struct guest_memory *memory, uint32_t xsave_size);
void gdb_target_free(struct gdb_target *t);

/* Which registers it has. 0 or -errno. */
int gdb_target_arch(struct gdb_target *t, enum gdb_arch *arch);

/* The guest is to go on: for one instruction, if @step. 0 or -errno. */
int gdb_target_resume(struct gdb_target *t, bool step);

/* It is to stand still, also in the middle of a step. 0 or -errno. */
int gdb_target_halt(struct gdb_target *t);

/* Take out all that was inserted, when gdb has gone. 0 or -errno. */
int gdb_target_release(struct gdb_target *t);

/*
 * Before RUN. 1: a step is under way, @run->request is set, and no interrupt may be
 * injected. 0: there is none. Or -errno.
 */
int gdb_target_prepare(struct gdb_target *t);

enum gdb_exit {
	GDB_EXIT_OTHER,		/* not its business: to be handled as always */
	GDB_EXIT_HANDLED,	/* go on */
	GDB_EXIT_STEPPED,	/* the step is done */
	GDB_EXIT_POINT,		/* at a breakpoint or watchpoint */
};

/* After RUN: an enum gdb_exit, with GDB_EXIT_POINT @point is set; or -errno. */
int gdb_target_exit(struct gdb_target *t, struct gdb_point *point);

#endif /* GDB_TARGET_H */
