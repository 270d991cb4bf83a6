// SPDX-License-Identifier: GPL-2.0
#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>

#include "array.h"
#include "signals.h"

static sigset_t our_signals(bool job_control)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	sigset_t set;
	size_t i;

	sigemptyset(&set);
	for (i = 0; i < ARRAY_SIZE(numbers); i++)
		sigaddset(&set, numbers[i]);
	if (job_control) {
		sigaddset(&set, SIGTSTP);
		sigaddset(&set, SIGCONT);
	}
	return set;
}

void signals_block(bool job_control)
{
	const sigset_t set = our_signals(job_control);

	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

int signals_open(bool job_control)
{
	const sigset_t set = our_signals(job_control);

	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

void die_of_signal(int number)
{
	sigset_t set;

	signal(number, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, number);
	raise(number);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}
