/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One run of one guest: the machine, the vCPU, and the threads around them.
 *
 *   main thread     runs the bootstrap CPU (vcpu.c)
 *   CPU threads     run the others, one each
 *   I/O thread      keyboard, clocks, signals, --timeout (io.c)
 *   output thread   stdout, and the backlog of the console (output.c, console.c)
 *   control thread  other processes' requests (control.c, control_requests.c)
 *   workers         the virtio devices' I/O (virtio_devices.c)
 *
 * Locks: machine->lock first, then a virtio device's or output.lock; nothing is waited
 * for with either held, except on a condition of that lock.
 */
#ifndef SESSION_H
#define SESSION_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "backend.h"
#include "console.h"
#include "doors.h"
#include "libminivmx.h"
#include "machine.h"
#include "memory.h"
#include "message.h"
#include "output.h"
#include "virtio_devices.h"

/* Why it is over. */
enum outcome {
	OUTCOME_NONE,		/* it is not */
	OUTCOME_POWEROFF,
	OUTCOME_RESET,
	OUTCOME_HALT,		/* HLT with interrupts off */
	OUTCOME_DEBUG_EXIT,	/* detail: the byte written */
	OUTCOME_QUIT,		/* Ctrl-A x */
	OUTCOME_KILLED,		/* minivmx kill */
	OUTCOME_DEBUGGER,	/* gdb killed it */
	OUTCOME_TIMEOUT,
	OUTCOME_SIGNAL,		/* detail: its number */
	OUTCOME_TRIPLE_FAULT,
	OUTCOME_VM_ERROR,	/* the run page says what */
	OUTCOME_RUN_FAILED,	/* detail: errno of MINIVMX_RUN */
	OUTCOME_STDOUT,		/* detail: errno of write() */
	OUTCOME_HOST,		/* detail: errno; the I/O thread failed */
};

/* What the user asked for: the members are those of the table in run_options.c. */
struct run_options {
	const char *config;	/* the file in which some of it was, or NULL */
	const char *image;
	const char *initrd;
	const char *append;
	uint64_t memory;
	unsigned int cpus;
	const struct backend *backend;
	uint16_t debug_exit_port;
	struct disk_options disks[MAX_DISKS];
	unsigned int nr_disks;
	struct net_options nets[MAX_NETS];
	unsigned int nr_nets;
	uint32_t vsock_cid;	/* 0: no virtio socket device */
	bool virtio_console;	/* the terminal is a virtio console's, not the serial port's */
	bool stats;
	const char *stats_json;
	uint64_t timeout_ns;	/* 0: none */
	const char *name;	/* or NULL: its PID */
	const char *control_base; /* where the control socket goes; NULL: there is none */
	bool detach;		/* run in the background */
	const char *log;	/* of a detached run; NULL: beside the control socket */
	bool gdb;		/* wait for gdb on @gdb_port */
	uint16_t gdb_port;	/* 0: any that is free */
	bool verbose;
	bool help;
	struct kept_text *kept;	/* of run_options_keep() */
};

/**
 * struct cpu - a virtual CPU
 * @session: whose
 * @id: its number, which is its APIC id; 0 is the bootstrap CPU
 * @vcpu: what executes it
 * @run: its run page
 * @thread: that runs it, but for CPU 0, which the main thread runs
 * @in_run: it is in run() or about to be
 * @kicked: it has been kicked there
 * @parked: it has halted with interrupts off
 */
struct cpu {
	struct session *session;
	unsigned int id;
	struct vcpu vcpu;
	struct minivmx_run *run;
	pthread_t thread;
	bool in_run;
	bool kicked;
	bool parked;
};

