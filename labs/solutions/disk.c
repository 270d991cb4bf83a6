// SPDX-License-Identifier: GPL-2.0
/* Lab 6: a disk, by memory-mapped registers. */
#include <errno.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk.h"

/* All of it or nothing: what a guest asks for may be beyond the disk or its memory. */
static bool transfer(struct disk *disk)
{
	const uint64_t size = (uint64_t)disk->count * DISK_SECTOR_SIZE;
	const off_t offset = (off_t)disk->sector * DISK_SECTOR_SIZE;
	void *data;

	if (!disk->count || disk->sector >= disk->capacity ||
	    disk->count > disk->capacity - disk->sector ||
	    disk->address >= disk->vm->size || size > disk->vm->size - disk->address)
		return false;
	data = disk->vm->mem + disk->address;
	switch (disk->command) {
	case DISK_READ:
		return pread(disk->file, data, size, offset) == (ssize_t)size;
	case DISK_WRITE:
		return pwrite(disk->file, data, size, offset) == (ssize_t)size;
	default:
		return false;
	}
}

static void execute(struct disk *disk)
{
	pthread_mutex_lock(&disk->lock);
	disk->status = transfer(disk) ? DISK_DONE : DISK_ERROR;
	pthread_mutex_unlock(&disk->lock);
	irq_post(disk->irqs, disk->vector);
}

static uint32_t read_register(const struct disk *disk, uint64_t offset)
{
	switch (offset) {
	case DISK_ID:
		return DISK_MAGIC;
	case DISK_CAPACITY:
		return disk->capacity;
	case DISK_SECTOR:
		return disk->sector;
	case DISK_COUNT:
		return disk->count;
	case DISK_ADDRESS:
		return disk->address;
	case DISK_STATUS:
		return disk->status;
	case DISK_COMMAND:
		return disk->command;
	default:
		return 0;
	}
}

static uint64_t disk_read(void *arg, uint64_t offset, unsigned int size)
{
	struct disk *disk = arg;
	uint32_t value;

	if (size != 4)
		return 0;
	pthread_mutex_lock(&disk->lock);
	value = read_register(disk, offset);
	pthread_mutex_unlock(&disk->lock);
	return value;
}

static void disk_write(void *arg, uint64_t offset, unsigned int size, uint64_t value)
{
	struct disk *disk = arg;
	bool start = false;

	if (size != 4)
		return;
	pthread_mutex_lock(&disk->lock);
	switch (offset) {
	case DISK_SECTOR:
		disk->sector = value;
		break;
	case DISK_COUNT:
		disk->count = value;
		break;
	case DISK_ADDRESS:
		disk->address = value;
		break;
	case DISK_COMMAND:
		disk->command = value;
		break;
	case DISK_DOORBELL:
		start = true;
		break;
	}
	pthread_mutex_unlock(&disk->lock);
	if (start)
		execute(disk);
}

int disk_init(struct disk *disk, struct bus *bus, uint64_t gpa)
{
	const struct device device = {
		.base = gpa, .size = DISK_SIZE, .is_memory = true,
		.read = disk_read, .write = disk_write, .arg = disk,
	};
	struct stat status;

	if (fstat(disk->file, &status) < 0)
		return -errno;
	disk->capacity = status.st_size / DISK_SECTOR_SIZE;
	disk->sector = 0;
	disk->count = 0;
	disk->address = 0;
	disk->status = DISK_DONE;
	disk->command = 0;
	disk->gpa = gpa;
	disk->doorbell = -1;
	disk->ending = false;
	pthread_mutex_init(&disk->lock, NULL);
	return bus_add(bus, &device);
}

/* ---- The worker ---- */

static void *work(void *arg)
{
	struct disk *disk = arg;
	uint64_t rings;

	while (read(disk->doorbell, &rings, sizeof(rings)) == sizeof(rings)) {
		if (__atomic_load_n(&disk->ending, __ATOMIC_ACQUIRE))
			break;
		execute(disk);
	}
	return NULL;
}

static int set_ioeventfd(struct disk *disk, uint32_t flags)
{
	struct minivmx_ioeventfd arg = {
		.address = disk->gpa + DISK_DOORBELL,
		.size = 4,
		.fd = disk->doorbell,
		.flags = flags,
	};

	return ioctl(disk->vm->fd, MINIVMX_IOEVENTFD, &arg) < 0 ? -errno : 0;
}

int disk_use_worker(struct disk *disk)
{
	int ret;

	disk->doorbell = eventfd(0, EFD_CLOEXEC);
	if (disk->doorbell < 0)
		return -errno;
	ret = set_ioeventfd(disk, 0);
	if (ret)
		goto close_doorbell;
	ret = -pthread_create(&disk->worker, NULL, work, disk);
	if (!ret)
		return 0;
	set_ioeventfd(disk, MINIVMX_EVENTFD_REMOVE);
close_doorbell:
	close(disk->doorbell);
	disk->doorbell = -1;
	return ret;
}

void disk_destroy(struct disk *disk)
{
	const uint64_t one = 1;

	if (disk->doorbell >= 0) {
		set_ioeventfd(disk, MINIVMX_EVENTFD_REMOVE);
		__atomic_store_n(&disk->ending, true, __ATOMIC_RELEASE);
		if (write(disk->doorbell, &one, sizeof(one)) == sizeof(one))
			pthread_join(disk->worker, NULL);
		close(disk->doorbell);
		disk->doorbell = -1;
	}
	pthread_mutex_destroy(&disk->lock);
}
