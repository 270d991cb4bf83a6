// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nbd_server.h"

#define ROUNDS	60000	/* of a millisecond */

static pid_t run(char *const argv[])
{
	pid_t pid = fork();

	if (pid)
		return pid;
	/* It ends with the test, however that ends. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execvp(argv[0], argv);
	perror(argv[0]);
	_exit(127);
}

bool image_create(const char *path, const char *format, uint64_t size)
{
	char bytes[32];
	char *argv[] = { "qemu-img", "create", "-q", "-f", (char *)format, (char *)path, bytes,
			 NULL };
	int status;

	snprintf(bytes, sizeof(bytes), "%llu", (unsigned long long)size);
	return waitpid(run(argv), &status, 0) > 0 && !status;
}

static bool can_connect(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool ok;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	ok = !connect(fd, (struct sockaddr *)&address, sizeof(address));
	close(fd);
	return ok;
}

bool nbd_server_start(struct nbd_server *server, const char *socket, const char *image,
		      const char *format, bool read_only)
{
	char *argv[] = { "qemu-nbd", "--persistent", "--shared=0", "--discard=unmap", "-f",
			 (char *)format, "-x", "disk", "-k", server->socket, (char *)image,
			 read_only ? "--read-only" : NULL, NULL };
	unsigned int i;

	snprintf(server->socket, sizeof(server->socket), "%s", socket);
	snprintf(server->uri, sizeof(server->uri), "nbd+unix:///disk?socket=%s", socket);
	server->pid = run(argv);
	for (i = 0; i < ROUNDS; i++) {
		if (can_connect(socket))
			return true;
		if (waitpid(server->pid, NULL, WNOHANG))
			break;
		usleep(1000);
	}
	fprintf(stderr, "no NBD server: is qemu-utils installed? (make setup)\n");
	return false;
}

void nbd_server_pause(struct nbd_server *server, bool pause)
{
	kill(server->pid, pause ? SIGSTOP : SIGCONT);
}

void nbd_server_kill(struct nbd_server *server)
{
	kill(server->pid, SIGKILL);
	waitpid(server->pid, NULL, 0);
	unlink(server->socket);
}
