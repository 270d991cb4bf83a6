/* SOURCES: RUNNER userspace/engines/slirp.c selftests/unit/fake_machine.c selftests/unit/fake_doors.c selftests/unit/virtio_driver.c LIBS: -lslirp */
// SPDX-License-Identifier: GPL-2.0
/*
 * The network device: with a wire that ends in the test, with libslirp's network, in
 * which a guest asks for its address and talks to a socket of the host, and with a tap
 * device, where the host has those.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "../userspace/virtio/net.h"
#include "device_options.h"
#include "fake_machine.h"
#include "virtio_driver.h"

#define SLOT		1
#define FRAME		1600
#define BUFFERS		8
#define HEADER		NET_HEADER_SIZE
#define OFFLOADS	0x1983ULL

static const uint8_t mac[6] = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 };

struct net_end *net_open_slirp(const struct net_options *options, struct message *message);

/* ---- A driver ---- */

FIXTURE(net)
{
	struct machine m;
	struct guest_memory memory;
	struct worker *worker;
	struct virtio_device *dev;
	struct driver d;
	uint64_t receive;	/* BUFFERS of FRAME bytes */
	uint64_t transmit;
	uint16_t ids[BUFFERS];
};

static void add_receive(struct driver *d, uint64_t base, uint16_t ids[BUFFERS], unsigned int i)
{
	const struct driver_element element = { base + i * FRAME, FRAME, true };

	ids[i] = driver_add(d, 0, &element, 1);
}

/* Plug a device in at @end, and bring it up. */
static bool plug(FIXTURE_DATA(net) *self, struct net_end *end, uint64_t features)
{
	struct message message;
	unsigned int i;

	if (!end)
		return false;
	self->dev = net_create(&self->m, &self->memory, self->worker, end, mac, &message);
	if (!self->dev || worker_start(self->worker))
		return false;
	driver_open(&self->d, &self->m, &self->memory, SLOT, true);
	self->receive = driver_alloc(&self->d, BUFFERS * FRAME);
	self->transmit = driver_alloc(&self->d, FRAME);
	if (!driver_negotiate(&self->d, features))
		return false;
	driver_queue(&self->d, 0, 16);
	driver_queue(&self->d, 1, 16);
	for (i = 0; i < BUFFERS; i++)
		add_receive(&self->d, self->receive, self->ids, i);
	driver_ready(&self->d);
	driver_kick(&self->d, 0);
	return true;
}

FIXTURE_SETUP(net)
{
	ASSERT_TRUE(fake_create(&self->m, &pci_host_class));
	fake_threads(&self->m);
	ASSERT_EQ(0, guest_memory_init(&self->memory, 16 * MIB));
	self->worker = worker_new();
	ASSERT_NE(NULL, self->worker);
}

FIXTURE_TEARDOWN(net)
{
	worker_stop(self->worker);
	if (self->dev)
		self->dev->class->destroy(self->dev);
	worker_free(self->worker);
	guest_memory_free(&self->memory);
	fake_destroy(&self->m);
}

static void transmit(FIXTURE_DATA(net) *self, const void *frame, uint32_t size)
{
	const struct driver_element elements[] = {
		{ self->transmit, HEADER, false },
		{ self->transmit + HEADER, size, false },
	};
	uint32_t length;
	uint16_t id;

	memset(driver_at(&self->d, self->transmit, HEADER), 0, HEADER);
	memcpy(driver_at(&self->d, self->transmit + HEADER, size), frame, size);
	driver_add(&self->d, 1, elements, 2);
	driver_kick(&self->d, 1);
	if (!driver_wait(&self->d, 1, &id, &length))
		ksft_exit_fail_msg("a frame stays in the queue\n");
}

