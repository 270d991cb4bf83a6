/* SPDX-License-Identifier: GPL-2.0 */
/* Why VM entry failed, by libminivmx's verdict. */
#ifndef LABS_EXPLAIN_H
#define LABS_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>

struct minivmx_broken_rule;

/* The first rule that is broken, if one is. */
bool find_broken_rule(int vcpu, int system, struct minivmx_broken_rule *broken);

/* @vcpu and @system are descriptors; at most @size bytes are written to @text. */
void explain_entry(int vcpu, int system, char *text, size_t size);

#endif /* LABS_EXPLAIN_H */
