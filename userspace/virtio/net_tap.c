// SPDX-License-Identifier: GPL-2.0
/*
 * The other end of the cable is a tap device of the host, by which the host's own network
 * sees the guest. It understands virtio's headers, so that checksums and segmentation can
 * be left to whoever does them best.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "net.h"

#define NET_F_CSUM		(1ULL << 0)
#define NET_F_GUEST_CSUM	(1ULL << 1)
#define NET_F_GUEST_TSO4	(1ULL << 7)
#define NET_F_GUEST_TSO6	(1ULL << 8)
#define NET_F_HOST_TSO4		(1ULL << 11)
#define NET_F_HOST_TSO6		(1ULL << 12)
#define OFFLOADS	(NET_F_CSUM | NET_F_GUEST_CSUM | NET_F_GUEST_TSO4 | NET_F_GUEST_TSO6 | \
			 NET_F_HOST_TSO4 | NET_F_HOST_TSO6)

/* The largest frame there is, with segmentation left to the guest. */
#define FRAME_MAX	(NET_HEADER_SIZE + 18 + 65536)
/* Frames that are taken at a time, so that what the guest sends gets its turn. */
#define BATCH		64

struct tap {
	struct net_end end;
	int fd;
	uint8_t frame[FRAME_MAX];
};

static struct tap *tap_of(const struct net_end *end)
{
	return (struct tap *)end;
}

static void tap_send(struct net_end *end, const struct iovec *iov, unsigned int nr)
{
	/* A frame that the host does not take is lost, as on a wire. */
	ssize_t n = writev(tap_of(end)->fd, iov, (int)nr);

	(void)n;
}

static void tap_settle(struct net_end *end)
{
	(void)end;
}

static int tap_fd(const struct net_end *end)
{
	return tap_of(end)->fd;
}

static void tap_process(struct net_end *end)
{
	struct tap *tap = tap_of(end);
	unsigned int i;

	for (i = 0; i < BATCH && end->can_receive(end->receiver); i++) {
		const ssize_t size = read(tap->fd, tap->frame, sizeof(tap->frame));
		const struct iovec iov = { tap->frame, size > 0 ? (size_t)size : 0 };

		if (size <= 0)
			return;
		end->receive(end->receiver, &iov, 1);
	}
}

static void tap_set_features(struct net_end *end, uint64_t features)
{
	static const struct {
		uint64_t feature;
		unsigned int offload;
	} rows[] = {
		{ NET_F_GUEST_CSUM, TUN_F_CSUM },
		{ NET_F_GUEST_TSO4, TUN_F_TSO4 },
		{ NET_F_GUEST_TSO6, TUN_F_TSO6 },
	};
	unsigned int i, offloads = 0;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (features & rows[i].feature)
			offloads |= rows[i].offload;
	/* Without it frames are as on a wire, which any driver takes. */
	ioctl(tap_of(end)->fd, TUNSETOFFLOAD, offloads);
}

static void tap_close(struct net_end *end)
{
	close(tap_of(end)->fd);
	free(end);
}

static const struct net_ops tap_ops = {
	.send = tap_send,
	.settle = tap_settle,
	.fd = tap_fd,
	.process = tap_process,
	.set_features = tap_set_features,
	.close = tap_close,
};

static int set_up(int fd, const char *name, struct message *message)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int header_size = NET_HEADER_SIZE;

	if (strlen(name) >= sizeof(request.ifr_name))
		return fail(message, "tap %s: its name is longer than %zu bytes", name,
			    sizeof(request.ifr_name) - 1);
	strcpy(request.ifr_name, name);
	if (ioctl(fd, TUNSETIFF, &request))
		return fail(message, "tap %s: %s%s", name, strerror(errno),
			    errno == EPERM ? "; make it with: ip tuntap add NAME mode tap user USER" :
			    errno == EBUSY ? "; another VM has it" : "");
	if (ioctl(fd, TUNSETVNETHDRSZ, &header_size))
		return fail(message, "tap %s: no headers: %s", name, strerror(errno));
	return 0;
}

struct net_end *net_open_tap(const struct net_options *options, struct message *message)
{
	struct tap *tap = calloc(1, sizeof(*tap));

	if (!tap) {
		fail(message, "out of memory");
		return NULL;
	}
	tap->end.ops = &tap_ops;
	tap->end.features = OFFLOADS;
	tap->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (tap->fd < 0)
		fail(message, "/dev/net/tun: %s%s", strerror(errno),
		     errno == ENOENT ? "; load the module tun" : "");
	if (tap->fd < 0 || set_up(tap->fd, options->tap, message)) {
		if (tap->fd >= 0)
			close(tap->fd);
		free(tap);
		return NULL;
	}
	return &tap->end;
}