/* The next frame, without its header; its size, or 0 if none comes. */
static uint32_t receive(FIXTURE_DATA(net) *self, uint8_t frame[FRAME])
{
	const uint8_t *bytes;
	uint32_t length;
	unsigned int i;
	uint16_t id;

	if (!driver_wait(&self->d, 0, &id, &length))
		return 0;
	for (i = 0; self->ids[i] != id; i++)
		;
	bytes = driver_at(&self->d, self->receive + i * FRAME, FRAME);
	if (length < HEADER || bytes[10] != 1 || bytes[11])
		ksft_exit_fail_msg("a frame has no header\n");
	memcpy(frame, bytes + HEADER, length - HEADER);
	add_receive(&self->d, self->receive, self->ids, i);
	driver_kick(&self->d, 0);
	return length - HEADER;
}

/* ---- A wire that ends here ---- */

struct wire {
	struct net_end end;
	int fd;
	uint8_t sent[4][FRAME];
	uint32_t sizes[4];
	unsigned int nr_sent;
	unsigned int to_receive;	/* frames that wait */
	unsigned int received;
	uint64_t features;
	bool *closed;
};

static void wire_send(struct net_end *end, const struct iovec *iov, unsigned int nr)
{
	struct wire *wire = (struct wire *)end;

	wire->sizes[wire->nr_sent % 4] =
		(uint32_t)iov_read(iov, nr, HEADER, wire->sent[wire->nr_sent % 4], FRAME);
	wire->nr_sent++;
}

static void wire_settle(struct net_end *end)
{
}

static int wire_fd(const struct net_end *end)
{
	return ((const struct wire *)end)->fd;
}

static void wire_process(struct net_end *end)
{
	struct wire *wire = (struct wire *)end;
	uint8_t bytes[HEADER + 100] = { 0 };
	const struct iovec iov[] = { { bytes, 20 }, { bytes + 20, sizeof(bytes) - 20 } };
	uint64_t count;

	while (wire->to_receive && end->can_receive(end->receiver)) {
		memset(bytes + HEADER, (int)(0x40 + wire->received), 100);
		end->receive(end->receiver, iov, 2);
		wire->received++;
		wire->to_receive--;
	}
	if (!wire->to_receive)
		read(wire->fd, &count, sizeof(count));
}

static void wire_set_features(struct net_end *end, uint64_t features)
{
	((struct wire *)end)->features = features;
}

static void wire_close(struct net_end *end)
{
	struct wire *wire = (struct wire *)end;

	*wire->closed = true;
	close(wire->fd);
	free(wire);
}

static const struct net_ops wire_ops = {
	.send = wire_send,
	.settle = wire_settle,
	.fd = wire_fd,
	.process = wire_process,
	.set_features = wire_set_features,
	.close = wire_close,
};

static struct wire *new_wire(bool *closed)
{
	struct wire *wire = calloc(1, sizeof(*wire));

	wire->end.ops = &wire_ops;
	wire->end.features = OFFLOADS;
	wire->fd = eventfd(0, EFD_NONBLOCK);
	wire->closed = closed;
	return wire;
}

static bool is_closed;

static void wire_gets(struct virtio_device *dev, struct wire *wire, unsigned int frames)
{
	const uint64_t one = 1;

	virtio_lock(dev);
	wire->to_receive += frames;
	virtio_unlock(dev);
	write(wire->fd, &one, sizeof(one));
}

TEST_F(net, the_configuration)
{
	struct wire *wire = new_wire(&is_closed);
	unsigned int i;

	ASSERT_TRUE(plug(self, &wire->end, 1 << 5 | 1 << 16 | 1));
	for (i = 0; i < 6; i++)
		EXPECT_EQ(mac[i], driver_read(&self->d, DRIVER_CONFIG + i, 1));
	EXPECT_EQ(1, driver_read(&self->d, DRIVER_CONFIG + 6, 2));
	/* Of the features those are the wire's that it offered. */
	EXPECT_EQ(1, wire->features);
	EXPECT_EQ(0x02, driver_pci_read(&self->m, SLOT, 0x0b, 1));
	worker_stop(self->worker);
	self->dev->class->destroy(self->dev);
	self->dev = NULL;
	EXPECT_TRUE(is_closed);
}

