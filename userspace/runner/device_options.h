/* SPDX-License-Identifier: GPL-2.0 */
/* What --disk and its like say; messages are to be printed behind the option's name. */
#ifndef DEVICE_OPTIONS_H
#define DEVICE_OPTIONS_H

#include "../virtio/disk.h"
#include "../virtio/net.h"
#include "message.h"

/*
 * PATH[,ro][,direct][,log=FILE]. 0, or -1 with a message. The text is cut into pieces, to
 * which @disk points.
 */
int parse_disk(char *text, struct disk_options *disk, struct message *message);

/*
 * user or tap=NAME, and behind it [,mac=MAC][,hostfwd=tcp|udp:[ADDRESS:]PORT:GUESTPORT]...
 * [,restrict]. Without mac= the address is that of the machine's device number @index.
 * The text is cut into pieces as well.
 */
int parse_net(char *text, unsigned int index, struct net_options *net,
	      struct message *message);

#endif /* DEVICE_OPTIONS_H */
