// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "host_stats.h"

/* ---- One vCPU: a line of titles, then one for each reason ---- */

/* 0, or -1 if this is not such a line. */
static int parse_line(const char *line, struct vcpu_stats *vcpu)
{
	struct minivmx_exit_stat stat;
	unsigned int reason;

	if (sscanf(line, "%u %llu %llu %llu %llu", &reason, &stat.count, &stat.to_user, &stat.ticks,
		   &stat.worst) != 5 || reason >= MINIVMX_NR_EXITS)
		return -1;
	vcpu->exits[reason] = stat;
	return 0;
}

/* 1, 0 if the vCPU has ended, or -1 with a message. */
static int read_vcpu(int dir, const char *name, struct vcpu_stats *vcpu, struct message *message)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC), ret = 1;
	FILE *file = fd >= 0 ? fdopen(fd, "r") : NULL;
	char line[160];

	if (!file) {
		const int error = errno;

		if (fd >= 0)
			close(fd);
		return error == ENOENT ? 0 : fail(message, "%s: %s", name, strerror(error));
	}
	memset(vcpu->exits, 0, sizeof(vcpu->exits));
	if (fgets(line, sizeof(line), file) && strncmp(line, "reason count to_user ticks worst", 32))
		ret = fail(message, "%s is not what this program knows: is the module of the same version?",
			   name);
	while (ret > 0 && fgets(line, sizeof(line), file))
		if (parse_line(line, vcpu))
			ret = fail(message, "%s: no line of numbers: %.60s", name, line);
	/* So ends a file of which the VM is gone. */
	if (ferror(file) && ret > 0)
		ret = 0;
	fclose(file);
	return ret;
}

static int by_id(const void *a, const void *b)
{
	const struct vcpu_stats *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

/* Room for one more of @nr. NULL with a message if there is no memory. */
static void *grow(void *array, size_t nr, size_t size, struct message *message)
{
	void *more = reallocarray(array, nr + 1, size);

	if (!more)
		fail(message, "out of memory");
	return more;
}

/* ---- One VM: a folder PID-NUMBER with a file for each vCPU ---- */

static int read_vcpus(DIR *folder, struct vm_stats *vm, struct message *message)
{
	struct dirent *entry;
	int ret = 0;

	while (ret >= 0 && (entry = readdir(folder))) {
		struct vcpu_stats *more;
		uint32_t id;
		char rest;

		if (sscanf(entry->d_name, "vcpu%" SCNu32 "%c", &id, &rest) != 1)
			continue;
		more = grow(vm->vcpus, vm->nr, sizeof(*more), message);
		if (!more)
			return -1;
		vm->vcpus = more;
		more[vm->nr].id = id;
		ret = read_vcpu(dirfd(folder), entry->d_name, &more[vm->nr], message);
		if (ret > 0)
			vm->nr++;
	}
	if (vm->nr)
		qsort(vm->vcpus, vm->nr, sizeof(vm->vcpus[0]), by_id);
	return ret < 0 ? -1 : 0;
}

/* 1, 0 if it has ended, or -1 with a message. */
static int read_vm(int dir, const char *name, struct vm_stats *vm, struct message *message)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret;
	DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;

	if (!folder) {
		const int error = errno;

		if (fd >= 0)
			close(fd);
		return error == ENOENT ? 0 : fail(message, "%s: %s", name, strerror(error));
	}
	ret = read_vcpus(folder, vm, message);
	closedir(folder);
	return ret ? -1 : 1;
}

static int by_number(const void *a, const void *b)
{
	const struct vm_stats *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

/* ---- All of them ---- */

static int read_vms(DIR *folder, struct host_stats *stats, struct message *message)
{
	struct dirent *entry;

	while ((entry = readdir(folder))) {
		struct vm_stats vm = { 0 }, *more;
		char rest;
		int pid, ret;

		/* The module's own counters are beside them. */
		if (sscanf(entry->d_name, "%d-%" SCNu64 "%c", &pid, &vm.number, &rest) != 2)
			continue;
		vm.pid = pid;
		more = grow(stats->vms, stats->nr, sizeof(*more), message);
		if (!more)
			return -1;
		stats->vms = more;
		ret = read_vm(dirfd(folder), entry->d_name, &vm, message);
		if (ret <= 0)
			free(vm.vcpus);
		if (ret < 0)
			return -1;
		if (ret > 0)
			stats->vms[stats->nr++] = vm;
	}
	if (stats->nr)
		qsort(stats->vms, stats->nr, sizeof(stats->vms[0]), by_number);
	return 0;
}

static int cannot_open(const char *dir, struct message *message)
{
	switch (errno) {
	case ENOENT:
		return fail(message, "%s is not there: load minivmx.ko, or mount debugfs: "
			    "mount -t debugfs debugfs /sys/kernel/debug", dir);
	case EACCES:
	case EPERM:
		return fail(message, "%s is for root alone: run minivmx top as root", dir);
	default:
		return fail(message, "%s: %s", dir, strerror(errno));
	}
}

int host_stats_read(const char *dir, struct host_stats *stats, struct message *message)
{
	struct timespec now;
	DIR *folder;
	int ret;

	*stats = (struct host_stats) { 0 };
	folder = opendir(dir);
	if (!folder)
		return cannot_open(dir, message);
	clock_gettime(CLOCK_MONOTONIC, &now);
	stats->time = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	ret = read_vms(folder, stats, message);
	closedir(folder);
	return ret;
}

void host_stats_free(struct host_stats *stats)
{
	size_t i;

	for (i = 0; i < stats->nr; i++)
		free(stats->vms[i].vcpus);
	free(stats->vms);
	*stats = (struct host_stats) { 0 };
}