TEST_F(net, frames_go_out)
{
	struct wire *wire = new_wire(&is_closed);
	uint8_t frame[64];
	unsigned int i;

	ASSERT_TRUE(plug(self, &wire->end, 0));
	for (i = 0; i < 40; i++) {
		memset(frame, (int)i, sizeof(frame));
		transmit(self, frame, 14 + i);
		ASSERT_EQ(i + 1, wire->nr_sent);
		ASSERT_EQ(14 + i, wire->sizes[i % 4]);
		ASSERT_EQ(0, memcmp(frame, wire->sent[i % 4], 14 + i));
	}
}

/* More than there are buffers for: those that do not fit wait at the other end. */
TEST_F(net, frames_come_in)
{
	struct wire *wire = new_wire(&is_closed);
	uint8_t frame[FRAME];
	unsigned int i;

	ASSERT_TRUE(plug(self, &wire->end, 0));
	wire_gets(self->dev, wire, 50);
	for (i = 0; i < 50; i++) {
		ASSERT_EQ(100, receive(self, frame));
		ASSERT_EQ(0x40 + i, frame[0]);
		ASSERT_EQ(0x40 + i, frame[99]);
	}
}

TEST_F(net, a_reset_with_a_buffer_in_hand)
{
	struct wire *wire = new_wire(&is_closed);
	uint8_t frame[FRAME];

	ASSERT_TRUE(plug(self, &wire->end, 0));
	wire_gets(self->dev, wire, 1);
	ASSERT_EQ(100, receive(self, frame));
	driver_write(&self->d, DRIVER_STATUS, 1, 0);
	EXPECT_EQ(0, driver_read(&self->d, DRIVER_STATUS, 1));
	/* What comes meanwhile waits. */
	wire_gets(self->dev, wire, 1);
	usleep(20000);
	EXPECT_EQ(1, wire->received);
}

/* Shorter than a header, and a buffer for receiving that is too small for a frame. */
TEST_F(net, bad_buffers)
{
	struct wire *wire = new_wire(&is_closed);
	const struct driver_element small[] = {
		{ MIB, 8, false }, { MIB, 16, true },
	};
	uint32_t length;
	uint16_t id;

	ASSERT_TRUE(plug(self, &wire->end, 0));
	driver_add(&self->d, 1, &small[0], 1);
	driver_kick(&self->d, 1);
	ASSERT_TRUE(driver_wait(&self->d, 1, &id, &length));
	EXPECT_EQ(0, wire->nr_sent);
	/* A buffer to write where one is to be read. */
	driver_add(&self->d, 1, &small[1], 1);
	driver_kick(&self->d, 1);
	ASSERT_TRUE(driver_wait(&self->d, 1, &id, &length));
	EXPECT_EQ(0, wire->nr_sent);
	driver_negotiate(&self->d, 0);
	driver_queue(&self->d, 0, 16);
	driver_add(&self->d, 0, &small[1], 1);
	driver_ready(&self->d);
	wire_gets(self->dev, wire, 1);
	usleep(20000);
	EXPECT_FALSE(driver_used(&self->d, 0, &id, &length));
}

/* ---- libslirp ---- */

struct ethernet {
	uint8_t to[6];
	uint8_t from[6];
	uint16_t type;
} __attribute__((packed));

struct arp {
	struct ethernet ethernet;
	uint16_t hardware;
	uint16_t protocol;
	uint8_t sizes[2];
	uint16_t op;
	uint8_t from_mac[6];
	uint32_t from;
	uint8_t to_mac[6];
	uint32_t to;
} __attribute__((packed));

struct udp {
	struct ethernet ethernet;
	uint8_t version;
	uint8_t service;
	uint16_t size;
	uint16_t id;
	uint16_t fragment;
	uint8_t ttl;
	uint8_t protocol;
	uint16_t sum;
	uint32_t from;
	uint32_t to;
	uint16_t from_port;
	uint16_t to_port;
	uint16_t udp_size;
	uint16_t udp_sum;
	uint8_t data[512];
} __attribute__((packed));

