// SPDX-License-Identifier: GPL-2.0
/*
 * The I/O thread: one epoll over the keyboard, the devices' next deadline,
 * --timeout, signals and its own wake-up. It takes the machine's lock to call
 * devices, and never waits for anything but epoll itself.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "array.h"
#include "debugger.h"
#include "session.h"
#include "signals.h"
#include "terminal.h"

#define NS_PER_S	1000000000ULL
#define INPUT_CHUNK	256

enum source {
	SOURCE_WAKE,
	SOURCE_INPUT,
	SOURCE_DEADLINE,
	SOURCE_TIMEOUT,
	SOURCE_SIGNAL,
	SOURCE_DEBUGGER,	/* its descriptor is not in @fds, */
	SOURCE_CONSOLE,		/* nor is this */
	NR_SOURCES,
};

/* How stdin is watched. */
enum input_state {
	INPUT_OFF,	/* it ended, or is not ours to read */
	INPUT_WATCHED,	/* epoll tells when there is something */
	INPUT_FULL,	/* not read until the guest has taken what there is */
	INPUT_FILE,	/* epoll knows it not: there is always something */
};

/**
 * struct io_thread - the thread and its descriptors
 * @session: whose it is
 * @epoll: waits for all of @fds
 * @fds: by source; -1 if there is none
 * @input: how stdin is watched; of the thread alone
 * @is_terminal: stdin is a terminal, in raw mode
 * @escape: for Ctrl-A
 * @stop: end the thread; under the machine's lock
 * @thread: the thread
 */
struct io_thread {
	struct session *session;
	int epoll;
	int fds[NR_SOURCES];
	enum input_state input;
	bool is_terminal;
	struct escape escape;
	bool stop;
	pthread_t thread;
};

static void wake(struct io_thread *io)
{
	const uint64_t one = 1;
	ssize_t n = write(io->fds[SOURCE_WAKE], &one, sizeof(one));

	/* It can only fail when it is awake already. */
	(void)n;
}

/* Arm a timer for a time on CLOCK_MONOTONIC, in ns; 0 disarms it. */
static void arm(int fd, uint64_t when)
{
	const struct itimerspec spec = {
		.it_value.tv_sec = (time_t)(when / NS_PER_S),
		.it_value.tv_nsec = (long)(when % NS_PER_S),
	};

	timerfd_settime(fd, TFD_TIMER_ABSTIME, &spec, NULL);
}

void io_set_deadline(struct session *s, uint64_t when)
{
	/* Devices are reset before the thread is there. */
	if (s->io)
		arm(s->io->fds[SOURCE_DEADLINE], when == NO_DEADLINE ? 0 :
		    machine_to_monotonic(s->machine, when));
}

void io_input_taken(struct session *s)
{
	if (s->io)
		wake(s->io);
}

