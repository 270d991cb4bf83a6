/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Engines: parts that stand on large libraries, in shared objects of their own, so that
 * only a run that uses one loads it, and an installation can do without.
 */
#ifndef ENGINE_H
#define ENGINE_H

#include "message.h"

/*
 * The function @symbol of the engine @name, which is in ../lib/minivmx/NAME.so, seen from
 * the program's folder. NULL with a message if it is not there; @package has it.
 */
void *engine_function(const char *name, const char *symbol, const char *package,
		      struct message *message);

#endif /* ENGINE_H */
