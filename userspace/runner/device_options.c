// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device_options.h"

int parse_disk(char *text, struct disk_options *disk, struct message *message)
{
	char *word;

	*disk = (struct disk_options) { .path = strsep(&text, ",") };
	if (!disk->path[0])
		return fail(message, "no file is named");
	while ((word = strsep(&text, ","))) {
		if (!strcmp(word, "ro"))
			disk->read_only = true;
		else if (!strcmp(word, "direct"))
			disk->direct = true;
		else if (!strncmp(word, "log=", 4) && word[4])
			disk->log = word + 4;
		else
			return fail(message, "not one of ro, direct, log=FILE: '%s'", word);
	}
	return 0;
}

static int parse_mac(const char *text, uint8_t mac[NET_MAC_SIZE], struct message *message)
{
	unsigned int bytes[NET_MAC_SIZE], i;
	int end = 0;

	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &bytes[0], &bytes[1], &bytes[2], &bytes[3],
		   &bytes[4], &bytes[5], &end) != NET_MAC_SIZE || text[end])
		return fail(message, "not an address like 52:54:00:12:34:56: '%s'", text);
	for (i = 0; i < NET_MAC_SIZE; i++)
		mac[i] = (uint8_t)bytes[i];
	if (mac[0] & 1)
		return fail(message, "%s is the address of a group", text);
	return 0;
}

/* From 1 to 65535, or 0 if it is not that. */
static uint16_t port_of(const char *text)
{
	char *end;
	const unsigned long port = strtoul(text, &end, 10);

	return isdigit((unsigned char)text[0]) && !*end && port <= 0xffff ? (uint16_t)port : 0;
}

/* tcp:[ADDRESS:]PORT:GUESTPORT, which is cut into pieces. */
static int parse_forward(char *text, struct net_options *net, struct message *message)
{
	struct net_forward *forward = &net->forwards[net->nr_forwards];
	char whole[64], *words[4] = { NULL };
	struct in_addr address = { .s_addr = INADDR_ANY };
	unsigned int nr = 0;

	snprintf(whole, sizeof(whole), "%s", text);
	if (net->nr_forwards == NET_MAX_FORWARDS)
		return fail(message, "more than %d hostfwd", NET_MAX_FORWARDS);
	while (nr < 4 && (words[nr] = strsep(&text, ":")))
		nr++;
	if (nr >= 3 && !text) {
		forward->is_udp = !strcmp(words[0], "udp");
		forward->host_port = port_of(words[nr - 2]);
		forward->guest_port = port_of(words[nr - 1]);
		forward->host_address = nr == 3 || !words[1][0] || inet_aton(words[1], &address) ?
					address.s_addr : INADDR_NONE;
	}
	if (nr < 3 || text || (!forward->is_udp && strcmp(words[0], "tcp")) ||
	    !forward->host_port || !forward->guest_port || forward->host_address == INADDR_NONE)
		return fail(message,
			    "hostfwd= is not like tcp:2222:22 or udp:127.0.0.1:5353:53: '%s'",
			    whole);
	net->nr_forwards++;
	return 0;
}

static int parse_net_word(char *word, struct net_options *net, struct message *message)
{
	if (!strncmp(word, "mac=", 4))
		return parse_mac(word + 4, net->mac, message);
	if (net->tap)
		return fail(message, "with a tap device only mac=: '%s'", word);
	if (!strncmp(word, "hostfwd=", 8))
		return parse_forward(word + 8, net, message);
	if (strcmp(word, "restrict"))
		return fail(message, "not one of mac=, hostfwd=, restrict: '%s'", word);
	net->restricted = true;
	return 0;
}

int parse_net(char *text, unsigned int index, struct net_options *net,
	      struct message *message)
{
	char *word;

	/* Locally administered, and one that is known to be a VM's. */
	*net = (struct net_options) {
		.mac = { 0x52, 0x54, 0, 0x12, 0x34, (uint8_t)(0x56 + index) },
	};
	word = strsep(&text, ",");
	if (!strncmp(word, "tap=", 4) && word[4])
		net->tap = word + 4;
	else if (strcmp(word, "user"))
		return fail(message, "neither user nor tap=NAME: '%s'", word);
	while ((word = strsep(&text, ",")))
		if (parse_net_word(word, net, message))
			return -1;
	return 0;
}
