// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "worker.h"

struct worker {
	int epoll;
	struct worker_watch stop;
	bool stopping;		/* of the thread alone */
	bool is_running;
	pthread_t thread;
};

static void on_stop(void *context, uint32_t events)
{
	struct worker *worker = context;

	(void)events;
	worker->stopping = true;
}

struct worker *worker_new(void)
{
	struct worker *worker = calloc(1, sizeof(*worker));
	int ret;

	if (!worker)
		return NULL;
	worker->stop = (struct worker_watch) {
		.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
		.ready = on_stop,
		.context = worker,
	};
	worker->epoll = epoll_create1(EPOLL_CLOEXEC);
	ret = worker->stop.fd < 0 || worker->epoll < 0 ? -errno :
	      worker_watch(worker, &worker->stop, EPOLLIN);
	if (ret) {
		worker_free(worker);
		errno = -ret;
		return NULL;
	}
	return worker;
}

int worker_watch(struct worker *worker, struct worker_watch *watch, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = watch };

	if (!epoll_ctl(worker->epoll, EPOLL_CTL_ADD, watch->fd, &event))
		return 0;
	if (errno == EEXIST && !epoll_ctl(worker->epoll, EPOLL_CTL_MOD, watch->fd, &event))
		return 0;
	return -errno;
}

void worker_unwatch(struct worker *worker, struct worker_watch *watch)
{
	epoll_ctl(worker->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
}

/*
 * One event at a time: a function may end another watch, whose event would be stale in
 * a list.
 */
static void *worker_main(void *arg)
{
	struct worker *worker = arg;
	struct epoll_event event;

	while (!worker->stopping) {
		const struct worker_watch *watch;

		if (epoll_wait(worker->epoll, &event, 1, -1) != 1)
			continue;
		watch = event.data.ptr;
		watch->ready(watch->context, event.events);
	}
	return NULL;
}

int worker_start(struct worker *worker)
{
	int ret = pthread_create(&worker->thread, NULL, worker_main, worker);

	worker->is_running = !ret;
	return -ret;
}

void worker_stop(struct worker *worker)
{
	if (!worker || !worker->is_running)
		return;
	eventfd_write(worker->stop.fd, 1);
	pthread_join(worker->thread, NULL);
	worker->is_running = false;
}

void worker_free(struct worker *worker)
{
	if (!worker)
		return;
	if (worker->epoll >= 0)
		close(worker->epoll);
	if (worker->stop.fd >= 0)
		close(worker->stop.fd);
	free(worker);
}
