/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The statuses that `minivmx run` ends with; --help prints the same.
 *
 * The debug-exit device gives (2 * value + 1) & 0xff, which is odd, so that
 * everything the runner says of its own accord is even.
 */
#ifndef EXIT_STATUS_H
#define EXIT_STATUS_H

enum exit_status {
	STATUS_OK = 0,		/* power off, reset, halt with interrupts off */
	STATUS_USAGE = 2,	/* the command line is wrong */
	STATUS_HOST = 4,	/* no /dev/minivmx, no memory, a bad image file */
	STATUS_VM = 6,		/* entry failed, instruction or exit not handled */
	STATUS_GUEST = 8,	/* triple fault */
	STATUS_TIMEOUT = 124,	/* --timeout, as timeout(1) does */
};

static inline int debug_exit_status(unsigned int value)
{
	return (int)((2 * value + 1) & 0xff);
}

#endif /* EXIT_STATUS_H */
