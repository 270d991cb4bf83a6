/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A stand-in for libminivmx's descriptors: a CPU whose program is a list of
 * steps, for tests of the runner where there is no VT-x.
 */
#ifndef FAKE_MINIVMX_H
#define FAKE_MINIVMX_H

#include <stdint.h>

#include "libminivmx.h"

enum fake_op {
	FAKE_OUT,	/* OUT @port, @value, of @size bytes (0: 1) */
	FAKE_OUTS,	/* REP OUTSB of @text to @port */
	FAKE_IN,	/* IN of @size bytes from @port; must give @value */
	FAKE_ECHO,	/* IN and OUT by COM1 until @value came, in rounds */
	FAKE_CLI,
	FAKE_STI,
	FAKE_HLT,
	FAKE_SPIN,	/* until @value interrupts came since the last one */
	FAKE_DELAY,	/* @value milliseconds without an exit */
	FAKE_VECTOR,	/* the last vector delivered must be @value */
	FAKE_MMIO_READ,	/* must give @value */
	FAKE_MMIO_WRITE,
	FAKE_EXIT,	/* an exit of kind @value, at basic reason @port */
	FAKE_ERROR,	/* RUN fails with -@value */
	FAKE_AGAIN,	/* from the first step again */
};

struct fake_step {
	enum fake_op op;
	uint16_t port;
	uint64_t value;
	const char *text;
	unsigned int size;
};

/* The program; set it before a session is run. */
extern const struct fake_step *fake_program;

/* What MINIVMX_GET_CAPS gives, or fails with if that is not 0 (a negative errno). */
extern struct minivmx_caps fake_caps;
extern int fake_caps_error;

/*
 * The VMCS: a field that has no row is not on this CPU. A change of bits in @refused
 * fails with @result, and the value stays.
 */
extern struct minivmx_vmcs_field *fake_vmcs;
extern unsigned int fake_vmcs_nr;
/* What GET and SET fail with altogether, and how often SET went well. */
extern int fake_vmcs_error;
extern unsigned int fake_vmcs_sets;

#endif /* FAKE_MINIVMX_H */
