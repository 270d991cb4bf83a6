/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the guest prints, on its way to stdout.
 *
 * A thread of its own writes it, so that a terminal that is held (Ctrl-S) or a
 * full pipe stops neither the clocks nor the keyboard. The bytes of a few
 * milliseconds go out together: a write for each would cost far more than the
 * guest's own work.
 */
#ifndef OUTPUT_H
#define OUTPUT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct output - the buffer and its thread
 * @fd: where it goes, or -1: nowhere but to @copy
 * @copy: called with all of it, from the thread and without locks, before it is written
 * @failed: called once, from the thread and without locks, if writing fails
 * @context: passed to both
 * @lock: protects all below
 * @wake: something to write, or finishing
 * @room: the buffer was emptied, or nobody should wait any more
 * @buffer: bytes to write
 * @length: how many
 * @capacity: bytes allocated
 * @full: too much is buffered; also read without the lock
 * @finishing: write what there is, then end
 * @released: output_wait_room() does not wait any more
 * @done: the thread has written everything
 * @error: errno of the write that failed; what comes after is dropped
 * @thread: the thread
 */
struct output {
	int fd;
	void (*copy)(void *context, const uint8_t *bytes, size_t len);
	void (*failed)(void *context, int error);
	void *context;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_cond_t room;
	uint8_t *buffer;
	size_t length;
	size_t capacity;
	atomic_bool full;
	bool finishing;
	bool released;
	bool done;
	int error;
	pthread_t thread;
};

void output_init(struct output *output, int fd,
		 void (*copy)(void *context, const uint8_t *bytes, size_t len),
		 void (*failed)(void *context, int error), void *context);

/* Start the thread: 0 or -errno. */
int output_start(struct output *output);

/* Append; never waits. */
void output_add(struct output *output, const uint8_t *bytes, size_t len);

/* Wait while too much is buffered; quick if not. Hold no lock meanwhile. */
void output_wait_room(struct output *output);

/* Let output_wait_room() return at once from now on. */
void output_release(struct output *output);

/*
 * Write everything and end the thread. With @patience_ms not negative give up
 * after that time: then false, and the thread still hangs in a write.
 */
bool output_finish(struct output *output, int patience_ms);

#endif /* OUTPUT_H */
