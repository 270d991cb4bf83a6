// SPDX-License-Identifier: GPL-2.0
/*
 * The only process of the guest in the CPUID experiment: CPUID every PERIOD_MS, then
 * a reset, which ends the guest.
 */
#include <cpuid.h>
#include <stdio.h>
#include <sys/reboot.h>
#include <time.h>

#define ROUNDS		150
#define PERIOD_MS	20	/* whole timer ticks of Debian's kernels: 4 ms */
#define NS_PER_MS	1000000L
#define NS_PER_S	1000000000L

static void wait_until(const struct timespec *when)
{
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, when, NULL))
		;
}

static void advance(struct timespec *when, long ms)
{
	when->tv_nsec += ms * NS_PER_MS;
	when->tv_sec += when->tv_nsec / NS_PER_S;
	when->tv_nsec %= NS_PER_S;
}

int main(void)
{
	unsigned int eax, ebx, ecx, edx, i;
	struct timespec when;

	puts("clock: ready");
	fflush(stdout);
	/* Those who want to watch have two seconds to begin. */
	clock_gettime(CLOCK_MONOTONIC, &when);
	advance(&when, 2000);
	for (i = 0; i < ROUNDS; i++) {
		wait_until(&when);
		__cpuid(0, eax, ebx, ecx, edx);
		advance(&when, PERIOD_MS);
	}
	puts("clock: done");
	fflush(stdout);
	reboot(RB_AUTOBOOT);
	return 1;
}
