/* SPDX-License-Identifier: GPL-2.0 */
/* NBD servers for tests: qemu-nbd, of Debian's qemu-utils. */
#ifndef NBD_SERVER_H
#define NBD_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * struct nbd_server - a running server
 * @pid: its process
 * @socket: where it listens
 * @uri: by which its export is opened
 */
struct nbd_server {
	pid_t pid;
	char socket[128];
	char uri[192];
};

/* Make an image for QEMU. */
bool image_create(const char *path, const char *format, uint64_t size);
/*
 * Serve @image, of @format; @socket is where to listen. False if it could not be started,
 * which it says.
 */
bool nbd_server_start(struct nbd_server *server, const char *socket, const char *image,
		      const char *format, bool read_only);
/* It stops and goes on, as one that hangs. */
void nbd_server_pause(struct nbd_server *server, bool pause);
/* As in a power cut. */
void nbd_server_kill(struct nbd_server *server);

#endif /* NBD_SERVER_H */
