/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The stub's side of gdb's remote serial protocol ("Remote Protocol" in Debugging
 * with GDB). Pure logic: bytes come in one by one, and what is asked of the target goes
 * out by struct gdb_ops. The client is not trusted. It is our own because Debian has no
 * library with the server's side of the protocol: gdbserver is a program.
 */
#ifndef GDB_H
#define GDB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gdb_regs.h"

/* The longest packet that is taken, and the longest reply, without framing. */
#define GDB_PACKET_MAX	4096
#define GDB_REPLY_MAX	4096

/* What stops the guest at an address; the values are those of Z packets. */
enum gdb_point_type {
	GDB_SOFTWARE = 0,
	GDB_HARDWARE = 1,
	GDB_WATCH_WRITE = 2,
	GDB_WATCH_READ = 3,	/* the CPU has no such: refused */
	GDB_WATCH_ACCESS = 4,
};

/**
 * struct gdb_point - a breakpoint or watchpoint
 * @type: of which kind
 * @address: linear
 * @size: bytes watched; without meaning for breakpoints
 */
struct gdb_point {
	enum gdb_point_type type;
	uint64_t address;
	uint64_t size;
};

/* Why the guest stands still. */
enum gdb_stop {
	GDB_STOP_ASKED,		/* by Ctrl-C, or because gdb has come */
	GDB_STOP_STEP,		/* a step was done */
	GDB_STOP_POINT,		/* at a breakpoint or watchpoint */
};

/* What the client wants, apart from an answer. */
enum gdb_action {
	GDB_NOTHING,
	GDB_CONTINUE,
	GDB_STEP,
	GDB_INTERRUPT,	/* it was 0x03: stop, and call gdb_stopped() */
	GDB_DETACH,	/* go on without it; the connection is over */
	GDB_KILL,	/* end the guest; the connection is over */
};

/**
 * struct gdb_ops - the target
 * @get_cpu: read all registers. 0 or -errno
 * @set_cpu: write all registers. 0 or -errno
 * @read: read memory at a linear address; returns the bytes that there were
 * @write: write it, likewise
 * @insert: insert a breakpoint or watchpoint; 0, -EOPNOTSUPP for a type that there
 *	    is not, or -errno. One that is there already is inserted once.
 * @remove: remove it, whether it is there or not; likewise
 */
struct gdb_ops {
	int (*get_cpu)(void *target, struct gdb_cpu *cpu);
	int (*set_cpu)(void *target, const struct gdb_cpu *cpu);
	size_t (*read)(void *target, uint64_t address, uint8_t *bytes, size_t size);
	size_t (*write)(void *target, uint64_t address, const uint8_t *bytes, size_t size);
	int (*insert)(void *target, const struct gdb_point *point);
	int (*remove)(void *target, const struct gdb_point *point);
};

/* Send bytes to the client. */
typedef void (*gdb_send)(void *connection, const char *bytes, size_t size);

enum gdb_state {
	GDB_BETWEEN,		/* packets */
	GDB_DATA,
	GDB_ESCAPED,		/* in data, behind } */
	GDB_SUM_HIGH,
	GDB_SUM_LOW,
};

/**
 * struct gdb - a connection
 * @ops: what is asked of the target
 * @target: passed to each
 * @send: how to reach the client
 * @connection: passed to it
 * @arch: which registers the client was told of
 * @running: the guest runs: nothing but 0x03 counts
 * @no_ack: packets are not acknowledged any more
 * @knows_swbreak: the client understands that stop reason
 * @knows_hwbreak: likewise
 * @state: where in a packet we are
 * @sum: checksum so far
 * @wanted: high digit of the checksum that came with it
 * @too_long: it has no room in @packet
 * @length: bytes at @packet
 * @packet: a packet's data without framing and escapes, with a final zero
 * @reply_length: bytes at @reply
 * @reply: the last one, framed
 * @stop: the last stop
 * @point: what it stopped at, with GDB_STOP_POINT
 */
struct gdb {
	const struct gdb_ops *ops;
	void *target;
	gdb_send send;
	void *connection;
	enum gdb_arch arch;
	bool running;
	bool no_ack;
	bool knows_swbreak;
	bool knows_hwbreak;
	enum gdb_state state;
	uint8_t sum;
	uint8_t wanted;
	bool too_long;
	size_t length;
	char packet[GDB_PACKET_MAX + 1];
	size_t reply_length;
	char reply[GDB_REPLY_MAX + 5];
	enum gdb_stop stop;
	struct gdb_point point;
};

/* A client has come; the guest stands still. */
void gdb_connect(struct gdb *gdb, const struct gdb_ops *ops, void *target, enum gdb_arch arch,
		 gdb_send send, void *connection);

/* A byte from the client. After GDB_CONTINUE and GDB_STEP the guest runs. */
enum gdb_action gdb_byte(struct gdb *gdb, uint8_t byte);

/* The guest has stopped: tell the client. @point only with GDB_STOP_POINT. */
void gdb_stopped(struct gdb *gdb, enum gdb_stop why, const struct gdb_point *point);

/* The guest has ended, with that exit status. */
void gdb_exited(struct gdb *gdb, int status);

#endif /* GDB_H */