/**
 * struct session - a run
 * @options: what the user asked for
 * @memory: the guest's RAM
 * @vm: the VM
 * @cpus: the CPUs
 * @nr_cpus: how many of them have a descriptor
 * @nr_threads: how many of them have a thread, the main thread included
 * @machine: the devices; its lock protects the members from @console on
 * @doors: eventfds between the devices and the VM
 * @virtio: the devices on the PCI bus
 * @output: what the guest prints
 * @output_hangs: its thread could not be ended
 * @io: the I/O thread
 * @control: the control socket, or NULL
 * @debugger: the socket for gdb, or NULL
 * @log: where a detached run's messages will go
 * @console: for other processes
 * @paused: no CPU may enter the guest, and the machine's clock stands still
 * @turn: on the machine's lock: it goes on or has ended, or a CPU has left RUN while it
 *        is paused
 * @outcome: why it is over; the first reason stays
 * @detail: see enum outcome
 * @culprit: the CPU that made an end of it, or the first
 * @debugger_calls: gdb is to be looked at before the next RUN
 * @mmio_reads: reads of memory that is not there
 * @mmio_writes: writes to it
 * @mmio_first: the first such address
 */
struct session {
	const struct run_options *options;
	struct guest_memory memory;
	struct vm vm;
	struct cpu cpus[MINIVMX_MAX_VCPUS];
	unsigned int nr_cpus;
	unsigned int nr_threads;
	struct machine *machine;
	struct doors doors;
	struct virtio_devices virtio;
	struct output output;
	bool output_hangs;
	struct io_thread *io;
	struct control *control;
	struct debugger *debugger;
	int log;

	struct console console;
	bool paused;
	pthread_cond_t turn;
	enum outcome outcome;
	int detail;
	struct cpu *culprit;
	bool debugger_calls;
	uint64_t mmio_reads;
	uint64_t mmio_writes;
	uint64_t mmio_first;
};

/* Do it all; returns the exit status. */
int session_run(const struct run_options *options);

/* End it, unless it has ended. With the machine's lock held. */
void session_end(struct session *s, enum outcome why, int detail);

/*
 * Keep all CPUs out of the guest: when it returns they are. 0, or -1 with a message if it
 * cannot be. Then let them go on. With the machine's lock held.
 */
int session_pause(struct session *s, struct message *message);
void session_resume(struct session *s);

/* Get the bootstrap CPU's attention. With the machine's lock held. */
void session_kick(struct session *s);

/* ---- vcpu.c ---- */

/* Run the CPU until the session has ended. */
void vcpu_loop(struct cpu *cpu);
/* Make it leave RUN. With the machine's lock held. */
void vcpu_kick(struct cpu *cpu);
/* The rest of the CPUs: start their threads (0 or -errno), and wait for their ends. */
int vcpus_start(struct session *s);
void vcpus_join(struct session *s);

/* ---- io.c ---- */

/* 0 or -errno. */
int io_start(struct session *s);
void io_stop(struct session *s);

/* The next call of machine_tick(); NO_DEADLINE for none. */
void io_set_deadline(struct session *s, uint64_t when);
/* There is room for typed bytes again. */
void io_input_taken(struct session *s);
/* Look after the console's client, which has come, or does not take all at once. */
void io_watch_console(struct session *s);
/* The client has gone: the guest gets what it had typed, as far as there is room. */
void io_drop_console(struct session *s);
/* Call debugger_call() once, when @fd can be read. */
void io_watch_debugger(struct session *s, int fd);

/* ---- control_requests.c ---- */

/*
 * Make the control socket. If it cannot be made the run goes on, unless it is detached, or
 * the user asked for a name and it is taken: then -1, after a message. control_stop() ends it.
 */
int session_listen(struct session *s);

/* ---- report.c ---- */

/* Say why it ended, on stderr; returns the exit status. */
int report_outcome(const struct session *s);
/* What to do about @error of an ioctl of the vCPU; to print behind it. */
const char *vcpu_hint(int error);

/* ---- stats.c ---- */

/* Start measuring, and print what was measured as the options say. -errno. */
int stats_start(const struct session *s);
int stats_print(const struct session *s, struct message *message);

#endif /* SESSION_H */
