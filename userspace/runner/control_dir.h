/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The directory of control sockets: minivmx/ in /run for root, in
 * $XDG_RUNTIME_DIR for others; a socket for each runner, NAME.sock or PID.sock.
 *
 * Who else could write there could put a socket of their own in a runner's place,
 * so the directory must be the user's, mode 0700, and no link. It is opened once,
 * and then only reached by that descriptor.
 *
 * Functions return a value that is not negative, or a negative errno; those that
 * take a struct message say there what is wrong.
 */
#ifndef CONTROL_DIR_H
#define CONTROL_DIR_H

#include <stdbool.h>
#include <sys/types.h>

#include "message.h"

#define CONTROL_NAME_MAX	63	/* characters in a runner's name */

/* What stands before ".sock", and the end of the string. */
struct control_name {
	char text[CONTROL_NAME_MAX + 1];
};

/*
 * Letters, digits, - and _, and not digits alone: those are PIDs. At most
 * CONTROL_NAME_MAX of them.
 */
bool control_name_is_valid(const char *name);

/* Where minivmx/ is; NULL if there is no such place, and @message says why. */
const char *control_base(struct message *message);

/*
 * Open minivmx/ in @base, after making it if @create. -ENOENT: it is not there;
 * -EPERM: it, or @base, is not to be trusted.
 */
int control_dir_open(const char *base, bool create, struct message *message);

/*
 * Wait a little for whoever else starts a runner: -EWOULDBLOCK if they do not
 * finish. Under this lock sockets are made, and those of the dead removed.
 */
int control_dir_lock(int dir);
void control_dir_unlock(int dir);

/*
 * A descriptor connected to the runner @name. -ECONNREFUSED: it is dead;
 * -ENOENT: there is none; -ENOTSOCK: something else is in its place.
 */
int control_dir_connect(int dir, const char *name);

/* Listen as @name, which nobody uses (-EADDRINUSE), with the lock held. */
int control_dir_listen(int dir, const char *name, int backlog);

/*
 * A new file beside the socket of the runner @name, or of ours if that is NULL, for what
 * it has to say: NAME.log or PID.log.
 */
int control_dir_open_log(const char *base, const char *name, struct message *message);

/* The inode of the socket @name, 0 if there is none. */
ino_t control_dir_inode(int dir, const char *name);

/* Remove the socket @name. */
void control_dir_remove(int dir, const char *name);

/* Call @each with the name of every socket, until it returns what is not 0. */
int control_dir_for_each(int dir, int (*each)(void *context, int dir, const char *name),
			 void *context);

/* Remove the sockets of runners that are dead, with the lock held. */
void control_dir_sweep(int dir);

#endif /* CONTROL_DIR_H */