void io_watch_debugger(struct session *s, int fd)
{
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLONESHOT,
		.data.u32 = SOURCE_DEBUGGER,
	};

	/* One that was closed has left the set by itself. */
	if (epoll_ctl(s->io->epoll, EPOLL_CTL_MOD, fd, &event) < 0 &&
	    epoll_ctl(s->io->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		session_end(s, OUTCOME_HOST, errno);
}

/* ---- The console's client ---- */

/*
 * Once: it is asked for again as long as something is to be done. What it has typed waits
 * until the guest has taken all of before.
 */
void io_watch_console(struct session *s)
{
	struct console *console = &s->console;
	struct epoll_event event = {
		.events = EPOLLONESHOT,
		.data.u32 = SOURCE_CONSOLE,
	};

	/* At the end console_finish() sends the rest. */
	if (!s->io || console->client < 0)
		return;
	if (!s->machine->input_length)
		event.events |= EPOLLIN;
	if (console_has_more(console))
		event.events |= EPOLLOUT;
	if (!(event.events & (EPOLLIN | EPOLLOUT)))
		return;
	if (epoll_ctl(s->io->epoll, EPOLL_CTL_MOD, console->client, &event) < 0 &&
	    epoll_ctl(s->io->epoll, EPOLL_CTL_ADD, console->client, &event) < 0)
		session_end(s, OUTCOME_HOST, errno);
}

void io_drop_console(struct session *s)
{
	uint8_t bytes[INPUT_CHUNK];
	int n;

	if (s->console.client < 0)
		return;
	while ((n = console_read(&s->console, bytes, sizeof(bytes))) > 0)
		machine_queue_input(s->machine, bytes, (size_t)n);
	console_drop(&s->console);
}

static void on_console(struct session *s)
{
	uint8_t bytes[INPUT_CHUNK];
	int n = 0;

	console_send(&s->console);
	if (s->console.client >= 0 && !s->machine->input_length)
		n = console_read(&s->console, bytes, sizeof(bytes));
	if (n > 0)
		machine_queue_input(s->machine, bytes, (size_t)n);
	else if (n < 0)
		console_drop(&s->console);
	io_watch_console(s);
}

/* ---- Input ---- */

static int watch(struct io_thread *io, enum source source, int fd)
{
	struct epoll_event event = {
		.events = EPOLLIN,
		.data.u32 = source,
	};

	io->fds[source] = fd;
	return epoll_ctl(io->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static void unwatch_input(struct io_thread *io, enum input_state state)
{
	/* Not EPOLL_CTL_MOD: a hang-up would be reported all the same. */
	if (io->input == INPUT_WATCHED)
		epoll_ctl(io->epoll, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
	io->input = state;
}

static void watch_input(struct io_thread *io)
{
	int ret = watch(io, SOURCE_INPUT, STDIN_FILENO);

	if (!ret || ret == -EEXIST)
		io->input = INPUT_WATCHED;
	else if (ret == -EPERM)
		io->input = INPUT_FILE;
	else
		io->input = INPUT_OFF;
}

static void do_escape(struct io_thread *io, enum escape_command command)
{
	struct session *s = io->session;

	if (command == ESCAPE_QUIT)
		session_end(s, OUTCOME_QUIT, 0);
	else if (command == ESCAPE_HELP)
		output_add(&s->output, (const uint8_t *)"\n" ESCAPE_HELP_TEXT,
			   strlen("\n" ESCAPE_HELP_TEXT));
}

/* True if the queue of typed bytes is empty. */
static bool read_input(struct io_thread *io)
{
	struct session *s = io->session;
	struct machine *m = s->machine;
	uint8_t bytes[INPUT_CHUNK];
	enum escape_command command = ESCAPE_NONE;
	bool empty;
	ssize_t n = read(STDIN_FILENO, bytes, sizeof(bytes));
	size_t len;

	if (n <= 0) {
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			unwatch_input(io, INPUT_OFF);
		return false;
	}
	len = (size_t)n;
	if (io->is_terminal)
		command = escape_filter(&io->escape, bytes, &len);

	pthread_mutex_lock(&m->lock);
	/* From a terminal this can overrun, as a serial line does. */
	machine_queue_input(m, bytes, len);
	do_escape(io, command);
	empty = !m->input_length;
	pthread_mutex_unlock(&m->lock);
	return empty;
}

/*
 * A terminal is always read, or Ctrl-A would be stuck behind what a hung guest
 * does not take. A pipe or file is only read when all before has been taken, so
 * that nothing of it is lost.
 */
static void on_input(struct io_thread *io)
{
	if (io->input != INPUT_WATCHED)
		return;
	if (!read_input(io) && !io->is_terminal && io->input == INPUT_WATCHED)
		unwatch_input(io, INPUT_FULL);
}

static void resume_input(struct io_thread *io)
{
	bool empty;

	pthread_mutex_lock(&io->session->machine->lock);
	empty = !io->session->machine->input_length;
	io_watch_console(io->session);
	pthread_mutex_unlock(&io->session->machine->lock);
	if (io->input == INPUT_FULL && empty)
		watch_input(io);
	while (io->input == INPUT_FILE && empty)
		empty = read_input(io);
}

/* ---- Timers and signals ---- */

static void drain(int fd)
{
	uint64_t count;
	ssize_t n = read(fd, &count, sizeof(count));

	/* Nothing there: it was armed anew meanwhile. */
	(void)n;
}

static void on_deadline(struct io_thread *io)
{
	struct machine *m = io->session->machine;

	pthread_mutex_lock(&m->lock);
	machine_tick(m);
	pthread_mutex_unlock(&m->lock);
}

static void take_terminal(struct io_thread *io)
{
	io->is_terminal = terminal_enter();
	/* A terminal of which we are not the foreground is not ours to read. */
	if (io->is_terminal || !isatty(STDIN_FILENO))
		watch_input(io);
}

static void on_signal(struct io_thread *io)
{
	struct machine *m = io->session->machine;
	struct signalfd_siginfo info;

	if (read(io->fds[SOURCE_SIGNAL], &info, sizeof(info)) != sizeof(info))
		return;
	switch (info.ssi_signo) {
	case SIGTSTP:
		/* Stop with the terminal as the shell wants it. */
		terminal_leave();
		raise(SIGSTOP);
		break;
	case SIGCONT:
		if (isatty(STDIN_FILENO)) {
			unwatch_input(io, INPUT_OFF);
			take_terminal(io);
		}
		break;
	default:
		pthread_mutex_lock(&m->lock);
		session_end(io->session, OUTCOME_SIGNAL, (int)info.ssi_signo);
		pthread_mutex_unlock(&m->lock);
	}
}

static void on_event(struct io_thread *io, enum source source)
{
	struct machine *m = io->session->machine;

	switch (source) {
	case SOURCE_WAKE:
		drain(io->fds[source]);
		resume_input(io);
		break;
	case SOURCE_INPUT:
		on_input(io);
		break;
	case SOURCE_DEADLINE:
		drain(io->fds[source]);
		on_deadline(io);
		break;
	case SOURCE_TIMEOUT:
		drain(io->fds[source]);
		pthread_mutex_lock(&m->lock);
		session_end(io->session, OUTCOME_TIMEOUT, 0);
		pthread_mutex_unlock(&m->lock);
		break;
	case SOURCE_SIGNAL:
		on_signal(io);
		break;
	case SOURCE_DEBUGGER:
		pthread_mutex_lock(&m->lock);
		debugger_call(io->session);
		pthread_mutex_unlock(&m->lock);
		break;
	case SOURCE_CONSOLE:
		pthread_mutex_lock(&m->lock);
		on_console(io->session);
		pthread_mutex_unlock(&m->lock);
		break;
	case NR_SOURCES:
		break;
	}
}

static bool is_stopped(struct io_thread *io)
{
	bool stop;

	pthread_mutex_lock(&io->session->machine->lock);
	stop = io->stop;
	pthread_mutex_unlock(&io->session->machine->lock);
	return stop;
}

static void *io_main(void *argument)
{
	struct io_thread *io = argument;
	struct epoll_event events[NR_SOURCES];
	int i, n;

	take_terminal(io);
	resume_input(io);
	while (!is_stopped(io)) {
		n = epoll_wait(io->epoll, events, NR_SOURCES, -1);
		if (n < 0 && errno != EINTR) {
			pthread_mutex_lock(&io->session->machine->lock);
			session_end(io->session, OUTCOME_HOST, errno);
			pthread_mutex_unlock(&io->session->machine->lock);
			break;
		}
		for (i = 0; i < n; i++)
			on_event(io, (enum source)events[i].data.u32);
	}
	terminal_leave();
	return NULL;
}

/* ---- Start and stop ---- */

static int open_sources(struct io_thread *io)
{
	const uint64_t timeout = io->session->options->timeout_ns;
	struct machine *m = io->session->machine;
	int ret;

	io->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (io->epoll < 0)
		return -errno;
	ret = watch(io, SOURCE_WAKE, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	if (!ret)
		ret = watch(io, SOURCE_DEADLINE,
			    timerfd_create(CLOCK_MONOTONIC,
					   TFD_CLOEXEC | TFD_NONBLOCK));
	if (!ret)
		ret = watch(io, SOURCE_TIMEOUT,
			    timerfd_create(CLOCK_MONOTONIC,
					   TFD_CLOEXEC | TFD_NONBLOCK));
	if (!ret)
		ret = watch(io, SOURCE_SIGNAL, signals_open(true));
	if (ret)
		return ret;
	if (timeout)
		arm(io->fds[SOURCE_TIMEOUT],
		    machine_to_monotonic(m, machine_now(m) + timeout));
	return 0;
}

static void io_free(struct io_thread *io)
{
	enum source source;

	for (source = 0; source < NR_SOURCES; source++)
		if (source != SOURCE_INPUT && io->fds[source] >= 0)
			close(io->fds[source]);
	if (io->epoll >= 0)
		close(io->epoll);
	free(io);
}

int io_start(struct session *s)
{
	struct io_thread *io = calloc(1, sizeof(*io));
	enum source source;
	int ret;

	if (!io)
		return -ENOMEM;
	io->session = s;
	io->epoll = -1;
	for (source = 0; source < NR_SOURCES; source++)
		io->fds[source] = -1;
	ret = open_sources(io);
	if (!ret) {
		pthread_mutex_lock(&s->machine->lock);
		s->io = io;
		/* Those of before were announced to nobody: clients, */
		io_watch_console(s);
		/* and deadlines. */
		machine_tick(s->machine);
		pthread_mutex_unlock(&s->machine->lock);
		ret = -pthread_create(&io->thread, NULL, io_main, io);
	}
	if (ret) {
		s->io = NULL;
		io_free(io);
	}
	return ret;
}

void io_stop(struct session *s)
{
	struct io_thread *io = s->io;

	if (!io)
		return;
	pthread_mutex_lock(&s->machine->lock);
	io->stop = true;
	pthread_mutex_unlock(&s->machine->lock);
	wake(io);
	pthread_join(io->thread, NULL);
	/* The output thread may be about to ask for something. */
	pthread_mutex_lock(&s->machine->lock);
	s->io = NULL;
	pthread_mutex_unlock(&s->machine->lock);
	io_free(io);
}
