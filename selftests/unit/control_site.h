/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For tests of the control socket: a server of a few requests in a directory of the
 * test, and a client without manners.
 *
 *   hello             answers with the protocol's version
 *   echo text=STRING [number=NUMBER]  answers with the same
 *   large size=NUMBER answers with a text of that length
 *   files             hands over control_files
 *   gift              gives a new file away
 *   never             is refused
 */
#ifndef CONTROL_SITE_H
#define CONTROL_SITE_H

#include <stdbool.h>
#include <sys/types.h>

#include "../../userspace/runner/control.h"
#include "message.h"

#define NOBODY		65534
#define CONTROL_FILES	3
#define HELLO		"{\"request\":\"hello\"}"

/* Each of them larger than the last by 100 bytes. */
extern int control_files[CONTROL_FILES];

struct control_site {
	char base[64];
	struct control_config config;	/* a runner called "server" */
	struct control *server;
	struct message message;
};

void control_site_init(struct control_site *site);
void control_site_fini(struct control_site *site);

/* control_start() of what is in @config. */
int start(struct control_site *site);
/* The same in a process of its own, as a user; it runs until end_child(). */
pid_t start_child(struct control_site *site, const char *name, uid_t uid);
void end_child(pid_t child);

/* The name of a file in minivmx/; good for the next three calls. */
const char *path(const struct control_site *site, const char *file);
bool exists(const char *name);
unsigned int count_fds(void);
/* There are @n again, once a server here has closed the connections of who is gone. */
bool fds_become(unsigned int n);

/* Connect to "server": a descriptor or a negative errno. */
int dial(struct control_site *site);
/* The next message: NULL if none comes in time, "" if the connection is closed. */
const char *hear(int fd);
/* The answer to @text; NULL if it cannot be sent. */
const char *say(int fd, const char *text, size_t len);
/* Whether the answer to @request has @words in it. */
bool answers(int fd, const char *request, const char *words);

#endif /* CONTROL_SITE_H */
