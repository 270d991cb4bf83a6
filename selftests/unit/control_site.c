// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../userspace/runner/array.h"
#include "../../userspace/runner/control_dir.h"
#include "control_site.h"

#define PATIENCE_MS	10000

/* ---- The server's requests ---- */

int control_files[CONTROL_FILES];

static int hello(struct control_call *call)
{
	json_object_object_add(call->reply, "protocol", json_object_new_int(CONTROL_PROTOCOL));
	return 0;
}

static int echo(struct control_call *call)
{
	json_object_object_add(call->reply, "text",
			       json_object_new_string(control_string(call, "text")));
	if (control_has(call, "number"))
		json_object_object_add(call->reply, "number",
				       json_object_new_uint64(control_number(call, "number")));
	return 0;
}

static int large(struct control_call *call)
{
	size_t size = control_number(call, "size");
	char *text = malloc(size + 1);

	memset(text, 'x', size);
	text[size] = '\0';
	json_object_object_add(call->reply, "text", json_object_new_string(text));
	free(text);
	return 0;
}

static int give_files(struct control_call *call)
{
	memcpy(call->fds, control_files, sizeof(control_files));
	call->nr_fds = CONTROL_FILES;
	return 0;
}

static int gift(struct control_call *call)
{
	call->fds[call->nr_fds++] = memfd_create("gift", MFD_CLOEXEC);
	call->gives_away = true;
	return 0;
}

static int never(struct control_call *call)
{
	call->fds[call->nr_fds++] = control_files[0];
	return fail(&call->message, "not today");
}

static const struct control_request requests[] = {
	{ .name = "hello", .answer = hello },
	{ .name = "echo", .answer = echo, .parameters = {
		{ "text", json_type_string, true },
		{ "number", json_type_int, false },
	} },
	{ .name = "large", .answer = large, .parameters = { { "size", json_type_int, true } } },
	{ .name = "files", .answer = give_files },
	{ .name = "gift", .answer = gift },
	{ .name = "never", .answer = never },
};

/* ---- A directory, and a server in it ---- */

void control_site_init(struct control_site *site)
{
	memset(site, 0, sizeof(*site));
	strcpy(site->base, "/tmp/minivmx-control-XXXXXX");
	if (!mkdtemp(site->base))
		abort();
	for (int i = 0; i < CONTROL_FILES; i++) {
		control_files[i] = memfd_create("file", MFD_CLOEXEC);
		if (ftruncate(control_files[i], 100 * (i + 1)))
			abort();
	}
	site->config = (struct control_config) {
		.base = site->base,
		.name = "server",
		.requests = requests,
		.nr_requests = ARRAY_SIZE(requests),
		.idle_ms = 60000,
	};
}

static void remove_directory(const char *base)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", base);
	if (system(command))
		abort();
}

void control_site_fini(struct control_site *site)
{
	control_stop(site->server);
	remove_directory(site->base);
}

int start(struct control_site *site)
{
	return control_start(&site->config, &site->server, &site->message);
}

/* A server in a process of its own, which ends with us or by a signal. */
pid_t start_child(struct control_site *site, const char *name, uid_t uid)
{
	int ready[2];
	char byte;
	pid_t child;

	if (pipe(ready))
		abort();
	fflush(stdout);
	child = fork();
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		site->config.name = name;
		if ((uid && setresuid(uid, uid, uid)) || start(site)) {
			fprintf(stderr, "# %s\n", site->message.text);
			_exit(1);
		}
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		child = -1;
	close(ready[0]);
	return child;
}

void end_child(pid_t child)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

const char *path(const struct control_site *site, const char *file)
{
	static char text[4][256];
	static unsigned int next;

	next = (next + 1) % 4;
	snprintf(text[next], sizeof(text[next]), "%s/minivmx/%s", site->base, file);
	return text[next];
}

bool exists(const char *name)
{
	struct stat stat;

	return !lstat(name, &stat);
}

/* ---- A client without manners ---- */

int dial(struct control_site *site)
{
	int dir = control_dir_open(site->base, false, &site->message);
	int fd = control_dir_connect(dir, "server");

	close(dir);
	return fd;
}

/* The next message: NULL if none comes in time, "" if the connection is closed. */
const char *hear(int fd)
{
	static char text[CONTROL_REPLY_MAX + 1];
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	ssize_t n;

	if (poll(&ready, 1, PATIENCE_MS) <= 0)
		return NULL;
	n = recv(fd, text, sizeof(text) - 1, 0);
	/* not read by the server: then comes the end */
	if (n < 0 && errno == ECONNRESET)
		n = recv(fd, text, sizeof(text) - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

const char *say(int fd, const char *text, size_t len)
{
	if (send(fd, text, len, MSG_NOSIGNAL) != (ssize_t)len)
		return NULL;
	return hear(fd);
}

bool answers(int fd, const char *request, const char *words)
{
	const char *text = say(fd, request, strlen(request));

	if (text && strstr(text, words))
		return true;
	fprintf(stderr, "# %s: %s\n", request, text ? text : "nothing");
	return false;
}

unsigned int count_fds(void)
{
	DIR *stream = opendir("/proc/self/fd");
	unsigned int n = 0;

	while (readdir(stream))
		n++;
	closedir(stream);
	return n;
}

bool fds_become(unsigned int n)
{
	for (int i = 0; i < 1000 && count_fds() != n; i++)
		usleep(10000);
	return count_fds() == n;
}
