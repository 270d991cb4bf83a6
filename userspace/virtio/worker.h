/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A thread that waits for descriptors and calls functions: what devices do their I/O in.
 *
 * The functions are called in that thread, one at a time and with no lock held. A worker
 * is set up and taken down by the main thread while it does not run.
 */
#ifndef WORKER_H
#define WORKER_H

#include <stdint.h>

struct worker;

/**
 * struct worker_watch - a descriptor that a worker waits for
 * @fd: the descriptor
 * @ready: called when one of the events is there: EPOLLIN and so on
 * @context: passed to it
 *
 * It is the caller's, and stays where it is until worker_free() or worker_unwatch().
 */
struct worker_watch {
	int fd;
	void (*ready)(void *context, uint32_t events);
	void *context;
};

/* NULL with errno set on failure. */
struct worker *worker_new(void);
/* Wait for @events of it from now on, or for others than before. 0 or -errno. */
int worker_watch(struct worker *worker, struct worker_watch *watch, uint32_t events);
void worker_unwatch(struct worker *worker, struct worker_watch *watch);
/* 0 or -errno. */
int worker_start(struct worker *worker);
/* Returns when the thread has ended; nothing if there is none. */
void worker_stop(struct worker *worker);
void worker_free(struct worker *worker);

#endif /* WORKER_H */
