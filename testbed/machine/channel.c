/*
 * channel: copy standard input to a parallel port.
 *
 *   channel PORT <input      PORT is 1 (COMMAND's output) or 2 (control)
 *
 * Why a parallel port: it is byte exact, the emulator appends every byte to a
 * file at once, and a byte costs a handful of instructions where a byte on a
 * serial port costs thousands of ticks of polling.
 *
 * On SIGTERM what is already in the pipe is still copied, then it ends: so a
 * background process that COMMAND left behind cannot keep the machine up by
 * holding the pipe open.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/io.h>
#include <unistd.h>

enum {
	DATA = 0,		/* register offsets from the port's base */
	CONTROL = 2,
	SELECT_INIT = 0x0c,	/* selected, not resetting, strobe low */
	STROBE = 0x01,
};

static volatile sig_atomic_t finish;

static void on_term(int sig)
{
	(void)sig;
	finish = 1;
}

static void send(unsigned short base, const unsigned char *bytes, ssize_t n)
{
	for (ssize_t i = 0; i < n; i++) {
		outb(bytes[i], base + DATA);
		outb(SELECT_INIT | STROBE, base + CONTROL);
		outb(SELECT_INIT, base + CONTROL);
	}
}

int main(int argc, char **argv)
{
	static const unsigned short bases[] = { 0x378, 0x278 };
	int port = argc == 2 ? atoi(argv[1]) : 0;
	struct sigaction act = { .sa_handler = on_term };
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	static unsigned char buf[65536];

	if (port < 1 || port > 2) {
		fprintf(stderr, "usage: channel 1|2 <input\n");
		return 2;
	}
	unsigned short base = bases[port - 1];

	if (ioperm(base, 3, 1)) {
		perror("channel: ioperm");
		return 1;
	}
	sigaction(SIGTERM, &act, NULL);
	outb(SELECT_INIT, base + CONTROL);

	for (;;) {
		/* The timeout closes the race of a signal before poll(). */
		int ready = poll(&in, 1, finish ? 0 : 200);

		if (ready < 0 && errno != EINTR)
			return 1;
		if (ready > 0) {
			ssize_t n = read(STDIN_FILENO, buf, sizeof(buf));

			if (n <= 0)
				return n ? 1 : 0;
			send(base, buf, n);
		} else if (finish) {
			return 0;
		}
	}
}
