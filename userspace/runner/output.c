// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "output.h"

#define COLLECT_NS	4000000L	/* 4 ms: below what a reader notices */
#define COLLECT_BYTES	4096
#define BUFFER_LIMIT	65536

static struct timespec after(long ns)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += ns / 1000000000L;
	t.tv_nsec += ns % 1000000000L;
	if (t.tv_nsec >= 1000000000L) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000L;
	}
	return t;
}

/* Returns 0 or an errno. */
static int write_all(int fd, const uint8_t *bytes, size_t len)
{
	while (len) {
		ssize_t n = write(fd, bytes, len);

		if (n >= 0) {
			bytes += n;
			len -= (size_t)n;
		} else if (errno == EAGAIN) {
			/* Whoever started us may have made it non-blocking. */
			struct pollfd ready = { .fd = fd, .events = POLLOUT };

			poll(&ready, 1, -1);
		} else if (errno != EINTR) {
			return errno;
		}
	}
	return 0;
}

/* Wait for bytes, then a moment for more of them. */
static void collect(struct output *output)
{
	struct timespec until;

	while (!output->length && !output->finishing)
		pthread_cond_wait(&output->wake, &output->lock);
	until = after(COLLECT_NS);
	while (output->length < COLLECT_BYTES && !output->finishing)
		if (pthread_cond_timedwait(&output->wake, &output->lock, &until))
			return;
}

static void write_buffer(struct output *output, uint8_t *bytes, size_t len)
{
	int error = 0;

	output->copy(output->context, bytes, len);
	if (output->fd >= 0)
		error = write_all(output->fd, bytes, len);
	free(bytes);
	if (!error)
		return;
	pthread_mutex_lock(&output->lock);
	output->error = error;
	pthread_mutex_unlock(&output->lock);
	output->failed(output->context, error);
}

static void *writer(void *argument)
{
	struct output *output = argument;

	pthread_mutex_lock(&output->lock);
	for (;;) {
		uint8_t *bytes;
		size_t len;

		collect(output);
		if (!output->length)
			break;
		bytes = output->buffer;
		len = output->length;
		output->buffer = NULL;
		output->length = 0;
		output->capacity = 0;
		output->full = false;
		pthread_cond_broadcast(&output->room);

		pthread_mutex_unlock(&output->lock);
		write_buffer(output, bytes, len);
		pthread_mutex_lock(&output->lock);
	}
	output->done = true;
	pthread_cond_broadcast(&output->room);
	pthread_mutex_unlock(&output->lock);
	return NULL;
}

void output_init(struct output *output, int fd,
		 void (*copy)(void *context, const uint8_t *bytes, size_t len),
		 void (*failed)(void *context, int error), void *context)
{
	pthread_condattr_t monotonic;

	memset(output, 0, sizeof(*output));
	output->fd = fd;
	output->copy = copy;
	output->failed = failed;
	output->context = context;
	pthread_mutex_init(&output->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&output->wake, &monotonic);
	pthread_cond_init(&output->room, &monotonic);
	pthread_condattr_destroy(&monotonic);
}

int output_start(struct output *output)
{
	return -pthread_create(&output->thread, NULL, writer, output);
}

/* Room for @len more bytes; false if there is no memory for them. */
static bool reserve(struct output *output, size_t len)
{
	size_t capacity = output->capacity ? output->capacity : COLLECT_BYTES;
	uint8_t *buffer;

	while (capacity - output->length < len)
		capacity *= 2;
	if (capacity == output->capacity)
		return true;
	buffer = realloc(output->buffer, capacity);
	if (!buffer)
		return false;
	output->buffer = buffer;
	output->capacity = capacity;
	return true;
}

void output_add(struct output *output, const uint8_t *bytes, size_t len)
{
	bool was_empty;

	if (!len)
		return;
	pthread_mutex_lock(&output->lock);
	if (!output->error && reserve(output, len)) {
		was_empty = !output->length;
		memcpy(output->buffer + output->length, bytes, len);
		output->length += len;
		output->full = output->length >= BUFFER_LIMIT;
		if (was_empty || output->length >= COLLECT_BYTES)
			pthread_cond_signal(&output->wake);
	}
	pthread_mutex_unlock(&output->lock);
}

void output_wait_room(struct output *output)
{
	if (!output->full)
		return;
	pthread_mutex_lock(&output->lock);
	while (output->full && !output->released)
		pthread_cond_wait(&output->room, &output->lock);
	pthread_mutex_unlock(&output->lock);
}

void output_release(struct output *output)
{
	pthread_mutex_lock(&output->lock);
	output->released = true;
	pthread_cond_broadcast(&output->room);
	pthread_mutex_unlock(&output->lock);
}

bool output_finish(struct output *output, int patience_ms)
{
	struct timespec until = after(patience_ms * 1000000L);
	int late = 0;

	pthread_mutex_lock(&output->lock);
	output->finishing = true;
	pthread_cond_signal(&output->wake);
	while (!output->done && !late)
		late = patience_ms < 0 ?
		       pthread_cond_wait(&output->room, &output->lock) :
		       pthread_cond_timedwait(&output->room, &output->lock,
					      &until);
	pthread_mutex_unlock(&output->lock);
	if (late)
		return false;
	pthread_join(output->thread, NULL);
	return true;
}
