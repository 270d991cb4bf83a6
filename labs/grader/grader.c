// SPDX-License-Identifier: GPL-2.0
/* Runs the items of a lab, each in a process of its own, and prints a line of JSON each. */
#include <errno.h>
#include <getopt.h>
#include <json-c/json.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "grader.h"

#define SECONDS		4	/* of an item, if it does not say */
#define LAST_WORDS	400	/* bytes of what the student's code has printed */

static int report = -1;		/* the pipe to the grader, in the process of an item */
static uint64_t random_state;

/* ---- in the process of an item ---- */

uint64_t pick(void)
{
	uint64_t z = random_state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

uint64_t pick_from(uint64_t from, uint64_t to)
{
	return from + pick() % (to - from + 1);
}

/* The first byte tells whether it went well. */
__attribute__((noreturn))
static void tell(char how, const char *text)
{
	char message[TEXT + 1];
	size_t length = strnlen(text, TEXT);

	message[0] = how;
	memcpy(message + 1, text, length);
	if (write(report, message, length + 1) < 0)
		_exit(2);
	_exit(0);
}

void lose(const char *format, ...)
{
	char text[TEXT];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	tell('-', text);
}

__attribute__((noreturn))
static void be_item(const struct item *item, int pipe_end, int output)
{
	report = pipe_end;
	setpgid(0, 0);
	if (dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0)
		lose("the grader itself failed: %s", strerror(errno));
	item->grade();
	tell('+', "");
}

/* ---- in the grader ---- */

/* What comes by the pipe until it is closed or the time is over: -1 then. */
static int listen_to(int fd, char *text, unsigned int seconds)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	struct timespec start, now;
	ssize_t length;
	long left;

	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		clock_gettime(CLOCK_MONOTONIC, &now);
		left = seconds * 1000L - (now.tv_sec - start.tv_sec) * 1000L -
		       (now.tv_nsec - start.tv_nsec) / 1000000;
		if (left <= 0)
			return -1;
	} while (poll(&poll_fd, 1, left) <= 0);
	length = read(fd, text, TEXT);
	text[length < 0 ? 0 : length] = 0;
	return length < 0 ? 0 : length;
}

static void explain_end(int status, char *reason)
{
	if (WIFSIGNALED(status))
		snprintf(reason, TEXT, "your code was ended by signal %d (%s)",
			 WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(reason, TEXT,
			 "your code ended the process with status %d before the item was done",
			 WEXITSTATUS(status));
}

/* The end of what it printed, for a human. */
static void last_words(int output, struct json_object *line)
{
	char text[LAST_WORDS + 1];
	off_t size = lseek(output, 0, SEEK_END);
	ssize_t length;

	if (size <= 0)
		return;
	length = pread(output, text, LAST_WORDS, size > LAST_WORDS ? size - LAST_WORDS : 0);
	if (length <= 0)
		return;
	for (ssize_t i = 0; i < length; i++)
		if ((text[i] < ' ' && text[i] != '\n' && text[i] != '\t') || text[i] == 127)
			text[i] = '?';
	json_object_object_add(line, "output", json_object_new_string_len(text, length));
}

static bool run_item(const struct item *item, char *reason, int output)
{
	unsigned int seconds = item->seconds ? item->seconds : SECONDS;
	char text[TEXT + 2];
	int ends[2], length, status = 0;
	pid_t child;

	if (pipe(ends) < 0) {
		snprintf(reason, TEXT, "the grader itself failed: pipe: %s", strerror(errno));
		return false;
	}
	fflush(stdout);
	child = fork();
	if (child == 0) {
		close(ends[0]);
		be_item(item, ends[1], output);
	}
	close(ends[1]);
	if (child < 0) {
		close(ends[0]);
		snprintf(reason, TEXT, "the grader itself failed: fork: %s", strerror(errno));
		return false;
	}
	length = listen_to(ends[0], text, seconds);
	/* What has told is done; what has not may have died, or still run. */
	if (length < 0)
		kill(child, SIGKILL);
	waitpid(child, &status, 0);
	kill(-child, SIGKILL);
	close(ends[0]);
	if (length > 0 && text[0] == '+')
		return true;
	if (length > 0)
		snprintf(reason, TEXT, "%.*s", TEXT - 1, text + 1);
	else if (length < 0)
		snprintf(reason, TEXT, "it still ran after %u s: %s", seconds,
			 "does a loop not end, or does the guest wait for something?");
	else
		explain_end(status, reason);
	return false;
}

static bool grade(const struct item *item)
{
	struct json_object *line = json_object_new_object();
	int output = memfd_create("output", MFD_CLOEXEC);
	char reason[TEXT] = "";
	bool good = output >= 0 && run_item(item, reason, output);

	json_object_object_add(line, "lab", json_object_new_int(lab));
	json_object_object_add(line, "item", json_object_new_string(item->name));
	json_object_object_add(line, "what", json_object_new_string(item->what));
	json_object_object_add(line, "points", json_object_new_int(good ? item->points : 0));
	json_object_object_add(line, "max", json_object_new_int(item->points));
	if (!good) {
		json_object_object_add(line, "reason", json_object_new_string(reason));
		last_words(output, line);
	}
	printf("%s\n", json_object_to_json_string_ext(line, JSON_C_TO_STRING_PLAIN));
	json_object_put(line);
	close(output);
	return good;
}

static void usage(FILE *file, const char *name)
{
	fprintf(file,
		"usage: %s [--fast] [--seed N]\n"
		"Grades what it was built with, on a machine with /dev/minivmx: a line of JSON an\n"
		"item. Exit status 0 only with all points.\n"
		"  --fast    without the slow items\n"
		"  --seed N  the random values of another run, which has printed N\n", name);
}

static int parse(int argc, char **argv, bool *fast, uint64_t *seed)
{
	static const struct option options[] = {
		{ "fast", no_argument, NULL, 'f' },
		{ "seed", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	char *end;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (option) {
		case 'f':
			*fast = true;
			break;
		case 's':
			errno = 0;
			*seed = strtoull(optarg, &end, 0);
			if (errno || end == optarg || *end) {
				fprintf(stderr, "%s: --seed takes a number\n", argv[0]);
				return 2;
			}
			break;
		case 'h':
			usage(stdout, argv[0]);
			return 0;
		default:
			usage(stderr, argv[0]);
			return 2;
		}
	}
	if (optind == argc)
		return -1;
	usage(stderr, argv[0]);
	return 2;
}

int main(int argc, char **argv)
{
	uint64_t seed = 0;
	bool fast = false, good = true;
	int ret;

	while (!seed)
		if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) < (ssize_t)sizeof(seed))
			seed = time(NULL) * 1000003UL ^ getpid();
	ret = parse(argc, argv, &fast, &seed);
	if (ret >= 0)
		return ret;
	fprintf(stderr, "lab %d: --seed %#llx\n", lab, (unsigned long long)seed);
	for (const struct item *item = items; item->name; item++) {
		random_state = seed + (item - items);
		if (!(item->slow && fast))
			good &= grade(item);
	}
	return good ? 0 : 1;
}