#define UDP_HEADERS	offsetof(struct udp, data)

static uint16_t ip_sum(const uint8_t *bytes, unsigned int size)
{
	uint32_t sum = 0;
	unsigned int i;

	for (i = 0; i < size; i += 2)
		sum += bytes[i] << 8 | bytes[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static void send_udp(FIXTURE_DATA(net) *self, const uint8_t to_mac[6], const char *from,
		     const char *to, uint16_t from_port, uint16_t to_port, const void *data,
		     unsigned int size)
{
	struct udp udp = {
		.ethernet.type = htons(0x800),
		.version = 0x45,
		.size = htons((uint16_t)(28 + size)),
		.ttl = 64,
		.protocol = 17,
		.from = inet_addr(from),
		.to = inet_addr(to),
		.from_port = htons(from_port),
		.to_port = htons(to_port),
		.udp_size = htons((uint16_t)(8 + size)),
	};

	memcpy(udp.ethernet.to, to_mac, 6);
	memcpy(udp.ethernet.from, mac, 6);
	memcpy(udp.data, data, size);
	udp.sum = ip_sum(&udp.version, 20);
	transmit(self, &udp, (uint32_t)(UDP_HEADERS + size));
}

/* The next frame that is UDP to that port; others are passed over. */
static bool receive_udp(FIXTURE_DATA(net) *self, struct udp *udp, uint16_t port)
{
	uint8_t frame[FRAME];
	uint32_t size;

	while ((size = receive(self, frame))) {
		memcpy(udp, frame, size < sizeof(*udp) ? size : sizeof(*udp));
		if (udp->ethernet.type == htons(0x800) && udp->protocol == 17 &&
		    udp->to_port == htons(port))
			return true;
	}
	return false;
}

static const uint8_t everybody[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

/* It answers who has the router's address; without that it knows not where we are. */
static bool resolve(FIXTURE_DATA(net) *self, uint8_t router[6])
{
	struct arp arp = {
		.ethernet.type = htons(0x806),
		.hardware = htons(1),
		.protocol = htons(0x800),
		.sizes = { 6, 4 },
		.op = htons(1),
		.from = inet_addr("10.0.2.15"),
		.to = inet_addr("10.0.2.2"),
	};
	uint8_t frame[FRAME];

	memcpy(arp.ethernet.to, everybody, 6);
	memcpy(arp.ethernet.from, mac, 6);
	memcpy(arp.from_mac, mac, 6);
	transmit(self, &arp, sizeof(arp));
	while (receive(self, frame)) {
		memcpy(&arp, frame, sizeof(arp));
		if (arp.ethernet.type != htons(0x806) || arp.op != htons(2))
			continue;
		memcpy(router, arp.from_mac, 6);
		return true;
	}
	return false;
}

TEST_F(net, dhcp)
{
	static const struct net_options options;
	uint8_t request[300] = { 1, 1, 6, 0, 0x12, 0x34, 0x56, 0x78 };
	static const uint8_t cookie[] = { 0x63, 0x82, 0x53, 0x63, 53, 1, 1, 255 };
	struct message message;
	struct udp reply;

	ASSERT_TRUE(plug(self, net_open_slirp(&options, &message), 0));
	memcpy(request + 28, mac, 6);
	memcpy(request + 236, cookie, sizeof(cookie));
	send_udp(self, everybody, "0.0.0.0", "255.255.255.255", 68, 67, request, sizeof(request));
	ASSERT_TRUE(receive_udp(self, &reply, 68));
	/* An offer of our address. */
	EXPECT_EQ(2, reply.data[0]);
	EXPECT_EQ(0, memcmp(reply.data + 4, request + 4, 4));
	EXPECT_EQ(0, memcmp(reply.data + 16, "\x0a\x00\x02\x0f", 4));
}

static int host_socket(uint16_t *port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t size = sizeof(address);
	const int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (bind(fd, (struct sockaddr *)&address, size) ||
	    getsockname(fd, (struct sockaddr *)&address, &size))
		ksft_exit_fail_msg("no socket: %s\n", strerror(errno));
	*port = ntohs(address.sin_port);
	return fd;
}

/* To a socket of the host, by way of the router, and back. */
TEST_F(net, udp_to_the_host)
{
	static const struct net_options options;
	struct sockaddr_in peer;
	socklen_t size = sizeof(peer);
	uint8_t router[6], bytes[64];
	struct message message;
	struct udp reply;
	uint16_t port;
	const int fd = host_socket(&port);
	unsigned int i;

	ASSERT_TRUE(plug(self, net_open_slirp(&options, &message), 0));
	ASSERT_TRUE(resolve(self, router));
	for (i = 0; i < 20; i++) {
		snprintf((char *)bytes, sizeof(bytes), "message %u", i);
		send_udp(self, router, "10.0.2.15", "10.0.2.2", 5000, port, bytes, 12);
		ASSERT_EQ(12, recvfrom(fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&peer,
				       &size));
		ASSERT_EQ('m', bytes[0]);
		bytes[0] = 'M';
		ASSERT_EQ(12, sendto(fd, bytes, 12, 0, (struct sockaddr *)&peer, size));
		ASSERT_TRUE(receive_udp(self, &reply, 5000));
		ASSERT_EQ(0, memcmp(reply.data, bytes, 12));
	}
	close(fd);
}

/* A port of the host leads to one of the guest; a second time it is taken. */
TEST_F(net, a_port_forward)
{
	struct net_options options = { 0 };
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	char text[64], bytes[16];
	struct message message;
	uint8_t router[6];
	struct udp udp;
	uint16_t port;
	int fd = host_socket(&port);

	/* One that is free, or was just now. */
	close(fd);
	snprintf(text, sizeof(text), "user,hostfwd=udp:127.0.0.1:%u:7000", port);
	ASSERT_EQ(0, parse_net(text, 0, &options, &message));
	ASSERT_TRUE(plug(self, net_open_slirp(&options, &message), 0));
	EXPECT_EQ(NULL, net_open_slirp(&options, &message));
	EXPECT_NE(NULL, strstr(message.text, "cannot forward UDP port"));
	ASSERT_TRUE(resolve(self, router));
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	address.sin_port = htons(port);
	ASSERT_EQ(5, sendto(fd, "hello", 5, 0, (struct sockaddr *)&address, sizeof(address)));
	ASSERT_TRUE(receive_udp(self, &udp, 7000));
	EXPECT_EQ(0, memcmp(udp.data, "hello", 5));
	send_udp(self, router, "10.0.2.15", "10.0.2.2", 7000, ntohs(udp.from_port), "HELLO", 5);
	ASSERT_EQ(5, recv(fd, bytes, sizeof(bytes), 0));
	EXPECT_EQ(0, memcmp(bytes, "HELLO", 5));
	close(fd);
}

/* ---- A tap device ---- */

static bool set_interface(const char *name)
{
	struct ifreq request = { 0 };
	const int fd = socket(AF_INET, SOCK_DGRAM, 0);
	bool up;

	strcpy(request.ifr_name, name);
	up = !ioctl(fd, SIOCGIFFLAGS, &request);
	request.ifr_flags |= IFF_UP;
	up = up && !ioctl(fd, SIOCSIFFLAGS, &request);
	close(fd);
	return up;
}

TEST_F(net, tap)
{
	struct net_options options = { .tap = "mvmxtest0" };
	struct message message;
	struct net_end *end;
	uint8_t frame[FRAME];
	unsigned int tries = 0;
	uint32_t size;

	if (access("/dev/net/tun", R_OK | W_OK))
		SKIP(return, "there is no /dev/net/tun");
	end = net_open_tap(&options, &message);
	if (!end)
		TH_LOG("%s", message.text);
	ASSERT_NE(NULL, end);
	EXPECT_EQ(NULL, net_open_tap(&options, &message));
	EXPECT_NE(NULL, strstr(message.text, "another VM has it"));
	ASSERT_TRUE(plug(self, end, OFFLOADS));
	/* The host says something as soon as the interface is up: it looks for its like. */
	ASSERT_TRUE(set_interface("mvmxtest0"));
	size = receive(self, frame);
	EXPECT_LE(14, size);
	EXPECT_EQ(0x86, frame[12]);
	EXPECT_EQ(0xdd, frame[13]);
	transmit(self, frame, size);
	/* Deleted, its cable is unplugged, and nothing waits for it any more. */
	EXPECT_EQ(1, driver_read(&self->d, DRIVER_CONFIG + 6, 2));
	ASSERT_EQ(0, system("ip link delete mvmxtest0"));
	while (driver_read(&self->d, DRIVER_CONFIG + 6, 2) && tries++ < 5000)
		usleep(1000);
	EXPECT_EQ(0, driver_read(&self->d, DRIVER_CONFIG + 6, 2));
	transmit(self, frame, size);
	ASSERT_TRUE(driver_negotiate(&self->d, 0));
}

TEST(tap_that_cannot_be)
{
	struct net_options options = { .tap = "a-name-that-is-too-long" };
	struct message message;

	if (access("/dev/net/tun", R_OK | W_OK))
		SKIP(return, "there is no /dev/net/tun");
	EXPECT_EQ(NULL, net_open_tap(&options, &message));
	EXPECT_NE(NULL, strstr(message.text, "longer than 15 bytes"));
}

/* ---- Options ---- */

/* parse_net() of a copy, to which @net points for as long as the process lives. */
static int parse(const char *text, unsigned int index, struct net_options *net,
		 struct message *message)
{
	static char copies[64][128];
	static unsigned int nr;

	snprintf(copies[nr], sizeof(copies[nr]), "%s", text);
	return parse_net(copies[nr++], index, net, message);
}

TEST(options)
{
	static const char *const bad[] = {
		"", "tap=", "usr", "user,", "user,mac=1", "user,mac=53:54:00:12:34:56",
		"user,mac=52:54:00:12:34:567", "user,hostfwd=", "user,hostfwd=tcp:1", "user,x",
		"user,hostfwd=sctp:1:2", "user,hostfwd=tcp:0:2", "user,hostfwd=tcp:1:70000",
		"user,hostfwd=tcp:x:1:2", "user,hostfwd=tcp:1.2.3.4:1:2:3", "tap=a,restrict",
	};
	struct net_options net;
	struct message message;
	unsigned int i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		message.text[0] = '\0';
		EXPECT_EQ(-1, parse(bad[i], 0, &net, &message));
		EXPECT_NE('\0', message.text[0]);
	}
	ASSERT_EQ(0, parse("user", 3, &net, &message));
	EXPECT_EQ(0x59, net.mac[5]);
	EXPECT_EQ(NULL, net.tap);
	ASSERT_EQ(0, parse("user,restrict,hostfwd=tcp:2222:22,hostfwd=udp:127.0.0.1:53:53,"
			       "mac=52:54:00:aa:bb:cc", 0, &net, &message));
	EXPECT_TRUE(net.restricted);
	ASSERT_EQ(2, net.nr_forwards);
	EXPECT_FALSE(net.forwards[0].is_udp);
	EXPECT_EQ(0, net.forwards[0].host_address);
	EXPECT_EQ(2222, net.forwards[0].host_port);
	EXPECT_EQ(22, net.forwards[0].guest_port);
	EXPECT_TRUE(net.forwards[1].is_udp);
	EXPECT_EQ(htonl(INADDR_LOOPBACK), net.forwards[1].host_address);
	EXPECT_EQ(0xcc, net.mac[5]);
	ASSERT_EQ(0, parse("tap=tap0,mac=52:54:00:aa:bb:cc", 0, &net, &message));
	EXPECT_EQ(0, strcmp("tap0", net.tap));
}

TEST_HARNESS_MAIN
