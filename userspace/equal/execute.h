/* SPDX-License-Identifier: GPL-2.0 */
/* Running a program in a VM of its own, on either backend. */
#ifndef EQUAL_EXECUTE_H
#define EQUAL_EXECUTE_H

#include "backend.h"
#include "outcome.h"

/*
 * @memory has EQUAL_SIZE bytes, whole pages, with the program in it; it is used up. -1 with
 * a message if it cannot be run at all; any end that a guest can find is an outcome.
 */
int equal_execute(const struct equal_program *program, const struct backend *backend,
		  uint8_t *memory, struct equal_outcome *outcome, struct message *message);

#endif /* EQUAL_EXECUTE_H */
