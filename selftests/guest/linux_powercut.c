// SPDX-License-Identifier: GPL-2.0
/*
 * The work that power cuts interrupt: files that are made to last, one after the other,
 * beside one that is not.
 *
 *	linux_powercut MOUNTPOINT DISK COUNT
 *
 * When fsync() has said that a file is on the disk, a note in the disk's last sector says
 * it, too: whoever looks at what was written, and when, knows which files there must be.
 */
#include <err.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "powercut.h"

static uint8_t bytes[POWERCUT_MAX_SIZE];

static void write_file(const char *name, unsigned int number, int flags)
{
	const int fd = open(name, O_WRONLY | O_CREAT | flags, 0644);
	const uint32_t size = powercut_size(number);

	powercut_fill(number, bytes);
	if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
		err(1, "%s", name);
	/* What nobody syncs may be lost. */
	if (!(flags & O_APPEND) && fsync(fd))
		err(1, "fsync %s", name);
	close(fd);
}

static void sync_folder(const char *folder)
{
	const int fd = open(folder, O_RDONLY | O_DIRECTORY);

	if (fd < 0 || fsync(fd))
		err(1, "fsync %s", folder);
	close(fd);
}

static void note(int disk, off_t at, unsigned int number)
{
	static char sector[POWERCUT_NOTE_SIZE] __attribute__((aligned(4096)));

	memset(sector, 0, sizeof(sector));
	snprintf(sector, sizeof(sector), POWERCUT_NOTE "%u\n", number);
	if (pwrite(disk, sector, sizeof(sector), at) != sizeof(sector))
		err(1, "writing a note");
}

int main(int argc, char **argv)
{
	const char *folder = POWERCUT_FOLDER;
	unsigned int number, count;
	char name[64], other[64];
	off_t at;
	int disk;

	if (argc != 4)
		errx(2, "usage: linux_powercut MOUNTPOINT DISK COUNT");
	disk = open(argv[2], O_RDWR | O_DIRECT);
	at = lseek(disk, -POWERCUT_NOTE_SIZE, SEEK_END);
	if (disk < 0 || at < 0)
		err(1, "%s", argv[2]);
	if (chdir(argv[1]) || mkdir(folder, 0755))
		err(1, "%s/%s", argv[1], folder);
	count = (unsigned int)strtoul(argv[3], NULL, 10);
	snprintf(other, sizeof(other), "%s/new", folder);
	for (number = 1; number <= count; number++) {
		powercut_name(name, sizeof(name), folder, number);
		/* Every third by way of another name. */
		write_file(number % 3 ? name : other, number, O_TRUNC);
		if (number % 3 == 0 && rename(other, name))
			err(1, "rename %s", name);
		sync_folder(folder);
		note(disk, at, number);
		if (number % 16 == 0)
			unlink("scratch");
		write_file("scratch", number, O_APPEND);
	}
	printf("%u files last\n", count);
	return 0;
}
